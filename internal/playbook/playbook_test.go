package playbook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/invalid"
	"secretaria/internal/slot"
)

// The diagram is drawn from the tables and from nothing else: every move of the tables is an
// edge, and every edge is a move.
func TestMermaidIsTheTables(t *testing.T) {
	t.Parallel()
	for name, book := range map[string]*Playbook{"default": Default(), "full": Full(), "zero": {}} {
		want := []string{"[*] --> new"}
		ends := States()
		for _, m := range book.moves() {
			for _, from := range m.From {
				want = append(want, string(from)+" --> "+string(m.To)+": "+m.label())
				ends = slices.DeleteFunc(ends, func(s State) bool { return s == from })
			}
		}
		lines := strings.Split(strings.TrimSpace(book.Mermaid()), "\n")
		if lines[0] != "stateDiagram-v2" {
			t.Errorf("%s: diagram begins with %q", name, lines[0])
		}
		var got []string
		for _, line := range lines[1:] {
			if line = strings.TrimSpace(line); !strings.HasSuffix(line, "--> [*]") {
				got = append(got, line)
			} else if s := State(strings.TrimSuffix(line, " --> [*]")); !slices.Contains(ends, s) {
				t.Errorf("%s: %s is drawn as an end and has moves", name, s)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: edges (-tables +diagram):\n%s", name, diff)
		}
		for _, c := range []string{"score", "complete"} {
			if name == "full" && !strings.Contains(book.Mermaid(), c) {
				t.Errorf("full: the diagram does not name the guard %q", c)
			}
		}
	}
}

func TestBuiltInsAreValid(t *testing.T) {
	t.Parallel()
	for name, book := range map[string]*Playbook{"default": Default(), "full": Full(), "zero": {}} {
		if err := book.Validate(); err != nil {
			t.Errorf("%s: Validate() = %v, want nil", name, err)
		}
	}
	if got := BANT().Max(); got != 100 {
		t.Errorf("BANT gives at most %d points, want 100", got)
	}
	// The moves of a desk without a file are the same as with Default.
	if diff := cmp.Diff(Default().Mermaid(), (&Playbook{}).Mermaid()); diff != "" {
		t.Errorf("the zero playbook differs from Default:\n%s", diff)
	}
}

func TestValidateSaysWhere(t *testing.T) {
	t.Parallel()
	book := &Playbook{
		Greeting: "Oi {nome}!", Asks: 9,
		Words: Words{Corrected: "Ok, {value} de {label}.", Again: "{oops"},
		Slots: []Slot{
			{Key: "name", Kind: slot.Name, Question: "Nome?"},
			{Key: "company", Kind: slot.Company},
			{Key: "mail", Kind: slot.Email, Question: "E-mail?"},
			{Key: "name", Kind: slot.Name, Question: "Nome de novo?"},
			{Key: "Segment", Kind: slot.Free, Question: "Qual é o segmento da {company}?"},
			{Key: "segment", Kind: slot.Free, Question: "Qual é o segmento da {company}?"},
			{Key: "budget", Kind: "money", Question: "Quanto?", Again: []string{" "}},
			{Key: "score", Kind: slot.Free, Question: "Nota?"},
			{Key: "times", Kind: slot.Times, Question: "Quando?", Least: 2},
			{Key: "role", Kind: slot.Role, Question: "Cargo?", Least: 2},
		},
		Moves: []Move{
			{From: []State{New}, To: "gone"},
			{To: Qualified},
			{From: []State{Nurturing, Qualified}, To: Qualified, When: []Condition{{Guard: "maybe"}, {Guard: Known}, {Guard: SilentDays}, {Guard: ScoreAtLeast, N: 5000}, {Guard: Complete, N: 3}, ParseCondition("score many")}},
			{From: []State{New}, To: Qualifying, Actions: []Action{{Do: "dance"}, {Do: Workflow}, {Do: Handoff, Name: "x"}}, Say: strings.Repeat("a", 601)},
		},
		Score: Score{Rules: []Rule{
			{ID: "a", Slot: "role", Test: Present, Points: 5},
			{ID: "a", Slot: "shoe", Test: Present, Points: 0},
			{ID: "B", Slot: "role", Test: AnyWord, Points: 1},
			{ID: "c", Slot: "role", Test: Between, Points: 1, From: 5, To: 2},
			{ID: "d", Slot: "role", Test: AtLeast, Points: 1},
			{ID: "e", Slot: "role", Test: FreeMail, Points: 2000},
			{ID: "f", Slot: "role", Test: "magic", Points: 1},
		}},
	}
	var got []string
	for _, f := range invalid.Fields(book.Validate()) {
		got = append(got, f.Path)
	}
	want := []string{
		"slots[1].question", "slots[2].key", "slots[3].key", "slots[4].key", "slots[4].again", "slots[5].again", "slots[6].kind", "slots[6].again[0]", "slots[7].key", "slots[8].more", "slots[9].least",
		"greeting", "words.again", "asks",
		"moves[0].to", "moves[1].from", "moves[2].to", "moves[2].when[0]", "moves[2].when[1]", "moves[2].when[2]", "moves[2].when[3]", "moves[2].when[4]", "moves[2].when[5]",
		"moves[3].say", "moves[3].actions[0]", "moves[3].actions[1]", "moves[3].actions[2]", "moves[2].from", "moves",
		"score.version", "score.rules[1].id", "score.rules[1].slot", "score.rules[1].points", "score.rules[2].id", "score.rules[2].words", "score.rules[3].test", "score.rules[3].to",
		"score.rules[4].test", "score.rules[4].from", "score.rules[5].points", "score.rules[5].test", "score.rules[6].test",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s\n%v", diff, book.Validate())
	}
}

func TestConditionsAndActionsAreReadAgain(t *testing.T) {
	t.Parallel()
	for _, book := range []*Playbook{Default(), Full()} {
		for _, m := range book.Moves {
			for _, c := range m.When {
				if got := ParseCondition(c.String()); got != c {
					t.Errorf("ParseCondition(%q) = %v, want %v", c.String(), got, c)
				}
			}
			for _, a := range m.Actions {
				if got := ParseAction(a.String()); got != a {
					t.Errorf("ParseAction(%q) = %v, want %v", a.String(), got, a)
				}
			}
		}
	}
	if got, want := ParseCondition("  known  email "), (Condition{Guard: Known, Slot: "email"}); got != want {
		t.Errorf("ParseCondition = %v, want %v", got, want)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	known := Lead{Slots: slot.State{Values: map[slot.Kind]slot.Value{
		slot.Name:     {Kind: slot.Name, Text: "Ana [x](http://evil)"},
		slot.Company:  {Kind: slot.Company, Text: "Casa *Sol*\nNova"},
		slot.Pain:     {Kind: slot.Pain, Text: strings.Repeat("muito ", 40)},
		slot.TeamSize: {Kind: slot.TeamSize, Text: "1"},
		slot.Phone:    {Kind: slot.Phone, Text: "+551133334444"},
		slot.CNPJ:     {Kind: slot.CNPJ, Text: "A1B2C3D4000193"},
		slot.Times:    {Kind: slot.Times, List: []string{"2026-03-11T10:00:00-03:00", "2026-03-12T15:30:00-03:00"}},
		slot.Tools:    {Kind: slot.Tools, List: []string{"planilha", "zap", "RD"}},
	}}}
	book := &Playbook{}
	for _, tt := range []struct {
		text string
		lead Lead
		want string
	}{
		{"Prazer, {name}! Qual é a empresa?", known, "Prazer, Ana! Qual é a empresa?"},
		{"Prazer, {name}! Qual é a empresa?", Lead{}, "Prazer! Qual é a empresa?"},
		{"E o cargo na {company}?", known, "E o cargo na Casa Sol Nova?"},
		{"E o cargo na {company}?", Lead{}, ""},
		{"Obrigado, {name}. Anotei {email}. Até logo", known, "Obrigado, Ana. Até logo"},
		{"Entendi: {pain}. E agora?", known, "E agora?"},
		{"Anotei {times}.", known, "Anotei quarta, 11/03, às 10h e quinta, 12/03, às 15h30."},
		{"{team_size}; {phone}; {cnpj}; {tools}", known, "1 pessoa; (11) 3333-4444; A1.B2C.3D4/0001-93; planilha, zap e RD"},
		{"sem {chaves e } nada", known, "sem {chaves e } nada"},
		{"", known, ""},
	} {
		got, ok := book.fill(tt.text, tt.lead, nil)
		if !ok {
			got = ""
		}
		if got != tt.want {
			t.Errorf("fill(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	if got, want := book.shown(Fact{"times", known.Slots.Values[slot.Times]}), "quarta, 11/03, às 10h e quinta, 12/03, às 15h30"; got != want {
		t.Errorf("shown(times) = %q, want %q", got, want)
	}
}

func TestSlotsOfOnesOwn(t *testing.T) {
	t.Parallel()
	book := &Playbook{
		Name: "clinic", Version: "3",
		Slots: []Slot{
			{Key: "plan", Kind: slot.Free, Question: "Qual é o seu convênio?", Label: "Convênio"},
			{Key: "first_visit", Kind: slot.YesNo, Question: "É a sua primeira consulta?"},
			{Key: "complaint", Kind: slot.Free, Question: "O que você está sentindo?"},
			{Key: "name", Kind: slot.Name, Question: "Qual é o seu nome?"},
		},
		Score: Score{Name: "clinic", Version: "1", Rules: []Rule{{ID: "plan", Group: "need", Slot: "plan", Test: AnyWord, Words: []string{"unimed"}, Points: 7}}},
	}
	if err := book.Validate(); err != nil {
		t.Fatal(err)
	}
	lead, first := book.Begin(), 0
	var asked []string
	for _, says := range [][]string{{"oi"}, {"Unimed"}, {"sim"}, {"", "dor nas costas há duas semanas"}, {"Lúcia"}} {
		step := book.Read(lead, Said{Texts: says, First: first, Now: monday(t)})
		asked = append(asked, step.Ask)
		lead, first = kept(t, step.Lead), first+len(says)
	}
	if diff := cmp.Diff([]string{"plan", "first_visit", "complaint", "name", ""}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	for key, want := range map[string]string{"plan": "Unimed", "first_visit": "yes", "complaint": "dor nas costas há duas semanas", "name": "Lúcia"} {
		if v, _ := lead.Value(key); v.String() != want {
			t.Errorf("%s = %q, want %q", key, v.String(), want)
		}
	}
	if got := book.Rate(lead).Points; got != 7 {
		t.Errorf("score = %d, want 7", got)
	}
	var args map[string]any
	if err := json.Unmarshal(book.Arguments(lead, "create_lead"), &args); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"plan": "Unimed", "first_visit": "yes", "complaint": "dor nas costas há duas semanas"}, args["other"]); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// A lead outlives a change of the playbook: values stay, what is gone is not asked, what is
// new is.
func TestLeadOutlivesItsPlaybook(t *testing.T) {
	t.Parallel()
	old := &Playbook{Name: "old", Version: "1", Slots: []Slot{
		{Key: "name", Kind: slot.Name, Question: "Nome?"}, {Key: "colour", Kind: slot.Free, Question: "Cor?"}, {Key: "email", Kind: slot.Email, Question: "E-mail?"},
	}}
	lead := old.Begin()
	for i, text := range []string{"oi", "Ana", "azul"} {
		lead = kept(t, old.Read(lead, Said{Texts: []string{text}, First: i, Now: monday(t)}).Lead)
	}
	if lead.Asked != "email" {
		t.Fatalf("asked = %q, want email", lead.Asked)
	}
	lead.State = "somewhere" // of a version that had this state
	now := &Playbook{Name: "new", Version: "2", Slots: []Slot{{Key: "name", Kind: slot.Name, Question: "Nome?"}, {Key: "role", Kind: slot.Role, Question: "Cargo?"}}}
	step := now.Read(lead, Said{Texts: []string{"ana@exemplo.com.br"}, First: 3, Now: monday(t)})
	for key, want := range map[string]string{"name": "Ana", "colour": "azul", "email": "ana@exemplo.com.br"} {
		if v, _ := step.Lead.Value(key); v.String() != want {
			t.Errorf("%s = %q, want %q", key, v.String(), want)
		}
	}
	if step.Ask != "role" || step.Lead.Version != "2" || step.Lead.State != Qualifying {
		t.Errorf("step asks %q in %s of version %s, want role in qualifying of 2", step.Ask, step.Lead.State, step.Lead.Version)
	}
	for _, want := range []string{"Ana", "azul", "ana@exemplo.com.br"} {
		if !strings.Contains(now.Card(step.Lead), want) {
			t.Errorf("the card does not show %q:\n%s", want, now.Card(step.Lead))
		}
	}
	var empty Lead
	if err := json.Unmarshal([]byte(`{"state":null,"slots":null,"own":null,"done":null,"times":null,"unknown":[1]}`), &empty); err != nil {
		t.Fatal(err)
	}
	if step := now.Read(empty, Said{Texts: []string{"oi"}, Now: monday(t)}); step.Ask != "name" {
		t.Errorf("a lead of nulls asks %q, want name", step.Ask)
	}
}

func TestScoreBands(t *testing.T) {
	t.Parallel()
	lead := func(kind slot.Kind, text string) Lead {
		v, err := slot.Parse(kind, text, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		v.Quotes = []slot.Quote{{Text: text}}
		return Lead{Slots: slot.State{Values: map[slot.Kind]slot.Value{kind: v}}}
	}
	book := Full()
	for _, tt := range []struct {
		kind slot.Kind
		text string
		rule string
	}{
		{slot.Role, "Sócia-fundadora", "decides"},
		{slot.Role, "diretor de operações", "decides"},
		{slot.Role, "assistente do diretor", "role_known"},
		{slot.Role, "secretária da presidente", "role_known"},
		{slot.Role, "Gerente comercial", "influences"},
		{slot.Role, "dono e gerente", "decides"},
		{slot.TeamSize, "49", "team_10"},
		{slot.TeamSize, "50", "team_50"},
		{slot.TeamSize, "9", "team_2"},
		{slot.TeamSize, "1", ""},
		{slot.Email, "ana@gmail.com", "free_mail"},
		{slot.Email, "ana@casa.com.br", "corporate_mail"},
		{slot.Tools, "planilha", "tools"},
		{slot.Tools, "nenhuma", "no_tools"},
	} {
		scored := book.Rate(lead(tt.kind, tt.text))
		got := ""
		if len(scored.Rules) > 0 {
			got = scored.Rules[0].Rule
		}
		if got != tt.rule || len(scored.Rules) > 1 {
			t.Errorf("%s %q gives %v, want %q alone", tt.kind, tt.text, scored.Rules, tt.rule)
		}
	}
	unquoted := lead(slot.Role, "dona")
	v := unquoted.Slots.Values[slot.Role]
	v.Quotes = nil
	unquoted.Slots.Values[slot.Role] = v
	if got := book.Rate(unquoted).Points; got != 0 {
		t.Errorf("a value without a quote gives %d points", got)
	}
}

func TestCard(t *testing.T) {
	t.Parallel()
	book := Full()
	lead := book.Begin()
	for i, text := range []string{"oi", "sou a *Beatriz*", "Casa Aroeira", "sócia | diretora", "não quero dizer"} {
		lead = book.Read(lead, Said{Texts: []string{text}, First: i, Now: monday(t)}).Lead
	}
	card := book.Card(lead)
	for _, want := range []string{
		"**Lead:** em qualificação", "- **Nome:** Beatriz\n", "- **Empresa:** Casa Aroeira\n", "- **Ferramentas:** não quis informar", "- **Não informado:** Dificuldade, Equipe, E-mail",
		"**Pontuação:** 25 de 100 (bant/1)", "- +25 Decide a compra — “sócia",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the card lacks %q:\n%s", want, card)
		}
	}
	attributes := book.Attributes(lead)
	if attributes["lead_score"] != "25" || attributes["lead_state"] != "qualifying" || attributes["lead_name"] != "Beatriz" {
		t.Errorf("Attributes = %v", attributes)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	book := Full()
	lead := book.Begin()
	for i, text := range []string{"Oi, aqui é a Bia", "Casa Aroeira", "somos 12 pessoas, pode ser terça às 9h ou quarta às 16h"} {
		lead = book.Read(lead, Said{Texts: []string{text}, First: i, Now: monday(t)}).Lead
	}
	got := book.Arguments(lead, "schedule_meeting")
	if again := book.Arguments(kept(t, lead), "schedule_meeting"); string(again) != string(got) {
		t.Errorf("arguments differ after a round trip:\n%s\n%s", got, again)
	}
	var v struct {
		Workflow string
		Name     string
		TeamSize int `json:"team_size"`
		Times    []time.Time
		State    State
		Score    Scored
		Quotes   map[string][]slot.Quote
		Refused  []string
	}
	if err := json.Unmarshal(got, &v); err != nil {
		t.Fatal(err)
	}
	if v.Workflow != "schedule_meeting" || v.Name != "Bia" || v.TeamSize != 12 || len(v.Times) != 2 || v.State != Qualifying || v.Refused == nil || v.Score.Max != 100 {
		t.Errorf("Arguments = %s", got)
	}
	for _, key := range []string{"name", "team_size", "times"} {
		if len(v.Quotes[key]) == 0 {
			t.Errorf("%s has no quotes in %s", key, got)
		}
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	book := Full()
	var schema struct {
		Properties struct {
			Facts struct {
				Items struct {
					Properties struct {
						Slot struct{ Enum []string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(book.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(book.keys(), schema.Properties.Facts.Items.Properties.Slot.Enum); diff != "" {
		t.Errorf("slots of the schema (-want +got):\n%s", diff)
	}
	got, err := Extract(json.RawMessage(`{"facts":[{"slot":"name","value":"Ana","quotes":["a Ana"]},null,7,{"slot":"role"},{"slot":"email","value":3},{"slot":"pain","value":"x","quotes":"x"}]}`))
	if diff := cmp.Diff([]Extracted{{Slot: "name", Value: "Ana", Quotes: []string{"a Ana"}}}, got); err != nil || diff != "" {
		t.Errorf("Extract error %v (-want +got):\n%s", err, diff)
	}
	if _, err := Extract(json.RawMessage(`[1]`)); err == nil {
		t.Error("Extract of a list gives no error")
	}
}

// A burst and its messages one by one lead to the same lead where nothing is asked between.
func TestBurstAndSingleMessagesAgree(t *testing.T) {
	t.Parallel()
	book := Full()
	says := []string{"Bom dia", "aqui é o Rafael", "somos 40 pessoas", "rafael@solaris.eng.br", "meu telefone é 41 99876-1234"}
	burst := book.Read(book.Begin(), Said{Texts: says, Now: monday(t)})
	lead := book.Begin()
	for i, text := range says {
		lead = book.Read(lead, Said{Texts: []string{text}, First: i, Now: monday(t), Elsewhere: true}).Lead
	}
	if diff := cmp.Diff(burst.Score, book.Rate(lead)); diff != "" {
		t.Errorf("score (-burst +one by one):\n%s", diff)
	}
	if len(burst.Score.Rules) != 2 {
		t.Errorf("score = %v, want two rules", burst.Score)
	}
}

// Only a moment that is still to come is worth waiting for: whoever looks and finds nothing
// to do must not look again at once.
func TestWait(t *testing.T) {
	t.Parallel()
	heard := monday(t)
	book := &Playbook{Moves: []Move{
		{From: []State{Qualifying}, To: Nurturing, When: []Condition{{Guard: SilentDays, N: 7}}},
		{From: []State{Qualifying}, To: Disqualified, When: []Condition{{Guard: SilentDays, N: 2}, {Guard: Known, Slot: "email"}}},
		{From: []State{Nurturing}, To: Disqualified, When: []Condition{{Guard: SilentDays, N: 30}}},
	}}
	day := 24 * time.Hour
	for _, c := range []struct {
		state State
		after time.Duration
		want  time.Duration // 0: never
	}{
		{Qualifying, 0, 2 * day}, {Qualifying, 2*day - time.Second, 2 * day}, {Qualifying, 2 * day, 7 * day}, {Qualifying, 7 * day, 0},
		{Nurturing, 7 * day, 30 * day}, {New, 0, 0}, {HandedOver, 0, 0},
	} {
		at, ok := book.Wait(Lead{State: c.state, Heard: heard.Format(time.RFC3339)}, heard.Add(c.after))
		if want := heard.Add(c.want); ok != (c.want > 0) || ok && !at.Equal(want) {
			t.Errorf("Wait(%s) after %v = %v, %v, want %v", c.state, c.after, at, ok, want)
		}
	}
	if at, ok := book.Wait(Lead{State: Qualifying}, heard); ok {
		t.Errorf("Wait of a lead that was never heard = %v, want never", at)
	}
}
