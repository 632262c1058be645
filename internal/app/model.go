package app

import (
	"time"

	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/offline"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/telemetry"
)

// model is what a desk thinks with: each configured provider behind its own breaker, the
// other one where the first fails, or the offline model where there is none. The SDR asks
// OpenAI first and everybody else Gemini, as the two ancestors of this program did.
func (a *App) model(desk string) (llm.Model, error) {
	if len(a.models) == 0 {
		return offline.Model{}, nil
	}
	order := []string{"gemini", "openai"}
	if desk == "sdr" {
		order = []string{"openai", "gemini"}
	}
	var chain []llm.Model
	for _, name := range order {
		if m := a.models[name]; m != nil {
			chain = append(chain, m)
		}
	}
	return resilient.Chain(chain...), nil
}

// buildModels builds one client for each provider, shared by the desks: a provider that is
// down is down for all of them.
func (a *App) buildModels() error {
	a.models = map[string]llm.Model{}
	m := a.o.Models
	if a.redis != nil {
		m.Resilience.Circuit = a.redis.Breakers()
	}
	timeout := m.Resilience.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	client := func(base string) *httpclient.Client {
		// The try's own deadline is meant to strike first.
		return httpclient.New(httpclient.Options{Timeout: timeout + 5*time.Second, MaxBody: 8 << 20, Policy: a.o.Addresses.WithURLs(base)})
	}
	observer := resilient.Observer{OnCall: func(_ string, d time.Duration, outcome resilient.Outcome, usage llm.Usage) {
		if outcome != resilient.CircuitOpen {
			a.metrics.LLMLatency.Observe(d.Seconds())
		}
		if outcome != resilient.OK && outcome != resilient.Cancelled {
			a.metrics.LLMError(string(outcome))
		}
		a.metrics.LLMTokens(telemetry.Input, usage.InputTokens)
		a.metrics.LLMTokens(telemetry.Cached, usage.CachedTokens)
		a.metrics.LLMTokens(telemetry.Output, usage.OutputTokens)
	}, OnState: func(model string, state resilient.State) {
		if state != resilient.Closed {
			a.log.Warn("model circuit changed", "model", model, "state", string(state))
		}
	}}
	if m.Gemini != nil {
		c, err := gemini.New(*m.Gemini, client(m.Gemini.BaseURL))
		if err != nil {
			return err
		}
		a.models["gemini"] = resilient.New(c, m.Resilience, observer)
	}
	if m.OpenAI != nil {
		c, err := openai.New(*m.OpenAI, client(m.OpenAI.BaseURL))
		if err != nil {
			return err
		}
		a.models["openai"] = resilient.New(c, m.Resilience, observer)
	}
	return nil
}
