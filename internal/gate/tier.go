package gate

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

// tier returns the tier that stands before amount i of a passage.
func (r *reader) tier(i int) (tier, bool) {
	v := &r.values[i]
	if v.kind != Money || i == 0 {
		return tier{}, false
	}
	last := &r.values[i-1]
	of := last.tiered()
	if of == "" || last.sentence != v.sentence || v.first-last.last > tierGap {
		return tier{}, false
	}
	for k := last.last; k < v.first; k++ {
		if is(r.tokens, k, ",", "e", "ou", ")", "|", "por") {
			return tier{}, false
		}
	}
	size := last.raw
	if last.months {
		size = last.n * 100
	}
	switch before := last.first - 1; {
	case last.upto:
		return tier{of, 0, size}, true
	case is(r.tokens, before, "de") && is(r.tokens, before-1, "acima", "mais"):
		return tier{of, size + 1, endless}, true
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
// names by a number, and the house has a price for that.
func (k *known) untiered(i int) bool {
	v := &k.r.values[i]
	if v.kind != Money || k.line(v).question || k.line(v).negated {
		return false
	}
	for j := range k.r.values {
		w := &k.r.values[j]
		of := w.tiered()
		if of == "" || w.sentence != v.sentence || w.upto || is(k.r.tokens, w.first-1, "a", "ate", "de") && is(k.r.tokens, w.first-2, "acima", "mais", "partir", "menos") || j > 0 && k.r.values[j-1].last == w.first-1 && is(k.r.tokens, w.first-1, "a", "e", "ate", "-") || j+1 < len(k.r.values) && k.r.values[j+1].first == w.last+1 && is(k.r.tokens, w.last, "a", "e", "ate", "-") {
			continue
		}
		size := w.raw
		if w.months {
			size = w.n * 100
		}
		other, fits := 0, false // the passage of a price that is of another tier
		for l := range k.house.grounds[Money] {
			if g := &k.house.grounds[Money][l]; g.n == v.n {
				fits = fits || g.tier.of != of || g.tier.low <= size && size <= g.tier.high
				other = g.passage
			}
		}
		if fits || other == 0 {
			continue
		}
		for l := range k.house.grounds[Money] {
			if g := &k.house.grounds[Money][l]; g.passage == other && g.tier.of == of && g.tier.low <= size && size <= g.tier.high {
				return true
			}
		}
	}
	return false
}
