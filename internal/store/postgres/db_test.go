package postgres

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"secretaria/internal/fault"
	"secretaria/internal/store/postgres/postgrestest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	files, err := migrationFiles()
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations: %d files, %v", len(files), err)
	}
	db := openDB(t, postgrestest.URL(t))
	if _, err := New(t.Context(), db, nil); !fault.Is(err, fault.Permanent) {
		t.Errorf("New on an empty schema = %v, want a permanent fault", err)
	}
	for _, doing := range []string{"from empty", "once more"} {
		version, err := db.Migrate(t.Context())
		if err != nil || version != len(files) {
			t.Errorf("Migrate %s = %d, %v, want %d", doing, version, err, len(files))
		}
	}
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	db := openDB(t, postgrestest.URL(t))
	run(t, db, "create table schema_version as select 999 as version")
	version, err := db.Migrate(t.Context())
	if version != 999 || !fault.Is(err, fault.Permanent) {
		t.Errorf("Migrate = %d, %v, want 999 and a permanent fault", version, err)
	}
	for _, want := range []string{"999", "newer"} {
		if !strings.Contains(fault.Code(err), want) {
			t.Errorf("Migrate error %q does not mention %s", fault.Code(err), want)
		}
	}
	if _, err := New(t.Context(), db, nil); !fault.Is(err, fault.Permanent) {
		t.Errorf("New on a newer schema = %v, want a permanent fault", err)
	}
	if n := number(t, db, "select count(*) from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'"); n != 1 {
		t.Errorf("schema has %d tables, want the 1 that was there", n)
	}
}

func TestMigrateBesideOthers(t *testing.T) {
	t.Parallel()
	at := postgrestest.URL(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			db, err := Open(t.Context(), at)
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
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	wg.Wait()
}

// The promises about waiting, and that what is acknowledged is on disk, stand on these.
func TestSettings(t *testing.T) {
	t.Parallel()
	at := postgrestest.URL(t)
	for _, c := range []struct {
		add, setting, want string
	}{
		{"", "lock_timeout", "3s"},
		{"", "statement_timeout", "10s"},
		{"", "idle_in_transaction_session_timeout", "10s"},
		{"", "application_name", "secretaria"},
		{"&application_name=mine", "application_name", "mine"},
		{"&lock_timeout=1s", "lock_timeout", "1s"},
		{"&synchronous_commit=off", "synchronous_commit", "on"},
		{"&synchronous_commit=local", "synchronous_commit", "local"},
	} {
		db := openDB(t, at+c.add)
		var got string
		if err := db.pool.QueryRow(t.Context(), "show "+c.setting).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s with %q = %q, %v, want %q", c.setting, c.add, got, err, c.want)
		}
	}
	if n := openDB(t, at).pool.Config().MaxConns; n != maxConns {
		t.Errorf("pool has %d connections, want %d", n, maxConns)
	}
	if n := openDB(t, at+"&pool_max_conns=3").pool.Config().MaxConns; n != 3 {
		t.Errorf("pool with pool_max_conns=3 has %d connections", n)
	}
}

// What stands in the URL is nobody's to read but the server's.
func TestErrorsKeepTheURL(t *testing.T) {
	t.Parallel()
	good, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal("the URL of the test server cannot be read")
	}
	wrong := *good
	wrong.User = url.UserPassword(good.User.Username(), "s3cr3t-word")
	closed := "postgres://someone:s3cr3t-word@127.0.0.1:1/place?sslmode=disable"
	for _, c := range []struct {
		name, url string
		kind      fault.Kind
	}{
		{"empty", "", fault.Invalid},
		{"another scheme", "mysql://someone:s3cr3t-word@db.example.org/place", fault.Invalid},
		{"bad escape", "postgres://someone:s3cr3t-word%zz@db.example.org/place", fault.Invalid},
		{"bad port", "postgres://someone:s3cr3t-word@db.example.org:port/place", fault.Invalid},
		{"bad setting", "host=db.example.org password=s3cr3t-word sslmode=sometimes", fault.Invalid},
		{"unquoted", "host=db.example.org password='s3cr3t-word", fault.Invalid},
		{"wrong password", wrong.String(), fault.Transient},
		{"nobody listens", closed, fault.Transient},
		{"no such name", "postgres://someone:s3cr3t-word@db.invalid/place?sslmode=disable", fault.Transient},
	} {
		_, err := Open(t.Context(), c.url)
		if fault.KindOf(err) != c.kind || err == nil {
			t.Errorf("Open(%s) = %v, want kind %v", c.name, err, c.kind)
			continue
		}
		for _, secret := range []string{"s3cr3t-word", "db.example.org", "db.invalid", "127.0.0.1", "someone", good.User.Username()} {
			if strings.Contains(err.Error(), secret) || strings.Contains(fault.Code(err), secret) {
				t.Errorf("Open(%s) = %v, which holds %s", c.name, err, secret)
			}
		}
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) {
			t.Errorf("Open(%s) gives away the configuration with its password", c.name)
		}
	}
}

func TestErrorsKeepWhatPeopleSaid(t *testing.T) {
	t.Parallel()
	s := open(t, postgrestest.URL(t), nil)
	run(t, s.db, "alter table messages add constraint calm check (text <> 'fofoca')")
	_, err := s.Receive(t.Context(), arrival("fofoca", 1))
	if !fault.Is(err, fault.Transient) || fault.Code(err) != "database" {
		t.Fatalf("Receive = %v, want a transient fault of the database", err)
	}
	if text := err.Error(); strings.Contains(text, "fofoca") || !strings.Contains(text, "23514") || !strings.Contains(text, "calm") {
		t.Errorf("error %q, want the code and the constraint and no data", text)
	}
}

// openDB opens a database that is closed with the test.
func openDB(t testing.TB, at string) *DB {
	t.Helper()
	db, err := Open(t.Context(), at)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *DB, query string) {
	t.Helper()
	if _, err := db.pool.Exec(t.Context(), query, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func number(t testing.TB, db *DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.pool.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
