package phrase_test

import (
	"regexp"
	"testing"

	"secretaria/internal/phrase"
)

// What an expression matches passes its filter.
func FuzzFilter(f *testing.F) {
	exprs := []*regexp.Regexp{
		phrase.Any(`(?:transferi|direcionei) (?:te )*(?:para|pra)`, `i(?: have|ve)? sent`), phrase.Any(`custa[mr]?`, `por apenas`, `promoc\w+`),
		phrase.Any(`^(?:\w+ ){0,4}caso (?:voce|vc)`), phrase.Any(`e`, `com`), phrase.Any(`a{2,3}bc`, `x+yz`), phrase.Any(`\w+`),
	}
	filter := phrase.NewFilter(exprs...)
	for _, text := range []string{"", "ja transferi voce para o time", "i sent it", "custam dez", "em todo caso voce", "aabc xxyz", "com e sem"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		may := filter.May(text)
		for i, e := range exprs {
			if e.MatchString(text) && may&(1<<i) == 0 {
				t.Errorf("May(%q) = %b, but %s matches", text, may, e)
			}
		}
	})
}

func TestFilterRefuses(t *testing.T) {
	t.Parallel()
	filter := phrase.NewFilter(phrase.Any(`transferi`, `direcionei`), phrase.Any(`custa[mr]?`))
	for text, want := range map[string]uint64{"": 0, "ola tudo bem": 0, "transferi voce": 1, "quanto custa": 2, "direcionei e custam": 3} {
		if got := filter.May(text); got != want {
			t.Errorf("May(%q) = %b, want %b", text, got, want)
		}
	}
}
