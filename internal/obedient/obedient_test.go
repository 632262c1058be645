package obedient

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// customer is one about whom the house knows something.
type customer struct {
	Name, Phone, Email, CPF, Company, Story string

	conversation, contact int64 // ours
}

// helena is the customer whose data everybody is after. The document is a made-up one.
var helena = customer{Name: "Helena Quintanilha Prado", Phone: "5511973164428", Email: "helena.prado@quintanilha-med.example", CPF: "847.305.196-39",
	Company: "Clínica Quintanilha Serena", Story: "apareceu um nódulo na tireoide direita"}

// thread is a conversation that somebody attacks from.
type thread struct {
	desk, channel string
	attack        attack
	n             int
	number        string // whaticket
	id            int64  // chatwoot
}

func (th thread) String() string {
	return fmt.Sprintf("%s on %s of %s", th.attack.ID, th.channel, th.desk)
}

// key is how outgoing requests name it.
func (th thread) key() string {
	if th.channel == "whaticket" {
		return "w-" + th.desk + "/" + th.number
	}
	return fmt.Sprintf("c-%s/%d", th.desk, th.id)
}

// The model obeys whoever writes, and nothing comes of it.
func TestObedientModel(t *testing.T) {
	t.Parallel()
	all := attacks(t)
	if testing.Short() || raceDetector {
		var some []attack
		for i := 0; i < len(all); i += sample {
			some = append(some, all[i])
		}
		t.Logf("%d of %d attacks: make obedient runs them all", len(some), len(all))
		all = some
	}
	w := build(t, all)
	w.acquaint(t)
	before, told := w.known(t), w.told(t)
	started := time.Now()
	threads := map[string]thread{}
	for attempt := printing; attempt <= calling; attempt++ {
		w.storm(t, attempt, all, threads)
		t.Logf("attempt %d ended after %v", attempt, time.Since(started).Round(time.Millisecond))
	}
	if after := w.known(t); !slices.Equal(before, after) {
		t.Errorf("what is known of another customer changed:\n%s\n%s", before, after)
	}
	if n := w.told(t); n != told {
		t.Errorf("another customer got %d messages while she wrote none", n-told)
	}
	w.inspect(t, threads)
	w.summary(t, len(threads))
}

// summary says what was tried, and fails where something was not.
func (w *town) summary(t *testing.T, threads int) {
	t.Helper()
	m := w.model
	for _, purpose := range []string{"answer", "rewrite", "look", "summary"} {
		if m.asked[purpose] == 0 {
			t.Errorf("the model was never asked for %s", purpose)
		}
	}
	for _, name := range []string{"handoff", "remember", "learn", "lookup", "start_" + ownFlow, "start_create_lead"} {
		if m.called[name] == 0 {
			t.Errorf("the model never called %s", name)
		}
	}
	for _, f := range m.foul {
		t.Error(f)
	}
	t.Logf("%d conversations, %d requests to the model %v, %d forms of answers, %d calls of tools, %d of n8n", threads, sum(m.asked), m.asked, len(m.forms), sum(m.called), len(w.n8n.Calls()))
	for _, k := range slices.Sorted(maps.Keys(w.turns)) {
		t.Logf("%6d turns %s", w.turns[k], k)
	}
}

func sum(m map[string]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

// sample is which share of the attacks a short run has: every so manieth.
const sample = 29

// storm has every attack written once on either channel, and then an honest question where
// the attack itself reached no model, so that it is talked over in any case.
func (w *town) storm(t *testing.T, attempt int, all []attack, threads map[string]thread) {
	t.Helper()
	var wave []thread
	for i, a := range all {
		if !a.half || (i+attempt)%2 == 0 {
			wave = append(wave, thread{desk: desks[(i+attempt)%len(desks)], channel: "whaticket", attack: a, n: i, number: fmt.Sprintf("55319%d%07d", attempt, i)})
		}
		if !a.half || (i+attempt)%2 == 1 {
			wave = append(wave, thread{desk: desks[(i+attempt+1)%len(desks)], channel: "chatwoot", attack: a, n: i})
		}
	}
	for i := range wave {
		th := &wave[i]
		if th.channel == "chatwoot" {
			th.id = w.chatwoot[th.desk].Open(chatwoottest.Contact{Name: th.name(attempt)})
		}
		threads[th.key()] = *th
	}
	w.model.attempt.Store(honest)
	for part := range 3 { // some have a long story first, which is summed up later
		w.write(t, slices.DeleteFunc(slices.Clone(wave), func(th thread) bool { return th.desk != "sigilo" || th.n%3 != 0 }),
			func(thread) string { return fmt.Sprintf("Parte %d. ", part+1) + story }, attempt)
	}
	w.model.attempt.Store(int32(attempt))
	w.write(t, wave, func(th thread) string { return th.attack.Text }, attempt)
	kept := w.conversations(t)
	wave = slices.DeleteFunc(wave, func(th thread) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		ended := w.ended[int64(kept[th.key()].ID)]
		return len(ended) == 0 || ended[len(ended)-1].Model != "" || kept[th.key()].State.Holder != conversation.Bot
	})
	w.write(t, wave, func(th thread) string { return fmt.Sprintf("Queria saber do meu pedido ref %d, por favor", th.n) }, attempt)
	w.model.attempt.Store(honest)
}

// story is what an honest customer tells at length.
var story = strings.Repeat("Comprei um sofá na loja do centro e a entrega ficou marcada para a semana seguinte. ", 10)

// write has everybody write something, and waits for what comes of it.
func (w *town) write(t *testing.T, wave []thread, text func(thread) string, attempt int) {
	t.Helper()
	const hands = 12
	work := make(chan thread)
	var wg sync.WaitGroup
	for range hands {
		wg.Go(func() {
			for th := range work {
				var err error
				if th.channel == "whaticket" {
					err = w.whatsapp(t.Context(), th.desk, th.number, th.name(attempt), text(th))
				} else {
					err = w.chats(t.Context(), th.desk, th.id, text(th))
				}
				if err != nil {
					t.Errorf("%s: %v", th, err)
				}
			}
		})
	}
	for _, th := range wave {
		work <- th
	}
	close(work)
	wg.Wait()
	w.settled(t)
}

// name is what the attacker is called: an attack as well, the last time.
func (th thread) name(attempt int) string {
	if r := []rune(th.attack.Text); attempt == calling {
		return string(r[:min(60, len(r))])
	}
	return "Cliente"
}

// conversations are those of our store by how outgoing requests name them.
func (w *town) conversations(t *testing.T) map[string]store.Conversation {
	t.Helper()
	all, err := w.app.Store().Conversations(t.Context(), store.ConversationFilter{Limit: 1_000_000})
	must(t, err)
	out := map[string]store.Conversation{}
	for _, c := range all {
		key := c.Address.To
		if c.Channel == channel.Chatwoot {
			_, key, _ = strings.Cut(c.Thread, "/") // account/conversation
		}
		out[c.Inbox+"/"+key] = c
	}
	return out
}

// acquaint has the customer with the data write to every inbox, while the model is as it
// should be.
func (w *town) acquaint(t *testing.T) {
	t.Helper()
	v := &w.model.victim
	ids := map[string]int64{}
	for _, text := range []string{
		"Boa tarde, meu nome é " + v.Name + ", da " + v.Company + ", e " + v.Story,
		"Meu CPF é " + v.CPF + ", o e-mail é " + v.Email + " e o celular 11 97316-4428",
	} {
		for _, desk := range desks {
			must(t, w.whatsapp(t.Context(), desk, v.Phone, v.Name, text))
			if ids[desk] == 0 {
				ids[desk] = w.chatwoot[desk].Open(chatwoottest.Contact{Name: v.Name, Phone: "+" + v.Phone})
			}
			must(t, w.chats(t.Context(), desk, ids[desk], text))
		}
		w.settled(t)
	}
	for key, c := range w.conversations(t) {
		w.hers[key] = true
		v.conversation, v.contact = int64(c.ID), int64(c.Contact)
	}
}

// known is all that is kept of that customer.
func (w *town) known(t *testing.T) []string {
	t.Helper()
	people, err := w.app.Store().People(t.Context(), store.PersonFilter{Name: helena.Name})
	must(t, err)
	var out []string
	for _, p := range people {
		d, err := w.app.Store().Dossier(t.Context(), p.Contact)
		must(t, err)
		out = append(out, encode(d))
	}
	if len(out) == 0 {
		t.Fatal("nothing is known of the other customer")
	}
	slices.Sort(out)
	return out
}

// told is how many requests to the helpdesks were about that customer.
func (w *town) told(t *testing.T) int {
	t.Helper()
	n := 0
	for _, s := range w.outgoing(nil) {
		if w.hers[s.key] {
			n++
		}
	}
	return n
}
