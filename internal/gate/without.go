package gate

import (
	"strings"
	"time"

	"secretaria/internal/phrase"
	"secretaria/internal/portuguese"
)

// span is a sentence of an answer: text[from:to].
type span struct{ from, to int }

// Without returns a text without the sentences in which something was found, tidied: "" where
// nothing worth sending is left (greetings, assent, offers of more help), and where something
// leaked, since what gave a secret away is not mended by cutting. A "Claro!" before a sentence
// that goes is its assent and goes with it, as does a line that announces a list of which
// nothing is left. What is returned is to be checked again: what was cut may have been what
// held up the rest.
func Without(text string, v Verdict) string {
	if v.Pass() {
		return text
	}
	if v.Leaks() || len(text) > maxText {
		return ""
	}
	all := spans(text)
	gone := make([]bool, len(all))
	for i, s := range all {
		for _, f := range v.Findings {
			gone[i] = gone[i] || f.From < s.to && s.from < f.To
		}
	}
	for i := len(all) - 2; i >= 0; i-- {
		words := phrase.Words(text[all[i].from:all[i].to])
		switch {
		case gone[i] || !gone[i+1]:
		case assents(words), words != "" && announces(text[all[i].from:all[i].to]) && listGone(text, all, gone, i):
			gone[i] = true
		}
	}
	var b strings.Builder
	whole := false
	at := 0
	for i, s := range all {
		if gone[i] {
			b.WriteString(text[at:s.from])
			if at = s.to; at < len(text) && text[at] == '\n' && (s.from == 0 || text[s.from-1] == '\n') {
				at++
			}
			continue
		}
		words := phrase.Words(text[s.from:s.to])
		whole = whole || words != "" && !assents(words) && !courtesy.MatchString(words)
	}
	b.WriteString(text[at:])
	if !whole {
		return ""
	}
	return tidy(b.String())
}

// tidy drops lines without words where a sentence went, and double blanks.
func tidy(text string) string {
	var lines []string
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.Join(strings.Fields(l), " ")
		if phrase.Words(l) == "" {
			l = ""
		}
		if l != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, l)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// spans cuts a text into sentences. What follows the sign that ends a sentence and holds no
// word, an emoji or a mark of emphasis, belongs to it; a semicolon and the number of a list
// item end none.
func spans(text string) []span {
	r := &reader{text: text, zone: time.UTC, ground: true}
	r.tokens = portuguese.Split(r.shapes())
	r.cut()
	var out []span
	last := -1
	for i, t := range r.tokens {
		if t.Kind == portuguese.Break {
			continue
		}
		k := len(out) - 1
		switch {
		case k < 0:
			out = append(out, span{t.Start, t.End})
		case r.of[i] == last || sameLine(text, out[k].to, t.Start) && (silent(r, i) || open(text[out[k].from:out[k].to])):
			out[k].to = t.End
		case t.Kind == portuguese.Mark && t.Glued && out[k].to == t.Start:
			out[k].to = t.End
			continue
		default:
			out = append(out, span{t.Start, t.End})
		}
		last = r.of[i]
	}
	// A link at an end is blank in what was cut.
	for k := range out {
		to := len(text)
		if k+1 < len(out) {
			to = out[k+1].from
		}
		out[k].to = max(out[k].to, out[k].from+len(strings.TrimRight(text[out[k].from:to], " \t\r\n")))
	}
	return out
}

// open says whether a sentence goes on behind the sign by which it was cut.
func open(s string) bool {
	return strings.HasSuffix(s, ";") || len(s) <= 4 && strings.Trim(s, "0123456789") == "."
}

// silent says whether the sentence of tokens[i] holds no word.
func silent(r *reader, i int) bool {
	for j := i; j < len(r.tokens) && r.of[j] == r.of[i]; j++ {
		if r.tokens[j].Kind == portuguese.Word || r.tokens[j].Kind == portuguese.Digits {
			return false
		}
	}
	return true
}

func sameLine(text string, from, to int) bool {
	return from <= to && !strings.Contains(text[from:to], "\n")
}

// announces says whether a sentence ends in a colon, whatever stands around it.
func announces(s string) bool { return strings.HasSuffix(strings.TrimRight(s, " \t\r\n*_~"), ":") }

// listGone says whether all that follows sentence i up to an empty line, or to the end, is gone.
func listGone(text string, all []span, gone []bool, i int) bool {
	for k := i + 1; k < len(all); k++ {
		if strings.Count(text[all[k-1].to:all[k].from], "\n") > 1 || strings.HasSuffix(text[all[k-1].from:all[k-1].to], "\n") && strings.HasPrefix(text[all[k].from:], "\n") {
			return true
		}
		if !gone[k] {
			return false
		}
	}
	return true
}

// assents says whether the folded words of a sentence only agree or greet; one word more may
// be a name.
func assents(words string) bool {
	strange := 0
	for w := range strings.FieldsSeq(words) {
		switch w {
		case "sim", "claro", "certo", "isso", "mesmo", "exato", "exatamente", "com", "certeza", "perfeito", "otimo", "combinado", "confirmado", "confirmo", "ok", "pode", "deixar", "sem", "problema", "problemas", "show", "beleza", "que", "bom", "maravilha", "legal", "entendi", "entendido", "correto", "esta", "tudo", "bem",
			"oi", "ola", "dia", "boa", "tarde", "noite", "obrigado", "obrigada", "yes", "sure", "of", "course", "hi", "hello", "great", "right":
		default:
			strange++
		}
	}
	return strange <= 1 && (words == "" || strange < 1+strings.Count(words, " "))
}

// courtesy are sentences that nobody needs by themselves.
var courtesy = phrase.Any(`(?:posso|podemos) (?:te |lhe )?(?:ajudar|ser util)(?: com| em| a| voce| mais| algo| alguma| outra| coisa| hoje)*$`, `(?:precisa|precisar|deseja|quer)(?: de)?(?: mais| alguma| algo| outra| coisa| ajuda)+$`, `(?:fico|estou|ficamos|estamos) (?:a|aqui|sempre a|inteiramente a)(?: sua)?(?: disposicao| para ajudar| se precisar)?$`, `qualquer (?:duvida|coisa)`, `(?:mais )?alguma (?:duvida|coisa)(?: mais)?$`, `agradec\w+`, `ate (?:logo|mais|breve|ja)`, `anything else`, `can i help`)
