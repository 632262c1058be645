package postgres

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/pseudonym"
	"secretaria/internal/store"
	"secretaria/internal/store/forget"
)

// pseudonyms reads the key of the installation, makes it where there is none, and hashes what
// an earlier version has kept in plain words. Programs that start at once agree on one key.
func (s *Store) pseudonyms(ctx context.Context) error {
	return database("read key of the installation", pgx.BeginFunc(ctx, s.db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "insert into installation (name, value) values ('key', $1) on conflict do nothing", pseudonym.New().Text()); err != nil {
			return err
		}
		var text string
		err := tx.QueryRow(ctx, "select value from installation where name = 'key'").Scan(&text)
		if err != nil {
			return err
		}
		if s.key, err = pseudonym.Parse(text); err != nil {
			return err
		}
		for _, plain := range []struct{ find, clash, hash string }{
			{find: "select inbox, kind, value from identities where token = '' order by 1, 2, 3 for no key update skip locked",
				hash: "update identities set token = $4 where inbox = $1 and kind = $2 and value = $3"},
			{find: "select inbox, kind, value from opt_outs where kind not in ('contact', 'thread') and value not like '" + pseudonym.Prefix + "%' order by 1, 2, 3 for update skip locked",
				clash: "delete from opt_outs where inbox = $1 and kind = $2 and value = $3",
				hash:  "update opt_outs set value = $4 where inbox = $1 and kind = $2 and value = $3"},
		} {
			if err := s.hash(ctx, tx, plain.find, plain.clash, plain.hash); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *Store) hash(ctx context.Context, tx pgx.Tx, find, clash, hash string) error {
	rows, err := tx.Query(ctx, find)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (id person, err error) {
		err = r.Scan(&id.inbox, &id.kind, &id.value)
		return id, err
	})
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, id := range ids {
		token := forget.Token(s.key, id.inbox, channel.Identity{Kind: channel.IdentityKind(id.kind), Value: id.value})
		if clash != "" {
			batch.Queue(clash, id.inbox, id.kind, token)
		}
		batch.Queue(hash, id.inbox, id.kind, id.value, token)
	}
	return tx.SendBatch(ctx, batch).Close()
}

func (q *session) work() forget.Work {
	return forget.Work{Records: q.records(""), Key: q.s.key}
}

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
	err := s.do(ctx, "find people", func(q *session) (err error) {
		out, err = q.work().People(forget.InOrder(found), f.Inbox, cmp.Or(f.Limit, 100))
		return err
	})
	return out, err
}

// Dossier implements store.Store.
func (s *Store) Dossier(ctx context.Context, id conversation.ContactID) (d store.Dossier, err error) {
	err = s.do(ctx, "read dossier", func(q *session) (err error) {
		d, err = q.work().Dossier(id)
		return err
	})
	return d, err
}

// Erase implements store.Store.
func (s *Store) Erase(ctx context.Context, e store.Erasure) (out store.Erased, err error) {
	err = s.do(ctx, "erase contact", func(q *session) error {
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
	err = s.do(ctx, "look for erasure", func(q *session) (err error) {
		was, err = q.work().WasErased(inbox, ids, at)
		return err
	})
	return was, err
}

// jobs is how the jobs of a conversation are removed; nil where the queue has no tables yet.
func (q *session) jobs() (forget.Jobs, error) {
	var there bool
	if _, err := q.one("jobs_there", nil, &there); err != nil || !there {
		return nil, err
	}
	return func(id conversation.ID) (int64, error) { return q.exec("jobs_erase", int64(id)) }, nil
}

// Sweep implements store.Store.
func (s *Store) Sweep(ctx context.Context, w store.Sweep) (out store.Swept, err error) {
	err = s.do(ctx, "sweep", func(q *session) error {
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
	return s.do(ctx, "note act", func(q *session) error { return q.work().Note(a) })
}

// Acts implements store.Store.
func (s *Store) Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error) {
	subject := ""
	if f.Person.Value != "" {
		subject = forget.Subject(s.key, f.Person)
	}
	return list(ctx, s, "list audit", "audit_list", forget.ScanAct, f.Action, subject, cmp.Or(f.Limit, 100))
}

// Scrub implements store.Store: it vacuums what may have had rows of people in it, so that the
// server writes over them. What lies in the server's log, in its archive and in backups is
// the administrator's; VACUUM FULL, which locks whole tables, rewrites their files.
func (s *Store) Scrub(ctx context.Context) error {
	if !s.enter() {
		return errClosed
	}
	defer s.leave()
	conn, err := s.db.pool.Acquire(ctx)
	if err != nil {
		return database("vacuum", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "set statement_timeout = 0"); err != nil {
		return database("vacuum", err)
	}
	_, err = conn.Exec(ctx, "vacuum attempts, deliveries, firings, turns, memories, leads, messages, conversations, profiles, identities, contacts, opt_outs")
	if _, rerr := conn.Exec(context.WithoutCancel(ctx), "reset statement_timeout"); err == nil {
		err = rerr
	}
	return database("vacuum", err)
}
