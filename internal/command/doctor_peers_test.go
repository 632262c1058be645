package command_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/tracing/tracingtest"
	"secretaria/internal/workflow/n8n/n8ntest"
)

// A collector that does not take traces is noted and never a problem: answers go on.
func TestDoctorAsksTheCollector(t *testing.T) {
	t.Parallel()
	gone := (&tracingtest.Collector{}).Start()
	gone.Close()
	for _, c := range []struct {
		name, key   string
		status      int // what the collector says; 0: it behaves; -1: it is not there
		level, text string
		remedies    []string
	}{
		{"well", "OTEL_EXPORTER_OTLP_ENDPOINT", 0, "ok", "takes them", nil},
		{"away", "OTEL_EXPORTER_OTLP_ENDPOINT", -1, "note", "connection refused", []string{"correct the port in OTEL_EXPORTER_OTLP_ENDPOINT", "corrija a porta em OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"away, by its other name", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", -1, "note", "connection refused", []string{"correct the port in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}},
		{"closed", "OTEL_EXPORTER_OTLP_ENDPOINT", http.StatusUnauthorized, "note", "(401): it does not let us in", []string{"correct OTEL_EXPORTER_OTLP_HEADERS", "corrija OTEL_EXPORTER_OTLP_HEADERS"}},
		{"elsewhere", "OTEL_EXPORTER_OTLP_ENDPOINT", http.StatusNotFound, "note", "(404): nobody takes OTLP", []string{"mostly port 4318", "em geral a porta 4318"}},
		{"overloaded", "OTEL_EXPORTER_OTLP_ENDPOINT", http.StatusServiceUnavailable, "note", "(503): for the time being", []string{"is overloaded", "está sobrecarregado"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := gone
			if c.status >= 0 {
				at = (&tracingtest.Collector{Misbehave: func(w http.ResponseWriter, r *http.Request, _ int) bool {
					if c.status != 0 && r.Method == http.MethodPost {
						w.WriteHeader(c.status)
						return true
					}
					return false
				}}).Start()
				t.Cleanup(at.Close)
			}
			environ := []string{"SHARED_SECRET=a-long-enough-secret", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1", c.key + "=" + at.URL(), "OTEL_EXPORTER_OTLP_HEADERS=authorization=hunter2"}
			finds(t, t.TempDir(), environ, "traces", c.level, c.text, c.remedies...)
			if c.status >= 0 && len(at.Spans()) > 0 {
				t.Errorf("check left %+v", at.Spans())
			}
		})
	}
	environ := []string{"SHARED_SECRET=a-long-enough-secret", "OTEL_EXPORTER_OTLP_ENDPOINT=" + gone.URL()}
	finds(t, t.TempDir(), append(environ, "ALLOW_PRIVATE_ADDRESSES=10.0.0.0/8"), "network", "problem", "traces", "set ALLOW_PRIVATE_ADDRESSES=10.0.0.0/8,127.0.0.1", "defina")
	for name, got := range map[string]ran{
		"offline": run(t, t.TempDir(), append(environ, "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"), "check", "--json", "--offline"),
		"off":     run(t, t.TempDir(), append(environ, "OTEL_SDK_DISABLED=true"), "check", "--json"),
	} {
		if f := about(t, got, "traces"); len(f) > 0 {
			t.Errorf("%s: check says of traces %+v, want nothing", name, f)
		}
	}
}

func TestDoctorAsksN8n(t *testing.T) {
	t.Parallel()
	s := &n8ntest.Server{}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	environ := []string{"N8N_BASE_URL=" + s.URL(), "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}
	finds(t, t.TempDir(), append(environ, "N8N_API_KEY="+n8ntest.DefaultAPIKey), "n8n", "ok", "answers")
	finds(t, t.TempDir(), append(environ, "N8N_API_KEY=other"), "n8n", "problem", "does not work", "correct N8N_BASE_URL and N8N_API_KEY", "corrija N8N_BASE_URL e N8N_API_KEY")
}

// Something answers at the address, and it is no helpdesk of ours.
func TestDoctorFindsWrongAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		handler http.Handler
		remedy  []string
	}{
		{"a web page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<html>not here</html>"))
		}), []string{"correct the base URL (corrija o endereço)"}},
		{"another API", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) }), []string{"correct the base URL, the account and the token", "corrija o endereço, a conta e o token"}},
		{"moved", http.RedirectHandler("https://elsewhere.invalid/", http.StatusMovedPermanently), []string{"correct the base URL (corrija o endereço)"}},
		{"broken", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }), []string{"see whether it runs", "veja se está no ar"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			peer := httptest.NewServer(c.handler)
			t.Cleanup(peer.Close)
			environ := []string{"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret", "CHATWOOT_BASE_URL=" + peer.URL, "CHATWOOT_ACCESS_TOKEN=hunter2", "CHATWOOT_ACCOUNT_ID=1", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}
			finds(t, t.TempDir(), environ, "helpdesk of chatwoot", "problem", "does not work", c.remedy...)
		})
	}
	// In a Chatwoot too the conversation that is asked for is not found.
	proxy := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(proxy.Close)
	environ := []string{"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret", "CHATWOOT_BASE_URL=" + proxy.URL, "CHATWOOT_ACCESS_TOKEN=hunter2", "CHATWOOT_ACCOUNT_ID=1", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}
	finds(t, t.TempDir(), environ, "helpdesk of chatwoot", "note", "it may be something else", "see that CHATWOOT_BASE_URL is the address", "veja se CHATWOOT_BASE_URL é o endereço")
}

// What can be seen without calling anybody.
func TestDoctorReadsTheConfiguration(t *testing.T) {
	t.Parallel()
	const secret = "SHARED_SECRET=a-long-enough-secret"
	for _, c := range []struct {
		name, desks, environ string
		about, level, text   string
		remedies             []string
	}{
		{"no user of Whaticket", "", "WHATSAPP_API_URL=https://8.8.8.8 WHATSAPP_BEARER_TOKEN=t", "inbox whaticket", "note", "has no user of Whaticket", []string{"set WHATICKET_JWT_EMAIL", "defina essas chaves"}},
		{"no helpdesk", "", "", "helpdesk of whaticket", "note", "none is configured", []string{"set WHATSAPP_API_URL", "defina essas chaves"}},
		{"no TLS", "", "WHATSAPP_API_URL=http://8.8.8.8 WHATSAPP_BEARER_TOKEN=t", "network", "note", "without TLS", []string{"use https"}},
		{"hours in words", "", "BUSINESS_HOURS=de~manhã", "desk secretaria", "note", "always open itself", []string{"write hours as in", "escreva o horário assim"}},
		{"closed without a word", "    hours: seg-sex 08:00-12:00\n    only_open: true\n", "", "desk secretaria", "note", "is open", []string{"set closed", "defina closed"}},
		{"idle workflow", "    workflows: {avisar: {url: 'https://8.8.8.8/webhook/avisar'}}\n", "", "desk secretaria", "note", "nothing starts the workflow avisar", []string{"tool: true", "dê a ele"}},
		{"misspelt key", "", "WHATSAPP_API_URI=https://8.8.8.8", "configuration", "note", "did you mean WHATSAPP_API_URL", nil},
		{"no model", "", "", "model", "note", "offline model answers", []string{"set GEMINI_API_KEY", "defina uma delas"}},
		{"no price, no budget", "", "OPENAI_API_KEY=k OPENAI_MODEL=unheard-of", "desk secretaria", "note", "its cost is not counted", []string{"set models.openai.price", "defina uma das duas"}},
		{"no price, and a budget", "budget: {day: 10}\n", "OPENAI_API_KEY=k OPENAI_MODEL=unheard-of", "desk secretaria", "problem", "it will not be asked", []string{"set models.openai.price", "defina uma das duas"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.desks != "" {
				text := c.desks
				if strings.HasPrefix(text, " ") {
					text = "desks:\n  secretaria:\n" + text
				}
				if err := os.WriteFile(filepath.Join(dir, "secretaria.yaml"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := run(t, dir, append(fields(c.environ), secret), "check", "--json", "--offline")
			if c.about == "helpdesk of whaticket" { // said by whoever would call it
				got = run(t, dir, []string{secret}, "check", "--json")
			}
			said(t, got, c.about, c.level, c.text, c.remedies...)
		})
	}
}

// fields are settings with blanks between them; "~" is a blank in one.
func fields(environ string) []string {
	all := strings.Fields(environ)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "~", " ")
	}
	return all
}

// said wants one finding of many about a subject.
func said(t *testing.T, got ran, subject, level, text string, remedies ...string) {
	t.Helper()
	all, n := about(t, got, subject), 0
	for _, f := range all {
		if f.Level != level || !strings.Contains(f.Text, text) {
			continue
		}
		n++
		for _, want := range remedies {
			if !strings.Contains(f.Remedy, want) {
				t.Errorf("check advises %q against %q, want %q in it", f.Remedy, f.Text, want)
			}
		}
	}
	want := 0
	if level == "problem" {
		want = 1
	}
	if n != 1 || got.code != want {
		t.Errorf("check ends with %d and says of %s %+v, want one %s %q and exit code %d; all: %v", got.code, subject, all, level, text, want, got)
	}
}

// Two things are wrong at once: both are said, and counted.
func TestDoctorCountsProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	chatwootOf(t, dir, chatwoottest.Options{}, "account_id=2")
	got := run(t, dir, whaticketOf(t, &whatickettest.Server{Enabled: true}), "check")
	if got.code != 1 || !strings.Contains(fmt.Sprint(got), "2 problems found") {
		t.Errorf("check of two wrong helpdesks = %v, want 1 and that there are 2 problems", got)
	}
}
