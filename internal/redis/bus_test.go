package redis

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/event"
	"secretaria/internal/event/eventtest"
	"secretaria/internal/job"
	"secretaria/internal/redis/redistest"
)

var (
	due   = event.Event{Kind: event.Due, Lane: job.Turns}
	moved = event.Event{Kind: event.Moved, Conversation: 7}
)

// listening waits until a number of buses listen.
func listening(t *testing.T, c *Client, b *Bus, want int64) {
	t.Helper()
	eventually(t, "all to listen", func() bool {
		n, err := c.rdb.PubSubNumSub(t.Context(), b.channel).Result()
		return err == nil && n[b.channel] >= want
	})
}

func TestBusSuite(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"connected": redistest.URL(t), "down": refusing(t), "silent": silence(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eventtest.Run(t, func(t *testing.T) event.Bus {
				c, _ := connect(t, url)
				return c.Bus()
			})
		})
	}
}

func TestEventsReachOtherProcesses(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	a, _ := connect(t, patient(s.URL))
	b, _ := connect(t, patient(s.URL))
	c, _ := connect(t, patient(s.URL+"/1"))
	one, two, stranger := a.Bus(), b.Bus(), c.Bus()
	var here, there, elsewhere eventtest.Ear
	one.Subscribe(here.Hear)
	two.Subscribe(there.Hear)
	stranger.Subscribe(elsewhere.Hear)
	listening(t, a, one, 2)
	listening(t, c, stranger, 1)
	one.Publish(due)
	one.Publish(moved)
	eventually(t, "both events", func() bool { got := there.Heard(); return slices.Contains(got, due) && slices.Contains(got, moved) })
	// The connection is lost and made anew; what is said meanwhile is lost.
	s.Stop()
	one.Publish(due)
	s.Restart(t)
	eventually(t, "the server to be back", func() bool { return a.Up() && b.Up() })
	listening(t, a, one, 2)
	later := event.Event{Kind: event.Moved, Conversation: 8}
	eventually(t, "an event after the return", func() bool { one.Publish(later); return slices.Contains(there.Heard(), later) })
	// Ours were told here once, and do not come back.
	n := 0
	for _, e := range here.Heard() {
		if e == moved {
			n++
		}
	}
	if n != 1 {
		t.Errorf("an event was told %d times where it was published, want once", n)
	}
	if got := elsewhere.Heard(); len(got) > 0 {
		t.Errorf("another installation, in another database of the server, heard %v", got)
	}
}

// A storm is a few messages, and what is too much is lost.
func TestStormIsCoalesced(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	a, _ := connect(t, patient(s.URL))
	b, _ := connect(t, patient(s.URL))
	one, two := a.Bus(), b.Bus()
	var there eventtest.Ear
	two.Subscribe(there.Hear)
	listening(t, a, one, 2)
	plain := redistest.Client(t, s.URL)
	spy := plain.Subscribe(t.Context(), one.channel)
	t.Cleanup(func() { spy.Close() })
	listening(t, a, one, 3)
	started := time.Now()
	for i := range 100_000 {
		one.Publish(due)
		one.Publish(event.Event{Kind: event.Moved, Conversation: conversation.ID(i % 100)})
	}
	took := time.Since(started)
	eventually(t, "all of them", func() bool {
		seen := map[event.Event]bool{}
		for _, e := range there.Heard() {
			seen[e] = true
		}
		return len(seen) == 101
	})
	most := int(took/publishEvery) + 3
	one.Publish(event.Event{Kind: event.Moved, Conversation: 4711})
	messages := 0
	for {
		m, err := spy.ReceiveMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if messages++; strings.Contains(m.Payload, "4711") {
			break
		}
	}
	if messages > most {
		t.Errorf("200,000 events were %d messages, want at most %d", messages, most)
	}
	// Nobody listens for a while: what waits is bounded.
	for i := range 10 * maxPending {
		one.mu.Lock()
		n := len(one.pending)
		one.mu.Unlock()
		if n > maxPending {
			t.Fatalf("%d events wait, want at most %d", n, maxPending)
		}
		one.Publish(event.Event{Kind: event.Moved, Conversation: conversation.ID(10_000 + i)})
	}
}

// What others write into the channel is no reason to stop listening.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "")
	c, _ := connect(t, patient(s.URL))
	b := c.Bus()
	var ear eventtest.Ear
	b.Subscribe(ear.Hear)
	listening(t, c, b, 1)
	say := func(text string) {
		t.Helper()
		if err := c.rdb.Publish(t.Context(), b.channel, text).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, nonsense := range []string{"", "x", "null", "[]", "7", `{}`, `{"from":null,"events":null}`, `{"from":7,"events":[]}`, `{"events":7}`, `{"events":[null,{}]}`,
		`{"events":[{"kind":"erase"},{"kind":null,"lane":null}]}`, `{"events":[{"kind":"moved","conversation":"7"}]}`, strings.Repeat("[", maxMessage+1)} {
		say(nonsense)
	}
	text, err := json.Marshal(message{"somebody", []event.Event{moved}})
	if err != nil {
		t.Fatal(err)
	}
	say(string(text))
	eventually(t, "the event after nonsense", func() bool { return slices.Contains(ear.Heard(), moved) })
	for _, e := range ear.Heard() {
		if e != moved {
			t.Errorf("heard %+v, want what is understood only", e)
		}
	}
}
