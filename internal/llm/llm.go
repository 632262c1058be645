// Package llm is the vocabulary and the contract of a language model.
//
// A model is a peer like any other: an adapter (gemini, openai, offline) turns a Request
// into one call and the answer into a Response or a classified error. Adapters do not
// retry, sleep or log; timeouts per try, retries and the circuit breaker sit once above
// them, in resilient. Every adapter passes the suite in llmtest.
package llm

import (
	"context"
	"encoding/json"
	"time"

	"secretaria/internal/fault"
)

// Model answers requests. Implementations are safe for concurrent use, keep nothing
// between calls and honour ctx.
//
// Errors carry a fault kind: RateLimited with the peer's Retry-After (429), Transient
// (timeouts, resets, 5xx), Unauthorized (401, 403), Invalid (other 4xx, a request that the
// model will never take), Permanent (blocked by the provider's safety rules, or an answer
// that is no answer). A model call has no effect outside, so Uncertain is never used.
type Model interface {
	// Generate makes one call. It returns a Response or an error, never both.
	Generate(ctx context.Context, req *Request) (*Response, error)
	// Name is the provider and the model, "gemini/gemini-2.5-flash": a bounded label.
	Name() string
}

// Choices of Request.ToolChoice that are no tool's name.
const (
	ChooseAuto = ""     // the model calls what it likes, or nothing
	ChooseNone = "none" // the tools are shown, for the dialogue refers to them, and none is called
)

// Role says who speaks in a Message.
type Role string

// The roles. The system prompt is not a message: it is Request.System.
const (
	User      Role = "user"
	Assistant Role = "assistant"
	ToolRole  Role = "tool"
)

// Request is everything one call needs; nothing is kept in the client between calls.
type Request struct {
	System      string
	Messages    []Message
	Tools       []Tool
	MaxTokens   int      // upper bound of the answer, in tokens; 0 leaves it to the provider
	Temperature *float64 // nil leaves it to the provider
	// ToolChoice is ChooseAuto, ChooseNone, or the name of one of Tools, which the model then
	// has to call: an answer by a schema. A name that no tool has is fault.Invalid. A server
	// that knows no forced calls may answer in words all the same.
	ToolChoice string
	// Subject is what the call is made for. It is never sent to a provider.
	Subject Subject
	// Fence is the mark between which the untrusted parts of System and Messages stand.
	Fence Fence
}

// Subject is what a call is made for: what budgets are kept by. Zero fields: nobody's.
type Subject struct {
	Desk                  string
	Contact, Conversation int64
}

// Message is one piece of the dialogue.
type Message struct {
	Role      Role
	Text      string
	ToolCalls []ToolCall // of an Assistant message
	// Of a ToolRole message: which call this answers, and by which tool.
	ToolCallID string
	ToolName   string
}

// Tool is something that the model may ask for. Schema is a JSON Schema of an object.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage
}

// Forced is the tool that the request wants called; false where it leaves that to the model
// or names a tool that is not there.
func (r *Request) Forced() (Tool, bool) {
	if r.ToolChoice == ChooseAuto || r.ToolChoice == ChooseNone {
		return Tool{}, false
	}
	for _, t := range r.Tools {
		if t.Name == r.ToolChoice {
			return t, true
		}
	}
	return Tool{}, false
}

// CheckChoice says whether ToolChoice can be asked for: fault.Invalid when it names no tool.
func (r *Request) CheckChoice() error {
	if _, ok := r.Forced(); ok || r.ToolChoice == ChooseAuto || r.ToolChoice == ChooseNone {
		return nil
	}
	return fault.New(fault.Invalid, "tool choice names no tool")
}

// ToolCall is the model's wish; its arguments are unchecked JSON.
type ToolCall struct {
	ID        string // empty where the provider gives none
	Name      string
	Arguments json.RawMessage
	// Opaque must be sent back unchanged with the call (Gemini's thought signature).
	Opaque []byte
}

// Finish says why the model stopped.
type Finish string

// The finish reasons that the agent distinguishes.
const (
	Stop      Finish = "stop"
	Length    Finish = "length" // the answer was cut at MaxTokens
	ToolCalls Finish = "tool_calls"
	Blocked   Finish = "blocked"
	Other     Finish = "other"
)

// Response is what the model said. Text and ToolCalls may both be present.
type Response struct {
	Text      string
	ToolCalls []ToolCall
	Finish    Finish
	Usage     Usage
	Model     string        // as the provider names what answered; for the record, unbounded
	Duration  time.Duration // of the call that answered
}

// Usage counts tokens as the provider bills them; zero when it did not say.
type Usage struct {
	InputTokens, CachedTokens, OutputTokens int
}

// Add sums the usage of several calls of one turn.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.InputTokens + v.InputTokens, u.CachedTokens + v.CachedTokens, u.OutputTokens + v.OutputTokens}
}
