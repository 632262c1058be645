package crash

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	// The test builds the program with the go command, which the cache of test results does
	// not see. This import makes a result old as soon as the program changes.
	_ "secretaria/internal/command"
)

// program is the built binary.
type program struct {
	path string

	mu    sync.Mutex
	lines []string // everything that its processes wrote, whole lines only
}

// built is the one program of all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "crash-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "secretaria")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	// As it is shipped: without cgo, and without the race detector that this test itself
	// may run under.
	cmd := exec.Command("go", "build", "-o", path, "./cmd/secretaria")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{err, out}
	}
	return path, nil
})

type buildError struct {
	err error
	out []byte
}

func (e *buildError) Error() string { return "build: " + e.err.Error() + "\n" + string(e.out) }

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is one run of serve.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has been waited for
	err    error         // of Wait; read after ended
	killed bool
	// killedAt is when it was killed, in Unix nanoseconds; 0 while it was not.
	killedAt atomic.Int64
}

// serve starts the program and waits until it says that it serves, on the port it was told.
func (p *program) serve(t *testing.T, dir string, env []string, port int, args ...string) *process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run := &process{cmd: exec.Command(p.path, append([]string{"serve"}, args...)...), ended: make(chan struct{})}
	run.cmd.Dir, run.cmd.Env, run.cmd.Stdout, run.cmd.Stderr = dir, env, w, w
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
	case <-time.After(20 * time.Second):
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
		if !strings.Contains(line, `"serving"`) {
			continue
		}
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
	r.killedAt.Store(time.Now().UnixNano())
	_ = r.cmd.Process.Kill() // it may have ended by itself
	<-r.ended
}

// stop ends the process in good order.
func (r *process) stop(t *testing.T) {
	t.Helper()
	if r.killed {
		return
	}
	r.killed = true
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	select {
	case <-r.ended:
		if r.err != nil {
			t.Errorf("after SIGTERM serve ended with %v, want exit code 0", r.err)
		}
	case <-time.After(10 * time.Second):
		t.Error("SIGTERM did not end serve within 10 s")
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
}

// run runs another command of the program beside the servers and returns what it prints.
func (p *program) run(t *testing.T, dir string, env []string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir, cmd.Env = dir, env
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
func (p *program) checkLog(t *testing.T, forbidden []string) {
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
