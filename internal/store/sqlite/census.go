package sqlite

import (
	"context"
	"time"

	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Oldest implements store.Store.
func (s *Store) Oldest(ctx context.Context, now time.Time) (turn, delivery time.Time, err error) {
	var t, d int64
	err = s.queryOne(ctx, "oldest", []any{row.Millis(now)}, func(sc row.Scanner) error { return sc.Scan(&t, &d) })
	return row.Time(t), row.Time(d), database("find oldest", err)
}

// Census implements store.Store.
func (s *Store) Census(ctx context.Context, now time.Time) (c store.Census, err error) {
	err = s.queryOne(ctx, "census", []any{row.Millis(now)}, func(sc row.Scanner) (err error) {
		c, err = row.Census(sc)
		return err
	})
	return c, database("take census", err)
}
