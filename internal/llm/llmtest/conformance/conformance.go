// Package conformance is the suite that every language model behind a network passes: it
// drives an adapter against a server that speaks, or refuses to speak, the provider's
// protocol, and checks what package llm promises.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

// Harness makes what the suite needs of one adapter.
type Harness struct {
	// Start returns an adapter and the server that it talks to, fresh, with Key as its key;
	// both end with the test.
	Start func(t *testing.T) (llm.Model, *llmtest.Server)
	// Key is the credential that must never show.
	Key string
	// Opaque: the provider wants a token of its own back with a tool call.
	Opaque bool
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"plain answer":       plain,
		"usage":              usage,
		"thoughts stay":      thoughts,
		"tool round trip":    tools,
		"several tool calls": severalTools,
		"foreign tool calls": foreignTools,
		"tool choice":        toolChoice,
		"finish":             finish,
		"nothing said":       nothingSaid,
		"statuses":           statuses,
		"retry after":        retryAfter,
		"no answer":          noAnswer,
		"deadline":           deadline,
		"cancelled":          cancelled,
		"no leak":            noLeak,
		"invalid requests":   invalidRequests,
		"concurrent":         concurrent,
		"server gone":        serverGone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, h)
		})
	}
}

func ask(text string) *llm.Request {
	return &llm.Request{System: "You are the front desk.", Messages: []llm.Message{{Role: llm.User, Text: text}}}
}

// generate expects an answer.
func generate(t *testing.T, m llm.Model, req *llm.Request) *llm.Response {
	t.Helper()
	resp, err := m.Generate(t.Context(), req)
	if err != nil {
		t.Fatalf("Generate() error = %v, want an answer", err)
	}
	if resp == nil {
		t.Fatal("Generate() = nil, nil, want an answer")
	}
	return resp
}

// refuse expects an error of the kind, and exactly one request at the server.
func refuse(t *testing.T, m llm.Model, srv *llmtest.Server, want fault.Kind) error {
	t.Helper()
	before := srv.Count()
	resp, err := m.Generate(t.Context(), ask("oi"))
	if err == nil || resp != nil {
		t.Fatalf("Generate() = %v, %v, want no answer and an error", resp, err)
	}
	if got := fault.KindOf(err); got != want {
		t.Errorf("Generate() error %q is %v, want %v", err, got, want)
	}
	if code := fault.Code(err); code == "" || code == "internal" || code == want.String() {
		t.Errorf("Code(%v) = %q, want a short cause", err, code)
	}
	if got := srv.Count() - before; got != 1 {
		t.Errorf("the server saw %d requests, want 1: an adapter does not retry", got)
	}
	return err
}

func plain(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	srv.Script(llmtest.Reply{Text: "Olá! Abrimos às 9h. 😀 <b> \"&\"", Model: "answering-model-001"})
	temperature := 0.25
	req := &llm.Request{
		System: "Você é a recepção.",
		Messages: []llm.Message{
			{Role: llm.User, Text: "oi"},
			{Role: llm.Assistant, Text: "Olá!"},
			{Role: llm.User, Text: "que horas abre?\u2028\"<script>"},
		},
		MaxTokens:   77,
		Temperature: &temperature,
	}
	resp := generate(t, m, req)
	if resp.Text != "Olá! Abrimos às 9h. 😀 <b> \"&\"" || resp.Finish != llm.Stop || resp.Model != "answering-model-001" || len(resp.ToolCalls) > 0 {
		t.Errorf("Generate() = %+v, want the scripted answer", resp)
	}
	if resp.Duration <= 0 {
		t.Errorf("Duration = %v, want more than 0", resp.Duration)
	}
	got := srv.Requests()
	if len(got) != 1 {
		t.Fatalf("the server saw %d requests, want 1", len(got))
	}
	if diff := cmp.Diff(req, got[0].LLM); diff != "" {
		t.Errorf("the server understood something else (-sent +understood):\n%s", diff)
	}
	if name := m.Name(); !strings.Contains(name, "/") || !strings.HasSuffix(name, got[0].Model) {
		t.Errorf("Name() = %q, want provider/%s", name, got[0].Model)
	}
}

func usage(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	want := llm.Usage{InputTokens: 120, CachedTokens: 100, OutputTokens: 7}
	srv.Script(llmtest.Reply{Usage: want})
	if got := generate(t, m, ask("oi")).Usage; got != want {
		t.Errorf("Usage = %+v, want %+v", got, want)
	}
}

func thoughts(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	srv.Script(llmtest.Reply{Thought: "The customer seems confused.", Text: "Bom dia!"})
	if got := generate(t, m, ask("oi")).Text; got != "Bom dia!" {
		t.Errorf("Text = %q, want the answer without the thoughts", got)
	}
}

var handoff = llm.Tool{
	Name:        "handoff",
	Description: "Gives the conversation to a person.",
	Schema:      json.RawMessage(`{"type":"object","properties":{"reason":{"type":"string","enum":["asked","lost"]}},"required":["reason"],"additionalProperties":false}`),
}

func tools(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	call := llm.ToolCall{ID: "call_abc", Name: "handoff", Arguments: json.RawMessage(`{"reason":"asked"}`)}
	if h.Opaque {
		call.Opaque = []byte{0, 1, 0xfe, 0xff}
	}
	srv.Script(llmtest.Reply{Text: "Um momento.", ToolCalls: []llm.ToolCall{call}}, llmtest.Reply{Text: "Pronto."})
	req := ask("quero um atendente")
	req.Tools = []llm.Tool{handoff, {Name: "ping"}}
	resp := generate(t, m, req)
	if resp.Finish != llm.ToolCalls || resp.Text != "Um momento." {
		t.Errorf("Generate() = finish %q, text %q, want %q and the text", resp.Finish, resp.Text, llm.ToolCalls)
	}
	if diff := cmp.Diff([]llm.ToolCall{call}, resp.ToolCalls); diff != "" {
		t.Fatalf("ToolCalls (-want +got):\n%s", diff)
	}
	req.Messages = append(req.Messages,
		llm.Message{Role: llm.Assistant, Text: resp.Text, ToolCalls: resp.ToolCalls},
		llm.Message{Role: llm.ToolRole, ToolCallID: resp.ToolCalls[0].ID, ToolName: resp.ToolCalls[0].Name, Text: `{"ok":true}`},
	)
	if got := generate(t, m, req); got.Text != "Pronto." || got.Finish != llm.Stop {
		t.Errorf("second Generate() = %+v, want the closing answer", got)
	}
	got := srv.Requests()[1].LLM
	if got == nil {
		t.Fatal("the server refused the second request")
	}
	if diff := cmp.Diff(req.Messages, got.Messages); diff != "" {
		t.Errorf("the dialogue came back changed (-sent +understood):\n%s", diff)
	}
	if len(got.Tools) != 2 || got.Tools[0].Name != "handoff" || got.Tools[0].Description != handoff.Description || got.Tools[1].Name != "ping" {
		t.Fatalf("tools = %+v, want both", got.Tools)
	}
	if diff := cmp.Diff(decoded(t, handoff.Schema), decoded(t, got.Tools[0].Schema)); diff != "" {
		t.Errorf("schema (-sent +understood):\n%s", diff)
	}
}

func decoded(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("schema %q: %v", raw, err)
	}
	return v
}

func severalTools(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	srv.Script(llmtest.Reply{ToolCalls: []llm.ToolCall{
		{ID: "a", Name: "lookup", Arguments: json.RawMessage(`{"q":"preço"}`)},
		{ID: "b", Name: "lookup", Arguments: json.RawMessage(`{}`)},
	}})
	req := ask("quanto custa?")
	req.Tools = []llm.Tool{{Name: "lookup"}}
	resp := generate(t, m, req)
	if len(resp.ToolCalls) != 2 || resp.Text != "" {
		t.Fatalf("Generate() = %+v, want two calls and no text", resp)
	}
	for i, want := range []string{`{"q":"preço"}`, `{}`} {
		if got := string(resp.ToolCalls[i].Arguments); got != want {
			t.Errorf("ToolCalls[%d].Arguments = %s, want %s", i, got, want)
		}
	}
	// Results of all shapes: an object, a word, a list, nothing.
	for _, results := range [][2]string{{`{"price":"R$ 10"}`, "indisponível"}, {`[1,2]`, ""}} {
		next := *req
		next.Messages = append(append([]llm.Message(nil), req.Messages...), llm.Message{Role: llm.Assistant, ToolCalls: resp.ToolCalls})
		for i, c := range resp.ToolCalls {
			next.Messages = append(next.Messages, llm.Message{Role: llm.ToolRole, ToolCallID: c.ID, ToolName: c.Name, Text: results[i]})
		}
		if got := generate(t, m, &next); got.Text != "ok" {
			t.Errorf("Generate() with results %q = %+v, want an answer", results, got)
		}
	}
}

// foreignTools continues a turn that another provider began: calls with ids or without, with
// a token that is not ours, with arguments that are no JSON object.
func foreignTools(t *testing.T, h Harness) {
	m, _ := h.Start(t)
	req := ask("oi")
	req.Tools = []llm.Tool{{Name: "lookup"}, {Name: "other"}}
	req.Messages = append(req.Messages,
		llm.Message{Role: llm.Assistant, ToolCalls: []llm.ToolCall{
			{Name: "lookup", Arguments: json.RawMessage(`"{broken"`), Opaque: []byte("foreign")},
			{Name: "other"},
			{Name: "lookup", Arguments: json.RawMessage(`null`)},
		}},
		llm.Message{Role: llm.ToolRole, ToolName: "other", Text: "1"},
		llm.Message{Role: llm.ToolRole, ToolName: "lookup", Text: "2"},
		llm.Message{Role: llm.ToolRole, ToolName: "lookup", Text: "3"},
	)
	if got := generate(t, m, req); got.Text != "ok" {
		t.Errorf("Generate() = %+v, want an answer", got)
	}
}

// toolChoice: the choice arrives as it was made, and one that cannot be made is not sent.
func toolChoice(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	req := ask("oi")
	req.Tools = []llm.Tool{{Name: "lookup"}, {Name: "extract", Schema: json.RawMessage(`{"type":"object","properties":{"name":{"type":"string"}}}`)}}
	for _, want := range []string{llm.ChooseAuto, llm.ChooseNone, "extract"} {
		req.ToolChoice = want
		if want == "extract" {
			srv.Script(llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "a", Name: "extract", Arguments: json.RawMessage(`{"name":"Ana"}`)}}})
		} else {
			srv.Script(llmtest.Reply{})
		}
		resp := generate(t, m, req)
		if got := srv.Requests()[srv.Count()-1].LLM; got == nil || got.ToolChoice != want || len(got.Tools) != 2 {
			t.Errorf("ToolChoice %q: the server understood %+v", want, got)
		}
		if called := len(resp.ToolCalls) == 1 && resp.ToolCalls[0].Name == "extract"; called != (want == "extract") {
			t.Errorf("ToolChoice %q: Generate() = %+v", want, resp)
		}
	}
	before := srv.Count()
	req.ToolChoice = "nothing"
	if resp, err := m.Generate(t.Context(), req); fault.KindOf(err) != fault.Invalid || resp != nil {
		t.Errorf("ToolChoice without such a tool: Generate() = %v, %v, want invalid", resp, err)
	}
	if n := srv.Count() - before; n != 0 {
		t.Errorf("the server saw %d requests, want 0", n)
	}
	// Without tools there is nothing to forbid.
	srv.Script(llmtest.Reply{})
	none := ask("oi")
	none.ToolChoice = llm.ChooseNone
	generate(t, m, none)
	if got := srv.Requests()[srv.Count()-1].LLM; got == nil || got.ToolChoice != llm.ChooseAuto {
		t.Errorf("ToolChoice none without tools: the server understood %+v", got)
	}
}

func finish(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	for _, want := range []llm.Finish{llm.Stop, llm.Length, llm.Blocked, llm.Other} {
		srv.Script(llmtest.Reply{Text: "half a sen", Finish: want})
		resp := generate(t, m, ask("oi"))
		if resp.Finish != want || resp.Text != "half a sen" {
			t.Errorf("Generate() = finish %q, text %q, want %q and the text", resp.Finish, resp.Text, want)
		}
	}
	srv.Script(llmtest.Reply{Finish: llm.Length})
	if resp := generate(t, m, ask("oi")); resp.Finish != llm.Length || resp.Text != "" {
		t.Errorf("Generate() = finish %q, text %q, want %q without text", resp.Finish, resp.Text, llm.Length)
	}
}

func nothingSaid(t *testing.T, h Harness) {
	for name, c := range map[string]struct {
		reply llmtest.Reply
		code  string
	}{
		"no choice":     {llmtest.Reply{Fault: llmtest.Empty}, "empty answer"},
		"no words":      {llmtest.Reply{Finish: llm.Stop}, "empty answer"},
		"no words else": {llmtest.Reply{Finish: llm.Other}, "empty answer"},
		"prompt":        {llmtest.Reply{Fault: llmtest.Blocked}, "blocked"},
		"answer":        {llmtest.Reply{Finish: llm.Blocked}, "blocked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := h.Start(t)
			srv.Script(c.reply)
			if err := refuse(t, m, srv, fault.Permanent); fault.Code(err) != c.code {
				t.Errorf("Code(%v) = %q, want %q", err, fault.Code(err), c.code)
			}
		})
	}
}

func statuses(t *testing.T, h Harness) {
	for status, want := range map[int]fault.Kind{
		301: fault.Permanent, 307: fault.Permanent,
		400: fault.Invalid, 404: fault.Invalid, 409: fault.Invalid, 413: fault.Invalid, 422: fault.Invalid,
		401: fault.Unauthorized, 403: fault.Unauthorized,
		408: fault.Transient, 429: fault.RateLimited,
		500: fault.Transient, 502: fault.Transient, 503: fault.Transient, 504: fault.Transient, 529: fault.Transient,
	} {
		for name, reply := range map[string]llmtest.Reply{
			"provider": {Status: status, Message: "no"},
			"proxy":    {Status: status, Body: "<html>nope</html>", ContentType: "text/html"},
			"odd":      {Status: status, Body: `{"error":"a string"}`},
			"list":     {Status: status, Body: `[{"error":{"code":"x"}}]`},
			"null":     {Status: status, Body: "null"},
		} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				m, srv := h.Start(t)
				srv.Script(reply)
				if err := refuse(t, m, srv, want); fault.StatusOf(err) != status {
					t.Errorf("StatusOf(%v) = %d, want %d", err, fault.StatusOf(err), status)
				}
			})
		}
	}
}

func retryAfter(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	srv.Script(llmtest.Reply{Status: http.StatusTooManyRequests, RetryAfter: "17"})
	if got := fault.RetryAfter(refuse(t, m, srv, fault.RateLimited)); got != 17*time.Second {
		t.Errorf("RetryAfter = %v, want 17s", got)
	}
	srv.Script(llmtest.Reply{Status: http.StatusTooManyRequests, RetryAfter: time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat)})
	if got := fault.RetryAfter(refuse(t, m, srv, fault.RateLimited)); got <= 20*time.Minute || got > 30*time.Minute {
		t.Errorf("RetryAfter of a date in half an hour = %v", got)
	}
	srv.Script(llmtest.Reply{Status: http.StatusServiceUnavailable, RetryAfter: "3"})
	if got := fault.RetryAfter(refuse(t, m, srv, fault.Transient)); got != 3*time.Second {
		t.Errorf("RetryAfter of a 503 = %v, want 3s", got)
	}
	for _, nonsense := range []string{"", "soon", "-5", "1e99"} {
		srv.Script(llmtest.Reply{Status: http.StatusTooManyRequests, RetryAfter: nonsense})
		if got := fault.RetryAfter(refuse(t, m, srv, fault.RateLimited)); got != 0 {
			t.Errorf("RetryAfter(%q) = %v, want 0", nonsense, got)
		}
	}
}

func noAnswer(t *testing.T, h Harness) {
	for name, c := range map[string]struct {
		reply llmtest.Reply
		want  fault.Kind
	}{
		"half":                 {llmtest.Reply{Fault: llmtest.Cut}, fault.Transient},
		"half of an error":     {llmtest.Reply{Fault: llmtest.Cut, Status: 500}, fault.Transient},
		"dropped":              {llmtest.Reply{Fault: llmtest.Drop}, fault.Transient},
		"truncated but closed": {llmtest.Reply{Body: `{"choices":[{"message":{"content":"abc`}, fault.Transient},
		"blank":                {llmtest.Reply{Body: " "}, fault.Transient},
		"html":                 {llmtest.Reply{Body: "<!doctype html><title>Welcome</title>", ContentType: "text/html"}, fault.Permanent},
		"text":                 {llmtest.Reply{Body: "ok", ContentType: "text/plain"}, fault.Permanent},
		"null":                 {llmtest.Reply{Body: "null"}, fault.Permanent},
		"list":                 {llmtest.Reply{Body: "[]"}, fault.Permanent},
		"string":               {llmtest.Reply{Body: `"ok"`}, fault.Permanent},
		"empty object":         {llmtest.Reply{Body: "{}"}, fault.Permanent},
		"null lists":           {llmtest.Reply{Body: `{"choices":null,"candidates":null,"usage":null,"usageMetadata":null}`}, fault.Permanent},
		"wrong lists":          {llmtest.Reply{Body: `{"choices":"x","candidates":"x"}`}, fault.Permanent},
		"wrong items":          {llmtest.Reply{Body: `{"choices":[1],"candidates":[1]}`}, fault.Permanent},
		"null items":           {llmtest.Reply{Body: `{"choices":[null],"candidates":[null]}`}, fault.Permanent},
		"null inside":          {llmtest.Reply{Body: `{"choices":[{"message":null}],"candidates":[{"content":null}]}`}, fault.Permanent},
		"null parts":           {llmtest.Reply{Body: `{"choices":[{"message":{"content":[null]}}],"candidates":[{"content":{"parts":[null]}}]}`}, fault.Permanent},
		"wrong content":        {llmtest.Reply{Body: `{"choices":[{"message":{"content":7}}],"candidates":[{"content":7}]}`}, fault.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := h.Start(t)
			srv.Script(c.reply)
			refuse(t, m, srv, c.want)
		})
	}
}

func deadline(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	for _, hang := range []llmtest.Reply{{Fault: llmtest.Hang}, {Delay: time.Hour}} {
		srv.Script(hang)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := m.Generate(ctx, ask("oi"))
		cancel()
		if fault.KindOf(err) != fault.Transient || fault.Code(err) != "timeout" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Generate() past its deadline = %v (%v), want transient, timeout", err, fault.KindOf(err))
		}
	}
}

func cancelled(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Generate(ctx, ask("oi")); fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("Generate() with a cancelled context = %v (%v), want transient", err, fault.KindOf(err))
	}
	if n := srv.Count(); n != 0 {
		t.Errorf("the server saw %d requests, want 0", n)
	}
	// While the model thinks.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	srv.Respond = func(*llmtest.Request) llmtest.Reply {
		cancel()
		return llmtest.Reply{Fault: llmtest.Hang}
	}
	if _, err := m.Generate(ctx, ask("oi")); fault.KindOf(err) != fault.Transient || fault.Code(err) != "cancelled" || !errors.Is(err, context.Canceled) {
		t.Errorf("Generate() cancelled meanwhile = %v (%v), want transient, cancelled", err, fault.KindOf(err))
	}
}

// noLeak provokes every kind of error at a server that repeats key and prompt everywhere.
func noLeak(t *testing.T, h Harness) {
	const words = "my number is +5511999990000"
	m, srv := h.Start(t)
	echo := "key " + h.Key + " text " + words
	replies := []llmtest.Reply{
		{Body: `{"broken": "` + echo},
		{Body: `{"choices":"` + echo + `","candidates":"` + echo + `"}`},
		{Body: echo, ContentType: "text/html"},
		{Fault: llmtest.Drop}, {Fault: llmtest.Cut}, {Fault: llmtest.Empty}, {Fault: llmtest.Blocked},
		{Body: `{"error":{"message":"` + echo + `","code":"` + h.Key + `","status":"` + h.Key + `"}}`},
	}
	for _, status := range []int{302, 400, 401, 403, 404, 418, 429, 500, 503} {
		replies = append(replies,
			llmtest.Reply{Status: status, Message: echo, ErrorCode: h.Key},
			llmtest.Reply{Status: status, Message: echo, ErrorCode: echo},
			llmtest.Reply{Status: status, Body: echo})
	}
	for i, reply := range replies {
		srv.Script(reply)
		_, err := m.Generate(t.Context(), ask(words))
		if err == nil {
			t.Errorf("reply %d: Generate() = no error, want one", i)
			continue
		}
		for _, s := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", err), fault.Code(err)} {
			if strings.Contains(s, h.Key) || strings.Contains(s, "5511999990000") || strings.Contains(s, "127.0.0.1") {
				t.Errorf("reply %d: error leaks the key, the customer's words or the host: %s", i, s)
			}
		}
	}
	for i, r := range srv.Requests() {
		if strings.Contains(r.Path+"?"+r.Query, h.Key) {
			t.Errorf("request %d carries the key in its URL", i)
		}
	}
	for _, s := range []string{fmt.Sprintf("%v", m), fmt.Sprintf("%+v", m), fmt.Sprintf("%#v", m), m.Name()} {
		if strings.Contains(s, h.Key) {
			t.Error("the printed client shows its key")
		}
	}
}

func invalidRequests(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	for name, req := range map[string]*llm.Request{
		"no messages":   {System: "x"},
		"only silence":  {Messages: []llm.Message{{Role: llm.User}, {Role: llm.Assistant}}},
		"unknown role":  {Messages: []llm.Message{{Role: "narrator", Text: "x"}}},
		"broken schema": {Messages: ask("oi").Messages, Tools: []llm.Tool{{Name: "x", Schema: json.RawMessage(`{`)}}},
	} {
		if resp, err := m.Generate(t.Context(), req); fault.KindOf(err) != fault.Invalid || resp != nil {
			t.Errorf("%s: Generate() = %v, %v, want invalid", name, resp, err)
		}
	}
	if n := srv.Count(); n != 0 {
		t.Errorf("the server saw %d requests, want 0", n)
	}
	// Silence among words is left out, not refused.
	req := &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "oi"}, {Role: llm.Assistant}, {Role: llm.User, Text: "?"}}}
	if got := generate(t, m, req); got.Text != "ok" {
		t.Errorf("Generate() = %+v, want an answer", got)
	}
	if got := srv.Requests()[0].LLM.Messages; len(got) != 2 {
		t.Errorf("the server saw the messages %+v, want two", got)
	}
}

func concurrent(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	srv.Respond = func(r *llmtest.Request) llmtest.Reply {
		if strings.HasSuffix(r.LastUser(), "7") {
			return llmtest.Reply{Status: 503, RetryAfter: "7"}
		}
		return llmtest.Reply{Text: "echo " + r.LastUser()}
	}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			text := fmt.Sprint("message ", i)
			resp, err := m.Generate(t.Context(), ask(text))
			if i%10 == 7 {
				if fault.RetryAfter(err) != 7*time.Second {
					t.Errorf("Generate(%q) = %v, want a failure of its own", text, err)
				}
				return
			}
			if err != nil || resp.Text != "echo "+text {
				t.Errorf("Generate(%q) = %+v, %v, want its own answer", text, resp, err)
			}
		})
	}
	wg.Wait()
	if n := srv.Count(); n != 40 {
		t.Errorf("the server saw %d requests, want 40", n)
	}
}

func serverGone(t *testing.T, h Harness) {
	m, srv := h.Start(t)
	generate(t, m, ask("oi"))
	if err := srv.Close(); err != nil {
		t.Fatalf("Close() = %v", err)
	}
	if _, err := m.Generate(t.Context(), ask("oi")); fault.KindOf(err) != fault.Transient {
		t.Errorf("Generate() without a server = %v (%v), want transient", err, fault.KindOf(err))
	}
}
