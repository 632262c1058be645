// Package outcome is what a decision, the end of an attempt, a workflow's report or a change
// of hands leaves behind: which orders become deliveries and when the first of them may go,
// what is called off, what is remembered, what the desk is to answer next. The stores call
// it within a transaction in which the conversation is theirs alone, so that both databases
// follow the same rules; who moves a conversation, and where to, is conversation's to say.
package outcome

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Records is one transaction of a store. Queries go by their names, which both stores have
// with the same arguments. What the Later methods write need not be in the database when
// they return, only before anything is read again.
type Records interface {
	// One reads a row; found is false when there is none.
	One(query string, args []any, dest ...any) (found bool, err error)
	// Exec returns how many rows it changed.
	Exec(query string, args ...any) (int64, error)
	// Many reads rows, each with scan.
	Many(query string, args []any, scan func(row.Scanner) error) error
	Later(query string, args ...any) error
	// LaterCount adds the number of changed rows to n, and LaterID sets id, both at the
	// latest with the commit.
	LaterCount(n *int, query string, args ...any) error
	LaterID(id *conversation.MessageID, query string, args ...any) error
	// Save writes a conversation.
	Save(*row.Conversation) error
}

// Hash is what makes a message the same for ever: its parts, in order.
func Hash(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		// The length keeps ("ab","c") and ("a","bc") apart.
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)[:16]
}

// Moment is when something happens, and through whom.
type Moment struct {
	Now         time.Time
	Correlation string
	// CanOpen says that the channel can make a conversation visible to people.
	CanOpen bool
}

// Move carries out what a move of the conversation means for what is under way, and notes
// it in res. Saving the conversation is the caller's.
func Move(r Records, c *row.Conversation, change conversation.Change, m Moment, res *store.Result) error {
	if change.Moved() || change.TakenOver {
		res.Change = change
	}
	if change.To == conversation.Human && (change.Moved() || change.TakenOver) || change.To == conversation.Closed && change.Moved() {
		told, err := settle(r, c, origin{correlation: m.Correlation, now: m.Now})
		if err != nil {
			return err
		}
		res.Deliver = res.Deliver || told
		if err := r.Later("turn_forget", int64(c.ID)); err != nil {
			return err
		}
		c.DueAt, c.FirstPending = time.Time{}, time.Time{}
		res.Pending, res.Stale, res.DueAt = false, true, time.Time{}
	}
	if !change.TakenOver {
		return nil
	}
	if err := r.LaterCount(&res.Cancelled, "delivery_cancel_says", int64(c.ID), string(change.Reason), "", row.Millis(m.Now)); err != nil {
		return err
	}
	if err := EndPauses(r, c, m.Now, res); err != nil { // what is left is for people
		return err
	}
	if change.ShouldOpen {
		return Open(r, c, m, res)
	}
	return nil
}

// Open asks for the conversation to be made visible to people, where the channel can.
func Open(r Records, c *row.Conversation, m Moment, res *store.Result) error {
	if !m.CanOpen {
		return nil
	}
	var one int
	if waiting, err := r.One("delivery_opening", []any{int64(c.ID)}, &one); err != nil || waiting {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	open := channel.Order{Delivery: conversation.DeliveryID(id.String()), Kind: channel.OpenUp}
	if _, err := add(r, c, []channel.Order{open}, origin{correlation: m.Correlation, now: m.Now}); err != nil {
		return err
	}
	res.Deliver = true
	return nil
}

// EndPauses lets what waits only for the time that a person would need to write it go at
// once. It costs nothing where nothing is open.
func EndPauses(r Records, c *row.Conversation, now time.Time, res *store.Result) error {
	if c.DeliverAt.IsZero() {
		return nil
	}
	if c.DeliverAt.After(now) {
		c.DeliverAt, res.Deliver = now, true
	}
	return r.Later("pauses_end", int64(c.ID), row.Millis(now))
}

// TakeOver gives the conversation to people by an operator's command. A hold of 0 lasts
// until somebody hands back.
func TakeOver(r Records, c *row.Conversation, hold time.Duration, now time.Time) error {
	var res store.Result
	change := c.State.TakeOver(conversation.ByCommand, row.HeldUntil(now, hold))
	if err := Move(r, c, change, Moment{Now: now, Correlation: c.Correlation, CanOpen: true}, &res); err != nil {
		return err
	}
	c.ChangedAt = now
	return r.Save(c)
}

// HandBack gives the conversation to the bot by an operator's command, which also answers
// what the customer still waits for. fault.Conflict when no person holds it.
func HandBack(r Records, c *row.Conversation, orders []channel.Order, now time.Time) error {
	if c.State.Holder != conversation.Human {
		return fault.New(fault.Conflict, "no person holds this conversation: it is with "+string(c.State.Holder))
	}
	c.State.HandBack(conversation.ByCommand)
	m := Moment{Now: now, Correlation: c.Correlation}
	if _, err := add(r, c, orders, origin{correlation: m.Correlation, now: now}); err != nil {
		return err
	}
	if err := Resume(r, c, m, new(store.Result)); err != nil {
		return err
	}
	c.ChangedAt = now
	return r.Save(c)
}
