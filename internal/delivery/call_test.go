package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/fault"
	"secretaria/internal/store"
	"secretaria/internal/workflow"
)

// engine is one that does as it is told; without a word it answers with a link.
type engine struct {
	call func(ctx context.Context, try int) (workflow.Answer, error)
	ask  func(ctx context.Context, try int) (workflow.Verdict, workflow.Answer, error)

	mu    sync.Mutex
	start time.Time
	heard []string
	last  workflow.Request
	tries int
	asked int
}

var linked = workflow.Answer{Status: 200, Result: json.RawMessage(`{"link_meet":"https://meet.example/a"}`)}

func (e *engine) hear(what string, r workflow.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.start.IsZero() {
		e.start = time.Now()
	}
	e.heard = append(e.heard, fmt.Sprintf("%s %v", what, time.Since(e.start)))
	e.last = r
}

func (e *engine) Call(ctx context.Context, r workflow.Request) (workflow.Answer, error) {
	e.hear("call", r)
	e.tries++
	if e.call == nil {
		return linked, nil
	}
	return e.call(ctx, e.tries)
}

func (e *engine) Reconcile(ctx context.Context, r workflow.Request) (workflow.Verdict, workflow.Answer, error) {
	e.hear("ask", r)
	e.asked++
	if e.ask == nil {
		return workflow.CannotTell, workflow.Answer{}, nil
	}
	return e.ask(ctx, e.asked)
}

func (e *engine) Probe(context.Context) error { return nil }

// breaks gives an error for each try in turn, the last one again and again; nil: it answers.
func breaks(errs ...error) func(context.Context, int) (workflow.Answer, error) {
	return func(_ context.Context, try int) (workflow.Answer, error) {
		if err := errs[min(try, len(errs))-1]; err != nil {
			return workflow.Answer{}, err
		}
		return linked, nil
	}
}

// knows gives a verdict or an error for each question in turn, the last one again and again.
func knows(answers ...any) func(context.Context, int) (workflow.Verdict, workflow.Answer, error) {
	return func(_ context.Context, try int) (workflow.Verdict, workflow.Answer, error) {
		switch a := answers[min(try, len(answers))-1].(type) {
		case error:
			return workflow.CannotTell, workflow.Answer{}, a
		case workflow.Verdict:
			if a == workflow.Taken {
				return a, linked, nil
			}
			return a, workflow.Answer{}, nil
		default:
			panic(fmt.Sprintf("answer %T", a))
		}
	}
}

func flows(repeatable bool) map[string]workflow.Declared {
	d := workflow.ScheduleMeeting("https://n8n.example/webhook/meet")
	d.Repeatable = repeatable
	return map[string]workflow.Declared{d.Name: d}
}

func call() channel.Order {
	return channel.Order{Kind: channel.Call, Workflow: workflow.NameScheduleMeeting, Arguments: `{"name":"Ana"}`}
}

// told lists what the desk is told of workflows.
func (k *kit) told() []string {
	k.Helper()
	ms, err := k.m.Transcript(k.Context(), k.conv, 20)
	if err != nil {
		k.Fatalf("Transcript: %v", err)
	}
	var out []string
	for _, m := range ms {
		if n, ok := workflow.ReadNews(m.Content); ok {
			out = append(out, fmt.Sprintf("%s failed=%v %s", n.Workflow, n.Failed, n.Result))
			if m.Author != conversation.System {
				k.Errorf("news is said by %q, want %q", m.Author, conversation.System)
			}
		}
	}
	return out
}

// Everything that a call can end in, with the times at which it is made and asked about.
func TestCalls(t *testing.T) {
	t.Parallel()
	gone := &fault.Error{Kind: fault.NotFound, Code: "workflow inactive or unknown", Status: 404}
	broke := &fault.Error{Kind: fault.Permanent, Code: "workflow failed", Status: 500}
	const done = `schedule_meeting failed=false {"link_meet":"https://meet.example/a"}`
	failed := func(cause string) []string {
		return []string{`schedule_meeting failed=true {"error":"` + cause + `"}`}
	}
	for name, c := range map[string]struct {
		call       func(context.Context, int) (workflow.Answer, error)
		ask        func(context.Context, int) (workflow.Verdict, workflow.Answer, error)
		repeatable bool
		heard      []string
		row        string
		told       []string
	}{
		"done": {heard: []string{"call 0s"}, row: "workflow SENT 1 (200)", told: []string{done}},
		"only started": {call: func(context.Context, int) (workflow.Answer, error) { return workflow.Answer{Status: 200}, nil },
			heard: []string{"call 0s"}, row: "workflow SENT 1 (200)"},
		"down, then there": {call: breaks(down, nil), heard: []string{"call 0s", "call 5s"}, row: "workflow SENT 2 (200)", told: []string{done}},
		"down for good": {call: breaks(down), heard: []string{"call 0s", "call 5s", "call 20s", "call 1m5s", "call 2m35s", "call 4m5s"},
			row: "workflow FAILED_PERMANENT 6: status 503 (503)", told: failed("status 503")},
		"asked to come later":   {call: breaks(slowDown(time.Minute), nil), heard: []string{"call 0s", "call 1m0s"}, row: "workflow SENT 2 (200)", told: []string{done}},
		"inactive, then active": {call: breaks(gone, gone, nil), heard: []string{"call 0s", "call 30s", "call 2m30s"}, row: "workflow SENT 3 (200)", told: []string{done}},
		"inactive": {call: breaks(gone), heard: []string{"call 0s", "call 30s", "call 2m30s", "call 12m30s"},
			row: "workflow FAILED_PERMANENT 4: workflow inactive or unknown (404)", told: failed("workflow inactive or unknown")},
		"ran and failed": {call: breaks(broke), heard: []string{"call 0s"}, row: "workflow FAILED_PERMANENT 1: workflow failed (500)", told: failed("workflow failed")},
		"refused": {call: breaks(&fault.Error{Kind: fault.Unauthorized, Code: "credentials refused", Status: 403}), heard: []string{"call 0s"},
			row: "workflow FAILED_PERMANENT 1: credentials refused (403)", told: failed("credentials refused")},
		"lost, and nobody can tell": {call: breaks(cut), heard: []string{"call 0s", "ask 5s"}, row: "workflow FAILED_PERMANENT 1 uncertain: outcome unknown", told: failed("outcome unknown")},
		"lost, and it had run":      {call: breaks(cut), ask: knows(workflow.Taken), heard: []string{"call 0s", "ask 5s"}, row: "workflow SENT 1 (200)", told: []string{done}},
		"lost, and it had failed":   {call: breaks(cut), ask: knows(workflow.Failed), heard: []string{"call 0s", "ask 5s"}, row: "workflow FAILED_PERMANENT 1 uncertain: workflow failed", told: failed("workflow failed")},
		"lost, and it had not run":  {call: breaks(cut, nil), ask: knows(workflow.NotTaken), heard: []string{"call 0s", "ask 5s", "call 5s"}, row: "workflow SENT 2 (200)", told: []string{done}},
		"lost, and too early to tell": {call: breaks(cut), ask: knows(down, down, workflow.Taken), heard: []string{"call 0s", "ask 5s", "ask 10s", "ask 15s"},
			row: "workflow SENT 1 (200)", told: []string{done}},
		"lost, and it drops repeats":      {call: breaks(cut, nil), repeatable: true, heard: []string{"call 0s", "ask 5s", "call 5s"}, row: "workflow SENT 2 (200)", told: []string{done}},
		"lost always, and drops repeats":  {call: breaks(cut), repeatable: true, heard: []string{"call 0s", "ask 5s", "call 5s", "ask 20s", "call 20s", "ask 1m5s", "call 1m5s", "ask 2m35s", "call 2m35s", "ask 4m5s", "call 4m5s", "ask 5m35s"}, row: "workflow FAILED_PERMANENT 6 uncertain: outcome unknown", told: failed("outcome unknown")},
		"lost, and the engine never says": {call: breaks(cut), ask: knows(slowDown(10 * time.Minute)), heard: []string{"call 0s", "ask 5s", "ask 10m5s", "ask 20m5s"}, row: "workflow FAILED_PERMANENT 1 uncertain: outcome unknown", told: failed("outcome unknown")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &engine{call: c.call, ask: c.ask}
				k := newKit(t, delivery.Inbox{Sender: &sender{}, Engine: e, Workflows: flows(c.repeatable)}, call())
				k.settle()
				if diff := cmp.Diff(c.heard, e.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{c.row}, k.rows()); diff != "" {
					t.Errorf("deliveries differ (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.told, k.told()); diff != "" {
					t.Errorf("what the desk is told differs (-want +got):\n%s", diff)
				}
				if k.holder() != "bot " {
					t.Errorf("holder = %q, want the bot: the desk decides what a failure means", k.holder())
				}
			})
		})
	}
}

// The key is the delivery's, the same for every try, and the first try's time is told.
func TestCallIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []workflow.Request
		e := &engine{}
		began := time.Now()
		e.call = func(_ context.Context, try int) (workflow.Answer, error) {
			seen = append(seen, e.last)
			return breaks(down, down, nil)(t.Context(), try)
		}
		k := newKit(t, delivery.Inbox{Sender: &sender{}, Engine: e, Workflows: flows(false)}, call())
		k.settle()
		if len(seen) != 3 {
			t.Fatalf("calls = %d, want 3", len(seen))
		}
		for _, r := range seen {
			if r.Key == "" || r.Key != seen[0].Key || string(r.Arguments) != `{"name":"Ana"}` || r.Workflow.Name != workflow.NameScheduleMeeting ||
				r.Conversation != int64(k.conv) || r.Correlation != "c-1" || !r.Since.Equal(began) {
				t.Errorf("request = %+v, want that of the delivery since %v", r, began)
			}
		}
	})
}

// A workflow that is not declared any more may come back with the next configuration.
func TestWorkflowThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{}
		k := newKit(t, delivery.Inbox{Sender: &sender{}, Engine: e}, call())
		k.until(time.Minute)
		if diff := cmp.Diff([]string{"workflow FAILED_TEMPORARY 2: workflow not configured"}, k.rows()); diff != "" {
			t.Errorf("deliveries differ (-want +got):\n%s", diff)
		}
		k.w.SetInboxes(map[string]delivery.Inbox{"vendas": {Sender: &sender{}, Engine: e, Workflows: flows(false)}})
		k.settle()
		if diff := cmp.Diff([]string{"workflow SENT 3 (200)"}, k.rows()); diff != "" {
			t.Errorf("deliveries differ (-want +got):\n%s", diff)
		}
	})
}

// A person takes the conversation over while the call waits for its next try: it is made all
// the same, and people read in a note what came of it, where there are notes.
func TestCallThroughATakeover(t *testing.T) {
	t.Parallel()
	const done, failed = "**schedule\\_meeting**: concluído.\n\n- link\\_meet: <https://meet.example/a>",
		"**schedule\\_meeting**: não deu certo (workflow failed). Verifique no fluxo o que chegou a ser feito antes de repetir."
	busy := fault.New(fault.Transient, "refused")
	for name, c := range map[string]struct {
		second error
		lacks  map[channel.OrderKind]bool
		note   string
	}{
		"done":     {nil, nil, done},
		"failed":   {fault.New(fault.Permanent, "workflow failed"), nil, failed},
		"no notes": {nil, map[channel.OrderKind]bool{channel.Note: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &engine{call: breaks(busy, c.second)}
				k := newKit(t, delivery.Inbox{Sender: &sender{lacks: c.lacks}, Engine: e, Workflows: flows(false)}, call())
				k.until(time.Second)
				if err := k.m.TakeOver(t.Context(), k.conv, time.Hour, time.Now()); err != nil {
					t.Fatalf("TakeOver: %v", err)
				}
				k.settle()
				if diff := cmp.Diff([]string{"call 0s", "call 5s"}, e.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
				ds, err := k.m.Deliveries(t.Context(), store.Filter{Conversation: k.conv})
				if err != nil {
					t.Fatalf("Deliveries: %v", err)
				}
				var got string
				for _, d := range ds {
					if d.Order.Kind == channel.Note {
						got += d.Order.Text
					}
				}
				if got != c.note {
					t.Errorf("people read %q, want %q", got, c.note)
				}
			})
		})
	}
}

// Nothing leaves an inbox without a helpdesk.
func TestDryInboxCallsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{}
		k := newKit(t, delivery.Inbox{Sender: &sender{}, Dry: true, Engine: e, Workflows: flows(false)}, call())
		k.settle()
		if diff := cmp.Diff([]string{"workflow CANCELLED 1: dry run"}, k.rows()); diff != "" || len(e.heard) > 0 || len(k.told()) > 0 {
			t.Errorf("deliveries differ (-want +got):\n%s\nheard %v, told %v", diff, e.heard, k.told())
		}
	})
}

// A process that dies while a workflow runs: the next one asks and does not call again.
func TestCallThroughACrash(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask        any
		repeatable bool
		heard      []string
		row        string
	}{
		"it had run":          {workflow.Taken, false, []string{"call 0s", "ask 11s"}, "workflow SENT 1 (200)"},
		"nobody can tell":     {workflow.CannotTell, false, []string{"call 0s", "ask 11s"}, "workflow FAILED_PERMANENT 1 uncertain: outcome unknown"},
		"it drops repeats":    {workflow.CannotTell, true, []string{"call 0s", "ask 11s", "call 11s"}, "workflow SENT 2 (200)"},
		"it had not been run": {workflow.NotTaken, false, []string{"call 0s", "ask 11s", "call 11s"}, "workflow SENT 2 (200)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &engine{ask: knows(c.ask), call: func(_ context.Context, try int) (workflow.Answer, error) {
					if try == 1 {
						panic("killed")
					}
					return linked, nil
				}}
				k := newKit(t, delivery.Inbox{Sender: &sender{}, Engine: e, Workflows: flows(c.repeatable)}, call())
				func() {
					defer func() { _ = recover() }()
					_ = k.run(t.Context())
				}()
				time.Sleep(lease)
				k.settle()
				if diff := cmp.Diff(c.heard, e.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{c.row}, k.rows()); diff != "" {
					t.Errorf("deliveries differ (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Our own stop in the middle of a call leaves it in doubt; the next process asks.
func TestStopWhileCalling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{ask: knows(workflow.Taken), call: func(ctx context.Context, _ int) (workflow.Answer, error) {
			<-ctx.Done()
			return workflow.Answer{}, cut
		}}
		k := newKit(t, delivery.Inbox{Sender: &sender{}, Engine: e, Workflows: flows(false)}, call())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.run(ctx) }()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		if err := k.m.Recover(t.Context(), time.Now()); err != nil {
			t.Fatalf("Recover: %v", err)
		}
		k.settle()
		if diff := cmp.Diff([]string{"workflow SENT 1 (200)"}, k.rows()); diff != "" {
			t.Errorf("deliveries differ (-want +got):\n%s", diff)
		}
	})
}

// While a bubble waits for its pause the customer sees the bot type, unless a person took over.
func TestTyping(t *testing.T) {
	t.Parallel()
	second := say("dois")
	second.Pause = 4 * time.Second
	for name, c := range map[string]struct {
		orders []channel.Order
		inbox  delivery.Inbox
		lacks  map[channel.OrderKind]bool
		holds  func(context.Context, conversation.ID) bool
		heard  []string
	}{
		"more to come":  {orders: []channel.Order{say("um"), second}, heard: []string{"um 0s", "typing 0s", "dois 4s"}},
		"all is said":   {orders: []channel.Order{say("um")}, heard: []string{"um 0s"}},
		"without pause": {orders: []channel.Order{say("um"), say("dois")}, heard: []string{"um 0s", "dois 0s"}},
		"a person took over": {orders: []channel.Order{say("um"), second}, holds: func(context.Context, conversation.ID) bool { return false },
			heard: []string{"um 0s", "dois 4s"}},
		"not shown there": {orders: []channel.Order{say("um"), second}, lacks: map[channel.OrderKind]bool{channel.Typing: true}, heard: []string{"um 0s", "dois 4s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{lacks: c.lacks}
				k := newKit(t, delivery.Inbox{Sender: s}, c.orders...)
				holds := c.holds
				if holds == nil {
					holds = func(ctx context.Context, id conversation.ID) bool {
						conv, err := k.m.Conversation(ctx, id)
						return err == nil && conv.State.Holder == conversation.Bot
					}
				}
				k.w = delivery.New(delivery.Config{Memory: k.m, Inboxes: map[string]delivery.Inbox{"vendas": {Sender: s}}, Lease: lease, BotHolds: holds})
				k.settle()
				if diff := cmp.Diff(c.heard, s.heard); diff != "" {
					t.Errorf("what was shown differs (-want +got):\n%s", diff)
				}
				for _, row := range k.rows() {
					if row[:3] != "say" {
						t.Errorf("%s is recorded, want only what was said", row)
					}
				}
			})
		})
	}
}

// A helpdesk that hangs on typing holds nothing up for long.
func TestTypingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		second := say("dois")
		second.Pause = 10 * time.Second
		s := &stuck{}
		k := newKit(t, delivery.Inbox{Sender: s}, say("um"), second)
		k.w = delivery.New(delivery.Config{Memory: k.m, Inboxes: map[string]delivery.Inbox{"vendas": {Sender: s}}, Lease: lease,
			BotHolds: func(context.Context, conversation.ID) bool { return true }})
		k.settle()
		if diff := cmp.Diff([]string{"um 0s", "dois 10s"}, s.heard); diff != "" {
			t.Errorf("what was said differs (-want +got):\n%s", diff)
		}
		if s.stuck != 3*time.Second {
			t.Errorf("typing took %v, want 3s", s.stuck)
		}
	})
}

// stuck is a helpdesk that never answers to typing.
type stuck struct {
	sender
	stuck time.Duration
}

func (s *stuck) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	if o.Kind == channel.Typing {
		began := time.Now()
		<-ctx.Done()
		s.stuck = time.Since(began)
		return channel.Receipt{}, ctx.Err()
	}
	return s.sender.Do(ctx, o)
}
