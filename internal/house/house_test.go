package house_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/house"
	"secretaria/internal/invalid"
	"secretaria/internal/stem"
)

var update = flag.Bool("update", false, "write what the cases want")

// eachCase runs the cases of a folder: files in, and in "want" what comes out.
func eachCase(t *testing.T, folder string, run func(t *testing.T, files []txtar.File) string) {
	cases, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			must(t, err)
			last := len(a.Files) - 1
			got := run(t, a.Files[:last])
			if *update {
				a.Files[last].Data = []byte(got)
				must(t, os.WriteFile(name, txtar.Format(a), 0o644))
				return
			}
			if diff := cmp.Diff(string(a.Files[last].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	eachCase(t, "tables", func(t *testing.T, files []txtar.File) string {
		h := &house.House{}
		for _, f := range files {
			kind, ok := house.KindOf(f.Name)
			if !ok {
				kind = house.TableKind(f.Name)
			}
			table := house.Table{Kind: kind}
			for i, text := range strings.Split(string(f.Data), "--\n") {
				r := house.Row{Columns: map[string]string{}, Source: house.Source{File: f.Name, Line: i + 1}}
				for line := range strings.Lines(text) {
					key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
					r.Columns[key] = value
				}
				table.Rows = append(table.Rows, r)
			}
			h.Tables = append(h.Tables, table)
		}
		var out strings.Builder
		if err := h.Validate(); err != nil {
			for _, f := range invalid.Fields(err) {
				fmt.Fprintln(&out, f)
			}
			return out.String()
		}
		for _, p := range h.Passages() {
			fmt.Fprintf(&out, "%s | %s | %s\n", p.Kind, p.Title, p.Text)
		}
		return out.String()
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	eachCase(t, "pages", func(t *testing.T, files []txtar.File) string {
		h := &house.House{Pages: []house.Page{{Text: string(files[0].Data), Source: house.Source{File: "textos/minha-página.md"}}}}
		must(t, h.Validate())
		var out strings.Builder
		for _, p := range h.Passages() {
			fmt.Fprintf(&out, "%s | %s | %s\n%s\n\n", p.Source, p.Title, p.Source.Heading, p.Text)
		}
		return out.String()
	})
}

func TestParsePrice(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]house.Price{
		"R$ 1.234,56": {Cents: 123456}, "r$80": {Cents: 8000}, "80": {Cents: 8000}, "80,5": {Cents: 8050}, "80.50": {Cents: 8050}, "1.234": {Cents: 123400}, "1.234.567,00": {Cents: 123456700},
		"80 reais": {Cents: 8000}, "BRL 10": {Cents: 1000}, "R$ 50 por sessão": {Cents: 5000}, "R$ 99,90/mês": {Cents: 9990}, "R$ 30 (cada)": {Cents: 3000}, "0": {},
		"a partir de R$ 80": {Cents: 8000, From: true}, "A partir de 1.500,00": {Cents: 150000, From: true},
		"R$ 80 a R$ 120": {Cents: 8000, UpTo: 12000}, "de R$ 80 até R$ 120": {Cents: 8000, UpTo: 12000}, "entre 80 e 120": {Cents: 8000, UpTo: 12000}, "R$ 80-120": {Cents: 8000, UpTo: 12000},
		"Sob consulta": {OnRequest: true}, "grátis": {Free: true}, "Gratuito": {Free: true},
	} {
		got, err := house.ParsePrice(text)
		if err != nil || got != want {
			t.Errorf("ParsePrice(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "oitenta", "R$", "12.34.5", "1,234.56", "R$ 120 a R$ 80", "80 de 90", "R$ 1e9", "-5", "US$ 5", "1,234", "R$ 99999999999999", "10%"} {
		if got, err := house.ParsePrice(text); err == nil {
			t.Errorf("ParsePrice(%q) = %+v, want an error", text, got)
		}
	}
}

// FuzzParsePrice: what a price is told as is that price.
func FuzzParsePrice(f *testing.F) {
	for _, s := range []string{"R$ 1.234,56", "a partir de 80", "80-90", "grátis", "sob consulta", "R$ 5/mês"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := house.ParsePrice(text)
		if err != nil {
			return
		}
		again, err := house.ParsePrice(p.String())
		if err != nil || again != p {
			t.Errorf("ParsePrice(%q) = %+v, told as %q, which is %+v, %v", text, p, p.String(), again, err)
		}
	})
}

func TestPassagesAreStable(t *testing.T) {
	t.Parallel()
	h := clinic(t)
	first, again := h.Passages(), clinic(t).Passages()
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("Passages of the same house (-first +again):\n%s", diff)
	}
	seen := map[string]bool{}
	for _, p := range first {
		if seen[p.ID] || p.ID == "" || p.Text == "" || p.Terms == "" || p.Source.Line == 0 {
			t.Errorf("passage %+v: want an id of its own, a text, terms and a place", p)
		}
		seen[p.ID] = true
	}
	version := h.Version()
	services := slices.IndexFunc(h.Tables, func(t house.Table) bool { return t.Kind == house.Services })
	h.Tables[services].Rows[3].Columns["nome"] += " nova"
	h.Pages[0].Text = "\n" + h.Pages[0].Text
	moved := h.Passages()
	same := 0
	for _, p := range moved {
		if seen[p.ID] {
			same++
		}
	}
	if same != len(first)-1 || h.Version() == version {
		t.Errorf("after a change of one row and a line more, %d of %d ids are the same, version changed: %v; want all but one, and true", same, len(first), h.Version() != version)
	}
	double := &house.House{Pages: []house.Page{{Text: "Um texto.\n\n# A\nx y\n\n# A\nx y\n", Source: house.Source{File: "a.md"}}}}
	ids := map[string]bool{}
	for _, p := range double.Passages() {
		ids[p.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("Passages with a repeated section have %d ids, want 3", len(ids))
	}
}

// FuzzPage: every word of a page is in a passage, in order, and no passage is too long.
func FuzzPage(f *testing.F) {
	for _, p := range clinic(f).Pages {
		f.Add(p.Text)
	}
	f.Add("Um. Dois! " + strings.Repeat("palavra ", 500))
	f.Add("a\n=\nb\n-\n* c\n  d\n1. e\n\n> f")
	f.Add("| a | b |\n|-|-|\n| c |\n")
	f.Fuzz(func(t *testing.T, text string) {
		h := &house.House{Pages: []house.Page{{Text: text, Source: house.Source{File: "p.md"}}}}
		lines := strings.Count(strings.ReplaceAll(text, "\r\n", "\n"), "\n") + 1
		for _, p := range h.Passages() {
			if n := len(strings.Fields(p.Text)); n > 280 || p.Source.Line < 1 || p.Source.Line > lines || !utf8.ValidString(p.Text) || strings.TrimSpace(p.Text) == "" {
				t.Errorf("passage of %d words at line %d of %d: %q", n, p.Source.Line, lines, p.Text)
			}
			for _, term := range strings.Fields(p.Terms) {
				if !stem.Valid(term) {
					t.Errorf("term %q cannot be searched for", term)
				}
			}
		}
	})
}

func TestLongPagesAreParted(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Guia\n\n")
	for i := range 40 {
		fmt.Fprintf(&b, "Parágrafo %d com algumas palavras que dizem pouco. E outra frase para encher a linha de vez.\n\n", i)
	}
	b.WriteString(strings.Repeat("Uma frase de exatamente sete palavras inteiras. ", 100))
	h := &house.House{Pages: []house.Page{{Text: b.String(), Source: house.Source{File: "guia.md", Line: 10}}}}
	passages := h.Passages()
	var all []string
	for _, p := range passages {
		if n := len(strings.Fields(p.Text)); n < 70 || n > 200 {
			t.Errorf("passage at %s has %d words, want 80 to 200", p.Source, n)
		}
		all = append(all, strings.Fields(p.Text)...)
	}
	if want := strings.Fields(b.String())[2:]; !slices.Equal(all, want) {
		t.Errorf("passages have %d words, want the page's %d in order", len(all), len(want))
	}
	if first := passages[0].Source; first.Line != 12 || first.Heading != "Guia" {
		t.Errorf("first passage stands at %v, want line 12 beneath Guia", first)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	h := &house.House{
		Pages:    []house.Page{{Text: " \n"}, {Text: "\xff"}, {Text: strings.Repeat("a", 1<<20+1)}},
		Synonyms: [][]string{{"só"}, {"a b c d", "?"}, {"consulta", "atendimento"}, {"consultas", "visita"}},
	}
	var got []string
	for _, f := range invalid.Fields(h.Validate()) {
		got = append(got, f.Path)
	}
	want := []string{"pages[0]", "pages[1]", "pages[2]", "synonyms[0]", "synonyms[1][0]", "synonyms[1][1]", "synonyms[3][0]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if err := clinic(t).Validate(); err != nil {
		t.Errorf("Validate of the clinic = %v", err)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]house.TableKind{"Preços": house.Prices, "serviços": house.Services, " EQUIPE ": house.People, "policies": house.Policies, "horários": house.Hours} {
		if got, ok := house.KindOf(name); !ok || got != want {
			t.Errorf("KindOf(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	if got, ok := house.KindOf("planetas"); ok {
		t.Errorf("KindOf(planetas) = %q, want unknown", got)
	}
	for _, k := range house.Kinds() {
		if must, may := house.Columns(k); len(must) == 0 || len(may) == 0 {
			t.Errorf("Columns(%s) = %v, %v", k, must, may)
		}
	}
}
