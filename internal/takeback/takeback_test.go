package takeback_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/store"
	"secretaria/internal/takeback"
)

// desk is a helpdesk that shows what it is told to.
type desk struct {
	survey channel.Survey
	err    error // of Survey
	pend   error // of Pend
	since  time.Time
	did    []channel.OrderKind
}

func (d *desk) Supports(k channel.OrderKind) bool { return k == channel.Say || k == channel.Pend }

func (d *desk) Do(_ context.Context, o channel.Order) (channel.Receipt, error) {
	d.did = append(d.did, o.Kind)
	return channel.Receipt{Status: 200}, d.pend
}

func (d *desk) Reconcile(context.Context, channel.Order) (channel.Verdict, channel.Receipt, error) {
	return channel.CannotTell, channel.Receipt{}, nil
}

func (d *desk) Survey(_ context.Context, _ channel.Address, since time.Time) (channel.Survey, error) {
	d.since = since
	return d.survey, d.err
}

// memory knows the messages whose keys it holds.
type memory struct {
	known map[string]bool
	err   error
	got   []channel.Event
}

func (m *memory) Receive(_ context.Context, a store.Arrival) ([]store.Result, error) {
	if m.err != nil {
		return nil, m.err
	}
	m.got = append(m.got, a.Events...)
	out := make([]store.Result, len(a.Events))
	for i, ev := range a.Events {
		if ev.Kind == channel.Received {
			out[i] = store.Result{Conversation: 1, Message: conversation.MessageID(i + 1), Duplicate: m.known[ev.Key]}
		}
	}
	return out, nil
}

func said(key string, ago time.Duration) channel.Event {
	return channel.Event{Kind: channel.Received, Thread: "1/128", Key: key, At: time.Now().Add(-ago)}
}

func open(change func(*channel.Survey)) channel.Survey {
	s := channel.Survey{Snapshot: conversation.Snapshot{Status: conversation.Open, Assignee: conversation.Nobody}}
	if change != nil {
		change(&s)
	}
	return s
}

var errDown = fault.New(fault.Transient, "down")

func TestTakeBack(t *testing.T) {
	t.Parallel()
	byItself := func(s *channel.Survey) { s.BySystem = channel.Arrived }
	for _, c := range []struct {
		name   string
		survey channel.Survey
		err    error
		known  []string
		want   bool // taken back
		stored []string
		fails  error
	}{
		{name: "the helpdesk says that it opened it", survey: open(byItself), want: true},
		{name: "and what was missed comes with it", want: true, stored: []string{"1", "2"},
			survey: open(func(s *channel.Survey) {
				byItself(s)
				s.Said = []channel.Event{said("1", time.Hour), said("2", time.Minute)}
			})},
		{name: "the newest message never reached us", want: true, stored: []string{"1"},
			survey: open(func(s *channel.Survey) { s.Said = []channel.Event{said("1", time.Minute)} })},
		{name: "it did reach us", stored: []string{"1"}, known: []string{"1"},
			survey: open(func(s *channel.Survey) { s.Said = []channel.Event{said("1", time.Minute)} })},
		{name: "it may be on its way", stored: []string{"1"}, survey: open(func(s *channel.Survey) { s.Said = []channel.Event{said("1", 5*time.Second)} })},
		{name: "it is too old to be answered", survey: open(func(s *channel.Survey) { s.Said = []channel.Event{said("1", 25*time.Hour)} })},
		{name: "an older one was missed, and the newest is on its way", stored: []string{"1", "2"},
			survey: open(func(s *channel.Survey) {
				s.Said = []channel.Event{said("1", time.Minute), said("2", 5*time.Second)}
			})},
		{name: "nothing tells why it is open", survey: open(nil)},
		{name: "something else opened it", stored: []string{"1"},
			survey: open(func(s *channel.Survey) {
				s.BySystem, s.Said = channel.Absent, []channel.Event{said("1", time.Minute)}
			})},
		{name: "a person has to do with it", survey: open(func(s *channel.Survey) { s.BySystem, s.Person = channel.Arrived, true })},
		{name: "a person was given it", survey: open(func(s *channel.Survey) {
			s.BySystem, s.Snapshot.Assignee = channel.Arrived, conversation.APerson
		})},
		{name: "it is pending by now", survey: open(func(s *channel.Survey) { s.BySystem, s.Snapshot.Status = channel.Arrived, conversation.Pending })},
		{name: "it is resolved by now", survey: open(func(s *channel.Survey) { s.BySystem, s.Snapshot.Status = channel.Arrived, conversation.Resolved })},
		{name: "nobody of ours may look", err: fault.New(fault.Unauthorized, "not_authorized_for_bots")},
		{name: "it is gone", err: fault.New(fault.NotFound, "conversation_not_found")},
		{name: "the helpdesk does not answer", err: errDown, fails: errDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, m := &desk{survey: c.survey, err: c.err}, &memory{known: map[string]bool{}}
			for _, key := range c.known {
				m.known[key] = true
			}
			s := &takeback.Sender{Helpdesk: d, Memory: m, Inbox: "vendas", Channel: channel.Chatwoot, Grace: 2 * time.Minute}
			_, err := s.Do(t.Context(), channel.Order{Kind: channel.TakeBack, Delivery: "d", Address: channel.Address{Thread: "1/128"}})
			left := !c.want && c.fails == nil
			if fault.Is(err, fault.Conflict) != left || !left && !errors.Is(err, c.fails) {
				t.Fatalf("Do = %v, want %v, and a conflict where it is left to people", err, c.fails)
			}
			if ago := time.Since(d.since); ago < 3*time.Minute || ago > 4*time.Minute {
				t.Errorf("Survey is asked about the last %v, want grace and a minute", ago)
			}
			if got := len(d.did) == 1 && d.did[0] == channel.Pend; got != c.want {
				t.Errorf("taken back = %v (%v), want %v", got, d.did, c.want)
			}
			var stored []string
			for _, ev := range m.got {
				if ev.Kind == channel.Received {
					stored = append(stored, ev.Key)
				}
			}
			if diff := cmp.Diff(c.stored, stored, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("stored messages (-want +got):\n%s", diff)
			}
			if shown := len(m.got) > 0 && m.got[len(m.got)-1].Kind == channel.Changed; shown != c.want {
				t.Errorf("the store is told that the bot has it = %v, want %v", shown, c.want)
			}
		})
	}
}

// What is set to pending at the helpdesk is the bot's in the store at once.
func TestPend(t *testing.T) {
	t.Parallel()
	d, m := &desk{}, &memory{}
	s := &takeback.Sender{Helpdesk: d, Memory: m, Inbox: "vendas", Channel: channel.Chatwoot}
	o := channel.Order{Kind: channel.Pend, Delivery: "d", Address: channel.Address{Thread: "1/128"}}
	if _, err := s.Do(t.Context(), o); err != nil {
		t.Fatalf("Do = %v", err)
	}
	want := channel.Event{Kind: channel.Changed, Thread: "1/128", Address: o.Address, Snapshot: &conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.Nobody}}
	if diff := cmp.Diff([]channel.Event{want}, m.got); diff != "" {
		t.Errorf("stored events (-want +got):\n%s", diff)
	}
	m.err = errDown
	if _, err := s.Do(t.Context(), o); !errors.Is(err, errDown) {
		t.Errorf("Do while the store is away = %v, want its error, for another try", err)
	}
	d.pend, m.got, m.err = errDown, nil, nil
	if _, err := s.Do(t.Context(), o); !errors.Is(err, errDown) || len(m.got) > 0 {
		t.Errorf("Do while the helpdesk is away = %v with %d events, want its error and none", err, len(m.got))
	}
}

func TestTheRestIsTheHelpdesks(t *testing.T) {
	t.Parallel()
	d := &desk{}
	s := &takeback.Sender{Helpdesk: d, Memory: &memory{}}
	for kind, want := range map[channel.OrderKind]bool{channel.Say: true, channel.Pend: true, channel.TakeBack: true, channel.Note: false} {
		if got := s.Supports(kind); got != want {
			t.Errorf("Supports(%q) = %v, want %v", kind, got, want)
		}
	}
	if _, err := s.Do(t.Context(), channel.Order{Kind: channel.Say}); err != nil || len(d.did) != 1 {
		t.Errorf("Do(say) = %v after %v, want it done", err, d.did)
	}
	if v, _, err := s.Reconcile(t.Context(), channel.Order{Kind: channel.TakeBack}); v != channel.Absent || err != nil {
		t.Errorf("Reconcile(take_back) = %v, %v, want Absent: to try again does no harm", v, err)
	}
	if v, _, _ := s.Reconcile(t.Context(), channel.Order{Kind: channel.Say}); v != channel.CannotTell {
		t.Errorf("Reconcile(say) = %v, want the helpdesk's own word", v)
	}
}
