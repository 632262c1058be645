package turn_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/turn"
)

func decides(d agent.Decision) desk {
	return func(context.Context, agent.Input) (agent.Decision, error) { return d, nil }
}

// Everything that a desk may want, in the order in which it goes out.
func TestEverythingThatIsDecided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lead := &agent.Lead{State: "qualified", Score: 70, MaxScore: 100, ScoreTable: "bant/1", Body: []byte(`{}`)}
		s := build(&memory{turn: due()}, turn.Inbox{Team: "3", Labels: []string{"bot"}, Hold: time.Hour, Desk: decides(agent.Decision{
			Outcome: agent.HandedOver, Reason: "playbook",
			Replies: []agent.Reply{{Text: "uma", Quote: "k1"}, {Text: strings.Repeat("duas ", 10), Quote: "k2"}},
			Calls:   []agent.Call{{Workflow: "create_lead", Arguments: `{"name":"Ana"}`}},
			Handoff: &agent.Handoff{Reason: conversation.ByHandoff, Note: "nota", Attributes: map[string]string{"lead_score": "70"}, Labels: []string{"quente", "bot"}, Person: "8"},
			Memory:  []byte(`{"v":1}`), Profile: []byte(`{"v":1,"name":"Ana"}`), Lead: lead, Sources: 2,
		})})
		s.m.turn.Conversation.ContactName = "Ana"
		if err := s.run(t.Context()); err != nil {
			t.Fatalf("Run: %v", err)
		}
		got := s.m.decisions[0]
		want := []channel.Order{
			{Kind: channel.Say, Text: "uma", ReplyTo: "k1"},
			{Kind: channel.Say, Text: strings.TrimSpace(strings.Repeat("duas ", 10)), ReplyTo: "k2", Pause: 49 * 40 * time.Millisecond},
			{Kind: channel.Note, Text: "nota"},
			{Kind: channel.Attributes, Attributes: map[string]string{"lead_score": "70"}},
			{Kind: channel.Labels, Labels: []string{"bot", "quente"}},
			{Kind: channel.Assign, Team: "3", Person: "8"},
			{Kind: channel.OpenUp},
			{Kind: channel.Call, Workflow: "create_lead", Arguments: `{"name":"Ana"}`},
		}
		if diff := cmp.Diff(want, got.Orders, anyID); diff != "" {
			t.Errorf("orders differ (-want +got):\n%s", diff)
		}
		wantLead := &store.Lead{Conversation: conv, Inbox: "vendas", Desk: "recepcao", ContactName: "Ana", State: "qualified", Score: 70, MaxScore: 100, ScoreTable: "bant/1", Body: []byte(`{}`), UpdatedAt: time.Now()}
		if diff := cmp.Diff(wantLead, got.Lead); diff != "" {
			t.Errorf("lead differs (-want +got):\n%s", diff)
		}
		if string(got.Memory) != `{"v":1}` || string(got.Profile) != `{"v":1,"name":"Ana"}` || got.OptOut || got.HandOver != conversation.ByHandoff || got.Hold != time.Hour {
			t.Errorf("decision = %+v, want what the desk decided", got)
		}
		if d := s.ended(t, "handed_over"); d.Calls != 1 || d.Sources != 2 || d.Replies != 2 {
			t.Errorf("told %+v, want 2 replies, 1 call and 2 sources", d)
		}
	})
}

// What is for people may be said without giving the conversation away.
func TestNotesWithoutAHandoff(t *testing.T) {
	t.Parallel()
	s := build(&memory{turn: due()}, turn.Inbox{Team: "3", Labels: []string{"bot"}, Desk: decides(agent.Decision{
		Outcome: agent.OptedOut, Replies: replies("resposta"), Note: "nota", Attributes: map[string]string{"a": "b"}, Labels: []string{"frio"}, OptOut: true})})
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	want := []channel.Order{{Kind: channel.Say, Text: "resposta"}, {Kind: channel.Note, Text: "nota"}, {Kind: channel.Attributes, Attributes: map[string]string{"a": "b"}}, {Kind: channel.Labels, Labels: []string{"frio"}}}
	if d := s.m.decisions[0]; !cmp.Equal(want, d.Orders, anyID) || d.HandOver != "" || !d.OptOut {
		t.Errorf("decision = %+v, want the opt-out and no handoff (-want +got):\n%s", d, cmp.Diff(want, d.Orders, anyID))
	}
}

func TestWhatTheDeskIsTold(t *testing.T) {
	t.Parallel()
	w := due()
	w.Conversation.Contact, w.Conversation.ContactName, w.Conversation.State.Episode = 9, "Ana", 2
	w.Memory, w.Profile, w.OptedOut, w.Fired = []byte("m"), []byte("p"), true, []store.Firing{{Workflow: "w", Key: "k"}, {Workflow: "v", Key: store.FiringKey(`{"a":1}`), Status: store.FailedPermanent}}
	var in agent.Input
	s := build(&memory{turn: w}, turn.Inbox{Desk: desk(func(_ context.Context, got agent.Input) (agent.Decision, error) {
		in = got
		return agent.Decision{Outcome: agent.Silent}, nil
	})})
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	want := agent.Input{Pending: w.Pending, History: w.History, Now: in.Now, Conversation: conv, Contact: 9, ContactName: "Ana", Episode: 2, Memory: w.Memory, Profile: w.Profile, Fired: []agent.Firing{{Workflow: "w", Key: "k"}, {Workflow: "v", Key: agent.Call{Arguments: `{"a":1}`}.Key(), Failed: true}}, OptedOut: true}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("what the desk was told differs (-want +got):\n%s", diff)
	}
	if len(s.m.decisions) != 1 || len(s.m.decisions[0].Orders) > 0 {
		t.Errorf("silence became %+v, want a decision without orders", s.m.decisions)
	}
}

// Typing is shown while the desk thinks, not for what a rule answers at once, and nobody
// waits for it.
func TestTyping(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		thinks time.Duration
		change func(*store.Turn)
		shown  int
	}{
		"while it thinks":        {2 * time.Second, func(*store.Turn) {}, 1},
		"not for a rule":         {100 * time.Millisecond, func(*store.Turn) {}, 0},
		"not against his wish":   {2 * time.Second, func(w *store.Turn) { w.OptedOut = true }, 0},
		"not for a broken turn":  {2 * time.Second, func(w *store.Turn) { w.Failures = 3 }, 0},
		"not for a result alone": {2 * time.Second, func(w *store.Turn) { w.Pending = []conversation.Message{{ID: 42, Author: conversation.System}} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shown := 0
				w := due()
				w.Conversation.Address = channel.Address{Thread: "1/128"}
				c.change(&w)
				s := build(&memory{turn: w}, turn.Inbox{Desk: desk(func(ctx context.Context, _ agent.Input) (agent.Decision, error) {
					time.Sleep(c.thinks)
					return agent.Decision{Outcome: agent.Replied, Replies: replies("resposta")}, nil
				}), Typing: func(ctx context.Context, to channel.Address) {
					if to.Thread != "1/128" {
						t.Errorf("typing is shown at %+v", to)
					}
					shown++
					<-ctx.Done() // a helpdesk that does not answer
				}})
				began := time.Now()
				if err := s.run(t.Context()); err != nil {
					t.Fatalf("Run: %v", err)
				}
				if took := time.Since(began); shown != c.shown || took != c.thinks {
					t.Errorf("typing was shown %d times and the turn took %v, want %d and %v", shown, took, c.shown, c.thinks)
				}
			})
		})
	}
}

// A turn that is thinking ends with the desk it began with; the next one has the new.
func TestSetInboxes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		old := desk(func(context.Context, agent.Input) (agent.Decision, error) {
			<-release
			return agent.Decision{Outcome: agent.Replied, Replies: replies("velha")}, nil
		})
		s := build(&memory{turn: due()}, turn.Inbox{Desk: old})
		ended := make(chan error, 1)
		go func() { ended <- s.run(t.Context()) }()
		synctest.Wait()
		s.SetInboxes(map[string]turn.Inbox{"vendas": {Desk: says("nova"), Supports: all}})
		close(release)
		if err := <-ended; err != nil {
			t.Fatalf("Run: %v", err)
		}
		if err := s.Run(t.Context(), job.Turn{Conversation: conv, Fence: fence}); err != nil {
			t.Fatalf("Run: %v", err)
		}
		var said []string
		for _, d := range s.m.decisions {
			said = append(said, d.Orders[0].Text)
		}
		if diff := cmp.Diff([]string{"velha", "nova"}, said); diff != "" {
			t.Errorf("what was said (-want +got):\n%s", diff)
		}
	})
}
