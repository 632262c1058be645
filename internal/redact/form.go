package redact

import (
	"strings"

	"secretaria/internal/brazil"
)

// form is how one number is written.
type form struct {
	digits     string
	borders    uint64 // bit n: a mark stands before digit n
	seps, last marks  // all of them; the last one
	plus       bool
	from, to   int
}

func before(places ...int) (b uint64) {
	for _, p := range places {
		b |= 1 << p
	}
	return b
}

const (
	cpfBorders  = 1<<3 | 1<<6 | 1<<9
	cnpjBorders = 1<<2 | 1<<5 | 1<<8 | 1<<12
	pisBorders  = 1<<3 | 1<<8 | 1<<10
)

// classify says what a number of this form is, and how sure that is.
func (sc *scanner) classify(f *form) (Class, strength) {
	d, t := f.digits, len(f.digits)
	if f.plus {
		return international(f)
	}
	if f.seps&slash != 0 {
		if t == 14 && f.borders == cnpjBorders || t == 14 && f.borders&^cnpjBorders == 0 && f.borders&(1<<8) != 0 {
			return named(CNPJ, brazil.CNPJ(d)), firm
		}
		if !(t == 11 && f.borders == cpfBorders) { // 529.982.247/25
			return "", none
		}
	}
	if sc.own.direct && (sc.own.what == aboutCPF || sc.own.what == aboutDocument) || sc.own.what == aboutCPF && sc.own.within(3) && t >= 9 {
		if c, sure := sc.documented(f); c != "" {
			return c, sure
		}
	}
	if company(f) {
		return "", none
	}
	if s := brazilian(d, f.borders, f.seps&paren != 0); s != none && !(t == 11 && f.borders == 0 && brazil.CPF(d)) && !(f.seps == point && f.borders == before(2, 5, 8)) {
		if f.seps&paren != 0 || f.seps&dash != 0 && f.borders&(1<<(t-4)) != 0 {
			s = firm
		}
		if !(f.borders == 0 && t >= 14) {
			return Phone, s
		}
	}
	phone := sc.own.what == aboutPhone && sc.own.within(6) && !(sc.order.what != nothing && sc.order.words < sc.own.words)
	switch {
	case t == 8 || t == 9:
		return sc.short(f, phone)
	case phone && t >= 10 && t <= 15 && !brazil.CPF(d) && (f.borders == 0 || f.seps&slash == 0 && f.last&(dash|space) != 0 && f.borders&(1<<(t-4)) != 0 && f.borders&^cpfBorders != 0):
		return Phone, fair
	case t == 11:
		return eleven(f)
	case t == 14 && f.borders == cnpjBorders, t == 14 && f.borders == 1<<12, t == 14 && f.borders == 1<<8|1<<12:
		if brazil.CNPJ(d) {
			return CNPJ, fair
		}
		if f.borders == cnpjBorders {
			return Document, fair
		}
	}
	if f.borders == 0 {
		return bare(d)
	}
	if cardBorders(t, f.borders) {
		if brazil.Luhn(d) {
			return Card, firm
		}
		return Document, fair
	}
	if slipBorders(t, f.borders) {
		return Document, fair
	}
	return "", none
}

// company says whether a number is one that only companies have.
func company(f *form) bool {
	d, t := f.digits, len(f.digits)
	if t == 8 && f.borders == 1<<4 {
		return d[:4] == "4003" || d[:4] == "4004"
	}
	return d[:4] == "0800" && (f.borders&(1<<4) != 0 || f.borders == 0 && t <= 11 && !brazil.CPF(d))
}

// named gives a document with wrong check digits the name of all documents.
func named(class Class, valid bool) Class {
	if valid {
		return class
	}
	return Document
}

// documented reads the number behind "CPF" or "RG", whatever its form.
func (sc *scanner) documented(f *form) (Class, strength) {
	d, t := f.digits, len(f.digits)
	switch {
	case t == 11 && (f.borders&^cpfBorders == 0 || sc.own.what == aboutCPF):
		return named(CPF, brazil.CPF(d)), firm
	case t == 14 && f.borders&^cnpjBorders == 0:
		return named(CNPJ, brazil.CNPJ(d)), firm
	case t <= 15 && sc.own.direct && (f.borders == 0 || f.seps&space == 0 && t >= 7):
		return Document, firm
	}
	return "", none
}

// international reads what stands behind a plus.
func international(f *form) (Class, strength) {
	d, t := f.digits, len(f.digits)
	if t > 15 || t < 7 || d[0] == '0' {
		return "", none
	}
	if strings.HasPrefix(d, "55") && t > 13 && brazilian(d, f.borders, true) == none {
		return "", none // a shorter one may be
	}
	return Phone, firm
}

// eleven reads eleven digits that are no telephone.
func eleven(f *form) (Class, strength) {
	d := f.digits
	valid := brazil.CPF(d)
	switch f.borders {
	case 0:
		if valid {
			return CPF, fair
		}
		if dated(d) {
			return "", none
		}
		return Document, faint
	case cpfBorders:
		if f.seps == point && address4(d) {
			return "", none
		}
		if f.last&(dash|slash) != 0 {
			return named(CPF, valid), firm
		}
		return named(CPF, valid), fair
	case 1 << 9:
		if f.last == point {
			return "", none
		}
		return named(CPF, valid), fair
	case pisBorders:
		return Document, fair
	}
	if f.borders&^cpfBorders == 0 && valid {
		return CPF, fair
	}
	return "", none
}

// address4 says whether 3.3.3.2 digits may be an address of the internet.
func address4(d string) bool {
	return d[:3] <= "255" && d[3:6] <= "255" && d[6:9] <= "255"
}

// short reads eight and nine digits: telephones without area code, postcodes, RGs.
func (sc *scanner) short(f *form, phone bool) (Class, strength) {
	d, t := f.digits, len(f.digits)
	if t == 8 && (f.borders == 0 || f.borders == 1<<5 || f.borders == before(2, 5)) {
		near := sc.own.what == aboutCEP && sc.own.within(6)
		if near || f.borders != 0 && (sc.place.within(12) && sc.place.what != nothing || mentions(sc.s[f.to:], "cep", 28)) || mentions(sc.s[f.to:], "cep", 16) {
			return CEP, firm
		}
	}
	if f.last == dash && f.seps&^(dash|point) == 0 && (t == 9 && f.borders == before(2, 5, 8) || t == 8 && f.borders == before(1, 4, 7)) {
		return Document, fair // an RG
	}
	mobile := t == 9 && d[0] == '9'
	switch {
	case phone && (mobile || t == 8 && d[0] >= '2') && f.seps&slash == 0 && (f.borders == 0 || f.borders&(1<<(t-4)) != 0 || f.borders == before(3, 6)):
		return Phone, fair
	case mobile && (f.borders == 1<<5 || f.borders == before(1, 5) || f.borders == 1<<1):
		if f.last&point != 0 && f.borders == 1<<1 {
			return "", none
		}
		return Phone, fair
	case mobile && f.borders == 0:
		return Phone, faint
	case t == 8 && f.borders == 1<<4 && f.last == dash && d[0] >= '2':
		if year(d[:4]) && year(d[4:]) || d[2:4] == "00" && d[6:] == "00" {
			return "", none
		}
		return Phone, faint
	}
	return "", none
}

func year(d string) bool { return d >= "1900" && d <= "2099" }

// bare reads twelve digits and more without a mark.
func bare(d string) (Class, strength) {
	t := len(d)
	switch {
	case t < 12:
		return "", none
	case t == 14 && brazil.CNPJ(d): // one in a hundred moments is one too
		return CNPJ, fair
	case t == 13 && (d[0] == '1' && d[1] >= '5' || barcode(d)), dated(d):
		return "", none // a time in milliseconds, a product, a protocol that begins with its day
	case t >= 13 && t <= 19 && brazil.Luhn(d):
		return Card, fair
	}
	return Document, faint
}

// dated says whether a number begins with a day of our years: 20261122...
func dated(d string) bool {
	return d[:2] == "20" && d[2] >= '0' && d[2] <= '3' && d[4:6] >= "01" && d[4:6] <= "12" && d[6:8] >= "01" && d[6:8] <= "31"
}

// barcode says whether d is the EAN-13 of a product from Brazil, or a book's.
func barcode(d string) bool {
	if p := d[:3]; p != "789" && p != "790" && p != "978" {
		return false
	}
	sum := 0
	for i := range 12 {
		sum += int(d[i]-'0') * (1 + i%2*2)
	}
	return int(d[12]-'0') == (10-sum%10)%10
}

// cardBorders says whether t digits are grouped as on a card.
func cardBorders(t int, b uint64) bool {
	switch b {
	case before(4, 8, 12): // up to 4-4-4-7, and 13 digits as 4-4-4-1
		return t >= 13 && t <= 19
	case before(4, 8, 12, 16):
		return t >= 17 && t <= 19
	case before(4, 10):
		return t == 14 || t == 15
	case before(4, 7, 10):
		return t == 13
	case before(6):
		return t >= 16 && t <= 19
	}
	return false
}

// slipBorders says whether t digits are grouped as on a bank slip.
func slipBorders(t int, b uint64) bool {
	return t == 47 && b == before(5, 10, 15, 21, 26, 32, 33) || t == 48 && (b == before(12, 24, 36) || b == before(11, 12, 23, 24, 35, 36, 47))
}

// brazilian says whether digits are a Brazilian number with its area code, with or without
// country code, trunk zero, carrier and ninth digit. strict borders are waived for a number
// whose area code stands in parentheses.
func brazilian(d string, borders uint64, paren bool) strength {
	cut := func(n int) {
		d = d[n:]
		borders = borders >> n &^ 1
	}
	switch {
	case strings.HasPrefix(d, "0055") && len(d) >= 14:
		cut(4)
	case strings.HasPrefix(d, "55") && len(d) >= 12 && len(d) <= 14:
		cut(2)
	}
	if d[0] == '0' {
		cut(1)
		if (len(d) == 12 || len(d) == 13) && (borders != 0 || paren) && d[0] != '0' {
			cut(2) // a carrier
		}
	}
	known := len(d) > 2 && brazil.Area(d[0], d[1])
	if len(d) > 2 && d[0] >= '1' && d[1] >= '1' && (paren || borders == before(2, 7)) {
		known = true
	}
	if !known || len(d) == 10 && d[2] < '2' || len(d) == 11 && d[2] != '9' {
		return none
	}
	switch {
	case len(d) != 10 && len(d) != 11:
		return none
	case borders == 0, paren:
		return fair
	}
	switch borders {
	case before(2), before(2, 6), before(2, 3, 7), before(2, 3):
		return fair
	case before(6), before(2, 3, 6):
		return only(len(d) == 10)
	case before(7), before(2, 7), before(3, 7), before(2, 5, 8), before(2, 4, 7), before(2, 3, 5, 7, 9), before(2, 5, 7, 9):
		return only(len(d) == 11)
	}
	return none
}

func only(ok bool) strength {
	if ok {
		return fair
	}
	return none
}

// companyAt reads a CNPJ with letters at i, as it is issued from July 2026. Marks in their
// places are enough; without them the check digits or the label decide.
func companyAt(s string, i int, own label) (to int, class Class) {
	var d [14]byte
	n, letters, marked := 0, 0, 0
	j := i
	for j < len(s) && n < 14 {
		c := s[j]
		switch kinds[c] {
		case digit:
		case letter:
			if n >= 12 {
				return 0, ""
			}
			if c >= 'a' {
				c -= 'a' - 'A'
			}
			letters++
		default:
			want := byte('.')
			switch n {
			case 2, 5:
			case 8:
				want = '/'
			case 12:
				want = '-'
			default:
				return 0, ""
			}
			if c != want || !alnum(s[j-1]) {
				return 0, ""
			}
			marked++
			j++
			continue
		}
		d[n] = c
		n++
		j++
	}
	if n < 14 || letters == 0 || j < len(s) && alnum(s[j]) {
		return 0, ""
	}
	valid := brazil.CNPJ(string(d[:]))
	if !valid && marked < 3 && !(own.what == aboutDocument && own.direct) {
		return 0, ""
	}
	return j, named(CNPJ, valid)
}

// maxPayload is the longest "copia e cola" that is read; the standard's QR codes end there.
const maxPayload = 512

// copyAndPaste returns the end of the Pix payload that begins at i: its last field is 63, of
// length 04, a checksum. Without it what stands in one piece is taken.
func copyAndPaste(s string, i int) int {
	rest := s[i:min(len(s), i+maxPayload)]
	for j := 6; ; {
		k := strings.Index(rest[j:], "6304")
		if k < 0 {
			break
		}
		j += k + 4
		end := j + 4
		if end <= len(rest) && hexadecimal(rest[j:end]) && (end == len(rest) || !alnum(rest[end])) {
			return i + end
		}
	}
	j := strings.IndexAny(rest, " \n\t\r")
	if j < 0 {
		j = len(rest)
	}
	if j < 30 || !strings.Contains(strings.ToLower(rest[:j]), "br.gov.bcb.pix") {
		return 0
	}
	return i + j
}

func hexadecimal(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; kinds[s[i]] != digit && (c < 'a' || c > 'f' || s[i] < 'A') {
			return false
		}
	}
	return true
}
