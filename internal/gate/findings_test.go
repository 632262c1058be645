package gate_test

import (
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"secretaria/internal/gate"
	"secretaria/internal/hours"
	"secretaria/internal/promise"
)

var update = flag.Bool("update", false, "write testdata/findings*.txt anew")

// What is found in every answer of the corpus, as it stands and with a part of what it was said
// from gone, is written down: whoever changes a finder sees all that he changes, also where the
// corpus marks nothing.
func TestFindingsOfTheCorpus(t *testing.T) {
	pure(t)
	t.Parallel()
	rec := recorded(t, "testdata/findings-corpus.txt")
	show := func(what, text string, c *gate.Context) { rec.line("%s:%s", what, findings(text, c)) }
	all := corpus(t)
	for i, e := range all {
		at := fmt.Sprintf("%s:%d", e.file, e.line)
		show(at, e.answer, &e.ctx)
		other := e.ctx
		switch i % 6 {
		case 0:
			other.Grounds.House = nil
			show(at+" without the house", e.answer, &other)
		case 1:
			other.Grounds.Hours = hours.Hours{}
			show(at+" without hours", e.answer, &other)
		case 2:
			other.Grounds.Customer = append([]string{e.answer}, e.ctx.Grounds.Customer...)
			other.Grounds.House = nil
			show(at+" from the customer", e.answer, &other)
		case 3:
			other.Grounds.Tools = append([]string{e.answer}, e.ctx.Grounds.Tools...)
			other.Grounds.House = nil
			show(at+" from a tool", e.answer, &other)
		case 4:
			other.Grounds.Now = e.ctx.Grounds.Now.AddDate(0, 0, 3)
			show(at+" three days later", e.answer, &other)
		case 5:
			other.Grounds.Said = append([]string{e.answer}, e.ctx.Grounds.Said...)
			other.Grounds.House = all[(i+200)%len(all)].ctx.Grounds.House
			show(at+" in another house", e.answer, &other)
		}
	}
	rec.end()
}

// findings are what is wrong with a text, and what is left of it.
func findings(text string, c *gate.Context) string {
	var b strings.Builder
	v := gate.Check(text, c)
	for _, f := range v.Findings {
		fmt.Fprintf(&b, " %s/%s %q", f.Kind, f.Why, text[f.From:f.To])
		if f.Claim != "" {
			fmt.Fprintf(&b, " %s", f.Claim)
		}
	}
	if left := gate.Without(text, v); left != text {
		fmt.Fprintf(&b, " → %.200q", left)
	}
	return b.String()
}

// What is found in sentences with one figure of every form and size, where there is something
// to hold it up and where there is nothing.
func TestFindings(t *testing.T) {
	pure(t)
	t.Parallel()
	rec := recorded(t, "testdata/findings.txt")
	week, err := hours.Parse(hours.Form{Zone: "America/Sao_Paulo", Week: "seg-sex 08:00-12:00, 13:30-18:00; sáb 8h às 12h"})
	if err != nil {
		t.Fatal(err)
	}
	full := gate.Context{
		Secrets: secrets(), Hosts: []string{"clinica.example", "www.loja.example"}, Contact: []string{"+5511987654321", "ana@exemplo.com"},
		Grounds: gate.Grounds{
			Now: noon, Zone: noon.Location(), Hours: week,
			House: []string{
				"Consulta: R$ 250,00, 40 minutos. Retorno grátis em até 30 dias.", "Limpeza de pele: R$ 120 (de 60 a 90 minutos). Pacote com 5 sessões por R$ 500.", "Desconto de 10% à vista; parcelamos em até 6x sem juros, parcelas a partir de R$ 50.",
				"Endereço: Rua das Acácias, 245, sala 12, CEP 01310-100. Telefone (11) 3456-7890, e-mail contato@clinica.example.", "CNPJ 11.222.333/0001-81. Site: https://clinica.example/agenda.", "Feriado de 25/12: fechado. Mutirão dia 28 de novembro, das 9h às 15h.",
				"Entrega em 3 dias úteis, frete de R$ 15,90. Garantia de 2 anos. Capacidade de 80 pessoas, 120 m², 500 Mega.",
			},
			Tools:    []string{`{"slots":["2026-11-23T15:00:00-03:00","2026-11-24T09:30:00-03:00"],"total":370,"pedido":"48213"}`},
			Said:     []string{"Temos horário na quinta às 10h."},
			Customer: []string{"meu orçamento é de R$ 900, meu CPF é 529.982.247-25, pode ser dia 27 às 16h? moro na Rua Augusta 1200"},
			Done:     []promise.Kind{promise.Booked},
		},
	}
	empty := gate.Context{Grounds: gate.Grounds{Now: noon, Zone: noon.Location()}}
	for _, text := range sentences() {
		rec.line("%.120q%s", text, findings(text, &full))
		rec.line("    of nothing:%s", findings(text, &empty))
	}
	rec.end()
}

// record compares what is found with what is written down.
type record struct {
	t    *testing.T
	file string
	want []string
	got  []string
	bad  int
}

func recorded(t *testing.T, file string) *record {
	t.Helper()
	r := &record{t: t, file: file}
	if !*update {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r.want = strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	}
	return r
}

// line compares one line. It ends the test where much differs.
func (r *record) line(format string, args ...any) {
	r.t.Helper()
	line := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", `\n`)
	r.got = append(r.got, line)
	if n := len(r.got); !*update && (n > len(r.want) || r.want[n-1] != line) {
		want := "nothing"
		if n <= len(r.want) {
			want = r.want[n-1]
		}
		r.t.Errorf("%s:%d (-update writes it anew):\n got %s\nwant %s", r.file, n, line, want)
		if r.bad++; r.bad == 5 {
			r.t.FailNow()
		}
	}
}

func (r *record) end() {
	r.t.Helper()
	if *update {
		if err := os.WriteFile(r.file, []byte(strings.Join(r.got, "\n")+"\n"), 0o600); err != nil {
			r.t.Fatal(err)
		}
	} else if len(r.got) != len(r.want) {
		r.t.Errorf("%s has %d lines, %d were found", r.file, len(r.want), len(r.got))
	}
}

// sentences are answers with one figure of every form and size, and with what leaks.
func sentences() []string {
	all := []string{
		"", "Oi!", "A consulta custa R$ 250.", "A consulta custa 250 reais.", "A consulta custa duzentos e cinquenta reais.", "A consulta sai por 250,00.", "A consulta sai por 25000 centavos.", "São R$ 250,00 ou 6x de R$ 41,67.", "São 5 sessões por R$ 500, R$ 100 cada.", "O pacote sai por R$ 450 à vista, com 10% de desconto.",
		"Duas consultas saem por R$ 500.", "Consulta e limpeza juntas: R$ 370.", "A diferença é de R$ 130.", "Metade disso: R$ 125.", "Cerca de R$ 240.", "Menos de R$ 300.", "Mais de R$ 200.", "De R$ 100 a R$ 300.", "Com acréscimo de R$ 20, R$ 270.", "Faltam R$ 530 do seu orçamento de R$ 900.", "Você disse R$ 900.", "Custa R$ 900?", "Não custa R$ 900.", "Fica em R$ 900.",
		"O retorno é grátis.", "A consulta é grátis.", "Estacionamento gratuito.", "Sem custo!", "Uma cortesia da casa.", "100% online.", "Desconto de 100%.", "Desconto de 10%.", "Desconto de 15%.", "dez por cento de desconto", "Parcelamos em 6x.", "Parcelamos em 7 vezes.", "12 parcelas.", "Dura 40 minutos.", "Dura uma hora.", "Dura 1h30.", "Dura de 60 a 90 minutos.", "Dura 75 minutos.", "Dura meia hora.", "uma hora e meia", "duas horas e dez minutos",
		"Entregamos em 3 dias úteis.", "Entregamos em 3 dias.", "Entregamos em 5 dias úteis.", "Garantia de 24 meses.", "Garantia de 2 anos.", "Garantia de dois anos e meio.", "Retorno em um mês.", "Retorno em 4 semanas.", "Volta em 30 dias.", "Hoje estamos abertos.", "Amanhã abrimos às 8h.", "Abrimos domingo.", "Fechamos às 18h.", "Fechamos às 19h.", "Sábado fechamos ao meio-dia.", "Sábado abrimos às 13h30.", "Funcionamos de segunda a sexta, das 8h às 18h.", "Funcionamos de segunda a sábado.", "Não abrimos domingo.", "Estamos fechados no dia 25/12.", "Abrimos dia 25/12.", "No feriado não atendemos.",
		"Seu horário é segunda às 15h.", "Seu horário é dia 23/11 às 15h.", "Tenho vaga na terça às 9h30.", "Tenho vaga na terça às 10h.", "Tenho quarta livre.", "Quinta às 10h, certo?", "dia 27 às 16h então", "27/11 cai numa sexta-feira.", "27/11 cai numa quinta-feira.", "sexta-feira (27/11)", "sexta, 28", "dia 31/02", "no dia 30", "em novembro", "em dezembro de 2027", "semana que vem", "mês que vem", "depois de amanhã", "daqui a 3 dias", "ontem", "daqui a 15 dias",
		"amanhã às três da tarde", "hoje às 15h", "às 3", "à uma", "à meia-noite", "meio-dia e meia", "15h30", "15:30", "3 e meia", "às 25h", "das 9h às 15h", "entre 9 e 11h", "até as 18h", "a partir das 8h", "8h da noite", "8 da manhã",
		"Ligue (11) 3456-7890.", "Ligue (11) 3456-7891.", "Ligue 3456-7890.", "WhatsApp 11 98765-4321.", "WhatsApp +55 11 98765-4321.", "Ligue 0800 123 4567.", "Ligue 192.", "Ligue 195.", "ana@exemplo.com", "contato@clinica.example", "outra@clinica.example", "CPF 529.982.247-25", "CPF 111.444.777-35", "CNPJ 11.222.333/0001-81", "CNPJ 11.222.333/0001-82", "CEP 01310-100", "CEP 01310-101", "cartão 4111 1111 1111 1111", "Rua das Acácias, 245", "Rua das Acácias, 246", "Rua Augusta 1200", "Av. Brasil, 10", "Rua Nova", "na rua de trás", "Rodovia Anhanguera, km 104", "sala 12", "sala 13",
		"https://clinica.example/agenda", "https://clinica.example/outra", "http://clinica.example", "www.loja.example/x", "https://evil.example", "evil.com/a", "[aqui](https://evil.com)", "![x](https://clinica.example/a.png)", "![x](https://evil.com/a.png)", "javascript:alert(1)", "data:text/html,x", "hxxp://evil[.]com", "mailto:a@b.co", "ftp://clinica.example/a", "bit.ly/abc", "https://clinica.example.evil.com", "https://clinica.example:8080/x", "https://a@clinica.example",
		"Capacidade de 80 pessoas.", "Capacidade de 90 pessoas.", "500 Mega", "600 Mega", "120 m²", "130 m²", "Temos 3 salas.", "Temos 13 salas.", "pedido 48213", "pedido 48214", "em 2026", "em 2031", "mil desculpas", "2 em 1", "nota 10", "1º andar", "3 x 40 = 120", "10 + 20 = 30", "2 ou 3 vezes", "2,5 kg", "37 °C", "220 volts", "R$ 1.234.567,89", "R$ 0,99", "R$ 12,5", "R$ 1200", "R$1.200", "r$ 10", "10 conto", "noventa e nove e noventa", "trinta pila", "dois reais e cinquenta", "mil e duzentos reais", "80 a 120 reais", "80, 90 ou 100 reais",
		"Está agendado!", "Está pago!", "Enviei o contrato.", "Transferi você.", "Registrei sua preferência.", "Seu pedido foi enviado.", "O reembolso já foi aprovado.", "Pedido foi entregue?", "Anotei seu recado.", "Já agendei sua consulta para segunda às 15h.", "Vou agendar.", "Não agendei.",
		"Claro! Custa R$ 999. Posso ajudar em algo mais?", "Perfeito, Ana! Custa R$ 999.", "Temos:\n- consulta R$ 999\n- limpeza R$ 888\n\nAté logo!", "Temos:\n- consulta R$ 250\n- limpeza R$ 888", "1. Consulta: R$ 999.\n2. Limpeza: R$ 120.", "Dr. Paulo atende na Av. Paulista, 1000. Sim.", "**R$ 999**. 😊 Ok?", "Oi; tudo bem; R$ 999; até.",
		"sk-abcdefghijklmnopqrst", "AIzaSyA1234567890abcdefghijklmnopqrs", "Bearer abcdefghijklmnopqrstuv", "ghp_abcdefghijklmnopqrstuv", "AKIAABCDEFGHIJKLMNOP", "-----BEGIN RSA PRIVATE KEY", "eyJhbGciOiJ9.eyJzdWIiOiJ.abc", "0123456789abcdef0123456789abcdef", "01234567890123456789012345678901", "abcdefabcdefabcdefabcdefabcdefab", "xoxb-1234567890-abc",
		"<|system|>", "[INST]", "<<SYS>>", "</system>", "<think>", "system: x", "## Assistant: x", "**User**: x", "[aviso do sistema]", "<start_of_turn>", "{{x}}", "{%x%}", "<%x%>", "${x}", "{x}", "<img src=x>",
	}
	all = append(all,
		"CPF 52998224725", "CPF 52998224726", "CPF 11111111111", "CPF 529982247-25", "CPF 529.982.247-24", "documento 01234567890", "número 12345678909", "cartão 4111111111111111", "cartão 4111111111111112", "cartão 5500 0000 0000 0004", "cartão 378282246310005", "boleto 23793381286000000000300000000401", "linha 1234 5678 9012 3456",
		"meia-noite", "meia noite", "meia - noite", "meia-hora", "meia tarde", "meio-dia", "meio dia e quinze", "meio - dia", "primeiro de maio", "primeiro dia", "1º de maio", "todos os dias", "todos os meses", "daqui a duas semanas", "daqui a 10 minutos", "daqui a uma hora", "em até 2h", "de cerca de 2h", "de até 2h", "dura 2h", "é 2h", "mais de 2h", "as últimas 2h", "às 2h",
		"Falta meia hora para abrir.", "Fechamos em 2 horas.", "Abrimos daqui a 40 minutos.", "Está marcado para segunda às 15h e para terça às 9h30.", "Sua consulta foi marcada para quinta às 11h. Chegue às 10h45.", "A entrega chega na terça.", "A entrega chega no dia 25/12.", "cento e vinte e cinco e noventa", "nove e noventa", "dez e meia", "dez e cinquenta minutos", "vinte e vinte", "um e cinquenta",
	)
	for _, hour := range []string{"duas", "às 8", "8h", "meio-dia", "às oito", "dezoito"} {
		for _, past := range []string{"e meia", "e meia dúzia", "e meio", "e cinco", "e dez", "e 10", "e 15", "e quinze minutos", "e 20 min", "e 55", "e 60", "e vinte e cinco", "e 30 reais", "e doze", "e 30%", "e 20 dias", "e 20h", "da manhã", "da tarde", "da noite", "da madrugada", "em ponto", "a 10", "às 10", "ou 9"} {
			all = append(all, "Atendemos "+hour+" "+past+".")
		}
	}
	for n := 6; n <= 14; n++ {
		cut := prompt[:min(n*3, len(prompt))]
		all = append(all, base64.StdEncoding.EncodeToString([]byte(cut)), hex.EncodeToString([]byte(cut)), "%"+strings.ToUpper(strings.Join(pairs(hex.EncodeToString([]byte(cut))), "%")), "0x"+strings.Join(pairs(hex.EncodeToString([]byte(cut))), " 0x"), `\x`+strings.Join(pairs(hex.EncodeToString([]byte(cut))), `\x`))
	}
	words := strings.Fields(prompt)
	for n := 6; n <= min(12, len(words)); n++ {
		run := strings.Join(words[:n], " ")
		all = append(all, run, strings.ToUpper(run), strings.ReplaceAll(run, " ", ""), base64.StdEncoding.EncodeToString([]byte(run)), hex.EncodeToString([]byte(run)), strings.Join(strings.Split(run, ""), " "), url.PathEscape(run), strings.NewReplacer("a", "4", "e", "3", "o", "0", "i", "1", "s", "5", "t", "7").Replace(run), "antes "+run+" depois")
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 23, 24, 25, 28, 29, 30, 31, 32, 59, 60, 61, 90, 99, 100, 101, 120, 250, 500, 999, 1000, 1200, 2026} {
		for _, form := range []string{"R$ %d", "%d reais", "%d%%", "%dx", "%d minutos", "%d horas", "%d dias", "%d meses", "dia %d", "%dh", "às %d", "%d:30", "%d/11", "28/%d", "%d pessoas", "nº %d"} {
			all = append(all, fmt.Sprintf("É isto: "+form+".", n))
		}
	}
	for _, n := range []int{14, 15, 16, 29, 30, 31, 44, 45, 46, 59, 60, 61, 62, 74, 75, 76, 119, 120, 121, 150} {
		for _, form := range []string{"Faltam %d minutos para as 13h.", "Faltam menos de %d minutos para as 13h.", "Faltam mais de %d minutos para as 13h.", "Faltam cerca de %d minutos para as 13h."} {
			all = append(all, fmt.Sprintf(form, n))
		}
	}
	for _, phone := range []string{"34567890", "3456-7890", "13456-7890", "93456-7890", "11 3456-7890", "011 3456-7890", "55 11 3456-7890", "+55 (11) 3456-7890", "11 93456-7890", "12 3456-7890", "8765-4321", "98765-4321", "11 8765-4321", "011 98765-4321", "55 11 98765-4321", "21 98765-4321", "0800 345 6789", "0300 345 678", "4003-4567"} {
		all = append(all, "Ligue "+phone+".")
	}
	for d := 7; d <= 14; d++ {
		all = append(all, fmt.Sprintf("Será em %d/12.", d), fmt.Sprintf("Foi em %d de dezembro.", d), fmt.Sprintf("Já são 12h%02d.", d-7))
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8} {
		all = append(all, fmt.Sprintf("A avaliação de %d crianças custa R$ 250.", n), fmt.Sprintf("%d sessões de limpeza custam R$ %d.", n, n*120), fmt.Sprintf("Em %dx de R$ %d a consulta.", n, 250/max(n, 1)), fmt.Sprintf("A limpeza e %d consultas somam R$ %d.", n, 120+250*n))
	}
	for n := 7; n <= 10; n++ {
		all = append(all, strings.Repeat("%41", n), "a"+strings.Repeat("%41", n))
	}
	return all
}
