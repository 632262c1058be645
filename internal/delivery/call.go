package delivery

import (
	"context"
	"encoding/json"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/workflow"
)

// Awaited is the pause after each call of a workflow that is not there: inactive, not yet
// registered after a start of n8n, or taken out of the configuration. It may come back, and
// nobody is helped by asking fast.
func Awaited() []time.Duration {
	return []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute}
}

// start starts a workflow, or asks about an earlier try whose outcome is unknown.
func (w *Worker) start(ctx context.Context, j job.Deliver, inbox Inbox, d store.Delivery, a *store.Attempt) error {
	declared, ok := inbox.Workflows[d.Order.Workflow]
	var err error
	switch {
	case !ok || inbox.Engine == nil:
		err = fault.New(fault.NotFound, "workflow not configured")
		w.absent(ctx, d, a, err)
	case d.Uncertain:
		err = w.askEngine(ctx, j, inbox.Engine, request(d, declared), d, a)
	default:
		err = w.call(ctx, j, inbox.Engine, request(d, declared), d, a)
	}
	if a.Outcome == store.AttemptFailed {
		news(d, a, workflow.Failure(a.Cause), true)
	}
	if !inbox.Sender.Supports(channel.Note) {
		a.Note = ""
	}
	return err
}

func request(d store.Delivery, declared workflow.Declared) workflow.Request {
	return workflow.Request{Workflow: declared, Key: string(d.ID), Arguments: json.RawMessage(d.Order.Arguments),
		Conversation: int64(d.Conversation), Since: d.Order.Since, Correlation: d.Correlation}
}

// call tries once. An answer without a result is no news: a callback may bring it.
func (w *Worker) call(ctx context.Context, j job.Deliver, engine workflow.Engine, r workflow.Request, d store.Delivery, a *store.Attempt) error {
	answer, err := func() (workflow.Answer, error) {
		// The engine's own deadline is meant to strike first.
		ctx, end := w.bounded(ctx, j, r.Workflow.Limit()+5*time.Second)
		defer end()
		return engine.Call(ctx, r)
	}()
	a.HTTPStatus = answer.Status
	if fault.Is(err, fault.NotFound) {
		w.absent(ctx, d, a, err)
		return err
	}
	w.judge(ctx, d, a, err, w.cfg.Schedule)
	if err == nil && answer.Result != nil {
		news(d, a, answer.Result, false)
	}
	return err
}

// absent is what becomes of a call of something that is not there.
func (w *Worker) absent(ctx context.Context, d store.Delivery, a *store.Attempt, err error) {
	if d.Uncertain {
		// What it came to before cannot be asked either.
		a.Cause = fault.Code(err)
		w.notTold(ctx, d, a, err)
		return
	}
	later := fault.Error{Kind: fault.Transient, Code: fault.Code(err), Status: fault.StatusOf(err), RetryAfter: fault.RetryAfter(err)}
	w.judge(ctx, d, a, &later, Awaited())
}

// askEngine asks about an earlier try. Where nobody can tell, only a workflow that drops
// repeats by itself is called again, with the same key.
func (w *Worker) askEngine(ctx context.Context, j job.Deliver, engine workflow.Engine, r workflow.Request, d store.Delivery, a *store.Attempt) error {
	verdict, answer, err := func() (workflow.Verdict, workflow.Answer, error) {
		ctx, end := w.bounded(ctx, j, w.cfg.Timeout)
		defer end()
		return engine.Reconcile(ctx, r)
	}()
	a.Cause = d.Cause
	if err != nil {
		w.notTold(ctx, d, a, err)
		return err
	}
	exhausted := d.Round > len(w.cfg.Schedule)
	switch {
	case verdict == workflow.Taken:
		a.Outcome, a.HTTPStatus, a.Cause = store.AttemptSent, answer.Status, ""
		if answer.Result != nil {
			news(d, a, answer.Result, false)
		}
	case verdict == workflow.Failed:
		a.Outcome, a.Cause = store.AttemptFailed, "workflow failed"
	case verdict == workflow.NotTaken && !exhausted:
		a.Outcome = store.AttemptAbsent
	case verdict == workflow.CannotTell && r.Workflow.Repeatable && !exhausted:
		a.Outcome = store.AttemptUnknown
	case verdict == workflow.NotTaken:
		a.Outcome = store.AttemptFailed
	default:
		a.Outcome, a.Cause = store.AttemptFailed, unknown
	}
	return nil
}

// news tells the desk what came of a call, or people, where the bot does not hold it.
func news(d store.Delivery, a *store.Attempt, result json.RawMessage, failed bool) {
	n := workflow.News{Workflow: d.Order.Workflow, Delivery: string(d.ID), Failed: failed, Result: result}
	c := n.Content()
	a.News, a.Note = &c, n.Note()
}

// typingTime bounds how long showing that the bot types may take.
const typingTime = 3 * time.Second

// showTyping shows that what was said is not all, while the next bubble waits for its pause.
// It is a courtesy: nothing is recorded, and nothing waits for it.
func (w *Worker) showTyping(ctx context.Context, said *store.Delivery) {
	if said == nil || w.cfg.BotHolds == nil {
		return
	}
	inbox, ok := (*w.inboxes.Load())[said.Inbox]
	if !ok || inbox.Dry || !inbox.Sender.Supports(channel.Typing) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, typingTime)
	defer cancel()
	if !w.cfg.BotHolds(ctx, said.Conversation) {
		return
	}
	_, _ = inbox.Sender.Do(ctx, channel.Order{Kind: channel.Typing, Address: said.Order.Address})
}
