// Package llmtest holds what stands in for a language model: OpenAI and Gemini, servers
// that speak the real protocols over real HTTP, and Scripted, a model in memory.
//
// The servers check requests as strictly as the providers do (credentials, roles, the order
// of tool calls and their results), answer from a script, misbehave on request and keep what
// they got. They promise nothing about what a real model would say. The package does not
// import testing, so demos and benchmarks use it too; the suite that every adapter passes is
// in the package conformance beneath.
package llmtest

import (
	"net/http"
	"regexp"
	"time"

	"secretaria/internal/llm"
)

// Reply says what a server does with one request. The zero value is a short plain answer.
type Reply struct {
	Text      string // default "ok", unless ToolCalls or Finish say otherwise
	ToolCalls []llm.ToolCall
	Finish    llm.Finish // default Stop, or ToolCalls where there are any
	Usage     llm.Usage  // default: one token in about four bytes
	Model     string     // default: the model that was asked for
	// Thought is reasoning that the provider sends apart from the answer; it must not reach
	// the customer.
	Thought string

	// Status, when not 0, makes the answer an error with this status in the provider's form.
	Status     int
	RetryAfter string // header of an error: seconds or an HTTP date
	ErrorCode  string // the provider's machine-readable code; default by status
	Message    string // the provider's words of an error

	Delay time.Duration // before the answer, besides Server.Delay
	Fault Fault
	// Body, when not "", is sent in place of an answer, with ContentType (default
	// application/json) and Status (default 200).
	Body        string
	ContentType string
}

// Fault is a way to misbehave.
type Fault int

// The faults.
const (
	None    Fault = iota
	Hang          // no answer until the client gives up
	Drop          // the connection is closed without an answer
	Cut           // half the answer, then the connection is closed
	Empty         // an answer without choices or candidates
	Blocked       // the provider's safety rules refuse the prompt
)

// Request is what a server got.
type Request struct {
	Method string
	Path   string
	Query  string // raw
	Header http.Header
	Body   []byte
	At     time.Time
	// LLM is the body in our own vocabulary; nil when the server refused it.
	LLM *llm.Request
	// Model is the model that was asked for.
	Model string
}

// LastUser returns the text of the last User message without the tags of an llm.Fence, ""
// without one.
func (r *Request) LastUser() string {
	if r.LLM == nil {
		return ""
	}
	return lastUser(r.LLM)
}

func lastUser(req *llm.Request) string {
	for i := len(req.Messages) - 1; i >= 0; i-- {
		if m := req.Messages[i]; m.Role == llm.User {
			return tags.ReplaceAllString(m.Text, "")
		}
	}
	return ""
}

var tags = regexp.MustCompile(`</?d-[a-z0-9]{12}>`)
