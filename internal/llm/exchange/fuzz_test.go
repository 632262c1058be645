package exchange

import (
	"regexp"
	"strings"
	"testing"

	"secretaria/internal/fault"
)

// A word of a provider's is stored and logged, so nothing is in it that could be prose or a
// key, and what is kept is as it was.
func FuzzWord(f *testing.F) {
	f.Add("rate_limit_exceeded", "sk-1234567890", "_")
	f.Add("Incorrect API key provided: sk-1234567890", "sk-1234567890", "_.")
	f.Add("sk-1234567890", "sk-1234567890", "-")
	f.Add("", "", "")
	word := regexp.MustCompile(`^[A-Za-z0-9_.-]{0,64}$`)
	f.Fuzz(func(t *testing.T, s, key, _ string) {
		got := Word(s, key, "_.-")
		if got != "" && got != s {
			t.Errorf("Word(%q) = %q, want it whole or not at all", s, got)
		}
		if !word.MatchString(got) || key != "" && strings.Contains(got, key) {
			t.Errorf("Word(%q, %q) = %q", s, key, got)
		}
		if got == "" && s != "" && word.MatchString(s) && (key == "" || !strings.Contains(s, key)) {
			t.Errorf("Word(%q, %q) = %q, want it", s, key, got)
		}
	})
}

// What cannot be read is tried again only where it was cut, and nothing of it is in the cause.
func FuzzUnreadable(f *testing.F) {
	for _, s := range []string{``, `{"a":`, `{"a":1}`, `<html>`, `[1]`, `"x"`, ` {`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := Unreadable(body)
		text := strings.TrimSpace(string(body))
		if again := fault.Is(err, fault.Transient); again != (text == "" || strings.HasPrefix(text, "{") && fault.Code(err) == "answer cut short") {
			t.Errorf("Unreadable(%q) = %v", body, err)
		}
		if len(text) > 12 && strings.Contains(err.Error(), text) && !strings.Contains("answer has an unknown form answer cut short answer is not JSON", text) {
			t.Errorf("Unreadable(%q) = %v, which repeats the answer", body, err)
		}
	})
}
