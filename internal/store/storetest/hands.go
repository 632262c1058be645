package storetest

import (
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// hands is about what a change of hands leaves behind.
func hands() []scenario {
	pending := func(ev channel.Event) channel.Event {
		ev.Snapshot = &conversation.Snapshot{Status: conversation.Pending}
		return ev
	}
	return []scenario{
		{"an assignment from before a takeover is not carried out after it", func(k *kit) {
			id := k.answer(k.say("um"), k.order(channel.Assign, ""), k.order(channel.Note, "nota"))
			k.receive(k.person("Eu assumo"))
			k.sends(id, "nota")
			k.idle(id)
			k.statuses(id, "um CANCELLED", "assign CANCELLED", "nota SENT")
		}},
		{"what a person has closed is not opened again", func(k *kit) {
			id := k.handoff(k.say("Até já"), k.order(channel.OpenUp, ""))
			k.receive(k.shown(conversation.Resolved, k.now))
			k.idle(id)
			k.statuses(id, "Até já CANCELLED", "open CANCELLED")
		}},
		{"people who write one after the other open a conversation once", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			first := k.receive(pending(k.person("Oi, Maria")))
			if !first.Deliver || !first.Change.ShouldOpen {
				k.Errorf("Receive of a takeover = %+v, want a delivery to be due", first)
			}
			k.receive(pending(k.person("Tudo bem?")))
			k.statuses(id, "open PENDING")
		}},
		{"what a person began is opened where it stands", func(k *kit) {
			ev := pending(k.person("Oi, Maria"))
			ev.Address.Thread = "1/357"
			id := k.receive(ev).Conversation
			if d := k.next(id); d.Order.Kind != channel.OpenUp || d.Order.Address != ev.Address {
				k.Errorf("NextDelivery = %s to %+v, want open to %+v", d.Order.Kind, d.Order.Address, ev.Address)
			}
		}},
		{"what failed before a person had it says nothing of the next turn", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			for range 3 {
				t := k.begin(id)
				if err := k.s.ReleaseTurn(k.ctx, id, t.Fence, k.now, true); err != nil {
					k.Fatalf("ReleaseTurn: %v", err)
				}
			}
			k.receive(k.person("Eu respondo"))
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.writes("e agora?")
			if t := k.begin(id); t.Failures != 0 || t.Restarts != 0 {
				k.Errorf("BeginTurn after a hand-back has %d failures and %d restarts, want none", t.Failures, t.Restarts)
			}
		}},
		{"a handover may carry an end", func(k *kit) {
			id := k.writes("quero falar com alguém").Conversation
			d := k.decision(k.begin(id))
			d.HandOver, d.Hold = conversation.ByHandoff, time.Hour
			k.decide(d)
			if r := k.receive(k.customer("alguém?")); r.Pending {
				k.Error("a message while people have it is pending")
			}
			k.wait(time.Hour)
			k.writes("ainda aí?")
			k.holds(id, conversation.Bot, conversation.ByExpiry)
		}},
		{"an echo lets go what waited behind a delivery in doubt", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.next(id)
			k.later(d, store.AttemptUncertain, time.Hour)
			k.idle(id)
			if r := k.receive(k.echo(d.ID, "um")); !r.Deliver {
				k.Errorf("Receive of an echo = %+v, want a delivery to be due", r)
			}
			if n, _ := k.dispatch(job.Deliveries); n != 1 {
				k.Fatalf("Dispatch(delivery) after the echo = %d, want 1", n)
			}
			k.sends(id, "dois")
		}},
		{"what the channel could not deliver takes the rest with it, each copy once", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.next(id)
			sent := k.attempt(d, store.AttemptSent)
			sent.Key = "copy-1"
			k.finish(sent)
			lost := k.event(channel.Failed)
			lost.Delivery, lost.Key, lost.Cause = d.ID, "copy-1", "outside the window"
			k.receive(lost)
			k.statuses(id, "um FAILED_PERMANENT", "dois CANCELLED", "open PENDING")
			k.holds(id, conversation.Human, conversation.ByFailure)
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			k.wait(lease)
			k.claim(job.Deliveries, id)
			again := k.attempt(k.next(id), store.AttemptSent)
			again.Key = "copy-2"
			k.finish(again)
			k.receive(lost)
			k.statuses(id, "um SENT", "dois PENDING", "open PENDING")
		}},
		{"words of nobody's conversation start none", func(k *kit) {
			ev := k.person("Oi")
			ev.Thread, ev.Contact.Identities = "", nil
			if r := k.receive(ev); r.Conversation != 0 {
				k.Errorf("Receive = %+v, want no conversation", r)
			}
		}},
	}
}
