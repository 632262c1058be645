package whaticket

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/phone"
	"secretaria/internal/render"
)

// maxSend is the longest body sent, in bytes: community answers 500 for ever to a request
// above 100 kB, and WhatsApp takes 65,536 characters.
const maxSend = 60_000

// Do implements channel.Channel.
func (c *Channel) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	if !c.Supports(o.Kind) {
		return channel.Receipt{}, fault.New(fault.Unsupported, "not supported")
	}
	var (
		resp *httpclient.Response
		err  error
	)
	if o.Kind == channel.Say {
		resp, err = c.say(ctx, o)
	} else {
		resp, err = c.handOver(ctx, o)
	}
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("whaticket %s: %w", o.Kind, err)
	}
	return channel.Receipt{Status: resp.Status}, nil
}

// say sends text by the static token to a number where it can, else by the JWT to a ticket.
// Whaticket's answer holds no message id.
//
// Nothing is quoted, although some forks take a quotedMsg: community refuses the whole message
// when the quoted one is not among the last that it has loaded, and Baileys forks fail on
// one without words of its own. A quote is a courtesy, and no answer is worth losing for it.
func (c *Channel) say(ctx context.Context, o channel.Order) (*httpclient.Response, error) {
	text := render.WhatsApp(o.Text)
	if blank(text) {
		// Whaticket would send it, as an empty bubble.
		return nil, fault.New(fault.Invalid, "empty text")
	}
	if len(text) > maxSend {
		return nil, fault.New(fault.Invalid, "text too long")
	}
	to := phone.Digits(o.Address.To)
	switch {
	case to != "" && !c.token.IsZero():
		return c.sayTo(ctx, to, text)
	case c.session == nil || to == "" && o.Address.Thread == "":
		return nil, fault.New(fault.Permanent, "no phone")
	}
	return c.sayIn(ctx, o.Address, text)
}

// sayTo sends to a number, with the static token. It must be JSON with two strings: other
// encodings are answered with 200 and sent nowhere, a numeric number with 500.
func (c *Channel) sayTo(ctx context.Context, to, text string) (*httpclient.Response, error) {
	payload, err := json.Marshal(struct {
		Number string `json:"number"`
		Body   string `json:"body"`
	}{to, text})
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	resp, err := c.request(ctx, http.MethodPost, sendPath, c.token.Reveal(), payload)
	if err != nil {
		return nil, err
	}
	return resp, failure(resp)
}

// sayIn sends to a ticket, with the JWT: to the one that came with the conversation, or,
// when that is gone or unknown, to the number's.
func (c *Channel) sayIn(ctx context.Context, to channel.Address, text string) (*httpclient.Response, error) {
	send := func(id string) (*httpclient.Response, error) {
		return c.call(ctx, http.MethodPost, "/messages/"+id, map[string]string{"body": text})
	}
	if id := ticketID(to.Thread); id != "" {
		resp, err := send(id)
		if !fault.Is(err, fault.NotFound) || to.To == "" {
			return resp, err
		}
	}
	t, err := c.findTicket(ctx, phone.Digits(to.To))
	if err == nil && (t == nil || t.closed()) {
		t, err = c.createTicket(ctx, phone.Digits(to.To))
	}
	if err != nil {
		return nil, err
	}
	return send(t.id)
}

// Reconcile implements channel.Channel. A message arrived when its ticket shows, from our
// side and since the first attempt, one with the same words. Asking marks the ticket read,
// which Whaticket offers no way around. A handoff arrived when a person has the ticket or
// it waits where it was put.
func (c *Channel) Reconcile(ctx context.Context, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	if c.session == nil || !c.Supports(o.Kind) {
		return channel.CannotTell, channel.Receipt{}, nil
	}
	verdict, receipt, err := c.reconcile(ctx, o)
	if err != nil {
		return channel.CannotTell, channel.Receipt{}, fmt.Errorf("whaticket reconcile %s: %w", o.Kind, err)
	}
	return verdict, receipt, nil
}

// reconcile returns CannotTell where there is no ticket to look into: not every fork keeps
// what its API sends in one.
func (c *Channel) reconcile(ctx context.Context, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	t, err := c.ticketOf(ctx, o.Address)
	if t == nil || fault.Is(err, fault.NotFound) {
		return channel.CannotTell, channel.Receipt{}, err
	}
	if err != nil {
		return channel.CannotTell, channel.Receipt{}, err
	}
	if o.Kind != channel.Say {
		want, err := c.assignment(o)
		if err == nil && !t.taken() && !want.met(t) {
			return channel.Absent, channel.Receipt{}, nil
		}
		return channel.Arrived, channel.Receipt{Status: http.StatusOK}, err
	}
	key, found, err := c.findMessage(ctx, t.id, sameWords(render.WhatsApp(o.Text)), o.Since)
	switch {
	case err != nil:
		return channel.CannotTell, channel.Receipt{}, err
	case !found:
		return channel.Absent, channel.Receipt{}, nil
	}
	return channel.Arrived, channel.Receipt{Key: key, Status: http.StatusOK}, nil
}

// sameWords is a text without what Whaticket puts around it.
func sameWords(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\u200e", ""))
}

// Probe implements channel.Channel. With a JWT it asks whether the WhatsApp connection is
// up; the static token opens nothing that could be read, so without one any answer will do
// that does not come from a proxy in front of a dead Whaticket.
func (c *Channel) Probe(ctx context.Context) error {
	if !c.Supports(channel.Say) {
		return fault.New(fault.Unsupported, "not configured")
	}
	if c.session == nil {
		resp, err := c.request(ctx, http.MethodGet, "/", "", nil)
		if err != nil {
			return fmt.Errorf("probe whaticket: %w", err)
		}
		if resp.Status >= 502 && resp.Status <= 504 {
			return fmt.Errorf("probe whaticket: %w", harmless(failure(resp)))
		}
		return nil
	}
	resp, err := c.call(ctx, http.MethodGet, "/whatsapp/", nil)
	if err != nil {
		return fmt.Errorf("probe whaticket: %w", harmless(err))
	}
	v, err := decode(resp.Body)
	list, ok := v.([]any)
	if err != nil || !ok {
		return fmt.Errorf("probe whaticket: %w", &fault.Error{Kind: fault.Permanent, Code: "unexpected answer", Status: resp.Status})
	}
	for _, item := range list {
		m, _ := item.(map[string]any)
		if object(m).text("status") == "CONNECTED" {
			return nil
		}
	}
	return fmt.Errorf("probe whaticket: %w", fault.New(fault.Transient, "no WhatsApp connection is up"))
}
