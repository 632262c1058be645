package turn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/store"
	"secretaria/internal/turn"
)

func woken() store.Turn {
	w := due()
	w.Pending, w.FirstPending, w.Woken = nil, time.Time{}, true
	return w
}

// A turn to which nobody has written is decided like any other, and shows nobody that
// somebody types.
func TestWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var in agent.Input
		wake := time.Now().Add(time.Hour)
		s := build(&memory{turn: woken()}, turn.Inbox{
			Desk: desk(func(_ context.Context, got agent.Input) (agent.Decision, error) {
				in = got
				time.Sleep(time.Second)
				return agent.Decision{Outcome: agent.Replied, Reason: "silence", Replies: replies("resposta"), WakeAt: wake}, nil
			}),
			Typing: func(context.Context, channel.Address) { t.Error("typing is shown to somebody who has not written") },
		})
		if err := s.run(t.Context()); err != nil {
			t.Fatalf("Run: %v", err)
		}
		if !in.Woken || len(in.Pending) > 0 || len(in.History) != 1 {
			t.Errorf("the desk was told woken %v with %d pending and %d before, want what nobody wrote", in.Woken, len(in.Pending), len(in.History))
		}
		d := s.m.decisions[0]
		if diff := cmp.Diff([]channel.Order{{Kind: channel.Say, Text: "resposta"}}, d.Orders, anyID); diff != "" || d.Through != 0 || !d.WakeAt.Equal(wake) {
			t.Errorf("decision answers through %d and wakes at %v, want 0 and %v; orders (-want +got):\n%s", d.Through, d.WakeAt, wake, diff)
		}
		if got := s.ended(t, "replied"); got.Pending != 0 || got.SinceAccept != 0 || got.Waited != 2*time.Second {
			t.Errorf("told %+v, want nobody who waited", got)
		}
	})
}

// Mostly there is nothing to do.
func TestWokenForNothing(t *testing.T) {
	t.Parallel()
	s := build(&memory{turn: woken()}, turn.Inbox{Desk: decides(agent.Decision{Outcome: agent.Silent, Reason: "woken"})})
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if d := s.m.decisions[0]; len(d.Orders) > 0 || !d.WakeAt.IsZero() || d.HandOver != "" {
		t.Errorf("decision = %+v, want nothing", d)
	}
	s.ended(t, "silent")
}
