package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// settleTime is what a send that was cut off by a crash is given to arrive before the
// helpdesk is asked about it.
const settleTime = 2 * time.Second

// delivery is a delivery as stored.
type delivery struct {
	store.Delivery
	seq              int64
	inFlight, forced bool
	epoch            int64
}

func scanDelivery(sc pgx.Row, d *delivery) error {
	var kind, body string
	var base int
	var created, accepted, first, next, done int64
	err := sc.Scan(&d.seq, &d.ID, &d.Conversation, &d.Inbox, &d.Channel, &d.Order.Address.To, &d.Order.Address.Thread, &d.Turn, &kind, &body, &d.Status, &d.inFlight,
		&d.Attempts, &base, &d.Uncertain, &d.Blind, &d.forced, &d.epoch, &d.Cause, &d.HTTPStatus, &d.Key, &d.Correlation, &created, &accepted, &first, &next, &done, &d.Order.After)
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	d.Order.Delivery, d.Order.Kind, d.Order.Text, d.Order.ReplyTo = d.ID, channel.OrderKind(kind), o.Text, o.ReplyTo
	d.Order.Labels, d.Order.Attributes, d.Order.Team, d.Order.Person = o.Labels, o.Attributes, o.Team, o.Person
	d.Order.Since = fromMillis(first)
	d.Round = d.Attempts - base
	d.CreatedAt, d.AcceptedAt, d.NextAt, d.DoneAt = fromMillis(created), fromMillis(accepted), fromMillis(next), fromMillis(done)
	return nil
}

// delivery queues the reading of one.
func (q *session) delivery(query string, arg any, d *delivery, found *bool) {
	each(q.later(query, arg), func(rows pgx.Rows) error {
		*found = true
		return scanDelivery(rows, d)
	})
}

// lockDelivery locks the conversation of a delivery and reads both.
func (q *session) lockDelivery(id conversation.DeliveryID) (c row, d delivery, err error) {
	var known, found bool
	q.lock("conversation_lock_by_delivery", string(id), &c, &known)
	q.delivery("delivery_by_id", string(id), &d, &found)
	if err = q.wait("read delivery"); err == nil && !(known && found) {
		err = store.ErrNotFound
	}
	return c, d, err
}

// NextDelivery implements store.Store.
func (s *Store) NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (store.Delivery, error) {
	var out store.Delivery
	err := s.do(ctx, "next delivery", func(q *session) error {
		out = store.Delivery{}
		var c row
		var known bool
		q.lock("conversation_lock", j.Conversation, &c, &known)
		for {
			var d delivery
			var found bool
			q.delivery("delivery_head", j.Conversation, &d, &found)
			if err := q.wait("delivery_head"); err != nil {
				return err
			}
			if !known || c.laneFence != j.Fence {
				return store.ErrLost
			}
			if !found {
				return q.park(j, time.Time{})
			}
			if d.inFlight {
				// Begun under an earlier lease and never finished: it may have arrived.
				q.interrupted(&d, now)
			}
			if cause := forbidden(d, c.State); cause != "" {
				q.later("delivery_cancel", d.seq, cause, millis(now))
				continue
			}
			if d.NextAt.After(now) {
				return q.park(j, d.NextAt)
			}
			q.later("lane_renew_delivery", j.Conversation, j.Fence, millis(now.Add(lease)))
			if !d.Uncertain {
				d.Attempts, d.Round = d.Attempts+1, d.Round+1
				if d.Order.Since.IsZero() {
					d.Order.Since = now
				}
				q.later("delivery_begin", d.seq, millis(now))
				q.later("attempt_begin", d.seq, d.Attempts, millis(now))
			}
			out = d.Delivery
			return nil
		}
	})
	return out, err
}

// forbidden is the check of who holds the conversation, at the instant of the send: what
// the bot says, and whom it assigns, must have been decided after the last time that a
// person took over, and what a person has closed is not opened again. Notes and labels are
// for people and harm nobody.
func forbidden(d delivery, s conversation.State) string {
	acts := d.Order.Kind == channel.Say || d.Order.Kind == channel.Assign
	switch {
	case d.forced:
		return ""
	case s.Holder == conversation.Closed && (acts || d.Order.Kind == channel.OpenUp):
		return "conversation closed"
	case d.epoch != s.Epoch && acts:
		return "taken over"
	}
	return ""
}

// park frees the lane until at; zero: until there is something new.
func (q *session) park(j job.Deliver, at time.Time) error {
	q.later("delivery_park", j.Conversation, millis(at))
	return store.ErrNotFound
}

func (q *session) interrupted(d *delivery, now time.Time) {
	// The request may still be on its way: asking at once could say "absent" too early.
	d.NextAt = now.Add(settleTime)
	q.later("delivery_interrupted", d.seq, millis(d.NextAt))
	q.later("attempt_end", d.seq, d.Attempts, millis(now), string(store.AttemptUncertain), 0, "interrupted")
	d.inFlight, d.Uncertain, d.Cause = false, true, "interrupted"
}

// FinishAttempt implements store.Store.
func (s *Store) FinishAttempt(ctx context.Context, a store.Attempt) error {
	return s.do(ctx, "finish attempt", func(q *session) error {
		c, d, err := q.lockDelivery(a.Delivery)
		if err != nil {
			return err
		}
		q.later("attempt_end", d.seq, a.Number, millis(a.Now), string(a.Outcome), a.HTTPStatus, a.Cause)
		q.learn(d.Inbox, a.SelfID)
		if a.Outcome == store.AttemptSent {
			// A fact, whoever holds the lane by now.
			q.later("delivery_sent", d.seq, a.HTTPStatus, a.Key, millis(a.Now))
			return nil
		}
		if d.Status != store.Pending && d.Status != store.FailedTemporary || d.Attempts != a.Number {
			return nil // its echo or a takeover was quicker, or a later try has begun
		}
		return q.finish(a, &c, d)
	})
}

func (q *session) finish(a store.Attempt, c *row, d delivery) error {
	now := millis(a.Now)
	switch a.Outcome {
	case store.AttemptRetry:
		q.later("delivery_retry", d.seq, d.Uncertain, a.Cause, a.HTTPStatus, millis(a.NextAt))
	case store.AttemptUncertain:
		q.later("delivery_retry", d.seq, true, a.Cause, a.HTTPStatus, millis(a.NextAt))
	case store.AttemptAbsent:
		q.later("delivery_settled", d.seq, 0, now)
	case store.AttemptUnknown:
		q.later("delivery_settled", d.seq, 1, now)
	case store.AttemptCancelled:
		q.later("delivery_cancel", d.seq, a.Cause, now)
	case store.AttemptFailed:
		return q.dead(a, c, d)
	default:
		return fmt.Errorf("attempt outcome %q", a.Outcome)
	}
	return nil
}

// dead ends a delivery for good. What the bot wanted to say after it makes no sense
// without it and is cancelled, to come back with it if somebody replays it.
func (q *session) dead(a store.Attempt, c *row, d delivery) error {
	q.later("delivery_failed", d.seq, a.Cause, a.HTTPStatus, millis(a.Now))
	if d.Order.Kind == channel.Say {
		q.later("delivery_cancel_says", d.Conversation, "an earlier message failed", string(d.ID), millis(a.Now))
	}
	if a.HandOver == "" || c.State.Holder != conversation.Bot {
		return nil
	}
	c.State.HandOver(a.HandOver)
	c.State.HeldUntil = end(a.Now, a.Hold)
	q.later("messages_settle", c.ID)
	c.dueAt, c.firstPending = time.Time{}, time.Time{}
	for _, o := range a.Orders {
		if err := q.order(c, o, d.Turn, d.Correlation, a.Now, time.Time{}); err != nil {
			return err
		}
	}
	q.save(c)
	return nil
}

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	var out []store.Delivery
	err := s.do(ctx, "list deliveries", func(q *session) error {
		out = nil
		q.later("plan_for_these")
		args := []any{string(f.Status), f.Inbox, f.Conversation, string(f.ID), cmp.Or(f.Limit, 100)}
		return q.many("delivery_list", args, func(rows pgx.Rows) error {
			var d delivery
			err := scanDelivery(rows, &d)
			out = append(out, d.Delivery)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Replay implements store.Store.
func (s *Store) Replay(ctx context.Context, id conversation.DeliveryID, now time.Time) error {
	return s.do(ctx, "replay delivery", func(q *session) error {
		_, d, err := q.lockDelivery(id)
		if err != nil {
			return err
		}
		if d.Status != store.FailedPermanent {
			return fault.New(fault.Conflict, fmt.Sprintf("delivery is %s: only %s can be replayed", d.Status, store.FailedPermanent))
		}
		q.later("delivery_replay", d.seq)
		q.later("delivery_replay_blocked", string(id))
		q.later("delivery_wake", d.Conversation, millis(now))
		return nil
	})
}
