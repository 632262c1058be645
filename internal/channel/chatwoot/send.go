package chatwoot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/render"
	"secretaria/internal/secret"
)

// maxAttribute is the longest text that Chatwoot stores in a custom attribute, in characters.
const maxAttribute = 1500

// Do implements channel.Channel. Saying and noting create something and may end Uncertain;
// everything else can be done again without harm and ends Transient instead.
func (c *Channel) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	if !c.Supports(o.Kind) {
		return channel.Receipt{}, fault.New(fault.Unsupported, causeNotConfigured)
	}
	path, err := conversationPath(o.Address.Thread)
	if err != nil {
		return channel.Receipt{}, err
	}
	var r channel.Receipt
	switch o.Kind {
	case channel.Say:
		r, err = c.create(ctx, path, o, false)
	case channel.Note:
		r, err = c.create(ctx, path, o, true)
	case channel.Labels:
		r, err = c.label(ctx, path, o.Labels)
	case channel.Attributes:
		r, err = c.attribute(ctx, path, o.Attributes)
	case channel.Assign:
		r, err = c.assign(ctx, path, o.Team, o.Person)
	case channel.OpenUp:
		r, err = c.setStatus(ctx, path, conversation.Open)
	case channel.Pend:
		r, err = c.pend(ctx, path)
	case channel.Typing:
		r, err = c.post(ctx, path+"/toggle_typing_status", typingBody{TypingStatus: "on"})
	}
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("%s in chatwoot: %w", o.Kind, err)
	}
	return r, nil
}

type messageBody struct {
	Content           string            `json:"content"`
	MessageType       string            `json:"message_type"`
	Private           bool              `json:"private"`
	ContentType       string            `json:"content_type"`
	ContentAttributes messageAttributes `json:"content_attributes"`
}

type messageAttributes struct {
	Delivery  string `json:"secretaria_delivery"`
	InReplyTo int64  `json:"in_reply_to,omitempty"`
}

// create writes a message or a private note. Both are rendered as Liquid templates by
// Chatwoot, which render.CommonMark takes care of. source_id is never set: Chatwoot would
// then keep the message and not send it.
func (c *Channel) create(ctx context.Context, path string, o channel.Order, private bool) (channel.Receipt, error) {
	// Cleaned before it is rendered: a NUL taken out afterwards could make "{{" of "{\x00{".
	body := messageBody{
		Content: truncate(render.CommonMark(clean(o.Text, maxText)), maxText), MessageType: outgoing, Private: private, ContentType: "text",
		ContentAttributes: messageAttributes{Delivery: string(o.Delivery)},
	}
	if strings.TrimSpace(body.Content) == "" {
		return channel.Receipt{}, invalid("text", "required")
	}
	// A quote is a courtesy: what is no message id is left out.
	if isID(o.ReplyTo) {
		body.ContentAttributes.InReplyTo, _ = strconv.ParseInt(o.ReplyTo, 10, 64)
	}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: path + "/messages", token: c.token, body: body, creates: true})
	if err != nil {
		return channel.Receipt{}, err
	}
	v, err := value(resp.Body)
	m := asObject(v)
	if err != nil || m.id("id") == "" {
		return channel.Receipt{}, &fault.Error{Kind: fault.Uncertain, Code: causeUnreadable, Status: resp.Status}
	}
	return receipt(m, resp.Status), nil
}

// receipt reads a message as the REST API shows it.
func receipt(m object, status int) channel.Receipt {
	r := channel.Receipt{Key: m.id("id"), Status: status}
	if sender := m.object("sender"); sender.text("type", maxWord) == "agent_bot" {
		r.SelfID = sender.id("id")
	}
	return r
}

// post makes a call that may be repeated and whose answer says nothing.
func (c *Channel) post(ctx context.Context, path string, body any) (channel.Receipt, error) {
	resp, err := c.do(ctx, call{method: http.MethodPost, path: path, token: c.token, body: body})
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Status: resp.Status}, nil
}

// read makes a reading call and expects an object.
func (c *Channel) read(ctx context.Context, token secret.String, path, query string) (object, int, error) {
	resp, err := c.do(ctx, call{method: http.MethodGet, path: path, query: query, token: token})
	if err != nil {
		return nil, fault.StatusOf(err), err
	}
	v, err := value(resp.Body)
	if o := asObject(v); err == nil && o != nil {
		return o, resp.Status, nil
	}
	return nil, resp.Status, &fault.Error{Kind: fault.Permanent, Code: causeUnexpected, Status: resp.Status}
}

type typingBody struct {
	TypingStatus string `json:"typing_status"`
	IsPrivate    bool   `json:"is_private"`
}

type labelsBody struct {
	Labels []string `json:"labels"`
}

// writes bounds how often something is merged anew, because somebody else wrote in the
// same moment and replaced it with what they had read before.
const writes = 2

// merge reads, adds what is missing, writes, and looks whether it is still there. Chatwoot only knows
// how to replace a whole set, so that without having read it nothing is written. Nothing is
// written either when nothing is new: every write is an event to every bot.
func (c *Channel) merge(ctx context.Context, path string, missing func() (body any, status int, err error)) (channel.Receipt, error) {
	r := channel.Receipt{}
	for n := 0; ; n++ {
		body, status, err := missing()
		switch {
		case err != nil && n == 0:
			return channel.Receipt{}, err
		case n == 0 && body == nil:
			return channel.Receipt{Status: status}, nil
		case err != nil || body == nil || n == writes:
			return r, nil // it was written; who writes all the time has the last word
		}
		if r, err = c.post(ctx, path, body); err != nil {
			return channel.Receipt{}, err
		}
	}
}

// label adds labels.
func (c *Channel) label(ctx context.Context, path string, add []string) (channel.Receipt, error) {
	return c.merge(ctx, path+"/labels", func() (any, int, error) {
		o, status, err := c.read(ctx, c.token, path+"/labels", "")
		if err != nil {
			return nil, status, err
		}
		present, ok := o["payload"].([]any)
		if !ok {
			return nil, status, &fault.Error{Kind: fault.Permanent, Code: causeUnexpected, Status: status}
		}
		body := labelsBody{Labels: []string{}}
		for _, l := range present {
			if s, ok := l.(string); ok {
				body.Labels = append(body.Labels, s)
			}
		}
		before := len(body.Labels)
		for _, l := range add {
			for l := range strings.SplitSeq(l, ",") { // Chatwoot's own separator
				l = strings.TrimSpace(clean(l, maxName))
				known := slices.ContainsFunc(body.Labels, func(have string) bool { return strings.EqualFold(have, l) })
				if l != "" && !known {
					body.Labels = append(body.Labels, l)
				}
			}
		}
		if len(body.Labels) == before {
			return nil, status, nil
		}
		return body, status, nil
	})
}

type attributesBody struct {
	CustomAttributes map[string]any `json:"custom_attributes"`
	// Merge is known to newer versions only; the older ones ignore it and replace the
	// whole object, which is why it holds everything.
	Merge bool `json:"merge"`
}

// attribute merges custom attributes. What is there is read first, from GET conversation:
// with the bot token (Chatwoot ≥ 4.14.2), else with the user token. Where neither may read,
// nothing is written, since older versions would lose what other people's automations keep
// there; that includes the 500 with which Chatwoot answers for a conversation with a team
// (until the fix of #15612), which another try does not heal while a handoff waits behind it.
func (c *Channel) attribute(ctx context.Context, path string, add map[string]string) (channel.Receipt, error) {
	return c.merge(ctx, path+"/custom_attributes", func() (any, int, error) {
		o, status, err := c.conversationNow(ctx, path)
		if err != nil {
			if fault.StatusOf(err) == http.StatusInternalServerError {
				err = &fault.Error{Kind: fault.Permanent, Code: causeNoAttributes, Status: status}
			}
			return nil, status, err
		}
		present, told := o["custom_attributes"]
		all := o.object("custom_attributes")
		if !told || present != nil && all == nil {
			return nil, status, &fault.Error{Kind: fault.Permanent, Code: causeNoAttributes, Status: status}
		}
		merged := map[string]any{}
		for k, v := range all {
			merged[k] = v
		}
		changed := false
		for k, v := range add {
			v = clean(v, maxAttribute)
			if n, ok := merged[k].(json.Number); ok && n.String() == v || merged[k] == v {
				continue
			}
			merged[k], changed = v, true
		}
		if !changed {
			return nil, status, nil
		}
		return attributesBody{CustomAttributes: merged, Merge: true}, status, nil
	})
}

// conversationNow reads a conversation with the bot token or, where that is not allowed or
// does not work, with the user token. The error is the bot token's.
func (c *Channel) conversationNow(ctx context.Context, path string) (object, int, error) {
	o, status, err := c.read(ctx, c.token, path, "")
	if err == nil || c.user.IsZero() {
		return o, status, err
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError:
		if o, status, err := c.read(ctx, c.user, path, ""); err == nil {
			return o, status, nil
		}
	}
	return nil, status, err
}

// assign gives the conversation to a team, to a person, or to both one after the other:
// in one call the person would win. An id that Chatwoot does not know unassigns silently
// and is answered 200 with null.
func (c *Channel) assign(ctx context.Context, path, team, person string) (channel.Receipt, error) {
	if team == "" && person == "" {
		return channel.Receipt{}, invalid("assign", "team or person required")
	}
	if team != "" && !isID(team) {
		return channel.Receipt{}, invalid("team", "number expected")
	}
	if person != "" && !isID(person) {
		return channel.Receipt{}, invalid("person", "number expected")
	}
	var r channel.Receipt
	for _, to := range []struct{ key, id string }{{"team_id", team}, {"assignee_id", person}} {
		if to.id == "" {
			continue
		}
		resp, err := c.do(ctx, call{
			method: http.MethodPost, path: path + "/assignments", token: c.token,
			body: map[string]json.Number{to.key: json.Number(to.id)},
		})
		if err != nil {
			return channel.Receipt{}, err
		}
		v, err := value(resp.Body)
		if err != nil && len(strings.TrimSpace(string(resp.Body))) > 0 {
			return channel.Receipt{}, &fault.Error{Kind: fault.Permanent, Code: causeUnexpected, Status: resp.Status}
		}
		if asObject(v) == nil {
			return channel.Receipt{}, &fault.Error{Kind: fault.Permanent, Code: causeNoAssignee, Status: resp.Status}
		}
		r.Status = resp.Status
	}
	return r, nil
}

type statusBody struct {
	Status string `json:"status"`
}

// setStatus names the status always, since the call toggles without it. current_status is
// what counts: success is null when a bot hands off.
func (c *Channel) setStatus(ctx context.Context, path string, status conversation.Status) (channel.Receipt, error) {
	resp, err := c.do(ctx, call{method: http.MethodPost, path: path + "/toggle_status", token: c.token, body: statusBody{Status: string(status)}})
	if err != nil {
		return channel.Receipt{}, err
	}
	v, err := value(resp.Body)
	if err != nil || asObject(v).object("payload").text("current_status", maxWord) != string(status) {
		return channel.Receipt{}, &fault.Error{Kind: fault.Transient, Code: causeStatus, Status: resp.Status}
	}
	return channel.Receipt{Status: resp.Status}, nil
}

// pend gives the conversation back to the bot. It is taken from its person first: what is
// pending and assigned to a person is that person's.
func (c *Channel) pend(ctx context.Context, path string) (channel.Receipt, error) {
	// The dashboard's own id for nobody; it is answered with null.
	if _, err := c.post(ctx, path+"/assignments", map[string]int{"assignee_id": 0}); err != nil {
		return channel.Receipt{}, err
	}
	return c.setStatus(ctx, path, conversation.Pending)
}
