// Package delivery is the job that carries decisions out: one delivery of a conversation
// after the other, each after the one before it was acknowledged.
//
// Every attempt is written down before and after. Who holds the conversation is checked by
// the same step that writes down the beginning. A send whose outcome is unknown is
// reconciled with the helpdesk before it is repeated, where the helpdesk can be asked; where
// it cannot, it is repeated once. A workflow is started in the same way, but whether it ran
// is never guessed: what cannot be told is not repeated, unless the workflow says that it
// drops repeats.
package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/redact"
	"secretaria/internal/store"
	"secretaria/internal/tracing"
	"secretaria/internal/workflow"
)

// Schedule is the pause after each failed try: one initial try and one more for each.
func Schedule() []time.Duration {
	return []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 90 * time.Second, 90 * time.Second}
}

// maxUncertain is how long an unknown outcome is asked about before a person has to look.
const maxUncertain = 15 * time.Minute

// Memory is what a delivery needs of the store.
type Memory interface {
	NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (store.Delivery, error)
	FinishAttempt(context.Context, store.Attempt) error
	Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error
}

// Sender is what a delivery needs of a channel.
type Sender interface {
	Supports(channel.OrderKind) bool
	Do(context.Context, channel.Order) (channel.Receipt, error)
	Reconcile(context.Context, channel.Order) (channel.Verdict, channel.Receipt, error)
}

// Inbox is where the deliveries of an inbox go.
type Inbox struct {
	Sender Sender
	// Dry records what would have been sent, without sending: no helpdesk is configured.
	Dry bool
	// Hold is how long people keep a conversation whose answer could not be sent; 0: until
	// it is handed back.
	Hold time.Duration
	// Engine starts the workflows that the inbox's desk declares, by name. Nil: none.
	Engine    workflow.Engine
	Workflows map[string]workflow.Declared
}

// Done is one attempt, for the log and the metrics.
type Done struct {
	Delivery    store.Delivery
	Outcome     store.AttemptOutcome
	Reconciled  bool // the attempt only asked
	Kind        fault.Kind
	HTTPStatus  int
	Cause       string
	Duration    time.Duration
	SinceAccept time.Duration // from the oldest message that it answers; 0 where there is none
}

// Config of a Worker.
type Config struct {
	Memory   Memory
	Inboxes  map[string]Inbox // see also Worker.SetInboxes
	Lease    time.Duration    // default 10 s; renewed while a send is under way
	Timeout  time.Duration    // of one send; default 30 s
	Schedule []time.Duration  // default Schedule()
	Logger   *slog.Logger
	// Observe is told of every attempt, after it ended. May be nil.
	Observe func(Done)
	// BotHolds says whether the bot still holds a conversation, so that nobody sees it typing
	// over a person. Nil: it never types.
	BotHolds func(context.Context, conversation.ID) bool
	// Traces follow attempts; nil: nobody does.
	Traces *tracing.Tracer
}

// Worker carries deliveries out. It is safe for concurrent use.
type Worker struct {
	cfg     Config
	inboxes atomic.Pointer[map[string]Inbox]
}

// New returns a worker.
func New(cfg Config) *Worker {
	if cfg.Lease <= 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Schedule == nil {
		cfg.Schedule = Schedule()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Done) {}
	}
	w := &Worker{cfg: cfg}
	w.SetInboxes(cfg.Inboxes)
	return w
}

// SetInboxes replaces the inboxes: attempts that begin from now on see the new ones. The map
// is not to be changed afterwards.
func (w *Worker) SetInboxes(inboxes map[string]Inbox) { w.inboxes.Store(&inboxes) }

// Run does one job: all deliveries of the conversation that are due.
func (w *Worker) Run(ctx context.Context, j job.Deliver) error {
	var said *store.Delivery // what was just said and is not all
	for ctx.Err() == nil {
		asked := time.Now()
		d, err := w.cfg.Memory.NextDelivery(ctx, j, asked, w.cfg.Lease)
		switch {
		case errors.Is(err, store.ErrNotFound):
			w.showTyping(ctx, said)
			return nil
		case errors.Is(err, store.ErrLost):
			return nil
		case err != nil:
			return err // the lease runs out and the lane is due again
		}
		if time.Since(asked) >= w.cfg.Lease {
			// The answer came so late that the lease ran out on its way: by now somebody else may
			// have asked the helpdesk about this attempt, and must not have been told too early.
			return nil
		}
		outcome, err := w.attempt(ctx, j, d)
		if err != nil {
			return err
		}
		said = nil
		if outcome == store.AttemptSent && d.Order.Kind == channel.Say && d.More {
			said = &d
		}
	}
	return nil
}

func (w *Worker) attempt(ctx context.Context, j job.Deliver, d store.Delivery) (store.AttemptOutcome, error) {
	started := time.Now()
	a := store.Attempt{Delivery: d.ID, Conversation: d.Conversation, Fence: j.Fence, Number: d.Attempts, StartedAt: started}
	inbox, ok := (*w.inboxes.Load())[d.Inbox]
	done := Done{Delivery: d, Reconciled: d.Uncertain}
	ctx, span := w.cfg.Traces.Begin(ctx, spanName(&d), place(&d), started)
	var err error
	switch {
	case !ok:
		a.Outcome, a.Cause, a.NextAt = store.AttemptRetry, "inbox not configured", started.Add(time.Hour)
	case inbox.Dry:
		a.Outcome, a.Cause = store.AttemptCancelled, "dry run"
	case d.Order.Kind == channel.Call:
		err = w.start(ctx, j, inbox, d, &a)
	case !inbox.Sender.Supports(d.Order.Kind):
		a.Outcome, a.Cause = store.AttemptCancelled, "not supported by this inbox"
	case d.Uncertain:
		err = w.reconcile(ctx, j, inbox, d, &a)
	default:
		err = w.send(ctx, j, inbox, d, &a)
	}
	a.Now, a.Cause = time.Now(), redact.Text(a.Cause) // it is kept, listed and logged
	if a.Outcome == store.AttemptFailed && d.Order.Kind == channel.Say && ok {
		if err := w.giveUp(inbox, &a); err != nil {
			return "", err
		}
	}
	// What happened is recorded even while the process is told to stop.
	ferr := w.cfg.Memory.FinishAttempt(context.WithoutCancel(ctx), a)
	traced(span, &d, &a, cmp.Or(err, ferr))
	if errors.Is(ferr, store.ErrNotFound) {
		return a.Outcome, nil // the customer was erased meanwhile: there is nothing to be recorded
	} else if ferr != nil {
		return "", fmt.Errorf("record attempt: %w", ferr)
	}
	done.Outcome, done.Kind, done.HTTPStatus, done.Cause, done.Duration = a.Outcome, fault.KindOf(err), a.HTTPStatus, a.Cause, a.Now.Sub(started)
	if !d.AcceptedAt.IsZero() {
		done.SinceAccept = a.Now.Sub(d.AcceptedAt)
	}
	w.report(ctx, done)
	return a.Outcome, nil
}

// send tries once.
func (w *Worker) send(ctx context.Context, j job.Deliver, inbox Inbox, d store.Delivery, a *store.Attempt) error {
	receipt, err := func() (channel.Receipt, error) {
		ctx, end := w.bounded(ctx, j, w.cfg.Timeout)
		defer end()
		return inbox.Sender.Do(ctx, d.Order)
	}()
	a.HTTPStatus, a.Key, a.SelfID = receipt.Status, receipt.Key, receipt.SelfID
	if d.Order.Kind == channel.TakeBack && fault.Is(err, fault.Conflict) {
		a.Outcome, a.Cause = store.AttemptCancelled, fault.Code(err) // looked at, and left to people
		return nil
	}
	w.judge(ctx, d, a, err, w.patience(d.Order.Kind))
	return err
}

// patience is the schedule of an order. What only adorns a handoff must not keep people
// waiting for the conversation, which is opened behind it.
func (w *Worker) patience(kind channel.OrderKind) []time.Duration {
	switch kind {
	case channel.Labels, channel.Attributes, channel.Assign:
		return w.cfg.Schedule[:min(2, len(w.cfg.Schedule))]
	}
	return w.cfg.Schedule
}

// judge says what an attempt has come to by its error.
func (w *Worker) judge(ctx context.Context, d store.Delivery, a *store.Attempt, err error, schedule []time.Duration) {
	if err == nil {
		a.Outcome = store.AttemptSent
		return
	}
	a.Cause = fault.Code(err)
	if a.HTTPStatus == 0 {
		a.HTTPStatus = fault.StatusOf(err)
	}
	kind := fault.KindOf(err)
	switch {
	case !kind.Retryable():
		a.Outcome = store.AttemptFailed
	case kind == fault.Uncertain && ctx.Err() != nil:
		// We are stopping: the next process asks.
		a.Outcome, a.NextAt = store.AttemptUncertain, time.Now().Add(2*time.Second)
	case kind == fault.Uncertain:
		// Even after the last try: whether it arrived has to be asked, and costs no try.
		a.Outcome, a.NextAt = store.AttemptUncertain, time.Now().Add(pause(schedule, d.Round, err))
	case ctx.Err() != nil:
		a.Outcome, a.NextAt = store.AttemptRetry, time.Now()
	case d.Round > len(schedule):
		a.Outcome = store.AttemptFailed
	default:
		a.Outcome, a.NextAt = store.AttemptRetry, time.Now().Add(pause(schedule, d.Round, err))
	}
}

// reconcile asks the helpdesk about an earlier try whose outcome is unknown.
func (w *Worker) reconcile(ctx context.Context, j job.Deliver, inbox Inbox, d store.Delivery, a *store.Attempt) error {
	verdict, receipt, err := func() (channel.Verdict, channel.Receipt, error) {
		ctx, end := w.bounded(ctx, j, w.cfg.Timeout)
		defer end()
		return inbox.Sender.Reconcile(ctx, d.Order)
	}()
	a.Cause = d.Cause
	if err != nil {
		w.notTold(ctx, d, a, err)
		return err
	}
	exhausted := d.Round > len(w.patience(d.Order.Kind))
	switch {
	case verdict == channel.Arrived:
		a.Outcome, a.Key, a.SelfID, a.HTTPStatus, a.Cause = store.AttemptSent, receipt.Key, receipt.SelfID, receipt.Status, ""
	case exhausted:
		a.Outcome = store.AttemptFailed
	case verdict == channel.Absent:
		a.Outcome = store.AttemptAbsent
	case d.Blind > 0:
		// Once more would be a third copy in the customer's hands.
		a.Outcome, a.Cause = store.AttemptFailed, unknown
	default:
		a.Outcome = store.AttemptUnknown
	}
	return nil
}

// notTold says what a question has come to that could not be asked.
func (w *Worker) notTold(ctx context.Context, d store.Delivery, a *store.Attempt, err error) {
	if ctx.Err() != nil {
		// We are stopping, and have not asked: the next process does.
		a.Outcome, a.NextAt = store.AttemptUncertain, time.Now()
		return
	}
	a.Cause = fault.Code(err)
	if time.Since(d.Order.Since) > maxUncertain {
		a.Outcome, a.Cause = store.AttemptFailed, unknown
		return
	}
	a.Outcome, a.NextAt = store.AttemptUncertain, time.Now().Add(pause(w.cfg.Schedule, d.Round, err))
}

// unknown is the cause of what nobody could tell about.
const unknown = "outcome unknown"

// pause is the schedule's, or longer where the peer asked for it.
func pause(schedule []time.Duration, round int, err error) time.Duration {
	i := min(max(round, 1), len(schedule)) - 1
	pause := Schedule()[0] // without further tries, what is in doubt is still asked about
	if i >= 0 {
		pause = schedule[i]
	}
	return max(pause, fault.RetryAfter(err))
}

// bounded gives a call its deadline and keeps the lease while it lasts.
func (w *Worker) bounded(ctx context.Context, j job.Deliver, limit time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fault.New(fault.Uncertain, "send timed out"))
	ended := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(w.cfg.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case now := <-tick.C:
				// A lost lease changes nothing here: the request is out. FinishAttempt sorts it out.
				_ = w.cfg.Memory.Renew(ctx, job.Deliveries, j.Conversation, j.Fence, now.Add(w.cfg.Lease))
			}
		}
	})
	return ctx, func() {
		close(ended)
		renewing.Wait()
		cancel()
	}
}

// giveUp hands the conversation to people, in the helpdesk too, when the customer cannot
// be told what the bot had to say.
func (w *Worker) giveUp(inbox Inbox, a *store.Attempt) error {
	a.HandOver, a.Hold = conversation.ByFailure, inbox.Hold
	for _, o := range []channel.Order{
		{Kind: channel.Note, Text: "Não foi possível entregar a resposta automática ao cliente (" + a.Cause + "). A conversa precisa de uma pessoa."},
		{Kind: channel.OpenUp},
	} {
		if !inbox.Sender.Supports(o.Kind) {
			continue
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make delivery id: %w", err)
		}
		o.Delivery = conversation.DeliveryID(id.String())
		a.Orders = append(a.Orders, o)
	}
	return nil
}

func (w *Worker) report(ctx context.Context, d Done) {
	level, msg := slog.LevelInfo, "delivery sent"
	switch d.Outcome {
	case store.AttemptSent:
	case store.AttemptFailed:
		level, msg = slog.LevelError, "delivery failed for good"
	case store.AttemptCancelled:
		msg = "delivery not sent"
	case store.AttemptAbsent, store.AttemptUnknown:
		msg = "delivery reconciled"
	default:
		level, msg = slog.LevelWarn, "delivery attempt failed"
	}
	w.cfg.Logger.LogAttrs(ctx, level, msg,
		slog.String("correlation_id", d.Delivery.Correlation), slog.String("delivery", string(d.Delivery.ID)), slog.Int64("conversation", int64(d.Delivery.Conversation)),
		slog.String("inbox", d.Delivery.Inbox), slog.String("channel", string(d.Delivery.Channel)), slog.String("kind", string(d.Delivery.Order.Kind)),
		slog.Int("attempt", d.Delivery.Attempts), slog.String("outcome", string(d.Outcome)), slog.Bool("reconciled", d.Reconciled), slog.Int("http_status", d.HTTPStatus),
		slog.String("cause", d.Cause), slog.Int64("duration_ms", d.Duration.Milliseconds()), slog.Int64("since_accepted_ms", d.SinceAccept.Milliseconds()))
	w.cfg.Observe(d)
}
