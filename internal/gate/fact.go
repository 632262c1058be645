package gate

import (
	"slices"
	"strings"
	"time"

	"secretaria/internal/hours"
	"secretaria/internal/promise"
	"secretaria/internal/stem"
)

// source is who a figure comes from.
type source uint8

const (
	fromHouse source = 1 << iota
	fromTool
	fromSaid
	fromCustomer
	fromContact
)

// ground is a figure of the grounds.
type ground struct {
	value
	source source
	// words are what the figure is of, around all words of its passage; see House.
	words, around []int32
	name          []int32 // the name of its row, and what stands right before it
	opening       []int32 // those with which the passage opens: of what or of whom it is
	shared        []int32 // of the row, and perhaps not meant
	tier          tier    // of Money and Number: for which it is
	asked         uint8   // of Money: on which weekdays; 0 for any
	passage       int     // of the house, from 1; 0 for what others said
}

// facts returns the figures of a text that nothing supports.
func (c *Context) facts(text string, claims []promise.Claim) []Finding {
	g := &c.Grounds
	zone := g.Zone
	if zone == nil {
		zone = g.Now.Location()
	}
	now := g.Now.In(zone)
	r := read(text, now, zone, false)
	if len(r.values) == 0 {
		return nil
	}
	k := &known{c: c, r: r, now: now, zone: zone, lines: r.sentences, told: map[Kind][]ground{}, house: g.Prepared}
	for _, p := range claims {
		if p.Kind == promise.Booked {
			k.booked = append(k.booked, [2]int{p.Start, p.End})
		}
	}
	if k.house == nil {
		k.house = Prepare(g.House)
	} else {
		k.add(fromHouse, g.House)
	}
	k.add(fromHouse, k.house.timely)
	k.add(fromTool, g.Tools)
	k.add(fromSaid, g.Said)
	k.add(fromCustomer, g.Customer)
	k.add(fromContact, c.Contact)
	for _, t := range c.Contact {
		if d := digits(t); len(d) >= 8 && !strings.Contains(t, "@") {
			k.told[Phone] = append(k.told[Phone], ground{value: value{kind: Phone, s: d}, source: fromContact})
		}
	}
	k.open()
	k.verdicts = make([]Why, len(r.values))
	for i := range r.values {
		k.verdicts[i] = k.judge(r.values, i)
		if k.verdicts[i] == "" && !k.dated(i) && (k.misplaced(i) || k.untiered(i)) {
			k.verdicts[i] = Misplaced
		} else if k.verdicts[i] == "" && k.foreign(i) {
			k.verdicts[i] = Unknown
		}
	}
	k.reckon()
	var found []Finding
	for i, v := range r.values {
		if why := k.verdicts[i]; why != "" {
			found = append(found, Finding{Kind: v.kind, Why: why, From: v.from, To: v.to})
		}
	}
	return found
}

// known is what the figures of one answer are compared with.
type known struct {
	c        *Context
	r        *reader
	now      time.Time
	zone     *time.Location
	lines    []sentence
	house    *House
	told     map[Kind][]ground // by others than the house, or by it today
	booked   [][2]int          // where the answer says that an appointment was made
	agenda   bool              // a tool has told days or hours
	verdicts []Why             // of the figures of the answer
	// questioned are the words of the customer's last message; see asked.
	questioned []int32
	last       *reader // see question
}

// add reads texts of the grounds.
func (k *known) add(from source, texts []string) {
	for _, t := range texts {
		r := read(t, k.now, k.zone, true)
		for i := range r.values {
			g := ground{value: r.values[i], source: from}
			if from == fromSaid || from == fromHouse {
				left, right := r.window(i)
				g.words = k.house.known(r, left, right, nil)
			}
			k.told[g.kind] = append(k.told[g.kind], g)
			k.agenda = k.agenda || from == fromTool && (g.kind == Day || g.kind == Hour)
		}
	}
}

// open adds the opening hours to what the house says.
func (k *known) open() {
	if !k.timed() {
		return
	}
	all := uint8(0)
	for d, spans := range k.c.Grounds.Hours.Week {
		if len(spans) > 0 {
			all |= bit(time.Weekday(d))
			k.told[Day] = append(k.told[Day], ground{value: value{kind: Day, week: bit(time.Weekday(d)), ranged: true, plural: true}, source: fromHouse})
		}
		for _, s := range spans {
			for _, at := range [...]int{s.From, s.To % (24 * 60)} {
				k.told[Hour] = append(k.told[Hour], ground{value: value{kind: Hour, n: int64(at)}, source: fromHouse})
			}
		}
	}
	k.told[Day] = append(k.told[Day], ground{value: value{kind: Day, week: all, ranged: true, plural: true}, source: fromHouse})
}

// bearers are the kinds of figures that may hold up one of a kind.
func bearers(of Kind) []Kind {
	switch of {
	case Money, Times:
		return []Kind{of, Number}
	case Duration:
		return []Kind{Duration, Hour, Number}
	case Hour:
		return []Kind{Hour, Duration}
	case Phone:
		return []Kind{Phone, CPF} // digit for digit a document looks like a mobile
	case Number:
		return []Kind{Number, Duration, Times, Money, Address}
	}
	return []Kind{of}
}

// each calls f with the grounds of a kind until it returns false.
func (k *known) each(of Kind, f func(*ground) bool) {
	for _, all := range [...][]ground{k.house.grounds[of], k.told[of]} {
		for i := range all {
			if !f(&all[i]) {
				return
			}
		}
	}
}

// sources returns who supports a figure.
func (k *known) sources(v value) source {
	var s source
	for _, kind := range bearers(v.kind) {
		k.each(kind, func(g *ground) bool {
			if s&g.source == 0 && v.supports(&g.value, g.source&(fromTool|fromCustomer|fromContact) != 0, k.now) {
				s |= g.source
			}
			return true
		})
	}
	return s
}

// judge says what is wrong with all[i]; "" when nothing is.
func (k *known) judge(all []value, i int) Why {
	v := all[i]
	line := sentence{}
	if v.sentence < len(k.lines) {
		line = k.lines[v.sentence]
	}
	switch v.kind {
	case Link:
		if k.variable(v) {
			return "" // it is found as a template
		}
		return k.link(v)
	case CPF, Card:
		if k.sources(v)&(fromHouse|fromCustomer|fromContact) != 0 {
			return ""
		}
		return Unknown
	case Number:
		switch wrong := k.miscounts(v); {
		case wrong:
			return Unknown
		case v.small, emergency(v), k.plain(all, i):
			return ""
		}
	case Percent:
		if k.miscounts(v) {
			return Unknown
		}
		if v.n == 100_00 && !line.discount {
			return "" // "100% online"
		}
	case Day:
		if why, sure := k.day(all, i, line); sure {
			return why
		}
	case Hour:
		if why, sure := k.hour(all, v, line); sure {
			return why
		}
	}
	s := k.sources(v) &^ k.barred(v, line)
	switch {
	case s == 0:
		return Unknown
	case s == fromCustomer && k.asserts(v, line):
		return CustomerOnly
	}
	return ""
}

// plain says whether a number stands for itself and tells nothing of the house or of the
// customer's case: "opção 2", "Resposta 12.".
func (k *known) plain(all []value, i int) bool {
	v := all[i]
	if v.noun != "" || v.unit != "" || v.s != "" || v.priced || v.raw >= 1000_00 && v.raw < 3000_00 { // a year
		return false
	}
	if i > 0 && all[i-1].sentence == v.sentence && v.first-all[i-1].last <= 2 {
		return false // "dia 5, 10 ou 25"
	}
	for i := v.first - 1; i >= max(v.first-3, 0) && k.r.of[i] == v.sentence; i-- {
		if naming[strings.TrimSuffix(k.r.tokens[i].Fold, "s")] {
			return false
		}
	}
	return true
}

// naming are words before a number by which something is known.
var naming = set(`protocolo codigo pedido numero n nº º senha conta agencia processo matricula registro crm cro oab creci cra crea lote sala andar box ramal pin token ticket order code number room id os nota boleto fatura orcamento contrato chamado rastreio rastreamento cupom apartamento casa loja conjunto ligue ligar disque telefone`)

// asserts says whether the sentence makes the figure the house's own word.
func (k *known) asserts(v value, line sentence) bool {
	if line.question || line.negated || line.attributed {
		return false
	}
	switch v.kind {
	case Money:
		return !k.whole(v)
	case Percent, Times:
		return line.priced || v.kind == Times
	case Duration:
		return (line.delivery || line.opening || v.upto) && !is(k.r.tokens, v.first-1, "com", "tem", "ha", "seus", "suas", "esses", "essas")
	case Day, Hour:
		return !line.closed && (line.opening || line.delivery || line.free)
	case Number:
		// "Aceitamos até 15 kg", where the house has such a limit.
		return v.upto && slices.ContainsFunc(k.house.grounds[Number], func(g ground) bool {
			return g.upto && g.unit == v.unit && (v.unit != "" || v.noun != "" && g.noun == v.noun)
		})
	}
	return false
}

// whole says whether an amount is what a share is taken of, or what the customer's own things
// are worth: it is not the house's price.
func (k *known) whole(v value) bool {
	t := k.r.tokens
	i := v.first
	if is(t, i-1, "com") && !is(t, v.last, "de", "off") {
		return true // "com R$ 500 dá para fazer"
	}
	for is(t, i-1, "de", "dos", "das", "os", "as", "o", "a", "do", "da", "sobre", "em", "r", "$", "um", "uma", "valor", "uns", "ate", "por") && i > 0 && k.r.of[i-1] == v.sentence {
		if is(t, i-1, "sobre") {
			return true
		}
		i--
	}
	return is(t, i-1, "%", "cento", "imovel", "casa", "bens", "renda", "faturamento", "fatura", "orcamento", "declarado", "declarados", "patrimonio", "carro", "veiculo", "divida", "salario", "compra", "compras", "pedido", "entrada", "consumo", "gasto", "meta", "vendas", "terreno", "apartamento", "heranca", "emprestimo")
}

// miscounts says whether the house or a tool has another number, or another percentage, of what
// stands behind this one, and nobody has this one of it: "4 noites" beside "5 noites".
func (k *known) miscounts(v value) bool {
	counted, same := false, false
	row, known := int32(0), false
	if v.kind == Number && v.noun != "" && v.last < len(k.r.tokens) {
		row, known = k.house.vocabulary[stem.Portuguese(k.r.tokens[v.last].Fold)]
	}
	for _, kind := range [...]Kind{Number, Percent, Duration, Times, Money, Hour, Day, Address} {
		k.each(kind, func(g *ground) bool {
			switch {
			case (g.noun == v.noun || g.noun == "") && g.kind == v.kind && g.raw == v.raw, g.source != fromHouse && g.raw == v.raw:
				same = true
			case v.noun != "" && g.noun == v.noun && g.kind == v.kind && g.source&(fromHouse|fromTool) != 0:
				counted = true
			case known && g.kind == Number && g.source == fromHouse && g.noun == "" && g.unit == "" && g.s == "" && g.upto && slices.Contains(g.words, row):
				counted = true // "Reposição: até 2 por mês"
			}
			return !same
		})
	}
	return counted && !same
}

// barred are the sources that do not hold up a day or an hour where it stands: the days on which
// a house is open say nothing of when something comes, and beside an agenda only it tells what
// is free or booked.
func (k *known) barred(v value, line sentence) source {
	if v.kind != Day && v.kind != Hour || v.plural || line.negated || line.closed || line.attributed {
		return 0
	}
	booked := slices.ContainsFunc(k.booked, func(b [2]int) bool { return v.from >= b[0] && v.to <= b[1] })
	switch {
	case booked && k.agenda:
		return fromHouse | fromCustomer
	case booked:
		return fromHouse
	case k.agenda && (line.delivery || line.free):
		return fromHouse
	case v.kind == Day && v.week != 0 && (line.delivery || line.free || line.priced) && k.onlyRanges(v, line.delivery):
		return fromHouse
	}
	return 0
}

// onlyRanges says whether the house names a weekday only among the days of its week, or, where
// something is to come on it, by the date of something else.
func (k *known) onlyRanges(v value, comes bool) bool {
	other := false
	k.each(Day, func(g *ground) bool {
		other = g.source == fromHouse && !g.ranged && !(comes && g.dated()) && v.supports(&g.value, false, k.now)
		return !other
	})
	return !other
}

// day judges what the calendar and the opening hours know of a day.
func (k *known) day(all []value, i int, line sentence) (Why, bool) {
	v := all[i]
	if v.dated() && i > 0 {
		// "quinta-feira (08/05)": the two must be one day.
		if w := all[i-1]; w.kind == Day && w.week != 0 && !w.plural && w.sentence == v.sentence && v.from-w.to <= 8 && !v.relative && w.week != bit(v.date(k.now).Weekday()) {
			return Contradicted, true
		}
	}
	if v.week != 0 && !v.plural && !v.ranged && i > 0 && !line.negated {
		// "26/11 cai numa quarta-feira".
		if w := all[i-1]; w.kind == Day && (w.dated() || w.day != 0) && w.sentence == v.sentence && k.joins(w.last, v.first) {
			date := w.date(k.now)
			if !w.dated() {
				date = k.upcoming(w.day)
			}
			if v.week != bit(date.Weekday()) {
				return Contradicted, true
			}
			if k.verdicts[i-1] == "" {
				return "", true
			}
		}
	}
	if v.day != 0 && v.month == 0 && i > 0 {
		if w := all[i-1]; w.kind == Day && w.week != 0 && !w.plural && w.sentence == v.sentence && v.from-w.to <= 8 {
			next := v
			next.month, next.year = int(k.now.Month()), k.now.Year()
			if v.day < k.now.Day() {
				next.month++
			}
			if w.week != bit(next.date(k.now).Weekday()) {
				return Contradicted, true
			}
		}
	}
	days, has := k.weekdays(v)
	if has && (line.opens || line.opening && slices.ContainsFunc(all, func(w value) bool { return w.kind == Hour && w.sentence == v.sentence })) && !line.negated && !line.closed && !line.question && !line.attributed && k.timed() {
		for d := time.Sunday; d <= time.Saturday; d++ {
			if days&bit(d) != 0 && len(k.spans(v, d)) == 0 {
				return Contradicted, true
			}
		}
	}
	switch {
	case v.relative && v.date(k.now).Equal(today(k.now)):
		return "", !line.delivery // "hoje" is always known, but not what comes today
	case has && !line.free && !line.delivery && k.timed() && (line.opening || line.question || v.relative):
		return "", true
	case has && (line.negated || line.closed) && k.timed() && line.opening:
		return "", true
	}
	// A weekday and a date of the same sentence that are one day stand and fall together.
	for j, w := range all {
		if j != i && w.kind == Day && w.sentence == v.sentence && (v.week != 0 && !v.plural && w.dated() && v.week == bit(w.date(k.now).Weekday()) || v.day == w.day && v.month == 0 && w.relative && v.week == 0 || v.dated() && w.dated() && (v.relative || w.relative) && v.date(k.now).Equal(w.date(k.now))) {
			if w.relative && w.date(k.now).Equal(today(k.now)) || k.sources(w)&^fromCustomer != 0 || k.sources(w) != 0 && !k.asserts(v, line) {
				return "", true
			}
		}
	}
	return "", false
}

// dated says whether a weekday only names the date before it.
func (k *known) dated(i int) bool {
	v := &k.r.values[i]
	if v.kind != Day || v.week == 0 {
		return false
	}
	if i+1 < len(k.r.values) {
		w := &k.r.values[i+1]
		date := w.date(k.now)
		if w.day != 0 && w.month == 0 {
			date = k.upcoming(w.day)
		}
		if w.kind == Day && w.day != 0 && !w.relative && w.sentence == v.sentence && w.from-v.to <= 8 && v.week == bit(date.Weekday()) {
			return true
		}
	}
	if i == 0 {
		return false
	}
	w := &k.r.values[i-1]
	return w.kind == Day && w.day != 0 && w.sentence == v.sentence && (!w.relative && k.joins(w.last, v.first) || w.relative && k.says(i-1))
}

// joins says whether what stands between two days makes them one: "26/11 cai numa quarta".
func (k *known) joins(from, to int) bool {
	if to-from > 4 {
		return false
	}
	for i := from; i < to; i++ {
		if !is(k.r.tokens, i, ",", "(", "-", "–", "—", "e", "cai", "sera", "numa", "uma", "na", "em", "que", "foi", "é", "caiu", "ja", "proxima") {
			return false
		}
	}
	return to-from != 1 || !is(k.r.tokens, from, "e") || strings.HasPrefix(k.r.text[k.r.tokens[from].Start:], "é")
}

func today(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
}

func (k *known) timed() bool { return k.c.Grounds.Hours.Zone != nil }

// weekdays are the weekdays on which a Day falls.
func (k *known) weekdays(v value) (uint8, bool) {
	switch {
	case v.week != 0:
		return v.week, true
	case v.dated():
		return bit(v.date(k.now).Weekday()), true
	}
	return 0, false
}

// spans are the opening hours of a Day that falls on d.
func (k *known) spans(v value, d time.Weekday) []hours.Span {
	if v.dated() {
		date := v.date(k.now)
		s, _ := k.c.Grounds.Hours.On(date.Year(), date.Month(), date.Day())
		return s
	}
	return k.c.Grounds.Hours.Week[d]
}

// hour judges an hour in a sentence about opening hours.
func (k *known) hour(all []value, v value, line sentence) (Why, bool) {
	if !k.timed() || !line.opening || line.attributed || line.negated || line.closed {
		return "", false
	}
	edge := func(spans []hours.Span) bool {
		return slices.ContainsFunc(spans, func(s hours.Span) bool {
			for _, at := range [...]int{s.From, s.To % (24 * 60)} {
				if int64(at) == v.n || v.half && (int64(at)-v.n == 720 || v.n-int64(at) == 720) {
					return true
				}
			}
			return false
		})
	}
	ever := slices.ContainsFunc(k.c.Grounds.Hours.Week[:], edge)
	named := false
	for _, w := range all {
		days, ok := k.weekdays(w)
		if w.kind != Day || w.sentence != v.sentence || !ok {
			continue
		}
		named = true
		for d := time.Sunday; d <= time.Saturday; d++ {
			if days&bit(d) != 0 && edge(k.spans(w, d)) {
				return "", true
			}
		}
	}
	switch {
	case !ever:
		return "", false // perhaps the hour of something else
	case named:
		// It may be the hour of somebody or something that has hours of its own.
		window := k.sentence(slices.IndexFunc(all, func(w value) bool { return w.from == v.from && w.kind == v.kind }))
		for j := range k.house.grounds[Hour] {
			if g := &k.house.grounds[Hour][j]; v.supports(&g.value, false, k.now) && k.house.weigh(g.words, window, nil) >= 0.75 {
				return "", false
			}
		}
		return Contradicted, true
	}
	return "", true
}

// variable says whether what looks like an address is a customer's datum in a template of a
// helpdesk, "{{contact.info}}".
func (k *known) variable(v value) bool {
	before := strings.TrimRight(k.r.text[:v.from], " -")
	after := strings.TrimLeft(k.r.text[v.to:], " -")
	owner, name, ok := strings.Cut(v.s, ".")
	if !ok || !strings.HasSuffix(before, "{{") || !strings.HasPrefix(after, "}}") && !strings.HasPrefix(after, "|") {
		return false
	}
	switch owner {
	case "contact", "conversation", "agent", "account", "inbox", "message":
		return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == ""
	}
	return false
}

// link says whether an address may be given away.
func (k *known) link(v value) Why {
	host := hostOf(v.s)
	if i := strings.IndexByte(host, ':'); i >= 0 && strings.ContainsAny(v.s[:i], "abcdefghijklmnopqrstuvwxyz") {
		switch v.s[:i] {
		case "javascript", "data", "vbscript", "file", "ftp":
			return Forbidden
		}
	}
	if slices.ContainsFunc(k.c.Hosts, func(h string) bool { return strings.EqualFold(strings.TrimPrefix(h, "www."), host) }) {
		return ""
	}
	why := Unknown
	k.each(Link, func(g *ground) bool {
		switch {
		case g.source == fromContact, g.source == fromCustomer && (v.image || !v.shown):
		case strings.TrimPrefix(g.s, "www.") == strings.TrimPrefix(v.s, "www."),
			g.source != fromCustomer && !v.image && strings.TrimPrefix(v.s, "www.") == hostOf(g.s):
			why = ""
		}
		return why != ""
	})
	return why
}

// emergency says whether a number is one that everybody in Brazil may be told to call.
func emergency(v value) bool {
	switch v.raw {
	case 180_00, 188_00, 190_00, 191_00, 192_00, 193_00, 197_00, 199_00:
		return v.s == "" && v.to-v.from == 3
	}
	return false
}
