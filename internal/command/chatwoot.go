package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
)

type sendChatwootCmd struct {
	sendFlags
	Contact      int64  `help:"The contact's number in Chatwoot." required:"" placeholder:"ID"`
	Conversation int64  `help:"The conversation's number in Chatwoot; without a helpdesk configured, the contact's." placeholder:"ID"`
	Name         string `help:"The contact's name." default:"Cliente de teste"`
	Text         string `arg:"" help:"What the customer says."`
}

// Help implements kong.HelpProvider.
func (sendChatwootCmd) Help() string {
	return `With a real Chatwoot configured the answer goes into that conversation.

Example:

	secretaria send chatwoot --contact 42 --conversation 128 "olá"`
}

// Run sends.
func (c sendChatwootCmd) Run(ctx context.Context, env *Env) error {
	t, err := c.target(env, channel.Chatwoot)
	if err != nil {
		return err
	}
	account := int64(1)
	form := chatwoot.AnyForm
	if t.inbox != nil {
		form = t.inbox.Chatwoot.Form
		if n, err := strconv.ParseInt(t.inbox.Chatwoot.AccountID, 10, 64); err == nil {
			account = n
		}
		if c.Conversation == 0 && !t.inbox.Dry() {
			return errors.New("--conversation: a real Chatwoot is configured, and the answer would go to somebody: say which conversation is meant")
		}
	}
	if c.Conversation == 0 {
		c.Conversation = c.Contact
	}
	body, err := json.Marshal(messageCreated(account, c.Contact, c.Conversation, c.Name, c.Text, time.Now()))
	if err != nil {
		return fmt.Errorf("make webhook: %w", err)
	}
	header := http.Header{}
	if form == chatwoot.BodyOnly {
		header.Set("X-Chatwoot-Signature", mac(t.secret, "", body))
	} else {
		now := strconv.FormatInt(time.Now().Unix(), 10)
		header.Set("X-Chatwoot-Timestamp", now)
		header.Set("X-Chatwoot-Signature", "sha256="+mac(t.secret, now+".", body))
	}
	path := agentBotPath
	name := c.Inbox
	if t.inbox != nil {
		name = t.inbox.Name
	}
	if name != "" {
		path += "/" + url.PathEscape(name)
	}
	return c.send(ctx, env, t, path, header, body)
}

// object is a part of a webhook.
type object map[string]any

// messageCreated is what Chatwoot 4.15 posts to an agent bot when a contact of a WhatsApp
// inbox writes into a conversation that is pending.
func messageCreated(account, contact, conversation int64, name, text string, now time.Time) object {
	accountData := object{"id": account, "name": "Secretaria"}
	inbox := object{"id": 1, "name": "secretaria send"}
	message := now.UnixMicro() // a number that no earlier message had
	sender := object{
		"account": accountData, "additional_attributes": object{}, "avatar": "", "custom_attributes": object{}, "email": nil, "id": contact,
		"identifier": nil, "name": name, "phone_number": nil, "thumbnail": "", "blocked": false,
	}
	person := object{
		"additional_attributes": object{}, "custom_attributes": object{}, "email": nil, "id": contact, "identifier": nil, "name": name,
		"phone_number": nil, "thumbnail": "", "blocked": false, "type": "contact",
	}
	iso := now.UTC().Format("2006-01-02T15:04:05.000Z")
	return object{
		"event": "message_created", "id": message, "account": accountData, "additional_attributes": object{}, "content_attributes": object{},
		"content_type": "text", "content": text, "created_at": iso, "inbox": inbox, "message_type": "incoming", "private": false, "sender": sender,
		"source_id": nil,
		"conversation": object{
			"additional_attributes": object{}, "can_reply": true, "channel": "Channel::Whatsapp",
			"contact_inbox": object{"id": 1, "contact_id": contact, "inbox_id": 1, "source_id": strconv.FormatInt(contact, 10), "created_at": iso, "updated_at": iso, "hmac_verified": false},
			"id":            conversation, "inbox_id": 1, "labels": []string{}, "meta": object{"sender": person, "assignee": nil, "assignee_type": nil, "team": nil, "hmac_verified": false},
			"messages": []object{{
				"id": message, "content": text, "account_id": account, "inbox_id": 1, "conversation_id": conversation, "message_type": 0, "created_at": now.Unix(),
				"updated_at": iso, "private": false, "status": "sent", "source_id": nil, "content_type": "text", "content_attributes": object{}, "sender_type": "Contact",
				"sender_id": contact, "sender": person,
			}},
			"status": "pending", "custom_attributes": object{}, "snoozed_until": nil, "unread_count": 1, "first_reply_created_at": nil, "priority": nil,
			"waiting_since": now.Unix(), "agent_last_seen_at": 0, "contact_last_seen_at": 0, "last_activity_at": now.Unix(), "timestamp": now.Unix(),
			"created_at": now.Unix(), "updated_at": json.Number(fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)), "account": accountData,
		},
	}
}
