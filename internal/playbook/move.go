package playbook

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/portuguese"
	"secretaria/internal/slot"
)

func (p *Playbook) moves() []Move {
	if len(p.Moves) == 0 {
		return DefaultMoves()
	}
	return p.Moves
}

// move makes the moves that are allowed, one after the other. No state is entered twice in a
// turn, so that no table of moves can run for ever.
func (r *reading) move() {
	seen := []State{r.lead.State}
	for {
		i := slices.IndexFunc(r.book.moves(), func(m Move) bool {
			return slices.Contains(m.From, r.lead.State) && !slices.Contains(seen, m.To) && r.allowed(m)
		})
		if i < 0 {
			return
		}
		m := r.book.moves()[i]
		made := Made{From: r.lead.State, To: m.To}
		for _, a := range m.Actions {
			if r.due(a) {
				made.Actions = append(made.Actions, a)
			}
		}
		if text, ok := r.book.fill(m.Say, r.lead, nil); ok {
			r.says = append(r.says, text)
		}
		r.lead.State, r.lead.Episode = m.To, r.said.Episode
		seen = append(seen, m.To)
		r.step.Moves = append(r.step.Moves, made)
	}
}

// due says whether an action is to be done, and remembers it.
func (r *reading) due(a Action) bool {
	name := a.String()
	i := slices.IndexFunc(r.lead.Done, func(d Done) bool { return d.Action == name })
	if i < 0 {
		r.lead.Done = append(r.lead.Done, Done{name, r.said.Episode})
		return true
	}
	again := a.Do == Handoff || a.Do == Note
	if !again || r.lead.Done[i].Episode >= r.said.Episode {
		return false
	}
	r.lead.Done[i].Episode = r.said.Episode
	return true
}

func (r *reading) allowed(m Move) bool {
	for _, c := range m.When {
		if !r.holds(c) {
			return false
		}
	}
	return true
}

func (r *reading) holds(c Condition) bool {
	switch c.Guard {
	case Always:
		return true
	case Started:
		return len(r.said.Texts) > 0
	case Complete:
		return r.book.next(r.lead) == ""
	case Incomplete:
		return r.book.next(r.lead) != ""
	case Filled:
		for _, s := range r.book.slots() {
			if _, has := r.lead.Value(s.Key); !has && !s.Optional {
				return false
			}
		}
		return true
	case ScoreAtLeast:
		return r.book.Rate(r.lead).Points >= c.N
	case ScoreBelow:
		return r.book.Rate(r.lead).Points < c.N
	case Known:
		_, has := r.lead.Value(c.Slot)
		return has
	case RefusedSlot:
		return r.lead.refused(c.Slot)
	case RefusedRequired:
		n := 0
		for _, s := range r.book.slots() {
			if !s.Optional && r.lead.refused(s.Key) {
				n++
			}
		}
		return n >= max(c.N, 1)
	case TimesKnown:
		return r.lead.coming(r.said.Now) >= max(c.N, 1)
	case AsksForPerson:
		return r.said.Person
	case NotInterested:
		return r.said.Uninterested || slices.ContainsFunc(r.said.Texts, uninterested)
	case ChangedMind:
		return !slices.ContainsFunc(r.said.Texts, uninterested) && slices.ContainsFunc(r.said.Texts, interested)
	case SilentDays:
		heard, err := time.Parse(time.RFC3339, r.lead.Heard)
		return err == nil && len(r.said.Texts) == 0 && !r.said.Now.Before(heard.Add(days(c.N)))
	case Returned:
		return len(r.said.Texts) > 0 && r.said.Episode > r.before.Episode
	}
	return false // a guard of a newer version
}

func days(n int) time.Duration { return time.Duration(max(n, 1)) * 24 * time.Hour }

// coming counts the meeting times that are still to come.
func (l *Lead) coming(now time.Time) int {
	n := 0
	for _, text := range l.Slots.Values[slot.Times].List {
		if at, err := time.Parse(time.RFC3339, text); err == nil && at.After(now) {
			n++
		}
	}
	return n
}

// Wait says when silence alone may move a lead on: the first moment after now for a Read
// without texts. False when there is none.
func (p *Playbook) Wait(lead Lead, now time.Time) (time.Time, bool) {
	heard, err := time.Parse(time.RFC3339, lead.Heard)
	if err != nil {
		return time.Time{}, false
	}
	var first time.Time
	for _, m := range p.moves() {
		if !slices.Contains(m.From, lead.State) {
			continue
		}
		for _, c := range m.When {
			if at := heard.Add(days(c.N)); c.Guard == SilentDays && at.After(now) && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	return first, !first.IsZero()
}

// uninterested finds the plainest ways to say no to the whole conversation. Longer messages
// and those that go on with "mas" are left to whoever understands them.
func uninterested(text string) bool {
	w := words(text)
	if len(w) == 0 || len(w) > 10 || strings.Contains(text, "?") {
		return false
	}
	for _, but := range []string{"mas", "porem", "so", "apenas", "somente", "se", "ainda"} {
		if slices.Contains(w, but) {
			return false
		}
	}
	said := " " + strings.Join(w, " ") + " "
	for _, no := range []string{
		"nao tenho interesse", "nao temos interesse", "sem interesse", "nao tenho mais interesse", "nao temos mais interesse", "perdi o interesse",
		"nao estou interessado", "nao estou interessada", "nao estamos interessados", "nao to interessado", "nao to interessada",
		"nao me interessa", "nao me interesso", "nao nos interessa", "desisti", "desistimos", "n tenho interesse", "n tenho mais interesse",
	} {
		if strings.Contains(said, " "+no+" ") {
			return true
		}
	}
	return false
}

// interested finds the plainest ways to come back after a no.
func interested(text string) bool {
	said := " " + strings.Join(words(text), " ") + " "
	for _, yes := range []string{
		"mudei de ideia", "mudamos de ideia", "pensei melhor", "pensamos melhor", "repensei", "tenho interesse", "temos interesse", "fiquei interessado", "fiquei interessada", "estou interessado", "estou interessada", "to interessado", "to interessada",
		"me interessei", "me interessa", "quero saber mais", "queria saber mais", "gostaria de saber mais", "quero conhecer", "queria conhecer", "gostaria de conhecer", "quero contratar", "quero comecar", "quero continuar", "vamos continuar", "podemos continuar", "quero retomar", "podemos retomar", "vamos conversar", "quero uma proposta", "quero um orcamento",
	} {
		if strings.Contains(said, " "+yes+" ") && !strings.Contains(said, " nao "+yes+" ") {
			return true
		}
	}
	return false
}

// words are the words and numbers of a text, folded.
func words(text string) []string {
	var w []string
	for _, t := range portuguese.Split(text) {
		if t.Kind == portuguese.Word || t.Kind == portuguese.Digits {
			w = append(w, t.Fold)
		}
	}
	return w
}

// String is the condition as it is written down: "score 50", "known email", "complete".
func (c Condition) String() string {
	switch {
	case c.Slot != "":
		return string(c.Guard) + " " + c.Slot
	case c.N != 0:
		return string(c.Guard) + " " + strconv.Itoa(c.N)
	}
	return string(c.Guard)
}

// ParseCondition reads what Condition.String writes. It does not check the guard: Validate
// does.
func ParseCondition(text string) Condition {
	guard, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	c := Condition{Guard: Guard(guard)}
	rest = strings.TrimSpace(rest)
	if n, err := strconv.Atoi(rest); err == nil {
		c.N = n
	} else {
		c.Slot = rest
	}
	return c
}

// String is the action as it is written down: "handoff", "workflow create_lead".
func (a Action) String() string {
	if a.Name != "" {
		return string(a.Do) + " " + a.Name
	}
	return string(a.Do)
}

// ParseAction reads what Action.String writes. It does not check the deed: Validate does.
func ParseAction(text string) Action {
	do, name, _ := strings.Cut(strings.TrimSpace(text), " ")
	return Action{Do: Deed(do), Name: strings.TrimSpace(name)}
}

// Mermaid draws the states and moves as a stateDiagram-v2.
func (p *Playbook) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> new\n")
	left := map[State]bool{}
	reached := map[State]bool{New: true}
	for _, m := range p.moves() {
		for _, from := range m.From {
			left[from], reached[m.To] = true, true
			b.WriteString("    " + string(from) + " --> " + string(m.To) + ": " + m.label() + "\n")
		}
	}
	for _, s := range States() {
		if reached[s] && !left[s] {
			b.WriteString("    " + string(s) + " --> [*]\n")
		}
	}
	return b.String()
}

// label is a move in words, without the signs that a diagram reads as its own.
func (m Move) label() string {
	var when, do []string
	for _, c := range m.When {
		when = append(when, c.String())
	}
	for _, a := range m.Actions {
		do = append(do, a.String())
	}
	if len(when) == 0 {
		when = []string{string(Always)}
	}
	text := strings.Join(when, ", ")
	if len(do) > 0 {
		text += " / " + strings.Join(do, ", ")
	}
	return strings.NewReplacer(":", " ", ";", " ", "\n", " ", "#", " ").Replace(text)
}
