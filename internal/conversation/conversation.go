// Package conversation is the domain: what was said, by whom, and who holds the thread.
// It has no I/O; stores call its functions inside their transactions and write down what
// comes out, so that both databases follow the same rules.
//
// A conversation is held by the bot, by a human, or it is closed. The bot may only speak
// while it holds the conversation. Every move is made by Observe (what the helpdesk shows),
// TakeOver, HandOver, HandBack and Close; Epoch counts the times a person took over, and a
// delivery that was decided in an earlier epoch must not be sent any more.
package conversation

import "time"

// ID identifies a conversation in our database.
type ID int64

// ContactID identifies a contact in our database.
type ContactID int64

// MessageID identifies a message in our database; within a conversation it grows in order of arrival.
type MessageID int64

// TurnID identifies a turn in our database.
type TurnID int64

// DeliveryID identifies a delivery, a UUID; it travels to the helpdesk and comes back in echoes.
type DeliveryID string

// Holder says who holds a conversation.
type Holder string

// The holders.
const (
	Bot    Holder = "bot"
	Human  Holder = "human"
	Closed Holder = "closed"
)

// Status is the helpdesk's own word for a conversation, in Chatwoot's terms; Whaticket's
// map onto them. Empty means that the helpdesk did not say.
type Status string

// The statuses.
const (
	Pending  Status = "pending"
	Open     Status = "open"
	Snoozed  Status = "snoozed"
	Resolved Status = "resolved"
)

// Reason says why a conversation changed hands: a bounded word for logs, rows and metrics.
type Reason string

// The reasons.
const (
	ByMessage    Reason = "human_message"    // a person wrote to the customer in the helpdesk
	ByPhone      Reason = "phone_reply"      // a reply typed on the phone
	ByAssignment Reason = "assigned"         // assigned to a person or to another bot
	ByOpening    Reason = "opened"           // status open or snoozed in the helpdesk
	ByHandoff    Reason = "handoff"          // our own decision
	ByFailure    Reason = "failure"          // model or helpdesk failed for good
	ByResolving  Reason = "resolved"         // closed in the helpdesk
	ByPending    Reason = "pending"          // set to pending again: a hand-back
	ByExpiry     Reason = "hold_expired"     // the configured hold of a human ran out
	ByCommand    Reason = "command"          // an operator's command
	ByCustomer   Reason = "customer_message" // the customer wrote into a closed conversation
)

// AssigneeType says what a conversation is assigned to, as far as the helpdesk tells.
type AssigneeType string

// The assignee types. Unsaid keeps what is known.
const (
	Unsaid  AssigneeType = ""
	Nobody  AssigneeType = "nobody"
	APerson AssigneeType = "person"
	SomeBot AssigneeType = "bot" // ours or another; compare the ID with the inbox's own
)

// Snapshot is the state of a conversation as a helpdesk showed it at a moment.
type Snapshot struct {
	Status   Status
	Assignee AssigneeType
	// AssigneeID is the helpdesk's id of the assignee, "" when unknown.
	AssigneeID string
	// At is the helpdesk's version of the state (its updated_at). A snapshot older than the
	// last one observed can only take the conversation from the bot: events arrive in any
	// order, and talking over a person is worse than silence. Zero means "now".
	At time.Time
}

// State is the part of a conversation that the moves change.
type State struct {
	Holder    Holder
	Reason    Reason
	HeldUntil time.Time // the end of a human's hold; zero: until somebody hands back
	Epoch     int64     // times a person took over
	Status    Status    // last status observed
	StatusAt  time.Time // version of it
	// Episode counts the times the bot got the conversation back: what was decided or promised
	// in an earlier one is history, and not repeated.
	Episode int64
}

// Change says what a move did.
type Change struct {
	// From and To differ when the conversation changed hands.
	From, To Holder
	Reason   Reason
	// TakenOver: a person has it now; unsent bot deliveries must be cancelled.
	TakenOver bool
	// ShouldOpen: a person has it, but the helpdesk still lists it as pending, where no
	// person looks and from where it cannot be handed back.
	ShouldOpen bool
}

// Moved says whether the conversation changed hands.
func (c Change) Moved() bool { return c.From != c.To }

// New returns the state of a conversation that was never seen before.
func New() State { return State{Holder: Bot} }

// Observe applies what a helpdesk showed. selfID is our own bot's id there, "" while it is
// not learnt; a conversation assigned to a bot is taken to be ours until it is known better.
func (s *State) Observe(snap Snapshot, selfID string) Change {
	from := s.Holder
	previous := s.Status
	late := !snap.At.IsZero() && snap.At.Before(s.StatusAt)
	if snap.Status != "" && !late {
		s.Status = snap.Status
		if !snap.At.IsZero() {
			s.StatusAt = snap.At
		}
	}
	others := snap.Assignee == APerson || snap.Assignee == SomeBot && selfID != "" && snap.AssigneeID != "" && snap.AssigneeID != selfID
	ours := s.handedOver()
	switch {
	case snap.Status == Resolved:
		if late {
			break
		}
		return s.Close(ByResolving)
	case snap.Status == Open || snap.Status == Snoozed:
		if s.Holder != Human || ours {
			reason := ByOpening
			if others {
				reason = ByAssignment
			}
			return s.TakeOver(reason, time.Time{})
		}
	case others:
		if s.Holder != Human || ours {
			c := s.TakeOver(ByAssignment, time.Time{})
			// Another bot works on what is pending: opening it would take it away from there.
			c.ShouldOpen = c.ShouldOpen && snap.Assignee == APerson
			return c
		}
	case late:
		// events overtake each other: an old one may take the conversation from the bot, never give it back
	case snap.Status == Pending && (previous == Open || previous == Snoozed || previous == Resolved || s.Holder == Closed):
		return s.HandBack(ByPending)
	}
	return Change{From: from, To: s.Holder}
}

// handedOver says whether people have the conversation by our own decision. A handoff may
// still have a farewell to say when somebody acts on it.
func (s *State) handedOver() bool {
	return s.Holder == Human && (s.Reason == ByHandoff || s.Reason == ByFailure)
}

// TakeOver gives the conversation to a person who acted in the helpdesk or on the phone.
// It starts a new epoch even when a human holds it already through our own handoff, since
// whatever that handoff has not said yet must not be said over the person.
func (s *State) TakeOver(reason Reason, until time.Time) Change {
	c := Change{From: s.Holder, To: Human, Reason: reason, TakenOver: true}
	s.Holder, s.Reason, s.HeldUntil = Human, reason, until
	s.Epoch++
	c.ShouldOpen = s.Status == Pending
	return c
}

// HandOver gives the conversation to people by our own decision. The epoch stays: the
// deliveries of the handoff itself are still to be sent.
func (s *State) HandOver(reason Reason) Change {
	c := Change{From: s.Holder, To: Human, Reason: reason}
	s.Holder, s.Reason, s.HeldUntil = Human, reason, time.Time{}
	return c
}

// HandBack gives the conversation to the bot again.
func (s *State) HandBack(reason Reason) Change {
	c := Change{From: s.Holder, To: Bot, Reason: reason}
	if c.Moved() {
		s.Episode++
	}
	s.Holder, s.Reason, s.HeldUntil = Bot, reason, time.Time{}
	return c
}

// Close ends the conversation. What the bot has not sent yet is not sent any more.
func (s *State) Close(reason Reason) Change {
	c := Change{From: s.Holder, To: Closed, Reason: reason, TakenOver: s.Holder == Bot || s.handedOver()}
	if c.TakenOver {
		s.Epoch++
	}
	s.Holder, s.Reason, s.HeldUntil = Closed, reason, time.Time{}
	return c
}

// CustomerWrote is called for every inbound message, after the snapshot that came with it;
// shown is that snapshot's status, "" where none came. A closed conversation starts anew
// with the bot unless the helpdesk says at the same moment that it is closed, and a human's
// hold that has run out ends unless the helpdesk says that people have it.
func (s *State) CustomerWrote(now time.Time, shown Status) Change {
	from := s.Holder
	switch {
	case s.Holder == Closed && shown != Resolved:
		s.Status = shown
		return s.HandBack(ByCustomer)
	case s.Holder == Human && !s.HeldUntil.IsZero() && !now.Before(s.HeldUntil) && shown != Open && shown != Snoozed:
		return s.HandBack(ByExpiry)
	}
	return Change{From: from, To: s.Holder}
}
