package redact

import (
	"os"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Oi, tudo bem?", "Oi, tudo bem?"},
		{"meu cpf é 529.982.247-25, obrigado", "meu cpf é [cpf], obrigado"},
		{"52998224725", "[cpf]"},
		{"529.982.247-26", "[documento]"},
		{"cpf52998224725", "cpf[cpf]"},
		{"CPF do pedido: 52998224725", "CPF do pedido: [cpf]"},
		{"CNPJ 11.222.333/0001-81.", "CNPJ [cnpj]."},
		{"11222333000181", "[cnpj]"},
		{"12.ABC.345/01DE-35", "[cnpj]"},
		{"cnpj 12abc34501de35 ok", "cnpj [cnpj] ok"},
		{"RG 12.345.678-9", "RG [documento]"},
		{"me liga no (11) 98765-4321!", "me liga no [telefone]!"},
		{"(11) 98765-4321 (11) 91234-5678", "[telefone] [telefone]"},
		{"(fone 11 98765-4321)", "(fone [telefone])"},
		{"(11 98765-4321)", "([telefone])"},
		{"zap 98765-4321 / 98765-4322", "zap [telefone] / [telefone]"},
		{"tel 34567890 e 34567891", "tel [telefone] e [telefone]"},
		{"\u202a+55 11 98765\u20114321\u202c ok", "\u202a[telefone]\u202c ok"},
		{"+55 11 98765-4321 2 pessoas", "[telefone] 2 pessoas"},
		{"wa.me/5511987654321", "wa.me/[telefone]"},
		{"to 5511987654321@s.whatsapp.net", "to [telefone]"},
		{"184729305518472@lid", "[telefone]"},
		{"11987654321meu zap", "[telefone]meu zap"},
		{"ligue às 14:30 no 11 98765-4321 14:30", "ligue às 14:30 no [telefone] 14:30"},
		{"ana.silva+x@exemplo.com.br disse", "[email] disse"},
		{"joão@exemplo.com, ok", "[email], ok"},
		{"ana ponto silva arroba exemplo ponto com ponto br e tchau", "[email] e tchau"},
		{"meu email é ana arroba gmail ponto com", "meu email é [email]"},
		{"4111 1111 1111 1111", "[cartão]"},
		{"4111-1111-1111-1112", "[documento]"},
		{"pix: 0198c5a2-7b1c-7def-8000-123456789012", "pix: [pix]"},
		{"0198c5a2-7b1c-7def-8000-123456789012 é minha chave Pix", "[pix] é minha chave Pix"},
		{"0198c5a2-7b1c-7def-8000-123456789012", "0198c5a2-7b1c-7def-8000-123456789012"},
		{"paga: 00020126360014BR.GOV.BCB.PIX0114+5511987654321520400005303986540510.005802BR5913FULANO DE TAL6008BRASILIA62070503***63041D3D valeu", "paga: [pix] valeu"},
		{"CEP 01310-100", "CEP [cep]"},
		{"Rua Augusta, 1500, apto 12, 01310-100 São Paulo", "Rua Augusta, 1500, apto 12, [cep] São Paulo"},
		{"01310100 é o meu cep", "[cep] é o meu cep"},
		{"Authorization: Bearer abc.def-123", "Authorization: Bearer [token]"},
		{"bearer abcdefgh", "bearer [token]"},
		{"basic dXNlcjpwYXNz", "basic [token]"},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[token]"},
		{"key sk-proj-abcdefghijklmnop", "key [token]"},
		{"AIzaSyA-abcdefghijklmnopqrstuvwxyz", "[token]"},
		{"GET /x?api_access_token=abc&n=1", "GET /x?api_access_token=[token]&n=1"},
		{`{"password":"x y","n":1}`, `{"password":"[senha]","n":1}`},
		{"postgres://user:pass@db/x", "postgres://[senha]@db/x"},
		{"minha senha é abc123!", "minha senha é [senha]!"},
		{"Senha: abacaxi", "Senha: [senha]"},
		{"senha: [senha]", "senha: [senha]"},
		{"configuration: WHATICKET_JWT_PASSWORD: needs WHATICKET_JWT_EMAIL", "configuration: WHATICKET_JWT_PASSWORD: needs WHATICKET_JWT_EMAIL"},
		{"secretaria.yaml:12: inboxes.vendas.password: required", "secretaria.yaml:12: inboxes.vendas.password: required"},
		{"JWT_PASSWORD: Abacaxi", "JWT_PASSWORD: [senha]"},
		{"N8N_BASIC_AUTH_PASSWORD=abacaxi", "N8N_BASIC_AUTH_PASSWORD=[senha]"},
		{"Cookie: a=b; c=d", "Cookie: [token]"},
		{"2026-11-21T21:17:05.5511912345678", "2026-11-21T21:17:05.5511912345678"},
		{"send to 5511912345678 refused", "send to [telefone] refused"},
		{"+4512345", "[telefone]"},
		{"Meu telefone é 07700900095.", "Meu telefone é [telefone]."},
		{"cancelar a compra 113542617735902", "cancelar a compra 113542617735902"},
		{"pedidos em 11987654321", "pedidos em [telefone]"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const text = "cpf 529.982.247-25 e ana@exemplo.com"
	found := Find(text)
	if len(found) != 2 || text[found[0].From:found[0].To] != "529.982.247-25" || found[0].Class != CPF ||
		text[found[1].From:found[1].To] != "ana@exemplo.com" || found[1].Class != Email {
		t.Errorf("Find(%q) = %v, want the CPF and the address", text, found)
	}
	if found := Find("bom dia"); found != nil {
		t.Errorf("Find = %v, want nil", found)
	}
}

func TestMasksAreKnown(t *testing.T) {
	t.Parallel()
	for _, c := range Classes() {
		if n, got := maskAt(c.Mask() + "x"); n != len(c.Mask()) || got != c || c.Mask() != "["+string(c)+"]" {
			t.Errorf("maskAt(%q) = %d, %q", c.Mask(), n, got)
		}
	}
}

// harmless returns the lines of the corpus that nothing may be found in.
func harmless(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/harmless.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSuffix(l, "\n"); !strings.HasPrefix(l, "# ") {
			lines = append(lines, l)
		}
	}
	if len(lines) < 300 {
		t.Fatalf("%d lines, want 300 or more", len(lines))
	}
	return lines
}

func TestHarmlessLinesStay(t *testing.T) {
	t.Parallel()
	for _, l := range harmless(t) {
		if got := Text(l); got != l {
			t.Errorf("Text(%q) = %q, want it as it is", l, got)
		}
	}
}

const message = "Oi, aqui é a Ana Paula! Fiz o pedido 123456 no dia 22/11/2026 às 14:30 e paguei R$ 1.234,56. " +
	"Meu CPF é 529.982.247-25 e o zap é (11) 98765-4321. Podem me avisar quando sair para entrega? Obrigada, tá?"

func BenchmarkText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Text(message)
	}
}

func BenchmarkFind(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Find(message)
	}
}

func BenchmarkTextHarmless(b *testing.B) {
	s := strings.Join(harmless(b)[:8], ", ")[:200]
	b.ReportAllocs()
	for b.Loop() {
		Text(s)
	}
}
