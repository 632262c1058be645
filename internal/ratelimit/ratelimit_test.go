package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAllowIsExact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(20, time.Minute)
		for i := range 20 {
			if ok, wait := l.Allow("a"); !ok || wait != 0 {
				t.Fatalf("Allow, use %d = %v, %v, want true, 0", i+1, ok, wait)
			}
			time.Sleep(2 * time.Second)
		}
		for range 3 { // a refusal uses nothing
			if ok, wait := l.Allow("a"); ok || wait != 20*time.Second {
				t.Fatalf("Allow, use 21 after 40 s = %v, %v, want false, 20s", ok, wait)
			}
		}
		if ok, _ := l.Allow("b"); !ok {
			t.Error("Allow of another key = false, want true")
		}
		time.Sleep(20*time.Second - 1)
		if ok, wait := l.Allow("a"); ok || wait != time.Second {
			t.Errorf("Allow 1 ns early = %v, %v, want false, 1s", ok, wait)
		}
		time.Sleep(time.Nanosecond)
		if ok, _ := l.Allow("a"); !ok {
			t.Error("Allow when the first use left the window = false, want true")
		}
		if ok, wait := l.Allow("a"); ok || wait != 2*time.Second {
			t.Errorf("Allow right after = %v, %v, want false, 2s", ok, wait)
		}
	})
}

func TestRetryAfterIsWholeSecondsWithinTheWindow(t *testing.T) {
	t.Parallel()
	for _, window := range []time.Duration{time.Nanosecond, 300 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			l := New(1, window)
			l.Allow("a")
			ok, wait := l.Allow("a")
			most := (window + time.Second - 1).Truncate(time.Second)
			if ok || wait < time.Second || wait > most || wait%time.Second != 0 {
				t.Errorf("window %v: Allow = %v, %v, want false and whole seconds from 1s to %v", window, ok, wait, most)
			}
		})
	}
}

func TestPeekUsesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(2, time.Minute)
		for range 5 {
			if ok, _ := l.Peek("a"); !ok {
				t.Fatal("Peek of a fresh key = false, want true")
			}
		}
		l.Allow("a")
		l.Allow("a")
		if ok, wait := l.Peek("a"); ok || wait != time.Minute {
			t.Errorf("Peek at the limit = %v, %v, want false, 1m0s", ok, wait)
		}
		time.Sleep(time.Minute)
		if ok, _ := l.Peek("a"); !ok {
			t.Error("Peek after the window = false, want true")
		}
		l.Return("a") // its uses have left the window
		if ok, _ := l.Allow("a"); !ok {
			t.Error("Allow after the window = false, want true")
		}
	})
}

func TestReturnGivesBackTheLastUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(2, time.Minute)
		l.Return("unknown")
		l.Allow("a")
		time.Sleep(10 * time.Second)
		l.Allow("a")
		l.Return("a")
		if ok, _ := l.Allow("a"); !ok {
			t.Error("Allow after Return = false, want true")
		}
		if ok, wait := l.Allow("a"); ok || wait != 50*time.Second {
			t.Errorf("Allow = %v, %v, want false, 50s: the first use was not the one given back", ok, wait)
		}
		l.Return("a")
		l.Return("a")
		l.Return("a")
		if n := len(l.keys); n != 0 {
			t.Errorf("%d keys after every use was given back, want 0", n)
		}
	})
}

func TestOff(t *testing.T) {
	t.Parallel()
	for _, l := range []*Limiter{nil, New(0, time.Minute), New(-1, time.Minute), New(1, 0)} {
		for range 3 {
			if ok, wait := l.Allow("a"); !ok || wait != 0 {
				t.Errorf("Allow of %+v = %v, %v, want true, 0", l, ok, wait)
			}
		}
		l.Return("a")
		if ok, _ := l.Peek("a"); !ok {
			t.Errorf("Peek of %+v = false, want true", l)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(1, time.Minute)
		l.max = 100
		for i := range 1000 {
			if ok, _ := l.Allow(fmt.Sprint(i)); !ok {
				t.Fatalf("Allow of fresh key %d = false, want true", i)
			}
			if len(l.keys) > l.max {
				t.Fatalf("%d keys after %d, want at most %d", len(l.keys), i, l.max)
			}
		}
		if ok, _ := l.Peek("900"); ok {
			t.Error("Peek of a recent key = true, want false: it must not be the one forgotten")
		}
		if ok, _ := l.Peek("899"); !ok {
			t.Error("Peek of the oldest key = false, want true: it is forgotten when there are too many")
		}
		time.Sleep(time.Minute)
		for i := range 60 {
			l.Allow(fmt.Sprint("late ", i))
		}
		if n := len(l.keys); n != 60 {
			t.Errorf("%d keys, want the 60 that are in the window", n)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	l := New(100, time.Hour)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				if ok, _ := l.Allow("shared"); ok {
					allowed.Add(1)
				}
				own := fmt.Sprint(g, i%10)
				l.Allow(own)
				l.Peek(own)
				l.Return(own)
			}
		})
	}
	wg.Wait()
	if got := allowed.Load(); got != 100 {
		t.Errorf("%d uses allowed, want 100", got)
	}
}

// TestAgainstAModel compares with a log of everything that was allowed.
func TestAgainstAModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, window = 3, 10 * time.Second
		rnd := rand.New(rand.NewPCG(1, 2))
		l := New(limit, window)
		uses := map[string][]time.Time{}
		for range 20_000 {
			name := fmt.Sprint(rnd.IntN(5))
			var recent []time.Time
			for _, u := range uses[name] {
				if time.Since(u) < window {
					recent = append(recent, u)
				}
			}
			switch rnd.IntN(4) {
			case 0:
				time.Sleep(time.Duration(rnd.IntN(5000)) * time.Millisecond)
				continue
			case 1:
				if ok, _ := l.Peek(name); ok != (len(recent) < limit) {
					t.Fatalf("Peek(%q) = %v with uses %v", name, ok, recent)
				}
			case 2:
				l.Return(name)
				if len(recent) > 0 {
					recent = recent[:len(recent)-1]
				}
			default:
				ok, _ := l.Allow(name)
				if ok != (len(recent) < limit) {
					t.Fatalf("Allow(%q) = %v with uses %v", name, ok, recent)
				}
				if ok {
					recent = append(recent, time.Now())
				}
			}
			uses[name] = recent
		}
	})
}

func BenchmarkAllow(b *testing.B) {
	l := New(60, time.Minute)
	for b.Loop() {
		l.Allow("5511912345678")
	}
}
