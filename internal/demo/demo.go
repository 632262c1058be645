// Package demo shows the product at work to somebody who has configured nothing: the server
// as it is deployed, between a fake Whaticket and a fake Chatwoot, in three conversations that
// are printed as they happen.
//
// Only the helpdesks are fakes, and they are called so. Webhooks are signed and travel over
// HTTP, the database is a file in a temporary folder, answers come from the offline model
// and are read back from the fakes. Nothing is left behind, nothing leaves the machine.
//
// Practice serves a fake Chatwoot alone, on which to practise what "connect" does.
package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/httpclient"
	"secretaria/internal/intake"
	"secretaria/internal/playbook"
	"secretaria/internal/secret"
	"secretaria/internal/turn"
)

// Options of a demonstration.
type Options struct {
	Out      io.Writer
	Port     int          // of the server; 0: any that is free
	Stay     bool         // leave the server up until ctx ends
	Logger   *slog.Logger // the server's; default: nowhere
	Version  string
	Command  string        // how to call this program: "secretaria"
	Quiet    time.Duration // quiet window; default 400 ms, so that nobody waits
	Patience time.Duration // for one answer; default 20 s
}

// knowledge is what the offline model answers from.
const knowledge = `

## Conhecimento

- Abrimos de segunda a sexta, das 8h às 18h, e aos sábados, das 9h às 13h.
- Entregamos em Campinas e região em até 2 dias úteis; o frete é grátis acima de R$ 200.
- Ficamos na Rua das Acácias, 120, Centro, Campinas.
- Aceitamos Pix, boleto e cartão em até 6 vezes.
- O plano Básico custa R$ 99 por mês e o plano Completo, R$ 249 por mês.
`

// stage is the server with its two helpdesks.
type stage struct {
	o         Options
	app       *app.App
	url       string
	database  string
	secret    string // of both inboxes
	whaticket whatickettest.Server
	chatwoot  *chatwoottest.Server
	events    chan any
	down      []func()
}

// Run plays the conversations, prints them, and, with Stay, keeps the server up until ctx
// ends. An answer that does not come is an error.
func Run(ctx context.Context, o Options) (err error) {
	if o.Quiet <= 0 {
		o.Quiet = 400 * time.Millisecond
	}
	if o.Patience <= 0 {
		o.Patience = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &stage{o: o, secret: rand.Text() + rand.Text(), events: make(chan any, 4096)}
	defer func() {
		for i := len(s.down) - 1; i >= 0; i-- {
			s.down[i]()
		}
	}()
	if err := s.build(ctx); err != nil {
		return calledOff(ctx, err)
	}
	defer func() {
		stopping, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 9*time.Second, errors.New("the server did not stop in time"))
		defer cancel()
		err = errors.Join(err, s.app.Stop(stopping))
	}()
	p := &player{stage: s, began: time.Now(), people: map[conversation.ID]string{}, shown: map[conversation.DeliveryID]bool{}}
	p.introduce()
	if err := p.play(ctx); err != nil {
		return calledOff(ctx, err)
	}
	if !o.Stay {
		return nil
	}
	p.invite()
	return p.watch(ctx)
}

// calledOff makes Ctrl-C an end in good order.
func calledOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *stage) build(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "secretaria-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	s.down = append(s.down, func() { _ = os.RemoveAll(dir) })
	s.database = filepath.Join(dir, "secretaria.db")
	if err := s.whaticket.Start(); err != nil {
		return err
	}
	s.down = append(s.down, s.whaticket.Close)
	if s.chatwoot, err = chatwoottest.Start(chatwoottest.Options{Secret: s.secret}); err != nil {
		return err
	}
	s.down = append(s.down, s.chatwoot.Close)
	a, err := app.New(ctx, s.options())
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
	s.app = a
	s.url = "http://" + a.Addr()
	s.chatwoot.SetWebhook(s.url+"/api/v1/webhooks/agentbot", s.secret)
	return nil
}

func (s *stage) options() app.Options {
	var desks []agent.Config
	for _, name := range []string{"secretaria", "sdr"} {
		persona, _ := agent.Persona(name)
		desks = append(desks, agent.Config{Name: name, Persona: persona + knowledge, Location: time.Local})
	}
	desks = append(desks, agent.Config{Name: "vendas", Persona: desks[1].Persona, Location: time.Local, Playbook: playbook.Default()})
	desk := &chatwoot.Config{BaseURL: s.chatwoot.URL(), AccountID: "1", Token: secret.New("bot-token")}
	secrets := []secret.String{secret.New(s.secret)}
	desk.Secrets = secrets
	return app.Options{
		Version: s.o.Version, Host: "127.0.0.1", Port: s.o.Port, Database: s.database, Logger: s.o.Logger, Metrics: true,
		Desks: desks,
		Inboxes: []app.Inbox{
			{Name: "whaticket", Desk: "secretaria", Hold: 24 * time.Hour, Whaticket: &whaticket.Config{
				BaseURL: s.whaticket.URL(), Token: secret.New(whatickettest.DefaultToken), Auth: whaticket.BySignature, Secrets: secrets,
				Email: whatickettest.DefaultEmail, Password: secret.New(whatickettest.DefaultPassword),
			}},
			{Name: "chatwoot", Desk: "sdr", Team: "4", Labels: []string{"demo"}, Chatwoot: desk},
			{Name: "vendas", Desk: "vendas", Team: "4", Labels: []string{"demo"}, Chatwoot: desk},
		},
		Addresses:    httpclient.Local(), // where the fakes are
		Quiet:        conversation.Quiet{Window: s.o.Quiet, Max: 5 * s.o.Quiet},
		DedupeWindow: 5 * time.Minute,
		Observe: app.Observer{
			Webhook:  func(d intake.Done) { s.tell(d) },
			Turn:     func(d turn.Done) { s.tell(d) },
			Delivery: func(d delivery.Done) { s.tell(d) },
		},
	}
}

// tell hands on what happened. The server never waits for the printing.
func (s *stage) tell(event any) {
	select {
	case s.events <- event:
	default:
	}
}

func (s *stage) command() string { return cmp.Or(s.o.Command, "secretaria") }

// sendLine is a command that reaches this server.
func (s *stage) sendLine() string {
	return fmt.Sprintf("%s send whaticket --url %s --secret %s --database %s --number 5511988877766 %q", s.command(), s.url, s.secret, s.database, "olá")
}
