package hours

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/invalid"
	"secretaria/internal/portuguese"
)

// DefaultZone is where a house is that does not say so.
const DefaultZone = "America/Sao_Paulo"

const maxText = 2000 // bytes of one text

// Parse reads hours. Errors join invalid.At with the paths "zone", "week", "week.<days>" and
// "holidays[n]". Without any hours the result is always open.
func Parse(f Form) (Hours, error) {
	var h Hours
	var errs []error
	zone, err := time.LoadLocation(cmp.Or(f.Zone, DefaultZone))
	if err != nil || f.Zone == "Local" {
		errs = append(errs, invalid.At("zone", "is no time zone; write an IANA name like %s", DefaultZone))
		zone = time.UTC
	}
	switch {
	case f.Week != "" && len(f.ByDay) > 0:
		errs = append(errs, invalid.At("week", "is given as a line and by day; keep one"))
	case f.Week != "":
		if h.Week, err = ParseWeek(f.Week); err != nil {
			errs = append(errs, invalid.At("week", "%v", err))
		}
	case len(f.ByDay) > 0:
		var taken [7]bool
		for _, days := range slices.Sorted(maps.Keys(f.ByDay)) {
			if err := byDay(&h.Week, &taken, days, f.ByDay[days]); err != nil {
				errs = append(errs, invalid.At("week."+days, "%v", err))
			}
		}
	case len(f.Holidays) > 0:
		errs = append(errs, invalid.At("week", "is missing: holidays say when a house is closed that is open otherwise"))
	default:
		return Hours{}, errors.Join(errs...)
	}
	h.Zone = zone
	seen := map[string]bool{}
	for i, text := range f.Holidays {
		d, set, err := ParseHoliday(text)
		key := d.Date + string(set)
		switch {
		case err != nil:
			errs = append(errs, invalid.At(fmt.Sprintf("holidays[%d]", i), "%v", err))
		case seen[key]:
			errs = append(errs, invalid.At(fmt.Sprintf("holidays[%d]", i), "is there twice"))
		case set != "":
			h.Sets = append(h.Sets, set)
		default:
			h.Days = append(h.Days, d)
		}
		seen[key] = true
	}
	if len(errs) > 0 {
		return Hours{}, errors.Join(errs...)
	}
	return h, nil
}

func byDay(week *[7][]Span, taken *[7]bool, days, text string) error {
	p := parser{tokens: portuguese.Split(days)}
	named, err := p.days()
	if err != nil {
		return err
	}
	if !p.done() {
		return p.unread("days")
	}
	q := parser{tokens: portuguese.Split(text)}
	spans, err := q.hours()
	if err != nil {
		return err
	}
	if !q.done() {
		return q.unread("hours")
	}
	return put(week, taken, named, spans)
}

func put(week *[7][]Span, taken *[7]bool, days []time.Weekday, spans []Span) error {
	for _, d := range days {
		if taken[d] {
			return fmt.Errorf("names %s twice", d)
		}
		taken[d] = true
		week[d] = spans
	}
	return nil
}

// ParseWeek reads a week in a line: "seg-sex 08:00-12:00, 13:30-18:00; sáb 8h às 12h", in
// Portuguese or English. Days that are not named are closed.
func ParseWeek(text string) ([7][]Span, error) {
	var week [7][]Span
	var taken [7]bool
	if len(text) > maxText {
		return week, errors.New("is too long")
	}
	p := parser{tokens: portuguese.Split(text)}
	for !p.done() {
		days, err := p.days()
		if err != nil {
			return [7][]Span{}, err
		}
		spans, err := p.hours()
		if err != nil {
			return [7][]Span{}, err
		}
		if err := put(&week, &taken, days, spans); err != nil {
			return [7][]Span{}, err
		}
		for p.eat(";", ",", ".", "e", "and", "\n") {
		}
	}
	if taken == [7]bool{} {
		return week, errors.New("names no day; write for instance \"seg-sex 08:00-18:00; sáb 8h-12h\"")
	}
	return week, nil
}

// ParseSpans reads the hours of a day: "08:00-12:00, 13h30 às 18h", "24h", "fechado".
func ParseSpans(text string) ([]Span, error) {
	if len(text) > maxText {
		return nil, errors.New("is too long")
	}
	p := parser{tokens: portuguese.Split(text)}
	spans, err := p.hours()
	if err == nil && !p.done() {
		err = p.unread("hours")
	}
	return spans, err
}

// ParseHoliday reads a date, with hours and a name if it has them, or the name of a set:
// "2026-12-24 08:00-12:00 Véspera", "12-25 Natal", "25/12", "br". A date alone is closed.
func ParseHoliday(text string) (Day, Set, error) {
	text = strings.TrimSpace(text)
	if s := Set(strings.ToLower(text)); slices.Contains(Sets(), s) {
		return Day{}, s, nil
	}
	if len(text) > maxText {
		return Day{}, "", errors.New("is too long")
	}
	written, rest, _ := strings.Cut(text, " ")
	d := Day{}
	for _, form := range []string{time.DateOnly, "02/01/2006"} {
		if at, err := time.Parse(form, written); err == nil {
			d.Date = at.Format(time.DateOnly)
		}
	}
	for _, form := range []string{"2006-01-02", "2006-02/01"} {
		if at, err := time.Parse(form, "2024-"+written); err == nil { // a leap year: 02-29 is a date
			d.Date = at.Format("01-02")
		}
	}
	if d.Date == "" {
		return Day{}, "", errors.New("is no date; write 2026-12-24, or 12-25 for every year, or one of the sets br, br-carnaval, br-corpus-christi")
	}
	p := parser{tokens: portuguese.Split(rest)}
	if spans, err := p.hours(); err == nil {
		d.Spans = spans
		rest = p.rest(rest)
	} else if len(p.tokens) > 0 && p.tokens[0].Kind == portuguese.Digits {
		return Day{}, "", err
	}
	d.Name = strings.TrimSpace(strings.TrimLeft(rest, " ,;:-–—"))
	return d, "", nil
}

// parser walks over tokens.
type parser struct {
	tokens []portuguese.Token
	i      int
}

func (p *parser) done() bool { return p.i >= len(p.tokens) }

func (p *parser) word(n int) string {
	if p.i+n < 0 || p.i+n >= len(p.tokens) {
		return ""
	}
	t := p.tokens[p.i+n]
	if t.Kind == portuguese.Break {
		return "\n"
	}
	return t.Fold
}

// eat steps over one of the words.
func (p *parser) eat(words ...string) bool {
	if !p.done() && slices.Contains(words, p.word(0)) {
		p.i++
		return true
	}
	return false
}

func (p *parser) rest(text string) string {
	if p.done() {
		return ""
	}
	return text[p.tokens[p.i].Start:]
}

func (p *parser) unread(wanted string) error {
	if p.done() {
		return fmt.Errorf("ends where %s should stand", wanted)
	}
	return fmt.Errorf("does not read %s at %q", wanted, p.word(0))
}

// days reads "seg-sex", "segunda a sexta-feira", "sáb, dom", "todos os dias".
func (p *parser) days() ([]time.Weekday, error) {
	var days []time.Weekday
	p.eat("de", "das", "aos", "on", "from")
	for {
		switch {
		case p.eat("diariamente", "daily"), p.phrase("todos", "os", "dias"), p.phrase("todo", "dia"), p.phrase("every", "day"):
			days = append(days, 0, 1, 2, 3, 4, 5, 6)
		case p.phrase("dias", "uteis"), p.phrase("dia", "util"), p.eat("weekdays"), p.phrase("business", "days"):
			days = append(days, 1, 2, 3, 4, 5)
		case p.phrase("fim", "de", "semana"), p.phrase("fins", "de", "semana"), p.eat("weekends", "weekend"):
			days = append(days, 6, 0)
		default:
			from, ok := p.day()
			if !ok {
				return nil, fmt.Errorf("%w; write for instance \"seg-sex 08:00-18:00; sáb 8h-12h\"", p.unread("a day"))
			}
			days = append(days, from)
			if at := p.i; p.eat("-", "–", "—", "a", "ate", "to", "through", "thru", "until") {
				p.eat("a")
				to, ok := p.day()
				if !ok {
					p.i = at
					break
				}
				for d := from; d != to; {
					d = (d + 1) % 7
					days = append(days, d)
				}
			}
		}
		at := p.i
		if !p.eat(",", "e", "and", "/", "&", "+") {
			break
		}
		p.eat("e", "and")
		if !p.dayNext() {
			p.i = at
			break
		}
	}
	p.eat(":", ",", "=")
	return days, nil
}

func (p *parser) phrase(words ...string) bool {
	for i, w := range words {
		if p.word(i) != w {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *parser) dayNext() bool {
	at := p.i
	_, ok := p.day()
	ok = ok || slices.Contains([]string{"diariamente", "daily", "weekdays", "weekend", "weekends", "fim", "fins", "todos", "dias"}, p.word(0))
	p.i = at
	return ok
}

func (p *parser) day() (time.Weekday, bool) {
	p.eat("de", "a", "o", "aos", "as", "on")
	if d := p.word(0); (d == "2" || d == "3" || d == "4" || d == "5" || d == "6") && slices.Contains([]string{"a", "ª", "as"}, p.word(1)) && (p.word(1) == "ª" || p.word(2) == "feira") {
		p.i += 2
		p.feira()
		return time.Weekday(d[0] - '1'), true
	}
	for d, names := range [7][]string{
		{"dom", "domingo", "domingos", "sun", "sunday", "sundays"},
		{"seg", "segunda", "segundas", "mon", "monday", "mondays"},
		{"ter", "terca", "tercas", "tue", "tues", "tuesday", "tuesdays"},
		{"qua", "quarta", "quartas", "wed", "wednesday", "wednesdays"},
		{"qui", "quinta", "quintas", "thu", "thur", "thurs", "thursday", "thursdays"},
		{"sex", "sexta", "sextas", "fri", "friday", "fridays"},
		{"sab", "sabado", "sabados", "sat", "saturday", "saturdays"},
	} {
		if p.eat(names...) {
			p.eat(".")
			p.feira()
			return time.Weekday(d), true
		}
	}
	return 0, false
}

func (p *parser) feira() {
	if p.word(0) == "-" && strings.HasPrefix(p.word(1), "feira") {
		p.i += 2
	} else {
		p.eat("feira", "feiras")
	}
}

// hours reads "08:00-12:00, 13h30 às 18h", "24h" and "fechado".
func (p *parser) hours() ([]Span, error) {
	switch {
	case p.eat("fechado", "fechada", "fechados", "closed"), p.phrase("nao", "abre"):
		return nil, nil
	case p.phrase("o", "dia", "todo"), p.phrase("o", "dia", "inteiro"), p.phrase("all", "day"):
		return []Span{{0, dayMinutes}}, nil
	case p.word(0) == "24" && slices.Contains([]string{"h", "hs", "hrs", "horas", "hours"}, p.word(1)) && !p.ranges(2):
		p.i += 2
		p.phrase("por", "dia")
		return []Span{{0, dayMinutes}}, nil
	}
	var spans []Span
	for {
		s, err := p.span()
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
		at := p.i
		if !p.eat(",", "e", "and", "/", "&", "+") {
			break
		}
		p.eat("e", "and")
		p.eat("das", "de", "da", "do", "from")
		if p.done() || p.tokens[p.i].Kind != portuguese.Digits && !slices.Contains([]string{"meio", "meia", "noon", "midnight"}, p.word(0)) || p.dayNext() {
			p.i = at
			break
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return a.From - b.From })
	for i := 1; i < len(spans); i++ {
		if spans[i].From < spans[i-1].To {
			return nil, errors.New("has hours that overlap")
		}
	}
	if last := spans[len(spans)-1]; last.To > dayMinutes && last.To-dayMinutes > spans[0].From {
		return nil, errors.New("has hours that overlap")
	}
	return spans, nil
}

// ranges says whether a sign of a range stands n tokens ahead.
func (p *parser) ranges(n int) bool {
	return slices.Contains([]string{"-", "–", "—", "as", "a", "ate", "to", "until"}, p.word(n))
}

// span reads "das 8h às 12h".
func (p *parser) span() (Span, error) {
	p.eat("das", "de", "da", "do", "from")
	from, err := p.clock(false)
	if err != nil {
		return Span{}, err
	}
	if !p.ranges(0) {
		return Span{}, p.unread("the end of the hours, as in 08:00-18:00,")
	}
	p.i++
	p.eat("as", "a", "o", "ao")
	to, err := p.clock(true)
	if err != nil {
		return Span{}, err
	}
	switch {
	case from == to, from >= dayMinutes:
		return Span{}, errors.New("has hours that end where they begin; write 24h for the whole day")
	case to < from:
		to += dayMinutes // a shift that ends after midnight
	}
	return Span{from, to}, nil
}

// clock reads "8", "8h", "8h30", "08:30", "8:30 pm", "meio-dia"; midnight is that of the end of
// the day where it ends a span.
func (p *parser) clock(end bool) (int, error) {
	switch {
	case p.phrase("meio", "-", "dia"), p.phrase("meio", "dia"), p.eat("noon"):
		return 12 * 60, nil
	case p.phrase("meia", "-", "noite"), p.phrase("meia", "noite"), p.eat("midnight"):
		if end {
			return dayMinutes, nil
		}
		return 0, nil
	}
	if p.done() || p.tokens[p.i].Kind != portuguese.Digits {
		return 0, p.unread("an hour")
	}
	written := p.word(0)
	hour, err := strconv.Atoi(written)
	if err != nil || hour > 24 || len(written) > 2 {
		return 0, fmt.Errorf("has an hour %q that does not exist", written)
	}
	p.i++
	minute := 0
	if slices.Contains([]string{":", ".", "h"}, p.word(0)) && p.i+1 < len(p.tokens) && p.tokens[p.i+1].Kind == portuguese.Digits && p.tokens[p.i+1].Glued {
		m := p.word(1)
		if minute, err = strconv.Atoi(m); err != nil || minute > 59 || len(m) != 2 {
			return 0, fmt.Errorf("has minutes %q that do not exist", m)
		}
		p.i += 2
	}
	p.eat("h", "hs", "hr", "hrs", "horas", "hora", "min")
	switch at := p.i; {
	case p.eat("am", "pm"), p.phrase("a", ".", "m", "."), p.phrase("p", ".", "m", "."):
		if hour < 1 || hour > 12 {
			return 0, fmt.Errorf("has an hour %q that does not exist", written)
		}
		hour %= 12
		if p.tokens[at].Fold[0] == 'p' {
			hour += 12
		}
	}
	if hour*60+minute > dayMinutes {
		return 0, fmt.Errorf("has an hour %q that does not exist", written)
	}
	return hour*60 + minute, nil
}
