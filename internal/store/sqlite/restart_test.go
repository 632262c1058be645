package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/storetest"
)

// answer lets a person write and decides a reply; it returns the job of its delivery.
func answer(ctx context.Context, s *Store, n int, text string) (job.Deliver, conversation.DeliveryID, error) {
	rs, err := s.Receive(ctx, arrival("oi", n))
	if err != nil {
		return job.Deliver{}, "", err
	}
	id, now := rs[0].Conversation, noon.Add(time.Minute)
	if _, _, err := s.Dispatch(ctx, job.Turns, now, 1000, time.Hour); err != nil {
		return job.Deliver{}, "", err
	}
	t, err := s.BeginTurn(ctx, job.Turn{Conversation: id, Fence: 1}, now, time.Hour, 10)
	if err != nil {
		return job.Deliver{}, "", err
	}
	o := channel.Order{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: channel.Say, Text: text}
	err = s.Decide(ctx, store.Decision{Conversation: id, Fence: t.Fence, Epoch: t.Conversation.State.Epoch, Revision: t.Conversation.Revision,
		Through: t.Pending[len(t.Pending)-1].ID, Orders: []channel.Order{o}, Now: now, Lease: time.Hour})
	return job.Deliver{Conversation: id, Fence: 1}, o.Delivery, err
}

// die takes the next delivery and lets it fail for good.
func die(ctx context.Context, s *Store, j job.Deliver) error {
	d, err := s.NextDelivery(ctx, j, noon.Add(time.Minute), time.Hour)
	if err != nil {
		return err
	}
	return s.FinishAttempt(ctx, store.Attempt{Delivery: d.ID, Conversation: d.Conversation, Fence: j.Fence, Number: d.Attempts,
		Outcome: store.AttemptFailed, Now: noon.Add(time.Minute), Cause: "gone", HandOver: conversation.ByFailure})
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
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
	for n := range 3 {
		j, _, err := answer(t.Context(), s, n, "Olá")
		if err != nil {
			t.Fatalf("answer: %v", err)
		}
		if n == 1 {
			if err := die(t.Context(), s, j); err != nil {
				t.Fatalf("die: %v", err)
			}
		}
	}
	type all struct {
		Conversation store.Conversation
		Transcript   []conversation.Message
		Deliveries   []store.Delivery
	}
	read := func(s *Store) (out []all) {
		for id := range conversation.ID(3) {
			c, err1 := s.Conversation(t.Context(), id+1)
			ms, err2 := s.Transcript(t.Context(), id+1, 10)
			ds, err3 := s.Deliveries(t.Context(), store.Filter{Conversation: id + 1})
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatalf("read: %v", err)
			}
			out = append(out, all{c, ms, ds})
		}
		return out
	}
	before := read(s)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is still there after Close: %v", err)
	}
	again := open(t, path, nil)
	if diff := cmp.Diff(before, read(again)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	rs, err := again.Receive(t.Context(), arrival("oi", 1))
	if err != nil || !rs[0].Duplicate {
		t.Errorf("repeat after a restart = %+v, %v, want a duplicate", rs, err)
	}
}

// The command line works on the file of a running server.
func TestASecondStoreBesideAServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secretaria.db")
	jobs := &storetest.Jobs{}
	server := open(t, path, noting(jobs))
	j, id, err := answer(t.Context(), server, 1, "Olá")
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	if err := die(t.Context(), server, j); err != nil {
		t.Fatalf("die: %v", err)
	}
	if _, err := server.NextDelivery(t.Context(), j, noon.Add(time.Minute), time.Hour); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("NextDelivery = %v, want ErrNotFound", err)
	}
	var busy sync.WaitGroup
	stop := make(chan struct{})
	for g := range 4 {
		busy.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := server.Receive(t.Context(), arrival("oi", 1000*(g+1)+n)); err != nil {
					t.Errorf("Receive of the server: %v", err)
					return
				}
			}
		})
	}
	cli := open(t, path, nil)
	ds, err := cli.Deliveries(t.Context(), store.Filter{Status: store.FailedPermanent})
	if err != nil || len(ds) != 1 || ds[0].ID != id {
		t.Errorf("Deliveries of the second store = %+v, %v, want %s", ds, err, id)
	}
	if err := cli.Replay(t.Context(), id, noon.Add(time.Hour)); err != nil {
		t.Errorf("Replay of the second store: %v", err)
	}
	close(stop)
	busy.Wait()
	if n, _, err := server.Dispatch(t.Context(), job.Deliveries, noon.Add(time.Hour), 10, time.Minute); n != 1 || err != nil {
		t.Errorf("Dispatch of the server after a replay elsewhere = %d, %v, want 1", n, err)
	}
}

func TestAFailedEnqueueUndoesTheClaim(t *testing.T) {
	t.Parallel()
	broken := true
	jobs := &storetest.Jobs{}
	s := open(t, filepath.Join(t.TempDir(), "secretaria.db"), func(ctx context.Context, tx *sql.Tx, lane job.Lane, claims []job.Claim) error {
		if broken {
			return errors.New("no queue")
		}
		return noting(jobs)(ctx, tx, lane, claims)
	})
	rs, err := s.Receive(t.Context(), arrival("oi", 1))
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	id, now := rs[0].Conversation, noon.Add(time.Minute)
	if n, _, err := s.Dispatch(t.Context(), job.Turns, now, 10, time.Minute); n != 0 || err == nil {
		t.Errorf("Dispatch with a broken queue = %d, %v, want an error", n, err)
	}
	broken = false
	if n, _, err := s.Dispatch(t.Context(), job.Turns, now, 10, time.Minute); n != 1 || err != nil {
		t.Errorf("Dispatch after it = %d, %v, want 1", n, err)
	}
	turn, err := s.BeginTurn(t.Context(), job.Turn{Conversation: id, Fence: 1}, now, time.Minute, 10)
	if err != nil {
		t.Fatalf("BeginTurn with the first fence: %v", err)
	}
	d := store.Decision{Conversation: id, Fence: turn.Fence, Revision: turn.Conversation.Revision, Through: turn.Pending[0].ID, Now: now, Lease: time.Minute,
		Orders: []channel.Order{{Delivery: "d1", Kind: channel.Say, Text: "Olá"}}}
	broken = true
	if err := s.Decide(t.Context(), d); err == nil {
		t.Error("Decide with a broken queue = nil, want an error")
	}
	if n := count(t, s, "deliveries"); n != 0 {
		t.Errorf("deliveries after a failed Decide = %d, want 0", n)
	}
	broken = false
	if err := s.Decide(t.Context(), d); err != nil {
		t.Errorf("Decide after it: %v", err)
	}
}

// crashFile tells the test binary that it is the child that is going to be killed.
const crashFile = "SECRETARIA_TEST_CRASH_FILE"

func TestKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a process")
	}
	for round := range 2 {
		path := filepath.Join(t.TempDir(), "secretaria.db")
		messages, decided := crash(t, path, 100+150*round)
		s := open(t, path, nil)
		var ok string
		if err := s.db.read.QueryRow("pragma integrity_check").Scan(&ok); err != nil || ok != "ok" {
			t.Errorf("integrity_check = %q, %v, want ok", ok, err)
		}
		for _, n := range messages {
			rs, err := s.Receive(t.Context(), arrival("oi", n))
			if err != nil || !rs[0].Duplicate {
				t.Errorf("message %d was acknowledged and is lost: %+v, %v", n, rs, err)
			}
		}
		for _, id := range decided {
			if ds, err := s.Deliveries(t.Context(), store.Filter{ID: conversation.DeliveryID(id)}); err != nil || len(ds) != 1 {
				t.Errorf("delivery %s was decided and is lost: %d, %v", id, len(ds), err)
			}
		}
		if len(messages) == 0 || len(decided) == 0 {
			t.Errorf("child acknowledged %d messages and decided %d, want some of each", len(messages), len(decided))
		}
		// Everything that the dead process held goes on.
		if err := s.Recover(t.Context(), noon.Add(time.Minute)); err != nil {
			t.Errorf("Recover: %v", err)
		}
		if n, _, err := s.Dispatch(t.Context(), job.Deliveries, noon.Add(time.Minute), 10000, time.Minute); n < len(decided) || err != nil {
			t.Errorf("Dispatch after a crash = %d, %v, want at least the %d decided", n, err, len(decided))
		}
	}
}

// crash lets a child work on the file and kills it after so many acknowledgements.
func crash(t *testing.T, path string, after int) (messages []int, decided []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("Executable: %v", err)
	}
	cmd := exec.Command(self, "-test.run=^TestKilledChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("StdoutPipe: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	defer func() { _ = cmd.Wait() }()
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return messages, decided // a line without an end was never acknowledged
		}
		switch word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "stored":
			n, err := strconv.Atoi(rest)
			if err != nil {
				t.Fatalf("child said %q", line)
			}
			messages = append(messages, n)
		case "decided":
			decided = append(decided, rest)
		default:
			t.Logf("child: %s", line)
		}
		if len(messages)+len(decided) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatalf("Kill: %v", err)
			}
		}
	}
}

// TestKilledChild is the child of TestKilled: it stores and decides until it is killed,
// and says what was acknowledged.
func TestKilledChild(t *testing.T) {
	path := os.Getenv(crashFile)
	if path == "" {
		t.Skip("is the child of TestKilled")
	}
	s := open(t, path, nil)
	var out sync.Mutex
	say := func(format string, args ...any) {
		line := fmt.Sprintf(format+"\n", args...)
		out.Lock()
		defer out.Unlock()
		_, _ = os.Stdout.WriteString(line)
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for n := g * 1_000_000; ; n++ {
				if n%2 == 0 {
					if _, err := s.Receive(t.Context(), arrival("oi", n)); err != nil {
						say("Receive: %v", err)
						return
					}
					say("stored %d", n)
					continue
				}
				_, id, err := answer(t.Context(), s, n, "Olá")
				if err != nil {
					say("answer: %v", err)
					return
				}
				say("decided %s", id)
			}
		})
	}
	wg.Wait()
}
