package storetest

import (
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// deliveries is about their order and about being cut off.
func deliveries() []scenario {
	return []scenario{
		{"one after the other, in order", func(k *kit) {
			id := k.answer(k.say("um"), k.order(channel.Note, "nota"), k.say("dois"))
			k.sends(id, "um")
			k.statuses(id, "um SENT", "nota PENDING", "dois PENDING")
			k.sends(id, "nota")
			k.sends(id, "dois")
			k.idle(id)
			if n, next := k.dispatch(job.Deliveries); n != 0 || !next.IsZero() {
				k.Errorf("Dispatch(delivery) after the last = %d, next %v, want nothing", n, next)
			}
		}},
		{"the next waits for the one before", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.next(id)
			// The same job once more finds the first one begun: it may have arrived.
			k.idle(id)
			k.claim(job.Deliveries, id)
			if d := k.next(id); d.Order.Text != "um" || !d.Uncertain {
				k.Errorf("NextDelivery = %q, uncertain %v, want the first one, to be asked about", d.Order.Text, d.Uncertain)
			}
			k.statuses(id, "um PENDING", "dois PENDING")
		}},
		{"the next turn's answers come after this one's", func(k *kit) {
			id := k.answer(k.say("um"))
			k.answer(k.say("dois"))
			k.sends(id, "um")
			k.sends(id, "dois")
		}},
		{"conversations do not wait for each other", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptRetry, time.Hour)
			ev := k.customer("quanto custa")
			ev.Contact.Identities[0].Value = "+5511900000000"
			other := k.receive(ev).Conversation
			k.decide(k.decision(k.begin(other), k.say("dois")))
			k.sends(other, "dois")
		}},
		{"an attempt that was cut off is asked about, after it had time to arrive", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			begun := k.now
			d := k.next(id)
			k.wait(lease)
			k.claim(job.Deliveries, id) // the worker is gone
			k.idle(id)
			cut := k.now
			k.claim(job.Deliveries, id)
			if !k.now.After(cut) {
				k.Errorf("the lane is due again at once, want time to arrive")
			}
			again := k.next(id)
			if again.ID != d.ID || !again.Uncertain || again.Attempts != 1 || !again.Order.Since.Equal(begun) {
				k.Errorf("NextDelivery = %+v, want the first attempt of %s since %v, uncertain", again, d.ID, begun)
			}
			k.finish(k.attempt(again, store.AttemptSent))
			k.sends(id, "dois")
		}},
		{"a reconciliation that was cut off is asked again", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptUncertain, time.Second)
			for range 2 {
				k.wait(lease)
				k.claim(job.Deliveries, id)
				if d := k.next(id); !d.Uncertain || d.Attempts != 1 {
					k.Errorf("NextDelivery = uncertain %v after %d attempts, want it asked about after 1", d.Uncertain, d.Attempts)
				}
			}
		}},
		{"a late worker's word does not count against a newer try", func(k *kit) {
			id := k.answer(k.say("um"))
			late := k.next(id)
			lateFence := k.deliver(id).Fence
			k.wait(lease)
			k.claim(job.Deliveries, id)
			k.idle(id)
			k.claim(job.Deliveries, id)
			k.finish(k.attempt(k.next(id), store.AttemptAbsent))
			second := k.next(id)
			if second.Attempts != 2 {
				k.Fatalf("Attempts = %d, want 2", second.Attempts)
			}
			a := k.attempt(late, store.AttemptFailed)
			a.Fence, a.HandOver = lateFence, conversation.ByFailure
			k.finish(a)
			k.statuses(id, "um PENDING")
			k.holds(id, conversation.Bot, "")
			k.finish(k.attempt(second, store.AttemptSent))
			k.statuses(id, "um SENT")
		}},
		{"a late worker's success is a fact", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			late := k.attempt(k.next(id), store.AttemptSent)
			k.wait(lease)
			k.claim(job.Deliveries, id)
			k.idle(id)
			late.Key = "ABC"
			k.finish(late)
			if d := k.delivery(late.Delivery); d.Status != store.Sent || d.Key != "ABC" {
				k.Errorf("delivery is %s with key %q, want SENT with ABC", d.Status, d.Key)
			}
			k.claim(job.Deliveries, id)
			k.sends(id, "dois")
		}},
		{"an unknown delivery cannot be finished", func(k *kit) {
			id := k.answer(k.say("um"))
			a := k.attempt(k.next(id), store.AttemptSent)
			a.Delivery = k.say("").Delivery
			k.refused(k.s.FinishAttempt(k.ctx, a), store.ErrNotFound)
		}},
		{"an unknown lane is lost", func(k *kit) {
			_, err := k.s.NextDelivery(k.ctx, job.Deliver{Conversation: 99, Fence: 1}, k.now, lease)
			k.refused(err, store.ErrLost)
		}},
	}
}

// outcomes is about how attempts end.
func outcomes() []scenario {
	return []scenario{
		{"sent", func(k *kit) {
			id := k.answer(k.say("um"))
			a := k.attempt(k.next(id), store.AttemptSent)
			a.HTTPStatus, a.Key = 200, "ABC"
			k.wait(time.Second)
			a.Now = k.now
			k.finish(a)
			if d := k.delivery(a.Delivery); d.Status != store.Sent || d.HTTPStatus != 200 || d.Key != "ABC" || d.Attempts != 1 || !d.DoneAt.Equal(k.now) || d.Cause != "" {
				k.Errorf("delivery = %+v", d)
			}
		}},
		{"a retry parks the lane until its time", func(k *kit) {
			id := k.answer(k.say("um"), k.order(channel.Note, "nota"))
			for try := 1; try <= 3; try++ {
				d := k.next(id)
				if d.Order.Text != "um" || d.Attempts != try || d.Round != try || d.Uncertain {
					k.Fatalf("try %d = %q, attempts %d, round %d, uncertain %v", try, d.Order.Text, d.Attempts, d.Round, d.Uncertain)
				}
				k.later(d, store.AttemptRetry, 15*time.Second)
				at := k.now.Add(15 * time.Second)
				if got := k.delivery(d.ID); got.Status != store.FailedTemporary || got.Cause != "timeout" || got.HTTPStatus != 502 || !got.NextAt.Equal(at) {
					k.Fatalf("delivery after try %d = %+v", try, got)
				}
				k.idle(id)
				if n, next := k.dispatch(job.Deliveries); n != 0 || !next.Equal(at) {
					k.Fatalf("Dispatch(delivery) = %d, next %v, want 0 and next %v", n, next, at)
				}
				k.now = at
				k.claim(job.Deliveries, id)
			}
			k.sends(id, "um")
			k.sends(id, "nota")
			if d := k.conversation(id); d.State.Holder != conversation.Bot {
				k.Errorf("held by %s, want bot", d.State.Holder)
			}
		}},
		{"a new decision does not hurry a parked lane", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptRetry, time.Minute)
			at := k.now.Add(time.Minute)
			k.idle(id)
			k.answer(k.say("dois"))
			k.idle(id)
			if k.now.After(at) {
				k.Fatal("the clock went too far for this case")
			}
			if n, next := k.dispatch(job.Deliveries); n != 0 || !next.Equal(at) {
				k.Errorf("Dispatch(delivery) = %d, next %v, want 0 and next %v", n, next, at)
			}
			k.claim(job.Deliveries, id)
			k.sends(id, "um")
			k.sends(id, "dois")
		}},
		{"uncertain is asked about, and absent is sent again", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			begun := k.now
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.idle(id)
			k.claim(job.Deliveries, id)
			asked := k.next(id)
			if !asked.Uncertain || asked.Attempts != 1 || !asked.Order.Since.Equal(begun) {
				k.Fatalf("NextDelivery = uncertain %v, attempts %d, since %v, want it asked about since %v", asked.Uncertain, asked.Attempts, asked.Order.Since, begun)
			}
			k.finish(k.attempt(asked, store.AttemptAbsent))
			d := k.next(id)
			if d.Order.Text != "um" || d.Uncertain || d.Attempts != 2 || d.Blind != 0 {
				k.Fatalf("NextDelivery = %q, uncertain %v, attempts %d, blind %d, want a second try", d.Order.Text, d.Uncertain, d.Attempts, d.Blind)
			}
			k.finish(k.attempt(d, store.AttemptSent))
			k.sends(id, "dois")
		}},
		{"uncertain that nobody can tell is repeated blindly, and counted", func(k *kit) {
			id := k.answer(k.say("um"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			for blind := 1; blind <= 2; blind++ {
				k.idle(id)
				k.claim(job.Deliveries, id)
				k.finish(k.attempt(k.next(id), store.AttemptUnknown))
				d := k.next(id)
				if d.Uncertain || d.Blind != blind || d.Attempts != blind+1 {
					k.Fatalf("NextDelivery = uncertain %v, blind %d, attempts %d, want a repeat with blind %d", d.Uncertain, d.Blind, d.Attempts, blind)
				}
				k.later(d, store.AttemptUncertain, 5*time.Second)
			}
		}},
		{"uncertain that arrived is sent", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
			k.idle(id)
			k.claim(job.Deliveries, id)
			a := k.attempt(k.next(id), store.AttemptSent)
			a.Key = "ABC"
			k.finish(a)
			k.statuses(id, "um SENT", "dois PENDING")
			k.sends(id, "dois")
		}},
		{"asking that failed is asked again", func(k *kit) {
			for _, outcome := range []store.AttemptOutcome{store.AttemptUncertain, store.AttemptRetry} {
				id := k.answer(k.say("um"))
				k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
				k.idle(id)
				k.claim(job.Deliveries, id)
				k.later(k.next(id), outcome, 5*time.Second)
				k.idle(id)
				k.claim(job.Deliveries, id)
				d := k.next(id)
				if !d.Uncertain || d.Attempts != 1 {
					k.Errorf("NextDelivery after asking ended %s = uncertain %v, attempts %d, want it asked about again", outcome, d.Uncertain, d.Attempts)
				}
				k.finish(k.attempt(d, store.AttemptSent))
			}
		}},
		{"cancelled by the worker, and the next goes on", func(k *kit) {
			id := k.answer(k.order(channel.Labels, ""), k.say("um"))
			a := k.attempt(k.next(id), store.AttemptCancelled)
			a.Cause = "not supported by this inbox"
			k.finish(a)
			if d := k.delivery(a.Delivery); d.Status != store.Cancelled || d.Cause != a.Cause || d.DoneAt.IsZero() {
				k.Errorf("delivery = %s, cause %q, done %v, want it cancelled", d.Status, d.Cause, d.DoneAt)
			}
			k.sends(id, "um")
		}},
		{"failed for good takes the later words with it and calls people", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"), k.order(channel.Note, "nota"), k.say("três"))
			k.writes("mais uma") // pending: nobody of ours will answer it
			note, open := k.order(channel.Note, "não foi entregue"), k.order(channel.OpenUp, "")
			k.sends(id, "um")
			d := k.dies(id, note, open)
			if got := k.delivery(d.ID); got.Status != store.FailedPermanent || got.Cause != "no such number" || got.HTTPStatus != 404 || got.DoneAt.IsZero() {
				k.Errorf("dead delivery = %+v", got)
			}
			k.statuses(id, "um SENT", "dois FAILED_PERMANENT", "nota PENDING", "três CANCELLED", "não foi entregue PENDING", "open PENDING")
			k.holds(id, conversation.Human, conversation.ByFailure)
			k.nothingDue()
			k.sends(id, "nota")
			k.sends(id, "não foi entregue")
			if got := k.next(id); got.Order.Kind != channel.OpenUp {
				k.Errorf("NextDelivery = %s, want open", got.Order.Kind)
			}
		}},
		{"what a failure orders is found although its worker is gone", func(k *kit) {
			id := k.answer(k.say("um"))
			k.dies(id, k.order(channel.Note, "não foi entregue"))
			k.wait(lease)
			k.claim(job.Deliveries, id)
			k.sends(id, "não foi entregue")
		}},
		{"a draft is stale after a failure", func(k *kit) {
			id := k.answer(k.say("um"))
			k.writes("e?")
			t := k.begin(id)
			k.dies(id)
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("dois"))), store.ErrStale)
		}},
		{"a note that fails for good stops nothing", func(k *kit) {
			id := k.answer(k.order(channel.Note, "nota"), k.say("um"))
			a := k.attempt(k.next(id), store.AttemptFailed)
			a.Cause = "forbidden"
			k.finish(a)
			k.statuses(id, "nota FAILED_PERMANENT", "um PENDING")
			k.holds(id, conversation.Bot, "")
			k.sends(id, "um")
		}},
		{"a failure in a person's hands calls nobody", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.next(id)
			k.receive(k.person("Eu assumo"))
			a := k.attempt(d, store.AttemptFailed)
			a.HandOver, a.Orders = conversation.ByFailure, nil
			k.finish(a)
			k.holds(id, conversation.Human, conversation.ByMessage)
			k.statuses(id, "um FAILED_PERMANENT")
		}},
		{"an outcome that is none is refused", func(k *kit) {
			id := k.answer(k.say("um"))
			if err := k.s.FinishAttempt(k.ctx, k.attempt(k.next(id), "perhaps")); err == nil || fault.Is(err, fault.NotFound) {
				k.Errorf("FinishAttempt(perhaps) = %v, want an error", err)
			}
		}},
	}
}
