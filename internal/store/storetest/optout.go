package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// leaves lets Maria say that she wants no more messages; the orders are the last.
func (k *kit) leaves(t store.Turn, orders ...channel.Order) {
	k.Helper()
	d := k.decision(t, orders...)
	d.OptOut = true
	k.decide(d)
}

// out lets Maria write and opt out.
func (k *kit) out(orders ...channel.Order) conversation.ID {
	k.Helper()
	id := k.writes("SAIR " + k.key()).Conversation
	k.leaves(k.begin(id), orders...)
	return id
}

// in is an event of Maria's in a thread of the helpdesk.
func in(thread string, ev channel.Event) channel.Event {
	ev.Thread = thread
	return ev
}

// known is an event of the person who has these ids.
func known(ev channel.Event, ids ...channel.Identity) channel.Event {
	ev.Contact.Identities = ids
	return ev
}

// works lets the delivery lanes do all they have within an hour, and returns what they did.
func (k *kit) works(ids ...conversation.ID) (done []string) {
	k.Helper()
	for range 24 {
		for _, id := range ids {
			for k.jobs.fence(job.Deliveries, id) > 0 {
				d, err := k.s.NextDelivery(k.ctx, k.deliver(id), k.now, lease)
				if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrLost) {
					break
				}
				if err != nil {
					k.Fatalf("NextDelivery: %v", err)
				}
				what := d.Order.Text
				if what == "" {
					what = string(d.Order.Kind)
				}
				done = append(done, what)
				k.finish(k.attempt(d, store.AttemptSent))
			}
		}
		k.wait(150 * time.Second)
		k.dispatch(job.Deliveries)
	}
	return done
}

// only checks what the delivery lanes still do.
func (k *kit) only(ids []conversation.ID, want ...string) {
	k.Helper()
	if diff := cmp.Diff(want, k.works(ids...)); diff != "" {
		k.Fatalf("what was carried out (-want +got):\n%s", diff)
	}
}

// replay brings back the dead.
func (k *kit) replay(d store.Delivery) {
	k.Helper()
	if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
		k.Fatalf("Replay: %v", err)
	}
}

// optingOut is about those who want no more messages. The cases whose names begin with "not
// by" are the ways by which something can be sent.
func optingOut() []scenario {
	phone, hidden := channel.Identity{Kind: channel.Phone, Value: maria}, channel.Identity{Kind: channel.LID, Value: lid}
	other := channel.Identity{Kind: channel.Phone, Value: "+5511900000000"}
	return []scenario{
		{"the last words are said, and the turns after it know", func(k *kit) {
			id := k.writes("SAIR").Conversation
			t := k.begin(id)
			if t.OptedOut {
				k.Error("BeginTurn before it says opted out")
			}
			k.leaves(t, k.say("Não mandamos mais nada."), after(time.Minute, k.say("Até!")), k.call("descadastrar", "{}"))
			k.only([]conversation.ID{id}, "Não mandamos mais nada.", "Até!", "workflow")
			k.writes("oi?")
			if t := k.begin(id); !t.OptedOut {
				k.Error("BeginTurn after it does not say opted out")
			}
		}},
		{"somebody else is not meant", func(k *kit) {
			k.out()
			ids := k.people(1)
			t := k.begin(ids[0])
			if t.OptedOut {
				k.Error("BeginTurn of somebody else says opted out")
			}
			k.decide(k.decision(t, k.say("um")))
			k.only(ids, "um")
		}},
		{"another inbox is not meant", func(k *kit) {
			k.out()
			a := k.arrival(k.customer("quanto custa"))
			a.Inbox = "suporte"
			id := k.arrive(a)[0].Conversation
			k.decide(k.decision(k.begin(id), k.say("um")))
			k.only([]conversation.ID{id}, "um")
		}},
		{"not by what waits: what is for people stays", func(k *kit) {
			id := k.answer(k.say("um"), k.order(channel.Note, "nota"), k.call("agendar", "{}"), k.order(channel.Assign, ""), k.order(channel.Labels, ""), after(time.Minute, k.say("dois")))
			k.out(k.say("tchau"))
			k.statuses(id, "um CANCELLED", "nota PENDING", "workflow CANCELLED", "assign CANCELLED", "labels PENDING", "dois CANCELLED", "tchau PENDING")
			k.only([]conversation.ID{id}, "nota", "labels", "tchau")
			if d, err := k.s.Deliveries(k.ctx, store.Filter{Conversation: id, Status: store.Cancelled, Limit: 1}); err != nil || d[0].Cause != "opted out" || d[0].DoneAt.IsZero() {
				k.Errorf("cancelled delivery = %+v, %v", d, err)
			}
		}},
		{"not by a decision of another turn", func(k *kit) {
			id := k.out()
			k.writes("e?")
			k.decide(k.decision(k.begin(id), k.say("um"), k.call("agendar", "{}"), k.order(channel.Note, "nota")))
			k.only([]conversation.ID{id}, "nota")
			k.statuses(id, "um CANCELLED", "workflow CANCELLED", "nota SENT")
		}},
		{"not by a retry of what was under way", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.next(id)
			k.out()
			k.later(d, store.AttemptRetry, time.Second)
			k.only([]conversation.ID{id})
			k.statuses(id, "um CANCELLED")
		}},
		{"not by a repeat of what is in doubt", func(k *kit) {
			for _, outcome := range []store.AttemptOutcome{store.AttemptAbsent, store.AttemptUnknown} {
				id := k.answer(k.say("um"))
				k.later(k.next(id), store.AttemptUncertain, time.Second)
				k.idle(id)
				k.claim(job.Deliveries, id)
				d := k.next(id)
				k.out()
				k.finish(k.attempt(d, outcome))
				k.only([]conversation.ID{id})
				if err := k.s.OptIn(k.ctx, id); err != nil {
					k.Fatalf("OptIn: %v", err)
				}
			}
		}},
		{"not by what was cut off", func(k *kit) {
			id := k.answer(k.say("um"))
			k.next(id)
			k.out()
			k.wait(time.Minute)
			k.claim(job.Deliveries, id)
			k.only([]conversation.ID{id})
		}},
		{"not by a replay, nor with what it brings back", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.dies(id)
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.out()
			k.replay(d)
			k.only([]conversation.ID{id})
			k.statuses(id, "um CANCELLED", "dois CANCELLED")
		}},
		{"not by a replay that was asked for before", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.dies(id)
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.replay(d)
			k.out()
			k.only([]conversation.ID{id})
		}},
		{"not by what a failure orders", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.next(id)
			k.out()
			a := k.attempt(d, store.AttemptFailed)
			a.HandOver, a.Orders = conversation.ByFailure, []channel.Order{k.say("desculpe"), k.order(channel.Note, "nota"), k.order(channel.OpenUp, "")}
			k.finish(a)
			k.only([]conversation.ID{id}, "nota", "open")
		}},
		{"not by a hand-back's orders", func(k *kit) {
			id := k.out()
			k.receive(k.person("Eu respondo"))
			if err := k.s.HandBack(k.ctx, id, []channel.Order{k.say("voltei"), k.order(channel.Note, "nota")}, k.now); err != nil {
				k.Fatalf("HandBack: %v", err)
			}
			k.only([]conversation.ID{id}, "nota")
		}},
		{"not in a second conversation of the same contact", func(k *kit) {
			first := k.receive(in("1/1", k.customer("quanto custa"))).Conversation
			k.decide(k.decision(k.begin(first), k.say("um"), k.order(channel.Note, "nota")))
			second := k.receive(in("1/2", k.customer("quanto custa"))).Conversation
			late := k.begin(second)
			third := k.receive(in("1/3", k.customer("agora"))).Conversation
			k.leaves(k.begin(third), k.say("tchau"))
			k.statuses(first, "um CANCELLED", "nota PENDING")
			k.decide(k.decision(late, k.say("dois")))
			k.only([]conversation.ID{first, second, third}, "nota", "tchau")
			fourth := k.receive(in("1/4", k.customer("quero comprar"))).Conversation
			t := k.begin(fourth)
			if !t.OptedOut {
				k.Error("BeginTurn of a new conversation does not say opted out")
			}
			k.decide(k.decision(t, k.say("que bom")))
			k.only([]conversation.ID{fourth})
		}},
		{"not by an id that is learnt later", func(k *kit) {
			k.out()
			k.receive(known(k.customer("quanto custa"), phone, hidden))
			id := k.receive(known(k.customer("quanto custa"), hidden)).Conversation
			k.decide(k.decision(k.begin(id), k.say("um")))
			k.only([]conversation.ID{id})
		}},
		{"not by an id that was learnt later and then moved to another contact", func(k *kit) {
			k.out()
			k.receive(known(k.customer("quanto custa"), phone, hidden))
			id := k.receive(known(k.customer("quanto custa"), other)).Conversation
			k.decide(k.decision(k.begin(id), k.say("um")))
			k.receive(known(k.customer("sou eu"), other, hidden)) // the id is another's by now, and so is the wish
			k.only([]conversation.ID{id})
			k.receive(known(k.customer("quanto custa"), other))
			t := k.begin(id)
			if !t.OptedOut {
				k.Error("BeginTurn of who has the id now does not say opted out")
			}
		}},
		{"not by the conversation of before two contacts turned out to be one", func(k *kit) {
			before := k.receive(known(k.customer("quanto custa"), hidden)).Conversation
			k.decide(k.decision(k.begin(before), k.say("um"), k.say("dois")))
			d := k.dies(before)
			id := k.writes("quanto custa").Conversation
			if id == before {
				k.Fatal("two ids that nobody has seen together are one conversation")
			}
			k.receive(known(k.customer("sou eu"), phone, hidden))
			k.leaves(k.begin(id), k.say("tchau"))
			k.replay(d)
			k.only([]conversation.ID{before, id}, "tchau")
		}},
		{"not after two contacts turned out to be one, when the other had opted out", func(k *kit) {
			before := k.receive(known(k.customer("SAIR"), hidden)).Conversation
			k.leaves(k.begin(before))
			id := k.writes("quanto custa").Conversation
			k.decide(k.decision(k.begin(id), k.say("um")))
			d := k.dies(id)
			k.receive(known(k.customer("sou eu"), phone, hidden))
			k.replay(d)
			k.receive(known(k.customer("e?"), phone))
			k.only([]conversation.ID{before, id})
		}},
		{"not to a contact without ids", func(k *kit) {
			ev := in("1/9", k.person("Olá"))
			ev.Contact.Identities = nil
			id := k.receive(ev).Conversation
			ev = in("1/9", k.shown(conversation.Resolved, k.now))
			ev.Contact.Identities = nil
			k.receive(ev)
			k.receive(in("1/9", k.customer("SAIR")))
			k.leaves(k.begin(id), k.say("tchau"))
			k.receive(in("1/9", k.customer("quanto custa")))
			t := k.begin(id)
			if !t.OptedOut {
				k.Error("BeginTurn does not say opted out")
			}
			k.decide(k.decision(t, k.say("um")))
			k.only([]conversation.ID{id}, "tchau")
		}},
		{"somebody else is not meant by a contact without ids", func(k *kit) {
			ev := in("1/9", k.customer("SAIR"))
			ev.Contact.Identities = nil
			id := k.receive(ev).Conversation
			k.leaves(k.begin(id))
			k.receive(in("1/8", known(k.customer("quanto custa"), phone, hidden)))
			if t := k.begin(k.receive(in("1/8", known(k.customer("quanto custa"), phone, hidden))).Conversation); t.OptedOut {
				k.Error("BeginTurn of somebody else says opted out")
			}
		}},
		{"twice is once", func(k *kit) {
			k.out()
			id := k.out(k.say("tchau"))
			k.only([]conversation.ID{id}, "tchau")
		}},
		{"a stale draft opts nobody out", func(k *kit) {
			id := k.writes("SAIR").Conversation
			t := k.begin(id)
			k.writes("não, espera")
			d := k.decision(t)
			d.OptOut = true
			k.refused(k.s.Decide(k.ctx, d), store.ErrStale)
			k.release(t)
			if k.begin(id).OptedOut {
				k.Error("BeginTurn says opted out")
			}
		}},
		{"an operator takes it back, by any of the person's conversations", func(k *kit) {
			k.receive(known(k.customer("SAIR"), phone, hidden))
			id := k.out()
			second := k.receive(in("1/2", k.customer("quero voltar"))).Conversation
			if err := k.s.OptIn(k.ctx, second); err != nil {
				k.Fatalf("OptIn: %v", err)
			}
			for _, c := range []conversation.ID{id, k.receive(known(k.customer("e?"), hidden)).Conversation} {
				k.writes("e?")
				t := k.begin(c)
				if t.OptedOut {
					k.Error("BeginTurn after OptIn says opted out")
				}
				k.decide(k.decision(t, k.say("um")))
			}
			k.only([]conversation.ID{id}, "um", "um")
			k.refused(k.s.OptIn(k.ctx, id), nil)
			k.refused(k.s.OptIn(k.ctx, 999), store.ErrNotFound)
		}},
		{"it is taken back of two contacts that turned out to be one", func(k *kit) {
			before := k.receive(known(k.customer("SAIR"), hidden)).Conversation
			k.leaves(k.begin(before))
			k.receive(k.customer("quanto custa"))
			id := k.receive(known(k.customer("sou eu"), phone, hidden)).Conversation
			t := k.begin(id)
			if !t.OptedOut {
				k.Error("BeginTurn does not say opted out")
			}
			k.decide(k.decision(t))
			if err := k.s.OptIn(k.ctx, id); err != nil {
				k.Fatalf("OptIn: %v", err)
			}
			k.writes("e?")
			if k.begin(id).OptedOut {
				k.Error("BeginTurn after OptIn says opted out")
			}
		}},
	}
}
