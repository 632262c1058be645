package agent_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/llm/llmtest"
)

func TestAnger(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/anger.txt")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		sign, text, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok || sign == "#" {
			continue
		}
		if got, want := agent.Angry(text), sign == "+"; got != want {
			t.Errorf("angry(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestGreetings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"oi": true, "Oiii": true, "Olá, tudo bem?": true, "Bom dia!": true, "boa tarde, tudo bem com vocês?": true, "hello": true, "Hola, buenas tardes": true, "oi bom dia": true, "Oi 😀": true,
		"": false, "😀": false, "por favor": false, "oi, quanto custa?": false, "tudo bem, pode marcar": false, "bom dia, queria remarcar": false, "dia 12": false, "oi Ana": false, "Oi, sou a Joana 😊": true, "Bom dia! Aqui é o Marcos, tudo bem?": true, "oi, meu nome é Ana": true, "oi, sou a nova paciente da dra Helena": false, "oi, sou o gerente de vendas": false,
	} {
		if got := agent.Greeting(text); got != want {
			t.Errorf("greeting(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestQuestionsForTheHours(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Que horas vocês abrem?": true, "que horas vcs fecham hoje": true, "Qual o horário de funcionamento?": true, "qual é o horário de atendimento de vocês?": true, "Oi, bom dia! Vocês estão abertos hoje?": true, "estão abertos agora?": true,
		"vocês abrem hoje?": true, "até que horas vocês ficam abertos?": true, "What time do you open?": true, "Are you open today?": true, "gostaria de saber o horário de funcionamento": true, "por favor, que horas abre?": true, "horário de atendimento": true,
		"vocês abrem no sábado?": true, "abrem no feriado?": true, "abrem amanhã?": true, "até que horas hoje?": true, "que horas vcs fecham na sexta?": true, "abrem q horas amanhã": true, "funciona dia 21/04?": true, "abre no natal?": true, "atendem no fim de semana?": true, "abrem sábado às 14h?": true, "tem atendimento aos sábados?": true, "are you open on Saturday?": true, "¿abren el sábado?": true, "vcs atendem hj?": true,
		"qual o horário da minha consulta?": false, "tem horário amanhã?": false, "que horas é a reunião?": false, "a Dra. Helena atende quinta?": false, "atendem às 15h?": false, "posso marcar amanhã?": false, "e no domingo?": false, "abrem no carnaval?": false, "vocês abriram ontem?": false, "que dia abre a agenda?": false,
		"que horas vocês abrem? e quanto custa?": false, "qual horário vocês têm livre?": false, "A que horas fecha a piscina do hotel?": false, "oi": false, "": false,
	} {
		asks, other := agent.HoursIn(text)
		if got := asks && !other; got != want {
			t.Errorf("hoursIn(%q) = %v, %v, want %v", text, asks, other, want)
		}
	}
}

// What was kept by another version, or by nobody, is forgotten, and the customer is answered.
func TestMemoryIsTolerant(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "null", "{}", "[]", "7", `"x"`, "{", `{"v":99,"heard":"many","lead":7}`, `{"episode":-1,"since":"x"}`, `{"lead":{"state":"martian","slots":{"values":{"name":null}}}}`, `{"facts":"x","done":{}}`} {
		m := &llmtest.Scripted{}
		m.Say("Custa R$ 10.", "Custa R$ 10.")
		for _, desk := range []agent.Config{played(t, "plain"), played(t, "sdr")} {
			desk.Rules = "Custa R$ 10."
			a, err := agent.New(undisclosed(desk), agent.Deps{Model: m})
			if err != nil {
				t.Fatal(err)
			}
			in := asks("Quanto custa?")
			in.Memory, in.Profile = []byte(raw), []byte(raw)
			if d := decide(t, a, in); d.Outcome != agent.Replied || !json.Valid(d.Memory) {
				t.Errorf("Decide with the memory %q = %+v, want an answer", raw, d)
			}
		}
	}
}

// A turn that is thought through again, because it came to nothing, thinks the same.
func TestTheSameTurnAgain(t *testing.T) {
	t.Parallel()
	first, second := "", ""
	for _, into := range []*string{&first, &second} {
		m := &llmtest.Scripted{}
		m.Call("learn", `{"facts":[{"slot":"name","value":"Ana","quotes":["Ana"]}]}`)
		m.Say("Prazer, Ana! Qual é o nome da sua empresa?")
		a, err := agent.New(undisclosed(played(t, "sdr")), agent.Deps{Model: m})
		if err != nil {
			t.Fatal(err)
		}
		d := decide(t, a, asks("oi, aqui é a Ana"))
		d.ModelTime = 0
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		*into = string(b)
	}
	if first != second {
		t.Errorf("the same turn gave\n%s\nand\n%s", first, second)
	}
}

func TestTooManyTurns(t *testing.T) {
	t.Parallel()
	cfg := played(t, "plain")
	cfg.Loops.Turns = 3
	m := &llmtest.Scripted{}
	a, err := agent.New(undisclosed(cfg), agent.Deps{Model: m})
	if err != nil {
		t.Fatal(err)
	}
	in := asks("quero saber uma coisa")
	for i, want := range []agent.Outcome{agent.Replied, agent.Replied, agent.Replied, agent.HandedOver, agent.Replied} {
		if i == 4 {
			in.Now = in.Now.Add(time.Hour)
		}
		m.Say("Claro.")
		d := decide(t, a, in)
		if d.Outcome != want {
			t.Errorf("turn %d = %s, want %s", i+1, d.Outcome, want)
		}
		in.Memory = d.Memory
	}
}

// A playbook's note holds the card, and what the helpdesk is told of the lead.
func TestKeywordBringsTheLead(t *testing.T) {
	t.Parallel()
	a, err := agent.New(undisclosed(played(t, "sdr")), agent.Deps{Model: &llmtest.Scripted{}})
	if err != nil {
		t.Fatal(err)
	}
	d := decide(t, a, asks("Sou a Ana Souza, quero falar com um humano"))
	if d.Handoff == nil || d.Lead == nil || !strings.Contains(d.Handoff.Note, "Ana") || d.Handoff.Attributes["lead_state"] == "" {
		t.Errorf("Decide = %+v, want a handoff with the lead's card and attributes", d)
	}
}

func TestClosedAndBroken(t *testing.T) {
	t.Parallel()
	in := asks("oi")
	in.Broken, in.OptedOut = true, true
	d := decide(t, desk(t, agent.Config{}, &llmtest.Scripted{}), in)
	if d.Outcome != agent.OptedOut || len(d.Replies) > 0 || d.Handoff == nil || d.Handoff.Reason != conversation.ByHandoff {
		t.Errorf("a broken turn of somebody who wants no messages = %+v, want a silent handoff", d)
	}
}

func TestWhoAsksForAPerson(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/keyword.txt")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		sign, text, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok || sign == "#" {
			continue
		}
		if got, want := agent.Keyword(text), sign == "+"; got != want {
			t.Errorf("keyword(%q) = %v, want %v", text, got, want)
		}
	}
}
