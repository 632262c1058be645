// Package portuguese reads numbers, days and hours as Brazilians write them in chats:
// "vinte e poucos", "sexta às nove e meia", "dia 25 ou 26 depois das 18".
//
// It promises three things. Whatever it finds carries the place where it stands, so that it
// can be quoted. The same text, clock and zone give the same result. And it is linear in the
// length of the text, whatever the text is; nothing here panics, waits or keeps state.
// Everything is safe for concurrent use.
package portuguese

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a token consists of.
type Kind uint8

// The kinds of tokens. A Mark is any single sign, emoji included; a Break ends a line.
const (
	Word Kind = iota
	Digits
	Mark
	Break
)

// Token is a piece of a text: letters, decimal digits, or one sign.
type Token struct {
	Kind Kind
	// Fold is the token in lower case without accents.
	Fold string
	// Start and End are byte offsets: the token is text[Start:End].
	Start, End int
	// Glued says that nothing stands between the token and the one before.
	Glued bool
}

// Split cuts a text into tokens. Blanks separate and are dropped. Letters and digits are
// always two tokens, so that "15hs" reads as "15" and "hs".
func Split(text string) []Token {
	tokens := make([]Token, 0, len(text)/4+1)
	end := -1
	for i := 0; i < len(text); {
		r, width := utf8.DecodeRuneInString(text[i:])
		kind, blank := kindOf(r)
		if blank {
			i += width
			continue
		}
		j := i + width
		if kind == Word || kind == Digits {
			for j < len(text) {
				r, width := utf8.DecodeRuneInString(text[j:])
				next, blank := kindOf(r)
				if blank || next != kind && !unicode.Is(unicode.Mn, r) {
					break
				}
				j += width
			}
		}
		tokens = append(tokens, Token{Kind: kind, Fold: Fold(text[i:j]), Start: i, End: j, Glued: i == end})
		end, i = j, j
	}
	return tokens
}

func kindOf(r rune) (kind Kind, blank bool) {
	switch {
	case r >= '0' && r <= '9':
		return Digits, false
	case r == '\n':
		return Break, false
	case r == 'º' || r == 'ª':
		return Mark, false
	case unicode.IsLetter(r):
		return Word, false
	case unicode.IsSpace(r), r == '\u200b', r == '\u200e', r == '\u200f', r == '\u202a', r == '\u202c', r == '\ufeff':
		return Mark, true
	}
	return Mark, false
}

// Fold returns a text in lower case without accents and cedillas. It is its own result:
// Fold(Fold(s)) = Fold(s).
func Fold(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	return strings.Map(fold, s)
}

func fold(r rune) rune {
	r = unicode.ToLower(r)
	switch r {
	case 'á', 'à', 'â', 'ã', 'ä', 'å':
		return 'a'
	case 'é', 'è', 'ê', 'ë':
		return 'e'
	case 'í', 'ì', 'î', 'ï':
		return 'i'
	case 'ó', 'ò', 'ô', 'õ', 'ö':
		return 'o'
	case 'ú', 'ù', 'û', 'ü':
		return 'u'
	case 'ç':
		return 'c'
	case 'ñ':
		return 'n'
	}
	if unicode.Is(unicode.Mn, r) { // a combining accent
		return -1
	}
	return r
}
