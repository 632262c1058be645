package redis

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/redis/redistest"
)

var request = &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "oi"}}}

// provider is a model that several processes ask; it is down or not.
type provider struct {
	name string
	mu   sync.Mutex
	down bool
	n    int
	hold chan struct{} // calls wait for it; nil: they do not
}

func (p *provider) Name() string { return p.name }

func (p *provider) Generate(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
	p.mu.Lock()
	p.n++
	down, hold := p.down, p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Transient, "cancelled", ctx.Err())
		}
	}
	if down {
		return nil, fault.New(fault.Transient, "down")
	}
	return &llm.Response{Text: "oi"}, nil
}

func (p *provider) set(down bool, hold chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.hold = down, hold
}

func (p *provider) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// states keeps what an observer was told.
type states struct {
	mu   sync.Mutex
	list []resilient.State
}

func (s *states) seen(_ string, st resilient.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, st)
}

// process is a model as a process has it.
func process(c *Client, p *provider, change func(*resilient.Config)) (*resilient.Model, *states) {
	cfg := resilient.Config{Attempts: 1, BreakerThreshold: 3, BreakerReset: time.Hour, Circuit: c.Breakers()}
	if change != nil {
		change(&cfg)
	}
	s := &states{}
	return resilient.New(p, cfg, resilient.Observer{OnState: s.seen}), s
}

// outcome is "" for an answer, else the code of the failure.
func outcome(t *testing.T, m *resilient.Model) string {
	t.Helper()
	_, err := m.Generate(t.Context(), request)
	return fault.Code(err)
}

// over lets the circuit's time pass.
func over(t *testing.T, c *Client, model string) {
	t.Helper()
	if err := c.rdb.HSet(t.Context(), circuitKey(model), "until", "1").Err(); err != nil {
		t.Fatal(err)
	}
}

func TestCircuitIsShared(t *testing.T) {
	t.Parallel()
	url := patient(redistest.URL(t))
	a, _ := connect(t, url)
	b, _ := connect(t, url)
	p := &provider{name: "m-" + token(), down: true}
	one, oneSaw := process(a, p, nil)
	two, twoSaw := process(b, p, nil)
	// Failures count together; a success between them begins anew.
	outcome(t, one)
	outcome(t, two)
	p.set(false, nil)
	outcome(t, one)
	p.set(true, nil)
	for i, m := range []*resilient.Model{two, one, one} {
		if got := outcome(t, m); got != "down" {
			t.Fatalf("call %d ended with %q, want it made", i, got)
		}
	}
	before := p.calls()
	for _, m := range []*resilient.Model{one, two, one, two} {
		if got := outcome(t, m); got != resilient.CodeOpen {
			t.Errorf("a call ended with %q, want %q", got, resilient.CodeOpen)
		}
	}
	if got := p.calls() - before; got != 0 {
		t.Errorf("%d calls were made through an open circuit", got)
	}
	// One probe over all, whose failure opens it again.
	over(t, a, p.name)
	hold := make(chan struct{})
	p.set(true, hold)
	probed := make(chan string)
	go func() { probed <- outcome(t, two) }()
	eventually(t, "the probe", func() bool { return p.calls() == before+1 })
	for _, m := range []*resilient.Model{one, two} {
		if got := outcome(t, m); got != resilient.CodeOpen {
			t.Errorf("a call beside the probe ended with %q, want %q", got, resilient.CodeOpen)
		}
	}
	close(hold)
	if got := <-probed; got != "down" {
		t.Errorf("the probe ended with %q, want it made", got)
	}
	if got := outcome(t, one); got != resilient.CodeOpen {
		t.Errorf("a call after the failed probe ended with %q, want %q", got, resilient.CodeOpen)
	}
	// A probe that succeeds closes it for all.
	over(t, a, p.name)
	p.set(false, nil)
	for _, m := range []*resilient.Model{one, two, two} {
		if got := outcome(t, m); got != "" {
			t.Errorf("a call through a closed circuit ended with %q", got)
		}
	}
	o, h, c := resilient.Open, resilient.HalfOpen, resilient.Closed
	if diff := cmp.Diff([]resilient.State{c, o, h, c}, oneSaw.list); diff != "" {
		t.Errorf("the first process saw (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]resilient.State{c, o, h, o, c}, twoSaw.list); diff != "" {
		t.Errorf("the second process saw (-want +got):\n%s", diff)
	}
	if keys := a.rdb.Exists(t.Context(), circuitKey(p.name)).Val(); keys != 0 {
		t.Error("a closed circuit leaves a key")
	}
}

// A storm of calls at the moment of the probe: one is made.
func TestOneProbe(t *testing.T) {
	t.Parallel()
	url := patient(redistest.URL(t))
	p := &provider{name: "m-" + token(), down: true}
	var models []*resilient.Model
	var c *Client
	for range 3 {
		c, _ = connect(t, url)
		m, _ := process(c, p, func(cfg *resilient.Config) { cfg.BreakerThreshold = 1 })
		models = append(models, m)
	}
	outcome(t, models[0])
	over(t, c, p.name)
	before := p.calls()
	hold := make(chan struct{})
	p.set(true, hold)
	got := make(chan string, 30)
	for i := range cap(got) {
		go func() { got <- outcome(t, models[i%3]) }()
	}
	for range cap(got) - 1 {
		if g := <-got; g != resilient.CodeOpen {
			t.Errorf("a call ended with %q, want %q", g, resilient.CodeOpen)
		}
	}
	close(hold)
	if g := <-got; g != "down" || p.calls() != before+1 {
		t.Errorf("the probe ended with %q after %d calls, want one that was made", g, p.calls()-before)
	}
}

// Who probes and says nothing more is followed by somebody else.
func TestProbeIsGivenUp(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, patient(redistest.URL(t)))
	model := "m-" + token()
	rules := resilient.Result{Verdict: resilient.Failing, Threshold: 1, Reset: time.Hour}
	b := c.Breakers()
	tell := func(pass string, v resilient.Verdict) resilient.State {
		t.Helper()
		r := rules
		r.Verdict = v
		s, err := b.Tell(t.Context(), model, pass, r)
		if err != nil {
			t.Fatalf("Tell() = %v", err)
		}
		return s
	}
	ask := func(want resilient.State) string {
		t.Helper()
		s, pass, err := b.Ask(t.Context(), model, time.Hour)
		if err != nil || s != want || (pass != "") != (want == resilient.HalfOpen) {
			t.Fatalf("Ask() = %v, %q, %v, want %v", s, pass, err, want)
		}
		return pass
	}
	ask(resilient.Closed)
	if s := tell("", resilient.Neutral); s != resilient.Closed {
		t.Errorf("Tell(neutral) = %v, want closed", s)
	}
	if s := tell("", resilient.Failing); s != resilient.Open {
		t.Errorf("Tell(failing) = %v, want open", s)
	}
	over(t, c, model)
	first := ask(resilient.HalfOpen)
	ask(resilient.Open)
	// Cancelled by its caller: the next one probes.
	tell(first, resilient.Neutral)
	second := ask(resilient.HalfOpen)
	// Killed: when its time is over, the next one probes, and the late word changes nothing.
	if err := c.rdb.HSet(t.Context(), circuitKey(model), "lease", "1").Err(); err != nil {
		t.Fatal(err)
	}
	third := ask(resilient.HalfOpen)
	for _, v := range []resilient.Verdict{resilient.Failing, resilient.Neutral, resilient.Healthy} {
		tell(second, v)
		tell("", v) // from before it opened
		ask(resilient.Open)
	}
	if s := tell(third, resilient.Healthy); s != resilient.Closed {
		t.Errorf("Tell() of the probe = %v, want closed", s)
	}
	ask(resilient.Closed)
	// Whatever the rules are, they can be written down.
	for _, r := range []resilient.Result{{Verdict: resilient.Failing, Threshold: 1 << 62, Reset: 1}, {Verdict: resilient.Failing, Threshold: 1, Reset: 1<<63 - 1}} {
		if _, err := b.Tell(t.Context(), model, "", r); err != nil {
			t.Errorf("Tell(%+v) = %v", r, err)
		}
	}
	ask(resilient.Open)
	if left := c.rdb.PTTL(t.Context(), circuitKey(model)).Val(); left <= 0 {
		t.Errorf("the key lives %v", left)
	}
}

// Without Redis a process has its own circuit.
func TestCircuitAway(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"down": refusing(t), "silent": silence(t)} {
		c, _ := connect(t, url)
		p := &provider{name: "m", down: true}
		m, saw := process(c, p, nil)
		for range 3 {
			if got := outcome(t, m); got != "down" {
				t.Errorf("%s: a call ended with %q, want it made", name, got)
			}
		}
		if got := outcome(t, m); got != resilient.CodeOpen {
			t.Errorf("%s: the fourth call ended with %q, want %q", name, got, resilient.CodeOpen)
		}
		if got := fmt.Sprint(saw.list); got != "[closed open]" {
			t.Errorf("%s: saw %v, want closed and then open", name, got)
		}
	}
}

// A call that is cancelled neither opens the circuit nor keeps the probe; nor does nonsense
// in its place.
func TestCircuitNonsense(t *testing.T) {
	t.Parallel()
	c, log := connect(t, patient(redistest.URL(t)))
	p := &provider{name: "m-" + token()}
	m, _ := process(c, p, nil)
	for _, put := range []func() error{
		func() error { return c.rdb.Set(t.Context(), circuitKey(p.name), "x", time.Minute).Err() },
		func() error { return c.rdb.HSet(t.Context(), circuitKey(p.name), "until", "x").Err() },
		func() error { return c.rdb.HSet(t.Context(), circuitKey(p.name), "until", "1", "lease", "x").Err() },
	} {
		c.rdb.Del(t.Context(), circuitKey(p.name))
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if got := outcome(t, m); got != "" {
			t.Errorf("a call ended with %q, want an answer", got)
		}
	}
	if !c.Up() || strings.Contains(log.lines(), "away") {
		t.Errorf("log = %q, want nothing", log.lines())
	}
	c.rdb.Del(t.Context(), circuitKey(p.name))
	p.set(false, make(chan struct{}))
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		before, done := p.calls(), make(chan error)
		go func() { _, err := m.Generate(ctx, request); done <- err }()
		eventually(t, "the call", func() bool { return p.calls() > before })
		cancel()
		if err := <-done; fault.Code(err) != "cancelled" {
			t.Errorf("Generate() = %v, want cancelled", err)
		}
	}
	p.set(false, nil)
	if got := outcome(t, m); got != "" {
		t.Errorf("a call after cancelled ones ended with %q, want an answer", got)
	}
}
