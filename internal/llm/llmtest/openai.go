package llmtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"secretaria/internal/llm"
)

// OpenAI is a server that speaks the chat completions API: POST /v1/chat/completions with a
// bearer token. The zero value is ready for Start, or to be mounted as an http.Handler.
type OpenAI struct{ Server }

// Start listens on a free loopback port; Close ends it.
func (o *OpenAI) Start() error { return o.start(openaiDialect{}) }

// BaseURL is what OPENAI_BASE_URL is to be set to.
func (o *OpenAI) BaseURL() string { return o.URL() + "/v1" }

// ServeHTTP serves one request.
func (o *OpenAI) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.serve(w, r, openaiDialect{}) }

type openaiDialect struct{}

func (openaiDialect) authorized(r *http.Request, key string) bool {
	return r.Header.Get("Authorization") == "Bearer "+key
}

type openaiCall struct {
	ID       string `json:"id,omitempty"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

type openaiMessage struct {
	Role       string       `json:"role"`
	Content    *string      `json:"content"`
	ToolCalls  []openaiCall `json:"tool_calls,omitempty"`
	ToolCallID string       `json:"tool_call_id,omitempty"`
}

type openaiRequest struct {
	Model               string          `json:"model"`
	Messages            []openaiMessage `json:"messages"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	Stream              bool            `json:"stream"`
	ReasoningEffort     string          `json:"reasoning_effort"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	Tools               []struct {
		Type     string `json:"type"`
		Function struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
}

func (openaiDialect) decode(r *http.Request, body []byte) (string, *llm.Request, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		return "", nil, fmt.Errorf("unknown route %s", r.Method)
	}
	var in openaiRequest
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return "", nil, fmt.Errorf("body: %w", err)
	}
	if in.Model == "" || len(in.Messages) == 0 {
		return in.Model, nil, errors.New("model and messages are required")
	}
	if in.Stream {
		return in.Model, nil, errors.New("this server does not stream")
	}
	out := &llm.Request{MaxTokens: max(in.MaxTokens, in.MaxCompletionTokens), Temperature: in.Temperature}
	open := map[string]string{} // calls without a result: id to name
	for i, m := range in.Messages {
		text := ""
		if m.Content != nil {
			text = *m.Content
		}
		if m.Role != "tool" && len(open) > 0 {
			return in.Model, nil, fmt.Errorf("messages[%d]: a call is without its result", i)
		}
		switch m.Role {
		case "system", "developer":
			out.System = text
		case "user":
			if m.Content == nil {
				return in.Model, nil, fmt.Errorf("messages[%d].content is required", i)
			}
			out.Messages = append(out.Messages, llm.Message{Role: llm.User, Text: text})
		case "assistant":
			if m.Content == nil && len(m.ToolCalls) == 0 {
				return in.Model, nil, fmt.Errorf("messages[%d].content is required", i)
			}
			msg := llm.Message{Role: llm.Assistant, Text: text}
			for _, c := range m.ToolCalls {
				if c.ID == "" || c.Type != "function" || c.Function.Name == "" || open[c.ID] != "" {
					return in.Model, nil, fmt.Errorf("messages[%d].tool_calls: each has its own id, a type and a name", i)
				}
				open[c.ID] = c.Function.Name
				msg.ToolCalls = append(msg.ToolCalls, llm.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: rawArguments(c.Function.Arguments)})
			}
			out.Messages = append(out.Messages, msg)
		case "tool":
			name, ok := open[m.ToolCallID]
			if !ok || m.Content == nil {
				return in.Model, nil, fmt.Errorf("messages[%d]: a result follows its call and has content", i)
			}
			delete(open, m.ToolCallID)
			out.Messages = append(out.Messages, llm.Message{Role: llm.ToolRole, Text: text, ToolCallID: m.ToolCallID, ToolName: name})
		default:
			return in.Model, nil, fmt.Errorf("messages[%d].role is unknown", i)
		}
	}
	if len(open) > 0 {
		return in.Model, nil, errors.New("a call is without its result")
	}
	for i, t := range in.Tools {
		if t.Type != "function" || t.Function.Name == "" || !object(t.Function.Parameters) {
			return in.Model, nil, fmt.Errorf("tools[%d] is not a function with a schema", i)
		}
		out.Tools = append(out.Tools, llm.Tool{Name: t.Function.Name, Description: t.Function.Description, Schema: t.Function.Parameters})
	}
	var err error
	out.ToolChoice, err = openaiChoice(in.ToolChoice, out)
	return in.Model, out, err
}

// openaiChoice reads "auto", "none" or {"type":"function","function":{"name":…}}.
func openaiChoice(raw json.RawMessage, req *llm.Request) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return llm.ChooseAuto, nil
	}
	if len(req.Tools) == 0 {
		return "", errors.New("tool_choice is only allowed when tools are specified")
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		switch word {
		case "auto":
			return llm.ChooseAuto, nil
		case "none":
			return llm.ChooseNone, nil
		}
		return "", errors.New("tool_choice is an unknown word")
	}
	var named struct {
		Type     string `json:"type"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if json.Unmarshal(raw, &named) != nil || named.Type != "function" {
		return "", errors.New("tool_choice is neither a word nor a function")
	}
	req.ToolChoice = named.Function.Name
	if _, ok := req.Forced(); !ok {
		return "", errors.New("tool_choice names no tool")
	}
	return named.Function.Name, nil
}

// rawArguments keeps arguments that are no JSON as a JSON string.
func rawArguments(s string) json.RawMessage {
	if json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	b, _ := json.Marshal(s)
	return b
}

func object(raw json.RawMessage) bool {
	var m map[string]any
	return json.Unmarshal(raw, &m) == nil && m != nil
}

func (openaiDialect) answer(_ string, reply Reply) []byte {
	finish := map[llm.Finish]string{llm.Stop: "stop", llm.Length: "length", llm.ToolCalls: "tool_calls", llm.Blocked: "content_filter", llm.Other: "insufficient_system_resource"}[reply.Finish]
	message := map[string]any{"role": "assistant", "content": nil, "refusal": nil}
	if reply.Text != "" {
		message["content"] = reply.Text
	}
	if reply.Thought != "" {
		message["reasoning_content"] = reply.Thought
	}
	if reply.Fault == Blocked {
		finish, message["content"] = "content_filter", nil
	}
	if len(reply.ToolCalls) > 0 {
		calls := make([]openaiCall, len(reply.ToolCalls))
		for i, c := range reply.ToolCalls {
			calls[i].ID, calls[i].Type = c.ID, "function"
			calls[i].Function.Name, calls[i].Function.Arguments = c.Name, string(c.Arguments)
			if c.ID == "" {
				calls[i].ID = fmt.Sprintf("call_%d", i+1)
			}
		}
		message["tool_calls"] = calls
	}
	choices := []any{map[string]any{"index": 0, "message": message, "logprobs": nil, "finish_reason": finish}}
	if reply.Fault == Empty {
		choices = []any{}
	}
	u := reply.Usage
	return encode(map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000, "model": reply.Model,
		"choices": choices, "system_fingerprint": nil, "service_tier": "default",
		"usage": map[string]any{
			"prompt_tokens": u.InputTokens, "completion_tokens": u.OutputTokens, "total_tokens": u.InputTokens + u.OutputTokens,
			"prompt_tokens_details":     map[string]any{"cached_tokens": u.CachedTokens, "audio_tokens": 0},
			"completion_tokens_details": map[string]any{"reasoning_tokens": 0},
		},
	})
}

func (openaiDialect) failure(status int, reply Reply) []byte {
	kind, code := "invalid_request_error", any(nil)
	switch {
	case status == http.StatusUnauthorized:
		code = "invalid_api_key"
	case status == http.StatusNotFound:
		code = "model_not_found"
	case status == http.StatusTooManyRequests:
		kind, code = "requests", "rate_limit_exceeded"
	case status >= 500:
		kind = "server_error"
	}
	if reply.ErrorCode != "" {
		code = reply.ErrorCode
	}
	return encode(map[string]any{"error": map[string]any{"message": reply.Message, "type": kind, "param": nil, "code": code}})
}

// encode is for values that are made of maps and strings only.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
