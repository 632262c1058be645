package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

const (
	inbox = "vendas"
	maria = "+5511987654321"
	lid   = "123456789012345"
	lease = 10 * time.Second
)

// kit is a store with a clock that tests move, and words for what they do with it.
type kit struct {
	*testing.T
	ctx  context.Context
	s    store.Store
	jobs *Jobs
	now  time.Time
	keys int

	shared bool
}

func newKit(t *testing.T, s store.Store, jobs *Jobs) *kit {
	return &kit{T: t, ctx: t.Context(), s: s, jobs: jobs, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
}

func (k *kit) wait(d time.Duration) { k.now = k.now.Add(d) }

func (k *kit) key() string {
	k.keys++
	return "K" + strconv.Itoa(k.keys)
}

// customer is an event: Maria says something.
func (k *kit) customer(text string) channel.Event {
	return channel.Event{
		Kind: channel.Received, Key: k.key(), Chat: "5511987654321@s.whatsapp.net", Content: conversation.Content{Kind: conversation.Text, Text: text},
		Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: maria}}, Name: "Maria"},
		Address: channel.Address{To: "5511987654321", Thread: "357"},
	}
}

// event is an event of another kind in Maria's conversation.
func (k *kit) event(kind channel.EventKind) channel.Event {
	ev := k.customer("")
	ev.Kind, ev.Key, ev.Content, ev.Address = kind, "", conversation.Content{}, channel.Address{}
	return ev
}

// shown is an event that shows the conversation's state.
func (k *kit) shown(status conversation.Status, at time.Time) channel.Event {
	ev := k.event(channel.Changed)
	ev.Snapshot = &conversation.Snapshot{Status: status, At: at}
	return ev
}

// person is an event: somebody at the helpdesk writes to Maria.
func (k *kit) person(text string) channel.Event {
	ev := k.event(channel.Said)
	ev.Key, ev.Author, ev.Content = k.key(), conversation.Person, conversation.Content{Kind: conversation.Text, Text: text}
	return ev
}

// phone is an event: something comes from the business's own phone.
func (k *kit) phone(text string) channel.Event {
	ev := k.person(text)
	ev.ByPhone = true
	return ev
}

// echo is an event: the helpdesk shows a message of ours that carries our mark.
func (k *kit) echo(d conversation.DeliveryID, text string) channel.Event {
	ev := k.person(text)
	ev.Author, ev.AuthorID, ev.Delivery = conversation.Ours, "9", d
	return ev
}

func (k *kit) arrival(events ...channel.Event) store.Arrival {
	return store.Arrival{
		Inbox: inbox, Channel: channel.Whaticket, Events: events, Now: k.now, Correlation: "c-" + strconv.Itoa(k.keys),
		Quiet: conversation.Quiet{Window: 4 * time.Second, Max: 20 * time.Second}, DedupeWindow: 5 * time.Minute, CanOpen: true,
	}
}

// arrive stores a webhook's events.
func (k *kit) arrive(a store.Arrival) []store.Result {
	k.Helper()
	out, err := k.s.Receive(k.ctx, a)
	if err != nil {
		k.Fatalf("Receive: %v", err)
	}
	if len(out) != len(a.Events) {
		k.Fatalf("Receive gave %d results for %d events", len(out), len(a.Events))
	}
	return out
}

// receive stores one event.
func (k *kit) receive(ev channel.Event) store.Result {
	k.Helper()
	return k.arrive(k.arrival(ev))[0]
}

// writes stores that Maria wrote to the bot, which has to answer.
func (k *kit) writes(text string) store.Result {
	k.Helper()
	r := k.receive(k.customer(text))
	if !r.Pending || r.Duplicate {
		k.Fatalf("Receive(%q) = %+v, want it pending", text, r)
	}
	return r
}

// dispatch claims what is due now.
func (k *kit) dispatch(lane job.Lane) (claimed int, next time.Time) {
	k.Helper()
	claimed, next, err := k.s.Dispatch(k.ctx, lane, k.now, 100, lease)
	if err != nil {
		k.Fatalf("Dispatch(%s): %v", lane, err)
	}
	return claimed, next
}

// claim moves the clock until the dispatcher claims the conversation's lane.
func (k *kit) claim(lane job.Lane, id conversation.ID) int64 {
	k.Helper()
	was := k.jobs.fence(lane, id)
	for range 5 {
		_, next := k.dispatch(lane)
		if f := k.jobs.fence(lane, id); f > was {
			return f
		}
		if next.IsZero() {
			break
		}
		k.now = next
	}
	k.Fatalf("%s lane of conversation %d is not claimed by %v", lane, id, k.now)
	return 0
}

// begin claims the turn when it is due, and loads it.
func (k *kit) begin(id conversation.ID) store.Turn {
	k.Helper()
	fence := k.claim(job.Turns, id)
	t, err := k.s.BeginTurn(k.ctx, job.Turn{Conversation: id, Fence: fence}, k.now, lease, 20)
	if err != nil {
		k.Fatalf("BeginTurn: %v", err)
	}
	return t
}

// say, note and do make orders.
func (k *kit) say(text string) channel.Order { return k.order(channel.Say, text) }

func (k *kit) order(kind channel.OrderKind, text string) channel.Order {
	return channel.Order{Delivery: conversation.DeliveryID(uuid.NewString()), Kind: kind, Text: text}
}

// decision is one that answers all that is pending.
func (k *kit) decision(t store.Turn, orders ...channel.Order) store.Decision {
	var through conversation.MessageID
	if n := len(t.Pending); n > 0 {
		through = t.Pending[n-1].ID
	}
	return store.Decision{
		Conversation: t.Conversation.ID, Fence: t.Fence, Epoch: t.Conversation.State.Epoch, Revision: t.Conversation.Revision,
		Through: through, Orders: orders, Now: k.now, Lease: lease,
		Record: store.Record{Outcome: "replied", StartedAt: k.now, Correlation: t.Conversation.Correlation},
	}
}

func (k *kit) decide(d store.Decision) {
	k.Helper()
	if err := k.s.Decide(k.ctx, d); err != nil {
		k.Fatalf("Decide: %v", err)
	}
}

// answer lets Maria write and the bot decide to do the orders.
func (k *kit) answer(orders ...channel.Order) conversation.ID {
	k.Helper()
	id := k.writes("pergunta " + k.key()).Conversation
	k.decide(k.decision(k.begin(id), orders...))
	return id
}

// handoff lets Maria write and the bot hand over with the orders.
func (k *kit) handoff(orders ...channel.Order) conversation.ID {
	k.Helper()
	id := k.writes("quero falar com alguém").Conversation
	d := k.decision(k.begin(id), orders...)
	d.HandOver = conversation.ByHandoff
	k.decide(d)
	return id
}

func (k *kit) deliver(id conversation.ID) job.Deliver {
	return job.Deliver{Conversation: id, Fence: k.jobs.fence(job.Deliveries, id)}
}

// next takes the next delivery in the lane that was claimed last.
func (k *kit) next(id conversation.ID) store.Delivery {
	k.Helper()
	d, err := k.s.NextDelivery(k.ctx, k.deliver(id), k.now, lease)
	if err != nil {
		k.Fatalf("NextDelivery: %v", err)
	}
	return d
}

// idle checks that there is nothing to deliver now.
func (k *kit) idle(id conversation.ID) {
	k.Helper()
	if d, err := k.s.NextDelivery(k.ctx, k.deliver(id), k.now, lease); !errors.Is(err, store.ErrNotFound) {
		k.Fatalf("NextDelivery = %q (%s), %v, want ErrNotFound", d.Order.Text, d.Order.Kind, err)
	}
}

// attempt is how an attempt ended.
func (k *kit) attempt(d store.Delivery, outcome store.AttemptOutcome) store.Attempt {
	return store.Attempt{Delivery: d.ID, Conversation: d.Conversation, Fence: k.jobs.fence(job.Deliveries, d.Conversation), Number: d.Attempts,
		Outcome: outcome, StartedAt: k.now, Now: k.now}
}

func (k *kit) finish(a store.Attempt) {
	k.Helper()
	if err := k.s.FinishAttempt(k.ctx, a); err != nil {
		k.Fatalf("FinishAttempt(%s): %v", a.Outcome, err)
	}
}

// later ends an attempt that is to be tried or asked about again after a pause.
func (k *kit) later(d store.Delivery, outcome store.AttemptOutcome, pause time.Duration) {
	k.Helper()
	a := k.attempt(d, outcome)
	a.Cause, a.HTTPStatus, a.NextAt = "timeout", 502, k.now.Add(pause)
	k.finish(a)
}

// sends takes the next delivery, which must be the one with the text, and sends it.
func (k *kit) sends(id conversation.ID, text string) store.Delivery {
	k.Helper()
	d := k.next(id)
	if d.Order.Text != text || d.Uncertain {
		k.Fatalf("NextDelivery = %q (uncertain: %v), want %q to be sent", d.Order.Text, d.Uncertain, text)
	}
	k.finish(k.attempt(d, store.AttemptSent))
	return d
}

// dies takes the next delivery and lets it fail for good.
func (k *kit) dies(id conversation.ID, orders ...channel.Order) store.Delivery {
	k.Helper()
	d := k.next(id)
	a := k.attempt(d, store.AttemptFailed)
	a.Cause, a.HTTPStatus, a.HandOver, a.Orders = "no such number", 404, conversation.ByFailure, orders
	k.finish(a)
	return d
}

// delivery reads one delivery.
func (k *kit) delivery(id conversation.DeliveryID) store.Delivery {
	k.Helper()
	ds, err := k.s.Deliveries(k.ctx, store.Filter{ID: id})
	if err != nil || len(ds) != 1 {
		k.Fatalf("Deliveries(id %s) = %d of them, %v, want one", id, len(ds), err)
	}
	return ds[0]
}

// statuses checks the deliveries of a conversation, oldest first: "text STATUS", or the
// kind for an order without a text.
func (k *kit) statuses(id conversation.ID, want ...string) {
	k.Helper()
	ds, err := k.s.Deliveries(k.ctx, store.Filter{Conversation: id})
	if err != nil {
		k.Fatalf("Deliveries: %v", err)
	}
	slices.Reverse(ds)
	var got []string
	for _, d := range ds {
		what := d.Order.Text
		if what == "" {
			what = string(d.Order.Kind)
		}
		got = append(got, fmt.Sprintf("%s %s", what, d.Status))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		k.Fatalf("deliveries (-want +got):\n%s", diff)
	}
}

// conversation reads a conversation.
func (k *kit) conversation(id conversation.ID) store.Conversation {
	k.Helper()
	c, err := k.s.Conversation(k.ctx, id)
	if err != nil {
		k.Fatalf("Conversation(%d): %v", id, err)
	}
	return c
}

// holds checks who holds a conversation, and why.
func (k *kit) holds(id conversation.ID, holder conversation.Holder, reason conversation.Reason) {
	k.Helper()
	if s := k.conversation(id).State; s.Holder != holder || s.Reason != reason {
		k.Fatalf("conversation is held by %s for %q, want %s for %q", s.Holder, s.Reason, holder, reason)
	}
}

// transcript checks what was said, oldest first: "author: text".
func (k *kit) transcript(id conversation.ID, want ...string) []conversation.Message {
	k.Helper()
	ms, err := k.s.Transcript(k.ctx, id, 100)
	if err != nil {
		k.Fatalf("Transcript: %v", err)
	}
	if diff := cmp.Diff(want, lines(ms)); diff != "" {
		k.Fatalf("transcript (-want +got):\n%s", diff)
	}
	return ms
}

func lines(ms []conversation.Message) []string {
	var out []string
	for _, m := range ms {
		out = append(out, string(m.Author)+": "+m.Content.Text)
	}
	return out
}

// nothingDue checks that no turn is due now nor later.
func (k *kit) nothingDue() {
	k.Helper()
	if n, next := k.dispatch(job.Turns); n != 0 || !next.IsZero() {
		k.Fatalf("Dispatch(turn) = %d, next %v, want nothing due", n, next)
	}
}

// dueAt checks when the next turn is due.
func (k *kit) dueAt(want time.Time) {
	k.Helper()
	if n, next := k.dispatch(job.Turns); n != 0 || !next.Equal(want) {
		k.Fatalf("Dispatch(turn) = %d, next %v, want 0 and next %v", n, next, want)
	}
}

// refused checks an error against one of the store's own.
func (k *kit) refused(err, want error) {
	k.Helper()
	if !errors.Is(err, want) {
		k.Fatalf("got error %v, want %v", err, want)
	}
}

// refusedAs checks the kind of an error.
func (k *kit) refusedAs(err error, kind fault.Kind) {
	k.Helper()
	if !fault.Is(err, kind) {
		k.Fatalf("got error %v, want one of kind %v", err, kind)
	}
}
