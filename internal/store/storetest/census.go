package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// census is about how things stand for everybody.
func census() []scenario {
	counts := func(k *kit, want store.Census) {
		k.Helper()
		got, err := k.s.Census(k.ctx, k.now)
		if err != nil {
			k.Fatalf("Census: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			k.Errorf("Census (-want +got):\n%s", diff)
		}
	}
	return []scenario{
		{"since when something waits", func(k *kit) {
			oldest := func(turn, delivery time.Time) {
				k.Helper()
				t, d, err := k.s.Oldest(k.ctx, k.now)
				if !t.Equal(turn) || !d.Equal(delivery) || err != nil {
					k.Errorf("Oldest = %v and %v, %v, want %v and %v", t, d, err, turn, delivery)
				}
			}
			never := time.Time{}
			oldest(never, never)
			due := k.now.Add(4 * time.Second)
			id := k.writes("quanto custa").Conversation
			oldest(never, never) // the burst is not over
			k.wait(time.Minute)
			oldest(due, never)
			k.decide(k.decision(k.begin(id), k.say("um")))
			decided := k.now
			k.wait(time.Second)
			oldest(never, decided)
			k.later(k.next(id), store.AttemptRetry, time.Minute)
			again := k.now.Add(time.Minute)
			k.idle(id)
			oldest(never, never)
			k.wait(90 * time.Second)
			oldest(never, again)
			k.claim(job.Deliveries, id)
			k.sends(id, "um")
			k.idle(id)
			oldest(never, never)
		}},
		{"who holds the conversations", func(k *kit) {
			counts(k, store.Census{})
			ids := k.people(3)
			for i, hold := range []time.Duration{0, time.Hour} {
				if err := k.s.TakeOver(k.ctx, ids[i], hold, k.now); err != nil {
					k.Fatalf("TakeOver: %v", err)
				}
			}
			counts(k, store.Census{Bot: 1, Human: 2})
			k.wait(time.Hour) // the second hold has run out
			counts(k, store.Census{Bot: 2, Human: 1})
		}},
		{"conversations that are closed", func(k *kit) {
			k.answer()
			k.receive(k.shown(conversation.Resolved, k.now))
			counts(k, store.Census{Closed: 1})
		}},
		{"who has opted out, once", func(k *kit) {
			k.out()
			k.out()
			counts(k, store.Census{Bot: 1, OptedOut: 1})
		}},
	}
}
