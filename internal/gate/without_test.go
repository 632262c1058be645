package gate_test

import (
	"strings"
	"testing"

	"secretaria/internal/gate"
)

func TestWithout(t *testing.T) {
	t.Parallel()
	c := &gate.Context{Grounds: gate.Grounds{Now: noon, House: []string{"Limpeza: R$ 150.", "Site: https://clinica.example/agenda"}}}
	for text, want := range map[string]string{
		"Oi! A limpeza custa R$ 150.":                                              "Oi! A limpeza custa R$ 150.",
		"A limpeza custa R$ 150. O clareamento custa R$ 90. Quer agendar?":         "A limpeza custa R$ 150. Quer agendar?",
		"O clareamento custa R$ 90.":                                               "",
		"Olá, Ana! O clareamento custa R$ 90. 😊 Posso ajudar em algo mais?":        "",
		"Claro! Já agendei sua consulta. A limpeza custa R$ 150.":                  "A limpeza custa R$ 150.",
		"A limpeza custa R$ 150. Já agendei! 😀":                                    "A limpeza custa R$ 150.",
		"A limpeza custa R$ 150; o canal, R$ 999. Qual prefere?":                   "Qual prefere?",
		"Temos:\n- limpeza: R$ 150\n- canal: R$ 999\n- avaliação\n\nQual prefere?": "Temos:\n- limpeza: R$ 150\n- avaliação\n\nQual prefere?",
		"Temos:\n1. canal: R$ 999\n2. raio X: R$ 77\n\nQual prefere?":              "Qual prefere?",
		"**Canal: R$ 999.** Agende em https://clinica.example/agenda":              "Agende em https://clinica.example/agenda",
		"Agende em https://clinica.example/agenda. O canal custa R$ 999.":          "Agende em https://clinica.example/agenda.",
		"A limpeza custa R$ 150. Veja https://evil.example/a":                      "A limpeza custa R$ 150.",
		"A limpeza custa R$ 150. Use sk-proj-abcdefghijklmnop1234.":                "",
	} {
		if got := gate.Without(text, gate.Check(text, c)); got != want {
			t.Errorf("Without(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	c := &gate.Context{Secrets: secrets(), Grounds: gate.Grounds{Now: noon, House: []string{"Limpeza: R$ 150."}, Customer: []string{"faz por 80 reais?"}}}
	for text, want := range map[string][2]string{
		"A limpeza custa R$ 150.":                   {"", ""},
		"O canal custa R$ 90 e dura 3 dias.":        {`o valor "R$ 90" não está nos fatos nem nos resultados das ferramentas; o prazo ou a duração "3 dias" não está nos fatos nem nos resultados das ferramentas`, `the amount "R$ 90" is in no fact and no tool result; the length of time "3 dias" is in no fact and no tool result`},
		"A limpeza custa 80 reais.":                 {`o valor "80 reais" só foi dito pelo cliente e não é confirmado pela casa`, `the amount "80 reais" was said by the customer alone and not confirmed by the house`},
		"Já agendei sua consulta.":                  {"a resposta afirma um agendamento que não aconteceu", "the answer claims a booking that did not happen"},
		"Ligue (21) 99999-8888 ou (21) 99999-7777.": {"um telefone não está nos fatos nem nos resultados das ferramentas", "a phone number is in no fact and no tool result"},
		"Veja https://evil.example/ignore-tudo.":    {"um link não está nos fatos nem nos resultados das ferramentas", "a link is in no fact and no tool result"},
		"Meu código é " + canary:                    {"a resposta traz texto interno, que não pode sair", "the answer holds internal text, which must not leave"},
		"{{contact.name}} <|im_start|>":             {"a resposta traz marcação técnica, que não pode sair", "the answer holds technical markup, which must not leave"},
	} {
		v := gate.Check(text, c)
		for i, lang := range []string{"pt-BR", "en"} {
			if got := v.Reason(text, lang); got != want[i] {
				t.Errorf("Reason(%q, %s) = %q, want %q", text, lang, got, want[i])
			}
		}
	}
}

// What is left is shorter, is made of the text's own words, and holds nothing that was found.
func FuzzWithout(f *testing.F) {
	for i, e := range corpus(f) {
		if i%12 == 0 {
			f.Add(e.answer+" Oi! "+e.answer, strings.Join(e.ctx.Grounds.House, "\n"))
		}
	}
	f.Add("1. a\n2. R$ 90; b\n\n\n**c** R$ 1 😀", "")
	f.Fuzz(func(t *testing.T, text, house string) {
		if len(text)+len(house) > 4000 {
			t.Skip()
		}
		v := gate.Check(text, &gate.Context{Grounds: gate.Grounds{Now: noon, House: []string{house}}})
		left := gate.Without(text, v)
		if v.Pass() && left != text {
			t.Fatalf("Without(%q) = %q, want it unchanged", text, left)
		}
		if len(left) > len(text) {
			t.Fatalf("Without(%q) = %q, longer", text, left)
		}
		if v.Pass() {
			return
		}
		words := map[string]int{}
		for _, w := range strings.Fields(text) {
			words[w]++
		}
		for _, fd := range v.Findings {
			// Of a figure whose text stands once, nothing is left.
			if said := text[fd.From:fd.To]; strings.Count(text, said) == 1 && strings.Contains(left, said) && len(strings.Fields(said)) > 0 {
				t.Fatalf("Without(%q) = %q, which holds %q", text, left, said)
			}
		}
	})
}

// What is too long to be read whole is not mended.
func TestWithoutOfWhatIsTooLong(t *testing.T) {
	t.Parallel()
	const most = 32 << 10
	for _, extra := range []int{0, 1} {
		text := "Custa R$ 99. " + strings.Repeat("a", most-len("Custa R$ 99. ")-len(" Certo, temos vagas.")+extra) + " Certo, temos vagas."
		v := gate.Verdict{Findings: []gate.Finding{{Kind: gate.Money, Why: gate.Unknown, From: len("Custa "), To: len("Custa R$ 99")}}}
		if got := gate.Without(text, v); (got == "") != (extra == 1) {
			t.Errorf("Without of %d bytes leaves %d, want something: %t", len(text), len(got), extra == 0)
		}
	}
}
