package mutation

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	sample  = flag.Int("mutants", 0, "how many mutants of each target to try; 0: none, -1: all")
	seed    = flag.Uint64("seed", 1, "which of them")
	only    = flag.String("target", "", "the targets to try, separated by commas; all when empty")
	match   = flag.String("match", "", "draw among the mutants whose names this expression matches")
	workers = flag.Int("workers", 2, "how many mutants to try at a time")
)

// most is how many of a target's mutants may survive, in percent.
const most = 10

// The targets: what decides whether a stranger is believed, what may reach the model, and what
// may leave.
var targets = []target{
	{name: "verify/whaticket", dir: "internal/channel/whaticket", files: []string{"verify.go"}},
	{name: "verify/chatwoot", dir: "internal/channel/chatwoot", files: []string{"signature.go"}},
	{name: "verify/workflow", dir: "internal/workflow", files: []string{"signature.go"}, tests: []string{"internal/workflow", "internal/callback"}},
	{name: "verify/callback", dir: "internal/callback", files: []string{"callback.go", "report.go"}},
	{name: "verify/secret", dir: "internal/secret"},
	// Not what makes a model, which is judged by the figures of what it makes.
	{name: "guard", dir: "internal/guard", except: []string{"generate.go", "report.go", "train.go", "training.go"}, skip: "Training|FuzzJudge|FuzzModel|FuzzReadRows"},
	{name: "gate", dir: "internal/gate", skip: "^(TestCorpus|FuzzCheck)$"},
	{name: "promise", dir: "internal/promise"},
	{name: "sanitise", dir: "internal/sanitise"},
}

func TestSurvivors(t *testing.T) {
	t.Parallel()
	if *sample == 0 {
		t.Skip("compiles and runs for minutes: make mutate, or -mutants 60")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	among, err := regexp.Compile(*match)
	if err != nil {
		t.Fatal(err)
	}
	excused, err := readExcuses("testdata/equivalent.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), target.name) {
			continue
		}
		// One after the other: they share the machine.
		t.Run(target.name, func(t *testing.T) {
			r, err := try(t.Context(), root, target, excused, sampling{count: *sample, seed: *seed, match: among, workers: *workers}, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range r.stale {
				t.Errorf("testdata/equivalent.txt: there is no mutant %q", name)
			}
			for _, name := range r.left {
				t.Logf("not asked, slow or not passing by itself: %s", name)
			}
			for _, m := range r.survived {
				what := "survives"
				if !m.reached {
					what = "is reached by no test"
				}
				t.Logf("%s: %s: %s", m.line, what, m.name)
			}
			share := 100 * float64(len(r.survived)) / float64(max(1, r.tried))
			t.Logf("%s: %d of %d mutants tried, %d excused, %d survived (%.1f %%), %s", target.name, r.tried, r.all, r.excused, len(r.survived), share, r.took.Round(time.Second))
			if r.tried == 0 || share > most {
				t.Errorf("%d of %d mutants survived, want at most %d %%", len(r.survived), r.tried, most)
			}
		})
	}
}

// A report is what came of the mutants of a target.
type report struct {
	all, tried, excused int
	survived            []survivor
	left                []string // tests that were not asked
	stale               []string // excuses for mutants that do not exist
	took                time.Duration
}

type survivor struct {
	mutant
	reached bool
}

// sampling says which mutants are tried, and how many at a time.
type sampling struct {
	count   int // -1: all
	seed    uint64
	match   *regexp.Regexp // of their names
	workers int
}

// try brings mutants of a target to life and asks its tests.
func try(ctx context.Context, root string, t target, excused map[string]string, how sampling, to string) (report, error) {
	started := time.Now()
	overlay, all, err := mutate(ctx, root, t, to)
	if err != nil {
		return report{}, fmt.Errorf("mutate %s: %w", t.dir, err)
	}
	r := report{all: len(all)}
	var binaries []*binary
	tests := t.tests
	if len(tests) == 0 {
		tests = []string{t.dir}
	}
	for _, dir := range tests {
		b, left, err := build(ctx, root, dir, overlay, to, t)
		if err != nil {
			return report{}, fmt.Errorf("build the tests of %s: %w", dir, err)
		}
		binaries = append(binaries, b)
		r.left = append(r.left, left...)
	}
	names := map[string]bool{}
	var drawn []mutant
	for _, m := range all {
		names[m.name] = true
		if _, ok := excused[m.name]; ok {
			r.excused++
			continue
		}
		if how.match.MatchString(m.name) {
			drawn = append(drawn, m)
		}
	}
	for name := range excused {
		if file, _, _ := strings.Cut(name, " "); filepath.ToSlash(filepath.Dir(file)) == t.dir && !names[name] && t.has(filepath.Base(file)) {
			r.stale = append(r.stale, name)
		}
	}
	slices.Sort(r.stale)
	drawn = draw(drawn, how.count, how.seed)
	r.tried = len(drawn)

	next := make(chan mutant)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range how.workers {
		wg.Go(func() {
			for m := range next {
				reached := false
				killed := false
				for _, b := range binaries {
					there, dead := b.noticed(ctx, m)
					reached = reached || there
					if killed = dead; killed {
						break
					}
				}
				if !killed {
					mu.Lock()
					r.survived = append(r.survived, survivor{m, reached})
					mu.Unlock()
				}
			}
		})
	}
	for _, m := range drawn {
		next <- m
	}
	close(next)
	wg.Wait()
	slices.SortFunc(r.survived, func(a, b survivor) int { return a.id - b.id })
	r.took = time.Since(started)
	return r, ctx.Err()
}

// draw takes count mutants, the same ones for the same seed as long as they have their names,
// whatever is written around them. A negative count takes all.
func draw(all []mutant, count int, seed uint64) []mutant {
	if count < 0 || count >= len(all) {
		return all
	}
	hash := func(m mutant) uint64 {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", seed, m.name)
		return mix(h.Sum64())
	}
	drawn := slices.Clone(all)
	slices.SortFunc(drawn, func(a, b mutant) int { return cmp.Or(cmp.Compare(hash(a), hash(b)), cmp.Compare(a.name, b.name)) })
	drawn = drawn[:count]
	slices.SortFunc(drawn, func(a, b mutant) int { return a.id - b.id })
	return drawn
}

// mix spreads what FNV leaves close together: names that differ at their end only.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// readExcuses reads the mutants that change nothing: a line with the name, and below it,
// indented, the reason. One that begins with "#" is a comment.
func readExcuses(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	excused := map[string]string{}
	name := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case !strings.HasPrefix(line, " "):
			if name != "" && excused[name] == "" {
				return nil, errors.New(file + ": no reason for: " + name)
			}
			name = line
			excused[name] = ""
		case name == "":
			return nil, errors.New(file + ": a reason for nothing: " + line)
		default:
			excused[name] = strings.TrimSpace(excused[name] + " " + strings.TrimSpace(line))
		}
	}
	if name != "" && excused[name] == "" {
		return nil, errors.New(file + ": no reason for: " + name)
	}
	return excused, lines.Err()
}
