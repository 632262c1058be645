package chatwoot

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// causeNoStrangers is the code of an inbox in which no Customer can be played.
const causeNoStrangers = "strangers_cannot_write"

// Customer is a customer that Admin plays, to see an answer come. One goroutine uses it at a
// time.
type Customer struct {
	admin   *Admin
	account string
	inbox   AdminInbox
	name    string

	contact      string        // its number in the account; "" where Chatwoot does not tell it
	source       string        // what it is called in the inbox
	visitor      secret.String // of a website; else none
	conversation string        // its number, once it has begun
	left         bool
}

// Customer plays a customer of an inbox that lets strangers write: those of kind KindAPI and
// KindWebsite. For all others, and those that want customers identified, it is
// fault.Unsupported. The call makes the customer known to Chatwoot, under that name; Leave
// takes it away again.
func (a *Admin) Customer(ctx context.Context, account string, in AdminInbox, name string) (*Customer, error) {
	c := &Customer{admin: a, account: account, inbox: in, name: strings.TrimSpace(name)}
	if !isID(account) || c.name == "" {
		return nil, invalid("customer", "account and name expected")
	}
	var err error
	switch {
	case in.Identified:
		err = fault.New(fault.Unsupported, causeNoStrangers)
	case in.Kind == KindAPI && isWord(in.Identifier):
		err = c.register(ctx)
	case in.Kind == KindWebsite && isWord(in.WebsiteToken):
		err = c.visit(ctx)
	default:
		err = fault.New(fault.Unsupported, causeNoStrangers)
	}
	if err != nil {
		return nil, fmt.Errorf("play a customer of chatwoot: %w", err)
	}
	return c, nil
}

// register makes a contact of an API inbox.
func (c *Customer) register(ctx context.Context) error {
	o, err := c.ask(ctx, call{method: http.MethodPost, path: c.door(), body: map[string]string{"name": c.name}, creates: true})
	if err != nil {
		return err
	}
	c.contact, c.source = o.id("id"), o.word("source_id")
	if c.source == "" {
		return fault.New(fault.Permanent, causeUnreadable)
	}
	return nil
}

// visit opens the chat of a website, as its script does, and gives the visitor a name.
func (c *Customer) visit(ctx context.Context) error {
	o, err := c.ask(ctx, c.widget(http.MethodPost, "/config", map[string]string{"website_token": c.inbox.WebsiteToken}))
	if err != nil {
		return err
	}
	if c.visitor = o.object("website_channel_config").secret("auth_token"); c.visitor.IsZero() {
		return fault.New(fault.Permanent, causeUnreadable)
	}
	c.contact, c.source = o.object("contact").id("id"), sourceOf(c.visitor.Reveal())
	_, err = c.do(ctx, c.widget(http.MethodPatch, "/contact", map[string]string{"website_token": c.inbox.WebsiteToken, "name": c.name}))
	if answeredNo(err) {
		return nil // it keeps the name that Chatwoot made up, and stays when it leaves
	}
	return err
}

// sourceOf is what a visitor's token (a JWT) says the visitor is called in the inbox. Nobody
// has to be convinced of it: it is compared with what the administrator is shown.
func sourceOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	v, err := value(raw)
	if err != nil {
		return ""
	}
	return asObject(v).word("source_id")
}

// door is the path of an API inbox's customers.
func (c *Customer) door() string { return "/public/api/v1/inboxes/" + c.inbox.Identifier + "/contacts" }

func (c *Customer) room() string {
	return c.door() + "/" + c.source + "/conversations/" + c.conversation + "/messages"
}

func (c *Customer) widget(method, path string, body any) call {
	return call{
		method: method, path: "/api/v1/widget" + path, query: url.Values{"website_token": {c.inbox.WebsiteToken}}.Encode(),
		visitor: c.visitor, body: body,
	}
}

// do makes a call as the customer, without the user's token.
func (c *Customer) do(ctx context.Context, k call) (*httpclient.Response, error) {
	resp, err := k.do(ctx, c.admin.client, c.admin.base)
	return resp, refusal(resp, err)
}

func (c *Customer) ask(ctx context.Context, k call) (object, error) {
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	return answered(resp, k.creates)
}

// Say writes a message as the customer, and returns the number of the conversation as the
// dashboard shows it. fault.Uncertain: it may have been said.
func (c *Customer) Say(ctx context.Context, text string) (conversation string, err error) {
	if strings.TrimSpace(text) == "" {
		return "", invalid("message", "empty")
	}
	if c.inbox.Kind == KindWebsite {
		k := c.widget(http.MethodPost, "/messages", map[string]any{"message": map[string]string{
			"content": text, "timestamp": time.Now().UTC().Format(time.RFC1123Z), "referer_url": "",
		}})
		k.creates = true
		o, err := c.ask(ctx, k)
		if err != nil {
			return "", fmt.Errorf("say something in chatwoot: %w", err)
		}
		c.conversation = cmp.Or(o.id("conversation_id"), c.conversation)
		if c.conversation == "" {
			return "", fmt.Errorf("say something in chatwoot: %w", fault.New(fault.Uncertain, causeUnreadable))
		}
		return c.conversation, nil
	}
	if c.conversation == "" {
		o, err := c.ask(ctx, call{method: http.MethodPost, path: c.door() + "/" + c.source + "/conversations", body: map[string]any{}, creates: true})
		if err == nil && o.id("id") == "" {
			err = fault.New(fault.Uncertain, causeUnreadable)
		}
		if err != nil {
			return "", fmt.Errorf("begin a conversation in chatwoot: %w", err)
		}
		c.conversation = o.id("id")
	}
	if _, err := c.ask(ctx, call{method: http.MethodPost, path: c.room(), body: map[string]string{"content": text}, creates: true}); err != nil {
		return "", fmt.Errorf("say something in chatwoot: %w", err)
	}
	return c.conversation, nil
}

// Heard returns what was answered, oldest first: the texts of public messages of bots, people
// and Chatwoot itself among the last 20 of the conversation.
func (c *Customer) Heard(ctx context.Context) ([]string, error) {
	if c.conversation == "" {
		return nil, nil
	}
	k := call{method: http.MethodGet, path: c.room()}
	if c.inbox.Kind == KindWebsite {
		k = c.widget(http.MethodGet, "/messages", nil)
	}
	resp, err := c.do(ctx, k)
	var list []object
	if err == nil {
		list, err = answeredList(resp)
	}
	if err != nil {
		return nil, fmt.Errorf("hear what chatwoot answers: %w", err)
	}
	return heard(list), nil
}

// heard are the answers among messages as customers are shown them.
func heard(list []object) []string {
	slices.SortStableFunc(list, func(a, b object) int { return cmp.Compare(number(a), number(b)) })
	var texts []string
	for _, o := range list {
		switch cmp.Or(o.number("message_type"), o.text("message_type", 20)) {
		case "1", "3", "outgoing", "template":
		default:
			continue
		}
		if text := paragraph(o.text("content", 4000)); text != "" && !o.flag("private") {
			texts = append(texts, text)
		}
	}
	return texts
}

func number(o object) int64 {
	n, _ := strconv.ParseInt(o.id("id"), 10, 64)
	return n
}

// paragraph is line for a text of several.
func paragraph(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s))
}

// Leave resolves the conversation, and removes the customer with it where the user may, so
// that nobody finds litter. Nothing to leave is no error; after it succeeded, another call
// does nothing.
func (c *Customer) Leave(ctx context.Context) error {
	if c.left {
		return nil
	}
	if c.conversation != "" {
		path, err := conversationPath(c.account + "/" + c.conversation)
		if err == nil {
			_, err = c.admin.do(ctx, call{method: http.MethodPost, path: path + "/toggle_status", body: map[string]string{"status": "resolved"}})
		}
		if err != nil && fault.Code(err) != causeUnknownThing {
			return fmt.Errorf("end a conversation in chatwoot: %w", err)
		}
	}
	if err := c.forget(ctx); err != nil {
		return fmt.Errorf("remove a customer from chatwoot: %w", err)
	}
	c.left = true
	return nil
}

// forget removes the contact. A number that is not what it is thought to be would be somebody
// else's, with all that they ever wrote: the contact of that number must bear the name and be
// the one that this inbox knows, or it stays.
func (c *Customer) forget(ctx context.Context) error {
	if c.contact == "" || c.source == "" {
		return nil
	}
	path := "/api/v1/accounts/" + c.account + "/contacts/" + c.contact
	told, err := c.admin.read(ctx, path)
	if err == nil {
		o := told.object("payload")
		ours := o.id("id") == c.contact && o.text("name", 200) == c.name && slices.ContainsFunc(o.list("contact_inboxes"), func(item any) bool {
			in := asObject(item)
			return in.text("source_id", 200) == c.source && in.object("inbox").id("id") == c.inbox.ID
		})
		if !ours {
			return nil
		}
		_, err = c.admin.do(ctx, call{method: http.MethodDelete, path: path})
	}
	if answeredNo(err) {
		return nil // it stays, resolved
	}
	return err
}
