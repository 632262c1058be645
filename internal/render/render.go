// Package render turns the CommonMark that the product writes once into what a channel
// shows, and cuts long answers into bubbles.
//
// It promises three things. What comes out is clean text: valid UTF-8 without control
// characters, bidirectional overrides or a leading invisible mark. It cannot act as a
// template of the peer it is meant for (Mustache at Whaticket, Liquid at Chatwoot),
// whatever a model or a customer put into it. And plain text stays plain: prices, masks,
// addresses and arithmetic neither lose their asterisks nor become formatting by accident.
//
// All functions are pure and safe for concurrent use.
package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CommonMark returns the text as Chatwoot takes it: unchanged but for cleaning and for
// Liquid, which Chatwoot renders in every outgoing message, private notes included
// (app/models/concerns/liquidable.rb). "{{" and "{%" are parted by a space; so is a brace
// in front of a backtick, because Chatwoot wraps code in "{% raw %}" itself and would
// complete the tag. Applying it twice changes nothing more.
func CommonMark(markdown string) string {
	return part(clean(markdown), func(prev, next byte) bool {
		return prev == '{' && (next == '{' || next == '%' || next == '`')
	})
}

// noMustache parts double braces, of every Mustache tag: {{x}}, {{{x}}}, {{&x}} and the
// set-delimiter tag {{=<% %>=}}. An ordinary space is used since it survives every form
// of normalising. Nothing is left to render, so a peer that renders twice finds nothing
// the second time either.
func noMustache(s string) string {
	return part(s, func(prev, next byte) bool {
		return prev == '{' && next == '{' || prev == '}' && next == '}'
	})
}

// part puts a space between neighbouring bytes that must not touch.
func part(s string, apart func(prev, next byte) bool) string {
	var b strings.Builder
	from := 0
	for i := 1; i < len(s); i++ {
		if apart(s[i-1], s[i]) {
			b.WriteString(s[from:i])
			b.WriteByte(' ')
			from = i
		}
	}
	if from == 0 {
		return s
	}
	b.WriteString(s[from:])
	return b.String()
}

// clean makes valid UTF-8 with "\n" as the only line end and drops what nobody can see or
// what is not meant for interchange. Joiners and variation selectors stay: emoji need them.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	s = strings.Map(func(r rune) rune {
		if unwanted(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimLeftFunc(s, invisible)
}

func unwanted(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case unicode.IsControl(r),
		r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, // bidirectional embedding and override
		r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE, // noncharacters
		r == 0xFEFF: // byte order mark
		return true
	}
	return false
}

// invisible says whether a rune shows nothing. A message must not begin with one: Whaticket
// takes a leading U+200E for its own bot's mark and drops the message.
func invisible(r rune) bool { return r >= 0x200B && r <= 0x200F || r >= 0x2060 && r <= 0x2064 }

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// lastRune and firstRune give '\n' for the empty string: an edge is like a line's end.
func lastRune(s string) rune {
	if s == "" {
		return '\n'
	}
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

func firstRune(s string) rune {
	if s == "" {
		return '\n'
	}
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
