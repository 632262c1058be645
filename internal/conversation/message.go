package conversation

import (
	"crypto/sha256"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Author says who said something.
type Author string

// The authors. System covers automations, greetings, campaigns and other bots.
const (
	Customer Author = "customer"
	Ours     Author = "bot"
	Person   Author = "person"
	System   Author = "system"
)

// Kind is what a message consists of. Text is anything that can be read as words: text,
// captions, button and list replies, a location's name, a contact's name.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Image    Kind = "image"
	Audio    Kind = "audio"
	Video    Kind = "video"
	Document Kind = "document"
	Sticker  Kind = "sticker"
	Location Kind = "location"
	Contact  Kind = "contact"
	Order    Kind = "order"
	Poll     Kind = "poll"
	Unknown  Kind = "unknown" // a kind that the channel has and we do not know yet
	// Result is what a workflow reported, by the author System: Text is its JSON, and Detail
	// holds "workflow", "status" ("done" or "failed") and "delivery". No customer reads it; the
	// desk answers it as it answers a message.
	Result Kind = "result"
)

// Content is what was said, without who and when.
type Content struct {
	Kind Kind `json:"kind"`
	// Text is valid UTF-8, "" when there are no words. A caption counts.
	Text string `json:"text,omitempty"`
	// ChoiceID is the id behind a button or a list row that the customer chose.
	ChoiceID string `json:"choice_id,omitempty"`
	// Quoted is the channel's id of the message this one answers.
	Quoted string `json:"quoted,omitempty"`
	// Detail holds what the kind needs besides words, as the channel gave it and bounded:
	// "mime", "seconds", "file_name", "latitude", "longitude", "url".
	Detail map[string]string `json:"detail,omitempty"`
}

// Readable says whether there are words to answer to.
func (c Content) Readable() bool { return c.Text != "" }

// Message is something that was said in a conversation.
type Message struct {
	ID           MessageID
	Conversation ID
	Author       Author
	Content      Content
	// Key is the channel's id of the message, unique within the chat; "" for our own
	// messages until the helpdesk told it.
	Key      string
	Delivery DeliveryID // of our own messages
	SaidAt   time.Time  // by the channel's clock
	At       time.Time  // when we stored it
	Turn     TurnID     // the turn that answered it; 0 while it is pending or needs none
	Revoked  bool
}

// Fingerprint identifies words by their letters and digits alone, so that a text is known
// again after a channel has rendered it; a text that has none by its signs (a heart is an
// answer too). Nil when there is nothing to see.
func Fingerprint(text string) []byte {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	if !strings.ContainsFunc(text, word) {
		// Variation selectors and marks of direction come and go on the way.
		word = func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) }
	}
	h := sha256.New()
	some := false
	var buf [utf8.UTFMax]byte
	for _, r := range text {
		if word(r) {
			some = true
			h.Write(buf[:utf8.EncodeRune(buf[:], unicode.ToLower(r))])
		}
	}
	if !some {
		return nil
	}
	return h.Sum(nil)[:16]
}
