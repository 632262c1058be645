package guard

import (
	"strings"
	"testing"
)

// The development data is used in place: none of its rows may be copied into the tables. A
// grammar that repeats a row would also be measured on what it was trained on.
func TestGrammarCopiesNoRow(t *testing.T) {
	t.Parallel()
	rows := devRows(t)
	const run = 6
	lex, _, err := parts()
	if err != nil {
		t.Fatal(err)
	}
	words := func(s string) []string {
		f, _ := fold(s)
		var out []string
		for _, tok := range lex.tokens(&desk{}, f) {
			out = append(out, string(f[tok.start:tok.end]))
		}
		return out
	}
	known := map[string]string{}
	for i := range rows {
		w := words(rows[i].Text)
		for k := 0; k+run <= len(w); k++ {
			known[strings.Join(w[k:k+run], " ")] = rows[i].ID
		}
		if len(w) > 3 && len(w) < run {
			known[strings.Join(w, " ")] = rows[i].ID
		}
	}
	slots, all, err := readGrammar(grammarText)
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := readGrammar(sentencesText)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, own...)
	check := func(phrase string) {
		for part := range strings.FieldsFuncSeq(phrase, func(r rune) bool { return r == '{' || r == '}' }) {
			w := words(part)
			for k := 0; k < len(w); k++ {
				for n := 4; n <= run && k+n <= len(w); n++ {
					if id := known[strings.Join(w[k:k+n], " ")]; id != "" && (n == run || n == len(w)) {
						t.Errorf("%q repeats row %s", part, id)
					}
				}
			}
		}
	}
	for _, values := range slots {
		for _, v := range values {
			check(v)
		}
	}
	for _, s := range all {
		for _, form := range s.forms {
			check(form)
		}
	}
}
