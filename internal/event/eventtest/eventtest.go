// Package eventtest is the suite that every event.Bus passes.
package eventtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/conversation"
	"secretaria/internal/event"
	"secretaria/internal/job"
)

// Ear keeps what a subscriber is told. Hear is its function.
type Ear struct {
	mu    sync.Mutex
	heard []event.Event
}

// Hear keeps an event.
func (e *Ear) Hear(ev event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, ev)
}

// Heard are the events so far.
func (e *Ear) Heard() []event.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard)
}

// Run runs the suite on buses that open makes.
func Run(t *testing.T, open func(t *testing.T) event.Bus) {
	t.Run("subscribers", func(t *testing.T) {
		t.Parallel()
		bus := open(t)
		due, moved := event.Event{Kind: event.Due, Lane: job.Turns}, event.Event{Kind: event.Moved, Conversation: 7}
		bus.Publish(due) // nobody listens
		var first, second Ear
		cancelFirst := bus.Subscribe(first.Hear)
		cancelSecond := bus.Subscribe(second.Hear)
		bus.Publish(moved)
		bus.Publish(moved)
		cancelFirst()
		cancelFirst() // twice is once
		bus.Publish(due)
		cancelSecond()
		bus.Publish(due)
		for name, c := range map[string]struct{ want, got []event.Event }{
			"first":  {[]event.Event{moved, moved}, first.Heard()},
			"second": {[]event.Event{moved, moved, due}, second.Heard()},
		} {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("the %s subscriber heard (-want +got):\n%s", name, diff)
			}
		}
	})
	t.Run("many at once", func(t *testing.T) {
		t.Parallel()
		bus := open(t)
		var ear Ear
		defer bus.Subscribe(ear.Hear)()
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 500 {
					bus.Publish(event.Event{Kind: event.Moved, Conversation: conversation.ID(g*500 + i)})
					bus.Subscribe(func(event.Event) {})()
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, e := range ear.Heard() {
			seen[fmt.Sprint(e)] = true
		}
		if len(seen) != 4000 {
			t.Errorf("%d events were heard in this process, want 4000", len(seen))
		}
	})
}
