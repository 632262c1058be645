// Package optout recognises a customer who wants no more messages, in Portuguese, English
// and Spanish. It is pure.
//
// Both mistakes are bad: who is written to against his wish complains to the authorities,
// and who asked to cancel an appointment and never hears again is lost. So a bare command
// must be the whole message ("SAIR"), and a sentence must say what is to stop and for whom.
package optout

import (
	"regexp"
	"strings"

	"secretaria/internal/phrase"
)

// Wants says whether a message asks that no more messages be sent.
func Wants(text string) bool {
	all := phrase.Clauses(text)
	if len(all) == 0 {
		return false
	}
	if command(text, all) {
		return true
	}
	for i, c := range all {
		if i == 0 || i == len(all)-1 {
			if commandAside.MatchString(c.Words) && courteous(all, i) {
				return true
			}
		}
		if others.MatchString(c.Words) || supposed.MatchString(c.Words) || !wish.MatchString(c.Words) {
			continue
		}
		if machine.MatchString(c.Words) && person.MatchString(phrase.Words(text)) {
			continue // "sem mensagens automáticas, quero uma pessoa": that is a handoff
		}
		return true
	}
	return false
}

// command says whether the message is nothing but a command, courtesies aside.
func command(text string, all []phrase.Clause) bool {
	words := courtesy.ReplaceAllString(" "+phrase.Words(text)+" ", " ")
	words = strings.Join(strings.Fields(words), " ")
	if commands.MatchString(words) {
		return true
	}
	// "para" is "stop" and "for": only shouted is it a command.
	return words == "para" && strings.Contains(text, "PARA") && len(all) > 0
}

// courteous says whether everything beside clause i is courtesy.
func courteous(all []phrase.Clause, i int) bool {
	for j, c := range all {
		if j != i && strings.TrimSpace(courtesy.ReplaceAllString(" "+c.Words+" ", " ")) != "" {
			return false
		}
	}
	return true
}

const (
	// object is what is to stop.
	object = `(?:mensage(?:m|ns|nzinhas?)|msge?m?s?|mensaj(?:e|es|itos)|messages?|texts?|propagandas?|publicidades?|publicidad|spams?|promoc(?:ao|oes)|ofertas?|anuncios?|notificac(?:ao|oes)|notificaciones|avisos|novidades|newsletters?|divulgac(?:ao|oes)|marketing|contatos?|contacto|disparos?|comunicados?|campanhas?)`
	det    = `(?:(?:as?|os?|de|da|do|das|dos|essas?|esses?|estas?|estes?|suas?|seus?|minhas?|tantas?|tantos?|tuas?|nenhuma?|nenhum|qualquer|mais|mas|nada|outras?|novas?|tipo|el|la|los|las|sus?|ningun|any|more|these|your|the|further|envio|recebimento)\s+)*`
	no     = `(?:nao|n|nunca|no|naum|nn)`
	send   = `(?:mand(?:a|e|em|am|ar|ando)|envi(?:a|e|em|am|ar|ando|en)|encaminh(?:a|e|em|ar)|dispar(?:a|e|em|ar))`
	list   = `(?:lista|grupo|base|mailing|cadastro|disparos?|transmissao|contatos|newsletter|list|mailing list|database|difusion)`
	never  = `(?:nunca mais|mais|nada|more|anymore|again|mas)`
)

var (
	courtesy = regexp.MustCompile(`\s(?:por favor|porfavor|pf|pfv|pfvr|favor|please|pls|por gentileza|gentileza|obrigad[oa]s?|obg|grat[oa]|valeu|vlw|bom dia|boa tarde|boa noite|oi|ola|ok|ja|agora|moc[oa]|gente|thanks?|thank you|gracias|hola|hi|hello)\b`)

	commands = regexp.MustCompile(`^(?:(?:eu )?(?:quero |desejo |digito )?(?:sair|descadastrar|descadastro|me descadastrar)|parar|pare|parem|stop|stop all|stopall|unsubscribe|opt ?out|end messages|remover|remova|remove me|descadastre|descadastra|` +
		`cancelar (?:a |minha )?inscricao|cancelar (?:as )?(?:mensagens|mensagem|recebimento|envios?|notificacoes|newsletter)|parar (?:as |com as )?(?:mensagens|mensagem|msgs?|envios?)|stop (?:mensagens|messages)|` +
		`baja|darme de baja|dar de baja|salir|quiero salir|parar mensajes|cancelar suscripcion|detener)$`)
	commandAside = regexp.MustCompile(`^(?:sair|stop|descadastrar|unsubscribe|remover|baja)$`)

	// wish finds a sentence that asks for it.
	wish = phrase.Any(
		// Wanting none: "não quero mais (receber) mensagens".
		no+` (?:quero|queremos|desejo|queria|quisera|gostaria de|aceito|autorizo|permito|quiero|deseo|preciso)(?: (?:mais|nunca mais|mas))? (?:receber|recibir|ter|que me mandem|que me enviem) `+det+object,
		no+` (?:quero|queremos|desejo|queria|aceito|autorizo|quiero|deseo) (?:mais|mas|nenhum|nenhuma|ningun|receber mais|recibir mas) `+det+object,
		no+` (?:autorizo|permito|aceito) (?:o |mais o )?(?:envio de |contato|uso do meu numero)`,
		no+` (?:quero|desejo|queria|gostaria de|quiero)(?: mais| mas)? (?:receber|recibir) (?:mais |mas )?nada (?:de|desse|deste|d)`,
		no+` (?:quero|desejo) (?:mais )?(?:ser|que me) (?:contatad[oa]|contactad[oa]|incomodad[oa]|perturbad[oa]|incomodem|perturbem|procurem|contatem)`,
		no+` (?:quero|desejo) (?:mais )?que (?:voces |vcs |vc |voce )?(?:me )?(?:mandem?|enviem?|escrevam?|chamem?|entrem? em contato)(?: mais)?`,
		// Telling us not to: "não me mande mais nada".
		no+` (?:me )?`+send+`(?: mais| nunca mais| mas)? (?:nenhuma? )?(?:mais )?(?:nada|`+object+`)$`,
		no+` me `+send+` (?:mais|mas) `+det+object,
		no+` (?:me )?`+send+` (?:mais|nada|mas)$`,
		no+` `+send+` (?:mais|mas) (?:nada|`+object+`)`,
		no+` (?:me )?(?:escreva|escrevam|escreve|escriban|escriba|contate|contatem|contacten|procure|procurem|perturbe|perturbem|incomode|incomodem|moleste[ns]?) (?:mais|mas)`,
		no+` me (?:chame|chamem|chama) mais(?:$| aqui| por aqui| no| neste| nesse)`,
		no+` entr(?:e|em) (?:mais )?em contato(?: mais| comigo|$)`,
		no+` me (?:contate|contatem|contacten|perturbem?|incomodem?)$`,
		// Stopping: "para de me mandar mensagem".
		`(?:para|pare|parem|parar|parem com|para com|pare com|podem? parar|favor parar) (?:de|com) (?:me )?(?:ficar )?(?:me )?(?:mand(?:ar|ando)|envi(?:ar|ando)|encaminhar|disparar) `+det+object,
		`(?:para|pare|parem|parar) de (?:ficar )?(?:me )?(?:encher|incomodar|perturbar|importunar|spammar|aporrinhar|atormentar)`,
		`(?:para|pare|parem|parar) de me (?:escrever|contatar|procurar|chamar aqui|mandar isso|mandar essas coisas|enviar isso|mandar coisas?|mandar nada)`,
		`(?:para|pare|parem|podem? parar|parar) com (?:as |essas |esses |estas |os |a |essa |o |tanta |tantas )(?:mensagem automatica )?`+object,
		`(?:quero|gostaria de|desejo|preciso|queria|faco (?:para|pra)|fazer (?:para|pra)|posso) parar de receber `+det+object,
		`^(?:favor )?parar de (?:me )?(?:mandar|enviar|receber) `+det+object,
		`chega de (?:tanta |tantas |receber )?`+object,
		`^sem mais `+object,
		`(?:deja|deje|dejen|dejar|paren|pare) de (?:mandar(?:me)?|enviar(?:me)?|escribir(?:me)|molestar(?:me)|contactar(?:me))`,
		// Leaving: "me tira dessa lista", "quero sair da lista".
		`(?:me (?:tir(?:a|e|em|ar)|retir(?:a|e|em|ar)|remov(?:a|e|am|er)|exclu(?:a|i|am|ir)|apag(?:a|ue|uem|ar)|delet(?:a|e|em|ar))|(?:tir(?:a|e|em)|remov(?:a|e|am)|retir(?:e|a|em)|exclu(?:a|am|i)) me|(?:tir(?:a|e|em|ar)|remov(?:a|e|am|er)|retir(?:e|a|em|ar)|exclu(?:a|am|i|ir)|apag(?:a|ue|uem|ar)) (?:o )?meu (?:numero|contato|telefone|whatsapp|zap|celular|nome)) (?:d|de |des?s?t?)(?:a|o|esta|essa|este|esse|as|os|sua|seu)? ?(?:sua |seu |vossa )?`+list+`(?:$| de transmissao| de contatos?| de envios?| de disparos?| de clientes| de mensagens| de marketing| por| pfv| ja| agora| obrigad| voces| de voces| dai| urgente)`,
		`sair (?:da|dessa|desta|de|do|desse|deste) (?:sua |essa |esta |minha )?(?:lista|grupo|mailing|transmissao|newsletter)(?:$| de transmissao| de contatos?| de envios?| de disparos?| de mensagens| de marketing| de voces| por)`,
		`(?:me descadastr(?:a|e|em|ar|o)|descadastr(?:a|e|em|ar) (?:o )?(?:meu|me)|descadastramento do meu)`,
		`cancel(?:ar|a|e|em) (?:a |o |as |os |minha |essa |esta |meu )*(?:inscricao|cadastro|assinatura)(?: (?:n|d)(?:a|as|o|os|essa|esta|esse) (?:sua )?(?:lista|newsletter|mensagens|canal|transmissao|notificacoes|avisos))`,
		`(?:quero|desejo|gostaria de|favor) cancel(?:ar|e) (?:a |minha |essa )*inscricao$`,
		`cancel(?:ar|a|e|em) (?:o |os |as )?(?:envios?|recebimento|mensagens|notificacoes|disparos?)(?: de `+object+`)?$`,
		`cancel(?:ar|a|e|em) (?:o |os )?(?:envios?|recebimento) (?:d(?:e|as?|os?|essas?|esses?) )?(?:suas )?`+object,
		`(?:me deix(?:a|e|em)|deix(?:a|e|em) me) em paz`,
		`vou (?:te |lhe )?(?:bloquear|denunciar)(?: e (?:denunciar|bloquear))?(?: (?:voces?|vcs?|esse numero|este numero|o numero|esse contato|por spam|como spam))`,
		`(?:quero|quiero|desejo|solicito) (?:darme de baja|que me den de baja)$`, `(?:dame|denme|dadme) de baja(?:$| de la lista| de esta lista)`, `(?:quiero|quisiera|como puedo) darme de baja`,
		`(?:sacame|saquenme|borrame|borrenme|eliminame|eliminenme|quitame|quitenme) de (?:la|esta|su|tu|sus) (?:lista|base|grupo)`,
		// English.
		`stop (?:messaging|texting|contacting|spamming|bothering|writing(?: to)?|sending) (?:me|us|these|this|those|any|so many|messages)`, `stop (?:the|these|all|with the|your) (?:messages|texts|spam)`,
		`(?:dont|do not|never|please dont) (?:text|message|contact|write(?: to)?|bother) me(?:$| anymore| again| any more| ever)`,
		`(?:dont|do not|no longer) (?:want|wish)(?: to (?:receive|get))? (?:any |more |any more |further |your |these )+(?:messages|texts|marketing|promotions|spam|contact)`,
		`no more (?:messages|texts|spam|marketing)`, `(?:remove|take|delete) (?:me|my number) (?:from|off|out of) (?:of )?(?:your|this|the|that)(?: mailing| contact)? (?:list|database|mailing)`,
		`leave me alone`, `unsubscribe me`, `(?:want|like|please|how do i|how can i) (?:to )?(?:unsubscribe|opt out)(?:$| from| now| please| me)`, `opt me out`,
	)
	// others are sentences about somebody else's messages, or about a product that sends them.
	others = phrase.Any(`por hoje$`, `meus? clientes?`, `minhas? clientes?`, `os clientes`, `pros? clientes?`, `aos clientes`, `dos clientes`, `clientes? (?:nao|n) quer`, `leads?`, `alunos`, `pacientes`, `my customers?`, `mis clientes`,
		`lista de (?:espera|presenca|convidados|compras|desejos|casamento|precos|chamada|material)`, `(?:de|em) (?:voz|audio)`, `sistema (?:de voces )?(?:para|deixa|permite|pode)`,
		`waiting list`, `(?:nao|n) (?:precisa|quero|queria|pode|podem|vao|va|gostaria de) (?:parar|que parem)`)
	// supposed sentences only ask what would be.
	supposed = phrase.Any(`^e? ?se (?:eu|o|a|ele|ela|alguem|um|nao)`, `caso eu`, `^e? ?quando (?:eu|alguem)`, `if i`, `si (?:yo|quiero)`)
	machine  = phrase.Any(`automatic[ao]s?`, `robos?`, `bots?`, `padrao`, `prontas?`)
	person   = phrase.Any(`pessoas?`, `humanos?`, `humana`, `atendentes?`, `alguem`, `vendedor(?:a|es)?`, `gente`)
)
