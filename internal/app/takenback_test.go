package app_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/secret"
)

// unreachable makes Chatwoot open a conversation by itself: a customer writes while nobody
// takes its webhooks.
func (h *house) unreachable(id int64, text string) {
	h.t.Helper()
	gone := httptest.NewServer(nil)
	gone.Close()
	h.chatwoot.SetWebhook(gone.URL, chatwootSecret)
	w, err := h.chatwoot.Customer(h.t.Context(), id, text)
	must(h.t, err)
	if w.Status != 0 {
		h.t.Fatalf("the webhook was answered %d, want nobody there", w.Status)
	}
	h.status(id, chatwoottest.Open)
	until(h.t, "the end of the outage", func() bool {
		n := 0
		for _, w := range h.chatwoot.Webhooks() {
			if w.Status == 0 {
				n++
			}
		}
		return n == 4 // the message, and three about the opening
	})
	h.chatwoot.SetWebhook(h.url+"/api/v1/webhooks/agentbot", chatwootSecret)
}

// What Chatwoot opened because a webhook failed comes back to the bot, which answers what it
// missed; what a person has by then does not.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		user bool // a user's token is configured
		act  func(*house, int64)
		back bool
	}{
		{"with a user's token", true, nil, true},
		{"without one, the newest message being the one that was missed", false, func(h *house, id int64) {
			h.chatwoot.Edit(id, func(c *chatwoottest.Conversation) { c.Messages[len(c.Messages)-2].At = time.Now().Add(-time.Minute) })
		}, true},
		{"without one, the message being new", false, nil, false},
		{"a person has looked at it", true, func(h *house, id int64) { h.chatwoot.Look(id) }, false},
		{"a person has noted something", true, func(h *house, id int64) {
			_, err := h.chatwoot.HumanNote(h.t.Context(), id, 2, "Eu vejo isso.")
			must(h.t, err)
		}, false},
		{"a person was given it", true, func(h *house, id int64) {
			_, err := h.chatwoot.Assign(h.t.Context(), id, 2)
			must(h.t, err)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(o *app.Options) {
				o.Inboxes[1].TakeBack = 300 * time.Millisecond
				if c.user {
					o.Inboxes[1].Chatwoot.UserToken = secret.New("user-token")
				}
			})
			h.chatwoot.SetUserToken("user-token")
			h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Sou o robô."} }
			id := h.chatwoot.Open(chatwoottest.Contact{})
			h.writes(id, "Bom dia, vocês entregam?")
			h.robot(id, 1)
			h.unreachable(id, "Quanto custa a entrega?")
			if c.act != nil {
				c.act(h, id)
			}
			// The opening was told to nobody either. The state comes with whatever comes next.
			_, err := h.chatwoot.Announce(t.Context(), id)
			must(t, err)
			if !c.back {
				h.settled()
				h.robot(id, 1)
				return
			}
			h.status(id, chatwoottest.Pending)
			h.robot(id, 2)
			requests := h.model.Requests()
			if got := requests[len(requests)-1].LastUser(); got != "Quanto custa a entrega?" {
				t.Errorf("the model was asked %q, want what was missed", got)
			}
		})
	}
}

// A person hands a conversation back, and takes it, by a word in a private note.
func TestWordsInNotes(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Sou o robô."} }
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Bom dia, vocês entregam?")
	h.robot(id, 1)
	_, err := h.chatwoot.HumanNote(t.Context(), id, 2, "/humano")
	must(t, err)
	h.status(id, chatwoottest.Open)
	_, err = h.chatwoot.Assign(t.Context(), id, 2)
	must(t, err)
	h.writes(id, "E quanto custa?")
	h.settled()
	h.robot(id, 1)
	_, err = h.chatwoot.HumanNote(t.Context(), id, 2, "/bot")
	must(t, err)
	h.status(id, chatwoottest.Pending)
	h.robot(id, 2) // answers what nobody has
	if got := h.chatwoot.Conversation(id).AssigneeID; got != 0 {
		t.Errorf("conversation is assigned to %d after /bot, want to nobody", got)
	}
	h.writes(id, "Obrigado pela resposta.")
	h.robot(id, 3)
	if diff := cmp.Diff(chatwoottest.Pending, h.chatwoot.Conversation(id).Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}
