package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

// delivery queues the reading of one.
func (q *session) delivery(query string, arg any, d *row.Delivery, found *bool) {
	each(q.later(query, arg), func(rows pgx.Rows) error {
		*found = true
		return d.Scan(rows)
	})
}

// lockDelivery locks the conversation of a delivery and reads both.
func (q *session) lockDelivery(id conversation.DeliveryID) (c held, d row.Delivery, err error) {
	var known, found bool
	q.lock("conversation_lock_by_delivery", string(id), &c, &known)
	q.delivery("delivery_by_id", string(id), &d, &found)
	if err = q.wait("read row.Delivery"); err == nil && !(known && found) {
		err = store.ErrNotFound
	}
	return c, d, err
}

// NextDelivery implements store.Store.
func (s *Store) NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (store.Delivery, error) {
	var out store.Delivery
	err := s.do(ctx, "next delivery", func(q *session) error {
		out = store.Delivery{}
		var c held
		var known bool
		q.lock("conversation_lock", j.Conversation, &c, &known)
		for {
			var d row.Delivery
			var found bool
			each(q.later("delivery_head", j.Conversation, row.Millis(now)), func(rows pgx.Rows) error {
				found = true
				return d.ScanNext(rows)
			})
			if err := q.wait("delivery_head"); err != nil {
				return err
			}
			if !known || c.laneFence != j.Fence {
				return store.ErrLost
			}
			if !found {
				return q.park(j, time.Time{})
			}
			if d.InFlight {
				// Begun under an earlier lease and never finished: it may have arrived.
				q.interrupted(&d, now)
			}
			if cause := d.Forbidden(c.State.Holder, c.State.Epoch); cause != "" {
				q.later("delivery_cancel", d.Seq, cause, row.Millis(now))
				continue
			}
			if d.NextAt.After(now) {
				return q.park(j, d.NextAt)
			}
			q.later("lane_renew_delivery", j.Conversation, j.Fence, row.Millis(now.Add(lease)))
			if !d.Uncertain {
				d.Attempts, d.Round = d.Attempts+1, d.Round+1
				if d.Order.Since.IsZero() {
					d.Order.Since = now
				}
				q.later("delivery_begin", d.Seq, row.Millis(now))
				q.later("attempt_begin", d.Seq, d.Attempts, row.Millis(now))
			}
			out = d.Delivery
			return nil
		}
	})
	return out, err
}

// park frees the lane until at; zero: until there is something new.
func (q *session) park(j job.Deliver, at time.Time) error {
	q.later("delivery_park", j.Conversation, row.Millis(at))
	return store.ErrNotFound
}

func (q *session) interrupted(d *row.Delivery, now time.Time) {
	// The request may still be on its way: asking at once could say "absent" too early.
	d.NextAt = now.Add(row.SettleTime)
	q.later("delivery_interrupted", d.Seq, row.Millis(d.NextAt))
	q.later("attempt_end", d.Seq, d.Attempts, row.Millis(now), string(store.AttemptUncertain), 0, "interrupted")
	d.InFlight, d.Uncertain, d.Cause = false, true, "interrupted"
}

// FinishAttempt implements store.Store.
func (s *Store) FinishAttempt(ctx context.Context, a store.Attempt) error {
	return s.do(ctx, "finish attempt", func(q *session) error {
		c, d, err := q.lockDelivery(a.Delivery)
		if err != nil {
			return err
		}
		q.learn(d.Inbox, a.SelfID)
		return outcome.Finish(q.records(d.Inbox), &a, &c.Conversation, &d)
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
	return s.do(ctx, "replay delivery", func(q *session) error {
		_, d, err := q.lockDelivery(id)
		if err != nil {
			return err
		}
		if d.Status != store.FailedPermanent {
			return fault.New(fault.Conflict, fmt.Sprintf("delivery is %s: only %s can be replayed", d.Status, store.FailedPermanent))
		}
		q.later("delivery_replay", d.Seq)
		q.later("delivery_replay_blocked", string(id))
		q.later("delivery_wake", d.Conversation, row.Millis(now))
		return nil
	})
}
