package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	empty := template(t)
	storetest.Run(t, func(t *testing.T, jobs *storetest.Jobs) store.Store {
		path := filepath.Join(t.TempDir(), "secretaria.db")
		if err := os.WriteFile(path, empty, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, path, noting(jobs))
	})
}

// template is a migrated file without a row: migrating takes longer than most cases do.
func template(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.db")
	db, err := Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	// Closing writes the log back into the file.
	if err := db.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// noting is an Enqueue that notes the jobs.
func noting(jobs *storetest.Jobs) Enqueue {
	return func(_ context.Context, _ *sql.Tx, lane job.Lane, claims []job.Claim) error {
		for _, c := range claims {
			jobs.Add(lane, c.Conversation, c.Fence)
		}
		return nil
	}
}

// open opens and migrates a store that is closed with the test.
func open(t testing.TB, path string, enqueue Enqueue) *Store {
	t.Helper()
	db, err := Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	s, err := New(t.Context(), db, enqueue)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
