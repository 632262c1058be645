package chatwoottest

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"
)

// person is a customer who came by the public API of an inbox or by a website.
type person struct {
	contact Contact
	inbox   int64
	source  string // what they are called in the inbox
	visitor string // X-Auth-Token of a website
	thread  int64  // the last conversation, 0 for none
}

// personOf finds the contact that a path names; the lock is held.
func (s *Server) personOf(r *http.Request) *person {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return s.people[id]
}

// arrive makes a person known; the lock is held.
func (s *Server) arrive(in *Inbox, name string) *person {
	s.lastID++
	p := &person{contact: Contact{ID: 1000 + s.lastID, Name: name}, inbox: in.ID, source: uuid.NewString()}
	s.people[p.contact.ID] = p
	return p
}

// says is what a person writes; the webhooks of it are on their way when it returns. The lock
// is held.
func (s *Server) says(p *person, text string) (*Conversation, *Message) {
	c := s.conversations[p.thread]
	if c == nil {
		c = s.begin(p.inbox, p.contact)
		p.thread = c.ID
	}
	m := &Message{Content: text}
	s.incoming(c, m)
	return c, m
}

// anybody serves a call for which no token is needed; do runs under the lock.
func (s *Server) anybody(mux *http.ServeMux, pattern string, op Op, do func(r *http.Request, body map[string]any) reply) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, op, func(body map[string]any, _ caller) reply {
			s.mu.Lock()
			defer s.mu.Unlock()
			defer s.touch()
			return do(r, body)
		})
	})
}

func (s *Server) customerRoutes(mux *http.ServeMux) {
	const door = "/public/api/v1/inboxes/{identifier}/contacts"
	inboxOf := func(r *http.Request) *Inbox {
		return s.inbox(func(in *Inbox) bool { return in.Kind == KindAPI && in.Identifier == r.PathValue("identifier") })
	}
	sourceOf := func(r *http.Request) *person {
		in := inboxOf(r)
		for _, p := range s.people {
			if in != nil && p.inbox == in.ID && p.source == r.PathValue("source") {
				return p
			}
		}
		return nil
	}
	threadOf := func(r *http.Request) (*person, *Conversation) {
		p := sourceOf(r)
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		c := s.conversations[id]
		if p == nil || c == nil || c.Contact.ID != p.contact.ID {
			return nil, nil
		}
		return p, c
	}
	s.anybody(mux, "POST "+door, PublicContact, func(r *http.Request, body map[string]any) reply {
		in := inboxOf(r)
		if in == nil {
			return missing()
		}
		if in.Identified {
			return reply{status: http.StatusInternalServerError, body: map[string]any{"status": 500, "error": "Internal Server Error"}}
		}
		name, _ := body["name"].(string)
		p := s.arrive(in, name)
		return reply{status: http.StatusOK, body: map[string]any{
			"source_id": p.source, "pubsub_token": rand.Text(), "id": p.contact.ID, "name": nullable(name), "email": nil, "phone_number": nil,
		}}
	})
	s.anybody(mux, "POST "+door+"/{source}/conversations", PublicConversation, func(r *http.Request, _ map[string]any) reply {
		p := sourceOf(r)
		if p == nil {
			return missing()
		}
		c := s.begin(p.inbox, p.contact)
		p.thread = c.ID
		return reply{status: http.StatusOK, body: map[string]any{
			"id": c.ID, "uuid": uuid.NewString(), "inbox_id": c.Inbox, "contact_last_seen_at": 0, "status": c.Status, "agent_last_seen_at": 0,
			"messages": []any{}, "contact": s.contactData(c.Contact),
		}}
	})
	s.anybody(mux, "POST "+door+"/{source}/conversations/{id}/messages", PublicSay, func(r *http.Request, body map[string]any) reply {
		p, c := threadOf(r)
		if p == nil {
			return missing()
		}
		p.thread = c.ID
		text, _ := body["content"].(string)
		_, m := s.says(p, text)
		return reply{status: http.StatusOK, body: s.shown(c, m)}
	})
	s.anybody(mux, "GET "+door+"/{source}/conversations/{id}/messages", PublicHear, func(r *http.Request, _ map[string]any) reply {
		_, c := threadOf(r)
		if c == nil {
			return missing()
		}
		return reply{status: http.StatusOK, body: s.shownAll(c)}
	})
	s.websiteRoutes(mux)
}

// websiteRoutes are what the script in a website calls.
func (s *Server) websiteRoutes(mux *http.ServeMux) {
	const base = "/api/v1/widget"
	siteOf := func(r *http.Request, body map[string]any) *Inbox {
		token := r.URL.Query().Get("website_token")
		if text, ok := body["website_token"].(string); ok {
			token = text
		}
		return s.inbox(func(in *Inbox) bool { return in.Kind == KindWebsite && in.WebsiteToken == token })
	}
	visitorOf := func(r *http.Request, in *Inbox) *person {
		for _, p := range s.people {
			if in != nil && p.inbox == in.ID && p.visitor != "" && p.visitor == r.Header.Get("X-Auth-Token") {
				return p
			}
		}
		return nil
	}
	s.anybody(mux, "POST "+base+"/config", WidgetConfig, func(r *http.Request, body map[string]any) reply {
		in := siteOf(r, body)
		if in == nil {
			return refused(http.StatusNotFound, "web widget does not exist")
		}
		p := visitorOf(r, in)
		if p == nil {
			p = s.arrive(in, "silent-river-412")
			claims := encode(map[string]any{"source_id": p.source, "inbox_id": in.ID})
			p.visitor = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + rand.Text()
		}
		return reply{status: http.StatusOK, body: map[string]any{
			"website_channel_config": map[string]any{"auth_token": p.visitor, "website_name": in.Name, "website_token": in.WebsiteToken, "locale": "pt_BR"},
			"contact":                map[string]any{"id": p.contact.ID, "name": p.contact.Name, "email": nil, "phone_number": nil, "identifier": nil, "pubsub_token": rand.Text()},
			"global_config":          map[string]any{},
		}}
	})
	s.anybody(mux, "PATCH "+base+"/contact", WidgetContact, func(r *http.Request, body map[string]any) reply {
		in := siteOf(r, body)
		p := visitorOf(r, in)
		if p == nil {
			return missing()
		}
		if in.Identified {
			return refused(http.StatusUnauthorized, "HMAC failed: Invalid Identifier Hash Provided")
		}
		if name, ok := body["name"].(string); ok && name != "" {
			p.contact.Name = name
		}
		return reply{status: http.StatusOK, body: map[string]any{"id": p.contact.ID, "name": p.contact.Name, "email": nil, "phone_number": nil}}
	})
	s.anybody(mux, "POST "+base+"/messages", WidgetSay, func(r *http.Request, body map[string]any) reply {
		p := visitorOf(r, siteOf(r, body))
		if p == nil {
			return missing()
		}
		message, _ := body["message"].(map[string]any)
		text, _ := message["content"].(string)
		c, m := s.says(p, text)
		return reply{status: http.StatusOK, body: s.shown(c, m)}
	})
	s.anybody(mux, "GET "+base+"/messages", WidgetHear, func(r *http.Request, body map[string]any) reply {
		p := visitorOf(r, siteOf(r, body))
		if p == nil {
			return missing()
		}
		list := []any{}
		if c := s.conversations[p.thread]; c != nil {
			list = s.shownAll(c)
		}
		return reply{status: http.StatusOK, body: map[string]any{"payload": list, "meta": map[string]any{"contact_last_seen_at": 0}}}
	})
}

// shown is a message as customers are shown it; the lock is held.
func (s *Server) shown(c *Conversation, m *Message) map[string]any {
	full := s.pushData(c, m)
	out := map[string]any{}
	for _, key := range []string{"id", "content", "message_type", "content_type", "content_attributes", "created_at", "conversation_id", "attachments", "sender"} {
		if v, ok := full[key]; ok {
			out[key] = v
		}
	}
	return out
}

// shownAll are the last 20 messages that customers are shown, oldest first; the lock is held.
func (s *Server) shownAll(c *Conversation) []any {
	list := []any{}
	for _, m := range slices.Backward(c.Messages) {
		if m.Private || m.Type == Activity {
			continue
		}
		if list = append(list, s.shown(c, m)); len(list) == 20 {
			break
		}
	}
	slices.Reverse(list)
	return list
}
