// Package house is what a business has told its desk: typed tables of facts and pages of
// text, each fact with the place where it stands, so that an answer can be traced.
//
// A House is made by configuration and checked by Validate. Its passages are kept in an
// Index, in the database or in memory, and a Library finds what a turn needs. The same
// question to the same house finds the same facts in the same order, whichever index keeps
// them. Nothing here asks a model.
package house

import (
	"slices"
	"strconv"
	"strings"

	"secretaria/internal/portuguese"
)

// House is what one desk knows. It is not changed after it was made.
type House struct {
	Tables []Table
	Pages  []Page
	// Synonyms are words that mean the same to this house, in groups: whoever asks by one
	// finds what is written with another.
	Synonyms [][]string
	// Language is what opening hours are told in: "pt-BR" (default), "en", "es".
	Language string
}

// TableKind is what a table is about: it decides which columns it must and may have.
type TableKind string

// The kinds.
const (
	Services  TableKind = "services"
	Prices    TableKind = "prices"
	Hours     TableKind = "hours"
	Addresses TableKind = "addresses"
	Links     TableKind = "links"
	People    TableKind = "people"
	Policies  TableKind = "policies"
)

// Kinds are all kinds, in the order in which they are shown.
func Kinds() []TableKind {
	return []TableKind{Services, Prices, Hours, Addresses, Links, People, Policies}
}

// KindOf is the kind that a table's name stands for, in English or Portuguese, whatever its
// case and accents: "preços" is Prices.
func KindOf(name string) (TableKind, bool) {
	name = portuguese.Fold(strings.TrimSpace(name))
	for _, k := range Kinds() {
		if name == string(k) || slices.Contains(schemas[k].names, name) {
			return k, true
		}
	}
	return "", false
}

// Table is a table of facts of one kind.
type Table struct {
	Kind TableKind
	Rows []Row
}

// Row is one fact: columns by name, as written. A value is the text that stands in the file:
// "1.234" is a thousand and more in Brazil, and no longer is once it was read as a number.
type Row struct {
	Columns map[string]string
	Source  Source
}

// Page is a Markdown page.
type Page struct {
	Name   string // for people: "Convênios"; where it is empty the file's name stands for it
	Text   string
	Source Source // Line is that of the text's first line; 0 means 1
}

// Source is where a fact stands.
type Source struct {
	File string `json:"file"` // as the configuration names it
	Line int    `json:"line,omitempty"`
	// Heading is the chain of headings above it in a page, "Convênios > Unimed".
	Heading string `json:"heading,omitempty"`
}

// String is the source as records quote it: "precos.yaml:12".
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return s.File + ":" + strconv.Itoa(s.Line)
}

// Passage is a piece of a house that can be found and shown to a model.
type Passage struct {
	// ID is unique within a house and the same as long as the passage says the same.
	ID     string
	Kind   TableKind // "" for a piece of a page
	Title  string
	Text   string
	Source Source
	// Terms are the stems by which it is found, space-separated, each of a-z and 0-9 alone.
	Terms string
}

// Hit is a passage that was found, best first; Score grows with relevance and compares only
// within one search.
type Hit struct {
	Passage
	Score float64
}
