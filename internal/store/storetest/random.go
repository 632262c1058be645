package storetest

import (
	"errors"
	"fmt"
	"math/rand"
	"strconv"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// whatever is about long random lives of a conversation. Each is repeatable by its seed.
func whatever() []scenario {
	var cases []scenario
	for seed := range int64(6) {
		cases = append(cases, scenario{"seed " + strconv.FormatInt(seed, 10), func(k *kit) { newLife(k, seed).live(150) }})
	}
	return cases
}

// life is one conversation and what must hold in it.
type life struct {
	*kit
	r       *rand.Rand
	id      conversation.ID
	events  []channel.Event // the customer's
	past    []channel.Event // everything, for repeats
	turn    *store.Turn
	attempt *store.Delivery
	trail   []string

	epochs   map[conversation.DeliveryID]int64 // in which a say was decided
	places   map[conversation.DeliveryID]int   // in which order
	replayed map[conversation.DeliveryID]bool
	texts    map[conversation.DeliveryID]string
	begun    []conversation.DeliveryID
	place    int // of the last that was begun
	answered map[conversation.MessageID]bool
	open     map[conversation.MessageID]bool // stored as pending, and the bot has held since
}

func newLife(k *kit, seed int64) *life {
	l := &life{kit: k, r: rand.New(rand.NewSource(seed)), epochs: map[conversation.DeliveryID]int64{}, places: map[conversation.DeliveryID]int{},
		replayed: map[conversation.DeliveryID]bool{}, texts: map[conversation.DeliveryID]string{}, answered: map[conversation.MessageID]bool{}, open: map[conversation.MessageID]bool{}}
	l.write()
	return l
}

func (l *life) note(format string, args ...any) {
	l.trail = append(l.trail, fmt.Sprintf("%s ", l.now.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (l *life) wrong(format string, args ...any) {
	l.Helper()
	for _, line := range l.trail[max(0, len(l.trail)-40):] {
		l.Log(line)
	}
	l.Fatalf(format, args...)
}

func (l *life) tell(ev channel.Event) store.Result {
	r := l.receive(ev)
	l.past = append(l.past, ev)
	l.note("%s %s %q: %+v", ev.Kind, ev.Author, ev.Content.Text, r)
	if r.Pending && !r.Duplicate {
		l.open[r.Message] = true
	}
	l.excuse()
	return r
}

// excuse forgets what nobody of ours has to answer: a person had the conversation.
func (l *life) excuse() {
	if l.id != 0 && l.conversation(l.id).State.Holder != conversation.Bot {
		clear(l.open)
	}
}

func (l *life) write() {
	ev := l.customer("palavra " + strconv.Itoa(len(l.events)))
	l.events = append(l.events, ev)
	r := l.tell(ev)
	l.id = r.Conversation
}

func (l *life) live(steps int) {
	for range steps {
		l.step()
	}
	l.drain()
}

func (l *life) step() {
	switch l.r.Intn(22) {
	case 0, 1, 2:
		l.write()
	case 3:
		l.tell(l.edit(l.events[l.r.Intn(len(l.events))], "outra "+l.key()))
	case 4:
		ev := l.events[l.r.Intn(len(l.events))]
		if r := l.tell(l.revoke(ev)); r.Message != 0 {
			delete(l.open, r.Message)
		}
	case 5:
		l.tell(l.phone("pessoa " + l.key()))
	case 6:
		l.tell(l.shown([]conversation.Status{conversation.Open, conversation.Resolved}[l.r.Intn(2)], l.now))
	case 7, 8:
		l.tell(l.shown(conversation.Pending, l.now))
	case 9:
		ev := l.past[l.r.Intn(len(l.past))]
		if ev.Kind == channel.Received || ev.Kind == channel.Said {
			if r := l.receive(ev); !r.Duplicate {
				l.wrong("repeat of %s %q = %+v, want a duplicate", ev.Kind, ev.Content.Text, r)
			}
		}
	case 10, 11:
		l.wait(time.Duration(l.r.Intn(8000)) * time.Millisecond)
	case 12:
		l.dispatch(job.Turns)
		l.dispatch(job.Deliveries)
	case 13:
		l.think()
	case 14, 15:
		l.commit()
	case 16, 17:
		l.carry()
	case 18, 19:
		l.end([]store.AttemptOutcome{store.AttemptSent, store.AttemptSent, store.AttemptSent, store.AttemptRetry, store.AttemptUncertain, store.AttemptFailed}[l.r.Intn(6)])
	case 20:
		if len(l.begun) > 0 {
			d := l.begun[l.r.Intn(len(l.begun))]
			l.tell(l.echo(d, l.texts[d]))
		}
	case 21:
		l.revive()
	}
}

// think begins a turn.
func (l *life) think() {
	l.dispatch(job.Turns)
	t, err := l.s.BeginTurn(l.ctx, l.turnJob(l.id, l.jobs.fence(job.Turns, l.id)), l.now, lease, 20)
	l.note("begin: %d pending, %v", len(t.Pending), err)
	switch {
	case errors.Is(err, store.ErrLost):
		return
	case err != nil:
		l.wrong("BeginTurn: %v", err)
	}
	if t.Conversation.State.Holder != conversation.Bot {
		l.wrong("a turn began while %s holds", t.Conversation.State.Holder)
	}
	for _, m := range t.Pending {
		if l.answered[m.ID] {
			l.wrong("message %d is to be answered twice", m.ID)
		}
	}
	l.turn = &t
}

// commit decides the turn that was begun.
func (l *life) commit() {
	if l.turn == nil {
		l.think()
		return
	}
	t := *l.turn
	l.turn = nil
	var orders []channel.Order
	for range l.r.Intn(3) {
		orders = append(orders, l.say("resposta "+l.key()))
	}
	d := l.decision(t, orders...)
	d.Partial = l.r.Intn(4) == 0
	if l.r.Intn(6) == 0 {
		d.HandOver = conversation.ByHandoff
		d.Orders = append(d.Orders, l.order(channel.OpenUp, ""))
	}
	was := l.conversation(l.id)
	err := l.s.Decide(l.ctx, d)
	l.note("decide %d orders, hand over %q, partial %v: %v", len(d.Orders), d.HandOver, d.Partial, err)
	switch {
	case errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrLost):
		if errors.Is(err, store.ErrStale) && was.State.Holder == conversation.Bot && was.State.Epoch == d.Epoch && was.Revision == d.Revision {
			l.wrong("Decide = %v, but nothing has moved", err)
		}
		return
	case err != nil:
		l.wrong("Decide: %v", err)
	}
	if was.State.Holder != conversation.Bot || was.State.Epoch != d.Epoch {
		l.wrong("decided in epoch %d while %s holds in epoch %d", d.Epoch, was.State.Holder, was.State.Epoch)
	}
	if was.Revision != d.Revision && !d.Partial {
		l.wrong("decided revision %d of %d", d.Revision, was.Revision)
	}
	for _, m := range t.Pending {
		if l.answered[m.ID] {
			l.wrong("message %d is answered twice", m.ID)
		}
		l.answered[m.ID] = true
		delete(l.open, m.ID)
	}
	for _, o := range d.Orders {
		l.epochs[o.Delivery], l.places[o.Delivery], l.texts[o.Delivery] = d.Epoch, len(l.places), o.Text
	}
	l.excuse()
}

// carry takes the next delivery.
func (l *life) carry() {
	l.dispatch(job.Deliveries)
	j := l.deliver(l.id)
	if j.Fence == 0 {
		return
	}
	d, err := l.s.NextDelivery(l.ctx, j, l.now, lease)
	l.note("next: %s %q uncertain %v, %v", d.Order.Kind, d.Order.Text, d.Uncertain, err)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrLost) {
		l.attempt = nil
		return
	}
	if err != nil {
		l.wrong("NextDelivery: %v", err)
	}
	place, ours := l.places[d.ID]
	if ours && !l.replayed[d.ID] {
		if place < l.place {
			l.wrong("%q is delivered after what comes later", d.Order.Text)
		}
		l.place = place
		s := l.conversation(l.id).State
		if d.Order.Kind == channel.Say && !d.Uncertain && (s.Epoch != l.epochs[d.ID] || s.Holder == conversation.Closed) {
			l.wrong("%q of epoch %d is said while %s holds in epoch %d", d.Order.Text, l.epochs[d.ID], s.Holder, s.Epoch)
		}
	}
	if d.Order.Kind == channel.Say {
		l.begun = append(l.begun, d.ID)
	}
	l.attempt = &d
}

// end ends the attempt under way.
func (l *life) end(outcome store.AttemptOutcome) {
	if l.attempt == nil {
		l.carry()
		return
	}
	d := *l.attempt
	l.attempt = nil
	if d.Uncertain && outcome == store.AttemptRetry {
		outcome = store.AttemptAbsent
	}
	a := l.kit.attempt(d, outcome)
	a.NextAt = l.now.Add(3 * time.Second)
	if outcome == store.AttemptFailed {
		a.HandOver, a.Orders = conversation.ByFailure, []channel.Order{l.order(channel.Note, "não foi entregue")}
	}
	l.note("finish %q: %s", d.Order.Text, outcome)
	was := l.delivery(d.ID).Status
	l.finish(a)
	if now := l.delivery(d.ID).Status; was == store.Sent && now != store.Sent {
		l.wrong("%q was SENT and is %s", d.Order.Text, now)
	}
	l.excuse()
}

// revive replays what is dead.
func (l *life) revive() {
	ds, err := l.s.Deliveries(l.ctx, store.Filter{Conversation: l.id, Status: store.FailedPermanent})
	if err != nil {
		l.wrong("Deliveries: %v", err)
	}
	if len(ds) == 0 {
		return
	}
	if err := l.s.Replay(l.ctx, ds[0].ID, l.now); err != nil {
		l.wrong("Replay: %v", err)
	}
	l.note("replay %q", ds[0].Order.Text)
	for id := range l.places {
		l.replayed[id] = true // what it took with it came back too
	}
}

// drain lets everything that is due be done, after whoever worked has gone.
func (l *life) drain() {
	l.turn, l.attempt = nil, nil
	l.wait(time.Minute)
	for range 400 {
		turns, deliveries, err := l.s.Backlog(l.ctx, l.now)
		if err != nil {
			l.wrong("Backlog: %v", err)
		}
		if turns == 0 && deliveries == 0 {
			break
		}
		l.think()
		if l.turn != nil {
			l.commit()
		}
		l.carry()
		if l.attempt != nil {
			l.end(store.AttemptSent)
		}
		l.wait(time.Second)
	}
	if turns, deliveries, err := l.s.Backlog(l.ctx, l.now); turns != 0 || deliveries != 0 || err != nil {
		l.wrong("Backlog = %d turns and %d deliveries, %v, and nothing moves any more", turns, deliveries, err)
	}
	if len(l.open) != 0 {
		l.wrong("messages %v were left without an answer", l.open)
	}
	for _, lane := range []job.Lane{job.Turns, job.Deliveries} {
		if n, next := l.dispatch(lane); n != 0 || !next.IsZero() {
			// A lane may be due once more only to find that there is nothing left.
			l.carry()
			l.think()
			if n, next := l.dispatch(lane); n != 0 || !next.IsZero() {
				l.wrong("%s lane is due although nothing waits: %d, %v", lane, n, next)
			}
		}
	}
}
