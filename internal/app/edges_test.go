package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/store"
)

const customer = "5511988877766"

// bubbles is an answer of n bubbles, each beginning with its number.
func bubbles(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%d. %s", i+1, strings.TrimSpace(strings.Repeat("palavra ", 80))))
	}
	return strings.Join(out, "\n\n")
}

// firsts are the first characters of what was said.
func firsts[M any](said []M, text func(M) string) string {
	var b strings.Builder
	for _, m := range said {
		b.WriteString(text(m)[:1])
	}
	return b.String()
}

func chatwootText(m chatwoottest.Message) string   { return m.Content }
func whaticketText(m whatickettest.Message) string { return m.Body }

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
	h := open(t, func(o *app.Options) { o.SendTimeout = 500 * time.Millisecond })
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
	h.statuses(id, "SENT", "CANCELLED", "CANCELLED")
}

// statuses checks what became of the messages to a conversation, in order.
func (h *house) statuses(_ int64, want ...store.Status) {
	h.t.Helper()
	var got []store.Status
	for _, d := range h.deliveries() {
		if d.Order.Kind == channel.Say {
			got = append(got, d.Status)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

// deliveries are all of them, oldest first.
func (h *house) deliveries() []store.Delivery {
	h.t.Helper()
	d, err := h.app.Store().Deliveries(h.t.Context(), store.Filter{Limit: 1000})
	must(h.t, err)
	slices.Reverse(d)
	return d
}

func TestBubblesKeepTheirOrderWhateverFails(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Text: bubbles(4)})
	create := []chatwoottest.Op{chatwoottest.CreateMessage}
	for _, m := range []chatwoottest.Misbehaviour{
		{Status: 503}, {Status: 429}, {After: true, Reset: true}, {Reset: true}, {After: true, Half: true}, {After: true, Status: 500}, {Status: 408},
	} {
		m.Ops = create
		h.chatwoot.Misbehave(m)
	}
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Me explica tudo")
	h.said(id, 4)
	h.settled()
	if got := firsts(h.chatwoot.Conversation(id).Said(), chatwootText); got != "1234" {
		t.Errorf("customer got %q, want 1234", got)
	}

	h.model.Script(llmtest.Reply{Text: bubbles(4)})
	h.whaticket.FailNext("send-session-disconnected", "send-not-on-whatsapp-saas", "proxy-bad-gateway")
	h.whatsapp(customer, "Me explica tudo")
	h.sent(4)
	h.settled()
	if got := firsts(h.whaticket.Sent(), whaticketText); got != "1234" {
		t.Errorf("customer got %q, want 1234", got)
	}
}

// An answer that got lost on the way back is looked for in the ticket.
func TestWhaticketLostAnswerIsReconciled(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]whatickettest.Mode{"lost": whatickettest.LostAnswer, "half": whatickettest.HalfAnswer, "dropped": whatickettest.Reset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			read := h.whaticket.Misbehave(mode)
			h.whatsapp(customer, "Olá")
			<-read
			h.whaticket.Misbehave(whatickettest.Healthy)
			h.sent(1)
			h.settled()
			if n := len(h.whaticket.Sent()); n != 1 {
				t.Errorf("customer got %d messages, want 1", n)
			}
			h.statuses(0, "SENT")
		})
	}
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

func TestModelCannotActAsATemplate(t *testing.T) {
	t.Parallel()
	const nasty = "Olá {{contact.email}} {% assign x = 1 %}{{{x}}} {{ x }} e { { y } }"
	h := open(t, nil)
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: nasty} }
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Oi")
	got := h.said(id, 1)[0]
	if strings.Contains(got.Content, "LIQUID") {
		t.Errorf("chatwoot rendered %q of %q", got.Content, got.Wire)
	}
	h.whatsapp(customer, "Oi")
	if got := h.sent(1)[0].Body; strings.Contains(got, "{{") || !strings.Contains(got, "contact.email") {
		t.Errorf("whaticket got %q, which it renders with Mustache", got)
	}
}

// as is a Baileys message with any content, and a ticket beside it.
func as(jid, id, message string, ticket int) []byte {
	beside := ""
	if ticket != 0 {
		beside = fmt.Sprintf(`,"ticket":{"id":%d,"status":"pending"}`, ticket)
	}
	return fmt.Appendf(nil, `{"key":{"remoteJid":%q,"fromMe":false,"id":%q},"message":%s%s}`, jid, id, message, beside)
}

func TestStubDoesNotUseUpItsID(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	stub := []byte(`{"key":{"remoteJid":"` + customer + `@s.whatsapp.net","fromMe":false,"id":"S1"},"messageStubType":2}`)
	if _, got := h.post(stub); got != `{"queued":false,"ignored":"stub"}` {
		t.Errorf("stub answered %s", got)
	}
	whole := as(customer+"@s.whatsapp.net", "S1", `{"conversation":"agora sim"}`, 0)
	if _, got := h.post(whole); got != `{"queued":true}` {
		t.Errorf("the message itself answered %s", got)
	}
	h.sent(1)
	if _, got := h.post(whole); got != `{"queued":true,"duplicate":true}` {
		t.Errorf("a repeat answered %s", got)
	}
	if _, got := h.post(stub); got != `{"queued":false,"ignored":"stub"}` {
		t.Errorf("the stub once more answered %s", got)
	}
	h.settled()
	if n := h.model.Count(); n != 1 {
		t.Errorf("model was called %d times, want 1", n)
	}
}

func TestEditOfAnAnsweredMessageIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	chat := customer + "@s.whatsapp.net"
	edit := func(id, target, text string) []byte {
		return as(chat, id, fmt.Sprintf(`{"protocolMessage":{"key":{"remoteJid":%q,"id":%q},"type":"MESSAGE_EDIT","editedMessage":{"conversation":%q}}}`, chat, target, text), 0)
	}
	h.post(as(chat, "M1", `{"conversation":"quanto custa?"}`, 0))
	h.sent(1)
	h.post(edit("E1", "M1", "quanto custa o plano básico?"))
	h.settled()
	if n := h.model.Count(); n != 1 {
		t.Errorf("model was called %d times, want 1", n)
	}
	// Edited before it is answered, only the new words count.
	h.model.Script(llmtest.Reply{Text: "rascunho", Delay: time.Minute})
	h.post(as(chat, "M2", `{"conversation":"abrem sabado?"}`, 0))
	h.waitModel(2)
	h.post(edit("E2", "M2", "abrem domingo?"))
	h.sent(2)
	if got := h.model.Requests()[2].LastUser(); got != "abrem domingo?" {
		t.Errorf("model saw %q", got)
	}
	// Taken back before it is answered, nothing is.
	h.model.Script(llmtest.Reply{Text: "rascunho", Delay: time.Minute})
	h.post(as(chat, "M3", `{"conversation":"deixa pra lá"}`, 0))
	h.waitModel(4)
	h.post(as(chat, "R3", fmt.Sprintf(`{"protocolMessage":{"key":{"remoteJid":%q,"id":"M3"},"type":"REVOKE"}}`, chat), 0))
	h.settled()
	if n := len(h.whaticket.Sent()); n != 2 {
		t.Errorf("bot sent %d messages, want 2", n)
	}
}

func TestHiddenIDIsNeverDialled(t *testing.T) {
	t.Parallel()
	const lid = "184729305518472"
	h := open(t, nil)
	ticket := h.whaticket.CustomerWrote(customer, "oi")
	// Where the payload names the ticket, the answer goes there.
	h.post(as(lid+"@lid", "L1", `{"conversation":"oi"}`, ticket.ID))
	if got := h.sent(1)[0]; got.Ticket != ticket.ID || got.ByToken {
		t.Errorf("answered in ticket %d (by token %v), want %d by login", got.Ticket, got.ByToken, ticket.ID)
	}
	// Without one there is nowhere to answer to, and that is a dead delivery and not a wrong number.
	h.post(as("184729305518473@lid", "L2", `{"conversation":"oi"}`, 0))
	h.settled()
	until(t, "a dead delivery", func() bool {
		d := h.deliveries()
		return slices.ContainsFunc(d, func(d store.Delivery) bool { return d.Status == store.FailedPermanent && d.Cause == "no phone" })
	})
	for _, r := range h.whaticket.Requests() {
		if strings.Contains(string(r.Body), "1847293055184") || strings.Contains(r.Query.Encode(), "1847293055184") {
			t.Errorf("%s %s %s %s dials a hidden id", r.Method, r.Path, r.Query.Encode(), r.Body)
		}
	}
}

func TestBothFormsOfANumberAreOneConversation(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	const short = "551188877766" // without the ninth digit
	h.whatsapp(short, "oi")
	if got := h.sent(1)[0].Number; got != short {
		t.Errorf("answered to %s, want %s as received", got, short)
	}
	h.whatsapp(customer, "quanto custa?")
	if got := h.sent(2)[1].Number; got != customer {
		t.Errorf("answered to %s, want %s as received", got, customer)
	}
	req := h.model.Requests()[1].LLM
	if len(req.Messages) != 3 || req.Messages[0].Text != "oi" {
		t.Errorf("the second turn saw %+v, want the whole conversation", req.Messages)
	}
}

func TestModelThatAsksForPatience(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Status: 429, RetryAfter: "1"}, llmtest.Reply{Text: "Pronto."})
	h.whatsapp(customer, "oi")
	if got := h.sent(1)[0].Body; got != "Pronto." {
		t.Errorf("whaticket got %q", got)
	}
	r := h.model.Requests()
	if pause := r[1].At.Sub(r[0].At); pause < time.Second {
		t.Errorf("asked again after %v, want the second that was asked for", pause)
	}
}

func TestHelpdeskThatAsksForPatience(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	read := h.whaticket.Misbehave(whatickettest.TooMany) // Retry-After: 7
	h.whatsapp(customer, "oi")
	<-read
	var d store.Delivery
	until(t, "a recorded attempt", func() bool { d = h.deliveries()[0]; return d.Status == store.FailedTemporary && !d.NextAt.IsZero() })
	if wait := time.Until(d.NextAt); wait < 4*time.Second || d.HTTPStatus != http.StatusTooManyRequests || d.Attempts != 1 {
		t.Errorf("the next try is in %v after status %d and %d attempts, want about 7 s after 429 and one", wait, d.HTTPStatus, d.Attempts)
	}
}

func TestOpenCircuitAnswersAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Models.Resilience.Attempts, o.Models.Resilience.BreakerThreshold = 1, 2 })
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Status: 500} }
	for i := range 4 {
		number := fmt.Sprintf("551198887770%d", i)
		h.whatsapp(number, "oi")
		got := h.sent(i + 1)[i]
		if got.Number != number || !strings.Contains(got.Body, agent.DefaultTransfer) {
			t.Errorf("customer %d got %q for %s, want the fallback", i, got.Body, got.Number)
		}
	}
	if n := h.model.Count(); n != 2 {
		t.Errorf("model was called %d times, want 2: then the circuit is open", n)
	}
	if _, metrics := h.get("/metrics"); !strings.Contains(metrics, `secretaria_llm_errors_total{kind="circuit_open"} 2`) {
		t.Error("metrics do not count the calls that the circuit turned away")
	}
}

func TestEmptyAnswerOfTheModel(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	empty := llmtest.Reply{Finish: llm.Stop}
	h.model.Script(empty, llmtest.Reply{Text: "Agora sim."})
	h.whatsapp(customer, "oi")
	if got := h.sent(1)[0].Body; got != "Agora sim." {
		t.Errorf("whaticket got %q", got)
	}
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return empty }
	h.whatsapp(customer, "e agora?")
	if got := h.sent(2)[1].Body; !strings.Contains(got, agent.DefaultTransfer) {
		t.Errorf("whaticket got %q, want the fallback and no empty bubble", got)
	}
}

func TestNonsenseOfTheModel(t *testing.T) {
	t.Parallel()
	call := func(name, arguments string) llmtest.Reply {
		return llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "c", Name: name, Arguments: json.RawMessage(arguments)}}}
	}
	for name, replies := range map[string][]llmtest.Reply{
		"a tool that does not exist": {call("send_money", `{}`), call("send_money", `{}`), call("send_money", `{}`)},
		"arguments that are no JSON": {call("handoff", `"{"`)},
		"arguments of another type":  {call("handoff", `{"reason":[],"summary":7}`)},
		"no choice":                  {{Fault: llmtest.Empty}, {Fault: llmtest.Empty}, {Fault: llmtest.Empty}},
		"half an answer":             {{Fault: llmtest.Cut}, {Fault: llmtest.Cut}, {Fault: llmtest.Cut}},
		"a page":                     {{Body: "<html>", ContentType: "text/html"}, {Body: "<html>"}, {Body: "<html>"}},
		"a refusal":                  {{Fault: llmtest.Blocked}},
		"blanks":                     {{Text: " \n\t"}, {Text: "\u200b\u2060\ufeff"}, {Text: "\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, nil)
			h.model.Script(replies...)
			h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Status: 500} }
			id := h.chatwoot.Open(chatwoottest.Contact{})
			h.writes(id, "oi")
			h.status(id, chatwoottest.Open)
			h.robot(id, 1)
			if got := h.chatwoot.Conversation(id).Said()[0].Content; !strings.Contains(got, agent.DefaultTransfer) {
				t.Errorf("bot said %q, want that a person takes over", got)
			}
		})
	}
}

func TestQuietMaxBoundsAWriterWhoNeverStops(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		o.Quiet.Window, o.Quiet.Max = time.Hour, 300*time.Millisecond
		o.Limits = app.Limits{}
	})
	h.model.Delay = 30 * time.Millisecond
	// Each message makes the draft before it stale.
	for n := 0; len(h.whaticket.Sent()) == 0; n++ {
		if status, body := h.post(says(customer, fmt.Sprintf("e mais uma coisa %d", n))); status != http.StatusAccepted {
			t.Fatalf("message %d answered %d %s", n, status, body)
		}
		if n > 20_000 {
			t.Fatal("20,000 messages and no answer")
		}
	}
}

func TestWithoutAnIDTheSignedRequestIsTheIdentity(t *testing.T) {
	t.Parallel()
	h := gates(t, nil)
	body := whatickettest.FlatBody(customer, "sim")
	first := signed(whaticketSecret, body)
	later := signedAt(whaticketSecret, time.Now().Add(time.Second), body)
	post := func(path string, header http.Header) string {
		return h.ask(h.request(http.MethodPost, path, header, body)).body
	}
	got := []string{post(whaticketPath, first), post(whaticketPath, first), post(whaticketPath, later), post(whaticketPath, later)}
	const queued, duplicate = `{"queued":true}`, `{"queued":true,"duplicate":true}`
	if diff := cmp.Diff([]string{queued, duplicate, queued, duplicate}, got); diff != "" {
		t.Errorf("signed (-want +got):\n%s", diff)
	}
	// Where nothing is signed, sender and words within a short window decide.
	token := http.Header{"X-Webhook-Token": {hookToken}}
	got = []string{post(whaticketPath+"/carried", token), post(whaticketPath+"/carried", token)}
	if diff := cmp.Diff([]string{queued, duplicate}, got); diff != "" {
		t.Errorf("unsigned (-want +got):\n%s", diff)
	}
}

func signedAt(secret string, at time.Time, body []byte) http.Header {
	stamp := fmt.Sprint(at.Unix())
	return http.Header{"Content-Type": {"application/json"}, "X-Timestamp": {stamp}, "X-Signature": {whatickettest.Sign(secret, stamp, body)}}
}

// Chatwoot gives up after 5 s: nothing that is called on the way to an answer may be asked
// before the acknowledgement.
func TestNothingRemoteBeforeTheAcknowledgement(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { still(o) })
	h.whaticket.Misbehave(whatickettest.Hang)
	h.chatwoot.Misbehave(chatwoottest.Misbehaviour{Times: -1, Hang: true})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "quero falar com um humano")
	if status, body := h.whatsapp(customer, "quero falar com um humano"); status != http.StatusAccepted {
		t.Errorf("whaticket webhook answered %d %s", status, body)
	}
	if n := len(h.chatwoot.Requests()) + len(h.whaticket.Requests()) + h.model.Count(); n != 0 {
		t.Errorf("%d remote calls before the acknowledgement", n)
	}
}

func TestCorrelationFollowsTheMessage(t *testing.T) {
	t.Parallel()
	var log *logbook
	h := open(t, func(o *app.Options) { log = logTo(t, o) })
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Claro, anotado."} }
	ids := map[string]string{}
	for channel, post := range map[string]func(http.Header) answer{
		"whaticket": func(header http.Header) answer {
			body := says(customer, "palavras do cliente")
			return h.ask(h.request(http.MethodPost, whaticketPath, with(signed(whaticketSecret, body), "X-Correlation-ID", header.Get("X-Correlation-ID")), body))
		},
		"chatwoot": func(header http.Header) answer {
			id := h.chatwoot.Open(chatwoottest.Contact{Phone: "+5511900000042"})
			body := asks(t, id, 80_000, "palavras do cliente")
			return h.ask(h.request(http.MethodPost, agentBotPath, with(botSigned(chatwootSecret, body), "X-Correlation-ID", header.Get("X-Correlation-ID")), body))
		},
	} {
		ids[channel] = uuid.NewString()
		if got := post(http.Header{"X-Correlation-Id": {ids[channel]}}); got.status/100 != 2 {
			t.Fatalf("%s answered %d %s", channel, got.status, got.body)
		}
	}
	h.sent(1)
	until(t, "two deliveries in the log", func() bool { return strings.Count(log.text(), `"msg":"delivery sent"`) == 2 })
	h.stop()
	for channel, id := range ids {
		seen := map[string]int{}
		for _, line := range log.lines() {
			if line["correlation_id"] == id {
				seen[strings.Fields(line["msg"].(string))[0]]++
			}
		}
		if diff := cmp.Diff(map[string]int{"webhook": 1, "turn": 1, "delivery": 1}, seen); diff != "" {
			t.Errorf("%s: lines with the request's id (-want +got):\n%s", channel, diff)
		}
	}
	fineLog(t, log)
	log.silent("palavras", "anotado", "988877766", "900000042", "mariana", whaticketSecret, chatwootSecret, "sk-test", "bot-token",
		whatickettest.DefaultToken, whatickettest.DefaultPassword, whatickettest.DefaultEmail)
}

// Everything that was acknowledged before the program was told to stop is answered, once.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Queue.SoftStop = 300 * time.Millisecond })
	h.model.Delay = 50 * time.Millisecond
	h.model.Respond = func(r *llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "sobre " + r.LastUser()} }
	const each = 40
	texts, threads := map[string]string{}, map[int64]string{}
	for i := range each {
		number, text := fmt.Sprintf("55119666%05d", i), fmt.Sprintf("assunto w%d", i)
		texts[number] = "sobre " + text
		if status, _ := h.whatsapp(number, text); status != http.StatusAccepted {
			t.Fatalf("webhook answered %d", status)
		}
		id, text := h.chatwoot.Open(chatwoottest.Contact{}), fmt.Sprintf("assunto c%d", i)
		threads[id] = "sobre " + text
		h.writes(id, text)
	}
	h.waitModel(each / 2)
	began := time.Now()
	h.stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	h.start()
	h.settled()
	got := map[string][]string{}
	for _, m := range h.whaticket.Sent() {
		got[m.Number] = append(got[m.Number], m.Body)
	}
	for number, want := range texts {
		if diff := cmp.Diff([]string{want}, got[number]); diff != "" {
			t.Errorf("customer %s (-want +got):\n%s", number, diff)
		}
	}
	for id, want := range threads {
		var said []string
		for _, m := range h.chatwoot.Conversation(id).Said() {
			said = append(said, m.Content)
		}
		if diff := cmp.Diff([]string{want}, said); diff != "" {
			t.Errorf("conversation %d (-want +got):\n%s", id, diff)
		}
	}
}
