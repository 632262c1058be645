package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/config"
	"secretaria/internal/httpclient"
)

type connectCmd struct {
	Chatwoot  connectChatwootCmd  `cmd:"" help:"Set up the agent bot of a Chatwoot, and this configuration for it."`
	Whaticket connectWhaticketCmd `cmd:"" help:"Set up a Whaticket and this configuration for each other, as far as that Whaticket allows."`
}

// Help implements kong.HelpProvider.
func (connectCmd) Help() string {
	return `Asks for an address and a token, looks at what is there, shows what would be changed there and in the files here, does it once you agree, and tries the whole way.

Example:

	secretaria connect chatwoot`
}

// connectFlags are those of every helpdesk.
type connectFlags struct {
	configFlag
	Name      string        `help:"Name of the inbox here, the last part of its webhook address." placeholder:"NAME"`
	PublicURL string        `name:"public-url" help:"Address at which the helpdesk reaches this server." placeholder:"URL"`
	Yes       bool          `help:"Go on without asking; what may be chosen stays as it is."`
	DryRun    bool          `help:"Show what would be done, and do nothing."`
	NoTest    bool          `help:"Do not try the way of a message afterwards."`
	Serve     bool          `help:"Go on serving after the test, until Ctrl-C."`
	Wait      time.Duration `help:"How long the test waits for an answer." default:"90s"`
}

// connecting is one run of connect: what the helpdesks have in common.
type connecting struct {
	*talk
	flags  connectFlags
	kind   channel.Kind
	source config.Source
	before *config.Config // as the configuration is
}

// errEnough ends a run in good order before anything was changed: a dry run, or a person who
// says no.
var errEnough = errors.New("nothing was changed")

// begin reads the configuration as it is.
func (f connectFlags) begin(env *Env, kind channel.Kind) (*connecting, error) {
	c := &connecting{talk: newTalk(env, f.Yes), flags: f, kind: kind}
	c.source = config.Source{Environ: env.Environ, Dir: env.Dir, File: f.Config}
	cfg, err := config.Load(c.source)
	if err != nil {
		return nil, err
	}
	cfg.Options.Version = buildOf(env.Version).Version
	c.before = cfg
	return c, nil
}

// policy is whom connect may call: what the configuration names, and, where that leaves it to
// the base URLs, the address that was typed.
func (c *connecting) policy(address string) httpclient.Policy {
	urls := []string{address}
	for _, p := range c.before.Options.Peers() {
		urls = append(urls, p.URL)
	}
	if o := c.before.Options.Addresses; o.All || o.String() != httpclient.Named(urls[1:]...).String() {
		return o
	}
	return httpclient.Named(urls...)
}

// maxLooked bounds an answer of a helpdesk that is looked at: lists of inboxes may hold every
// template of a WhatsApp account.
const maxLooked = 8 << 20

// client calls a helpdesk that is not in the configuration yet. Close it.
func (c *connecting) client(address string) *httpclient.Client {
	return httpclient.New(httpclient.Options{Timeout: min(c.before.Options.SendTimeout, visitWithin), MaxBody: maxLooked, Policy: c.policy(address)})
}

// chooseName finds what the inbox is called here: as the flag says; as one that is the same
// connection already; as the channel where there is none yet; else it is asked for. known says
// that the configuration has it.
func (c *connecting) chooseName(ctx context.Context, same func(app.Inbox) bool) (name string, known bool, err error) {
	inboxes := c.before.Options.Inboxes
	find := func(name string) (app.Inbox, bool) {
		i := slices.IndexFunc(inboxes, func(i app.Inbox) bool { return i.Name == name })
		if i < 0 {
			return app.Inbox{}, false
		}
		return inboxes[i], true
	}
	check := func(name string) (string, error) {
		if !config.ValidName(name) {
			return "", errors.New("a name has lower-case letters, digits, '.', '_' and '-' (letras minúsculas, dígitos, '.', '_' e '-')")
		}
		if in, ok := find(name); ok && in.Kind() != c.kind {
			return "", fmt.Errorf("%s is a %s inbox already (%s já é uma caixa de %s)", name, in.Kind(), name, in.Kind())
		}
		return name, nil
	}
	if name = c.flags.Name; name != "" {
		if name, err = check(name); err != nil {
			return "", false, usage("--name", err)
		}
		_, known = find(name)
		return name, known, nil
	}
	var mine, others []string
	for _, in := range inboxes {
		switch {
		case in.Kind() == c.kind && same(in):
			mine = append(mine, in.Name)
		case in.Kind() == c.kind:
			others = append(others, in.Name)
		}
	}
	switch {
	case len(mine) == 1:
		return mine[0], true, nil
	case len(mine) > 1:
		n, err := c.choose(ctx, question{flag: "--name", text: "Which inbox of this configuration is meant? (Qual caixa desta configuração?)"}, mine, 0)
		if err != nil {
			return "", false, err
		}
		return mine[n], true, nil
	case len(others) == 0:
		return string(c.kind), false, nil
	}
	preset := ""
	for n := 2; preset == ""; n++ {
		if next := fmt.Sprintf("%s-%d", c.kind, n); !slices.ContainsFunc(inboxes, func(i app.Inbox) bool { return i.Name == next }) {
			preset = next
		}
	}
	name, err = c.ask(ctx, question{flag: "--name", preset: preset, optional: true, check: check,
		text: fmt.Sprintf("There is %s already, of another connection. What shall this inbox be called here? (Já existe %s, de outra conexão. Como esta caixa vai se chamar aqui?)", strings.Join(others, ", "), strings.Join(others, ", "))})
	_, known = find(name)
	return name, known, err
}

// choosePublic asks where the helpdesk reaches this server. preset may be "".
func (c *connecting) choosePublic(ctx context.Context, preset string) (string, error) {
	check := func(text string) (string, error) {
		u, err := url.Parse(strings.TrimRight(text, "/"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "", fmt.Errorf("%q is not an address such as https://bot.example.com (não é um endereço como https://bot.exemplo.com.br)", text)
		}
		return u.String(), nil
	}
	if c.flags.PublicURL != "" {
		text, err := check(c.flags.PublicURL)
		return text, usage("--public-url", err)
	}
	return c.ask(ctx, question{flag: "--public-url", preset: preset, optional: preset != "", check: check,
		text: "At which address does the helpdesk reach this server? (Em que endereço o atendimento alcança este servidor?)"})
}
