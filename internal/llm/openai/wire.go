package openai

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"

	wire "github.com/sashabaranov/go-openai"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// dialect is how a server and a model want to be asked.
type dialect struct {
	// completionTokens: the bound of the answer is called max_completion_tokens. OpenAI's
	// reasoning models refuse max_tokens, and its other models take both; most other servers
	// know max_tokens alone, and some refuse a key that they do not know.
	completionTokens bool
	// fixedSampling: the model refuses a temperature.
	fixedSampling bool
	// quietTools: the model calls tools on this API only where it does not reason.
	quietTools bool
}

func dialectOf(cfg Config) dialect {
	u, _ := url.Parse(cfg.BaseURL) // validated
	host := u.Hostname()
	reasoning := false
	for _, prefix := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		reasoning = reasoning || strings.HasPrefix(cfg.Model, prefix)
	}
	return dialect{
		completionTokens: reasoning || host == "api.openai.com" || strings.HasSuffix(host, ".openai.azure.com"),
		fixedSampling:    reasoning,
		quietTools:       cfg.Model == wire.GPT6Sol || cfg.Model == wire.GPT6Luna,
	}
}

// request puts a request into the library's words. Messages that say nothing are left out:
// the API refuses them.
func (d dialect) request(model string, req *llm.Request) (wire.ChatCompletionRequest, error) {
	out := wire.ChatCompletionRequest{Model: model}
	if req.System != "" {
		out.Messages = append(out.Messages, wire.ChatCompletionMessage{Role: wire.ChatMessageRoleSystem, Content: req.System})
	}
	said, err := messages(req.Messages)
	if err != nil {
		return out, err
	}
	if len(said) == 0 {
		return out, invalid("request without messages")
	}
	out.Messages = append(out.Messages, said...)
	for _, t := range req.Tools {
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		if !json.Valid(schema) {
			return out, invalid("tool schema is not JSON")
		}
		out.Tools = append(out.Tools, wire.Tool{Type: wire.ToolTypeFunction, Function: &wire.FunctionDefinition{Name: t.Name, Description: t.Description, Parameters: schema}})
	}
	if err := req.CheckChoice(); err != nil {
		return out, err
	}
	if tool, forced := req.Forced(); forced {
		out.ToolChoice = wire.ToolChoice{Type: wire.ToolTypeFunction, Function: wire.ToolFunction{Name: tool.Name}}
	} else if req.ToolChoice == llm.ChooseNone && len(out.Tools) > 0 {
		out.ToolChoice = "none"
	}
	if d.quietTools && len(out.Tools) > 0 {
		out.ReasoningEffort = wire.ReasoningEffortNone
	}
	if req.MaxTokens > 0 {
		if d.completionTokens {
			out.MaxCompletionTokens = req.MaxTokens
		} else {
			//lint:ignore SA1019 many servers of one's own know no other name; see dialectOf
			out.MaxTokens = req.MaxTokens
		}
	}
	if req.Temperature != nil && !d.fixedSampling {
		out.Temperature = float32(*req.Temperature)
		if out.Temperature == 0 {
			// The library leaves out a zero, and the provider's default is 1.
			out.Temperature = math.SmallestNonzeroFloat32
		}
	}
	return out, nil
}

// messages translates the dialogue. Calls without an id, which another provider may have
// made earlier in the same turn, get one, and so do their results: the API demands it.
func messages(in []llm.Message) ([]wire.ChatCompletionMessage, error) {
	var out []wire.ChatCompletionMessage
	type made struct{ id, name string }
	var open []made // ids that we gave and whose result has not come yet
	for i, m := range in {
		switch m.Role {
		case llm.User, llm.Assistant:
			msg := wire.ChatCompletionMessage{Role: string(m.Role), Content: m.Text}
			for j, c := range m.ToolCalls {
				id := c.ID
				if id == "" {
					id = fmt.Sprintf("call_%d_%d", i, j)
					open = append(open, made{id, c.Name})
				}
				msg.ToolCalls = append(msg.ToolCalls, wire.ToolCall{ID: id, Type: wire.ToolTypeFunction, Function: wire.FunctionCall{Name: c.Name, Arguments: arguments(c.Arguments)}})
			}
			if msg.Content != "" || len(msg.ToolCalls) > 0 {
				out = append(out, msg)
			}
		case llm.ToolRole:
			id := m.ToolCallID
			for k, o := range open {
				if id == "" && (m.ToolName == "" || o.name == m.ToolName) {
					id = o.id
					open = append(open[:k], open[k+1:]...)
					break
				}
			}
			text := m.Text
			if text == "" {
				text = "{}" // content is required, and the library leaves out an empty one
			}
			out = append(out, wire.ChatCompletionMessage{Role: wire.ChatMessageRoleTool, Content: text, ToolCallID: id})
		default:
			return nil, invalid("message of an unknown role")
		}
	}
	return out, nil
}

// arguments turns back what callArguments made of arguments that are no JSON.
func arguments(raw json.RawMessage) string {
	var s *string
	switch err := json.Unmarshal(raw, &s); {
	case len(raw) == 0, err == nil && s == nil: // null
		return "{}"
	case err == nil:
		return *s
	}
	return string(raw)
}

// callArguments keeps nonsense as a JSON string, so that whoever stores the call as JSON can,
// and whoever wants an object refuses it.
func callArguments(s string) json.RawMessage {
	s = strings.TrimSpace(s)
	if s == "" || s == "null" {
		return json.RawMessage(`{}`)
	}
	if json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`) // strings always marshal
	}
	return b
}

// response reads an answer. The error is fault.Permanent where there is nothing to say.
func response(in *wire.ChatCompletionResponse) (*llm.Response, error) {
	if len(in.Choices) == 0 {
		return nil, fault.New(fault.Permanent, llm.CodeEmpty)
	}
	choice := in.Choices[0]
	out := &llm.Response{Text: text(choice.Message), Finish: finish(choice.FinishReason), Model: in.Model}
	out.Usage.InputTokens, out.Usage.OutputTokens = in.Usage.PromptTokens, in.Usage.CompletionTokens
	if d := in.Usage.PromptTokensDetails; d != nil {
		out.Usage.CachedTokens = d.CachedTokens
	}
	for _, c := range choice.Message.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, llm.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: callArguments(c.Function.Arguments)})
	}
	if len(out.ToolCalls) > 0 && out.Finish == llm.Stop {
		out.Finish = llm.ToolCalls // some servers say "stop" all the same
	}
	if out.Text == "" && len(out.ToolCalls) == 0 {
		switch {
		case out.Finish == llm.Blocked || choice.Message.Refusal != "":
			return nil, fault.New(fault.Permanent, llm.CodeBlocked)
		case out.Finish != llm.Length: // all tokens spent on thinking: the caller may raise the bound
			return nil, fault.New(fault.Permanent, llm.CodeEmpty)
		}
	}
	return out, nil
}

// text joins the parts of an answer and drops the thoughts that servers without a parser for
// them leave in front of it.
func text(m wire.ChatCompletionMessage) string {
	s := m.Content
	for _, p := range m.MultiContent {
		if p.Type == wire.ChatMessagePartTypeText {
			s += p.Text
		}
	}
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "<think>"); ok {
		_, answer, _ := strings.Cut(rest, "</think>")
		s = strings.TrimSpace(answer)
	}
	return s
}

func finish(r wire.FinishReason) llm.Finish {
	switch r {
	case wire.FinishReasonStop:
		return llm.Stop
	case wire.FinishReasonLength:
		return llm.Length
	case wire.FinishReasonToolCalls, wire.FinishReasonFunctionCall:
		return llm.ToolCalls
	case wire.FinishReasonContentFilter:
		return llm.Blocked
	}
	return llm.Other
}
