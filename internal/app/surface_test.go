package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/app"
	"secretaria/internal/intake"
)

func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return o
}

func prefixes(t *testing.T, list string) []netip.Prefix {
	t.Helper()
	var out []netip.Prefix
	for p := range strings.SplitSeq(list, ",") {
		if p == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(p)
		must(t, err)
		out = append(out, prefix)
	}
	return out
}

func keys(v any) []string {
	o, _ := v.(map[string]any)
	return slices.Sorted(maps.Keys(o))
}

func TestCorrelationIsOnEveryAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	big := strings.Repeat("x", intake.MaxBody+1)
	paths := []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/healthz", "", 200}, {"GET", "/api/v1/health", "", 200}, {"GET", "/api/v1/readiness", "", 200}, {"GET", "/metrics", "", 200},
		{"HEAD", "/healthz", "", 200}, {"GET", "/", "", 404}, {"GET", "/nothing/here", "", 404}, {"GET", whaticketPath, "", 405},
		{"PUT", agentBotPath, "{}", 405}, {"DELETE", "/healthz", "", 405}, {"POST", whaticketPath, "{}", 401}, {"POST", agentBotPath, big, 413},
		{"OPTIONS", "/api/v1/health", "", 204},
	}
	kept := []string{"0192d5a8-7c1b-7e2f-9a3b-1c2d3e4f5a6b", "a", strings.Repeat("a", 64)}
	replaced := []string{strings.Repeat("a", 65), `"quoted"`, "<b>", "a b", "ação", "a;b", "a\tb", ""}
	for _, p := range paths {
		for _, id := range kept {
			got := h.ask(h.request(p.method, p.path, http.Header{"X-Correlation-Id": {id}}, []byte(p.body)))
			if got.status != p.status || got.header.Get("X-Correlation-ID") != id {
				t.Errorf("%s %s answered %d with id %q, want %d with %q", p.method, p.path, got.status, got.header.Get("X-Correlation-ID"), p.status, id)
			}
		}
		seen := map[string]bool{}
		for _, id := range replaced {
			got := h.ask(h.request(p.method, p.path, http.Header{"X-Correlation-Id": {id}}, nil)).header.Get("X-Correlation-ID")
			if got == id || seen[got] {
				t.Errorf("%s %s answered %q with id %q, want a new one", p.method, p.path, id, got)
			}
			seen[got] = true
		}
	}
}

func TestOddPathsAndMethods(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	for _, c := range []struct {
		wire   string
		status int
		body   string
		allow  string
	}{
		{"GET // HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET //healthz HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /../healthz HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /./healthz HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /%2e%2e/healthz HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /%2fhealthz HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /healthz%2f HTTP/1.1", 200, "", ""},
		{"GET /healthz/ HTTP/1.1", 200, "", ""},
		{"GET /healthz?x=%00&%%% HTTP/1.1", 200, "", ""},
		{"GET /HEALTHZ HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /api/v1/ HTTP/1.1", 404, `{"detail":"not found"}`, ""},
		{"GET /api/v1/nothing HTTP/1.1", 404, `{"detail":"not found"}`, ""},
		{"GET http://elsewhere/nothing HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"OPTIONS * HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"CONNECT /healthz HTTP/1.1", 404, "", ""},
		{"CONNECT elsewhere:443 HTTP/1.1", 404, "", ""},
		{"BREW /healthz HTTP/1.1", 405, `{"error":"method not allowed"}`, "GET, HEAD, OPTIONS"},
		{"POST /api/v1/health HTTP/1.1", 405, `{"detail":"method not allowed"}`, "GET, HEAD, OPTIONS"},
		{"POST /healthz HTTP/1.1", 405, `{"error":"method not allowed"}`, "GET, HEAD, OPTIONS"},
		{"GET /webhook/whaticket HTTP/1.1", 405, `{"error":"method not allowed"}`, "POST"},
		{"HEAD /webhook/whaticket HTTP/1.1", 405, "", "POST"},
		{"OPTIONS /webhook/whaticket/x/y HTTP/1.1", 405, `{"error":"method not allowed"}`, "POST"},
		{"PUT /api/v1/webhooks/agentbot HTTP/1.1", 405, `{"detail":"method not allowed"}`, "POST"},
		{"OPTIONS /api/v1/webhooks/agentbot/chatwoot HTTP/1.1", 405, `{"detail":"method not allowed"}`, "POST"},
		{"POST /webhook/whaticket/a/b/c HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"POST /api/v1/webhooks/agentbot/a/b HTTP/1.1", 404, `{"detail":"not found"}`, ""},
		{"POST /webhook//whaticket HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"POST /webhook/whaticket// HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"POST /webhook/whaticket/x/../ HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"POST /webhook/whaticket/a%2fb HTTP/1.1", 401, `{"error":"invalid signature"}`, ""},
		{"POST /webhook HTTP/1.1", 404, `{"error":"not found"}`, ""},
		{"GET /console/ HTTP/1.1", 404, `{"error":"not found"}`, ""},
	} {
		got := h.raw(c.wire + "\r\nHost: x\r\nOrigin: http://localhost:3000\r\nContent-Length: 0\r\n\r\n")
		if got.status != c.status || c.body != "" && strings.TrimSpace(got.body) != c.body || got.header.Get("Allow") != c.allow {
			t.Errorf("%s answered %d %s Allow %q, want %d %s Allow %q", c.wire, got.status, got.body, got.header.Get("Allow"), c.status, c.body, c.allow)
		}
		if got.header.Get("Location") != "" {
			t.Errorf("%s redirects to %s", c.wire, got.header.Get("Location"))
		}
		if strings.Contains(c.wire, " /webhook/whaticket") && !got.closed {
			t.Errorf("%s keeps the connection", c.wire)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		still(o)
		o.AllowedOrigins = []string{"http://localhost:3000", "https://painel.example.com"}
	})
	for _, c := range []struct {
		method, path, origin, want string
		status                     int
	}{
		{"GET", "/api/v1/health", "http://localhost:3000", "http://localhost:3000", 200},
		{"GET", "/healthz", "https://painel.example.com", "https://painel.example.com", 200},
		{"OPTIONS", "/api/v1/readiness", "http://localhost:3000", "http://localhost:3000", 204},
		{"GET", "/api/v1/health", "http://localhost:3001", "", 200},
		{"GET", "/api/v1/health", "null", "", 200},
		{"OPTIONS", "/api/v1/health", "https://evil.example.com", "", 204},
		{"GET", "/api/v1/health", "https://painel.example.com.evil.example", "", 200},
		{"POST", whaticketPath, "http://localhost:3000", "", 401},
		{"OPTIONS", whaticketPath, "http://localhost:3000", "", 405},
		{"POST", agentBotPath, "http://localhost:3000", "", 401},
		{"OPTIONS", agentBotPath + "/chatwoot", "http://localhost:3000", "", 405},
	} {
		header := http.Header{"Origin": {c.origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"x-signature"}}
		got := h.ask(h.request(c.method, c.path, header, nil))
		if got.status != c.status || got.header.Get("Access-Control-Allow-Origin") != c.want {
			t.Errorf("%s %s from %s answered %d and allows %q, want %d and %q", c.method, c.path, c.origin, got.status, got.header.Get("Access-Control-Allow-Origin"), c.status, c.want)
		}
		webhook := strings.Contains(c.path, "webhook")
		if vary := got.header.Get("Vary") == "Origin"; vary == webhook {
			t.Errorf("%s %s: Vary is %q", c.method, c.path, got.header.Get("Vary"))
		}
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") && c.want == "" {
				t.Errorf("%s %s from %s answered with %s", c.method, c.path, c.origin, name)
			}
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s allows credentials", c.method, c.path)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	got := h.ask(h.request(http.MethodGet, "/healthz", nil, nil))
	o := decode(t, got.body)
	if got.status != http.StatusOK || o["status"] != "ok" {
		t.Errorf("healthz answered %d %s", got.status, got.body)
	}
	if diff := cmp.Diff([]string{"dependencies", "status", "timestamp"}, keys(o)); diff != "" {
		t.Errorf("healthz (-want +got):\n%s", diff)
	}
	at, err := time.Parse(time.RFC3339, o["timestamp"].(string))
	if err != nil || at.Location() != time.UTC {
		t.Errorf("timestamp is %v, want UTC by RFC 3339: %v", o["timestamp"], err)
	}
	parts := o["dependencies"].(map[string]any)
	if diff := cmp.Diff([]string{"rq_worker", "sqlite"}, keys(parts)); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"latency_ms", "status"}, keys(parts["sqlite"])); diff != "" {
		t.Errorf("sqlite (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"freshest_heartbeat_age_seconds", "latency_ms", "status", "workers"}, keys(parts["rq_worker"])); diff != "" {
		t.Errorf("rq_worker (-want +got):\n%s", diff)
	}
	worker := parts["rq_worker"].(map[string]any)
	if age, _ := worker["freshest_heartbeat_age_seconds"].(float64); worker["workers"] != 1.0 || age < 0 || age > 30 {
		t.Errorf("rq_worker is %v", worker)
	}
	if got := h.ask(h.request(http.MethodGet, "/api/v1/health", nil, nil)); got.status != http.StatusOK || strings.TrimSpace(got.body) != `{"status":"ok"}` {
		t.Errorf("liveness answered %d %s", got.status, got.body)
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*app.Options)
		then   func(*house)
		status int
		want   map[string]string // services; "" stands for anything
	}{
		{"everything is there", nil, nil, 200, map[string]string{"chatwoot": "connected", "whaticket": "connected"}},
		{"nothing but a bot token", func(o *app.Options) { o.Inboxes = o.Inboxes[1:]; o.Inboxes[0].Chatwoot.AccountID = "" }, nil, 200, map[string]string{"chatwoot": "connected"}},
		{"nothing to be reached", func(o *app.Options) {
			c, w := o.Inboxes[1].Chatwoot, o.Inboxes[0].Whaticket
			c.BaseURL, c.Token, w.BaseURL, w.Token, w.Email, w.Password = "", w.Password, "", c.UserToken, "", c.UserToken
			c.Token = c.UserToken
		}, nil, 200, map[string]string{"chatwoot": "not_configured", "whaticket": "not_configured"}},
		{"an address without credentials", func(o *app.Options) {
			w, c := o.Inboxes[0].Whaticket, o.Inboxes[1].Chatwoot
			w.Token, w.Email, w.Password = c.UserToken, "", c.UserToken
		}, nil, 200, map[string]string{"chatwoot": "connected", "whaticket": "not_configured"}},
		{"no inbox", func(o *app.Options) { o.Inboxes = nil }, nil, 200, map[string]string{"chatwoot": "not_configured"}},
		{"chatwoot is down", nil, func(h *house) { h.chatwoot.Down() }, 503, map[string]string{"chatwoot": "error", "whaticket": "connected"}},
		{"whaticket is down", nil, func(h *house) { h.whaticket.Close() }, 503, map[string]string{"chatwoot": "connected", "whaticket": "error"}},
		{"chatwoot refuses the token", nil, func(h *house) { h.chatwoot.Fail(1, 401) }, 503, map[string]string{"chatwoot": "error", "whaticket": "connected"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(o *app.Options) {
				still(o)
				if c.change != nil {
					c.change(o)
				}
			})
			if c.then != nil {
				c.then(h)
			}
			c.want["n8n"], c.want["redis"] = "not_configured", "not_configured"
			got := h.ask(h.request(http.MethodGet, "/api/v1/readiness", nil, nil))
			var o struct {
				Status   string
				Services map[string]string
			}
			must(t, json.Unmarshal([]byte(got.body), &o))
			status := map[int]string{200: "ready", 503: "not_ready"}[c.status]
			if got.status != c.status || o.Status != status {
				t.Errorf("answered %d %q, want %d %q", got.status, o.Status, c.status, status)
			}
			if diff := cmp.Diff(c.want, o.Services); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
			// A peer that is away is no reason to be restarted.
			if got := h.ask(h.request(http.MethodGet, "/api/v1/health", nil, nil)); got.status != http.StatusOK {
				t.Errorf("liveness answered %d", got.status)
			}
			if got := h.ask(h.request(http.MethodGet, "/healthz", nil, nil)); got.status != http.StatusOK {
				t.Errorf("healthz answered %d %s", got.status, got.body)
			}
		})
	}
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	got := h.ask(h.request(http.MethodGet, "/metrics", nil, nil))
	if got.status != http.StatusOK {
		t.Fatalf("metrics answered %d", got.status)
	}
	for _, want := range []string{
		`secretaria_webhook_received_total{reason="accepted",status="accepted"} 0`,
		`secretaria_webhook_received_total{reason="unauthorized",status="rejected"} 0`,
		`secretaria_task_latency_seconds_count{kind="turn"} 0`,
		`secretaria_task_latency_seconds_count{kind="delivery"} 0`,
		`secretaria_queue_size 0`,
		`secretaria_whaticket_latency_seconds_count 0`, `secretaria_whaticket_errors_total 0`,
		`secretaria_whaticket_send_success_total 0`, `secretaria_whaticket_send_retry_total 0`,
		`secretaria_llm_latency_seconds_count 0`, `secretaria_llm_errors_total{kind="transient"} 0`,
		`secretaria_llm_prompt_injection_blocked_total 0`,
		`secretaria_healthcheck_failures_total{component="redis"} 0`, `secretaria_healthcheck_failures_total{component="postgres"} 0`,
		`secretaria_healthcheck_failures_total{component="rq_worker"} 0`,
	} {
		if !strings.Contains(got.body, "\n"+want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	off := open(t, func(o *app.Options) { still(o); o.Metrics = false })
	if got := off.ask(off.request(http.MethodGet, "/metrics", nil, nil)); got.status != http.StatusNotFound || strings.TrimSpace(got.body) != `{"error":"not found"}` {
		t.Errorf("with metrics off answered %d %s, want 404", got.status, got.body)
	}
}

func TestRouteLabelsAreFolded(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	post := func(path string) { h.ask(h.request(http.MethodPost, path, nil, []byte("{}"))) }
	for _, path := range []string{"", "/", "/whaticket", "/nobody", "/nobody/0123456789", "/whaticket/"} {
		post(whaticketPath + path)
	}
	for _, path := range []string{"", "/chatwoot", "/nobody"} {
		post(agentBotPath + path)
	}
	h.ask(h.request(http.MethodGet, "/a/"+strings.Repeat("b", 100), nil, nil))
	h.ask(h.request("BREW", "/c", nil, nil))
	h.ask(h.request("BREW", whaticketPath, nil, nil))
	h.ask(h.request(http.MethodGet, "/healthz", nil, nil))
	got := h.ask(h.request(http.MethodGet, "/metrics", nil, nil)).body
	for _, want := range []string{
		`http_request_duration_seconds_count{method="POST",path="/webhook/whaticket",status="401"} 6`,
		`http_request_duration_seconds_count{method="POST",path="/api/v1/webhooks/agentbot",status="401"} 3`,
		`http_request_duration_seconds_count{method="GET",path="other",status="404"} 1`,
		`http_request_duration_seconds_count{method="other",path="other",status="404"} 1`,
		`http_request_duration_seconds_count{method="other",path="/webhook/whaticket",status="405"} 1`,
		`http_request_duration_seconds_count{method="GET",path="/healthz",status="200"} 1`,
		`http_response_size_bytes_count{method="POST",path="/webhook/whaticket",status="401"} 6`,
		`secretaria_webhook_received_total{reason="unauthorized",status="rejected"} 9`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	if !strings.Contains(got, `path="/healthz",status="200",le="0.3"}`) {
		t.Error("http_request_duration_seconds has no bucket of 0.3 s")
	}
	for _, leak := range []string{"nobody", "bbbb", "BREW", "POST /"} {
		if strings.Contains(got, leak) {
			t.Errorf("a label holds %q", leak)
		}
	}
}

// angry panics when the readiness handler logs.
type angry struct{ slog.Handler }

func (h angry) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "helpdesk not ready" {
		panic("the handler broke near " + chatwootSecret)
	}
	return h.Handler.Handle(ctx, r)
}

func TestHandlerThatPanics(t *testing.T) {
	t.Parallel()
	var log *logbook
	h := open(t, func(o *app.Options) {
		still(o)
		log = logTo(t, o)
		o.Logger = slog.New(angry{o.Logger.Handler()})
	})
	h.chatwoot.Down()
	got := h.ask(h.request(http.MethodGet, "/api/v1/readiness", nil, nil))
	if got.status != http.StatusInternalServerError || strings.Contains(got.body, "broke") || strings.Contains(got.body, "goroutine") {
		t.Errorf("answered %d %s, want 500 without a word about it", got.status, got.body)
	}
	if !strings.Contains(log.text(), `"request panicked"`) {
		t.Errorf("nothing in the log about it:\n%s", log.text())
	}
	if got := h.ask(h.request(http.MethodGet, "/api/v1/health", nil, nil)); got.status != http.StatusOK {
		t.Errorf("afterwards liveness answered %d", got.status)
	}
}

// After the answer has begun, a panic must not make it look whole or end the program.
func TestPanicAfterTheAnswer(t *testing.T) {
	t.Parallel()
	panicked := make(chan struct{}, 1)
	h := open(t, func(o *app.Options) {
		still(o)
		o.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
		o.Observe.Webhook = func(intake.Done) {
			panicked <- struct{}{}
			panic("observer")
		}
	})
	body := says("5511988877766", "oi")
	resp, err := h.client().Do(h.request(http.MethodPost, whaticketPath, signed(whaticketSecret, body), body))
	if err == nil {
		resp.Body.Close()
	}
	<-panicked
	if got := h.ask(h.request(http.MethodGet, "/api/v1/health", nil, nil)); got.status != http.StatusOK {
		t.Errorf("afterwards liveness answered %d", got.status)
	}
}
