package slot

import (
	"maps"
	"slices"
	"time"
)

// Turn is a question of the assistant and what the customer said to it.
type Turn struct {
	// Ask is the slot of the question, "" for none.
	Ask Kind
	// Bot is the assistant's own words: an offer in them may be accepted or moved.
	Bot string
	// Says is what the customer wrote, in order, "" for a message without words.
	Says []string
	// First is the number of Says[0] among the customer's messages; quotes count from it.
	First int
	// Now is when the turn is read, in the zone of the house.
	Now time.Time
}

// State is what is known after a turn, to be given to the next. Its zero value knows
// nothing. It can be kept as JSON.
type State struct {
	Values  map[Kind]Value `json:"values,omitempty"`
	Refused []Kind         `json:"refused,omitempty"`
	// Open are the slots that were asked for and neither answered nor refused.
	Open []Kind `json:"open,omitempty"`
	// Last is the slot of the last question.
	Last Kind `json:"last,omitempty"`
	Half Half `json:"half"`
}

func (s *State) asks(k Kind) bool { return slices.Contains(s.Open, k) }

// Outcome says what became of a question.
type Outcome string

// The outcomes.
const (
	Filled    Outcome = "answered"  // the slot that was asked for has a value from this turn
	Declined  Outcome = "refused"   // the customer does not want to, or has none
	Countered Outcome = "countered" // a question instead of an answer
	Silent    Outcome = "open"      // nothing that answers it: no words, "depois", something else
)

// Result is what a turn told.
type Result struct {
	State State
	// Learned are values of slots that were empty, Corrected those that took another's place.
	Learned, Corrected []Value
	// Refused are the slots that this turn refused.
	Refused []Kind
	Outcome Outcome
}

// turn is a Turn while it is read.
type turn struct {
	ask     Kind
	bot     *line
	lines   []*line
	state   State
	now     time.Time
	learned map[Kind]Value
	refused []Kind
	also    []Kind // what the same question asks for beside ask
	// botNames are the names of the assistant, folded.
	botNames []string
}

// Read returns what a turn adds to what was known. It changes neither of its arguments.
func Read(known State, said Turn) Result {
	t := &turn{ask: said.Ask, bot: newLine(-1, said.Bot), now: said.Now, learned: map[Kind]Value{}}
	t.state = known
	t.state.Values = maps.Clone(known.Values)
	if t.state.Values == nil {
		t.state.Values = map[Kind]Value{}
	}
	t.state.Refused = slices.Clone(known.Refused)
	t.state.Open = slices.Clone(known.Open)
	budget := maxTurn
	for i, text := range said.Says {
		if i == maxMessages || budget <= 0 {
			break
		}
		budget -= min(len(text), maxMessage)
		t.lines = append(t.lines, newLine(said.First+i, text))
	}
	t.also = t.askedBeside()
	t.botNames = botNames(t.bot)
	t.cnpjOf()
	t.emailOf()
	t.phoneOf()
	t.timesOf()
	t.nameOf()
	t.teamOf()
	t.companyOf()
	t.roleOf()
	t.toolsOf()
	t.painOf()
	t.freeOf()
	t.yesNoOf()
	t.refusedOf()
	return t.result(known)
}

// askedBeside reads what the assistant's question names beside the slot: "Pode me passar
// e-mail e telefone?"
func (t *turn) askedBeside() []Kind {
	if t.ask == "" {
		return nil
	}
	for i := range t.bot.tokens {
		if t.bot.fold(i) != "?" {
			continue
		}
		from, to := t.bot.clause(max(0, i-1), false)
		kinds := mentions(t.bot, from, to)
		if slices.Contains(kinds, t.ask) || t.ask == Name {
			return slices.DeleteFunc(kinds, func(k Kind) bool { return k == t.ask })
		}
	}
	return nil
}

// asks says whether the turn may answer a question for the kind: the last one, or an open
// one from before.
func (t *turn) asks(k Kind) bool {
	return t.ask == k || t.state.asks(k) || slices.Contains(t.also, k)
}

func (t *turn) learn(v Value) {
	t.learned[v.Kind] = v
	t.state.Values[v.Kind] = v
}

func (t *turn) result(known State) Result {
	r := Result{Refused: t.refused}
	for _, k := range Kinds() {
		v, ok := t.learned[k]
		if !ok {
			continue
		}
		before, had := known.Values[k]
		switch {
		case !had:
			r.Learned = append(r.Learned, v)
		case !before.Same(v):
			r.Corrected = append(r.Corrected, v)
		}
		t.state.Refused = slices.DeleteFunc(t.state.Refused, func(x Kind) bool { return x == k })
		t.state.Open = slices.DeleteFunc(t.state.Open, func(x Kind) bool { return x == k })
	}
	for _, k := range t.refused {
		if _, has := t.state.Values[k]; has {
			continue
		}
		if !slices.Contains(t.state.Refused, k) {
			t.state.Refused = append(t.state.Refused, k)
		}
		t.state.Open = slices.DeleteFunc(t.state.Open, func(x Kind) bool { return x == k })
	}
	_, filled := t.learned[t.ask]
	switch {
	case t.ask != "" && filled:
		r.Outcome = Filled
	case slices.Contains(t.refused, t.ask):
		r.Outcome = Declined
	case slices.ContainsFunc(t.lines, (*line).question):
		r.Outcome = Countered
	default:
		r.Outcome = Silent
	}
	if t.ask != "" && !filled && !slices.Contains(t.state.Refused, t.ask) && !slices.Contains(t.state.Open, t.ask) {
		if _, has := t.state.Values[t.ask]; !has {
			t.state.Open = append(t.state.Open, t.ask)
		}
	}
	if t.ask != "" {
		t.state.Last = t.ask
	}
	r.State = t.state
	return r
}

func (t *turn) first() int {
	if len(t.lines) == 0 {
		return 0
	}
	return t.lines[0].index
}
