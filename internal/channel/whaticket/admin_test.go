package whaticket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

const hookPrefix = "https://desk.example.com/webhook/whaticket/loja/"

func hook(secretPart string) secret.String { return secret.New(hookPrefix + secretPart) }

func admin(t *testing.T, server *whatickettest.Server) *Admin {
	t.Helper()
	client := start(t, server)
	a, err := NewAdmin(server.URL(), whatickettest.DefaultEmail, secret.New(whatickettest.DefaultPassword), client)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLook(t *testing.T) {
	t.Parallel()
	office := func(v whatickettest.Variant) *whatickettest.Server {
		return &whatickettest.Server{
			Variant: v,
			Lines: []whatickettest.Line{
				{ID: 3, Name: "Loja", Default: true, Queues: []int{1}, Token: "line-token-9f"},
				{ID: 4, Name: "Matriz", Status: "qrcode", Greeting: "oi"},
			},
		}
	}
	for _, tc := range []struct {
		name   string
		server *whatickettest.Server
		want   Family
		hidden string
		people int
		token  bool
	}{
		{"community", office(whatickettest.Community), FamilyCommunity, "", 1, true},
		{"community, not an administrator", &whatickettest.Server{Profile: "user"}, FamilyCommunity, "", 0, false},
		{"saas", office(whatickettest.SaaS), FamilySaaS, "", 1, false},
		{"multi100", office(whatickettest.Multi100), FamilyMulti, "", 1, false},
		{"multi100, not an administrator", &whatickettest.Server{Variant: whatickettest.Multi100, Profile: "user"}, FamilyMulti, "ERR_NO_PERMISSION", 1, false},
		{"saas, a plan without integrations", &whatickettest.Server{Variant: whatickettest.SaaS, Plan: "Você não possui permissão para acessar este recurso!"}, FamilySaaS, "request refused", 1, false},
		{"ticketz", office(whatickettest.Ticketz), FamilyCompanies, "", 1, false},
		{"the hosted line", office(whatickettest.Hosted), FamilyHosted, "", 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.server.Release = "6.6.3"
			a := admin(t, tc.server)
			p, err := a.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.Family != tc.want || p.IntegrationsHidden != tc.hidden || len(p.People) != tc.people || p.Token.IsZero() == tc.token {
				t.Errorf("Look = family %s, hidden %q, %d people, token %v; want %s, %q, %d, %v",
					p.Family, p.IntegrationsHidden, len(p.People), !p.Token.IsZero(), tc.want, tc.hidden, tc.people, tc.token)
			}
			if p.PeopleHidden != (tc.people == 0) || p.Version != "6.6.3" || p.User.ID != "1" {
				t.Errorf("Look = people hidden %v, version %q, user %+v", p.PeopleHidden, p.Version, p.User)
			}
			if len(tc.server.Lines) == 2 {
				if l := p.Lines[0]; l.ID != "3" || !l.Default || !l.Up() || len(l.Queues) != 1 || l.Queues[0] != "1" {
					t.Errorf("Look: first connection = %+v", l)
				}
				if l := p.Lines[1]; l.Up() || l.Greets != (tc.server.Variant != whatickettest.Ticketz) {
					t.Errorf("Look: second connection = %+v", l)
				}
			}
			for _, r := range tc.server.Requests() {
				if r.Method != http.MethodGet && !strings.HasPrefix(r.Path, "/auth/") {
					t.Errorf("Look asked %s %s: it is to change nothing", r.Method, r.Path)
				}
			}
			logins := slices.DeleteFunc(tc.server.Requests(), func(r whatickettest.Request) bool { return !strings.HasPrefix(r.Path, "/auth/") })
			if len(logins) != 1 {
				t.Errorf("Look asked for %d logins, want one: some allow ten in a quarter of an hour", len(logins))
			}
		})
	}
}

func TestLookFails(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{Password: "another-one"}
	a := admin(t, server)
	_, err := a.Look(t.Context())
	if !Credentials(err) || !Refusal(err) || Elsewhere(err) {
		t.Errorf("Look with a wrong password = %v, want ERR_INVALID_CREDENTIALS", err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"front end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><div id=root></div>")
		},
		"static host": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) },
		"redirect":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"another API": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) },
	} {
		web := httptest.NewServer(handler)
		client := httpclient.New(httpclient.Options{Policy: httpclient.Local()})
		a, err := NewAdmin(web.URL, "a@example.com", secret.New("x"), client)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Look(t.Context()); !Elsewhere(err) || Credentials(err) {
			t.Errorf("Look at a %s = %v, want it told as somewhere else", name, err)
		}
		client.Close()
		web.Close()
	}
	if _, err := NewAdmin("", "a@example.com", secret.New("x"), nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("NewAdmin without an address = %v, want Invalid", err)
	}
}

// A token is judged as the doctor judges it, and nothing is sent by that.
func TestAdminExamine(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{Enabled: true}
	a := admin(t, server)
	for _, tc := range []struct {
		token string
		want  TokenVerdict
		login bool
	}{
		{whatickettest.DefaultToken, TokenTaken, false},
		{"nonsense", TokenRefused, false},
		{"eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.c2ln", TokenRefused, true},
		{"", TokenUntold, false},
	} {
		e, err := a.Examine(t.Context(), secret.New(tc.token))
		if err != nil || e.Token != tc.want || e.Login != tc.login || e.Open != (tc.token != "") || len(e.Connections) != 1 {
			t.Errorf("Examine(%q) = %+v, %v; want verdict %d, login %v", tc.token, e, err, tc.want, tc.login)
		}
	}
	e, err := Try(t.Context(), server.URL()+"/api/messages/send", secret.New(whatickettest.DefaultToken), a.c.http)
	if err != nil || e.Token != TokenTaken || e.Connections != nil {
		t.Errorf("Try = %+v, %v; want the token taken and no connections", e, err)
	}
	if sent := server.Sent(); len(sent) != 0 {
		t.Errorf("examining sent %d messages", len(sent))
	}
}

func TestPoint(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{Variant: whatickettest.SaaS}
	a := admin(t, server)
	ctx := t.Context()
	made, err := a.Point(ctx, "", "Secretaria", hook("one"))
	if err != nil {
		t.Fatal(err)
	}
	if !made.LeadsTo(hookPrefix) || made.LeadsTo("https://other.example.com/") || made.LeadsTo("") {
		t.Errorf("LeadsTo of %q is wrong", made.Name)
	}
	before := len(server.Requests())
	if again, err := a.Point(ctx, made.ID, "Secretaria", hook("one")); err != nil || again != made {
		t.Errorf("Point a second time = %+v, %v; want %+v", again, err, made)
	}
	for _, r := range server.Requests()[before:] {
		if r.Method != http.MethodGet {
			t.Errorf("Point a second time asked %s %s: nothing was to change", r.Method, r.Path)
		}
	}
	// Everything else that an integration has stays.
	id := server.AddIntegration(whatickettest.Integration{Type: "n8n", Name: "n8n antigo", URL: "https://n8n.example.com/webhook/x",
		Extra: map[string]any{"language": "pt-BR", "typebotDelayMessage": float64(1000)}})
	if _, err := a.Point(ctx, fmt.Sprint(id), "n8n antigo", hook("two")); err != nil {
		t.Fatal(err)
	}
	got := server.Integrations()[id-1]
	want := whatickettest.Integration{ID: id, Type: "n8n", Name: "n8n antigo", URL: hook("two").Reveal(),
		Extra: map[string]any{"language": "pt-BR", "typebotDelayMessage": float64(1000), "projectName": "n8n antigo"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Point of one that exists (-want +got):\n%s", diff)
	}
	_, err = a.Point(ctx, "", "Secretaria", hook("three"))
	if err == nil || strings.Contains(err.Error(), "three") {
		t.Errorf("Point with a name that is taken = %v, want a refusal without the address", err)
	}
	server.FailOn(http.MethodPost, "/queueIntegration", 1, http.StatusForbidden, "ERR_NO_PERMISSION")
	if _, err := a.Point(ctx, "", "Outra", hook("four")); !Refusal(err) || Credentials(err) {
		t.Errorf("Point without permission = %v, want Unauthorized", err)
	}
	for _, bad := range []string{"", "not a url", "/webhook"} {
		if _, err := a.Point(ctx, "", "x", secret.New(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("Point(%q) = %v, want Invalid", bad, err)
		}
	}
	if _, err := a.Point(ctx, "1/../2", "x", hook("x")); !fault.Is(err, fault.Invalid) {
		t.Errorf("Point at a strange id = %v, want Invalid", err)
	}
}

// Binding changes nothing else: the queues, the token and whatever else a connection has.
func TestBind(t *testing.T) {
	t.Parallel()
	lines := func() []whatickettest.Line {
		return []whatickettest.Line{{ID: 3, Name: "Loja", Queues: []int{1}, Token: "line-token-9f", Greeting: "Olá!", BotRetries: 3, ExpiresAfterHour: 24, Default: true}}
	}
	queues := func() []whatickettest.Queue {
		return []whatickettest.Queue{{ID: 1, Name: "Vendas", Color: "#00aa00", Greeting: "Vendas aqui", Schedules: []any{map[string]any{"weekday": "Segunda-feira"}}}}
	}
	ctx := t.Context()
	t.Run("connection", func(t *testing.T) {
		t.Parallel()
		server := &whatickettest.Server{Variant: whatickettest.Multi100, Lines: lines(), Queues: queues()}
		a := admin(t, server)
		id := fmt.Sprint(server.AddIntegration(whatickettest.Integration{Type: "webhook", Name: "Secretaria", URL: "https://x.example.com"}))
		for range 2 {
			if _, err := a.BindLine(ctx, "3", id); err != nil {
				t.Fatal(err)
			}
		}
		if n := puts(server, "/whatsapp/3"); n != 1 {
			t.Errorf("bound twice with %d changes, want one", n)
		}
		want := lines()[0]
		want.Integration = 1
		got, _ := server.Office()
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("the connection after binding (-want +got):\n%s", diff)
		}
		before, err := a.BindLine(ctx, "3", "")
		got, _ = server.Office()
		if err != nil || before != id || got[0].Integration != 0 {
			t.Errorf("BindLine with nothing = %q, %v, bound to %d; want %q, unbound", before, err, got[0].Integration, id)
		}
	})
	t.Run("queue", func(t *testing.T) {
		t.Parallel()
		server := &whatickettest.Server{Variant: whatickettest.SaaS, Lines: lines(), Queues: queues()}
		a := admin(t, server)
		id := fmt.Sprint(server.AddIntegration(whatickettest.Integration{Type: "webhook", Name: "Secretaria", URL: "https://x.example.com"}))
		for range 2 {
			if _, err := a.BindQueue(ctx, "1", id); err != nil {
				t.Fatal(err)
			}
		}
		if n := puts(server, "/queue/1"); n != 1 {
			t.Errorf("bound twice with %d changes, want one", n)
		}
		want := queues()[0]
		want.Integration = 1
		_, got := server.Office()
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("the queue after binding (-want +got):\n%s", diff)
		}
		// Its connections take none.
		if _, err := a.BindLine(ctx, "3", id); !fault.Is(err, fault.Unsupported) {
			t.Errorf("BindLine in the SaaS family = %v, want Unsupported", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		several := lines()
		several[0].Queues, several[0].Greeting = []int{1, 2}, ""
		server := &whatickettest.Server{Variant: whatickettest.Multi100, Lines: several, Queues: append(queues(), whatickettest.Queue{ID: 2, Name: "Suporte", Color: "#0000aa"})}
		a := admin(t, server)
		id := fmt.Sprint(server.AddIntegration(whatickettest.Integration{Type: "webhook", Name: "Secretaria", URL: "https://x.example.com"}))
		if _, err := a.BindLine(ctx, "3", id); fault.Code(err) != "ERR_WAPP_GREETING_REQUIRED" {
			t.Errorf("BindLine of a connection with two queues and no greeting = %v, want Whaticket's reason", err)
		}
		if _, err := a.BindLine(ctx, "9", id); !fault.Is(err, fault.NotFound) {
			t.Errorf("BindLine of no connection = %v, want NotFound", err)
		}
		for _, bad := range []string{"", "3/x", "-1"} {
			if _, err := a.BindLine(ctx, bad, id); !fault.Is(err, fault.Invalid) {
				t.Errorf("BindLine(%q) = %v, want Invalid", bad, err)
			}
		}
	})
}

func puts(server *whatickettest.Server, path string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Method == http.MethodPut && r.Path == path {
			n++
		}
	}
	return n
}

// A Whaticket that says yes and keeps something else is found out.
func TestBindNotKept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ after, code string }{
		{`{"id":3,"name":"Loja","integrationId":null,"queues":[{"id":1}]}`, "not kept"},
		{`{"id":3,"name":"Loja","integrationId":7,"queues":[]}`, "something else changed"},
		{`{"id":3,"name":"Loja","integrationId":7,"queues":[{"id":1}]}`, ""},
	} {
		answer := `{"id":3,"name":"Loja","integrationId":null,"queues":[{"id":1}],"session":"s3cr3t","status":"CONNECTED"}`
		a, sent := scripted(t, func() string { return answer }, func() { answer = tc.after })
		_, err := a.BindLine(t.Context(), "3", "7")
		if fault.Code(err) != tc.code {
			t.Errorf("BindLine where then there is %s = %v, want %q", tc.after, err, tc.code)
		}
		var got map[string]any
		if err := json.Unmarshal(<-sent, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"id": 3., "name": "Loja", "integrationId": 7., "queueIds": []any{1.}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("BindLine sent (-want +got):\n%s", diff)
		}
	}
}

// scripted is a Whaticket that shows one thing at every path and takes every change.
func scripted(t testing.TB, show func() string, changed func()) (*Admin, <-chan []byte) {
	t.Helper()
	sent := make(chan []byte, 4)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/auth/login":
			_, _ = io.WriteString(w, `{"token":"t","user":{"id":1}}`)
		case r.Method == http.MethodPut:
			sent <- body
			changed()
			_, _ = io.WriteString(w, `{}`)
		default:
			_, _ = io.WriteString(w, show())
		}
	}))
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local()})
	t.Cleanup(func() {
		client.Close()
		web.Close()
	})
	a, err := NewAdmin(web.URL, "a@example.com", secret.New("x"), client)
	if err != nil {
		t.Fatal(err)
	}
	return a, sent
}

// Whatever a queue has besides is sent back as it was read: nothing that we do not know is
// lost when it is bound.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{
		`{"name":"Vendas","schedules":[{"weekday":"Segunda-feira","startTime":"08:00"}],"orderQueue":null,"x":1.50}`,
		`{"integrationId":7}`, `{"integrationId":"7","n":123456789012345678901234567890}`, `[]`, `{"a":{"b":[[]]}}`, `{"id":9}`, "{\"name\":\"\u00e1\u200b<&>\"}",
	} {
		f.Add(seed)
	}
	var answer string
	a, sent := scripted(f, func() string { return answer }, func() {})
	f.Fuzz(func(t *testing.T, extra string) {
		v, err := decode([]byte(extra))
		was, ok := v.(map[string]any)
		if err != nil || !ok {
			return
		}
		was["id"] = json.Number("3")
		if _, has := was["integrationId"]; !has {
			was["integrationId"] = nil
		}
		raw, err := json.Marshal(was)
		if err != nil {
			t.Fatal(err)
		}
		answer = string(raw)
		before, err := a.BindQueue(t.Context(), "3", "41")
		select {
		case body := <-sent:
			got, err := decode(body)
			if err != nil {
				t.Fatalf("BindQueue sent %s: %v", body, err)
			}
			was["integrationId"] = json.Number("41")
			if diff := cmp.Diff(map[string]any(was), got); diff != "" {
				t.Errorf("BindQueue of %s sent something else (-want +got):\n%s", extra, diff)
			}
		default:
			if err == nil && before != "41" {
				t.Errorf("BindQueue of %s sent nothing and returned no error", extra)
			}
		}
	})
}

// No error names what opens a door.
func TestAdminLeaksNothing(t *testing.T) {
	t.Parallel()
	const password, path = "p4ssw0rd-of-somebody", "1f0c-secret-of-the-address"
	server := &whatickettest.Server{Variant: whatickettest.SaaS, Password: password}
	client := start(t, server)
	a, err := NewAdmin(server.URL(), whatickettest.DefaultEmail, secret.New(password), client)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, m := range []whatickettest.Mode{whatickettest.TooMany, whatickettest.Broken, whatickettest.BadGateway, whatickettest.Reset, whatickettest.HalfAnswer, whatickettest.HTML, whatickettest.Refuse} {
		server.Misbehave(m)
		server.ExpireSessions()
		_, err := a.Point(t.Context(), "", "Secretaria", hook(path))
		if err == nil {
			t.Errorf("Point while it behaves like %d succeeded", m)
		}
		errs = append(errs, err)
		_, err = a.Look(t.Context())
		errs = append(errs, err)
		a.c.session.token, a.c.session.cookie = "", ""
	}
	server.Close()
	_, err = a.Look(context.WithoutCancel(t.Context()))
	all := fmt.Sprintf("%v %+v", errors.Join(append(errs, err)...), integration(object{"urlN8N": path}))
	for _, s := range []string{password, path, whatickettest.DefaultEmail} {
		if strings.Contains(all, s) {
			t.Errorf("errors show %q: %s", s, all)
		}
	}
}
