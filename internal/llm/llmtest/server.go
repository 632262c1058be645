package llmtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"secretaria/internal/llm"
)

// defaultRecord is how many requests a server keeps where Record does not say.
const defaultRecord = 1000

// maxRequest bounds what a server reads of one request, in bytes.
const maxRequest = 8 << 20

// Server is what OpenAI and Gemini have in common. The fields are set before the first
// request; the methods may be called at any time, from any goroutine.
type Server struct {
	// Key is the credential that requests must carry; "" takes any, and none.
	Key string
	// Delay is waited before every answer; a client that gives up ends it.
	Delay time.Duration
	// Respond answers what the script does not; nil answers "ok".
	Respond func(*Request) Reply
	// Record is how many of the last requests are kept: default 1000, none when negative.
	Record int

	mu       sync.Mutex
	script   []Reply
	requests []*Request
	count    int

	http   *http.Server
	url    string
	closed chan struct{}
}

// dialect is one provider's protocol.
type dialect interface {
	// authorized says whether the request carries the key as the provider wants it.
	authorized(r *http.Request, key string) bool
	// decode reads a request, refusing what the provider would refuse.
	decode(r *http.Request, body []byte) (model string, req *llm.Request, err error)
	// answer and failure encode a reply.
	answer(model string, reply Reply) []byte
	failure(status int, reply Reply) []byte
}

// Script queues replies; each is used for one request, in order.
func (s *Server) Script(replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, replies...)
}

// Requests returns the requests kept so far, oldest first. They are not changed any more.
func (s *Server) Requests() []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count returns how many requests came in, recorded or not.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// URL is the address of a started server, without a path.
func (s *Server) URL() string { return s.url }

// Close stops a started server and drops its connections, hanging ones included.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	err := s.http.Close()
	<-s.closed
	return err
}

// start listens on a free loopback port.
func (s *Server) start(d dialect) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.closed = make(chan struct{})
	s.http = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, d) }),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		defer close(s.closed)
		_ = s.http.Serve(l) // ErrServerClosed: nothing else ends it
	}()
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, d dialect) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		write(w, http.StatusRequestEntityTooLarge, "", "", d.failure(http.StatusRequestEntityTooLarge, Reply{Message: "request is too large"}))
		return
	}
	got := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body, At: time.Now()}
	authorized := s.Key == "" || d.authorized(r, s.Key)
	var refused error
	if authorized {
		got.Model, got.LLM, refused = d.decode(r, body)
	}
	reply, scripted := s.record(got)
	switch {
	case scripted: // the script may answer anything to anybody
	case !authorized:
		reply = Reply{Status: http.StatusUnauthorized, Message: "the key is not valid"}
	case refused != nil:
		reply = Reply{Status: http.StatusBadRequest, Message: refused.Error()}
	case s.Respond != nil:
		reply = s.Respond(got)
	}
	if !wait(r.Context(), s.Delay+reply.Delay) {
		panic(http.ErrAbortHandler)
	}
	s.send(w, r, d, got, reply)
}

// record keeps the request and takes the next reply of the script.
func (s *Server) record(r *Request) (reply Reply, scripted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if keep := s.Record; keep >= 0 {
		if keep == 0 {
			keep = defaultRecord
		}
		s.requests = append(s.requests, r)
		if over := len(s.requests) - keep; over > 0 {
			s.requests = slices.Delete(s.requests, 0, over)
		}
	}
	if len(s.script) == 0 {
		return Reply{}, false
	}
	reply, s.script = s.script[0], s.script[1:]
	return reply, true
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, d dialect, got *Request, reply Reply) {
	switch reply.Fault {
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Drop:
		panic(http.ErrAbortHandler)
	}
	status, body := reply.Status, []byte(reply.Body)
	switch {
	case reply.Body != "":
		if status == 0 {
			status = http.StatusOK
		}
	case status != 0:
		body = d.failure(status, reply)
	default:
		status = http.StatusOK
		body = d.answer(got.Model, filled(got, reply))
	}
	if reply.Fault == Cut {
		// The length promises more than is sent, so that the client cannot take it for a whole answer.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
		write(w, status, reply.ContentType, reply.RetryAfter, body)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	write(w, status, reply.ContentType, reply.RetryAfter, body)
}

func write(w http.ResponseWriter, status int, contentType, retryAfter string, body []byte) {
	if contentType == "" {
		contentType = "application/json"
	}
	w.Header().Set("Content-Type", contentType)
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	if status >= 300 && status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// filled gives a reply its defaults.
func filled(got *Request, reply Reply) Reply {
	if reply.Text == "" && len(reply.ToolCalls) == 0 && reply.Finish == "" {
		reply.Text = "ok"
	}
	if reply.Finish == "" {
		reply.Finish = llm.Stop
		if len(reply.ToolCalls) > 0 {
			reply.Finish = llm.ToolCalls
		}
	}
	if reply.Usage == (llm.Usage{}) {
		reply.Usage = llm.Usage{InputTokens: len(got.Body)/4 + 1, OutputTokens: len(reply.Text)/4 + 1}
	}
	if reply.Model == "" {
		reply.Model = got.Model
	}
	return reply
}

// wait returns false when the client gave up first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
