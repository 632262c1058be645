package hours

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A holiday that was read is a set that there is, or a date that there is with hours in order;
// written again it is the same.
func FuzzParseHoliday(f *testing.F) {
	for _, s := range []string{"2026-12-24 08:00-12:00 Véspera", "12-25 Natal", "25/12", "br", "BR-carnaval", "02-29", "30-02", "2026-02-30", "12-25 24h", "12-25 fechado", "25/12/2026 - Natal", "12-25 2a via"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, set, err := ParseHoliday(text)
		if err != nil {
			if d.Date != "" || set != "" {
				t.Errorf("ParseHoliday(%q) = %+v, %q and %v", text, d, set, err)
			}
			return
		}
		if set != "" {
			if !slices.Contains(Sets(), set) || d.Date != "" {
				t.Errorf("ParseHoliday(%q) = %+v, %q", text, d, set)
			}
			return
		}
		_, err = time.Parse(time.DateOnly, d.Date)
		_, yearly := time.Parse(time.DateOnly, "2024-"+d.Date)
		if err != nil && yearly != nil {
			t.Errorf("ParseHoliday(%q) = %+v, which is no date", text, d)
		}
		inOrder(t, text, d.Spans)
		again, _, err := ParseHoliday(d.Date)
		if err != nil || again.Date != d.Date || len(again.Spans) > 0 {
			t.Errorf("ParseHoliday(%q) = %+v, %v, want the date alone", d.Date, again, err)
		}
		if d.Name != strings.TrimSpace(d.Name) || !strings.HasSuffix(strings.TrimSpace(text), d.Name) {
			t.Errorf("ParseHoliday(%q) is called %q", text, d.Name)
		}
	})
}

// The hours of a day are in order, and what is read of a line is read of the same line in a week.
func FuzzParseSpans(f *testing.F) {
	for _, s := range []string{"08:00-12:00, 13h30 às 18h", "24h", "fechado", "18h-02h", "8 às 8", "meio-dia a meia-noite", "8-", "8am to noon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spans, err := ParseSpans(text)
		if err != nil {
			return
		}
		inOrder(t, text, spans)
		if strings.ContainsAny(text, ";\n") || len(text) > maxText-8 {
			return
		}
		week, err := ParseWeek("seg: " + text)
		if err != nil || !slices.Equal(week[time.Monday], spans) {
			t.Errorf("ParseWeek(%q) = %v, %v, want %v on Monday", "seg: "+text, week, err, spans)
		}
	})
}

func inOrder(t *testing.T, text string, spans []Span) {
	t.Helper()
	end := 0
	for _, s := range spans {
		if s.From < end || s.To <= s.From || s.From >= dayMinutes || s.To > s.From+dayMinutes {
			t.Fatalf("%q is read as %v, want hours in order", text, spans)
		}
		end = s.To
	}
}
