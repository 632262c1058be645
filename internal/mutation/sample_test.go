package mutation

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// A small module with every kind of statement, whose mutants, and what its tests make of them,
// are written down beside it.
func TestSample(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/sample.txtar")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	want := ""
	for _, f := range txtar.Parse(src).Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		name := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	excused := map[string]string{"bounds/bounds.go Within: without: count++": "nobody looks", "bounds/bounds.go Gone: not: x": "the function is gone"}
	r, err := try(t.Context(), root, target{name: "sample", dir: "bounds", except: []string{"left.go"}}, excused, sampling{count: -1, match: regexp.MustCompile(``), workers: 2}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, m := range r.survived {
		if !m.reached {
			got.WriteString("unreached ")
		}
		got.WriteString(m.line + " " + m.name + "\n")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("what survives (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bounds/bounds.go Gone: not: x"}, r.stale); diff != "" {
		t.Errorf("excuses for nothing (-want +got):\n%s", diff)
	}
	if r.excused != 1 || r.tried != r.all-1 || r.tried < 60 {
		t.Errorf("%d of %d mutants tried, %d excused, want all but the one", r.tried, r.all, r.excused)
	}
	if diff := cmp.Diff([]string{"TestFails"}, r.left); diff != "" {
		t.Errorf("tests that were not asked (-want +got):\n%s", diff)
	}
	if tree, err := filepath.Glob(filepath.Join(root, "bounds", "*")); err != nil || len(tree) != 3 {
		t.Errorf("the tree holds %v, %v, want it as it was", tree, err)
	}
}

// The same seed draws the same mutants also when others came between them, another seed others.
func TestDraw(t *testing.T) {
	t.Parallel()
	var all []mutant
	for i := range 200 {
		all = append(all, mutant{id: i + 1, name: "f.go F: not: x #" + strings.Repeat("i", i)})
	}
	names := func(drawn []mutant) []string {
		var out []string
		for _, m := range drawn {
			out = append(out, m.name)
		}
		return out
	}
	first := draw(all, 50, 1)
	if len(first) != 50 || len(draw(all, -1, 1)) != 200 || len(draw(all, 500, 1)) != 200 {
		t.Fatalf("drawn %d, want 50", len(first))
	}
	more := append([]mutant{{id: 999, name: "g.go G: not: y"}}, all...)
	common := 0
	for _, name := range names(draw(more, 51, 1)) {
		if slices.Contains(names(first), name) {
			common++
		}
	}
	if common < 50 {
		t.Errorf("%d of 50 mutants are drawn again beside a new one", common)
	}
	common = 0
	for _, name := range names(draw(all, 50, 2)) {
		if slices.Contains(names(first), name) {
			common++
		}
	}
	if common > 30 {
		t.Errorf("another seed draws %d of 50 mutants again", common)
	}
}

func TestReadExcuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"":                                    {},
		"# x\n\n":                             {},
		"a b: c\n    why\n    so\nd\n  e\n":   {"a b: c": "why so", "d": "e"},
		"a\n":                                 nil,
		"a\nb\n  c\n":                         nil,
		"  c\n":                               nil,
		"# every comment\na\n\n# more\n  b\n": {"a": "b"},
	} {
		file := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readExcuses(file)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("readExcuses(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
