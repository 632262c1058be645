package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
)

const (
	sharedSecret = "shared-secret-of-the-crash-test"
	botSecret    = "bot-secret-of-the-crash-test"
	userToken    = "user-token-of-the-crash-test"
	modelKey     = "sk-crash-test-0123456789abcdef"
)

// agentBot is where webhooks from Chatwoot go; the balancer adds the inbox.
const agentBot = "/api/v1/webhooks/agentbot/"

// inboxes are the names of the desks in the configuration.
var inboxes = map[desk]string{echoed: "site", searched: "loja-site", lookedUp: "loja", blind: "filial"}

// town is everything around the program: helpdesks with the gate before them, a model, a
// load balancer, and customers. It outlives every process.
type town struct {
	t         *testing.T
	whaticket map[desk]*whatickettest.Server
	chatwoot  *chatwoottest.Server
	model     *model
	gate      *gate
	balancer  *balancer
	client    *http.Client
	customers []*customer
	byPrefix  map[string]*customer
	threads   map[int64]*customer // by conversation in Chatwoot
	gates     map[desk]string     // base URLs of the helpdesks

	mu      sync.Mutex
	random  *rand.Rand
	diary   []entry
	outages []span
	seats   []*process
}

// entry is a line of the diary: something happened to a customer, or to all of them.
type entry struct {
	at   time.Time
	who  *customer
	what string
}

// span is a time in which a process, or all of them, may have lost track of what they did.
type span struct {
	seat     int // -1: all
	from, to time.Time
}

func newTown(t *testing.T, seed uint64, customers int, letters int) *town {
	t.Helper()
	w := &town{t: t, random: rand.New(rand.NewPCG(seed, 2)), byPrefix: map[string]*customer{}, threads: map[int64]*customer{},
		whaticket: map[desk]*whatickettest.Server{lookedUp: {}, blind: {}},
		client:    &http.Client{Timeout: 2 * patience, Transport: &http.Transport{DisableKeepAlives: true}}}
	w.model = newModel(w)
	t.Cleanup(w.model.close)
	w.balancer = newBalancer(w)
	t.Cleanup(w.balancer.close)
	var err error
	w.chatwoot, err = chatwoottest.Start(chatwoottest.Options{RetryDelay: time.Second, PerMinute: 1 << 30, UserToken: userToken,
		WebhookURL: w.balancer.url() + agentBot, Secret: botSecret})
	must(t, err)
	t.Cleanup(w.chatwoot.Close)
	w.gate = newGate(w)
	t.Cleanup(w.gate.close)
	chatwoot := w.gate.open(echoed, w.gate.toServer(w.chatwoot.URL()))
	w.gates = map[desk]string{echoed: chatwoot, searched: chatwoot, lookedUp: w.gate.open(lookedUp, toHandler(w.whaticket[lookedUp])),
		blind: w.gate.open(blind, toHandler(w.whaticket[blind]))}
	for i := range customers {
		c := &customer{desk: [...]desk{echoed, lookedUp, searched, blind}[i%4], prefix: fmt.Sprintf("assunto-%d-", i), todo: make(chan letter, letters),
			acked: map[string]time.Time{}, excused: map[string]bool{}, letters: map[string]letter{}}
		if c.desk.chatwoot() {
			c.thread = w.chatwoot.Open(chatwoottest.Contact{Name: fmt.Sprintf("Freguês %d", i)})
			w.threads[c.thread] = c
		} else {
			c.number = fmt.Sprintf("551198888%04d", i)
		}
		w.customers = append(w.customers, c)
		w.byPrefix[c.prefix] = c
	}
	return w
}

// seat is a number for the next process. It is part of every URL that the process is told, so
// that the peers know who calls.
func (w *town) seat() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seats = append(w.seats, nil)
	return len(w.seats) - 1
}

// seated says which process has a seat.
func (w *town) seated(number int, p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seats[number] = p
}

// killed says whether the process of a seat was killed before a moment.
func (w *town) killed(number int, before time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number >= len(w.seats) || w.seats[number] == nil {
		return false
	}
	at := w.seats[number].killedAt.Load()
	return at != 0 && at < before.UnixNano()
}

// seat takes the number of the caller out of a URL.
func seat(r *http.Request) int {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	number, err := strconv.Atoi(first)
	if err != nil {
		return -1
	}
	r.URL.Path = "/" + rest
	return number
}

// configure writes the configuration of a process.
func (w *town) configure(dir string, seat int) {
	w.t.Helper()
	text := "inboxes:\n"
	add := func(d desk, more string) {
		secret, kind := sharedSecret, "whaticket"
		if d.chatwoot() {
			secret, kind = botSecret, "chatwoot"
		}
		text += fmt.Sprintf("  %s: {channel: %s, desk: secretaria, secrets: %s, base_url: %q, %s}\n", inboxes[d], kind, secret, fmt.Sprintf("%s/%d", w.gates[d], seat), more)
	}
	// What Chatwoot opens because we were dead, the campaign itself gives back.
	add(echoed, "take_back: 0s, account_id: 1, token: bot-token")
	add(searched, "take_back: 0s, account_id: 1, token: bot-token, user_token: "+userToken)
	add(lookedUp, fmt.Sprintf("token: %s, email: %s, password: %s", whatickettest.DefaultToken, whatickettest.DefaultEmail, whatickettest.DefaultPassword))
	// Whoever is left to a person after an unknown outcome is answered again soon.
	add(blind, fmt.Sprintf("token: %s, hold: 2s", whatickettest.DefaultToken))
	must(w.t, os.WriteFile(filepath.Join(dir, "secretaria.yaml"), []byte(text), 0o600))
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

// outage notes a time in which the process of a seat, or all of them, may have lost track.
func (w *town) outage(seat int, from, to time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outages = append(w.outages, span{seat, from, to})
}

// disturbed says whether an outage of a process touched the time from one moment to another.
func (w *town) disturbed(seat int, from, to time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.outages, func(s span) bool {
		return (s.seat < 0 || s.seat == seat) && !s.from.After(to) && !s.to.Before(from)
	})
}

// answer is what a customer got.
type answer struct {
	at   time.Time
	text string
}

// answers are everything that customers got, by the records of the helpdesks.
func (w *town) answers() map[*customer][]answer {
	got := map[*customer][]answer{}
	numbers := map[string]*customer{}
	for _, c := range w.customers {
		if c.desk.chatwoot() {
			for _, m := range w.chatwoot.Conversation(c.thread).Said() {
				got[c] = append(got[c], answer{m.At, m.Content})
			}
			continue
		}
		numbers[c.number] = c
	}
	for d, s := range w.whaticket {
		for _, m := range s.Sent() {
			c := numbers[m.Number]
			if c == nil || c.desk != d {
				w.t.Errorf("an answer went to somebody who never wrote there: %q", m.Body)
				continue
			}
			got[c] = append(got[c], answer{m.At, m.Body})
		}
	}
	return got
}

// unanswered are the acknowledged words that no answer holds, and that people did not take.
func (w *town) unanswered() []string {
	got := w.answers()
	var missing []string
	for _, c := range w.customers {
		if c.desk.chatwoot() && w.chatwoot.Conversation(c.thread).Status != chatwoottest.Pending {
			c.excuse()
		}
		missing = append(missing, c.open(words(got[c]))...)
	}
	return missing
}

// words are those that a customer read.
func words(got []answer) map[string]bool {
	seen := map[string]bool{}
	for _, a := range got {
		for _, said := range word.FindAllString(a.text, -1) {
			seen[said] = true
		}
	}
	return seen
}

// timeline is what happened to one customer, with what happened to all.
func (w *town) timeline(c *customer, p *program) string {
	w.mu.Lock()
	entries := slices.Clone(w.diary)
	w.mu.Unlock()
	for _, a := range w.answers()[c] {
		entries = append(entries, entry{a.at, c, fmt.Sprintf("gets %q", a.text)})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.at.Compare(b.at) })
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s\n", strings.TrimSuffix(c.prefix, "-"), c.desk)
	for _, e := range entries {
		if e.who == c || e.who == nil {
			fmt.Fprintf(&out, "  %s %s\n", clock(e.at), e.what)
		}
	}
	// The first word of what is answered is the correlation id as well.
	for _, line := range p.written() {
		if strings.Contains(line, `"`+c.prefix) {
			out.WriteString("  " + line)
		}
	}
	if c.desk.chatwoot() {
		for _, hook := range w.chatwoot.Webhooks() {
			if hook.Conversation == c.thread {
				fmt.Fprintf(&out, "  webhook %s: %d %s\n", hook.Event, hook.Status, hook.Answer)
			}
		}
	}
	return out.String()
}

// forbidden are the words that no log may hold.
func (w *town) forbidden() []string {
	return []string{sharedSecret, botSecret, modelKey, whatickettest.DefaultToken, whatickettest.DefaultPassword,
		whatickettest.DefaultEmail, userToken, "Queria saber", "está bem", "Freguês", "551198888"}
}
