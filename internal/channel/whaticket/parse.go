package whaticket

import (
	"fmt"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
)

const (
	// maxWrapped is how deep a body may be wrapped by what stands between Whaticket and us.
	maxWrapped = 4
	// maxItems bounds the events of one body.
	maxItems = 100
)

// Parse implements channel.Channel. It knows the flat form of the documented contract and
// what the forks post by themselves: Baileys messages (bare, or with ticket and queue beside
// them), "chamado", whatsapp-web.js, Whazing, Meta's Cloud API and Facebook pages; each also
// as an n8n passes it on, under "body" or in a list.
func (c *Channel) Parse(r *channel.Request) ([]channel.Event, error) {
	v, err := decode(r.Body)
	if err != nil {
		return nil, err
	}
	return c.parseAny(v, 0)
}

func (c *Channel) parseAny(v any, depth int) ([]channel.Event, error) {
	if depth > maxWrapped {
		return nil, invalid("body: wrapped too deeply")
	}
	switch v := v.(type) {
	case map[string]any:
		o := object(v)
		if read := form(o); read != nil {
			return read(c, o)
		}
		switch inner := o["body"].(type) {
		case map[string]any, []any:
			return c.parseAny(inner, depth+1)
		}
		return one((*Channel).flat)(c, o)
	case []any:
		if len(v) == 0 {
			return nil, invalid("body: empty list")
		}
		if len(v) > maxItems {
			return nil, invalid("body: too many items")
		}
		var events []channel.Event
		var first error
		for i, item := range v {
			es, err := c.parseAny(item, depth+1)
			if err != nil && first == nil {
				first = err
				if len(v) > 1 {
					first = invalid(fmt.Sprintf("[%d].%s", i, fault.Code(err)))
				}
			}
			events = append(events, es...)
		}
		// Nobody repeats what we refuse: one broken item must not lose the others.
		if len(events) > 0 {
			return events, nil
		}
		return nil, first
	}
	return nil, invalid("body: not an object")
}

// form tells by its keys which form a body has; nil when it has none but, perhaps, the flat one.
func form(o object) func(*Channel, object) ([]channel.Event, error) {
	switch {
	case o.has("entry") && o.has("object"):
		return (*Channel).meta
	case o.object("key").has("remoteJid"):
		return one((*Channel).baileys)
	case o.has("chamadoId"), o.has("mensagem"), o.has("acao"), o.text("action") == "tag-sync":
		return one((*Channel).chamado)
	case o.has("fromNumber"), o.object("id").has("remote"):
		return one((*Channel).webjs)
	case o.has("messageBody"), o.object("contact").has("phoneNumber"):
		return one((*Channel).whazing)
	case o.object("message").has("mid"):
		return one((*Channel).page)
	case o.has("message"), o.has("number"):
		return one((*Channel).flat)
	}
	return nil
}

func one(read func(*Channel, object) (channel.Event, error)) func(*Channel, object) ([]channel.Event, error) {
	return func(c *Channel, o object) ([]channel.Event, error) {
		e, err := read(c, o)
		if err != nil {
			return nil, err
		}
		return []channel.Event{e}, nil
	}
}

// flat reads the documented contract: {message, number} or {message, ticket.contact.number},
// message being what Baileys has there. The fields of a Baileys key are taken where an
// adapter leaves them in.
func (c *Channel) flat(o object) (channel.Event, error) {
	var none channel.Event
	message, ok := o["message"].(map[string]any)
	if !ok {
		return none, invalid("message: required")
	}
	if len(message) == 0 {
		return none, invalid("message: empty")
	}
	ticket, key := o.object("ticket"), o.object("key")
	contact := ticket.object("contact")
	raw, of := o.id("number"), contact.id("number")
	switch {
	case raw != "":
	case of != "":
		raw = of
	case key != nil:
		return none, invalid("key.remoteJid: required")
	default:
		return none, invalid("number: required")
	}
	p := c.person(raw)
	if p.chat == "" {
		return none, invalid("number: no digits")
	}
	if q := c.person(of); of != "" && q.chat != p.chat && (q.phone == "" || q.phone != p.phone) {
		ticket = nil // somebody else's: an answer must not go there
	}
	fromMe := o.flag("fromMe") || key.flag("fromMe")
	e := channel.Event{Key: key.id("id"), At: o.time("messageTimestamp")}
	name := ""
	if !fromMe {
		name = first(o.short("pushName"), o.short("name"), ticket.object("contact").short("name"))
	}
	p.fill(&e, name)
	withTicket(&e, ticket)
	if p.reason != "" {
		return ignored(e, p.reason), nil
	}
	said, err := readMessage(message, e.Key)
	if err != nil {
		return none, err
	}
	return said.event(e, fromMe), nil
}

// baileys reads a message as the SaaS forks post it, bare or with the ticket beside it.
func (c *Channel) baileys(o object) (channel.Event, error) {
	var none channel.Event
	key, fromMe := o.object("key"), o.object("key").flag("fromMe")
	jid := key.id("remoteJid")
	if jid == "" {
		return none, invalid("key.remoteJid: required")
	}
	others := []string{key.id("remoteJidAlt")}
	if !fromMe {
		// Of our own message the sender is ourselves.
		others = append(others, key.id("senderPn"), key.id("sender_pn"), key.id("senderLid"), key.id("sender_lid"))
	}
	p := c.person(jid, others...)
	if p.chat == "" {
		return none, invalid("key.remoteJid: no digits")
	}
	ticket := o.object("ticket")
	e := channel.Event{Key: key.id("id"), At: o.time("messageTimestamp")}
	name := ""
	if !fromMe {
		name = first(o.short("pushName"), ticket.object("contact").short("name"))
	}
	p.fill(&e, name)
	withTicket(&e, ticket)
	if p.reason != "" {
		return ignored(e, p.reason), nil
	}
	if !o.has("message") {
		// It could not be decrypted (yet): the message itself may follow under the same id,
		// which must still be free then.
		return ignored(e, "stub"), nil
	}
	message, ok := o["message"].(map[string]any)
	if !ok {
		return none, invalid("message: not an object")
	}
	if len(message) == 0 {
		return none, invalid("message: empty")
	}
	said, err := readMessage(message, e.Key)
	if err != nil {
		return none, err
	}
	return said.event(e, fromMe), nil
}

// ignored makes of an event one that needs nothing done. It keeps nothing of what was said
// and gives up its id: whatever comes later under that id is new.
func ignored(e channel.Event, reason string) channel.Event {
	e.Kind, e.Reason, e.Key, e.Target, e.Content = channel.Ignored, reason, "", "", conversation.Content{}
	return e
}

// withTicket adds what a ticket in a payload tells: where an answer can go and who has it.
// An "open" ticket is somebody's even where the payload does not say whose, and so is one
// with a user whatever its status.
func withTicket(e *channel.Event, ticket object) {
	if ticket == nil {
		return
	}
	if id := ticket.id("id"); id != "" {
		e.Address.Thread = id
	}
	user := first(ticket.id("userId"), ticket.object("user").id("id"))
	s := conversation.Snapshot{AssigneeID: user, At: ticket.time("updatedAt")}
	switch status := ticket.text("status"); {
	case status == "closed":
		s.Status = conversation.Resolved
		if user != "" {
			s.Assignee = conversation.APerson
		}
	case status == "open", user != "":
		s.Status, s.Assignee = conversation.Open, conversation.APerson
	case status == "pending":
		s.Status, s.Assignee = conversation.Pending, conversation.Nobody
	default:
		// "chatbot", "nps", "lgpd" and the like: not one of the states that tell who speaks.
		return
	}
	e.Snapshot = &s
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// said is a message without who and when.
type said struct {
	kind    channel.EventKind // Received, Edited, Revoked or Ignored
	reason  string            // of Ignored
	target  string            // of Edited and Revoked
	content conversation.Content
}

// event puts a message into the event that already says who and where.
func (s said) event(e channel.Event, fromMe bool) channel.Event {
	if s.kind == channel.Ignored {
		return ignored(e, s.reason)
	}
	if s.kind != channel.Received && s.target == "" {
		return ignored(e, "protocol") // it does not say of which message
	}
	e.Content = s.content
	if !fromMe {
		e.Kind, e.Target = s.kind, s.target
		if s.kind == channel.Received {
			e.Author = conversation.Customer
		}
		return e
	}
	if s.kind != channel.Received {
		// Somebody mended or took back what our side said: nothing to answer.
		return ignored(e, "protocol")
	}
	if strings.HasPrefix(s.content.Text, "\u200e") {
		// How Whaticket marks what it says by itself: greetings, menus, farewells.
		e.Author = conversation.System
		return ignored(e, "automation")
	}
	e.Kind, e.Author, e.ByPhone = channel.Said, conversation.Person, true
	return e
}
