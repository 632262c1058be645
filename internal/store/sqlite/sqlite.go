package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/pseudonym"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Enqueue inserts the jobs of claimed lanes in the transaction that claimed them. It must
// not touch the writer's pool: the transaction holds its only connection.
type Enqueue func(ctx context.Context, tx *sql.Tx, lane job.Lane, claims []job.Claim) error

// Store is the embedded store. It owns the DB that it is given and closes it.
type Store struct {
	db      *DB
	writer  *writer
	closing sync.Once
	closed  error
	enqueue Enqueue
	write   *statements // the writer's
	key     pseudonym.Key

	readMu sync.Mutex
	read   map[string]*sql.Stmt // prepared for the pool of readers, by their name in queries.sql

	selfMu sync.RWMutex
	self   map[string]string // our own bot's id by inbox: read for every webhook
}

var _ store.Store = (*Store)(nil)

// New prepares a store on a migrated database. enqueue may be nil in a program that only
// reads and replays: the dispatcher of the server finds what became due.
func New(ctx context.Context, db *DB, enqueue Enqueue) (*Store, error) {
	if enqueue == nil {
		enqueue = func(context.Context, *sql.Tx, job.Lane, []job.Claim) error { return nil }
	}
	key, err := pseudonyms(ctx, db.write)
	if err != nil {
		return nil, fmt.Errorf("read key of the installation: %w", err)
	}
	s := &Store{db: db, enqueue: enqueue, key: key, write: &statements{texts: queries()}, read: map[string]*sql.Stmt{}, self: map[string]string{}}
	rows, err := db.read.QueryContext(ctx, "select name, self_id from inboxes")
	if err != nil {
		return nil, fmt.Errorf("read inboxes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, id string
		if err := rows.Scan(&name, &id); err != nil {
			return nil, fmt.Errorf("read inboxes: %w", err)
		}
		s.self[name] = id
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read inboxes: %w", err)
	}
	s.writer = newWriter(db.write)
	return s, nil
}

// query runs a query beside the writer, on the pool of readers.
func (s *Store) query(ctx context.Context, name string, args ...any) (*sql.Rows, error) {
	s.readMu.Lock()
	st := s.read[name]
	s.readMu.Unlock()
	if st == nil {
		made, err := s.db.read.PrepareContext(ctx, s.write.texts[name])
		if err != nil {
			return nil, err
		}
		s.readMu.Lock()
		if st = s.read[name]; st == nil {
			s.read[name], st = made, made
		} else {
			defer made.Close() //nolint:errcheck // somebody else was quicker
		}
		s.readMu.Unlock()
	}
	return st.QueryContext(ctx, args...)
}

// queryOne reads a single row beside the writer; sql.ErrNoRows when there is none.
func (s *Store) queryOne(ctx context.Context, name string, args []any, scan func(row.Scanner) error) error {
	rows, err := s.query(ctx, name, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	return cmp.Or(scan(rows), rows.Close())
}

// Close ends the writer after what it was given and closes the database.
func (s *Store) Close() error {
	s.writer.close()
	s.closing.Do(func() { s.closed = errors.Join(s.write.close(s.db.write), s.db.Close()) })
	return s.closed
}

// Ping reads through the pool of readers; a stuck writer shows in Beat.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return database("ping", s.db.read.QueryRowContext(ctx, "select 1").Scan(&one))
}

// session runs named statements in one transaction.
type session struct {
	ctx context.Context
	tx  transaction
	s   *Store
	// learnt are the inboxes' own ids that become known with the commit.
	learnt map[string]string
}

func (s *Store) do(ctx context.Context, doing string, run func(q session) error) error {
	var learnt map[string]string
	err := s.writer.do(ctx, func(tx transaction) error {
		learnt = map[string]string{}
		// A step that the writer has begun is finished whatever becomes of its caller.
		return run(session{ctx: context.WithoutCancel(ctx), tx: tx, s: s, learnt: learnt})
	})
	if err == nil && len(learnt) > 0 {
		s.selfMu.Lock()
		maps.Copy(s.self, learnt)
		s.selfMu.Unlock()
	}
	return database(doing, err)
}

// exec returns how many rows it changed.
func (q session) exec(name string, args ...any) (n int64, err error) {
	err = q.s.write.use(q.tx.conn, name, args, func(st *statement) error {
		res, err := st.exec()
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	return n, err
}

// one scans a single row; found is false when there is none.
func (q session) one(name string, args []any, dest ...any) (found bool, err error) {
	return q.first(name, args, func(sc row.Scanner) error { return sc.Scan(dest...) })
}

func (q session) first(name string, args []any, scan func(row.Scanner) error) (found bool, err error) {
	err = q.s.write.use(q.tx.conn, name, args, func(st *statement) error {
		return st.rows(func(v values) (bool, error) {
			found = true
			return false, scan(v)
		})
	})
	return found, err
}

// many calls scan, which may not use the session, for each row.
func (q session) many(name string, args []any, scan func(row.Scanner) error) error {
	return q.s.write.use(q.tx.conn, name, args, func(st *statement) error {
		return st.rows(func(v values) (bool, error) { return true, scan(v) })
	})
}

func (q session) conversation(query string, args ...any) (c row.Conversation, found bool, err error) {
	found, err = q.first(query, args, func(sc row.Scanner) error { return c.Scan(sc) })
	return c, found, err
}

func (q session) save(c *row.Conversation) error {
	_, err := q.exec("conversation_update", c.Update()...)
	return err
}

func (s *Store) messages(ctx context.Context, query string, id conversation.ID, args ...any) ([]conversation.Message, error) {
	return list(ctx, s, query, query, func(sc row.Scanner) (conversation.Message, error) { return row.Message(sc, id) }, append([]any{id}, args...)...)
}

// Transcript implements store.Store.
func (s *Store) Transcript(ctx context.Context, id conversation.ID, limit int) ([]conversation.Message, error) {
	out, err := s.messages(ctx, "messages_transcript", id, limit)
	reverse(out)
	return out, err
}

// Conversation implements store.Store.
func (s *Store) Conversation(ctx context.Context, id conversation.ID) (store.Conversation, error) {
	var c row.Conversation
	err := s.queryOne(ctx, "conversation_by_id", []any{id}, func(sc row.Scanner) error { return c.Scan(sc) })
	if errors.Is(err, sql.ErrNoRows) {
		return store.Conversation{}, store.ErrNotFound
	}
	return c.Conversation, database("read conversation", err)
}

func reverse[T any](s []T) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

func (s *Store) selfID(inbox string) string {
	s.selfMu.RLock()
	defer s.selfMu.RUnlock()
	return s.self[inbox]
}

// selfID is our own bot's id at an inbox as this transaction knows it.
func (q session) selfID(inbox string) string {
	if id, ok := q.learnt[inbox]; ok {
		return id
	}
	return q.s.selfID(inbox)
}

// learn notes our own bot's id at an inbox, told by an answer or an echo of ours.
func (q session) learn(inbox, id string) error {
	if id == "" || q.selfID(inbox) == id {
		return nil
	}
	if _, err := q.exec("inbox_learn", inbox, id); err != nil {
		return err
	}
	q.learnt[inbox] = id
	return nil
}

// Recover implements store.Store. The file belongs to one server at a time (see Lock), so
// whoever left a lease behind is gone.
func (s *Store) Recover(ctx context.Context, _ time.Time) error {
	return s.do(ctx, "recover", func(q session) error {
		_, err := q.exec("lane_recover")
		return err
	})
}

// Backlog implements store.Store.
func (s *Store) Backlog(ctx context.Context, now time.Time) (turns, deliveries int, err error) {
	err = s.queryOne(ctx, "backlog", []any{row.Millis(now)}, func(sc row.Scanner) error { return sc.Scan(&turns, &deliveries) })
	return turns, deliveries, database("count backlog", err)
}
