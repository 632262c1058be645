package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// rest is about lists, counts and what processes leave behind.
func rest() []scenario {
	return []scenario{
		{"deliveries are listed newest first and narrowed", func(k *kit) {
			id := k.answer(k.say("um"), k.say("dois"))
			k.sends(id, "um")
			ev := k.customer("quanto custa")
			a := k.arrival(ev)
			a.Inbox = "suporte"
			other := k.arrive(a)[0].Conversation
			three := k.say("três")
			k.decide(k.decision(k.begin(other), three))
			for _, c := range []struct {
				filter store.Filter
				want   []string
			}{
				{store.Filter{}, []string{"três", "dois", "um"}},
				{store.Filter{Limit: 2}, []string{"três", "dois"}},
				{store.Filter{Status: store.Pending}, []string{"três", "dois"}},
				{store.Filter{Status: store.Sent}, []string{"um"}},
				{store.Filter{Status: store.FailedPermanent}, nil},
				{store.Filter{Inbox: "suporte"}, []string{"três"}},
				{store.Filter{Conversation: id}, []string{"dois", "um"}},
				{store.Filter{Conversation: id, Status: store.Pending, Inbox: inbox}, []string{"dois"}},
				{store.Filter{ID: three.Delivery}, []string{"três"}},
				{store.Filter{ID: "nope"}, nil},
			} {
				ds, err := k.s.Deliveries(k.ctx, c.filter)
				if err != nil {
					k.Fatalf("Deliveries(%+v): %v", c.filter, err)
				}
				var got []string
				for _, d := range ds {
					got = append(got, d.Order.Text)
				}
				if len(got) != len(c.want) {
					k.Errorf("Deliveries(%+v) = %v, want %v", c.filter, got, c.want)
					continue
				}
				for i := range got {
					if got[i] != c.want[i] {
						k.Errorf("Deliveries(%+v) = %v, want %v", c.filter, got, c.want)
					}
				}
			}
		}},
		{"a list has a default limit", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			d := k.decision(k.begin(id))
			for range 101 {
				d.Orders = append(d.Orders, k.say("um"))
			}
			k.decide(d)
			if ds, err := k.s.Deliveries(k.ctx, store.Filter{}); err != nil || len(ds) != 100 {
				k.Errorf("Deliveries({}) = %d, %v, want 100", len(ds), err)
			}
		}},
		{"what is not there is not found", func(k *kit) {
			_, err := k.s.Conversation(k.ctx, 99)
			k.refused(err, store.ErrNotFound)
			if ms, err := k.s.Transcript(k.ctx, 99, 10); len(ms) != 0 || err != nil {
				k.Errorf("Transcript of nothing = %d messages, %v, want none", len(ms), err)
			}
		}},
		{"workers are counted while they beat", func(k *kit) {
			beat := func(name, role string) {
				if err := k.s.Beat(k.ctx, store.Process{ID: name, Role: role}, k.now); err != nil {
					k.Fatalf("Beat: %v", err)
				}
			}
			workers := func(since time.Time, want int, freshest time.Time) {
				k.Helper()
				n, at, err := k.s.Workers(k.ctx, since)
				if n != want || !at.Equal(freshest) || err != nil {
					k.Fatalf("Workers = %d, freshest %v, %v, want %d and %v", n, at, err, want, freshest)
				}
			}
			workers(k.now.Add(-time.Minute), 0, time.Time{})
			start := k.now
			beat("a", "")
			k.wait(10 * time.Second)
			beat("b", "worker")
			beat("b", "worker")
			workers(start, 2, k.now)
			freshest := k.now
			k.wait(time.Second)
			beat("c", "web") // answers nothing
			workers(start, 2, freshest)
			k.wait(4 * time.Second)
			beat("a", "")
			workers(start.Add(11*time.Second), 1, k.now)
			workers(k.now.Add(time.Second), 0, time.Time{})
			if err := k.s.Leave(k.ctx, "b"); err != nil {
				k.Fatalf("Leave: %v", err)
			}
			workers(start, 1, k.now)
			k.wait(48 * time.Hour)
			beat("d", "")
			workers(time.Time{}, 1, k.now)
		}},
		{"processes tell what they are, and how they are configured", func(k *kit) {
			seal := func(parts map[string][]byte) map[string]string {
				sealed, err := k.s.Seal(k.ctx, parts)
				if err != nil {
					k.Fatalf("Seal: %v", err)
				}
				return sealed
			}
			one := seal(map[string][]byte{"models": []byte("a"), "turns": []byte("a")})
			if again := seal(map[string][]byte{"models": []byte("a"), "turns": []byte("b")}); one["models"] != again["models"] || one["turns"] == again["turns"] || one["models"] == one["turns"] {
				k.Errorf("Seal = %v and %v, want the same for the same part alone", one, again)
			}
			for _, p := range []store.Process{{ID: "b", Role: "web", Version: "1.2.3", Parts: one}, {ID: "a", Role: "worker"}} {
				if err := k.s.Beat(k.ctx, p, k.now); err != nil {
					k.Fatalf("Beat: %v", err)
				}
			}
			start := k.now
			k.wait(time.Minute)
			last := store.Process{ID: "b", Version: "1.2.4", Parts: map[string]string{"models": "x"}}
			if err := k.s.Beat(k.ctx, last, k.now); err != nil {
				k.Fatalf("Beat: %v", err)
			}
			last.At = k.now
			for since, want := range map[time.Time][]store.Process{start: {{ID: "a", Role: "worker", At: start}, last}, start.Add(time.Second): {last}, k.now.Add(time.Second): nil} {
				got, err := k.s.Processes(k.ctx, since)
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
					k.Errorf("Processes = %v, (-want +got)\n%s", err, diff)
				}
			}
			if err := k.s.Leave(k.ctx, "nobody"); err != nil {
				k.Errorf("Leave of nobody: %v", err)
			}
		}},
		{"the backlog counts what waits", func(k *kit) {
			backlog := func(turns, deliveries int) {
				k.Helper()
				t, d, err := k.s.Backlog(k.ctx, k.now)
				if t != turns || d != deliveries || err != nil {
					k.Fatalf("Backlog = %d turns and %d deliveries, %v, want %d and %d", t, d, err, turns, deliveries)
				}
			}
			backlog(0, 0)
			ids := k.people(3)
			backlog(0, 0) // nothing is due yet
			k.wait(5 * time.Second)
			backlog(3, 0)
			k.decide(k.decision(k.begin(ids[0]), k.say("um"), k.say("dois")))
			backlog(2, 2)
			k.sends(ids[0], "um")
			k.later(k.next(ids[0]), store.AttemptRetry, time.Minute)
			backlog(2, 1)
			k.idle(ids[0])
			k.wait(time.Minute)
			k.claim(job.Deliveries, ids[0])
			k.sends(ids[0], "dois")
			backlog(2, 0)
		}},
		{"what dead processes held is free after a recovery", func(k *kit) {
			id := k.answer(k.say("um"))
			k.next(id)
			k.writes("e?")
			t := k.begin(id)
			gone := k.deliver(id)
			if n, _ := k.dispatch(job.Turns); n != 0 {
				k.Fatalf("Dispatch(turn) before Recover = %d, want 0", n)
			}
			if err := k.s.Recover(k.ctx, k.now); err != nil {
				k.Fatalf("Recover: %v", err)
			}
			if k.shared {
				for _, lane := range []job.Lane{job.Turns, job.Deliveries} {
					if n, _ := k.dispatch(lane); n != 0 {
						k.Errorf("Dispatch(%s) after Recover = %d, want 0: whoever has the lease may be alive", lane, n)
					}
				}
				k.wait(lease)
			}
			for _, lane := range []job.Lane{job.Turns, job.Deliveries} {
				if n, _ := k.dispatch(lane); n != 1 {
					k.Errorf("Dispatch(%s) after Recover = %d, want 1", lane, n)
				}
			}
			k.refused(k.s.Decide(k.ctx, k.decision(t)), store.ErrLost)
			_, err := k.s.NextDelivery(k.ctx, gone, k.now, lease)
			k.refused(err, store.ErrLost)
			k.idle(id) // cut off: it is given time to arrive
			k.claim(job.Deliveries, id)
			if d := k.next(id); !d.Uncertain {
				k.Error("what was under way is not asked about")
			}
		}},
		{"a recovery of nothing changes nothing", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			if err := k.s.Recover(k.ctx, k.now); err != nil {
				k.Fatalf("Recover: %v", err)
			}
			k.begin(id)
			k.holds(id, conversation.Bot, "")
		}},
		{"it answers", func(k *kit) {
			if err := k.s.Ping(k.ctx); err != nil {
				k.Errorf("Ping: %v", err)
			}
			ctx, cancel := contextCancelled(k)
			defer cancel()
			if err := k.s.Ping(ctx); err == nil {
				k.Error("Ping with a cancelled context = nil, want an error")
			}
		}},
	}
}
