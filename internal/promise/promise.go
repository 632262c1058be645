// Package promise finds, in what an assistant is about to say, claims that something was
// done or is being done: a transfer, a booking, something sent, registered or paid. Whoever
// knows what really happens compares. It is pure and reads Portuguese, English and Spanish.
//
// A question, an offer, a condition and a negation claim nothing: "posso agendar?", "se
// preferir, transfiro você", "não consegui enviar".
package promise

import (
	"regexp"
	"slices"
	"strings"

	"secretaria/internal/phrase"
)

// Kind is what is claimed: a bounded word.
type Kind string

// The kinds.
const (
	Transferred Kind = "transferred" // a person has the conversation, or is about to
	Booked      Kind = "booked"      // an appointment was made, moved or cancelled
	Sent        Kind = "sent"        // something left for the customer by another way
	Registered  Kind = "registered"  // something was written into a system
	Paid        Kind = "paid"        // money moved
)

// Claim is a claim and the sentence in which it stands: text[Start:End], marks included.
type Claim struct {
	Kind       Kind
	Start, End int
}

// form is a way to claim, and how sure it is of itself.
type form struct {
	kind Kind
	// done forms claim even where a question follows ("já agendei, tudo bem?") or a condition
	// comes after; the others are offers there.
	done bool
	expr *regexp.Regexp
}

// Find returns what a text claims, in order, each kind once for a sentence.
func Find(text string) []Claim {
	var out []Claim
	all := phrase.Clauses(text)
	linked := strings.Contains(text, "http://") || strings.Contains(text, "https://") || strings.Contains(text, "www.")
	for from := 0; from < len(all); {
		to := from
		for to < len(all)-1 && !ends(all[to].Mark) {
			to++
		}
		to++
		end := all[to-1].End
		for end < len(text) && strings.IndexByte(".!?…)*_~\"'", text[end]) >= 0 {
			end++
		}
		for _, k := range sentence(all, from, to, linked) {
			out = append(out, Claim{k, all[from].Start, end})
		}
		from = to
	}
	return out
}

func ends(mark byte) bool {
	return mark == '.' || mark == '!' || mark == '?' || mark == '\n' || mark == 0
}

// sentence returns what the clauses from:to of one sentence claim.
func sentence(all []phrase.Clause, from, to int, linked bool) []Kind {
	var kinds []Kind
	before := ""
	for i := from; i < to; i++ {
		words := all[i].Words
		may := likely.May(words)
		for n, f := range forms {
			if may&(1<<n) == 0 || slices.Contains(kinds, f.kind) {
				continue
			}
			at := f.expr.FindStringIndex(words)
			if at == nil {
				continue
			}
			head := before + " " + words[:at[0]]
			if f.done {
				head = assent.ReplaceAllString(head, " ")
			}
			tail := words[at[1]:]
			asks := all[i].Mark == '?' || !f.done && phrase.Asks(all, i)
			switch {
			case asks, negated.MatchString(words[:at[0]]), hedged.MatchString(head), habitual.MatchString(words):
				continue
			case !f.done && (conditional.MatchString(strings.TrimSpace(tail)) || i+1 < to && conditional.MatchString(all[i+1].Words)):
				continue
			case f.kind == Sent && linked && strings.Contains(words, "link"):
				continue // here it is
			}
			kinds = append(kinds, f.kind)
		}
		before += " " + words
	}
	return kinds
}

// Without returns the text without the sentences of the claims, tidied; "" where nothing is
// left.
func Without(text string, claims []Claim) string {
	var b strings.Builder
	at := 0
	for _, c := range claims {
		if c.Start < at {
			continue
		}
		b.WriteString(text[at:c.Start])
		at = c.End
	}
	b.WriteString(text[at:])
	var lines []string
	for l := range strings.SplitSeq(b.String(), "\n") {
		l = strings.TrimSpace(strings.Join(strings.Fields(l), " "))
		if phrase.Words(l) == "" {
			l = ""
		}
		if l != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, l)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

const (
	you    = `(?:(?:te|lhe|o|a|voce|vc|ja|agora|mesmo|entao|so|tambem|acabei de) )*`
	your   = `(?:(?:o|a|os|as|um|uma|seu|sua|seus|suas|esse|essa|este|esta|teu|tua) )*`
	will   = `(?:vou|irei|estou|to|vamos|estamos|iremos) ` + you + `(?:precisar |ter que |ter de )?` + you
	people = `(?:um(?:a)? (?:de |dos |das )?(?:nossos |nossas )?(?:atendentes?|especialistas?|consultor(?:a|es|as)?|vendedor(?:a|es|as)?|pessoas?|humano|colegas?|profissiona(?:l|is)|recepcionistas?)|alguem (?:da equipe|do time|daqui)?|noss[oa] (?:equipe|time|atendente|setor|comercial|recepcao)|(?:o|a) (?:equipe|time|setor|comercial|financeiro|atendente|recepcao|responsavel|gerente))`
	thread = `(?:(?:a|sua|essa|esta|o|seu|este|esse) )?(?:conversa|atendimento|contato|caso|solicitacao|pedido|duvida|mensagem|reclamacao|chamado|assunto|questao)`
	papers = `(?:(?:o|a|os|as|um|uma|seu|sua|seus|suas|por|no|para|pra|voce|vc|te|todos|todas|link|copia|d[aoe]s?) )*(?:e ?mails?|links?|boletos?|propostas?|documentos?|documentacao|arquivos?|contratos?|catalogos?|materia(?:l|is)|pdfs?|comprovantes?|convites?|orcamentos?|codigos?|sms|notas? fisca(?:l|is)|apresentac(?:ao|oes)|fotos?|imagens?|videos?|fichas?|formularios?|resultados?|exames?|receitas?|laudos?|informacoes|detalhes|confirmacao|senha|segunda via|tabela|cardapio)`
	visits = `(?:agendamentos?|reunia?o(?:es)?|reunioes|consultas?|horarios?|visitas?|reservas?|sess(?:ao|oes)|demonstrac(?:ao|oes)|demo|call|avaliac(?:ao|oes)|exames?|retorno|entrevista|aula|vaga|mesa|cita|encontro|atendimento)`
	cases  = `(?:pedidos?|planos?|assinatura|endereco|cadastro|compra|matricula|inscricao|contrato|vencimento|troca|reembolso|estorno|cancelamento|coleta|entrega|tecnico|reposicao|devolucao|remocao|guincho|motoboy|transporte|transfer|boleto|fatura|nota|cupom|desconto|protocolo|ordem|acesso|conta|cartao|produto|aparelho|peca|unidade|item|kit|orcamento|bonus|credito|garantia)s?`
	made   = `(?:agendad|marcad|reservad|remarcad|reagendad|desmarcad)[oa]s?`
	fixed  = `(?:agendad|marcad|reservad|remarcad|reagendad|desmarcad|confirmad|cancelad|garantid)[oa]s?`
	is     = `(?:(?:ja|esta|estao|ta|foi|foram|ficou|ficaram|fica|sera|serao|com sucesso|tudo|agora|devidamente|oficialmente|tambem|para|as|pra|amanha|hoje|d[aoe]|seu|sua|com \w+|inicial|segunda|terca|quarta|quinta|sexta|sabado|feira|dia|[0-9]+|h|horas) )*`
	sure   = `(?:(?:ja|esta|estao|ta|foi|foram|ficou|ficaram|ja esta|fica|sera|serao) )`
)

var forms = []form{
	// A person.
	{Transferred, true, phrase.Any(`(?:transferi|direcionei|redirecionei|repassei|acionei) `+you+`(?:`+thread+`|`+people+`|para|pra|ao|aos|voce|vc|tudo)`, `(?:te|lhe|ja) (?:transferi|direcionei|encaminhei|repassei|redirecionei|conectei)`,
		`encaminhei (?:`+thread+`|para|pra|ao|aos|voce|vc|tudo)`, `passei `+you+`(?:`+thread+` )(?:para|pra|ao|aos)`, `passei (?:voce|vc|tudo|para|pra|ao)`, `(?:chamei|avisei|notifiquei|comuniquei) (?:`+people+`|a equipe|o time)`, `ja (?:chamei|avisei|acionei|notifiquei)`,
		thread+` `+is+`(?:transferid|encaminhad|repassad|direcionad)[oa]s?`, `(?:voce|vc) `+sure+`(?:sendo )?(?:transferid|encaminhad|direcionad|redirecionad)[oa]`, sure+`(?:sendo )?(?:transferid|encaminhad|direcionad)[oa]s? (?:para|pra|ao|a)`,
		`i(?: have|ve| just)? (?:already )?(?:just )?(?:transferred|forwarded|connected|escalated|passed|handed)(?: you| your| this| the| it)`, `(?:you have|youve|your (?:chat|conversation|case|request) (?:has|was)) (?:been )?(?:transferred|forwarded|escalated)`,
		`(?:te|le|lo|la) (?:transferi|he transferido|derive|he derivado)`, `he (?:transferido|derivado|pasado|avisado)`)},
	{Transferred, false, phrase.Any(will+`(?:transferir|transferindo|transferi lo|transferi la|direcionar|direcionando|redirecionar|redirecionando|conectar|conectando)`, will+`(?:encaminhar|encaminhando|repassar|repassando|escalar|escalando) (?:`+thread+`|voce|vc|para|pra|ao|aos|isso|tudo)`,
		will+`(?:passar|passando) (?:(?:`+thread+`|voce|vc|isso) )?(?:para|pra|ao|aos) (?:um|uma|o|a|os|as|noss[oa]|alguem|atendente|equipe|time|setor|comercial|especialista)`, `vou te passar (?:para|pra|ao)`, will+`(?:chamar|chamando|acionar|acionando|avisar|avisando) (?:`+people+`|alguem)`,
		`(?:te|lhe|ja) (?:transfiro|encaminho|direciono|redireciono)`, `(?:transfiro|encaminho|direciono|redireciono) (?:voce|vc|sua|seu|agora|para|pra|ao)`, `enquanto (?:te |lhe |eu )*(?:transfiro|encaminho|chamo)`, `transferindo (?:voce|vc|para|pra|sua)`,
		people+` (?:ja )?(?:vai|ira|vao|irao) (?:ja |logo |em breve |te |lhe )*(?:atender|responder|falar|chamar|entrar em contato|retornar|contatar|continuar|dar continuidade|assumir|ajudar|ligar)`, people+` (?:entrara|entrarao|retornara|atendera|assumira|falara|ligara) `, `(?:em breve|logo|ja ja) (?:`+people+`|alguem)`, `voce sera atendid[oa]`,
		`(?:i will|ill|im|i am|let me) (?:now )?(?:transfer|transferring|connect|connecting|forward|forwarding|escalate|escalating|pass|passing|hand|handing) (?:you|your|this|it)`, `(?:someone|an agent|a colleague|a specialist|our team|a representative) (?:from our team )?will (?:contact|reach|get back|call|be with|help|reply|assist)`,
		`(?:te|le|lo|la) (?:transfiero|derivo|paso con|comunico con)`, `voy a (?:transferir|derivar|pasar)(?:te|le|lo|la)?`, `(?:te|le) estoy (?:transfiriendo|derivando)`, `(?:un agente|alguien|nuestro equipo) (?:te|le|se) (?:va a|contactara|atendera|comunicara|pondra)`)},
	// An appointment.
	{Booked, true, phrase.Any(`(?:agendei|reagendei|remarquei|desmarquei|pre agendei)`, `marquei (?:para|pra|a|o|sua|seu|uma|um|voce|com)`, `(?:reservei|guardei|segurei) (?:para|pra|a|o|as|os|sua|seu|suas|seus|uma|um|umas|uns|duas|dois|tres|quatro|cinco|[0-9]+|voce|vc|te|lhe)`, `(?:confirmei|cancelei|garanti|segurei|troquei|alterei|mudei|adiei|antecipei) `+your+visits, `(?:deixei|consegui deixar|fica|ficou) (?:ja |tudo )?`+fixed,
		`(?:fiz|realizei|efetuei|conclui|finalizei) (?:o |a |seu |sua |um |uma )*(?:agendamento|reserva|marcacao|remarcacao)`, `(?:i have|ive|i|i just) (?:already |just )*(?:booked|scheduled|rescheduled|reserved|cancelled|canceled) (?:you|your|the|a|an|it)`, `(?:agende|reserve|he agendado|he reservado|he programado) (?:tu|su|la|una|el)`,
		`consegui (?:agendar|marcar|reservar|encaixar|remarcar)`)},
	{Booked, false, phrase.Any(visits+` `+is+fixed, `^(?:(?:sua|a|tudo certo|pronto|prontinho) )?reserva `+is+`(?:feita|efetuada|concluida|realizada)`, sure+`(?:tudo |com sucesso |ja )*`+made, `^(?:prontinho |pronto |perfeito |otimo |tudo )?(?:agendad[oa]|marcad[oa]|reservad[oa]|tudo certo e agendado)(?:$| para| pra| com)`, `tudo (?:certo )?(?:para|com) (?:a |o |sua |seu )`+visits, `(?:sua|seu) (?:vaga|lugar|horario) (?:esta )?(?:garantid|reservad)[oa]`,
		will+`(?:agendar|agendando|marcar|marcando|reservar|reservando|remarcar|remarcando|reagendar|desmarcar|cancelar (?:a |o |sua |seu )?`+visits+`|confirmar (?:o |a |seu |sua )?`+visits+`|fazer (?:o |seu |a |sua )?(?:agendamento|reserva))`, `(?:ja )?(?:agendo|marco|reservo) (?:para|pra|sua|seu|a|o|agora|voce|com)`,
		`your (?:appointment|meeting|booking|reservation|call|demo|visit) (?:is|has been|was) (?:now |already |all )*(?:booked|scheduled|confirmed|set|cancelled|canceled|rescheduled)`, `(?:you are|youre) (?:now |all )*(?:booked|scheduled|set for)`, `(?:ill|i will|let me) (?:book|schedule|reserve)`, `(?:tu|su|la) (?:cita|reunion|reserva) (?:esta|ha sido|fue|quedo) (?:agendada|confirmada|reservada|programada)`, `(?:quedo|queda|esta) (?:agendad|confirmad|reservad)[oa]`, `voy a (?:agendar|reservar|programar)`)},
	// Something sent.
	{Sent, true, phrase.Any(`(?:enviei|mandei|encaminhei|compartilhei|disparei|remeti) `+you+papers, `(?:te|lhe|ja) (?:enviei|mandei|compartilhei)`, `(?:enviei|mandei) (?:para|pra|no|ao|por) (?:o |a )?(?:voce|vc|seu|sua|e ?mail|whatsapp|celular)`, `acabei de (?:te |lhe )?(?:enviar|mandar|encaminhar)`,
		`i(?: have|ve| just)? (?:already |just )*(?:sent|emailed) (?:you|the|an|a|it|your|over)`, `(?:te|le) (?:envie|mande|he enviado)`, `he enviado`)},
	{Sent, false, phrase.Any(papers+` `+is+`(?:enviad|mandad|encaminhad|disparad)[oa]s?`, sure+`(?:sendo )?enviad[oa]s? (?:para|pra|ao|no|por)`, `(?:voce|vc) (?:vai receber|recebera|ira receber|deve receber|acabou de receber) (?:em breve |agora |logo )*`+papers, will+`(?:enviar|enviando|mandar|mandando|encaminhar|encaminhando|compartilhar|compartilhando) `+you+papers,
		`(?:te|lhe|ja) (?:envio|mando) `+papers, `(?:envio|mando|encaminho) (?:agora |ja )*`+papers, `(?:i will|ill|let me) (?:send|email) (?:you|the|an|it)`, `(?:email|link|invite|proposal|document)s? (?:has been|was|is) (?:already |just )?sent`, `you will receive (?:an|a|the) (?:email|link|invite|confirmation|sms|text)`,
		`(?:te|le) (?:envio|estoy enviando|voy a enviar)`, `voy a enviar(?:te|le)?`, `recibiras (?:un|el)`)},
	// Something registered.
	{Registered, true, phrase.Any(`(?:registrei|cadastrei|protocolei)`, `(?:matriculei|inscrevi|renovei|ativei|desbloqueei|liberei|emiti) (?:voce|vc|`+your+cases+`)`, `(?:cancelei|alterei|troquei|mudei|corrigi|solicitei|pedi|providenciei|lancei|gerei|separei|bloqueei) `+your+cases, `dei (?:baixa|entrada) (?:no|na|em) `, `abri (?:um |uma |o |a |seu |sua )*(?:chamado|protocolo|ticket|solicitacao|ordem|reclamacao|processo)`, `criei (?:um |uma |o |a |seu |sua )*(?:chamado|cadastro|ticket|pedido|conta|protocolo|acesso|ordem)`, `atualizei (?:o |a |seu |sua |no )*(?:cadastro|sistema|pedido|dados|endereco|ficha)`, `(?:inclui|adicionei|coloquei) (?:voce|vc|seu nome|seus dados|sua|seu contato) (?:na|no|em|a)`,
		`anotei (?:no|em nosso|na) (?:sistema|ficha|cadastro|agenda)`, `(?:fiz|realizei|efetuei|conclui|finalizei) (?:o |a |seu |sua |um |uma )*(?:cadastro|pedido|registro|inscricao|matricula|compra|cancelamento)`, `(?:i have|ive|i) (?:already |just )*(?:registered|created|opened|updated|logged) (?:you|your|a|an|the)`, `(?:he registrado|registre|he creado|cree) (?:tu|su|un|una|la|el)`)},
	{Registered, false, phrase.Any(`(?:pedido|cadastro|solicitacao|chamado|reclamacao|protocolo|inscricao|matricula|registro|ticket|cancelamento) `+is+`(?:registrad|cadastrad|abert|criad|atualizad|efetivad|concluid|realizad|efetuad|feit|finalizad)[oa]s?`, sure+`(?:tudo |ja )*(?:registrad|cadastrad|protocolad)[oa]s?(?:$| no| na| em| com| sob)`, will+`(?:registrar|registrando|cadastrar|cadastrando|abrir (?:um|uma|o|seu) (?:chamado|protocolo|ticket|solicitacao)|abrindo (?:um|uma) (?:chamado|protocolo|ticket)|criar (?:o |seu |um |sua )*(?:cadastro|chamado|pedido|conta|ticket)|atualizar (?:o |seu |sua )*(?:cadastro|dados|pedido|endereco))`,
		`your (?:request|ticket|order|account|complaint) (?:is|has been|was) (?:now |already )?(?:registered|created|opened|updated|placed|logged)`, `(?:tu|su) (?:solicitud|pedido|registro) (?:ha sido|fue|esta|quedo) (?:registrad|cread)[oa]`)},
	// Money.
	{Paid, true, phrase.Any(`(?:processei|recebi|recebemos|identifiquei|identificamos|estornei|reembolsei|apliquei|gerei|efetuei|realizei|liberei|confirmei|confirmamos|aprovei) (?:o |a |seu |sua |um |uma |aqui )*(?:pagamento|pix|transferencia|deposito|sinal|estorno|reembolso|desconto|cobranca|devolucao|credito|cupom)`, `(?:confirmo|confirmei|confirmamos|acuso|acusamos) (?:o )?recebimento d[oae]`,
		`(?:i have|ive|i) (?:already |just )*(?:processed|refunded|received|applied|charged) (?:your|the|a)`, `(?:he procesado|recibimos|hemos recibido) (?:tu|su|el) (?:pago|reembolso)`)},
	{Paid, false, phrase.Any(`(?:pagamento|pix|reembolso|estorno|desconto|deposito|cobranca|devolucao|cupom) `+is+`(?:confirmad|aprovad|recebid|processad|realizad|efetuad|aplicad|concluid|estornad|identificad|liberad|compensad)[oa]s?`, will+`(?:estornar|reembolsar|processar (?:o |seu |sua )?(?:pagamento|reembolso|estorno)|aplicar (?:o |um |seu )?(?:desconto|cupom)|aplicando (?:o |um |seu )?(?:desconto|cupom)|devolver (?:o |seu )?(?:dinheiro|valor|pagamento))`,
		`(?:o |seu )?(?:valor|dinheiro) `+is+`(?:estornad|devolvid|reembolsad|creditad)[oa]`, `your (?:payment|refund|discount) (?:is|has been|was) (?:now |already )?(?:processed|received|confirmed|approved|applied)`, `(?:tu|su|el) (?:pago|reembolso) (?:ha sido|fue|esta) (?:procesad|confirmad|recibid|aprobad)[oa]`)},
}

// likely tells which forms are worth looking for.
var likely = func() *phrase.Filter {
	var exprs []*regexp.Regexp
	for _, f := range forms {
		exprs = append(exprs, f.expr)
	}
	return phrase.NewFilter(exprs...)
}()

var (
	// negated: in the same clause, before the claim.
	negated = phrase.Any(`nao`, `nunca`, `nem`, `sem`, `not`, `cannot`, `cant`, `couldnt`, `havent`, `didnt`, `wont`, `unable`, `no`, `tampouco`, `impossivel`, `jamais`, `evite`)
	// hedged: an offer, a condition or somebody else's doing, in the same sentence before the claim.
	hedged = phrase.Any(`se (?:voce|vc|quiser|preferir|desejar|precisar|for|houver|tiver|puder|confirmar|eu|isso|estiver|der|ele|ela|nao|o|a|os|as|tudo|ja|assim|fizer|aceitar|concordar|ainda|surgir|alguem|nenhum)`, `caso`, `quando`, `assim que (?:voce|vc|o|a|eu|ele|ela|for|tiver|confirmar|receber|recebermos|estiver|houver)`, `depois (?:que|de)`, `apos`, `antes (?:de|que)`, `para que`, `enquanto nao`, `ate que`,
		`posso`, `podemos`, `poderia`, `poderiamos`, `pode`, `podera`, `consigo`, `quer(?:em)? que`, `gostaria`, `deseja`, `prefere`, `talvez`, `tentar`, `somente`, `e so`, `basta`, `if you`, `if`, `when you`, `once`, `after`, `before`, `can`, `could`, `would`, `may`, `do you want`, `si (?:quieres|quiere|prefieres|desea|lo|me|usted)`, `cuando`, `puedo`, `podemos`, `podria`, `quieres que`, `desea que`, `en cuanto`,
		`voce disse que`, `vc disse que`, `(?:voce|vc) (?:ja )?(?:enviou|agendou|marcou|mandou|pagou|cadastrou|fez|abriu|recebeu)`, `qualquer`, `exemplo`, `imagine`, `normalmente`, `geralmente`, `sempre que`, `costuma`, `usually`, `normally`, `toda vez`, `todo cliente`, `todos os`, `cada`)
	// assent begins an answer, and what was done before it is no offer: "pode sim, agendei".
	assent = regexp.MustCompile(`^ *(?:claro |sim )*pode (?:sim|claro|ser|deixar|ficar tranquil[oa])\b`)
	// conditional: right after a claim that is an offer.
	conditional = phrase.Any(`^(?:\w+ ){0,5}se (?:voce|vc|quiser|preferir|desejar|precisar|for|puder|confirmar|estiver|der|concordar|aceitar)`, `^(?:\w+ ){0,4}caso (?:voce|vc|queira|prefira|deseje|precise|confirme)`, `^(?:\w+ ){0,5}(?:assim que|quando|depois que) (?:voce|vc|me|confirmar|tiver|receber)`, `^(?:\w+ ){0,4}(?:if|once|when|as soon as) (?:you|i)`, `^(?:\w+ ){0,4}(?:si|cuando) (?:quieres|prefieres|me|usted|lo)`)
	// habitual sentences tell how things are done here.
	habitual = phrase.Any(`(?:com|sem|por|ter|tem|tenha|trabalhamos com|atendemos com|tinha|tiver|tiveram|seu proximo|com a) (?:hora|horario|consulta|reuniao|visita|agendamento|horarios) (?:previamente |ja )?(?:marcad|agendad|confirmad)[oa]s?`, `(?:e|sao|deve|devem|ser|seja|sejam|precisa|pode|podem|podera|poderao) (?:ser )?(?:\w+ )?(?:agendad|marcad|confirmad|reservad|enviad|cancelad|registrad|remarcad|transferid|encaminhad|realizad|feit|aplicad|processad)[oa]s?`, `hora marcada`, `previo`, `antecipadamente`)
)
