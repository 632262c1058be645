package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"secretaria/internal/store/row"
)

const (
	// stepTimeout bounds a step, so that a network that swallows packets does not keep it.
	stepTimeout = 15 * time.Second
	tries       = 6
)

// session is one transaction. Statements that nobody waits for are queued, and travel with
// the next one that is read or with the commit.
type session struct {
	ctx   context.Context
	s     *Store
	conn  *pgxpool.Conn
	batch *pgx.Batch
	tx    pgx.Tx // set by the first flush
	// learnt are the inboxes' own ids that become known with the commit.
	learnt map[string]string
	// shut refuses to read: a step within a group has read all that it may.
	shut bool
	// message is the last one queued, which a group may store with those of others.
	message *message
}

// errAlone says that a step needs more than a group has read for it.
var errAlone = errors.New("not for a group")

// do runs a step in a transaction of its own. A refusal (a fault of kind conflict or not
// found) is an answer like others and commits what was written before it; any other error
// undoes all. run may run several times and must leave no trace outside the transaction.
func (s *Store) do(ctx context.Context, doing string, run func(q *session) error) error {
	if !s.enter() {
		return errClosed
	}
	defer s.leave()
	for try := 1; ; try++ {
		err := s.once(ctx, run)
		if err == nil || refusal(err) || !again(err) || try == tries || !pause(ctx, try) {
			return database(doing, err)
		}
	}
}

// pause lets whoever was quicker finish.
func pause(ctx context.Context, try int) bool {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(try) * int64(5*time.Millisecond))))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Store) once(ctx context.Context, run func(q *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q, end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = run(q)
	if err != nil && !refusal(err) {
		return err
	}
	if err := q.commit(); err != nil {
		return err
	}
	return err
}

// begin takes a connection and queues the beginning of a transaction. end gives the
// connection back, and undoes what was not committed.
func (s *Store) begin(ctx context.Context) (q *session, end func(), err error) {
	wait, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	conn, err := s.db.pool.Acquire(wait)
	if err != nil {
		return nil, nil, err
	}
	// A step that was begun is finished whatever becomes of its caller: cancelling would
	// cost the connection, and leave open whether it was committed.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	q = &session{ctx: ctx, s: s, conn: conn, batch: &pgx.Batch{}, learnt: map[string]string{}}
	q.batch.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	q.later("plan_once")
	return q, func() {
		if pg := conn.Conn().PgConn(); !pg.IsClosed() && pg.TxStatus() != 'I' {
			_, _ = conn.Exec(ctx, "rollback") // a connection that cannot even do this is not used again
		}
		conn.Release()
		cancel()
	}, nil
}

// commit sends what is queued and commits with it.
func (q *session) commit() error {
	q.batch.Queue("commit")
	if err := q.flush(); err != nil {
		return err
	}
	if len(q.learnt) > 0 {
		q.s.remember(q.learnt)
	}
	return nil
}

// flush sends what is queued. The answers' callbacks have run when it returns nil.
func (q *session) flush() error {
	if q.batch.Len() == 0 {
		return nil
	}
	results := q.conn.SendBatch(q.ctx, q.batch)
	if tx := results.Tx(); tx != nil {
		q.tx = tx
	}
	q.batch = &pgx.Batch{}
	return results.Close()
}

// later queues a statement for whose answer nobody waits.
func (q *session) later(name string, args ...any) *pgx.QueuedQuery {
	return q.batch.Queue(q.s.text(name), clean(args)...)
}

// wait sends what is queued, for its answers.
func (q *session) wait(name string) error {
	if err := q.flush(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (q *session) exec(name string, args ...any) (n int64, err error) {
	if q.shut {
		return 0, errAlone
	}
	counted(q.later(name, args...), func(rows int64) { n = rows })
	return n, q.wait(name)
}

// one scans a single row; found is false when there is none.
func (q *session) one(name string, args []any, dest ...any) (found bool, err error) {
	if q.shut {
		return false, errAlone
	}
	single(q.later(name, args...), &found, dest...)
	return found, q.wait(name)
}

// many calls scan for each row.
func (q *session) many(name string, args []any, scan func(pgx.Rows) error) error {
	if q.shut {
		return errAlone
	}
	each(q.later(name, args...), scan)
	return q.wait(name)
}

// single, each and counted say what is to become of the answer of a queued statement.
func single(query *pgx.QueuedQuery, found *bool, dest ...any) {
	query.QueryRow(func(row pgx.Row) error {
		err := row.Scan(dest...)
		if *found = err == nil; errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

func counted(query *pgx.QueuedQuery, count func(rows int64)) {
	query.Exec(func(tag pgconn.CommandTag) error {
		count(tag.RowsAffected())
		return nil
	})
}

func each(query *pgx.QueuedQuery, scan func(pgx.Rows) error) {
	query.Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// collect appends a row's meaning for each row.
func collect[T any](query *pgx.QueuedQuery, out *[]T, scan func(row.Scanner) (T, error)) {
	each(query, func(rows pgx.Rows) error {
		one, err := scan(rows)
		*out = append(*out, one)
		return err
	})
}

// clean takes out of texts what PostgreSQL does not store: zero bytes and what is no UTF-8.
func clean(args []any) []any {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = tidy(v)
		case []string:
			for j := range v {
				v[j] = tidy(v[j])
			}
		}
	}
	return args
}

func tidy(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
