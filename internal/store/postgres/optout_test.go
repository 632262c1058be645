package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// Somebody with two conversations leaves in both at once, each at another process, while
// both still have something to be said: nobody waits for the other for ever, and nothing is
// said afterwards but the last words.
func TestLeavingTwiceAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	fences := map[job.Lane]map[conversation.ID]int64{job.Turns: {}, job.Deliveries: {}}
	both := pair(t, func(_ context.Context, _ pgx.Tx, lane job.Lane, claims []job.Claim) error {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range claims {
			fences[lane][c.Conversation] = c.Fence
		}
		return nil
	})
	fence := func(lane job.Lane, id conversation.ID) int64 {
		mu.Lock()
		defer mu.Unlock()
		return fences[lane][id]
	}
	now := noon
	decide := func(s *Store, id conversation.ID, at time.Time, out bool, texts ...string) {
		turn, err := s.BeginTurn(t.Context(), job.Turn{Conversation: id, Fence: fence(job.Turns, id)}, at, time.Minute, 20)
		if err != nil {
			t.Errorf("BeginTurn: %v", err)
			return
		}
		d := store.Decision{Conversation: id, Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision,
			Through: turn.Pending[len(turn.Pending)-1].ID, Now: at, Lease: time.Minute, OptOut: out}
		for _, text := range texts {
			d.Orders = append(d.Orders, channel.Order{Delivery: conversation.DeliveryID(fmt.Sprintf("%s-%d", text, id)), Kind: channel.Say, Text: text, Pause: time.Second})
		}
		if err := s.Decide(t.Context(), d); err != nil {
			t.Errorf("Decide: %v", err)
		}
	}
	for person := range 20 {
		var ids [2]conversation.ID
		write := func(key string) {
			for i := range both {
				a := arrival("quero sair", person)
				a.Now, a.Events[0].Thread, a.Events[0].Key = now, fmt.Sprintf("%d/%d", person, i), fmt.Sprintf("%s-%d-%d", key, person, i)
				rs, err := both[i].Receive(t.Context(), a)
				if err != nil {
					t.Fatalf("Receive: %v", err)
				}
				ids[i] = rs[0].Conversation
			}
			now = now.Add(time.Minute)
			if _, _, err := both[0].Dispatch(t.Context(), job.Turns, now, 100, time.Minute); err != nil {
				t.Fatalf("Dispatch: %v", err)
			}
		}
		write("first")
		for i, s := range both {
			decide(s, ids[i], now, false, "um", "dois")
		}
		write("second")
		var wg sync.WaitGroup
		for i, s := range both {
			wg.Go(func() { decide(s, ids[i], now, true, "tchau") })
		}
		wg.Wait()
		now = now.Add(time.Minute)
		if _, _, err := both[0].Dispatch(t.Context(), job.Deliveries, now, 100, time.Minute); err != nil {
			t.Fatalf("Dispatch: %v", err)
		}
		said := 0
		for i, s := range both {
			j := job.Deliver{Conversation: ids[i], Fence: fence(job.Deliveries, ids[i])}
			d, err := s.NextDelivery(t.Context(), j, now, time.Minute)
			if errors.Is(err, store.ErrNotFound) {
				continue // the other's were later, and the last
			}
			if said++; err != nil || d.Order.Text != "tchau" || d.More {
				t.Errorf("NextDelivery = %q, more %v, %v, want the last words", d.Order.Text, d.More, err)
				continue
			}
			if err := s.FinishAttempt(t.Context(), store.Attempt{Delivery: d.ID, Conversation: ids[i], Fence: j.Fence, Number: 1, Outcome: store.AttemptSent, StartedAt: now, Now: now}); err != nil {
				t.Errorf("FinishAttempt: %v", err)
			}
			if d, err := s.NextDelivery(t.Context(), j, now, time.Minute); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("NextDelivery after the last words = %q, %v, want nothing", d.Order.Text, err)
			}
		}
		if said != 1 {
			t.Errorf("the last words were said %d times, want once", said)
		}
	}
}
