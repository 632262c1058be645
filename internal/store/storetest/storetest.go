// Package storetest is the suite that every store passes. It knows nothing of any
// database: it speaks to store.Store alone, and passes in every time, so nothing sleeps.
package storetest

import (
	"slices"
	"sync"
	"testing"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// Jobs notes the jobs that a store inserts. The function that a store is given to enqueue
// with calls Add for each claim. It is safe for concurrent use.
type Jobs struct {
	mu    sync.Mutex
	added []added
}

type added struct {
	lane  job.Lane
	id    conversation.ID
	fence int64
}

// Add notes one job.
func (j *Jobs) Add(lane job.Lane, id conversation.ID, fence int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.added = append(j.added, added{lane, id, fence})
}

// fence is the newest one that a job was inserted for, 0 when there is none.
func (j *Jobs) fence(lane job.Lane, id conversation.ID) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	var newest int64
	for _, a := range j.added {
		if a.lane == lane && a.id == id {
			newest = max(newest, a.fence)
		}
	}
	return newest
}

func (j *Jobs) of(lane job.Lane) []added {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(j.added), func(a added) bool { return a.lane != lane })
}

// scenario is one case of the suite.
type scenario struct {
	name string
	run  func(*kit)
}

// Trait is something that is true of one kind of store and not of another.
type Trait string

// Shared says that other processes may work on the same database: nobody is certainly gone,
// so Recover frees nothing, and leases end by themselves.
const Shared Trait = "shared"

// Run runs the suite. open returns an empty store, which the suite does not close, whose
// jobs go to the Jobs it is given.
func Run(t *testing.T, open func(t *testing.T, jobs *Jobs) store.Store, traits ...Trait) {
	for _, group := range []struct {
		name  string
		cases []scenario
	}{
		{"repeats", repeats()}, {"receiving", receiving()}, {"changes of words", words()}, {"holders", holders()}, {"dispatch", dispatching()}, {"turns", turns()}, {"waking", waking()},
		{"decisions", decisions()}, {"deliveries", deliveries()}, {"outcomes", outcomes()}, {"echoes", echoes()}, {"dead", dead()}, {"hands", hands()}, {"given back", givenBack()}, {"calls", calls()}, {"pauses", pauses()},
		{"opting out", optingOut()}, {"memory", memories()}, {"commands", commands()}, {"the rest", rest()}, {"census", census()},
		{"dossiers", dossiers()}, {"erasing", erasing()}, {"sweeping", sweeping()},
		{"whatever happens", whatever()},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					jobs := &Jobs{}
					k := newKit(t, open(t, jobs), jobs)
					k.shared = slices.Contains(traits, Shared)
					c.run(k)
				})
			}
		})
	}
}
