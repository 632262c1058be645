package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/store"
)

func TestAnswersOnBothChannels(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Text: "Bom dia! Como posso **ajudar**?"})
	if status, body := h.whatsapp("5511988877766", "Olá, bom dia!"); status != 202 || body != `{"queued":true}` {
		t.Fatalf("webhook answered %d %s, want 202 {\"queued\":true}", status, body)
	}
	if got := h.sent(1)[0]; got.Body != "Bom dia! Como posso *ajudar*?" || got.Number != "5511988877766" {
		t.Errorf("whaticket got %q for %s", got.Body, got.Number)
	}
	h.model.Script(llmtest.Reply{Text: "Temos **três** planos."})
	id := h.chatwoot.Open(chatwoottest.Contact{Phone: "+5511900000042"})
	h.writes(id, "Quais são os planos?")
	if got := h.said(id, 1)[0]; got.Content != "Temos **três** planos." || got.Delivery() == "" {
		t.Errorf("chatwoot got %q with delivery %q", got.Content, got.Delivery())
	}
}

func TestRepeatChangesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	body := []byte(`{"key":{"remoteJid":"5511988877766@s.whatsapp.net","fromMe":false,"id":"ABC1"},"message":{"conversation":"oi"}}`)
	if _, got := h.post(body); got != `{"queued":true}` {
		t.Fatalf("first answer %s", got)
	}
	if _, got := h.post(body); got != `{"queued":true,"duplicate":true}` {
		t.Errorf("second answer %s, want a duplicate", got)
	}
	h.sent(1)
	if n := h.model.Count(); n != 1 {
		t.Errorf("model was called %d times, want 1", n)
	}
}

func TestBurstIsOneTurn(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Quiet.Window = 300 * time.Millisecond })
	for _, text := range []string{"oi", "queria saber", "se vocês abrem amanhã"} {
		h.whatsapp("5511988877766", text)
	}
	h.sent(1)
	if n := h.model.Count(); n != 1 {
		t.Fatalf("model was called %d times, want 1", n)
	}
	if got := h.model.Requests()[0].LastUser(); got != "oi\nqueria saber\nse vocês abrem amanhã" {
		t.Errorf("model saw %q", got)
	}
}

func TestMessageWhileThinkingMakesTheDraftStale(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Text: "rascunho", Delay: time.Minute}, llmtest.Reply{Text: "resposta"})
	h.whatsapp("5511988877766", "quanto custa")
	h.waitModel(1)
	h.whatsapp("5511988877766", "a consulta?")
	if got := h.sent(1); got[0].Body != "resposta" {
		t.Errorf("whaticket got %q, want the second draft", got[0].Body)
	}
	if got := h.model.Requests()[1].LastUser(); got != "quanto custa\na consulta?" {
		t.Errorf("second draft saw %q", got)
	}
}

func (h *house) waitModel(n int) {
	h.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for h.model.Count() < n {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("model was called %d times, want %d", h.model.Count(), n)
		}
	}
}

func TestPersonTakesOverWhileTheModelThinks(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Text: "tarde demais", Delay: time.Minute})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Preciso de ajuda")
	h.waitModel(1)
	_, err := h.chatwoot.Human(t.Context(), id, 2, "Oi, aqui é o Carlos.")
	must(t, err)
	// The conversation is opened for people, which is the last thing that happens to it.
	h.status(id, chatwoottest.Open)
	h.writes(id, "Obrigada, Carlos!")
	if got := h.chatwoot.Conversation(id).Said(); len(got) != 1 {
		t.Errorf("chatwoot has %d outgoing messages, want the person's alone", len(got))
	}
	// Set to pending again, the bot answers again.
	_, err = h.chatwoot.SetStatus(t.Context(), id, chatwoottest.Pending)
	must(t, err)
	h.model.Script(llmtest.Reply{Text: "Voltei!"})
	h.writes(id, "E agora?")
	if got := h.said(id, 2)[1].Content; got != "Voltei!" {
		t.Errorf("after the hand-back the bot said %q", got)
	}
}

func (h *house) status(id int64, want string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	if err := h.chatwoot.Wait(ctx, func() bool { return h.chatwoot.Conversation(id).Status == want }); err != nil {
		h.t.Fatalf("conversation %d is %s, want %s", id, h.chatwoot.Conversation(id).Status, want)
	}
}

func TestModelFailsForGood(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Status: 500}, llmtest.Reply{Status: 500}, llmtest.Reply{Status: 500})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Oi?")
	if got, want := h.said(id, 1)[0].Content, "Estou com dificuldades técnicas. "+agent.DefaultTransfer; got != want {
		t.Errorf("bot said %q, want %q", got, want)
	}
	h.status(id, chatwoottest.Open)
	h.writes(id, "Alguém?")
	h.settled()
	if n := len(h.chatwoot.Conversation(id).Said()); n != 1 {
		t.Errorf("bot said %d things, want silence after the handoff", n)
	}
	notes := 0
	for _, m := range h.chatwoot.Conversation(id).Messages {
		if m.Private {
			notes++
		}
	}
	if notes != 1 {
		t.Errorf("%d private notes, want 1", notes)
	}
}

// settled waits until nothing is due and nothing unsent.
func (h *house) settled() {
	h.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		turns, deliveries, err := h.app.Store().Backlog(h.t.Context(), time.Now().Add(time.Hour))
		must(h.t, err)
		if turns == 0 && deliveries == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("%d turns and %d deliveries are left", turns, deliveries)
		}
	}
}

func TestKeywordHandsOverWithoutTheModel(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Quero falar com um HUMANO!")
	if got := h.said(id, 1)[0].Content; got != agent.DefaultTransfer {
		t.Errorf("bot said %q", got)
	}
	h.status(id, chatwoottest.Open)
	if n := h.model.Count(); n != 0 {
		t.Errorf("model was called %d times, want 0", n)
	}
}

func TestLostAnswerIsNotSentTwice(t *testing.T) {
	t.Parallel()
	for _, echoes := range []bool{true, false} {
		h := open(t, nil)
		h.chatwoot.DropEchoes(!echoes)
		h.chatwoot.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.CreateMessage}, After: true, Reset: true})
		id := h.chatwoot.Open(chatwoottest.Contact{})
		h.writes(id, "Olá")
		h.said(id, 1)
		h.settled()
		if n := len(h.chatwoot.Conversation(id).Said()); n != 1 {
			t.Errorf("echoes %v: customer got %d messages, want 1", echoes, n)
		}
		d, err := h.app.Store().Deliveries(t.Context(), store.Filter{})
		must(t, err)
		if len(d) != 1 || d[0].Status != store.Sent {
			t.Errorf("echoes %v: deliveries %+v, want one sent", echoes, d)
		}
	}
}

func TestHelpdeskThatFailsIsTriedSixTimes(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.whaticket.Misbehave(2) // 500 to everything that changes something
	h.whatsapp("5511988877766", "Olá")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var dead store.Delivery
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for dead.ID == "" {
		d, err := h.app.Store().Deliveries(ctx, store.Filter{Status: store.FailedPermanent})
		must(t, err)
		if len(d) > 0 && d[len(d)-1].Order.Kind == "say" {
			dead = d[len(d)-1]
		}
		<-tick.C
	}
	if dead.Attempts != 6 {
		t.Errorf("%d attempts, want 6", dead.Attempts)
	}
	h.whaticket.Misbehave(0)
	must(t, h.app.Store().Replay(ctx, dead.ID, time.Now()))
	if got := h.sent(1); len(got) != 1 {
		t.Errorf("after the replay whaticket has %d messages, want 1", len(got))
	}
}

func TestReplyTypedOnThePhoneTakesOver(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Script(llmtest.Reply{Text: "Bom dia! Em que posso ajudar?"})
	h.whatsapp("5511988877766", "Bom dia")
	echo := h.sent(1)[0]
	// Our own words come back: no takeover.
	if _, body := h.post(fromMe("E1", echo.Body)); !strings.Contains(body, "own_echo") {
		t.Errorf("echo answered %s, want it ignored as our own", body)
	}
	h.model.Script(llmtest.Reply{Text: "Claro."})
	h.whatsapp("5511988877766", "Vocês abrem hoje?")
	h.sent(2)
	// Other words are a person's.
	h.post(fromMe("E2", "Oi, aqui é a Ana, eu sigo com você."))
	h.whatsapp("5511988877766", "Oi Ana!")
	h.settled()
	if n := len(h.whaticket.Sent()); n != 2 {
		t.Errorf("bot sent %d messages, want 2", n)
	}
}

func fromMe(id, text string) []byte {
	return []byte(`{"key":{"remoteJid":"5511988877766@s.whatsapp.net","fromMe":true,"id":"` + id + `"},"message":{"conversation":"` + text + `"}}`)
}

func TestAudioIsNeverSilence(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.post([]byte(`{"key":{"remoteJid":"5511988877766@s.whatsapp.net","fromMe":false,"id":"A1"},"message":{"audioMessage":{"ptt":true,"seconds":4}}}`))
	if got := h.sent(1)[0].Body; !strings.Contains(got, "áudios") {
		t.Errorf("bot answered %q to an audio, want it to ask for text", got)
	}
	if n := h.model.Count(); n != 0 {
		t.Errorf("model was called %d times, want 0", n)
	}
}

func TestRestartLosesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Quiet.Window = time.Second })
	h.whatsapp("5511988877766", "antes")
	h.stop()
	h.start()
	h.sent(1)
	if got := h.model.Requests()[0].LastUser(); got != "antes" {
		t.Errorf("model saw %q", got)
	}
}
