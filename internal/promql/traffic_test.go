package promql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/tracing/tracingtest"
)

const (
	sharedSecret = "shared-secret-of-the-metrics-test"
	botSecret    = "bot-secret-of-the-metrics-test"
)

// town is the program with all that it talks to, and somebody who asks it everything.
type town struct {
	t         *testing.T
	addr      string
	whaticket *whatickettest.Server
	chatwoot  *chatwoottest.Server
	model     *llmtest.OpenAI
	client    *http.Client
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, whaticket: &whatickettest.Server{}, model: &llmtest.OpenAI{}, client: &http.Client{Timeout: patience}}
	t.Cleanup(w.client.CloseIdleConnections)
	must(t, w.whaticket.Start())
	t.Cleanup(w.whaticket.Close)
	var asked atomic.Int64
	w.model.Respond = func(*llmtest.Request) llmtest.Reply {
		// Every seventh try fails, so that there is something to count.
		if asked.Add(1)%7 == 3 {
			return llmtest.Reply{Status: http.StatusInternalServerError}
		}
		return llmtest.Reply{Text: "Bom dia! Como posso ajudar?"}
	}
	must(t, w.model.Start())
	t.Cleanup(func() { _ = w.model.Close() })
	var err error
	w.chatwoot, err = chatwoottest.Start(chatwoottest.Options{Secret: botSecret, PerMinute: 1 << 30})
	must(t, err)
	t.Cleanup(w.chatwoot.Close)

	collector := (&tracingtest.Collector{}).Start() // the metrics of traces are there where one is named
	t.Cleanup(collector.Close)

	dir := t.TempDir()
	// Nobody answers at the third inbox, so readiness is 503: the failure of ours that needs no fault.
	config := fmt.Sprintf(`
inboxes:
  zap: {channel: whaticket, desk: secretaria, secrets: %[1]s, base_url: %[3]q, token: %[5]s}
  site: {channel: chatwoot, desk: secretaria, secrets: %[2]s, base_url: %[4]q, account_id: 1, token: bot-token}
  fora: {channel: chatwoot, desk: secretaria, secrets: %[2]s, base_url: "http://127.0.0.1:1", account_id: 1, token: bot-token}
`, sharedSecret, botSecret, w.whaticket.URL(), w.chatwoot.URL(), whatickettest.DefaultToken)
	must(t, os.WriteFile(filepath.Join(dir, "secretaria.yaml"), []byte(config), 0o600))
	cmd := exec.Command(build(t), "serve")
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "APP_HOST=127.0.0.1", "APP_PORT=0", "TURN_QUIET=50ms", "ALLOW_PRIVATE_ADDRESSES=true",
		"OPENAI_API_KEY=sk-metrics", "OPENAI_BASE_URL=" + w.model.BaseURL(), "OPENAI_MODEL=gpt-4o-mini", "LLM_RETRY_ATTEMPTS=3", "WEBHOOK_RATE_LIMIT_NUMBER=100000",
		"WEBHOOK_RATE_LIMIT_IP=100000", "RATE_LIMIT_REQUESTS=100000",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL(),
		"REDIS_URL=redis://127.0.0.1:1", // its metrics are there where it is configured
	}
	w.addr = start(t, cmd, serving)
	w.chatwoot.SetWebhook("http://"+w.addr+"/api/v1/webhooks/agentbot/site", botSecret)
	return w
}

// ask makes a request and checks its status; body may be "".
func (w *town) ask(ctx context.Context, method, path, body string, want int) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+w.addr+path, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	w.do(req, want)
}

func (w *town) do(req *http.Request, want int) {
	resp, err := w.client.Do(req)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		w.t.Errorf("%s %s = %d %s, want %d", req.Method, req.URL.Path, resp.StatusCode, bytes.TrimSpace(text), want)
	}
}

// everything is one round of all kinds of requests: answered, refused, not found, failed.
func (w *town) everything(ctx context.Context, round int) {
	for i := range 3 {
		body := whatickettest.Baileys{JID: fmt.Sprintf("55119888%05d", round), ID: fmt.Sprintf("R%d-%d", round, i), Text: "quanto custa?"}.Body()
		req, err := whatickettest.SignedRequest("http://"+w.addr+"/webhook/whaticket/zap", sharedSecret, body)
		if err != nil {
			w.t.Error(err)
			return
		}
		w.do(req.WithContext(ctx), http.StatusAccepted)
	}
	if _, err := w.chatwoot.Customer(ctx, w.chatwoot.Open(chatwoottest.Contact{Name: "Maria"}), "bom dia"); err != nil && ctx.Err() == nil {
		w.t.Error(err)
	}
	w.ask(ctx, http.MethodPost, "/webhook/whaticket/zap", `{}`, http.StatusUnauthorized)
	w.ask(ctx, http.MethodGet, "/webhook/whaticket", "", http.StatusMethodNotAllowed)
	w.ask(ctx, http.MethodGet, "/api/v1/health", "", http.StatusOK)
	w.ask(ctx, http.MethodGet, "/nothing/here", "", http.StatusNotFound)
	if round%5 == 0 {
		w.ask(ctx, http.MethodGet, "/api/v1/readiness", "", http.StatusServiceUnavailable)
		w.ask(ctx, http.MethodGet, "/healthz", "", http.StatusServiceUnavailable) // there is no Redis
	}
}

// keepAsking makes rounds until the function that it returns is called, which waits for the last.
func (w *town) keepAsking() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Some rounds a second are traffic enough, and leave the machine to the other tests.
		tick := time.NewTicker(every / 4)
		defer tick.Stop()
		for round := 0; ; round++ {
			w.everything(ctx, round)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	w.t.Cleanup(stop) // where the test gave up before
	return stop
}

// answered waits until both helpdesks got so many answers.
func (w *town) answered(n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if _, err := w.whaticket.Wait(ctx, n); err != nil {
		w.t.Fatalf("whaticket got %d answers, want %d: %v", len(w.whaticket.Sent()), n, err)
	}
	said := func() bool {
		got := 0
		for _, r := range w.chatwoot.Requests() {
			if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/messages") {
				got++
			}
		}
		return got >= n
	}
	if err := w.chatwoot.Wait(ctx, said); err != nil {
		w.t.Fatalf("chatwoot got less than %d answers: %v", n, err)
	}
}
