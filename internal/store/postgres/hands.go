package postgres

import (
	"cmp"
	"context"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

// Reported implements store.Store.
func (s *Store) Reported(ctx context.Context, p store.Report) (store.Result, error) {
	var res store.Result
	err := s.do(ctx, "store report", func(q *session) error {
		c, d, err := q.lockDelivery(p.Delivery)
		if err != nil {
			return err
		}
		return outcome.Report(q.records(c.Inbox), &p, &c.Conversation, &d, &res)
	})
	if err != nil {
		return store.Result{}, err
	}
	return res, nil
}

// on runs a step of a conversation, which it locks. ErrNotFound when there is none.
func (s *Store) on(ctx context.Context, doing string, id conversation.ID, run func(r *records, c *row.Conversation) error) error {
	return s.do(ctx, doing, func(q *session) error {
		var c held
		var found bool
		q.lock("conversation_lock", id, &c, &found)
		if err := q.wait(doing); err != nil {
			return err
		}
		if !found {
			return store.ErrNotFound
		}
		return run(q.records(c.Inbox), &c.Conversation)
	})
}

// HandBack implements store.Store.
func (s *Store) HandBack(ctx context.Context, id conversation.ID, orders []channel.Order, now time.Time) error {
	return s.on(ctx, "hand back", id, func(r *records, c *row.Conversation) error { return outcome.HandBack(r, c, orders, now) })
}

// TakeOver implements store.Store.
func (s *Store) TakeOver(ctx context.Context, id conversation.ID, hold time.Duration, now time.Time) error {
	return s.on(ctx, "take over", id, func(r *records, c *row.Conversation) error { return outcome.TakeOver(r, c, hold, now) })
}

// OptIn implements store.Store.
func (s *Store) OptIn(ctx context.Context, id conversation.ID) error {
	return s.on(ctx, "opt in", id, func(r *records, c *row.Conversation) error { return r.Later("opt_out_delete", c.ID) })
}

// Leads implements store.Store.
func (s *Store) Leads(ctx context.Context, f store.LeadFilter) ([]store.Lead, error) {
	return list(ctx, s, "list leads", "lead_list", row.Lead, f.Inbox, f.Desk, f.State, f.Conversation, cmp.Or(f.Limit, 100))
}

// Conversations implements store.Store.
func (s *Store) Conversations(ctx context.Context, f store.ConversationFilter) ([]store.Conversation, error) {
	return list(ctx, s, "list conversations", "conversation_list", func(sc row.Scanner) (store.Conversation, error) {
		var c held
		err := c.scan(sc)
		return c.Conversation.Conversation, err
	}, f.Inbox, string(f.Holder), cmp.Or(f.Limit, 100))
}

// list reads rows in the order of a query whose plan depends on its filters.
func list[T any](ctx context.Context, s *Store, doing, query string, scan func(row.Scanner) (T, error), args ...any) ([]T, error) {
	var out []T
	err := s.do(ctx, doing, func(q *session) error {
		out = nil
		q.later("plan_for_these")
		collect(q.later(query, args...), &out, scan)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
