package delivery

import (
	"secretaria/internal/channel"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
)

func spanName(d *store.Delivery) tracing.Name {
	switch {
	case d.Uncertain:
		return tracing.Reconciled
	case d.Order.Kind == channel.Call:
		return tracing.WorkflowCalled
	}
	return tracing.Attempted
}

// place is what an attempt hangs under: the decision to deliver, or, where a store has left
// the order without a turn, the webhook that it is about.
func place(d *store.Delivery) tracing.Place {
	if d.Turn == 0 {
		return tracing.Webhook(int64(d.Conversation), d.Correlation)
	}
	return tracing.Delivery(string(d.ID), d.Correlation)
}

// traced ends the span of an attempt.
func traced(span *tracing.Span, d *store.Delivery, a *store.Attempt, err error) {
	if span == nil {
		return
	}
	span.Str(tracing.DeliveryID, string(d.ID))
	span.Int(tracing.Conversation, int64(d.Conversation))
	span.Str(tracing.Inbox, d.Inbox)
	span.Str(tracing.Channel, string(d.Channel))
	span.Str(tracing.Kind, string(d.Order.Kind))
	span.Int(tracing.Attempt, int64(d.Attempts))
	span.Str(tracing.Outcome, string(a.Outcome))
	if a.HTTPStatus != 0 {
		span.Int(tracing.HTTPStatus, int64(a.HTTPStatus))
	}
	switch a.Outcome {
	case store.AttemptRetry, store.AttemptUncertain, store.AttemptFailed:
		if err == nil {
			span.Failed(string(a.Outcome))
			span.Str(tracing.Cause, a.Cause)
		}
	}
	span.Fail(err)
	for _, o := range a.Orders { // people are called instead
		ordered := span.Past(tracing.Ordered, tracing.Delivery(string(o.Delivery), d.Correlation), a.Now)
		ordered.Str(tracing.DeliveryID, string(o.Delivery))
		ordered.Str(tracing.Kind, string(o.Kind))
		ordered.End()
	}
	span.End()
}
