package slot

import (
	"strings"
	"unicode/utf8"

	"secretaria/internal/portuguese"
)

const (
	maxMessage  = 8 << 10 // bytes of a message that are read
	maxMessages = 64      // messages of a turn that are read
	maxTurn     = 16 << 10
	around      = 40 // tokens around a value that can say something about it
)

// line is a message of the turn, cut into tokens. What one finder has taken is hidden from
// the next, so that the digits of a phone are not counted as people.
type line struct {
	index  int // of the message in the conversation
	text   string
	tokens []portuguese.Token
	starts [16]uint64 // see may
	mends  bool       // whether something in it announces a correction
}

const hidden = "\x00"

func newLine(index int, text string) *line {
	if len(text) > maxMessage {
		text = text[:maxMessage]
		for len(text) > 0 && !utf8.ValidString(text[len(text)-min(len(text), 4):]) && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	l := &line{index: index, text: text, tokens: portuguese.Split(text)}
	for i := range l.tokens {
		k := start(l.tokens[i].Fold)
		l.starts[k>>6] |= 1 << (k & 63)
	}
	l.mends = l.corrects(0, len(l.tokens))
	return l
}

// quote returns tokens[from:to] as they were written.
func (l *line) quote(from, to int) Quote {
	return Quote{Message: l.index, Text: l.text[l.tokens[from].Start:l.tokens[to-1].End]}
}

// quoted returns all tokens as they were written.
func (l *line) quoted() string {
	if len(l.tokens) == 0 {
		return ""
	}
	return l.quote(0, len(l.tokens)).Text
}

func (l *line) hide(from, to int) {
	for i := from; i < to; i++ {
		l.tokens[i].Kind, l.tokens[i].Fold = portuguese.Mark, hidden
	}
}

func (l *line) fold(i int) string {
	if i < 0 || i >= len(l.tokens) {
		return ""
	}
	return l.tokens[i].Fold
}

func (l *line) kind(i int) portuguese.Kind {
	if i < 0 || i >= len(l.tokens) {
		return portuguese.Break
	}
	return l.tokens[i].Kind
}

// has says whether one of the phrases (words with single blanks) stands in tokens[from:to].
func (l *line) has(from, to int, phrases ...string) bool {
	from, to = max(from, 0), min(to, len(l.tokens))
	if from >= to {
		return false
	}
	for _, p := range phrases {
		if !l.may(p) {
			continue
		}
		for i := from; i < to; i++ {
			if end := l.phrase(i, p); end > i && end <= to {
				return true
			}
		}
	}
	return false
}

// phrase returns the token behind the phrase that begins at i, or i.
func (l *line) phrase(i int, phrase string) int {
	if i < 0 || i >= len(l.tokens) || l.tokens[i].Fold == "" || l.tokens[i].Fold[0] != phrase[0] {
		return i
	}
	j := i
	for rest := phrase; ; {
		if j >= len(l.tokens) {
			return i
		}
		w := l.tokens[j].Fold
		if !strings.HasPrefix(rest, w) {
			return i
		}
		j++
		if len(rest) == len(w) {
			return j
		}
		if rest[len(w)] != ' ' {
			return i
		}
		rest = rest[len(w)+1:]
	}
}

// may says whether a phrase can stand in the line at all: a filter over the first letters of
// its tokens, which spares most comparisons.
func (l *line) may(phrase string) bool {
	k := start(phrase)
	return l.starts[k>>6]&(1<<(k&63)) != 0
}

// among returns the phrases that may stand in the line.
func (l *line) among(phrases ...string) []string {
	var some []string
	for _, p := range phrases {
		if l.may(p) {
			some = append(some, p)
		}
	}
	return some
}

// start hashes the first two bytes of a word or phrase.
func start(w string) uint {
	switch {
	case w == "":
		return 0
	case len(w) == 1 || w[1] == ' ':
		return uint(w[0]) * 31 & 1023
	}
	return (uint(w[0])*31 + uint(w[1])*7) & 1023
}

// stop says whether a clause ends at token i. A comma counts where comma is set.
func (l *line) stop(i int, comma bool) bool {
	if i < 0 || i >= len(l.tokens) || l.kind(i) == portuguese.Break {
		return true
	}
	switch l.fold(i) {
	case ".", "!", "?", ";":
		return true
	case ",":
		return comma
	case "mas", "porem":
		return comma
	}
	return false
}

// clause returns the bounds of the clause around token i, within forty tokens of it: speech
// without punctuation is one long clause.
func (l *line) clause(i int, comma bool) (from, to int) {
	for from = i; from > max(0, i-around) && !l.stop(from-1, comma); from-- {
	}
	for to = i; to < min(len(l.tokens), i+around) && (to == i || !l.stop(to, comma)); to++ {
	}
	return from, to
}

// question says whether the line as a whole asks something.
func (l *line) question() bool {
	for i := len(l.tokens) - 1; i >= 0; i-- {
		if l.fold(i) == "?" {
			return true
		}
	}
	first := 0
	for first < len(l.tokens) && (anyOf(l.fold(first), "mas", "e", "oi", "ah", "ue", ",", "vcs", "voces", "me", "so", "uma") || l.kind(first) == portuguese.Mark) {
		first++
	}
	if anyOf(l.fold(first), "quanto", "qto", "quanta", "quantos", "quantas", "qual", "quais", "como", "onde", "quando", "porque", "pq", "quem", "cade", "tem", "aceita", "aceitam", "integra", "integram", "fazem", "funciona") {
		return !anyOf(l.fold(first), "tem", "como", "quando", "onde", "quem", "pq", "porque") || l.fold(first) == "como" && l.has(first, first+3, "como funciona", "como e", "como faz", "como faco")
	}
	return false
}

// answer returns the line without the question that ends it, so that what stands before can
// answer: "Marta. E vocês emitem nota?", "Com a Iolanda, e você?". Otherwise the line itself.
// Both share their tokens: what is hidden in one is hidden in the other.
func (l *line) answer() *line {
	mark := 0
	for mark < len(l.tokens) && l.fold(mark) != "?" {
		mark++
	}
	if mark == len(l.tokens) {
		return l
	}
	from := mark
	for from > 0 && !l.stop(from-1, false) {
		from--
	}
	if from == 0 {
		// A comma ends the answer only before "e você?" and its kind.
		for i := mark; i > 0 && i > mark-5; i-- {
			if l.fold(i) == "," && l.fold(i+1) == "e" && anyOf(l.fold(i+2), "vc", "voce", "vcs", "voces", "tu", "o", "a") && i+5 >= mark {
				from = i
			}
		}
	}
	if from == 0 {
		return l
	}
	part := *l
	part.tokens = l.tokens[:from]
	return &part
}

// corrects says whether tokens[from:to] announce that something said before was wrong.
func (l *line) corrects(from, to int) bool {
	if l.fold(from) == "*" || l.fold(to-1) == "*" {
		return true
	}
	if anyOf(l.fold(from), "digo", "n", "nao", "ops", "opa", "alias", "perai", "pera", "perdao", "errata", "eita", "putz") && (l.fold(from) != "n" && l.fold(from) != "nao" || l.fold(from+1) == ",") {
		return true
	}
	return l.has(from, to, "na verdade", "na vdd", "minto", "verdade e", "corrigindo", "correcao", "corrige", "corrija", "errei", "errado", "errada", "digitei errado", "quis dizer", "quero dizer", "quer dizer",
		"ops", "alias", "melhor dizendo", "me confundi", "me enganei", "engano", "o certo", "o correto", "certo e", "correto e", "na real", "retificando", "troca", "trocar", "trocou", "mudou", "muda", "mudar", "mude", "mudei", "atualiza", "desconsidera", "esquece", "ignora",
		"em vez", "ao inves", "digo", "joga", "passa pra", "passar pra", "remarca", "remarcar", "melhor usar", "usa esse", "usa este", "nao e mais", "faltou", "escrevi errado", "saiu errado", "corretor", "faltava", "agora somos", "agora sao", "agora e", "acabei de", "vale o", "considera")
}
