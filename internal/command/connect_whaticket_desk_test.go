package command_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/command"
)

// whaticketOffice is a fake Whaticket with two queues and two users.
func whaticketOffice(t *testing.T, v whatickettest.Variant, change ...func(*whatickettest.Server)) *whatickettest.Server {
	t.Helper()
	s := &whatickettest.Server{
		Variant: v,
		Lines:   []whatickettest.Line{{ID: 3, Name: "Loja", Default: true, Queues: []int{1}, Token: "line-token-9f31", BotRetries: 3}},
		Queues:  []whatickettest.Queue{{ID: 1, Name: "Vendas", Color: "#00aa00"}, {ID: 2, Name: "Suporte", Color: "#0000aa"}},
		People:  []whatickettest.Person{{ID: 1, Name: "Administrador", Profile: "admin"}, {ID: 7, Name: "Bruna", Profile: "user"}},
	}
	for _, c := range change {
		c(s)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// desk is a server of the working directory that is to be set up.
type desk struct {
	dir, port, public string
	environ           []string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	port := freePort(t)
	return desk{t.TempDir(), port, "http://127.0.0.1:" + port, []string{"APP_HOST=127.0.0.1", "APP_PORT=" + port, "TURN_QUIET=10ms", "DATABASE_URL=sqlite:desk.db"}}
}

// connects runs connect whaticket with what is typed, to its end.
func (d desk) connects(t *testing.T, typed string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := command.Env{Program: "secretaria", Environ: d.environ, Dir: d.dir, Stdin: strings.NewReader(typed), Stdout: &stdout, Stderr: &stderr}
	code := command.Run(t.Context(), env, append([]string{"connect", "whaticket"}, args...))
	return ran{code, stdout.String(), stderr.String()}
}

// login is what every connect of a fake needs.
func login(s *whatickettest.Server, more ...string) []string {
	return append([]string{"--url", s.URL(), "--email", whatickettest.DefaultEmail, "--password", whatickettest.DefaultPassword}, more...)
}

// serves starts the server of the directory, as a person does in another terminal.
func (d desk) serves(t *testing.T) {
	t.Helper()
	s := start(t, d.dir, d.environ, "serve")
	s.port(t)
	s.drain()
}

// terminal is a person at connect, who types when asked.
type terminal struct {
	t    *testing.T
	in   *io.PipeWriter
	more *sync.Cond
	seen string
	read int
	code int
	over bool
	stop context.CancelFunc
}

func (d desk) sitsDown(t *testing.T, args ...string) *terminal {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdin, typed := io.Pipe()
	p := &terminal{t: t, in: typed, more: sync.NewCond(&sync.Mutex{}), stop: cancel}
	env := command.Env{Program: "secretaria", Environ: d.environ, Dir: d.dir, Stdin: stdin, Stdout: p, Stderr: p}
	go func() {
		code := command.Run(ctx, env, append([]string{"connect", "whaticket"}, args...))
		p.more.L.Lock()
		defer p.more.L.Unlock()
		p.code, p.over = code, true
		p.more.Broadcast()
	}()
	t.Cleanup(func() {
		cancel()
		_ = typed.Close()
		p.end()
	})
	return p
}

// Write takes what connect prints.
func (p *terminal) Write(b []byte) (int, error) {
	p.more.L.Lock()
	defer p.more.L.Unlock()
	p.seen += string(b)
	p.more.Broadcast()
	return len(b), nil
}

// sees waits until a text was printed, after what was seen before.
func (p *terminal) sees(text string) {
	p.t.Helper()
	p.more.L.Lock()
	defer p.more.L.Unlock()
	for !strings.Contains(p.seen[p.read:], text) {
		if p.over {
			p.t.Fatalf("connect ended with %d before it said %q:\n%s", p.code, text, p.seen)
		}
		p.more.Wait()
	}
	p.read += strings.Index(p.seen[p.read:], text) + len(text)
}

// answers types an answer when it is asked for.
func (p *terminal) answers(question, text string) {
	p.t.Helper()
	p.sees(question)
	if _, err := io.WriteString(p.in, text+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the end, and gives the exit code and everything that was printed.
func (p *terminal) end() (int, string) {
	p.more.L.Lock()
	defer p.more.L.Unlock()
	for !p.over {
		p.more.Wait()
	}
	return p.code, p.seen
}

// hides fails where a text shows what opens a door.
func hides(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range append(secrets, whatickettest.DefaultPassword, whatickettest.DefaultToken, "line-token-9f31") {
		if strings.Contains(text, s) {
			t.Errorf("%q is shown in:\n%s", s, text)
		}
	}
	if found := regexp.MustCompile(`[0-9a-f]{64}`).FindString(text); found != "" {
		t.Errorf("a secret of 64 digits is shown in:\n%s", text)
	}
}

// tree is what the configuration files of a directory hold.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{".env", "secretaria.yaml"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			fmt.Fprintf(&all, "== %s\n%s", name, content)
		}
	}
	return all.String()
}
