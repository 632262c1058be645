package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/intake"
	"secretaria/internal/store"
	"secretaria/internal/turn"
)

// player speaks for the customers and prints what the server does.
type player struct {
	*stage
	began  time.Time
	people map[conversation.ID]string
	shown  map[conversation.DeliveryID]bool // deliveries whose sending was printed

	step       time.Time // when the customer began to speak
	accepted   int       // webhooks of the step that were stored
	thread     conversation.ID
	answered   bool // a turn of the step was decided
	handedOver bool
}

func (p *player) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.o.Out, format, args...) }

func (p *player) introduce() {
	p.printf("Secretaria, a demonstration. Nothing leaves this machine.\n\n")
	p.printf("  server      %s (real; database %s)\n", p.url, p.database)
	p.printf("  Whaticket   %s (a fake)\n", p.whaticket.URL())
	p.printf("  Chatwoot    %s (a fake)\n", p.chatwoot.URL())
	p.printf("  model       offline: rules and knowledge only, no key needed\n")
	p.printf("  an answer waits until the customer was quiet for %v (TURN_QUIET; 4s in use)\n", p.o.Quiet)
}

// play is the three conversations.
func (p *player) play(ctx context.Context) error {
	p.printf("\n== WhatsApp, through the fake Whaticket: the secretária answers\n")
	for _, words := range [][]string{
		{"Oi, bom dia!"},
		{"Até que horas vocês ficam abertos no sábado?"},
		{"E a entrega?", "Vocês entregam em Campinas?"},
	} {
		if err := p.turn(ctx, channel.Whaticket, "Ana", words, p.onWhatsApp); err != nil {
			return err
		}
	}
	p.printf("\n== Chatwoot, through the fake Chatwoot: the SDR answers and hands over\n")
	id := p.chatwoot.Open(chatwoottest.Contact{Name: "Bruno Reis", Phone: "+5519912345678"})
	for _, words := range [][]string{
		{"Olá, boa tarde!"},
		{"Quanto custa", "o plano Completo?"},
		{"Quero falar com um atendente, por favor."},
	} {
		if err := p.turn(ctx, channel.Chatwoot, "Bruno", words, p.inChatwoot(id)); err != nil {
			return err
		}
	}
	if !p.handedOver {
		return errors.New("nobody was called to the conversation in Chatwoot")
	}
	if err := p.chatwoot.Wait(ctx, func() bool { return p.chatwoot.Conversation(id).Status == chatwoottest.Open }); err != nil {
		return err
	}
	p.handover(id)
	if err := p.qualify(ctx); err != nil {
		return err
	}
	p.printf("\nThe three conversations took %s.\n", human(time.Since(p.began)))
	return nil
}

// qualify is a lead who answers the questions of the built-in playbook, in order, and then
// some: no model is asked.
func (p *player) qualify(ctx context.Context) error {
	p.printf("\n== Chatwoot, another inbox: the SDR qualifies a lead by its playbook, and no model is asked\n")
	p.chatwoot.SetWebhook(p.url+"/api/v1/webhooks/agentbot/vendas", p.secret)
	p.handedOver = false
	id := p.chatwoot.Open(chatwoottest.Contact{Name: "+55 19 99876-5432", Phone: "+5519998765432"})
	for _, words := range [][]string{
		{"Oi, vi o anúncio de vocês."},
		{"Carla Nunes"},
		{"Padaria Trigo Bom"},
		{"Sou a dona"},
		{"Só planilha e WhatsApp"},
		{"A gente demora para responder e perde pedido."},
	} {
		if err := p.turn(ctx, channel.Chatwoot, "Carla", words, p.inChatwoot(id)); err != nil {
			return err
		}
	}
	if !p.handedOver {
		return errors.New("nobody was called to the lead in Chatwoot")
	}
	if err := p.chatwoot.Wait(ctx, func() bool { return p.chatwoot.Conversation(id).Status == chatwoottest.Open }); err != nil {
		return err
	}
	p.handover(id)
	return nil
}

// inChatwoot writes into a conversation as its customer.
func (p *player) inChatwoot(id int64) func(context.Context, string) error {
	return func(ctx context.Context, text string) error {
		hook, err := p.chatwoot.Customer(ctx, id, text)
		if err == nil && hook.Status/100 != 2 {
			err = fmt.Errorf("the server answered %d", hook.Status)
		}
		return err
	}
}

// onWhatsApp posts a webhook as a fork that signs would.
func (p *player) onWhatsApp(ctx context.Context, text string) error {
	const number = "5519987654321"
	p.whaticket.CustomerWrote(number, text)
	body := whatickettest.Baileys{JID: number, ID: strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", ""))[:20], Name: "Ana", Text: text, At: time.Now()}.Body()
	status, answer, err := whatickettest.Post(ctx, p.url+"/webhook/whaticket", p.secret, body)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("the server answered %d %s", status, answer)
	}
	return err
}

// turn lets a customer speak, and waits until what is said to that has arrived.
func (p *player) turn(ctx context.Context, kind channel.Kind, who string, words []string, say func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.o.Patience, fmt.Errorf("no answer within %v", p.o.Patience))
	defer cancel()
	p.step, p.accepted, p.thread, p.answered = time.Now(), 0, 0, false
	p.printf("\n")
	for _, text := range words {
		p.printf("%-8s%s\n", who, text)
		if err := say(ctx, text); err != nil {
			return fmt.Errorf("%s says something: %w", who, err)
		}
	}
	for {
		if p.accepted >= len(words) && p.answered {
			done, err := p.settled(ctx)
			if err != nil {
				return err
			}
			if done {
				return p.drained(ctx)
			}
		}
		select {
		case event := <-p.events:
			if err := p.show(ctx, event, kind, who); err != nil {
				return err
			}
		case err := <-p.app.Failed():
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// settled says whether everything that was decided in the conversation has been carried out.
func (p *player) settled(ctx context.Context) (bool, error) {
	all, err := p.app.Store().Deliveries(ctx, store.Filter{Conversation: p.thread, Limit: 200})
	if err != nil {
		return false, err
	}
	for _, d := range all {
		switch d.Status {
		case store.Pending, store.FailedTemporary:
			return false, nil
		case store.FailedPermanent:
			return false, fmt.Errorf("a delivery failed for good: %s", d.Cause)
		case store.Sent:
			// An echo may confirm it before the sender has its answer.
			if !p.shown[d.ID] {
				return false, nil
			}
		}
	}
	return len(all) > 0, nil
}

// drained prints what has been told and not yet printed.
func (p *player) drained(ctx context.Context) error {
	for {
		select {
		case event := <-p.events:
			if err := p.show(ctx, event, "", ""); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// show prints one thing that the server did. who is the customer whose turn it is, on the
// channel kind; "" shows what anybody said.
func (p *player) show(ctx context.Context, event any, kind channel.Kind, who string) error {
	switch e := event.(type) {
	case intake.Done:
		return p.showWebhook(ctx, e, kind, who)
	case turn.Done:
		p.showTurn(e)
	case delivery.Done:
		p.showDelivery(e)
	}
	return nil
}

func (p *player) showWebhook(ctx context.Context, e intake.Done, kind channel.Kind, who string) error {
	took := human(e.Duration)
	switch e.Outcome {
	case channel.Accepted:
		for _, r := range e.Results {
			if who == "" {
				if err := p.quote(ctx, r); err != nil {
					return err
				}
			}
			p.line("stored", "conversation %d, message %d; on disk and acknowledged in %s", r.Conversation, r.Message, took)
			if e.Channel == kind {
				p.accepted++
				p.thread = r.Conversation
				p.people[r.Conversation] = who
			}
		}
	case channel.Duplicate:
		p.line("repeat", "known already; acknowledged in %s", took)
	case channel.Skipped:
		if e.Detail == "own_echo" {
			p.line("echo", "our own words come back, and are known")
		}
		for _, r := range e.Results {
			if r.Change.Moved() {
				p.line("moved", "the conversation goes from %s to %s (%s)", r.Change.From, r.Change.To, r.Change.Reason)
			}
		}
	default:
		p.line("refused", "%s %s", e.Outcome, e.Detail)
	}
	return nil
}

// quote prints a message that somebody else sent, read back from the memory.
func (p *player) quote(ctx context.Context, r store.Result) error {
	said, err := p.app.Store().Transcript(ctx, r.Conversation, 50)
	if err != nil {
		return err
	}
	who := p.people[r.Conversation]
	if who == "" {
		who = "Cliente"
	}
	for _, m := range said {
		if m.ID == r.Message {
			p.step = time.Now()
			p.printf("\n%-8s%s\n", who, m.Content.Text)
		}
	}
	return nil
}

func (p *player) showTurn(e turn.Done) {
	if !slices.Contains([]string{string(agent.Replied), string(agent.AskedToWrite), string(agent.HandedOver), string(agent.ModelFailed)}, e.Outcome) {
		p.line("thought", "%s: begins anew", e.Outcome)
		return
	}
	burst := ""
	if e.Pending > 1 {
		burst = fmt.Sprintf("; one answer to %d messages", e.Pending)
	}
	model := "by " + e.Model
	if e.Model == "" {
		model = "by a rule, no model asked,"
	}
	p.line("decided", "%s (%s) %s in %s, %s after the customer began%s", e.Outcome, e.Reason, model, human(e.Total), human(time.Since(p.step)), burst)
	if e.Conversation == p.thread {
		p.answered = true
		p.handedOver = p.handedOver || e.Outcome == string(agent.HandedOver)
	}
}

func (p *player) showDelivery(e delivery.Done) {
	d := e.Delivery
	p.shown[d.ID] = true
	if e.Outcome != store.AttemptSent {
		p.line("not sent", "%s: %s %s (delivery %s)", d.Order.Kind, e.Outcome, e.Cause, d.ID)
		return
	}
	switch d.Order.Kind {
	case channel.Say:
		p.line("sent", "delivery %s in %s, %s after the customer began", d.ID, human(e.Duration), human(time.Since(p.step)))
		p.printf("%-8s%s\n", "Bot", indent(p.heard(d)))
	case channel.Note:
		p.line("noted", "for people, delivery %s in %s", d.ID, human(e.Duration))
	case channel.Labels:
		p.line("labelled", "%s, delivery %s in %s", strings.Join(d.Order.Labels, ", "), d.ID, human(e.Duration))
	case channel.Assign:
		p.line("assigned", "to team %s, delivery %s in %s", d.Order.Team, d.ID, human(e.Duration))
	case channel.OpenUp:
		p.line("opened", "for people, delivery %s in %s", d.ID, human(e.Duration))
	default:
		p.line("done", "%s, delivery %s in %s", d.Order.Kind, d.ID, human(e.Duration))
	}
}

// heard is what arrived at the fake helpdesk.
func (p *player) heard(d store.Delivery) string {
	if d.Channel == channel.Chatwoot {
		_, id, _ := strings.Cut(d.Order.Address.Thread, "/")
		var n int64
		if _, err := fmt.Sscan(id, &n); err == nil {
			for _, m := range p.chatwoot.Conversation(n).Said() {
				if m.Delivery() == string(d.ID) {
					return m.Content
				}
			}
		}
		return d.Order.Text
	}
	if sent := p.whaticket.Sent(); len(sent) > 0 {
		return sent[len(sent)-1].Body
	}
	return d.Order.Text
}

// handover shows what people see in the helpdesk.
func (p *player) handover(id int64) {
	c := p.chatwoot.Conversation(id)
	p.printf("\nWhat people see in the fake Chatwoot, conversation %d:\n", id)
	p.printf("        status %s, team %d, labels %s\n", c.Status, c.TeamID, strings.Join(c.Labels, ", "))
	for _, key := range slices.Sorted(maps.Keys(c.Attributes)) {
		p.printf("        attribute %s: %v\n", key, c.Attributes[key])
	}
	for _, m := range c.Messages {
		if m.Private {
			p.printf("        private note: %s\n", indent(m.Content))
		}
	}
}

// invite says what to do next.
func (p *player) invite() {
	p.printf("\nThe server stays up at %s until Ctrl-C. In another terminal:\n\n  %s\n\n", p.url, p.sendLine())
	p.printf("Health is at %s/healthz, metrics at %s/metrics. For your own helpdesk: %s connect chatwoot (or whaticket), then: %s serve\n", p.url, p.url, p.command(), p.command())
}

// watch prints what others say, until ctx ends.
func (p *player) watch(ctx context.Context) error {
	for {
		select {
		case event := <-p.events:
			if err := p.show(ctx, event, "", ""); err != nil && ctx.Err() == nil {
				return err
			}
		case err := <-p.app.Failed():
			return err
		case <-ctx.Done():
			p.printf("\nStopping.\n")
			return nil
		}
	}
}

func (p *player) line(what, format string, args ...any) {
	p.printf("        · %-9s%s\n", what, fmt.Sprintf(format, args...))
}

func indent(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ")
}

// human writes a time as people read it.
func human(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
