package slot

import (
	"strconv"
	"strings"

	"secretaria/internal/portuguese"
)

const maxTeam = 1_000_000

// head is somebody or some people in a text: "3 vendedores", "dois no suporte", "eu",
// "meu marido".
type head struct {
	from, to int
	n        int
	class    headClass
	vague    bool
}

type headClass uint8

const (
	aloneHead  headClass = iota + 1 // a number that nothing follows
	peopleHead                      // a number of people
	placeHead                       // "2 no suporte"
	selfHead                        // "eu"
	oneHead                         // "o zelador", "a Bete"
	thingHead                       // a number of something else
	otherHead                       // a number of something unknown
)

// peopleNoun says whether a word may name people by what they do. Besides the list there
// are the endings of trades.
func peopleNoun(w string) bool {
	lex := words()
	if lex.people[w] || lex.roles[w] || relation(w) {
		return true
	}
	if lex.things[w] || len(w) < 6 {
		return false
	}
	for _, ending := range []string{"dores", "doras", "dor", "dora", "istas", "ista", "eiros", "eiras", "ologos", "ologas", "entes", "antes", "tores", "toras", "logo", "loga"} {
		if strings.HasSuffix(w, ending) {
			return true
		}
	}
	return false
}

// headAt reads what begins at token i.
func headAt(l *line, i int, skip []bool) (head, bool) {
	if i >= len(l.tokens) || skip[i] {
		return head{}, false
	}
	w := l.fold(i)
	if w == "eu" {
		if anyOf(l.fold(i+1), "acho", "tenho", "quero", "queria", "ia", "vou", "to", "tou", "ver", "nao", "sou", "preciso", "posso", "mando", "trabalho", "falo", "volto", "ja", "que", "uso", "faco", "cuido", "toco") && !l.has(i, i+4, "eu que") {
			return head{}, false
		}
		if anyOf(l.fold(i-1), "deixa", "pra", "que", "para") {
			return head{}, false
		}
		to := i + 1
		if anyOf(l.fold(to), "mesmo", "mesma", "msm") {
			to++
		}
		return head{from: i, to: to, n: 1, class: selfHead}, true
	}
	if n, ok := portuguese.NumberAt(l.tokens, i); ok && !(n.Article && l.kind(n.To) != portuguese.Word) {
		h := head{from: i, to: n.To, n: n.Value, class: aloneHead, vague: n.Vague}
		if n.Fraction || l.fold(i-1) == "$" || anyOf(l.fold(n.To), "%", "/", ":", "º", "ª", "°") && l.tokens[n.To].Glued || i > 0 && l.tokens[i].Glued && (l.kind(i-1) == portuguese.Word || anyOf(l.fold(i-1), "/", ":", "#", "-", "@")) {
			h.class = thingHead
			return h, true
		}
		if anyOf(l.fold(i-1), "numero", "pedido", "rua", "av", "sala", "bloco", "plano", "em", "desde", "de", "ano") && h.n > 1900 && h.n < 2100 && l.stop(n.To, true) || anyOf(l.fold(i-1), "pedido", "boleto", "protocolo", "sala", "nota", "dia", "ddd", "nf", "apto", "km") {
			h.class = thingHead
			return h, true
		}
		k := n.To
		if l.kind(k) == portuguese.Word && anyOf(l.fold(k), "outros", "outras", "outro", "outra", "bons", "boas", "novos", "novas", "jovens", "de", "ou", "a", "ate") && (peopleNoun(l.fold(k + 1))) {
			if !anyOf(l.fold(k), "ou", "a", "ate") {
				k++
			}
		}
		switch v := l.fold(k); {
		case l.kind(k) != portuguese.Word:
		case words().things[v]:
			h.class = thingHead
			h.to = k + 1
			return h, true
		case peopleNoun(v):
			h.class = peopleHead
			h.to = k + 1
			h.tail(l)
		case anyOf(v, "no", "na", "nos", "nas", "em", "do", "da", "pro", "pra") && l.kind(k+1) == portuguese.Word && !anyOf(l.fold(k+1), "total", "verdade", "maximo", "minimo", "momento", "real", "todo", "media", "tarde", "manha", "noite", "ano", "mes", "epoca", "vdd", "gente"):
			if !n.Article {
				h.class = placeHead
				h.to = k + 2
				if anyOf(l.fold(k+1), "equipe", "time", "empresa") {
					h.class = peopleHead
				}
			}
		case words().common[v] || l.stop(k, true) || verbal(v):
		default:
			h.class = otherHead
			h.to = k + 1
			if n.Article {
				if words().firstNames[v] {
					h.class = oneHead
				}
			}
		}
		if n.Article && h.class == aloneHead {
			ends := l.stop(h.to, true) || anyOf(l.fold(h.to), "por", "aqui", "mesmo", "so", "hoje", "ate", "no")
			if ends && (anyOf(l.fold(i-1), "mais", "so", "somos", "apenas", "somente") || l.stop(i-1, true) && l.stop(h.to, true)) {
				return h, true
			}
			return head{}, false
		}
		return h, true
	}
	if anyOf(l.fold(i-1), ",", "e") && relation(w) && !strings.HasSuffix(w, "s") {
		return head{from: i, to: i + 1, n: 1, class: oneHead}, true
	}
	if anyOf(w, "o", "a", "meu", "minha", "nosso", "nossa") {
		k := i + 1
		if anyOf(l.fold(k), "meu", "minha") {
			k++
		}
		v := l.fold(k)
		if l.kind(k) != portuguese.Word || !(relation(v) || words().people[v] && !anyOf(v, "pessoal", "gente", "pessoas", "cara", "galera") || words().firstNames[v] && upper(l, k)) || strings.HasSuffix(v, "s") && !words().firstNames[v] {
			return head{}, false
		}
		h := head{from: i, to: k + 1, n: 1, class: oneHead}
		h.tail(l)
		return h, true
	}
	if anyOf(w, "casal", "dupla") {
		return head{from: i, to: i + 1, n: 2, class: peopleHead}, true
	}
	if w == "trio" {
		return head{from: i, to: i + 1, n: 3, class: peopleHead}, true
	}
	return head{}, false
}

// verbal says whether a word's ending is a verb's or an adverb's, so that it is no noun.
func verbal(w string) bool {
	for _, ending := range []string{"ando", "endo", "indo", "amos", "emos", "imos", "mente"} {
		if len(w) > len(ending)+1 && strings.HasSuffix(w, ending) {
			return true
		}
	}
	return false
}

// tail takes what describes people: "da limpeza", "no comercial", "fixo".
func (h *head) tail(l *line) {
	if anyOf(l.fold(h.to), "fixo", "fixos", "clt", "pj", "internos", "externos", "interno", "externo", "efetivos", "registrados", "registrado") {
		h.to++
	}
	if anyOf(l.fold(h.to), "do", "da", "no", "na", "de", "dos", "das", "nas", "nos", "em") && l.kind(h.to+1) == portuguese.Word && !anyOf(l.fold(h.to+1), "total", "verdade", "momento", "manha", "tarde", "noite") {
		h.to += 2
	}
}

func upper(l *line, i int) bool {
	if i < 0 || i >= len(l.tokens) {
		return false
	}
	s := l.text[l.tokens[i].Start:l.tokens[i].End]
	return s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 0x80 && strings.ToLower(s) != s
}

// group is one or more heads that are added up.
type group struct {
	from, to int
	n        int
	heads    int
	people   bool // somebody in it is surely a person
	score    int
	corrects bool
	line     *line
}

// groups reads the heads of a line and adds up those that stand in a row.
func groups(l *line, now []bool) []group {
	var found []group
	for i := 0; i < len(l.tokens); {
		h, ok := headAt(l, i, now)
		if !ok {
			i++
			continue
		}
		i = h.to
		g := group{from: h.from, to: h.to, n: h.n, heads: 1, people: h.class == peopleHead || h.class == selfHead || h.class == oneHead, line: l}
		if h.class == thingHead || h.class == otherHead {
			if h.class == otherHead {
				g.score = -2
				found = append(found, g)
			}
			continue
		}
		chain := []head{h}
		for {
			j := i
			for j < len(l.tokens) && j < i+4 && (anyOf(l.fold(j), ",", "e", "mais", "+", "tem", "tenho", "outros", "so", "os", "as", "tambem")) {
				j++
			}
			next, ok := headAt(l, j, now)
			if !ok || next.class == thingHead || next.class == otherHead || l.has(h.from-2, h.from, "entre") {
				break
			}
			if j == i && next.class != placeHead && next.class != peopleHead && next.class != selfHead {
				break
			}
			if j == i && chain[len(chain)-1].class == aloneHead {
				break
			}
			last := chain[len(chain)-1]
			if last.class == aloneHead && next.class != selfHead && last.from == h.from && len(chain) == 1 && l.fold(i) == "," && next.n > last.n {
				// "uns 10, 12": a range, which counts by its lower end.
				i = next.to
				break
			}
			if last.class == aloneHead && len(chain) == 1 && (l.fold(i) == "," && next.class != selfHead) && !l.has(i, j, "e", "mais") {
				break
			}
			if last.class == oneHead && l.has(i, j, "tem", "tenho") {
				break // "meu primo tem 50"
			}
			if anyOf(l.fold(next.to), "sao", "sendo", "fica", "ficam", "e") && next.to < len(l.tokens) && anyOf(l.fold(next.to), "sao", "ficam") || l.has(i, j, "tem", "tenho") && last.class == aloneHead {
				break
			}
			chain = append(chain, next)
			i = next.to
		}
		if len(chain) == 1 {
			// "10 a 12", "10-12", "10 ou 12"
			if anyOf(l.fold(i), "a", "ou", "-", "ate", "–") {
				k := i + 1
				if anyOf(l.fold(k), "uns", "umas") {
					k++
				}
				if n, ok := portuguese.NumberAt(l.tokens, k); ok && n.Value > h.n {
					end, _ := headAt(l, k, now)
					if end.class == thingHead && words().things[l.fold(end.to-1)] {
						i = end.to
						continue
					}
					g.people = g.people || end.class == peopleHead
					i = max(end.to, n.To)
					g.to = i
				}
			} else if h.class == aloneHead && l.has(h.from-2, h.from, "entre") && l.fold(i) == "e" {
				if n, ok := portuguese.NumberAt(l.tokens, i+1); ok {
					i = n.To
					g.to = i
				}
			}
		}
		if len(chain) > 1 {
			sum, rest := 0, 0
			for k, c := range chain {
				sum = min(sum+c.n, maxTeam)
				if k > 0 {
					rest += c.n
				}
				g.people = g.people || c.class == peopleHead || c.class == placeHead || c.class == selfHead || c.class == oneHead
			}
			g.n = sum
			if rest == h.n && len(chain) > 2 && h.class != placeHead {
				g.n = h.n
			}
			g.heads = len(chain)
			g.to = chain[len(chain)-1].to
		} else if h.class == oneHead {
			continue // "o meu chefe" alone counts nobody
		} else if h.class == selfHead {
			if !anyOf(l.fold(h.from-1), "so", "somente", "apenas", "sou", "eh", "e") && !anyOf(l.fold(h.to), "sozinho", "sozinha", "so", "apenas") {
				continue
			}
			if anyOf(l.fold(h.from-1), "so", "somente", "apenas", "sou") {
				g.from--
			} else if anyOf(l.fold(h.to), "sozinho", "sozinha", "so", "apenas") {
				g.to++
			} else {
				continue
			}
		} else if h.class == placeHead {
			g.people = false
		}
		found = append(found, g)
	}
	return found
}

// teamOf reads how many people there are.
func (t *turn) teamOf() {
	asked := t.ask == TeamSize
	_, known := t.state.Values[TeamSize]
	var b *group
	consider := func(g group) {
		if b == nil || g.score > b.score || g.corrects && g.score > 0 {
			b = &g
		}
	}
	for _, l := range t.lines {
		skip := t.dated(l)
		for gi, g := range groups(l, skip) {
			t.weighGroup(&g, asked, gi > 0)
			limit := 3
			if asked || t.ask == "" && t.state.Last == TeamSize && g.corrects || known && g.corrects && t.state.Last == TeamSize {
				limit = 1
			}
			if !known && !asked && onlyNumber(l) && g.heads == 1 && t.state.asks(TeamSize) && !anyOf(string(t.ask), string(Phone), string(CNPJ), string(Times), string(Free)) {
				limit = 0 // a lone number that can only answer the question before
			}
			if known && !asked && !g.corrects && g.score < 4 && !t.anyCorrects() {
				continue
			}
			if g.score >= limit && g.n >= 0 && g.n <= maxTeam {
				consider(g)
			}
		}
		if from, to, ok := alone(l, asked); ok {
			consider(group{line: l, from: from, to: to, n: 1, score: 3, heads: 1})
		}
	}
	if b == nil || b.n == 0 {
		return
	}
	how := Answered
	switch {
	case b.heads > 1:
		how = Counted
	case !asked:
		how = Offered
	}
	t.learn(Value{Kind: TeamSize, Text: strconv.Itoa(b.n), How: how, Quotes: []Quote{b.line.quote(b.from, b.to)}})
}

// alone reads "trabalho sozinha", "sou só eu".
func alone(l *line, asked bool) (from, to int, ok bool) {
	for i := range l.tokens {
		if !anyOf(l.fold(i), "sozinho", "sozinha", "sozinhos", "solo") {
			continue
		}
		c, _ := l.clause(i, true)
		if l.has(c, i, "nao", "nunca", "n") {
			continue
		}
		if anyOf(l.fold(i-1), "trabalho", "to", "tou", "estou", "sou", "atendo", "toco", "faco", "fico", "cuido", "tudo", "eu") {
			return i - 1, i + 1, true
		}
		if asked {
			return i, i + 1, true
		}
	}
	for i := range l.tokens {
		if l.fold(i) == "eu" && anyOf(l.fold(i+1), "mesmo", "mesma") && asked && l.has(i, len(l.tokens), "faco tudo", "que faco", "faz tudo", "cuido") {
			return i, i + 2, true
		}
	}
	return 0, 0, false
}

// dated says which tokens of a line belong to days and hours, which count no people.
func (t *turn) dated(l *line) []bool {
	skip := make([]bool, len(l.tokens)+1)
	for _, item := range portuguese.Items(l.tokens, t.now, false) {
		if item.Kind == portuguese.Clock && t.ask != Times && item.Spell == 0 && !l.has(item.From, item.To, ":", "h", "hs", "hr", "hrs", "hora", "horas", "as", "das", "pelas", "meia") {
			continue // "hoje 22" is an hour only where one was asked for
		}
		for i := item.From; i < item.To; i++ {
			skip[i] = true
		}
	}
	return skip
}

// weighGroup says how surely a number counts the customer's own people of today.
// after says that another number stands before it in the line.
func (t *turn) weighGroup(g *group, asked, after bool) {
	l := g.line
	from, to := l.clause(g.from, true)
	if to < g.to {
		_, to = l.clause(g.to-1, true)
	}
	wide, _ := l.clause(g.from, false)
	// Speech without punctuation is one long clause: only what is near counts.
	from, to = max(from, g.from-7), min(to, g.to+6)
	s := g.score
	if asked {
		s++
		if l.fold(g.to) == "" && g.from == 0 {
			s++
		}
	}
	if g.people {
		s += 2
	}
	own := l.has(from, to, "somos", "somo", "tenho", "temos", "tem", "trabalham", "trabalhamos", "trabalhando", "equipe", "time", "nois em", "nos em", "a gente e", "gente tem", "a gente ta em", "contamos", "conto com", "ao todo", "no total", "total de", "hoje", "atualmente", "em media", "pessoas aqui", "gente aqui", "aqui sao", "aqui e", "a minha", "o meu", "estamos em", "estamos com", "to com")
	if anyOf(l.fold(g.from-2), "no", "na", "em") && l.kind(g.from-1) == portuguese.Word && t.bot.has(0, len(t.bot.tokens), l.fold(g.from-1)) {
		s += 2 // "na empresa 80, no comercial 6" to a question about the comercial
	}
	if own || l.fold(g.from-1) == "sao" {
		s++
	}
	if total := l.has(max(0, g.from-2), g.from, "total", "todo", "somando", "tudo", "=", "entao") || l.fold(g.from-1) == "da" && !g.people || l.has(g.to, min(to, g.to+3), "no total", "ao todo", "total"); total && g.heads == 1 && (asked || g.to == len(l.tokens) && after) {
		s += 3
	}
	if anyOf(l.fold(g.from-1), "somos", "somo") || l.fold(g.from-1) == "em" && anyOf(l.fold(g.from-2), "somos", "somo") {
		s += 2
	}
	if g.people && from == g.from && to == g.to {
		s++
	}
	if l.fold(g.from-1) == "de" && anyOf(l.fold(g.from-2), "equipe", "time", "quadro") {
		s += 3
	}
	// What is denied, over, planned, or somebody else's.
	if l.has(from, g.from, "nao sao", "nao e", "nao somos", "nao tem", "nao temos", "nao tenho") && !l.has(from, g.from, "so") {
		s -= 4
	}
	if l.has(from, to, "eramos", "era", "eram", "tinha", "tinhamos", "fomos", "ja fui", "ano passado", "antigamente", "chegamos a", "ja tivemos", "demiti", "demitimos", "sairam", "saiu", "faliu", "perdemos") {
		s -= 4
	}
	if l.has(from, to, "vai entrar", "vao entrar", "entram", "contratar", "contratando", "pretendo", "pretendemos", "chegar a", "quero ter", "queremos ter", "meta", "vamos ter", "vou ter", "mes que vem", "mes q vem", "ano que vem", "vaga", "vagas", "futuro", "vem mais") {
		s -= 4
	}
	if l.has(from, to, "concorrente", "concorrencia", "deles", "dela", "dele", "por dia", "por mes", "por semana", "na fila") {
		s -= 3
	}
	if anyOf(l.fold(g.to), "cada") {
		s -= 6 // of each, so not of all
	}
	for i := from; i < g.from; i++ {
		if (anyOf(l.fold(i), "da", "do", "na", "no")) && anyOf(l.fold(i+1), "minha", "meu", "outra", "outro") && (relation(l.fold(i+2)) || anyOf(l.fold(i+1), "outra", "outro")) {
			s -= 4
		}
	}
	if l.has(from, g.from, "so por", "usado por", "usa", "usam", "usar", "usariam", "usaria") && !t.bot.has(0, len(t.bot.tokens), "usar", "usam", "usariam", "usaria", "usuarios", "acesso") {
		s -= 2
	}
	if l.has(from, to, "sendo", "deles", "desses", "delas", "dessas", "dos quais") && g.from > from {
		s -= 2
	}
	if l.question() && !asked {
		s -= 3
	}
	if l.has(g.to, min(g.to+2, len(l.tokens)), "usuarios", "usuario") && !asked {
		s -= 3
	}
	g.score = s
	g.corrects = l.corrects(from, to)
	if before, _ := l.clause(max(0, from-2), true); from >= 2 && from-before <= 4 {
		g.corrects = g.corrects || l.corrects(before, from) // "não, 15"
	}
	if l.fold(g.from-1) == ":" && anyOf(l.fold(g.from-2), "equipe", "time", "funcionarios", "colaboradores", "pessoas", "vendedores") {
		s += 3
		g.score = s
	}
	if g.heads == 1 && from > 0 && l.has(wide, from, "nao sao", "nao e") {
		g.corrects = true
	}
	// The verb and "equipe:" belong to the quote.
	for g.from > 0 && anyOf(l.fold(g.from-1), ":", "somos", "equipe", "hoje", "time") {
		g.from--
	}
}
