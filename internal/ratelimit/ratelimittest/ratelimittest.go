// Package ratelimittest is the suite that every limiter passes: the one of a process and the
// one that processes share mean the same.
package ratelimittest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Limiter is what intake asks of a limiter.
type Limiter interface {
	Allow(key string) (ok bool, retryAfter time.Duration)
	Return(key string)
}

// Subject is a kind of limiter.
type Subject struct {
	// In runs the body of a case, for one that needs a clock of its own; nil: as it is.
	In func(t *testing.T, body func(t *testing.T))
	// Open returns a limiter, and what lets time pass for it.
	Open func(t *testing.T, limit int, window time.Duration) (l Limiter, pass func(time.Duration))
	// Runs says that time also passes by itself.
	Runs bool
}

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	for name, body := range map[string]func(*testing.T, Subject){
		"exact":        exact,
		"retry after":  retryAfter,
		"return":       giveBack,
		"off":          off,
		"concurrent":   concurrent,
		"like a model": likeAModel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s.In == nil {
				body(t, s)
				return
			}
			s.In(t, func(t *testing.T) { body(t, s) })
		})
	}
}

func allow(t *testing.T, l Limiter, key string, want bool) time.Duration {
	t.Helper()
	ok, wait := l.Allow(key)
	if ok != want || ok != (wait == 0) {
		t.Fatalf("Allow(%q) = %v, %v, want %v", key, ok, wait, want)
	}
	return wait
}

func exact(t *testing.T, s Subject) {
	l, pass := s.Open(t, 20, time.Minute)
	for range 20 {
		allow(t, l, "a", true)
		pass(2 * time.Second)
	}
	for range 3 { // a refusal uses nothing
		if wait := allow(t, l, "a", false); wait != 20*time.Second {
			t.Fatalf("Allow, use 21 after 40 s, wants to wait %v, want 20s", wait)
		}
	}
	allow(t, l, "b", true)
	pass(19 * time.Second)
	if wait := allow(t, l, "a", false); wait != time.Second {
		t.Errorf("Allow a second early wants to wait %v, want 1s", wait)
	}
	pass(time.Second)
	allow(t, l, "a", true)
	if wait := allow(t, l, "a", false); wait != 2*time.Second {
		t.Errorf("Allow right after wants to wait %v, want 2s", wait)
	}
	pass(time.Hour)
	for range 20 {
		allow(t, l, "a", true)
	}
	allow(t, l, "a", false)
}

func retryAfter(t *testing.T, s Subject) {
	for _, window := range []time.Duration{time.Second, 1500 * time.Millisecond, time.Minute, 1000 * time.Hour} {
		l, _ := s.Open(t, 1, window)
		allow(t, l, "a", true)
		wait := allow(t, l, "a", false)
		most := (window + time.Second - 1).Truncate(time.Second)
		if wait < time.Second || wait > most || wait%time.Second != 0 {
			t.Errorf("window %v: Allow wants to wait %v, want whole seconds from 1s to %v", window, wait, most)
		}
	}
}

func giveBack(t *testing.T, s Subject) {
	l, pass := s.Open(t, 2, time.Minute)
	l.Return("unknown")
	allow(t, l, "a", true)
	pass(10 * time.Second)
	allow(t, l, "a", true)
	l.Return("a")
	allow(t, l, "a", true)
	if wait := allow(t, l, "a", false); wait != 50*time.Second {
		t.Errorf("Allow wants to wait %v, want 50s: the first use was not the one given back", wait)
	}
	for range 3 {
		l.Return("a")
	}
	allow(t, l, "a", true)
	allow(t, l, "a", true)
	allow(t, l, "a", false)
	pass(time.Minute)
	l.Return("a") // its uses have left the window
	allow(t, l, "a", true)
	allow(t, l, "a", true)
	allow(t, l, "a", false)
}

func off(t *testing.T, s Subject) {
	for _, c := range []struct {
		limit  int
		window time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {1, 0}, {1, -1}} {
		l, _ := s.Open(t, c.limit, c.window)
		for range 3 {
			allow(t, l, "a", true)
		}
		l.Return("a")
	}
}

func concurrent(t *testing.T, s Subject) {
	l, _ := s.Open(t, 50, time.Hour)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				if ok, _ := l.Allow("shared"); ok {
					allowed.Add(1)
				}
				own := fmt.Sprint(g, i%10)
				l.Allow(own)
				l.Return(own)
			}
		})
	}
	wg.Wait()
	if got := allowed.Load(); got != 50 {
		t.Errorf("%d uses allowed, want 50", got)
	}
}

// likeAModel compares with a log of everything that was allowed. Time passes in whole seconds
// and the window ends between two of them, so that a clock that runs by itself does not matter
// while the case takes less than half a second.
func likeAModel(t *testing.T, s Subject) {
	const limit, window = 3, 10*time.Second + 500*time.Millisecond
	rnd := rand.New(rand.NewPCG(1, 2))
	l, pass := s.Open(t, limit, window)
	var now time.Duration
	uses := map[string][]time.Duration{}
	started := time.Now()
	for range 3000 {
		key := fmt.Sprint(rnd.IntN(4))
		var recent []time.Duration
		for _, u := range uses[key] {
			if now-u < window {
				recent = append(recent, u)
			}
		}
		switch rnd.IntN(8) {
		case 0:
			d := time.Duration(rnd.IntN(5)) * time.Second
			pass(d)
			now += d
			continue
		case 1:
			l.Return(key)
			recent = recent[:max(0, len(recent)-1)]
		default:
			ok, _ := l.Allow(key)
			if s.Runs && time.Since(started) > 400*time.Millisecond {
				return
			}
			if ok != (len(recent) < limit) {
				t.Fatalf("Allow(%q) at %v = %v with uses %v", key, now, ok, recent)
			}
			if ok {
				recent = append(recent, now)
			}
		}
		uses[key] = recent
	}
}
