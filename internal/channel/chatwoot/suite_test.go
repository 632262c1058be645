package chatwoot

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/channeltest"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// start starts a fake Chatwoot that ends with the test.
func start(t testing.TB, o chatwoottest.Options) *chatwoottest.Server {
	t.Helper()
	s, err := chatwoottest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// connect returns a channel to a fake, after the configuration was changed as wanted.
func connect(t testing.TB, s *chatwoottest.Server, change func(*Config)) *Channel {
	t.Helper()
	cfg := Config{BaseURL: s.URL(), AccountID: "1", Token: secret.New("bot-token"), Secrets: []secret.String{secret.New(testSecret)}}
	if change != nil {
		change(&cfg)
	}
	client := httpclient.New(httpclient.Options{Policy: httpclient.Policy{All: true}})
	t.Cleanup(client.Close)
	c, err := New(cfg, client)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wire makes the bytes that Chatwoot sends of a recorded event: compact, with < > & escaped.
func wire(t testing.TB, name string) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(eventFile(t, name)))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bench(t *testing.T, o chatwoottest.Options, change func(*Config)) channeltest.Bench {
	s := start(t, o)
	id := s.Open(chatwoottest.Contact{ID: 42, Phone: "+5511900000042"})
	set := func(b channeltest.Behaviour) <-chan struct{} {
		s.Behave()
		m := chatwoottest.Misbehaviour{Ops: chatwoottest.Effects(), Times: -1}
		switch b {
		case channeltest.Healthy:
			return nil
		case channeltest.TooMany:
			m.Status, m.Header = http.StatusTooManyRequests, map[string]string{"Retry-After": "7"}
		case channeltest.Broken:
			m.Status = http.StatusInternalServerError
		case channeltest.Hang:
			m.Hang = true
		case channeltest.Reset:
			m.Reset = true
		case channeltest.LostAnswer:
			m.Reset, m.After = true, true
		case channeltest.HalfAnswer:
			m.Half, m.After = true, true
		case channeltest.HTML:
			m.Status, m.ContentType, m.Body = http.StatusOK, "text/html; charset=utf-8", "<!DOCTYPE html><title>Chatwoot</title>"
		case channeltest.Refuse:
			m.Ops, m.Status = nil, http.StatusUnauthorized
		case channeltest.Down:
			s.Down()
			return nil
		}
		return s.Misbehave(m)
	}
	return channeltest.Bench{
		Channel: connect(t, s, change),
		Peer: channeltest.Peer{Set: set, Said: func() []string {
			var said []string
			for _, m := range s.Conversation(id).Said() {
				said = append(said, m.Wire)
			}
			return said
		}},
		Sign: func(body []byte) *channel.Request {
			now := time.Now()
			return &channel.Request{Header: chatwoottest.Headers(testSecret, body, now, o.BodyForm), Body: body, Received: now}
		},
	}
}

func harness(t *testing.T) channeltest.Harness {
	at := channel.Address{Thread: "1/128"}
	h := channeltest.Harness{
		Bad: [][]byte{
			[]byte(`{}`), []byte(`[]`), []byte(`{"event":null}`), []byte(`{"event":"message_created"}`),
			[]byte(`{"event":"message_created","conversation":{"id":1},"account":{"id":1}}`),
			[]byte(`{"event":"message_created","conversation":{"id":1},"account":{"id":1},"message_type":"incoming"}`),
			[]byte(`{"event":"conversation_updated","id":"um"}`),
		},
		Signed:      true,
		AuthHeaders: []string{signatureHeader, timestampHeader},
		Answers: []channeltest.Answer{
			{Outcome: channel.Outcome{Kind: channel.Accepted}, Status: 200, JSON: `{"ok":true}`},
			{Outcome: channel.Outcome{Kind: channel.Duplicate}, Status: 200, JSON: `{"ok":true,"duplicate":true}`},
			{Outcome: channel.Outcome{Kind: channel.Skipped, Detail: "private_note"}, Status: 200, JSON: `{"ok":true,"ignored":"private_note"}`},
			{Outcome: channel.Outcome{Kind: channel.BadPayload, Detail: "id: required"}, Status: 400, JSON: `{"detail":"invalid payload"}`},
			{Outcome: channel.Outcome{Kind: channel.Refused, Detail: "invalid token"}, Status: 401, JSON: `{"detail":"invalid signature"}`},
			{Outcome: channel.Outcome{Kind: channel.TooLarge}, Status: 413, JSON: `{"detail":"payload too large"}`},
			{Outcome: channel.Outcome{Kind: channel.WrongType}, Status: 415, JSON: `{"detail":"unsupported media type"}`},
			{Outcome: channel.Outcome{Kind: channel.TooManyByIP}, Status: 429, JSON: `{"detail":"rate limited"}`},
			{Outcome: channel.Outcome{Kind: channel.TooManyByContact}, Status: 429, JSON: `{"detail":"rate limited"}`},
			{Outcome: channel.Outcome{Kind: channel.Unavailable}, Status: 500, JSON: `{"detail":"temporarily unavailable"}`},
		},
		Say: channel.Order{Kind: channel.Say, Address: at, Text: "Olá"},
		Others: []channel.Order{
			{Kind: channel.Note, Address: at, Text: "Resumo"},
			{Kind: channel.Attributes, Address: at, Attributes: map[string]string{"intencao": "troca"}},
			{Kind: channel.Labels, Address: at, Labels: []string{"troca"}},
			{Kind: channel.Assign, Address: at, Team: "4"},
			{Kind: channel.OpenUp, Address: at},
			{Kind: channel.Pend, Address: at},
			{Kind: channel.Typing, Address: at},
		},
		Templates:  []string{"{{", "{%"},
		Reconciles: true,
		Secrets:    []string{"bot-token", testSecret, "user-token"},
		Private:    []string{"127.0.0.1", "Mariana", "5511900000042"},
	}
	for _, name := range []string{
		"message_created.incoming.whatsapp_text", "message_created.outgoing.human_agent_while_pending", "message_updated.incoming.audio_transcribed_enterprise",
		"message_updated.outgoing.bot_message_failed_outside_window", "message_updated.outgoing.input_select_submitted", "conversation_updated.status",
	} {
		h.Good = append(h.Good, wire(t, name))
	}
	return h
}

func TestChannel(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]struct {
		options chatwoottest.Options
		change  func(*Config)
		headers []string
	}{
		"BotToken":  {headers: []string{signatureHeader, timestampHeader}},
		"UserToken": {options: chatwoottest.Options{UserToken: "user-token"}, change: func(c *Config) { c.UserToken = secret.New("user-token") }, headers: []string{signatureHeader, timestampHeader}},
		"BodyForm":  {options: chatwoottest.Options{BodyForm: true}, change: func(c *Config) { c.Form = BodyOnly }, headers: []string{signatureHeader}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := harness(t)
			h.AuthHeaders = b.headers
			if name != "BotToken" {
				h.Good = h.Good[:1] // what is in the bodies does not depend on the tokens
			}
			h.New = func(t *testing.T) channeltest.Bench { return bench(t, b.options, b.change) }
			channeltest.Run(t, h)
		})
	}
}
