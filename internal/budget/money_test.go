package budget_test

import (
	"math"
	"testing"

	"secretaria/internal/budget"
)

func TestParseMicros(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]budget.Micros{
		"0": 0, "1": 1_000_000, "0.15": 150_000, "2,50": 2_500_000, " 10.000001 ": 10_000_001, "0.000001": 1, "1000000000": 1e15, "007": 7_000_000,
	} {
		if got, err := budget.ParseMicros(text); err != nil || got != want {
			t.Errorf("ParseMicros(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "-1", "+1", "1e3", "1.0000001", "1.", ".5", "1.000,00", "R$ 5", "0x10", "1_000", "NaN", "1000000001", "99999999999999999999", "٣"} {
		if got, err := budget.ParseMicros(text); err == nil {
			t.Errorf("ParseMicros(%q) = %v, want an error", text, got)
		}
	}
}

func TestMicrosString(t *testing.T) {
	t.Parallel()
	for m, want := range map[budget.Micros]string{
		0: "0", 1: "0.000001", 150_000: "0.15", 10_000_000: "10", -2_500_000: "-2.5", math.MinInt64: "-9223372036854.775808",
	} {
		if got := m.String(); got != want {
			t.Errorf("Micros(%d).String() = %q, want %q", int64(m), got, want)
		}
	}
}

// What is written can be read again.
func FuzzMicros(f *testing.F) {
	f.Add("0.15")
	f.Add("2,5")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := budget.ParseMicros(text)
		if err != nil {
			return
		}
		if again, err := budget.ParseMicros(m.String()); err != nil || again != m || m < 0 {
			t.Errorf("ParseMicros(%q) = %d, written %q, read %d, %v", text, int64(m), m, int64(again), err)
		}
	})
}
