package hours

import (
	"cmp"
	"slices"
	"time"
)

const (
	dayMinutes = 24 * 60
	// horizon is how many days ahead an opening is looked for: a year of holidays and more.
	horizon = 800
)

// always says that nothing was said about hours.
func (h Hours) always() bool { return h.Zone == nil }

// On returns the spans of a date as its house keeps them, and the name of the holiday, if it
// is one.
func (h Hours) On(year int, month time.Month, day int) (spans []Span, holiday string) {
	if h.always() {
		return []Span{{0, dayMinutes}}, ""
	}
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	for _, form := range []string{time.DateOnly, "01-02"} {
		written := date.Format(form)
		for _, d := range h.Days {
			if d.Date == written {
				return d.Spans, d.Name
			}
		}
	}
	for _, s := range h.Sets {
		if name, ok := s.holiday(date); ok {
			return nil, name
		}
	}
	return h.Week[date.Weekday()], ""
}

// interval is a span of real time.
type interval struct{ from, to time.Time }

// around returns what is open on the dates from day-1 to day+more, by its beginning.
func (h Hours) around(t time.Time, more int) []interval {
	var all []interval
	year, month, day := t.In(h.Zone).Date()
	for i := -1; i <= more; i++ {
		y, m, d := time.Date(year, month, day+i, 0, 0, 0, 0, time.UTC).Date()
		spans, _ := h.On(y, m, d)
		for _, s := range spans {
			from := time.Date(y, m, d, 0, s.From, 0, 0, h.Zone)
			to := time.Date(y, m, d, 0, s.To, 0, 0, h.Zone)
			if from.Before(to) {
				all = append(all, interval{from, to})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b interval) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	return all
}

// Open says whether the house is open at a moment.
func (h Hours) Open(t time.Time) bool {
	if h.always() {
		return true
	}
	return slices.ContainsFunc(h.around(t, 1), func(i interval) bool { return !t.Before(i.from) && t.Before(i.to) })
}

// Next returns the first moment, t or later, at which the house is open, in its zone. False
// when it does not open within two years.
func (h Hours) Next(t time.Time) (time.Time, bool) {
	if h.Open(t) {
		return h.in(t), true
	}
	// Mostly it is within the week: look near before looking far.
	for _, more := range []int{8, horizon} {
		for _, i := range h.around(t, more) {
			if !i.from.Before(t) {
				return i.from, true
			}
		}
	}
	return time.Time{}, false
}

// Closes returns when a house that is open at t closes, in its zone. False when it is closed,
// or does not close within a week.
func (h Hours) Closes(t time.Time) (time.Time, bool) {
	if h.always() || !h.Open(t) {
		return time.Time{}, false
	}
	end := t
	for _, i := range h.around(t, 8) {
		if !i.from.After(end) && i.to.After(end) {
			end = i.to
		}
	}
	if end.Sub(t) > 7*24*time.Hour {
		return time.Time{}, false
	}
	return h.in(end), true
}

func (h Hours) in(t time.Time) time.Time {
	if h.Zone == nil {
		return t
	}
	return t.In(h.Zone)
}
