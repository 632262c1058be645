package resilient

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// ChainConfig says how patient a chain is. Zero fields take the defaults.
type ChainConfig struct {
	// Patience bounds a call of the chain, all models and pauses together; default 45 s. A
	// model whose Timeout is longer has that Timeout all the same, and each that is asked for
	// the first time has at least five seconds, or its Timeout where that is shorter.
	Patience time.Duration
	// StopAtRefusal ends the call when a provider refuses the content. Otherwise one other
	// model is asked, once.
	StopAtRefusal bool
}

// DefaultPatience is ChainConfig's: with the quiet window before it and a model of two
// seconds' use in it, a conversation is with a person within a minute.
const DefaultPatience = 45 * time.Second

// firstSlice is what a model has at least when it is asked for the first time.
const firstSlice = 5 * time.Second

// Entry is a model of a chain, by the name that people have given it.
type Entry struct {
	Name  string
	Model *Model
}

// Chain is a model that asks others in order.
//
// As long as there is another one to ask, nobody waits for one that fails: each is tried once
// with the same request, and one that asked for patience, whose quota is used up or whose
// circuit is open is passed over. Once all have failed, those that another try may help are
// tried again, each at its time, as often as their Attempts say and as long as Patience lasts.
// What timed out is not tried again, except where it is alone.
//
// It fails with *llm.Exhausted, or with the error of ctx once that has ended. It is safe for
// concurrent use.
type Chain struct {
	cfg     ChainConfig
	entries []Entry
}

var _ llm.Model = (*Chain)(nil)

// NewChain puts models in order. Without any it panics.
func NewChain(cfg ChainConfig, entries ...Entry) *Chain {
	if len(entries) == 0 {
		panic("resilient: chain without models")
	}
	if cfg.Patience <= 0 {
		cfg.Patience = DefaultPatience
	}
	return &Chain{cfg: cfg, entries: append([]Entry(nil), entries...)}
}

// Name joins the names of the models with "+"; Response.Model tells who answered.
func (c *Chain) Name() string {
	names := make([]string, len(c.entries))
	for i, e := range c.entries {
		names[i] = e.Model.Name()
	}
	return strings.Join(names, "+")
}

// Generate implements llm.Model.
func (c *Chain) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	patience := c.cfg.Patience
	for _, e := range c.entries {
		patience = max(patience, e.Model.cfg.Timeout)
	}
	deadline := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if len(c.entries) == 1 {
		return c.alone(ctx, req, deadline)
	}
	call := &call{chain: c, req: req, deadline: deadline, hopes: make([]hope, len(c.entries))}
	for i := range c.entries {
		if resp, done := call.first(ctx, i); done {
			return resp, call.err(ctx)
		}
	}
	for {
		i, ok := call.next()
		if !ok || !sleep(ctx, time.Until(call.hopes[i].at)) {
			return nil, call.err(ctx)
		}
		if resp, done := call.again(ctx, i); done {
			return resp, call.err(ctx)
		}
	}
}

// alone asks the only model, which has all the patience that there is.
func (c *Chain) alone(ctx context.Context, req *llm.Request, deadline time.Time) (*llm.Response, error) {
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	e := c.entries[0]
	resp, err := e.Model.Generate(bounded, req)
	if err == nil || ctx.Err() != nil {
		return resp, err
	}
	return nil, &llm.Exhausted{Failures: []llm.Failure{failure(e.Name, err)}, Err: err}
}

// call is one Generate of a chain.
type call struct {
	chain    *Chain
	req      *llm.Request
	deadline time.Time
	hopes    []hope // by entry
	refusals int
	stopped  bool // by refusals
	answered bool
}

// hope is what is expected of a model that has failed.
type hope struct {
	err   error
	tries int
	bound time.Duration // of the next pause
	again bool          // another try may help
	at    time.Time     // when, at the earliest
}

// first asks a model for the first time, unless it is known that it will not answer now.
func (c *call) first(ctx context.Context, i int) (*llm.Response, bool) {
	m, h := c.chain.entries[i].Model, &c.hopes[i]
	h.bound = m.cfg.Pause
	if wait, err := m.held(); err != nil {
		m.notAsked(ctx, Held)
		h.err, h.again, h.at = err, wait <= m.cfg.MaxRetryAfter, time.Now().Add(wait)
		if llm.CauseOf(err) == llm.Quota {
			// When everything else has failed, asking costs nothing: somebody may have paid.
			h.again, h.at = true, time.Now()
		}
		return nil, false
	}
	slice := max(time.Until(c.deadline), min(firstSlice, m.cfg.Timeout))
	return c.ask(ctx, i, slice)
}

// again asks a model that has failed before.
func (c *call) again(ctx context.Context, i int) (*llm.Response, bool) {
	m, h := c.chain.entries[i].Model, &c.hopes[i]
	if wait, err := m.held(); err != nil && llm.CauseOf(err) != llm.Quota {
		// Another call has been told to wait meanwhile.
		h.err, h.again, h.at = err, wait <= m.cfg.MaxRetryAfter, time.Now().Add(wait)
		return nil, false
	}
	return c.ask(ctx, i, time.Until(c.deadline))
}

// ask makes one try; done: there is an answer, or nothing more is to be tried.
func (c *call) ask(ctx context.Context, i int, slice time.Duration) (resp *llm.Response, done bool) {
	m, h := c.chain.entries[i].Model, &c.hopes[i]
	resp, err := m.once(ctx, c.req, slice)
	if err == nil {
		c.answered = true
		return resp, true
	}
	h.err, h.again = err, false
	h.tries++
	cause := llm.CauseOf(err)
	if cause == llm.Refused {
		c.refusals++
		c.stopped = c.chain.cfg.StopAtRefusal || c.refusals > 1
	}
	if ctx.Err() != nil || c.stopped {
		return nil, true
	}
	hopeless := cause == llm.Quota || cause == llm.Timeout || fault.Code(err) == CodeOpen
	if !hopeless && fault.KindOf(err).Retryable() && h.tries < m.cfg.Attempts {
		d := rand.N(h.bound + 1)
		h.bound = min(2*h.bound, m.cfg.MaxPause)
		wish := fault.RetryAfter(err)
		if wish > 0 {
			d = wish + min(d, wish/4)
		}
		h.again, h.at = wish <= m.cfg.MaxRetryAfter, time.Now().Add(d)
	}
	return nil, false
}

// next is the model whose time comes first, where there is one within the patience.
func (c *call) next() (int, bool) {
	best := -1
	for i, h := range c.hopes {
		// A model that has next to no time is not worth asking.
		least := min(time.Second, c.chain.entries[i].Model.cfg.Timeout)
		if h.again && h.at.Add(least).Before(c.deadline) && (best < 0 || h.at.Before(c.hopes[best].at)) {
			best = i
		}
	}
	return best, best >= 0
}

// err sums the call up.
func (c *call) err(ctx context.Context) error {
	if c.answered {
		return nil
	}
	e := &llm.Exhausted{}
	var last error // of those who were asked
	for i, h := range c.hopes {
		if h.err == nil {
			continue
		}
		last = h.err
		e.Failures = append(e.Failures, failure(c.chain.entries[i].Name, h.err))
		if e.Err == nil || !fault.KindOf(e.Err).Retryable() && fault.KindOf(h.err).Retryable() {
			e.Err = h.err
		}
	}
	if ctx.Err() != nil {
		return last
	}
	return e
}

func failure(name string, err error) llm.Failure {
	f := llm.Failure{Name: name, Cause: llm.CauseOf(err)}
	var line interface{ BudgetLine() string }
	if errors.As(err, &line) {
		f.Line = line.BudgetLine()
	}
	return f
}

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
