package chatwoot

import (
	"encoding/json"
	"net/url"
	"path"
	"strconv"
	"strings"

	"secretaria/internal/conversation"
)

// content reads what a message consists of. A message without words and without an
// attachment is one whose media Chatwoot could not fetch: kind Unknown, so that the
// customer is asked to write.
func content(o object) (conversation.Content, error) {
	var c conversation.Content
	switch v := o["content"].(type) {
	case nil:
	case string:
		c.Text = clean(v, maxText)
	case json.Number:
		c.Text = clean(v.String(), maxText)
	default:
		return c, invalid("content", "string expected")
	}
	if strings.TrimSpace(c.Text) == "" {
		c.Text = ""
	}
	c.Quoted = o.object("content_attributes").id("in_reply_to")

	var first object
	count := 0
	for _, a := range o.list("attachments") {
		if a := asObject(a); a != nil { // an element can be null
			count++
			if first == nil {
				first = a
			}
		}
	}
	switch {
	case first != nil:
		attach(&c, first)
		if count > 1 {
			c.Detail["attachments"] = strconv.Itoa(count)
		}
		if c.Text == "" {
			c.Text = transcription(o)
		}
	case c.Text != "":
		c.Kind = conversation.Text
	default:
		c.Kind = conversation.Unknown
	}
	if o.text("content_type", maxWord) == "sticker" {
		c.Kind = conversation.Sticker
	}
	return c, nil
}

// attach adds an attachment to the content.
func attach(c *conversation.Content, a object) {
	c.Detail = map[string]string{}
	put := func(key, value string) {
		if value != "" {
			c.Detail[key] = value
		}
	}
	link := a.text("data_url", maxURL)
	put("url", link)
	put("mime", a.text("content_type", maxWord))

	title := a.text("fallback_title", maxName)
	switch kind := a.text("file_type", maxWord); kind {
	case "image":
		c.Kind = conversation.Image
	case "audio":
		c.Kind = conversation.Audio
	case "video", "ig_reel":
		c.Kind = conversation.Video
	case "file":
		c.Kind = conversation.Document
	case "location":
		c.Kind = conversation.Location
		put("latitude", a.number("coordinates_lat"))
		put("longitude", a.number("coordinates_long"))
		if c.Text == "" {
			c.Text = title
		}
	case "contact":
		c.Kind = conversation.Contact
		put("phone", title)
		if c.Text == "" {
			c.Text = cardName(a.object("meta"))
		}
		if c.Text == "" {
			c.Text = title
		}
	case "ig_story", "ig_post", "story_mention":
		c.Kind = conversation.Image // or a video; there is a picture of it either way
	default:
		// share, fallback, embed and what is new: a link to somewhere else, perhaps with a title.
		if c.Text == "" {
			c.Text = title
		}
		c.Kind = conversation.Unknown
		if c.Text != "" {
			c.Kind = conversation.Text
		}
	}
	switch c.Kind {
	case conversation.Image, conversation.Audio, conversation.Video, conversation.Document:
		put("file_name", fileName(link))
	}
}

// fileName is the last element of Chatwoot's own download links.
func fileName(link string) string {
	u, err := url.Parse(link)
	if err != nil || !strings.Contains(u.Path, "/rails/active_storage/") {
		return ""
	}
	return clean(path.Base(u.Path), maxName)
}

// cardName reads the name on a contact card; channels write it differently.
func cardName(meta object) string {
	for _, keys := range [][2]string{{"formatted_name", ""}, {"firstName", "lastName"}, {"first_name", "last_name"}, {"name", ""}} {
		if name := strings.TrimSpace(meta.text(keys[0], maxName) + " " + meta.text(keys[1], maxName)); name != "" {
			return name
		}
	}
	return ""
}

// transcription returns the words of the first attachment that has some (Enterprise).
func transcription(o object) string {
	for _, a := range o.list("attachments") {
		if words := asObject(a).text("transcribed_text", maxText); strings.TrimSpace(words) != "" {
			return words
		}
	}
	return ""
}

// submitted reads what the customer chose or filled in on an interactive message of the
// web widget. A CSAT answer is no turn of the conversation.
func submitted(o, attributes object) (conversation.Content, bool) {
	if o.text("content_type", maxWord) == "input_csat" {
		return conversation.Content{}, false
	}
	c := conversation.Content{Kind: conversation.Text}
	var lines []string
	values := attributes.list("submitted_values")
	for _, v := range values {
		v := asObject(v)
		title, name, value := v.text("title", maxText), v.text("name", maxName), v.text("value", maxText)
		switch {
		case title != "":
			lines = append(lines, title)
		case name != "" && value != "":
			lines = append(lines, name+": "+value)
		case value != "":
			lines = append(lines, value)
		}
		if len(values) == 1 && name == "" {
			c.ChoiceID = clean(value, maxName)
		}
	}
	if mail := attributes.text("submitted_email", maxName); mail != "" {
		lines = append(lines, mail)
	}
	c.Text = clean(strings.Join(lines, "\n"), maxText)
	return c, strings.TrimSpace(c.Text) != ""
}
