package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/storetest"
)

// together stores webhooks as one group, as a writer does with those that wait.
func together(s *Store, as []store.Arrival) ([]*member, error) {
	var members []*member
	for i := range as {
		members = append(members, &member{a: &as[i]})
	}
	return members, s.groups.commit(members)
}

func TestAGroupSharesItsTransaction(t *testing.T) {
	t.Parallel()
	s := open(t, postgrestest.URL(t), nil)
	for n := range 20 {
		if _, err := s.Receive(t.Context(), arrival("oi", n)); err != nil {
			t.Fatalf("Receive: %v", err)
		}
	}
	var as []store.Arrival
	for i := range 100 {
		a := arrival("oi", i/2) // two messages of each, some of whom are known
		a.Events[0].Key = fmt.Sprintf("g%d", i)
		as = append(as, a)
	}
	as = append(as, as[0]) // and one of them twice
	members, err := together(s, as)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	alone := 0
	for _, m := range members {
		if m.err == errAlone {
			alone++
			continue
		}
		r := m.out[0]
		if m.err != nil || r.Duplicate || !r.Pending || r.Message == 0 || r.Conversation == 0 {
			t.Errorf("result = %+v, %v, want it new and pending", r, m.err)
		}
	}
	if alone != 1 {
		t.Errorf("%d are left to be stored alone, want the repeat", alone)
	}
	if rs, err := s.Receive(t.Context(), as[0]); err != nil || !rs[0].Duplicate {
		t.Errorf("the repeat alone = %+v, %v, want a duplicate", rs, err)
	}
	// xmin is the transaction that wrote a row.
	if n := number(t, s.db, "select count(distinct xmin::text) from messages where key like 'g%'"); n != 1 {
		t.Errorf("the group made %d transactions, want 1", n)
	}
	if n := number(t, s.db, "select count(*) from messages where key like 'g%' and pending"); n != 100 {
		t.Errorf("messages = %d, want 100", n)
	}
	if n := number(t, s.db, "select count(*) from conversations where due_at > 0 and revision = (select count(*) from messages m where m.conversation_id = conversations.id)"); n != 50 {
		t.Errorf("%d conversations are due and have counted their messages, want 50", n)
	}
}

func TestGroupedIsLikeAlone(t *testing.T) {
	t.Parallel()
	at := postgrestest.URL(t)
	grouped, alone := open(t, at, nil), open(t, postgrestest.URL(t), nil)
	var as []store.Arrival
	for i := range 60 {
		a := arrival("oi", i%7)
		a.Correlation = fmt.Sprintf("c%d", i)
		ev := &a.Events[0]
		ev.Key, ev.At = fmt.Sprintf("g%d", i), noon.Add(time.Duration(i*13%11)*time.Minute)
		switch i % 6 {
		case 2:
			ev.Snapshot = &conversation.Snapshot{Status: []conversation.Status{conversation.Open, conversation.Pending, conversation.Resolved}[i%3], At: noon.Add(time.Duration(i) * time.Second)}
		case 3:
			ev.Snapshot = &conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.APerson, AssigneeID: "4"}
		case 4:
			ev.Content = conversation.Content{Kind: conversation.Image, Detail: map[string]string{"url": "x"}}
			ev.Address.Thread = "357"
		}
		a.Now = noon.Add(time.Duration(i) * time.Second)
		as = append(as, a)
	}
	var stored []*store.Arrival
	for i := 0; i < len(as); i += 20 {
		members, err := together(grouped, as[i:i+20])
		if err != nil {
			t.Fatalf("commit: %v", err)
		}
		var left []*store.Arrival // a takeover looks at what was not answered, which no group has read
		for _, m := range members {
			switch m.err {
			case nil:
				stored = append(stored, m.a)
			case errAlone:
				left = append(left, m.a)
			default:
				t.Fatalf("member = %v, want it stored with the group", m.err)
			}
		}
		for _, a := range left {
			if _, err := grouped.Receive(t.Context(), *a); err != nil {
				t.Fatalf("Receive: %v", err)
			}
		}
		stored = append(stored, left...)
		if len(left) > 10 {
			t.Errorf("%d of 20 are left to be stored alone, want most of them with the group", len(left))
		}
	}
	for _, a := range stored {
		err := alone.do(t.Context(), "receive", func(q *session) error { return q.receive(a, make([]store.Result, 1)) })
		if err != nil {
			t.Fatalf("Receive alone: %v", err)
		}
	}
	for what, query := range map[string]string{
		"conversations": `select string_agg(concat_ws('|', channel, i.value, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision,
			last_at, first_pending, correlation, due_at, deliver_at), e'\n' order by i.value) from conversations c join identities i using (contact_id)`,
		"messages": `select string_agg(concat_ws('|', author, kind, text, extra, key, encode(identity, 'hex'), said_at, at, pending), e'\n' order by key) from messages`,
	} {
		var got, want string
		if err := errors.Join(grouped.db.pool.QueryRow(t.Context(), query).Scan(&got), alone.db.pool.QueryRow(t.Context(), query).Scan(&want)); err != nil {
			t.Fatalf("read %s: %v", what, err)
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s (-alone +grouped):\n%s", what, diff)
		}
	}
}

func TestABrokenNeighbour(t *testing.T) {
	t.Parallel()
	s := open(t, postgrestest.URL(t), nil)
	run(t, s.db, "alter table messages add check (text <> 'fofoca')")
	as := []store.Arrival{arrival("oi", 1), arrival("fofoca", 2), arrival("oi", 3)}
	if _, err := together(s, as); err == nil {
		t.Error("a group with a broken member = nil, want an error")
	}
	if n := number(t, s.db, "select count(*) from contacts"); n != 0 {
		t.Errorf("a broken group left %d contacts behind", n)
	}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			text := "oi"
			if i == 20 {
				text = "fofoca"
			}
			_, err := s.Receive(t.Context(), arrival(text, i))
			if (err != nil) != (i == 20) || err != nil && !fault.Is(err, fault.Transient) {
				t.Errorf("Receive(%q) = %v", text, err)
			}
		})
	}
	wg.Wait()
	if n := number(t, s.db, "select count(*) from messages where text = 'oi'"); n != 39 {
		t.Errorf("messages = %d, want 39", n)
	}
}

// lockRow keeps a conversation from everybody else until the returned function is called.
func lockRow(t *testing.T, s *Store, id conversation.ID) (release func()) {
	t.Helper()
	tx, err := s.db.pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	if _, err := tx.Exec(t.Context(), "select 1 from conversations where id = $1 for update", id); err != nil {
		t.Fatalf("lock: %v", err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			t.Errorf("Rollback: %v", err)
		}
	}
}

// stuck waits until somebody waits for a row in the conversations of this schema.
func stuck(t *testing.T, s *Store) {
	t.Helper()
	for number(t, s.db, "select count(*) from pg_locks w join pg_locks h on h.pid = w.pid where not w.granted and h.relation = 'conversations'::regclass and h.granted") == 0 {
		runtime.Gosched()
	}
}

// A group takes no part in what somebody else holds: only the message meant waits.
func TestAHeldConversationHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	s := open(t, postgrestest.URL(t), nil)
	rs, err := s.Receive(t.Context(), arrival("oi", 1))
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	release := lockRow(t, s, rs[0].Conversation)
	held := make(chan error, 1)
	go func() {
		a := arrival("e?", 1)
		a.Events[0].Key = "later"
		_, err := s.Receive(t.Context(), a)
		held <- err
	}()
	stuck(t, s)
	for i := range 20 {
		if _, err := s.Receive(t.Context(), arrival("oi", 100+i)); err != nil {
			t.Errorf("Receive beside a held conversation: %v", err)
		}
	}
	select {
	case err := <-held:
		t.Errorf("Receive in a held conversation = %v before it was let go", err)
	default:
	}
	release()
	if err := <-held; err != nil {
		t.Errorf("Receive after it was let go: %v", err)
	}
}

func TestCancelledCallers(t *testing.T) {
	t.Parallel()
	s := open(t, postgrestest.URL(t), nil)
	rs, err := s.Receive(t.Context(), arrival("oi", 1))
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Receive(gone, arrival("oi", 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive of a caller who left = %v, want %v", err, context.Canceled)
	}
	if n := number(t, s.db, "select count(*) from messages"); n != 1 {
		t.Errorf("messages = %d, want 1", n)
	}
	// A step that was begun is done, whatever becomes of its caller.
	release := lockRow(t, s, rs[0].Conversation)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Receive(ctx, arrival("Quero", 1))
		done <- err
	}()
	a := arrival("e?", 1)
	a.Events[0].Key = "k"
	go func() {
		_, err := s.Receive(ctx, a)
		done <- err
	}()
	stuck(t, s)
	cancel()
	release()
	for range 2 {
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Receive: %v", err)
		}
	}
	ctx, cancel = context.WithCancel(t.Context())
	err = s.do(ctx, "beat", func(q *session) error {
		cancel()
		_, err := q.exec("worker_beat", "a", 1, "", "", "")
		return err
	})
	if n := number(t, s.db, "select count(*) from workers"); err != nil || n != 1 {
		t.Errorf("step whose caller left = %v with %d rows, want it done", err, n)
	}
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	at := postgrestest.URL(t)
	s, other := open(t, at, nil), open(t, at, nil)
	rs, err := s.Receive(t.Context(), arrival("oi", 1))
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	release := lockRow(t, other, rs[0].Conversation)
	received := make(chan error, 1)
	go func() {
		a := arrival("e?", 1)
		a.Events[0].Key = "later"
		_, err := s.Receive(t.Context(), a)
		received <- err
	}()
	stuck(t, other)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for !isClosed(s) {
		runtime.Gosched()
	}
	if _, err := s.Receive(t.Context(), arrival("oi", 99)); !fault.Is(err, fault.Transient) {
		t.Errorf("Receive while closing = %v, want a transient fault", err)
	}
	select {
	case err := <-closed:
		t.Fatalf("Close = %v before what was under way ended", err)
	default:
	}
	release()
	if err := <-received; err != nil {
		t.Errorf("Receive: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	for name, err := range map[string]error{"Beat": s.Beat(t.Context(), store.Process{ID: "a"}, noon), "Ping": s.Ping(t.Context())} {
		if !fault.Is(err, fault.Transient) {
			t.Errorf("%s of a closed store = %v, want a transient fault", name, err)
		}
	}
	if n := number(t, other.db, "select count(*) from messages"); n != 2 {
		t.Errorf("messages = %d, want 2", n)
	}
}

func TestAFailedEnqueueUndoesTheClaim(t *testing.T) {
	t.Parallel()
	broken := true
	jobs := &storetest.Jobs{}
	s := open(t, postgrestest.URL(t), func(ctx context.Context, tx pgx.Tx, lane job.Lane, claims []job.Claim) error {
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
	if n := number(t, s.db, "select count(*) from deliveries"); n != 0 {
		t.Errorf("deliveries after a failed Decide = %d, want 0", n)
	}
	broken = false
	if err := s.Decide(t.Context(), d); err != nil {
		t.Errorf("Decide after it: %v", err)
	}
}

// The connection dies between the claim and its commit.
func TestALostConnection(t *testing.T) {
	t.Parallel()
	at := postgrestest.URL(t)
	killer := openDB(t, at)
	var kill atomic.Bool
	s := open(t, at, func(ctx context.Context, tx pgx.Tx, _ job.Lane, _ []job.Claim) error {
		if kill.Swap(false) {
			// Waits until the backend is gone (PostgreSQL 14).
			_, err := killer.pool.Exec(ctx, "select pg_terminate_backend($1, 5000)", tx.Conn().PgConn().PID())
			return err
		}
		return nil
	})
	if _, err := s.Receive(t.Context(), arrival("oi", 1)); err != nil {
		t.Fatalf("Receive: %v", err)
	}
	kill.Store(true)
	n, _, err := s.Dispatch(t.Context(), job.Turns, noon.Add(time.Minute), 10, time.Minute)
	if n != 0 || !fault.Is(err, fault.Transient) || fault.Code(err) != "database" {
		t.Errorf("Dispatch on a connection that dies = %d, %v, want a transient fault of the database", n, err)
	}
	if n, _, err := s.Dispatch(t.Context(), job.Turns, noon.Add(time.Minute), 10, time.Minute); n != 1 || err != nil {
		t.Errorf("Dispatch after it = %d, %v, want the claim undone and made anew", n, err)
	}
	if _, err := s.BeginTurn(t.Context(), job.Turn{Conversation: 1, Fence: 1}, noon.Add(time.Minute), time.Minute, 1); err != nil {
		t.Errorf("BeginTurn with the first fence: %v", err)
	}
	// All connections at once, as when the server restarts.
	const name = "to be cut off"
	cut := open(t, at+"&application_name="+strings.ReplaceAll(name, " ", "%20"), nil)
	if _, err := killer.pool.Exec(t.Context(), "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1", name); err != nil {
		t.Fatalf("terminate: %v", err)
	}
	for n := range 20 {
		_, err := cut.Receive(t.Context(), arrival("oi", 100+n))
		if err == nil {
			return
		}
		if !fault.Is(err, fault.Transient) {
			t.Fatalf("Receive on a dead connection = %v, want a transient fault", err)
		}
	}
	t.Error("Receive does not heal after the connections were lost")
}

func TestAServerThatIsGone(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	server := postgrestest.Start(t)
	s := open(t, server.URL, nil)
	if _, err := s.Receive(t.Context(), arrival("oi", 1)); err != nil {
		t.Fatalf("Receive: %v", err)
	}
	server.Stop()
	_, received := s.Receive(t.Context(), arrival("oi", 2))
	_, _, dispatched := s.Dispatch(t.Context(), job.Turns, noon, 1, time.Minute)
	_, read := s.Conversation(t.Context(), 1)
	for name, err := range map[string]error{"Receive": received, "Dispatch": dispatched, "Conversation": read, "Ping": s.Ping(t.Context()), "Beat": s.Beat(t.Context(), store.Process{ID: "a"}, noon)} {
		if !fault.Is(err, fault.Transient) || fault.Code(err) != "database" {
			t.Errorf("%s without a server = %v, want a transient fault of the database", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "tester")) {
			t.Errorf("%s = %v, which names the server or the user", name, err)
		}
	}
}

// PostgreSQL stores no zero bytes and only UTF-8; a message that has others must not be
// refused for ever.
func TestOddTexts(t *testing.T) {
	t.Parallel()
	s := open(t, postgrestest.URL(t), nil)
	odd := "a\x00b\xffc"
	a := arrival(odd, 1)
	ev := &a.Events[0]
	ev.Key, ev.Contact.Name, ev.Address.To, ev.Contact.Identities[0].Value = odd, odd, odd, odd
	ev.Content = conversation.Content{Kind: conversation.Text, Text: odd, ChoiceID: odd, Detail: map[string]string{odd: odd}}
	a.Correlation = odd
	var id conversation.ID
	for _, again := range []bool{false, true} {
		rs, err := s.Receive(t.Context(), a)
		if err != nil || rs[0].Duplicate != again {
			t.Fatalf("Receive = %+v, %v, want duplicate %v", rs, err, again)
		}
		id = rs[0].Conversation
	}
	next := arrival("e?", 2)
	next.Events[0].Contact = ev.Contact
	if rs, err := s.Receive(t.Context(), next); err != nil || rs[0].Conversation != id {
		t.Errorf("the next message = %+v, %v, want conversation %d", rs, err, id)
	}
	// Without anything to know it by.
	ev.Key = ""
	for _, again := range []bool{false, true} {
		if rs, err := s.Receive(t.Context(), a); err != nil || rs[0].Duplicate != again {
			t.Errorf("Receive without a key = %+v, %v, want duplicate %v", rs, err, again)
		}
	}
	ms, err := s.Transcript(t.Context(), id, 10)
	if err != nil || len(ms) != 3 || ms[0].Content.Text != "ab\uFFFDc" {
		t.Errorf("Transcript = %+v, %v", ms, err)
	}
}

// Another process may have learnt our bot's id at the helpdesk.
func TestOwnIDLearntByAnotherProcess(t *testing.T) {
	t.Parallel()
	both := pair(t, nil)
	for i, s := range both {
		if _, err := s.Receive(t.Context(), arrival("oi", i)); err != nil {
			t.Fatalf("Receive: %v", err)
		}
	}
	learn := func(s *Store, id string) {
		err := s.do(t.Context(), "learn", func(q *session) error {
			q.learn("vendas", id)
			return nil
		})
		if err != nil {
			t.Fatalf("learn: %v", err)
		}
	}
	learn(both[0], "9")
	for i, c := range []struct {
		assignee  string
		takenOver bool
	}{{"9", false}, {"8", true}} {
		a := arrival("e?", i)
		a.Events[0].Key = "k" + c.assignee
		a.Events[0].Snapshot = &conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.SomeBot, AssigneeID: c.assignee}
		rs, err := both[1].Receive(t.Context(), a)
		if err != nil || rs[0].Change.TakenOver != c.takenOver {
			t.Errorf("assigned to bot %s = %+v, %v, want taken over: %v", c.assignee, rs, err, c.takenOver)
		}
	}
}

func isClosed(s *Store) bool {
	s.groups.mu.RLock()
	defer s.groups.mu.RUnlock()
	return s.groups.closed
}
