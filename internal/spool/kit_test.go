package spool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/spool"
	"secretaria/internal/store"
)

var errAway = fault.New(fault.Transient, "database")

// database is a memory that fails on request. A body reads "person text", and "person" is
// the number of whoever wrote it.
type database struct {
	mu      sync.Mutex
	away    bool
	stored  []string // bodies
	broken  map[string]error
	refuse  map[string]error // of Read
	inside  int
	most    int           // how many steps ran at the same time
	gate    chan struct{} // where it is set, a step waits for it
	entered chan string   // told of each step, where it is set
	probes  int
}

func (d *database) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *database) probe(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probes++
	if d.away {
		return errAway
	}
	return nil
}

func (d *database) read(e spool.Entry) (store.Arrival, error) {
	d.mu.Lock()
	err := d.refuse[string(e.Body)]
	d.mu.Unlock()
	if err != nil {
		return store.Arrival{}, err
	}
	if strings.HasPrefix(string(e.Body), "panic") {
		panic("nonsense")
	}
	person, _, _ := strings.Cut(string(e.Body), " ")
	return store.Arrival{Inbox: e.Inbox, Channel: e.Channel, Now: e.Received, Fallback: e.Body, Correlation: e.Correlation, Events: []channel.Event{
		{Kind: channel.Received, Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: person}}}}}}, nil
}

func (d *database) receive(_ context.Context, a store.Arrival) ([]store.Result, error) {
	body := string(a.Fallback)
	d.mu.Lock()
	d.inside++
	d.most = max(d.most, d.inside)
	gate, entered := d.gate, d.entered
	d.mu.Unlock()
	if entered != nil {
		entered <- body
	}
	if gate != nil {
		<-gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
	if d.away {
		return nil, errAway
	}
	if err := d.broken[body]; err != nil {
		return nil, err
	}
	d.stored = append(d.stored, body)
	return []store.Result{{Conversation: 1, Message: 1}}, nil
}

func (d *database) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.stored)
}

// of are the texts of one person, in the order in which they were stored.
func (d *database) of(person string) (out []string) {
	for _, body := range d.all() {
		if p, text, _ := strings.Cut(body, " "); p == person {
			out = append(out, text)
		}
	}
	return out
}

func (d *database) forwarding() spool.Forwarding {
	return spool.Forwarding{Probe: d.probe, Read: d.read, Receive: d.receive, Outage: func(err error) bool { return errors.Is(err, errAway) }}
}

func open(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(t.Context(), spool.Config{Dir: dir, MaxBytes: 64 << 20})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *spool.Spool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func entry(body string) spool.Entry {
	return spool.Entry{Channel: channel.Whaticket, Inbox: "w", Body: []byte(body), Received: time.Now(), Correlation: "c-" + body[:min(8, len(body))]}
}

// webhook does what intake does with one.
func webhook(ctx context.Context, s *spool.Spool, d *database, body string) (spooled bool, err error) {
	pass := s.Enter()
	defer pass.Leave()
	if pass.Direct() {
		a, err := d.read(entry(body))
		if err != nil {
			return false, err
		}
		if _, err = d.receive(ctx, a); err == nil || !errors.Is(err, errAway) {
			return false, err
		}
	}
	return true, pass.Keep(ctx, entry(body), errAway)
}

// keep spools a body.
func keep(t *testing.T, s *spool.Spool, body string) {
	t.Helper()
	pass := s.Enter()
	if err := pass.Keep(t.Context(), entry(body), errAway); err != nil {
		t.Fatalf("Keep(%q): %v", body, err)
	}
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(20*time.Second), time.NewTicker(2*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("%s: not within 20 s", what)
		case <-tick.C:
		}
	}
}

func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint(i))
	}
	return out
}
