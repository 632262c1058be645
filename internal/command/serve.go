package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/config"
	"secretaria/internal/profile"
	"secretaria/internal/telemetry"
)

// stopWithin bounds the orderly stop. What cannot end in this time is taken up by the next
// process.
const stopWithin = 9 * time.Second

type serveCmd struct {
	configFlag
	Host  string `help:"Address to listen on, instead of APP_HOST." placeholder:"ADDRESS"`
	Port  string `help:"Port to listen on, instead of APP_PORT; 0 takes any." placeholder:"PORT"`
	Role  string `help:"web acknowledges webhooks, worker answers them; both where it is not given. Needs PostgreSQL." enum:",web,worker" default:"" placeholder:"ROLE"`
	Pprof string `help:"Serve profiles of the running program on this loopback address." placeholder:"127.0.0.1:6060"`
}

// Help implements kong.HelpProvider.
func (serveCmd) Help() string {
	return `Without any configuration there is one inbox to try, with a secret of its own, and nothing is ever sent.

Example:

	SHARED_SECRET=... WHATSAPP_API_URL=https://whaticket.example.com WHATSAPP_BEARER_TOKEN=... secretaria serve --port 8080`
}

// Run serves until ctx ends.
func (c serveCmd) Run(ctx context.Context, env *Env) (failed error) {
	flags := map[string]string{}
	if c.Host != "" {
		flags["APP_HOST"] = c.Host
	}
	if c.Port != "" {
		flags["APP_PORT"] = c.Port
	}
	if c.Pprof != "" {
		if err := profile.Check(c.Pprof); err != nil {
			return fmt.Errorf("--pprof: %w", err)
		}
	}
	cfg, err := c.load(env, flags)
	if err != nil {
		return err
	}
	format := "json"
	if env.Terminal {
		format = "text"
	}
	level := newVerbosity(cfg.LogLevel)
	log := telemetry.NewLogger(env.Stdout, level, format)
	if env.SetDefault != nil {
		env.SetDefault(log)
	}
	if c.Pprof != "" {
		profiles, err := profile.Start(ctx, c.Pprof, log)
		if err != nil {
			return interrupted(ctx, fmt.Errorf("--pprof: %w", err))
		}
		defer func() { failed = errors.Join(failed, profiles.Stop()) }()
		log.Info("profiles served", "address", profiles.Addr())
	}
	if cfg.Trial {
		if err := cfg.AddTrial(true); err != nil {
			return err
		}
	}
	cfg.Options.Logger, cfg.Options.Role = log, app.Role(c.Role)
	a, err := app.New(ctx, cfg.Options)
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := a.Start(ctx); err != nil {
		return interrupted(ctx, errors.Join(err, stop(ctx, a)))
	}
	announce(log, cfg, a.Addr())
	var looking sync.WaitGroup
	looking.Go(func() { warnOfRefusals(ctx, log, cfg.Options) })
	defer looking.Wait()
	defer reloading(ctx, env, log, level, cfg, a)()
	defer stepping(ctx, env.Step, log, level)()
	select {
	case <-ctx.Done():
		log.Info("stopping", "within", stopWithin.String())
	case err = <-a.Failed():
	}
	if err := errors.Join(err, stop(ctx, a)); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// reloading takes up the configuration whenever its files change, until the function that it
// returns is called. What is broken changes nothing and is told with its file and line.
func reloading(ctx context.Context, env *Env, log *slog.Logger, level *verbosity, cfg *config.Config, a *app.App) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() {
		cfg.Follow(ctx, env.Hangup, func(next *config.Config, err error) {
			if err == nil && next.Trial {
				err = next.AddTrial(false)
			}
			if err != nil {
				a.NotReloaded()
				for _, line := range lines(err) {
					log.Error("configuration not taken up: the one before stays", "error", line)
				}
				return
			}
			r, err := a.Reload(next.Options)
			if err != nil {
				log.Error("configuration not taken up: the one before stays", "error", oneLine(err.Error()))
				return
			}
			level.configure(log, next.LogLevel)
			log.Info("configuration taken up", "desks", r.Desks, "inboxes", r.Inboxes)
			if len(r.Restart) > 0 {
				log.Warn("configuration changed in what needs a restart", "keys", r.Restart)
			}
			for _, n := range next.Notes {
				if !slices.Contains(cfg.Notes, n) {
					log.Warn("configuration note", "note", n)
				}
			}
		})
	})
	return func() {
		cancel()
		following.Wait()
	}
}

// interrupted turns the failure of a start that was called off into an end in good order.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func stop(ctx context.Context, a *app.App) error {
	bounded, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), stopWithin, errors.New("the server did not stop in time"))
	defer cancel()
	return a.Stop(bounded)
}

// announce says what is there, and last that it serves.
func announce(log *slog.Logger, cfg *config.Config, address string) {
	o := cfg.Options
	for _, n := range cfg.Notes {
		log.Warn("configuration note", "note", n)
	}
	for _, i := range o.Inboxes {
		log.Info("inbox ready", "inbox", i.Name, "channel", string(i.Kind()), "desk", i.Desk, "webhook", webhookPath(i), "auth", authOf(i), "dry", i.Dry(), "trial", cfg.Trial)
		if i.Dry() && !cfg.Trial {
			log.Warn("inbox is dry: answers are recorded and not sent", "inbox", i.Name, "remedy", "set "+baseKey(i))
		}
	}
	if cfg.Trial {
		log.Warn("no inbox is configured: this one is for trying, and dry, so that nothing is sent",
			"try", `secretaria send whaticket --number YOUR_NUMBER "olá"`, "kept", cfg.TrialFile(),
			"remedy", "run secretaria connect chatwoot or secretaria connect whaticket, or set SHARED_SECRET and WHATSAPP_API_URL for a Whaticket, CHATWOOT_WEBHOOK_SECRET and CHATWOOT_BASE_URL for a Chatwoot; see .env.example")
	}
	if o.Models.Gemini == nil && o.Models.OpenAI == nil {
		log.Warn("no model is configured: the built-in offline model answers, from rules and knowledge only", "remedy", "set GEMINI_API_KEY or OPENAI_API_KEY")
	}
	_, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	log.Info("serving", "port", number, "address", address, "version", o.Version, "environment", cfg.Environment, "inboxes", len(o.Inboxes), "database", databaseName(o), "role", string(cmp.Or(o.Role, "all")))
}

// The paths of the webhooks.
const (
	whaticketPath = "/webhook/whaticket"
	agentBotPath  = "/api/v1/webhooks/agentbot"
)

// webhookPath is what a helpdesk has to be told, without a secret.
func webhookPath(i app.Inbox) string {
	if i.Chatwoot != nil {
		return agentBotPath + "/" + i.Name
	}
	path := whaticketPath + "/" + i.Name
	if i.Whaticket.Auth == whaticket.ByURL {
		path += "/<secret>"
	}
	return path
}

func authOf(i app.Inbox) string {
	if i.Chatwoot != nil {
		return cmp.Or(string(i.Chatwoot.Form), "signature")
	}
	return cmp.Or(string(i.Whaticket.Auth), string(whaticket.BySignature))
}

// baseKey is the key that would connect a dry inbox.
func baseKey(i app.Inbox) string {
	switch {
	case i.Chatwoot != nil:
		return "CHATWOOT_BASE_URL and CHATWOOT_ACCESS_TOKEN (base_url and token in secretaria.yaml)"
	default:
		return "WHATSAPP_API_URL and WHATSAPP_BEARER_TOKEN (base_url and token in secretaria.yaml)"
	}
}

// own is the address of a server of this configuration, seen from this machine.
func own(o app.Options) string {
	host := o.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("http://%s", net.JoinHostPort(host, strconv.Itoa(o.Port)))
}
