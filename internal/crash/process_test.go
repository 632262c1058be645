package crash

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the built binary with its environment.
type program struct {
	path string
	dir  string
	env  []string

	mu    sync.Mutex
	lines []string // everything that its processes wrote, whole lines only
}

// build compiles the program as it is shipped: without cgo, and without the race detector
// that this test itself may run under.
func build(t *testing.T) *program {
	t.Helper()
	p := &program{dir: t.TempDir()}
	p.path = filepath.Join(t.TempDir(), "secretaria")
	if runtime.GOOS == "windows" {
		p.path += ".exe"
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, "./cmd/secretaria")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return p
}

// freePort returns a port that nobody listens on at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// process is one run of serve.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has been waited for
	err    error         // of Wait; read after ended
	killed bool
}

// serve starts the program and waits until it says that it serves, on the port it was told.
func (p *program) serve(t *testing.T, port int) *process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run := &process{cmd: exec.Command(p.path, "serve"), ended: make(chan struct{})}
	run.cmd.Dir, run.cmd.Env, run.cmd.Stdout, run.cmd.Stderr = p.dir, p.env, w, w
	err = run.cmd.Start()
	w.Close() // the process has its own
	if err != nil {
		r.Close()
		t.Fatal(err)
	}
	serving := make(chan int, 1)
	go func() {
		defer close(run.ended)
		p.read(r, serving)
		r.Close()
		run.err = run.cmd.Wait()
	}()
	t.Cleanup(run.kill)
	select {
	case told := <-serving:
		if told != port {
			t.Errorf("the start line names port %d, want %d", told, port)
		}
	case <-run.ended:
		t.Fatalf("serve ended at once: %v\n%s", run.err, p.tail(20))
	case <-time.After(10 * time.Second):
		t.Fatalf("serve does not serve\n%s", p.tail(20))
	}
	return run
}

// read keeps what a process writes; the last line of one that was killed may be cut.
func (p *program) read(r io.Reader, serving chan<- int) {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if err != nil {
			return
		}
		p.mu.Lock()
		p.lines = append(p.lines, line)
		p.mu.Unlock()
		var o struct {
			Msg  string
			Port int
		}
		if json.Unmarshal([]byte(line), &o) == nil && o.Msg == "serving" {
			serving <- o.Port
		}
	}
}

// kill ends the process as a power cut would, and waits for it.
func (r *process) kill() {
	if r.killed {
		return
	}
	r.killed = true
	_ = r.cmd.Process.Kill() // it may have ended by itself
	<-r.ended
}

// stop ends the process in good order.
func (r *process) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.ended:
		if r.err != nil {
			t.Errorf("after SIGTERM serve ended with %v, want exit code 0", r.err)
		}
	case <-time.After(10 * time.Second):
		t.Error("SIGTERM did not end serve within 10 s")
	}
}

// run runs another command of the program beside the server and returns what it prints.
func (p *program) run(t *testing.T, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// written is everything that the processes wrote.
func (p *program) written() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

func (p *program) tail(n int) string {
	lines := p.written()
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// checkLog checks what the processes wrote: without a terminal every line of either stream
// is one JSON object, and none holds what a log must not hold.
func (p *program) checkLog(t *testing.T, forbidden ...string) {
	t.Helper()
	for _, line := range p.written() {
		var o struct {
			Time       time.Time
			Level, Msg string
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.Time.IsZero() || o.Level == "" || o.Msg == "" {
			t.Errorf("not a log line with time, level and msg (%v): %s", err, line)
		}
		for _, word := range forbidden {
			if strings.Contains(line, word) {
				t.Errorf("a log line holds %q: %s", word, line)
			}
		}
	}
}

func environment(pairs ...string) []string {
	var out []string
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, fmt.Sprintf("%s=%s", pairs[i], pairs[i+1]))
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }
