package gate

import (
	"slices"
	"strings"

	"secretaria/internal/hours"
)

// misplaced says whether the house has figure i only of something else than what the answer
// says it of, and another figure of the same kind of that.
func (k *known) misplaced(i int) bool {
	v := &k.r.values[i]
	switch v.kind {
	case Money, Duration, Times, Number, Percent:
	case Day:
		if v.week == 0 && !v.dated() || v.relative {
			return false
		}
	case Hour:
	default:
		return false
	}
	line := k.line(v)
	if v.kind == Money && (is(k.r.tokens, v.first-1, "sobre") || is(k.r.tokens, v.first-1, "de") && is(k.r.tokens, v.first-2, "acima", "abaixo", "menos") && slices.ContainsFunc(k.house.grounds[Money], func(g ground) bool { return g.least && g.n == v.n })) {
		return false // what a share is taken of; a bound
	}
	if line.question || line.negated && (v.kind != Money || k.denied(v)) || v.kind == Number && v.noun == "" && v.unit == "" || (v.kind == Day || v.kind == Hour) && (line.attributed || line.closed) {
		return false
	}
	if v.kind == Money && is(k.r.tokens, v.last, "+") && i+1 < len(k.r.values) && k.r.values[i+1].kind == Money && k.r.values[i+1].first == v.last+1 {
		return false // "com a tosa fica R$ 95 + R$ 80": what stands before is the whole
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
	if v.kind == Money && k.weight(window) < 0.3 && !slices.ContainsFunc(k.r.values, func(w value) bool { return w.kind == Money && w.first != v.first }) {
		// "A degustação é toda quarta! Custa R$ 35."
		window = k.house.known(k.r, 0, v.first, nil)
		if k.weight(window) < 0.3 {
			window = k.asked() // "quanto o bangalô?": "A diária fica em R$ 410."
		}
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
			case !supports && (g.kind == v.kind || v.kind == Duration && g.kind == Hour && g.enclosed) && g.source == fromHouse && !g.bare && (v.kind != Day || (v.week != 0) == (g.week != 0)) && (v.kind != Number || g.noun == v.noun && g.unit == v.unit):
				rival = append(rival, g)
			}
			return !held
		})
	}
	if held || len(bear) == 0 {
		return false
	}
	margin := float32(0.35)
	if v.kind == Percent {
		margin = 0.95 // the same percentage is told in many words
	}
	if v.kind == Hour && line.opening && k.edge(v) {
		margin = 0.9 // the hours of the house, unless somebody with hours of his own is named
	}
	only := v.n != 0 && !slices.ContainsFunc(k.r.values, func(w value) bool { return w.kind == v.kind && w.sentence == v.sentence && w.first != v.first })
	for _, o := range rival {
		better, margin := true, margin
		if v.kind == Money && o.n == 0 {
			margin = 0.9 // "grátis no Batel e no Portão"
			if !slices.ContainsFunc(bear, func(s *ground) bool {
				return k.house.weigh(s.words, window, nil)-k.house.weigh(s.words, window, o.words) > 0
			}) {
				continue
			}
		}
		for _, s := range bear {
			if v.kind != Hour && s.passage != o.passage && s.passage != 0 && k.house.weigh(o.opening, window, s.around) >= 0.95 && k.house.weigh(s.around, window, o.around) < 0.3 {
				continue // of somebody else: "Rafael atende adolescentes. Sessão R$ 180"
			}
			if k.house.opposed(s.words, o.words, window) {
				continue // "sala 1" and "sala 2"
			}
			if only && wholly(o.name, window, s.name) && (partly(s.name, window, o.name) || covered(s.name, o.name)) {
				continue // "mountain bike" and "urbana", where the answer says "bike urbana"; "corte" and "corte e barba"
			}
			if only && k.variant(s, o, window) {
				continue
			}
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

// foreign says whether the house has figure i only in passages of which nothing stands in the
// sentence or in the question, where those name another passage beyond doubt.
func (k *known) foreign(i int) bool {
	v := &k.r.values[i]
	line := k.line(v)
	switch {
	case line.question, line.negated, line.attributed, line.closed:
		return false
	case v.kind == Day && v.dated() && !v.relative, v.kind == Duration, v.kind == Money && v.n > 0 && !slices.ContainsFunc(k.r.values, func(w value) bool { return w.kind == Money && w.first != v.first }):
	default:
		return false
	}
	window := k.sentence(i)
	spoken := append(k.house.known(k.r, v.last, len(k.r.tokens), k.house.known(k.r, 0, v.first, nil)), k.asked()...)
	own, held := map[int]bool{}, false
	for _, kind := range bearers(v.kind) {
		k.each(kind, func(g *ground) bool {
			if v.supports(&g.value, g.source&(fromTool|fromCustomer|fromContact) != 0, k.now) {
				held = held || g.source != fromHouse || g.passage == 0 || k.house.weigh(g.around, spoken, nil) > 0
				own[g.passage] = true
			}
			return !held
		})
	}
	if held || len(own) == 0 {
		return false
	}
	for _, kind := range [...]Kind{Money, Duration, Day, Hour, Number, Percent, Times} {
		for j := range k.house.grounds[kind] {
			if g := &k.house.grounds[kind][j]; !own[g.passage] && k.house.weigh(g.words, window, nil) >= 0.9 {
				return true
			}
		}
	}
	return false
}

// weight is how much the words of a window tell things apart.
func (k *known) weight(window []int32) float32 {
	sum := float32(0)
	for _, w := range window {
		sum += k.house.weight[w]
	}
	return sum
}

// denied says whether something is negated in the part of its sentence in which a figure stands.
func (k *known) denied(v *value) bool {
	part := func(i int) bool { return is(k.r.tokens, i, ",", "(", ")", ":", "mas", "porem") }
	from, to := v.first, v.last
	for from > 0 && k.r.of[from-1] == v.sentence && !part(from-1) {
		from--
	}
	for to < len(k.r.of) && k.r.of[to] == v.sentence && !part(to) {
		to++
	}
	for i := from; i < to; i++ {
		if is(k.r.tokens, i, "nao", "nem", "exceto", "nunca", "menos") && !(is(k.r.tokens, i, "menos") && is(k.r.tokens, i-1, "ou", "a", "pelo", "ao")) {
			return true
		}
	}
	return false
}

// opposed says whether the window names, of one kind of thing that goes by number, that of the
// other and not the own.
func (h *House) opposed(own, other, window []int32) bool {
	for _, w := range other {
		kind, _, ok := strings.Cut(h.names[w], "~")
		if !ok || kind == "" || !slices.Contains(window, w) || slices.Contains(own, w) {
			continue
		}
		for _, x := range own {
			if strings.HasPrefix(h.names[x], kind+"~") && !slices.Contains(window, x) {
				return true
			}
		}
	}
	return false
}

// variant says whether one figure is of a variant of what the other is of, and neither the answer
// nor the question says a word of it: "Volume russo: R$ 260, manutenção R$ 150".
func (k *known) variant(s, o *ground, window []int32) bool {
	if s.kind != Money || s.passage != o.passage || o.from > s.from || o.n == 0 || len(o.words) == 0 || len(s.words) <= len(o.words) {
		return false
	}
	for _, w := range o.words {
		if !slices.Contains(s.words, w) || !slices.Contains(window, w) {
			return false
		}
	}
	spoken := append(k.house.known(k.r, 0, len(k.r.tokens), nil), k.asked()...)
	more := float32(0)
	for _, w := range s.words {
		if slices.Contains(o.words, w) {
			continue
		}
		if slices.Contains(spoken, w) {
			return false
		}
		more += k.house.weight[w]
	}
	return more >= 0.5
}

// wholly says whether all words of a name stand in a window, and one of them is not of the other.
func wholly(name, window, other []int32) bool {
	own := false
	for _, w := range name {
		if !slices.Contains(window, w) {
			return false
		}
		own = own || !slices.Contains(other, w)
	}
	return own
}

// covered says whether all words of a name, if it has any, are of the other.
func covered(name, other []int32) bool {
	return len(name) > 0 && !slices.ContainsFunc(name, func(w int32) bool { return !slices.Contains(other, w) })
}

// partly says whether a word of a name that is not of the other lacks in a window.
func partly(name, window, other []int32) bool {
	return slices.ContainsFunc(name, func(w int32) bool { return !slices.Contains(window, w) && !slices.Contains(other, w) })
}

// answers says whether figure i is the only one of its kind in the answer, and nothing but the
// customer's last message says what it is of.
func (k *known) answers(i int) bool {
	for j := range k.r.values {
		if j != i && k.r.values[j].kind == k.r.values[i].kind {
			return false
		}
	}
	return k.weight(k.house.known(k.r, 0, len(k.r.tokens), nil)) < 0.3
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
