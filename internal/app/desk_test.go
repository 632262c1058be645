package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

func TestModelCannotActAsATemplate(t *testing.T) {
	t.Parallel()
	const nasty = "Olá {{contact.email}} {% assign x = 1 %}{{{x}}} {{ x }} e { { y } }"
	h := open(t, nil)
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: nasty} }
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Oi")
	got := h.said(id, 1)[0]
	if strings.Contains(got.Content, "LIQUID") {
		t.Errorf("chatwoot rendered %q of %q", got.Content, got.Wire)
	}
	h.whatsapp(customer, "Oi")
	if got := h.sent(1)[0].Body; strings.Contains(got, "{{") || !strings.Contains(got, "contact.email") {
		t.Errorf("whaticket got %q, which it renders with Mustache", got)
	}
}

func TestModelThatAsksForPatience(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Status: 429, RetryAfter: "1"}, llmtest.Reply{Text: "Pronto."})
	h.whatsapp(customer, "oi")
	if got := h.sent(1)[0].Body; got != "Pronto." {
		t.Errorf("whaticket got %q", got)
	}
	r := h.model.Requests()
	if pause := r[1].At.Sub(r[0].At); pause < time.Second {
		t.Errorf("asked again after %v, want the second that was asked for", pause)
	}
}

func TestOpenCircuitAnswersAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Models.Resilience.Attempts, o.Models.Resilience.BreakerThreshold = 1, 2 })
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Status: 500} }
	for i := range 4 {
		number := fmt.Sprintf("551198887770%d", i)
		h.whatsapp(number, "oi")
		got := h.sent(i + 1)[i]
		if got.Number != number || !strings.Contains(got.Body, agent.DefaultTransfer) {
			t.Errorf("customer %d got %q for %s, want the fallback", i, got.Body, got.Number)
		}
	}
	if n := h.model.Count(); n != 2 {
		t.Errorf("model was called %d times, want 2: then the circuit is open", n)
	}
	if _, metrics := h.get("/metrics"); !strings.Contains(metrics, `secretaria_llm_errors_total{kind="circuit_open"} 2`) {
		t.Error("metrics do not count the calls that the circuit turned away")
	}
}

func TestEmptyAnswerOfTheModel(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	empty := llmtest.Reply{Finish: llm.Stop}
	h.model.Script(empty, llmtest.Reply{Text: "Agora sim."})
	h.whatsapp(customer, "oi")
	if got := h.sent(1)[0].Body; got != "Agora sim." {
		t.Errorf("whaticket got %q", got)
	}
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return empty }
	h.whatsapp(customer, "e agora?")
	if got := h.sent(2)[1].Body; !strings.Contains(got, agent.DefaultTransfer) {
		t.Errorf("whaticket got %q, want the fallback and no empty bubble", got)
	}
}

func TestNonsenseOfTheModel(t *testing.T) {
	t.Parallel()
	call := func(name, arguments string) llmtest.Reply {
		return llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "c", Name: name, Arguments: json.RawMessage(arguments)}}}
	}
	for name, replies := range map[string][]llmtest.Reply{
		"a tool that does not exist": {call("send_money", `{}`), call("send_money", `{}`), call("send_money", `{}`)},
		"arguments that are no JSON": {call("handoff", `"{"`)},
		"arguments of another type":  {call("handoff", `{"reason":[],"summary":7}`)},
		"no choice":                  {{Fault: llmtest.Empty}, {Fault: llmtest.Empty}, {Fault: llmtest.Empty}},
		"half an answer":             {{Fault: llmtest.Cut}, {Fault: llmtest.Cut}, {Fault: llmtest.Cut}},
		"a page":                     {{Body: "<html>", ContentType: "text/html"}, {Body: "<html>"}, {Body: "<html>"}},
		"a refusal":                  {{Fault: llmtest.Blocked}},
		"blanks":                     {{Text: " \n\t"}, {Text: "\u200b\u2060\ufeff"}, {Text: "\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			h.model.Script(replies...)
			h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Status: 500} }
			id := h.chatwoot.Open(chatwoottest.Contact{})
			h.writes(id, "oi")
			h.status(id, chatwoottest.Open)
			h.robot(id, 1)
			if got := h.chatwoot.Conversation(id).Said()[0].Content; !strings.Contains(got, agent.DefaultTransfer) {
				t.Errorf("bot said %q, want that a person takes over", got)
			}
		})
	}
}

// LLM_TIMEOUT_SECONDS holds for one try.
func TestModelThatHangs(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		o.Models.Resilience.Timeout, o.Models.Resilience.Attempts = 100*time.Millisecond, 2
	})
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Fault: llmtest.Hang} }
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "oi")
	h.status(id, chatwoottest.Open)
	if got := h.chatwoot.Conversation(id).Said(); len(got) != 1 || !strings.Contains(got[0].Content, agent.DefaultTransfer) {
		t.Errorf("bot said %+v, want the fallback", got)
	}
	if n := h.model.Count(); n != 2 {
		t.Errorf("model was called %d times, want 2", n)
	}
}

func TestCircuitProbesAgain(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		o.Models.Resilience.Attempts, o.Models.Resilience.BreakerThreshold, o.Models.Resilience.BreakerReset = 1, 1, 100*time.Millisecond
	})
	h.model.Script(llmtest.Reply{Status: 500}, llmtest.Reply{Text: "De volta!"})
	sent := 0
	ask := func() string {
		sent++
		h.whatsapp(fmt.Sprintf("55119888777%02d", sent), "oi")
		return h.sent(sent)[sent-1].Body
	}
	if got := ask(); !strings.Contains(got, agent.DefaultTransfer) {
		t.Errorf("the first customer got %q", got)
	}
	until(t, "an answer of the model", func() bool { return sent < 90 && ask() == "De volta!" })
	if n := h.model.Count(); n != 2 {
		t.Errorf("model was called %d times, want the failure and the probe", n)
	}
}
