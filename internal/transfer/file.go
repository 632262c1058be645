package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"secretaria/internal/fault"
	"secretaria/internal/store/sqlite"
)

// snapshot is a SQLite file as it is at one moment. It writes nothing into the file.
type snapshot struct {
	db      *sql.DB
	tx      *sql.Tx
	version int
	tables  []table
}

// look opens a snapshot. An error that is a fault says what is wrong with the file.
func look(ctx context.Context, path string) (*snapshot, error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no file "+path)
	} else if err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, path+" is not a file")
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &snapshot{db: db}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(damaged(path, err), s.close())
	}
	return s, nil
}

func (s *snapshot) begin(ctx context.Context) (err error) {
	if s.tx, err = s.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	if err := s.tx.QueryRowContext(ctx, "pragma user_version").Scan(&s.version); err != nil {
		return err
	}
	s.tables, err = layout(ctx, s.tx)
	return err
}

func (s *snapshot) close() error {
	if s.tx != nil {
		_ = s.tx.Rollback()
	}
	return s.db.Close()
}

// damaged names the file, and says what to do where it is the file's fault.
func damaged(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case broken(err):
		return fault.Wrap(fault.Invalid, fmt.Sprintf("%s is damaged, or no SQLite file at all: a whole backup is needed", path), err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func broken(err error) bool {
	return primary(err) == codes.SQLITE_CORRUPT || primary(err) == codes.SQLITE_NOTADB
}

func busy(err error) bool { return primary(err) == codes.SQLITE_BUSY }

// primary is SQLite's result code, without what it adds to it.
func primary(err error) int {
	var refused *driver.Error
	if !errors.As(err, &refused) {
		return codes.SQLITE_OK
	}
	return refused.Code() & 0xff
}

// sound lets SQLite look at every page.
func sound(ctx context.Context, q querier) error {
	found, err := texts(ctx, q, "select integrity_check from pragma_integrity_check limit 1")
	if err != nil {
		return err
	}
	if said := strings.Join(found, " "); said != "ok" {
		// Its words name pages and tables, no data.
		return fault.New(fault.Invalid, "it is damaged ("+strings.Join(strings.Fields(said), " ")+")")
	}
	return nil
}

// rows reads a table of a SQLite file.
func rows(ctx context.Context, q querier, t table) sequence {
	return func(yield func([]any, error) bool) {
		found, err := q.QueryContext(ctx, t.query())
		if err != nil {
			yield(nil, err)
			return
		}
		defer found.Close()
		for found.Next() {
			row := make([]any, len(t.columns))
			into := make([]any, len(row))
			for i := range row {
				into[i] = &row[i]
			}
			err := found.Scan(into...)
			if err == nil {
				err = plain(row)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := found.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// counts sums every table of a SQLite file.
func counts(ctx context.Context, q querier, tables []table) ([]Table, error) {
	var out []Table
	for _, t := range tables {
		c, err := count(t.name, rows(ctx, q, t))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// insert writes rows into a table of a SQLite file.
func insert(ctx context.Context, tx *sql.Tx, t table, from sequence) (Table, error) {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(t.columns)), ", ")
	put, err := tx.PrepareContext(ctx, "insert into "+quote(t.name)+" ("+t.fields()+") values ("+marks+")")
	if err != nil {
		return Table{}, fmt.Errorf("write %s: %w", t.name, err)
	}
	defer put.Close()
	var sum tally
	for row, err := range sum.over(from) {
		if err != nil {
			return Table{}, fmt.Errorf("read %s: %w", t.name, err)
		}
		if _, err := put.ExecContext(ctx, row...); err != nil {
			return Table{}, fmt.Errorf("write %s: %w", t.name, err)
		}
	}
	return sum.table(t.name), nil
}

// reached is the highest number that a table has given out, to rows that are gone included.
func reached(ctx context.Context, q querier, t table) (last int64, err error) {
	if t.serial == "" {
		return 0, nil
	}
	err = q.QueryRowContext(ctx, "select max(coalesce((select seq from sqlite_sequence where name = $1), 0), coalesce((select max("+quote(t.serial)+") from "+quote(t.name)+"), 0))", t.name).Scan(&last)
	return last, err
}

// reach makes a table of a SQLite file count on from last.
func reach(ctx context.Context, q querier, t table, last int64) error {
	if t.serial == "" || last == 0 {
		return nil
	}
	if _, err := q.ExecContext(ctx, "delete from sqlite_sequence where name = $1", t.name); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, "insert into sqlite_sequence (name, seq) values ($1, $2)", t.name, last)
	return err
}

// waiting reads what waits to be done in a SQLite file.
func waiting(ctx context.Context, q querier, r *Report) error {
	return q.QueryRowContext(ctx, countWaiting).Scan(&r.Turns, &r.Deliveries)
}

// countWaiting is understood by both databases. What only wakes up some day does not wait.
const countWaiting = `select (select count(*) from conversations where due_at is not null and first_pending > 0), (select count(*) from deliveries where status in ('PENDING', 'FAILED_TEMPORARY'))`

// draft is a SQLite file in the making, beside the one that it is to become. Only its owner
// may read it.
type draft struct {
	*sqlite.DB
	path string
}

// newDraft makes an empty file beside path.
func newDraft(path string) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// empty makes a draft with this program's tables.
func empty(ctx context.Context, beside string) (d *draft, version int, err error) {
	name, err := newDraft(beside)
	if err != nil {
		return nil, 0, err
	}
	db, err := sqlite.Open(ctx, name, true)
	if err != nil {
		return nil, 0, errors.Join(err, os.Remove(name))
	}
	d = &draft{db, name}
	if version, err = db.Migrate(ctx); err != nil {
		d.discard()
		return nil, 0, err
	}
	return d, version, nil
}

// finish makes the draft one file, and puts it on disk.
func (d *draft) finish(ctx context.Context) error {
	if err := sound(ctx, d.Writer()); err != nil {
		return err
	}
	if err := alone(ctx, d.Writer()); err != nil {
		return err
	}
	if err := d.Close(); err != nil {
		return err
	}
	return onDisk(d.path)
}

// alone takes what a file keeps in its log into the file, and the log away.
func alone(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "pragma journal_mode = delete").Scan(&mode); err != nil {
		return err
	}
	if mode != "delete" {
		return fault.New(fault.Conflict, "another program has the database open")
	}
	return nil
}

// discard removes what is left of the draft; after it was put into its place that is nothing.
func (d *draft) discard() {
	_ = d.Close()
	remove(d.path)
}

// remove removes a SQLite file with whatever is beside it.
func remove(path string) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		_ = os.Remove(path + suffix)
	}
}

// onDisk waits until a file or a folder is on disk.
func onDisk(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// publish gives a finished file its name, unless somebody has it.
func publish(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		return exists(to)
	}
	if err == nil {
		err = os.Remove(from)
	} else if _, stat := os.Lstat(to); stat == nil { // a file system without links
		return exists(to)
	} else {
		err = os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return onDisk(filepath.Dir(to))
}

func exists(path string) error {
	return fault.New(fault.Conflict, path+" exists already: a backup never overwrites, give it another name")
}
