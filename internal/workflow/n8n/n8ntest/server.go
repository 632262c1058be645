// Package n8ntest is an n8n that lives in a test or in a demonstration: a real HTTP server
// whose answers are those that a real one was recorded to give, that runs Go functions in
// place of workflows, counts their runs by idempotency key, misbehaves on request, and
// reports later by signed callbacks. It imports no testing package, so that the product can
// start it.
package n8ntest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"secretaria/internal/secret"
	"secretaria/internal/workflow"
)

// Mode is how a webhook answers.
type Mode int

// The modes, as the Webhook node has them.
const (
	LastNode    Mode = iota // with what the workflow gives
	Immediately             // before it runs
	RespondNode             // as the workflow says, with Status
)

// Trouble is what goes wrong with calls.
type Trouble int

// The troubles.
const (
	None       Trouble = iota
	Hang               // read the request, run nothing, answer nothing until the client goes away
	Slow               // run it, then answer nothing until the client goes away
	Reset              // read the request, run nothing, drop the connection
	LostAnswer         // run it, then drop the connection
	HalfAnswer         // run it, then send half an answer
	BadJSON            // run it, then answer with half a JSON value
	Huge               // run it, then answer with a MiB of JSON
	HTML               // a web page with status 200: the address leads to something else
	BadGateway         // a proxy's page, with status 502
	Redirect           // to somewhere else
	TooMany            // 429 with "Retry-After: 7"
)

// Workflow is a webhook with what runs behind it.
type Workflow struct {
	Mode   Mode
	Status int // of RespondNode; 0: 202
	// Run is the work; its error is a workflow that fails. Nil answers {"ok":true}.
	Run func(Call) (any, error)
	// Empty ends without an item to answer.
	Empty bool
	// Inactive answers as if nobody had activated it; Later does so that many times.
	Inactive bool
	Later    int
	Auth     workflow.Auth
	// Secret, where set, refuses calls whose signature is wrong, in the workflow's first node.
	Secret  secret.String
	Trouble Trouble
}

// Call is a request to a webhook as it arrived.
type Call struct {
	Path, Key string // Key is the idempotency key
	Header    http.Header
	Body      []byte
	Signed    bool // by the workflow's Secret
	Ran       bool
}

// Server is the n8n. Start it with Start.
type Server struct {
	// APIKey opens the public API; empty: "fake-n8n-api-key".
	APIKey string

	recorded map[string]Exchange
	http     *http.Server
	base     string
	gone     chan struct{}
	serving  sync.WaitGroup
	stopping sync.Once

	mu         sync.Mutex
	workflows  map[string]*Workflow
	calls      []Call
	executions []execution
	forgets    bool
	read       chan struct{} // closed when the next call was read whole; nil: nobody waits
}

// DefaultAPIKey is the key of a server whose APIKey is empty.
const DefaultAPIKey = "fake-n8n-api-key"

// Start listens on the loopback interface.
func (s *Server) Start() error {
	var err error
	if s.recorded, err = Recorded(); err != nil {
		return err
	}
	if s.APIKey == "" {
		s.APIKey = DefaultAPIKey
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.base, s.gone = "http://"+l.Addr().String(), make(chan struct{})
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() { _ = s.http.Serve(l) })
	return nil
}

// Stop ends it: from now on connections are refused. Requests that hang end.
func (s *Server) Stop() {
	s.stopping.Do(func() {
		close(s.gone)
		_ = s.http.Close() // whatever it says, nobody listens any more
		s.serving.Wait()
	})
}

// URL is the address of n8n itself, Webhook the production URL of a path.
func (s *Server) URL() string { return s.base }

// Webhook is the production URL of a path.
func (s *Server) Webhook(path string) string { return s.base + "/webhook/" + path }

// Set puts a workflow behind a path, from now on.
func (s *Server) Set(path string, w Workflow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workflows == nil {
		s.workflows = map[string]*Workflow{}
	}
	s.workflows[path] = &w
}

// Read returns a channel that is closed when the next call was read whole.
func (s *Server) Read() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = make(chan struct{})
	return s.read
}

// Calls lists what arrived at webhooks, in order.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Runs counts by idempotency key how often a workflow ran.
func (s *Server) Runs() map[string]int {
	runs := map[string]int{}
	for _, c := range s.Calls() {
		if c.Ran {
			runs[c.Key]++
		}
	}
	return runs
}

// Forget leaves all executions out of the public API, as an n8n does that is told to keep
// no data.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgets = true
}

// Report posts a callback to a server of ours, signed with a secret under an id, and
// returns what it answered.
func (s *Server) Report(ctx context.Context, target string, key secret.String, id string, body any) (status int, answer string, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, "", fmt.Errorf("write callback: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(b))
	if err != nil {
		return 0, "", fmt.Errorf("make callback: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	workflow.Sign(req.Header, []secret.String{key}, id, time.Now(), b)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("send callback: %w", err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(said), err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/webhook/{path...}", s.webhook)
	mux.HandleFunc("/webhook-test/{path...}", func(w http.ResponseWriter, _ *http.Request) { s.say(w, "webhook-test-not-listening", nil) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { s.say(w, "healthz", nil) })
	mux.HandleFunc("GET /healthz/readiness", func(w http.ResponseWriter, _ *http.Request) { s.say(w, "healthz-readiness", nil) })
	mux.HandleFunc("GET /api/v1/executions", s.guarded(s.listExecutions))
	mux.HandleFunc("GET /api/v1/executions/{id}", s.guarded(s.oneExecution))
	mux.HandleFunc("GET /api/v1/workflows", s.guarded(s.listWorkflows))
	return mux
}

// say answers as recorded.
func (s *Server) say(w http.ResponseWriter, name string, body []byte) {
	s.recorded[name].Answer(w, body)
}

func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	path := r.PathValue("path")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	if s.read != nil {
		close(s.read)
		s.read = nil
	}
	var flow Workflow
	known := s.workflows[path]
	if known != nil {
		flow = *known
		if known.Later > 0 {
			known.Later--
		}
	}
	call := Call{Path: path, Key: r.Header.Get("Idempotency-Key"), Header: r.Header.Clone(), Body: body}
	if _, err := workflow.Verify(r.Header, []secret.String{flow.Secret}, time.Now(), body); err == nil {
		call.Signed = true
	}
	s.calls = append(s.calls, call)
	at := len(s.calls) - 1
	s.mu.Unlock()

	switch {
	case known == nil:
		s.say(w, "webhook-unknown-path", nil)
	case flow.Inactive, flow.Later > 0:
		s.say(w, "webhook-inactive", nil)
	case r.Method != http.MethodPost:
		s.say(w, "webhook-wrong-method", nil)
	case !s.before(w, r, flow):
	case !json.Valid(body):
		s.say(w, "webhook-invalid-json", nil)
	default:
		if name := refusal(r, flow.Auth); name != "" {
			s.say(w, name, nil)
			return
		}
		s.run(w, r, flow, call, at)
	}
}

// before does what goes wrong before a workflow runs, and says whether it runs at all.
func (s *Server) before(w http.ResponseWriter, r *http.Request, flow Workflow) bool {
	switch flow.Trouble {
	case Hang:
		s.hang(r)
	case Reset:
		drop(w)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>It works!</body></html>")
	case BadGateway:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html><center><h1>502 Bad Gateway</h1></center></html>")
	case Redirect:
		w.Header().Set("Location", "/webhook/somewhere-else")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case TooMany:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		return true
	}
	return false
}

// refusal names the recorded answer to a credential that is missing or wrong, "" for none.
func refusal(r *http.Request, auth workflow.Auth) string {
	switch auth.Mode {
	case workflow.AuthBasic:
		given := r.Header.Get("Authorization")
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(auth.Name+":"+auth.Secret.Reveal()))
		switch given {
		case want:
			return ""
		case "":
			return "webhook-basic-auth-missing"
		}
		return "webhook-basic-auth-wrong"
	case workflow.AuthHeader:
		switch r.Header.Get(auth.Name) {
		case auth.Secret.Reveal():
			return ""
		case "":
			return "webhook-header-auth-missing"
		}
		return "webhook-header-auth-wrong"
	}
	return ""
}

func (s *Server) run(w http.ResponseWriter, r *http.Request, flow Workflow, call Call, at int) {
	var out any = map[string]any{"ok": true}
	var err error
	switch {
	case !flow.Secret.IsZero() && !call.Signed:
		err = errors.New("wrong signature")
	case flow.Run != nil:
		out, err = flow.Run(call)
	}
	s.mu.Lock()
	s.calls[at].Ran = true
	s.executions = append(s.executions, newExecution(len(s.executions)+1, call, out, err))
	s.mu.Unlock()
	answer, merr := json.Marshal(out)
	if merr != nil {
		err = merr
	}
	switch flow.Trouble {
	case Slow:
		s.hang(r)
		return
	case LostAnswer:
		drop(w)
		return
	case HalfAnswer:
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)+100))
		_, _ = w.Write(answer[:len(answer)/2])
		panic(http.ErrAbortHandler)
	case BadJSON:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer[:len(answer)/2])
		return
	case Huge:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"link_meet":"https://meet.example/a","filler":"`+strings.Repeat("x", 1<<20)+`"}`)
		return
	}
	switch {
	case flow.Mode == Immediately:
		s.say(w, "webhook-immediate", nil)
	case err != nil:
		s.say(w, "webhook-last-node-fails", nil)
	case flow.Mode == RespondNode && flow.Empty:
		s.say(w, "webhook-respond-node-missing", nil)
	case flow.Empty:
		s.say(w, "webhook-last-node-empty", nil)
	case flow.Mode == RespondNode:
		x := s.recorded["webhook-respond-node"]
		x.Response.Headers = maps.Clone(x.Response.Headers)
		if flow.Status != 0 {
			x.Response.Status = flow.Status
		}
		x.Answer(w, answer)
	default:
		s.say(w, "webhook-last-node", answer)
	}
}

// hang waits until the client has gone or the server ends.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.gone:
	}
}

// drop ends the connection without an answer.
func drop(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
