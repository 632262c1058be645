package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// serve starts a server with an instrumented mux. The log is complete once the server is closed.
func serve(t *testing.T, mux http.Handler) (*httptest.Server, *prometheus.Registry, *bytes.Buffer) {
	t.Helper()
	m, reg := newMetrics(t)
	var log bytes.Buffer
	route := Routes(map[string]string{"/webhook/whaticket/{inbox}": "/webhook/whaticket"})
	srv := httptest.NewServer(Instrument(mux, route, m, NewLogger(&log, slog.LevelInfo, "json")))
	t.Cleanup(srv.Close)
	return srv, reg, &log
}

func do(t *testing.T, method, url, correlation string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if correlation != "" {
		req.Header.Set(CorrelationHeader, correlation)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestInstrument(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	seen := make(chan string, 1)
	mux.HandleFunc("POST /webhook/whaticket", func(w http.ResponseWriter, r *http.Request) {
		seen <- Correlation(r.Context())
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"queued":true}`)
	})
	mux.HandleFunc("POST /webhook/whaticket/{inbox}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("GET /copy", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, iotest.OneByteReader(strings.NewReader("12345")))
	})
	mux.HandleFunc("GET /flush", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			t.Errorf("SetWriteDeadline through the writer: %v", err)
		}
	})
	srv, reg, _ := serve(t, mux)

	const kept = "0198c5a2-7b1c-7def-8000-123456789012"
	resp, body := do(t, "POST", srv.URL+"/webhook/whaticket", kept)
	if got := resp.Header.Get(CorrelationHeader); got != kept || resp.StatusCode != 202 || body != `{"queued":true}` {
		t.Errorf("answer = %d %q with id %q, want 202, the body and id %q", resp.StatusCode, body, got, kept)
	}
	if got := <-seen; got != kept {
		t.Errorf("Correlation in the handler = %q, want %q", got, kept)
	}
	for _, bad := range []string{"", strings.Repeat("a", 200), `"x"`, "<b>"} {
		resp, _ := do(t, "GET", srv.URL+"/nowhere/5511912345678", bad)
		if got := resp.Header.Get(CorrelationHeader); got == bad || len(got) != 36 || resp.StatusCode != 404 {
			t.Errorf("answer to id %q = %d with id %q, want 404 with a new id", bad, resp.StatusCode, got)
		}
	}
	do(t, "POST", srv.URL+"/webhook/whaticket/loja", "")
	do(t, "BREW", srv.URL+"/webhook/whaticket", "")
	do(t, "GET", srv.URL+"/webhook/whaticket", "")
	do(t, "GET", srv.URL+"/early", "")
	do(t, "GET", srv.URL+"/copy", "")
	do(t, "GET", srv.URL+"/flush", "")
	srv.Close() // a request is recorded after its answer was sent

	for series, want := range map[string]float64{
		"http_request_duration_seconds{method=POST,path=/webhook/whaticket,status=202}": 1,
		"http_response_size_bytes{method=POST,path=/webhook/whaticket,status=202}":      1,
		"http_request_duration_seconds{method=POST,path=/webhook/whaticket,status=200}": 1,
		"http_request_duration_seconds{method=GET,path=other,status=404}":               4,
		"http_request_duration_seconds{method=other,path=other,status=405}":             1,
		"http_request_duration_seconds{method=GET,path=other,status=405}":               1,
		"http_request_duration_seconds{method=GET,path=/early,status=418}":              1,
		"http_request_duration_seconds{method=GET,path=/copy,status=200}":               1,
		"http_request_duration_seconds{method=GET,path=/flush,status=200}":              1,
	} {
		if got := value(t, reg, series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
	for _, m := range families(t, reg)["http_response_size_bytes"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetValue() == "/copy" && m.GetHistogram().GetSampleSum() != 5 {
				t.Errorf("size of /copy = %v, want 5", m.GetHistogram().GetSampleSum())
			}
		}
	}
}

func TestInstrumentRecoversPanics(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /before", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Set-Cookie", "a=b")
		panic(errors.New("number 5511912345678"))
	})
	mux.HandleFunc("POST /after", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		panic("late")
	})
	mux.HandleFunc("POST /abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	srv, reg, log := serve(t, mux)

	resp, body := do(t, "GET", srv.URL+"/before", "abc")
	if resp.StatusCode != 500 || body != `{"error":"temporarily unavailable"}`+"\n" {
		t.Errorf("answer to a panic = %d %q, want 500 and a constant body", resp.StatusCode, body)
	}
	if h := resp.Header; h.Get("Content-Type") != "application/json" || h.Get(CorrelationHeader) != "abc" || h.Get("Set-Cookie") != "" {
		t.Errorf("headers of a panic = %v, want JSON, the id, and nothing of the handler's", h)
	}
	for _, path := range []string{"/after", "/abort"} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+path, nil) // which is not repeated by the transport
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Errorf("POST %s reads as a whole answer, want a broken connection", path)
		}
	}
	srv.Close()

	for series, want := range map[string]float64{
		"http_request_duration_seconds{method=GET,path=/before,status=500}": 1,
		"http_request_duration_seconds{method=POST,path=/after,status=200}": 1,
		"http_request_duration_seconds{method=POST,path=/abort,status=200}": 1,
	} {
		if got := value(t, reg, series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("log = %q, want a line for each of the two panics", log)
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first["correlation_id"] != "abc" || first["error"] != "panicked: panic of type *errors.errorString" || !strings.Contains(first["stack"].(string), "http_test.go") {
		t.Errorf("line of a panic = %v, want its id, its type and the stack", first)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	route := Routes(map[string]string{"/a/{x}": "/a", "/folded": "/f"})
	for pattern, want := range map[string]string{
		"":                   "",
		"/":                  "",
		"GET /":              "",
		"GET /{$}":           "/",
		"POST /a/{x}":        "/a",
		"POST example.com/b": "/b",
		"/folded":            "/f",
		"GET /console/":      "/console/",
		"GET /c/{id}":        "/c/{id}",
	} {
		if got := route(&http.Request{Pattern: pattern}); got != want {
			t.Errorf("route of pattern %q = %q, want %q", pattern, got, want)
		}
	}
}
