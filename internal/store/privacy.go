package store

import (
	"context"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
)

// ErrBusy says that something is on its way to the person at this moment: wait, or insist.
var ErrBusy = fault.New(fault.Conflict, "a delivery is under way")

// Privacy is what a memory owes the people whom it remembers.
type Privacy interface {
	// People finds contacts, those with the lowest numbers first. A person who writes to two
	// inboxes is two contacts.
	People(context.Context, PersonFilter) ([]Person, error)
	// Dossier is all that is kept of one contact. ErrNotFound when there is none.
	Dossier(context.Context, conversation.ContactID) (Dossier, error)
	// Erase removes all that Dossier shows, all of it or nothing, and notes Act in the same
	// step. What works on it at that moment, a turn or a delivery, finds that its conversation
	// is gone, and whatever it wanted to write is refused. Three things stay, none of which
	// says who it was: that a message was known, so that its repeat changes nothing; that the
	// person wants no more messages; and the audit. ErrNotFound when there is no such contact,
	// ErrBusy while a delivery is being sent, unless Force.
	Erase(context.Context, Erasure) (Erased, error)
	// WasErased says whether a person with one of these ids was erased at that time or after it.
	WasErased(ctx context.Context, inbox string, ids []channel.Identity, at time.Time) (bool, error)
	// Sweep removes one batch of what is older than it may become, and says where to go on. It
	// never touches what is unfinished: what waits for an answer or for its delivery.
	Sweep(context.Context, Sweep) (Swept, error)
	// Note adds to the audit; Acts lists it, newest first.
	Note(context.Context, Act) error
	Acts(context.Context, ActFilter) ([]Act, error)
	// Scrub makes sure that the bytes of what was removed are in no file of the database any
	// more, where that is in our hands. It may take as long as copying the database, during
	// which nobody can write.
	Scrub(context.Context) error
}

// PersonFilter narrows People. At least one of Contact, Values, Name and Text is to be set;
// whoever meets one of them is found.
type PersonFilter struct {
	Contact conversation.ContactID
	Values  []string // of ids, as they are stored
	Name    string   // part of a name, no matter its case
	Text    string   // part of what a desk knows: an e-mail address in a lead
	Inbox   string   // only there
	Limit   int      // default 100
}

// Person is a contact.
type Person struct {
	Contact       conversation.ContactID
	Inbox, Name   string
	CreatedAt     time.Time
	LastAt        time.Time // when a conversation of theirs last changed
	Identities    []channel.Identity
	Conversations []conversation.ID
	OptedOutAt    time.Time // zero: they want messages
}

// Dossier is all that is kept of one contact.
type Dossier struct {
	Person        Person
	Profile       []byte // JSON of the desk's; nil: none
	Conversations []CaseFile
}

// CaseFile is a conversation with everything that belongs to it.
type CaseFile struct {
	Conversation Conversation
	LastAt       time.Time
	Messages     []conversation.Message
	Memory       []byte // JSON of the desk's; nil: none
	Lead         *Lead
	Turns        []Record
	Deliveries   []Delivery
	Tries        map[conversation.DeliveryID][]Try
	Fired        []Firing
}

// Try is an attempt of a delivery as it was written down.
type Try struct {
	Number             int
	StartedAt, EndedAt time.Time
	Outcome            AttemptOutcome
	HTTPStatus         int
	Cause              string
}

// Erasure is what Erase is told.
type Erasure struct {
	Contact conversation.ContactID
	Now     time.Time
	Force   bool // although something is being sent
	Act     Act  // Subject is set by the store
}

// Erased is what was removed, as numbers of rows, and what was kept.
type Erased struct {
	Removed []Count
	Kept    []Count
}

// Count is a number of rows of one table.
type Count struct {
	Table string
	Rows  int64
}

// Sweep is one batch. The first has no Stage.
type Sweep struct {
	Now time.Time
	// Messages and Audit are how long the two classes are kept; 0: for ever. Messages is of
	// everything that belongs to conversations.
	Messages, Audit time.Duration
	Batch           int // rows looked at; at least 1
	Stage           string
	After           int64
}

// Swept is what became of a batch.
type Swept struct {
	Removed []Count
	Next    *Sweep // nil: that was all
}

// Act is something that somebody did with a person's data by hand.
type Act struct {
	ID     int64
	At     time.Time
	Actor  string // "user:ana"
	Action string // "contact.erase"
	// Contact, or the contact of Conversation, is whom it is about: Note makes Subject of it.
	Contact      conversation.ContactID
	Conversation conversation.ID
	Subject      string // keyed hash
	Detail       string // numbers and bounded words; no content
}

// ActFilter narrows Acts. Zero fields do not narrow.
type ActFilter struct {
	Action string
	// Person is somebody's id, of any inbox; who was erased is found by it as well.
	Person channel.Identity
	Limit  int // default 100
}
