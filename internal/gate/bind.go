package gate

import (
	"slices"

	"secretaria/internal/hours"
)

// misplaced says whether the house has figure i only of something else than what the answer
// says it of, and another figure of the same kind of that.
func (k *known) misplaced(i int) bool {
	v := &k.r.values[i]
	switch v.kind {
	case Money, Duration, Times, Number, Percent:
	case Day:
		if v.week == 0 || v.relative {
			return false
		}
	case Hour:
	default:
		return false
	}
	line := k.line(v)
	if line.question || line.negated || v.kind == Number && v.noun == "" && v.unit == "" || (v.kind == Day || v.kind == Hour) && (line.attributed || line.closed) {
		return false
	}
	left, right := k.r.window(i)
	window := k.house.known(k.r, v.last, right, k.house.known(k.r, left, v.first, nil))
	if v.kind == Money && is(k.r.tokens, v.first-1, "a", "x", "×") {
		// "Doze placas a R$ 35": so many of a thing, and not the kit of twelve.
		window = slices.DeleteFunc(window, func(w int32) bool { return numbered(k.house.names[w]) })
	}
	if len(window) == 0 && (v.kind == Day || v.kind == Hour) {
		if v.kind == Hour && i > 0 && k.verdicts[i-1] == "" && v.first-k.r.values[i-1].last <= 2 && k.paired(&k.r.values[i-1], v) {
			return false // the end of a range is of what its beginning is of
		}
		window = k.sentence(i)
	}
	if len(window) == 0 {
		return false
	}
	var bear, rival []*ground
	held := false
	for _, kind := range bearers(v.kind) {
		k.each(kind, func(g *ground) bool {
			switch supports := v.supports(&g.value, g.source&(fromTool|fromCustomer|fromContact) != 0, k.now); {
			case supports && g.source&(fromHouse|fromSaid) != 0:
				bear = append(bear, g)
			case supports && (g.source&(fromTool|fromContact) != 0 || v.kind == Number && g.source == fromCustomer):
				held = true
			case !supports && g.kind == v.kind && g.source == fromHouse && !g.bare && (v.kind != Money || g.n != 0) && (v.kind != Number || g.noun == v.noun && g.unit == v.unit):
				rival = append(rival, g)
			}
			return !held
		})
	}
	if held || len(bear) == 0 {
		return false
	}
	margin := float32(0.45)
	if v.kind == Percent {
		margin = 0.95 // the same percentage is told in many words
	}
	if v.kind == Hour && line.opening && k.edge(v) {
		margin = 0.9 // the hours of the house, unless somebody with hours of his own is named
	}
	for _, o := range rival {
		better := true
		for _, s := range bear {
			own := k.house.weigh(s.words, window, append(o.shared[:len(o.shared):len(o.shared)], o.words...))
			if k.house.weigh(o.words, window, s.words)-own < margin || own >= 0.75 || s.passage != o.passage && (k.house.weigh(s.around, window, o.words) >= 0.75 || k.house.weigh(o.words, window, s.around) < margin) {
				better = false
				break
			}
		}
		if better {
			return true
		}
	}
	return false
}

// paired says whether the house tells two hours side by side.
func (k *known) paired(a, b *value) bool {
	all := k.house.grounds[Hour]
	for j := 1; j < len(all); j++ {
		if x, y := &all[j-1], &all[j]; x.passage == y.passage && x.sentence == y.sentence && x.n == a.n && y.n == b.n {
			return true
		}
	}
	return false
}

// edge says whether the house opens or closes at an hour on some day.
func (k *known) edge(v *value) bool {
	return slices.ContainsFunc(k.c.Grounds.Hours.Week[:], func(spans []hours.Span) bool {
		return slices.ContainsFunc(spans, func(s hours.Span) bool {
			return int64(s.From) == v.n || int64(s.To%(24*60)) == v.n
		})
	})
}

// sentence returns the words of the sentence of figure i.
func (k *known) sentence(i int) []int32 {
	v := &k.r.values[i]
	from, to := v.first, v.last
	for from > 0 && k.r.of[from-1] == v.sentence {
		from--
	}
	for to < len(k.r.of) && k.r.of[to] == v.sentence {
		to++
	}
	return k.house.known(k.r, from, to, nil)
}

// line is the sentence of a figure.
func (k *known) line(v *value) sentence {
	if v.sentence < len(k.lines) {
		return k.lines[v.sentence]
	}
	return sentence{}
}
