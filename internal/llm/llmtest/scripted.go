package llmtest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// Scripted is a model in memory. A call takes the next step of the script, then asks Answer,
// and without either fails with fault.Permanent "script is over". The zero value is ready.
type Scripted struct {
	// ModelName is what Name returns; default "scripted/test".
	ModelName string
	// Answer answers what the script does not.
	Answer func(ctx context.Context, req *llm.Request) (*llm.Response, error)
	// Entered, when not nil, is sent the request at the start of every call; the call waits
	// for the receiver.
	Entered chan<- *llm.Request
	// Release, when not nil, holds every call until a value is received or it is closed.
	Release <-chan struct{}

	mu       sync.Mutex
	steps    []Step
	requests []*llm.Request
	problems []string
}

var _ llm.Model = (*Scripted)(nil)

// Say queues plain answers.
func (s *Scripted) Say(texts ...string) {
	for _, t := range texts {
		s.Reply(&llm.Response{Text: t, Finish: llm.Stop})
	}
}

// Call queues an answer that is one tool call.
func (s *Scripted) Call(tool, arguments string) {
	s.Reply(&llm.Response{Finish: llm.ToolCalls, ToolCalls: []llm.ToolCall{{ID: "call_1", Name: tool, Arguments: []byte(arguments)}}})
}

// Reply queues responses.
func (s *Scripted) Reply(responses ...*llm.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range responses {
		s.steps = append(s.steps, Step{response: r, plain: true})
	}
}

// Fail queues errors.
func (s *Scripted) Fail(errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, err := range errs {
		s.steps = append(s.steps, Step{Err: err, plain: true})
	}
}

// Requests returns copies of the requests so far, oldest first.
func (s *Scripted) Requests() []*llm.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Name implements llm.Model.
func (s *Scripted) Name() string {
	if s.ModelName == "" {
		return "scripted/test"
	}
	return s.ModelName
}

// Generate implements llm.Model.
func (s *Scripted) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	kept := clone(req)
	s.mu.Lock()
	s.requests = append(s.requests, kept)
	var next *Step
	var problem string
	if len(s.steps) > 0 {
		next, s.steps = &s.steps[0], s.steps[1:]
		if problem = next.check(kept); problem != "" {
			s.problems = append(s.problems, problem)
		}
	}
	s.mu.Unlock()

	if s.Entered != nil {
		select {
		case s.Entered <- kept:
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Transient, "cancelled", ctx.Err())
		}
	}
	if s.Release != nil {
		select {
		case <-s.Release:
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Transient, "cancelled", ctx.Err())
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Transient, "cancelled", err)
	}
	switch {
	case problem != "":
		return nil, fault.New(fault.Permanent, "not in the script")
	case next != nil:
		return next.take(ctx, s.Name())
	case s.Answer != nil:
		return s.Answer(ctx, req)
	}
	return nil, fault.New(fault.Permanent, "script is over")
}

// answer copies a response, so that two calls never share one.
func answer(r *llm.Response, model string) *llm.Response {
	c := *r
	c.ToolCalls = cloneCalls(r.ToolCalls)
	if c.Model == "" {
		c.Model = model
	}
	if c.Finish == "" {
		c.Finish = llm.Stop
		if len(c.ToolCalls) > 0 {
			c.Finish = llm.ToolCalls
		}
	}
	return &c
}

func clone(req *llm.Request) *llm.Request {
	c := *req
	c.Messages = slices.Clone(req.Messages)
	for i := range c.Messages {
		c.Messages[i].ToolCalls = cloneCalls(c.Messages[i].ToolCalls)
	}
	c.Tools = slices.Clone(req.Tools)
	for i := range c.Tools {
		c.Tools[i].Schema = bytes.Clone(c.Tools[i].Schema)
	}
	if req.Temperature != nil {
		t := *req.Temperature
		c.Temperature = &t
	}
	return &c
}

func cloneCalls(calls []llm.ToolCall) []llm.ToolCall {
	out := slices.Clone(calls)
	for i := range out {
		out[i].Arguments = bytes.Clone(out[i].Arguments)
		out[i].Opaque = bytes.Clone(out[i].Opaque)
	}
	return out
}
