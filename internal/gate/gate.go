// Package gate checks what is about to be said to a customer, without a model: that nothing
// leaves which must stay inside (the fact gate's sibling, the leak gate), and that every figure
// in it is somebody's word and not an invention (the fact gate).
//
// A figure is an amount, a percentage, a day, an hour, a length of time, a number of
// instalments, a phone, an address, a link, a larger number, or the claim that something was
// done. It must trace to a passage of the house, a tool result, what the house has said before
// or the customer's own words; "R$ 150", "cento e cinquenta reais" and "150,00" are the same,
// and "amanhã às três" is a day and an hour in the zone of the house. What only the customer
// said does not hold up a price, a discount, an opening hour or a date of delivery that the
// answer asserts: whoever dictates a price to the assistant does not make it one.
//
// Where the house has a figure of what a sentence names, one that it has only of something else
// does not hold it up; which words name what is counted over the passages, and headings, tables,
// the sentence before and the customer's question name it, too. A price of another size, number,
// weekday or time of day than is spoken of does not either. What follows by plain
// reckoning is held up when it is right: sums, so many of a thing, percentages, instalments, an
// hour or a day and a length of time.
//
// What it does not see: which variant of a thing is meant where the answer names none, conditions
// that only a reader understands, and untruths without a figure or a claim.
//
// It is pure, keeps nothing, never panics, takes time in proportion to the texts, and is safe
// for concurrent use.
package gate

import (
	"cmp"
	"slices"
	"time"

	"secretaria/internal/hours"
	"secretaria/internal/promise"
)

// Kind is what was found: a bounded word.
type Kind string

// The kinds. Those up to Card are leaks: such a text must not be sent, whatever else is done.
const (
	Canary   Kind = "canary"   // the mark of the system prompt
	Prompt   Kind = "prompt"   // eight words in a row of what was told in confidence
	Key      Kind = "key"      // what looks like a credential
	Role     Kind = "role"     // marks that separate the parts of a prompt
	Template Kind = "template" // what a helpdesk may run as a template
	Image    Kind = "image"    // an embedded picture from elsewhere
	CPF      Kind = "cpf"
	Card     Kind = "card"

	CNPJ     Kind = "cnpj"
	CEP      Kind = "cep"
	Email    Kind = "email"
	Phone    Kind = "phone"
	Link     Kind = "link"
	Money    Kind = "money"
	Percent  Kind = "percent"
	Day      Kind = "day"
	Hour     Kind = "hour"
	Duration Kind = "duration"
	Times    Kind = "times" // instalments: "10x"
	Number   Kind = "number"
	Address  Kind = "address"
	Claim    Kind = "claim" // something is said to have been done
)

// Leak says whether a finding of the kind is a leak rather than a fact that nothing supports.
func (k Kind) Leak() bool {
	switch k {
	case Canary, Prompt, Key, Role, Template, Image, CPF, Card:
		return true
	}
	return false
}

// Why is the reason of a finding: a bounded word.
type Why string

// The reasons.
const (
	Forbidden    Why = "forbidden"     // must never be in an answer
	Unknown      Why = "unknown"       // nobody said so
	CustomerOnly Why = "customer_only" // only the customer said so, and it is not for him to say
	Contradicted Why = "contradicted"  // the opening hours or the calendar say otherwise
	Misplaced    Why = "misplaced"     // the house says it of something else
	NotDone      Why = "not_done"      // nothing of the kind has happened
)

// Finding is something that is wrong with text[From:To]. It holds no text, so that it may be
// logged and counted.
type Finding struct {
	Kind     Kind
	Why      Why
	From, To int
	// Claim is, of a Claim, what is said to have been done; else "".
	Claim promise.Kind
}

// Verdict is what Check says of a text: nothing found, and it may be sent. The findings are in
// the order of the text.
type Verdict struct{ Findings []Finding }

// Pass says that nothing is wrong.
func (v Verdict) Pass() bool { return len(v.Findings) == 0 }

// Leaks says that something must not leave: no rewriting by a model is to be trusted with it.
func (v Verdict) Leaks() bool {
	return slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Kind.Leak() })
}

// Context is what a text is checked against.
type Context struct {
	// Secrets are what the model was told in confidence; nil for nothing.
	Secrets *Secrets
	// Hosts may be linked to with any path, "example.com"; their subdomains are other hosts.
	Hosts []string
	// Contact is what the channel knows of the customer: phones and e-mail addresses.
	Contact []string
	Grounds Grounds
}

// Grounds are what figures may trace to.
type Grounds struct {
	House []string // passages
	// Prepared are passages that were read before; they count like those of House.
	Prepared *House
	Tools    []string // results of tools and workflows for this conversation, JSON or text
	// Said is what the house said before in this conversation: people, and answers that passed.
	Said     []string
	Customer []string // the customer's words of this conversation
	// Done are the kinds of things that really happened.
	Done []promise.Kind
	// Now is the moment of the answer, Zone that of the house; nil: that of Now.
	Now  time.Time
	Zone *time.Location
	// Hours are the opening hours; the zero value says nothing about hours.
	Hours hours.Hours
}

// Check returns what is wrong with a text.
func Check(text string, c *Context) Verdict {
	found := leaks(text, c)
	claims := promise.Find(text)
	found = append(found, c.Grounds.claims(text, claims)...)
	leaked := found
	for _, f := range c.facts(text, claims) {
		// The figures within a key are no news.
		if !slices.ContainsFunc(leaked, func(l Finding) bool { return l.Kind == Key && l.From <= f.From && f.To <= l.To }) {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Kind, b.Kind))
	})
	return Verdict{slices.Compact(found)}
}
