package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

func (q session) delivery(query string, arg any) (row.Delivery, bool, error) {
	var d row.Delivery
	found, err := q.first(query, []any{arg}, func(sc row.Scanner) error { return d.Scan(sc) })
	return d, found, err
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
			if d.InFlight {
				// Begun under an earlier lease and never finished: it may have arrived.
				if err := q.interrupted(&d, now); err != nil {
					return err
				}
			}
			if cause := d.Forbidden(holder, epoch); cause != "" {
				if _, err := q.exec("delivery_cancel", d.Seq, cause, row.Millis(now)); err != nil {
					return err
				}
				continue
			}
			if d.NextAt.After(now) {
				return q.park(j, d.NextAt)
			}
			if _, err := q.exec("lane_renew_delivery", j.Conversation, j.Fence, row.Millis(now.Add(lease))); err != nil {
				return err
			}
			if !d.Uncertain {
				d.Attempts, d.Round = d.Attempts+1, d.Round+1
				if d.Order.Since.IsZero() {
					d.Order.Since = now
				}
				if _, err := q.exec("delivery_begin", d.Seq, row.Millis(now)); err != nil {
					return err
				}
				if _, err := q.exec("attempt_begin", d.Seq, d.Attempts, row.Millis(now)); err != nil {
					return err
				}
			}
			out = d.Delivery
			return nil
		}
	})
	return out, err
}

// park frees the lane until at; zero: until there is something new.
func (q session) park(j job.Deliver, at time.Time) error {
	if _, err := q.exec("delivery_park", j.Conversation, row.Millis(at)); err != nil {
		return err
	}
	return store.ErrNotFound
}

func (q session) interrupted(d *row.Delivery, now time.Time) error {
	// The request may still be on its way: asking at once could say "absent" too early.
	d.NextAt = now.Add(row.SettleTime)
	if _, err := q.exec("delivery_interrupted", d.Seq, row.Millis(d.NextAt)); err != nil {
		return err
	}
	if _, err := q.exec("attempt_end", d.Seq, d.Attempts, row.Millis(now), string(store.AttemptUncertain), 0, "interrupted"); err != nil {
		return err
	}
	d.InFlight, d.Uncertain, d.Cause = false, true, "interrupted"
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
		if _, err := q.exec("attempt_end", d.Seq, a.Number, row.Millis(a.Now), string(a.Outcome), a.HTTPStatus, a.Cause); err != nil {
			return err
		}
		if err := q.learn(d.Inbox, a.SelfID); err != nil {
			return err
		}
		if a.Outcome == store.AttemptSent {
			// A fact, whoever holds the lane by now.
			_, err := q.exec("delivery_sent", d.Seq, a.HTTPStatus, a.Key, row.Millis(a.Now))
			return err
		}
		if d.Status == store.Cancelled && a.Outcome == store.AttemptAbsent && d.Attempts == a.Number {
			_, err := q.exec("delivery_settled", d.Seq, 0, row.Millis(a.Now)) // no longer in doubt
			return err
		}
		if d.Status != store.Pending && d.Status != store.FailedTemporary || d.Attempts != a.Number {
			return nil // its echo or a takeover was quicker, or a later try has begun
		}
		return q.finish(a, d)
	})
}

func (q session) finish(a store.Attempt, d row.Delivery) error {
	now := row.Millis(a.Now)
	var err error
	switch a.Outcome {
	case store.AttemptRetry:
		_, err = q.exec("delivery_retry", d.Seq, d.Uncertain, a.Cause, a.HTTPStatus, row.Millis(a.NextAt))
	case store.AttemptUncertain:
		_, err = q.exec("delivery_retry", d.Seq, true, a.Cause, a.HTTPStatus, row.Millis(a.NextAt))
	case store.AttemptAbsent:
		_, err = q.exec("delivery_settled", d.Seq, 0, now)
	case store.AttemptUnknown:
		_, err = q.exec("delivery_settled", d.Seq, 1, now)
	case store.AttemptCancelled:
		_, err = q.exec("delivery_cancel", d.Seq, a.Cause, now)
	case store.AttemptFailed:
		err = q.dead(a, d)
	default:
		err = fmt.Errorf("attempt outcome %q", a.Outcome)
	}
	return err
}

// dead ends a delivery for good. What the bot wanted to say after it makes no sense
// without it and is cancelled, to come back with it if somebody replays it.
func (q session) dead(a store.Attempt, d row.Delivery) error {
	if _, err := q.exec("delivery_failed", d.Seq, a.Cause, a.HTTPStatus, row.Millis(a.Now)); err != nil {
		return err
	}
	if d.Order.Kind == channel.Say {
		if _, err := q.exec("delivery_cancel_says", d.Conversation, "an earlier message failed", string(d.ID), row.Millis(a.Now)); err != nil {
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
	c.State.HeldUntil = row.HeldUntil(a.Now, a.Hold)
	if _, err := q.exec("messages_settle", c.ID); err != nil {
		return err
	}
	c.DueAt, c.FirstPending = time.Time{}, time.Time{}
	for _, o := range a.Orders {
		if err := q.order(&c, o, d.Turn, d.Correlation, a.Now, time.Time{}); err != nil {
			return err
		}
	}
	return q.save(&c)
}

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	rows, err := s.query(ctx, "delivery_list", string(f.Status), f.Inbox, f.Conversation, string(f.ID), cmp.Or(f.Limit, 100))
	if err != nil {
		return nil, database("list deliveries", err)
	}
	defer rows.Close()
	var out []store.Delivery
	for rows.Next() {
		var d row.Delivery
		if err := d.Scan(rows); err != nil {
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
		if _, err := q.exec("delivery_replay", d.Seq); err != nil {
			return err
		}
		if _, err := q.exec("delivery_replay_blocked", string(id)); err != nil {
			return err
		}
		_, err = q.exec("delivery_wake", d.Conversation, row.Millis(now))
		return err
	})
}
