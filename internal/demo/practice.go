package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
)

// PracticeOptions are those of a fake helpdesk that is served for its own sake.
type PracticeOptions struct {
	Out      io.Writer
	Port     int           // to listen on, on this machine alone; 0: any that is free
	Command  string        // how to call this program: "secretaria"
	Token    string        // of the administrator; default: one of its own
	Patience time.Duration // how long whoever writes by curl waits for an answer; default 30 s
}

// practiceVersion is one that signs webhooks and tells their secret, and does not refuse yet
// to send them to this machine.
const practiceVersion = "4.13.1"

// practice is a fake Chatwoot with somebody in front of it.
type practice struct {
	o    PracticeOptions
	fake *chatwoottest.Server

	// What was printed of it. Only the printing goroutine has these.
	bots  map[int64]chatwoottest.Bot
	seats map[int64]int64
	shown map[int64]int // messages of a conversation
	state map[int64]string
}

// Practice serves a fake Chatwoot for somebody who wants to set up a bot before touching a real
// one: an account with two inboxes and an administrator's token, and a page on which to write as
// a customer. It prints how to go on, and what happens, until ctx ends. State is in memory.
func Practice(ctx context.Context, o PracticeOptions) error {
	o.Token = cmp.Or(o.Token, rand.Text())
	o.Command = cmp.Or(o.Command, "secretaria")
	o.Patience = cmp.Or(o.Patience, 30*time.Second)
	fake, err := chatwoottest.Start(chatwoottest.Options{
		Addr: "127.0.0.1:" + strconv.Itoa(o.Port), AdminToken: o.Token, Bare: true, Version: practiceVersion,
		Teams: map[int64]string{1: "vendas", 2: "suporte"}, Labels: []string{"novo_lead"},
		Inboxes: []chatwoottest.Inbox{
			{ID: 1, Name: "Testes", Kind: chatwoottest.KindAPI},
			{ID: 2, Name: "Site da loja", Kind: chatwoottest.KindWebsite, Greeting: true},
		},
	})
	if err != nil {
		return err
	}
	defer fake.Close()
	p := &practice{
		o: o, fake: fake,
		bots: map[int64]chatwoottest.Bot{}, seats: map[int64]int64{}, shown: map[int64]int{}, state: map[int64]string{},
	}
	fake.SetPage(http.NewCrossOriginProtection().Handler(p))
	p.introduce()
	// The condition never holds: it prints what is new after every change.
	_ = fake.Wait(ctx, func() bool { p.report(); return false })
	p.printf("\nStopping. (Encerrando.)\n")
	return nil
}

func (p *practice) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.o.Out, format, args...) }

func (p *practice) introduce() {
	url := p.fake.URL()
	p.printf("A fake Chatwoot, to practise on. Nothing leaves this machine, and all that is in it is gone when it ends.\n")
	p.printf("(Um Chatwoot de mentira, para treinar. Nada sai desta máquina, e tudo o que está nele some quando ele termina.)\n\n")
	p.printf("  address (endereço)                        %s\n", url)
	p.printf("  administrator's token (token de admin)    %s\n", p.o.Token)
	p.printf("  inboxes (caixas de entrada)               Testes (API), Site da loja (website)\n\n")
	p.printf("1. In another terminal, set up the bot (em outro terminal, configure o robô):\n\n")
	p.printf("  %s connect chatwoot --url %s --token %s\n\n", p.o.Command, url, p.o.Token)
	p.printf("2. Write as a customer, in the browser (escreva como cliente, no navegador): %s/\n", url)
	p.printf("   or here (ou aqui):\n\n")
	p.printf("  curl --data-urlencode 'text=Oi, quanto custa?' %s/\n\n", url)
	p.printf("Ctrl-C ends it. (Ctrl-C termina.)\n")
}

// report prints what has happened since it was last called.
func (p *practice) report() {
	for _, b := range p.fake.Bots() {
		if before, known := p.bots[b.ID]; !known || before.URL != b.URL || before.Name != b.Name {
			p.printf("\n        · bot %d, %s: its events go to %s\n          (robô %d, %s: os eventos dele vão para %s)\n", b.ID, b.Name, b.URL, b.ID, b.Name, b.URL)
			p.bots[b.ID] = b
		}
	}
	for _, in := range p.fake.Inboxes() {
		if p.seats[in.ID] == in.BotID {
			continue
		}
		p.seats[in.ID] = in.BotID
		if in.BotID == 0 {
			p.printf("        · nobody answers in %s any more (ninguém atende mais em %s)\n", in.Name, in.Name)
			continue
		}
		p.printf("        · %s answers in %s (%s atende em %s)\n", p.bots[in.BotID].Name, in.Name, p.bots[in.BotID].Name, in.Name)
	}
	for _, c := range p.fake.Conversations() {
		if p.shown[c.ID] == 0 && len(c.Messages) > 0 {
			p.printf("\n")
		}
		for _, m := range c.Messages[min(p.shown[c.ID], len(c.Messages)):] {
			p.printf("%-8s%s\n", speaker(*m), indent(m.Content))
		}
		p.shown[c.ID] = len(c.Messages)
		if before := p.state[c.ID]; before != c.Status {
			if p.state[c.ID] = c.Status; before != "" {
				p.printf("        · conversation %d is %s now (a conversa %d agora está %s)\n", c.ID, c.Status, c.ID, inPortuguese(c.Status))
			}
		}
	}
}

// speaker says who a message is from.
func speaker(m chatwoottest.Message) string {
	switch {
	case m.Private:
		return "Nota"
	case m.Type == chatwoottest.Incoming:
		return "Cliente"
	case m.SenderType == "agent_bot":
		return "Bot"
	case m.SenderType == "user":
		return m.SenderName
	}
	return "Chatwoot"
}

func inPortuguese(status string) string {
	switch status {
	case chatwoottest.Pending:
		return "pendente, com o robô"
	case chatwoottest.Open:
		return "aberta, com as pessoas"
	case chatwoottest.Resolved:
		return "resolvida"
	}
	return "adiada"
}
