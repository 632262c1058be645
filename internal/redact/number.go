package redact

import (
	"strings"

	"secretaria/internal/brazil"
)

const (
	maxGroups = 10
	maxDigits = 48 // of a bank slip, the longest number people send
)

// marks between two groups of digits.
type marks uint8

const (
	space marks = 1 << iota
	dash
	point
	slash
	paren
)

type group struct {
	from, to int
	sep      marks // before it
}

// numbers are groups of digits that stand together, as one number or several.
type numbers struct {
	groups [maxGroups]group
	n      int
	digits [maxDigits]byte
	total  int
	plus   bool // before the first
}

// sepAt returns the marks at i that may stand inside a number, and where they end.
func sepAt(s string, i int) (m marks, to int) {
	for n := 0; i < len(s) && n < 4; n++ {
		switch c := s[i]; {
		case c == ' ':
			m |= space
		case c == '-':
			m |= dash
		case c == '.':
			m |= point
		case c == '/':
			m |= slash
		case c == '(' || c == ')':
			m |= paren
		case c >= 0x80:
			mark, size := highSep(s[i:])
			if size == 0 {
				return m, i
			}
			m |= mark
			i += size
			continue
		default:
			return m, i
		}
		i++
	}
	return m, i
}

// highSep reads the spaces, dashes and invisible signs that contacts are copied with.
func highSep(s string) (m marks, size int) {
	if len(s) >= 2 && s[0] == 0xC2 && s[1] == 0xA0 {
		return space, 2
	}
	if len(s) < 3 || s[0] != 0xE2 {
		return 0, 0
	}
	switch c := s[2]; {
	case s[1] == 0x80 && (c <= 0x8A || c == 0xAF):
		return space, 3
	case s[1] == 0x80 && c >= 0x90 && c <= 0x95, s[1] == 0x88 && c == 0x92:
		return dash, 3
	case s[1] == 0x80 && (c >= 0x8B && c <= 0x8F || c >= 0xAA && c <= 0xAE), s[1] == 0x81 && (c >= 0xA0 && c <= 0xAF):
		return 0, 3
	}
	return 0, 0
}

// read gathers the groups from i on.
func (nu *numbers) read(s string, i int) {
	var sep marks
	for nu.n < maxGroups {
		j := i
		for j < len(s) && kinds[s[j]] == digit {
			j++
		}
		if j == i || nu.total+j-i > maxDigits || !endsNumber(s, j) && nu.n > 0 {
			return
		}
		nu.total += copy(nu.digits[nu.total:], s[i:j])
		nu.groups[nu.n] = group{from: i, to: j, sep: sep}
		nu.n++
		m, next := sepAt(s, j)
		if next == j || next >= len(s) || kinds[s[next]] != digit {
			return
		}
		sep, i = m, next
	}
}

// endsNumber says whether digits may end at j: no letter, address, time or share behind.
func endsNumber(s string, j int) bool {
	if j >= len(s) {
		return true
	}
	switch c := s[j]; {
	case kinds[c] == letter, c == '@', c == '%':
		return false
	case c == ':':
		return !(j+2 < len(s) && kinds[s[j+1]] == digit && kinds[s[j+2]] == digit)
	}
	return true
}

// openNumber is at + or (, which belong to a number when a country code or an area code
// follows.
func (sc *scanner) openNumber() {
	s, i := sc.s, sc.i
	j := i
	var nu numbers
	for j < len(s) && j < i+4 && kinds[s[j]] == opening {
		nu.plus = nu.plus || s[j] == '+'
		j++
	}
	sc.i = max(j, i+1)
	if j >= len(s) || kinds[s[j]] != digit {
		return
	}
	if nu.read(s, j); nu.n == 0 || !endsNumber(s, nu.groups[0].to) || !nu.plus && (nu.n == 1 || nu.groups[1].sep&paren == 0) {
		return
	}
	if to, class := sc.match(&nu); class != "" {
		for i < j && s[i] == '(' && strings.Count(s[i:to], "(") > strings.Count(s[i:to], ")") {
			i++ // a parenthesis around the number stays
		}
		sc.add(i, to, class)
	}
}

// number is at a digit.
func (sc *scanner) number() {
	s, i := sc.s, sc.i
	if strings.HasPrefix(s[i:], "000201") {
		if to := copyAndPaste(s, i); to > 0 {
			sc.add(i, to, Pix)
			return
		}
	}
	if sc.credential() {
		return
	}
	var nu numbers
	nu.read(s, i)
	if nu.n == 0 { // longer than any number
		j := i
		for j < len(s) && kinds[s[j]] == digit {
			j++
		}
		if endsNumber(s, j) && !sc.order.direct {
			sc.add(i, j, Document)
			return
		}
		sc.i = j
		sc.counted(j)
		return
	}
	first := nu.groups[0]
	if !endsNumber(s, first.to) {
		sc.mixed(first)
		return
	}
	if first.to-i == 2 || first.to-i == 8 || first.to-i == 12 {
		if to, class := companyAt(s, i, sc.own); to > 0 {
			sc.add(i, to, class)
			return
		}
	}
	if nu.total >= 6 && !(i > 1 && (s[i-1] == '.' || s[i-1] == ',') && kinds[s[i-2]] == digit) {
		if to, class := sc.match(&nu); class != "" {
			sc.add(i, to, class)
			return
		}
	}
	sc.i = first.to
	sc.counted(first.to)
}

// counted takes note of a number that stays.
func (sc *scanner) counted(to int) {
	if to+1 < len(sc.s) && strings.IndexByte("-./", sc.s[to]) >= 0 && kinds[sc.s[to+1]] == digit {
		return // the same number goes on
	}
	sc.own.pass()
	sc.order.pass()
	sc.place.pass()
}

// mixed is at digits with a letter, an @, % or a time behind them.
func (sc *scanner) mixed(g group) {
	s := sc.s
	if to, class := companyAt(s, g.from, sc.own); to > 0 {
		sc.add(g.from, to, class)
		return
	}
	_, to, _ := wordAt(s, g.from)
	if d := s[g.from:g.to]; to > g.to && (len(d) == 11 && (brazil.CPF(d) || brazilian(d, 0, false) != none) || len(d) == 13 && brazilian(d, 0, false) != none) && onlyLetters(s[g.to:to]) {
		// "11987654321meu zap"
		class := Phone
		if brazil.CPF(d) {
			class = CPF
		}
		sc.add(g.from, g.to, class)
		return
	}
	sc.i = max(to, g.to)
	sc.said(nothing)
}

func onlyLetters(s string) bool {
	for i := range len(s) {
		if kinds[s[i]] == digit {
			return false
		}
	}
	return true
}

// strength is how sure a form is.
type strength uint8

const (
	none  strength = iota
	faint          // a word of orders somewhere before it is enough to leave it
	fair           // left when it is called an order or is followed by a unit
	firm           // nothing else is written like that
)

// match reads the longest number that begins with the first group.
func (sc *scanner) match(nu *numbers) (to int, class Class) {
	borders := uint64(0)
	var ends [maxGroups]int
	total := 0
	for g := range nu.n {
		if g > 0 {
			borders |= 1 << total
		}
		total += nu.groups[g].to - nu.groups[g].from
		ends[g] = total
	}
	var seps marks
	for g := nu.n - 1; g >= 0; g-- {
		t := ends[g]
		if t < 6 {
			return 0, ""
		}
		seps = 0
		for k := 1; k <= g; k++ {
			seps |= nu.groups[k].sep
		}
		last := marks(0)
		if g > 0 {
			last = nu.groups[g].sep
		}
		end := nu.groups[g].to
		form := form{
			digits: string(nu.digits[:t]), borders: borders & (1<<t - 1), seps: seps, last: last,
			plus: nu.plus, from: nu.groups[0].from, to: end,
		}
		class, sure := sc.classify(&form)
		if class == "" || !sc.stands(&form, sure) {
			continue
		}
		return end, class
	}
	return 0, ""
}

// stands says whether what surrounds a number leaves it what its form says.
func (sc *scanner) stands(f *form, sure strength) bool {
	if sure == firm {
		return true
	}
	s := sc.s
	switch {
	case sc.order.direct && sc.order.what != nothing,
		sc.paid >= 0 && strings.Trim(s[sc.paid:f.from], " \u00a0") == "",
		sure == faint && sc.order.within(5) && !sc.own.within(sc.order.words),
		f.to+2 < len(s) && s[f.to] == ',' && kinds[s[f.to+1]] == digit && kinds[s[f.to+2]] == digit && (f.to+3 == len(s) || kinds[s[f.to+3]] != digit),
		sure == faint && f.to+1 < len(s) && (s[f.to] == '-' || s[f.to] == '_') && alnum(s[f.to+1]),
		sure == faint && f.from > 0 && strings.IndexByte("-_/", s[f.from-1]) >= 0:
		return false
	}
	next := skipSpaces(s, f.to)
	if next < len(s) && kinds[s[next]] == letter {
		if w, _, _ := wordAt(s, next); w.meaning() == aboutUnit {
			return false
		}
	}
	return !(sure == faint && mentions(s[f.to:], "ean", 24))
}
