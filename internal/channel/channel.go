// Package channel is the vocabulary and the contract of a helpdesk.
//
// An adapter (whaticket, chatwoot) knows one peer: how its webhooks are authenticated and
// read, what our answers to them look like, and how something is said or done there.
// Adapters do not retry, sleep, log or keep state about conversations; that sits once
// above them. Every adapter passes the suite in channeltest.
package channel

import (
	"context"
	"net/http"
	"time"

	"secretaria/internal/conversation"
)

// Kind names an adapter: a bounded label.
type Kind string

// The kinds.
const (
	Whaticket Kind = "whaticket"
	Chatwoot  Kind = "chatwoot"
)

// Channel is one inbox's connection to its helpdesk. Implementations are safe for
// concurrent use.
type Channel interface {
	// Kind names the adapter.
	Kind() Kind

	// Authenticate decides on raw bytes, before anything is parsed and in constant time,
	// whether a request comes from the configured peer. Errors are fault.Unauthorized with
	// Code "invalid signature" or "invalid token"; nothing else.
	Authenticate(*Request) error

	// Parse reads an authenticated body. It never returns an empty list without an error: a
	// body that needs no action gives one Ignored event. Errors are fault.Invalid; their
	// Code says what is wrong and where ("number: required") and never repeats the input.
	Parse(*Request) ([]Event, error)

	// Answer gives status and JSON body for the peer, as design section 4 has them.
	Answer(Outcome) (status int, body any)

	// CloseAfterAnswer asks for "Connection: close" on every answer: a kept-alive connection
	// that we drop crashes Whaticket forks (contracts/whaticket, "four facts").
	CloseAfterAnswer() bool

	// Supports says whether this inbox, as configured, can carry out a kind of order at all.
	// An order that is not supported is recorded as such and not tried.
	Supports(OrderKind) bool

	// Do carries out one order: one try, no sleeping. Errors carry a fault kind: Uncertain
	// when the effect may have happened; Transient or RateLimited when it certainly did not
	// and may later; Permanent, Unauthorized, Invalid or NotFound when another try cannot help.
	Do(context.Context, Order) (Receipt, error)

	// Reconcile asks the helpdesk whether an order whose outcome is unknown was carried
	// out. CannotTell means that the helpdesk cannot be asked (in this configuration or at
	// all); an error means that asking failed this time and may work later.
	Reconcile(context.Context, Order) (Verdict, Receipt, error)

	// Probe checks that the helpdesk can be reached with the configured credentials: one
	// cheap read. fault.Unsupported means that nothing is configured to be reached.
	Probe(context.Context) error
}

// Request is a webhook as it arrived. Body is the raw bytes.
type Request struct {
	Header     http.Header
	Body       []byte
	PathSecret string // the last path element where an inbox authenticates by URL
	Received   time.Time
}

// EventKind says what an Event reports.
type EventKind string

// The event kinds.
const (
	Received EventKind = "received" // the customer said something
	Said     EventKind = "said"     // somebody else said something to the customer: we, a person, an automation
	Edited   EventKind = "edited"   // the customer replaced the text of the message Target
	Revoked  EventKind = "revoked"  // the customer took back the message Target
	Changed  EventKind = "changed"  // only the state of the conversation
	Failed   EventKind = "failed"   // the channel could not bring our message Delivery to the customer
	Ignored  EventKind = "ignored"  // nothing to do, for Reason; Snapshot may still be present
)

// Event is one thing that a webhook reports.
type Event struct {
	Kind   EventKind
	Reason string // of Ignored: own_echo, group, status, broadcast, newsletter, reaction, private_note, template, empty, stub, unknown_event …

	// Who and where. Contact needs at least one identity for Received.
	Contact Contact
	// Thread is the helpdesk's own conversation ("1/128": account and display id); "" where
	// the contact is the thread (WhatsApp).
	Thread string
	// Chat is the scope within which Key is unique: a JID, an account.
	Chat string
	// Key is the channel's message id, "" where the payload has none.
	Key string
	// Address is where an answer to this event has to go.
	Address Address

	Author   conversation.Author // of Said
	AuthorID string              // the helpdesk's id of the author, where given
	ByPhone  bool                // of Said by a Person: typed on the phone, not in the helpdesk
	Content  conversation.Content
	Target   string                  // of Edited and Revoked: the Key of the message meant
	Delivery conversation.DeliveryID // of Said and Failed: our marker in the message
	Cause    string                  // of Failed: the channel's words, bounded; may not be logged

	// Command is what a person told us to do, in words that the customer does not see; "" for
	// nothing. Of Ignored.
	Command Command

	// Snapshot is the conversation's state that came with the event; nil when the payload
	// does not tell.
	Snapshot *conversation.Snapshot
	// At is when it was said by the channel's clock; zero when the payload does not tell.
	At time.Time
}

// Command is what people can tell us from within a helpdesk.
type Command string

// The commands.
const (
	HandBack Command = "hand_back" // the bot goes on: "/bot"
	TakeOver Command = "take_over" // the bot stops: "/humano"
)

// IdentityKind is a kind of id by which a channel knows a person.
type IdentityKind string

// The identity kinds.
const (
	Phone     IdentityKind = "phone"      // E.164 digits with "+", the Brazilian 9 inserted: canonical
	LID       IdentityKind = "lid"        // WhatsApp's hidden id, digits only; never dialled
	ChannelID IdentityKind = "channel_id" // the helpdesk's contact id, or a page-scoped id
	RawNumber IdentityKind = "raw"        // digits that are no phone of any country plan
)

// Identity is one id of a person.
type Identity struct {
	Kind  IdentityKind
	Value string
}

// Contact is the person behind an event. Identities come strongest first.
type Contact struct {
	Identities []Identity
	Name       string
	Blocked    bool
}

// Address is where an order goes. Both parts are the channel's own notation, stored and
// given back unchanged.
type Address struct {
	To     string `json:"to,omitempty"`     // the raw number as received, digits only; "" when there is none to dial
	Thread string `json:"thread,omitempty"` // the helpdesk's ticket ("357") or conversation ("1/128")
}

// OrderKind is a kind of thing that can be done at a helpdesk.
type OrderKind string

// The order kinds, in the order in which a handoff uses them: status last.
const (
	Say        OrderKind = "say"        // a public message to the customer
	Note       OrderKind = "note"       // a private note for people
	Attributes OrderKind = "attributes" // merge custom attributes
	Labels     OrderKind = "labels"     // add labels
	Assign     OrderKind = "assign"     // give to a team, queue or person
	OpenUp     OrderKind = "open"       // make it visible to people: the last step of a handoff
	Typing     OrderKind = "typing"     // best effort, never recorded
	Pend       OrderKind = "pending"    // give it back to the bot: nobody's, and out of people's lists
	// TakeBack is Pend where the helpdesk opened the conversation by itself, because a webhook
	// of ours failed, and no person has it. It is found out when the order is carried out, and
	// by package takeback: no channel supports it.
	TakeBack OrderKind = "take_back"
	// Call starts a workflow. It is no helpdesk's: no channel supports it, and delivery gives
	// it to the workflow engine instead.
	Call OrderKind = "workflow"
)

// Order is one thing to be done, as stored in a delivery. Text is CommonMark; the adapter
// renders and neutralises it for its peer.
type Order struct {
	Delivery   conversation.DeliveryID
	Kind       OrderKind
	Address    Address
	Text       string            // of Say and Note
	ReplyTo    string            // of Say: Key of the message to quote, where the channel can
	Labels     []string          // of Labels
	Attributes map[string]string // of Attributes
	Team       string            // of Assign: the helpdesk's team or queue id
	Person     string            // of Assign: the helpdesk's user id
	// Pause is how long after the order before it this one goes out at the earliest: the time
	// that a person would need to write it. It ends early when the customer writes.
	Pause time.Duration
	// Workflow names what a Call starts, Arguments are its arguments as canonical JSON, an object.
	Workflow  string
	Arguments string
	// Since is when the first attempt began: Reconcile looks no further back.
	Since time.Time
	// After is the Key of the newest message that the order answers, "" where it answers
	// none or it has no key: what is not newer than it cannot be the order's own message.
	After string
}

// Receipt is what the helpdesk told about an order that was carried out.
type Receipt struct {
	Key    string // the helpdesk's message id, "" where it tells none
	SelfID string // our own id at the helpdesk, where the answer tells
	Status int    // HTTP status
	// Result is what a workflow answered, JSON; "" where it answered nothing that is a result.
	Result string
}

// Survey is what a helpdesk shows of a conversation that it may have opened by itself.
type Survey struct {
	Snapshot conversation.Snapshot
	// Person says that somebody of the house has looked at it, written or been given it since
	// the customer's newest message, so that it is not ours to take.
	Person bool
	// BySystem says whether the helpdesk itself noted that it opened the conversation because
	// the bot failed: Arrived, Absent, or CannotTell where we may not read that.
	BySystem Verdict
	// Said are the customer's messages that could be read, oldest first: Received events like
	// those of webhooks, with the same Key.
	Said []Event
}

// Verdict is the answer to "did it arrive?".
type Verdict int

// The verdicts.
const (
	CannotTell Verdict = iota
	Arrived
	Absent
)

// OutcomeKind is how a webhook ended.
type OutcomeKind string

// The outcomes.
const (
	Accepted         OutcomeKind = "accepted"
	Duplicate        OutcomeKind = "duplicate"
	Skipped          OutcomeKind = "ignored"
	BadPayload       OutcomeKind = "invalid_payload"
	Refused          OutcomeKind = "unauthorized"
	TooLarge         OutcomeKind = "too_large"
	WrongType        OutcomeKind = "unsupported_media_type"
	TooManyByIP      OutcomeKind = "rate_limited_ip"
	TooManyByContact OutcomeKind = "rate_limited_contact"
	Unavailable      OutcomeKind = "unavailable"
)

// Outcome is what intake tells the adapter to answer. Detail is the reason of Skipped, the
// cause of BadPayload and of Refused.
type Outcome struct {
	Kind   OutcomeKind
	Detail string
}
