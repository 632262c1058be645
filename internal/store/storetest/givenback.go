package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

const grace = 2 * time.Minute

// opened stores that the helpdesk shows Maria's conversation open, and nobody's.
func (k *kit) opened(id conversation.ID) {
	k.Helper()
	a := k.arrival(k.shown(conversation.Open, k.now))
	a.TakeBack = grace
	k.arrive(a)
	k.holds(id, conversation.Human, conversation.ByOpening)
}

// commands is a private note in which a person tells us to do something.
func (k *kit) commands(c channel.Command) channel.Event {
	ev := k.event(channel.Ignored)
	ev.Reason, ev.Author, ev.Key, ev.Command = "private_note", conversation.Person, k.key(), c
	ev.Snapshot = &conversation.Snapshot{Status: conversation.Open, At: k.now}
	return ev
}

// pends checks what the desk is to answer next.
func (k *kit) pends(id conversation.ID, want ...string) store.Turn {
	k.Helper()
	t := k.begin(id)
	if diff := cmp.Diff(want, lines(t.Pending)); diff != "" {
		k.Errorf("pending after the hand-back (-want +got):\n%s", diff)
	}
	return t
}

// givenBack is about conversations that come back to the bot.
func givenBack() []scenario {
	return []scenario{
		{"what the helpdesk opened and nobody has is looked at after a while, and not before", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now))
			k.wait(time.Second)
			k.opened(id)
			k.statuses(id, "take_back PENDING")
			due := k.now.Add(grace)
			k.claim(job.Deliveries, id)
			k.idle(id)
			k.wait(time.Minute)
			k.receive(k.customer("alguém aí?")) // hastens nothing
			if _, next := k.dispatch(job.Deliveries); next.After(due) {
				k.Errorf("delivery lane is due at %v, want %v", next, due)
			}
			k.now = due
			k.wait(lease)
			k.claim(job.Deliveries, id)
			if d := k.next(id); d.Order.Kind != channel.TakeBack {
				k.Errorf("NextDelivery = %s, want take_back", d.Order.Kind)
			}
		}},
		{"what was taken back is answered with what was written meanwhile", func(k *kit) {
			id := k.answer(k.say("Bom dia"))
			k.sends(id, "Bom dia")
			k.writes("quanto custa")
			k.decide(k.decision(k.begin(id), k.say("Nunca chega")))
			k.receive(k.shown(conversation.Pending, k.now))
			k.wait(time.Second)
			k.opened(id)
			k.receive(k.customer("e a entrega"))
			k.wait(grace + lease)
			k.claim(job.Deliveries, id)
			k.finish(k.attempt(k.next(id), store.AttemptSent))
			k.nothingDue()
			if r := k.receive(k.shown(conversation.Pending, k.now)); !r.Pending || r.Change.To != conversation.Bot {
				k.Errorf("pending again = %+v, want the customer's messages to be due", r)
			}
			k.holds(id, conversation.Bot, conversation.ByPending)
			t := k.pends(id, "customer: quanto custa", "customer: e a entrega")
			k.decide(k.decision(t, k.say("Custa R$ 10.")))
			k.sends(id, "Custa R$ 10.")
			// The event that shows it comes again.
			k.receive(k.shown(conversation.Pending, k.now.Add(-time.Second)))
			k.nothingDue()
		}},
		{"what a person has by then is not taken back", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.opened(id)
			k.receive(k.person("Deixa comigo"))
			k.wait(grace)
			k.claim(job.Deliveries, id)
			k.idle(id)
			k.statuses(id, "take_back CANCELLED")
		}},
		{"what was given back by then is not taken back", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Pending, k.now))
			k.opened(id)
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.wait(grace)
			k.claim(job.Deliveries, id)
			k.idle(id)
			k.statuses(id, "take_back CANCELLED")
		}},
		{"what was given to a person is not looked at", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			a := k.arrival(k.shown(conversation.Open, k.now))
			a.Events[0].Snapshot.Assignee, a.Events[0].Snapshot.AssigneeID, a.TakeBack = conversation.APerson, "7", grace
			k.arrive(a)
			k.holds(id, conversation.Human, conversation.ByAssignment)
			k.statuses(id)
		}},
		{"nothing is looked at where that is not wanted", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Open, k.now))
			k.statuses(id)
		}},
		{"what a person gives back by setting it to pending waits for the customer", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Bot, conversation.ByPending)
			k.nothingDue()
		}},
		{"a person's word in a note gives it back, once", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.person("Deixa comigo"))
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.customer("e a entrega"))
			word := k.commands(channel.HandBack)
			if r := k.receive(word); !r.Deliver {
				k.Errorf("Receive of a command = %+v, want a delivery to be due", r)
			}
			k.receive(word)
			k.statuses(id, "pending PENDING")
			k.holds(id, conversation.Human, conversation.ByMessage) // until the helpdesk shows it
			k.claim(job.Deliveries, id)
			k.finish(k.attempt(k.next(id), store.AttemptSent))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Bot, conversation.ByPending)
			k.pends(id, "customer: e a entrega")
			k.receive(k.person("Não, deixa comigo"))
			k.receive(word)
			k.holds(id, conversation.Human, conversation.ByMessage)
			k.statuses(id, "pending SENT", "open PENDING")
		}},
		{"who goes on after that word keeps it", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.person("Deixa comigo"))
			k.receive(k.commands(channel.HandBack))
			k.receive(k.person("Só mais uma coisa"))
			k.claim(job.Deliveries, id)
			k.idle(id)
			k.statuses(id, "pending CANCELLED")
		}},
		{"that word is at once where the helpdesk cannot be told", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.receive(k.person("Deixa comigo"))
			k.receive(k.customer("e a entrega"))
			a := k.arrival(k.commands(channel.HandBack))
			a.Events[0].Snapshot, a.CanOpen = nil, false
			k.arrive(a)
			k.holds(id, conversation.Bot, conversation.ByCommand)
			k.pends(id, "customer: e a entrega")
			k.statuses(id)
		}},
		{"a person's word in a note takes it over", func(k *kit) {
			id := k.answer(k.say("um"))
			ev := k.commands(channel.TakeOver)
			ev.Snapshot.Status = conversation.Pending
			if r := k.receive(ev); !r.Change.TakenOver || r.Cancelled != 1 {
				k.Errorf("Receive of a command = %+v, want a takeover", r)
			}
			k.holds(id, conversation.Human, conversation.ByCommand)
			k.statuses(id, "um CANCELLED", "open PENDING")
		}},
		{"words to us mean nothing where the bot has it, or nobody", func(k *kit) {
			ev := k.commands(channel.HandBack)
			ev.Snapshot = nil
			if r := k.receive(ev); r.Conversation != 0 {
				k.Errorf("Receive of a command in no conversation = %+v, want nothing", r)
			}
			id := k.writes("quanto custa").Conversation
			ev.Key = k.key()
			k.receive(ev)
			k.holds(id, conversation.Bot, "")
			k.receive(k.shown(conversation.Resolved, k.now))
			k.receive(ev)
			k.holds(id, conversation.Closed, conversation.ByResolving)
			k.statuses(id)
		}},
	}
}
