package chatwoottest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
)

// hall is a fake with three inboxes, whose bots' events go to the returned channel.
func hall(t *testing.T, change func(*chatwoottest.Options)) (*chatwoottest.Server, <-chan string) {
	t.Helper()
	heard := make(chan string, 64)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Event       string `json:"event"`
			MessageType string `json:"message_type"`
			ContentType string `json:"content_type"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		heard <- strings.TrimSpace(body.Event + " " + body.MessageType + " " + body.ContentType)
	}))
	t.Cleanup(hook.Close)
	o := chatwoottest.Options{
		AdminToken: "admin", Bare: true, RetryDelay: time.Millisecond,
		Bots: []chatwoottest.Bot{{ID: 1, Name: "Lia", URL: hook.URL, Token: "lia"}},
		Inboxes: []chatwoottest.Inbox{
			{ID: 1, Name: "Site", Kind: chatwoottest.KindWebsite, BotID: 1, Greeting: true, Mail: true},
			{ID: 2, Name: "Sem robô"},
			{ID: 3, Name: "Fechada", BotID: 1, Closed: true, Survey: true},
		},
	}
	if change != nil {
		change(&o)
	}
	s, err := chatwoottest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, heard
}

// The inbox decides who hears a conversation, how it begins, and what Chatwoot adds to it.
func TestInboxesHaveConsequences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		inbox  int64
		status string
		again  string // after it was resolved and the customer writes
		types  []string
		events []string
	}{
		{1, chatwoottest.Pending, chatwoottest.Pending, []string{"incoming text", "template text", "template input_email"},
			[]string{"message_created incoming text", "message_created template text", "message_created template input_email"}},
		{2, chatwoottest.Open, chatwoottest.Open, []string{"incoming text"}, nil},
		{3, chatwoottest.Pending, chatwoottest.Pending, []string{"incoming text", "template text"},
			[]string{"message_created incoming text", "message_created template text"}},
	} {
		s, heard := hall(t, nil)
		id := s.OpenIn(c.inbox, chatwoottest.Contact{})
		if got := s.Conversation(id).Status; got != c.status {
			t.Errorf("a conversation in inbox %d begins %s, want %s", c.inbox, got, c.status)
		}
		if _, err := s.Customer(t.Context(), id, "Olá"); err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, m := range s.Conversation(id).Messages {
			types = append(types, m.Type+" "+m.ContentType)
		}
		if !slices.Equal(types, c.types) {
			t.Errorf("inbox %d: messages %q, want %q", c.inbox, types, c.types)
		}
		for _, want := range c.events {
			if got := <-heard; got != want {
				t.Errorf("inbox %d: event %q, want %q", c.inbox, got, want)
			}
		}
		if _, err := s.SetStatus(t.Context(), id, chatwoottest.Resolved); err != nil {
			t.Fatal(err)
		}
		surveyed := slices.ContainsFunc(s.Conversation(id).Messages, func(m *chatwoottest.Message) bool { return m.ContentType == "input_csat" })
		if surveyed != (c.inbox == 3) {
			t.Errorf("inbox %d: asked how it was: %v", c.inbox, surveyed)
		}
		if _, err := s.Customer(t.Context(), id, "Oi de novo"); err != nil {
			t.Fatal(err)
		}
		if got := s.Conversation(id).Status; got != c.again {
			t.Errorf("inbox %d: resolved, and the customer writes: %s, want %s", c.inbox, got, c.again)
		}
	}
}

// A Chatwoot that sends nothing to private addresses opens the conversation to people instead.
func TestPrivateAddressesAreBlocked(t *testing.T) {
	t.Parallel()
	s, heard := hall(t, func(o *chatwoottest.Options) { o.BlocksPrivate = true })
	id := s.OpenIn(3, chatwoottest.Contact{})
	hook, err := s.Customer(t.Context(), id, "Olá")
	if err != nil || hook.Status != 0 || s.Conversation(id).Status != chatwoottest.Open {
		t.Errorf("a blocked webhook = %d, %v, the conversation %s, want none and open", hook.Status, err, s.Conversation(id).Status)
	}
	select {
	case event := <-heard:
		t.Errorf("the bot heard %q", event)
	default:
	}
}

// A bot that was removed, or sits nowhere, has a token that opens nothing.
func TestTokensOfBots(t *testing.T) {
	t.Parallel()
	s, _ := hall(t, nil)
	call := func(method, path, token, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Api-Access-Token", token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	id := s.OpenIn(1, chatwoottest.Contact{})
	if id != 128 {
		t.Fatalf("OpenIn = %d, want 128", id)
	}
	const conversation, inboxes = "/api/v1/accounts/1/conversations/128", "/api/v1/accounts/1/inboxes"
	for _, step := range []struct {
		method, path, token, body string
		want                      int
	}{
		{http.MethodGet, conversation, "lia", "", 200},
		{http.MethodPost, inboxes + "/1/set_agent_bot", "lia", `{"agent_bot":null}`, 401},
		{http.MethodPost, inboxes + "/1/set_agent_bot", "admin", `{"agent_bot":null}`, 200},
		{http.MethodGet, conversation, "lia", "", 200}, // it still sits in another inbox
		{http.MethodPost, inboxes + "/3/set_agent_bot", "admin", `{"agent_bot":null}`, 200},
		{http.MethodGet, conversation, "lia", "", 401},
		{http.MethodPost, inboxes + "/1/set_agent_bot", "admin", `{"agent_bot":1}`, 200},
		{http.MethodGet, conversation, "lia", "", 200},
		{http.MethodDelete, "/api/v1/accounts/1/agent_bots/1", "admin", "", 200},
		{http.MethodGet, conversation, "lia", "", 401},
		{http.MethodGet, "/api/v1/accounts/1/agent_bots/1", "admin", "", 404},
		{http.MethodGet, inboxes, "", "", 401},
		{http.MethodGet, "/api/v1/accounts/2/inboxes", "admin", "", 401},
		{http.MethodGet, "/", "admin", "", 404},
		{http.MethodPost, "/public/api/v1/inboxes/none/contacts", "", "{}", 404},
	} {
		if got := call(step.method, step.path, step.token, step.body); got != step.want {
			t.Errorf("%s %s by %q = %d, want %d", step.method, step.path, step.token, got, step.want)
		}
	}
	if len(s.Bots()) != 0 || s.Inboxes()[0].BotID != 0 {
		t.Errorf("after it was removed there are %+v in %+v", s.Bots(), s.Inboxes())
	}
}
