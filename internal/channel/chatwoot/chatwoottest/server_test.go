package chatwoottest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

const hookSecret = "Zk3-_QyW8b1nT5rVxE0aLmCu7sHdGfJp"

// listener is a bot's webhook: it authenticates, parses, and answers what it is told to.
type listener struct {
	channel *chatwoot.Channel
	mu      sync.Mutex
	answers []int // one for each request; 200 after them
	events  []channel.Event
	ids     []string
	errs    []error
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := &channel.Request{Header: r.Header, Body: body, Received: time.Now()}
	var events []channel.Event
	if err == nil {
		err = l.channel.Authenticate(req)
	}
	if err == nil {
		events, err = l.channel.Parse(req)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
	l.ids = append(l.ids, r.Header.Get("X-Chatwoot-Delivery"))
	status := http.StatusOK
	if len(l.answers) > 0 {
		status, l.answers = l.answers[0], l.answers[1:]
	}
	if status == http.StatusOK {
		l.events = append(l.events, events...)
	}
	w.WriteHeader(status)
}

func (l *listener) last(t *testing.T) channel.Event {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.errs...); err != nil {
		t.Fatalf("a webhook was refused: %v", err)
	}
	if len(l.events) == 0 {
		t.Fatal("no event came")
	}
	return l.events[len(l.events)-1]
}

func desk(t *testing.T, o chatwoottest.Options) (*chatwoottest.Server, *listener, *chatwoot.Channel) {
	t.Helper()
	o.RetryDelay = time.Millisecond
	s, err := chatwoottest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	client := httpclient.New(httpclient.Options{Policy: httpclient.Policy{All: true}})
	t.Cleanup(client.Close)
	c, err := chatwoot.New(chatwoot.Config{BaseURL: s.URL(), Token: secret.New("bot-token"), Secrets: []secret.String{secret.New(hookSecret)}}, client)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{channel: c}
	web := httptest.NewServer(l)
	t.Cleanup(web.Close)
	s.SetWebhook(web.URL, hookSecret)
	return s, l, c
}

// What people do arrives signed and is understood.
func TestWebhooksAreUnderstood(t *testing.T) {
	t.Parallel()
	s, l, _ := desk(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{ID: 42, Phone: "+5511900000042"})
	ctx := t.Context()
	type step struct {
		name string
		do   func() (chatwoottest.Webhook, error)
		kind channel.EventKind
		by   conversation.Author
		hold conversation.Snapshot
	}
	pending, open := conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.Nobody}, conversation.Snapshot{Status: conversation.Open, Assignee: conversation.Nobody}
	assigned := conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.APerson, AssigneeID: "2"}
	for _, st := range []step{
		{"customer", func() (chatwoottest.Webhook, error) { return s.Customer(ctx, id, "<oi> & \u2028 tudo?") }, channel.Received, "", pending},
		{"no content", func() (chatwoottest.Webhook, error) { return s.Customer(ctx, id, "") }, channel.Received, "", pending},
		{"greeting", func() (chatwoottest.Webhook, error) { return s.Greeting(ctx, id, "Bem-vinda") }, channel.Ignored, "", pending},
		{"automation", func() (chatwoottest.Webhook, error) { return s.Automation(ctx, id, "Promoção") }, channel.Said, conversation.System, pending},
		{"other bot", func() (chatwoottest.Webhook, error) { return s.OtherBot(ctx, id, 8, "bip") }, channel.Said, conversation.System, pending},
		{"note", func() (chatwoottest.Webhook, error) { return s.HumanNote(ctx, id, 2, "VIP") }, channel.Ignored, "", pending},
		{"phone", func() (chatwoottest.Webhook, error) { return s.Phone(ctx, id, "já vou") }, channel.Said, conversation.Person, pending},
		{"human", func() (chatwoottest.Webhook, error) { return s.Human(ctx, id, 2, "sou o Carlos") }, channel.Said, conversation.Person, pending},
		{"assigned", func() (chatwoottest.Webhook, error) { return s.Assign(ctx, id, 2) }, channel.Changed, "", assigned},
		{"unassigned", func() (chatwoottest.Webhook, error) { return s.Assign(ctx, id, 0) }, channel.Changed, "", pending},
		{"bot assigned", func() (chatwoottest.Webhook, error) { return s.AssignBot(ctx, id, 7) }, channel.Changed, "", conversation.Snapshot{Status: conversation.Pending, Assignee: conversation.SomeBot, AssigneeID: "7"}},
		{"unassigned again", func() (chatwoottest.Webhook, error) { return s.Assign(ctx, id, 0) }, channel.Changed, "", pending},
		{"opened", func() (chatwoottest.Webhook, error) { return s.SetStatus(ctx, id, chatwoottest.Open) }, channel.Changed, "", open},
		{"pending again", func() (chatwoottest.Webhook, error) { return s.SetStatus(ctx, id, chatwoottest.Pending) }, channel.Changed, "", pending},
		{"resolved", func() (chatwoottest.Webhook, error) { return s.SetStatus(ctx, id, chatwoottest.Resolved) }, channel.Changed, "", conversation.Snapshot{Status: conversation.Resolved, Assignee: conversation.Nobody}},
		{"customer again", func() (chatwoottest.Webhook, error) { return s.Customer(ctx, id, "oi de novo") }, channel.Received, "", pending},
	} {
		w, err := st.do()
		if err != nil || w.Status != http.StatusOK || w.Attempts != 1 {
			t.Fatalf("%s: webhook = %+v, %v, want 200 at once", st.name, w, err)
		}
		e := l.last(t)
		if e.Kind != st.kind || e.Author != st.by || e.Thread != "1/128" {
			t.Errorf("%s: event %s by %q in %s, want %s by %q in 1/128", st.name, e.Kind, e.Author, e.Thread, st.kind, st.by)
		}
		if e.Snapshot == nil {
			t.Errorf("%s: no snapshot", st.name)
			continue
		}
		got := *e.Snapshot
		got.At = time.Time{}
		if got != st.hold {
			t.Errorf("%s: snapshot %+v, want %+v", st.name, got, st.hold)
		}
	}
}

// A bot's message comes back with its marker, an update of it too, and an echo can get lost.
func TestEchoes(t *testing.T) {
	t.Parallel()
	s, l, c := desk(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{})
	o := channel.Order{Kind: channel.Say, Delivery: "d-1", Address: channel.Address{Thread: "1/128"}, Text: "Olá"}
	say := func() channel.Receipt {
		t.Helper()
		r, err := c.Do(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	receipt := say()
	if err := s.Wait(t.Context(), func() bool { return len(s.Webhooks()) == 1 }); err != nil {
		t.Fatal(err)
	}
	if e := l.last(t); e.Kind != channel.Said || e.Author != conversation.Ours || e.Delivery != "d-1" || e.Key != receipt.Key || e.AuthorID != receipt.SelfID {
		t.Errorf("echo = %+v, want ours with d-1, key %s, author %s", e, receipt.Key, receipt.SelfID)
	}
	message := s.Conversation(id).Said()[0].ID
	if _, err := s.FailDelivery(t.Context(), id, message, "outside window"); err != nil {
		t.Fatal(err)
	}
	if e := l.last(t); e.Kind != channel.Failed || e.Delivery != "d-1" || e.Cause != "outside window" {
		t.Errorf("failure = %+v, want failed with d-1", e)
	}
	s.DropEchoes(true)
	say()
	if _, err := s.Customer(t.Context(), id, "e aí?"); err != nil {
		t.Fatal(err)
	}
	if e := l.last(t); e.Kind != channel.Received || len(s.Webhooks()) != 3 {
		t.Errorf("last event %s of %d webhooks, want the customer's as the third", e.Kind, len(s.Webhooks()))
	}
}

// 429 and 500 are tried three times in all, with the same delivery id; anything else is
// not. A message that stays undelivered opens the conversation.
func TestRetries(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answers  []int
		attempts int
		status   string
	}{
		{[]int{500, 429}, 3, chatwoottest.Pending},
		{[]int{429, 500, 500}, 3, chatwoottest.Open},
		{[]int{503}, 1, chatwoottest.Open},
		{[]int{401}, 1, chatwoottest.Open},
	} {
		s, l, _ := desk(t, chatwoottest.Options{})
		id := s.Open(chatwoottest.Contact{})
		l.answers = test.answers
		w, err := s.Customer(t.Context(), id, "oi")
		if err != nil || w.Attempts != test.attempts {
			t.Errorf("answers %v: %d attempts, %v, want %d", test.answers, w.Attempts, err, test.attempts)
		}
		if got := s.Conversation(id).Status; got != test.status {
			t.Errorf("answers %v: status %q, want %q", test.answers, got, test.status)
		}
		l.mu.Lock()
		if ids := slices.Compact(slices.Clone(l.ids[:test.attempts])); len(ids) != 1 || ids[0] == "" {
			t.Errorf("answers %v: delivery ids %v, want one", test.answers, ids)
		}
		l.mu.Unlock()
	}
}

// The fake answers the recorded calls with the recorded status and keys.
func TestRecordedExchanges(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(chatwoottest.Exchanges(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == "errors.json" || strings.HasPrefix(name, "toggle_priority") { // a list of answers; a call that we never make
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := fs.ReadFile(chatwoottest.Exchanges(), name)
			if err != nil {
				t.Fatal(err)
			}
			var x struct {
				Method, Path string
				Request      json.RawMessage
				Status       int
				Response     any
			}
			if err := json.Unmarshal(b, &x); err != nil {
				t.Fatal(err)
			}
			o := chatwoottest.Options{}
			if strings.Contains(name, "too_many") {
				o.PerMinute = 1
			}
			s, _, _ := desk(t, o)
			id := s.Open(chatwoottest.Contact{})
			if _, err := s.Customer(t.Context(), id, "oi"); err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), x.Method, s.URL()+x.Path, bytes.NewReader(x.Request))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Api-Access-Token", "bot-token")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != x.Status {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, x.Status, got)
			}
			var tree any
			_ = json.Unmarshal(got, &tree) // an empty body is recorded as null
			if want, ok := x.Response.(map[string]any); ok {
				object, _ := tree.(map[string]any)
				if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(object))); diff != "" {
					t.Errorf("keys (-recorded +fake):\n%s", diff)
				}
			}
		})
	}
}

// What the fake sends has the keys of what Chatwoot sends.
func TestPayloadKeys(t *testing.T) {
	t.Parallel()
	s, _, c := desk(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{Phone: "+5511900000042"})
	if _, err := s.Customer(t.Context(), id, "oi"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Human(t.Context(), id, 2, "oi"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), channel.Order{Kind: channel.Say, Delivery: "d", Address: channel.Address{Thread: "1/128"}, Text: "oi"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetStatus(t.Context(), id, chatwoottest.Open); err != nil {
		t.Fatal(err)
	}
	recorded := []string{
		"message_created.incoming.whatsapp_text", "message_created.outgoing.human_agent_while_pending", "message_created.outgoing.agent_bot_echo",
		"conversation_status_changed.pending_to_open", "conversation_opened", "conversation_updated.status",
	}
	sent := s.Webhooks()
	if len(sent) != len(recorded) {
		t.Fatalf("%d webhooks, want %d", len(sent), len(recorded))
	}
	for i, name := range recorded {
		b, err := fs.ReadFile(chatwoottest.Events(), name+".json")
		if err != nil {
			t.Fatal(err)
		}
		var want, got map[string]any
		if err := errors.Join(json.Unmarshal(b, &want), json.Unmarshal(sent[i].Body, &got)); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"", "conversation", "conversation.meta", "conversation.contact_inbox", "meta", "sender"} {
			w, g := at(want, path), at(got, path)
			if w == nil {
				continue
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(g))); diff != "" {
				t.Errorf("%s: keys of %q (-recorded +fake):\n%s", name, path, diff)
			}
		}
	}
}

func at(o map[string]any, path string) map[string]any {
	for _, step := range strings.Split(path, ".") {
		if step != "" {
			o, _ = o[step].(map[string]any)
		}
	}
	return o
}

// Wait ends with its context, and hangs end with the server.
func TestWaitAndClose(t *testing.T) {
	t.Parallel()
	s, _, c := desk(t, chatwoottest.Options{})
	s.Open(chatwoottest.Contact{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want context.Canceled", err)
	}
	read := s.Misbehave(chatwoottest.Misbehaviour{Hang: true})
	done := make(chan error, 1)
	go func() {
		_, err := c.Do(context.WithoutCancel(t.Context()), channel.Order{Kind: channel.Say, Delivery: "d", Address: channel.Address{Thread: "1/128"}, Text: "oi"})
		done <- err
	}()
	<-read
	s.Close()
	if err := <-done; err == nil {
		t.Error("Do against a hanging server that closed = nil, want an error")
	}
}
