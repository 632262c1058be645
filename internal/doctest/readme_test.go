package doctest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"secretaria/internal/agent"
	"secretaria/internal/config"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/openai"
	"secretaria/internal/telemetry"
)

// titles of the sections that are looked into, in both languages.
type titles struct{ configuration, inboxes, desks, model, figures, key, inboxKey string }

func readmes() map[string]titles {
	return map[string]titles{
		english:    {"Configuration", "Several inboxes and desks", "Desks", "A language model", "Figures", "key", "key of an inbox"},
		portuguese: {"Configuração", "Várias caixas de entrada e vários balcões", "Balcões", "Um modelo de linguagem", "Números", "chave", "chave de uma caixa"},
	}
}

// skeleton is what a section has that does not depend on the language.
type skeleton struct {
	Level  int
	Blocks []string
	Rows   []string // cells of a table, and the code in the first
	Links  int
}

// Headings translate, so they are compared by level and by what stands beneath them.
func TestBothReadmesSayTheSame(t *testing.T) {
	t.Parallel()
	outline := func(name string) []skeleton {
		var out []skeleton
		for _, s := range open(t, name).sections {
			k := skeleton{Level: s.level, Links: len(s.links())}
			for _, b := range s.blocks {
				k.Blocks = append(k.Blocks, b.lang+"\n"+strings.Join(b.commands(), "\n"))
			}
			for _, r := range s.rows {
				k.Rows = append(k.Rows, fmt.Sprintf("%d %q", len(r), spans(r[0])))
			}
			out = append(out, k)
		}
		return out
	}
	if diff := cmp.Diff(outline(english), outline(portuguese)); diff != "" {
		t.Errorf("the READMEs differ (-%s +%s):\n%s", english, portuguese, diff)
	}
}

// envLine is KEY=value.
var envLine = regexp.MustCompile(`^([A-Z][A-Z0-9_]*)=(.*)$`)

func TestConfigurationTable(t *testing.T) {
	t.Parallel()
	// Defaults that .env.example leaves empty for the program to fill in.
	want := map[string]string{
		"GEMINI_MODEL": gemini.DefaultModel, "GOOGLE_GEMINI_BASE_URL": gemini.DefaultBaseURL, "OPENAI_MODEL": openai.DefaultModel, "OPENAI_BASE_URL": openai.DefaultBaseURL,
		"TRANSFER_TO_HUMAN_MESSAGE": agent.DefaultTransfer, "ESCALATION_KEYWORDS": strings.Join(agent.DefaultKeywords(), ", "),
	}
	for line := range strings.Lines(read(t, ".env.example")) {
		if m := envLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil && m[2] != "" {
			want[m[1]] = m[2]
		}
	}
	for name, title := range readmes() {
		var keys []string
		for _, r := range open(t, name).section(t, title.configuration).table(t, title.key) {
			key := strings.Trim(r[0], "`")
			keys = append(keys, key)
			shown := "–"
			if d := want[key]; d != "" {
				shown = "`" + d + "`"
			}
			if r[1] != shown {
				t.Errorf("%s: the default of %s is %s, want %s", name, key, r[1], shown)
			}
			if len(r) != 3 || r[2] == "" {
				t.Errorf("%s: %s has no meaning", name, key)
			}
		}
		if diff := cmp.Diff(config.Keys(), keys); diff != "" {
			t.Errorf("%s: keys (-config +table):\n%s", name, diff)
		}
	}
}

// Every KEY=value that a reader is told to write is a key, or is named as a reference in the
// YAML of the same page.
func TestEnvironmentExamples(t *testing.T) {
	t.Parallel()
	for name := range readmes() {
		p := open(t, name)
		for _, s := range p.sections {
			for _, b := range s.blocks {
				for _, line := range b.commands() {
					if m := envLine.FindStringSubmatch(line); b.lang == "sh" && m != nil && !slices.Contains(config.Keys(), m[1]) {
						t.Errorf("%s: %s in %q is not a key", name, m[1], s.title)
					}
				}
			}
		}
	}
}

var reference = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// The YAML is loaded beside the persona of the same page, with a long enough value for
// every variable that it asks for.
func TestYAMLExamples(t *testing.T) {
	t.Parallel()
	for name, title := range readmes() {
		p := open(t, name)
		var persona string
		for _, b := range p.section(t, title.model).blocks {
			if b.lang == "markdown" {
				persona = b.text()
			}
		}
		n := 0
		for _, s := range p.sections {
			for _, b := range s.blocks {
				if b.lang != "yaml" {
					continue
				}
				n++
				dir := t.TempDir()
				for file, text := range map[string]string{config.DefaultFile: b.text(), "clinica.md": persona} {
					if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				var env []string
				for _, m := range reference.FindAllStringSubmatch(b.text(), -1) {
					env = append(env, m[1]+"="+strings.Repeat("x", 64))
				}
				cfg, err := config.Load(config.Source{Environ: env, Dir: dir})
				if err != nil {
					t.Errorf("%s: the YAML in %q: %v", name, s.title, err)
				} else if len(cfg.Notes) > 0 {
					t.Errorf("%s: the YAML in %q: %q", name, s.title, cfg.Notes)
				}
			}
		}
		if n < 2 {
			t.Errorf("%s: %d YAML examples, want at least 2", name, n)
		}
	}
}

// The metrics that the pages name exist. Those of HTTP appear with the first request.
func TestMetricsExist(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	telemetry.NewMetrics(registry, telemetry.Build{}).LLM("gemini").Circuit("closed")
	telemetry.NewRedis(registry, func() bool { return true }, []string{"limits"})
	telemetry.NewTraces(registry, nil, nil)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range families {
		known[f.GetName()] = true
	}
	name := regexp.MustCompile(`^(secretaria_[a-z_]+)(?:\{.*\})?$`)
	for _, p := range pages(t) {
		for _, c := range p.code() {
			if m := name.FindStringSubmatch(c); m != nil && !known[m[1]] {
				t.Errorf("%s: there is no metric %s", p.name, m[1])
			}
		}
	}
}

// The table of figures names every benchmark that make bench runs, and no other.
func TestFiguresNameTheBenchmarks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(top, "internal/bench/*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Benchmark\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			want[m[1]] = true
		}
	}
	for name, title := range readmes() {
		got := map[string]bool{}
		for _, r := range open(t, name).section(t, title.figures).rows {
			for _, c := range spans(r[0]) {
				// A part of a benchmark stands behind a slash.
				b, _, _ := strings.Cut(c, "/")
				got[b] = true
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("%s: benchmarks (-there +named):\n%s", name, diff)
		}
	}
}

func TestChangelogHasAnUnreleasedSection(t *testing.T) {
	t.Parallel()
	s := open(t, "CHANGELOG.md").section(t, "[Unreleased]")
	if s.level != 2 {
		t.Errorf("[Unreleased] is a heading of level %d, want 2", s.level)
	}
}
