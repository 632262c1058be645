package portuguese

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"Às 15h30!", "as 15 h 30 !"},
		{"amanhã,10:00", "amanha , 10 : 00"},
		{"CORAÇÃO ñandú", "coracao nandu"},
		{"a\u0303 e\u0301", "a e"},
		{"1º dia", "1 º dia"},
		{"\u00a0\u200b x", "x"},
		{"a\nb", "a \n b"},
		{"\xffa", "\ufffd a"},
		{"", ""},
	} {
		var got []string
		for _, token := range Split(c.text) {
			got = append(got, token.Fold)
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("Split(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"12", "12"},
		{"1.200 funcionários", "1200"},
		{"R$ 199,90", "199 fraction"},
		{"18 mil", "18000"},
		{"quinze", "15"},
		{"vinte e cinco", "25"},
		{"cento e vinte e três", "123"},
		{"duzentas e trinta", "230"},
		{"mil e duzentos", "1200"},
		{"dois mil e quinhentos", "2500"},
		{"vinte e poucos", "20 vague"},
		{"uma dúzia e uns quebrados", "12 vague"},
		{"meia dúzia", "6"},
		{"duas dezenas", "20"},
		{"um", "1 article"},
		{"vinte e um", "21"},
		{"nove e meia", "9"},
		{"três e quatro", "3 4"},
		{"dez e quinze", "10 15"},
		{"cem", "100"},
		{"zero", "0"},
		{"99999999999", ""},
		{"pessoas", ""},
	} {
		var got []string
		for _, n := range Numbers(Split(c.text)) {
			s := fmt.Sprint(n.Value)
			if n.Vague {
				s += " vague"
			}
			if n.Fraction {
				s += " fraction"
			}
			if n.Article {
				s += " article"
			}
			got = append(got, s)
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("Numbers(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// Every number below a million, written in words, is read back.
func TestNumbersInWords(t *testing.T) {
	t.Parallel()
	for n := 1; n < 1_000_000; n = n*7/6 + 1 {
		text := inWords(n)
		got := Numbers(Split(text))
		if len(got) != 1 || got[0].Value != n {
			t.Errorf("Numbers(%q) = %+v, want %d", text, got, n)
		}
	}
}

func inWords(n int) string {
	small := strings.Fields("zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete dezoito dezenove")
	tens := strings.Fields("- - vinte trinta quarenta cinquenta sessenta setenta oitenta noventa")
	hundreds := strings.Fields("- cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos")
	switch {
	case n == 100:
		return "cem"
	case n < 20:
		return small[n]
	case n < 100 && n%10 == 0:
		return tens[n/10]
	case n < 100:
		return tens[n/10] + " e " + small[n%10]
	case n < 1000 && n%100 == 0:
		return hundreds[n/100]
	case n < 1000:
		return hundreds[n/100] + " e " + inWords(n%100)
	}
	s := "mil"
	if n >= 2000 {
		s = inWords(n/1000) + " mil"
	}
	if n%1000 > 0 {
		s += " e " + inWords(n%1000)
	}
	return s
}

func TestDictated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"oitenta e um, nove nove zero zero zero, meia meia sete sete", "81990006677"},
		{"onze nove 8877 um dois três quatro", "11988771234"},
		{"zero zero zero um traço oitenta e um", "000181"},
		{"barra mil ao contrário", ""},
		{"dois, mil ao contrário", "20001"},
		{"três zeros um", "0001"},
		{"noventa nove", "99"},
		{"123", ""},
		{"", ""},
	} {
		tokens := Split(c.text)
		d, _ := DictatedAt(tokens, 0)
		if d.Digits != c.want {
			t.Errorf("DictatedAt(%q) = %q, want %q", c.text, d.Digits, c.want)
		}
	}
}

// tuesday is 10 March 2026 at noon.
func tuesday() time.Time {
	return time.Date(2026, time.March, 10, 12, 0, 0, 0, time.FixedZone("BRT", -3*60*60))
}

func show(tokens []Token, items []Item, text string) []string {
	var got []string
	for _, item := range items {
		s := text[tokens[item.From].Start:tokens[item.To-1].End] + " = "
		switch item.Kind {
		case Day:
			s += item.Date.Format(time.DateOnly)
		case Clock:
			s += fmt.Sprintf("%02d:%02d", item.Minutes/60, item.Minutes%60)
		case Part:
			s += fmt.Sprintf("part %d", item.Spell)
		case SameDay:
			s += "same day"
		case SameClock:
			s += "same hour"
		}
		for _, mark := range []struct {
			on   bool
			text string
		}{{item.Past, " past"}, {item.Over, " over"}, {item.Until, " until"}, {item.Range, " range"}, {item.Bare, " bare"}} {
			if mark.on {
				s += mark.text
			}
		}
		got = append(got, s)
	}
	return got
}

func TestItems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []string
	}{
		{"amanhã às 15h", []string{"amanhã = 2026-03-11", "às 15h = 15:00"}},
		{"hoje", []string{"hoje = 2026-03-10"}},
		{"terça", []string{"terça = 2026-03-17"}},
		{"quarta-feira", []string{"quarta-feira = 2026-03-11"}},
		{"semana que vem terça", []string{"semana que vem terça = 2026-03-17"}},
		{"quarta da semana que vem", []string{"quarta da semana que vem = 2026-03-18"}},
		{"depois de amanhã", []string{"depois de amanhã = 2026-03-12"}},
		{"daqui a 3 dias", []string{"daqui a 3 dias = 2026-03-13"}},
		{"dia 25", []string{"dia 25 = 2026-03-25"}},
		{"dia 5", []string{"dia 5 = 2026-04-05 over"}},
		{"dia 10", []string{"dia 10 = 2026-03-10"}},
		{"28 de maio de 2027", []string{"28 de maio de 2027 = 2027-05-28"}},
		{"1º de abril às 9", []string{"1º de abril = 2026-04-01", "às 9 = 09:00"}},
		{"25/03, 14h", []string{"25/03 = 2026-03-25", "14h = 14:00"}},
		{"12/02/2026", []string{"12/02/2026 = 2026-02-12 past"}},
		{"31/02", nil},
		{"ontem", []string{"ontem = 2026-03-09 past"}},
		{"sexta, dia 20", []string{"sexta, dia 20 = 2026-03-20"}},
		{"24 às 16 ou 25 às 8 e meia", []string{"24 = 2026-03-24", "às 16 = 16:00", "25 = 2026-03-25", "às 8 e meia = 08:30"}},
		{"15h30", []string{"15h30 = 15:30"}},
		{"9:15", []string{"9:15 = 09:15"}},
		{"às 3", []string{"às 3 = 15:00"}},
		{"às 7", []string{"às 7 = 07:00"}},
		{"7 da noite", []string{"7 da noite = 19:00"}},
		{"3 da manhã", []string{"3 da manhã = 03:00"}},
		{"meio dia e meia", []string{"meio dia e meia = 12:30"}},
		{"quinze pras quatro", []string{"quinze pras quatro = 15:45"}},
		{"às quatro e quinze", []string{"às quatro e quinze = 16:15"}},
		{"das 14 às 16", []string{"das 14 às 16 = 14:00 range"}},
		{"das 7 às 9 da noite", []string{"das 7 às 9 da noite = 19:00 range"}},
		{"a partir das duas da tarde", []string{"a partir das duas da tarde = 14:00"}},
		{"até as 18h", []string{"as 18h = 18:00 until"}},
		{"de manhã", []string{"de manhã = part 1"}},
		{"no mesmo horário", []string{"mesmo horário = same hour"}},
		{"duas horas de reunião", nil},
		{"as 3 lojas", nil},
		{"a segunda opção", nil},
		{"R$ 10,50", nil},
		{"boa tarde", nil},
		{"12 pessoas", nil},
	} {
		tokens := Split(c.text)
		got := show(tokens, Items(tokens, tuesday(), false), c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Items(%q) (-want +got):\n%s", c.text, diff)
		}
	}
	tokens := Split("10")
	if got := show(tokens, Items(tokens, tuesday(), true), "10"); !cmp.Equal(got, []string{"10 = 10:00 bare"}) {
		t.Errorf("Items(%q) when asked = %q", "10", got)
	}
}

// Whatever day and hour of the next year are written, in each of the usual forms, are read back.
func TestDaysAndHoursRoundTrip(t *testing.T) {
	t.Parallel()
	months := strings.Fields("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro")
	now := tuesday()
	for ahead := 1; ahead < 360; ahead += 3 {
		day := date(now.Year(), now.Month(), now.Day()+ahead)
		minutes := (7*60 + ahead*25) % (12 * 60)
		minutes = 7*60 + minutes - minutes%5
		for _, text := range []string{
			day.Format("02/01/2006"), day.Format("2/1"), day.Format("dia 02/01"), day.Format("02-01-2006"),
			fmt.Sprintf("%d de %s", day.Day(), months[day.Month()-1]),
			fmt.Sprintf("dia %d de %s de %d", day.Day(), months[day.Month()-1], day.Year()),
		} {
			for _, hour := range []string{
				fmt.Sprintf("%02d:%02d", minutes/60, minutes%60), fmt.Sprintf("às %dh%02d", minutes/60, minutes%60), fmt.Sprintf("%d:%02dh", minutes/60, minutes%60),
			} {
				text := text + ", " + hour
				items := Items(Split(text), now, false)
				if len(items) != 2 || items[0].Kind != Day || !items[0].Date.Equal(day) || items[1].Kind != Clock || items[1].Minutes != minutes {
					t.Errorf("Items(%q) = %+v, want %s and %d minutes", text, items, day.Format(time.DateOnly), minutes)
				}
			}
		}
	}
}

func FuzzItems(f *testing.F) {
	for _, s := range []string{"sexta às nove e meia", "dia 25 ou 26 depois das 18", "das 14 às 16", "31/12/2026 23:59", "quinze pras quatro", "vinte e poucos", "11 9 oito meia"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens := Split(text)
		end := 0
		for i, token := range tokens {
			if token.Start < end || token.End <= token.Start || token.End > len(text) {
				t.Fatalf("Split(%q): token %d is %d:%d after %d", text, i, token.Start, token.End, end)
			}
			if Fold(token.Fold) != token.Fold {
				t.Fatalf("Fold(%q) = %q, want itself", token.Fold, Fold(token.Fold))
			}
			end = token.End
		}
		last := 0
		for _, item := range Items(tokens, tuesday(), true) {
			if item.From < last || item.To <= item.From || item.To > len(tokens) {
				t.Fatalf("Items(%q): %+v overlaps or is empty", text, item)
			}
			if item.Minutes < 0 || item.Minutes >= 24*60 {
				t.Fatalf("Items(%q): %d minutes", text, item.Minutes)
			}
			last = item.To
		}
		last = 0
		for _, n := range Numbers(tokens) {
			if n.From < last || n.To <= n.From || n.To > len(tokens) || n.Value < 0 {
				t.Fatalf("Numbers(%q): %+v", text, n)
			}
			last = n.To
		}
		for i := range tokens {
			if d, ok := DictatedAt(tokens, i); ok && (d.To <= i || d.To > len(tokens) || strings.Trim(d.Digits, "0123456789") != "") {
				t.Fatalf("DictatedAt(%q, %d) = %+v", text, i, d)
			}
		}
	})
}
