package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/queue"
	"secretaria/internal/spool"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres"
)

// openEvery is how long we wait between two tries to open a database that is away.
const openEvery = time.Second

// later opens the database of a program that was started without it.
type later struct {
	open func(context.Context) error
	stop context.CancelFunc
	done sync.WaitGroup
}

// mayServeWithout says whether webhooks can be taken although the database is not there.
// Where there was no spool before, and where the server does not let us in, the settings are
// more likely wrong than the database gone, and somebody is there to be told.
func (a *App) mayServeWithout(err error) bool {
	return a.o.spools() && spool.Used(a.o.Spool.Dir) && postgres.Outage(err) && !postgres.Refused(err)
}

// openLater tries to open the database until it can, and starts what needs it.
func (a *App) openLater(ctx context.Context) {
	ctx, a.later.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.later.done.Go(func() {
		tick := time.NewTicker(openEvery)
		defer tick.Stop()
		said := "" // each trouble is told once
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var err error
			if !a.store.opened() {
				if err = a.later.open(ctx); err == nil {
					a.log.Info("database reached")
				}
			}
			if err == nil {
				err = a.work(ctx)
			}
			if err == nil || ctx.Err() != nil {
				return
			}
			if !postgres.Outage(err) || postgres.Refused(err) {
				a.failed <- err // nothing that waiting would mend
				return
			}
			if err.Error() != said {
				said = err.Error()
				a.log.Warn("database not opened", "error", said)
			}
		}
	})
}

// end ends the tries.
func (l *later) end(context.Context) error {
	if l.stop != nil {
		l.stop()
		l.done.Wait()
	}
	return nil
}

// lanes is the queue from the moment on when there is one. Nobody misses being woken before:
// the queue looks for what is due when it starts.
type lanes struct{ queue atomic.Pointer[queue.Queue] }

// Wake is queue.Queue's.
func (l *lanes) Wake(lane job.Lane) {
	if q := l.queue.Load(); q != nil {
		q.Wake(lane)
	}
}

// Ring is queue.Queue's.
func (l *lanes) Ring(lane job.Lane) {
	if q := l.queue.Load(); q != nil {
		q.Ring(lane)
	}
}

// memory is the store from the moment on when there is one. Until then its steps fail like
// those of a database that cannot be reached.
type memory struct{ store atomic.Pointer[store.Store] }

var _ store.Store = (*memory)(nil)

func (m *memory) set(s store.Store) { m.store.Store(&s) }

func (m *memory) opened() bool { return m.store.Load() != nil }

// with runs a step.
func with[T any](m *memory, step func(store.Store) (T, error)) (T, error) {
	s := m.store.Load()
	if s == nil {
		var none T
		return none, fault.New(fault.Transient, "database not reached since the start")
	}
	return step(*s)
}

// do is with for a step that returns nothing.
func (m *memory) do(step func(store.Store) error) error {
	_, err := with(m, func(s store.Store) (struct{}, error) { return struct{}{}, step(s) })
	return err
}

// Receive implements store.Store.
func (m *memory) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	return with(m, func(s store.Store) ([]store.Result, error) { return s.Receive(ctx, a) })
}

// Dispatch implements store.Store.
func (m *memory) Dispatch(ctx context.Context, lane job.Lane, now time.Time, limit int, lease time.Duration) (claimed int, next time.Time, err error) {
	err = m.do(func(s store.Store) (err error) {
		claimed, next, err = s.Dispatch(ctx, lane, now, limit, lease)
		return err
	})
	return claimed, next, err
}

// Renew implements store.Store.
func (m *memory) Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error {
	return m.do(func(s store.Store) error { return s.Renew(ctx, lane, id, fence, until) })
}

// BeginTurn implements store.Store.
func (m *memory) BeginTurn(ctx context.Context, j job.Turn, now time.Time, lease time.Duration, history int) (store.Turn, error) {
	return with(m, func(s store.Store) (store.Turn, error) { return s.BeginTurn(ctx, j, now, lease, history) })
}

// Decide implements store.Store.
func (m *memory) Decide(ctx context.Context, d store.Decision) error {
	return m.do(func(s store.Store) error { return s.Decide(ctx, d) })
}

// ReleaseTurn implements store.Store.
func (m *memory) ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error {
	return m.do(func(s store.Store) error { return s.ReleaseTurn(ctx, id, fence, due, failed) })
}

// NextDelivery implements store.Store.
func (m *memory) NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (store.Delivery, error) {
	return with(m, func(s store.Store) (store.Delivery, error) { return s.NextDelivery(ctx, j, now, lease) })
}

// FinishAttempt implements store.Store.
func (m *memory) FinishAttempt(ctx context.Context, a store.Attempt) error {
	return m.do(func(s store.Store) error { return s.FinishAttempt(ctx, a) })
}

// Deliveries implements store.Store.
func (m *memory) Deliveries(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	return with(m, func(s store.Store) ([]store.Delivery, error) { return s.Deliveries(ctx, f) })
}

// Replay implements store.Store.
func (m *memory) Replay(ctx context.Context, id conversation.DeliveryID, now time.Time) error {
	return m.do(func(s store.Store) error { return s.Replay(ctx, id, now) })
}

// Transcript implements store.Store.
func (m *memory) Transcript(ctx context.Context, id conversation.ID, limit int) ([]conversation.Message, error) {
	return with(m, func(s store.Store) ([]conversation.Message, error) { return s.Transcript(ctx, id, limit) })
}

// Conversation implements store.Store.
func (m *memory) Conversation(ctx context.Context, id conversation.ID) (store.Conversation, error) {
	return with(m, func(s store.Store) (store.Conversation, error) { return s.Conversation(ctx, id) })
}

// Recover implements store.Store.
func (m *memory) Recover(ctx context.Context, now time.Time) error {
	return m.do(func(s store.Store) error { return s.Recover(ctx, now) })
}

// Beat implements store.Store.
func (m *memory) Beat(ctx context.Context, p store.Process, now time.Time) error {
	return m.do(func(s store.Store) error { return s.Beat(ctx, p, now) })
}

// Leave implements store.Store.
func (m *memory) Leave(ctx context.Context, id string) error {
	return m.do(func(s store.Store) error { return s.Leave(ctx, id) })
}

// Processes implements store.Store.
func (m *memory) Processes(ctx context.Context, since time.Time) ([]store.Process, error) {
	return with(m, func(s store.Store) ([]store.Process, error) { return s.Processes(ctx, since) })
}

// Seal implements store.Store.
func (m *memory) Seal(ctx context.Context, digests map[string][]byte) (map[string]string, error) {
	return with(m, func(s store.Store) (map[string]string, error) { return s.Seal(ctx, digests) })
}

// Workers implements store.Store.
func (m *memory) Workers(ctx context.Context, since time.Time) (count int, freshest time.Time, err error) {
	err = m.do(func(s store.Store) (err error) {
		count, freshest, err = s.Workers(ctx, since)
		return err
	})
	return count, freshest, err
}

// Backlog implements store.Store.
func (m *memory) Backlog(ctx context.Context, now time.Time) (turns, deliveries int, err error) {
	err = m.do(func(s store.Store) (err error) {
		turns, deliveries, err = s.Backlog(ctx, now)
		return err
	})
	return turns, deliveries, err
}

// Oldest implements store.Store.
func (m *memory) Oldest(ctx context.Context, now time.Time) (turn, delivery time.Time, err error) {
	err = m.do(func(s store.Store) (err error) {
		turn, delivery, err = s.Oldest(ctx, now)
		return err
	})
	return turn, delivery, err
}

// Census implements store.Store.
func (m *memory) Census(ctx context.Context, now time.Time) (store.Census, error) {
	return with(m, func(s store.Store) (store.Census, error) { return s.Census(ctx, now) })
}

// Ping implements store.Store.
func (m *memory) Ping(ctx context.Context) error {
	return m.do(func(s store.Store) error { return s.Ping(ctx) })
}

// Close implements store.Store; it does nothing where nothing was opened.
func (m *memory) Close() error {
	if !m.opened() {
		return nil
	}
	return m.do(func(s store.Store) error { return s.Close() })
}
