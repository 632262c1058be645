package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Oldest implements store.Store.
func (s *Store) Oldest(ctx context.Context, now time.Time) (turn, delivery time.Time, err error) {
	var t, d int64
	_, err = s.readOne(ctx, "find oldest", "oldest", []any{row.Millis(now)}, &t, &d)
	return row.Time(t), row.Time(d), err
}

// Census implements store.Store.
func (s *Store) Census(ctx context.Context, now time.Time) (c store.Census, err error) {
	err = s.read(ctx, "take census", "census", []any{row.Millis(now)}, func(rows pgx.Rows) (err error) {
		c, err = row.Census(rows)
		return err
	})
	return c, err
}
