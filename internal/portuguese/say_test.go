package portuguese

import "testing"

func TestHour(t *testing.T) {
	t.Parallel()
	for minutes, want := range map[int]string{0: "0h", 8 * 60: "8h", 13*60 + 30: "13h30", 9*60 + 5: "9h05", 24 * 60: "24h", 26 * 60: "2h"} {
		if got := Hour(minutes); got != want {
			t.Errorf("Hour(%d) = %q, want %q", minutes, got, want)
		}
	}
}
