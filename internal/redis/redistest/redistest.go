// Package redistest gives tests a Redis of their own.
//
// Start runs a private server in a temporary folder and on a free loopback port; it ends with
// the test, or with the test binary, however that ends. It can be stopped and started again
// on the same port meanwhile. URL is for tests that disturb nobody: they share one server,
// the one of TEST_REDIS_URL where that is set. Where there is no server program, tests are
// skipped and told how to get it.
package redistest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// Env names the variable with the URL of a server to use instead of a private one. Tests
// write keys with random names below "secretaria:" into its database.
const Env = "TEST_REDIS_URL"

// databases is how many the shared private server has: one for each test.
const databases = 1000

// errMissing says that there is nothing to start.
var errMissing = errors.New("no Redis server program found: apt-get install redis-tools, or set " + Env)

var shared = sync.OnceValues(func() (*shelf, error) {
	if u := os.Getenv(Env); u != "" {
		return &shelf{given: u}, nil
	}
	s, err := start("")
	return &shelf{server: s}, err
})

// shelf is a server with a database for everybody.
type shelf struct {
	given  string
	server *Server
	next   atomic.Int64
}

// URL returns the URL of a database that no other test uses, or of the server in
// TEST_REDIS_URL. The test is skipped where there is no server.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	check(t, err)
	if s.given != "" {
		return s.given
	}
	return s.server.URL + "/" + strconv.FormatInt(s.next.Add(1)%databases, 10)
}

func check(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start Redis: %v", err)
	}
}

// Server is a private server.
type Server struct {
	// URL is its address, with the password where it has one.
	URL string
	// Addr is its host and port.
	Addr string

	program, password string

	mu   sync.Mutex
	hold io.Closer // the server runs until this is closed
	cmd  *exec.Cmd
}

// Start starts a server for one test that means to disturb it, and stops it with the test.
// password may be empty.
func Start(t testing.TB, password string) *Server {
	t.Helper()
	s, err := start(password)
	check(t, err)
	t.Cleanup(s.Stop)
	return s
}

// Stop kills the server, so that its port refuses connections, and forgets what it held.
// A second call does nothing.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.hold.Close()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Restart starts a stopped server on its port, empty.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return
	}
	if err := s.serve(); err != nil {
		t.Fatalf("start Redis again: %v", err)
	}
}

// Client returns a plain client for looking at what the server holds, closed with the test.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal("the URL of the test's Redis is none") // its own words would quote it
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func start(password string) (*Server, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	// The port may be taken between our looking and the server's listening.
	for range 3 {
		s := &Server{program: program, password: password}
		if s.Addr, err = freeAddr(); err != nil {
			return nil, err
		}
		u := url.URL{Scheme: "redis", Host: s.Addr}
		if password != "" {
			u.User = url.UserPassword("", password)
		}
		s.URL = u.String()
		if err = s.serve(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// find looks for the server. Debian's redis-tools has it under another name: the program
// that checks files is the server, and goes by how it is called.
func find() (string, error) {
	for _, name := range []string{"redis-server", "redis-check-rdb", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errMissing
}

// guard runs the server and waits for its own input to end, which happens when the test
// binary ends, even by a signal. Then it kills the server, by its id, and tidies up.
const guard = `"$@" & server=$!
read -r line
kill -KILL "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$0"`

func (s *Server) serve() error {
	dir, err := os.MkdirTemp("", "redistest-")
	if err != nil {
		return err
	}
	// Called by this name it serves.
	program := filepath.Join(dir, "redis-server")
	if err := os.Symlink(s.program, program); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	args := []string{"-c", guard, dir, program, "--port", port, "--bind", host, "--dir", dir, "--save", "", "--appendonly", "no",
		"--daemonize", "no", "--databases", strconv.Itoa(databases), "--logfile", filepath.Join(dir, "log"), "--loglevel", "warning"}
	if s.password != "" {
		args = append(args, "--requirepass", s.password)
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir = dir
	cmd.SysProcAttr = apart()
	hold, err := cmd.StdinPipe()
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.await(); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "log"))
		_ = hold.Close()
		_ = cmd.Wait()
		return fmt.Errorf("%w: %s", err, said)
	}
	s.cmd, s.hold = cmd, hold
	return nil
}

// await waits until the server answers.
func (s *Server) await() error {
	logging.Disable() // the library writes to stderr that nobody listens yet
	o, err := redis.ParseURL(s.URL)
	if err != nil {
		return err
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	c := redis.NewClient(o)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		err := c.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Password is a password nobody guesses, with characters that a URL has to write differently.
func Password() string { return rand.Text() + "@/:#é" }
