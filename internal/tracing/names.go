package tracing

import (
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// Name is what a span is about: one of the list below, which docs/traces.md explains.
type Name string

// The spans.
const (
	WebhookReceived  Name = "webhook"          // a webhook, from its first byte to the answer
	WebhookStored    Name = "store webhook"    // what it reports comes into the database
	WebhookSpooled   Name = "spool webhook"    // or onto the disk
	WebhookForwarded Name = "forward webhook"  // and from there into the database
	CallbackReceived Name = "callback"         // a report of a workflow, from its first byte to the answer
	Reported         Name = "workflow reports" // the same, in the trace of the call
	Turn             Name = "turn"             // one turn of a conversation
	TurnLoaded       Name = "load"             // what it begins with comes from the database
	Guarded          Name = "guard"            // what customers wrote is judged
	ModelCalled      Name = "model"            // a model is asked, with all tries and models of the chain
	ModelTried       Name = "chat"             // one try of one model
	ToolUsed         Name = "tool"             // a tool that the model called
	Gated            Name = "gate"             // what a model wants to say is judged
	Committed        Name = "commit"           // the decision comes into the database
	Ordered          Name = "delivery"         // something is to be delivered
	Attempted        Name = "deliver"          // one try of it
	Reconciled       Name = "reconcile"        // what became of a try is asked
	WorkflowCalled   Name = "call workflow"    // one try to start a workflow
)

// Key names an attribute. Those that are not OpenTelemetry's are the words of the log.
type Key string

// The attributes.
const (
	CorrelationID Key = "correlation_id"
	Inbox         Key = "inbox"
	Channel       Key = "channel"
	Desk          Key = "desk"
	Conversation  Key = "conversation"
	DeliveryID    Key = "delivery"
	Kind          Key = "kind"
	Attempt       Key = "attempt"
	Outcome       Key = "outcome"
	Reason        Key = "reason"
	Cause         Key = "cause"
	Duplicate     Key = "duplicate"
	Pending       Key = "pending"
	WaitedMS      Key = "waited_ms"
	Messages      Key = "messages"
	Replies       Key = "replies"
	Calls         Key = "calls"
	Sources       Key = "sources"
	Guard         Key = "guard"
	Blocked       Key = "blocked"
	Gate          Key = "gate"
	Model         Key = "model"

	ErrorType    Key = "error.type"
	HTTPMethod   Key = "http.request.method"
	HTTPRoute    Key = "http.route"
	HTTPStatus   Key = "http.response.status_code"
	Operation    Key = "gen_ai.operation.name"
	Provider     Key = "gen_ai.provider.name"
	RequestModel Key = "gen_ai.request.model"
	InputTokens  Key = "gen_ai.usage.input_tokens"
	OutputTokens Key = "gen_ai.usage.output_tokens"
	ToolName     Key = "gen_ai.tool.name"
)

// Description is what a span may tell.
type Description struct {
	Name Name
	Kind string // of OpenTelemetry: server, client, producer, consumer or internal
	Keys []Key  // beside those of Always
}

// Always lists the attributes that every span may have: how it failed, and, of those that
// begin the work of a process, CorrelationID.
func Always() []Key { return []Key{CorrelationID, ErrorType, Cause} }

// Catalogue lists all spans.
func Catalogue() []Description {
	of := func(n Name, keys ...Key) Description { return Description{n, n.kind().String(), keys} }
	return []Description{
		of(WebhookReceived, HTTPMethod, HTTPRoute, HTTPStatus, Channel, Inbox, Outcome, Reason),
		of(WebhookStored, Conversation, Pending, Duplicate),
		of(WebhookSpooled),
		of(WebhookForwarded, Channel, Inbox, WaitedMS),
		of(CallbackReceived, HTTPMethod, HTTPRoute, HTTPStatus, Inbox, Outcome),
		of(Reported, DeliveryID, Conversation, Outcome),
		of(Turn, Conversation, Inbox, Channel, Desk, Outcome, Reason, Messages, Replies, Calls, Sources, Guard, Blocked, Gate, Model, InputTokens, OutputTokens, WaitedMS),
		of(TurnLoaded),
		of(Guarded, Guard, Blocked),
		of(ModelCalled, Operation),
		of(ModelTried, Operation, Provider, RequestModel, Outcome, InputTokens, OutputTokens, HTTPStatus),
		of(ToolUsed, Operation, ToolName),
		of(Gated, Gate),
		of(Committed, Outcome),
		of(Ordered, DeliveryID, Kind),
		of(Attempted, DeliveryID, Conversation, Inbox, Channel, Kind, Attempt, Outcome, HTTPStatus),
		of(Reconciled, DeliveryID, Conversation, Inbox, Channel, Kind, Attempt, Outcome, HTTPStatus),
		of(WorkflowCalled, DeliveryID, Conversation, Inbox, Channel, Kind, Attempt, Outcome, HTTPStatus),
	}
}

// May says whether a span may have an attribute.
func (d Description) May(k Key) bool {
	return slices.Contains(d.Keys, k) || slices.Contains(Always(), k)
}

func (n Name) kind() trace.SpanKind {
	switch n {
	case WebhookReceived, CallbackReceived:
		return trace.SpanKindServer
	case WebhookSpooled, Ordered:
		return trace.SpanKindProducer
	case WebhookForwarded, Turn, Reported:
		return trace.SpanKindConsumer
	case ModelTried, Attempted, Reconciled, WorkflowCalled:
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}
