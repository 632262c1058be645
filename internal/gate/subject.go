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
		if is(r.tokens, i+1, "x") && is(r.tokens, i+2, "por", "na") && is(r.tokens, i+3, "semana") || is(r.tokens, i+1, "vez", "vezes") && is(r.tokens, i+3, "semana") {
			return append(out, t.Fold+"x") // "natação 2x por semana"
		}
		if mark(r.tokens, i-1, ".", ",", "-", "/") && t.Glued {
			break
		}
		if i > 0 && r.tokens[i-1].Kind == portuguese.Word && len(r.tokens[i-1].Fold) >= 3 && !common[r.tokens[i-1].Fold] && len(t.Fold) <= 4 && !is(r.tokens, i+1, "x") {
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
		case is(r.tokens, i, "manha", "tarde", "noite", "madrugada") && (is(r.tokens, i-1, "de", "da", "pela") || is(r.tokens, i-1, "a") && r.accented(i-1)) && !is(r.tokens, i-2, "h", "horas"), is(r.tokens, i, "dia") && is(r.tokens, i-1, "de") && !is(r.tokens, i-2, "final", "fim"):
			out = append(out, "~"+t.Fold) // "R$ 120 de dia e R$ 180 à noite"
		case is(r.tokens, i, "noturno", "noturna"):
			out = append(out, "~noite")
		case is(r.tokens, i, "diurno", "diurna"):
			out = append(out, "~dia")
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

// subjects returns the words of each value of a text of the grounds, its label (the name of its row
// and what stands right before it), how many of its words are of the
// name that stands before a colon, and those of the name that may not be meant where a later part
// of the row has a name of its own, and the number of the row.
func (r *reader) subjects() (all, shared, labels [][]string, named, rows []int) {
	var head, last, topic []string
	row := 0
	starts := r.starts()
	above := r.headings(starts)
	cells, at, line := r.cells(), 0, 0
	for i := range r.values {
		v := &r.values[i]
		s := v.sentence
		if s >= len(starts)-1 {
			all, shared, labels, named, rows = append(all, nil), append(shared, nil), append(labels, nil), append(named, 0), append(rows, row)
			continue
		}
		for at < len(cells) && cells[at].to <= v.first {
			at++
		}
		if at < len(cells) && cells[at].from <= v.first {
			// "| Polimento | R$ 450 | R$ 520 |" below "| Serviço | Hatch | Sedã |"
			c := cells[at]
			if c.row != line {
				row, line = row+1, c.row
			}
			words := append(append(slices.Clone(c.name), above[s]...), c.top...)
			all, shared = append(all, r.words(words, c.from, c.to)), append(shared, nil)
			labels, named, rows = append(labels, append(slices.Clone(c.name), c.top...)), append(named, len(c.name)), append(rows, row)
			continue
		}
		from, end := starts[s], starts[s+1]
		chained := s > 0 && is(r.tokens, from-1, ";")
		if key := r.key(s, starts); chained && key >= 0 && r.colon(from, end) >= 0 {
			// "Polimento; Hatch: R$ 450; Sedã: R$ 520": the cells of a row, each with its column's name.
			if key+1 != line {
				row, line = row+1, key+1
			}
			name := r.words(nil, starts[key], starts[key+1])
			all, shared = append(all, r.words(append(slices.Clone(name), above[s]...), from, end)), append(shared, nil)
			labels, named, rows = append(labels, r.words(slices.Clone(name), from, r.colon(from, end))), append(named, len(name)), append(rows, row)
			continue
		}
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
		if len(head) == 0 && len(own) == 0 && !(len(topic) > 0 && is(r.tokens, from-1, ";")) {
			head = last // "Juvenil: segundas às 19h. R$ 270 mensais."
		}
		words, weak := slices.Clone(head), []string(nil)
		first := r.values[r.first(i)].first
		switch lead := r.words(nil, from, first); {
		case s == 0 || !is(r.tokens, from-1, ";"):
			topic = lead
		case len(head) == 0 && len(lead) == 0:
			words = slices.Clone(topic) // "Crianças até 5 anos não pagam; de 6 a 11 anos pagam R$ 45"
		}
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
		} else if label := r.words(nil, from, lead); lead < left && len(label) > 1 && r.values[r.first(i)].kind == v.kind {
			weak = append(weak, label[:len(label)-1]...) // "carro nacional R$ 150, importado R$ 280"
		}
		if v.kind == Money && v.n == 0 && s > 0 && is(r.tokens, from-1, ";") && v.first == from {
			// "Coleta: R$ 10; grátis acima de R$ 150".
			for t := 0; t < starts[1] && !is(r.tokens, t, ":"); t++ {
				if r.tokens[t].Kind == portuguese.Word && len(r.tokens[t].Fold) >= 4 {
					v.named = append(v.named, r.tokens[t].Fold)
				}
			}
		}
		name := len(head)
		words = append(append(words, above[s]...), own...)
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
		labels, named, rows = append(labels, r.words(slices.Clone(head), left, v.first)), append(named, name), append(rows, row)
	}
	return all, shared, labels, named, rows
}

// opening is the end of the tokens with which a text opens, up to a sign or a figure.
func (r *reader) opening() int {
	end := min(len(r.tokens), 6)
	for i := range end {
		if k := r.tokens[i].Kind; i > 0 && (k == portuguese.Mark || k == portuguese.Break) && !is(r.tokens, i, "#", ".") || is(r.tokens, i, ".") && (i == 0 || !shortened[r.tokens[i-1].Fold]) {
			return i
		}
	}
	if len(r.values) > 0 {
		end = min(end, r.values[0].first)
	}
	return end
}

// key is the first sentence of the line of sentence s where it holds no amount and no colon
// and ends in a semicolon, like all between the two; else -1.
func (r *reader) key(s int, starts []int) int {
	for s > 0 && is(r.tokens, starts[s]-1, ";") {
		s--
	}
	if slices.ContainsFunc(r.values, func(v value) bool { return v.sentence == s && v.kind == Money }) || r.colon(starts[s], starts[s+1]) >= 0 || len(r.words(nil, starts[s], starts[s+1])) == 0 {
		return -1
	}
	return s
}

// headings has, for each sentence, the words of the heading above it: a line that begins with "#"
// or stands first, is short, ends like no sentence and holds no figure; or a question.
func (r *reader) headings(starts []int) [][]string {
	out := make([][]string, len(starts))
	var over []string
	for s := range len(starts) - 1 {
		from, end := starts[s], starts[s+1]
		last := end - 1
		for last > from && r.tokens[last].Kind == portuguese.Break {
			last--
		}
		if asks := is(r.tokens, last, "?"); asks && end < len(r.tokens) && !slices.ContainsFunc(r.values, func(v value) bool { return v.sentence == s }) {
			over = r.words(nil, from, end) // "Quanto custa abrir empresa? R$ 950."
		} else if last := end - 1; is(r.tokens, from, "#") || from == 0 && end < len(r.tokens) && end-from <= longestName+1 && r.tokens[last].Kind == portuguese.Break && last > 0 && !is(r.tokens, last-1, ".", "!", "?", ";", "|") && !slices.ContainsFunc(r.values, func(v value) bool { return v.first < end }) {
			over = r.words(nil, from, end)
		} else {
			out[s] = over
		}
	}
	return out
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
func (r *reader) lead(i, from int) int { return max(r.values[r.first(i)].first, from) }

// first is the first value of the sentence of value i.
func (r *reader) first(i int) int {
	for i > 0 && r.values[i-1].sentence == r.values[i].sentence {
		i--
	}
	return i
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
	enclosed := is(r.tokens, v.first-1, "(") // "da manhã (8h às 12h) ou da tarde (13h às 17h)"
	for k := after; k < next; k++ {
		if enclosed && is(r.tokens, k, ")") {
			right = k
			break
		}
		if is(r.tokens, k, ",", ";", "(", "mas") && (k > v.last || next < end) && !(v.kind == Money && v.n == 0 && next == end) || next < end && is(r.tokens, k, "e", "ou") {
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
	ser sao estao ter tem temos tenho fica ficam ficaria sai saem sairia custa custam vale cobra cobramos cobrado faz fazemos faco pode podem posso vai vao foi dura duram leva levam pagar paga pagam pagamos pagando pago quer oferecemos damos serve inclui atualmente partir total
	preco precos valor valores reais real duracao tempo prazo cerca aproximadamente hoje dia dias hora horas minuto minutos minutinhos mes meses ano anos semana semanas uteis util vezes parcelas juros segunda terca quarta quinta sexta sabado domingo segundas tercas quartas quintas sextas sabados domingos feira manha tarde noite amanha mil cento desconto descontos mensalidade mensalidades mensal mensais mensalmente de da do em no na os as um se ou ja eu te me la ao ok so vc rs km kg ml cm mm ha vou mim fiz
	peco pedimos atende atendem atendemos atender atendimento funciona funcionam funcionamos funcionamento abre abrem abrimos aberto aberta abertos fecha fecham fechamos fechado horario horarios expediente`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
