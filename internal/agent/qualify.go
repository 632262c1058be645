package agent

import (
	"slices"
	"strings"
	"time"

	"secretaria/internal/phrase"
	"secretaria/internal/playbook"
	"secretaria/internal/slot"
)

// read lets the playbook read what the customer said, with what a model found in it so far.
// person: he asks for one. Reading the same again gives the same, so it may be done as often
// as something is learned; what counts is the last time.
func (t *turn) read(person bool) {
	book := t.a.cfg.Playbook
	if book == nil || len(t.asked) == 0 {
		return
	}
	lead := book.Begin()
	if t.mem.Lead != nil {
		lead = *t.mem.Lead
	}
	bot, ours := t.lastSaid()
	t.said.Texts, t.said.First, t.said.Bot, t.said.Now, t.said.Episode = t.readable(), t.mem.Heard, bot, t.now(), t.mem.Episode
	t.said.Elsewhere = !ours && t.started()
	t.said.Person = person
	step := book.Read(lead, t.said)
	step.Text, step.Question = t.unlinked(step.Text), t.unlinked(step.Question) // they quote him: "na {company}"
	t.step = &step
}

// carryOut does what the playbook's moves ask for, and puts the note together.
func (t *turn) carryOut() {
	switch {
	case t.step != nil:
		t.moves()
	case t.mem.Lead != nil && len(t.asked) > 0:
		t.mem.Lead.Heard = t.now().Format(time.RFC3339) // a rule has answered: he is not silent
	}
	t.expect()
	if t.d.Handoff != nil && t.d.Outcome != OptedOut {
		t.d.Handoff.Note = t.finishNote(joined(t.d.Handoff.Note, t.d.Note))
		t.d.Note = ""
		if t.mem.Lead != nil && t.a.cfg.Playbook != nil && t.d.Handoff.Attributes == nil {
			t.attribute(t.a.cfg.Playbook.Attributes(*t.mem.Lead))
		}
	}
}

func (t *turn) moves() {
	book, lead := t.a.cfg.Playbook, t.step.Lead
	t.mem.Lead = &lead
	if v, ok := lead.Value(string(slot.Name)); ok && v.Text != t.profile.Name {
		t.profile.Name, t.profileChanged = clip(v.Text, maxName), true
	}
	wantsPerson := false
	for _, m := range t.step.Moves {
		for _, action := range m.Actions {
			switch action.Do {
			case playbook.Handoff:
				wantsPerson = true
			case playbook.Note:
				defer t.noteCard(lead)
			case playbook.Attributes:
				defer t.attribute(book.Attributes(lead))
			case playbook.Label:
				defer t.attribute(nil, action.Name)
			case playbook.Workflow:
				t.start(action.Name, lead)
			}
		}
		for _, w := range t.a.cfg.Workflows {
			if slices.Contains(w.On, string(m.To)) {
				t.start(w.Name, lead)
			}
		}
	}
	if wantsPerson && t.d.Handoff == nil {
		if w, ok := t.awaited(); ok {
			t.mem.Awaits, t.mem.AwaitsSince = w, t.in.Now
			defer t.noteCard(lead)
		} else {
			why := "O lead está qualificado."
			if t.in.Woken {
				why = "O cliente parou de responder."
			}
			t.d.Outcome = HandedOver
			t.d.Handoff = t.handoff("handoff", why)
		}
	}
	t.d.Lead = &Lead{State: string(lead.State), Score: t.step.Score.Points, MaxScore: t.step.Score.Max, ScoreTable: t.step.Score.Version, Body: encode(lead)}
}

// noteCard shows people the lead of a conversation that stays with the bot. With a handoff
// it is in the note anyway.
func (t *turn) noteCard(lead playbook.Lead) {
	if t.d.Handoff == nil {
		t.d.Note = joined(t.d.Note, t.a.cfg.Playbook.Card(lead))
	}
}

// awaited is a workflow of this turn whose result the customer is to read: people get the
// conversation when it is there, since what comes later is not said over them.
func (t *turn) awaited() (string, bool) {
	for _, c := range t.d.Calls {
		if w, ok := t.declared(c.Workflow); ok && w.Reply != "" && len(w.Result) > 0 {
			return w.Name, true
		}
	}
	return "", false
}

// start calls a workflow with what the playbook knows. What the desk has not declared is not
// started, and what its schema refuses is for people to see.
func (t *turn) start(name string, lead playbook.Lead) {
	w, ok := t.declared(name)
	if !ok || slices.ContainsFunc(t.d.Calls, func(c Call) bool { return c.Workflow == name }) {
		return
	}
	if _, err := t.call(w, t.a.cfg.Playbook.Arguments(lead, name)); err != nil {
		t.d.Note = joined(t.d.Note, "O fluxo \""+name+"\" não foi iniciado: faltam dados do lead ou eles não têm a forma esperada.")
	}
}

// known lists what a lead holds, for a model.
func (a *Agent) known(lead *playbook.Lead) [][2]string {
	var out [][2]string
	if a.cfg.Playbook == nil {
		return nil
	}
	for _, s := range a.cfg.Playbook.Slots {
		if v, ok := lead.Value(s.Key); ok {
			label := s.Label
			if label == "" {
				label = s.Key
			}
			out = append(out, [2]string{label, v.String()})
		}
	}
	return out
}

// phrased is what the customer reads when a model has put the playbook's question into
// words. A text that asks nothing else and ends with that question stands as it is; of any
// other the questions are taken out and the built-in one is put at its end.
func (t *turn) phrased(text string) string {
	step := t.step
	if step == nil || step.Text == "" {
		return text
	}
	if text == "" {
		return step.Text
	}
	if step.Question == "" { // a move has words: the answer to a question of his own comes first
		if step.Countered {
			return withoutQuestions(text, "\n\n", step.Text)
		}
		return step.Text
	}
	for _, f := range step.Corrected {
		if !strings.Contains(phrase.Words(text), phrase.Words(f.String())) {
			if step.Countered {
				return withoutQuestions(text, "\n\n", step.Text)
			}
			return step.Text
		}
	}
	if t.asksOnly(text) {
		return text
	}
	between := " "
	if strings.Contains(text, "\n") {
		between = "\n\n" // not at the end of a list
	}
	return withoutQuestions(text, between, step.Question)
}

// acknowledged puts before an answer of rules what the playbook says before its question: the
// greeting, "Prazer, Ana!". A model does so in its own words.
func (t *turn) acknowledged(text string) string {
	if t.step == nil || t.step.Question == "" || !t.offline() {
		return text
	}
	before, ok := strings.CutSuffix(t.step.Text, t.step.Question)
	if before = strings.TrimSpace(before); !ok || before == "" {
		return text
	}
	for all := phrase.Clauses(text); len(all) > 1 && greetings.MatchString(all[0].Words); all = phrase.Clauses(text) {
		text = text[all[1].Start:] // one greeting is enough
	}
	return before + " " + text
}

// asksOnly says whether a text ends with the playbook's question, in whatever words, and
// asks nothing else.
func (t *turn) asksOnly(text string) bool {
	all := phrase.Clauses(text)
	from := len(all)
	for i, c := range all {
		if c.Mark != '?' {
			continue
		}
		for _, later := range all[i+1:] {
			if later.Mark == '?' {
				return false
			}
		}
		if i != len(all)-1 {
			return false
		}
		for from = i; from > 0 && (all[from-1].Mark == ',' || all[from-1].Mark == ':'); from-- {
		}
	}
	var asked []string
	for _, c := range all[min(from, len(all)):] {
		asked = append(asked, strings.Fields(c.Words)...)
	}
	return slices.ContainsFunc(asked, t.about)
}

// about says whether a word belongs to the question for the slot that is asked.
func (t *turn) about(word string) bool {
	if len(word) < 3 {
		return false
	}
	if slices.Contains(subjects[t.step.Ask], word) {
		return true
	}
	if len(word) < 5 {
		return false
	}
	for _, w := range strings.Fields(phrase.Words(t.step.Question)) {
		if len(w) >= 5 && w[:5] == word[:5] && !slices.Contains(commonWords, w) {
			return true
		}
	}
	return false
}

// subjects are words by which a question for a slot is known. Neither is changed.
var (
	subjects = map[string][]string{
		"name": {"nome", "chama", "chamo", "chamar", "name", "nombre", "llamas"}, "company": {"empresa", "negocio", "companhia", "firma", "company"}, "role": {"cargo", "funcao", "papel", "role", "atua"},
		"tools": {"ferramenta", "ferramentas", "sistema", "sistemas", "crm", "planilha", "planilhas", "tools"}, "pain": {"dificuldade", "dificuldades", "problema", "desafio", "dor", "atrapalha", "challenge"},
		"email": {"email", "mail"}, "phone": {"telefone", "celular", "numero", "ddd", "phone"}, "cnpj": {"cnpj"}, "team_size": {"pessoas", "equipe", "time", "funcionarios", "colaboradores", "people"},
		"times": {"horario", "horarios", "dia", "dias", "agenda", "quando"},
	}
	commonWords = []string{"voces", "voce", "quais", "qual", "para", "hoje", "principal", "melhor", "pode", "poderia", "gostaria"}
)

// withoutQuestions takes the sentences that ask out of a text and puts something behind it.
func withoutQuestions(text, between, then string) string {
	var b strings.Builder
	all := phrase.Clauses(text)
	at := 0
	for i := 0; i < len(all); {
		j := i
		for j < len(all)-1 && (all[j].Mark == ',' || all[j].Mark == ':' || all[j].Mark == ';') {
			j++
		}
		end := len(text)
		if j+1 < len(all) {
			end = all[j+1].Start
		}
		if all[j].Mark != '?' {
			b.WriteString(text[at:end])
		} else {
			b.WriteString(text[at:all[i].Start])
		}
		at, i = end, j+1
	}
	kept := strings.TrimRight(strings.TrimSpace(b.String()), "¿¡-–*_ \n")
	if phrase.Words(kept) == "" {
		return then
	}
	return kept + between + then
}
