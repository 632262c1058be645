package crash

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gate stands between the program and the helpdesks. It writes down every answer that the
// program sends, gives each its trouble, once, and can hold some back while a process is
// killed.
type gate struct {
	town    *town
	said    atomic.Int64 // answers that a helpdesk has
	servers []*httptest.Server
	client  *http.Client

	mu       sync.Mutex
	sendings map[string][]*sending // by text
	held     *held
	troubles map[trouble]int
}

// sending is one try to send an answer, as the helpdesk saw it.
type sending struct {
	desk    desk
	by      int // the process
	began   time.Time
	stored  bool
	ended   time.Time // when its answer was written; zero when none was
	certain bool      // the program was told what became of it
}

// held is an order to hold answers back.
type held struct {
	want    int
	stored  bool // after the helpdesk has them
	full    chan struct{}
	release chan struct{}
}

func newGate(w *town) *gate {
	return &gate{town: w, client: &http.Client{Timeout: 10 * time.Second}, sendings: map[string][]*sending{}, troubles: map[trouble]int{}}
}

// open opens a way to a helpdesk and returns its URL.
func (g *gate) open(d desk, to func(*http.Request, []byte) *httptest.ResponseRecorder) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		by := seat(r)
		if text := answered(d, r, body); text != "" {
			g.send(w, r, sending{desk: d, by: by}, text, func() *httptest.ResponseRecorder { return to(r, body) })
			return
		}
		copyAnswer(w, to(r, body))
	}))
	g.servers = append(g.servers, s)
	return s.URL
}

func (g *gate) close() {
	g.release()
	for _, s := range g.servers {
		s.CloseClientConnections()
		s.Close()
	}
	g.client.CloseIdleConnections()
}

// toHandler asks a handler in this process.
func toHandler(h http.Handler) func(*http.Request, []byte) *httptest.ResponseRecorder {
	return func(r *http.Request, body []byte) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(rec, r)
		return rec
	}
}

// toServer asks a server. What was read from the program reaches it, even if the program is
// killed meanwhile.
func (g *gate) toServer(base string) func(*http.Request, []byte) *httptest.ResponseRecorder {
	return func(r *http.Request, body []byte) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		req, err := http.NewRequest(r.Method, base+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			rec.WriteHeader(http.StatusBadGateway)
			return rec
		}
		req.Header = r.Header.Clone()
		resp, err := g.client.Do(req)
		if err != nil {
			rec.WriteHeader(http.StatusBadGateway)
			return rec
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			rec.Header()[k] = v
		}
		rec.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(rec, resp.Body)
		return rec
	}
}

// answered is the text of a request that says something to a customer, "" for any other.
func answered(d desk, r *http.Request, body []byte) string {
	if r.Method != http.MethodPost {
		return ""
	}
	var said struct {
		Content, Body string
		Private       bool
	}
	switch {
	case d.chatwoot() && strings.HasSuffix(r.URL.Path, "/messages"), !d.chatwoot() && strings.HasPrefix(r.URL.Path, "/api/messages/send"):
		if json.Unmarshal(body, &said) != nil || said.Private {
			return ""
		}
	}
	return said.Content + said.Body
}

func (g *gate) send(w http.ResponseWriter, r *http.Request, try sending, text string, store func() *httptest.ResponseRecorder) {
	words := word.FindAllString(text, -1)
	who := g.town.by(words)
	s := &try
	s.began = time.Now()
	if who != nil {
		s.desk = who.desk
	}
	t, lateness, h := g.enter(s, who, words, text)
	gone := r.Context().Done()
	wait := func(h *held) {
		if h != nil {
			select {
			case <-h.release:
			case <-gone:
			}
		}
	}
	if h != nil && !h.stored {
		wait(h)
	}
	switch t {
	case silentBefore:
		<-gone
		panic(http.ErrAbortHandler)
	case brokenBefore:
		respond(w, http.StatusInternalServerError, []byte(`{"error":"Internal server error"}`))
		g.ends(s, true)
		return
	case tooMany:
		w.Header().Set("Retry-After", "1")
		respond(w, http.StatusTooManyRequests, []byte(`{"error":"Too many attempts, please try again later."}`))
		g.ends(s, true)
		return
	}
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // killed before the helpdesk did anything
	}
	rec := store()
	g.mu.Lock()
	s.stored = rec.Code/100 == 2
	g.mu.Unlock()
	g.said.Add(1)
	g.town.note(who, "the helpdesk has an answer about %v (%s)", words, t)
	if h != nil && h.stored {
		wait(h)
	}
	switch t {
	case late:
		select {
		case <-time.After(lateness):
		case <-gone:
		}
	case brokenAfter:
		if s.desk.chatwoot() {
			respond(w, http.StatusInternalServerError, []byte(`{"status":500,"error":"Internal Server Error"}`))
			return
		}
		// A Whaticket that answers 500 has sent nothing; one that dies says nothing.
		panic(http.ErrAbortHandler)
	case silentAfter:
		<-gone
		panic(http.ErrAbortHandler)
	}
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	g.ends(s, true)
	copyAnswer(w, rec)
}

// enter writes a try down and says what is to become of it.
func (g *gate) enter(s *sending, who *customer, words []string, text string) (trouble, time.Duration, *held) {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := len(g.sendings[text]) == 0
	g.sendings[text] = append(g.sendings[text], s)
	h := g.held
	if h != nil && h.want > 0 {
		if h.want--; h.want == 0 {
			close(h.full)
		}
	} else {
		h = nil
	}
	// One trouble for an answer: more would lengthen the pauses between tries, which are
	// the helpdesk's doing and no crash's.
	if !first || who == nil {
		return none, 0, h
	}
	l := who.letter(words[0])
	g.troubles[l.trouble]++
	return l.trouble, l.lateness, h
}

func (g *gate) ends(s *sending, certain bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.ended, s.certain = time.Now(), certain
}

// hold holds the next n answers back until release; the channel is closed when it has them.
func (g *gate) hold(n int, stored bool) <-chan struct{} {
	g.release()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = &held{want: n, stored: stored, full: make(chan struct{}), release: make(chan struct{})}
	return g.held.full
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		close(g.held.release)
		g.held = nil
	}
}

// of returns the tries of one text at which a helpdesk stored it, in order.
func (g *gate) of(text string) []sending {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []sending
	for _, s := range g.sendings[text] {
		if s.stored {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b sending) int { return a.began.Compare(b.began) })
	return list
}

func copyAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}
