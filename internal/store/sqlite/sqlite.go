package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// Enqueue inserts the jobs of claimed lanes in the transaction that claimed them. It must
// not touch the writer's pool: the transaction holds its only connection.
type Enqueue func(ctx context.Context, tx *sql.Tx, lane job.Lane, claims []job.Claim) error

// Store is the embedded store. It owns the DB that it is given and closes it.
type Store struct {
	db      *DB
	writer  *writer
	enqueue Enqueue
	// prepared statements by their name in queries.sql, on either pool
	w, r map[string]*sql.Stmt

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
	s := &Store{db: db, enqueue: enqueue, w: map[string]*sql.Stmt{}, r: map[string]*sql.Stmt{}, self: map[string]string{}}
	for name, text := range named(queries) {
		var err error
		if s.w[name], err = db.write.PrepareContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
		if !slices.Contains(reads(), name) {
			continue
		}
		if s.r[name], err = db.read.PrepareContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
	}
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

// reads are the queries that run beside the writer, on the pool of readers.
func reads() []string {
	return []string{"backlog", "conversation_by_id", "delivery_list", "lane_due_delivery", "lane_due_turn", "lane_next_delivery", "lane_next_turn",
		"messages_history", "messages_transcript", "worker_count"}
}

// Close ends the writer after what it was given and closes the database.
func (s *Store) Close() error {
	s.writer.close()
	return s.db.Close()
}

// Ping reads through the pool of readers; a stuck writer shows in Beat.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return database("ping", s.db.read.QueryRowContext(ctx, "select 1").Scan(&one))
}

// session runs named statements in one transaction.
type session struct {
	ctx context.Context
	tx  *sql.Tx
	s   *Store
	// learnt are the inboxes' own ids that become known with the commit.
	learnt map[string]string
}

func (s *Store) do(ctx context.Context, doing string, run func(q session) error) error {
	var learnt map[string]string
	err := s.writer.do(ctx, func(tx *sql.Tx) error {
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

func (q session) stmt(name string) *sql.Stmt {
	st := q.s.w[name]
	if st == nil {
		panic("sqlite: no query named " + name) // a typing mistake, found by the first test
	}
	return q.tx.StmtContext(q.ctx, st)
}

func (q session) exec(name string, args ...any) (int64, error) {
	res, err := q.stmt(name).ExecContext(q.ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	n, err := res.RowsAffected()
	return n, err
}

// one scans a single row; found is false when there is none.
func (q session) one(name string, args []any, dest ...any) (found bool, err error) {
	err = q.stmt(name).QueryRowContext(q.ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// row is a conversation as stored.
type row struct {
	store.Conversation
	lastAt       time.Time
	firstPending time.Time
	dueAt        time.Time
	deliverAt    time.Time
}

type scanner interface{ Scan(...any) error }

func scanConversation(sc scanner, r *row) error {
	var heldUntil, statusAt, lastAt, first, created, due, deliver int64
	err := sc.Scan(&r.ID, &r.Inbox, &r.Channel, &r.Thread, &r.Contact, &r.ContactName, &r.Address.To, &r.Address.Thread,
		&r.State.Holder, &r.State.Reason, &heldUntil, &r.State.Epoch, &r.State.Status, &statusAt, &r.Revision, &lastAt, &first, &r.Correlation, &created, &due, &deliver)
	if err != nil {
		return err
	}
	r.State.HeldUntil, r.State.StatusAt, r.lastAt = fromMillis(heldUntil), fromMillis(statusAt), fromMillis(lastAt)
	r.firstPending, r.CreatedAt, r.dueAt, r.deliverAt = fromMillis(first), fromMillis(created), fromMillis(due), fromMillis(deliver)
	return nil
}

func (q session) conversation(query string, args ...any) (row, bool, error) {
	var r row
	err := scanConversation(q.stmt(query).QueryRowContext(q.ctx, args...), &r)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, false, nil
	}
	if err != nil {
		return row{}, false, fmt.Errorf("%s: %w", query, err)
	}
	return r, true, nil
}

func (q session) save(r *row) error {
	_, err := q.exec("conversation_update", r.ID, r.ContactName, r.Address.To, r.Address.Thread, string(r.State.Holder), string(r.State.Reason), millis(r.State.HeldUntil),
		r.State.Epoch, string(r.State.Status), millis(r.State.StatusAt), r.Revision, millis(r.lastAt), millis(r.firstPending), r.Correlation, millis(r.dueAt), millis(r.deliverAt))
	return err
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

func scanMessages(rows *sql.Rows, id conversation.ID) ([]conversation.Message, error) {
	defer rows.Close()
	var out []conversation.Message
	for rows.Next() {
		var m conversation.Message
		var kind conversation.Kind
		var text, packed string
		var said, at int64
		var pending bool
		if err := rows.Scan(&m.ID, &m.Author, &kind, &text, &packed, &m.Key, &m.Delivery, &said, &at, &pending, &m.Turn, &m.Revoked); err != nil {
			return nil, err
		}
		var err error
		if m.Content, err = unpackContent(kind, text, packed); err != nil {
			return nil, err
		}
		m.Conversation, m.SaidAt, m.At = id, fromMillis(said), fromMillis(at)
		out = append(out, m)
	}
	return out, rows.Err()
}

func (s *Store) messages(ctx context.Context, query string, id conversation.ID, args ...any) ([]conversation.Message, error) {
	rows, err := s.r[query].QueryContext(ctx, append([]any{id}, args...)...)
	if err != nil {
		return nil, database(query, err)
	}
	out, err := scanMessages(rows, id)
	return out, database(query, err)
}

// Transcript implements store.Store.
func (s *Store) Transcript(ctx context.Context, id conversation.ID, limit int) ([]conversation.Message, error) {
	out, err := s.messages(ctx, "messages_transcript", id, limit)
	reverse(out)
	return out, err
}

// Conversation implements store.Store.
func (s *Store) Conversation(ctx context.Context, id conversation.ID) (store.Conversation, error) {
	var r row
	err := scanConversation(s.r["conversation_by_id"].QueryRowContext(ctx, id), &r)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Conversation{}, store.ErrNotFound
	}
	return r.Conversation, database("read conversation", err)
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

// Beat implements store.Store, and drops workers not seen for a day.
func (s *Store) Beat(ctx context.Context, worker string, now time.Time) error {
	return s.do(ctx, "beat", func(q session) error {
		if _, err := q.exec("worker_beat", worker, millis(now)); err != nil {
			return err
		}
		_, err := q.exec("worker_forget", millis(now.Add(-24*time.Hour)))
		return err
	})
}

// Workers implements store.Store.
func (s *Store) Workers(ctx context.Context, since time.Time) (int, time.Time, error) {
	var n int
	var at int64
	err := s.r["worker_count"].QueryRowContext(ctx, millis(since)).Scan(&n, &at)
	return n, fromMillis(at), database("count workers", err)
}

// Backlog implements store.Store.
func (s *Store) Backlog(ctx context.Context, now time.Time) (turns, deliveries int, err error) {
	err = s.r["backlog"].QueryRowContext(ctx, millis(now)).Scan(&turns, &deliveries)
	return turns, deliveries, database("count backlog", err)
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
