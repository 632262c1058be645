package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sqlitedriver "modernc.org/sqlite"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/store"
)

var errBad = driver.ErrBadConn

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// arrival is a webhook in which the n-th person says something under the key "n".
func arrival(text string, n int) store.Arrival {
	id := strconv.Itoa(n)
	return store.Arrival{
		Inbox: "vendas", Channel: channel.Whaticket, Now: noon, Correlation: "c", DedupeWindow: 5 * time.Minute,
		Quiet: conversation.Quiet{Window: 4 * time.Second, Max: 20 * time.Second},
		Events: []channel.Event{{
			Kind: channel.Received, Key: id, Chat: id, Content: conversation.Content{Kind: conversation.Text, Text: text},
			Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.RawNumber, Value: id}}, Name: "Maria"},
			Address: channel.Address{To: id},
		}},
	}
}

// hold keeps the writer busy until the returned function is called, so that what comes
// meanwhile waits in its queue.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.writer.do(context.Background(), func(transaction) error {
			once.Do(func() { close(begun) })
			<-end
			return nil
		})
		if err != nil {
			t.Errorf("holding step: %v", err)
		}
	})
	<-begun
	return func() {
		close(end)
		wg.Wait()
	}
}

// queued waits until n steps wait for the writer.
func queued(s *Store, n int) {
	for len(s.writer.steps) < n {
		runtime.Gosched()
	}
}

// commits counts the transactions of the writer.
func commits(t *testing.T, s *Store) *atomic.Int64 {
	t.Helper()
	n := new(atomic.Int64)
	conn, err := s.db.write.Conn(t.Context())
	if err != nil {
		t.Fatalf("Conn: %v", err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		c.(sqlitedriver.HookRegisterer).RegisterCommitHook(func() int32 {
			n.Add(1)
			return 0
		})
		return nil
	})
	if err != nil {
		t.Fatalf("RegisterCommitHook: %v", err)
	}
	return n
}

func TestGroupCommit(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	n := commits(t, s)
	release := hold(t, s)
	const callers = 100
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			if _, err := s.Receive(t.Context(), arrival("oi", i)); err != nil {
				t.Errorf("Receive: %v", err)
			}
		})
	}
	queued(s, callers)
	release()
	wg.Wait()
	if got := n.Load() - 1; got != 1 { // one is the holding step's
		t.Errorf("%d concurrent callers made %d commits, want 1", callers, got)
	}
	if got := count(t, s, "messages"); got != callers {
		t.Errorf("messages = %d, want %d", got, callers)
	}
}

func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	n := commits(t, s)
	release := hold(t, s)
	var wg sync.WaitGroup
	for i := range 3 * maxGroup {
		wg.Go(func() {
			if _, err := s.Receive(t.Context(), arrival("oi", i)); err != nil {
				t.Errorf("Receive: %v", err)
			}
		})
	}
	queued(s, 3*maxGroup)
	release()
	wg.Wait()
	if got := n.Load() - 1; got != 3 { // one is the holding step's
		t.Errorf("%d callers made %d commits, want 3", 3*maxGroup, got)
	}
}

func TestABrokenStepDisturbsNobody(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	broken := errors.New("broken")
	release := hold(t, s)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := s.Receive(t.Context(), arrival("oi", i)); err != nil {
				t.Errorf("neighbour: %v", err)
			}
		})
	}
	queued(s, 20)
	wg.Go(func() {
		err := s.do(t.Context(), "break", func(q session) error {
			if _, err := q.tx.Exec("delete from messages"); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) || fault.KindOf(err) != fault.Transient {
			t.Errorf("broken step = %v, want its own error, transient", err)
		}
	})
	queued(s, 21)
	wg.Go(func() {
		err := s.do(t.Context(), "break", func(q session) error {
			_, err := q.tx.Exec("insert into messages (id) values (1)")
			return err
		})
		if err == nil {
			t.Error("step that breaks a constraint = nil, want an error")
		}
	})
	wg.Go(func() {
		if err := s.Replay(t.Context(), "nope", noon); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("refused step = %v, want ErrNotFound", err)
		}
	})
	queued(s, 23)
	for i := range 20 {
		wg.Go(func() {
			if _, err := s.Receive(t.Context(), arrival("oi", 100+i)); err != nil {
				t.Errorf("neighbour: %v", err)
			}
		})
	}
	queued(s, 43)
	release()
	wg.Wait()
	if got := count(t, s, "messages"); got != 40 {
		t.Errorf("messages = %d, want 40", got)
	}
}

// What a step learns must not outlive the transaction that was rolled back under it.
func TestOwnIDIsLearntWithTheCommit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secretaria.db")
	s := open(t, path, nil)
	release := hold(t, s)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.do(t.Context(), "learn", func(q session) error { return q.learn("vendas", "9") })
		if err != nil {
			t.Errorf("learn: %v", err)
		}
	})
	queued(s, 1)
	wg.Go(func() {
		_ = s.do(t.Context(), "break", func(q session) error { return errors.New("broken") })
	})
	queued(s, 2)
	release()
	wg.Wait()
	if got := s.selfID("vendas"); got != "9" {
		t.Errorf("selfID = %q, want 9", got)
	}
	if got := open(t, path, nil).selfID("vendas"); got != "9" {
		t.Errorf("selfID after a restart = %q, want 9", got)
	}
}

func TestCancelledCallers(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil)
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Receive(ctx, arrival("oi", 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("Receive of a caller who left = %v, want %v", err, context.Canceled)
		}
	})
	wg.Go(func() {
		if _, err := s.Receive(t.Context(), arrival("oi", 2)); err != nil {
			t.Errorf("Receive of its neighbour: %v", err)
		}
	})
	queued(s, 2)
	cancel()
	release()
	wg.Wait()
	if got := count(t, s, "messages"); got != 1 {
		t.Errorf("messages = %d, want the neighbour's", got)
	}
	// A step that was begun is done, whatever becomes of its caller.
	ctx, cancel = context.WithCancel(t.Context())
	err := s.do(ctx, "beat", func(q session) error {
		cancel()
		_, err := q.exec("worker_beat", "a", 1, "", "", "")
		return err
	})
	if err != nil || count(t, s, "workers") != 1 {
		t.Errorf("step whose caller left = %v with %d rows, want it done", err, count(t, s, "workers"))
	}
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secretaria.db")
	db, err := Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	s, err := New(t.Context(), db, nil)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	release := hold(t, s)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := s.Receive(t.Context(), arrival("oi", i)); err != nil {
				t.Errorf("Receive: %v", err)
			}
		})
	}
	queued(s, 20)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for !isClosed(s) {
		runtime.Gosched()
	}
	if _, err := s.Receive(t.Context(), arrival("oi", 99)); fault.KindOf(err) != fault.Transient {
		t.Errorf("Receive while closing = %v, want a transient fault", err)
	}
	select {
	case err := <-closed:
		t.Fatalf("Close = %v before what was under way ended", err)
	default:
	}
	release()
	wg.Wait()
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if got := count(t, open(t, path, nil), "messages"); got != 20 {
		t.Errorf("messages after a restart = %d, want 20", got)
	}
}

func isClosed(s *Store) bool {
	s.writer.mu.RLock()
	defer s.writer.mu.RUnlock()
	return s.writer.closed
}

func count(t *testing.T, s *Store, table string) int {
	t.Helper()
	var n int
	if err := s.db.read.QueryRow("select count(*) from " + table).Scan(&n); err != nil {
		t.Fatalf("count %s: %v", table, err)
	}
	return n
}
