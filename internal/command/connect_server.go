package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/config"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
)

// noticed bounds how long a proxy may take to notice that a server is there.
const noticed = 10 * time.Second

// standing is a server with the new configuration, at the public address.
type standing struct {
	app *app.App // nil: it runs elsewhere
}

// stop ends what was started here.
func (s *standing) stop(ctx context.Context) error {
	if s == nil || s.app == nil {
		return nil
	}
	return stop(ctx, s.app)
}

// stand finds the server that answers at the webhook address, or starts one here. harmless
// makes a webhook that proves itself with the inbox's secret and that answers nobody. When it
// returns without an error, such a webhook was accepted at that address; stop what it returns.
func (c *connecting) stand(ctx context.Context, cfg *config.Config, webhook string, harmless func() (*http.Request, error)) (*standing, error) {
	at := origin(webhook)
	first := knock(ctx, harmless)
	if first.refused() && !c.yes {
		c.say("  · a server answers at %s, and does not know this inbox yet: restart it now, in this folder. This goes on by itself then; Enter gives up "+
			"(um servidor responde, mas ainda não conhece esta caixa: reinicie-o agora, nesta pasta; daí isto continua sozinho; Enter desiste)", at)
		first = c.knockFor(ctx, c.flags.Wait, harmless, func(a arrival) bool { return !a.accepted })
	}
	switch {
	case ctx.Err() != nil:
		return nil, errCalledOff
	case first.accepted:
		c.say("  · a server answers at %s, and takes this inbox's webhooks (um servidor responde e aceita os webhooks desta caixa)", at)
		return &standing{}, nil
	case first.refused():
		return nil, fmt.Errorf("a server answers at %s and does not take this inbox's webhooks: it runs with another configuration. Start it in this folder, or restart it, and run this command again "+
			"(o servidor roda com outra configuração: inicie-o nesta pasta, ou reinicie-o, e rode este comando de novo)", at)
	}
	s, err := c.startHere(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("nobody takes webhooks at %s (%s), and no server could be started here: %w", at, first, err)
	}
	c.say("  · no server answered at %s: one was started here, on port %s, for the test (um servidor foi iniciado aqui, para o teste)", at, portOf(s.app.Addr()))
	here := c.knockFor(ctx, min(noticed, c.flags.Wait), harmless, func(a arrival) bool { return !a.accepted })
	if here.accepted {
		return s, nil
	}
	err = errors.Join(fmt.Errorf("a server runs here on port %s, and what is posted to %s does not come to it (%s): let the proxy, the tunnel or the router lead there, or give another --public-url, and run this command again "+
		"(o que chega nesse endereço não vem a este servidor: faça o proxy, o túnel ou o roteador apontar para cá, ou informe outro --public-url, e rode de novo)", portOf(s.app.Addr()), at, here), s.stop(ctx))
	if ctx.Err() != nil {
		err = errCalledOff
	}
	return nil, err
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// startHere starts the server of a configuration, as serve does. Only its warnings are shown.
func (c *connecting) startHere(ctx context.Context, cfg *config.Config) (*standing, error) {
	o := cfg.Options
	o.Version = c.before.Options.Version
	o.Logger = telemetry.NewLogger(c.env.Stderr, slog.LevelError, "text")
	a, err := app.New(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := a.Start(ctx); err != nil {
		return nil, errors.Join(err, stop(ctx, a))
	}
	return &standing{app: a}, nil
}

// arrival is what became of a webhook.
type arrival struct {
	accepted bool
	status   int // of the answer; 0: there was none
	err      error
}

// refused says that a Secretaria answers, and takes the webhook for somebody else's.
func (a arrival) refused() bool { return a.status == http.StatusUnauthorized }

// String reads in brackets.
func (a arrival) String() string {
	switch {
	case a.err != nil:
		text, _ := unreachable(a.err, "--public-url")
		return text
	case a.status/100 == 2:
		return "what answers there is no Secretaria"
	}
	return "the answer there is " + strconv.Itoa(a.status) + " " + http.StatusText(a.status)
}

// knock posts a webhook once.
func knock(ctx context.Context, webhook func() (*http.Request, error)) arrival {
	client := httpclient.New(httpclient.Options{Timeout: visitWithin, Policy: httpclient.Policy{All: true}}) // our own address
	defer client.Close()
	req, err := webhook()
	if err != nil {
		return arrival{err: fault.Wrap(fault.Invalid, "request", err)}
	}
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return arrival{err: err}
	}
	a := arrival{status: resp.Status}
	// Many a program says {"ok":true} to everything; that it was understood, and ignored, none
	// but ours.
	var said struct{ Ignored string }
	a.accepted = resp.Status/100 == 2 && json.Unmarshal(resp.Body, &said) == nil && said.Ignored != ""
	return a
}

// knockFor knocks again as long as the answer is one that may change, until a person goes on
// without it or for so long, and gives the last one.
func (c *connecting) knockFor(ctx context.Context, within time.Duration, webhook func() (*http.Request, error), again func(arrival) bool) arrival {
	end := time.NewTimer(within)
	defer end.Stop()
	// A refused webhook counts against the limit of failures of this address, 60 a minute.
	pause := time.NewTicker(2 * time.Second)
	defer pause.Stop()
	typed := c.typed(ctx)
	for {
		a := knock(ctx, webhook)
		if !again(a) {
			return a
		}
		select {
		case <-pause.C:
		case _, more := <-typed:
			if more {
				return a
			}
			typed = nil // nobody is there: only time tells
		case <-end.C:
			return a
		case <-ctx.Done():
			return a
		}
	}
}

// besideServer says whether the memory of the server can be read from here.
func besideServer(ctx context.Context, o app.Options) bool {
	st, err := openStore(ctx, o)
	return err == nil && st.Close() == nil
}

// atPath is an address with a path below it.
func atPath(base, path string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base + path
	}
	return u.JoinPath(path).String()
}

// awaitMessage waits until a customer's message has come through the inbox and was answered,
// until a person goes on without it, or for so long. It reads the memory beside the server, and
// invites that person to write only when it would notice.
func (c *connecting) awaitMessage(ctx context.Context, o app.Options, inbox, invitation string) (answered bool, err error) {
	st, err := openStore(ctx, o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	was, err := heardThrough(ctx, st, inbox)
	if err != nil {
		return false, err
	}
	began := time.Now()
	c.say("%s", invitation)
	var came time.Time
	deadline := time.NewTimer(c.flags.Wait)
	defer deadline.Stop()
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case got := <-c.typed(ctx):
			if got.err != nil {
				return false, got.err
			}
			c.say("  · not waited for (não se esperou)")
			return false, nil
		case <-ctx.Done():
			return false, errCalledOff
		case <-deadline.C:
			if came.IsZero() {
				c.say("  ✗ no message came within %v (nenhuma mensagem chegou)", c.flags.Wait)
			} else {
				c.say("  ✗ it was not answered within %v; see: secretaria deliveries list (não foi respondida a tempo)", c.flags.Wait)
			}
			return false, nil
		case <-poll.C:
		}
		if came.IsZero() {
			at, err := heardThrough(ctx, st, inbox)
			if err != nil {
				return false, err
			}
			if at.After(was) {
				came = time.Now()
				c.say("  ✓ a customer's message came after %v (uma mensagem de cliente chegou)", came.Sub(began).Round(100*time.Millisecond))
			}
			continue
		}
		text, err := saidSince(ctx, st, inbox, began)
		if err != nil {
			return false, err
		}
		if text != "" {
			c.say("  ✓ and was answered %v later (e foi respondida): %s", time.Since(came).Round(100*time.Millisecond), brief(oneLine(text)))
			return true, nil
		}
	}
}

// saidSince is the first thing that customers of an inbox were told since then; "" for nothing.
func saidSince(ctx context.Context, st store.Store, inbox string, since time.Time) (string, error) {
	all, err := st.Deliveries(ctx, store.Filter{Inbox: inbox, Status: store.Sent})
	if err != nil {
		return "", fmt.Errorf("look for the answer: %w", err)
	}
	text := ""
	for _, d := range all { // newest first
		if d.Order.Kind == channel.Say && d.CreatedAt.After(since) {
			text = d.Order.Text
		}
	}
	return text, nil
}
