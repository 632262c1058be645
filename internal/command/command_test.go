package command_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"secretaria/internal/command"
)

// ran is what a command left behind.
type ran struct {
	code        int
	stdout, err string
}

// run runs a command to its end in a working directory.
func run(t *testing.T, dir string, environ []string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := command.Run(t.Context(), command.Env{Program: "secretaria", Environ: environ, Dir: dir, Stdout: &stdout, Stderr: &stderr}, args)
	return ran{code, stdout.String(), stderr.String()}
}

func (r ran) String() string {
	return fmt.Sprintf("exit %d\nstdout: %s\nstderr: %s", r.code, r.stdout, r.err)
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func commands() []string {
	return []string{"", "serve", "demo", "send", "send whaticket", "send chatwoot", "check", "migrate", "deliveries", "deliveries list", "deliveries show", "deliveries replay", "chat", "connect", "connect chatwoot", "connect whaticket", "conversations", "conversations list",
		"conversations show", "conversations hand-back", "conversations take-over", "conversations opt-in", "leads", "leads list", "leads show", "contact", "contact find", "contact export", "contact erase", "audit", "audit list", "privacy", "privacy register", "guard", "guard score", "guard train", "version"}
}

func TestHelpShowsAnExampleAndTouchesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range commands() {
		dir := t.TempDir()
		for _, flag := range []string{"--help", "-h"} {
			got := run(t, dir, nil, append(strings.Fields(name), flag)...)
			if got.code != 0 || got.err != "" || !strings.Contains(got.stdout, "secretaria") {
				t.Errorf("%s %s: %v", name, flag, got)
			}
			if name != "" && !strings.Contains(got.stdout, "Example:") {
				t.Errorf("%s %s shows no example: %v", name, flag, got)
			}
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%s --help left %q", name, left)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A configuration that is wrong does not matter here.
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("APP_PORT=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, dir, nil, "version"); got.code != 0 || !strings.Contains(got.stdout, "secretaria ") || !strings.Contains(got.stdout, "go1.") {
		t.Errorf("version: %v", got)
	}
	got := run(t, dir, nil, "version", "--json")
	var v struct{ Version, Go string }
	if err := json.Unmarshal([]byte(got.stdout), &v); err != nil || v.Version == "" || v.Go == "" {
		t.Errorf("version --json: %v, %v", got, err)
	}
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("version left %q", left)
	}
}

// What is wrong goes to standard error, exit code not 0, and nothing is made.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    string
		environ string
		want    string // on standard error
	}{
		{"", "", "--help"},
		{"serv", "", "did you mean"},
		{"serve --bogus", "", "--bogus"},
		{"serve", "WEBHOOK_RATE_LIMIT_IP=abc", "WEBHOOK_RATE_LIMIT_IP"},
		{"serve", "APP_PORT=99999", "APP_PORT"},
		{"serve --port 99999", "", "APP_PORT"},
		{"serve", "TURN_QUIET=5", "TURN_QUIET"},
		{"serve", "DATABASE_URL=postgres://u:p@h", "DATABASE_URL"},
		{"serve --role worker", "SHARED_SECRET=x", "PostgreSQL"},
		{"serve --config none.yaml", "", "none.yaml"},
		{"serve --pprof 0.0.0.0:6060", "", "--pprof"},
		{"serve --pprof 10.0.0.7:6060", "", "can be reached from elsewhere"},
		{"serve --pprof localhost:6060", "", "use 127.0.0.1:6060"},
		{"migrate", "DATABASE_URL=mysql://x", "DATABASE_URL"},
		{"deliveries list", "", "there is no database"},
		{"deliveries list --json", "", "there is no database"},
		{"deliveries list --status LOST", "", "--status"},
		{"deliveries list --limit 0", "", "--limit"},
		{"deliveries show x", "", "there is no database"},
		{"deliveries replay x", "", "there is no database"},
		{"deliveries replay", "", "id"},
		{"conversations list", "", "there is no database"},
		{"conversations list --holder nobody", "", "--holder"},
		{"conversations list --limit 0", "", "--limit"},
		{"conversations show x", "", "id"},
		{"conversations hand-back 7", "", "there is no database"},
		{"conversations take-over 7 --for -1s", "", "--for"},
		{"leads list --state happy", "", "--state"},
		{"leads show 7", "", "there is no database"},
		{"guard score none.jsonl", "", "none.jsonl"},
		{"guard score", "", "<file>"},
		{"guard train none.jsonl --out m.bin", "", "--date"},
		{"guard train none.jsonl --out m.bin --date 2026-01-02", "", "none.jsonl"},
		{"guard train none.jsonl --out m.bin --date yesterday", "", "--date"},
		{"chat --desk nobody", "", "there is: secretaria, sdr"},
		{"chat --at tomorrow", "", "--at"},
		{"chat", "", "standard input"},
		{"check --desk sdr", "", "--graph"},
		{"check --graph --desk secretaria", "", "there is: sdr"},
		{"send whaticket --number 5511988877766 olá", "", "secretaria serve"},
		{"send whaticket olá", "", "--number"},
		{"send whaticket --number 5511988877766 olá", "SHARED_SECRET=a-long-enough-secret APP_PORT=1", "is the server running"},
		{"send whaticket --number 5511988877766 --url nowhere olá", "SHARED_SECRET=a-long-enough-secret", "--url"},
		{"send whaticket --number 5511988877766 --inbox loja olá", "SHARED_SECRET=a-long-enough-secret", "there is: whaticket"},
		{"send chatwoot --contact 42 olá", "SHARED_SECRET=a-long-enough-secret", "CHATWOOT_WEBHOOK_SECRET"},
		{"send chatwoot --contact 42 olá", "CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret CHATWOOT_BASE_URL=http://127.0.0.1:1 CHATWOOT_ACCESS_TOKEN=t", "--conversation"},
		{"check", "LOG_LEVEL=loud", "1 problem found"},
		{"demo --port 99999", "", "port"},
	} {
		dir := t.TempDir()
		got := run(t, dir, strings.Fields(c.environ), strings.Fields(c.args)...)
		if got.code == 0 || !strings.Contains(got.err, c.want) {
			t.Errorf("%s %s: %v, want %q on standard error and an exit code that is not 0", c.environ, c.args, got, c.want)
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%s %s left %q", c.environ, c.args, left)
		}
	}
}

// isLog says whether every line is a JSON object with time, level and msg.
func isLog(t *testing.T, text string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Errorf("%q is not JSON: %v", line, err)
			continue
		}
		for _, key := range []string{"time", "level", "msg"} {
			if s, ok := o[key].(string); !ok || s == "" {
				t.Errorf("%q has no %s", line, key)
			}
		}
		lines = append(lines, o)
	}
	return lines
}

func TestServeSaysInJSONWhatIsWrong(t *testing.T) {
	t.Parallel()
	for args, key := range map[string]string{"serve --port 99999 --host a:b": "APP_PORT", "serve --bogus": "--bogus", "serve --config none.yaml": "none.yaml"} {
		got := run(t, t.TempDir(), nil, strings.Fields(args)...)
		lines := isLog(t, got.err)
		if got.code == 0 || len(lines) == 0 || !strings.Contains(got.err, key) || got.stdout != "" {
			t.Errorf("%s: %v, want %s in JSON", args, got, key)
		}
	}
	// All at once, a line for each.
	got := run(t, t.TempDir(), []string{"APP_PORT=x", "LOG_LEVEL=x"}, "serve")
	if lines := isLog(t, got.err); len(lines) != 2 {
		t.Errorf("two wrong keys give %d lines: %v", len(lines), got)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, want := range []string{"is new", "already", "already"} {
		if got := run(t, dir, nil, "migrate"); got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("migrate, time %d: %v, want %q", i+1, got, want)
		}
	}
	if got := run(t, dir, nil, "deliveries", "list", "--json"); got.code != 0 || strings.TrimSpace(got.stdout) != "[]" {
		t.Errorf("deliveries list --json of an empty database: %v, want []", got)
	}
	if got := run(t, dir, nil, "deliveries", "replay", "x", "y"); got.code == 0 || strings.Count(got.err, "there is no delivery") != 2 {
		t.Errorf("deliveries replay of nothing: %v", got)
	}
}

// server is a command that runs until it is stopped.
type server struct {
	lines  *bufio.Scanner
	stderr *bytes.Buffer
	stop   context.CancelFunc
	code   chan int
	output []string
}

func start(t *testing.T, dir string, environ []string, args ...string) *server {
	t.Helper()
	return launch(t, command.Env{Environ: environ, Dir: dir}, args...)
}

// launch is start with more of the process.
func launch(t *testing.T, env command.Env, args ...string) *server {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r, w := io.Pipe()
	s := &server{lines: bufio.NewScanner(r), stderr: &bytes.Buffer{}, stop: stop, code: make(chan int, 1)}
	s.lines.Buffer(nil, 1<<20)
	go func() {
		env.Program, env.Stdout, env.Stderr = "secretaria", w, s.stderr
		code := command.Run(ctx, env, args)
		_ = w.Close()
		s.code <- code
	}()
	t.Cleanup(func() {
		stop()
		_, _ = io.Copy(io.Discard, r)
		<-s.code
	})
	return s
}

// until reads lines up to the first that matches, and returns it.
func (s *server) until(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for s.lines.Scan() {
		s.output = append(s.output, s.lines.Text())
		if re.MatchString(s.lines.Text()) {
			return s.lines.Text()
		}
	}
	t.Fatalf("no line like %q in:\n%s\n%s", pattern, strings.Join(s.output, "\n"), s.stderr)
	return ""
}

// port reads the start line.
func (s *server) port(t *testing.T) string {
	t.Helper()
	var line struct{ Port int }
	if err := json.Unmarshal([]byte(s.until(t, `"msg":"serving"`)), &line); err != nil || line.Port == 0 {
		t.Fatalf("start line %q: %v", s.output[len(s.output)-1], err)
	}
	return fmt.Sprint(line.Port)
}

// drain keeps reading, so that the server never waits for its reader.
func (s *server) drain() {
	go func() {
		for s.lines.Scan() {
		}
	}()
}

// A newcomer starts the server with nothing, sends a message, and reads the answer; then
// the commands beside it work, and it ends with 0.
func TestServeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	environ := []string{"TURN_QUIET=20ms", "APP_HOST=127.0.0.1"}
	s := start(t, dir, environ, "serve", "--port", "0")
	port := s.port(t)
	said := strings.Join(s.output, "\n")
	for _, want := range []string{`"trial":true`, "offline model answers", "SHARED_SECRET", `"dry":true`} {
		if !strings.Contains(said, want) {
			t.Errorf("serve does not say %s:\n%s", want, said)
		}
	}
	logged := make(chan []string, 1)
	go func() {
		var lines []string
		for s.lines.Scan() {
			lines = append(lines, s.lines.Text())
		}
		logged <- lines
	}()

	environ = append(environ, "APP_PORT="+port)
	got := run(t, dir, environ, "send", "whaticket", "--number", "5511988877766", "bom dia!")
	if got.code != 0 || !strings.Contains(got.stdout, `202 {"queued":true}`) || !strings.Contains(got.stdout, "Bom dia") || !strings.Contains(got.stdout, "would have been sent: no helpdesk is configured") {
		t.Errorf("send: %v", got)
	}
	if got := run(t, dir, environ, "send", "whaticket", "--number", "5511988877766", "--secret", "another", "oi"); got.code == 0 || !strings.Contains(got.err, "secret") {
		t.Errorf("send with another secret: %v", got)
	}
	if got := run(t, dir, environ, "send", "whaticket", "--number", "5511988877766", "--url", "http://127.0.0.1:"+port+"/x", "oi"); got.code == 0 {
		t.Errorf("send to another path: %v", got)
	}

	got = run(t, dir, environ, "deliveries", "list", "--json")
	var list []struct {
		ID, Status, Kind, Inbox, Cause string
		Attempts, Conversation         int
		CorrelationID                  string `json:"correlation_id"`
	}
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list) != 1 {
		t.Fatalf("deliveries list --json: %v, %v", got, err)
	}
	if d := list[0]; d.ID == "" || d.Status != "CANCELLED" || d.Kind != "say" || d.Inbox != "whaticket" || d.Cause != "dry run" || d.Conversation == 0 || d.CorrelationID == "" {
		t.Errorf("deliveries list --json: %+v", d)
	}
	if got := run(t, dir, environ, "deliveries", "list", "--inbox", "nobody"); got.code != 0 || !strings.Contains(got.stdout, "no deliveries") {
		t.Errorf("deliveries list --inbox nobody: %v", got)
	}
	if got := run(t, dir, environ, "deliveries", "list", "--status", "cancelled"); got.code != 0 || !strings.Contains(got.stdout, list[0].ID) {
		t.Errorf("deliveries list --status cancelled: %v", got)
	}
	if got := run(t, dir, environ, "deliveries", "show", list[0].ID); got.code != 0 || !strings.Contains(got.stdout, "Bom dia") {
		t.Errorf("deliveries show: %v", got)
	}
	if got := run(t, dir, environ, "deliveries", "replay", list[0].ID); got.code == 0 || !strings.Contains(got.err, "FAILED_PERMANENT") {
		t.Errorf("deliveries replay of what did not fail: %v", got)
	}
	if got := run(t, dir, environ, "migrate"); got.code == 0 || !strings.Contains(got.err, "another server") {
		t.Errorf("migrate beside a server: %v", got)
	}
	if got := run(t, dir, environ, "check"); got.code != 0 || !strings.Contains(got.stdout, "of this program's version") {
		t.Errorf("check beside a server: %v", got)
	}

	s.stop()
	lines := <-logged
	code := <-s.code
	s.code <- code
	if code != 0 || s.stderr.Len() > 0 {
		t.Errorf("serve ended with %d, standard error %q", code, s.stderr)
	}
	isLog(t, said+"\n"+strings.Join(lines, "\n"))
}

// The ways in which inboxes authenticate.
func TestSendAuthenticates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	yaml := `
inboxes:
  assinada: {channel: whaticket, secrets: a-long-enough-secret, webhook_token: porta}
  endereco: {channel: whaticket, auth: url, secrets: "0123456789012345678901234567890123456789"}
  ficha: {channel: whaticket, auth: token, secrets: a-long-enough-token}
  site: {channel: chatwoot, secrets: a-long-enough-secret}
  antigo: {channel: chatwoot, secrets: a-long-enough-secret, signature: body}
`
	if err := os.WriteFile(filepath.Join(dir, "secretaria.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"TURN_QUIET=1ms", "APP_HOST=127.0.0.1"}
	s := start(t, dir, environ, "serve", "--port", "0")
	environ = append(environ, "APP_PORT="+s.port(t))
	s.drain()
	for _, c := range []struct{ channel, who, inbox string }{
		{"whaticket", "--number=5511988877766", "assinada"}, {"whaticket", "--number=5511988877766", "endereco"}, {"whaticket", "--number=5511988877766", "ficha"},
		{"chatwoot", "--contact=42", "site"}, {"chatwoot", "--contact=42", "antigo"},
	} {
		got := run(t, dir, environ, "send", c.channel, c.who, "--inbox", c.inbox, "boa tarde!")
		if got.code != 0 || !strings.Contains(got.stdout, "would have been sent") {
			t.Errorf("send to %s: %v", c.inbox, got)
		}
	}
	if got := run(t, dir, environ, "send", "whaticket", "--number=5511988877766", "oi"); got.code == 0 || !strings.Contains(got.err, "--inbox") {
		t.Errorf("send to one of several: %v", got)
	}
}

// check calls the helpdesks, and says what to do about one that does not answer.
func TestCheckProbes(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"Invalid Access Token"}`)
	}))
	defer refusing.Close()
	dir := t.TempDir()
	environ := []string{"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret", "CHATWOOT_BASE_URL=" + refusing.URL, "CHATWOOT_ACCOUNT_ID=1", "CHATWOOT_ACCESS_TOKEN=hunter2", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}
	got := run(t, dir, environ, "check", "--json")
	var found []struct{ Level, About, Text, Remedy string }
	if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
		t.Fatalf("check --json: %v, %v", got, err)
	}
	broken := 0
	for _, f := range found {
		if f.Level == "problem" {
			broken++
			if f.About != "helpdesk of chatwoot" || f.Remedy == "" {
				t.Errorf("check --json: %+v", f)
			}
		}
	}
	if got.code != 1 || broken != 1 || strings.Contains(got.stdout, "hunter2") {
		t.Errorf("check --json with a helpdesk that refuses: %v", got)
	}
	if got := run(t, dir, environ, "check", "--offline"); got.code != 0 {
		t.Errorf("check --offline: %v", got)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("check left %q", left)
	}
}

// The demonstration stays up, and the command that it prints works.
func TestDemoInvites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil, "demo")
	line := strings.TrimSpace(s.until(t, `^  secretaria send whaticket `))
	s.drain()
	args := strings.Fields(strings.ReplaceAll(line, `"`, ""))[1:]
	got := run(t, dir, nil, args...)
	if got.code != 0 || !strings.Contains(got.stdout, "answer after") || !strings.Contains(got.stdout, "  sent (delivery ") {
		t.Errorf("%s: %v", line, got)
	}
	s.stop()
	code := <-s.code
	s.code <- code
	if code != 0 {
		t.Errorf("demo ended with %d: %s", code, s.stderr)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("demo left %q", left)
	}
}

// broken fails every write, like a pipe that nobody reads any more, and stops the server
// once it would have said that it serves.
type broken struct{ stop context.CancelFunc }

func (b broken) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`"msg":"serving"`)) {
		b.stop()
	}
	return 0, errors.New("no room")
}

func TestServeOutlivesItsReader(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	code := command.Run(ctx, command.Env{Environ: []string{"APP_PORT=0", "APP_HOST=127.0.0.1"}, Dir: t.TempDir(), Stdout: broken{stop}, Stderr: io.Discard}, []string{"serve"})
	if code != 0 {
		t.Errorf("serve without a reader = %d, want 0", code)
	}
}
