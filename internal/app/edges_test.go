package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
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

// statuses checks what became of everything that was to be said, in order.
func (h *house) statuses(want ...store.Status) {
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
			h.statuses("SENT")
		})
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
	if len(req.Messages) != 3 || !strings.Contains(req.Messages[0].Text, ">oi<") {
		t.Errorf("the second turn saw %+v, want the whole conversation", req.Messages)
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
	h.stop()
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

// An answer waits for the one before it, however long that takes.
func TestAnswersKeepTheirOrderOverTurns(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Schedule = []time.Duration{500 * time.Millisecond, time.Millisecond} })
	h.model.Script(llmtest.Reply{Text: "primeira"}, llmtest.Reply{Text: "seguinte"})
	h.whaticket.FailNext("send-session-disconnected")
	h.whatsapp(customer, "um")
	until(t, "a failed attempt", func() bool {
		d := h.deliveries()
		return len(d) == 1 && d[0].Status == store.FailedTemporary && !d[0].NextAt.IsZero()
	})
	h.whatsapp(customer, "dois")
	h.sent(2)
	h.settled()
	if got := firsts(h.whaticket.Sent(), whaticketText); got != "ps" {
		t.Errorf("customer got %q, want the first answer first", got)
	}
}

func TestMetricsCountAPlay(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.whaticket.FailNext("send-session-disconnected")
	h.whatsapp(customer, "oi")
	h.sent(1)
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "oi")
	h.said(id, 1)
	_, err := h.chatwoot.Human(t.Context(), id, 2, "Deixa comigo.")
	must(t, err)
	h.settled()
	for _, want := range []string{
		`secretaria_webhook_received_total{reason="accepted",status="accepted"} 2`,
		`secretaria_turns_total{outcome="replied"} 2`, `secretaria_llm_latency_seconds_count 2`,
		`secretaria_whaticket_send_success_total 1`, `secretaria_whaticket_send_retry_total 1`, `secretaria_whaticket_errors_total 1`,
		`secretaria_whaticket_latency_seconds_count 2`, `secretaria_chatwoot_send_success_total 1`,
		`secretaria_task_latency_seconds_count{kind="turn"} 2`, `secretaria_task_latency_seconds_count{kind="delivery"} 2`,
		`secretaria_takeovers_total{reason="human_message"} 1`, `secretaria_queue_size 0`,
	} {
		metrics := ""
		until(t, want, func() bool {
			_, metrics = h.get("/metrics")
			return strings.Contains(metrics, "\n"+want+"\n")
		})
	}
}

// The same webhook many times at the same moment is one message.
func TestRepeatsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Limits = app.Limits{} })
	body, bot := says(customer, "oi"), asks(t, h.chatwoot.Open(chatwoottest.Contact{}), 90_000, "oi")
	var posts sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 25 {
		for path, req := range map[string]*http.Request{
			whaticketPath: h.request(http.MethodPost, whaticketPath, signed(whaticketSecret, body), body),
			agentBotPath:  h.request(http.MethodPost, agentBotPath, botSigned(chatwootSecret, bot), bot),
		} {
			posts.Go(func() {
				a := h.ask(req)
				mu.Lock()
				defer mu.Unlock()
				got[path+a.body]++
			})
		}
	}
	posts.Wait()
	want := map[string]int{
		whaticketPath + `{"queued":true}`: 1, whaticketPath + `{"queued":true,"duplicate":true}`: 24,
		agentBotPath + `{"ok":true}`: 1, agentBotPath + `{"ok":true,"duplicate":true}`: 24,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	h.sent(1)
	h.said(128, 1)
	h.settled()
	if n := h.model.Count(); n != 2 {
		t.Errorf("model was called %d times, want once for each", n)
	}
}
