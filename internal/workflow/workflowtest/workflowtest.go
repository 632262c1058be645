// Package workflowtest is the suite that every engine passes: what package workflow promises
// about calls, answers, unknown outcomes and secrets, tried against a fake peer that
// misbehaves on request.
package workflowtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/workflow"
)

// Behaviour is how the fake peer treats calls.
type Behaviour int

// The behaviours.
const (
	Healthy    Behaviour = iota // run it and answer with its result
	StartOnly                   // answer before it runs, without a result
	Breaks                      // the workflow runs and fails, and the peer says so
	Absent                      // nobody listens under the workflow's address, and the peer says so
	Refuse                      // the credential is wrong
	TooMany                     // come back in seven seconds
	Hang                        // read the call, run nothing, answer nothing until the client goes away
	Slow                        // run it, answer nothing until the client goes away
	Reset                       // read the call, run nothing, drop the connection
	LostAnswer                  // run it, then drop the connection
	HalfAnswer                  // run it, then send half an answer
	BadJSON                     // run it, then answer with half a JSON value
	Huge                        // run it, then answer with more than is read
	HTML                        // a web page with status 200
	Redirect                    // to somewhere else
	Down                        // nobody listens: connection refused
)

// Bench is one fresh engine with its fake peer. The suite never shares one between tests.
type Bench struct {
	Engine workflow.Engine
	// Declared is a workflow of the peer whose result Result checks.
	Declared workflow.Declared
	// Set makes the peer behave so from now on. The returned channel is closed when the next
	// call was read whole; it may be nil for Down.
	Set func(Behaviour) (read <-chan struct{})
	// Runs counts by key how often the workflow ran.
	Runs func() map[string]int
	// Forget makes the peer unable to tell what ran; nil where it cannot be asked anyway.
	Forget func()
	// Secrets must appear in no error.
	Secrets []string
}

// Harness describes an engine to the suite.
type Harness struct {
	New func(t *testing.T) Bench // cleans up with t.Cleanup
	// Arguments fit Declared, Result is what the healthy workflow makes of them.
	Arguments, Result json.RawMessage
	// Asks says that the engine can tell what ran.
	Asks bool
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Run("Calls", func(t *testing.T) { t.Parallel(); calls(t, h) })
	t.Run("Misbehaviour", func(t *testing.T) { t.Parallel(); misbehaviour(t, h) })
	t.Run("TimeIsBounded", func(t *testing.T) { t.Parallel(); timeIsBounded(t, h) })
	t.Run("CancelledCall", func(t *testing.T) { t.Parallel(); cancelled(t, h) })
	t.Run("Reconcile", func(t *testing.T) { t.Parallel(); reconcile(t, h) })
	t.Run("BadArguments", func(t *testing.T) { t.Parallel(); badArguments(t, h) })
	t.Run("Probe", func(t *testing.T) { t.Parallel(); probe(t, h) })
}

func (h Harness) request(b Bench, key string) workflow.Request {
	return workflow.Request{Workflow: b.Declared, Key: key, Arguments: h.Arguments, Conversation: 7, Since: time.Now(), Correlation: "c-1"}
}

func calls(t *testing.T, h Harness) {
	b := h.New(t)
	b.Set(Healthy)
	for _, key := range []string{"key-1", "key-2"} {
		a, err := b.Engine.Call(t.Context(), h.request(b, key))
		if err != nil {
			t.Fatalf("Call = %v, want an answer", err)
		}
		if string(a.Result) != string(h.Result) || a.Status < 200 || a.Status > 299 {
			t.Errorf("Call = %d %s, want %s", a.Status, a.Result, h.Result)
		}
	}
	if got := fmt.Sprint(b.Runs()); got != "map[key-1:1 key-2:1]" {
		t.Errorf("runs = %s, want one for each key", got)
	}
	b.Set(StartOnly)
	a, err := b.Engine.Call(t.Context(), h.request(b, "key-3"))
	if err != nil || a.Result != nil {
		t.Errorf("Call that only starts = %s, %v, want no result and no error", a.Result, err)
	}
	nothing := h.request(b, "key-4")
	nothing.Workflow.Result, nothing.Workflow.Reply = nil, ""
	b.Set(Healthy)
	if a, err := b.Engine.Call(t.Context(), nothing); err != nil || a.Result != nil {
		t.Errorf("Call where nothing is expected = %s, %v, want no result and no error", a.Result, err)
	}
}

// What a call comes to: the kind, and whether a wrong kind would make it run twice or never.
func misbehaviour(t *testing.T, h Harness) {
	for name, c := range map[string]struct {
		peer  Behaviour
		kinds []fault.Kind
		runs  int
	}{
		"breaks":      {Breaks, []fault.Kind{fault.Permanent}, 1},
		"absent":      {Absent, []fault.Kind{fault.NotFound}, 0},
		"refuse":      {Refuse, []fault.Kind{fault.Unauthorized}, 0},
		"too many":    {TooMany, []fault.Kind{fault.RateLimited}, 0},
		"reset":       {Reset, []fault.Kind{fault.Uncertain}, 0},
		"lost answer": {LostAnswer, []fault.Kind{fault.Uncertain}, 1},
		"half answer": {HalfAnswer, []fault.Kind{fault.Uncertain}, 1},
		"bad json":    {BadJSON, []fault.Kind{fault.Permanent}, 1},
		"huge":        {Huge, []fault.Kind{fault.Permanent}, 1},
		"html":        {HTML, []fault.Kind{fault.Permanent}, 0},
		"redirect":    {Redirect, []fault.Kind{fault.Permanent}, 0},
		"down":        {Down, []fault.Kind{fault.Transient}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := h.New(t)
			b.Set(c.peer)
			_, err := b.Engine.Call(t.Context(), h.request(b, "key-1"))
			if err == nil {
				t.Fatal("Call = no error, want one")
			}
			ok := false
			for _, k := range c.kinds {
				ok = ok || fault.Is(err, k)
			}
			if !ok {
				t.Errorf("Call = %v of kind %v, want %v", err, fault.KindOf(err), c.kinds)
			}
			if c.peer == TooMany && fault.RetryAfter(err) != 7*time.Second {
				t.Errorf("RetryAfter = %v, want 7s", fault.RetryAfter(err))
			}
			if got := b.Runs()["key-1"]; got != c.runs {
				t.Errorf("runs = %d, want %d", got, c.runs)
			}
			b.silent(t, err)
		})
	}
}

// silent checks that an error tells no secret, no address and no arguments.
func (b Bench) silent(t *testing.T, err error) {
	t.Helper()
	for _, word := range append([]string{"127.0.0.1", "Ana Souza"}, b.Secrets...) {
		if strings.Contains(err.Error(), word) || strings.Contains(fault.Code(err), word) {
			t.Errorf("error %q tells %q", err, word)
		}
	}
}

// The workflow's own limit ends a call that nobody answers, and leaves it in doubt.
func timeIsBounded(t *testing.T, h Harness) {
	for name, peer := range map[string]Behaviour{"hang": Hang, "slow": Slow} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := h.New(t)
			b.Set(peer)
			r := h.request(b, "key-1")
			r.Workflow.Timeout = 300 * time.Millisecond
			_, err := b.Engine.Call(t.Context(), r)
			if !fault.Is(err, fault.Uncertain) {
				t.Errorf("Call = %v of kind %v, want %v", err, fault.KindOf(err), fault.Uncertain)
			}
		})
	}
}

func cancelled(t *testing.T, h Harness) {
	b := h.New(t)
	read := b.Set(Hang)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.Engine.Call(ctx, h.request(b, "key-1"))
		ended <- err
	}()
	<-read
	stop()
	if err := <-ended; !fault.Is(err, fault.Uncertain) {
		t.Errorf("Call = %v of kind %v, want %v", err, fault.KindOf(err), fault.Uncertain)
	}
	ctx, stop = context.WithCancel(t.Context())
	stop()
	if _, err := b.Engine.Call(ctx, h.request(b, "key-2")); !fault.Is(err, fault.Transient) {
		t.Errorf("Call after the end = %v of kind %v, want %v: nothing was sent", err, fault.KindOf(err), fault.Transient)
	}
}

func reconcile(t *testing.T, h Harness) {
	for name, c := range map[string]struct {
		peer Behaviour
		want workflow.Verdict
	}{
		"ran":     {LostAnswer, workflow.Taken},
		"ran and": {Breaks, workflow.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := h.New(t)
			b.Set(Healthy)
			_, _ = b.Engine.Call(t.Context(), h.request(b, "key-0")) // another one before it
			b.Set(c.peer)
			r := h.request(b, "key-1")
			_, _ = b.Engine.Call(t.Context(), r)
			b.Set(Healthy)
			_, _ = b.Engine.Call(t.Context(), h.request(b, "key-2"))
			verdict, a, err := b.Engine.Reconcile(t.Context(), r)
			if !h.Asks {
				c.want = workflow.CannotTell
			}
			if err != nil || verdict != c.want {
				t.Errorf("Reconcile = %v, %v, want %v", verdict, err, c.want)
			}
			if verdict == workflow.Taken && string(a.Result) != string(h.Result) {
				t.Errorf("Reconcile = %s, want the result %s", a.Result, h.Result)
			}
			if b.Forget == nil {
				return
			}
			b.Forget()
			r.Since = time.Now().Add(-time.Hour)
			if verdict, _, err := b.Engine.Reconcile(t.Context(), r); err != nil || verdict == workflow.Taken {
				t.Errorf("Reconcile of what is forgotten = %v, %v, want that it cannot tell", verdict, err)
			}
		})
	}
}

// Nothing leaves that is no object or too large.
func badArguments(t *testing.T, h Harness) {
	b := h.New(t)
	b.Set(Healthy)
	for _, arguments := range []string{``, `null`, `[]`, `"x"`, `{`, `{} {}`, `{"a":"` + strings.Repeat("x", workflow.MaxRequest) + `"}`} {
		r := h.request(b, "key-1")
		r.Arguments = json.RawMessage(arguments)
		if _, err := b.Engine.Call(t.Context(), r); !fault.Is(err, fault.Invalid) {
			t.Errorf("Call(%.20q) = %v of kind %v, want %v", arguments, err, fault.KindOf(err), fault.Invalid)
		}
	}
	if runs := b.Runs(); len(runs) > 0 {
		t.Errorf("runs = %v, want none", runs)
	}
}

func probe(t *testing.T, h Harness) {
	b := h.New(t)
	if err := b.Engine.Probe(t.Context()); err != nil {
		t.Errorf("Probe = %v, want none", err)
	}
	b.Set(Down)
	err := b.Engine.Probe(t.Context())
	if err == nil {
		t.Fatal("Probe of what is down = no error, want one")
	}
	b.silent(t, err)
}
