package storetest

import (
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// people lets n people write one message each.
func (k *kit) people(n int) []conversation.ID {
	k.Helper()
	ids := make([]conversation.ID, n)
	for i := range n {
		ev := k.customer("quanto custa")
		ev.Contact.Identities = []channel.Identity{{Kind: channel.RawNumber, Value: ev.Key}}
		ids[i] = k.receive(ev).Conversation
	}
	return ids
}

func (k *kit) turnJob(id conversation.ID, fence int64) job.Turn {
	return job.Turn{Conversation: id, Fence: fence}
}

// dispatching is about claiming lanes.
func dispatching() []scenario {
	return []scenario{
		{"nothing is due in an empty store", func(k *kit) {
			for _, lane := range []job.Lane{job.Turns, job.Deliveries} {
				if n, next := k.dispatch(lane); n != 0 || !next.IsZero() {
					k.Errorf("Dispatch(%s) = %d, next %v, want nothing", lane, n, next)
				}
			}
		}},
		{"a lane is due at its time and not before", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			due := k.now.Add(4 * time.Second)
			k.dueAt(due)
			k.now = due.Add(-time.Millisecond)
			k.dueAt(due)
			k.now = due
			if n, next := k.dispatch(job.Turns); n != 1 || !next.IsZero() {
				k.Errorf("Dispatch when due = %d, next %v, want 1 and none", n, next)
			}
			if n, _ := k.dispatch(job.Turns); n != 0 {
				k.Errorf("Dispatch again = %d, want 0", n)
			}
			if got := k.jobs.fence(job.Turns, id); got != 1 {
				k.Errorf("job has fence %d, want 1", got)
			}
		}},
		{"the next due time is the earliest", func(k *kit) {
			k.people(1)
			due := k.now.Add(4 * time.Second)
			k.wait(time.Second)
			k.people(1)
			k.dueAt(due)
		}},
		{"the limit bounds a claim, the longest due first", func(k *kit) {
			var ids []conversation.ID
			for range 5 {
				ids = append(ids, k.people(1)...)
				k.wait(time.Second)
			}
			k.wait(time.Minute)
			for i := 0; i < 5; i += 2 {
				n, _, err := k.s.Dispatch(k.ctx, job.Turns, k.now, 2, lease)
				if want := min(2, 5-i); err != nil || n != want {
					k.Fatalf("Dispatch with limit 2 = %d, %v, want %d", n, err, want)
				}
				for _, id := range ids[i:min(i+2, 5)] {
					if k.jobs.fence(job.Turns, id) == 0 {
						k.Errorf("conversation %d of %v was not claimed in its turn", id, ids)
					}
				}
			}
		}},
		{"a limit of nothing claims nothing", func(k *kit) {
			k.people(1)
			k.wait(time.Minute)
			if n, _, err := k.s.Dispatch(k.ctx, job.Turns, k.now, 0, lease); n != 0 || err != nil {
				k.Errorf("Dispatch with limit 0 = %d, %v, want 0", n, err)
			}
		}},
		{"concurrent dispatchers claim each lane once", func(k *kit) {
			ids := k.people(40)
			k.wait(time.Minute)
			var wg sync.WaitGroup
			var mu sync.Mutex
			total := 0
			for range 8 {
				wg.Go(func() {
					for {
						n, _, err := k.s.Dispatch(k.ctx, job.Turns, k.now, 3, lease)
						if err != nil {
							k.Errorf("Dispatch: %v", err)
							return
						}
						if n == 0 {
							return
						}
						mu.Lock()
						total += n
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			seen := map[conversation.ID]int{}
			for _, a := range k.jobs.of(job.Turns) {
				seen[a.id]++
			}
			for _, id := range ids {
				if seen[id] != 1 {
					k.Errorf("conversation %d has %d jobs, want 1", id, seen[id])
				}
			}
			if total != len(ids) {
				k.Errorf("dispatchers claimed %d lanes, want %d", total, len(ids))
			}
		}},
		{"a lease that ran out makes the lane due again, with a higher fence", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.wait(lease - time.Millisecond)
			if n, _ := k.dispatch(job.Turns); n != 0 {
				k.Errorf("Dispatch before the lease ends = %d, want 0", n)
			}
			k.wait(time.Millisecond)
			if n, _ := k.dispatch(job.Turns); n != 1 {
				k.Errorf("Dispatch after the lease = %d, want 1", n)
			}
			if got := k.jobs.fence(job.Turns, id); got <= t.Fence {
				k.Errorf("fence = %d after %d, want a higher one", got, t.Fence)
			}
		}},
		{"a renewed lease lasts", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.wait(lease / 2)
			if err := k.s.Renew(k.ctx, job.Turns, id, t.Fence, k.now.Add(lease)); err != nil {
				k.Fatalf("Renew: %v", err)
			}
			k.wait(lease - time.Millisecond)
			if n, _ := k.dispatch(job.Turns); n != 0 {
				k.Errorf("Dispatch under a renewed lease = %d, want 0", n)
			}
			k.wait(time.Millisecond)
			if n, _ := k.dispatch(job.Turns); n != 1 {
				k.Errorf("Dispatch after a renewed lease = %d, want 1", n)
			}
			k.refused(k.s.Renew(k.ctx, job.Turns, id, t.Fence, k.now.Add(lease)), store.ErrLost)
			k.refused(k.s.Renew(k.ctx, job.Turns, id+99, 1, k.now.Add(lease)), store.ErrLost)
		}},
		{"the delivery lane has a lease of its own", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.deliver(id)
			if d.Fence == 0 {
				k.Fatal("Decide inserted no job for its deliveries")
			}
			if n, _ := k.dispatch(job.Deliveries); n != 0 {
				k.Errorf("Dispatch(delivery) under Decide's lease = %d, want 0", n)
			}
			k.wait(lease)
			if n, _ := k.dispatch(job.Deliveries); n != 1 {
				k.Errorf("Dispatch(delivery) after the lease = %d, want 1", n)
			}
			_, err := k.s.NextDelivery(k.ctx, d, k.now, lease)
			k.refused(err, store.ErrLost)
			k.refused(k.s.Renew(k.ctx, job.Deliveries, id, d.Fence, k.now.Add(lease)), store.ErrLost)
			if err := k.s.Renew(k.ctx, job.Deliveries, id, k.deliver(id).Fence, k.now.Add(time.Minute)); err != nil {
				k.Errorf("Renew: %v", err)
			}
			k.wait(lease)
			if n, _ := k.dispatch(job.Deliveries); n != 0 {
				k.Errorf("Dispatch(delivery) under a renewed lease = %d, want 0", n)
			}
		}},
		{"what a person holds is not dispatched", func(k *kit) {
			k.writes("quanto custa")
			k.receive(k.person("Eu assumo"))
			k.wait(time.Minute)
			k.nothingDue()
		}},
	}
}

// turns is about beginning and giving back.
func turns() []scenario {
	return []scenario{
		{"a turn begins with what is pending and what was said before", func(k *kit) {
			id := k.answer(k.say("Olá!"))
			k.sends(id, "Olá!")
			first := k.now
			k.writes("Quero um orçamento")
			k.wait(time.Second)
			k.writes("para amanhã")
			t := k.begin(id)
			if diff := cmp.Diff([]string{"customer: Quero um orçamento", "customer: para amanhã"}, lines(t.Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"customer: pergunta K1", "bot: Olá!"}, lines(t.History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
			if !t.FirstPending.Equal(first) || !t.DueAt.Equal(first.Add(5*time.Second)) || t.Failures != 0 || t.Restarts != 0 {
				k.Errorf("turn is first pending %v, due %v, failures %d, restarts %d", t.FirstPending, t.DueAt, t.Failures, t.Restarts)
			}
			if diff := cmp.Diff(k.conversation(id), t.Conversation); diff != "" {
				k.Errorf("conversation (-want +got):\n%s", diff)
			}
			if m := t.History[0]; m.Turn == 0 {
				k.Error("an answered message does not name its turn")
			}
		}},
		{"history has a limit and keeps the newest", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.writes("e?")
			t, err := k.s.BeginTurn(k.ctx, k.turnJob(id, k.claim(job.Turns, id)), k.now, lease, 2)
			if diff := cmp.Diff([]string{"bot: um", "bot: dois"}, lines(t.History)); diff != "" || err != nil {
				k.Errorf("history of 2: %v (-want +got):\n%s", err, diff)
			}
		}},
		{"history leaves out what was never said", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"), k.say("três"))
			k.sends(id, "um")
			k.dies(id) // takes "três" with it
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.writes("e?")
			if diff := cmp.Diff([]string{"customer: pergunta K1", "bot: um"}, lines(k.begin(id).History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
		}},
		{"history keeps what was cancelled in doubt, or the bot would say it again", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.idle(id)
			k.claim(job.Deliveries, id)
			d := k.next(id) // being asked about
			k.receive(k.shown(conversation.Open, k.now))
			k.statuses(id, "um CANCELLED", "dois CANCELLED")
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.writes("e?")
			t := k.begin(id)
			if diff := cmp.Diff([]string{"customer: pergunta K1", "bot: um"}, lines(t.History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
			k.finish(k.attempt(d, store.AttemptAbsent))
			k.statuses(id, "um CANCELLED", "dois CANCELLED")
			k.refused(k.s.ReleaseTurn(k.ctx, id, t.Fence, k.now, false), nil)
			if diff := cmp.Diff([]string{"customer: pergunta K1"}, lines(k.begin(id).History)); diff != "" {
				k.Errorf("history once it is known not to have arrived (-want +got):\n%s", diff)
			}
		}},
		{"history keeps a dry run, or the bot would repeat itself", func(k *kit) {
			id := k.answer(k.say("um"))
			a := k.attempt(k.next(id), store.AttemptCancelled)
			a.Cause = "dry run"
			k.finish(a)
			k.statuses(id, "um CANCELLED")
			k.writes("e?")
			if diff := cmp.Diff([]string{"customer: pergunta K1", "bot: um"}, lines(k.begin(id).History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
		}},
		{"an old fence begins nothing", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			old := k.claim(job.Turns, id)
			k.wait(lease)
			k.claim(job.Turns, id)
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, old), k.now, lease, 20)
			k.refused(err, store.ErrLost)
			_, err = k.s.BeginTurn(k.ctx, k.turnJob(id+99, 1), k.now, lease, 20)
			k.refused(err, store.ErrLost)
		}},
		{"a turn with nothing left to answer frees the lane", func(k *kit) {
			ev := k.customer("ops")
			id := k.receive(ev).Conversation
			fence := k.claim(job.Turns, id)
			k.receive(k.revoke(ev))
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, fence), k.now, lease, 20)
			k.refused(err, store.ErrLost)
			k.nothingDue()
			k.writes("agora sim")
			k.begin(id) // within the old lease
		}},
		{"a turn whose burst goes on is due later", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			fence := k.claim(job.Turns, id)
			k.writes("mais uma coisa")
			due := k.now.Add(4 * time.Second)
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, fence), k.now, lease, 20)
			k.refused(err, store.ErrLost)
			k.dueAt(due)
			if got := len(k.begin(id).Pending); got != 2 {
				k.Errorf("turn has %d pending messages, want 2", got)
			}
		}},
		{"a turn begins with the lease it asks for", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			fence := k.claim(job.Turns, id)
			if _, err := k.s.BeginTurn(k.ctx, k.turnJob(id, fence), k.now, time.Minute, 20); err != nil {
				k.Fatalf("BeginTurn: %v", err)
			}
			k.wait(time.Minute - time.Millisecond)
			if n, _ := k.dispatch(job.Turns); n != 0 {
				k.Errorf("Dispatch under the lease = %d, want 0", n)
			}
		}},
		{"beginnings without a decision are counted", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			for want := range 3 {
				t := k.begin(id)
				if t.Restarts != want {
					k.Errorf("Restarts = %d, want %d", t.Restarts, want)
				}
				k.wait(lease)
			}
			k.decide(k.decision(k.begin(id)))
			k.writes("e?")
			if t := k.begin(id); t.Restarts != 0 {
				k.Errorf("Restarts after a decision = %d, want 0", t.Restarts)
			}
		}},
		{"a released turn is due as before", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.release(t)
			again := k.begin(id)
			if again.Fence <= t.Fence || again.Failures != 0 {
				k.Errorf("turn after a release has fence %d and %d failures, want a higher one than %d and none", again.Fence, again.Failures, t.Fence)
			}
		}},
		{"a turn that broke is due when it says, and counted", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			for want := range 3 {
				t := k.begin(id)
				if t.Failures != want {
					k.Errorf("Failures = %d, want %d", t.Failures, want)
				}
				due := k.now.Add(30 * time.Second)
				if err := k.s.ReleaseTurn(k.ctx, id, t.Fence, due, true); err != nil {
					k.Fatalf("ReleaseTurn: %v", err)
				}
				k.dueAt(due)
			}
			k.decide(k.decision(k.begin(id)))
			k.writes("e?")
			if t := k.begin(id); t.Failures != 0 {
				k.Errorf("Failures after a decision = %d, want 0", t.Failures)
			}
		}},
		{"only the holder of the lane releases it", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.wait(lease)
			k.begin(id)
			k.refused(k.s.ReleaseTurn(k.ctx, id, t.Fence, time.Time{}, true), store.ErrLost)
			if n, _ := k.dispatch(job.Turns); n != 0 {
				k.Errorf("Dispatch after a late release = %d, want 0", n)
			}
		}},
		{"releasing a turn that nobody waits for leaves nothing due", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.receive(k.person("Eu assumo"))
			if err := k.s.ReleaseTurn(k.ctx, id, t.Fence, k.now.Add(time.Second), true); err != nil {
				k.Fatalf("ReleaseTurn: %v", err)
			}
			k.wait(time.Minute)
			k.nothingDue()
		}},
	}
}

// decisions is about committing a turn.
func decisions() []scenario {
	return []scenario{
		{"a decision answers, and its deliveries are claimed with it", func(k *kit) {
			id := k.answer(k.say("Olá!"))
			k.transcript(id, "customer: pergunta K1", "bot: Olá!")
			k.nothingDue()
			k.sends(id, "Olá!")
			k.idle(id)
			k.statuses(id, "Olá! SENT")
		}},
		{"a decision to stay silent delivers nothing", func(k *kit) {
			id := k.answer()
			if got := k.jobs.of(job.Deliveries); len(got) != 0 {
				k.Errorf("Decide inserted %d delivery jobs, want none", len(got))
			}
			k.nothingDue()
			k.wait(time.Hour)
			if n, next := k.dispatch(job.Deliveries); n != 0 || !next.IsZero() {
				k.Errorf("Dispatch(delivery) = %d, next %v, want nothing", n, next)
			}
			k.transcript(id, "customer: pergunta K1")
		}},
		{"a new message makes the draft stale and the lane stays", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			if r := k.writes("espera"); !r.Stale {
				k.Errorf("message during a turn = %+v, want the draft stale", r)
			}
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("Olá"))), store.ErrStale)
			k.statuses(id)
			k.transcript(id, "customer: quanto custa", "customer: espera")
			if err := k.s.Renew(k.ctx, job.Turns, id, t.Fence, k.now.Add(lease)); err != nil {
				k.Errorf("Renew after a stale draft: %v, want the lane kept", err)
			}
		}},
		{"a takeover and a hand-back make the draft stale", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Bot, conversation.ByPending)
			for _, partial := range []bool{false, true} {
				d := k.decision(t, k.say("Olá"))
				d.Partial = partial
				k.refused(k.s.Decide(k.ctx, d), store.ErrStale)
			}
			k.statuses(id)
		}},
		{"a partial decision keeps newer messages pending and due", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.writes("espera")
			arrived := k.now
			k.wait(time.Second)
			d := k.decision(t, k.say("Olá"))
			d.Partial = true
			k.decide(d)
			k.sends(id, "Olá")
			again := k.begin(id)
			if diff := cmp.Diff([]string{"customer: espera"}, lines(again.Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"customer: quanto custa", "bot: Olá"}, lines(again.History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
			if !again.FirstPending.Equal(arrived) {
				k.Errorf("FirstPending = %v, want %v", again.FirstPending, arrived)
			}
		}},
		{"a repeat does not make a draft stale", func(k *kit) {
			ev := k.customer("quanto custa")
			id := k.receive(ev).Conversation
			t := k.begin(id)
			k.receive(ev)
			k.decide(k.decision(t, k.say("Olá")))
		}},
		{"a lane that was claimed again refuses the late worker", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.wait(lease)
			again := k.begin(id)
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("tarde"))), store.ErrLost)
			k.decide(k.decision(again, k.say("a tempo")))
			k.statuses(id, "a tempo PENDING")
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("tarde"))), store.ErrLost)
			missing := k.decision(again)
			missing.Conversation += 99
			k.refused(k.s.Decide(k.ctx, missing), store.ErrLost)
		}},
		{"nothing is decided twice", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.decide(k.decision(t, k.say("um")))
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("dois"))), store.ErrLost)
			k.statuses(id, "um PENDING")
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, k.jobs.fence(job.Turns, id)), k.now, lease, 20)
			k.refused(err, store.ErrLost)
		}},
		{"a message says when its turn is due", func(k *kit) {
			r := k.writes("quanto custa")
			_, next := k.dispatch(job.Turns)
			if !r.Pending || r.DueAt.IsZero() || !r.DueAt.Equal(next) {
				k.Errorf("Receive = %+v, want it pending and due at %v, as Dispatch says", r, next)
			}
		}},
		{"a second run of a job begins nothing", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			j := k.turnJob(id, k.jobs.fence(job.Turns, id))
			_, err := k.s.BeginTurn(k.ctx, j, k.now, lease, 20)
			k.refused(err, store.ErrLost)
			// The burst goes on, and the turn is due later: the lane is still the first run's.
			k.writes("mais uma coisa")
			_, err = k.s.BeginTurn(k.ctx, j, k.now, lease, 20)
			k.refused(err, store.ErrLost)
			if err := k.s.Renew(k.ctx, job.Turns, id, t.Fence, k.now.Add(lease)); err != nil {
				k.Errorf("Renew by the first run: %v", err)
			}
		}},
		{"a decision is committed once", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			var wg sync.WaitGroup
			var mu sync.Mutex
			committed := 0
			for _, text := range []string{"um", "dois", "três", "quatro"} {
				d := k.decision(t, k.say(text))
				wg.Go(func() {
					if k.s.Decide(k.ctx, d) == nil {
						mu.Lock()
						committed++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if ds, err := k.s.Deliveries(k.ctx, store.Filter{Conversation: id}); committed != 1 || len(ds) != 1 || err != nil {
				k.Errorf("%d decisions with %d deliveries (%v), want one", committed, len(ds), err)
			}
		}},
		{"a decision leaves a lane that is being worked to its worker", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.next(id)
			k.writes("e?")
			k.wait(time.Second)
			if err := k.s.Renew(k.ctx, job.Deliveries, id, k.deliver(id).Fence, k.now.Add(time.Minute)); err != nil {
				k.Fatalf("Renew: %v", err)
			}
			k.decide(k.decision(k.begin(id), k.say("dois")))
			if got := len(k.jobs.of(job.Deliveries)); got != 1 {
				k.Errorf("%d delivery jobs, want the one that runs", got)
			}
			k.finish(k.attempt(d, store.AttemptSent))
			k.sends(id, "dois")
		}},
		{"a decision takes over a lane whose worker is gone", func(k *kit) {
			id := k.answer(k.say("um"))
			gone := k.deliver(id)
			k.next(id)
			k.wait(lease)
			k.writes("e?")
			k.decide(k.decision(k.begin(id), k.say("dois")))
			if got := k.deliver(id).Fence; got <= gone.Fence {
				k.Errorf("fence = %d, want more than %d", got, gone.Fence)
			}
			_, err := k.s.NextDelivery(k.ctx, gone, k.now, lease)
			k.refused(err, store.ErrLost)
		}},
		{"a handoff settles what came too late for it", func(k *kit) {
			id := k.writes("quero uma pessoa").Conversation
			t := k.begin(id)
			k.writes("por favor")
			d := k.decision(t, k.say("Já vem alguém."))
			d.Partial, d.HandOver = true, conversation.ByHandoff
			k.decide(d)
			k.holds(id, conversation.Human, conversation.ByHandoff)
			k.wait(time.Minute)
			k.nothingDue()
		}},
		{"orders come back as they were", func(k *kit) {
			o := k.order(channel.Attributes, "texto **forte**")
			o.ReplyTo, o.Labels, o.Attributes = "ABC", []string{"lead", "quente"}, map[string]string{"score": "80", "dor": `"preço"`}
			o.Team, o.Person = "3", "7"
			asked := k.now
			id := k.answer(o)
			d := k.next(id)
			want := o
			want.Address, want.Since, want.After = channel.Address{To: "5511987654321", Thread: "357"}, k.now, "K2"
			if diff := cmp.Diff(want, d.Order); diff != "" {
				k.Errorf("order (-want +got):\n%s", diff)
			}
			if d.ID != o.Delivery || d.Conversation != id || d.Inbox != inbox || d.Channel != channel.Whaticket || d.Turn == 0 || d.Correlation == "" ||
				!d.CreatedAt.Equal(k.now) || !d.AcceptedAt.Equal(asked) || d.Attempts != 1 || d.Round != 1 || d.Uncertain || d.Blind != 0 || d.Status != store.Pending {
				k.Errorf("NextDelivery = %+v", d)
			}
		}},
		{"an order without an id is refused with all of its decision", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			if err := k.s.Decide(k.ctx, k.decision(t, k.say("um"), channel.Order{Kind: channel.Say, Text: "dois"})); err == nil {
				k.Fatal("Decide with an order without an id = nil, want an error")
			}
			k.statuses(id)
			k.transcript(id, "customer: quanto custa")
			k.decide(k.decision(t, k.say("três")))
		}},
	}
}
