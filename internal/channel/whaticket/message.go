package whaticket

import (
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
)

// wrappers hold the real message in their own "message", possibly in each other.
var wrappers = []string{
	"ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension",
	"documentWithCaptionMessage", "editedMessage", "deviceSentMessage", "lottieStickerMessage",
}

// maxPeel bounds how many wrappers are taken off.
const maxPeel = 8

// beside are keys that come with a message or for the phone alone; they say nothing.
var beside = map[string]bool{"messageContextInfo": true, "senderKeyDistributionMessage": true, "base64": true}

// readMessage reads the content of a Baileys message (proto.IMessage as JSON). key is the
// message's own id, which some edits carry instead of the edited one's.
func readMessage(m object, key string) (said, error) {
	return readPeeled(m, key, "message", false, 0)
}

func readPeeled(m object, key, path string, edited bool, depth int) (said, error) {
	for _, w := range wrappers {
		inner := m.path(w, "message")
		if inner == nil || depth >= maxPeel {
			continue
		}
		return readPeeled(inner, key, path+"."+w+".message", edited || w == "editedMessage", depth+1)
	}
	if p := m.object("protocolMessage"); p != nil {
		return readProtocol(p, key, path+".protocolMessage", depth)
	}
	s, err := readKind(m, path)
	if err != nil || !edited || s.kind != channel.Received {
		return s, err
	}
	return edit(s, key), nil
}

// edit makes of a message one that replaces target.
func edit(s said, target string) said {
	if target == "" || blank(s.content.Text) {
		return said{kind: channel.Ignored, reason: "protocol"}
	}
	s.kind, s.target = channel.Edited, target
	return s
}

// readProtocol reads what is said about messages instead of in one.
func readProtocol(p object, key, path string, depth int) (said, error) {
	target := first(p.object("key").id("id"), key)
	what := p.text("type")
	if what == "" {
		what = p.numeral("type")
	}
	switch what {
	case "REVOKE", "0":
		if target != "" {
			return said{kind: channel.Revoked, target: target, content: conversation.Content{Kind: conversation.Unknown}}, nil
		}
	case "MESSAGE_EDIT", "14":
		inner := p.object("editedMessage")
		if len(inner) == 0 || depth >= maxPeel {
			break
		}
		s, err := readPeeled(inner, key, path+".editedMessage", false, depth+1)
		if err != nil || s.kind != channel.Received {
			return s, err
		}
		return edit(s, target), nil
	}
	return said{kind: channel.Ignored, reason: "protocol"}, nil
}

// kinds reads each kind of message that has something to say to us.
var kinds = map[string]func(object) conversation.Content{
	"imageMessage":    media(conversation.Image),
	"videoMessage":    media(conversation.Video),
	"ptvMessage":      media(conversation.Video),
	"audioMessage":    media(conversation.Audio),
	"documentMessage": media(conversation.Document),
	"stickerMessage":  media(conversation.Sticker),
	"extendedTextMessage": func(o object) conversation.Content {
		return conversation.Content{Kind: conversation.Text, Text: o.text("text")}
	},
	"buttonsResponseMessage": func(o object) conversation.Content {
		return choice(o.text("selectedDisplayText"), o.id("selectedButtonId"))
	},
	"templateButtonReplyMessage": func(o object) conversation.Content {
		return choice(o.text("selectedDisplayText"), o.id("selectedId"))
	},
	"listResponseMessage": func(o object) conversation.Content {
		return choice(first(o.text("title"), o.text("description")), o.object("singleSelectReply").id("selectedRowId"))
	},
	"interactiveResponseMessage": func(o object) conversation.Content {
		// The parameters are JSON inside a string.
		params, _ := decode([]byte(o.object("nativeFlowResponseMessage").text("paramsJson")))
		p, _ := params.(map[string]any)
		return choice(o.object("body").text("text"), object(p).id("id"))
	},
	"locationMessage":     location,
	"liveLocationMessage": location,
	"contactMessage": func(o object) conversation.Content {
		return conversation.Content{Kind: conversation.Contact, Text: o.text("displayName")}
	},
	"contactsArrayMessage": func(o object) conversation.Content {
		return conversation.Content{Kind: conversation.Contact, Text: o.text("displayName")}
	},
	"orderMessage": func(o object) conversation.Content {
		return conversation.Content{Kind: conversation.Order, Text: o.text("message")}
	},
	"pollCreationMessage":   poll,
	"pollCreationMessageV2": poll,
	"pollCreationMessageV3": poll,
	"pollUpdateMessage": func(object) conversation.Content {
		return conversation.Content{Kind: conversation.Poll} // the vote is encrypted
	},
}

// notices are no messages to answer.
var notices = []struct{ key, reason string }{
	{"reactionMessage", "reaction"}, {"encReactionMessage", "reaction"},
	{"protocolMessage", "protocol"}, {"keepInChatMessage", "protocol"}, {"pinInChatMessage", "protocol"},
}

// readKind reads a message without wrappers. A null field is an absent one: some
// serialisers write every kind that there is.
func readKind(m object, path string) (said, error) {
	received := func(c conversation.Content) (said, error) {
		if c.Kind == conversation.Text && blank(c.Text) {
			return said{kind: channel.Ignored, reason: "empty"}, nil
		}
		return said{kind: channel.Received, content: c}, nil
	}
	rest := 0
	for key := range m {
		if m.has(key) && key != "conversation" && !beside[key] {
			rest++
		}
	}
	if m.has("conversation") {
		if _, ok := m["conversation"].(string); !ok {
			return said{}, invalid(path + ".conversation: not a string")
		}
		// Empty beside another kind, it is a serialiser's default.
		if text := m.text("conversation"); rest == 0 || !blank(text) {
			return received(conversation.Content{Kind: conversation.Text, Text: text})
		}
	}
	for _, n := range notices {
		if m.has(n.key) {
			return said{kind: channel.Ignored, reason: n.reason}, nil
		}
	}
	for _, key := range order {
		if !m.has(key) {
			continue
		}
		o := m.object(key)
		if o == nil {
			return said{}, invalid(path + "." + key + ": not an object")
		}
		c := kinds[key](o)
		c.Quoted = o.object("contextInfo").id("stanzaId")
		return received(c)
	}
	if rest > 0 {
		return received(conversation.Content{Kind: conversation.Unknown})
	}
	for key := range m {
		if m.has(key) {
			return said{kind: channel.Ignored, reason: "protocol"}, nil // keys for the phone, no message
		}
	}
	return said{}, invalid(path + ": empty")
}

// order is the order in which kinds are looked for, so that the same body always reads the
// same; a message has one of them.
var order = []string{
	"extendedTextMessage", "buttonsResponseMessage", "templateButtonReplyMessage", "listResponseMessage",
	"interactiveResponseMessage", "imageMessage", "videoMessage", "ptvMessage", "audioMessage",
	"documentMessage", "stickerMessage", "locationMessage", "liveLocationMessage", "contactMessage",
	"contactsArrayMessage", "orderMessage", "pollCreationMessage", "pollCreationMessageV2",
	"pollCreationMessageV3", "pollUpdateMessage",
}

func media(kind conversation.Kind) func(object) conversation.Content {
	return func(o object) conversation.Content {
		c := conversation.Content{Kind: kind, Text: o.text("caption"), Detail: details(
			"mime", o.short("mimetype"), "seconds", o.numeral("seconds"),
			"file_name", first(o.short("fileName"), o.short("title")), "url", link(o.text("url")),
		)}
		if kind == conversation.Audio || kind == conversation.Sticker {
			c.Text = ""
		}
		if blank(c.Text) {
			c.Text = ""
		}
		return c
	}
}

// choice is a button or a row that was chosen: its words, or its id where it has none.
func choice(text, id string) conversation.Content {
	if blank(text) {
		text = id
	}
	if text == "" {
		return conversation.Content{Kind: conversation.Unknown}
	}
	return conversation.Content{Kind: conversation.Text, Text: text, ChoiceID: id}
}

func location(o object) conversation.Content {
	return conversation.Content{
		Kind: conversation.Location,
		Text: first(o.text("name"), o.text("caption"), o.text("address")),
		Detail: details("latitude", o.numeral("degreesLatitude"), "longitude", o.numeral("degreesLongitude"),
			"address", o.short("address")),
	}
}

func poll(o object) conversation.Content {
	return conversation.Content{Kind: conversation.Poll, Text: o.text("name")}
}

// details makes a map of pairs, without the empty ones; nil when all are empty.
func details(pairs ...string) map[string]string {
	var m map[string]string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if m == nil {
			m = map[string]string{}
		}
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// link returns a web address, "" for anything else and for one too long to be kept whole.
func link(s string) string {
	if len(s) > 2048 || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return ""
	}
	return s
}
