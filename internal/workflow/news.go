package workflow

import (
	"encoding/json"

	"secretaria/internal/conversation"
)

// The keys and values of a result message's Detail.
const (
	detailWorkflow = "workflow"
	detailStatus   = "status"
	detailDelivery = "delivery"

	statusDone   = "done"
	statusFailed = "failed"

	// failureCause is the key of a failure's cause in its result.
	failureCause = "error"
)

// News is what came of a call: the message of kind conversation.Result that a desk answers.
type News struct {
	Workflow string
	Delivery string // the call
	Failed   bool   // it did not come to its end, or whether it did is not known
	// Result is what Declared.Accept left, or {"error":"<cause>"} of a failure; may be nil.
	Result json.RawMessage
}

// Content returns the message.
func (n News) Content() conversation.Content {
	status := statusDone
	if n.Failed {
		status = statusFailed
	}
	text := string(n.Result)
	if text == "" {
		text = "{}"
	}
	return conversation.Content{Kind: conversation.Result, Text: text,
		Detail: map[string]string{detailWorkflow: n.Workflow, detailStatus: status, detailDelivery: n.Delivery}}
}

// ReadNews reads a message that Content made; false for any other message.
func ReadNews(c conversation.Content) (News, bool) {
	if c.Kind != conversation.Result || c.Detail[detailWorkflow] == "" {
		return News{}, false
	}
	return News{Workflow: c.Detail[detailWorkflow], Delivery: c.Detail[detailDelivery],
		Failed: c.Detail[detailStatus] != statusDone, Result: json.RawMessage(c.Text)}, true
}

// Failure is the result of a call that failed, with a short cause for people: a fault.Code.
func Failure(cause string) json.RawMessage {
	b, err := encode(map[string]any{failureCause: cause})
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return b
}
