package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/fault"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
)

// BackupSQLite writes what the database at path holds at one moment into a new file, while
// a server may be running. fault.Conflict when the file exists; only a backup that was
// checked gets its name.
func BackupSQLite(ctx context.Context, path, file string) (Report, error) {
	if err := room(file); err != nil {
		return Report{}, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Report{}, fault.New(fault.NotFound, "there is no database "+path)
	}
	db, err := sqlite.Open(ctx, path, true)
	if err != nil {
		return Report{}, err
	}
	defer db.Close()
	var version int
	if err := db.Writer().QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return Report{}, err
	}
	name, err := newDraft(file)
	if err != nil {
		return Report{}, fmt.Errorf("make a backup: %w", err)
	}
	// Not within a transaction, so that it reads a snapshot and keeps no writer waiting.
	if _, err := db.Writer().ExecContext(ctx, "vacuum into $1", name); err != nil {
		remove(name)
		return Report{}, damaged(path, fmt.Errorf("copy: %w", err))
	}
	copied, err := sqlite.Open(ctx, name, true)
	if err != nil {
		remove(name)
		return Report{}, err
	}
	d := &draft{copied, name}
	defer d.discard()
	r, err := d.trim(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", path, err)
	}
	if r.Version != version {
		return Report{}, fault.New(fault.Conflict, fmt.Sprintf("%s went from version %d to %d meanwhile: try again", path, version, r.Version))
	}
	return r, d.seal(ctx, file, r.Tables)
}

// trim leaves in a copy of a whole database what a backup has.
func (d *draft) trim(ctx context.Context) (r Report, err error) {
	db := d.Writer()
	if err := db.QueryRowContext(ctx, "pragma user_version").Scan(&r.Version); err != nil {
		return Report{}, err
	}
	tables, err := layout(ctx, db)
	if err != nil {
		return Report{}, err
	}
	all, err := texts(ctx, db, "select name from sqlite_schema where type = 'table'")
	if err != nil {
		return Report{}, err
	}
	// The queue's tables refer to each other, and all of them go.
	if _, err := db.ExecContext(ctx, "pragma foreign_keys = 0"); err != nil {
		return Report{}, err
	}
	for _, name := range all {
		if !strings.HasPrefix(name, "river_") && name != sums {
			continue
		}
		if _, err := db.ExecContext(ctx, "drop table "+quote(name)); err != nil {
			return Report{}, err
		}
	}
	for _, name := range []string{"workers", "budget_reservations"} {
		if !slices.Contains(all, name) {
			continue
		}
		if _, err := db.ExecContext(ctx, "delete from "+name); err != nil {
			return Report{}, err
		}
	}
	if slices.Contains(all, "house_versions") {
		for _, query := range []string{"delete from house_passages", "delete from house_versions", "insert into house_terms (house_terms) values ('delete-all')"} {
			if _, err := db.ExecContext(ctx, query); err != nil {
				return Report{}, err
			}
		}
	}
	if r.Tables, err = counts(ctx, db, tables); err != nil {
		return Report{}, err
	}
	return r, waiting(ctx, db, &r)
}

// BackupPostgres writes what the database holds at one moment into a new file, while servers
// may be running. fault.Conflict when the file exists, or when the database is of another
// version; only a backup that was checked gets its name.
func BackupPostgres(ctx context.Context, db *postgres.DB, file string) (Report, error) {
	if err := room(file); err != nil {
		return Report{}, err
	}
	d, version, err := empty(ctx, file)
	if err != nil {
		return Report{}, fmt.Errorf("make a backup: %w", err)
	}
	defer d.discard()
	tables, err := layout(ctx, d.Writer())
	if err != nil {
		return Report{}, err
	}
	r := Report{Version: version}
	if r.Tables, err = d.receive(ctx, db, tables); err != nil {
		return Report{}, err
	}
	written, err := counts(ctx, d.Writer(), tables)
	if err != nil {
		return Report{}, err
	}
	if err := same(r.Tables, written); err != nil {
		return Report{}, err
	}
	if err := waiting(ctx, d.Writer(), &r); err != nil {
		return Report{}, err
	}
	return r, d.seal(ctx, file, r.Tables)
}

// receive copies one snapshot of a PostgreSQL.
func (d *draft) receive(ctx context.Context, db *postgres.DB, tables []table) (read []Table, err error) {
	into, err := d.Writer().BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer into.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = db.Transaction(ctx, "back up", moment, func(tx pgx.Tx) error {
		if _, err := match(ctx, tx, tables); err != nil {
			return err
		}
		for _, t := range tables {
			c, err := insert(ctx, into, t, fetch(ctx, tx, t))
			if err != nil {
				return err
			}
			read = append(read, c)
			last, err := counted(ctx, tx, t)
			if err != nil {
				return err
			}
			if err := reach(ctx, into, t, last); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return read, into.Commit()
}

// room refuses a name that is taken before any work is done.
func room(file string) error {
	if _, err := os.Lstat(file); err == nil {
		return exists(file)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return fault.New(fault.NotFound, "there is no folder "+filepath.Dir(file)+": make it first")
	}
	return nil
}

// seal writes the checksums into a backup and gives it its name.
func (d *draft) seal(ctx context.Context, file string, tables []Table) error {
	if err := note(ctx, d.Writer(), tables); err != nil {
		return err
	}
	if err := d.finish(ctx); err != nil {
		return err
	}
	return publish(d.path, file)
}

func note(ctx context.Context, db *sql.DB, tables []Table) error {
	if _, err := db.ExecContext(ctx, "create table "+sums+" (name text primary key, rows integer not null, sum text not null) without rowid"); err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := db.ExecContext(ctx, "insert into "+sums+" values ($1, $2, $3)", t.Name, t.Rows, t.Sum); err != nil {
			return err
		}
	}
	return nil
}
