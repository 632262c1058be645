package chatwoottest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// The statuses of a conversation.
const (
	Pending  = "pending"
	Open     = "open"
	Snoozed  = "snoozed"
	Resolved = "resolved"
)

// The types of a message.
const (
	Incoming = "incoming"
	Outgoing = "outgoing"
	Template = "template"
	Activity = "activity"
)

// Contact is a customer.
type Contact struct {
	ID      int64  // default: one of its own
	Name    string // default Mariana Souza
	Phone   string // E.164, "" for none
	Blocked bool
}

// Message is a message as Chatwoot keeps it.
type Message struct {
	ID          int64
	Type        string
	Private     bool
	Content     string // after Liquid; "" is null
	Wire        string // of a message that came over the API: as it came
	ContentType string
	Attributes  map[string]any // content_attributes
	Attachments []map[string]any
	SourceID    string
	SenderType  string // contact, user, agent_bot, "" for none
	SenderID    int64
	SenderName  string
	Status      string // sent, failed
	At, Updated time.Time
}

// Delivery is our marker in the message.
func (m Message) Delivery() string {
	s, _ := m.Attributes["secretaria_delivery"].(string)
	return s
}

// Conversation is a conversation as Chatwoot keeps it.
type Conversation struct {
	ID           int64 // display id
	Inbox        int64 // 0: one that is not in the options, of the bot that is
	Contact      Contact
	Status       string
	AssigneeType string // User, AgentBot or ""
	AssigneeID   int64
	TeamID       int64
	Labels       []string
	Attributes   map[string]any
	Messages     []*Message
	Typing       bool
	Waiting      time.Time
	Seen         time.Time // when somebody last looked at it in the dashboard
	Created      time.Time
	Updated      time.Time
}

func (c *Conversation) message(id int64) *Message {
	for _, m := range c.Messages {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// Said returns the public outgoing messages.
func (c Conversation) Said() []Message {
	var said []Message
	for _, m := range c.Messages {
		if m.Type == Outgoing && !m.Private {
			said = append(said, *m)
		}
	}
	return said
}

// Open begins a conversation with a contact, pending as in an inbox with a bot, and returns
// its display id. No webhook is sent for it.
func (s *Server) Open(contact Contact) int64 { return s.OpenIn(0, contact) }

// OpenIn is Open in one of the inboxes of the options; without a bot there, it is open.
func (s *Server) OpenIn(inbox int64, contact Contact) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin(inbox, contact).ID
}

// begin is OpenIn; the lock is held.
func (s *Server) begin(inbox int64, contact Contact) *Conversation {
	s.lastID++
	def(&contact.ID, 1000+s.lastID)
	def(&contact.Name, "Mariana Souza")
	now := time.Now().UTC()
	c := &Conversation{
		ID: s.lastID, Inbox: inbox, Contact: contact, Status: Pending, Attributes: map[string]any{}, Created: now, Updated: now,
	}
	if inbox != 0 && s.botOf(c) == nil {
		c.Status = Open
	}
	s.conversations[c.ID] = c
	s.touch()
	return c
}

// Conversations returns copies of all conversations, by number.
func (s *Server) Conversations() []Conversation {
	s.mu.Lock()
	ids := slices.Sorted(maps.Keys(s.conversations))
	s.mu.Unlock()
	var all []Conversation
	for _, id := range ids {
		if c := s.Conversation(id); c.ID != 0 { // not removed meanwhile
			all = append(all, c)
		}
	}
	return all
}

// Edit changes a conversation behind everybody's back: no webhook is sent.
func (s *Server) Edit(id int64, change func(*Conversation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conversations[id]; c != nil {
		change(c)
		s.touch()
	}
}

// Conversation returns a copy of a conversation; the zero value when there is none.
func (s *Server) Conversation(id int64) Conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conversations[id]
	if c == nil {
		return Conversation{}
	}
	out := *c
	out.Labels, out.Attributes, out.Messages = slices.Clone(c.Labels), maps.Clone(c.Attributes), nil
	for _, m := range c.Messages {
		m := *m
		m.Attributes = maps.Clone(m.Attributes)
		out.Messages = append(out.Messages, &m)
	}
	return out
}

// add stores a message; the lock is held.
func (s *Server) add(c *Conversation, m *Message) {
	s.lastMessage++
	m.ID = s.lastMessage
	m.At = time.Now().UTC()
	m.Updated = m.At
	def(&m.ContentType, "text")
	def(&m.Status, "sent")
	if m.Attributes == nil {
		m.Attributes = map[string]any{}
	}
	c.Messages = append(c.Messages, m)
	s.bump(c)
}

// bump gives the conversation a new version; two never have the same.
func (s *Server) bump(c *Conversation) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	if !now.After(c.Updated) {
		now = c.Updated.Add(time.Microsecond)
	}
	c.Updated = now
	s.touch()
}

// exchange is a recorded call.
type exchange struct {
	Status   int            `json:"status"`
	Response map[string]any `json:"response"`
}

func (e exchange) answer() reply {
	if e.Response == nil {
		return reply{status: e.Status}
	}
	return reply{status: e.Status, body: e.Response}
}

// fixture reads a recorded call. The files are embedded, so that only a wrong name fails.
func fixture(name string) exchange {
	var e exchange
	load(Exchanges(), name+".json", &e)
	return e
}

func errorCase(name string) any {
	var all []struct {
		Case     string `json:"case"`
		Response any    `json:"response"`
	}
	load(Exchanges(), "errors.json", &all)
	for _, e := range all {
		if e.Case == name {
			return e.Response
		}
	}
	panic(fmt.Sprintf("chatwoottest: no error %q", name))
}

func load(dir fs.FS, name string, into any) {
	b, err := fs.ReadFile(dir, name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		panic(fmt.Sprintf("chatwoottest: %s: %v", name, err))
	}
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
