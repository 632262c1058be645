package redact

import "strings"

// credential reads tokens, keys and UUIDs: what is made of letters, digits, - and _ in one
// run. It says whether it went on.
func (sc *scanner) credential() bool {
	s, i := sc.s, sc.i
	if i < sc.run {
		return false
	}
	end, long, seg := i, 0, 0
	for end < len(s) && runByte(s[end]) {
		if alnum(s[end]) {
			seg++
			long = max(long, seg)
		} else {
			seg = 0
		}
		end++
	}
	sc.run = end
	n := end - i
	if n < 16 {
		if n >= 8 && strings.HasPrefix(s[i:end], "eyJ") {
			return sc.jwt(end)
		}
		return false
	}
	if end < len(s) && s[end] == '@' {
		return false // the local part of an address
	}
	run := s[i:end]
	switch {
	case n >= 36 && isUUID(run[:36]) && (n == 36 || run[36] == '-' || run[36] == '_'):
		if sc.own.what == aboutPix && sc.own.words <= 6 || mentions(s[i+36:], "pix", 40) {
			sc.add(i, i+36, Pix)
			return true
		}
		sc.i = i + 36
		sc.said(nothing)
		return true
	case strings.HasPrefix(run, "eyJ"):
		return sc.jwt(end)
	case branded(run), long >= 24 && randomSegment(run), n >= 32 && randomRun(run):
		sc.add(i, padded(s, end), Token)
		return true
	}
	return false
}

// padded is the end of a token with what base64 puts behind and between.
func padded(s string, end int) int {
	for end < len(s) && (runByte(s[end]) || s[end] == '+' || s[end] == '/' || s[end] == '=') {
		end++
	}
	return end
}

func (sc *scanner) jwt(end int) bool {
	s := sc.s
	for parts := 0; parts < 4 && end+1 < len(s) && s[end] == '.' && runByte(s[end+1]); parts++ {
		end++
		for end < len(s) && runByte(s[end]) {
			end++
		}
	}
	if end-sc.i < 16 {
		return false
	}
	sc.add(sc.i, end, Token)
	return true
}

// branded says whether a run begins as the keys of well-known services do.
func branded(run string) bool {
	switch run[0] {
	case 's', 'p', 'r':
		return len(run) >= 19 && run[1] == 'k' && (run[2] == '-' || run[2] == '_')
	case 'A':
		return len(run) >= 24 && strings.HasPrefix(run, "AIza") || len(run) == 20 && strings.HasPrefix(run, "AKIA")
	case 'g':
		return len(run) >= 20 && (run[1] == 'h' && run[3] == '_' || strings.HasPrefix(run, "github_pat_") || strings.HasPrefix(run, "glpat-"))
	case 'x':
		return strings.HasPrefix(run, "xox") && run[4] == '-'
	case 'w':
		return strings.HasPrefix(run, "whsec_")
	}
	return false
}

// mixture counts what tells chance from words.
type mixture struct {
	upper, lower, digits, changes int // changes between letter and digit
	last                          kind
}

func (m *mixture) add(c byte) {
	k := kinds[c]
	switch {
	case k == digit:
		m.digits++
	case c >= 'a' && c <= 'z':
		m.lower++
	case k == letter:
		m.upper++
	default:
		m.last = other
		return
	}
	if m.last != other && m.last != k {
		m.changes++
	}
	m.last = k
}

// randomSegment says whether 24 or more letters and digits in a row look drawn: a word or a
// name has few capitals and its digits together. Of drawn tokens in base 62, fewer than one
// in ten million is taken for a word; long identifiers of programs may be taken for tokens.
func randomSegment(run string) bool {
	var m mixture
	n := 0
	for i := 0; i <= len(run); i++ {
		if i < len(run) && alnum(run[i]) {
			m.add(run[i])
			n++
			continue
		}
		if n >= 24 && (m.upper >= 4 && m.lower >= 4 || m.digits > 0 && m.changes >= 3) {
			return true
		}
		m, n = mixture{}, 0
	}
	return false
}

// randomRun is the same for base64url, whose - and _ cut it into pieces. A slug has its
// digits apart from its letters.
func randomRun(run string) bool {
	var m mixture
	for i := range len(run) {
		m.add(run[i])
	}
	return m.upper > 0 && m.lower > 0 && m.digits > 0 && m.changes >= 4 && len(run)-m.upper-m.lower-m.digits <= len(run)/8
}

func isUUID(s string) bool {
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !hexadecimal(s[i : i+1]) {
				return false
			}
		}
	}
	return true
}

// mentions says whether a word stands within the first bytes of s, on the same line.
func mentions(s, word string, within int) bool {
	s = s[:min(len(s), within)]
	for i := 0; i+len(word) <= len(s) && s[i] != '\n'; i++ {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) && (i == 0 || !alnum(s[i-1])) {
			return true
		}
	}
	return false
}

// scheme reads "Bearer ..." and "Basic ...", after whose first word the text goes on at to.
func (sc *scanner) scheme(to int, m meaning) bool {
	s := sc.s
	from := to
	for from < len(s) && from < to+2 && (s[from] == ' ' || s[from] == '+') {
		from++
	}
	end := from
	digits, capitals := false, false
	for end < len(s) && (runByte(s[end]) || strings.IndexByte(".~+/=", s[end]) >= 0) {
		digits = digits || kinds[s[end]] == digit || s[end] == '='
		capitals = capitals || end > from && s[end] >= 'A' && s[end] <= 'Z'
		end++
	}
	for end > from && s[end-1] == '.' {
		end--
	}
	value := s[from:end]
	if from == to || len(value) < 6 || m == schemeBasic && !digits && !capitals {
		return false
	}
	switch strings.ToLower(value) {
	case "token", "tokens", "schema", "scheme", "missing", "header", "authentication", "authorization", "required", "invalid", "expired", "credentials":
		return false
	}
	sc.add(from, end, Token)
	return true
}

// maxKey bounds the name before = or :, in bytes.
const maxKey = 48

// assignment reads what stands behind = or : when the name before it is that of a secret,
// and the user and password of an address.
func (sc *scanner) assignment() {
	s, i := sc.s, sc.i
	sc.i++
	if strings.HasPrefix(s[i:], "://") {
		sc.userinfo(i + 3)
		return
	}
	end := i
	quoted := end > sc.done && (s[end-1] == '"' || s[end-1] == '\'')
	if quoted {
		end--
	} else if end > sc.done && s[end-1] == ' ' {
		end--
	}
	from := end
	for from > sc.done && end-from < maxKey && runByte(s[from-1]) {
		from--
	}
	if from == end {
		return
	}
	class, header := keyClass(s[from:end])
	if class == "" {
		if s[i] == '=' && strings.EqualFold(s[from:end], "key") {
			class = Token
		} else {
			return
		}
	}
	value := i + 1
	for value < len(s) && value < i+4 && s[value] == ' ' {
		value++
	}
	if header {
		sc.header(value)
		return
	}
	if value < len(s) && (s[value] == '"' || s[value] == '\'') {
		q := s[value]
		to := value + 1
		for to < len(s) && s[to] != q && s[to] != '\n' {
			if s[to] == '\\' && to+1 < len(s) {
				to++
			}
			to++
		}
		sc.secret(value+1, min(to, len(s)), class)
		return
	}
	stop := " \n\t\r\"'&,;})<>"
	if class == Password && s[i] == ':' {
		stop = " \n\t\r\"'<>"
	}
	to := value
	for to < len(s) && strings.IndexByte(stop, s[to]) < 0 {
		to++
	}
	for to > value && strings.IndexByte(".,;!?)", s[to-1]) >= 0 {
		to--
	}
	if s[i] == ':' && !quoted && (!tellsSecret(s, value, to, class) || class == Password && keyed(s, from, end) && lowerWord(s[value:to])) {
		return
	}
	sc.secret(value, to, class)
}

// keyed says whether a name is a key of a configuration: what follows "JWT_PASSWORD:" or
// "inbox.password:" as a plain word is what is wrong with it.
func keyed(s string, from, to int) bool {
	return strings.IndexByte(s[from:to], '_') >= 0 || from > 1 && s[from-1] == '.' && alnum(s[from-2])
}

func lowerWord(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

func (sc *scanner) secret(from, to int, class Class) {
	if from >= to {
		return
	}
	if n, _ := maskAt(sc.s[from:]); n > 0 {
		return
	}
	sc.add(from, to, class)
}

// header reads the value of Authorization and Cookie, to the end of what may be one.
func (sc *scanner) header(from int) {
	s := sc.s
	for from < len(s) && strings.IndexByte("\"'[ ", s[from]) >= 0 {
		if n, _ := maskAt(s[from:]); n > 0 {
			return
		}
		from++
	}
	to := from
	for to < len(s) && strings.IndexByte("\n\r\"'],", s[to]) < 0 {
		if n, _ := maskAt(s[to:]); n > 0 {
			break
		}
		to++
	}
	for to > from && s[to-1] == ' ' {
		to--
	}
	if f, end, _ := wordAt(s, from); f.meaning() == schemeBearer || f.meaning() == schemeBasic {
		if from = skipSpaces(s, end); from >= to {
			return
		}
	}
	sc.secret(from, to, Token)
}

// keyClass says what a name holds; header where its value goes to the end of the line.
func keyClass(name string) (class Class, header bool) {
	var room [maxKey]byte
	n := copy(room[:], name)
	for i := range n {
		if c := room[i]; c >= 'A' && c <= 'Z' {
			room[i] = c | 0x20
		}
	}
	// No string is built for a name that cannot be one.
	for i := range n {
		rest := room[i:n]
		switch room[i] {
		case 's':
			switch {
			case begins(rest, "senha"):
				return Password, false
			case begins(rest, "secret") && (n == i+6 || !alnum(room[i+6])), begins(rest, "signature"), begins(rest, "signing_key"):
				return Token, false
			}
		case 'p':
			if begins(rest, "password") || begins(rest, "passwd") || begins(rest, "pwd") {
				return Password, false
			}
			if begins(rest, "private_key") {
				return Token, false
			}
		case 't':
			if begins(rest, "token") && !begins(rest, "tokens") {
				return Token, false
			}
		case 'a':
			switch {
			case begins(rest, "apikey"), begins(rest, "api_key"), begins(rest, "api-key"), begins(rest, "access_key"), begins(rest, "accesskey"):
				return Token, false
			case begins(rest, "authorization"):
				return Token, true
			}
		case 'c':
			if begins(rest, "cookie") && len(rest) == len("cookie") && (i == 0 || room[i-1] == '-') {
				return Token, true
			}
		}
	}
	return "", false
}

func begins(b []byte, word string) bool { return len(b) >= len(word) && string(b[:len(word)]) == word }

// tellsSecret says whether what follows "senha:" or "token:" in prose is one: "senha: como
// recupero?" is a question, "token: não recebi" a complaint.
func tellsSecret(s string, from, to int, class Class) bool {
	letters := true
	for i := from; i < to; i++ {
		if c := s[i]; c < 'a' || c > 'z' {
			if c < 0x80 {
				letters = false
			}
		}
	}
	if !letters && class == Password {
		return true
	}
	if class == Token {
		for i := from; i < to; i++ {
			if kinds[s[i]] == digit && to-from >= 4 {
				return true
			}
		}
		return to-from >= 16
	}
	next := skipSpaces(s, to)
	if next == to || next == len(s) || kinds[s[next]] != letter && s[next] < 0x80 {
		return to == len(s) || s[to] == '\n' || to-from > 7 && s[to] != '?'
	}
	if to-from <= 4 {
		return false
	}
	switch s[from:to] {
	case "preciso", "esqueci", "gostaria", "queria", "quero", "onde", "quando", "podem", "poderia", "consigo", "nunca", "ainda":
		return false
	}
	return true
}

// toldPassword reads "minha senha é abc123", the text going on at to.
func (sc *scanner) toldPassword(to int) bool {
	s := sc.s
	from := skipSpaces(s, to)
	if from == to {
		return false
	}
	if f, end, _ := wordAt(s, from); end > from && !f.long {
		switch string(f.b[:f.n]) {
		case "e", "eh", "is", "do":
			from = skipSpaces(s, end)
		}
	}
	end, digits := from, false
	for end < len(s) && strings.IndexByte(" \n\t\r\"'<>", s[end]) < 0 {
		digits = digits || kinds[s[end]] == digit
		end++
	}
	for end > from && strings.IndexByte(".,;!?)", s[end-1]) >= 0 {
		end--
	}
	if !digits || end-from < 5 || s[from] == '[' {
		return false
	}
	sc.add(from, end, Password)
	return true
}

// maxUserinfo bounds what is looked through for the @ of an address, in bytes.
const maxUserinfo = 512

func (sc *scanner) userinfo(from int) {
	s := sc.s
	last := -1
	for j := from; j < len(s) && j < from+maxUserinfo && strings.IndexByte("/?# \t\n\r\"'<>", s[j]) < 0; j++ {
		if s[j] == '@' {
			last = j
		}
	}
	if last > from {
		if n, _ := maskAt(s[from:]); n == last-from {
			return
		}
		sc.add(from, last, Password)
	}
}
