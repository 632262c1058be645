package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/callback"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/workflow"
)

// desk is a store that says what it is told to say, and remembers what it was asked.
type desk struct {
	found    []store.Delivery
	result   store.Result
	findErr  error
	storeErr error
	// during runs while a report is being stored.
	during func(context.Context)

	filters []store.Filter
	reports []store.Report
	log     bytes.Buffer
	woken   []string
}

func (m *desk) Deliveries(_ context.Context, f store.Filter) ([]store.Delivery, error) {
	m.filters = append(m.filters, f)
	return m.found, m.findErr
}

func (m *desk) Reported(ctx context.Context, r store.Report) (store.Result, error) {
	m.reports = append(m.reports, r)
	if m.during != nil {
		m.during(ctx)
	}
	return m.result, m.storeErr
}

// window is a limiter that lets nothing through, and says for how long.
type window time.Duration

func (w window) Allow(string) (bool, time.Duration) { return false, time.Duration(w) }
func (w window) Return(string)                      {}

// aCall is a call that was made in an inbox, by the id "call-1".
func aCall(inbox string) store.Delivery {
	return store.Delivery{ID: "call-1", Inbox: inbox, Conversation: 7, Order: channel.Order{Delivery: "call-1", Kind: channel.Call, Workflow: workflow.NameScheduleMeeting}}
}

func (m *desk) config() callback.Config {
	return callback.Config{Secrets: []secret.String{secret.New(key)}, Memory: m, Failures: &limiter{9}, ClientIP: func(*http.Request) string { return "192.0.2.1" },
		Logger: slog.New(slog.NewJSONHandler(&m.log, nil)),
		Notes:  func(string) bool { return true },
		Wake:   func(l job.Lane, at time.Time) { m.woken = append(m.woken, fmt.Sprintf("%s %d", l, at.Unix())) },
		Stale:  func(id conversation.ID) { m.woken = append(m.woken, fmt.Sprintf("stale %d", id)) },
		Declared: func(inbox, name string) (workflow.Declared, bool) {
			d := workflow.ScheduleMeeting("https://n8n.example/webhook/meet")
			return d, inbox == "vendas" && name == d.Name
		}}
}

// serve hands a signed body to a handler, which is not behind a server, so that a panic of
// the handler is one of the test.
func serve(ctx context.Context, cfg callback.Config, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	workflow.Sign(r.Header, []secret.String{secret.New(key)}, "msg-1", time.Now(), []byte(body))
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	callback.New(cfg).ServeHTTP(w, r)
	return w
}

// last returns the last line of the log without what differs from run to run.
func (m *desk) last(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(m.log.String()), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("log = %q: %v", m.log.String(), err)
	}
	delete(got, "time")
	delete(got, "duration_ms")
	return got
}

const report = `{"id":"call-1","status":"done","result":` + link + `}`

// Every way a request can end: what the sender is told, what is stored, who is woken and
// what the log says of it, all of it and nothing else.
func TestEveryEnd(t *testing.T) {
	t.Parallel()
	here := []store.Delivery{aCall("vendas")}
	due := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		desk   *desk
		change func(*http.Request)
		status int
		body   string
		stored int
		woken  []string
		level  string
		log    map[string]any
	}{
		"accepted, nothing to do": {&desk{found: here}, nil, 202, `{"queued":true}`, 1, nil,
			"INFO", map[string]any{"outcome": "accepted", "delivery": "call-1", "inbox": "vendas", "conversation": 7.0}},
		"accepted, a turn and a delivery": {&desk{found: here, result: store.Result{Conversation: 8, Stale: true, Pending: true, DueAt: due, Deliver: true}}, nil, 202, `{"queued":true}`, 1,
			[]string{"stale 8", "turn 1000", "delivery 946684800"}, "INFO", map[string]any{"outcome": "accepted", "delivery": "call-1", "inbox": "vendas", "conversation": 7.0, "pending": true}},
		"a repeat": {&desk{found: here, result: store.Result{Duplicate: true}}, nil, 202, `{"queued":true,"duplicate":true}`, 1, nil,
			"INFO", map[string]any{"outcome": "duplicate", "delivery": "call-1", "inbox": "vendas", "conversation": 7.0}},
		"half a body": {&desk{found: here}, func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{})) }, 400, `{"error":"invalid payload","details":"body: incomplete"}`, 0, nil,
			"WARN", map[string]any{"outcome": "invalid_payload", "detail": "body: incomplete"}},
		"not signed": {&desk{found: here}, func(r *http.Request) { r.Header.Del(workflow.HeaderSignature) }, 401, `{"error":"invalid signature"}`, 0, nil,
			"WARN", map[string]any{"outcome": "unauthorized"}},
		"the store cannot look": {&desk{findErr: fault.New(fault.Transient, "database is locked")}, nil, 500, `{"error":"temporarily unavailable"}`, 0, nil,
			"ERROR", map[string]any{"outcome": "unavailable", "error": "database is locked"}},
		"no such call": {&desk{}, nil, 404, `{"error":"not found"}`, 0, nil, "WARN", map[string]any{"outcome": "unknown_call"}},
		"a store that returns another call": {&desk{found: []store.Delivery{{ID: "call-2", Inbox: "vendas", Order: here[0].Order}}}, nil, 404, `{"error":"not found"}`, 0, nil,
			"WARN", map[string]any{"outcome": "unknown_call"}},
		"something that was said": {&desk{found: []store.Delivery{{ID: "call-1", Inbox: "vendas", Order: channel.Order{Kind: channel.Say, Workflow: workflow.NameScheduleMeeting}}}}, nil, 404, `{"error":"not found"}`, 0, nil,
			"WARN", map[string]any{"outcome": "unknown_call"}},
		"a workflow that is no longer declared": {&desk{found: []store.Delivery{aCall("suporte")}}, nil, 404, `{"error":"not found"}`, 0, nil,
			"WARN", map[string]any{"outcome": "unknown_call", "delivery": "call-1", "inbox": "suporte", "conversation": 7.0}},
		"gone while it was stored": {&desk{found: here, storeErr: fmt.Errorf("report: %w", store.ErrNotFound)}, nil, 404, `{"error":"not found"}`, 1, nil,
			"WARN", map[string]any{"outcome": "unknown_call"}},
		"the store cannot write": {&desk{found: here, storeErr: fault.New(fault.Transient, "disk is full")}, nil, 500, `{"error":"temporarily unavailable"}`, 1, nil,
			"ERROR", map[string]any{"outcome": "unavailable", "error": "disk is full"}},
		"a store that panics": {&desk{found: here, during: func(context.Context) { panic(errors.New("nil map")) }}, nil, 500, `{"error":"temporarily unavailable"}`, 1, nil,
			"ERROR", map[string]any{"outcome": "unavailable", "error": fault.Panicked(errors.New("nil map")).Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := serve(t.Context(), c.desk.config(), report, c.change)
				if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Content-Type") != "application/json; charset=utf-8" || w.Header().Get("Retry-After") != "" {
					t.Errorf("POST = %d %s with %v, want %d %s", w.Code, w.Body, w.Header(), c.status, c.body)
				}
				if len(c.desk.reports) != c.stored {
					t.Errorf("%d reports are stored, want %d", len(c.desk.reports), c.stored)
				}
				for _, f := range c.desk.filters {
					if diff := cmp.Diff(store.Filter{ID: "call-1", Limit: 1}, f); diff != "" {
						t.Errorf("what is looked for differs (-want +got):\n%s", diff)
					}
				}
				if diff := cmp.Diff(c.woken, c.desk.woken); diff != "" {
					t.Errorf("who is told differs (-want +got):\n%s", diff)
				}
				want := map[string]any{"msg": "callback received", "level": c.level, "correlation_id": "", "detail": "", "delivery": "", "inbox": "", "conversation": 0.0, "pending": false}
				for k, v := range c.log {
					want[k] = v
				}
				if diff := cmp.Diff(want, c.desk.last(t)); diff != "" {
					t.Errorf("the log differs (-want +got):\n%s", diff)
				}
				panicked := strings.Contains(c.desk.log.String(), `"msg":"callback panicked"`) && strings.Contains(c.desk.log.String(), "Reported")
				if panicked != (name == "a store that panics") {
					t.Errorf("log = %s, panicked %v", c.desk.log.String(), panicked)
				}
			})
		})
	}
}

// broken is a sender that hangs up.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The store has ten seconds from when the body was read, whatever becomes of the sender, and
// what it leaves behind is told that nobody waits any more.
func TestTimeOfTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sender, hangUp := context.WithCancel(t.Context())
		var ctx context.Context
		var left time.Duration
		m := &desk{found: []store.Delivery{aCall("vendas")}}
		m.during = func(c context.Context) {
			ctx = c
			hangUp()
			deadline, _ := c.Deadline()
			left = time.Until(deadline)
			if c.Err() != nil {
				t.Errorf("the store is told %v when the sender hangs up", c.Err())
			}
			<-time.After(1500 * time.Millisecond)
		}
		if w := serve(sender, m.config(), report, nil); w.Code != http.StatusAccepted {
			t.Errorf("POST = %d %s, want 202", w.Code, w.Body)
		}
		if left != 10*time.Second {
			t.Errorf("the store has %v, want 10 s", left)
		}
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("after the answer the context says %v, want %v", ctx.Err(), context.Canceled)
		}
		if want := `"duration_ms":1500`; !strings.Contains(m.log.String(), want+"}") {
			t.Errorf("log = %s, want %s in it", m.log.String(), want)
		}
	})
}

// Nothing but what it cannot do without has to be given.
func TestDefaults(t *testing.T) {
	t.Parallel()
	m := &desk{found: []store.Delivery{aCall("vendas")}, result: store.Result{Stale: true, Pending: true, Deliver: true}}
	cfg := m.config()
	cfg.Logger, cfg.Notes, cfg.Wake, cfg.Stale = nil, nil, nil, nil
	if w := serve(t.Context(), cfg, report, nil); w.Code != http.StatusAccepted {
		t.Errorf("POST = %d %s, want 202", w.Code, w.Body)
	}
	if len(m.reports) != 1 || m.reports[0].Note != "" {
		t.Errorf("stored %+v, want one report without a note", m.reports)
	}
}

// A body may be as long as an answer of a workflow, and not a byte longer.
func TestLongestBody(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{workflow.MaxAnswer: http.StatusAccepted, workflow.MaxAnswer + 1: http.StatusRequestEntityTooLarge} {
		m := &desk{found: []store.Delivery{aCall("vendas")}}
		if w := serve(t.Context(), m.config(), report+strings.Repeat(" ", length-len(report)), nil); w.Code != want {
			t.Errorf("POST of %d bytes = %d %s, want %d", length, w.Code, w.Body, want)
		}
	}
}

// Who is refused is told when to come back in whole seconds, rounded up, and nothing where
// nobody knows.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{0: "", 1: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "60"} {
		m := &desk{}
		cfg := m.config()
		cfg.Failures = window(after)
		w := serve(t.Context(), cfg, report, func(r *http.Request) { r.Header.Del(workflow.HeaderID) })
		if got := w.Header().Get("Retry-After"); w.Code != http.StatusTooManyRequests || got != want {
			t.Errorf("after %v: %d with Retry-After %q, want 429 with %q", after, w.Code, got, want)
		}
	}
}

// Every refusal is the sender's fault, and nothing of a value decides but what is asked for.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"id":"a","status":"done"`:               "body: want a JSON object",
		`{"id":"a","status":"done"}]`:             "body: something follows the object",
		`{"id":"","status":"done"}`:               "id: required, a string",
		`{"status":"done"}`:                       "id: required, a string",
		`{"id":"a"}`:                              "status: required, a string",
		`{"id":"a","status":"done","result":7}`:   "result: want an object",
		`{"id":"a","status":"done","result":""}`:  "result: want an object",
		`{"id":"a","status":"failed","error":7}`:  "error: want a string",
		`{"id":"a","status":"failed","error":[]}`: "error: want a string",
	} {
		r, err := callback.Parse([]byte(body))
		if fault.Code(err) != want || !fault.Is(err, fault.Invalid) {
			t.Errorf("Parse(%s) = %+v, %v, want %v: %s", body, r, err, fault.Invalid, want)
		}
	}
}

// What a workflow says of its failure becomes one line of 300 characters at the most, and
// one that is cut shows it.
func TestParseErrorLine(t *testing.T) {
	t.Parallel()
	a := strings.Repeat("ã", 300)
	for words, want := range map[string]string{
		"": "", " \t\n ": "", "agenda cheia": "agenda cheia", "a\u200bb\u2028c\u0007d": "a b c d",
		"a\ufffdb \ufffc": "a b \ufffc", "preço: R$ 10 😀": "preço: R$ 10 😀",
		a: a, a[2:]: a[2:], a + "b": a + "…", a + " ": a,
	} {
		quoted, err := json.Marshal(words)
		if err != nil {
			t.Fatal(err)
		}
		r, err := callback.Parse(fmt.Appendf(nil, `{"id":"a","status":"failed","error":%s}`, quoted))
		if err != nil || r.Error != want {
			t.Errorf("Parse with the error %q = %q, %v, want %q", words, r.Error, err, want)
		}
	}
}
