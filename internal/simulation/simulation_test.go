package simulation

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"secretaria/internal/store/sqlite"
)

var (
	seeds = flag.Int("seeds", 0, "how many seeds to play; 0: 200, or 24 under the race detector")
	races = flag.Int("races", 0, "how many takeovers to race; 0: 2000, or 200 under the race detector")
	first = flag.Uint64("first", 1, "the first seed")
	only  = flag.Uint64("seed", 0, "play this seed alone, and print all that happens")
)

// town is a folder with an empty database to copy.
type town struct {
	dir   string
	empty []byte
	n     atomic.Int64
}

// newTown puts databases into memory where it can: what is simulated here is the order of
// things, and a disk would only be slow.
func newTown(t *testing.T) *town {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "simulation")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "empty.db")
	db, err := sqlite.Open(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	empty, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &town{dir: dir, empty: empty}
}

// database copies the empty database for one life. done removes it.
func (tn *town) database(t *testing.T, seed uint64) (path string, done func()) {
	t.Helper()
	path = filepath.Join(tn.dir, fmt.Sprintf("%d-%d.db", seed, tn.n.Add(1)))
	if err := os.WriteFile(path, tn.empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		for _, end := range []string{"", "-wal", "-shm"} {
			os.Remove(path + end)
		}
	}
}

// play lives one seed to its end.
func (tn *town) play(t *testing.T, seed uint64) (w *world) {
	t.Helper()
	path, done := tn.database(t, seed)
	defer func() {
		done()
		if p := recover(); p != nil {
			panic(fmt.Sprintf("seed %d: %v", seed, p))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if w, err = newWorld(t.Context(), seed, path); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w.live(t.Context())
		if err := w.store.Close(); err != nil {
			t.Errorf("seed %d: Close: %v", seed, err)
		}
	})
	return w
}

// tell says what a life has broken, and how to see it again.
func tell(t *testing.T, w *world) {
	t.Helper()
	if len(w.wrongs) > 0 {
		t.Errorf("seed %d: %s\n\tsee it all: go test ./internal/simulation -run TestSeeds -seed %d -v\n\tkeep it: add it to testdata/seeds.txt", w.seed, strings.Join(w.wrongs, "\n\t"), w.seed)
	}
}

// TestSeeds plays seeds, those that once failed first.
func TestSeeds(t *testing.T) {
	tn := newTown(t)
	if *only != 0 {
		w := tn.play(t, *only)
		t.Log(w.tail(len(w.trail)))
		tell(t, w)
		return
	}
	for _, seed := range known(t) {
		tell(t, tn.play(t, seed))
	}
	n := *seeds
	switch {
	case n > 0:
	case raceDetector:
		n = 24
	default:
		n = 200
	}
	totals := tn.playAll(t, n)
	t.Logf("%d seeds from %d, race detector %v:\n%s", n, *first, raceDetector, table(totals))
	if n >= 1000 {
		checkTotals(t, totals)
	}
}

// playAll plays n seeds, one on each processor at a time, and counts what happened.
func (tn *town) playAll(t *testing.T, n int) map[string]int {
	t.Helper()
	next, failed := atomic.Uint64{}, atomic.Int64{}
	var mu sync.Mutex
	totals := map[string]int{}
	t.Run("lives", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for failed.Load() < 10 {
					k := next.Add(1) - 1
					if k >= uint64(n) {
						return
					}
					w := tn.play(t, *first+k)
					tell(t, w)
					if len(w.wrongs) > 0 {
						failed.Add(1)
					}
					mu.Lock()
					for what, times := range w.counts {
						totals[what] += times
					}
					mu.Unlock()
				}
			})
		}
	})
	return totals
}

// TestSameSeedSameLife: a failure can be looked at again.
func TestSameSeedSameLife(t *testing.T) {
	tn := newTown(t)
	lives := uint64(max(12, *seeds/100))
	if raceDetector {
		lives = 3
	}
	for seed := range lives {
		a, b := tn.play(t, *first+seed), tn.play(t, *first+seed)
		if a.trace() == b.trace() {
			continue
		}
		for i := range min(len(a.trail), len(b.trail)) {
			if a.trail[i] != b.trail[i] {
				t.Errorf("seed %d differs at line %d:\n%s\n%s", a.seed, i, a.trail[i], b.trail[i])
				break
			}
		}
	}
}

// checkTotals: a simulation in which nothing goes wrong proves nothing, and one in which
// everything goes to people proves little.
func checkTotals(t *testing.T, totals map[string]int) {
	t.Helper()
	want := []string{
		"message left to a person", "message not acknowledged", "duplicate", "echo lost", "webhook doubled", "webhook late", "webhook failed", "opened by the helpdesk",
		"person speaks", "person opens", "person is assigned", "person resolves", "person hands back", "operator hands back", "customer wants no more",
		"thought given up", "decision replied", "decision handed_over", "decision model_failed", "decision before the newest messages",
		"woken", "model silent", "model empty", "model fails", "model hands over", "job lost", "job late", "job doubled",
		"attempt sent", "attempt retry", "attempt failed", "attempt uncertain", "attempt unknown", "attempt absent", "repeat", "blind repeat heard",
		"reconciled: arrived", "reconciled: absent", "helpdesk late", "helpdesk deaf", "helpdesk deaf after storing", "helpdesk error after storing", "helpdesk error before storing",
		"helpdesk reset after storing", "helpdesk refused", "helpdesk rate limited", "helpdesk not accepted", "helpdesk does not tell",
		"model starts a workflow", "workflow answers", "workflow only starts", "workflow fails", "workflow unreachable", "workflow rate limited", "workflow inactive", "workflow answer lost",
		"workflow request lost", "workflow silent", "workflow silent after it ran", "callback taken", "callback refused", "callback lost", "engine tells", "engine cannot tell", "engine does not tell",
		"news answered", "news left to people by its answer", "news for people", "note of a workflow", "death with a call on the wire",
		"outage", "stop", "death killed", "death while the model thinks", "death with a send on the wire",
	}
	for _, f := range []storeFault{refused, lost, slow, slowAnswer, diesBefore, diesAfter, away} {
		want = append(want, "store "+string(f))
	}
	for _, call := range []string{"Receive", "Dispatch", "BeginTurn", "Decide", "ReleaseTurn", "NextDelivery", "FinishAttempt"} {
		want = append(want, "death before "+call, "death after "+call)
	}
	for _, what := range want {
		if totals[what] == 0 {
			t.Errorf("%q never happened", what)
		}
	}
	if got, of := totals["message answered"], totals["message acknowledged"]; got < of/2 {
		t.Errorf("%d of %d acknowledged messages were answered, want at least half", got, of)
	}
}

func table(totals map[string]int) string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(totals)) {
		fmt.Fprintf(&b, "%8d %s\n", totals[what], what)
	}
	return b.String()
}

// known are the seeds that once failed.
func known(t *testing.T) []uint64 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "seeds.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []uint64
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds.txt: %v", err)
		}
		out = append(out, seed)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
