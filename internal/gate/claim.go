package gate

import (
	"regexp"
	"slices"
	"strings"

	"secretaria/internal/phrase"
	"secretaria/internal/promise"
)

// fates are what is said to have happened to an order or a refund, with the words by which a
// tool reports the same.
var fates = []struct {
	kind   promise.Kind
	said   *regexp.Regexp
	report []string
}{
	{promise.Sent, phrase.Any(`(?:pedido|encomenda|produto|compra|mercadoria|pacote|tecnico|motoboy|entregador|guincho|profissional) (?:\w+ ){0,4}(?:(?:foi|esta sendo|ja esta) (?:enviad|despachad|postad)[oa]|saiu (?:para|pra) entrega|(?:ja )?(?:esta )?(?:a caminho|em rota|em transito))`), []string{"envi", "despach", "postad", "transito", "saiu", "rota", "caminho", "shipped", "sent"}},
	{promise.Sent, phrase.Any(`(?:seu|sua|seus|suas) (?:\w+ ){1,5}(?:ja )?(?:esta|estao|ta|ficou|ficaram) (?:\w+ )?(?:pront|liberad|finalizad)[oa]s?(?:$| para| pra| no| na| e)`), []string{"pront", "liberad", "conclu", "finaliz", "disponivel", "ready", "done", "completed"}},
	{promise.Sent, phrase.Any(`(?:pedido|encomenda|produto|compra|mercadoria|pacote) (?:\w+ ){0,4}(?:foi|ja esta) entregue`), []string{"entregue", "delivered"}},
	{promise.Paid, phrase.Any(`(?:reembolso|estorno|pagamento|pix|devolucao) (?:\w+ ){1,7}(?:foi|esta) (?:confirmad|aprovad|processad|realizad|efetuad|estornad|concluid)[oa]`), []string{"confirm", "aprov", "process", "paid", "refunded", "estorn", "approved"}},
}

// fated tells which fates are worth looking for.
var fated = func() *phrase.Filter {
	var exprs []*regexp.Regexp
	for _, f := range fates {
		exprs = append(exprs, f.said)
	}
	return phrase.NewFilter(exprs...)
}()

// wish is what an assistant may note down by itself.
var wish = phrase.Any(`(?:registr|anot)\w+ (?:a |o |sua |seu |essa |esse )*(?:preferencia|interesse|sugestao|duvida|recado|observacao)`)

// claims returns what a text says was done and was not.
func (g *Grounds) claims(text string, claims []promise.Claim) []Finding {
	var found []Finding
	if len(claims) > 0 {
		done := slices.Clone(g.Done)
		if slices.ContainsFunc(claims, func(c promise.Claim) bool { return !slices.Contains(done, c.Kind) }) {
			for _, t := range slices.Concat(g.Tools, g.Said) {
				for _, d := range promise.Find(t) {
					done = append(done, d.Kind)
				}
			}
		}
		for _, c := range claims {
			if !slices.Contains(done, c.Kind) && !(c.Kind == promise.Registered && wish.MatchString(phrase.Words(text[c.Start:c.End]))) {
				found = append(found, Finding{Claim, NotDone, c.Start, c.End, c.Kind})
			}
		}
	}
	asserted := clauses(text)
	for _, c := range asserted {
		may := fated.May(c.Words)
		for n, f := range fates {
			if may&(1<<n) == 0 || slices.Contains(g.Done, f.kind) || !f.said.MatchString(c.Words) || strings.Contains(c.Words, "nao ") {
				continue
			}
			if !slices.ContainsFunc(slices.Concat(g.Tools, g.Said), func(t string) bool {
				words := phrase.Words(t)
				return slices.ContainsFunc(f.report, func(w string) bool { return strings.Contains(words, w) })
			}) {
				found = append(found, Finding{Claim, NotDone, c.Start, c.End, f.kind})
			}
		}
	}
	return found
}

// clauses are those that ask nothing.
func clauses(text string) []phrase.Clause {
	var out []phrase.Clause
	all := phrase.Clauses(text)
	for i, c := range all {
		if !phrase.Asks(all, i) {
			out = append(out, c)
		}
	}
	return out
}
