package slot

import (
	"slices"
	"time"

	"secretaria/internal/portuguese"
)

// moment is a day with an hour, or one of both, and where they stand.
type moment struct {
	line     *line
	from, to int // tokens of the whole
	day      time.Time
	hasDay   bool
	minutes  int
	hasClock bool
	quotes   []Quote
	corrects bool
}

func (m moment) instant(zone *time.Location) time.Time {
	if m.line != nil {
		if named := namedZone(m.line); named != nil {
			return time.Date(m.day.Year(), m.day.Month(), m.day.Day(), m.minutes/60, m.minutes%60, 0, 0, named).In(zone)
		}
	}
	return time.Date(m.day.Year(), m.day.Month(), m.day.Day(), m.minutes/60, m.minutes%60, 0, 0, zone)
}

// pairing puts days and hours together.
type pairing struct {
	now     time.Time
	days    []moment // days that wait for an hour, or the last one that got it
	paired  bool     // the days have got one
	loose   []moment // hours that wait for a day
	full    []moment
	spell   portuguese.Spell
	last    *mark
	sameDay func() (moment, bool) // what "no mesmo dia" refers to
	same    func() (moment, bool) // what "na mesma hora" refers to
}

func (p *pairing) take(m mark, next *mark) {
	gap := 1 << 20
	if p.last != nil && p.last.line == m.line {
		gap = m.From - p.last.To
	}
	switch m.Kind {
	case portuguese.Day, portuguese.SameDay:
		p.day(m, next, gap)
	case portuguese.Clock, portuguese.SameClock:
		p.clock(m, gap)
	case portuguese.Part:
		switch {
		case p.last != nil && p.last.Kind == portuguese.Clock && p.last.Spell == 0 && gap <= 1:
			if k := len(p.full); k > 0 && p.paired {
				p.full[k-1].minutes = reread(p.full[k-1].minutes, m.Spell)
			} else if k := len(p.loose); k > 0 {
				p.loose[k-1].minutes = reread(p.loose[k-1].minutes, m.Spell)
			}
		default:
			p.spell = m.Spell
		}
	}
	p.last = &m
}

func (p *pairing) day(m mark, next *mark, gap int) {
	if m.background {
		return
	}
	d := moment{line: m.line, from: m.From, to: m.To, day: m.Date, hasDay: true, quotes: []Quote{m.line.quote(m.From, m.To)}}
	if m.Kind == portuguese.SameDay {
		ref, ok := p.sameDay()
		if !ok {
			return
		}
		d.day = ref.day
		d.quotes = append(slices.Clone(ref.quotes), d.quotes...)
	}
	followed := next != nil && next.line == m.line && (next.Kind == portuguese.Clock || next.Kind == portuguese.SameClock) && next.From-m.To <= 3
	if k := len(p.loose); k > 0 && !m.noDay && p.last != nil && p.last.Kind == portuguese.Clock && (gap <= 4 || p.last.line != m.line) && !followed {
		// "às dez na sexta"
		c := p.loose[k-1]
		p.loose = p.loose[:k-1]
		p.join(d, c)
		p.days, p.paired = []moment{d}, true
		return
	}
	if len(p.days) > 0 && !p.paired && gap <= 2 && !m.noDay {
		p.days = append(p.days, d)
		return
	}
	if m.noDay {
		// Kept as what an hour may refer to only when nothing else is.
		return
	}
	p.days, p.paired = []moment{d}, false
	if gap > 3 {
		p.spell = 0
	}
}

func (p *pairing) clock(m mark, gap int) {
	if m.background || m.noClock {
		return
	}
	c := moment{line: m.line, from: m.From, to: m.To, minutes: m.Minutes, hasClock: true, quotes: []Quote{m.line.quote(m.From, m.To)}}
	if m.Kind == portuguese.SameClock {
		ref, ok := p.same()
		if k := len(p.full); k > 0 {
			ref, ok = p.full[k-1], true
		}
		if !ok {
			return
		}
		c.minutes = ref.minutes
		if len(p.full) == 0 {
			c.quotes = append(slices.Clone(ref.quotes), c.quotes...)
		}
	}
	if p.spell != 0 && m.Spell == 0 && m.Kind == portuguese.Clock {
		c.minutes = reread(c.minutes, p.spell)
	}
	c.corrects = m.line.corrects(max(0, m.From-4), m.From)
	if len(p.days) == 0 {
		p.loose = append(p.loose, c)
		return
	}
	if !p.paired {
		for _, d := range p.days {
			p.join(d, c)
		}
		p.paired = true
		return
	}
	// Another hour on the same day, or instead of the one before.
	d := p.days[len(p.days)-1]
	if c.corrects && len(p.full) > 0 {
		p.full = p.full[:len(p.full)-1]
	}
	p.join(d, c)
}

// join makes a time of a day and an hour. They are one quote where they stand together.
func (p *pairing) join(d, c moment) {
	m := moment{line: d.line, from: min(d.from, c.from), to: max(d.to, c.to), day: d.day, hasDay: true, minutes: c.minutes, hasClock: true, corrects: c.corrects}
	between := c.from - d.to
	if d.from > c.from {
		between = d.from - c.to
	}
	switch {
	case d.line == c.line && d.line != nil && between <= 8 && len(d.quotes) == 1 && len(c.quotes) == 1 && !overlaps(p.full, d.line, m.from, m.to):
		m.quotes = []Quote{d.line.quote(m.from, m.to)}
	default:
		m.quotes = append(slices.Clone(d.quotes), c.quotes...)
	}
	p.full = append(p.full, m)
}

func overlaps(full []moment, l *line, from, to int) bool {
	for _, m := range full {
		if m.line == l && from < m.to && m.from < to {
			return true
		}
	}
	return false
}

// reread puts an hour into the part of the day that was named apart from it.
func reread(minutes int, spell portuguese.Spell) int {
	hour := minutes / 60
	if spell == portuguese.Morning && hour >= 13 && hour <= 18 {
		return minutes - 12*60
	}
	if hour >= 7 && hour <= 11 || hour == 12 && spell == portuguese.Night {
		return portuguese.Read(minutes, spell)
	}
	return minutes
}

// offers reads the times that the assistant's own words propose, and the day it speaks of
// when there is one alone.
func offers(bot *line, now time.Time) (full []moment, day *moment, clock *moment) {
	p := pairing{now: now, same: nothing, sameDay: nothing}
	found := portuguese.Items(bot.tokens, now, false)
	many := false // it speaks of more than one day
	for i, item := range found {
		m := mark{Item: item, line: bot}
		var next *mark
		if i+1 < len(found) {
			next = &mark{Item: found[i+1], line: bot}
		}
		if item.Past {
			continue
		}
		if item.Kind == portuguese.Day {
			if day == nil {
				day = &moment{day: item.Date, hasDay: true}
			} else if !day.day.Equal(item.Date) {
				many = true
			}
		}
		p.take(m, next)
	}
	if many {
		day = nil
	}
	for i := range p.full {
		p.full[i].quotes, p.full[i].line = nil, nil // the assistant's words are no quotes
	}
	if len(p.loose) == 1 && len(p.full) == 0 {
		c := p.loose[0]
		c.quotes, c.line = nil, nil
		clock = &c
	}
	return p.full, day, clock
}

func nothing() (moment, bool) { return moment{}, false }

// timesOf reads the meeting times of the turn.
func (t *turn) timesOf() {
	known, hasKnown := t.state.Values[Times]
	asked := t.ask == Times || slices.Contains(t.also, Times)
	var botFull []moment
	var botDay, botClock *moment
	if asked || hasKnown {
		botFull, botDay, botClock = offers(t.bot, t.now)
	}
	fixes := false
	p := pairing{now: t.now}
	p.same = func() (moment, bool) {
		if len(botFull) == 1 {
			return botFull[0], true
		}
		if m, ok := t.knownMoment(); ok {
			return m, true
		}
		if t.state.Half.Clock != nil {
			return t.state.Half.Clock.moment(), true
		}
		return moment{}, false
	}
	p.sameDay = func() (moment, bool) {
		if m, ok := t.knownMoment(); ok {
			return m, true
		}
		if t.state.Half.Day != nil {
			return t.state.Half.Day.moment(), true
		}
		return moment{}, false
	}
	ready := asked
	var all []mark
	for _, l := range t.lines {
		if l.has(0, len(l.tokens), "promocao", "valida", "valido", "encaminhada", "desconto", "cupom", "oferta", "imperdivel") {
			continue
		}
		c := l.mends || hasKnown && l.has(0, len(l.tokens), "melhor", "prefiro", "pode ser", "nao vai dar", "nao consigo", "nao posso", "mais tarde", "mais cedo", "consegue", "adiar", "antecipar", "adiantar")
		fixes = fixes || c
		if l.has(0, len(l.tokens), "livre", "disponivel", "consigo", "posso", "pode ser", "podemos", "podia", "reuniao", "conversar", "conversa", "call", "marcar", "marca", "agendar", "agenda", "visita", "me liga", "ligar", "bom pra mim", "melhor horario", "prefiro", "ta bom", "fica bom", "ta otimo", "tenho horario", "to tranquilo", "to tranquila", "horario") {
			ready = true
		}
		if l.question() && !asked && !hasKnown {
			continue
		}
		all = append(all, marks(l, t.now, asked || hasKnown && c)...)
	}
	for i := range all {
		var next *mark
		if i+1 < len(all) {
			next = &all[i+1]
		}
		p.take(all[i], next)
	}
	full := p.full
	how := Answered
	if !asked {
		how = Offered
	}
	if len(full) == 0 && (asked || hasKnown && fixes || t.state.Half.any()) {
		full, how = t.halves(&p, botFull, botDay, botClock, how)
	}
	if len(full) == 0 && asked && len(botFull) > 0 {
		full = t.accepted(botFull)
		how = Accepted
	}
	if len(full) == 0 && asked {
		full = t.agreed(botDay, botClock)
		how = Combined
	}
	if len(full) > 0 && (ready || hasKnown && fixes || asked || t.state.Half.any()) {
		t.learnTimes(full, how, known, hasKnown, fixes)
	}
}

// halves completes a day or an hour that stands alone: from the assistant's offer, from an
// earlier turn, or from what was known before.
func (t *turn) halves(p *pairing, botFull []moment, botDay, botClock *moment, how How) ([]moment, How) {
	half := &t.state.Half
	var full []moment
	if k := len(p.loose); k > 0 && (len(p.days) == 0 || p.paired) {
		for _, c := range p.loose {
			var from *moment
			for i := range botFull {
				if botFull[i].minutes == c.minutes {
					from, how = &botFull[i], Accepted
					break
				}
			}
			switch m, known := t.knownMoment(); {
			case from != nil:
			case half.Day != nil:
				d := half.Day.moment()
				from, how = &d, Combined
			case botDay != nil:
				from, how = botDay, Accepted
			case known:
				from, how = &m, Corrected
			}
			if from != nil {
				c.day, c.hasDay = from.day, true
				c.quotes = append(slices.Clone(from.quotes), c.quotes...)
				if k := len(full); k > 0 && c.corrects {
					full = full[:k-1]
				}
				full = append(full, c)
			}
		}
		if len(full) == 0 {
			half.keepClock(p.loose[len(p.loose)-1])
		}
		return full, how
	}
	if len(p.days) == 0 || p.paired {
		return nil, how
	}
	for _, d := range p.days {
		var from *moment
		for i := range botFull {
			if botFull[i].day.Equal(d.day) {
				from, how = &botFull[i], Accepted
				break
			}
		}
		switch m, known := t.knownMoment(); {
		case from != nil:
		case p.spell != 0:
		case half.Clock != nil:
			c := half.Clock.moment()
			from, how = &c, Combined
		case len(botFull) == 1:
			from, how = &botFull[0], Accepted
		case botClock != nil && t.bot.question():
			from, how = botClock, Accepted
		case known && t.ask != Times:
			from, how = &m, Corrected
		}
		if from != nil {
			d.minutes, d.hasClock = from.minutes, true
			d.quotes = append(slices.Clone(from.quotes), d.quotes...)
			full = append(full, d)
		}
	}
	if len(full) == 0 {
		half.keepDay(p.days[0])
	}
	return full, how
}

// agreed completes an hour or day from an earlier turn with the day or hour that the
// assistant proposes for it and the customer says yes to.
func (t *turn) agreed(botDay, botClock *moment) []moment {
	half := &t.state.Half
	for _, l := range t.lines {
		if !agrees(l) || len(l.tokens) == 0 || len(l.tokens) > 6 {
			continue
		}
		var m moment
		switch {
		case half.Clock != nil && botDay != nil:
			m = half.Clock.moment()
			m.day = botDay.day
		case half.Day != nil && botClock != nil:
			m = half.Day.moment()
			m.minutes = botClock.minutes
		default:
			return nil
		}
		m.quotes = append(slices.Clone(m.quotes), l.quote(0, len(l.tokens)))
		return []moment{m}
	}
	return nil
}

// accepted reads which of the assistant's offers is taken without naming day or hour.
func (t *turn) accepted(botFull []moment) []moment {
	for _, l := range t.lines {
		n := len(l.tokens)
		if n == 0 || l.question() && n > 3 {
			continue
		}
		take := func(m moment, from, to int) []moment {
			m.quotes = []Quote{l.quote(from, to)}
			return []moment{m}
		}
		whole := n
		for whole > 1 && l.kind(whole-1) != portuguese.Word && l.kind(whole-1) != portuguese.Digits {
			whole--
		}
		for i := range l.tokens {
			k, to := -1, i+1
			switch {
			case l.kind(i) == portuguese.Digits && n <= 3 && len(l.fold(i)) == 1 || anyOf(l.fold(i-1), "opcao", "numero", "n") && l.kind(i) == portuguese.Digits:
				if v, ok := portuguese.NumberAt(l.tokens, i); ok {
					k = v.Value - 1
				}
			case anyOf(l.fold(i), "primeira", "primeiro"):
				k = 0
			case anyOf(l.fold(i), "segunda", "segundo"):
				k = 1
			case anyOf(l.fold(i), "terceira", "terceiro"):
				k = 2
			case anyOf(l.fold(i), "ultima", "ultimo"):
				k = len(botFull) - 1
			}
			if k < 0 || k >= len(botFull) || l.has(max(0, i-3), i, "nao") {
				continue
			}
			if anyOf(l.fold(to), "opcao", "data", "horario", "alternativa", "sugestao") {
				to++
			}
			from := i
			if anyOf(l.fold(i-1), "a", "o", "na", "no", "opcao") {
				from--
			}
			return take(botFull[k], from, to)
		}
		if l.has(0, n, "os dois", "as duas", "ambos", "ambas", "qualquer um", "qualquer uma", "tanto faz", "qualquer") {
			m := slices.Clone(botFull)
			for i := range m {
				m[i].quotes = []Quote{l.quote(0, whole)}
			}
			return m
		}
		for _, item := range portuguese.Items(l.tokens, t.now, false) {
			if item.Kind != portuguese.Part {
				continue
			}
			var hit []moment
			for _, m := range botFull {
				if spellAt(m.minutes) == item.Spell {
					hit = append(hit, m)
				}
			}
			if len(hit) == 1 && !l.has(0, n, "nao") {
				return take(hit[0], 0, whole)
			}
		}
		if len(botFull) == 1 && agrees(l) {
			return take(botFull[0], 0, whole)
		}
	}
	return nil
}

func spellAt(minutes int) portuguese.Spell {
	switch {
	case minutes < 6*60:
		return portuguese.Dawn
	case minutes < 12*60:
		return portuguese.Morning
	case minutes < 18*60:
		return portuguese.Afternoon
	}
	return portuguese.Night
}

// agrees says whether a line says yes.
func agrees(l *line) bool {
	n := len(l.tokens)
	if l.has(0, n, "nao", "n", "nem", "talvez", "depois", "vou ver", "acho que", "ver com", "se der") {
		return false
	}
	return l.has(0, n, "sim", "s", "pode ser", "pode", "podemos", "ok", "okay", "fechado", "combinado", "bora", "confirmo", "confirmado", "perfeito", "otimo", "beleza", "blz", "show", "claro", "isso", "certo", "ta bom", "tá", "marcado", "pode marcar", "marca", "serve", "por mim", "tranquilo", "feito", "positivo", "aceito", "esse mesmo", "este mesmo", "topo", "ss", "uhum", "aham", "👍", "demoro", "demorou", "partiu", "com certeza", "top", "consigo", "da certo")
}
