package stem

import "strings"

// Portuguese returns the stem of a word in lower case without accents. What is no word of
// a-z, or shorter than three letters, is its own stem.
//
// It is the Portuguese stemmer of Snowball (M. F. Porter and others; the description at
// https://snowballstem.org/algorithms/portuguese/stemmer.html is the source of regions, steps
// and endings), changed in three points because of who writes to us. It works on words without
// accents, since customers leave them out: endings that differ by an accent alone are one.
// Plurals that Snowball leaves apart from their singulars are undone first: "cartões" is
// "cartão", "hotéis" is "hotel", "imagens" is "imagem". And so are diminutives, which chats
// are full of: "minutinhos" are "minutos".
func Portuguese(word string) string {
	if len(word) < 3 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
		return word
	}
	w := stemmer{word: grown(singular(word))}
	w.regions()
	if w.standard() || w.verb() {
		// "c" before it softens: "vendici" is "vendic".
		if strings.HasSuffix(w.word, "ci") && w.in(w.rv, "i") {
			w.cut("i")
		}
	} else {
		w.residual()
	}
	w.last()
	return w.word
}

// singular undoes the plurals whose singular ends in another letter.
func singular(w string) string {
	for _, p := range []struct {
		plural, singular string
		least            int // letters of the plural
	}{{"oes", "ao", 5}, {"aes", "ao", 5}, {"ais", "al", 5}, {"eis", "el", 5}, {"ois", "ol", 6}, {"ns", "m", 4}} {
		if root, ok := strings.CutSuffix(w, p.plural); ok && len(w) >= p.least {
			return root + p.singular
		}
	}
	return w
}

// grown undoes a diminutive. Short roots are left alone: "caminho" is no small one.
func grown(w string) string {
	for _, d := range []struct {
		small, grown string
		root         int // letters
	}{{"zinhos", "", 3}, {"zinhas", "", 3}, {"zinho", "", 3}, {"zinha", "", 3}, {"inhos", "os", 4}, {"inhas", "as", 4}, {"inho", "o", 4}, {"inha", "a", 4}} {
		if root, ok := strings.CutSuffix(w, d.small); ok {
			if len(root) >= d.root {
				return root + d.grown
			}
			return w
		}
	}
	return w
}

// stemmer is a word with Snowball's regions: byte offsets from which a suffix may begin.
type stemmer struct {
	word       string
	r1, r2, rv int
}

func vowel(b byte) bool { return strings.IndexByte("aeiou", b) >= 0 }

// next returns the offset after the first letter from i on that is a vowel, or is none.
func (w *stemmer) next(i int, isVowel bool) int {
	for ; i < len(w.word); i++ {
		if vowel(w.word[i]) == isVowel {
			return i + 1
		}
	}
	return len(w.word)
}

func (w *stemmer) regions() {
	w.r1 = w.next(w.next(0, true), false)
	w.r2 = w.next(w.next(w.r1, true), false)
	switch first, second := vowel(w.word[0]), vowel(w.word[1]); {
	case !second:
		w.rv = w.next(2, true)
	case first:
		w.rv = w.next(2, false)
	default:
		w.rv = 3
	}
}

// in says whether the word ends in the suffix, and that within a region.
func (w *stemmer) in(region int, suffix string) bool {
	return strings.HasSuffix(w.word, suffix) && len(w.word)-len(suffix) >= region
}

func (w *stemmer) cut(suffix string) { w.word = strings.TrimSuffix(w.word, suffix) }

// cutIn cuts the first of the suffixes that the word has within a region.
func (w *stemmer) cutIn(region int, suffixes ...string) bool {
	for _, s := range suffixes {
		if w.in(region, s) {
			w.cut(s)
			return true
		}
	}
	return false
}

// longest returns the longest of the endings that the word, from a region on, has; "" for none.
func (w *stemmer) longest(region int, endings []string) string {
	found := ""
	for _, e := range endings {
		if len(e) > len(found) && w.in(region, e) {
			found = e
		}
	}
	return found
}

// standard removes the endings that make a noun, an adjective or an adverb of a word.
func (w *stemmer) standard() bool {
	switch e := w.longest(0, standardEndings); e {
	case "":
		return false
	case "logia", "logias":
		return w.replace(w.r2, e, "log")
	case "ucao":
		return w.replace(w.r2, e, "u")
	case "encia", "encias":
		return w.replace(w.r2, e, "ente")
	case "ira", "iras":
		if !strings.HasSuffix(strings.TrimSuffix(w.word, e), "e") {
			return false
		}
		return w.replace(w.rv, e, "ir")
	case "amente":
		if !w.cutIn(w.r1, e) {
			return false
		}
		if w.cutIn(w.r2, "iv") {
			w.cutIn(w.r2, "at")
		} else {
			w.cutIn(w.r2, "os", "ic", "ad")
		}
		return true
	case "mente":
		return w.cutTwo(e, "ante", "avel", "ivel")
	case "idade", "idades":
		return w.cutTwo(e, "abil", "ic", "iv")
	case "iva", "ivo", "ivas", "ivos":
		return w.cutTwo(e, "at")
	default:
		return w.cutTwo(e)
	}
}

// cutTwo cuts a suffix within r2, and then one that stood before it.
func (w *stemmer) cutTwo(suffix string, before ...string) bool {
	if !w.cutIn(w.r2, suffix) {
		return false
	}
	w.cutIn(w.r2, before...)
	return true
}

func (w *stemmer) replace(region int, suffix, by string) bool {
	if !w.in(region, suffix) {
		return false
	}
	w.cut(suffix)
	w.word += by
	return true
}

// verb removes the ending of a conjugated verb.
func (w *stemmer) verb() bool {
	e := w.longest(w.rv, verbEndings)
	w.cut(e)
	return e != ""
}

// residual removes the last vowel of what had no other ending.
func (w *stemmer) residual() { w.cutIn(w.rv, "os", "a", "i", "o") }

// last removes an e at the end, with the letter that only kept its consonant hard or soft.
func (w *stemmer) last() {
	if !w.cutIn(w.rv, "e") {
		return
	}
	if strings.HasSuffix(w.word, "gu") && w.in(w.rv, "u") || strings.HasSuffix(w.word, "ci") && w.in(w.rv, "i") {
		w.word = w.word[:len(w.word)-1]
	}
}

// The endings, without accents. Plurals that singular has undone are left out.
var (
	standardEndings = strings.Fields("eza ezas ico ica icos icas ismo ismos avel ivel ista istas oso osa osos osas amento amentos imento imentos " +
		"adora ador acao adoras adores ante antes ancia logia logias ucao encia encias amente mente idade idades iva ivo ivas ivos ira iras")
	verbEndings = strings.Fields("ada ida ia aria eria iria ara era ira ava asse esse isse aste este iste ei arei erei irei am iam ariam eriam iriam " +
		"aram eram iram avam em arem erem irem assem essem issem ado ido ando endo indo arao erao irao ar er ir as adas idas ias arias erias irias " +
		"aras eras iras avas es ardes erdes irdes ares eres ires asses esses isses astes estes istes is ais eis ados idos amos iamos ariamos eriamos " +
		"iriamos aramos eramos iramos avamos emos aremos eremos iremos assemos essemos issemos imos armos ermos irmos eu iu ou")
)
