package n8ntest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// execution is a run as the public API tells it.
type execution struct {
	list map[string]any // as in a list
	data map[string]any // with "includeData"
}

func newExecution(n int, call Call, out any, err error) execution {
	status := "success"
	if err != nil {
		status = "error"
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	var body any
	_ = json.Unmarshal(call.Body, &body) // valid, or nothing had run
	header := map[string]string{}
	for k := range call.Header {
		header[http.CanonicalHeaderKey(k)] = call.Header.Get(k)
	}
	item := func(v any) any {
		return []any{map[string]any{"executionStatus": status, "data": map[string]any{"main": []any{[]any{map[string]any{"json": v}}}}}}
	}
	result := map[string]any{"lastNodeExecuted": "Work",
		"runData": map[string]any{"Webhook": item(map[string]any{"headers": header, "body": body}), "Work": item(out)}}
	return execution{
		list: map[string]any{"id": strconv.Itoa(n), "finished": err == nil, "mode": "webhook", "retryOf": nil, "retrySuccessId": nil, "status": status,
			"startedAt": now, "stoppedAt": now, "workflowId": workflowID(call.Path), "waitTill": nil},
		data: map[string]any{"version": 1, "resultData": result},
	}
}

// kept are the executions that can be told about; the caller holds the lock.
func (s *Server) kept() []execution {
	if s.forgets {
		return nil
	}
	return slices.Clone(s.executions)
}

func workflowID(path string) string { return "wf-" + path }

// guarded asks for the key.
func (s *Server) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("X-N8N-API-KEY") {
		case s.APIKey:
			next(w, r)
		case "":
			s.say(w, "api-no-key", nil)
		default:
			s.say(w, "api-bad-key", nil)
		}
	}
}

// page answers with a part of a list, newest first, and the cursor of the next.
func (s *Server) page(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	q := r.URL.Query()
	limit, from := 100, 0
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			s.say(w, "api-bad-limit", nil)
			return
		}
		limit = n
	}
	if v := q.Get("cursor"); v != "" {
		b, err := base64.StdEncoding.DecodeString(v)
		if err == nil {
			from, _ = strconv.Atoi(string(b))
		}
	}
	var cursor any
	from = min(max(from, 0), len(all))
	rest := all[from:]
	if limit < len(rest) {
		rest = rest[:limit]
		cursor = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(from + limit)))
	}
	if rest == nil {
		rest = []map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"data": rest, "nextCursor": cursor})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.say(w, "api-executions-list", body)
}

func (s *Server) listExecutions(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch q.Get("status") {
	case "", "canceled", "error", "running", "success", "waiting":
	default:
		s.say(w, "api-executions-bad-status", nil)
		return
	}
	s.mu.Lock()
	executions := s.kept()
	s.mu.Unlock()
	var all []map[string]any
	for i := len(executions) - 1; i >= 0; i-- {
		x := executions[i].list
		if id := q.Get("workflowId"); id != "" && id != x["workflowId"] || q.Get("status") != "" && q.Get("status") != x["status"] {
			continue
		}
		all = append(all, x)
	}
	s.page(w, r, all)
}

func (s *Server) oneExecution(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	executions := s.kept()
	s.mu.Unlock()
	n, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || n < 1 || n > len(executions) {
		s.say(w, "api-execution-unknown", nil)
		return
	}
	x := maps.Clone(executions[n-1].list)
	if r.URL.Query().Get("includeData") == "true" {
		x["data"] = executions[n-1].data
	}
	body, err := json.Marshal(x)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.say(w, "api-execution-get", body)
}

func (s *Server) listWorkflows(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	paths := slices.Sorted(maps.Keys(s.workflows))
	s.mu.Unlock()
	var all []map[string]any
	for _, path := range paths {
		all = append(all, map[string]any{"id": workflowID(path), "name": path, "active": true,
			"nodes": []any{map[string]any{"type": "n8n-nodes-base.webhook", "parameters": map[string]any{"httpMethod": "POST", "path": path}}}})
	}
	s.page(w, r, all)
}
