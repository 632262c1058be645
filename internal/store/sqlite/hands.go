package sqlite

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
	err := s.do(ctx, "store report", func(q session) error {
		d, found, err := q.delivery("delivery_by_id", string(p.Delivery))
		if err != nil {
			return err
		}
		if !found {
			return store.ErrNotFound
		}
		return q.on(d.Conversation, func(r *records, c *row.Conversation) error {
			return outcome.Report(r, &p, c, &d, &res)
		})
	})
	if err != nil {
		return store.Result{}, err
	}
	return res, nil
}

// on runs a step of a conversation. ErrNotFound when there is none.
func (q session) on(id conversation.ID, run func(r *records, c *row.Conversation) error) error {
	c, found, err := q.conversation("conversation_by_id", id)
	if err != nil {
		return err
	}
	if !found {
		return store.ErrNotFound
	}
	return run(&records{q, c.Inbox}, &c)
}

// HandBack implements store.Store.
func (s *Store) HandBack(ctx context.Context, id conversation.ID, orders []channel.Order, now time.Time) error {
	return s.do(ctx, "hand back", func(q session) error {
		return q.on(id, func(r *records, c *row.Conversation) error { return outcome.HandBack(r, c, orders, now) })
	})
}

// TakeOver implements store.Store.
func (s *Store) TakeOver(ctx context.Context, id conversation.ID, hold time.Duration, now time.Time) error {
	return s.do(ctx, "take over", func(q session) error {
		return q.on(id, func(r *records, c *row.Conversation) error { return outcome.TakeOver(r, c, hold, now) })
	})
}

// OptIn implements store.Store.
func (s *Store) OptIn(ctx context.Context, id conversation.ID) error {
	return s.do(ctx, "opt in", func(q session) error {
		return q.on(id, func(r *records, c *row.Conversation) error { return r.Later("opt_out_delete", int64(c.ID)) })
	})
}

// Leads implements store.Store.
func (s *Store) Leads(ctx context.Context, f store.LeadFilter) ([]store.Lead, error) {
	return list(ctx, s, "list leads", "lead_list", row.Lead, f.Inbox, f.Desk, f.State, f.Conversation, cmp.Or(f.Limit, 100))
}

// Conversations implements store.Store.
func (s *Store) Conversations(ctx context.Context, f store.ConversationFilter) ([]store.Conversation, error) {
	return list(ctx, s, "list conversations", "conversation_list", func(sc row.Scanner) (store.Conversation, error) {
		var c row.Conversation
		err := c.Scan(sc)
		return c.Conversation, err
	}, f.Inbox, string(f.Holder), cmp.Or(f.Limit, 100))
}

// list reads rows beside the writer.
func list[T any](ctx context.Context, s *Store, doing, query string, scan func(row.Scanner) (T, error), args ...any) ([]T, error) {
	rows, err := s.query(ctx, query, args...)
	if err != nil {
		return nil, database(doing, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, database(doing, err)
		}
		out = append(out, one)
	}
	return out, database(doing, rows.Err())
}
