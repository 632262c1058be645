package spool_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"secretaria/internal/spool"
)

// killDir tells the test binary that it is the child that is going to be killed.
const killDir = "SECRETARIA_TEST_KILL_SPOOL"

// What was acknowledged survives a process that is killed in the middle of spooling.
func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a process")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("Executable: %v", err)
	}
	cmd := exec.Command(self, "-test.run=^TestKilledChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("StdoutPipe: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	kept := map[string]bool{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if body, ok := strings.CutPrefix(lines.Text(), "kept "); ok {
			kept[body] = true
		}
		if len(kept) == 300 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatalf("Kill: %v", err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(kept) < 300 {
		t.Fatalf("the child kept %d webhooks, want 300", len(kept))
	}
	s, d := open(t, dir), &database{}
	s.Start(t.Context(), d.forwarding())
	eventually(t, "the spool runs empty", func() bool { return s.State() == spool.State{} })
	for _, body := range d.all() {
		delete(kept, body)
	}
	if len(kept) > 0 {
		t.Errorf("lost after they were kept: %v", kept)
	}
	for p := range 4 {
		got := d.of(fmt.Sprint("p", p))
		for i, text := range got {
			if text != fmt.Sprint(i) {
				t.Errorf("p%d's were stored as %q, want them in order", p, got)
				break
			}
		}
	}
}

// TestKilledChild is no test: it keeps webhooks until it is killed.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("only in the process that TestKilled starts")
	}
	s := open(t, dir)
	var said sync.Mutex
	var all sync.WaitGroup
	for p := range 4 {
		all.Go(func() {
			for i := range 1_000_000 {
				body := fmt.Sprintf("p%d %d", p, i)
				if err := s.Enter().Keep(t.Context(), entry(body), nil); err != nil {
					return
				}
				said.Lock()
				fmt.Println("kept " + body)
				said.Unlock()
			}
		})
	}
	all.Wait()
}
