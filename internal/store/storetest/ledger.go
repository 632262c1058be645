package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/budget"
	"secretaria/internal/fault"
)

// Ledgers opens one empty ledger as two processes see it.
type Ledgers func(t *testing.T) (one, other budget.Ledger)

var ledgerNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// RunLedger is the suite that every ledger of budgets passes.
func RunLedger(t *testing.T, open Ledgers) {
	for name, run := range map[string]func(*testing.T, Ledgers){
		"reserve and settle": reserveAndSettle,
		"all or nothing":     allOrNothing,
		"settled twice":      settledTwice,
		"more than reserved": moreThanReserved,
		"the same id":        sameReservation,
		"odd amounts":        oddAmounts,
		"old lines go":       oldLines,
		"many at once":       manyAtOnce,
		"over a limit":       overALimit,
		"after the end":      ledgerCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, open)
		})
	}
}

func spent(t *testing.T, l budget.Ledger, keys ...string) map[string]budget.Micros {
	t.Helper()
	got, err := l.Spent(t.Context(), keys)
	if err != nil {
		t.Fatalf("Spent(%q) error = %v", keys, err)
	}
	return got
}

func comesTo(t *testing.T, l budget.Ledger, want map[string]budget.Micros, keys ...string) {
	t.Helper()
	if diff := cmp.Diff(want, spent(t, l, keys...)); diff != "" {
		t.Errorf("Spent(%q) (-want +got):\n%s", keys, diff)
	}
}

func reserve(t *testing.T, l budget.Ledger, id string, amount budget.Micros, lines ...budget.Line) {
	t.Helper()
	if err := l.Reserve(t.Context(), id, lines, amount, ledgerNow); err != nil {
		t.Fatalf("Reserve(%s, %v) error = %v", id, amount, err)
	}
}

func settle(t *testing.T, l budget.Ledger, id string, amount budget.Micros) {
	t.Helper()
	if err := l.Settle(t.Context(), id, amount, ledgerNow); err != nil {
		t.Fatalf("Settle(%s, %v) error = %v", id, amount, err)
	}
}

func refused(t *testing.T, l budget.Ledger, id string, amount budget.Micros, key string, lines ...budget.Line) {
	t.Helper()
	var full *budget.Exhausted
	if err := l.Reserve(t.Context(), id, lines, amount, ledgerNow); !errors.As(err, &full) || full.Key != key {
		t.Errorf("Reserve(%s, %v) error = %v, want %s exhausted", id, amount, err, key)
	}
}

func reserveAndSettle(t *testing.T, open Ledgers) {
	one, other := open(t)
	day, talk := budget.Line{Key: "day/2026-11-22", Limit: 100}, budget.Line{Key: "conversation/7", Limit: 50}
	comesTo(t, one, map[string]budget.Micros{}, day.Key, talk.Key)
	reserve(t, one, "a", 30, day, talk)
	comesTo(t, other, map[string]budget.Micros{day.Key: 30, talk.Key: 30}, day.Key, talk.Key)
	refused(t, other, "b", 21, talk.Key, day, talk)
	reserve(t, other, "b", 20, day, talk) // to the last of it
	settle(t, other, "a", 10)             // what one process reserved, another may settle
	comesTo(t, one, map[string]budget.Micros{day.Key: 30, talk.Key: 30}, day.Key, talk.Key)
	settle(t, one, "b", 0)
	comesTo(t, other, map[string]budget.Micros{day.Key: 10}, day.Key)
	// No lines: nothing to keep.
	reserve(t, one, "c", 10)
	settle(t, one, "c", 5)
	comesTo(t, one, map[string]budget.Micros{})
}

// allOrNothing: where one line has no room, the others are not touched.
func allOrNothing(t *testing.T, open Ledgers) {
	one, other := open(t)
	wide, tight, next := budget.Line{Key: "day/x", Limit: 1000}, budget.Line{Key: "contact/x/1", Limit: 5}, budget.Line{Key: "conversation/1", Limit: 5}
	reserve(t, one, "a", 3, wide, tight)
	refused(t, other, "b", 3, tight.Key, wide, tight, next)
	comesTo(t, one, map[string]budget.Micros{wide.Key: 3, tight.Key: 3}, wide.Key, tight.Key, next.Key)
	settle(t, other, "b", 3) // was never reserved
	comesTo(t, one, map[string]budget.Micros{wide.Key: 3, tight.Key: 3}, wide.Key, tight.Key, next.Key)
	reserve(t, other, "b", 2, wide, tight) // a refused id is still free
}

func settledTwice(t *testing.T, open Ledgers) {
	one, other := open(t)
	line := budget.Line{Key: "day/x", Limit: 1000}
	reserve(t, one, "a", 100, line)
	for range 3 {
		settle(t, one, "a", 40)
		settle(t, other, "a", 70)
	}
	comesTo(t, other, map[string]budget.Micros{line.Key: 40}, line.Key)
}

// moreThanReserved: what was spent was spent.
func moreThanReserved(t *testing.T, open Ledgers) {
	one, _ := open(t)
	line := budget.Line{Key: "day/x", Limit: 100}
	reserve(t, one, "a", 90, line)
	settle(t, one, "a", 130)
	comesTo(t, one, map[string]budget.Micros{line.Key: 130}, line.Key)
	refused(t, one, "b", 1, line.Key, line)
	reserve(t, one, "c", 0, line) // what costs nothing may always be asked
	settle(t, one, "c", -5)
	comesTo(t, one, map[string]budget.Micros{line.Key: 130}, line.Key)
}

func sameReservation(t *testing.T, open Ledgers) {
	one, other := open(t)
	line := budget.Line{Key: "day/x", Limit: 100}
	reserve(t, one, "a", 10, line)
	if err := other.Reserve(t.Context(), "a", []budget.Line{line}, 10, ledgerNow); !fault.Is(err, fault.Conflict) {
		t.Errorf("Reserve() of an open id = %v, want a conflict", err)
	}
	comesTo(t, one, map[string]budget.Micros{line.Key: 10}, line.Key)
}

func oddAmounts(t *testing.T, open Ledgers) {
	one, _ := open(t)
	line := budget.Line{Key: "day/x", Limit: 100}
	if err := one.Reserve(t.Context(), "a", []budget.Line{line}, -1, ledgerNow); !fault.Is(err, fault.Invalid) {
		t.Errorf("Reserve(-1) = %v, want invalid", err)
	}
	refused(t, one, "b", 1<<62, line.Key, line)
	reserve(t, one, "c", 99, line)
	refused(t, one, "d", 1<<63-1, line.Key, line)
	comesTo(t, one, map[string]budget.Micros{line.Key: 99}, line.Key)
	if got := spent(t, one); len(got) != 0 {
		t.Errorf("Spent() of no keys = %v", got)
	}
}

// oldLines: days that are over are forgotten in time, what holds for ever is not, nor is
// anything that somebody may still settle.
func oldLines(t *testing.T, open Ledgers) {
	one, _ := open(t)
	day := budget.Line{Key: "day/1", Limit: 100, Expires: ledgerNow.Add(40 * 24 * time.Hour)}
	ever := budget.Line{Key: "conversation/1", Limit: 100}
	reserve(t, one, "a", 10, day, ever)
	later := func(id string, after time.Duration) {
		t.Helper()
		if err := one.Reserve(t.Context(), id, []budget.Line{{Key: "day/2", Limit: 100}}, 1, ledgerNow.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	later("b", 24*time.Hour)
	settle(t, one, "a", 4)
	comesTo(t, one, map[string]budget.Micros{day.Key: 4, ever.Key: 4}, day.Key, ever.Key)
	later("c", 41*24*time.Hour)
	comesTo(t, one, map[string]budget.Micros{ever.Key: 4}, day.Key, ever.Key)
	settle(t, one, "b", 0) // forgotten: it stays at its worst
	comesTo(t, one, map[string]budget.Micros{"day/2": 2}, "day/2")
}

// manyAtOnce: processes that reserve and settle random amounts over lines in common lose
// nothing and never get beyond a limit, and at the end all that was settled is there.
func manyAtOnce(t *testing.T, open Ledgers) {
	one, other := open(t)
	const workers, calls, limit = 8, 12, 4000
	lines := []budget.Line{{Key: "day/x", Limit: limit}, {Key: "desk/x/a", Limit: limit}, {Key: "desk/x/b", Limit: limit}, {Key: "conversation/1", Limit: limit / 2}}
	var mu sync.Mutex
	total := map[string]budget.Micros{}
	refusals := 0
	var wg sync.WaitGroup
	for w := range workers {
		l := []budget.Ledger{one, other}[w%2]
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			for i := range calls {
				mine := []budget.Line{lines[0], lines[1+random.IntN(2)]}
				if random.IntN(2) == 0 {
					mine = append(mine, lines[3])
				}
				random.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				worst := budget.Micros(random.IntN(400))
				id := fmt.Sprint(w, "-", i)
				var full *budget.Exhausted
				switch err := l.Reserve(t.Context(), id, mine, worst, ledgerNow); {
				case errors.As(err, &full):
					mu.Lock()
					refusals++
					mu.Unlock()
					continue
				case err != nil:
					t.Errorf("Reserve() error = %v", err)
					return
				}
				now, err := l.Spent(t.Context(), budget.Keys(mine))
				for _, line := range mine {
					if err != nil || now[line.Key] > line.Limit {
						t.Errorf("%s has come to %v of %v (%v)", line.Key, now[line.Key], line.Limit, err)
					}
				}
				cost := budget.Micros(random.IntN(int(worst) + 1))
				if err := l.Settle(t.Context(), id, cost, ledgerNow); err != nil {
					t.Errorf("Settle() error = %v", err)
				}
				mu.Lock()
				for _, line := range mine {
					total[line.Key] += cost
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	comesTo(t, one, total, budget.Keys(lines)...)
	if refusals == 0 {
		t.Error("nothing was refused: the limits were never tried")
	}
}

// overALimit: of many calls at the same moment only those are let through that fit.
func overALimit(t *testing.T, open Ledgers) {
	one, other := open(t)
	const worst, limit = 30, 100
	line := budget.Line{Key: "day/x", Limit: limit}
	var wg sync.WaitGroup
	let := make(chan string, 40)
	for i := range 40 {
		l := []budget.Ledger{one, other}[i%2]
		wg.Go(func() {
			id := fmt.Sprint(i)
			var full *budget.Exhausted
			switch err := l.Reserve(t.Context(), id, []budget.Line{line}, worst, ledgerNow); {
			case err == nil:
				let <- id
			case !errors.As(err, &full):
				t.Errorf("Reserve() error = %v", err)
			}
		})
	}
	wg.Wait()
	close(let)
	if len(let) != limit/worst {
		t.Errorf("%d calls were let through, want %d", len(let), limit/worst)
	}
	comesTo(t, one, map[string]budget.Micros{line.Key: limit / worst * worst}, line.Key)
}

func ledgerCancelled(t *testing.T, open Ledgers) {
	one, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	line := budget.Line{Key: "day/x", Limit: 100}
	if err := one.Reserve(ctx, "a", []budget.Line{line}, 1, ledgerNow); !errors.Is(err, context.Canceled) {
		t.Errorf("Reserve() of a caller that is gone = %v, want cancelled", err)
	}
	comesTo(t, one, map[string]budget.Micros{}, line.Key)
}
