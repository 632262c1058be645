// Package spool keeps webhooks on the local disk while the database cannot be reached.
//
// A webhook enters, and is told whether it may try the database itself. While something is
// spooled nobody may, since a newer message would overtake an older one: everybody's is
// spooled until the forwarder has brought all of them into the database, in order for each
// conversation. What Keep was given is on disk when it returns nil, and stays there until
// the database has it: a repeat there changes nothing, so that a crash in between costs
// nothing. What can never be forwarded is set aside, counted, and tried again at the next
// start.
//
// The processes of one machine may share a folder: each has a file of its own in it, and
// takes over what a process that is gone has left in another.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
)

// ErrFull says that the spool has reached its bound; nothing was stored.
var ErrFull = fault.New(fault.Transient, "spool full")

// Entry is an authenticated webhook as it arrived. No secret is kept: it needs none to be
// read again.
type Entry struct {
	Channel     channel.Kind
	Inbox       string
	Body        []byte
	Fallback    []byte // see store.Arrival
	Received    time.Time
	Correlation string
	// Late says that the entry was set aside once: others may have been stored before it
	// that arrived after it.
	Late bool

	seq int64 // its place, drawn when it arrived
}

// Config of a Spool.
type Config struct {
	Dir      string          // made where it is missing
	MaxBytes int64           // of the file of this process; at least 1 MiB is used
	Logger   *slog.Logger    // may be nil
	Traces   *tracing.Tracer // follow what is forwarded; nil: nobody does
}

// Forwarding is how entries come into the database. The functions are called concurrently,
// for different conversations.
type Forwarding struct {
	// Probe makes a small round trip to the database, and ends with its context.
	Probe func(context.Context) error
	// Read reads an entry again. Its errors are for ever: the entry is set aside.
	Read func(Entry) (store.Arrival, error)
	// Receive stores what was read.
	Receive func(context.Context, store.Arrival) ([]store.Result, error)
	// Outage tells errors of Receive that will pass from those that are the entry's own.
	Outage func(error) bool
	// Stored is told of every entry that the database has. It may be nil.
	Stored func()
}

// mode is what happens to a webhook that enters.
type mode int

const (
	direct  mode = iota // it tries the database
	holding             // it is spooled
	closing             // it waits a moment: the last entries are on their way
)

// Spool is safe for concurrent use.
type Spool struct {
	cfg  Config
	file *file
	kick chan struct{} // tells the forwarder that something changed
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	mode    mode
	opened  chan struct{} // closed when closing ends
	seq     int64         // the last place that was given away
	trying  int           // webhooks that try the database
	writing int           // webhooks that are being spooled
	held    contents
	began   time.Time // when holding began
	passed  int       // forwarded since then
}

// contents is what is in the file.
type contents struct {
	waiting, dead int
	oldest        time.Time // of the waiting; zero when there is none
}

// State is what a spool holds at one moment.
type State struct {
	Waiting, Dead int
	Oldest        time.Time // when the first of the waiting arrived; zero when there is none
	Holding       bool      // webhooks go through the spool
}

// Open takes a file in the folder and reads what an earlier process has left there. Errors
// name the folder; fault.Conflict when there is no file that nobody uses.
func Open(ctx context.Context, cfg Config) (*Spool, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.MaxBytes = max(cfg.MaxBytes, 1<<20)
	f, err := take(ctx, cfg.Dir, cfg.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("open spool in %s: %w", cfg.Dir, err)
	}
	s := &Spool{cfg: cfg, file: f, kick: make(chan struct{}, 1)}
	if s.held, s.seq, err = f.revive(ctx); err != nil {
		f.close()
		return nil, fmt.Errorf("open spool in %s: %w", cfg.Dir, err)
	}
	if s.held.waiting > 0 {
		s.hold(nil)
	}
	s.adopt(ctx)
	return s, nil
}

// Used says whether a process has had a spool in the folder before.
func Used(dir string) bool {
	_, err := os.Stat(slot(dir, 0))
	return err == nil
}

// Start runs the forwarder until Stop.
func (s *Spool) Start(ctx context.Context, f Forwarding) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if f.Stored == nil {
		f.Stored = func() {}
	}
	s.done.Go(func() { (&forwarder{s: s, f: f, tries: map[int64]int{}}).run(ctx) })
}

// Stop ends the forwarder and closes the file. What is in it waits for the next process.
func (s *Spool) Stop(ctx context.Context) error {
	if s.stop != nil {
		s.stop()
	}
	ended := make(chan struct{})
	go func() {
		s.done.Wait()
		s.file.close()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop spool: %w", context.Cause(ctx))
	}
}

// State tells what the spool holds. It costs nothing.
func (s *Spool) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Waiting: s.held.waiting, Dead: s.held.dead, Oldest: s.held.oldest, Holding: s.mode != direct}
}

// Check says whether an entry could be spooled now. It writes to the disk.
func (s *Spool) Check(ctx context.Context) error {
	if err := s.file.check(ctx); err != nil {
		return err
	}
	if s.file.full(ctx) {
		return ErrFull
	}
	return nil
}

// Pass is a webhook's place in the order of arrival. It must be left.
type Pass struct {
	s      *Spool
	seq    int64
	direct bool
	left   bool
}

// Enter draws a place for a webhook. It may wait a moment, while the spool runs empty.
func (s *Spool) Enter() *Pass {
	s.mu.Lock()
	s.seq++
	p := &Pass{s: s, seq: s.seq}
	for s.mode == closing {
		opened := s.opened
		s.mu.Unlock()
		<-opened
		s.mu.Lock()
	}
	if p.direct = s.mode == direct; p.direct {
		s.trying++
	} else {
		s.writing++
	}
	s.mu.Unlock()
	return p
}

// Direct says whether the webhook may try the database. It has to end that within a few
// seconds: the forwarder waits for it.
func (p *Pass) Direct() bool { return p.direct }

// Leave ends a pass; after Keep it does nothing.
func (p *Pass) Leave() {
	if p.left {
		return
	}
	p.left = true
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.direct {
		p.s.trying--
	} else {
		p.s.writing--
	}
	p.s.nudge()
}

// Keep spools the webhook. It is on disk when Keep returns nil. With an error nothing was
// stored, unless ctx ended while the disk was writing. why is why the database did not take
// it, nil where it was not asked. Keep ends the pass.
func (p *Pass) Keep(ctx context.Context, e Entry, why error) error {
	s := p.s
	if p.left {
		return errors.New("webhook spooled twice")
	}
	p.left = true
	s.mu.Lock()
	if p.direct {
		s.trying--
		s.writing++
		if s.mode == direct {
			s.hold(why)
		}
	}
	s.mu.Unlock()
	e.seq = p.seq
	return s.file.append(ctx, e, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.writing--
		if err == nil {
			if s.held.waiting++; s.held.waiting == 1 {
				s.held.oldest = e.Received
			}
		}
		s.nudge()
	})
}

// hold makes webhooks go through the spool from now on. The caller has the lock.
func (s *Spool) hold(why error) {
	s.mode, s.began, s.passed = holding, time.Now(), 0
	attrs := []any{"waiting", s.held.waiting}
	if why != nil {
		attrs = append(attrs, "error", why.Error())
	}
	s.cfg.Logger.Warn("spool holds webhooks", attrs...)
	s.nudge()
}

// nudge tells the forwarder to look.
func (s *Spool) nudge() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}
