// Package store is the contract of our memory: a method per business step.
//
// A step is one transaction that is on disk when the method returns. Stores record
// decisions and never make them: which move a conversation makes is conversation's to say,
// and both databases call the same functions. Every store passes the suite in storetest.
//
// The conversation row is the truth and has two lanes, turns and deliveries. A lane is
// claimed by Dispatch, which raises the lane's fence, sets a lease and inserts the job, all
// in one transaction; every later step of that lane names the fence and is refused with
// ErrLost once the lane was claimed again. Work whose lease ran out is simply due again.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
)

var (
	// ErrLost says that the lane was claimed by somebody else: stop, and write nothing more.
	ErrLost = fault.New(fault.Conflict, "lease lost")
	// ErrStale says that the conversation moved on while a turn was thinking: think again.
	ErrStale = fault.New(fault.Conflict, "draft stale")
	// ErrNotFound says that what was asked for is not there.
	ErrNotFound = fault.New(fault.NotFound, "not found")
)

// Store is the whole contract. Implementations are safe for concurrent use; slices given
// to them are not kept, slices returned belong to the caller. Errors that are none of the
// above are the database's own: fault.Transient, worth another try.
type Store interface {
	// Receive stores what one webhook reported, all of its events or none. A repeat
	// changes nothing and says so.
	Receive(context.Context, Arrival) ([]Result, error)

	// Dispatch claims up to limit conversations whose lane is due at now and whose lease
	// has run out, and inserts their jobs. It returns how many it claimed and when the
	// next one will be due (zero: none known).
	Dispatch(ctx context.Context, lane job.Lane, now time.Time, limit int, lease time.Duration) (claimed int, next time.Time, err error)

	// Renew extends a lease. ErrLost when the fence has moved.
	Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error

	// BeginTurn loads what a turn needs and raises the fence once more, so that a job that
	// is run twice begins one turn. ErrLost when the fence has moved, or when there is
	// nothing to answer now and it is no time to wake; the lane is then free.
	BeginTurn(ctx context.Context, j job.Turn, now time.Time, lease time.Duration, history int) (Turn, error)
	// Decide commits a turn: the decision, its deliveries and the job that carries them
	// out. ErrStale, with the lane kept, when the conversation moved on since BeginTurn (a
	// new message unless Partial, another holder); ErrLost when the lane is not ours.
	Decide(context.Context, Decision) error
	// ReleaseTurn gives the lane back without a decision; the turn is due at due, or, where
	// that is zero, when it was due before. failed counts a turn that broke, see Turn.Failures.
	ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error

	// NextDelivery takes the next step of a conversation's delivery lane. At the same
	// instant it checks who holds the conversation, cancels what must not be sent any
	// more (nothing is said to who has opted out, nor started for them, whoever asked for it),
	// and records the start of the attempt. Nothing to do now: ErrNotFound, and the
	// lane is free. An attempt that was begun and never finished comes back as Uncertain.
	NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (Delivery, error)
	// FinishAttempt records how an attempt, or the reconciliation of one, ended.
	FinishAttempt(context.Context, Attempt) error

	// Deliveries lists deliveries, newest first.
	Deliveries(context.Context, Filter) ([]Delivery, error)
	// Replay makes dead deliveries pending again, together with what was cancelled because
	// of them. ErrNotFound when there is none of that id; fault.Conflict when it is not dead.
	Replay(ctx context.Context, id conversation.DeliveryID, now time.Time) error

	// Reported stores what a workflow told later as a message that the desk answers, at once
	// where the bot holds the conversation; elsewhere it is recorded, and people get the note.
	// ErrNotFound when there is no such call.
	Reported(context.Context, Report) (Result, error)
	// HandBack gives a conversation that people hold to the bot again, by an operator's
	// command: a new episode. The orders (a status to set, a note) go with it. ErrNotFound when
	// there is no such conversation, fault.Conflict when no person holds it.
	HandBack(ctx context.Context, id conversation.ID, orders []channel.Order, now time.Time) error
	// TakeOver gives a conversation to people by an operator's command: what is unsent is
	// cancelled, but for workflows and what is for people. ErrNotFound when there is no such conversation.
	TakeOver(ctx context.Context, id conversation.ID, hold time.Duration, now time.Time) error
	// Leads lists leads, last changed first.
	Leads(context.Context, LeadFilter) ([]Lead, error)
	// Conversations lists conversations, last changed first.
	Conversations(context.Context, ConversationFilter) ([]Conversation, error)
	// OptIn takes back an opt-out, by an operator's command on the customer's wish. ErrNotFound
	// when there is no such conversation.
	OptIn(ctx context.Context, id conversation.ID) error

	Privacy
	Processes

	// Transcript returns the last messages of a conversation, oldest first.
	Transcript(ctx context.Context, id conversation.ID, limit int) ([]conversation.Message, error)
	// Conversation returns one conversation.
	Conversation(ctx context.Context, id conversation.ID) (Conversation, error)

	// Recover frees the lanes that processes which are certainly gone have left behind. It
	// is called once at start, before the dispatcher.
	Recover(ctx context.Context, now time.Time) error
	// Backlog counts turns due and deliveries not finished.
	Backlog(ctx context.Context, now time.Time) (turns, deliveries int, err error)
	// Oldest says since when the first conversation is due that waits for a turn, and the first
	// that has something to be sent; zero where none is due.
	Oldest(ctx context.Context, now time.Time) (turn, delivery time.Time, err error)
	// Census counts everybody. It is for once a minute: it counts all conversations, a million
	// of which take some tenths of a second.
	Census(ctx context.Context, now time.Time) (Census, error)
	// Ping makes the smallest useful round trip.
	Ping(context.Context) error
	// Close waits for what is under way and closes the database.
	Close() error
}

// Arrival is what one webhook reported.
type Arrival struct {
	Inbox       string
	Channel     channel.Kind
	Events      []channel.Event
	Now         time.Time
	Correlation string
	Quiet       conversation.Quiet
	// Fallback identifies the request where an event has no key: a hash of the signed
	// timestamp and body; nil where nothing was signed, and then sender and content within
	// DedupeWindow decide, unless somebody has answered in between.
	Fallback     []byte
	DedupeWindow time.Duration
	// Hold is how long a person who took over keeps the conversation; 0: until it is handed back.
	Hold time.Duration
	// CanOpen says that the channel can make a conversation visible to people.
	CanOpen bool
	// TakeBack is how long after the helpdesk has opened a conversation that was given to
	// nobody it is looked at, and taken back where the helpdesk did that by itself; 0: never.
	TakeBack time.Duration
}

// Result is what became of one event.
type Result struct {
	Conversation conversation.ID // 0 where the event belongs to none that we know
	Message      conversation.MessageID
	Duplicate    bool
	Pending      bool      // a turn is due because of it
	DueAt        time.Time // of Pending: when
	Stale        bool      // a turn that is thinking now should think again
	Change       conversation.Change
	Cancelled    int  // deliveries that will not be sent any more
	Deliver      bool // a delivery is due because of it
	// Before is, of Pending, the correlation id that the conversation had until then, and Joins
	// says that what it came with is still to be answered as well: by the same turn.
	Before string
	Joins  bool
}

// Conversation is a conversation as the domain and the channel need it.
type Conversation struct {
	ID          conversation.ID
	Inbox       string
	Channel     channel.Kind
	Thread      string
	Address     channel.Address
	Contact     conversation.ContactID
	ContactName string
	State       conversation.State
	Revision    int64 // grows with every message, edit and take-back by the customer
	Correlation string
	CreatedAt   time.Time
}

// Turn is what a turn begins with.
type Turn struct {
	Conversation Conversation
	Fence        int64
	// Pending are the customer's messages to answer, History what was said before them,
	// both oldest first.
	Pending, History []conversation.Message
	FirstPending     time.Time
	DueAt            time.Time
	// Woken says that nobody has written: the turn is due because the decision before wanted
	// it, see Decision.WakeAt. Pending is empty then.
	Woken bool
	// Failures counts turns that broke since the last decision: a poisoned conversation is
	// given to a person instead of being tried for ever.
	Failures int
	// Restarts counts the times that this turn was begun before without coming to a decision.
	Restarts int
	// Memory is what the desk remembers of this conversation, Profile what it remembers of the
	// contact in all its conversations: JSON of the agent's, nil while there is nothing.
	Memory, Profile []byte
	// Fired are the workflows that this conversation has started, oldest first.
	Fired []Firing
	// OptedOut says that the contact wants no more messages, by any of its identities.
	OptedOut bool
}

// Firing is a workflow that a conversation has started. The same arguments start it once.
type Firing struct {
	Workflow string
	Key      string // of the arguments, see FiringKey
	Delivery conversation.DeliveryID
	At       time.Time
	Status   Status // of the delivery
}

// FiringKey is the key of a workflow's arguments: canonical JSON, so that the order of keys
// makes no difference.
func FiringKey(arguments string) string {
	sum := sha256.Sum256([]byte(arguments))
	return hex.EncodeToString(sum[:16])
}

// Decision is what a turn decided.
type Decision struct {
	Conversation conversation.ID
	Fence        int64
	Epoch        int64
	Revision     int64
	Through      conversation.MessageID // answers pending messages up to this one
	Partial      bool                   // commit although newer messages arrived; they stay pending
	// Orders become deliveries, in order; ids are given by the caller. A pause counts from the
	// end of the one before it, the first from now, and ends when the customer writes or a
	// person takes over. A call that the conversation has started before with the same
	// arguments is left out, unless that was called off before it began.
	Orders   []channel.Order
	HandOver conversation.Reason // "" keeps the conversation with the bot
	Hold     time.Duration       // of HandOver: how long people keep it; 0: until it is handed back
	Record   Record
	Now      time.Time
	Lease    time.Duration // of the delivery lane that the same transaction claims
	// Memory and Profile replace what was remembered; nil keeps it.
	Memory, Profile []byte
	// Lead is what a playbook knows after this turn; nil keeps what was known.
	Lead *Lead
	// WakeAt is when the conversation is due once more although nobody writes; zero: never. A
	// message or a result is answered in its own time; the decision about it sets the next
	// WakeAt or none, and where the message is revoked before, this one holds. People who get
	// the conversation, its end and an opt-out end it.
	WakeAt time.Time
	// OptOut records that the contact wants no more messages, for all its identities and for
	// ever. What is unsent in any of its conversations is cancelled; the orders of this
	// decision alone are still sent.
	OptOut bool
}

// Lead is what a playbook has learned in a conversation.
type Lead struct {
	Conversation conversation.ID
	Inbox, Desk  string
	ContactName  string
	State        string // of the playbook: a bounded word
	Score        int
	MaxScore     int
	ScoreTable   string // name and version of the table
	Body         []byte // JSON of the playbook: slots, quotes, points
	UpdatedAt    time.Time
}

// LeadFilter narrows a list of leads. Zero fields do not narrow.
type LeadFilter struct {
	Inbox, Desk, State string
	Conversation       conversation.ID
	Limit              int // default 100
}

// Report is what a workflow told later, by a signed callback.
type Report struct {
	Delivery conversation.DeliveryID // the call that it answers
	ID       string                  // of the report: a repeat changes nothing
	Content  conversation.Content    // Kind Result
	// Note is what people read of it, see Attempt.Note.
	Note string
	Now  time.Time
	// Correlation of the request that brought it.
	Correlation string
}

// Record is what is kept about how a decision came about. No customer text.
type Record struct {
	Outcome      string // bounded: replied, handed_over, model_failed, silent …
	Reason       string // a short word of the agent
	Model        string
	InputTokens  int
	CachedTokens int
	OutputTokens int
	ModelTime    time.Duration
	StartedAt    time.Time
	Correlation  string
}

// Status is the state of a delivery, in the published words.
type Status string

// The statuses. An attempt under way is FAILED_TEMPORARY or PENDING with InFlight set.
const (
	Pending         Status = "PENDING"
	Sent            Status = "SENT"
	FailedTemporary Status = "FAILED_TEMPORARY"
	FailedPermanent Status = "FAILED_PERMANENT"
	Cancelled       Status = "CANCELLED"
)

// Delivery is one thing to be done outside, with its attempts so far.
type Delivery struct {
	ID           conversation.DeliveryID
	Conversation conversation.ID
	Inbox        string
	Channel      channel.Kind
	Turn         conversation.TurnID
	Order        channel.Order
	Status       Status
	Attempts     int // tries so far, the one under way included
	Round        int // tries since the last replay by hand: what the schedule counts
	// Uncertain: an earlier attempt may have arrived; ask the helpdesk before repeating.
	Uncertain bool
	// Blind counts repeats made although nobody could tell whether the one before arrived.
	Blind       int
	Cause       string
	HTTPStatus  int
	Key         string // the helpdesk's id of what was sent
	Correlation string
	CreatedAt   time.Time
	NextAt      time.Time
	DoneAt      time.Time
	// AcceptedAt is when the oldest message that this delivery answers was stored.
	AcceptedAt time.Time
	// More says that the bot has something more to say after this: it is still typing.
	More bool
}

// AttemptOutcome is how an attempt ended.
type AttemptOutcome string

// The outcomes of an attempt. Absent and Unknown end a reconciliation.
const (
	AttemptSent      AttemptOutcome = "sent"
	AttemptRetry     AttemptOutcome = "retry"     // certainly had no effect; try again at NextAt
	AttemptUncertain AttemptOutcome = "uncertain" // may have had its effect; reconcile at NextAt
	AttemptFailed    AttemptOutcome = "failed"    // for good
	AttemptAbsent    AttemptOutcome = "absent"    // the helpdesk does not have it: send it
	AttemptUnknown   AttemptOutcome = "unknown"   // the helpdesk cannot be asked: repeat once, blindly
	AttemptCancelled AttemptOutcome = "cancelled" // not carried out, and never will be (dry run, unsupported)
)

// Attempt is the end of an attempt.
type Attempt struct {
	Delivery     conversation.DeliveryID
	Conversation conversation.ID
	Fence        int64
	Number       int // Delivery.Attempts when it began: a late worker must not overwrite a newer try
	Outcome      AttemptOutcome
	StartedAt    time.Time
	Now          time.Time
	HTTPStatus   int
	Cause        string // short, without customer text, hosts or credentials
	NextAt       time.Time
	Key, SelfID  string // from the receipt
	// HandOver, of AttemptFailed: give the conversation to people for this reason and add
	// these orders; the rest of what the bot wanted to say there is cancelled.
	HandOver conversation.Reason
	Hold     time.Duration // of HandOver: how long people keep it; 0: until it is handed back
	Orders   []channel.Order
	// News, of AttemptSent and AttemptFailed of a Call: what came of it, a message of Kind
	// Result that the desk answers next, where the bot holds the conversation. Nil: nothing to
	// tell yet.
	News *conversation.Content
	// Note, with News, is what people read of it in their helpdesk where the bot does not hold
	// the conversation, or loses it before the desk has answered; "": nothing.
	Note string
}

// ConversationFilter narrows a list of conversations. Zero fields do not narrow.
type ConversationFilter struct {
	Inbox  string
	Holder conversation.Holder
	Limit  int // default 100
}

// Filter narrows a list of deliveries. Zero fields do not narrow.
type Filter struct {
	Status       Status
	Inbox        string
	Conversation conversation.ID
	ID           conversation.DeliveryID
	Limit        int // default 100
}
