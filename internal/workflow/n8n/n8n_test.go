package n8n_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
	"secretaria/internal/workflow/n8n"
	"secretaria/internal/workflow/n8n/n8ntest"
)

// The body and the headers that docs/workflows.md promises.
func TestWire(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	d := workflow.CreateLead(b.server.Webhook("lead"))
	b.server.Set("lead", n8ntest.Workflow{Secret: secret.New(signing)})
	_, err := b.engine.Call(t.Context(), workflow.Request{Workflow: d, Key: "0190-key", Arguments: json.RawMessage(`{ "name": "Ana <b> & Cia", "company": "Açaí 100%", "big": 12345678901234567890 }`),
		Conversation: 42, Correlation: "c-9"})
	if err != nil {
		t.Fatalf("Call: %v", err)
	}
	call := b.server.Calls()[0]
	want := `{"id":"0190-key","workflow":"create_lead","conversation":42,"correlation_id":"c-9","data":{"big":12345678901234567890,"company":"Açaí 100%","name":"Ana <b> & Cia"}}`
	if string(call.Body) != want {
		t.Errorf("body = %s\nwant   %s", call.Body, want)
	}
	got := map[string]string{}
	for _, name := range []string{"Content-Type", "Idempotency-Key", "X-Correlation-Id", "Webhook-Id", "Authorization", "X-N8n-Api-Key"} {
		got[name] = call.Header.Get(name)
	}
	if diff := cmp.Diff(map[string]string{"Content-Type": "application/json", "Idempotency-Key": "0190-key", "X-Correlation-Id": "c-9", "Webhook-Id": "0190-key",
		"Authorization": "Basic ZGVzazpmYWtlLXBhc3N3b3JkLTAzYmQ=", "X-N8n-Api-Key": ""}, got); diff != "" {
		t.Errorf("headers differ (-want +got):\n%s", diff)
	}
	if !call.Signed {
		t.Error("the signature does not fit the bytes")
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	header := workflow.Auth{Mode: workflow.AuthHeader, Name: "X-Desk-Token", Secret: secret.New("s3cret")}
	for name, c := range map[string]struct {
		asked, given workflow.Auth
		want         fault.Kind
	}{
		"header":                         {header, header, fault.Unknown},
		"header missing":                 {header, workflow.Auth{Mode: workflow.AuthNone}, fault.Unauthorized},
		"header where basic is wanted":   {workflow.Auth{Mode: workflow.AuthBasic, Name: "a", Secret: secret.New("b")}, header, fault.Unauthorized},
		"the default is basic":           {workflow.Auth{Mode: workflow.AuthBasic, Name: "desk", Secret: secret.New(password)}, workflow.Auth{}, fault.Unknown},
		"a workflow can ask for nothing": {workflow.Auth{}, workflow.Auth{Mode: workflow.AuthNone}, fault.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.server.Set("x", n8ntest.Workflow{Auth: c.asked})
			d := workflow.CreateLead(b.server.Webhook("x"))
			d.Auth = c.given
			_, err := b.engine.Call(t.Context(), workflow.Request{Workflow: d, Key: "k", Arguments: json.RawMessage(`{}`)})
			if (err == nil) != (c.want == fault.Unknown) || err != nil && !fault.Is(err, c.want) {
				t.Errorf("Call = %v of kind %v, want %v", err, fault.KindOf(err), c.want)
			}
			if c.given.Mode == workflow.AuthNone && b.server.Calls()[0].Header.Get("Authorization") != "" {
				t.Error("a call without authentication carries one")
			}
		})
	}
}

// Every answer that a real n8n was recorded to give, and what a call that gets it comes to.
func TestRecorded(t *testing.T) {
	t.Parallel()
	all, err := n8ntest.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"webhook-basic-auth-missing":       "unauthorized: credentials refused",
		"webhook-basic-auth-ok":            "started",
		"webhook-basic-auth-wrong":         "unauthorized: credentials refused",
		"webhook-empty-body":               "result",
		"webhook-form":                     "result",
		"webhook-header-auth-missing":      "unauthorized: credentials refused",
		"webhook-header-auth-ok":           "started",
		"webhook-header-auth-wrong":        "unauthorized: credentials refused",
		"webhook-immediate":                "started",
		"webhook-immediate-workflow-fails": "started",
		"webhook-inactive":                 "not_found: workflow inactive or unknown",
		"webhook-invalid-json":             "invalid: refused",
		"webhook-jwt-auth-expired":         "unauthorized: credentials refused",
		"webhook-jwt-auth-missing":         "unauthorized: credentials refused",
		"webhook-jwt-auth-ok":              "started",
		"webhook-jwt-auth-wrong":           "unauthorized: credentials refused",
		"webhook-last-node":                "result",
		"webhook-last-node-empty":          "permanent: workflow gave no answer",
		"webhook-last-node-fails":          "permanent: workflow failed",
		"webhook-payload-too-large":        "permanent: workflow gave no answer",
		"webhook-raw-body":                 "result",
		"webhook-respond-node":             "result",
		"webhook-respond-node-missing":     "permanent: workflow gave no answer",
		"webhook-test-not-listening":       "not_found: workflow inactive or unknown",
		"webhook-text":                     "result",
		"webhook-unknown-path":             "not_found: workflow inactive or unknown",
		"webhook-wrong-method":             "not_found: workflow inactive or unknown",
	}
	got := map[string]string{}
	for name, x := range all {
		if !strings.HasPrefix(name, "webhook-") {
			continue
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { x.Answer(w, nil) }))
		b := newBench(t, nil)
		d := workflow.Declared{Name: "x", URL: server.URL + "/webhook/x", Result: json.RawMessage(`{"type":"object"}`)}
		a, err := b.local(t, server.URL).Call(t.Context(), workflow.Request{Workflow: d, Key: "k", Arguments: json.RawMessage(`{}`)})
		server.Close()
		switch {
		case err != nil:
			got[name] = fmt.Sprintf("%s: %s", fault.KindOf(err), fault.Code(err))
		case a.Result == nil:
			got[name] = "started"
		default:
			got[name] = "result"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes differ (-want +got):\n%s", diff)
	}
}

// Answers that no n8n was recorded to give, from whatever stands before it or in it.
func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a proxy without n8n":            {404, "404 page not found", "uncertain: status 404 from somebody else than n8n"},
		"a workflow that says 404":       {404, `{"error":"no such customer"}`, "uncertain: status 404 from somebody else than n8n"},
		"a code that is a text":          {404, `{"code":"404","message":"x"}`, "uncertain: status 404 from somebody else than n8n"},
		"a code that is null":            {404, `{"code":null,"message":null}`, "uncertain: status 404 from somebody else than n8n"},
		"a list":                         {500, `[]`, "uncertain: status 500"},
		"an empty 500":                   {500, ``, "uncertain: status 500"},
		"a 500 with a stack":             {500, `{"message":"Error in workflow","stacktrace":"at x"}`, "permanent: workflow failed"},
		"gateway timeout":                {504, `<html>`, "uncertain: status 504"},
		"starting":                       {503, `{"code":503,"message":"Database is not ready!"}`, "uncertain: status 503"},
		"conflict":                       {409, `{}`, "invalid: refused"},
		"request timeout":                {408, ``, "uncertain: status 408"},
		"an array":                       {200, `[{"link_meet":"https://a.example"}]`, "permanent: answer not as declared: want object, got array"},
		"null":                           {200, `null`, "permanent: answer not as declared: want object, got null"},
		"without what is required":       {200, `{"ok":true}`, "permanent: answer not as declared: link_meet: missing"},
		"of another type":                {200, `{"link_meet":7}`, "permanent: answer not as declared: link_meet: want string, got number"},
		"another scheme":                 {200, `{"link_meet":"javascript:alert(1)"}`, "permanent: answer not as declared: link_meet: against pattern"},
		"nothing":                        {200, ``, "started"},
		"nothing at all":                 {204, ``, "started"},
		"started":                        {200, ` { "message" : "Workflow was started" } `, ""},
		"started, and more":              {200, `{"message":"Workflow was started","link_meet":"https://a.example"}`, `result {"link_meet":"https://a.example"}`},
		"only what is declared is kept":  {201, `{"z":1,"link_meet":"https://a.example","starts_at":"x"}`, `result {"link_meet":"https://a.example","starts_at":"x"}`},
		"a result that is large":         {200, `{"link_meet":"https://a.example/` + strings.Repeat("x", 300<<10) + `"}`, "permanent: answer too large"},
		"a redirect of the proxy to TLS": {301, ``, "permanent: redirected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			b := newBench(t, nil)
			a, err := b.local(t, server.URL).Call(t.Context(), workflow.Request{Workflow: workflow.ScheduleMeeting(server.URL + "/webhook/x"), Key: "k", Arguments: json.RawMessage(`{}`)})
			got := "started"
			switch {
			case err != nil:
				got = fmt.Sprintf("%s: %s", fault.KindOf(err), fault.Code(err))
			case a.Result != nil:
				got = "result " + string(a.Result)
			}
			if c.want == "" {
				c.want = "started"
			}
			if got != c.want {
				t.Errorf("Call of %d %.60s = %s, want %s", c.status, c.body, got, c.want)
			}
		})
	}
}

// local is an engine for another server of the test.
func (b bench) local(t *testing.T, url string) *n8n.Engine {
	t.Helper()
	e, err := n8n.New(n8n.Config{BaseURL: url}, b.client)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return e
}

// The transport repeats by itself a request that carries an idempotency key, when the
// connection breaks that an earlier one has left open. Not this one.
func TestTheTransportDoesNotRepeat(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(bytes.Buffer)
		_, _ = body.ReadFrom(r.Body)
		if posts.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	b := newBench(t, nil)
	e := b.local(t, server.URL)
	d := workflow.CreateLead(server.URL + "/webhook/x")
	for i, want := range []fault.Kind{fault.Unknown, fault.Uncertain} {
		_, err := e.Call(t.Context(), workflow.Request{Workflow: d, Key: fmt.Sprint("k", i), Arguments: json.RawMessage(`{}`)})
		if fault.KindOf(err) != want || (err == nil) != (want == fault.Unknown) {
			t.Errorf("call %d = %v, want %v", i+1, err, want)
		}
	}
	if n := posts.Load(); n != 2 {
		t.Errorf("posts = %d, want 2", n)
	}
}

// What can be told of an execution, and when it is too early.
func TestReconcileAsks(t *testing.T) {
	t.Parallel()
	recorded, err := n8ntest.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	data := recorded["api-execution-data"]
	now := time.Now().UTC()
	for name, c := range map[string]struct {
		status     string
		since      time.Duration // ago
		repeatable bool
		key        string
		want       string
	}{
		"done, as recorded":             {"success", 0, false, "", `1 {"ok":true}`},
		"failed":                        {"error", 0, false, "", "3 "},
		"crashed":                       {"crashed", 0, false, "", "3 "},
		"still running":                 {"running", time.Second, false, "", "transient: still running"},
		"running for long":              {"running", time.Hour, false, "", "1 "},
		"no trace yet":                  {"success", time.Second, false, "other", "transient: no trace of the call yet"},
		"no trace":                      {"success", time.Hour, false, "other", "0 "},
		"no trace of what can be again": {"success", time.Second, true, "other", "0 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := "0190aaaa-key"
			body := bytes.ReplaceAll(data.Response.Body, []byte(`"a": 1`), []byte(`"id": "`+key+`"`))
			body = bytes.ReplaceAll(body, []byte(`"status": "success"`), []byte(`"status": "`+c.status+`"`))
			mux := http.NewServeMux()
			mux.HandleFunc("/api/v1/executions", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("status") == "running" {
					recorded["api-executions-list"].Answer(w, []byte(`{"data":[],"nextCursor":null}`))
					return
				}
				recorded["api-executions-list"].Answer(w, []byte(`{"data":[{"id":"1","mode":"webhook","status":"`+c.status+`","startedAt":"`+now.Format(time.RFC3339)+`"},
					{"id":"0","mode":"manual","status":"success","startedAt":null}],"nextCursor":null}`))
			})
			mux.HandleFunc("/api/v1/executions/1", func(w http.ResponseWriter, _ *http.Request) { data.Answer(w, body) })
			mux.HandleFunc("/api/v1/workflows", func(w http.ResponseWriter, _ *http.Request) { recorded["api-workflow-unknown"].Answer(w, nil) })
			server := httptest.NewServer(mux)
			defer server.Close()
			b := newBench(t, nil)
			e, err := n8n.New(n8n.Config{BaseURL: server.URL, APIKey: secret.New("k")}, b.client)
			if err != nil {
				t.Fatal(err)
			}
			if c.key != "" {
				key = c.key
			}
			d := workflow.Declared{Name: "x", URL: server.URL + "/webhook/desk-last", Repeatable: c.repeatable,
				Result: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}`)}
			v, a, err := e.Reconcile(t.Context(), workflow.Request{Workflow: d, Key: key, Since: now.Add(-c.since)})
			got := fmt.Sprintf("%d %s", v, a.Result)
			if err != nil {
				got = fmt.Sprintf("%s: %s", fault.KindOf(err), fault.Code(err))
			}
			if got != c.want {
				t.Errorf("Reconcile = %s, want %s", got, c.want)
			}
		})
	}
}

func TestReconcileWithAWrongKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *n8n.Config) { c.APIKey = secret.New("bad") })
	v, _, err := b.engine.Reconcile(t.Context(), workflow.Request{Workflow: workflow.CreateLead(b.server.Webhook("x")), Key: "k", Since: time.Now()})
	if v != workflow.CannotTell || err != nil {
		t.Errorf("Reconcile = %v, %v, want that it cannot tell", v, err)
	}
	if err := b.engine.Probe(t.Context()); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("Probe = %v, want %v", err, fault.Unauthorized)
	}
}

func TestProbeOfNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *n8n.Config) { *c = n8n.Config{} })
	if err := b.engine.Probe(t.Context()); !fault.Is(err, fault.Unsupported) {
		t.Errorf("Probe = %v, want %v", err, fault.Unsupported)
	}
	if v, _, err := b.engine.Reconcile(t.Context(), workflow.Request{}); v != workflow.CannotTell || err != nil {
		t.Errorf("Reconcile = %v, %v, want that it cannot tell", v, err)
	}
	if _, err := b.engine.Call(t.Context(), workflow.Request{Workflow: workflow.CreateLead(b.server.URL() + "/webhook-test/x"), Arguments: json.RawMessage(`{}`)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("Call of a test URL = %v, want %v", err, fault.Invalid)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  n8n.Config
		want string
	}{
		"nothing":           {n8n.Config{}, ""},
		"all":               {n8n.Config{BaseURL: "https://n8n.example/base/", APIKey: secret.New("k")}, ""},
		"no address":        {n8n.Config{BaseURL: "n8n.example"}, "N8N_BASE_URL"},
		"a webhook":         {n8n.Config{BaseURL: "https://n8n.example/webhook/x"}, "N8N_BASE_URL"},
		"a password":        {n8n.Config{BaseURL: "https://a:b@n8n.example"}, "N8N_BASE_URL"},
		"a key for nothing": {n8n.Config{APIKey: secret.New("k")}, "N8N_API_KEY"},
		"half a credential": {n8n.Config{Auth: workflow.Auth{Mode: workflow.AuthBasic, Name: "x"}}, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.cfg.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate = %v, want %q in it", err, c.want)
			}
		})
	}
}
