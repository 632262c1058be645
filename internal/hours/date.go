package hours

import (
	"fmt"
	"strings"
	"time"
)

// year is how far ahead a holiday is looked for, in days.
const year = 366

// AnswerOn is a whole answer to "vocês abrem no sábado?": the hours of a date as seen from t,
// or that the house is closed, why, and when it opens again. Only the date's year, month and
// day count. Today is answered like Answer. "" when nothing is known of hours.
func (h Hours) AnswerOn(t, date time.Time, lang string) string {
	if h.always() {
		return ""
	}
	t = t.In(h.Zone)
	y, m, d := date.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, h.Zone)
	if sameDate(t, day) {
		return h.Answer(t, lang)
	}
	l := speak(lang)
	on := l.on(t, day)
	spans, name := h.On(y, m, d)
	if len(spans) > 0 {
		return fmt.Sprintf(l.hoursOn, on, l.spans(spans))
	}
	text := fmt.Sprintf(l.closedOn, on)
	if name != "" {
		text = fmt.Sprintf(l.holidayOn, on, name)
	}
	if next, ok := h.Next(day); ok && day.After(t) {
		text += fmt.Sprintf(l.backOn, h.when(l, t, next))
	}
	return text + "."
}

// on says a date as seen from t: "Amanhã, quarta", "No sábado, 07/03".
func (l language) on(t, day time.Time) string {
	name := l.days[day.Weekday()]
	if sameDate(t.AddDate(0, 0, 1), day) {
		return strings.ToUpper(l.tomorrow[:1]) + l.tomorrow[1:] + ", " + name
	}
	date := day.Format("02/01")
	if l.onDate == "on" {
		date = day.Format("January 2")
	}
	return l.onDay(day.Weekday()) + " " + name + ", " + date
}

// NextHoliday returns the first date, today or later, on which the house is closed for a
// holiday, with its name, which may be empty. False when none is known within a year.
func (h Hours) NextHoliday(t time.Time) (date time.Time, name string, ok bool) {
	return h.findHoliday(t, func(date time.Time, name string) bool {
		return h.isHoliday(date) || name != "" && h.Week[date.Weekday()] != nil
	})
}

// HolidayNamed returns the first date, today or later, of the holiday whose name is accepted.
// False when none is known within a year.
func (h Hours) HolidayNamed(t time.Time, accept func(name string) bool) (date time.Time, ok bool) {
	date, _, ok = h.findHoliday(t, func(_ time.Time, name string) bool { return name != "" && accept(name) })
	return date, ok
}

func (h Hours) findHoliday(t time.Time, is func(date time.Time, name string) bool) (date time.Time, name string, ok bool) {
	if h.always() {
		return time.Time{}, "", false
	}
	y, m, d := t.In(h.Zone).Date()
	for i := range year {
		date = time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC)
		if _, name = h.On(date.Date()); is(date, name) {
			return date, name, true
		}
	}
	return time.Time{}, "", false
}
