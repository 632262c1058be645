// Package event is what the parts of the product tell each other at once, beside the
// database, which holds what is true.
//
// An event is news and never the only place where something stands: one that is lost, late
// or repeated costs time and nothing else.
package event

import (
	"slices"
	"sync"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
)

// Kind is what happened.
type Kind string

// The kinds.
const (
	// Due: a lane may have work. Dispatchers look.
	Due Kind = "due"
	// Moved: a conversation moved on. A draft about it is out of date.
	Moved Kind = "moved"
)

// Event is one piece of news. Two that are equal are one.
type Event struct {
	Kind         Kind            `json:"kind"`
	Lane         job.Lane        `json:"lane,omitempty"`         // of Due
	Conversation conversation.ID `json:"conversation,omitempty"` // of Moved
}

// Bus carries events to whoever wants them, in this process and, where there is one, in the
// others of the installation. It is safe for concurrent use.
type Bus interface {
	// Publish never blocks and never fails. Subscribers in this process have been called when
	// it returns; whether and when an event reaches other processes is not known.
	Publish(Event)
	// Subscribe calls f with every event, those of this process included, until cancel is
	// called. f must be quick, must not block and must not publish. Calls may overlap, and one
	// that has begun may end after cancel.
	Subscribe(f func(Event)) (cancel func())
}

// Local is the bus of one process. The zero value works.
type Local struct {
	mu   sync.RWMutex
	subs []*subscriber
}

type subscriber struct{ f func(Event) }

var _ Bus = (*Local)(nil)

// Publish implements Bus.
func (l *Local) Publish(e Event) {
	l.mu.RLock()
	subs := l.subs // never changed, only replaced
	l.mu.RUnlock()
	for _, s := range subs {
		s.f(e)
	}
}

// Subscribe implements Bus.
func (l *Local) Subscribe(f func(Event)) (cancel func()) {
	s := &subscriber{f}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = append(slices.Clone(l.subs), s)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.subs = slices.DeleteFunc(slices.Clone(l.subs), func(other *subscriber) bool { return other == s })
	}
}
