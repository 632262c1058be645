package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/secret"
	"secretaria/internal/store/postgres/postgrestest"
)

// onPostgres opens a house on an empty PostgreSQL, with all roles in one process.
func onPostgres(t *testing.T, change func(*app.Options)) *house {
	t.Helper()
	url := postgrestest.URL(t)
	return open(t, func(o *app.Options) {
		o.Postgres = secret.New(url)
		if change != nil {
			change(o)
		}
	})
}

func TestAnswersOnPostgres(t *testing.T) {
	t.Parallel()
	h := onPostgres(t, nil)
	h.model.Script(llmtest.Reply{Text: "Bom dia!"}, llmtest.Reply{Text: "Temos três planos."})
	if status, body := h.whatsapp("5511988877766", "Olá"); status != 202 || body != `{"queued":true}` {
		t.Fatalf("webhook answered %d %s", status, body)
	}
	if got := h.sent(1)[0].Body; got != "Bom dia!" {
		t.Errorf("whaticket got %q", got)
	}
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Quais são os planos?")
	if got := h.said(id, 1)[0].Content; got != "Temos três planos." {
		t.Errorf("chatwoot got %q", got)
	}
	if status, body := h.get("/healthz"); status != http.StatusOK || !strings.Contains(body, `"postgres":{`) {
		t.Errorf("/healthz answered %d %s, want a healthy postgres", status, body)
	}
}

// Two workers and two web processes on one database: every customer is answered once.
func TestRolesShareTheWork(t *testing.T) {
	t.Parallel()
	const customers = 40
	h := onPostgres(t, func(o *app.Options) { o.Role = app.Web })
	if status, _ := h.get("/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("/healthz without a worker answered %d, want 503", status)
	}
	var urls = []string{h.url}
	for _, role := range []app.Role{app.Web, app.Worker, app.Worker} {
		o := h.options
		o.Role = role
		a, err := app.New(t.Context(), o)
		must(t, err)
		must(t, a.Start(t.Context()))
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
			defer cancel()
			if err := a.Stop(ctx); err != nil {
				t.Errorf("stop %s: %v", role, err)
			}
		})
		if role == app.Web {
			urls = append(urls, "http://"+a.Addr())
		}
	}
	if status, body := h.get("/healthz"); status != http.StatusOK || !strings.Contains(body, `"workers":2`) {
		t.Errorf("/healthz with two workers answered %d %s", status, body)
	}
	for i := range customers {
		h.url = urls[i%len(urls)]
		number := fmt.Sprintf("55119888%05d", i)
		for range 2 { // the second is a message of its own, often taken by the other process
			if status, body := h.whatsapp(number, "Olá"); status != 202 {
				t.Fatalf("webhook answered %d %s", status, body)
			}
			h.url = urls[(i+1)%len(urls)]
		}
	}
	h.url = urls[0]
	h.sent(customers)
	h.settled()
	got := map[string]int{}
	for _, m := range h.whaticket.Sent() {
		got[m.Number]++
	}
	for number, n := range got {
		if n > 2 {
			t.Errorf("%s got %d answers to two messages", number, n)
		}
	}
	if len(got) != customers {
		t.Errorf("%d customers were answered, want %d", len(got), customers)
	}
}
