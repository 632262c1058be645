package agent

import (
	"context"
	"strings"

	"secretaria/internal/gate"
	"secretaria/internal/tracing"
)

// tracedTool ends the span of a tool. What was not offered may have any name.
func (t *turn) tracedTool(span *tracing.Span, name string) {
	if span == nil {
		return
	}
	if !t.offers(name) {
		name = "unknown"
		span.Failed(name)
	}
	span.Str(tracing.Operation, "execute_tool")
	span.Str(tracing.ToolName, name)
	span.End()
}

// gated is judged, followed.
func (t *turn) gated(ctx context.Context, text string) gate.Verdict {
	_, span := tracing.Start(ctx, tracing.Gated)
	v := t.judged(text)
	if span == nil {
		return v
	}
	var found []string
	for _, f := range v.Findings {
		if kind := string(f.Kind); len(found) == 0 || found[len(found)-1] != kind {
			found = append(found, kind)
		}
	}
	span.Str(tracing.Gate, strings.Join(found, " "))
	span.End()
	return v
}
