package agent

import (
	"encoding/json"
	"slices"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/redact"
)

// pseudonymous is a request in which documents, phones, e-mail addresses, cards and the like
// are tokens. What the house says of itself in the prompt is no secret and stays.
func (t *turn) pseudonymous(req *llm.Request) *llm.Request {
	out := *req
	out.Messages = slices.Clone(req.Messages)
	for i := range out.Messages {
		m := &out.Messages[i]
		m.Text = redact.Tokenise(m.Text, &t.vault)
		m.ToolCalls = slices.Clone(m.ToolCalls)
		for j := range m.ToolCalls {
			m.ToolCalls[j].Arguments = t.mapped(m.ToolCalls[j].Arguments, func(s string) string { return redact.Tokenise(s, &t.vault) })
		}
	}
	return &out
}

// named puts the values back into an answer. One that names a token which was never given out
// is an answer of no use: what stood there nobody can know.
func (t *turn) named(resp *llm.Response) (*llm.Response, error) {
	out := *resp
	unknown := 0
	restore := func(s string) string {
		restored, n := t.vault.Restore(s)
		unknown += n
		return restored
	}
	out.Text = restore(resp.Text)
	out.ToolCalls = slices.Clone(resp.ToolCalls)
	for i := range out.ToolCalls {
		out.ToolCalls[i].Arguments = t.mapped(out.ToolCalls[i].Arguments, restore)
	}
	if unknown > 0 {
		return nil, fault.New(fault.Permanent, llm.CodeEmpty)
	}
	return &out, nil
}

// mapped changes every string in JSON; what is no JSON is left as it is, for it is refused anyway.
func (t *turn) mapped(raw json.RawMessage, change func(string) string) json.RawMessage {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return raw
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			return change(v)
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		}
		return v
	}
	b, err := json.Marshal(walk(v))
	if err != nil {
		return raw
	}
	return b
}
