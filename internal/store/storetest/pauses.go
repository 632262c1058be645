package storetest

import (
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// after is an order that waits after the one before it.
func after(pause time.Duration, o channel.Order) channel.Order {
	o.Pause = pause
	return o
}

// resumes checks that the delivery lane rests now and is due again after a pause, and claims it then.
func (k *kit) resumes(id conversation.ID, pause time.Duration) {
	k.Helper()
	k.idle(id)
	at := k.now.Add(pause)
	if n, next := k.dispatch(job.Deliveries); n != 0 || !next.Equal(at) {
		k.Fatalf("Dispatch(delivery) = %d, next %v, want 0 and next %v", n, next, at)
	}
	k.now = at
	k.claim(job.Deliveries, id)
}

// pauses is about the time that a person would need to write.
func pauses() []scenario {
	const second = time.Second
	return []scenario{
		{"what is paused goes out in its time", func(k *kit) {
			id := k.answer(k.say("um"), after(2*second, k.say("dois")), after(3*second, k.say("três")), k.order(channel.Note, "nota"))
			if d := k.sends(id, "um"); !d.More {
				k.Error("the first of three says that there is no more")
			}
			k.resumes(id, 2*second)
			d := k.sends(id, "dois")
			if !d.More || d.Order.Pause != 2*second {
				k.Errorf("the second has more %v and a pause of %v, want more and 2s", d.More, d.Order.Pause)
			}
			k.resumes(id, 3*second)
			if d := k.sends(id, "três"); d.More {
				k.Error("the last says that there is more")
			}
			k.sends(id, "nota")
			k.idle(id)
		}},
		{"the first may wait as well", func(k *kit) {
			id := k.answer(after(second, k.say("um")))
			k.resumes(id, second)
			k.sends(id, "um")
		}},
		{"a pause counts from the decision, so that what is late is not made later", func(k *kit) {
			id := k.answer(k.say("um"), after(2*second, k.say("dois")), after(2*second, k.say("três")))
			k.later(k.next(id), store.AttemptRetry, 3*second)
			k.resumes(id, 3*second)
			k.sends(id, "um")
			k.sends(id, "dois")
			k.resumes(id, second)
			k.sends(id, "três")
		}},
		{"the customer's word ends the pauses", func(k *kit) {
			id := k.answer(k.say("um"), after(time.Minute, k.say("dois")), after(time.Minute, k.say("três")))
			k.sends(id, "um")
			k.idle(id)
			k.wait(second)
			if r := k.receive(k.customer("tá")); !r.Deliver || !r.Pending {
				k.Errorf("Receive = %+v, want a delivery and a turn", r)
			}
			k.claim(job.Deliveries, id)
			k.sends(id, "dois")
			k.sends(id, "três")
			k.idle(id)
		}},
		{"the customer's word ends the pauses behind what is being sent", func(k *kit) {
			id := k.answer(k.say("um"), after(time.Minute, k.say("dois")))
			d := k.next(id)
			k.writes("tá")
			k.finish(k.attempt(d, store.AttemptSent))
			k.sends(id, "dois")
		}},
		{"the customer's word does not hurry a retry nor a question", func(k *kit) {
			for _, outcome := range []store.AttemptOutcome{store.AttemptRetry, store.AttemptUncertain} {
				id := k.answer(k.say("um"), after(second, k.say("dois")))
				k.later(k.next(id), outcome, time.Minute)
				k.idle(id)
				k.writes("alô")
				if n, _ := k.dispatch(job.Deliveries); n > 0 {
					k.idle(id)
				}
				k.decide(k.decision(k.begin(id)))
				k.wait(time.Minute)
				k.claim(job.Deliveries, id)
				k.finish(k.attempt(k.next(id), store.AttemptSent))
				k.sends(id, "dois")
				k.idle(id)
			}
		}},
		{"a word from long ago ends no pause", func(k *kit) {
			ev := k.customer("olá")
			ev.At = k.now
			id := k.receive(ev).Conversation
			k.decide(k.decision(k.begin(id), k.say("um"), after(time.Minute, k.say("dois"))))
			k.sends(id, "um")
			k.idle(id)
			old := k.customer("de ontem")
			old.At = k.now.Add(-24 * time.Hour)
			if r := k.receive(old); r.Deliver {
				k.Errorf("Receive of an old message = %+v, want no delivery", r)
			}
			k.idle(id)
		}},
		{"a customer who writes while nothing waits costs no delivery", func(k *kit) {
			id := k.answer(k.say("um"))
			k.sends(id, "um")
			k.idle(id)
			if r := k.writes("obrigada"); r.Deliver {
				k.Errorf("Receive = %+v, want no delivery", r)
			}
		}},
		{"a takeover ends the pauses, and what is for people goes out", func(k *kit) {
			id := k.answer(k.say("um"), after(time.Minute, k.say("dois")), k.order(channel.Note, "nota"), k.call("agendar", "{}"))
			k.sends(id, "um")
			k.idle(id)
			if r := k.receive(k.person("Eu assumo")); !r.Deliver || r.Cancelled != 1 {
				k.Errorf("Receive = %+v, want a delivery", r)
			}
			k.claim(job.Deliveries, id)
			k.sends(id, "nota")
			k.ends(id, store.AttemptSent, nil)
			k.idle(id)
			k.statuses(id, "um SENT", "dois CANCELLED", "nota SENT", "workflow SENT")
		}},
		{"what is decided later waits for the pauses of what was decided before", func(k *kit) {
			id := k.answer(k.call("agendar", "{}"), k.say("um"), after(10*second, k.say("dois")))
			d := k.ends(id, store.AttemptSent, nil)
			k.sends(id, "um")
			k.idle(id)
			k.reports(d.ID, "1", "ok")
			k.decide(k.decision(k.begin(id), k.say("três")))
			k.resumes(id, 10*second)
			k.sends(id, "dois")
			k.sends(id, "três")
		}},
		{"a pause less than none is none", func(k *kit) {
			id := k.answer(after(-time.Hour, k.say("um")), after(second, k.say("dois")))
			k.sends(id, "um")
			k.resumes(id, second)
			k.sends(id, "dois")
		}},
	}
}
