// Package job holds the arguments of durable jobs: plain structs with a Kind.
//
// A job is a hint that a lane of a conversation has work, never the work itself: the
// conversation row says what is due, and the fence says whether this job is still the one
// meant. A job that comes late, twice or after a crash finds another fence and ends.
package job

import "secretaria/internal/conversation"

// Lane is one of the two kinds of work that a conversation can have, one at a time each.
type Lane string

// The lanes. Their names are River's queue names and bounded labels.
const (
	Turns      Lane = "turn"
	Deliveries Lane = "delivery"
)

// Turn asks for one turn of a conversation.
type Turn struct {
	Conversation conversation.ID `json:"conversation"`
	Fence        int64           `json:"fence"`
}

// Kind implements river.JobArgs.
func (Turn) Kind() string { return string(Turns) }

// Deliver asks for the due deliveries of a conversation to be carried out, in order.
type Deliver struct {
	Conversation conversation.ID `json:"conversation"`
	Fence        int64           `json:"fence"`
}

// Kind implements river.JobArgs.
func (Deliver) Kind() string { return string(Deliveries) }

// Claim is a lane that was claimed: what a job is inserted for.
type Claim struct {
	Conversation conversation.ID
	Fence        int64
}
