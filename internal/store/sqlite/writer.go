package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"secretaria/internal/fault"
)

// maxGroup bounds the steps of one commit, and so how long the first of them waits for the
// last and how long River waits for the connection.
const maxGroup = 128

var errClosed = fault.New(fault.Transient, "store closed")

// writer runs steps one after the other, as many as are waiting in one transaction.
type writer struct {
	db    *sql.DB
	steps chan *step
	done  chan struct{}

	mu     sync.RWMutex // guards closing steps against a late do
	closed bool
}

// transaction is what steps of a group share: the same transaction for statements of ours,
// which run on its connection, and of others.
type transaction struct {
	*sql.Tx
	conn *sql.Conn
}

// step is one business step. run must leave no trace outside the transaction: it runs
// again when a neighbour in the group broke the transaction.
type step struct {
	ctx   context.Context
	run   func(tx transaction) error
	err   error
	ended chan struct{}
}

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, steps: make(chan *step, 4*maxGroup), done: make(chan struct{})}
	go w.loop()
	return w
}

// do runs a step and returns once it is on disk, or was not done at all. A caller that
// stops waiting does not undo a step that was begun.
func (w *writer) do(ctx context.Context, run func(tx transaction) error) error {
	s := &step{ctx: ctx, run: run, ended: make(chan struct{})}
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.steps <- s:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return ctx.Err()
	}
	// Waiting for the end even when ctx is done: a step whose outcome we do not know would
	// have to be reported as one, and the writer skips steps whose callers are gone.
	<-s.ended
	return s.err
}

func (w *writer) close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		<-w.done
		return
	}
	w.closed = true
	close(w.steps)
	w.mu.Unlock()
	<-w.done
}

func (w *writer) loop() {
	defer close(w.done)
	group := make([]*step, 0, maxGroup)
	for first := range w.steps {
		group = append(group[:0], first)
	fill:
		for len(group) < maxGroup {
			select {
			case s, ok := <-w.steps:
				if !ok {
					break fill
				}
				group = append(group, s)
			default:
				break fill
			}
		}
		w.commit(group)
		for _, s := range group {
			close(s.ended)
		}
	}
}

// commit runs the group in one transaction. Refusals of a step (a fault that is the
// domain's: conflict, not found) are answers, made before it wrote anything, and do not
// disturb the others; any other error rolls everything back, and each step runs alone.
func (w *writer) commit(group []*step) {
	if err := w.together(group); err == nil {
		return
	} else if len(group) == 1 {
		group[0].err = err
		return
	}
	for _, s := range group {
		s.err = nil
		if err := w.together([]*step{s}); err != nil {
			s.err = err
		}
	}
}

func (w *writer) together(group []*step) error {
	// The group's transaction belongs to no single caller, so no caller's context ends it.
	ctx := context.Background()
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return database("begin", err)
	}
	defer conn.Close() //nolint:errcheck // gives it back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return database("begin", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	for _, s := range group {
		if s.err = s.ctx.Err(); s.err != nil {
			continue
		}
		if s.err = s.run(transaction{tx, conn}); s.err != nil && !refusal(s.err) {
			return s.err
		}
	}
	if err := tx.Commit(); err != nil {
		return database("commit", err)
	}
	return nil
}

func refusal(err error) bool {
	k := fault.KindOf(err)
	return k == fault.Conflict || k == fault.NotFound
}

// database gives an error of the database its kind.
func database(doing string, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.Wrap(fault.Transient, "database", fmt.Errorf("%s: %w", doing, err))
}
