package agent

import (
	"strings"
	"time"

	"secretaria/internal/hours"
)

// What tests of the rules' words look at.
var (
	Angry    = angry
	Greeting = greeting
)

// HoursIn says whether a text asks for the opening hours, and whether it says anything else.
func HoursIn(text string) (asks, other bool) {
	open, _ := hours.Parse(hours.Form{Zone: "America/Sao_Paulo", Week: "seg-sex 08:00-18:00; sáb 8h-12h", Holidays: []string{"br"}})
	q := opening{now: time.Date(2026, 3, 3, 13, 0, 0, 0, time.UTC), open: open}
	q.read(text)
	return q.asks, q.other
}

// Keyword says whether a desk with the default keywords hands over because of a text.
func Keyword(text string) bool {
	t := &turn{a: &Agent{keywords: folded(append(DefaultKeywords(), "recepcionista"))}}
	for _, k := range t.a.keywords {
		if strings.Contains(" "+fold(text)+" ", " "+k+" ") && t.wished(k, text) {
			return true
		}
	}
	return plainWish(text)
}

// WithoutLinks is a text without what leads somewhere.
func WithoutLinks(text string) string { return withoutLinks(text) }
