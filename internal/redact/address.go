package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func localByte(c byte) bool {
	return alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\''
}

// address reads an e-mail address, or a WhatsApp id, around the @ where the scanner stands.
func (sc *scanner) address() {
	s, i := sc.s, sc.i
	from := i
	for from > sc.done {
		c := s[from-1]
		if localByte(c) {
			from--
			continue
		}
		if c < 0x80 {
			break
		}
		r, size := utf8.DecodeLastRuneInString(s[sc.done:from])
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			break
		}
		from -= size
	}
	for from < i && !alnum(s[from]) && s[from] < 0x80 && s[from] != '_' {
		from++ // no address begins with a dot or a dash
	}
	to, named := domainAt(s, i+1)
	switch {
	case from == i || to == i+1:
		sc.i++
	case i-from >= 6 && onlyDigits(s[from:i]): // 5511987654321@s.whatsapp.net, 184729305518472@lid
		sc.add(from, to, Phone)
	case named:
		sc.add(from, to, Email)
	default:
		sc.i++
	}
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if kinds[s[i]] != digit {
			return false
		}
	}
	return true
}

// domainAt returns the end of the domain at i, and whether it has a top level.
func domainAt(s string, i int) (to int, named bool) {
	j, top := i, i
	for j < len(s) {
		switch c := s[j]; {
		case alnum(c), c == '-', c >= 0x80 && isLetterAt(s, j):
			j++
		case c >= 0x80 && c < 0xC0 && j > i && s[j-1] >= 0x80: // the rest of a letter
			j++
		case c == '.' && j > i && j+1 < len(s) && (alnum(s[j+1]) || s[j+1] >= 0x80 && isLetterAt(s, j+1)):
			j++
			top = j
		default:
			return trimDomain(s, i, j, top)
		}
	}
	return trimDomain(s, i, j, top)
}

func trimDomain(s string, i, j, top int) (to int, named bool) {
	for j > i && s[j-1] == '-' {
		j--
	}
	return j, top > i && j-top >= 2 && kinds[s[top]] != digit
}

func isLetterAt(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsLetter(r)
}

// maxSpelled bounds what is read for one spelled address, in bytes on either side.
const maxSpelled = 80

// spelledAddress reads "ana ponto silva arroba exemplo ponto com ponto br".
func (sc *scanner) spelledAddress(from, to int) bool {
	s := sc.s
	if sc.bare < 0 || from-sc.bare > maxSpelled || strings.Trim(s[sc.bare:from], " ") == "" {
		return false
	}
	j, labels := to, 0
	for labels < 5 {
		next := skipSpaces(s, j)
		f, end, _ := wordAt(s, next)
		if end == next || end-next > maxSpelled || next == j && labels == 0 {
			break
		}
		if labels == 0 || f.meaning() == spelledSign || s[next-1] == '.' {
			if f.meaning() == spelledSign {
				next = skipSpaces(s, end)
				if _, end, _ = wordAt(s, next); end == next {
					break
				}
			}
			j = end
			labels++
			if j < len(s) && s[j] == '.' && j+1 < len(s) && alnum(s[j+1]) {
				j++
			}
			continue
		}
		break
	}
	if labels < 2 {
		return false
	}
	sc.add(sc.bare, j, Email)
	return true
}

func skipSpaces(s string, i int) int {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return i
}
