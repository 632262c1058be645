package gate

import (
	"strings"
	"unicode"

	"secretaria/internal/promise"
)

const (
	// maxReasons and maxQuoted bound what a model is told of one answer.
	maxReasons = 8
	maxQuoted  = 40
)

// Reason words what is wrong with a text, for the model that shall write it anew: "o valor
// "R$ 90" não está nos fatos; ...". lang is "en" for English; everything else is Portuguese.
// It quotes the figures of the text that are a fact's (an amount, a day, an address) and
// nothing that was told in confidence, no personal data, and no link. It is "" when nothing is
// wrong.
func (v Verdict) Reason(text, lang string) string {
	say := portugueseReason
	if strings.HasPrefix(strings.ToLower(lang), "en") {
		say = englishReason
	}
	var out []string
	seen := map[string]bool{}
	for _, f := range v.Findings {
		quoted := ""
		if f.Kind.quotable() && f.From >= 0 && f.To <= len(text) && f.From < f.To {
			quoted = quote(text[f.From:f.To])
		}
		reason := say(f, quoted)
		if !seen[reason] && len(out) < maxReasons {
			seen[reason] = true
			out = append(out, reason)
		}
	}
	return strings.Join(out, "; ")
}

// quotable says whether a figure of the kind can be repeated to a model: whatever the model
// wrote where a phone or a link should be stays where it is.
func (k Kind) quotable() bool {
	switch k {
	case Money, Percent, Day, Hour, Duration, Times, Number, Address:
		return true
	}
	return false
}

// quote makes one line of a figure that nothing in it can end.
func quote(s string) string {
	var b strings.Builder
	n := 0
	for _, c := range strings.Join(strings.Fields(s), " ") {
		if n++; n > maxQuoted {
			b.WriteRune('…')
			break
		}
		if c != '"' && (unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) || strings.ContainsRune(" R$%,.:/-–ºª°", c)) {
			b.WriteRune(c)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return ` "` + b.String() + `"`
}

func portugueseReason(f Finding, quoted string) string {
	what := map[Kind]string{
		Money: "o valor", Percent: "o percentual", Day: "o dia", Hour: "o horário", Duration: "o prazo ou a duração", Times: "o parcelamento", Number: "o número", Address: "o endereço",
		Phone: "um telefone", Email: "um e-mail", Link: "um link", CNPJ: "um CNPJ", CEP: "um CEP", CPF: "um CPF", Card: "um número de cartão", Image: "uma imagem",
	}[f.Kind] + quoted
	switch f.Kind {
	case Canary, Prompt, Key:
		return "a resposta traz texto interno, que não pode sair"
	case Role, Template:
		return "a resposta traz marcação técnica, que não pode sair"
	case Claim:
		done := map[promise.Kind]string{promise.Transferred: "uma transferência", promise.Booked: "um agendamento", promise.Sent: "um envio", promise.Registered: "um registro", promise.Paid: "um pagamento"}[f.Claim]
		if done == "" {
			done = "algo"
		}
		return "a resposta afirma " + done + " que não aconteceu"
	}
	switch f.Why {
	case CustomerOnly:
		return what + " só foi dito pelo cliente e não é confirmado pela casa"
	case Contradicted:
		return what + " contradiz o calendário ou o horário de funcionamento"
	case Misplaced:
		return what + " é de outro item, não deste"
	case Forbidden:
		return what + " não pode ser enviado"
	}
	return what + " não está nos fatos nem nos resultados das ferramentas"
}

func englishReason(f Finding, quoted string) string {
	what := map[Kind]string{
		Money: "the amount", Percent: "the percentage", Day: "the day", Hour: "the time", Duration: "the length of time", Times: "the number of instalments", Number: "the number", Address: "the address",
		Phone: "a phone number", Email: "an e-mail address", Link: "a link", CNPJ: "a CNPJ", CEP: "a postcode", CPF: "a CPF", Card: "a card number", Image: "a picture",
	}[f.Kind] + quoted
	switch f.Kind {
	case Canary, Prompt, Key:
		return "the answer holds internal text, which must not leave"
	case Role, Template:
		return "the answer holds technical markup, which must not leave"
	case Claim:
		done := map[promise.Kind]string{promise.Transferred: "a transfer", promise.Booked: "a booking", promise.Sent: "a dispatch", promise.Registered: "a registration", promise.Paid: "a payment"}[f.Claim]
		if done == "" {
			done = "something"
		}
		return "the answer claims " + done + " that did not happen"
	}
	switch f.Why {
	case CustomerOnly:
		return what + " was said by the customer alone and not confirmed by the house"
	case Contradicted:
		return what + " contradicts the calendar or the opening hours"
	case Misplaced:
		return what + " belongs to another item"
	case Forbidden:
		return what + " must not be sent"
	}
	return what + " is in no fact and no tool result"
}
