package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	pool := &pool{parent: t, empty: template(t)}
	storetest.Run(t, func(t *testing.T, jobs *storetest.Jobs) store.Store { return pool.take(t, jobs) })
}

// pool hands out stores again, emptied, once a case is done with one: opening a store takes
// longer than most cases do.
type pool struct {
	parent *testing.T
	empty  []byte

	mu   sync.Mutex
	made int
	free []*pooled
}

type pooled struct {
	*Store
	jobs atomic.Pointer[storetest.Jobs]
}

func (p *pool) take(t *testing.T, jobs *storetest.Jobs) store.Store {
	t.Helper()
	s := p.spare()
	if s == nil {
		p.mu.Lock()
		p.made++
		path := filepath.Join(p.parent.TempDir(), "store"+strconv.Itoa(p.made)+".db")
		p.mu.Unlock()
		if err := os.WriteFile(path, p.empty, 0o600); err != nil {
			t.Fatal(err)
		}
		s = &pooled{}
		s.Store = open(p.parent, path, func(ctx context.Context, tx *sql.Tx, lane job.Lane, claims []job.Claim) error {
			return noting(s.jobs.Load())(ctx, tx, lane, claims)
		})
	}
	s.jobs.Store(jobs)
	t.Cleanup(func() {
		for _, table := range []string{"attempts", "deliveries", "messages", "turns", "conversations", "identities", "contacts", "inboxes", "workers", "sqlite_sequence"} {
			if _, err := s.db.write.Exec("delete from " + table); err != nil {
				t.Errorf("empty the store: %v", err)
				return
			}
		}
		s.selfMu.Lock()
		clear(s.self)
		s.selfMu.Unlock()
		p.mu.Lock()
		p.free = append(p.free, s)
		p.mu.Unlock()
	})
	return s
}

func (p *pool) spare() *pooled {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return nil
	}
	s := p.free[n-1]
	p.free = p.free[:n-1]
	return s
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
