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
		cases = append(cases, scenario{"seed " + strconv.FormatInt(seed, 10), func(k *kit) { newLife(k, seed).live(180) }})
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

	paused  map[conversation.DeliveryID]time.Time // what may not begin before
	calls   map[conversation.DeliveryID]string    // the arguments
	called  []conversation.DeliveryID
	started map[string]conversation.DeliveryID // by arguments, what was begun for them
	told    map[string]bool
	last    map[conversation.DeliveryID]bool // decided with an opt-out
	out     bool                             // wants no more messages
}

func newLife(k *kit, seed int64) *life {
	l := &life{kit: k, r: rand.New(rand.NewSource(seed)), epochs: map[conversation.DeliveryID]int64{}, places: map[conversation.DeliveryID]int{},
		replayed: map[conversation.DeliveryID]bool{}, texts: map[conversation.DeliveryID]string{}, answered: map[conversation.MessageID]bool{}, open: map[conversation.MessageID]bool{},
		paused: map[conversation.DeliveryID]time.Time{}, calls: map[conversation.DeliveryID]string{}, started: map[string]conversation.DeliveryID{}, told: map[string]bool{},
		last: map[conversation.DeliveryID]bool{}}
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
	if ev.Kind == channel.Received && !r.Duplicate || r.Change.TakenOver {
		clear(l.paused)
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
	switch l.r.Intn(27) {
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
	case 22, 23:
		l.report()
	case 24:
		l.command()
	case 25:
		if l.r.Intn(3) == 0 {
			if err := l.s.OptIn(l.ctx, l.id); err != nil {
				l.wrong("OptIn: %v", err)
			}
			l.note("opt in")
			l.out = false
		}
	case 26:
		l.wait(time.Duration(l.r.Intn(60)) * time.Second)
	}
}

// report lets a workflow tell something, perhaps not for the first time.
func (l *life) report() {
	if len(l.called) > 0 {
		d := l.called[l.r.Intn(len(l.called))]
		id := string(d) + strconv.Itoa(l.r.Intn(2))
		r := l.kit.reports(d, id, "resultado "+id)
		l.note("report: %+v", r)
		if r.Duplicate != l.told[id] {
			l.wrong("Reported = %+v, and it was reported before: %v", r, l.told[id])
		}
		l.told[id] = true
		if want := l.conversation(l.id).State.Holder == conversation.Bot && !r.Duplicate; r.Pending != want {
			l.wrong("Reported = %+v, want it pending: %v", r, want)
		}
		if r.Pending {
			l.open[r.Message] = true
		}
	}
}

// command is an operator's.
func (l *life) command() {
	was := l.conversation(l.id).State
	if l.r.Intn(2) == 0 {
		if err := l.s.TakeOver(l.ctx, l.id, time.Duration(l.r.Intn(2))*time.Minute, l.now); err != nil {
			l.wrong("TakeOver: %v", err)
		}
		l.note("take over")
		clear(l.paused)
		l.excuse()
		return
	}
	err := l.s.HandBack(l.ctx, l.id, []channel.Order{l.order(channel.Pend, ""), l.order(channel.Note, "de volta")}, l.now)
	l.note("hand back from %s: %v", was.Holder, err)
	if (err == nil) != (was.Holder == conversation.Human) {
		l.wrong("HandBack while %s holds: %v", was.Holder, err)
	}
	if s := l.conversation(l.id).State; err == nil && (s.Holder != conversation.Bot || s.Episode != was.Episode+1) {
		l.wrong("after HandBack %s holds in episode %d, before it was %d", s.Holder, s.Episode, was.Episode)
	}
	if err == nil {
		clear(l.answered) // what was not said after all is answered once more
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
	if t.OptedOut != l.out {
		l.wrong("a turn says opted out: %v, want %v", t.OptedOut, l.out)
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
		o := l.say("resposta " + l.key())
		o.Pause = time.Duration(max(0, l.r.Intn(8)-3)) * time.Second
		orders = append(orders, o)
	}
	if l.r.Intn(3) == 0 {
		orders = append(orders, l.call("agendar", strconv.Itoa(l.r.Intn(4))))
	}
	d := l.decision(t, orders...)
	d.OptOut = l.r.Intn(20) == 0
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
	l.out = l.out || d.OptOut
	due := d.Now
	for _, o := range d.Orders {
		if o.Kind == channel.Call {
			if ds, err := l.s.Deliveries(l.ctx, store.Filter{ID: o.Delivery}); err != nil || len(ds) == 0 {
				continue // the same was started before
			}
			l.calls[o.Delivery], l.called = o.Arguments, append(l.called, o.Delivery)
		}
		due = due.Add(o.Pause)
		l.epochs[o.Delivery], l.places[o.Delivery], l.texts[o.Delivery] = d.Epoch, len(l.places), o.Text
		l.paused[o.Delivery], l.last[o.Delivery] = due, d.OptOut
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
	said := d.Order.Kind == channel.Say
	if l.out && !l.last[d.ID] && (said || d.Order.Kind == channel.Call) {
		l.wrong("%s %q is begun for somebody who wants no more messages", d.Order.Kind, d.Order.Text)
	}
	if at := l.paused[d.ID]; l.now.Before(at) {
		l.wrong("%q is begun at %v, and was to wait until %v", d.Order.Text, l.now, at)
	}
	if args, call := l.calls[d.ID]; call {
		if first := l.started[args]; first != "" && first != d.ID {
			l.wrong("a workflow is started twice with the same arguments")
		}
		l.started[args] = d.ID
	}
	if said {
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
	if l.r.Intn(2) == 0 {
		a.News = result("resultado " + l.key())
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
