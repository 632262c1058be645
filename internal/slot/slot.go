// Package slot finds typed values in what a customer wrote: a name, an e-mail, a phone, a
// CNPJ, how many people, times for a meeting, and the free words of a sales conversation.
//
// It promises four things. It is pure: no model, no clock, no I/O; the same turn read twice
// gives the same result. Every value carries its quotes, exact parts of the customer's
// messages, so that whoever reads a score can see why. A value is put into one form, which
// Parse accepts again and returns unchanged. And it is linear: of a message the first 8 KB
// are read, of a turn 64 messages or 16 KB; nothing in them can make it panic or stall.
//
// Read reads a turn: what was learned, corrected and refused, and whether the question was
// answered. Parse checks one candidate, for instance what a model extracted. Everything is
// safe for concurrent use.
package slot

import (
	"slices"
	"strings"
)

// Kind is what a slot holds.
type Kind string

// The kinds. Free and YesNo are for slots that a configuration declares by name; they are
// read only where they are asked for.
const (
	Name     Kind = "name"      // of the person who writes, as written
	Company  Kind = "company"   // as written
	Role     Kind = "role"      // as written
	Tools    Kind = "tools"     // a list, as written
	Pain     Kind = "pain"      // a sentence, as written
	TeamSize Kind = "team_size" // people, decimal digits
	Email    Kind = "email"     // lower case
	Phone    Kind = "phone"     // E.164
	CNPJ     Kind = "cnpj"      // 14 characters, upper case, without marks
	Times    Kind = "times"     // a list of instants, RFC 3339 in the zone of the house
	Free     Kind = "free"      // anything
	YesNo    Kind = "yes_no"    // "yes" or "no"
)

// Kinds returns all kinds, in the order in which values are reported.
func Kinds() []Kind {
	return []Kind{Name, Company, Role, Tools, Pain, TeamSize, Email, Phone, CNPJ, Times, Free, YesNo}
}

// Quote is an exact part of a message.
type Quote struct {
	// Message counts the customer's messages of the conversation, see Turn.First.
	Message int    `json:"message"`
	Text    string `json:"text"`
}

// How says how a value was found.
type How string

// The ways to find a value.
const (
	Answered  How = "answered"  // it was asked for
	Offered   How = "offered"   // the customer said it unasked
	Accepted  How = "accepted"  // the assistant proposed it
	Combined  How = "combined"  // put together from pieces of several turns
	Counted   How = "counted"   // people were added up
	Spelled   How = "spelled"   // dictated in words
	Corrected How = "corrected" // a part of the value before was replaced
)

// Value is what a slot holds and where it comes from.
type Value struct {
	Kind Kind `json:"kind"`
	// Text is the value in its one form; of a list its items, see List.
	Text string `json:"text,omitempty"`
	// List holds the items of Tools and Times; nil for the others.
	List   []string `json:"list,omitempty"`
	Quotes []Quote  `json:"quotes,omitempty"`
	How    How      `json:"how,omitempty"`
}

// Same says whether two values mean the same, wherever they stood.
func (v Value) Same(w Value) bool {
	return v.Kind == w.Kind && v.Text == w.Text && slices.Equal(v.List, w.List)
}

// String is the value alone, lists joined by ", ".
func (v Value) String() string {
	if v.List != nil {
		return strings.Join(v.List, ", ")
	}
	return v.Text
}

// Code says why a text is no value. The list is closed, so that it can be a label.
type Code string

// The codes.
const (
	Empty      Code = "empty"       // there is nothing
	TooLong    Code = "too_long"    // more than the kind allows
	Malformed  Code = "malformed"   // not of the kind's form
	CheckDigit Code = "check_digit" // a CNPJ whose check digits are wrong
	NoAreaCode Code = "no_area"     // a Brazilian phone without its area code
	NoContact  Code = "no_contact"  // 0800 and the like
	OutOfRange Code = "range"       // a number or time that cannot be meant
	NoHour     Code = "no_hour"     // a day without an hour, or an hour without a day
	Unknown    Code = "unknown"     // a kind that does not exist
)

// Refusal says why Parse found no value. Its text holds nothing that a customer wrote.
type Refusal struct {
	Kind Kind
	Code Code
}

func (r *Refusal) Error() string { return "read " + string(r.Kind) + ": " + string(r.Code) }
