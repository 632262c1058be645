package chatwoottest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// typeNumbers are the message types where Chatwoot writes them as numbers.
func typeNumber(kind string) int {
	return map[string]int{Incoming: 0, Outgoing: 1, Activity: 2, Template: 3}[kind]
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func precise(t time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000))
}

func (s *Server) contactData(c Contact) map[string]any {
	return map[string]any{
		"additional_attributes": map[string]any{}, "custom_attributes": map[string]any{}, "email": nil, "id": c.ID, "identifier": nil,
		"name": c.Name, "phone_number": nullable(c.Phone), "thumbnail": "", "blocked": c.Blocked,
	}
}

// pushData is a message inside a conversation and in REST answers.
func (s *Server) pushData(c *Conversation, m *Message) map[string]any {
	out := map[string]any{
		"id": m.ID, "content": nullable(m.Content), "account_id": s.options.Account, "inbox_id": s.inboxOf(c).ID, "conversation_id": c.ID,
		"message_type": typeNumber(m.Type), "created_at": m.At.Unix(), "updated_at": iso(m.Updated), "private": m.Private,
		"status": m.Status, "source_id": nullable(m.SourceID), "content_type": m.ContentType,
		"content_attributes": maps.Clone(m.Attributes), "sender_type": nil, "sender_id": nil,
	}
	switch m.SenderType {
	case "contact":
		sender := s.contactData(c.Contact)
		sender["type"] = "contact"
		out["sender_type"], out["sender_id"], out["sender"] = "Contact", m.SenderID, sender
	case "user":
		out["sender_type"], out["sender_id"] = "User", m.SenderID
		out["sender"] = map[string]any{"id": m.SenderID, "name": m.SenderName, "available_name": m.SenderName, "avatar_url": "", "type": "user"}
	case "agent_bot":
		out["sender_type"], out["sender_id"] = "AgentBot", m.SenderID
		out["sender"] = map[string]any{"id": m.SenderID, "name": m.SenderName, "avatar_url": "", "type": "agent_bot"}
	}
	if len(m.Attachments) > 0 {
		out["attachments"] = m.Attachments
	}
	return out
}

// conversationData is a conversation as webhooks carry it, on the pattern of a recorded one.
func (s *Server) conversationData(c *Conversation) map[string]any {
	var out map[string]any
	load(Events(), "conversation_opened.json", &out)
	delete(out, "event")
	out["id"] = c.ID
	inbox := out["contact_inbox"].(map[string]any)
	inbox["contact_id"], inbox["source_id"] = c.Contact.ID, fmt.Sprintf("source-%d", c.Contact.ID)
	if p := s.people[c.Contact.ID]; p != nil {
		inbox["source_id"] = p.source
	}
	if c.Inbox != 0 {
		in := s.inboxOf(c)
		out["inbox_id"], out["channel"], inbox["inbox_id"] = in.ID, in.Kind, in.ID
	}
	out["messages"] = []any{}
	for _, m := range slices.Backward(c.Messages) {
		if !m.Private && m.Type != Activity {
			out["messages"] = []any{s.pushData(c, m)}
			break
		}
	}
	out["labels"] = append([]string{}, c.Labels...)
	meta := out["meta"].(map[string]any)
	sender := s.contactData(c.Contact)
	sender["type"] = "contact"
	meta["sender"], meta["assignee"], meta["assignee_type"], meta["team"] = sender, nil, nil, nil
	switch c.AssigneeType {
	case "User":
		meta["assignee_type"] = c.AssigneeType
		meta["assignee"] = map[string]any{"id": c.AssigneeID, "name": s.options.Agents[c.AssigneeID], "type": "user"}
	case "AgentBot":
		meta["assignee_type"] = c.AssigneeType
		name := s.options.BotName
		if b := s.bots[c.AssigneeID]; b != nil {
			name = b.Name
		}
		meta["assignee"] = map[string]any{"id": c.AssigneeID, "name": name, "type": "agent_bot"}
	}
	if c.TeamID != 0 {
		meta["team"] = map[string]any{"id": c.TeamID, "name": s.options.Teams[c.TeamID]}
	}
	out["status"], out["custom_attributes"] = c.Status, maps.Clone(c.Attributes)
	out["agent_last_seen_at"] = seconds(c.Seen)
	out["waiting_since"], out["created_at"] = seconds(c.Waiting), c.Created.Unix()
	out["last_activity_at"], out["timestamp"], out["updated_at"] = c.Updated.Unix(), c.Updated.Unix(), precise(c.Updated)
	out["account"] = s.accountData()
	return out
}

func (s *Server) accountData() map[string]any {
	return map[string]any{"id": s.options.Account, "name": accountName}
}

// messageEvent is a message at top level, as webhooks carry it.
func (s *Server) messageEvent(c *Conversation, m *Message, name string) map[string]any {
	out := map[string]any{
		"account": s.accountData(), "additional_attributes": map[string]any{}, "content_attributes": maps.Clone(m.Attributes),
		"content_type": m.ContentType, "content": nullable(m.Content), "conversation": s.conversationData(c),
		"created_at": iso(m.At), "id": m.ID, "inbox": map[string]any{"id": s.inboxOf(c).ID, "name": s.inboxOf(c).Name}, "message_type": m.Type,
		"private": m.Private, "sender": nil, "source_id": nullable(m.SourceID), "event": name,
	}
	switch m.SenderType {
	case "contact": // the only sender without a type
		sender := s.contactData(c.Contact)
		sender["account"], sender["avatar"] = s.accountData(), ""
		out["sender"] = sender
	case "user":
		out["sender"] = map[string]any{"id": m.SenderID, "name": m.SenderName, "email": "agent@example.com", "type": "user"}
	case "agent_bot":
		out["sender"] = map[string]any{"id": m.SenderID, "name": m.SenderName, "type": "agent_bot"}
	}
	if len(m.Attachments) > 0 {
		out["attachments"] = m.Attachments
	}
	return out
}

func (s *Server) conversationEvent(c *Conversation, name string, changed ...string) map[string]any {
	out := s.conversationData(c)
	out["event"] = name
	if name == "conversation_updated" || name == "conversation_status_changed" {
		out["changed_attributes"] = nil
	}
	if name == "conversation_updated" {
		list := []any{}
		for _, attribute := range changed {
			list = append(list, map[string]any{attribute: map[string]any{"previous_value": nil, "current_value": nil}})
		}
		out["changed_attributes"] = list
	}
	return out
}

// setStatus changes the status and tells about it; the lock is held.
func (s *Server) setStatus(c *Conversation, status string) *pending {
	if c.Status == status {
		return nil
	}
	c.Status = status
	s.bump(c)
	s.emit(c, s.conversationEvent(c, "conversation_status_changed"), false)
	switch status {
	case Open:
		s.emit(c, s.conversationEvent(c, "conversation_opened"), false)
	case Resolved:
		s.emit(c, s.conversationEvent(c, "conversation_resolved"), false)
		s.survey(c)
	}
	return s.emit(c, s.conversationEvent(c, "conversation_updated", "status"), false)
}

// updated tells that an attribute changed; the lock is held.
func (s *Server) updated(c *Conversation, attribute string) *pending {
	s.bump(c)
	return s.emit(c, s.conversationEvent(c, "conversation_updated", attribute), false)
}
