package doctest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/config"
)

var update = flag.Bool("update", false, "write the tables of keys into docs/desks.md")

// The marks of a table that is made from the program.
const (
	deskBegin, deskEnd     = "<!-- keys of a desk -->\n", "<!-- end of keys of a desk -->\n"
	sharedBegin, sharedEnd = "<!-- keys for all desks -->\n", "<!-- end of keys for all desks -->\n"
)

func keyTable(keys []config.DeskKey) string {
	var b strings.Builder
	b.WriteString("\n| key | what is written | default | meaning |\n|---|---|---|---|\n")
	for _, k := range keys {
		standard := "–"
		if k.Default != "" {
			standard = k.Default
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, k.Form, standard, k.Text)
	}
	return b.String() + "\n"
}

// The tables of docs/desks.md are what the program reads.
func TestDeskTables(t *testing.T) {
	t.Parallel()
	const name = "docs/desks.md"
	text := read(t, name)
	want := replaced(t, text, deskBegin, deskEnd, keyTable(config.DeskKeys()))
	want = replaced(t, want, sharedBegin, sharedEnd, keyTable(config.SharedKeys()))
	if *update {
		if err := os.WriteFile(filepath.Join(top, name), []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("%s is not of this program (go test ./internal/doctest -run TestDeskTables -update) (-program +page):\n%s", name, diff)
	}
}

func replaced(t *testing.T, text, begin, end, table string) string {
	t.Helper()
	head, rest, ok := strings.Cut(text, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("there is no %s… %s", begin, end)
	}
	return head + begin + table + end + tail
}

// Every example of docs/desks.md is the file of a desk, or the whole file, that loads.
func TestDeskExamples(t *testing.T) {
	t.Parallel()
	n := 0
	for _, s := range open(t, "docs/desks.md").sections {
		for _, b := range s.blocks {
			if b.lang != "yaml" {
				continue
			}
			n++
			dir := t.TempDir()
			files := map[string]string{config.DefaultFile: b.text(), "bia.md": "Você é a Bia.", "convenios.md": "# Convênios", "precos.yaml": "- {item: Consulta, preço: 100}\n", "desks/recepcao.yaml": "persona: ../bia.md\n", "vendas/desk.yaml": "like: sdr\n"}
			if first, _, _ := strings.Cut(b.text(), ":"); first != "desks" && first != "models" {
				files[config.DefaultFile] = "models:\n  fast: {provider: offline}\ndesks:\n  exemplo: exemplo.yaml\n"
				files["exemplo.yaml"] = b.text()
				if !strings.Contains(b.text(), "persona:") && !strings.Contains(b.text(), "like:") {
					files["exemplo.yaml"] = "persona: bia.md\n" + b.text()
				}
			}
			for file, text := range files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var env []string
			for _, m := range reference.FindAllStringSubmatch(b.text(), -1) {
				env = append(env, m[1]+"=https://example.com/"+strings.Repeat("x", 40))
			}
			cfg, err := config.Load(config.Source{Environ: env, Dir: dir})
			if err != nil {
				t.Errorf("the YAML in %q: %v\n%s", s.title, err, b.text())
			} else if len(cfg.Notes) > 0 {
				t.Errorf("the YAML in %q: %q", s.title, cfg.Notes)
			}
		}
	}
	if n < 8 {
		t.Errorf("%d YAML examples, want at least 8", n)
	}
}
