package command_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"secretaria/internal/channel/whaticket/whatickettest"
)

// With --yes nobody is asked for another address when the configured one does not answer.
func TestConnectGivesUpUnasked(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	dead := "http://127.0.0.1:" + freePort(t)
	env := "CHATWOOT_BASE_URL=" + dead + "\nCHATWOOT_ACCESS_TOKEN=of-a-bot\nCHATWOOT_WEBHOOK_SECRET=0123456789abcdef\n"
	if err := os.WriteFile(filepath.Join(c.dir, ".env"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	got := c.connect(t, nil, "--token", adminToken, "--yes")
	if got.code != 1 || !strings.Contains(got.err, "no Chatwoot can be asked there") {
		t.Errorf("connect --yes to a configured address that is dead: %v", got)
	}
}

// Where the files cannot be written no bot is made: it would be of no use.
func TestConnectWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	if err := os.Symlink(filepath.Join(c.dir, "gone", ".env"), filepath.Join(c.dir, ".env")); err != nil {
		t.Fatal(err)
	}
	got := c.connect(t, nil, "--url", c.fake.URL(), "--token", adminToken, "--yes")
	if got.code != 1 || !strings.Contains(got.err, "nothing was changed (nada foi mudado): write .env:") || len(c.fake.Bots()) > 0 {
		t.Errorf("connect where .env cannot be written: %v, bots %v", got, c.fake.Bots())
	}
}

// Whoever presses Ctrl-C while the answer is awaited is told that the bot sits there by now.
func TestConnectInterruptedAfterSeating(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	c.environ = append(c.environ, "TURN_QUIET=1h", "TURN_QUIET_MAX=1h")
	s := start(t, c.dir, c.environ, "connect", "chatwoot", "--url", c.fake.URL(), "--token", adminToken, "--yes")
	s.until(t, `A customer writes in Testes`)
	s.stop()
	s.until(t, `Secretaria sits in Testes all the same`)
	s.until(t, `Now start the server`)
	code := <-s.code
	s.code <- code
	if code != 1 || !strings.Contains(s.stderr.String(), "called off") {
		t.Errorf("connect ends with %d after Ctrl-C, and says %q", code, s.stderr)
	}
}

// What a name has to say to a terminal is not said.
func TestConnectWhaticketStrangeNames(t *testing.T) {
	t.Parallel()
	const strange = "Lo\x1b[2Jja\n? Continue? [s/N]: s\u202e"
	w, d := whaticketOffice(t, whatickettest.Multi100, func(s *whatickettest.Server) {
		s.Lines = append(s.Lines, whatickettest.Line{ID: 4, Name: strange, Queues: []int{2}})
		s.Queues[1].Name, s.People[1].Name = strange, strange
	}), newDesk(t)
	typed := "2\n2\n2\n" + d.public + "\nn\n"
	for _, got := range []ran{d.connects(t, typed, login(w)...), d.connects(t, "", login(w, "--yes", "--queue", "nobody's")...)} {
		all := got.stdout + got.err
		if !strings.Contains(all, "ja ? Continue?") || strings.ContainsAny(all, "\x1b\u202e") || strings.Contains(all, "\n? Continue? [s/N]: s") {
			t.Errorf("connect shows %q", all)
		}
	}
}

// A Whaticket that posts here already is not left alone when the rest does not go well: some end
// when nobody answers.
func TestConnectWhaticketGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	w, d := whaticketOffice(t, whatickettest.Multi100), newDesk(t)
	p := d.sitsDown(t, login(w, "--queue", "-", "--user", "-", "--public-url", d.public)...)
	p.answers("Continue?", "s")
	p.sees("Your own phone's number")
	_ = p.in.Close()
	p.sees("nobody answers here")
	p.sees("goes on here until Ctrl-C")
	if _, err := w.CustomerWrites(t.Context(), "5511988877766", "Olá, bom dia!"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if code, all := p.end(); code != 1 || w.Ended() {
		t.Errorf("connect ended with %d, Whaticket too: %v\n%s", code, w.Ended(), all)
	}
}

// Ctrl-C behind the binding says what is bound.
func TestConnectWhaticketInterruptedAfterBinding(t *testing.T) {
	t.Parallel()
	w, d := whaticketOffice(t, whatickettest.Multi100), newDesk(t)
	p := d.sitsDown(t, login(w, "--queue", "-", "--user", "-", "--public-url", d.public)...)
	p.answers("Continue?", "s")
	p.sees("Your own phone's number")
	p.stop()
	p.sees("Whaticket posts to this inbox already")
	if code, all := p.end(); code != 1 || !strings.Contains(all, "called off") {
		t.Errorf("connect ended with %d:\n%s", code, all)
	}
}

// Programs that say yes to everything are no Secretaria, and no bot is seated for them.
func TestConnectToAnotherProgram(t *testing.T) {
	t.Parallel()
	for _, says := range []string{`{"status":"ok"}`, `{"ok":true}`, `{"queued":true}`, `{"ignored":""}`} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			c := newConnection(t, premises())
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, says) }))
			t.Cleanup(other.Close)
			got := c.connect(t, nil, "--url", c.fake.URL(), "--token", adminToken, "--yes", "--wait", "1s", "--public-url", other.URL)
			if got.code != 1 || !strings.Contains(got.err, "what answers there is no Secretaria") || c.fake.Inboxes()[0].BotID != 0 {
				t.Errorf("connect to another program: %v, bot %d in the inbox", got, c.fake.Inboxes()[0].BotID)
			}
		})
	}
}

// What is written is what was shown: where the files have changed since, nothing is.
func TestConnectWritesWhatWasShown(t *testing.T) {
	t.Parallel()
	c := newConnection(t, premises())
	theirs := "CHATWOOT_BASE_URL=https://other.example.com\nCHATWOOT_ACCESS_TOKEN=of-another\nCHATWOOT_WEBHOOK_SECRET=0123456789abcdef\n"
	path := filepath.Join(c.dir, ".env")
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/agent_bots") { // the step before the files
			if err := os.WriteFile(path, []byte(theirs), 0o600); err != nil {
				t.Error(err)
			}
		}
		to, err := url.Parse(c.fake.URL())
		if err != nil {
			t.Error(err)
		}
		httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	got := c.connect(t, nil, "--url", proxy.URL, "--token", adminToken, "--yes")
	if got.code != 1 || !strings.Contains(got.err, "somebody has changed the files meanwhile") || slurp(t, path) != theirs {
		t.Errorf("connect beside another writer: %v\n.env:\n%s", got, slurp(t, path))
	}
}
