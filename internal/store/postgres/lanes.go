package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

// Dispatch implements store.Store. It looks before it begins a transaction: most of the
// time there is nothing due. A lane whose conversation somebody else is changing at this
// moment is left for the next time.
func (s *Store) Dispatch(ctx context.Context, lane job.Lane, now time.Time, limit int, lease time.Duration) (int, time.Time, error) {
	due, next, err := s.look(ctx, lane, now)
	if err != nil || !due || limit <= 0 {
		return 0, next, err
	}
	n := 0
	err = s.do(ctx, "dispatch", func(q *session) error {
		var claims []job.Claim
		err := q.many("lane_claim_"+string(lane), []any{row.Millis(now), row.Millis(now.Add(lease)), limit}, func(rows pgx.Rows) error {
			var c job.Claim
			err := rows.Scan(&c.Conversation, &c.Fence)
			claims = append(claims, c)
			return err
		})
		if n = len(claims); err != nil || n == 0 {
			return err
		}
		return s.enqueue(q.ctx, q.tx, lane, claims)
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	_, next, err = s.look(ctx, lane, now)
	return n, next, err
}

func (s *Store) look(ctx context.Context, lane job.Lane, now time.Time) (due bool, next time.Time, err error) {
	var at int64
	_, err = s.readOne(ctx, "look for due work", "lane_look_"+string(lane), []any{row.Millis(now)}, &due, &at)
	return due, row.Time(at), err
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error {
	return s.do(ctx, "renew lease", func(q *session) error {
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
	err := s.do(ctx, "begin turn", func(q *session) error {
		t = store.Turn{Fence: j.Fence + 1}
		var c held
		var found bool
		q.lock("conversation_lock", j.Conversation, &c, &found)
		each(q.later("messages_pending", j.Conversation), scanMessage(j.Conversation, &t.Pending))
		each(q.later("messages_history", j.Conversation, history), scanMessage(j.Conversation, &t.History))
		each(q.later("turn_memory", j.Conversation), func(rows pgx.Rows) error { return row.Memory(rows, &t) })
		collect(q.later("firings_of", j.Conversation), &t.Fired, row.Firing)
		if err := q.wait("begin"); err != nil {
			return err
		}
		if !found || c.turnFence != j.Fence {
			return store.ErrLost
		}
		slices.Reverse(t.History)
		t.Conversation, t.FirstPending, t.DueAt = c.Conversation.Conversation, c.FirstPending, c.DueAt
		t.Failures, t.Restarts = c.failures, c.restarts
		t.Woken = len(t.Pending) == 0 && c.FirstPending.IsZero()
		if c.DueAt.IsZero() || c.State.Holder != conversation.Bot || len(t.Pending) == 0 && !t.Woken {
			q.later("turn_settle", j.Conversation)
			return store.ErrLost
		}
		if c.DueAt.After(now) {
			// The burst went on after the lane was claimed: it is due later, and not ours.
			q.later("turn_free", j.Conversation, j.Fence)
			return store.ErrLost
		}
		q.later("turn_begin", j.Conversation, row.Millis(now.Add(lease)))
		return nil
	})
	if err != nil {
		return store.Turn{}, err
	}
	return t, nil
}

// Decide implements store.Store.
func (s *Store) Decide(ctx context.Context, d store.Decision) error {
	return s.do(ctx, "decide", func(q *session) error {
		var c held
		var found bool
		q.lock("conversation_lock", d.Conversation, &c, &found)
		if err := q.wait("decide"); err != nil {
			return err
		}
		if !found || c.turnFence != d.Fence {
			return store.ErrLost
		}
		if c.State.Holder != conversation.Bot || c.State.Epoch != d.Epoch || c.Revision != d.Revision && !d.Partial {
			return store.ErrStale
		}
		send, err := outcome.Decide(q.records(c.Inbox), &d, &c.Conversation)
		if err != nil || !send || c.laneLease > row.Millis(d.Now) {
			return err // nothing to send, or the lane is being worked: it finds the new orders
		}
		var fence int64
		if _, err := q.one("delivery_claim", []any{c.ID, row.Millis(d.Now.Add(d.Lease))}, &fence); err != nil {
			return err
		}
		return q.s.enqueue(q.ctx, q.tx, job.Deliveries, []job.Claim{{Conversation: c.ID, Fence: fence}})
	})
}

// ReleaseTurn implements store.Store.
func (s *Store) ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error {
	return s.do(ctx, "release turn", func(q *session) error {
		count := 0
		if failed {
			count = 1
		}
		n, err := q.exec("turn_release", id, fence, count, row.Millis(due))
		if err == nil && n == 0 {
			return store.ErrLost
		}
		return err
	})
}
