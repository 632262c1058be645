package app

import (
	"context"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/budget"
	"secretaria/internal/fault"
	"secretaria/internal/store"
)

// ledger is the store's, from the moment on when there is one.
type ledger struct{ app *App }

var _ budget.Ledger = ledger{}

// ledger is where spending is kept.
func (a *App) ledger() budget.Ledger {
	if a.apart != nil {
		return a.apart
	}
	return ledger{a}
}

// books is what a store has that keeps a ledger: both databases.
type books interface{ Ledger() budget.Ledger }

func booksOf(s store.Store) (budget.Ledger, error) {
	if b, ok := s.(books); ok {
		return b.Ledger(), nil
	}
	return nil, fault.New(fault.Unsupported, "this store keeps no ledger")
}

// Reserve implements budget.Ledger.
func (l ledger) Reserve(ctx context.Context, id string, lines []budget.Line, amount budget.Micros, now time.Time) error {
	books, err := with(l.app.store, booksOf)
	if err != nil {
		return err
	}
	return books.Reserve(ctx, id, lines, amount, now)
}

// Settle implements budget.Ledger.
func (l ledger) Settle(ctx context.Context, id string, spent budget.Micros, now time.Time) error {
	books, err := with(l.app.store, booksOf)
	if err != nil {
		return err
	}
	return books.Settle(ctx, id, spent, now)
}

// Spent implements budget.Ledger.
func (l ledger) Spent(ctx context.Context, keys []string) (map[string]budget.Micros, error) {
	books, err := with(l.app.store, booksOf)
	if err != nil {
		return nil, err
	}
	return books.Spent(ctx, keys)
}

// setLimits makes the desks' limits those that hold from now on. What was spent today counts.
func (a *App) setLimits(desks []agent.Config) {
	limits := map[string]budget.Limits{}
	for _, d := range desks {
		limits[d.Name] = a.o.Models.LimitsOf(d)
	}
	a.limits.Store(&limits)
}

// limitsOf are what a desk may spend now. A call for no desk that we know has the limits
// that hold for all.
func (a *App) limitsOf(desk string) budget.Limits {
	if all := a.limits.Load(); all != nil {
		if l, ok := (*all)[desk]; ok {
			return l
		}
	}
	return a.o.Models.Limits
}
