package openai

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	wire "github.com/sashabaranov/go-openai"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// Whatever a provider answers is either something to say or do, or a failure for good; the
// arguments of a call are always JSON, and a thought never reaches the customer.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"choices":[{"message":{"role":"assistant","content":"Oi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`,
		`{"choices":[{"message":{"content":"<think>segredo</think> Oi"},"finish_reason":"stop"}]}`,
		`{"choices":[{"message":{"content":"<think>sem fim"},"finish_reason":"length"}]}`,
		`{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"x","arguments":"{\"a\":1}"}}]},"finish_reason":"stop"}]}`,
		`{"choices":[{"message":{"tool_calls":[{"function":{"name":"x","arguments":"{"}}]}}]}`,
		`{"choices":[{"message":{"refusal":"não"}}]}`, `{"choices":[]}`, `{}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in wire.ChatCompletionResponse
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
		if thought, _, found := strings.Cut(strings.TrimSpace(in.Choices[0].Message.Content), "</think>"); found && strings.HasPrefix(thought, "<think>") &&
			len(in.Choices[0].Message.MultiContent) == 0 && strings.HasPrefix(out.Text, "<think>") && strings.Count(in.Choices[0].Message.Content, "<think>") == 1 {
			t.Errorf("response(%s) says %q, a thought", body, out.Text)
		}
		for _, c := range out.ToolCalls {
			if !json.Valid(c.Arguments) || len(c.Arguments) == 0 {
				t.Errorf("response(%s) calls %q with %q, want JSON", body, c.Name, c.Arguments)
			}
		}
	})
}

// The arguments of a call come back to the provider as it wrote them, blanks around them
// aside, be they JSON or not; where there are none it gets the empty object.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{``, ` `, `null`, `{}`, `{"a": 1}`, `"x"`, `"null"`, `{"a":`, "\xff", `[1]`, "{\"a\":\"\u2028\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		kept := callArguments(s)
		if !json.Valid(kept) {
			t.Fatalf("callArguments(%q) = %q, want JSON", s, kept)
		}
		if again := callArguments(string(kept)); !bytes.Equal(again, kept) {
			t.Errorf("callArguments(%q) = %q, then %q", s, kept, again)
		}
		var text string
		want := strings.TrimSpace(s)
		switch {
		case want == "" || want == "null":
			want = "{}"
		case json.Unmarshal([]byte(want), &text) == nil:
			want = text // a string is taken for one of ours
		default:
			want = strings.ToValidUTF8(want, "\uFFFD")
		}
		got := arguments(kept)
		if !json.Valid([]byte(s)) {
			// Each byte that is no text is written as one sign.
			got, want = strings.ReplaceAll(got, "\uFFFD", ""), strings.ReplaceAll(want, "\uFFFD", "")
		} else if text == "" {
			want = got // as it stood
		}
		if got != want {
			t.Errorf("arguments(callArguments(%q)) = %q, want %q", s, got, want)
		}
	})
}
