package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/callback"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/fault"
	"secretaria/internal/guard"
	"secretaria/internal/intake"
	"secretaria/internal/job"
	"secretaria/internal/llm"
	"secretaria/internal/secret"
	"secretaria/internal/turn"
	"secretaria/internal/workflow"
)

const (
	lease       = 10 * time.Second
	sendTimeout = 30 * time.Second
	modelTime   = 30 * time.Second
)

// sentinel is one guard for all lives: making one takes longer than a life.
var sentinel = sync.OnceValue(guard.New)

// process is one run of a program: the real intake, turn worker and delivery worker. When
// it dies its goroutines stay where they are: what they call never happens and never
// returns.
type process struct {
	w     *world
	index int
	life  int
	role  role
	ctx   context.Context // of its jobs; ended when it is told to stop
	// cancel ends it.
	cancel context.CancelFunc
	died   chan struct{}

	intakes   map[channel.Kind]*intake.Intake
	turns     *turn.Worker
	sends     *delivery.Worker
	callbacks *callback.Callback
	wake      map[job.Lane]chan struct{}

	// guarded by world.mu
	ready, dead, stopping bool
}

func (p *process) String() string { return fmt.Sprintf("p%d.%d", p.index, p.life) }

// unlimited is a limit that nobody reaches.
type unlimited struct{}

func (unlimited) Allow(string) (bool, time.Duration) { return true, 0 }
func (unlimited) Return(string)                      {}

// startProcess starts a process in the place of an earlier one.
func (w *world) startProcess(ctx context.Context, index, life int, r role) {
	p := &process{w: w, index: index, life: life, role: r, died: make(chan struct{}), intakes: map[channel.Kind]*intake.Intake{},
		wake: map[job.Lane]chan struct{}{job.Turns: make(chan struct{}, 1), job.Deliveries: make(chan struct{}, 1)}}
	p.ctx, p.cancel = context.WithCancel(ctx)
	m := &memory{p}
	wake := func(lane job.Lane) {
		if p.role == web {
			return
		}
		select {
		case p.wake[lane] <- struct{}{}:
		default:
		}
	}
	desk, err := agent.New(agent.Config{Name: "secretaria", Workflows: []workflow.Declared{booking()}}, agent.Deps{Model: &mind{p}, Guard: sentinel()})
	if err != nil {
		panic(err)
	}
	var answers thinking = thinker{desk, w}
	if w.desk != nil {
		answers = w.desk(p)
	}
	turns, sends := map[string]turn.Inbox{}, map[string]delivery.Inbox{}
	hooks := map[channel.Kind][]intake.Inbox{}
	for _, d := range w.desks {
		l := &line{p, d}
		turns[d.inbox] = turn.Inbox{Desk: answers, Supports: l.Supports, Labels: []string{"bot"}, Hold: w.shape.hold}
		sends[d.inbox] = delivery.Inbox{Sender: l, Hold: w.shape.hold}
		hooks[l.Kind()] = append(hooks[l.Kind()], intake.Inbox{Name: d.inbox, Channel: l, Quiet: conversation.Quiet{Window: w.shape.quiet, Max: w.shape.quietMax}, Hold: w.shape.hold})
	}
	declared := map[string]workflow.Declared{workflow.NameScheduleMeeting: booking()}
	notes := map[string]bool{}
	for name, s := range sends {
		notes[name] = s.Sender.Supports(channel.Note)
		s.Engine, s.Workflows = &engine{p}, declared
		sends[name] = s
	}
	p.turns = turn.New(turn.Config{Memory: m, Inboxes: turns, Lease: lease, Wake: wake})
	p.sends = delivery.New(delivery.Config{Memory: m, Inboxes: sends, Lease: lease, Timeout: sendTimeout})
	for kind, inboxes := range hooks {
		p.intakes[kind] = intake.New(intake.Config{Kind: kind, Inboxes: inboxes, Stranger: inboxes[0].Channel, Memory: m, Failures: unlimited{}, Contacts: unlimited{},
			ClientIP: func(*http.Request) string { return "" }, Wake: func(l job.Lane, _ time.Time) { wake(l) }, Stale: p.turns.Stale})
	}
	p.callbacks = callback.New(callback.Config{Secrets: []secret.String{secret.New(callbackKey)}, Memory: m, Failures: unlimited{}, ClientIP: func(*http.Request) string { return "" },
		Notes: func(inbox string) bool { return notes[inbox] }, Wake: func(l job.Lane, _ time.Time) { wake(l) }, Stale: p.turns.Stale,
		Declared: func(_, name string) (workflow.Declared, bool) { d, ok := declared[name]; return d, ok }})
	w.mu.Lock()
	w.processes[index] = p
	w.mu.Unlock()
	w.note("%s starts as %s", p, r)
	w.run(func() {
		// On a database of its own whoever held a lease is gone; on a shared one nobody knows.
		if len(w.shape.roles) == 1 {
			if err := m.Recover(p.ctx); err != nil {
				p.kill("at its start")
				return
			}
		}
		w.mu.Lock()
		p.ready = true
		w.mu.Unlock()
		if r == web {
			return
		}
		for _, lane := range []job.Lane{job.Turns, job.Deliveries} {
			w.run(func() { p.dispatch(m, lane) })
		}
	})
}

// works says whether a process takes what this role is for. Call it with world.mu held.
func (p *process) works(but role) bool { return p.ready && !p.dead && !p.stopping && p.role != but }

// dispatch is the queue's dispatcher: it claims what is due, then waits until it is woken,
// the next lane falls due, or the sweep.
func (p *process) dispatch(m *memory, lane job.Lane) {
	for !p.gone() && p.ctx.Err() == nil {
		now := time.Now()
		_, next, err := m.Dispatch(p.ctx, lane, now)
		wait := p.w.shape.sweep
		if err == nil && !next.IsZero() {
			wait = max(0, min(wait, next.Sub(now)))
		}
		t := time.NewTimer(max(wait, 5*time.Millisecond))
		select {
		case <-p.wake[lane]:
		case <-t.C:
		case <-p.died:
		case <-p.ctx.Done():
		case <-p.w.ended:
		}
		t.Stop()
	}
}

// enqueue is the queue: jobs are carried to workers, late, twice or not at all.
func (w *world) enqueue(lane job.Lane, claims []job.Claim) {
	for _, c := range claims {
		r := w.dice(fmt.Sprint("job ", lane, c))
		copies, delay := 1, between(r, time.Millisecond, 20*time.Millisecond)
		if chance(r, .2) {
			delay = between(r, 20*time.Millisecond, 500*time.Millisecond) // nobody rang for it
		}
		if w.faulty(r, w.shape.jobs) {
			switch what := pick(r, []string{"job lost", "job doubled", "job late"}); what {
			case "job lost":
				copies = 0
				w.count(what)
			case "job doubled":
				copies = 2
				w.count(what)
			default:
				delay = between(r, time.Second, 15*time.Second)
				w.count(what)
			}
		}
		for range copies {
			mine, after := w.dice(fmt.Sprint("hands ", lane, c)), delay
			w.run(func() { w.work(lane, c, mine, after) })
			delay += between(r, time.Millisecond, 3*time.Second)
		}
	}
}

// work lets whoever is there run a job.
func (w *world) work(lane job.Lane, c job.Claim, r *rand.Rand, delay time.Duration) {
	for w.wait(delay) {
		w.mu.Lock()
		hands := slices.DeleteFunc(slices.Clone(w.processes), func(p *process) bool { return !p.works(web) })
		w.mu.Unlock()
		if len(hands) == 0 {
			delay = between(r, 200*time.Millisecond, 500*time.Millisecond)
			continue
		}
		p := pick(r, hands)
		w.note("%s runs %s of %s with fence %d", p, lane, name(c.Conversation), c.Fence)
		var err error
		if lane == job.Turns {
			err = p.turns.Run(p.ctx, job.Turn(c))
		} else {
			err = p.sends.Run(p.ctx, job.Deliver(c))
		}
		if err != nil {
			w.note("%s of %s with fence %d: %v", lane, name(c.Conversation), c.Fence, err)
		}
		return
	}
}

// post brings a webhook to a process that is there.
func (w *world) post(kind channel.Kind, inbox string, body []byte, r *rand.Rand, limit time.Duration, correlation string) (status int) {
	return w.knock(worker, r, limit, request(body, inbox, correlation), func(p *process) http.Handler { return p.intakes[kind] })
}

// knock brings a request to a process that is there and no mere but; 0: no answer.
func (w *world) knock(but role, r *rand.Rand, limit time.Duration, req *http.Request, door func(*process) http.Handler) (status int) {
	w.mu.Lock()
	doors := slices.DeleteFunc(slices.Clone(w.processes), func(p *process) bool { return !p.works(but) })
	w.mu.Unlock()
	if len(doors) == 0 {
		return 0
	}
	p := pick(r, doors)
	rec, answered := httptest.NewRecorder(), make(chan struct{})
	w.run(func() {
		door(p).ServeHTTP(rec, req)
		close(answered)
	})
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-answered:
	case <-p.died:
	case <-t.C:
	case <-w.ended:
		return 0
	}
	w.wait(time.Nanosecond) // a death at the instant of an answer comes first or last: now it has come
	select {
	case <-p.died:
		w.wait(between(r, time.Microsecond, time.Millisecond)) // no two senders hear of it at one instant
	default:
	}
	select {
	case <-answered:
		return rec.Code
	default:
		return 0
	}
}

func (p *process) gone() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	select {
	case <-p.w.ended:
		return true
	default:
		return p.dead
	}
}

// hang is what a call of a dead process does.
func (p *process) hang() error {
	<-p.w.ended
	return errOver
}

// pause lets time pass; an error when the process or the life is over by then.
func (p *process) pause(d time.Duration) error {
	if p.gone() || !p.w.wait(d) || p.gone() {
		return p.hang()
	}
	return nil
}

// maxDeaths leaves a life time to live.
const maxDeaths = 6

// kill ends a process at this instant; another takes its place after a while. False when
// there have been enough deaths, or it is dead already.
func (p *process) kill(how string) bool {
	w := p.w
	w.mu.Lock()
	if p.dead || w.calm || p.ready && w.deaths >= maxDeaths {
		w.mu.Unlock()
		return false
	}
	p.dead = true
	w.deaths++
	w.down++
	w.counts["death "+how]++
	close(p.died)
	w.mu.Unlock()
	w.note("%s dies: %s", p, how)
	p.replace()
	return true
}

func (p *process) replace() {
	w := p.w
	after := between(w.dice(fmt.Sprint("restart ", p)), 50*time.Millisecond, w.shape.downtime)
	w.run(func() {
		if w.wait(after) {
			w.startProcess(context.WithoutCancel(p.ctx), p.index, p.life+1, p.role)
		}
		w.mu.Lock()
		w.down--
		w.mu.Unlock()
	})
}

// stop ends a process in good order: nothing new, what runs may end, then it is told to.
func (p *process) stop() {
	w := p.w
	w.mu.Lock()
	if p.dead || p.stopping || w.calm || w.deaths >= maxDeaths {
		w.mu.Unlock()
		return
	}
	p.stopping = true
	w.deaths++
	w.down++
	w.counts["stop"]++
	w.mu.Unlock()
	w.note("%s stops", p)
	w.run(func() {
		w.wait(2 * time.Second)
		p.cancel()
		w.wait(3 * time.Second)
		w.mu.Lock()
		already := p.dead
		if !already {
			p.dead = true
			close(p.died)
		}
		w.mu.Unlock()
		if !already {
			p.replace()
			return
		}
		w.mu.Lock()
		w.down-- // it was killed meanwhile, and is replaced
		w.mu.Unlock()
	})
}

// pending is what a desk is thinking about.
type pending struct{}

// thinking is who decides turns.
type thinking = turn.Desk

// thinker tells the model which messages it is asked about, and now and then wants to look
// again although nobody writes.
type thinker struct {
	*agent.Agent
	w *world
}

func (t thinker) Decide(ctx context.Context, in agent.Input) (agent.Decision, error) {
	d, err := t.Agent.Decide(context.WithValue(ctx, pending{}, in), in)
	if r := t.w.dice("wake " + name(in.Conversation)); err == nil && !in.Woken && chance(r, .4) {
		d.WakeAt = time.Now().Add(between(r, 0, 30*time.Second))
	}
	return d, err
}

// mind is the model: it repeats the word of every message that it is asked about.
type mind struct{ p *process }

var _ llm.Model = (*mind)(nil)

func (*mind) Name() string { return "simulated" }

func (m *mind) Generate(ctx context.Context, q *llm.Request) (*llm.Response, error) {
	w := m.p.w
	in, _ := ctx.Value(pending{}).(agent.Input)
	words := wordsOf(in.Pending)
	id := in.Conversation
	r := w.dice("model " + name(id))
	think := between(r, 50*time.Millisecond, w.shape.think)
	answer, err := &llm.Response{Text: reply(r, words), Finish: llm.Stop}, error(nil)
	if n := len(q.Messages); n > 0 && q.Messages[n-1].Role != llm.ToolRole && chance(r, w.shape.books) {
		w.count("model starts a workflow")
		arguments := fmt.Sprintf(`{"company":%q}`, pick(r, []string{"Ana", "Bia", "Caio", "Davi"}))
		answer = &llm.Response{ToolCalls: []llm.ToolCall{{ID: "t1", Name: "start_schedule_meeting", Arguments: []byte(arguments)}}, Finish: llm.ToolCalls}
	}
	switch {
	case !w.faulty(r, w.shape.model):
	case chance(r, .3):
		w.count("model silent")
		think, answer, err = modelTime, nil, fault.New(fault.Transient, "timeout")
	case chance(r, .4):
		w.count("model empty")
		answer, err = nil, fault.New(fault.Permanent, llm.CodeEmpty)
	case chance(r, .3):
		w.count("model hands over")
		answer = &llm.Response{ToolCalls: []llm.ToolCall{{Name: "handoff", Arguments: []byte(`{}`)}}, Finish: llm.ToolCalls}
	default:
		w.count("model fails")
		answer, err = nil, fault.New(fault.Transient, "unavailable")
	}
	if w.faulty(r, w.shape.death) {
		defer m.p.kill("while the model thinks")
	}
	w.note("%s asks the model about %v", m.p, words)
	t := time.NewTimer(think)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		if m.p.gone() {
			return nil, m.p.hang()
		}
		w.note("%s gives up thinking about %v", m.p, words)
		w.count("thought given up")
		return nil, ctx.Err()
	case <-w.ended:
		return nil, errOver
	}
	if m.p.gone() {
		return nil, m.p.hang()
	}
	w.note("%s has an answer about %v: %v", m.p, words, err)
	return answer, err
}
