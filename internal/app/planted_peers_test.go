package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// gossip stands before a peer and, whenever its turn comes, answers in its place with all
// that it knows: the planted values and the whole request, credentials included.
type gossip struct {
	URL  string
	p    *planted
	next http.Handler
	plan []string

	mu   sync.Mutex
	n    int
	told map[string]int // answers by step
}

// troubles are the steps of a gossip's plan; "" passes the request on.
var troubles = []string{"401", "429", "400", "500", "403", "404", "422", "503", "not json", "half json", "page", "redirect", "cut", "reset", "wrong type", "echo", "hang"}

// gossiping starts one before a peer. Between two troubles it passes on as many requests as
// healthy says, for what the program does behind them.
func gossiping(t *testing.T, p *planted, target string, healthy int) *gossip {
	t.Helper()
	u, err := url.Parse(target)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy.Transport = transport
	g := &gossip{p: p, next: proxy, told: map[string]int{}}
	for _, trouble := range troubles {
		for range healthy {
			g.plan = append(g.plan, "")
		}
		g.plan = append(g.plan, trouble)
	}
	s := httptest.NewUnstartedServer(g)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.Start()
	t.Cleanup(s.Close)
	g.URL = s.URL
	return g
}

// heard says how often a trouble was met.
func (g *gossip) heard(trouble string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.told[trouble]
}

// quiet makes it pass everything on until what it returns is called.
func (g *gossip) quiet() (again func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	plan := g.plan
	g.plan = []string{""}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.plan = plan
	}
}

// ServeHTTP implements http.Handler.
func (g *gossip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.mu.Lock()
	step := g.plan[g.n%len(g.plan)]
	g.n++
	g.told[step]++
	g.mu.Unlock()
	if step == "" {
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.next.ServeHTTP(w, r)
		return
	}
	g.tell(w, r, step, body)
}

func (g *gossip) tell(w http.ResponseWriter, r *http.Request, step string, body []byte) {
	head, err := httputil.DumpRequest(r, false)
	if err != nil {
		head = []byte(r.URL.String())
	}
	known := strings.Join(g.p.all(), " | ") + "\n" + string(head) + "\n" + string(body)
	all := g.p.all()
	short := all[g.heard(step)%len(all)]
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Retry-After", short)
	h.Set("X-Request-Id", url.QueryEscape(known[:min(len(known), 2000)]))
	h.Set("Www-Authenticate", `Bearer realm="`+url.QueryEscape(short)+`"`)
	words := encoded(map[string]any{
		"error":   map[string]any{"message": known, "code": short, "type": short, "status": known, "details": []string{known}, known: known},
		"message": known, "errors": []string{known}, "description": known, "detail": known, "code": short,
	})
	flat := encoded(map[string]any{"error": known, "message": known, "status": short})
	switch step {
	case "not json":
		_, _ = io.WriteString(w, known)
	case "half json":
		_, _ = w.Write(words[:len(words)/2])
	case "page":
		h.Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><title>"+known+"</title>")
	case "redirect":
		h.Set("Location", "http://127.0.0.1:1/"+url.PathEscape(short)+"?key="+url.QueryEscape(known[:min(len(known), 4000)]))
		w.WriteHeader(http.StatusFound)
	case "cut":
		h.Set("Content-Length", fmt.Sprint(len(words)+10))
		_, _ = w.Write(words)
		panic(http.ErrAbortHandler)
	case "reset":
		panic(http.ErrAbortHandler)
	case "hang":
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case "wrong type": // what should be a number is words, and the other way round
		_, _ = w.Write(encoded(map[string]any{
			"id": known, "object": known, "created": known, "model": known, "choices": known, "candidates": known, "usage": known, "usageMetadata": known, "token": 7, "messages": known,
			"payload": known, "meta": known, "tickets": known, "ticket": known, "data": known, "status": known,
		}))
	case "echo": // an answer of a model that holds everything, wherever words may stand
		_, _ = w.Write(encoded(map[string]any{
			"id": short, "object": short, "created": 1, "model": short, "system_fingerprint": short, "modelVersion": short, "responseId": short,
			"choices": []any{map[string]any{"index": 0, "finish_reason": short, "message": map[string]any{"role": "assistant", "content": known, "refusal": known,
				"tool_calls": []any{map[string]any{"id": short, "type": "function", "function": map[string]any{"name": short, "arguments": string(flat)}}}}}},
			"candidates": []any{map[string]any{"finishReason": short, "finishMessage": known, "content": map[string]any{"role": "model", "parts": []any{
				map[string]any{"text": known}, map[string]any{"functionCall": map[string]any{"name": short, "args": map[string]any{"x": known, known: known}}}}}}},
			"promptFeedback": map[string]any{"blockReason": short, "blockReasonMessage": known},
			"usage":          map[string]any{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
			"error":          known, "message": known,
		}))
	default:
		status := http.StatusInternalServerError
		if _, err := fmt.Sscan(step, &status); err != nil {
			panic(err)
		}
		w.WriteHeader(status)
		if g.heard(step)%2 == 0 {
			words = flat
		}
		_, _ = w.Write(words)
	}
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
