package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
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

const secretText = "bench-signing-secret"

// build makes the binary once for a run, unless it is given one to measure.
var build = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("BENCH_BINARY"); given != "" {
		return filepath.Abs(given)
	}
	path := filepath.Join(folder, "secretaria")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "secretaria/cmd/secretaria")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// process is a running server of ours.
type process struct {
	cmd     *exec.Cmd
	addr    string
	started time.Duration // from exec to the first healthy answer
	ended   bool
	log     string
}

// serve starts the binary with nothing but the given environment, in a folder of its own.
// role is web, worker or "" for both. It stops with b, or before.
func serve(b *testing.B, role string, env ...string) *process {
	b.Helper()
	path, err := build()
	if err != nil {
		b.Fatal(err)
	}
	args := []string{"serve"}
	if role != "" {
		args = append(args, "--role", role)
	}
	port := freePort(b)
	return launch(b, "127.0.0.1:"+port, path, args, append([]string{"APP_HOST=127.0.0.1", "APP_PORT=" + port, "SHARED_SECRET=" + secretText,
		"CHATWOOT_WEBHOOK_SECRET=" + secretText, "WEBHOOK_RATE_LIMIT_NUMBER=0", "RATE_LIMIT_REQUESTS=0"}, env...))
}

// quiet keeps turns out of what is measured.
func quiet(database string) []string {
	return []string{"TURN_QUIET=1h", "TURN_QUIET_MAX=2h", "DATABASE_URL=" + database}
}

// launch starts a program and waits until it is healthy.
func launch(b *testing.B, addr, path string, args, env []string) *process {
	b.Helper()
	dir := b.TempDir()
	p := &process{cmd: exec.Command(path, args...), addr: addr, log: filepath.Join(dir, "log")}
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	log, err := os.Create(p.log)
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	begun := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.stop(b) })
	ctx, cancel := context.WithTimeout(b.Context(), 60*time.Second)
	defer cancel()
	for !p.healthy(ctx) {
		if ctx.Err() != nil {
			b.Fatalf("%s is not healthy\n%s", filepath.Base(path), p.tail())
		}
		<-time.After(time.Millisecond) // across processes there is no event to wait for
	}
	p.started = time.Since(begun)
	return p
}

// stop ends the process in good order. A second call does nothing.
func (p *process) stop(b *testing.B) {
	if p.ended {
		return
	}
	p.ended = true
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	hang := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer hang.Stop()
	if err := p.cmd.Wait(); err != nil {
		b.Errorf("%s ended with %v\n%s", filepath.Base(p.cmd.Path), err, p.tail())
	}
}

func (p *process) tail() string {
	out, _ := os.ReadFile(p.log)
	return string(out[max(0, len(out)-4000):])
}

func (p *process) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/api/v1/health", nil)
	if err != nil {
		return false
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
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

// stat is what the kernel says about a process.
type stat struct {
	parent int
	own    time.Duration // processor time, in steps of 10 ms
	ended  time.Duration // that of children who have ended and were waited for
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The name in brackets may hold blanks. After it: state, parent, …; times are fields 14 to 17.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var v [5]int64
	for i, field := range []int{1, 11, 12, 13, 14} {
		if v[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return stat{}, fmt.Errorf("read /proc stat: %w", err)
		}
	}
	const tick = 10 * time.Millisecond
	return stat{parent: int(v[0]), own: time.Duration(v[1]+v[2]) * tick, ended: time.Duration(v[3]+v[4]) * tick}, nil
}

// cpu is the processor time that the process has used.
func (p *process) cpu() time.Duration {
	s, err := readStat(p.cmd.Process.Pid)
	if err != nil {
		return 0
	}
	return s.own
}

// ownCPU is the processor time of this process: generator and fake peers.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineCPU is the processor time of everything on the machine since it started, what a
// hypervisor took from it included.
func machineCPU() time.Duration {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	// cpu user nice system idle iowait irq softirq steal …
	fields := strings.Fields(strings.SplitN(string(raw), "\n", 2)[0])
	var sum int64
	for i, f := range fields {
		if v, err := strconv.ParseInt(f, 10, 64); err == nil && i != 4 && i != 5 && i < 9 {
			sum += v
		}
	}
	return time.Duration(sum) * 10 * time.Millisecond
}

// forgetPeak makes the highest resident size start again from what it is now.
func (p *process) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0o200)
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

func goVersion() string {
	return runtime.Version() + ", GOMAXPROCS " + strconv.Itoa(runtime.GOMAXPROCS(0))
}

func cores() string { return strconv.Itoa(runtime.NumCPU()) + " cores" }

// revision is the commit that is measured, with a plus where files have changed since.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty=+", "--exclude=*").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
