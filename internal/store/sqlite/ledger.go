package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"secretaria/internal/budget"
	"secretaria/internal/store/row"
)

// ledger is the store as the ledger of budgets.
type ledger struct{ s *Store }

var _ budget.Ledger = ledger{}

// Ledger is where the cost of models is kept.
func (s *Store) Ledger() budget.Ledger { return ledger{s} }

// Reserve implements budget.Ledger.
func (l ledger) Reserve(ctx context.Context, id string, lines []budget.Line, amount budget.Micros, now time.Time) error {
	if amount < 0 {
		return budget.ErrAmount
	}
	keys, err := json.Marshal(budget.Keys(lines))
	if err != nil {
		return err
	}
	var full *budget.Exhausted
	err = l.s.do(ctx, "reserve budget", func(q session) error {
		full = nil
		var open string
		var reserved int64
		if found, err := q.one("ledger_reservation", []any{id}, &open, &reserved); err != nil || found {
			return firstOf(err, budget.ErrReserved)
		}
		if err := q.expire(now); err != nil {
			return err
		}
		spent, known := make([]int64, len(lines)), make([]bool, len(lines))
		for i, line := range lines {
			var err error
			if known[i], err = q.one("ledger_line", []any{line.Key}, &spent[i]); err != nil {
				return err
			}
			if !budget.Fits(budget.Micros(spent[i]), amount, line.Limit) {
				full = &budget.Exhausted{Key: line.Key}
				return nil
			}
		}
		for i, line := range lines {
			query, args := "ledger_line_update", []any{line.Key, spent[i] + int64(amount)}
			if !known[i] {
				query, args = "ledger_line_insert", append(args, row.Millis(line.Expires))
			}
			if _, err := q.exec(query, args...); err != nil {
				return err
			}
		}
		_, err := q.exec("ledger_reserve", id, string(keys), int64(amount), row.Millis(now))
		return err
	})
	if err == nil && full != nil {
		return full
	}
	return err
}

// expire forgets what is of no use any more.
func (q session) expire(now time.Time) error {
	if _, err := q.exec("ledger_lines_expire", row.Millis(now)); err != nil {
		return err
	}
	_, err := q.exec("ledger_reservations_expire", row.Millis(now.Add(-budget.KeepReservations)))
	return err
}

func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// Settle implements budget.Ledger.
func (l ledger) Settle(ctx context.Context, id string, spent budget.Micros, _ time.Time) error {
	return l.s.do(ctx, "settle budget", func(q session) error {
		var text string
		var reserved int64
		if found, err := q.one("ledger_reservation", []any{id}, &text, &reserved); err != nil || !found {
			return err
		}
		var keys []string
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			return err
		}
		for _, key := range keys {
			var total int64
			found, err := q.one("ledger_line", []any{key}, &total)
			if err == nil && found {
				_, err = q.exec("ledger_line_update", key, int64(budget.Settled(budget.Micros(total), budget.Micros(reserved), spent)))
			}
			if err != nil {
				return err
			}
		}
		_, err := q.exec("ledger_settle", id)
		return err
	})
}

// Spent implements budget.Ledger.
func (l ledger) Spent(ctx context.Context, keys []string) (map[string]budget.Micros, error) {
	if keys == nil {
		keys = []string{}
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	rows, err := l.s.query(ctx, "ledger_lines", string(list))
	if err != nil {
		return nil, database("read budget", err)
	}
	defer rows.Close()
	out := map[string]budget.Micros{}
	for rows.Next() {
		var key string
		var spent int64
		if err := rows.Scan(&key, &spent); err != nil {
			return nil, database("read budget", err)
		}
		out[key] = budget.Micros(spent)
	}
	return out, database("read budget", rows.Err())
}
