package slot

import (
	"slices"
	"strings"

	"secretaria/internal/brazil"
	"secretaria/internal/phone"
	"secretaria/internal/portuguese"
)

const maxGroups = 24 // groups of digits in a row

// phones finds the phone numbers of a line. Dictated ones are read where dictated is set.
// local is the digits of a number without area code, where one stands and no whole number.
func phones(l *line, dictated bool) (found []candidate, local []candidate) {
	for i := range l.tokens {
		// "98OOO-1234": letters where zeros are meant. "5o" is an ordinal.
		if w := l.fold(i); l.kind(i) == portuguese.Word && strings.Trim(w, "o") == "" && l.tokens[i].Glued && i > 0 && l.kind(i-1) == portuguese.Digits &&
			(len(w) > 1 || i+1 < len(l.tokens) && l.tokens[i+1].Glued && l.kind(i+1) == portuguese.Digits) {
			l.tokens[i].Kind, l.tokens[i].Fold = portuguese.Digits, strings.Repeat("0", len(w))
		}
	}
	for i := 0; i < len(l.tokens); {
		if l.kind(i) != portuguese.Digits {
			if dictated && l.kind(i) == portuguese.Word {
				if d, ok := portuguese.DictatedAt(l.tokens, i); ok {
					c := candidate{line: l, from: d.From, to: d.To, value: Value{Kind: Phone, How: Spelled, Quotes: []Quote{l.quote(d.From, d.To)}}}
					switch e164, code := parsePhone(d.Digits); code {
					case "":
						c.value.Text = e164
						found = append(found, c)
					case NoAreaCode:
						c.value.Text = d.Digits
						local = append(local, c)
					}
					i = d.To
					continue
				}
			}
			i++
			continue
		}
		groups, end := digitGroups(l, i)
		from := 0
		if len(groups) > maxGroups {
			from = len(groups) // a table, no phone
		}
		for from < len(groups) {
			taken := false
			for to := min(len(groups), from+8); to > from; to-- {
				c, ok, isLocal := phoneOf(l, groups[from], groups[to-1])
				if !ok {
					continue
				}
				if isLocal {
					local = append(local, c)
				} else {
					found = append(found, c)
				}
				from, taken = to, true
				break
			}
			if !taken {
				from++
			}
		}
		if dictated {
			if d, ok := portuguese.DictatedAt(l.tokens, i); ok && d.To > end {
				if e164, code := parsePhone(d.Digits); code == "" && len(found) == 0 {
					found = append(found, candidate{line: l, from: d.From, to: d.To, value: Value{Kind: Phone, Text: e164, How: Spelled, Quotes: []Quote{l.quote(d.From, d.To)}}})
					end = d.To
				}
			}
		}
		i = max(end, i+1)
	}
	return found, local
}

// digitGroups returns the tokens of digits that stand together, with at most two of the
// marks of phone numbers between each, and the token behind them.
func digitGroups(l *line, i int) (groups []int, end int) {
	groups = append(groups, i)
	end = i + 1
	for j := i + 1; j < len(l.tokens) && j <= end+2; j++ {
		switch {
		case l.kind(j) == portuguese.Digits:
			groups = append(groups, j)
			end = j + 1
		case anyOf(l.fold(j), " ", "-", ".", "(", ")", "–", "+"):
		default:
			return groups, end
		}
	}
	return groups, end
}

// phoneOf reads the digits from group first to group last as one number.
func phoneOf(l *line, first, last int) (c candidate, ok, isLocal bool) {
	digits := ""
	sizes := make([]int, 0, 8)
	for i := first; i <= last; i++ {
		if l.kind(i) == portuguese.Digits {
			digits += l.fold(i)
			sizes = append(sizes, len(l.fold(i)))
			if len(digits) > 18 {
				return c, false, false
			}
		} else if l.fold(i) == "+" {
			return c, false, false
		}
	}
	if slices.Equal(sizes, []int{3, 3, 3, 2}) || slices.Equal(sizes, []int{2, 3, 3}) || slices.Equal(sizes, []int{5, 3}) {
		return c, false, false // CPF, RG, CEP
	}
	from := first
	plus := l.fold(first-1) == "+" && l.tokens[first].Glued
	if plus {
		from--
		digits = "+" + digits
	} else if l.fold(first-1) == "(" {
		if l.fold(first+1) == ")" {
			from--
		}
	}
	if first > 0 && l.tokens[from].Glued && anyOf(l.fold(from-1), "$", "#", "/") || from > 0 && l.tokens[from].Glued && l.kind(from-1) == portuguese.Word {
		return c, false, false
	}
	for k := from - 1; k >= max(0, from-3); k-- {
		if anyOf(l.fold(k), "pedido", "protocolo", "boleto", "nota", "cpf", "rg", "cep", "conta", "agencia", "nf", "ie", "os", "chamado", "cartao", "processo") {
			return c, false, false
		}
		if anyOf(l.fold(k), "fone", "tel", "telefone", "cel") {
			break
		}
	}
	e164, code := parsePhone(digits)
	if code == NoAreaCode {
		if len(sizes) > 1 && sizes[0] < 4 && sizes[0] != 1 || len(digits) == 8 && len(sizes) == 1 && digits[0] != '9' && digits[0] != '8' && digits[0] != '3' {
			return c, false, false
		}
		return candidate{line: l, from: from, to: last + 1, value: Value{Kind: Phone, Text: digits, Quotes: []Quote{l.quote(from, last+1)}}}, true, true
	}
	if code != "" {
		return c, false, false
	}
	return candidate{line: l, from: from, to: last + 1, value: Value{Kind: Phone, Text: e164, How: Answered, Quotes: []Quote{l.quote(from, last+1)}}}, true, false
}

func areaCode(s string) bool { return len(s) == 2 && brazil.Area(s[0], s[1]) }

// parsePhone reads digits, with "+" where the country code is sure.
func parsePhone(s string) (string, Code) {
	s = strings.TrimSpace(s)
	digits := phone.Digits(s)
	switch {
	case digits == "":
		return "", Empty
	case len(digits) > 18:
		return "", TooLong
	}
	plus := strings.HasPrefix(s, "+")
	if !plus && strings.HasPrefix(digits, "00") && len(digits) > 11 {
		s, digits, plus = "+"+digits[2:], digits[2:], true
	}
	if !plus {
		if strings.HasPrefix(digits, "0800") || strings.HasPrefix(digits, "0300") || strings.HasPrefix(digits, "0900") {
			return "", NoContact
		}
		national := strings.TrimLeft(digits, "0")
		switch {
		case len(digits) > 10 && digits[0] == '0' && len(national) > 11 && areaCode(national[2:4]):
			national = national[2:] // the carrier's code before the area code
			s = national
		case len(digits) == 8 && digits[0] >= '2', len(digits) == 9 && digits[0] == '9':
			return "", NoAreaCode
		}
		switch len(national) {
		case 10, 11:
			if !areaCode(national[:2]) {
				return "", Malformed
			}
		case 12, 13:
			if !strings.HasPrefix(national, "55") || !areaCode(national[2:4]) {
				return "", Malformed
			}
		default:
			return "", Malformed
		}
	} else if strings.HasPrefix(digits, "55") && (len(digits) < 4 || !areaCode(digits[2:4])) {
		return "", Malformed
	}
	e164, ok := phone.Canonical(s, "55")
	if !ok || !plus && (!strings.HasPrefix(e164, "+55") || len(e164) < len("+551133334444")) {
		return "", Malformed // without "+" other countries' numbers look like anything
	}
	return e164, ""
}

func (t *turn) phoneOf() {
	var found, local []candidate
	asked := t.asks(Phone)
	for _, l := range t.lines {
		if l.card() {
			continue
		}
		if t.ask == CNPJ && !l.has(0, len(l.tokens), "fone", "tel", "telefone", "cel", "celular", "zap", "whats", "whatsapp") && onlyNumber(l) {
			continue
		}
		f, half := phones(l, asked || l.has(0, len(l.tokens), "fone", "tel", "telefone", "cel", "celular", "zap", "whats", "whatsapp"))
		found = append(found, f...)
		local = append(local, half...)
	}
	before := t.state.Values[Phone]
	for i := 1; i < len(t.lines) && len(found) == 0 && asked; i++ {
		a, b := t.lines[i-1], t.lines[i]
		if !onlyNumber(a) || !onlyNumber(b) {
			continue
		}
		if text, code := parsePhone(a.text + b.text); code == "" {
			t.learn(Value{Kind: Phone, Text: text, How: Combined, Quotes: []Quote{a.whole(), b.whole()}})
			a.hide(0, len(a.tokens))
			b.hide(0, len(b.tokens))
			return
		}
	}
	t.settle(Phone, found)
	for _, c := range found {
		t.mask(c)
	}
	t.areaOf(found, local, asked)
	if len(found) == 0 && before.Text != "" {
		for _, l := range t.lines {
			if from, to, tail, ok := ending(l, 9); ok && len(tail) >= 2 && len(tail) < len(before.Text)-4 {
				text := before.Text[:len(before.Text)-len(tail)] + tail
				if _, code := parsePhone(text); code == "" {
					t.learn(Value{Kind: Phone, Text: text, How: Corrected, Quotes: append(slices.Clone(before.Quotes), l.quote(from, to))})
					l.hide(from, to)
				}
			}
		}
	}
}

// card says whether a line is a contact card: somebody, and rarely whoever sends it.
func (l *line) card() bool {
	return l.fold(0) == "[" && anyOf(l.fold(1), "contato", "contact", "vcard") || l.phrase(0, "begin : vcard") > 0
}

// onlyNumber says whether a line holds digits and marks alone.
func onlyNumber(l *line) bool {
	for i := range l.tokens {
		if l.kind(i) == portuguese.Word {
			return false
		}
	}
	return true
}

// areaOf completes a number without area code by one that was said apart, and corrects the
// area code of a known number.
func (t *turn) areaOf(found, local []candidate, asked bool) {
	half := &t.state.Half
	for _, l := range t.lines {
		for i := range l.tokens {
			code, from, to := "", i, i+1
			switch {
			case anyOf(l.fold(i), "ddd", "dd", "area"):
				for j := i + 1; j < len(l.tokens) && j <= i+3; j++ {
					if n, ok := portuguese.NumberAt(l.tokens, j); ok && n.Value > 10 && n.Value < 100 {
						code, to = string([]byte{byte('0' + n.Value/10), byte('0' + n.Value%10)}), n.To
						break
					}
				}
			case l.kind(i) == portuguese.Digits && len(l.fold(i)) == 2 && half.Phone != nil && t.ask == Phone:
				code = l.fold(i)
			}
			if areaCode(code) {
				half.Area = &Piece{Text: code, Quotes: []Quote{l.quote(from, to)}}
				l.hide(from, to)
				break
			}
		}
	}
	if len(local) > 0 && len(found) == 0 && (asked || half.Area != nil) {
		c := local[len(local)-1]
		half.Phone = &Piece{Text: c.value.Text, Quotes: c.value.Quotes}
		t.mask(c)
	}
	if half.Area == nil {
		return
	}
	if half.Phone != nil {
		if text, code := parsePhone(half.Area.Text + half.Phone.Text); code == "" {
			t.learn(Value{Kind: Phone, Text: text, How: Combined, Quotes: append(slices.Clone(half.Area.Quotes), half.Phone.Quotes...)})
			half.Area, half.Phone = nil, nil
		}
		return
	}
	if v, ok := t.state.Values[Phone]; ok && strings.HasPrefix(v.Text, "+55") && len(v.Text) > 5 && half.Area.Quotes[0].Message >= t.first() {
		if text, code := parsePhone("+55" + half.Area.Text + v.Text[5:]); code == "" && text != v.Text {
			t.learn(Value{Kind: Phone, Text: text, How: Corrected, Quotes: append(slices.Clone(v.Quotes), half.Area.Quotes...)})
		}
		half.Area = nil
	}
}
