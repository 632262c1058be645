package slot

import (
	"strings"
	"unicode/utf8"

	"secretaria/internal/portuguese"
)

const maxText = 500 // characters of a company, a role, a pain, or anything free

// parseText trims what was said in words.
func parseText(s string) (string, Code) {
	s = strings.Trim(s, " \t\r\n.,;:!*\"")
	switch {
	case !utf8.ValidString(s):
		return "", Malformed
	case s == "":
		return "", Empty
	case utf8.RuneCountInString(s) > maxText:
		return "", TooLong
	}
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' {
			return "", Malformed
		}
	}
	return s, ""
}

// said notes tokens[from:to] of a line as the value of a slot of words.
func (t *turn) said(kind Kind, l *line, from, to int, how How) bool {
	for to > from && l.kind(to-1) != portuguese.Word && l.kind(to-1) != portuguese.Digits {
		to--
	}
	for from < to && l.kind(from) != portuguese.Word && l.kind(from) != portuguese.Digits {
		from++
	}
	if to <= from {
		return false
	}
	q := l.quote(from, to)
	text, code := parseText(q.Text)
	if code != "" {
		return false
	}
	q.Text = text
	t.learn(Value{Kind: kind, Text: text, How: how, Quotes: []Quote{q}})
	return true
}

// labelled returns what stands behind "Empresa:" and the like, up to the end of the line.
func labelled(l *line, labels ...string) (from, to int, ok bool) {
	for i := range l.tokens {
		for _, label := range labels {
			end := l.phrase(i, label)
			if end == i || l.fold(end) != ":" && label != "razao social" && label != "nome fantasia" {
				continue
			}
			if l.fold(end) == ":" {
				end++
			}
			to := end
			for to < len(l.tokens) && l.kind(to) != portuguese.Break && l.fold(to) != "," && l.fold(to) != ";" {
				to++
			}
			return end, to, to > end
		}
	}
	return 0, 0, false
}

// aboutRole says whether the line tells what the customer is: "sou gerente de vendas".
func (l *line) aboutRole() bool {
	i := 0
	for anyOf(l.fold(i), "eu", "aqui", "bom", "ah", "oi", ",", "na", "verdade", "alias", "digo", "ops", "corrigindo", "e", "mas", "agora") {
		i++
	}
	switch {
	case anyOf(l.fold(i), "sou", "trabalho", "atuo", "soy"):
		i++
	case l.phrase(i, "i am") > i:
		i += 2
	case l.phrase(i, "i ' m") > i, l.phrase(i, "i ’ m") > i:
		i += 3
	default:
		return false
	}
	for ; anyOf(l.fold(i), "o", "a", "um", "uma", "como", "el", "la", "the", "an"); i++ {
	}
	if anyOf(l.fold(i), "ceo", "cto", "cfo", "owner", "founder", "manager") {
		return true
	}
	return words().roles[l.fold(i)] && !upper(l, i)
}

// nothing says whether tokens[from:to] only say that there is none.
func (l *line) nothing(from, to int) bool {
	return to == from+1 && anyOf(l.fold(from), "nada", "nenhum", "nenhuma", "none", "nothing", "ninguno", "ninguna")
}

// aboutElse says whether a clause speaks of something else than its kind: it names another
// slot, corrects one, or says how many there are. A pain may name anything, unless that was
// given with it.
func (l *line) aboutElse(kind Kind, from, to int) bool {
	taken := l.mends
	for i := from; i < to; i++ {
		taken = taken || l.fold(i) == hidden
	}
	if (kind == Role || kind == Pain && l.mends) && l.has(from, to, "usamos", "utilizamos", "a gente usa", "nos usamos") {
		return true
	}
	if kind != Role && l.mends && l.aboutRole() {
		return true
	}
	if kind != Pain && l.has(from, to, "somos") {
		return true
	}
	for _, k := range mentions(l, from, to) {
		switch {
		case k == kind:
		case (k == Email || k == Name || k == CNPJ) && (kind != Pain || taken), k == TeamSize && kind == Role, k == Company && l.mends:
			return true
		}
	}
	return false
}

// roleOf reads what the customer does there.
func (t *turn) roleOf() {
	lex := words()
	for _, l := range t.lines {
		if from, to, ok := labelled(l, "cargo", "funcao", "profissao"); ok && t.said(Role, l, from, to, Offered) {
			return
		}
	}
	if t.ask == Role {
		for _, l := range t.lines {
			l = l.answer()
			if n, _ := l.toolsAlone(); l.question() || t.pointless(l) || n > 0 || anyOf(l.fold(0), "meu", "minha") && lex.roles[l.fold(1)] {
				continue // "meu supervisor pediu" tells of somebody else
			}
			from := 0
			for from < len(l.tokens) && anyOf(l.fold(from), "sou", "eu", "o", "a", "e", "aqui", "meu", "cargo", ",", "como", "atuo", "trabalho", "oi", "ah", "faco", "na", "verdade", "soy", "el", "la", "i", "'", "’", "m", "am", "the") {
				from++
			}
			to := from
			for to < len(l.tokens) && !l.stop(to, true) {
				to++
			}
			if to-from <= 8 && !l.aboutElse(Role, from, to) && !l.nothing(from, to) && t.said(Role, l, from, to, Answered) {
				return
			}
		}
		return
	}
	_, has := t.state.Values[Role]
	for _, l := range t.lines {
		if has && !l.mends {
			continue // what is known changes where he says that it was wrong
		}
		if t.ask == Company && len(l.tokens) == 1 && lex.roles[l.fold(0)] && !upper(l, 0) && t.said(Role, l, 0, 1, Offered) {
			return // "dona", where the company was asked for
		}
		for i := range l.tokens {
			if !lex.roles[l.fold(i)] || l.kind(i) != portuguese.Word || anyOf(l.fold(i), "vendas", "compras", "comercial", "financeiro", "marketing", "responsavel", "caixa", "ti", "mei", "personal", "autonomo", "autonoma") {
				continue
			}
			p := i - 1
			if anyOf(l.fold(p), "o", "a", "novo", "nova", "atual") {
				p--
			}
			if anyOf(l.fold(p), "o", "a") {
				p--
			}
			if anyOf(l.fold(p), "sou", "como") || l.fold(p) == "," && l.fold(p-1) == hidden || l.fold(p) == hidden || l.fold(p) == "," && l.stop(i+1, true) && t.introducedIn(l) {
				to := i + 1
				if anyOf(l.fold(to), "de", "comercial", "geral", "administrativo", "financeiro", "financeira", "administrativa") && !lex.companies[l.fold(to+1)] {
					to++
					if l.fold(to-1) == "de" && l.kind(to) == portuguese.Word {
						to++
					}
				}
				t.said(Role, l, i, to, Offered)
				return
			}
		}
	}
}

// introducedIn says whether the customer gave the own name in this line of the turn.
func (t *turn) introducedIn(l *line) bool {
	v, ok := t.learned[Name]
	return ok && len(v.Quotes) > 0 && v.Quotes[0].Message == l.index && v.How == Offered
}

// toolsOf splits the answer about tools into items.
func (t *turn) toolsOf() {
	_, has := t.state.Values[Tools]
	v := Value{Kind: Tools, How: Answered}
	for _, l := range t.lines {
		if t.ask != Tools && has && !l.mends {
			continue
		}
		l = l.answer()
		if l.question() || t.pointless(l) {
			continue
		}
		if t.ask == Tools && l.aboutRole() {
			continue
		}
		if t.ask == Tools && l.mends && l.aboutElse(Tools, 0, len(l.tokens)) {
			continue
		}
		if len(v.List) > 0 && len(l.tokens) > 5 && !anyOf(l.fold(0), "e", "mais", "tambem", "alem") {
			continue // a second line goes on with the list only where it says so
		}
		start := 0
		if t.ask != Tools {
			// Unasked only where it is said plainly.
			start = -1
			for i := range l.tokens {
				for _, p := range []string{"usamos", "utilizamos", "a gente usa", "e tudo no", "e tudo na", "tudo no", "hoje uso"} {
					if end := l.phrase(i, p); end > i && start < 0 && !anyOf(l.fold(i-1), "nao", "n", "nunca") {
						start = end
					}
				}
			}
			if start < 0 && t.toolsUnasked(l) {
				start = 0
			}
			if start < 0 {
				continue
			}
		}
		for i := range l.tokens {
			if t.ask == Tools && anyOf(l.fold(i), "uso", "usa", "usamos", "usando", "utilizo", "utilizamos", "pelo", "pela", "temos", "tenho") && !anyOf(l.fold(i-1), "nao") {
				start = i + 1
			}
		}
		from := start
		flush := func(to int) {
			for from < to && anyOf(l.fold(from), "o", "a", "um", "uma", "so", "no", "na", "hoje", "e", "tal", "de", "mais", "tambem", "agora", "os", "as", "do", "da", "apenas", "basicamente") {
				from++
			}
			for to > from && laughs(l.fold(to-1)) {
				to--
			}
			if l.aboutElse(Tools, from, to) {
				return
			}
			if to-from > 4 {
				// "a gente se vira no caderno"
				for i := to - 1; i > from && i > to-4; i-- {
					if anyOf(l.fold(i-1), "no", "na", "com", "pelo", "pela") {
						from = i
						break
					}
				}
			}
			if to <= from || to-from > 4 {
				return
			}
			q := l.quote(from, to)
			if text, code := parseText(q.Text); code == "" && len(v.List) < 12 {
				v.List = append(v.List, text)
				v.Quotes = append(v.Quotes, Quote{Message: q.Message, Text: text})
			}
		}
		for i := start; i <= len(l.tokens); i++ {
			if l.stop(i, true) || anyOf(l.fold(i), "e", "mais", "+", "/", "(", ")", "mas", "pra", "para", "tambem") {
				flush(i)
				from = i + 1
			}
			if l.stop(i, false) || anyOf(l.fold(i), "mas", "pra", "para") {
				break
			}
		}
	}
	if len(v.List) > 0 {
		t.learn(v)
	}
}

// toolsAlone counts the tools of a line that names well-known ones and says nothing else. only
// says that it does so in words, "só planilha", "uso o Excel", and not by their names alone,
// which may be those of somebody's company.
func (l *line) toolsAlone() (n int, only bool) {
	for i := range l.tokens {
		w := l.fold(i)
		switch {
		case words().tools[w]:
			n++
		case anyOf(w, "so", "somente", "apenas", "uso", "usamos", "usa", "basicamente"):
			only = true
		case anyOf(w, "a", "o", "as", "os", "um", "uma", "umas", "no", "na", "do", "da", "de", "e", "com", "mais", "tambem", "mesmo", "hoje", "gente", "nos", "aqui", "google", "business", "station", "nosso", "nossa", "agenda"):
		case l.kind(i) == portuguese.Word || l.kind(i) == portuguese.Digits || w == hidden || w == "?":
			return 0, false
		}
	}
	return n, only
}

// toolsUnasked says whether a line that was to answer another question can only answer the
// one for the tools: an open one, or where the answer would make no sense.
func (t *turn) toolsUnasked(l *line) bool {
	n, only := l.toolsAlone()
	switch t.ask {
	case "", Name, Company, Role:
		return n > 1 || n > 0 && only && t.asks(Tools)
	case Pain, TeamSize, CNPJ:
		return n > 0 && t.asks(Tools)
	}
	return false // "só WhatsApp" is how somebody wants to be reached
}

// laughs says whether a word is written laughter: "kkkk", "rsrs", "haha".
func laughs(w string) bool {
	return len(w) > 1 && (strings.Trim(w, "k") == "" || strings.Trim(w, "rs") == "" || strings.Trim(w, "ha") == "" || strings.Trim(w, "he") == "")
}

// painOf takes the answer about the main difficulty.
func (t *turn) painOf() {
	_, has := t.state.Values[Pain]
	for _, l := range t.lines {
		if t.ask != Pain && has && !l.mends {
			continue
		}
		l = l.answer()
		if n, _ := l.toolsAlone(); l.question() || t.pointless(l) || n > 0 && t.asks(Tools) {
			continue
		}
		from := 0
		for i := range l.tokens {
			for _, p := range []string{"dificuldade e que", "dor e que", "problema e que", "problema e", "dificuldade e", "dor e"} {
				if end := l.phrase(i, p); end > i && i < 6 && from == 0 {
					from = end
				}
			}
		}
		if from == 0 && t.ask != Pain {
			continue
		}
		to := from
		for to < len(l.tokens) && !l.stop(to, true) {
			to++
		}
		if to-from >= 2 && !l.aboutElse(Pain, from, to) && t.said(Pain, l, from, to, Answered) {
			return
		}
	}
}

// freeOf takes the answer to a question of which nothing more is known.
func (t *turn) freeOf() {
	if t.ask != Free {
		return
	}
	for _, l := range t.lines {
		l = l.answer()
		if len(l.tokens) == 0 || l.question() {
			continue
		}
		if t.said(Free, l, 0, len(l.tokens), Answered) {
			return
		}
	}
}

// yesNoOf reads an answer of yes or no. What says both says neither.
func (t *turn) yesNoOf() {
	if t.ask != YesNo {
		return
	}
	for _, l := range t.lines {
		l = l.answer()
		if l.question() {
			continue
		}
		text, code := parseYesNo(l.quoted())
		if code != "" {
			continue
		}
		if !t.said(YesNo, l, 0, len(l.tokens), Answered) {
			continue
		}
		v := t.state.Values[YesNo]
		v.Text = text
		t.learn(v)
		return
	}
}

func parseYesNo(s string) (string, Code) {
	l := newLine(0, s)
	n := len(l.tokens)
	if n == 0 {
		return "", Empty
	}
	switch strings.Join(strings.Fields(portuguese.Fold(s)), " ") {
	case "yes", "sim":
		return "yes", ""
	case "no", "nao":
		return "no", ""
	}
	no := l.has(0, n, "nao", "n", "nunca", "nem", "negativo", "nenhum", "nenhuma", "nops", "naum")
	yes := l.has(0, n, "sim", "s", "ss", "claro", "com certeza", "isso", "positivo", "uhum", "aham", "temos sim", "tenho sim", "uso sim", "ja", "pode", "pode ser", "ok", "certo", "exato", "tenho", "temos", "uso", "usamos", "quero", "👍")
	switch {
	case no && l.has(0, n, "sim", "claro") || !no && !yes:
		return "", Malformed
	case no:
		return "no", ""
	}
	return "yes", ""
}

// pointless says whether a line answers no question: an emoji, a greeting, "depois te falo".
func (t *turn) pointless(l *line) bool {
	letters := 0
	for i := range l.tokens {
		if l.kind(i) == portuguese.Word && !anyOf(l.fold(i), "kkk", "kkkk", "rs", "rsrs", "oi", "ola", "ok", "sim", "nao", "bom", "dia", "boa", "tarde", "noite", "obrigado", "obrigada", "tudo", "bem") {
			letters++
		}
	}
	n := len(l.tokens)
	return letters == 0 || l.has(0, n, "nao sei", "depois te", "depois eu", "depois mando", "te mando depois", "mais tarde", "vou ver", "vou verificar", "nao lembro", "nao entendi", "como assim", "pra que", "pq quer", "prefiro nao", "nao quero", "um momento", "um minuto", "ja volto", "to dirigindo", "um instante", "nao vou", "voltei")
}
