// Package workflow is the vocabulary and the contract of an engine that runs workflows
// outside (n8n): a call with arguments, an answer that may come at once or later by a signed
// callback.
//
// What a workflow is given and what it answers is data of somebody else: both are checked
// against JSON Schemas that its declaration brings, and only what a schema names goes any
// further. Adapters do not retry, sleep or log. Every adapter passes the suite in
// workflowtest.
package workflow

import (
	"context"
	"encoding/json"
	"time"

	"secretaria/internal/secret"
)

// Engine starts workflows. Implementations are safe for concurrent use and honour ctx.
type Engine interface {
	// Call starts a workflow once: one try. Errors carry a fault kind: Uncertain when it may
	// have run; NotFound when it is inactive or not registered yet, worth slow tries;
	// Transient or RateLimited when it certainly did not run and may later; any other when
	// another try cannot help, be it that it was refused, or that it ran and failed.
	Call(context.Context, Request) (Answer, error)
	// Reconcile asks whether a call whose outcome is unknown was taken. CannotTell when the
	// engine cannot be asked or does not know; an error when asking failed this time, or when
	// it is too early to tell.
	Reconcile(context.Context, Request) (Verdict, Answer, error)
	// Probe checks that the engine can be reached: one cheap read. fault.Unsupported means
	// that nothing is configured to be reached.
	Probe(context.Context) error
}

// Request is one call.
type Request struct {
	Workflow  Declared
	Key       string // our delivery id: the idempotency key, the same for every try
	Arguments json.RawMessage
	// Conversation is our number of the conversation that the call belongs to.
	Conversation int64
	// Since is when the first try began.
	Since time.Time
	// Correlation travels along.
	Correlation string
}

// Answer is what the engine said.
type Answer struct {
	// Result is the workflow's own answer as Declared.Accept left it; nil where it only
	// started, and then a callback may bring the result, or where nothing is expected.
	Result json.RawMessage
	Status int // HTTP status
}

// Verdict is the answer to "was it taken?".
type Verdict int

// The verdicts.
const (
	CannotTell Verdict = iota
	Taken
	NotTaken
	Failed // it ran and failed: another try would do a part of it twice
)

// The limits of what is sent and read, in bytes.
const (
	// MaxRequest bounds the body of a call: n8n answers a body that is too large for it as if
	// the workflow had failed.
	MaxRequest = 1 << 20
	// MaxAnswer bounds an answer and the body of a callback.
	MaxAnswer = 256 << 10
	// MaxResult bounds what is kept of an answer: it becomes a message that a model may read.
	MaxResult = 16 << 10
)

// DefaultTimeout is how long a call may take where nothing is declared.
const DefaultTimeout = 30 * time.Second

// Declared is a workflow as a desk declares it. It is checked by Validate and not changed
// afterwards.
type Declared struct {
	Name        string // create_lead, schedule_meeting, …: lower case, digits and "_"
	Description string // for the model: when to use it
	URL         string // the production webhook
	// Arguments and Result are JSON Schemas of objects; Result nil: nothing is expected, and
	// what is answered is not looked at.
	Arguments, Result json.RawMessage
	// Reply is what the customer reads when it is done, with {keys} of the result; "" leaves
	// it to the desk. See Render.
	Reply string
	// On lists the moves of the playbook that start it ("qualified", "scheduled"); Tool lets
	// the model start it.
	On   []string
	Tool bool
	// Repeatable says that the workflow itself drops repeats by the idempotency key: a call
	// whose outcome is unknown may then be repeated.
	Repeatable bool
	Timeout    time.Duration // of one call; 0: DefaultTimeout
	// Auth is how this workflow's webhook is authenticated; zero: as all are.
	Auth Auth
}

// AuthMode is how a webhook knows its caller, beside the signature: a bounded word.
type AuthMode string

// The modes, as the Webhook node of n8n has them.
const (
	AuthDefault AuthMode = ""
	AuthNone    AuthMode = "none"
	AuthBasic   AuthMode = "basic"
	AuthHeader  AuthMode = "header"
)

// Auth is a credential of a webhook.
type Auth struct {
	Mode   AuthMode
	Name   string // the user of AuthBasic, the header of AuthHeader
	Secret secret.String
}
