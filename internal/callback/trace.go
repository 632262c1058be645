package callback

import (
	"context"
	"net/http"
	"time"

	"secretaria/internal/intake"
	"secretaria/internal/telemetry"
	"secretaria/internal/tracing"
)

// traced ends the span of a request, where its sender knows a secret.
func traced(span *tracing.Span, r *http.Request, d done) {
	if span == nil || !d.proven {
		return
	}
	intake.TracedRequest(span, r, d.status)
	span.Str(tracing.Inbox, d.delivery.Inbox)
	span.Str(tracing.Outcome, d.outcome)
	span.Fail(d.err)
	span.End()
}

// trace tells in the trace of the call that its workflow has reported, and in that of the
// report what became of it, each with a link to the other: unless the workflow sends back the
// correlation id that it was given, they are two.
func (c *Callback) trace(ctx context.Context, d done, err error, received, began time.Time) {
	if c.cfg.Traces == nil {
		return
	}
	call := tracing.Delivery(string(d.delivery.ID), d.delivery.Correlation)
	_, told := c.cfg.Traces.Begin(context.WithoutCancel(ctx), tracing.Reported, call, received)
	told.Str(tracing.DeliveryID, string(d.delivery.ID))
	told.Int(tracing.Conversation, int64(d.delivery.Conversation))
	told.Str(tracing.Outcome, d.outcome)
	told.Fail(err)
	request := tracing.From(ctx)
	told.LinkSpan(request)
	request.Link(call)
	told.End()
	correlation, result := telemetry.Correlation(ctx), d.result
	if correlation == d.delivery.Correlation {
		result.Before = correlation // the webhook that led to the call has this id as well
	}
	intake.Traced(ctx, began, correlation, err, result)
}
