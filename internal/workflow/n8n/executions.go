package n8n

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/workflow"
)

const (
	// pages and looks bound one question, in lists and in executions read whole.
	pages = 5
	looks = 40
	// skew is how far the clock of n8n may lie from ours.
	skew = 10 * time.Minute
	// tooEarly is how long an execution may be missing from the lists: n8n shows it once its
	// first data is written, and one that runs only in the list of those that run.
	tooEarly = 2 * time.Minute
)

// execution is one run of a workflow, as the public API tells it.
type execution struct {
	ID        string    `json:"id"`
	Mode      string    `json:"mode"`
	Status    string    `json:"status"`
	StartedAt time.Time `json:"startedAt"`
}

// Reconcile implements workflow.Engine. With an API key it looks for our id in the data of
// the executions since the first try. Finding none proves nothing: n8n may be told to keep
// no data, and may have pruned it.
func (e *Engine) Reconcile(ctx context.Context, r workflow.Request) (workflow.Verdict, workflow.Answer, error) {
	if e.cfg.APIKey.IsZero() || e.cfg.BaseURL == "" {
		return workflow.CannotTell, workflow.Answer{}, nil
	}
	found, body, err := e.find(ctx, r)
	switch {
	case fault.Is(err, fault.Unauthorized), fault.Is(err, fault.NotFound):
		// A key that is wrong or may not read executions, an n8n without a public API.
		return workflow.CannotTell, workflow.Answer{}, nil
	case err != nil:
		return workflow.CannotTell, workflow.Answer{}, err
	case found == nil && !r.Workflow.Repeatable && time.Since(r.Since) < tooEarly:
		return workflow.CannotTell, workflow.Answer{}, fault.New(fault.Transient, "no trace of the call yet")
	case found == nil:
		return workflow.CannotTell, workflow.Answer{}, nil
	}
	switch found.Status {
	case "success":
		return workflow.Taken, workflow.Answer{Result: output(body, r.Workflow)}, nil
	case "new", "running", "waiting", "unknown":
		if len(r.Workflow.Result) > 0 && time.Since(r.Since) < tooEarly {
			return workflow.CannotTell, workflow.Answer{}, fault.New(fault.Transient, "still running")
		}
		return workflow.Taken, workflow.Answer{}, nil // a callback may bring what comes of it
	default: // error, crashed, canceled
		return workflow.Failed, workflow.Answer{}, nil
	}
}

// find looks for the execution of a call; nil when there is no trace of it.
func (e *Engine) find(ctx context.Context, r workflow.Request) (*execution, []byte, error) {
	id, err := e.workflowID(ctx, r.Workflow.URL)
	if err != nil {
		return nil, nil, err
	}
	looked := 0
	for _, status := range []string{"", "running"} {
		query := url.Values{"limit": {"100"}}
		if id != "" {
			query.Set("workflowId", id)
		}
		if status != "" {
			query.Set("status", status)
		}
		for range pages {
			var list struct {
				Data       []execution `json:"data"`
				NextCursor string      `json:"nextCursor"`
			}
			if err := e.read(ctx, "/api/v1/executions", query, &list); err != nil {
				return nil, nil, err
			}
			old := false
			for i := range list.Data {
				x := &list.Data[i]
				if !x.StartedAt.IsZero() && x.StartedAt.Before(r.Since.Add(-skew)) {
					old = true // newest first
					break
				}
				if x.Mode != "webhook" || x.ID == "" || looked >= looks {
					continue
				}
				looked++
				body, err := e.get(ctx, "/api/v1/executions/"+url.PathEscape(x.ID), url.Values{"includeData": {"true"}})
				if fault.Is(err, fault.NotFound) {
					continue // pruned in between
				}
				if err != nil {
					return nil, nil, err
				}
				if bytes.Contains(body, []byte(`"`+r.Key+`"`)) {
					return x, body, nil
				}
			}
			if old || list.NextCursor == "" {
				break
			}
			query.Set("cursor", list.NextCursor)
		}
	}
	return nil, nil, nil
}

// workflowID finds the workflow behind a webhook, "" where it cannot be told: then the
// executions of all of them are looked through.
func (e *Engine) workflowID(ctx context.Context, webhook string) (string, error) {
	target, err := url.Parse(webhook)
	if err != nil {
		return "", nil
	}
	query := url.Values{"limit": {"100"}, "active": {"true"}}
	for range pages {
		var list struct {
			Data []struct {
				ID    string `json:"id"`
				Nodes []struct {
					Type       string          `json:"type"`
					Parameters json.RawMessage `json:"parameters"`
				} `json:"nodes"`
			} `json:"data"`
			NextCursor string `json:"nextCursor"`
		}
		if err := e.read(ctx, "/api/v1/workflows", query, &list); err != nil {
			if fault.Is(err, fault.Unauthorized) || fault.Is(err, fault.NotFound) {
				return "", nil // the key may read executions and no workflows
			}
			return "", err
		}
		for _, w := range list.Data {
			for _, n := range w.Nodes {
				var p struct {
					Path string `json:"path"`
				}
				if n.Type != "n8n-nodes-base.webhook" || json.Unmarshal(n.Parameters, &p) != nil || p.Path == "" {
					continue
				}
				if strings.HasSuffix(target.Path, "/"+strings.Trim(p.Path, "/")) {
					return w.ID, nil
				}
			}
		}
		if list.NextCursor == "" {
			break
		}
		query.Set("cursor", list.NextCursor)
	}
	return "", nil
}

// read asks the public API for JSON.
func (e *Engine) read(ctx context.Context, path string, query url.Values, into any) error {
	body, err := e.get(ctx, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.Transient, "n8n api: not understood")
	}
	return nil
}

// output is what the last node of an execution gave, where it is as declared; else nil.
func output(body []byte, d workflow.Declared) json.RawMessage {
	if len(d.Result) == 0 {
		return nil
	}
	type item struct {
		JSON json.RawMessage `json:"json"`
	}
	var x struct {
		Data struct {
			ResultData struct {
				Last    string `json:"lastNodeExecuted"`
				RunData map[string][]struct {
					Data struct {
						Main [][]item `json:"main"`
					} `json:"data"`
				} `json:"runData"`
			} `json:"resultData"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &x) != nil {
		return nil
	}
	runs := x.Data.ResultData.RunData[x.Data.ResultData.Last]
	if len(runs) == 0 {
		return nil
	}
	main := runs[len(runs)-1].Data.Main
	if len(main) == 0 || len(main[0]) == 0 {
		return nil
	}
	kept, err := d.Accept(main[0][0].JSON)
	if err != nil {
		return nil
	}
	return kept
}
