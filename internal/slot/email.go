package slot

import (
	"slices"
	"strings"

	"secretaria/internal/portuguese"
	"secretaria/internal/spelling"
)

// emails finds the e-mail addresses of a line, written or spelled out.
func emails(l *line) []candidate {
	var found []candidate
	for i := range l.tokens {
		if w := l.fold(i); w != "@" && w != "arroba" {
			continue
		}
		local, from, ok := emailLocal(l, i)
		if !ok || len(found) > 0 && found[len(found)-1].line == l && found[len(found)-1].to > from {
			continue
		}
		domain, to, ok := emailDomain(l, i)
		if !ok {
			continue
		}
		text, code := parseEmail(local + "@" + domain)
		if code != "" {
			continue
		}
		how := Answered
		if l.has(from, to, "arroba", "ponto", "underline", "traco") {
			how = Spelled
		}
		found = append(found, candidate{line: l, from: from, to: to, value: Value{Kind: Email, Text: text, How: how, Quotes: []Quote{l.quote(from, to)}}})
	}
	return found
}

// spelledMark returns the sign that a word stands for inside an address.
func spelledMark(w string) string {
	switch w {
	case "ponto", "dot", ".":
		return "."
	case "underline", "underscore", "underlain", "anderline", "_":
		return "_"
	case "traco", "hifen", "tracinho", "ifen", "-":
		return "-"
	case "mais", "+":
		return "+"
	}
	return ""
}

func emailLocal(l *line, at int) (local string, from int, ok bool) {
	i := at - 1
	together := false
	if l.fold(i) == "junto" && anyOf(l.fold(i-1), "tudo", "td") {
		i -= 2
		together = true
		for l.fold(i) == "," {
			i--
		}
	}
	if i < 0 || l.kind(i) != portuguese.Word && l.kind(i) != portuguese.Digits {
		return "", 0, false
	}
	spelled := l.fold(at) == "arroba"
	if !spelled && !l.tokens[at].Glued && at+1 < len(l.tokens) && l.tokens[at+1].Glued {
		return "", 0, false // "insta @perfil"
	}
	for from = i + 1; i >= 0; i-- {
		w := l.fold(i)
		joined := i+1 == from && from == at || l.tokens[min(i+1, len(l.tokens)-1)].Glued || from == i+1 && together && len(local) == 0
		switch {
		case l.kind(i) == portuguese.Digits:
			if !joined && !(spelled && i+1 == from && onlyDigits(local)) && !markAt(l, i+1) {
				return finishLocal(local, from)
			}
		case l.kind(i) == portuguese.Word && spelledMark(w) != "" && len(w) > 1 && spelled && i > 0 && local != "":
			local, from = spelledMark(w)+local, i
			continue
		case l.kind(i) == portuguese.Word:
			after := markAt(l, i+1)
			digitsBehind := spelled && len(local) > 0 && local[0] >= '0' && local[0] <= '9' && onlyDigits(local)
			if !joined && !after && !digitsBehind && !(together && spelled && !words().common[w] && len(local) < 24) {
				return finishLocal(local, from)
			}
			if digitsBehind && !joined && words().common[w] {
				return finishLocal(local, from)
			}
		case anyOf(w, ".", "_", "-", "+"):
			// A blank on both sides of a sign belongs to the address, one before does not.
			if !l.tokens[i].Glued && l.tokens[i+1].Glued && i+1 != from {
				return finishLocal(local, from)
			}
			if local == "" {
				return "", 0, false
			}
		default:
			return finishLocal(local, from)
		}
		local, from = w+local, i
		if len(local) > 64 {
			return "", 0, false
		}
	}
	return finishLocal(local, from)
}

func markAt(l *line, i int) bool {
	w := l.fold(i)
	return l.kind(i) == portuguese.Word && len(w) > 1 && spelledMark(w) != "" && w != "mais" ||
		l.kind(i) == portuguese.Mark && spelledMark(w) != "" && i < len(l.tokens) && !l.tokens[i].Glued
}

func finishLocal(local string, from int) (string, int, bool) {
	if local == "" || local[0] == '.' || local[0] == '-' {
		return "", 0, false
	}
	return local, from, true
}

func onlyDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

func emailDomain(l *line, at int) (domain string, to int, ok bool) {
	i := at + 1
	for i < len(l.tokens) {
		w := l.fold(i)
		if l.kind(i) != portuguese.Word && l.kind(i) != portuguese.Digits {
			break
		}
		domain += w
		i++
		to = i
		for i < len(l.tokens) && l.tokens[i].Glued && (l.kind(i) == portuguese.Word || l.kind(i) == portuguese.Digits || l.fold(i) == "-") {
			domain += l.fold(i)
			i++
			to = i
		}
		if anyOf(domain, "gmail", "hotmail", "outlook", "yahoo", "icloud", "live", "uol", "bol", "terra") && l.fold(i) == "com" {
			domain += "."
			continue
		}
		if strings.HasSuffix(domain, ".com") && l.fold(i) == "br" && !l.tokens[i].Glued {
			domain += "."
			continue
		}
		mark := spelledMark(l.fold(i))
		next := i + 1
		switch {
		case mark == "." && l.fold(i) != ".":
		case mark == "-" && l.fold(i) != "-":
		case mark == "." && next < len(l.tokens):
			glued, nextGlued := l.tokens[i].Glued, l.tokens[next].Glued
			if glued && !nextGlued && !anyOf(l.fold(next), "com", "br", "net", "org") || l.kind(next) != portuguese.Word && l.kind(next) != portuguese.Digits {
				return domain, to, true
			}
		default:
			return domain, to, true
		}
		domain += mark
		i = next
		if len(domain) > 200 {
			return "", 0, false
		}
	}
	return strings.TrimRight(domain, ".-"), to, domain != ""
}

// parseEmail checks an address that was put together.
func parseEmail(s string) (string, Code) {
	s = portuguese.Fold(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "mailto:")
	if s == "" {
		return "", Empty
	}
	if len(s) > 254 {
		return "", TooLong
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || strings.Contains(domain, "@") || strings.Contains(local, "..") {
		return "", Malformed
	}
	if strings.Trim(local, "abcdefghijklmnopqrstuvwxyz0123456789._%+-'") != "" || local[0] == '.' || local[len(local)-1] == '.' {
		return "", Malformed
	}
	for i := range len(local) {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._%+-'", rune(local[i])) {
			return "", Malformed
		}
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return "", Malformed
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", Malformed
		}
		for i := range len(label) {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", rune(label[i])) {
				return "", Malformed
			}
		}
	}
	if top := labels[len(labels)-1]; len(top) < 2 || strings.Trim(top, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", Malformed
	}
	return s, ""
}

func (t *turn) emailOf() {
	var found []candidate
	bot := portuguese.Fold(t.bot.text)
	for i, l := range t.lines {
		f := emails(l)
		if len(f) == 0 && i > 0 && t.ask == Email && (l.fold(0) == "@" || strings.HasSuffix(t.lines[i-1].text, "@")) {
			text, code := parseEmail(strings.TrimSpace(t.lines[i-1].text) + strings.TrimSpace(l.text))
			if code == "" {
				f = append(f, candidate{line: l, from: 0, to: len(l.tokens), value: Value{Kind: Email, Text: text, How: Combined, Quotes: []Quote{t.lines[i-1].whole(), l.whole()}}})
				t.lines[i-1].hide(0, len(t.lines[i-1].tokens))
			}
		}
		for _, c := range f {
			if !strings.Contains(bot, c.value.Text) {
				found = append(found, c)
			}
		}
	}
	// Whoever copies the assistant's address back does not give his own, unless he says so.
	before := t.state.Values[Email]
	t.settle(Email, found)
	for _, c := range found {
		t.mask(c)
	}
	if len(found) == 0 && before.Text != "" {
		t.emailMended(before)
	}
}

// emailMended reads "é .com.br, não .com", "termina em .net", "é hotmail, não gmail", and a
// domain alone that is nearly the one before: "é gmail.com" after "gmial.com".
func (t *turn) emailMended(before Value) {
	for _, l := range t.lines {
		if piece, from, end := addressPiece(l, 0, len(l.tokens)); end == len(l.tokens) && strings.Contains(piece, ".") {
			local, domain, _ := strings.Cut(before.Text, "@")
			text, code := parseEmail(local + "@" + piece)
			if d := spelling.Distance([]rune(domain), []rune(piece)); code == "" && d > 0 && d <= 2 {
				t.learn(Value{Kind: Email, Text: text, How: Corrected, Quotes: append(slices.Clone(before.Quotes), l.quote(from, end))})
				l.hide(from, end)
				return
			}
		}
		for i := range l.tokens {
			if !anyOf(l.fold(i), "nao", "n") || i == 0 {
				continue
			}
			start, _ := l.clause(i-1, true)
			fresh, freshFrom, _ := addressPiece(l, start, i)
			old, _, end := addressPiece(l, i+1, len(l.tokens))
			if fresh == "" || old == "" || fresh == old || strings.Count(before.Text, old) != 1 {
				if fresh != "" && old != "" && strings.HasSuffix(before.Text, old) && fresh != old {
					// ".com" also stands inside ".com.br": the end is meant
				} else {
					continue
				}
			}
			at := strings.LastIndex(before.Text, old)
			if text, code := parseEmail(before.Text[:at] + fresh + before.Text[at+len(old):]); code == "" {
				t.learn(Value{Kind: Email, Text: text, How: Corrected, Quotes: append(slices.Clone(before.Quotes), l.quote(freshFrom, end))})
				l.hide(start, end)
				return
			}
		}
	}
}

// addressPiece returns the first piece of an address in tokens[from:to]: "gmail", ".com.br".
func addressPiece(l *line, from, to int) (text string, start, end int) {
	for i := from; i < to; i++ {
		if anyOf(l.fold(i), "e", "eh", "o", "a", "com", "final", "fim", "em", "termina", ",", "certo", "no", "na", "verdade", "ops", "digo", "corrigindo") && !(l.fold(i) == "com" && i > from && l.tokens[i].Glued) {
			continue
		}
		start = i
		for end = i; end < to && (end == i || l.tokens[end].Glued) && l.fold(end) != ","; end++ {
			text += l.fold(end)
		}
		return strings.TrimRight(text, "."), start, end
	}
	return "", 0, to
}
