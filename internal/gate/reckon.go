package gate

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Reckoning: an answer may say what follows from what is known by plain arithmetic, a sum of
// amounts that it lists, so many of a thing, a share, a percentage off, an hour and a length of
// time. Every operand is itself held up, stands in the answer or belongs to what the answer
// is about, and the result must be right.

const (
	// maxTerms bounds how many amounts of an answer are added up in search of a total.
	maxTerms = 8
	// maxBases bounds the amounts of the house that a calculation may start from.
	maxBases  = 24
	maxCounts = 12
	maxCount  = 5000
)

// reckon accepts figures that follow from others. It runs from left to right and twice, since a
// total may stand before what it is the total of.
func (k *known) reckon() {
	for range 2 {
		changed := false
		for i := range k.r.values {
			kind := k.r.values[i].kind
			if why := k.verdicts[i]; why == "" || why == Contradicted || why == Misplaced && (kind == Day || kind == Hour || kind == Number) {
				continue
			}
			ok := false
			switch kind {
			case Money:
				ok = k.reckonsMoney(i)
			case Percent:
				ok = k.rest(i)
			case Times:
				ok = k.reckonsTimes(i)
			case Duration:
				ok = k.reckonsDuration(i)
			case Hour:
				ok = k.reckonsHour(i)
			case Day:
				ok = k.reckonsDay(i) || k.beside(i)
			case Number:
				ok = k.reckonsNumber(i)
			}
			if ok {
				k.verdicts[i] = ""
				changed = true
			}
		}
		if !changed {
			return
		}
	}
}

// held are the figures of a kind in the answer that are held up, i aside; those of the sentence
// of i and those before it first, nearest first.
func (k *known) held(of Kind, i int) []*value {
	var out []*value
	for j := i - 1; j >= 0; j-- {
		if v := &k.r.values[j]; v.kind == of && k.verdicts[j] == "" {
			out = append(out, v)
		}
	}
	for j := i + 1; j < len(k.r.values); j++ {
		if v := &k.r.values[j]; v.kind == of && k.verdicts[j] == "" {
			out = append(out, v)
		}
	}
	return out
}

func (k *known) reckonsMoney(i int) bool {
	v := &k.r.values[i]
	if v.n <= 0 {
		return false
	}
	if k.verdicts[i] == CustomerOnly && k.ranges(i) {
		return true
	}
	line := k.line(v)
	said := slices.DeleteFunc(append(k.held(Money, i), k.added(i)...), func(w *value) bool { return w.n <= 0 })
	said = said[:min(len(said), maxTerms)]
	var bases []int64
	for _, w := range said {
		bases = append(bases, w.n)
	}
	house, own, named := k.bases(i)
	if k.verdicts[i] == Misplaced {
		// It is a price of something else: only what the answer itself lays out explains it.
		if house, named = own, 0; len(said) == 0 {
			house = nearest(k, own, i)
		}
		if len(own) == 0 && k.answers(i) {
			house, _ = k.named(k.asked())
		}
	}
	several := slices.Clone(bases) // of which there may be so many
	spoken := append(k.house.known(k.r, 0, len(k.r.tokens), nil), k.asked()...)
	for _, g := range k.ordinary(house, spoken) {
		// Asked for one row and telling it by its name, an answer does not count by another row.
		if len(own) == 0 || g.source != fromHouse || k.house.weigh(g.words, spoken, nil) > 0 || k.house.weigh(own[0].words, k.asked(), nil) < 0.9 {
			several = append(several, g.n)
		}
	}
	for _, g := range house {
		if !slices.Contains(bases, g.n) {
			bases = append(bases, g.n)
		}
	}
	counts := k.counts(i)
	if k.lists(i) {
		// The total of a list is that and nothing else.
		return k.adds(v.n, i, said, nil, counts)
	}
	near := int64(1) // how far a rounded amount may be off: a cent for each share
	if line.vague || line.above || line.below {
		near = 100
	}
	window := k.sentence(i)
	for _, n := range counts {
		name := k.names(n, window, own, said)
		for _, b := range several {
			if !name && (abs(b*n-v.n*100) <= 50 || n >= 100_00 && b*n == v.n*100_00) || abs(b*100-v.n*n) <= n*near && n >= 200 && b > v.n && k.payable(i, b, n) && k.parted(i) {
				k.counted(i, n)
				return true
			}
		}
	}
	if k.adds(v.n, i, said, house, counts) {
		return true
	}
	if named > 0 && (k.together(i, house, named) || k.tariff(v.n, house, counts)) {
		return true
	}
	if line.difference && len(own) > 0 {
		for _, g := range k.house.grounds[Money] {
			if abs(g.n-own[0].n) == v.n {
				return true
			}
		}
	}
	if k.verdicts[i] == Misplaced && k.priced(i) {
		return k.shares(v.n, i, bases, counts) // its price, and not how far two are apart
	}
	if line.compared || v.sentence > 0 && v.sentence <= len(k.lines) && k.lines[v.sentence-1].compared {
		whole := slices.Clone(bases)
		for _, kind := range [...]Kind{Money, Number} {
			for _, g := range k.told[kind] {
				if g.source == fromCustomer && g.raw >= 20_00 {
					whole = append(whole, g.raw) // "deu 229": "faltam R$ 71 para os R$ 300"
				}
			}
		}
		for _, a := range bases {
			for _, b := range whole {
				if abs(a-b-v.n) < near {
					return true
				}
				for _, n := range counts {
					if (a*n-b*100) == v.n*100 || a*100-b*n == v.n*100 || (a-b)*n == v.n*100 {
						return true
					}
				}
			}
		}
	}
	return k.shares(v.n, i, bases, counts)
}

// rest says whether a percentage is what another one leaves: "40% na entrada e os outros 60%".
func (k *known) rest(i int) bool {
	v := &k.r.values[i]
	return is(k.r.tokens, v.first-1, "outros", "demais", "restantes") && slices.ContainsFunc(k.held(Percent, i), func(p *value) bool {
		return p.sentence == v.sentence && p.n+v.n == 100_00
	})
}

// nearest are those of the amounts of which as much stands in the sentence of i as of the first.
func nearest(k *known, own []*ground, i int) []*ground {
	window := k.sentence(i)
	for n, g := range own {
		if k.house.weigh(g.words, window, nil) < k.house.weigh(own[0].words, window, nil) {
			return own[:n]
		}
	}
	return own
}

// priced says whether an amount is told as a price and not as a difference: "é R$ 45", "custa R$ 45".
func (k *known) priced(i int) bool {
	v := &k.r.values[i]
	from := v.first - 1
	if is(k.r.tokens, from, "por", "a") {
		from--
	}
	return is(k.r.tokens, from, "e", "custa", "custam", "sai", "saem", "fica", "ficam", "vale", "cobramos") && !is(k.r.tokens, v.last, "a", "de")
}

// parted says whether an amount is told as one of several equal ones: "4x de R$ 90", "R$ 88 a
// hora", "R$ 30 cada".
func (k *known) parted(i int) bool {
	v := &k.r.values[i]
	if is(k.r.tokens, v.last, "por", "a", "o", "ao", "cada", "/", "(", "para") && !is(k.r.tokens, v.last+1, "par", "casal", "conjunto", "total", "pacote", "kit") {
		return true
	}
	if i > 0 && k.r.values[i-1].kind == Number && k.r.values[i-1].last == v.first-1 && is(k.r.tokens, v.first-1, "de", "a") {
		return true // "seriam duas de R$ 490"
	}
	for j := range k.r.values {
		if w := &k.r.values[j]; w.kind == Times && w.sentence >= v.sentence-1 && w.sentence <= v.sentence+1 {
			return true
		}
	}
	for j, t := range k.r.tokens {
		if s := k.r.of[j]; s >= v.sentence-1 && s <= v.sentence && parts[t.Fold] {
			return true
		}
	}
	return false
}

// parts are words by which something is told to be shared out.
var parts = set(`cada divide dividido dividida divididos divididas dividir dividindo divisao rateio metade igual iguais parcela parcelas prestacao prestacoes parcelado parcelada parcelar parcelando mes mensal mensais unidade unitario avulsa avulso unica dia diaria hora pessoa equivale equivalente media proporcional cabe`)

// payable says whether the house lets an amount be paid in so many parts.
func (k *known) payable(i int, whole, n int64) bool {
	paid := slices.ContainsFunc(k.r.values, func(w value) bool {
		return w.kind == Times && w.raw == n && w.sentence == k.r.values[i].sentence
	})
	if !paid {
		return true
	}
	for j := range k.house.grounds[Times] {
		for l := range k.house.grounds[Money] {
			t, g := &k.house.grounds[Times][j], &k.house.grounds[Money][l]
			if g.passage == t.passage && g.least && (g.each && k.r.values[i].n < g.n || !g.each && g.sentence == t.sentence && whole < g.n) {
				return false
			}
		}
	}
	return true
}

// lists says whether the sentence lists amounts before figure i and adds them up to it with a sign.
func (k *known) lists(i int) bool {
	v := &k.r.values[i]
	if !is(k.r.tokens, v.first-1, "=") {
		return false
	}
	plus := 0
	for j := v.first; j > 0 && k.r.of[j-1] == v.sentence; j-- {
		if is(k.r.tokens, j-1, "+") {
			plus++
		}
	}
	return plus > 0
}

// names says whether a count is part of the name of what the sentence is of, "pacote de 8
// sessões", and not how many of it there are, unless its price is told beside it.
func (k *known) names(n int64, window []int32, own []*ground, said []*value) bool {
	again := 0
	for i := range k.r.values {
		if k.r.values[i].kind == Number && k.r.values[i].raw == n {
			again++ // "dois de 2 portas"
		}
	}
	if again > 1 || len(own) == 0 || n%100 != 0 || slices.ContainsFunc(said, func(w *value) bool { return w.n == own[0].n }) {
		return false
	}
	digits := strconv.FormatInt(n/100, 10)
	return slices.ContainsFunc(own, func(g *ground) bool {
		return slices.ContainsFunc(g.words, func(w int32) bool {
			name := k.house.names[w]
			return strings.HasPrefix(name, digits) && slices.Contains(window, w) && len(name) > len(digits) && (name[len(digits)] < '0' || name[len(digits)] > '9')
		})
	})
}

// counted accepts the numbers by which a right amount was multiplied: nobody else needs to have
// said them.
func (k *known) counted(i int, n int64) {
	for j := range k.r.values {
		w := &k.r.values[j]
		if w.sentence == k.r.values[i].sentence && (w.kind == Number || w.kind == Duration && w.s == "") && (w.raw == n || w.months && w.n*100 == n || w.raw > 100 && n > w.raw && n*100%w.raw == 0) && (k.verdicts[j] == Unknown || k.verdicts[j] == Misplaced && w.kind == Duration) {
			k.verdicts[j] = ""
		}
	}
}

// added are the bare numbers of the answer that are added up: "(110 + 130 + 75)".
func (k *known) added(i int) []*value {
	var out []*value
	for j := range k.r.values {
		if w := &k.r.values[j]; j != i && w.kind == Number && w.s == "" && w.raw > 0 && (is(k.r.tokens, w.first-1, "+") || is(k.r.tokens, w.last, "+")) {
			sum := *w
			sum.n, sum.bare = w.raw, true
			if k.sources(value{kind: Money, n: w.raw}) != 0 {
				out = append(out, &sum)
			}
		}
	}
	return out
}

// tariff says whether an amount is that of a tariff in two parts: the first hour, and so much for
// each of those beyond.
func (k *known) tariff(n int64, house []*ground, counts []int64) bool {
	for _, a := range house {
		for _, b := range house {
			if a.passage == 0 || a.passage != b.passage || a == b || b.n == 0 || !slices.ContainsFunc(a.words, func(w int32) bool { return slices.Contains(b.words, w) || slices.Contains(b.shared, w) }) || n <= a.n || (n-a.n)%b.n != 0 || !slices.ContainsFunc(b.words, func(w int32) bool {
				name := k.house.names[w]
				return strings.HasPrefix(name, "adicion") || strings.HasPrefix(name, "exced") || strings.HasPrefix(name, "extr")
			}) {
				continue
			}
			beyond := (n - a.n) / b.n * 100
			if slices.Contains(counts, beyond+100) {
				return true
			}
			for j := range k.house.grounds[Number] {
				if g := &k.house.grounds[Number][j]; g.passage == a.passage && slices.Contains(counts, beyond+g.raw) {
					return true
				}
			}
		}
	}
	return false
}

// together says whether an amount is the sum of two amounts of the house that are named, the
// first of them, or of all of one passage.
func (k *known) together(i int, house []*ground, named int) bool {
	n, apart := k.r.values[i].n, k.line(&k.r.values[i]).total
	here, _ := k.named(k.sentence(i))
	asked := k.asked()
	// Both of a passage: the sentence names them, or the customer asked for the one and the other.
	both := func(a, b *ground) bool {
		extra := slices.Contains(here, b) && slices.ContainsFunc(b.words, func(w int32) bool { return k.house.names[w] == "part" }) // "tonalização à parte"
		return apart || extra || slices.Contains(here, a) && slices.Contains(here, b) || k.house.weigh(a.words, asked, b.words) >= 0.3 && k.house.weigh(b.words, asked, a.words) >= 0.3
	}
	named = min(named, len(house))
	if apart && len(here) > 2 {
		for x, a := range here {
			sum := int64(0)
			for _, b := range here {
				if a.passage == b.passage {
					sum += b.n
				}
			}
			if sum == n && (x == 0 || here[x-1].passage != a.passage) {
				return true // "collant, meia e saia somam R$ 178"
			}
		}
	}
	if counts := k.counts(i); apart {
		for _, a := range here {
			for _, b := range here {
				if a.n != b.n && slices.ContainsFunc(counts, func(c int64) bool { return a.n*100+b.n*c == n*100 }) {
					return true // "a pipoca e dois refrigerantes separados dariam R$ 38"
				}
			}
		}
	}
	for x, a := range house {
		sum, several := int64(0), 0
		for y, b := range house {
			if y < x && a.n+b.n == n && (a.passage != b.passage && x < named || a.passage == b.passage && a.passage != 0 && (both(a, b) || both(b, a))) {
				return true
			}
			if a.passage != 0 && a.passage == b.passage {
				sum += b.n
				several++
			}
		}
		if sum == n && several > 2 {
			return true
		}
	}
	return false
}

// shares says whether an amount is a percentage of one, or one with a percentage taken off or
// put on. What the customer says is worth something may be the whole.
func (k *known) shares(n int64, i int, bases, counts []int64) bool {
	percents := k.percents(i)
	if len(percents) == 0 {
		return false
	}
	all := slices.Clone(bases)
	sum := int64(0)
	for _, w := range k.held(Money, i) {
		sum += w.n
	}
	all = append(all, sum)
	for _, g := range k.told[Money] {
		if g.source == fromCustomer {
			all = append(all, g.n)
		}
	}
	for _, g := range k.told[Number] {
		if g.source == fromCustomer && g.raw >= 1000_00 {
			all = append(all, g.raw)
		}
	}
	for _, b := range bases {
		for _, c := range counts {
			all = append(all, b*c/100)
		}
	}
	for _, b := range all {
		for _, p := range percents {
			off := func(x int64) bool { return x > 0 && abs(x-n*100_00) <= 100_00 }
			if off(b*p.n) || p.less && off(b*(100_00-p.n)) || p.on && off(b*(100_00+p.n)) {
				return true
			}
		}
	}
	return false
}

// adds says whether an amount is the sum of some of those that the answer tells, each of them
// once or as often as the count before it says.
func (k *known) adds(n int64, i int, said []*value, house []*ground, counts []int64) bool {
	if len(said) < 1 {
		return false
	}
	for _, g := range house {
		if n > g.n && !slices.ContainsFunc(said, func(w *value) bool { return w.n == g.n }) && slices.ContainsFunc(said, func(w *value) bool { return w.n == n-g.n }) {
			return true
		}
	}
	terms := make([][2]int64, len(said))
	v := &k.r.values[i]
	must := 0 // what the same sentence lists before it is part of a sum, unless it is the price of one of several
	for j, w := range said {
		terms[j] = [2]int64{w.n, w.n * k.times(w)}
		unit := slices.ContainsFunc(said, func(o *value) bool {
			return o != w && o.n > w.n && slices.ContainsFunc(counts, func(c int64) bool { return abs(w.n*c-o.n*100) <= 50 })
		})
		if w.sentence == v.sentence && w.to <= v.from && !unit && !w.bare {
			must |= 1 << j
		}
	}
	for set := 1; set < 1<<len(terms); set++ {
		if set&must != must {
			continue
		}
		several := set & -set
		for choice := set; ; choice = (choice - 1) & set {
			sum := int64(0)
			for rest := uint(set); rest != 0; rest &= rest - 1 {
				j := bits.TrailingZeros(rest)
				sum += terms[j][choice>>j&1]
			}
			if sum == n && (set != several || choice != 0) {
				return true
			}
			if choice == 0 || !slices.ContainsFunc(terms, func(t [2]int64) bool { return t[0] != t[1] }) {
				break
			}
		}
	}
	return false
}

// times is the count that stands before an amount: "30 caixas a R$ 7,50", "4x de R$ 385".
func (k *known) times(w *value) int64 {
	for j := len(k.r.values) - 1; j >= 0; j-- {
		c := &k.r.values[j]
		if c.sentence == w.sentence && c.last <= w.first && w.first-c.last <= 6 && (c.kind == Number || c.kind == Times || c.kind == Duration) && c.s == "" && c.raw > 100 && c.raw <= maxCount*100 && c.raw%100 == 0 {
			return c.raw / 100
		}
	}
	return 1
}

// reckonsTimes accepts fewer instalments than there may be.
func (k *known) reckonsTimes(i int) bool {
	v := &k.r.values[i]
	ok := false
	k.each(Times, func(g *ground) bool {
		ok = g.upto && g.source&(fromHouse|fromTool|fromSaid) != 0 && v.n < g.n && !v.upto
		return !ok
	})
	return ok
}

// reckonsNumber accepts the difference and the sum of two numbers of the same measure.
func (k *known) reckonsNumber(i int) bool {
	v := &k.r.values[i]
	if v.s != "" || v.raw <= 0 {
		return false
	}
	for j := range i {
		if w := &k.r.values[j]; w.kind == Number && k.verdicts[j] == "" && w.raw == v.raw && v.noun == "" && v.unit == "" {
			return true
		}
	}
	if is(k.r.tokens, v.last, "a") && is(k.r.tokens, v.last+1, "mais", "menos") {
		for _, a := range k.held(Number, i) {
			for _, b := range k.held(Number, i) {
				if a.raw-b.raw == v.raw {
					return true
				}
			}
		}
	}
	if v.unit == "" && v.noun == "" {
		return false
	}
	var said, all []int64
	add := func(w *value, own bool) {
		if w.s != "" || w.raw <= 0 || v.unit != w.unit || v.unit == "" && v.noun != w.noun || len(all) >= 16 {
			return
		}
		if own && !slices.Contains(said, w.raw) {
			said = append(said, w.raw)
		}
		if !slices.Contains(all, w.raw) {
			all = append(all, w.raw)
		}
	}
	for j := range k.r.values {
		if w := &k.r.values[j]; j != i && k.verdicts[j] == "" && w.kind == Number {
			add(w, true)
		}
	}
	k.each(Number, func(g *ground) bool { add(&g.value, g.source != fromHouse); return true })
	for _, a := range all {
		for _, n := range k.counts(i) {
			if v.unit != "" && (a*n == v.raw*100 || v.raw*n == a*100) {
				return true // "280 kWh por mês, 3.360 kWh por ano"
			}
		}
	}
	for _, a := range said {
		for _, b := range all {
			if abs(a-b) == v.raw || a != b && a+b == v.raw {
				return true
			}
		}
	}
	if v.unit == "m²" || v.unit == "m" {
		for j := range k.r.values {
			for l := range j {
				if a, b := &k.r.values[l], &k.r.values[j]; a.sentence == v.sentence && b.sentence == v.sentence && j != i && l != i && abs(a.raw*b.raw-v.raw*100) <= 50 {
					return true
				}
			}
		}
	}
	return false
}

// ranges says whether a figure lies in a range that the house gives of what the sentence is about.
func (k *known) ranges(i int) bool {
	v := &k.r.values[i]
	left, right := k.r.window(i)
	window := k.house.known(k.r, left, right, nil)
	ok := false
	k.each(v.kind, func(g *ground) bool {
		ok = g.source == fromHouse && g.top != 0 && g.s == v.s && g.n < v.n && v.n < g.top && k.house.weigh(g.words, window, nil) >= 0.3
		return !ok
	})
	return ok
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
