package slot

import "slices"

// mentions returns the kinds that tokens[from:to] name.
func mentions(l *line, from, to int) []Kind {
	var kinds []Kind
	add := func(k Kind, phrases ...string) {
		if l.has(from, to, phrases...) && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	add(Email, "email", "e - mail", "emails", "mail", "e mail")
	add(Phone, "telefone", "fone", "celular", "cel", "whatsapp", "zap", "whats", "tel", "numero de telefone", "meu numero")
	add(CNPJ, "cnpj")
	add(Company, "empresa", "firma", "razao social")
	add(Name, "meu nome", "seu nome", "o nome", "se chama", "nome")
	add(Role, "cargo", "funcao")
	add(TeamSize, "quantas pessoas", "quantos funcionarios", "funcionarios", "tamanho da equipe", "tamanho do time", "equipe")
	add(Times, "reuniao", "horario", "agendar", "visita", "call", "demonstracao", "conversa", "ligacao", "agenda")
	if slices.Contains(kinds, Company) || slices.Contains(kinds, CNPJ) {
		if i := slices.Index(kinds, Name); i >= 0 {
			kinds = slices.Delete(kinds, i, i+1)
		}
	}
	return kinds
}

// refusedOf notes what the customer does not want to give, or has not.
func (t *turn) refusedOf() {
	for _, l := range t.lines {
		n := len(l.tokens)
		for from := 0; from < n; {
			to := from
			for to < n && (to == from || !l.stop(to, true)) {
				to++
			}
			t.refusedIn(l, from, to)
			from = to + 1
		}
		if l.has(0, n, "nem um nem outro", "nenhum dos dois", "nenhuma das duas", "nem uma nem outra", "nenhum deles", "nem isso nem aquilo") {
			kinds := mentions(t.bot, 0, len(t.bot.tokens))
			if len(kinds) == 0 && t.ask != "" {
				kinds = []Kind{t.ask}
			}
			for _, k := range kinds {
				t.refuse(k)
			}
		}
	}
}

func (t *turn) refusedIn(l *line, from, to int) {
	if l.has(from, to, "pessoa fisica") && !l.has(from, to, "nao sou") && t.ask == CNPJ {
		t.refuse(CNPJ) // who is no company has none
	}
	if l.has(from, to, "nao sei", "nao lembro", "n lembro", "n sei", "nao sabia", "nao tenho certeza", "nao tenho ele", "nao tenho aqui", "nao tenho agora", "nao tenho em maos", "depois", "mais tarde", "nao tenho a mao", "nao tenho decorado", "nao tenho de cabeca", "de cabeca", "aqui comigo", "ainda nao sei") || to < len(l.tokens) && l.fold(to) == "?" {
		return
	}
	kinds := mentions(l, from, to)
	// "prefiro não", "não quero passar": a will.
	unwilling := l.has(from, to, "prefiro nao", "prefiro n", "prefere nao", "nao quero", "n quero", "nao vou passar", "nao vou dar", "nao vou informar", "nao vou mandar", "n vou passar", "n vou dar", "nao passo", "n passo", "nao informo", "nao dou", "n dou", "nao gostaria de", "nao gosto de passar", "nao gosto de dar", "nao gosto de informar", "nao me sinto", "nao quer",
		"nao posso passar", "nao posso informar", "nao posso dar", "nao posso fornecer", "nao forneco", "nao divulgo", "nao compartilho", "nao autorizo", "sem interesse", "dispenso", "pode pular", "pula essa", "pular essa", "pula", "melhor nao", "me recuso", "recuso", "nem vou passar", "nao interessa", "nao e da sua conta", "nao precisa saber", "nao vou falar", "nao vou dizer", "nao vou responder", "nao vou fornecer", "nao te passo", "deixa quieto", "nao quero passar", "nao vou colocar", "jamais", "de jeito nenhum", "nao quero informar", "passo essa", "anonimo", "anonima", "nao tenho interesse", "nao ha interesse")
	// "não tenho CNPJ", "sem e-mail": nothing to give.
	lacking := l.has(from, to, "nao tenho", "n tenho", "nao temos", "n temos", "sem", "nao possuo", "nao existe", "nao ha", "nao uso", "nao tem", "n uso", "n tem", "nao possuimos", "nem tenho", "nem tem", "num tenho", "nunca tive", "nao criei", "nao abri", "ainda nao tenho", "nao tive")
	// "telefone não, só e-mail"
	denied := false
	for i := from; i < to; i++ {
		if anyOf(l.fold(i), "nao", "n") && i == to-1 && i > from && to-from <= 5 {
			denied = true
		}
	}
	denied = denied && len(kinds) > 0 && !l.has(from, to, "so", "agora")
	switch {
	case unwilling && len(kinds) > 0:
	case unwilling && t.ask != "":
		if l.has(from, to, "nao quero mais", "nao quero incomodar", "nao quero errar") {
			return
		}
		kinds = []Kind{t.ask}
	case lacking && len(kinds) > 0:
		if l.has(from, to, "sem problema", "sem problemas", "sem pressa", "sem duvida", "nao tem problema", "nao tem como", "sem compromisso") {
			return
		}
		if t.ask == CNPJ && slices.Equal(kinds, []Kind{Company}) {
			kinds = []Kind{CNPJ} // no company, no CNPJ
		}
		kinds = slices.DeleteFunc(kinds, func(k Kind) bool { return k == Times || k == TeamSize && t.ask != TeamSize })
	case lacking && t.ask != "" && to-from <= 4 && l.has(from, to, "nao tenho", "n tenho", "nao temos", "nao possuo", "nao uso", "n temos", "num tenho") && anyOf(string(t.ask), string(Email), string(Phone), string(CNPJ), string(Company)) && (l.fold(to-1) == "tenho" || l.fold(to-1) == "temos" || l.fold(to-1) == "possuo" || l.fold(to-1) == "uso" || l.has(from, to, "nao tenho nao", "tenho nenhum", "tenho isso", "nao tenho ainda", "tenho mais", "nao tenho n")):
		kinds = []Kind{t.ask}
	case denied:
	default:
		return
	}
	for _, k := range kinds {
		t.refuse(k)
	}
}

func (t *turn) refuse(k Kind) {
	if _, given := t.learned[k]; given {
		return
	}
	if !slices.Contains(t.refused, k) {
		t.refused = append(t.refused, k)
	}
}
