package agent

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"secretaria/internal/conversation"
	"secretaria/internal/gate"
	"secretaria/internal/llm"
	"secretaria/internal/phrase"
	"secretaria/internal/promise"
	"secretaria/internal/workflow"
)

// examine asks the gate about a text of a model, as a customer would read it.
func (t *turn) examine(text string) gate.Verdict {
	c := t.grounds()
	v := gate.Check(text, &c)
	for _, f := range v.Findings {
		if !slices.Contains(t.d.Stopped, f.Kind) {
			t.d.Stopped = append(t.d.Stopped, f.Kind)
		}
	}
	return v
}

// houseSays are the passages in which the house speaks for itself.
func (t *turn) houseSays() []string {
	cfg := t.a.cfg
	out := []string{cfg.Persona, cfg.Rules, cfg.Hours, cfg.Greeting, cfg.Closed, cfg.Transfer, cfg.Safety.Disclosure}
	for _, h := range t.hits {
		text := h.Text
		if h.Kind == "" && h.Title != "" {
			text = "# " + h.Title + "\n" + text // the headings say what the figures of a page are of
		}
		out = append(out, text)
	}
	return out
}

// grounds are what the figures of an answer may trace to.
func (t *turn) grounds() gate.Context {
	cfg := t.a.cfg
	if t.prepared == nil || t.preparedHits != len(t.hits) {
		t.prepared, t.preparedHits = gate.Prepare(t.houseSays()), len(t.hits)
	}
	g := gate.Grounds{Now: t.in.Now, Zone: cfg.Location, Hours: cfg.Open, Prepared: t.prepared}
	if t.step != nil {
		g.Said = append(g.Said, t.step.Text, t.step.Question)
	}
	g.Tools = append(g.Tools, t.toolResults...)
	for i, m := range slices.Concat(t.in.History, t.in.Pending) {
		switch {
		case m.Content.Kind == conversation.Result:
			if news, ok := workflow.ReadNews(m.Content); ok && !news.Failed {
				g.Tools = append(g.Tools, string(news.Result))
			}
		case m.Author != conversation.Customer:
			g.Said = append(g.Said, m.Content.Text)
		case !t.hidden[i]:
			g.Customer = append(g.Customer, withoutLinks(m.Content.Text))
		}
	}
	for _, f := range t.profile.Facts {
		g.Customer = append(g.Customer, withoutLinks(f.Quote))
	}
	if t.mem.Lead != nil {
		for _, k := range t.a.known(t.mem.Lead) {
			g.Customer = append(g.Customer, withoutLinks(k[1]))
		}
	}
	for _, k := range []promise.Kind{promise.Transferred, promise.Booked, promise.Sent, promise.Registered, promise.Paid} {
		if t.done(k) {
			g.Done = append(g.Done, k)
		}
	}
	return gate.Context{Secrets: t.secrets, Hosts: cfg.Safety.Links, Grounds: g}
}

// confide remembers what a request told the model in confidence.
func (t *turn) confide(req *llm.Request, canary string) {
	told := []string{req.System}
	for _, tool := range req.Tools {
		told = append(told, tool.Description, string(tool.Schema))
	}
	cfg := t.a.cfg
	public := []string{cfg.Greeting, cfg.Closed, cfg.Transfer, cfg.Safety.Disclosure, cfg.Hours, cfg.Open.Text(t.a.words.lang), cfg.Open.Answer(t.now(), t.a.words.lang), clock(t.now())}
	public = append(public, knowledge(cfg.Persona)...)
	public = append(public, knowledge(cfg.Rules)...)
	for _, h := range t.hits {
		public = append(public, h.Text)
	}
	if t.step != nil {
		public = append(public, t.step.Text, t.step.Question)
	}
	t.secrets = gate.NewSecrets(strings.Join(told, "\n"), []string{canary, string(req.Fence)}, public...)
}

var (
	headingLine   = regexp.MustCompile(`^\s*(?:#{1,6}\s+(.+)|\*\*(.+?)\*\*:?|([^.!?]{1,60}):)\s*$`)
	knowledgeHead = phrase.Any(`conhecimentos?`, `knowledge`, `informac(?:ao|oes)`, `perguntas`, `faq`, `fatos`, `facts`, `servicos?`, `services`, `precos?`, `prices`, `valores`, `tabela`, `produtos?`, `products`, `enderecos?`, `address`, `horarios?`, `hours`, `contatos?`, `planos`, `convenios`, `cardapio`, `menu`)
)

// knowledge are the parts of a persona or of rules that stand there to be told: what is under
// a heading such as "Conhecimento", "Preços" or "FAQ", and plain facts wherever they stand.
func knowledge(text string) []string {
	var out []string
	inside := false
	for line := range strings.Lines(text) {
		if m := headingLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			inside = knowledgeHead.MatchString(phrase.Words(m[1] + m[2] + m[3]))
			continue
		}
		if inside {
			out = append(out, line)
			continue
		}
		// Elsewhere it is the sentences that give a price, hours, an address, a phone or a link.
		facts := ""
		for _, sentence := range sentences.FindAllString(line, -1) {
			if !factual.MatchString(sentence) || secretive.MatchString(phrase.Words(sentence)) {
				out, facts = append(out, facts), ""
				continue
			}
			facts += sentence
		}
		out = append(out, facts)
	}
	return out
}

var (
	sentences = regexp.MustCompile(`.+?(?:[.!?;](?:\s+|$)|\n|$)`)
	factual   = regexp.MustCompile(`(?i)R\$\s*[0-9]|\b[0-9]{1,2}(?:h|:[0-9]{2})|\([0-9]{2}\)\s*[0-9]|https?://|\S@\S|\b(?:rua|avenida|av\.|pra[cç]a|alameda)\s+\p{L}`)
	// secretive are words of what is told to the assistant and not to customers.
	secretive = phrase.Any(`secret[oa]s?`, `sigil\w+`, `confidencia\w+`, `intern[oa]s?`, `senhas?`, `tokens?`, `chaves?`, `codigos?`, `nunca`, `jamais`, `nao`, `so (?:se|quando|para|vale)`, `apenas`, `somente`, `descontos?`, `margem`, `custos?`, `minim[oa]s?`, `gerentes?`, `diretor\w*`)
)

// checked compares what a model wants to say with what it may say and with what is true. It
// has one chance to write it anew; what then still says more than is known is not said, and a
// person gets the conversation. A transfer that is claimed twice is made true.
func (t *turn) checked(ctx context.Context, req *llm.Request, resp *llm.Response, text string) (string, error) {
	v := t.gated(ctx, text)
	if v.Pass() {
		return text, nil
	}
	if !confided(v) {
		again := *req
		again.Messages = append(slices.Clone(req.Messages),
			llm.Message{Role: llm.Assistant, Text: resp.Text},
			llm.Message{Role: llm.User, Text: "[aviso do sistema] Esta resposta ainda não foi enviada: " + v.Reason(text, "pt") + ". " +
				"Escreva a resposta outra vez, só com o que está nos fatos e com suas próprias palavras, sem comentar este aviso. Se você não tem a informação, diga que não tem. Se o cliente precisa de uma pessoa, use a ferramenta `handoff`."})
		if rewritten, err := t.generate(ctx, &again); err == nil {
			t.d.Usage = t.d.Usage.Add(rewritten.Usage)
			words := t.spoken(rewritten)
			if t.handsOver(rewritten, words) {
				return "", nil
			}
			if words != "" && len(rewritten.ToolCalls) == 0 {
				text = words
			}
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if v = t.gated(ctx, text); v.Pass() {
			return text, nil
		}
	}
	claims := slices.DeleteFunc(slices.Clone(v.Findings), func(f gate.Finding) bool { return f.Kind != gate.Claim })
	switch {
	case len(claims) < len(v.Findings):
		t.unsaid(v)
		return "", nil
	case slices.ContainsFunc(claims, func(f gate.Finding) bool { return f.Claim == promise.Transferred }):
		t.handOver("promise", "O assistente disse ao cliente que chamaria uma pessoa.", t.farewell())
		return "", nil
	}
	if text = t.honest(text, false); text == "" {
		text = t.a.words.nothing
		if t.step != nil && t.step.Text != "" {
			text = t.step.Text
		}
	}
	return text, nil
}

// judged is what the gate says of a model's words. The offline rules know no more than what
// they may say: only their claims are looked at.
//
// Braces are parted where an answer is rendered for its helpdesk, so a template in one is text.
func (t *turn) judged(text string) gate.Verdict {
	v := t.examine(text)
	v.Findings = slices.DeleteFunc(v.Findings, func(f gate.Finding) bool {
		return f.Kind == gate.Template ||
			f.Kind == gate.Percent && strings.HasPrefix(text[f.To:], "}") || f.Kind == gate.Claim && t.ofTheHouse(text[f.From:f.To])
	})
	if t.offline() {
		v.Findings = slices.DeleteFunc(v.Findings, func(f gate.Finding) bool { return f.Kind != gate.Claim })
	}
	return v
}

// ofTheHouse says whether the house says the same of itself, word for word: "enviamos por e-mail".
func (t *turn) ofTheHouse(claim string) bool {
	words := phrase.Words(claim)
	return words != "" && slices.ContainsFunc(t.houseSays(), func(passage string) bool {
		return strings.Contains(" "+phrase.Words(passage)+" ", " "+words+" ")
	})
}

// confided says whether a text gives away what no second try is to be trusted with.
func confided(v gate.Verdict) bool {
	return slices.ContainsFunc(v.Findings, func(f gate.Finding) bool { return f.Kind == gate.Canary || f.Kind == gate.Key })
}

// unsaid gives the conversation to a person in place of an answer that could not be sent.
func (t *turn) unsaid(v gate.Verdict) {
	var kinds []string
	for _, f := range v.Findings {
		if k := string(f.Kind); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	why := "O assistente ia dizer algo que não está nos fatos da casa (" + strings.Join(kinds, ", ") + "); a resposta não foi enviada."
	words := t.a.words.unconfirmed
	if v.Leaks() {
		why, words = "A resposta do assistente foi retida pela verificação de saída ("+strings.Join(kinds, ", ")+").", t.deflection()
	}
	t.handOver("gate", why, words+" "+t.farewell())
}

// honest is a text without its false claims.
func (t *turn) honest(text string, transferred bool) string {
	v := t.judged(text)
	v.Findings = slices.DeleteFunc(v.Findings, func(f gate.Finding) bool {
		return f.Kind != gate.Claim || transferred && f.Claim == promise.Transferred
	})
	if v.Pass() {
		return text
	}
	return visible(gate.Without(text, v))
}

// sayable says whether a text of a model may be put where people or programs read it: it
// gives nothing away, leads nowhere else and names nobody else. Figures are not looked at.
func (t *turn) sayable(text string) bool {
	if strings.TrimSpace(text) == "" {
		return true
	}
	for _, f := range t.examine(text).Findings {
		switch f.Kind {
		case gate.Money, gate.Percent, gate.Day, gate.Hour, gate.Duration, gate.Times, gate.Number, gate.Address, gate.Claim:
		default:
			return false
		}
	}
	return true
}

// written is a text of a model for people, "" where it may not be shown to them.
func (t *turn) written(text string) string {
	if !t.sayable(text) {
		return ""
	}
	return text
}

// linkForm is what helpdesks and phones make a link of: a scheme, "www.", or a name of the
// internet alone.
var linkForm = regexp.MustCompile(`(?i)(?:\b[a-z][a-z0-9+.-]{1,10}://|\bwww\.)[^\s<>"')\]]+|\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|net|org|info|biz|br|io|ai|app|dev|co|me|ly|gl|gg|tv|us|uk|ru|cn|xyz|online|site|shop|link|click|top|tk|ml|page|cloud|tech|store)\b(?:[:/?#][^\s<>"')\]]*)?`)

// restOfMail is what stands behind the beginning of an e-mail address.
var restOfMail = regexp.MustCompile(`^[A-Za-z0-9._%+-]*@[A-Za-z0-9]`)

// eachLink puts what f makes of them in the place of links. What belongs to an e-mail address
// is none.
func eachLink(text string, f func(link string) string) string {
	var b strings.Builder
	at := 0
	for _, m := range linkForm.FindAllStringIndex(text, -1) {
		if m[0] > 0 && text[m[0]-1] == '@' || restOfMail.MatchString(text[m[1]:]) {
			continue
		}
		b.WriteString(text[at:m[0]] + f(text[m[0]:m[1]]))
		at = m[1]
	}
	if at == 0 {
		return text
	}
	return b.String() + text[at:]
}

// withoutLinks are words of the customer as grounds: a link of his own is none that the house
// says to him.
func withoutLinks(text string) string { return eachLink(text, func(string) string { return " " }) }

// unlinked takes links out that only the customer has brought: what people and programs are
// given of his words leads nowhere.
func (t *turn) unlinked(text string) string {
	if !linkForm.MatchString(text) {
		return text
	}
	c := t.grounds()
	c.Grounds.Customer, c.Grounds.Said = nil, nil // what was said may quote him
	return eachLink(text, func(link string) string {
		if slices.ContainsFunc(gate.Check(link, &c).Findings, func(f gate.Finding) bool { return f.Kind == gate.Link || f.Kind == gate.Image }) {
			return "[link]"
		}
		return link
	})
}

// disclose ends the first answer with who writes and how to get a person, unless it says so.
func (t *turn) disclose() {
	n := len(t.d.Replies)
	if t.mem.Disclosed || n == 0 || t.d.Handoff != nil || t.d.Outcome == OptedOut {
		return
	}
	t.mem.Disclosed = true
	text := t.a.cfg.Safety.Disclosure
	switch text {
	case NoDisclosure:
		return
	case "":
		said := ""
		for _, r := range t.d.Replies {
			said += " " + phrase.Words(r.Text)
		}
		text = t.a.words.disclosure
		if saysMachine.MatchString(said) {
			if saysPerson.MatchString(said) {
				return
			}
			text = t.a.words.wayOut
		}
	}
	t.d.Replies[n-1].Text += "\n\n" + text
}

var (
	saysMachine = phrase.Any(`(?:assistente|secretaria|atendente|atendimento|asistente) (?:virtual|digital|automatic[oa]|eletronic[oa])`, `inteligencia artificial`, `robo`, `bot`, `ia`, `(?:virtual|digital|automated|ai) assistant`, `artificial intelligence`, `inteligencia artificial`)
	saysPerson  = phrase.Any(`atendentes?`, `pessoas?`, `human[oa]s?`, `(?:a|real) (?:person|human)`, `personas?`)
)

// passes says whether nothing is wrong with a text of a model.
func (t *turn) passes(text string) bool { return t.judged(text).Pass() }
