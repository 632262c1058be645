package resilient_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/budget"
	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/resilient"
)

// link is a model of a chain under test.
type link struct {
	*llmtest.Scripted
	cfg resilient.Config
}

func links(n int) []*link {
	out := make([]*link, n)
	for i := range out {
		out[i] = &link{Scripted: &llmtest.Scripted{ModelName: fmt.Sprint("m/", i)}}
	}
	return out
}

func join(cfg resilient.ChainConfig, models ...*link) *resilient.Chain {
	entries := make([]resilient.Entry, len(models))
	for i, m := range models {
		entries[i] = resilient.Entry{Name: fmt.Sprint("n", i), Model: resilient.New(m, m.cfg, resilient.Observer{})}
	}
	return resilient.NewChain(cfg, entries...)
}

// always makes a model do the same for ever.
func (l *link) always(answer func(context.Context, *llm.Request) (*llm.Response, error)) {
	l.Answer = answer
}

func fails(err error) func(context.Context, *llm.Request) (*llm.Response, error) {
	return func(context.Context, *llm.Request) (*llm.Response, error) { return nil, err }
}

func says(text string) func(context.Context, *llm.Request) (*llm.Response, error) {
	return func(context.Context, *llm.Request) (*llm.Response, error) {
		return &llm.Response{Text: text, Finish: llm.Stop}, nil
	}
}

// troubles are all ways in which a model fails, by the cause that people read.
func troubles() map[llm.Cause]func(context.Context, *llm.Request) (*llm.Response, error) {
	return map[llm.Cause]func(context.Context, *llm.Request) (*llm.Response, error){
		llm.Quota:        fails(&fault.Error{Kind: fault.RateLimited, Code: llm.CodeQuota, Status: 429, RetryAfter: 34 * time.Second}),
		llm.RateLimit:    fails(limited(7 * time.Second)),
		llm.Outage:       fails(&fault.Error{Kind: fault.Transient, Code: llm.CodeFailed, Status: 503}),
		llm.Timeout:      hang,
		llm.BadKey:       fails(fault.New(fault.Unauthorized, llm.CodeKey)),
		llm.Refused:      fails(fault.New(fault.Permanent, llm.CodeBlocked)),
		llm.BadRequest:   fails(fault.New(fault.Invalid, llm.CodeRequest)),
		llm.TooLong:      fails(fault.New(fault.Invalid, llm.CodeTooLong)),
		llm.UnknownModel: fails(fault.New(fault.Invalid, llm.CodeModel)),
		llm.Empty:        fails(fault.New(fault.Permanent, llm.CodeEmpty)),
		llm.OverBudget:   fails(fault.Wrap(fault.Permanent, llm.CodeBudget, &budget.Exhausted{Key: "contact/2026-11-22/7"})),
		llm.NoPrice:      fails(fault.New(fault.Permanent, llm.CodePrice)),
		llm.OtherCause:   fails(errors.New("odd")),
	}
}

// TestEveryFailure: whatever goes wrong wherever, there is an answer of the next model, or an
// error that says why, within a minute.
func TestEveryFailure(t *testing.T) {
	t.Parallel()
	for cause, trouble := range troubles() {
		t.Run(string(cause), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, c := range []struct {
					name    string
					healthy int // which of three answers; -1: none
				}{{"first fails", 1}, {"second, too", 2}, {"all", -1}} {
					models := links(3)
					for i, m := range models {
						m.always(trouble)
						if i == c.healthy {
							m.always(says("here"))
						}
					}
					start := time.Now()
					resp, err := join(resilient.ChainConfig{}, models...).Generate(t.Context(), request)
					took := time.Since(start)
					refusedTwice := cause == llm.Refused && c.healthy == 2
					switch {
					case c.healthy < 0 || refusedTwice:
						var all *llm.Exhausted
						if resp != nil || !errors.As(err, &all) || all.Failures[0].Cause != cause {
							t.Fatalf("%s: Generate() = %v, %v, want what is exhausted and why", c.name, resp, err)
						}
						if want := 3; len(all.Failures) != want && cause != llm.Refused {
							t.Errorf("%s: %d failures are told, want %d", c.name, len(all.Failures), want)
						}
					case err != nil || resp.Text != "here":
						t.Fatalf("%s: Generate() = %v, %v, want the next one's answer", c.name, resp, err)
					case cause != llm.Timeout && took > 0:
						t.Errorf("%s: the answer took %v longer, want no waiting", c.name, took)
					}
					if took > time.Minute {
						t.Errorf("%s: Generate() took %v", c.name, took)
					}
				}
			})
		})
	}
}

func TestOrderAndNames(t *testing.T) {
	t.Parallel()
	models := links(2)
	models[0].always(says("first"))
	c := join(resilient.ChainConfig{}, models...)
	if resp, err := c.Generate(t.Context(), request); err != nil || resp.Text != "first" {
		t.Errorf("Generate() = %v, %v, want the first one's answer", resp, err)
	}
	if got := c.Name(); got != "m/0+m/1" {
		t.Errorf("Name() = %q, want both", got)
	}
}

// TestWhatPeopleRead: each model with its cause, and the kind of the failure that counts most.
func TestWhatPeopleRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models, all := links(3), troubles()
		models[0].always(all[llm.Quota])
		models[1].always(all[llm.OverBudget])
		models[2].always(all[llm.Outage])
		_, err := join(resilient.ChainConfig{}, models...).Generate(t.Context(), request)
		var e *llm.Exhausted
		if !errors.As(err, &e) {
			t.Fatalf("Generate() error = %v, want *llm.Exhausted", err)
		}
		want := []llm.Failure{{Name: "n0", Cause: llm.Quota}, {Name: "n1", Cause: llm.OverBudget, Line: "contact"}, {Name: "n2", Cause: llm.Outage}}
		if diff := cmp.Diff(want, e.Failures); diff != "" {
			t.Errorf("Failures (-want +got):\n%s", diff)
		}
		if got, want := e.Portuguese(), "n0: cota esgotada; n1: orçamento esgotado (do contato); n2: fora do ar"; got != want {
			t.Errorf("Portuguese() = %q, want %q", got, want)
		}
		if got, want := err.Error(), "no model answered (n0: quota; n1: budget of the contact; n2: outage)"; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
		if fault.KindOf(err) != fault.RateLimited || fault.Code(err) != llm.CodeQuota {
			t.Errorf("Generate() error is %v, %q, want the first that may pass", fault.KindOf(err), fault.Code(err))
		}
	})
}

// TestPatienceAtTheEnd: when all have failed, those who may come back are asked again, each
// at its time.
func TestPatienceAtTheEnd(t *testing.T) {
	t.Parallel()
	t.Run("a blip", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			models := links(2)
			models[0].Fail(fault.New(fault.Transient, llm.CodeFailed))
			models[0].Say("back")
			models[1].always(troubles()[llm.BadKey])
			start := time.Now()
			resp, err := join(resilient.ChainConfig{}, models...).Generate(t.Context(), request)
			if err != nil || resp.Text != "back" || time.Since(start) > time.Second {
				t.Errorf("Generate() = %v, %v after %v, want the first one's second try", resp, err, time.Since(start))
			}
		})
	})
	t.Run("a wish", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			models := links(2)
			models[0].always(troubles()[llm.Outage])
			models[1].Fail(limited(5 * time.Second))
			models[1].Say("back")
			start := time.Now()
			resp, err := join(resilient.ChainConfig{}, models...).Generate(t.Context(), request)
			if took := time.Since(start); err != nil || resp.Text != "back" || took < 5*time.Second || took > 6500*time.Millisecond {
				t.Errorf("Generate() = %v, %v after %v, want the second one's answer at its time", resp, err, took)
			}
			if n := len(models[0].Requests()); n != 3 {
				t.Errorf("the first was asked %d times, want 3", n)
			}
		})
	})
	t.Run("a wish beyond all patience", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			models := links(2)
			models[0].always(fails(limited(time.Hour)))
			models[1].always(fails(limited(21 * time.Second)))
			start := time.Now()
			_, err := join(resilient.ChainConfig{}, models...).Generate(t.Context(), request)
			if time.Since(start) != 0 || llm.CauseOf(err) != llm.RateLimit {
				t.Errorf("Generate() error = %v after %v, want one at once", err, time.Since(start))
			}
		})
	})
	t.Run("a quota that somebody has paid", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			models := links(2)
			models[0].always(troubles()[llm.Quota])
			models[1].Say("one")
			c := join(resilient.ChainConfig{}, models...)
			if _, err := c.Generate(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			models[1].always(troubles()[llm.BadKey])
			models[0].always(says("paid"))
			if resp, err := c.Generate(t.Context(), request); err != nil || resp.Text != "paid" {
				t.Errorf("Generate() = %v, %v, want the first one's answer before giving up", resp, err)
			}
		})
	})
}

// TestWishesAreHeeded: a model that asked for patience is left alone by all calls until then.
func TestWishesAreHeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := links(2)
		models[0].Fail(limited(10 * time.Second))
		models[0].always(says("first"))
		models[1].always(says("second"))
		c := join(resilient.ChainConfig{}, models...)
		for i, want := range []string{"second", "second", "first"} {
			if i == 2 {
				time.Sleep(10 * time.Second)
			}
			if resp, err := c.Generate(t.Context(), request); err != nil || resp.Text != want {
				t.Errorf("call %d: Generate() = %v, %v, want %q", i, resp, err, want)
			}
		}
		if n := len(models[0].Requests()); n != 2 {
			t.Errorf("the first was asked %d times, want 2", n)
		}
	})
}

// TestWishesAreHeededAlone: without another model, calls wait for the same time, or fail.
func TestWishesAreHeededAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := links(1)[0]
		m.Fail(limited(4 * time.Second))
		m.always(says("back"))
		c := join(resilient.ChainConfig{}, m)
		start := time.Now()
		got := make(chan error, 2)
		call := func() {
			_, err := c.Generate(t.Context(), request)
			if took := time.Since(start); err == nil && took < 4*time.Second {
				err = fmt.Errorf("answered after %v, want the four seconds that were asked for", took)
			}
			got <- err
		}
		go call()
		synctest.Wait()
		go call()
		for range 2 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if n := len(m.Requests()); n != 3 {
			t.Errorf("the model was asked %d times, want 3", n)
		}
		m.always(fails(limited(time.Minute)))
		for range 9 {
			if _, err := c.Generate(t.Context(), request); llm.CauseOf(err) != llm.RateLimit {
				t.Errorf("Generate() error = %v, want rate limited", err)
			}
		}
		if n := len(m.Requests()); n != 4 {
			t.Errorf("the model was asked %d times, want 4: it wanted a minute", n)
		}
		m.always(says("back"))
		time.Sleep(time.Minute)
		if _, err := c.Generate(t.Context(), request); err != nil {
			t.Errorf("Generate() after the minute = %v: nobody was asked, so no circuit is open", err)
		}
	})
}

// TestHangingModels: whoever does not answer costs its timeout once, and all of them together
// no more than the patience.
func TestHangingModels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeouts []time.Duration
		patience time.Duration
		want     time.Duration
	}{
		"one":                        {[]time.Duration{0}, 0, 45 * time.Second},
		"two":                        {[]time.Duration{0, 0}, 0, 45 * time.Second},
		"four":                       {[]time.Duration{0, 0, 0, 0}, 0, 55 * time.Second},
		"short":                      {[]time.Duration{2 * time.Second, 3 * time.Second}, 0, 5 * time.Second},
		"one of no hidden bound":     {[]time.Duration{10 * time.Minute}, 0, 10 * time.Minute},
		"none of no hidden bound":    {[]time.Duration{10 * time.Minute, 0}, 0, 10*time.Minute + 5*time.Second},
		"patience as the house says": {[]time.Duration{0, 0, 0}, 80 * time.Second, 80 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				models := links(len(c.timeouts))
				for i, m := range models {
					m.cfg.Timeout = c.timeouts[i]
					m.always(hang)
				}
				start := time.Now()
				_, err := join(resilient.ChainConfig{Patience: c.patience}, models...).Generate(t.Context(), request)
				if took := time.Since(start); took != c.want || llm.CauseOf(err) != llm.Timeout {
					t.Errorf("Generate() error = %v after %v, want a timeout after %v", err, took, c.want)
				}
				for i, m := range models {
					if n := len(m.Requests()); n != 1 && len(models) > 1 {
						t.Errorf("model %d was asked %d times, want once", i, n)
					}
				}
			})
		})
	}
}

// TestCutShort: a provider that was given less than its timeout is not blamed for it.
func TestCutShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := links(2)
		models[0].always(hang)
		models[0].cfg.BreakerThreshold = 1 << 30
		models[1].always(hang)
		models[1].cfg.BreakerThreshold = 1
		c := join(resilient.ChainConfig{}, models...)
		for range 3 {
			if _, err := c.Generate(t.Context(), request); llm.CauseOf(err) != llm.Timeout {
				t.Errorf("Generate() error = %v, want a timeout", err)
			}
		}
		if n := len(models[1].Requests()); n != 3 {
			t.Errorf("the second was asked %d times, want 3: its circuit stays closed", n)
		}
	})
}

// TestDeadCircuits: models that have been down for long are passed over, all of them at once.
func TestDeadCircuits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := links(2)
		for _, m := range models {
			m.cfg = resilient.Config{Attempts: 1, BreakerThreshold: 2, BreakerReset: time.Minute}
			m.always(troubles()[llm.Outage])
		}
		c := join(resilient.ChainConfig{}, models...)
		for range 5 {
			start := time.Now()
			if _, err := c.Generate(t.Context(), request); llm.CauseOf(err) != llm.Outage || time.Since(start) != 0 {
				t.Errorf("Generate() error = %v after %v, want one at once", err, time.Since(start))
			}
		}
		for i, m := range models {
			if n := len(m.Requests()); n != 2 {
				t.Errorf("model %d was asked %d times, want 2", i, n)
			}
		}
		time.Sleep(time.Minute + time.Second)
		models[1].always(says("back"))
		if resp, err := c.Generate(t.Context(), request); err != nil || resp.Text != "back" {
			t.Errorf("Generate() = %v, %v, want the answer of the probe", resp, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, stop := range []bool{false, true} {
		models := links(3)
		for _, m := range models {
			m.always(troubles()[llm.Refused])
		}
		_, err := join(resilient.ChainConfig{StopAtRefusal: stop}, models...).Generate(t.Context(), request)
		asked := 0
		for _, m := range models {
			asked += len(m.Requests())
		}
		if want := map[bool]int{false: 2, true: 1}[stop]; llm.CauseOf(err) != llm.Refused || asked != want {
			t.Errorf("StopAtRefusal %v: Generate() error = %v after %d questions, want refused after %d", stop, err, asked, want)
		}
	}
}

func TestChainStopsWithItsCaller(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		models := links(n)
		models[0].always(func(context.Context, *llm.Request) (*llm.Response, error) {
			cancel()
			return nil, fault.New(fault.Transient, "x")
		})
		if _, err := join(resilient.ChainConfig{}, models...).Generate(ctx, request); err == nil || strings.Contains(err.Error(), "no model") {
			t.Errorf("%d models: Generate() = %v, want the plain error", n, err)
		}
		for i, m := range models[1:] {
			if n := len(m.Requests()); n != 0 {
				t.Errorf("model %d was asked %d times, want 0", i+1, n)
			}
		}
	}
	// While it waits for another try.
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		models := links(2)
		models[0].always(fails(limited(2 * time.Second)))
		models[1].always(fails(limited(10 * time.Second)))
		start := time.Now()
		if _, err := join(resilient.ChainConfig{}, models...).Generate(ctx, request); err == nil || time.Since(start) > 3*time.Second {
			t.Errorf("Generate() = %v after %v, want an error within the caller's time", err, time.Since(start))
		}
	})
}

func TestChainOfNone(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("NewChain() did not panic")
		}
	}()
	resilient.NewChain(resilient.ChainConfig{})
}
