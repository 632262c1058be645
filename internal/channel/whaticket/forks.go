package whaticket

import (
	"fmt"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
)

// chamado reads the per-connection webhook of the hosted "Whaticket SaaS" line
// (https://help.whaticket-saas.com/webhook): every message, our own side's and groups'
// included. It carries no message id in most builds and no time.
func (c *Channel) chamado(o object) (channel.Event, error) {
	var none channel.Event
	ticket := o.object("ticketData")
	if ticket == nil {
		ticket = o.object("chamado") // an early fork
	}
	contact := ticket.object("contact")
	if contact == nil {
		contact = o.object("contact")
	}
	sender := o.object("sender")
	raw := first(o.id("sender"), sender.id("number"), contact.id("number"))
	var e channel.Event
	if o.text("action") == "tag-sync" {
		if raw != "" {
			c.person(raw).fill(&e, contact.short("name"))
		}
		return ignored(e, "tag_sync"), nil
	}
	if raw == "" {
		return none, invalid("sender: required")
	}
	p := c.person(raw, first(sender.id("lid"), contact.id("lid")))
	if network := ticket.text("channel"); network != "" && network != "whatsapp" {
		p = onPage(network, raw)
	}
	if o.flag("isGroup") || ticket.flag("isGroup") {
		p.reason = "group"
	}
	if p.chat == "" {
		return none, invalid("sender: no digits")
	}
	p.fill(&e, first(o.short("name"), sender.short("name"), contact.short("name")))
	withTicket(&e, ticket)
	e.Address.Thread = first(e.Address.Thread, o.id("chamadoId"))
	if p.reason != "" {
		return ignored(e, p.reason), nil
	}
	message := o.object("mensagem")
	if o.text("acao") == "end" {
		// The word with which the customer left; answering it would open a new ticket.
		e.Kind = channel.Changed
		if e.Snapshot == nil || e.Snapshot.Status != conversation.Resolved {
			e.Snapshot = &conversation.Snapshot{Status: conversation.Resolved}
		}
		return e, nil
	}
	s := said{kind: channel.Received}
	switch v := o["mensagem"].(type) {
	case string:
		s.content = words(o.text("mensagem"))
	case []any:
		s.content = parts(v)
	case map[string]any:
		s.content = attachment(message.text("mediaType"), message.text("body"), message)
		e.Key = message.id("wid")
	case nil:
		// A kind that the fork has no words for.
		s.content = conversation.Content{Kind: conversation.Unknown}
	default:
		return none, invalid("mensagem: neither text, list nor object")
	}
	return s.event(e, o.flag("fromMe") || message.flag("fromMe")), nil
}

// words makes content of a text; the forks that have nothing else leave it empty for
// whatever is no text, so that empty means a kind unknown to us rather than nothing.
func words(text string) conversation.Content {
	if blank(text) {
		return conversation.Content{Kind: conversation.Unknown}
	}
	return conversation.Content{Kind: conversation.Text, Text: text}
}

// parts joins the texts of [{"type":"text","text":…}]; without any it takes the first
// other part.
func parts(list []any) conversation.Content {
	var texts []string
	other := conversation.Content{Kind: conversation.Unknown}
	for _, item := range list {
		m, _ := item.(map[string]any)
		o := object(m)
		if t := first(o.text("text"), o.text("body")); !blank(t) {
			texts = append(texts, t)
		} else if kind := first(o.text("type"), o.text("mediaType")); kind != "" && other.Kind == conversation.Unknown {
			other = attachment(kind, "", o)
		}
	}
	if len(texts) > 0 {
		return words(clean(strings.Join(texts, "\n"), maxText))
	}
	return other
}

// byName are the words that forks, whatsapp-web.js, Meta and Facebook have for kinds.
var byName = map[string]conversation.Kind{
	"": conversation.Text, "chat": conversation.Text, "text": conversation.Text, "conversation": conversation.Text,
	"extendedTextMessage": conversation.Text, "button": conversation.Text, "interactive": conversation.Text,
	"list_response": conversation.Text, "buttons_response": conversation.Text,
	"image": conversation.Image, "video": conversation.Video, "audio": conversation.Audio, "ptt": conversation.Audio,
	"voice": conversation.Audio, "document": conversation.Document, "application": conversation.Document,
	"file": conversation.Document, "sticker": conversation.Sticker, "location": conversation.Location,
	"vcard": conversation.Contact, "multi_vcard": conversation.Contact, "contacts": conversation.Contact,
	"contact": conversation.Contact, "contactMessage": conversation.Contact,
	"order": conversation.Order, "poll_creation": conversation.Poll, "poll": conversation.Poll,
}

// attachment makes content of a kind's name, its words and the object with the rest.
func attachment(name, text string, o object) conversation.Content {
	kind, known := byName[name]
	if !known {
		kind = conversation.Unknown
		if !blank(text) {
			kind = conversation.Text // "templates", "flow" and so on: words are words
		}
	}
	if kind == conversation.Text {
		return words(text)
	}
	c := conversation.Content{Kind: kind, Detail: details(
		"mime", first(o.short("mimetype"), o.short("mime_type")),
		"file_name", first(o.short("fileName"), o.short("filename")),
		"url", first(link(o.text("mediaUrl")), link(o.text("url"))),
	)}
	switch kind {
	case conversation.Audio, conversation.Sticker:
		// Their body is a file's name or a placeholder.
	case conversation.Location, conversation.Contact:
		if !strings.HasPrefix(text, "/9j/") && !strings.HasPrefix(text, "BEGIN:VCARD") && !blank(text) {
			c.Text = text // else it is a preview picture or a card
		}
	default:
		if !blank(text) {
			c.Text = text
		}
	}
	return c
}

// webjs reads a whatsapp-web.js Message. It comes for our own sends too.
func (c *Channel) webjs(o object) (channel.Event, error) {
	var none channel.Event
	id := o.object("id")
	fromMe := o.flag("fromMe") || id.flag("fromMe")
	jid, plain := o.id("from"), o.id("fromNumber")
	if fromMe {
		jid, plain = o.id("to"), o.id("toNumber")
	}
	raw := first(id.id("remote"), jid, plain)
	if raw == "" {
		return none, invalid("from: required")
	}
	p := c.person(raw, jid, plain)
	if o.flag("isStatus") {
		p.reason = "status"
	}
	if p.chat == "" {
		return none, invalid("from: no digits")
	}
	e := channel.Event{Key: id.id("id"), At: o.time("timestamp")}
	name := ""
	if !fromMe {
		name = first(o.object("_data").short("notifyName"), o.short("notifyName"))
	}
	p.fill(&e, name)
	withTicket(&e, o.object("ticket"))
	if p.reason != "" {
		return ignored(e, p.reason), nil
	}
	kind := first(o.text("type"), o.object("_data").text("type"))
	switch kind {
	case "revoked":
		return said{kind: channel.Revoked, target: e.Key, content: conversation.Content{Kind: conversation.Unknown}}.event(e, fromMe), nil
	case "reaction":
		return ignored(e, "reaction"), nil
	case "e2e_notification", "notification", "notification_template", "gp2", "protocol", "call_log", "ciphertext", "debug":
		return ignored(e, "protocol"), nil
	}
	text := o.text("body")
	if kind == "location" {
		text = first(o.object("location").text("name"), o.object("location").text("address"))
	}
	s := said{kind: channel.Received, content: attachment(kind, text, o)}
	s.content.ChoiceID = first(o.id("selectedButtonId"), o.id("selectedRowId"))
	if (kind == "chat" || kind == "") && blank(text) && !o.flag("hasMedia") {
		return ignored(e, "empty"), nil
	}
	return s.event(e, fromMe), nil
}

// whazing reads the integration webhook of Whazing, received and sent.
func (c *Channel) whazing(o object) (channel.Event, error) {
	var none channel.Event
	contact, fromMe := o.object("contact"), o.flag("fromMe")
	raw := first(contact.id("phoneNumber"), contact.id("number"), contact.id("lid"))
	if raw == "" {
		return none, invalid("contact.phoneNumber: required")
	}
	p := c.person(raw, contact.id("lid"))
	if contact.flag("isGroup") {
		p.reason = "group"
	}
	if p.chat == "" {
		return none, invalid("contact.phoneNumber: no digits")
	}
	e := channel.Event{Key: o.id("messageId"), At: o.time("timestamp")}
	p.fill(&e, first(contact.short("name"), contact.short("pushname")))
	withTicket(&e, o.object("ticket"))
	if p.reason != "" {
		return ignored(e, p.reason), nil
	}
	kind := first(o.text("mediaType"), o.text("sendType"))
	s := said{kind: channel.Received, content: attachment(kind, o.text("messageBody"), o)}
	switch {
	case kind == "reaction" || kind == "reactionMessage":
		return ignored(e, "reaction"), nil
	case o.flag("isDeleted"):
		s = said{kind: channel.Revoked, target: e.Key, content: conversation.Content{Kind: conversation.Unknown}}
	case o.has("edited") && (o.flag("edited") || o.text("edited") != "" && o.text("edited") != "false"):
		s = edit(s, e.Key)
	case s.content.Kind == conversation.Unknown && byName[kind] == conversation.Text && !o.has("mediaUrl"):
		return ignored(e, "empty"), nil
	}
	e = s.event(e, fromMe)
	if user := o.object("user").id("id"); e.Kind == channel.Said && user != "" {
		e.ByPhone, e.AuthorID = false, user
	}
	return e, nil
}

// page reads a message to a Facebook or Instagram page. Such a person has no number: only
// the ticket leads back.
func (c *Channel) page(o object) (channel.Event, error) {
	var none channel.Event
	message, contact := o.object("message"), o.object("contact")
	id := first(contact.id("number"), contact.id("id"), o.object("sender").id("id"))
	if id == "" {
		return none, invalid("contact.number: required")
	}
	network := first(o.object("whatsapp").short("channel"), o.object("ticket").short("channel"), "page")
	e := channel.Event{Key: message.id("mid"), At: o.time("timestamp")}
	onPage(network, id).fill(&e, contact.short("name"))
	withTicket(&e, o.object("ticket"))
	content := words(message.text("text"))
	if list := message.list("attachments"); content.Kind == conversation.Unknown && len(list) > 0 {
		m, _ := list[0].(map[string]any)
		content = attachment(object(m).text("type"), "", object(m).object("payload"))
	}
	content.ChoiceID = message.object("quick_reply").id("payload")
	content.Quoted = message.object("reply_to").id("mid")
	return said{kind: channel.Received, content: content}.event(e, message.flag("is_echo") || o.flag("fromMe")), nil
}

// meta reads a body of Meta's Cloud API, forwarded unchanged: messages, and the fate of
// ours. One body may hold several.
// https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
func (c *Channel) meta(o object) ([]channel.Event, error) {
	var events []channel.Event
	for i, entry := range o.list("entry") {
		m, _ := entry.(map[string]any)
		for j, change := range object(m).list("changes") {
			m, _ := change.(map[string]any)
			value := object(m).object("value")
			path := fmt.Sprintf("entry[%d].changes[%d].value", i, j)
			names := map[string]string{}
			contacts := value.list("contacts")
			for _, contact := range contacts {
				m, _ := contact.(map[string]any)
				name := object(m).object("profile").short("name")
				if names[object(m).id("wa_id")] = name; len(contacts) == 1 {
					names[""] = name // "from" and "wa_id" may differ by the ninth digit
				}
			}
			for k, message := range value.list("messages") {
				m, ok := message.(map[string]any)
				e, err := c.metaMessage(m, names, false)
				if !ok || err != nil {
					return nil, invalid(fmt.Sprintf("%s.messages[%d].from: required", path, k))
				}
				events = append(events, e)
			}
			// What was typed in the app on the phone beside the API.
			for k, message := range value.list("message_echoes") {
				m, ok := message.(map[string]any)
				e, err := c.metaMessage(m, names, true)
				if !ok || err != nil {
					return nil, invalid(fmt.Sprintf("%s.message_echoes[%d].to: required", path, k))
				}
				events = append(events, e)
			}
			for _, status := range value.list("statuses") {
				m, _ := status.(map[string]any)
				var e channel.Event
				if to := object(m).id("recipient_id"); to != "" {
					c.person(to).fill(&e, "")
				}
				e.At = object(m).time("timestamp")
				events = append(events, ignored(e, "status_update"))
			}
			if len(events) > maxItems {
				return nil, invalid("entry: too many items")
			}
		}
	}
	if len(events) == 0 {
		return []channel.Event{{Kind: channel.Ignored, Reason: "unknown_event"}}, nil
	}
	return events, nil
}

func (c *Channel) metaMessage(o object, names map[string]string, fromMe bool) (channel.Event, error) {
	raw := o.id("from")
	if fromMe {
		raw = o.id("to")
	}
	p := c.person(raw)
	if p.chat == "" {
		return channel.Event{}, invalid("from: required")
	}
	e := channel.Event{Key: o.id("id"), At: o.time("timestamp")}
	name := ""
	if !fromMe {
		name = first(names[raw], names[""])
	}
	p.fill(&e, name)
	if p.reason == "" && o.has("group_id") {
		p.reason = "group"
	}
	if p.reason != "" {
		return ignored(e, p.reason), nil
	}
	kind := o.text("type")
	part := o.object(kind)
	var content conversation.Content
	switch kind {
	case "reaction":
		return ignored(e, "reaction"), nil
	case "system":
		return ignored(e, "protocol"), nil
	case "text":
		content = conversation.Content{Kind: conversation.Text, Text: part.text("body")}
		if blank(content.Text) {
			return ignored(e, "empty"), nil
		}
	case "button":
		content = choice(part.text("text"), part.id("payload"))
	case "interactive":
		reply := part.object(part.text("type"))
		content = choice(first(reply.text("title"), reply.text("body")), reply.id("id"))
	case "location":
		content = conversation.Content{Kind: conversation.Location, Text: first(part.text("name"), part.text("address")),
			Detail: details("latitude", part.numeral("latitude"), "longitude", part.numeral("longitude"), "address", part.short("address"))}
	case "contacts":
		content = conversation.Content{Kind: conversation.Contact}
		for _, contact := range o.list("contacts") {
			m, _ := contact.(map[string]any)
			content.Text = first(content.Text, object(m).object("name").text("formatted_name"))
		}
	case "order":
		content = conversation.Content{Kind: conversation.Order, Text: part.text("text")}
	default:
		if byName[kind] == conversation.Text {
			kind = "unsupported"
		}
		content = attachment(kind, part.text("caption"), part)
	}
	content.Quoted = o.object("context").id("id")
	return said{kind: channel.Received, content: content}.event(e, fromMe), nil
}
