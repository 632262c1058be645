package hours

import "time"

// Sets returns all sets of holidays.
func Sets() []Set { return []Set{Brazil, BrazilCarnival, BrazilCorpusChristi} }

// holiday returns the name of the set's holiday on a date.
//
// The national holidays are those of laws 662/1949, 6.802/1980, 10.607/2002 and 14.759/2023
// (20 November, since 2024), and Good Friday.
func (s Set) holiday(date time.Time) (string, bool) {
	easter := Easter(date.Year())
	since := int(date.Sub(easter).Hours() / 24)
	name := ""
	switch s {
	case Brazil:
		switch date.Format("01-02") {
		case "01-01":
			name = "Confraternização Universal"
		case "04-21":
			name = "Tiradentes"
		case "05-01":
			name = "Dia do Trabalho"
		case "09-07":
			name = "Independência do Brasil"
		case "10-12":
			name = "Nossa Senhora Aparecida"
		case "11-02":
			name = "Finados"
		case "11-15":
			name = "Proclamação da República"
		case "11-20":
			if date.Year() >= 2024 {
				name = "Dia da Consciência Negra"
			}
		case "12-25":
			name = "Natal"
		}
		if since == -2 {
			name = "Sexta-feira Santa"
		}
	case BrazilCarnival:
		if since == -48 || since == -47 {
			name = "Carnaval"
		}
	case BrazilCorpusChristi:
		if since == 60 {
			name = "Corpus Christi"
		}
	}
	return name, name != ""
}

// Easter returns Easter Sunday of a year in the Gregorian calendar, midnight in UTC (the
// algorithm of Butcher, as in J. Meeus, Astronomical Algorithms, chapter 8).
func Easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}
