package gate

import "time"

// value is a figure of a text in a form that can be compared.
type value struct {
	kind     Kind
	from, to int // bytes
	sentence int
	// first and last are the tokens in which it stands: tokens[first:last].
	first, last int
	// n is cents of Money, hundredths of Percent, Times and Number, minutes after midnight of
	// Hour, minutes of Duration (or months, with months set), the house number of an Address
	// (-1: none).
	n int64
	// raw is the number as it was written, in hundredths, where there is one.
	raw   int64
	words bool // of a Number: written out
	// unit is the measure behind a Number, noun the word behind a number of any kind.
	unit, noun string
	way        string // of an Address: the first letter of "rua", "avenida", "praça"; "o" for "rodovia"
	months     bool
	// s is the normal form of Phone, Email, Link, Address and documents; of a Day "week" or
	// "month", the next one; of a Duration "util", working days.
	s string
	// Of a Day: the date as far as it is known, or week, the weekdays that are meant as a set
	// of bits, Sunday 1. Relative says "amanhã" and its like, with the date worked out.
	year, month, day int
	week             uint8
	relative, plural bool
	ranged           bool   // a set of days that was told as one: "de segunda a sexta"
	top              int64  // of the lower end of a range: the upper end
	per              string // of Money: the stem of what each of it is the price of: "por andar"
	least, each      bool   // of Money: "acima de" or "mínimo de" stands before it; it is of one instalment
	upto             bool   // "até" stands before it
	due              bool   // of a Duration of the grounds: the sentence tells when something is ready
	// half says that an Hour may be twelve hours later; span that it may be a length of time.
	half, span bool
	enclosed   bool // it stands in brackets alone: "platinado R$ 180 (2h30)"
	// small says that a Number counts things as one does in passing: "duas opções".
	small bool
	// priced says that a Number stands where a price is expected, alone that it counts nothing.
	priced, alone bool
	// about are the words before an amount of nothing, of which it is said; or, in the grounds,
	// all words of the sentence.
	about []string
	// beyond are the words behind it; named, in the grounds, those of the row.
	beyond, named []string
	bare          bool // of Money: no price for sure: "1.56", "incluso"
	image         bool // of a Link: embedded
	shown         bool // of a Link: written out and not behind other words
}

func (v value) dated() bool { return v.day != 0 && v.month != 0 }

// date is the civil day of a dated value; without a year one about now: what is
// told to customers lies ahead more often than behind.
func (v value) date(now time.Time) time.Time {
	if v.year != 0 {
		return time.Date(v.year, time.Month(v.month), v.day, 0, 0, 0, 0, time.UTC)
	}
	d := time.Date(now.Year(), time.Month(v.month), v.day, 0, 0, 0, 0, time.UTC)
	switch gap := d.Sub(now).Hours() / 24; {
	case gap < -90:
		return d.AddDate(1, 0, 0)
	case gap > 275:
		return d.AddDate(-1, 0, 0)
	}
	return d
}

func bit(d time.Weekday) uint8 { return 1 << d }

// supports says whether g, a figure of the grounds, is the same as v. loose grounds are tool
// results and customers, whose bare numbers may be of any kind.
func (v *value) supports(g *value, loose bool, now time.Time) bool {
	switch v.kind {
	case Money:
		if v.n == 0 && g.kind == Money && g.n == 0 && len(v.about) > 0 && len(g.about) > 0 {
			if len(g.named) == 0 {
				return shares(v.about, g.about)
			}
			// "Taxa de adesão: R$ 49,90; isenta no Plano Anual": free of what, and when.
			return shares(v.about, g.named) && (len(g.about) == 0 || shares(v.about, g.about) || shares(v.beyond, g.about))
		}
		return g.kind == Money && g.n == v.n || g.kind == Number && g.raw == v.n && (loose || g.priced)
	case Percent:
		return g.kind == Percent && g.n == v.n
	case Times:
		if v.unit == "sem" && g.unit == "com" {
			return false
		}
		return g.kind == Times && g.n == v.n || g.kind == Number && loose && g.raw == v.raw
	case Duration:
		if g.kind == Hour && g.span {
			return !v.months && (v.n == g.n || v.n == 24*60 && g.n == 0)
		}
		if g.kind == Number {
			return loose && g.raw == v.raw && v.raw > 0
		}
		return g.kind == Duration && lasts(*v, *g) && (v.s == "" || v.s == g.s)
	case Hour:
		if g.kind == Duration {
			return v.span && !g.months && (g.n == v.n || g.n == 24*60 && v.n == 0)
		}
		return g.kind == Hour && (v.n == g.n || (v.half || g.half) && (v.n-g.n == 720 || g.n-v.n == 720))
	case Number:
		if v.unit != "" && g.unit != v.unit && !(loose && g.unit == "") {
			return false
		}
		switch g.kind {
		case Number:
			return g.raw == v.raw && g.s == v.s
		case Duration, Times:
			return v.alone && g.raw == v.raw
		case Money:
			return v.alone && g.n == v.n
		case Address:
			return v.raw == g.n*100
		}
		return false
	case Day:
		return g.kind == Day && v.sameDay(g, loose, now)
	case Address:
		return g.kind == Address && v.s == g.s && v.way == g.way && (v.n < 0 || v.n == g.n)
	case Phone, CPF, CNPJ, Card, CEP:
		if v.kind == Phone && g.kind == Phone {
			return samePhone(v.s, g.s)
		}
		return v.s == g.s && g.s != ""
	case Email:
		return g.kind == Email && v.s == g.s
	}
	return false
}

// lasts compares lengths of time: a year has twelve months, and a month is thirty days.
func lasts(a, b value) bool {
	if a.months == b.months {
		return a.n == b.n
	}
	if b.months {
		a, b = b, a
	}
	return a.n*30*24*60 == b.n
}

func (v *value) sameDay(g *value, loose bool, now time.Time) bool {
	switch {
	case v.s != "":
		return g.s == v.s || g.dated() && within(v.s, g.date(now), now)
	case v.week != 0:
		if g.week != 0 && v.week&^g.week == 0 {
			return true
		}
		if !g.dated() || v.plural {
			return false
		}
		d := g.date(now)
		return v.week == bit(d.Weekday()) && d.Sub(now) < 15*24*time.Hour && now.Sub(d) < 8*24*time.Hour
	case v.dated():
		if g.dated() {
			return v.day == g.day && v.month == g.month && (v.year == 0 || g.year == 0 || v.year == g.year || v.relative || g.relative && v.date(now).Equal(g.date(now)))
		}
		if loose && g.week != 0 && !g.plural && g.week&(g.week-1) == 0 {
			d, today := v.date(now), time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
			return g.week == bit(d.Weekday()) && !d.Before(today) && d.Sub(today) <= 13*24*time.Hour
		}
		return g.day == v.day && g.month == 0 && g.week == 0 && v.day != 0
	case v.day != 0:
		return g.day == v.day
	default:
		return v.month == g.month && (v.year == 0 || v.year == g.year)
	}
}

// shares says whether two lists have a word in common, endings aside.
func shares(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if n := min(len(x), len(y), 6); n >= 4 && x[:n] == y[:n] {
				return true
			}
		}
	}
	return false
}

// within says whether a date lies in the next week or month.
func within(next string, d, now time.Time) bool {
	if next == "month" {
		m := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		return d.Year() == m.Year() && d.Month() == m.Month()
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	monday := today.AddDate(0, 0, 7-(int(now.Weekday())+6)%7)
	return !d.Before(monday) && d.Before(monday.AddDate(0, 0, 7))
}
