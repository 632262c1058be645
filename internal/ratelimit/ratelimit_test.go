package ratelimit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"secretaria/internal/ratelimit/ratelimittest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	ratelimittest.Run(t, ratelimittest.Subject{
		In: synctest.Test,
		Open: func(_ *testing.T, limit int, window time.Duration) (ratelimittest.Limiter, func(time.Duration)) {
			return New(limit, window), func(d time.Duration) { <-time.After(d) }
		},
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ wait, window, want time.Duration }{
		{1, 1, time.Second},
		{time.Second, time.Minute, time.Second},
		{time.Second + 1, time.Minute, 2 * time.Second},
		{time.Second + 1, time.Second + 2, 2 * time.Second},
		{2 * time.Minute, time.Minute, time.Minute}, // of a clock that was set back
		{-time.Second, time.Minute, time.Second},
	} {
		if got := RetryAfter(c.wait, c.window); got != c.want {
			t.Errorf("RetryAfter(%v, %v) = %v, want %v", c.wait, c.window, got, c.want)
		}
	}
}

func TestReturnForgetsKeys(t *testing.T) {
	t.Parallel()
	l := New(2, time.Minute)
	l.Allow("a")
	l.Allow("a")
	for range 3 {
		l.Return("a")
	}
	if n := len(l.keys); n != 0 {
		t.Errorf("%d keys after every use was given back, want 0", n)
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

func BenchmarkAllow(b *testing.B) {
	l := New(60, time.Minute)
	for b.Loop() {
		l.Allow("5511912345678")
	}
}
