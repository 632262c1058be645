package render

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// section returns a file of an archive without its last line end.
func section(t *testing.T, a *txtar.Archive, name string) string {
	t.Helper()
	for _, f := range a.Files {
		if f.Name == name {
			return strings.TrimSuffix(string(f.Data), "\n")
		}
	}
	t.Fatalf("archive has no section %q", name)
	return ""
}

func archives(t *testing.T, pattern string) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("Glob(%q) = %v, %v", pattern, paths, err)
	}
	all := make(map[string]*txtar.Archive)
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".txtar")] = a
	}
	return all
}

func TestWhatsApp(t *testing.T) {
	t.Parallel()
	for name, a := range archives(t, "testdata/whatsapp/*.txtar") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, want := section(t, a, "in.md"), section(t, a, "out.txt")
			if diff := cmp.Diff(want, WhatsApp(in)); diff != "" {
				t.Errorf("WhatsApp(%q) (-want +got):\n%s", in, diff)
			}
		})
	}
}

func TestWhatsAppCleans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{" \n\t", ""},
		{"<br>", ""},
		{"<script>x</script>", ""},
		{"\u200eoi", "oi"},
		{"\ufeff\u200b\u200e\u200foi", "oi"},
		{"&#x200e;oi", "oi"},
		{"<br>\u200eoi", "oi"},
		{"a\x00b\x1b[31mc\u0085d", "ab[31mcd"},
		{"a\xffb", "a\uFFFDb"},
		{"a\u202eb\u2066c", "abc"},
		{"a\ufdd0b&#xfdd0;", "ab"},
		{"a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		{"👩🏽‍💻 ❤️ 🇧🇷", "👩🏽‍💻 ❤️ 🇧🇷"},
		{"שלום \u200fעולם", "שלום \u200fעולם"},
		{strings.Repeat("*a* ", maxParsed), strings.TrimSpace(strings.Repeat("*a* ", maxParsed))},
	} {
		if got := WhatsApp(c.in); got != c.want {
			t.Errorf("WhatsApp(%.40q) = %.40q, want %.40q", c.in, got, c.want)
		}
	}
}

func TestCommonMark(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"**oi**  \nR$ 5*3\n\n- a\n", "**oi**  \nR$ 5*3\n\n- a\n"},
		{"{{contact.email}}", "{ {contact.email}}"},
		{"{{- x -}} {%- raw -%} {%x%}", "{ {- x -}} { %- raw -%} { %x%}"},
		{"{{{%", "{ { { %"},
		{"{`a`}", "{ `a`}"},
		{`{"a":{"b":1}}`, `{"a":{"b":1}}`},
		{"a\x00{\x01{b", "a{ {b"},
		{"{\u202a{x}}", "{ {x}}"},
		{"a\r\nb\xff", "a\nb\uFFFD"},
		{"\u200eoi", "oi"},
	} {
		got := CommonMark(c.in)
		if got != c.want {
			t.Errorf("CommonMark(%q) = %q, want %q", c.in, got, c.want)
		}
		if again := CommonMark(got); again != got {
			t.Errorf("CommonMark(%q) = %q, want no further change", got, again)
		}
	}
}

// seeds adds every input of the archives to a fuzz corpus.
func seeds(f *testing.F, pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(a.Files[0].Data))
	}
	for _, s := range []string{"{{{{", "{\\{", "&lbrace;{", "{<b>{", "{\u200b{%", "[{](x){", "```\n{{\n", "{%{{%", "}}\u200e", "|a|\n|-|\n|{{|", "a\n-\n-\n", "1. \n\n   - x"} {
		f.Add(s)
	}
}

func FuzzNoTemplateSurvives(f *testing.F) {
	seeds(f, "testdata/*/*.txtar")
	f.Fuzz(func(t *testing.T, in string) {
		w := WhatsApp(in)
		if strings.Contains(w, "{{") || strings.Contains(w, "}}") {
			t.Errorf("WhatsApp(%q) = %q, which holds a Mustache tag", in, w)
		}
		if strings.HasPrefix(w, "\u200e") {
			t.Errorf("WhatsApp(%q) = %q, which begins with U+200E", in, w)
		}
		c := CommonMark(in)
		if strings.Contains(c, "{{") || strings.Contains(c, "{%") {
			t.Errorf("CommonMark(%q) = %q, which holds a Liquid tag", in, c)
		}
		if again := CommonMark(c); again != c {
			t.Errorf("CommonMark(CommonMark(%q)) = %q, want %q", in, again, c)
		}
		if again := noMustache(w); again != w {
			t.Errorf("noMustache(%q) = %q, want no change", w, again)
		}
		for _, out := range []string{w, c} {
			if !utf8.ValidString(out) || strings.ContainsFunc(out, unwanted) {
				t.Errorf("rendering %q gives %q, which is not clean", in, out)
			}
		}
	})
}

// FuzzWordsSurvive checks that no letter is lost, whatever is taken for formatting. What
// CommonMark itself takes away (elements, links, references, code and its languages) and
// numbers of lists are left out of the input.
func FuzzWordsSurvive(f *testing.F) {
	seeds(f, "testdata/*/*.txtar")
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) && r != 0x02CB && r != 0x02CD {
				return r
			}
			return -1
		}, s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		in = strings.Map(func(r rune) rune {
			if strings.ContainsRune("<[&\\`~|", r) || unicode.IsDigit(r) {
				return -1
			}
			return r
		}, in)
		if got, want := letters(WhatsApp(in)), letters(clean(in)); got != want {
			t.Errorf("WhatsApp(%q) keeps the letters %q, want %q", in, got, want)
		}
	})
}
