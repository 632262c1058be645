package gate

import (
	"slices"
	"strconv"
	"strings"

	"secretaria/internal/portuguese"
	"secretaria/internal/stem"
)

// What a figure is said of: the words around it. In a house they are the name of the row, what
// stands before the first figure of the sentence, and the clause of the figure itself; in an
// answer the window of the figure. Which words tell items apart is counted over the house.

const (
	// longestName is how many words may stand before the colon that makes them a name.
	longestName = 10
	// maxWords bounds the words of one figure.
	maxWords = 24
)

// wordsAt appends what tokens[i] says of a subject: its stem, a number with the word behind it
// ("2 quartos", however it is written), a large number ("500 Mega"), a code ("CA-031") or the
// letter that tells two apart ("categoria B").
func (r *reader) wordsAt(i int, out []string) []string {
	t := r.tokens[i]
	counted := func(n int64, next int) {
		if next < len(r.tokens) && r.tokens[next].Kind == portuguese.Word && len(r.tokens[next].Fold) >= 3 && !common[r.tokens[next].Fold] {
			out = append(out, strconv.FormatInt(n, 10)+stem.Portuguese(r.tokens[next].Fold))
		}
		if unit := measure(r.tokens, next); unit != "" {
			out = append(out, strconv.FormatInt(n, 10)+unit)
		}
		if n >= 100 && !is(r.tokens, i-1, "$") && !is(r.tokens, next, "reais", "por") {
			out = append(out, "#"+strconv.FormatInt(n, 10))
		}
	}
	switch t.Kind {
	case portuguese.Digits:
		if mark(r.tokens, i-1, ".", ",", "-", "/") && t.Glued {
			break
		}
		if i > 0 && r.tokens[i-1].Kind == portuguese.Word && len(r.tokens[i-1].Fold) >= 3 && !common[r.tokens[i-1].Fold] && len(t.Fold) <= 4 {
			out = append(out, stem.Portuguese(r.tokens[i-1].Fold)+"~"+t.Fold) // "iPhone 13"
		}
		if n := i + 1; n < len(r.tokens) && r.tokens[n].Kind == portuguese.Word && r.tokens[n].Glued && len(r.tokens[n].Fold) <= 3 && len(t.Fold) <= 5 && measure(r.tokens, n) == "" && !is(r.tokens, n, "h", "hs", "hrs", "min", "x", "k", "o", "a") {
			return append(out, t.Fold+r.tokens[n].Fold) // "60Ah"
		}
		if d, ok := decimalAt(r.tokens, i); ok && d.digits == "" && d.n%100 == 0 {
			counted(d.n/100, d.to)
		}
	case portuguese.Word:
		if d := i + 1; !t.Glued && len(t.Fold) <= 4 && !is(r.tokens, i, "r", "rs") {
			if mark(r.tokens, d, "-") {
				d++
			}
			if digitsAt(r.tokens, d, 0) {
				return append(out, t.Fold+r.tokens[d].Fold)
			}
		}
		if n, ok := portuguese.NumberAt(r.tokens, i); ok && !n.Article {
			counted(int64(n.Value), n.To)
			break
		}
		switch {
		case common[t.Fold] || is(r.tokens, i-1, "sem") || is(r.tokens, i-1, "de", "do", "da") && is(r.tokens, i-2, "fora") || is(r.tokens, i+1, "$"):
		case len(t.Fold) == 4 && t.Fold[3] == 's':
			out = append(out, t.Fold[:3]) // "pets"
		case len(t.Fold) > 1:
			out = append(out, stem.Portuguese(t.Fold))
		case i > 0 && r.tokens[i-1].Kind == portuguese.Word && (r.capital(i) || !is(r.tokens, i, "a", "e", "o", "y")):
			out = append(out, t.Fold)
		}
	}
	return out
}

// words appends the words of tokens[from:to].
func (r *reader) words(to []string, from, end int) []string {
	for i := max(from, 0); i < min(end, len(r.tokens)) && len(to) < maxWords; i++ {
		to = r.wordsAt(i, to)
	}
	return to
}

// subjects returns the words of each value of a text of the grounds, how many of them are of the
// name that stands before a colon, and those of the name that may not be meant where a later part
// of the row has a name of its own, and the number of the row.
func (r *reader) subjects() (all, shared [][]string, named, rows []int) {
	var head, last []string
	row := 0
	starts := r.starts()
	for i := range r.values {
		v := &r.values[i]
		s := v.sentence
		if s >= len(starts)-1 {
			all, shared, named, rows = append(all, nil), append(shared, nil), append(named, 0), append(rows, row)
			continue
		}
		from, end := starts[s], starts[s+1]
		if colon := r.colon(from, end); colon >= 0 && (s == 0 || !is(r.tokens, from-1, ";")) {
			if i == 0 || r.values[i-1].sentence != s {
				row++
			}
			if name := r.words(nil, from, colon); len(name) > 0 || i == 0 {
				head = name // "Mensalidade: R$ 160" is of what the row is of
			}
			last = head
		} else if s > 0 && !is(r.tokens, from-1, ";") && !(i > 0 && r.values[i-1].sentence == s) {
			head = nil
		}
		left, right := r.clause(i, from, end)
		after := v.last
		if is(r.tokens, after, "por", "/") {
			after += 2 // "por página" is of many things
		}
		own := r.words(r.words(nil, left, v.last), after, right)
		if len(head) == 0 && len(own) == 0 {
			head = last // "Juvenil: segundas às 19h. R$ 270 mensais."
		}
		words, weak := slices.Clone(head), []string(nil)
		if s > 0 && is(r.tokens, from-1, ";") && r.colon(from, end) >= 0 {
			// "Entrega no centro: R$ 12; demais bairros: R$ 20".
			one := min(len(words)/2, 1) // a name of one word is that of another thing
			words, weak = words[:one:one], words[one:]
		} else if s > 0 && is(r.tokens, from-1, ";") && slices.ContainsFunc(own, numbered) {
			// "Cartões (500 unidades): R$ 120; 1.000 unidades: R$ 175".
			words = slices.DeleteFunc(words, numbered)
		}
		if lead := r.lead(i, from); lead < left && len(r.words(nil, left, v.first)) == 0 {
			// "garantia de 90 dias na mão de obra e de 6 meses nas peças": the lead is of both.
			words = r.words(words, from, lead)
		}
		if v.kind == Money && v.n == 0 && s > 0 && is(r.tokens, from-1, ";") && v.first == from {
			// "Coleta: R$ 10; grátis acima de R$ 150".
			for t := 0; t < starts[1] && !is(r.tokens, t, ":"); t++ {
				if r.tokens[t].Kind == portuguese.Word && len(r.tokens[t].Fold) >= 4 {
					v.named = append(v.named, r.tokens[t].Fold)
				}
			}
		}
		words = append(words, own...)
		if i > 0 && v.kind == Money && len(words) > 0 {
			for j := range i {
				if r.values[j].kind == Money && r.values[j].n != v.n && slices.Equal(all[j], words) {
					// "Brasileiro: R$ 210, manutenção R$ 130. Russo: R$ 260, manutenção R$ 150."
					all[j], words = append(r.before(j, all), all[j]...), append(r.before(i, all), words...)
					break
				}
			}
		}
		all = append(all, words)
		shared = append(shared, slices.Clone(weak))
		named, rows = append(named, len(head)), append(rows, row)
	}
	return all, shared, named, rows
}

// before returns the words of the amount before value i.
func (r *reader) before(i int, all [][]string) []string {
	for j := i - 1; j >= 0; j-- {
		if r.values[j].kind == Money {
			return slices.Clone(all[j])
		}
	}
	return nil
}

func numbered(word string) bool {
	return word[0] == '#' || word[0] >= '0' && word[0] <= '9' || strings.Contains(word, "~")
}

// starts has the first token of each sentence, and the end of the last.
func (r *reader) starts() []int {
	out := make([]int, 0, len(r.sentences)+1)
	for i := range r.of {
		if i == 0 || r.of[i] != r.of[i-1] {
			out = append(out, i)
		}
	}
	return append(out, len(r.tokens))
}

// colon returns the token that ends the name at the beginning of tokens[from:end], or -1.
func (r *reader) colon(from, end int) int {
	words := 0
	for i := from; i < end; i++ {
		switch r.tokens[i].Kind {
		case portuguese.Word:
			if words++; words > longestName {
				return -1
			}
		case portuguese.Mark:
			if r.tokens[i].Fold == ":" && words > 0 {
				return i
			}
		}
	}
	return -1
}

// lead returns the first token of the first value of the sentence of value i.
func (r *reader) lead(i, from int) int {
	for i > 0 && r.values[i-1].sentence == r.values[i].sentence {
		i--
	}
	return max(r.values[i].first, from)
}

// clause returns the tokens that belong to value i within the sentence tokens[from:end]: between
// the values of its kind beside it, up to a comma or an "e" before the next.
func (r *reader) clause(i, from, end int) (left, right int) {
	v := &r.values[i]
	left, right = from, end
	for j := i - 1; j >= 0 && r.values[j].sentence == v.sentence; j-- {
		if r.values[j].kind == v.kind {
			left = r.values[j].last
			if r.ranges(left, v) {
				// The end of a range is labelled like its beginning.
				left, _ = r.clause(j, from, end)
				break
			}
			for k := left; k < v.first; k++ {
				if is(r.tokens, k, ",", ";", "e", "ou", "mas", ":", ")") {
					left = k + 1
				}
			}
			break
		}
	}
	next := end
	for j := i + 1; j < len(r.values) && r.values[j].sentence == v.sentence; j++ {
		if r.values[j].kind == v.kind {
			next = r.values[j].first
			if r.ranges(v.last, &r.values[j]) {
				next = end
			}
			break
		}
	}
	right = next
	after := v.last
	if is(r.tokens, after, "por", "/") {
		after += 2
	}
	if is(r.tokens, after, "(") {
		for k := after; k < min(next, after+12); k++ {
			if is(r.tokens, k, ")") {
				after = k // "R$ 280 (hatch) e R$ 340 (sedã)"
				break
			}
		}
	} else {
		after = v.last
	}
	for k := after; k < next; k++ {
		if is(r.tokens, k, ",", ";", "(", "mas") && (k > v.last || next < end) || next < end && is(r.tokens, k, "e", "ou") {
			right = k
			break
		}
	}
	return left, right
}

// ranges says whether what stands between token i and a value makes it the other end of a range,
// or one of several days or hours of the same thing.
func (r *reader) ranges(i int, v *value) bool {
	gap := v.first - i
	return gap == 1 && is(r.tokens, i, "a", "ate", "-", "–") || (v.kind == Day || v.kind == Hour) && gap <= 2 && is(r.tokens, i, "e", "a", "as", "ate", "-", "–", ",")
}

// window returns the tokens of an answer that may say what value i is of.
func (r *reader) window(i int) (left, right int) {
	v := &r.values[i]
	left, right = v.first, v.last
	for left > 0 && r.of[left-1] == v.sentence {
		left--
	}
	for right < len(r.of) && r.of[right] == v.sentence {
		right++
	}
	for j := i - 1; j >= 0 && r.values[j].sentence == v.sentence; j-- {
		if r.values[j].kind == v.kind && (v.kind != Number || v.noun+v.unit != "" && r.values[j].noun == v.noun && r.values[j].unit == v.unit) {
			left = r.values[j].last
			for k := left; k < v.first; k++ {
				if is(r.tokens, k, ",", ";", "e", "mas", "ou", "(", "mais", "+", "contra") {
					left = k + 1
					break
				}
			}
			break
		}
	}
	for j := i + 1; j < len(r.values) && r.values[j].sentence == v.sentence; j++ {
		if r.values[j].kind == v.kind && (v.kind != Number || r.values[j].noun == v.noun) {
			right = r.values[j].first
			break
		}
	}
	for k := v.last; k < right; k++ {
		if is(r.tokens, k, ",", ";", ":", "e", "mas", "ou", "(", "mais", "+", "=") {
			return left, k
		}
	}
	return left, right
}

// common are words that do not tell one thing of a house from another.
var common = set(`meio meia que com sem por para pra pro dos das nos nas uma uns umas aos pelo pela pelos pelas mas sim nao voce voces seu sua seus suas nosso nossa nossos nossas este esta esse essa isso aqui ele ela eles elas ate mais menos cada todo toda todos todas muito tambem ainda apenas somente entre sobre apos antes depois quando como qual quais quanto quantos oi ola bom boa
	ser sao estao ter tem temos tenho fica ficam ficaria sai saem sairia custa custam vale cobra cobramos cobrado faz fazemos faco pode podem posso vai vao foi dura duram leva levam pagar paga pago quer oferecemos damos serve inclui atualmente partir total
	preco precos valor valores reais real duracao tempo prazo cerca aproximadamente hoje dia dias hora horas minuto minutos minutinhos mes meses ano anos semana semanas uteis util vezes parcelas juros segunda terca quarta quinta sexta sabado domingo segundas tercas quartas quintas sextas sabados domingos feira manha tarde noite amanha mil cento desconto descontos mensalidade mensalidades mensal mensais mensalmente de da do em no na os as um se ou ja eu te me la ao ok so vc rs km kg ml cm mm ha vou mim fiz
	atende atendem atendemos atender atendimento funciona funcionam funcionamos funcionamento abre abrem abrimos aberto aberta abertos fecha fecham fechamos fechado horario horarios expediente`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
