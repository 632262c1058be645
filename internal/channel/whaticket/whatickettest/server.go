// Package whatickettest is a Whaticket that lives in a test or in a demonstration: a real
// HTTP server that answers as the real one was recorded to answer, keeps what it got, and
// misbehaves on request; and a customer who writes through it.
//
// It holds one company with one queue (id 1), one user (id 1) and one WhatsApp connection
// (id 1), where no others are given, and whatever contacts and tickets come up. What its
// set-up API changes has consequences: a connection or queue that is bound to an integration
// posts what its customers write there, and a build that ends when nobody takes that ends.
// It imports no testing package, so that the product can start it.
package whatickettest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Variant is the family of Whatickets that a server acts like.
type Variant string

// The variants.
const (
	Community Variant = "community" // canove/whaticket-community
	SaaS      Variant = "saas"      // the multi-company forks, whose queues post
	Multi100  Variant = "multi100"  // the line of v10 and later, whose connections post
	Ticketz   Variant = "ticketz"   // ticketz' open edition, which posts nothing
	Hosted    Variant = "hosted"    // the hosted line, whose connections post to their webhook
)

// The credentials of a server whose fields are empty.
const (
	DefaultToken    = "fake-api-token-5c1d"
	DefaultEmail    = "secretaria@example.com"
	DefaultPassword = "fake-password-8e2a"
)

// Mode is how requests that change something are treated.
type Mode int

// The modes. Logins and reads stay healthy in all but Refuse.
const (
	Healthy    Mode = iota
	TooMany         // 429 with "Retry-After: 7"
	Broken          // 500 {"error":"Internal server error"}
	BadGateway      // nginx' page for a dead backend
	Hang            // read the request and answer nothing until the client goes away
	Reset           // read the request, change nothing, drop the connection
	LostAnswer      // do it, then drop the connection
	HalfAnswer      // do it, then send half an answer
	HTML            // 200 and a web page
	Refuse          // no credential is right, for any request
)

// Message is something said in a ticket. Those of our side are what came over the wire.
type Message struct {
	ID      string
	Ticket  int
	Number  string
	Body    string
	FromMe  bool
	At      time.Time
	ByToken bool // sent through /api/messages/send
}

// Ticket is the state of a ticket. User and Queue are 0 where it has none.
type Ticket struct {
	ID, User, Queue, Contact int
	Number, Status           string
	UpdatedAt                time.Time
}

// Request is a request as it arrived.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Body         []byte
}

// Server is a fake Whaticket. The zero value is a healthy community one; set the fields
// before Start. All methods are safe for concurrent use.
type Server struct {
	Variant         Variant
	Token           string // the static API token
	Email, Password string

	Enabled  bool          // the community's hole: "enabled" opens the sending API too
	Status   string        // of the WhatsApp connection; default CONNECTED
	Greeting string        // of the WhatsApp connection
	Skew     time.Duration // how far its clock is ahead

	// What the set-up API shows. Empty fields are one of each, and an administrator.
	Lines   []Line
	Queues  []Queue
	People  []Person
	Profile string // of the user that logs in
	Plan    string // what integrations are refused with, where the plan has none
	Release string // what GET /version says; "" knows no such route

	mu       sync.Mutex
	listener net.Listener
	http     *http.Server
	served   chan struct{}
	mode     Mode
	read     chan struct{} // closed when a request was treated in mode
	fail     []string      // exchanges that answer the next requests with an effect
	changed  chan struct{} // closed and replaced at every message of our side
	requests []Request
	messages []Message
	tickets  []*Ticket
	contacts []string // number of contact i+1
	logins   int
	access   map[string]bool // live access tokens
	refresh  map[string]bool // live refresh tokens
	issued   int
	office   office
}

// Start listens on a free port of the loopback interface. Close ends it.
func (s *Server) Start() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start fake whaticket: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener, s.served = l, make(chan struct{})
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l)
	}()
	return nil
}

// URL is the base URL, as WHATSAPP_API_URL takes it.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String()
}

// Close drops every connection and waits until nobody is served. A second call does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	server, served := s.http, s.served
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
		<-served
	}
}

// Misbehave changes the mode. The returned channel is closed when the first request with an
// effect has been read in it.
func (s *Server) Misbehave(m Mode) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode, s.read = m, make(chan struct{})
	return s.read
}

// FailNext answers the next requests that would change something with recorded exchanges
// ("send-session-disconnected"), one each, instead of doing it.
func (s *Server) FailNext(exchanges ...string) {
	for _, name := range exchanges {
		mustExchange(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = append(s.fail, exchanges...)
}

// ExpireAccess makes every access token as good as 15 minutes old; ExpireSessions ends the
// refresh cookies too.
func (s *Server) ExpireAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = nil
}

// ExpireSessions ends every login.
func (s *Server) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access, s.refresh = nil, nil
}

// Logins counts successful logins with a password.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Requests lists every request so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Sent lists what our side said, in order.
func (s *Server) Sent() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent()
}

func (s *Server) sent() []Message {
	var sent []Message
	for _, m := range s.messages {
		if m.FromMe {
			sent = append(sent, m)
		}
	}
	return sent
}

// Tickets lists the tickets, oldest first.
func (s *Server) Tickets() []Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Ticket
	for _, t := range s.tickets {
		list = append(list, *t)
	}
	return list
}

// Wait returns what our side said as soon as that is at least n messages, or with ctx's
// error when that ends before.
func (s *Server) Wait(ctx context.Context, n int) ([]Message, error) {
	for {
		s.mu.Lock()
		sent, changed := s.sent(), s.change()
		s.mu.Unlock()
		if len(sent) >= n {
			return sent, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return sent, fmt.Errorf("wait for %d messages, got %d: %w", n, len(sent), context.Cause(ctx))
		}
	}
}

func (s *Server) change() chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// CustomerWrote puts a customer's message into the ticket of a number, as Whaticket has
// done by the time it posts a webhook, and returns the ticket.
func (s *Server) CustomerWrote(number, text string) Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ticketFor(number)
	s.say(t, text, false, false)
	return *t
}

// SetTicket changes a ticket as a person at the screen would.
func (s *Server) SetTicket(id int, change func(*Ticket)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ticket(id)
	if t == nil {
		return errors.New("no such ticket")
	}
	change(t)
	t.UpdatedAt = time.Now()
	return nil
}

func (s *Server) ticket(id int) *Ticket {
	for _, t := range s.tickets {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// firstTicket sets ticket ids apart from contact ids.
const firstTicket = 42

// ticketFor finds a number's ticket that is not closed, or opens one.
func (s *Server) ticketFor(number string) *Ticket {
	for _, t := range s.tickets {
		if t.Number == number && t.Status != "closed" {
			return t
		}
	}
	return s.openTicket(s.contact(number), "pending", 0)
}

func (s *Server) openTicket(contact int, status string, user int) *Ticket {
	t := &Ticket{
		ID: firstTicket + len(s.tickets), Contact: contact, Number: s.contacts[contact-1],
		Status: status, User: user, UpdatedAt: time.Now(),
	}
	s.tickets = append(s.tickets, t)
	return t
}

func (s *Server) contact(number string) int {
	if i := slices.Index(s.contacts, number); i >= 0 {
		return i + 1
	}
	s.contacts = append(s.contacts, number)
	return len(s.contacts)
}

func (s *Server) say(t *Ticket, text string, fromMe, byToken bool) {
	now := time.Now()
	t.UpdatedAt = now
	s.messages = append(s.messages, Message{
		ID: fmt.Sprintf("3EB0%012X", len(s.messages)+1), Ticket: t.ID, Number: t.Number,
		Body: text, FromMe: fromMe, At: now, ByToken: byToken,
	})
	if fromMe {
		close(s.change())
		s.changed = nil
	}
}

// ServeHTTP implements http.Handler: the whole Whaticket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body,
	})
	mode, read, ended := s.mode, s.read, s.office.ended
	s.mu.Unlock()
	if ended {
		panic(http.ErrAbortHandler)
	}
	if s.Skew != 0 {
		w.Header().Set("Date", time.Now().Add(s.Skew).UTC().Format(http.TimeFormat))
	}

	login := strings.HasPrefix(r.URL.Path, "/auth/")
	effect := !login && r.Method != http.MethodGet
	if !effect && mode != Refuse {
		mode = Healthy
	}
	if effect && read != nil {
		defer s.wasRead(read)
	}
	switch mode {
	case TooMany:
		w.Header().Set("Retry-After", "7")
		writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": "Too many attempts, please try again later."})
		return
	case Broken:
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "Internal server error"})
		return
	case BadGateway:
		write(w, "proxy-bad-gateway")
		return
	case Hang:
		s.wasRead(read)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Reset:
		panic(http.ErrAbortHandler)
	case LostAnswer:
		s.route(discard{http.Header{}}, r, body, mode)
		panic(http.ErrAbortHandler)
	case HalfAnswer:
		s.route(discard{http.Header{}}, r, body, mode)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", "64")
		_, _ = io.WriteString(w, `{"mensagem":`)
		return
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html><body><div id=\"root\"></div></body></html>\n")
		return
	}
	if effect {
		s.mu.Lock()
		name := ""
		if len(s.fail) > 0 {
			name, s.fail = s.fail[0], s.fail[1:]
		}
		s.mu.Unlock()
		if name != "" {
			write(w, name)
			return
		}
	}
	if fault, ok := s.refused(r); ok {
		fault(w)
		return
	}
	s.route(w, r, body, mode)
}

// wasRead closes a channel of Misbehave once.
func (s *Server) wasRead(read chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-read:
	default:
		if read != nil {
			close(read)
		}
	}
}

// discard is where an answer goes that gets lost.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
