package gate_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/gate"
	"secretaria/internal/hours"
	"secretaria/internal/promise"
)

// cold reads testdata/cold; its README tells the form.
func cold(t testing.TB) []example {
	t.Helper()
	files, err := filepath.Glob("testdata/cold/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no turns: %v", err)
	}
	var out []example
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			var row struct {
				House, Contact, Tools, Said, Customer, Bad []string
				Done                                       []promise.Kind
				Hours, Answer                              string
				Now                                        time.Time
			}
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				t.Fatalf("%s:%d: %v", name, n, err)
			}
			e := example{file: filepath.Base(name), line: n, answer: row.Answer}
			e.ctx = gate.Context{Contact: row.Contact, Grounds: gate.Grounds{House: row.House, Tools: row.Tools, Said: row.Said, Customer: row.Customer, Done: row.Done, Now: row.Now}}
			if row.Hours != "" {
				zone := "America/Sao_Paulo"
				if _, offset := row.Now.Zone(); offset == -4*60*60 {
					zone = "America/Manaus"
				}
				if e.ctx.Grounds.Hours, err = hours.Parse(hours.Form{Zone: zone, Week: row.Hours}); err != nil {
					t.Fatalf("%s:%d: %v", name, n, err)
				}
				e.ctx.Grounds.Zone = e.ctx.Grounds.Hours.Zone
			}
			for _, bad := range row.Bad {
				from := strings.Index(row.Answer, bad)
				if from < 0 {
					t.Fatalf("%s:%d: %q is not in the answer", name, n, bad)
				}
				e.bad = append(e.bad, [2]int{from, from + len(bad)})
			}
			out = append(out, e)
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// tally is how a gate did on turns.
type tally struct{ turns, figures, overlooked, passed, good, stopped, beside int }

func judge(t testing.TB, all []example) tally {
	t.Helper()
	n := tally{turns: len(all)}
	for _, e := range all {
		v := gate.Check(e.answer, &e.ctx)
		if len(e.bad) == 0 {
			if n.good++; !v.Pass() {
				n.stopped++
				t.Logf("%s:%d: good answer %q stopped:%s", e.file, e.line, e.answer, e.said(v))
			}
			continue
		}
		for _, b := range e.bad {
			if n.figures++; !slices.ContainsFunc(v.Findings, func(f gate.Finding) bool { return f.From < b[1] && b[0] < f.To }) {
				n.overlooked++
				if v.Pass() {
					n.passed++
				}
				t.Logf("%s:%d: %q overlooked in %q (stopped: %t)", e.file, e.line, e.answer[b[0]:b[1]], e.answer, !v.Pass())
			}
		}
		for _, f := range v.Findings {
			if !slices.ContainsFunc(e.bad, func(b [2]int) bool { return f.From < b[1] && b[0] < f.To }) {
				n.beside++
			}
		}
	}
	t.Logf("%d turns: of %d figures that nothing supports %d pass and %d are overlooked, %d of %d good answers are stopped, %d findings beside the marks", n.turns, n.figures, n.passed, n.overlooked, n.stopped, n.good, n.beside)
	if n.passed*100 > n.figures || n.overlooked*50 > n.figures {
		t.Errorf("of %d figures that nothing supports %d pass and %d are overlooked, want at most 1 %% and 2 %%", n.figures, n.passed, n.overlooked)
	}
	if n.stopped*100 > 2*n.good {
		t.Errorf("%d of %d good answers are stopped, want at most 2 %%", n.stopped, n.good)
	}
	return n
}

func TestCold(t *testing.T) {
	t.Parallel()
	if n := judge(t, cold(t)); n.turns < 150 {
		t.Errorf("there are %d turns, want 150", n.turns)
	}
}

// A house that was prepared, and one that is told with each answer, hold up the same.
func TestPrepared(t *testing.T) {
	pure(t)
	t.Parallel()
	for _, e := range append(cold(t), corpus(t)...) {
		prepared := e.ctx
		prepared.Grounds.House, prepared.Grounds.Prepared = nil, gate.Prepare(e.ctx.Grounds.House)
		want, got := gate.Check(e.answer, &e.ctx), gate.Check(e.answer, &prepared)
		if !slices.Equal(want.Findings, got.Findings) {
			t.Errorf("%s:%d: Check(%q) of a prepared house = %v, want %v", e.file, e.line, e.answer, got, want)
		}
	}
}
