package slot

import (
	"slices"

	"secretaria/internal/portuguese"
)

// candidate is a value that stands in a text, before it is decided whether it is meant.
type candidate struct {
	line     *line
	from, to int
	value    Value
	score    int
	corrects bool
}

// relation says whether a word names somebody else.
func relation(w string) bool {
	return anyOf(w, "chefe", "patrao", "patroa", "socio", "socia", "marido", "esposa", "mulher", "filho", "filha", "pai", "mae", "irmao", "irma", "colega", "gerente", "diretor", "diretora", "secretaria",
		"vizinho", "vizinha", "primo", "prima", "tio", "tia", "cunhado", "cunhada", "namorado", "namorada", "noivo", "noiva", "contador", "contadora", "assistente", "amigo", "amiga", "sogro", "sogra", "genro", "nora", "avo", "neto", "neta",
		"vendedor", "vendedora", "funcionario", "funcionaria", "parceiro", "parceira", "cliente", "fornecedor", "concorrente", "concorrencia", "advogado", "advogada", "painho", "mainha", "vovo", "tia", "painha", "mozao")
}

// weigh says how much the words around a candidate speak for it: whether it is the
// customer's own, or given as the one to use. The words before count back to the previous
// candidate or sentence, those behind up to the next comma.
func weigh(c *candidate, previous, next int) {
	l := c.line
	from := c.from
	for from > max(previous, c.from-around) && !l.stop(from-1, false) {
		from--
	}
	to := c.to
	for to < min(next, c.to+around) && !l.stop(to, true) && !(l.fold(to) == "e" && to > c.to) {
		to++
	}
	s := 0
	for i := from; i < to; i++ {
		if i >= c.from && i < c.to {
			continue
		}
		switch w := l.fold(i); {
		case anyOf(w, "meu", "minha", "nosso", "nossa"):
			if relation(l.fold(i + 1)) {
				s--
			} else {
				s++
			}
		case anyOf(w, "usa", "usar", "use", "usem", "prefiro", "preferencia", "preferivel", "melhor", "principal", "manda", "mande", "mandar", "liga", "ligue", "ligar", "chama", "chame", "contratar", "correto", "certo", "novo", "nova", "atual", "oficial", "vale", "anota", "pessoal"):
			if i > from && anyOf(l.fold(i-1), "nao", "nunca", "nem", "n") || i > from+1 && anyOf(l.fold(i-2), "nao", "nunca") {
				s -= 3
			} else {
				s += 2
			}
		case anyOf(w, "antigo", "antiga", "velho", "velha", "errado", "errada", "cancelado", "desativado", "baixada", "cancelei", "perdi", "concorrente", "concorrencia", "fornecedor", "eles", "deles", "delas", "copiar", "copia", "cc", "mandei", "enviei", "escrevi", "recebi", "liguei", "ligou", "mandou", "mandaram", "ligaram", "atendem", "ninguem", "acesso", "uso"):
			if w == "uso" && !anyOf(l.fold(i-1), "nao", "n") {
				continue
			}
			if w == "acesso" && !l.has(from, i, "nao") {
				continue
			}
			s -= 2
		case anyOf(w, "dele", "dela"):
			s--
		case (w == "do" || w == "da") && anyOf(l.fold(i+1), "portaria", "empresa", "loja", "matriz", "recepcao") && i < c.from && l.has(i, c.from, ","):
			// "sou a Lia da empresa Sol, lia@sol.com": where she is from, not whose address it is
		case (w == "do" || w == "da") && (relation(l.fold(i+1)) || anyOf(l.fold(i+1), "portaria", "empresa", "loja", "matriz", "recepcao")):
			s--
		case w == "nao" && anyOf(l.fold(i+1), "e", "eh"):
			s -= 2
		case w == "de" && anyOf(l.fold(i+1), "voces", "vcs", "vces"):
			s -= 2 // the house's own
		}
	}
	c.score = s
	c.corrects = l.corrects(from, to)
}

// weighAll weighs the candidates of a turn, which stand in order.
func weighAll(found []candidate) {
	for i := range found {
		previous, next := 0, len(found[i].line.tokens)
		if i > 0 && found[i-1].line == found[i].line {
			previous = found[i-1].to
		}
		if i+1 < len(found) && found[i+1].line == found[i].line {
			next = found[i+1].from
		}
		weigh(&found[i], previous, next)
	}
}

// best returns the candidate that the customer means, or nil. Of equals the first counts,
// unless a later one corrects.
func best(found []candidate) *candidate {
	var b *candidate
	for i := range found {
		c := &found[i]
		if c.score <= -2 {
			continue
		}
		if b == nil || c.score > b.score || c.corrects && c.score >= 0 {
			b = c
		}
	}
	return b
}

// settle decides between what is known and what a turn says of an e-mail, phone or CNPJ.
func (t *turn) settle(kind Kind, found []candidate) {
	weighAll(found)
	c := best(found)
	if c == nil {
		return
	}
	_, has := t.state.Values[kind]
	asked := t.ask == kind
	switch {
	case asked || !has && slices.Contains(t.also, kind) || !has && c.score >= 0:
	case !has && c.score == -1 && t.state.asks(kind):
	case has && (c.score > 0 || c.corrects || t.anyCorrects()):
	default:
		return
	}
	if !asked && c.value.How == Answered {
		c.value.How = Offered
	}
	t.learn(c.value)
}

func (t *turn) anyCorrects() bool {
	for _, l := range t.lines {
		if l.mends {
			return true
		}
	}
	return false
}

// mask hides a candidate from the finders that follow.
func (t *turn) mask(c candidate) { c.line.hide(c.from, c.to) }

func (l *line) whole() Quote { return Quote{Message: l.index, Text: l.text} }

// ending reads "termina em 7071", "o final é 58": the last digits of something known.
func ending(l *line, most int) (from, to int, digits string, ok bool) {
	for i := range l.tokens {
		if !anyOf(l.fold(i), "termina", "terminando", "final", "finaliza", "finais", "ultimos", "fim", "acaba", "terminacao") {
			continue
		}
		for j := i + 1; j < len(l.tokens) && j < i+6; j++ {
			if d, ok := portuguese.DictatedAt(l.tokens, j); ok && len(d.Digits) <= most {
				return i, d.To, d.Digits, true
			}
			if l.kind(j) == portuguese.Digits {
				to, digits := j, ""
				for to < len(l.tokens) && (l.kind(to) == portuguese.Digits || anyOf(l.fold(to), "-", ".", "/")) && len(digits) < most {
					if l.kind(to) == portuguese.Digits {
						digits += l.fold(to)
					}
					to++
				}
				for l.kind(to-1) != portuguese.Digits {
					to--
				}
				if digits == "4" && anyOf(l.fold(to), "digitos", "numeros") || len(digits) > most {
					continue
				}
				return i, to, digits, true
			}
		}
		// "58 no final"
		for j := max(0, i-4); j < i; j++ {
			if l.kind(j) == portuguese.Digits && anyOf(l.fold(i-1), "no", "o", "de") {
				return j, i + 1, l.fold(j), true
			}
		}
	}
	return 0, 0, "", false
}
