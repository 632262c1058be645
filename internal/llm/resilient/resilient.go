// Package resilient makes a model out of a model that sometimes fails: a bound on every try,
// a few tries with pauses between them, and a circuit breaker in front, so that a provider
// that is down costs the customer's turn nothing. Chain puts models behind each other.
//
// A call is one Generate of this package; a try is one Generate of the model beneath. The
// wrapper passes requests and responses through unchanged and logs nothing; what happened is
// told to an Observer.
package resilient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/tracing"
)

// CodeOpen is the fault.Code of a call that the open circuit turned away.
const CodeOpen = llm.CodeOpen

// Config says how patient to be. Zero fields take the defaults.
type Config struct {
	// Timeout bounds one try: LLM_TIMEOUT_SECONDS, default 30 s. The HTTP client beneath must
	// allow as much.
	Timeout time.Duration
	// Attempts counts all tries of a call, the first included: LLM_RETRY_ATTEMPTS, default 3.
	Attempts int
	// BreakerThreshold is how many calls must fail in a row, each with all its tries, for the
	// circuit to open: LLM_CIRCUIT_BREAKER_THRESHOLD, default 5. See Model for what counts.
	BreakerThreshold int
	// BreakerReset is how long the circuit stays open before one call may probe:
	// LLM_CIRCUIT_BREAKER_RESET_SECONDS, default 300 s.
	BreakerReset time.Duration
	// Pause is the upper bound of the first pause between tries, default 500 ms; every further
	// one doubles it, up to MaxPause. The pause itself is drawn evenly between 0 and the bound.
	Pause time.Duration
	// MaxPause bounds the bound, default 5 s.
	MaxPause time.Duration
	// Key names the circuit among those that processes share; default the model's name. Two
	// accounts at one provider have two circuits.
	Key string
	// Circuit is shared with other processes; nil, or while it fails: this process has its own.
	Circuit Circuit
	// MaxRetryAfter is the longest wish of a provider that is waited for within a call, default
	// 20 s: a longer one ends the call at once, and its caller decides.
	MaxRetryAfter time.Duration
}

// Validate names the documented key of what is wrong.
func (c Config) Validate() error {
	for key, bad := range map[string]bool{
		"LLM_TIMEOUT_SECONDS":               c.Timeout < 0,
		"LLM_RETRY_ATTEMPTS":                c.Attempts < 0,
		"LLM_CIRCUIT_BREAKER_THRESHOLD":     c.BreakerThreshold < 0,
		"LLM_CIRCUIT_BREAKER_RESET_SECONDS": c.BreakerReset < 0,
	} {
		if bad {
			return fmt.Errorf("%s: must be more than 0", key)
		}
	}
	if c.Pause < 0 || c.MaxPause < 0 || c.MaxRetryAfter < 0 {
		return errors.New("pauses between tries of a model must not be negative")
	}
	return nil
}

func (c Config) filled() Config {
	c.Timeout = or(c.Timeout, 30*time.Second)
	c.Attempts = or(c.Attempts, 3)
	c.BreakerThreshold = or(c.BreakerThreshold, 5)
	c.BreakerReset = or(c.BreakerReset, 300*time.Second)
	c.Pause = or(c.Pause, 500*time.Millisecond)
	c.MaxPause = max(or(c.MaxPause, 5*time.Second), c.Pause)
	c.MaxRetryAfter = or(c.MaxRetryAfter, 20*time.Second)
	return c
}

func or[T ~int | ~int64](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

// Model is a model with patience. It is safe for concurrent use.
//
// Tried again are failures that another try may help (fault.Kind.Retryable), never
// Unauthorized, Invalid or Permanent. As failures of the circuit count the same ones, 429 and
// 408 included; the others say that the provider is there, and neither open the circuit nor
// close it. Nor does a call that its caller cancelled.
//
// A wish of the provider (Retry-After) holds for all calls of this process: those that come
// before its time wait for it as the one does that was told, or fail at once with the same
// error where that would take too long. A quota that is used up is not tried again within a
// call; a Chain passes such a model over for as long as a circuit stays open.
type Model struct {
	model   llm.Model
	cfg     Config
	observe Observer
	breaker *gobreaker.CircuitBreaker[*llm.Response]

	mu    sync.Mutex
	seen  State // what the observer was told last
	hold  hold  // the provider's last wish
	quota hold
}

// hold is a time until when a provider has asked not to be asked, and how it said so.
type hold struct {
	until time.Time
	err   error
}

var _ llm.Model = (*Model)(nil)

// New wraps a model. The configuration must be valid.
func New(model llm.Model, cfg Config, observe Observer) *Model {
	m := &Model{model: model, cfg: cfg.filled(), observe: observe}
	if m.cfg.Key == "" {
		m.cfg.Key = model.Name()
	}
	m.breaker = gobreaker.NewCircuitBreaker[*llm.Response](gobreaker.Settings{
		Name:        model.Name(),
		MaxRequests: 1, // one call probes
		Timeout:     m.cfg.BreakerReset,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int64(c.ConsecutiveFailures) >= int64(m.cfg.BreakerThreshold) },
		IsExcluded:  neutral,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			m.state(stateOf(to))
		},
	})
	m.state(Closed)
	return m
}

// state tells the observer of a change. Where the circuit is shared, this process learns of
// it when it next has a call to make.
func (m *Model) state(s State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s != m.seen {
		m.seen = s
		m.observe.state(m.Name(), s)
	}
}

// errCancelled marks a failure that says nothing about the provider: the caller went away.
// It is stripped again before the caller sees it.
type errCancelled struct{ error }

func (e errCancelled) Unwrap() error { return e.error }

// neutral says whether an outcome tells nothing about the provider's health.
func neutral(err error) bool {
	var c errCancelled
	return err != nil && (errors.As(err, &c) || !fault.KindOf(err).Retryable())
}

// Name implements llm.Model.
func (m *Model) Name() string { return m.model.Name() }

// Generate implements llm.Model. While the circuit is open it fails at once with
// fault.Transient and CodeOpen.
func (m *Model) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	return m.guarded(ctx, m.longest(ctx), func() (*llm.Response, error) {
		resp, err := m.tries(ctx, req)
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			err = errCancelled{err}
		}
		return resp, err
	})
}

// once makes one try within at most the slice of time. A slice that is shorter than the
// timeout says nothing about a provider that needs longer.
func (m *Model) once(ctx context.Context, req *llm.Request, slice time.Duration) (*llm.Response, error) {
	return m.guarded(ctx, min(slice, m.cfg.Timeout), func() (*llm.Response, error) {
		resp, err := m.try(ctx, req, slice)
		cut := slice < m.cfg.Timeout && llm.CauseOf(err) == llm.Timeout
		if err != nil && (cut || errors.Is(ctx.Err(), context.Canceled)) {
			err = errCancelled{err}
		}
		return resp, err
	})
}

// guarded makes a call, which takes at most longest, under the circuit.
func (m *Model) guarded(ctx context.Context, longest time.Duration, call func() (*llm.Response, error)) (*llm.Response, error) {
	// A caller that is gone already must not use up the probe of a half-open circuit.
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.Wrap(fault.Transient, "timeout", err)
	case err != nil:
		return nil, fault.Wrap(fault.Transient, "cancelled", err)
	}
	resp, err, shared := m.shared(ctx, longest, call)
	if !shared {
		resp, err = m.breaker.Execute(call)
	}
	var c errCancelled
	switch {
	case err == nil:
		return resp, nil
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		m.notAsked(ctx, CircuitOpen)
		return nil, fault.New(fault.Transient, CodeOpen)
	case errors.As(err, &c):
		return nil, c.error
	}
	return nil, err
}

// shared makes the call under the circuit that all processes share; false: there is none, or
// it does not answer, and nothing was done.
func (m *Model) shared(ctx context.Context, longest time.Duration, call func() (*llm.Response, error)) (resp *llm.Response, err error, ok bool) {
	if m.cfg.Circuit == nil {
		return nil, nil, false
	}
	state, pass, err := m.cfg.Circuit.Ask(ctx, m.cfg.Key, longest)
	if err != nil {
		return nil, nil, false
	}
	m.state(state)
	if state == Open {
		return nil, gobreaker.ErrOpenState, true
	}
	said := Failing // a panic is a failure
	defer func() {
		after, err := m.cfg.Circuit.Tell(context.WithoutCancel(ctx), m.cfg.Key, pass, Result{said, m.cfg.BreakerThreshold, m.cfg.BreakerReset})
		if err == nil {
			m.state(after)
		}
	}()
	resp, err = call()
	said = verdict(err)
	return resp, err, true
}

// longest is how long a call may take, with all its tries and pauses.
func (m *Model) longest(ctx context.Context) time.Duration {
	d := time.Duration(m.cfg.Attempts) * (m.cfg.Timeout + m.cfg.MaxPause)
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(deadline))
	}
	return d
}

// tries makes one call; the error is the last try's.
func (m *Model) tries(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	p := &pause{cfg: m.cfg, bound: m.cfg.Pause}
	p.deadline, _ = ctx.Deadline()
	if err := m.await(ctx, p); err != nil {
		return nil, err
	}
	resp, err := backoff.Retry(ctx, func() (*llm.Response, error) {
		resp, err := m.try(ctx, req, m.cfg.Timeout)
		p.last = err
		if err != nil && (!fault.KindOf(err).Retryable() || llm.CauseOf(err) == llm.Quota) {
			return nil, backoff.Permanent(err)
		}
		return resp, err
	}, backoff.WithBackOff(p), backoff.WithMaxTries(uint(m.cfg.Attempts)), backoff.WithMaxElapsedTime(0))
	if err != nil {
		// Retry's own error may be the context's, which has no kind.
		return nil, p.last
	}
	return resp, nil
}

// await waits for what the provider has asked another call to wait for. The error is the
// provider's, where waiting would take too long.
func (m *Model) await(ctx context.Context, p *pause) error {
	_, err := m.held()
	if err == nil || llm.CauseOf(err) == llm.Quota {
		return nil
	}
	p.last = err
	if wait := p.NextBackOff(); wait == backoff.Stop || !sleep(ctx, wait) {
		m.notAsked(ctx, Held)
		return errCancelled{err} // nobody was asked, so nothing is known
	}
	p.Reset()
	return nil
}

// held says how long the provider is still to be left alone, and why; nil: it may be asked.
func (m *Model) held() (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range []hold{m.quota, m.hold} {
		wait := time.Until(h.until)
		if wait <= 0 {
			continue
		}
		again := fault.Error{Kind: fault.RateLimited, Code: fault.Code(h.err), Status: fault.StatusOf(h.err), RetryAfter: wait}
		return wait, &again
	}
	return 0, nil
}

// heed remembers what the provider's answer says about when to come again.
func (m *Model) heed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch wish := fault.RetryAfter(err); {
	case err == nil:
		// Somebody has paid. A wish stands all the same: the answer may be to an older question.
		m.quota = hold{}
	case llm.CauseOf(err) == llm.Quota:
		m.quota = hold{time.Now().Add(max(wish, m.cfg.BreakerReset)), err}
	case wish > 0 && fault.KindOf(err).Retryable():
		m.hold = hold{time.Now().Add(wish), err}
	}
}

// errTimeout is the cause of a try that took too long.
var errTimeout = errors.New("model did not answer in time")

func (m *Model) try(ctx context.Context, req *llm.Request, slice time.Duration) (*llm.Response, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, min(slice, m.cfg.Timeout), errTimeout)
	defer cancel()
	bounded, span := tracing.Start(bounded, tracing.ModelTried)
	start := time.Now()
	resp, err := m.model.Generate(bounded, req)
	took := time.Since(start)
	if err == nil && resp == nil {
		err = fault.New(fault.Permanent, "model gave neither answer nor error")
	}
	m.heed(err)
	outcome, usage := OK, llm.Usage{}
	switch {
	case err == nil:
		usage = resp.Usage
	case errors.Is(ctx.Err(), context.Canceled):
		outcome = Cancelled
	case llm.CauseOf(err) == llm.OverBudget, llm.CauseOf(err) == llm.NoPrice:
		outcome, took = NoBudget, 0
	default:
		outcome = Outcome(fault.KindOf(err).String())
	}
	m.observe.call(m.Name(), took, outcome, usage)
	m.traced(span, outcome, usage, err)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// pause decides how long to wait before the next try. It implements backoff.BackOff, whose
// own schedule knows neither the wish of the provider nor the deadline of the caller, and
// draws around its interval instead of below it.
type pause struct {
	cfg      Config
	bound    time.Duration
	deadline time.Time
	last     error
}

// Reset implements backoff.BackOff.
func (p *pause) Reset() { p.bound = p.cfg.Pause }

// NextBackOff implements backoff.BackOff. The provider's wish comes first, with the jitter on
// top, so that those who were turned away together do not come back together.
func (p *pause) NextBackOff() time.Duration {
	d := rand.N(p.bound + 1)
	p.bound = min(2*p.bound, p.cfg.MaxPause)
	if wish := fault.RetryAfter(p.last); wish > 0 {
		if wish > p.cfg.MaxRetryAfter {
			return backoff.Stop
		}
		d = wish + min(d, wish/4)
	}
	if !p.deadline.IsZero() && time.Until(p.deadline) <= d {
		return backoff.Stop // nothing can come of waiting
	}
	return d
}
