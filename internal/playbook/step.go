package playbook

import (
	"time"

	"secretaria/internal/slot"
)

// Said is what a turn brings.
type Said struct {
	Texts []string // the customer's messages, in order, "" for one without words; none: time has passed
	First int      // the number of Texts[0] among the customer's messages
	Bot   string   // the assistant's last words
	// Learned is what a model extracted from Texts. It is checked here: the kind, the form and
	// that each quote stands in Texts.
	Learned []Extracted
	Now     time.Time // in the zone of the house
	// Episode is the conversation's: a later one says that people gave it back.
	Episode int64
	// Elsewhere says that the texts do not answer the playbook's last question, because a
	// person, or something else that the desk said, stands between.
	Elsewhere bool
	// Person and Uninterested are what the caller already knows of the turn: the customer asks
	// for a person, or is not interested. The plainest words for the latter are found here too.
	Person, Uninterested bool
}

// Extracted is a value that a model found, see Playbook.Schema.
type Extracted struct {
	Slot   string   `json:"slot"` // the key
	Value  string   `json:"value"`
	Quotes []string `json:"quotes"` // the customer's own words
}

// Fact is a value under its slot's key.
type Fact struct {
	Key string
	slot.Value
}

// Step is what a turn leads to.
type Step struct {
	Lead Lead // to be kept
	// Learned were empty before, Corrected took another value's place.
	Learned, Corrected []Fact
	Refused, Skipped   []string // keys, in this turn
	// Ask is the key of the slot to be asked next, "" when nothing is.
	Ask string
	// Question is the built-in question for Ask, Text all the built-in words: what was just
	// learned or corrected, words of a move, and the question. Text is "" when the playbook
	// has nothing to say.
	Question, Text string
	Moves          []Made
	// Countered says that the customer asked something himself: answer it, then say Question.
	Countered bool
	Complete  bool // no question is left
	Score     Scored
}

// Actions returns the actions of all moves, in order.
func (s *Step) Actions() []Action {
	var all []Action
	for _, m := range s.Moves {
		all = append(all, m.Actions...)
	}
	return all
}

// Made is a move that was made.
type Made struct {
	From, To State
	Actions  []Action // those that are due: each once, see Done
}
