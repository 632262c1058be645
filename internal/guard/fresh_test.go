package guard

import (
	"os"
	"testing"
)

func fileRows(t testing.TB, name string) []Row {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := ReadRows(f)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// fresh.jsonl was written after rules, lexicon and grammar, before anybody saw what the
// guard makes of it, and none of these was changed for its sake; the thresholds moved once
// afterwards. spent.jsonl is the set before it, whose misses were read. Both are small and by
// the author of the rules, and yet the shares here are far below those of the development
// data, which the author had read: they say better what to expect. Do not tune on
// fresh.jsonl: spend it and write another.
func TestFreshRows(t *testing.T) {
	t.Parallel()
	g := New()
	var report Report
	for _, r := range fileRows(t, "testdata/fresh.jsonl") {
		v := g.Judge(r.Text)
		report.Add(&r, v)
		if r.Attack() != (v.Action > Allow) {
			t.Logf("wrong: %v %.2f %s %q", v.Action, v.Score, v.Rule, r.Text)
		}
	}
	t.Log("\n" + report.String())
	if stopped, _, _ := report.Stopped("attack", "pt", ""); stopped < 0.5 {
		t.Errorf("attacks stopped: %.2f, want at least 0.5", stopped)
	}
	if stopped, _, _ := report.Stopped("benign", "pt", ""); stopped > 0.1 {
		t.Errorf("customers stopped: %.2f, want at most 0.1", stopped)
	}
}
