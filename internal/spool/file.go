package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	driver "modernc.org/sqlite" // pure Go
	codes "modernc.org/sqlite/lib"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
)

const (
	// slots bounds the processes that share a folder.
	slots = 64
	// maxGroup bounds the operations of one commit.
	maxGroup = 256
	pageSize = 4096
	version  = 1
)

const schema = `
create table if not exists waiting (
	seq integer primary key, received integer not null, channel text not null, inbox text not null,
	correlation text not null, fallback blob, late integer not null, body blob not null);
create table if not exists aside (
	seq integer primary key, received integer not null, channel text not null, inbox text not null,
	correlation text not null, fallback blob, body blob not null, cause text not null, at integer not null);
create table if not exists checked (id integer primary key, at integer not null);`

var (
	errClosed = fault.New(fault.Transient, "spool closed")
	errTaken  = errors.New("taken")
)

// file is an SQLite file that one process has open. One goroutine works on it and puts what
// waits into a common transaction, so that a storm does not cost an fsync for each webhook.
type file struct {
	db     *sql.DB
	path   string
	insert *sql.Stmt
	ops    chan *op
	done   chan struct{}

	mu     sync.RWMutex // guards closing ops against a late do
	closed bool
}

// op is one thing done to the file. run may run twice, and leaves no trace outside of its
// transaction; after, which may be nil, is told how it ended.
type op struct {
	ctx   context.Context
	run   func(*sql.Tx) error
	after func(error)
	err   error
	ended chan struct{}
}

func slot(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("spool-%d.db", n)) }

// take opens the first file of the folder that nobody uses.
func take(ctx context.Context, dir string, maxBytes int64) (*file, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for n := range slots {
		f, err := open(ctx, slot(dir, n), maxBytes)
		if !errors.Is(err, errTaken) {
			return f, err
		}
	}
	return nil, fault.New(fault.Conflict, fmt.Sprintf("%d processes use this folder already: give this one another (SPOOL_DIR)", slots))
}

// open opens a file; errTaken when another process has it. The lock is SQLite's own and
// ends with the process, however it ends.
func open(ctx context.Context, path string, maxBytes int64) (*file, error) {
	q := url.Values{}
	for _, pragma := range []string{
		"busy_timeout(0)", "locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)", "wal_autocheckpoint(1000)", "journal_size_limit(4194304)",
		"max_page_count(" + strconv.FormatInt(maxBytes/pageSize, 10) + ")",
	} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", "immediate")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	f := &file{db: db, path: path, ops: make(chan *op, 4*maxGroup), done: make(chan struct{})}
	if err := f.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go f.loop()
	return f, nil
}

func (f *file) prepare(ctx context.Context) error {
	var found int
	switch err := f.db.QueryRowContext(ctx, "pragma user_version").Scan(&found); {
	case code(err) == codes.SQLITE_BUSY:
		return errTaken
	case err != nil:
		return err
	case found > version:
		return fault.New(fault.Permanent, fmt.Sprintf("%s has version %d, this program knows %d: install the newer program", f.path, found, version))
	}
	tx, err := f.db.BeginTx(ctx, nil)
	if code(err) == codes.SQLITE_BUSY {
		return errTaken
	}
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	if _, err := tx.ExecContext(ctx, schema+"; pragma user_version = "+strconv.Itoa(version)); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	f.insert, err = f.db.PrepareContext(ctx, "insert into waiting (seq, received, channel, inbox, correlation, fallback, late, body) values (?, ?, ?, ?, ?, ?, ?, ?)")
	return err
}

// code is the kind of an error of SQLite's, 0 for others.
func code(err error) int {
	var said *driver.Error
	if errors.As(err, &said) {
		return said.Code() & 0xff
	}
	return 0
}

// disk gives an error of the file its kind.
func disk(err error) error {
	var f *fault.Error
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case code(err) == codes.SQLITE_FULL:
		return ErrFull
	}
	return fault.Wrap(fault.Transient, "spool", err)
}

// do runs an operation and returns when it is on disk, or was not done. When ctx ends while
// it is under way, do does not wait for its end: after an error, what run writes to may not
// be read.
func (f *file) do(ctx context.Context, run func(*sql.Tx) error, after func(error)) error {
	if after == nil {
		after = func(error) {}
	}
	o := &op{ctx: ctx, run: run, after: after, ended: make(chan struct{})}
	f.mu.RLock()
	if f.closed {
		f.mu.RUnlock()
		after(errClosed)
		return errClosed
	}
	select {
	case f.ops <- o:
		f.mu.RUnlock()
	case <-ctx.Done():
		f.mu.RUnlock()
		after(ctx.Err())
		return disk(ctx.Err())
	}
	select {
	case <-o.ended:
		return disk(o.err)
	case <-ctx.Done():
		return disk(ctx.Err())
	}
}

// close ends what waits and closes the file. A second call does nothing.
func (f *file) close() {
	f.mu.Lock()
	first := !f.closed
	if first {
		f.closed = true
		close(f.ops)
	}
	f.mu.Unlock()
	<-f.done
	if first {
		_ = f.db.Close() // everything acknowledged is in it
	}
}

func (f *file) loop() {
	defer close(f.done)
	group := make([]*op, 0, maxGroup)
	for first := range f.ops {
		group = append(group[:0], first)
	fill:
		for len(group) < maxGroup {
			select {
			case o, ok := <-f.ops:
				if !ok {
					break fill
				}
				group = append(group, o)
			default:
				break fill
			}
		}
		if f.commit(group) != nil && len(group) > 1 {
			for i := range group {
				_ = f.commit(group[i : i+1]) // each has its error
			}
		}
		for _, o := range group {
			o.after(o.err)
			close(o.ended)
		}
	}
}

// commit runs a group in one transaction; its error is everybody's.
func (f *file) commit(group []*op) error {
	fail := func(err error) error {
		for _, o := range group {
			o.err = err
		}
		return err
	}
	tx, err := f.db.BeginTx(context.Background(), nil)
	if err != nil {
		return fail(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	for _, o := range group {
		if o.err = o.ctx.Err(); o.err != nil {
			continue // nobody waits for it any more
		}
		if err := o.run(tx); err != nil {
			return fail(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fail(err)
	}
	return nil
}

func (f *file) append(ctx context.Context, e Entry, after func(error)) error {
	return f.do(ctx, func(tx *sql.Tx) error { return f.put(tx, e) }, after)
}

func (f *file) put(tx *sql.Tx, e Entry) error {
	_, err := tx.Stmt(f.insert).Exec(e.seq, e.Received.UnixNano(), string(e.Channel), e.Inbox, e.Correlation, e.Fallback, e.Late, e.Body)
	return err
}

// head reads the first entries, up to a number of them and about a number of bytes.
func (f *file) head(ctx context.Context, limit, bytes int) ([]Entry, error) {
	var out []Entry
	err := f.do(ctx, func(tx *sql.Tx) error {
		out = out[:0]
		rows, err := tx.Query("select seq, received, channel, inbox, correlation, fallback, late, body from waiting order by seq limit ?", limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for left := bytes; left > 0 && rows.Next(); {
			var e Entry
			var received int64
			var kind string
			if err := rows.Scan(&e.seq, &received, &kind, &e.Inbox, &e.Correlation, &e.Fallback, &e.Late, &e.Body); err != nil {
				return err
			}
			e.Received, e.Channel = time.Unix(0, received), channel.Kind(kind)
			out = append(out, e)
			left -= len(e.Body)
		}
		return rows.Err()
	}, nil)
	if err != nil {
		return nil, err // out may still be written to
	}
	return out, nil
}

// dead is an entry that can never be forwarded.
type dead struct {
	seq   int64
	cause string
}

// remove takes out what the database has, and sets aside what it can never have. after is
// told what is left.
func (f *file) remove(ctx context.Context, stored []int64, aside []dead, after func(contents)) error {
	var left contents
	return f.do(ctx, func(tx *sql.Tx) error {
		for _, d := range aside {
			_, err := tx.Exec("insert into aside (seq, received, channel, inbox, correlation, fallback, body, cause, at) "+
				"select seq, received, channel, inbox, correlation, fallback, body, ?, ? from waiting where seq = ?", d.cause, time.Now().UnixNano(), d.seq)
			if err != nil {
				return err
			}
		}
		gone, err := tx.Prepare("delete from waiting where seq = ?")
		if err != nil {
			return err
		}
		defer gone.Close()
		for _, seq := range stored {
			if _, err := gone.Exec(seq); err != nil {
				return err
			}
		}
		for _, d := range aside {
			if _, err := gone.Exec(d.seq); err != nil {
				return err
			}
		}
		left, err = count(tx)
		return err
	}, func(err error) {
		if err == nil {
			after(left)
		}
	})
}

func count(tx *sql.Tx) (c contents, err error) {
	var oldest sql.NullInt64
	err = tx.QueryRow("select (select count(*) from waiting), (select count(*) from aside), (select received from waiting order by seq limit 1)").Scan(&c.waiting, &c.dead, &oldest)
	if oldest.Valid {
		c.oldest = time.Unix(0, oldest.Int64)
	}
	return c, err
}

// revive makes what was set aside wait again, and tells what there is and the last place
// that was given away.
func (f *file) revive(ctx context.Context) (contents, int64, error) {
	var c contents
	var last int64
	err := f.do(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("insert into waiting (seq, received, channel, inbox, correlation, fallback, late, body) " +
			"select seq, received, channel, inbox, correlation, fallback, 1, body from aside; delete from aside")
		if err != nil {
			return err
		}
		if err := tx.QueryRow("select coalesce(max(seq), 0) from waiting").Scan(&last); err != nil {
			return err
		}
		c, err = count(tx)
		return err
	}, nil)
	if err != nil {
		return contents{}, 0, err
	}
	return c, last, nil
}

// check writes a little.
func (f *file) check(ctx context.Context) error {
	return f.do(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("insert into checked (id, at) values (1, ?) on conflict (id) do update set at = excluded.at", time.Now().UnixNano())
		return err
	}, nil)
}

// full says whether the largest webhook would not fit any more.
func (f *file) full(ctx context.Context) bool {
	var full bool
	const largest = 1<<20/pageSize + 16
	err := f.do(ctx, func(tx *sql.Tx) error {
		most, used, free, err := pages(tx)
		full = err == nil && most-used+free < min(largest, most/2)
		return err
	}, nil)
	return err == nil && full
}

func pages(tx *sql.Tx) (most, used, free int64, err error) {
	for _, pragma := range []struct {
		name string
		n    *int64
	}{{"max_page_count", &most}, {"page_count", &used}, {"freelist_count", &free}} {
		if err := tx.QueryRow("pragma " + pragma.name).Scan(pragma.n); err != nil {
			return 0, 0, 0, err
		}
	}
	return most, used, free, nil
}

// shrink empties the log, in which the webhooks still stand that the database has by now, and
// gives the disk back what the file does not need any more, where that is much.
func (f *file) shrink(ctx context.Context) {
	const much = 8 << 20 / pageSize
	defer func() {
		_, _ = f.db.ExecContext(ctx, "pragma wal_checkpoint(truncate)") // the next drained spool tries again
	}()
	var free int64
	if err := f.do(ctx, func(tx *sql.Tx) (err error) { _, _, free, err = pages(tx); return err }, nil); err != nil || free < much {
		return
	}
	// The pool has one connection: whoever writes waits for it.
	_, _ = f.db.ExecContext(ctx, "vacuum")
}
