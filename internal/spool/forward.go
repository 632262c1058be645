package spool

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/redact"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
)

const (
	batchEntries = 256
	batchBytes   = 8 << 20
	// side by side is how the database likes it: what arrives together shares a commit.
	sideBySide = 64
	// maxTries is how often an entry may fail for a reason of its own before it is set aside.
	maxTries  = 3
	probeTime = 2 * time.Second
	// forwardTime bounds the storing of one entry.
	forwardTime = 10 * time.Second
	// closingTime bounds how long webhooks wait for the spool to run empty. Without it the
	// spool would never be empty while webhooks come in all the time.
	closingTime        = 300 * time.Millisecond
	minPause, maxPause = 100 * time.Millisecond, 2 * time.Second
	// adoptEvery is how often the folder is searched for what others have left.
	adoptEvery = 10 * time.Second
)

// forwarder brings entries into the database. It is used by one goroutine.
type forwarder struct {
	s     *Spool
	f     Forwarding
	tries map[int64]int // of entries that failed for a reason of their own
	// proven says that the database took something since holding began.
	proven bool
}

func (fw *forwarder) run(ctx context.Context) {
	search := time.NewTicker(adoptEvery)
	defer search.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-search.C:
			fw.s.adopt(ctx)
		case <-fw.s.kick:
			fw.drain(ctx)
		}
	}
}

// drain forwards until nobody has to hold any more, or nothing can be done just now.
func (fw *forwarder) drain(ctx context.Context) {
	pause := minPause
	for ctx.Err() == nil {
		switch fw.s.next(fw.proven) {
		case idle:
			fw.proven = false
			return
		case wait:
			return // whoever we wait for kicks
		case emptied:
			fw.proven = false
			fw.s.file.shrink(ctx)
			return
		}
		n, err := fw.round(ctx)
		if fw.proven = err == nil; fw.proven {
			pause = minPause
			continue
		}
		fw.s.reopen()
		if n > 0 {
			pause = minPause // not everything fails
		}
		rest(ctx, pause)
		pause = min(2*pause, maxPause)
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// step is what the forwarder does next.
type step int

const (
	idle    step = iota // nothing is held
	wait                // for webhooks that are under way
	forward             // a batch
	emptied             // everything is in the database: webhooks are direct again
)

// next decides it. With the database proven and little left, newcomers wait for that.
func (s *Spool) next(proven bool) step {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mode == direct:
		return idle
	case s.trying > 0:
		// They may be older than what is spooled.
		return wait
	case s.held.waiting == 0 && s.writing > 0:
		return wait
	case s.held.waiting == 0:
		if s.mode == closing {
			close(s.opened)
		}
		s.mode = direct
		s.cfg.Logger.Info("spool empty", "forwarded", s.passed, "dead", s.held.dead, "held_ms", time.Since(s.began).Milliseconds())
		return emptied
	}
	if proven && s.mode == holding && s.held.waiting <= batchEntries {
		opened := make(chan struct{})
		s.mode, s.opened = closing, opened
		time.AfterFunc(closingTime, func() { s.reopenIf(opened) })
	}
	return forward
}

// reopen lets newcomers that wait into the spool.
func (s *Spool) reopen() {
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	s.reopenIf(opened)
}

func (s *Spool) reopenIf(opened chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mode == closing && s.opened == opened {
		s.mode = holding
		close(opened)
		s.nudge()
	}
}

// errAgain says that some of a batch are to be tried again.
var errAgain = errors.New("try again")

// round forwards one batch, and returns how many entries need no more forwarding.
func (fw *forwarder) round(ctx context.Context) (int, error) {
	s := fw.s
	probe, cancel := context.WithTimeout(ctx, probeTime)
	err := fw.f.Probe(probe)
	cancel()
	if err != nil {
		return 0, errAgain // whoever found the outage has said so
	}
	entries, err := s.file.head(ctx, batchEntries, batchBytes)
	if err != nil {
		return 0, fw.complain(ctx, "spool cannot be read", err)
	}
	b := &batch{}
	live := make([]read, 0, len(entries))
	for _, e := range entries {
		a, err := fw.read(e)
		if err != nil {
			fw.setAside(ctx, b, e, err)
			continue
		}
		live = append(live, read{e, a})
	}
	var all sync.WaitGroup
	places := make(chan struct{}, sideBySide)
	for _, lane := range lanes(live) {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			for _, r := range lane {
				if !fw.settle(ctx, b, r) {
					return // what follows it has to wait
				}
			}
		})
	}
	all.Wait()
	err = s.file.remove(context.WithoutCancel(ctx), b.stored, b.aside, func(left contents) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = left
		s.passed += len(b.stored)
	})
	if err != nil {
		return 0, fw.complain(ctx, "spool cannot be written", err)
	}
	for _, seq := range b.stored {
		delete(fw.tries, seq)
		fw.f.Stored()
	}
	if b.again {
		err = errAgain
	}
	return len(b.stored) + len(b.aside), err
}

// batch is what became of the entries of a round.
type batch struct {
	mu     sync.Mutex // guards it, and the forwarder's tries
	stored []int64
	aside  []dead
	again  bool
}

// settle stores an entry or gives it up; false: it is to be tried again.
func (fw *forwarder) settle(ctx context.Context, b *batch, r read) bool {
	err := fw.store(ctx, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.stored = append(b.stored, r.seq)
		return true
	}
	if ctx.Err() != nil || fw.f.Outage(err) {
		b.again = true
		return false
	}
	if fw.tries[r.seq]++; fw.tries[r.seq] < maxTries {
		b.again = true
		return false
	}
	delete(fw.tries, r.seq)
	fw.setAside(ctx, b, r.Entry, err)
	return true
}

// setAside gives an entry up, visibly.
func (fw *forwarder) setAside(ctx context.Context, b *batch, e Entry, err error) {
	b.aside = append(b.aside, dead{e.seq, redact.Text(fault.Code(err))})
	fw.s.cfg.Logger.ErrorContext(ctx, "spooled webhook set aside", "correlation_id", e.Correlation, "channel", string(e.Channel), "inbox", e.Inbox, "error", err.Error())
}

// read reads an entry again, whatever that does.
func (fw *forwarder) read(e Entry) (a store.Arrival, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fw.panicked(p)
		}
	}()
	return fw.f.Read(e)
}

func (fw *forwarder) panicked(p any) error {
	fw.s.cfg.Logger.Error("spooled webhook panicked", "stack", string(debug.Stack()))
	return fault.Panicked(p)
}

// store stores one entry; nil means that the database has it.
func (fw *forwarder) store(ctx context.Context, r read) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fw.panicked(p)
		}
	}()
	ctx, span := fw.s.cfg.Traces.Begin(ctx, tracing.WebhookForwarded, tracing.Spooled(r.Correlation, r.Received), time.Time{})
	bounded, cancel := context.WithTimeout(ctx, forwardTime)
	defer cancel()
	results, err := fw.f.Receive(bounded, r.arrival)
	traced(span, r, err)
	if err != nil {
		return err
	}
	attrs := []any{"correlation_id", r.Correlation, "channel", string(r.Channel), "inbox", r.Inbox, "waited_ms", time.Since(r.Received).Milliseconds()}
	for _, res := range results {
		if res.Conversation != 0 {
			attrs = append(attrs, "conversation", int64(res.Conversation), "message", int64(res.Message), "duplicate", res.Duplicate, "pending", res.Pending)
			break
		}
	}
	fw.s.cfg.Logger.InfoContext(ctx, "spooled webhook stored", attrs...)
	return nil
}

// traced ends the span of an entry that was brought to the database.
func traced(span *tracing.Span, r read, err error) {
	if span == nil {
		return
	}
	span.Str(tracing.Channel, string(r.Channel))
	span.Str(tracing.Inbox, r.Inbox)
	span.Int(tracing.WaitedMS, time.Since(r.Received).Milliseconds())
	span.Fail(err)
	span.End()
}

func (fw *forwarder) complain(ctx context.Context, message string, err error) error {
	if ctx.Err() == nil {
		fw.s.cfg.Logger.ErrorContext(ctx, message, "error", err.Error())
	}
	return err
}
