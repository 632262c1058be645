package chatwoot

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// What a survey shows of a conversation, by what has happened there.
func TestSurvey(t *testing.T) {
	t.Parallel()
	opened := func(t *testing.T, s *chatwoottest.Server) {
		t.Helper()
		s.Edit(128, func(c *chatwoottest.Conversation) {
			c.Status = chatwoottest.Open
			c.Messages = append(c.Messages, &chatwoottest.Message{ID: 9500, Type: chatwoottest.Activity, At: time.Now().UTC(), Updated: time.Now().UTC(),
				Content: "Conversation was marked open by system due to an error with the agent bot."})
		})
	}
	does := func(_ any, err error) {
		if err != nil {
			panic(err)
		}
	}
	for _, c := range []struct {
		name    string
		options chatwoottest.Options
		happens func(*testing.T, *chatwoottest.Server)
		since   time.Duration // how long ago the opening became known
		person  bool
		by      channel.Verdict // with a user's token; without one it cannot be told
		said    []string        // with a user's token
		newest  []string        // without one
	}{
		{name: "the webhook of the only message failed", by: channel.Arrived, said: []string{"Quanto custa?"}, newest: []string{"Quanto custa?"},
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				opened(t, s)
			}},
		{name: "what was answered before is not said again", by: channel.Arrived, said: []string{"E a entrega?", "Alô?"}, newest: []string{"Alô?"},
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				does(s.OtherBot(t.Context(), 128, 7, "R$ 10."))
				does(s.Customer(t.Context(), 128, "E a entrega?"))
				opened(t, s)
				does(s.Customer(t.Context(), 128, "Alô?"))
			}},
		{name: "somebody has answered since", by: channel.Arrived, person: true,
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				opened(t, s)
				does(s.Human(t.Context(), 128, 2, "R$ 10."))
			}},
		{name: "somebody has noted something since", by: channel.Arrived, person: true,
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				opened(t, s)
				does(s.HumanNote(t.Context(), 128, 2, "vou ver"))
			}},
		{name: "somebody has it", by: channel.Arrived, person: true, said: []string{"Quanto custa?"}, newest: []string{"Quanto custa?"},
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				opened(t, s)
				does(s.Assign(t.Context(), 128, 2))
			}},
		{name: "somebody has looked at it since", by: channel.Arrived, person: true, said: []string{"Quanto custa?"}, newest: []string{"Quanto custa?"},
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				opened(t, s)
				s.Look(128)
			}},
		{name: "somebody opened it", by: channel.Absent, newest: []string{"Quanto custa?"},
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				does(s.SetStatus(t.Context(), 128, chatwoottest.Open))
			}},
		{name: "a 500 where there is a team", options: chatwoottest.Options{TeamBug: true}, by: channel.Arrived, said: []string{"Quanto custa?"},
			happens: func(t *testing.T, s *chatwoottest.Server) {
				does(s.Customer(t.Context(), 128, "Quanto custa?"))
				opened(t, s)
				s.Edit(128, func(c *chatwoottest.Conversation) { c.TeamID = 4 })
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.options.UserToken = "user-token"
			s := start(t, c.options)
			s.Open(chatwoottest.Contact{ID: 42})
			c.happens(t, s)
			for _, user := range []bool{true, false} {
				ch := connect(t, s, func(cfg *Config) {
					if user {
						cfg.UserToken = secret.New("user-token")
					}
				})
				got, err := ch.Survey(t.Context(), channel.Address{Thread: "1/128"}, time.Now().Add(-time.Minute))
				if !user && c.options.TeamBug {
					if !fault.Is(err, fault.Transient) {
						t.Errorf("Survey with the bot token alone = %v, want fault.Transient", err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("Survey = %v", err)
				}
				by, want := c.by, c.said
				if !user {
					by, want = channel.CannotTell, c.newest
				}
				var said []string
				for _, e := range got.Said {
					said = append(said, e.Content.Text)
					if e.Kind != channel.Received || e.Key == "" || e.Chat != "1" || e.Thread != "1/128" || e.At.IsZero() || len(e.Contact.Identities) == 0 {
						t.Errorf("Said holds %+v, want it as the webhook tells it", e)
					}
				}
				if got.Snapshot.Status != conversation.Open || got.Person != c.person || got.BySystem != by {
					t.Errorf("Survey (user's token %v) = %+v, want open, person %v, by itself %v", user, got, c.person, by)
				}
				if diff := cmp.Diff(want, said, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("Said (user's token %v) (-want +got):\n%s", user, diff)
				}
			}
		})
	}
}

// What cannot be read is an error, and never a survey that shows nothing.
func TestSurveyFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options chatwoottest.Options
		status  int
		want    fault.Kind
	}{
		"too old for bots": {chatwoottest.Options{Old: true}, 0, fault.Unauthorized},
		"down":             {chatwoottest.Options{}, 502, fault.Transient},
		"gone":             {chatwoottest.Options{}, 404, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.options)
			s.Open(chatwoottest.Contact{})
			if c.status != 0 {
				s.Fail(1, c.status)
			}
			if _, err := connect(t, s, nil).Survey(t.Context(), channel.Address{Thread: "1/128"}, time.Now()); !fault.Is(err, c.want) {
				t.Errorf("Survey = %v, want %v", err, c.want)
			}
		})
	}
}

func TestTellsFailure(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"Conversation was marked open by system due to an error with the agent bot.": true,
		"A conversa foi marcada como aberta pelo sistema devido a um erro no robô.":  true,
		"La conversación fue abierta por el sistema debido a un error con el bot.":   true,
		"Conversation was reopened by Carlos Lima":                                   false,
		"Conversation was marked open by system":                                     false,
		"Assigned to Bot Erro by Carlos":                                             false,
		"":                                                                           false,
	} {
		if got := tellsFailure(line); got != want {
			t.Errorf("tellsFailure(%q) = %v, want %v", line, got, want)
		}
	}
}

// A person tells us what to do in a private note of one word; in a message to the customer,
// in a note of ours, or with other words beside it, it is nothing.
func TestCommands(t *testing.T) {
	t.Parallel()
	c, err := New(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text   string
		change func(object)
		want   channel.Command
	}{
		{"/bot", nil, channel.HandBack},
		{" /Devolver\n", nil, channel.HandBack},
		{"/humano", nil, channel.TakeOver},
		{"/bot por favor", nil, ""},
		{"bot", nil, ""},
		{"/bot", func(o object) { o["private"] = false }, ""},
		{"/bot", func(o object) { o["event"] = "message_updated" }, ""},
		{"/bot", func(o object) { o["content_attributes"] = map[string]any{Marker: "d"} }, ""},
		{"/bot", func(o object) { o["content_attributes"] = map[string]any{"automation_rule_id": "3"} }, ""},
		{"/bot", func(o object) { o["sender"] = map[string]any{"id": "8", "type": "agent_bot"} }, ""},
	} {
		v, err := value(wire(t, "message_created.outgoing.private_note_human"))
		if err != nil {
			t.Fatal(err)
		}
		o := asObject(v)
		o["content"] = test.text
		if test.change != nil {
			test.change(o)
		}
		events, err := c.parse(o)
		if err != nil || len(events) != 1 || events[0].Command != test.want {
			t.Errorf("note %q = %+v, %v, want command %q", test.text, events, err, test.want)
		}
		if test.want != "" && (events[0].Kind != channel.Ignored || events[0].Key == "") {
			t.Errorf("note %q = %+v, want it ignored, with its key", test.text, events[0])
		}
	}
}
