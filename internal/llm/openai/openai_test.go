package openai_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/llmtest/conformance"
	"secretaria/internal/llm/openai"
	"secretaria/internal/secret"
)

const key = "sk-test-4f1d2c3b"

var update = flag.Bool("update", false, "write the golden files")

func start(t *testing.T, cfg openai.Config) (*openai.Client, *llmtest.OpenAI) {
	t.Helper()
	srv := &llmtest.OpenAI{Server: llmtest.Server{Key: key}}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	hc := httpclient.New(httpclient.Options{Timeout: time.Minute, Policy: httpclient.Local()})
	t.Cleanup(hc.Close)
	cfg.APIKey = secret.New(key)
	if cfg.BaseURL == "" {
		cfg.BaseURL = srv.BaseURL()
	}
	c, err := openai.New(cfg, hc)
	if err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func TestConformance(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Harness{Key: key, Start: func(t *testing.T) (llm.Model, *llmtest.Server) {
		c, srv := start(t, openai.Config{Model: "test-model"})
		return c, &srv.Server
	}})
}

// TestPublishedErrors: what providers really answer is taken for what it is.
func TestPublishedErrors(t *testing.T) {
	t.Parallel()
	conformance.Errors(t, conformance.Harness{Key: key, Start: func(t *testing.T) (llm.Model, *llmtest.Server) {
		c, srv := start(t, openai.Config{Model: "test-model"})
		return c, &srv.Server
	}}, "testdata/errors")
}

func ask(text string) *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: text}}}
}

func full() *llm.Request {
	zero := 0.0
	return &llm.Request{
		System: "Você é a recepção. <dados> & \"aspas\"",
		Messages: []llm.Message{
			{Role: llm.User, Text: "Quero um atendente"},
			{Role: llm.Assistant, ToolCalls: []llm.ToolCall{{ID: "call_1", Name: "handoff", Arguments: json.RawMessage(`{"reason":"asked"}`)}}},
			{Role: llm.ToolRole, ToolCallID: "call_1", ToolName: "handoff", Text: `{"ok":true}`},
			{Role: llm.Assistant, Text: "Pronto."},
			{Role: llm.User, Text: "obrigado"},
		},
		Tools:       []llm.Tool{{Name: "handoff", Description: "Gives the conversation to a person.", Schema: json.RawMessage(`{"type":"object","properties":{"reason":{"type":"string"}},"required":["reason"]}`)}},
		MaxTokens:   300,
		Temperature: &zero,
	}
}

// TestWire compares the exact JSON that is sent with files.
func TestWire(t *testing.T) {
	t.Parallel()
	warm := 0.7
	for name, c := range map[string]struct {
		model string
		req   *llm.Request
	}{
		"plain":        {"test-model", ask("oi")},
		"full":         {"test-model", full()},
		"reasoning":    {"gpt-5-mini", full()},
		"quiet_tools":  {"gpt-6-luna", full()},
		"temperature":  {"test-model", &llm.Request{Messages: ask("oi").Messages, Temperature: &warm}},
		"foreign_call": {"test-model", foreign()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := start(t, openai.Config{Model: c.model})
			if _, err := m.Generate(t.Context(), c.req); err != nil {
				t.Fatalf("Generate() error = %v", err)
			}
			got := srv.Requests()[0]
			golden(t, name, got.Body)
			if got.Method != "POST" || got.Path != "/v1/chat/completions" || got.Query != "" {
				t.Errorf("request = %s %s?%s, want POST /v1/chat/completions", got.Method, got.Path, got.Query)
			}
			for header, want := range map[string]string{"Authorization": "Bearer " + key, "Content-Type": "application/json", "Accept": "application/json", "OpenAI-Organization": ""} {
				if v := got.Header.Get(header); v != want {
					t.Errorf("header %s = %q, want %q", header, v, want)
				}
			}
		})
	}
}

func foreign() *llm.Request {
	req := ask("oi")
	req.Messages = append(req.Messages,
		llm.Message{Role: llm.Assistant, ToolCalls: []llm.ToolCall{{Name: "a"}, {Name: "b", Arguments: json.RawMessage(`"{broken"`), Opaque: []byte("x")}}},
		llm.Message{Role: llm.ToolRole, ToolName: "b"},
		llm.Message{Role: llm.ToolRole, ToolName: "a", Text: "done"})
	return req
}

// golden compares what was sent, byte for byte, with testdata/<name>.json.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, append(got, 10), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("%s (-want +sent):\n%s", path, diff)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	k := secret.New(key)
	for name, c := range map[string]struct {
		cfg  openai.Config
		want string // the key that the error names, "" for none
	}{
		"defaults":          {openai.Config{APIKey: k}, ""},
		"no key":            {openai.Config{}, "OPENAI_API_KEY"},
		"no key, same URL":  {openai.Config{BaseURL: "https://api.openai.com/v1/"}, "OPENAI_API_KEY"},
		"no key, own":       {openai.Config{BaseURL: "http://localhost:11434/v1"}, ""},
		"other version":     {openai.Config{APIKey: k, BaseURL: "https://x.test/v1beta/openai/"}, ""},
		"key with newline":  {openai.Config{APIKey: secret.New(key + "\n")}, "OPENAI_API_KEY"},
		"key with quotes é": {openai.Config{APIKey: secret.New("“" + key + "”")}, "OPENAI_API_KEY"},
		"model":             {openai.Config{APIKey: k, Model: " gpt"}, "OPENAI_MODEL"},
		"no version":        {openai.Config{APIKey: k, BaseURL: "https://x.test"}, "OPENAI_BASE_URL"},
		"whole path":        {openai.Config{APIKey: k, BaseURL: "https://x.test/v1/chat/completions"}, "OPENAI_BASE_URL"},
		"no scheme":         {openai.Config{APIKey: k, BaseURL: "x.test/v1"}, "OPENAI_BASE_URL"},
		"scheme":            {openai.Config{APIKey: k, BaseURL: "ftp://x.test/v1"}, "OPENAI_BASE_URL"},
		"user":              {openai.Config{APIKey: k, BaseURL: "https://a:" + key + "@x.test/v1"}, "OPENAI_BASE_URL"},
		"query":             {openai.Config{APIKey: k, BaseURL: "https://x.test/v1?key=" + key}, "OPENAI_BASE_URL"},
		"control":           {openai.Config{APIKey: k, BaseURL: "https://x.test/v1\x00" + key}, "OPENAI_BASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.cfg.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want+": ") {
				t.Errorf("Validate() = %v, want an error that names %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("Validate() = %v shows the key", err)
			}
			if _, err2 := openai.New(c.cfg, httpclient.New(httpclient.Options{})); (err2 == nil) != (err == nil) {
				t.Errorf("New() error = %v, Validate() = %v", err2, err)
			}
		})
	}
}

// TestEnvironment: nothing of the environment reaches the wire.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_ORGANIZATION", "OPENAI_PROJECT_ID", "OPENAI_MODEL"} {
		t.Setenv(name, "from-the-environment")
	}
	m, srv := start(t, openai.Config{Model: "test-model"})
	if _, err := m.Generate(t.Context(), ask("oi")); err != nil {
		t.Fatalf("Generate() error = %v", err)
	}
	r := srv.Requests()[0]
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, " "), "from-the-environment") {
			t.Errorf("header %s carries the environment", name)
		}
	}
	if strings.Contains(string(r.Body), "from-the-environment") {
		t.Error("the body carries the environment")
	}
}

// TestAnswers reads answers that only some servers give.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want llm.Response
		code string
	}{
		"stop with calls": {
			body: `{"model":"m","choices":[{"finish_reason":"stop","message":{"content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":""}}]}}]}`,
			want: llm.Response{Finish: llm.ToolCalls, Model: "m", ToolCalls: []llm.ToolCall{{ID: "1", Name: "f", Arguments: json.RawMessage(`{}`)}}},
		},
		"arguments that are no JSON": {
			body: `{"model":"m","choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}}]}`,
			want: llm.Response{Finish: llm.ToolCalls, Model: "m", ToolCalls: []llm.ToolCall{{ID: "1", Name: "f", Arguments: json.RawMessage(`"{\"a\":"`)}}},
		},
		"arguments null": {
			body: `{"model":"m","choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"null"}}]}}]}`,
			want: llm.Response{Finish: llm.ToolCalls, Model: "m", ToolCalls: []llm.ToolCall{{ID: "1", Name: "f", Arguments: json.RawMessage(`{}`)}}},
		},
		"thoughts in front": {
			body: `{"model":"m","choices":[{"finish_reason":"stop","message":{"content":"<think>\nhm, a customer\n</think>\n\nBom dia!"}}]}`,
			want: llm.Response{Text: "Bom dia!", Finish: llm.Stop, Model: "m"},
		},
		"thoughts only":    {body: `{"choices":[{"finish_reason":"stop","message":{"content":"<think>hm"}}]}`, code: "empty answer"},
		"parts":            {body: `{"model":"m","choices":[{"finish_reason":"stop","message":{"content":[{"type":"text","text":"Bom "},{"type":"text","text":"dia!"}]}}]}`, want: llm.Response{Text: "Bom dia!", Finish: llm.Stop, Model: "m"}},
		"no finish":        {body: `{"model":"m","choices":[{"finish_reason":null,"message":{"content":"Oi"}}],"usage":null}`, want: llm.Response{Text: "Oi", Finish: llm.Other, Model: "m"}},
		"refusal":          {body: `{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot"}}]}`, code: "blocked"},
		"error inside":     {body: `{"error":{"message":"slow down","code":429}}`, code: "rate limited"},
		"error inside, no": {body: `{"error":{"message":"odd","code":"odd"},"choices":[]}`, code: "provider failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := start(t, openai.Config{Model: "test-model"})
			srv.Script(llmtest.Reply{Body: c.body})
			got, err := m.Generate(t.Context(), ask("oi"))
			if c.code != "" {
				if got != nil || fault.Code(err) != c.code {
					t.Fatalf("Generate() = %+v, %v, want an error with the code %q", got, err, c.code)
				}
				return
			}
			if err != nil {
				t.Fatalf("Generate() error = %v", err)
			}
			got.Duration = 0
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("Generate() (-want +got):\n%s", diff)
			}
		})
	}
}

// TestErrorCodes: an operator reads what to do, and the provider's words stay outside.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
		text   string
	}{
		"quota":     {429, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`, fault.RateLimited, "quota exhausted (status 429): insufficient_quota insufficient_quota"},
		"parameter": {400, `{"error":{"message":"Unsupported value: words of a customer","type":"invalid_request_error","param":"messages[1].content","code":"unsupported_value"}}`, fault.Invalid, "request refused (status 400): invalid_request_error unsupported_value messages[1].content"},
		"too long":  {400, `{"error":{"message":"maximum context","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, fault.Invalid, "context too long (status 400): invalid_request_error context_length_exceeded messages"},
		"filtered":  {400, `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter"}}`, fault.Permanent, "blocked (status 400): content_filter prompt"},
		"not found": {404, `{"error":{"message":"no such model","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, fault.Invalid, "model or path not found (status 404): invalid_request_error model_not_found"},
		"payment":   {402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}`, fault.RateLimited, "quota exhausted (status 402): unknown_error invalid_request_error"},
		"key":       {401, `{"error":{"message":"Incorrect API key provided: ` + key + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, fault.Unauthorized, "key refused (status 401): invalid_request_error invalid_api_key"},
		"redirect":  {301, `moved`, fault.Permanent, "redirected (status 301)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := start(t, openai.Config{Model: "test-model"})
			srv.Script(llmtest.Reply{Status: c.status, Body: c.body})
			_, err := m.Generate(t.Context(), ask("oi"))
			if fault.KindOf(err) != c.kind || err.Error() != c.text {
				t.Errorf("Generate() error = %v (%v), want %s (%v)", err, fault.KindOf(err), c.text, c.kind)
			}
		})
	}
}

// TestModelWithoutTools: the library refuses what the model would refuse, and nothing is sent.
func TestModelWithoutTools(t *testing.T) {
	t.Parallel()
	m, srv := start(t, openai.Config{Model: "gpt-6-astra"})
	if _, err := m.Generate(t.Context(), full()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Generate() error = %v, want invalid", err)
	}
	if n := srv.Count(); n != 0 {
		t.Errorf("the server saw %d requests, want 0", n)
	}
}
