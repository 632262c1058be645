package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/playbook"
	"secretaria/internal/tracing"
)

// awaitFor is how long the result of a workflow is waited for, from the decision to start it.
const awaitFor = 5 * time.Minute

// wake decides a turn to which nobody has written: a result that was waited for and did not
// come, or a customer who is silent. No model is asked, and mostly there is nothing to do.
func (t *turn) wake() {
	t.decided(Silent, "woken")
	if !t.in.OptedOut && !t.overdue() {
		t.silence()
	}
}

// waits is the workflow whose result is waited for, and since when; "" for none.
func (t *turn) waits() (string, time.Time) {
	if t.mem.Awaits != "" {
		return t.mem.Awaits, t.mem.AwaitsSince
	}
	return t.mem.Expects, t.mem.ExpectsSince
}

// overdue gives the conversation to people when a result has not come in time.
func (t *turn) overdue() bool {
	name, since := t.waits()
	if name == "" || t.in.Now.Sub(since) < awaitFor {
		return false
	}
	why := fmt.Sprintf("O fluxo \"%s\" não respondeu em %d minutos.", name, int(awaitFor.Minutes()))
	if t.mem.Awaits != "" {
		why = "O lead está qualificado. " + why
	}
	t.handOver("workflow_overdue", why, t.a.words.overdue+t.farewell())
	return true
}

// expect remembers a workflow of this turn whose result the customer was told to wait for.
func (t *turn) expect() {
	if name, ok := t.awaited(); ok && t.mem.Awaits == "" {
		t.mem.Expects, t.mem.ExpectsSince = name, t.in.Now
	}
}

// silence lets the playbook move on because nobody has written. Where a desk only works while
// its people do, that waits until they do.
func (t *turn) silence() {
	book := t.a.cfg.Playbook
	if book == nil || t.mem.Lead == nil {
		return
	}
	step := book.Read(*t.mem.Lead, playbook.Said{Now: t.now(), First: t.mem.Heard, Episode: t.mem.Episode})
	if len(step.Moves) == 0 {
		return
	}
	if next, ok := t.a.cfg.Open.Next(t.now()); ok && t.a.cfg.OnlyOpen && !t.open() {
		t.later = next
		return
	}
	t.step = &step
	t.decided(Silent, "silence", step.Text)
	if step.Text != "" {
		t.d.Outcome = Replied
	}
}

// wakeAt is when the desk has to look again although nobody writes, zero for never.
func (t *turn) wakeAt() time.Time {
	if t.d.Handoff != nil || t.d.Outcome == OptedOut || t.in.OptedOut {
		return time.Time{}
	}
	at := t.later
	earlier := func(other time.Time) {
		if at.IsZero() || other.Before(at) {
			at = other
		}
	}
	if name, since := t.waits(); name != "" {
		due := since.Add(awaitFor)
		if due.Before(t.in.Now) {
			due = t.in.Now
		}
		earlier(due)
	}
	if book := t.a.cfg.Playbook; book != nil && t.mem.Lead != nil {
		if due, ok := book.Wait(*t.mem.Lead, t.now()); ok {
			earlier(due)
		}
	}
	return at
}

// generate asks the model for as long as the turn may.
func (t *turn) generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	bounded, cancel := context.WithDeadlineCause(ctx, t.until, errors.New("the models of this turn took too long"))
	defer cancel()
	bounded, span := tracing.Start(bounded, tracing.ModelCalled)
	span.Str(tracing.Operation, "chat")
	defer span.End()
	pseudonymous := t.a.cfg.Safety.Pseudonyms && !t.offline()
	if pseudonymous {
		req = t.pseudonymous(req)
	}
	resp, err := t.a.model.Generate(bounded, req)
	if err == nil && pseudonymous {
		resp, err = t.named(resp)
	}
	if fault.Code(err) == "internal" && bounded.Err() != nil && ctx.Err() == nil {
		err = fault.Wrap(fault.Transient, llm.CodeTimeout, err)
	}
	span.Fail(err)
	return resp, err
}
