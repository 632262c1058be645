package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/spool"
	"secretaria/internal/store"
)

// While the database works nothing touches the disk.
func TestDirect(t *testing.T) {
	t.Parallel()
	s, d := open(t, t.TempDir()), &database{}
	s.Start(t.Context(), d.forwarding())
	for _, text := range numbered(3) {
		if spooled, err := webhook(t.Context(), s, d, "ana "+text); spooled || err != nil {
			t.Errorf("webhook = spooled %v, %v, want it stored", spooled, err)
		}
	}
	if got := s.State(); got != (spool.State{}) {
		t.Errorf("State = %+v, want nothing", got)
	}
	if got := d.of("ana"); !slices.Equal(got, numbered(3)) {
		t.Errorf("stored %q", got)
	}
}

// An outage: everything is spooled, and stored in order once the database is back, and what
// comes afterwards goes to the database.
func TestOutage(t *testing.T) {
	t.Parallel()
	s, d := open(t, t.TempDir()), &database{away: true}
	s.Start(t.Context(), d.forwarding())
	people := []string{"ana", "bia", "caio"}
	for _, text := range numbered(20) {
		for _, p := range people {
			if spooled, err := webhook(t.Context(), s, d, p+" "+text); !spooled || err != nil {
				t.Fatalf("webhook during the outage = spooled %v, %v, want it spooled", spooled, err)
			}
		}
	}
	state := s.State()
	if state.Waiting != 60 || !state.Holding || state.Oldest.IsZero() || time.Since(state.Oldest) < 0 {
		t.Errorf("State during the outage = %+v, want 60 waiting and the oldest's age", state)
	}
	d.set(func() { d.away = false })
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	for _, p := range people {
		if diff := cmp.Diff(numbered(20), d.of(p)); diff != "" {
			t.Errorf("%s (-said +stored):\n%s", p, diff)
		}
	}
	if spooled, err := webhook(t.Context(), s, d, "ana 20"); spooled || err != nil {
		t.Errorf("webhook after the outage = spooled %v, %v, want it stored", spooled, err)
	}
}

// Under load that does not pause, and with a database that comes and goes, nobody's messages
// are lost, doubled or out of order, and the spool runs empty while the load goes on.
func TestSteadyLoad(t *testing.T) {
	t.Parallel()
	s, d := open(t, t.TempDir()), &database{}
	s.Start(t.Context(), d.forwarding())
	const people = 16
	said := make([]int, people)
	quit := make(chan struct{})
	var all sync.WaitGroup
	for p := range people {
		all.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				if _, err := webhook(t.Context(), s, d, fmt.Sprintf("p%d %d", p, said[p])); err != nil {
					t.Errorf("webhook: %v", err)
					return
				}
				said[p]++
			}
		})
	}
	for range 5 {
		d.set(func() { d.away = true })
		eventually(t, "an outage is noticed", func() bool { return s.State().Waiting > 20 })
		d.set(func() { d.away = false })
		eventually(t, "the spool runs empty under load", func() bool { return !s.State().Holding })
	}
	close(quit)
	all.Wait()
	eventually(t, "the spool runs empty", func() bool { return !s.State().Holding })
	for p := range people {
		if diff := cmp.Diff(numbered(said[p]), d.of(fmt.Sprintf("p%d", p))); diff != "" {
			t.Errorf("p%d (-said +stored):\n%s", p, diff)
		}
	}
}

// A webhook that tries the database when others are spooled already may be older than they:
// the forwarder waits for it.
func TestForwarderWaitsForThoseUnderWay(t *testing.T) {
	t.Parallel()
	s, d := open(t, t.TempDir()), &database{}
	s.Start(t.Context(), d.forwarding())
	first := s.Enter()
	second := s.Enter()
	if !first.Direct() || !second.Direct() {
		t.Fatal("Enter while the database works: not direct")
	}
	if err := second.Keep(t.Context(), entry("ana 1"), errAway); err != nil {
		t.Fatalf("Keep: %v", err)
	}
	if third := s.Enter(); third.Direct() {
		t.Error("Enter while something is spooled: direct")
	} else {
		third.Leave()
	}
	d.set(func() {
		if d.probes > 0 {
			t.Error("the forwarder began while a webhook was trying the database")
		}
	})
	if err := first.Keep(t.Context(), entry("ana 0"), errAway); err != nil {
		t.Fatalf("Keep: %v", err)
	}
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	if diff := cmp.Diff(numbered(2), d.of("ana")); diff != "" {
		t.Errorf("in order of arrival (-want +stored):\n%s", diff)
	}
}

// What one process has left, the next one forwards, before anything new.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := open(t, dir)
	received := time.Now().Add(-time.Hour)
	e := entry("ana 0")
	e.Received, e.Fallback = received, []byte{1, 0, 2}
	if err := before.Enter().Keep(t.Context(), e, errAway); err != nil {
		t.Fatalf("Keep: %v", err)
	}
	stop(t, before)
	if !spool.Used(dir) {
		t.Error("Used = false, want true")
	}
	s, d := open(t, dir), &database{}
	if got := s.State(); got.Waiting != 1 || !got.Holding || !got.Oldest.Equal(received) {
		t.Errorf("State at the next start = %+v, want one waiting since %v", got, received)
	}
	if spooled, err := webhook(t.Context(), s, d, "ana 1"); !spooled || err != nil {
		t.Errorf("webhook = spooled %v, %v, want it behind what waits", spooled, err)
	}
	var got spool.Entry
	f := d.forwarding()
	read := f.Read
	f.Read = func(e spool.Entry) (store.Arrival, error) {
		if string(e.Body) == "ana 0" {
			got = e
		}
		return read(e)
	}
	s.Start(t.Context(), f)
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	if diff := cmp.Diff(numbered(2), d.of("ana")); diff != "" {
		t.Errorf("(-want +stored):\n%s", diff)
	}
	if got.Channel != e.Channel || got.Inbox != e.Inbox || got.Correlation != e.Correlation || !got.Received.Equal(received) || !slices.Equal(got.Fallback, e.Fallback) || got.Late {
		t.Errorf("read %+v, want what was spooled: %+v", got, e)
	}
}

// Processes share a folder, each with a file of its own, and take over what one has left
// that is gone.
func TestProcessesShareAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := open(t, dir), open(t, dir)
	keep(t, one, "ana 0")
	keep(t, two, "bia 0")
	d := &database{}
	two.Start(t.Context(), d.forwarding())
	eventually(t, "the second runs empty", func() bool { return two.State() == spool.State{} })
	if diff := cmp.Diff([]string{"bia 0"}, d.all()); diff != "" {
		t.Errorf("the second forwards its own (-want +stored):\n%s", diff)
	}
	stop(t, one)
	stop(t, two)
	// The next takes the first's file, and the one after it has the second's.
	three := open(t, dir)
	four := open(t, dir)
	keep(t, four, "caio 0")
	stop(t, three)
	stop(t, four)
	five, d := open(t, dir), &database{}
	if got := five.State(); got.Waiting != 2 {
		t.Errorf("State = %+v, want what both have left", got)
	}
	five.Start(t.Context(), d.forwarding())
	eventually(t, "everything is forwarded", func() bool { return five.State() == spool.State{} })
	got := d.all()
	slices.Sort(got)
	if diff := cmp.Diff([]string{"ana 0", "caio 0"}, got); diff != "" {
		t.Errorf("(-want +stored):\n%s", diff)
	}
}

// What can never be stored is set aside and blocks nobody; the next start tries it again,
// and says that it is late.
func TestSetAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d := open(t, dir), &database{away: true, refuse: map[string]error{"ana 0": fault.New(fault.NotFound, "gone")}, broken: map[string]error{"bia 0": fault.New(fault.Invalid, "constraint")}}
	for _, body := range []string{"ana 0", "panic", "ana 1", "bia 0", "bia 1"} {
		keep(t, s, body)
	}
	d.set(func() { d.away = false })
	s.Start(t.Context(), d.forwarding())
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{Dead: 3} })
	got := d.all()
	slices.Sort(got)
	if diff := cmp.Diff([]string{"ana 1", "bia 1"}, got); diff != "" {
		t.Errorf("(-want +stored):\n%s", diff)
	}
	stop(t, s)
	next, d := open(t, dir), &database{}
	if got := next.State(); got.Waiting != 3 || got.Dead != 0 {
		t.Errorf("State at the next start = %+v, want the dead to be tried again", got)
	}
	f := d.forwarding()
	read := f.Read
	f.Read = func(e spool.Entry) (store.Arrival, error) {
		if !e.Late {
			t.Errorf("Read(%q): not late", e.Body)
		}
		return read(e)
	}
	next.Start(t.Context(), f)
	eventually(t, "the spool runs empty", func() bool { return next.State() == spool.State{Dead: 1} })
	if diff := cmp.Diff([]string{"ana 0", "bia 0"}, slices.Sorted(slices.Values(d.all()))); diff != "" {
		t.Errorf("(-want +stored):\n%s", diff)
	}
}

// A conversation that cannot be stored for now holds up nobody else.
func TestOneWaitsAlone(t *testing.T) {
	t.Parallel()
	s, d := open(t, t.TempDir()), &database{broken: map[string]error{"ana 0": errAway}}
	for _, body := range []string{"ana 0", "bia 0", "ana 1", "bia 1"} {
		keep(t, s, body)
	}
	s.Start(t.Context(), d.forwarding())
	eventually(t, "the others are forwarded", func() bool { return s.State().Waiting == 2 })
	if diff := cmp.Diff([]string{"bia 0", "bia 1"}, d.all()); diff != "" {
		t.Errorf("(-want +stored):\n%s", diff)
	}
	d.set(func() { clear(d.broken) })
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	if diff := cmp.Diff(numbered(2), d.of("ana")); diff != "" {
		t.Errorf("(-want +stored):\n%s", diff)
	}
}

// Different people are stored side by side, so that they share the database's commits.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	s, d := open(t, t.TempDir()), &database{gate: make(chan struct{}), entered: make(chan string)}
	for i := range 40 {
		keep(t, s, fmt.Sprintf("p%d 0", i%20))
	}
	s.Start(t.Context(), d.forwarding())
	for range 20 {
		<-d.entered
	}
	d.set(func() { d.entered = nil })
	close(d.gate)
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	if d.most != 20 {
		t.Errorf("%d steps at the same time, want one for each of 20 people", d.most)
	}
}

// A full spool stores nothing and says so; forwarding makes room.
func TestFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := spool.Open(t.Context(), spool.Config{Dir: dir, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { stop(t, s) })
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check of an empty spool: %v", err)
	}
	body := strings.Repeat("x", 20_000)
	kept := 0
	for ; kept < 1000; kept++ {
		if err = s.Enter().Keep(t.Context(), entry(fmt.Sprintf("p%d %s", kept, body)), errAway); err != nil {
			break
		}
	}
	if !errors.Is(err, spool.ErrFull) || kept < 30 || kept > 52 {
		t.Fatalf("Keep failed with %v after %d times 20 kB, want ErrFull at a megabyte", err, kept)
	}
	if got := s.State(); got.Waiting != kept {
		t.Errorf("State = %+v, want the %d that were kept", got, kept)
	}
	if err := s.Check(t.Context()); !errors.Is(err, spool.ErrFull) {
		t.Errorf("Check of a full spool = %v, want ErrFull", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "spool-0.db")); err != nil || info.Size() > 1<<20 {
		t.Errorf("the file has %d bytes, want no more than the bound: %v", info.Size(), err)
	}
	d := &database{}
	s.Start(t.Context(), d.forwarding())
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	if got := len(d.all()); got != kept {
		t.Errorf("%d were stored, want the %d that were acknowledged", got, kept)
	}
	keep(t, s, "ana "+body)
}

// A drained spool gives the disk back.
func TestShrinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, d := open(t, dir), &database{}
	body := strings.Repeat("x", 500_000)
	for i := range 30 {
		keep(t, s, fmt.Sprintf("p%d %s", i, body))
	}
	size := func() (n int64) {
		for _, name := range []string{"spool-0.db", "spool-0.db-wal"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	if before := size(); before < 15_000_000 {
		t.Errorf("the files have %d bytes, want what was spooled", before)
	}
	s.Start(t.Context(), d.forwarding())
	eventually(t, "the files are small", func() bool { return size() < 1<<20 })
	if got := len(d.all()); got != 30 {
		t.Errorf("%d were stored, want 30", got)
	}
}

// Nobody is acknowledged when the folder cannot be written to, or is no folder.
func TestFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Open(t.Context(), spool.Config{Dir: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open of a file = %v, want an error that names it", err)
	}
	if spool.Used(path) {
		t.Error("Used = true, want false")
	}
	if err := os.Mkdir(path+"2", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path+"2", "spool-0.db"), []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Open(t.Context(), spool.Config{Dir: path + "2"}); err == nil || !strings.Contains(err.Error(), path+"2") {
		t.Errorf("Open of nonsense = %v, want an error that names the folder", err)
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	stop(t, s)
	stop(t, s)
	pass := s.Enter()
	if err := pass.Keep(t.Context(), entry("ana 0"), errAway); err == nil {
		t.Error("Keep after Stop = nil, want an error")
	}
	if err := pass.Keep(t.Context(), entry("ana 0"), errAway); err == nil {
		t.Error("a second Keep = nil, want an error")
	}
}

// A storm shares its commits.
func BenchmarkKeep(b *testing.B) {
	s, err := spool.Open(b.Context(), spool.Config{Dir: b.TempDir(), MaxBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop(b.Context())
	e := entry("ana " + strings.Repeat("x", 600+rand.IntN(2)))
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Enter().Keep(b.Context(), e, errAway); err != nil {
				b.Error(err)
			}
		}
	})
}
