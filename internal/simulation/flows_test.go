package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"secretaria/internal/callback"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
	"secretaria/internal/workflow"
)

// booking is the workflow that desks may start. It is not repeatable: what ran twice would
// be two meetings.
func booking() workflow.Declared {
	d := workflow.ScheduleMeeting("https://n8n.example/webhook/meet")
	d.Tool = true
	return d
}

const callbackKey = "fake-callback-key"

// automation runs workflows outside. It outlives every process. Guarded by world.mu.
type automation struct {
	runs map[string]int // executions by conversation and arguments
	// names are the calls' own, since their ids are drawn by nobody's dice.
	names map[conversation.DeliveryID]string
	ends  map[conversation.DeliveryID]workflow.Verdict
	calls int
	told  map[conversation.MessageID]time.Time // news, by when they were stored
	ended map[conversation.MessageID]bool      // those that a decision has handed over with
}

func newAutomation() automation {
	return automation{runs: map[string]int{}, names: map[conversation.DeliveryID]string{}, ends: map[conversation.DeliveryID]workflow.Verdict{},
		told: map[conversation.MessageID]time.Time{}, ended: map[conversation.MessageID]bool{}}
}

// engine is the automation as one process reaches it.
type engine struct{ p *process }

var _ workflow.Engine = (*engine)(nil)

func (*engine) Probe(context.Context) error { return nil }

// callFault is what goes wrong with one call.
type callFault struct {
	name  string
	runs  bool // it runs all the same
	err   error
	never bool // no answer at all
}

func (e *engine) fault(r *rand.Rand) *callFault {
	if !e.p.w.faulty(r, e.p.w.shape.flows) {
		return nil
	}
	limited := fault.New(fault.RateLimited, "slow down")
	limited.RetryAfter = between(r, time.Second, 20*time.Second)
	cut := fault.New(fault.Uncertain, "connection reset")
	return pick(r, []*callFault{
		{name: "unreachable", err: fault.New(fault.Transient, "connection refused")},
		{name: "rate limited", err: limited},
		{name: "inactive", err: fault.New(fault.NotFound, "workflow inactive or unknown")},
		{name: "answer lost", runs: true, err: cut},
		{name: "answer lost", runs: true, err: cut},
		{name: "request lost", err: cut},
		{name: "silent", never: true},
		{name: "silent after it ran", runs: true, never: true},
	})
}

// Call starts the workflow. What is on the wire runs, whatever becomes of the caller.
func (e *engine) Call(ctx context.Context, q workflow.Request) (workflow.Answer, error) {
	w, id := e.p.w, conversation.DeliveryID(q.Key)
	label := fmt.Sprintf("%s %s", name(conversation.ID(q.Conversation)), q.Arguments)
	w.mu.Lock()
	w.flows.names[id] = label
	w.mu.Unlock()
	r := w.dice("call " + label)
	f := e.fault(r)
	dies := w.faulty(r, w.shape.death)
	onWire, effect, back := between(r, 100*time.Microsecond, 20*time.Millisecond), between(r, time.Millisecond, 900*time.Millisecond), between(r, time.Millisecond, 300*time.Millisecond)
	result := pick(r, []string{"answers", "answers", "answers", "only starts", "only starts", "fails"})
	if f != nil {
		w.count("workflow " + f.name)
		if f.never {
			back = 24 * time.Hour
			w.trouble(q.Workflow.Limit() + 6*time.Second)
		}
		w.trouble(onWire + effect + min(back, time.Minute))
	}
	if err := e.p.pause(onWire); err != nil {
		return workflow.Answer{}, err
	}
	w.note("%s calls %s, which %s: %v", e.p, label, result, f != nil)
	ended := make(chan workflow.Answer, 1)
	if f == nil || f.runs {
		w.run(func() {
			if w.wait(effect) {
				ended <- w.execute(id, label, result, q.Workflow, r)
			}
		})
	}
	if dies && e.p.kill("with a call on the wire") {
		return workflow.Answer{}, e.p.hang()
	}
	answer := time.NewTimer(effect + back)
	defer answer.Stop()
	select {
	case <-answer.C:
	case <-ctx.Done():
		if e.p.gone() {
			return workflow.Answer{}, e.p.hang()
		}
		return workflow.Answer{}, fault.Wrap(fault.Uncertain, "cancelled", ctx.Err())
	case <-w.ended:
		return workflow.Answer{}, errOver
	}
	if e.p.gone() {
		return workflow.Answer{}, e.p.hang()
	}
	switch {
	case f != nil:
		return workflow.Answer{}, f.err
	case result == "fails":
		return workflow.Answer{}, fault.New(fault.Permanent, "workflow failed")
	}
	return <-ended, nil
}

// execute is the instant at which the workflow runs.
func (w *world) execute(id conversation.DeliveryID, label, result string, d workflow.Declared, r *rand.Rand) workflow.Answer {
	w.mu.Lock()
	w.flows.runs[label]++
	again := w.flows.runs[label] > 1
	w.flows.calls++
	link := fmt.Sprintf("https://meet.example/%d", w.flows.calls)
	if w.flows.ends[id] = workflow.Taken; result == "fails" {
		w.flows.ends[id] = workflow.Failed
	}
	w.mu.Unlock()
	w.note("%s runs and %s", label, result)
	w.count("workflow " + result)
	if again {
		w.wrong("%s has run twice", label)
	}
	if result == "answers" {
		return workflow.Answer{Status: 200, Result: json.RawMessage(`{"link_meet":"` + link + `"}`)}
	}
	if result == "only starts" {
		body := fmt.Sprintf(`{"id":%q,"status":"done","result":{"link_meet":%q}}`, id, link)
		if chance(r, .2) {
			body = fmt.Sprintf(`{"id":%q,"status":"failed","error":"agenda cheia"}`, id)
		}
		w.reportLater(label, body, rand.New(rand.NewPCG(r.Uint64(), r.Uint64())))
	}
	return workflow.Answer{Status: 200}
}

// reportLater brings a report, after a while, often twice, and sometimes never.
func (w *world) reportLater(label, body string, r *rand.Rand) {
	if w.faulty(r, w.shape.flows/3) {
		w.count("callback lost")
		return
	}
	delay := between(r, 100*time.Millisecond, pick(r, []time.Duration{time.Second, 10 * time.Second, 40 * time.Second}))
	copies := 1 + r.IntN(2)
	w.begin()
	w.run(func() {
		defer w.end()
		for range copies {
			for try := range 6 {
				if !w.wait(delay) {
					return
				}
				delay = between(r, time.Second, 5*time.Second)
				w.note("%s reports, try %d", label, try+1)
				if w.knock(worker, r, 15*time.Second, callbackRequest(body, label), func(p *process) http.Handler { return p.callbacks }) == http.StatusAccepted {
					w.count("callback taken")
					break
				}
				w.count("callback refused")
			}
		}
	})
}

func callbackRequest(body, label string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/api/v1/workflows/callback", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	workflow.Sign(req.Header, []secret.String{secret.New(callbackKey)}, "report-1", time.Now(), []byte(body))
	return req.WithContext(telemetry.WithCorrelation(req.Context(), "report of "+label))
}

// Reconcile asks about a call, where the life has a key to ask with.
func (e *engine) Reconcile(_ context.Context, q workflow.Request) (workflow.Verdict, workflow.Answer, error) {
	w, id := e.p.w, conversation.DeliveryID(q.Key)
	label := fmt.Sprintf("%s %s", name(conversation.ID(q.Conversation)), q.Arguments)
	r := w.dice("ask engine " + label)
	if err := e.p.pause(between(r, time.Millisecond, 200*time.Millisecond)); err != nil {
		return workflow.CannotTell, workflow.Answer{}, err
	}
	if !w.shape.asks {
		w.count("engine cannot tell")
		return workflow.CannotTell, workflow.Answer{}, nil
	}
	if w.faulty(r, w.shape.flows) {
		w.count("engine does not tell")
		return workflow.CannotTell, workflow.Answer{}, fault.New(fault.Transient, "status 503")
	}
	w.mu.Lock()
	verdict, ran := w.flows.ends[id]
	w.mu.Unlock()
	if !ran {
		verdict = workflow.NotTaken
	}
	w.count("engine tells")
	w.note("%s asks about %s: %d", e.p, label, verdict)
	return verdict, workflow.Answer{Status: 200}, nil
}

var _ callback.Memory = (*memory)(nil)

func (m *memory) label(id conversation.DeliveryID) string {
	m.p.w.mu.Lock()
	defer m.p.w.mu.Unlock()
	return m.p.w.flows.names[id]
}

func (m *memory) Deliveries(ctx context.Context, f store.Filter) (out []store.Delivery, err error) {
	err = m.p.call(ctx, "Deliveries "+m.label(f.ID), func(ctx context.Context) (err error) {
		out, err = m.p.w.store.Deliveries(ctx, f)
		return err
	})
	return out, err
}

func (m *memory) Reported(ctx context.Context, report store.Report) (res store.Result, err error) {
	err = m.p.call(ctx, "Reported "+m.label(report.Delivery), func(ctx context.Context) (err error) {
		if res, err = m.p.w.store.Reported(ctx, report); err == nil {
			m.p.w.heard(ctx, res.Conversation)
		}
		return err
	})
	return res, err
}

// heard notes the news that a conversation has had since the last look, with the effects of
// the others shut out.
func (w *world) heard(ctx context.Context, id conversation.ID) {
	ms, err := w.store.Transcript(ctx, id, 1000)
	if err != nil {
		w.wrong("Transcript: %v", err)
	}
	for _, m := range ms {
		if _, known := w.flows.told[m.ID]; !known && m.Content.Kind == conversation.Result {
			w.flows.told[m.ID] = time.Now()
			w.count("news")
			w.note("%s: news %d: %s", name(id), m.ID, clip(m.Content.Text))
		}
	}
	w.look(ctx, id)
}

// checkFlows looks at what became of the workflows: every end of one was answered, handed
// over, or left to people in a note.
func (w *world) checkFlows(ctx context.Context) {
	for id := range w.hands {
		ms, err := w.store.Transcript(ctx, id, 1000)
		ds, err2 := w.store.Deliveries(ctx, store.Filter{Conversation: id, Limit: 1000})
		if err := errors.Join(err, err2); err != nil {
			w.wrong("what became of %s: %v", name(id), err)
			return
		}
		_, left := w.left[id]
		notes := 0
		for _, d := range ds {
			if d.Order.Kind == channel.Call && d.Status == store.Cancelled && !left {
				w.wrong("%s: %s was called off: %s", name(id), d.Order.Arguments, d.Cause)
			}
			if d.Order.Kind == channel.Note && strings.HasPrefix(d.Order.Text, "**schedule\\_meeting**") {
				notes++
			}
		}
		people := 0
		for _, m := range ms {
			at, known := w.flows.told[m.ID]
			if m.Content.Kind != conversation.Result {
				continue
			}
			said, decided := w.answered[m.ID]
			switch {
			case !known:
				w.wrong("%s: news %d came from nowhere", name(id), m.ID)
			case w.flows.ended[m.ID], decided && w.arrived(id, said):
				w.count("news answered")
			case decided && (left || w.peopleSince(id, at)):
				w.count("news left to people by its answer")
			case decided:
				w.wrong("%s: news %d was decided upon, and nobody has heard of it", name(id), m.ID)
			case !w.peopleSince(id, at):
				w.wrong("%s: news %d is for nobody", name(id), m.ID)
			default:
				w.count("news for people")
				people++
			}
		}

		if t := w.threads[id]; t != nil && t.desk.kind == marked && notes != people {
			w.wrong("%s: people have %d notes of %d ends of workflows", name(id), notes, people)
		}
		w.mu.Lock()
		w.counts["note of a workflow"] += notes
		w.mu.Unlock()
	}
}

// arrived says whether the customer has any of these.
func (w *world) arrived(id conversation.ID, ids []conversation.DeliveryID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.threads[id]
	return t != nil && slices.ContainsFunc(t.arrived, func(a arrival) bool { return slices.Contains(ids, a.delivery) })
}

// peopleSince says whether the bot has not had a conversation at some time since.
func (w *world) peopleSince(id conversation.ID, at time.Time) bool {
	past := w.hands[id]
	for i, h := range past {
		over := i+1 < len(past) && past[i+1].at.Before(at)
		if !over && h.state.Holder != conversation.Bot {
			return true
		}
	}
	return false
}
