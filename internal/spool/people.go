package spool

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	"secretaria/internal/channel"
)

// Drop takes out of the file, for ever, what was set aside and that match wants gone, and what
// was set aside before then (zero: nothing). Its bytes are gone when it returns. What waits is
// the forwarder's.
func (s *Spool) Drop(ctx context.Context, before time.Time, match func(Entry) bool) (int, error) {
	n, left, err := s.file.drop(ctx, []string{"aside"}, before, match)
	if n == 0 || err != nil {
		return n, err
	}
	s.mu.Lock()
	s.held.dead = left.dead
	s.mu.Unlock()
	return n, s.file.rewrite(ctx)
}

// Purge takes what match wants gone out of the files of a folder that no process has open,
// whether it waits or was set aside. held says that somebody has one open.
func Purge(ctx context.Context, dir string, match func(Entry) bool) (dropped int, held bool, err error) {
	for n := range slots {
		path := slot(dir, n)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		f, err := open(ctx, path, 1<<40)
		if errors.Is(err, errTaken) {
			held = true
			continue
		}
		if err != nil {
			return dropped, held, err
		}
		gone, _, err := f.drop(ctx, []string{"waiting", "aside"}, time.Time{}, match)
		if err == nil {
			err = f.rewrite(ctx)
		}
		f.close()
		if dropped += gone; err != nil {
			return dropped, held, err
		}
	}
	return dropped, held, nil
}

// drop removes entries of tables and tells what is left. match is asked outside of the file's
// transactions: it may take its time, and webhooks are spooled meanwhile.
func (f *file) drop(ctx context.Context, tables []string, before time.Time, match func(Entry) bool) (n int, left contents, err error) {
	for _, table := range tables {
		for after := int64(-1); ; {
			batch, last, err := f.some(ctx, table, after)
			if err != nil {
				return n, left, err
			}
			if len(batch) == 0 {
				break
			}
			after = last
			var gone []int64
			for _, one := range batch {
				if !before.IsZero() && one.at.Before(before) || match(one.Entry) {
					gone = append(gone, one.seq)
				}
			}
			if len(gone) == 0 {
				continue
			}
			if err := f.do(ctx, func(tx *sql.Tx) error {
				for _, seq := range gone {
					if _, err := tx.Exec("delete from "+table+" where seq = ?", seq); err != nil {
						return err
					}
				}
				return nil
			}, nil); err != nil {
				return n, left, err
			}
			n += len(gone)
		}
	}
	err = f.do(ctx, func(tx *sql.Tx) (err error) {
		left, err = count(tx)
		return err
	}, nil)
	return n, left, err
}

// kept is an entry with the time since which it is where it is.
type kept struct {
	Entry
	at time.Time
}

// some reads a few entries of a table after a place.
func (f *file) some(ctx context.Context, table string, after int64) (out []kept, last int64, err error) {
	at := "at"
	if table == "waiting" {
		at = "received"
	}
	err = f.do(ctx, func(tx *sql.Tx) error {
		out, last = out[:0], after
		rows, err := tx.Query("select seq, received, channel, inbox, body, "+at+" from "+table+" where seq > ? order by seq limit ?", after, batchEntries)
		if err != nil {
			return err
		}
		defer rows.Close()
		for left := batchBytes; left > 0 && rows.Next(); {
			var one kept
			var kind string
			var received, since int64
			if err := rows.Scan(&one.seq, &received, &kind, &one.Inbox, &one.Body, &since); err != nil {
				return err
			}
			one.Received, one.Channel, one.at, last = time.Unix(0, received), channel.Kind(kind), time.Unix(0, since), one.seq
			out = append(out, one)
			left -= len(one.Body)
		}
		return rows.Err()
	}, nil)
	if err != nil {
		return nil, after, err // out may still be written to
	}
	return out, last, nil
}

// rewrite writes the file anew without what was removed, and empties its log.
func (f *file) rewrite(ctx context.Context) error {
	if _, err := f.db.ExecContext(ctx, "vacuum"); err != nil {
		return disk(err)
	}
	_, err := f.db.ExecContext(ctx, "pragma wal_checkpoint(truncate)")
	return disk(err)
}
