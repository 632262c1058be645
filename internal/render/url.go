package render

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// bareURL finds addresses that stand in the text without any marks, so that nothing inside
// them is taken for formatting. goldmark's own linkify misses hosts without a dot, stops
// at asterisks, and does not look inside brackets.
type bareURL struct{}

// Trigger implements parser.InlineParser; ' ' also stands for the beginning of a line.
// Text is cut into nodes at every trigger, so a part of a character reference cannot be one.
func (bareURL) Trigger() []byte { return []byte{' ', '(', ':', '"'} }

// Parse implements parser.InlineParser.
func (bareURL) Parse(parent ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	skip := 0
	if r, size := utf8.DecodeRune(line); size == 1 && !isWord(r) {
		skip = 1
	}
	start := segment.Start + skip
	source := block.Source()
	n := urlLen(string(line[skip:]), string(source[bytes.LastIndexByte(source[:start], '\n')+1:start]))
	if n == 0 {
		return nil
	}
	if skip == 1 {
		ast.MergeOrAppendTextSegment(parent, segment.WithStop(segment.Start+1))
	}
	block.Advance(skip + n)
	return ast.NewAutoLink(ast.AutoLinkURL, ast.NewTextSegment(text.NewSegment(start, start+n)))
}

// urlLen returns the length of the address at the beginning of s, 0 when there is none.
// A mark at its end belongs to it unless before, the line up to s, has one open.
func urlLen(s, before string) int {
	scheme := 0
	for _, p := range []string{"https://", "http://", "www."} {
		if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
			scheme = len(p)
			break
		}
	}
	if scheme == 0 || !isWord(firstRune(s[scheme:])) {
		return 0
	}
	end := scheme
scan:
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		switch {
		case unicode.IsSpace(r), strings.ContainsRune("<>\"`[]{}|", r):
			break scan
		case r == '\\' && (end+1 == len(s) || !isPunct(s[end+1])):
			break scan
		case r == '*' && strings.HasPrefix(s[end:], "**"):
			break scan
		case r > unicode.MaxASCII && !isWord(r):
			break scan
		}
		end += size
	}
	for end > scheme {
		last := s[end-1]
		switch {
		case strings.IndexByte("?!.,:;'\\", last) >= 0,
			strings.IndexByte("*_~", last) >= 0 && opened(before, last),
			last == ')' && strings.Count(s[:end], ")") > strings.Count(s[:end], "("):
			end--
			continue
		}
		break
	}
	return end
}

// opened says whether a mark in s stands where one opens.
func opened(s string, mark byte) bool {
	for i := range len(s) {
		if s[i] == mark && (i == 0 || strings.IndexByte(" \t(\"'*_~", s[i-1]) >= 0) {
			return true
		}
	}
	return false
}

// isPunct says whether c can be escaped by a backslash in CommonMark.
func isPunct(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}

// sameTarget says whether a link's text already shows where it leads.
func sameTarget(label, url string) bool {
	return bare(label) == bare(url)
}

func bare(s string) string {
	s = strings.TrimSpace(s)
	for _, p := range []string{"https://", "http://", "mailto:", "www."} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			s = s[len(p):]
		}
	}
	if number, ok := strings.CutPrefix(s, "tel:"); ok {
		s = number
	}
	if digits := keepDigits(s); len(digits) >= 8 && strings.Trim(s, "0123456789 +()-.") == "" {
		return strings.TrimPrefix(digits, "55") // the same phone with and without the country
	}
	return strings.ToLower(strings.TrimSuffix(s, "/"))
}

func keepDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// target returns what of a link's destination is worth showing: nothing for scripts and
// for places inside a page.
func target(url string) string {
	url = strings.TrimSpace(strings.ReplaceAll(url, "\n", ""))
	lower := strings.ToLower(url)
	for _, p := range []string{"javascript:", "data:", "vbscript:", "#"} {
		if strings.HasPrefix(lower, p) {
			return ""
		}
	}
	for _, p := range []string{"mailto:", "tel:"} {
		if strings.HasPrefix(lower, p) {
			return url[len(p):]
		}
	}
	return url
}
