package gate

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/portuguese"
)

// addressAt reads a street with its number: "Rua das Acácias, 245", "Av. Brasil 1820",
// "Rodovia Anhanguera, km 104"; without a number only where the name is written as a name.
func (r *reader) addressAt(i int) (value, int, bool) {
	t := r.tokens
	j := i + 1
	switch t[i].Fold {
	case "rua", "avenida", "alameda", "travessa", "praca", "rodovia", "estrada", "largo":
	case "r", "av", "al", "rod", "trav":
		if !is(t, j, ".") && !r.capital(j) || is(t, j, "$") {
			return value{}, 0, false
		}
	default:
		return value{}, 0, false
	}
	if is(t, j, ".") {
		j++
	}
	var name []string
	capitals := 0
	for words := 0; j < len(t) && words < 7 && t[j].Kind == portuguese.Word; j, words = j+1, words+1 {
		if is(t, j, "numero", "n", "no", "km", "na", "nº", "e", "em", "as", "que", "com", "fica") && !r.capital(j) {
			break
		}
		if is(t, j, "da", "de", "do", "das", "dos") {
			continue
		}
		if r.capital(j) {
			capitals++
		} else if capitals > 0 {
			break
		}
		name = append(name, t[j].Fold)
	}
	if len(name) == 0 {
		return value{}, 0, false
	}
	end := j
	v := value{kind: Address, n: -1, s: strings.Join(name, " "), way: t[i].Fold[:1]}
	if is(t, i, "rod", "rodovia") {
		v.way = "o"
	}
	for k := 0; k < 4 && is(t, j, ",", "-", "–", "n", "no", "nº", "º", "°", ".", "numero", "km"); k++ {
		j++
	}
	if j < len(t) && t[j].Kind == portuguese.Digits && len(t[j].Fold) <= 6 {
		n, ok := decimalAt(t, j)
		if !ok {
			return value{}, 0, false
		}
		if n.n%100 != 0 {
			n.n, _ = strconv.ParseInt(t[j].Fold, 10, 64)
			n.n, n.to = n.n*100, j+1
		}
		v.n = n.n / 100
		return v, n.to, true
	}
	if capitals == 0 || len(t[i].Fold) <= 4 && t[i].Fold != "rua" {
		return value{}, 0, false
	}
	return v, end, true
}

// capital says whether a token begins with a capital letter.
func (r *reader) capital(i int) bool {
	if i >= len(r.tokens) || r.tokens[i].Kind != portuguese.Word {
		return false
	}
	first, _ := utf8.DecodeRuneInString(r.text[r.tokens[i].Start:])
	return unicode.IsUpper(first)
}
