package slot

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"secretaria/internal/brazil"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind Kind
		text string
		want string
		code Code
	}{
		{Name, "dra. MARIA DA SILVA", "Maria da Silva", ""},
		{Name, "d'ávila", "D'ávila", ""},
		{Name, "Ana-Lúcia", "Ana-Lúcia", ""},
		{Name, " *joão* ", "João", ""},
		{Name, "12", "", Malformed},
		{Name, "a", "", Malformed},
		{Name, " ", "", Empty},
		{Name, strings.Repeat("a", 100), "", TooLong},
		{Email, "Ana.Prado@Exemplo.COM.BR", "ana.prado@exemplo.com.br", ""},
		{Email, "ana arroba exemplo ponto com", "ana@exemplo.com", ""},
		{Email, "ana @ exemplo . com", "ana@exemplo.com", ""},
		{Email, "ana@exemplo", "", Malformed},
		{Email, "@exemplo.com", "", Malformed},
		{Email, "a@b..com", "", Malformed},
		{Email, "", "", Empty},
		{Phone, "(11) 98888-1234", "+5511988881234", ""},
		{Phone, "11 8888-1234", "+5511988881234", ""},
		{Phone, "0 41 11 98888-1234", "+5511988881234", ""},
		{Phone, "+351 912 345 678", "+351912345678", ""},
		{Phone, "00351 912 345 678", "+351912345678", ""},
		{Phone, "98888-1234", "", NoAreaCode},
		{Phone, "meu fone: 98888-1234", "", NoAreaCode},
		{Phone, "0800 123 4567", "", NoContact},
		{Phone, "20 98888-1234", "", Malformed},
		{Phone, "123.456.789-09", "", Malformed},
		{Phone, "onze nove oito oito oito oito um dois três quatro", "+5511988881234", ""},
		{CNPJ, "11.222.333/0001-81", "11222333000181", ""},
		{CNPJ, "12.abc.345/01de-35", "12ABC34501DE35", ""},
		{CNPJ, "11.222.333/0001-18", "", CheckDigit},
		{CNPJ, "00.000.000/0000-00", "", Malformed},
		{CNPJ, "11222333", "", Malformed},
		{CNPJ, "112223330001811", "", TooLong},
		{CNPJ, "12ABC34501DEA5", "", Malformed},
		{TeamSize, "doze pessoas", "12", ""},
		{TeamSize, "eu e mais três", "4", ""},
		{TeamSize, "trabalho sozinho", "1", ""},
		{TeamSize, "0", "", OutOfRange},
		{TeamSize, "430 alunos", "", Malformed},
		{TeamSize, "muita gente", "", Malformed},
		{Times, "quinta às 10h", "2026-03-12T10:00:00-03:00", ""},
		{Times, "2026-03-12T13:00:00Z", "2026-03-12T10:00:00-03:00", ""},
		{Times, "quinta de manhã", "", NoHour},
		{Times, "ontem às 10h", "", NoHour},
		{Times, "qualquer coisa", "", Malformed},
		{Tools, "RD Station, planilhas", "RD Station, planilhas", ""},
		{Tools, ",", "", Empty},
		{YesNo, "sim, claro", "yes", ""},
		{YesNo, "não", "no", ""},
		{YesNo, "não sei, talvez sim", "", Malformed},
		{Free, "qualquer coisa\n", "qualquer coisa", ""},
		{Free, "\x01", "", Malformed},
		{Kind("colour"), "azul", "", Unknown},
	} {
		got, err := Parse(c.kind, c.text, noon())
		var refusal *Refusal
		errors.As(err, &refusal)
		switch {
		case c.code == "" && (err != nil || got.String() != c.want):
			t.Errorf("Parse(%s, %q) = %q, %v, want %q", c.kind, c.text, got, err, c.want)
		case c.code != "" && (refusal == nil || refusal.Code != c.code || refusal.Kind != c.kind):
			t.Errorf("Parse(%s, %q) = %q, %v, want %q", c.kind, c.text, got, err, c.code)
		}
	}
}

// A refusal is a label: it holds nothing that somebody wrote.
func TestRefusalSaysNothingOfTheText(t *testing.T) {
	t.Parallel()
	const text = "segredo-11.222.333/0001-18"
	for _, kind := range Kinds() {
		if _, err := Parse(kind, text, noon()); err != nil && (strings.Contains(err.Error(), "segredo") || strings.Contains(err.Error(), "222")) {
			t.Errorf("Parse(%s) = %v, which quotes the text", kind, err)
		}
	}
}

// Every way to write a phone, a CNPJ and an address is read as the same one, by Parse and in
// a sentence.
func TestFormatsRoundTrip(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	areas := strings.Fields("11 21 27 31 41 48 51 61 62 71 81 85 92")
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	check := func(kind Kind, want, text string) {
		t.Helper()
		if got, err := Parse(kind, text, noon()); err != nil || got.Text != want {
			t.Errorf("Parse(%s, %q) = %q, %v, want %q", kind, text, got, err, want)
		}
		says := []string{"claro, pode anotar: " + text + ", tá?"}
		got := Read(State{}, Turn{Ask: kind, Says: says, Now: noon()})
		if v := got.State.Values[kind]; v.Text != want {
			t.Errorf("Read(%q) = %q, want %q", says, v, want)
		}
		checkQuotes(t, says, got)
	}
	for range 100 {
		area, a, b := areas[r.IntN(len(areas))], fmt.Sprintf("9%04d", r.IntN(10_000)), fmt.Sprintf("%04d", r.IntN(10_000))
		for _, form := range []string{"(%s) %s-%s", "%s %s-%s", "%s%s%s", "%s %s %s", "%s.%s.%s", "0%s %s-%s", "+55 %s %s-%s", "55%s%s%s", "+55(%s)%s-%s"} {
			check(Phone, "+55"+area+a+b, fmt.Sprintf(form, area, a, b))
		}
		var base []byte
		for range 12 {
			base = append(base, alphabet[r.IntN(len(alphabet))])
		}
		c := string(base)
		c += brazil.Sign(c)
		for _, text := range []string{c, strings.ToLower(c), c[:2] + "." + c[2:5] + "." + c[5:8] + "/" + c[8:12] + "-" + c[12:]} {
			check(CNPJ, c, text)
		}
		local, host := fmt.Sprintf("ana.%d", r.IntN(1000)), fmt.Sprintf("casa%d", r.IntN(1000))
		for _, form := range []string{"%s@%s.com.br", "%s @ %s . com . br", "%s arroba %s ponto com ponto br", "%s@%s.COM.BR"} {
			check(Email, local+"@"+host+".com.br", fmt.Sprintf(form, local, host))
		}
	}
}

// One changed character of a CNPJ is noticed: that is what check digits are for.
func TestCNPJNoticesAChange(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"11222333000181", "12ABC34501DE35"} {
		for i := range c {
			for _, r := range "0123456789" {
				changed := c[:i] + string(r) + c[i+1:]
				if _, err := Parse(CNPJ, changed, noon()); changed != c && err == nil && sameRest(c[i], byte(r)) {
					t.Errorf("Parse(%q) took %q changed at %d", changed, c, i)
				}
			}
		}
	}
}

// sameRest leaves out the pairs that the sum modulo 11 cannot tell apart: remainders 0 and 1
// both give the digit 0, and A counts as 17, which is 6.
func sameRest(a, b byte) bool {
	return (int(a)-int(b))%11 != 0
}
