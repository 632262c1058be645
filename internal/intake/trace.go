package intake

import (
	"context"
	"net/http"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
)

// traced ends the span of a webhook. One whose sender has proved nothing leaves none: strangers
// could fill a collector, under ids of their choice. It has its line in the log.
func traced(span *tracing.Span, r *http.Request, d *Done, status int) {
	if span == nil || !d.proven {
		return
	}
	TracedRequest(span, r, status)
	span.Str(tracing.Channel, string(d.Channel))
	span.Str(tracing.Inbox, d.Inbox)
	span.Str(tracing.Outcome, string(d.Outcome))
	if d.Outcome == channel.Skipped {
		span.Str(tracing.Reason, d.Detail)
	}
	span.Fail(d.Err)
	span.End()
}

// TracedRequest says of a span what there is to say of an answered request.
func TracedRequest(span *tracing.Span, r *http.Request, status int) {
	span.Str(tracing.HTTPMethod, r.Method)
	span.Str(tracing.HTTPRoute, r.Pattern)
	span.Int(tracing.HTTPStatus, int64(status))
	span.LinkCaller(r.Header.Get("Traceparent"))
}

// Traced puts under the span of ctx what became of a webhook, or of what is like one, in the
// store, where it was brought at since. What follows from it in other processes hangs there.
func Traced(ctx context.Context, since time.Time, correlation string, err error, results ...store.Result) {
	span := tracing.From(ctx)
	if span == nil {
		return
	}
	if err != nil {
		s := span.Past(tracing.WebhookStored, tracing.Place{}, since)
		s.Fail(err)
		s.End()
		return
	}
	for i := range results {
		r := &results[i]
		var as tracing.Place
		// With the id of the request before it, it would be that one's span once more.
		if r.Conversation != 0 && (r.Pending || r.Deliver) && r.Before != correlation {
			as = tracing.Webhook(int64(r.Conversation), correlation)
		}
		s := span.Past(tracing.WebhookStored, as, since)
		if r.Conversation != 0 {
			s.Int(tracing.Conversation, int64(r.Conversation))
		}
		s.Bool(tracing.Pending, r.Pending)
		s.Bool(tracing.Duplicate, r.Duplicate)
		if r.Pending && r.Joins && r.Before != correlation {
			s.Link(tracing.Webhook(int64(r.Conversation), r.Before)) // one burst, and one turn
		}
		s.End()
	}
}
