package command_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthOfAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, []string{"APP_HOST=127.0.0.1", "APP_PORT=0"}, "serve")
	port := s.port(t)
	s.drain()
	for _, args := range []string{"health", "health --live"} {
		got := run(t, t.TempDir(), []string{"APP_PORT=" + port}, strings.Fields(args)...)
		if got.code != 0 || !strings.HasPrefix(got.stdout, "ok") || strings.Count(got.stdout, "\n") != 1 || got.err != "" {
			t.Errorf("%s: %v, want one line that begins with ok", args, got)
		}
	}
	if got := run(t, dir, nil, "health", "--url", "http://127.0.0.1:"+port+"/"); got.code != 0 || !strings.Contains(got.stdout, "rq_worker ok") {
		t.Errorf("health --url: %v, want each part by name", got)
	}
	// An address that is given is enough: a configuration that is wrong does not matter.
	wrong := t.TempDir()
	if err := os.WriteFile(filepath.Join(wrong, ".env"), []byte("APP_PORT=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, wrong, nil, "health", "--live", "--url", "http://127.0.0.1:"+port); got.code != 0 {
		t.Errorf("health --url beside a wrong .env: %v", got)
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"a part fails", 503, `{"status":"degraded","dependencies":{"postgres":{"status":"error","error":"timeout"},"rq_worker":{"status":"ok"}}}`, "degraded: postgres timeout, rq_worker ok"},
		{"wrongly typed fields", 503, `{"status":"degraded","dependencies":{"postgres":{"status":1,"error":null},"redis":null}}`, `degraded: postgres "", redis ""`},
		{"lines in a cause", 503, `{"status":"degraded","dependencies":{"postgres":{"error":"a\nb"}}}`, `postgres "a\nb"`},
		{"not JSON", 200, `<html>welcome</html>`, "is not secretaria: HTTP 200"},
		{"JSON of somebody else", 200, `{}`, "is not secretaria"},
		{"not found", 404, `{"error":"not found"}`, "is not secretaria: HTTP 404"},
		{"redirect", 302, ``, "is not secretaria: HTTP 302"},
		{"nothing", 500, ``, "is not secretaria: HTTP 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			t.Cleanup(server.Close)
			got := run(t, t.TempDir(), nil, "health", "--url", server.URL)
			if got.code != 1 || got.stdout != "" || !strings.Contains(got.err, c.want) || strings.Count(got.err, "\n") != 1 {
				t.Errorf("health = %v, want exit 1 and one line with %q", got, c.want)
			}
		})
	}
}

func TestHealthOfNobody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, c := range []struct {
		args, environ, want string
	}{
		{"health --url " + server.URL, "", "no answer from"},
		{"health --url nonsense", "", "--url"},
		{"health --url ftp://127.0.0.1", "", "--url"},
		{"health", "APP_PORT=0", "--url"},
		{"health", "APP_PORT=x", "APP_PORT"},
	} {
		got := run(t, t.TempDir(), []string{c.environ}, strings.Fields(c.args)...)
		if got.code != 1 || !strings.Contains(got.err, c.want) {
			t.Errorf("%s: %v, want exit 1 and %q", c.args, got, c.want)
		}
	}
}

func TestHealthHelp(t *testing.T) {
	t.Parallel()
	if got := run(t, t.TempDir(), nil, "health", "--help"); got.code != 0 || !strings.Contains(got.stdout, "Example:") {
		t.Errorf("health --help: %v, want an example", got)
	}
}
