package command_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"secretaria/internal/command"
)

// changed reads the line that says so: "INFO ERROR configuration".
func changed(t *testing.T, s *server) string {
	t.Helper()
	var line struct{ From, To, By string }
	if err := json.Unmarshal([]byte(s.until(t, `"msg":"log level changed"`)), &line); err != nil {
		t.Fatal(err)
	}
	return line.From + " " + line.To + " " + line.By
}

// The level follows .env, and the signal steps between it and debug. Each change is said at
// whatever level the log is.
func TestLevelAtRunTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	set := func(level string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("LOG_LEVEL="+level+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("info")
	hangup, step := make(chan os.Signal), make(chan os.Signal)
	s := launch(t, command.Env{Environ: []string{"APP_HOST=127.0.0.1", "APP_PORT=0"}, Dir: dir, Hangup: hangup, Step: step}, "serve")
	s.port(t)
	for _, c := range []struct{ level, want string }{
		{"", "INFO DEBUG signal"},
		{"", "DEBUG INFO signal"},
		{"error", "INFO ERROR configuration"},
		{"", "ERROR DEBUG signal"},
		{"warn", "DEBUG WARN configuration"}, // and that ends the closer look
		{"", "WARN DEBUG signal"},
		{"", "DEBUG WARN signal"},
		{"debug", "WARN DEBUG configuration"},
		{"", "DEBUG INFO signal"},
		{"", "INFO DEBUG signal"},
		{"warn", "DEBUG WARN configuration"},
	} {
		if c.level != "" {
			set(c.level)
			// Where polling was faster the same level is loaded again, which changes nothing.
			go func() {
				select {
				case hangup <- syscall.SIGHUP:
				case <-t.Context().Done():
				}
			}()
		} else {
			step <- syscall.SIGTERM // whatever it is
		}
		if got := changed(t, s); got != c.want {
			t.Fatalf("after %q the level goes %s, want %s", c.level, got, c.want)
		}
	}
	// At warn the stop is not worth a line.
	s.stop()
	s.output = nil
	for s.lines.Scan() {
		s.output = append(s.output, s.lines.Text())
	}
	if i := slices.IndexFunc(s.output, func(line string) bool { return strings.Contains(line, `"level":"INFO"`) }); i >= 0 {
		t.Errorf("at warn serve still says %s", s.output[i])
	}
}

// A broken configuration leaves the level as it is.
func TestLevelStaysWithABrokenConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hangup, step := make(chan os.Signal), make(chan os.Signal)
	s := launch(t, command.Env{Environ: []string{"APP_HOST=127.0.0.1", "APP_PORT=0"}, Dir: dir, Hangup: hangup, Step: step}, "serve")
	s.port(t)
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("LOG_LEVEL=loud\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { hangup <- syscall.SIGHUP }()
	s.until(t, `configuration not taken up.*LOG_LEVEL`)
	step <- syscall.SIGTERM
	if got := changed(t, s); got != "INFO DEBUG signal" {
		t.Errorf("the level goes %s, want INFO DEBUG signal", got)
	}
}

// Profiles are where the flag says, and never where webhooks come in.
func TestProfilesAreNotPublic(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), []string{"APP_HOST=127.0.0.1", "APP_PORT=0"}, "serve", "--pprof", "127.0.0.1:0")
	var profiles struct{ Address string }
	if err := json.Unmarshal([]byte(s.until(t, `"msg":"profiles served"`)), &profiles); err != nil {
		t.Fatal(err)
	}
	port := s.port(t)
	s.drain()
	for _, c := range []struct {
		address string
		want    int
	}{{profiles.Address, http.StatusOK}, {"127.0.0.1:" + port, http.StatusNotFound}} {
		for _, path := range []string{"", "heap", "goroutine?debug=1"} {
			resp, err := http.Get("http://" + c.address + "/debug/pprof/" + path) //nolint:noctx // a test
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("GET /debug/pprof/%s at %s = %d, want %d", path, c.address, resp.StatusCode, c.want)
			}
		}
	}
}
