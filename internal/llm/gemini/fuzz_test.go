package gemini

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/genai"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// Whatever a provider answers is either something to say or do, or a failure for good; the
// arguments of a call are always an object, and a thought never reaches the customer.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"candidates":[{"content":{"role":"model","parts":[{"text":"Oi"},{"text":"segredo","thought":true}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}`,
		`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"handoff","args":{"reason":"x"}}}]},"finishReason":"STOP"}]}`,
		`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"x"}},null]},"finishReason":"MAX_TOKENS"}]}`,
		`{"promptFeedback":{"blockReason":"SAFETY"}}`, `{"candidates":[null]}`, `{"candidates":[{"finishReason":"MAX_TOKENS"}]}`,
		`{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}`, `{}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in genai.GenerateContentResponse
		if json.Unmarshal(body, &in) != nil {
			return
		}
		out, err := response(&in)
		if err != nil {
			if out != nil || !fault.Is(err, fault.Permanent) {
				t.Errorf("response(%s) = %v, %v, want an answer or a failure for good", body, out, err)
			}
			return
		}
		if out.Text == "" && len(out.ToolCalls) == 0 && out.Finish != llm.Length {
			t.Errorf("response(%s) = %+v, which says nothing", body, out)
		}
		if out.Text != strings.TrimSpace(out.Text) {
			t.Errorf("response(%s) says %q, with blanks around it", body, out.Text)
		}
		for _, c := range out.ToolCalls {
			var args map[string]any
			if err := json.Unmarshal(c.Arguments, &args); err != nil || args == nil {
				t.Errorf("response(%s) calls %q with %s, want an object", body, c.Name, c.Arguments)
			}
		}
		// The same without thoughts says the same.
		spoken := len(in.Candidates) > 0 && in.Candidates[0].Content != nil
		if spoken {
			var parts []*genai.Part
			for _, p := range in.Candidates[0].Content.Parts {
				if p != nil && !p.Thought {
					parts = append(parts, p)
				}
			}
			in.Candidates[0].Content.Parts = parts
			if again, err := response(&in); err != nil || again.Text != out.Text || len(again.ToolCalls) != len(out.ToolCalls) {
				t.Errorf("response(%s) without thoughts = %v, %v, want %+v", body, again, err, out)
			}
		}
	})
}

// The result of a tool, which may be anything, is put as an object and keeps what it says.
func FuzzObject(f *testing.F) {
	for _, s := range []string{``, `null`, `{}`, `{"a":1}`, `[1]`, `"x"`, `1`, `not JSON`, `{"a":`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := object("result", raw)
		if got == nil {
			t.Fatalf("object(%q) = nil, want an object", raw)
		}
		var v any
		err := json.Unmarshal(raw, &v)
		switch m, isObject := v.(map[string]any); {
		case len(raw) == 0 || err == nil && v == nil:
			if len(got) != 0 {
				t.Errorf("object(%q) = %v, want the empty object", raw, got)
			}
		case err != nil:
			if got["result"] != string(raw) {
				t.Errorf("object(%q) = %v, want the text", raw, got)
			}
		case isObject:
			if len(got) != len(m) {
				t.Errorf("object(%q) = %v, want it as it is", raw, got)
			}
		case len(got) != 1:
			t.Errorf("object(%q) = %v, want one key", raw, got)
		}
	})
}
