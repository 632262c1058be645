package gemini

import (
	"encoding/json"
	"math"
	"strings"

	"google.golang.org/genai"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// request puts a request into the library's words. Messages that say nothing are left out:
// the API refuses empty parts.
func request(req *llm.Request) ([]*genai.Content, *genai.GenerateContentConfig, error) {
	// The library would go on by itself, with further requests, where an answer says that it
	// can be continued.
	conf := &genai.GenerateContentConfig{AutomaticContinuation: genai.Ptr(false)}
	if req.System != "" {
		conf.SystemInstruction = &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{Text: req.System}}}
	}
	if req.MaxTokens > 0 {
		conf.MaxOutputTokens = int32(min(req.MaxTokens, math.MaxInt32))
	}
	if req.Temperature != nil {
		conf.Temperature = genai.Ptr(float32(*req.Temperature))
	}
	if len(req.Tools) > 0 {
		tool := &genai.Tool{}
		for _, t := range req.Tools {
			schema := t.Schema
			if len(schema) == 0 {
				schema = json.RawMessage(`{"type":"object","properties":{}}`)
			}
			if !json.Valid(schema) {
				return nil, nil, invalid("tool schema is not JSON")
			}
			tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{Name: t.Name, Description: t.Description, ParametersJsonSchema: schema})
		}
		conf.Tools = []*genai.Tool{tool}
	}
	if err := choice(conf, req); err != nil {
		return nil, nil, err
	}
	said, err := contents(req.Messages)
	if err != nil {
		return nil, nil, err
	}
	if len(said) == 0 {
		return nil, nil, invalid("request without messages")
	}
	return said, conf, nil
}

// choice says which tool must be called, or that none may be.
func choice(conf *genai.GenerateContentConfig, req *llm.Request) error {
	if err := req.CheckChoice(); err != nil {
		return err
	}
	calling := &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeNone}
	if tool, forced := req.Forced(); forced {
		calling.Mode, calling.AllowedFunctionNames = genai.FunctionCallingConfigModeAny, []string{tool.Name}
	} else if req.ToolChoice != llm.ChooseNone || len(req.Tools) == 0 {
		return nil
	}
	conf.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: calling}
	return nil
}

// contents translates the dialogue. The results of one answer's calls go into one content:
// the API counts them against the calls before.
func contents(in []llm.Message) ([]*genai.Content, error) {
	var out []*genai.Content
	results := false // the last content holds tool results
	for _, m := range in {
		switch m.Role {
		case llm.User, llm.Assistant:
			c := &genai.Content{Role: genai.RoleUser}
			if m.Role == llm.Assistant {
				c.Role = genai.RoleModel
			}
			if m.Text != "" {
				c.Parts = append(c.Parts, &genai.Part{Text: m.Text})
			}
			for _, call := range m.ToolCalls {
				c.Parts = append(c.Parts, &genai.Part{
					FunctionCall:     &genai.FunctionCall{ID: call.ID, Name: call.Name, Args: object("arguments", call.Arguments)},
					ThoughtSignature: call.Opaque,
				})
			}
			if len(c.Parts) > 0 {
				out, results = append(out, c), false
			}
		case llm.ToolRole:
			result := object("output", []byte(m.Text))
			if len(result) == 0 {
				result["output"] = "" // required, and the library leaves out an empty object
			}
			part := &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: m.ToolCallID, Name: m.ToolName, Response: result}}
			if results {
				last := out[len(out)-1]
				last.Parts = append(last.Parts, part)
			} else {
				out, results = append(out, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{part}}), true
			}
		default:
			return nil, invalid("message of an unknown role")
		}
	}
	return out, nil
}

// object makes an object, which the API demands, of anything: an object stays, null and
// nothing are the empty one, other JSON and plain text go under the key.
func object(key string, raw []byte) map[string]any {
	if len(raw) == 0 {
		return map[string]any{}
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return map[string]any{key: string(raw)}
	}
	switch v := v.(type) {
	case nil:
		return map[string]any{}
	case map[string]any:
		return v
	default:
		return map[string]any{key: v}
	}
}

// response reads an answer. The error is fault.Permanent where there is nothing to say.
func response(in *genai.GenerateContentResponse) (*llm.Response, error) {
	if len(in.Candidates) == 0 || in.Candidates[0] == nil {
		if f := in.PromptFeedback; f != nil && f.BlockReason != "" && f.BlockReason != genai.BlockedReasonUnspecified {
			return nil, fault.New(fault.Permanent, llm.CodeBlocked)
		}
		return nil, fault.New(fault.Permanent, llm.CodeEmpty)
	}
	candidate := in.Candidates[0]
	out := &llm.Response{Finish: finish(candidate.FinishReason), Model: in.ModelVersion}
	if u := in.UsageMetadata; u != nil {
		// Thoughts are billed as output, and what tools of the provider read as input.
		out.Usage = llm.Usage{
			InputTokens:  int(u.PromptTokenCount + u.ToolUsePromptTokenCount),
			CachedTokens: int(u.CachedContentTokenCount),
			OutputTokens: int(u.CandidatesTokenCount + u.ThoughtsTokenCount),
		}
	}
	if candidate.Content != nil {
		read(out, candidate.Content.Parts)
	}
	if len(out.ToolCalls) > 0 && out.Finish == llm.Stop {
		out.Finish = llm.ToolCalls
	}
	if out.Text == "" && len(out.ToolCalls) == 0 {
		switch out.Finish {
		case llm.Blocked:
			return nil, fault.New(fault.Permanent, llm.CodeBlocked)
		case llm.Length: // all tokens spent on thinking: the caller may raise the bound
		default:
			code := llm.CodeEmpty
			if candidate.FinishReason == genai.FinishReasonMalformedFunctionCall {
				code = "malformed tool call"
			}
			return nil, fault.New(fault.Permanent, code)
		}
	}
	return out, nil
}

// read collects text and calls; thoughts are not for the customer.
func read(out *llm.Response, parts []*genai.Part) {
	var text strings.Builder
	for _, p := range parts {
		switch {
		case p == nil || p.Thought:
		case p.FunctionCall != nil:
			out.ToolCalls = append(out.ToolCalls, llm.ToolCall{ID: p.FunctionCall.ID, Name: p.FunctionCall.Name, Arguments: arguments(p.FunctionCall.Args), Opaque: p.ThoughtSignature})
		default:
			text.WriteString(p.Text)
		}
	}
	out.Text = strings.TrimSpace(text.String())
}

func arguments(args map[string]any) json.RawMessage {
	b, err := json.Marshal(args)
	if err != nil || args == nil {
		return json.RawMessage(`{}`) // what came as JSON always marshals
	}
	return b
}

func finish(r genai.FinishReason) llm.Finish {
	switch r {
	case genai.FinishReasonStop:
		return llm.Stop
	case genai.FinishReasonMaxTokens:
		return llm.Length
	case genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonBlocklist, genai.FinishReasonProhibitedContent,
		genai.FinishReasonSPII, genai.FinishReasonImageSafety, genai.FinishReasonImageProhibitedContent, genai.FinishReasonImageRecitation:
		return llm.Blocked
	}
	return llm.Other
}
