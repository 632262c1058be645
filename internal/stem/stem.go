// Package stem reduces Portuguese texts to the terms by which they are found: lower case
// without accents, without the words that everybody uses, and each word cut down to what its
// forms have in common ("consultas", "consultar" and "consultei" are "consult").
//
// It promises that both sides of a search meet: a text that is typed without accents has the
// terms of the same text with them, and a term consists of a-z and 0-9 alone, so that every
// database splits a list of terms where we did. It is pure, and safe for concurrent use.
package stem

import (
	"strings"
	"sync"
	"unicode/utf8"

	_ "embed"

	"secretaria/internal/portuguese"
)

//go:embed stop.txt
var stopList string

var stopWords = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(stopList) {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range strings.Fields(line) {
			out[portuguese.Fold(w)] = true
		}
	}
	return out
})

// Term is a word of a text.
type Term struct {
	Stem string // a-z and 0-9; "" only for a Break
	Word string // folded, as it stands in the text, in the same alphabet
	Stop bool   // it says nothing about the subject: "de", "queria", "vocês", laughter
	// Break says that a line or a sentence ends here; there is no word.
	Break bool
	// Clause says that a comma stands before it.
	Clause bool
}

// maxWord bounds a word: what is longer was not written by a person, and a database refuses it.
const maxWord = 64

// Terms are the words of a text in order.
func Terms(text string) []Term {
	tokens := portuguese.Split(text)
	stops := stopWords()
	var out []Term
	clause := false
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		word := t.Fold
		switch t.Kind {
		case portuguese.Break:
			out = append(out, Term{Break: true})
			continue
		case portuguese.Mark:
			clause = clause || t.Fold == "," && !within(tokens, i)
			if w := t.Fold; (w == "." || w == "?" || w == "!" || w == ";" || w == "…") && !within(tokens, i) {
				out = append(out, Term{Break: true})
			}
			continue
		case portuguese.Word:
			// "B12" is one word, "10h" and "9h30" are not.
			hour := t.Glued && i > 0 && tokens[i-1].Kind == portuguese.Digits
			for !hour && len(word) <= 4 && i+1 < len(tokens) && tokens[i+1].Glued && tokens[i+1].Kind == portuguese.Digits && len(tokens[i+1].Fold) <= 4 {
				i++
				word += tokens[i].Fold
			}
		}
		word = plain(word)
		switch {
		case word == "" || len(word) > maxWord:
			continue
		case t.Kind == portuguese.Digits:
			out = append(out, Term{Stem: word, Word: word, Stop: len(word) == 1, Clause: clause})
		default:
			out = append(out, Term{Stem: Portuguese(word), Word: word, Stop: len(word) == 1 || stops[word] || laughter(word), Clause: clause})
		}
		clause = false
	}
	return out
}

// within says whether the mark stands between two pieces of one word: "3.5", "dr.joao".
func within(tokens []portuguese.Token, i int) bool {
	return i > 0 && i+1 < len(tokens) && tokens[i].Glued && tokens[i+1].Glued && tokens[i+1].Kind != portuguese.Mark && tokens[i+1].Kind != portuguese.Break
}

// plain spells a folded word in a-z and 0-9. A letter of another script becomes its number, so
// that nobody's word is lost.
func plain(word string) string {
	if isPlain(word) {
		return word
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for _, r := range word {
		if r < utf8.RuneSelf && isPlain(string(r)) {
			b.WriteRune(r)
			continue
		}
		b.WriteByte('x')
		for shift := 20; shift >= 0; shift -= 4 {
			if d := r >> shift; d > 0 {
				b.WriteByte(hex[d&15])
			}
		}
	}
	return b.String()
}

func isPlain(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) < 0
}

// Valid says whether a text can be a term.
func Valid(term string) bool { return term != "" && len(term) <= 2*maxWord && isPlain(term) }

// laughter is how people laugh in writing: kkkk, rsrs, haha.
func laughter(word string) bool {
	for _, syllable := range []string{"k", "rs", "ha", "he", "hua", "ua", "ah"} {
		if n := strings.Count(word, syllable); n > 1 && n*len(syllable) >= len(word)-1 && strings.HasPrefix(word, syllable) {
			return true
		}
	}
	return false
}
