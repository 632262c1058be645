package conversation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	before = noon.Add(-time.Minute)
	after  = noon.Add(time.Minute)
)

func TestObserve(t *testing.T) {
	t.Parallel()
	bot := State{Holder: Bot, Epoch: 3, Status: Pending, StatusAt: noon}
	handedOver := State{Holder: Human, Reason: ByHandoff, Epoch: 3, Status: Pending, StatusAt: noon}
	taken := State{Holder: Human, Reason: ByMessage, Epoch: 3, Status: Open, StatusAt: noon}
	closed := State{Holder: Closed, Reason: ByResolving, Epoch: 3, Status: Resolved, StatusAt: noon}
	stays := func(s State) Change { return Change{From: s.Holder, To: s.Holder} }
	for _, c := range []struct {
		name  string
		state State
		snap  Snapshot
		self  string
		want  Change
		then  State
	}{
		{"nothing said changes nothing", bot, Snapshot{}, "", stays(bot), bot},
		{"pending again and again", bot, Snapshot{Status: Pending, At: after}, "", stays(bot),
			State{Holder: Bot, Epoch: 3, Status: Pending, StatusAt: after}},
		{"opened by a person", bot, Snapshot{Status: Open, At: after}, "", Change{From: Bot, To: Human, Reason: ByOpening, TakenOver: true},
			State{Holder: Human, Reason: ByOpening, Epoch: 4, Status: Open, StatusAt: after}},
		{"snoozed by a person", bot, Snapshot{Status: Snoozed, At: after}, "", Change{From: Bot, To: Human, Reason: ByOpening, TakenOver: true},
			State{Holder: Human, Reason: ByOpening, Epoch: 4, Status: Snoozed, StatusAt: after}},
		{"opened by assignment", bot, Snapshot{Status: Open, Assignee: APerson, AssigneeID: "7", At: after}, "", Change{From: Bot, To: Human, Reason: ByAssignment, TakenOver: true},
			State{Holder: Human, Reason: ByAssignment, Epoch: 4, Status: Open, StatusAt: after}},
		{"assigned while it stays pending, where no person looks", bot, Snapshot{Status: Pending, Assignee: APerson, At: after}, "",
			Change{From: Bot, To: Human, Reason: ByAssignment, TakenOver: true, ShouldOpen: true},
			State{Holder: Human, Reason: ByAssignment, Epoch: 4, Status: Pending, StatusAt: after}},
		{"assigned without a status", bot, Snapshot{Assignee: APerson}, "", Change{From: Bot, To: Human, Reason: ByAssignment, TakenOver: true, ShouldOpen: true},
			State{Holder: Human, Reason: ByAssignment, Epoch: 4, Status: Pending, StatusAt: noon}},
		{"assigned to us", bot, Snapshot{Status: Pending, Assignee: SomeBot, AssigneeID: "9", At: after}, "9", stays(bot),
			State{Holder: Bot, Epoch: 3, Status: Pending, StatusAt: after}},
		{"assigned to a bot while our own id is not learnt", bot, Snapshot{Status: Pending, Assignee: SomeBot, AssigneeID: "8", At: after}, "", stays(bot),
			State{Holder: Bot, Epoch: 3, Status: Pending, StatusAt: after}},
		{"assigned to a bot without an id", bot, Snapshot{Assignee: SomeBot}, "9", stays(bot), bot},
		{"assigned to another bot, which keeps its pending conversation", bot, Snapshot{Status: Pending, Assignee: SomeBot, AssigneeID: "8", At: after}, "9",
			Change{From: Bot, To: Human, Reason: ByAssignment, TakenOver: true},
			State{Holder: Human, Reason: ByAssignment, Epoch: 4, Status: Pending, StatusAt: after}},
		{"assigned to nobody", bot, Snapshot{Assignee: Nobody}, "", stays(bot), bot},
		{"resolved", bot, Snapshot{Status: Resolved, At: after}, "", Change{From: Bot, To: Closed, Reason: ByResolving, TakenOver: true},
			State{Holder: Closed, Reason: ByResolving, Epoch: 4, Status: Resolved, StatusAt: after}},

		{"an old opening takes it all the same", bot, Snapshot{Status: Open, At: before}, "", Change{From: Bot, To: Human, Reason: ByOpening, TakenOver: true, ShouldOpen: true},
			State{Holder: Human, Reason: ByOpening, Epoch: 4, Status: Pending, StatusAt: noon}},
		{"an old closing does not close", bot, Snapshot{Status: Resolved, At: before}, "", stays(bot), bot},

		{"our handoff shows as open: its farewell is over", handedOver, Snapshot{Status: Open, At: after}, "", Change{From: Human, To: Human, Reason: ByOpening, TakenOver: true},
			State{Holder: Human, Reason: ByOpening, Epoch: 4, Status: Open, StatusAt: after}},
		{"our handoff, still pending", handedOver, Snapshot{Status: Pending, At: after}, "", stays(handedOver),
			State{Holder: Human, Reason: ByHandoff, Epoch: 3, Status: Pending, StatusAt: after}},
		{"our handoff is assigned", handedOver, Snapshot{Assignee: APerson}, "", Change{From: Human, To: Human, Reason: ByAssignment, TakenOver: true, ShouldOpen: true},
			State{Holder: Human, Reason: ByAssignment, Epoch: 4, Status: Pending, StatusAt: noon}},
		{"our handoff is resolved before its farewell was said", handedOver, Snapshot{Status: Resolved, At: after}, "", Change{From: Human, To: Closed, Reason: ByResolving, TakenOver: true},
			State{Holder: Closed, Reason: ByResolving, Epoch: 4, Status: Resolved, StatusAt: after}},

		{"open again in a person's hands", taken, Snapshot{Status: Open, At: after}, "", stays(taken),
			State{Holder: Human, Reason: ByMessage, Epoch: 3, Status: Open, StatusAt: after}},
		{"handed back", taken, Snapshot{Status: Pending, At: after}, "", Change{From: Human, To: Bot, Reason: ByPending},
			State{Holder: Bot, Reason: ByPending, Epoch: 3, Episode: 1, Status: Pending, StatusAt: after}},
		{"handed back, unassigned", taken, Snapshot{Status: Pending, Assignee: Nobody, At: after}, "", Change{From: Human, To: Bot, Reason: ByPending},
			State{Holder: Bot, Reason: ByPending, Epoch: 3, Episode: 1, Status: Pending, StatusAt: after}},
		{"handed back without a version", taken, Snapshot{Status: Pending}, "", Change{From: Human, To: Bot, Reason: ByPending},
			State{Holder: Bot, Reason: ByPending, Epoch: 3, Episode: 1, Status: Pending, StatusAt: noon}},
		{"an old pending hands nothing back", taken, Snapshot{Status: Pending, At: before}, "", stays(taken), taken},
		{"pending and assigned to a person is no hand-back", taken, Snapshot{Status: Pending, Assignee: APerson, At: after}, "", stays(taken),
			State{Holder: Human, Reason: ByMessage, Epoch: 3, Status: Pending, StatusAt: after}},
		{"resolved by the person who had it", taken, Snapshot{Status: Resolved, At: after}, "", Change{From: Human, To: Closed, Reason: ByResolving},
			State{Holder: Closed, Reason: ByResolving, Epoch: 3, Status: Resolved, StatusAt: after}},

		{"reopened for the bot", closed, Snapshot{Status: Pending, At: after}, "", Change{From: Closed, To: Bot, Reason: ByPending},
			State{Holder: Bot, Reason: ByPending, Epoch: 3, Episode: 1, Status: Pending, StatusAt: after}},
		{"reopened by a person", closed, Snapshot{Status: Open, At: after}, "", Change{From: Closed, To: Human, Reason: ByOpening, TakenOver: true},
			State{Holder: Human, Reason: ByOpening, Epoch: 4, Status: Open, StatusAt: after}},
		{"an old pending does not reopen", closed, Snapshot{Status: Pending, At: before}, "", stays(closed), closed},
		{"still closed", closed, Snapshot{Status: Resolved, At: after}, "", Change{From: Closed, To: Closed, Reason: ByResolving},
			State{Holder: Closed, Reason: ByResolving, Epoch: 3, Status: Resolved, StatusAt: after}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.state
			if diff := cmp.Diff(c.want, s.Observe(c.snap, c.self)); diff != "" {
				t.Errorf("Observe(%+v) change (-want +got):\n%s", c.snap, diff)
			}
			if diff := cmp.Diff(c.then, s); diff != "" {
				t.Errorf("state after Observe(%+v) (-want +got):\n%s", c.snap, diff)
			}
		})
	}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		state State
		want  Change
	}{
		{"from the bot", State{Holder: Bot}, Change{From: Bot, To: Human, Reason: ByPhone, TakenOver: true}},
		{"from the bot, unseen by people", State{Holder: Bot, Status: Pending}, Change{From: Bot, To: Human, Reason: ByPhone, TakenOver: true, ShouldOpen: true}},
		{"after our own handoff", State{Holder: Human, Reason: ByHandoff}, Change{From: Human, To: Human, Reason: ByPhone, TakenOver: true}},
		{"once more", State{Holder: Human, Reason: ByMessage}, Change{From: Human, To: Human, Reason: ByPhone, TakenOver: true}},
		{"of what was closed", State{Holder: Closed, Status: Resolved}, Change{From: Closed, To: Human, Reason: ByPhone, TakenOver: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.state
			s.Epoch = 5
			if diff := cmp.Diff(c.want, s.TakeOver(ByPhone, after)); diff != "" {
				t.Errorf("TakeOver change (-want +got):\n%s", diff)
			}
			want := State{Holder: Human, Reason: ByPhone, HeldUntil: after, Epoch: 6, Status: c.state.Status}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Errorf("state after TakeOver (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandOverKeepsTheEpoch(t *testing.T) {
	t.Parallel()
	s := State{Holder: Bot, Epoch: 2, HeldUntil: noon}
	if diff := cmp.Diff(Change{From: Bot, To: Human, Reason: ByHandoff}, s.HandOver(ByHandoff)); diff != "" {
		t.Errorf("HandOver change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(State{Holder: Human, Reason: ByHandoff, Epoch: 2}, s); diff != "" {
		t.Errorf("state after HandOver (-want +got):\n%s", diff)
	}
}

func TestHandBack(t *testing.T) {
	t.Parallel()
	s := State{Holder: Human, Reason: ByPhone, Epoch: 2, HeldUntil: noon}
	if diff := cmp.Diff(Change{From: Human, To: Bot, Reason: ByCommand}, s.HandBack(ByCommand)); diff != "" {
		t.Errorf("HandBack change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(State{Holder: Bot, Reason: ByCommand, Epoch: 2, Episode: 1}, s); diff != "" {
		t.Errorf("state after HandBack (-want +got):\n%s", diff)
	}
}

func TestCustomerWrote(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		state State
		shown Status
		want  Change
	}{
		{"to the bot", State{Holder: Bot}, "", Change{From: Bot, To: Bot}},
		{"to a person", State{Holder: Human}, "", Change{From: Human, To: Human}},
		{"while the hold lasts", State{Holder: Human, HeldUntil: noon.Add(time.Millisecond)}, "", Change{From: Human, To: Human}},
		{"when the hold ends", State{Holder: Human, HeldUntil: noon}, "", Change{From: Human, To: Bot, Reason: ByExpiry}},
		{"long after the hold", State{Holder: Human, HeldUntil: before}, Pending, Change{From: Human, To: Bot, Reason: ByExpiry}},
		{"after the hold, open for people", State{Holder: Human, HeldUntil: before}, Open, Change{From: Human, To: Human}},
		{"into a closed conversation", State{Holder: Closed, Status: Resolved}, "", Change{From: Closed, To: Bot, Reason: ByCustomer}},
		{"into one that reopened", State{Holder: Closed, Status: Resolved}, Pending, Change{From: Closed, To: Bot, Reason: ByCustomer}},
		{"into one that is said to be closed", State{Holder: Closed, Status: Resolved}, Resolved, Change{From: Closed, To: Closed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.state
			if diff := cmp.Diff(c.want, s.CustomerWrote(noon, c.shown)); diff != "" {
				t.Errorf("CustomerWrote(%q) change (-want +got):\n%s", c.shown, diff)
			}
			if s.Holder != c.want.To {
				t.Errorf("Holder after CustomerWrote(%q) = %s, want %s", c.shown, s.Holder, c.want.To)
			}
			if s.Holder == Bot && !s.HeldUntil.IsZero() {
				t.Errorf("HeldUntil after CustomerWrote(%q) = %v, want none", c.shown, s.HeldUntil)
			}
		})
	}
}
