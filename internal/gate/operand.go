package gate

import (
	"math/bits"
	"slices"
	"strings"

	"secretaria/internal/portuguese"
	"secretaria/internal/stem"
)

// The operands of a calculation.

// counts are the numbers of the sentence of i and of those beside it, and what the customer
// counted, in hundredths: "30 caixas", "3 noites", "1,5 aluguel".
func (k *known) counts(i int) []int64 {
	var out []int64
	add := func(raw int64) {
		if raw > 0 && raw != 100 && raw <= maxCount*100 && len(out) < maxCounts && !slices.Contains(out, raw) {
			out = append(out, raw)
		}
	}
	at := k.r.values[i].sentence
	for j := range k.r.values {
		w := &k.r.values[j]
		if j == i || w.sentence < at-2 || w.sentence > at+1 {
			continue
		}
		switch {
		case (w.kind == Number || w.kind == Times || w.kind == Duration) && w.s == "":
			add(w.raw)
			if w.kind == Duration && w.months {
				add(w.n * 100)
			}
		case w.kind == Duration:
			add(w.raw)
		case w.kind == Day && w.ranged:
			add(int64(bits.OnesCount8(w.week)) * 100)
		}
	}
	for j := range k.r.tokens {
		switch s := k.r.of[j]; {
		case s < at-1 || s > at:
		case is(k.r.tokens, j, "semana", "semanal"):
			add(7_00)
		case is(k.r.tokens, j, "volta") && slices.ContainsFunc(k.r.tokens[max(j-6, 0):j], func(t portuguese.Token) bool { return t.Fold == "ida" }):
			add(2_00)
		case is(k.r.tokens, j, "ano", "anual", "anuais"):
			add(12_00)
		case is(k.r.tokens, j, "par", "casal", "dobro", "ambos", "dois", "duas"):
			add(2_00)
		}
	}
	for _, kind := range [...]Kind{Number, Times, Duration} {
		for _, g := range k.told[kind] {
			if g.source == fromCustomer {
				add(g.raw)
			}
		}
	}
	// "Até 3 funcionários ...; como são 5": so many beyond.
	for j := range k.r.values {
		w := &k.r.values[j]
		if w.kind != Number || w.s != "" || w.sentence < at-2 || w.sentence > at {
			continue
		}
		for l := range k.r.values {
			if o := &k.r.values[l]; o.kind == Number && o.upto && !w.upto && o.sentence >= at-2 && o.sentence <= at && (w.noun == o.noun || w.noun == "") && w.unit == o.unit && o.raw < w.raw {
				add(w.raw - o.raw)
			}
		}
	}
	// "Dois barcos por 5 dias": what the sentence itself counts, multiplied; "20 km de ida e 20 de
	// volta": added.
	var here []int64
	for j := range k.r.values {
		if w := &k.r.values[j]; j != i && w.sentence == at && (w.kind == Number || w.kind == Duration || w.kind == Times) && w.s == "" && w.raw > 100 && w.raw <= 100_00 {
			for _, n := range here {
				if w.kind == Number {
					add(n + w.raw)
				}
				add(n * w.raw / 100)
			}
			here = append(here, w.raw)
		}
	}
	return out
}

// bases are the amounts of the house of what the answer is about: of the sentence or else of the
// answer, of what the customer asked for last, those that stand beside them in a passage, and
// what was told in the conversation. own are those that the sentence names beyond doubt.
func (k *known) bases(i int) (all, own []*ground, named int) {
	window := k.sentence(i)
	own, strong := k.named(window)
	spoken := append(k.house.known(k.r, 0, len(k.r.tokens), nil), k.asked()...)
	own = k.meant(own, append(slices.Clone(window), k.asked()...))
	answer, _ := k.named(k.house.known(k.r, 0, len(k.r.tokens), nil))
	asked, _ := k.named(k.asked())
	add := func(g *ground) {
		if len(all) < maxBases && g.n > 0 && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	for _, some := range [...][]*ground{own, answer, asked} {
		for _, g := range some {
			add(g)
		}
	}
	all = k.meant(all, spoken)
	named = len(all)
	for _, g := range slices.Clone(all) {
		for j := range k.house.grounds[Money] {
			if o := &k.house.grounds[Money][j]; o.passage == g.passage && g.passage != 0 && !o.bare {
				add(o)
			}
		}
	}
	if len(all) == 0 {
		for j := range k.house.grounds[Money] {
			add(&k.house.grounds[Money][j]) // nothing is named: whatever there is
		}
	}
	for j := range k.house.grounds[Money] {
		if g := &k.house.grounds[Money][j]; g.per != "" && k.counting(g.per, k.r.values[i].sentence) || len(g.name) == 1 && k.counting(k.house.names[g.name[0]], k.r.values[i].sentence) {
			add(g) // "três andares": "R$ 40 por andar"; "três cortes": "Corte R$ 50"
		}
	}
	for j := len(k.told[Money]) - 1; j >= 0; j-- {
		if g := &k.told[Money][j]; g.source&(fromSaid|fromTool) != 0 {
			add(g)
		}
	}
	if !strong {
		own = nil
	}
	return all, own, named
}

// counting says whether a sentence of the answer counts what has a stem.
func (k *known) counting(what string, sentence int) bool {
	return slices.ContainsFunc(k.r.values, func(v value) bool {
		return v.kind == Number && v.noun != "" && v.sentence == sentence && v.last < len(k.r.tokens) && stem.Portuguese(k.r.tokens[v.last].Fold) == what
	})
}

// asked are the words of the customer's last message.
func (k *known) asked() []int32 {
	if k.questioned == nil && len(k.c.Grounds.Customer) > 0 {
		r := k.question()
		k.questioned = k.house.known(r, 0, len(r.tokens), []int32{})
	}
	return k.questioned
}

// question is the customer's last message, of which there must be one.
func (k *known) question() *reader {
	if k.last == nil {
		k.last = read(k.c.Grounds.Customer[len(k.c.Grounds.Customer)-1], k.now, k.zone, true)
	}
	return k.last
}

// named are the amounts of the house that the words are about, the nearest ones, and whether
// the words leave no doubt.
func (k *known) named(window []int32) ([]*ground, bool) {
	if len(window) == 0 {
		return nil, false
	}
	var out []*ground
	best := float32(0)
	k.each(Money, func(g *ground) bool {
		if g.source == fromHouse && g.n > 0 {
			best = max(best, k.house.weigh(g.words, window, nil))
		}
		return true
	})
	if best < 0.3 {
		return nil, false
	}
	k.each(Money, func(g *ground) bool {
		if g.source == fromHouse && g.n > 0 && k.house.weigh(g.words, window, nil) >= 0.3 {
			out = append(out, g)
		}
		return true
	})
	slices.SortStableFunc(out, func(a, b *ground) int {
		x, y := k.house.weigh(a.words, window, nil), k.house.weigh(b.words, window, nil)
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return out, best >= 0.9
}

// meant drops the amounts beside which another one of the same passage is meant.
func (k *known) meant(all []*ground, window []int32) []*ground {
	return slices.DeleteFunc(slices.Clone(all), func(g *ground) bool {
		return slices.ContainsFunc(all, func(o *ground) bool {
			return o.passage == g.passage && o.passage != 0 && k.house.weigh(o.words, window, g.words)-k.house.weigh(g.words, window, o.words) >= 0.45
		})
	})
}

// ordinary drops the amounts that are told of many things in a second way, "Chalé: diária R$ 650;
// baixa temporada R$ 510", where the words of that way do not stand in the window.
func (k *known) ordinary(all []*ground, window []int32) []*ground {
	return slices.DeleteFunc(slices.Clone(all), func(g *ground) bool {
		return slices.ContainsFunc(all, func(o *ground) bool {
			if o.passage != g.passage || o.passage == 0 || o.from >= g.from || g.least {
				return false
			}
			more := false
			for _, w := range g.words {
				if slices.Contains(o.words, w) {
					continue
				}
				if more = true; k.house.weight[w] > 0.5 || slices.Contains(window, w) {
					return false
				}
			}
			return more
		})
	})
}

// share is a percentage, and whether it is put on or taken off.
type share struct {
	n        int64 // hundredths
	on, less bool
}

// percents are those of the answer that are held up, and those of the house that the sentence
// is about.
func (k *known) percents(i int) []share {
	var out []share
	line := k.line(&k.r.values[i])
	add := func(n int64, on, less bool) {
		on, less = on || line.more, less || line.discount
		out = append(out, share{n, on, less || !on})
	}
	window := append(k.sentence(i), k.asked()...)
	if line.half {
		add(50_00, false, false)
	}
	here := false
	for _, v := range k.held(Percent, i) {
		add(v.n, false, false)
		here = here || v.sentence == k.r.values[i].sentence
	}
	for j := range k.house.grounds[Percent] {
		g := &k.house.grounds[Percent][j]
		said := slices.ContainsFunc(out, func(s share) bool { return s.n == g.n })
		told := slices.ContainsFunc(k.house.grounds[Percent], func(o ground) bool {
			return o.passage == g.passage && slices.ContainsFunc(out, func(s share) bool { return s.n == o.n })
		})
		if !said && !told && (here || !line.terms && k.house.weigh(g.words, window, nil) < 0.3) {
			continue
		}
		on := slices.ContainsFunc(g.words, func(w int32) bool {
			name := k.house.names[w]
			return strings.HasPrefix(name, "acresc") || strings.HasPrefix(name, "adicion") || strings.HasPrefix(name, "mult") || strings.HasPrefix(name, "urgen")
		})
		less := slices.ContainsFunc(g.words, func(w int32) bool { return strings.HasPrefix(k.house.names[w], "descont") })
		out = slices.DeleteFunc(out, func(s share) bool { return s.n == g.n && (on || less) && s.on != on })
		out = append(out, share{g.n, on, less || !on})
	}
	return out
}
