package robot_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"secretaria/internal/robot"
)

func TestAutomatic(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]robot.Sign{"auto": robot.AutoReply, "menu": robot.Menu, "-": ""}
	for l := range strings.Lines(string(b)) {
		kind, text, ok := strings.Cut(strings.TrimSpace(l), " ")
		want, known := kinds[kind]
		if strings.HasPrefix(l, "#") || !ok || !known {
			continue
		}
		text = strings.ReplaceAll(text, `\n`, "\n")
		if got := robot.Automatic(text); got != want {
			t.Errorf("Automatic(%q) = %q, want %q", text, got, want)
		}
	}
}

// talk reads "3s ours: text" or "they: text": who says what, and how long after the last.
func talk(t *testing.T, lines ...string) []robot.Said {
	t.Helper()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var out []robot.Said
	for _, l := range lines {
		head, text, _ := strings.Cut(l, ": ")
		after, who, ok := strings.Cut(head, " ")
		d, err := time.ParseDuration(after)
		if !ok || err != nil {
			t.Fatalf("line %q", l)
		}
		at = at.Add(d)
		out = append(out, robot.Said{Text: text, At: at, Ours: who == "ours"})
	}
	return out
}

// fastOnes are n exchanges in which somebody is faster than anybody types.
func fastOnes(n int) []string {
	var out []string
	for i := range n {
		out = append(out, "4s ours: ok", fmt.Sprintf("1s they: resposta %s de quem tem tudo pronto", strings.Repeat("x", i+1)))
	}
	return out
}

func TestExchanges(t *testing.T) {
	t.Parallel()
	const long, longer = "Gostaria de saber mais sobre os planos", "Posso mostrar os planos que temos hoje"
	for name, c := range map[string]struct {
		said []string
		n    int
		sign robot.Sign
	}{
		"nothing":                       {nil, 0, ""},
		"a person":                      {[]string{"0s they: oi, quanto custa a consulta?", "5s ours: R$ 100.", "30s they: e o retorno, também é pago?"}, 0, ""},
		"auto-replies":                  {[]string{"0s they: Olá, quero saber dos planos", "4s ours: Oi!", "20s they: Recebemos sua mensagem.", "4s ours: Certo.", "30s they: Estamos fora do horário de atendimento"}, 2, robot.AutoReply},
		"speed":                         {[]string{"0s ours: " + longer, "1s they: um dois tres quatro cinco seis", "4s ours: ok", "1s they: sete oito nove dez onze doze", "4s ours: ok", "1s they: treze catorze quinze dezesseis"}, 0, ""},
		"ten that are only fast":        {fastOnes(10), 2, robot.Speed},
		"fast ones between others":      {append([]string{"0s they: Recebemos sua mensagem."}, fastOnes(4)...), 1, robot.AutoReply},
		"a fast yes":                    {[]string{"0s ours: " + longer, "1s they: sim", "4s ours: ok", "1s they: quero"}, 0, ""},
		"the same, at once":             {[]string{"0s they: " + long, "4s ours: oi", "5s they: " + long, "4s ours: oi", "5s they: " + long}, 2, robot.Repetition},
		"a person who says it twice":    {[]string{"0s they: " + long, "4s ours: oi", "40s they: " + long}, 0, ""},
		"a third time":                  {[]string{"0s they: " + long, "4s ours: oi", "40s they: " + long, "4s ours: oi", "40s they: " + long}, 1, robot.Repetition},
		"our own words":                 {[]string{"0s they: oi", "4s ours: Bom dia! " + longer, "60s they: " + longer, "4s ours: Certo.", "60s they: " + longer}, 2, robot.Echo},
		"a person in between":           {[]string{"0s they: Recebemos sua mensagem.", "4s ours: oi", "60s they: oi, aqui é a Ana", "4s ours: oi", "60s they: Recebemos sua mensagem."}, 1, robot.AutoReply},
		"a burst counts once":           {[]string{"0s they: oi", "4s ours: oi", "60s they: Recebemos sua mensagem.", "1s they: Esta é uma mensagem automática.", "1s they: Digite 1 para vendas"}, 1, robot.AutoReply},
		"our bubbles are one exchange":  {[]string{"0s they: Recebemos sua mensagem.", "4s ours: oi", "1s ours: tudo bem?", "60s they: Recebemos sua mensagem."}, 2, robot.AutoReply},
		"unknown times say nothing":     {[]string{"0s ours: " + longer, "0s they: um dois tres quatro cinco"}, 1, robot.Speed},
		"silence after them is no sign": {[]string{"0s they: Recebemos sua mensagem.", "4s ours: oi"}, 1, robot.AutoReply},
	} {
		said := talk(t, c.said...)
		if name == "unknown times say nothing" {
			said[0].At, c.n, c.sign = time.Time{}, 0, ""
		}
		if n, sign := robot.Exchanges(said); n != c.n || sign != c.sign {
			t.Errorf("%s: Exchanges = %d, %q, want %d, %q", name, n, sign, c.n, c.sign)
		}
	}
}

// However long somebody talks, it is no more exchanges than there were.
func FuzzExchanges(f *testing.F) {
	f.Add("Recebemos sua mensagem.|oi|Recebemos sua mensagem.", uint8(2))
	f.Fuzz(func(t *testing.T, text string, ours uint8) {
		var said []robot.Said
		inbound := 0
		for i, s := range strings.Split(text, "|") {
			by := ours>>(i%8)&1 == 1
			said = append(said, robot.Said{Text: s, Ours: by, At: time.Unix(int64(i), 0)})
			if !by {
				inbound++
			}
		}
		n, sign := robot.Exchanges(said)
		if n > inbound || (n == 0) != (sign == "") {
			t.Errorf("Exchanges = %d, %q of %d messages by the other side", n, sign, inbound)
		}
		if n > 0 {
			// One word of a person ends it.
			after := append(said, robot.Said{Ours: true, Text: "oi"}, robot.Said{Text: fmt.Sprint("ana ", len(said))})
			if m, _ := robot.Exchanges(after); m != 0 {
				t.Errorf("after a person's words Exchanges = %d, want 0", m)
			}
		}
	})
}
