// Package budget keeps what language models cost within limits: a table of prices, limits
// for each day, desk, contact and conversation, and a ledger in which the worst case of a
// call is reserved before it is made.
//
// It promises that what was spent on a line never exceeds its limit by more than what one
// call cost more than its worst case, which is nothing where the provider keeps to the bound
// of the answer. What a call has cost is what the provider counted; where it counted nothing
// (a timeout, an answer that was cut short), the worst case stands. A crash is counted so too.
package budget

import (
	"context"
	"strconv"
	"time"

	"secretaria/internal/invalid"
)

// Limits bound what may be spent. 0 means no limit.
type Limits struct {
	Day          Micros // all desks together, in a day of the house's zone
	Desk         Micros // this desk, a day
	Contact      Micros // one contact, a day
	Conversation Micros // one conversation, for ever
}

// Set says whether there is any limit.
func (l Limits) Set() bool { return l != Limits{} }

// Or takes from m what l leaves open.
func (l Limits) Or(m Limits) Limits {
	for _, p := range []struct{ mine, theirs *Micros }{
		{&l.Day, &m.Day}, {&l.Desk, &m.Desk}, {&l.Contact, &m.Contact}, {&l.Conversation, &m.Conversation},
	} {
		if *p.mine == 0 {
			*p.mine = *p.theirs
		}
	}
	return l
}

// Validate names the limits that are below 0.
func (l Limits) Validate() error {
	var v invalids
	for _, p := range []struct {
		path  string
		limit Micros
	}{{"day", l.Day}, {"desk", l.Desk}, {"contact", l.Contact}, {"conversation", l.Conversation}} {
		if p.limit < 0 {
			v.add(invalid.At(p.path, "%v is no limit: write an amount above 0, or leave it out for no limit", p.limit))
		}
	}
	return v.err()
}

// Line is one limit that a reservation must respect.
type Line struct {
	Key   string // "day/2026-11-22", "conversation/7": what is summed up
	Limit Micros
	// Expires is when the line is of no use any more and may be forgotten; zero: never.
	Expires time.Time
}

// The lines, the first word of their keys.
const (
	DayLine          = "day"
	DeskLine         = "desk"
	ContactLine      = "contact"
	ConversationLine = "conversation"
)

// keep is how long the lines of a day are kept after it, for whoever asks what was spent.
const keep = 40 * 24 * time.Hour

// Who a call is made for.
type Who struct {
	Desk                  string
	Contact, Conversation int64
}

// Lines are the limits that hold for somebody at a moment, the widest first: days are those
// of the zone. A contact or conversation 0 is nobody's and has none.
func Lines(l Limits, who Who, now time.Time, zone *time.Location) []Line {
	if zone == nil {
		zone = time.UTC
	}
	day := now.In(zone).Format(time.DateOnly)
	expires := now.Add(keep)
	var out []Line
	if l.Day > 0 {
		out = append(out, Line{DayLine + "/" + day, l.Day, expires})
	}
	if l.Desk > 0 && who.Desk != "" {
		out = append(out, Line{DeskLine + "/" + day + "/" + who.Desk, l.Desk, expires})
	}
	if l.Contact > 0 && who.Contact != 0 {
		out = append(out, Line{ContactLine + "/" + day + "/" + strconv.FormatInt(who.Contact, 10), l.Contact, expires})
	}
	if l.Conversation > 0 && who.Conversation != 0 {
		out = append(out, Line{ConversationLine + "/" + strconv.FormatInt(who.Conversation, 10), l.Conversation, time.Time{}})
	}
	return out
}

// Ledger remembers what was spent, for all processes. It is safe for concurrent use; what a
// method has done is durable when it returns. A store that keeps one passes storetest.RunLedger.
type Ledger interface {
	// Reserve adds an amount to all lines, or to none: where one of them would exceed its
	// limit, the error is *Exhausted with the first such line. The id is new for each
	// reservation; one that is still open is fault.Conflict. An amount below 0 is
	// fault.Invalid. Lines that have expired are forgotten.
	Reserve(ctx context.Context, id string, lines []Line, amount Micros, now time.Time) error
	// Settle replaces the amount reserved under id by what was spent, even where that is more.
	// A reservation that is never settled stays: a crash is counted at its worst. Settling
	// again, or what was never reserved, changes nothing.
	Settle(ctx context.Context, id string, spent Micros, now time.Time) error
	// Spent returns what the keys have come to, reservations included; keys of which nothing
	// is known are left out.
	Spent(ctx context.Context, keys []string) (map[string]Micros, error)
}

// Exhausted says which line has no room for a call.
type Exhausted struct{ Key string }

func (e *Exhausted) Error() string { return "budget exhausted: " + e.BudgetLine() }

// BudgetLine is the kind of the line, a bounded word: "day", "desk", "contact" or "conversation".
func (e *Exhausted) BudgetLine() string {
	for _, line := range []string{DayLine, DeskLine, ContactLine, ConversationLine} {
		if len(e.Key) > len(line) && e.Key[:len(line)] == line && e.Key[len(line)] == '/' {
			return line
		}
	}
	return "other"
}
