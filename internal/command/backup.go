package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"secretaria/internal/app"
	"secretaria/internal/store/postgres"
	"secretaria/internal/transfer"
)

type backupCmd struct {
	configFlag
	File string `arg:"" help:"The file to make; one that exists is never overwritten." placeholder:"FILE"`
	JSON bool   `help:"Report as a JSON object."`
}

// Help implements kong.HelpProvider.
func (backupCmd) Help() string {
	return `Works beside a running server, and writes what the database holds at one moment. The file is a SQLite database of this program, whichever database it was made of, with a checksum for each table; secretaria restore brings it back into either. It holds everything that customers wrote: keep it where only you can read it.

Left out are the queue's jobs, which are made anew from the conversations, and the list of running workers. Also keep your .env and secretaria.yaml: they are not in it.

Example:

	secretaria backup backup-2026-11-21.db`
}

// copied is a report as it is printed.
type copied struct {
	Database string `json:"database"`
	File     string `json:"file,omitempty"`
	To       string `json:"to,omitempty"`
	transfer.Report
}

// Run backs up.
func (c backupCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	r, err := backup(ctx, cfg.Options, env.path(c.File))
	if err != nil {
		return err
	}
	if c.JSON {
		return env.json(copied{Database: databaseName(cfg.Options), File: c.File, Report: r})
	}
	env.table(r)
	env.printf("%s holds all of %s, and was checked\n", c.File, databaseName(cfg.Options))
	return nil
}

func backup(ctx context.Context, o app.Options, file string) (r transfer.Report, err error) {
	if o.Postgres.IsZero() {
		if _, err := os.Stat(o.Database); errors.Is(err, fs.ErrNotExist) {
			return r, fmt.Errorf("there is no database %s: name the right one in DATABASE_URL", o.Database)
		}
		return transfer.BackupSQLite(ctx, o.Database, file)
	}
	db, err := postgres.Open(ctx, o.Postgres.Reveal())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return transfer.BackupPostgres(ctx, db, file)
}

// path is a file that was named on the command line.
func (e *Env) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(e.Dir, file)
}

// table prints what was copied.
func (e *Env) table(r transfer.Report) {
	w := tabwriter.NewWriter(e.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TABLE\tROWS\tCHECKSUM")
	for _, t := range r.Tables {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%.16s\n", t.Name, t.Rows, t.Sum)
	}
	_ = w.Flush()
}

// goesOn says what happens once a server starts on a copy.
func (e *Env) goesOn(r transfer.Report) {
	if r.Mended > 0 {
		e.printf("%d texts had characters that PostgreSQL does not store; they were left out\n", r.Mended)
	}
	if r.Turns+r.Deliveries > 0 {
		e.printf("when a server starts, %d conversations are answered and %d deliveries are sent that were waiting then\n", r.Turns, r.Deliveries)
	}
}
