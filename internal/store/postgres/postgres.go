package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/pseudonym"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Enqueue inserts the jobs of claimed lanes in the transaction that claimed them.
type Enqueue func(ctx context.Context, tx pgx.Tx, lane job.Lane, claims []job.Claim) error

// Store is the store of several processes. It owns the DB that it is given and closes it.
type Store struct {
	db      *DB
	enqueue Enqueue
	queries map[string]string // by their name in queries.sql
	groups  *groups

	life   sync.RWMutex // held for reading by every step, and for writing by Close
	closed bool

	key pseudonym.Key

	selfMu sync.RWMutex
	self   map[string]string // our own bot's id by inbox, as this process knows it
}

var _ store.Store = (*Store)(nil)

// New prepares a store on a migrated database. enqueue may be nil in a program that only
// reads and replays: the dispatcher of a server finds what became due.
func New(ctx context.Context, db *DB, enqueue Enqueue) (*Store, error) {
	if enqueue == nil {
		enqueue = func(context.Context, pgx.Tx, job.Lane, []job.Claim) error { return nil }
	}
	files, err := migrationFiles()
	if err != nil {
		return nil, err
	}
	version, _, err := schemaVersion(ctx, db.pool)
	if err != nil {
		return nil, database("read schema version", err)
	}
	if version != len(files) {
		return nil, fault.New(fault.Permanent, fmt.Sprintf("the database has schema version %d, this program needs %d: migrate it", version, len(files)))
	}
	s := &Store{db: db, enqueue: enqueue, queries: queries(), self: map[string]string{}}
	if err := s.pseudonyms(ctx); err != nil {
		return nil, err
	}
	err = s.read(ctx, "read inboxes", "inbox_selves", nil, func(rows pgx.Rows) error {
		var name, id string
		if err := rows.Scan(&name, &id); err != nil {
			return err
		}
		s.self[name] = id
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.groups = newGroups(s)
	return s, nil
}

// Close waits for the steps that are under way and closes the database.
func (s *Store) Close() error {
	s.groups.close()
	s.life.Lock()
	s.closed = true
	s.life.Unlock()
	return s.db.Close()
}

// enter says whether the store is open, and keeps it open until leave.
func (s *Store) enter() bool {
	s.life.RLock()
	if s.closed {
		s.life.RUnlock()
		return false
	}
	return true
}

func (s *Store) leave() { s.life.RUnlock() }

func (s *Store) text(name string) string {
	text := s.queries[name]
	if text == "" {
		panic("postgres: no query named " + name) // a typing mistake, found by the first test
	}
	return text
}

// read runs a query that nothing else belongs to, planned as in a transaction of ours: looked
// for by a plan of the first day, what is due took longer than all that arrived meanwhile.
func (s *Store) read(ctx context.Context, doing, name string, args []any, scan func(pgx.Rows) error) error {
	if !s.enter() {
		return errClosed
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	batch.Queue(s.text("plan_once"))
	each(batch.Queue(s.text(name), clean(args)...), scan)
	return database(doing, s.db.pool.SendBatch(ctx, batch).Close())
}

// readOne reads one row; found is false when there is none.
func (s *Store) readOne(ctx context.Context, doing, name string, args []any, dest ...any) (found bool, err error) {
	err = s.read(ctx, doing, name, args, func(rows pgx.Rows) error {
		found = true
		return rows.Scan(dest...)
	})
	return found, err
}

// Ping makes a round trip.
func (s *Store) Ping(ctx context.Context) error {
	if !s.enter() {
		return errClosed
	}
	defer s.leave()
	return database("ping", s.db.pool.Ping(ctx))
}

// held is a conversation whose row is locked, with its lanes.
type held struct {
	row.Conversation
	turnFence, laneFence, laneLease int64
	failures, restarts              int

	dirty bool // to be written at the end of its group
}

func (c *held) scan(sc row.Scanner) error {
	return c.Scan(sc, &c.turnFence, &c.failures, &c.restarts, &c.laneFence, &c.laneLease)
}

// lock queues the reading of a conversation that nobody else may change until the end of
// the transaction. It is the first thing that a step does.
func (q *session) lock(query string, id any, c *held, found *bool) {
	q.later(query, id).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			*found = true
			if err := c.scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

func (q *session) save(c *row.Conversation) { q.later("conversation_update", c.Update()...) }

// scanMessage appends a message of a conversation.
func scanMessage(id conversation.ID, out *[]conversation.Message) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		m, err := row.Message(rows, id)
		*out = append(*out, m)
		return err
	}
}

// Transcript implements store.Store.
func (s *Store) Transcript(ctx context.Context, id conversation.ID, limit int) ([]conversation.Message, error) {
	var out []conversation.Message
	if err := s.read(ctx, "read transcript", "messages_transcript", []any{id, limit}, scanMessage(id, &out)); err != nil {
		return nil, err
	}
	slices.Reverse(out)
	return out, nil
}

// Conversation implements store.Store.
func (s *Store) Conversation(ctx context.Context, id conversation.ID) (store.Conversation, error) {
	var c held
	err := s.read(ctx, "read conversation", "conversation_by_id", []any{id}, func(rows pgx.Rows) error { return c.scan(rows) })
	if err == nil && c.ID == 0 {
		err = store.ErrNotFound
	}
	return c.Conversation.Conversation, err
}

func (s *Store) selfID(inbox string) string {
	s.selfMu.RLock()
	defer s.selfMu.RUnlock()
	return s.self[inbox]
}

func (s *Store) remember(learnt map[string]string) {
	s.selfMu.Lock()
	defer s.selfMu.Unlock()
	maps.Copy(s.self, learnt)
}

// selfID is our own bot's id at an inbox as this transaction knows it.
func (q *session) selfID(inbox string) string {
	if id, ok := q.learnt[inbox]; ok {
		return id
	}
	return q.s.selfID(inbox)
}

// isSelf is selfID where it is to be compared with id. Another process may have learnt what
// this one does not know, and talking of ourselves as of another bot would be silence.
func (q *session) isSelf(inbox, id string) (string, error) {
	self := q.selfID(inbox)
	if id == "" || id == self {
		return self, nil
	}
	found, err := q.one("inbox_self", []any{inbox}, &self)
	if found {
		q.learnt[inbox] = self
	}
	return self, err
}

// learn notes our own bot's id at an inbox, told by an answer or an echo of ours.
func (q *session) learn(inbox, id string) {
	if id == "" || q.selfID(inbox) == id {
		return
	}
	q.later("inbox_learn", inbox, id)
	q.learnt[inbox] = id
}

// Recover implements store.Store: it frees nothing. The database is shared, so nobody is
// certainly gone; what a dead process held is due again when its lease has run out.
func (s *Store) Recover(context.Context, time.Time) error { return nil }

// Backlog implements store.Store.
func (s *Store) Backlog(ctx context.Context, now time.Time) (turns, deliveries int, err error) {
	_, err = s.readOne(ctx, "count backlog", "backlog", []any{row.Millis(now)}, &turns, &deliveries)
	return turns, deliveries, err
}
