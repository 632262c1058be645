package storetest

import (
	"sync"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// repeats is about the second delivery of the same thing.
func repeats() []scenario {
	return []scenario{
		{"a repeat of a keyed message changes nothing", func(k *kit) {
			ev := k.customer("quanto custa")
			first := k.receive(ev)
			due := k.now.Add(4 * time.Second)
			k.dueAt(due)
			was := k.conversation(first.Conversation)
			k.wait(time.Second)
			ev.Content.Text = "outras palavras" // the id decides, not the words
			again := k.receive(ev)
			if !again.Duplicate || again.Pending || again.Stale || again.Message != first.Message || again.Conversation != first.Conversation {
				k.Errorf("repeat = %+v, want a duplicate of %+v", again, first)
			}
			k.dueAt(due)
			if now := k.conversation(first.Conversation); now.Revision != was.Revision {
				k.Errorf("revision = %d after a repeat, want %d", now.Revision, was.Revision)
			}
			k.transcript(first.Conversation, "customer: quanto custa")
		}},
		{"a repeat is known for ever", func(k *kit) {
			ev := k.customer("quanto custa")
			id := k.receive(ev).Conversation
			k.decide(k.decision(k.begin(id), k.say("Olá!")))
			k.sends(id, "Olá!")
			k.wait(400 * 24 * time.Hour)
			if r := k.receive(ev); !r.Duplicate {
				k.Errorf("repeat after a year = %+v, want a duplicate", r)
			}
			k.nothingDue()
		}},
		{"of concurrent repeats exactly one is new", func(k *kit) {
			ev := k.customer("quanto custa")
			results := k.together(16, k.arrival(ev))
			fresh := 0
			for _, r := range results {
				if !r.Duplicate {
					fresh++
				}
				if r.Message != results[0].Message || r.Message == 0 {
					k.Errorf("results name messages %d and %d", r.Message, results[0].Message)
				}
			}
			if fresh != 1 {
				k.Errorf("%d of 16 repeats are new, want 1", fresh)
			}
			k.transcript(results[0].Conversation, "customer: quanto custa")
		}},
		{"concurrent first messages make one conversation", func(k *kit) {
			var wg sync.WaitGroup
			for range 16 {
				a := k.arrival(k.customer("quanto custa"))
				wg.Go(func() {
					if _, err := k.s.Receive(k.ctx, a); err != nil {
						k.Errorf("Receive: %v", err)
					}
				})
			}
			wg.Wait()
			r := k.receive(k.customer("fim"))
			if ms, err := k.s.Transcript(k.ctx, r.Conversation, 100); err != nil || len(ms) != 17 {
				k.Errorf("Transcript has %d messages, %v, want 17", len(ms), err)
			}
		}},
		{"a key counts within its chat and inbox", func(k *kit) {
			ev := k.customer("quanto custa")
			k.receive(ev)
			ev.Chat = "other"
			if r := k.receive(ev); r.Duplicate {
				k.Errorf("same key in another chat = %+v, want it new", r)
			}
			a := k.arrival(ev)
			a.Inbox = "suporte"
			if r := k.arrive(a)[0]; r.Duplicate {
				k.Errorf("same key in another inbox = %+v, want it new", r)
			}
		}},
		{"a webhook that repeats one event brings the other", func(k *kit) {
			first := k.customer("um")
			k.receive(first)
			out := k.arrive(k.arrival(first, k.customer("dois")))
			if !out[0].Duplicate || out[1].Duplicate {
				k.Errorf("Receive = %+v, want one duplicate and one new", out)
			}
			k.transcript(out[0].Conversation, "customer: um", "customer: dois")
		}},
		{"a repeat within one webhook", func(k *kit) {
			ev := k.customer("um")
			out := k.arrive(k.arrival(ev, ev))
			if out[0].Duplicate || !out[1].Duplicate {
				k.Errorf("Receive = %+v, want the second to be a duplicate", out)
			}
		}},
		{"without a key the signed request decides", func(k *kit) {
			ev := k.customer("sim")
			ev.Key = ""
			one := k.arrival(ev, ev) // the same words twice in a request are two messages
			one.Fallback = []byte("request 1")
			if out := k.arrive(one); out[0].Duplicate || out[1].Duplicate {
				k.Errorf("first request = %+v, want two new messages", out)
			}
			k.wait(time.Second)
			one.Now = k.now
			if out := k.arrive(one); !out[0].Duplicate || !out[1].Duplicate {
				k.Errorf("the request again = %+v, want two duplicates", out)
			}
			two := k.arrival(ev)
			two.Fallback = []byte("request 2")
			if out := k.arrive(two); out[0].Duplicate {
				k.Errorf("another request with the same words = %+v, want it new", out)
			}
		}},
		{"of concurrent unsigned repeats exactly one is new", func(k *kit) {
			ev := k.customer("sim")
			ev.Key = ""
			fresh := 0
			for _, r := range k.together(16, k.arrival(ev)) {
				if !r.Duplicate {
					fresh++
				}
			}
			if fresh != 1 {
				k.Errorf("%d of 16 repeats are new, want 1", fresh)
			}
		}},
		{"without key and signature the window decides", func(k *kit) {
			ev := k.customer("sim")
			ev.Key = ""
			id := k.receive(ev).Conversation
			k.wait(5 * time.Minute)
			if r := k.receive(ev); !r.Duplicate || r.Pending {
				k.Errorf("the same words inside the window = %+v, want a duplicate", r)
			}
			k.wait(time.Millisecond)
			if r := k.receive(ev); r.Duplicate {
				k.Errorf("the same words after the window = %+v, want them new", r)
			}
			k.transcript(id, "customer: sim", "customer: sim")
		}},
		{"without key and signature other content is new", func(k *kit) {
			ev := k.customer("")
			ev.Key, ev.Content = "", conversation.Content{Kind: conversation.Image, Detail: map[string]string{"url": "https://example.org/1"}}
			k.receive(ev)
			for _, c := range []conversation.Content{
				{Kind: conversation.Image, Detail: map[string]string{"url": "https://example.org/2"}},
				{Kind: conversation.Image, Text: "legenda", Detail: map[string]string{"url": "https://example.org/1"}},
				{Kind: conversation.Video, Detail: map[string]string{"url": "https://example.org/1"}},
			} {
				ev.Content = c
				if r := k.receive(ev); r.Duplicate {
					k.Errorf("Receive(%+v) = %+v, want it new", c, r)
				}
			}
			ev.Content = conversation.Content{Kind: conversation.Image, Detail: map[string]string{"url": "https://example.org/1"}}
			if r := k.receive(ev); !r.Duplicate {
				k.Errorf("the first picture again = %+v, want a duplicate", r)
			}
		}},
		{"the same words are new after the bot has answered", func(k *kit) {
			ev := k.customer("sim")
			ev.Key = ""
			id := k.receive(ev).Conversation
			k.decide(k.decision(k.begin(id), k.say("Confirma o horário?")))
			if r := k.receive(ev); r.Duplicate || !r.Pending {
				k.Errorf("the same words after an answer = %+v, want them pending", r)
			}
		}},
		{"the same words are new after a person has answered", func(k *kit) {
			ev := k.customer("sim")
			ev.Key = ""
			id := k.receive(ev).Conversation
			k.receive(k.person("Confirma?"))
			if r := k.receive(ev); r.Duplicate || r.Pending {
				k.Errorf("the same words after a person = %+v, want them stored", r)
			}
			k.transcript(id, "customer: sim", "person: Confirma?", "customer: sim")
		}},
		{"a repeat of what a person said is no second takeover", func(k *kit) {
			id := k.writes("quanto custa").Conversation
			ev := k.person("Bom dia")
			k.receive(ev)
			k.receive(k.shown(conversation.Open, k.now))
			k.receive(k.shown(conversation.Pending, k.now.Add(time.Second)))
			k.holds(id, conversation.Bot, conversation.ByPending)
			if r := k.receive(ev); !r.Duplicate || r.Change.Moved() {
				k.Errorf("repeat = %+v, want a duplicate that moves nothing", r)
			}
			k.holds(id, conversation.Bot, conversation.ByPending)
		}},
		{"a repeat of an edit changes nothing", func(k *kit) {
			original := k.customer("amanhã")
			id := k.receive(original).Conversation
			edit := k.edit(original, "depois de amanhã")
			if r := k.receive(edit); !r.Stale || !r.Pending {
				k.Errorf("edit = %+v, want it pending", r)
			}
			due := k.now.Add(4 * time.Second)
			revision := k.conversation(id).Revision
			k.wait(time.Second)
			if r := k.receive(edit); !r.Duplicate || r.Stale || r.Pending {
				k.Errorf("repeat of an edit = %+v, want a duplicate", r)
			}
			if now := k.conversation(id).Revision; now != revision {
				k.Errorf("revision = %d after a repeat, want %d", now, revision)
			}
			k.dueAt(due)
		}},
		{"a cancelled caller leaves nothing behind", func(k *kit) {
			ctx, cancel := contextCancelled(k)
			defer cancel()
			ev := k.customer("quanto custa")
			if out, err := k.s.Receive(ctx, k.arrival(ev)); err == nil {
				k.Fatalf("Receive with a cancelled context = %+v, want an error", out)
			}
			if r := k.receive(ev); r.Duplicate {
				k.Errorf("Receive = %+v, want it new", r)
			}
		}},
	}
}

// together stores the same arrival from n goroutines at once.
func (k *kit) together(n int, a store.Arrival) []store.Result {
	k.Helper()
	out := make([]store.Result, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			rs, err := k.s.Receive(k.ctx, a)
			if err != nil {
				k.Errorf("Receive: %v", err)
				return
			}
			out[i] = rs[0]
		})
	}
	wg.Wait()
	return out
}

// edit is an event: the customer replaces the text of a message.
func (k *kit) edit(original channel.Event, text string) channel.Event {
	ev := original
	ev.Kind, ev.Target, ev.Key = channel.Edited, original.Key, k.key()
	ev.Content = conversation.Content{Kind: conversation.Text, Text: text}
	return ev
}

// revoke is an event: the customer takes a message back.
func (k *kit) revoke(original channel.Event) channel.Event {
	ev := k.event(channel.Revoked)
	ev.Target = original.Key
	return ev
}
