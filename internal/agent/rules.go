package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

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
		Handoff: &Handoff{Reason: conversation.ByHandoff, Note: t.unlinked(t.note("O cliente pediu antes para não receber mensagens e agora escreveu. O assistente não responde; uma pessoa precisa ver."))}}
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

// keyword hands over to whoever asks for a person. The name of a role alone is no wish: "sou
// supervisor de vendas", "o atendente foi ótimo", "não preciso de atendente".
func (t *turn) keyword() bool {
	for _, m := range t.asked {
		for _, k := range t.a.keywords {
			if !strings.Contains(" "+fold(m.Content.Text)+" ", " "+k+" ") || !t.wished(k, m.Content.Text) {
				continue
			}
			return t.wantsPerson()
		}
		if len(t.a.keywords) > 0 && plainWish(m.Content.Text) {
			return t.wantsPerson()
		}
	}
	return false
}

func (t *turn) wantsPerson() bool {
	t.handOver("keyword", "O cliente pediu para falar com uma pessoa.", t.farewell())
	return true
}

// plainWish says whether a text asks for somebody to talk to, whatever the keywords are.
func plainWish(text string) bool {
	return slices.ContainsFunc(phrase.Clauses(text), func(c phrase.Clause) bool {
		return somebody.MatchString(c.Words) && !refusesPerson.MatchString(c.Words)
	})
}

// roleWords is how many words a clause may have that calls for a person by the role alone.
const roleWords = 4

// wished says whether a keyword that stands in a text is a wish there.
func (t *turn) wished(keyword, text string) bool {
	text = norm.NFKC.String(text) // as fold does: full width and the like
	if words := phrase.Words(text); refusesPerson.MatchString(words) && !strings.Contains(" "+refusesPerson.ReplaceAllString(words, "")+" ", " "+keyword+" ") {
		return false
	}
	if !roles.MatchString(keyword) {
		return true
	}
	for _, c := range phrase.Clauses(text) {
		words := " " + ownRole.ReplaceAllString(c.Words, "") + " "
		if !strings.Contains(words, " "+keyword+" ") {
			continue
		}
		if called.MatchString(words) || wishes.MatchString(words) && !toldOf.MatchString(words) {
			return true
		}
		if t.waitsFor("role") || toldOf.MatchString(words) {
			continue
		}
		if strings.Count(c.Words, " ") < roleWords {
			return true
		}
	}
	return false
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
	wishes   = phrase.Any(`fal(?:ar|o|e|a)`, `conversar`, `quero`, `quer[io]a`, `qro`, `gostaria`, `preciso`, `precisava`, `cham(?:ar|a|e)`, `pass(?:ar|a|e)`, `transf(?:ere|ira|erir|ira)`, `me (?:liga|ligue|ajuda|ajude|atende|atenda)`, `atendimento`, `humano`, `pessoa`, `cade`, `tem (?:algum|alguma|um|uma)`, `por favor`, `pfv?`, `ninguem`, `agora`, `posso`, `pode`)
	called   = phrase.Any(`(?:falar|falo|conversar|chamar|chama|chame) (?:com )?(?:o |a |um |uma |meu |minha )?\w+`)
	somebody = phrase.Any(`(?:quero|queria|qro|gostaria de|preciso|precisava|posso|poderia|como faco (?:para|pra)|da (?:para|pra)|quero que|prefiro) (?:falar|conversar|tratar) (?:(?:direto|diretamente|agora|logo) )?com (?:(?:um|uma|o|a|algum|alguma|outr[oa]|seu|sua) )?(?:alguem|vendedor(?:a)?|consultor(?:a)?|atendentes?|human[oa]|gente de verdade|pessoas?(?: de verdade| real| humana)?|especialista|responsavel|gerente|supervisor(?:a)?|recepcionista|equipe|time)$`, `(?:i want to|id like to|i would like to|can i|could i|let me|i need to) (?:talk|speak) (?:to|with) (?:a|an|some)? ?(?:person|human|agent|representative|someone|somebody|real person)`, `(?:quiero|quisiera|necesito|puedo) hablar con (?:una? )?(?:persona|humano|agente|alguien|asesor|vendedor)`)
	// roles are the keywords that name what somebody is.
	roles   = phrase.Any(`^(?:atendentes?|supervisor(?:a|es)?|gerentes?|recepcionistas?|secretaria|vendedor(?:a|es)?|consultor(?:a|es)?|humanos?|humana|operador(?:a)?|responsavel)$`)
	ownRole = phrase.Any(`(?:sou|como|cargo|funcao|trabalho de|trabalho como|atuo|somos)(?: \w+){0,3} (?:atendentes?|supervisor|supervisora|supervisores|gerente|gerentes|recepcionistas?|vendedor|vendedora|consultor|consultora)`)
	// toldOf: the customer tells of somebody, or has his own.
	toldOf = phrase.Any(`(?:o|a|um|uma|os|as|outr[oa]|su[ao]|seus|voss[oa]|aquel[ea]|ess[ea]|mesm[oa]) (?:\w+ )?(?:atendentes?|supervisor|supervisora|gerente|recepcionista|vendedor|vendedora|consultor|consultora)(?: \w+){0,2} (?:foi|foram|me (?:disse|falou|atendeu|passou|ligou|informou|prometeu|mandou|ajudou|respondeu)|disse|falou|e (?:muito|otim[oa]|bom|boa|excelente|simpatic[oa])|era|estava|ficou|ligou|mandou|prometeu|atendeu)`,
		`(?:meu|minha|meus|minhas|noss[oa]s?) (?:\w+ )?(?:atendentes?|supervisor|supervisora|gerente|recepcionista|vendedor|vendedora|consultor|consultora)(?: \w+)? (?:preferid[oa]|favorit[oa]|saiu|pediu|quer|nao|precisa|disse|falou|usa|usam|demora|demoram|perdem|esta|estao|sao|e)`, `(?:meus|minhas|noss[oa]s|temos|tenho|somos|com|contratar|vaga (?:de|para)|[0-9]+|dois|duas|tres|quatro|cinco|dez) (?:\w+ )?(?:atendentes|supervisores|gerentes|recepcionistas|vendedores|consultores)`, `(?:vaga|emprego|trabalhar) (?:de|como|para) (?:\w+ )?(?:atendente|supervisor|supervisora|gerente|recepcionista|vendedor|vendedora)`)
	// refusesPerson: no person is wanted.
	refusesPerson = phrase.Any(`(?:nao|n|nem) (?:quero|queria|preciso|precisa|gostaria)(?: de)?(?: (?:falar|conversar))?(?: (?:com|de|um|uma|nenhum|nenhuma|o|a)){0,3} (?:atendentes?|humanos?|humana|pessoa|supervisor|supervisora|gerente|recepcionista|vendedor|vendedora|consultor|consultora|alguem|ninguem)`)
	greetings     = phrase.Any(`^(?:oi+|ola+|oie+|opa|e ai|eae|eai|alo+|bom dia|boa tarde|boa noite|bom diaa*|dia|hello|hi+|hey|good (?:morning|afternoon|evening)|hola|buen dia|buenos dias|buenas(?: tardes| noches)?|salve|saudacoes|tudo (?:bem|bom|certo|joia)|td bem|como vai|como vai voce|como esta|tudo bem com voces?|tudo bem por ai|pessoal|gente|how are you|que tal|como estas|` +
		`(?:oi+|ola+|opa|hi|hello|hola|bom dia|boa tarde|boa noite)(?: (?:oi+|ola|bom dia|boa tarde|boa noite|tudo bem|tudo bom|td bem|pessoal|gente|there|a todos|tudo certo|moc[oa]|amig[oa]|querid[oa]|todos|voces|tudo bem com voces?))+)$`)
	introduction = phrase.Any(`^(?:(?:eu )?sou (?:o|a)|meu nome (?:e|eh)|me chamo|aqui (?:quem fala )?(?:e|eh)(?: o| a)?|quem fala e(?: o| a)?|my name is|me llamo|mi nombre es) [a-z]{2,20}(?: (?:da|de|do|dos|das))?(?: [a-z]{2,20})?$`, `^[a-z]{2,20} aqui$`)
	notNames     = phrase.Any(`nov[oa]`, `gerente`, `don[oa]`, `paciente`, `cliente`, `mae`, `pai`, `filh[oa]`, `espos[oa]`, `marido`, `responsavel`, `atendente`, `supervisor(?:a)?`, `diretor(?:a)?`, `soci[oa]`, `medic[oa]`, `secretari[oa]`, `vendedor(?:a)?`, `assistente`, `robo`, `pessoa`, `mesm[oa]`, `quem`, `que`, `unic[oa]`, `primeir[oa]`)
	greetsAs     = phrase.Any(`^(?:oi+|ola+|opa|bom dia|boa tarde|boa noite|hi|hello|hola) (?:(?:eu )?sou (?:o|a)|meu nome (?:e|eh)|me chamo|aqui (?:e|eh)(?: o| a)?) [a-z]{2,20}$`)
	courtesies   = phrase.Any(`^(?:por favor|pfv?|obrigad[oa](?: desde ja)?|obg|vlw|valeu|grat[oa]|please|thanks|thank you|gracias|me (?:diz|diga|fala|informa|informe)|gostaria de saber|queria saber|uma (?:duvida|pergunta)|(?:me )?tira(?:r)? uma duvida|pode me (?:dizer|informar)|voces podem me (?:dizer|informar))$`)
)

// greeting says whether a text greets and says nothing else
// and, at most, who writes: "Oi, aqui é a Joana".
func greeting(text string) bool {
	all := phrase.Clauses(text)
	for i, c := range all {
		if !greetings.MatchString(c.Words) && !courtesies.MatchString(c.Words) && (i == 0 || !introduction.MatchString(c.Words) || notNames.MatchString(c.Words)) && (!greetsAs.MatchString(c.Words) || notNames.MatchString(c.Words)) {
			return false
		}
	}
	return len(all) > 0 && (greetings.MatchString(all[0].Words) || greetsAs.MatchString(all[0].Words))
}
