package promise_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"secretaria/internal/promise"
)

func kinds(text string) string {
	var out []string
	for _, c := range promise.Find(text) {
		if !slices.Contains(out, string(c.Kind)) {
			out = append(out, string(c.Kind))
		}
	}
	if len(out) == 0 {
		return "-"
	}
	slices.Sort(out)
	return strings.Join(out, "+")
}

type example struct{ want, text string }

func corpus(t testing.TB) []example {
	t.Helper()
	b, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	for l := range strings.Lines(string(b)) {
		if want, text, ok := strings.Cut(strings.TrimSpace(l), " "); ok && want != "#" {
			out = append(out, example{want, text})
		}
	}
	return out
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	all, claims := corpus(t), 0
	for _, e := range all {
		if e.want != "-" {
			claims++
		}
		if got := kinds(e.text); got != e.want {
			t.Errorf("Find(%q) = %s, want %s", e.text, got, e.want)
		}
	}
	if len(all) < 150 || claims < 60 || len(all)-claims < 60 {
		t.Errorf("the corpus has %d sentences, %d of them claims, want at least 150 and 60 of each", len(all), claims)
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Custa R$ 90. Já agendei sua consulta! Precisa de mais alguma coisa?": "Custa R$ 90. Precisa de mais alguma coisa?",
		"Já agendei.":   "",
		"Já agendei! 😀": "",
		"Temos duas opções:\n- A\n- B\n\nJá enviei o e-mail.\n\nAté logo!": "Temos duas opções:\n- A\n- B\n\nAté logo!",
		"Nada aqui.": "Nada aqui.",
	} {
		if got := promise.Without(text, promise.Find(text)); got != want {
			t.Errorf("Without(%q) = %q, want %q", text, got, want)
		}
	}
}

// What is left after the claims are taken out claims nothing.
func FuzzWithout(f *testing.F) {
	for _, e := range corpus(f) {
		f.Add(e.text + "\nOi. " + e.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			t.Skip()
		}
		claims := promise.Find(text)
		for _, c := range claims {
			if c.Start < 0 || c.End > len(text) || c.Start >= c.End {
				t.Fatalf("Find(%q) has a claim at %d:%d", text, c.Start, c.End)
			}
		}
		if left := promise.Without(text, claims); len(left) > len(text) {
			t.Errorf("Without(%q) = %q", text, left)
		}
	})
}
