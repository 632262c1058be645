package resilient

import (
	"context"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// Chain returns a model that asks the first of the models and, when that one fails for
// whatever reason, the next, and so on. Each is asked once with the same request, so the
// patience and the circuit belong around each model, not around the chain. It stops when ctx
// ends. Where all fail, the error is the first one that another try may help, else the first.
// Its Name joins the names with "+"; Response.Model tells who answered.
//
// Without models it panics.
func Chain(models ...llm.Model) llm.Model {
	if len(models) == 0 {
		panic("resilient: chain without models")
	}
	if len(models) == 1 {
		return models[0]
	}
	return chain(append([]llm.Model(nil), models...))
}

type chain []llm.Model

func (c chain) Name() string {
	names := make([]string, len(c))
	for i, m := range c {
		names[i] = m.Name()
	}
	return strings.Join(names, "+")
}

func (c chain) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	var first error
	for _, m := range c {
		resp, err := m.Generate(ctx, req)
		if err == nil {
			return resp, nil
		}
		if first == nil || !fault.KindOf(first).Retryable() && fault.KindOf(err).Retryable() {
			first = err
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, first
}
