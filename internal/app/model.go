package app

import (
	"fmt"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/budget"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/offline"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/telemetry"
)

// model is what a desk thinks with: the models of its chain in order, each behind its own
// breaker. See Models.Chain.
func (a *App) model(d agent.Config) (llm.Model, error) {
	var entries []resilient.Entry
	for _, name := range a.o.Models.Chain(d) {
		m := a.models[name]
		if m == nil {
			return nil, fmt.Errorf("the model %q was not there at the start: models are read with a restart", name)
		}
		entries = append(entries, resilient.Entry{Name: name, Model: m})
	}
	return resilient.NewChain(resilient.ChainConfig{Patience: a.o.Models.Patience, StopAtRefusal: a.o.Models.StopAtRefusal}, entries...), nil
}

// buildModels builds one client for each model, shared by the desks: a provider that is down
// is down for all of them.
func (a *App) buildModels() error {
	a.models = map[string]*resilient.Model{}
	all := a.o.Models.all()
	environment := len(all) - len(a.o.Models.Named)
	for i, n := range all {
		cfg := a.o.Models.Resilience
		if n.Timeout > 0 {
			cfg.Timeout = n.Timeout
		}
		if a.redis != nil {
			cfg.Circuit = a.redis.Breakers()
		}
		if i >= environment {
			// Two entries may be the same model with two accounts.
			cfg.Key = n.Name + "=" + n.model()
		}
		m, err := a.client(n, cfg.Timeout)
		if err != nil {
			return err
		}
		a.models[n.Name] = resilient.New(a.guarded(n, m), cfg, a.observeModel(n.Name))
		if _, known := n.price(a.o.Models.Prices); known {
			a.metrics.LLMModels(n.Name)
		}
	}
	if a.models[OfflineModel] == nil {
		a.models[OfflineModel] = resilient.New(offline.Model{}, resilient.Config{}, resilient.Observer{})
	}
	said := map[Unpriced]bool{}
	for _, u := range a.o.Models.Unpriced(a.o.Desks) {
		if !u.Blocked {
			u.Desk = "" // it is the same for all desks
		}
		if said[u] {
			continue
		}
		said[u] = true
		a.log.Warn("model without a price", "desk", u.Desk, "model", u.Model, "asked", !u.Blocked)
	}
	return nil
}

// client is the model itself.
func (a *App) client(n NamedModel, timeout time.Duration) (llm.Model, error) {
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	client := func() *httpclient.Client {
		// The try's own deadline is meant to strike first.
		return httpclient.New(httpclient.Options{Timeout: timeout + 5*time.Second, MaxBody: 8 << 20, Policy: a.o.Addresses})
	}
	switch {
	case n.Gemini != nil:
		return gemini.New(*n.Gemini, client())
	case n.OpenAI != nil:
		return openai.New(*n.OpenAI, client())
	}
	return offline.Model{}, nil
}

// guarded keeps a model within the budgets of the desk that asks it.
func (a *App) guarded(n NamedModel, m llm.Model) llm.Model {
	var price *budget.Price
	if p, known := n.price(a.o.Models.Prices); known {
		price = &p
	}
	return budget.NewGuard(m, budget.GuardConfig{
		Price: price, Limits: a.limitsOf, Ledger: a.ledger(), Zone: a.o.Models.Zone,
		Spent: func(cost budget.Micros) { a.metrics.LLMCost(n.Name, cost.Units()) },
	})
}

func (a *App) observeModel(name string) resilient.Observer {
	metrics := a.metrics.LLM(name)
	return resilient.Observer{OnCall: func(_ string, d time.Duration, outcome resilient.Outcome, usage llm.Usage) {
		if outcome.Asked() {
			a.metrics.LLMLatency.Observe(d.Seconds())
		}
		if outcome != resilient.OK && outcome != resilient.Cancelled {
			a.metrics.LLMError(string(outcome))
		}
		metrics.Called(string(outcome))
		metrics.Tokens(telemetry.Input, usage.InputTokens)
		metrics.Tokens(telemetry.Cached, usage.CachedTokens)
		metrics.Tokens(telemetry.Output, usage.OutputTokens)
	}, OnState: func(model string, state resilient.State) {
		metrics.Circuit(string(state))
		if state != resilient.Closed {
			a.log.Warn("model circuit changed", "model", model, "state", string(state))
		}
	}}
}
