// Package postgres keeps everything in PostgreSQL, 14 or newer: the database of an
// installation with several processes.
//
// Every step is a transaction that locks the row of its conversation first, so that all
// processes agree on one order of what happens to a conversation, and whose statements
// travel together: a step waits for the database about twice, whatever it writes. Webhooks
// that arrive together share a transaction (see group).
//
// Connections are ours for their whole life; a pooler in front must pool sessions.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"secretaria/internal/fault"
	"secretaria/internal/store/row"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed queries.sql
var steps string

//go:embed privacy.sql
var privacy string

// queries are all texts, by their names.
func queries() map[string]string { return row.Queries(steps + "\n" + privacy) }

const (
	// maxConns is the size of the pool where the URL has no pool_max_conns: enough for a
	// busy process, and a few such processes fit into a server's usual hundred.
	maxConns       = 16
	connectTimeout = 5 * time.Second
	oldest         = 140000
	// migrationLock is the advisory lock that programs take before they look at the schema.
	migrationLock = 0x5ec4e7a41a
)

// DB is a pool of connections to a database.
type DB struct {
	pool *pgxpool.Pool
}

// Open connects to the database that a URL names (postgres://user:password@host:5432/name).
// It does not migrate. Settings in the URL, search_path and pool_max_conns included, are
// honoured. Errors never repeat the URL; fault.Invalid when it cannot be read.
func Open(ctx context.Context, url string) (*DB, error) {
	if url == "" {
		return nil, fault.New(fault.Invalid, "database url is empty")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The library's own words quote what they could not read.
		return nil, fault.New(fault.Invalid, "database url cannot be read: want postgres://user:password@host:5432/name")
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = maxConns
	}
	if cfg.ConnConfig.ConnectTimeout == 0 || cfg.ConnConfig.ConnectTimeout > connectTimeout && !strings.Contains(url, "connect_timeout") {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	cfg.PingTimeout = connectTimeout
	given := cfg.ConnConfig.RuntimeParams
	if given["application_name"] == "" {
		given["application_name"] = "secretaria"
	}
	settings := maps.Collect(func(yield func(string, string) bool) {
		for name, value := range defaults() {
			if _, ok := given[name]; !ok && !yield(name, value) {
				return
			}
		}
	})
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return prepare(ctx, conn, settings) }
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, database("open database", err)
	}
	db := &DB{pool: pool}
	if err := db.checkServer(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// defaults are the settings of every connection, unless the URL has its own.
func defaults() map[string]string {
	return map[string]string{
		// A webhook has five seconds for its answer, so nobody waits longer for a row.
		"lock_timeout":      "3s",
		"statement_timeout": "10s",
		// A process that vanished in the middle of a step keeps its locks no longer than this.
		"idle_in_transaction_session_timeout": "10s",
	}
}

// prepare sets a new connection up. Not by startup parameters, which poolers refuse.
func prepare(ctx context.Context, conn *pgx.Conn, settings map[string]string) error {
	names := slices.Sorted(maps.Keys(settings))
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = settings[name]
	}
	if _, err := conn.Exec(ctx, "select set_config(s.name, s.value, false) from unnest($1::text[], $2::text[]) as s (name, value)", names, values); err != nil {
		return err
	}
	// What is acknowledged is on disk, whatever somebody has set for the role or the database.
	_, err := conn.Exec(ctx, "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'")
	return err
}

func (db *DB) checkServer(ctx context.Context) error {
	var version int
	if err := db.pool.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		return database("open database", err)
	}
	if version < oldest {
		return fault.New(fault.Permanent, fmt.Sprintf("the database server is PostgreSQL %d: version %d or newer is needed", version/10000, oldest/10000))
	}
	return nil
}

// Pool is the pool, for River's driver.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Transaction runs work on whole tables in one transaction, without the limits of time that
// steps have; waiting for a lock ends after ten seconds. doing says in errors what the work is.
func (db *DB) Transaction(ctx context.Context, doing string, options pgx.TxOptions, run func(pgx.Tx) error) error {
	return database(doing, pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) error {
		const patient = "select set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true), set_config('lock_timeout', '10s', true)"
		if _, err := tx.Exec(ctx, patient); err != nil {
			return err
		}
		return run(tx)
	}))
}

// Close closes the pool and waits for connections that are in use.
func (db *DB) Close() error {
	db.pool.Close()
	return nil
}

// Migrate brings the schema up to this program's version and returns it. A database that a
// newer program wrote is refused untouched. Each migration is a transaction of its own;
// programs that start at once take turns.
func (db *DB) Migrate(ctx context.Context) (version int, err error) {
	files, err := migrationFiles()
	if err != nil {
		return 0, err
	}
	for done := false; !done; {
		if version, done, err = db.migrateOne(ctx, files); err != nil {
			return version, err
		}
	}
	return version, nil
}

func migrationFiles() ([]string, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for i, file := range files {
		number, _, _ := strings.Cut(strings.TrimPrefix(file, "migrations/"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s is out of order", file)
		}
	}
	return files, nil
}

func (db *DB) migrateOne(ctx context.Context, files []string) (version int, done bool, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Waiting for another program's migration, or making an index, may take its time.
		for _, q := range []string{"set local lock_timeout = 0", "set local statement_timeout = 0", fmt.Sprintf("select pg_advisory_xact_lock(%d)", migrationLock)} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		var known bool
		if version, known, err = schemaVersion(ctx, tx); err != nil {
			return err
		}
		if version > len(files) {
			return fault.New(fault.Permanent, fmt.Sprintf("the database has schema version %d, this program knows %d: install the newer program, or restore a backup", version, len(files)))
		}
		if done = version == len(files); done {
			return nil
		}
		if !known {
			if _, err := tx.Exec(ctx, "create table schema_version (version integer not null)"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "insert into schema_version values (0)"); err != nil {
				return err
			}
		}
		text, err := fs.ReadFile(migrations, files[version])
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, string(text), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("to version %d: %w", version+1, err)
		}
		if _, err := tx.Exec(ctx, "update schema_version set version = $1", version+1); err != nil {
			return err
		}
		version++
		return nil
	})
	return version, done, database("migrate", err)
}

// schemaVersion reads the version of the schema; 0 and not known where there is none.
func schemaVersion(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (version int, known bool, err error) {
	if err := q.QueryRow(ctx, "select to_regclass('schema_version') is not null").Scan(&known); err != nil || !known {
		return 0, false, err
	}
	err = q.QueryRow(ctx, "select version from schema_version").Scan(&version)
	return version, true, err
}
