package gate

import (
	"strconv"

	"secretaria/internal/portuguese"
)

// decimal is a number as it is written, in hundredths.
type decimal struct {
	n       int64
	to      int
	places  int  // behind the comma
	words   bool // written out
	article bool
	digits  string // where it is too long for a number
}

const maxWhole = 1_000_000_000_000

// decimalAt reads the number that begins with tokens[i]: "1.234,56", "24.9", "1,5 mil",
// "mil e duzentos", "2 milhões".
func decimalAt(tokens []portuguese.Token, i int) (decimal, bool) {
	if i < 0 || i >= len(tokens) {
		return decimal{}, false
	}
	var d decimal
	switch tokens[i].Kind {
	case portuguese.Digits:
		s := tokens[i].Fold
		j := i + 1
		grouped := false
		for len(s) <= 3 || grouped {
			if !mark(tokens, j, ".") || !digitsAt(tokens, j+1, 3) || len(s) > 12 {
				break
			}
			s += tokens[j+1].Fold
			grouped = true
			j += 2
		}
		if len(s) > 12 {
			return decimal{digits: s, to: j}, true
		}
		whole, _ := strconv.ParseInt(s, 10, 64)
		d.n = whole * 100
		if (mark(tokens, j, ",") || mark(tokens, j, ".") && !grouped) && (digitsAt(tokens, j+1, 1) || digitsAt(tokens, j+1, 2)) && !(mark(tokens, j+2, ".", "/") && digitsAt(tokens, j+3, 0)) {
			d.places = len(tokens[j+1].Fold)
			part, _ := strconv.ParseInt((tokens[j+1].Fold + "0")[:2], 10, 64)
			d.n += part
			j += 2
		}
		d.to = j
	case portuguese.Word:
		n, ok := portuguese.NumberAt(tokens, i)
		if !ok {
			return decimal{}, false
		}
		return decimal{n: int64(n.Value) * 100, to: n.To, words: n.Words, article: n.Article}.scaled(tokens), true
	default:
		return decimal{}, false
	}
	return d.scaled(tokens), true
}

func (d decimal) scaled(tokens []portuguese.Token) decimal {
	if d.n >= maxWhole {
		return d
	}
	switch {
	case is(tokens, d.to, "mil"), is(tokens, d.to, "k") && tokens[d.to].Glued:
		d.n *= 1000
	case is(tokens, d.to, "milhao", "milhoes", "mi"):
		d.n *= 1_000_000
		if is(tokens, d.to+1, "de") {
			d.to++
		}
	default:
		return d
	}
	d.to++
	d.article = false
	return d
}

func is(tokens []portuguese.Token, i int, words ...string) bool {
	if i < 0 || i >= len(tokens) {
		return false
	}
	for _, w := range words {
		if tokens[i].Fold == w {
			return true
		}
	}
	return false
}

// mark says whether tokens[i] is one of the signs and stands close to what is before.
func mark(tokens []portuguese.Token, i int, signs ...string) bool {
	return is(tokens, i, signs...) && tokens[i].Glued
}

// digitsAt says whether digits stand close behind a sign; long 0: any number of them.
func digitsAt(tokens []portuguese.Token, i, long int) bool {
	return i >= 0 && i < len(tokens) && tokens[i].Kind == portuguese.Digits && tokens[i].Glued && (long == 0 || len(tokens[i].Fold) == long)
}

// figure reads digits between low and high.
func figure(tokens []portuguese.Token, i, low, high int) (int, bool) {
	if i < 0 || i >= len(tokens) || tokens[i].Kind != portuguese.Digits || len(tokens[i].Fold) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(tokens[i].Fold)
	return n, err == nil && n >= low && n <= high
}
