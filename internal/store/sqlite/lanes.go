package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Dispatch implements store.Store. It looks before it takes the writer's turn: most of the
// time there is nothing due.
func (s *Store) Dispatch(ctx context.Context, lane job.Lane, now time.Time, limit int, lease time.Duration) (int, time.Time, error) {
	n := 0
	var some int
	err := s.queryOne(ctx, "lane_due_"+string(lane), []any{row.Millis(now)}, func(sc row.Scanner) error { return sc.Scan(&some) })
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return 0, time.Time{}, database("look for due work", err)
	case limit > 0:
		err := s.do(ctx, "dispatch", func(q session) error {
			n = 0
			claims, err := q.claim(lane, now, limit, lease)
			if err != nil || len(claims) == 0 {
				return err
			}
			n = len(claims)
			return s.enqueue(q.ctx, q.tx.Tx, lane, claims)
		})
		if err != nil {
			return 0, time.Time{}, err
		}
	}
	var next int64
	if err := s.queryOne(ctx, "lane_next_"+string(lane), []any{row.Millis(now)}, func(sc row.Scanner) error { return sc.Scan(&next) }); err != nil {
		return n, time.Time{}, database("look for due work", err)
	}
	return n, row.Time(next), nil
}

func (q session) claim(lane job.Lane, now time.Time, limit int, lease time.Duration) ([]job.Claim, error) {
	var claims []job.Claim
	err := q.many("lane_claim_"+string(lane), []any{row.Millis(now), row.Millis(now.Add(lease)), limit}, func(sc row.Scanner) error {
		var c job.Claim
		err := sc.Scan(&c.Conversation, &c.Fence)
		claims = append(claims, c)
		return err
	})
	return claims, err
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error {
	return s.do(ctx, "renew lease", func(q session) error {
		n, err := q.exec("lane_renew_"+string(lane), id, fence, row.Millis(until))
		if err == nil && n == 0 {
			return store.ErrLost
		}
		return err
	})
}

// BeginTurn implements store.Store.
func (s *Store) BeginTurn(ctx context.Context, j job.Turn, now time.Time, lease time.Duration, history int) (store.Turn, error) {
	var t store.Turn
	err := s.do(ctx, "begin turn", func(q session) error {
		t = store.Turn{Fence: j.Fence + 1}
		st, found, err := q.turnState(j.Conversation)
		if err != nil {
			return err
		}
		if !found || st.fence != j.Fence {
			return store.ErrLost
		}
		c, _, err := q.conversation("conversation_by_id", j.Conversation)
		if err != nil {
			return err
		}
		t.Conversation, t.FirstPending, t.DueAt = c.Conversation, c.FirstPending, c.DueAt
		t.Failures, t.Restarts = st.failures, st.restarts
		err = q.many("messages_pending", []any{j.Conversation}, func(sc row.Scanner) error {
			m, err := row.Message(sc, j.Conversation)
			t.Pending = append(t.Pending, m)
			return err
		})
		if err != nil {
			return err
		}
		if c.DueAt.IsZero() || c.State.Holder != conversation.Bot || len(t.Pending) == 0 {
			if _, err := q.exec("turn_settle", j.Conversation); err != nil {
				return err
			}
			return store.ErrLost
		}
		if c.DueAt.After(now) {
			// The burst went on after the lane was claimed: it is due later, and not ours.
			if _, err := q.exec("turn_free", j.Conversation, j.Fence); err != nil {
				return err
			}
			return store.ErrLost
		}
		_, err = q.exec("turn_begin", j.Conversation, row.Millis(now.Add(lease)))
		return err
	})
	if err != nil {
		return store.Turn{}, err
	}
	// History is what came before; it can be read beside the writer, since a message that
	// arrives from now on makes the draft stale anyway.
	if t.History, err = s.messages(ctx, "messages_history", j.Conversation, history); err != nil {
		return store.Turn{}, err
	}
	reverse(t.History)
	return t, nil
}

type turnState struct {
	fence, laneFence   int64
	failures, restarts int
	laneLease          int64
}

func (q session) turnState(id conversation.ID) (turnState, bool, error) {
	var st turnState
	found, err := q.one("turn_state", []any{id}, &st.fence, &st.failures, &st.restarts, &st.laneFence, &st.laneLease)
	return st, found, err
}

// Decide implements store.Store.
func (s *Store) Decide(ctx context.Context, d store.Decision) error {
	return s.do(ctx, "decide", func(q session) error {
		st, found, err := q.turnState(d.Conversation)
		if err != nil {
			return err
		}
		if !found || st.fence != d.Fence {
			return store.ErrLost
		}
		c, _, err := q.conversation("conversation_by_id", d.Conversation)
		if err != nil {
			return err
		}
		if c.State.Holder != conversation.Bot || c.State.Epoch != d.Epoch || c.Revision != d.Revision && !d.Partial {
			return store.ErrStale
		}
		return q.decide(d, &c, st)
	})
}

func (q session) decide(d store.Decision, c *row.Conversation, st turnState) error {
	now := row.Millis(d.Now)
	rec := d.Record
	var turn conversation.TurnID
	if _, err := q.one("turn_insert", []any{c.ID, rec.Outcome, rec.Reason, rec.Model, rec.InputTokens, rec.CachedTokens, rec.OutputTokens,
		rec.ModelTime.Milliseconds(), row.Millis(rec.StartedAt), now, rec.Correlation}, &turn); err != nil {
		return err
	}
	accepted := c.FirstPending
	if _, err := q.exec("messages_answer", c.ID, turn, d.Through); err != nil {
		return err
	}
	if d.HandOver != "" {
		c.State.HandOver(d.HandOver)
		c.State.HeldUntil = row.HeldUntil(d.Now, d.Hold)
		if _, err := q.exec("messages_settle", c.ID); err != nil {
			return err
		}
	}
	var first int64
	if _, err := q.one("messages_pending_first", []any{c.ID}, &first); err != nil {
		return err
	}
	if c.FirstPending = row.Time(first); first == 0 {
		c.DueAt = time.Time{}
	} else {
		c.DueAt = d.Now
	}
	for _, o := range d.Orders {
		if err := q.order(c, o, turn, rec.Correlation, d.Now, accepted); err != nil {
			return err
		}
	}
	if len(d.Orders) > 0 {
		c.DeliverAt = d.Now
	}
	if err := q.save(c); err != nil {
		return err
	}
	if _, err := q.exec("turn_done", c.ID); err != nil {
		return err
	}
	if len(d.Orders) == 0 || st.laneLease > now {
		return nil // nothing to send, or the lane is being worked: it finds the new orders
	}
	var fence int64
	if _, err := q.one("delivery_claim", []any{c.ID, row.Millis(d.Now.Add(d.Lease))}, &fence); err != nil {
		return err
	}
	return q.s.enqueue(q.ctx, q.tx.Tx, job.Deliveries, []job.Claim{{Conversation: c.ID, Fence: fence}})
}

// order inserts a delivery, and for something to be said the message that history shows.
func (q session) order(c *row.Conversation, o channel.Order, turn conversation.TurnID, correlation string, now, accepted time.Time) error {
	if o.Delivery == "" {
		return fmt.Errorf("order %s has no delivery id", o.Kind)
	}
	body, err := row.Body(o)
	if err != nil {
		return err
	}
	var fp any
	if o.Kind == channel.Say {
		if b := conversation.Fingerprint(o.Text); b != nil {
			fp = b
		}
	}
	if _, err := q.exec("delivery_insert", string(o.Delivery), c.ID, turn, string(o.Kind), body, fp, c.State.Epoch, correlation, row.Millis(now), row.Millis(accepted)); err != nil {
		return err
	}
	if o.Kind != channel.Say {
		return nil
	}
	_, err = q.exec("message_insert", c.ID, string(conversation.Ours), string(conversation.Text), o.Text, nil, "", nil, string(o.Delivery), row.Millis(now), row.Millis(now), false)
	return err
}

// ReleaseTurn implements store.Store.
func (s *Store) ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error {
	return s.do(ctx, "release turn", func(q session) error {
		n, err := q.exec("turn_release", id, fence, failed, row.Millis(due))
		if err == nil && n == 0 {
			return store.ErrLost
		}
		return err
	})
}
