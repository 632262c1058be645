package chatwoottest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Inbox is one of the account's inboxes, as an administrator has set it up.
type Inbox struct {
	ID    int64
	Name  string
	Kind  string // default Channel::Whatsapp
	Bot   bool   // the agent bot of the options answers there …
	URL   string // … and this is told of where its events go; default: where they do go
	BotID int64  // another bot that answers there

	// What Chatwoot writes to customers by itself.
	Greeting, Closed, Mail, Survey bool

	// How strangers reach it: an API inbox has an Identifier, a website a WebsiteToken, of its
	// own by default. Identified refuses those who do not prove who they are.
	Identifier, WebsiteToken string
	Identified               bool
}

// The kinds of inboxes that strangers can write to.
const (
	KindAPI      = "Channel::Api"
	KindWebsite  = "Channel::WebWidget"
	kindWhatsApp = "Channel::Whatsapp"
)

// Texts of what Chatwoot writes by itself.
const (
	greetingText = "Olá! Logo alguém responde."
	closedText   = "Estamos fechados."
	mailText     = "Qual é o seu e-mail?"
	surveyText   = "Como foi o atendimento?"
)

// Inboxes returns the inboxes of the options as they are now.
func (s *Server) Inboxes() []Inbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Inbox
	for _, in := range s.inboxes {
		all = append(all, *in)
	}
	return all
}

// furnish makes inboxes and bots as the options say.
func (s *Server) furnish() {
	o := &s.options
	if !o.Bare {
		s.bots[o.BotID] = &Bot{ID: o.BotID, Name: o.BotName, Token: o.BotToken, URL: o.WebhookURL, Secret: o.Secret}
	}
	for _, b := range o.Bots {
		s.bots[b.ID] = &b
	}
	for _, in := range o.Inboxes {
		def(&in.Kind, kindWhatsApp)
		if in.Bot {
			in.BotID = o.BotID
		}
		if in.Kind == KindAPI {
			def(&in.Identifier, fmt.Sprintf("api-%d", in.ID))
		}
		if in.Kind == KindWebsite {
			def(&in.WebsiteToken, fmt.Sprintf("site-%d", in.ID))
		}
		s.inboxes = append(s.inboxes, &in)
	}
}

// inbox finds an inbox of the options, or nil; the lock is held.
func (s *Server) inbox(is func(*Inbox) bool) *Inbox {
	if i := slices.IndexFunc(s.inboxes, is); i >= 0 {
		return s.inboxes[i]
	}
	return nil
}

// inboxOf is the inbox of a conversation; the lock is held.
func (s *Server) inboxOf(c *Conversation) Inbox {
	if in := s.inbox(func(in *Inbox) bool { return c.Inbox != 0 && in.ID == c.Inbox }); in != nil {
		return *in
	}
	return Inbox{ID: 5, Name: "WhatsApp Vendas", Kind: kindWhatsApp, BotID: s.options.BotID}
}

// botOf is the bot that answers in a conversation's inbox, or nil; the lock is held.
func (s *Server) botOf(c *Conversation) *Bot { return s.bots[s.inboxOf(c).BotID] }

// employed says whether a bot answers anywhere: Chatwoot knows by that which accounts its token
// opens. The bot of the options always does, in the inbox of conversations that name none.
func (s *Server) employed(bot int64) bool {
	return bot == s.options.BotID && !s.options.Bare || s.inbox(func(in *Inbox) bool { return in.BotID == bot }) != nil
}

func (s *Server) inboxRoutes(mux *http.ServeMux) {
	const base = "/api/v1/accounts/{account}/inboxes"
	find := func(r *http.Request) *Inbox {
		return s.inbox(func(in *Inbox) bool { return strconv.FormatInt(in.ID, 10) == r.PathValue("id") })
	}
	s.inAccount(mux, "GET "+base, Inboxes, false, func(*http.Request, map[string]any, caller) reply {
		list := []any{}
		for _, in := range s.inboxes {
			list = append(list, s.inboxData(in))
		}
		return reply{status: http.StatusOK, body: map[string]any{"payload": list}}
	})
	s.inAccount(mux, "GET "+base+"/{id}/agent_bot", Inboxes, false, func(r *http.Request, _ map[string]any, by caller) reply {
		in := find(r)
		if in == nil {
			return missing()
		}
		bot := map[string]any{}
		if b := s.bots[in.BotID]; b != nil {
			bot = s.botData(b, by)
			if in.Bot && in.URL != "" && b.ID == s.options.BotID {
				bot["outgoing_url"] = in.URL
			}
		}
		return reply{status: http.StatusOK, body: map[string]any{"agent_bot": bot}}
	})
	s.inAccount(mux, "PATCH "+base+"/{id}", UpdateInbox, true, func(r *http.Request, body map[string]any, _ caller) reply {
		in := find(r)
		if in == nil {
			return missing()
		}
		for key, field := range map[string]*bool{
			"greeting_enabled": &in.Greeting, "working_hours_enabled": &in.Closed,
			"enable_email_collect": &in.Mail, "csat_survey_enabled": &in.Survey,
		} {
			if on, ok := body[key].(bool); ok {
				*field = on
			}
		}
		return reply{status: http.StatusOK, body: s.inboxData(in)}
	})
	s.inAccount(mux, "POST "+base+"/{id}/set_agent_bot", SeatBot, true, func(r *http.Request, body map[string]any, _ caller) reply {
		in := find(r)
		id, _ := body["agent_bot"].(float64)
		if in == nil || id != 0 && s.bots[int64(id)] == nil {
			return missing()
		}
		in.Bot, in.BotID = false, int64(id)
		return reply{status: http.StatusOK, body: ""}
	})
}

func (s *Server) inboxData(in *Inbox) map[string]any {
	out := map[string]any{
		"id": in.ID, "channel_id": in.ID + 100, "name": in.Name, "channel_type": in.Kind, "avatar_url": "",
		"greeting_enabled": in.Greeting, "greeting_message": greetingText, "working_hours_enabled": in.Closed, "out_of_office_message": closedText,
		"enable_email_collect": in.Mail, "csat_survey_enabled": in.Survey, "enable_auto_assignment": true, "hmac_mandatory": in.Identified,
		"website_token": nullable(in.WebsiteToken), "phone_number": nil, "provider": nil,
	}
	switch in.Kind {
	case KindAPI:
		out["inbox_identifier"], out["webhook_url"] = in.Identifier, nil
	case KindWebsite:
		out["website_url"] = "https://loja.example"
	case kindWhatsApp:
		out["provider"], out["message_templates"] = "whatsapp_cloud", []any{}
	}
	return out
}

// templates is what Chatwoot adds by itself to what a customer has said; the lock is held.
func (s *Server) templates(c *Conversation) {
	if c.Inbox == 0 {
		return
	}
	in := s.inboxOf(c)
	answered, greeted, asked := false, false, false
	for _, m := range c.Messages {
		answered = answered || m.Type == Outgoing && !m.Private
		greeted = greeted || m.Type == Template
		asked = asked || m.ContentType == "input_email"
	}
	say := func(text, kind string) {
		m := &Message{Type: Template, Content: text, ContentType: kind}
		s.add(c, m)
		s.emit(c, s.messageEvent(c, m, "message_created"), true)
	}
	if in.Closed && !answered && !greeted {
		say(closedText, "text")
	}
	if in.Greeting && !answered && !greeted {
		say(greetingText, "text")
	}
	if in.Mail && in.Kind == KindWebsite && !asked {
		say(mailText, "input_email")
	}
}

// survey asks how it was, once the conversation is resolved; the lock is held.
func (s *Server) survey(c *Conversation) {
	if c.Inbox == 0 || !s.inboxOf(c).Survey || slices.ContainsFunc(c.Messages, func(m *Message) bool { return m.ContentType == "input_csat" }) {
		return
	}
	m := &Message{Type: Template, Content: surveyText, ContentType: "input_csat"}
	s.add(c, m)
	s.emit(c, s.messageEvent(c, m, "message_created"), true)
}
