package outcome

import (
	"cmp"
	"fmt"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// waiting is how long ago a customer may have written and still wait for an answer: a
// channel of Meta's takes none later.
const waiting = 24 * time.Hour

// GiveBack asks the helpdesk to give the conversation to the bot: because a person said so
// (Pend), or where it turns out that nobody has it (TakeBack), and then only after grace. The
// conversation moves when the helpdesk shows it. key identifies what it is asked for, so that
// a repeat asks for nothing; nil: it can be no repeat.
func GiveBack(r Records, c *row.Conversation, kind channel.OrderKind, key []byte, grace time.Duration, m Moment, res *store.Result) error {
	id, err := uuid.NewV7()
	if key != nil {
		id, err = uuid.NewSHA1(uuid.NameSpaceOID, key), nil
		var one int
		if known, err := r.One("delivery_known", []any{id.String()}, &one); known || err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("make delivery id: %w", err)
	}
	o := channel.Order{Delivery: conversation.DeliveryID(id.String()), Kind: kind, Pause: grace}
	if _, err := add(r, c, []channel.Order{o}, origin{correlation: m.Correlation, now: m.Now}); err != nil {
		return err
	}
	res.Deliver = true
	return nil
}

// GivenBack is called after the helpdesk has shown that the bot has the conversation again.
// Where that was at our own asking the customer still waits for an answer.
func GivenBack(r Records, c *row.Conversation, m Moment, res *store.Result) error {
	var one int
	if ours, err := r.One("delivery_giving_back", []any{int64(c.ID), c.State.Epoch}, &one); err != nil || !ours {
		return err
	}
	return Resume(r, c, m, res)
}

// Resume lets the desk answer what the customer has written since somebody last said
// something to them. Saving the conversation is the caller's.
func Resume(r Records, c *row.Conversation, m Moment, res *store.Result) error {
	n, err := r.Exec("messages_resume", int64(c.ID), row.Millis(m.Now.Add(-waiting)))
	if err != nil || n == 0 {
		return err
	}
	res.Before, res.Joins = c.Correlation, !c.FirstPending.IsZero()
	c.FirstPending, c.DueAt = earliest(c.FirstPending, m.Now), m.Now
	c.Revision++
	c.Correlation = cmp.Or(m.Correlation, c.Correlation)
	res.Pending, res.Stale, res.DueAt = true, true, c.DueAt
	return nil
}
