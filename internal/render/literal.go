package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marks that stand in the text itself, as opposed to marks that we set, travel through the
// renderer as noncharacters (clean keeps those out of the input) and are settled per line
// at the end, when it is known what stands around them.
const (
	litStar  = '\uFDD0'
	litScore = '\uFDD1'
	litTilde = '\uFDD2'
	litTick  = '\uFDD3'
)

// literal hides the marks of a text.
func literal(s string) string {
	if !strings.ContainsAny(s, "*_~`") {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '*':
			return litStar
		case '_':
			return litScore
		case '~':
			return litTilde
		case '`':
			return litTick
		}
		return r
	}, s)
}

// plain gives the ASCII mark that a rune stands for.
func plain(r rune) rune {
	switch r {
	case litStar:
		return '*'
	case litScore:
		return '_'
	case litTilde:
		return '~'
	case litTick:
		return '`'
	}
	return r
}

// alike gives a character that looks like a mark and is none.
func alike(r rune) rune {
	switch r {
	case litStar:
		return '\u2217' // asterisk operator
	case litScore:
		return '\u02CD' // modifier letter low macron
	case litTilde:
		return '\u223C' // tilde operator
	case litTick:
		return '\u02CB' // modifier letter grave accent
	}
	return r
}

// settle turns hidden marks into their ASCII form where WhatsApp leaves them alone, and
// into a look-alike where it would take two of them for formatting. WhatsApp formats
// between a mark that follows a non-word character and precedes something, and a mark for
// which the reverse holds, within a line.
func settle(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= litStar && r <= litTick }) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = settleLine(line)
	}
	return strings.Join(lines, "\n")
}

func settleLine(line string) string {
	if !strings.ContainsFunc(line, func(r rune) bool { return r >= litStar && r <= litTick }) {
		return line
	}
	runes := []rune(line)
	// A run of one mark, "***", opens or closes as a whole.
	type run struct {
		from, to     int
		mark         rune
		opens, shuts bool
	}
	var runs []run
	for i := 0; i < len(runes); {
		m := plain(runes[i])
		if !strings.ContainsRune("*_~`", m) {
			i++
			continue
		}
		j := i + 1
		for j < len(runes) && plain(runes[j]) == m {
			j++
		}
		before, after := '\n', '\n'
		if i > 0 {
			before = runes[i-1]
		}
		if j < len(runes) {
			after = runes[j]
		}
		runs = append(runs, run{i, j, m, !isWord(before) && !unicode.IsSpace(after), !unicode.IsSpace(before) && !isWord(after)})
		i = j
	}
	var firstOpen, lastShut [utf8.RuneSelf]int // position+1 by mark
	for i, r := range runs {
		if r.opens && firstOpen[r.mark] == 0 {
			firstOpen[r.mark] = i + 1
		}
		if r.shuts {
			lastShut[r.mark] = i + 1
		}
	}
	for i, r := range runs {
		open, shut := firstOpen[r.mark], lastShut[r.mark]
		risky := r.opens && shut > i+1 || r.shuts && open != 0 && open < i+1
		for k := r.from; k < r.to; k++ {
			if risky {
				runes[k] = alike(runes[k])
			} else {
				runes[k] = plain(runes[k])
			}
		}
	}
	return string(runes)
}
