package conversation

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Quiet decides when a burst of messages is over, that is when the turn is due.
type Quiet struct {
	Window time.Duration // quiet time after the last message; 0 answers at once
	Max    time.Duration // a burst waits no longer than this, counted from its first message
}

// Due returns when a turn is due after a message that arrived at now in a burst that
// started at first. After a text that ends like a finished sentence half the window is
// enough, and one that announces more gets twice as much. It is never later than first plus
// Max, and never before now.
func (q Quiet) Due(first, now time.Time, text string) time.Time {
	w := q.Window
	switch ending(text) {
	case finished:
		w /= 2
	case goesOn:
		w *= 2
	}
	due := now.Add(w)
	if limit := first.Add(q.Max); q.Max > 0 && due.After(limit) {
		due = limit
	}
	if due.Before(now) {
		due = now
	}
	return due
}

// Finished says whether a text ends like a finished sentence: with a mark that ends one, or
// with an emoji.
func Finished(text string) bool {
	switch r, before := last(text); r {
	case '?', '!':
		return true
	case '.':
		// An ellipsis goes on, and so does "Dr." and the number of a list.
		return !strings.HasSuffix(before, ".") && !abbreviated(before)
	default:
		return emoji(r)
	}
}

// end is what the end of a text says about what follows it.
type end int

const (
	open     end = iota // it may be over or not
	finished            // it is over
	goesOn              // something will follow
)

// ending reads how a text ends. What is not known for certain is open: a wrong guess costs
// the customer a pause or the desk half a question.
func ending(text string) end {
	if strings.TrimSpace(text) == "" {
		return open // a picture, a voice message
	}
	words, whole := tail(text)
	switch {
	case whole && greets(words):
		return goesOn // "oi", "bom dia!": hardly anybody writes only that
	case Finished(text):
		return finished
	case trails(text), !address(text) && announces(words, whole), dictated(text, words, whole):
		return goesOn
	}
	return open
}

// last is the last rune of a text that says something about its end, and what is before it.
// Quotation marks and closing brackets belong to what they close.
func last(text string) (r rune, before string) {
	for len(text) > 0 {
		r, n := utf8.DecodeLastRuneInString(text)
		before := text[:len(text)-n]
		// Variation selectors, joiners and marks of direction are no ending of their own.
		if unicode.IsSpace(r) || strings.ContainsRune(`"'”’»)]*_~`, r) || unicode.In(r, unicode.Cf, unicode.Mn) {
			text = before
			continue
		}
		return r, before
	}
	return utf8.RuneError, ""
}

// emoji says whether a rune is one of those with which people end what they say.
func emoji(r rune) bool {
	return r >= 0x1F300 && r <= 0x1FAFF || r >= 0x2600 && r <= 0x27BF || r == '❤' || r == '⭐'
}

// trails says whether a text ends with a mark after which something has to follow.
func trails(text string) bool {
	r, before := last(text)
	return strings.ContainsRune(",;:…-–—/+&(", r) || r == '.' && (strings.HasSuffix(before, ".") || abbreviated(before))
}

// abbreviated says whether a point after this text is an abbreviation's or a list's.
func abbreviated(before string) bool {
	words, whole := tail(before)
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "sr", "sra", "srta", "dr", "dra", "prof", "profa", "av", "ex", "obs", "tel", "mr", "mrs", "ms", "ud", "vs":
		return true
	}
	return whole && len(words) == 1 && len(words[0]) <= 2 && digits(words[0]) == len(words[0])
}

// near is how many bytes of a text's end are looked at.
const near = 80

// tail returns the last words of a text, without accents and in lower case, and whether
// they are all of it.
func tail(text string) (words []string, whole bool) {
	text = strings.TrimSpace(text)
	whole = len(text) <= near
	if !whole {
		text = text[len(text)-near:]
		if cut := strings.IndexFunc(text, unicode.IsSpace); cut >= 0 {
			text = text[cut:] // a word that was cut in two is none
		}
	}
	words = strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		words[i] = plain(w)
	}
	return words, whole
}

// plain is a word without case and without the accents of Portuguese and Spanish.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); r {
		case 'á', 'à', 'â', 'ã', 'ä':
			return 'a'
		case 'é', 'ê', 'è':
			return 'e'
		case 'í':
			return 'i'
		case 'ó', 'ô', 'õ':
			return 'o'
		case 'ú', 'ü':
			return 'u'
		case 'ç':
			return 'c'
		case 'ñ':
			return 'n'
		}
		return r
	}, word)
}

// greets says whether words are a greeting and nothing else.
func greets(words []string) bool {
	if len(words) == 0 || len(words) > 8 {
		return false
	}
	some := false
	for i := 0; i < len(words); i++ {
		w, next := words[i], ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch pair := w + " " + next; pair {
		case "bom dia", "boa tarde", "boa noite", "bons dias", "boas tardes", "good morning", "good afternoon", "good evening", "buenos dias",
			"buenas tardes", "buenas noches", "buen dia", "e ai", "e ae":
			some, i = true, i+1
			continue
		case "tudo bem", "td bem", "tudo bom", "td bom", "tudo certo", "tudo joia", "como vai", "como estao", "como esta", "que tal", "alguem ai", "com voce", "com voces":
			i++ // goes with a greeting, and is an answer without one
			continue
		}
		switch squeezed(w) {
		case "oi", "oie", "ola", "opa", "eai", "alo", "hello", "hi", "hey", "hola", "buenas", "saudacoes", "bomdia", "boatarde", "boanoite":
			some = true
		case "pesoal", "gente", "amigo", "amiga", "moca", "moco", "there", "voces", "vcs":
		default:
			return false
		}
	}
	return some
}

// squeezed is a word without the letters that people repeat: "oiii" is "oi", and "hello" is
// known with its two.
func squeezed(word string) string {
	if word == "hello" {
		return word
	}
	var b strings.Builder
	var before rune
	for _, r := range word {
		if r != before {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// address says whether a text ends with something like an e-mail or a link, the end of which
// is no word.
func address(text string) bool {
	fields := strings.Fields(text)
	return len(fields) > 0 && strings.ContainsAny(strings.Trim(fields[len(fields)-1], ".,"), "@./")
}

// announces says whether the last word cannot be a sentence's last, or the text is one of
// those with which people announce a question.
func announces(words []string, whole bool) bool {
	if len(words) == 0 {
		return false
	}
	w := words[len(words)-1]
	alone := whole && len(words) == 1
	switch w {
	case "e", "mas", "ou", "and", "but", "or", "y", "pero", "entao", "tipo", "porque", "pq", "because", "que", "q", "eu", "queria", "quero", "gostaria",
		"preciso", "want", "need", "i", "yo", "quiero", "quisiera", "necesito":
		return true
	case "de", "da", "do", "das", "dos", "com", "para", "pra", "pro", "por", "em", "na", "nas", "nos", "um", "uma", "uns", "umas", "os", "as", "ao", "aos",
		"se", "quando", "meu", "minha", "meus", "minhas", "sou", "with", "for", "to", "the", "an", "my", "if", "is", "of", "con", "el", "la", "los", "las", "un", "una", "mi", "es":
		// "um" is a number, and "para" alone is an order.
		return !alone && !(spelled(w) && spelled(words[len(words)-2]))
	case "saber", "perguntar", "duvida", "pergunta", "question", "know", "ask", "consulta", "pregunta":
		return whole && len(words) <= 5 && announced(words)
	}
	// "q", "ai", "vc": something has to follow. Two letters can be an answer too.
	return alone && digits(w) == 0 && utf8.RuneCountInString(w) <= 2 && !answers(w)
}

// announced says whether a few words announce what somebody is going to ask.
func announced(words []string) bool {
	for _, w := range words {
		switch w {
		case "queria", "quero", "gostaria", "preciso", "tenho", "uma", "posso", "tira", "want", "have", "like", "can", "tengo", "quiero", "quisiera", "puedo":
			return true
		}
	}
	return false
}

func answers(w string) bool {
	switch w {
	case "ok", "no", "si", "ss", "nn", "ah", "rs", "kk", "ja", "so", "eh", "jo", "bo", "lu", "ze", "bi":
		return true
	}
	return false
}

// dictated says whether a number is being dictated and is not whole yet.
func dictated(text string, words []string, whole bool) bool {
	if len(words) == 0 {
		return false
	}
	n, said, spoken := 0, 0, 0
	for _, w := range slices.Backward(words) {
		if d := digits(w); d == len(w) {
			n += d
		} else if spelled(w) {
			n, spoken = n+1, spoken+1
		} else {
			break
		}
		said++
	}
	if said == 0 {
		return false
	}
	named := false
	for _, w := range words[:len(words)-said] {
		switch w {
		case "telefone", "fone", "tel", "celular", "cel", "whats", "whatsapp", "zap", "numero", "cpf", "cnpj", "cep", "rg", "ddd", "phone", "number", "telefono":
			named = true
		}
	}
	alone := whole && said == len(words)
	switch {
	case spoken > 0 && (spoken < 3 || !alone && !named):
		return false // "uma", "dois": an answer
	case named, alone && spoken > 0:
		return !complete(n)
	}
	// "11 98765": groups of what is longer than any amount. One group may be a price or a year.
	return alone && n >= 5 && n <= 7 && (said > 1 || !strings.ContainsAny(text, ".,R$"))
}

// complete says whether a phone, a CPF, a CNPJ or a CEP has so many digits.
func complete(n int) bool { return n >= 8 && n != 12 || n == 0 }

func digits(word string) int {
	n := 0
	for i := range len(word) {
		if word[i] >= '0' && word[i] <= '9' {
			n++
		}
	}
	return n
}

// spelled says whether a word is a digit as people dictate it.
func spelled(w string) bool {
	switch w {
	case "zero", "um", "uma", "dois", "duas", "tres", "quatro", "cinco", "seis", "meia", "sete", "oito", "nove",
		"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "uno", "dos", "cuatro", "siete", "ocho", "nueve":
		return true
	}
	return false
}
