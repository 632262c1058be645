package gate

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	keyShape = regexp.MustCompile(`\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}|\bAIza[0-9A-Za-z_-]{30,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY`)
	hexShape = regexp.MustCompile(`\b[0-9a-fA-F]{32,}\b`)

	roleShape     = regexp.MustCompile(`(?i)<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|user|tool|tool_call|tool_result|function_call|think|thinking|instructions|untrusted)(?:\s[^>\n]{0,80})?>|(?m:^\s*(?:#{1,6}\s*|\*\*)?(?:system|assistant|user|human|developer|tool)(?:\s+(?:prompt|message))?(?:\*\*)?\s*:)|\[(?:aviso do sistema|system(?: notice| message| prompt)?)\]|<(?:start|end)_of_turn>`)
	templateShape = regexp.MustCompile(`\{\{|\}\}|\{%|%\}|<%|%>|\$\{`)
	imageShape    = regexp.MustCompile(`(?i)!\[[^\]\n]{0,200}\]\s?[(\[]|<img\b`)

	base64Shape  = regexp.MustCompile(`[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]|[ \t]?\r?\n[ \t]?)*[A-Za-z0-9+/_-]={0,2}`)
	hexRunShape  = regexp.MustCompile(`(?:[0-9a-fA-F]{2}[ :,\n]?|\\x[0-9a-fA-F]{2}|0x[0-9a-fA-F]{2}[ ,]*){12,}`)
	percentShape = regexp.MustCompile(`(?:[A-Za-z0-9._~+-]|%[0-9A-Fa-f]{2})*(?:%[0-9A-Fa-f]{2})(?:[A-Za-z0-9._~+-]|%[0-9A-Fa-f]{2})*`)
)

const shortestDecoded = 12

// leaks returns what must not be in any answer.
func leaks(text string, c *Context) []Finding {
	var found []Finding
	add := func(k Kind, from, to int) {
		found = append(found, Finding{Kind: k, Why: Forbidden, From: from, To: to})
	}
	low := strings.ToLower(text)
	each := func(may bool, expr *regexp.Regexp, k Kind) {
		if !may {
			return
		}
		for _, m := range expr.FindAllStringIndex(text, -1) {
			add(k, m[0], m[1])
		}
	}
	each(mayKey(text, low), keyShape, Key)
	each(mayRole(text, low), roleShape, Role)
	each(mayTemplate(text), templateShape, Template)
	for _, m := range findAll(run(text, 32, hexDigit), hexShape, text) {
		s := text[m[0]:m[1]]
		// Digits alone are a bank slip's line; what a tool or the house said may be said again.
		if !strings.ContainsAny(s, "abcdefABCDEF") || !strings.ContainsAny(s, "0123456789") || told(s, c.Grounds.House) || told(s, c.Grounds.Tools) {
			continue
		}
		add(Key, m[0], m[1])
	}
	for _, m := range findAll(mayImage(text, low), imageShape, text) {
		if !allowedImage(text[m[0]:], c) {
			add(Image, m[0], m[1])
		}
	}
	for _, v := range views(text) {
		found = append(found, c.betrays(v)...)
		if bang := banged(v.text); bang != v.text {
			found = append(found, c.betrays(view{bang, v.whole, v.from, v.to})...)
		}
		if v.whole {
			continue
		}
		for _, expr := range [...]*regexp.Regexp{keyShape, roleShape} {
			if expr.MatchString(v.text) {
				add(Key, v.from, v.to)
				break
			}
		}
		for _, f := range c.facts(v.text, nil) { // nobody says a phone in code but to hide it
			switch f.Kind {
			case CPF, Card, CNPJ, Email, Phone, Link, Image:
				add(f.Kind, v.from, v.to)
			}
		}
	}
	if c.Secrets != nil {
		// Rot13 is of letters as they are written, before digits are read as letters.
		q := squash(strings.Map(rot13, text))
		if k, _, _, ok := c.Secrets.find(q.letters); ok {
			add(k, 0, len(text))
		}
	}
	return found
}

// betrays returns what a view of a text gives away of what was told in confidence, forwards and
// backwards.
func (c *Context) betrays(v view) []Finding {
	var found []Finding
	q := squash(v.text)
	if k, from, to, ok := c.Secrets.find(q.letters); ok {
		if v.whole {
			v.from, v.to = q.at[from], end(v.text, q.at[to-1])
		}
		found = append(found, Finding{Kind: k, Why: Forbidden, From: v.from, To: v.to})
	}
	if !v.whole {
		return found
	}
	slices.Reverse(q.letters)
	slices.Reverse(q.at)
	if k, from, to, ok := c.Secrets.find(q.letters); ok {
		found = append(found, Finding{Kind: k, Why: Forbidden, From: q.at[to-1], To: end(v.text, q.at[from])})
	}
	return found
}

// findAll finds nothing where it is known that nothing is there.
func findAll(may bool, expr *regexp.Regexp, text string) [][]int {
	if !may {
		return nil
	}
	return expr.FindAllStringIndex(text, -1)
}

func end(text string, at int) int {
	_, size := utf8.DecodeRuneInString(text[at:])
	return at + size
}

func told(s string, texts []string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, s) })
}

// allowedImage says whether an embedded picture comes from an allowed host, or is one that the
// house or a tool gave by its exact address.
func allowedImage(text string, c *Context) bool {
	m := linkShape.FindStringSubmatchIndex(text)
	if m == nil || m[0] != 0 || m[2] < 0 {
		return false
	}
	link := strings.TrimRight(text[m[3]:m[1]], ".,;:!?)*_~]`")
	normal := normalLink(link)
	return slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(strings.TrimPrefix(h, "www."), hostOf(normal)) }) ||
		told(link, c.Grounds.House) || told(link, c.Grounds.Tools)
}

// view is a text as it may be read: as it stands, or a part of it decoded.
type view struct {
	text     string
	whole    bool
	from, to int
}

// views decodes what is encoded, once. Work is bounded by the length of the text.
func views(text string) []view {
	all := []view{{text: text, whole: true, to: len(text)}}
	add := func(s string, m []int) {
		if readable(s) {
			all = append(all, view{text: s, from: m[0], to: m[1]})
		}
	}
	for _, m := range findAll(mayBase64(text), base64Shape, text) {
		if m[1]-m[0] < 16 {
			continue
		}
		s := strings.TrimRight(strings.Map(base64Alphabet, text[m[0]:m[1]]), "=")
		if b, err := base64.RawStdEncoding.DecodeString(s[:len(s)-b64Rest(len(s))]); err == nil {
			add(string(b), m)
		}
	}
	for _, m := range findAll(run(text, 24, hexRun), hexRunShape, text) {
		s := strings.NewReplacer(`\x`, "", "0x", "", " ", "", ":", "", ",", "", "\n", "").Replace(text[m[0]:m[1]])
		if b, err := hex.DecodeString(s[:len(s)/2*2]); err == nil {
			add(string(b), m)
		}
	}
	if strings.Contains(text, "%") {
		for _, m := range percentShape.FindAllStringIndex(text, -1) {
			if s, err := url.PathUnescape(text[m[0]:m[1]]); err == nil && m[1]-m[0] > 24 {
				add(s, m)
			}
		}
	}
	return all
}

// b64Rest is the letter too many that no encoder writes.
func b64Rest(n int) int {
	if n%4 == 1 {
		return 1
	}
	return 0
}

func base64Alphabet(c rune) rune {
	switch c {
	case '-':
		return '+'
	case '_':
		return '/'
	case ' ', '\t', '\r', '\n':
		return -1
	}
	return c
}

// readable says whether something decoded is a text rather than noise.
func readable(s string) bool {
	if len(s) < shortestDecoded || !utf8.ValidString(s) {
		return false
	}
	good, all := 0, 0
	for _, c := range s {
		all++
		if unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsSpace(c) || unicode.IsPunct(c) || unicode.IsSymbol(c) {
			good++
		}
	}
	return good*10 >= all*9
}

func rot13(c rune) rune {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a' + (c-'a'+13)%26
	case c >= 'A' && c <= 'Z':
		return 'A' + (c-'A'+13)%26
	}
	return c
}
