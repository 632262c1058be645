package storetest

import (
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// dead is about deliveries that failed for good, and bringing them back.
func dead() []scenario {
	return []scenario{
		{"a replay brings back the dead and what it took with it", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"), k.say("três"))
			k.sends(id, "um")
			d := k.dies(id, k.order(channel.Note, "não foi entregue"))
			k.sends(id, "não foi entregue")
			k.idle(id)
			k.statuses(id, "um SENT", "dois FAILED_PERMANENT", "três CANCELLED", "não foi entregue SENT")
			k.wait(time.Hour)
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			k.statuses(id, "um SENT", "dois PENDING", "três PENDING", "não foi entregue SENT")
			k.claim(job.Deliveries, id)
			again := k.next(id)
			if again.ID != d.ID || again.Attempts != 2 || again.Round != 1 || again.Uncertain {
				k.Fatalf("NextDelivery = attempts %d, round %d, uncertain %v, want the second try and the first of its round", again.Attempts, again.Round, again.Uncertain)
			}
			k.finish(k.attempt(again, store.AttemptSent))
			k.sends(id, "três") // although people have the conversation: an operator asked for it
			k.holds(id, conversation.Human, conversation.ByFailure)
			k.idle(id)
		}},
		{"what a replay brings back survives a takeover", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.dies(id)
			k.idle(id)
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			k.receive(k.person("Eu assumo"))
			k.claim(job.Deliveries, id)
			k.sends(id, "um")
			k.sends(id, "dois")
		}},
		{"a replay wakes a lane that waits for later", func(k *kit) {
			id := k.answer(k.say("um"), k.order(channel.Note, "nota"))
			d := k.dies(id)
			k.later(k.next(id), store.AttemptRetry, time.Hour)
			k.idle(id)
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			if n, _ := k.dispatch(job.Deliveries); n != 1 {
				k.Errorf("Dispatch(delivery) after a replay = %d, want 1", n)
			}
			k.sends(id, "um")
		}},
		{"the dead of unknown outcome is asked about before it is sent again", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptUncertain, time.Second)
			k.idle(id)
			k.claim(job.Deliveries, id)
			d := k.dies(id)
			k.idle(id)
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			k.claim(job.Deliveries, id)
			if got := k.next(id); !got.Uncertain {
				k.Error("NextDelivery after a replay is not uncertain, want it asked about")
			}
		}},
		{"only the dead are replayed", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.refused(k.s.Replay(k.ctx, k.say("").Delivery, k.now), store.ErrNotFound)
			d := k.next(id)
			k.refusedAs(k.s.Replay(k.ctx, d.ID, k.now), fault.Conflict)
			k.finish(k.attempt(d, store.AttemptSent))
			k.refusedAs(k.s.Replay(k.ctx, d.ID, k.now), fault.Conflict)
			two := k.next(id)
			k.later(two, store.AttemptRetry, time.Second)
			k.refusedAs(k.s.Replay(k.ctx, two.ID, k.now), fault.Conflict)
			k.receive(k.person("Eu assumo"))
			k.refusedAs(k.s.Replay(k.ctx, two.ID, k.now), fault.Conflict)
			k.statuses(id, "um SENT", "dois CANCELLED")
		}},
		{"a replay that dies again can be replayed again", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			d := k.dies(id)
			for range 2 {
				k.idle(id)
				if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
					k.Fatalf("Replay: %v", err)
				}
				k.statuses(id, "um PENDING", "dois PENDING")
				k.claim(job.Deliveries, id)
				k.dies(id)
				k.statuses(id, "um FAILED_PERMANENT", "dois CANCELLED")
			}
		}},
		{"the channel's word that it did not arrive calls people", func(k *kit) {
			o := k.say("um")
			id := k.answer(o, k.say("dois"))
			k.sends(id, "um")
			ev := k.event(channel.Failed)
			ev.Delivery, ev.Cause = o.Delivery, "Re-engagement message"
			r := k.receive(ev)
			if r.Conversation != id || r.Change.To != conversation.Human || r.Change.Reason != conversation.ByFailure {
				k.Errorf("failed = %+v, want the conversation with people", r)
			}
			k.holds(id, conversation.Human, conversation.ByFailure)
			if d := k.delivery(o.Delivery); d.Status != store.FailedPermanent || d.Cause == "" || d.Cause == ev.Cause {
				k.Errorf("delivery is %s for %q, want it failed for a cause of ours", d.Status, d.Cause)
			}
			if r := k.receive(ev); r.Change.Moved() {
				k.Errorf("failed again = %+v, want nothing new", r)
			}
			if err := k.s.Replay(k.ctx, o.Delivery, k.now); err != nil {
				k.Errorf("Replay: %v", err)
			}
		}},
		{"the channel's word that it did not arrive outlives a slow answer and an echo", func(k *kit) {
			o := k.say("um")
			id := k.answer(o)
			d := k.next(id)
			ev := k.event(channel.Failed)
			ev.Delivery = o.Delivery
			k.receive(ev)
			k.finish(k.attempt(d, store.AttemptSent))
			k.receive(k.echo(o.Delivery, "um"))
			k.statuses(id, "um FAILED_PERMANENT", "open PENDING")
		}},
		{"a failure of something that is not ours changes nothing", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			ev := k.event(channel.Failed)
			ev.Delivery = k.say("").Delivery
			if r := k.receive(ev); r.Change.Moved() {
				k.Errorf("failed = %+v, want nothing", r)
			}
			k.holds(id, conversation.Bot, "")
		}},
	}
}
