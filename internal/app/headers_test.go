package app_test

import (
	"net/http"
	"strings"
	"testing"

	"secretaria/internal/intake"
)

// Whatever is asked and whatever comes of it, a browser that was led here makes nothing of
// the answer, and nothing tells what answers.
func TestSecurityHeadersAreOnEveryAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	for _, p := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/healthz", "", 200}, {"GET", "/api/v1/health", "", 200}, {"GET", "/api/v1/readiness", "", 200}, {"GET", "/metrics", "", 200},
		{"HEAD", "/healthz", "", 200}, {"GET", "/", "", 404}, {"GET", "/<script>", "", 404}, {"GET", "/a/../b", "", 404}, {"GET", whaticketPath, "", 405},
		{"POST", whaticketPath, "{}", 401}, {"POST", agentBotPath, "{}", 401}, {"POST", agentBotPath, strings.Repeat("x", intake.MaxBody+1), 413},
		{"POST", "/api/v1/workflows/callback", "{}", 401}, {"OPTIONS", "/api/v1/health", "", 204},
	} {
		got := h.ask(h.request(p.method, p.path, nil, []byte(p.body)))
		if got.status != p.status {
			t.Errorf("%s %s answered %d, want %d", p.method, p.path, got.status, p.status)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if values := got.header.Values(name); len(values) != 1 || values[0] != want {
				t.Errorf("%s %s: %s = %q, want %q", p.method, p.path, name, values, want)
			}
		}
		if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s %s: Content-Security-Policy = %q", p.method, p.path, csp)
		}
		for _, name := range []string{"Server", "X-Powered-By"} {
			if got.header.Get(name) != "" {
				t.Errorf("%s %s: %s = %q, want none", p.method, p.path, name, got.header.Get(name))
			}
		}
	}
	// Reading from an allowed origin still works.
	got := h.ask(h.request("GET", "/api/v1/health", http.Header{"Origin": {"https://painel.example"}}, nil))
	if got.header.Get("Vary") != "Origin" {
		t.Errorf("CORS: Vary = %q, want Origin", got.header.Get("Vary"))
	}
}
