package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/fault"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
)

// alive is how long ago a worker may have been seen to count as running.
const alive = 30 * time.Second

// RestoreSQLite replaces the database at path by what a backup holds. Without overwrite a
// target with conversations is refused (fault.Conflict), and so is one that a server runs
// on. It is built beside the target and takes its place when it is complete.
func RestoreSQLite(ctx context.Context, file, path string, overwrite bool) (Report, error) {
	if one, err := os.Stat(file); err == nil {
		if other, err := os.Stat(path); err == nil && os.SameFile(one, other) {
			return Report{}, fault.New(fault.Invalid, file+" is the database itself")
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Report{}, err
	}
	release, err := sqlite.Lock(path)
	if err != nil {
		return Report{}, err
	}
	defer release()
	if err := replaceable(ctx, path, overwrite); err != nil {
		return Report{}, err
	}
	d, version, err := empty(ctx, path)
	if err != nil {
		return Report{}, fmt.Errorf("restore: %w", err)
	}
	defer d.discard()
	r, err := d.take(ctx, file, version)
	if err != nil {
		return Report{}, err
	}
	if err := d.finish(ctx); err != nil {
		return Report{}, fmt.Errorf("restore: %w", err)
	}
	if r.Kept, err = setAside(ctx, path); err != nil {
		return Report{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Rename(d.path, path); err != nil {
		return Report{}, err
	}
	return r, onDisk(filepath.Dir(path))
}

// take copies a backup into the draft, and compares.
func (d *draft) take(ctx context.Context, file string, version int) (Report, error) {
	from, end, err := trusted(ctx, file, d.path, version)
	if err != nil {
		return Report{}, err
	}
	defer end()
	tables, err := layout(ctx, d.Writer())
	if err != nil {
		return Report{}, err
	}
	into, err := d.Writer().BeginTx(ctx, nil)
	if err != nil {
		return Report{}, err
	}
	defer into.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	r := Report{Version: from.version}
	for _, t := range tables {
		read, err := insert(ctx, into, t, free(t, rows(ctx, from.tx, t)))
		if err != nil {
			return Report{}, damaged(file, err)
		}
		r.Tables = append(r.Tables, read)
		last, err := reached(ctx, from.tx, t)
		if err != nil {
			return Report{}, err
		}
		if err := reach(ctx, into, t, last); err != nil {
			return Report{}, err
		}
	}
	if err := into.Commit(); err != nil {
		return Report{}, err
	}
	written, err := counts(ctx, d.Writer(), tables)
	if err != nil {
		return Report{}, err
	}
	if err := same(r.Tables, written); err != nil {
		return Report{}, err
	}
	return r, waiting(ctx, d.Writer(), &r)
}

// trusted opens a backup, checks all of it, and brings a copy of it up to version where it
// is older. end closes it.
func trusted(ctx context.Context, file, beside string, version int) (_ *snapshot, end func(), err error) {
	s, err := look(ctx, file)
	if err != nil {
		return nil, nil, err
	}
	end = func() { _ = s.close() }
	if err := s.check(ctx, file, version); err != nil {
		end()
		return nil, nil, err
	}
	if s.version == version {
		return s, end, nil
	}
	defer end()
	return newer(ctx, s, beside)
}

func (s *snapshot) check(ctx context.Context, file string, version int) error {
	if s.version > version {
		return fault.New(fault.Permanent, fmt.Sprintf("%s has schema version %d, this program knows %d: install the newer program", file, s.version, version))
	}
	if err := sound(ctx, s.tx); err != nil {
		return damaged(file, err)
	}
	found, err := counts(ctx, s.tx, s.tables)
	if err != nil {
		return damaged(file, err)
	}
	var known int
	if err := s.tx.QueryRowContext(ctx, "select count(*) from sqlite_schema where type = 'table' and name = $1", sums).Scan(&known); err != nil {
		return damaged(file, err)
	}
	if known == 0 { // somebody's own copy of a database, which SQLite says is in order
		return nil
	}
	for _, t := range found {
		var noted Table
		err := s.tx.QueryRowContext(ctx, "select name, rows, sum from "+sums+" where name = $1", t.Name).Scan(&noted.Name, &noted.Rows, &noted.Sum)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return damaged(file, err)
		}
		if noted != t {
			return fault.New(fault.Invalid, fmt.Sprintf("%s is damaged: its table %s is not what was backed up: a whole backup is needed", file, t.Name))
		}
	}
	return nil
}

// newer makes a copy of a snapshot of an older version and migrates it.
func newer(ctx context.Context, s *snapshot, beside string) (*snapshot, func(), error) {
	name, err := newDraft(beside)
	if err != nil {
		return nil, nil, err
	}
	if err := migrated(ctx, s, name); err != nil {
		remove(name)
		return nil, nil, err
	}
	up, err := look(ctx, name)
	if err != nil {
		remove(name)
		return nil, nil, err
	}
	return up, func() { _ = up.close(); remove(name) }, nil
}

func migrated(ctx context.Context, s *snapshot, into string) (err error) {
	// Not the snapshot's own connection: VACUUM wants one without a transaction.
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, q := range []struct {
		text string
		args []any
	}{{"pragma query_only = 0", nil}, {"vacuum into $1", []any{into}}} {
		if _, err := conn.ExecContext(ctx, q.text, q.args...); err != nil {
			return err
		}
	}
	db, err := sqlite.Open(ctx, into, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Migrate(ctx)
	return err
}

// replaceable refuses a target that holds something, unless it may be overwritten.
func replaceable(ctx context.Context, path string, overwrite bool) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || overwrite {
		return nil
	}
	s, err := look(ctx, path)
	if broken(err) {
		return fault.Wrap(fault.Conflict, fmt.Sprintf("the database %s is damaged: with --overwrite its files are put aside and the backup takes its place", path), err)
	}
	if err != nil {
		return vacant(path, err)
	}
	defer s.close()
	var n int64
	if err := s.tx.QueryRowContext(ctx, "select count(*) from conversations").Scan(&n); err != nil {
		return err
	}
	return occupied(path, n)
}

// vacant takes a file that SQLite has made and nobody has written to for none.
func vacant(path string, err error) error {
	if info, stat := os.Stat(path); stat == nil && info.Size() == 0 {
		return nil
	}
	return fmt.Errorf("%w (--overwrite replaces it)", err)
}

func occupied(name string, conversations int64) error {
	if conversations == 0 {
		return nil
	}
	return fault.New(fault.Conflict, fmt.Sprintf("%s has %d conversations: back it up, then say --overwrite, or restore into another database (DATABASE_URL)", name, conversations))
}

// setAside takes away what would be mistaken for a part of the file that comes to path: a log
// beside it is read as its own. What is damaged is kept under another name.
func setAside(ctx context.Context, path string) (kept string, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	db, err := sqlite.Open(ctx, path, true)
	if err == nil {
		if err = alone(ctx, db.Writer()); err == nil {
			return "", db.Close()
		}
		_ = db.Close()
	}
	if busy(err) {
		return "", fault.Wrap(fault.Conflict, "another program has the database open: end it and try again", err)
	}
	if !broken(err) {
		return "", err
	}
	for n := 1; ; n++ {
		kept = path + ".damaged-" + strconv.Itoa(n)
		if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return kept, nil
}

// RestorePostgres replaces what a PostgreSQL database holds by a backup, in one transaction.
// The database must be migrated. Without overwrite a target with conversations is refused
// (fault.Conflict), and so is one that workers run on. name is what errors call the target.
func RestorePostgres(ctx context.Context, file string, db *postgres.DB, name string, overwrite bool) (r Report, err error) {
	dir, err := os.MkdirTemp("", "secretaria-restore-")
	if err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(dir)
	version, err := current(ctx, dir)
	if err != nil {
		return Report{}, err
	}
	from, end, err := trusted(ctx, file, filepath.Join(dir, "newer.db"), version)
	if err != nil {
		return Report{}, err
	}
	defer end()
	err = db.Transaction(ctx, "restore", pgx.TxOptions{}, func(tx pgx.Tx) error {
		boolean, err := match(ctx, tx, from.tables)
		if err != nil {
			return err
		}
		if err := vacate(ctx, tx, from.tables, name, overwrite); err != nil {
			return err
		}
		r, err = fill(ctx, tx, from, boolean)
		return err
	})
	return r, err
}

// current is the version of this program's schema, found out in a folder.
func current(ctx context.Context, dir string) (int, error) {
	d, version, err := empty(ctx, filepath.Join(dir, "current.db"))
	if err != nil {
		return 0, err
	}
	d.discard()
	return version, nil
}

// Fresh says whether a PostgreSQL database has none of our tables: it can be migrated without
// anybody missing what was there.
func Fresh(ctx context.Context, db *postgres.DB) (fresh bool, err error) {
	err = db.Transaction(ctx, "look at the database", pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select to_regclass('conversations') is null and to_regclass('schema_version') is null").Scan(&fresh)
	})
	return fresh, err
}

// vacate empties the tables, and keeps everybody else out of them until the end.
func vacate(ctx context.Context, tx pgx.Tx, tables []table, name string, overwrite bool) error {
	if _, err := tx.Exec(ctx, "lock table "+names(tables)+" in access exclusive mode"); err != nil {
		return err
	}
	var workers, conversations int64
	if err := tx.QueryRow(ctx, "select (select count(*) from workers where at > $1), (select count(*) from conversations)", time.Now().Add(-alive).UnixMilli()).Scan(&workers, &conversations); err != nil {
		return err
	}
	if workers > 0 {
		return fault.New(fault.Conflict, fmt.Sprintf("%d workers were seen on %s in the last %v: stop the servers, wait that long and try again", workers, name, alive))
	}
	if !overwrite {
		if err := occupied(name, conversations); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "truncate "+names(tables)); err != nil {
		return err
	}
	return dropJobs(ctx, tx)
}

// dropJobs removes the jobs of what was there before.
func dropJobs(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, "select to_regclass('river_job') is not null").Scan(&there); err != nil || !there {
		return err
	}
	_, err := tx.Exec(ctx, "delete from river_job")
	return err
}
