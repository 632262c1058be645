package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Beat implements store.Store.
func (s *Store) Beat(ctx context.Context, p store.Process, now time.Time) error {
	parts, err := row.ProcessParts(p.Parts)
	if err != nil {
		return err
	}
	return s.do(ctx, "beat", func(q *session) error {
		q.later("worker_beat", p.ID, row.Millis(now), p.Role, p.Version, parts)
		q.later("worker_forget", row.Millis(now.Add(-24*time.Hour)))
		return nil
	})
}

// Leave implements store.Store.
func (s *Store) Leave(ctx context.Context, id string) error {
	return s.do(ctx, "leave", func(q *session) error {
		q.later("worker_leave", id)
		return nil
	})
}

// Workers implements store.Store.
func (s *Store) Workers(ctx context.Context, since time.Time) (int, time.Time, error) {
	var n int
	var at int64
	_, err := s.readOne(ctx, "count workers", "worker_count", []any{row.Millis(since)}, &n, &at)
	return n, row.Time(at), err
}

// Processes implements store.Store.
func (s *Store) Processes(ctx context.Context, since time.Time) ([]store.Process, error) {
	var found []store.Process
	err := s.read(ctx, "list processes", "worker_list", []any{row.Millis(since)}, func(rows pgx.Rows) error {
		p, err := row.ScanProcess(rows)
		found = append(found, p)
		return err
	})
	return found, err
}

// Seal implements store.Store.
func (s *Store) Seal(_ context.Context, digests map[string][]byte) (map[string]string, error) {
	return row.Sealed(s.key, digests), nil
}
