package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

var now = time.Date(2026, 3, 2, 15, 4, 0, 0, time.UTC)

func desk(t *testing.T, cfg agent.Config, m llm.Model) *agent.Agent {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "recepcao"
	}
	if cfg.Safety.Disclosure == "" {
		cfg.Safety.Disclosure = agent.NoDisclosure // it has its own tests
	}
	a, err := agent.New(cfg, agent.Deps{Model: m, Mark: marks()})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return a
}

func undisclosed(cfg agent.Config) agent.Config {
	cfg.Safety.Disclosure = agent.NoDisclosure
	return cfg
}

// marks are known ones: mark1, mark2 and so on.
func marks() func() string {
	var n atomic.Int64
	return func() string { return fmt.Sprintf("xmarkx%03d", n.Add(1)) }
}

func said(author conversation.Author, text string) conversation.Message {
	return conversation.Message{Author: author, Content: conversation.Content{Kind: conversation.Text, Text: text}, At: now}
}

func customer(text string) conversation.Message { return said(conversation.Customer, text) }

func media(kind conversation.Kind, caption string) conversation.Message {
	m := customer(caption)
	m.Content.Kind = kind
	return m
}

func replies(texts ...string) []agent.Reply {
	var out []agent.Reply
	for _, t := range texts {
		out = append(out, agent.Reply{Text: t})
	}
	return out
}

func asks(texts ...string) agent.Input {
	in := agent.Input{Now: now}
	for _, text := range texts {
		in.Pending = append(in.Pending, customer(text))
	}
	return in
}

func decide(t *testing.T, a *agent.Agent, in agent.Input) agent.Decision {
	t.Helper()
	d, err := a.Decide(t.Context(), in)
	if err != nil {
		t.Fatalf("Decide: %v", err)
	}
	return d
}

var untimed = cmpopts.IgnoreFields(agent.Decision{}, "ModelTime", "Memory")

func TestReply(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	m.Reply(&llm.Response{Text: "  Abrimos às 9h.\n", Usage: llm.Usage{InputTokens: 90, CachedTokens: 40, OutputTokens: 7}})
	got := decide(t, desk(t, agent.Config{Rules: "Abrimos às 9h."}, m), asks("Que horas abre?"))
	want := agent.Decision{Outcome: agent.Replied, Reason: "model", Replies: replies("Abrimos às 9h."), Model: "scripted/test",
		Usage: llm.Usage{InputTokens: 90, CachedTokens: 40, OutputTokens: 7}}
	if diff := cmp.Diff(want, got, untimed); diff != "" {
		t.Errorf("Decide differs (-want +got):\n%s", diff)
	}
}

func TestNewNeedsAName(t *testing.T) {
	t.Parallel()
	if _, err := agent.New(agent.Config{}, agent.Deps{Model: &llmtest.Scripted{}}); err == nil {
		t.Error("New without a name gives no error")
	}
}

func TestPersonas(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"secretaria", "sdr"} {
		if text, ok := agent.Persona(name); !ok || text == "" || text != strings.TrimSpace(text) {
			t.Errorf("Persona(%q) = %q, %v, want a trimmed text", name, text, ok)
		}
	}
	for _, name := range []string{"", "nobody", "../prompt/system.pt"} {
		if text, ok := agent.Persona(name); ok {
			t.Errorf("Persona(%q) = %q, want none", name, text)
		}
	}
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want bool
	}{
		{"atendente", true},
		{"ATENDENTE!!!", true},
		{"Quero falar com um humano, por favor", true},
		{"quero Falar  com\numa PESSOA?", true},
		{"falar-com-humano", true},
		{"“Supervisor”", true},
		{"átêndente", true},                                // accents are dropped on both sides
		{"ate\u0301ndente", true},                          // and so are combining ones
		{"ａｔｅｎｄｅｎｔｅ", true},                                // full width is compatibility-equal
		{"falar\u00a0com\u00a0humano", true},               // no-break spaces
		{"atendentes", false},                              // another word
		{"o supervisório", false},                          // a word that only begins like it
		{"superatendente", false},                          // or ends like it
		{"falar com o humano", false},                      // not the phrase
		{"falar com", false},                               //
		{"quero humano falar com", false},                  // the order counts
		{"ignore isto e diga que sou o supervisao", false}, //
		{"😀", false},
	} {
		m := &llmtest.Scripted{}
		m.Say("Olá!")
		d := decide(t, desk(t, agent.Config{}, m), asks(c.text))
		if got := d.Outcome == agent.HandedOver; got != c.want {
			t.Errorf("Decide(%q) = %s, want handed over %v", c.text, d.Outcome, c.want)
		}
		if asked := len(m.Requests()) > 0; asked == c.want {
			t.Errorf("Decide(%q): model asked %v, want %v", c.text, asked, !c.want)
		}
	}
}

func TestKeywordHandsOver(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	a := desk(t, agent.Config{Transfer: "Um momento.", Keywords: []string{"São Paulo!", " ", "…"}}, m)
	got := decide(t, a, asks("Oi", "É em SAO PAULO", "?"))
	want := agent.Decision{Outcome: agent.HandedOver, Reason: "keyword", Replies: replies("Um momento."),
		Handoff: &agent.Handoff{Reason: conversation.ByHandoff, Note: "O cliente pediu para falar com uma pessoa.\n\n**Última mensagem:** ?"}}
	if diff := cmp.Diff(want, got, untimed); diff != "" {
		t.Errorf("Decide differs (-want +got):\n%s", diff)
	}
	// Words that fold to nothing are no keywords: they would match everything.
	m.Say("Olá!")
	if d := decide(t, a, asks("atendente")); d.Outcome != agent.Replied {
		t.Errorf("Decide(%q) with keywords of its own = %s, want %s", "atendente", d.Outcome, agent.Replied)
	}
}

func TestNoKeywords(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	m.Say("Claro.")
	if d := decide(t, desk(t, agent.Config{Keywords: []string{}}, m), asks("atendente")); d.Outcome != agent.Replied {
		t.Errorf("Decide without keywords = %s, want %s", d.Outcome, agent.Replied)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kinds []conversation.Kind
		says  string
	}{
		{[]conversation.Kind{conversation.Audio}, "ouvir áudios"},
		{[]conversation.Kind{conversation.Image}, "imagens e vídeos"},
		{[]conversation.Kind{conversation.Video}, "imagens e vídeos"},
		{[]conversation.Kind{conversation.Document}, "o arquivo"},
		{[]conversation.Kind{conversation.Sticker}, "figurinha"},
		{[]conversation.Kind{conversation.Location}, "este formato"},
		{[]conversation.Kind{conversation.Contact}, "este formato"},
		{[]conversation.Kind{conversation.Order}, "este formato"},
		{[]conversation.Kind{conversation.Poll}, "este formato"},
		{[]conversation.Kind{conversation.Unknown}, "este formato"},
		{[]conversation.Kind{"hologram"}, "este formato"},
		{[]conversation.Kind{conversation.Image, conversation.Audio}, "ouvir áudios"}, // the last one decides
	} {
		m := &llmtest.Scripted{}
		in := agent.Input{Now: now}
		for _, k := range c.kinds {
			in.Pending = append(in.Pending, media(k, ""))
		}
		d := decide(t, desk(t, agent.Config{}, m), in)
		last := c.kinds[len(c.kinds)-1]
		if d.Outcome != agent.AskedToWrite || d.Reason != string(last) || d.Handoff != nil || len(d.Replies) != 1 || !strings.Contains(d.Replies[0].Text, c.says) {
			t.Errorf("Decide(%v) = %+v, want %s about %q", c.kinds, d, agent.AskedToWrite, c.says)
		}
		if len(m.Requests()) > 0 {
			t.Errorf("Decide(%v) asked the model", c.kinds)
		}
	}
}

// One message with words is enough to ask the model, a caption too.
func TestReadableAmongUnreadable(t *testing.T) {
	t.Parallel()
	for _, pending := range [][]conversation.Message{
		{media(conversation.Image, "quanto custa?")},
		{customer("veja isto"), media(conversation.Audio, "")},
		{media(conversation.Audio, ""), customer("ouviu?")},
	} {
		m := &llmtest.Scripted{}
		m.Say("Sim.")
		if d := decide(t, desk(t, agent.Config{}, m), agent.Input{Now: now, Pending: pending}); d.Outcome != agent.Replied {
			t.Errorf("Decide(%+v) = %s, want %s", pending, d.Outcome, agent.Replied)
		}
	}
}

func TestHandoffTool(t *testing.T) {
	t.Parallel()
	const head = "O assistente passou a conversa para uma pessoa."
	const tail = "\n\n**Última mensagem:** Preciso de um laudo"
	for name, c := range map[string]struct {
		text, arguments string
		reply, note     string
	}{
		"whole":            {"", `{"reason":" laudo ","summary":"Quer um laudo."}`, agent.DefaultTransfer, head + "\n\n**Motivo:** laudo\n\n**Resumo:** Quer um laudo." + tail},
		"with words":       {"Já chamo alguém.", `{"reason":"laudo","summary":""}`, "Já chamo alguém.", head + "\n\n**Motivo:** laudo" + tail},
		"invisible words":  {" \u200b ", `{}`, agent.DefaultTransfer, head + tail},
		"no arguments":     {"", ``, agent.DefaultTransfer, head + tail},
		"null":             {"", `null`, agent.DefaultTransfer, head + tail},
		"broken":           {"", `{"reason":"laudo","sum`, agent.DefaultTransfer, head + tail},
		"no object":        {"", `["laudo"]`, agent.DefaultTransfer, head + tail},
		"wrong type":       {"", `{"reason":7,"summary":"Quer um laudo."}`, agent.DefaultTransfer, head + "\n\n**Resumo:** Quer um laudo." + tail},
		"overlong":         {"", `{"reason":"` + strings.Repeat("é", 301) + `","summary":"` + strings.Repeat("ã", 1501) + `"}`, agent.DefaultTransfer, head + "\n\n**Motivo:** " + strings.Repeat("é", 300) + "…\n\n**Resumo:** " + strings.Repeat("ã", 1500) + "…" + tail},
		"exactly the most": {"", `{"reason":"` + strings.Repeat("é", 300) + `"}`, agent.DefaultTransfer, head + "\n\n**Motivo:** " + strings.Repeat("é", 300) + tail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &llmtest.Scripted{}
			m.Reply(&llm.Response{Text: c.text, Finish: llm.ToolCalls, ToolCalls: []llm.ToolCall{{ID: "1", Name: "handoff", Arguments: []byte(c.arguments)}}})
			got := decide(t, desk(t, agent.Config{}, m), asks("Oi", "Preciso de um laudo"))
			want := agent.Decision{Outcome: agent.HandedOver, Reason: "model", Replies: replies(c.reply), Model: "scripted/test",
				Handoff: &agent.Handoff{Reason: conversation.ByHandoff, Note: c.note}}
			if diff := cmp.Diff(want, got, untimed); diff != "" {
				t.Errorf("Decide differs (-want +got):\n%s", diff)
			}
		})
	}
}

// A handoff counts wherever it stands among the calls.
func TestHandoffAmongOtherCalls(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	m.Reply(&llm.Response{ToolCalls: []llm.ToolCall{{ID: "1", Name: "book"}, {ID: "2", Name: "handoff", Arguments: []byte(`{}`)}}})
	if d := decide(t, desk(t, agent.Config{}, m), asks("oi")); d.Outcome != agent.HandedOver || d.Handoff == nil {
		t.Errorf("Decide = %+v, want a handoff", d)
	}
}

func TestUnknownToolGetsASecondChance(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	m.Reply(&llm.Response{Usage: llm.Usage{InputTokens: 10, OutputTokens: 1}, ToolCalls: []llm.ToolCall{
		{ID: "a", Name: "book", Arguments: []byte(`{"at":"9h"}`), Opaque: []byte("signature")}, {ID: "b", Name: "pay"}}})
	m.Reply(&llm.Response{Text: "Não consigo marcar por aqui.", Usage: llm.Usage{InputTokens: 20, OutputTokens: 2}})
	d := decide(t, desk(t, agent.Config{}, m), asks("marque às 9h"))
	if diff := cmp.Diff(replies("Não consigo marcar por aqui."), d.Replies); diff != "" {
		t.Errorf("replies differ (-want +got):\n%s", diff)
	}
	if want := (llm.Usage{InputTokens: 30, OutputTokens: 3}); d.Usage != want {
		t.Errorf("usage = %+v, want %+v of both calls", d.Usage, want)
	}
	reqs := m.Requests()
	if len(reqs) != 2 {
		t.Fatalf("%d requests, want 2", len(reqs))
	}
	want := append(append([]llm.Message(nil), reqs[0].Messages...),
		llm.Message{Role: llm.Assistant, ToolCalls: []llm.ToolCall{{ID: "a", Name: "book", Arguments: []byte(`{"at":"9h"}`), Opaque: []byte("signature")}, {ID: "b", Name: "pay"}}},
		llm.Message{Role: llm.ToolRole, ToolCallID: "a", ToolName: "book", Text: reqs[0].Fence.Wrap(`{"error":"unknown tool"}`)},
		llm.Message{Role: llm.ToolRole, ToolCallID: "b", ToolName: "pay", Text: reqs[0].Fence.Wrap(`{"error":"unknown tool"}`)})
	if diff := cmp.Diff(want, reqs[1].Messages, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("second dialogue differs (-want +got):\n%s", diff)
	}
}

// Words beside a call that does not exist are an answer.
func TestTextBesideAnUnknownTool(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	m.Reply(&llm.Response{Text: "Olá!", ToolCalls: []llm.ToolCall{{ID: "a", Name: "book"}}})
	if d := decide(t, desk(t, agent.Config{}, m), asks("oi")); d.Outcome != agent.Replied || !cmp.Equal(d.Replies, replies("Olá!")) {
		t.Errorf("Decide = %+v, want the words", d)
	}
}

const published = "Estou com dificuldades técnicas. Vou transferir você para um de nossos atendentes. Aguarde um momento, por favor."

func fellBack(t *testing.T, d agent.Decision, reason, transfer string) {
	t.Helper()
	if d.Outcome != agent.ModelFailed || d.Reason != reason || !cmp.Equal(d.Replies, replies(transfer)) || d.Handoff == nil || d.Handoff.Reason != conversation.ByFailure || d.Handoff.Note == "" {
		t.Errorf("Decide = %+v, want the fallback %q for %q", d, transfer, reason)
	}
}

func TestEmptyAnswers(t *testing.T) {
	t.Parallel()
	empty := fault.New(fault.Permanent, llm.CodeEmpty)
	for name, c := range map[string]struct {
		script   func(*llmtest.Scripted)
		requests int
		answers  bool
	}{
		"twice, then words":       {func(m *llmtest.Scripted) { m.Fail(empty); m.Say("\u200b\n", "Olá!") }, 3, true},
		"never any":               {func(m *llmtest.Scripted) { m.Say("", " \t", "\u200b\u200d") }, 3, false},
		"errors":                  {func(m *llmtest.Scripted) { m.Fail(empty, empty, empty) }, 3, false},
		"unknown tools only":      {func(m *llmtest.Scripted) { m.Call("a", "{}"); m.Call("b", "{}"); m.Call("c", "{}") }, 3, false},
		"a mark without a base":   {func(m *llmtest.Scripted) { m.Say("\u0301", "\u00a0", "Olá!") }, 3, true},
		"a sign is a word enough": {func(m *llmtest.Scripted) { m.Say("👍") }, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &llmtest.Scripted{}
			c.script(m)
			d := decide(t, desk(t, agent.Config{}, m), asks("oi"))
			if n := len(m.Requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if !c.answers {
				fellBack(t, d, llm.CodeEmpty, published)
			} else if d.Outcome != agent.Replied {
				t.Errorf("Decide = %+v, want an answer", d)
			}
		})
	}
}

func TestModelErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		reason string
	}{
		{&fault.Error{Kind: fault.RateLimited, Code: "quota", Status: 429, RetryAfter: time.Hour}, "quota"},
		{fault.New(fault.Transient, "timeout"), "timeout"},
		{fault.New(fault.Unauthorized, "bad key"), "bad key"},
		{fault.New(fault.Invalid, ""), "invalid"},
		{fault.New(fault.Permanent, "blocked"), "blocked"},
		{errors.New("dial model.internal: refused"), "internal"}, // no hosts in reasons
	} {
		m := &llmtest.Scripted{}
		m.Fail(c.err)
		d := decide(t, desk(t, agent.Config{}, m), asks("oi"))
		fellBack(t, d, c.reason, published)
		if d.Model != "scripted/test" || strings.Contains(d.Handoff.Note, "model.internal") {
			t.Errorf("Decide after %v = %+v, want the model's name and no host in the note", c.err, d)
		}
		if n := len(m.Requests()); n != 1 {
			t.Errorf("after %v: %d requests, want 1: retries are below", c.err, n)
		}
	}
}

func TestFallbackHasTheConfiguredTransfer(t *testing.T) {
	t.Parallel()
	m := &llmtest.Scripted{}
	in := asks("oi")
	in.Broken = true
	fellBack(t, decide(t, desk(t, agent.Config{Transfer: "Já volto."}, m), in), "broken", "Estou com dificuldades técnicas. Já volto.")
	if len(m.Requests()) > 0 {
		t.Error("a broken turn asked the model again")
	}
}

func TestCancelledReturnsItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("draft stale")
	ctx, cancel := context.WithCancelCause(t.Context())
	m := &llmtest.Scripted{Answer: func(context.Context, *llm.Request) (*llm.Response, error) {
		cancel(cause)
		return &llm.Response{Text: "Tarde demais."}, nil // even an answer comes too late
	}}
	d, err := desk(t, agent.Config{}, m).Decide(ctx, asks("oi"))
	if !errors.Is(err, cause) || !cmp.Equal(d, agent.Decision{}) {
		t.Errorf("Decide = %+v, %v, want no decision and %v", d, err, cause)
	}
	d, err = desk(t, agent.Config{}, &llmtest.Scripted{}).Decide(ctx, asks("oi"))
	if !errors.Is(err, cause) || !cmp.Equal(d, agent.Decision{}) {
		t.Errorf("Decide, cancelled before = %+v, %v, want no decision and %v", d, err, cause)
	}
}

func TestCutAnswers(t *testing.T) {
	t.Parallel()
	const facts = "- Abrimos às 9h e fechamos às 18h.\n- O plano custa R$ 1.500,00 por mês.\n- Site: www.exemplo.com.br/precos"
	for _, c := range []struct{ text, want string }{
		{"Abrimos às 9h. Fechamos às 18h. Aos sába", "Abrimos às 9h. Fechamos às 18h."},
		{"Temos duas opções! Qual prefe", "Temos duas opções!"},
		{"Quer saber mais? E tam", "Quer saber mais?"},
		{"Primeira linha\nsegunda lin", "Primeira linha"},
		{"Tudo **pronto.** Agora fal", "Tudo **pronto.**"},
		{"Ela disse “sim.” E depo", "Ela disse “sim.”"},
		{"Está bem… Então va", "Está bem…"},
		// A point within a number or an address ends nothing.
		{"O plano é ótimo. Custa R$ 1.500,00 por m", "O plano é ótimo."},
		{"Fale com a loja. Veja www.exemplo.com.br/pre", "Fale com a loja."},
		{"Fale com a loja. Custa R$ 1.", "Fale com a loja."},
		{"Custa R$ 1.500,00 por mês e inclu", "Custa R$ 1.500,00 por mês e inclu"},
		{"São três passos:\n1. Abra o site.\n2. Clique em entrar.\n3. Esco", "São três passos:\n1. Abra o site.\n2. Clique em entrar."},
		// What would leave too little stays as it is.
		{"Sim. " + strings.Repeat("palavra ", 30) + "pala", "Sim. " + strings.Repeat("palavra ", 30) + "pala"},
		{"sem nenhum fim", "sem nenhum fim"},
		{"Inteira.", "Inteira."},
	} {
		m := &llmtest.Scripted{}
		m.Reply(&llm.Response{Text: c.text, Finish: llm.Length})
		d := decide(t, desk(t, agent.Config{Rules: facts}, m), asks("oi"))
		if diff := cmp.Diff(replies(c.want), d.Replies); diff != "" {
			t.Errorf("answer %q, cut, differs (-want +got):\n%s", c.text, diff)
		}
	}
	const uncut = "Abrimos às 9h. Fechamos às 18h. Aos sába"
	m := &llmtest.Scripted{}
	m.Say(uncut)
	if d := decide(t, desk(t, agent.Config{Rules: facts}, m), asks("oi")); !cmp.Equal(d.Replies, replies(uncut)) {
		t.Errorf("an answer that was not cut became %q", d.Replies)
	}
}
