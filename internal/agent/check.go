package agent

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/conversation"
	"secretaria/internal/phrase"
	"secretaria/internal/promise"
	"secretaria/internal/workflow"
)

// mark is how a model says which message a paragraph answers.
var mark = regexp.MustCompile(`\[\[\s*([0-9]{1,3})\s*\]\]`)

// marked is a mark with the blanks behind it.
var marked = regexp.MustCompile(mark.String() + `[ \t]*`)

// unmarked is a text without marks and without white space around it.
func unmarked(text string) string {
	return visible(marked.ReplaceAllString(text, ""))
}

func itoa(n int) string { return strconv.Itoa(n) }

// done says whether something of the kind has happened.
func (t *turn) done(k promise.Kind) bool {
	switch k {
	case promise.Transferred:
		if t.d.Handoff != nil || t.mem.Awaits != "" {
			return true
		}
	case promise.Registered:
		if t.profileChanged || t.step != nil && len(t.step.Learned)+len(t.step.Corrected) > 0 {
			return true
		}
		if slices.Contains(t.mem.Done, workflow.NameCreateLead) {
			return true
		}
	case promise.Booked:
		if slices.Contains(t.mem.Done, workflow.NameScheduleMeeting) {
			return true
		}
	}
	own := func(name string) bool { return name != workflow.NameCreateLead && name != workflow.NameScheduleMeeting }
	if k != promise.Transferred && slices.ContainsFunc(t.mem.Done, own) {
		return true // a workflow of the house's own: what it does is not known here
	}
	for _, m := range t.in.History {
		if m.Author != conversation.Person && (m.Author != conversation.System || m.Content.Kind == conversation.Result) {
			continue
		}
		if k == promise.Transferred && m.ID < t.mem.Since {
			continue // that was then
		}
		if slices.ContainsFunc(promise.Find(m.Content.Text), func(c promise.Claim) bool { return c.Kind == k }) {
			return true
		}
	}
	return false
}

// ignorant says whether an answer helps nobody because it knows nothing.
func ignorant(text string) bool {
	for _, c := range phrase.Clauses(text) {
		if unknowing.MatchString(c.Words) {
			return true
		}
	}
	return false
}

var unknowing = phrase.Any(`(?:nao|n) (?:sei|tenho (?:essa|esta|esse|a|acesso a (?:essa|esta)|nenhuma) (?:informacao|resposta|detalhe)s?|tenho informac(?:ao|oes)|encontrei (?:essa|esta|nada|nenhuma|informac)|consigo (?:responder|ajudar com|confirmar (?:essa|isso))|possuo (?:essa|informac))`, `(?:nao|n) (?:saberia|sei) (?:te |lhe )?(?:dizer|informar|responder)`,
	`(?:i dont|i do not) (?:know|have (?:that|this|any) information)`, `(?:no|no lo) se$`, `no tengo (?:esa|esta) informacion`)

// visible returns a text without white space around it, "" when there is nothing in it that
// can be seen: a bubble with a zero-width space alone is silence.
func visible(text string) string {
	seen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) }
	if !strings.ContainsFunc(text, seen) {
		return ""
	}
	return strings.TrimSpace(text)
}

// whole cuts an answer that ran into its limit back to its last whole sentence or line. A
// point within a number, an address or before a list item ends none: half a price is a
// wrong price.
func whole(text string) string {
	end, line := 0, 0
	for i, r := range text {
		switch r {
		case '\n':
			end, line = i, i+1
		case '.', '!', '?', '…':
			rest := strings.TrimLeft(text[i+utf8.RuneLen(r):], ".!?…\"'”’»)*_~")
			next, _ := utf8.DecodeRuneInString(rest)
			number := r == '.' && (strings.Trim(text[line:i], " \t0123456789") == "" || rest == "" && i > 0 && text[i-1] >= '0' && text[i-1] <= '9')
			if !number && (rest == "" || unicode.IsSpace(next)) {
				end = len(text) - len(rest)
			}
		}
	}
	if end > len(text)/3 {
		return strings.TrimSpace(text[:end])
	}
	return text
}
