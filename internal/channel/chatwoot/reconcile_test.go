package chatwoot

import (
	"net/http"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// said is a message in the conversation, seconds before or after the first attempt.
type said struct {
	at      float64
	ours    bool // the message that is looked for
	another bool // another one of ours
	private bool
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	many := func(n int, at, step float64) []said {
		var all []said
		for i := range n {
			all = append(all, said{at: at + float64(i)*step})
		}
		return all
	}
	for _, test := range []struct {
		name     string
		kind     channel.OrderKind
		messages []said
		user     bool
		options  chatwoottest.Options
		team     int64
		want     channel.Verdict
	}{
		{name: "empty", want: channel.Absent},
		{name: "arrived", messages: []said{{at: -20}, {at: 0.1, ours: true}}, want: channel.Arrived},
		{name: "only the customer's before", messages: []said{{at: -5}}, want: channel.Absent},
		{name: "the customer's just before", messages: []said{{at: -0.1}}, want: channel.CannotTell},
		{name: "the customer's just before, list", messages: []said{{at: -0.1}}, user: true, want: channel.Absent},
		{name: "the bubble before", messages: []said{{at: -5}, {at: -0.1, another: true}}, want: channel.Absent},
		{name: "hidden by a newer one", messages: []said{{at: -5}, {at: 0.1, ours: true}, {at: 9}}, want: channel.CannotTell},
		{name: "a newer one and nothing else", messages: []said{{at: -5}, {at: 9}}, want: channel.CannotTell},
		{name: "hidden by our later one", messages: []said{{at: 0.1, ours: true}, {at: 9, another: true}}, want: channel.CannotTell},
		{name: "hidden, list", messages: []said{{at: -5}, {at: 0.1, ours: true}, {at: 9}}, user: true, want: channel.Arrived},
		{name: "absent, list", messages: []said{{at: -5}, {at: 9}}, user: true, want: channel.Absent},
		{name: "second page, list", messages: append([]said{{at: -9}, {at: 0.1, ours: true}}, many(25, 5, 1)...), user: true, want: channel.Arrived},
		{name: "absent on the second page, list", messages: append(many(25, -90, 1), many(25, 5, 1)...), user: true, want: channel.Absent},
		{name: "too many newer ones, list", messages: append([]said{{at: 0.1, ours: true}}, many(pageSize*maxPages, 5, 0.1)...), user: true, want: channel.CannotTell},
		{name: "old chatwoot", messages: []said{{at: 0.1, ours: true}}, options: chatwoottest.Options{Old: true}, want: channel.CannotTell},
		{name: "old chatwoot, list", messages: []said{{at: 0.1, ours: true}}, options: chatwoottest.Options{Old: true}, user: true, want: channel.Arrived},
		{name: "500 with a team", messages: []said{{at: 0.1, ours: true}}, options: chatwoottest.Options{TeamBug: true}, team: 4, want: channel.CannotTell},
		{name: "500 with a team, list", messages: []said{{at: 0.1, ours: true}}, options: chatwoottest.Options{TeamBug: true}, team: 4, user: true, want: channel.Arrived},
		{name: "note arrived", kind: channel.Note, messages: []said{{at: 0.1, ours: true, private: true}}, want: channel.Arrived},
		{name: "note not shown", kind: channel.Note, messages: []said{{at: -50}}, want: channel.CannotTell},
		{name: "note, empty", kind: channel.Note, want: channel.CannotTell},
		{name: "note absent, list", kind: channel.Note, messages: []said{{at: -50}}, user: true, want: channel.Absent},
		{name: "note arrived, list", kind: channel.Note, messages: []said{{at: 0.1, ours: true, private: true}, {at: 9}}, user: true, want: channel.Arrived},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := order(channel.Say)
			if test.kind != "" {
				o.Kind = test.kind
			}
			// The middle of a second, so that the cases do not depend on where in it they run.
			o.Since = time.Now().Add(-20 * time.Second).Truncate(time.Second).Add(500 * time.Millisecond)
			if test.user {
				test.options.UserToken = "user-token"
			}
			s := start(t, test.options)
			id := s.Open(chatwoottest.Contact{})
			key := ""
			s.Edit(id, func(c *chatwoottest.Conversation) {
				c.TeamID = test.team
				for i, m := range test.messages {
					stored := &chatwoottest.Message{ID: int64(100 + i), Type: chatwoottest.Incoming, SenderType: "contact", Private: m.private, Content: "x", ContentType: "text", Attributes: map[string]any{}}
					// updated_at moves on with every delivery receipt.
					stored.At = o.Since.Add(time.Duration(m.at * float64(time.Second)))
					stored.Updated = stored.At.Add(time.Second)
					if m.ours || m.another {
						stored.Type, stored.SenderType, stored.SenderID = chatwoottest.Outgoing, "agent_bot", 7
						stored.Attributes[Marker] = "another"
					}
					if m.ours {
						stored.Attributes[Marker] = string(delivery)
						key = "100"
						if i > 0 {
							key = "101"
						}
					}
					c.Messages = append(c.Messages, stored)
				}
			})
			c := connect(t, s, func(cfg *Config) {
				if test.user {
					cfg.UserToken = secret.New("user-token")
				}
			})
			verdict, receipt, err := c.Reconcile(t.Context(), o)
			if verdict != test.want || err != nil {
				t.Errorf("Reconcile = %v, %v, want %v", verdict, err, test.want)
			}
			if test.want == channel.Arrived && (receipt.Key != key || receipt.SelfID != "7") {
				t.Errorf("Receipt = %+v, want key %s and our own id 7", receipt, key)
			}
		})
	}
}

func TestReconcileFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		m    chatwoottest.Misbehaviour
		user bool
		want fault.Kind // Unknown: CannotTell without an error
	}{
		{name: "500", m: chatwoottest.Misbehaviour{Status: 500}},
		{name: "502", m: chatwoottest.Misbehaviour{Status: 502}, want: fault.Transient},
		{name: "429", m: chatwoottest.Misbehaviour{Status: 429}, want: fault.RateLimited},
		{name: "401", m: chatwoottest.Misbehaviour{Status: 401}},
		{name: "404", m: chatwoottest.Misbehaviour{Status: 404}},
		{name: "reset", m: chatwoottest.Misbehaviour{Reset: true}, want: fault.Transient},
		{name: "half", m: chatwoottest.Misbehaviour{Half: true, After: true}, want: fault.Transient},
		{name: "page", m: chatwoottest.Misbehaviour{Status: 200, Body: "<html>"}},
		{name: "null", m: chatwoottest.Misbehaviour{Status: 200, Body: "null"}},
		{name: "no messages key", m: chatwoottest.Misbehaviour{Status: 200, Body: `{"id":128}`}},
		{name: "messages of nothing", m: chatwoottest.Misbehaviour{Status: 200, Body: `{"messages":[null,7,{"id":"x","created_at":"y"}]}`}},
		{name: "list 500", m: chatwoottest.Misbehaviour{Times: -1, Status: http.StatusInternalServerError}, user: true, want: fault.Transient},
		{name: "list nonsense", m: chatwoottest.Misbehaviour{Times: -1, Status: 200, Body: `{"payload":{}}`}, user: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, chatwoottest.Options{UserToken: "user-token"})
			s.Open(chatwoottest.Contact{})
			test.m.Ops = []chatwoottest.Op{chatwoottest.GetConversation, chatwoottest.ListMessages}
			s.Misbehave(test.m)
			c := connect(t, s, func(cfg *Config) {
				if test.user {
					cfg.UserToken = secret.New("user-token")
				}
			})
			verdict, _, err := c.Reconcile(t.Context(), order(channel.Say))
			if verdict != channel.CannotTell {
				t.Errorf("Reconcile = %v, want CannotTell", verdict)
			}
			if test.want == fault.Unknown && err != nil || test.want != fault.Unknown && !fault.Is(err, test.want) {
				t.Errorf("Reconcile = %v, want %v", err, test.want)
			}
		})
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 10, 14, 0, 10, 600_000_000, time.UTC)
	for date, want := range map[string]time.Duration{
		"":                              0,
		"ontem":                         0,
		"Thu, 10 Sep 2026 14:00:10 GMT": 0,
		"Thu, 10 Sep 2026 14:00:09 GMT": -1600 * time.Millisecond,
		"Thu, 10 Sep 2026 14:00:11 GMT": 400 * time.Millisecond,
		"Thu, 10 Sep 2026 14:05:10 GMT": 5*time.Minute - 600*time.Millisecond,
	} {
		if got := skew(date, now); got != want {
			t.Errorf("skew(%q) = %v, want %v", date, got, want)
		}
	}
}
