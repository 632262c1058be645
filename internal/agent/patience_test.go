package agent_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/playbook"
)

// takes is a model that answers after a while, or not at all within the patience of a turn.
func takes(d time.Duration, resp *llm.Response, err error) *llmtest.Scripted {
	return &llmtest.Scripted{Answer: func(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
		select {
		case <-time.After(d):
			return resp, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

// Whatever models do, a turn has an answer or a person soon enough for a customer to be with
// that person within a minute of his message.
func TestPatience(t *testing.T) {
	t.Parallel()
	empty := fault.New(fault.Transient, llm.CodeEmpty)
	down := fault.New(fault.Transient, llm.CodeFailed)
	chain := func(models ...llm.Model) llm.Model {
		var entries []resilient.Entry
		for _, m := range models {
			entries = append(entries, resilient.Entry{Name: "m", Model: resilient.New(m, resilient.Config{}, resilient.Observer{})})
		}
		return resilient.NewChain(resilient.ChainConfig{}, entries...)
	}
	never := 24 * time.Hour
	for name, c := range map[string]struct {
		model llm.Model
		want  agent.Outcome
		book  *playbook.Playbook
	}{
		"it never answers":                  {takes(never, nil, nil), agent.ModelFailed, nil},
		"nor for a playbook":                {takes(never, nil, nil), agent.ModelFailed, playbook.Default()},
		"nothing, three times":              {takes(40*time.Second, nil, empty), agent.ModelFailed, nil},
		"tools that do not exist":           {takes(30*time.Second, &llm.Response{ToolCalls: []llm.ToolCall{{ID: "1", Name: "fly"}}}, nil), agent.ModelFailed, nil},
		"lies, and is slow to correct them": {takes(30*time.Second, &llm.Response{Text: "Já agendei a sua consulta! Fico à disposição."}, nil), agent.Replied, nil},
		"a chain that is down":              {chain(takes(0, nil, down), takes(0, nil, down)), agent.ModelFailed, nil},
		"a chain that hangs":                {chain(takes(never, nil, nil), takes(never, nil, nil), takes(never, nil, nil)), agent.ModelFailed, nil},
		"a chain that is slow and empty":    {chain(takes(14*time.Second, nil, empty), takes(14*time.Second, nil, empty)), agent.ModelFailed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				d := decide(t, desk(t, agent.Config{Playbook: c.book}, c.model), asks("Quanto custa a consulta?"))
				took := time.Since(began)
				if d.Outcome != c.want || took > agent.Patience {
					t.Errorf("Decide = %s (%s) after %v, want %s within %v", d.Outcome, d.Reason, took, c.want, agent.Patience)
				}
				if (d.Handoff != nil) != (c.want == agent.ModelFailed) || len(d.Replies) == 0 {
					t.Errorf("Decide = %+v, want words and, without an answer, a person", d)
				}
			})
		})
	}
}

// A turn that is given up says so, however long the models still have.
func TestGivenUpWhileThinking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stale := errors.New("stale")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(20*time.Second, func() { cancel(stale) })
		began := time.Now()
		_, err := desk(t, agent.Config{}, takes(24*time.Hour, nil, nil)).Decide(ctx, asks("Oi, quanto custa?"))
		if took := time.Since(began); !errors.Is(err, stale) || took != 20*time.Second {
			t.Errorf("Decide = %v after %v, want %v after 20s", err, took, stale)
		}
	})
}

// A summary is not worth an answer that comes too late.
func TestPatienceWithASummary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := asks("E quanto custa?")
		for i := range 60 {
			m := customer("Uma história comprida sobre o que eu preciso, que ninguém mais precisa ler depois de tanto tempo.")
			m.ID = conversation.MessageID(i + 1)
			in.History = append(in.History, m)
		}
		in.Pending[0].ID = 100
		began := time.Now()
		d := decide(t, desk(t, agent.Config{Rules: "Custa R$ 10."}, takes(46*time.Second, &llm.Response{Text: "Custa R$ 10."}, nil)), in)
		if took := time.Since(began); d.Outcome != agent.Replied || took > agent.Patience {
			t.Errorf("Decide = %s (%s) after %v, want an answer within %v", d.Outcome, d.Reason, took, agent.Patience)
		}
	})
}
