package guard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Report counts what became of rows that are known to be attacks or not.
type Report struct {
	tallies map[string]*tally
	order   []string
}

type tally struct{ n, stopped, deflected int }

// Add counts a row.
func (r *Report) Add(row *Row, v Verdict) {
	if r.tallies == nil {
		r.tallies = map[string]*tally{}
	}
	tier := cmp.Or(row.Tier, "all")
	for _, key := range []string{
		row.Label + " " + row.Lang,
		row.Label + " " + row.Lang + " " + tier,
		row.Label + " " + row.Lang + " " + tier + " from " + cmp.Or(row.Source, "?"),
	} {
		t := r.tallies[key]
		if t == nil {
			t = &tally{}
			r.tallies[key] = t
			r.order = append(r.order, key)
		}
		t.n++
		if v.Action > Allow {
			t.stopped++
		}
		if v.Action == Deflect {
			t.deflected++
		}
	}
}

// Stopped returns the shares of rows that were restricted or deflected, and deflected, and
// how many rows there are, by label, language and, unless it is "", tier.
func (r *Report) Stopped(label, lang, tier string) (stopped, deflected float64, rows int) {
	t := r.tallies[strings.TrimSpace(label+" "+lang+" "+tier)]
	if t == nil {
		return 0, 0, 0
	}
	return float64(t.stopped) / float64(t.n), float64(t.deflected) / float64(t.n), t.n
}

// String is a table: a line for each label and language, with tier, with source; what was
// stopped and deflected, with 95 % intervals.
func (r *Report) String() string {
	keys := slices.Sorted(slices.Values(r.order))
	var b strings.Builder
	for _, k := range keys {
		t := r.tallies[k]
		lo, hi := Wilson(t.stopped, t.n)
		dlo, dhi := Wilson(t.deflected, t.n)
		fmt.Fprintf(&b, "%s: %d rows, stopped %.2f%% [%.2f, %.2f], deflected %.2f%% [%.2f, %.2f]\n", k, t.n,
			100*float64(t.stopped)/float64(t.n), 100*lo, 100*hi, 100*float64(t.deflected)/float64(t.n), 100*dlo, 100*dhi)
	}
	return b.String()
}

// Wilson returns the interval that holds a share with 95 % confidence, given k of n.
func Wilson(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, middle-half), min(1, middle+half)
}
