package whaticket

import (
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/phone"
)

const (
	phoneDomain = "@s.whatsapp.net"
	lidDomain   = "@lid"
	// lidLength is the shortest LID seen. Some forks rename "@lid" to a phone's domain or
	// cut it off, so digits this long that fit no country's plan are taken for one.
	lidLength = 14
	// maxDial is the longest number that can be dialled (E.164).
	maxDial = 15
	// groupPrefix starts the id of every newer group, also where its domain was cut off.
	groupPrefix = "120363"
)

// person is whom a payload is about.
type person struct {
	phone  string // canonical; "" when no number given is a phone
	lid    string
	raw    string // digits that are neither
	page   string // the id of a person on a page (Facebook, Instagram)
	dial   string // digits to send to; never a LID
	chat   string // the chat's JID, the same for each way to write it
	reason string // why there is no person to answer: group, status…
}

// person reads a chat's JID, or a number as people write it, and whatever else the payload
// gives for the same person. The first value decides whether it is a person at all.
func (c *Channel) person(chat string, others ...string) person {
	var p person
	if p.reason = notAPerson(chat); p.reason != "" {
		p.chat = clean(chat, maxShort)
		return p
	}
	for _, raw := range append([]string{chat}, others...) {
		if raw == "" || notAPerson(raw) != "" {
			continue
		}
		digits := phone.Digits(raw)
		if digits == "" {
			continue
		}
		canonical, isPhone := phone.Canonical(raw, c.country)
		switch {
		case strings.HasSuffix(strings.ToLower(raw), lidDomain):
			p.lid = first(p.lid, digits)
		case isPhone:
			if p.phone == "" {
				p.phone, p.dial = canonical, dialled(raw, digits, canonical)
			}
		case len(digits) >= lidLength && len(digits) <= maxDial:
			p.lid = first(p.lid, digits)
		case p.raw == "":
			p.raw = digits
		}
	}
	if p.phone != "" {
		p.raw = ""
	}
	if p.dial == "" && len(p.raw) <= maxDial {
		p.dial = p.raw
	}
	switch {
	case p.dial != "":
		p.chat = p.dial + phoneDomain
	case p.lid != "":
		p.chat = p.lid + lidDomain
	case p.raw != "":
		p.chat = p.raw
	}
	return p
}

// dialled returns the digits to answer to: those received, since WhatsApp knows a person
// under the form it gave us. Only a country code that was left out is put in front: without
// it they are somebody else's number.
func dialled(raw, digits, canonical string) string {
	if _, ok := phone.Canonical(raw, ""); ok {
		return digits
	}
	return strings.TrimPrefix(canonical, "+")
}

// onPage is a person whom a page knows by an id of its own.
func onPage(channelName, id string) person {
	return person{page: id, chat: clean(channelName+":"+id, maxShort)}
}

// fill writes the person into an event.
func (p person) fill(e *channel.Event, name string) {
	e.Contact.Name = name
	for _, id := range []channel.Identity{
		{Kind: channel.Phone, Value: p.phone},
		{Kind: channel.LID, Value: p.lid},
		{Kind: channel.ChannelID, Value: p.page},
		{Kind: channel.RawNumber, Value: p.raw},
	} {
		if id.Value != "" {
			e.Contact.Identities = append(e.Contact.Identities, id)
		}
	}
	e.Chat, e.Address.To = p.chat, p.dial
}

// notAPerson gives the reason for which a chat is not answered; "" for a person.
func notAPerson(jid string) string {
	local, domain, isJID := strings.Cut(strings.ToLower(strings.TrimSpace(jid)), "@")
	if !isJID {
		if strings.HasPrefix(local, groupPrefix) && len(local) > maxDial {
			return "group"
		}
		return ""
	}
	switch domain {
	case "s.whatsapp.net", "c.us", "lid":
		return ""
	case "g.us":
		return "group"
	case "broadcast":
		if local == "status" {
			return "status"
		}
		return "broadcast"
	case "newsletter", "bot":
		return domain
	case "hosted", "hosted.lid":
		return "hosted"
	}
	return "unknown_chat"
}
