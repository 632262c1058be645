package house_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/house"
)

// clinic is the house of testdata/clinica.
func clinic(t testing.TB) *house.House {
	t.Helper()
	h := load(t, "clinica")
	h.Synonyms = [][]string{{"ultrassonografia", "ultrassom", "ecografia"}, {"toxina botulínica", "botox"}, {"psicoterapia", "terapia", "psicóloga"}}
	return h
}

// load reads the house of a folder: its tables are named after their kinds.
func load(t testing.TB, folder string) *house.House {
	t.Helper()
	h := &house.House{}
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*"))
	must(t, err)
	for _, file := range files {
		base := filepath.Base(file)
		switch filepath.Ext(file) {
		case ".yaml":
			kind, ok := house.KindOf(strings.TrimSuffix(base, ".yaml"))
			if !ok {
				t.Fatalf("KindOf(%q) is unknown", base)
			}
			h.Tables = append(h.Tables, house.Table{Kind: kind, Rows: rows(t, file)})
		case ".md":
			text, err := os.ReadFile(file)
			must(t, err)
			h.Pages = append(h.Pages, house.Page{Text: string(text), Source: house.Source{File: base}})
		}
	}
	return h
}

// rows reads the rows of a table, each with its line.
func rows(t testing.TB, file string) []house.Row {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var list []yaml.Node
	must(t, yaml.Unmarshal(text, &list))
	var out []house.Row
	for _, n := range list {
		r := house.Row{Columns: map[string]string{}, Source: house.Source{File: filepath.Base(file), Line: n.Line}}
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.Columns[n.Content[i].Value] = n.Content[i+1].Value
		}
		out = append(out, r)
	}
	return out
}

// question is a line of a corpus: what is asked, and the places that answer it.
type question struct {
	text string
	want []string // file#word
}

func questions(t testing.TB, folder, file string) []question {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", folder, file))
	must(t, err)
	var out []question
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		asked, places, _ := strings.Cut(line, " => ")
		q := question{text: asked}
		for p := range strings.SplitSeq(places, " | ") {
			if p != "" {
				q.want = append(q.want, p)
			}
		}
		out = append(out, q)
	}
	return out
}

// answers says whether a hit is one of the places.
func (q question) answers(h house.Hit) bool {
	for _, w := range q.want {
		file, word, _ := strings.Cut(w, "#")
		if h.Source.File == file && strings.Contains(strings.ToLower(h.Title), word) {
			return true
		}
	}
	return false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func show(hits []house.Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprintf("%s (%s, %.2f)", h.Source, h.Title, h.Score))
	}
	return strings.Join(out, "; ")
}
