package agent_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/promise"
)

// Whatever the customer writes, the model says and the memory holds: everybody is answered
// or given to a person, nobody is written to against his wish, and no mark or broken memory
// gets out.
func FuzzDecide(f *testing.F) {
	f.Add("oi|Quanto custa?", "[[1]] Custa R$ 10.|Já agendei!", "remember", `{"kind":"preference","text":"x","quote":"oi"}`, `{"v":1}`, uint8(0))
	f.Add("SAIR", "ok", "handoff", `{}`, ``, uint8(1))
	f.Add("sou a Ana, da Acme|11 98888-7766", "Vou te transferir|Já transferi", "learn", `{"facts":[{"slot":"name","value":"Ana","quotes":["Ana"]}]}`, `{"lead":{"state":"qualifying"}}`, uint8(2))
	f.Add("|", "\u200b||", "start_schedule_meeting", `{"email":"a@b.co"}`, `{"awaits":"schedule_meeting"}`, uint8(3))
	f.Add("sou a Ana", "ok", "", ``, `{"awaits":"schedule_meeting","lead":{"state":"qualifying","heard":"2026-01-01T00:00:00Z"}}`, uint8(2))
	f.Add("que horas abre", "", "lookup", `null`, `{"closed_until":"2027-01-01T00:00:00Z"}`, uint8(4))
	f.Fuzz(func(t *testing.T, said, model, tool, arguments, memory string, which uint8) {
		if len(said)+len(model)+len(arguments)+len(memory) > 3000 || !utf8.ValidString(said) || !utf8.ValidString(model) {
			t.Skip()
		}
		cfg := played(t, []string{"plain", "sdr", "full", "clinic", "only_open"}[which%5])
		m := &llmtest.Scripted{}
		for i, text := range strings.Split(model, "|") {
			r := &llm.Response{Text: text}
			if i == 0 && which&32 == 0 {
				r.ToolCalls = []llm.ToolCall{{ID: "1", Name: tool, Arguments: json.RawMessage(arguments)}}
			}
			m.Reply(r)
		}
		a, err := agent.New(cfg, agent.Deps{Model: m})
		if err != nil {
			t.Fatal(err)
		}
		in := agent.Input{Now: now, Memory: []byte(memory), Profile: []byte(memory), Episode: int64(which >> 6), OptedOut: which&16 != 0}
		for i, text := range strings.Split(said, "|") {
			msg := customer(text)
			msg.ID, msg.Key = conversation.MessageID(10+i), string(rune('a'+i%26))
			if text == "" {
				msg.Content.Kind = conversation.Audio
			}
			in.Pending = append(in.Pending, msg)
		}
		d := decide(t, a, in)
		if in.OptedOut && (len(d.Replies) > 0 || len(d.Calls) > 0) {
			t.Fatalf("somebody who wants no messages gets %+v", d)
		}
		if len(d.Replies) == 0 && d.Handoff == nil && len(d.Calls) == 0 && d.Outcome != agent.Silent {
			t.Fatalf("nobody is answered: %+v", d)
		}
		if d.Outcome == agent.Silent && !cfg.OnlyOpen {
			t.Fatalf("silent: %+v", d)
		}
		if !in.OptedOut && !json.Valid(d.Memory) {
			t.Fatalf("memory %q", d.Memory)
		}
		for _, r := range d.Replies {
			if strings.TrimSpace(r.Text) == "" {
				t.Fatalf("a blank reply in %+v", d)
			}
			if d.Reason == "model" && d.Handoff == nil && cfg.Playbook == nil {
				for _, c := range promise.Find(r.Text) {
					if c.Kind == promise.Paid || c.Kind == promise.Transferred {
						t.Fatalf("%q claims %s, and nothing did it", r.Text, c.Kind)
					}
				}
			}
		}
		// The memory that was left can be thought with.
		if d.Memory != nil {
			in.Memory, in.Profile = d.Memory, d.Profile
			m.Say("Sim.", "Sim.", "Sim.")
			decide(t, a, in)
		}
		// Woken again and again, it comes to an end, and nobody hears what he does not want.
		in.Pending, in.Woken, in.Now = nil, true, d.WakeAt
		for i := 0; !in.Now.IsZero(); i++ {
			if d = decide(t, a, in); in.OptedOut && len(d.Replies) > 0 || i > 10 || !d.WakeAt.IsZero() && !d.WakeAt.After(in.Now) {
				t.Fatalf("woken %d times, somebody gets %+v", i, d)
			}
			in.Memory, in.Now = d.Memory, d.WakeAt
		}
	})
}
