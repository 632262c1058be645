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

// Gemini is a server that speaks the Gemini API: POST
// /v1beta/models/{model}:generateContent with the key in the header x-goog-api-key. The
// zero value is ready for Start, or to be mounted as an http.Handler.
type Gemini struct{ Server }

// Start listens on a free loopback port; Close ends it.
func (g *Gemini) Start() error { return g.start(geminiDialect{}) }

// BaseURL is what GOOGLE_GEMINI_BASE_URL is to be set to.
func (g *Gemini) BaseURL() string { return g.URL() }

// ServeHTTP serves one request.
func (g *Gemini) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.serve(w, r, geminiDialect{}) }

type geminiDialect struct{}

func (geminiDialect) authorized(r *http.Request, key string) bool {
	return r.Header.Get("X-Goog-Api-Key") == key
}

type geminiCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args,omitempty"`
}

type geminiPart struct {
	Text             string      `json:"text,omitempty"`
	Thought          bool        `json:"thought,omitempty"`
	ThoughtSignature []byte      `json:"thoughtSignature,omitempty"`
	FunctionCall     *geminiCall `json:"functionCall,omitempty"`
	FunctionResponse *struct {
		ID       string          `json:"id"`
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
	} `json:"functionResponse,omitempty"`
}

type geminiContent struct {
	Role  string       `json:"role"`
	Parts []geminiPart `json:"parts"`
}

type geminiRequest struct {
	Contents          []geminiContent `json:"contents"`
	SystemInstruction *geminiContent  `json:"systemInstruction"`
	GenerationConfig  struct {
		MaxOutputTokens int      `json:"maxOutputTokens"`
		Temperature     *float64 `json:"temperature"`
	} `json:"generationConfig"`
	Tools []struct {
		FunctionDeclarations []struct {
			Name                 string          `json:"name"`
			Description          string          `json:"description"`
			ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema"`
		} `json:"functionDeclarations"`
	} `json:"tools"`
	ToolConfig *struct {
		FunctionCallingConfig *struct {
			Mode                 string   `json:"mode"`
			AllowedFunctionNames []string `json:"allowedFunctionNames"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
}

func (geminiDialect) decode(r *http.Request, body []byte) (string, *llm.Request, error) {
	model, ok := strings.CutPrefix(r.URL.Path, "/v1beta/models/")
	model, ok2 := strings.CutSuffix(model, ":generateContent")
	if r.Method != http.MethodPost || !ok || !ok2 || model == "" {
		return "", nil, fmt.Errorf("unknown route %s", r.Method)
	}
	var in geminiRequest
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return model, nil, fmt.Errorf("body: %w", err)
	}
	if len(in.Contents) == 0 {
		return model, nil, errors.New("contents are required")
	}
	out := &llm.Request{MaxTokens: in.GenerationConfig.MaxOutputTokens, Temperature: in.GenerationConfig.Temperature}
	if in.SystemInstruction != nil {
		for _, p := range in.SystemInstruction.Parts {
			out.System += p.Text
		}
	}
	calls := 0 // of the content before
	for i, c := range in.Contents {
		if len(c.Parts) == 0 || c.Role != "user" && c.Role != "model" {
			return model, nil, fmt.Errorf("contents[%d] has no parts or an unknown role", i)
		}
		messages, made, answered, err := geminiMessages(c)
		if err != nil {
			return model, nil, fmt.Errorf("contents[%d]: %w", i, err)
		}
		if answered != calls {
			return model, nil, fmt.Errorf("contents[%d]: the number of function response parts must equal the number of function call parts", i)
		}
		calls = made
		out.Messages = append(out.Messages, messages...)
	}
	if calls > 0 {
		return model, nil, errors.New("a function call is without its response")
	}
	for _, t := range in.Tools {
		for i, f := range t.FunctionDeclarations {
			if f.Name == "" || !object(f.ParametersJSONSchema) {
				return model, nil, fmt.Errorf("functionDeclarations[%d] has no name or schema", i)
			}
			out.Tools = append(out.Tools, llm.Tool{Name: f.Name, Description: f.Description, Schema: f.ParametersJSONSchema})
		}
	}
	return model, out, geminiChoice(&in, out)
}

// geminiChoice reads the mode: names are allowed with ANY alone.
func geminiChoice(in *geminiRequest, req *llm.Request) error {
	if in.ToolConfig == nil || in.ToolConfig.FunctionCallingConfig == nil {
		return nil
	}
	c := in.ToolConfig.FunctionCallingConfig
	if c.Mode != "ANY" && len(c.AllowedFunctionNames) > 0 {
		return errors.New("allowed_function_names should only be set when the mode is ANY")
	}
	switch c.Mode {
	case "", "AUTO":
	case "NONE":
		req.ToolChoice = llm.ChooseNone
	case "ANY":
		if len(c.AllowedFunctionNames) != 1 {
			return errors.New("this server wants one allowed function name")
		}
		req.ToolChoice = c.AllowedFunctionNames[0]
		if _, ok := req.Forced(); !ok {
			return errors.New("allowed_function_names names no tool")
		}
	default:
		return errors.New("unknown mode of function calling")
	}
	return nil
}

// geminiMessages reads one content and counts its calls and results.
func geminiMessages(c geminiContent) (messages []llm.Message, calls, results int, err error) {
	said := llm.Message{Role: llm.User}
	if c.Role == "model" {
		said.Role = llm.Assistant
	}
	for _, p := range c.Parts {
		switch {
		case p.FunctionCall != nil:
			if c.Role != "model" || p.FunctionCall.Name == "" {
				return nil, 0, 0, errors.New("a function call has a name and comes from the model")
			}
			calls++
			said.ToolCalls = append(said.ToolCalls, llm.ToolCall{ID: p.FunctionCall.ID, Name: p.FunctionCall.Name, Arguments: p.FunctionCall.Args, Opaque: p.ThoughtSignature})
		case p.FunctionResponse != nil:
			if c.Role != "user" || p.FunctionResponse.Name == "" || !object(p.FunctionResponse.Response) {
				return nil, 0, 0, errors.New("a function response has a name and an object and comes from the user")
			}
			results++
			messages = append(messages, llm.Message{Role: llm.ToolRole, Text: string(p.FunctionResponse.Response), ToolCallID: p.FunctionResponse.ID, ToolName: p.FunctionResponse.Name})
		default:
			if p.Text == "" {
				return nil, 0, 0, errors.New("a part is empty")
			}
			said.Text += p.Text
		}
	}
	if said.Text != "" || calls > 0 {
		messages = append(messages, said)
	}
	return messages, calls, results, nil
}

func (geminiDialect) answer(_ string, reply Reply) []byte {
	u := reply.Usage
	usage := map[string]any{"promptTokenCount": u.InputTokens, "candidatesTokenCount": u.OutputTokens, "totalTokenCount": u.InputTokens + u.OutputTokens}
	if u.CachedTokens > 0 {
		usage["cachedContentTokenCount"] = u.CachedTokens
	}
	out := map[string]any{"usageMetadata": usage, "modelVersion": reply.Model, "responseId": "response-1"}
	if reply.Fault == Blocked {
		out["promptFeedback"] = map[string]any{"blockReason": "PROHIBITED_CONTENT"}
		return encode(out)
	}
	if reply.Fault == Empty {
		return encode(out)
	}
	var parts []geminiPart
	if reply.Thought != "" {
		parts = append(parts, geminiPart{Text: reply.Thought, Thought: true})
	}
	if reply.Text != "" {
		parts = append(parts, geminiPart{Text: reply.Text})
	}
	for _, c := range reply.ToolCalls {
		parts = append(parts, geminiPart{FunctionCall: &geminiCall{ID: c.ID, Name: c.Name, Args: c.Arguments}, ThoughtSignature: c.Opaque})
	}
	// The provider says STOP where the answer is a call, too.
	finish := map[llm.Finish]string{llm.Stop: "STOP", llm.ToolCalls: "STOP", llm.Length: "MAX_TOKENS", llm.Blocked: "SAFETY", llm.Other: "OTHER"}[reply.Finish]
	content := map[string]any{"role": "model"}
	if len(parts) > 0 {
		content["parts"] = parts
	}
	out["candidates"] = []any{map[string]any{"content": content, "finishReason": finish, "index": 0}}
	return encode(out)
}

func (geminiDialect) failure(status int, reply Reply) []byte {
	names := map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
	e := map[string]any{"code": status, "message": reply.Message, "status": names[status]}
	if reply.ErrorCode != "" {
		e["details"] = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reply.ErrorCode, "domain": "googleapis.com"}}
	}
	return encode(map[string]any{"error": e})
}
