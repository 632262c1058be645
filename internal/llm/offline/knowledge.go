package offline

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAnswer bounds how many lines of the knowledge make an answer.
const maxAnswer = 3

// The forms of a line.
var (
	title    = regexp.MustCompile(`(?i)^(#{0,6})\s*\**\s*(?:base de )?(?:conhecimentos?|knowledge(?: base)?)\b[^.?!]{0,60}?\s*\**\s*(:?)\s*\**\s*$`)
	tag      = regexp.MustCompile(`(?i)^<(conhecimento|knowledge)[^>]*>$`)
	heading  = regexp.MustCompile(`^(#{1,6})\s+(.+?)\s*#*$`)
	question = regexp.MustCompile(`(?i)^(?:p|q|pergunta|question)\s*[:.)]\s*(.+)$`)
	reply    = regexp.MustCompile(`(?i)^(?:r|a|resposta|answer)\s*[:.)]\s*(.+)$`)
	// sentenceEnd ends a part of what was asked.
	sentenceEnd = regexp.MustCompile(`[?!.,;\n]+`)
	bullet      = regexp.MustCompile(`^(?:[-*•+]|\d{1,3}[.)])\s+`)
)

// fact is a line of the knowledge with the words by which it is found.
type fact struct {
	text  string
	words map[string]bool // its own
	topic map[string]bool // of the headings above it
}

// answerFrom looks for lines of the knowledge that answer the words, "" without any. At most
// maxAnswer lines that answer equally well come together, in their order.
func answerFrom(system string, words []string) string {
	asked := telling(words)
	if len(asked) == 0 || len(asked) > 12 {
		return "" // a story is not a question that a line could answer
	}
	best, found := 0, []string(nil)
	for _, f := range knowledge(system) {
		score := f.score(asked)
		switch {
		case score > best:
			best, found = score, []string{f.text}
		case score > 0 && score == best && len(found) < maxAnswer && !slices.Contains(found, f.text):
			found = append(found, f.text)
		}
	}
	return strings.Join(found, "\n")
}

// answersFrom answers several questions at once each by itself, and what is not several by
// the lines that answer all its words.
func answersFrom(system, said string, words []string) string {
	var found []string
	for _, part := range sentenceEnd.Split(said, -1) {
		for half := range strings.SplitSeq(part, " e ") {
			for line := range strings.SplitSeq(answerFrom(system, wordsOf(half)), "\n") {
				if line != "" && !slices.Contains(found, line) {
					found = append(found, line)
				}
			}
		}
	}
	whole := answerFrom(system, words)
	if len(found) > strings.Count(whole, "\n")+1 && len(found) <= maxAnswer || whole == "" {
		return strings.Join(found[:min(len(found), maxAnswer)], "\n")
	}
	return whole
}

// score says how well a line answers what was asked, 0 for not at all. More than half of the
// particular words must be there ("bicycle"; the price of something else answers nothing),
// and where only a subject was asked for ("price"), that subject.
func (f fact) score(asked map[string]bool) int {
	score, subjects, hit, particular, met := 0, 0, 0, 0, 0
	for w := range asked {
		isSubject := strings.HasPrefix(w, "=")
		if isSubject {
			subjects++
		} else {
			particular++
		}
		weight := 0
		switch {
		case f.words[w]:
			weight = 2
		case f.topic[w] && len(f.topic) == 1 && !isSubject:
			weight = 3 // the heading is what was asked for
		case f.topic[w]:
			weight = 1
		default:
			continue
		}
		score += weight
		if isSubject {
			hit++
		} else {
			met++
		}
	}
	if 2*met <= particular && particular > 0 || particular == 0 && hit == 0 || subjects > 0 && hit == 0 {
		return 0
	}
	return score
}

// knowledge reads the part of a system prompt that stands under a heading "Conhecimento" or
// "Knowledge" (Markdown, a line that ends in a colon, or a tag), up to the next heading that
// is not beneath it.
func knowledge(system string) []fact {
	var (
		out    []fact
		inside bool
		close  string   // the tag that ends it, "" for headings
		level  int      // of the heading that began it
		topics []string // headings beneath, by level
		asked  string   // a question that waits for its answer
		blank  bool     // the line before was empty
		before string   // the line before, where it was text
	)
	for _, line := range strings.Split(system, "\n") {
		line = strings.TrimSpace(line)
		if !inside {
			if m := tag.FindStringSubmatch(line); m != nil {
				inside, close, level = true, "</"+strings.ToLower(m[1])+">", 0
			} else if m := title.FindStringSubmatch(line); m != nil && (m[1] != "" || m[2] != "" || strings.HasPrefix(line, "**")) {
				inside, close, level = true, "", len(m[1])
			}
			topics, asked = nil, ""
			continue
		}
		if close != "" && strings.EqualFold(line, close) {
			inside = false
			continue
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			before = ""
			depth := len(m[1])
			if close == "" && (level == 0 || depth <= level) {
				inside = title.MatchString(line)
				level, topics = depth, nil
				continue
			}
			topics = append(topics[:min(len(topics), max(depth-level-1, 0))], m[2])
			continue
		}
		after := blank
		blank = line == ""
		if label := strings.TrimSuffix(line, ":"); label != line && !bullet.MatchString(line) && len(label) <= 60 {
			before = ""
			// A label of its own: beneath a heading it is one more topic; beneath another label,
			// after an empty line, it is the next section.
			if close == "" && level == 0 && after {
				inside = false
				continue
			}
			topics = append(topics[:min(len(topics), 5)], label)
			continue
		}
		if n := len(out); n > 0 && wrapped(before, line) {
			out[n-1].text += " " + line
			out[n-1].words = told(out[n-1].text)
			before = line
			continue
		}
		before = line
		line = strings.TrimSpace(bullet.ReplaceAllString(line, ""))
		if m := question.FindStringSubmatch(line); m != nil {
			asked = m[1]
			continue
		}
		above := strings.Join(topics, " ")
		if m := reply.FindStringSubmatch(line); m != nil && asked != "" {
			line, above, asked = m[1], above+" "+asked, ""
		}
		if line == "" || strings.HasPrefix(line, "<") || strings.HasPrefix(line, "```") {
			continue
		}
		out = append(out, fact{text: line, words: told(line), topic: telling(wordsOf(above))})
	}
	return out
}

// wrapped says whether a line goes on with the sentence of the line before, which ended only
// because it was full.
func wrapped(before, line string) bool {
	first, _ := utf8.DecodeRuneInString(line)
	return len(before) >= fullLine && unicode.IsLower(first) && !strings.ContainsAny(before[len(before)-1:], ".!?:;")
}

// fullLine is how long a line is, in bytes, that was broken because it was full.
const fullLine = 60

// The words that carry no question.
var stopWords = set("a o as os um uma uns umas de da do das dos que qual quais e ou eu voce voces vc vcs me te se lhe nos meu minha seu sua meus minhas seus suas esse essa este esta isso isto aquele aquela " +
	"para pra pro por pelo pela com sem em no na nas ao aos ate sobre tem ter tenho temos ha sou sao ser estar estou foi vai vou ir pode posso podem poder podia gostaria quero queria preciso saber dizer diga me favor " +
	"oi ola bom boa dia tarde noite obrigado obrigada tudo bem certo ok sim nao ja mais muito muita hoje amanha agora aqui ai la como quando quem porque pois mas entao tambem so mesmo " +
	"fazem faz fazer faco consigo manda mandar mande fica ficam dar da deu aceita aceitam aceitamos oferece oferecem trabalha trabalham vende vendem atende atendem atendemos atendimento sera seria gente vcs q pq hj tb tbm mto pfv pf qro la ca num numa eh ta to tao " +
	"loja empresa clinica escritorio estabelecimento restaurante salao oficina academia escola " +
	"the an is are was be been am i you he she it we they my your our their this that these those to of in on at for with and or but do does did have has had can could would will want need know please " +
	"what which who whom how when why hello hi hey good morning afternoon evening thanks thank there here about any some us take accept sell offer store shop company")

// The subjects that customers ask for in many words.
var subjects = func() map[string]string {
	out := map[string]string{}
	for _, s := range [][2]string{
		{"=price", "preco precos valor valores vlr custa custam custo custos quanto quantos qto qnto qnt price prices cost costs much fee fees"},
		{"=hours", "horario horarios hora horas hrs abre abrem abrimos aberto aberta abertos fecha fecham fechamos fechado funciona funcionam funcionamos funcionamento expediente hours open opens opening close closes closed opened"},
		{"=address", "endereco enderecos onde localizacao localizado localizada localizados rua avenida bairro address where located location street"},
		{"=payment", "pagamento pagamentos pagar pago paga pix cartao cartoes boleto credito debito parcela parcelam parcelamos parcelar parcelado parcelas payment pay paying card cards"},
		{"=delivery", "entrega entregas entregam entregar entregamos frete envio enviam enviar enviamos delivery deliver delivers shipping ship"},
		{"=contact", "telefone telefones celular whatsapp email contato contatos phone contact"},
		{"=weekend", "sabado sabados domingo domingos feriado feriados saturday saturdays sunday sundays weekend holiday holidays"},
		{"=exchange", "troca trocas trocar trocam trocamos devolucao devolucoes devolver devolvem reembolso estorno refund refunds return returns exchange"},
		{"=link", "link links site website"},
		{"=booking", "agendar agendamento agenda agendo marcar reserva reservas reservar book booking appointment schedule reservation"},
	} {
		for w := range set(s[1]) {
			out[w] = s[0]
		}
	}
	return out
}()

// clock is a time of day as people write it: 9h, 18h30.
var clock = regexp.MustCompile(`^[0-9]{1,2}h([0-9]{2})?$`)

// telling reduces words to the ones that carry the question, each in the form under which
// different ways to say it meet.
func telling(words []string) map[string]bool {
	out := map[string]bool{}
	for _, w := range words {
		if !stopWords[w] && (len(w) > 1 || w[0] >= '0' && w[0] <= '9') {
			out[meaning(w)] = true
		}
	}
	return out
}

// told is telling for a line of the knowledge, whose figures also say what it is about.
func told(line string) map[string]bool {
	words := wordsOf(line)
	// "jejum de 6 horas" and "primeira hora grátis" tell no opening hours.
	out := telling(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "hora" || w == "horas" }))
	if strings.Contains(line, "$") {
		out["=price"] = true
	}
	if slices.ContainsFunc(words, clock.MatchString) {
		out["=hours"] = true
	}
	return out
}

// meaning gives words that ask for the same subject the same name; other words lose the
// ending that number and gender give them.
func meaning(w string) string {
	if s, ok := subjects[w]; ok {
		return s
	}
	for _, ending := range []string{"oes", "aes", "es", "s"} {
		if rest, ok := strings.CutSuffix(w, ending); ok && len(rest) >= 4 {
			w = rest
			break
		}
	}
	if len(w) >= 5 {
		w = strings.TrimRight(w, "aeo")
	}
	return w
}
