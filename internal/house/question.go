package house

import (
	"slices"
	"strings"
)

// question is what is looked for at once.
type question struct {
	asked []asked
	// parts are looked for where nothing is found for the whole: people hang what they ask on
	// what they tell with a comma.
	parts [][]asked
}

// asked is a unit of a question: the terms by which it may be found, each with how sure it is
// that it means that, and what it weighs.
type asked struct {
	terms  map[string]float64
	stem   string // its own, where the house has it
	weight float64
	// subject says that the unit is what is asked of something ("preço"), not the thing.
	subject bool
}

// The weight of what the house has never heard of. A word may be a name or small talk, so it
// counts for less than a rare word that the house has.
const (
	unknownWord   = 0.55
	subjectWeight = 0.6 // of what is asked of something, beside the thing
	nearWord      = 0.8 // how sure a word is that was spelt in another way
)

// The bounds of what is looked for in one turn. What is asked stands at the end.
const (
	maxSentences = 8
	maxUnits     = 64      // of one question
	maxText      = 4 << 10 // bytes of a message
)

func clip(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[len(s)-maxText:], "")
	}
	return s
}

// questions are what the texts ask: all together first, then each sentence that has anything
// to look for.
func (c *corpus) questions(texts []string) []question {
	var sentences [][]unit
	for _, t := range texts {
		sentences = append(sentences, c.read(clip(t))...)
	}
	if n := len(sentences); n > maxSentences {
		sentences = sentences[n-maxSentences:]
	}
	if len(sentences) == 1 {
		return []question{{c.ask(sentences[0]), c.parts(sentences[0])}}
	}
	out := []question{{asked: c.ask(slices.Concat(sentences...))}}
	var thing []unit // the last sentence that names one
	for _, s := range sentences {
		switch q := c.ask(s); {
		case len(q) == 0:
			continue
		case slices.ContainsFunc(q, func(a asked) bool { return !a.subject }):
			thing = s
			out = append(out, question{q, c.parts(s)})
		default:
			// "E quanto custa?" is asked of what was said before.
			out = append(out, question{asked: c.ask(slices.Concat(thing, s))})
		}
	}
	return out
}

// parts are the questions between the commas of a sentence; none where there is no comma.
func (c *corpus) parts(sentence []unit) (out [][]asked) {
	from := 0
	for i := 1; i <= len(sentence); i++ {
		if i == len(sentence) && from == 0 {
			return nil
		}
		if i == len(sentence) || sentence[i].clause {
			out = append(out, c.ask(sentence[from:i]))
			from = i
		}
	}
	return out
}

// ask makes units of a sentence, each meaning once.
func (c *corpus) ask(sentence []unit) []asked {
	var out []asked
	seen := map[string]bool{}
	for _, u := range sentence[max(0, len(sentence)-maxUnits):] {
		key := u.stem + " " + strings.Join(u.means, " ")
		if u.inner || seen[key] || len(u.stem) == 1 {
			continue
		}
		seen[key] = true
		if a, ok := c.meaning(u); ok {
			out = append(out, a)
		}
	}
	return out
}

// meaning is what a unit may be found by; ok is false for what needs not be found.
func (c *corpus) meaning(u unit) (a asked, ok bool) {
	a.terms = map[string]float64{}
	for _, m := range u.means {
		a.subject = a.subject || c.broad[m]
		if c.df[m] > 0 {
			a.terms[m] = 1
		}
	}
	if u.stem != "" && c.df[u.stem] > 0 {
		a.terms[u.stem], a.stem = 1, u.stem
	}
	number := strings.Trim(u.stem, "0123456789") == ""
	if len(a.terms) == 0 && len(u.means) == 0 && !number {
		for _, s := range c.near(u.word) {
			a.terms[s] = nearWord
		}
	}
	rarest := c.idf("")
	a.weight = unknownWord * rarest
	if len(a.terms) > 0 {
		// What it weighs is what its commonest meaning tells.
		a.weight = rarest
		for t := range a.terms {
			a.weight = min(a.weight, c.idf(t))
		}
	}
	if a.subject {
		a.weight *= subjectWeight
	}
	// An age or an hour is nothing that has to be known.
	return a, len(a.terms) > 0 || len(u.means) > 0 || !number
}

// stems are the terms of a question, in order.
func stems(q []asked, subjects bool) []string {
	var out []string
	for _, a := range q {
		if a.subject == subjects {
			out = merge(out, sortedKeys(a.terms))
		}
	}
	return out
}
