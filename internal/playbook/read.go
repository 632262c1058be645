package playbook

import (
	"maps"
	"slices"
	"strings"
	"time"

	"secretaria/internal/slot"
)

// format is the form in which leads are kept; see Lead.Format.
const format = 1

const (
	defaultAsks = 2
	// patience is how many more times a question may be put when it was not ignored: the
	// customer asked something himself, or sent what has no words.
	patience = 3
)

// Begin returns a new lead.
func (p *Playbook) Begin() Lead {
	return Lead{Format: format, Playbook: p.Name, Version: p.Version, State: New}
}

// Read returns what a turn leads to. It changes neither of its arguments, and reading the same
// turn again gives the same step. Texts are read in order, as slot.Read does.
func (p *Playbook) Read(lead Lead, said Said) Step {
	r := &reading{book: p, said: said, lead: p.adopt(lead), before: lead}
	if len(said.Texts) > 0 {
		r.read()
		r.extracted()
		r.compare()
		r.missed()
		r.lead.Heard = said.Now.Format(time.RFC3339)
	}
	r.move()
	r.speak()
	r.step.Complete = p.next(r.lead) == ""
	r.step.Score = p.Rate(r.lead)
	r.step.Lead = r.lead
	return r.step
}

// reading is a turn while it is read.
type reading struct {
	book         *Playbook
	said         Said
	lead, before Lead
	step         Step
	outcome      slot.Outcome
	says         []string // of the moves
}

// adopt returns a copy of a lead that this playbook can go on with.
func (p *Playbook) adopt(lead Lead) Lead {
	lead.Format = max(lead.Format, format)
	lead.Playbook, lead.Version = p.Name, p.Version
	switch {
	case lead.State == "":
		lead.State = New
	case !slices.Contains(States(), lead.State):
		lead.State = Qualifying
	}
	lead.Slots.Values = clone(lead.Slots.Values)
	lead.Slots.Refused = slices.Clone(lead.Slots.Refused)
	lead.Slots.Open = slices.Clone(lead.Slots.Open)
	lead.Own = clone(lead.Own)
	lead.OwnRefused = slices.Clone(lead.OwnRefused)
	lead.Skipped = slices.Clone(lead.Skipped)
	lead.Times, lead.Missed = clone(lead.Times), clone(lead.Missed)
	lead.Done = slices.Clone(lead.Done)
	return lead
}

func clone[M ~map[K]V, K comparable, V any](m M) M {
	if m == nil {
		return M{}
	}
	return maps.Clone(m)
}

// slots returns the slots of a playbook, by default the built-in ones.
func (p *Playbook) slots() []Slot {
	if len(p.Slots) == 0 {
		return documented()
	}
	return p.Slots
}

func (p *Playbook) slot(key string) (Slot, bool) {
	slots := p.slots()
	if i := slices.IndexFunc(slots, func(s Slot) bool { return s.Key == key }); i >= 0 {
		return slots[i], true
	}
	return Slot{}, false
}

// own says whether slots of the kind are a configuration's own and known by their keys.
func own(k slot.Kind) bool { return k == slot.Free || k == slot.YesNo }

// kind returns what a key holds: a slot of the playbook, or a kind that is read whether it is
// asked for or not. "" for neither.
func (p *Playbook) kind(key string) slot.Kind {
	if s, ok := p.slot(key); ok {
		return s.Kind
	}
	if k := slot.Kind(key); slices.Contains(slot.Kinds(), k) && !own(k) {
		return k
	}
	return ""
}

// Value returns what a lead holds under a key.
func (l *Lead) Value(key string) (slot.Value, bool) {
	if v, ok := l.Own[key]; ok {
		return v, true
	}
	v, ok := l.Slots.Values[slot.Kind(key)]
	return v, ok
}

func (l *Lead) refused(key string) bool {
	return slices.Contains(l.OwnRefused, key) || slices.Contains(l.Slots.Refused, slot.Kind(key))
}

// settled says whether a slot is not to be asked (again).
func (l *Lead) settled(key string) bool {
	_, has := l.Value(key)
	return has || l.refused(key) || slices.Contains(l.Skipped, key)
}

// next returns the key of the slot to be asked next, "" when none is left.
func (p *Playbook) next(lead Lead) string {
	for _, s := range p.slots() {
		if !lead.settled(s.Key) || s.lacks(lead) {
			return s.Key
		}
	}
	return ""
}

// lacks says whether a list is known and more of it is still to be asked for.
func (s Slot) lacks(lead Lead) bool {
	v, has := lead.Value(s.Key)
	return has && len(v.List) < s.Least && s.More != "" && lead.Times[s.Key+"+"] == 0
}

// keys returns everything that a lead may hold: the slots of the playbook, the kinds that are
// read unasked, and what is left of slots that are gone.
func (p *Playbook) keys(leads ...Lead) []string {
	var keys []string
	for _, s := range p.slots() {
		keys = append(keys, s.Key)
	}
	for _, k := range slot.Kinds() {
		if !own(k) && !slices.Contains(keys, string(k)) {
			keys = append(keys, string(k))
		}
	}
	for _, l := range leads {
		for _, key := range slices.Sorted(maps.Keys(l.Own)) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// read reads the texts.
func (r *reading) read() {
	asked := r.lead.Asked
	if r.said.Elsewhere || r.said.Person {
		asked = "" // who asks for a person has not answered
	}
	kind := r.book.kind(asked)
	// The state of a slot of one's own is kept by its key.
	forget := func(s *slot.State) {
		delete(s.Values, slot.Free)
		delete(s.Values, slot.YesNo)
		s.Refused = slices.DeleteFunc(s.Refused, own)
		s.Open = slices.DeleteFunc(s.Open, own)
	}
	forget(&r.lead.Slots)
	got := slot.Read(r.lead.Slots, slot.Turn{Ask: kind, Bot: r.said.Bot, Says: r.said.Texts, First: r.said.First, Now: r.said.Now})
	r.outcome = got.Outcome
	r.lead.Slots = got.State
	if own(kind) {
		if v, ok := got.State.Values[kind]; ok {
			r.setOwn(asked, v)
		} else if got.Outcome == slot.Declined && !slices.Contains(r.lead.OwnRefused, asked) {
			if _, has := r.lead.Own[asked]; !has {
				r.lead.OwnRefused = append(r.lead.OwnRefused, asked)
			}
		}
	}
	forget(&r.lead.Slots)
}

func (r *reading) setOwn(key string, v slot.Value) {
	r.lead.Own[key] = v
	r.lead.OwnRefused = slices.DeleteFunc(r.lead.OwnRefused, func(k string) bool { return k == key })
}

// compare finds what became of the slots in this turn.
func (r *reading) compare() {
	for _, key := range r.book.keys(r.lead) {
		was, had := r.before.Value(key)
		is, has := r.lead.Value(key)
		switch {
		case has && !had:
			r.step.Learned = append(r.step.Learned, Fact{key, is})
		case has && !was.Same(is):
			r.step.Corrected = append(r.step.Corrected, Fact{key, is})
		}
		if r.lead.refused(key) && !r.before.refused(key) {
			r.step.Refused = append(r.step.Refused, key)
		}
	}
	r.lead.Skipped = slices.DeleteFunc(r.lead.Skipped, func(key string) bool {
		_, has := r.lead.Value(key)
		return has
	})
	_, answered := r.lead.Value(r.lead.Asked)
	r.step.Countered = r.asks() || r.outcome == slot.Countered && !answered && slices.ContainsFunc(r.said.Texts, r.countered)
}

// countered says whether a text asks something, and not only how one is: "tudo bem?" does not,
// nor makes it a question of "sou o Paulo" beside it.
func (r *reading) countered(text string) bool {
	return !smallTalk(text) && (len(r.step.Learned)+len(r.step.Corrected) == 0 || slot.Read(slot.State{}, slot.Turn{Says: []string{text}, Now: r.said.Now}).Outcome == slot.Countered)
}

// postponed says whether a short text puts an answer off.
func postponed(text string) bool {
	w := words(text)
	said := " " + strings.Join(w, " ") + " "
	return len(w) <= 8 && slices.ContainsFunc([]string{
		"depois te passo", "depois eu passo", "depois passo", "depois eu te passo", "te passo depois", "passo depois", "depois te mando", "depois eu mando", "te mando depois", "mando depois", "depois te falo", "te falo depois", "falo depois", "depois te digo", "te digo depois", "depois informo", "informo depois", "depois vejo", "vejo depois", "mais tarde te", "te passo mais tarde", "mando mais tarde", "mais tarde eu",
	}, func(p string) bool { return strings.Contains(said, " "+p+" ") })
}

// smallTalk says whether a text is nothing but a greeting: "oi, tudo bem?" wants no answer.
func smallTalk(text string) bool {
	for _, w := range words(text) {
		switch w {
		case "oi", "oii", "oie", "ola", "opa", "eai", "alo", "hey", "hi", "hello", "tudo", "td", "bem", "bom", "boa", "joia", "certo", "beleza", "blz", "como", "vai",
			"esta", "ta", "dia", "tarde", "noite", "e", "ai", "voce", "vc", "voces", "vcs", "com", "contigo", "por", "pessoal", "gente":
		default:
			return false
		}
	}
	return true
}

// asks says whether a sentence of the customer's is a question that brought no value.
func (r *reading) asks() bool {
	for i, text := range r.said.Texts {
		from := 0
		for at, c := range text {
			if !strings.ContainsRune(".!?\n", c) {
				continue
			}
			end := at + 1
			if c != '\n' && end < len(text) && !strings.ContainsRune(" \t\n.!?", rune(text[end])) {
				continue // within an address or a number
			}
			if c == '?' && strings.ContainsFunc(text[from:at], isWord) && !smallTalk(text[from:at]) && !r.quoted(r.said.First+i, text, from, end) {
				return true
			}
			from = end
		}
	}
	return false
}

// quoted says whether text[from:to] overlaps a quote of what this turn brought.
func (r *reading) quoted(message int, text string, from, to int) bool {
	for _, f := range slices.Concat(r.step.Learned, r.step.Corrected) {
		for _, q := range f.Quotes {
			if q.Message != message {
				continue
			}
			if at := strings.Index(text, q.Text); at >= 0 && at < to && at+len(q.Text) > from {
				return true
			}
		}
	}
	return false
}

// missed counts a question that was ignored, and gives slots up in the end. Whoever asked
// something himself, sent what has no words or told something else has not ignored it; but
// nothing is asked for ever.
func (r *reading) missed() {
	key := r.lead.Asked
	words := slices.ContainsFunc(r.said.Texts, func(t string) bool { return strings.ContainsFunc(t, isWord) })
	told := len(r.step.Learned)+len(r.step.Corrected)+len(r.step.Refused) > 0
	if words && !told && !r.step.Countered && !r.said.Elsewhere && key != "" && !r.lead.settled(key) {
		r.lead.Missed[key]++
		if slices.ContainsFunc(r.said.Texts, postponed) {
			// Who says "depois te passo" is not asked the same again at once.
			r.lead.Skipped = append(r.lead.Skipped, key)
			r.step.Skipped = append(r.step.Skipped, key)
		}
	}
	for _, s := range r.book.slots() {
		asks := r.book.Asks
		if asks <= 0 {
			asks = defaultAsks
		}
		if s.Optional {
			asks = 1
		}
		if !r.lead.settled(s.Key) && (r.lead.Missed[s.Key] >= asks || r.lead.Times[s.Key] >= asks+patience) {
			r.lead.Skipped = append(r.lead.Skipped, s.Key)
			r.step.Skipped = append(r.step.Skipped, s.Key)
		}
	}
}
