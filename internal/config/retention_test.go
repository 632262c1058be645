package config

import (
	"testing"
	"time"
)

func TestPeriod(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"180d": 180 * oneDay, "5y": 1825 * oneDay, "0": 0, "forever": 0, "FOREVER": 0, "0d": 0, "48h": 2 * oneDay, "99999999d": forever, "99999y": forever} {
		if got, err := period(text); err != nil || got != want {
			t.Errorf("period(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "180", "-1d", "1.5d", "d", "soon", "1h", "-48h", "180 d", "9999999999999999999999d"} {
		if got, err := period(text); err == nil {
			t.Errorf("period(%q) = %v, want an error", text, got)
		}
	}
}
