package guard

import (
	"bytes"
	"strings"
)

// A view is one way to read a text.
type view struct {
	name   string
	text   []byte // folded
	tokens []token
	// disguise is added to what the classifier makes of it: nobody hides that he wants a table
	// for two.
	disguise float32
}

// disguises by the names of views.
func disguise(view string) float32 {
	switch view {
	case "plain", "quoted":
		return 0
	case "misspelt":
		return 0.25
	case "spaced", "leet", "uncut", "initials", "squeezed", "syllables", "vowelless":
		return 0.5
	case "caesar", "reversed", "words-reversed":
		return 1
	}
	return 2
}

// maxViews bounds how many ways a text is read.
const maxViews = 12

// views returns the ways to read a text, the plain one first. A decoded view is there only
// if something that reads like words came out of the decoding.
func (lex *lexicon) views(d *desk, text string) []view {
	folded, hidden := foldInto(d.room(min(len(text), maxText+1) + 8)[:0], text)
	plain := view{"plain", folded, lex.tokens(d, folded), dressed(text)}
	all := append(make([]view, 0, maxViews), plain)
	add := func(name string, text []byte) {
		if len(all) < maxViews && len(text) > 0 {
			all = append(all, view{name, text, lex.tokens(d, text), disguise(name)})
		}
	}
	if len(hidden) > 3 {
		h, _ := fold(string(hidden))
		add("tags", h)
	}
	inner := text
	if len(inner) > maxText {
		inner = inner[:maxText]
	}
	for range 3 { // encodings within encodings
		name, decoded := decodeSegments(inner)
		if name == "" {
			name, decoded = lex.ciphered(d, inner)
		}
		if name == "" {
			break
		}
		f, _ := fold(decoded)
		add(name, f)
		inner = decoded
		// What came out may be turned round or shifted once more.
		last := all[len(all)-1]
		lex.turned(d, last, add)
		lex.unleet(d, last, add)
	}
	lex.unleet(d, plain, add)
	lex.unspaced(d, plain, add)
	lex.turned(d, plain, add)
	lex.joined(plain, add)
	lex.mended(d, text, plain, add)
	return all
}

// dressed is the disguise of a text whose letters are not those of a keyboard: Greek and
// Cyrillic lookalikes, mathematical letters, flags, or letters with marks or nothing between.
func dressed(text string) float32 {
	odd, letters := 0, 0
	for _, r := range text[:min(len(text), 2000)] {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0xC0 && r <= 0xFF:
			letters++
		case r < 0x300 || r == 0x200D:
		case r < 0x370, r == 0x200B, r == 0x2060, r >= 0x1F100 && r < 0x1F200, r >= 0xFF21 && r < 0xFF5B, r >= 0x1D400 && r < 0x1D800, r >= 0x2460 && r < 0x2500:
			odd++
		default:
			if _, ok := latin[r]; ok && r > 0x300 {
				odd++
			}
		}
	}
	if odd >= 6 && odd*4 >= letters {
		return 2
	}
	return 0
}

// known counts the words of four letters and more that mean something, and all such words.
func known(tokens []token) (hits, words int) {
	for i := range tokens {
		if t := &tokens[i]; t.end-t.start >= 4 {
			words++
			if t.concepts != 0 {
				hits++
			}
		}
	}
	return hits, words
}

// turned reads a text that was written backwards or with shifted letters.
func (lex *lexicon) turned(d *desk, v view, add func(string, []byte)) {
	base, words := known(v.tokens)
	if words < 2 && len(v.text) < 12 {
		return
	}
	unknown := 0
	for i := range v.tokens {
		if t := &v.tokens[i]; t.concepts == 0 && t.langs == 0 && t.end-t.start >= 4 {
			unknown++
		}
	}
	if unknown < 2 {
		return
	}
	text := v.text
	if len(text) > 3000 {
		text = text[:3000]
	}
	// A look at both ends tells most texts that turning round makes no words of.
	try := func(name string, turned []byte) {
		if len(turned) > 4*glance && !lex.speaks(d, turned[:glance]) && !lex.speaks(d, turned[len(turned)-glance:]) {
			return
		}
		tokens := lex.tokens(d, turned)
		hits, all := known(tokens)
		short := 0
		for i := range tokens {
			if tokens[i].langs != 0 {
				short++
			}
		}
		d.drop(tokens)
		if hits >= 2 && hits*3 >= all && (hits > base || short >= 2) || hits >= 3 && hits*4 >= all {
			add(name, bytes.Clone(turned))
		}
	}
	turned := d.room(len(text))
	try("reversed", reversed(turned, text))
	try("rot13", mapLetters(turned, text, func(c byte) byte { return 'a' + (c-'a'+13)%26 }))
	if base*4 > words || words < 3 && len(text) > 60 {
		return
	}
	if len(text) > 600 {
		text = text[:600]
	}
	try("words-reversed", wordsReversed(turned, text))
	try("atbash", mapLetters(turned, text, func(c byte) byte { return 'a' + 'z' - c }))
	if base*6 > words {
		return
	}
	for shift := byte(1); shift < 26; shift++ {
		if shift != 13 {
			try("caesar", mapLetters(turned, text, func(c byte) byte { return 'a' + (c-'a'+shift)%26 }))
		}
	}
}

// glance is how many bytes a look at a text takes.
const glance = 160

// speaks says whether there is a word that means something.
func (lex *lexicon) speaks(d *desk, text []byte) bool {
	tokens := lex.tokens(d, text)
	hits, _ := known(tokens)
	d.drop(tokens)
	return hits > 0
}

func reversed(out, text []byte) []byte {
	out = out[:len(text)]
	for i, c := range text {
		out[len(text)-1-i] = c
	}
	return out
}

func wordsReversed(out, text []byte) []byte {
	out = out[:copy(out, text)]
	for i := 0; i < len(out); {
		j := i
		for j < len(out) && isWord(out[j]) {
			j++
		}
		for a, b := i, j-1; a < b; a, b = a+1, b-1 {
			out[a], out[b] = out[b], out[a]
		}
		i = j + 1
	}
	return out
}

func mapLetters(out, text []byte, f func(byte) byte) []byte {
	out = out[:len(text)]
	for i, c := range text {
		if c >= 'a' && c <= 'z' {
			c = f(c)
		}
		out[i] = c
	}
	return out
}

// leetSigns are pairs: what is written, what is read.
const leetSigns = "0o1i3e4a5s6g7t8b9g@a$s!i|i+t(c"

// unleet reads digits and signs within words as letters.
func (lex *lexicon) unleet(d *desk, v view, add func(string, []byte)) {
	mixed := 0
	for i := range v.tokens {
		t := &v.tokens[i]
		letters, digits := 0, 0
		for _, c := range v.text[t.start:t.end] {
			if c >= '0' && c <= '9' {
				digits++
			} else {
				letters++
			}
		}
		if digits > 0 && letters > 0 || t.before != 0 && strings.IndexByte("@$!|", t.before) >= 0 {
			mixed++
		}
	}
	if mixed < 2 {
		return
	}
	var table [256]byte
	for i := 0; i < len(leetSigns); i += 2 {
		table[leetSigns[i]] = leetSigns[i+1]
	}
	for _, one := range []byte("il") {
		table['1'] = one
		out := bytes.Clone(v.text)
		for i, c := range out {
			sign := c == '!' || c == '(' || c == '+' || c == '|'
			if r := table[c]; r != 0 && (!sign || i+1 < len(out) && isWord(out[i+1])) {
				out[i] = r
			}
		}
		before, _ := known(v.tokens)
		tokens := lex.tokens(d, out)
		after, _ := known(tokens)
		d.drop(tokens)
		if after >= before+2 {
			add("leet", out)
		}
	}
}

// longestWord is from how many letters on a word is none, whatever it begins with.
const longestWord = 30

// unspaced reads words whose letters stand apart, or that are glued or cut by signs.
func (lex *lexicon) unspaced(d *desk, v view, add func(string, []byte)) {
	out := d.room(len(v.text)*2 + 16)[:0]
	changed := false
	copied := 0
	for i := 0; i < len(v.tokens); {
		j := i
		for j < len(v.tokens) && v.tokens[j].end-v.tokens[j].start == 1 {
			j++
		}
		if j-i < 5 {
			t := &v.tokens[i]
			if n := t.end - t.start; j == i && n <= 400 && (n >= 16 && t.concepts == 0 || n >= longestWord) {
				if words, ok := lex.segment(v.text[t.start:t.end]); ok {
					out = append(append(out, v.text[copied:t.start]...), words...)
					copied, changed = t.end, true
				}
			}
			i = max(j, i+1)
			continue
		}
		out = append(out, v.text[copied:v.tokens[i].start]...)
		out = append(out, lex.gather(v, i, j)...)
		copied, changed = v.tokens[j-1].end, true
		i = j
	}
	if changed {
		add("spaced", append(out, v.text[copied:]...))
	}
	lex.uncut(d, v, add)
	lex.squeezed(d, v, add)
	lex.syllables(d, v, add)
}

// gather joins the single letters from v.tokens[i] up to j. Wider gaps part words; where all
// gaps are alike, known words are looked for.
func (lex *lexicon) gather(v view, i, j int) []byte {
	narrow := len(v.text)
	for k := i; k+1 < j; k++ {
		narrow = min(narrow, v.tokens[k+1].start-v.tokens[k].end)
	}
	var all, word []byte
	end := func() {
		if words, ok := lex.segment(word); ok && len(word) > 9 {
			word = words
		}
		all = append(append(all, word...), ' ')
		word = nil
	}
	for k := i; k < j; k++ {
		word = append(word, v.text[v.tokens[k].start])
		if k+1 < j && v.tokens[k+1].start-v.tokens[k].end > narrow {
			end()
		}
	}
	end()
	return all
}

// uncut drops signs that stand within words: "ig-no-re as re.gras".
func (lex *lexicon) uncut(d *desk, v view, add func(string, []byte)) {
	cuts := 0
	inner := func(i int) bool {
		return i > 0 && i+1 < len(v.text) && strings.IndexByte(".-_*~'`|/\\\"+,:;", v.text[i]) >= 0 && isWord(v.text[i-1]) && isWord(v.text[i+1])
	}
	for i := range v.text {
		if inner(i) {
			cuts++
		}
	}
	if cuts < 3 {
		return
	}
	glued := d.room(len(v.text))[:0]
	for i, c := range v.text {
		if !inner(i) {
			glued = append(glued, c)
		}
	}
	lex.offer(d, v, "uncut", lex.parted(d, glued), add)
}

// offer adds a view in which at least two more words mean something than in another.
func (lex *lexicon) offer(d *desk, v view, name string, text []byte, add func(string, []byte)) {
	before, _ := known(v.tokens)
	tokens := lex.tokens(d, text)
	after, _ := known(tokens)
	d.drop(tokens)
	if after >= before+2 {
		add(name, text)
	}
}

// parted returns a text with its longest unknown words parted into known ones.
func (lex *lexicon) parted(d *desk, text []byte) []byte {
	tokens := lex.tokens(d, text)
	defer d.drop(tokens)
	var out []byte
	copied := 0
	for i := range tokens {
		t := &tokens[i]
		if n := t.end - t.start; n < 16 || n > 400 || t.concepts != 0 && n < longestWord {
			continue
		}
		if words, ok := lex.segment(text[t.start:t.end]); ok {
			out = append(append(out, text[copied:t.start]...), words...)
			copied = t.end
		}
	}
	if copied == 0 {
		return text
	}
	return append(out, text[copied:]...)
}

// squeezed reads a text in which letters are drawn out, each once.
func (lex *lexicon) squeezed(d *desk, v view, add func(string, []byte)) {
	again := func(i int) bool { return i > 0 && v.text[i] == v.text[i-1] && isWord(v.text[i]) }
	doubled := 0
	for i := range v.text {
		if again(i) {
			doubled++
		}
	}
	if doubled < 6 || doubled*4 < len(v.text) {
		return
	}
	out := d.room(len(v.text))[:0]
	for i, c := range v.text {
		if !again(i) {
			out = append(out, c)
		}
	}
	lex.offer(d, v, "squeezed", out, add)
}

// syllables reads a text of nothing but pieces of words in one: "mos/ tre/ as/ re/ gras".
func (lex *lexicon) syllables(d *desk, v view, add func(string, []byte)) {
	short, unknown := 0, 0
	for i := range v.tokens {
		t := &v.tokens[i]
		if n := t.end - t.start; n > 1 && n <= 4 {
			short++
		}
		if t.concepts == 0 && t.langs == 0 {
			unknown++
		}
	}
	if n := len(v.tokens); n < 8 || n > 200 || short*8 < n*7 || unknown*2 < n {
		return
	}
	run := d.room(len(v.text))[:0]
	for i := range v.tokens {
		run = append(run, v.text[v.tokens[i].start:v.tokens[i].end]...)
	}
	if words, ok := lex.segment(run); ok {
		lex.offer(d, v, "syllables", words, add)
	}
}

// segment parts a run of letters into words of the lexicon. It is false where most of the
// run is no such word.
func (lex *lexicon) segment(run []byte) ([]byte, bool) {
	n := len(run)
	if n < 6 || n > 600 {
		return nil, false
	}
	const skip, start, tail = 10, 3, 2
	cost := make([]int, n+1)
	next := make([]int, n)
	good := make([]bool, n)
	for i := n - 1; i >= 0; i-- {
		cost[i], next[i] = cost[i+1]+skip, i+1
		consider := func(j, c int) {
			if c += cost[j]; c < cost[i] {
				cost[i], next[i], good[i] = c, j, true
			}
		}
		at := uint16(0)
		for j := i; j < n && j < i+20; j++ {
			l := letter(run[j])
			if l < 0 {
				break
			}
			if at = lex.nodes[at].next[l]; at == 0 {
				break
			}
			size := j + 1 - i
			if nd := &lex.nodes[at]; nd.exact != (entry{}) {
				c := start
				if size < 3 {
					c = 6
				}
				consider(j+1, c)
			} else if nd.prefix != (entry{}) && size >= 3 {
				for k := 0; k <= 6 && j+1+k <= n; k++ {
					consider(j+1+k, start+tail*k)
				}
			}
		}
	}
	var out []byte
	covered := 0
	for i := 0; i < n; i = next[i] {
		if good[i] && len(out) > 0 || i > 0 && good[i] {
			out = append(out, ' ')
		}
		out = append(out, run[i:next[i]]...)
		if good[i] {
			covered += next[i] - i
			if next[i] < n && !good[next[i]] {
				out = append(out, ' ')
			}
		}
	}
	return out, covered*4 >= n*3
}

// joined reads what stands in quotes as one text, and the first letters of words where the
// text speaks of them.
func (lex *lexicon) joined(v view, add func(string, []byte)) {
	var glued, apart []byte
	parts := 0
	for i := 0; i < len(v.text) && parts < 40; i++ {
		q := v.text[i]
		if q != '\'' && q != '"' && q != '`' || i > 0 && isWord(v.text[i-1]) {
			continue
		}
		n := bytes.IndexByte(v.text[i+1:], q)
		if n < 0 || n > 400 {
			continue
		}
		glued = append(glued, v.text[i+1:i+1+n]...)
		apart = append(append(apart, v.text[i+1:i+1+n]...), ' ')
		parts++
		i += n + 1
	}
	if parts >= 2 {
		add("quoted", append(append(glued, '\n'), apart...))
	}
	if bytes.Contains(v.text, []byte("letra")) || bytes.Contains(v.text, []byte("letter")) || bytes.Contains(v.text, []byte("iniciais")) || bytes.Contains(v.text, []byte("inicial")) {
		var first []byte
		for i := range v.tokens {
			first = append(first, v.text[v.tokens[i].start])
		}
		for from := 0; from+12 < len(first) && from < 16; from++ {
			if words, ok := lex.segment(first[from:min(len(first), from+300)]); ok {
				add("initials", words)
				break
			}
		}
	}
}
