package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/telemetry"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	closed bool // "Connection: close"
}

// client follows no redirect.
func (h *house) client() *http.Client {
	h.dial.Do(func() {
		transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}
		h.t.Cleanup(transport.CloseIdleConnections)
		h.http = &http.Client{
			Timeout:       20 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     transport,
		}
	})
	return h.http
}

// request makes a request to the house; header is taken as it is.
func (h *house) request(method, path string, header http.Header, body []byte) *http.Request {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, bytes.NewReader(body))
	must(h.t, err)
	if header != nil {
		req.Header = header
	}
	return req
}

// ask sends a request and checks what holds for every answer of the program: a correlation
// id, JSON or nothing, and never a page.
func (h *house) ask(req *http.Request) answer {
	h.t.Helper()
	resp, err := h.client().Do(req)
	must(h.t, err)
	return h.whole(req.Method, resp)
}

func (h *house) whole(method string, resp *http.Response) answer {
	h.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(h.t, err)
	a := answer{resp.StatusCode, resp.Header, string(b), resp.Close}
	if id := a.header.Get("X-Correlation-ID"); !telemetry.ValidCorrelation(id) {
		h.t.Errorf("%s answered %d with X-Correlation-ID %q", method, a.status, id)
	}
	if method == http.MethodHead || a.status == http.StatusNoContent {
		if len(b) > 0 {
			h.t.Errorf("%s answered %d with a body: %s", method, a.status, b)
		}
		return a
	}
	kind := a.header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "application/json"):
		if !json.Valid(b) {
			h.t.Errorf("%s answered %d with what is no JSON: %s", method, a.status, b)
		}
	case strings.HasPrefix(kind, "text/plain") && a.status == http.StatusOK: // metrics
	default:
		h.t.Errorf("%s answered %d with Content-Type %q: %.200s", method, a.status, kind, b)
	}
	if strings.Contains(strings.ToLower(a.body), "<html") || strings.Contains(a.body, "<!") {
		h.t.Errorf("%s answered %d with a page: %.200s", method, a.status, b)
	}
	return a
}

// raw sends bytes as they are, ends its side of the connection, and reads one answer.
func (h *house) raw(wire string) answer {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.app.Addr())
	must(h.t, err)
	defer conn.Close()
	must(h.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, wire)
	must(h.t, err)
	must(h.t, conn.(*net.TCPConn).CloseWrite())
	method, _, _ := strings.Cut(wire, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	must(h.t, err)
	return h.whole(method, resp)
}

// signed are the headers of a Whaticket webhook signed now.
func signed(secret string, body []byte) http.Header {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	return http.Header{"Content-Type": {"application/json"}, "X-Timestamp": {at}, "X-Signature": {whatickettest.Sign(secret, at, body)}}
}

// botSigned are the headers of a Chatwoot webhook signed now.
func botSigned(secret string, body []byte) http.Header {
	return chatwoottest.Headers(secret, body, time.Now(), false)
}

func with(h http.Header, pairs ...string) http.Header {
	h = h.Clone()
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func without(h http.Header, keys ...string) http.Header {
	h = h.Clone()
	for _, k := range keys {
		h.Del(k)
	}
	return h
}

// says is the body of a WhatsApp customer's text with an id of its own.
func says(number, text string) []byte {
	return whatickettest.Baileys{JID: number, ID: uuid.NewString(), Text: text, At: time.Now()}.Body()
}

// event reads a recorded Chatwoot webhook and lets change alter it.
func event(t *testing.T, name string, change func(map[string]any)) []byte {
	t.Helper()
	f, err := chatwoottest.Events().Open(name + ".json")
	must(t, err)
	defer f.Close()
	var o map[string]any
	must(t, json.NewDecoder(f).Decode(&o))
	if change != nil {
		change(o)
	}
	b, err := json.Marshal(o)
	must(t, err)
	return b
}

// asks is a Chatwoot customer's text in a conversation, with a message id of its own.
func asks(t *testing.T, conversation, message int64, text string) []byte {
	t.Helper()
	return event(t, "message_created.incoming.whatsapp_text", func(o map[string]any) {
		o["id"], o["content"] = message, text
		c := o["conversation"].(map[string]any)
		c["id"] = conversation
		delete(c, "messages")
	})
}

// logbook keeps what the program logs.
type logbook struct {
	t  *testing.T
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// logTo makes the program log into a book.
func logTo(t *testing.T, o *app.Options) *logbook {
	l := &logbook{t: t}
	o.Logger = telemetry.NewLogger(l, nil, "json")
	return l
}

// text is all that was logged so far.
func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines are the logged objects so far.
func (l *logbook) lines() []map[string]any {
	l.t.Helper()
	var out []map[string]any
	for line := range strings.Lines(l.text()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			l.t.Errorf("log line is no JSON object: %s", line)
			continue
		}
		out = append(out, o)
	}
	return out
}

// silent fails for every forbidden word in the log, in either case.
func (l *logbook) silent(words ...string) {
	l.t.Helper()
	for line := range strings.Lines(l.text()) {
		lower := strings.ToLower(line)
		for _, w := range words {
			if strings.Contains(lower, strings.ToLower(w)) {
				l.t.Errorf("log line holds %q: %s", w, line)
			}
		}
	}
}

// until waits for a condition that nothing announces.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
