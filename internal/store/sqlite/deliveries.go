package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
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
			var d row.Delivery
			found, err := q.first("delivery_head", []any{j.Conversation, row.Millis(now)}, d.ScanNext)
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
		if err := q.learn(d.Inbox, a.SelfID); err != nil {
			return err
		}
		var c row.Conversation
		if a.Outcome == store.AttemptFailed || a.News != nil { // nothing else looks at it
			if c, _, err = q.conversation("conversation_by_id", d.Conversation); err != nil {
				return err
			}
		}
		return outcome.Finish(&records{q, d.Inbox}, &a, &c, &d)
	})
}

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	return list(ctx, s, "list deliveries", "delivery_list", func(sc row.Scanner) (store.Delivery, error) {
		var d row.Delivery
		err := d.Scan(sc)
		return d.Delivery, err
	}, string(f.Status), f.Inbox, f.Conversation, string(f.ID), cmp.Or(f.Limit, 100))
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
