package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
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
		t.Woken = len(t.Pending) == 0 && c.FirstPending.IsZero()
		if c.DueAt.IsZero() || c.State.Holder != conversation.Bot || len(t.Pending) == 0 && !t.Woken {
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
	if err := s.remembered(ctx, &t); err != nil {
		return store.Turn{}, err
	}
	return t, nil
}

// remembered reads what the desk knows besides what was said. It is written by turns alone,
// and this conversation's is ours.
func (s *Store) remembered(ctx context.Context, t *store.Turn) error {
	id := t.Conversation.ID
	err := s.queryOne(ctx, "turn_memory", []any{id}, func(sc row.Scanner) error { return row.Memory(sc, t) })
	if err != nil {
		return database("read memory", err)
	}
	t.Fired, err = list(ctx, s, "read firings", "firings_of", row.Firing, id)
	return err
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
		send, err := outcome.Decide(&records{q, c.Inbox}, &d, &c)
		if err != nil || !send || st.laneLease > row.Millis(d.Now) {
			return err // nothing to send, or the lane is being worked: it finds the new orders
		}
		var fence int64
		if _, err := q.one("delivery_claim", []any{c.ID, row.Millis(d.Now.Add(d.Lease))}, &fence); err != nil {
			return err
		}
		return q.s.enqueue(q.ctx, q.tx.Tx, job.Deliveries, []job.Claim{{Conversation: c.ID, Fence: fence}})
	})
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
