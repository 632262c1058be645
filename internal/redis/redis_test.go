package redis

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/secret"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"redis://localhost", "redis://localhost:6379/0", "rediss://u:p@example.com:6380/3", "redis://:p%40ss@[::1]:6379"} {
		if err := Validate(secret.New(ok)); err != nil {
			t.Errorf("Validate(%q) = %v, want nil", ok, err)
		}
	}
	for _, bad := range []string{"hunter2", "redis:hunter2", "redis://", "http://hunter2", "localhost:6379", "unix:///hunter2", "redis://:hunter2@h/x", "redis://:hunter2@h/1/2", "redis://:hun%ter2@h", "redis://h?hunter2=1",
		"redis://u:hunter2@h:99999999", "redis://u:hunter2@h:x"} {
		err := Validate(secret.New(bad))
		if err == nil || strings.Contains(err.Error(), "hun") {
			t.Errorf("Validate(%q) = %v, want an error that does not repeat it", bad, err)
		}
		if _, err := Open(secret.New(bad), Options{}); err == nil || !strings.HasPrefix(err.Error(), "REDIS_URL: ") || strings.Contains(err.Error(), "hun") {
			t.Errorf("Open(%q) = %v, want an error that names REDIS_URL and does not repeat it", bad, err)
		}
	}
}

// A server that is down or silent: opening costs nothing, the first uses a bounded time, the
// others nothing, and that is said once.
func TestAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url  func(*testing.T) string
		code string
	}{
		"down":      {refusing, "connection refused"},
		"silent":    {silence, "timeout"},
		"elsewhere": {func(*testing.T) string { return "redis://nobody.invalid" }, "host not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, log := connect(t, c.url(t))
			l := c.Limiter("x", 1, time.Minute)
			for range 5 {
				if ok, wait := l.Allow("a"); !ok || wait != 0 {
					t.Fatalf("Allow() = %v, %v, want true, 0", ok, wait)
				}
			}
			eventually(t, "the server to be away", func() bool { return !c.Up() })
			// Nothing is dialled any more: an ended context would be noticed.
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			before := log.failures(Limits)
			if err := c.do(ended, Limits, func(context.Context) error { t.Error("a command was run"); return nil }); !errors.Is(err, errAway) {
				t.Errorf("do() = %v, want %v", err, errAway)
			}
			for range 10_000 {
				l.Allow("a")
				l.Return("a")
			}
			if n := log.failures(Limits) - before; n != 20_001 {
				t.Errorf("%d uses went without Redis, want 20001", n)
			}
			if err := c.Ping(t.Context()); fault.Code(err) == "" {
				t.Error("Ping() = nil, want an error")
			}
			if got := log.lines(); !strings.HasPrefix(got, "redis is away: ") || strings.Contains(got, ",") {
				t.Errorf("log = %q, want one line", got)
			}
			if text := log.text(); strings.Contains(text, "127.0.0.1") || strings.Contains(text, "nobody") {
				t.Errorf("log names the host: %s", text)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, refusing(t))
	if err := c.Ping(t.Context()); fault.Code(err) != "connection refused" || fault.KindOf(err) != fault.Transient {
		t.Errorf("Ping() of a closed port = %v, want connection refused", err)
	}
	c, _ = connect(t, silence(t))
	if err := c.Ping(t.Context()); fault.Code(err) != "timeout" {
		t.Errorf("Ping() of a silent server = %v, want timeout", err)
	}
	c, _ = connect(t, "redis://nobody.invalid")
	if err := c.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "nobody") {
		t.Errorf("Ping() of an unknown host = %v, want an error without the host", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Ping(ended); fault.Code(err) != "cancelled" {
		t.Errorf("Ping() for nobody = %v, want cancelled", err)
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	password := redistest.Password()
	s := redistest.Start(t, password)
	for name, user := range map[string]*url.Userinfo{"wrong": url.UserPassword("", "hunter2"), "none": nil, "unknown user": url.UserPassword("hunter2", password)} {
		u := url.URL{Scheme: "redis", User: user, Host: s.Addr}
		c, log := connect(t, u.String())
		eventually(t, "the server to be away", func() bool { return !c.Up() })
		if err := c.Ping(t.Context()); fault.Code(err) != "password refused" || fault.KindOf(err) != fault.Unauthorized {
			t.Errorf("%s: Ping() = %v, want password refused", name, err)
		}
		if got := log.text(); strings.Contains(got, "hunter2") || log.lines() != "redis is away: password refused" {
			t.Errorf("%s: log = %s", name, got)
		}
		if ok, _ := c.Limiter("x", 1, time.Minute).Allow("a"); !ok {
			t.Errorf("%s: Allow() = false, want true", name)
		}
	}
	c, _ := connect(t, patient(s.URL))
	if err := c.Ping(t.Context()); err != nil || !c.Up() {
		t.Errorf("Ping() with the password = %v, want nil", err)
	}
}

// The server goes and comes back: that is noticed without anybody's asking.
func TestHealsByItself(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	c, log := connect(t, patient(s.URL))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatalf("Ping() = %v", err)
	}
	l := c.Limiter("x", 1, time.Hour)
	l.Allow("a")
	if ok, _ := l.Allow("a"); ok {
		t.Fatal("Allow() = true, want the limit to hold")
	}
	s.Stop()
	eventually(t, "limits to open", func() bool { ok, _ := l.Allow("a"); return ok && !c.Up() })
	s.Restart(t)
	eventually(t, "the server to be back", c.Up)
	l.Allow("a")
	if ok, _ := l.Allow("a"); ok {
		t.Error("Allow() after the return = true, want the limit to hold again")
	}
	if got := log.lines(); got != "redis is away: connection refused, redis is back" && got != "redis is away: connection lost, redis is back" {
		t.Errorf("log = %q, want a line when it went and one when it came", got)
	}
}

// A server that refuses to write is of no use, and is not taken for back at every probe.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	plain := redistest.Client(t, s.URL)
	c, log := connect(t, patient(s.URL))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := plain.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	l := c.Limiter("x", 1, time.Minute)
	for range strikes + 1 {
		if ok, _ := l.Allow("a"); !ok {
			t.Fatal("Allow() = false, want true")
		}
	}
	if c.Up() {
		t.Error("Up() = true, want a server that writes nothing taken for away")
	}
	if err := c.Ping(t.Context()); err == nil || c.Up() {
		t.Errorf("Ping() = %v, Up() = %v, want an error", err, c.Up())
	}
	if err := plain.ReplicaOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server to be back", c.Up)
	if got := strings.Count(log.lines(), ","); got != 1 {
		t.Errorf("log = %q, want two lines", log.lines())
	}
}

// What one command may not do says nothing about the others.
func TestRefusedCommand(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	plain := redistest.Client(t, s.URL)
	if err := plain.Do(t.Context(), "ACL", "SETUSER", "app", "on", ">secret", "~secretaria:*", "+@all", "resetchannels").Err(); err != nil {
		t.Fatal(err)
	}
	c, log := connect(t, patient("redis://app:secret@"+s.Addr))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatalf("Ping() = %v", err)
	}
	for range 3 * strikes {
		err := c.do(t.Context(), Events, func(ctx context.Context) error { return c.rdb.Publish(ctx, "x", "y").Err() })
		if fault.Code(err) != "refused: NOPERM" {
			t.Fatalf("do() = %v, want refused: NOPERM", err)
		}
	}
	if !c.Up() || log.lines() != "" || log.failures(Events) != 3*strikes {
		t.Errorf("Up() = %v, log %q, %d failures, want it up and every failure counted", c.Up(), log.lines(), log.failures(Events))
	}
}

// A caller who goes away says nothing about the server.
func TestCancelledCallers(t *testing.T) {
	t.Parallel()
	c, log := connect(t, patient(redistest.URL(t)))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 * strikes {
		if _, err := c.Logins().Load(ended, "x"); fault.Code(err) != "cancelled" {
			t.Fatalf("Load() = %v, want cancelled", err)
		}
	}
	if !c.Up() || log.lines() != "" || log.failures(Sessions) != 0 {
		t.Errorf("Up() = %v, log %q, want it up", c.Up(), log.lines())
	}
}
