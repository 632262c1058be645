package postgres

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	emptied := &emptied{parent: t}
	storetest.Run(t, func(t *testing.T, jobs *storetest.Jobs) store.Store {
		return open(t, emptied.take(t), noting(jobs))
	}, storetest.Shared)
}

// emptied hands out migrated schemas again once a test is done with one: making the files
// of a schema takes longer than most tests do.
type emptied struct {
	parent *testing.T
	mu     sync.Mutex
	free   []string
}

const empty = `delete from attempts; delete from deliveries; delete from messages; delete from turns; delete from firings; delete from leads; delete from memories; delete from conversations;
delete from profiles; delete from opt_outs;
delete from identities; delete from contacts; delete from inboxes; delete from workers; delete from forgotten; delete from erased; delete from audit;
select setval(pg_get_serial_sequence(t, c), 1, false) from (values ('contacts', 'id'), ('conversations', 'id'), ('messages', 'id'), ('turns', 'id'), ('deliveries', 'seq'), ('audit', 'id')) as s (t, c)`

func (e *emptied) take(t *testing.T) string {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var url string
	if n := len(e.free); n > 0 {
		url, e.free = e.free[n-1], e.free[:n-1]
	} else {
		url = postgrestest.URL(e.parent)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Errorf("connect: %v", err)
			return
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), empty, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Errorf("empty the schema: %v", err)
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.free = append(e.free, url)
	})
	return url
}

// noting is an Enqueue that notes the jobs.
func noting(jobs *storetest.Jobs) Enqueue {
	return func(_ context.Context, _ pgx.Tx, lane job.Lane, claims []job.Claim) error {
		for _, c := range claims {
			jobs.Add(lane, c.Conversation, c.Fence)
		}
		return nil
	}
}

// open opens and migrates a store that is closed with the test.
func open(t testing.TB, url string, enqueue Enqueue) *Store {
	t.Helper()
	db, err := Open(t.Context(), url)
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
