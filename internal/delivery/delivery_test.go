package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/fault"
	"secretaria/internal/store"
)

// fails gives an error for each try in turn, the last one again and again; nil: it is sent.
func fails(errs ...error) func(context.Context, channel.Order, int) (channel.Receipt, error) {
	return func(_ context.Context, _ channel.Order, try int) (channel.Receipt, error) {
		if err := errs[min(try, len(errs))-1]; err != nil {
			return channel.Receipt{}, err
		}
		return channel.Receipt{Key: "W1", Status: 200}, nil
	}
}

// tells gives a verdict or an error for each question in turn, the last one again and again.
func tells(answers ...any) func(context.Context, int) (channel.Verdict, channel.Receipt, error) {
	return func(_ context.Context, try int) (channel.Verdict, channel.Receipt, error) {
		switch a := answers[min(try, len(answers))-1].(type) {
		case error:
			return channel.CannotTell, channel.Receipt{}, a
		case channel.Verdict:
			return a, channel.Receipt{Key: "W1", Status: 200}, nil
		default:
			panic(fmt.Sprintf("answer %T", a))
		}
	}
}

var (
	down     = &fault.Error{Kind: fault.Transient, Code: "status 503", Status: 503}
	cut      = fault.New(fault.Uncertain, "connection lost")
	slowDown = func(after time.Duration) error {
		return &fault.Error{Kind: fault.RateLimited, Code: "slow down", Status: 429, RetryAfter: after}
	}
)

// Everything that a send can end in, with the times at which it is tried and asked about.
// What died uncertain stays so: whoever replays it asks first.
func TestTries(t *testing.T) {
	t.Parallel()
	gaveUp := []string{"note SENT 1 (200)", "open SENT 1 (200)"}
	for name, c := range map[string]struct {
		do        func(context.Context, channel.Order, int) (channel.Receipt, error)
		reconcile func(context.Context, int) (channel.Verdict, channel.Receipt, error)
		heard     []string
		row       string
	}{
		"sent at once": {do: fails(nil), heard: []string{"say 0s"}, row: "say SENT 1 key W1 (200)"},
		"six tries": {do: fails(down), heard: []string{"say 0s", "say 5s", "say 20s", "say 1m5s", "say 2m35s", "say 4m5s", "note 4m5s", "open 4m5s"},
			row: "say FAILED_PERMANENT 6: status 503 (503)"},
		"the last try is a try": {do: fails(down, down, down, down, down, nil), heard: []string{"say 0s", "say 5s", "say 20s", "say 1m5s", "say 2m35s", "say 4m5s"},
			row: "say SENT 6 key W1 (200)"},
		"an unclassified error is tried again": {do: fails(errors.New("x"), nil), heard: []string{"say 0s", "say 5s"}, row: "say SENT 2 key W1 (200)"},
		"told to come back later":              {do: fails(slowDown(time.Minute), slowDown(time.Minute), nil), heard: []string{"say 0s", "say 1m0s", "say 2m0s"}, row: "say SENT 3 key W1 (200)"},
		"told to come back sooner":             {do: fails(slowDown(time.Second), slowDown(0), nil), heard: []string{"say 0s", "say 5s", "say 20s"}, row: "say SENT 3 key W1 (200)"},

		"uncertain and arrived": {do: fails(cut), reconcile: tells(channel.Arrived), heard: []string{"say 0s", "ask 5s"}, row: "say SENT 1 key W1 (200)"},
		"uncertain and absent": {do: fails(cut, nil), reconcile: tells(channel.Absent), heard: []string{"say 0s", "ask 5s", "say 5s"},
			row: "say SENT 2 key W1 (200)"},
		"uncertain and absent, always": {do: fails(cut), reconcile: tells(channel.Absent),
			heard: []string{"say 0s", "ask 5s", "say 5s", "ask 20s", "say 20s", "ask 1m5s", "say 1m5s", "ask 2m35s", "say 2m35s", "ask 4m5s", "say 4m5s", "ask 5m35s", "note 5m35s", "open 5m35s"},
			row:   "say FAILED_PERMANENT 6 uncertain: connection lost"},
		"the last try was uncertain and arrived": {do: fails(down, down, down, down, down, cut), reconcile: tells(channel.Arrived),
			heard: []string{"say 0s", "say 5s", "say 20s", "say 1m5s", "say 2m35s", "say 4m5s", "ask 5m35s"}, row: "say SENT 6 key W1 (200)"},
		"the last try was uncertain, and nobody can tell": {do: fails(down, down, down, down, down, cut), reconcile: tells(channel.CannotTell),
			heard: []string{"say 0s", "say 5s", "say 20s", "say 1m5s", "say 2m35s", "say 4m5s", "ask 5m35s", "note 5m35s", "open 5m35s"}, row: "say FAILED_PERMANENT 6 uncertain: connection lost"},
		"repeated once, blindly": {do: fails(cut, nil), reconcile: tells(channel.CannotTell), heard: []string{"say 0s", "ask 5s", "say 5s"}, row: "say SENT 2 key W1 (200)"},
		"never twice, blindly": {do: fails(cut), reconcile: tells(channel.CannotTell), heard: []string{"say 0s", "ask 5s", "say 5s", "ask 20s", "note 20s", "open 20s"},
			row: "say FAILED_PERMANENT 2 uncertain: outcome unknown"},
		"asking fails for a while": {do: fails(cut), reconcile: tells(down, slowDown(time.Minute), channel.Arrived), heard: []string{"say 0s", "ask 5s", "ask 10s", "ask 1m10s"},
			row: "say SENT 1 key W1 (200)"},
		"asking fails for good": {do: fails(down, down, down, down, cut), reconcile: tells(down),
			heard: []string{"say 0s", "say 5s", "say 20s", "say 1m5s", "say 2m35s", "ask 4m5s", "ask 5m35s", "ask 7m5s", "ask 8m35s", "ask 10m5s", "ask 11m35s", "ask 13m5s", "ask 14m35s", "ask 16m5s", "note 16m5s", "open 16m5s"},
			row:   "say FAILED_PERMANENT 5 uncertain: outcome unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{do: c.do, reconcile: c.reconcile}
				k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
				k.settle()
				if diff := cmp.Diff(c.heard, s.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
				want, holder := []string{c.row}, "bot "
				if strings.Contains(c.row, string(store.FailedPermanent)) {
					want, holder = append(want, gaveUp...), "human failure"
				}
				if diff := cmp.Diff(want, k.rows()); diff != "" {
					t.Errorf("deliveries differ (-want +got):\n%s", diff)
				}
				if got := k.holder(); got != holder {
					t.Errorf("held by %q, want %q", got, holder)
				}
				if strings.Contains(k.log.String(), `"level":"ERROR"`) != (holder != "bot ") {
					t.Errorf("log = %s, want an error only for a delivery that failed for good", k.log.String())
				}
			})
		})
	}
}

func TestPermanentAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{fault.Permanent, fault.Unauthorized, fault.Invalid, fault.NotFound, fault.Conflict, fault.Unsupported} {
		synctest.Test(t, func(t *testing.T) {
			s := &sender{do: fails(&fault.Error{Kind: kind, Code: "no", Status: 404})}
			k := newKit(t, delivery.Inbox{Sender: s, Hold: time.Hour}, say("say"), say("more"), channel.Order{Kind: channel.Note, Text: "nota"})
			k.settle()
			want := []string{"say FAILED_PERMANENT 1: no (404)", "say CANCELLED 0: an earlier message failed", "note SENT 1 (200)", "note SENT 1 (200)", "open SENT 1 (200)"}
			if diff := cmp.Diff(want, k.rows()); diff != "" {
				t.Errorf("deliveries after %s differ (-want +got):\n%s", kind, diff)
			}
			if diff := cmp.Diff([]string{"say 0s", "note 0s", "note 0s", "open 0s"}, s.heard); diff != "" {
				t.Errorf("what was tried after %s differs (-want +got):\n%s", kind, diff)
			}
			c, err := k.m.Conversation(t.Context(), k.conv)
			if err != nil || !c.State.HeldUntil.Equal(time.Now().Add(time.Hour)) {
				t.Errorf("held until %v, %v, want an hour from %v", c.State.HeldUntil, err, time.Now())
			}
		})
	}
}

// What people are told when the customer could not be told.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lacks map[channel.OrderKind]bool
		heard []string
	}{
		"all":     {nil, []string{"say 0s", "note 0s", "open 0s"}},
		"no note": {map[channel.OrderKind]bool{channel.Note: true}, []string{"say 0s", "open 0s"}},
		"nothing": {map[channel.OrderKind]bool{channel.Note: true, channel.OpenUp: true}, []string{"say 0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{do: fails(fault.New(fault.Permanent, "number unknown")), lacks: c.lacks}
				k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
				k.settle()
				if diff := cmp.Diff(c.heard, s.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
				if got := k.holder(); got != "human failure" {
					t.Errorf("held by %q, want people", got)
				}
				ds, err := k.m.Deliveries(t.Context(), store.Filter{})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range ds {
					if d.Order.Kind == channel.Note && !strings.Contains(d.Order.Text, "(number unknown)") {
						t.Errorf("note %q, want the cause in it", d.Order.Text)
					}
				}
			})
		})
	}
}

// Only what the customer should have read is worth a person: a label that cannot be set is not.
func TestFailedNoteIsNoHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := fault.New(fault.Permanent, "no")
		k := newKit(t, delivery.Inbox{Sender: refuses{&sender{}, no}}, channel.Order{Kind: channel.Labels, Labels: []string{"vip"}}, say("say"))
		k.settle()
		if diff := cmp.Diff([]string{"labels FAILED_PERMANENT 1: no", "say SENT 1 (200)"}, k.rows()); diff != "" {
			t.Errorf("deliveries differ (-want +got):\n%s", diff)
		}
		if got := k.holder(); got != "bot " {
			t.Errorf("held by %q, want the bot", got)
		}
	})
}

// refuses carries out nothing but what is said.
type refuses struct {
	*sender
	err error
}

func (r refuses) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	if o.Kind != channel.Say {
		return channel.Receipt{}, r.err
	}
	return r.sender.Do(ctx, o)
}

func TestNotCarriedOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inbox delivery.Inbox
		want  []string
	}{
		"dry":         {delivery.Inbox{Sender: &sender{}, Dry: true}, []string{"say CANCELLED 1: dry run", "note CANCELLED 1: dry run"}},
		"unsupported": {delivery.Inbox{Sender: &sender{lacks: map[channel.OrderKind]bool{channel.Note: true}}}, []string{"say SENT 1 (200)", "note CANCELLED 1: not supported by this inbox"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKit(t, c.inbox, say("say"), channel.Order{Kind: channel.Note, Text: "nota"})
				k.settle()
				if diff := cmp.Diff(c.want, k.rows()); diff != "" {
					t.Errorf("deliveries differ (-want +got):\n%s", diff)
				}
				if heard := c.inbox.Sender.(*sender).heard; slices.Contains(heard, "note 0s") || c.inbox.Dry && len(heard) > 0 {
					t.Errorf("%v was tried", heard)
				}
				if got := k.holder(); got != "bot " {
					t.Errorf("held by %q, want the bot", got)
				}
			})
		})
	}
}

func TestMissingInboxParks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		k.w = delivery.New(delivery.Config{Memory: k.m, Lease: lease, Observe: func(d delivery.Done) { k.done = append(k.done, d) }})
		k.until(time.Hour - time.Second)
		if diff := cmp.Diff([]string{"say FAILED_TEMPORARY 1: inbox not configured"}, k.rows()); diff != "" {
			t.Errorf("deliveries differ (-want +got):\n%s", diff)
		}
		k.w = delivery.New(delivery.Config{Memory: k.m, Inboxes: map[string]delivery.Inbox{"vendas": {Sender: s}}, Lease: lease})
		began := time.Now()
		k.settle()
		if diff := cmp.Diff([]string{"say SENT 2 (200)"}, k.rows()); diff != "" {
			t.Errorf("deliveries of the inbox that came back differ (-want +got):\n%s", diff)
		}
		if got := time.Since(began); got != time.Hour {
			t.Errorf("sent after %v, want an hour", got)
		}
	})
}

// Each goes out after the one before it was acknowledged.
func TestInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{do: func(_ context.Context, o channel.Order, try int) (channel.Receipt, error) {
			if o.Text == "2" && try < 3 {
				return channel.Receipt{}, down
			}
			return channel.Receipt{Status: 200}, nil
		}}
		k := newKit(t, delivery.Inbox{Sender: s}, say("1"), say("2"), say("3"), channel.Order{Kind: channel.OpenUp})
		k.settle()
		if diff := cmp.Diff([]string{"1 0s", "2 0s", "2 5s", "2 20s", "3 20s", "open 20s"}, s.heard); diff != "" {
			t.Errorf("what was tried differs (-want +got):\n%s", diff)
		}
	})
}

// A person who takes over between two tries is not talked over.
func TestTakenOverBetweenTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{do: fails(down)}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		k.until(4 * time.Second)
		_, err := k.m.Receive(t.Context(), store.Arrival{Inbox: "vendas", Channel: channel.Whaticket, Now: time.Now(), Events: []channel.Event{{Kind: channel.Said, Key: "K2", Chat: "5511987654321",
			Author: conversation.Person, Content: conversation.Content{Kind: conversation.Text, Text: "eu atendo"}, Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+5511987654321"}}}}}})
		if err != nil {
			t.Fatalf("Receive: %v", err)
		}
		k.settle()
		if diff := cmp.Diff([]string{"say 0s"}, s.heard); diff != "" {
			t.Errorf("what was tried differs (-want +got):\n%s", diff)
		}
	})
}

func TestLeaseIsKeptWhileSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{do: func(context.Context, channel.Order, int) (channel.Receipt, error) {
			time.Sleep(10 * time.Second)
			return channel.Receipt{}, cut
		}, reconcile: func(context.Context, int) (channel.Verdict, channel.Receipt, error) {
			time.Sleep(4 * time.Second)
			return channel.Arrived, channel.Receipt{}, nil
		}}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		k.settle()
		time.Sleep(time.Minute) // and no longer than that
		want := []string{"delivery at 3s until 12s", "delivery at 6s until 15s", "delivery at 9s until 18s", "delivery at 18s until 27s"}
		if diff := cmp.Diff(want, k.m.renewed); diff != "" {
			t.Errorf("renewals differ (-want +got):\n%s", diff)
		}
		if len(k.done) != 2 || k.done[0].Duration != 10*time.Second || k.done[1].Duration != 4*time.Second || k.done[1].SinceAccept != 19*time.Second || !k.done[1].Reconciled {
			t.Errorf("told %+v, want a try of 10s and a question of 4s, 19s after the message", k.done)
		}
	})
}

func TestNothingIsSentAfterTheLease(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late time.Duration
		want []string
	}{
		"in time":  {late: lease - time.Millisecond, want: []string{"say 8.999s"}},
		"too late": {late: lease, want: []string{"ask 11s", "say 11s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{start: time.Now(), reconcile: func(context.Context, int) (channel.Verdict, channel.Receipt, error) {
					return channel.Absent, channel.Receipt{}, nil
				}}
				k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
				k.m.nextLate = c.late
				k.settle()
				if diff := cmp.Diff(c.want, s.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestSendIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{do: func(ctx context.Context, _ channel.Order, _ int) (channel.Receipt, error) {
			<-ctx.Done()
			return channel.Receipt{}, context.Cause(ctx)
		}, reconcile: tells(channel.Arrived)}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		k.settle()
		// Nobody knows whether a send that took too long arrived.
		if diff := cmp.Diff([]string{"say 0s", "ask 35s"}, s.heard); diff != "" {
			t.Errorf("what was tried differs (-want +got):\n%s", diff)
		}
	})
}

// Told to stop, an attempt is written down all the same, and the next process goes on soon.
func TestStop(t *testing.T) {
	t.Parallel()
	hang := func(err error) func(context.Context, channel.Order, int) (channel.Receipt, error) {
		return func(ctx context.Context, _ channel.Order, try int) (channel.Receipt, error) {
			if try > 1 {
				return channel.Receipt{Status: 200}, nil
			}
			<-ctx.Done()
			return channel.Receipt{}, err
		}
	}
	for name, c := range map[string]struct {
		do    func(context.Context, channel.Order, int) (channel.Receipt, error)
		then  string
		heard []string
	}{
		"uncertain":    {hang(cut), "say FAILED_TEMPORARY 1 uncertain: connection lost", []string{"say 0s", "ask 2s", "say 2s"}},
		"not sent":     {hang(down), "say FAILED_TEMPORARY 1: status 503 (503)", []string{"say 0s", "say 0s"}},
		"sent in time": {hang(nil), "say SENT 1", []string{"say 0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{do: c.do}
				k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- k.run(ctx) }()
				synctest.Wait()
				stop()
				if err := <-ended; err != nil {
					t.Errorf("Run = %v, want none", err)
				}
				if diff := cmp.Diff([]string{c.then}, k.rows()); diff != "" {
					t.Errorf("deliveries differ (-want +got):\n%s", diff)
				}
				if err := k.m.Recover(t.Context(), time.Now()); err != nil {
					t.Fatalf("Recover: %v", err)
				}
				k.settle()
				if diff := cmp.Diff(c.heard, s.heard); diff != "" {
					t.Errorf("what was tried differs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A question that our own stop cut off says nothing about the helpdesk, however long it has
// been asked: the delivery is not given up for it.
func TestStopWhileAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{do: fails(cut), reconcile: func(ctx context.Context, try int) (channel.Verdict, channel.Receipt, error) {
			switch try {
			case 1:
				return channel.CannotTell, channel.Receipt{}, slowDown(20 * time.Minute)
			case 2:
				<-ctx.Done()
				return channel.CannotTell, channel.Receipt{}, fault.Wrap(fault.Transient, "cancelled", ctx.Err())
			}
			return channel.Arrived, channel.Receipt{}, nil
		}}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		k.until(time.Minute)
		time.Sleep(20 * time.Minute)
		if n, _, err := k.m.Dispatch(t.Context(), "delivery", time.Now(), 1, lease); n != 1 || err != nil {
			t.Fatalf("Dispatch = %d, %v, want the lane", n, err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.run(ctx) }()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want none", err)
		}
		if diff := cmp.Diff([]string{"say FAILED_TEMPORARY 1 uncertain: slow down"}, k.rows()); diff != "" {
			t.Errorf("deliveries differ (-want +got):\n%s", diff)
		}
		if err := k.m.Recover(t.Context(), time.Now()); err != nil {
			t.Fatalf("Recover: %v", err)
		}
		k.settle()
		if diff := cmp.Diff([]string{"say SENT 1"}, k.rows()); diff != "" {
			t.Errorf("deliveries in the end differ (-want +got):\n%s", diff)
		}
	})
}

// A send that panics may have arrived: it is asked about once the lease has run out.
func TestPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{do: func(context.Context, channel.Order, int) (channel.Receipt, error) { panic("broken") }, reconcile: tells(channel.Arrived)}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Run did not panic")
				}
			}()
			_ = k.run(t.Context())
		}()
		time.Sleep(lease) // the dispatcher looks again by itself
		k.settle()
		if diff := cmp.Diff([]string{"say 0s", "ask 11s"}, s.heard); diff != "" {
			t.Errorf("what was tried differs (-want +got):\n%s", diff)
		}
		if len(k.m.renewed) > 0 {
			t.Errorf("the lease was renewed after the panic: %v", k.m.renewed)
		}
	})
}

func TestStoreErrors(t *testing.T) {
	t.Parallel()
	locked := fault.New(fault.Transient, "database is locked")
	for name, c := range map[string]struct{ next, finish, want error }{
		"lane lost":          {next: store.ErrLost},
		"nothing left":       {next: fmt.Errorf("next: %w", store.ErrNotFound)},
		"store fails before": {next: locked, want: locked},
		"store fails after":  {finish: locked, want: locked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &sender{}
				k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
				k.m.nextErr, k.m.finishErr = c.next, c.finish
				if err := k.run(t.Context()); !errors.Is(err, c.want) {
					t.Errorf("Run = %v, want %v", err, c.want)
				}
				if len(k.done) > 0 {
					t.Errorf("told %+v of an attempt that was not written down", k.done)
				}
				if sent := len(s.heard) > 0; sent != (c.finish != nil) {
					t.Errorf("tried %v, want %v", s.heard, c.finish != nil)
				}
			})
		})
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sender{}
		k := newKit(t, delivery.Inbox{Sender: s}, say("say"))
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := k.run(ctx); err != nil || len(s.heard) > 0 {
			t.Errorf("Run = %v with %v tried, want nothing", err, s.heard)
		}
	})
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 90 * time.Second, 90 * time.Second}
	if diff := cmp.Diff(want, delivery.Schedule()); diff != "" {
		t.Errorf("Schedule differs (-want +got):\n%s", diff)
	}
	delivery.Schedule()[0] = 0
	if diff := cmp.Diff(want, delivery.Schedule(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Schedule can be changed (-want +got):\n%s", diff)
	}
}

// The line of an attempt names the delivery and never what it says.
func TestLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, delivery.Inbox{Sender: &sender{do: fails(down, nil)}}, say("segredo"))
		k.settle()
		log := k.log.String()
		for _, want := range []string{`"correlation_id":"c-1"`, `"msg":"delivery attempt failed"`, `"msg":"delivery sent"`, `"attempt":2`, `"http_status":503`, `"cause":"status 503"`} {
			if !strings.Contains(log, want) {
				t.Errorf("log = %s, want %s in it", log, want)
			}
		}
		if strings.Contains(log, "segredo") || strings.Contains(log, "5511987654321") {
			t.Errorf("log = %s, want no words and no numbers", log)
		}
	})
}
