package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// sleeps lets Maria write and the bot decide to look again after a while.
func (k *kit) sleeps(d time.Duration, orders ...channel.Order) (conversation.ID, time.Time) {
	k.Helper()
	id := k.writes("pergunta " + k.key()).Conversation
	dec := k.decision(k.begin(id), orders...)
	dec.WakeAt = k.now.Add(d)
	k.decide(dec)
	return id, dec.WakeAt
}

// wakes claims the conversation at its time and begins its turn, to which nobody wrote.
func (k *kit) wakes(id conversation.ID, at time.Time) store.Turn {
	k.Helper()
	t := k.begin(id)
	if !k.now.Equal(at) || !t.Woken || len(t.Pending) > 0 || !t.FirstPending.IsZero() || !t.DueAt.Equal(at) {
		k.Fatalf("turn at %v = woken %v, %d pending since %v, due %v, want one that wakes at %v", k.now, t.Woken, len(t.Pending), t.FirstPending, t.DueAt, at)
	}
	return t
}

// waking is about conversations that are due although nobody wrote.
func waking() []scenario {
	const nap = 5 * time.Minute
	return []scenario{
		{"a conversation wakes at its time, once", func(k *kit) {
			id, at := k.sleeps(nap, k.say("um momento"))
			k.dueAt(at)
			k.now = at.Add(-time.Millisecond)
			k.dueAt(at)
			t := k.wakes(id, at)
			if diff := cmp.Diff([]string{"customer: pergunta K1", "bot: um momento"}, lines(t.History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
			k.decide(k.decision(t))
			k.nothingDue()
			if _, err := k.s.BeginTurn(k.ctx, k.turnJob(id, t.Fence), k.now, lease, 20); err == nil {
				k.Error("BeginTurn of what was decided gives no error")
			}
		}},
		{"what is decided after waking goes out, and may wake again", func(k *kit) {
			id, at := k.sleeps(nap)
			d := k.decision(k.wakes(id, at), k.say("ainda está aí?"))
			d.WakeAt = k.now.Add(time.Hour)
			k.decide(d)
			k.sends(id, "ainda está aí?")
			k.wakes(id, d.WakeAt)
		}},
		{"a time to wake that is over is due at once", func(k *kit) {
			id, at := k.sleeps(-time.Minute)
			if t := k.begin(id); !t.Woken || !t.DueAt.Equal(at) {
				k.Errorf("turn = woken %v, due %v, want one due at %v", t.Woken, t.DueAt, at)
			}
		}},
		{"sleeping is no work that waits", func(k *kit) {
			_, at := k.sleeps(nap)
			for now, want := range map[time.Time]int{k.now: 0, at.Add(-time.Millisecond): 0, at: 1} {
				if turns, _, err := k.s.Backlog(k.ctx, now); turns != want || err != nil {
					k.Errorf("Backlog %v before waking = %d turns, %v, want %d", at.Sub(now), turns, err, want)
				}
			}
		}},
		{"a message is answered in its own time, and the decision forgets the waking", func(k *kit) {
			id, _ := k.sleeps(nap)
			k.wait(time.Minute)
			k.writes("mais uma coisa")
			k.dueAt(k.now.Add(4 * time.Second))
			t := k.begin(id)
			if t.Woken || len(t.Pending) != 1 {
				k.Fatalf("turn = woken %v with %d pending, want one message to answer", t.Woken, len(t.Pending))
			}
			k.decide(k.decision(t, k.say("claro")))
			k.nothingDue()
		}},
		{"a message takes the lane from a turn that was about to wake", func(k *kit) {
			id, at := k.sleeps(nap)
			k.now = at
			fence := k.claim(job.Turns, id)
			k.writes("oi de novo")
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, fence), k.now, lease, 20)
			k.refused(err, store.ErrLost)
			if t := k.begin(id); t.Woken || len(t.Pending) != 1 {
				k.Errorf("turn = woken %v with %d pending, want one message to answer", t.Woken, len(t.Pending))
			}
		}},
		{"a message makes a draft of a woken turn stale", func(k *kit) {
			id, at := k.sleeps(nap)
			t := k.wakes(id, at)
			k.writes("oi de novo")
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("ainda está aí?"))), store.ErrStale)
			if err := k.s.ReleaseTurn(k.ctx, id, t.Fence, time.Time{}, false); err != nil {
				k.Fatalf("ReleaseTurn: %v", err)
			}
			if t := k.begin(id); t.Woken || len(t.Pending) != 1 {
				k.Errorf("turn = woken %v with %d pending, want one message to answer", t.Woken, len(t.Pending))
			}
		}},
		{"a woken turn that broke wakes again", func(k *kit) {
			id, at := k.sleeps(nap)
			t := k.wakes(id, at)
			if err := k.s.ReleaseTurn(k.ctx, id, t.Fence, k.now.Add(2*time.Second), true); err != nil {
				k.Fatalf("ReleaseTurn: %v", err)
			}
			if t := k.wakes(id, at.Add(2*time.Second)); t.Failures != 1 {
				k.Errorf("turn has %d failures, want 1", t.Failures)
			}
		}},
		{"a message that is taken back leaves what was waited for", func(k *kit) {
			id, at := k.sleeps(nap)
			k.wait(time.Minute)
			ev := k.customer("esquece")
			k.receive(ev)
			k.dueAt(k.now.Add(4 * time.Second))
			revoked := k.event(channel.Revoked)
			revoked.Target = ev.Key
			if r := k.receive(revoked); r.Pending {
				k.Errorf("Receive(revoked) = %+v, want nothing pending", r)
			}
			k.dueAt(at)
			k.wakes(id, at)
		}},
		{"nothing is due after a message that was taken back where nothing was waited for", func(k *kit) {
			id := k.answer(k.say("um"))
			ev := k.customer("esquece")
			k.receive(ev)
			fence := k.claim(job.Turns, id)
			revoked := k.event(channel.Revoked)
			revoked.Target = ev.Key
			k.receive(revoked)
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, fence), k.now, lease, 20)
			k.refused(err, store.ErrLost)
			k.nothingDue()
		}},
		{"a result is told at once", func(k *kit) {
			call := k.order(channel.Call, "")
			call.Workflow, call.Arguments = "agenda", `{"a":1}`
			id, _ := k.sleeps(nap, call)
			k.wait(time.Minute)
			r, err := k.s.Reported(k.ctx, store.Report{Delivery: call.Delivery, ID: "r1", Content: conversation.Content{Text: "ok"}, Now: k.now})
			if err != nil || !r.Pending || !r.DueAt.Equal(k.now) {
				k.Fatalf("Reported = %+v, %v, want it due now", r, err)
			}
			if t := k.begin(id); t.Woken || len(t.Pending) != 1 {
				k.Errorf("turn = woken %v with %d pending, want the result", t.Woken, len(t.Pending))
			}
		}},
		{"who takes the conversation ends the waiting", func(k *kit) {
			for name, takes := range map[string]func(conversation.ID){
				"a person writes":    func(conversation.ID) { k.receive(k.person("Eu assumo")) },
				"the helpdesk opens": func(conversation.ID) { k.receive(k.shown(conversation.Open, k.now)) },
				"it is closed":       func(conversation.ID) { k.receive(k.shown(conversation.Resolved, k.now)) },
				"a command": func(id conversation.ID) {
					if err := k.s.TakeOver(k.ctx, id, 0, k.now); err != nil {
						k.Fatalf("TakeOver: %v", err)
					}
				},
				"a message that fails for good": func(id conversation.ID) { k.dies(id) },
			} {
				k.receive(k.shown(conversation.Pending, k.now))
				id, at := k.sleeps(nap, k.say("um momento"))
				takes(id)
				if n, next := k.dispatch(job.Turns); n != 0 || !next.IsZero() {
					k.Errorf("%s: Dispatch = %d, next %v, want nothing due", name, n, next)
				}
				k.now = at
				k.receive(k.shown(conversation.Open, k.now))
				k.wait(time.Second)
				k.receive(k.shown(conversation.Pending, k.now))
				ev := k.customer("esquece")
				k.receive(ev)
				revoked := k.event(channel.Revoked)
				revoked.Target = ev.Key
				k.receive(revoked)
				if n, next := k.dispatch(job.Turns); n != 0 || !next.IsZero() {
					k.Errorf("%s, then given back: Dispatch = %d, next %v, want nothing due", name, n, next)
				}
				k.wait(time.Second)
			}
		}},
		{"who is handed over, and who wants no more messages, is not woken", func(k *kit) {
			id := k.writes("quero falar com alguém").Conversation
			d := k.decision(k.begin(id))
			d.HandOver, d.WakeAt = conversation.ByHandoff, k.now.Add(nap)
			k.decide(d)
			k.nothingDue()
			if err := k.s.HandBack(k.ctx, id, nil, k.now); err != nil {
				k.Fatalf("HandBack: %v", err)
			}
			k.writes("parar")
			d = k.decision(k.begin(id))
			d.OptOut, d.WakeAt = true, k.now.Add(nap)
			k.decide(d)
			k.nothingDue()
		}},
		{"what is still to be answered is answered before", func(k *kit) {
			id := k.writes("uma").Conversation
			t := k.begin(id)
			k.writes("outra")
			d := k.decision(t, k.say("resposta"))
			d.Partial, d.WakeAt = true, k.now.Add(nap)
			k.decide(d)
			if t := k.begin(id); t.Woken || len(t.Pending) != 1 {
				k.Errorf("turn = woken %v with %d pending, want the other message", t.Woken, len(t.Pending))
			}
		}},
	}
}
