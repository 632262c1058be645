package whaticket

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/channeltest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

const (
	testSecret = "minha-shared-secret"
	testNumber = "5511988877766"
	testToken  = "webhook-token-31f7"
)

// modes translates the suite's behaviours; Down is no mode but a closed server.
var modes = map[channeltest.Behaviour]whatickettest.Mode{
	channeltest.Healthy: whatickettest.Healthy, channeltest.TooMany: whatickettest.TooMany,
	channeltest.Broken: whatickettest.Broken, channeltest.Hang: whatickettest.Hang,
	channeltest.Reset: whatickettest.Reset, channeltest.LostAnswer: whatickettest.LostAnswer,
	channeltest.HalfAnswer: whatickettest.HalfAnswer, channeltest.HTML: whatickettest.HTML,
	channeltest.Refuse: whatickettest.Refuse,
}

// start starts a fake Whaticket and a client that reaches it.
func start(t *testing.T, server *whatickettest.Server) *httpclient.Client {
	t.Helper()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local()})
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client
}

func mustNew(t *testing.T, cfg Config, client *httpclient.Client) *Channel {
	t.Helper()
	if cfg.Auth == "" && cfg.Secrets == nil {
		cfg.Secrets = []secret.String{secret.New(testSecret)}
	}
	c, err := New(cfg, client)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func withToken(cfg Config) Config {
	cfg.Token = secret.New(whatickettest.DefaultToken)
	return cfg
}

func withLogin(cfg Config) Config {
	cfg.Email, cfg.Password = whatickettest.DefaultEmail, secret.New(whatickettest.DefaultPassword)
	return cfg
}

func signed(body []byte) *channel.Request {
	now := time.Now()
	timestamp := strconv.FormatInt(now.Unix(), 10)
	r := &channel.Request{Header: map[string][]string{}, Body: body, Received: now}
	r.Header.Set("X-Timestamp", timestamp)
	r.Header.Set("X-Signature", whatickettest.Sign(testSecret, timestamp, body))
	r.Header.Set("X-Webhook-Token", testToken)
	return r
}

var answers = []channeltest.Answer{
	{Outcome: channel.Outcome{Kind: channel.Accepted}, Status: 202, JSON: `{"queued":true}`},
	{Outcome: channel.Outcome{Kind: channel.Duplicate}, Status: 202, JSON: `{"queued":true,"duplicate":true}`},
	{Outcome: channel.Outcome{Kind: channel.Skipped, Detail: "group"}, Status: 202, JSON: `{"queued":false,"ignored":"group"}`},
	{Outcome: channel.Outcome{Kind: channel.BadPayload, Detail: "number: required"}, Status: 400, JSON: `{"error":"invalid payload","details":"number: required"}`},
	{Outcome: channel.Outcome{Kind: channel.Refused, Detail: "invalid signature"}, Status: 401, JSON: `{"error":"invalid signature"}`},
	{Outcome: channel.Outcome{Kind: channel.Refused, Detail: "invalid token"}, Status: 401, JSON: `{"error":"invalid token"}`},
	{Outcome: channel.Outcome{Kind: channel.Refused, Detail: "anything"}, Status: 401, JSON: `{"error":"invalid signature"}`},
	{Outcome: channel.Outcome{Kind: channel.TooLarge}, Status: 413, JSON: `{"error":"payload too large"}`},
	{Outcome: channel.Outcome{Kind: channel.WrongType}, Status: 415, JSON: `{"error":"unsupported media type"}`},
	{Outcome: channel.Outcome{Kind: channel.TooManyByIP}, Status: 429, JSON: `{"error":"too_many_requests_ip"}`},
	{Outcome: channel.Outcome{Kind: channel.TooManyByContact}, Status: 429, JSON: `{"error":"too_many_requests_number"}`},
	{Outcome: channel.Outcome{Kind: channel.Unavailable}, Status: 500, JSON: `{"error":"temporarily unavailable"}`},
}

// bodies returns the recorded webhook bodies that are accepted, the plainest first, and
// those that are refused.
func bodies(t *testing.T) (good, bad [][]byte) {
	t.Helper()
	refused := map[string]bool{
		"flat-message-missing.json": true, "flat-message-null.json": true, "flat-message-empty-object.json": true,
		"flat-number-empty.json": true, "seed-3-invalid-missing-number.json": true,
	}
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded events: %v", err)
	}
	for _, f := range append([]string{"testdata/events/seed-1-text.json"}, files...) {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if refused[filepath.Base(f)] {
			bad = append(bad, body)
		} else {
			good = append(good, body)
		}
	}
	return good, bad
}

func TestChannel(t *testing.T) {
	t.Parallel()
	good, bad := bodies(t)
	say := channel.Order{Kind: channel.Say, Address: channel.Address{To: testNumber}}
	handoff := []channel.Order{
		{Kind: channel.Assign, Address: say.Address, Team: "1"},
		{Kind: channel.OpenUp, Address: say.Address},
	}
	for name, c := range map[string]struct {
		variant    whatickettest.Variant
		config     func(Config) Config
		others     []channel.Order
		reconciles bool
	}{
		"Token":     {whatickettest.Community, withToken, nil, false},
		"Login":     {whatickettest.Community, withLogin, handoff, true},
		"Both":      {whatickettest.Community, func(c Config) Config { return withToken(withLogin(c)) }, handoff, true},
		"BothSaaS":  {whatickettest.SaaS, func(c Config) Config { return withToken(withLogin(c)) }, handoff, true},
		"LoginSaaS": {whatickettest.SaaS, withLogin, handoff, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := good
			if name != "Token" { // parsing does not depend on credentials
				g = good[:1]
			}
			channeltest.Run(t, channeltest.Harness{
				New: func(t *testing.T) channeltest.Bench {
					server := &whatickettest.Server{Variant: c.variant}
					client := start(t, server)
					server.CustomerWrote(testNumber, "Olá")
					return channeltest.Bench{
						Channel: mustNew(t, c.config(Config{
							BaseURL:       server.URL(),
							WebhookTokens: []secret.String{secret.New(testToken)},
						}), client),
						Peer: channeltest.Peer{
							Set: func(b channeltest.Behaviour) <-chan struct{} {
								if b == channeltest.Down {
									server.Close()
									client.Close()
									return nil
								}
								return server.Misbehave(modes[b])
							},
							Said: func() []string {
								var said []string
								for _, m := range server.Sent() {
									said = append(said, m.Body)
								}
								return said
							},
						},
						Sign: signed,
					}
				},
				Good: g, Bad: bad,
				Signed:      true,
				AuthHeaders: []string{"X-Timestamp", "X-Signature", "X-Webhook-Token"},
				Answers:     answers,
				Close:       true,
				Say:         say,
				Others:      c.others,
				Templates:   []string{"{{"},
				Reconciles:  c.reconciles,
				Secrets:     []string{testSecret, testToken, whatickettest.DefaultToken, whatickettest.DefaultPassword},
				Private:     []string{"127.0.0.1", testNumber},
			})
		})
	}
}

// front is a server that is no Whaticket at all.
type front struct {
	url    string
	client *httpclient.Client
}

func fronted(t *testing.T, handler http.HandlerFunc) front {
	t.Helper()
	server := httptest.NewServer(handler)
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local()})
	t.Cleanup(func() {
		client.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return front{server.URL, client}
}
