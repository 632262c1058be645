package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/optout"
	"secretaria/internal/phrase"
	"secretaria/internal/robot"
)

// Each rule says whether it has decided the turn.

// optedOut: nobody is written to against his wish. What he writes is for a person.
func (t *turn) optedOut() bool {
	if !t.in.OptedOut {
		return false
	}
	t.d = Decision{Outcome: OptedOut, Reason: "opted_out",
		Handoff: &Handoff{Reason: conversation.ByHandoff, Note: note("O cliente pediu antes para não receber mensagens e agora escreveu. O assistente não responde; uma pessoa precisa ver.", t.in.Pending)}}
	return true
}

// optsOut confirms once. Nothing is said afterwards.
func (t *turn) optsOut() bool {
	if !slices.ContainsFunc(t.texts, optout.Wants) {
		return false
	}
	t.decided(OptedOut, "opt_out", t.a.words.optedOut)
	t.d.OptOut = true
	t.d.Note = "O cliente pediu para não receber mais mensagens. O assistente confirmou e não escreve mais."
	return true
}

func (t *turn) broken() bool {
	if !t.in.Broken {
		return false
	}
	t.fallback("broken", "O atendimento automático falhou repetidas vezes nesta conversa.")
	return true
}

// keyword hands over to whoever asks for a person.
func (t *turn) keyword() bool {
	asked := t.asked
	if t.a.cfg.Playbook != nil {
		// A role is no wish: "sou supervisor de vendas".
		asked = slices.DeleteFunc(slices.Clone(asked), func(m conversation.Message) bool {
			words := phrase.Words(m.Content.Text)
			return !wishes.MatchString(words) && (t.waitsFor("role") || ownRole.MatchString(words))
		})
	}
	if _, ok := mentioned(t.a.keywords, asked); !ok {
		return false
	}
	t.handOver("keyword", "O cliente pediu para falar com uma pessoa.", t.farewell())
	return true
}

// waitsFor says whether the playbook has asked for a slot.
func (t *turn) waitsFor(key string) bool { return t.mem.Lead != nil && t.mem.Lead.Asked == key }

// topic is a subject that is for people.
type topic struct {
	phrases []string
	reason  string
}

func (t *turn) topic() bool {
	for _, topic := range t.a.topics {
		if _, ok := mentioned(topic.phrases, t.asked); ok {
			why := "O cliente trouxe um assunto que é para pessoas."
			if topic.reason != "" {
				why += "\n\n**Motivo:** " + topic.reason
			}
			t.handOver("topic", why, t.farewell())
			return true
		}
	}
	return false
}

func (t *turn) angry() bool {
	// Who is asked for his troubles may speak of them in strong words.
	if t.a.cfg.Handoff.Patient || t.waitsFor("pain") || !slices.ContainsFunc(t.texts, angry) {
		return false
	}
	t.handOver("anger", "O cliente parece irritado.", t.farewell())
	return true
}

// loop stops talking to a machine, and to whoever needs too many answers.
func (t *turn) loop() bool {
	if len(t.asked) == 0 {
		return false
	}
	if limit := t.a.cfg.Loops.Exchanges; limit > 0 {
		var said []robot.Said
		for _, m := range slices.Concat(t.episode(), t.asked) {
			switch m.Author {
			case conversation.Person:
				said = nil // whoever it is, a person has dealt with it
			case conversation.Customer, conversation.Ours:
				said = append(said, robot.Said{Text: m.Content.Text, At: m.At, Ours: m.Author == conversation.Ours})
			}
		}
		if n, sign := robot.Exchanges(said); n >= limit {
			t.handOver("loop", fmt.Sprintf("O outro lado parece ser um robô: %s em %d trocas seguidas. O assistente parou de responder.", signs[sign], n))
			return true
		}
	}
	if limit := t.a.cfg.Loops.Turns; limit > 0 && t.mem.Turns > limit {
		t.handOver("too_many_turns", fmt.Sprintf("Já são mais de %d respostas automáticas em uma hora nesta conversa.", limit), t.farewell())
		return true
	}
	return false
}

// signs are for people. The map is not changed.
var signs = map[robot.Sign]string{
	robot.AutoReply: "respostas automáticas", robot.Menu: "menus automáticos", robot.Echo: "as nossas próprias palavras de volta",
	robot.Repetition: "repetições", robot.Speed: "respostas rápidas demais para uma pessoa",
}

// closed answers once, where a desk only works while its people do.
func (t *turn) closed() bool {
	if !t.a.cfg.OnlyOpen || t.open() || len(t.asked) == 0 {
		return false
	}
	next, ok := t.a.cfg.Open.Next(t.now())
	if !t.mem.ClosedUntil.IsZero() && (t.in.Now.Before(t.mem.ClosedUntil) || !ok) {
		t.decided(Silent, "closed")
		return true
	}
	t.mem.ClosedUntil = next
	if !ok {
		t.mem.ClosedUntil = t.in.Now
	}
	t.decided(Replied, "closed", t.closedWords(t.a.words.closed))
	return true
}

func (t *turn) open() bool {
	return t.a.cfg.Open.Zone == nil || t.a.cfg.Open.Open(t.now())
}

// farewell is what a customer reads who is handed over. Out of hours nobody is promised.
func (t *turn) farewell() string {
	if t.open() {
		return t.a.cfg.Transfer
	}
	return t.closedWords(t.a.words.closedHandoff)
}

// closedWords are the desk's or else ours, with the next opening where they name no hour.
func (t *turn) closedWords(otherwise string) string {
	text := strings.TrimSpace(t.a.cfg.Closed)
	if text == "" {
		text = otherwise
	}
	next, ok := t.a.cfg.Open.Next(t.now())
	if !ok || strings.ContainsAny(text, "0123456789") {
		return text
	}
	return text + " " + t.a.words.opening(t.now(), next)
}

// opening says when people are there again.
func (w *words) opening(now, next time.Time) string {
	next = next.In(now.Location())
	date := func(t time.Time) string { return t.Format("2006-01-02") }
	day := w.days[next.Weekday()]
	switch {
	case date(next) == date(now):
		day = w.today
	case date(next) == date(now.AddDate(0, 0, 1)):
		day = w.tomorrow
	case next.Sub(now) > 6*24*time.Hour:
		day += ", " + next.Format("02/01")
	}
	hour := next.Format("15:04")
	if w.lang == "pt-BR" {
		hour = strings.TrimSuffix(strings.Replace(strings.TrimPrefix(hour, "0"), ":", "h", 1), "00")
	}
	return strings.NewReplacer("{day}", day, "{hour}", hour).Replace(w.back)
}

const (
	// repeatWithin is how long after our answer the same question is a repetition.
	repeatWithin = 10 * time.Minute
	// repeatWords is how many words it needs: "sim" and "ok" are said again and again.
	repeatWords = 3
)

// repeats answers what was asked just now with what was answered just now, then offers a
// person, then calls one. A playbook repeats its questions itself.
func (t *turn) repeats() bool {
	if t.a.cfg.Playbook != nil || len(t.asked) != 1 || t.repeatable() == "" {
		t.mem.Repeats = 0
		return false
	}
	answer, ours := t.lastSaid()
	previous, alone := t.previous()
	if !ours || answer == "" || !alone || phrase.Words(previous.Content.Text) != t.repeatable() || t.asked[0].At.Sub(previous.At) > repeatWithin {
		t.mem.Repeats = 0
		return false
	}
	t.mem.Repeats++
	t.mem.Failures++
	switch {
	case t.mem.Repeats >= 3 || t.mem.Failures >= t.a.cfg.Handoff.Failures:
		t.handOver("failures", "O assistente não conseguiu ajudar: o cliente repetiu a mesma pergunta.", t.farewell())
	case t.mem.Repeats == 2 || strings.HasPrefix(answer, t.a.words.again):
		t.decided(Replied, "repeat", t.a.words.offer)
	default:
		t.decided(Replied, "repeat", t.a.words.again+answer)
	}
	return true
}

// repeatable are the words of the only pending message, "" where they are too few to be repeated.
func (t *turn) repeatable() string {
	w := phrase.Words(t.texts[0])
	if strings.Count(w, " ")+1 < repeatWords {
		return ""
	}
	return w
}

// previous is the customer's message before our last words, and whether it was alone.
func (t *turn) previous() (conversation.Message, bool) {
	h := t.episode()
	i := len(h) - 1
	for i >= 0 && h[i].Author != conversation.Customer {
		i--
	}
	if i < 0 {
		return conversation.Message{}, false
	}
	return h[i], i == 0 || h[i-1].Author != conversation.Customer
}

// greets answers a bare greeting at the start with the desk's own words.
func (t *turn) greets() bool {
	if t.a.cfg.Greeting == "" || t.a.cfg.Playbook != nil || len(t.asked) == 0 || t.started() {
		return false
	}
	for _, text := range t.texts {
		if !greeting(text) {
			return false
		}
	}
	t.decided(Replied, "greeting", t.a.cfg.Greeting)
	return true
}

// started says whether anybody of the house has spoken in this episode.
func (t *turn) started() bool {
	return slices.ContainsFunc(t.episode(), func(m conversation.Message) bool {
		return m.Author == conversation.Ours || m.Author == conversation.Person
	})
}

// asksHours answers a question for the opening hours where nothing else is asked.
func (t *turn) asksHours() bool {
	if t.a.cfg.Open.Zone == nil || len(t.asked) == 0 || t.a.cfg.Playbook != nil && t.asking() {
		return false
	}
	asks := false
	for _, text := range t.texts {
		q, other := hoursIn(text)
		if other {
			return false
		}
		asks = asks || q
	}
	if !asks {
		return false
	}
	t.decided(Replied, "hours", t.a.cfg.Open.Answer(t.now(), t.a.words.lang))
	return true
}

// asking says whether the playbook waits for an answer.
func (t *turn) asking() bool { return t.mem.Lead == nil || t.mem.Lead.State.Asking() }

// unreadable asks for words where there are none at all.
func (t *turn) unreadable() bool {
	if len(t.asked) == 0 {
		return false
	}
	var kind conversation.Kind
	for _, m := range t.asked {
		if m.Content.Readable() {
			return false
		}
		kind = m.Content.Kind
	}
	t.mem.Failures++
	if t.mem.Failures >= t.a.cfg.Handoff.Failures {
		t.handOver("failures", "O cliente manda mensagens que o assistente não consegue ler.", t.farewell())
		return true
	}
	t.decided(AskedToWrite, string(kind), t.a.words.askToWrite(kind))
	t.read(false)
	if t.step != nil && t.step.Question != "" {
		t.d.Replies = append(t.d.Replies, Reply{Text: t.step.Question})
	}
	return true
}

// folded gives phrases the form in which they are compared, without those that would match
// everything.
func folded(phrases []string) []string {
	var out []string
	for _, p := range phrases {
		if p := fold(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// mentioned returns the first phrase that a message contains as whole words.
func mentioned(phrases []string, messages []conversation.Message) (string, bool) {
	if len(phrases) == 0 {
		return "", false
	}
	for _, m := range messages {
		text := " " + fold(m.Content.Text) + " "
		for _, p := range phrases {
			if strings.Contains(text, " "+p+" ") {
				return p, true
			}
		}
	}
	return "", false
}

var (
	wishes    = phrase.Any(`fal(?:ar|o|e)`, `quero`, `queria`, `gostaria`, `preciso`, `cham(?:ar|a|e)`, `pass(?:ar|a|e)`, `transf(?:ere|ira|erir|ira)`, `atendimento`, `humano`, `pessoa`, `cade`, `tem (?:algum|alguma|um|uma)`, `por favor`, `pfv?`)
	ownRole   = phrase.Any(`(?:sou|como|cargo|funcao|trabalho de|atuo)(?: \w+){0,3} (?:atendente|supervisor|supervisora|gerente)`)
	greetings = phrase.Any(`^(?:oi+|ola+|oie+|opa|e ai|eae|eai|alo+|bom dia|boa tarde|boa noite|bom diaa*|dia|hello|hi+|hey|good (?:morning|afternoon|evening)|hola|buen dia|buenos dias|buenas(?: tardes| noches)?|salve|saudacoes|tudo (?:bem|bom|certo|joia)|td bem|como vai|como vai voce|como esta|tudo bem com voces?|tudo bem por ai|pessoal|gente|how are you|que tal|como estas|` +
		`(?:oi+|ola+|opa|hi|hello|hola|bom dia|boa tarde|boa noite)(?: (?:oi+|ola|bom dia|boa tarde|boa noite|tudo bem|tudo bom|td bem|pessoal|gente|there|a todos|tudo certo|moc[oa]|amig[oa]|querid[oa]|todos|voces|tudo bem com voces?))+)$`)
	courtesies = phrase.Any(`^(?:por favor|pfv?|obrigad[oa](?: desde ja)?|obg|vlw|valeu|grat[oa]|please|thanks|thank you|gracias|me (?:diz|diga|fala|informa|informe)|gostaria de saber|queria saber|uma (?:duvida|pergunta)|(?:me )?tira(?:r)? uma duvida|pode me (?:dizer|informar)|voces podem me (?:dizer|informar))$`)

	lead      = `(?:(?:(?:eu )?(?:gostaria|queria|quero) (?:de )?saber|me (?:diz|diga|fala|informa)|sabe me dizer|pode(?:ria)?m? (?:me )?(?:dizer|informar)|por favor|qual e|qual seria|qual|quais sao|e|so) )*`
	they      = `(?: (?:voces?|vcs?|a loja|a clinica|o consultorio|o escritorio|a empresa|ai|isso))?`
	when      = `(?: (?:hoje|agora|ai|por favor|mesmo|amanha|ja|de voces|ainda|normalmente))*`
	weekHours = phrase.Any(`^`+lead+`(?:a )?(?:que|q|qual|quais) horas?`+they+` (?:voces? |vcs? )?(?:abre|abrem|fecha|fecham|funciona|funcionam|atende|atendem|comeca|comecam|abrem e fecham|abre e fecha)`+they+when+`$`,
		`^`+lead+`(?:os? )?horarios? (?:de )?(?:atendimento|funcionamento|abertura|trabalho|expediente)(?: (?:de|da|do) (?:voces|vcs|loja|clinica|escritorio|consultorio|empresa))?`+when+`$`, `^`+lead+`(?:o )?horario(?: de voces)?$`,
		`^`+lead+`(?:ate|a partir de|desde) (?:que|q) horas`+they+` (?:voces? |vcs? )?(?:abre|abrem|fica|ficam|atende|atendem|funciona|funcionam|vai|vao|esta|estao)(?: abert[oa]s?)?`+they+when+`$`,
		`^what (?:time|hours) (?:do|are) you (?:open|close|work)(?: today)?$`, `^what are your (?:opening |business |working )?hours$`, `^(?:when|until when) (?:do|are) you (?:open|close)(?: today)?$`, `^a que hora (?:abren|cierran)(?: hoy)?$`, `^cual es el horario(?: de atencion)?$`, `^que horario tienen$`)
	openNow = phrase.Any(`^`+lead+`(?:voces? |vcs? |a loja |a clinica |ja |ai )*(?:esta|estao|ta|tao|tem alguem)`+they+` (?:abert[oa]s?|atendendo|funcionando|abrindo|fechad[oa]s?)`+they+when+`$`, `^`+lead+`(?:voces? |vcs? |a loja |a clinica )*(?:abre|abrem|atende|atendem|funciona|funcionam)(?: (?:hoje|agora))+$`,
		`^(?:abert[oa]s?) (?:hoje|agora)$`, `^are you (?:guys )?open(?: today| now| right now)?$`, `^estan abiertos(?: hoy| ahora)?$`)
)

// greeting says whether a text greets and says nothing else.
func greeting(text string) bool {
	all := phrase.Clauses(text)
	for _, c := range all {
		if !greetings.MatchString(c.Words) && !courtesies.MatchString(c.Words) {
			return false
		}
	}
	return len(all) > 0 && greetings.MatchString(all[0].Words)
}

// hoursIn says whether a text asks for the opening hours, and whether it says anything else.
func hoursIn(text string) (asks, other bool) {
	for _, c := range phrase.Clauses(text) {
		switch {
		case weekHours.MatchString(c.Words), openNow.MatchString(c.Words):
			asks = true
		case !greetings.MatchString(c.Words) && !courtesies.MatchString(c.Words):
			other = true
		}
	}
	return asks, other
}
