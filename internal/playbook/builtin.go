package playbook

import "secretaria/internal/slot"

// Default is the built-in desk: name, company, role, tools and main pain, then thanks and a
// person. It needs no model.
func Default() *Playbook {
	return &Playbook{
		Name: "sdr", Version: "1", Greeting: "Olá! Que bom falar com você.",
		Slots: documented(), Moves: DefaultMoves(), Score: BANT(),
	}
}

// Full asks for what a sales team needs to go on as well: team size, e-mail, phone, CNPJ where
// it is given gladly, and two times for a meeting. Leads below the threshold are kept warm.
func Full() *Playbook {
	return &Playbook{
		Name: "sdr-completo", Version: "1", Greeting: "Olá! Que bom falar com você.",
		Slots: append(documented(), Further()...), Moves: FullMoves(), Score: BANT(),
	}
}

// documented are the five slots of the original, in its order and words.
func documented() []Slot {
	return []Slot{
		{
			Key: "name", Kind: slot.Name, Question: "Para começar, qual é o seu nome?", Thanks: "Prazer, {name}!",
			Again: []string{"Como posso chamar você?", "Pode me dizer o seu nome, por favor?"},
		},
		{
			Key: "company", Kind: slot.Company, Question: "Qual é o nome da sua empresa?",
			Again: []string{"De qual empresa você fala?", "Como se chama a empresa?"},
		},
		{
			Key: "role", Kind: slot.Role, Question: "E qual é o seu cargo na {company}?",
			Again: []string{"Qual é o seu cargo?", "O que você faz na empresa?"},
		},
		{
			Key: "tools", Kind: slot.Tools, Question: "Quais ferramentas de vendas vocês usam hoje?",
			Again: []string{"Vocês usam algum CRM, planilha ou outro sistema para vender?", "Com o que vocês organizam as vendas hoje?"},
		},
		{
			Key: "pain", Kind: slot.Pain, Question: "Qual é a principal dificuldade de vocês hoje?",
			Again: []string{"O que mais atrapalha as vendas de vocês?", "Se pudesse resolver um problema agora, qual seria?"},
		},
	}
}

// Further are the slots that a playbook may ask for after the documented ones.
func Further() []Slot {
	return []Slot{
		{
			Key: "team_size", Kind: slot.TeamSize, Question: "Quantas pessoas trabalham com vocês?",
			Again: []string{"Mais ou menos quantas pessoas tem a equipe?", "Quantos vocês são, contando com você?"},
		},
		{
			Key: "email", Kind: slot.Email, Question: "Qual é o seu melhor e-mail?",
			Again: []string{"Para qual e-mail podemos escrever?", "Pode me passar um e-mail para contato?"},
		},
		{
			Key: "phone", Kind: slot.Phone, Question: "E um telefone com DDD?",
			Again: []string{"Para qual número, com DDD, podemos ligar?", "Pode me passar um telefone com DDD?"},
		},
		{
			Key: "cnpj", Kind: slot.CNPJ, Optional: true, Question: "Se tiver à mão, qual é o CNPJ da empresa?",
			Again: []string{"Pode me informar o CNPJ da empresa?"},
		},
		{
			Key: "times", Kind: slot.Times, Least: 2, More: "Perfeito! E um segundo dia e horário, caso esse não dê certo?", Question: "Para uma conversa com um especialista, quais dois dias e horários ficam bons para você?",
			Again: []string{"Que dia e que horário funcionam melhor para você?", "Pode me dizer um dia e um horário para conversarmos?"},
		},
	}
}

// What the built-in desks say when a lead moves on.
const (
	sayHandover  = "Obrigado, {name}! Já tenho o que preciso. Vou passar a conversa para um dos nossos especialistas."
	sayScheduled = "Obrigado, {name}! Anotei {times}. Vou passar a conversa para um dos nossos especialistas, que confirma com você."
	sayNurturing = "Obrigado, {name}! Deixei tudo anotado para a nossa equipe. Se surgir alguma dúvida, é só escrever por aqui."
	sayWelcomed  = "Que bom!"
	sayResumed   = "Vamos continuar de onde paramos."
	sayNo        = "Tudo bem, obrigado por avisar! Se mudar de ideia, é só escrever por aqui."
)

// DefaultMoves are the moves of Default: whoever has answered goes to a person.
func DefaultMoves() []Move {
	return append(firstMoves(),
		Move{From: []State{Qualifying}, To: Qualified, When: []Condition{{Guard: Complete}}, Say: sayHandover, Actions: []Action{{Do: Attributes}, {Do: Workflow, Name: "create_lead"}}},
		Move{From: []State{Qualified}, To: HandedOver, When: []Condition{{Guard: Always}}, Actions: []Action{{Do: Handoff}}},
		resumed(),
	)
}

// QualifiedAt is the score from which Full hands a lead to a person.
const QualifiedAt = 50

// FullMoves are the moves of Full: meeting times or a good score lead to a person, the rest
// is noted and kept warm.
func FullMoves() []Move {
	createLead := Action{Do: Workflow, Name: "create_lead"}
	return append(firstMoves(),
		Move{
			From: []State{Qualifying}, To: Scheduled, When: []Condition{{Guard: Complete}, {Guard: TimesKnown, N: 1}, {Guard: ScoreAtLeast, N: QualifiedAt}}, Say: sayScheduled,
			Actions: []Action{{Do: Attributes}, createLead, {Do: Workflow, Name: "schedule_meeting"}},
		},
		Move{
			From: []State{Qualifying}, To: Qualified, When: []Condition{{Guard: Complete}, {Guard: ScoreAtLeast, N: QualifiedAt}}, Say: sayHandover,
			Actions: []Action{{Do: Attributes}, createLead},
		},
		Move{
			From: []State{Qualifying}, To: Nurturing, When: []Condition{{Guard: Complete}}, Say: sayNurturing,
			Actions: []Action{{Do: Attributes}, createLead, {Do: Note}},
		},
		Move{From: []State{Qualifying}, To: Nurturing, When: []Condition{{Guard: SilentDays, N: 7}}, Actions: []Action{{Do: Attributes}, {Do: Note}}},
		Move{From: []State{Nurturing}, To: Qualifying, When: []Condition{{Guard: Started}, {Guard: Incomplete}}},
		Move{From: []State{Qualified, Scheduled}, To: HandedOver, When: []Condition{{Guard: Always}}, Actions: []Action{{Do: Handoff}}},
		resumed(),
	)
}

// firstMoves are what every built-in desk begins with.
func firstMoves() []Move {
	return []Move{
		{From: []State{New, Qualifying, Nurturing, Disqualified}, To: HandedOver, When: []Condition{{Guard: AsksForPerson}}, Actions: []Action{{Do: Attributes}, {Do: Handoff}}},
		{From: []State{New, Qualifying}, To: Disqualified, When: []Condition{{Guard: NotInterested}}, Say: sayNo, Actions: []Action{{Do: Attributes}, {Do: Note}}},
		{From: []State{New}, To: Qualifying, When: []Condition{{Guard: Started}}},
		{From: []State{Disqualified}, To: Qualifying, Say: sayWelcomed, When: []Condition{{Guard: ChangedMind}, {Guard: Incomplete}}},
	}
}

// resumed goes on asking when people gave a conversation back before all was known.
func resumed() Move {
	return Move{From: []State{HandedOver}, To: Qualifying, Say: sayResumed, When: []Condition{{Guard: Returned}, {Guard: Incomplete}}}
}

// BANT is the built-in table: what there is to spend, who decides, what is needed, and when.
// It adds up to 100.
func BANT() Score {
	return Score{Name: "bant", Version: "1", Rules: []Rule{
		{ID: "decides", Group: "authority", Slot: "role", Test: AnyWord, Points: 25, Label: "Decide a compra", Words: []string{
			"dono", "dona", "proprietário", "proprietária", "sócio", "sócia", "fundador", "fundadora", "cofundador", "cofundadora", "founder", "ceo", "cto", "cfo", "coo", "cmo",
			"diretor", "diretora", "presidente", "vice-presidente", "empresário", "empresária", "titular", "owner",
		}},
		{ID: "influences", Group: "authority", Slot: "role", Test: AnyWord, Points: 15, Label: "Influencia a compra", Words: []string{
			"gerente", "coordenador", "coordenadora", "head", "gestor", "gestora", "supervisor", "supervisora", "líder", "administrador", "administradora", "encarregado", "encarregada",
		}},
		{ID: "role_known", Group: "authority", Slot: "role", Test: Present, Points: 5, Label: "Cargo informado"},
		{ID: "no_pain", Group: "need", Slot: "pain", Test: AnyWord, Points: -5, Label: "Diz que não tem dificuldade", Words: []string{"nenhuma dificuldade", "nenhum problema", "sem dificuldade", "sem dificuldades"}},
		{ID: "pain", Group: "need", Slot: "pain", Test: Present, Points: 20, Label: "Tem uma dificuldade clara"},
		{ID: "no_tools", Group: "need", Slot: "tools", Test: AnyWord, Points: 5, Label: "Ainda não usa ferramentas", Words: []string{"nenhum", "nenhuma", "nada", "não", "none", "nothing", "ninguno", "ninguna"}},
		{ID: "tools", Group: "need", Slot: "tools", Test: Present, Points: 10, Label: "Já usa ferramentas de vendas"},
		{ID: "team_50", Group: "budget", Slot: "team_size", Test: Between, From: 50, Points: 15, Label: "50 pessoas ou mais"},
		{ID: "team_10", Group: "budget", Slot: "team_size", Test: Between, From: 10, To: 49, Points: 10, Label: "10 a 49 pessoas"},
		{ID: "team_2", Group: "budget", Slot: "team_size", Test: Between, From: 2, To: 9, Points: 5, Label: "2 a 9 pessoas"},
		{ID: "corporate_mail", Group: "budget", Slot: "email", Test: CorporateMail, Points: 10, Label: "E-mail da empresa"},
		{ID: "free_mail", Group: "budget", Slot: "email", Test: FreeMail, Points: 3, Label: "E-mail pessoal"},
		{ID: "cnpj", Group: "budget", Slot: "cnpj", Test: Present, Points: 5, Label: "Informou o CNPJ"},
		{ID: "two_times", Group: "timing", Slot: "times", Test: AtLeast, From: 2, Points: 15, Label: "Ofereceu dois horários"},
		{ID: "one_time", Group: "timing", Slot: "times", Test: Present, Points: 10, Label: "Ofereceu um horário"},
	}}
}
