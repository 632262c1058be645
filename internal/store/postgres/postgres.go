package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
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
	s := &Store{db: db, enqueue: enqueue, queries: named(queries), self: map[string]string{}}
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

// read runs a query outside of any transaction.
func (s *Store) read(ctx context.Context, doing, name string, args []any, scan func(pgx.Rows) error) error {
	if !s.enter() {
		return errClosed
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	rows, err := s.db.pool.Query(ctx, s.text(name), clean(args)...)
	if err != nil {
		return database(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return database(doing, err)
		}
	}
	return database(doing, rows.Err())
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

// row is a conversation as stored, with its lanes.
type row struct {
	store.Conversation
	lastAt       time.Time
	firstPending time.Time
	dueAt        time.Time
	deliverAt    time.Time

	turnFence, laneFence, laneLease int64
	failures, restarts              int

	dirty bool // to be written at the end of its group
}

func scanConversation(sc pgx.Row, r *row) error {
	var heldUntil, statusAt, lastAt, first, created, due, deliver int64
	err := sc.Scan(&r.ID, &r.Inbox, &r.Channel, &r.Thread, &r.Contact, &r.ContactName, &r.Address.To, &r.Address.Thread,
		&r.State.Holder, &r.State.Reason, &heldUntil, &r.State.Epoch, &r.State.Status, &statusAt, &r.Revision, &lastAt, &first, &r.Correlation, &created,
		&due, &deliver, &r.turnFence, &r.failures, &r.restarts, &r.laneFence, &r.laneLease)
	if err != nil {
		return err
	}
	r.State.HeldUntil, r.State.StatusAt, r.lastAt = fromMillis(heldUntil), fromMillis(statusAt), fromMillis(lastAt)
	r.firstPending, r.CreatedAt, r.dueAt, r.deliverAt = fromMillis(first), fromMillis(created), fromMillis(due), fromMillis(deliver)
	return nil
}

// lock queues the reading of a conversation that nobody else may change until the end of
// the transaction. It is the first thing that a step does.
func (q *session) lock(query string, id any, r *row, found *bool) {
	q.later(query, id).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			*found = true
			if err := scanConversation(rows, r); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

func (q *session) save(r *row) {
	q.later("conversation_update", r.ID, r.ContactName, r.Address.To, r.Address.Thread, string(r.State.Holder), string(r.State.Reason), millis(r.State.HeldUntil),
		r.State.Epoch, string(r.State.Status), millis(r.State.StatusAt), r.Revision, millis(r.lastAt), millis(r.firstPending), r.Correlation, millis(r.dueAt), millis(r.deliverAt))
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// extra is the part of a message's content that most messages do not have.
type extra struct {
	ChoiceID string            `json:"choice_id,omitempty"`
	Quoted   string            `json:"quoted,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

func packContent(c conversation.Content) (any, error) {
	if c.ChoiceID == "" && c.Quoted == "" && len(c.Detail) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(extra{c.ChoiceID, c.Quoted, c.Detail})
	return string(b), err
}

func unpackContent(kind conversation.Kind, text, packed string) (conversation.Content, error) {
	c := conversation.Content{Kind: kind, Text: text}
	if packed == "" {
		return c, nil
	}
	var e extra
	if err := json.Unmarshal([]byte(packed), &e); err != nil {
		return c, fmt.Errorf("read message: %w", err)
	}
	c.ChoiceID, c.Quoted, c.Detail = e.ChoiceID, e.Quoted, e.Detail
	return c, nil
}

// scanMessage appends a message of a conversation.
func scanMessage(id conversation.ID, out *[]conversation.Message) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		m := conversation.Message{Conversation: id}
		var kind conversation.Kind
		var text, packed string
		var said, at int64
		var pending bool
		if err := rows.Scan(&m.ID, &m.Author, &kind, &text, &packed, &m.Key, &m.Delivery, &said, &at, &pending, &m.Turn, &m.Revoked); err != nil {
			return err
		}
		var err error
		if m.Content, err = unpackContent(kind, text, packed); err != nil {
			return err
		}
		m.SaidAt, m.At = fromMillis(said), fromMillis(at)
		*out = append(*out, m)
		return nil
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
	var r row
	err := s.read(ctx, "read conversation", "conversation_by_id", []any{id}, func(rows pgx.Rows) error { return scanConversation(rows, &r) })
	if err == nil && r.ID == 0 {
		err = store.ErrNotFound
	}
	return r.Conversation, err
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

// Beat implements store.Store, and drops workers not seen for a day.
func (s *Store) Beat(ctx context.Context, worker string, now time.Time) error {
	return s.do(ctx, "beat", func(q *session) error {
		q.later("worker_beat", worker, millis(now))
		q.later("worker_forget", millis(now.Add(-24*time.Hour)))
		return nil
	})
}

// Workers implements store.Store.
func (s *Store) Workers(ctx context.Context, since time.Time) (int, time.Time, error) {
	var n int
	var at int64
	_, err := s.readOne(ctx, "count workers", "worker_count", []any{millis(since)}, &n, &at)
	return n, fromMillis(at), err
}

// Backlog implements store.Store.
func (s *Store) Backlog(ctx context.Context, now time.Time) (turns, deliveries int, err error) {
	_, err = s.readOne(ctx, "count backlog", "backlog", []any{millis(now)}, &turns, &deliveries)
	return turns, deliveries, err
}

// order is a delivery's body: the parts of channel.Order that are stored.
type order struct {
	Text       string            `json:"text,omitempty"`
	ReplyTo    string            `json:"reply_to,omitempty"`
	Labels     []string          `json:"labels,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Team       string            `json:"team,omitempty"`
	Person     string            `json:"person,omitempty"`
}

func packOrder(o channel.Order) (string, error) {
	b, err := json.Marshal(order{o.Text, o.ReplyTo, o.Labels, o.Attributes, o.Team, o.Person})
	return string(b), err
}
