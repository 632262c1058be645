package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/budget"
	"secretaria/internal/fault"
	"secretaria/internal/store/row"
)

// ledger is the store as the ledger of budgets.
type ledger struct{ s *Store }

var _ budget.Ledger = ledger{}

// Ledger is where the cost of models is kept.
func (s *Store) Ledger() budget.Ledger { return ledger{s} }

// Reserve implements budget.Ledger. The rows of all lines are locked while it looks and
// writes, in one order whoever does, so that processes take turns.
func (l ledger) Reserve(ctx context.Context, id string, lines []budget.Line, amount budget.Micros, now time.Time) error {
	if amount < 0 {
		return budget.ErrAmount
	}
	keys := budget.Keys(lines)
	err := l.s.do(ctx, "reserve budget", func(q *session) error {
		n, err := q.exec("ledger_reserve", id, keys, int64(amount), row.Millis(now))
		if err != nil {
			return err
		}
		if n == 0 {
			return budget.ErrReserved
		}
		spent, err := q.lines(lines)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if !budget.Fits(budget.Micros(spent[line.Key]), amount, line.Limit) {
				// A fault, so that it is not taken for the database's, and of a kind that undoes all.
				return fault.Wrap(fault.Permanent, "budget exhausted", &budget.Exhausted{Key: line.Key})
			}
		}
		totals := make([]int64, len(keys))
		for i, key := range keys {
			totals[i] = spent[key] + int64(amount)
		}
		q.later("ledger_lines_update", keys, totals)
		q.later("ledger_lines_expire", row.Millis(now))
		q.later("ledger_reservations_expire", row.Millis(now.Add(-budget.KeepReservations)))
		return nil
	})
	var full *budget.Exhausted
	if errors.As(err, &full) {
		return full
	}
	return err
}

// lines locks the lines, which are there afterwards, and reads them.
func (q *session) lines(lines []budget.Line) (map[string]int64, error) {
	sorted := slices.Clone(lines)
	slices.SortFunc(sorted, func(a, b budget.Line) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	expires := make([]int64, len(sorted))
	for i, line := range sorted {
		expires[i] = row.Millis(line.Expires)
	}
	keys := budget.Keys(sorted)
	q.later("ledger_lines_insert", keys, expires)
	return q.locked(keys)
}

func (q *session) locked(keys []string) (map[string]int64, error) {
	spent := map[string]int64{}
	err := q.many("ledger_lines_lock", []any{keys}, scanLine(spent))
	return spent, err
}

func scanLine(into map[string]int64) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var key string
		var spent int64
		err := rows.Scan(&key, &spent)
		into[key] = spent
		return err
	}
}

// Settle implements budget.Ledger.
func (l ledger) Settle(ctx context.Context, id string, spent budget.Micros, _ time.Time) error {
	return l.s.do(ctx, "settle budget", func(q *session) error {
		var keys []string
		var reserved int64
		if found, err := q.one("ledger_settle", []any{id}, &keys, &reserved); err != nil || !found {
			return err
		}
		known, err := q.locked(keys)
		if err != nil {
			return err
		}
		var left []string
		var totals []int64
		for key, total := range known {
			left = append(left, key)
			totals = append(totals, int64(budget.Settled(budget.Micros(total), budget.Micros(reserved), spent)))
		}
		q.later("ledger_lines_update", left, totals)
		return nil
	})
}

// Spent implements budget.Ledger.
func (l ledger) Spent(ctx context.Context, keys []string) (map[string]budget.Micros, error) {
	spent := map[string]int64{}
	if err := l.s.read(ctx, "read budget", "ledger_lines", []any{keys}, scanLine(spent)); err != nil {
		return nil, err
	}
	out := map[string]budget.Micros{}
	for key, n := range spent {
		out[key] = budget.Micros(n)
	}
	return out, nil
}
