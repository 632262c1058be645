package gate

import (
	"regexp"
	"strings"
	"time"

	"secretaria/internal/portuguese"
)

// A shape is a figure that is told by its characters alone.
var (
	linkShape  = regexp.MustCompile(`(?i)(!?\[[^\]\n]{0,200}\]\()?\b(?:(?:https?|hxxps?|ftp)://[^\s<>"'\\]+|(?:javascript|data|vbscript|file):[^\s<>"'\\]+|www\.[^\s<>"'\\]+|(?:[\p{L}0-9](?:[\p{L}0-9-]{0,61}[\p{L}0-9])?(?:\.|\[\.\]|\(\.\)))+(?:(?:com|net|org|edu|gov|br|io|app|ly|link|info|site|online|shop|store|xyz|dev|biz|tv|gg|ru|cn|tk|cc|page|click)\b(?:/[^\s<>"'\\]*)?|(?:me|co|ai|us|pt|eu|ml|to|is|gl|gle|in|ws|la|de|es|fr|uk)/[^\s<>"'\\]+))`)
	emailShape = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)
	isoShape   = regexp.MustCompile(`\b(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?`)
	digitShape = regexp.MustCompile(`\+?\(?\d[\d().\-/ ]*\d`)

	cpfShape   = regexp.MustCompile(`^\d{3}\.\d{3}\.\d{3}-\d{2}$`)
	cnpjShape  = regexp.MustCompile(`^\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}$`)
	cepShape   = regexp.MustCompile(`^(?:\d{5}|\d{2}\.\d{3})-\d{3}$`)
	cardShape  = regexp.MustCompile(`^(?:\d{4}[ -]?){3}\d{1,7}$`)
	phoneShape = regexp.MustCompile(`^(?:\+?\d{1,3}[ .-]?)?(?:\(0?\d{2}\)|0?\d{2})[ .-]?9?[ .]?\d{4}[ .-]?\d{4}$|^9?\d{4}-\d{4}$|^0[38]00[ .-]?\d{3}[ .-]?\d{3,4}$|^[34]00\d[ -]?\d{4}$|^\+\d[\d ().-]{7,18}\d$`)
)

var (
	spokenEmail = regexp.MustCompile(`(?i)\b([a-z0-9._%+-]{1,64})(?:\s+arroba\s+|\s*[(\[](?:at|arroba)[)\]]\s*)([a-z0-9-]+(?:(?:\s+ponto\s+|\s*[(\[](?:dot|ponto)[)\]]\s*|\.)[a-z0-9-]+)+)`)
	spokenLink  = regexp.MustCompile(`(?i)\b([a-z0-9-]+(?:\s+ponto\s+[a-z0-9-]+)*\s+ponto\s+(?:com|net|org|io|app)(?:\s+ponto\s+[a-z]{2})?)\b`)
	spokenDot   = regexp.MustCompile(`(?i)\s+ponto\s+|\s*[(\[](?:dot|ponto)[)\]]\s*`)
)

// shapes finds them and returns the text with each of them blanked out, at the same length.
func (r *reader) shapes() string {
	masked := []byte(r.text)
	take := func(v value, from, to int) {
		v.from, v.to = from, to
		r.values = append(r.values, v)
		for i := from; i < to; i++ {
			masked[i] = ' '
		}
		masked[from] = 0 // a sign, so that what stands on both sides does not grow together
	}
	if strings.IndexByte(r.text, '@') >= 0 {
		for _, m := range emailShape.FindAllStringIndex(r.text, -1) {
			take(value{kind: Email, s: strings.ToLower(strings.TrimRight(r.text[m[0]:m[1]], ".-"))}, m[0], m[1])
		}
	}
	if low := strings.ToLower(r.text); strings.Contains(low, "arroba") || strings.Contains(low, "(at)") || strings.Contains(low, "[at]") {
		for _, m := range spokenEmail.FindAllSubmatchIndex(masked, -1) {
			name, host := string(masked[m[2]:m[3]]), spokenDot.ReplaceAllString(string(masked[m[4]:m[5]]), ".")
			take(value{kind: Email, s: strings.ToLower(name + "@" + host)}, m[0], m[1])
		}
	} else if strings.Contains(low, " ponto ") {
		for _, m := range spokenLink.FindAllIndex(masked, -1) {
			take(value{kind: Link, s: normalLink(spokenDot.ReplaceAllString(string(masked[m[0]:m[1]]), "."))}, m[0], m[1])
		}
	}
	if maybeLink(masked) {
		for _, m := range linkShape.FindAllSubmatchIndex(masked, -1) {
			v := value{kind: Link, shown: m[2] < 0, image: m[2] >= 0 && masked[m[2]] == '!'}
			from, to := m[0], m[1]
			at := from
			if m[2] >= 0 {
				at = m[3]
			}
			s := strings.TrimRight(r.text[at:to], ".,;:!?)*_~]`")
			to = at + len(s)
			v.s = normalLink(s)
			take(v, from, to)
		}
	}
	if strings.ContainsAny(r.text, "0123456789") {
		r.numerals(masked, take)
	}
	sortValues(r.values)
	return string(masked)
}

// numerals finds the shapes that consist of digits.
func (r *reader) numerals(masked []byte, take func(value, int, int)) {
	if strings.Contains(r.text, "-") {
		for _, m := range isoShape.FindAllSubmatchIndex(masked, -1) {
			r.timestamp(string(masked), m, take)
		}
	}
	if !run(string(masked), 8, dialled) {
		return
	}
	for _, m := range digitShape.FindAllIndex(masked, -1) {
		// A run may hold several figures, "40 11 3031-4455": the longest shape from each start wins.
		for from := m[0]; from < m[1]; {
			v, to := shapeAt(string(masked[from:m[1]]), from, masked)
			if to == 0 {
				for from++; from < m[1] && masked[from] != ' ' && masked[from] != '(' && masked[from] != '+'; from++ {
				}
				for from < m[1] && masked[from] == ' ' {
					from++
				}
				continue
			}
			take(v, from, from+to)
			from += to
		}
	}
}

// dialled says whether a byte may stand in a phone or a document.
func dialled(c byte) bool {
	switch c {
	case '(', ')', '.', '-', '/', ' ', '+':
		return true
	}
	return c >= '0' && c <= '9'
}

// maybeLink says whether a sign stands between letters as in an address: most passages have
// none, and the expression is slow.
func maybeLink(text []byte) bool {
	for i := 1; i+1 < len(text); i++ {
		switch text[i] {
		case '.', ':':
			if letter(text[i+1]) && (letter(text[i-1]) || text[i-1] >= '0' && text[i-1] <= '9' || text[i-1] == '-') {
				return true
			}
			if text[i] == ':' && letter(text[i-1]) && text[i+1] != ' ' && text[i+1] != '\n' {
				return true
			}
			if (text[i-1] == '[' || text[i-1] == '(') && (text[i+1] == ']' || text[i+1] == ')') {
				return true
			}
		}
	}
	return false
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 }

func sortValues(v []value) {
	for i := 1; i < len(v); i++ {
		for k := i; k > 0 && v[k].from < v[k-1].from; k-- {
			v[k], v[k-1] = v[k-1], v[k]
		}
	}
}

const longestShape = 24

// shapeAt returns the figure at the beginning of s and its length, or 0.
func shapeAt(s string, at int, text []byte) (value, int) {
	for to := min(len(s), longestShape); to >= 8; to-- {
		if last := s[to-1]; last < '0' || last > '9' || at+to < len(text) && text[at+to] >= '0' && text[at+to] <= '9' {
			continue
		}
		part := s[:to]
		d := digits(part)
		switch {
		case len(d) < 8 || len(d) > 19:
		case cpfShape.MatchString(part), len(d) == 11 && len(part) == 11 && d[2] != '9' && validCPF(d):
			return value{kind: CPF, s: d}, to
		case cnpjShape.MatchString(part), len(part) == 14 && len(d) == 14:
			return value{kind: CNPJ, s: d}, to
		case cepShape.MatchString(part), len(part) == 8 && len(d) == 8 && endsWith(text[:at], "cep", "cep:"):
			return value{kind: CEP, s: d}, to
		case len(d) >= 13 && cardShape.MatchString(part) && luhn(d):
			return value{kind: Card, s: d}, to
		case phoneShape.MatchString(part):
			return value{kind: Phone, s: d}, to
		}
	}
	return value{}, 0
}

func endsWith(text []byte, words ...string) bool {
	s := strings.ToLower(strings.TrimSpace(string(text[max(0, len(text)-12):])))
	for _, w := range words {
		if strings.HasSuffix(s, w) {
			return true
		}
	}
	return false
}

// timestamp reads what programs write: a date, an hour, and the zone that they are in.
func (r *reader) timestamp(text string, m []int, take func(value, int, int)) {
	date, err := time.Parse(time.DateOnly, text[m[2]:m[3]])
	if err != nil {
		return
	}
	clock := time.Time{}
	if m[4] >= 0 {
		if clock, err = time.Parse("15:04", text[m[4]:m[5]]); err != nil {
			return
		}
		date = date.Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
	}
	if m[8] >= 0 {
		r.timely = true
		zone := time.UTC
		if z := strings.Replace(text[m[8]:m[9]], ":", "", 1); z != "Z" {
			at, err := time.Parse("-0700", z)
			if err != nil {
				return
			}
			_, offset := at.Zone()
			zone = time.FixedZone("", offset)
		}
		date = time.Date(date.Year(), date.Month(), date.Day(), date.Hour(), date.Minute(), 0, 0, zone).In(r.zone)
	}
	take(value{kind: Day, year: date.Year(), month: int(date.Month()), day: date.Day()}, m[0], m[3])
	if m[4] >= 0 {
		take(value{kind: Hour, n: int64(date.Hour()*60 + date.Minute())}, m[4], m[1])
	}
}

func digits(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

// samePhone compares numbers with and without country and area.
func samePhone(a, b string) bool {
	a, b = national(a), national(b)
	if len(a) < len(b) {
		a, b = b, a
	}
	if a == b {
		return true
	}
	// A mobile is written with and without its ninth digit.
	if len(a) == 11 && len(b) == 10 && a[2] == '9' {
		return a[:2]+a[3:] == b
	}
	return len(b) >= 8 && len(b) <= 9 && len(a) >= 10 && strings.HasSuffix(a, b)
}

func national(s string) string {
	if len(s) >= 12 && strings.HasPrefix(s, "55") {
		s = s[2:]
	}
	if len(s) == 11 || len(s) == 12 {
		if s[0] == '0' && s[1] != '8' && s[1] != '3' {
			s = s[1:]
		}
	}
	return s
}

// normalLink is an address without its scheme and its last slash, the host in lower case.
func normalLink(s string) string {
	s = strings.NewReplacer("[.]", ".", "(.)", ".").Replace(s)
	low := strings.ToLower(s)
	for _, scheme := range []string{"https://", "http://", "hxxps://", "hxxp://"} {
		if strings.HasPrefix(low, scheme) {
			s = s[len(scheme):]
			break
		}
	}
	host, rest := s, ""
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		host, rest = s[:i], s[i:]
	}
	return strings.ToLower(host) + strings.TrimSuffix(rest, "/")
}

func hostOf(link string) string {
	if i := strings.IndexAny(link, "/?#"); i >= 0 {
		link = link[:i]
	}
	return strings.TrimPrefix(link, "www.")
}

func validCPF(d string) bool {
	if len(d) != 11 || strings.Count(d, d[:1]) == 11 {
		return false
	}
	for n := 9; n <= 10; n++ {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (n + 1 - i)
		}
		if sum*10%11%10 != int(d[n]-'0') {
			return false
		}
	}
	return true
}

func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// dictatedAt reads a phone or a document that is written to be overlooked: digit for digit, "1 1 9
// 8 7...", or in words, "onze nove oito...".
func (r *reader) dictatedAt(i int) (value, int, bool) {
	t := r.tokens
	var d string
	to := i
	switch t[i].Kind {
	case portuguese.Digits:
		groups := 0
		for to < len(t) {
			if t[to].Kind == portuguese.Digits && len(t[to].Fold) <= 2 {
				d += t[to].Fold
				groups++
				to++
				continue
			}
			if !is(t, to, ".", "-", "_", "*", "/", "·") || to+1 >= len(t) || t[to+1].Kind != portuguese.Digits {
				break
			}
			to++
		}
		if len(d) < 8 || groups < 6 || len(d)*3 > groups*4 {
			d, to = "", i
		}
	case portuguese.Word:
		if _, ok := portuguese.NumberAt(t, i); !ok {
			return value{}, 0, false
		}
	default:
		return value{}, 0, false
	}
	if d == "" {
		spoken, ok := portuguese.DictatedAt(t, i)
		if !ok || spoken.From != i || len(spoken.Digits) < 8 || spoken.To-i < 6 {
			return value{}, 0, false
		}
		d, to = spoken.Digits, spoken.To
	}
	switch {
	case len(d) > 19:
		return value{}, 0, false
	case len(d) == 11 && d[2] != '9' && validCPF(d):
		return value{kind: CPF, s: d}, to, true
	case len(d) >= 13 && luhn(d):
		return value{kind: Card, s: d}, to, true
	case len(d) == 14:
		return value{kind: CNPJ, s: d}, to, true
	}
	return value{kind: Phone, s: d}, to, true
}
