package sqlite

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"secretaria/internal/fault"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations: %d files, %v", len(files), err)
	}
	path := filepath.Join(t.TempDir(), "new", "folder", "secretaria.db")
	db, err := Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	for _, doing := range []string{"from empty", "once more"} {
		version, err := db.Migrate(t.Context())
		if err != nil || version != len(files) {
			t.Errorf("Migrate %s = %d, %v, want %d", doing, version, err, len(files))
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v (%v), want 0700", info.Mode().Perm(), err)
	}
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secretaria.db")
	db, err := Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	for _, q := range []string{"create table messages (later text)", "pragma user_version = 999"} {
		if _, err := db.write.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	version, err := db.Migrate(t.Context())
	if version != 999 || fault.KindOf(err) != fault.Permanent {
		t.Errorf("Migrate = %d, %v, want 999 and a permanent fault", version, err)
	}
	for _, want := range []string{"999", path, "newer"} {
		if !strings.Contains(fault.Code(err), want) {
			t.Errorf("Migrate error %q does not mention %s", fault.Code(err), want)
		}
	}
	var tables, after int
	if err := db.read.QueryRow("select count(*) from sqlite_master").Scan(&tables); err != nil || tables != 1 {
		t.Errorf("schema has %d objects (%v), want the 1 that was there", tables, err)
	}
	if err := db.read.QueryRow("pragma user_version").Scan(&after); err != nil || after != 999 {
		t.Errorf("user_version = %d (%v), want 999", after, err)
	}
}

func TestMigrateBesideAnother(t *testing.T) {
	t.Parallel()
	for range 20 {
		migrateTogether(t, filepath.Join(t.TempDir(), "secretaria.db"))
	}
}

func migrateTogether(t *testing.T, path string) {
	t.Helper()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			db, err := Open(t.Context(), path, false)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer db.Close()
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Errorf("Migrate: %v", err)
				return
			}
			s, err := New(t.Context(), db, nil)
			if err != nil {
				t.Errorf("New: %v", err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
			s.writer.close()
		})
	}
	wg.Wait()
}

func TestOpenWhatMustExist(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "secretaria.db")
	if _, err := Open(t.Context(), path, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open(mustExist) = %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder after a refused Open: %v, want none", err)
	}
	if _, err := Open(t.Context(), "", false); !fault.Is(err, fault.Invalid) {
		t.Errorf("Open(\"\") = %v, want an invalid fault", err)
	}
}

func TestOpenOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"com espaço.db", "a?b.db", "100%.db", "a#b.db", "a&mode=ro.db", "ção.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path, nil)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("Ping of %q: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("Open(%q) made another file: %v", name, err)
		}
	}
}

// The promise that what is acknowledged is on disk stands on these.
func TestPragmas(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	for _, c := range []struct {
		pool         string
		db           *sql.DB
		pragma, want string
	}{
		{"writer", s.db.write, "journal_mode", "wal"},
		{"writer", s.db.write, "synchronous", "2"},
		{"writer", s.db.write, "foreign_keys", "1"},
		{"writer", s.db.write, "busy_timeout", "60000"},
		{"writer", s.db.write, "query_only", "0"},
		{"reader", s.db.read, "journal_mode", "wal"},
		{"reader", s.db.read, "busy_timeout", "60000"},
		{"reader", s.db.read, "query_only", "1"},
	} {
		var got string
		if err := c.db.QueryRow("pragma " + c.pragma).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s of the %s = %q, %v, want %q", c.pragma, c.pool, got, err, c.want)
		}
	}
	if n := s.db.write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("writer has %d connections, want 1", n)
	}
}

// Every connection of the pools must have its pragmas, also one that replaces a broken one.
func TestPragmasOfANewConnection(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	conn, err := s.db.write.Conn(t.Context())
	if err != nil {
		t.Fatalf("Conn: %v", err)
	}
	// Saying that it is bad makes the pool drop it.
	_ = conn.Raw(func(any) error { return errBad })
	_ = conn.Close()
	var sync int
	if err := s.db.write.QueryRow("pragma synchronous").Scan(&sync); err != nil || sync != 2 {
		t.Errorf("synchronous of a new connection = %d, %v, want 2", sync, err)
	}
	if _, err := s.Receive(t.Context(), arrival("oi", 1)); err != nil {
		t.Errorf("Receive on a new connection: %v", err)
	}
}
