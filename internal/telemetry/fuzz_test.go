package telemetry

import (
	"regexp"
	"testing"

	"github.com/google/uuid"

	"secretaria/internal/redact"
)

// An id from outside that is kept has a form that does no harm in a header, a page or a log,
// and is nobody's number; the ids of ours are always kept.
func FuzzCorrelation(f *testing.F) {
	for _, s := range []string{"", "0198c5a2-7b1c-7def-8000-123456789012", "a", "a b", "<b>", "a\n", "é", "5511987654321", "52998224725", "ana@exemplo.com", "Abc_1.2-3"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`\A[A-Za-z0-9._-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := ValidCorrelation(s), form.MatchString(s); got != want {
			t.Errorf("ValidCorrelation(%q) = %v, want %v", s, got, want)
		}
		if kept(s) && !form.MatchString(s) {
			t.Errorf("kept(%q) = true", s)
		}
		for _, found := range redact.Find(s) {
			if kept(s) && found.Class != redact.Token {
				t.Errorf("kept(%q) = true, which is a %s", s, found.Class)
			}
		}
		var id uuid.UUID
		copy(id[:], s)
		if len(s) >= 16 && !kept(id.String()) && redactsNothing(id.String()) {
			t.Errorf("kept(%q) = false, an id like ours", id)
		}
		if own := NewCorrelation(); !ValidCorrelation(own) {
			t.Errorf("NewCorrelation() = %q, which is not valid", own)
		}
	})
}

func redactsNothing(s string) bool { return len(redact.Find(s)) == 0 }
