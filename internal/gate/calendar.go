package gate

import (
	"math/bits"
	"slices"
	"strings"
	"time"
)

// lengths are the lengths of time from which a day or an hour may be reckoned: those of the
// answer that are held up, and those of the house and of tools that the sentence is about.
func (k *known) lengths(i int) []*value {
	out := k.held(Duration, i)
	window := append(k.sentence(i), k.asked()...)
	due := k.line(&k.r.values[i]).delivery
	k.each(Hour, func(g *ground) bool {
		if g.span && g.source == fromHouse && k.house.weigh(g.words, window, nil) >= 0.3 {
			out = append(out, &value{kind: Duration, n: g.n, raw: g.raw}) // "1h30 de duração"
		}
		return len(out) < 8
	})
	k.each(Duration, func(g *ground) bool {
		if g.source == fromTool || g.source == fromSaid || g.source == fromHouse && (due && g.due || k.house.weigh(g.words, window, nil) >= 0.3) {
			out = append(out, &g.value)
		}
		return len(out) < 16
	})
	return out
}

func (k *known) reckonsHour(i int) bool {
	v := &k.r.values[i]
	if v.n%15 == 0 && k.line(v).counting && k.supposed(v) {
		return true
	}
	clock := int64(k.now.Hour()*60 + k.now.Minute())
	if gap := abs(clock - v.n); gap <= 2 && is(k.r.tokens, v.first-1, "sao", "agora") {
		return true // "agora são 10h20"
	}
	starts := []int64{}
	for _, h := range k.held(Hour, i) {
		starts = append(starts, h.n)
	}
	k.each(Hour, func(g *ground) bool {
		if g.source&(fromTool|fromCustomer) != 0 {
			starts = append(starts, g.n)
		}
		return len(starts) < 24
	})
	for _, d := range k.lengths(i) {
		if d.months || d.n >= 24*60 {
			continue
		}
		for _, s := range starts {
			if same12(s+d.n, v) || same12(s-d.n, v) {
				return true
			}
		}
		if k.line(v).delivery && abs(clock+d.n-v.n) <= 5 {
			return true
		}
	}
	return v.span && !is(k.r.tokens, v.first-1, "das", "desde", "pelas") && k.reckonsDuration(i)
}

// supposed says whether an hour is only taken for the sake of a calculation: "deixando às 9h30".
func (k *known) supposed(v *value) bool {
	for i := max(v.first-3, 0); i < v.first; i++ {
		if t := k.r.tokens[i]; k.r.of[i] == v.sentence && len(t.Fold) > 5 && strings.HasSuffix(t.Fold, "ndo") {
			return true
		}
	}
	return false
}

// same12 compares an hour with what was reckoned, on a clock that may have twelve hours.
func same12(n int64, v *value) bool {
	n = (n + 24*60) % (24 * 60)
	return n == v.n || v.half && abs(n-v.n) == 12*60
}

func (k *known) reckonsDuration(i int) bool {
	v := &k.r.values[i]
	line := k.line(v)
	if !v.months {
		said := k.held(Duration, i)
		sum := int64(0)
		for _, d := range said {
			if d.months {
				continue
			}
			sum += d.n
			for _, n := range k.counts(i) {
				if d.n*n == v.n*100 || v.n*n == d.n*100 {
					return true
				}
			}
		}
		for _, d := range k.held(Hour, i) {
			for _, n := range k.counts(i) {
				if d.span && d.n*n == v.n*100 {
					return true
				}
			}
			for _, e := range k.held(Hour, i) {
				if d.n-e.n == v.n {
					return true
				}
			}
			if d.sentence < v.sentence-1 || d.sentence > v.sentence {
				continue
			}
			unit := int64(60)
			if v.n < 60 {
				unit = 15
			}
			switch gap := v.n - abs(d.n-int64(k.now.Hour()*60+k.now.Minute())); {
			case abs(gap) <= 1, line.below && gap > 0 && gap <= unit, line.above && gap < 0 && -gap <= unit, line.vague && abs(gap) <= unit/4:
				return true
			}
		}
		if line.compared && k.lacking(said, v) {
			return true
		}
		for _, d := range said {
			if d.s == "util" && v.s == "" && d.n*7 == v.n*5 {
				return true // "25 dias úteis, cinco semanas"
			}
		}
		for _, d := range k.held(Day, i) {
			if n := int64(bits.OnesCount8(d.week)); d.ranged && d.sentence == v.sentence && (v.n == n*24*60 || v.n == (n-1)*24*60) {
				return true // "de quarta a sábado são três dias"
			}
		}
		if len(said) > 1 && sum == v.n || k.lasting(i) {
			return true
		}
		for _, g := range k.told[Duration] {
			if g.source != fromCustomer || g.months {
				continue
			}
			for _, d := range k.lengths(i) {
				if !d.months && d.n+g.n == v.n {
					return true // "uma hora a mais"
				}
			}
		}
	}
	if window := append(k.sentence(i), k.asked()...); !v.months {
		for j := range k.house.grounds[Hour] {
			for l := range j {
				a, b := &k.house.grounds[Hour][l], &k.house.grounds[Hour][j]
				if a.passage == b.passage && a.sentence == b.sentence && b.n-a.n == v.n && k.house.weigh(a.words, window, nil) >= 0.3 {
					return true // "das 8h às 12h, quatro horas"
				}
			}
		}
	}
	// "Faltam três semanas", "daqui a menos de um mês".
	dates := k.dates(i)
	if !v.months && v.s == "" {
		for x, a := range dates {
			for _, b := range dates[:x] {
				if gap := abs(int64(a.Sub(b).Hours() / 24)); gap > 0 && (gap*24*60 == v.n || (gap+1)*24*60 == v.n) {
					return true // "dia 8 são quatro dias antes"; "de 10 a 20 são 11 dias"
				}
			}
		}
	}
	for _, d := range dates {
		if v.s != "" {
			break
		}
		days := abs(int64(d.Sub(today(k.now)).Hours() / 24))
		n := v.n
		if v.months {
			n *= 30 * 24 * 60
		}
		unit := n
		if v.raw > 100 {
			unit = n * 100 / v.raw
		}
		switch gap := n - days*24*60; {
		case gap == 0, line.below && gap > 0 && gap <= unit, line.above && gap < 0 && -gap <= unit, line.vague && abs(gap) <= unit/4, v.months && abs(gap) <= 2*24*60:
			return true
		}
	}
	return false
}

// lacking says whether a length of time is what lacks from one of the answer to another, or to a
// number of it: "é preciso esperar 15 dias. Já se passaram 10, faltam 5 dias".
func (k *known) lacking(said []*value, v *value) bool {
	for _, a := range said {
		for _, b := range said {
			if !a.months && !b.months && a.n-b.n == v.n {
				return true
			}
		}
		for j := range k.r.values {
			if w := &k.r.values[j]; w.kind == Number && w.s == "" && k.verdicts[j] == "" && !a.months && a.raw > 0 && a.n-w.raw*a.n/a.raw == v.n {
				return true
			}
		}
	}
	return false
}

// lasting says whether a length of time is that of two things of the house together.
func (k *known) lasting(i int) bool {
	window := append(k.sentence(i), k.asked()...)
	var all []*ground
	for j := range k.house.grounds[Duration] {
		if g := &k.house.grounds[Duration][j]; !g.months && g.s == "" && g.n < 24*60 && len(all) < 16 && k.house.weigh(g.words, window, nil) >= 0.3 {
			all = append(all, g)
		}
	}
	for x, a := range all {
		for _, b := range all[:x] {
			if a.passage != b.passage && a.n+b.n == k.r.values[i].n {
				return true
			}
		}
	}
	return false
}

// dates are those of the answer that are held up, and those of the conversation.
func (k *known) dates(i int) []time.Time {
	var out []time.Time
	add := func(v *value) {
		switch {
		case len(out) >= 12 || v.day == 0:
		case v.dated():
			out = append(out, v.date(k.now))
		default:
			out = append(out, k.upcoming(v.day))
		}
	}
	for _, v := range k.held(Day, i) {
		add(v)
	}
	for j := range k.told[Day] {
		if g := &k.told[Day][j]; g.source&(fromCustomer|fromTool|fromSaid) != 0 {
			add(&g.value)
		}
	}
	return out
}

func (k *known) reckonsDay(i int) bool {
	v := &k.r.values[i]
	if v.relative && (k.line(v).counting || k.says(i)) {
		return true
	}
	if v.day == 0 && v.month != 0 {
		return k.reckonsMonth(i) || v.month == int(k.now.Month()) && (v.year == 0 || v.year == k.now.Year()) && !k.line(v).delivery
	}
	if line := k.line(v); v.relative && !k.timed() && !line.free && !line.delivery {
		week := bit(v.date(k.now).Weekday())
		if slices.ContainsFunc(k.house.grounds[Day], func(g ground) bool { return g.week&week != 0 }) {
			return true
		}
	}
	date := v.date(k.now)
	if v.day != 0 && v.month == 0 {
		date = k.upcoming(v.day)
		// "quinta-feira, dia 26": the calendar has been asked already whether it is one.
		if i > 0 {
			if w := &k.r.values[i-1]; w.kind == Day && w.week != 0 && !w.plural && w.sentence == v.sentence && w.week == bit(date.Weekday()) && k.verdicts[i-1] == "" && (k.line(v).question || k.sources(*w)&^fromHouse != 0 || !k.onlyRanges(*w, false)) {
				return true
			}
		}
	} else if !v.dated() {
		return false
	}
	starts := []time.Time{today(k.now)}
	for _, d := range k.held(Day, i) {
		if d.dated() {
			starts = append(starts, d.date(k.now))
		} else if d.day != 0 && d.month == 0 {
			starts = append(starts, k.upcoming(d.day), k.upcoming(d.day).AddDate(0, -1, 0)) // "recebi dia 20"
		}
	}
	k.each(Day, func(g *ground) bool {
		if g.dated() && g.source&(fromTool|fromCustomer|fromHouse) != 0 {
			starts = append(starts, g.date(k.now))
		}
		return len(starts) < 24
	})
	if k.following(i, date) || k.nth(i, date) {
		return true
	}
	if k.line(v).again {
		for _, s := range starts {
			if s.AddDate(0, 0, 1).Equal(date) {
				return true // "férias até 4/1, voltamos dia 5"
			}
		}
	}
	for _, d := range k.lengths(i) {
		for _, s := range starts {
			for _, sign := range [...]int{1, -1} {
				var end time.Time
				switch {
				case d.months:
					end = s.AddDate(0, sign*int(d.n), 0)
				case d.n%(24*60) != 0:
					continue
				case d.s == "util":
					end = working(s, sign*int(d.n/(24*60)))
				default:
					end = s.AddDate(0, 0, sign*int(d.n/(24*60)))
				}
				if end.Equal(date) {
					return true
				}
			}
		}
	}
	return false
}

// following says whether a date is said to be the next of the weekdays that the answer has told:
// "às quintas. A próxima é dia 3".
func (k *known) following(i int, date time.Time) bool {
	v := &k.r.values[i]
	gap := date.Sub(today(k.now)).Hours() / 24
	if gap < 0 || gap > 14 {
		return false
	}
	from := v.first - 1
	for from >= 0 && k.r.of[from] == v.sentence && !is(k.r.tokens, from, "proxima", "proximo") {
		from--
	}
	if from < 0 || k.r.of[from] != v.sentence {
		return false
	}
	for j := i - 1; j >= 0 && k.r.values[j].sentence >= v.sentence-1; j-- {
		if w := &k.r.values[j]; w.kind == Day && w.week != 0 && k.verdicts[j] == "" {
			return w.week&bit(date.Weekday()) != 0
		}
	}
	return false
}

// nth says whether a date is the weekday of the month that the answer tells: "no último sábado do
// mês, dia 27".
func (k *known) nth(i int, date time.Time) bool {
	v := &k.r.values[i]
	gap := date.Sub(today(k.now)).Hours() / 24
	if gap < 0 || gap > 62 {
		return false
	}
	for j := i - 1; j >= 0 && k.r.values[j].sentence >= v.sentence-1; j-- {
		w := &k.r.values[j]
		if w.kind != Day || w.week != bit(date.Weekday()) || k.verdicts[j] != "" || !is(k.r.tokens, w.last+1, "mes", "cada") {
			continue
		}
		switch n := (date.Day() - 1) / 7; {
		case is(k.r.tokens, w.first-1, "ultimo", "ultima"):
			return date.AddDate(0, 0, 7).Month() != date.Month()
		case is(k.r.tokens, w.first-1, "primeiro", "primeira"):
			return n == 0
		case is(k.r.tokens, w.first-1, "segundo", "segunda"):
			return n == 1
		case is(k.r.tokens, w.first-1, "terceiro", "terceira"):
			return n == 2
		}
	}
	return false
}

// reckonsMonth accepts a month that is so many months after another: "de março até setembro".
func (k *known) reckonsMonth(i int) bool {
	v := &k.r.values[i]
	months := []int{int(k.now.Month())}
	for _, d := range k.held(Day, i) {
		if d.month != 0 {
			months = append(months, d.month)
		}
	}
	for _, d := range k.lengths(i) {
		for _, m := range months {
			if d.months && (m-1+int(d.n))%12+1 == v.month {
				return true
			}
		}
	}
	return false
}

// beside says whether a weekday stands beside a date that is held up and falls on it: "segunda,
// dia 19"; or beside "hoje".
func (k *known) beside(i int) bool {
	v := &k.r.values[i]
	if v.week == 0 || v.plural {
		return false
	}
	for _, j := range [...]int{i - 1, i + 1} {
		if j < 0 || j >= len(k.r.values) {
			continue
		}
		w := &k.r.values[j]
		if w.kind != Day || w.day == 0 || w.sentence != v.sentence || k.verdicts[j] != "" || !k.joins(min(v.last, w.last), max(v.first, w.first)) {
			continue
		}
		date := w.date(k.now)
		if !w.dated() {
			date = k.upcoming(w.day)
		}
		if v.week == bit(date.Weekday()) {
			return true
		}
	}
	return false
}

// upcoming is the next day of the month.
func (k *known) upcoming(day int) time.Time {
	d := time.Date(k.now.Year(), k.now.Month(), day, 0, 0, 0, 0, time.UTC)
	if d.Before(today(k.now)) {
		d = time.Date(k.now.Year(), k.now.Month()+1, day, 0, 0, 0, 0, time.UTC)
	}
	return d
}

// working is the day so many working days after another.
func working(from time.Time, days int) time.Time {
	step := 1
	if days < 0 {
		step, days = -1, -days
	}
	for n := 0; n < min(days, 400); {
		from = from.AddDate(0, 0, step)
		if from.Weekday() != time.Saturday && from.Weekday() != time.Sunday {
			n++
		}
	}
	return from
}

// says says whether the sentence only tells what day it is: "hoje é quarta".
func (k *known) says(i int) bool {
	v := &k.r.values[i]
	if i+1 >= len(k.r.values) {
		return false
	}
	w := &k.r.values[i+1]
	return w.kind == Day && w.sentence == v.sentence && w.week == bit(v.date(k.now).Weekday()) && is(k.r.tokens, v.last, "e", "sera", "ja") && w.first-v.last <= 2
}
