package budget_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"secretaria/internal/budget"
	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

// cent is a price at which a byte or token is a millionth.
var cent = budget.Price{Input: 1_000_000, Output: 1_000_000}

func limits(l budget.Limits) func(string) budget.Limits {
	return func(string) budget.Limits { return l }
}

func question() *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "oi"}}, MaxTokens: 100, Subject: llm.Subject{Desk: "sdr", Contact: 7, Conversation: 9}}
}

func spentOn(t *testing.T, l budget.Ledger, key string) budget.Micros {
	t.Helper()
	got, err := l.Spent(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	return got[key]
}

// TestGuardSettles: what is kept in the end is what the provider counted, and the worst case
// where it did not.
func TestGuardSettles(t *testing.T) {
	t.Parallel()
	worst := cent.Worst(question())
	refusal := func(status int) error {
		return &fault.Error{Kind: fault.Transient, Code: llm.CodeFailed, Status: status}
	}
	for name, c := range map[string]struct {
		resp *llm.Response
		err  error
		want budget.Micros
	}{
		"counted":            {&llm.Response{Text: "olá", Usage: llm.Usage{InputTokens: 12, OutputTokens: 3}}, nil, 15},
		"counted more":       {&llm.Response{Text: "olá", Usage: llm.Usage{InputTokens: 5000, OutputTokens: 3}}, nil, 5003},
		"not counted":        {&llm.Response{Text: "olá"}, nil, worst},
		"rate limited":       {nil, refusal(429), 0},
		"broken":             {nil, refusal(503), 0},
		"wrong key":          {nil, refusal(401), 0},
		"never sent":         {nil, fault.New(fault.Invalid, "tool schema is not JSON"), 0},
		"nobody there":       {nil, fault.New(fault.Transient, "connection refused"), 0},
		"timeout":            {nil, fault.New(fault.Transient, llm.CodeTimeout), worst},
		"cut short":          {nil, fault.New(fault.Transient, "answer cut short"), worst},
		"no words":           {nil, fault.New(fault.Permanent, llm.CodeEmpty), worst},
		"neither":            {nil, nil, worst},
		"an unknown failure": {nil, errors.New("odd"), worst},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := &llmtest.Scripted{Answer: func(context.Context, *llm.Request) (*llm.Response, error) { return c.resp, c.err }}
			var told budget.Micros
			var ledger budget.Memory
			g := budget.NewGuard(model, budget.GuardConfig{Price: &cent, Limits: limits(budget.Limits{Conversation: 10_000}), Ledger: &ledger, Spent: func(m budget.Micros) { told += m }})
			resp, err := g.Generate(t.Context(), question())
			if resp != c.resp || err != c.err {
				t.Errorf("Generate() = %v, %v, want what the model said", resp, err)
			}
			if got := spentOn(t, &ledger, "conversation/9"); got != c.want || told != c.want {
				t.Errorf("spent %d, told %d, want %d", got, told, c.want)
			}
		})
	}
}

func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	model := &llmtest.Scripted{Answer: func(context.Context, *llm.Request) (*llm.Response, error) {
		return &llm.Response{Text: "olá", Usage: llm.Usage{InputTokens: 50}}, nil
	}}
	worst := cent.Worst(question())
	var ledger budget.Memory
	g := budget.NewGuard(model, budget.GuardConfig{Price: &cent, Limits: limits(budget.Limits{Day: 1 << 40, Contact: worst + 60}), Ledger: &ledger})
	for range 2 {
		if _, err := g.Generate(t.Context(), question()); err != nil {
			t.Fatalf("Generate() error = %v", err)
		}
	}
	_, err := g.Generate(t.Context(), question())
	var full *budget.Exhausted
	if !errors.As(err, &full) || full.BudgetLine() != "contact" || fault.KindOf(err) != fault.Permanent || llm.CauseOf(err) != llm.OverBudget {
		t.Errorf("Generate() beyond the limit = %v, want the contact's budget exhausted", err)
	}
	if n := len(model.Requests()); n != 2 {
		t.Errorf("the model was asked %d times, want 2", n)
	}
	other := question()
	other.Subject.Contact = 8
	if _, err := g.Generate(t.Context(), other); err != nil {
		t.Errorf("Generate() for somebody else = %v", err)
	}
}

func TestGuardWithoutPrice(t *testing.T) {
	t.Parallel()
	model := &llmtest.Scripted{}
	model.Say("a")
	budgets := map[string]budget.Limits{"sdr": {Desk: 100}}
	g := budget.NewGuard(model, budget.GuardConfig{Limits: func(desk string) budget.Limits { return budgets[desk] }, Ledger: &budget.Memory{}})
	if _, err := g.Generate(t.Context(), question()); llm.CauseOf(err) != llm.NoPrice || fault.KindOf(err) != fault.Permanent {
		t.Errorf("Generate() with a budget and no price = %v", err)
	}
	free := question()
	free.Subject.Desk = "secretaria"
	if resp, err := g.Generate(t.Context(), free); err != nil || resp.Text != "a" {
		t.Errorf("Generate() without a budget = %v, %v", resp, err)
	}
}

// TestGuardBoundsTheAnswer: an answer without a bound would have no worst case.
func TestGuardBoundsTheAnswer(t *testing.T) {
	t.Parallel()
	model := &llmtest.Scripted{}
	model.Say("a", "b")
	req := question()
	req.MaxTokens = 0
	for _, limit := range []budget.Micros{0, 1 << 40} {
		g := budget.NewGuard(model, budget.GuardConfig{Price: &cent, Limits: limits(budget.Limits{Day: limit}), Ledger: &budget.Memory{}})
		if _, err := g.Generate(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	got := model.Requests()
	if got[0].MaxTokens != 0 || got[1].MaxTokens != budget.DefaultMaxTokens || req.MaxTokens != 0 {
		t.Errorf("MaxTokens = %d without a budget, %d with one, %d for the caller", got[0].MaxTokens, got[1].MaxTokens, req.MaxTokens)
	}
}

// gone is a ledger that does not answer.
type gone struct{ budget.Ledger }

func (gone) Reserve(context.Context, string, []budget.Line, budget.Micros, time.Time) error {
	return fault.New(fault.Transient, "database")
}

func TestGuardWithoutLedger(t *testing.T) {
	t.Parallel()
	model := &llmtest.Scripted{}
	g := budget.NewGuard(model, budget.GuardConfig{Price: &cent, Limits: limits(budget.Limits{Day: 1000}), Ledger: gone{}})
	if _, err := g.Generate(t.Context(), question()); fault.KindOf(err) != fault.Permanent || len(model.Requests()) != 0 {
		t.Errorf("Generate() without a ledger = %v after %d questions, want none", err, len(model.Requests()))
	}
}

// TestGuardNeverOverspends: many conversations at once, random costs, two guards on one
// ledger: what was spent stays within the limit.
func TestGuardNeverOverspends(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	answer := func(_ context.Context, req *llm.Request) (*llm.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		switch random.IntN(4) {
		case 0:
			return nil, fault.New(fault.Transient, llm.CodeTimeout)
		case 1:
			return nil, &fault.Error{Kind: fault.Transient, Code: llm.CodeFailed, Status: 500}
		}
		return &llm.Response{Text: "x", Usage: llm.Usage{InputTokens: random.IntN(budget.MostTokens(req)), OutputTokens: random.IntN(req.MaxTokens)}}, nil
	}
	const limit = 3000
	var ledger budget.Memory
	var wg sync.WaitGroup
	refused := 0
	for w := range 6 {
		g := budget.NewGuard(&llmtest.Scripted{Answer: answer}, budget.GuardConfig{Price: &cent, Limits: limits(budget.Limits{Day: limit, Conversation: limit / 2}), Ledger: &ledger, Zone: time.UTC})
		wg.Go(func() {
			for range 20 {
				req := question()
				req.Subject.Conversation = int64(w%3 + 1)
				if _, err := g.Generate(t.Context(), req); llm.CauseOf(err) == llm.OverBudget {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	day := "day/" + time.Now().UTC().Format(time.DateOnly)
	for key, most := range map[string]budget.Micros{day: limit, "conversation/1": limit / 2, "conversation/2": limit / 2, "conversation/3": limit / 2} {
		if got := spentOn(t, &ledger, key); got > most {
			t.Errorf("%s has come to %d of %d", key, got, most)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}
