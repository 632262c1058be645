package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/queue"
	"secretaria/internal/store"
	"secretaria/internal/store/sqlite"
)

// long is for what must not happen within a test.
const long = time.Hour

// bundle is a queue on a real database.
type bundle struct {
	s  *sqlite.Store
	q  *queue.Queue
	db *sql.DB
}

func build(t *testing.T, path string, cfg queue.Config) *bundle {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	if err := queue.MigrateSQLite(t.Context(), db.Writer()); err != nil {
		t.Fatalf("queue.Migrate: %v", err)
	}
	if cfg.Lease == 0 {
		cfg.Lease = long
	}
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	q, enqueue, err := queue.SQLite(db.Writer(), cfg)
	if err != nil {
		t.Fatalf("queue.New: %v", err)
	}
	s, err := sqlite.New(t.Context(), db, enqueue)
	if err != nil {
		t.Fatalf("sqlite.New: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &bundle{s: s, q: q, db: db.Writer()}
}

func fresh(t *testing.T) string { return filepath.Join(t.TempDir(), "secretaria.db") }

func (b *bundle) start(t *testing.T, h queue.Handlers) {
	t.Helper()
	if h.Turn == nil {
		h.Turn = b.turn("Olá")
	}
	if h.Deliver == nil {
		h.Deliver = b.deliver
	}
	if err := b.q.Start(t.Context(), b.s, h); err != nil {
		t.Fatalf("Start: %v", err)
	}
}

// write lets the n-th person say something that is due after the window.
func (b *bundle) write(t *testing.T, n int, window time.Duration) conversation.ID {
	t.Helper()
	id := strconv.Itoa(n)
	rs, err := b.s.Receive(t.Context(), store.Arrival{
		Inbox: "vendas", Channel: channel.Whaticket, Now: time.Now(), Quiet: conversation.Quiet{Window: window},
		Events: []channel.Event{{Kind: channel.Received, Key: uuid.NewString(), Chat: id, Content: conversation.Content{Kind: conversation.Text, Text: "oi"},
			Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.RawNumber, Value: id}}}}},
	})
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return rs[0].Conversation
}

// turn is a handler that answers.
func (b *bundle) turn(text string) func(context.Context, job.Turn) error {
	return func(ctx context.Context, j job.Turn) error {
		now := time.Now()
		t, err := b.s.BeginTurn(ctx, j, now, long, 10)
		if errors.Is(err, store.ErrLost) {
			return nil
		}
		if err != nil {
			return err
		}
		d := store.Decision{Conversation: j.Conversation, Fence: t.Fence, Epoch: t.Conversation.State.Epoch, Revision: t.Conversation.Revision,
			Through: t.Pending[len(t.Pending)-1].ID, Now: now, Lease: long}
		if text != "" {
			d.Orders = []channel.Order{{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: channel.Say, Text: text}}
		}
		err = b.s.Decide(ctx, d)
		b.q.Ring(job.Deliveries)
		return err
	}
}

// deliver is a handler that sends all that is due.
func (b *bundle) deliver(ctx context.Context, j job.Deliver) error {
	for {
		d, err := b.s.NextDelivery(ctx, j, time.Now(), long)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrLost) {
			return nil
		}
		if err != nil {
			return err
		}
		err = b.s.FinishAttempt(ctx, store.Attempt{Delivery: d.ID, Conversation: d.Conversation, Fence: j.Fence, Number: d.Attempts, Outcome: store.AttemptSent, Now: time.Now()})
		if err != nil {
			return err
		}
	}
}

// await waits for what must come; the minute is only so that a failure is told.
func await[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come within a minute", what)
		panic("unreachable")
	}
}

func TestFromMessageToDelivery(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{})
	sent := make(chan job.Deliver, 10)
	b.start(t, queue.Handlers{Deliver: func(ctx context.Context, j job.Deliver) error {
		err := b.deliver(ctx, j)
		sent <- j
		return err
	}})
	id := b.write(t, 1, 0)
	if j := await(t, sent, "the delivery"); j.Conversation != id || j.Fence != 1 {
		t.Errorf("delivery job = %+v, want conversation %d with fence 1", j, id)
	}
	ds, err := b.s.Deliveries(t.Context(), store.Filter{})
	if err != nil || len(ds) != 1 || ds[0].Status != store.Sent {
		t.Errorf("deliveries = %+v, %v, want one that is SENT", ds, err)
	}
}

// Whoever was told does not wait for the sweep or for River's poll.
func TestWakeAndRing(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{Sweep: long, Poll: long})
	sent := make(chan job.Deliver, 10)
	b.start(t, queue.Handlers{Deliver: func(ctx context.Context, j job.Deliver) error {
		defer func() { sent <- j }()
		return b.deliver(ctx, j)
	}})
	for n := range 3 {
		b.write(t, n, 0)
		b.q.Wake(job.Turns)
		await(t, sent, "the delivery of conversation "+strconv.Itoa(n))
	}
}

// A lane that falls due later wakes the dispatcher by itself.
func TestDueLater(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{Sweep: long, Poll: long})
	begun := make(chan time.Time, 10)
	b.start(t, queue.Handlers{Turn: func(ctx context.Context, j job.Turn) error {
		begun <- time.Now()
		return b.turn("")(ctx, j)
	}})
	wrote := time.Now()
	b.write(t, 1, 300*time.Millisecond)
	b.q.Wake(job.Turns)
	if at := await(t, begun, "the turn"); at.Sub(wrote) < 299*time.Millisecond {
		t.Errorf("turn began %v after its message, before it was due", at.Sub(wrote))
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	people := 150
	if testing.Short() {
		people = 50
	}
	b := build(t, fresh(t), queue.Config{})
	var mu sync.Mutex
	turns, deliveries := map[job.Turn]int{}, map[job.Deliver]int{}
	sent := make(chan struct{}, 10*people)
	for n := range people / 2 { // half of them wait already
		b.write(t, n, 0)
	}
	b.start(t, queue.Handlers{
		Turn: func(ctx context.Context, j job.Turn) error {
			mu.Lock()
			turns[j]++
			mu.Unlock()
			return b.turn("Olá")(ctx, j)
		},
		Deliver: func(ctx context.Context, j job.Deliver) error {
			mu.Lock()
			deliveries[j]++
			mu.Unlock()
			defer func() { sent <- struct{}{} }()
			return b.deliver(ctx, j)
		},
	})
	var writers sync.WaitGroup
	for g := range 10 {
		writers.Go(func() {
			for n := people/2 + g; n < people; n += 10 {
				b.write(t, n, 0)
				b.q.Wake(job.Turns)
			}
		})
	}
	writers.Wait()
	for n := range people {
		await(t, sent, "delivery "+strconv.Itoa(n))
	}
	b.halt(t)
	if len(turns) != people || len(deliveries) != people {
		t.Errorf("%d turns and %d deliveries ran, want %d of each", len(turns), len(deliveries), people)
	}
	for j, n := range turns {
		if n != 1 || j.Fence != 1 {
			t.Errorf("turn %+v ran %d times, want once with fence 1", j, n)
		}
	}
	for j, n := range deliveries {
		if n != 1 || j.Fence != 1 {
			t.Errorf("delivery job %+v ran %d times, want once with fence 1", j, n)
		}
	}
	ds, err := b.s.Deliveries(t.Context(), store.Filter{Status: store.Sent, Limit: 2 * people})
	if err != nil || len(ds) != people {
		t.Errorf("%d deliveries are sent, %v, want %d", len(ds), err, people)
	}
	if left := b.jobs(t, "state <> 'completed'"); left != 0 {
		t.Errorf("%d jobs are left over, want none", left)
	}
}

// halt stops the queue and waits for it.
func (b *bundle) halt(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.q.Stop(ctx); err != nil {
		t.Fatalf("Stop: %v", err)
	}
}

// jobs counts River's rows.
func (b *bundle) jobs(t *testing.T, where string) int {
	t.Helper()
	var n int
	if err := b.db.QueryRow("select count(*) from river_job where " + where).Scan(&n); err != nil {
		t.Fatalf("count jobs: %v", err)
	}
	return n
}

func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	const people, workers = 30, 3
	b := build(t, fresh(t), queue.Config{Workers: workers, Poll: 10 * time.Millisecond, Sweep: 10 * time.Millisecond})
	var now, most atomic.Int64
	done := make(chan struct{}, people)
	b.start(t, queue.Handlers{Turn: func(ctx context.Context, j job.Turn) error {
		n := now.Add(1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		defer func() { now.Add(-1); done <- struct{}{} }()
		if running, _ := b.q.Running(); running < 1 || running > workers {
			t.Errorf("Running = %d, want 1 to %d", running, workers)
		}
		return b.turn("")(ctx, j)
	}})
	for n := range people {
		b.write(t, n, 0)
	}
	for range people {
		await(t, done, "a turn")
	}
	if most.Load() > workers {
		t.Errorf("%d turns ran at once, want at most %d", most.Load(), workers)
	}
}

func TestAHandlerThatPanicsOrFails(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{Lease: 300 * time.Millisecond, Sweep: 20 * time.Millisecond})
	bad, worse := b.write(t, 1, 0), b.write(t, 2, 0)
	done := make(chan job.Turn, 100)
	b.start(t, queue.Handlers{Turn: func(ctx context.Context, j job.Turn) error {
		switch {
		case j.Conversation == bad && j.Fence == 1:
			panic("a bug")
		case j.Conversation == worse && j.Fence == 1:
			return errors.New("no luck")
		}
		err := b.turn("")(ctx, j)
		done <- j
		return err
	}})
	for n := 3; n <= 20; n++ {
		b.write(t, n, 0)
	}
	seen := map[conversation.ID]bool{}
	for len(seen) < 20 {
		j := await(t, done, "a turn")
		if (j.Conversation == bad || j.Conversation == worse) && j.Fence < 2 {
			t.Errorf("turn of a broken handler ran with fence %d, want it claimed anew", j.Fence)
		}
		seen[j.Conversation] = true
	}
	if turns, deliveries := b.q.Running(); turns < 0 || deliveries != 0 {
		t.Errorf("Running = %d, %d after a panic", turns, deliveries)
	}
}

func TestStopLetsJobsEnd(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{SoftStop: time.Minute})
	begun, goOn := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	b.start(t, queue.Handlers{Turn: func(ctx context.Context, j job.Turn) error {
		close(begun)
		<-goOn
		if ctx.Err() != nil {
			t.Errorf("context of a job that may end: %v", ctx.Err())
		}
		err := b.turn("")(ctx, j)
		ended.Store(true)
		return err
	}})
	b.write(t, 1, 0)
	await(t, begun, "the turn")
	stopped := make(chan error)
	go func() { stopped <- b.q.Stop(context.Background()) }()
	close(goOn)
	if err := await(t, stopped, "the end of Stop"); err != nil || !ended.Load() {
		t.Errorf("Stop = %v with the job ended: %v, want it ended", err, ended.Load())
	}
	if err := b.q.Stop(t.Context()); err != nil {
		t.Errorf("Stop again: %v", err)
	}
}

func TestStopCancelsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	b := build(t, path, queue.Config{SoftStop: 50 * time.Millisecond})
	const people = 20
	begun := make(chan job.Turn, people)
	b.start(t, queue.Handlers{Turn: func(ctx context.Context, j job.Turn) error {
		begun <- j
		<-ctx.Done()
		return ctx.Err()
	}})
	for n := range people {
		b.write(t, n, 0)
	}
	b.q.Wake(job.Turns)
	for range people {
		await(t, begun, "a turn")
	}
	b.halt(t)
	// The next process finds them all.
	again := build(t, path, queue.Config{})
	if err := again.s.Recover(t.Context(), time.Now()); err != nil {
		t.Fatalf("Recover: %v", err)
	}
	again.answersAll(t, people)
}

// answersAll runs the queue until n conversations have had their answer, one each.
func (b *bundle) answersAll(t *testing.T, n int) {
	t.Helper()
	sent := make(chan conversation.ID, 10*n)
	b.start(t, queue.Handlers{Deliver: func(ctx context.Context, j job.Deliver) error {
		err := b.deliver(ctx, j)
		sent <- j.Conversation
		return err
	}})
	seen := map[conversation.ID]bool{}
	for len(seen) < n {
		seen[await(t, sent, "an answer")] = true
	}
	b.halt(t)
	ds, err := b.s.Deliveries(t.Context(), store.Filter{Limit: 10 * n})
	if err != nil || len(ds) != n {
		t.Errorf("%d conversations have %d answers, %v, want one each", n, len(ds), err)
	}
	for _, d := range ds {
		if d.Status != store.Sent {
			t.Errorf("answer in conversation %d is %s, want SENT", d.Conversation, d.Status)
		}
	}
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{SoftStop: 20 * time.Millisecond})
	begun, goOn := make(chan struct{}), make(chan struct{})
	b.start(t, queue.Handlers{Turn: func(context.Context, job.Turn) error {
		close(begun)
		<-goOn // deaf to its context
		return nil
	}})
	b.write(t, 1, 0)
	await(t, begun, "the turn")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := b.q.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop with a deaf job = %v, want %v", err, context.DeadlineExceeded)
	}
	close(goOn)
}

func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{})
	if err := b.q.Stop(t.Context()); err != nil {
		t.Errorf("Stop before Start: %v", err)
	}
}

// A database that is away for a while stops nothing for good.
func TestADispatcherThatFailsGoesOn(t *testing.T) {
	t.Parallel()
	b := build(t, fresh(t), queue.Config{Sweep: 10 * time.Millisecond})
	f := &failing{Store: b.s}
	f.left.Store(5)
	done := make(chan job.Turn, 10)
	err := b.q.Start(t.Context(), f, queue.Handlers{Deliver: b.deliver, Turn: func(ctx context.Context, j job.Turn) error {
		defer func() { done <- j }()
		return b.turn("")(ctx, j)
	}})
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	b.write(t, 1, 0)
	await(t, done, "the turn")
}

type failing struct {
	*sqlite.Store
	left atomic.Int64
}

func (f *failing) Dispatch(ctx context.Context, lane job.Lane, now time.Time, limit int, lease time.Duration) (int, time.Time, error) {
	if f.left.Add(-1) >= 0 {
		return 0, time.Time{}, errors.New("database is away")
	}
	return f.Store.Dispatch(ctx, lane, now, limit, lease)
}

func TestMigrateBesideAnother(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := sqlite.Open(t.Context(), path, false)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer db.Close()
			if err := queue.MigrateSQLite(t.Context(), db.Writer()); err != nil {
				t.Errorf("Migrate: %v", err)
			}
		})
	}
	wg.Wait()
}
