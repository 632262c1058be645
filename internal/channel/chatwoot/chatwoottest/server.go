// Package chatwoottest is a fake Chatwoot: a real HTTP server that answers a bot's calls
// from recorded exchanges, keeps the state of its conversations, and delivers signed
// webhooks as Chatwoot 4.15 does. It misbehaves on request. Tests use it, and so does the
// product's demo, so that it does not import testing.
//
// An administrator's token makes and seats agent bots, with consequences: the token of a bot
// that sits in an inbox opens, its events are signed with its secret, and whoever writes by the
// public API or as a website's script does is a customer of that inbox.
//
// People and customers act through methods (Customer, Human, Phone, Assign, …); what the
// bot did is read through Conversation, Requests and Webhooks; Wait blocks until something
// is so. Everything is safe for concurrent use.
package chatwoottest

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

//go:embed testdata
var files embed.FS

// Events returns the recorded webhook payloads, one JSON file each.
func Events() fs.FS {
	sub, err := fs.Sub(files, "testdata/events")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Exchanges returns the recorded calls with their answers, one JSON file each.
func Exchanges() fs.FS {
	sub, err := fs.Sub(files, "testdata/api")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Options describe the Chatwoot to play. The zero value is usable.
type Options struct {
	Addr       string // to listen on; default 127.0.0.1:0
	Account    int64  // default 1
	BotID      int64  // default 7
	BotName    string // default Lia
	BotToken   string // default bot-token
	UserToken  string // a user's token; none by default
	WebhookURL string // where events go; none by default. See SetWebhook
	Secret     string // signs webhooks; unsigned without it
	BodyForm   bool   // sign the documented way: bare hex over the body, no timestamp

	Agents map[int64]string // default 2: Carlos Lima
	Teams  map[int64]string // default 4: financeiro

	RetryDelay time.Duration // between attempts of a webhook; default 3 s
	Timeout    time.Duration // of one attempt; default 5 s
	PerMinute  int           // messages of a conversation; default 200

	Old     bool // before 4.14.2: GET conversation and labels are not for bots
	TeamBug bool // GET conversation answers 500 when there is a team (until #15612)
	Merges  bool // newer: custom_attributes honours merge

	Version string        // what GET /api tells; default 4.15.1
	NoBots  []Op          // calls that bots may not make, besides those of Old
	Skew    time.Duration // how far its clock is ahead
	Inboxes []Inbox       // of the account; a user's token reads them
	Labels  []string      // of the account

	AdminToken    string // an administrator's token, that of Ana Prado; none by default. UserToken is an agent's
	Bare          bool   // there is no agent bot yet: BotID, BotName and BotToken are nobody's
	Bots          []Bot  // others than that one
	BlocksPrivate bool   // sends no webhook to a private address, as 4.14 does unless told otherwise

	// Meanwhile is what somebody else does to a conversation right after a call. May be nil.
	Meanwhile func(Op, *Conversation)
}

// Server is the fake. Close it.
type Server struct {
	options Options
	http    *http.Server
	url     string

	listener net.Listener
	client   *http.Client
	ctx      context.Context // ends with Close; hangs and retries end with it
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu            sync.Mutex
	changed       chan struct{} // closed and replaced whenever anything changes
	conversations map[int64]*Conversation
	lanes         map[int64]*lane
	lastMessage   int64
	lastID        int64
	requests      []Request
	webhooks      []Webhook
	misbehaviours []*Misbehaviour
	dropEchoes    bool
	bots          map[int64]*Bot
	inboxes       []*Inbox
	people        map[int64]*person // customers who came by the public API or a website
	page          http.Handler
}

// Start starts a fake.
func Start(o Options) (*Server, error) {
	def(&o.Addr, "127.0.0.1:0")
	def(&o.Account, 1)
	def(&o.BotID, 7)
	def(&o.BotName, "Lia")
	def(&o.BotToken, "bot-token")
	def(&o.RetryDelay, 3*time.Second)
	def(&o.Timeout, 5*time.Second)
	def(&o.PerMinute, 200)
	def(&o.Version, "4.15.1")
	if o.Agents == nil {
		o.Agents = map[int64]string{2: "Carlos Lima"}
	}
	if o.Teams == nil {
		o.Teams = map[int64]string{4: "financeiro"}
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start fake chatwoot: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		options: o, url: "http://" + ln.Addr().String(), listener: ln, ctx: ctx, stop: stop,
		client:        &http.Client{Timeout: o.Timeout, Transport: &http.Transport{}},
		changed:       make(chan struct{}),
		conversations: map[int64]*Conversation{}, lanes: map[int64]*lane{},
		lastMessage: 9099, lastID: 127,
		bots: map[int64]*Bot{}, people: map[int64]*person{},
	}
	s.furnish()
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.running.Go(func() { _ = s.http.Serve(ln) })
	return s, nil
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// URL is the base URL.
func (s *Server) URL() string { return s.url }

// Close stops everything and waits for it.
func (s *Server) Close() {
	s.mu.Lock()
	s.stop() // under the lock: emit starts nothing afterwards
	s.mu.Unlock()
	_ = s.http.Close()
	s.running.Wait()
	s.client.CloseIdleConnections()
}

// Down makes nobody listen any more: connections are refused until the end.
func (s *Server) Down() {
	// The server may not have begun to serve, and would then leave the listener open a while
	// longer: connections would be taken and reset instead of refused.
	_ = s.listener.Close()
	_ = s.http.Close()
}

// SetWebhook changes where the events of the bot of the options go and how they are signed.
func (s *Server) SetWebhook(url, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.bots[s.options.BotID]; b != nil {
		b.URL, b.Secret = url, secret
	}
}

// SetPage shows something at the root, where Chatwoot shows its dashboard. Nothing is there by
// default.
func (s *Server) SetPage(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = h
}

// SetUserToken makes a user's token valid.
func (s *Server) SetUserToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.UserToken = token
}

// DropEchoes loses the webhooks about the bot's own messages.
func (s *Server) DropEchoes(drop bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropEchoes = drop
}

// Wait blocks until the condition holds or ctx ends. The condition is tried again after
// every change; it calls the accessors of the server.
func (s *Server) Wait(ctx context.Context, condition func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// touch wakes Wait; the lock is held.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Op is a call of the API.
type Op string

// The calls.
const (
	CreateMessage    Op = "create_message"
	ToggleStatus     Op = "toggle_status"
	ToggleTyping     Op = "toggle_typing_status"
	Assignments      Op = "assignments"
	GetLabels        Op = "labels.get"
	SetLabels        Op = "labels.set"
	SetAttributes    Op = "custom_attributes"
	GetConversation  Op = "conversation"
	ListMessages     Op = "messages"
	Profile          Op = "profile"
	Version          Op = "version"
	Inboxes          Op = "inboxes"
	unknownOperation Op = "unknown"

	ListBots    Op = "agent_bots.list"
	CreateBot   Op = "agent_bots.create"
	ShowBot     Op = "agent_bots.show"
	UpdateBot   Op = "agent_bots.update"
	DeleteBot   Op = "agent_bots.delete"
	SeatBot     Op = "set_agent_bot"
	UpdateInbox Op = "inboxes.update"
	ListTeams   Op = "teams"
	ListLabels  Op = "labels"
	ShowContact Op = "contacts.show"
	DropContact Op = "contacts.delete"

	PublicContact      Op = "public.contact"
	PublicConversation Op = "public.conversation"
	PublicSay          Op = "public.say"
	PublicHear         Op = "public.hear"
	WidgetConfig       Op = "widget.config"
	WidgetContact      Op = "widget.contact"
	WidgetSay          Op = "widget.say"
	WidgetHear         Op = "widget.hear"
)

// Effects lists the calls of a bot that change something.
func Effects() []Op {
	return []Op{CreateMessage, ToggleStatus, ToggleTyping, Assignments, SetLabels, SetAttributes}
}

// Request is a call as it came.
type Request struct {
	Op            Op
	Method, Path  string
	Query         string
	Token         string // whose: "bot", "user", "administrator", "wrong" or "none"
	Body          []byte
	Misbehaved    bool
	ContentType   string
	UnderscoreKey bool // the token came in api_access_token, which nginx drops by default
}

// Requests returns the calls so far, in order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Misbehaviour is how calls go wrong. Without After nothing happens at Chatwoot; with it
// the effect happens first. Exactly one of Status, Hang, Reset and Half is meant.
type Misbehaviour struct {
	Ops   []Op // which calls; none: all
	Times int  // how many of them; 0: one; negative: all from now on
	After bool

	Status      int    // answer with this status …
	Body        string // … and this body; default what Chatwoot says with the status
	ContentType string // default application/json
	Header      map[string]string

	Hang  bool // no answer until the client goes away
	Reset bool // drop the connection
	Half  bool // an answer that ends too early

	read chan struct{} // closed when the first such request was read
	once *sync.Once
}

// Misbehave makes calls go wrong, after those that were ordered before. The returned
// channel is closed when the first request that it hits was read whole.
func (s *Server) Misbehave(m Misbehaviour) <-chan struct{} {
	m.read, m.once = make(chan struct{}), &sync.Once{}
	if m.Times == 0 {
		m.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misbehaviours = append(s.misbehaviours, &m)
	return m.read
}

// Fail makes the next n calls answer a status without any effect.
func (s *Server) Fail(n, status int, ops ...Op) {
	s.Misbehave(Misbehaviour{Ops: ops, Times: n, Status: status})
}

// Behave takes back all misbehaviour.
func (s *Server) Behave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misbehaviours = nil
}

// next picks the misbehaviour for a call, or nil; the lock is held.
func (s *Server) next(op Op) *Misbehaviour {
	for i, m := range s.misbehaviours {
		if len(m.Ops) > 0 && !slices.Contains(m.Ops, op) {
			continue
		}
		if m.Times > 0 {
			if m.Times--; m.Times == 0 {
				s.misbehaviours = slices.Delete(s.misbehaviours, i, i+1)
			}
		}
		return m
	}
	return nil
}

type reply struct {
	status int
	body   any // nil: JSON null; a string: as it is
	header map[string]string
	page   string // content type, where it is not JSON
}

// misbehave carries out m; false when there is nothing to do, or not yet.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, m *Misbehaviour, normal reply) {
	switch {
	case m.Hang:
		select {
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case m.Reset:
		if h, ok := w.(http.Hijacker); ok {
			if conn, _, err := h.Hijack(); err == nil {
				if tcp, ok := conn.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				_ = conn.Close()
				return
			}
		}
		panic(http.ErrAbortHandler)
	case m.Half:
		full := encode(normal.body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(full)))
		w.WriteHeader(normal.status)
		_, _ = w.Write(full[:len(full)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	out := reply{status: m.Status, header: m.Header, page: m.ContentType, body: m.Body}
	if m.Body == "" {
		out.body = defaultError(m.Status)
	}
	write(w, out)
}

// defaultError is what Chatwoot says with a status.
func defaultError(status int) any {
	switch status {
	case http.StatusUnauthorized:
		return errorCase("unknown token")
	case http.StatusNotFound:
		return errorCase("conversation display id not found")
	case http.StatusTooManyRequests:
		return "Retry later\n"
	case http.StatusUnprocessableEntity:
		return errorCase("record invalid outside message create")
	}
	return map[string]any{"status": status, "error": http.StatusText(status)}
}

func encode(body any) []byte {
	if s, ok := body.(string); ok {
		return []byte(s)
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // bodies are built from JSON values
	}
	return b
}

func write(w http.ResponseWriter, r reply) {
	page := r.page
	if page == "" {
		page = "application/json; charset=utf-8"
		if _, text := r.body.(string); text && r.status == http.StatusTooManyRequests {
			page = "text/plain"
		}
	}
	w.Header().Set("Content-Type", page)
	for k, v := range r.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(encode(r.body))
}

func readBody(r *http.Request) []byte {
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil
	}
	return b
}
