package storetest

import (
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// call is an order that starts a workflow.
func (k *kit) call(workflow, arguments string) channel.Order {
	o := k.order(channel.Call, "")
	o.Workflow, o.Arguments = workflow, arguments
	return o
}

// ends takes the next delivery, which must be a call, and ends it with news, nil for none.
func (k *kit) ends(id conversation.ID, outcome store.AttemptOutcome, news *conversation.Content) store.Delivery {
	k.Helper()
	d := k.next(id)
	if d.Order.Kind != channel.Call {
		k.Fatalf("NextDelivery = %s %q, want a call", d.Order.Kind, d.Order.Text)
	}
	a := k.attempt(d, outcome)
	a.News = news
	k.finish(a)
	return d
}

// result is what a workflow tells.
func result(text string) *conversation.Content {
	return &conversation.Content{Kind: conversation.Result, Text: text, Detail: map[string]string{"workflow": "agendar", "status": "done"}}
}

func (k *kit) reports(d conversation.DeliveryID, report, text string) store.Result {
	k.Helper()
	r, err := k.s.Reported(k.ctx, store.Report{Delivery: d, ID: report, Content: *result(text), Now: k.now, Correlation: "r-" + report})
	if err != nil {
		k.Fatalf("Reported(%s): %v", report, err)
	}
	return r
}

// fired checks what a conversation has started: "workflow STATUS".
func (k *kit) fired(t store.Turn, want ...string) {
	k.Helper()
	var got []string
	for _, f := range t.Fired {
		got = append(got, f.Workflow+" "+string(f.Status))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		k.Fatalf("fired (-want +got):\n%s", diff)
	}
}

// calls is about workflows: started once, and what they tell.
func calls() []scenario {
	return []scenario{
		{"a call comes back as it was, and is remembered", func(k *kit) {
			o := k.call("agendar", `{"quando":"amanhã"}`)
			at := k.now.Add(4 * time.Second)
			id := k.answer(o)
			d := k.ends(id, store.AttemptSent, nil)
			want := o
			want.Address, want.Since, want.After = channel.Address{To: "5511987654321", Thread: "357"}, at, "K2"
			if diff := cmp.Diff(want, d.Order); diff != "" {
				k.Errorf("order (-want +got):\n%s", diff)
			}
			k.writes("e?")
			t := k.begin(id)
			if diff := cmp.Diff([]store.Firing{{Workflow: "agendar", Key: store.FiringKey(o.Arguments), Delivery: o.Delivery, At: at, Status: store.Sent}}, t.Fired); diff != "" {
				k.Errorf("fired (-want +got):\n%s", diff)
			}
			k.transcript(id, "customer: pergunta K1", "customer: e?")
		}},
		{"the same arguments start a workflow once", func(k *kit) {
			id := k.answer(k.call("agendar", `{"a":1}`), k.call("agendar", `{"a":1}`), k.call("agendar", `{"a":2}`), k.call("cadastrar", `{"a":1}`), k.say("um"))
			k.statuses(id, "workflow PENDING", "workflow PENDING", "workflow PENDING", "um PENDING")
			for range 3 {
				k.ends(id, store.AttemptSent, nil)
			}
			k.sends(id, "um")
			k.writes("de novo")
			t := k.begin(id)
			k.fired(t, "agendar SENT", "agendar SENT", "cadastrar SENT")
			k.decide(k.decision(t, k.call("agendar", `{"a":2}`)))
			k.wait(lease)
			if n, _ := k.dispatch(job.Deliveries); n != 0 {
				k.idle(id)
			}
			k.statuses(id, "workflow SENT", "workflow SENT", "workflow SENT", "um SENT")
		}},
		{"another conversation may start the same", func(k *kit) {
			for range 2 {
				id := k.people(1)[0]
				k.decide(k.decision(k.begin(id), k.call("agendar", `{}`)))
				k.ends(id, store.AttemptSent, nil)
			}
		}},
		{"what failed for good is not started again", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			k.ends(id, store.AttemptFailed, nil)
			k.holds(id, conversation.Bot, "")
			k.writes("de novo")
			t := k.begin(id)
			k.fired(t, "agendar FAILED_PERMANENT")
			k.decide(k.decision(t, k.call("agendar", `{}`)))
			k.statuses(id, "workflow FAILED_PERMANENT")
		}},
		{"no change of hands calls off a call", func(k *kit) {
			hands := map[string]func(conversation.ID){
				"a person": func(conversation.ID) { k.receive(k.person("Eu assumo")) },
				"a command": func(id conversation.ID) {
					if err := k.s.TakeOver(k.ctx, id, 0, k.now); err != nil {
						k.Fatalf("TakeOver: %v", err)
					}
				},
				"a close": func(conversation.ID) { k.receive(k.shown(conversation.Resolved, k.now)) },
				"opened":  func(conversation.ID) { k.receive(k.shown(conversation.Open, k.now)) },
			}
			for _, name := range slices.Sorted(maps.Keys(hands)) {
				id := k.answer(k.say("um"), k.call("agendar", `{"por":"`+name+`"}`))
				hands[name](id)
				d := k.ends(id, store.AttemptSent, nil)
				if k.delivery(d.ID).Status != store.Sent {
					k.Errorf("after %s the call is %s, want it done", name, k.delivery(d.ID).Status)
				}
				k.works(id) // what a change of hands has ordered
				k.receive(k.shown(conversation.Open, k.now.Add(time.Second)))
				k.wait(2 * time.Second)
				k.receive(k.shown(conversation.Pending, k.now))
				k.wait(time.Second)
			}
		}},
		{"nor one that waits for another try", func(k *kit) {
			id := k.handoff(k.order(channel.OpenUp, ""), k.call("agendar", `{}`))
			k.finish(k.attempt(k.next(id), store.AttemptSent))
			k.receive(k.shown(conversation.Open, k.now))
			k.later(k.next(id), store.AttemptRetry, 10*time.Minute)
			k.receive(k.shown(conversation.Resolved, k.now.Add(time.Second)))
			k.resumes(id, 10*time.Minute)
			k.ends(id, store.AttemptSent, nil)
			k.statuses(id, "open SENT", "workflow SENT")
		}},
		{"nor one that is in doubt", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			k.later(k.next(id), store.AttemptUncertain, time.Second)
			k.receive(k.person("Eu assumo"))
			k.resumes(id, time.Second)
			if d := k.next(id); !d.Uncertain {
				k.Errorf("NextDelivery = %+v, want it to be asked about", d)
			}
		}},
		{"what an opt-out called off before it began may be started later", func(k *kit) {
			id := k.answer(k.say("um"), k.call("agendar", `{}`))
			k.out()
			k.idle(id)
			k.statuses(id, "um CANCELLED", "workflow CANCELLED")
			if err := k.s.OptIn(k.ctx, id); err != nil {
				k.Fatalf("OptIn: %v", err)
			}
			k.writes("e agora?")
			t := k.begin(id)
			k.fired(t, "agendar CANCELLED")
			k.decide(k.decision(t, k.call("agendar", `{}`)))
			k.ends(id, store.AttemptSent, nil)
			k.writes("e?")
			k.fired(k.begin(id), "agendar SENT")
		}},
		{"what an opt-out called off while its outcome was in doubt is not", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			k.later(k.next(id), store.AttemptUncertain, time.Second)
			k.out()
			k.idle(id)
			if err := k.s.OptIn(k.ctx, id); err != nil {
				k.Fatalf("OptIn: %v", err)
			}
			k.writes("e agora?")
			k.decide(k.decision(k.begin(id), k.call("agendar", `{}`)))
			k.statuses(id, "workflow CANCELLED")
		}},
		{"a call in doubt is asked about, and repeated when it is absent or nobody can tell", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			for _, outcome := range []store.AttemptOutcome{store.AttemptAbsent, store.AttemptUnknown} {
				k.later(k.next(id), store.AttemptUncertain, 5*time.Second)
				k.idle(id)
				k.claim(job.Deliveries, id)
				d := k.next(id)
				if !d.Uncertain {
					k.Fatalf("NextDelivery before %s is not in doubt", outcome)
				}
				k.finish(k.attempt(d, outcome))
			}
			if d := k.next(id); d.Uncertain || d.Blind != 1 || d.Attempts != 3 {
				k.Errorf("NextDelivery = uncertain %v, blind %d, attempts %d, want the third try, one of them blind", d.Uncertain, d.Blind, d.Attempts)
			}
		}},
		{"a call that waits for another try holds nobody up", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`), k.say("Um momento"), k.order(channel.Note, "nota"))
			began := k.now
			k.later(k.next(id), store.AttemptRetry, 10*time.Minute)
			k.sends(id, "Um momento")
			k.sends(id, "nota")
			k.resumes(id, began.Add(10*time.Minute).Sub(k.now))
			k.ends(id, store.AttemptSent, nil)
			k.idle(id)
		}},
		{"who reports has run", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.next(id)
			a := k.attempt(d, store.AttemptUncertain)
			a.NextAt = k.now.Add(5 * time.Second)
			k.finish(a)
			k.reports(d.ID, "1", "confirmado")
			k.statuses(id, "workflow SENT")
			late := k.attempt(d, store.AttemptFailed)
			late.News = result("?")
			k.finish(late)
			k.statuses(id, "workflow SENT")
			k.transcript(id, "customer: pergunta K1", "system: confirmado")
		}},
		{"what a workflow answers is a turn of its own", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`), k.say("Um momento"))
			asked := k.conversation(id)
			d := k.ends(id, store.AttemptSent, result(`{"link":"x"}`))
			if n, _ := k.dispatch(job.Turns); n != 1 {
				k.Fatalf("Dispatch(turn) after an answer = %d, want 1", n)
			}
			t, err := k.s.BeginTurn(k.ctx, k.turnJob(id, k.jobs.fence(job.Turns, id)), k.now, lease, 20)
			if err != nil || len(t.Pending) != 1 {
				k.Fatalf("BeginTurn = %d pending, %v, want the answer", len(t.Pending), err)
			}
			got := t.Pending[0]
			want := conversation.Message{ID: got.ID, Conversation: id, Author: conversation.System, Content: *result(`{"link":"x"}`), SaidAt: k.now, At: k.now}
			if diff := cmp.Diff(want, got); diff != "" {
				k.Errorf("message (-want +got):\n%s", diff)
			}
			if t.Conversation.Revision != asked.Revision+1 || !t.FirstPending.Equal(k.now) || t.Conversation.Correlation != d.Correlation {
				k.Errorf("turn has revision %d, first pending %v, correlation %q", t.Conversation.Revision, t.FirstPending, t.Conversation.Correlation)
			}
			k.decide(k.decision(t, k.say("Pronto: x")))
			k.sends(id, "Um momento")
			if d := k.sends(id, "Pronto: x"); d.Order.After != "" {
				k.Errorf("what answers no customer stands after %q", d.Order.After)
			}
			k.nothingDue()
			k.writes("obrigada")
			if diff := cmp.Diff([]string{"customer: pergunta K1", "bot: Um momento", `system: {"link":"x"}`, "bot: Pronto: x"}, lines(k.begin(id).History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
		}},
		{"a failure is news as well, and a replay's end is new", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.ends(id, store.AttemptFailed, result("falhou"))
			k.decide(k.decision(k.begin(id)))
			if err := k.s.Replay(k.ctx, d.ID, k.now); err != nil {
				k.Fatalf("Replay: %v", err)
			}
			k.wait(lease)
			k.claim(job.Deliveries, id)
			k.ends(id, store.AttemptSent, result("deu certo"))
			if diff := cmp.Diff([]string{"system: deu certo"}, lines(k.begin(id).Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
		}},
		{"an end that is told twice is news once", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.next(id)
			for range 2 {
				a := k.attempt(d, store.AttemptSent)
				a.News = result("ok")
				k.finish(a)
			}
			k.transcript(id, "customer: pergunta K1", "system: ok")
		}},
		{"only a call has news", func(k *kit) {
			id := k.answer(k.say("um"))
			a := k.attempt(k.next(id), store.AttemptSent)
			a.News = result("?")
			k.finish(a)
			k.transcript(id, "customer: pergunta K1", "bot: um")
		}},
		{"news makes a draft stale, and is answered with what came meanwhile", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.next(id)
			k.writes("e aí?")
			t := k.begin(id)
			a := k.attempt(d, store.AttemptSent)
			a.News = result("ok")
			k.finish(a)
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("não sei"))), store.ErrStale)
			k.release(t)
			again := k.begin(id)
			if diff := cmp.Diff([]string{"customer: e aí?", "system: ok"}, lines(again.Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
			k.decide(k.decision(again, k.say("marcado")))
			if d := k.sends(id, "marcado"); d.Order.After == "" {
				k.Error("an answer does not know the customer's message that it answers")
			}
		}},
		{"news does not cut a burst short", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			k.writes("espera")
			due := k.now.Add(4 * time.Second)
			k.ends(id, store.AttemptSent, result("ok"))
			k.dueAt(due)
		}},
		{"news for people is only recorded", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.next(id)
			k.receive(k.person("Eu assumo"))
			a := k.attempt(d, store.AttemptSent)
			a.News = result("ok")
			k.finish(a)
			if r := k.reports(d.ID, "1", "depois"); r.Pending || r.Deliver || r.Message == 0 || r.Conversation != id {
				k.Errorf("Reported = %+v, want it recorded", r)
			}
			k.nothingDue()
			k.statuses(id, "workflow SENT")
			k.transcript(id, "customer: pergunta K1", "person: Eu assumo", "system: ok", "system: depois")
		}},
		{"people read news in a note, once", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`), k.call("cadastrar", `{}`))
			tells := func(d store.Delivery, note string) {
				for range 2 {
					a := k.attempt(d, store.AttemptSent)
					a.News, a.Note = result("ok"), note
					k.finish(a)
				}
				for i := range 2 {
					r, err := k.s.Reported(k.ctx, store.Report{Delivery: d.ID, ID: "1", Content: *result("depois"), Note: note + " depois", Now: k.now})
					if err != nil || r.Deliver != (i == 0) || r.Pending {
						k.Fatalf("Reported = %+v, %v, want one note", r, err)
					}
				}
			}
			d := k.next(id)
			k.receive(k.person("Eu assumo"))
			tells(d, "agendar")
			d = k.next(id)
			k.receive(k.shown(conversation.Resolved, k.now))
			tells(d, "cadastrar")
			for _, note := range []string{"agendar", "agendar depois", "cadastrar", "cadastrar depois"} {
				k.sends(id, note)
			}
			k.idle(id)
			k.nothingDue()
		}},
		{"a person who takes over gets the news that was not answered", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.next(id)
			a := k.attempt(d, store.AttemptSent)
			a.News, a.Note = result("ok"), "agendar: ok"
			k.finish(a)
			k.idle(id)
			if r := k.receive(k.person("Eu assumo")); !r.Deliver {
				k.Errorf("Receive = %+v, want a delivery", r)
			}
			k.nothingDue()
			k.claim(job.Deliveries, id)
			k.sends(id, "agendar: ok")
			k.idle(id)
			k.receive(k.person("Já vi"))
			k.statuses(id, "workflow SENT", "agendar: ok SENT")
		}},
		{"what the desk has answered is no news to people", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			a := k.attempt(k.next(id), store.AttemptSent)
			a.News, a.Note = result("ok"), "agendar: ok"
			k.finish(a)
			k.idle(id)
			k.decide(k.decision(k.begin(id), k.say("Marcado")))
			k.sends(id, "Marcado")
			k.receive(k.person("Eu assumo"))
			k.nothingDue()
			k.statuses(id, "workflow SENT", "Marcado SENT")
		}},
		{"a turn that hands over without the news leaves it to people", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.next(id)
			k.writes("quero uma pessoa")
			t := k.begin(id)
			a := k.attempt(d, store.AttemptSent)
			a.News, a.Note = result("ok"), "agendar: ok"
			k.finish(a)
			dec := k.decision(t, k.order(channel.OpenUp, ""))
			dec.HandOver, dec.Partial = conversation.ByHandoff, true
			k.decide(dec)
			k.sends(id, "agendar: ok")
			k.sends(id, "")
			k.idle(id)
			k.nothingDue()
		}},
		{"a failure that hands over leaves its news to people", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			a := k.attempt(k.next(id), store.AttemptFailed)
			a.News, a.HandOver, a.Orders = result("falhou"), conversation.ByFailure, []channel.Order{k.order(channel.Note, "nota")}
			k.finish(a)
			k.holds(id, conversation.Human, conversation.ByFailure)
			k.nothingDue()
			k.sends(id, "nota")
		}},
		{"a report is a turn, once", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			d := k.ends(id, store.AttemptSent, nil)
			k.nothingDue()
			k.wait(time.Hour)
			r := k.reports(d.ID, "1", "confirmado")
			if r.Conversation != id || !r.Pending || !r.Stale || r.Duplicate || !r.DueAt.Equal(k.now) || r.Message == 0 {
				k.Errorf("Reported = %+v, want a turn now", r)
			}
			again := k.reports(d.ID, "1", "confirmado")
			if want := (store.Result{Conversation: id, Message: r.Message, Duplicate: true}); again != want {
				k.Errorf("Reported again = %+v, want %+v", again, want)
			}
			t := k.begin(id)
			if diff := cmp.Diff([]string{"system: confirmado"}, lines(t.Pending)); diff != "" || t.Conversation.Correlation != "r-1" {
				k.Errorf("turn of %q (-want +got):\n%s", t.Conversation.Correlation, diff)
			}
			k.decide(k.decision(t))
			if r := k.reports(d.ID, "1", "confirmado"); !r.Duplicate {
				k.Errorf("Reported after the turn = %+v, want a duplicate", r)
			}
			if r := k.reports(d.ID, "2", "cancelado"); r.Duplicate || !r.Pending {
				k.Errorf("another report = %+v, want another turn", r)
			}
		}},
		{"a report of no call is not found", func(k *kit) {
			id := k.answer(k.say("um"))
			for _, d := range []conversation.DeliveryID{k.sends(id, "um").ID, k.say("").Delivery} {
				_, err := k.s.Reported(k.ctx, store.Report{Delivery: d, ID: "1", Content: *result("?"), Now: k.now})
				k.refused(err, store.ErrNotFound)
			}
			k.transcript(id, "customer: pergunta K1", "bot: um")
		}},
		{"news does not hide a repeat without an id", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			ev := k.customer("alô")
			ev.Key = ""
			k.receive(ev)
			k.ends(id, store.AttemptSent, result("ok"))
			if r := k.receive(ev); !r.Duplicate {
				k.Errorf("Receive of a repeat after news = %+v, want a duplicate", r)
			}
		}},
		{"a message that is taken back leaves the news", func(k *kit) {
			id := k.answer(k.call("agendar", `{}`))
			ev := k.customer("ops")
			k.receive(ev)
			k.ends(id, store.AttemptSent, result("ok"))
			k.receive(k.revoke(ev))
			if diff := cmp.Diff([]string{"system: ok"}, lines(k.begin(id).Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
		}},
	}
}
