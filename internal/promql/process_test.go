package promql

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// The test builds the program with the go command, which the cache of test results does
	// not see. This import makes a result old as soon as the program changes.
	_ "secretaria/internal/command"
)

// patience is how long the tests wait for what takes a moment.
const patience = 60 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// installed is where a program of the Prometheus package is; without it the test is skipped.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here (Debian: prometheus)", name)
	}
	return path
}

// build builds the program as it is shipped.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secretaria")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "./cmd/secretaria")
	cmd.Dir, cmd.Env = top, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// process is a program that runs until the test ends.
type process struct {
	mu    sync.Mutex
	lines []string
}

// start starts a program in an empty folder and waits until it has said, in a line of JSON,
// what ready looks for; ready returns "" for all other lines.
func start(t *testing.T, cmd *exec.Cmd, ready func(line map[string]any) string) string {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close() // the process has its own
	must(t, err)
	p, told, ended := &process{}, make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		defer r.Close()
		p.read(r, ready, told)
		_ = cmd.Wait() // whoever waits reads its lines
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said at last:\n%s", filepath.Base(cmd.Path), p.tail())
		}
	})
	select {
	case said := <-told:
		return said
	case <-ended:
		t.Fatalf("%s ended at once:\n%s", filepath.Base(cmd.Path), p.tail())
	case <-time.After(patience):
		t.Fatalf("%s is not ready:\n%s", filepath.Base(cmd.Path), p.tail())
	}
	return ""
}

func (p *process) read(r io.Reader, ready func(map[string]any) string, told chan<- string) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		p.mu.Unlock()
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		if said := ready(line); said != "" {
			select {
			case told <- said:
			default: // the first counts
			}
		}
	}
}

// tail is the end of what it wrote.
func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines[max(0, len(p.lines)-15):], "\n")
}

// serving is the address in the start line of our program.
func serving(line map[string]any) string {
	if line["msg"] != "serving" {
		return ""
	}
	return fmt.Sprintf("127.0.0.1:%.0f", line["port"])
}
