package sanitise

import "unicode"

// breaks says whether a rune ends a line, as \n does.
func breaks(r rune) bool {
	switch r {
	case '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// hidden says whether a rune shows nothing of its own and carries nothing that is written:
// controls, bidirectional marks and overrides, zero-width spaces, fillers, tags, private use
// and what Unicode will never assign. Right-to-left text needs none of them to be read.
func hidden(r rune) bool {
	switch {
	case r < ' ', r >= 0x7F && r < 0xA0:
		return r != '\n' && r != '\t' && !breaks(r)
	case r < 0xAD:
		return false
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r >= 0x180B && r <= 0x180F,
		r == 0x200B, r == 0x200E, r == 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F,
		r == 0x2800, r == 0x3164, r == 0xFEFF, r == 0xFFA0, r >= 0xFFF0 && r <= 0xFFFB,
		r >= 0x1BCA0 && r <= 0x1BCA3, r >= 0x1D173 && r <= 0x1D17A, r >= 0xE0000 && r <= 0xE0FFF,
		r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return true
	}
	return unicode.Is(unicode.Co, r)
}

// joiner says whether a rune joins or parts its neighbours.
func joiner(r rune) bool { return r == 0x200C || r == 0x200D }

// selector says whether a rune selects how the one before it is shown.
func selector(r rune) bool { return r >= 0xFE00 && r <= 0xFE0F }

// tone says whether a rune is the skin of the emoji before it.
func tone(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

func flagLetter(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// picture says whether a rune may be part of a joined emoji. It is wider than Unicode's
// Extended_Pictographic by some signs and arrows, which does no harm.
func picture(r rune) bool {
	switch {
	case r >= 0x1F000 && r <= 0x1FAFF:
		return !flagLetter(r)
	case r >= 0x2190 && r <= 0x21FF, r >= 0x2300 && r <= 0x23FF, r >= 0x25A0 && r <= 0x27BF, r >= 0x2900 && r <= 0x297F, r >= 0x2B00 && r <= 0x2BFF,
		r == 0xA9, r == 0xAE, r == 0x203C, r == 0x2049, r == 0x2122, r == 0x2139, r == 0x24C2, r == 0x3030, r == 0x303D, r == 0x3297, r == 0x3299:
		return true
	}
	return false
}

// shapes says whether a rune is of a script whose letters joiners shape.
func shapes(r rune) bool {
	if r < 0x600 {
		return false
	}
	return unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
		unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Myanmar, unicode.Khmer, unicode.Tibetan)
}
