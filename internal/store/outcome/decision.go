package outcome

import (
	"fmt"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Decide writes what a turn decided, and saves the conversation. That the turn may still
// decide is the caller's to know. send says that there is something to be sent.
func Decide(r Records, d *store.Decision, c *row.Conversation) (send bool, err error) {
	now, rec := row.Millis(d.Now), &d.Record
	var turn conversation.TurnID
	if _, err := r.One("turn_insert", []any{int64(c.ID), rec.Outcome, rec.Reason, rec.Model, rec.InputTokens, rec.CachedTokens, rec.OutputTokens,
		rec.ModelTime.Milliseconds(), row.Millis(rec.StartedAt), now, rec.Correlation}, &turn); err != nil {
		return false, err
	}
	from := origin{turn: turn, correlation: rec.Correlation, now: d.Now, accepted: c.FirstPending, farewell: d.OptOut}
	if err := r.Later("messages_answer", int64(c.ID), int64(turn), int64(d.Through)); err != nil {
		return false, err
	}
	if d.HandOver != "" {
		if err := handOver(r, c, d.HandOver, d.Hold, from); err != nil {
			return false, err
		}
	}
	if err := remember(r, d, c); err != nil {
		return false, err
	}
	var first int64
	if _, err := r.One("messages_pending_first", []any{int64(c.ID)}, &first); err != nil {
		return false, err
	}
	wake := d.WakeAt
	if d.HandOver != "" || d.OptOut {
		wake = time.Time{}
	}
	if c.FirstPending, c.DueAt = row.Time(first), d.Now; first == 0 {
		c.DueAt = wake
	}
	n, err := add(r, c, d.Orders, from)
	if err != nil {
		return false, err
	}
	c.ChangedAt = d.Now
	if err := r.Save(c); err != nil {
		return false, err
	}
	return n > 0, r.Later("turn_done", int64(c.ID), row.Millis(wake))
}

// handOver gives the conversation to people: nobody of ours answers what is pending.
func handOver(r Records, c *row.Conversation, reason conversation.Reason, hold time.Duration, from origin) error {
	c.State.HandOver(reason)
	c.State.HeldUntil = row.HeldUntil(from.now, hold)
	if _, err := settle(r, c, from); err != nil {
		return err
	}
	c.DueAt, c.FirstPending = time.Time{}, time.Time{}
	return nil
}

// remember keeps what a decision learned, and what it must never do again.
func remember(r Records, d *store.Decision, c *row.Conversation) error {
	if d.Memory != nil {
		if err := r.Later("memory_keep", int64(c.ID), string(d.Memory)); err != nil {
			return err
		}
	}
	if d.Profile != nil {
		if err := r.Later("profile_keep", int64(c.Contact), string(d.Profile)); err != nil {
			return err
		}
	}
	if l := d.Lead; l != nil {
		if err := r.Later("lead_keep", int64(c.ID), l.Desk, l.ContactName, l.State, l.Score, l.MaxScore, l.ScoreTable, string(l.Body), row.Millis(d.Now)); err != nil {
			return err
		}
	}
	if !d.OptOut {
		return nil
	}
	if err := r.Later("opt_out_insert", int64(c.ID), row.Millis(d.Now)); err != nil {
		return err
	}
	return r.Later("delivery_opted_out", int64(c.ID), row.Millis(d.Now))
}

// origin is where orders come from.
type origin struct {
	turn          conversation.TurnID
	correlation   string
	now, accepted time.Time
	farewell      bool // they are the last that the customer is sent
}

// add makes deliveries of orders, in their order, and the lane due. It returns how many: a
// workflow that has been started with the same arguments is left out. A pause begins when
// the one before it ends, so that a delivery that is late does not make all the others late.
func add(r Records, c *row.Conversation, orders []channel.Order, from origin) (n int, err error) {
	due := from.now
	for _, o := range orders {
		if o.Delivery == "" {
			return n, fmt.Errorf("order %s has no delivery id", o.Kind)
		}
		if o.Kind == channel.Call {
			started, err := r.Exec("firing_insert", int64(c.ID), o.Workflow, store.FiringKey(o.Arguments), string(o.Delivery), row.Millis(from.now))
			if err != nil {
				return n, err
			}
			if started == 0 {
				continue
			}
		}
		due = due.Add(max(0, o.Pause))
		if err := insert(r, c, o, from, due); err != nil {
			return n, err
		}
		n++
	}
	if n > 0 && (c.DeliverAt.IsZero() || c.DeliverAt.After(from.now)) {
		c.DeliverAt = from.now
	}
	return n, nil
}

// insert stores a delivery, and for something to be said the message that history shows.
func insert(r Records, c *row.Conversation, o channel.Order, from origin, due time.Time) error {
	body, err := row.Body(o)
	if err != nil {
		return err
	}
	var fingerprint any // a nil slice would be an empty blob to one database
	if o.Kind == channel.Say {
		if b := conversation.Fingerprint(o.Text); b != nil {
			fingerprint = b
		}
	}
	var next int64
	if due.After(from.now) {
		next = row.Millis(due)
	}
	now := row.Millis(from.now)
	if err := r.Later("delivery_insert", string(o.Delivery), int64(c.ID), int64(from.turn), string(o.Kind), body, fingerprint, c.State.Epoch, from.correlation,
		now, row.Millis(from.accepted), next, from.farewell); err != nil {
		return err
	}
	if o.Kind != channel.Say {
		return nil
	}
	return r.Later("message_insert", int64(c.ID), string(conversation.Ours), string(conversation.Text), o.Text, nil, "", nil, string(o.Delivery), now, now, false)
}
