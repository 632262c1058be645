package house

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"secretaria/internal/stem"
)

//go:embed subjects.txt
var subjectList string

// lexicon is what customers' words are about.
type lexicon struct {
	// phrases, as phrase gives them, with the terms of what they mean. The terms begin with a
	// figure, which no word does.
	phrases map[string][]string
	// broad are the terms of what is asked of something: its price, its hours.
	broad map[string]bool
}

var subjects = sync.OnceValue(func() lexicon {
	out := lexicon{phrases: map[string][]string{}, broad: map[string]bool{}}
	for line := range strings.Lines(subjectList) {
		line, _, _ = strings.Cut(line, "#")
		name, list, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		name, broad := strings.CutSuffix("0"+name, "*")
		out.broad[name] = broad
		for text := range strings.SplitSeq(list, ",") {
			p := phrase(text)
			out.phrases[p] = merge(out.phrases[p], []string{name})
		}
	}
	return out
})

// analyser makes terms of texts, for passages and questions alike.
type analyser struct{ lexicon }

func newAnalyser(synonyms [][]string) analyser {
	a := analyser{subjects()}
	if len(synonyms) == 0 {
		return a
	}
	own := make(map[string][]string, len(a.phrases)+4*len(synonyms))
	for p, terms := range a.phrases {
		own[p] = slices.Clone(terms)
	}
	for i, group := range synonyms {
		// Whoever says one of the words says all of them, and what each of them is about.
		meaning := []string{"1" + strconv.Itoa(i)}
		for _, text := range group {
			meaning = append(meaning, a.phrases[phrase(text)]...)
		}
		for _, text := range group {
			p := phrase(text)
			own[p] = merge(own[p], meaning)
		}
	}
	a.phrases = own
	return a
}

// phrase is a phrase as it is compared: the stems of its words. Words that say nothing by
// themselves are compared as they are: "sabem" has a stem with "sábado" in common.
func phrase(text string) string {
	var parts []string
	for _, t := range stem.Terms(text) {
		if !t.Break {
			parts = append(parts, part(t))
		}
	}
	return strings.Join(parts, " ")
}

func part(t stem.Term) string {
	if t.Stop {
		return t.Word
	}
	return t.Stem
}

func merge(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// unit is a word of a text, or a phrase, with all terms by which it may be found.
type unit struct {
	stem   string   // "" for a phrase of several words
	word   string   // folded
	means  []string // subjects and synonyms
	clause bool     // a comma stands before it
	// inner says that the word stands in a phrase, which has a unit of its own before it.
	inner bool
}

// read splits a text into sentences of units.
func (a analyser) read(text string) [][]unit {
	var out [][]unit
	var sentence []unit
	end := func() {
		if len(sentence) > 0 {
			out = append(out, sentence)
		}
		sentence = nil
	}
	terms := stem.Terms(text)
	clause := false
	for i := 0; i < len(terms); {
		if terms[i].Break {
			end()
			i++
			continue
		}
		// A comma counts where the words after it say something.
		clause = clause || terms[i].Clause
		before := len(sentence)
		n, means := a.phraseAt(terms[i:])
		if n > 1 {
			sentence = append(sentence, unit{means: means})
			// The words of a phrase that say something by themselves still do.
			for _, t := range terms[i : i+n] {
				if !t.Stop {
					sentence = append(sentence, unit{stem: t.Stem, word: t.Word, means: a.phrases[part(t)], inner: true})
				}
			}
			i += n
			sentence[before].clause, clause = clause, false
			continue
		}
		if t := terms[i]; !t.Stop || len(means) > 0 {
			sentence = append(sentence, unit{stem: t.Stem, word: t.Word, means: means, clause: clause})
			clause = false
		}
		i++
	}
	end()
	return out
}

// phraseAt finds the longest known phrase at the beginning of the terms: of how many words,
// and what it means.
func (a analyser) phraseAt(terms []stem.Term) (n int, means []string) {
	key := ""
	for i := 0; i < min(len(terms), maxPhrase) && !terms[i].Break; i++ {
		if i > 0 {
			key += " "
		}
		key += part(terms[i])
		if m, ok := a.phrases[key]; ok {
			n, means = i+1, m
		}
	}
	return n, means
}

// terms are what a text is found by, in order, with repetitions.
func (a analyser) terms(text string) []string {
	var out []string
	for _, sentence := range a.read(text) {
		for _, u := range sentence {
			if u.stem != "" && len(u.stem) > 1 {
				out = append(out, u.stem)
			}
			out = append(out, u.means...)
		}
	}
	return out
}
