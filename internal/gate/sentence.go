package gate

import (
	"regexp"
	"strings"

	"secretaria/internal/phrase"
	"secretaria/internal/portuguese"
)

// sentence is what is known of the sentence in which a figure stands.
type sentence struct {
	from, to   int // tokens
	question   bool
	priced     bool // tells a price or a discount
	opening    bool // tells when the house opens or closes
	opens      bool // says that it is open then
	delivery   bool // tells when something comes
	free       bool // tells what is free to be booked
	attributed bool // tells what the customer said
	negated    bool
	closed     bool // says that it is closed
	discount   bool // says that something is taken off a price or paid back
	total      bool // adds up
	compared   bool // tells how far two are apart
	more       bool // puts something on a price
	half       bool // tells of the half
	terms      bool // tells on what terms something is paid
	difference bool // tells of a difference
	vague      bool // "cerca de"
	below      bool // "menos de"
	above      bool // "mais de"
	counting   bool // counts days
	again      bool // tells when somebody is back
}

// What a sentence may tell.
const (
	pricing = iota
	openings
	opens
	deliveries
	vacancies
	customers
	closings
	discounts
	totals
	compares
	surcharges
	terms
	apart
	halves
	vagues
	belows
	aboves
	countings
	returns
	negations
)

var tells = [...]*regexp.Regexp{
	pricing:    phrase.Any(`custa[mr]?`, `sai`, `sairia`, `fica`, `ficaria`, `valor(?:es)?`, `precos?`, `descontos?`, `cobramos`, `cobrimos`, `cupom`, `promoc\w+`, `por apenas`, `faco`, `fazemos`, `aplicamos`, `aplico`, `aplicado`, `consigo`, `conseguimos`, `frete`, `taxa`, `mensalidade`, `off`, `gratis`, `gratuit\w+`, `total`),
	openings:   phrase.Any(`abr(?:e|em|imos|ir|iremos|indo)`, `abert[oa]s?`, `fecha(?:m|mos|r)?`, `fechad[oa]s?`, `funciona(?:m|mos)?`, `atende(?:m|mos|ndo)?`, `funcionando`, `atendimento`, `expediente`, `(?:te|lhe) esper(?:amos|o)`, `esperamos (?:por )?(?:voce|vc)`, `pode vir`, `venha`, `aguardamos`, `(?:vamos|ficamos|estamos) (?:aqui )?ate`, `horario de (?:funcionamento|atendimento)`),
	opens:      phrase.Any(`abr(?:e|em|imos|ir|iremos|indo)`, `abert[oa]s?`, `funciona(?:m|mos|ndo)?`, `atende(?:m|mos|ndo)?`, `(?:vamos|ficamos|estamos) (?:aqui )?ate`, `(?:te|lhe|o|a) espera(?:mos)?`, `(?:te|lhe) espero`, `esperamos (?:por )?(?:voce|vc)`, `(?:pode|podem) vir`, `venha`, `aguardamos`),
	deliveries: phrase.Any(`chega(?:m|r|ra|rao)?`, `entrega(?:m|mos|r|remos)?`, `entregue`, `pront[oa]s?`, `prazo`, `termina`, `vence`, `libera(?:do|da|mos)?`, `previs(?:ao|t[oa]s?)`, `instala\w*`, `comeca`),
	vacancies:  phrase.Any(`vagas?`, `disponive(?:l|is)`, `livres?`, `encaix\w+`, `temos`, `tenho`, `bloquead[oa]`, `garantid[oa]`),
	customers:  phrase.Any(`(?:voce|vc|voces|vcs|o senhor|a senhora) (?:ja |me |nos |acabou de )?(?:disse\w*|mencion\w+|inform\w+|falou|falaram|pedi\w+|pede|quer\w*|precisa\w*|desej\w+|prefer\w+|coment\w+|pag\w+|escreveu|pergunt\w+|cit\w+|pass\w+|gost\w+|suger\w+|escolh\w+|viu|viram|achou|tem|tinha|gasta\w*|enviou|mandou|fez|comprou|marcou|contrat\w+|perde\w*|encontrou|cheg\w+|vem|vao|vai|vir\w*|est\w+|trabalh\w+|us[aeo]\w*|mor[ao]\w*)`, `seu orcamento`, `sua preferencia`, `se (?:o|a|os|as) (?:seus?|suas?)`, `anot\w+`, `entend\w+`, `registrei`, `o pedido para`, `convite`, `sua meta`, `uma meta`, `perder`),
	closings:   phrase.Any(`fechad[oa]s?`),
	discounts:  phrase.Any(`descont\w+`, `off`, `cupom`, `reembols\w+`, `devol\w+`, `abat\w+`, `economi\w+`),
	totals:     phrase.Any(`tota(?:l|is|liza\w*)`, `som(?:a|am|ando|ados|adas)`, `juntos?`, `juntas?`, `ao todo`, `tudo`, `os dois`, `separad\w+`, `avuls\w+`, `o par`, `as duas`, `ambos`, `ambas`),
	compares:   phrase.Any(`a (?:mais|menos)`, `diferenc\w+`, `econom\w+`, `rest(?:a|am|ante|antes|ariam?)`, `falta\w*`, `troco`, `saldo`, `abat\w+`, `descont\w+`, `mais (?:car|barat)\w+`, `poup\w+`, `sobra\w*`, `contra`, `em vez`),
	surcharges: phrase.Any(`acresc\w+`, `juros`, `multa`, `urgen\w+`, `adiciona\w*`, `sobe`, `aument\w+`, `reajust\w+`),
	terms:      phrase.Any(`descont\w+`, `pix`, `a vista`, `dinheiro`, `sinal`, `entrada`, `reserva`, `pagando`, `quem paga`, `acresc\w+`, `multa`, `juros`, `cupom`, `adiantad\w+`),
	apart:      phrase.Any(`diferenc\w+`),
	halves:     phrase.Any(`metade`, `meia`, `meio`),
	vagues:     phrase.Any(`cerca de`, `aproximadamente`, `mais ou menos`, `uns`, `umas`, `em torno`, `por volta`, `quase`, `perto de`),
	belows:     phrase.Any(`menos de`, `quase`, `nem`),
	aboves:     phrase.Any(`mais de`, `pouco mais`),
	countings:  phrase.Any(`contando`, `a contar`, `a partir de (?:hoje|amanha)`, `contad[oa]s?`, `(?:\w+[aei]ndo|se for|se (?:fechar|comecar|pagar|comprar|aprovar|contratar)) (?:ate )?(?:hoje|amanha|agora|na|no|dia|em|de|as)`),
	returns:    phrase.Any(`volt(?:a|amos|am|aremos)`, `retorn(?:a|amos|am|o|aremos)`, `reabr\w+`, `retom\w+`),
	negations:  phrase.Any(`nao (?:\w+ )?(?:consegu\w+|consigo|temos|tem|tenho|faz\w*|faco|e|ha|abr\w+|atend\w+|trabalh\w+|cobr\w+|poss\w+|podemos|da|garant\w+|entreg\w+|oferec\w+|funcion\w+|fica\w*|inclu\w+|est\w+|aceit\w+|aplic\w+)`, `exceto`, `menos`, `nem`, `ainda nao`, `infelizmente`),
}

var telling = phrase.NewFilter(tells[:]...)

var shortened = map[string]bool{"r": true, "av": true, "dr": true, "dra": true, "al": true, "rod": true, "sr": true, "sra": true, "n": true, "tel": true, "ex": true, "prox": true, "min": true}

// cut finds the sentences.
func (r *reader) cut() {
	r.of = make([]int, len(r.tokens))
	from := 0
	end := func(i int) {
		if i > from {
			r.sentences = append(r.sentences, sentence{from: from, to: i})
			from = i
		}
	}
	for i, t := range r.tokens {
		r.of[i] = len(r.sentences)
		switch {
		case t.Kind == portuguese.Break, is(r.tokens, i, "!", "?", "…", ";"), is(r.tokens, i, "|", "•", "·") && r.another(from, i):
			end(i + 1)
		case t.Fold == ".":
			inside := i+1 < len(r.tokens) && r.tokens[i+1].Glued && t.Glued && r.tokens[i+1].Kind <= portuguese.Digits
			if !inside && (i == 0 || !shortened[r.tokens[i-1].Fold]) {
				end(i + 1)
			}
		}
	}
	end(len(r.tokens))
}

// another says whether the sign at tokens[i] parts two things of a list, "Pula-pula: R$ 130 |
// Tobogã: R$ 280", and not the columns of one: a figure stands before it and a name behind.
func (r *reader) another(from, i int) bool {
	figures := func(from int) (name, figure bool) {
		for j := from; j < len(r.tokens) && (j < i || j > i && !is(r.tokens, j, "|", "•", "·", ";")) && r.tokens[j].Kind != portuguese.Break; j++ {
			switch t := r.tokens[j]; t.Kind {
			case portuguese.Word:
				name = name || !figure && len(t.Fold) >= 3 && !common[t.Fold]
			case portuguese.Digits:
				figure = true
			}
		}
		return name, figure
	}
	_, before := figures(from)
	name, behind := figures(i + 1)
	return before && name && behind
}

// weigh judges the sentences with figures, and those before them. Only what an answer says is
// judged.
func (r *reader) weigh() {
	judged := -1
	for i := range r.values {
		for s := max(r.values[i].sentence-1, judged+1); s <= r.values[i].sentence && s < len(r.sentences); s++ {
			r.sentences[s] = r.judge(r.sentences[s].from, r.sentences[s].to)
			judged = s
		}
	}
}

func (r *reader) judge(from, to int) sentence {
	var b strings.Builder
	for _, t := range r.tokens[from:to] {
		if t.Kind == portuguese.Word || t.Kind == portuguese.Digits {
			b.WriteString(t.Fold)
			b.WriteByte(' ')
		}
	}
	words := b.String()
	may := telling.May(words)
	has := func(i int) bool { return may&(1<<i) != 0 && tells[i].MatchString(words) }
	return sentence{
		from: from, to: to,
		question: is(r.tokens, to-1, "?"), priced: has(pricing), opening: has(openings), opens: has(opens), delivery: has(deliveries), free: has(vacancies),
		attributed: has(customers), negated: has(negations), closed: has(closings), discount: has(discounts),
		total: has(totals), compared: has(compares), more: has(surcharges), half: has(halves), terms: has(terms), difference: has(apart), vague: has(vagues), below: has(belows), above: has(aboves), counting: has(countings), again: has(returns),
	}
}
