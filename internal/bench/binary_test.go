package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const secretText = "bench-signing-secret"

// folder holds the binary; TestMain makes and removes it.
var folder string

// build makes the binary once for all benchmarks of a run.
var build = sync.OnceValues(func() (string, error) {
	dir := folder
	path := filepath.Join(dir, "secretaria")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "secretaria/cmd/secretaria")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "secretaria-bench"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// process is a running `secretaria serve`.
type process struct {
	cmd     *exec.Cmd
	addr    string
	started time.Duration // from exec to the first healthy answer
}

// serve starts the binary with nothing but the given environment.
func serve(b *testing.B, env ...string) *process {
	b.Helper()
	path, err := build()
	if err != nil {
		b.Fatal(err)
	}
	port := freePort(b)
	dir := b.TempDir()
	p := &process{cmd: exec.Command(path, "serve"), addr: "127.0.0.1:" + port}
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "APP_HOST=127.0.0.1", "APP_PORT=" + port, "SHARED_SECRET=" + secretText,
		"WEBHOOK_RATE_LIMIT_NUMBER=0", "RATE_LIMIT_REQUESTS=0"}, env...)
	log, err := os.Create(filepath.Join(dir, "serve.log"))
	if err != nil {
		b.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	begun := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		if err := p.cmd.Wait(); err != nil {
			out, _ := os.ReadFile(log.Name())
			b.Errorf("serve ended with %v\n%s", err, tail(out))
		}
		log.Close()
	})
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	for !p.healthy(ctx) {
		if ctx.Err() != nil {
			out, _ := os.ReadFile(log.Name())
			b.Fatalf("serve is not healthy\n%s", tail(out))
		}
		<-time.After(time.Millisecond) // across processes there is no event to wait for
	}
	p.started = time.Since(begun)
	return p
}

func tail(b []byte) []byte { return b[max(0, len(b)-4000):] }

func (p *process) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/api/v1/health", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}

func freePort(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// cpu is the processor time that the process has used.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	// The name in brackets may hold blanks; utime and stime are fields 14 and 15, in ticks of 10 ms.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("read /proc stat: %v %v", err1, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memory is the resident size now and at its highest, in MiB.
func (p *process) memory(b *testing.B) (now, peak float64) {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		name, rest, _ := strings.Cut(sc.Text(), ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kb / 1024
		case "VmHWM":
			peak = kb / 1024
		}
	}
	return now, peak
}
