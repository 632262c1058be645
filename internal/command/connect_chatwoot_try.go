package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/config"
	"secretaria/internal/fault"
)

// The customer that connect plays.
const (
	playedName = "Teste da Secretaria"
	playedText = "Olá! Isto é só um teste."
)

// leaveWithin bounds the tidying up after a played conversation.
const leaveWithin = 15 * time.Second

// try sends a customer's message the whole way, where the inbox lets one be played; else it
// asks the person to write one. works is false where an answer was awaited and did not come.
func (s *chatwootSetup) try(ctx context.Context, o app.Options) (works bool, err error) {
	s.say("")
	customer, err := s.admin.Customer(ctx, s.account.ID, s.inbox, playedName)
	switch {
	case fault.Is(err, fault.Unsupported):
		return s.invite(ctx, o)
	case err != nil:
		return false, fmt.Errorf("play a customer: %w", s.refused(err))
	}
	defer func() {
		leaving, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), leaveWithin, errors.New("tidying up took too long"))
		defer cancel()
		if lerr := customer.Leave(leaving); lerr != nil {
			s.say("  · the test conversation of %s is still in Chatwoot: resolve it by hand (a conversa de teste ficou no Chatwoot: resolva à mão)", playedName)
		}
	}()
	s.say("A customer writes in %s (um cliente escreve em %s): %s", s.inbox.Name, s.inbox.Name, playedText)
	began := time.Now()
	if _, err := customer.Say(ctx, playedText); err != nil {
		return false, fmt.Errorf("play a customer: %w", s.refused(err))
	}
	beside := besideServer(ctx, o)
	deadline := time.NewTimer(s.flags.Wait)
	defer deadline.Stop()
	poll := time.NewTicker(500 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, errCalledOff
		case <-deadline.C:
			return false, s.explainSilence(ctx, o, beside, began)
		case <-poll.C:
		}
		answer, err := s.answered(ctx, o, beside, customer, began)
		if err != nil {
			return false, err
		}
		if answer != "" {
			s.say("  ✓ answered after %v (respondido em): %s", time.Since(began).Round(100*time.Millisecond), brief(oneLine(answer)))
			return true, nil
		}
	}
}

// answered is what the played customer was answered by the bot; "" as long as nothing was.
// Chatwoot's own messages are told apart by what our memory says was sent, where it can be
// read.
func (s *chatwootSetup) answered(ctx context.Context, o app.Options, beside bool, customer *chatwoot.Customer, began time.Time) (string, error) {
	heard, err := customer.Heard(ctx)
	switch {
	case fault.Is(err, fault.Transient), fault.Is(err, fault.RateLimited):
		return "", nil // the next look may see it
	case err != nil:
		return "", fmt.Errorf("play a customer: %w", s.refused(err))
	case len(heard) == 0:
		return "", nil
	case !beside:
		return heard[len(heard)-1], nil
	}
	st, err := openStore(ctx, o)
	if err != nil {
		return "", err
	}
	text, err := saidSince(ctx, st, s.name, began)
	if err = errors.Join(err, st.Close()); err != nil || text == "" {
		return "", err
	}
	return text, nil
}

// explainSilence says where an answer that did not come was lost.
func (s *chatwootSetup) explainSilence(ctx context.Context, o app.Options, beside bool, began time.Time) error {
	s.say("  ✗ no answer within %v (nenhuma resposta)", s.flags.Wait)
	if !beside {
		s.say("    → see the log of the server (veja o log do servidor)")
		return nil
	}
	if at := heard(ctx, o)[s.name]; at.Before(began.Add(-time.Second)) {
		s.say("    → Chatwoot posted nothing to %s. Where it runs, look whether that address can be reached, and into the log of Sidekiq; a private address it refuses (see above) "+
			"(o Chatwoot não enviou nada para esse endereço: veja de lá se ele é alcançável e o log do Sidekiq; endereço privado ele recusa)", s.webhook())
		return nil
	}
	s.say("    → the message came, and its answer did not leave: secretaria deliveries list says why (a mensagem chegou e a resposta não saiu: esse comando diz por quê)")
	return nil
}

// invite asks the person to write to an inbox in which no customer can be played.
func (s *chatwootSetup) invite(ctx context.Context, o app.Options) (works bool, err error) {
	if s.yes || !besideServer(ctx, o) {
		s.say("Write to %s as a customer, and see the answer come (escreva para %s como cliente e veja a resposta).", s.inbox.Name, s.inbox.Name)
		return true, nil
	}
	invitation := fmt.Sprintf("Write to %s as a customer now, from your phone for example; Enter goes on without (escreva agora para %s como cliente, do celular por exemplo; Enter segue sem isso).", s.inbox.Name, s.inbox.Name)
	if _, err := s.awaitMessage(ctx, o, s.name, invitation); err != nil {
		return false, err
	}
	return true, nil // that nobody has written says nothing against it
}

// hints say what is left to be wished for in the configuration here, whatever the helpdesk. cfg
// may be nil.
func (c *connecting) hints(cfg *config.Config) {
	if cfg == nil {
		return
	}
	if m := cfg.Options.Models; m.Gemini == nil && m.OpenAI == nil && len(m.Named) == 0 {
		c.say("  → No language model is configured: the built-in one answers, from rules and knowledge only. Set GEMINI_API_KEY or OPENAI_API_KEY in .env (sem modelo de linguagem configurado: defina uma dessas chaves)")
	}
	for _, path := range cfg.Loose {
		c.say("  → %s holds secrets, and others on this machine can read or change it: chmod 600 %s", path, path)
	}
}

// conclude says what works, and what is left to a person.
func (s *chatwootSetup) conclude(cfg *config.Config, st *standing, works bool) {
	s.say("")
	if !works && !s.flags.NoTest {
		s.saySeated()
	}
	if works || s.flags.NoTest {
		s.say("%s answers in %s; the inbox is called %s here (%s responde em %s; a caixa se chama %s aqui).", s.botName, s.inbox.Name, s.name, s.botName, s.inbox.Name, s.name)
	}
	if s.flags.NoTest {
		s.say("It was not tried: --no-test (não foi testado).")
	}
	for _, t := range templates() {
		on := chatwoot.Templates{Greets: s.inbox.Greets, Closed: s.inbox.Closed, Mail: s.inbox.Mail, Survey: s.inbox.Survey}
		if *t.of(&on) && !*t.of(&s.hush) {
			s.say("  → Chatwoot itself still sends %s there: Settings → Inboxes → %s (o Chatwoot ainda envia isso: Configurações → Caixas de entrada → %s)", t.text, s.inbox.Name, s.inbox.Name)
		}
	}
	s.hints(cfg)
	command := strings.TrimSpace(s.env.command())
	switch {
	case s.flags.Serve && (st == nil || st.app != nil):
	case st != nil && st.app == nil:
		s.say("The server that answered goes on (o servidor que respondeu continua). Look at everything with (veja tudo com): %s check", command)
	default:
		s.sayServe()
	}
}

// saySeated says that customers are sent to the bot although no answer was seen, and how to end
// that.
func (s *chatwootSetup) saySeated() {
	s.say("  → %s sits in %s all the same: until its answers come, Chatwoot gives conversations to people. To take it away: Settings → Inboxes → %s → Bot configuration "+
		"(%s está em %s mesmo assim: até responder, o Chatwoot passa as conversas a pessoas; para tirar: Configurações → Caixas de entrada → %s → Configuração do robô)",
		s.botName, s.inbox.Name, s.inbox.Name, s.botName, s.inbox.Name, s.inbox.Name)
}

// leave says what is left behind by a run that breaks off when customers are sent to the bot:
// nobody takes what they write, unless a server goes on.
func (s *chatwootSetup) leave(st *standing) {
	if !s.seated {
		return
	}
	s.say("")
	s.saySeated()
	if st == nil || st.app != nil {
		s.sayServe()
	}
}

func (s *chatwootSetup) sayServe() {
	s.say("Now start the server, and keep it up: Chatwoot gives conversations to people when nobody takes its webhooks (agora inicie o servidor e deixe-o no ar): %s serve", strings.TrimSpace(s.env.command()))
}

// serveOn goes on serving, where that is wanted and nobody does yet.
func (s *chatwootSetup) serveOn(ctx context.Context, st *standing) error {
	if !s.flags.Serve {
		return nil
	}
	if st != nil && st.app == nil {
		return nil
	}
	if err := st.stop(ctx); err != nil {
		return err
	}
	if st != nil {
		st.app = nil
	}
	s.say("Serving until Ctrl-C (servindo até Ctrl-C).")
	return serveCmd{configFlag: s.flags.configFlag}.Run(ctx, s.env)
}
