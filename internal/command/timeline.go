package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"secretaria/internal/store"
)

// shownTurn is a turn as it is printed.
type shownTurn struct {
	At            *time.Time `json:"at"`
	Outcome       string     `json:"outcome"`
	Reason        string     `json:"reason"`
	Model         string     `json:"model"`
	CorrelationID string     `json:"correlation_id"`
}

// shownSend is a delivery of a conversation as it is printed.
type shownSend struct {
	ID            string     `json:"id"`
	At            *time.Time `json:"at"`
	Kind          string     `json:"kind"`
	Status        string     `json:"status"`
	Attempts      int        `json:"attempts"`
	DoneAt        *time.Time `json:"done_at"`
	CorrelationID string     `json:"correlation_id"`
}

// follow adds to a conversation what was decided and delivered in it, from the first message
// that is shown on.
func (c *shownConversation) follow(ctx context.Context, st store.Store, found store.Conversation) error {
	d, err := st.Dossier(ctx, found.Contact)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.Conversations, func(f store.CaseFile) bool { return f.Conversation.ID == found.ID })
	if i < 0 || len(c.Messages) == 0 || c.Messages[0].At == nil {
		return nil
	}
	from := *c.Messages[0].At
	for _, t := range d.Conversations[i].Turns {
		if !t.StartedAt.Before(from) {
			c.Turns = append(c.Turns, shownTurn{moment(t.StartedAt), t.Outcome, t.Reason, t.Model, t.Correlation})
		}
	}
	for _, s := range d.Conversations[i].Deliveries {
		if !s.CreatedAt.Before(from) {
			c.Deliveries = append(c.Deliveries, shownSend{string(s.ID), moment(s.CreatedAt), string(s.Order.Kind), string(s.Status), s.Attempts, moment(s.DoneAt), s.Correlation})
		}
	}
	return nil
}

// timeline is what happened, in order: what was said in words, the rest a line each.
func (c *shownConversation) timeline() string {
	type entry struct {
		at   *time.Time
		text string
	}
	var all []entry
	for _, m := range c.Messages {
		all = append(all, entry{m.At, fmt.Sprintf("%s %s\n%s\n", timeOf(m.At), m.Author, cmp.Or(m.Text, "("+m.Kind+")"))})
	}
	for _, t := range c.Turns {
		all = append(all, entry{t.At, fmt.Sprintf("%s turn: %s, %s; correlation %s\n", timeOf(t.At), t.Outcome, strings.TrimSuffix(cmp.Or(t.Reason, "-")+" "+t.Model, " "), t.CorrelationID)})
	}
	for _, d := range c.Deliveries {
		all = append(all, entry{d.At, fmt.Sprintf("%s delivery %s: %s %s, attempts %d; correlation %s\n", timeOf(d.At), d.ID, d.Kind, d.Status, d.Attempts, d.CorrelationID)})
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		if a.at == nil || b.at == nil {
			return 0
		}
		return a.at.Compare(*b.at)
	})
	var b strings.Builder
	for _, e := range all {
		b.WriteString("\n" + e.text)
	}
	return b.String()
}
