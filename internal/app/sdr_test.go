package app_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/playbook"
	"secretaria/internal/store"
)

// sdr makes a house's Chatwoot desk qualify; without a model unless model is set.
func sdr(book *playbook.Playbook, model bool) func(*app.Options) {
	return func(o *app.Options) {
		o.Desks = []agent.Config{{Name: "secretaria"}, {Name: "sdr", Playbook: book}}
		if !model {
			o.Models = app.Models{}
		}
	}
}

// exchange says something in Chatwoot and returns what the bot answers, its n-th message on.
func (h *house) exchange(id int64, words ...string) string {
	h.t.Helper()
	before := len(h.chatwoot.Conversation(id).Said())
	for _, w := range words {
		h.writes(id, w)
	}
	said := h.said(id, before+1)
	return said[len(said)-1].Content
}

// The documented conversation: name, company, role, tools, pain, thanks and handoff, word
// for word and without a model, through webhooks and the API, on both databases and through
// a restart in the middle.
func TestDocumentedQualification(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, func(*app.Options)) *house{"sqlite": open, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, sdr(playbook.Default(), false))
			id := h.chatwoot.Open(chatwoottest.Contact{Name: "+55 11 98888-7766", Phone: "+5511988887766"})
			for i, c := range []struct{ says, want string }{
				{"Oi", "Olá! Que bom falar com você. Para começar, qual é o seu nome?"},
				{"Ana Souza", "Prazer, Ana! Qual é o nome da sua empresa?"},
				{"Padaria Sol", "E qual é o seu cargo na Padaria Sol?"},
				{"sou a dona", "Quais ferramentas de vendas vocês usam hoje?"},
				{"planilha e whatsapp", "Qual é a principal dificuldade de vocês hoje?"},
				{"perdemos muitos pedidos por falta de acompanhamento", "Obrigado, Ana! Já tenho o que preciso. Vou passar a conversa para um dos nossos especialistas."},
			} {
				if i == 3 {
					h.settled()
					h.stop()
					h.start()
				}
				if got := h.exchange(id, c.says); got != c.want {
					t.Fatalf("%q was answered with %q, want %q", c.says, got, c.want)
				}
			}
			h.opened(id)
			var notes []string
			for _, m := range h.chatwoot.Conversation(id).Messages {
				if m.Private {
					notes = append(notes, m.Content)
				}
			}
			if len(notes) != 1 || !strings.Contains(notes[0], "Ana Souza") || !strings.Contains(notes[0], "dona") || !strings.Contains(notes[0], "Pontuação") {
				t.Errorf("the notes for people are %q, want one with the lead and its score", notes)
			}
			if got := h.chatwoot.Conversation(id).Attributes["lead_state"]; got != "handed_over" {
				t.Errorf("lead_state = %v, want handed_over", got)
			}
			var steps []string
			for _, r := range h.chatwoot.Requests() {
				if part := r.Path[strings.LastIndexByte(r.Path, '/')+1:]; r.Method == "POST" && part != "toggle_typing_status" {
					steps = append(steps, part)
				}
			}
			if diff := cmp.Diff([]string{"messages", "messages", "custom_attributes", "toggle_status"}, steps[len(steps)-4:]); diff != "" {
				t.Errorf("the handoff's steps (-want +got): what the customer reads, the note, the card, and open last\n%s", diff)
			}
			leads, err := h.app.Store().Leads(t.Context(), store.LeadFilter{})
			must(t, err)
			if len(leads) != 1 || leads[0].State != "handed_over" || leads[0].Score == 0 {
				t.Errorf("leads = %+v, want the one that was handed over with points", leads)
			}
		})
	}
}

// opened waits until people have a conversation.
func (h *house) opened(id int64) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	must(h.t, h.chatwoot.Wait(ctx, func() bool { return h.chatwoot.Conversation(id).Status == chatwoottest.Open }))
}

// A model phrases and extracts while the customer answers out of order, asks in between,
// says three things at once and corrects himself.
func TestQualificationWithAModel(t *testing.T) {
	t.Parallel()
	h := open(t, sdr(playbook.Default(), true))
	learns := func(slot, value string) llmtest.Reply {
		facts, _ := json.Marshal(map[string]any{"facts": []any{map[string]any{"slot": slot, "value": value, "quotes": []string{value}}}})
		return llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "1", Name: "learn", Arguments: facts}}}
	}
	id := h.chatwoot.Open(chatwoottest.Contact{Name: "lead", Phone: "+5511988887766"})
	for _, c := range []struct {
		says   []string
		script []llmtest.Reply
		want   string
	}{
		{[]string{"Oi! A dificuldade é que perdemos pedidos. Vocês integram com o Pipedrive?"}, []llmtest.Reply{learns("pain", "perdemos pedidos"), {Text: "Isso um especialista confirma. E qual é o seu nome?"}},
			"Isso um especialista confirma. E qual é o seu nome?"},
		{[]string{"Ana Souza", "da Padaria Sol", "sou a dona"}, []llmtest.Reply{{Text: "Prazer, Ana! Qual é o seu orçamento?"}}, "Prazer, Ana! Quais ferramentas de vendas vocês usam hoje?"},
	} {
		h.model.Script(c.script...)
		if got := h.exchange(id, c.says...); got != c.want {
			t.Fatalf("%q was answered with %q, want %q", c.says, got, c.want)
		}
	}
	if got := h.exchange(id, "planilha. E na verdade eu sou gerente comercial"); !strings.Contains(got, "especialistas") {
		t.Errorf("the last answer led to %q, want thanks and a person", got)
	}
	h.opened(id)
	leads, err := h.app.Store().Leads(t.Context(), store.LeadFilter{})
	must(t, err)
	if len(leads) != 1 {
		t.Fatalf("leads = %+v, want one", leads)
	}
	var lead playbook.Lead
	must(t, json.Unmarshal(leads[0].Body, &lead))
	got := map[string]string{}
	for _, key := range []string{"name", "company", "role", "tools", "pain"} {
		if v, ok := lead.Value(key); ok {
			got[key] = v.String()
		}
	}
	want := map[string]string{"name": "Ana Souza", "company": "Padaria Sol", "role": "gerente comercial", "tools": "planilha", "pain": "perdemos pedidos"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lead (-want +got):\n%s", diff)
	}
}
