package slot

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is a Tuesday.
func noon() time.Time {
	return time.Date(2026, time.March, 10, 12, 0, 0, 0, time.FixedZone("BRT", -3*60*60))
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ask  Kind
		says []string
		want Outcome
	}{
		{"an answer", Email, []string{"ana@exemplo.com"}, Filled},
		{"a question back", Email, []string{"pra que vocês precisam?"}, Countered},
		{"an answer and a question", Email, []string{"ana@exemplo.com", "quanto custa?"}, Filled},
		{"a refusal", Email, []string{"prefiro não passar"}, Declined},
		{"nothing to give", CNPJ, []string{"não tenho CNPJ"}, Declined},
		{"later", Email, []string{"depois te mando"}, Silent},
		{"a picture", Email, []string{""}, Silent},
		{"nothing at all", Email, nil, Silent},
		{"no question", "", []string{"oi"}, Silent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Read(State{}, Turn{Ask: c.ask, Says: c.says, Now: noon()})
			if got.Outcome != c.want {
				t.Errorf("Read(%q) = %q, want %q", c.says, got.Outcome, c.want)
			}
		})
	}
}

// What came in an earlier turn is corrected, completed and given after all.
func TestTurnsBuildOnEachOther(t *testing.T) {
	t.Parallel()
	one := func(k Kind, text string, how How, quotes ...Quote) Value {
		return Value{Kind: k, Text: text, How: how, Quotes: quotes}
	}
	for _, c := range []struct {
		name  string
		turns []Turn
		want  Result // of the last turn; its State is not compared
	}{
		{
			"a correction while another question is open",
			[]Turn{{Ask: TeamSize, Says: []string{"10 pessoas"}}, {Ask: Email, Says: []string{"na verdade é 12 pessoas"}}},
			Result{Corrected: []Value{one(TeamSize, "12", Offered, Quote{1, "12 pessoas"})}, Outcome: Silent},
		},
		{
			"the end of a phone",
			[]Turn{{Ask: Phone, Says: []string{"11 98888-1234"}}, {Ask: Email, Says: []string{"ops, o telefone termina em 7071"}}},
			Result{Corrected: []Value{one(Phone, "+5511988887071", Corrected, Quote{0, "11 98888-1234"}, Quote{1, "termina em 7071"})}, Outcome: Silent},
		},
		{
			"the area code afterwards",
			[]Turn{{Ask: Phone, Says: []string{"98888-1234"}}, {Ask: Phone, Bot: "E o DDD?", Says: []string{"11"}}},
			Result{Learned: []Value{one(Phone, "+5511988881234", Combined, Quote{1, "11"}, Quote{0, "98888-1234"})}, Outcome: Filled},
		},
		{
			"refused and then given",
			[]Turn{{Ask: Email, Says: []string{"prefiro não passar"}}, {Ask: Name, Says: []string{"Ana", "tá bom, meu email é ana@exemplo.com"}}},
			Result{Learned: []Value{one(Name, "Ana", Answered, Quote{1, "Ana"}), one(Email, "ana@exemplo.com", Offered, Quote{2, "ana@exemplo.com"})}, Outcome: Filled},
		},
		{
			"a picture does not shift the answers",
			[]Turn{{Ask: Name, Says: []string{""}}, {Ask: Name, Says: []string{"Ana"}}},
			Result{Learned: []Value{one(Name, "Ana", Answered, Quote{1, "Ana"})}, Outcome: Filled},
		},
		{
			"the other provider",
			[]Turn{{Ask: Email, Says: []string{"ana@gmail.com"}}, {Ask: Name, Says: []string{"ops, é hotmail, não gmail"}}},
			Result{Corrected: []Value{one(Email, "ana@hotmail.com", Corrected, Quote{0, "ana@gmail.com"}, Quote{1, "hotmail, não gmail"})}, Outcome: Silent},
		},
		{
			"the same again is no news",
			[]Turn{{Ask: TeamSize, Says: []string{"10"}}, {Ask: TeamSize, Says: []string{"já falei, 10"}}},
			Result{Outcome: Filled},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got Result
			first := 0
			for _, turn := range c.turns {
				turn.First, turn.Now = first, noon()
				got = Read(got.State, turn)
				first += len(turn.Says)
			}
			got.State = State{}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Read (-want +got):\n%s", diff)
			}
		})
	}
}

// Read does not change what it is given.
func TestReadLeavesItsArguments(t *testing.T) {
	t.Parallel()
	before := func() State {
		return Read(State{}, Turn{Ask: Times, Says: []string{"quinta"}, Now: noon()}).State
	}
	known := before()
	says := []string{"às 10h, e meu email é ana@exemplo.com"}
	Read(known, Turn{Ask: Times, Says: says, First: 1, Now: noon()})
	if diff := cmp.Diff(before(), known); diff != "" {
		t.Errorf("the known state changed (-want +got):\n%s", diff)
	}
}

func hostile() map[string]string {
	return map[string]string{
		"digits":        strings.Repeat("1", 100_000),
		"digit groups":  strings.Repeat("11 ", 34_000),
		"numbers":       strings.Repeat("3 pessoas, ", 9_000),
		"at signs":      strings.Repeat("@", 100_000),
		"addresses":     strings.Repeat("a@b.co ", 15_000),
		"dots":          strings.Repeat("a.", 50_000),
		"number words":  strings.Repeat("vinte e ", 12_500),
		"days":          strings.Repeat("segunda ", 12_500),
		"hours":         strings.Repeat("sexta às 10h não, ", 5_500),
		"control":       strings.Repeat("\x00\x01\x1b", 33_000),
		"not UTF-8":     strings.Repeat("\xff\xfe", 50_000),
		"newlines":      strings.Repeat("\n", 100_000),
		"names":         strings.Repeat("Ana ", 25_000),
		"questions":     strings.Repeat("quanto custa? ", 7_000),
		"cnpj":          strings.Repeat("11.222.333/0001-81 ", 5_000),
		"people":        strings.Repeat("eu e meu marido e ", 5_500),
		"accents alone": strings.Repeat("\u0301", 50_000),
	}
}

// Whatever is written, reading ends, and what it finds is quoted from the message.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, ask := range Kinds() {
				checkQuotes(t, []string{text}, Read(State{}, Turn{Ask: ask, Bot: "Qual?", Says: []string{text}, Now: noon()}))
				checkQuotes(t, []string{text}, Read(State{}, Turn{Ask: ask, Bot: text, Says: []string{text}, Now: noon()}))
			}
		})
	}
}

func checkQuotes(t *testing.T, says []string, got Result) {
	t.Helper()
	for kind, v := range got.State.Values {
		if v.Kind != kind || len(v.Quotes) == 0 {
			t.Errorf("Read(%.80q): %s has %d quotes", says, kind, len(v.Quotes))
		}
		for _, q := range v.Quotes {
			if q.Message < 0 || q.Message >= len(says) || q.Text == "" || !strings.Contains(says[q.Message], q.Text) {
				t.Errorf("Read(%.80q): the quote %.80q of %s is not in message %d", says, q.Text, kind, q.Message)
			}
		}
		if again, err := Parse(kind, v.String(), noon()); err != nil || !again.Same(v) {
			t.Errorf("Parse(%s, %q) = %q, %v, want itself", kind, v, again, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, d := range corpus(f, dialogues)[:40] {
		for _, turn := range d.Turns {
			if len(turn.Says) > 0 {
				f.Add(string(turn.Ask), turn.Bot, turn.Says[0], turn.Says[len(turn.Says)-1])
			}
		}
	}
	f.Fuzz(func(t *testing.T, ask, bot, one, two string) {
		says := []string{one, two}
		turn := Turn{Ask: Kind(ask), Bot: bot, Says: says, Now: noon()}
		got := Read(State{}, turn)
		checkQuotes(t, says, got)
		if diff := cmp.Diff(got, Read(State{}, turn)); diff != "" {
			t.Errorf("Read(%q) twice (-first +second):\n%s", says, diff)
		}
		turn.First = 2
		next := Read(got.State, turn)
		checkQuotes(t, append(says, says...), next)
	})
}

func BenchmarkRead(b *testing.B) {
	text := "Oi, tudo bem? Aqui é a Patrícia da Escola Arco-Íris, somos 25 professores, meu e-mail é patricia@exemplo.com.br e o telefone 11 98888-1234. Pode ser quinta às 10h ou sexta depois das 15h, o que acham?"
	b.ReportAllocs()
	for b.Loop() {
		Read(State{}, Turn{Ask: Name, Bot: "Qual é o seu nome?", Says: []string{text}, Now: noon()})
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Read(State{}, Turn{Ask: Times, Bot: "Quando?", Says: []string{text}, Now: noon()})
			}
		})
	}
}
