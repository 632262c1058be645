package postgrestest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A kept cluster is started as it was left.
func TestKeptFolder(t *testing.T) {
	t.Parallel()
	top, err := os.MkdirTemp("", "pgkept-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	if err := os.Chmod(top, 0o755); err != nil { // the server runs as somebody else
		t.Fatal(err)
	}
	folder := filepath.Join(top, "cluster")
	first := StartWith(t, Options{Folder: folder})
	if err := first.run(t.Context(), "create table kept as select 42 as v"); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	second := StartWith(t, Options{Folder: folder})
	conn, err := pgx.Connect(t.Context(), second.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var got int
	if err := conn.QueryRow(t.Context(), "select v from kept").Scan(&got); err != nil || got != 42 {
		t.Errorf("the kept table has %d, %v, want 42", got, err)
	}
	second.Stop()
	if _, err := os.Stat(filepath.Join(folder, "data", "PG_VERSION")); err != nil {
		t.Errorf("after Stop: %v, want the cluster kept", err)
	}
}
