package redis

import (
	"strings"
	"testing"
	"time"

	"secretaria/internal/ratelimit/ratelimittest"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/secret"
)

// earlier moves the uses of all keys of a pattern back in time.
const earlier = `
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local uses = redis.call('LRANGE', key, 0, -1)
  for i, use in ipairs(uses) do redis.call('LSET', key, i - 1, string.format('%.0f', use - ARGV[2])) end
end
return 0`

func TestLimiterSuite(t *testing.T) {
	t.Parallel()
	url := patient(redistest.URL(t))
	ratelimittest.Run(t, ratelimittest.Subject{
		Runs: true,
		Open: func(t *testing.T, limit int, window time.Duration) (ratelimittest.Limiter, func(time.Duration)) {
			c, _ := connect(t, url)
			l := c.Limiter("test-"+token(), limit, window)
			return l, func(d time.Duration) {
				if err := c.rdb.Eval(t.Context(), earlier, nil, prefix+"limit:"+l.name+":*", d.Microseconds()).Err(); err != nil {
					t.Errorf("let %v pass: %v", d, err)
				}
			}
		},
	})
}

// What one process counts, another one sees; and the key tells nothing and goes away.
func TestLimitIsShared(t *testing.T) {
	t.Parallel()
	url := patient(redistest.URL(t))
	a, _ := connect(t, url)
	b, _ := connect(t, url)
	const key = "vendas\x00phone\x00+5511988877766"
	name := "test-" + token()
	one, two := a.Limiter(name, 2, time.Minute), b.Limiter(name, 2, time.Minute)
	one.Allow(key)
	two.Allow(key)
	for _, l := range []*Limiter{one, two} {
		if ok, wait := l.Allow(key); ok || wait != time.Minute {
			t.Errorf("Allow() = %v, %v, want false, 1m0s", ok, wait)
		}
	}
	two.Return(key)
	if ok, _ := one.Allow(key); !ok {
		t.Error("Allow() after Return() elsewhere = false, want true")
	}
	keys, err := a.rdb.Keys(t.Context(), prefix+"*"+name+"*").Result()
	if err != nil || len(keys) != 1 || strings.Contains(keys[0], "988877766") {
		t.Fatalf("keys = %q, %v, want one that does not tell the number", keys, err)
	}
	if left := a.rdb.PTTL(t.Context(), keys[0]).Val(); left <= 0 || left > time.Minute+time.Second {
		t.Errorf("the key lives %v, want at most the window", left)
	}
	c, _ := connect(t, url)
	c.pepper = []byte("another installation")
	if got := c.Limiter(name, 2, time.Minute).key(key); got == keys[0] {
		t.Error("without the pepper the key can be made")
	}
}

// The server's clock is set back, a little and a lot: nobody waits longer than the window.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, patient(redistest.URL(t)))
	for _, back := range []time.Duration{30 * time.Second, 24 * time.Hour} {
		l := c.Limiter("test-"+token(), 2, time.Minute)
		l.Allow("a")
		if err := c.rdb.Eval(t.Context(), earlier, nil, prefix+"limit:"+l.name+":*", -back.Microseconds()).Err(); err != nil {
			t.Fatal(err)
		}
		allowed := 0
		for range 4 {
			ok, wait := l.Allow("a")
			if ok {
				allowed++
			} else if wait < time.Second || wait > time.Minute {
				t.Errorf("set back by %v: Allow() wants to wait %v", back, wait)
			}
		}
		want := 1
		if back > time.Minute {
			want = 2 // it began anew
		}
		if allowed != want {
			t.Errorf("set back by %v: %d allowed, want %d", back, allowed, want)
		}
	}
}

// Somebody else's value under our key is a failure of Redis like any other.
func TestLimitNonsense(t *testing.T) {
	t.Parallel()
	c, log := connect(t, patient(redistest.URL(t)))
	l := c.Limiter("test-"+token(), 1, time.Minute)
	if err := c.rdb.Set(t.Context(), l.key("a"), "x", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 * strikes {
		if ok, _ := l.Allow("a"); !ok {
			t.Error("Allow() = false, want true")
		}
	}
	if !c.Up() || log.failures(Limits) != 2*strikes {
		t.Errorf("Up() = %v, %d failures, want it up and %d", c.Up(), log.failures(Limits), 2*strikes)
	}
}

func BenchmarkAllow(b *testing.B) {
	c, err := Open(secret.New(redistest.URL(b)), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	l := c.Limiter("bench-"+token(), 60, time.Minute)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			l.Allow("5511912345678")
		}
	})
}
