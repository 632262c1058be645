package optout_test

import (
	"os"
	"strings"
	"testing"

	"secretaria/internal/optout"
)

type example struct {
	text string
	want bool
}

func corpus(t testing.TB) []example {
	t.Helper()
	b, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	for l := range strings.Lines(string(b)) {
		l = strings.TrimSuffix(l, "\n")
		if l == "" || l[0] == '#' {
			continue
		}
		sign, text, ok := strings.Cut(l, " ")
		if !ok || sign != "+" && sign != "-" {
			t.Fatalf("corpus line %q: want + or - and a message", l)
		}
		out = append(out, example{strings.ReplaceAll(text, `\n`, "\n"), sign == "+"})
	}
	return out
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	all, wants := corpus(t), 0
	for _, e := range all {
		if e.want {
			wants++
		}
		if got := optout.Wants(e.text); got != e.want {
			t.Errorf("Wants(%q) = %v, want %v", e.text, got, e.want)
		}
	}
	if len(all) < 150 || wants < 70 || len(all)-wants < 70 {
		t.Errorf("the corpus has %d messages, %d of them opt-outs, want at least 150 and 70 of each", len(all), wants)
	}
}

// How a message is typed changes nothing.
func FuzzWants(f *testing.F) {
	for _, e := range corpus(f) {
		f.Add(e.text, "!")
	}
	f.Fuzz(func(t *testing.T, text, end string) {
		if strings.Trim(end, "!. \n😀") != "" || len(text) > 4000 || len(end) > 40 {
			t.Skip()
		}
		want := optout.Wants(text)
		if got := optout.Wants(" " + text + " "); got != want {
			t.Errorf("Wants(%q) = %v, with blanks around it %v", text, want, got)
		}
		if want && !optout.Wants(text+end) {
			t.Errorf("Wants(%q) = true, and false with %q behind it", text, end)
		}
	})
}
