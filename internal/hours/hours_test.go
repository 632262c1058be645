package hours

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/invalid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestParseWeek(t *testing.T) {
	t.Parallel()
	all := func(days string, spans ...Span) (week [7][]Span) {
		for _, c := range days {
			week[c-'0'] = spans
		}
		return week
	}
	join := func(a, b [7][]Span) [7][]Span {
		for d := range b {
			if b[d] != nil {
				a[d] = b[d]
			}
		}
		return a
	}
	day := Span{8 * 60, 18 * 60}
	morning, afternoon := Span{8 * 60, 12 * 60}, Span{13*60 + 30, 18 * 60}
	office := join(all("12345", morning, afternoon), all("6", morning))
	for _, tt := range []struct {
		text string
		want [7][]Span
	}{
		{"seg-sex 08:00-12:00, 13:30-18:00; sáb 8h-12h", office},
		{"Segunda a sexta-feira, das 8h às 12h e das 13h30 às 18h. Sábado: 8h às 12h.", office},
		{"seg a sex: 8 às 12 / 13:30 às 18\nsab 8-12", office},
		{"Mon–Fri 8am–noon, 1:30 pm – 6 pm, Sat 8:00 am to 12 pm", office},
		{"monday to friday from 8 to 12 and 13:30 to 18; saturday 8-12; sunday closed", office},
		{"2ª a 6ª feira 8h-12h, 13h30-18h; sábados das 8hs às 12hs", office},
		{"dias úteis 08:00-18:00", all("12345", day)},
		{"todos os dias 24h", all("0123456", Span{0, 1440})},
		{"diariamente 24 horas por dia", all("0123456", Span{0, 1440})},
		{"seg, qua e sex 8h-18h", all("135", day)},
		{"segunda-feira, quarta-feira e sexta-feira das 8h às 18h; terça fechado", all("135", day)},
		{"sex-seg 8h-18h", all("5601", day)},
		{"fim de semana 8h-18h", all("60", day)},
		{"sex 18h-02h; sáb 18h à meia-noite", join(all("5", Span{18 * 60, 26 * 60}), all("6", Span{18 * 60, 24 * 60}))},
		{"seg meia-noite às 8h e do meio-dia às 18h", all("1", Span{0, 480}, Span{720, 1080})},
		{"seg 00:00-24:00", all("1", Span{0, 1440})},
		{"dom fechado", all("")},
	} {
		got, err := ParseWeek(tt.text)
		if err != nil {
			t.Errorf("ParseWeek(%q) error: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseWeek(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestParseWeekRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", "names no day"},
		{"8h-18h", "does not read a day"},
		{"seg", "ends where an hour"},
		{"seg 8h", "the end of the hours"},
		{"seg 25h-26h", "does not exist"},
		{"seg 8:75-9:00", "do not exist"},
		{"seg 8h-8h", "end where they begin"},
		{"seg 8h-12h, 11h-18h", "overlap"},
		{"seg 22h-7h, 6h-12h", "overlap"},
		{"seg 8h-12h; segunda 14h-18h", "Monday twice"},
		{"seg-sex 8h-18h; feriados 8h", "does not read a day"},
		{"seg 8h-18h talvez", "does not read a day"},
		{"seg 13 pm - 18 pm", "does not exist"},
		{strings.Repeat("seg 8h-18h;", 400), "too long"},
	} {
		if _, err := ParseWeek(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseWeek(%.60q) error = %v, want one with %q", tt.text, err, tt.want)
		}
	}
}

func TestParseHoliday(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		day  Day
		set  Set
	}{
		{"br", Day{}, Brazil},
		{"BR-Carnaval", Day{}, BrazilCarnival},
		{"12-25", Day{Date: "12-25"}, ""},
		{"25/12 Natal", Day{Date: "12-25", Name: "Natal"}, ""},
		{"02-29", Day{Date: "02-29"}, ""},
		{"2026-12-24 08:00-12:00", Day{Date: "2026-12-24", Spans: []Span{{480, 720}}}, ""},
		{"24/12/2026 8h às 12h - Véspera de Natal", Day{Date: "2026-12-24", Name: "Véspera de Natal", Spans: []Span{{480, 720}}}, ""},
		{"2026-12-31 fechado", Day{Date: "2026-12-31"}, ""},
	} {
		day, set, err := ParseHoliday(tt.text)
		if diff := cmp.Diff(tt.day, day); err != nil || set != tt.set || diff != "" {
			t.Errorf("ParseHoliday(%q) = %v, %q, %v (-want +got):\n%s", tt.text, day, set, err, diff)
		}
	}
	for _, text := range []string{"", "natal", "13-40", "2026-02-30", "us", "12-25 8h"} {
		if day, set, err := ParseHoliday(text); err == nil {
			t.Errorf("ParseHoliday(%q) = %v, %q, want an error", text, day, set)
		}
	}
}

func TestParseSaysWhere(t *testing.T) {
	t.Parallel()
	_, err := Parse(Form{Zone: "Brasilia", ByDay: map[string]string{"seg-sex": "8h-18h", "sex": "8h-12h", "zzz": "8h-9h"}, Holidays: []string{"br", "natal", "br"}})
	var got []string
	for _, f := range invalid.Fields(err) {
		got = append(got, f.Path)
	}
	want := []string{"zone", "week.sex", "week.zzz", "holidays[1]", "holidays[2]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	h, err := Parse(Form{})
	if err != nil || !h.Open(time.Unix(0, 0)) || h.Answer(time.Unix(0, 0), "pt-BR") != "" {
		t.Errorf("Parse(Form{}) = %v, %v, want hours that are always open and say nothing", h, err)
	}
}

func TestEaster(t *testing.T) {
	t.Parallel()
	for year, want := range map[int]string{1961: "04-02", 2000: "04-23", 2019: "04-21", 2024: "03-31", 2025: "04-20", 2026: "04-05", 2027: "03-28", 2038: "04-25", 2285: "03-22"} {
		if got := Easter(year).Format("01-02"); got != want {
			t.Errorf("Easter(%d) = %s, want %s", year, got, want)
		}
	}
}

func TestHolidays(t *testing.T) {
	t.Parallel()
	list := func(s Set, year int) string {
		var all []string
		for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == year; at = at.AddDate(0, 0, 1) {
			if name, ok := s.holiday(at); ok {
				all = append(all, at.Format("01-02 ")+name)
			}
		}
		return strings.Join(all, "\n")
	}
	want := `01-01 Confraternização Universal
04-03 Sexta-feira Santa
04-21 Tiradentes
05-01 Dia do Trabalho
09-07 Independência do Brasil
10-12 Nossa Senhora Aparecida
11-02 Finados
11-15 Proclamação da República
11-20 Dia da Consciência Negra
12-25 Natal`
	if diff := cmp.Diff(want, list(Brazil, 2026)); diff != "" {
		t.Errorf("br 2026 (-want +got):\n%s", diff)
	}
	if got, want := list(BrazilCarnival, 2026), "02-16 Carnaval\n02-17 Carnaval"; got != want {
		t.Errorf("br-carnaval 2026 = %q, want %q", got, want)
	}
	if got, want := list(BrazilCorpusChristi, 2026), "06-04 Corpus Christi"; got != want {
		t.Errorf("br-corpus-christi 2026 = %q, want %q", got, want)
	}
}

func office(t testing.TB) Hours {
	t.Helper()
	h, err := Parse(Form{
		Week:     "seg-sex 08:00-12:00, 13:30-18:00; sáb 8h-12h",
		Holidays: []string{"br", "br-carnaval", "2026-12-24 08:00-12:00", "2026-12-25 10:00-11:00 Plantão de Natal", "12-31"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	h := office(t)
	const week = " Nosso horário: segunda a sexta, das 8h às 12h e das 13h30 às 18h; sábado, das 8h às 12h."
	for _, tt := range []struct{ at, want string }{
		{"2026-11-23 09:00", "Estamos abertos agora, até as 12h, e depois das 13h30 às 18h." + week},
		{"2026-11-23 14:00", "Estamos abertos agora, até as 18h." + week},
		{"2026-11-23 18:00", "Agora estamos fechados; abrimos amanhã, terça, às 8h." + week},
		{"2026-11-23 12:00", "Agora estamos fechados; abrimos hoje às 13h30." + week},
		{"2026-11-23 07:59", "Agora estamos fechados; abrimos hoje às 8h." + week},
		{"2026-11-21 15:00", "Agora estamos fechados; abrimos segunda, às 8h." + week},
		{"2026-11-22 15:00", "Agora estamos fechados; abrimos amanhã, segunda, às 8h." + week},
		{"2026-11-20 10:00", "Hoje é feriado (Dia da Consciência Negra); abrimos amanhã, sábado, às 8h." + week},
		{"2026-12-24 13:00", "Agora estamos fechados; abrimos amanhã, sexta, às 10h." + week},
		{"2026-12-31 13:00", "Hoje é feriado; abrimos sábado, às 8h." + week},
		{"2026-02-16 13:00", "Hoje é feriado (Carnaval); abrimos quarta, às 8h." + week},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", tt.at, h.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Answer(at.UTC(), "pt-BR"); got != tt.want {
			t.Errorf("Answer(%s) = %q, want %q", tt.at, got, tt.want)
		}
	}
}

func TestAnswerOfOtherHouses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ week, at, lang, want string }{
		{"todos os dias 24h", "2026-11-23 09:00", "pt-BR", "Atendemos 24 horas, todos os dias."},
		{"sex-sáb 18h-02h", "2026-11-28 01:00", "pt-BR", "Estamos abertos agora, até as 2h, e depois das 18h às 2h. Nosso horário: sexta e sábado, das 18h às 2h."},
		{"sex 18h-01h", "2026-11-27 19:00", "", "Estamos abertos agora, até a 1h. Nosso horário: sexta, das 18h à 1h."},
		{"sex 18h-24h", "2026-11-26 19:00", "pt", "Agora estamos fechados; abrimos amanhã, sexta, às 18h. Nosso horário: sexta, das 18h à meia-noite."},
		{"dom fechado", "2026-11-26 19:00", "pt", "Agora estamos fechados."},
		{"mon-fri 8am-5:30pm", "2026-11-23 09:00", "en", "We are open now, until 5:30 pm. Our hours: Monday to Friday, from 8 am to 5:30 pm."},
		{"mon-fri 8am-noon", "2026-11-23 13:00", "en-US", "We are closed now; we open tomorrow, Tuesday, at 8 am. Our hours: Monday to Friday, from 8 am to noon."},
		{"seg-sex 8h-17h30", "2026-11-22 09:00", "es", "Ahora estamos cerrados; abrimos mañana, lunes, a las 8:00. Nuestro horario: lunes a viernes, de 8:00 a 17:30."},
	} {
		h, err := Parse(Form{Week: tt.week})
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", tt.at, h.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Answer(at, tt.lang); got != tt.want {
			t.Errorf("%q: Answer(%s, %q) = %q, want %q", tt.week, tt.at, tt.lang, got, tt.want)
		}
	}
}

func TestDaysWhenClocksAreTurned(t *testing.T) {
	t.Parallel()
	h, err := Parse(Form{Zone: "America/New_York", Week: "sat 22:00-04:00; sun 09:00-17:00"})
	if err != nil {
		t.Fatal(err)
	}
	ny := zone(t, "America/New_York")
	// On 8 March 2026 two o'clock becomes three: the night is an hour shorter, and ends at four
	// by the clock on the wall.
	for _, tt := range []struct {
		at   time.Time
		open bool
	}{
		{time.Date(2026, 3, 8, 3, 59, 0, 0, ny), true},
		{time.Date(2026, 3, 8, 4, 0, 0, 0, ny), false},
		{time.Date(2026, 3, 8, 9, 0, 0, 0, ny), true},
		{time.Date(2026, 11, 1, 3, 59, 0, 0, ny), true},
		{time.Date(2026, 11, 1, 4, 0, 0, 0, ny), false},
		{time.Date(2026, 11, 1, 16, 59, 0, 0, ny), true},
		{time.Date(2026, 11, 1, 17, 0, 0, 0, ny), false},
	} {
		if got := h.Open(tt.at); got != tt.open {
			t.Errorf("Open(%s) = %v, want %v", tt.at, got, tt.open)
		}
	}
	if got, ok := h.Closes(time.Date(2026, 3, 7, 23, 0, 0, 0, ny)); !ok || got.Sub(time.Date(2026, 3, 7, 23, 0, 0, 0, ny)) != 4*time.Hour {
		t.Errorf("Closes = %v, %v, want four hours later", got, ok)
	}
}

// Next is open and there is no opening before it, Closes is the first moment that is not
// open, and what Text says is read again as the same week.
func TestProperties(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{zone(t, "America/Sao_Paulo"), zone(t, "America/New_York"), zone(t, "Asia/Kathmandu"), time.UTC}
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 7))
		h := Hours{Zone: zones[rng.IntN(len(zones))]}
		for d := range h.Week {
			if rng.IntN(3) == 0 {
				continue
			}
			from := rng.IntN(48) * 15
			to := from + 15 + rng.IntN(40)*15
			h.Week[d] = []Span{{from, to}}
			if rng.IntN(3) == 0 && to+15 < dayMinutes {
				h.Week[d] = append(h.Week[d], Span{to + 15, to + 15 + 15*(1+rng.IntN(30))})
			}
		}
		if rng.IntN(2) == 0 {
			h.Sets = []Set{Brazil}
		}
		if text := h.Text("pt-BR"); text != "" {
			week, err := ParseWeek(text)
			if diff := cmp.Diff(h.Week, week); err != nil || diff != "" {
				t.Fatalf("seed %d: ParseWeek(%q) error %v (-said +read):\n%s", seed, text, err, diff)
			}
		}
		at := time.Date(2026, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), 0, 0, h.Zone)
		where := fmt.Sprintf("seed %d, %s at %s", seed, h.Text("en"), at)
		next, ok := h.Next(at)
		if !ok {
			if h.Text("en") != "" {
				t.Errorf("%s: never opens", where)
			}
			continue
		}
		if next.Before(at) || !h.Open(next) {
			t.Errorf("%s: Next = %s, which is before or closed", where, next)
		}
		for m := at; m.Before(next); m = m.Add(5 * time.Minute) {
			if h.Open(m) {
				t.Errorf("%s: Next = %s, open already at %s", where, next, m)
				break
			}
		}
		closes, ok := h.Closes(next)
		if !ok {
			continue
		}
		if h.Open(closes) || !h.Open(closes.Add(-time.Second)) {
			t.Errorf("%s: Closes = %s is not where it closes", where, closes)
		}
		for m := next; m.Before(closes); m = m.Add(5 * time.Minute) {
			if !h.Open(m) {
				t.Errorf("%s: Closes = %s, closed already at %s", where, closes, m)
				break
			}
		}
	}
}

// Whatever is read keeps its promises: spans in order and within a day of their beginning.
func FuzzParseWeek(f *testing.F) {
	for _, s := range []string{"seg-sex 08:00-12:00, 13:30-18:00; sáb 8h-12h", "todos os dias 24h", "sex 18h-02h", "Mon–Fri 8am–noon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		week, err := ParseWeek(text)
		if err != nil {
			return
		}
		for d, spans := range week {
			end := 0
			for _, s := range spans {
				if s.From < end || s.To <= s.From || s.From >= dayMinutes || s.To > s.From+dayMinutes {
					t.Fatalf("ParseWeek(%q): day %d has spans %v", text, d, spans)
				}
				end = s.To
			}
		}
		h := Hours{Zone: time.UTC, Week: week}
		if said := h.Text("pt-BR"); said != "" {
			again, err := ParseWeek(said)
			if diff := cmp.Diff(week, again); err != nil || diff != "" {
				t.Fatalf("ParseWeek(%q) says %q, which is read as %v, %v:\n%s", text, said, again, err, diff)
			}
		}
	})
}
