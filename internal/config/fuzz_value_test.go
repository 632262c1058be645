package config

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A duration is never negative and never so long that a time of today runs over; what Go reads
// is read as Go does, and what was read and is written again is the same.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"4s", "300ms", "24h", "-1s", "5", "1e9h", "99999999999999999999h", "", "1.5h", "h", "+3s", "0", ".s", "9223372036854775807ns", "1h99999999999h", "NaN", "1e400", "-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := duration(text)
		if d < 0 || d > forever || err != nil && d != 0 {
			t.Errorf("duration(%q) = %v, %v, want 0 to %v", text, d, err, forever)
		}
		if want, wantErr := time.ParseDuration(text); wantErr == nil && (want < 0) == (err == nil) {
			t.Errorf("duration(%q) = %v, %v, Go reads %v", text, d, err, want)
		} else if wantErr == nil && err == nil && d != min(want, forever) {
			t.Errorf("duration(%q) = %v, want %v", text, d, want)
		}
		if err == nil {
			if again, err := duration(d.String()); err != nil || again != d {
				t.Errorf("duration(%q) = %v, then %v, %v", text, d, again, err)
			}
		}
		s, err := seconds(text)
		if s < 0 || s > forever || err != nil && s != 0 {
			t.Errorf("seconds(%q) = %v, %v, want 0 to %v", text, s, err, forever)
		}
		if exact, ok := new(big.Rat).SetString(text); ok && err == nil && len(text) < 40 && !strings.ContainsAny(text, "/xXpPbBoO_") {
			want, _ := new(big.Rat).Mul(exact, big.NewRat(int64(time.Second), 1)).Float64()
			if diff := float64(s) - min(want, float64(forever)); (diff > 1+want/1e12 || diff < -1-want/1e12) && want < float64(forever) {
				t.Errorf("seconds(%q) = %v, want %v ns", text, s, want)
			}
		}
		if zero, err := positive(duration(text)); err == nil && zero == 0 {
			t.Errorf("positive(%q) = 0", text)
		} else if d == 0 && err == nil && !errors.Is(err, errNotZero) {
			t.Errorf("positive(%q) = %v, %v", text, zero, err)
		}
	})
}

// A desk of any form gives a desk or problems with a place, and its secrets are in none of them.
func FuzzDesk(f *testing.F) {
	for _, s := range []string{
		"like: sdr", "hours: seg-sex 8h-18h", "hours: {week: {seg: 8h-12h}, holidays: [br, 12-25]}", "playbook: {slots: [{kind: name}]}", "playbook: none", "workflows: {x: {url: https://a.example/webhook/x, secret: SEKRITSEKRIT}}",
		"house: {facts: []}", "budget: {month: 10}", "models: [gemini]", "memory: {messages: -1}", "loops: {}", "safety: {}", "handoff: {keywords: [a, ''], message: x}", "file: x.yaml", "rules: ''", "timezone: Nowhere",
		"persona: &x [*x]", "workflows: {x: {secret: [SEKRITSEKRIT]}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, desk string) {
		text := "desks:\n  balcao:\n"
		for line := range strings.Lines(desk) {
			text += "    " + strings.TrimRight(line, "\r\n") + "\n"
		}
		d := bareDraft()
		d.root = d.parseYAML([]byte(text))
		d.understand()
		if len(d.problems) == 0 {
			if err := d.o.Validate(); err != nil {
				t.Errorf("%q is taken, and is not valid: %v", text, err)
			}
		}
		for _, p := range d.problems {
			if p.file() == "" {
				t.Errorf("%q: problem %q without a place", text, p)
			}
			if utf8.ValidString(text) && !utf8.ValidString(p.Text) {
				t.Errorf("%q: problem %q is not text", text, p.Text)
			}
			if p.line() > strings.Count(text, "\n")+1 {
				t.Errorf("%q: problem %q is in line %d", text, p, p.line())
			}
		}
	})
}
