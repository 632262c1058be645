package llmtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

func post(t *testing.T, ctx context.Context, url string, header http.Header, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// TestRefusals: the servers refuse what the providers refuse.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var openai llmtest.OpenAI
	openai.Key = "k"
	var gemini llmtest.Gemini
	gemini.Key = "k"
	for _, start := range []func() error{openai.Start, gemini.Start} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	defer openai.Close()
	defer gemini.Close()
	chat, generate := openai.BaseURL()+"/chat/completions", gemini.BaseURL()+"/v1beta/models/m:generateContent"
	bearer, goog := http.Header{"Authorization": {"Bearer k"}}, http.Header{"X-Goog-Api-Key": {"k"}}
	for name, c := range map[string]struct {
		url    string
		header http.Header
		body   string
		want   int
	}{
		"openai":                {chat, bearer, `{"model":"m","messages":[{"role":"user","content":"oi"}]}`, 200},
		"openai, no key":        {chat, nil, `{"model":"m","messages":[{"role":"user","content":"oi"}]}`, 401},
		"openai, other key":     {chat, http.Header{"Authorization": {"Bearer x"}}, `{"model":"m","messages":[{"role":"user","content":"oi"}]}`, 401},
		"openai, path":          {openai.BaseURL() + "/completions", bearer, `{"model":"m","messages":[{"role":"user","content":"oi"}]}`, 400},
		"openai, unknown key":   {chat, bearer, `{"model":"m","messages":[{"role":"user","content":"oi"}],"foo":1}`, 400},
		"openai, no model":      {chat, bearer, `{"messages":[{"role":"user","content":"oi"}]}`, 400},
		"openai, no messages":   {chat, bearer, `{"model":"m"}`, 400},
		"openai, stream":        {chat, bearer, `{"model":"m","stream":true,"messages":[{"role":"user","content":"oi"}]}`, 400},
		"openai, no content":    {chat, bearer, `{"model":"m","messages":[{"role":"user"}]}`, 400},
		"openai, role":          {chat, bearer, `{"model":"m","messages":[{"role":"bot","content":"oi"}]}`, 400},
		"openai, lost result":   {chat, bearer, `{"model":"m","messages":[{"role":"tool","tool_call_id":"1","content":"x"}]}`, 400},
		"openai, lost call":     {chat, bearer, `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"oi"}]}`, 400},
		"openai, open call":     {chat, bearer, `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}]}`, 400},
		"openai, call":          {chat, bearer, `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"","type":"function","function":{"name":"f"}}]}]}`, 400},
		"openai, schema":        {chat, bearer, `{"model":"m","messages":[{"role":"user","content":"oi"}],"tools":[{"type":"function","function":{"name":"f"}}]}`, 400},
		"gemini":                {generate, goog, `{"contents":[{"role":"user","parts":[{"text":"oi"}]}]}`, 200},
		"gemini, key in URL":    {generate + "?key=k", nil, `{"contents":[{"role":"user","parts":[{"text":"oi"}]}]}`, 401},
		"gemini, path":          {gemini.BaseURL() + "/v1/models/m:generateContent", goog, `{"contents":[{"role":"user","parts":[{"text":"oi"}]}]}`, 400},
		"gemini, no contents":   {generate, goog, `{}`, 400},
		"gemini, role":          {generate, goog, `{"contents":[{"role":"assistant","parts":[{"text":"oi"}]}]}`, 400},
		"gemini, no parts":      {generate, goog, `{"contents":[{"role":"user","parts":[]}]}`, 400},
		"gemini, empty part":    {generate, goog, `{"contents":[{"role":"user","parts":[{}]}]}`, 400},
		"gemini, lost response": {generate, goog, `{"contents":[{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, 400},
		"gemini, open call":     {generate, goog, `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}`, 400},
		"gemini, user's call":   {generate, goog, `{"contents":[{"role":"user","parts":[{"functionCall":{"name":"f"}}]}]}`, 400},
		"gemini, one of two":    {generate, goog, `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, 400},
	} {
		status, body, err := post(t, t.Context(), c.url, c.header, c.body)
		if err != nil || status != c.want {
			t.Errorf("%s: status %d, %v (%s), want %d", name, status, err, body, c.want)
		}
	}
}

// TestMounted: a server can be part of another one, and keeps a bounded record.
func TestMounted(t *testing.T) {
	t.Parallel()
	fake := &llmtest.OpenAI{Server: llmtest.Server{Record: 2, Respond: func(r *llmtest.Request) llmtest.Reply {
		return llmtest.Reply{Text: "echo " + r.LastUser()}
	}}}
	srv := httptest.NewServer(fake)
	defer srv.Close()
	for _, text := range []string{"a", "b", "c"} {
		status, body, err := post(t, t.Context(), srv.URL+"/v1/chat/completions", nil, `{"model":"m","messages":[{"role":"user","content":"`+text+`"}]}`)
		if err != nil || status != 200 || !strings.Contains(body, `"content":"echo `+text+`"`) {
			t.Errorf("answer = %d %s, %v, want an echo of %s", status, body, err, text)
		}
	}
	got := fake.Requests()
	if fake.Count() != 3 || len(got) != 2 || got[0].LastUser() != "b" || got[1].Model != "m" {
		t.Errorf("kept %d requests of %d, want the last 2 of 3", len(got), fake.Count())
	}
	if err := fake.Close(); err != nil {
		t.Errorf("Close() of a mounted server = %v", err)
	}
}

// TestDelay: a delay ends when the client gives up, and Close ends those who wait.
func TestDelay(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	fake := &llmtest.Gemini{Server: llmtest.Server{Delay: time.Hour, Respond: func(*llmtest.Request) llmtest.Reply {
		arrived <- struct{}{}
		return llmtest.Reply{}
	}}}
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	wait := func(ctx context.Context) {
		_, _, err := post(t, ctx, fake.BaseURL()+"/v1beta/models/m:generateContent", nil, `{"contents":[{"role":"user","parts":[{"text":"oi"}]}]}`)
		ended <- err
	}
	ctx, cancel := context.WithCancel(t.Context())
	go wait(ctx)
	<-arrived
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("post() of a client that gave up = %v, want cancelled", err)
	}
	go wait(t.Context())
	<-arrived
	if err := fake.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the waiting request got an answer, want a dropped connection")
	}
}

func TestScripted(t *testing.T) {
	t.Parallel()
	boom := fault.New(fault.Transient, "boom")
	s := &llmtest.Scripted{ModelName: "m/x"}
	s.Say("a")
	s.Call("handoff", `{"reason":"x"}`)
	s.Fail(boom)
	req := &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "oi"}}, Tools: []llm.Tool{{Name: "f", Schema: []byte(`{}`)}}}
	if resp, err := s.Generate(t.Context(), req); err != nil || resp.Text != "a" || resp.Finish != llm.Stop || resp.Model != "m/x" {
		t.Errorf("first Generate() = %+v, %v", resp, err)
	}
	if resp, err := s.Generate(t.Context(), req); err != nil || resp.Finish != llm.ToolCalls || resp.ToolCalls[0].Name != "handoff" {
		t.Errorf("second Generate() = %+v, %v", resp, err)
	}
	if _, err := s.Generate(t.Context(), req); err != error(boom) {
		t.Errorf("third Generate() error = %v, want %v", err, boom)
	}
	if _, err := s.Generate(t.Context(), req); fault.KindOf(err) != fault.Permanent {
		t.Errorf("fourth Generate() error = %v, want permanent", err)
	}
	s.Answer = func(_ context.Context, r *llm.Request) (*llm.Response, error) {
		return &llm.Response{Text: r.Messages[0].Text}, nil
	}
	if resp, err := s.Generate(t.Context(), req); err != nil || resp.Text != "oi" {
		t.Errorf("fifth Generate() = %+v, %v", resp, err)
	}
	// What was recorded does not change with the request.
	req.Messages[0].Text = "changed"
	req.Tools[0].Schema[0] = '!'
	if got := s.Requests(); len(got) != 5 || got[0].Messages[0].Text != "oi" || !bytes.Equal(got[0].Tools[0].Schema, []byte(`{}`)) {
		t.Errorf("Requests() = %+v, want five unchanged ones", got)
	}
}

// TestSteps: a step checks the request before it answers, and every way to fail is one.
func TestSteps(t *testing.T) {
	t.Parallel()
	s := &llmtest.Scripted{}
	boom := fault.New(fault.Transient, "boom")
	s.Play(
		llmtest.Step{System: []string{"desk"}, User: []string{"quanto"}, Anywhere: []string{"antes", `ask{"x":1}`}, Absent: []string{"segredo"}, Tools: []string{"f"}, NoTools: []string{"g"}, Choice: "f", Text: "R$ 5"},
		llmtest.Tool("f", `{"a":1}`),
		llmtest.Step{Choice: "*"},
		llmtest.Step{Choice: "*", Err: boom},
		llmtest.Step{Choice: "*", Hang: true},
		llmtest.Step{Choice: "*", Delay: time.Hour},
		llmtest.Step{Name: "last", System: []string{"clinic"}, User: []string{"x"}, Absent: []string{"antes"}, Tools: []string{"h"}, NoTools: []string{"f"}, Text: "never"},
	)
	req := &llm.Request{System: "the desk", ToolChoice: "f", Tools: []llm.Tool{{Name: "f"}}, Messages: []llm.Message{
		{Role: llm.User, Text: "antes"}, {Role: llm.Assistant, ToolCalls: []llm.ToolCall{{Name: "ask", Arguments: []byte(`{"x":1}`)}}}, {Role: llm.User, Text: "quanto custa?"},
	}}
	if resp, err := s.Generate(t.Context(), req); err != nil || resp.Text != "R$ 5" || resp.Finish != llm.Stop {
		t.Errorf("first Generate() = %+v, %v (%v)", resp, err, s.Problems())
	}
	if resp, err := s.Generate(t.Context(), req); err != nil || resp.ToolCalls[0].Name != "f" {
		t.Errorf("second Generate() = %+v, %v", resp, err)
	}
	if _, err := s.Generate(t.Context(), req); llm.CauseOf(err) != llm.Empty {
		t.Errorf("third Generate() = %v, want empty", err)
	}
	if _, err := s.Generate(t.Context(), req); err != error(boom) {
		t.Errorf("fourth Generate() = %v, want %v", err, boom)
	}
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := s.Generate(ctx, req); llm.CauseOf(err) != llm.Timeout {
			t.Errorf("Generate() of a step that waits = %v, want a timeout", err)
		}
		cancel()
	}
	if len(s.Problems()) != 0 || s.Left() != 1 {
		t.Errorf("Problems() = %q, Left() = %d, want none and one", s.Problems(), s.Left())
	}
	_, err := s.Generate(t.Context(), req)
	got := s.Problems()
	if fault.KindOf(err) != fault.Permanent || len(got) != 1 || !strings.HasPrefix(got[0], "last: ") || strings.Count(got[0], ";") != 5 {
		t.Errorf("Generate() = %v, Problems() = %q, want six of the last step", err, got)
	}
}

func TestScriptedBlocks(t *testing.T) {
	t.Parallel()
	entered, release := make(chan *llm.Request), make(chan struct{})
	s := &llmtest.Scripted{Entered: entered, Release: release}
	s.Say("a", "b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan error, 2)
	call := func() {
		_, err := s.Generate(ctx, &llm.Request{})
		got <- err
	}
	go call()
	<-entered
	release <- struct{}{}
	if err := <-got; err != nil {
		t.Errorf("released Generate() error = %v", err)
	}
	go call()
	<-entered
	cancel()
	if err := <-got; fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Generate() error = %v, want transient", err)
	}
}
