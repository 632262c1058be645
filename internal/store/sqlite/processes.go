package sqlite

import (
	"context"
	"errors"
	"time"

	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Beat implements store.Store.
func (s *Store) Beat(ctx context.Context, p store.Process, now time.Time) error {
	parts, err := row.ProcessParts(p.Parts)
	if err != nil {
		return err
	}
	return s.do(ctx, "beat", func(q session) error {
		if _, err := q.exec("worker_beat", p.ID, row.Millis(now), p.Role, p.Version, parts); err != nil {
			return err
		}
		_, err := q.exec("worker_forget", row.Millis(now.Add(-24*time.Hour)))
		return err
	})
}

// Leave implements store.Store.
func (s *Store) Leave(ctx context.Context, id string) error {
	return s.do(ctx, "leave", func(q session) error {
		_, err := q.exec("worker_leave", id)
		return err
	})
}

// Workers implements store.Store.
func (s *Store) Workers(ctx context.Context, since time.Time) (int, time.Time, error) {
	var n int
	var at int64
	err := s.queryOne(ctx, "worker_count", []any{row.Millis(since)}, func(sc row.Scanner) error { return sc.Scan(&n, &at) })
	return n, row.Time(at), database("count workers", err)
}

// Processes implements store.Store.
func (s *Store) Processes(ctx context.Context, since time.Time) (found []store.Process, err error) {
	rows, err := s.query(ctx, "worker_list", row.Millis(since))
	if err != nil {
		return nil, database("list processes", err)
	}
	defer func() { err = errors.Join(err, database("list processes", rows.Close())) }()
	for rows.Next() {
		p, err := row.ScanProcess(rows)
		if err != nil {
			return nil, database("list processes", err)
		}
		found = append(found, p)
	}
	return found, database("list processes", rows.Err())
}

// Seal implements store.Store.
func (s *Store) Seal(_ context.Context, digests map[string][]byte) (map[string]string, error) {
	return row.Sealed(s.key, digests), nil
}
