package house

import (
	"cmp"
	"math"
	"slices"

	"secretaria/internal/spelling"
)

// corpus is a house ready to be ranked: its passages with their terms, and its vocabulary.
// It is not changed after it was made.
type corpus struct {
	analyser
	passages []Passage
	at       map[string]int // by id
	docs     []doc
	average  float64 // length
	df       map[string]int
	words    []word // in order
}

// doc is a passage's terms, each with how much of the passage it is.
type doc struct {
	terms  map[string]float64
	length float64
}

// word is a word of the house, as it is written, with its stem.
type word struct {
	text []rune
	stem string
}

// titleWeight is how often a term in what names a passage counts.
const titleWeight = 2.5

func newCorpus(h *House) *corpus {
	c := &corpus{analyser: newAnalyser(h.Synonyms), at: map[string]int{}, df: map[string]int{}}
	known := map[string]string{}
	total := 0.0
	for i, p := range h.facts(c.analyser) {
		c.passages = append(c.passages, p.Passage)
		c.at[p.ID] = i
		d := doc{terms: map[string]float64{}}
		for _, t := range p.title {
			d.terms[t] += titleWeight
		}
		for _, t := range p.body {
			d.terms[t]++
		}
		d.length = float64(len(p.title) + len(p.body))
		total += d.length
		for t := range d.terms {
			c.df[t]++
		}
		c.docs = append(c.docs, d)
		for _, text := range []string{p.Title, p.Text} {
			for _, sentence := range c.read(text) {
				for _, u := range sentence {
					if len(u.stem) > 1 {
						known[u.word] = u.stem
					}
				}
			}
		}
	}
	c.average = total / max(1, float64(len(c.passages)))
	for _, w := range sortedKeys(known) {
		c.words = append(c.words, word{[]rune(w), known[w]})
	}
	return c
}

// idf is how much a term tells: the fewer passages have it, the more.
func (c *corpus) idf(term string) float64 {
	n, df := float64(len(c.passages)), float64(c.df[term])
	return math.Log(1 + (n-df+0.5)/(df+0.5))
}

// near finds the stems of words of the house that somebody may have meant who wrote word: a
// slip of the pen, a word cut short ("dermato"), or another form of a long word.
func (c *corpus) near(typed string) []string {
	w := []rune(typed)
	if len(w) < 4 {
		return nil
	}
	var out []string
	allowed := 0
	switch {
	case len(w) >= 9:
		allowed = 2
	case len(w) >= 5:
		allowed = 1
	}
	best := allowed
	for _, k := range c.words {
		if len(k.text) < 4 || k.text[0] != w[0] || abs(len(k.text)-len(w)) > best {
			continue
		}
		if n := spelling.Distance(w, k.text); n <= best && n > 0 {
			if n < best {
				out = nil
			}
			best = n
			out = merge(out, []string{k.stem})
		}
	}
	if len(out) > 0 {
		return out
	}
	shared := 0
	for _, k := range c.words {
		n := prefix(w, k.text)
		whole := n == len(w) && n >= 4
		if !whole && (n < 6 || 5*n < 3*max(len(w), len(k.text))) {
			continue
		}
		if n > shared {
			out, shared = nil, n
		}
		if n == shared {
			out = merge(out, []string{k.stem})
		}
	}
	return out
}

func prefix(a, b []rune) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func abs(n int) int { return max(n, -n) }

// itself is how much more a row of prices is worth to whoever asks for a price than a text
// that speaks of one.
const itself = 1.3

// What a passage must have of a question to be shown.
const (
	enoughOfAll    = 0.45 // of everything that was asked, by weight
	enoughOfThings = 0.3  // of the things alone
)

// scored is a passage with what it has of a question.
type scored struct {
	at      int
	score   float64
	covered float64 // of the question, by weight
	things  float64 // of what is no subject; 1 where there is none
}

// score says how well a passage answers. ok is false for one that has nothing of it.
func (c *corpus) score(at int, question []asked) (s scored, ok bool) {
	d := c.docs[at]
	s.at = at
	var all, got, allThings, gotThings float64
	whole := c.aboutWhole(at, question)
	for _, a := range question {
		if whole && len(a.terms) == 0 && !a.subject {
			continue
		}
		all += a.weight
		if !a.subject {
			allThings += a.weight
		}
		best, sure := 0.0, 0.0
		for t, certain := range a.terms {
			n := d.terms[t]
			if n == 0 {
				continue
			}
			// BM25 with a weak punishment of length: rows are short and pieces of pages long.
			v := certain * c.idf(t) * n * 2.2 / (n + 1.2*(0.6+0.4*d.length/c.average))
			best, sure = max(best, v), max(sure, certain)
		}
		s.score += best
		got += sure * a.weight
		if !a.subject {
			gotThings += sure * a.weight
		}
	}
	if got == 0 {
		return s, false
	}
	s.covered, s.things = got/all, 1
	if allThings > 0 {
		s.things = gotThings / allThings
	}
	s.score *= s.covered
	if about := schemas[c.passages[at].Kind].about; about != "" && slices.ContainsFunc(question, func(a asked) bool { return a.terms[about] > 0 }) {
		s.score *= itself
	}
	return s, true
}

// aboutWhole says whether a passage tells of the whole house what is asked: where it is, when
// it is open. A word that the house does not know is then most likely what people call it.
func (c *corpus) aboutWhole(at int, question []asked) bool {
	about := schemas[c.passages[at].Kind].about
	return (about == schemas[Addresses].about || about == schemas[Hours].about) && slices.ContainsFunc(question, func(a asked) bool { return a.terms[about] > 0 })
}

// answers says whether a passage is likely to help.
func (s scored) answers() bool { return s.covered >= enoughOfAll && s.things >= enoughOfThings }

// rank orders the passages by how well they answer a question.
func (c *corpus) rank(candidates []int, question []asked) []scored {
	var out []scored
	for _, at := range candidates {
		if s, ok := c.score(at, question); ok {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(c.passages[a.at].ID, c.passages[b.at].ID))
	})
	return out
}
