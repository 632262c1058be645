package sqlite

import (
	"context"
	"database/sql"
	"errors"
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
		if err := s.db.clear(); err != nil {
			t.Errorf("empty the store: %v", err)
			return
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

// clear leaves the tables, and nothing in them.
func (db *DB) clear() error {
	rows, err := db.write.Query("select name from pragma_table_list where schema = 'main' and type in ('table', 'virtual') and name <> 'sqlite_schema'")
	if err != nil {
		return err
	}
	defer rows.Close()
	queries := []string{"pragma foreign_keys = 0"}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		queries = append(queries, "delete from "+name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, q := range append(queries, "pragma foreign_keys = 1") {
		if _, err := db.write.Exec(q); err != nil {
			return err
		}
	}
	return nil
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
