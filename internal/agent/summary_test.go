package agent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/llm/llmtest"
)

// long is a history of which a small budget shows only the end.
func long(n int) []conversation.Message {
	out := turns(n, 340)
	for i := range out {
		out[i].ID = conversation.MessageID(i + 1)
		out[i].At = now.Add(time.Duration(i-len(out)) * time.Minute)
	}
	return out
}

func TestSummary(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	a := desk(t, agent.Config{Budget: 430, Rules: "Custa de R$ 10 a R$ 20."}, m)
	in := asks("e o preço?")
	in.History, in.Pending[0].ID = long(6), 100
	m.Say("Custa R$ 10.", "O cliente quer um laudo.")
	d := decide(t, a, in)
	if len(m.Requests()) != 2 || !strings.Contains(m.Requests()[1].Messages[0].Text, "[cliente] p0") {
		t.Fatalf("%d requests, want an answer and a summary of what is not shown any more", len(m.Requests()))
	}
	// The next turn is shown the summary, and makes none of its own.
	in.Memory = d.Memory
	in.Pending[0].Content.Text = "e para dois?"
	m.Say("Custa R$ 20.")
	decide(t, a, in)
	reqs := m.Requests()
	if len(reqs) != 3 || !strings.Contains(reqs[2].Messages[0].Text, "O cliente quer um laudo.") || strings.Contains(reqs[2].System, "laudo") {
		t.Errorf("the next request = %+v, want the summary in the dialogue and nowhere else", reqs[len(reqs)-1])
	}
}

func TestSummaryNeverBlocks(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	in := asks("e o preço?")
	in.History, in.Pending[0].ID = long(6), 100
	m.Say("Custa R$ 10.")
	m.Fail(errors.New("down"))
	d := decide(t, desk(t, agent.Config{Budget: 430, Rules: "Custa de R$ 10 a R$ 20."}, m), in)
	if d.Outcome != agent.Replied || !strings.Contains(string(d.Memory), "p3") {
		t.Errorf("Decide = %+v, want the answer, and the customer's own words in place of the summary", d)
	}
}

// A desk that may not remember for long does not remember by a summary either.
func TestSummaryAges(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	a := desk(t, agent.Config{MaxAge: time.Hour}, m)
	in := asks("oi de novo")
	in.Memory = []byte(`{"v":1,"summary":"quer um laudo","summary_at":"2026-03-02T14:30:00Z"}`)
	m.Say("Oi!", "Oi!")
	decide(t, a, in)
	in.Now = in.Now.Add(time.Hour)
	decide(t, a, in)
	reqs := m.Requests()
	if !strings.Contains(reqs[0].Messages[0].Text, "laudo") || strings.Contains(reqs[1].Messages[0].Text, "laudo") {
		t.Errorf("after 34 minutes %q, after 94 %q, want the summary in the first alone", reqs[0].Messages[0].Text, reqs[1].Messages[0].Text)
	}
}
