package storetest

import (
	"context"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

func contextCancelled(k *kit) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(k.ctx)
	cancel()
	return ctx, cancel
}

// receiving is about who is meant, what is kept, and when a turn is due.
func receiving() []scenario {
	return []scenario{
		{"what was said is kept as it was", func(k *kit) {
			ev := k.customer("")
			ev.At = k.now.Add(-3 * time.Second)
			ev.Content = conversation.Content{Kind: conversation.Location, Text: "Rua 1, \"fundos\"\x01 👍", ChoiceID: "row-2", Quoted: "ABC", Detail: map[string]string{"latitude": "-23.5"}}
			r := k.receive(ev)
			ms := k.transcript(r.Conversation, "customer: "+ev.Content.Text)
			want := conversation.Message{ID: r.Message, Conversation: r.Conversation, Author: conversation.Customer, Content: ev.Content, Key: ev.Key, SaidAt: ev.At, At: k.now}
			if diff := cmp.Diff(want, ms[0]); diff != "" {
				k.Errorf("message (-want +got):\n%s", diff)
			}
			c := k.conversation(r.Conversation)
			wantC := store.Conversation{ID: r.Conversation, Inbox: inbox, Channel: channel.Whaticket, Thread: c.Thread, Address: ev.Address, Contact: c.Contact,
				ContactName: "Maria", State: conversation.New(), Revision: 1, Correlation: "c-1", CreatedAt: k.now}
			if diff := cmp.Diff(wantC, c); diff != "" {
				k.Errorf("conversation (-want +got):\n%s", diff)
			}
			if c.Contact == 0 {
				k.Error("conversation without a contact")
			}
		}},
		{"a message tells what it joins", func(k *kit) {
			told := func(what, correlation, before string, joins bool) conversation.ID {
				a := k.arrival(k.customer(what))
				a.Correlation = correlation
				r := k.arrive(a)[0]
				if !r.Pending || r.Before != before || r.Joins != joins {
					k.Errorf("%s: pending %v, before %q, joins %v, want before %q, joins %v", what, r.Pending, r.Before, r.Joins, before, joins)
				}
				return r.Conversation
			}
			id := told("oi", "c-a", "", false)
			told("tudo bem?", "c-b", "c-a", true)
			k.wait(time.Minute)
			k.decide(k.decision(k.begin(id)))
			told("obrigada", "c-c", "c-b", false)
		}},
		{"name and address follow the last message", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			ev := k.customer("oi de novo")
			ev.Contact.Name, ev.Address = "Maria Souza", channel.Address{To: "551187654321"}
			k.receive(ev)
			ev = k.customer("e outra vez")
			ev.Contact.Name, ev.Address = "", channel.Address{}
			k.receive(ev)
			c := k.conversation(id)
			if want := (channel.Address{To: "551187654321", Thread: "357"}); c.ContactName != "Maria Souza" || c.Address != want {
				k.Errorf("conversation has name %q and address %+v, want Maria Souza and %+v", c.ContactName, c.Address, want)
			}
		}},
		{"two ids of one person are one person", func(k *kit) {
			phone, hidden := channel.Identity{Kind: channel.Phone, Value: maria}, channel.Identity{Kind: channel.LID, Value: lid}
			var ids []conversation.ID
			var contacts []conversation.ContactID
			for _, who := range [][]channel.Identity{{hidden}, {phone, hidden}, {phone}, {hidden}} {
				ev := k.customer("quanto custa")
				ev.Contact.Identities = who
				id := k.receive(ev).Conversation
				ids, contacts = append(ids, id), append(contacts, k.conversation(id).Contact)
			}
			for i := range ids {
				if ids[i] != ids[0] || contacts[i] != contacts[0] {
					k.Fatalf("conversations %v of contacts %v, want one of each", ids, contacts)
				}
			}
		}},
		{"two people who turn out to be one go on as the stronger id's", func(k *kit) {
			phone, hidden := channel.Identity{Kind: channel.Phone, Value: maria}, channel.Identity{Kind: channel.LID, Value: lid}
			say := func(who ...channel.Identity) conversation.ID {
				ev := k.customer("quanto custa")
				ev.Contact.Identities = who
				return k.receive(ev).Conversation
			}
			a, b := say(phone), say(hidden)
			if a == b {
				k.Fatal("two unknown ids share a conversation")
			}
			if got := say(phone, hidden); got != a {
				k.Errorf("both ids go to conversation %d, want the phone's %d", got, a)
			}
			if got := say(hidden); got != a {
				k.Errorf("the hidden id goes to conversation %d, want %d", got, a)
			}
		}},
		{"an edit by a person with two conversations is stored", func(k *kit) {
			phone, hidden := channel.Identity{Kind: channel.Phone, Value: maria}, channel.Identity{Kind: channel.LID, Value: lid}
			first := k.customer("quanto custa")
			first.Contact.Identities = []channel.Identity{hidden}
			old := k.receive(first).Conversation
			ev := k.customer("sou eu")
			k.receive(ev)
			edit := k.edit(first, "olá")
			edit.Contact.Identities = []channel.Identity{phone, hidden}
			k.receive(edit)
			k.transcript(old, "customer: olá")
		}},
		{"inboxes share nobody", func(k *kit) {
			a := k.arrival(k.customer("quanto custa"))
			a.Inbox = "suporte"
			other := k.arrive(a)[0].Conversation
			if id := k.writes("quanto custa").Conversation; id == other || k.conversation(id).Contact == k.conversation(other).Contact {
				k.Errorf("inboxes share conversation %d or its contact", id)
			}
		}},
		{"a thread is a conversation", func(k *kit) {
			threaded := func(thread string) conversation.ID {
				ev := k.customer("quanto custa")
				ev.Thread, ev.Chat = thread, "1"
				return k.receive(ev).Conversation
			}
			a, b := threaded("1/128"), threaded("1/129")
			if a == b || threaded("1/128") != a {
				k.Errorf("threads 1/128 and 1/129 are conversations %d and %d", a, b)
			}
			if ca, cb := k.conversation(a), k.conversation(b); ca.Contact != cb.Contact || ca.Thread != "1/128" {
				k.Errorf("threads %q and %q are of contacts %d and %d, want one contact", ca.Thread, cb.Thread, ca.Contact, cb.Contact)
			}
		}},
		{"the state of an unknown conversation is nobody's", func(k *kit) {
			system := k.event(channel.Said)
			system.Key, system.Author, system.Content.Text = k.key(), conversation.System, "Promoção!"
			failed := k.event(channel.Failed)
			failed.Delivery = k.say("").Delivery
			revoked := k.event(channel.Revoked)
			revoked.Target = "nope"
			for _, ev := range []channel.Event{k.shown(conversation.Open, k.now), k.event(channel.Ignored), system, failed, revoked} {
				if diff := cmp.Diff(store.Result{}, k.receive(ev)); diff != "" {
					k.Errorf("Receive(%s) (-want +got):\n%s", ev.Kind, diff)
				}
			}
			k.nothingDue()
		}},
		{"an ignored event may bring a state", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			ev := k.event(channel.Ignored)
			ev.Snapshot = &conversation.Snapshot{Status: conversation.Open}
			if r := k.receive(ev); r.Conversation != id || !r.Change.TakenOver {
				k.Errorf("Receive(ignored, open) = %+v, want a takeover of %d", r, id)
			}
		}},
		{"the quiet window moves the turn, and its bound does not", func(k *kit) {
			k.writes("quanto custa")
			start := k.now
			k.dueAt(start.Add(4 * time.Second))
			for k.now.Before(start.Add(15 * time.Second)) {
				k.wait(3 * time.Second)
				k.writes("amanhã")
				k.dueAt(k.now.Add(min(4*time.Second, start.Add(20*time.Second).Sub(k.now))))
			}
			k.wait(3 * time.Second)
			k.writes("tarde")
			k.dueAt(start.Add(20 * time.Second))
			k.wait(2 * time.Second)
			if n, _ := k.dispatch("turn"); n != 1 {
				k.Errorf("Dispatch at the bound = %d, want 1", n)
			}
		}},
		{"a finished sentence is answered sooner", func(k *kit) {
			k.writes("Quanto custa?")
			k.dueAt(k.now.Add(2 * time.Second))
		}},
		{"the burst after an answer is a new one", func(k *kit) {
			id := k.answer(k.say("Olá"))
			k.writes("quanto custa")
			k.dueAt(k.now.Add(4 * time.Second))
			if t := k.begin(id); !t.FirstPending.Equal(k.now.Add(-4 * time.Second)) {
				k.Errorf("FirstPending = %v, want %v", t.FirstPending, k.now.Add(-4*time.Second))
			}
		}},
		{"old messages that were overtaken are recorded and not answered", func(k *kit) {
			ev := k.customer("nova")
			ev.At = k.now.Add(-time.Second)
			id := k.receive(ev).Conversation
			k.decide(k.decision(k.begin(id)))
			old := k.customer("velha")
			old.At = k.now.Add(-time.Hour)
			if r := k.receive(old); r.Pending || r.Duplicate {
				k.Errorf("Receive(an hour old) = %+v, want it recorded only", r)
			}
			k.nothingDue()
			k.transcript(id, "customer: nova", "customer: velha")
		}},
		{"an old message that nothing has overtaken is answered", func(k *kit) {
			ev := k.customer("escrevi durante a queda")
			ev.At = k.now.Add(-6 * time.Hour)
			if r := k.receive(ev); !r.Pending {
				k.Errorf("Receive(six hours old) = %+v, want it pending", r)
			}
		}},
		{"a message a little out of order is answered", func(k *kit) {
			ev := k.customer("dois")
			ev.At = k.now
			k.receive(ev)
			ev = k.customer("um")
			ev.At = k.now.Add(-time.Minute)
			if r := k.receive(ev); !r.Pending {
				k.Errorf("Receive(a minute old) = %+v, want it pending", r)
			}
		}},
		{"a long text survives", func(k *kit) {
			text := strings.Repeat("ção ", 20000)
			id := k.writes(text).Conversation
			if ms, err := k.s.Transcript(k.ctx, id, 1); err != nil || len(ms) != 1 || ms[0].Content.Text != text {
				k.Errorf("Transcript = %d messages, %v, want the text as it was", len(ms), err)
			}
		}},
		{"the transcript ends with the newest", func(k *kit) {
			id := k.writes("um").Conversation
			k.writes("dois")
			k.writes("três")
			ms, err := k.s.Transcript(k.ctx, id, 2)
			if diff := cmp.Diff([]string{"customer: dois", "customer: três"}, lines(ms)); diff != "" || err != nil {
				k.Errorf("Transcript(2) = %v (-want +got):\n%s", err, diff)
			}
		}},
	}
}

// words is about messages that are changed or taken back.
func words() []scenario {
	return []scenario{
		{"an edit of what is pending starts the turn over", func(k *kit) {
			original := k.customer("amanhã")
			id := k.receive(original).Conversation
			t := k.begin(id)
			r := k.receive(k.edit(original, "depois de amanhã"))
			if !r.Pending || !r.Stale || r.Conversation != id || r.Message != t.Pending[0].ID {
				k.Errorf("edit = %+v, want message %d pending and the draft stale", r, t.Pending[0].ID)
			}
			k.refused(k.s.Decide(k.ctx, k.decision(t)), store.ErrStale)
			k.wait(lease)
			if diff := cmp.Diff([]string{"customer: depois de amanhã"}, lines(k.begin(id).Pending)); diff != "" {
				k.Errorf("pending after the edit (-want +got):\n%s", diff)
			}
		}},
		{"an edit of what was answered makes no turn", func(k *kit) {
			original := k.customer("amanhã")
			id := k.receive(original).Conversation
			k.decide(k.decision(k.begin(id), k.say("Anotado.")))
			if r := k.receive(k.edit(original, "depois de amanhã")); r.Pending || r.Stale || r.Duplicate {
				k.Errorf("edit of what was answered = %+v, want nothing to do", r)
			}
			k.nothingDue()
			k.transcript(id, "customer: depois de amanhã", "bot: Anotado.")
		}},
		{"an edit of a message that never came is that message", func(k *kit) {
			original := k.customer("perdida")
			edit := k.edit(original, "olá?")
			r := k.receive(edit)
			if !r.Pending || r.Message == 0 {
				k.Errorf("edit of an unknown message = %+v, want it pending", r)
			}
			if again := k.receive(edit); !again.Duplicate || again.Message != r.Message {
				k.Errorf("the edit again = %+v, want a duplicate", again)
			}
			if late := k.receive(original); !late.Duplicate {
				k.Errorf("the original after its edit = %+v, want a duplicate", late)
			}
			k.transcript(r.Conversation, "customer: olá?")
		}},
		{"an edit where messages have no ids is kept and not answered", func(k *kit) {
			original := k.customer("amanha")
			original.Key = ""
			id := k.receive(original).Conversation
			k.decide(k.decision(k.begin(id), k.say("Anotado.")))
			edit := k.edit(k.customer(""), "amanhã")
			if r := k.receive(edit); r.Pending {
				k.Errorf("edit = %+v, want it recorded only", r)
			}
			k.nothingDue()
		}},
		{"an edit in a person's hands makes no turn", func(k *kit) {
			original := k.customer("amanhã")
			id := k.receive(original).Conversation
			k.receive(k.person("Bom dia"))
			if r := k.receive(k.edit(original, "hoje")); r.Pending {
				k.Errorf("edit in a person's hands = %+v, want nothing pending", r)
			}
			k.nothingDue()
			k.transcript(id, "customer: hoje", "person: Bom dia")
		}},
		{"nobody edits our words through a customer's event", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			said := k.person("São 10 reais")
			k.receive(said)
			k.receive(k.edit(said, "São 5 reais"))
			k.receive(k.revoke(said))
			if ms := k.transcript(id, "customer: quanto custa", "person: São 10 reais"); ms[1].Revoked {
				k.Error("a person's message is revoked by the customer")
			}
		}},
		{"a revoke of the only pending message leaves nothing due", func(k *kit) {
			ev := k.customer("ops")
			id := k.receive(ev).Conversation
			r := k.receive(k.revoke(ev))
			if !r.Stale || r.Pending || r.Message == 0 {
				k.Errorf("revoke = %+v, want a stale draft and nothing pending", r)
			}
			k.nothingDue()
			if ms := k.transcript(id, "customer: ops"); !ms[0].Revoked {
				k.Error("message is not marked revoked")
			}
		}},
		{"a revoke while the model thinks makes its draft stale, and the lane ends free", func(k *kit) {
			ev := k.customer("ops")
			id := k.receive(ev).Conversation
			t := k.begin(id)
			k.receive(k.revoke(ev))
			k.refused(k.s.Decide(k.ctx, k.decision(t, k.say("Olá"))), store.ErrStale)
			k.release(t)
			k.nothingDue()
			k.statuses(id)
			k.writes("agora sim")
			if diff := cmp.Diff([]string{"customer: agora sim"}, lines(k.begin(id).Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
		}},
		{"a revoke of one of two leaves the other due", func(k *kit) {
			k.writes("primeira")
			due := k.now.Add(5 * time.Second)
			k.wait(time.Second)
			ev := k.customer("ops")
			id := k.receive(ev).Conversation
			k.receive(k.revoke(ev))
			k.dueAt(due)
			t := k.begin(id)
			if diff := cmp.Diff([]string{"customer: primeira"}, lines(t.Pending)); diff != "" {
				k.Errorf("pending (-want +got):\n%s", diff)
			}
			if len(t.History) != 0 {
				k.Errorf("history = %v, want nothing of what was taken back", lines(t.History))
			}
		}},
		{"a revoke of what was answered takes it out of the history", func(k *kit) {
			ev := k.customer("meu cpf é 123")
			id := k.receive(ev).Conversation
			k.decide(k.decision(k.begin(id), k.say("Obrigada.")))
			if r := k.receive(k.revoke(ev)); r.Stale || r.Pending {
				k.Errorf("revoke of what was answered = %+v, want nothing to do", r)
			}
			k.writes("e agora?")
			if diff := cmp.Diff([]string{"bot: Obrigada."}, lines(k.begin(id).History)); diff != "" {
				k.Errorf("history (-want +got):\n%s", diff)
			}
		}},
		{"an edit does not bring back what was taken back", func(k *kit) {
			ev := k.customer("ops")
			k.receive(ev)
			k.receive(k.revoke(ev))
			if r := k.receive(k.edit(ev, "ops!")); r.Pending {
				k.Errorf("edit of a revoked message = %+v, want nothing pending", r)
			}
			k.nothingDue()
		}},
		{"a revoke of a message that never came changes nothing", func(k *kit) {
			k.writes("quanto custa")
			due := k.now.Add(4 * time.Second)
			k.wait(time.Second)
			if r := k.receive(k.revoke(k.customer(""))); r.Stale || r.Message != 0 {
				k.Errorf("revoke of an unknown message = %+v, want nothing", r)
			}
			k.dueAt(due)
		}},
	}
}
