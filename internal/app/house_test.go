package app_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/secret"
	"secretaria/internal/telemetry"
)

const (
	whaticketSecret = "whaticket-signing-secret"
	chatwootSecret  = "chatwoot-signing-secret"
)

// house is the whole program on loopback with fake peers and a fake model.
type house struct {
	t         *testing.T
	app       *app.App
	options   app.Options
	url       string
	whaticket *whatickettest.Server
	chatwoot  *chatwoottest.Server
	model     *llmtest.OpenAI
	dial      sync.Once    // guards http
	http      *http.Client // see client
}

// open starts a house; change may alter its options.
func open(t *testing.T, change func(*app.Options)) *house {
	t.Helper()
	h := &house{t: t, whaticket: &whatickettest.Server{}, model: &llmtest.OpenAI{}}
	must(t, h.whaticket.Start())
	t.Cleanup(h.whaticket.Close)
	must(t, h.model.Start())
	t.Cleanup(func() { h.model.Close() })
	var err error
	h.chatwoot, err = chatwoottest.Start(chatwoottest.Options{Secret: chatwootSecret, RetryDelay: 10 * time.Millisecond})
	must(t, err)
	t.Cleanup(h.chatwoot.Close)
	h.options = app.Options{
		Version: "test", Host: "127.0.0.1", Database: filepath.Join(t.TempDir(), "secretaria.db"), Metrics: true, Addresses: httpclient.Local(),
		Desks: []agent.Config{{Name: "secretaria"}, {Name: "sdr"}},
		Inboxes: []app.Inbox{
			{Name: "whaticket", Desk: "secretaria", Hold: 24 * time.Hour, Whaticket: &whaticket.Config{
				BaseURL: h.whaticket.URL(), Token: secret.New(whatickettest.DefaultToken), Email: whatickettest.DefaultEmail,
				Password: secret.New(whatickettest.DefaultPassword), Secrets: []secret.String{secret.New(whaticketSecret)}}},
			{Name: "chatwoot", Desk: "sdr", Chatwoot: &chatwoot.Config{
				BaseURL: h.chatwoot.URL(), AccountID: "1", Token: secret.New("bot-token"), Secrets: []secret.String{secret.New(chatwootSecret)}}},
		},
		Models: app.Models{OpenAI: &openai.Config{APIKey: secret.New("sk-test"), Model: "gpt-test", BaseURL: h.model.BaseURL()},
			Resilience: resilient.Config{Pause: time.Millisecond, MaxPause: time.Millisecond}},
		Quiet:        conversation.Quiet{Window: 50 * time.Millisecond, Max: time.Second},
		DedupeWindow: 5 * time.Minute,
		Limits:       app.Limits{Failures: 60, Whaticket: 20, Chatwoot: 60},
		Schedule:     []time.Duration{20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, 80 * time.Millisecond, 80 * time.Millisecond},
		Logger:       telemetry.NewLogger(testWriter{t}, nil, "json"),
	}
	if change != nil {
		change(&h.options)
	}
	h.options.Desks = slices.Clone(h.options.Desks)
	for i := range h.options.Desks {
		if s := &h.options.Desks[i].Safety; s.Disclosure == "" {
			s.Disclosure = agent.NoDisclosure // answers are compared as the model gave them
		}
	}
	if h.options.Postgres.IsZero() {
		empty, err := template()
		must(t, err)
		must(t, os.WriteFile(h.options.Database, empty, 0o600))
	}
	h.start()
	return h
}

// template is a migrated database without a row: a house that migrates its own opens a
// second later, under the race detector.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "secretaria-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "secretaria.db")
	a, err := app.New(context.Background(), app.Options{Database: path})
	if err != nil {
		return nil, err
	}
	if err := a.Stop(context.Background()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Helper()
	w.t.Log(string(b))
	return len(b), nil
}

func (h *house) start() {
	h.t.Helper()
	a, err := app.New(h.t.Context(), h.options)
	must(h.t, err)
	must(h.t, a.Start(h.t.Context()))
	h.app, h.url = a, "http://"+a.Addr()
	h.chatwoot.SetWebhook(h.url+"/api/v1/webhooks/agentbot", chatwootSecret)
	h.t.Cleanup(func() { h.stop() })
}

func (h *house) stop() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := h.app.Stop(ctx); err != nil {
		h.t.Errorf("stop: %v", err)
	}
}

// whatsapp posts what a customer wrote, signed, and returns status and body of our answer.
func (h *house) whatsapp(number, text string) (int, string) {
	h.t.Helper()
	h.whaticket.CustomerWrote(number, text)
	return h.post(whatickettest.Baileys{JID: number + "@s.whatsapp.net", ID: telemetry.NewCorrelation(), Text: text, At: time.Now()}.Body())
}

func (h *house) post(body []byte) (int, string) {
	h.t.Helper()
	status, answer, err := whatickettest.Post(h.t.Context(), h.url+"/webhook/whaticket", whaticketSecret, body)
	must(h.t, err)
	return status, string(answer)
}

// writes posts what a Chatwoot customer wrote, and checks that it was acknowledged.
func (h *house) writes(id int64, text string) {
	h.t.Helper()
	w, err := h.chatwoot.Customer(h.t.Context(), id, text)
	must(h.t, err)
	if w.Status != http.StatusOK {
		h.t.Fatalf("chatwoot webhook answered %d, want 200", w.Status)
	}
}

// said waits until the bot has said n things in a Chatwoot conversation.
func (h *house) said(id int64, n int) []chatwoottest.Message {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	if err := h.chatwoot.Wait(ctx, func() bool { return len(h.chatwoot.Conversation(id).Said()) >= n }); err != nil {
		h.t.Fatalf("chatwoot conversation %d has %d messages of ours, want %d: %v", id, len(h.chatwoot.Conversation(id).Said()), n, err)
	}
	return h.chatwoot.Conversation(id).Said()
}

// sent waits until Whaticket got n messages of ours.
func (h *house) sent(n int) []whatickettest.Message {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	out, err := h.whaticket.Wait(ctx, n)
	if err != nil {
		h.t.Fatalf("whaticket has %d messages of ours, want %d: %v", len(out), n, err)
	}
	return out
}

func (h *house) get(path string) (int, string) {
	h.t.Helper()
	resp, err := http.Get(h.url + path)
	must(h.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(h.t, err)
	return resp.StatusCode, string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
