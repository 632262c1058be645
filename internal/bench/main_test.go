package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// folder is everything that a run leaves on disk; TestMain makes and removes it.
var folder string

func TestMain(m *testing.M) {
	if addr := os.Getenv(ceilingEnv); addr != "" {
		fmt.Fprintln(os.Stderr, serveCeiling(addr, os.Getenv(ceilingTable)))
		os.Exit(1)
	}
	var err error
	if folder, err = os.MkdirTemp("", "secretaria-bench"); err == nil {
		// The database server runs as somebody else and reads what lies here.
		err = os.Chmod(folder, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// plan is how much is measured.
type plan struct {
	name          string
	rounds        int
	warm, measure time.Duration
	connections   []int // of acknowledge; 64 must be among them
	processes     []int
	stored        []int // conversations; the first is what the others are compared with
	idle          time.Duration
	messages      int // of overhead, five a second
	floods        int // rounds of burst and of turns
	burst, turns  int
	only          []string
	cache         string // "": within folder
	page          string // "": none
}

// planned reads the environment.
func planned() (plan, error) {
	plans := []plan{
		{name: "full", rounds: 3, warm: 400 * time.Millisecond, measure: 1500 * time.Millisecond, connections: []int{1, 16, main64, 256}, processes: []int{1, 2, 4},
			stored: []int{0, 100_000, 1_000_000}, idle: 5 * time.Second, messages: 100, floods: 3, burst: 600, turns: 1000},
		{name: "short", rounds: 2, warm: 200 * time.Millisecond, measure: 700 * time.Millisecond, connections: []int{main64}, processes: []int{1, 2},
			stored: []int{0, 100_000}, idle: time.Second, messages: 20, floods: 1, burst: 600, turns: 1000},
		{name: "smoke", rounds: 2, warm: 50 * time.Millisecond, measure: 200 * time.Millisecond, connections: []int{1, main64}, processes: []int{1, 2},
			stored: []int{0, 2_000}, idle: 500 * time.Millisecond, messages: 5, floods: 1, burst: 50, turns: 100},
	}
	name := os.Getenv("BENCH")
	if name == "" {
		name = "full"
	}
	i := slices.IndexFunc(plans, func(p plan) bool { return p.name == name })
	if i < 0 {
		return plan{}, fmt.Errorf("BENCH=%s: want full, short or smoke", name)
	}
	p := plans[i]
	p.cache, p.page = os.Getenv("BENCH_CACHE"), os.Getenv("BENCH_PAGE")
	p.only = strings.FieldsFunc(os.Getenv("BENCH_ONLY"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, o := range p.only {
		if !slices.ContainsFunc(sections(), func(s section) bool { return s.name == o }) {
			return plan{}, fmt.Errorf("BENCH_ONLY: there is no section %s", o)
		}
	}
	return p, nil
}

// section is a part of the run that stands by itself.
type section struct {
	name string
	run  func(*testing.B, plan, *report)
}

func sections() []section {
	return []section{
		{"start", start}, {"acknowledge", acknowledge}, {"processes", processes}, {"stored", stored}, {"slow", slow},
		{"duplicates", duplicates}, {"overhead", overhead}, {"burst", burst}, {"turns", thousand},
	}
}

// BenchmarkProduct measures everything, section after section, each printed as soon as it is
// there. What a section is compared with is measured in it.
func BenchmarkProduct(b *testing.B) {
	p, err := planned()
	if err != nil {
		b.Fatal(err)
	}
	r := &report{out: os.Stdout, page: p.page}
	fmt.Fprintln(r.out)
	begun := time.Now()
	if err := r.add("machine", machine(b, p)); err != nil {
		b.Fatal(err)
	}
	done := map[string]bool{}
	for _, s := range sections() {
		if len(p.only) > 0 && !slices.Contains(p.only, s.name) {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			if done[s.name] {
				return // asked for more iterations: one is all that there is
			}
			done[s.name] = true
			fmt.Fprintln(r.out)
			s.run(b, p, r)
		})
	}
	if err := r.end(len(p.only) == 0 && !b.Failed(), time.Since(begun)); err != nil {
		b.Error(err)
	}
}

// The page has a place for everything that a run prints.
func TestPageHasPlaces(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	places := []string{"machine", "targets"}
	for _, s := range sections() {
		places = append(places, s.name)
	}
	for _, name := range places {
		if _, err := replaced(string(page), name, ""); err != nil {
			t.Error(err)
		}
	}
}
