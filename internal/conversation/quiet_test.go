package conversation

import (
	"math/rand"
	"strings"
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	t.Parallel()
	usual := Quiet{Window: 4 * time.Second, Max: 20 * time.Second}
	for _, c := range []struct {
		name  string
		quiet Quiet
		burst time.Duration // since its first message
		text  string
		want  time.Duration
	}{
		{"some words", usual, 0, "Vocês entregam em Campinas", 4 * time.Second},
		{"a finished sentence waits half as long", usual, 0, "Quanto custa?", 2 * time.Second},
		{"a greeting waits twice as long", usual, 0, "oi", 8 * time.Second},
		{"an ellipsis goes on", usual, 0, "Então...", 8 * time.Second},
		{"in the middle of a burst", usual, 10 * time.Second, "e", 8 * time.Second},
		{"the burst's bound", usual, 18 * time.Second, "e", 2 * time.Second},
		{"beyond the bound", usual, 21 * time.Second, "e", 0},
		{"no bound", Quiet{Window: 4 * time.Second}, time.Hour, "Sábado", 4 * time.Second},
		{"no window", Quiet{Max: 20 * time.Second}, 0, "oi", 0},
		{"nothing configured", Quiet{}, time.Hour, "oi", 0},
		{"a bound shorter than the window", Quiet{Window: 4 * time.Second, Max: time.Second}, 0, "oi", time.Second},
		{"no words", usual, 0, "", 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.quiet.Due(noon.Add(-c.burst), noon, c.text).Sub(noon); got != c.want {
				t.Errorf("Due(%v into the burst, %q) = now+%v, want now+%v", c.burst, c.text, got, c.want)
			}
		})
	}
}

func TestEnding(t *testing.T) {
	t.Parallel()
	for _, group := range []struct {
		want  end
		texts []string
	}{
		{goesOn, []string{
			// greetings, alone
			"oi", "Oi!", "oiii", "Oie 😊", "Olá", "ola.", "Opa", "Bom dia", "BOM DIA!!", "boa tarde", "Boa noite, pessoal", "Oi, tudo bem?", "oi bom dia tudo bem", "e aí", "Oi gente",
			"Hi", "hello there", "Hey!", "Good morning", "Hola", "hola, ¿qué tal?", "Buenos días", "buenas",
			// a mark after which something has to follow
			"Bom dia,", "quero três coisas:", "então…", "então...", "deixa ver..", "sim -", "o de R$ 99 +", "queria um orçamento (", "tenho interesse;",
			// a word that ends no sentence
			"e", "mas", "e aí eu queria", "Eu queria", "gostaria de", "o meu nome é", "meu telefone é", "tenho uma empresa de", "preciso de um plano com", "queria saber se", "and", "but", "I want",
			"my name is", "pero", "quiero un", "vocês entregam em Campinas ou", "é porque",
			// announcements
			"queria saber", "uma pergunta é se", "tenho uma dúvida", "posso perguntar", "me tira uma dúvida", "I have a question", "tengo una pregunta",
			// fragments
			"q", "vc", "é q",
			// abbreviations and lists
			"falei com o Sr.", "moro na Av.", "1.", "oi, Dra.",
			// numbers that are being dictated
			"11 98765", "meu telefone é 11 9876", "meu cpf é 123.456", "meu CNPJ 12 345", "nove oito sete", "o telefone é onze nove oito sete", "12345-",
		}},
		{finished, []string{
			"Oi.. quero um orçamento.", "Quanto custa?", "Quanto custa? ", "Quanto custa?\r\n\t", "Ótimo!", "(pode ser?)", `ele disse "não."`, "Sim! 😀", "pode ser 👍", "👍", "❤️", "obrigada 🙏🏽", "Vale ✅",
			"Bom dia, vocês abrem hoje?", "Oi! Quanto custa o plano Completo?", "Yes, please.", "¿Cuánto cuesta?", "**Quanto?**", "São 12.", "Custa R$ 99.", "somos 3 pessoas.",
		}},
		{open, []string{
			"", " ", "\u200e", "Vocês entregam em Campinas", "sim", "não", "ok", "Ana", "Ana Souza", "12", "150", "2024", "R$ 10.000", "11987654321", "11 98765-4321", "12.345.678/0001-95", "123.456.789-09",
			"meu telefone é 11 98765-4321", "meu cpf é 123.456.789-09", "uma", "dois", "Meu e-mail é a@b.com", "https://exemplo.com.br/a", "no", "tudo bem", "amanhã às 15h", "segunda", "a gente usa o HubSpot",
			"nove oito sete seis cinco quatro três dois um", ")", "quero o plano completo", "oi quero um orçamento", "hello i need the price list", "para", "la", "preciso de ajuda",
		}},
	} {
		for _, text := range group.texts {
			if got := ending(text); got != group.want {
				t.Errorf("ending(%q) = %d, want %d", text, got, group.want)
			}
		}
	}
}

func TestFinished(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, " ": false, "oi": false, "Oi.": true, "Quanto custa?": true, "Quanto custa?\r\n\t": true, "(pode ser?)": true, `ele disse "não."`: true,
		"então..": false, "então...": false, "então…": false, ".": true, "Meu e-mail é a@b.com": false, "Bom dia,": false, "Sim! 😀": true, "👍🏽": true, ")": false,
	} {
		if got := Finished(text); got != want {
			t.Errorf("Finished(%q) = %v, want %v", text, got, want)
		}
	}
}

// scribble makes a text as nobody writes it, of what the rules look at.
func scribble(r *rand.Rand) string {
	var b strings.Builder
	for range r.Intn(12) {
		b.WriteString(pick(r, "oi", "bom", "dia", "quero", "e", "é", "Sr", "11", "98765", "nove", "plano", "…", ".", "..", ",", "?", "!", "😀", "❤", "\ufe0f", "\u200e", "\"", ")", "\x00", "\xff", "ç", "-",
			strings.Repeat("muito ", 20)))
		b.WriteString(pick(r, "", " ", " ", " ", "\n"))
	}
	return b.String()
}

// Whatever is written, a turn is due neither before now nor after the burst's bound, and the
// window is one of three.
func TestDueOfAnything(t *testing.T) {
	t.Parallel()
	for seed := range int64(5000) {
		r := rand.New(rand.NewSource(seed))
		q := Quiet{Window: time.Duration(r.Intn(8)) * time.Second, Max: time.Duration(r.Intn(25)) * time.Second}
		first := noon.Add(-time.Duration(r.Intn(30)) * time.Second)
		text := scribble(r)
		due := q.Due(first, noon, text)
		limit := first.Add(q.Max)
		if due.Before(noon) || q.Max > 0 && due.After(noon) && due.After(limit) {
			t.Fatalf("seed %d: %+v.Due(-%v, now, %q) = now+%v", seed, q, noon.Sub(first), text, due.Sub(noon))
		}
		if w := due.Sub(noon); w != q.Window && w != q.Window/2 && w != q.Window*2 && !due.Equal(limit) && w != 0 {
			t.Fatalf("seed %d: %+v.Due(-%v, now, %q) = now+%v, want the window, half of it, twice as much, or the bound", seed, q, noon.Sub(first), text, w)
		}
		if again := q.Due(first, noon, " "+text+" \n"); strings.TrimSpace(text) != "" && !again.Equal(due) {
			t.Fatalf("seed %d: with space around it, %q is due at now+%v and not now+%v", seed, text, again.Sub(noon), due.Sub(noon))
		}
		if words, whole := tail(text); !(whole && greets(words)) {
			if asked := q.Due(first, noon, text+" sim?"); asked.After(due) {
				t.Fatalf("seed %d: with a question behind it, %q is due later: now+%v and not now+%v", seed, text, asked.Sub(noon), due.Sub(noon))
			}
		}
	}
}
