package redact

import "strings"

// kind of a byte: what the scanner does where it meets one.
type kind uint8

const (
	other kind = iota
	letter
	digit
	joiner  // - _
	opening // + ( before a number
	at
	assign // = :
	bracket
	ending // of a sentence
	dot
	hash
	currency
	high // not ASCII
)

var kinds = func() (k [256]kind) {
	for c := range k {
		switch c := byte(c); {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			k[c] = letter
		case c >= '0' && c <= '9':
			k[c] = digit
		case c >= 0x80:
			k[c] = high
		}
	}
	k['-'], k['_'] = joiner, joiner
	k['+'], k['('] = opening, opening
	k['@'] = at
	k['='], k[':'] = assign, assign
	k['['] = bracket
	k['\n'], k['!'], k['?'], k[';'] = ending, ending, ending, ending
	k['.'] = dot
	k['#'] = hash
	k['$'] = currency
	return k
}()

func alnum(c byte) bool { return kinds[c]-letter <= digit-letter }

func runByte(c byte) bool { return kinds[c]-letter <= joiner-letter }

// scanner walks over the text once. What it keeps is the words that numbers depend on. A
// find and a mask leave it in the same state, so that a masked text is read like its source.
type scanner struct {
	s     string
	i     int
	done  int  // end of the last find
	run   int  // end of the run of letters, digits, - and _ that was looked at
	paid  int  // where a sign of currency ended
	bare  int  // start of the word before, for spelled addresses
	glued bool // the word before was "ponto" or its like
	own   label
	order label
	place label
	found []Span
}

func scan(s string) []Span {
	sc := scanner{s: s, paid: -1, bare: -1}
	for sc.i < len(s) {
		c := s[sc.i]
		switch kinds[c] {
		case letter:
			sc.word()
		case digit:
			sc.number()
		case opening:
			sc.openNumber()
		case at:
			sc.address()
		case assign:
			sc.assignment()
		case bracket:
			if n, class := maskAt(s[sc.i:]); n > 0 {
				sc.i += n
				sc.after(class)
			} else {
				sc.i++
			}
		case ending:
			sc.sentence()
			sc.i++
		case dot:
			if sc.i+1 < len(s) && s[sc.i+1] == ' ' {
				sc.sentence()
			}
			sc.i++
		case hash:
			sc.order.set(aboutOrder)
			sc.i++
		case currency:
			sc.i++
			sc.paid = sc.i
		case high:
			sc.highRune()
		default:
			sc.i++
		}
	}
	return sc.found
}

// add records a find and goes on behind it.
func (sc *scanner) add(from, to int, class Class) {
	from = max(from, sc.done)
	if from >= to {
		sc.i = max(sc.i+1, to)
		return
	}
	if sc.found == nil {
		sc.found = make([]Span, 0, 4)
	}
	sc.found = append(sc.found, Span{From: from, To: to, Class: class})
	sc.i, sc.done = to, to
	sc.after(class)
}

// after is the state behind a find and behind a mask. A list of numbers goes on.
func (sc *scanner) after(class Class) {
	sc.own, sc.order, sc.place = label{}, label{}, label{}
	sc.paid, sc.bare, sc.glued, sc.done, sc.run = -1, -1, false, sc.i, sc.i
	if class == Phone {
		sc.own.set(aboutPhone)
	}
}

// sentence weakens the labels before it, unless the number is still to come ("CPF?").
func (sc *scanner) sentence() {
	sc.own.pause()
	sc.order.pause()
	sc.place.pause()
	sc.bare, sc.glued = -1, false
}

func (sc *scanner) highRune() {
	if _, size := foldRune(sc.s, sc.i); size > 0 {
		sc.word()
		return
	}
	if strings.HasPrefix(sc.s[sc.i:], "€") {
		sc.i += len("€")
		sc.paid = sc.i
		return
	}
	sc.i++
}

// said takes note of a word.
func (sc *scanner) said(m meaning) {
	switch m {
	case joint:
		return
	case aboutCPF, aboutDocument, aboutPhone, aboutPix, aboutCEP:
		sc.own.set(m)
		sc.order.pass()
		sc.place.pass()
		return
	case aboutStreet:
		sc.place.set(m)
	case aboutOrder, aboutPassword:
		// "telefone do pedido: ..." is a telephone.
		if !(sc.own.what != nothing && sc.own.direct) {
			sc.order.set(aboutOrder)
		}
		sc.place.pass()
		return
	default:
		sc.place.pass()
	}
	sc.own.pass()
	sc.order.pass()
}

func (sc *scanner) word() {
	from := sc.i
	if sc.credential() {
		return
	}
	f, to, digits := wordAt(sc.s, from)
	if f.n == 0 { // a mark alone
		sc.i = max(to, from+1)
		return
	}
	if n := to - from; n == 2 || n == 8 || n == 12 || n == 14 {
		if end, class := companyAt(sc.s, from, sc.own); end > 0 {
			sc.add(from, end, class)
			return
		}
	}
	if digits > from && f.n <= len(f.b) && !f.long {
		// "cpf52998224725"
		if m := meaningOf(f.b[:max(0, f.n-(to-digits))]); m >= aboutCPF && m <= aboutCEP {
			sc.said(m)
			sc.i = digits
			return
		}
	}
	m := f.meaning()
	switch m {
	case schemeBearer, schemeBasic:
		if sc.scheme(to, m) {
			return
		}
	case spelledAt:
		if sc.spelledAddress(from, to) {
			return
		}
	case aboutPassword:
		if sc.toldPassword(to) {
			return
		}
	}
	if m != spelledSign && !(sc.bare >= 0 && (sc.glued || localByte(sc.s[from-1]))) {
		sc.bare = from
	}
	sc.glued = m == spelledSign
	sc.said(m)
	sc.i = to
}
