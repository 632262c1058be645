package guard

import (
	"bytes"
	"encoding/ascii85"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMended bounds, in bytes, the texts whose words are mended one by one: who writes in
// pieces, with slips or without vowels writes little.
const maxMended = 1200

// mended reads a text whose words somebody has broken: something stands within them, they are
// cut or glued, letters are missing, doubled or turned on their heads.
func (lex *lexicon) mended(d *desk, raw string, v view, add func(string, []byte)) {
	lex.unveiled(d, v, add)
	lex.parts(d, raw, v, add)
	lex.flipped(d, raw, v, add)
	if len(v.text) > maxMended {
		return
	}
	lex.rejoined(d, v, add)
	lex.vowelless(d, v, add)
	lex.pLanguage(d, v, add)
	lex.misspelt(d, v, add)
}

// unveiled drops what nobody reads and what stands between two letters all the same: remarks
// and tags of programmers' languages, pictures. Pictures between all words go as well.
func (lex *lexicon) unveiled(d *desk, v view, add func(string, []byte)) {
	if bytes.IndexByte(v.text, '<') < 0 && !bytes.Contains(v.text, []byte("/*")) && ascii(v.text) {
		return
	}
	out := d.room(len(v.text))[:0]
	cuts, alone := 0, 0
	for i := 0; i < len(v.text); {
		n := 0
		for i+n < len(v.text) {
			more := veil(v.text[i+n:])
			if more == 0 {
				break
			}
			n += more
		}
		if n == 0 {
			_, width := utf8.DecodeRune(v.text[i:])
			out = append(out, v.text[i:i+width]...)
			i += width
			continue
		}
		if len(out) > 0 && isLetter(out[len(out)-1]) && i+n < len(v.text) && isLetter(v.text[i+n]) {
			cuts++
		} else {
			out = append(out, ' ')
			alone++
		}
		i += n
	}
	switch {
	case cuts >= 3:
		lex.offer(d, v, "uncut", lex.parted(d, out), add)
	case alone >= 4 && alone*4 >= len(v.tokens):
		add("uncut", out)
	}
}

func ascii(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// veil is how long what a text begins with is, where nobody reads it; else 0.
func veil(text []byte) int {
	const longest = 40
	head := text[:min(len(text), longest)]
	switch {
	case bytes.HasPrefix(head, []byte("/*")):
		if n := bytes.Index(head, []byte("*/")); n > 0 {
			return n + 2
		}
	case head[0] == '<':
		if n := bytes.IndexByte(head, '>'); n > 0 {
			return n + 1
		}
	case head[0] >= utf8.RuneSelf:
		n := 0
		for n < len(head) && head[n] >= utf8.RuneSelf {
			r, width := utf8.DecodeRune(head[n:])
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				break
			}
			n += width
		}
		return n
	}
	return 0
}

// parts reads words that are told apart by capitals alone: "IgnoreAsRegras".
func (lex *lexicon) parts(d *desk, raw string, v view, add func(string, []byte)) {
	raw = raw[:min(len(raw), maxText)]
	humps := 0
	for i := 1; i < len(raw); i++ {
		if raw[i] >= 'A' && raw[i] <= 'Z' && (raw[i-1] >= 'a' && raw[i-1] <= 'z' || raw[i-1] >= utf8.RuneSelf) {
			humps++
		}
	}
	if humps < 3 || humps*4 < len(v.tokens) {
		return
	}
	var b strings.Builder
	before := ' '
	for _, r := range raw {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		before = r
	}
	f, _ := fold(b.String())
	lex.offer(d, v, "uncut", f, add)
}

// flipped reads letters that are turned by half a circle.
func (lex *lexicon) flipped(d *desk, raw string, v view, add func(string, []byte)) {
	turned := 0
	for _, r := range raw[:min(len(raw), 2000)] {
		if r >= 0x180 && r < 0x1E00 && strings.ContainsRune("ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ", r) {
			turned++
		}
	}
	if turned < 4 {
		return
	}
	out := mapLetters(d.room(len(v.text)), v.text, func(c byte) byte {
		// The others have been read for what they look like already.
		if i := strings.IndexByte("bdpqnu", c); i >= 0 {
			return "qpdbun"[i]
		}
		return c
	})
	lex.offer(d, v, "flipped", out, add)
	lex.offer(d, v, "flipped", reversed(d.room(len(out)), out), add)
}

// rejoined puts words together that are cut by blanks: "igno re as ins truções".
func (lex *lexicon) rejoined(d *desk, v view, add func(string, []byte)) {
	out := d.room(len(v.text))[:0]
	copied, joins := 0, 0
	for i := 0; i+1 < len(v.tokens); i++ {
		a, b := &v.tokens[i], &v.tokens[i+1]
		if b.start-a.end != 1 || v.text[a.end] != ' ' && v.text[a.end] != '\n' || a.concepts != 0 && b.concepts != 0 {
			continue
		}
		word := append(append(d.room(b.end - a.start)[:0], v.text[a.start:a.end]...), v.text[b.start:b.end]...)
		if len(word) < 5 || lex.reach(word) <= a.end-a.start || a.concepts == 0 && a.langs != 0 && b.concepts != 0 {
			continue
		}
		out = append(append(out, v.text[copied:a.start]...), word...)
		copied = b.end
		joins++
		i++
	}
	if joins >= 2 && joins*8 >= len(v.tokens) { // "for ever" and "back up" are cut by nobody
		lex.offer(d, v, "uncut", append(out, v.text[copied:]...), add)
	}
}

// reach is how many letters of a word are the word or stem of the lexicon that gives it its
// meaning; 0 where it has none.
func (lex *lexicon) reach(word []byte) (n int) {
	at := uint16(0)
	for i, c := range word {
		l := letter(c)
		if l < 0 {
			return n
		}
		if at = lex.nodes[at].next[l]; at == 0 {
			return n
		}
		if lex.nodes[at].prefix.concepts != 0 {
			n = i + 1
		}
	}
	switch nd := &lex.nodes[at]; {
	case nd.plain:
		return 0
	case nd.exact.concepts != 0:
		return len(word)
	}
	return n
}

// plain says whether a word is listed as one that means nothing.
func (lex *lexicon) plain(word []byte) bool {
	at := uint16(0)
	for _, c := range word {
		l := letter(c)
		if l < 0 {
			return false
		}
		if at = lex.nodes[at].next[l]; at == 0 {
			return false
		}
	}
	return lex.nodes[at].plain
}

func isVowel(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }

// skeleton is a word without its vowels, but for the one that it begins with.
func skeleton(word []byte) []byte {
	out := make([]byte, 0, len(word))
	for i, c := range word {
		if i == 0 || !isVowel(c) {
			out = append(out, c)
		}
	}
	return out
}

// vowelless reads words without their vowels: "gnr s nstrçs" where the first letter is kept.
func (lex *lexicon) vowelless(d *desk, v view, add func(string, []byte)) {
	letters, vowels := 0, 0
	for _, c := range v.text {
		if isLetter(c) {
			letters++
			if isVowel(c) {
				vowels++
			}
		}
	}
	if letters < 12 || vowels*4 > letters {
		return
	}
	out := d.room(2 * len(v.text))[:0]
	copied := 0
	for i := range v.tokens {
		t := &v.tokens[i]
		if t.end-t.start < 3 || t.concepts != 0 || lex.plain(v.text[t.start:t.end]) {
			continue
		}
		if word := lex.fleshed(v.text[t.start:t.end]); word != "" {
			out = append(append(out, v.text[copied:t.start]...), word...)
			copied = t.end
		}
	}
	if copied > 0 {
		lex.offer(d, v, "vowelless", append(out, v.text[copied:]...), add)
	}
}

// fleshed is a word of the lexicon that has these consonants; the longest of its beginnings
// where no word has all of them.
func (lex *lexicon) fleshed(bones []byte) string {
	for n := len(bones); n >= 4 || n >= 3 && n == len(bones); n-- {
		word, ok := lex.bones[string(bones[:n])]
		if ok && (n == len(bones) || strings.HasSuffix(word, "*")) {
			return strings.TrimSuffix(word, "*")
		}
	}
	return ""
}

// pLanguage reads a children's language of Brazil, in which "pa", "pe" and so on stand behind
// every syllable: "mepe diperi".
func (lex *lexicon) pLanguage(d *desk, v view, add func(string, []byte)) {
	out := d.room(len(v.text))[:0]
	vowels, doubled := 0, 0
	for i := 0; i < len(v.text); i++ {
		c := v.text[i]
		out = append(out, c)
		if !isVowel(c) {
			continue
		}
		vowels++
		if i+2 < len(v.text) && v.text[i+1] == 'p' && v.text[i+2] == c {
			doubled++
			i += 2
		}
	}
	if doubled >= 6 && doubled*3 >= vowels*2 {
		lex.offer(d, v, "p-language", out, add)
		return
	}
	// Or before each: "pe-man-pe-da", "peman peda".
	run := d.room(len(v.text))[:0]
	led := 0
	for i := range v.tokens {
		word := v.text[v.tokens[i].start:v.tokens[i].end]
		if bytes.HasPrefix(word, []byte("pe")) {
			word = word[2:]
			led++
		}
		run = append(run, word...)
	}
	if led >= 6 && led*5 >= len(v.tokens)*2 {
		if words, ok := lex.segment(run); ok {
			lex.offer(d, v, "p-language", words, add)
		}
	}
}

// maxMisspelt bounds the words of one text that are looked at for slips.
const maxMisspelt = 32

// misspelt reads words whose letters have changed places: "ingroe as rgeras".
func (lex *lexicon) misspelt(d *desk, v view, add func(string, []byte)) {
	out := d.room(2 * len(v.text))[:0]
	copied, looked, mended := 0, 0, 0
	for i := range v.tokens {
		t := &v.tokens[i]
		n := t.end - t.start
		if n < 5 || n > 16 || t.concepts != 0 || t.langs != 0 {
			continue
		}
		if lex.plain(v.text[t.start:t.end]) {
			continue
		}
		if looked++; looked > maxMisspelt {
			break
		}
		if word := lex.meant(v.text[t.start:t.end]); word != "" {
			out = append(append(out, v.text[copied:t.start]...), word...)
			copied = t.end
			mended++
		}
	}
	// Among many words that mean nothing here, some are near to one that does by chance.
	if mended >= 2 && mended*3 >= looked*2 {
		lex.offer(d, v, "misspelt", append(out, v.text[copied:]...), add)
	}
}

// mixed is the key of words that begin alike and have the same letters.
func mixed(word []byte) string {
	key := bytes.Clone(word)
	slices.Sort(key[1:])
	return string(key)
}

// meant is a word of the lexicon with the same first letter and the same letters, or whose stem
// has those that the word begins with; "" where there is none.
func (lex *lexicon) meant(word []byte) string {
	for n := len(word); n >= 5; n-- {
		if found, ok := lex.mixed[mixed(word[:n])]; ok && (n == len(word) || strings.HasSuffix(found, "*")) {
			return strings.TrimSuffix(found, "*")
		}
	}
	return ""
}

// base85 reads both alphabets of base85, "" where nothing comes out. rot47 is beside it,
// since it looks alike: letters, digits and signs in equal parts, few blanks.
func base85(run string) string {
	if inner, ok := strings.CutPrefix(run, "<~"); ok {
		run = strings.TrimSuffix(inner, "~>")
	}
	if out := ascii85Of(run); readable(out) {
		return out
	}
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
	standard := make([]byte, len(run))
	for i := range len(run) {
		n := strings.IndexByte(alphabet, run[i])
		if n < 0 {
			return ""
		}
		standard[i] = byte('!' + n)
	}
	if out := ascii85Of(string(standard)); readable(out) {
		return out
	}
	return ""
}

func ascii85Of(run string) string {
	out := make([]byte, 4*len(run)+8)
	n, _, err := ascii85.Decode(out, []byte(run), true)
	if err != nil {
		return ""
	}
	return string(out[:n])
}

func rot47(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c >= 33 && c <= 126 {
			out[i] = 33 + (c-33+47)%94
		}
	}
	return string(out)
}

// ciphered reads a text that looks like neither words nor any other encoding, as a whole: most
// of it signs, digits and capitals.
func (lex *lexicon) ciphered(d *desk, text string) (name, decoded string) {
	text = strings.TrimSpace(text[:min(len(text), maxText)])
	small, all := 0, 0
	for i := range len(text) {
		if c := text[i]; c > ' ' {
			all++
			if c >= 'a' && c <= 'z' {
				small++
			}
		}
	}
	if all < 16 || small*2 > all {
		return "", ""
	}
	for from := range strings.SplitSeq(text, " ") {
		if len(from) >= 20 {
			if out := base85(from); out != "" {
				return "base85", out
			}
		}
	}
	out := rot47(text)
	if !readable(out) {
		return "", ""
	}
	folded, _ := fold(out)
	tokens := lex.tokens(d, folded)
	hits, _ := known(tokens)
	if d.drop(tokens); hits < 2 {
		return "", ""
	}
	return "rot47", out
}
