package spelling

import (
	"slices"
	"testing"
)

// The distance is the same either way, zero for equal words alone, within the bounds that
// lengths set, blind to what both have around them, and one where one letter was typed wrong.
func FuzzDistance(f *testing.F) {
	f.Add("segunda", "seguda", uint(3))
	f.Add("ab", "ba", uint(0))
	f.Add("", "maçã", uint(9))
	f.Fuzz(func(t *testing.T, first, second string, at uint) {
		a, b := []rune(first), []rune(second)
		if len(a) > 64 || len(b) > 64 {
			return
		}
		d := Distance(a, b)
		if back := Distance(b, a); back != d {
			t.Errorf("Distance(%q, %q) = %d, the other way %d", first, second, d, back)
		}
		if (d == 0) != slices.Equal(a, b) {
			t.Errorf("Distance(%q, %q) = %d", first, second, d)
		}
		if least, most := max(len(a)-len(b), len(b)-len(a)), max(len(a), len(b)); d < least || d > most {
			t.Errorf("Distance(%q, %q) = %d, want %d to %d", first, second, d, least, most)
		}
		around := func(s []rune) []rune { return slices.Concat([]rune("oi"), s, []rune("á")) }
		if got := Distance(around(a), around(b)); got > d {
			t.Errorf("Distance(%q, %q) = %d, with the same around both %d", first, second, d, got)
		}
		if len(a) == 0 {
			return
		}
		i := int(at % uint(len(a)))
		without := slices.Delete(slices.Clone(a), i, i+1)
		swapped := slices.Clone(a)
		swapped[i], swapped[(i+1)%len(a)] = swapped[(i+1)%len(a)], swapped[i]
		for _, typed := range [][]rune{without, slices.Insert(slices.Clone(a), i, 'ß'), swapped} {
			want := 1
			if slices.Equal(typed, a) {
				want = 0
			}
			if i == len(a)-1 && len(a) > 2 && slices.Equal(typed, swapped) {
				continue // the first and the last are no neighbours
			}
			if got := Distance(a, typed); got != want {
				t.Errorf("Distance(%q, %q) = %d, want %d", first, string(typed), got, want)
			}
		}
	})
}
