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
	loose  bool // only where nothing else of the sentence is a claim
}{
	{promise.Sent, phrase.Any(`(?:pedido|encomenda|produto|compra|mercadoria|pacote|tecnico|motoboy|entregador|guincho|profissional) (?:\w+ ){0,4}(?:(?:foi|esta sendo|ja esta) (?:enviad|despachad|postad)[oa]|saiu (?:para|pra) entrega|(?:ja )?(?:esta )?(?:a caminho|em rota|em transito))`), []string{"envi", "despach", "postad", "transito", "saiu", "rota", "caminho", "shipped", "sent"}, false},
	{promise.Sent, phrase.Any(`(?:seu|sua|seus|suas) (?:\w+ ){1,5}(?:ja )?(?:esta|estao|ta|ficou|ficaram) (?:\w+ )?(?:pront|liberad|finalizad)[oa]s?(?:$| para| pra| no| na| e)`), []string{"pront", "liberad", "conclu", "finaliz", "disponivel", "ready", "done", "completed"}, false},
	{promise.Sent, phrase.Any(`(?:pedido|encomenda|produto|compra|mercadoria|pacote) (?:\w+ ){0,4}(?:foi|ja esta) entregue`), []string{"entregue", "delivered"}, false},
	{promise.Sent, phrase.Any(`(?:o|a|os|as|nosso|nossa|seu|sua) (?:\w+ ){1,4}(?:ja )?(?:saiu|sairam|esta indo|esta chegando|estao chegando|esta a caminho|estao a caminho|esta em rota) ?(?:$|daqui|da|do|de|para|pra|hoje|agora|ai|e|com|em)`), []string{"saiu", "sair", "rota", "caminho", "transito", "despach", "shipped", "sent"}, true},
	{promise.Paid, phrase.Any(`(?:pix|pagamento|sinal|deposito|transferencia|valor|dinheiro|comprovante|boleto) (?:\w+ ){0,6}?(?:ja )?(?:caiu|entrou|chegou|compensou|bateu|foi identificado|foi localizado|esta pago|consta)(?:$| na| no| em| aqui| como| e| certinho)`), []string{"caiu", "entrou", "receb", "confirm", "pago", "paid", "compens", "received"}, true},
	{promise.Sent, passive(`(?:enviad|transmitid|despachad|postad|encaminhad|entreg|remetid|protocolad)`), []string{"envi", "transmit", "despach", "post", "encaminh", "entreg", "sent", "shipped", "delivered"}, true},
	{promise.Booked, passive(`(?:agendad|marcad|reservad|remarcad|reagendad|desmarcad)`), []string{"agend", "marcad", "reserv", "booked", "scheduled"}, true},
	{promise.Paid, passive(`(?:pag|quitad|estornad|reembolsad|compensad|creditad|debitad|devolvid)`), []string{"pag", "quitad", "estorn", "reembols", "compens", "credit", "debit", "devol", "paid", "refunded"}, true},
	{promise.Registered, passive(`(?:feit|realizad|efetuad|efetivad|concluid|finalizad|registrad|cadastrad|emitid|gerad|atualizad|alterad|ativad|liberad|aprovad|cancelad|confirmad|renovad|aplicad|processad|aceit|criad|abert)`),
		[]string{"feit", "realiz", "efetu", "efetiv", "conclu", "finaliz", "registr", "cadastr", "emitid", "gerad", "atualiz", "alterad", "ativ", "liberad", "aprov", "cancel", "confirm", "renov", "aplicad", "process", "aceit", "criad", "abert", "done", "completed", "confirmed", "approved", "created", "active"}, true},
	{promise.Paid, phrase.Any(`(?:reembolso|estorno|pagamento|pix|devolucao) (?:\w+ ){1,7}(?:foi|esta) (?:confirmad|aprovad|processad|realizad|efetuad|estornad|concluid)[oa]`), []string{"confirm", "aprov", "process", "paid", "refunded", "estorn", "approved"}, false},
}

// passive matches what is said to have been done with something of the customer's: "sua matrícula
// no intensivo já foi feita".
func passive(done string) *regexp.Regexp {
	return phrase.Any(`(?:seu|sua|seus|suas) (?:\w+ ){1,5}(?:foi|foram|acaba de ser|acabou de ser|esta sendo|estao sendo) (?:\w+ )?` + done + `[oa]s?`)
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

// supposed stands before what is a condition, or somebody else's word.
var supposed = phrase.Any(`se`, `quando`, `caso`, `assim que`, `depois que`, `antes que`, `enquanto`, `(?:voce|vc) (?:disse|informou|mencionou|contou|falou|comentou)(?: que)?`, `verificar`, `confirmar`, `conferir`, `saber`)

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
			if may&(1<<n) == 0 || slices.Contains(g.Done, f.kind) || strings.Contains(c.Words, "nao ") {
				continue
			}
			if f.loose && slices.ContainsFunc(claims, func(p promise.Claim) bool { return p.Start <= c.Start && c.Start < p.End }) {
				continue // it is judged already
			}
			if at := f.said.FindStringIndex(c.Words); at == nil || supposed.MatchString(c.Words[:at[0]]) {
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
