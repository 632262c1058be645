package resilient

import (
	"context"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/tracing"
)

// notAsked tells of a try that never reached the provider.
func (m *Model) notAsked(ctx context.Context, why Outcome) {
	m.observe.call(m.Name(), 0, why, llm.Usage{})
	_, span := tracing.Start(ctx, tracing.ModelTried)
	m.traced(span, why, llm.Usage{}, nil)
}

// traced ends the span of a try.
func (m *Model) traced(span *tracing.Span, outcome Outcome, usage llm.Usage, err error) {
	if span == nil {
		return
	}
	provider, model, _ := strings.Cut(m.Name(), "/")
	if provider == "gemini" {
		provider = "gcp.gemini" // as OpenTelemetry calls it
	}
	span.Str(tracing.Operation, "chat")
	span.Str(tracing.Provider, provider)
	span.Str(tracing.RequestModel, model)
	span.Str(tracing.Outcome, string(outcome))
	if outcome == OK {
		span.Int(tracing.InputTokens, int64(usage.InputTokens))
		span.Int(tracing.OutputTokens, int64(usage.OutputTokens))
	} else {
		span.Failed(string(outcome))
	}
	if err != nil {
		span.Str(tracing.Cause, fault.Code(err))
		if status := fault.StatusOf(err); status != 0 {
			span.Int(tracing.HTTPStatus, int64(status))
		}
	}
	span.End()
}
