package resilient

import (
	"time"

	"github.com/sony/gobreaker/v2"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// Observer is told what happens. Nil functions are skipped; the others are called from the
// goroutine of the call, must be quick and safe for concurrent use, and must not call the
// model: OnState runs under a lock of the circuit.
type Observer struct {
	// OnCall is told of every try, and (with duration 0) of every call that never reached the
	// provider: see Outcome. Usage is zero without an answer.
	OnCall func(model string, d time.Duration, outcome Outcome, usage llm.Usage)
	// OnState is told the circuit's state, once when the model is made and at every change.
	OnState func(model string, state State)
}

func (o Observer) call(model string, d time.Duration, outcome Outcome, usage llm.Usage) {
	if o.OnCall != nil {
		o.OnCall(model, d, outcome, usage)
	}
}

func (o Observer) state(model string, state State) {
	if o.OnState != nil {
		o.OnState(model, state)
	}
}

// Outcome is how a try ended: one of the constants, or a fault.Kind's name. It is a bounded
// label.
type Outcome string

// The outcomes that are not a fault.Kind.
const (
	OK          Outcome = "ok"
	Cancelled   Outcome = "cancelled" // by the caller
	CircuitOpen Outcome = "circuit_open"
	// Held: the provider has asked to be left alone for now, or its quota is used up.
	Held Outcome = "held"
	// NoBudget: the call might have cost more than is left.
	NoBudget Outcome = "budget"
)

// Asked says whether the provider was asked at all.
func (o Outcome) Asked() bool { return o != CircuitOpen && o != Held && o != NoBudget }

// Outcomes lists all outcomes of a model that keeps the promises of llm.Model, for metrics
// that begin at zero.
func Outcomes() []Outcome {
	out := []Outcome{OK, Cancelled, CircuitOpen, Held, NoBudget}
	for _, k := range []fault.Kind{fault.Unknown, fault.Transient, fault.RateLimited, fault.Permanent, fault.Unauthorized, fault.Invalid} {
		out = append(out, Outcome(k.String()))
	}
	return out
}

// State is a circuit's state, a bounded label.
type State string

// The states.
const (
	Closed   State = "closed"
	HalfOpen State = "half_open"
	Open     State = "open"
)

// States lists the states.
func States() []State { return []State{Closed, HalfOpen, Open} }

func stateOf(s gobreaker.State) State {
	switch s {
	case gobreaker.StateOpen:
		return Open
	case gobreaker.StateHalfOpen:
		return HalfOpen
	}
	return Closed
}
