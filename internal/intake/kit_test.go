package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/intake"
	"secretaria/internal/job"
	"secretaria/internal/store"
)

// steps notes what was done, in order.
type steps struct {
	mu    sync.Mutex
	taken []string
}

func (s *steps) take(step string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, fmt.Sprintf(step, args...))
}

func (s *steps) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

// helpdesk is a channel whose bodies are lists of events in a notation of its own: "kind
// who key"; a body "bad" is none.
type helpdesk struct {
	channel.Channel
	*steps
	name    string
	close   bool
	panics  bool
	refuses error
}

func (h *helpdesk) Authenticate(r *channel.Request) error {
	h.take("authenticate by %s with %q", h.name, r.PathSecret)
	return h.refuses
}

func (h *helpdesk) Parse(r *channel.Request) ([]channel.Event, error) {
	h.take("parse")
	if h.panics {
		panic("nonsense")
	}
	if string(r.Body) == "bad" {
		return nil, fault.New(fault.Invalid, "number: required")
	}
	var out []channel.Event
	for l := range strings.Lines(string(r.Body)) {
		f := append(strings.Fields(l), "", "", "")
		ev := channel.Event{Kind: channel.EventKind(f[0]), Key: f[2], Thread: "1/1"}
		if f[1] != "" && f[1] != "-" {
			ev.Contact.Identities = []channel.Identity{{Kind: channel.Phone, Value: f[1]}}
		}
		switch ev.Kind {
		case channel.Ignored:
			ev.Reason = f[2]
			if f[3] == "shown" {
				ev.Snapshot = &conversation.Snapshot{Status: conversation.Open}
			}
		case channel.Said:
			ev.Author = conversation.Author(f[3])
		}
		out = append(out, ev)
	}
	if len(out) == 0 {
		out = []channel.Event{{Kind: channel.Received, Key: "K", Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+1"}}}}}
	}
	return out, nil
}

func (h *helpdesk) Answer(o channel.Outcome) (int, any) {
	status := map[channel.OutcomeKind]int{channel.Accepted: 202, channel.Duplicate: 200, channel.Skipped: 200, channel.BadPayload: 400, channel.Refused: 401, channel.TooLarge: 413,
		channel.WrongType: 415, channel.TooManyByIP: 429, channel.TooManyByContact: 429, channel.Unavailable: 503}[o.Kind]
	return status, map[string]string{"by": h.name, "status": string(o.Kind), "detail": o.Detail}
}

func (h *helpdesk) CloseAfterAnswer() bool          { return h.close }
func (*helpdesk) Supports(k channel.OrderKind) bool { return k == channel.OpenUp }

// memory keeps nothing: it answers as it is told.
type memory struct {
	*steps
	err     error
	panics  bool
	results func(store.Arrival) []store.Result

	mu       sync.Mutex
	arrivals []store.Arrival
	ctxErr   error
	deadline time.Duration
}

func (m *memory) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	m.take("receive %d", len(a.Events))
	m.mu.Lock()
	m.arrivals, m.ctxErr = append(m.arrivals, a), ctx.Err()
	if d, ok := ctx.Deadline(); ok {
		m.deadline = time.Until(d)
	}
	m.mu.Unlock()
	if m.panics {
		panic("nonsense")
	}
	if m.err != nil {
		return nil, m.err
	}
	if m.results != nil {
		return m.results(a), nil
	}
	out := make([]store.Result, len(a.Events))
	for i := range out {
		out[i] = store.Result{Conversation: 7, Message: conversation.MessageID(i + 1), Pending: true}
	}
	return out, nil
}

// limiter counts what is used of each key.
type limiter struct {
	*steps
	name  string
	limit int
	after time.Duration

	mu   sync.Mutex
	used map[string]int
}

func (l *limiter) Allow(key string) (bool, time.Duration) {
	l.take("%s %s", l.name, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used == nil {
		l.used = map[string]int{}
	}
	if l.limit > 0 && l.used[key] >= l.limit {
		return false, l.after
	}
	l.used[key]++
	return true, 0
}

func (l *limiter) Return(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used[key]--
}

func (l *limiter) uses() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for k, n := range l.used {
		if n != 0 {
			out[strings.ReplaceAll(k, "\x00", " ")] = n
		}
	}
	return out
}

// kit is an intake with one inbox and everything around it.
type kit struct {
	*steps
	ch, stranger       *helpdesk
	m                  *memory
	failures, contacts *limiter
	handler            http.Handler
	log                bytes.Buffer
	mu                 sync.Mutex
	done               []intake.Done
}

func newKit(change func(*intake.Config)) *kit {
	s := &steps{}
	k := &kit{steps: s, ch: &helpdesk{steps: s, name: "vendas"}, stranger: &helpdesk{steps: s, name: "stranger", refuses: fault.New(fault.Unauthorized, "invalid signature")},
		m: &memory{steps: s}, failures: &limiter{steps: s, name: "failures of"}, contacts: &limiter{steps: s, name: "messages of"}}
	cfg := intake.Config{
		Kind: channel.Chatwoot, Stranger: k.stranger, Memory: k.m, Failures: k.failures, Contacts: k.contacts, ClientIP: intake.ClientIP(nil), DedupeWindow: time.Minute,
		Inboxes: []intake.Inbox{{Name: "vendas", Channel: k.ch, Signed: true, Hold: time.Hour, Quiet: conversation.Quiet{Window: time.Second}}},
		Logger:  slog.New(slog.NewJSONHandler(&k.log, nil)),
		Observe: func(d intake.Done) {
			k.take("observe")
			k.mu.Lock()
			k.done = append(k.done, d)
			k.mu.Unlock()
		},
		Wake:  func(l job.Lane, _ time.Time) { k.take("wake %s", l) },
		Stale: func(id conversation.ID) { k.take("stale %d", id) },
	}
	if change != nil {
		change(&cfg)
	}
	mux := http.NewServeMux()
	h := intake.New(cfg)
	mux.Handle("POST /in", h)
	mux.Handle("POST /in/{inbox}", h)
	mux.Handle("POST /in/{inbox}/{secret}", h)
	k.handler = mux
	return k
}

// answered is an answer, shortened: status, who answers, outcome, detail.
func answered(rec *httptest.ResponseRecorder) string {
	var body struct{ By, Status, Detail string }
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		return fmt.Sprintf("%d %q", rec.Code, rec.Body)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s %s", rec.Code, body.By, body.Status, body.Detail))
}

func request(path string, body io.Reader) *http.Request {
	r := httptest.NewRequest("POST", path, body)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (k *kit) serve(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	k.handler.ServeHTTP(rec, r)
	return rec
}

func (k *kit) post(t *testing.T, path, body string) string {
	t.Helper()
	return answered(k.serve(request(path, strings.NewReader(body))))
}
