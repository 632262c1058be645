// Package guard judges what a customer wrote before a model reads it: whether somebody tries
// to take the assistant over, to draw its instructions or another customer's data out of it,
// or to have it do what no desk does.
//
// Texts are read in several views: as they stand, and decoded where something in them is
// encoded. In each view rules look for meanings near to each other, and a linear classifier
// weighs words, parts of words and meanings. The guard lowers how much reaches the model. It
// guarantees nothing: what a customer may see or cause is enforced where the effect happens.
//
// Everything here is pure, bounded in work for any text, and safe for concurrent use.
package guard

import (
	_ "embed"
	"math"
	"sync"
)

// Action is what becomes of a message.
type Action uint8

// The actions, from the mildest on. A restricted message is answered without tools and
// without the customer's record; a deflected one never reaches a model.
const (
	Allow Action = iota
	Restrict
	Deflect
)

// String returns the action's name in reports: allow, restrict, deflect.
func (a Action) String() string {
	switch a {
	case Restrict:
		return "restrict"
	case Deflect:
		return "deflect"
	default:
		return "allow"
	}
}

// Verdict is what the guard thinks of a text.
type Verdict struct {
	Action Action
	// Score runs from 0 to 1. It is 0.5 where the classifier begins to restrict, and at least
	// 0.5 where a rule decided.
	Score float64
	// View names the view that decided, Rule the rule; both are "" where none did. They are
	// names out of closed lists and never text of the customer.
	View, Rule string
}

// Guard judges texts. Use New.
type Guard struct {
	lex   *lexicon
	rules *rules
	model *Model
	desks *sync.Pool // of *desk
}

func newGuard(lex *lexicon, rs *rules, m *Model) *Guard {
	return &Guard{lex: lex, rules: rs, model: m, desks: &sync.Pool{New: func() any { return &desk{} }}}
}

// parts reads the tables that are compiled in.
func parts() (*lexicon, *rules, error) {
	lex, err := newLexicon(lexiconText)
	if err != nil {
		return nil, nil, err
	}
	rs, err := newRules(rulesText, lex)
	return lex, rs, err
}

// A reading is what was found in one view.
type reading struct {
	met    []hit
	action Action // of the rules
	rule   string
	z      float32
}

func (g *Guard) read(d *desk, v view) reading {
	r := reading{met: d.met[:0]}
	g.rules.find(v.tokens, func(rule, at int) {
		r.met = append(r.met, hit{rule, at})
		if a := g.rules.all[rule].action; a > r.action {
			r.action, r.rule = a, g.rules.all[rule].name
		}
	})
	d.met = r.met
	r.z = g.model.weigh(d, v, r.met)
	return r
}

// language tells the language of a text by its small words. Portuguese where in doubt.
func language(tokens []token) int {
	var n [langCount]int
	for i := range tokens {
		for l := range n {
			if tokens[i].langs&(1<<l) != 0 {
				n[l]++
			}
		}
	}
	switch {
	case n[LangEnglish] > n[LangPortuguese] && n[LangEnglish] >= n[LangSpanish]:
		return LangEnglish
	case n[LangSpanish] > n[LangPortuguese]:
		return LangSpanish
	}
	return LangPortuguese
}

//go:embed model.bin
var modelData []byte

// New returns the guard with its tables and the model that are compiled in. It panics where
// they are broken, which a test would have found.
func New() *Guard {
	lex, rs, err := parts()
	if err != nil {
		panic(err)
	}
	g := newGuard(lex, rs, nil)
	if len(modelData) > 0 {
		g.model = &Model{}
		if err := g.model.UnmarshalBinary(modelData); err != nil {
			panic(err)
		}
	}
	return g
}

// With returns a guard that uses another model.
func (g *Guard) With(m *Model) *Guard {
	return newGuard(g.lex, g.rules, m)
}

// Card tells what the model was made from.
func (g *Guard) Card() Card {
	if g.model == nil {
		return Card{}
	}
	return g.model.Card
}

// Judge says what becomes of a text.
func (g *Guard) Judge(text string) Verdict {
	o := g.observe(text)
	return o.verdict(g.Card().Calibration[o.lang])
}

// observation is all that a verdict needs.
type observation struct {
	lang               int
	action             Action
	rule, ruleView, by string  // by: the view of the highest weight
	z, ruleZ           float32 // ruleZ: what the classifier thinks of the rule's view
}

func (g *Guard) observe(text string) observation {
	d := g.desks.Get().(*desk)
	defer func() {
		d.clear()
		g.desks.Put(d)
	}()
	views := g.lex.views(d, text)
	o := observation{lang: language(views[0].tokens), z: nothing}
	for i, v := range views {
		r := g.read(d, v)
		r.z += v.disguise
		if r.action > o.action || r.action == o.action && r.action > Allow && r.z > o.ruleZ {
			o.action, o.rule, o.ruleView, o.ruleZ = r.action, r.rule, v.name, r.z
		}
		if i == 0 || r.z > o.z {
			o.z, o.by = r.z, v.name
		}
	}
	return o
}

// against is how far below the threshold the weight of a view lets no rule decide, by the
// language: the classifier has seen customers use the same words. It has seen most of them
// in Portuguese.
func against(lang int) float32 { return [langCount]float32{0.25, 3, 5}[lang] }

func (o observation) verdict(c Calibration) Verdict {
	v := Verdict{Action: o.action, Rule: o.rule, View: o.ruleView, Score: 1 / (1 + math.Exp(float64(c.Restrict-o.z)))}
	if c == (Calibration{}) {
		v.Score = 0 // no model
		c = Calibration{Restrict: 100, Deflect: 100}
	}
	if v.Action == Deflect && o.ruleZ < c.Deflect-against(o.lang) && c.Restrict < 100 {
		v.Action = Restrict
	}
	if v.Action > Allow && o.ruleZ < c.Restrict-against(o.lang) && c.Restrict < 100 {
		v.Action, v.Rule, v.View = Allow, "", ""
	}
	decided := Allow
	switch {
	case o.z >= c.Deflect:
		decided = Deflect
	case o.z >= c.Restrict:
		decided = Restrict
	}
	if v.Action > Allow {
		v.Score = max(v.Score, 0.5)
	}
	if decided > v.Action {
		v.Action, v.View, v.Rule = decided, o.by, ""
	}
	return v
}
