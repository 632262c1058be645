package storetest

import (
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// echoes is about our own messages as the helpdesk shows them.
func echoes() []scenario {
	return []scenario{
		{"an echo confirms what is under way, whatever its attempt says later", func(k *kit) {
			for _, outcome := range []store.AttemptOutcome{store.AttemptRetry, store.AttemptUncertain, store.AttemptFailed, store.AttemptCancelled} {
				o := k.say("um")
				id := k.answer(o)
				d := k.next(id)
				r := k.receive(k.echo(o.Delivery, "um"))
				if r.Change.TakenOver || r.Conversation != id {
					k.Fatalf("echo = %+v, want no takeover", r)
				}
				a := k.attempt(d, outcome)
				a.HandOver, a.NextAt = conversation.ByFailure, k.now.Add(time.Second)
				k.finish(a)
				if got := k.delivery(o.Delivery); got.Status != store.Sent {
					k.Fatalf("after an echo and an attempt that ended %s the delivery is %s, want SENT", outcome, got.Status)
				}
				k.holds(id, conversation.Bot, "")
				k.idle(id)
			}
		}},
		{"an echo settles what is uncertain, and the next goes out", func(k *kit) {
			o := k.say("um")
			id := k.answer(o, k.say("dois"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.idle(id)
			ev := k.echo(o.Delivery, "um")
			k.receive(ev)
			k.statuses(id, "um SENT", "dois PENDING")
			if d := k.delivery(o.Delivery); d.Key != ev.Key || d.Uncertain {
				k.Errorf("delivery has key %q, uncertain %v, want %q and certain", d.Key, d.Uncertain, ev.Key)
			}
			k.claim(job.Deliveries, id)
			k.sends(id, "dois")
		}},
		{"an echo before the answer keeps what the answer tells", func(k *kit) {
			o := k.say("um")
			id := k.answer(o)
			d := k.next(id)
			k.receive(k.echo(o.Delivery, "um"))
			a := k.attempt(d, store.AttemptSent)
			a.HTTPStatus, a.Key = 200, "ABC"
			k.finish(a)
			k.statuses(id, "um SENT")
		}},
		{"an echo is not said twice", func(k *kit) {
			o := k.say("um")
			id := k.answer(o)
			k.sends(id, "um")
			ev := k.echo(o.Delivery, "um")
			k.receive(ev)
			if r := k.receive(ev); !r.Duplicate || r.Change.TakenOver {
				k.Errorf("the echo again = %+v, want a duplicate", r)
			}
			if ms := k.transcript(id, "customer: pergunta K1", "bot: um"); ms[1].Key != ev.Key || ms[1].Delivery != o.Delivery {
				k.Errorf("our message has key %q and delivery %s, want %q and %s", ms[1].Key, ms[1].Delivery, ev.Key, o.Delivery)
			}
		}},
		{"an echo in another conversation confirms nothing here", func(k *kit) {
			o := k.say("um")
			id := k.answer(o)
			k.next(id)
			ev := k.echo(o.Delivery, "um")
			ev.Contact.Identities[0].Value = "+5511900000000"
			k.receive(ev)
			k.statuses(id, "um PENDING")
		}},
		{"our own words from the phone are no takeover, the same words once more are", func(k *kit) {
			id := k.answer(k.say("Olá, **Maria**!"))
			k.sends(id, "Olá, **Maria**!")
			ev := k.phone("Olá, *Maria*!")
			if r := k.receive(ev); r.Change.TakenOver {
				k.Errorf("echo of our own words = %+v, want no takeover", r)
			}
			if r := k.receive(ev); !r.Duplicate {
				k.Errorf("the echo again = %+v, want a duplicate", r)
			}
			k.holds(id, conversation.Bot, "")
			if r := k.receive(k.phone("Olá, *Maria*!")); !r.Change.TakenOver {
				k.Errorf("the same words a second time = %+v, want a takeover", r)
			}
			k.holds(id, conversation.Human, conversation.ByPhone)
			k.transcript(id, "customer: pergunta K1", "bot: Olá, **Maria**!", "person: Olá, *Maria*!")
		}},
		{"the same words said twice have two echoes", func(k *kit) {
			id := k.answer(k.say("ok"), k.say("ok"))
			k.sends(id, "ok")
			k.sends(id, "ok")
			for range 2 {
				if r := k.receive(k.phone("ok")); r.Change.TakenOver {
					k.Errorf("echo = %+v, want no takeover", r)
				}
			}
			if r := k.receive(k.phone("ok")); !r.Change.TakenOver {
				k.Errorf("the third = %+v, want a takeover", r)
			}
		}},
		{"an echo from the phone confirms what is under way or uncertain", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.next(id)
			k.receive(k.phone("um"))
			k.later(d, store.AttemptUncertain, 5*time.Second)
			k.statuses(id, "um SENT", "dois PENDING")
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.receive(k.phone("dois"))
			k.statuses(id, "um SENT", "dois SENT")
			k.holds(id, conversation.Bot, "")
		}},
		{"words that we have not sent yet are a person's", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.sends(id, "um")
			if r := k.receive(k.phone("dois")); !r.Change.TakenOver {
				k.Errorf("words not sent yet = %+v, want a takeover", r)
			}
			k.statuses(id, "um SENT", "dois CANCELLED")
		}},
		{"a blind repeat may have two echoes", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.idle(id)
			k.claim(job.Deliveries, id)
			k.finish(k.attempt(k.next(id), store.AttemptUnknown))
			k.finish(k.attempt(k.next(id), store.AttemptSent))
			first, second := k.phone("um"), k.phone("um")
			for _, ev := range []channel.Event{first, second, first, second} {
				if r := k.receive(ev); r.Change.TakenOver {
					k.Errorf("echo of a blind repeat = %+v, want no takeover", r)
				}
			}
			k.holds(id, conversation.Bot, "")
			k.transcript(id, "customer: pergunta K1", "bot: um", "bot: um") // the customer has it twice
			if r := k.receive(k.phone("um")); !r.Change.TakenOver {
				k.Errorf("the third = %+v, want a takeover", r)
			}
		}},
		{"the echo of a replay by hand is ours, hours later too", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.dies(id)
			k.wait(3 * time.Hour)
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			k.claim(job.Deliveries, id)
			k.sends(id, "um")
			if r := k.receive(k.phone("um")); r.Change.TakenOver {
				k.Errorf("echo of a replay = %+v, want no takeover", r)
			}
		}},
		{"our words of yesterday, said today, are a person's", func(k *kit) {
			id := k.answer(k.say("Bom dia"))
			k.sends(id, "Bom dia")
			k.wait(24 * time.Hour)
			if r := k.receive(k.phone("Bom dia")); !r.Change.TakenOver {
				k.Errorf("Receive = %+v, want a takeover", r)
			}
			k.holds(id, conversation.Human, conversation.ByPhone)
		}},
		{"an update of our own message brings the conversation's state too", func(k *kit) {
			o := k.say("um")
			id := k.answer(o, k.say("dois"))
			k.sends(id, "um")
			ev := k.echo(o.Delivery, "um")
			k.receive(ev)
			ev.Snapshot = &conversation.Snapshot{Status: conversation.Open}
			if r := k.receive(ev); !r.Duplicate || !r.Change.TakenOver {
				k.Errorf("update of our message in an open conversation = %+v, want a takeover", r)
			}
			k.statuses(id, "um SENT", "dois CANCELLED")
		}},
		{"the echo of a note confirms it", func(k *kit) {
			note := k.order(channel.Note, "resumo")
			id := k.answer(note, k.say("um"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			ev := k.echo(note.Delivery, "resumo")
			ev.Kind, ev.Reason = channel.Ignored, "private_note"
			for range 2 {
				if r := k.receive(ev); r.Change.TakenOver {
					k.Errorf("echo of a note = %+v, want no takeover", r)
				}
			}
			k.statuses(id, "resumo SENT", "um PENDING")
			k.transcript(id, "customer: pergunta K1", "bot: um")
		}},
		{"an echo and another bot's assignment in one webhook", func(k *kit) {
			o := k.say("um")
			id := k.answer(o)
			k.sends(id, "um")
			changed := k.event(channel.Changed)
			changed.Snapshot = &conversation.Snapshot{Assignee: conversation.SomeBot, AssigneeID: "8"}
			k.arrive(k.arrival(k.echo(o.Delivery, "um"), changed))
			k.holds(id, conversation.Human, conversation.ByAssignment)
		}},
		{"an echo brings the conversation's state", func(k *kit) {
			o := k.say("um")
			id := k.answer(o, k.say("dois"))
			k.sends(id, "um")
			ev := k.echo(o.Delivery, "um")
			ev.Snapshot = &conversation.Snapshot{Status: conversation.Open}
			if r := k.receive(ev); !r.Change.TakenOver {
				k.Errorf("echo in an open conversation = %+v, want a takeover", r)
			}
			k.statuses(id, "um SENT", "dois CANCELLED")
		}},
	}
}
