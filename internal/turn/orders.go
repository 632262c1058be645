package turn

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/render"
)

// A bubble after the first comes when a person who types fast would have written it.
const (
	perCharacter = 40 * time.Millisecond
	minPause     = 800 * time.Millisecond
	maxPause     = 4 * time.Second
)

// pause is how long a bubble waits after the one before it.
func pause(bubble string) time.Duration {
	return min(max(time.Duration(utf8.RuneCountInString(bubble))*perCharacter, minPause), maxPause)
}

// orders turns a decision into deliveries, in the order in which they must go out: what the
// customer reads, then what people need, and the status that shows it to them. Workflows
// come last: no change of hands calls them off, and people must not wait for them.
func orders(inbox Inbox, d agent.Decision) ([]channel.Order, error) {
	var out []channel.Order
	var errs error
	add := func(o channel.Order) {
		if !inbox.Supports(o.Kind) && o.Kind != channel.Say && o.Kind != channel.Call {
			return
		}
		id, err := uuid.NewV7()
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("make delivery id: %w", err))
		}
		o.Delivery = conversation.DeliveryID(id.String())
		out = append(out, o)
	}
	for _, reply := range d.Replies {
		for i, bubble := range render.Split(reply.Text, render.DefaultLimit) {
			o := channel.Order{Kind: channel.Say, Text: bubble}
			if i == 0 {
				o.ReplyTo = reply.Quote
			}
			if len(out) > 0 {
				o.Pause = pause(bubble)
			}
			add(o)
		}
	}
	h := d.Handoff
	if h == nil {
		h = &agent.Handoff{Note: d.Note, Attributes: d.Attributes, Labels: d.Labels}
	}
	if h.Note != "" || d.Handoff != nil {
		add(channel.Order{Kind: channel.Note, Text: h.Note})
	}
	if len(h.Attributes) > 0 {
		add(channel.Order{Kind: channel.Attributes, Attributes: h.Attributes})
	}
	labels := h.Labels
	if d.Handoff != nil {
		labels = merged(inbox.Labels, h.Labels)
	}
	if len(labels) > 0 {
		add(channel.Order{Kind: channel.Labels, Labels: labels})
	}
	if d.Handoff != nil {
		team, person := inbox.Team, inbox.Person
		if h.Team != "" || h.Person != "" {
			team, person = cmp.Or(h.Team, team), h.Person
		}
		if team != "" || person != "" {
			add(channel.Order{Kind: channel.Assign, Team: team, Person: person})
		}
		add(channel.Order{Kind: channel.OpenUp})
	}
	for _, c := range d.Calls {
		add(channel.Order{Kind: channel.Call, Workflow: c.Workflow, Arguments: c.Arguments})
	}
	return out, errs
}

// merged joins two lists, each word once.
func merged(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
