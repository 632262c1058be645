// Package turn is the job that answers: load the conversation, let the agent decide, store
// the decision with its deliveries.
//
// One turn of a conversation runs at a time, over all processes, under a lease with a
// fence. The model is never called inside a transaction, and a turn commits once: until
// then a crash runs it again and nothing was sent; afterwards only deliveries remain.
package turn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/gate"
	"secretaria/internal/guard"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
)

const (
	// maxFailures is how often a turn may break for reasons of ours before the
	// conversation goes to a person.
	maxFailures = 3
	// maxRestarts is how often a draft may become stale before it is sent all the same and
	// the newest messages get a turn of their own: somebody who never stops writing is answered too.
	maxRestarts = 3
	// retryAfter is when a turn that broke is tried again.
	retryAfter = 2 * time.Second
)

// Memory is what a turn needs of the store.
type Memory interface {
	BeginTurn(ctx context.Context, j job.Turn, now time.Time, lease time.Duration, history int) (store.Turn, error)
	Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error
	Decide(context.Context, store.Decision) error
	ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error
}

// Desk decides turns.
type Desk interface {
	Name() string
	History() int
	Decide(context.Context, agent.Input) (agent.Decision, error)
}

// Inbox is what a turn needs to know of an inbox.
type Inbox struct {
	Desk     Desk
	Supports func(channel.OrderKind) bool
	// Team and Person receive handoffs, by the helpdesk's ids; "" leaves it to the helpdesk.
	Team, Person string
	Labels       []string // added at a handoff
	// Hold is how long people keep a conversation that was handed over; 0: until it is handed back.
	Hold time.Duration
	// Typing shows the customer that an answer is coming; its errors are nobody's business. Nil
	// where the channel cannot.
	Typing func(context.Context, channel.Address)
}

// Done is what became of a turn: one wide line of the log, and the metrics.
type Done struct {
	Conversation conversation.ID
	Inbox, Desk  string
	Channel      channel.Kind
	Correlation  string
	Outcome      string // agent.Outcome, or stale, lost, released, failed
	Reason       string
	Pending      int // 0: nobody has written, the turn was woken
	Replies      int
	Calls        int // workflows to be started
	Sources      int // facts of the house that the answer had before it
	// Guarded is what the guard made of what was asked, Blocked how many messages it kept from
	// models, Stopped the kinds of what the gate found in what a model wanted to say.
	Guarded      guard.Action
	Blocked      int
	Stopped      []gate.Kind
	Model        string
	InputTokens  int
	OutputTokens int
	CachedTokens int
	Waited       time.Duration // from due to begun
	ModelTime    time.Duration
	Thought      time.Duration // what the desk took besides ModelTime
	Committing   time.Duration // what storing the decision took
	Total        time.Duration // from begun to committed
	SinceAccept  time.Duration // from the oldest pending message to committed
	HandedOver   conversation.Reason
	Err          error
}

// Config of a Worker.
type Config struct {
	Memory  Memory
	Inboxes map[string]Inbox // see also Worker.SetInboxes
	Lease   time.Duration    // default 10 s; renewed while the turn runs
	Logger  *slog.Logger
	// Observe is told of every turn, after it ended. May be nil.
	Observe func(Done)
	// Wake tells the dispatcher that a lane may be due. May be nil.
	Wake func(job.Lane)
	// Traces follow turns; nil: nobody does.
	Traces *tracing.Tracer
}

// Worker runs turns. It is safe for concurrent use.
type Worker struct {
	cfg     Config
	inboxes atomic.Pointer[map[string]Inbox]

	mu       sync.Mutex
	thinking map[conversation.ID]*draft
}

// draft is a decision that is being made and can be given up.
type draft struct{ giveUp context.CancelCauseFunc }

// New returns a worker.
func New(cfg Config) *Worker {
	if cfg.Lease <= 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Done) {}
	}
	if cfg.Wake == nil {
		cfg.Wake = func(job.Lane) {}
	}
	w := &Worker{cfg: cfg, thinking: map[conversation.ID]*draft{}}
	w.SetInboxes(cfg.Inboxes)
	return w
}

// SetInboxes replaces the inboxes: turns that begin from now on see the new ones, a turn
// that is thinking keeps what it began with. The map is not to be changed afterwards.
func (w *Worker) SetInboxes(inboxes map[string]Inbox) { w.inboxes.Store(&inboxes) }

// Stale tells a turn that is thinking in this process that its conversation moved on: the
// model's time is not wasted on a draft that the store would refuse. In other processes
// the store's refusal does the same, later.
func (w *Worker) Stale(id conversation.ID) {
	w.mu.Lock()
	d := w.thinking[id]
	w.mu.Unlock()
	if d != nil {
		d.giveUp(store.ErrStale)
	}
}

// Run does one job. Losing the lane is no error: somebody else has it, or there is nothing
// to answer any more.
func (w *Worker) Run(ctx context.Context, j job.Turn) (err error) {
	begun := time.Now()
	// The inbox is known only once the turn is loaded; more history than a desk wants is cut there.
	t, err := w.cfg.Memory.BeginTurn(ctx, j, begun, w.cfg.Lease, w.history())
	if errors.Is(err, store.ErrLost) {
		return nil
	}
	if err != nil {
		return err // the lease runs out and the turn is due again
	}
	if time.Since(begun) >= w.cfg.Lease {
		return nil // it came too late, or we stood still: somebody else may have it by now
	}
	done := Done{Conversation: j.Conversation, Inbox: t.Conversation.Inbox, Channel: t.Conversation.Channel, Correlation: t.Conversation.Correlation,
		Pending: len(t.Pending), Waited: max(0, begun.Sub(t.DueAt))}
	followed, span := w.cfg.Traces.Begin(ctx, tracing.Turn, tracing.Webhook(int64(done.Conversation), done.Correlation), begun)
	span.Past(tracing.TurnLoaded, tracing.Place{}, begun).End()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decide turn: %w", fault.Panicked(p))
			w.cfg.Logger.ErrorContext(ctx, "turn panicked", "correlation_id", done.Correlation, "conversation", int64(done.Conversation), "stack", string(debug.Stack()))
			w.release(ctx, t, time.Now().Add(retryAfter), true)
			done.Outcome = "failed"
		}
		done.Total, done.Err = time.Since(begun), err
		if !t.FirstPending.IsZero() {
			done.SinceAccept = time.Since(t.FirstPending)
		}
		w.report(ctx, done)
		traced(span, &done)
	}()
	return w.turn(followed, t, &done)
}

func (w *Worker) history() int {
	n := 0
	for _, in := range *w.inboxes.Load() {
		n = max(n, in.Desk.History())
	}
	return n
}

func (w *Worker) turn(ctx context.Context, t store.Turn, done *Done) error {
	inbox, ok := (*w.inboxes.Load())[t.Conversation.Inbox]
	if !ok {
		// The inbox was taken out of the configuration; its conversations wait for it.
		done.Outcome = "no_inbox"
		w.release(ctx, t, time.Now().Add(time.Hour), false)
		return nil
	}
	done.Desk = inbox.Desk.Name()
	// Messages come in the order in which they were stored. One that waited in the spool of a
	// process may have been overtaken by what another process stored at once.
	var through conversation.MessageID
	if n := len(t.Pending); n > 0 {
		through = t.Pending[n-1].ID
	}
	slices.SortStableFunc(t.Pending, func(a, b conversation.Message) int { return a.At.Compare(b.At) })
	partial := t.Restarts >= maxRestarts
	asked := time.Now()
	thinking, stop := w.think(ctx, t, partial)
	d, err := func() (agent.Decision, error) {
		defer stop() // also when the desk panics: a lease that is renewed for ever is never free
		defer showTyping(thinking, inbox, t)()
		return inbox.Desk.Decide(thinking, input(t))
	}()
	if err != nil {
		return w.undecided(ctx, t, context.Cause(thinking), err, done)
	}
	done.Reason, done.Model, done.ModelTime, done.Replies, done.Calls, done.Sources = d.Reason, d.Model, d.ModelTime, len(d.Replies), len(d.Calls), d.Sources
	done.Guarded, done.Blocked, done.Stopped = d.Guarded, d.Blocked, d.Stopped
	done.InputTokens, done.OutputTokens, done.CachedTokens = d.Usage.InputTokens, d.Usage.OutputTokens, d.Usage.CachedTokens
	now := time.Now()
	done.Thought = max(0, now.Sub(asked)-d.ModelTime)
	orders, err := orders(inbox, d)
	if err != nil {
		return w.uncommitted(ctx, t, err, done)
	}
	commit := store.Decision{
		Conversation: t.Conversation.ID, Fence: t.Fence, Epoch: t.Conversation.State.Epoch, Revision: t.Conversation.Revision,
		Through: through, Partial: partial, Orders: orders, Now: now, Lease: w.cfg.Lease,
		Record: store.Record{Outcome: string(d.Outcome), Reason: d.Reason, Model: d.Model, InputTokens: d.Usage.InputTokens, CachedTokens: d.Usage.CachedTokens,
			OutputTokens: d.Usage.OutputTokens, ModelTime: d.ModelTime, StartedAt: now.Add(-d.ModelTime), Correlation: t.Conversation.Correlation},
	}
	commit.Memory, commit.Profile, commit.OptOut, commit.WakeAt = d.Memory, d.Profile, d.OptOut, d.WakeAt
	if d.Lead != nil {
		c := t.Conversation
		commit.Lead = &store.Lead{Conversation: c.ID, Inbox: c.Inbox, Desk: inbox.Desk.Name(), ContactName: c.ContactName, State: d.Lead.State,
			Score: d.Lead.Score, MaxScore: d.Lead.MaxScore, ScoreTable: d.Lead.ScoreTable, Body: d.Lead.Body, UpdatedAt: now}
	}
	if d.Handoff != nil {
		commit.HandOver, commit.Hold = d.Handoff.Reason, inbox.Hold
	}
	// What was decided is committed even while the process is told to stop.
	err = w.cfg.Memory.Decide(context.WithoutCancel(ctx), commit)
	done.Committing = time.Since(now)
	committed(ctx, &commit, err)
	switch {
	case errors.Is(err, store.ErrStale):
		done.Outcome = "stale"
		w.release(ctx, t, time.Time{}, false)
		return nil
	case errors.Is(err, store.ErrLost):
		done.Outcome = "lost"
		return nil
	case err != nil:
		return w.uncommitted(ctx, t, err, done)
	}
	done.Outcome, done.HandedOver = string(d.Outcome), commit.HandOver
	w.cfg.Wake(job.Turns)
	w.cfg.Wake(job.Deliveries)
	return nil
}

// undecided gives the lane back: the draft became stale, the lease was lost, or the
// process is stopping, and then the turn is due at once for whoever comes next.
func (w *Worker) undecided(ctx context.Context, t store.Turn, cause, err error, done *Done) error {
	switch {
	case errors.Is(cause, store.ErrLost):
		done.Outcome = "lost"
		return nil
	case errors.Is(cause, store.ErrStale):
		done.Outcome = "stale"
		w.release(ctx, t, time.Time{}, false)
		return nil
	case ctx.Err() != nil:
		done.Outcome = "released"
		w.release(ctx, t, time.Time{}, false)
		return nil
	}
	return w.uncommitted(ctx, t, err, done)
}

// uncommitted counts a turn that broke, so that a conversation that always breaks is not
// tried for ever. A commit whose answer was lost has moved the fence, and nothing is counted.
func (w *Worker) uncommitted(ctx context.Context, t store.Turn, err error, done *Done) error {
	done.Outcome = "failed"
	w.release(ctx, t, time.Now().Add(retryAfter), true)
	return err
}

func (w *Worker) release(ctx context.Context, t store.Turn, due time.Time, failed bool) {
	err := w.cfg.Memory.ReleaseTurn(context.WithoutCancel(ctx), t.Conversation.ID, t.Fence, due, failed)
	if err != nil && !errors.Is(err, store.ErrLost) {
		// The lease runs out by itself.
		w.cfg.Logger.Warn("turn not released", "conversation", int64(t.Conversation.ID), "error", err.Error())
	}
	w.cfg.Wake(job.Turns)
}

// think keeps the lease while the agent decides, and makes the decision cancellable by Stale.
func (w *Worker) think(ctx context.Context, t store.Turn, partial bool) (context.Context, func()) {
	thinking, cancel := context.WithCancelCause(ctx)
	id, d := t.Conversation.ID, &draft{giveUp: cancel}
	if !partial {
		w.mu.Lock()
		w.thinking[id] = d
		w.mu.Unlock()
	}
	var renewing sync.WaitGroup
	ended := make(chan struct{})
	renewing.Go(func() {
		tick := time.NewTicker(w.cfg.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-thinking.Done():
				return
			case now := <-tick.C:
				err := w.cfg.Memory.Renew(thinking, job.Turns, id, t.Fence, now.Add(w.cfg.Lease))
				if errors.Is(err, store.ErrLost) {
					cancel(store.ErrLost)
					return
				}
			}
		}
	})
	return thinking, func() {
		close(ended)
		renewing.Wait()
		cancel(nil)
		w.mu.Lock()
		if w.thinking[id] == d { // and not another's, who has the lane by now
			delete(w.thinking, id)
		}
		w.mu.Unlock()
	}
}

// kinds are words with blanks between them.
func kinds(all []gate.Kind) string {
	var out []string
	for _, k := range all {
		out = append(out, string(k))
	}
	return strings.Join(out, " ")
}

func (w *Worker) report(ctx context.Context, d Done) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("correlation_id", d.Correlation), slog.Int64("conversation", int64(d.Conversation)), slog.String("inbox", d.Inbox), slog.String("channel", string(d.Channel)),
		slog.String("desk", d.Desk), slog.String("outcome", d.Outcome), slog.String("reason", d.Reason), slog.Int("messages", d.Pending), slog.Int("replies", d.Replies),
		slog.Int("calls", d.Calls), slog.Int("sources", d.Sources),
		slog.String("guard", d.Guarded.String()), slog.Int("blocked", d.Blocked), slog.String("gate", kinds(d.Stopped)),
		slog.String("model", d.Model), slog.Int("input_tokens", d.InputTokens), slog.Int("output_tokens", d.OutputTokens),
		slog.Int64("waited_ms", d.Waited.Milliseconds()), slog.Int64("model_ms", d.ModelTime.Milliseconds()), slog.Int64("duration_ms", d.Total.Milliseconds()),
	}
	msg := "turn decided"
	switch {
	case d.Err != nil:
		level, msg = slog.LevelError, "turn failed"
		attrs = append(attrs, slog.String("error", d.Err.Error()))
	case d.Outcome == string(agent.ModelFailed):
		level = slog.LevelWarn
	case d.Outcome == "stale" || d.Outcome == "lost" || d.Outcome == "released" || d.Outcome == "no_inbox":
		msg = "turn ended undecided"
	}
	w.cfg.Logger.LogAttrs(ctx, level, msg, attrs...)
	w.cfg.Observe(d)
}
