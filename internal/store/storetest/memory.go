package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// kept checks what a turn remembers.
func (k *kit) kept(t store.Turn, memory, profile string) {
	k.Helper()
	if string(t.Memory) != memory || string(t.Profile) != profile || (t.Memory == nil) != (memory == "") || (t.Profile == nil) != (profile == "") {
		k.Fatalf("turn remembers %q of the conversation and %q of the contact, want %q and %q", t.Memory, t.Profile, memory, profile)
	}
}

// remembers is one decision that keeps something; "" keeps what was there.
func (k *kit) remembers(t store.Turn, memory, profile string) {
	k.Helper()
	d := k.decision(t)
	if memory != "" {
		d.Memory = []byte(memory)
	}
	if profile != "" {
		d.Profile = []byte(profile)
	}
	k.decide(d)
}

func (k *kit) leads(f store.LeadFilter) []store.Lead {
	k.Helper()
	ls, err := k.s.Leads(k.ctx, f)
	if err != nil {
		k.Fatalf("Leads(%+v): %v", f, err)
	}
	return ls
}

// memories is about what a desk keeps from turn to turn.
func memories() []scenario {
	return []scenario{
		{"memory is the conversation's and stays until it is replaced", func(k *kit) {
			id := k.writes("um").Conversation
			t := k.begin(id)
			k.kept(t, "", "")
			k.remembers(t, `{"resumo":"olá \u0000 é ✓"}`, `{"nome":"Maria"}`)
			k.writes("dois")
			t = k.begin(id)
			k.kept(t, `{"resumo":"olá \u0000 é ✓"}`, `{"nome":"Maria"}`)
			k.remembers(t, "", "")
			k.writes("três")
			t = k.begin(id)
			k.kept(t, `{"resumo":"olá \u0000 é ✓"}`, `{"nome":"Maria"}`)
			k.remembers(t, `{}`, "")
			k.writes("quatro")
			k.kept(k.begin(id), `{}`, `{"nome":"Maria"}`)
		}},
		{"a profile is the contact's in all conversations", func(k *kit) {
			one := k.receive(in("1/1", k.customer("um"))).Conversation
			k.remembers(k.begin(one), `{"c":1}`, `{"nome":"Maria"}`)
			two := k.receive(in("1/2", k.customer("dois"))).Conversation
			t := k.begin(two)
			k.kept(t, "", `{"nome":"Maria"}`)
			k.remembers(t, `{"c":2}`, `{"nome":"Maria Lima"}`)
			k.receive(in("1/1", k.customer("três")))
			k.kept(k.begin(one), `{"c":1}`, `{"nome":"Maria Lima"}`)
			k.kept(k.begin(k.people(1)[0]), "", "")
		}},
		{"a profile goes with the contact who turns out to be another", func(k *kit) {
			hidden := channel.Identity{Kind: channel.LID, Value: lid}
			before := k.receive(known(k.customer("quanto custa"), hidden)).Conversation
			k.remembers(k.begin(before), "", `{"nome":"Maria"}`)
			k.receive(k.customer("quanto custa"))
			id := k.receive(known(k.customer("sou eu"), channel.Identity{Kind: channel.Phone, Value: maria}, hidden)).Conversation
			k.kept(k.begin(id), "", `{"nome":"Maria"}`)
			if got, want := k.conversation(before).Contact, k.conversation(id).Contact; got != want {
				k.Errorf("the conversation of before is contact %d's, want %d's", got, want)
			}
		}},
		{"what a stale draft learned is not kept", func(k *kit) {
			id := k.writes("um").Conversation
			t := k.begin(id)
			k.writes("dois")
			d := k.decision(t)
			d.Memory, d.Profile, d.Lead = []byte(`{"x":1}`), []byte(`{"x":1}`), &store.Lead{State: "new", Body: []byte("{}")}
			k.refused(k.s.Decide(k.ctx, d), store.ErrStale)
			k.release(t)
			k.kept(k.begin(id), "", "")
			if ls := k.leads(store.LeadFilter{}); len(ls) != 0 {
				k.Errorf("Leads = %+v, want none", ls)
			}
		}},
		{"a lead is the conversation's newest", func(k *kit) {
			id := k.writes("um").Conversation
			d := k.decision(k.begin(id))
			lead := store.Lead{Desk: "sdr", State: "qualifying", Score: 40, MaxScore: 100, ScoreTable: "bant 1", Body: []byte(`{"slots":{"nome":"Maria"}}`)}
			d.Lead = &lead
			k.decide(d)
			want := lead
			want.Conversation, want.Inbox, want.ContactName, want.UpdatedAt = id, inbox, "Maria", k.now
			if diff := cmp.Diff([]store.Lead{want}, k.leads(store.LeadFilter{})); diff != "" {
				k.Errorf("leads (-want +got):\n%s", diff)
			}
			k.wait(time.Hour)
			k.writes("dois")
			k.decide(k.decision(k.begin(id)))
			if diff := cmp.Diff([]store.Lead{want}, k.leads(store.LeadFilter{})); diff != "" {
				k.Errorf("leads after a decision without one (-want +got):\n%s", diff)
			}
			k.writes("três")
			d = k.decision(k.begin(id))
			d.Lead = &store.Lead{Desk: "sdr", ContactName: "Maria Lima", State: "qualified", Score: 80, MaxScore: 100, ScoreTable: "bant 2", Body: []byte(`{}`)}
			k.decide(d)
			want = *d.Lead
			want.Conversation, want.Inbox, want.UpdatedAt = id, inbox, k.now
			if diff := cmp.Diff([]store.Lead{want}, k.leads(store.LeadFilter{})); diff != "" {
				k.Errorf("leads after the next (-want +got):\n%s", diff)
			}
		}},
		{"leads are listed last changed first and narrowed", func(k *kit) {
			ids := k.people(4)
			for i, id := range []conversation.ID{ids[2], ids[0], ids[3], ids[1]} {
				d := k.decision(k.begin(id))
				d.Lead = &store.Lead{Desk: []string{"sdr", "secretaria"}[i%2], State: []string{"new", "qualified"}[i/2], Body: []byte("{}")}
				k.decide(d)
				k.wait(time.Minute)
			}
			for _, c := range []struct {
				filter store.LeadFilter
				want   []conversation.ID
			}{
				{store.LeadFilter{}, []conversation.ID{ids[1], ids[3], ids[0], ids[2]}},
				{store.LeadFilter{Limit: 2}, []conversation.ID{ids[1], ids[3]}},
				{store.LeadFilter{Desk: "sdr"}, []conversation.ID{ids[3], ids[2]}},
				{store.LeadFilter{State: "new"}, []conversation.ID{ids[0], ids[2]}},
				{store.LeadFilter{State: "new", Desk: "sdr", Inbox: inbox}, []conversation.ID{ids[2]}},
				{store.LeadFilter{Inbox: "suporte"}, nil},
				{store.LeadFilter{Conversation: ids[3]}, []conversation.ID{ids[3]}},
			} {
				var got []conversation.ID
				for _, l := range k.leads(c.filter) {
					got = append(got, l.Conversation)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					k.Errorf("Leads(%+v) (-want +got):\n%s", c.filter, diff)
				}
			}
		}},
	}
}

// commands is about what operators do.
func commands() []scenario {
	handBack := func(k *kit, id conversation.ID, orders ...channel.Order) {
		k.Helper()
		if err := k.s.HandBack(k.ctx, id, orders, k.now); err != nil {
			k.Fatalf("HandBack: %v", err)
		}
	}
	takeOver := func(k *kit, id conversation.ID, hold time.Duration) {
		k.Helper()
		if err := k.s.TakeOver(k.ctx, id, hold, k.now); err != nil {
			k.Fatalf("TakeOver: %v", err)
		}
	}
	return []scenario{
		{"a hand-back is a new episode, with its orders", func(k *kit) {
			id := k.handoff(k.say("Já vem alguém"), k.order(channel.OpenUp, ""))
			k.only([]conversation.ID{id}, "Já vem alguém", "open")
			before := k.conversation(id).State
			handBack(k, id, k.order(channel.Pend, ""), k.order(channel.Note, "nota"))
			s := k.conversation(id).State
			if s.Holder != conversation.Bot || s.Reason != conversation.ByCommand || s.Episode != before.Episode+1 || s.Epoch != before.Epoch {
				k.Errorf("state after a hand-back = %+v, before %+v", s, before)
			}
			k.nothingDue()
			k.claim(job.Deliveries, id)
			if d := k.next(id); d.Order.Kind != channel.Pend {
				k.Errorf("NextDelivery = %s, want the status", d.Order.Kind)
			} else {
				k.finish(k.attempt(d, store.AttemptSent))
			}
			k.sends(id, "nota")
			k.writes("e agora?")
			if t := k.begin(id); t.Conversation.State.Episode != s.Episode {
				k.Errorf("turn is of episode %d, want %d", t.Conversation.State.Episode, s.Episode)
			}
		}},
		{"episodes are counted by every hand-back", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			for want := range int64(3) {
				if got := k.conversation(id).State.Episode; got != want {
					k.Errorf("episode = %d, want %d", got, want)
				}
				k.receive(k.shown(conversation.Open, k.now))
				k.wait(time.Second)
				k.receive(k.shown(conversation.Pending, k.now))
			}
		}},
		{"what is taken over before it is carried out does not take it back", func(k *kit) {
			id := k.handoff()
			handBack(k, id, k.order(channel.Pend, ""))
			k.receive(k.person("Ainda é minha"))
			k.only([]conversation.ID{id})
			k.statuses(id, "pending CANCELLED")
		}},
		{"only what people hold is handed back", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			k.refusedAs(k.s.HandBack(k.ctx, id, nil, k.now), fault.Conflict)
			k.receive(k.shown(conversation.Resolved, k.now))
			k.refusedAs(k.s.HandBack(k.ctx, id, []channel.Order{k.say("um")}, k.now), fault.Conflict)
			k.statuses(id)
			k.refused(k.s.HandBack(k.ctx, id+99, nil, k.now), store.ErrNotFound)
		}},
		{"a hand-back with an order without an id is none", func(k *kit) {
			id := k.handoff()
			if err := k.s.HandBack(k.ctx, id, []channel.Order{{Kind: channel.Note}}, k.now); err == nil {
				k.Error("HandBack with an order without an id = nil, want an error")
			}
			k.holds(id, conversation.Human, conversation.ByHandoff)
		}},
		{"a takeover by command cancels what is unsent and settles what waits", func(k *kit) {
			id := k.answer(k.say("um"), k.order(channel.Note, "nota"), k.call("agendar", "{}"))
			k.writes("e?")
			t := k.begin(id)
			takeOver(k, id, 0)
			k.holds(id, conversation.Human, conversation.ByCommand)
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("dois"))), store.ErrStale)
			k.nothingDue()
			k.only([]conversation.ID{id}, "nota", "workflow")
			k.statuses(id, "um CANCELLED", "nota SENT", "workflow SENT")
			if s := k.conversation(id).State; s.Epoch != 1 || !s.HeldUntil.IsZero() {
				k.Errorf("state = %+v, want the next epoch and no end", s)
			}
			k.refused(k.s.TakeOver(k.ctx, id+99, 0, k.now), store.ErrNotFound)
		}},
		{"a takeover by command may carry an end, and is shown to people", func(k *kit) {
			ev := k.customer("quanto custa")
			ev.Snapshot = &conversation.Snapshot{Status: conversation.Pending}
			id := k.receive(ev).Conversation
			takeOver(k, id, time.Hour)
			k.statuses(id, "open PENDING")
			if got, want := k.conversation(id).State.HeldUntil, k.now.Add(time.Hour); !got.Equal(want) {
				k.Errorf("held until %v, want %v", got, want)
			}
			if n, _ := k.dispatch(job.Deliveries); n != 1 {
				k.Errorf("Dispatch(delivery) = %d, want 1", n)
			}
			k.wait(time.Hour)
			k.writes("ainda aí?")
			k.holds(id, conversation.Bot, conversation.ByExpiry)
		}},
		{"conversations are listed last changed first and narrowed", func(k *kit) {
			ids := k.people(3)
			k.wait(time.Minute)
			takeOver(k, ids[1], 0)
			k.wait(time.Minute)
			a := k.arrival(k.customer("quanto custa"))
			a.Inbox = "suporte"
			ids = append(ids, k.arrive(a)[0].Conversation)
			k.wait(time.Minute)
			k.decide(k.decision(k.begin(ids[0])))
			for _, c := range []struct {
				filter store.ConversationFilter
				want   []conversation.ID
			}{
				{store.ConversationFilter{}, []conversation.ID{ids[0], ids[3], ids[1], ids[2]}},
				{store.ConversationFilter{Limit: 2}, []conversation.ID{ids[0], ids[3]}},
				{store.ConversationFilter{Inbox: inbox}, []conversation.ID{ids[0], ids[1], ids[2]}},
				{store.ConversationFilter{Holder: conversation.Human}, []conversation.ID{ids[1]}},
				{store.ConversationFilter{Holder: conversation.Bot, Inbox: "suporte"}, []conversation.ID{ids[3]}},
				{store.ConversationFilter{Holder: conversation.Closed}, nil},
			} {
				cs, err := k.s.Conversations(k.ctx, c.filter)
				if err != nil {
					k.Fatalf("Conversations(%+v): %v", c.filter, err)
				}
				var got []conversation.ID
				for _, c := range cs {
					got = append(got, c.ID)
					if diff := cmp.Diff(k.conversation(c.ID), c); diff != "" {
						k.Errorf("conversation (-want +got):\n%s", diff)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					k.Errorf("Conversations(%s) (-want +got):\n%s", fmt.Sprintf("%+v", c.filter), diff)
				}
			}
		}},
	}
}
