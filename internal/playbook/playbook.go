// Package playbook is how a desk qualifies a lead: states, moves and guards declared as data,
// slots with their questions, and a score. Code chooses the next question; a model may only
// phrase it.
//
// It promises four things. It is pure: no clock, no I/O, no model; the same transcript gives
// the same lead and the same score. What is known, refused or given up is not asked again,
// and a message without words never becomes an answer. Every point of a score carries the
// customer's words, and so does every value: a value that somebody else extracted counts only
// when its quotes are found in the messages. And what a lead has learned outlives a change of
// configuration: a slot that is gone is kept, one that is new is asked.
//
// Read is the whole of it: a lead and what the customer said give a Step, which holds the
// lead to be kept, the words to be said and the actions to be carried out, each of them once.
package playbook

import "secretaria/internal/slot"

// Playbook is a way to qualify. It is not changed after Validate; everything on it is safe
// for concurrent use. Where Slots, Moves or Score's Rules are empty those of Default are
// taken, so that the zero value is the built-in desk.
type Playbook struct {
	Name    string
	Version string // changes with the questions: it goes into leads and reports
	// Greeting opens the first words of the desk, "" for none. Like every text here it is
	// CommonMark and may hold {keys} of slots, see Slot.Question.
	Greeting string
	Slots    []Slot // in the order in which they are asked
	Moves    []Move // the first that is allowed is made, then the first from there
	Score    Score
	Words    Words
	// Asks is how often a slot may be left unanswered before it is given up: default 2.
	Asks int
}

// Slot is one thing to learn.
type Slot struct {
	// Key is a lower-case word: "name", "company", …; of a slot of one's own any other. A slot
	// whose kind is neither Free nor YesNo has the kind as its key.
	Key  string
	Kind slot.Kind
	// Question is asked first, Again in turn when it was not answered. They may hold {keys} of
	// slots: {name} becomes the first name. A sentence about something unknown is left out, so
	// at least one wording must have a sentence without keys.
	Question string
	Again    []string
	// Thanks opens the words after the slot was learned, "" for none: "Prazer, {name}!"
	Thanks string
	// Label names the slot to people, "Empresa"; default: a name for the kind, else the key.
	Label string
	// Least is how many items a list should have (two times for a meeting): with fewer More is
	// asked, once. 0: one is enough.
	Least int
	More  string
	// Optional: asked once at most, and the playbook is complete without it.
	Optional bool
}

// Words are what the desk says beside questions. Zero fields take the Portuguese defaults.
// {value} is the value as it is shown to people, {label} the slot's label in lower case.
type Words struct {
	Corrected string // a value took another's place: "Anotado: {value}."
	Refused   string // a slot was refused, and there is another question: "Sem problema."
	Again     string // before a question that must be repeated in the same words
}

// State is where a lead stands: a bounded word.
type State string

// The states.
const (
	New          State = "new"
	Qualifying   State = "qualifying"
	Qualified    State = "qualified"
	Disqualified State = "disqualified"
	Nurturing    State = "nurturing"
	Scheduled    State = "scheduled"
	HandedOver   State = "handed_over"
)

// States returns all states in the order of a lead's life.
func States() []State {
	return []State{New, Qualifying, Qualified, Disqualified, Nurturing, Scheduled, HandedOver}
}

// Asking says whether questions are asked in the state.
func (s State) Asking() bool { return s == New || s == Qualifying }

// Move leads from some states to another one when all its conditions hold.
type Move struct {
	From []State
	To   State
	When []Condition
	// Say is said to the customer when the move is made, "" for nothing.
	Say     string
	Actions []Action
}

// Guard is what a condition asks: a closed list, implemented in code.
type Guard string

// The guards.
const (
	Always          Guard = "always"
	Started         Guard = "started"          // the customer has said something, with or without words
	Complete        Guard = "complete"         // no question is left: all are answered, refused or given up
	Incomplete      Guard = "incomplete"       // a question is left
	Filled          Guard = "filled"           // every slot that is not optional has a value
	ScoreAtLeast    Guard = "score"            // N points or more
	ScoreBelow      Guard = "score_below"      // fewer than N points
	Known           Guard = "known"            // Slot has a value
	RefusedSlot     Guard = "refused"          // Slot was refused
	RefusedRequired Guard = "refused_required" // N slots or more that are not optional were refused
	TimesKnown      Guard = "times"            // N meeting times or more that are still to come
	AsksForPerson   Guard = "asks_for_person"  // in this turn
	NotInterested   Guard = "not_interested"   // in this turn
	ChangedMind     Guard = "changed_mind"     // in this turn, the customer comes back after a no
	SilentDays      Guard = "silent"           // nothing was said for N days; holds only in Read without texts
	Returned        Guard = "returned"         // the conversation came back: a later episode than that of the last move
)

// Condition is a guard with its threshold.
type Condition struct {
	Guard Guard
	N     int
	Slot  string
}

// Deed is a kind of action.
type Deed string

// The deeds.
const (
	Handoff    Deed = "handoff"    // the conversation goes to people, with the card
	Note       Deed = "note"       // the card is noted for people
	Attributes Deed = "attributes" // the lead's attributes are set at the helpdesk
	Label      Deed = "label"      // Name is set as a label
	Workflow   Deed = "workflow"   // Name is started with the lead's arguments
)

// Action is something to be done when a move is made.
type Action struct {
	Do   Deed
	Name string // of the label or the workflow
}

// Lead is what a conversation has told so far. It is kept as JSON between turns; a lead of
// another playbook or of an older form is taken as it is. Its zero value is a new lead.
type Lead struct {
	Format   int        `json:"format"`
	Playbook string     `json:"playbook,omitempty"`
	Version  string     `json:"version,omitempty"`
	State    State      `json:"state"`
	Slots    slot.State `json:"slots"`
	// Own are the values of slots of one's own, by key.
	Own map[string]slot.Value `json:"own,omitempty"`
	// OwnRefused are the refused slots of one's own.
	OwnRefused []string `json:"own_refused,omitempty"`
	// Skipped were asked often enough without an answer and are not asked again.
	Skipped []string `json:"skipped,omitempty"`
	// Asked is the slot of the question that waits for an answer, "" for none.
	Asked string `json:"asked,omitempty"`
	// Times counts how often a slot was asked, Missed how often in vain. A key with "+" stands
	// for the question for more.
	Times  map[string]int `json:"times,omitempty"`
	Missed map[string]int `json:"missed,omitempty"`
	// Last is the question as it was said last.
	Last string `json:"last,omitempty"`
	// Done are the actions that were asked for.
	Done []Done `json:"done,omitempty"`
	// Episode is the conversation's when the last move was made.
	Episode int64 `json:"episode,omitempty"`
	// Heard is when the customer spoke last, RFC 3339.
	Heard string `json:"heard,omitempty"`
}

// Done remembers an action. A handoff and its note may be due again when a person has given
// the conversation back, in a later episode; everything else is done once for a lead.
type Done struct {
	Action  string `json:"action"`
	Episode int64  `json:"episode,omitempty"`
}
