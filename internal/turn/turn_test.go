package turn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/llm"
	"secretaria/internal/store"
	"secretaria/internal/turn"
)

const (
	conv  = conversation.ID(7)
	fence = int64(3)
	lease = 9 * time.Second
)

// memory is one conversation with a turn due.
type memory struct {
	turn                         store.Turn
	beginErr, decideErr, freeErr error
	begin                        func() // is called by BeginTurn; nil: nothing
	// renew answers a renewal; nil: it is granted.
	renew func() error

	mu        sync.Mutex
	began     []string
	renewed   []string // when, since the turn began, and until when
	decisions []store.Decision
	released  []string
	start     time.Time
}

func (m *memory) BeginTurn(_ context.Context, j job.Turn, now time.Time, lease time.Duration, history int) (store.Turn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start = now
	if m.begin != nil {
		m.begin()
	}
	m.began = append(m.began, fmt.Sprintf("%d/%d lease %v history %d", j.Conversation, j.Fence, lease, history))
	return m.turn, m.beginErr
}

func (m *memory) Renew(_ context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Since(m.start)
	m.renewed = append(m.renewed, fmt.Sprintf("%s %d/%d at %v until %v", lane, id, fence, now, until.Sub(m.start)))
	if m.renew != nil {
		return m.renew()
	}
	return nil
}

func (m *memory) Decide(ctx context.Context, d store.Decision) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return fault.Wrap(fault.Transient, "decide", ctx.Err())
	}
	m.decisions = append(m.decisions, d)
	return m.decideErr
}

func (m *memory) ReleaseTurn(ctx context.Context, id conversation.ID, fence int64, due time.Time, failed bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	when := "as before"
	if !due.IsZero() {
		when = "in " + time.Until(due).String()
	}
	if ctx.Err() != nil {
		when += ", cancelled"
	}
	m.released = append(m.released, fmt.Sprintf("%d/%d due %s failed %v", id, fence, when, failed))
	return m.freeErr
}

// desk decides as it is told.
type desk func(context.Context, agent.Input) (agent.Decision, error)

func (desk) Name() string { return "recepcao" }
func (desk) History() int { return 20 }
func (d desk) Decide(ctx context.Context, in agent.Input) (agent.Decision, error) {
	return d(ctx, in)
}

func replies(texts ...string) []agent.Reply {
	var out []agent.Reply
	for _, t := range texts {
		out = append(out, agent.Reply{Text: t})
	}
	return out
}

func says(texts ...string) desk {
	return func(context.Context, agent.Input) (agent.Decision, error) {
		return agent.Decision{Outcome: agent.Replied, Reason: "model", Replies: replies(texts...)}, nil
	}
}

// thinks decides nothing until it is cancelled.
func thinks(ctx context.Context, _ agent.Input) (agent.Decision, error) {
	<-ctx.Done()
	return agent.Decision{}, context.Cause(ctx)
}

func due() store.Turn {
	return store.Turn{
		Conversation: store.Conversation{ID: conv, Inbox: "vendas", Channel: channel.Whaticket, Correlation: "c-1", Revision: 5, State: conversation.State{Holder: conversation.Bot, Epoch: 2}},
		Fence:        fence, DueAt: time.Now().Add(-2 * time.Second), FirstPending: time.Now().Add(-6 * time.Second),
		Pending: []conversation.Message{{ID: 41, Author: conversation.Customer, Content: conversation.Content{Kind: conversation.Text, Text: "segredo 1"}}, {ID: 42, Content: conversation.Content{Kind: conversation.Text, Text: "segredo 2"}}},
		History: []conversation.Message{{ID: 40}},
	}
}

func all(channel.OrderKind) bool { return true }

// setup is a worker with what it tells.
type setup struct {
	*turn.Worker
	m    *memory
	log  bytes.Buffer
	done []turn.Done
	woke []job.Lane
}

func build(m *memory, in turn.Inbox) *setup {
	s := &setup{m: m}
	if in.Supports == nil {
		in.Supports = all
	}
	s.Worker = turn.New(turn.Config{Memory: m, Inboxes: map[string]turn.Inbox{"vendas": in}, Lease: lease, Logger: slog.New(slog.NewJSONHandler(&s.log, nil)),
		Observe: func(d turn.Done) { s.done = append(s.done, d) }, Wake: func(l job.Lane) { s.woke = append(s.woke, l) }})
	return s
}

func (s *setup) run(ctx context.Context) error {
	return s.Run(ctx, job.Turn{Conversation: conv, Fence: fence})
}

// ended checks what became of the one turn that was run.
func (s *setup) ended(t *testing.T, outcome string, released ...string) turn.Done {
	t.Helper()
	if diff := cmp.Diff(released, s.m.released, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("releases differ (-want +got):\n%s", diff)
	}
	if len(s.done) != 1 {
		t.Fatalf("%d turns were observed, want 1", len(s.done))
	}
	if got := s.done[0].Outcome; got != outcome {
		t.Errorf("outcome = %q, want %q", got, outcome)
	}
	if strings.Contains(s.log.String(), "segredo") || strings.Contains(s.log.String(), "resposta") {
		t.Errorf("what was said is in the log: %s", s.log.String())
	}
	return s.done[0]
}

var anyID = cmp.Options{cmpopts.IgnoreFields(channel.Order{}, "Delivery")}

func TestCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked agent.Input
		s := build(&memory{turn: due()}, turn.Inbox{Desk: desk(func(_ context.Context, in agent.Input) (agent.Decision, error) {
			asked = in
			time.Sleep(2 * time.Second)
			return agent.Decision{Outcome: agent.Replied, Reason: "model", Replies: replies("resposta"), Model: "m", Usage: llm.Usage{InputTokens: 9, CachedTokens: 4, OutputTokens: 2}, ModelTime: 2 * time.Second}, nil
		})})
		began := time.Now()
		if err := s.run(t.Context()); err != nil {
			t.Fatalf("Run: %v", err)
		}
		if diff := cmp.Diff(agent.Input{Pending: s.m.turn.Pending, History: s.m.turn.History, Now: began, Conversation: conv}, asked); diff != "" {
			t.Errorf("what the desk was asked differs (-want +got):\n%s", diff)
		}
		now := began.Add(2 * time.Second)
		want := []store.Decision{{Conversation: conv, Fence: fence, Epoch: 2, Revision: 5, Through: 42, Orders: []channel.Order{{Kind: channel.Say, Text: "resposta"}}, Now: now, Lease: lease,
			Record: store.Record{Outcome: "replied", Reason: "model", Model: "m", InputTokens: 9, CachedTokens: 4, OutputTokens: 2, ModelTime: 2 * time.Second, StartedAt: began, Correlation: "c-1"}}}
		if diff := cmp.Diff(want, s.m.decisions, anyID); diff != "" {
			t.Errorf("decision differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"7/3 lease 9s history 20"}, s.m.began); diff != "" {
			t.Errorf("beginning differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]job.Lane{job.Turns, job.Deliveries}, s.woke); diff != "" {
			t.Errorf("lanes woken differ (-want +got):\n%s", diff)
		}
		got := s.ended(t, "replied")
		wantDone := turn.Done{Conversation: conv, Inbox: "vendas", Desk: "recepcao", Channel: channel.Whaticket, Correlation: "c-1", Outcome: "replied", Reason: "model", Pending: 2, Replies: 1,
			Model: "m", InputTokens: 9, OutputTokens: 2, CachedTokens: 4, Waited: 2 * time.Second, ModelTime: 2 * time.Second, Total: 2 * time.Second, SinceAccept: 8 * time.Second}
		if diff := cmp.Diff(wantDone, got); diff != "" {
			t.Errorf("what was told differs (-want +got):\n%s", diff)
		}
		if log := s.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, `"msg":"turn decided"`) || !strings.Contains(log, `"correlation_id":"c-1"`) {
			t.Errorf("log = %s, want one line about the turn", log)
		}
	})
}

// The orders go out as they stand: what the customer reads, what people need, the status last.
func TestOrders(t *testing.T) {
	t.Parallel()
	handoff := desk(func(context.Context, agent.Input) (agent.Decision, error) {
		return agent.Decision{Outcome: agent.HandedOver, Replies: replies("resposta 1", "resposta 2"), Handoff: &agent.Handoff{Reason: conversation.ByHandoff, Note: "nota"}}, nil
	})
	only := func(kinds ...channel.OrderKind) func(channel.OrderKind) bool {
		return func(k channel.OrderKind) bool {
			for _, have := range kinds {
				if have == k {
					return true
				}
			}
			return false
		}
	}
	say := []channel.Order{{Kind: channel.Say, Text: "resposta 1"}, {Kind: channel.Say, Text: "resposta 2", Pause: 800 * time.Millisecond}}
	note, open := channel.Order{Kind: channel.Note, Text: "nota"}, channel.Order{Kind: channel.OpenUp}
	for name, c := range map[string]struct {
		inbox turn.Inbox
		want  []channel.Order
	}{
		"all": {turn.Inbox{Desk: handoff, Team: "3", Person: "8", Labels: []string{"bot", "vip"}},
			append(say[:2:2], note, channel.Order{Kind: channel.Labels, Labels: []string{"bot", "vip"}}, channel.Order{Kind: channel.Assign, Team: "3", Person: "8"}, open)},
		"team only":            {turn.Inbox{Desk: handoff, Team: "3"}, append(say[:2:2], note, channel.Order{Kind: channel.Assign, Team: "3"}, open)},
		"person only":          {turn.Inbox{Desk: handoff, Person: "8"}, append(say[:2:2], note, channel.Order{Kind: channel.Assign, Person: "8"}, open)},
		"nobody in particular": {turn.Inbox{Desk: handoff}, append(say[:2:2], note, open)},
		"only words":           {turn.Inbox{Desk: handoff, Team: "3", Labels: []string{"bot"}, Supports: only(channel.Say)}, say},
		"nothing supported":    {turn.Inbox{Desk: handoff, Team: "3", Supports: only()}, say}, // a dry inbox still records what it would say
		"no notes":             {turn.Inbox{Desk: handoff, Team: "3", Supports: only(channel.Say, channel.Assign, channel.OpenUp)}, append(say[:2:2], channel.Order{Kind: channel.Assign, Team: "3"}, open)},
		"no handoff":           {turn.Inbox{Desk: says("resposta 1", "resposta 2"), Team: "3", Labels: []string{"bot"}}, say},
		"silence":              {turn.Inbox{Desk: says()}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.inbox.Hold = time.Hour
			s := build(&memory{turn: due()}, c.inbox)
			if err := s.run(t.Context()); err != nil || len(s.m.decisions) != 1 {
				t.Fatalf("Run = %v with %d decisions, want 1", err, len(s.m.decisions))
			}
			d := s.m.decisions[0]
			if diff := cmp.Diff(c.want, d.Orders, anyID); diff != "" {
				t.Errorf("orders differ (-want +got):\n%s", diff)
			}
			wantReason, wantHold := conversation.Reason(""), time.Duration(0)
			if d.Record.Outcome == string(agent.HandedOver) {
				wantReason, wantHold = conversation.ByHandoff, time.Hour
			}
			if d.HandOver != wantReason || d.Hold != wantHold {
				t.Errorf("handed over for %q, held for %v, want %q and %v", d.HandOver, d.Hold, wantReason, wantHold)
			}
			seen := map[conversation.DeliveryID]bool{}
			for _, o := range d.Orders {
				if len(o.Delivery) != 36 || seen[o.Delivery] {
					t.Errorf("delivery id %q, want a UUID of its own", o.Delivery)
				}
				seen[o.Delivery] = true
			}
		})
	}
}

func TestLongAnswerIsSeveralBubbles(t *testing.T) {
	t.Parallel()
	first, second := strings.Repeat("uma frase. ", 50), strings.Repeat("outra frase. ", 50)
	s := build(&memory{turn: due()}, turn.Inbox{Desk: says(first + "\n\n" + second)})
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	want := []channel.Order{{Kind: channel.Say, Text: strings.TrimSpace(first)}, {Kind: channel.Say, Text: strings.TrimSpace(second), Pause: 4 * time.Second}}
	if diff := cmp.Diff(want, s.m.decisions[0].Orders, anyID); diff != "" {
		t.Errorf("orders differ (-want +got):\n%s", diff)
	}
	if got := s.ended(t, "replied"); got.Replies != 1 {
		t.Errorf("replies = %d, want the 1 that was decided", got.Replies)
	}
}

func TestStaleGivesUpTheDraft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := build(&memory{turn: due()}, turn.Inbox{Desk: desk(thinks)})
		s.Stale(conv) // nobody thinks yet
		ended := make(chan error, 1)
		go func() { ended <- s.run(t.Context()) }()
		synctest.Wait()
		s.Stale(conv + 1) // another conversation
		synctest.Wait()
		if len(s.done) > 0 {
			t.Fatal("the turn ended because of another conversation")
		}
		s.Stale(conv)
		s.Stale(conv) // twice is once
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		s.ended(t, "stale", "7/3 due as before failed false")
		if len(s.m.decisions) > 0 {
			t.Error("a stale draft was committed")
		}
		if diff := cmp.Diff([]job.Lane{job.Turns}, s.woke); diff != "" {
			t.Errorf("lanes woken differ (-want +got):\n%s", diff)
		}
		s.Stale(conv) // and nobody thinks any more
	})
}

// A worker that lost its lane and is slow to notice must not make its successor deaf.
func TestStaleReachesTheSuccessor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		first := true
		var mu sync.Mutex
		s := build(&memory{turn: due()}, turn.Inbox{Desk: desk(func(ctx context.Context, in agent.Input) (agent.Decision, error) {
			mu.Lock()
			was := first
			first = false
			mu.Unlock()
			if was {
				<-slow
				return agent.Decision{}, errors.New("late")
			}
			return thinks(ctx, in)
		})})
		one, two := make(chan error, 1), make(chan error, 1)
		go func() { one <- s.run(t.Context()) }()
		synctest.Wait()
		go func() { two <- s.run(t.Context()) }()
		synctest.Wait()
		close(slow)
		if err := <-one; err == nil {
			t.Error("Run of the first = nil, want its desk's error")
		}
		s.Stale(conv)
		if err := <-two; err != nil {
			t.Errorf("Run of the second = %v, want none", err)
		}
	})
}

func TestStaleAtTheCommit(t *testing.T) {
	t.Parallel()
	s := build(&memory{turn: due(), decideErr: store.ErrStale}, turn.Inbox{Desk: says("resposta")})
	if err := s.run(t.Context()); err != nil {
		t.Errorf("Run = %v, want none", err)
	}
	s.ended(t, "stale", "7/3 due as before failed false")
	if !strings.Contains(s.log.String(), "turn ended undecided") {
		t.Errorf("log = %s, want a turn without a decision", s.log.String())
	}
}

func TestLeaseIsKeptAndLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := []error{nil, fault.New(fault.Transient, "database is locked"), store.ErrLost}
		m := &memory{turn: due(), renew: func() error {
			err := left[0]
			left = left[1:]
			return err
		}}
		s := build(m, turn.Inbox{Desk: desk(thinks)})
		if err := s.run(t.Context()); err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		// A renewal that fails for another reason is none of the desk's business.
		want := []string{"turn 7/3 at 3s until 12s", "turn 7/3 at 6s until 15s", "turn 7/3 at 9s until 18s"}
		if diff := cmp.Diff(want, m.renewed); diff != "" {
			t.Errorf("renewals differ (-want +got):\n%s", diff)
		}
		s.ended(t, "lost") // and the lane, which is another's now, is not released
		if len(m.decisions) > 0 {
			t.Error("a lost turn was committed")
		}
	})
}

// The lease is kept as long as the desk thinks, and no longer.
func TestLeaseEndsWithTheTurn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after   func() (agent.Decision, error)
		outcome string
	}{
		"answers": {func() (agent.Decision, error) {
			return agent.Decision{Outcome: agent.Replied, Replies: replies("resposta")}, nil
		}, "replied"},
		"fails":  {func() (agent.Decision, error) { return agent.Decision{}, errors.New("broken") }, "failed"},
		"panics": {func() (agent.Decision, error) { panic("broken") }, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{turn: due()}
				s := build(m, turn.Inbox{Desk: desk(func(context.Context, agent.Input) (agent.Decision, error) {
					time.Sleep(7 * time.Second)
					return c.after()
				})})
				err := s.run(t.Context())
				if failed := err != nil; failed != (c.outcome == "failed") {
					t.Errorf("Run = %v, want an error %v", err, c.outcome == "failed")
				}
				time.Sleep(time.Minute)
				if diff := cmp.Diff([]string{"turn 7/3 at 3s until 12s", "turn 7/3 at 6s until 15s"}, m.renewed); diff != "" {
					t.Errorf("renewals differ (-want +got):\n%s", diff)
				}
				var released []string
				if c.outcome == "failed" {
					released = []string{"7/3 due in 2s failed true"}
				}
				got := s.ended(t, c.outcome, released...)
				if got.Total != 7*time.Second || got.Err != err && c.outcome != "failed" {
					t.Errorf("told %+v, want it to have taken 7s", got)
				}
			})
		})
	}
}

func TestRestartsMakeItPartial(t *testing.T) {
	t.Parallel()
	for restarts, want := range map[int]bool{0: false, 2: false, 3: true, 9: true} {
		synctest.Test(t, func(t *testing.T) {
			w := due()
			w.Restarts = restarts
			release := make(chan struct{})
			s := build(&memory{turn: w}, turn.Inbox{Desk: desk(func(ctx context.Context, _ agent.Input) (agent.Decision, error) {
				select {
				case <-ctx.Done():
					return agent.Decision{}, context.Cause(ctx)
				case <-release:
					return agent.Decision{Outcome: agent.Replied, Replies: replies("resposta")}, nil
				}
			})})
			ended := make(chan error, 1)
			go func() { ended <- s.run(t.Context()) }()
			synctest.Wait()
			s.Stale(conv) // a draft that is sent all the same is not disturbed
			synctest.Wait()
			close(release)
			if err := <-ended; err != nil {
				t.Errorf("Run after %d restarts = %v, want none", restarts, err)
			}
			if got := len(s.m.decisions) == 1; got != want {
				t.Fatalf("after %d restarts committed %v, want %v", restarts, got, want)
			}
			if want && (!s.m.decisions[0].Partial || s.m.decisions[0].Through != 42) {
				t.Errorf("after %d restarts committed %+v, want it partial through 42", restarts, s.m.decisions[0])
			}
		})
	}
}

func TestFailuresMakeItBroken(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]bool{0: false, 2: false, 3: true, 9: true} {
		w := due()
		w.Failures = failures
		var broken bool
		s := build(&memory{turn: w}, turn.Inbox{Desk: desk(func(_ context.Context, in agent.Input) (agent.Decision, error) {
			broken = in.Broken
			return agent.Decision{Outcome: agent.ModelFailed, Reason: "broken", Handoff: &agent.Handoff{Reason: conversation.ByFailure}}, nil
		})})
		if err := s.run(t.Context()); err != nil || broken != want {
			t.Errorf("after %d failures broken = %v, %v, want %v", failures, broken, err, want)
		}
	}
}

// Whatever breaks a turn is counted, the commit too: else the model is asked for ever.
func TestUncommittedIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full := fault.New(fault.Transient, "disk full")
		s := build(&memory{turn: due(), decideErr: full}, turn.Inbox{Desk: says("resposta")})
		if err := s.run(t.Context()); !errors.Is(err, full) {
			t.Errorf("Run = %v, want %v", err, full)
		}
		s.ended(t, "failed", "7/3 due in 2s failed true")
	})
}

func TestLostAtTheCommit(t *testing.T) {
	t.Parallel()
	s := build(&memory{turn: due(), decideErr: store.ErrLost}, turn.Inbox{Desk: says("resposta")})
	if err := s.run(t.Context()); err != nil {
		t.Errorf("Run = %v, want none", err)
	}
	s.ended(t, "lost")
}

func TestBeginning(t *testing.T) {
	t.Parallel()
	locked := fault.New(fault.Transient, "database is locked")
	for _, c := range []struct{ err, want error }{{store.ErrLost, nil}, {fmt.Errorf("begin: %w", store.ErrLost), nil}, {locked, locked}} {
		s := build(&memory{beginErr: c.err}, turn.Inbox{Desk: says("resposta")})
		if err := s.run(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("Run = %v, want %v", err, c.want)
		}
		if len(s.done) > 0 || len(s.m.decisions) > 0 || len(s.m.released) > 0 {
			t.Errorf("after %v: told %v, decided %v, released %v, want nothing", c.err, s.done, s.m.decisions, s.m.released)
		}
	}
}

func TestMissingInboxWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := due()
		w.Conversation.Inbox = "antiga"
		s := build(&memory{turn: w}, turn.Inbox{Desk: says("resposta")})
		if err := s.run(t.Context()); err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		s.ended(t, "no_inbox", "7/3 due in 1h0m0s failed false")
	})
}

// Told to stop while thinking, the turn is due at once for whoever comes next; told to stop
// with a decision made, the decision is kept.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := build(&memory{turn: due()}, turn.Inbox{Desk: desk(thinks)})
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		s.ended(t, "released", "7/3 due as before failed false")
	})
	ctx, stop := context.WithCancel(t.Context())
	s := build(&memory{turn: due()}, turn.Inbox{Desk: desk(func(context.Context, agent.Input) (agent.Decision, error) {
		stop()
		return agent.Decision{Outcome: agent.Replied, Replies: replies("resposta")}, nil
	})})
	if err := s.run(ctx); err != nil || len(s.m.decisions) != 1 {
		t.Errorf("Run, stopped after the decision = %v with %d decisions, want 1", err, len(s.m.decisions))
	}
	s.ended(t, "replied")
}

// A release that fails is said and costs nothing more: the lease runs out.
func TestReleaseFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		warned bool
	}{{fault.New(fault.Transient, "database is locked"), true}, {store.ErrLost, false}} {
		s := build(&memory{turn: due(), decideErr: store.ErrStale, freeErr: c.err}, turn.Inbox{Desk: says("resposta")})
		if err := s.run(t.Context()); err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		if got := strings.Contains(s.log.String(), "turn not released"); got != c.warned {
			t.Errorf("after %v warned %v, want %v", c.err, got, c.warned)
		}
	}
}
