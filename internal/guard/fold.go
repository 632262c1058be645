package guard

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxText bounds what is read of a text, in bytes. Of a longer one its two ends are read.
const maxText = 12 << 10

// maxTokens bounds the tokens of one view.
const maxTokens = 6200

// lookalikes are letters of other alphabets, and signs, that read as Latin letters. Pairs:
// what is written, what is read.
const lookalikes = "аaвbеeкkмmнhоoрpсcтtуyхxіiјjѕsԁdԛqԝwһhӏlеeгrпnёeйnиuљmɡgοoαaβbεeζzηnιiκkνvρpτtυuχxωwγyσoμmδdλlθoɑaɩiʏyɪiɢgɴnᴏoʀrᴇeᴀaʙbᴄcᴅdꜰfʜhᴊjᴋkʟlᴍmᴘpꜱsᴛtᴜuᴠvᴡwᴢzıiłløođdħhŧtƒfßsæaœoðdþtɐaɔcǝeɟfƃgɥhᴉiɾjʞkɯmɹrʇtʌvʍwʎyⱥaցgոnսuօoհhեtіiքpʋv"

func lookalikeTable() map[rune]byte {
	table := make(map[rune]byte, len(lookalikes)/3)
	var from rune
	for _, r := range lookalikes {
		if from == 0 {
			from = r
			continue
		}
		table[from], from = byte(r), 0
	}
	return table
}

var latin = lookalikeTable()

// accents folds the Latin-1 letters, from U+00C0 to U+00FF.
const accents = "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo/ouuuuyty"

// fold writes a text in lower case Latin letters as far as its runes read as such: without
// accents, combining marks and what cannot be seen, compatibility forms and lookalikes
// resolved. Signs and blanks stay. Its second result is the text hidden in tag characters.
func fold(text string) (folded, hidden []byte) {
	return foldInto(make([]byte, 0, len(text)+8), text)
}

func foldInto(folded []byte, text string) (_, hidden []byte) {
	if len(text) > maxText {
		text = text[:maxText/2] + "\n" + text[len(text)-maxText/2:]
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c >= 'A' && c <= 'Z':
				c += 'a' - 'A'
			case c == '\t' || c == '\r':
				c = ' '
			case c < ' ' && c != '\n' || c == 0x7f:
				continue
			}
			folded = append(folded, c)
			continue
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		i += width
		if r >= 0xE0020 && r < 0xE007F {
			hidden = append(hidden, byte(r-0xE0000))
			continue
		}
		folded = foldRune(folded, r)
	}
	return folded, hidden
}

func foldRune(dst []byte, r rune) []byte {
	switch {
	case r >= 0xC0 && r <= 0xFF:
		return append(dst, accents[r-0xC0])
	case r == utf8.RuneError, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r), r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0xAD:
		return dst
	case r >= 0x1F1E6 && r <= 0x1F1FF: // flags
		return append(dst, byte('a'+r-0x1F1E6))
	case r >= 0x1F130 && r <= 0x1F149:
		return append(dst, byte('a'+r-0x1F130))
	case r >= 0x1F150 && r <= 0x1F169:
		return append(dst, byte('a'+r-0x1F150))
	case r >= 0x1F170 && r <= 0x1F189:
		return append(dst, byte('a'+r-0x1F170))
	case unicode.IsSpace(r):
		return append(dst, ' ')
	}
	if c, ok := latin[unicode.ToLower(r)]; ok {
		return append(dst, c)
	}
	switch r {
	case '“', '”', '„', '«', '»':
		return append(dst, '"')
	case '‘', '’', '‚', '´':
		return append(dst, '\'')
	case '–', '—', '−':
		return append(dst, '-')
	}
	var buf [utf8.UTFMax]byte
	n := utf8.EncodeRune(buf[:], r)
	d := norm.NFKD.Properties(buf[:n]).Decomposition()
	if d == nil {
		return utf8.AppendRune(dst, unicode.ToLower(r))
	}
	for len(d) > 0 {
		s, width := utf8.DecodeRune(d)
		d = d[width:]
		s = unicode.ToLower(s)
		switch {
		case unicode.Is(unicode.Mn, s):
		case s < utf8.RuneSelf:
			dst = append(dst, byte(s))
		default:
			if c, ok := latin[s]; ok {
				dst = append(dst, c)
			} else {
				dst = utf8.AppendRune(dst, s)
			}
		}
	}
	return dst
}

// A token is a word of a folded text.
type token struct {
	start, end int
	concepts   concept
	word       uint16 // its number, 0 where no rule names it
	langs      uint8
	before     byte // the sign that stands directly before, 0 where there is none
	after      byte // the first sign behind, blanks left out
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= utf8.RuneSelf
}

// A desk is what reading a text needs and leaves behind. Its memory is used again by the next
// text, so nothing of a view may outlive the reading.
type desk struct {
	tokens []token
	text   []byte
	sums   []float32
	met    []hit
}

// tokens cuts a folded text into words and looks each up. They lie on the desk until it is
// cleared, or until the caller drops them.
func (lex *lexicon) tokens(d *desk, text []byte) []token {
	first := len(d.tokens)
	out := d.tokens
	for i := 0; i < len(text) && len(out)-first < maxTokens; {
		if !isWord(text[i]) {
			i++
			continue
		}
		j := i + 1
		for j < len(text) && isWord(text[j]) {
			j++
		}
		t := token{start: i, end: j}
		if i > 0 && text[i-1] != ' ' && text[i-1] != '\n' {
			t.before = text[i-1]
		}
		k := j
		for k < len(text) && text[k] == ' ' {
			k++
		}
		if k < len(text) && !isWord(text[k]) {
			t.after = text[k]
		}
		e, word := lex.find(text[i:j])
		t.concepts, t.langs, t.word = e.concepts, e.langs, word
		out = append(out, t)
		i = j
	}
	d.tokens = out
	return out[first:len(out):len(out)]
}

// drop takes the tokens that were cut last from the desk.
func (d *desk) drop(tokens []token) { d.tokens = d.tokens[:len(d.tokens)-len(tokens)] }

// room returns n bytes of the desk, which hold something yet.
func (d *desk) room(n int) []byte {
	first := len(d.text)
	if first+n > cap(d.text) {
		d.text = make([]byte, 0, max(2*cap(d.text), n, 16<<10)) // what was given out stays where it is
		first = 0
	}
	d.text = d.text[:first+n]
	return d.text[first : first+n : first+n]
}

func (d *desk) clear() {
	if cap(d.tokens) > 1<<14 {
		*d = desk{} // one long text shall not hold that much for ever
	}
	d.tokens, d.text = d.tokens[:0], d.text[:0]
}
