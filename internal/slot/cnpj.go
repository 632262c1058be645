package slot

import (
	"slices"
	"strings"

	"secretaria/internal/brazil"
	"secretaria/internal/portuguese"
)

// parseCNPJ reads a CNPJ in either form: digits alone, or the one with letters in the first
// twelve places that the Receita Federal issues from July 2026.
func parseCNPJ(s string) (string, Code) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case r >= 'a' && r <= 'z':
			b.WriteRune(r - 'a' + 'A')
		case strings.ContainsRune(" .-/\\–\u00a0", r):
		default:
			return "", Malformed
		}
		if b.Len() > 14 {
			return "", TooLong
		}
	}
	c := b.String()
	switch {
	case c == "":
		return "", Empty
	case len(c) != 14, c[12] > '9', c[13] > '9', strings.Trim(c, c[:1]) == "":
		return "", Malformed
	case !brazil.CNPJ(c):
		return c, CheckDigit
	}
	return c, ""
}

// cnpjs finds the CNPJs of a line; wrong holds those whose check digits do not fit.
func cnpjs(l *line, asked bool) (found, wrong []candidate) {
	for i := 0; i < len(l.tokens); {
		if l.kind(i) != portuguese.Digits && l.kind(i) != portuguese.Word || l.tokens[i].Glued && i > 0 && l.kind(i-1) != portuguese.Mark {
			i++
			continue
		}
		to, text := cnpjAt(l, i)
		how := Answered
		if to == i && asked {
			if d, ok := portuguese.DictatedAt(l.tokens, i); ok && len(d.Digits) == 14 {
				to, text, how = d.To, d.Digits, Spelled
			}
		}
		if to == i {
			i++
			continue
		}
		value, code := parseCNPJ(text)
		c := candidate{line: l, from: i, to: to, value: Value{Kind: CNPJ, Text: value, How: how, Quotes: []Quote{l.quote(i, to)}}}
		switch code {
		case "":
			found = append(found, c)
		case CheckDigit:
			if !aligned(l, i, to) {
				i++ // a phone with its carrier has fourteen digits too
				continue
			}
			wrong = append(wrong, c)
		default:
			i++
			continue
		}
		i = to
	}
	return found, wrong
}

// aligned says whether what stands between the characters of tokens[from:to] stands where a
// CNPJ is cut.
func aligned(l *line, from, to int) bool {
	n := 0
	for i := from; i < to; i++ {
		if i > from && !l.tokens[i].Glued && !border(n) {
			return false
		}
		if l.kind(i) != portuguese.Mark {
			n += len(l.fold(i))
		}
	}
	return true
}

// cnpjAt returns the token behind the fourteen characters that begin at i, or i. Marks and
// blanks may stand between the groups of 2, 3, 3, 4 and 2, blanks between any digits.
func cnpjAt(l *line, i int) (to int, text string) {
	n, digits, marks := 0, 0, 0
	j := i
	for ; j < len(l.tokens) && n < 14; j++ {
		w := l.fold(j)
		switch l.kind(j) {
		case portuguese.Digits:
			digits += len(w)
		case portuguese.Word:
			if len(w) != l.tokens[j].End-l.tokens[j].Start || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
				return i, ""
			}
			if !l.tokens[j].Glued && j > i && !border(n) {
				return i, ""
			}
		case portuguese.Mark:
			if !anyOf(w, ".", "/", "-", "\\", "–") || j == i || !border(n) && digits < n {
				return i, ""
			}
			marks++
			continue
		default:
			return i, ""
		}
		if l.kind(j) == portuguese.Digits && !l.tokens[j].Glued && j > i && !border(n) && digits-len(w) < n {
			return i, ""
		}
		n += len(w)
		text += w
	}
	if n != 14 || j < len(l.tokens) && l.tokens[j].Glued && (l.kind(j) == portuguese.Digits || l.kind(j) == portuguese.Word) {
		return i, ""
	}
	if digits < 14 && marks == 0 && j > i+1 {
		// Words and numbers in a row are no CNPJ unless they stand in one piece.
		for k := i + 1; k < j; k++ {
			if !l.tokens[k].Glued {
				return i, ""
			}
		}
	}
	return j, text
}

// border says whether a group of a CNPJ ends after n characters.
func border(n int) bool { return n == 2 || n == 5 || n == 8 || n == 12 }

func (t *turn) cnpjOf() {
	var found []candidate
	for _, l := range t.lines {
		f, wrong := cnpjs(l, t.ask == CNPJ || t.state.asks(CNPJ) || l.has(0, len(l.tokens), "cnpj"))
		for _, c := range wrong {
			t.state.Half.CNPJ = &Piece{Text: c.value.Text, Quotes: c.value.Quotes}
		}
		found = append(found, f...)
		for _, c := range append(slices.Clone(f), wrong...) {
			t.mask(c)
		}
	}
	t.settle(CNPJ, found)
	if len(found) > 0 || t.ask != CNPJ {
		return
	}
	// Two messages that are one number, or a new end for the one that did not fit.
	for i := 1; i < len(t.lines); i++ {
		text := t.lines[i-1].text + t.lines[i].text
		if value, code := parseCNPJ(text); code == "" {
			t.learn(Value{Kind: CNPJ, Text: value, How: Combined, Quotes: []Quote{t.lines[i-1].whole(), t.lines[i].whole()}})
			return
		}
	}
	if piece := t.state.Half.CNPJ; piece != nil {
		for _, l := range t.lines {
			from, to, tail, ok := ending(l, 14)
			if !ok {
				from, to, tail, ok = lastDigits(l)
			}
			if ok && len(piece.Text) == 14 {
				if value, code := parseCNPJ(piece.Text[:14-len(tail)] + tail); code == "" {
					t.learn(Value{Kind: CNPJ, Text: value, How: Corrected, Quotes: append(slices.Clone(piece.Quotes), l.quote(from, to))})
				}
			}
		}
	}
}

// lastDigits reads a short line that is little more than two digits: "é 58".
func lastDigits(l *line) (from, to int, digits string, ok bool) {
	if len(l.tokens) > 5 {
		return 0, 0, "", false
	}
	for i := range l.tokens {
		if l.kind(i) == portuguese.Digits {
			if ok || len(l.fold(i)) != 2 {
				return 0, 0, "", false
			}
			from, to, digits, ok = i, i+1, l.fold(i), true
		}
	}
	return from, to, digits, ok
}
