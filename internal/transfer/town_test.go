package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/queue"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/sqlite"
)

var epoch = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// memory is a store with the jobs that it made.
type memory struct {
	store.Store
	mu   sync.Mutex
	jobs map[job.Lane]map[conversation.ID]int64
}

func (m *memory) add(lane job.Lane, claims []job.Claim) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claims {
		if m.jobs[lane] == nil {
			m.jobs[lane] = map[conversation.ID]int64{}
		}
		m.jobs[lane][c.Conversation] = c.Fence
	}
	return nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openSQLite opens a store, with tables if need be, with the queue's as well.
func openSQLite(t testing.TB, path string) *memory {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, false)
	must(t, err)
	_, err = db.Migrate(t.Context())
	must(t, err)
	must(t, queue.MigrateSQLite(t.Context(), db.Writer()))
	m := &memory{jobs: map[job.Lane]map[conversation.ID]int64{}}
	s, err := sqlite.New(t.Context(), db, func(_ context.Context, _ *sql.Tx, lane job.Lane, claims []job.Claim) error {
		return m.add(lane, claims)
	})
	must(t, err)
	m.Store = s
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// connect opens a PostgreSQL with tables.
func connect(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	must(t, err)
	_, err = db.Migrate(t.Context())
	must(t, err)
	must(t, queue.MigratePostgres(t.Context(), db.Pool()))
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openPostgres(t testing.TB, url string) *memory {
	t.Helper()
	m := &memory{jobs: map[job.Lane]map[conversation.ID]int64{}}
	s, err := postgres.New(t.Context(), connect(t, url), func(_ context.Context, _ pgx.Tx, lane job.Lane, claims []job.Claim) error { return m.add(lane, claims) })
	must(t, err)
	m.Store = s
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func said(customer, n int, text string) channel.Event {
	number := fmt.Sprintf("55119%08d", customer)
	return channel.Event{
		Kind: channel.Received, Key: fmt.Sprintf("K-%d-%d", customer, n), Chat: number + "@s.whatsapp.net", Content: conversation.Content{Kind: conversation.Text, Text: text},
		Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+" + number}}, Name: fmt.Sprintf("Cliente %d", customer)},
		Address: channel.Address{To: number, Thread: fmt.Sprint(customer)},
	}
}

func arrival(now time.Time, events ...channel.Event) store.Arrival {
	return store.Arrival{
		Inbox: "vendas", Channel: channel.Whaticket, Events: events, Now: now, Correlation: "c",
		Quiet: conversation.Quiet{Window: 4 * time.Second, Max: 20 * time.Second}, DedupeWindow: 5 * time.Minute, CanOpen: true,
	}
}

// town lets customers write, and gets half of them to somewhere in the middle of an answer:
// decided and not sent, sent, failed for good, begun and never ended, and held by a lease.
func town(t testing.TB, m *memory, customers int) {
	t.Helper()
	ctx := t.Context()
	for c := range customers {
		ev := said(c, 1, fmt.Sprintf("Olá, aqui é o cliente %d 👋\nquero saber o preço", c))
		if c%5 == 0 {
			ev.Content.Quoted, ev.Content.Detail = "antes", map[string]string{"file": "não é nada.pdf"}
		}
		_, err := m.Receive(ctx, arrival(epoch, ev))
		must(t, err)
	}
	now := epoch.Add(time.Minute)
	n, _, err := m.Dispatch(ctx, job.Turns, now, customers/2, time.Hour)
	must(t, err)
	if n != customers/2 {
		t.Fatalf("Dispatch = %d, want %d", n, customers/2)
	}
	for id, fence := range m.jobs[job.Turns] {
		turn, err := m.BeginTurn(ctx, job.Turn{Conversation: id, Fence: fence}, now, time.Hour, 20)
		must(t, err)
		if id%7 == 0 { // a turn under way
			continue
		}
		var orders []channel.Order
		for i := range 2 {
			orders = append(orders, channel.Order{Delivery: conversation.DeliveryID(fmt.Sprintf("d-%d-%d", id, i)), Kind: channel.Say, Text: fmt.Sprintf("resposta %d a %d", i, id)})
		}
		decision := store.Decision{
			Conversation: id, Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision, Through: turn.Pending[len(turn.Pending)-1].ID,
			Orders: orders, Now: now, Lease: time.Hour, Record: store.Record{Outcome: "replied", StartedAt: now, Model: "offline", InputTokens: 12},
			Memory: fmt.Appendf(nil, `{"resumo":"conversa %d ✓"}`, id), Profile: fmt.Appendf(nil, `{"nome":"Cliente %d"}`, id),
			Lead:   &store.Lead{Desk: "sdr", State: "qualifying", Score: int(id), MaxScore: 100, ScoreTable: "bant 1", Body: []byte(`{"slots":{}}`)},
			OptOut: id%13 == 0,
		}
		if id%3 == 0 {
			decision.Orders = append(decision.Orders, channel.Order{Delivery: conversation.DeliveryID(fmt.Sprintf("w-%d", id)), Kind: channel.Call, Workflow: "agendar", Arguments: "{}"})
		}
		must(t, m.Decide(ctx, decision))
		if id%3 == 0 { // decided, and nothing sent
			continue
		}
		lane := m.jobs[job.Deliveries][id]
		d, err := m.NextDelivery(ctx, job.Deliver{Conversation: id, Fence: lane}, now, time.Hour)
		must(t, err)
		a := store.Attempt{Delivery: d.ID, Conversation: id, Fence: lane, Number: d.Attempts, Outcome: store.AttemptSent, StartedAt: now, Now: now, Key: "out-" + string(d.ID), SelfID: "9"}
		switch {
		case id%11 == 0: // an attempt under way
			continue
		case id%2 == 0:
			a.Outcome, a.Cause, a.HTTPStatus = store.AttemptFailed, "no such number", 404
		}
		must(t, m.FinishAttempt(ctx, a))
	}
}

// told is all that a store says of its conversations.
type told struct {
	Conversations []store.Conversation
	Transcripts   [][]conversation.Message
	Deliveries    []store.Delivery
	Leads         []store.Lead
	Turns, Open   int
}

func tell(t testing.TB, s store.Store, customers int) (all told) {
	t.Helper()
	for id := range customers {
		c, err := s.Conversation(t.Context(), conversation.ID(id+1))
		must(t, err)
		said, err := s.Transcript(t.Context(), c.ID, 100)
		must(t, err)
		all.Conversations, all.Transcripts = append(all.Conversations, c), append(all.Transcripts, said)
	}
	var err error
	all.Deliveries, err = s.Deliveries(t.Context(), store.Filter{Limit: 10_000})
	must(t, err)
	all.Leads, err = s.Leads(t.Context(), store.LeadFilter{Limit: 10_000})
	must(t, err)
	all.Turns, all.Open, err = s.Backlog(t.Context(), epoch.Add(time.Hour))
	must(t, err)
	return all
}

func equal(t testing.TB, what string, got, want told) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// works checks that a store with a town in it is in working order at once, although leases
// of an hour were given in the town: what was due is, what was not sent is, what is a
// repeat is known as one, and what is new gets a number of its own.
func works(t testing.TB, m *memory, customers int) {
	t.Helper()
	ctx, now := t.Context(), epoch.Add(2*time.Minute)
	clear(m.jobs) // those of before are lost
	turns, open, err := m.Backlog(ctx, now)
	must(t, err)
	n, _, err := m.Dispatch(ctx, job.Turns, now, 10*customers, time.Minute)
	must(t, err)
	if n != turns || n < customers/2 {
		t.Errorf("Dispatch(turns) = %d, want the %d that are due, which are %d at least", n, turns, customers/2)
	}
	finished := 0
	for round := range 2 { // what was interrupted is asked about a little later
		now = now.Add(time.Duration(round) * 5 * time.Second)
		if n, _, err = m.Dispatch(ctx, job.Deliveries, now, 10*customers, time.Minute); err != nil || n == 0 && round == 0 {
			t.Errorf("Dispatch(deliveries) = %d, %v, want those that are open", n, err)
		}
		finished += sendAll(t, m, now)
	}
	if finished != open || open == 0 {
		t.Errorf("%d deliveries were sent, want the %d that were open", finished, open)
	}
	for id, fence := range m.jobs[job.Turns] {
		if _, err := m.BeginTurn(ctx, job.Turn{Conversation: id, Fence: fence}, now, time.Minute, 20); err != nil {
			t.Errorf("BeginTurn(%d): %v", id, err)
		}
	}
	knows(t, m, customers)
	got, err := m.Receive(ctx, arrival(now, said(0, 1, "Olá, aqui é o cliente 0 👋\nquero saber o preço")))
	must(t, err)
	if !got[0].Duplicate {
		t.Errorf("Receive of a repeat = %+v, want it known as one", got[0])
	}
	got, err = m.Receive(ctx, arrival(now, said(customers, 1, "Sou novo")))
	must(t, err)
	if want := conversation.ID(customers + 1); got[0].Duplicate || got[0].Conversation < want {
		t.Errorf("Receive of a new customer = %+v, want a conversation from %d on", got[0], want)
	}
}

// knows checks that a desk knows after a copy what it knew before: those whose turn was
// decided write once more.
func knows(t testing.TB, m *memory, customers int) {
	t.Helper()
	ctx, now := t.Context(), epoch.Add(time.Hour)
	decided := 0
	for c := range customers {
		ls, err := m.Leads(ctx, store.LeadFilter{Conversation: conversation.ID(c + 1)})
		must(t, err)
		if len(ls) == 0 {
			continue
		}
		decided++
		id := ls[0].Conversation
		_, err = m.Receive(ctx, arrival(now, said(c, 2, "e agora?")))
		must(t, err)
		_, _, err = m.Dispatch(ctx, job.Turns, now.Add(time.Minute), 10*customers, time.Minute)
		must(t, err)
		turn, err := m.BeginTurn(ctx, job.Turn{Conversation: id, Fence: m.jobs[job.Turns][id]}, now.Add(time.Minute), time.Minute, 20)
		must(t, err)
		memory, profile := fmt.Sprintf(`{"resumo":"conversa %d ✓"}`, id), fmt.Sprintf(`{"nome":"Cliente %d"}`, id)
		fired := 0
		if id%3 == 0 {
			fired = 1
		}
		if string(turn.Memory) != memory || string(turn.Profile) != profile || turn.OptedOut != (id%13 == 0) || len(turn.Fired) != fired {
			t.Errorf("turn of %d remembers %q and %q, opted out %v, fired %d", id, turn.Memory, turn.Profile, turn.OptedOut, len(turn.Fired))
		}
	}
	if decided == 0 {
		t.Error("no desk had decided anything")
	}
}

// sendAll sends what there is to be sent in the lanes that were claimed.
func sendAll(t testing.TB, m *memory, now time.Time) (sent int) {
	t.Helper()
	for id, fence := range m.jobs[job.Deliveries] {
		for {
			d, err := m.NextDelivery(t.Context(), job.Deliver{Conversation: id, Fence: fence}, now, time.Minute)
			if err != nil {
				break
			}
			if want := id%11 == 0 && id%3 != 0 && d.Order.Text == fmt.Sprintf("resposta 0 a %d", id); d.Uncertain != want {
				t.Errorf("delivery %s is uncertain: %v, want %v", d.ID, d.Uncertain, want)
			}
			must(t, m.FinishAttempt(t.Context(), store.Attempt{Delivery: d.ID, Conversation: id, Fence: fence, Number: d.Attempts, Outcome: store.AttemptSent, StartedAt: now, Now: now}))
			sent++
		}
	}
	return sent
}

func emptyPostgres(t testing.TB) string {
	t.Helper()
	return postgrestest.URL(t)
}

func file(t testing.TB, name string) string { return filepath.Join(t.TempDir(), name) }
