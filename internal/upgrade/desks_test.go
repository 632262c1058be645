package upgrade

import (
	"errors"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// What desks remember, start and must not do works in conversations of before there were desks.
func TestUpgradedDesks(t *testing.T) {
	t.Parallel()
	eachRelease(t, func(t *testing.T, d database, address string) {
		ctx, now := t.Context(), oldTime().Add(24*time.Hour)
		must(t, d.migrate(ctx, address))
		m := d.open(t, address)
		t.Cleanup(func() { _ = m.Close() })
		lost := m.only(t, store.FailedPermanent)
		id := lost.Conversation

		// Somebody whose answer had died writes, and then wants no more messages.
		turn := m.turn(t, id, "quero sair", now)
		if turn.OptedOut || turn.Fired != nil || turn.Conversation.State.Episode != 0 {
			t.Errorf("the first turn says opted out %v, fired %v, episode %d", turn.OptedOut, turn.Fired, turn.Conversation.State.Episode)
		}
		now = now.Add(time.Minute)
		must(t, m.Decide(ctx, store.Decision{Conversation: id, Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision,
			Through: turn.Pending[len(turn.Pending)-1].ID, Now: now, Lease: lease, Memory: []byte(`{"a":1}`), Profile: []byte(`{"b":2}`), OptOut: true,
			Orders: []channel.Order{{Delivery: "desk-call", Kind: channel.Call, Workflow: "descadastrar", Arguments: "{}"}}}))
		must(t, m.Replay(ctx, lost.ID, now))
		var done []channel.OrderKind
		for {
			call, err := m.NextDelivery(ctx, job.Deliver{Conversation: id, Fence: m.fences[job.Deliveries][id]}, now, lease)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			must(t, err)
			done = append(done, call.Order.Kind)
			must(t, m.FinishAttempt(ctx, store.Attempt{Delivery: call.ID, Conversation: id, Fence: m.fences[job.Deliveries][id], Number: call.Attempts, Outcome: store.AttemptSent, StartedAt: now, Now: now}))
		}
		if len(done) != 1 || done[0] != channel.Call {
			t.Errorf("carried out after the opt-out: %v, want the last workflow alone", done)
		}
		turn = m.turn(t, id, "e agora?", now)
		if string(turn.Memory) != `{"a":1}` || string(turn.Profile) != `{"b":2}` || !turn.OptedOut || len(turn.Fired) != 1 {
			t.Errorf("the next turn remembers %s and %s, opted out %v, fired %v", turn.Memory, turn.Profile, turn.OptedOut, turn.Fired)
		}

		// Somebody whom a person has is handed back.
		held, err := m.Conversations(ctx, store.ConversationFilter{Holder: conversation.Human})
		must(t, err)
		if len(held) != 1 {
			t.Fatalf("people hold %d conversations, want 1", len(held))
		}
		must(t, m.HandBack(ctx, held[0].ID, nil, now))
		c, err := m.Conversation(ctx, held[0].ID)
		must(t, err)
		if c.State.Holder != conversation.Bot || c.State.Episode != 1 {
			t.Errorf("after a hand-back: %+v", c.State)
		}
	})
}

// only is the delivery with a status.
func (m *memory) only(t *testing.T, status store.Status) store.Delivery {
	t.Helper()
	list, err := m.Deliveries(t.Context(), store.Filter{Status: status})
	must(t, err)
	if len(list) != 1 {
		t.Fatalf("%d deliveries are %s, want 1", len(list), status)
	}
	return list[0]
}

// turn lets a customer write and begins the turn.
func (m *memory) turn(t *testing.T, id conversation.ID, text string, now time.Time) store.Turn {
	t.Helper()
	ev := event(dead, channel.Received)
	ev.Key, ev.Content.Text, ev.At = text, text, now
	r, err := m.Receive(t.Context(), store.Arrival{Inbox: "whaticket", Channel: channel.Whaticket, Events: []channel.Event{ev}, Now: now, DedupeWindow: 5 * time.Minute})
	must(t, err)
	if r[0].Conversation != id || !r[0].Pending {
		t.Fatalf("Receive = %+v, want it pending in %d", r[0], id)
	}
	_, _, err = m.Dispatch(t.Context(), job.Turns, now.Add(time.Second), 100, lease)
	must(t, err)
	turn, err := m.BeginTurn(t.Context(), job.Turn{Conversation: id, Fence: m.fences[job.Turns][id]}, now.Add(time.Second), lease, 20)
	must(t, err)
	return turn
}
