package budget

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Micros is money in millionths of the unit of the price table.
type Micros int64

// maxAmount bounds what can be written, in units: sums of many stay far from overflowing.
const maxAmount = 1_000_000_000

// ParseMicros reads an amount in units, with up to six decimals: "0.15", "10", "2,50". It
// takes no sign, no exponent and no separator of thousands.
func ParseMicros(s string) (Micros, error) {
	s = strings.TrimSpace(s)
	whole, part, decimals := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	bad := func(t string) bool {
		return strings.ContainsFunc(t, func(r rune) bool { return r < '0' || r > '9' })
	}
	if s == "" || bad(whole) || bad(part) || whole == "" || decimals && part == "" {
		return 0, fmt.Errorf("%q is no amount: write it as in 0.15", s)
	}
	if len(part) > 6 {
		return 0, fmt.Errorf("%q has more than six decimals", s)
	}
	units, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || units > maxAmount {
		return 0, fmt.Errorf("%q is more than %d", s, maxAmount)
	}
	part += strings.Repeat("0", 6-len(part))
	micros, err := strconv.ParseInt(part, 10, 64)
	return Micros(units*1_000_000 + micros), err
}

// String writes the amount in units, with as many decimals as it has: "0.15", "10".
func (m Micros) String() string {
	sign, n := "", uint64(m)
	if m < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%s%d.%06d", sign, n/1_000_000, n%1_000_000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Units is the amount as a number, for metrics.
func (m Micros) Units() float64 { return float64(m) / 1e6 }

// plus adds without running over.
func (m Micros) plus(n Micros) Micros {
	if n > 0 && m > math.MaxInt64-n {
		return math.MaxInt64
	}
	return m + n
}

// invalids collects what is wrong.
type invalids []error

func (v *invalids) add(err error) {
	if err != nil {
		*v = append(*v, err)
	}
}

func (v *invalids) err() error { return errors.Join(*v...) }
