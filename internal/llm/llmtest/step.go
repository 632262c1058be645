package llmtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// Step is one call of a script: what the request must be like, and what comes of it. The
// zero value expects nothing and answers with nothing, which is llm.CodeEmpty.
type Step struct {
	Name string // for problems

	// System, User and Anywhere are parts of the system prompt, of the last thing that a user
	// said, and of either or any other message. Absent are parts that must be nowhere.
	System, User, Anywhere, Absent []string
	// Tools are some of those that must be offered, NoTools some of those that must not be.
	Tools, NoTools []string
	// Choice is the request's ToolChoice; "*" takes any.
	Choice string

	Text      string
	ToolCalls []llm.ToolCall
	Usage     llm.Usage
	Finish    llm.Finish // default by what is answered

	// Err is the failure in place of an answer; Hang waits until the caller gives up; Delay
	// comes before whatever happens, and ends with the caller.
	Err   error
	Hang  bool
	Delay time.Duration

	response *llm.Response
	plain    bool // queued by Reply or Fail: nothing is expected
}

// Tool is a step that calls one tool.
func Tool(name, arguments string) Step {
	return Step{Choice: "*", ToolCalls: []llm.ToolCall{{ID: "call_1", Name: name, Arguments: []byte(arguments)}}}
}

// Play queues steps. A request that is not what a step expects uses the step up, fails with
// fault.Permanent "not in the script", and is told by Problems.
func (s *Scripted) Play(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, steps...)
}

// Problems lists what was not as the script had it, oldest first.
func (s *Scripted) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.problems...)
}

// Left is how many steps nobody has asked for yet.
func (s *Scripted) Left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.steps)
}

// check says what a request lacks, "" when it is as expected.
func (s *Step) check(req *llm.Request) string {
	if s.plain {
		return ""
	}
	var wrong []string
	last, all := lastUser(req), whole(req)
	for _, c := range []struct {
		where, text string
		parts       []string
		want        bool
	}{{"the system prompt", req.System, s.System, true}, {"what was said last", last, s.User, true}, {"the request", all, s.Anywhere, true}, {"the request", all, s.Absent, false}} {
		for _, part := range c.parts {
			if strings.Contains(c.text, part) != c.want {
				wrong = append(wrong, fmt.Sprintf("%s: %q there: %v", c.where, part, !c.want))
			}
		}
	}
	offered := map[string]bool{}
	for _, t := range req.Tools {
		offered[t.Name] = true
	}
	for want, names := range map[bool][]string{true: s.Tools, false: s.NoTools} {
		for _, name := range names {
			if offered[name] != want {
				wrong = append(wrong, fmt.Sprintf("tool %s offered: %v", name, !want))
			}
		}
	}
	if s.Choice != "*" && req.ToolChoice != s.Choice {
		wrong = append(wrong, fmt.Sprintf("tool choice %q, want %q", req.ToolChoice, s.Choice))
	}
	if len(wrong) == 0 {
		return ""
	}
	return strings.TrimPrefix(s.Name+": ", ": ") + strings.Join(wrong, "; ")
}

// whole is everything that a model reads, a piece a line.
func whole(req *llm.Request) string {
	var b strings.Builder
	b.WriteString(req.System)
	for _, m := range req.Messages {
		b.WriteString("\n" + m.Text)
		for _, c := range m.ToolCalls {
			b.WriteString("\n" + c.Name + string(c.Arguments))
		}
	}
	return b.String()
}

func (s *Step) take(ctx context.Context, model string) (*llm.Response, error) {
	if !wait(ctx, s.Delay) {
		return nil, ended(ctx)
	}
	switch {
	case s.Hang:
		<-ctx.Done()
		return nil, ended(ctx)
	case s.Err != nil:
		return nil, s.Err
	case s.response != nil:
		return answer(s.response, model), nil
	case s.Text == "" && len(s.ToolCalls) == 0 && s.Finish == "":
		return nil, fault.New(fault.Permanent, llm.CodeEmpty)
	}
	return answer(&llm.Response{Text: s.Text, ToolCalls: s.ToolCalls, Usage: s.Usage, Finish: s.Finish}, model), nil
}

func ended(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return fault.Wrap(fault.Transient, llm.CodeTimeout, ctx.Err())
	}
	return fault.Wrap(fault.Transient, "cancelled", ctx.Err())
}
