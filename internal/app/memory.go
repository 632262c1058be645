package app

import (
	"context"

	"secretaria/internal/queue"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
)

// openStore opens the configured database, migrates it, and puts the queue on it.
func (a *App) openStore(ctx context.Context) error {
	cfg := a.o.Queue
	cfg.Logger = a.log
	a.store = &memory{}
	if a.o.Postgres.IsZero() {
		a.database = "sqlite"
		return a.openSQLite(ctx, cfg)
	}
	a.database = "postgres"
	a.onStop("store", func(context.Context) error { return a.store.Close() })
	err := a.openPostgres(ctx, cfg)
	if err == nil || !a.mayServeWithout(err) {
		return err
	}
	a.log.Warn("database cannot be reached: webhooks go to the spool until it can", "error", err.Error())
	a.later = &later{open: func(ctx context.Context) error { return a.openPostgres(ctx, cfg) }}
	return nil
}

func (a *App) openSQLite(ctx context.Context, cfg queue.Config) error {
	db, err := sqlite.Open(ctx, a.o.Database, false)
	if err != nil {
		return err
	}
	owned := false
	defer func() {
		if !owned {
			db.Close()
		}
	}()
	release, err := sqlite.Lock(a.o.Database)
	if err != nil {
		return err
	}
	a.onStop("database lock", func(context.Context) error { release(); return nil })
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	if err := queue.MigrateSQLite(ctx, db.Writer()); err != nil {
		return err
	}
	q, enqueue, err := queue.SQLite(db.Writer(), cfg)
	if err != nil {
		return err
	}
	st, err := sqlite.New(ctx, db, enqueue)
	if err != nil {
		return err
	}
	owned = true
	a.queue.queue.Store(q)
	a.store.set(st)
	a.onStop("store", func(context.Context) error { return a.store.Close() })
	return nil
}

func (a *App) openPostgres(ctx context.Context, cfg queue.Config) error {
	db, err := postgres.Open(ctx, a.o.Postgres.Reveal())
	if err != nil {
		return err
	}
	owned := false
	defer func() {
		if !owned {
			db.Close()
		}
	}()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	if err := queue.MigratePostgres(ctx, db.Pool()); err != nil {
		return err
	}
	q, enqueue, err := queue.Postgres(db.Pool(), cfg)
	if err != nil {
		return err
	}
	st, err := postgres.New(ctx, db, enqueue)
	if err != nil {
		return err
	}
	owned = true
	a.queue.queue.Store(q)
	a.store.set(st)
	return nil
}
