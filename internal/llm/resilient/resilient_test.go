package resilient_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/resilient"
)

var request = &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "oi"}}}

func limited(after time.Duration) error {
	return &fault.Error{Kind: fault.RateLimited, Code: "rate limited", Status: http.StatusTooManyRequests, RetryAfter: after}
}

// seen collects what the observer is told.
type seen struct {
	mu       sync.Mutex
	outcomes []resilient.Outcome
	states   []resilient.State
	usage    llm.Usage
	took     []time.Duration
}

func (s *seen) observer() resilient.Observer {
	return resilient.Observer{
		OnCall: func(_ string, d time.Duration, o resilient.Outcome, u llm.Usage) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.outcomes, s.took, s.usage = append(s.outcomes, o), append(s.took, d), s.usage.Add(u)
		},
		OnState: func(_ string, st resilient.State) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.states = append(s.states, st)
		},
	}
}

func TestFirstTrySucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		want := &llm.Response{Text: "Olá!", Finish: llm.Stop, Model: "m", Usage: llm.Usage{InputTokens: 3, OutputTokens: 2}}
		var beneath llmtest.Scripted
		beneath.Reply(want)
		var s seen
		m := resilient.New(&beneath, resilient.Config{}, s.observer())
		start := time.Now()
		got, err := m.Generate(t.Context(), request)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Fatalf("Generate() = %+v, %v, want %+v", got, err, want)
		}
		if time.Since(start) != 0 {
			t.Errorf("Generate() took %v, want no pause", time.Since(start))
		}
		if m.Name() != beneath.Name() {
			t.Errorf("Name() = %q, want %q", m.Name(), beneath.Name())
		}
		if !slices.Equal(s.outcomes, []resilient.Outcome{resilient.OK}) || s.usage != want.Usage || !slices.Equal(s.states, []resilient.State{resilient.Closed}) {
			t.Errorf("observed %v, %v, %+v", s.outcomes, s.states, s.usage)
		}
		if diff := cmp.Diff(request, beneath.Requests()[0]); diff != "" {
			t.Errorf("the request changed (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		tries int
	}{
		"transient":    {fault.New(fault.Transient, "connection lost"), 3},
		"unknown":      {errors.New("odd"), 3},
		"rate limited": {limited(0), 3},
		"unauthorized": {fault.New(fault.Unauthorized, "key refused"), 1},
		"invalid":      {fault.New(fault.Invalid, "request refused"), 1},
		"permanent":    {fault.New(fault.Permanent, "blocked"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				beneath := &llmtest.Scripted{Answer: func(context.Context, *llm.Request) (*llm.Response, error) { return nil, c.err }}
				m := resilient.New(beneath, resilient.Config{}, resilient.Observer{})
				if resp, err := m.Generate(t.Context(), request); err != c.err || resp != nil {
					t.Errorf("Generate() = %v, %v, want the model's own error %v", resp, err, c.err)
				}
				if n := len(beneath.Requests()); n != c.tries {
					t.Errorf("the model was asked %d times, want %d", n, c.tries)
				}
			})
		})
	}
}

// TestLastTry: whatever kind the last allowed try ends with, its own error comes out.
func TestLastTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		blocked := fault.New(fault.Permanent, "blocked")
		var beneath llmtest.Scripted
		beneath.Fail(fault.New(fault.Transient, "x"), blocked)
		m := resilient.New(&beneath, resilient.Config{Attempts: 2}, resilient.Observer{})
		if _, err := m.Generate(t.Context(), request); err != error(blocked) {
			t.Errorf("Generate() error = %#v, want %v", err, blocked)
		}
	})
}

func TestPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const tries, rounds = 6, 200
		cfg := resilient.Config{Attempts: tries, Pause: time.Second, MaxPause: 4 * time.Second, BreakerThreshold: 1 << 30}
		bounds := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second}
		longest := make([]time.Duration, tries-1)
		for range rounds {
			var at []time.Time
			beneath := &llmtest.Scripted{Answer: func(context.Context, *llm.Request) (*llm.Response, error) {
				at = append(at, time.Now())
				return nil, fault.New(fault.Transient, "x")
			}}
			_, _ = resilient.New(beneath, cfg, resilient.Observer{}).Generate(t.Context(), request)
			if len(at) != tries {
				t.Fatalf("%d tries, want %d", len(at), tries)
			}
			for i := range bounds {
				d := at[i+1].Sub(at[i])
				if d > bounds[i] {
					t.Fatalf("pause %d = %v, want at most %v", i, d, bounds[i])
				}
				longest[i] = max(longest[i], d)
			}
		}
		for i, d := range longest {
			if d < bounds[i]/2 {
				t.Errorf("the longest of %d pauses %d is %v, want them spread up to %v", rounds, i, d, bounds[i])
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wish     time.Duration
		min, max time.Duration
		code     string
	}{
		"short":     {3 * time.Second, 3 * time.Second, 3750 * time.Millisecond, ""},
		"the bound": {20 * time.Second, 20 * time.Second, 25 * time.Second, ""},
		"too long":  {21 * time.Second, 0, 0, "rate limited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var beneath llmtest.Scripted
				beneath.Fail(limited(c.wish))
				beneath.Say("ok")
				m := resilient.New(&beneath, resilient.Config{}, resilient.Observer{})
				start := time.Now()
				_, err := m.Generate(t.Context(), request)
				if fault.Code(err) != c.code || c.code != "" && (fault.KindOf(err) != fault.RateLimited || fault.RetryAfter(err) != c.wish) {
					t.Errorf("Generate() error = %v (%v, after %v), want code %q", err, fault.KindOf(err), fault.RetryAfter(err), c.code)
				}
				if d := time.Since(start); d < c.min || d > c.max {
					t.Errorf("Generate() took %v, want %v to %v", d, c.min, c.max)
				}
			})
		})
	}
}

func hang(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
	<-ctx.Done()
	return nil, fault.Wrap(fault.Transient, "timeout", ctx.Err())
}

func TestTimeoutHoldsForOneTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s seen
		m := resilient.New(&llmtest.Scripted{Answer: hang}, resilient.Config{Timeout: 7 * time.Second, Attempts: 2}, s.observer())
		if _, err := m.Generate(t.Context(), request); fault.KindOf(err) != fault.Transient || fault.Code(err) != "timeout" {
			t.Errorf("Generate() error = %v, want a timeout", err)
		}
		if want := []time.Duration{7 * time.Second, 7 * time.Second}; !slices.Equal(s.took, want) {
			t.Errorf("tries took %v, want %v", s.took, want)
		}
		if want := []resilient.Outcome{"transient", "transient"}; !slices.Equal(s.outcomes, want) {
			t.Errorf("outcomes = %v, want %v", s.outcomes, want)
		}
	})
}

func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		m := resilient.New(&llmtest.Scripted{Answer: hang}, resilient.Config{}, resilient.Observer{})
		if _, err := m.Generate(ctx, request); fault.KindOf(err) != fault.Transient || time.Since(start) != 10*time.Second {
			t.Errorf("Generate() error = %v after %v, want transient at the caller's deadline", err, time.Since(start))
		}
		// Already past.
		if _, err := m.Generate(ctx, request); fault.Code(err) != "timeout" {
			t.Errorf("Generate() error = %v, want a timeout", err)
		}
	})
	// A pause that would outlast the deadline is not begun.
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var beneath llmtest.Scripted
		beneath.Fail(limited(15 * time.Second))
		start := time.Now()
		_, err := resilient.New(&beneath, resilient.Config{}, resilient.Observer{}).Generate(ctx, request)
		if fault.RetryAfter(err) != 15*time.Second || time.Since(start) != 0 {
			t.Errorf("Generate() error = %v after %v, want rate limited at once", err, time.Since(start))
		}
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s seen
		beneath := &llmtest.Scripted{Answer: hang}
		m := resilient.New(beneath, resilient.Config{BreakerThreshold: 1}, s.observer())
		for range 3 { // never opens the circuit
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				time.Sleep(time.Second)
				cancel()
			}()
			if _, err := m.Generate(ctx, request); fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
				t.Errorf("Generate() error = %v, want transient, cancelled", err)
			}
		}
		if n := len(beneath.Requests()); n != 3 {
			t.Errorf("the model was asked %d times, want 3: a cancelled call is not tried again", n)
		}
		if want := []resilient.Outcome{resilient.Cancelled, resilient.Cancelled, resilient.Cancelled}; !slices.Equal(s.outcomes, want) {
			t.Errorf("outcomes = %v, want %v", s.outcomes, want)
		}
		// In a pause.
		ctx, cancel := context.WithCancel(t.Context())
		var failing llmtest.Scripted
		failing.Fail(limited(10 * time.Second))
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		start := time.Now()
		if _, err := resilient.New(&failing, resilient.Config{}, resilient.Observer{}).Generate(ctx, request); fault.KindOf(err) != fault.RateLimited || time.Since(start) != time.Second {
			t.Errorf("Generate() error = %v after %v, want the try's error after 1s", err, time.Since(start))
		}
		// Before it began.
		if _, err := m.Generate(ctx, request); fault.Code(err) != "cancelled" {
			t.Errorf("Generate() error = %v, want cancelled", err)
		}
	})
}

func TestCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s seen
		var beneath llmtest.Scripted
		m := resilient.New(&beneath, resilient.Config{Attempts: 2, BreakerThreshold: 3, BreakerReset: time.Minute}, s.observer())
		down := fault.New(fault.Transient, "provider failed")
		call := func(want string) {
			t.Helper()
			if _, err := m.Generate(t.Context(), request); fault.Code(err) != want {
				t.Errorf("Generate() error = %v, want code %q", err, want)
			}
		}
		asked := func(want int) {
			t.Helper()
			if n := len(beneath.Requests()); n != want {
				t.Errorf("the model was asked %d times, want %d", n, want)
			}
		}
		// Two failures and a success: the count starts over. Client faults count as nothing.
		beneath.Fail(down, down, down, down)
		call("provider failed")
		call("provider failed")
		beneath.Say("ok")
		call("")
		beneath.Fail(down, down, down, down)
		call("provider failed")
		call("provider failed")
		for _, kind := range []fault.Kind{fault.Invalid, fault.Unauthorized, fault.Permanent} {
			beneath.Fail(fault.New(kind, "no"))
			call("no")
		}
		beneath.Fail(limited(0), limited(0)) // the third in a row
		call("rate limited")
		asked(14)

		start := time.Now()
		for range 5 {
			if _, err := m.Generate(t.Context(), request); fault.KindOf(err) != fault.Transient || fault.Code(err) != resilient.CodeOpen {
				t.Errorf("Generate() error = %v, want transient, circuit open", err)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("an open circuit took %v, want no time", time.Since(start))
		}
		asked(14)

		time.Sleep(time.Minute - time.Second)
		call(resilient.CodeOpen)
		time.Sleep(2 * time.Second)
		beneath.Fail(down, down) // the probe fails
		call("provider failed")
		asked(16)
		call(resilient.CodeOpen)

		time.Sleep(time.Minute + time.Second)
		beneath.Fail(fault.New(fault.Invalid, "no")) // tells nothing: the next call probes
		call("no")
		beneath.Say("ok", "ok")
		call("")
		call("")
		asked(19)
		want := []resilient.State{resilient.Closed, resilient.Open, resilient.HalfOpen, resilient.Open, resilient.HalfOpen, resilient.Closed}
		if !slices.Equal(s.states, want) {
			t.Errorf("states = %v, want %v", s.states, want)
		}
		open := 0
		for _, o := range s.outcomes {
			if o == resilient.CircuitOpen {
				open++
			}
		}
		if open != 7 || len(s.outcomes) != 19+7 {
			t.Errorf("observed %d calls turned away of %d, want 7 of 26", open, len(s.outcomes))
		}
	})
}

// TestOneProbe: while the probe is under way, other calls are turned away at once.
func TestOneProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		entered, release := make(chan *llm.Request), make(chan struct{})
		var beneath llmtest.Scripted
		beneath.Fail(fault.New(fault.Transient, "x"))
		m := resilient.New(&beneath, resilient.Config{Attempts: 1, BreakerThreshold: 1, BreakerReset: time.Second}, resilient.Observer{})
		_, _ = m.Generate(t.Context(), request)
		time.Sleep(2 * time.Second)

		beneath.Entered, beneath.Release = entered, release
		beneath.Say("back")
		probe := make(chan error, 1)
		go func() {
			_, err := m.Generate(t.Context(), request)
			probe <- err
		}()
		<-entered
		for range 3 {
			if _, err := m.Generate(t.Context(), request); fault.Code(err) != resilient.CodeOpen {
				t.Errorf("Generate() beside the probe = %v, want circuit open", err)
			}
		}
		close(release)
		if err := <-probe; err != nil {
			t.Errorf("the probe = %v, want an answer", err)
		}
		if n := len(beneath.Requests()); n != 2 {
			t.Errorf("the model was asked %d times, want 2", n)
		}
	})
}

type silent struct{}

func (silent) Name() string                                                  { return "silent/x" }
func (silent) Generate(context.Context, *llm.Request) (*llm.Response, error) { return nil, nil }

func TestNeitherAnswerNorError(t *testing.T) {
	t.Parallel()
	m := resilient.New(silent{}, resilient.Config{}, resilient.Observer{})
	if resp, err := m.Generate(t.Context(), request); resp != nil || fault.KindOf(err) != fault.Permanent {
		t.Errorf("Generate() = %v, %v, want permanent", resp, err)
	}
}

func TestOutcomesAreComplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s seen
		known := resilient.Outcomes()
		for _, k := range []fault.Kind{fault.Unknown, fault.Transient, fault.RateLimited, fault.Permanent, fault.Unauthorized, fault.Invalid} {
			var beneath llmtest.Scripted
			beneath.Fail(fault.New(k, "x"))
			_, _ = resilient.New(&beneath, resilient.Config{Attempts: 1}, s.observer()).Generate(t.Context(), request)
		}
		for _, o := range s.outcomes {
			if !slices.Contains(known, o) {
				t.Errorf("outcome %q is not in Outcomes()", o)
			}
		}
		for _, st := range s.states {
			if !slices.Contains(resilient.States(), st) {
				t.Errorf("state %q is not in States()", st)
			}
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]resilient.Config{
		"LLM_TIMEOUT_SECONDS":               {Timeout: -1},
		"LLM_RETRY_ATTEMPTS":                {Attempts: -1},
		"LLM_CIRCUIT_BREAKER_THRESHOLD":     {BreakerThreshold: -1},
		"LLM_CIRCUIT_BREAKER_RESET_SECONDS": {BreakerReset: -1},
		"pauses":                            {MaxRetryAfter: -1},
	} {
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Validate(%+v) = %v, want an error that names %s", cfg, err, want)
		}
	}
	if err := (resilient.Config{Timeout: 24 * time.Hour}).Validate(); err != nil {
		t.Errorf("Validate() = %v, want no hidden upper bound", err)
	}
}
