package redis

import (
	"bytes"
	"testing"
	"time"

	"secretaria/internal/channel/whaticket"
	"secretaria/internal/fault"
	"secretaria/internal/redis/redistest"
)

var _ whaticket.Logins = Logins{}

func TestLogins(t *testing.T) {
	t.Parallel()
	url := patient(redistest.URL(t))
	a, _ := connect(t, url)
	b, _ := connect(t, url)
	one, two, account := a.Logins(), b.Logins(), token()
	if _, err := one.Load(t.Context(), account); !fault.Is(err, fault.NotFound) {
		t.Errorf("Load() of nothing = %v, want fault.NotFound", err)
	}
	value := []byte("\x00\xff sealed \r\n")
	if err := one.Save(t.Context(), account, value, time.Hour); err != nil {
		t.Fatalf("Save() = %v", err)
	}
	if got, err := two.Load(t.Context(), account); err != nil || !bytes.Equal(got, value) {
		t.Errorf("Load() elsewhere = %q, %v, want %q", got, err, value)
	}
	if left := a.rdb.PTTL(t.Context(), loginKey(account)).Val(); left <= 0 || left > time.Hour {
		t.Errorf("the value lives %v, want at most an hour", left)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	url := patient(redistest.URL(t))
	a, _ := connect(t, url)
	b, _ := connect(t, url)
	account := token()
	release, err := a.Logins().Lock(t.Context(), account, time.Minute)
	if err != nil {
		t.Fatalf("Lock() = %v", err)
	}
	if _, err := b.Logins().Lock(t.Context(), account, time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("Lock() while it is held = %v, want fault.Conflict", err)
	}
	if left := a.rdb.PTTL(t.Context(), lockKey(account)).Val(); left <= 0 || left > time.Minute {
		t.Errorf("the lock lives %v, want at most a minute", left)
	}
	// Its owner took too long, and somebody else has it now.
	if err := a.rdb.Del(t.Context(), lockKey(account)).Err(); err != nil {
		t.Fatal(err)
	}
	again, err := b.Logins().Lock(t.Context(), account, time.Minute)
	if err != nil {
		t.Fatalf("Lock() when it is free = %v", err)
	}
	release()
	if _, err := a.Logins().Lock(t.Context(), account, time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("Lock() after the former owner let go = %v, want fault.Conflict", err)
	}
	again()
	if _, err := a.Logins().Lock(t.Context(), account, time.Millisecond); err != nil {
		t.Errorf("Lock() after its owner let go = %v", err)
	}
	eventually(t, "the lock to end by itself", func() bool {
		_, err := b.Logins().Lock(t.Context(), account, time.Minute)
		return err == nil
	})
}

func TestLoginsAway(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, refusing(t))
	if _, err := c.Logins().Load(t.Context(), "x"); !fault.Is(err, fault.Transient) {
		t.Errorf("Load() = %v, want fault.Transient", err)
	}
	if err := c.Logins().Save(t.Context(), "x", nil, time.Hour); !fault.Is(err, fault.Transient) {
		t.Errorf("Save() = %v, want fault.Transient", err)
	}
	if _, err := c.Logins().Lock(t.Context(), "x", time.Hour); !fault.Is(err, fault.Transient) {
		t.Errorf("Lock() = %v, want fault.Transient", err)
	}
}
