package command

import (
	"context"
	"errors"
	"fmt"

	"secretaria/internal/app"
	"secretaria/internal/queue"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
)

type migrateCmd struct{ configFlag }

// Help implements kong.HelpProvider.
func (migrateCmd) Help() string {
	return `The database file is created where there is none. A server does the same when it starts; stop it first, on PostgreSQL it need not be. Nothing happens the second time.

Example:

	DATABASE_URL=sqlite:data/secretaria.db secretaria migrate`
}

// Run migrates.
func (c migrateCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	if !cfg.Options.Postgres.IsZero() {
		return migratePostgres(ctx, env, cfg.Options)
	}
	return migrateSQLite(ctx, env, cfg.Options.Database)
}

func migratePostgres(ctx context.Context, env *Env, o app.Options) (err error) {
	db, err := postgres.Open(ctx, o.Postgres.Reveal())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	to, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	if err := queue.MigratePostgres(ctx, db.Pool()); err != nil {
		return err
	}
	env.printf("%s is at version %d\n", databaseName(o), to)
	return nil
}

func migrateSQLite(ctx context.Context, env *Env, path string) (err error) {
	db, err := sqlite.Open(ctx, path, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// A server of an older version must not find its tables changed under it.
	release, err := sqlite.Lock(path)
	if err != nil {
		return err
	}
	defer release()
	var from int
	if err := db.Writer().QueryRowContext(ctx, "pragma user_version").Scan(&from); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	to, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	if err := queue.MigrateSQLite(ctx, db.Writer()); err != nil {
		return err
	}
	switch from {
	case to:
		env.printf("%s is at version %d already\n", path, to)
	case 0:
		env.printf("%s is new, and at version %d now\n", path, to)
	default:
		env.printf("%s went from version %d to %d\n", path, from, to)
	}
	return nil
}
