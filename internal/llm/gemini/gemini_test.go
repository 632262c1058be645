package gemini_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/llmtest/conformance"
	"secretaria/internal/secret"
)

const key = "AIzaTest-4f1d2c3b"

var update = flag.Bool("update", false, "write the golden files")

func start(t *testing.T, cfg gemini.Config) (*gemini.Client, *llmtest.Gemini) {
	t.Helper()
	srv := &llmtest.Gemini{Server: llmtest.Server{Key: key}}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	hc := httpclient.New(httpclient.Options{Timeout: time.Minute, Policy: httpclient.Local()})
	t.Cleanup(hc.Close)
	cfg.APIKey, cfg.BaseURL = secret.New(key), srv.BaseURL()
	c, err := gemini.New(cfg, hc)
	if err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func TestConformance(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Harness{Key: key, Opaque: true, Start: func(t *testing.T) (llm.Model, *llmtest.Server) {
		c, srv := start(t, gemini.Config{})
		return c, &srv.Server
	}})
}

// TestPublishedErrors: what providers really answer is taken for what it is.
func TestPublishedErrors(t *testing.T) {
	t.Parallel()
	conformance.Errors(t, conformance.Harness{Key: key, Opaque: true, Start: func(t *testing.T) (llm.Model, *llmtest.Server) {
		c, srv := start(t, gemini.Config{})
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
			{Role: llm.Assistant, Text: "Um momento.", ToolCalls: []llm.ToolCall{
				{Name: "handoff", Arguments: json.RawMessage(`{"reason":"asked"}`), Opaque: []byte("signature")},
				{ID: "id-2", Name: "note", Arguments: json.RawMessage(`{}`)},
			}},
			{Role: llm.ToolRole, ToolName: "handoff", Text: `{"ok":true}`},
			{Role: llm.ToolRole, ToolCallID: "id-2", ToolName: "note", Text: "noted"},
			{Role: llm.Assistant, Text: "Pronto."},
			{Role: llm.User, Text: "obrigado"},
		},
		Tools: []llm.Tool{
			{Name: "handoff", Description: "Gives the conversation to a person.", Schema: json.RawMessage(`{"type":"object","properties":{"reason":{"type":"string"}},"required":["reason"],"additionalProperties":false}`)},
			{Name: "note"},
		},
		MaxTokens:   300,
		Temperature: &zero,
	}
}

// TestWire compares the exact JSON that is sent with files.
func TestWire(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]*llm.Request{"plain": ask("oi"), "full": full()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := start(t, gemini.Config{Model: "models/gemini-test"})
			if _, err := m.Generate(t.Context(), req); err != nil {
				t.Fatalf("Generate() error = %v", err)
			}
			got := srv.Requests()[0]
			golden(t, name, got.Body)
			if got.Method != "POST" || got.Path != "/v1beta/models/gemini-test:generateContent" || got.Query != "" {
				t.Errorf("request = %s %s?%s, want POST /v1beta/models/gemini-test:generateContent", got.Method, got.Path, got.Query)
			}
			for header, want := range map[string]string{"X-Goog-Api-Key": key, "Content-Type": "application/json", "Authorization": "", "X-Goog-User-Project": ""} {
				if v := got.Header.Get(header); v != want {
					t.Errorf("header %s = %q, want %q", header, v, want)
				}
			}
		})
	}
}

// golden compares what was sent, byte for byte, with testdata/<name>.json.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), strings.TrimSpace(string(got))); diff != "" {
		t.Errorf("%s (-want +sent):\n%s", path, diff)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	k := secret.New(key)
	for name, c := range map[string]struct {
		cfg  gemini.Config
		want string // the key that the error names, "" for none
	}{
		"defaults":         {gemini.Config{APIKey: k}, ""},
		"no key":           {gemini.Config{}, "GEMINI_API_KEY"},
		"key with newline": {gemini.Config{APIKey: secret.New(key + "\n")}, "GEMINI_API_KEY"},
		"tuned":            {gemini.Config{APIKey: k, Model: "tunedModels/desk-1"}, ""},
		"model, path":      {gemini.Config{APIKey: k, Model: "../../x"}, "GEMINI_MODEL"},
		"model, dots":      {gemini.Config{APIKey: k, Model: "gemini..x"}, "GEMINI_MODEL"},
		"model, query":     {gemini.Config{APIKey: k, Model: "gemini?key=" + key}, "GEMINI_MODEL"},
		"model, blank":     {gemini.Config{APIKey: k, Model: "gemini 2.5"}, "GEMINI_MODEL"},
		"proxy path":       {gemini.Config{APIKey: k, BaseURL: "https://proxy.test/google/"}, ""},
		"version":          {gemini.Config{APIKey: k, BaseURL: "https://x.test/v1beta"}, "GOOGLE_GEMINI_BASE_URL"},
		"version, slash":   {gemini.Config{APIKey: k, BaseURL: "https://x.test/v1/"}, "GOOGLE_GEMINI_BASE_URL"},
		"no scheme":        {gemini.Config{APIKey: k, BaseURL: "x.test"}, "GOOGLE_GEMINI_BASE_URL"},
		"user":             {gemini.Config{APIKey: k, BaseURL: "https://a:" + key + "@x.test"}, "GOOGLE_GEMINI_BASE_URL"},
		"query":            {gemini.Config{APIKey: k, BaseURL: "https://x.test?key=" + key}, "GOOGLE_GEMINI_BASE_URL"},
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
			if _, err2 := gemini.New(c.cfg, httpclient.New(httpclient.Options{})); (err2 == nil) != (err == nil) {
				t.Errorf("New() error = %v, Validate() = %v", err2, err)
			}
		})
	}
}

// TestEnvironment: the library's variables change nothing, and nothing is printed.
func TestEnvironment(t *testing.T) {
	var printed bytes.Buffer
	log.SetOutput(&printed)
	defer log.SetOutput(os.Stderr)
	for name, value := range map[string]string{
		"GOOGLE_API_KEY": "environment", "GEMINI_API_KEY": "environment",
		"GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_GENAI_USE_ENTERPRISE": "false",
		"GOOGLE_CLOUD_PROJECT": "environment", "GOOGLE_CLOUD_LOCATION": "environment", "GOOGLE_CLOUD_REGION": "environment",
		"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1/environment", "GOOGLE_VERTEX_BASE_URL": "http://127.0.0.1:1/environment",
		"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent/environment",
	} {
		t.Setenv(name, value)
	}
	m, srv := start(t, gemini.Config{})
	if n := srv.Count(); n != 0 {
		t.Errorf("New() made %d requests, want 0", n)
	}
	if _, err := m.Generate(t.Context(), full()); err != nil {
		t.Fatalf("Generate() error = %v", err)
	}
	r := srv.Requests()[0]
	if r.Path != "/v1beta/models/gemini-2.5-flash:generateContent" || strings.Contains(string(r.Body), "environment") {
		t.Errorf("the environment reached the request: %s %s", r.Path, r.Body)
	}
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, " "), "environment") {
			t.Errorf("header %s carries the environment", name)
		}
	}
	if printed.Len() > 0 {
		t.Errorf("the library printed %q", printed.String())
	}
}

// TestAnswers reads what is particular to this provider.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want llm.Response
		code string
	}{
		"usage with thoughts": {
			body: `{"candidates":[{"content":{"role":"model","parts":[{"text":"a"},{"text":"hm","thought":true},{"text":"b","thoughtSignature":"AQI="}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":30,"toolUsePromptTokenCount":5,"totalTokenCount":47},"modelVersion":"gemini-x-001"}`,
			want: llm.Response{Text: "ab", Finish: llm.Stop, Model: "gemini-x-001", Usage: llm.Usage{InputTokens: 15, CachedTokens: 4, OutputTokens: 32}},
		},
		"call without arguments": {
			body: `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"},"thoughtSignature":"AQI="}]},"finishReason":"STOP"}]}`,
			want: llm.Response{Finish: llm.ToolCalls, Model: "gemini-2.5-flash", ToolCalls: []llm.ToolCall{{Name: "f", Arguments: json.RawMessage(`{}`), Opaque: []byte{1, 2}}}},
		},
		"long numbers":   {body: `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"n":5511999990000}}}]},"finishReason":"STOP"}]}`, want: llm.Response{Finish: llm.ToolCalls, Model: "gemini-2.5-flash", ToolCalls: []llm.ToolCall{{Name: "f", Arguments: json.RawMessage(`{"n":5511999990000}`)}}}},
		"continuation":   {body: `{"candidates":[{"content":{"parts":[{"text":"half"}]},"finishReason":"CONTINUATION","continuationToken":"AQI="}]}`, want: llm.Response{Text: "half", Finish: llm.Other, Model: "gemini-2.5-flash"}},
		"unknown finish": {body: `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"NEW_REASON"}]}`, want: llm.Response{Text: "x", Finish: llm.Other, Model: "gemini-2.5-flash"}},
		"malformed call": {body: `{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL"}]}`, code: "malformed tool call"},
		"recitation":     {body: `{"candidates":[{"finishReason":"RECITATION"}]}`, code: "blocked"},
		"only thoughts":  {body: `{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]},"finishReason":"STOP"}]}`, code: "empty answer"},
		"block unsaid":   {body: `{"promptFeedback":{"blockReason":"BLOCKED_REASON_UNSPECIFIED"}}`, code: "empty answer"},
		"citations":      {body: `{"candidates":[{"citationMetadata":"x","finishReason":"STOP"}]}`, code: "answer has an unknown form"},
		"bad signature":  {body: `{"candidates":[{"content":{"parts":[{"text":"x","thoughtSignature":"%%%"}]}}]}`, code: "answer has an unknown form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := start(t, gemini.Config{})
			srv.Script(llmtest.Reply{Body: c.body})
			got, err := m.Generate(t.Context(), ask("oi"))
			if srv.Count() != 1 {
				t.Errorf("the server saw %d requests, want 1", srv.Count())
			}
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
		after  time.Duration
	}{
		"wrong key": {400, `{"error":{"code":400,"message":"API key not valid: ` + key + `","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}`,
			fault.Unauthorized, "key refused (status 400): INVALID_ARGUMENT API_KEY_INVALID", 0},
		"quota": {429, `{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"x"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}`,
			fault.RateLimited, "rate limited (status 429): RESOURCE_EXHAUSTED", 34500 * time.Millisecond},
		"endless quota": {429, `{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"99999h"}]}}`,
			fault.RateLimited, "rate limited (status 429): RESOURCE_EXHAUSTED", time.Hour},
		"odd quota": {429, `{"error":{"status":"prose with customer words","details":[{"retryDelay":7,"reason":7}]}}`,
			fault.RateLimited, "rate limited (status 429)", 0},
		"location":   {400, `{"error":{"code":400,"message":"User location is not supported","status":"FAILED_PRECONDITION"}}`, fault.Unauthorized, "key refused (status 400): FAILED_PRECONDITION", 0},
		"not found":  {404, `{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}`, fault.Invalid, "model or path not found (status 404): NOT_FOUND", 0},
		"overloaded": {503, `{"error":{"code":503,"message":"The model is overloaded","status":"UNAVAILABLE"}}`, fault.Transient, "provider failed (status 503): UNAVAILABLE", 0},
		"redirect":   {302, `moved`, fault.Permanent, "redirected (status 302)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, srv := start(t, gemini.Config{})
			srv.Script(llmtest.Reply{Status: c.status, Body: c.body})
			_, err := m.Generate(t.Context(), ask("oi"))
			if fault.KindOf(err) != c.kind || err.Error() != c.text || fault.RetryAfter(err) != c.after {
				t.Errorf("Generate() error = %v (%v, retry after %v), want %s (%v, %v)", err, fault.KindOf(err), fault.RetryAfter(err), c.text, c.kind, c.after)
			}
		})
	}
}
