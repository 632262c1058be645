package transfer

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/fault"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
)

// Move copies the database at path into a PostgreSQL that is migrated and empty, in one
// transaction. It leaves the file as it was. fault.Conflict when a server runs on the file,
// when the file is not of this program's version, or when the target, which errors call name,
// holds anything.
func Move(ctx context.Context, path string, db *postgres.DB, name string) (r Report, err error) {
	release, err := sqlite.Lock(path)
	if err != nil {
		return Report{}, err
	}
	defer release()
	from, err := look(ctx, path)
	if err != nil {
		return Report{}, err
	}
	defer from.close()
	dir, err := os.MkdirTemp("", "secretaria-move-")
	if err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(dir)
	if version, err := current(ctx, dir); err != nil {
		return Report{}, err
	} else if from.version != version {
		return Report{}, fault.New(fault.Conflict, fmt.Sprintf("%s has schema version %d, this program has %d: run secretaria migrate, or use the newer program", path, from.version, version))
	}
	if err := sound(ctx, from.tx); err != nil {
		return Report{}, fmt.Errorf("%s: %w", path, err)
	}
	err = db.Transaction(ctx, "move", pgx.TxOptions{}, func(tx pgx.Tx) error {
		boolean, err := match(ctx, tx, from.tables)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "lock table "+names(from.tables)+" in access exclusive mode"); err != nil {
			return err
		}
		for _, t := range from.tables {
			if t.name == "installation" { // made by whoever has opened the database; that of the people who move in counts
				if _, err := tx.Exec(ctx, "delete from "+quote(t.name)); err != nil {
					return err
				}
				continue
			}
			var filled bool
			if err := tx.QueryRow(ctx, "select exists (select 1 from "+quote(t.name)+")").Scan(&filled); err != nil {
				return err
			}
			if filled {
				return fault.New(fault.Conflict, fmt.Sprintf("%s has %s already: move into an empty database", name, t.name))
			}
		}
		if err := dropJobs(ctx, tx); err != nil {
			return err
		}
		r, err = fill(ctx, tx, from, boolean)
		return err
	})
	return r, err
}
