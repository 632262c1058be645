package spool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/spool"
)

// by tells entries of one person.
func by(person string) func(spool.Entry) bool {
	return func(e spool.Entry) bool { return strings.HasPrefix(string(e.Body), person+" ") }
}

// contains says whether any file of a folder has a text in it.
func contains(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the folder has %v, %v", files, err)
	}
	return slices.ContainsFunc(files, func(path string) bool {
		all, err := os.ReadFile(path)
		return err == nil && bytes.Contains(all, []byte(text))
	})
}

// setAside spools webhooks of two people, of which the first's can never be stored.
func setAside(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s := open(t, dir)
	d := &database{away: true}
	for _, body := range []string{"ana zebra-azul", "bia girafa-verde", "caio foca-roxa"} {
		if spooled, err := webhook(t.Context(), s, d, body); err != nil || !spooled {
			t.Fatalf("webhook(%q) = %v, %v, want it spooled", body, spooled, err)
		}
	}
	d.set(func() {
		d.away, d.refuse = false, map[string]error{"ana zebra-azul": fault.New(fault.Invalid, "no"), "bia girafa-verde": fault.New(fault.Invalid, "no")}
	})
	s.Start(t.Context(), d.forwarding())
	until(t, func() bool { return s.State().Dead == 2 && s.State().Waiting == 0 })
	return s
}

func until(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited 20 s")
		}
	}
}

// What is dropped leaves no byte, and the rest stays.
func TestDrop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := setAside(t, dir)
	if n, err := s.Drop(t.Context(), time.Time{}, by("nobody")); n != 0 || err != nil {
		t.Errorf("Drop of nobody = %d, %v, want 0", n, err)
	}
	if !contains(t, dir, "zebra-azul") {
		t.Fatal("before Drop the file has no webhook: the test would prove nothing")
	}
	if n, err := s.Drop(t.Context(), time.Time{}, by("ana")); n != 1 || err != nil || s.State().Dead != 1 {
		t.Errorf("Drop = %d, %v with %d left, want 1 with 1 left", n, err, s.State().Dead)
	}
	if contains(t, dir, "zebra-azul") || !contains(t, dir, "girafa-verde") {
		t.Error("after Drop the bytes of what was dropped are there, or those of another are not")
	}
	if contains(t, dir, "foca-roxa") {
		t.Error("the bytes of what the database has are still there")
	}
	if n, err := s.Drop(t.Context(), time.Now().Add(-time.Hour), by("nobody")); n != 0 || err != nil {
		t.Errorf("Drop of what is older than an hour = %d, %v, want 0", n, err)
	}
	if n, err := s.Drop(t.Context(), time.Now().Add(time.Hour), by("nobody")); n != 1 || err != nil || s.State().Dead != 0 {
		t.Errorf("Drop of what is old = %d, %v with %d left, want 1 with none left", n, err, s.State().Dead)
	}
}

// A command purges what no server has open, and says when one has.
func TestPurge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := setAside(t, dir)
	if n, held, err := spool.Purge(t.Context(), dir, by("ana")); n != 0 || !held || err != nil {
		t.Errorf("Purge beside a server = %d, held %v, %v, want 0 and held", n, held, err)
	}
	stop(t, s)
	if n, held, err := spool.Purge(t.Context(), dir, by("ana")); n != 1 || held || err != nil {
		t.Errorf("Purge = %d, held %v, %v, want 1", n, held, err)
	}
	if contains(t, dir, "zebra-azul") || !contains(t, dir, "girafa-verde") {
		t.Error("after Purge the bytes of what was dropped are there, or those of another are not")
	}
}
