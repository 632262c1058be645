package turn

import (
	"context"
	"errors"

	"secretaria/internal/agent"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
)

// traced ends the span of a turn.
func traced(span *tracing.Span, d *Done) {
	if span == nil {
		return
	}
	span.Int(tracing.Conversation, int64(d.Conversation))
	span.Str(tracing.Inbox, d.Inbox)
	span.Str(tracing.Channel, string(d.Channel))
	span.Str(tracing.Desk, d.Desk)
	span.Str(tracing.Outcome, d.Outcome)
	span.Int(tracing.Messages, int64(d.Pending))
	span.Int(tracing.WaitedMS, d.Waited.Milliseconds())
	if agent.Outcome(d.Outcome).Decided() {
		span.Str(tracing.Reason, d.Reason)
		span.Int(tracing.Replies, int64(d.Replies))
		span.Int(tracing.Calls, int64(d.Calls))
		span.Int(tracing.Sources, int64(d.Sources))
		span.Str(tracing.Guard, d.Guarded.String())
		span.Int(tracing.Blocked, int64(d.Blocked))
		span.Str(tracing.Gate, kinds(d.Stopped))
		span.Str(tracing.Model, d.Model)
		span.Int(tracing.InputTokens, int64(d.InputTokens))
		span.Int(tracing.OutputTokens, int64(d.OutputTokens))
	}
	switch {
	case d.Err != nil:
		span.Fail(d.Err)
	case d.Outcome == "failed":
		span.Failed("failed")
	case d.Outcome == string(agent.ModelFailed):
		span.Failed(d.Outcome)
	}
	span.End()
}

// committed tells how a decision came into the store, and of each delivery that it has left
// there: what carries it out hangs under that.
func committed(ctx context.Context, d *store.Decision, err error) {
	span := tracing.From(ctx)
	if span == nil {
		return
	}
	s := span.Past(tracing.Committed, tracing.Place{}, d.Now)
	switch {
	case errors.Is(err, store.ErrStale):
		s.Str(tracing.Outcome, "stale")
	case errors.Is(err, store.ErrLost):
		s.Str(tracing.Outcome, "lost")
	case err != nil:
		s.Fail(err)
	default:
		s.Str(tracing.Outcome, "committed")
	}
	s.End()
	if err != nil {
		return
	}
	for _, o := range d.Orders {
		ordered := span.Past(tracing.Ordered, tracing.Delivery(string(o.Delivery), d.Record.Correlation), d.Now)
		ordered.Str(tracing.DeliveryID, string(o.Delivery))
		ordered.Str(tracing.Kind, string(o.Kind))
		ordered.End()
	}
}
