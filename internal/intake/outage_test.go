package intake_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/intake"
	"secretaria/internal/spool"
	"secretaria/internal/store"
)

// storing is a memory that is a function.
type storing func(context.Context, store.Arrival) ([]store.Result, error)

func (f storing) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	return f(ctx, a)
}

// spooling is a kit with a spool in front of a memory.
func spooling(t *testing.T, maxBytes int64, memory storing) (*kit, *spool.Spool, *intake.Intake) {
	t.Helper()
	s, err := spool.Open(t.Context(), spool.Config{Dir: t.TempDir(), MaxBytes: maxBytes})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	var cfg intake.Config
	k := newKit(func(c *intake.Config) {
		c.Memory, c.Spool, c.Outage = memory, s, func(err error) bool { return fault.Is(err, fault.Transient) }
		cfg = *c
	})
	return k, s, intake.New(cfg)
}

// What happens to a webhook by what the memory says to it.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		err     error
		panics  bool
		want    string
		waiting int
		used    int // of the contact's limit
	}{
		{"stored", nil, false, "202 vendas accepted", 0, 1},
		{"an outage", fault.New(fault.Transient, "database"), false, "202 vendas accepted spooled", 1, 1},
		{"the request's own fault", fault.New(fault.Invalid, "constraint"), false, "503 vendas unavailable", 0, 0},
		{"a panic", nil, true, "503 vendas unavailable", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, s, _ := spooling(t, 1<<20, func(context.Context, store.Arrival) ([]store.Result, error) {
				if c.panics {
					panic("nonsense")
				}
				return []store.Result{{Conversation: 1}}, c.err
			})
			if got := k.post(t, "/in/vendas", "received +1 K"); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
			if got := s.State(); got.Waiting != c.waiting || got.Holding != (c.waiting > 0) {
				t.Errorf("spool %+v, want %d waiting", got, c.waiting)
			}
			if got := k.contacts.uses()["vendas phone +1"]; got != c.used {
				t.Errorf("the contact's limit counts %d, want %d", got, c.used)
			}
			if (k.done[0].Err == nil) != (k.done[0].Outcome == channel.Accepted) {
				t.Errorf("observed %+v", k.done[0])
			}
		})
	}
}

// While something is spooled the memory is not asked, and what wants nothing is not spooled.
func TestBehindTheSpool(t *testing.T) {
	t.Parallel()
	asked := 0
	k, s, _ := spooling(t, 1<<20, func(context.Context, store.Arrival) ([]store.Result, error) {
		asked++
		return nil, fault.New(fault.Transient, "database")
	})
	for range 3 {
		if got := k.post(t, "/in/vendas", "received +1 K"); got != "202 vendas accepted spooled" {
			t.Errorf("answered %q, want it spooled", got)
		}
	}
	if got := k.post(t, "/in/vendas", "ignored - group"); !strings.HasPrefix(got, "200 vendas ignored group") {
		t.Errorf("what wants nothing is answered %q", got)
	}
	if asked != 1 || s.State().Waiting != 3 {
		t.Errorf("the memory was asked %d times and %d wait, want once and 3", asked, s.State().Waiting)
	}
}

// A memory that hangs is noticed well before Chatwoot gives up, and those after the first
// do not wait for it.
func TestHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		k, s, _ := spooling(t, 1<<20, func(context.Context, store.Arrival) ([]store.Result, error) {
			<-release // whatever becomes of the caller
			return []store.Result{{}}, nil
		})
		defer close(release)
		for i, want := range []time.Duration{2 * time.Second, 0} {
			started := time.Now()
			if got := k.post(t, "/in/vendas", "received +1 K"); got != "202 vendas accepted spooled" {
				t.Errorf("answered %q, want it spooled", got)
			}
			if got := time.Since(started); got != want {
				t.Errorf("webhook %d took %v, want %v", i, got, want)
			}
		}
		if got := s.State().Waiting; got != 2 {
			t.Errorf("%d wait, want 2", got)
		}
	})
}

// A full spool answers as a failing store does, and counts nothing.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	k, s, _ := spooling(t, 1<<20, func(context.Context, store.Arrival) ([]store.Result, error) {
		return nil, fault.New(fault.Transient, "database")
	})
	big := "received +1 K\n" + strings.Repeat(" ", 300_000)
	taken := 0
	for ; taken < 10; taken++ {
		if got := k.post(t, "/in/vendas", big); got != "202 vendas accepted spooled" {
			if got != "503 vendas unavailable" {
				t.Errorf("answered %q", got)
			}
			break
		}
	}
	if taken < 2 || taken > 3 || s.State().Waiting != taken {
		t.Errorf("%d were taken and %d wait, want as many as fit into a megabyte", taken, s.State().Waiting)
	}
	if got := k.contacts.uses()["vendas phone +1"]; got != taken {
		t.Errorf("the contact's limit counts %d, want %d", got, taken)
	}
	if last := k.done[len(k.done)-1]; !errors.Is(last.Err, spool.ErrFull) {
		t.Errorf("observed %v, want the full spool", last.Err)
	}
}

// What is read again from the spool is what would have been stored at once.
func TestRead(t *testing.T) {
	t.Parallel()
	var direct []store.Arrival
	away := false
	k, s, in := spooling(t, 1<<20, func(_ context.Context, a store.Arrival) ([]store.Result, error) {
		if away {
			return nil, fault.New(fault.Transient, "database")
		}
		direct = append(direct, a)
		return []store.Result{{Pending: true, Stale: true, Conversation: 7}}, nil
	})
	post := func() {
		r := request("/in/vendas", strings.NewReader("received +1 K"))
		r.Header.Set("X-Timestamp", "1700000000")
		if rec := k.serve(r); rec.Code != 202 {
			t.Errorf("answered %d", rec.Code)
		}
	}
	post()
	away = true
	post()
	away = false
	want := direct[0]
	got := make(chan spool.Entry, 1)
	s.Start(t.Context(), spool.Forwarding{
		Probe:   func(context.Context) error { return nil },
		Read:    func(e spool.Entry) (store.Arrival, error) { got <- e; return in.Read(e) },
		Receive: in.Receive, Outage: func(error) bool { return false },
	})
	e := <-got
	a, err := in.Read(e)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if a.Inbox != want.Inbox || a.Channel != want.Channel || a.Quiet != want.Quiet || a.Hold != want.Hold || a.CanOpen != want.CanOpen || a.DedupeWindow != want.DedupeWindow ||
		!slices.Equal(a.Fallback, want.Fallback) || a.Fallback == nil || len(a.Events) != 1 || a.Events[0].Key != "K" {
		t.Errorf("Read = %+v, want what is stored at once: %+v", a, want)
	}
	if !a.Now.Equal(e.Received) || a.Now.IsZero() {
		t.Errorf("Read has the time %v, want that of the arrival, %v", a.Now, e.Received)
	}
	before := time.Now()
	e.Late = true
	if a, err = in.Read(e); err != nil || a.Now.Before(before) {
		t.Errorf("Read of a late one has the time %v (%v), want now", a.Now, err)
	}
	e.Inbox = "gone"
	if _, err := in.Read(e); !fault.Is(err, fault.NotFound) {
		t.Errorf("Read for an inbox that is gone = %v, want not found", err)
	}
	e.Inbox, e.Body = "vendas", []byte("bad")
	if _, err := in.Read(e); !fault.Is(err, fault.Invalid) {
		t.Errorf("Read of what is not understood = %v, want invalid", err)
	}
}
