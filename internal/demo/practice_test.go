package demo_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/demo"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// screen keeps what is printed, and tells when something is.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.text.Write(p)
}

// until waits for a pattern and returns what its group matched.
func (s *screen) until(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		s.mu.Lock()
		text, changed := s.text.String(), s.changed
		s.mu.Unlock()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("%s was not printed:\n%s", pattern, text)
		}
	}
}

// practise serves a fake Chatwoot until the test ends.
func practise(t *testing.T, o demo.PracticeOptions) (s *screen, base string, a *chatwoot.Admin) {
	t.Helper()
	s = &screen{changed: make(chan struct{})}
	o.Out = s
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- demo.Practice(ctx, o) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Practice = %v", err)
		}
	})
	base = s.until(t, `address \(endereço\) +(http://127\.0\.0\.1:\d+)\n`)
	token := s.until(t, `--token (\S+)\n`)
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local()})
	t.Cleanup(client.Close)
	a, err := chatwoot.NewAdmin(base, secret.New(token), client)
	if err != nil {
		t.Fatal(err)
	}
	return s, base, a
}

// receptionist answers what customers say, through the channel that it is given once its bot
// was made.
func receptionist(t *testing.T, base string, a *chatwoot.Admin, inbox string) {
	t.Helper()
	ready := make(chan *chatwoot.Channel, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := <-ready
		defer func() { ready <- c }()
		body, _ := io.ReadAll(r.Body)
		req := &channel.Request{Header: r.Header, Body: body, Received: time.Now()}
		if err := c.Authenticate(req); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		events, _ := c.Parse(req)
		for _, e := range events {
			if e.Kind == channel.Received {
				_, _ = c.Do(r.Context(), channel.Order{Kind: channel.Say, Delivery: "d-1", Address: e.Address, Text: "Custa R$ 99 <por mês>."})
			}
		}
	}))
	t.Cleanup(hook.Close)
	b, err := a.CreateBot(t.Context(), "1", chatwoot.BotDraft{Name: "Secretaria", URL: hook.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Seat(t.Context(), "1", inbox, b.ID); err != nil {
		t.Fatal(err)
	}
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local()})
	t.Cleanup(client.Close)
	c, err := chatwoot.New(chatwoot.Config{BaseURL: base, AccountID: "1", Token: b.Token, Secrets: []secret.String{b.Secret}}, client)
	if err != nil {
		t.Fatal(err)
	}
	ready <- c
}

// ask makes a request as curl does, or as a browser, and returns the answer.
func ask(t *testing.T, method, address, form string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "*/*")
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// What is printed is enough to go on: the address and the token open, and whoever writes by
// curl or on the page is answered by the bot that was set up.
func TestPractice(t *testing.T) {
	t.Parallel()
	s, base, a := practise(t, demo.PracticeOptions{Command: "secretaria"})
	s.until(t, `A fake Chatwoot`)
	s.until(t, `Um Chatwoot de mentira`)
	s.until(t, `secretaria connect chatwoot --url `+regexp.QuoteMeta(base)+` --token \S+\n`)
	s.until(t, `curl --data-urlencode 'text=Oi, quanto custa\?' `+regexp.QuoteMeta(base)+`/\n`)

	office, err := a.Look(t.Context())
	if err != nil || len(office.Accounts) != 1 || office.Accounts[0].Role != chatwoot.RoleAdministrator || !office.Signs() {
		t.Fatalf("Look = %+v, %v, want an administrator of one account", office, err)
	}
	p, err := a.Premises(t.Context(), "1")
	if err != nil || len(p.Bots) != 0 || len(p.Inboxes) != 2 || p.Inboxes[0].Kind != chatwoot.KindAPI || p.Inboxes[1].Kind != chatwoot.KindWebsite {
		t.Fatalf("Premises = %+v, %v, want an API inbox, a website and no bot", p, err)
	}
	if status, text := ask(t, http.MethodPost, base+"/", "text=oi"); status != http.StatusBadRequest || !strings.Contains(text, "no bot answers") {
		t.Errorf("before there is a bot: %d %q", status, text)
	}

	receptionist(t, base, a, "1")
	s.until(t, `bot \d+, Secretaria: its events go to http://127\.0\.0\.1`)
	s.until(t, `Secretaria answers in Testes`)
	form := url.Values{"text": {"Oi, quanto custa?"}, "new": {"1"}}.Encode()
	if status, text := ask(t, http.MethodPost, base+"/", form); status != http.StatusOK || text != "Bot: Custa R$ 99 <por mês>.\n" {
		t.Errorf("curl is answered %d %q", status, text)
	}
	s.until(t, `Cliente Oi, quanto custa\?\nBot     Custa R\$ 99`)

	// A browser goes back to the page, which shows it all and calls itself what it is.
	if status, _ := ask(t, http.MethodPost, base+"/", "text=%3Cscript%3E&inbox=1", "Accept", "text/html,*/*", "Sec-Fetch-Site", "same-origin"); status != http.StatusSeeOther {
		t.Errorf("a browser is answered %d, want a redirect", status)
	}
	status, page := ask(t, http.MethodGet, base+"/?inbox=2", "")
	if status != http.StatusOK || !strings.Contains(page, "Chatwoot de mentira") || !strings.Contains(page, "a fake Chatwoot") || !strings.Contains(page, `value="2" selected`) {
		t.Errorf("the page: %d %s", status, page)
	}
	_, talk := ask(t, http.MethodGet, base+"/?talk", "")
	for _, want := range []string{"<b>Cliente</b>Oi, quanto custa?", "<b>Bot</b>Custa R$ 99 &lt;por mês&gt;.", "&lt;script&gt;"} {
		if !strings.Contains(talk, want) {
			t.Errorf("the page does not show %q:\n%s", want, talk)
		}
	}
	if strings.Contains(talk, "<script>") {
		t.Error("the page lets a customer write HTML")
	}
}

// What cannot work is said in words.
func TestPracticeExplains(t *testing.T) {
	t.Parallel()
	s, base, a := practise(t, demo.PracticeOptions{Token: "known", Patience: 50 * time.Millisecond})
	s.until(t, `--token known\n`)
	for name, c := range map[string]struct {
		method, form string
		header       []string
		status       int
	}{
		"nothing said":   {http.MethodPost, "text=+", nil, http.StatusBadRequest},
		"no form":        {http.MethodPost, "text=%zz", nil, http.StatusBadRequest},
		"too long":       {http.MethodPost, "text=" + strings.Repeat("x", 20<<10), nil, http.StatusBadRequest},
		"another method": {http.MethodPut, "", nil, http.StatusMethodNotAllowed},
		"another site":   {http.MethodPost, "text=oi", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
	} {
		if status, text := ask(t, c.method, base+"/", c.form, c.header...); status != c.status {
			t.Errorf("%s: %d %q, want %d", name, status, text, c.status)
		}
	}

	var answer atomic.Int64
	answer.Store(http.StatusOK)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(answer.Load())) }))
	t.Cleanup(hook.Close)
	b, err := a.CreateBot(t.Context(), "1", chatwoot.BotDraft{Name: "Secretaria", URL: hook.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Seat(t.Context(), "1", "1", b.ID); err != nil {
		t.Fatal(err)
	}
	if _, text := ask(t, http.MethodPost, base+"/", "text=oi"); !strings.Contains(text, "no answer within 50ms") || !strings.Contains(text, "is pending") {
		t.Errorf("a silent bot: %q", text)
	}
	answer.Store(http.StatusUnauthorized)
	if _, text := ask(t, http.MethodPost, base+"/", "text=oi"); !strings.Contains(text, "answered 401") {
		t.Errorf("a bot that refuses: %q", text)
	}
	answer.Store(http.StatusOK)
	if _, text := ask(t, http.MethodPost, base+"/", "text=oi"); !strings.Contains(text, "people have conversation 128") {
		t.Errorf("a conversation that people have: %q", text)
	}
	hook.Close()
	if _, text := ask(t, http.MethodPost, base+"/", "text=oi&new=1"); !strings.Contains(text, "nobody answered the webhook") {
		t.Errorf("a bot that is down: %q", text)
	}
	s.until(t, `conversation \d+ is open now \(a conversa \d+ agora está aberta`)
}

func TestPracticeOnATakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := demo.Practice(t.Context(), demo.PracticeOptions{Out: io.Discard, Port: l.Addr().(*net.TCPAddr).Port}); err == nil {
		t.Error("Practice on a port that is taken = nil, want an error")
	}
}
