package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/fault"
	"secretaria/internal/intake"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/turn"
)

// memory is the real store as one process reaches it, over a line that fails.
type memory struct{ p *process }

var (
	_ intake.Memory   = (*memory)(nil)
	_ turn.Memory     = (*memory)(nil)
	_ delivery.Memory = (*memory)(nil)
)

// storeFault is what goes wrong with one call.
type storeFault string

const (
	refused    storeFault = "refused"          // an error, and no effect
	lost       storeFault = "answer lost"      // an error, although it took effect
	slow       storeFault = "slow"             // the effect is late
	slowAnswer storeFault = "answer late"      // the answer is late
	diesBefore storeFault = "death before"     // the process dies before the effect
	diesAfter  storeFault = "death after"      // the process dies before the answer
	away       storeFault = "database is away" // an outage
)

var errDatabase = fault.New(fault.Transient, "database")

// call makes one call of the store: on its way, the effect, and the way back. An effect
// happens at one instant, together with what is checked of it.
func (p *process) call(ctx context.Context, what string, effect func(context.Context) error) error {
	w := p.w
	r := w.dice(fmt.Sprintf("%s %s", p, what))
	often := 1.0
	if v := verb(what); v == "Dispatch" || v == "Renew" {
		often = .08 // there are so many of them that there would be no faults left for the others
	}
	var f storeFault
	switch {
	case w.faulty(r, often*w.shape.death):
		f = pick(r, []storeFault{diesBefore, diesAfter})
	case w.faulty(r, often*w.shape.store):
		f = pick(r, []storeFault{refused, lost})
	case w.faulty(r, often*w.shape.slow):
		f = pick(r, []storeFault{slow, slowAnswer})
	}
	there, back := between(r, 50*time.Microsecond, 3*time.Millisecond), between(r, 50*time.Microsecond, 2*time.Millisecond)
	longest := pick(r, []time.Duration{3 * time.Second, 12 * time.Second, 25 * time.Second})
	if f == slow {
		there = between(r, time.Second, longest)
	}
	if f == slowAnswer {
		back = between(r, time.Second, longest)
	}
	if f != "" {
		w.count("store " + string(f))
		w.trouble(there + back)
	}
	if p.gone() {
		return p.hang()
	}
	t := time.NewTimer(there)
	defer t.Stop()
	var given error
	select {
	case <-t.C:
	case <-w.ended:
		return errOver
	case <-ctx.Done():
		// The request may have arrived all the same.
		if given = ctx.Err(); p.gone() {
			return p.hang()
		}
		if chance(r, .5) {
			return given
		}
	}
	if p.gone() {
		return p.hang()
	}
	if f == diesBefore && p.kill("before "+verb(what)) {
		return p.hang()
	}
	w.mu.Lock()
	if w.outage {
		f = away
		w.counts["store "+string(away)]++
	}
	w.mu.Unlock()
	if f == refused || f == away {
		w.note("%s %s: %s", p, what, f)
		return errDatabase
	}
	w.effects.Lock()
	err := effect(context.WithoutCancel(ctx))
	w.effects.Unlock()
	quiet := err == nil && (verb(what) == "Renew" || verb(what) == "Dispatch")
	if !quiet || f != "" {
		w.note("%s %s: %v %s", p, what, err, f)
	}
	if err != nil && !errors.Is(err, store.ErrLost) && !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrNotFound) {
		w.wrong("%s: %v", what, err)
	}
	if f == diesAfter && p.kill("after "+verb(what)) {
		return p.hang()
	}
	if perr := p.pause(back); perr != nil {
		return perr
	}
	if f == lost {
		return errDatabase
	}
	if given != nil {
		return given
	}
	return err
}

// verb is the method of a call, without what it is about.
func verb(what string) string {
	for i, c := range what {
		if c == ' ' {
			return what[:i]
		}
	}
	return what
}

func (m *memory) Receive(ctx context.Context, a store.Arrival) (out []store.Result, err error) {
	err = m.p.call(ctx, "Receive "+a.Correlation, func(ctx context.Context) error {
		var err error
		if out, err = m.p.w.store.Receive(ctx, a); err != nil {
			return err
		}
		m.p.w.received(ctx, a, out)
		return nil
	})
	return out, err
}

func (m *memory) Dispatch(ctx context.Context, lane job.Lane, now time.Time) (n int, next time.Time, err error) {
	err = m.p.call(ctx, "Dispatch "+string(lane), func(ctx context.Context) error {
		var err error
		n, next, err = m.p.w.store.Dispatch(ctx, lane, now, 50, lease)
		return err
	})
	return n, next, err
}

func (m *memory) Recover(ctx context.Context) error {
	return m.p.call(ctx, "Recover", func(ctx context.Context) error {
		return m.p.w.store.Recover(ctx, time.Now())
	})
}

func (m *memory) Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error {
	return m.p.call(ctx, fmt.Sprintf("Renew %s %s %d", lane, name(id), fence), func(ctx context.Context) error {
		err := m.p.w.store.Renew(ctx, lane, id, fence, until)
		if err == nil && lane == job.Turns {
			m.p.w.renewed(id, fence, until)
		}
		return err
	})
}

func (m *memory) BeginTurn(ctx context.Context, j job.Turn, now time.Time, lease time.Duration, history int) (t store.Turn, err error) {
	err = m.p.call(ctx, fmt.Sprintf("BeginTurn %s %d", name(j.Conversation), j.Fence), func(ctx context.Context) error {
		var err error
		if t, err = m.p.w.store.BeginTurn(ctx, j, now, lease, history); err == nil {
			m.p.w.began(m.p, t, now.Add(lease))
		}
		return err
	})
	if err != nil {
		return store.Turn{}, err
	}
	return t, nil
}

func (m *memory) Decide(ctx context.Context, d store.Decision) error {
	return m.p.call(ctx, fmt.Sprintf("Decide %s %d %s", name(d.Conversation), d.Fence, d.Record.Outcome), func(ctx context.Context) error {
		err := m.p.w.store.Decide(ctx, d)
		if err == nil {
			m.p.w.committed(ctx, d)
		}
		return err
	})
}

func (m *memory) ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error {
	return m.p.call(ctx, fmt.Sprintf("ReleaseTurn %s %d failed=%v", name(id), fence, failed), func(ctx context.Context) error {
		err := m.p.w.store.ReleaseTurn(ctx, id, fence, due, failed)
		if err == nil {
			m.p.w.released(id, fence)
		}
		return err
	})
}

func (m *memory) NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (d store.Delivery, err error) {
	err = m.p.call(ctx, fmt.Sprintf("NextDelivery %s %d", name(j.Conversation), j.Fence), func(ctx context.Context) error {
		var err error
		if d, err = m.p.w.store.NextDelivery(ctx, j, now, lease); err == nil {
			m.p.w.next(d)
		}
		return err
	})
	if err != nil {
		return store.Delivery{}, err
	}
	return d, nil
}

func (m *memory) FinishAttempt(ctx context.Context, a store.Attempt) error {
	return m.p.call(ctx, fmt.Sprintf("FinishAttempt %s %d %s", name(a.Conversation), a.Number, a.Outcome), func(ctx context.Context) error {
		err := m.p.w.store.FinishAttempt(ctx, a)
		if err == nil {
			m.p.w.finished(ctx, a)
		}
		return err
	})
}
