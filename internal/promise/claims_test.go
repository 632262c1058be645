package promise_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/promise"
)

// TestClaims reads every claim of a text, in order, with the sentence that it takes up.
func TestClaims(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/claims.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type example struct {
		text string
		want []string
	}
	var all []example
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "" || line[0] == '#':
		case line[0] == '\t':
			last := &all[len(all)-1]
			last.want = append(last.want, line[1:])
		default:
			text, err := strconv.Unquote(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			all = append(all, example{text: text})
		}
	}
	if err := lines.Err(); err != nil || len(all) < 35 {
		t.Fatalf("%d texts, %v, want at least 35", len(all), err)
	}
	for _, e := range all {
		var got []string
		for _, c := range promise.Find(e.text) {
			got = append(got, fmt.Sprintf("%s %q", c.Kind, e.text[c.Start:c.End]))
		}
		if diff := cmp.Diff(e.want, got); diff != "" {
			t.Errorf("Find(%q) differs (-want +got):\n%s", e.text, diff)
		}
	}
}

// What is left keeps its paragraphs, with one empty line between two at the most, and no
// claim that overlaps another takes anything twice.
func TestWithoutKeepsParagraphs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Olá.\n\nJá agendei.\n\nTchau.":                        "Olá.\n\nTchau.",
		"Já agendei.\n\n\nOlá.\n\n\n\nTchau.":                  "Olá.\n\nTchau.",
		"Olá.  Já agendei.   Tchau.\n 😀 \nFim":                 "Olá. Tchau.\n\nFim",
		"Agendei sua consulta e enviei o convite. Até amanhã!": "Até amanhã!",
	} {
		if got := promise.Without(text, promise.Find(text)); got != want {
			t.Errorf("Without(%q) = %q, want %q", text, got, want)
		}
	}
	claims := []promise.Claim{{Kind: promise.Booked, Start: 2, End: 6}, {Kind: promise.Sent, Start: 2, End: 6}, {Kind: promise.Paid, Start: 6, End: 7}}
	if got := promise.Without("a bbbbcd", claims); got != "a d" {
		t.Errorf("Without(%q) = %q, want %q", "a bbbbcd", got, "a d")
	}
	if got := promise.Without("a", []promise.Claim{{End: 1}}); got != "" {
		t.Errorf("Without everything = %q, want nothing", got)
	}
}
