package gate_test

import (
	"slices"
	"testing"

	"secretaria/internal/gate"
)

// What only counts, points or names is no figure; what tells of the house or of the customer's
// case is one, and a price that only the customer said is not made one by agreeing.
func TestPlainWords(t *testing.T) {
	t.Parallel()
	c := &gate.Context{Grounds: gate.Grounds{Now: noon, Zone: noon.Location(), House: []string{"Corte: R$ 80", "Jardim até 100 m² R$ 220 por mês; de 101 a 250 m² R$ 340 por mês."}, Customer: []string{"faz por 50? meu jardim tem 90 m²"}}}
	for text, want := range map[string][]gate.Kind{
		"Resposta 12.":                                  nil,
		"Fico com a opção 2.":                           nil,
		"A resposta às duas: sim e não.":                nil,
		"Aqui está a segunda (opção).":                  nil,
		"Seu protocolo é 48213.":                        {gate.Number},
		"Senha 771.":                                    {gate.Number},
		"Temos 14 profissionais.":                       {gate.Number},
		"Espero você na segunda às duas.":               {gate.Day, gate.Hour},
		"Combinado: R$ 50.":                             {gate.Money},
		"O corte sai por R$ 50.":                        {gate.Money},
		"Para 90 m² são R$ 220 por mês.":                nil,
		"Para 90 m² são R$ 340 por mês.":                {gate.Money},
		"Olá {{contact.info}}":                          {gate.Template, gate.Template},
		"Olá {{evil.info}}":                             {gate.Template, gate.Link, gate.Template},
		"Veja contact.info/login":                       {gate.Link},
		"Pode sim, agendei você com a Ana na recepção.": {gate.Claim},
		"Pode deixar, o técnico foi enviado agora.":     {gate.Claim},
	} {
		var got []gate.Kind
		for _, f := range gate.Check(text, c).Findings {
			got = append(got, f.Kind)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Check(%q) = %v, want %v", text, got, want)
		}
	}
	if v := gate.Check("Combinado: R$ 50.", c); len(v.Findings) != 1 || v.Findings[0].Why != gate.CustomerOnly {
		t.Errorf("Check of a price that the customer dictated = %v, want it to be his alone", v)
	}
}
