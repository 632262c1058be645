// Package offline is the built-in model that answers when no key of a provider is configured:
// rules and knowledge, no network, no cost.
//
// It promises little and keeps it. The same request always gives the same answer. It greets,
// thanks, says goodbye, hands over to a person when asked for one, and answers a question
// only with lines that stand in the request's own knowledge, word for word; to everything
// else it says that it does not know. It speaks Portuguese, and English to a customer who
// clearly writes English. It extracts nothing and never makes up an answer.
package offline

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// HandoffTool is the name of the tool that is called for a customer who asks for a person.
const HandoffTool = "handoff"

// Model is the offline model. Its zero value is ready; it keeps nothing.
type Model struct{}

var _ llm.Model = Model{}

// Name implements llm.Model.
func (Model) Name() string { return "offline/rules" }

// Generate implements llm.Model. It fails only where ctx has ended or nobody has said
// anything yet. Usage is always zero.
func (m Model) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	start := time.Now()
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.Wrap(fault.Transient, "timeout", err)
	case err != nil:
		return nil, fault.Wrap(fault.Transient, "cancelled", err)
	}
	req = req.Unfenced()
	d := dialogueOf(req.Messages)
	if d.said == "" && d.tool == "" {
		return nil, fault.New(fault.Invalid, "request without messages")
	}
	resp := decide(req, d)
	resp.Model = m.Name()
	resp.Duration = max(time.Since(start), 1)
	return resp, nil
}

// decide is the order of the rules. What the customer wants to know comes before how they
// said hello, and a person comes before everything.
func decide(req *llm.Request, d dialogue) *llm.Response {
	lang := languageOf(d)
	if d.tool != "" {
		return d.answer(phrases(afterTool(d.tool), lang))
	}
	words := wordsOf(d.said)
	greeting := greetingOf(words)
	switch {
	case asksMachine(words):
		return d.answer(phrases(isMachine, lang))
	case asksForPerson(words):
		if tool, ok := handoffTool(req.Tools); ok && req.ToolChoice != llm.ChooseNone {
			return &llm.Response{Finish: llm.ToolCalls, ToolCalls: []llm.ToolCall{{Name: HandoffTool, Arguments: arguments(tool.Schema, d, lang)}}}
		}
		return d.answer(phrases(wantsPerson, lang))
	case !slices.ContainsFunc(words, tells):
		return d.answer(phrases(wordless, lang))
	}
	if asksReason(words) {
		return d.answer(phrases(wantsReason, lang))
	}
	if found := answersFrom(req.System, d.said, words); found != "" {
		if strings.HasSuffix(d.lastAnswer, found) {
			found = again(lang, d.lastAnswer) + found
		}
		return &llm.Response{Text: hello(greeting, lang, found), Finish: llm.Stop}
	}
	if kind, ok := courtesyOf(words, greeting); ok {
		resp := d.answer(phrases(kind, lang))
		if kind == greets {
			resp.Text = hello(greeting, lang, resp.Text)
		}
		return resp
	}
	resp := d.answer(phrases(unknown, lang))
	resp.Text = hello(greeting, lang, resp.Text)
	return resp
}

// dialogue is what the rules look at.
type dialogue struct {
	said       string // everything that the customer said since the last answer
	before     string // the customer's earlier words, for the language
	answers    []string
	lastAnswer string
	tool       string // the tool whose result is the last message
}

// maxSaid bounds what is read of one burst, in bytes: rules do not get better with more.
const maxSaid = 4 << 10

func dialogueOf(messages []llm.Message) dialogue {
	var d dialogue
	var burst, before []string
	for _, m := range messages {
		d.tool = ""
		switch m.Role {
		case llm.User:
			burst = append(burst, unmarked(m.Text))
		case llm.Assistant:
			if m.Text != "" {
				d.answers = append(d.answers, m.Text)
				d.lastAnswer = m.Text
			}
			before, burst = append(before, burst...), nil
		case llm.ToolRole:
			if d.tool = m.ToolName; d.tool == "" {
				d.tool = "unknown"
			}
		}
	}
	d.said, d.before = strings.TrimSpace(strings.Join(burst, "\n")), strings.Join(before, "\n")
	if len(d.said) > maxSaid {
		d.said = strings.ToValidUTF8(d.said[:maxSaid], "")
	}
	return d
}

// unmarked takes off the tags by which a prompt marks the customer's words as data.
func unmarked(text string) string {
	text = strings.TrimSpace(text)
	for strings.HasPrefix(text, "<") {
		name, rest, ok := strings.Cut(text[1:], ">")
		if !ok || name == "" || strings.ContainsAny(name, "<\n") {
			break
		}
		tag, _, _ := strings.Cut(name, " ")
		inner, ok := strings.CutSuffix(strings.TrimSpace(rest), "</"+tag+">")
		if !ok {
			break
		}
		text = strings.TrimSpace(inner)
	}
	return text
}

// answer chooses among phrases that say the same: never the one that was just said, and the
// others in turn.
func (d dialogue) answer(variants []string) *llm.Response {
	used := 0
	for _, a := range d.answers {
		for _, v := range variants {
			if strings.HasSuffix(a, v) {
				used++
				break
			}
		}
	}
	text := variants[used%len(variants)]
	if len(variants) > 1 && strings.HasSuffix(d.lastAnswer, text) {
		text = variants[(used+1)%len(variants)]
	}
	return &llm.Response{Text: text, Finish: llm.Stop}
}

func handoffTool(tools []llm.Tool) (llm.Tool, bool) {
	for _, t := range tools {
		if t.Name == HandoffTool {
			return t, true
		}
	}
	return llm.Tool{}, false
}

// arguments fills what the tool's schema asks for: its required properties, and the reason
// and the summary wherever there are such.
func arguments(schema json.RawMessage, d dialogue, lang language) json.RawMessage {
	type property struct {
		Type any   `json:"type"`
		Enum []any `json:"enum"`
	}
	var s struct {
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
	}
	_ = json.Unmarshal(schema, &s) // without a schema there is nothing to fill
	out := map[string]any{}
	fill := func(name string) {
		p := s.Properties[name]
		switch {
		case len(p.Enum) > 0:
			out[name] = asked(p.Enum)
		case name == "summary" || name == "resumo":
			out[name] = summary(d, lang)
		case p.Type == "boolean":
			out[name] = true
		case p.Type == "integer" || p.Type == "number":
			out[name] = 0
		case p.Type == "array":
			out[name] = []any{}
		case p.Type == "object":
			out[name] = map[string]any{}
		default:
			out[name] = reason(lang)
		}
	}
	for _, name := range s.Required {
		fill(name)
	}
	for _, name := range []string{"reason", "motivo", "summary", "resumo"} {
		if _, ok := s.Properties[name]; ok {
			fill(name)
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return json.RawMessage(`{}`) // the enum came from JSON
	}
	return b
}

// asked picks the value that says that the customer asked, else the first.
func asked(enum []any) any {
	for _, v := range enum {
		if s, ok := v.(string); ok {
			for _, sign := range []string{"ask", "request", "customer", "pedi", "cliente", "human"} {
				if strings.Contains(strings.ToLower(s), sign) {
					return v
				}
			}
		}
	}
	return enum[0]
}
