package render

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, a := range archives(t, "testdata/split/*.txtar") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := section(t, a, "in.md")
			limit, err := strconv.Atoi(section(t, a, "limit"))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, f := range a.Files {
				if strings.HasPrefix(f.Name, "bubble") {
					want = append(want, strings.TrimSuffix(string(f.Data), "\n"))
				}
			}
			if diff := cmp.Diff(want, Split(in, limit)); diff != "" {
				t.Errorf("Split(%q, %d) (-want +got):\n%s", in, limit, diff)
			}
		})
	}
}

func TestSplitEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		limit int
		want  []string
	}{
		{"", 10, nil},
		{" \n\u00a0", 10, nil},
		{" oi ", 10, []string{"oi"}},
		{strings.Repeat("á", 10), 10, []string{strings.Repeat("á", 10)}},
		{strings.Repeat("a", DefaultLimit), 0, []string{strings.Repeat("a", DefaultLimit)}},
		{strings.Repeat("a", 5), 2, []string{"aa", "aa", "a"}},
		{"👩🏽‍💻👩🏽‍💻", 5, []string{"👩🏽‍💻", "👩🏽‍💻"}},
		{"🇧🇷🇵🇹🇧🇷", 3, []string{"🇧🇷", "🇵🇹", "🇧🇷"}},
		{"a\u0301a\u0301", 3, []string{"a\u0301", "a\u0301"}},
		{"👩🏽‍💻", 2, []string{"👩🏽", "\u200d💻"}}, // unavoidable
		{"R$ 50 e R$ 70", 8, []string{"R$ 50 e", "R$ 70"}},
		{"R$\u00a050 e R$\u00a070", 8, []string{"R$\u00a050 e", "R$\u00a070"}},
	} {
		if diff := cmp.Diff(c.want, Split(c.in, c.limit)); diff != "" {
			t.Errorf("Split(%q, %d) (-want +got):\n%s", c.in, c.limit, diff)
		}
	}
}

func FuzzSplitLosesNothing(f *testing.F) {
	for _, limit := range []int{1, 2, 7, 40, 700} {
		f.Add("# Título\n\nUm parágrafo. Outro **muito forte** aqui: [a b](c d) `x y`.\n\n```\na b\n```\n- x\n- y\n👩🏽‍💻🇧🇷", limit)
		f.Add(strings.Repeat("palavra ", 200), limit)
	}
	compact := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	f.Fuzz(func(t *testing.T, in string, limit int) {
		if limit > 1<<20 {
			limit = 1 << 20
		}
		bubbles := Split(in, limit)
		if got, want := compact(strings.Join(bubbles, "")), compact(clean(in)); got != want {
			t.Errorf("Split(%q, %d) together = %q, want %q", in, limit, got, want)
		}
		if limit < 1 {
			limit = DefaultLimit
		}
		for _, b := range bubbles {
			if n := utf8.RuneCountInString(b); n > limit || n == 0 || strings.TrimSpace(b) != b {
				t.Errorf("Split(%q, %d) has bubble %q of %d runes", in, limit, b, n)
			}
		}
	})
}
