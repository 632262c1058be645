// Package row is what both databases keep, in the form in which they keep it: the order of
// columns, times as Unix milliseconds, and the parts of messages and orders that are JSON.
// A conversation or delivery that one database wrote, the other would read.
package row

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// Queries splits a file of queries at its "-- name:" lines. Lines of comment are left out: a
// "$2" in one would count as an argument.
func Queries(text string) map[string]string {
	out := map[string]string{}
	for _, part := range strings.Split(text, "-- name: ")[1:] {
		name, query, _ := strings.Cut(part, "\n")
		var kept strings.Builder
		for line := range strings.Lines(query) {
			if !strings.HasPrefix(line, "--") {
				kept.WriteString(line)
			}
		}
		out[strings.TrimSpace(name)] = strings.TrimSpace(kept.String())
	}
	return out
}

// Millis is a time as it is stored: Unix milliseconds, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time is what Millis stored, in UTC.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// HeldUntil is when a person's hold ends; zero: when somebody hands back.
func HeldUntil(now time.Time, hold time.Duration) time.Time {
	if hold <= 0 {
		return time.Time{}
	}
	return now.Add(hold)
}

// Conversation is a conversation as stored, with the times of its lanes.
type Conversation struct {
	store.Conversation
	LastAt       time.Time // when the customer last wrote, by the channel's clock
	FirstPending time.Time
	DueAt        time.Time // of the lane of turns; zero: nothing to answer
	DeliverAt    time.Time // of the lane of deliveries; zero: nothing to send
	ChangedAt    time.Time // set by every step that saves it, and read by lists alone
}

// Scanner is a row of either database.
type Scanner interface{ Scan(...any) error }

// Scan reads the columns of a conversation, and more that follow them.
func (c *Conversation) Scan(sc Scanner, more ...any) error {
	var heldUntil, statusAt, lastAt, first, created, due, deliver int64
	dest := append(make([]any, 0, 28), &c.ID, &c.Inbox, &c.Channel, &c.Thread, &c.Contact, &c.ContactName, &c.Address.To, &c.Address.Thread,
		&c.State.Holder, &c.State.Reason, &heldUntil, &c.State.Epoch, &c.State.Status, &statusAt, &c.Revision, &lastAt, &first, &c.Correlation, &created, &c.State.Episode, &due, &deliver)
	if err := sc.Scan(append(dest, more...)...); err != nil {
		return err
	}
	c.State.HeldUntil, c.State.StatusAt, c.LastAt = Time(heldUntil), Time(statusAt), Time(lastAt)
	c.FirstPending, c.CreatedAt, c.DueAt, c.DeliverAt = Time(first), Time(created), Time(due), Time(deliver)
	return nil
}

// Update is the conversation as the query conversation_update takes it.
func (c *Conversation) Update() []any {
	return []any{int64(c.ID), c.ContactName, c.Address.To, c.Address.Thread, string(c.State.Holder), string(c.State.Reason), Millis(c.State.HeldUntil),
		c.State.Epoch, string(c.State.Status), Millis(c.State.StatusAt), c.Revision, Millis(c.LastAt), Millis(c.FirstPending), c.Correlation, Millis(c.DueAt), Millis(c.DeliverAt),
		c.State.Episode, Millis(c.ChangedAt)}
}

// extra is the part of a message's content that most messages do not have.
type extra struct {
	ChoiceID string            `json:"choice_id,omitempty"`
	Quoted   string            `json:"quoted,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// Extra packs what a message has besides kind and text; nil where that is nothing.
func Extra(c conversation.Content) (any, error) {
	if c.ChoiceID == "" && c.Quoted == "" && len(c.Detail) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(extra{c.ChoiceID, c.Quoted, c.Detail})
	return string(b), err
}

// Message reads a message of the conversation id.
func Message(sc Scanner, id conversation.ID) (conversation.Message, error) {
	m := conversation.Message{Conversation: id}
	var packed string
	var said, at int64
	var pending bool
	if err := sc.Scan(&m.ID, &m.Author, &m.Content.Kind, &m.Content.Text, &packed, &m.Key, &m.Delivery, &said, &at, &pending, &m.Turn, &m.Revoked); err != nil {
		return m, err
	}
	m.SaidAt, m.At = Time(said), Time(at)
	if packed == "" {
		return m, nil
	}
	var e extra
	if err := json.Unmarshal([]byte(packed), &e); err != nil {
		return m, fmt.Errorf("read message: %w", err)
	}
	m.Content.ChoiceID, m.Content.Quoted, m.Content.Detail = e.ChoiceID, e.Quoted, e.Detail
	return m, nil
}

// Memory reads what a desk remembers into a turn that begins.
func Memory(sc Scanner, t *store.Turn) error {
	var memory, profile string
	err := sc.Scan(&memory, &profile, &t.OptedOut)
	t.Memory, t.Profile = some(memory), some(profile)
	return err
}

// some is a text's bytes, nil where there are none.
func some(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// Firing reads a workflow that was started.
func Firing(sc Scanner) (f store.Firing, err error) {
	var at int64
	err = sc.Scan(&f.Workflow, &f.Key, &f.Delivery, &at, &f.Status)
	f.At = Time(at)
	return f, err
}

// Lead reads a lead.
func Lead(sc Scanner) (l store.Lead, err error) {
	var body string
	var at int64
	err = sc.Scan(&l.Conversation, &l.Inbox, &l.Desk, &l.ContactName, &l.State, &l.Score, &l.MaxScore, &l.ScoreTable, &body, &at)
	l.Body, l.UpdatedAt = some(body), Time(at)
	return l, err
}

// order is a delivery's body: the parts of channel.Order that are stored.
type order struct {
	Text       string            `json:"text,omitempty"`
	ReplyTo    string            `json:"reply_to,omitempty"`
	Labels     []string          `json:"labels,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Team       string            `json:"team,omitempty"`
	Person     string            `json:"person,omitempty"`
	Pause      int64             `json:"pause_ms,omitempty"`
	Workflow   string            `json:"workflow,omitempty"`
	Arguments  string            `json:"arguments,omitempty"`
}

// Body packs an order.
func Body(o channel.Order) (string, error) {
	b, err := json.Marshal(order{o.Text, o.ReplyTo, o.Labels, o.Attributes, o.Team, o.Person, o.Pause.Milliseconds(), o.Workflow, o.Arguments})
	return string(b), err
}

// SettleTime is what a send that was cut off by a crash is given to arrive before the
// helpdesk is asked about it.
const SettleTime = 2 * time.Second

// Delivery is a delivery as stored.
type Delivery struct {
	store.Delivery
	Seq              int64
	InFlight, Forced bool
	Epoch            int64
	// Unwanted: the contact wants no more messages, and this is not the last that was decided.
	// Known of the next in a lane alone, like More.
	Unwanted bool
}

// ScanNext reads the columns of the next delivery in a lane.
func (d *Delivery) ScanNext(sc Scanner) error { return d.Scan(sc, &d.More, &d.Unwanted) }

// Scan reads the columns of a delivery, and more that follow them.
func (d *Delivery) Scan(sc Scanner, more ...any) error {
	var kind, body string
	var base int
	var created, accepted, first, next, done int64
	err := sc.Scan(append([]any{&d.Seq, &d.ID, &d.Conversation, &d.Inbox, &d.Channel, &d.Order.Address.To, &d.Order.Address.Thread, &d.Turn, &kind, &body, &d.Status, &d.InFlight,
		&d.Attempts, &base, &d.Uncertain, &d.Blind, &d.Forced, &d.Epoch, &d.Cause, &d.HTTPStatus, &d.Key, &d.Correlation, &created, &accepted, &first, &next, &done, &d.Order.After}, more...)...)
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	d.Order.Delivery, d.Order.Kind, d.Order.Text, d.Order.ReplyTo = d.ID, channel.OrderKind(kind), o.Text, o.ReplyTo
	d.Order.Labels, d.Order.Attributes, d.Order.Team, d.Order.Person = o.Labels, o.Attributes, o.Team, o.Person
	d.Order.Pause, d.Order.Workflow, d.Order.Arguments = time.Duration(o.Pause)*time.Millisecond, o.Workflow, o.Arguments
	d.Order.Since = Time(first)
	d.Round = d.Attempts - base
	d.CreatedAt, d.AcceptedAt, d.NextAt, d.DoneAt = Time(created), Time(accepted), Time(next), Time(done)
	return nil
}

// Forbidden says why a delivery may not be sent at this instant, "" when it may: nothing is
// said to who wants no more messages, nor started for them, whoever asked for it. And what
// the bot says, whom it assigns and what it takes back must have been decided after the last
// time that a person took over, and what a person has closed is not opened again. Notes and
// labels are for people and harm nobody; a workflow is work that was decided with the
// customer, and who holds the conversation by now has no say in it.
func (d *Delivery) Forbidden(holder conversation.Holder, epoch int64) string {
	kind := d.Order.Kind
	acts := kind == channel.Say || kind == channel.Assign || kind == channel.Pend || kind == channel.TakeBack
	switch {
	case d.Unwanted && (kind == channel.Say || kind == channel.Call):
		return OptedOut
	case d.Forced:
		return ""
	case holder == conversation.Closed && (acts || kind == channel.OpenUp):
		return "conversation closed"
	case d.Epoch != epoch && acts:
		return "taken over"
	case kind == channel.TakeBack && holder == conversation.Bot:
		return "given back"
	}
	return ""
}

// OptedOut is the cause of what is not sent to who wants no more messages. The queries know
// it as well.
const OptedOut = "opted out"
