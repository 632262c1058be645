package slot

import "secretaria/internal/portuguese"

// companyOf reads the company: labelled, after "a empresa é", behind a name, or as asked.
func (t *turn) companyOf() {
	_, has := t.state.Values[Company]
	lex := words()
	for n, l := range t.lines {
		if from, to, ok := labelled(l, "empresa", "razao social", "nome fantasia", "nome da empresa", "firma", "loja"); ok && t.said(Company, l, from, to, Offered) {
			return
		}
		phrases := l.among("a empresa e", "a empresa agora e", "empresa se chama", "empresa chama", "nome da empresa e", "minha empresa e", "nossa empresa e", "a loja se chama", "a loja chama", "a clinica se chama", "a gente se chama", "nos somos a", "somos a", "aqui e da", "aqui e do", "da empresa", "na empresa", "pela empresa", "falo da", "falo do", "sou da", "sou do", "trabalho na", "trabalho no", "falando da", "falando do", "de la empresa", "mi empresa es", "la empresa es", "la empresa se llama", "i work at", "i work for", "my company is", "our company is")
		for i := range l.tokens {
			for _, p := range phrases {
				end := l.phrase(i, p)
				if end == i || l.kind(end) != portuguese.Word {
					continue
				}
				if anyOf(l.fold(end), "a", "o") {
					end++
				}
				if l.fold(end) == "empresa" && l.kind(end+1) == portuguese.Word {
					end++ // "sou da empresa Solar"
				}
				if end >= len(l.tokens) || !upper(l, end) && !lex.companies[l.fold(end)] {
					continue
				}
				last := companyEnd(l, end)
				if last == end+1 && lex.companies[l.fold(end)] {
					continue // "aqui é do hospital" names none
				}
				if t.said(Company, l, end, last, Offered) {
					return
				}
			}
		}
		if !has {
			if n > 0 && t.companyBelow(t.lines[n-1], l) {
				return
			}
			// "Rui, da Padaria Sol", "rui da padaria sol", "gerente da Padaria Sol"
			for i := 1; i+1 < len(l.tokens); i++ {
				if anyOf(l.fold(i), "da", "do") && t.from(l, i) {
					return
				}
				if anyOf(l.fold(i), "da", "do", "na", "no") && namesCompany(l.fold(i+1)) {
					before := l.fold(i - 1)
					if before == "," && i > 1 {
						before = l.fold(i - 2)
					}
					if !(before == hidden || lex.firstNames[before] || lex.roles[before]) {
						continue
					}
					end := companyEnd(l, i+1)
					if end > i+2 && t.said(Company, l, i+1, end, Offered) {
						return
					}
				}
			}
		}
	}
	if t.ask != Company {
		t.companyInOrder()
		return
	}
	for _, l := range t.lines {
		l = l.answer()
		if n, only := l.toolsAlone(); l.question() || t.pointless(l) || l.fold(0) == "*" || l.aboutRole() || n > 1 || n > 0 && only {
			continue
		}
		from := 0
		for from < len(l.tokens) && (anyOf(l.fold(from), "e", "eh", "a", "o", "empresa", "se", "chama", "nome", "da", "minha", "nossa", "oi", ",", "aqui", "na", "no", "sou", ":", "ah", "fica", "verdade") && !(upper(l, from) && from > 0 && anyOf(l.fold(from), "empresa", "nome")) || l.fold(from) == hidden || l.kind(from) == portuguese.Break) {
			from++
		}
		to := from
		for to < len(l.tokens) && !l.stop(to, true) && l.fold(to) != hidden {
			to++
		}
		if to-from > 9 || l.has(from, to, "nao", "quero", "vcs", "voces", "depois", "pra que") || l.aboutElse(Company, from, to) || to-from <= 3 && lex.roles[l.fold(from)] && !upper(l, from) || l.nothing(from, to) ||
			anyOf(l.fold(from), "as", "os", "nenhum", "nenhuma", "perdemos", "estamos", "temos", "sou", "voltei") && !upper(l, from) {
			continue // "dona" is who she is, "as vendas caíram" no name
		}
		if t.said(Company, l, from, to, Answered) {
			return
		}
	}
}

// namesCompany says whether a word of a company's kind may begin its name: "Padaria Sol". The
// others mostly begin what is no name, "do financeiro".
func namesCompany(w string) bool {
	return words().companies[w] && !anyOf(w, "empresa", "centro", "casa", "loja", "me", "financeiro", "comercial", "curso", "cursos", "grupo", "espaco")
}

// from reads "João Silva, da Acme Ltda" and "a Júlia da Nuvem Azul": behind the name two
// words with capitals that are no place.
func (t *turn) from(l *line, i int) bool {
	before := i - 1
	if l.fold(before) == "," {
		before--
	}
	if l.fold(before) != hidden || i+2 >= len(l.tokens) || l.kind(i+1) != portuguese.Word || l.kind(i+2) != portuguese.Word || !upper(l, i+1) || !upper(l, i+2) {
		return false
	}
	if w := l.fold(i + 1); words().firstNames[w] || title(w) || anyOf(w, "rio", "mato", "minas", "espirito", "santa", "santo", "sao", "belo", "porto", "distrito", "campo", "nova", "foz", "unidade", "setor", "rua", "bairro", "vila", "jardim") {
		return false
	}
	to := companyEnd(l, i+1)
	return to > i+2 && l.stop(to, true) && t.said(Company, l, i+1, to, Offered)
}

// companyBelow reads the company from a message of its own behind the one that ends with the
// name: "Sou a Carla Nunes", "da Padaria Trigo Bom".
func (t *turn) companyBelow(above, l *line) bool {
	name, given := t.learned[Name]
	end := len(above.tokens)
	for end > 0 && (anyOf(above.fold(end-1), ".", ",", "!") || above.kind(end-1) == portuguese.Break) {
		end--
	}
	if !given || len(name.Quotes) == 0 || name.Quotes[len(name.Quotes)-1].Message != above.index || above.fold(end-1) != hidden {
		return false
	}
	from := 0
	if anyOf(l.fold(0), "da", "do", "na", "no") {
		from = 1
	} else if len(l.tokens) < 2 || !upper(l, 0) || !upper(l, 1) {
		return false
	}
	if !namesCompany(l.fold(from)) {
		return false
	}
	to := companyEnd(l, from)
	return to > from+1 && l.stop(to, true) && t.said(Company, l, from, to, Offered)
}

// companyInOrder reads the company behind the name where both questions were left open and
// are answered in one line: "Maria, Ateliê da Maria, somos duas".
func (t *turn) companyInOrder() {
	if !t.asks(Company) {
		return
	}
	for _, l := range t.lines {
		for i := 1; i+1 < len(l.tokens); i++ {
			if l.fold(i) != "," || l.fold(i-1) != hidden || l.kind(i+1) != portuguese.Word || !upper(l, i+1) && !words().companies[l.fold(i+1)] {
				continue
			}
			to := i + 1
			for to < len(l.tokens) && !l.stop(to, true) {
				to++
			}
			if to-i <= 8 && t.said(Company, l, i+1, to, Answered) {
				return
			}
		}
	}
}

func companyEnd(l *line, from int) int {
	capital := upper(l, min(from+1, len(l.tokens)-1))
	to := from
	for to < len(l.tokens) && to < from+8 {
		w := l.fold(to)
		if w == "&" || w == "'" || w == "-" && l.tokens[to].Glued && to+1 < len(l.tokens) && l.tokens[to+1].Glued {
			to++
			continue
		}
		if l.kind(to) != portuguese.Word && l.kind(to) != portuguese.Digits || l.stop(to, true) {
			break
		}
		if to > from && (anyOf(w, "e", "mas", "que", "aqui", "em", "no", "na", "eu", "queria", "gostaria", "quero", "com", "tem", "tudo", "meu", "minha", "fica") && !(w == "e" && capital && to+1 < len(l.tokens) && upper(l, to+1))) {
			break
		}
		to++
	}
	for to > from+1 && particle(l.fold(to-1)) {
		to--
	}
	return to
}
