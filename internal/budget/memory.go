package budget

import (
	"context"
	"sync"
	"time"

	"secretaria/internal/fault"
)

// Memory is a ledger of one process that is forgotten with it: for talking to a desk in the
// terminal. Its zero value is ready.
type Memory struct {
	mu    sync.Mutex
	lines map[string]*line
	open  map[string]reservation
}

type line struct {
	spent   Micros
	expires time.Time
}

type reservation struct {
	keys   []string
	amount Micros
	at     time.Time
}

var _ Ledger = (*Memory)(nil)

// Reserve implements Ledger.
func (m *Memory) Reserve(ctx context.Context, id string, lines []Line, amount Micros, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if amount < 0 {
		return ErrAmount
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines == nil {
		m.lines, m.open = map[string]*line{}, map[string]reservation{}
	}
	if _, ok := m.open[id]; ok {
		return ErrReserved
	}
	for key, l := range m.lines {
		if !l.expires.IsZero() && !l.expires.After(now) {
			delete(m.lines, key)
		}
	}
	for old, r := range m.open {
		if r.at.Before(now.Add(-KeepReservations)) {
			delete(m.open, old)
		}
	}
	for _, l := range lines {
		if known := m.lines[l.Key]; !Fits(known.total(), amount, l.Limit) {
			return &Exhausted{Key: l.Key}
		}
	}
	r := reservation{amount: amount, at: now}
	for _, l := range lines {
		known := m.lines[l.Key]
		if known == nil {
			known = &line{expires: l.Expires}
			m.lines[l.Key] = known
		}
		known.spent = known.spent.plus(amount)
		r.keys = append(r.keys, l.Key)
	}
	m.open[id] = r
	return nil
}

// Settle implements Ledger.
func (m *Memory) Settle(ctx context.Context, id string, spent Micros, _ time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.open[id]
	if !ok {
		return nil
	}
	delete(m.open, id)
	for _, key := range r.keys {
		if l := m.lines[key]; l != nil {
			l.spent = Settled(l.spent, r.amount, spent)
		}
	}
	return nil
}

// Spent implements Ledger.
func (m *Memory) Spent(ctx context.Context, keys []string) (map[string]Micros, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]Micros{}
	for _, key := range keys {
		if l := m.lines[key]; l != nil {
			out[key] = l.spent
		}
	}
	return out, nil
}

func (l *line) total() Micros {
	if l == nil {
		return 0
	}
	return l.spent
}

// Fits is the rule of all ledgers: a line takes an amount that does not lift it above its
// limit. A limit of 0 or less takes nothing but nothing.
func Fits(spent, amount, limit Micros) bool {
	return amount <= 0 || spent.plus(amount) <= limit
}

// Settled is what a line has come to when something else was spent than was reserved.
func Settled(total, reserved, spent Micros) Micros { return (total - reserved).plus(max(0, spent)) }

// Keys are those of the lines, in their order.
func Keys(lines []Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.Key
	}
	return out
}

// KeepReservations is how long a ledger can still settle a reservation: no call lasts as long.
const KeepReservations = 48 * time.Hour

// Refusals of all ledgers.
var (
	ErrAmount   = fault.New(fault.Invalid, "a negative amount cannot be reserved")
	ErrReserved = fault.New(fault.Conflict, "reserved already under this id")
)
