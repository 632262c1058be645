package hours

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"secretaria/internal/portuguese"
)

// language has the words of a language. Unknown languages are Portuguese.
type language struct {
	days                         [7]string
	to, and, every, whole, today string
	from                         func(minutes int) string // "das 8h"
	at                           func(minutes int) string // "às 8h"
	until                        func(minutes int) string // "até as 18h"
	tomorrow                     string
	allDay                       string // never closed
	open, openToday              string // now, until; and today's later hours
	closed, holiday              string // what comes next
	named                        string // a holiday with a name
	never                        string
	schedule                     string
	onDate                       string
	onDay                        func(time.Weekday) string // "No" sábado, "Na" segunda
	hoursOn, closedOn            string                    // of a date
	holidayOn, backOn            string
}

func speak(lang string) language {
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	switch lang {
	case "en":
		return language{
			days: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
			to:   "to", and: "and", every: "every day", whole: "24 hours", today: "today", tomorrow: "tomorrow",
			from:   func(m int) string { return "from " + english(m) },
			at:     func(m int) string { return "at " + english(m) },
			until:  func(m int) string { return "until " + english(m) },
			allDay: "We are open 24 hours, every day.",
			open:   "We are open now, %s.", openToday: "We are open now, %s, and then %s.",
			closed: "We are closed now; we open %s.", holiday: "Today is a holiday; we open %s.", named: "Today is a holiday (%s); we open %s.",
			never: "We are closed now.", schedule: "Our hours: %s.", onDate: "on",
			onDay: func(time.Weekday) string { return "On" }, hoursOn: "%s, we are open %s.", closedOn: "%s, we are closed", holidayOn: "%s, is a holiday (%s) and we are closed", backOn: "; we are back %s",
		}
	case "es":
		return language{
			days: [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
			to:   "a", and: "y", every: "todos los días", whole: "24 horas", today: "hoy", tomorrow: "mañana",
			from:   func(m int) string { return "de " + colon(m) },
			at:     func(m int) string { return article("a las ", "a la ", m) + colon(m) },
			until:  func(m int) string { return article("hasta las ", "hasta la ", m) + colon(m) },
			allDay: "Atendemos las 24 horas, todos los días.",
			open:   "Estamos abiertos ahora, %s.", openToday: "Estamos abiertos ahora, %s, y después %s.",
			closed: "Ahora estamos cerrados; abrimos %s.", holiday: "Hoy es feriado; abrimos %s.", named: "Hoy es feriado (%s); abrimos %s.",
			never: "Ahora estamos cerrados.", schedule: "Nuestro horario: %s.", onDate: "el",
			onDay: func(time.Weekday) string { return "El" }, hoursOn: "%s, atendemos %s.", closedOn: "%s, no abrimos", holidayOn: "%s, es feriado (%s) y no abrimos", backOn: "; volvemos %s",
		}
	}
	return language{
		days: [7]string{"domingo", "segunda", "terça", "quarta", "quinta", "sexta", "sábado"},
		to:   "a", and: "e", every: "todos os dias", whole: "24 horas", today: "hoje", tomorrow: "amanhã",
		from:   func(m int) string { return article("das ", "da ", m) + clock(m) },
		at:     func(m int) string { return article("às ", "à ", m) + clock(m) },
		until:  func(m int) string { return article("até as ", "até a ", m) + clock(m) },
		allDay: "Atendemos 24 horas, todos os dias.",
		open:   "Estamos abertos agora, %s.", openToday: "Estamos abertos agora, %s, e depois %s.",
		closed: "Agora estamos fechados; abrimos %s.", holiday: "Hoje é feriado; abrimos %s.", named: "Hoje é feriado (%s); abrimos %s.",
		never: "Agora estamos fechados.", schedule: "Nosso horário: %s.", onDate: "no dia",
		onDay: func(d time.Weekday) string {
			if d == time.Saturday || d == time.Sunday {
				return "No"
			}
			return "Na"
		}, hoursOn: "%s, atendemos %s.", closedOn: "%s, não abrimos", holidayOn: "%s, é feriado (%s) e não abrimos", backOn: "; voltamos %s",
	}
}

// article chooses the singular for one o'clock and midnight: "à 1h", "à meia-noite".
func article(many, one string, minutes int) string {
	if m := minutes % dayMinutes; m < 2*60 && (m >= 60 || m == 0) {
		return one
	}
	return many
}

func clock(minutes int) string {
	if minutes%dayMinutes == 0 {
		return "meia-noite"
	}
	return portuguese.Hour(minutes % dayMinutes)
}

func colon(minutes int) string {
	minutes %= dayMinutes
	return fmt.Sprintf("%d:%02d", minutes/60, minutes%60)
}

func english(minutes int) string {
	minutes %= dayMinutes
	switch minutes {
	case 0:
		return "midnight"
	case 12 * 60:
		return "noon"
	}
	hour, half := minutes/60, "am"
	if hour >= 12 {
		hour, half = hour-12, "pm"
	}
	if hour == 0 {
		hour = 12
	}
	if minutes%60 == 0 {
		return fmt.Sprintf("%d %s", hour, half)
	}
	return fmt.Sprintf("%d:%02d %s", hour, minutes%60, half)
}

// Text says the hours of a week: "segunda a sexta, das 8h às 18h; sábado, das 8h às 12h". The
// languages are "pt-BR", "en" and "es". "" when the house is always open, or always closed.
func (h Hours) Text(lang string) string {
	if h.always() {
		return ""
	}
	l := speak(lang)
	var parts []string
	week := [7]time.Weekday{1, 2, 3, 4, 5, 6, 0}
	for i := 0; i < len(week); {
		spans := h.Week[week[i]]
		j := i + 1
		for j < len(week) && slices.Equal(h.Week[week[j]], spans) {
			j++
		}
		if len(spans) > 0 {
			parts = append(parts, l.span(week[i:j])+", "+l.spans(spans))
		}
		i = j
	}
	return strings.Join(parts, "; ")
}

func (l language) span(days []time.Weekday) string {
	switch len(days) {
	case 7:
		return l.every
	case 1:
		return l.days[days[0]]
	case 2:
		return l.days[days[0]] + " " + l.and + " " + l.days[days[1]]
	}
	return l.days[days[0]] + " " + l.to + " " + l.days[days[len(days)-1]]
}

func (l language) spans(spans []Span) string {
	var parts []string
	for _, s := range spans {
		switch {
		case s.To-s.From == dayMinutes:
			parts = append(parts, l.whole)
		case l.to == "a" && l.and == "e": // "das 8h às 18h": the end has the article of an hour
			parts = append(parts, l.from(s.From)+" "+l.at(s.To))
		default:
			end, _ := strings.CutPrefix(l.from(s.To), strings.Split(l.from(s.To), " ")[0]+" ")
			parts = append(parts, l.from(s.From)+" "+l.to+" "+end)
		}
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " " + l.and + " " + parts[len(parts)-1]
}

// Answer is a whole answer to "que horas vocês abrem?": whether the house is open, until when
// or when it opens, and its hours. "" when nothing is known of hours.
func (h Hours) Answer(t time.Time, lang string) string {
	if h.always() {
		return ""
	}
	l := speak(lang)
	t = t.In(h.Zone)
	first := l.never
	if h.Open(t) {
		closes, ok := h.Closes(t)
		if !ok {
			return l.allDay
		}
		until := l.until(closes.Hour()*60 + closes.Minute())
		first = fmt.Sprintf(l.open, until)
		if later := h.later(closes, t); len(later) > 0 {
			first = fmt.Sprintf(l.openToday, until, l.spans(later))
		}
	} else if next, ok := h.Next(t); ok {
		when := h.when(l, t, next)
		first = fmt.Sprintf(l.closed, when)
		if _, name := h.On(t.Date()); !sameDate(t, next) && h.isHoliday(t) {
			first = fmt.Sprintf(l.holiday, when)
			if name != "" {
				first = fmt.Sprintf(l.named, name, when)
			}
		}
	}
	if text := h.Text(lang); text != "" {
		return first + " " + fmt.Sprintf(l.schedule, text)
	}
	return first
}

// later returns what is still to come of the day of t after closing.
func (h Hours) later(closes, t time.Time) []Span {
	if !sameDate(closes, t) {
		return nil
	}
	spans, _ := h.On(t.Date())
	at := closes.Hour()*60 + closes.Minute()
	i := slices.IndexFunc(spans, func(s Span) bool { return s.From >= at })
	if i < 0 {
		return nil
	}
	return spans[i:]
}

// isHoliday says whether a date is closed that would be open by its weekday.
func (h Hours) isHoliday(t time.Time) bool {
	spans, _ := h.On(t.Date())
	return len(spans) == 0 && len(h.Week[t.Weekday()]) > 0
}

func sameDate(a, b time.Time) bool {
	y, m, d := a.Date()
	y2, m2, d2 := b.Date()
	return y == y2 && m == m2 && d == d2
}

// when says a moment as seen from t: "hoje às 13h30", "amanhã, segunda, às 8h", "quarta, às
// 8h", "no dia 05/01, segunda, às 8h".
func (h Hours) when(l language, t, next time.Time) string {
	at := l.at(next.Hour()*60 + next.Minute())
	y, m, d := t.Date()
	days := int(time.Date(next.Year(), next.Month(), next.Day(), 0, 0, 0, 0, time.UTC).Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)).Hours() / 24)
	day := l.days[next.Weekday()]
	switch {
	case days <= 0:
		return l.today + " " + at
	case days == 1:
		return l.tomorrow + ", " + day + ", " + at
	case days < 7:
		return day + ", " + at
	}
	date := next.Format("02/01")
	if l.onDate == "on" {
		date = next.Format("January 2")
	}
	return l.onDate + " " + date + ", " + day + ", " + at
}
