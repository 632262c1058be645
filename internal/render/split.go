package render

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefaultLimit is how long a bubble may become, in runes: about a screen of a phone.
const DefaultLimit = 700

// Split cuts a long answer into bubbles of at most limit runes (DefaultLimit where limit
// is below 1). A text within the limit is one bubble; a blank one is none. Bubbles are
// trimmed; put together again they are the text, but for white space.
//
// Cuts are made between paragraphs, else between lines and list items, else between
// sentences, else between words; a heading and an introduction ending in ":" stay with
// what follows. Code, links, emphasised spans and the parts of an emoji are only cut when
// one of them alone is longer than the limit. Short paragraphs share a bubble, and bubbles
// come out about equally long. The text should be rendered after it is split.
func Split(markdown string, limit int) []string {
	if limit < 1 {
		limit = DefaultLimit
	}
	s := strings.TrimSpace(clean(markdown))
	switch {
	case s == "":
		return nil
	case utf8.RuneCountInString(s) <= limit:
		return []string{s}
	}
	var bubbles []string
	for _, b := range cheapest(s, cuts(s, limit), limit) {
		if b = strings.TrimSpace(b); b != "" {
			bubbles = append(bubbles, b)
		}
	}
	return bubbles
}

// What a cut costs, against a bubble's own cost. A cut between sentences costs more than
// two bubbles, so paragraphs stay whole as long as they fit.
const (
	perBubble     = 100
	perSlack      = 60 // of a bubble that is empty; grows with the square
	cutParagraph  = 0
	cutLine       = 70
	cutIndented   = 60 // on top: before a nested item; twice before the continuation of an item
	cutSentence   = 250
	cutPart       = 500 // after a comma or the like
	cutWord       = 600
	cutAfterIntro = 220 // on top
	cutBeforeUnit = 200 // on top: between "R$" and the amount
	cutInside     = 5e3 // on top: within code, a link, a table's head, an emphasised span
	cutGrapheme   = 5e4 // within a word
	cutRune       = 1e6 // within what is seen as one character
)

// cut is a place where the text may be cut: what is before end and from next on.
type cut struct {
	end, next int // bytes
	endRunes  int // runes before end
	nextRunes int // runes before next
	cost      float64
}

// cheapest chooses the cuts with the lowest sum of costs. cuts begins with the beginning
// and ends with the end of s, and no two neighbours are further apart than limit.
func cheapest(s string, cuts []cut, limit int) []string {
	best := make([]float64, len(cuts))
	from := make([]int, len(cuts))
	for j := 1; j < len(cuts); j++ {
		best[j] = -1
		for i := j - 1; i >= 0; i-- {
			length := cuts[j].endRunes - cuts[i].nextRunes
			if length > limit {
				break
			}
			slack := float64(limit-length) / float64(limit)
			c := best[i] + perBubble + perSlack*slack*slack + cuts[j].cost
			if best[j] < 0 || c < best[j] {
				best[j], from[j] = c, i
			}
		}
	}
	var reversed []string
	for j := len(cuts) - 1; j > 0; j = from[j] {
		reversed = append(reversed, s[cuts[from[j]].next:cuts[j].end])
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return reversed
}

// cuts lists the places where s may be cut.
func cuts(s string, limit int) []cut {
	inside := protected(s)
	list := []cut{{}}
	runes, start := 0, 0     // of the word being read
	startRunes, line := 0, 0 // line is where the current line begins
	closeWord := func(end int) {
		if runes-startRunes > limit {
			list = append(list, within(s[start:end], start, startRunes)...)
		}
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !space(r) {
			i += size
			runes++
			continue
		}
		closeWord(i)
		j, n := i, runes
		for j < len(s) {
			r, size := utf8.DecodeRuneInString(s[j:])
			if !space(r) {
				break
			}
			j += size
			n++
		}
		c := cut{end: i, next: j, endRunes: runes, nextRunes: n, cost: price(s, line, i, j)}
		for len(inside) > 0 && inside[0][1] <= i {
			inside = inside[1:]
		}
		if len(inside) > 0 && inside[0][0] < i {
			c.cost += cutInside
		}
		list = append(list, c)
		if at := strings.LastIndexByte(s[i:j], '\n'); at >= 0 {
			line = i + at + 1
		}
		i, runes, start, startRunes = j, n, j, n
	}
	closeWord(len(s))
	return append(list, cut{end: len(s), next: len(s), endRunes: runes, nextRunes: runes})
}

// space says whether r is white space at which a text may be cut: not a no-break space.
func space(r rune) bool { return unicode.IsSpace(r) && r != 0xA0 && r != 0x202F }

// within lists the cuts inside a word that is longer than the limit.
func within(word string, at, runes int) []cut {
	var list []cut
	var previous rune
	flags := 0
	for i, r := range word {
		if i > 0 {
			c := cut{end: at + i, next: at + i, endRunes: runes, nextRunes: runes, cost: cutGrapheme}
			if joined(previous, r, flags) {
				c.cost = cutRune
			}
			list = append(list, c)
		}
		if flag(r) {
			flags++
		} else {
			flags = 0
		}
		previous = r
		runes++
	}
	return list
}

// joined says whether two runes are shown as one character; flags counts the regional
// indicators that end with previous.
func joined(previous, r rune, flags int) bool {
	switch {
	case unicode.Is(unicode.M, r), r == 0x200D, previous == 0x200D,
		r >= 0x1F3FB && r <= 0x1F3FF, // skin tones
		r >= 0xE0020 && r <= 0xE007F: // tags of regional flags
		return true
	}
	return flag(r) && flags%2 == 1
}

func flag(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// price says what it costs to cut s at the white space from i to j, in the line that
// begins at start.
func price(s string, start, i, j int) float64 {
	gap, line := s[i:j], s[start:i]
	var c float64
	switch newlines := strings.Count(gap, "\n"); {
	case newlines > 1:
		c = cutParagraph
	case newlines == 1:
		c = cutLine
		if strings.HasPrefix(strings.TrimSpace(line), "|") {
			c += cutWord
		}
		if strings.HasSuffix(gap, " ") || strings.HasSuffix(gap, "\t") {
			c += cutIndented
			if !listItem.MatchString(s[j:]) {
				c += cutIndented
			}
		}
	default:
		c = between(s[:i], s[j:])
	}
	if strings.Contains(gap, "\n") && (strings.HasSuffix(line, ":") || strings.HasSuffix(line, ":**") || strings.HasPrefix(line, "#") || soleBold(line)) {
		c += cutAfterIntro
	}
	return c
}

// listItem is the marker of a list item.
var listItem = regexp.MustCompile(`^(?:[-+*•]|\d{1,9}[.)])[ \t]`)

// soleBold says whether a line is nothing but bold, which serves as a heading.
func soleBold(line string) bool {
	return len(line) > 4 && len(line) < 80 && strings.HasPrefix(line, "**") && strings.HasSuffix(line, "**")
}

// between prices a cut between two words of a line.
func between(before, after string) float64 {
	word := before[strings.LastIndexFunc(before, unicode.IsSpace)+1:]
	if strings.HasSuffix(word, "$") {
		return cutWord + cutBeforeUnit
	}
	next, _ := utf8.DecodeRuneInString(after)
	core := strings.TrimRight(word, `"'”’»)*_~`)
	last := lastRune(core)
	switch {
	case pictogram(next): // an emoji belongs to what it follows
		return cutWord
	case last == '.' && abbreviation(core):
		return cutWord
	case strings.ContainsRune(".!?…", last), pictogram(last):
		if unicode.IsLower(next) {
			return cutPart
		}
		return cutSentence
	case strings.ContainsRune(",;:–—", last):
		return cutPart
	}
	return cutWord
}

func pictogram(r rune) bool {
	return r == 0xFE0F || unicode.Is(unicode.So, r) || r >= 0x1F3FB && r <= 0x1F3FF
}

// abbreviation says whether a word that ends in a period is commonly followed by more of
// the sentence.
func abbreviation(word string) bool {
	word = strings.ToLower(strings.TrimLeft(strings.TrimSuffix(word, "."), `("'“*_`))
	switch word {
	case "sr", "sra", "srta", "dr", "dra", "prof", "profa", "av", "r", "al", "tv", "rod", "pç", "ex", "obs", "tel", "cel",
		"núm", "num", "nº", "art", "pág", "pag", "apto", "ap", "bl", "end", "cx", "min", "máx", "aprox", "jan", "fev", "mar",
		"abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez", "seg", "ter", "qua", "qui", "sex", "sáb", "dom", "mr", "mrs", "ms":
		return true
	}
	return utf8.RuneCountInString(word) == 1 && unicode.IsLetter(firstRune(word)) || // an initial
		strings.Trim(word, "0123456789") == "" // "1." of a list
}

// spans are the inline elements that should stay in one bubble.
var spans = regexp.MustCompile("`[^`\n]+`" +
	`|!?\[[^\]\n]*\]\([^)\n]*\)` +
	`|\*\*[^\s*](?:[^*\n]|\*[^*\n])*\*\*` +
	`|__[^\s_](?:[^_\n]|_[^_\n])*__` +
	`|~~[^\s~][^~\n]*~~` +
	`|\*[^\s*][^*\n]*\*` +
	`|\b_[^\s_][^_\n]*_\b`)

// fenced is a code block; one that is not closed reaches to the end. The info string of a
// tilde fence is not looked at.
var fenced = regexp.MustCompile("(?ms)^ {0,3}```[^`\n]*$.*?(?:^ {0,3}```[^\n]*$|\\z)|^ {0,3}~~~[^\n]*$.*?(?:^ {0,3}~~~[^\n]*$|\\z)")

// tableHead is the header of a table with the line beneath it.
var tableHead = regexp.MustCompile(`(?m)^\|[^\n]*\n\|[ :|-]*-[ :|-]*$`)

// protected lists the ranges inside which s should not be cut, in order and disjoint.
func protected(s string) [][2]int {
	var list [][2]int
	from := 0
	text := func(to int) {
		for _, m := range spans.FindAllStringIndex(s[from:to], -1) {
			list = append(list, [2]int{from + m[0], from + m[1]})
		}
	}
	for _, m := range blocks(s) {
		if m[0] < from {
			continue
		}
		text(m[0])
		list = append(list, m)
		from = m[1]
	}
	text(len(s))
	return list
}

// blocks lists code blocks and heads of tables in order.
func blocks(s string) [][2]int {
	code, heads := fenced.FindAllStringIndex(s, -1), tableHead.FindAllStringIndex(s, -1)
	var list [][2]int
	for len(code) > 0 || len(heads) > 0 {
		if len(heads) == 0 || len(code) > 0 && code[0][0] < heads[0][0] {
			list, code = append(list, [2]int{code[0][0], code[0][1]}), code[1:]
		} else {
			list, heads = append(list, [2]int{heads[0][0], heads[0][1]}), heads[1:]
		}
	}
	return list
}
