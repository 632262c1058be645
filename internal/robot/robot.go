// Package robot recognises a machine on the other side: another bot, an automatic reply, our
// own words coming back. It is pure.
//
// One sign proves nothing: people paste, repeat themselves and answer at once. What counts is
// that every exchange of the last ones looks automatic. Somebody who says the same twice
// because he was not understood is not a machine.
package robot

import (
	"strings"
	"time"
	"unicode/utf8"

	"secretaria/internal/phrase"
)

// Said is a message of a dialogue.
type Said struct {
	Text string
	At   time.Time // zero: unknown, and then speed says nothing
	Ours bool      // by the assistant; all others are the customer's
}

// Sign says why an exchange looks automatic: a bounded word.
type Sign string

// The signs.
const (
	AutoReply  Sign = "auto_reply" // words that only machines use
	Menu       Sign = "menu"       // "digite 1 para …"
	Echo       Sign = "echo"       // our own words
	Repetition Sign = "repetition" // the same words again, at once or for the third time
	Speed      Sign = "speed"      // faster than anybody reads and types
)

const (
	// fast is how soon after our words nobody has read them and written some of his own.
	fast = 2 * time.Second
	// soon is how soon after our words a repetition is no person's.
	soon = 10 * time.Second
	// short messages ("sim", "ok?") are repeated and typed at once by people.
	short = 20
	// doubt is how many exchanges that are only fast weigh as one: whoever answers a row of
	// questions may have the answers ready, and a program that plays a customer has.
	doubt = 5
	// window bounds how many messages are looked at.
	window = 60
)

// Exchanges counts how many exchanges in a row, the last one first, look automatic, and gives
// the last sign that counts. An exchange is what the customer said between two of our
// answers; five that are only fast count as one.
func Exchanges(dialogue []Said) (n int, last Sign) {
	fasts := 0
	defer func() {
		n += fasts / doubt
		if last == "" && n > 0 {
			last = Speed
		}
	}()
	if len(dialogue) > window {
		dialogue = dialogue[len(dialogue)-window:]
	}
	for end := len(dialogue); end > 0; {
		from := end
		for from > 0 && !dialogue[from-1].Ours {
			from--
		}
		if from == end { // ours
			end--
			continue
		}
		sign := signOf(dialogue[:from], dialogue[from:end])
		switch {
		case sign == "":
			return n, last
		case sign == Speed:
			fasts++
		default:
			n++
			if last == "" {
				last = sign
			}
		}
		end = from
	}
	return n, last
}

// signOf says why a burst looks automatic, "" where it does not.
func signOf(before, burst []Said) Sign {
	for _, s := range burst {
		if sign := Automatic(s.Text); sign != "" {
			return sign
		}
	}
	words := make([]string, len(burst))
	for i, s := range burst {
		words[i] = phrase.Words(s.Text)
	}
	var since time.Duration = -1
	if len(before) > 0 && !before[len(before)-1].At.IsZero() && !burst[0].At.IsZero() {
		since = burst[0].At.Sub(before[len(before)-1].At)
	}
	for _, w := range words {
		if utf8.RuneCountInString(w) < short {
			continue
		}
		same := 0
		for _, s := range before {
			old := phrase.Words(s.Text)
			switch {
			case s.Ours && strings.Contains(" "+old+" ", " "+w+" "):
				return Echo
			case !s.Ours && old == w:
				same++
			}
		}
		if same >= 2 || same == 1 && since > 0 && since < soon {
			return Repetition
		}
	}
	if since > 0 && since < fast && utf8.RuneCountInString(words[0]) >= short {
		return Speed
	}
	return ""
}

// Automatic says whether a text alone reads like a machine's: AutoReply, Menu or "".
func Automatic(text string) Sign {
	options := 0
	for _, c := range phrase.Clauses(text) {
		if menu.MatchString(c.Words) {
			return Menu
		}
		if autoReply.MatchString(c.Words) {
			return AutoReply
		}
		if option.MatchString(c.Words) {
			options++
		}
	}
	if options >= 3 {
		return Menu
	}
	return ""
}

var (
	autoReply = phrase.Any(
		`(?:esta|essa) e uma (?:mensagem|resposta) automatica`, `(?:mensagem|resposta) automatica:?$`, `^(?:mensagem|resposta|auto resposta|autoresposta) automatica`, `esta mensagem foi (?:enviada|gerada) automaticamente`,
		`(?:nao responda|favor nao responder) (?:a )?(?:esta|essa|este|esse) (?:mensagem|e mail|email|numero)`,
		`sou (?:um |uma |o |a )?(?:assistente virtual|atendente virtual|robo|chatbot|bot|assistente digital)`, `aqui e (?:o |a )?(?:assistente virtual|robo|chatbot)`,
		`(?:recebemos|recebi) (?:a )?(?:sua|tua) mensagem(?: e| com sucesso| em breve|$)`, `agradecemos (?:o |a |pelo |pela )?(?:seu |sua )?(?:contato|mensagem)`, `obrigad[oa] (?:por entrar em contato|pelo (?:seu )?contato) (?:com|conosco)`,
		`(?:responderemos|retornaremos|entraremos em contato|retornarei|responderei) (?:em breve|assim que|o mais|o quanto|no proximo|dentro)`, `em breve (?:um (?:de nossos )?atendentes?|nossa equipe|alguem|retornaremos|entraremos)`,
		`(?:estamos|estou|encontra se|nos encontramos) (?:fora do (?:horario|expediente|escritorio)|ausentes?)`, `nosso horario de (?:atendimento|funcionamento) e`, `fora do (?:nosso )?horario de (?:atendimento|expediente|funcionamento)`, `seu (?:protocolo|numero de protocolo) e`, `numero (?:do|de) protocolo`,
		`voce (?:e o|esta na posicao|esta na fila)`, `sua chamada e (?:muito )?importante`, `aguarde (?:um momento )?(?:que )?(?:em breve|um (?:de nossos )?atendente|na linha)`, `como posso (?:te |lhe )?ajudar hoje$`,
		`this is an automat(?:ed|ic) (?:message|reply|response)`, `automatic reply`, `auto ?reply`, `out of (?:the )?office`, `do not reply to this`, `i am (?:a|an|your) (?:virtual assistant|bot|chatbot)`, `im (?:a|an|your) (?:virtual assistant|bot|chatbot)`,
		`(?:we have|weve) received your message`, `thank you for (?:contacting|reaching out|your message)`, `(?:we will|well) (?:get back to|reply|respond to|be with) you`, `currently (?:unavailable|away|closed)`, `ticket number`,
		`(?:este|ese) es un mensaje automatico`, `mensaje automatico`, `respuesta automatica`, `hemos recibido su mensaje`, `gracias por (?:contactarnos|comunicarse|su mensaje)`, `fuera de (?:la oficina|horario)`, `soy (?:un|una|el|la) (?:asistente virtual|bot)`, `en breve (?:un|le|nos)`,
	)
	menu = phrase.Any(
		`(?:digite|tecle|aperte|pressione|envie|responda(?: com)?|disque) (?:o numero |a opcao |a tecla )?[0-9]{1,2}(?:$| (?:para|pra|se|ou|e))`, `(?:escolha|selecione) (?:uma|a) (?:das )?(?:opcao|opcoes)`, `opcao invalida`, `nao entendi (?:a )?sua (?:opcao|escolha)`, `digite (?:o numero d|a opcao|uma das|sair|menu|voltar)`,
		`menu principal`, `voltar ao menu`, `press [0-9](?:$| (?:for|to|if))`, `(?:choose|select) (?:one of|an option)`, `reply with [0-9]`, `invalid option`, `(?:marque|presione|digite) (?:el )?[0-9] (?:para|si)`, `(?:elija|seleccione) una opcion`,
	)
	// option is a line of a menu: "1 - Vendas".
	option = phrase.Any(`^[0-9]{1,2} (?:para )?[a-z]+(?: [a-z]+){0,4}$`)
)
