package command

import (
	"context"
	"errors"

	"secretaria/internal/app"
	"secretaria/internal/queue"
	"secretaria/internal/store/postgres"
	"secretaria/internal/transfer"
)

type restoreCmd struct {
	configFlag
	File      string `arg:"" help:"The backup." placeholder:"FILE"`
	Overwrite bool   `help:"Replace a database that has conversations: they are gone."`
	JSON      bool   `help:"Report as a JSON object."`
}

// Help implements kong.HelpProvider.
func (restoreCmd) Help() string {
	return `Into the configured database, with the servers stopped. The backup is checked first; either all of it is there in the end, or the database is as it was. A backup of an older version is brought up to this one on the way.

What waited to be answered or sent when the backup was made waits again, also what was sent since: with an old backup, see secretaria deliveries list before you connect the helpdesk.

Example:

	secretaria restore backup-2026-11-21.db

From a PostgreSQL back to a file, or the other way round, with another database than the one the backup was made of:

	DATABASE_URL=sqlite:data/secretaria.db secretaria restore backup-2026-11-21.db`
}

// Run restores.
func (c restoreCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	r, err := restore(ctx, cfg.Options, env.path(c.File), c.Overwrite)
	if err != nil {
		return err
	}
	if c.JSON {
		return env.json(copied{Database: databaseName(cfg.Options), File: c.File, Report: r})
	}
	env.table(r)
	env.printf("%s holds all of %s, and was checked\n", databaseName(cfg.Options), c.File)
	if r.Kept != "" {
		env.printf("the damaged database is kept as %s\n", r.Kept)
	}
	env.goesOn(r)
	return nil
}

func restore(ctx context.Context, o app.Options, file string, overwrite bool) (r transfer.Report, err error) {
	if o.Postgres.IsZero() {
		return transfer.RestoreSQLite(ctx, file, o.Database, overwrite)
	}
	db, err := postgres.Open(ctx, o.Postgres.Reveal())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := prepare(ctx, db); err != nil {
		return r, err
	}
	return transfer.RestorePostgres(ctx, file, db, databaseName(o), overwrite)
}

// prepare makes the tables in a PostgreSQL that has none. One of an older version is left
// alone: its servers may be running.
func prepare(ctx context.Context, db *postgres.DB) error {
	fresh, err := transfer.Fresh(ctx, db)
	if err != nil || !fresh {
		return err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return queue.MigratePostgres(ctx, db.Pool())
}
