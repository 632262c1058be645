package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
)

// deskKind is a kind of helpdesk, by what can be known of a message that was sent there.
type deskKind string

const (
	marked deskKind = "chatwoot"  // messages carry our mark, and can be looked up
	found  deskKind = "whaticket" // no mark, but a look-up
	blind  deskKind = "cego"      // neither
)

// The ids of our bot, and of the people, at the helpdesk.
const (
	selfID   = "7"
	personID = "42"
)

// desk is a helpdesk. It outlives every process.
type desk struct {
	w       *world
	inbox   string
	kind    deskKind
	threads []*thread
}

// thread is a conversation as the helpdesk has it. Guarded by world.mu.
type thread struct {
	desk    *desk
	index   int
	said    int // messages so far, of anybody
	status  conversation.Status
	version time.Time
	arrived []arrival
	spoke   bool // a person has said something here

	taken    []time.Time // when takeovers were received
	freed    time.Time   // when the last of them was over
	expected bool        // the next of them is the race's
	bot      string      // what the bot is about
	wire     int         // messages on the wire
}

// arrival is something of ours that the customer, or people, can read.
type arrival struct {
	at       time.Time
	delivery conversation.DeliveryID
	kind     channel.OrderKind
	text     string
	key      string
}

func (t *thread) String() string { return fmt.Sprintf("%s/%d", t.desk.inbox, t.index) }

func (t *thread) name() string { return fmt.Sprintf("1/%d", 100+t.index) }

func (t *thread) number() string { return fmt.Sprintf("55119888800%02d", t.index) }

// address is where orders to the thread go.
func (t *thread) address() channel.Address {
	if t.desk.kind == marked {
		return channel.Address{Thread: t.name()}
	}
	return channel.Address{To: t.number()}
}

// key numbers a message. Call it with world.mu held.
func (t *thread) key() string {
	t.said++
	return fmt.Sprintf("%s-%d-%d", t.desk.inbox, t.index, t.said)
}

// move gives the thread a status and a version of its own. Call it with world.mu held.
func (t *thread) move(s conversation.Status) {
	t.status = s
	v := time.Now().UTC().Truncate(time.Millisecond)
	if !v.After(t.version) {
		v = t.version.Add(time.Millisecond)
	}
	t.version = v
}

// event is an event of this thread, with what the helpdesk shows of it. Call it with
// world.mu held.
func (t *thread) event(kind channel.EventKind) channel.Event {
	ev := channel.Event{Kind: kind, Chat: t.desk.inbox, Address: t.address(), At: time.Now().UTC()}
	if t.desk.kind == marked {
		ev.Thread = t.name()
		ev.Contact = channel.Contact{Identities: []channel.Identity{{Kind: channel.ChannelID, Value: fmt.Sprint(t.index)}}}
		ev.Snapshot = &conversation.Snapshot{Status: t.status, Assignee: conversation.Nobody, At: t.version}
		return ev
	}
	ev.Chat = t.number()
	ev.Contact = channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+" + t.number()}}}
	return ev
}

// line is a desk as one process reaches it.
type line struct {
	p *process
	d *desk
}

var _ channel.Channel = (*line)(nil)

func (l *line) Kind() channel.Kind {
	if l.d.kind == marked {
		return channel.Chatwoot
	}
	return channel.Whaticket
}

func (l *line) Authenticate(*channel.Request) error { return nil }

func (l *line) Parse(r *channel.Request) ([]channel.Event, error) {
	var ev channel.Event
	if err := json.Unmarshal(r.Body, &ev); err != nil {
		return nil, fault.Wrap(fault.Invalid, "body", err)
	}
	return []channel.Event{ev}, nil
}

func (l *line) Answer(o channel.Outcome) (int, any) {
	switch o.Kind {
	case channel.Accepted, channel.Duplicate, channel.Skipped:
		return 200, nil
	}
	return 500, nil
}

func (l *line) CloseAfterAnswer() bool { return false }

func (l *line) Supports(k channel.OrderKind) bool {
	switch l.d.kind {
	case marked:
		return k != channel.Typing
	case found:
		return k == channel.Say || k == channel.OpenUp
	}
	return k == channel.Say
}

func (l *line) Probe(context.Context) error { return nil }

// sendFault is what goes wrong with one send.
type sendFault struct {
	name   string
	effect bool // it arrives all the same
	answer time.Duration
	err    error
	never  bool // no answer at all
}

func (f *sendFault) String() string {
	if f == nil {
		return ""
	}
	return "(" + f.name + ")"
}

// fault draws what goes wrong with a send; nil: nothing.
func (l *line) fault(r *rand.Rand) *sendFault {
	if !l.p.w.faulty(r, l.p.w.shape.desk) {
		return nil
	}
	short := between(r, time.Millisecond, 300*time.Millisecond)
	uncertain := func(code string) error { return fault.New(fault.Uncertain, code) }
	limited := fault.New(fault.RateLimited, "slow down")
	limited.RetryAfter = between(r, time.Second, 30*time.Second)
	return pick(r, []*sendFault{
		{name: "late", effect: true, answer: between(r, 2*time.Second, 25*time.Second)},
		{name: "error after storing", effect: true, answer: short, err: uncertain("status 500")},
		{name: "error before storing", answer: short, err: uncertain("status 500")},
		{name: "reset after storing", effect: true, answer: short, err: uncertain("connection reset")},
		{name: "refused", answer: short, err: fault.New(fault.Transient, "status 503")},
		{name: "rate limited", answer: short, err: limited},
		{name: "deaf after storing", effect: true, never: true},
		{name: "deaf", never: true},
		pick(r, []*sendFault{{name: "not accepted", answer: short, err: fault.New(fault.Permanent, "status 422")}, {name: "refused", answer: short, err: fault.New(fault.Transient, "status 503")}}),
	})
}

// Do carries out one order. What is on the wire arrives, whatever becomes of the sender.
func (l *line) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	w, t := l.p.w, l.d.thread(o.Address)
	if t == nil {
		w.wrong("%s to %+v, where nobody lives", o.Kind, o.Address)
		return channel.Receipt{}, fault.New(fault.Invalid, "no such address")
	}
	r := w.dice("do " + t.String())
	f := l.fault(r)
	dies := w.faulty(r, w.shape.death)
	onWire, effect, back := between(r, 100*time.Microsecond, 20*time.Millisecond), between(r, time.Millisecond, 150*time.Millisecond), between(r, time.Millisecond, 100*time.Millisecond)
	if f != nil {
		w.count("helpdesk " + f.name)
		effect, back = between(r, time.Millisecond, 1500*time.Millisecond), f.answer
		w.trouble(onWire + effect + back)
		if f.never {
			back = 24 * time.Hour
			w.trouble(sendTimeout + time.Second)
		}
	}
	if err := l.p.pause(onWire); err != nil {
		return channel.Receipt{}, err
	}
	w.note("%s sends %s to %s: %q %v", l.p, o.Kind, t, clip(o.Text), f)
	if dies && chance(r, .3) && l.p.kill("before a send") {
		return channel.Receipt{}, l.p.hang()
	}
	t.sending(o)
	t.onWire(1)
	defer t.onWire(-1)
	stored := make(chan string, 1)
	if f == nil || f.effect {
		w.run(func() {
			if w.wait(effect) {
				stored <- t.store(o, r)
			}
		})
	}
	if dies && l.p.kill("with a send on the wire") {
		return channel.Receipt{}, l.p.hang()
	}
	answer := time.NewTimer(effect + back)
	defer answer.Stop()
	select {
	case <-answer.C:
	case <-ctx.Done():
		if l.p.gone() {
			return channel.Receipt{}, l.p.hang()
		}
		w.note("%s gives up waiting for %s", l.p, t)
		var known *fault.Error
		if errors.As(context.Cause(ctx), &known) {
			return channel.Receipt{}, known
		}
		return channel.Receipt{}, fault.Wrap(fault.Uncertain, "cancelled", ctx.Err())
	case <-w.ended:
		return channel.Receipt{}, errOver
	}
	if l.p.gone() {
		return channel.Receipt{}, l.p.hang()
	}
	if f != nil && f.err != nil {
		return channel.Receipt{}, f.err
	}
	return channel.Receipt{Key: <-stored, SelfID: l.self(), Status: 200}, nil
}

func (l *line) self() string {
	if l.d.kind == marked {
		return selfID
	}
	return ""
}

// Reconcile asks whether an order arrived.
func (l *line) Reconcile(ctx context.Context, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	w, t := l.p.w, l.d.thread(o.Address)
	if t == nil {
		return channel.CannotTell, channel.Receipt{}, fault.New(fault.Invalid, "no such address")
	}
	r := w.dice("ask " + t.String())
	if err := l.p.pause(between(r, time.Millisecond, 200*time.Millisecond)); err != nil {
		return channel.CannotTell, channel.Receipt{}, err
	}
	if w.faulty(r, w.shape.desk) && l.d.kind != blind {
		w.count("helpdesk does not tell")
		w.note("%s asks %s in vain", l.p, t)
		return channel.CannotTell, channel.Receipt{}, fault.New(fault.Transient, "status 503")
	}
	if l.d.kind == blind {
		w.note("%s cannot ask %s", l.p, t)
		return channel.CannotTell, channel.Receipt{}, nil
	}
	w.mu.Lock()
	verdict, receipt, told := channel.Absent, channel.Receipt{Status: 200, SelfID: l.self()}, "absent"
	for _, a := range t.arrived {
		if a.delivery == o.Delivery {
			verdict, receipt.Key, told = channel.Arrived, a.key, "arrived"
			break
		}
	}
	w.counts["reconciled: "+told]++
	w.mu.Unlock()
	w.note("%s asks %s about %s %q: %s", l.p, t, o.Kind, clip(o.Text), told)
	if err := l.p.pause(between(r, time.Millisecond, 50*time.Millisecond)); err != nil {
		return channel.CannotTell, channel.Receipt{}, err
	}
	if ctx.Err() != nil {
		return channel.CannotTell, channel.Receipt{}, fault.Wrap(fault.Transient, "cancelled", ctx.Err())
	}
	return verdict, receipt, nil
}

// thread is who lives at an address; nil: nobody.
func (d *desk) thread(a channel.Address) *thread {
	for _, t := range d.threads {
		if t.address() == a {
			return t
		}
	}
	return nil
}

// store is the instant at which the helpdesk has something of ours; its echo follows.
func (t *thread) store(o channel.Order, r *rand.Rand) string {
	w := t.desk.w
	w.mu.Lock()
	key := t.key()
	t.arrived = append(t.arrived, arrival{time.Now(), o.Delivery, o.Kind, o.Text, key})
	var ev channel.Event
	switch {
	case o.Kind == channel.Say && t.desk.kind == marked:
		ev = t.event(channel.Said)
		ev.Author, ev.AuthorID, ev.Delivery = conversation.Ours, selfID, o.Delivery
	case o.Kind == channel.Say:
		ev = t.event(channel.Said)
		ev.Author, ev.ByPhone = conversation.Person, true // nothing tells it from a reply typed on the phone
	case o.Kind == channel.Note:
		ev = t.event(channel.Ignored)
		ev.Reason, ev.Delivery = "private_note", o.Delivery
	case o.Kind == channel.OpenUp && t.status != conversation.Open:
		t.move(conversation.Open)
		ev = t.event(channel.Changed)
	}
	ev.Key, ev.Content = key, conversation.Content{Kind: conversation.Text, Text: o.Text}
	w.mu.Unlock()
	w.note("%s has %s %q", t, o.Kind, clip(o.Text))
	if ev.Kind == "" || t.desk.kind != marked && o.Kind != channel.Say {
		return key
	}
	if ev.Kind == channel.Said && w.faulty(r, w.shape.hooks) {
		w.count("echo lost")
		return key
	}
	t.report(r, ev, nil)
	if ev.Kind == channel.Changed {
		t.serve(r)
	}
	return key
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
