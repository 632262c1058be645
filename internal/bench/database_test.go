package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store/postgres/postgrestest"
)

// The databases by the names that tables show.
const (
	embedded = "SQLite"
	shared   = "PostgreSQL"
)

// cluster is a PostgreSQL server whose processes are of this machine.
type cluster struct {
	*postgrestest.Server
	root int // its first process
}

// startCluster starts a private server, durable as it comes. It skips b where there is none.
func startCluster(b *testing.B, o postgrestest.Options) *cluster {
	b.Helper()
	c := &cluster{Server: postgrestest.StartWith(b, o)}
	conn := c.connect(b, c.URL)
	var backend int
	if err := conn.QueryRow(b.Context(), "select pg_backend_pid()").Scan(&backend); err != nil {
		b.Fatal(err)
	}
	s, err := readStat(backend)
	if err != nil {
		b.Fatal(err)
	}
	c.root = s.parent
	return c
}

// connect opens a connection that ends with b.
func (c *cluster) connect(b *testing.B, url string) *pgx.Conn {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(errors.New("connect to PostgreSQL")) // the driver's words name the address
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	})
	return conn
}

// database is the URL of another database of the server.
func (c *cluster) database(b *testing.B, name string) string {
	b.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		b.Fatal("the server's URL cannot be read")
	}
	u.Path = "/" + name
	return u.String()
}

// cpu is the processor time of all of the server's processes, those that have ended included.
func (c *cluster) cpu() time.Duration {
	if c == nil {
		return 0
	}
	root, err := readStat(c.root)
	if err != nil {
		return 0
	}
	sum := root.own + root.ended
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if s, err := readStat(pid); err == nil && s.parent == c.root {
			sum += s.own
		}
	}
	return sum
}

// exec runs statements, each by itself.
func (c *cluster) exec(b *testing.B, url string, statements ...string) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(errors.New("connect to PostgreSQL"))
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		if _, err := conn.Exec(b.Context(), s, pgx.QueryExecModeSimpleProtocol); err != nil {
			b.Fatalf("%.60s: %v", s, err)
		}
	}
}

// slowSync compiles what makes every sync of a server two milliseconds slower, and returns
// the environment that loads it.
func slowSync(b *testing.B) ([]string, error) {
	b.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		return nil, errors.New("gcc is not installed")
	}
	path := filepath.Join(folder, "slow_sync.so")
	if out, err := exec.Command(compiler, "-O2", "-shared", "-fPIC", "-o", path, "testdata/slow_sync.c", "-ldl").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile testdata/slow_sync.c: %w: %s", err, out)
	}
	return []string{"LD_PRELOAD=" + path}, nil
}

// syncTimes measures the disk beneath all of it: a page written and synced.
func syncTimes(b *testing.B) sample {
	b.Helper()
	f, err := os.Create(filepath.Join(folder, "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 8192)
	var took []time.Duration
	for i := range 500 {
		begun := time.Now()
		if _, err := f.WriteAt(page, int64(i%64)*8192); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return result{latency: took, seconds: 1}.sample()
}

func postgresVersion(b *testing.B) string {
	b.Helper()
	c := startCluster(b, postgrestest.Options{})
	defer c.Stop()
	var version string
	if err := c.connect(b, c.URL).QueryRow(b.Context(), "select current_setting('server_version')||', fsync '||current_setting('fsync')||', shared_buffers '||current_setting('shared_buffers')||', otherwise as it comes'").Scan(&version); err != nil {
		b.Fatal(err)
	}
	return version
}
