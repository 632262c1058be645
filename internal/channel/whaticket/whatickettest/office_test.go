package whatickettest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// signedIn logs in and returns the access token.
func signedIn(t *testing.T, s *Server) string {
	t.Helper()
	status, answer := ask(t, s, http.MethodPost, "/auth/login", "", `{"email":"`+DefaultEmail+`","password":"`+DefaultPassword+`"}`)
	var in struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &in); err != nil || status != http.StatusOK {
		t.Fatalf("login = %d %s", status, answer)
	}
	return in.Token
}

// What is set up has its consequences: customers' messages are posted as that family does.
func TestConsequences(t *testing.T) {
	t.Parallel()
	type posted struct {
		body   string
		header http.Header
	}
	for _, tc := range []struct {
		variant    Variant
		bind, body string
	}{
		{SaaS, "/queue/1", `{"color":"#00aa00","integrationId":1}`},
		{Multi100, "/whatsapp/3", `{"name":"Loja","queueIds":[1],"integrationId":1}`},
	} {
		got := make(chan posted, 4)
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- posted{string(body), r.Header}
			w.WriteHeader(http.StatusTeapot) // no status makes a difference
		}))
		t.Cleanup(hook.Close)
		s := running(t, &Server{Variant: tc.variant, Lines: []Line{{ID: 3, Name: "Loja", Queues: []int{1}}}})
		token := signedIn(t, s)
		if _, err := s.CustomerWrites(t.Context(), "5511988877766", "antes"); err != nil {
			t.Fatal(err)
		}
		if status, answer := ask(t, s, http.MethodPost, "/queueIntegration", token, `{"type":"webhook","name":"Secretaria","urlN8N":"`+hook.URL+`"}`); status != http.StatusOK {
			t.Fatalf("%s: create = %d %s", tc.variant, status, answer)
		}
		if _, err := s.CustomerWrites(t.Context(), "5511988877766", "ainda não"); err != nil || len(s.Posted()) > 0 {
			t.Errorf("%s: an integration that is not bound got %d messages, %v", tc.variant, len(s.Posted()), err)
		}
		if status, answer := ask(t, s, http.MethodPut, tc.bind, token, tc.body); status/100 != 2 {
			t.Fatalf("%s: bind = %d %s", tc.variant, status, answer)
		}
		ticket, err := s.CustomerWrites(t.Context(), "5511988877766", "agora")
		if err != nil {
			t.Fatal(err)
		}
		p := <-got
		if !strings.Contains(p.body, `"conversation":"agora"`) || !strings.Contains(p.body, `"remoteJid":"5511988877766@s.whatsapp.net"`) || p.header.Get("X-Signature") != "" {
			t.Errorf("%s posted %s with %v, want the bare message without a signature", tc.variant, p.body, p.header)
		}
		// A person has it now.
		if err := s.SetTicket(ticket.ID, func(t *Ticket) { t.Status, t.User = "open", 1 }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CustomerWrites(t.Context(), "5511988877766", "e agora?"); err != nil || len(s.Posted()) != 1 {
			t.Errorf("%s: a ticket of a person was posted: %d, %v", tc.variant, len(s.Posted()), err)
		}
		hook.Close()
		if _, err := s.CustomerWrites(t.Context(), "5511911112222", "alô?"); err == nil || !s.Ended() {
			t.Errorf("%s: nobody took a message: %v, ended %v; want the end", tc.variant, err, s.Ended())
		}
	}
}

// What a request leaves out is lost, as it is in the real ones; who may not is told so.
func TestSetUpRules(t *testing.T) {
	t.Parallel()
	s := running(t, &Server{Variant: Multi100, Lines: []Line{{ID: 3, Name: "Loja", Queues: []int{1}, BotRetries: 3}}})
	token := signedIn(t, s)
	if status, _ := ask(t, s, http.MethodPut, "/whatsapp/3", token, `{"integrationId":1}`); status != http.StatusOK {
		t.Errorf("PUT of a part = %d, want 200", status)
	}
	if lines, _ := s.Office(); len(lines[0].Queues) != 0 || lines[0].BotRetries != 0 || lines[0].Name != "Loja" {
		t.Errorf("after a PUT of a part the connection is %+v: its queues and numbers are lost", lines[0])
	}
	for _, tc := range []struct {
		server             *Server
		method, path, body string
		status             int
	}{
		{&Server{Variant: Multi100, Profile: "user"}, http.MethodGet, "/queueIntegration", "", 403},
		{&Server{Variant: SaaS, Profile: "user"}, http.MethodGet, "/queueIntegration", "", 200},
		{&Server{Variant: SaaS, Profile: "user"}, http.MethodPost, "/queueIntegration", `{"name":"x"}`, 403},
		{&Server{Variant: SaaS, Plan: "sem plano"}, http.MethodGet, "/queueIntegration", "", 400},
		{&Server{}, http.MethodGet, "/queueIntegration", "", 404},
		{&Server{Variant: Ticketz}, http.MethodGet, "/queueIntegration", "", 404},
		{&Server{Profile: "user"}, http.MethodGet, "/users", "", 403},
		{&Server{Profile: "user"}, http.MethodGet, "/settings", "", 403},
		{&Server{Variant: SaaS}, http.MethodPut, "/queue/1", `{"name":"Vendas"}`, 400},
		{&Server{}, http.MethodGet, "/version", "", 404},
		{&Server{Release: "6.6.3"}, http.MethodGet, "/version", "", 200},
	} {
		s := running(t, tc.server)
		token := signedIn(t, s)
		if status, answer := ask(t, s, tc.method, tc.path, token, tc.body); status != tc.status {
			t.Errorf("%s %q: %s %s = %d %s, want %d", tc.server.Variant, tc.server.Profile, tc.method, tc.path, status, answer, tc.status)
		}
	}
	s.FailOn(http.MethodGet, "/queue", 1, http.StatusBadGateway, "caiu")
	for _, want := range []int{502, 200} {
		if status, _ := ask(t, s, http.MethodGet, "/queue", token, ""); status != want {
			t.Errorf("GET /queue = %d, want %d", status, want)
		}
	}
}
