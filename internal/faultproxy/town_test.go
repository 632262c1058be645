package faultproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/queue"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
)

const (
	sharedSecret = "shared-secret-of-this-test"
	botSecret    = "bot-secret-of-this-test"
	// patience bounds every wait for something that must happen.
	patience = time.Minute
)

// town is the program on loopback between two helpdesks, a model and their customers.
type town struct {
	t         *testing.T
	app       *app.App
	options   app.Options
	url       string
	whaticket *whatickettest.Server
	chatwoot  *chatwoottest.Server
	openai    *llmtest.OpenAI
	gemini    *llmtest.Gemini
	client    *http.Client
	customers []*customer

	// failed counts attempts of deliveries, by channel, that ended without a message sent.
	failed map[channel.Kind]*atomic.Int64
}

// customer writes messages, each with a word of its own that the model repeats.
type customer struct {
	number string // on WhatsApp
	thread int64  // in Chatwoot

	mu       sync.Mutex
	prefix   string
	said     []string
	acked    map[string]bool
	refusals int
}

var word = regexp.MustCompile(`\bassunto-\d+-\d+\b`)

// think repeats the words of the messages that it is asked about.
func think(r *llmtest.Request) llmtest.Reply {
	return llmtest.Reply{Text: "Sobre " + strings.Join(word.FindAllString(r.LastUser(), -1), " e ") + ": está bem."}
}

// open builds a town; change puts proxies between the program and its peers.
func open(t *testing.T, change func(*town)) *town {
	t.Helper()
	w := &town{t: t, whaticket: &whatickettest.Server{}, openai: &llmtest.OpenAI{}, gemini: &llmtest.Gemini{},
		client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}},
		failed: map[channel.Kind]*atomic.Int64{channel.Whaticket: {}, channel.Chatwoot: {}}}
	w.openai.Respond, w.gemini.Respond = think, think
	must(t, w.whaticket.Start())
	t.Cleanup(w.whaticket.Close)
	must(t, w.openai.Start())
	t.Cleanup(func() { _ = w.openai.Close() })
	must(t, w.gemini.Start())
	t.Cleanup(func() { _ = w.gemini.Close() })
	var err error
	w.chatwoot, err = chatwoottest.Start(chatwoottest.Options{RetryDelay: 10 * time.Millisecond, Timeout: patience})
	must(t, err)
	t.Cleanup(w.chatwoot.Close)
	w.options = app.Options{
		Version: "test", Host: "127.0.0.1", Database: filepath.Join(t.TempDir(), "secretaria.db"), Metrics: true, Addresses: httpclient.Local(),
		Desks: []agent.Config{{Name: "secretaria", Safety: agent.Safety{Disclosure: agent.NoDisclosure}}},
		Inboxes: []app.Inbox{
			{Name: "whaticket", Desk: "secretaria", Hold: time.Hour, Whaticket: &whaticket.Config{
				BaseURL: w.whaticket.URL(), Token: secret.New(whatickettest.DefaultToken), Email: whatickettest.DefaultEmail,
				Password: secret.New(whatickettest.DefaultPassword), Secrets: []secret.String{secret.New(sharedSecret)}}},
			{Name: "chatwoot", Desk: "secretaria", Chatwoot: &chatwoot.Config{
				BaseURL: w.chatwoot.URL(), AccountID: "1", Token: secret.New("bot-token"), Secrets: []secret.String{secret.New(botSecret)}}},
		},
		Models: app.Models{
			OpenAI: &openai.Config{APIKey: secret.New("sk-test"), Model: "gpt-test", BaseURL: w.openai.BaseURL()},
			// Patient enough to outlive the trouble: what is not is another test's.
			Resilience: resilient.Config{Timeout: time.Second, Attempts: 10_000, BreakerThreshold: 10_000, Pause: 20 * time.Millisecond, MaxPause: 50 * time.Millisecond},
		},
		Quiet:        conversation.Quiet{Window: 20 * time.Millisecond, Max: 200 * time.Millisecond},
		DedupeWindow: 5 * time.Minute,
		SendTimeout:  time.Second,
		Schedule:     slices.Repeat([]time.Duration{50 * time.Millisecond}, 1000),
		Queue:        queue.Config{Poll: 100 * time.Millisecond, Sweep: 50 * time.Millisecond},
		Observe: app.Observer{Delivery: func(d delivery.Done) {
			if d.Outcome != store.AttemptSent {
				w.failed[d.Delivery.Channel].Add(1)
			}
		}},
		Logger: telemetry.NewLogger(testWriter{t}, nil, "json"),
	}
	if change != nil {
		change(w)
	}
	if w.options.Postgres.IsZero() {
		empty, err := template()
		must(t, err)
		must(t, os.WriteFile(w.options.Database, empty, 0o600))
	}
	w.start()
	for i := range 6 {
		c := &customer{prefix: fmt.Sprintf("assunto-%d-", i), acked: map[string]bool{}}
		if i%2 == 0 {
			c.number = fmt.Sprintf("551198888%04d", i)
		} else {
			c.thread = w.chatwoot.Open(chatwoottest.Contact{Name: fmt.Sprintf("Freguês %d", i)})
		}
		w.customers = append(w.customers, c)
	}
	return w
}

// template is a migrated database without a row.
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
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (w *town) start() {
	w.t.Helper()
	a, err := app.New(w.t.Context(), w.options)
	must(w.t, err)
	must(w.t, a.Start(w.t.Context()))
	w.app, w.url = a, "http://"+a.Addr()
	w.chatwoot.SetWebhook(w.url+"/api/v1/webhooks/agentbot", botSecret)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			w.t.Errorf("stop: %v", err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write lets a customer say something new.
func (w *town) write(c *customer) {
	c.mu.Lock()
	said := fmt.Sprintf("%s%d", c.prefix, len(c.said))
	c.said = append(c.said, said)
	c.mu.Unlock()
	text := "Queria saber do " + said
	status := 0
	if c.thread != 0 {
		if hook, err := w.chatwoot.Customer(w.t.Context(), c.thread, text); err == nil {
			status = hook.Status
		}
	} else {
		w.whaticket.CustomerWrote(c.number, text)
		status = w.post(whatickettest.Baileys{JID: c.number, ID: uuid.NewString(), Text: text, At: time.Now()}.Body())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked[said] = status/100 == 2
	if !c.acked[said] {
		c.refusals++
	}
}

// post returns the status of the answer, 0 when none came.
func (w *town) post(body []byte) int {
	req, err := whatickettest.SignedRequest(w.url+"/webhook/whaticket", sharedSecret, body)
	if err != nil {
		return 0
	}
	resp, err := w.client.Do(req.WithContext(w.t.Context()))
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// everybody writes once, all at the same time. The returned func waits until all webhooks
// have their answer.
func (w *town) everybody() (wait func()) {
	var all sync.WaitGroup
	for _, c := range w.customers {
		all.Go(func() { w.write(c) })
	}
	return all.Wait
}

// answers are what the customers got, in order.
func (w *town) answers() map[*customer][]string {
	got := map[*customer][]string{}
	sent := w.whaticket.Sent()
	for _, c := range w.customers {
		for _, m := range sent {
			if c.number != "" && m.Number == c.number {
				got[c] = append(got[c], m.Body)
			}
		}
		if c.thread != 0 {
			for _, m := range w.chatwoot.Conversation(c.thread).Said() {
				got[c] = append(got[c], m.Content)
			}
		}
	}
	return got
}

// unanswered are the acknowledged words that no answer holds.
func (w *town) unanswered() []string {
	var missing []string
	got := w.answers()
	for _, c := range w.customers {
		text := strings.Join(got[c], "\n")
		c.mu.Lock()
		for said, ok := range c.acked {
			if ok && !slices.Contains(word.FindAllString(text, -1), said) {
				missing = append(missing, said)
			}
		}
		c.mu.Unlock()
	}
	slices.Sort(missing)
	return missing
}

// until waits for a condition.
func (w *town) until(what string, condition func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("waited %v for %s; unanswered: %v", patience, what, w.unanswered())
		}
	}
}

// quiet waits until nothing is left to be done.
func (w *town) quiet() {
	w.t.Helper()
	w.until("an empty queue", func() bool {
		turns, deliveries, err := w.app.Store().Backlog(w.t.Context(), time.Now().Add(time.Hour))
		return err == nil && turns == 0 && deliveries == 0
	})
}

// handBack gives the bot back the conversations that Chatwoot opened because a webhook
// failed. It returns how many there were.
func (w *town) handBack() (n int) {
	w.t.Helper()
	for _, c := range w.customers {
		if c.thread == 0 || w.chatwoot.Conversation(c.thread).Status == chatwoottest.Pending {
			continue
		}
		n++
		hook, err := w.chatwoot.SetStatus(w.t.Context(), c.thread, chatwoottest.Pending)
		if err != nil || hook.Status != http.StatusOK {
			w.t.Fatalf("hand-back of conversation %d was answered %d: %v", c.thread, hook.Status, err)
		}
	}
	return n
}

// check is what must hold for every customer: what was acknowledged was answered exactly
// once, the rest at most once, in order, and nothing else was said.
func (w *town) check() {
	w.t.Helper()
	got := w.answers()
	for _, c := range w.customers {
		order := word.FindAllString(strings.Join(got[c], "\n"), -1)
		count := map[string]int{}
		for _, said := range order {
			count[said]++
		}
		for _, said := range c.said {
			if n := count[said]; n > 1 || n == 0 && c.acked[said] {
				w.t.Errorf("%s (acknowledged: %v) was answered %d times, want once: %q", said, c.acked[said], n, got[c])
			}
		}
		if !slices.IsSortedFunc(order, func(a, b string) int { return slices.Index(c.said, a) - slices.Index(c.said, b) }) {
			w.t.Errorf("answers are out of order: %v", order)
		}
		for _, text := range got[c] {
			if !strings.Contains(text, c.prefix) {
				w.t.Errorf("customer %s got %q, which answers nothing of theirs", c.prefix, text)
			}
		}
	}
}

// metric is what the program says of itself, summed over the labels; -1 where it does not.
func (w *town) metric(name string) float64 {
	resp, err := w.client.Get(w.url + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return -1
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(text)) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if base, _, _ := strings.Cut(series, "{"); base != name {
			continue
		}
		// Labels of ours have no blanks in them.
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			sum, found = sum+n, true
		}
	}
	if !found {
		return -1
	}
	return sum
}

// refused counts webhooks that were not acknowledged.
func (w *town) refused() (n int) {
	for _, c := range w.customers {
		c.mu.Lock()
		n += c.refusals
		c.mu.Unlock()
	}
	return n
}

// dead are the deliveries that failed for good.
func (w *town) dead() []store.Delivery {
	w.t.Helper()
	list, err := w.app.Store().Deliveries(w.t.Context(), store.Filter{Status: store.FailedPermanent})
	must(w.t, err)
	return list
}

// replay sends what is dead once more.
func (w *town) replay() error {
	for _, d := range w.dead() {
		if err := w.app.Store().Replay(w.t.Context(), d.ID, time.Now()); err != nil {
			return err
		}
	}
	return nil
}
