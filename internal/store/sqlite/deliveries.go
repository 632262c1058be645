package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

func scanDelivery(sc scanner) (delivery, error) {
	var d delivery
	var kind, body string
	var base int
	var created, accepted, first, next, done int64
	err := sc.Scan(&d.seq, &d.ID, &d.Conversation, &d.Inbox, &d.Channel, &d.Order.Address.To, &d.Order.Address.Thread, &d.Turn, &kind, &body, &d.Status, &d.inFlight,
		&d.Attempts, &base, &d.Uncertain, &d.Blind, &d.forced, &d.epoch, &d.Cause, &d.HTTPStatus, &d.Key, &d.Correlation, &created, &accepted, &first, &next, &done, &d.Order.After)
	if err != nil {
		return d, err
	}
	var o order
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		return d, fmt.Errorf("read order: %w", err)
	}
	d.Order.Delivery, d.Order.Kind, d.Order.Text, d.Order.ReplyTo = d.ID, channel.OrderKind(kind), o.Text, o.ReplyTo
	d.Order.Labels, d.Order.Attributes, d.Order.Team, d.Order.Person = o.Labels, o.Attributes, o.Team, o.Person
	d.Order.Since = fromMillis(first)
	d.Round = d.Attempts - base
	d.CreatedAt, d.AcceptedAt, d.NextAt, d.DoneAt = fromMillis(created), fromMillis(accepted), fromMillis(next), fromMillis(done)
	return d, nil
}

func (q session) delivery(query string, arg any) (delivery, bool, error) {
	d, err := scanDelivery(q.stmt(query).QueryRowContext(q.ctx, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("%s: %w", query, err)
	}
	return d, true, nil
}

// NextDelivery implements store.Store.
func (s *Store) NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (store.Delivery, error) {
	var out store.Delivery
	err := s.do(ctx, "next delivery", func(q session) error {
		out = store.Delivery{}
		var fence, epoch int64
		var holder conversation.Holder
		found, err := q.one("delivery_lane", []any{j.Conversation}, &fence, &holder, &epoch)
		if err != nil {
			return err
		}
		if !found || fence != j.Fence {
			return store.ErrLost
		}
		for {
			d, found, err := q.delivery("delivery_head", j.Conversation)
			if err != nil {
				return err
			}
			if !found {
				return q.park(j, time.Time{})
			}
			if d.inFlight {
				// Begun under an earlier lease and never finished: it may have arrived.
				if err := q.interrupted(&d, now); err != nil {
					return err
				}
			}
			if cause := forbidden(d, holder, epoch); cause != "" {
				if _, err := q.exec("delivery_cancel", d.seq, cause, millis(now)); err != nil {
					return err
				}
				continue
			}
			if d.NextAt.After(now) {
				return q.park(j, d.NextAt)
			}
			if _, err := q.exec("lane_renew_delivery", j.Conversation, j.Fence, millis(now.Add(lease))); err != nil {
				return err
			}
			if !d.Uncertain {
				d.Attempts, d.Round = d.Attempts+1, d.Round+1
				if d.Order.Since.IsZero() {
					d.Order.Since = now
				}
				if _, err := q.exec("delivery_begin", d.seq, millis(now)); err != nil {
					return err
				}
				if _, err := q.exec("attempt_begin", d.seq, d.Attempts, millis(now)); err != nil {
					return err
				}
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
func forbidden(d delivery, holder conversation.Holder, epoch int64) string {
	acts := d.Order.Kind == channel.Say || d.Order.Kind == channel.Assign
	switch {
	case d.forced:
		return ""
	case holder == conversation.Closed && (acts || d.Order.Kind == channel.OpenUp):
		return "conversation closed"
	case d.epoch != epoch && acts:
		return "taken over"
	}
	return ""
}

// park frees the lane until at; zero: until there is something new.
func (q session) park(j job.Deliver, at time.Time) error {
	if _, err := q.tx.ExecContext(q.ctx, "update conversations set lane_lease = 0, deliver_at = nullif($2, 0) where id = $1", j.Conversation, millis(at)); err != nil {
		return err
	}
	return store.ErrNotFound
}

func (q session) interrupted(d *delivery, now time.Time) error {
	// The request may still be on its way: asking at once could say "absent" too early.
	d.NextAt = now.Add(settleTime)
	if _, err := q.exec("delivery_interrupted", d.seq, millis(d.NextAt)); err != nil {
		return err
	}
	if _, err := q.exec("attempt_end", d.seq, d.Attempts, millis(now), string(store.AttemptUncertain), 0, "interrupted"); err != nil {
		return err
	}
	d.inFlight, d.Uncertain, d.Cause = false, true, "interrupted"
	return nil
}

// FinishAttempt implements store.Store.
func (s *Store) FinishAttempt(ctx context.Context, a store.Attempt) error {
	return s.do(ctx, "finish attempt", func(q session) error {
		d, found, err := q.delivery("delivery_by_id", string(a.Delivery))
		if err != nil {
			return err
		}
		if !found {
			return store.ErrNotFound
		}
		if _, err := q.exec("attempt_end", d.seq, a.Number, millis(a.Now), string(a.Outcome), a.HTTPStatus, a.Cause); err != nil {
			return err
		}
		if err := q.learn(d.Inbox, a.SelfID); err != nil {
			return err
		}
		if a.Outcome == store.AttemptSent {
			// A fact, whoever holds the lane by now.
			_, err := q.exec("delivery_sent", d.seq, a.HTTPStatus, a.Key, millis(a.Now))
			return err
		}
		if d.Status != store.Pending && d.Status != store.FailedTemporary || d.Attempts != a.Number {
			return nil // its echo or a takeover was quicker, or a later try has begun
		}
		return q.finish(a, d)
	})
}

func (q session) finish(a store.Attempt, d delivery) error {
	now := millis(a.Now)
	var err error
	switch a.Outcome {
	case store.AttemptRetry:
		_, err = q.exec("delivery_retry", d.seq, d.Uncertain, a.Cause, a.HTTPStatus, millis(a.NextAt))
	case store.AttemptUncertain:
		_, err = q.exec("delivery_retry", d.seq, true, a.Cause, a.HTTPStatus, millis(a.NextAt))
	case store.AttemptAbsent:
		_, err = q.exec("delivery_settled", d.seq, 0, now)
	case store.AttemptUnknown:
		_, err = q.exec("delivery_settled", d.seq, 1, now)
	case store.AttemptCancelled:
		_, err = q.exec("delivery_cancel", d.seq, a.Cause, now)
	case store.AttemptFailed:
		err = q.dead(a, d)
	default:
		err = fmt.Errorf("attempt outcome %q", a.Outcome)
	}
	return err
}

// dead ends a delivery for good. What the bot wanted to say after it makes no sense
// without it and is cancelled, to come back with it if somebody replays it.
func (q session) dead(a store.Attempt, d delivery) error {
	if _, err := q.exec("delivery_failed", d.seq, a.Cause, a.HTTPStatus, millis(a.Now)); err != nil {
		return err
	}
	if d.Order.Kind == channel.Say {
		if _, err := q.exec("delivery_cancel_says", d.Conversation, "an earlier message failed", string(d.ID), millis(a.Now)); err != nil {
			return err
		}
	}
	c, found, err := q.conversation("conversation_by_id", d.Conversation)
	if err != nil || !found {
		return err
	}
	if a.HandOver == "" || c.State.Holder != conversation.Bot {
		return nil
	}
	c.State.HandOver(a.HandOver)
	c.State.HeldUntil = end(a.Now, a.Hold)
	if _, err := q.exec("messages_settle", c.ID); err != nil {
		return err
	}
	c.dueAt, c.firstPending = time.Time{}, time.Time{}
	for _, o := range a.Orders {
		if err := q.order(&c, o, d.Turn, d.Correlation, a.Now, time.Time{}); err != nil {
			return err
		}
	}
	return q.save(&c)
}

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	rows, err := s.r["delivery_list"].QueryContext(ctx, string(f.Status), f.Inbox, f.Conversation, string(f.ID), cmp.Or(f.Limit, 100))
	if err != nil {
		return nil, database("list deliveries", err)
	}
	defer rows.Close()
	var out []store.Delivery
	for rows.Next() {
		d, err := scanDelivery(rows)
		if err != nil {
			return nil, database("list deliveries", err)
		}
		out = append(out, d.Delivery)
	}
	return out, database("list deliveries", rows.Err())
}

// Replay implements store.Store.
func (s *Store) Replay(ctx context.Context, id conversation.DeliveryID, now time.Time) error {
	return s.do(ctx, "replay delivery", func(q session) error {
		d, found, err := q.delivery("delivery_by_id", string(id))
		if err != nil {
			return err
		}
		if !found {
			return store.ErrNotFound
		}
		if d.Status != store.FailedPermanent {
			return fault.New(fault.Conflict, fmt.Sprintf("delivery is %s: only %s can be replayed", d.Status, store.FailedPermanent))
		}
		if _, err := q.exec("delivery_replay", d.seq); err != nil {
			return err
		}
		if _, err := q.exec("delivery_replay_blocked", string(id)); err != nil {
			return err
		}
		_, err = q.exec("delivery_wake", d.Conversation, millis(now))
		return err
	})
}
