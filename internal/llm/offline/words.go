package offline

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// fold makes lower case without accents: what customers type on a phone.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); r {
		case 'á', 'à', 'â', 'ã', 'ä':
			return 'a'
		case 'é', 'è', 'ê', 'ë':
			return 'e'
		case 'í', 'ì', 'î', 'ï':
			return 'i'
		case 'ó', 'ò', 'ô', 'õ', 'ö':
			return 'o'
		case 'ú', 'ù', 'û', 'ü':
			return 'u'
		case 'ç':
			return 'c'
		}
		return r
	}, s)
}

// wordsOf splits a text into folded words. "9h", "18h30" and "r$" parts stay words.
// A drawn-out vowel is one: "obrigadaaa".
func wordsOf(s string) []string {
	return strings.FieldsFunc(drawnOut.ReplaceAllStringFunc(fold(s), func(run string) string { return run[:1] }), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

var drawnOut = regexp.MustCompile(`a{3,}|e{3,}|i{3,}|o{3,}|u{3,}`)

// laughter is how people laugh in writing: kkkk, rsrs, haha.
var laughter = regexp.MustCompile(`^(k{2,}|(rs)+|(hua?|ha|he|hi){2,}h?|lol)$`)

// tells says whether a word is one.
func tells(w string) bool { return !laughter.MatchString(w) }

// wordSet is a closed list of folded words; it is not changed after set made it.
type wordSet map[string]bool

func (s wordSet) has(w string) bool { return s[w] }

func set(words string) wordSet {
	m := wordSet{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// phrase says whether the words contain one of the phrases, each given as folded words.
func phrase(words []string, any ...string) bool {
	text := " " + strings.Join(words, " ") + " "
	return slices.ContainsFunc(any, func(p string) bool { return strings.Contains(text, " "+p+" ") })
}

// Words around a person. The roles alone count as a command.
var (
	roles  = set("atendente atendentes humano humana supervisor supervisora gerente attendant human agent representative operator")
	people = set("atendente atendentes humano humana pessoa pessoas alguem supervisor supervisora gerente vendedor vendedora consultor consultora responsavel " +
		"attendant human person agent someone somebody representative manager supervisor operator")
	wishes = set("falar falo fala conversar quero queria preciso chama chame chamar transferir transfere transfira passa passe passar talk speak want need connect transfer call")
)

// asksForPerson says whether the customer wants a person. The bare words count as the
// command that the other answers offer; in a sentence they need a wish beside them, so that
// "o atendente foi ótimo" is none.
func asksForPerson(words []string) bool {
	if phrase(words, "nao quero falar com", "nao preciso de atendente", "do not want to talk", "don t want to talk") {
		return false
	}
	if len(words) <= 3 && slices.ContainsFunc(words, roles.has) {
		return true
	}
	if phrase(words, "atendimento humano", "pessoa de verdade", "pessoa real", "real person", "human being") {
		return true
	}
	return slices.ContainsFunc(words, people.has) && slices.ContainsFunc(words, wishes.has) &&
		(phrase(words, "com um", "com uma", "com o", "com a", "com alguem", "com atendente", "com humano", "com pessoa", "com supervisor", "com gerente", "to a", "to an", "to someone", "to somebody", "with a", "with an", "with someone", "with somebody", "to the", "with the") ||
			slices.ContainsFunc(words, roles.has))
}

// asksMachine says whether the customer wants to know whether a person answers.
func asksMachine(words []string) bool {
	return len(words) <= 10 && !slices.ContainsFunc(words, wishes.has) && machine.MatchString(strings.Join(words, " "))
}

var machine = regexp.MustCompile(`\b(?:voces?|vcs?|vce|isso|aqui|isto) (?:e|eh|sao|esta sendo) (?:(?:um|uma|mesmo|so) )*(?:robos?|bots?|chatbot|maquina|ia|inteligencia artificial|human[oa]s?|pessoa|pessoas|real|reais|gente)\b|^(?:e|eh) (?:um |uma )?(?:robo|bot|maquina|ia|humano|pessoa real)$|(?:falando|conversando) com (?:um |uma )?(?:robo|bot|maquina|ia|humano|pessoa)\b|\bare you (?:a |an )?(?:bot|robot|human|person|real|ai|machine)\b|talking to a (?:bot|robot|machine|human|person)\b`)

// asksReason says whether the customer wants to know what a question of ours is for.
func asksReason(words []string) bool {
	return len(words) <= 8 && phrase(words, "pra que voce quer", "pra que vc quer", "para que voce quer", "pra que voces querem", "pra que vcs querem", "por que voce quer", "por que vc quer", "porque voce quer", "pq voce quer", "pq vc quer", "pq vcs querem", "por que quer saber", "pra que quer saber", "pq quer saber", "pra que isso", "pra que serve isso", "pra que precisa", "por que precisa", "pq precisa",
		"why do you need", "why do you want", "why do you ask", "what for")
}

// introduction is how people say who they are at the beginning.
var introduction = regexp.MustCompile(`(?:^| )(?:meu nome e|meu nome eh|me chamo|eu sou (?:o|a)|sou (?:o|a)|aqui e (?:o |a )?|aqui quem fala e (?:o |a )?|quem fala e (?:o |a )?|my name is|i am|im|i m) ?[a-z]{2,20}(?: [a-z]{2,20}){0,2}$`)

// Words of courtesy.
var (
	hellos     = set("oi oii oiii oie ola opa eai salve alo hello hi hey hiya")
	byes       = set("tchau tchauzinho xau adeus flw falou bye goodbye")
	thankWords = set("obrigado obrigada obg brigado brigada valeu vlw grato grata obrigadao obrigadinha brigadao obgd obgda vlws valew agradeco agradecido agradecida thanks thank thx ty cheers appreciate")
	agreements = set("ok okay okey blz beleza certo combinado perfeito otimo legal entendi entendido sim claro uhum aham bacana maravilha otima show nao no yes yep sure great fine perfect nice understood got joia isso")
	// What stands around them.
	courtesies = set("bom boa dia tarde noite good morning afternoon evening night day tudo bem como vai voce voces vc vcs esta estao tai ai a o e de da por pela pelo muito muita mesmo viu ta " +
		"that is s so much very you your for the all it and ate mais logo amanha breve see later tomorrow pessoal gente amigo amiga how are desculpa desculpe ajuda atencao help bj bjs bjo bjos beijo beijos abs abraco abracos pelas informacoes info informacao demais tmj tb tbm")
)

// greetingOf returns which greeting the words begin with: "dia", "tarde", "noite", "ola", or "".
func greetingOf(words []string) string {
	head := words[:min(len(words), 4)]
	switch {
	case phrase(head, "bom dia", "good morning"):
		return "dia"
	case phrase(head, "boa tarde", "good afternoon"):
		return "tarde"
	case phrase(head, "boa noite", "good evening", "good night"):
		return "noite"
	case len(words) > 0 && hellos[words[0]], phrase(head[:min(len(head), 2)], "e ai"):
		return "ola"
	}
	return ""
}

// courtesyOf recognises a message that is nothing but courtesy.
func courtesyOf(words []string, greeting string) (intent, bool) {
	if greeting != "" {
		if rest := introduction.ReplaceAllString(strings.Join(words, " "), ""); rest != "" {
			words = strings.Fields(rest)
		}
	}
	if len(words) > 12 || slices.ContainsFunc(words, func(w string) bool {
		return !courtesies[w] && !hellos[w] && !byes[w] && !thankWords[w] && !agreements[w]
	}) {
		return 0, false
	}
	switch {
	case slices.ContainsFunc(words, byes.has), phrase(words, "ate mais", "ate logo", "ate amanha", "ate breve", "see you", "good night", "see ya"):
		return leaves, true
	case slices.ContainsFunc(words, thankWords.has):
		return thanks, true
	case greeting != "", phrase(words, "tudo bem", "tudo bom", "como vai", "how are"):
		return greets, true
	case slices.ContainsFunc(words, agreements.has):
		return agrees, true
	}
	return 0, false
}

// languageOf is Portuguese unless the customer clearly writes English: by the words since the
// last answer, or, where they do not tell ("ok"), by all before.
func languageOf(d dialogue) language {
	for _, text := range []string{d.said, d.before} {
		en, pt := 0, 0
		for _, w := range wordsOf(text) {
			if englishWords[w] {
				en++
			}
			if portugueseWords[w] {
				pt++
			}
		}
		if en != pt {
			if en > pt {
				return english
			}
			return portuguese
		}
	}
	return portuguese
}

// Short words that one language has and the other has not, or hardly.
var (
	englishWords    = set("the you your is are do does did what when where how much can could would i my we our please hello hi hey thanks thank good morning afternoon evening have has want need to with and for it open price cost speak talk help not yes bye")
	portugueseWords = set("o os as um uma de da do das dos que e eu voce voces vc meu minha nosso quanto quando onde como qual quais quero queria preciso tem oi ola bom boa dia tarde noite obrigado obrigada por favor para pra com nao sim no na em se ate tchau horario preco custa aberto atendente")
)
