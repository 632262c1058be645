package staging

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// program is the built binary with its environment.
type program struct {
	t    *testing.T
	path string
	env  []string
}

func (p *program) build(ctx context.Context) error {
	p.path = filepath.Join(p.t.TempDir(), "secretaria")
	if runtime.GOOS == "windows" {
		p.path += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", p.path, "./cmd/secretaria")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// run runs a command to its end and returns what it printed. Each runs in an empty folder:
// there is no .env and no secretaria.yaml of somebody's.
func (p *program) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 60*time.Second, errors.New("no end within a minute"))
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir, cmd.Env = p.t.TempDir(), p.env
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("secretaria %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}

// process is a serve that runs.
type process struct {
	url   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has been waited for
	err   error         // of Wait; read after ended

	mu    sync.Mutex
	lines []string
}

// serve starts a server on a free port and returns when it serves.
func (p *program) serve(args ...string) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &process{cmd: exec.Command(p.path, append([]string{"serve"}, args...)...), ended: make(chan struct{})}
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = p.t.TempDir(), p.env, w, w
	err = s.cmd.Start()
	w.Close() // the process has its own
	if err != nil {
		r.Close()
		return nil, err
	}
	port := make(chan int, 1)
	go func() {
		defer close(s.ended)
		defer r.Close()
		s.read(r, port)
		s.err = s.cmd.Wait()
	}()
	p.t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it has mostly ended by itself
		<-s.ended
	})
	select {
	case n := <-port:
		s.url = fmt.Sprintf("http://127.0.0.1:%d", n)
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("serve %s ended at once: %w\n%s", strings.Join(args, " "), s.err, s.tail())
	case <-time.After(30 * time.Second):
		return nil, fmt.Errorf("serve %s does not serve\n%s", strings.Join(args, " "), s.tail())
	}
}

func (s *process) read(r io.Reader, port chan<- int) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.mu.Lock()
		s.lines = append(s.lines, lines.Text())
		s.mu.Unlock()
		var line struct {
			Msg  string
			Port int
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			port <- line.Port
		}
	}
}

// tail is the end of its log.
func (s *process) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines[max(0, len(s.lines)-10):], "\n")
}

// stop asks it to end, and checks that it does so in good order.
func (s *process) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
		if s.err != nil {
			return fmt.Errorf("after SIGTERM: %w\n%s", s.err, s.tail())
		}
		return nil
	case <-time.After(15 * time.Second):
		return errors.New("still there 15 s after SIGTERM")
	}
}
