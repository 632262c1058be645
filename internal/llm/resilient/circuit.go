package resilient

import (
	"context"
	"time"
)

// Circuit is the state of circuits that several processes share, one for each model name.
// It behaves as one circuit in one process does: so many failures in a row open it, after a
// while one call probes, and that call's outcome closes or opens it again. Implementations
// are safe for concurrent use and bound every call to a fraction of a second; an error means
// that nothing is known, and the caller falls back on a circuit of its own.
type Circuit interface {
	// Ask says whether a call may be made: Closed and HalfOpen let it through, Open does not.
	// HalfOpen makes the call the only probe for as long as it is not told of, at most lease;
	// pass then names it.
	Ask(ctx context.Context, model string, lease time.Duration) (s State, pass string, err error)
	// Tell says how a call ended that was let through, and returns the state after it.
	Tell(ctx context.Context, model, pass string, r Result) (State, error)
}

// Result is how a call ended, and the rules of its circuit.
type Result struct {
	Verdict   Verdict
	Threshold int           // failures in a row that open the circuit
	Reset     time.Duration // how long it stays open before the next probe
}

// Verdict is what a call says about the provider.
type Verdict string

// The verdicts. Neutral says nothing; it only gives up a probe.
const (
	Healthy Verdict = "healthy"
	Failing Verdict = "failing"
	Neutral Verdict = "neutral"
)

func verdict(err error) Verdict {
	switch {
	case err == nil:
		return Healthy
	case neutral(err):
		return Neutral
	}
	return Failing
}
