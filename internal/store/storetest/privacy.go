package storetest

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

const day = 24 * time.Hour

// contactOf is the contact of a conversation.
func (k *kit) contactOf(id conversation.ID) conversation.ContactID {
	k.Helper()
	return k.conversation(id).Contact
}

func (k *kit) erase(id conversation.ContactID) store.Erased {
	k.Helper()
	out, err := k.s.Erase(k.ctx, store.Erasure{Contact: id, Now: k.now, Act: store.Act{Actor: "user:ana", Action: "contact.erase"}})
	if err != nil {
		k.Fatalf("Erase(%d): %v", id, err)
	}
	return out
}

// file lets Maria have a bit of everything, and returns her conversation.
func (k *kit) file() conversation.ID {
	k.Helper()
	id := k.writes("Meu CPF é 390.533.447-05").Conversation
	t := k.begin(id)
	d := k.decision(t, k.say("Anotado, Maria."), k.call("criar_lead", `{"name":"Maria"}`))
	d.Memory, d.Profile = []byte(`{"summary":"Maria quer comprar"}`), []byte(`{"name":"Maria"}`)
	d.Lead = &store.Lead{Desk: "sdr", ContactName: "Maria", State: "qualifying", Score: 3, MaxScore: 9, ScoreTable: "bant 1", Body: []byte(`{"slots":{"email":"maria.souza@example.com"}}`)}
	k.decide(d)
	k.sends(id, "Anotado, Maria.")
	k.dies(id)
	return id
}

// sweep sweeps to the end, in batches, and returns what was removed.
func (k *kit) sweep(messages, audit time.Duration, batch int) map[string]int64 {
	k.Helper()
	removed := map[string]int64{}
	next := &store.Sweep{Now: k.now, Messages: messages, Audit: audit, Batch: batch}
	for range 10_000 {
		out, err := k.s.Sweep(k.ctx, *next)
		if err != nil {
			k.Fatalf("Sweep(%s after %d): %v", next.Stage, next.After, err)
		}
		for _, c := range out.Removed {
			removed[c.Table] += c.Rows
		}
		if next = out.Next; next == nil {
			return removed
		}
	}
	k.Fatal("Sweep does not end")
	return nil
}

// gone checks that a conversation has left nothing that can be asked for.
func (k *kit) gone(id conversation.ID) {
	k.Helper()
	if _, err := k.s.Conversation(k.ctx, id); !fault.Is(err, fault.NotFound) {
		k.Errorf("Conversation(%d) = %v, want ErrNotFound", id, err)
	}
	if ms, err := k.s.Transcript(k.ctx, id, 100); err != nil || len(ms) > 0 {
		k.Errorf("Transcript = %d messages, %v, want none", len(ms), err)
	}
	if ds, err := k.s.Deliveries(k.ctx, store.Filter{Conversation: id}); err != nil || len(ds) > 0 {
		k.Errorf("Deliveries = %d, %v, want none", len(ds), err)
	}
	if ls, err := k.s.Leads(k.ctx, store.LeadFilter{Conversation: id}); err != nil || len(ls) > 0 {
		k.Errorf("Leads = %d, %v, want none", len(ls), err)
	}
}

func dossiers() []scenario {
	phone, hidden := channel.Identity{Kind: channel.Phone, Value: maria}, channel.Identity{Kind: channel.LID, Value: lid}
	return []scenario{
		{"it has everything", func(k *kit) {
			k.receive(known(k.customer("oi"), phone, hidden))
			id := k.file()
			other := k.receive(in("1/7", k.customer("outra conversa"))).Conversation
			d, err := k.s.Dossier(k.ctx, k.contactOf(id))
			if err != nil {
				k.Fatalf("Dossier: %v", err)
			}
			if p := d.Person; p.Name != "Maria" || p.Inbox != inbox || !p.OptedOutAt.IsZero() || p.LastAt.IsZero() || !slices.Equal(p.Identities, []channel.Identity{hidden, phone}) ||
				!slices.Equal(p.Conversations, []conversation.ID{id, other}) {
				k.Errorf("Person = %+v", p)
			}
			f := d.Conversations[0]
			want := []string{"customer: oi", "customer: Meu CPF é 390.533.447-05", "bot: Anotado, Maria."}
			if diff := cmp.Diff(want, lines(f.Messages)); diff != "" {
				k.Errorf("messages (-want +got):\n%s", diff)
			}
			if string(f.Memory) != `{"summary":"Maria quer comprar"}` || string(d.Profile) != `{"name":"Maria"}` || f.Lead == nil || !strings.Contains(string(f.Lead.Body), "maria.souza@") {
				k.Errorf("memory %s, profile %s, lead %+v", f.Memory, d.Profile, f.Lead)
			}
			if len(f.Deliveries) != 2 || len(f.Tries[f.Deliveries[1].ID]) != 1 || f.Tries[f.Deliveries[1].ID][0].Cause != "no such number" || f.Deliveries[1].Order.Arguments != `{"name":"Maria"}` {
				k.Errorf("deliveries %+v, tries %+v", f.Deliveries, f.Tries)
			}
			if len(f.Fired) != 1 || len(f.Turns) != 1 || f.Turns[0].Outcome != "replied" || len(d.Conversations[1].Messages) != 1 {
				k.Errorf("fired %+v, turns %+v, the other conversation %+v", f.Fired, f.Turns, d.Conversations[1])
			}
			_, err = k.s.Dossier(k.ctx, 999)
			k.refused(err, store.ErrNotFound)
		}},
		{"people are found by id, name and what is known of them", func(k *kit) {
			id := k.contactOf(k.file())
			k.people(3)
			for what, f := range map[string]store.PersonFilter{"number": {Contact: id}, "phone": {Values: []string{"nobody", maria}}, "name": {Name: "mArI"}, "e-mail": {Text: "Maria.Souza@example.com"}} {
				got, err := k.s.People(k.ctx, f)
				if err != nil || !slices.ContainsFunc(got, func(p store.Person) bool { return p.Contact == id }) || what != "name" && len(got) != 1 {
					k.Errorf("People by %s = %+v, %v, want contact %d", what, got, err, id)
				}
			}
			for what, f := range map[string]store.PersonFilter{"nothing": {}, "another phone": {Values: []string{"+5511900000000"}}, "a pattern": {Text: "%"}, "another inbox": {Contact: id, Inbox: "suporte"}} {
				if got, err := k.s.People(k.ctx, f); err != nil || len(got) != 0 {
					k.Errorf("People by %s = %+v, %v, want nobody", what, got, err)
				}
			}
		}},
	}
}

func erasing() []scenario {
	phone, hidden := channel.Identity{Kind: channel.Phone, Value: maria}, channel.Identity{Kind: channel.LID, Value: lid}
	return []scenario{
		{"nothing is left, and a repeat changes nothing", func(k *kit) {
			first := k.customer("oi")
			k.receive(first)
			id := k.file()
			other := k.receive(in("1/7", k.customer("outra"))).Conversation
			contact := k.contactOf(id)
			stranger := k.people(1)[0]
			out := k.erase(contact)
			rows := map[string]int64{}
			for _, c := range out.Removed {
				rows[c.Table] = c.Rows
			}
			want := map[string]int64{"conversations": 2, "messages": 4, "deliveries": 2, "attempts": 2, "turns": 1, "memories": 1, "leads": 1, "firings": 1, "profiles": 1, "identities": 1, "contacts": 1}
			if diff := cmp.Diff(want, rows); diff != "" {
				k.Errorf("removed (-want +got):\n%s", diff)
			}
			k.gone(id)
			k.gone(other)
			_, err := k.s.Dossier(k.ctx, contact)
			k.refused(err, store.ErrNotFound)
			if got, err := k.s.People(k.ctx, store.PersonFilter{Values: []string{maria}, Name: "Maria", Text: "souza"}); err != nil || slices.ContainsFunc(got, func(p store.Person) bool { return p.Contact == contact }) {
				k.Errorf("People = %+v, %v, want no more of contact %d", got, err, contact)
			}
			if r := k.receive(first); !r.Duplicate || r.Pending || r.Conversation != 0 {
				k.Errorf("a repeat of what was erased = %+v, want a duplicate of no conversation", r)
			}
			if r := k.receive(k.edit(first, "na verdade")); r.Pending || r.Conversation != 0 {
				k.Errorf("an edit of what was erased = %+v, want nothing", r)
			}
			if r := k.receive(k.revoke(first)); r != (store.Result{}) {
				k.Errorf("a revocation of what was erased = %+v, want nothing", r)
			}
			k.conversation(stranger)
			_, err = k.s.Erase(k.ctx, store.Erasure{Contact: contact, Now: k.now})
			k.refused(err, store.ErrNotFound)
		}},
		{"who writes again is somebody new", func(k *kit) {
			id := k.file()
			k.erase(k.contactOf(id))
			again := k.writes("voltei").Conversation
			if again == id {
				k.Errorf("the conversation is %d again", id)
			}
			k.transcript(again, "customer: voltei")
			if t := k.begin(again); t.Memory != nil || t.Profile != nil || t.Fired != nil || t.OptedOut {
				k.Errorf("the turn remembers %+v", t)
			}
		}},
		{"a turn that is thinking loses", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			t := k.begin(id)
			k.erase(k.contactOf(id))
			d := k.decision(t, k.say("um"))
			d.Memory, d.Profile = []byte(`{}`), []byte(`{}`)
			k.refused(k.s.Decide(k.ctx, d), store.ErrLost)
			k.refused(k.s.Renew(k.ctx, job.Turns, id, t.Fence, k.now.Add(time.Minute)), store.ErrLost)
			k.refused(k.s.ReleaseTurn(k.ctx, id, t.Fence, time.Time{}, true), store.ErrLost)
			_, err := k.s.BeginTurn(k.ctx, k.turnJob(id, t.Fence), k.now, lease, 20)
			k.refused(err, store.ErrLost)
			k.gone(id)
			k.nothingDue()
		}},
		{"what is to be sent is not sent", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.erase(k.contactOf(id))
			_, err := k.s.NextDelivery(k.ctx, k.deliver(id), k.now, lease)
			k.refused(err, store.ErrLost)
			if n, _ := k.dispatch(job.Deliveries); n != 0 {
				k.Errorf("Dispatch(delivery) = %d, want nothing due", n)
			}
		}},
		{"what is being sent is waited for, or not", func(k *kit) {
			id := k.answer(k.say("um"))
			d := k.next(id)
			e := store.Erasure{Contact: k.contactOf(id), Now: k.now}
			_, err := k.s.Erase(k.ctx, e)
			k.refused(err, store.ErrBusy)
			k.transcript(id, "customer: pergunta K1", "bot: um")
			if acts, err := k.s.Acts(k.ctx, store.ActFilter{}); err != nil || len(acts) != 0 {
				k.Errorf("Acts after a refusal = %+v, %v, want none", acts, err)
			}
			e.Force = true
			if _, err := k.s.Erase(k.ctx, e); err != nil {
				k.Fatalf("Erase by force: %v", err)
			}
			k.refused(k.s.FinishAttempt(k.ctx, k.attempt(d, store.AttemptSent)), store.ErrNotFound)
			k.gone(id)
		}},
		{"what was left behind half sent is not waited for", func(k *kit) {
			id := k.answer(k.say("um"))
			k.next(id)
			k.wait(time.Hour)
			k.erase(k.contactOf(id))
			k.gone(id)
		}},
		{"a workflow that reports later is told that nobody knows of it", func(k *kit) {
			id := k.answer(k.call("agendar", "{}"))
			d := k.next(id)
			k.finish(k.attempt(d, store.AttemptSent))
			k.erase(k.contactOf(id))
			_, err := k.s.Reported(k.ctx, store.Report{Delivery: d.ID, ID: "r", Now: k.now})
			k.refused(err, store.ErrNotFound)
			k.refused(k.s.Replay(k.ctx, d.ID, k.now), store.ErrNotFound)
			k.refused(k.s.OptIn(k.ctx, id), store.ErrNotFound)
		}},
		{"an opt-out survives, by every id", func(k *kit) {
			k.receive(known(k.customer("oi"), phone, hidden))
			id := k.out()
			k.erase(k.contactOf(id))
			again := k.receive(known(k.customer("quanto custa"), hidden)).Conversation
			t := k.begin(again)
			if !t.OptedOut {
				k.Error("BeginTurn by one id does not say opted out")
			}
			k.decide(k.decision(t, k.say("um")))
			k.only([]conversation.ID{again})
			if t := k.begin(k.writes("e?").Conversation); !t.OptedOut {
				k.Error("BeginTurn by the other id does not say opted out")
			}
			if err := k.s.OptIn(k.ctx, again); err != nil {
				k.Fatalf("OptIn: %v", err)
			}
			k.receive(known(k.customer("e agora?"), hidden))
			if k.begin(again).OptedOut {
				k.Error("BeginTurn after OptIn says opted out")
			}
		}},
		{"an opt-out of somebody without ids survives in the thread", func(k *kit) {
			nobody := func(thread, text string) conversation.ID {
				ev := in(thread, k.customer(text))
				ev.Contact.Identities = nil
				return k.receive(ev).Conversation
			}
			id := nobody("1/9", "SAIR")
			k.leaves(k.begin(id))
			k.erase(k.contactOf(id))
			again := nobody("1/9", "quanto custa")
			t := k.begin(again)
			if !t.OptedOut {
				k.Error("BeginTurn in the same thread does not say opted out")
			}
			k.decide(k.decision(t, k.say("um")))
			k.only([]conversation.ID{again})
			if k.begin(nobody("1/10", "quanto custa")).OptedOut {
				k.Error("BeginTurn in another thread says opted out")
			}
			if err := k.s.OptIn(k.ctx, again); err != nil {
				k.Fatalf("OptIn: %v", err)
			}
			nobody("1/9", "e agora?")
			if k.begin(again).OptedOut {
				k.Error("BeginTurn after OptIn says opted out")
			}
		}},
		{"two contacts that turned out to be one leave nothing", func(k *kit) {
			before := k.receive(known(k.customer("sou eu"), hidden)).Conversation
			t := k.begin(before)
			d := k.decision(t)
			d.Profile = []byte(`{"name":"Maria do LID"}`)
			k.decide(d)
			old := k.contactOf(before)
			id := k.file()
			k.receive(known(k.customer("os dois"), phone, hidden))
			k.erase(k.contactOf(id))
			k.gone(before)
			k.gone(id)
			_, err := k.s.Dossier(k.ctx, old)
			k.refused(err, store.ErrNotFound)
			if got, err := k.s.People(k.ctx, store.PersonFilter{Name: "maria"}); err != nil || len(got) != 0 {
				k.Errorf("People = %+v, %v, want nobody", got, err)
			}
		}},
		{"who was erased is known as that to what arrives late", func(k *kit) {
			id := k.file()
			k.erase(k.contactOf(id))
			for _, c := range []struct {
				inbox string
				at    time.Time
				want  bool
			}{{inbox, k.now.Add(-time.Hour), true}, {inbox, k.now, true}, {inbox, k.now.Add(time.Second), false}, {"suporte", k.now.Add(-time.Hour), false}} {
				if got, err := k.s.WasErased(k.ctx, c.inbox, []channel.Identity{hidden, phone}, c.at); err != nil || got != c.want {
					k.Errorf("WasErased(%s, %v) = %v, %v, want %v", c.inbox, c.at, got, err, c.want)
				}
			}
		}},
		{"the audit says who, what and of whom, and not who it was", func(k *kit) {
			id := k.file()
			contact := k.contactOf(id)
			for _, a := range []store.Act{{At: k.now, Actor: "user:ana", Action: "contact.export", Contact: contact, Detail: "messages=3"}, {At: k.now, Actor: "user:ana", Action: "deliveries.replay", Conversation: id}, {At: k.now, Actor: "system", Action: "start"}} {
				if err := k.s.Note(k.ctx, a); err != nil {
					k.Fatalf("Note: %v", err)
				}
			}
			k.erase(contact)
			acts, err := k.s.Acts(k.ctx, store.ActFilter{Person: phone})
			if err != nil || len(acts) != 3 {
				k.Fatalf("Acts of Maria = %+v, %v, want 3", acts, err)
			}
			if a := acts[0]; a.Action != "contact.erase" || a.Actor != "user:ana" || !a.At.Equal(k.now) || a.Detail != "conversations=1" || a.Subject == "" || strings.Contains(a.Subject, "5511") || acts[2].Subject != a.Subject {
				k.Errorf("the last act is %+v", a)
			}
			for filter, want := range map[store.ActFilter]int{{}: 4, {Action: "contact.export"}: 1, {Person: hidden}: 0, {Limit: 2}: 2} {
				if acts, err := k.s.Acts(k.ctx, filter); err != nil || len(acts) != want {
					k.Errorf("Acts(%+v) = %d, %v, want %d", filter, len(acts), err, want)
				}
			}
		}},
		{"the bytes are scrubbed beside other work", func(k *kit) {
			id := k.file()
			k.erase(k.contactOf(id))
			if err := k.s.Scrub(k.ctx); err != nil {
				k.Fatalf("Scrub: %v", err)
			}
			k.writes("voltei")
		}},
	}
}

func sweeping() []scenario {
	cases := []scenario{
		{"what is old goes with its person, and stays known", func(k *kit) {
			first := k.customer("oi")
			id := k.receive(first).Conversation
			k.decide(k.decision(k.begin(id), k.say("olá")))
			k.sends(id, "olá")
			k.idle(id)
			contact := k.contactOf(id)
			k.wait(179 * day)
			if removed := k.sweep(180*day, 0, 2); len(removed) != 0 {
				k.Errorf("Sweep a day before = %v, want nothing", removed)
			}
			k.wait(2 * day)
			if removed := k.sweep(0, 0, 2); len(removed) != 0 {
				k.Errorf("Sweep for ever = %v, want nothing", removed)
			}
			removed := k.sweep(180*day, 0, 2)
			if removed["messages"] != 2 || removed["conversations"] != 1 || removed["contacts"] != 1 {
				k.Errorf("Sweep = %v", removed)
			}
			k.gone(id)
			_, err := k.s.Dossier(k.ctx, contact)
			k.refused(err, store.ErrNotFound)
			if r := k.receive(first); !r.Duplicate || r.Pending {
				k.Errorf("a repeat of half a year ago = %+v, want a duplicate", r)
			}
		}},
		{"of a conversation that goes on, what is old goes", func(k *kit) {
			id := k.answer(k.say("um"))
			k.sends(id, "um")
			k.idle(id)
			k.wait(200 * day)
			k.writes("voltei")
			d := k.decision(k.begin(id), k.say("dois"))
			d.Memory = []byte(`{"a":1}`)
			k.decide(d)
			k.sends(id, "dois")
			k.sweep(180*day, 0, 1)
			k.transcript(id, "customer: voltei", "bot: dois")
			k.statuses(id, "dois SENT")
			k.writes("e?")
			if t := k.begin(id); string(t.Memory) != `{"a":1}` || len(t.History) != 2 {
				k.Errorf("the turn remembers %s and %d messages", t.Memory, len(t.History))
			}
		}},
		{"an opt-out is for ever", func(k *kit) {
			id := k.out()
			k.works(id)
			k.wait(200 * day)
			k.sweep(180*day, 0, 10)
			k.gone(id)
			if !k.begin(k.writes("quanto custa").Conversation).OptedOut {
				k.Error("BeginTurn does not say opted out")
			}
		}},
		{"a conversation that is to wake is not over", func(k *kit) {
			id := k.writes("me chama daqui a um ano").Conversation
			d := k.decision(k.begin(id))
			d.WakeAt = k.now.Add(365 * day)
			k.decide(d)
			k.wait(200 * day)
			k.sweep(180*day, 0, 10)
			k.conversation(id)
		}},
		{"the audit has a time of its own", func(k *kit) {
			id := k.file()
			k.erase(k.contactOf(id))
			k.wait(1000 * day)
			k.sweep(180*day, 0, 10)
			if acts, err := k.s.Acts(k.ctx, store.ActFilter{}); err != nil || len(acts) != 1 {
				k.Errorf("Acts = %+v, %v, want the erasure", acts, err)
			}
			if removed := k.sweep(0, 900*day, 1); removed["audit"] != 1 || removed["erased"] != 1 {
				k.Errorf("Sweep = %v", removed)
			}
		}},
	}
	for seed := range int64(6) {
		cases = append(cases, scenario{"unfinished work is untouched, whatever happened: seed " + strconv.FormatInt(seed, 10), func(k *kit) { newLife(k, seed).endures() }})
	}
	return cases
}

// endures stops a life somewhere in the middle and checks that a sweep, long afterwards, leaves
// what is unfinished and nothing else, and that every message stays known.
func (l *life) endures() {
	for range 40 + l.r.Intn(80) {
		l.step()
	}
	l.wait(200 * day)
	unfinished := map[conversation.DeliveryID]store.Status{}
	list, err := l.s.Deliveries(l.ctx, store.Filter{Conversation: l.id, Limit: 10_000})
	if err != nil {
		l.Fatalf("Deliveries: %v", err)
	}
	for _, d := range list {
		if d.Status == store.Pending || d.Status == store.FailedTemporary {
			unfinished[d.ID] = d.Status
		}
	}
	waiting := map[conversation.MessageID]bool{}
	if n, _ := l.dispatch(job.Turns); n > 0 {
		t, err := l.s.BeginTurn(l.ctx, l.turnJob(l.id, l.jobs.fence(job.Turns, l.id)), l.now, lease, 1)
		if err != nil && !errors.Is(err, store.ErrLost) {
			l.Fatalf("BeginTurn: %v", err)
		}
		for _, m := range t.Pending {
			waiting[m.ID] = true
		}
		l.wait(time.Hour) // the lease of it is over
	}
	said, err := l.s.Transcript(l.ctx, l.id, 10_000)
	if err != nil {
		l.Fatalf("Transcript: %v", err)
	}
	var want []conversation.MessageID
	for _, m := range said {
		if _, waits := unfinished[m.Delivery]; waits || waiting[m.ID] {
			want = append(want, m.ID)
		}
	}
	removed := l.sweep(180*day, 0, 1+l.r.Intn(7))
	l.note("swept %v, unfinished %d deliveries, %d messages", removed, len(unfinished), len(want))
	list, err = l.s.Deliveries(l.ctx, store.Filter{Conversation: l.id, Limit: 10_000})
	if err != nil {
		l.Fatalf("Deliveries: %v", err)
	}
	left := map[conversation.DeliveryID]store.Status{}
	for _, d := range list {
		if d.Status == store.Cancelled {
			continue // one that was cancelled in mid-air: its attempt has not ended
		}
		left[d.ID] = d.Status
	}
	if diff := cmp.Diff(unfinished, left); diff != "" {
		l.wrong("deliveries after the sweep (-unfinished +left):\n%s", diff)
	}
	said, err = l.s.Transcript(l.ctx, l.id, 10_000)
	if err != nil {
		l.Fatalf("Transcript: %v", err)
	}
	var got []conversation.MessageID
	for _, m := range said {
		got = append(got, m.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.wrong("messages after the sweep (-unfinished +left):\n%s", diff)
	}
	if len(want)+len(unfinished) > 0 {
		l.conversation(l.id)
	}
	for _, ev := range l.past {
		if ev.Kind != channel.Received || ev.Key == "" {
			continue
		}
		if r := l.receive(ev); !r.Duplicate || r.Pending {
			l.wrong("a repeat of %q after the sweep = %+v, want a duplicate", ev.Content.Text, r)
		}
	}
}
