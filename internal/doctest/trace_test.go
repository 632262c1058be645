package doctest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/tracing"
)

// The page lists every span with its kind and its attributes, as the code has them, and draws
// none that does not exist.
func TestSpansAreDocumented(t *testing.T) {
	t.Parallel()
	p := open(t, "docs/traces.md")
	s := p.section(t, "Spans")
	want, names := map[string]string{}, []string{}
	for _, d := range tracing.Catalogue() {
		keys := make([]string, len(d.Keys))
		for i, k := range d.Keys {
			keys[i] = string(k)
		}
		want[string(d.Name)] = d.Kind + ": " + strings.Join(keys, " ")
		names = append(names, string(d.Name))
	}
	got := map[string]string{}
	for _, r := range s.table(t, "span") {
		got[strings.Trim(r[0], "`")] = r[1] + ": " + strings.Join(spans(r[2]), " ")
		if len(r) != 4 || r[3] == "" {
			t.Errorf("%s is not explained", r[0])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-code +page):\n%s", diff)
	}
	for _, k := range tracing.Always() {
		if !slices.Contains(spans(strings.Join(s.prose, "\n")), string(k)) {
			t.Errorf("the page does not say that every span may have %s", k)
		}
	}
	drawing := p.section(t, "What a trace looks like").blocks[0]
	for _, line := range drawing.lines {
		name, _, _ := strings.Cut(strings.TrimLeft(line, "│├└─ "), "  ")
		if !slices.Contains(names, name) {
			t.Errorf("the drawing has a span %q", name)
		}
	}
}
