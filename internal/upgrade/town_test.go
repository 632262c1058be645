package upgrade

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// The customers of a snapshot, by what became of their message before the program ended.
const (
	answered = iota + 1 // got an answer
	waiting             // wrote, and no turn has begun
	thought             // a turn had begun
	decided             // an answer was decided and not sent
	sending             // a send had begun and never ended
	dead                // no try got through
	taken               // a person answered
	customers
)

// oldTime is when all of it happened.
func oldTime() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

const lease = 10 * time.Second

// memory is a store with the fences of the jobs that it inserted.
type memory struct {
	store.Store
	fences map[job.Lane]map[conversation.ID]int64
}

func newMemory() *memory {
	return &memory{fences: map[job.Lane]map[conversation.ID]int64{job.Turns: {}, job.Deliveries: {}}}
}

// noting returns enqueue with a note of what was claimed.
func noting[TTx any](m *memory, enqueue func(context.Context, TTx, job.Lane, []job.Claim) error) func(context.Context, TTx, job.Lane, []job.Claim) error {
	return func(ctx context.Context, tx TTx, lane job.Lane, claims []job.Claim) error {
		for _, c := range claims {
			m.fences[lane][c.Conversation] = c.Fence
		}
		return enqueue(ctx, tx, lane, claims)
	}
}

func number(customer int) string { return fmt.Sprintf("55119888700%02d", customer) }

// key is the id of a customer's first message at the helpdesk.
func key(customer int) string { return fmt.Sprintf("SNAPSHOT%02d", customer) }

func question(customer int) string { return fmt.Sprintf("pergunta-%d", customer) }

func reply(customer int) string { return fmt.Sprintf("resposta-%d", customer) }

func event(customer int, kind channel.EventKind) channel.Event {
	return channel.Event{
		Kind: kind, Key: key(customer), Chat: number(customer) + "@s.whatsapp.net", At: oldTime(),
		Content: conversation.Content{Kind: conversation.Text, Text: question(customer)},
		Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+" + number(customer)}}, Name: fmt.Sprintf("Freguês %d", customer)},
		Address: channel.Address{To: number(customer)},
	}
}

// live lets every customer write and gets them as far as their names say.
func live(t *testing.T, m *memory) {
	t.Helper()
	ctx, now := t.Context(), oldTime()
	ids := map[int]conversation.ID{}
	receive := func(ev channel.Event) store.Result {
		r, err := m.Receive(ctx, store.Arrival{Inbox: "whaticket", Channel: channel.Whaticket, Events: []channel.Event{ev}, Now: now, Correlation: "c-" + ev.Key,
			Quiet: conversation.Quiet{Window: 4 * time.Second, Max: 20 * time.Second}, DedupeWindow: 5 * time.Minute})
		must(t, err)
		return r[0]
	}
	for c := answered; c < customers; c++ {
		ids[c] = receive(event(c, channel.Received)).Conversation
	}
	said := event(taken, channel.Said)
	said.Key, said.Author, said.Content.Text = "SNAPSHOT-PERSON", conversation.Person, reply(taken)
	receive(said)
	// The one who waits has written once more, so that their turn is not due with the others'.
	now = now.Add(4 * time.Second)
	more := event(waiting, channel.Received)
	more.Key, more.Content.Text = "SNAPSHOT-MORE", "mais uma coisa"
	receive(more)
	now = now.Add(100 * time.Millisecond)
	_, _, err := m.Dispatch(ctx, job.Turns, now, 100, lease)
	must(t, err)
	for _, c := range []int{answered, thought, decided, sending, dead} {
		turn, err := m.BeginTurn(ctx, job.Turn{Conversation: ids[c], Fence: m.fences[job.Turns][ids[c]]}, now, lease, 20)
		must(t, err)
		if c == thought {
			continue
		}
		must(t, m.Decide(ctx, store.Decision{Conversation: ids[c], Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision,
			Through: turn.Pending[len(turn.Pending)-1].ID, Orders: []channel.Order{{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: channel.Say, Text: reply(c)}},
			Record: store.Record{Outcome: "replied", Reason: "model", Model: "test", InputTokens: 100, OutputTokens: 10, StartedAt: now, Correlation: turn.Conversation.Correlation}, Now: now, Lease: lease,
			Memory: []byte("{}"), Profile: []byte("{}"),
			Lead: &store.Lead{Desk: "sdr", State: "qualifying", Score: c, MaxScore: 100, ScoreTable: "bant 1", Body: []byte("{}")}}))
	}
	for _, c := range []int{answered, sending, dead} {
		j := job.Deliver{Conversation: ids[c], Fence: m.fences[job.Deliveries][ids[c]]}
		d, err := m.NextDelivery(ctx, j, now, lease)
		must(t, err)
		end := store.Attempt{Delivery: d.ID, Conversation: ids[c], Fence: j.Fence, Number: d.Attempts, Outcome: store.AttemptSent, StartedAt: now, Now: now.Add(80 * time.Millisecond), HTTPStatus: 200}
		switch c {
		case sending:
			continue
		case dead:
			end.Outcome, end.HTTPStatus, end.Cause = store.AttemptFailed, 400, "http 400"
		}
		must(t, m.FinishAttempt(ctx, end))
	}
	must(t, m.Beat(ctx, store.Process{ID: "worker"}, now))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
