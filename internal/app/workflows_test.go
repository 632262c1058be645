package app_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/secret"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/workflow"
	"secretaria/internal/workflow/n8n/n8ntest"
)

const callbackSecret = "fake-callback-secret-4be1"

// automated is a house with an n8n; change may alter its options.
func automated(t *testing.T, change func(*app.Options, *n8ntest.Server)) (*house, *n8ntest.Server) {
	t.Helper()
	s := &n8ntest.Server{}
	must(t, s.Start())
	t.Cleanup(s.Stop)
	h := open(t, func(o *app.Options) {
		o.Workflows.BaseURL, o.Workflows.CallbackSecrets = s.URL(), []secret.String{secret.New(callbackSecret)}
		if change != nil {
			change(o, s)
		}
	})
	return h, s
}

func TestReadinessOfN8N(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*app.Options, *n8ntest.Server)
		want   string
	}{
		"its address":      {nil, "connected"},
		"with a key":       {func(o *app.Options, _ *n8ntest.Server) { o.Workflows.APIKey = secret.New(n8ntest.DefaultAPIKey) }, "connected"},
		"with a wrong key": {func(o *app.Options, _ *n8ntest.Server) { o.Workflows.APIKey = secret.New("bad") }, "error"},
		"nothing":          {func(o *app.Options, _ *n8ntest.Server) { o.Workflows.BaseURL = "" }, "not_configured"},
		"a webhook alone": {func(o *app.Options, s *n8ntest.Server) {
			o.Workflows.BaseURL, o.Desks[1].Workflows = "", []workflow.Declared{workflow.CreateLead(s.Webhook("x"))}
		}, "connected"},
		"an n8n that is off": {func(_ *app.Options, s *n8ntest.Server) { s.Stop() }, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := automated(t, c.change)
			// Whatever n8n does, messages are taken: calls wait in the database.
			if status, body := h.get("/api/v1/readiness"); status != http.StatusOK || !strings.Contains(body, `"n8n":"`+c.want+`"`) {
				t.Errorf("readiness answered %d %s, want 200 with n8n %s", status, body, c.want)
			}
		})
	}
}

func TestCallbackIsServed(t *testing.T) {
	t.Parallel()
	h, s := automated(t, nil)
	target := h.url + "/api/v1/workflows/callback"
	body := map[string]any{"id": "0190-nobody", "status": "failed"}
	for _, c := range []struct {
		key    string
		status int
		want   string
	}{
		{"another", 401, `{"error":"invalid signature"}`},
		{callbackSecret, 404, `{"error":"not found"}`},
	} {
		status, got, err := s.Report(t.Context(), target, secret.New(c.key), "msg-1", body)
		if err != nil || status != c.status || got != c.want {
			t.Errorf("callback = %d %s, %v, want %d %s", status, got, err, c.status, c.want)
		}
	}
	if status, got := h.get("/api/v1/workflows/callback"); status != http.StatusMethodNotAllowed || strings.TrimSpace(got) != `{"error":"method not allowed"}` {
		t.Errorf("GET = %d %s, want 405 in the callback's form", status, got)
	}
	if _, metrics := h.get("/metrics"); !strings.Contains(metrics, `http_request_duration_seconds_count{method="POST",path="/api/v1/workflows/callback",status="401"}`) {
		t.Error("the callback's requests are not counted under its path")
	}
}

func TestWithoutSecretsNoCallback(t *testing.T) {
	t.Parallel()
	h, s := automated(t, func(o *app.Options, _ *n8ntest.Server) { o.Workflows.CallbackSecrets = nil })
	if status, got, err := s.Report(t.Context(), h.url+"/api/v1/workflows/callback", secret.New(callbackSecret), "msg-1", map[string]any{}); err != nil || status != 401 {
		t.Errorf("callback = %d %s, %v, want 401", status, got, err)
	}
}

// meeting is one way in which the wish for a meeting ends.
type meeting struct {
	flow     n8ntest.Workflow
	key      string // of the API
	callback map[string]any
	want     string // in what the customer reads
}

func meetings() map[string]meeting {
	book := func(n8ntest.Call) (any, error) { return map[string]any{"link_meet": "https://meet.example/abc"}, nil }
	return map[string]meeting{
		"at once":              {flow: n8ntest.Workflow{Run: book}, want: "https://meet.example/abc"},
		"by a callback":        {flow: n8ntest.Workflow{Mode: n8ntest.Immediately}, callback: map[string]any{"status": "done", "result": map[string]any{"link_meet": "https://meet.example/later"}}, want: "https://meet.example/later"},
		"the callback says no": {flow: n8ntest.Workflow{Mode: n8ntest.Immediately}, callback: map[string]any{"status": "failed", "error": "agenda cheia"}, want: "Não consegui"},
		"a lost answer":        {flow: n8ntest.Workflow{Run: book, Trouble: n8ntest.LostAnswer}, key: n8ntest.DefaultAPIKey, want: "https://meet.example/abc"},
		"it breaks":            {flow: n8ntest.Workflow{Run: func(n8ntest.Call) (any, error) { return nil, errors.New("boom") }}, want: "Não consegui"},
	}
}

// wished opens a house in which a customer has wished for a meeting, and waits for the call.
func (c meeting) wished(t *testing.T, change func(*app.Options)) (h *house, s *n8ntest.Server, id int64, call string) {
	t.Helper()
	h, s = automated(t, func(o *app.Options, s *n8ntest.Server) {
		d := workflow.ScheduleMeeting(s.Webhook("meet"))
		d.Tool = true
		o.Desks[1].Workflows = []workflow.Declared{d}
		o.Workflows.APIKey = secret.New(c.key)
		o.Schedule = []time.Duration{200 * time.Millisecond, time.Second}
		if change != nil {
			change(o)
		}
	})
	s.Set("meet", c.flow)
	called := s.Read()
	h.model.Script(llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "t1", Name: "start_schedule_meeting", Arguments: json.RawMessage(`{"name":"Ana"}`)}}},
		llmtest.Reply{Text: "Pedi a reunião e já aviso."})
	id = h.chatwoot.Open(chatwoottest.Contact{Phone: "+5511900000042"})
	h.writes(id, "Aqui é a Ana, quero marcar uma reunião amanhã às 10h")
	<-called
	return h, s, id, s.Calls()[0].Key
}

// report sends the callback twice.
func (c meeting) report(t *testing.T, h *house, s *n8ntest.Server, call string) {
	t.Helper()
	c.callback["id"] = call
	for range 2 {
		status, body, err := s.Report(t.Context(), h.url+"/api/v1/workflows/callback", secret.New(callbackSecret), "msg-1", c.callback)
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("callback = %d %s, %v, want 202", status, body, err)
		}
	}
}

// play is a meeting from the customer's wish to the link in the customer's hands.
func (c meeting) play(t *testing.T, change func(*app.Options)) {
	t.Helper()
	h, s, id, call := c.wished(t, change)
	if c.callback != nil {
		c.report(t, h, s, call)
	}
	said := h.said(id, 2)
	if last := said[len(said)-1].Content; !strings.Contains(last, c.want) {
		t.Errorf("the customer reads %q, want %q in it", last, c.want)
	}
	if runs := s.Runs(); len(runs) != 1 || runs[call] != 1 {
		t.Errorf("runs = %v, want one", runs)
	}
}

// The workflow answers at once, by a callback, by a callback although its answer was lost, or
// not at all. It runs once in any case.
func TestMeeting(t *testing.T) {
	t.Parallel()
	for name, c := range meetings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.play(t, nil)
		})
	}
}

func TestMeetingOnPostgres(t *testing.T) {
	t.Parallel()
	for name, c := range meetings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := postgrestest.URL(t)
			c.play(t, func(o *app.Options) { o.Postgres = secret.New(url) })
		})
	}
}

// A person has the conversation when the workflow reports: people read it in a note, once, and
// the customer hears nothing of it from the bot.
func TestMeetingForPeople(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, *app.Options){
		"sqlite":   func(*testing.T, *app.Options) {},
		"postgres": func(t *testing.T, o *app.Options) { o.Postgres = secret.New(postgrestest.URL(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := meetings()["by a callback"]
			h, s, id, call := c.wished(t, func(o *app.Options) { change(t, o) })
			h.said(id, 1)
			_, err := h.chatwoot.Human(t.Context(), id, 2, "Oi, eu assumo daqui")
			must(t, err)
			c.report(t, h, s, call)
			h.settled()
			var notes int
			for _, m := range h.chatwoot.Conversation(id).Messages {
				if !strings.Contains(m.Content, "meet.example") {
					continue
				}
				if !m.Private {
					t.Errorf("the customer reads %q while a person has the conversation", m.Content)
				}
				notes++
			}
			if notes != 1 {
				t.Errorf("people read %d notes, want one", notes)
			}
		})
	}
}
