// Package hours says when a house is open: weekly hours, holidays and exceptions in a time
// zone, read from what people write into a configuration ("seg-sex 8h-12h e 13h30-18h") and
// said in their words again.
//
// It is pure, the moment is always given, and everything in it is safe for concurrent use.
// Hours are wall-clock hours: a day on which clocks are turned is open from and to the hours
// that a clock on the wall shows.
package hours

import "time"

// Hours are the opening hours of a house. The zero value is always open. It is not changed
// after it was made.
type Hours struct {
	// Zone is never nil in Hours made by Parse; nil means always open.
	Zone *time.Location
	// Week has the spans of each weekday, Sunday first, in order and apart.
	Week [7][]Span
	// Days are exceptions, by date "2006-01-02" or, every year, "01-02". No spans: closed. A
	// full date comes before a yearly one, and both before Sets and Week.
	Days []Day
	// Sets are the sets of holidays on which the house is closed.
	Sets []Set
}

// Span is a part of a day in minutes after midnight, From included, To not. To may be past
// 24*60 where a shift ends after midnight; From is below it.
type Span struct{ From, To int }

// Day is a date that is not like its weekday.
type Day struct {
	Date  string
	Name  string // "Natal"; may be empty
	Spans []Span
}

// Set is a named set of holidays, computed for every year.
type Set string

// The sets. Brazil are the national holidays by law; the others are days on which much of the
// country rests without one.
const (
	Brazil              Set = "br"
	BrazilCarnival      Set = "br-carnaval"       // Monday and Tuesday
	BrazilCorpusChristi Set = "br-corpus-christi" // Thursday
)

// Form is how hours are written down.
type Form struct {
	Zone string // IANA name; default America/Sao_Paulo
	// Week is a line, "seg-sex 08:00-12:00, 13:30-18:00; sáb 8h-12h", or ByDay has the days
	// ("seg-sex", "sáb") with their hours ("08:00-18:00", "fechado", "24h"). Neither: Parse
	// returns hours that are always open.
	Week  string
	ByDay map[string]string
	// Holidays are dates with their hours, if any, and names of sets: "2026-12-24
	// 08:00-12:00", "12-25", "12-25 Natal", "br".
	Holidays []string
}
