package gate

import (
	"regexp"
	"strings"

	"secretaria/internal/phrase"
	"secretaria/internal/portuguese"
)

// sentence is what is known of the sentence in which a figure stands.
type sentence struct {
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
}

var (
	pricing    = phrase.Any(`custa[mr]?`, `sai`, `sairia`, `fica`, `ficaria`, `valor(?:es)?`, `precos?`, `descontos?`, `cobramos`, `cobrimos`, `cupom`, `promoc\w+`, `por apenas`, `faco`, `fazemos`, `aplicamos`, `aplico`, `aplicado`, `consigo`, `conseguimos`, `frete`, `taxa`, `mensalidade`, `off`, `gratis`, `gratuit\w+`, `total`)
	openings   = phrase.Any(`abr(?:e|em|imos|ir|iremos|indo)`, `abert[oa]s?`, `fecha(?:m|mos|r)?`, `fechad[oa]s?`, `funciona(?:m|mos)?`, `atende(?:m|mos)?`, `atendimento`, `expediente`, `(?:vamos|ficamos|estamos) (?:aqui )?ate`, `horario de (?:funcionamento|atendimento)`)
	opens      = phrase.Any(`abr(?:e|em|imos|ir|iremos|indo)`, `abert[oa]s?`, `funciona(?:m|mos)?`, `atende(?:m|mos)?`, `(?:vamos|ficamos|estamos) (?:aqui )?ate`)
	deliveries = phrase.Any(`chega(?:m|r|ra|rao)?`, `entrega(?:m|mos|r|remos)?`, `entregue`, `pront[oa]s?`, `prazo`, `termina`, `vence`, `libera(?:do|da|mos)?`, `instala\w*`, `comeca`)
	vacancies  = phrase.Any(`vagas?`, `disponive(?:l|is)`, `livres?`, `encaix\w+`, `temos`, `tenho`, `bloquead[oa]`, `garantid[oa]`)
	customers  = phrase.Any(`(?:voce|vc|voces|vcs|o senhor|a senhora) (?:ja |me |nos |acabou de )?(?:disse\w*|mencion\w+|inform\w+|falou|falaram|pedi\w+|pede|quer\w*|precisa\w*|desej\w+|prefer\w+|coment\w+|pag\w+|escreveu|pergunt\w+|cit\w+|pass\w+|gost\w+|suger\w+|escolh\w+|viu|viram|achou|tem|tinha|gasta\w*|enviou|mandou|fez|comprou|marcou|contrat\w+|perde\w*|encontrou|cheg\w+|vem|vao|vai|vir\w*|est\w+|trabalh\w+|us[aeo]\w*|mor[ao]\w*)`, `seu orcamento`, `sua preferencia`, `anot\w+`, `entend\w+`, `combinado`, `registrei`, `o pedido para`, `convite`, `sua meta`, `uma meta`, `perder`)
	closings   = phrase.Any(`fechad[oa]s?`)
	discounts  = phrase.Any(`descont\w+`, `off`, `cupom`, `reembols\w+`, `devol\w+`, `abat\w+`, `economi\w+`)
	negations  = phrase.Any(`nao (?:\w+ )?(?:consegu\w+|consigo|temos|tem|tenho|faz\w*|faco|e|ha|abr\w+|atend\w+|trabalh\w+|cobr\w+|poss\w+|podemos|da|garant\w+|entreg\w+|oferec\w+|funcion\w+|fica\w*|inclu\w+|est\w+|aceit\w+|aplic\w+)`, `exceto`, `menos`, `nem`, `ainda nao`, `infelizmente`)
)

var shortened = map[string]bool{"r": true, "av": true, "dr": true, "dra": true, "al": true, "rod": true, "sr": true, "sra": true, "n": true, "tel": true, "ex": true, "prox": true, "min": true}

// cut finds the sentences.
func (r *reader) cut() {
	r.of = make([]int, len(r.tokens))
	from := 0
	end := func(i int) {
		if i > from {
			r.sentences = append(r.sentences, r.judge(from, i))
			from = i
		}
	}
	for i, t := range r.tokens {
		r.of[i] = len(r.sentences)
		switch {
		case t.Kind == portuguese.Break, is(r.tokens, i, "!", "?", "…", ";"):
			end(i + 1)
		case t.Fold == ".":
			inside := i+1 < len(r.tokens) && r.tokens[i+1].Glued && t.Glued
			if !inside && (i == 0 || !shortened[r.tokens[i-1].Fold]) {
				end(i + 1)
			}
		}
	}
	end(len(r.tokens))
}

func (r *reader) judge(from, to int) sentence {
	if r.ground {
		return sentence{} // only what an answer says is judged
	}
	var b strings.Builder
	for _, t := range r.tokens[from:to] {
		if t.Kind == portuguese.Word || t.Kind == portuguese.Digits {
			b.WriteString(t.Fold)
			b.WriteByte(' ')
		}
	}
	words := b.String()
	has := func(expr *regexp.Regexp) bool { return expr.MatchString(words) }
	return sentence{
		question: is(r.tokens, to-1, "?"), priced: has(pricing), opening: has(openings), opens: has(opens), delivery: has(deliveries), free: has(vacancies),
		attributed: has(customers), negated: has(negations), closed: has(closings), discount: has(discounts),
	}
}
