package postgres

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/storetest"
)

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

// pair is two processes on one database, as far as the database can tell.
func pair(t *testing.T, enqueue Enqueue) [2]*Store {
	t.Helper()
	at := postgrestest.URL(t)
	return [2]*Store{open(t, at, enqueue), open(t, at, enqueue)}
}

func TestTwoProcessesReceiveTheSame(t *testing.T) {
	t.Parallel()
	both := pair(t, nil)
	for _, c := range []struct {
		name string
		make func(round int) store.Arrival
	}{
		{"a new person", func(round int) store.Arrival { return arrival("oi", round) }},
		{"somebody known", func(round int) store.Arrival {
			a := arrival("oi", 0)
			a.Events[0].Key = "k" + strconv.Itoa(round)
			return a
		}},
		{"two events", func(round int) store.Arrival {
			a := arrival("oi", 1000+round)
			again := a.Events[0]
			again.Key = "x"
			a.Events = append(a.Events, again)
			return a
		}},
		{"in a helpdesk's thread", func(round int) store.Arrival {
			a := arrival("oi", 2000+round)
			a.Events[0].Thread = "1/" + strconv.Itoa(round)
			return a
		}},
		{"by a signed request", func(round int) store.Arrival {
			a := arrival("oi", 3000+round)
			a.Events[0].Key, a.Fallback = "", []byte{byte(round)}
			return a
		}},
	} {
		for round := range 8 {
			a := c.make(round)
			var fresh, pending atomic.Int32
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					rs, err := both[i%2].Receive(t.Context(), a)
					if err != nil {
						t.Errorf("%s: Receive: %v", c.name, err)
						return
					}
					if !rs[0].Duplicate {
						fresh.Add(1)
					}
					if rs[0].Pending {
						pending.Add(1)
					}
				})
			}
			wg.Wait()
			if fresh.Load() != 1 || pending.Load() != 1 {
				t.Errorf("%s: %d of 12 were new and %d made a turn due, want 1 of each", c.name, fresh.Load(), pending.Load())
			}
		}
	}
	if n := number(t, both[0].db, "select count(*) from contacts"); n != number(t, both[0].db, "select count(distinct (inbox, kind, value)) from identities") {
		t.Errorf("%d contacts, want one for each person", n)
	}
}

// People whose two ids come together and apart, at both processes at once.
func TestTwoProcessesMeetOnePerson(t *testing.T) {
	t.Parallel()
	both := pair(t, nil)
	for round := range 10 {
		phone := channel.Identity{Kind: channel.Phone, Value: "+55" + strconv.Itoa(round)}
		hidden := channel.Identity{Kind: channel.LID, Value: strconv.Itoa(round)}
		var wg sync.WaitGroup
		for i, ids := range [][]channel.Identity{{phone}, {hidden}, {phone, hidden}, {hidden, phone}, {phone, hidden}, {hidden}} {
			a := arrival("oi", 100*round+i)
			a.Events[0].Contact.Identities = ids
			wg.Go(func() {
				if _, err := both[i%2].Receive(t.Context(), a); err != nil {
					t.Errorf("Receive: %v", err)
				}
			})
		}
		wg.Wait()
		var where []conversation.ID
		for i, ids := range [][]channel.Identity{{phone, hidden}, {phone}, {hidden}} {
			a := arrival("oi", 100*round+50+i)
			a.Events[0].Contact.Identities = ids
			rs, err := both[i%2].Receive(t.Context(), a)
			if err != nil {
				t.Fatalf("Receive: %v", err)
			}
			where = append(where, rs[0].Conversation)
		}
		if where[0] != where[1] || where[1] != where[2] {
			t.Errorf("ids of one person lead to conversations %v", where)
		}
	}
}

func TestTwoProcessesDispatch(t *testing.T) {
	t.Parallel()
	jobs := &counting{}
	both := pair(t, jobs.enqueue)
	const people = 200
	for n := range people {
		if _, err := both[0].Receive(t.Context(), arrival("oi", n)); err != nil {
			t.Fatalf("Receive: %v", err)
		}
	}
	var total atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for total.Load() < people {
				n, _, err := both[i%2].Dispatch(t.Context(), job.Turns, noon.Add(time.Minute), 3, time.Minute)
				if err != nil {
					t.Errorf("Dispatch: %v", err)
					return
				}
				if n > 3 {
					t.Errorf("Dispatch with limit 3 = %d", n)
				}
				total.Add(int64(n))
			}
		})
	}
	wg.Wait()
	if n, _, err := both[0].Dispatch(t.Context(), job.Turns, noon.Add(time.Minute), 1000, time.Minute); n != 0 || err != nil {
		t.Errorf("Dispatch after all = %d, %v, want 0", n, err)
	}
	if len(jobs.seen) != people || total.Load() != people {
		t.Errorf("%d lanes have jobs and %d were claimed, want %d", len(jobs.seen), total.Load(), people)
	}
	for id, n := range jobs.seen {
		if n != 1 {
			t.Errorf("conversation %d has %d jobs, want 1", id, n)
		}
	}
}

// counting is an Enqueue that counts the jobs of each conversation.
type counting struct {
	mu   sync.Mutex
	seen map[conversation.ID]int
}

func (c *counting) enqueue(_ context.Context, _ pgx.Tx, _ job.Lane, claims []job.Claim) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[conversation.ID]int{}
	}
	for _, claim := range claims {
		c.seen[claim.Conversation]++
	}
	return nil
}

func TestALeaseLostToAnotherProcess(t *testing.T) {
	t.Parallel()
	jobs := &storetest.Jobs{}
	both := pair(t, noting(jobs))
	slow, quick := both[0], both[1]
	rs, err := slow.Receive(t.Context(), arrival("oi", 1))
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	id, now, lease := rs[0].Conversation, noon.Add(time.Minute), time.Minute
	begin := func(s *Store, fence int64) store.Turn {
		if n, _, err := s.Dispatch(t.Context(), job.Turns, now, 1, lease); n != 1 || err != nil {
			t.Fatalf("Dispatch = %d, %v, want 1", n, err)
		}
		turn, err := s.BeginTurn(t.Context(), job.Turn{Conversation: id, Fence: fence}, now, lease, 10)
		if err != nil {
			t.Fatalf("BeginTurn: %v", err)
		}
		return turn
	}
	late := begin(slow, 1)
	if err := quick.Recover(t.Context(), now); err != nil {
		t.Fatalf("Recover: %v", err)
	}
	if n, _, err := quick.Dispatch(t.Context(), job.Turns, now, 1, lease); n != 0 || err != nil {
		t.Errorf("Dispatch under another process's lease, after Recover = %d, %v, want 0", n, err)
	}
	now = now.Add(lease)
	turn := begin(quick, 3) // the first claim, its turn, this claim
	decision := func(turn store.Turn) store.Decision {
		return store.Decision{Conversation: id, Fence: turn.Fence, Revision: turn.Conversation.Revision, Through: turn.Pending[0].ID, Now: now, Lease: lease,
			Orders: []channel.Order{{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: channel.Say, Text: "Olá"}}}
	}
	for name, err := range map[string]error{
		"Renew":       slow.Renew(t.Context(), job.Turns, id, late.Fence, now.Add(lease)),
		"Decide":      slow.Decide(t.Context(), decision(late)),
		"ReleaseTurn": slow.ReleaseTurn(t.Context(), id, late.Fence, now, true),
	} {
		if !errors.Is(err, store.ErrLost) {
			t.Errorf("%s with a lost lease = %v, want %v", name, err, store.ErrLost)
		}
	}
	if err := quick.Decide(t.Context(), decision(turn)); err != nil {
		t.Errorf("Decide by the holder: %v", err)
	}
}

// Either the send begins before the takeover or it never does; and either the decision
// comes before the takeover, which cancels it, or it is stale.
func TestATakeoverAtTheSameInstant(t *testing.T) {
	t.Parallel()
	both := pair(t, nil)
	now := noon.Add(time.Minute)
	var sent, cancelled, stale int
	for n := range 60 {
		rs, err := both[0].Receive(t.Context(), arrival("oi", n))
		if err != nil {
			t.Fatalf("Receive: %v", err)
		}
		id := rs[0].Conversation
		if _, _, err := both[0].Dispatch(t.Context(), job.Turns, now, 1, time.Hour); err != nil {
			t.Fatalf("Dispatch: %v", err)
		}
		turn, err := both[0].BeginTurn(t.Context(), job.Turn{Conversation: id, Fence: 1}, now, time.Hour, 10)
		if err != nil {
			t.Fatalf("BeginTurn: %v", err)
		}
		o := channel.Order{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: channel.Say, Text: "Olá"}
		d := store.Decision{Conversation: id, Fence: turn.Fence, Revision: turn.Conversation.Revision, Through: turn.Pending[0].ID, Orders: []channel.Order{o}, Now: now, Lease: time.Hour}
		takeover := arrival("Eu assumo", n)
		takeover.Events[0].Kind, takeover.Events[0].Author, takeover.Events[0].Key = channel.Said, conversation.Person, "p"
		var taken []store.Result
		var begun error
		var wg sync.WaitGroup
		wg.Go(func() {
			var err error
			if taken, err = both[1].Receive(t.Context(), takeover); err != nil {
				t.Errorf("Receive: %v", err)
			}
		})
		wg.Go(func() {
			if begun = both[0].Decide(t.Context(), d); begun == nil {
				_, begun = both[0].NextDelivery(t.Context(), job.Deliver{Conversation: id, Fence: 1}, now, time.Hour)
			}
		})
		wg.Wait()
		if t.Failed() {
			return
		}
		ds, err := both[0].Deliveries(t.Context(), store.Filter{Conversation: id})
		switch {
		case err != nil:
			t.Fatalf("Deliveries: %v", err)
		case begun == nil && taken[0].Cancelled == 0 && len(ds) == 1 && ds[0].Status == store.Pending && ds[0].Attempts == 1:
			sent++
		case errors.Is(begun, store.ErrNotFound) && len(ds) == 1 && ds[0].Status == store.Cancelled && ds[0].Attempts == 0:
			cancelled++
		case errors.Is(begun, store.ErrStale) && len(ds) == 0:
			stale++
		default:
			t.Fatalf("the send ended %v, the takeover cancelled %d, the deliveries are %+v", begun, taken[0].Cancelled, ds)
		}
	}
	t.Logf("%d sent before the takeover, %d cancelled by it, %d stale", sent, cancelled, stale)
}

// crowd is two processes whose workers answer everybody, and now and then vanish in the
// middle of their work. Its clock moves with every look at it.
type crowd struct {
	*testing.T
	both [2]*Store
	tick atomic.Int64
	jobs chan any

	mu       sync.Mutex
	answered map[conversation.MessageID]int
	begun    map[conversation.ID][]conversation.DeliveryID // in the order of their first sends
	sends    map[conversation.DeliveryID]int
	rolls    uint64
}

func (c *crowd) now() time.Time { return noon.Add(time.Duration(c.tick.Add(3)) * time.Millisecond) }

// enqueue hands jobs to the workers before they are committed, and so a little too early.
func (c *crowd) enqueue(_ context.Context, _ pgx.Tx, lane job.Lane, claims []job.Claim) error {
	for _, claim := range claims {
		if lane == job.Turns {
			c.jobs <- job.Turn(claim)
		} else {
			c.jobs <- job.Deliver(claim)
		}
	}
	return nil
}

const crowdLease = 600 * time.Millisecond

// vanishes says for every eleventh step that its worker is gone.
func (c *crowd) vanishes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rolls++
	return c.rolls%11 == 0
}

func (c *crowd) wrong(doing string, err error) {
	if err != nil && !refusal(err) {
		c.Errorf("%s: %v", doing, err)
	}
}

func (c *crowd) turn(s *Store, j job.Turn) {
	turn, err := s.BeginTurn(c.Context(), j, c.now(), crowdLease, 5)
	if err != nil || c.vanishes() {
		c.wrong("BeginTurn", err)
		return
	}
	d := store.Decision{Conversation: j.Conversation, Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision,
		Through: turn.Pending[len(turn.Pending)-1].ID, Now: c.now(), Lease: crowdLease}
	for range 2 {
		d.Orders = append(d.Orders, channel.Order{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: channel.Say, Text: uuid.NewString()})
	}
	switch err := s.Decide(c.Context(), d); {
	case errors.Is(err, store.ErrStale):
		c.wrong("ReleaseTurn", s.ReleaseTurn(c.Context(), j.Conversation, turn.Fence, time.Time{}, false))
	case err != nil:
		c.wrong("Decide", err)
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, m := range turn.Pending {
			c.answered[m.ID]++
		}
	}
}

func (c *crowd) deliver(s *Store, j job.Deliver) {
	for {
		d, err := s.NextDelivery(c.Context(), j, c.now(), crowdLease)
		if err != nil {
			c.wrong("NextDelivery", err)
			return
		}
		if !d.Uncertain {
			c.mu.Lock()
			if c.sends[d.ID]++; c.sends[d.ID] == 1 {
				c.begun[j.Conversation] = append(c.begun[j.Conversation], d.ID)
			}
			c.mu.Unlock()
		}
		if c.vanishes() {
			return
		}
		a := store.Attempt{Delivery: d.ID, Conversation: j.Conversation, Fence: j.Fence, Number: d.Attempts, Outcome: store.AttemptSent, Now: c.now()}
		if err := s.FinishAttempt(c.Context(), a); err != nil {
			c.wrong("FinishAttempt", err)
			return
		}
	}
}

func TestACrowdAtTwoProcesses(t *testing.T) {
	t.Parallel()
	c := &crowd{T: t, jobs: make(chan any, 100_000), answered: map[conversation.MessageID]int{}, begun: map[conversation.ID][]conversation.DeliveryID{}, sends: map[conversation.DeliveryID]int{}}
	c.both = pair(t, c.enqueue)
	const people, messages = 12, 8
	var talking, working sync.WaitGroup
	for n := range people {
		for i := range 2 { // everything arrives twice
			talking.Go(func() {
				for m := range messages {
					a := arrival("oi", n)
					a.Now, a.Quiet, a.Events[0].Key = c.now(), conversation.Quiet{}, strconv.Itoa(m)
					if _, err := c.both[(i+m)%2].Receive(t.Context(), a); err != nil {
						t.Errorf("Receive: %v", err)
					}
				}
			})
		}
	}
	heard := make(chan struct{})
	go func() { talking.Wait(); close(heard) }()
	stop := make(chan struct{})
	for i := range 6 {
		s := c.both[i%2]
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				case j := <-c.jobs:
					switch j := j.(type) {
					case job.Turn:
						c.turn(s, j)
					case job.Deliver:
						c.deliver(s, j)
					}
				}
			}
		})
	}
	for quiet := 0; quiet < 3 && !t.Failed(); {
		for _, lane := range []job.Lane{job.Turns, job.Deliveries} {
			for _, s := range c.both {
				if _, _, err := s.Dispatch(t.Context(), lane, c.now(), 5, crowdLease); err != nil {
					t.Errorf("Dispatch: %v", err)
				}
			}
		}
		turns, deliveries, err := c.both[0].Backlog(t.Context(), c.now())
		if err != nil {
			t.Errorf("Backlog: %v", err)
		}
		c.tick.Add(200)
		select {
		case <-heard:
			if turns == 0 && deliveries == 0 {
				quiet++
			} else {
				quiet = 0
			}
		default:
		}
	}
	close(stop)
	working.Wait()
	talking.Wait()
	if t.Failed() {
		return
	}
	if n := number(t, c.both[0].db, "select count(*) from messages where author = 'customer' and not pending and turn_id > 0"); n != people*messages || len(c.answered) != n {
		t.Errorf("%d messages were answered, %d by workers who know, want %d", n, len(c.answered), people*messages)
	}
	for id, n := range c.answered {
		if n != 1 {
			t.Errorf("message %d was answered %d times", id, n)
		}
	}
	for id, got := range c.begun {
		rows, err := c.both[0].db.pool.Query(t.Context(), "select id from deliveries where conversation_id = $1 order by seq", id)
		if err != nil {
			t.Fatalf("read deliveries: %v", err)
		}
		var want []conversation.DeliveryID
		for rows.Next() {
			var d conversation.DeliveryID
			if err := rows.Scan(&d); err != nil {
				t.Fatalf("read deliveries: %v", err)
			}
			want = append(want, d)
		}
		if len(got) != len(want) {
			t.Errorf("conversation %d: %d deliveries were sent of %d", id, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("conversation %d: delivery %d was sent out of order", id, i)
			}
			if n := c.sends[want[i]]; n != 1 {
				t.Errorf("delivery %s was sent %d times", want[i], n)
			}
		}
	}
}
