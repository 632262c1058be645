package gate

import "slices"

// A tier is what a price depends on: "até 100 m² R$ 220; de 101 a 250 m² R$ 340", "crianças de 6 a
// 10 anos pagam R$ 80".
type tier struct {
	of        string // the measure, the word behind the number, or "months" of an age
	low, high int64  // hundredths, both included
}

const (
	// tierGap is how many tokens may stand between a tier and its price.
	tierGap = 4
	endless = int64(1) << 60
)

// tiered is what a figure may be within a tier of, "" for nothing.
func (v *value) tiered() string {
	switch {
	case v.kind == Duration && v.months:
		return "months"
	case v.kind == Number && v.s == "" && v.unit != "":
		return v.unit
	case v.kind == Number && v.s == "":
		return v.noun
	}
	return ""
}

// tier returns the tier that stands beside amount i of a passage; last is that of the amount
// before it.
func (r *reader) tier(i int, last tier) (tier, bool) {
	v := &r.values[i]
	after := v.last
	switch {
	case v.kind == Number && v.noun != "":
		after++ // "2 doses até os 14 anos"
	case v.kind != Money && v.kind != Percent:
		return tier{}, false
	}
	if t, ok := r.tierBefore(i); ok && v.kind != Number {
		return t, ok
	}
	if is(r.tokens, v.last, "acima", "alem", "depois", "passando", "mais") && is(r.tokens, v.last+1, "disso", "disto") && last.of != "" && i > 0 && r.values[i-1].sentence == v.sentence {
		return tier{last.of, last.high + 1, endless}, true // "R$ 12 até 6 km, R$ 20 acima disso"
	}
	if i+1 == len(r.values) {
		return tier{}, false
	}
	next := &r.values[i+1]
	if next.sentence != v.sentence {
		return tier{}, false
	}
	of, low, size := next.tiered(), next.size(), next.size()
	if next.kind == Number && next.s == "" && next.first == v.last+1 && is(r.tokens, v.last, "para") {
		if i+2 < len(r.values) {
			// "R$ 350 para 1 ou 2 quartos e R$ 520 para 3"
			if w := &r.values[i+2]; w.kind == Number && w.first == next.last+1 && is(r.tokens, next.last, "ou", "e", "a", "-") && w.tiered() != "" {
				of, size = w.tiered(), w.size()
			}
		}
		if of == "" {
			of = last.of
		}
		return tier{of, low, size}, of != ""
	}
	if is(r.tokens, after, "de") && next.first == after+1 && i+2 < len(r.values) {
		// "R$ 12 de 3 a 6 km"
		if w := &r.values[i+2]; w.tiered() != "" && w.first == next.last+1 && is(r.tokens, next.last, "a", "ate", "-") {
			if w.months {
				low = w.size() / max(w.raw, 1) * low
			}
			return tier{w.tiered(), low, w.size()}, low <= w.size()
		}
	}
	for is(r.tokens, after, "para", "a") {
		after++
	}
	switch {
	case of == "" || v.kind == Number && of == v.noun:
	case next.upto && next.first-after <= 2 && is(r.tokens, after, "ate"):
		return tier{of, 0, size}, true // "R$ 12 até 6 km"
	case next.first == after+2 && is(r.tokens, after, "acima") && is(r.tokens, after+1, "de"):
		return tier{of, size + 1, endless}, true
	case next.first == after+2 && is(r.tokens, after, "partir") && is(r.tokens, after+1, "de"):
		return tier{of, size, endless}, true
	}
	return tier{}, false
}

// size is what a tiered figure is within a tier by.
func (v *value) size() int64 {
	if v.months {
		return v.n * 100
	}
	return v.raw
}

func (r *reader) tierBefore(i int) (tier, bool) {
	v := &r.values[i]
	if i == 0 {
		return tier{}, false
	}
	last := &r.values[i-1]
	of := last.tiered()
	if of == "" || last.sentence != v.sentence || v.first-last.last > tierGap {
		return tier{}, false
	}
	leads := v.kind == Percent && last.first-r.starts()[v.sentence] <= 2 // "Acima de 50 convidados, 8%"
	for k := last.last; k < v.first; k++ {
		if leads && is(r.tokens, k, ",") {
			continue
		}
		if is(r.tokens, k, ",", "e", "ou", ")", "|", "por") {
			return tier{}, false
		}
	}
	size := last.size()
	switch before := last.first - 1; {
	case last.upto:
		return tier{of, 0, size}, true
	case is(r.tokens, before, "de") && is(r.tokens, before-1, "acima", "mais"):
		return tier{of, size + 1, endless}, true
	case is(r.tokens, before, "de") && is(r.tokens, before-1, "partir"):
		return tier{of, size, endless}, true
	case i > 1 && is(r.tokens, before, "a", "ate", "-", "–") && r.values[i-2].last == before:
		low := r.values[i-2].raw
		if last.months {
			low = low * size / max(last.raw, 1)
		}
		return tier{of, low, size}, low <= size
	}
	return tier{}, false
}

// untiered says whether amount i is the price of another tier than the one that its sentence
// names by a number; where the answer names none, than that of the customer's last message.
func (k *known) untiered(i int) bool {
	v := &k.r.values[i]
	if v.kind != Money && v.kind != Percent && (v.kind != Number || v.noun == "") || k.line(v).question || k.line(v).negated {
		return false
	}
	if v.kind == Money && (k.conditional(v) || k.offday(v)) {
		return true
	}
	if i+1 < len(k.r.values) && k.r.values[i+1].upto && k.r.values[i+1].first-v.last <= 2 {
		return false // "os R$ 780 (até 60)"
	}
	named := map[string]bool{}
	for j := range k.r.values {
		w := &k.r.values[j]
		of := w.tiered()
		if of == "" {
			continue
		}
		if named[of] = true; w.sentence == v.sentence && !k.r.bound(j) && k.outside(v, of, w.size()) {
			return true
		}
	}
	if len(k.c.Grounds.Customer) == 0 {
		return false
	}
	r := k.question()
	for j := range r.values {
		w := &r.values[j]
		of := w.tiered()
		if of == "" || named[of] || r.bound(j) || k.r.values[0].sentence != v.sentence {
			continue
		}
		if named[of] = true; k.outside(v, of, w.size()) {
			return true
		}
	}
	return false
}

// bound says whether figure i is the end of a range, and not the size of something.
func (r *reader) bound(i int) bool {
	w := &r.values[i]
	return w.upto || is(r.tokens, w.first-1, "a", "ate", "de") && is(r.tokens, w.first-2, "acima", "mais", "partir", "menos") ||
		i > 0 && r.values[i-1].last == w.first-1 && is(r.tokens, w.first-1, "a", "e", "ate", "-") ||
		i+1 < len(r.values) && r.values[i+1].first == w.last+1 && is(r.tokens, w.last, "a", "e", "ate", "-")
}

// outside says whether a figure is one of the house for other tiers only.
func (k *known) outside(v *value, of string, size int64) bool {
	other := false
	all := k.house.grounds[v.kind]
	for l := range all {
		if g := &all[l]; g.n == v.n && (v.kind != Number || g.noun == v.noun) {
			if g.tier.of != of || g.tier.low <= size && size <= g.tier.high {
				return false
			}
			other = true
		}
	}
	return other
}

// conditional says whether an amount is one that the house asks only from a number on, "a partir de
// 10 pessoas R$ 95", where nobody speaks of such a number and the house has another for one.
func (k *known) conditional(v *value) bool {
	var of *ground
	for l := range k.house.grounds[Money] {
		if g := &k.house.grounds[Money][l]; g.n == v.n {
			if g.tier.low <= 1_00 || g.tier.high != endless {
				return false
			}
			of = g
		}
	}
	if of == nil || k.sources(*v) != fromHouse {
		return false
	}
	speaks := func(w value) bool { return w.tiered() == of.tier.of }
	if slices.ContainsFunc(k.r.values, speaks) || len(k.c.Grounds.Customer) > 0 && slices.ContainsFunc(k.question().values, speaks) {
		return false
	}
	spoken := append(k.house.known(k.r, 0, len(k.r.tokens), nil), k.asked()...)
	for l := range k.house.grounds[Money] {
		if o := &k.house.grounds[Money][l]; o.passage == of.passage && o.tier.of == "" && o.n > 0 && !o.bare && k.house.weigh(o.words, spoken, nil) >= 0.3 && k.house.weigh(of.words, spoken, o.words) == 0 {
			return true
		}
	}
	return false
}

// askedOn returns the weekdays on which amount i of a passage is asked: "R$ 69 de segunda a quinta,
// R$ 89 sexta e sábado", or the other way round.
func (r *reader) askedOn(i int) uint8 {
	step := 1
	if r.values[r.first(i)].kind == Day {
		step = -1
	}
	days := uint8(0)
	for j := i + step; j >= 0 && j < len(r.values) && r.values[j].sentence == r.values[i].sentence && r.values[j].kind != Money; j += step {
		days |= r.values[j].week
	}
	return days
}

// offday says whether the house asks an amount only on other weekdays than the one that its
// sentence names, and another on that.
func (k *known) offday(v *value) bool {
	days := uint8(0)
	for j := range k.r.values {
		if w := &k.r.values[j]; w.kind == Day && w.sentence == v.sentence {
			d, ok := k.weekdays(*w)
			if !ok {
				return false
			}
			days |= d
		}
	}
	other := 0
	for l := range k.house.grounds[Money] {
		if g := &k.house.grounds[Money][l]; g.n == v.n {
			if g.asked == 0 || days == 0 || g.asked&days != 0 {
				return false
			}
			other = g.passage
		}
	}
	return slices.ContainsFunc(k.house.grounds[Money], func(g ground) bool {
		return g.passage == other && other != 0 && g.asked&days == days
	})
}
