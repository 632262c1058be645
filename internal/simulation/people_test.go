package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/telemetry"
)

// message is something that a customer said, with a word of its own. Guarded by world.mu.
type message struct {
	thread       *thread
	word, key    string
	acknowledged bool
	revoked      bool
	id           conversation.MessageID // as stored; 0 before
	conversation conversation.ID
	stored       time.Time
	arrived      time.Time // when the webhook came that stored it, to the millisecond
}

var word = regexp.MustCompile(`\bassunto-\d+-\d+\b`)

func wordsOf(asked []conversation.Message) []string {
	var out []string
	for _, m := range asked {
		out = append(out, word.FindAllString(m.Content.Text, -1)...)
	}
	return out
}

// reply is what the model says; now and then it takes several bubbles.
func reply(r *rand.Rand, words []string) string {
	text := "Sobre " + strings.Join(words, " e ") + ": está bem."
	if !chance(r, .2) {
		return text
	}
	for i := range 3 {
		// Nobody says the same twice: a channel without marks knows our words again.
		text += fmt.Sprintf("\n\nParte %d de %d sobre isso. ", i, r.Uint64()) + strings.Repeat("Mais uma frase que explica tudo. ", 9)
	}
	return text
}

// people are the customers, and those who work at the helpdesk.
func (w *world) people(actors *sync.WaitGroup) {
	desks := map[deskKind]*desk{}
	for _, d := range w.desks {
		desks[d.kind] = d
	}
	for i, kind := range w.shape.kinds {
		d := desks[kind]
		t := &thread{desk: d, index: i, status: conversation.Pending}
		t.move(conversation.Pending)
		w.mu.Lock()
		d.threads = append(d.threads, t)
		w.mu.Unlock()
		r := w.dice("customer " + t.String())
		actors.Go(func() { w.customer(t, r) })
		if r := w.dice("person " + t.String()); chance(r, w.shape.people) {
			actors.Go(func() { w.person(t, r) })
		}
	}
}

// customer writes: in bursts, while the model thinks, or after a while.
func (w *world) customer(t *thread, r *rand.Rand) {
	w.wait(between(r, 0, 3*time.Second))
	var said []*message
	for n := range 2 + r.IntN(5) {
		m := &message{thread: t, word: fmt.Sprintf("assunto-%d-%d", t.index, n)}
		text := "Queria saber do " + m.word + pick(r, []string{"", "", "?", "..."})
		leaves := n > 0 && chance(r, .03)
		switch {
		case leaves:
			text, m.revoked = "SAIR", true // wants no answer
		case chance(r, .03):
			text += " com um atendente"
		}
		w.mu.Lock()
		m.key = t.key()
		w.messages[m.word], w.keys[m.key] = m, m
		if t.status == conversation.Resolved {
			t.move(conversation.Pending) // a helpdesk opens it again for its bot
		}
		ev := t.event(channel.Received)
		w.mu.Unlock()
		ev.Key, ev.Content = m.key, conversation.Content{Kind: conversation.Text, Text: text}
		w.note("%s: customer writes %s", t, m.word)
		said = append(said, m)
		t.report(r, ev, m)
		if chance(r, .08) {
			w.wait(between(r, 100*time.Millisecond, 5*time.Second))
			t.regret(r, pick(r, said), ev)
		}
		switch r.IntN(4) {
		case 0:
			w.wait(between(r, 50*time.Millisecond, 800*time.Millisecond))
		case 1, 2:
			w.wait(between(r, 800*time.Millisecond, 6*time.Second))
		default:
			w.wait(between(r, 6*time.Second, 20*time.Second))
		}
	}
}

// regret edits or takes back a message.
func (t *thread) regret(r *rand.Rand, m *message, ev channel.Event) {
	w := t.desk.w
	ev.Key, ev.Target, ev.At = "", m.key, time.Now().UTC()
	if chance(r, .6) {
		w.note("%s: customer edits %s", t, m.word)
		ev.Kind, ev.Content.Text = channel.Edited, "Aliás, queria saber do "+m.word+" (corrigido)"
		t.report(r, ev, m)
		return
	}
	w.mu.Lock()
	m.revoked = true
	w.mu.Unlock()
	w.note("%s: customer takes %s back", t, m.word)
	ev.Kind, ev.Content = channel.Revoked, conversation.Content{}
	t.report(r, ev, nil)
}

// person works at the helpdesk: takes a conversation over, and gives it back or not.
func (w *world) person(t *thread, r *rand.Rand) {
	for range 1 + r.IntN(2) {
		w.wait(between(r, time.Second, 30*time.Second))
		w.mu.Lock()
		how := "speaks"
		if t.desk.kind == marked {
			how = pick(r, []string{"speaks", "opens", "is assigned", "resolves"})
		}
		w.counts["person "+how]++
		var ev channel.Event
		switch how {
		case "speaks":
			t.spoke = true
			ev = t.event(channel.Said)
			ev.Author, ev.AuthorID, ev.ByPhone = conversation.Person, personID, t.desk.kind != marked
			ev.Key, ev.Content = t.key(), conversation.Content{Kind: conversation.Text, Text: fmt.Sprintf("Aqui é uma pessoa %d", t.said)}
		case "opens":
			t.move(conversation.Open)
			ev = t.event(channel.Changed)
		case "is assigned":
			t.move(t.status)
			ev = t.event(channel.Changed)
			ev.Snapshot.Assignee, ev.Snapshot.AssigneeID = conversation.APerson, personID
		default:
			t.move(conversation.Resolved)
			ev = t.event(channel.Changed)
		}
		w.mu.Unlock()
		w.note("%s: a person %s", t, how)
		t.report(r, ev, nil)
		w.wait(between(r, time.Second, 15*time.Second))
		switch {
		case chance(r, .3):
		case t.desk.kind == marked:
			t.handBack(r)
		default:
			w.operatorHandsBack(t) // nothing at this helpdesk does
		}
	}
}

// operatorHandsBack gives the conversation to the bot by a command beside the processes.
func (w *world) operatorHandsBack(t *thread) {
	w.effects.Lock()
	defer w.effects.Unlock()
	id, ctx := t.stored(), context.Background()
	w.mu.Lock()
	away := w.outage
	w.mu.Unlock()
	if id == 0 || away {
		return
	}
	before := w.look(ctx, id)
	if before.Holder != conversation.Human {
		return
	}
	w.count("operator hands back")
	w.note("%s: an operator hands back", t)
	if err := w.store.HandBack(ctx, id, nil, time.Now()); err != nil {
		w.wrong("%s: HandBack: %v", t, err)
	}
	if after := w.look(ctx, id); after.Holder != conversation.Bot || after.Episode != before.Episode+1 {
		w.wrong("%s: handed back, and held by %s in episode %d after %d", name(id), after.Holder, after.Episode, before.Episode)
	}
}

// handBack gives the conversation to the bot again.
func (t *thread) handBack(r *rand.Rand) {
	w := t.desk.w
	w.mu.Lock()
	if t.status == conversation.Pending {
		// Nobody hands back what was never open: people see it open first.
		t.move(conversation.Open)
		open := t.event(channel.Changed)
		w.mu.Unlock()
		t.report(r, open, nil)
		w.wait(between(r, 500*time.Millisecond, 3*time.Second))
		w.mu.Lock()
	}
	t.move(conversation.Pending)
	ev := t.event(channel.Changed)
	w.counts["person hands back"]++
	w.mu.Unlock()
	w.note("%s: a person hands back", t)
	t.report(r, ev, nil)
}

// serve is a person who finds the conversation open: now and then it comes back soon.
func (t *thread) serve(r *rand.Rand) {
	if t.desk.kind != marked || !chance(r, .6) {
		return
	}
	r = rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	w := t.desk.w
	w.begin()
	w.run(func() {
		defer w.end()
		w.wait(between(r, 2*time.Second, 10*time.Second))
		t.handBack(r)
	})
}

// report brings an event to us as a webhook, as often as this kind of helpdesk tries. m is
// the customer's message that it tells of, if any.
func (t *thread) report(r *rand.Rand, ev channel.Event, m *message) {
	w := t.desk.w
	body, err := json.Marshal(ev)
	if err != nil {
		panic(err)
	}
	// An own stream of luck: the caller goes on drawing meanwhile.
	r = rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	delay, again := between(r, 2*time.Millisecond, 60*time.Millisecond), time.Duration(0)
	if w.faulty(r, w.shape.hooks) {
		w.count("webhook late")
		delay = between(r, 500*time.Millisecond, 6*time.Second)
	}
	if w.faulty(r, w.shape.hooks) {
		w.count("webhook doubled")
		again = between(r, time.Millisecond, 10*time.Second)
	}
	w.begin()
	w.run(func() {
		defer w.end()
		w.wait(delay)
		ok := t.try(r, ev, body)
		if ok && m != nil {
			w.mu.Lock()
			m.acknowledged = true
			w.mu.Unlock()
		}
		if !ok && t.desk.kind == marked && ev.Kind == channel.Received {
			t.openItself(r)
		}
		if ok && again > 0 && w.wait(again) {
			t.try(r, ev, body)
		}
	})
}

// try posts until it is acknowledged or this kind of helpdesk gives up.
func (t *thread) try(r *rand.Rand, ev channel.Event, body []byte) bool {
	w := t.desk.w
	kind, tries, limit := channel.Whaticket, 1, 15*time.Second
	if t.desk.kind == marked {
		kind, tries, limit = channel.Chatwoot, 3, 5*time.Second
	}
	for n := range tries {
		if n > 0 && !w.wait(between(r, time.Second, 3*time.Second)) {
			return false
		}
		t.shows(ev)
		status := w.post(kind, t.desk.inbox, body, r, limit, fmt.Sprintf("%s %s %s", t, ev.Kind, ev.Key+ev.Target))
		if status == http.StatusOK {
			return true
		}
		w.note("%s: webhook %s %s is answered %d", t, ev.Kind, ev.Key+ev.Target, status)
		w.count("webhook failed")
		if status == 0 {
			return false // it tries again after an answer only
		}
	}
	return false
}

// openItself is what Chatwoot does when its bot does not take a message.
func (t *thread) openItself(r *rand.Rand) {
	w := t.desk.w
	w.mu.Lock()
	if t.status != conversation.Pending {
		w.mu.Unlock()
		return
	}
	t.move(conversation.Open)
	ev := t.event(channel.Changed)
	w.counts["opened by the helpdesk"]++
	w.mu.Unlock()
	w.note("%s is opened by the helpdesk", t)
	t.report(r, ev, nil)
	t.serve(r)
}

func request(body []byte, inbox, correlation string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/webhook/"+inbox, bytes.NewReader(body))
	req.SetPathValue("inbox", inbox)
	req.Header.Set("Content-Type", "application/json")
	return req.WithContext(telemetry.WithCorrelation(req.Context(), correlation))
}
