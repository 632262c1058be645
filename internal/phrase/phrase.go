// Package phrase cuts what people write into clauses of folded words, so that set phrases
// can be looked for without minding case, accents and signs. It is pure and linear in the
// length of a text, and reads no more than the first 8 KB of it.
package phrase

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"secretaria/internal/portuguese"
)

// maxText bounds what is read of a text, in bytes.
const maxText = 8 << 10

// Clause is a part of a text up to a sign that ends it.
type Clause struct {
	// Words are in lower case without accents, with single blanks between: "nao quero mais".
	Words string
	// Mark is the sign that ends it: one of ". , ; : ! ?", '\n' for the end of a line, 0 at
	// the end of the text.
	Mark byte
	// Start and End are byte offsets: text[Start:End] holds the words and not the Mark.
	Start, End int
}

// Asks says whether the clause, or a later one of the same sentence, ends in a question
// mark. i is the clause's place in all.
func Asks(all []Clause, i int) bool {
	for ; i < len(all); i++ {
		switch all[i].Mark {
		case '?':
			return true
		case ',', ':':
		default:
			return false
		}
	}
	return false
}

// Clauses cuts a text. Clauses without words are left out; the sign of such a one replaces a
// weaker sign of the clause before, so that "sério?!" asks.
func Clauses(text string) []Clause {
	if len(text) > maxText {
		text = text[:maxText]
		for !utf8.ValidString(text[len(text)-min(len(text), utf8.UTFMax):]) && len(text) > maxText-utf8.UTFMax {
			text = text[:len(text)-1]
		}
	}
	var out []Clause
	var words strings.Builder
	var c Clause
	end := func(mark byte) {
		switch {
		case words.Len() > 0:
			c.Words, c.Mark = words.String(), mark
			out = append(out, c)
			words.Reset()
		case len(out) > 0 && (mark == '?' || mark == '!' || mark == '\n' || mark == '.') && out[len(out)-1].Mark != '?':
			out[len(out)-1].Mark = mark
		}
	}
	tokens := portuguese.Split(text)
	for i, t := range tokens {
		switch t.Kind {
		case portuguese.Word, portuguese.Digits:
			glued := i > 1 && t.Glued && (tokens[i-1].Fold == "'" || tokens[i-1].Fold == "’") && tokens[i-1].Glued
			if words.Len() == 0 {
				c.Start = t.Start
			} else if !glued {
				words.WriteByte(' ')
			}
			words.WriteString(t.Fold)
			c.End = t.End
		case portuguese.Break:
			end('\n')
		case portuguese.Mark:
			if between(tokens, i) {
				continue
			}
			switch t.Fold {
			case ".", "…":
				end('.')
			case ",", ";", ":", "!", "?":
				end(t.Fold[0])
			case "¿", "¡":
				end(',')
			}
		}
	}
	end(0)
	return out
}

// between says whether a sign stands within a number or a name: "1.500,00", "18:30", "exemplo.com".
func between(tokens []portuguese.Token, i int) bool {
	return i > 0 && i+1 < len(tokens) && tokens[i].Glued && tokens[i+1].Glued && tokens[i-1].Kind == tokens[i+1].Kind &&
		(tokens[i-1].Kind == portuguese.Digits || tokens[i].Fold == "." && tokens[i-1].Kind == portuguese.Word)
}

// Words returns all words of a text, folded, with single blanks between.
func Words(text string) string {
	var all []string
	for _, c := range Clauses(text) {
		all = append(all, c.Words)
	}
	return strings.Join(all, " ")
}

// Any compiles phrases into one expression that finds any of them as whole words in
// Clause.Words. A phrase is a regular expression over folded words; "^" and "$" are the ends
// of a clause. It panics on a phrase that is no expression: phrases are constants.
func Any(phrases ...string) *regexp.Regexp {
	return regexp.MustCompile(`\b(?:` + strings.Join(phrases, `|`) + `)\b`)
}
