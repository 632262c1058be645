package chatwoot

import (
	"strings"
	"testing"

	"secretaria/internal/channel/chatwoot/chatwoottest"
)

// Every request of whoever sets a bot up, and of a customer of an API inbox, is one that
// Chatwoot describes. What a website's script calls it does not describe.
func TestAdminsRequestsFitSwagger(t *testing.T) {
	t.Parallel()
	d := describe(t)
	s := start(t, townHall())
	a := administrator(t, s.URL(), "")
	ctx := t.Context()
	if _, err := a.Look(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := a.Premises(ctx, "1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.CreateBot(ctx, "1", BotDraft{Name: "Secretaria", Description: "Atende", URL: "https://bot.example"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.UpdateBot(ctx, "1", b.ID, BotDraft{Name: "Lia", Description: "Atende bem", URL: "https://bot.example/x"}); err != nil {
		t.Fatal(err)
	}
	for _, bot := range []string{b.ID, ""} {
		if err := a.Seat(ctx, "1", "3", bot); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Hush(ctx, "1", "4", Templates{Greets: true, Closed: true, Mail: true, Survey: true}); err != nil {
		t.Fatal(err)
	}
	for _, in := range p.Inboxes[:2] {
		c, err := a.Customer(ctx, "1", in, "Teste")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Say(ctx, "Olá"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Heard(ctx); err != nil {
			t.Fatal(err)
		}
		if err := c.Leave(ctx); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[chatwoottest.Op]bool{}
	for _, r := range s.Requests() {
		seen[r.Op] = true
		switch {
		case r.Op == chatwoottest.Version, strings.HasPrefix(r.Path, "/api/v1/widget/"):
			continue // not described
		case r.Op == chatwoottest.SeatBot && string(r.Body) == `{"agent_bot":null}`:
			r.Body = []byte(`{"agent_bot":1}`) // taking a bot away is what the dashboard does, and not described
		}
		d.check(t, r)
	}
	for _, op := range []chatwoottest.Op{
		chatwoottest.Profile, chatwoottest.Inboxes, chatwoottest.ListBots, chatwoottest.CreateBot, chatwoottest.UpdateBot, chatwoottest.SeatBot,
		chatwoottest.UpdateInbox, chatwoottest.ListTeams, chatwoottest.ListLabels, chatwoottest.ShowContact, chatwoottest.DropContact,
		chatwoottest.PublicContact, chatwoottest.PublicConversation, chatwoottest.PublicSay, chatwoottest.PublicHear, chatwoottest.ToggleStatus,
		chatwoottest.WidgetConfig, chatwoottest.WidgetContact, chatwoottest.WidgetSay, chatwoottest.WidgetHear,
	} {
		if !seen[op] {
			t.Errorf("no request of kind %s was made", op)
		}
	}
}
