package guard

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// devRows reads the development data: third parties' texts, which are not ours to keep here.
// Where somebody keeps them beside the checkout they are used.
func devRows(t testing.TB) []Row {
	t.Helper()
	name := filepath.Join("..", "..", "..", "shared", "data", "guard", "dev.jsonl")
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the development data of the guard is not beside this checkout")
	}
	return fileRows(t, name)
}

// ownRows are the rows of our own, by writers who had seen neither rules nor tables. Those of
// the third and fourth file are by the writers of the first and second.
func ownRows(t testing.TB) []Row {
	t.Helper()
	var rows []Row
	for _, name := range []string{"own-a", "own-b", "own-c", "own-d", "own-e"} {
		rows = append(rows, fileRows(t, "testdata/"+name+".jsonl")...)
	}
	return rows
}

// TestDevelopmentData trains with whole sources left out and holds the figures against the
// targets of the development data: own rows train with it, and are in the report, but the
// shares below are of the development data alone.
func TestDevelopmentData(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some ten seconds")
	}
	if raceEnabled {
		t.Skip("training is one goroutine's arithmetic, and takes minutes with the race detector")
	}
	theirs := devRows(t)
	rows := slices.Concat(theirs, ownRows(t))
	var report Report
	plain, kept := 0, map[string]int{}
	_, whole, err := Train(rows, Training{Seed: 1, Date: "2026-11-22", Look: func(r *Row, v Verdict, g *Guard) {
		if strings.HasPrefix(r.Source, "own-") {
			return
		}
		report.Add(r, v)
		if r.Attack() != (v.Action > Allow) && testing.Verbose() && r.Lang == "pt" {
			t.Logf("wrong: %s by %s %q, score %.2f", r.ID, v.View, v.Rule, v.Score)
		}
		if r.Attack() && r.Lang == "pt" && r.Tier == "explicit" && v.Action > Allow {
			plain++
			for _, e := range Encoders() {
				if g.Judge(e.Encode(r.Text)).Action > Allow {
					kept[e.Name]++
				}
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + whole.String())
	for _, want := range []struct {
		label, lang, tier string
		atLeast, atMost   float64
		deflected         float64
	}{
		{"attack", "pt", "explicit", 0.85, 1, 1},
		{"attack", "en", "explicit", 0.85, 1, 1},
		{"attack", "es", "explicit", 0.75, 1, 1},
		{"attack", "pt", "obfuscated", 0.92, 1, 1},
		{"benign", "pt", "", 0, 0.01, 0.003},
		{"benign", "pt", "hard", 0, 0.05, 1},
	} {
		stopped, deflected, n := report.Stopped(want.label, want.lang, want.tier)
		if n == 0 || stopped < want.atLeast || stopped > want.atMost || deflected > want.deflected {
			t.Errorf("%s %s %s: stopped %.4f and deflected %.4f of %d, want %.3f to %.3f and at most %.3f",
				want.label, want.lang, want.tier, stopped, deflected, n, want.atLeast, want.atMost, want.deflected)
		}
	}
	for _, e := range Encoders() {
		share := float64(kept[e.Name]) / float64(plain)
		t.Logf("%s: %d of %d", e.Name, kept[e.Name], plain)
		if share < 0.95 {
			t.Errorf("%s keeps %.3f of plain recall, want 0.95", e.Name, share)
		}
	}
}
