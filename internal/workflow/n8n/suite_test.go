package n8n_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"go.uber.org/goleak"

	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
	"secretaria/internal/workflow/n8n"
	"secretaria/internal/workflow/n8n/n8ntest"
	"secretaria/internal/workflow/workflowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	signing  = "fake-signing-secret-71aa"
	password = "fake-password-03bd"
)

// bench is an engine with an n8n of its own.
type bench struct {
	server *n8ntest.Server
	engine *n8n.Engine
	client *httpclient.Client
}

func newBench(t *testing.T, change func(*n8n.Config)) bench {
	t.Helper()
	s := &n8ntest.Server{}
	if err := s.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(s.Stop)
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local(), MaxBody: 4 << 20})
	t.Cleanup(client.Close)
	cfg := n8n.Config{BaseURL: s.URL(), APIKey: secret.New(n8ntest.DefaultAPIKey), Secrets: []secret.String{secret.New(signing)},
		Auth: workflow.Auth{Mode: workflow.AuthBasic, Name: "desk", Secret: secret.New(password)}}
	if change != nil {
		change(&cfg)
	}
	e, err := n8n.New(cfg, client)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return bench{s, e, client}
}

func meeting(n8ntest.Call) (any, error) {
	return map[string]any{"link_meet": "https://meet.example/abc-defg", "internal": "not declared"}, nil
}

func harness(asks bool) workflowtest.Harness {
	return workflowtest.Harness{
		Arguments: json.RawMessage(`{"name":"Ana Souza","email":"ana@example.com"}`),
		Result:    json.RawMessage(`{"link_meet":"https://meet.example/abc-defg"}`),
		Asks:      asks,
		New: func(t *testing.T) workflowtest.Bench {
			b := newBench(t, func(c *n8n.Config) {
				if !asks {
					c.APIKey = secret.String{}
				}
			})
			basic := workflow.Auth{Mode: workflow.AuthBasic, Name: "desk", Secret: secret.New(password)}
			healthy := n8ntest.Workflow{Run: meeting, Auth: basic, Secret: secret.New(signing)}
			with := func(change func(*n8ntest.Workflow)) n8ntest.Workflow {
				w := healthy
				change(&w)
				return w
			}
			trouble := func(what n8ntest.Trouble) n8ntest.Workflow {
				return with(func(w *n8ntest.Workflow) { w.Trouble = what })
			}
			behave := map[workflowtest.Behaviour]n8ntest.Workflow{
				workflowtest.Healthy:   healthy,
				workflowtest.StartOnly: with(func(w *n8ntest.Workflow) { w.Mode = n8ntest.Immediately }),
				workflowtest.Breaks:    with(func(w *n8ntest.Workflow) { w.Run = func(n8ntest.Call) (any, error) { return nil, errors.New("boom") } }),
				workflowtest.Absent:    with(func(w *n8ntest.Workflow) { w.Inactive = true }),
				workflowtest.Refuse:    with(func(w *n8ntest.Workflow) { w.Auth.Secret = secret.New("another") }),
				workflowtest.TooMany:   trouble(n8ntest.TooMany), workflowtest.Hang: trouble(n8ntest.Hang), workflowtest.Slow: trouble(n8ntest.Slow),
				workflowtest.Reset: trouble(n8ntest.Reset), workflowtest.LostAnswer: trouble(n8ntest.LostAnswer), workflowtest.HalfAnswer: trouble(n8ntest.HalfAnswer),
				workflowtest.BadJSON: trouble(n8ntest.BadJSON), workflowtest.Huge: trouble(n8ntest.Huge), workflowtest.HTML: trouble(n8ntest.HTML), workflowtest.Redirect: trouble(n8ntest.Redirect),
			}
			return workflowtest.Bench{Engine: b.engine, Declared: workflow.ScheduleMeeting(b.server.Webhook("schedule")), Runs: func() map[string]int { return maps.Clone(b.server.Runs()) },
				Forget: b.server.Forget, Secrets: []string{signing, password, n8ntest.DefaultAPIKey},
				Set: func(what workflowtest.Behaviour) <-chan struct{} {
					if what == workflowtest.Down {
						b.server.Stop()
						b.client.Close()
						return nil
					}
					b.server.Set("schedule", behave[what])
					return b.server.Read()
				}}
		},
	}
}

func TestEngine(t *testing.T) {
	t.Parallel()
	t.Run("with an API key", func(t *testing.T) { t.Parallel(); workflowtest.Run(t, harness(true)) })
	t.Run("without", func(t *testing.T) { t.Parallel(); workflowtest.Run(t, harness(false)) })
}
