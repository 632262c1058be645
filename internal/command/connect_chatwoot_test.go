package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/command"
	"secretaria/internal/porttest"
)

func freePort(t testing.TB) string {
	t.Helper()
	return strconv.Itoa(porttest.Free(t))
}

// The administrator's token of the fakes here, and an agent's.
const (
	adminToken = "token-of-ana-the-administrator"
	agentToken = "token-of-carlos-the-agent"
)

// connection is a working directory with a fake Chatwoot and a port to serve on.
type connection struct {
	dir, port string
	fake      *chatwoottest.Server
	environ   []string
}

// premises are what the fakes have where a case says nothing else.
func premises() chatwoottest.Options {
	return chatwoottest.Options{
		Bare: true, AdminToken: adminToken, UserToken: agentToken, Version: "4.15.1", Teams: map[int64]string{},
		Inboxes: []chatwoottest.Inbox{{ID: 1, Name: "Testes", Kind: chatwoottest.KindAPI}},
	}
}

func newConnection(t *testing.T, o chatwoottest.Options) *connection {
	t.Helper()
	fake, err := chatwoottest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	c := &connection{dir: t.TempDir(), port: freePort(t), fake: fake}
	c.environ = []string{"APP_HOST=127.0.0.1", "APP_PORT=" + c.port, "TURN_QUIET=20ms"}
	return c
}

// filled puts the addresses of a case into a text.
func (c *connection) filled(text string) string {
	return strings.NewReplacer("$URL", c.fake.URL(), "$HOST", strings.TrimPrefix(c.fake.URL(), "http://"), "$PORT", c.port, "$ADMIN", adminToken, "$AGENT", agentToken).Replace(text)
}

var (
	tookTime  = regexp.MustCompile(`\b\d+(\.\d+)?m?s\b`)
	serverLog = regexp.MustCompile(`(?m)^time=\S+ .*\n`)
)

// plain takes out of a text what differs from run to run.
func (c *connection) plain(text string) string {
	text = strings.NewReplacer(c.fake.URL(), "$URL", strings.TrimPrefix(c.fake.URL(), "http://"), "$HOST", "127.0.0.1:"+c.port, "127.0.0.1:$PORT", "port "+c.port, "port $PORT", adminToken, "$ADMIN", agentToken, "$AGENT").Replace(text)
	return serverLog.ReplaceAllString(tookTime.ReplaceAllString(text, "Ns"), "")
}

// connect runs the command with what is typed.
func (c *connection) connect(t *testing.T, stdin io.Reader, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	args = append([]string{"connect", "chatwoot"}, args...)
	code := command.Run(ctx, command.Env{Program: "secretaria", Environ: c.environ, Dir: c.dir, Stdin: stdin, Stdout: &stdout, Stderr: &stderr}, args)
	got := ran{code, stdout.String(), stderr.String()}
	for _, s := range c.secrets(t) {
		if strings.Contains(got.stdout+got.err, s) {
			t.Errorf("connect tells the secret %q: %v", s, got)
		}
	}
	return got
}

// secrets are all that Chatwoot knows, and what is typed.
func (c *connection) secrets(t *testing.T) []string {
	t.Helper()
	all := []string{adminToken, agentToken}
	for _, b := range c.fake.Bots() {
		all = append(all, b.Token, b.Secret)
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// state is what the fake has become.
func (c *connection) state() string {
	var b strings.Builder
	names := map[int64]string{0: "nobody"}
	for _, bot := range c.fake.Bots() {
		fmt.Fprintf(&b, "bot %q posts to %s\n", bot.Name, c.plain(bot.URL))
		names[bot.ID] = bot.Name
	}
	for _, in := range c.fake.Inboxes() {
		fmt.Fprintf(&b, "inbox %d %q bot=%s greeting=%v closed=%v email=%v survey=%v\n", in.ID, in.Name, names[in.BotID], in.Greeting, in.Closed, in.Mail, in.Survey)
	}
	for _, talk := range c.fake.Conversations() {
		fmt.Fprintf(&b, "conversation %s, %d messages\n", talk.Status, len(talk.Messages))
	}
	return b.String()
}

// Each case is a session: the options of a fake Chatwoot in "fake", calls that fail in "fail",
// the environment, files of the working directory, arguments and what is typed; and what comes
// of it: the transcript, what the fake has become, the files, and the same command once more.
func TestConnectChatwoot(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/connect/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			o := premises()
			parts := map[string]string{}
			var given, want []txtar.File
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want") {
					want = append(want, f)
					continue
				}
				given = append(given, f)
				parts[f.Name] = string(f.Data)
			}
			if text := parts["fake"]; text != "" {
				o.Inboxes = nil
				if err := json.Unmarshal([]byte(text), &o); err != nil {
					t.Fatal(err)
				}
				if o.Inboxes == nil {
					o.Inboxes = premises().Inboxes
				}
			}
			c := newConnection(t, o)
			for line := range strings.Lines(parts["fail"]) {
				var status int
				var op string
				if _, err := fmt.Sscanf(line, "%s %d", &op, &status); err != nil {
					t.Fatal(err)
				}
				c.fake.Fail(1, status, chatwoottest.Op(op))
			}
			c.environ = append(c.environ, strings.Fields(c.filled(parts["env"]))...)
			for file, text := range parts {
				if strings.HasSuffix(file, ".env") || strings.HasSuffix(file, ".yaml") || strings.HasPrefix(file, "token") {
					if err := os.WriteFile(filepath.Join(c.dir, file), []byte(c.filled(text)), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := map[string]string{}
			for _, path := range files(t, c.dir) {
				before[path] = slurp(t, path)
			}
			args := strings.Fields(c.filled(parts["args"]))
			var got []txtar.File
			add := func(name, text string) { got = append(got, txtar.File{Name: name, Data: []byte(c.plain(text))}) }
			first := c.connect(t, strings.NewReader(c.filled(parts["typed"])), args...)
			add("want", transcript(first))
			add("want/chatwoot", c.state())
			for _, path := range files(t, c.dir) {
				if name := filepath.Base(path); !strings.Contains(path, filepath.Join(c.dir, "data")) && before[path] != slurp(t, path) {
					add("want/"+name, c.masked(t, slurp(t, path)))
				}
			}
			if first.code == 0 || parts["fail"] != "" {
				again := c.connect(t, strings.NewReader(c.filled(parts["again"])), append(args, "--no-test")...)
				add("want/again", transcript(again))
			}
			if *update {
				archive.Files = append(given, got...)
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: want})), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
				t.Errorf("session: (-want +got)\n%s", diff)
			}
		})
	}
}

func slurp(t testing.TB, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// masked puts names in place of the secrets that the fake has made.
func (c *connection) masked(t *testing.T, text string) string {
	t.Helper()
	for _, b := range c.fake.Bots() {
		for what, s := range map[string]string{"token": b.Token, "secret": b.Secret} {
			if s != "" {
				text = strings.ReplaceAll(text, s, fmt.Sprintf("<%s of %s>", what, b.Name))
			}
		}
	}
	return text
}

// transcript is what a person saw.
func transcript(r ran) string {
	text := r.stdout
	for line := range strings.Lines(r.err) {
		text += "! " + line
	}
	return text + fmt.Sprintf("exit %d\n", r.code)
}

// A server that runs already is restarted when that is asked for, and then is the one that
// answers.
func TestConnectBesideARunningServer(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	before := start(t, c.dir, c.environ, "serve")
	before.port(t)
	before.drain()
	typing, typed := io.Pipe()
	defer typed.Close()
	s := launch(t, command.Env{Environ: c.environ, Dir: c.dir, Stdin: io.MultiReader(strings.NewReader("\n\ns\n"), typing)}, "connect", "chatwoot", "--url", c.fake.URL(), "--token", adminToken)
	s.until(t, `restart it now`)
	before.stop()
	if code := <-before.code; code != 0 {
		t.Fatalf("serve ends with %d", code)
	}
	before.code <- 0
	after := start(t, c.dir, c.environ, "serve")
	after.port(t)
	after.drain()
	s.until(t, `a server answers at http://127.0.0.1:`+c.port+`, and takes this inbox's webhooks`)
	s.until(t, `✓ answered after`)
	s.until(t, `The server that answered goes on`)
	if said := strings.Join(s.output, "\n"); strings.Contains(said, "was started here") {
		t.Errorf("connect beside a server has started another:\n%s", said)
	}
}

// A server of another directory at that address is told apart.
func TestConnectBesideAStrangeServer(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	s := start(t, t.TempDir(), c.environ, "serve")
	s.port(t)
	s.drain()
	got := c.connect(t, nil, "--url", c.fake.URL(), "--token", adminToken, "--yes")
	if got.code != 1 || !strings.Contains(got.err, "it runs with another configuration") || c.fake.Inboxes()[0].BotID != 0 {
		t.Errorf("connect beside a server of another directory: %v, bot %d in the inbox", got, c.fake.Inboxes()[0].BotID)
	}
}

// With --serve the server goes on, and answers customers.
func TestConnectServes(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	s := start(t, c.dir, c.environ, "connect", "chatwoot", "--url", c.fake.URL(), "--token", adminToken, "--yes", "--serve")
	s.until(t, `Serving until Ctrl-C`)
	s.until(t, `"msg":"serving"`)
	s.drain()
	id := c.fake.OpenIn(1, chatwoottest.Contact{ID: 501, Name: "Bia"})
	if _, err := c.fake.Customer(t.Context(), id, "quanto custa?"); err != nil {
		t.Fatal(err)
	}
	err := c.fake.Wait(t.Context(), func() bool {
		return slices.ContainsFunc(c.fake.Conversation(id).Messages, func(m *chatwoottest.Message) bool { return m.Type == "outgoing" && !m.Private })
	})
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
	if code := <-s.code; code != 0 {
		t.Errorf("connect --serve ends with %d after Ctrl-C", code)
	}
	s.code <- 0
}

// Where no customer can be played a person's message is waited for, with its answer.
func TestConnectAwaitsAMessage(t *testing.T) {
	t.Parallel()
	o := premises()
	o.Inboxes = []chatwoottest.Inbox{{ID: 3, Name: "Zap"}}
	c := newConnection(t, o)
	typing, typed := io.Pipe()
	defer typed.Close()
	s := launch(t, command.Env{Environ: c.environ, Dir: c.dir, Stdin: io.MultiReader(strings.NewReader("\n\ns\n"), typing)}, "connect", "chatwoot", "--url", c.fake.URL(), "--token", adminToken)
	s.until(t, `Write to Zap`)
	id := c.fake.OpenIn(3, chatwoottest.Contact{ID: 501, Name: "Bia"})
	if _, err := c.fake.Customer(t.Context(), id, "quanto custa?"); err != nil {
		t.Fatal(err)
	}
	s.until(t, `a customer's message came after`)
	s.until(t, `and was answered`)
	s.until(t, `Now start the server`)
}

// Ctrl-C at a question ends it, and nothing was changed.
func TestConnectInterrupted(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	typing, typed := io.Pipe()
	defer typed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	out, shown := io.Pipe()
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		env := command.Env{Program: "secretaria", Environ: c.environ, Dir: c.dir, Stdin: typing, Stdout: shown, Stderr: &stderr}
		code <- command.Run(ctx, env, []string{"connect", "chatwoot", "--url", c.fake.URL(), "--token", adminToken})
		_ = shown.Close()
	}()
	buffer := make([]byte, 1)
	var seen strings.Builder
	for !strings.Contains(seen.String(), "? At which address") {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.Write(buffer[:n])
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if got := <-code; got == 0 || !strings.Contains(stderr.String(), "called off") {
		t.Errorf("a session that was called off ends with %d and says %q", got, stderr.String())
	}
	if left := files(t, c.dir); len(left) > 0 || len(c.fake.Bots()) > 0 {
		t.Errorf("a session that was called off left %q, bots %v", left, c.fake.Bots())
	}
}
