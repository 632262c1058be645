package llm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

func TestCauseOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want llm.Cause
	}{
		{nil, ""},
		{errors.New("odd"), llm.OtherCause},
		{fault.New(fault.RateLimited, llm.CodeQuota), llm.Quota},
		{fault.New(fault.RateLimited, llm.CodeRateLimited), llm.RateLimit},
		{fault.New(fault.RateLimited, ""), llm.RateLimit},
		{fault.New(fault.Transient, llm.CodeFailed), llm.Outage},
		{fault.New(fault.Transient, llm.CodeOpen), llm.Outage},
		{fault.New(fault.Transient, "connection refused"), llm.Outage},
		{fault.Wrap(fault.Transient, llm.CodeTimeout, context.DeadlineExceeded), llm.Timeout},
		{fault.Wrap(fault.Transient, "cancelled", context.Canceled), llm.Cancelled},
		{fault.New(fault.Unauthorized, llm.CodeKey), llm.BadKey},
		{fault.New(fault.Permanent, llm.CodeBlocked), llm.Refused},
		{fault.New(fault.Invalid, llm.CodeRequest), llm.BadRequest},
		{fault.New(fault.Invalid, "tool schema is not JSON"), llm.BadRequest},
		{fault.New(fault.Invalid, llm.CodeTooLong), llm.TooLong},
		{fault.New(fault.Invalid, llm.CodeModel), llm.UnknownModel},
		{fault.New(fault.Permanent, llm.CodeEmpty), llm.Empty},
		{fault.New(fault.Permanent, "answer is not JSON"), llm.Empty},
		{fault.New(fault.Permanent, llm.CodeBudget), llm.OverBudget},
		{fault.New(fault.Permanent, llm.CodePrice), llm.NoPrice},
		{fmt.Errorf("ask: %w", &llm.Exhausted{Err: fault.New(fault.Unauthorized, llm.CodeKey)}), llm.BadKey},
	} {
		if got := llm.CauseOf(c.err); got != c.want {
			t.Errorf("CauseOf(%v) = %q, want %q", c.err, got, c.want)
		}
		if c.want != "" && !slices.Contains(llm.Causes(), c.want) {
			t.Errorf("Causes() lacks %q", c.want)
		}
	}
}

// Every cause has words of its own for people.
func TestPortuguese(t *testing.T) {
	t.Parallel()
	seen := map[string]llm.Cause{}
	for _, c := range llm.Causes() {
		words := c.Portuguese()
		if other, ok := seen[words]; ok || words == "" {
			t.Errorf("%q.Portuguese() = %q, as for %q", c, words, other)
		}
		seen[words] = c
	}
	e := &llm.Exhausted{Failures: []llm.Failure{{Name: "a", Cause: llm.OverBudget, Line: "day"}, {Name: "b", Cause: llm.OverBudget, Line: "desk"}, {Name: "c", Cause: llm.OverBudget, Line: "conversation"}, {Name: "d", Cause: llm.OverBudget, Line: "odd"}}}
	if got, want := e.Portuguese(), "a: orçamento esgotado (do dia); b: orçamento esgotado (da mesa); c: orçamento esgotado (da conversa); d: orçamento esgotado"; got != want {
		t.Errorf("Portuguese() = %q, want %q", got, want)
	}
}

func TestCheckChoice(t *testing.T) {
	t.Parallel()
	req := &llm.Request{Tools: []llm.Tool{{Name: "extract"}}}
	for choice, want := range map[string]bool{llm.ChooseAuto: true, llm.ChooseNone: true, "extract": true, "other": false} {
		req.ToolChoice = choice
		if err := req.CheckChoice(); (err == nil) != want || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("CheckChoice(%q) = %v", choice, err)
		}
		if tool, forced := req.Forced(); forced != (choice == "extract") || forced && tool.Name != choice {
			t.Errorf("Forced(%q) = %v, %v", choice, tool, forced)
		}
	}
}
