package app

import (
	"context"
	"sync"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
)

// censusEvery is how old the counts of everybody may be. They cost more than what has an
// index of its own, and change slowly.
const censusEvery = time.Minute

// standing shows in the metrics what only the database knows: how much waits, and who holds
// what. While the database is away the last that it told stays, but for the age of what
// waits, which grows.
type standing struct {
	mu             sync.Mutex
	turn, delivery time.Time // since when the oldest waits
	counted        time.Time // the last census; zero: none yet
}

// show reads it and sets the gauges. Where somebody else is doing that, it waits for them no
// longer than ctx lets the database take.
func (s *standing) show(ctx context.Context, memory store.Store, m *telemetry.Metrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	gauges := m.Standing
	if turns, deliveries, err := memory.Backlog(ctx, now); err == nil {
		m.QueueSize.Set(float64(turns + deliveries))
		gauges.Waiting["turn"].Set(float64(turns))
		gauges.Waiting["delivery"].Set(float64(deliveries))
	}
	if turn, delivery, err := memory.Oldest(ctx, now); err == nil {
		s.turn, s.delivery = turn, delivery
	}
	gauges.OldestAge["turn"].Set(age(s.turn).Seconds())
	gauges.OldestAge["delivery"].Set(age(s.delivery).Seconds())
	if n, _, err := memory.Workers(ctx, now.Add(-freshBeat)); err == nil {
		gauges.Workers.Set(float64(n))
	}
	if now.Sub(s.counted) < censusEvery {
		return
	}
	s.counted = now // also where it fails: a database that is slow is not asked at every scrape
	c, err := memory.Census(ctx, now)
	if err != nil {
		return
	}
	for holder, n := range map[conversation.Holder]int{conversation.Bot: c.Bot, conversation.Human: c.Human, conversation.Closed: c.Closed} {
		gauges.Holders[string(holder)].Set(float64(n))
	}
	gauges.OptedOut.Set(float64(c.OptedOut))
}
