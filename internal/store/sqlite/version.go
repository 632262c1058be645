package sqlite

import (
	"context"
	"fmt"
	"io/fs"
)

// Version returns the schema version of the file, and that which this program knows. It
// changes nothing.
func (db *DB) Version(ctx context.Context) (have, want int, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	if err := db.read.QueryRowContext(ctx, "pragma user_version").Scan(&have); err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	return have, len(files), nil
}
