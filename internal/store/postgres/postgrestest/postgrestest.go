// Package postgrestest gives tests a PostgreSQL of their own.
//
// Where TEST_POSTGRES_URL is set, that server is used. Otherwise the server programs of the
// distribution start a private one, once for each test binary, in a temporary folder and on
// a free loopback port; it ends with the test binary, however that ends. It keeps fsync on.
// Where there are no server programs, tests are skipped and told how to get them.
package postgrestest

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
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable with the URL of a server to use instead of a private one. The
// user needs the right to create schemas in that database.
const Env = "TEST_POSTGRES_URL"

const oldest = 14

// errMissing says that there is nothing to start.
var errMissing = errors.New("no PostgreSQL server programs found: apt-get install postgresql, or set " + Env)

var shared = sync.OnceValues(func() (*Server, error) {
	if u := os.Getenv(Env); u != "" {
		return &Server{URL: u}, nil
	}
	return start(Options{})
})

// URL returns the URL of an empty place to store things: a schema of its own in the shared
// server, dropped with the test. The test is skipped where there is no server.
func URL(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if errors.Is(err, errMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return s.Schema(t)
}

// Server is a running server.
type Server struct {
	// URL is its address, with the password of its superuser.
	URL string

	dir, bin, password string
	who                *account
	options            Options
	port               int            // 0: any free one
	hold               io.WriteCloser // the server runs until this is closed
	cmd                *exec.Cmd
}

// Options change how a server is started. The zero value is what Start does.
type Options struct {
	// Env is added to the environment of the server program: NAME=value.
	Env []string
	// Folder keeps the cluster after the test: one that is there is started as it was left.
	// Where we are root, the server runs as somebody else, who must be able to pass to it. A
	// second server on it at the same time is refused.
	Folder string
}

// Start starts a server for one test that means to disturb it, and stops it with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Options{})
}

// StartWith is Start with options.
func StartWith(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := start(o)
	if errors.Is(err, errMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Stop kills the server and removes its files. A second call does nothing.
func (s *Server) Stop() {
	if s.cmd != nil {
		_ = s.hold.Close()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
	if s.dir != "" && s.options.Folder == "" {
		_ = os.RemoveAll(s.dir)
	}
}

// Kill stops the server as a crash does, without a checkpoint and without waiting for its
// clients, and keeps its files for Restart. It returns when nothing listens any more. Of a
// frozen server it takes about five seconds: Thaw it first.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_, _ = io.WriteString(s.hold, keep+"\n")
	_ = s.hold.Close()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Restart starts a killed server again, at the same address and with its data, and returns
// when it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if s.cmd != nil {
		t.Fatal("restart PostgreSQL: it is running")
	}
	if err := s.serve(); err != nil {
		t.Fatalf("restart PostgreSQL: %v", err)
	}
}

// Schema makes an empty schema, dropped with the test, and returns a URL that works in it.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.run(t.Context(), "create schema "+name); err != nil {
		t.Fatalf("create schema: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.run(ctx, "drop schema "+name+" cascade"); err != nil {
			t.Errorf("drop schema: %v", err)
		}
	})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatalf("%s is not a URL", Env) // its own words would quote it
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func (s *Server) run(ctx context.Context, query string) error {
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(ctx, "set client_min_messages = warning; "+query, pgx.QueryExecModeSimpleProtocol)
	return err
}

// start makes a cluster and starts its server.
func start(o Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir := o.Folder
	if dir == "" {
		dir, err = os.MkdirTemp("", "pgtest-") // short: the path of a socket has about a hundred bytes
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, password: rand.Text(), who: who, options: o}
	if err := s.begin(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) begin() error {
	secret := filepath.Join(s.dir, "password")
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		kept, err := os.ReadFile(secret)
		if err != nil {
			return err
		}
		s.password = string(kept)
		return s.serve()
	}
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	if s.who != nil {
		for _, path := range []string{s.dir, secret} {
			if err := os.Chown(path, s.who.uid, s.who.gid); err != nil {
				return err
			}
		}
	}
	initdb := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "tester", "--pwfile", secret, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = s.dir, as(s.who)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	// The port may be taken between our looking and the server's listening.
	var err error
	for range 3 {
		if err = s.serve(); err == nil {
			return nil
		}
		s.Kill()
		s.port = 0
	}
	return err
}

// guard runs the server and waits for its own input to end, which happens when the test
// binary ends, even by a signal. Then it kills the server, by its id, frozen or not, and
// tidies up unless it was told otherwise.
const guard = `"$@" & server=$!
read -r line
kill -QUIT "$server" 2>/dev/null
kill -CONT "$server" 2>/dev/null
wait "$server"
[ "$line" = ` + keep + ` ] || [ -n "$PGTEST_KEEP" ] || rm -rf "$0"`

// keep tells the guard to leave the files.
const keep = "keep"

func (s *Server) serve() error {
	if s.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.port = port
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", "-c", guard, s.dir, filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=300", "-c", "log_min_messages=fatal")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = as(s.who)
	cmd.Env = append(os.Environ(), s.options.Env...)
	if s.options.Folder != "" {
		cmd.Env = append(cmd.Env, "PGTEST_KEEP=yes")
	}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.hold = cmd, hold
	s.URL = (&url.URL{Scheme: "postgres", User: url.UserPassword("tester", s.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path: "/postgres", RawQuery: "sslmode=disable"}).String()
	if err := s.await(); err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// await waits until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := s.run(ctx, "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// programs is the folder of the newest server programs that are new enough.
func programs() (string, error) {
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	best, newest := "", oldest-1
	for _, dir := range slices.Compact(dirs) {
		if v := version(dir); v > newest {
			best, newest = dir, v
		}
	}
	if best == "" {
		return "", errMissing
	}
	return best, nil
}

var major = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// version is the major version of the programs in a folder; 0 where some are missing.
func version(dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	m := major.FindSubmatch(out)
	if m == nil {
		return 0
	}
	v, _ := strconv.Atoi(string(m[1]))
	return v
}

// account is a user of the system.
type account struct{ uid, gid int }

// unprivileged is somebody to run the server as where we are root, which it refuses to be;
// nil: we ourselves.
func unprivileged() (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return &account{uid, gid}, nil
		}
	}
	return nil, errors.New("run as root, and there is no user postgres or nobody to start the server as")
}
