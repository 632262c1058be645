// Package takeback gives conversations back to the bot at the helpdesk.
//
// Some are given back by a person's word. Others a helpdesk has opened by itself, because a
// webhook could not be delivered: nobody has them, and the customer waits. Those are taken
// back some time later, and only where it is certain that no person has anything to do with
// them: the helpdesk shows them open and nobody's, nobody has looked at them since, and
// either it says itself that the bot's failure opened them, or the customer's newest message
// there is one that never reached us. What was missed is stored first. In doubt they are
// left to people.
package takeback

import (
	"context"
	"fmt"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/store"
)

const (
	// slack is how much earlier than the opening became known to us it may have happened.
	slack = time.Minute
	// delivered is how old a message has to be before its webhook counts as lost rather than late.
	delivered = 30 * time.Second
	// waiting is how long ago a customer may have written and still wait for an answer.
	waiting = 24 * time.Hour
)

// Helpdesk is what is needed of a channel.
type Helpdesk interface {
	Supports(channel.OrderKind) bool
	Do(context.Context, channel.Order) (channel.Receipt, error)
	Reconcile(context.Context, channel.Order) (channel.Verdict, channel.Receipt, error)
	// Survey shows a conversation that the helpdesk may have opened by itself, at the latest
	// at since.
	Survey(ctx context.Context, to channel.Address, since time.Time) (channel.Survey, error)
}

// Memory is what is needed of the store.
type Memory interface {
	Receive(context.Context, store.Arrival) ([]store.Result, error)
}

// Sender carries orders out like the channel that it stands in front of, and TakeBack
// besides. What it gives back to the bot the store learns at once; the helpdesk's own word
// of it may come late or never. It is safe for concurrent use.
type Sender struct {
	Helpdesk
	// Inbox, Channel, Quiet and Hold are those of the inbox's webhooks.
	Inbox   string
	Channel channel.Kind
	Quiet   conversation.Quiet
	Hold    time.Duration
	// Grace is how long after an opening the order to take it back is due.
	Grace  time.Duration
	Memory Memory
}

// Supports says what can be carried out: taking back wherever giving back can be.
func (s *Sender) Supports(kind channel.OrderKind) bool {
	if kind == channel.TakeBack {
		kind = channel.Pend
	}
	return s.Helpdesk.Supports(kind)
}

// Do carries out one order. A TakeBack that leaves the conversation to people has done what
// it was to do.
func (s *Sender) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	switch o.Kind {
	case channel.Pend:
		return s.pend(ctx, o)
	case channel.TakeBack:
		r, err := s.takeBack(ctx, o)
		if err != nil {
			return channel.Receipt{}, fmt.Errorf("take back: %w", err)
		}
		return r, nil
	}
	return s.Helpdesk.Do(ctx, o)
}

// Reconcile is the helpdesk's; to take something back once more does no harm.
func (s *Sender) Reconcile(ctx context.Context, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	if o.Kind == channel.TakeBack {
		return channel.Absent, channel.Receipt{}, nil
	}
	return s.Helpdesk.Reconcile(ctx, o)
}

func (s *Sender) pend(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	o.Kind = channel.Pend
	r, err := s.Helpdesk.Do(ctx, o)
	if err != nil {
		return channel.Receipt{}, err
	}
	shown := channel.Event{Kind: channel.Changed, Thread: o.Address.Thread, Address: o.Address,
		Snapshot: &conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.Nobody}}
	if _, err := s.receive(ctx, o, shown); err != nil {
		return channel.Receipt{}, err
	}
	return r, nil
}

func (s *Sender) takeBack(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	left := fault.New(fault.Conflict, "left to people")
	now := time.Now()
	known := now
	if !o.Since.IsZero() && o.Since.Before(known) {
		known = o.Since // an earlier try was as late as this one is due
	}
	seen, err := s.Survey(ctx, o.Address, known.Add(-s.Grace-slack))
	switch fault.KindOf(err) {
	case fault.Unauthorized, fault.NotFound, fault.Unsupported:
		return channel.Receipt{Status: fault.StatusOf(err)}, left // nobody may look, so nobody takes
	}
	if err != nil {
		return channel.Receipt{}, err
	}
	lost, err := s.missed(ctx, o, seen, now)
	switch {
	case err != nil:
		return channel.Receipt{}, err
	case !theirs(seen), seen.BySystem == channel.Absent, seen.BySystem == channel.CannotTell && !lost:
		return channel.Receipt{}, left
	}
	return s.pend(ctx, o)
}

// theirs says whether the conversation is nobody's but the helpdesk's.
func theirs(seen channel.Survey) bool {
	return seen.Snapshot.Status == conversation.Open && seen.Snapshot.Assignee != conversation.APerson && !seen.Person
}

// missed stores what we have missed, whoever is going to answer it, and says whether that
// was the customer's newest message, which is proof that its webhook was lost.
func (s *Sender) missed(ctx context.Context, o channel.Order, seen channel.Survey, now time.Time) (bool, error) {
	var said []channel.Event
	for _, e := range seen.Said {
		if now.Sub(e.At) < waiting {
			said = append(said, e)
		}
	}
	if len(said) == 0 {
		return false, nil
	}
	results, err := s.receive(ctx, o, said...)
	if err != nil || len(results) != len(said) {
		return false, err
	}
	last := len(said) - 1
	return results[last].Message != 0 && !results[last].Duplicate && now.Sub(said[last].At) >= delivered, nil
}

func (s *Sender) receive(ctx context.Context, o channel.Order, events ...channel.Event) ([]store.Result, error) {
	// What has been done at the helpdesk is stored even while the process is told to stop.
	results, err := s.Memory.Receive(context.WithoutCancel(ctx), store.Arrival{
		Inbox: s.Inbox, Channel: s.Channel, Events: events, Now: time.Now(), Correlation: string(o.Delivery), Quiet: s.Quiet, Hold: s.Hold,
		CanOpen: s.Helpdesk.Supports(channel.OpenUp),
	})
	if err != nil {
		return nil, fmt.Errorf("store what the helpdesk shows: %w", err)
	}
	return results, nil
}
