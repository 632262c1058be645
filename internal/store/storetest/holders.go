package storetest

import (
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// holders is about who has the conversation, and what that stops.
func holders() []scenario {
	takeovers := []struct {
		name   string
		event  func(*kit) channel.Event
		reason conversation.Reason
	}{
		{"a person's message", func(k *kit) channel.Event { return k.person("Eu assumo") }, conversation.ByMessage},
		{"a reply typed on the phone", func(k *kit) channel.Event { return k.phone("Eu assumo") }, conversation.ByPhone},
		{"an assignment", func(k *kit) channel.Event {
			ev := k.event(channel.Changed)
			ev.Snapshot = &conversation.Snapshot{Assignee: conversation.APerson, AssigneeID: "7"}
			return ev
		}, conversation.ByAssignment},
		{"an open status", func(k *kit) channel.Event { return k.shown(conversation.Open, k.now) }, conversation.ByOpening},
		{"a snooze", func(k *kit) channel.Event { return k.shown(conversation.Snoozed, k.now) }, conversation.ByOpening},
	}
	var cases []scenario
	for _, c := range takeovers {
		cases = append(cases,
			scenario{c.name + " cancels what the bot has not said, and keeps what people need", func(k *kit) {
				id := k.answer(k.say("um"), k.order(channel.Note, "nota"), k.say("dois"), k.order(channel.Labels, ""))
				k.sends(id, "um")
				r := k.receive(c.event(k))
				if !r.Change.TakenOver || r.Cancelled != 1 || !r.Stale {
					k.Errorf("takeover = %+v, want one delivery cancelled", r)
				}
				k.holds(id, conversation.Human, c.reason)
				k.statuses(id, "um SENT", "nota PENDING", "dois CANCELLED", "labels PENDING")
				k.sends(id, "nota")
				if d := k.next(id); d.Order.Kind != channel.Labels {
					k.Errorf("NextDelivery = %s, want labels", d.Order.Kind)
				}
			}},
			scenario{c.name + " makes a draft stale and leaves nothing due", func(k *kit) {
				id := k.writes("quanto custa").Conversation
				t := k.begin(id)
				k.receive(c.event(k))
				k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("Olá"))), store.ErrStale)
				d := k.decision(t, k.say("Olá"))
				d.Partial = true
				k.refused(k.s.Decide(k.ctx, d), store.ErrStale)
				k.statuses(id)
				k.wait(2 * lease)
				k.nothingDue()
			}},
			scenario{c.name + " ends a handoff's farewell", func(k *kit) {
				id := k.handoff(k.say("Já vem alguém."), k.order(channel.Note, "resumo"), k.order(channel.OpenUp, ""))
				k.holds(id, conversation.Human, conversation.ByHandoff)
				k.receive(c.event(k))
				k.holds(id, conversation.Human, c.reason)
				k.statuses(id, "Já vem alguém. CANCELLED", "resumo PENDING", "open PENDING")
			}},
		)
	}
	return append(cases, []scenario{
		{"a handoff says its farewell although people have it", func(k *kit) {
			id := k.handoff(k.say("Já vem alguém."), k.order(channel.OpenUp, ""))
			k.holds(id, conversation.Human, conversation.ByHandoff)
			k.sends(id, "Já vem alguém.")
			if d := k.next(id); d.Order.Kind != channel.OpenUp {
				k.Errorf("NextDelivery = %s, want open", d.Order.Kind)
			}
			if r := k.receive(k.customer("obrigada")); r.Pending {
				k.Errorf("message after a handoff = %+v, want nobody of ours to answer", r)
			}
		}},
		{"what was decided before a takeover is not said after a hand-back either", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.next(id) // under way while a person takes over
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Bot, conversation.ByPending)
			k.later(d, store.AttemptRetry, 5*time.Second)
			k.idle(id)
			k.statuses(id, "um CANCELLED", "dois CANCELLED")
			if got := k.delivery(d.ID); got.Cause == "" {
				k.Error("cancelled without a cause")
			}
		}},
		{"a farewell that was not said before the end is not said in the next conversation", func(k *kit) {
			id := k.handoff(k.say("Já vem alguém."))
			d := k.next(id)
			k.later(d, store.AttemptRetry, time.Minute)
			k.receive(k.shown(conversation.Resolved, k.now))
			k.holds(id, conversation.Closed, conversation.ByResolving)
			k.writes("oi de novo")
			k.holds(id, conversation.Bot, conversation.ByCustomer)
			k.statuses(id, "Já vem alguém. CANCELLED")
		}},
		{"a takeover does not stop what is under way, and counts it when it arrived", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.next(id)
			if r := k.receive(k.person("Eu assumo")); r.Cancelled != 0 {
				k.Errorf("takeover = %+v, want nothing cancelled", r)
			}
			k.finish(k.attempt(d, store.AttemptSent))
			k.statuses(id, "um SENT")
		}},
		{"an uncertain delivery that a takeover cancelled stays cancelled", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.idle(id)
			k.claim(job.Deliveries, id)
			d := k.next(id) // being asked about
			k.receive(k.person("Eu assumo"))
			k.statuses(id, "um CANCELLED")
			k.later(d, store.AttemptUncertain, 5*time.Second)
			k.statuses(id, "um CANCELLED")
			k.finish(k.attempt(d, store.AttemptSent))
			k.statuses(id, "um SENT") // it had arrived all the same
		}},
		{"resolved cancels what is unsaid and ends the turn", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.writes("mais uma")
			t := k.begin(id)
			if r := k.receive(k.shown(conversation.Resolved, k.now)); r.Cancelled != 2 || r.Change.To != conversation.Closed {
				k.Errorf("resolved = %+v, want two deliveries cancelled", r)
			}
			k.refused(k.s.Decide(k.ctx, k.decision(t)), store.ErrStale)
			k.idle(id)
			k.release(t)
			k.nothingDue()
		}},
		{"a closed conversation starts anew when the customer writes", func(k *kit) {
			id := k.answer(k.say("um"))
			k.sends(id, "um")
			k.receive(k.shown(conversation.Resolved, k.now))
			r := k.receive(k.customer("oi de novo"))
			if r.Conversation != id || !r.Pending || r.Change.From != conversation.Closed || r.Change.To != conversation.Bot {
				k.Errorf("message into a closed conversation = %+v, want the bot to have %d", r, id)
			}
			k.decide(k.decision(k.begin(id), k.say("Olá de novo")))
			k.sends(id, "Olá de novo")
		}},
		{"a message that says it is closed stays unanswered", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			ev := k.customer("tchau")
			ev.Snapshot = &conversation.Snapshot{Status: conversation.Resolved}
			if r := k.receive(ev); r.Pending {
				k.Errorf("message of a blocked contact = %+v, want nothing pending", r)
			}
			k.holds(id, conversation.Closed, conversation.ByResolving)
			k.nothingDue()
		}},
		{"pending hands back only what was open", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now))
			k.receive(k.person("Eu assumo"))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Human, conversation.ByMessage)
			k.receive(k.shown(conversation.Open, k.now.Add(2*time.Second)))
			r := k.receive(k.shown(conversation.Pending, k.now.Add(3*time.Second)))
			if !r.Change.Moved() || r.Change.To != conversation.Bot {
				k.Errorf("open and then pending = %+v, want a hand-back", r)
			}
			k.holds(id, conversation.Bot, conversation.ByPending)
		}},
		{"an old snapshot never hands back", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now))
			k.receive(k.shown(conversation.Open, k.now.Add(2*time.Second)))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Human, conversation.ByOpening)
		}},
		{"an old snapshot takes over all the same", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.receive(k.shown(conversation.Open, k.now))
			k.holds(id, conversation.Human, conversation.ByOpening)
		}},
		{"a takeover of what the helpdesk hides asks to open it, where the channel can", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now))
			k.receive(k.person("Eu assumo"))
			k.statuses(id, "open PENDING")
			k.claim(job.Deliveries, id)
			if d := k.next(id); d.Order.Kind != channel.OpenUp {
				k.Errorf("NextDelivery = %s, want open", d.Order.Kind)
			}
		}},
		{"a takeover where the channel cannot open asks nothing", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now))
			a := k.arrival(k.person("Eu assumo"))
			a.CanOpen = false
			k.arrive(a)
			k.statuses(id)
		}},
		{"a customer's message in a person's hands is not pending", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.person("Eu assumo"))
			if r := k.receive(k.customer("ok")); r.Pending || r.Stale || r.Message == 0 {
				k.Errorf("message in a person's hands = %+v, want it stored only", r)
			}
			k.nothingDue()
			k.transcript(id, "customer: quanto custa", "person: Eu assumo", "customer: ok")
		}},
		{"a person may start the conversation", func(k *kit) {
			r := k.receive(k.phone("Oi Maria, é da loja"))
			k.holds(r.Conversation, conversation.Human, conversation.ByPhone)
			if m := k.receive(k.customer("quanto custa")); m.Conversation != r.Conversation || m.Pending {
				k.Errorf("answer to a person = %+v, want it stored in %d", m, r.Conversation)
			}
		}},
		{"a human's hold runs out", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			a := k.arrival(k.phone("Eu assumo"))
			a.Hold = 30 * time.Minute
			k.arrive(a)
			if until := k.conversation(id).State.HeldUntil; !until.Equal(k.now.Add(30 * time.Minute)) {
				k.Errorf("HeldUntil = %v, want half an hour from now", until)
			}
			k.wait(30*time.Minute - time.Millisecond)
			if r := k.receive(k.customer("alguém?")); r.Pending {
				k.Errorf("message during the hold = %+v, want nothing pending", r)
			}
			k.wait(time.Millisecond)
			r := k.writes("alô?")
			if r.Change.Reason != conversation.ByExpiry {
				k.Errorf("message after the hold = %+v, want the hold to have expired", r)
			}
			if got := lines(k.begin(id).Pending); len(got) != 1 {
				k.Errorf("pending = %v, want only what came after the hold", got)
			}
		}},
		{"another word of the person extends the hold", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			for range 3 {
				a := k.arrival(k.phone("Eu assumo"))
				a.Hold = 30 * time.Minute
				k.arrive(a)
				k.wait(20 * time.Minute)
			}
			if r := k.receive(k.customer("e?")); r.Pending {
				k.Errorf("message during the hold = %+v, want nothing pending", r)
			}
			k.holds(id, conversation.Human, conversation.ByPhone)
		}},
		{"another bot's assignment counts once our own id is learnt", func(k *kit) {
			assigned := func(id string) channel.Event {
				ev := k.event(channel.Changed)
				ev.Snapshot = &conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.SomeBot, AssigneeID: id}
				return ev
			}
			o := k.say("Olá")
			id := k.answer(o)
			if r := k.receive(assigned("8")); r.Change.TakenOver {
				k.Errorf("assignment to a bot before we know ourselves = %+v, want no takeover", r)
			}
			a := k.attempt(k.next(id), store.AttemptSent)
			a.SelfID = "9"
			k.finish(a)
			if r := k.receive(assigned("9")); r.Change.TakenOver {
				k.Errorf("assignment to ourselves = %+v, want no takeover", r)
			}
			if r := k.receive(assigned("8")); !r.Change.TakenOver {
				k.Errorf("assignment to another bot = %+v, want a takeover", r)
			}
			k.holds(id, conversation.Human, conversation.ByAssignment)
			k.statuses(id, "Olá SENT") // nothing opens the other bot's conversation
		}},
		{"our own id is learnt from an echo too", func(k *kit) {
			o := k.say("Olá")
			id := k.answer(o)
			k.next(id)
			k.receive(k.echo(o.Delivery, "Olá"))
			ev := k.event(channel.Changed)
			ev.Snapshot = &conversation.Snapshot{Assignee: conversation.SomeBot, AssigneeID: "8"}
			if r := k.receive(ev); !r.Change.TakenOver {
				k.Errorf("assignment to another bot = %+v, want a takeover", r)
			}
		}},
		{"automations say things without taking over", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			ev := k.person("Nosso horário é das 9 às 18")
			ev.Author = conversation.System
			if r := k.receive(ev); r.Change.Moved() || r.Change.TakenOver {
				k.Errorf("an automation = %+v, want no takeover", r)
			}
			k.transcript(id, "customer: quanto custa", "system: Nosso horário é das 9 às 18")
		}},
	}...)
}

// release gives a turn back to be due as before.
func (k *kit) release(t store.Turn) {
	k.Helper()
	if err := k.s.ReleaseTurn(k.ctx, t.Conversation.ID, t.Fence, time.Time{}, false); err != nil {
		k.Fatalf("ReleaseTurn: %v", err)
	}
}
