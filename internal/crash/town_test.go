package crash

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/llm/llmtest"
)

const (
	sharedSecret = "shared-secret-of-the-crash-test"
	botSecret    = "bot-secret-of-the-crash-test"
	modelKey     = "sk-crash-test-0123456789abcdef"
)

// town is everything around the program: two helpdesks, a model, and customers. It outlives
// every process.
type town struct {
	t         *testing.T
	url       string
	whaticket *whatickettest.Server
	chatwoot  *chatwoottest.Server
	model     *llmtest.OpenAI
	program   *program
	client    *http.Client
	customers []*customer

	life            atomic.Int64 // which run of the program this is
	asked, answered atomic.Int64 // calls of the model that began in this life, and that were answered in it

	mu     sync.Mutex
	random *rand.Rand
	diary  []entry
}

// entry is a line of the diary: something happened to a customer, or to all of them.
type entry struct {
	at   time.Time
	who  *customer
	what string
}

// customer writes messages, each with a word of its own that the model repeats in its answer.
type customer struct {
	number string // on WhatsApp
	thread int64  // in Chatwoot
	prefix string

	mu    sync.Mutex
	said  []string        // all words so far
	acked map[string]bool // those whose message was acknowledged
}

var word = regexp.MustCompile(`\bassunto-\d+-\d+\b`)

func newTown(t *testing.T, seed uint64, port, customers int) *town {
	t.Helper()
	w := &town{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port), whaticket: &whatickettest.Server{}, random: rand.New(rand.NewPCG(seed, 1)),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	w.model = &llmtest.OpenAI{Server: llmtest.Server{Key: modelKey, Respond: w.think}}
	must(t, w.whaticket.Start())
	t.Cleanup(w.whaticket.Close)
	must(t, w.model.Start())
	t.Cleanup(func() { _ = w.model.Close() })
	var err error
	w.chatwoot, err = chatwoottest.Start(chatwoottest.Options{RetryDelay: 10 * time.Millisecond, WebhookURL: w.url + "/api/v1/webhooks/agentbot", Secret: botSecret})
	must(t, err)
	t.Cleanup(w.chatwoot.Close)
	for i := range customers {
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// between draws a number from low to high.
func (w *town) between(low, high int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return low + w.random.IntN(high-low+1)
}

func (w *town) note(who *customer, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diary = append(w.diary, entry{time.Now(), who, fmt.Sprintf(format, args...)})
}

// think answers with the words of the messages that it was asked about, after about 300 ms.
func (w *town) think(r *llmtest.Request) llmtest.Reply {
	words := word.FindAllString(r.LastUser(), -1)
	who, life := w.by(words), w.life.Load()
	w.asked.Add(1)
	w.note(who, "model is asked about %v", words)
	<-time.After(time.Duration(w.between(200, 400)) * time.Millisecond)
	if life == w.life.Load() {
		w.answered.Add(1)
	}
	w.note(who, "model answers about %v", words)
	return llmtest.Reply{Text: "Sobre " + strings.Join(words, " e ") + ": está bem."}
}

func (w *town) by(words []string) *customer {
	for _, c := range w.customers {
		if len(words) > 0 && strings.HasPrefix(words[0], c.prefix) {
			return c
		}
	}
	return nil
}

// write lets a customer say something new; true when the webhook was acknowledged.
func (w *town) write(ctx context.Context, c *customer) bool {
	c.mu.Lock()
	said := fmt.Sprintf("%s%d", c.prefix, len(c.said))
	c.said = append(c.said, said)
	c.mu.Unlock()
	w.note(c, "writes %s", said)
	text := "Queria saber do " + said
	status := 0
	if c.thread != 0 {
		hook, err := w.chatwoot.Customer(ctx, c.thread, text)
		if err == nil {
			status = hook.Status
		}
	} else {
		w.whaticket.CustomerWrote(c.number, text)
		status = w.post(ctx, said, whatickettest.Baileys{JID: c.number, ID: uuid.NewString(), Text: text, At: time.Now()}.Body())
	}
	ok := status/100 == 2
	w.note(c, "%s was answered %d", said, status)
	c.mu.Lock()
	c.acked[said] = ok
	c.mu.Unlock()
	return ok
}

// post returns the status of the answer, 0 when none came.
func (w *town) post(ctx context.Context, correlation string, body []byte) int {
	req, err := whatickettest.SignedRequest(w.url+"/webhook/whaticket", sharedSecret, body)
	if err != nil {
		return 0
	}
	req.Header.Set("X-Correlation-ID", correlation)
	resp, err := w.client.Do(req.WithContext(ctx))
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// writeAll lets customers write at the same time, and tells of every acknowledgement. It
// returns those whose message was not acknowledged.
func (w *town) writeAll(ctx context.Context, customers []*customer, acked chan<- struct{}) []*customer {
	var mu sync.Mutex
	var failed []*customer
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, c := range customers {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if w.write(ctx, c) {
				acked <- struct{}{}
				return
			}
			mu.Lock()
			failed = append(failed, c)
			mu.Unlock()
		})
	}
	all.Wait()
	return failed
}

// handBack sets conversations to pending that Chatwoot opened by itself because a webhook
// failed while the program was down, as a person would who looks at them.
func (w *town) handBack(ctx context.Context, customers []*customer) {
	for _, c := range customers {
		if c.thread == 0 || w.chatwoot.Conversation(c.thread).Status == chatwoottest.Pending {
			continue
		}
		hook, err := w.chatwoot.SetStatus(ctx, c.thread, chatwoottest.Pending)
		if err != nil || hook.Status != http.StatusOK {
			w.t.Fatalf("hand-back of conversation %d was answered %d: %v", c.thread, hook.Status, err)
		}
		w.note(c, "is handed back to the bot")
	}
}

// answer is what a customer got.
type answer struct {
	at   time.Time
	text string
}

func (w *town) answers() map[*customer][]answer {
	got := map[*customer][]answer{}
	for _, m := range w.whaticket.Sent() {
		i := slices.IndexFunc(w.customers, func(c *customer) bool { return c.number == m.Number })
		if i < 0 {
			w.t.Errorf("an answer went to somebody who never wrote: %q", m.Body)
			continue
		}
		got[w.customers[i]] = append(got[w.customers[i]], answer{m.At, m.Body})
	}
	for _, c := range w.customers {
		if c.thread == 0 {
			continue
		}
		for _, m := range w.chatwoot.Conversation(c.thread).Said() {
			got[c] = append(got[c], answer{m.At, m.Content})
		}
	}
	return got
}

// sent counts the answers that the helpdesks have.
func (w *town) sent() int {
	n := 0
	for _, list := range w.answers() {
		n += len(list)
	}
	return n
}

// unanswered are the acknowledged words that no answer holds.
func (w *town) unanswered() []string {
	got := w.answers()
	var missing []string
	for _, c := range w.customers {
		seen := map[string]bool{}
		for _, a := range got[c] {
			for _, said := range word.FindAllString(a.text, -1) {
				seen[said] = true
			}
		}
		c.mu.Lock()
		for said, ok := range c.acked {
			if ok && !seen[said] {
				missing = append(missing, said)
			}
		}
		c.mu.Unlock()
	}
	slices.Sort(missing)
	return missing
}

// check is what must hold for every customer: what was acknowledged was answered exactly
// once, what was not at most once, in order, and nothing else was said.
func (w *town) check(p *program) {
	w.t.Helper()
	got := w.answers()
	for _, c := range w.customers {
		var order []string
		count := map[string]int{}
		problem := ""
		for _, a := range got[c] {
			words := word.FindAllString(a.text, -1)
			if len(words) == 0 {
				problem = fmt.Sprintf("an answer is about nothing: %q", a.text)
			}
			for _, said := range words {
				count[said]++
				if !strings.HasPrefix(said, c.prefix) {
					problem = fmt.Sprintf("got somebody else's answer: %q", a.text)
				}
			}
			order = append(order, words...)
		}
		for _, said := range c.said {
			switch {
			case count[said] > 1:
				problem = fmt.Sprintf("%s was answered %d times", said, count[said])
			case count[said] == 0 && c.acked[said]:
				problem = said + " was acknowledged and never answered"
			}
		}
		// They were written one after the other, so the answers hold a subsequence of them.
		at := 0
		for _, said := range order {
			i := slices.Index(c.said[at:], said)
			if i < 0 && problem == "" {
				problem = fmt.Sprintf("answers are out of order: %v", order)
			}
			at += i + 1
		}
		if problem != "" {
			w.t.Errorf("customer %s: %s\n%s", strings.TrimSuffix(c.prefix, "-"), problem, w.timeline(c, got[c], p))
		}
	}
}

// timeline is what happened to one customer, with the ends and starts of the program.
func (w *town) timeline(c *customer, got []answer, p *program) string {
	w.mu.Lock()
	entries := slices.Clone(w.diary)
	w.mu.Unlock()
	for _, a := range got {
		entries = append(entries, entry{a.at, c, fmt.Sprintf("gets %q", a.text)})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.at.Compare(b.at) })
	var b strings.Builder
	for _, e := range entries {
		if e.who == c || e.who == nil {
			fmt.Fprintf(&b, "  %s %s\n", e.at.Local().Format("15:04:05.000"), e.what)
		}
	}
	// On WhatsApp the word is the correlation id as well.
	for _, line := range p.written() {
		if strings.Contains(line, `"`+c.prefix) {
			b.WriteString("  " + line)
		}
	}
	if c.thread != 0 {
		for _, hook := range w.chatwoot.Webhooks() {
			if hook.Conversation == c.thread {
				fmt.Fprintf(&b, "  webhook %s: %d %s\n", hook.Event, hook.Status, hook.Answer)
			}
		}
	}
	return b.String()
}

// forbidden are the words that no log may hold.
func (w *town) forbidden() []string {
	words := map[string]bool{sharedSecret: true, botSecret: true, modelKey: true, whatickettest.DefaultToken: true, whatickettest.DefaultPassword: true,
		whatickettest.DefaultEmail: true, "Queria saber": true, "está bem": true, "Freguês": true}
	for _, c := range w.customers {
		if c.number != "" {
			words[c.number] = true
		}
	}
	return slices.Sorted(maps.Keys(words))
}
