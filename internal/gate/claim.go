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
	{promise.Sent, phrase.Any(`(?:pedido|encomenda|produto|compra|mercadoria|pacote) (?:\w+ ){0,4}(?:foi|esta sendo|ja esta) (?:enviad|despachad|postad)[oa]`), []string{"envi", "despach", "postad", "transito", "shipped", "sent"}},
	{promise.Sent, phrase.Any(`(?:pedido|encomenda|produto|compra|mercadoria|pacote) (?:\w+ ){0,4}(?:foi|ja esta) entregue`), []string{"entregue", "delivered"}},
	{promise.Paid, phrase.Any(`(?:reembolso|estorno|pagamento|pix|devolucao) (?:\w+ ){1,7}(?:foi|esta) (?:confirmad|aprovad|processad|realizad|efetuad|estornad|concluid)[oa]`), []string{"confirm", "aprov", "process", "paid", "refunded", "estorn", "approved"}},
}

// wish is what an assistant may note down by itself.
var wish = phrase.Any(`(?:registr|anot)\w+ (?:a |o |sua |seu |essa |esse )*(?:preferencia|interesse|sugestao|duvida|recado|observacao)`)

// claims returns what a text says was done and was not.
func (g *Grounds) claims(text string) []Finding {
	var found []Finding
	claims := promise.Find(text)
	if len(claims) > 0 {
		done := slices.Clone(g.Done)
		for _, t := range slices.Concat(g.Tools, g.Said) {
			for _, d := range promise.Find(t) {
				done = append(done, d.Kind)
			}
		}
		for _, c := range claims {
			if !slices.Contains(done, c.Kind) && !(c.Kind == promise.Registered && wish.MatchString(phrase.Words(text[c.Start:c.End]))) {
				found = append(found, Finding{Claim, NotDone, c.Start, c.End})
			}
		}
	}
	for _, f := range fates {
		for _, c := range clauses(text) {
			if slices.Contains(g.Done, f.kind) || !f.said.MatchString(c.Words) || strings.Contains(c.Words, "nao ") {
				continue
			}
			if !slices.ContainsFunc(slices.Concat(g.Tools, g.Said), func(t string) bool {
				words := phrase.Words(t)
				return slices.ContainsFunc(f.report, func(w string) bool { return strings.Contains(words, w) })
			}) {
				found = append(found, Finding{Claim, NotDone, c.Start, c.End})
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
