package callback_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/callback"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/store/sqlite"
	"secretaria/internal/telemetry"
	"secretaria/internal/workflow"
)

const key = "fake-callback-secret-9d31"

// limiter lets n requests through.
type limiter struct{ n int }

func (l *limiter) Allow(string) (bool, time.Duration) {
	l.n--
	return l.n >= 0, 1500 * time.Millisecond
}
func (l *limiter) Return(string) {}

// kit is a conversation with a call and a server that is told what came of it.
type kit struct {
	*testing.T
	store  *sqlite.Store
	conv   conversation.ID
	call   string // its id
	said   string // the id of what was said beside it
	url    string
	log    bytes.Buffer
	woken  []string
	broken error // of the store
	notes  bool  // people can be left notes
}

// memory is the store, or what it fails with.
type memory struct{ k *kit }

func (m memory) Deliveries(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	return m.k.store.Deliveries(ctx, f)
}

func (m memory) Reported(ctx context.Context, r store.Report) (store.Result, error) {
	if m.k.broken != nil {
		return store.Result{}, m.k.broken
	}
	return m.k.store.Reported(ctx, r)
}

func newKit(t *testing.T, failures int) *kit {
	t.Helper()
	k := &kit{T: t, call: uuid.NewString(), said: uuid.NewString()}
	ctx := t.Context()
	db, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "d.db"), false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	if k.store, err = sqlite.New(ctx, db, func(context.Context, *sql.Tx, job.Lane, []job.Claim) error { return nil }); err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := k.store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	k.decide()
	c := callback.New(callback.Config{Secrets: []secret.String{secret.New("another"), secret.New(key)}, Memory: memory{k}, Failures: &limiter{failures},
		ClientIP: func(*http.Request) string { return "192.0.2.1" }, Logger: slog.New(slog.NewJSONHandler(&k.log, nil)),
		Wake:  func(l job.Lane, _ time.Time) { k.woken = append(k.woken, string(l)) },
		Stale: func(conversation.ID) { k.woken = append(k.woken, "stale") },
		Notes: func(inbox string) bool { return inbox == "vendas" && k.notes },
		Declared: func(inbox, name string) (workflow.Declared, bool) {
			d := workflow.ScheduleMeeting("https://n8n.example/webhook/meet")
			return d, inbox == "vendas" && name == d.Name
		}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.ServeHTTP(w, r.WithContext(telemetry.WithCorrelation(r.Context(), "c-7")))
	}))
	t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

// decide lets the desk say something and start a workflow.
func (k *kit) decide() {
	k.Helper()
	ctx, now := k.Context(), time.Now()
	r, err := k.store.Receive(ctx, store.Arrival{Inbox: "vendas", Channel: channel.Whaticket, Now: now, Events: []channel.Event{{
		Kind: channel.Received, Key: "K1", Chat: "5511987654321", Content: conversation.Content{Kind: conversation.Text, Text: "oi"},
		Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+5511987654321"}}}, Address: channel.Address{To: "5511987654321"},
	}}})
	if err != nil {
		k.Fatalf("Receive: %v", err)
	}
	k.conv = r[0].Conversation
	if n, _, err := k.store.Dispatch(ctx, job.Turns, now, 1, time.Minute); n != 1 || err != nil {
		k.Fatalf("Dispatch = %d, %v, want the turn", n, err)
	}
	t, err := k.store.BeginTurn(ctx, job.Turn{Conversation: k.conv, Fence: 1}, now, time.Minute, 1)
	if err != nil {
		k.Fatalf("BeginTurn: %v", err)
	}
	if err := k.store.Decide(ctx, store.Decision{Conversation: k.conv, Fence: t.Fence, Epoch: t.Conversation.State.Epoch, Revision: t.Conversation.Revision, Through: t.Pending[0].ID,
		Orders: []channel.Order{{Delivery: conversation.DeliveryID(k.said), Kind: channel.Say, Text: "Um momento."},
			{Delivery: conversation.DeliveryID(k.call), Kind: channel.Call, Workflow: workflow.NameScheduleMeeting, Arguments: `{}`}},
		Now: now, Lease: time.Minute, Record: store.Record{Outcome: "replied"}}); err != nil {
		k.Fatalf("Decide: %v", err)
	}
}

// post sends a body, signed under an id; change may spoil the request.
func (k *kit) post(id, body string, change func(*http.Request)) (int, string, http.Header) {
	k.Helper()
	req, err := http.NewRequestWithContext(k.Context(), http.MethodPost, k.url, strings.NewReader(body))
	if err != nil {
		k.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	workflow.Sign(req.Header, []secret.String{secret.New(key)}, id, time.Now(), []byte(body))
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		k.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		k.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(b.String()), resp.Header
}

func (k *kit) told() []string {
	k.Helper()
	ms, err := k.store.Transcript(k.Context(), k.conv, 20)
	if err != nil {
		k.Fatalf("Transcript: %v", err)
	}
	var out []string
	for _, m := range ms {
		if n, ok := workflow.ReadNews(m.Content); ok {
			out = append(out, fmt.Sprintf("failed=%v %s", n.Failed, n.Result))
		}
	}
	return out
}

func (k *kit) done(result string) string {
	return fmt.Sprintf(`{"id":%q,"status":"done","result":%s}`, k.call, result)
}

const link = `{"link_meet":"https://meet.example/a"}`

func TestReported(t *testing.T) {
	t.Parallel()
	k := newKit(t, 10)
	for _, want := range []string{`{"queued":true}`, `{"queued":true,"duplicate":true}`} {
		status, body, _ := k.post("msg-1", k.done(link), nil)
		if status != http.StatusAccepted || body != want {
			t.Errorf("POST = %d %s, want 202 %s", status, body, want)
		}
	}
	if diff := cmp.Diff([]string{"failed=false " + link}, k.told()); diff != "" {
		t.Errorf("what the desk is told differs (-want +got):\n%s", diff)
	}
	if status, body, _ := k.post("msg-2", fmt.Sprintf(`{"id":%q,"status":"failed","error":"agenda\ncheia"}`, k.call), nil); status != http.StatusAccepted {
		t.Errorf("POST of a failure = %d %s, want 202", status, body)
	}
	if diff := cmp.Diff([]string{"failed=false " + link, `failed=true {"error":"agenda cheia"}`}, k.told()); diff != "" {
		t.Errorf("what the desk is told differs (-want +got):\n%s", diff)
	}
	// A repeat wakes nobody.
	if diff := cmp.Diff([]string{"stale", string(job.Turns), "stale", string(job.Turns)}, k.woken); diff != "" {
		t.Errorf("who is told differs (-want +got):\n%s", diff)
	}
	n, _, err := k.store.Dispatch(t.Context(), job.Turns, time.Now(), 1, time.Minute)
	if n != 1 || err != nil {
		t.Errorf("Dispatch = %d, %v, want a turn that answers", n, err)
	}
	log := k.log.String()
	for _, want := range []string{`"correlation_id":"c-7"`, `"outcome":"accepted"`, `"outcome":"duplicate"`, k.call} {
		if !strings.Contains(log, want) {
			t.Errorf("log = %s, want %s in it", log, want)
		}
	}
	if strings.Contains(log, "meet.example") || strings.Contains(log, "agenda") {
		t.Errorf("log = %s, want nothing of the result", log)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	body := func(f func(*kit) string) func(*kit) string { return f }
	ok := body(func(k *kit) string { return k.done(link) })
	for name, c := range map[string]struct {
		body   func(*kit) string
		change func(*http.Request)
		status int
		want   string
	}{
		"no signature":             {ok, func(r *http.Request) { r.Header.Del("Webhook-Signature") }, 401, `{"error":"invalid signature"}`},
		"an old timestamp":         {ok, func(r *http.Request) { r.Header.Set("Webhook-Timestamp", "1") }, 401, `{"error":"invalid signature"}`},
		"no JSON and no signature": {body(func(*kit) string { return "{" }), func(r *http.Request) { r.Header.Del("Webhook-Id") }, 401, `{"error":"invalid signature"}`},
		"a form":                   {ok, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, `{"error":"unsupported media type"}`},
		"too large":                {body(func(*kit) string { return strings.Repeat(" ", workflow.MaxAnswer+1) }), nil, 413, `{"error":"payload too large"}`},
		"no JSON":                  {body(func(*kit) string { return "{" }), nil, 400, `{"error":"invalid payload","details":"body: want a JSON object"}`},
		"no result":                {body(func(k *kit) string { return fmt.Sprintf(`{"id":%q,"status":"done"}`, k.call) }), nil, 400, `{"error":"invalid payload","details":"result: not JSON"}`},
		"another result":           {body(func(k *kit) string { return k.done(`{"link_meet":"segredo"}`) }), nil, 400, `{"error":"invalid payload","details":"result: link_meet: not in the form uri"}`},
		"without a link":           {body(func(k *kit) string { return k.done(`{}`) }), nil, 400, `{"error":"invalid payload","details":"result: link_meet: missing"}`},
		"an unknown call":          {body(func(*kit) string { return `{"id":"0190-nobody","status":"done","result":` + link + `}` }), nil, 404, `{"error":"not found"}`},
		"no call at all":           {body(func(k *kit) string { return fmt.Sprintf(`{"id":%q,"status":"failed"}`, k.said) }), nil, 404, `{"error":"not found"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, 10)
			status, got, _ := k.post("msg-1", c.body(k), c.change)
			if status != c.status || got != c.want {
				t.Errorf("POST = %d %s, want %d %s", status, got, c.status, c.want)
			}
			if told := k.told(); len(told) > 0 {
				t.Errorf("told = %v, want nothing", told)
			}
			if strings.Contains(k.log.String(), "segredo") {
				t.Errorf("log = %s, want nothing of the result", k.log.String())
			}
		})
	}
}

func TestFailuresAreLimited(t *testing.T) {
	t.Parallel()
	k := newKit(t, 1)
	spoil := func(r *http.Request) { r.Header.Set("Webhook-Id", "other") }
	for i, want := range []int{401, 429} {
		status, body, h := k.post("msg-1", k.done(link), spoil)
		if status != want {
			t.Errorf("request %d = %d %s, want %d", i+1, status, body, want)
		}
		if want == 429 && (h.Get("Retry-After") != "2" || body != `{"error":"too_many_requests_ip"}`) {
			t.Errorf("429 = %s with Retry-After %q, want 2", body, h.Get("Retry-After"))
		}
	}
	if status, body, _ := k.post("msg-1", k.done(link), nil); status != http.StatusAccepted {
		t.Errorf("a right one after them = %d %s, want 202", status, body)
	}
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	k := newKit(t, 1)
	k.broken = fault.New(fault.Transient, "database is locked")
	if status, body, _ := k.post("msg-1", k.done(link), nil); status != 500 || body != `{"error":"temporarily unavailable"}` {
		t.Errorf("POST = %d %s, want 500", status, body)
	}
	k.broken = nil
	if status, _, _ := k.post("msg-1", k.done(link), nil); status != http.StatusAccepted {
		t.Errorf("the repeat = %d, want 202", status)
	}
}

// A person has the conversation: people read the report in a note, and the bot does not speak.
func TestAPersonHoldsIt(t *testing.T) {
	t.Parallel()
	for _, notes := range []bool{true, false} {
		k := newKit(t, 1)
		k.notes = notes
		if err := k.store.TakeOver(t.Context(), k.conv, time.Hour, time.Now()); err != nil {
			t.Fatalf("TakeOver: %v", err)
		}
		var woken, left []string
		if notes {
			woken, left = []string{string(job.Deliveries)}, []string{"**schedule\\_meeting**: concluído.\n\n- link\\_meet: <https://meet.example/a>"}
		}
		for range 2 {
			if status, body, _ := k.post("msg-1", k.done(link), nil); status != http.StatusAccepted || len(k.told()) != 1 {
				t.Errorf("POST = %d %s, told %v, want it kept", status, body, k.told())
			}
		}
		if diff := cmp.Diff(woken, k.woken); diff != "" {
			t.Errorf("who is told differs (-want +got):\n%s", diff)
		}
		ds, err := k.store.Deliveries(t.Context(), store.Filter{Conversation: k.conv})
		if err != nil {
			t.Fatalf("Deliveries: %v", err)
		}
		var got []string
		for _, d := range ds {
			if d.Order.Kind == channel.Note {
				got = append(got, d.Order.Text)
			}
		}
		if diff := cmp.Diff(left, got); diff != "" {
			t.Errorf("notes differ (-want +got):\n%s", diff)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"id":"a","status":"done","result":{"b":1}}`:                   "done a {\"b\":1}",
		`{"id":"a","status":"done","result":null,"more":[1]}`:           "done a ",
		`{"id":"a","status":"failed","error":" x \u0000y ","result":7}`: "failed a x y",
		`{"id":"a","status":"failed"}`:                                  "failed a ",
		`{"ID":"a","status":"done"}`:                                    "id: required, a string",
		`{"id":7,"status":"done"}`:                                      "id: required, a string",
		`{"id":null,"status":"done"}`:                                   "id: required, a string",
		`{"id":"a b","status":"done"}`:                                  "id: is none of ours",
		`{"id":"a","status":"Done"}`:                                    "status: want done or failed",
		`{"id":"a","status":null}`:                                      "status: want done or failed",
		`{"id":"a","status":["done"]}`:                                  "status: required, a string",
		`{"id":"a","status":"done","result":[]}`:                        "result: want an object",
		`{"id":"a","status":"failed","error":{}}`:                       "error: want a string",
		`null`: "body: want a JSON object", `[]`: "body: want a JSON object", ``: "body: want a JSON object",
		`{"id":"a","status":"done"} x`: "body: something follows the object",
	} {
		r, err := callback.Parse([]byte(body))
		got := fault.Code(err)
		if err == nil {
			got = fmt.Sprintf("done %s %s", r.ID, r.Result)
			if r.Failed {
				got = fmt.Sprintf("failed %s %s", r.ID, r.Error)
			}
		}
		if got != want {
			t.Errorf("Parse(%s) = %q, want %q", body, got, want)
		}
	}
}

// What is accepted names a call of a form that we make, and survives being written again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"0190-a","status":"done","result":{"link_meet":"https://a.example"}}`))
	f.Add([]byte(`{"id":"0190-a","status":"failed","error":"x"}`))
	f.Add([]byte(`{"id":"a","id":"b","status":"done"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := callback.Parse(body)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("Parse(%q) = %v, want %v", body, err, fault.Invalid)
			}
			return
		}
		if !telemetry.ValidCorrelation(string(r.ID)) || strings.ContainsAny(r.Error, "\n\r") || len([]rune(r.Error)) > 301 || r.Failed && r.Result != nil {
			t.Errorf("Parse(%q) = %+v", body, r)
		}
		status := "done"
		if r.Failed {
			status = "failed"
		}
		again := map[string]any{"id": string(r.ID), "status": status}
		if r.Error != "" {
			again["error"] = r.Error
		}
		if r.Result != nil {
			again["result"] = r.Result
		}
		b, err := json.Marshal(again)
		if err != nil {
			t.Fatalf("write %+v again: %v", r, err)
		}
		r2, err := callback.Parse(b)
		if err != nil || r2.ID != r.ID || r2.Failed != r.Failed || (r.Result == nil) != (r2.Result == nil) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", b, r2, err, r)
		}
	})
}
