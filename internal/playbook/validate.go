package playbook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"secretaria/internal/invalid"
	"secretaria/internal/slot"
)

const (
	maxSlots   = 40
	maxWording = 600 // bytes
)

// Guards returns all guards, Deeds all kinds of actions, Tests all tests of a score.
func Guards() []Guard {
	return []Guard{
		Always, Started, Complete, Incomplete, Filled, ScoreAtLeast, ScoreBelow, Known, RefusedSlot, RefusedRequired, TimesKnown,
		AsksForPerson, NotInterested, ChangedMind, SilentDays, Returned,
	}
}

// Deeds returns all kinds of actions.
func Deeds() []Deed { return []Deed{Handoff, Note, Attributes, Label, Workflow} }

// Tests returns all tests of a score.
func Tests() []Test { return []Test{Present, AnyWord, Between, AtLeast, CorporateMail, FreeMail} }

// Validate says what is wrong, each value by its path: "slots[1].question",
// "score.rules[3].points", "moves[2].to".
func (p *Playbook) Validate() error {
	v := validation{book: p}
	v.slots()
	v.texts("greeting", p.Greeting, false)
	v.texts("words.corrected", p.Words.Corrected, true)
	v.texts("words.refused", p.Words.Refused, true)
	v.texts("words.again", p.Words.Again, false)
	if p.Asks < 0 || p.Asks > 5 {
		v.at("asks", "must be 1 to 5, 0 for the default of %d", defaultAsks)
	}
	v.moves()
	v.score()
	return errors.Join(v.found...)
}

type validation struct {
	book  *Playbook
	found []error
}

func (v *validation) at(path, format string, args ...any) {
	v.found = append(v.found, invalid.At(path, format, args...))
}

func list[T ~string](all []T) string {
	var texts []string
	for _, t := range all {
		texts = append(texts, string(t))
	}
	return strings.Join(texts, ", ")
}

// texts checks what is said: its length and its {keys}.
func (v *validation) texts(path, text string, words bool) {
	if len(text) > maxWording {
		v.at(path, "is longer than %d bytes; customers do not read that", maxWording)
	}
	for _, key := range placeholders(text) {
		if words && (key == "value" || key == "label") {
			continue
		}
		if v.book.kind(key) == "" {
			v.at(path, "names {%s}, which is no slot; write one of: %s", key, strings.Join(v.book.keys(), ", "))
		}
	}
	if strings.Count(text, "{") != strings.Count(text, "}") {
		v.at(path, "has a brace without its partner")
	}
}

func (v *validation) slots() {
	if len(v.book.Slots) > maxSlots {
		v.at("slots", "are more than %d", maxSlots)
	}
	seen := map[string]int{}
	for i, s := range v.book.Slots {
		path := fmt.Sprintf("slots[%d]", i)
		switch {
		case !keyLike(s.Key):
			v.at(path+".key", "must be a lower-case word of a to z, digits and _")
		case !slices.Contains(slot.Kinds(), s.Kind):
			v.at(path+".kind", "is not known; write one of: %s", list(slot.Kinds()))
		case !own(s.Kind) && s.Key != string(s.Kind):
			v.at(path+".key", "must be %q for this kind; for a slot of your own take the kind free or yes_no", s.Kind)
		case own(s.Kind) && slices.Contains(slot.Kinds(), slot.Kind(s.Key)):
			v.at(path+".kind", "must be %q for the key %q", s.Key, s.Key)
		case own(s.Kind) && slices.Contains([]string{"value", "label", "workflow", "playbook", "state", "score", "other", "quotes", "refused", "skipped"}, s.Key):
			v.at(path+".key", "is a word with a meaning of its own; take another")
		}
		if first, ok := seen[s.Key]; ok {
			v.at(path+".key", "is the same as that of slots[%d]", first)
		} else {
			seen[s.Key] = i
		}
		if strings.TrimSpace(s.Question) == "" {
			v.at(path+".question", "is empty; write what to ask")
		}
		v.texts(path+".question", s.Question, false)
		v.texts(path+".thanks", s.Thanks, false)
		v.texts(path+".more", s.More, false)
		switch list := s.Kind == slot.Times || s.Kind == slot.Tools; {
		case s.Least < 0 || s.Least > 6 || s.Least > 0 && !list:
			v.at(path+".least", "must be 0 to 6, and is for times and tools alone")
		case s.Least > 1 && strings.TrimSpace(s.More) == "":
			v.at(path+".more", "is empty; write how to ask for another one")
		case s.Least > 1 && !v.book.plainly(s.More):
			v.at(path+".more", "needs a sentence without {keys}, for when they are not known")
		}
		for j, text := range s.Again {
			at := fmt.Sprintf("%s.again[%d]", path, j)
			v.texts(at, text, false)
			if strings.TrimSpace(text) == "" {
				v.at(at, "is empty")
			}
		}
		if plainly := slices.ContainsFunc(append([]string{s.Question}, s.Again...), v.book.plainly); !plainly && strings.TrimSpace(s.Question) != "" {
			v.at(path+".again", "needs a wording without {keys}, for when they are not known")
		}
	}
}

// plainly says whether a text has words when nothing is known.
func (p *Playbook) plainly(text string) bool {
	_, ok := p.fill(text, Lead{}, nil)
	return ok
}

func (v *validation) moves() {
	for i, m := range v.book.Moves {
		path := fmt.Sprintf("moves[%d]", i)
		if len(m.From) == 0 {
			v.at(path+".from", "is empty; write at least one of: %s", list(States()))
		}
		for j, s := range m.From {
			if !slices.Contains(States(), s) {
				v.at(fmt.Sprintf("%s.from[%d]", path, j), "is no state; write one of: %s", list(States()))
			}
			if s == m.To {
				v.at(path+".to", "is where the move comes from")
			}
		}
		if !slices.Contains(States(), m.To) {
			v.at(path+".to", "is no state; write one of: %s", list(States()))
		}
		v.texts(path+".say", m.Say, false)
		for j, c := range m.When {
			v.condition(fmt.Sprintf("%s.when[%d]", path, j), c)
		}
		for j, a := range m.Actions {
			at := fmt.Sprintf("%s.actions[%d]", path, j)
			named := a.Do == Label || a.Do == Workflow
			switch {
			case !slices.Contains(Deeds(), a.Do):
				v.at(at, "is no action; write one of: %s", list(Deeds()))
			case named && a.Name == "":
				v.at(at, "needs a name: \"%s <name>\"", a.Do)
			case !named && a.Name != "":
				v.at(at, "takes no name")
			}
		}
	}
	if len(v.book.Moves) == 0 {
		return
	}
	reached := map[State]bool{New: true}
	for range States() {
		for _, m := range v.book.Moves {
			if slices.ContainsFunc(m.From, func(s State) bool { return reached[s] }) {
				reached[m.To] = true
			}
		}
	}
	for i, m := range v.book.Moves {
		if len(m.From) > 0 && !slices.ContainsFunc(m.From, func(s State) bool { return reached[s] }) {
			v.at(fmt.Sprintf("moves[%d].from", i), "is never reached from new")
		}
	}
	if reached := slices.Sorted(maps.Keys(reached)); !slices.Contains(reached, HandedOver) {
		v.at("moves", "lead to no person: one must go to %s", HandedOver)
	}
}

func (v *validation) condition(path string, c Condition) {
	ofSlot := c.Guard == Known || c.Guard == RefusedSlot
	counts := slices.Contains([]Guard{ScoreAtLeast, ScoreBelow, RefusedRequired, TimesKnown, SilentDays}, c.Guard)
	switch {
	case !slices.Contains(Guards(), c.Guard):
		v.at(path, "is no guard; write one of: %s", list(Guards()))
	case ofSlot && v.book.kind(c.Slot) == "":
		v.at(path, "needs a slot: \"%s email\"", c.Guard)
	case !ofSlot && c.Slot != "" && counts:
		v.at(path, "needs a number: \"%s 2\"", c.Guard)
	case !ofSlot && c.Slot != "", !counts && c.N != 0:
		v.at(path, "takes nothing behind it")
	case c.Guard == SilentDays && c.N < 1:
		v.at(path, "needs a number of days: \"silent 7\"")
	case (c.Guard == ScoreAtLeast || c.Guard == ScoreBelow) && c.N > v.book.score().Max():
		v.at(path, "asks for more than the %d points that the table can give", v.book.score().Max())
	}
}

func (v *validation) score() {
	seen := map[string]int{}
	if len(v.book.Score.Rules) > 0 && v.book.Score.Version == "" {
		v.at("score.version", "is empty; a table with rules of its own needs one, so that scores can be compared")
	}
	for i, r := range v.book.Score.Rules {
		path := fmt.Sprintf("score.rules[%d]", i)
		if !keyLike(r.ID) {
			v.at(path+".id", "must be a lower-case word of a to z, digits and _")
		} else if first, ok := seen[r.ID]; ok {
			v.at(path+".id", "is the same as that of score.rules[%d]", first)
		} else {
			seen[r.ID] = i
		}
		kind := v.book.kind(r.Slot)
		if kind == "" {
			v.at(path+".slot", "is no slot; write one of: %s", strings.Join(v.book.keys(), ", "))
		}
		if r.Points == 0 || r.Points < -1000 || r.Points > 1000 {
			v.at(path+".points", "must be -1000 to 1000 and not 0")
		}
		switch r.Test {
		case Present:
		case AnyWord:
			if len(r.Words) == 0 || slices.ContainsFunc(r.Words, func(w string) bool { return len(words(w)) == 0 }) {
				v.at(path+".words", "needs words to look for")
			}
		case Between:
			if kind != slot.TeamSize && !own(kind) && kind != "" {
				v.at(path+".test", "needs a slot with a number")
			}
			if r.To != 0 && r.To < r.From {
				v.at(path+".to", "is below from")
			}
		case AtLeast:
			if kind != slot.Times && kind != slot.Tools && kind != "" {
				v.at(path+".test", "needs a slot with a list: times or tools")
			}
			if r.From < 1 {
				v.at(path+".from", "must be 1 or more")
			}
		case CorporateMail, FreeMail:
			if kind != slot.Email && kind != "" {
				v.at(path+".test", "needs the slot email")
			}
		default:
			v.at(path+".test", "is not known; write one of: %s", list(Tests()))
		}
	}
}
