// Package sqlite keeps everything in one file: the embedded database.
//
// One connection writes and a few read. Every write goes through one writer that puts
// concurrent steps into a shared transaction (group commit), so that synchronous=FULL, an
// fsync for each commit, is paid once for many acknowledged webhooks.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	driver "modernc.org/sqlite" // pure Go
	codes "modernc.org/sqlite/lib"

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

// DB is an open database file with its pools.
type DB struct {
	write, read *sql.DB
	path        string
}

// Open opens the file, creating it with its folder unless mustExist. It does not migrate.
func Open(ctx context.Context, path string, mustExist bool) (*DB, error) {
	if path == "" {
		return nil, fault.New(fault.Invalid, "database path is empty")
	}
	if mustExist {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	write, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// SQLite has one writer at a time whatever we do; one connection makes waiting for it
	// ours to order, instead of "database is locked". Touching this pool inside a
	// transaction waits for itself.
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	write.SetConnMaxLifetime(0)
	if err := connect(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), write.Close())
	}
	read.SetMaxOpenConns(4)
	read.SetMaxIdleConns(4)
	return &DB{write: write, read: read, path: path}, nil
}

// connect makes the writer's connection. All else waits for busy_timeout, but switching a
// file to WAL while another program opens or closes it is refused at once.
func connect(ctx context.Context, db *sql.DB) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := db.PingContext(ctx)
		var refused *driver.Error
		if err == nil || !errors.As(err, &refused) || refused.Code()&0xff != codes.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// dsn sets the pragmas on every connection. busy_timeout comes first, since switching to
// WAL needs the lock; synchronous=FULL is what makes an acknowledgement durable over a
// power cut; _txlock=immediate takes the write lock at begin, so that a transaction never
// fails half-way for want of it.
func dsn(path string, readOnly bool) string {
	q := url.Values{}
	// A command beside a busy server finds the lock free only between two of its
	// transactions, and may have to look many times. The server's own steps have deadlines.
	q.Add("_pragma", "busy_timeout(60000)")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", "mmap_size(67108864)")
	} else {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")
		q.Add("_pragma", "foreign_keys(1)")
		// What is deleted is overwritten: nobody finds it in the file.
		q.Add("_pragma", "secure_delete(1)")
		q.Add("_pragma", "wal_autocheckpoint(4000)")
		// The working set of a busy day: two megabytes, the default, would be read again and again.
		q.Add("_pragma", "cache_size(-16384)")
		q.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// Writer is the pool of one that writes, for River's driver.
func (db *DB) Writer() *sql.DB { return db.write }

// Path is the file.
func (db *DB) Path() string { return db.path }

// Close closes both pools.
func (db *DB) Close() error { return errors.Join(db.read.Close(), db.write.Close()) }

// Migrate brings the schema up to this program's version and returns it. A file that a
// newer program wrote is refused untouched. Each migration is a transaction of its own.
func (db *DB) Migrate(ctx context.Context) (version int, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	sort.Strings(files)
	if err := db.write.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if version > len(files) {
		return version, fault.New(fault.Permanent, fmt.Sprintf("the database %s has schema version %d, this program knows %d: install the newer program, or restore a backup", db.path, version, len(files)))
	}
	for _, file := range files[version:] {
		number, err := strconv.Atoi(strings.SplitN(filepath.Base(file), "_", 2)[0])
		if err != nil || number != version+1 {
			return version, fmt.Errorf("migration %s is out of order", file)
		}
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			return version, err
		}
		if err := db.migrate(ctx, string(text), number); err != nil {
			return version, fmt.Errorf("migrate to %d: %w", number, err)
		}
		version = number
	}
	return version, nil
}

func (db *DB) migrate(ctx context.Context, text string, number int) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	// Two programs may start at once; the second finds the work done once it has the lock.
	var version int
	if err := tx.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return err
	}
	if version >= number {
		return nil
	}
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "pragma user_version = "+strconv.Itoa(number)); err != nil {
		return err
	}
	return tx.Commit()
}
