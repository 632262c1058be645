package guard

import (
	"encoding/base32"
	"encoding/base64"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWork bounds how many bytes are read in vain where a text looks encoded and is not.
const maxWork = 32 << 10

// decodeSegments replaces what is encoded in a text by what it says. The name is that of
// the first encoding found, "" if there was none.
func decodeSegments(text string) (name, decoded string) {
	var b strings.Builder
	found := func(n string) {
		if name == "" {
			name = n
		}
	}
	if i := strings.IndexByte(text, '&'); i >= 0 && (strings.Contains(text[i:], "&#") || strings.Contains(text[i:], ";")) {
		if plain := html.UnescapeString(text); plain != text && strings.Count(text, ";") >= 3 {
			text = plain
			found("entities")
		}
	}
	work := maxWork
	for i := 0; i < len(text); {
		if i == 0 || !inRun(text[i-1]) || text[i] == '%' || text[i] == '\\' {
			if n, out, end := segmentAt(text, i); n != "" {
				b.WriteString(out)
				found(n)
				i = end
				continue
			} else if end > i {
				if work -= end - i; work < 0 {
					b.WriteString(text[i:])
					break
				}
			}
		}
		b.WriteByte(text[i])
		i++
	}
	if name == "" {
		return "", ""
	}
	return name, b.String()
}

func inRun(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// segmentAt decodes what begins at text[i]. Where nothing does the name is "" and end says
// how far it looked.
func segmentAt(text string, i int) (name, out string, end int) {
	c := text[i]
	vain := 0 // up to where the text was read to no avail
	switch {
	case c == '%' || c == '=':
		if out, end = escapes(text, i, c); end > 0 && readable(out) {
			return "url", out, end
		}
		return "", "", end
	case c == '\\' || c == 'U' && strings.HasPrefix(text[i:], "U+"):
		if out, end = codes(text, i); end > 0 && readable(out) {
			return "escapes", out, end
		}
		return "", "", end
	case c == '.' || c == '-':
		if out, end = morse(text, i); end > 0 && readable(out) {
			return "morse", out, end
		}
		return "", "", end
	case !inRun(c):
		return "", "", 0
	}
	if c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
		if out, end = bitGroups(text, i); end > 0 && readable(out) {
			return "binary", out, end
		}
		tried := end
		if out, end = hexPairs(text, i); end > 0 && readable(out) {
			return "hex", out, end
		}
		tried = max(tried, end)
		if out, end = decimals(text, i); end > 0 && readable(out) {
			return "decimal", out, end
		}
		vain = max(tried, end)
	}
	end = i
	upper := true
	for end < len(text) && (inRun(text[end]) || strings.IndexByte("+/-_", text[end]) >= 0) {
		upper = upper && (text[end] >= 'A' && text[end] <= 'Z' || text[end] >= '2' && text[end] <= '7')
		end++
	}
	run := text[i:end]
	for end < len(text) && text[end] == '=' {
		end++
	}
	if len(run) < 12 {
		return "", "", vain
	}
	if upper {
		if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(run[:len(run)/8*8+[]int{0, 0, 2, 2, 4, 5, 5, 7}[len(run)%8]]); err == nil && readable(string(raw)) {
			return "base32", string(raw), end
		}
	}
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	run = strings.Map(standardAlphabet, run)
	if raw, err := base64.RawStdEncoding.DecodeString(run); err == nil && readable(string(raw)) {
		return "base64", string(raw), end
	}
	return "", "", max(vain, end)
}

// standardAlphabet turns base64 for addresses into the other one.
func standardAlphabet(r rune) rune {
	switch r {
	case '-':
		return '+'
	case '_':
		return '/'
	}
	return r
}

// readable says whether a decoded text reads like words: nearly all letters and blanks.
func readable(s string) bool {
	if len(s) < 6 || !utf8.ValidString(s) {
		return false
	}
	good, all, vowels := 0, 0, 0
	for _, r := range s {
		all++
		switch {
		case strings.ContainsRune("aeiouAEIOU", r):
			vowels++
			good++
		case unicode.IsLetter(r) && r < 0x250, r == ' ', r == ',', r == '.', r == '\n', r == '?', r == '!', r == ':':
			good++
		case unicode.IsControl(r):
			return false
		}
	}
	// An encoding within an encoding has no blanks and many digits.
	return good*4 >= all*3 && vowels*7 >= all || all >= 16 && encoded(s)
}

func encoded(s string) bool {
	for i := range len(s) {
		if c := s[i]; !inRun(c) && strings.IndexByte("+/=_- %\\", c) < 0 {
			return false
		}
	}
	return true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// escapes reads "%69%67" and "=69=67", with plain letters between. At least three.
func escapes(text string, i int, sign byte) (string, int) {
	var b []byte
	n, end := 0, 0
	for i < len(text) {
		if text[i] == sign && i+2 < len(text) && hexDigit(text[i+1]) >= 0 && hexDigit(text[i+2]) >= 0 {
			b = append(b, byte(hexDigit(text[i+1])<<4|hexDigit(text[i+2])))
			i, n = i+3, n+1
			end = i
			continue
		}
		if text[i] <= ' ' || text[i] >= utf8.RuneSelf {
			break
		}
		c := text[i]
		if c == '+' {
			c = ' '
		}
		b = append(b, c)
		i++
		end = i
	}
	if n < 3 {
		return "", i
	}
	return string(b), end
}

// codes reads "\u0069", "\x69" and "U+0069", with blanks between.
func codes(text string, i int) (string, int) {
	var b []byte
	n, end := 0, 0
	for i < len(text) {
		rest := text[i:]
		width, digits := 0, 0
		switch {
		case strings.HasPrefix(rest, "\\u{"):
			width, digits = 3, strings.IndexByte(rest, '}')-3
		case strings.HasPrefix(rest, "\\u"), strings.HasPrefix(rest, "U+"):
			width, digits = 2, 4
		case strings.HasPrefix(rest, "\\x"):
			width, digits = 2, 2
		case rest[0] == ' ' && n > 0:
			if i+1 < len(text) && text[i+1] != '\\' && text[i+1] != 'U' || i+1 == len(text) {
				return done(b, n, end)
			}
			i++
			continue
		default:
			return done(b, n, end)
		}
		if digits < 1 || digits > 6 || width+digits > len(rest) {
			break
		}
		v, err := strconv.ParseUint(rest[width:width+digits], 16, 32)
		if err != nil {
			break
		}
		if digits == 2 {
			b = append(b, byte(v))
		} else {
			b = utf8.AppendRune(b, rune(v))
		}
		n++
		i += width + digits
		if i < len(text) && text[i] == '}' {
			i++
		}
		end = i
	}
	return done(b, n, end)
}

func done(b []byte, n, end int) (string, int) {
	if n < 3 {
		return "", 0
	}
	return string(b), end
}

// groups reads numbers in a base, size digits each where size is not 0, with blanks, commas
// or prefixes between.
func groups(text string, i, base, size, atLeast int, glued bool, prefix string) (string, int) {
	var b []byte
	n, end := 0, 0
	for i < len(text) {
		j := i
		if prefix != "" && strings.HasPrefix(text[i:], prefix) {
			j += len(prefix)
		}
		k := j
		for k < len(text) && (size == 0 && k < j+3 || k < j+size) {
			if d := hexDigit(text[k]); d < 0 || d >= base {
				break
			}
			k++
		}
		if k == j || size != 0 && k != j+size {
			break
		}
		v, err := strconv.ParseUint(text[j:k], base, 16)
		if err != nil || v > 255 || v < 32 && v != '\n' {
			break
		}
		b = append(b, byte(v))
		n++
		i, end = k, k
		gaps := 0
		for i < len(text) && gaps < 3 && strings.IndexByte(" ,;:-\n", text[i]) >= 0 {
			i++
			gaps++
		}
		if gaps == 0 && !glued {
			break
		}
	}
	if n < atLeast || end < len(text) && inRun(text[end]) {
		return "", i
	}
	return string(b), end
}

func bitGroups(text string, i int) (string, int) { return groups(text, i, 2, 8, 5, true, "") }
func hexPairs(text string, i int) (string, int)  { return groups(text, i, 16, 2, 6, true, "0x") }
func decimals(text string, i int) (string, int)  { return groups(text, i, 10, 0, 6, false, "") }

const morseLetters = "a.- b-... c-.-. d-.. e. f..-. g--. h.... i.. j.--- k-.- l.-.. m-- n-. o--- p.--. q--.- r.-. s... t- u..- v...- w.-- x-..- y-.-- z--.. "

// morse reads letters of dots and dashes with blanks between and "/" or two blanks between
// words. At least six.
func morse(text string, i int) (string, int) {
	var b []byte
	n, end := 0, 0
	for i < len(text) {
		j := i
		for j < len(text) && j < i+5 && (text[j] == '.' || text[j] == '-') {
			j++
		}
		if j == i {
			break
		}
		at := -1
		if j-i <= 4 {
			at = strings.Index(morseLetters, text[i:j]+" ")
			for at > 0 && morseLetters[at-1] < 'a' { // the end of a longer letter
				next := strings.Index(morseLetters[at+1:], text[i:j]+" ")
				if next < 0 {
					at = -1
					break
				}
				at += 1 + next
			}
		}
		if at <= 0 {
			break
		}
		b = append(b, morseLetters[at-1])
		n++
		i, end = j, j
		gaps := 0
		for i < len(text) && (text[i] == ' ' || text[i] == '/' || text[i] == '|' || text[i] == '\n') {
			if text[i] != ' ' {
				gaps++
			}
			gaps++
			i++
		}
		if gaps > 1 {
			b = append(b, ' ')
		}
		if gaps == 0 {
			break
		}
	}
	if n < 6 {
		return "", i
	}
	return string(b), end
}
