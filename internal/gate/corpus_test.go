package gate_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secretaria/internal/gate"
	"secretaria/internal/hours"
	"secretaria/internal/promise"
)

// example is a turn of the corpus.
type example struct {
	file   string
	line   int
	ctx    gate.Context
	answer string
	bad    [][2]int // what nothing supports
}

// turns is where turns lie that are not of the corpus: houses of an operator, or ones written to
// see how the gate does on what it has never met.
var turns = flag.String("turns", "", "judge the turns in `directory`, too")

// corpus reads testdata/corpus; its README tells the form.
func corpus(t testing.TB) []example {
	t.Helper()
	return written(t, "testdata/corpus")
}

// written reads the turns of a directory.
func written(t testing.TB, dir string) []example {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var out []example
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var base gate.Grounds
		turn := example{}
		at := time.Time{}
		for n, l := range strings.Split(string(b), "\n") {
			fail := func(err error) {
				if err != nil {
					t.Fatalf("%s:%d: %v", name, n+1, err)
				}
			}
			key, rest, _ := strings.Cut(l, " ")
			g := &turn.ctx.Grounds
			switch key {
			case "", "#":
			case "zone":
				base.Zone, err = time.LoadLocation(rest)
				fail(err)
			case "now":
				base.Now, err = time.ParseInLocation("2006-01-02 15:04", rest, base.Zone)
				fail(err)
			case "hours":
				if rest != "-" {
					base.Hours, err = hours.Parse(hours.Form{Zone: base.Zone.String(), Week: rest})
					fail(err)
				}
			case "H:":
				base.House = append(base.House, strings.ReplaceAll(rest, `\n`, "\n"))
			case "T:":
				g.Tools = append(g.Tools, rest)
			case "C:":
				g.Customer = append(g.Customer, rest)
			case "S:":
				g.Said = append(g.Said, rest)
			case "D:":
				g.Done = append(g.Done, promise.Kind(rest))
			case "N:":
				at, err = time.ParseInLocation("2006-01-02 15:04", rest, base.Zone)
				fail(err)
			case "A:":
				g.House, g.Now, g.Zone, g.Hours = base.House, base.Now, base.Zone, base.Hours
				if !at.IsZero() {
					g.Now = at
				}
				turn.file, turn.line = filepath.Base(name), n+1
				for {
					before, marked, ok := strings.Cut(rest, "[[")
					turn.answer += before
					if !ok {
						break
					}
					word, after, ok := strings.Cut(marked, "]]")
					if !ok {
						t.Fatalf("%s:%d: a mark is not closed", name, n+1)
					}
					turn.bad = append(turn.bad, [2]int{len(turn.answer), len(turn.answer) + len(word)})
					turn.answer += word
					rest = after
				}
				out = append(out, turn)
				turn, at = example{}, time.Time{}
			default:
				t.Fatalf("%s:%d: %q begins no line", name, n+1, key)
			}
		}
	}
	return out
}

func (e example) said(v gate.Verdict) string {
	var b strings.Builder
	for _, f := range v.Findings {
		fmt.Fprintf(&b, " %s/%s %q", f.Kind, f.Why, e.answer[f.From:f.To])
	}
	return b.String()
}

// At most one in a hundred figures that nothing supports reaches the customer, and at most two in
// a hundred good answers are stopped. A figure that is overlooked in an answer that is stopped for
// another one does not reach him, but may survive a rewriting: those are counted apart.
func TestCorpus(t *testing.T) {
	pure(t)
	t.Parallel()
	if n := judge(t, corpus(t)); n.turns < 300 || n.good*5 < n.turns*2 {
		t.Errorf("the corpus has %d turns, %d of them good, want at least 300 and about half", n.turns, n.good)
	}
}

func TestTurns(t *testing.T) {
	t.Parallel()
	if *turns == "" {
		t.Skip("no -turns")
	}
	judge(t, written(t, *turns))
}

// pure leaves a test to the run without the race detector, under which a corpus takes ten times as
// long; scripts/test makes both.
func pure(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("one goroutine's work on texts: runs without the race detector")
	}
}
