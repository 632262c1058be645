package gate

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/portuguese"
)

const (
	// runWords is how many words in a row of a confidential text are too many.
	runWords = 8
	// keyLetters is how much of a run is looked up before the whole of it is compared.
	keyLetters = 16
)

// Secrets are texts that the model was told in confidence, prepared for looking them up. They
// are not changed after they were made and are safe for concurrent use.
type Secrets struct {
	canaries []string // squashed
	prompt   string   // squashed
	// runs has the ends of the runs, in prompt, that begin with a key, by where they begin.
	runs map[string][][2]int
}

// NewSecrets prepares a system prompt and canaries. What is in public may be said although the
// prompt says it as well: greetings, facts of the house, names.
func NewSecrets(prompt string, canaries []string, public ...string) *Secrets {
	s := &Secrets{runs: map[string][][2]int{}}
	for _, c := range canaries {
		if w := squash(c).letters; len(w) >= 6 {
			s.canaries = append(s.canaries, string(w))
		}
	}
	allowed := ""
	for _, p := range public {
		allowed += string(squash(p).letters) + " "
	}
	var starts []int
	var b strings.Builder
	for _, t := range portuguese.Split(prompt) {
		if t.Kind != portuguese.Word && t.Kind != portuguese.Digits {
			continue
		}
		if w := squash(t.Fold).letters; len(w) > 0 {
			starts = append(starts, b.Len())
			b.Write(w)
		}
	}
	s.prompt = b.String()
	starts = append(starts, b.Len())
	for i := 0; i+runWords < len(starts); i++ {
		from, to := starts[i], starts[i+runWords]
		if to-from < keyLetters || allowed != "" && strings.Contains(allowed, s.prompt[from:to]) {
			continue
		}
		key := s.prompt[from : from+keyLetters]
		s.runs[key] = append(s.runs[key], [2]int{from, to})
	}
	return s
}

// find returns what a squashed text gives away.
func (s *Secrets) find(letters []byte) (kind Kind, from, to int, ok bool) {
	if s == nil {
		return "", 0, 0, false
	}
	text := string(letters)
	for _, c := range s.canaries {
		if i := strings.Index(text, c); i >= 0 {
			return Canary, i, i + len(c), true
		}
	}
	for i := 0; i+keyLetters <= len(text); i++ {
		for _, run := range s.runs[text[i:i+keyLetters]] {
			if strings.HasPrefix(text[i:], s.prompt[run[0]:run[1]]) {
				return Prompt, i, i + run[1] - run[0], true
			}
		}
	}
	return "", 0, 0, false
}

// squashed is a text without anything but its letters and digits, in their plainest form.
type squashed struct {
	letters []byte
	at      []int // the byte of the text from which each letter comes
}

// squash drops blanks, signs and what cannot be seen, and folds case, accents, full width,
// letters of other alphabets that look alike, and digits that stand for letters.
func squash(text string) squashed {
	var q squashed
	for i, c := range text {
		if c >= utf8.RuneSelf {
			if c >= 0xFF01 && c <= 0xFF5E {
				c -= 0xFEE0
			} else if plain, ok := lookalike(c); ok {
				c = plain
			} else if unicode.IsLetter(c) {
				f, size := utf8.DecodeRuneInString(portuguese.Fold(string(c)))
				if size == 0 || f >= utf8.RuneSelf {
					continue
				}
				c = f
			} else {
				continue
			}
		}
		b := byte(c)
		switch {
		case b >= 'A' && b <= 'Z':
			b += 'a' - 'A'
		case b >= 'a' && b <= 'z' || b >= '0' && b <= '9':
		case b == '@' || b == '$':
		default:
			continue
		}
		switch b {
		case '0':
			b = 'o'
		case '1':
			b = 'i'
		case '3':
			b = 'e'
		case '4', '@':
			b = 'a'
		case '5', '$':
			b = 's'
		case '7':
			b = 't'
		}
		q.letters = append(q.letters, b)
		q.at = append(q.at, i)
	}
	return q
}

// banged returns the text with each "!" that stands for a letter read as "i": one before a letter,
// or one behind a letter after which the sentence goes on in lower case. All others end sentences,
// which a run of words goes over, so that both readings are looked at.
func banged(text string) string {
	if !strings.Contains(text, "!") {
		return text
	}
	b := []byte(text)
	word := func(i int) bool {
		return i >= 0 && i < len(b) && (b[i] >= 'a' && b[i] <= 'z' || b[i] >= 'A' && b[i] <= 'Z' || b[i] >= '0' && b[i] <= '9' || b[i] >= utf8.RuneSelf)
	}
	for i, c := range b {
		if c == '!' && (word(i+1) || word(i-1) && i+2 < len(b) && b[i+1] == ' ' && b[i+2] >= 'a' && b[i+2] <= 'z') {
			b[i] = 'i'
		}
	}
	return string(b)
}

// lookalike maps letters of Cyrillic and Greek that look like Latin ones.
func lookalike(c rune) (rune, bool) {
	const from, to = "аеорсухіјѕԁɡнкмтвАЕОРСУХІЈЅНКМТВαοερτυικνΑΟΕΡΤΥΙΚΝΒΗΜΖΧ", "aeopcyxijsdghkmtbAEOPCYXIJSHKMTBaoeptyiknAOEPTYIKNBHMZX"
	n := 0
	for _, l := range from {
		if l == c {
			return rune(to[n]), true
		}
		n++
	}
	return 0, false
}
