package guard

import (
	_ "embed"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

//go:embed rules.txt
var rulesText string

// A rule finds meanings, one behind the other within a few words. rules.txt explains the
// form.
type rule struct {
	name   string
	action Action
	parts  []part
	never  concept // must not stand between two words before the first part and three behind the last
}

type part struct {
	any   concept
	words []uint16 // their numbers in the lexicon
	gap   int      // words from the part before to this one, at most
	// headed: it stands behind a bracket or a sign of a heading; colon: a colon or bracket follows.
	headed, colon bool
}

const maxRules = 256

// rules are looked up by the meaning, or word, of their first part.
type rules struct {
	all   []rule
	first [64][]int
	words [][]int // by the number of a word
}

func newRules(text string, lex *lexicon) (*rules, error) {
	rs := &rules{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		r, err := readRule(line, lex)
		if err != nil {
			return nil, fmt.Errorf("rules line %d: %w", i+1, err)
		}
		for b := r.parts[0].any; b != 0; b &= b - 1 {
			bit := bits.TrailingZeros64(uint64(b))
			rs.first[bit] = append(rs.first[bit], len(rs.all))
		}
		for _, w := range r.parts[0].words {
			for int(w) >= len(rs.words) {
				rs.words = append(rs.words, nil)
			}
			rs.words[w] = append(rs.words[w], len(rs.all))
		}
		rs.all = append(rs.all, r)
	}
	if len(rs.all) > maxRules {
		return nil, fmt.Errorf("more than %d rules", maxRules)
	}
	return rs, nil
}

func readRule(line string, lex *lexicon) (rule, error) {
	head, body, ok := strings.Cut(line, ": ")
	fields := strings.Fields(head)
	if !ok || len(fields) != 2 {
		return rule{}, fmt.Errorf("want \"action name: parts\"")
	}
	r := rule{name: fields[1]}
	switch fields[0] {
	case "deflect":
		r.action = Deflect
	case "restrict":
		r.action = Restrict
	case "hint":
		r.action = Allow
	default:
		return rule{}, fmt.Errorf("unknown action %q", fields[0])
	}
	gap := 1
	for f := range strings.FieldsSeq(body) {
		if n, ok := strings.CutPrefix(f, "<"); ok {
			g, err := strconv.Atoi(n)
			if err != nil || g < 1 || g > 40 {
				return rule{}, fmt.Errorf("bad gap %q", f)
			}
			gap = g
			continue
		}
		never := strings.HasPrefix(f, "!")
		p := part{gap: gap}
		f = strings.TrimPrefix(f, "!")
		if bare, ok := strings.CutSuffix(f, ":"); ok {
			p.colon, f = true, bare
		}
		if bare, ok := strings.CutSuffix(f, "^"); ok {
			p.headed, f = true, bare
		}
		for name := range strings.SplitSeq(f, "|") {
			if name == strings.ToLower(name) {
				n, err := lex.number(name)
				if err != nil {
					return rule{}, err
				}
				p.words = append(p.words, n)
				continue
			}
			bit, known := lex.known(name)
			if !known {
				return rule{}, fmt.Errorf("unknown meaning %q", name)
			}
			p.any |= bit
		}
		gap = 1
		if never {
			r.never |= p.any
			continue
		}
		r.parts = append(r.parts, p)
	}
	if len(r.parts) == 0 {
		return rule{}, fmt.Errorf("no parts")
	}
	return r, nil
}

func (lex *lexicon) known(name string) (concept, bool) {
	for i, n := range lex.names {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// find calls f for each rule met, with the place of its first word.
func (rs *rules) find(tokens []token, f func(rule, at int)) {
	var last [maxRules]int // one more than the place where the rule was met last
	try := func(i int, candidates []int) {
		for _, n := range candidates {
			r := &rs.all[n]
			if last[n] == i+1 || !r.parts[0].fits(&tokens[i]) {
				continue
			}
			if end := r.rest(tokens, i, 1); end >= 0 && !r.stopped(tokens, i, end) {
				last[n] = i + 1
				f(n, i)
			}
		}
	}
	for i := range tokens {
		for c := tokens[i].concepts; c != 0; c &= c - 1 {
			try(i, rs.first[bits.TrailingZeros64(uint64(c))])
		}
		if w := int(tokens[i].word); w > 0 && w < len(rs.words) {
			try(i, rs.words[w])
		}
	}
}

// rest finds the parts from the n-th on behind tokens[i], and returns the place of the last.
func (r *rule) rest(tokens []token, i, n int) int {
	if n == len(r.parts) {
		return i
	}
	p := &r.parts[n]
	for j := i + 1; j <= i+p.gap && j < len(tokens); j++ {
		if p.fits(&tokens[j]) {
			if end := r.rest(tokens, j, n+1); end >= 0 {
				return end
			}
		}
	}
	return -1
}

func (r *rule) stopped(tokens []token, from, to int) bool {
	if r.never == 0 {
		return false
	}
	for i := max(from-2, 0); i <= to+3 && i < len(tokens); i++ {
		if tokens[i].concepts&r.never != 0 {
			return true
		}
	}
	return false
}

func (p *part) fits(t *token) bool {
	if t.concepts&p.any == 0 && (t.word == 0 || !slices.Contains(p.words, t.word)) {
		return false
	}
	if p.headed && (t.before == 0 || strings.IndexByte("[<{#|*/>$(-", t.before) < 0) {
		return false
	}
	return !p.colon || t.after != 0 && strings.IndexByte(":]>|}=#", t.after) >= 0
}
