package whatickettest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func running(t *testing.T, s *Server) *Server {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, s *Server, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(answer))
}

// The fake answers /api/messages/send as the real ones were recorded to.
func TestSend(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		variant     Variant
		token, body string
		status      int
		answer      string
	}{
		{Community, DefaultToken, `{"number":"5511988877766","body":"oi"}`, 200, ``},
		{SaaS, DefaultToken, `{"number":"5511988877766","body":"oi"}`, 200, `{"mensagem":"Mensagem enviada"}`},
		{Community, "", `{}`, 401, `{"error":"ERR_SESSION_EXPIRED"}`},
		{Community, "x", `{}`, 403, `{"error":"Invalid token. We'll try to assign a new one on next request"}`},
		{SaaS, "x", `{}`, 401, `{"error":"Acesso não permitido"}`},
		{Community, DefaultToken, `{"number":5511988877766,"body":"oi"}`, 500, `{"error":"Internal server error"}`},
		{Community, DefaultToken, `{"number":"+55 11","body":"oi"}`, 400, `{"error":"Invalid number format. Only numbers is allowed."}`},
		{Community, DefaultToken, `{"number":"5511988877766","body":"use {{ aqui"}`, 400, `{"error":"ERR_SENDING_WAPP_MSG"}`},
	} {
		s := running(t, &Server{Variant: tc.variant})
		status, answer := ask(t, s, http.MethodPost, "/api/messages/send", tc.token, tc.body)
		if status != tc.status || answer != tc.answer {
			t.Errorf("%s: send %s = %d %s, want %d %s", tc.variant, tc.body, status, answer, tc.status, tc.answer)
		}
		if got := len(s.Sent()); (got == 1) != (status == 200) {
			t.Errorf("%s: send %s left %d messages", tc.variant, tc.body, got)
		}
	}
	// A JWT opens nothing here, and the token nothing else.
	s := running(t, &Server{})
	if status, _ := ask(t, s, http.MethodGet, "/tickets", DefaultToken, ""); status != 403 {
		t.Errorf("GET /tickets with the static token = %d, want 403", status)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	s := running(t, &Server{})
	got := make(chan []Message, 1)
	go func() {
		sent, err := s.Wait(t.Context(), 2)
		if err != nil {
			t.Errorf("Wait = %v", err)
		}
		got <- sent
	}()
	s.CustomerWrote("5511988877766", "isto não conta")
	for range 2 {
		ask(t, s, http.MethodPost, "/api/messages/send", DefaultToken, `{"number":"5511988877766","body":"oi"}`)
	}
	if sent := <-got; len(sent) != 2 || sent[0].Body != "oi" || !sent[0].ByToken {
		t.Errorf("Wait = %+v, want both messages", sent)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Wait(ctx, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait for what does not come = %v, want the context's error", err)
	}
}

func TestPostEcho(t *testing.T) {
	t.Parallel()
	type arrived struct {
		body                 []byte
		timestamp, signature string
	}
	got := make(chan arrived, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- arrived{body, r.Header.Get("X-Timestamp"), r.Header.Get("X-Signature")}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(hook.Close)
	if err := PostEcho(t.Context(), hook.URL, "s", Message{ID: "M1", Number: "5511988877766", Body: "já vou"}); err != nil {
		t.Fatal(err)
	}
	a := <-got
	if a.signature != Sign("s", a.timestamp, a.body) {
		t.Errorf("the echo is not signed with the secret")
	}
	for _, want := range []string{`"fromMe":true`, `"id":"M1"`, `"remoteJid":"5511988877766@s.whatsapp.net"`, `"conversation":"já vou"`} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("echo = %s, want it to hold %s", a.body, want)
		}
	}
}
