package whaticket

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

func both(c Config) Config { return withToken(withLogin(c)) }

// bench is a channel with its fake Whaticket.
func bench(t *testing.T, server *whatickettest.Server, credentials func(Config) Config, cfg Config) *Channel {
	t.Helper()
	client := start(t, server)
	cfg.BaseURL = server.URL() + "/api/messages/send"
	return mustNew(t, credentials(cfg), client)
}

// calls lists the requests since the first n, without queries.
func calls(server *whatickettest.Server, n int) string {
	var list []string
	for _, r := range server.Requests()[n:] {
		list = append(list, r.Method+" "+r.Path)
	}
	return strings.Join(list, ", ")
}

func saying(address channel.Address) channel.Order {
	return channel.Order{Kind: channel.Say, Address: address, Text: "Bom dia!", Since: time.Now()}
}

func TestSayByToken(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, both, Config{})
	if _, err := c.Do(t.Context(), saying(channel.Address{To: "553188887777", Thread: "42"})); err != nil {
		t.Fatalf("Do = %v", err)
	}
	r := server.Requests()[0]
	if got, want := calls(server, 0), "POST /api/messages/send"; got != want {
		t.Errorf("requests = %s, want %s alone", got, want)
	}
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil || len(body) != 2 || body["number"] != "553188887777" || body["body"] != "Bom dia!" {
		t.Errorf("body = %s, %v, want number (as received, a string) and body alone", r.Body, err)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer "+whatickettest.DefaultToken {
		t.Errorf("Authorization = %q, want the static token", got)
	}
}

func TestSayByLogin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		prepare func(*whatickettest.Server)
		address channel.Address
		want    string // requests after the login
	}{
		{
			"ticket known", func(s *whatickettest.Server) { s.CustomerWrote(testNumber, "oi") },
			channel.Address{To: testNumber, Thread: "42"}, "POST /messages/42",
		},
		{
			"ticket looked up", func(s *whatickettest.Server) { s.CustomerWrote(testNumber, "oi") },
			channel.Address{To: testNumber}, "GET /queue, GET /tickets, POST /messages/42",
		},
		{
			"other form of the number", func(s *whatickettest.Server) { s.CustomerWrote("553188887777", "oi") },
			channel.Address{To: "5531988887777"}, "GET /queue, GET /tickets, GET /tickets, POST /messages/42",
		},
		{
			"ticket gone", func(s *whatickettest.Server) { s.CustomerWrote(testNumber, "oi") },
			channel.Address{To: testNumber, Thread: "7"}, "POST /messages/7, GET /queue, GET /tickets, POST /messages/42",
		},
		{
			"nobody known", func(*whatickettest.Server) {},
			channel.Address{To: "351912345678"}, "GET /queue, GET /tickets, GET /contacts, POST /contacts, POST /tickets, POST /messages/42",
		},
		{
			"ticket closed", func(s *whatickettest.Server) {
				ticket := s.CustomerWrote("351912345678", "oi")
				if err := s.SetTicket(ticket.ID, func(t *whatickettest.Ticket) { t.Status = "closed" }); err != nil {
					panic(err)
				}
			},
			channel.Address{To: "351912345678"}, "GET /queue, GET /tickets, GET /contacts, POST /tickets, POST /messages/43",
		},
		{
			"LID with a ticket", func(s *whatickettest.Server) { s.CustomerWrote("184729305518472", "oi") },
			channel.Address{Thread: "42"}, "POST /messages/42",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := &whatickettest.Server{}
			c := bench(t, server, withLogin, Config{})
			tc.prepare(server)
			if _, err := c.Do(t.Context(), saying(tc.address)); err != nil {
				t.Fatalf("Do = %v", err)
			}
			if got, want := calls(server, 0), "POST /auth/login, "+tc.want; got != want {
				t.Errorf("requests = %s\nwant %s", got, want)
			}
			if sent := server.Sent(); len(sent) != 1 || sent[0].Body != "Bom dia!" {
				t.Errorf("sent = %+v, want the message once", sent)
			}
			for _, r := range server.Requests() {
				if r.Path == "/tickets" && r.Method == http.MethodGet && (r.Query.Get("showAll") != "true" || r.Query.Get("queueIds") != "[1]") {
					t.Errorf("GET /tickets with %v, want all tickets of every queue", r.Query)
				}
			}
		})
	}
}

// A hidden id is never dialled: with a token it goes through the ticket where there is a
// login, and nowhere otherwise.
func TestSayLID(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		credentials func(Config) Config
		address     channel.Address
		sent        int
	}{
		{"token and login with a ticket", both, channel.Address{Thread: "42"}, 1},
		{"token with a ticket", withToken, channel.Address{Thread: "42"}, 0},
		{"token and login without a ticket", both, channel.Address{}, 0},
		{"login without a ticket", withLogin, channel.Address{}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := &whatickettest.Server{}
			c := bench(t, server, tc.credentials, Config{})
			server.CustomerWrote("184729305518472", "oi")
			_, err := c.Do(t.Context(), saying(tc.address))
			if len(server.Sent()) != tc.sent || (err == nil) != (tc.sent == 1) {
				t.Errorf("Do = %v, sent %+v, want %d sent", err, server.Sent(), tc.sent)
			}
			if tc.sent == 0 && (!fault.Is(err, fault.Permanent) || fault.Code(err) != "no phone" || len(server.Requests()) != 0) {
				t.Errorf("Do = %v after %s, want a permanent \"no phone\" after nothing", err, calls(server, 0))
			}
		})
	}
}

func TestSayNothing(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, both, Config{})
	for _, text := range []string{"", " \n", "\u200e", strings.Repeat("a", maxSend+1)} {
		o := saying(channel.Address{To: testNumber})
		o.Text = text
		if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.Invalid) {
			t.Errorf("Do(text of %d bytes) = %v, want fault.Invalid", len(text), err)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

// The text of the answer decides, over the wire too, and one call is one try.
func TestSayClassified(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, withToken, Config{})
	for exchange, want := range map[string]fault.Kind{
		"send-session-disconnected": fault.Transient, "send-not-on-whatsapp-community": fault.Permanent,
		"send-not-on-whatsapp-saas": fault.Transient, "proxy-bad-gateway": fault.Transient, "send-invalid-token-saas": fault.Unauthorized,
	} {
		before := len(server.Requests())
		server.FailNext(exchange)
		if _, err := c.Do(t.Context(), saying(channel.Address{To: testNumber})); !fault.Is(err, want) {
			t.Errorf("Do answered with %s = %v (%v), want %v", exchange, err, fault.KindOf(err), want)
		}
		if n := len(server.Requests()) - before; n != 1 {
			t.Errorf("%s: %d requests, want one", exchange, n)
		}
	}
}

func TestSessionRenewal(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, withLogin, Config{})
	server.CustomerWrote(testNumber, "oi")
	send := func(want string) {
		t.Helper()
		before := len(server.Requests())
		if _, err := c.Do(t.Context(), saying(channel.Address{Thread: "42"})); err != nil {
			t.Errorf("Do = %v", err)
		}
		if got := calls(server, before); got != want {
			t.Errorf("requests = %s\nwant %s", got, want)
		}
	}
	send("POST /auth/login, POST /messages/42")
	send("POST /messages/42")
	server.ExpireAccess()
	send("POST /messages/42, POST /auth/refresh_token, POST /messages/42")
	send("POST /messages/42")
	server.ExpireSessions()
	send("POST /messages/42, POST /auth/refresh_token, POST /auth/login, POST /messages/42")
	if got := server.Logins(); got != 2 {
		t.Errorf("%d logins, want 2", got)
	}
	if got := len(server.Sent()); got != 5 {
		t.Errorf("sent %d messages, want 5: a refused call had no effect", got)
	}
	// A good token whose user may not do this is not renewed.
	before := len(server.Requests())
	server.FailNext("ticket-update-forbidden-ticketz")
	if _, err := c.Do(t.Context(), saying(channel.Address{Thread: "42"})); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("Do = %v, want fault.Unauthorized", err)
	}
	if got := calls(server, before); got != "POST /messages/42" {
		t.Errorf("requests = %s, want no renewal", got)
	}
}

// Many calls that find the session dead renew it once.
func TestSessionSingleFlight(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, withLogin, Config{})
	server.CustomerWrote(testNumber, "oi")
	errs := make(chan error, 16)
	for round := range 2 {
		for i := range cap(errs) {
			go func() {
				o := saying(channel.Address{Thread: "42"})
				o.Text = fmt.Sprintf("%d.%d", round, i)
				_, err := c.Do(t.Context(), o)
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("Do = %v", err)
			}
		}
		if got := server.Logins(); got != round+1 {
			t.Errorf("%d logins after round %d, want one each", got, round)
		}
		server.ExpireSessions()
	}
	if got := len(server.Sent()); got != 2*cap(errs) {
		t.Errorf("sent %d messages, want %d", got, 2*cap(errs))
	}
}

// Whatever a login fails of, nothing was said, so nothing is uncertain.
func TestSessionFailures(t *testing.T) {
	t.Parallel()
	for exchange, want := range map[string]struct {
		kind  fault.Kind
		after time.Duration
	}{
		"login-rate-limited":        {fault.RateLimited, 900 * time.Second},
		"login-invalid-credentials": {fault.Unauthorized, 0},
		"proxy-bad-gateway":         {fault.Transient, 0},
		"me-absent-community":       {fault.Permanent, 0},
		"message-post-ok":           {fault.Permanent, 0}, // success without a token
	} {
		t.Run(exchange, func(t *testing.T) {
			t.Parallel()
			front := fronted(t, func(w http.ResponseWriter, _ *http.Request) { whatickettest.Recorded(exchange).WriteTo(w) })
			c := mustNew(t, withLogin(Config{BaseURL: front.url}), front.client)
			_, err := c.Do(t.Context(), saying(channel.Address{Thread: "42"}))
			if !fault.Is(err, want.kind) || fault.RetryAfter(err) != want.after {
				t.Errorf("Do = %v (%v, after %v), want %v after %v", err, fault.KindOf(err), fault.RetryAfter(err), want.kind, want.after)
			}
		})
	}
	t.Run("connection dropped", func(t *testing.T) {
		t.Parallel()
		front := fronted(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		c := mustNew(t, withLogin(Config{BaseURL: front.url}), front.client)
		if _, err := c.Do(t.Context(), saying(channel.Address{Thread: "42"})); !fault.Is(err, fault.Transient) {
			t.Errorf("Do = %v (%v), want fault.Transient", err, fault.KindOf(err))
		}
	})
	// Waiting for somebody else's login ends with the context.
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		asked := make(chan struct{}, 1)
		front := fronted(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client go
			asked <- struct{}{}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
		c := mustNew(t, withLogin(Config{BaseURL: front.url}), front.client)
		first, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := c.Do(first, saying(channel.Address{Thread: "42"}))
			done <- err
		}()
		<-asked
		second, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Do(second, saying(channel.Address{Thread: "42"})); !fault.Is(err, fault.Transient) {
			t.Errorf("Do while another logs in = %v, want fault.Transient", err)
		}
		stop()
		if err := <-done; !fault.Is(err, fault.Transient) {
			t.Errorf("Do whose login was cut off = %v, want fault.Transient", err)
		}
	})
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	type state struct {
		status      string
		user, queue int
	}
	for _, tc := range []struct {
		name   string
		cfg    Config
		before state
		order  channel.Order
		body   string // of PUT; "" for none
		after  state
	}{
		{"nobody named", Config{}, state{"pending", 0, 0}, channel.Order{Kind: channel.OpenUp}, "", state{"pending", 0, 0}},
		{
			"queue configured", Config{HandoffQueue: "1"}, state{"pending", 0, 0}, channel.Order{Kind: channel.OpenUp},
			`{"status":"pending","queueId":1,"userId":null,"useIntegration":false,"integrationId":null,"isBot":false}`, state{"pending", 0, 1},
		},
		{
			"user configured", Config{HandoffUser: "1"}, state{"pending", 0, 0}, channel.Order{Kind: channel.OpenUp},
			`{"status":"open","userId":1}`, state{"open", 1, 0},
		},
		{
			"both configured", Config{HandoffUser: "1", HandoffQueue: "1"}, state{"pending", 0, 0}, channel.Order{Kind: channel.OpenUp},
			`{"status":"open","queueId":1,"userId":1}`, state{"open", 1, 1},
		},
		{
			"the order names a queue", Config{HandoffUser: "1"}, state{"pending", 0, 0}, channel.Order{Kind: channel.Assign, Team: "1"},
			`{"status":"pending","queueId":1,"userId":null,"useIntegration":false,"integrationId":null,"isBot":false}`, state{"pending", 0, 1},
		},
		{
			"the order names a person", Config{}, state{"pending", 0, 0}, channel.Order{Kind: channel.Assign, Person: "1"},
			`{"status":"open","userId":1}`, state{"open", 1, 0},
		},
		// Opened without anybody.
		{"open and nobody's", Config{}, state{"open", 0, 0}, channel.Order{Kind: channel.OpenUp}, `{"status":"pending","userId":null,"useIntegration":false,"integrationId":null,"isBot":false}`, state{"pending", 0, 0}},
		// A person was faster.
		{"a person has it", Config{HandoffQueue: "1"}, state{"open", 1, 0}, channel.Order{Kind: channel.OpenUp}, "", state{"open", 1, 0}},
		{"closed meanwhile", Config{}, state{"closed", 1, 0}, channel.Order{Kind: channel.OpenUp}, `{"status":"pending","userId":null,"useIntegration":false,"integrationId":null,"isBot":false}`, state{"pending", 0, 0}},
	} {
		for _, by := range []string{"ticket", "number"} {
			t.Run(tc.name+" by "+by, func(t *testing.T) {
				t.Parallel()
				server := &whatickettest.Server{}
				c := bench(t, server, both, tc.cfg)
				ticket := server.CustomerWrote(testNumber, "oi")
				if err := server.SetTicket(ticket.ID, func(x *whatickettest.Ticket) {
					x.Status, x.User, x.Queue = tc.before.status, tc.before.user, tc.before.queue
				}); err != nil {
					t.Fatal(err)
				}
				o := tc.order
				if o.Address.To = testNumber; by == "ticket" {
					o.Address.Thread = fmt.Sprint(ticket.ID)
				}
				if _, err := c.Do(t.Context(), o); err != nil {
					t.Fatalf("Do = %v", err)
				}
				body := ""
				for _, r := range server.Requests() {
					if r.Method == http.MethodPut {
						body += string(r.Body)
					}
				}
				if body != tc.body {
					t.Errorf("PUT %s, want %s", body, tc.body)
				}
				got := server.Tickets()[0]
				if (state{got.Status, got.User, got.Queue}) != tc.after {
					t.Errorf("ticket = %+v, want %+v", got, tc.after)
				}
				if verdict, _, err := c.Reconcile(t.Context(), o); verdict != channel.Arrived || err != nil {
					t.Errorf("Reconcile = %v, %v, want Arrived", verdict, err)
				}
			})
		}
	}
}

func TestHandOverFailures(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, both, Config{HandoffQueue: "1"})
	order := channel.Order{Kind: channel.OpenUp, Address: channel.Address{To: testNumber}}
	if _, err := c.Do(t.Context(), order); !fault.Is(err, fault.NotFound) {
		t.Errorf("Do without a ticket = %v, want fault.NotFound", err)
	}
	if verdict, _, err := c.Reconcile(t.Context(), order); verdict != channel.CannotTell || err != nil {
		t.Errorf("Reconcile without a ticket = %v, %v, want CannotTell", verdict, err)
	}
	server.CustomerWrote(testNumber, "oi")
	if verdict, _, err := c.Reconcile(t.Context(), order); verdict != channel.Absent || err != nil {
		t.Errorf("Reconcile before the handoff = %v, %v, want Absent", verdict, err)
	}
	for _, o := range []channel.Order{{Kind: channel.Assign, Team: "Geral"}, {Kind: channel.Assign, Person: "-3"}} {
		o.Address = order.Address
		if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.Invalid) {
			t.Errorf("Do(team %q, person %q) = %v, want fault.Invalid", o.Team, o.Person, err)
		}
	}
}

func TestReconcileWords(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	c := bench(t, server, both, Config{})
	ticket := server.CustomerWrote(testNumber, "Bom dia!") // the customer's own words count for nothing
	o := saying(channel.Address{To: testNumber, Thread: fmt.Sprint(ticket.ID)})
	check := func(what string, want channel.Verdict) {
		t.Helper()
		verdict, receipt, err := c.Reconcile(t.Context(), o)
		if verdict != want || err != nil || (want == channel.Arrived) != (receipt.Key != "") {
			t.Errorf("%s: Reconcile = %v, %+v, %v, want %v", what, verdict, receipt, err, want)
		}
	}
	check("nothing sent", channel.Absent)
	if _, err := c.Do(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	check("just sent", channel.Arrived)
	o.Since = time.Now().Add(lookBack + time.Minute)
	check("the same words long before", channel.Absent)
	o.Since = time.Now()
	// 45 more: two pages back, and then too far.
	for i := range 45 {
		other := saying(o.Address)
		other.Text = fmt.Sprintf("outra %d", i)
		if _, err := c.Do(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	check("on the third page", channel.Arrived)
}

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		credentials func(Config) Config
		answer      func(http.ResponseWriter, *http.Request)
		want        fault.Kind // -1: nil
	}{
		{"token, any answer", withToken, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, -1},
		{"token, dead backend", withToken, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, fault.Transient},
		{"login, disconnected", withLogin, listing(`[{"status":"DISCONNECTED"},{"status":"qrcode"},7,null]`), fault.Transient},
		{"login, one of two up", withLogin, listing(`[{"status":"OPENING"},{"status":"CONNECTED"}]`), -1},
		{"login, no connection", withLogin, listing(`[]`), fault.Transient},
		{"login, nonsense", withLogin, listing(`{"status":"CONNECTED"}`), fault.Permanent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			front := fronted(t, tc.answer)
			err := mustNew(t, tc.credentials(Config{BaseURL: front.url}), front.client).Probe(t.Context())
			if tc.want == -1 && err != nil || tc.want != -1 && !fault.Is(err, tc.want) {
				t.Errorf("Probe = %v, want kind %v", err, tc.want)
			}
		})
	}
}

func listing(connections string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth/login" {
			_, _ = w.Write([]byte(`{"token":"t"}`))
			return
		}
		_, _ = w.Write([]byte(connections))
	}
}

// Nonsense from the peer is an error, never a panic, a loop or a verdict.
func TestNonsense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `null`, `7`, `[]`, `{}`, `{"tickets":null}`, `{"tickets":[null,7,{"id":{}},{"id":"../../x","contact":{"number":"5511988877766"}}]}`, `{"id":"../../x"}`, `{"messages":[{"fromMe":true}]}`, strings.Repeat(`[`, 20_000)} {
		front := fronted(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/auth/login" {
				_, _ = w.Write([]byte(`{"token":"t"}`))
				return
			}
			if strings.Contains(r.URL.Path, "..") {
				t.Errorf("an id of the peer's became a path: %s", r.URL.Path)
			}
			_, _ = w.Write([]byte(body))
		})
		c := mustNew(t, withLogin(Config{BaseURL: front.url}), front.client)
		for _, address := range []channel.Address{{To: testNumber}, {Thread: "42"}, {To: testNumber, Thread: "42"}, {Thread: "../users"}} {
			if verdict, _, _ := c.Reconcile(t.Context(), saying(address)); verdict == channel.Arrived {
				t.Errorf("answered with %.60q: Reconcile(%v) = Arrived", body, address)
			}
			if _, err := c.Do(t.Context(), channel.Order{Kind: channel.OpenUp, Address: address}); err == nil {
				t.Errorf("answered with %.60q: OpenUp(%v) succeeded", body, address)
			}
		}
		if _, err := c.Do(t.Context(), saying(channel.Address{To: testNumber})); err == nil {
			t.Errorf("answered with %.60q: Say succeeded", body)
		}
	}
}

// No secret is in what the channel shows of itself.
func TestChannelPrintsNoSecret(t *testing.T) {
	t.Parallel()
	cfg := both(Config{BaseURL: "https://wa.example.com", Secrets: []secret.String{secret.New(testSecret)}})
	shown := fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg)
	for _, s := range []string{testSecret, whatickettest.DefaultToken, whatickettest.DefaultPassword} {
		if strings.Contains(shown, s) {
			t.Errorf("the configuration shows %q", s)
		}
	}
}
