package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/pseudonym"
	"secretaria/internal/store"
	"secretaria/internal/store/forget"
)

// pseudonyms reads the key of the installation, makes it where there is none, and hashes what
// an earlier version has kept in plain words. On a database that has it all it only reads.
func pseudonyms(ctx context.Context, db *sql.DB) (key pseudonym.Key, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return key, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says so, before it the first error counts
	var text string
	err = tx.QueryRowContext(ctx, "select value from installation where name = 'key'").Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		text = pseudonym.New().Text()
		_, err = tx.ExecContext(ctx, "insert into installation (name, value) values ('key', $1)", text)
	}
	if err != nil {
		return key, err
	}
	if key, err = pseudonym.Parse(text); err != nil {
		return key, err
	}
	for _, plain := range []struct{ find, hash string }{
		{"select inbox, kind, value from identities where token = ''", "update identities set token = $4 where inbox = $1 and kind = $2 and value = $3"},
		{"select inbox, kind, value from opt_outs where kind not in ('contact', 'thread') and value not like '" + pseudonym.Prefix + "%'",
			"update or replace opt_outs set value = $4 where inbox = $1 and kind = $2 and value = $3"},
	} {
		ids, err := plainly(ctx, tx, plain.find)
		if err != nil {
			return key, err
		}
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, plain.hash, id[0], id[1], id[2], forget.Token(key, id[0], channel.Identity{Kind: channel.IdentityKind(id[1]), Value: id[2]})); err != nil {
				return key, err
			}
		}
	}
	return key, tx.Commit()
}

func plainly(ctx context.Context, tx *sql.Tx, query string) (out [][3]string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id [3]string
		if err := rows.Scan(&id[0], &id[1], &id[2]); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

func (q session) work() forget.Work { return forget.Work{Records: &records{session: q}, Key: q.s.key} }

// People implements store.Store.
func (s *Store) People(ctx context.Context, f store.PersonFilter) ([]store.Person, error) {
	found := map[conversation.ContactID]bool{}
	if f.Contact != 0 {
		found[f.Contact] = true
	}
	look := func(query string, fits func(forget.Name) bool, args ...any) error {
		names, err := list(ctx, s, "find people", query, forget.ScanName, args...)
		for _, n := range names {
			if fits(n) {
				found[n.Contact] = true
			}
		}
		return err
	}
	if err := forget.Search(f, look); err != nil {
		return nil, err
	}
	var out []store.Person
	err := s.do(ctx, "find people", func(q session) (err error) {
		out, err = q.work().People(forget.InOrder(found), f.Inbox, cmp.Or(f.Limit, 100))
		return err
	})
	return out, err
}

// Dossier implements store.Store.
func (s *Store) Dossier(ctx context.Context, id conversation.ContactID) (d store.Dossier, err error) {
	err = s.do(ctx, "read dossier", func(q session) (err error) {
		d, err = q.work().Dossier(id)
		return err
	})
	return d, err
}

// Erase implements store.Store.
func (s *Store) Erase(ctx context.Context, e store.Erasure) (out store.Erased, err error) {
	err = s.do(ctx, "erase contact", func(q session) (err error) {
		jobs, err := q.jobs()
		if err != nil {
			return err
		}
		out, err = q.work().Erase(e, jobs)
		return err
	})
	return out, err
}

// WasErased implements store.Store.
func (s *Store) WasErased(ctx context.Context, inbox string, ids []channel.Identity, at time.Time) (was bool, err error) {
	err = s.do(ctx, "look for erasure", func(q session) (err error) {
		was, err = q.work().WasErased(inbox, ids, at)
		return err
	})
	return was, err
}

// jobs is how the jobs of a conversation are removed; nil where the queue has no tables yet.
func (q session) jobs() (forget.Jobs, error) {
	var n int
	if err := q.tx.QueryRowContext(q.ctx, "select count(*) from sqlite_schema where type = 'table' and name = 'river_job'").Scan(&n); err != nil || n == 0 {
		return nil, err
	}
	return func(id conversation.ID) (int64, error) {
		res, err := q.tx.ExecContext(q.ctx, "delete from river_job where state <> 'running' and json_extract(args, '$.conversation') = $1", int64(id))
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}, nil
}

// Sweep implements store.Store.
func (s *Store) Sweep(ctx context.Context, w store.Sweep) (out store.Swept, err error) {
	err = s.do(ctx, "sweep", func(q session) (err error) {
		jobs, err := q.jobs()
		if err != nil {
			return err
		}
		out, err = q.work().Sweep(w, jobs)
		return err
	})
	return out, err
}

// Note implements store.Store.
func (s *Store) Note(ctx context.Context, a store.Act) error {
	return s.do(ctx, "note act", func(q session) error { return q.work().Note(a) })
}

// Acts implements store.Store.
func (s *Store) Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error) {
	subject := ""
	if f.Person.Value != "" {
		subject = forget.Subject(s.key, f.Person)
	}
	return list(ctx, s, "list audit", "audit_list", forget.ScanAct, f.Action, subject, cmp.Or(f.Limit, 100))
}

// Scrub implements store.Store: the file is written anew, without what was removed, and its
// log is emptied. Copies that the file system keeps are out of its reach.
func (s *Store) Scrub(ctx context.Context) error {
	if _, err := s.db.write.ExecContext(ctx, "vacuum"); err != nil {
		return database("vacuum", err)
	}
	for {
		var busy, log, moved int
		if err := s.db.write.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &log, &moved); err != nil {
			return database("empty log", err)
		}
		if busy == 0 {
			return nil
		}
		// Somebody reads what was there before, and ends soon.
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Transient, "database", fmt.Errorf("empty log: somebody reads: %w", ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
