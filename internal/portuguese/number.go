package portuguese

import "strconv"

// Number is a whole number in a text.
type Number struct {
	Value int
	// From and To are the tokens it stands in: tokens[From:To].
	From, To int
	// Words says that it is written in words, "quinze"; Article that the word is "um" or
	// "uma", which may count nothing.
	Words, Article bool
	// Vague says that it is a lower end: "vinte e poucos", "uma dúzia e uns quebrados".
	Vague bool
	// Fraction says that a part behind a comma was left out, as in prices.
	Fraction bool
}

const maxNumber = 999_999_999

// units also holds the words that count only in dictation ("meia" for six does not).
func unit(w string) (int, bool) {
	switch w {
	case "zero":
		return 0, true
	case "um", "uma", "hum":
		return 1, true
	case "dois", "duas", "dua":
		return 2, true
	case "tres":
		return 3, true
	case "quatro":
		return 4, true
	case "cinco":
		return 5, true
	case "seis":
		return 6, true
	case "sete":
		return 7, true
	case "oito":
		return 8, true
	case "nove":
		return 9, true
	}
	return 0, false
}

func teen(w string) (int, bool) {
	switch w {
	case "dez":
		return 10, true
	case "onze":
		return 11, true
	case "doze":
		return 12, true
	case "treze":
		return 13, true
	case "catorze", "quatorze":
		return 14, true
	case "quinze":
		return 15, true
	case "dezesseis", "dezasseis":
		return 16, true
	case "dezessete", "dezassete":
		return 17, true
	case "dezoito":
		return 18, true
	case "dezenove", "dezanove":
		return 19, true
	}
	return 0, false
}

func ten(w string) (int, bool) {
	switch w {
	case "vinte", "vint":
		return 20, true
	case "trinta":
		return 30, true
	case "quarenta":
		return 40, true
	case "cinquenta", "cincoenta", "cinqenta":
		return 50, true
	case "sessenta":
		return 60, true
	case "setenta":
		return 70, true
	case "oitenta":
		return 80, true
	case "noventa":
		return 90, true
	}
	return 0, false
}

func hundred(w string) (int, bool) {
	switch w {
	case "cem", "cento":
		return 100, true
	case "duzentos", "duzentas":
		return 200, true
	case "trezentos", "trezentas":
		return 300, true
	case "quatrocentos", "quatrocentas":
		return 400, true
	case "quinhentos", "quinhentas":
		return 500, true
	case "seiscentos", "seiscentas":
		return 600, true
	case "setecentos", "setecentas":
		return 700, true
	case "oitocentos", "oitocentas":
		return 800, true
	case "novecentos", "novecentas":
		return 900, true
	}
	return 0, false
}

// Numbers returns the numbers of a text from left to right; none overlap.
func Numbers(tokens []Token) []Number {
	var found []Number
	for i := 0; i < len(tokens); {
		n, ok := NumberAt(tokens, i)
		if !ok {
			i++
			continue
		}
		found = append(found, n)
		i = n.To
	}
	return found
}

// NumberAt reads the number that begins with tokens[i].
func NumberAt(tokens []Token, i int) (Number, bool) {
	if i < 0 || i >= len(tokens) {
		return Number{}, false
	}
	n := Number{From: i, To: i}
	switch tokens[i].Kind {
	case Digits:
		if !n.digits(tokens) {
			return Number{}, false
		}
	case Word:
		switch w := tokens[i].Fold; {
		case w == "meia" && is(tokens, i+1, "duzia", "duzias"):
			n.Value, n.To = 6, i+2
			n.Words = true
			n.vague(tokens)
			return n, true
		case w == "duzia" || w == "dezena":
			n.Value, n.To = 1, i
		case w == "mil":
			n.Value, n.To = 1, i
		default:
			if !n.words(tokens) {
				return Number{}, false
			}
			n.Article = n.To == i+1 && (w == "um" || w == "uma" || w == "hum")
		}
		n.Words = true
	default:
		return Number{}, false
	}
	n.scale(tokens)
	n.vague(tokens)
	if n.To == i {
		return Number{}, false
	}
	return n, true
}

// digits reads "12", "1.200" and "199,90".
func (n *Number) digits(tokens []Token) bool {
	i := n.From
	s := tokens[i].Fold
	j := i + 1
	if len(s) <= 3 {
		for j+1 < len(tokens) && tokens[j].Fold == "." && tokens[j].Glued && tokens[j+1].Kind == Digits &&
			tokens[j+1].Glued && len(tokens[j+1].Fold) == 3 && len(s) < 9 {
			s += tokens[j+1].Fold
			j += 2
		}
	}
	if len(s) > 9 {
		return false
	}
	n.Value, _ = strconv.Atoi(s)
	if j+1 < len(tokens) && tokens[j].Fold == "," && tokens[j].Glued && tokens[j+1].Kind == Digits && tokens[j+1].Glued {
		n.Fraction = true
		j += 2
	}
	n.To = j
	return true
}

// words reads what is below a thousand: "cento e vinte e três", "vinte cinco".
func (n *Number) words(tokens []Token) bool {
	i := n.From
	limit := 1000 // what follows must be smaller
	for i < len(tokens) && tokens[i].Kind == Word {
		j := i
		if i > n.From && tokens[i].Fold == "e" {
			if j++; j >= len(tokens) {
				break
			}
		}
		v, size := small(tokens[j].Fold)
		if size == 0 || size >= limit || i > n.From && j == i && size == 1 && limit == 100 || v == 0 && i > n.From {
			break
		}
		n.Value += v
		i = j + 1
		n.To = i
		limit = size
		if size == 10 && v < 20 {
			limit = 1 // nothing follows "quinze"
		}
		if v == 0 {
			limit = 1
		}
	}
	return n.To > n.From
}

// small returns a word's value and size: 1 for units, 10 for teens and tens, 100.
func small(w string) (value, size int) {
	if v, ok := unit(w); ok {
		return v, 1
	}
	if v, ok := teen(w); ok {
		return v, 10
	}
	if v, ok := ten(w); ok {
		return v, 10
	}
	if v, ok := hundred(w); ok {
		return v, 100
	}
	return 0, 0
}

// scale reads "mil", "dúzia" and "dezena" behind a number.
func (n *Number) scale(tokens []Token) {
	switch {
	case is(tokens, n.To, "mil") && n.Value > 0 && n.Value <= maxNumber/1000:
		n.Value *= 1000
		n.To++
		n.Article = false
		rest := Number{From: n.To}
		if is(tokens, n.To, "e") {
			rest.From++
		}
		rest.To = rest.From
		if rest.words(tokens) {
			n.Value += rest.Value
			n.To = rest.To
		}
	case is(tokens, n.To, "duzia", "duzias"):
		n.Value = min(n.Value*12, maxNumber)
		n.To++
		n.Article = false
	case is(tokens, n.To, "dezena", "dezenas"):
		n.Value = min(n.Value*10, maxNumber)
		n.To++
		n.Article = false
	}
}

// vague reads "e poucos", "e tantas", "e uns quebrados".
func (n *Number) vague(tokens []Token) {
	i := n.To
	if i == n.From || !is(tokens, i, "e") {
		return
	}
	i++
	if is(tokens, i, "uns", "umas") {
		i++
	}
	if is(tokens, i, "pouco", "poucos", "poucas", "tantos", "tantas", "tanto", "quebrado", "quebrados", "quebradinho", "quebradinhos", "lá") {
		n.To, n.Vague = i+1, true
	}
}

func is(tokens []Token, i int, words ...string) bool {
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

// Dictated is a run of digits that were typed in groups, spelled in words, or both.
type Dictated struct {
	Digits   string
	From, To int
}

const maxDictated = 64

// DictatedAt reads the digits that begin with tokens[i]: "oitenta e um, nove nove zero",
// "11 nove 8877", "meia" for six, "mil ao contrário" for 0001. Commas, dots, dashes, slashes
// and the words for them may stand between. At least one word must be a number.
func DictatedAt(tokens []Token, i int) (Dictated, bool) {
	d := Dictated{From: i, To: i}
	words := 0
	for j := i; j < len(tokens) && len(d.Digits) < maxDictated; {
		t := tokens[j]
		switch {
		case t.Kind == Digits:
			d.Digits += t.Fold
			j++
			d.To = j
			continue
		case t.Kind == Mark && j > i && separates(t.Fold):
			j++
			continue
		case t.Kind != Word:
			j = len(tokens)
			continue
		}
		switch t.Fold {
		case "meia":
			d.Digits += "6"
			words++
			j++
			d.To = j
			continue
		case "ponto", "traco", "barra", "espaco", "hifen", "tracinho":
			if j == i {
				return Dictated{}, false
			}
			j++
			continue
		case "mil":
			if is(tokens, j+1, "ao") && is(tokens, j+2, "contrario") { // how branches are dictated
				d.Digits += "0001"
				words++
				j += 3
				d.To = j
				continue
			}
		}
		n := Number{From: j, To: j}
		if !n.words(tokens) {
			break
		}
		if n.Value >= 2 && n.Value <= 4 && is(tokens, n.To, "zeros") {
			zeros := "0000"[:n.Value]
			d.Digits += zeros
			n.To++
		} else {
			d.Digits += strconv.Itoa(n.Value)
		}
		words++
		j = n.To
		d.To = j
	}
	if words == 0 || d.To == i {
		return Dictated{}, false
	}
	return d, true
}

func separates(mark string) bool {
	switch mark {
	case ",", ".", "-", "/", "(", ")", "–", "+":
		return true
	}
	return false
}
