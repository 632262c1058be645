package app

import (
	"context"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// Reported implements store.Store.
func (m *memory) Reported(ctx context.Context, r store.Report) (store.Result, error) {
	return with(m, func(s store.Store) (store.Result, error) { return s.Reported(ctx, r) })
}

// HandBack implements store.Store.
func (m *memory) HandBack(ctx context.Context, id conversation.ID, orders []channel.Order, now time.Time) error {
	return m.do(func(s store.Store) error { return s.HandBack(ctx, id, orders, now) })
}

// TakeOver implements store.Store.
func (m *memory) TakeOver(ctx context.Context, id conversation.ID, hold time.Duration, now time.Time) error {
	return m.do(func(s store.Store) error { return s.TakeOver(ctx, id, hold, now) })
}

// Leads implements store.Store.
func (m *memory) Leads(ctx context.Context, f store.LeadFilter) ([]store.Lead, error) {
	return with(m, func(s store.Store) ([]store.Lead, error) { return s.Leads(ctx, f) })
}

// Conversations implements store.Store.
func (m *memory) Conversations(ctx context.Context, f store.ConversationFilter) ([]store.Conversation, error) {
	return with(m, func(s store.Store) ([]store.Conversation, error) { return s.Conversations(ctx, f) })
}

// OptIn implements store.Store.
func (m *memory) OptIn(ctx context.Context, id conversation.ID) error {
	return m.do(func(s store.Store) error { return s.OptIn(ctx, id) })
}
