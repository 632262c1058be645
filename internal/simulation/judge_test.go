package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// judge is what must hold. It looks at every effect on the store at the instant of it, with
// the effects of the others shut out, and at the end at what customers have received.
// Guarded by world.mu, but for what only effects touch.
type judge struct {
	wrongs []string

	hands    map[conversation.ID][]hands // who held each conversation since when
	threads  map[conversation.ID]*thread
	turns    map[conversation.ID]holding
	covered  map[conversation.ID]map[int64][]conversation.MessageID // what a turn of a fence began with
	orders   map[conversation.DeliveryID]*order
	decided  map[string]bool                                      // conversation and fence
	places   map[conversation.ID]int                              // orders decided so far
	begunTo  map[conversation.ID]int                              // place of the last delivery that was begun
	answered map[conversation.MessageID][]conversation.DeliveryID // by what was decided to be said
	left     map[conversation.ID]int                              // the place of the last order for a customer who wants no more
	taken    map[conversation.ID]int                              // times that a person took each conversation from the bot
	sleeps   map[conversation.ID]time.Time                        // until when the last decision wants each to sleep, while the bot has it
}

// hands is who holds a conversation from a time on.
type hands struct {
	at    time.Time
	state conversation.State
}

// holding is a turn that somebody runs under a lease.
type holding struct {
	p     *process
	fence int64
	until time.Time
}

// order is something that was decided to be done.
type order struct {
	conversation conversation.ID
	place        int
	epoch        int64
	taken        int // times that a person had taken the conversation before
	kind         channel.OrderKind
	text         string
	at, free     time.Time    // when it was decided, and when a person had last given the conversation back
	begun        int          // attempts
	unknown      bool         // one was repeated while the end of an earlier one was not certain
	definite     map[int]bool // by number, those whose end was certain and recorded
}

func newJudge() judge {
	return judge{hands: map[conversation.ID][]hands{}, threads: map[conversation.ID]*thread{}, turns: map[conversation.ID]holding{},
		covered: map[conversation.ID]map[int64][]conversation.MessageID{}, orders: map[conversation.DeliveryID]*order{}, decided: map[string]bool{},
		places: map[conversation.ID]int{}, begunTo: map[conversation.ID]int{}, answered: map[conversation.MessageID][]conversation.DeliveryID{}, left: map[conversation.ID]int{}, taken: map[conversation.ID]int{}, sleeps: map[conversation.ID]time.Time{}}
}

// wrong notes a broken promise.
func (w *world) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.note("WRONG: %s", text)
	w.mu.Lock()
	w.wrongs = append(w.wrongs, text)
	w.mu.Unlock()
}

// look notes who holds a conversation after an effect on it.
func (w *world) look(ctx context.Context, id conversation.ID) conversation.State {
	c, err := w.store.Conversation(ctx, id)
	if err != nil {
		w.wrong("Conversation(%d): %v", id, err)
		return conversation.State{}
	}
	past := w.hands[id]
	if n := len(past); n == 0 || past[n-1].state.Holder != c.State.Holder || past[n-1].state.Epoch != c.State.Epoch {
		w.hands[id] = append(past, hands{time.Now(), c.State})
		if c.State.Holder != conversation.Bot {
			delete(w.sleeps, id)
		}
		w.note("%s is held by %s (%s) in epoch %d", name(id), c.State.Holder, c.State.Reason, c.State.Epoch)
		w.count("held by " + string(c.State.Holder))
		t := w.threads[id]
		if r := c.State.Reason; c.State.Holder == conversation.Human && (r == conversation.ByMessage || r == conversation.ByPhone) && t != nil && !t.spoke {
			w.wrong("%s: our own words are taken for a person's", name(id))
		}
	}
	return c.State
}

func (w *world) received(ctx context.Context, a store.Arrival, results []store.Result) {
	for i, r := range results {
		if r.Conversation == 0 {
			continue
		}
		ev := a.Events[i]
		w.mu.Lock()
		key := ev.Key
		if key == "" {
			key = ev.Target
		}
		m := w.keys[key]
		if m != nil {
			w.threads[r.Conversation] = m.thread
			if m.id == 0 && (ev.Kind == channel.Received || ev.Kind == channel.Edited) {
				m.id, m.conversation, m.stored, m.arrived = r.Message, r.Conversation, time.Now(), a.Now.Truncate(time.Millisecond)
			}
		}
		if r.Duplicate {
			w.counts["duplicate"]++
		}
		spoke := ev.AuthorID == personID && !r.Duplicate
		w.mu.Unlock()
		now := w.look(ctx, r.Conversation)
		if spoke || r.Change.TakenOver {
			w.taken[r.Conversation]++
		}
		if r.Change.TakenOver || r.Change.Moved() {
			delete(w.sleeps, r.Conversation)
		}
		if spoke && now.Holder != conversation.Human {
			w.wrong("%s: a person speaks, and %s has it", name(r.Conversation), now.Holder)
		}
	}
}

func (w *world) state(id conversation.ID) conversation.State {
	past := w.hands[id]
	if len(past) == 0 {
		return conversation.State{}
	}
	return past[len(past)-1].state
}

func (w *world) began(p *process, t store.Turn, until time.Time) {
	id, now := t.Conversation.ID, time.Now()
	if s := w.state(id); s.Holder != conversation.Bot {
		w.wrong("%s: a turn begins while %s has it", name(id), s.Holder)
	}
	if h, ok := w.turns[id]; ok && h.fence != t.Fence && h.until.After(now) && !h.p.gone() {
		w.wrong("%s: %s begins a turn with fence %d while %s has one with fence %d until %v", name(id), p, t.Fence, h.p, h.fence, h.until.Sub(w.start))
	}
	if at, asleep := w.sleeps[id]; t.Woken && (!asleep || at.After(now) || len(t.Pending) > 0) {
		w.wrong("%s: woken at %v with %d messages, and it was to sleep until %v", name(id), now.Sub(w.start), len(t.Pending), at.Sub(w.start))
	}
	if t.Woken {
		w.count("woken")
	}
	w.turns[id] = holding{p, t.Fence, until}
	if w.covered[id] == nil {
		w.covered[id] = map[int64][]conversation.MessageID{}
	}
	var ids []conversation.MessageID
	for _, m := range t.Pending {
		ids = append(ids, m.ID)
		if w.saidAbout(id, m.ID) {
			w.wrong("%s: message %d is to be answered again", name(id), m.ID)
		}
	}
	w.covered[id][t.Fence] = ids
	w.note("%s: turn with fence %d about %v, %d restarts, %d failures", name(id), t.Fence, wordsOf(t.Pending), t.Restarts, t.Failures)
}

func (w *world) renewed(id conversation.ID, fence int64, until time.Time) {
	if h, ok := w.turns[id]; ok && h.fence == fence {
		h.until = until
		w.turns[id] = h
	}
}

func (w *world) released(id conversation.ID, fence int64) {
	if w.turns[id].fence == fence {
		delete(w.turns, id)
	}
}

// committed is a decision that took effect.
func (w *world) committed(ctx context.Context, d store.Decision) {
	id := d.Conversation
	before := w.state(id)
	key := fmt.Sprint(id, "/", d.Fence)
	if w.decided[key] {
		w.wrong("%s: two decisions with fence %d", name(id), d.Fence)
	}
	w.decided[key] = true
	if before.Holder != conversation.Bot || before.Epoch != d.Epoch {
		w.wrong("%s: decided in epoch %d while %s has it in epoch %d", name(id), d.Epoch, before.Holder, before.Epoch)
	}
	for _, m := range w.covered[id][d.Fence] {
		if m > d.Through {
			continue
		}
		if w.saidAbout(id, m) {
			w.wrong("%s: message %d is answered by two decisions", name(id), m)
		}
		w.answered[m] = []conversation.DeliveryID{}
		for _, o := range d.Orders {
			if o.Kind == channel.Say {
				w.answered[m] = append(w.answered[m], o.Delivery)
			}
		}
		if d.HandOver != "" && len(w.answered[m]) == 0 {
			delete(w.answered, m) // nobody has said anything: it is answered when somebody hands back
		}
		w.flows.ended[m] = d.HandOver != ""
	}
	delete(w.sleeps, id)
	if !d.WakeAt.IsZero() && d.HandOver == "" && !d.OptOut {
		w.sleeps[id] = d.WakeAt.Truncate(time.Millisecond)
	}
	w.released(id, d.Fence)
	w.ordered(id, d.Epoch, d.Orders)
	if d.OptOut {
		w.left[id] = w.places[id]
		w.count("customer wants no more")
	}
	w.count("decision " + d.Record.Outcome)
	if d.Partial {
		w.count("decision before the newest messages")
	}
	w.look(ctx, id)
}

// saidAbout says whether a message has been answered. One whose answer was called off before
// any of it was said has not, and comes to the desk again where a person hands back.
func (w *world) saidAbout(id conversation.ID, m conversation.MessageID) bool {
	orders, decided := w.answered[m]
	if !decided || len(orders) == 0 {
		return decided
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.threads[id]
	return t == nil || slices.ContainsFunc(t.arrived, func(a arrival) bool { return slices.Contains(orders, a.delivery) })
}

func (w *world) ordered(id conversation.ID, epoch int64, orders []channel.Order) {
	for _, o := range orders {
		w.places[id]++
		free := time.Time{}
		if t := w.threads[id]; t != nil {
			w.mu.Lock()
			free = t.freed
			w.mu.Unlock()
		}
		w.orders[o.Delivery] = &order{at: time.Now(), free: free, conversation: id, place: w.places[id], epoch: epoch, taken: w.taken[id], kind: o.Kind, text: o.Text, definite: map[int]bool{}}
		w.note("%s is to %s %q", name(id), o.Kind, clip(o.Text))
	}
}

// next is a delivery that was taken: the instant at which who holds it is checked.
func (w *world) next(d store.Delivery) {
	w.note("%s: %s %q, attempt %d, uncertain %v", name(d.Conversation), d.Order.Kind, clip(d.Order.Text), d.Attempts, d.Uncertain)
	o := w.orders[d.ID]
	if o == nil || d.Uncertain {
		return
	}
	o.begun++
	if o.place < w.begunTo[d.Conversation] && o.kind != channel.Call {
		w.wrong("%s: %s %q begins after what was decided after it", name(d.Conversation), o.kind, clip(o.text))
	}
	if o.kind != channel.Call { // one that waits for another try holds nobody up
		w.begunTo[d.Conversation] = o.place
	}
	if last, left := w.left[d.Conversation]; left && (o.kind == channel.Say || o.kind == channel.Call) && o.place > last {
		w.wrong("%s: %s %q begins for somebody who wants no more", name(d.Conversation), o.kind, clip(o.text))
	}
	s := w.state(d.Conversation)
	if o.kind == channel.Say && (s.Holder == conversation.Closed || s.Epoch != o.epoch || w.taken[d.Conversation] != o.taken) {
		w.wrong("%s: %q of epoch %d is said while %s has it in epoch %d, and people took it %d times since", name(d.Conversation), clip(o.text), o.epoch, s.Holder, s.Epoch,
			w.taken[d.Conversation]-o.taken)
	}
	if o.begun > 1 {
		w.count("repeat")
		o.unknown = o.unknown || len(o.definite) < o.begun-1
	}
}

func (w *world) finished(ctx context.Context, a store.Attempt) {
	if o := w.orders[a.Delivery]; o != nil {
		switch a.Outcome {
		case store.AttemptSent, store.AttemptRetry, store.AttemptFailed, store.AttemptCancelled:
			o.definite[a.Number] = true
		}
	}
	w.count("attempt " + string(a.Outcome))
	before := w.state(a.Conversation).Epoch
	if a.News != nil {
		w.heard(ctx, a.Conversation)
	}
	if now := w.look(ctx, a.Conversation); a.HandOver != "" && now.Holder == conversation.Human {
		w.ordered(a.Conversation, before, a.Orders)
	}
}

func (w *world) unfinished(ctx context.Context) []store.Delivery {
	ds, err := w.store.Deliveries(ctx, store.Filter{Limit: 1000})
	if err != nil {
		w.wrong("Deliveries: %v", err)
	}
	return slices.DeleteFunc(ds, func(d store.Delivery) bool { return d.Status != store.Pending && d.Status != store.FailedTemporary })
}

func (w *world) describe(ds []store.Delivery) string {
	var out []string
	for _, d := range ds {
		out = append(out, fmt.Sprintf("%s %s %q %s uncertain %v next %v", name(d.Conversation), d.Order.Kind, clip(d.Order.Text), d.Status, d.Uncertain, d.NextAt.Sub(w.start)))
	}
	return strings.Join(out, "; ")
}

// checkEnd looks at what customers have got when all is over.
func (w *world) checkEnd(ctx context.Context) {
	w.effects.Lock()
	defer w.effects.Unlock()
	for _, d := range w.unfinished(ctx) {
		w.wrong("at the end %s", w.describe([]store.Delivery{d}))
	}
	if n := w.counts["repeat"] + w.counts["attempt uncertain"] + w.counts["webhook failed"]; w.shape.peaceful && n > 0 {
		w.wrong("%d repeats, doubts and refusals, although nothing has failed", n)
	}
	for id, at := range w.sleeps {
		w.wrong("%s: was to wake at %v and never did", name(id), at.Sub(w.start))
	}
	w.checkFlows(ctx)
	heard := map[string]bool{}
	for _, d := range w.desks {
		for _, t := range d.threads {
			w.checkThread(t, heard)
		}
	}
	for _, m := range w.messages {
		if !m.acknowledged {
			w.count("message not acknowledged")
			continue
		}
		w.count("message acknowledged")
		switch {
		case heard[m.word]:
			w.count("message answered")
		case m.revoked:
		case m.id == 0:
			w.wrong("%s was acknowledged and is not stored", m.word)
		case !w.excused(m):
			w.wrong("%s was acknowledged and has no answer, and no person has had %s since", m.word, name(m.conversation))
		default:
			w.count("message left to a person")
		}
	}
}

// excused says whether somebody else had the conversation at some time since the message.
func (w *world) excused(m *message) bool {
	if _, left := w.left[m.conversation]; left {
		return true // and so the customer wanted it
	}
	past := w.hands[m.conversation]
	for i, h := range past {
		over := i+1 < len(past) && !past[i+1].at.After(m.stored)
		if !over && h.state.Holder != conversation.Bot {
			return true
		}
	}
	return false
}

func (w *world) checkThread(t *thread, heard map[string]bool) {
	copies := map[conversation.DeliveryID]int{}
	place := 0
	var last conversation.MessageID
	for _, a := range t.arrived {
		if a.kind != channel.Say {
			continue
		}
		copies[a.delivery]++
		o := w.orders[a.delivery]
		if o == nil {
			w.wrong("%s heard %q, which nobody decided", t, clip(a.text))
			continue
		}
		if o.place < place {
			w.wrong("%s heard %q out of order", t, clip(a.text))
		}
		place = o.place
		// Answers come in the order in which messages were stored, and each takes its own in
		// the order in which they arrived.
		before, arrived := last, time.Time{}
		for _, said := range word.FindAllString(a.text, -1) {
			m := w.messages[said]
			if (m.id < before || m.arrived.Before(arrived)) && copies[a.delivery] == 1 {
				w.wrong("%s heard about %s after what was written later", t, said)
			}
			last, arrived = max(last, m.id), m.arrived
			heard[said] = true
		}
		allowed := 1
		if t.desk.kind == blind && o.unknown {
			allowed = 2 // the outcome of one was unknown, and nobody could be asked
		}
		if copies[a.delivery] > allowed {
			w.wrong("%s heard %q %d times", t, clip(a.text), copies[a.delivery])
		}
		if copies[a.delivery] == 2 {
			w.count("blind repeat heard")
		}
	}
}
