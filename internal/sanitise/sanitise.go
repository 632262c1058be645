// Package sanitise cleans what strangers wrote before a model or a person reads it: message
// texts, names, captions.
//
// It takes away what cannot be seen and what only floods: control and bidirectional
// characters, zero-width characters and hidden tags, heaps of combining marks, runs of white
// space and of one sign, bytes that are no UTF-8. It promises to leave alone what is
// written: accents, scripts from right to left, emoji with their skin tones, joiners and
// flags. Everything here is pure, and doing it twice changes nothing.
package sanitise

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MessageLimit is how much of one message goes to a model by default, in characters.
	MessageLimit = 1000
	// LineLimit is how long a name or a caption may be, in characters.
	LineLimit = 80
)

const (
	maxSign   = 3 // of one sign in a row: "!!!"
	maxLetter = 6 // of one letter in a row: "kkkkkk"
	maxMarks  = 3 // on one letter; Hebrew and Vietnamese need as many
	maxJoins  = 4 // emoji joined into one; a family has three
)

// Text returns the text cleaned, with at most one empty line between two others. Digits are
// never shortened: they are numbers.
func Text(s string) string {
	if plain(s) {
		return s
	}
	var w writer
	w.grow(len(s))
	for i := 0; i < len(s); {
		i = w.next(s, i)
	}
	return strings.TrimRight(w.String(), " \n")
}

// Message returns the cleaned text up to limit characters, and the rest. A limit of 0 or
// less is MessageLimit. It is cut at white space where there is some near, and never
// inside what is one character to the eye. Nothing but white space is lost between the two.
func Message(s string, limit int) (kept, rest string) {
	if limit <= 0 {
		limit = MessageLimit
	}
	return cut(Text(s), limit)
}

// Name returns the name of a person or a thing in one line of LineLimit characters at the
// most, without the signs that mark-up and fences are made of.
func Name(s string) string { return line(s) }

// Caption returns what stands under a picture or a file, as Name does. A caption that is
// the whole message belongs to Message.
func Caption(s string) string { return line(s) }

func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case fence(r):
			return ' '
		case r == '\n' || breaks(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	// Three signs in a row are a fence too; in a line one is enough.
	kept, _ := cut(single(Text(s)), LineLimit)
	return kept
}

// fence says whether mark-up or a delimiter could be made of a rune.
func fence(r rune) bool {
	return strings.ContainsRune("<>`{}[]|\\\"＜＞｀｛｝［］｜＼＂‹›〈〉《》【】﹤﹥", r)
}

// single leaves one of the signs - = # * _ ~ where several stand in a row.
func single(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	last := rune(-1)
	for _, r := range s {
		if r == last && strings.ContainsRune("-=#*_~$%:", r) {
			continue
		}
		b.WriteRune(r)
		last = r
	}
	return strings.TrimSpace(b.String())
}

// plain says whether there is nothing to do: printable ASCII and Latin letters, single
// blanks and line ends, no runs.
func plain(s string) bool {
	run := 0
	last := byte('\n')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ' || c == '\n':
			if last == ' ' || last == '\n' {
				return false
			}
		case c < ' ' || c == 0x7F:
			return false
		case c >= 0x80:
			// U+00C0 to U+00FF, in two bytes
			if c != 0xC3 || i+1 == len(s) || s[i+1] < 0x80 || s[i+1] > 0xBF {
				return false
			}
			i++
			c = s[i]
		}
		if c == last {
			if run++; run > maxSign-1 && !(c >= '0' && c <= '9') {
				return false
			}
		} else {
			run = 0
		}
		last = c
	}
	return last != ' ' && last != '\n' || s == ""
}

// writer puts one character to the eye after the other, a cluster, into its output.
type writer struct {
	strings.Builder
	last   string // the cluster before, "" after white space
	run    int    // how many of it stand in a row
	lines  int    // line ends not written yet
	blank  bool   // a space not written yet
	began  bool
	buffer [64]byte
}

func (w *writer) grow(n int) { w.Grow(n) }

// next reads one cluster at i and returns where the next begins.
func (w *writer) next(s string, i int) int {
	r, size := utf8.DecodeRuneInString(s[i:])
	switch {
	case r == utf8.RuneError && size <= 1:
		for i < len(s) {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				break
			}
			i++
		}
		w.put("\uFFFD", '\uFFFD')
		return i
	case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		return i + 1
	case r == '\n' || breaks(r):
		w.lines++
		return i + size
	case r == '\t' || unicode.Is(unicode.Zs, r):
		w.blank = true
		return i + size
	case hidden(r), unicode.IsMark(r), selector(r), joiner(r):
		return i + size // a mark with nothing to stand on as well
	}
	cluster, to := w.cluster(s, i, r, size)
	w.put(cluster, r)
	return to
}

// cluster gathers what belongs to the rune r at i, without what is hidden between.
func (w *writer) cluster(s string, i int, r rune, size int) (string, int) {
	start := i
	i += size
	if i == len(s) || s[i] < utf8.RuneSelf {
		return s[start:i], i // the usual case
	}
	b := append(w.buffer[:0], s[start:i]...)
	whole := func(to int) (string, int) {
		if to-start == len(b) {
			return s[start:to], to // nothing was left out, so nothing is copied
		}
		return string(b), to
	}
	marks, joins := 0, 0
	base := r
	selected := false
	if flagLetter(r) {
		if n, to := follow(s, i, true); flagLetter(n) {
			b = utf8.AppendRune(b, n)
			return whole(to)
		}
		return whole(i)
	}
	if r == '\U0001F3F4' { // the flags of England, Scotland and Wales are tags
		for _, tags := range []string{"gbeng", "gbsct", "gbwls"} {
			if to, ok := tagged(s, i, tags); ok {
				return s[start:to], to
			}
		}
	}
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\u200D' && picture(base):
			n, to := follow(s, i+size, false)
			if !picture(n) || joins == maxJoins {
				i += size
				continue
			}
			b = utf8.AppendRune(utf8.AppendRune(b, r), n)
			base, joins, marks, selected = n, joins+1, 0, false
			i = to
			continue
		case joiner(r) && shapes(base):
			if n, _ := follow(s, i+size, false); shapes(n) {
				// It shapes the letters on both sides; the next one is its own cluster.
				b = utf8.AppendRune(b, r)
				return whole(i + size)
			}
		case r == '\uFE0F' || r == '\uFE0E':
			if !selected && (picture(base) || strings.ContainsRune("0123456789#*", base)) {
				b = utf8.AppendRune(b, r)
				selected = true
			}
		case tone(r) && picture(base) && !tone(base) && marks == 0:
			b = utf8.AppendRune(b, r)
			marks++
		case unicode.IsMark(r) && !hidden(r) && !selector(r):
			if marks < maxMarks {
				b = utf8.AppendRune(b, r)
			}
			marks++
		case hidden(r), joiner(r), selector(r):
		default:
			return whole(i)
		}
		i += size
	}
	return whole(i)
}

// follow returns the next rune that is not hidden, and where it ends; marks are passed over
// too where nothing can carry them.
func follow(s string, i int, marks bool) (rune, int) {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			return -1, i
		}
		if i += size; !hidden(r) && !(marks && (unicode.IsMark(r) || selector(r) || joiner(r))) {
			return r, i
		}
	}
	return -1, i
}

func tagged(s string, i int, tags string) (int, bool) {
	for _, c := range tags + "\x7f" {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r != 0xE0000+c {
			return 0, false
		}
		i += size
	}
	return i, true
}

// put writes a cluster that begins with r, after the white space before it.
func (w *writer) put(cluster string, r rune) {
	switch {
	case !w.began:
	case w.lines > 0:
		w.WriteString("\n\n"[:min(w.lines, 2)])
		w.last = ""
	case w.blank:
		w.WriteByte(' ')
		w.last = ""
	}
	w.lines, w.blank, w.began = 0, false, true
	if cluster != w.last {
		w.last, w.run = cluster, 0
	}
	w.run++
	if unicode.IsDigit(r) || w.run <= maxSign || w.run <= maxLetter && unicode.IsLetter(r) {
		w.WriteString(cluster)
	}
}

// cut divides s after at most limit characters. s is clean.
func cut(s string, limit int) (kept, rest string) {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s, ""
	}
	n, at, blank := 0, 0, -1
	var w writer
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		to := at + size
		if r != ' ' && r != '\n' {
			_, to = w.cluster(s, at, r, size)
		} else if n > limit*3/4 {
			blank = at
		}
		if n += utf8.RuneCountInString(s[at:to]); n > limit {
			break
		}
		at = to
	}
	if at == 0 { // one character longer than the limit
		_, at = w.cluster(s, 0, firstRune(s), len(string(firstRune(s))))
	}
	if at < len(s) && s[at] != ' ' && s[at] != '\n' && blank >= 0 {
		at = blank
	}
	return strings.TrimRight(s[:at], " \n\u200c\u200d"), strings.TrimLeft(s[at:], " \n")
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
