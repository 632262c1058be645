package turn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/turn"
)

// A process that stood still, or whose database did, finds its lease run out: another one
// may be thinking by now.
func TestNothingBeginsAfterTheLease(t *testing.T) {
	t.Parallel()
	for slow, want := range map[time.Duration]int{lease - time.Millisecond: 1, lease: 0, time.Minute: 0} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			s := build(&memory{turn: due(), begin: func() { time.Sleep(slow) }}, turn.Inbox{Desk: desk(func(context.Context, agent.Input) (agent.Decision, error) {
				asked++
				return agent.Decision{Outcome: agent.Replied, Reason: "model", Replies: replies("resposta")}, nil
			})})
			if err := s.run(t.Context()); err != nil {
				t.Fatalf("Run: %v", err)
			}
			if asked != want || len(s.m.decisions) != want {
				t.Errorf("BeginTurn answered after %v of %v: the desk was asked %d times and %d decisions were made, want %d", slow, lease, asked, len(s.m.decisions), want)
			}
		})
	}
}

// What one process had to spool may be stored after what came later to another.
func TestMessagesAreReadInTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{turn: due()}
		m.turn.Pending[0].At, m.turn.Pending[1].At = time.Now().Add(-2*time.Second), time.Now().Add(-3*time.Second)
		var asked []conversation.MessageID
		s := build(m, turn.Inbox{Desk: desk(func(_ context.Context, in agent.Input) (agent.Decision, error) {
			for _, p := range in.Pending {
				asked = append(asked, p.ID)
			}
			return agent.Decision{Outcome: agent.Replied, Reason: "model", Replies: replies("resposta")}, nil
		})})
		if err := s.run(t.Context()); err != nil {
			t.Fatalf("Run: %v", err)
		}
		if diff := cmp.Diff([]conversation.MessageID{42, 41}, asked); diff != "" {
			t.Errorf("order of messages (-want +got):\n%s", diff)
		}
		if got := s.m.decisions[0].Through; got != 42 {
			t.Errorf("the decision answers messages through %d, want 42", got)
		}
	})
}
