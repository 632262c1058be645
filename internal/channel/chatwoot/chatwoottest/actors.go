package chatwoottest

import (
	"context"
	"fmt"
	"time"
)

// What people do. Every method changes the state, sends the webhooks that Chatwoot would
// send, and returns when the last of them was answered or given up.

// act runs do on a conversation under the lock and waits for the webhook that it gives.
func (s *Server) act(ctx context.Context, id int64, do func(*Conversation) (*pending, error)) (Webhook, error) {
	s.mu.Lock()
	c := s.conversations[id]
	if c == nil {
		s.mu.Unlock()
		return Webhook{}, fmt.Errorf("no conversation %d", id)
	}
	p, err := do(c)
	s.touch()
	s.mu.Unlock()
	if err != nil || p == nil {
		return Webhook{}, err
	}
	return p.wait(ctx)
}

func (s *Server) adds(ctx context.Context, id int64, m *Message) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) {
		s.add(c, m)
		return s.emit(c, s.messageEvent(c, m, "message_created"), true), nil
	})
}

// Customer says something to the business. A resolved conversation becomes pending again, a
// snoozed one open.
func (s *Server) Customer(ctx context.Context, id int64, text string) (Webhook, error) {
	return s.CustomerSends(ctx, id, Message{Content: text})
}

// CustomerSends is Customer with attachments, attributes or without content.
func (s *Server) CustomerSends(ctx context.Context, id int64, m Message) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) { return s.incoming(c, &m), nil })
}

// incoming is what a customer says; the lock is held.
func (s *Server) incoming(c *Conversation, m *Message) *pending {
	m.Type, m.SenderType, m.SenderID, m.SenderName = Incoming, "contact", c.Contact.ID, c.Contact.Name
	switch {
	case c.Status == Resolved && (c.Inbox == 0 || s.botOf(c) != nil):
		c.Status = Pending
	case c.Status == Resolved, c.Status == Snoozed:
		c.Status = Open
	}
	s.add(c, m)
	if c.Waiting.IsZero() {
		c.Waiting = m.At
	}
	p := s.emit(c, s.messageEvent(c, m, "message_created"), true)
	s.templates(c)
	return p
}

// Human replies to the customer in the dashboard; the status stays.
func (s *Server) Human(ctx context.Context, id, agent int64, text string) (Webhook, error) {
	return s.adds(ctx, id, &Message{Type: Outgoing, Content: text, SenderType: "user", SenderID: agent, SenderName: s.options.Agents[agent]})
}

// Look opens the conversation in the dashboard, and does nothing there.
func (s *Server) Look(id int64) {
	s.Edit(id, func(c *Conversation) { c.Seen = time.Now().UTC() })
}

// HumanNote writes a private note.
func (s *Server) HumanNote(ctx context.Context, id, agent int64, text string) (Webhook, error) {
	return s.adds(ctx, id, &Message{Type: Outgoing, Private: true, Content: text, SenderType: "user", SenderID: agent, SenderName: s.options.Agents[agent]})
}

// Phone replies in the phone's own app: sender null, external_echo true.
func (s *Server) Phone(ctx context.Context, id int64, text string) (Webhook, error) {
	return s.adds(ctx, id, &Message{Type: Outgoing, Content: text, Attributes: map[string]any{"external_echo": true}, SourceID: "wamid.phone"})
}

// Automation lets a rule say something.
func (s *Server) Automation(ctx context.Context, id int64, text string) (Webhook, error) {
	return s.adds(ctx, id, &Message{Type: Outgoing, Content: text, Attributes: map[string]any{"automation_rule_id": 3}})
}

// Greeting sends a template message.
func (s *Server) Greeting(ctx context.Context, id int64, text string) (Webhook, error) {
	return s.adds(ctx, id, &Message{Type: Template, Content: text})
}

// OtherBot lets another agent bot say something.
func (s *Server) OtherBot(ctx context.Context, id, bot int64, text string) (Webhook, error) {
	return s.adds(ctx, id, &Message{Type: Outgoing, Content: text, SenderType: "agent_bot", SenderID: bot, SenderName: "Outro"})
}

// SetStatus changes the status as a person would.
func (s *Server) SetStatus(ctx context.Context, id int64, status string) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) { return s.setStatus(c, status), nil })
}

// Assign gives the conversation to an agent; 0 to nobody. The status stays.
func (s *Server) Assign(ctx context.Context, id, agent int64) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) {
		c.AssigneeType, c.AssigneeID = "", 0
		if agent != 0 {
			c.AssigneeType, c.AssigneeID = "User", agent
		}
		return s.updated(c, "assignee_id"), nil
	})
}

// AssignBot gives the conversation to an agent bot, as newer versions do by themselves.
func (s *Server) AssignBot(ctx context.Context, id, bot int64) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) {
		c.AssigneeType, c.AssigneeID = "AgentBot", bot
		return s.updated(c, "assignee_agent_bot_id"), nil
	})
}

// Announce tells the state once more, as any change of a conversation does.
func (s *Server) Announce(ctx context.Context, id int64) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) { return s.updated(c, "priority"), nil })
}

// Update changes a message and tells about it: a submitted form, a failed delivery, a
// transcription, a source_id.
func (s *Server) Update(ctx context.Context, id, message int64, change func(*Message)) (Webhook, error) {
	return s.act(ctx, id, func(c *Conversation) (*pending, error) {
		m := c.message(message)
		if m == nil {
			return nil, fmt.Errorf("no message %d", message)
		}
		change(m)
		s.bump(c)
		m.Updated = c.Updated
		return s.emit(c, s.messageEvent(c, m, "message_updated"), true), nil
	})
}

// FailDelivery tells that the channel could not bring a message to the customer.
func (s *Server) FailDelivery(ctx context.Context, id, message int64, cause string) (Webhook, error) {
	return s.Update(ctx, id, message, func(m *Message) {
		m.Status = "failed"
		m.Attributes["external_error"] = cause
	})
}
