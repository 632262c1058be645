package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

func TestWhatTakesAConversationFromTheBot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		act    func(*house, int64) (chatwoottest.Webhook, error)
		taken  bool
		status string // afterwards; a pending conversation is where no person looks
	}{
		{"a private note", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.HumanNote(h.t.Context(), id, 2, "Cliente antigo, cuidado.")
		}, false, chatwoottest.Pending},
		{"an automation", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.Automation(h.t.Context(), id, "Recebemos a sua mensagem.")
		}, false, chatwoottest.Pending},
		{"a greeting", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.Greeting(h.t.Context(), id, "Bem-vindo!")
		}, false, chatwoottest.Pending},
		{"assigned to nobody", func(h *house, id int64) (chatwoottest.Webhook, error) { return h.chatwoot.Assign(h.t.Context(), id, 0) }, false, chatwoottest.Pending},
		{"assigned to a person", func(h *house, id int64) (chatwoottest.Webhook, error) { return h.chatwoot.Assign(h.t.Context(), id, 2) }, true, chatwoottest.Open},
		{"opened", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.SetStatus(h.t.Context(), id, chatwoottest.Open)
		}, true, chatwoottest.Open},
		{"snoozed", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.SetStatus(h.t.Context(), id, chatwoottest.Snoozed)
		}, true, chatwoottest.Open}, // by the customer's next message
		{"a person's reply", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.Human(h.t.Context(), id, 2, "Deixa comigo.")
		}, true, chatwoottest.Open},
		{"a reply typed on the phone", func(h *house, id int64) (chatwoottest.Webhook, error) {
			return h.chatwoot.Phone(h.t.Context(), id, "Deixa comigo.")
		}, true, chatwoottest.Open},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Sou o robô."} }
			id := h.chatwoot.Open(chatwoottest.Contact{})
			h.writes(id, "Bom dia!")
			h.robot(id, 1)
			w, err := c.act(h, id)
			must(t, err)
			if w.Status != http.StatusOK {
				t.Fatalf("its webhook was answered %d %s", w.Status, w.Answer)
			}
			h.writes(id, "Alguém aí?")
			h.settled()
			want := 2
			if c.taken {
				want = 1
			}
			h.robot(id, want)
			if got := h.chatwoot.Conversation(id).Status; got != c.status {
				t.Errorf("conversation is %s, want %s", got, c.status)
			}
		})
	}
}

// robot waits until the bot has said something n times and checks that it is no more.
func (h *house) robot(id int64, n int) {
	h.t.Helper()
	count := func() (n int) {
		for _, m := range h.chatwoot.Conversation(id).Said() {
			if m.SenderType == "agent_bot" && m.Delivery() != "" {
				n++
			}
		}
		return n
	}
	until(h.t, fmt.Sprintf("%d messages of the bot", n), func() bool { return count() >= n })
	h.settled()
	if got := count(); got != n {
		h.t.Errorf("bot said %d things, want %d", got, n)
	}
}

func TestTakeoverBetweenTwoBubbles(t *testing.T) {
	t.Parallel()
	// Long enough for the person to have replied before the send is given up.
	h := open(t, func(o *app.Options) { o.SendTimeout = 4 * time.Second })
	h.model.Script(llmtest.Reply{Text: bubbles(3)})
	// The first bubble gets there, and its answer does not come back before a person has replied.
	first := h.chatwoot.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.CreateMessage}, After: true, Hang: true})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Me explica tudo")
	<-first
	_, err := h.chatwoot.Human(t.Context(), id, 2, "Oi, aqui é o Carlos.")
	must(t, err)
	h.status(id, chatwoottest.Open)
	h.settled()
	if got := firsts(h.chatwoot.Conversation(id).Said(), chatwootText); got != "1O" {
		t.Errorf("customer got %q, want the first bubble and the person", got)
	}
	h.statuses("SENT", "CANCELLED", "CANCELLED")
}

func TestResolvedClosesUntilTheCustomerWrites(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Text: "tarde demais", Delay: time.Minute}, llmtest.Reply{Text: "Olá de novo!"})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Obrigada, era só isso")
	h.waitModel(1)
	_, err := h.chatwoot.SetStatus(t.Context(), id, chatwoottest.Resolved)
	must(t, err)
	h.settled()
	h.writes(id, "Mais uma coisa")
	if got := h.said(id, 1)[0].Content; got != "Olá de novo!" {
		t.Errorf("bot said %q", got)
	}
	h.robot(id, 1)
}

func TestOpenThenPendingIsAHandBack(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	id := h.chatwoot.Open(chatwoottest.Contact{})
	for _, status := range []string{chatwoottest.Open, chatwoottest.Pending} {
		_, err := h.chatwoot.SetStatus(t.Context(), id, status)
		must(t, err)
	}
	h.writes(id, "Oi")
	h.robot(id, 1)
	_, err := h.chatwoot.SetStatus(t.Context(), id, chatwoottest.Open)
	must(t, err)
	h.writes(id, "Oi?")
	h.robot(id, 1)
	_, err = h.chatwoot.SetStatus(t.Context(), id, chatwoottest.Pending)
	must(t, err)
	h.writes(id, "Oi!")
	h.robot(id, 2)
}

// Events overtake each other: an old one may take a conversation from the bot, and never
// gives it back.
func TestOldEventsDoNotHandBack(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Oi")
	h.robot(id, 1)
	old, err := h.chatwoot.Assign(t.Context(), id, 0) // pending and nobody's
	must(t, err)
	_, err = h.chatwoot.SetStatus(t.Context(), id, chatwoottest.Open)
	must(t, err)
	if got := h.ask(h.request(http.MethodPost, agentBotPath, botSigned(chatwootSecret, old.Body), old.Body)); got.status != http.StatusOK {
		t.Fatalf("the old event was answered %d %s", got.status, got.body)
	}
	h.writes(id, "Alguém?")
	h.robot(id, 1)
}

func TestTwoBotsOnOneConversation(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	// As long as we do not know who we are, a conversation that is a bot's is ours.
	id := h.chatwoot.Open(chatwoottest.Contact{})
	_, err := h.chatwoot.AssignBot(t.Context(), id, 7)
	must(t, err)
	h.writes(id, "Oi")
	h.robot(id, 1)
	// What another bot says is no person's word.
	_, err = h.chatwoot.OtherBot(t.Context(), id, 99, "Eu também sou um robô.")
	must(t, err)
	h.writes(id, "Oi?")
	h.robot(id, 2)
	// Now we know: a conversation of another bot is not ours, after a restart too.
	h.stop()
	h.start()
	other := h.chatwoot.Open(chatwoottest.Contact{})
	_, err = h.chatwoot.AssignBot(t.Context(), other, 99)
	must(t, err)
	h.writes(other, "Oi")
	h.robot(other, 0)
	if got := h.chatwoot.Conversation(other).Status; got != chatwoottest.Pending {
		t.Errorf("the other bot's conversation is %s, want it left alone", got)
	}
	_, err = h.chatwoot.AssignBot(t.Context(), id, 7)
	must(t, err)
	h.writes(id, "E agora?")
	h.robot(id, 3)
}

// calls are the operations on a conversation that change something, as Chatwoot saw them.
func (h *house) calls() []string {
	var out []string
	for _, r := range h.chatwoot.Requests() {
		var body struct {
			Private bool
			Status  string
		}
		_ = json.Unmarshal(r.Body, &body)
		switch op := string(r.Op); {
		case r.Method != http.MethodPost:
		case body.Private:
			out = append(out, "note")
		case body.Status != "":
			out = append(out, body.Status)
		default:
			out = append(out, op)
		}
	}
	return out
}

func TestHandoffGoesInOrderStatusLast(t *testing.T) {
	t.Parallel()
	handoff := llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "call_1", Name: "handoff", Arguments: json.RawMessage(`{"reason":"quer cancelar","summary":"Cliente irritado com o atraso."}`)}}}
	for _, c := range []struct {
		name, text  string
		script      llmtest.Reply
		said, noted string
	}{
		{"by keyword", "Quero falar com um humano {{contact.name}}", llmtest.Reply{}, agent.DefaultTransfer, "pediu para falar com uma pessoa"},
		{"by the model", "Isso é um absurdo", handoff, agent.DefaultTransfer, "quer cancelar"},
		{"by failure", "Oi", llmtest.Reply{Status: 401}, "Estou com dificuldades técnicas. " + agent.DefaultTransfer, "não respondeu"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(o *app.Options) { o.Inboxes[1].Team, o.Inboxes[1].Labels = "4", []string{"robo", "cliente-antigo"} })
			h.model.Script(c.script)
			id := h.chatwoot.Open(chatwoottest.Contact{})
			h.chatwoot.Edit(id, func(c *chatwoottest.Conversation) { c.Labels = []string{"cliente-antigo"} })
			h.writes(id, c.text)
			h.status(id, chatwoottest.Open)
			h.settled()
			if diff := cmp.Diff([]string{"create_message", "note", "labels.set", "assignments", "open"}, h.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			conv := h.chatwoot.Conversation(id)
			if got := conv.Said(); len(got) != 1 || got[0].Content != c.said {
				t.Errorf("bot said %+v, want %q", got, c.said)
			}
			if diff := cmp.Diff([]string{"cliente-antigo", "robo"}, conv.Labels); diff != "" || conv.TeamID != 4 {
				t.Errorf("team %d, labels (-want +got):\n%s", conv.TeamID, diff)
			}
			for _, m := range conv.Messages {
				if m.Private && (!strings.Contains(m.Content, c.noted) || strings.Contains(m.Content, "LIQUID")) {
					t.Errorf("note is %q, want it to tell %q", m.Content, c.noted)
				}
			}
			h.writes(id, "E aí?")
			h.robot(id, 1)
		})
	}
}

// WhatsApp has no sign for handing back, so a person's hold ends by itself.
func TestHoldOfAPersonEnds(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Inboxes[0].Hold = time.Millisecond })
	h.whatsapp(customer, "Oi")
	h.sent(1)
	h.post(fromMe("P1", "Oi, aqui é a Ana."))
	until(t, "the end of the hold", func() bool {
		c, err := h.app.Store().Conversation(t.Context(), 1)
		must(t, err)
		return c.State.Holder == conversation.Human && time.Now().After(c.State.HeldUntil)
	})
	h.whatsapp(customer, "Ainda aí?")
	h.sent(2)
}

// The forks that send their ticket along tell who has it.
func TestTicketOfAPersonIsLeftToThePerson(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	ticket := func(id, text, ticket string) []byte {
		return fmt.Appendf(nil, `{"key":{"remoteJid":"%s@s.whatsapp.net","fromMe":false,"id":%q},"message":{"conversation":%q},"ticket":%s}`, customer, id, text, ticket)
	}
	h.post(ticket("T1", "oi", `{"id":42,"status":"open","userId":3}`))
	h.settled()
	h.post(ticket("T2", "alguém?", `{"id":42,"status":"pending","userId":3}`))
	h.settled()
	if n := h.model.Count() + len(h.whaticket.Sent()); n != 0 {
		t.Errorf("%d calls and messages while a person has the ticket, want none", n)
	}
	h.post(ticket("T3", "e agora?", `{"id":42,"status":"pending","userId":null}`))
	h.sent(1)
}

// The channel's late word that the customer never got our answer.
func TestAnswerThatTheChannelCouldNotDeliver(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Oi")
	message := h.said(id, 1)[0].ID
	h.settled()
	w, err := h.chatwoot.FailDelivery(t.Context(), id, message, "131047: more than 24 hours")
	must(t, err)
	if w.Status != http.StatusOK {
		t.Fatalf("its webhook was answered %d %s", w.Status, w.Answer)
	}
	h.status(id, chatwoottest.Open)
	h.statuses("FAILED_PERMANENT")
}

func TestHandoffOnWhaticket(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Inboxes[0].Person = "1" })
	h.whatsapp(customer, "Quero falar com um atendente, por favor.")
	if got := h.sent(1)[0].Body; got != agent.DefaultTransfer {
		t.Errorf("bot said %q", got)
	}
	h.settled()
	if got := h.whaticket.Tickets(); len(got) != 1 || got[0].Status != "open" || got[0].User != 1 {
		t.Errorf("tickets are %+v, want one that is open with user 1", got)
	}
	h.whatsapp(customer, "Oi?")
	h.settled()
	if n := len(h.whaticket.Sent()); n != 1 {
		t.Errorf("bot sent %d messages, want silence after the handoff", n)
	}
}
