package chatwoot

import (
	"encoding/json"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/phone"
)

// Reasons of ignored events.
const (
	ignoredNote       = "private_note"
	ignoredTemplate   = "template"
	ignoredActivity   = "activity"
	ignoredUpdate     = "update"
	ignoredBlocked    = "blocked"
	ignoredWidget     = "webwidget"
	ignoredAutomation = "automation"
	ignoredUnknown    = "unknown_event"
)

// Bounds of what is taken from a payload, in runes. The text's is Chatwoot's own.
const (
	maxText   = 150_000
	maxName   = 255
	maxCause  = 300
	maxMarker = 64
	maxWord   = 64
	maxURL    = 2048
)

// Parse implements channel.Channel: one event for each body. The order of decisions is
// Chatwoot's: what the event is, then whose message it is, then what is in it. The state of
// the conversation that comes along is trusted whatever the event's name is, since a status
// event can get lost while the status itself comes with the next payload.
func (c *Channel) Parse(r *channel.Request) ([]channel.Event, error) {
	v, err := members(r.Body, relevant)
	if err != nil {
		return nil, invalid("body", "not JSON")
	}
	return c.parse(asObject(v))
}

// relevant says whether parse reads a key anywhere; most of what Chatwoot sends it does not.
func relevant(key string) bool {
	switch key {
	case "event", "data", "id", "account", "account_id", "conversation", "messages", "message_type", "private", "sender", "created_at", "updated_at",
		"status", "meta", "assignee", "assignee_type", "type", "contact_inbox", "contact_id", "name", "blocked", "phone_number",
		"content", "content_type", "content_attributes", "deleted", "in_reply_to", "external_echo", "external_error", Marker,
		"automation_rule_id", "additional_attributes", "campaign_id", "submitted_values", "submitted_email", "title", "value",
		"attachments", "file_type", "data_url", "fallback_title", "transcribed_text", "coordinates_lat", "coordinates_long",
		"formatted_name", "firstName", "lastName", "first_name", "last_name":
		return true
	}
	return false
}

func (c *Channel) parse(o object) ([]channel.Event, error) {
	if o == nil {
		return nil, invalid("body", "object expected")
	}
	name, ok := o["event"].(string)
	if !ok || name == "" {
		return nil, invalid("event", "required")
	}
	// Old documentation wraps the object: {"event": …, "data": {…}}.
	if data := o.object("data"); data != nil && !o.has("id") && !o.has("conversation") && !o.has("message_type") {
		o = data
	}
	var err error
	e := ignore(ignoredUnknown)
	switch {
	case name == "message_created":
		e, err = c.message(o, true)
	case name == "message_updated":
		e, err = c.message(o, false)
	case name == "webwidget_triggered":
		e = ignore(ignoredWidget)
	case strings.HasPrefix(name, "automation_event."), strings.HasPrefix(name, "macro."):
		e = ignore(ignoredAutomation)
	case strings.HasPrefix(name, "conversation_") && !strings.HasPrefix(name, "conversation_typing"):
		e, err = c.conversation(o, name)
	}
	if err != nil {
		return nil, err
	}
	return []channel.Event{e}, nil
}

func ignore(reason string) channel.Event {
	return channel.Event{Kind: channel.Ignored, Reason: reason}
}

// conversation reads an event whose top level is the conversation itself.
func (c *Channel) conversation(o object, name string) (channel.Event, error) {
	e, err := c.thread(o, o, "")
	if err != nil {
		switch name {
		case "conversation_created", "conversation_opened", "conversation_resolved", "conversation_status_changed", "conversation_updated":
			return channel.Event{}, err
		}
		return ignore(ignoredUnknown), nil
	}
	e.Kind = channel.Changed
	e.Contact = contact(nil, o, e.Chat)
	if e.Snapshot == nil { // a status that we do not know yet
		e.Kind, e.Reason = channel.Ignored, ignoredUnknown
	}
	return e, nil
}

// thread begins an event with what every one of a conversation has. body is the payload,
// which names the account; path is where conv stands in it.
func (c *Channel) thread(body, conv object, path string) (channel.Event, error) {
	id := conv.id("id")
	if id == "" {
		return channel.Event{}, wanted(conv, "id", path, "integer")
	}
	account := body.object("account").id("id")
	if account == "" {
		account = conv.object("account").id("id")
	}
	// Before Chatwoot 4.14.2 a conversation names no account, but its message does.
	for _, m := range conv.list("messages") {
		if account == "" {
			account = asObject(m).id("account_id")
		}
	}
	if account == "" {
		account = c.account
	}
	if account == "" {
		return channel.Event{}, invalid("account.id", "required")
	}
	e := channel.Event{Chat: account, Thread: account + "/" + id, Snapshot: snapshot(conv)}
	e.Address.Thread = e.Thread
	return e, nil
}

// wanted says what is wrong with a field that cannot be used.
func wanted(o object, key, path, kind string) error {
	if o.has(key) {
		return invalid(path+key, kind+" expected")
	}
	return invalid(path+key, "required")
}

// snapshot reads the conversation's state; nil when the payload has none of it.
func snapshot(conv object) *conversation.Snapshot {
	s := conversation.Snapshot{At: conv.when("updated_at")}
	switch status := conversation.Status(conv.text("status", maxWord)); status {
	case conversation.Pending, conversation.Open, conversation.Snoozed, conversation.Resolved:
		s.Status = status
	}
	meta := conv.object("meta")
	assignee := meta.object("assignee")
	kind := meta.text("assignee_type", maxWord)
	if kind == "" {
		kind = assignee.text("type", maxWord)
	}
	_, told := meta["assignee"]
	switch {
	case kind == "User" || kind == "user":
		s.Assignee, s.AssigneeID = conversation.APerson, assignee.id("id")
	case kind == "AgentBot" || kind == "agent_bot":
		s.Assignee, s.AssigneeID = conversation.SomeBot, assignee.id("id")
	case kind != "":
		// Some other AI. Its ids are counted apart from the agent bots', so that the kind
		// has to be part of the id: Captain 7 is not agent bot 7.
		s.Assignee, s.AssigneeID = conversation.SomeBot, kind+"/"+assignee.id("id")
	case assignee != nil:
		s.Assignee, s.AssigneeID = conversation.APerson, assignee.id("id") // only people, before there was a type
	case told && meta["assignee"] == nil:
		s.Assignee = conversation.Nobody
	}
	if s.Status == "" && s.Assignee == conversation.Unsaid {
		return nil
	}
	return &s
}

// contact reads the person on the other side: from sender where that is the contact, else
// from what the conversation says of them. It may end up without an identity.
func contact(sender, conv object, account string) channel.Contact {
	o := sender
	if o.id("id") == "" {
		o = conv.object("meta").object("sender")
	}
	id := o.id("id")
	if id == "" {
		id = conv.object("contact_inbox").id("contact_id")
	}
	p := channel.Contact{Name: strings.TrimSpace(o.text("name", maxName)), Blocked: o.flag("blocked")}
	if e164, ok := phone.Canonical(o.text("phone_number", maxWord), ""); ok {
		p.Identities = append(p.Identities, channel.Identity{Kind: channel.Phone, Value: e164})
	}
	if id != "" {
		p.Identities = append(p.Identities, channel.Identity{Kind: channel.ChannelID, Value: account + "/" + id})
	}
	return p
}

// A message's type is a string in webhooks and a number in REST answers and in a
// conversation's messages.
const (
	incoming = "incoming"
	outgoing = "outgoing"
	activity = "activity"
	template = "template"
)

func messageType(o object) string {
	switch v := o["message_type"].(type) {
	case string:
		return v
	case json.Number:
		switch v {
		case "0":
			return incoming
		case "1":
			return outgoing
		case "2":
			return activity
		case "3":
			return template
		}
		return "unknown"
	}
	return ""
}

// message reads message_created and message_updated.
func (c *Channel) message(o object, created bool) (channel.Event, error) {
	conv := o.object("conversation")
	if conv == nil {
		return channel.Event{}, wanted(o, "conversation", "", "object")
	}
	e, err := c.thread(o, conv, "conversation.")
	if err != nil {
		return channel.Event{}, err
	}
	if o.has("id") && o.id("id") == "" {
		return channel.Event{}, invalid("id", "integer expected")
	}
	e.Key = o.id("id")
	e.At = o.when("created_at")

	kind := messageType(o)
	switch kind {
	case "":
		return channel.Event{}, wanted(o, "message_type", "", "string or integer")
	case incoming:
		e.Contact = contact(o.object("sender"), conv, e.Chat)
	default:
		e.Contact = contact(nil, conv, e.Chat)
	}
	e.Kind = channel.Ignored
	switch {
	case o.flag("private"):
		e.Reason = ignoredNote
		// The echo of our own note proves that it arrived.
		switch by := c.author(o); {
		case by.author == conversation.Ours:
			e.Author, e.AuthorID, e.Delivery = by.author, by.id, by.delivery
		case by.author == conversation.Person && created:
			e.Command = command(o.text("content", maxWord))
		}
	case kind == incoming:
		return c.incoming(e, o, created)
	case kind == outgoing && created:
		return c.said(e, o)
	case kind == outgoing:
		return c.updated(e, o, conv)
	case kind == template:
		e.Reason = ignoredTemplate
	case kind == activity:
		e.Reason = ignoredActivity
	default:
		e.Reason = ignoredUnknown
	}
	return e, nil
}

// command reads what a person tells us in a private note: one word, and nothing beside it.
func command(note string) channel.Command {
	switch strings.ToLower(strings.TrimSpace(note)) {
	case "/bot", "/devolver":
		return channel.HandBack
	case "/humano", "/human":
		return channel.TakeOver
	}
	return ""
}

// incoming reads what the customer said, changed or took back.
func (c *Channel) incoming(e channel.Event, o object, created bool) (channel.Event, error) {
	if len(e.Contact.Identities) == 0 {
		return channel.Event{}, wanted(o.object("sender"), "id", "sender.", "integer")
	}
	if e.Contact.Blocked {
		e.Reason = ignoredBlocked
		return e, nil
	}
	if o.object("content_attributes").flag("deleted") && e.Key != "" {
		e.Kind, e.Target, e.Key = channel.Revoked, e.Key, ""
		return e, nil
	}
	read, err := content(o)
	if err != nil {
		return channel.Event{}, err
	}
	if created {
		e.Kind, e.Content = channel.Received, read
		return e, nil
	}
	// Of the many updates of a message only the transcription brings words; it may even
	// arrive before the message itself.
	if words := transcription(o); words != "" && read.Text == words && e.Key != "" {
		e.Kind, e.Target, e.Key, e.Content = channel.Edited, e.Key, "", read
		return e, nil
	}
	e.Reason = ignoredUpdate
	return e, nil
}

// said reads what somebody else said to the customer.
func (c *Channel) said(e channel.Event, o object) (channel.Event, error) {
	read, err := content(o)
	if err != nil {
		return channel.Event{}, err
	}
	by := c.author(o)
	e.Kind, e.Content = channel.Said, read
	e.Author, e.AuthorID, e.ByPhone, e.Delivery = by.author, by.id, by.phone, by.delivery
	return e, nil
}

// updated reads an update of a message to the customer: it fires on every change of a
// column, and only failures, submitted forms and whatever bears our marker mean something.
func (c *Channel) updated(e channel.Event, o, conv object) (channel.Event, error) {
	attributes := o.object("content_attributes")
	if choice, ok := submitted(o, attributes); ok && len(e.Contact.Identities) > 0 && e.Key != "" && !e.Contact.Blocked {
		choice.Quoted = e.Key
		// The form has the id of our own message. A submission is made once, while the
		// updates that repeat it are many.
		e.Kind, e.Key, e.Content = channel.Received, e.Key+":submitted", choice
		e.At = inConversation(o, conv).when("updated_at")
		return e, nil
	}
	by := c.author(o)
	cause := attributes.text("external_error", maxCause)
	status := o.text("status", maxWord)
	if status == "" {
		status = inConversation(o, conv).text("status", maxWord)
	}
	switch {
	case (cause != "" || status == "failed") && by.bot && (by.author == conversation.Ours || c.botID == ""):
		// While our own id is not known, the failure of an unmarked message of a bot is
		// passed on as well; its Key tells whether it was ours.
		e.Kind, e.Author, e.AuthorID, e.Delivery, e.Cause = channel.Failed, by.author, by.id, by.delivery, cause
	case by.delivery != "":
		return c.said(e, o) // proves once more that it arrived
	default:
		e.Reason = ignoredUpdate
	}
	return e, nil
}

// inConversation returns the message as conversation.messages holds it, which has a few
// more fields, or nil when that is another message.
func inConversation(o, conv object) object {
	for _, m := range conv.list("messages") {
		if m := asObject(m); m.id("id") != "" && m.id("id") == o.id("id") {
			return m
		}
	}
	return nil
}

type authorship struct {
	author   conversation.Author
	id       string
	bot      bool // we, or another agent bot
	phone    bool
	delivery conversation.DeliveryID
}

// author tells who said an outgoing message. What counts as a person's is Chatwoot's own
// rule (message.rb, human_response?): no automation, no campaign, and a user or an echo of
// what was typed on the phone.
func (c *Channel) author(o object) authorship {
	attributes, sender := o.object("content_attributes"), o.object("sender")
	marker := attributes.text(Marker, maxMarker)
	kind, id := sender.text("type", maxWord), sender.id("id")
	automatic := attributes.has("automation_rule_id") || o.object("additional_attributes").has("campaign_id")
	switch {
	case kind == "agent_bot" && (marker != "" || c.botID != "" && id == c.botID):
		return authorship{author: conversation.Ours, id: id, bot: true, delivery: conversation.DeliveryID(marker)}
	case kind == "agent_bot":
		return authorship{author: conversation.System, id: id, bot: true}
	case kind == "user" && marker != "":
		// An operator gave us a user's token in place of the bot's. Nobody else writes our
		// marker, and taking our own words for a takeover would silence us for good. The
		// user's id is not ours to learn.
		return authorship{author: conversation.Ours, bot: true, delivery: conversation.DeliveryID(marker)}
	case automatic:
		return authorship{author: conversation.System, id: id}
	case attributes.flag("external_echo"):
		return authorship{author: conversation.Person, id: id, phone: true}
	case kind == "user":
		return authorship{author: conversation.Person, id: id}
	case kind != "":
		// Captain and whatever comes after it, with ids that are counted apart.
		return authorship{author: conversation.System, id: kind + "/" + id}
	}
	return authorship{author: conversation.System, id: id}
}
