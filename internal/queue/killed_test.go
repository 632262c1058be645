package queue_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"secretaria/internal/job"
	"secretaria/internal/queue"
)

// killFile tells the test binary that it is the child that is going to be killed.
const killFile = "SECRETARIA_TEST_KILL_FILE"

const killedWorkers = 4

// A process that was killed leaves its jobs "running", as many as it had workers; they
// must not be in the way of the next one, nor may their conversations wait.
func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a process")
	}
	path := fresh(t)
	kill(t, path)
	b := build(t, path, queue.Config{Workers: killedWorkers, Sweep: 20 * time.Millisecond})
	if n := b.jobs(t, "state = 'running'"); n != killedWorkers {
		t.Errorf("%d jobs were left running, want %d", n, killedWorkers)
	}
	if err := b.s.Recover(t.Context(), time.Now()); err != nil {
		t.Fatalf("Recover: %v", err)
	}
	b.write(t, 1000, 0)
	// Jobs that the dead process had inserted and not begun come too, with a fence that is old.
	b.answersAll(t, 2*killedWorkers+1)
}

func kill(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("Executable: %v", err)
	}
	cmd := exec.Command(self, "-test.run=^TestKilledChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), killFile+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("StdoutPipe: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	defer func() { _ = cmd.Wait() }()
	running := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "running" {
			running++
		} else {
			t.Logf("child: %s", lines.Text())
		}
		if running == killedWorkers {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatalf("Kill: %v", err)
			}
			running++
		}
	}
	if running <= killedWorkers {
		t.Fatalf("child ended with %d jobs running, want %d", running, killedWorkers)
	}
}

// TestKilledChild is the child of TestKilled: all of its workers hang until it is killed.
func TestKilledChild(t *testing.T) {
	path := os.Getenv(killFile)
	if path == "" {
		t.Skip("is the child of TestKilled")
	}
	b := build(t, path, queue.Config{Workers: killedWorkers, SoftStop: time.Millisecond})
	for n := range 2 * killedWorkers {
		b.write(t, n, 0)
	}
	b.start(t, queue.Handlers{Turn: func(ctx context.Context, j job.Turn) error {
		_, err := b.s.BeginTurn(ctx, j, time.Now(), long, 10)
		if err != nil {
			return err
		}
		_, _ = os.Stdout.WriteString("running\n")
		<-ctx.Done()
		return ctx.Err()
	}})
	select {}
}
