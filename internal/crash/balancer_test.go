package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long the balancer lets a sender wait for a process that listens. It is
	// less than the five seconds after which Chatwoot gives up.
	patience = 4 * time.Second
	// pollEvery is how often it looks for one.
	pollEvery = 20 * time.Millisecond
)

// balancer stands between helpdesks and web processes, as operators are told to have one:
// it waits a moment when nobody listens, goes to another process when a connection is
// refused, and keeps the books on what was acknowledged. It also is what makes webhooks
// come twice and overtake each other.
type balancer struct {
	town   *town
	server *httptest.Server
	client *http.Client
	// strict balancers repeat nothing that was sent, and count what a sender would lose.
	strict bool

	mu    sync.Mutex
	front []string // base URLs of web processes
	lost  []string // what senders lost, where it is strict
	heard map[string]time.Time
	busy  map[string]int // requests under way, by base URL

	deaf atomic.Bool // echoes get lost where messages can be searched

	acks                        atomic.Int64 // of new messages
	accepted, refused, repeated atomic.Int64
	slowest                     atomic.Int64 // nanoseconds until an acknowledgement
}

// parked is a webhook that waits to be overtaken.
type parked struct {
	said string
	r    *http.Request
	body []byte
}

func newBalancer(w *town) *balancer {
	b := &balancer{town: w, heard: map[string]time.Time{}, busy: map[string]int{}, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	b.server = httptest.NewServer(b)
	return b
}

func (b *balancer) url() string { return b.server.URL }

func (b *balancer) close() { b.server.Close() }

// set says which web processes there are.
func (b *balancer) set(front ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.front = slices.Clone(front)
}

// choose returns the web process for a try, which is counted until it is done; "" when there
// is none. last says that all of them had their turn.
func (b *balancer) choose(n int) (base string, last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.front) == 0 {
		return "", true
	}
	base = b.front[n%len(b.front)]
	b.busy[base]++
	return base, (n+1)%len(b.front) == 0
}

func (b *balancer) done(base string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy[base]--
}

// idle says whether nothing is under way to a web process.
func (b *balancer) idle(base string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.busy[base] == 0
}

// ServeHTTP implements http.Handler.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	said, echo := b.read(r, body)
	c := b.town.by([]string{said})
	if said == "" || c == nil {
		// About our own message, or the state of a conversation.
		if echo != "" && b.deaf.Load() && strings.HasSuffix(r.URL.Path, inboxes[searched]) {
			respond(w, http.StatusOK, nil)
			return
		}
		status, answer := b.deliver(r, body, nil, "", letter{delivery: once})
		if echo != "" && status/100 == 2 {
			b.hears(echo)
		}
		respond(w, status, answer)
		return
	}
	l := c.letter(said)
	if l.swapped && c.desk.chatwoot() {
		c.mu.Lock()
		c.parked = &parked{said: said, r: r.Clone(context.WithoutCancel(r.Context())), body: body}
		c.mu.Unlock()
		respond(w, http.StatusOK, nil) // to the fake, which would not send the next one
		return
	}
	status, answer := b.deliver(r, body, c, said, l)
	c.mu.Lock()
	first := c.parked
	c.parked = nil
	c.mu.Unlock()
	if first != nil {
		b.deliver(first.r, first.body, c, first.said, letter{delivery: once, route: 1 - l.route})
	}
	respond(w, status, answer)
}

// read returns the word of a customer's message, or the text of our own that is echoed; both
// are "" for any other webhook. One from Chatwoot is sent on its way to the right inbox.
func (b *balancer) read(r *http.Request, body []byte) (said, echo string) {
	if strings.HasPrefix(r.URL.Path, "/webhook/whaticket") {
		return r.Header.Get("X-Correlation-ID"), ""
	}
	var event struct {
		ID           int64
		Event        string
		MessageType  string `json:"message_type"`
		Content      string
		Conversation *struct{ ID int64 }
	}
	if json.Unmarshal(body, &event) != nil {
		return "", ""
	}
	thread := event.ID
	if event.Conversation != nil {
		thread = event.Conversation.ID
	}
	r.URL.Path = agentBot + inboxes[b.town.threads[thread].desk]
	switch {
	case event.Event != "message_created":
		return "", ""
	case event.MessageType == "incoming":
		return word.FindString(event.Content), ""
	}
	return "", event.Content
}

// hears notes that the program was told of its own message.
func (b *balancer) hears(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.heard[text]; !known {
		b.heard[text] = time.Now()
	}
}

// heardBefore says whether the program was told of its own message by then.
func (b *balancer) heardBefore(text string, by time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, known := b.heard[text]
	return known && at.Before(by)
}

// deliver brings a webhook to the web processes as the letter wants it, and keeps the books.
func (b *balancer) deliver(r *http.Request, body []byte, c *customer, said string, l letter) (status int, answer []byte) {
	if c != nil {
		c.sets(said)
		r.Header.Set("X-Correlation-ID", said)
	}
	started := time.Now()
	var twin sync.WaitGroup
	if l.delivery == atOnce {
		b.repeated.Add(1)
		twin.Go(func() {
			if status, _ := b.forward(r, body, l.route+1, false); status/100 == 2 && c != nil {
				c.acknowledged(said, time.Now())
			}
		})
	}
	status, answer = b.forward(r, body, l.route, l.giveUp)
	twin.Wait()
	if status/100 == 2 {
		b.note(started)
	}
	if c == nil {
		return status, answer
	}
	if status/100 == 2 {
		c.acknowledged(said, time.Now())
		b.accepted.Add(1)
	} else {
		b.refused.Add(1)
	}
	b.acks.Add(1)
	b.town.note(c, "the webhook of %s (%s) was answered %d", said, l.delivery, status)
	if l.delivery == again {
		b.repeated.Add(1)
		second, _ := b.forward(r, body, l.route+1, false)
		b.town.note(c, "its repeat was answered %d", second)
	}
	return status, answer
}

func (b *balancer) note(started time.Time) {
	took := int64(time.Since(started))
	for {
		old := b.slowest.Load()
		if took <= old || b.slowest.CompareAndSwap(old, took) {
			return
		}
	}
}

// forward sends a request to the web processes, from the one that route means on, until one
// answers; 502 when the connection broke and nobody tries again, or when nobody listens for
// too long.
func (b *balancer) forward(r *http.Request, body []byte, route int, giveUp bool) (int, []byte) {
	deadline := time.Now().Add(patience)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), deadline)
	defer cancel()
	for try := 0; ; try++ {
		base, last := b.choose(route + try)
		if base == "" {
			return http.StatusBadGateway, nil
		}
		status, answer, err := b.try(ctx, r, body, base)
		b.done(base)
		if err == nil {
			if b.strict && status/100 != 2 {
				b.loses(r, "answered "+http.StatusText(status))
			}
			return status, answer
		}
		var dial *net.OpError
		refused := errors.As(err, &dial) && dial.Op == "dial"
		if !refused && (giveUp || b.strict) || ctx.Err() != nil {
			if b.strict {
				b.loses(r, err.Error())
			}
			return http.StatusBadGateway, nil
		}
		if last {
			select {
			case <-time.After(pollEvery):
			case <-ctx.Done():
			}
		}
	}
}

func (b *balancer) loses(r *http.Request, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = append(b.lost, r.URL.Path+" "+r.Header.Get("X-Correlation-ID")+": "+why)
}

// lostBySenders lists the webhooks that senders lost, where the balancer is strict.
func (b *balancer) lostBySenders() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lost)
}

func (b *balancer) try(ctx context.Context, r *http.Request, body []byte, base string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, base+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = r.Header.Clone()
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	// An answer that is cut off is none, but its status says what became of the request.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, nil
}

func respond(w http.ResponseWriter, status int, answer []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}
