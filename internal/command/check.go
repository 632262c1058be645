package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/config"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/openai"
	"secretaria/internal/redact"
	"secretaria/internal/redis"
	"secretaria/internal/store/sqlite"
	"secretaria/internal/workflow/n8n"
)

type checkCmd struct {
	configFlag
	Offline bool   `help:"Call nobody: no helpdesk, no Redis, no n8n."`
	JSON    bool   `help:"As a JSON array."`
	Graph   bool   `help:"Print a desk's playbook as a Mermaid diagram, and nothing else."`
	Desk    string `help:"The desk of the diagram, where several have a playbook." placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (checkCmd) Help() string {
	return `Says in words what is configured, and of everything that is wrong what to do about it. Ends with 1 when something is broken. Changes nothing.

Example:

	secretaria check && secretaria serve
	secretaria check --graph --desk sdr`
}

// level is how bad a finding is.
type level string

const (
	fine    level = "ok"
	hint    level = "note"
	problem level = "problem"
)

// finding is one thing that check has to say.
type finding struct {
	Level  level  `json:"level"`
	About  string `json:"about"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// Run checks.
func (c checkCmd) Run(ctx context.Context, env *Env) error {
	if c.Graph {
		return c.graph(env)
	}
	if c.Desk != "" {
		return errors.New("--desk goes with --graph")
	}
	found := c.findings(ctx, env)
	broken := 0
	for i, f := range found {
		if f.Level == problem {
			found[i].Text = redact.Text(f.Text) // it may quote an error
			broken++
		}
	}
	if c.JSON {
		if err := env.json(found); err != nil {
			return err
		}
	} else {
		for _, f := range found {
			env.printf("%-7s  %s: %s\n", f.Level, f.About, f.Text)
			if f.Remedy != "" {
				env.printf("         → %s\n", f.Remedy)
			}
		}
	}
	switch {
	case broken == 1:
		return errors.New("1 problem found")
	case broken > 1:
		return fmt.Errorf("%d problems found", broken)
	}
	return nil
}

func (c checkCmd) findings(ctx context.Context, env *Env) []finding {
	cfg, err := c.load(env, nil)
	var ce *config.Error
	if errors.As(err, &ce) {
		var found []finding
		for _, p := range ce.Problems {
			remedy := "correct it; .env.example, secretaria.example.yaml and docs/desks.md describe every key (corrija; esses arquivos descrevem cada chave)"
			if strings.Contains(p.String(), "/webhook-test/") {
				remedy = "copy the Production URL of n8n's Webhook node, and activate the workflow (copie a Production URL do nó Webhook do n8n e ative o workflow)"
			}
			found = append(found, finding{problem, cmp.Or(p.Key, "configuration"), p.String(), remedy})
		}
		return found
	}
	if err != nil {
		return []finding{{problem, "configuration", err.Error(), ""}}
	}
	o := cfg.Options
	found := []finding{{fine, "configuration", "valid; read from " + strings.Join(append([]string{"the environment"}, cfg.Files...), ", "), ""}}
	for _, n := range cfg.Notes {
		found = append(found, finding{hint, "configuration", n, ""})
	}
	for _, path := range cfg.Loose {
		found = append(found, finding{hint, "secrets", path + " holds a secret, and others on this machine can read or change it", "chmod 600 " + path + ", as the user that the server runs as (como o usuário do servidor)"})
	}
	found = append(found, finding{fine, "server", fmt.Sprintf("listens on %s, port %d; %s", o.Host, o.Port, metricsWords(o.Metrics)), ""})
	found = append(found, databaseFinding(ctx, o))
	found = append(found, processFindings(running(ctx, o, time.Now()))...)
	found = append(found, diskFindings(o, (*os.File).Sync)...)
	found = append(found, filesFindings(openFiles())...)
	found = append(found, inboxFindings(cfg)...)
	last := heard(ctx, o)
	found = append(found, silenceFindings(o, last, time.Now())...)
	peers := look(ctx, o, c.Offline)
	found = append(found, networkFindings(o, peers, env.Environ)...)
	if !c.Offline {
		found = append(found, redisFindings(ctx, o)...)
		met := visits(ctx, o, peers)
		found = append(found, probes(ctx, o, met, last)...)
		found = append(found, workflowFindings(ctx, o, met)...)
		found = append(found, peerFindings(peers, met)...)
		found = append(found, traceFindings(ctx, o, met)...)
	}
	found = append(found, modelFindings(o.Models)...)
	for _, d := range used(o) {
		found = append(found, deskFindings(o, d, time.Now())...)
	}
	return append(found,
		finding{fine, "answers", fmt.Sprintf("are given when the customer has been quiet for %v, half of that after a whole sentence%s", o.Quiet.Window, atMost(o.Quiet.Max)), ""},
		finding{fine, "limits", fmt.Sprintf("in %v: %s messages of a Whaticket contact, %s of a Chatwoot contact, %s webhooks with a wrong signature from an address",
			o.Limits.Window, many(o.Limits.Whaticket), many(o.Limits.Chatwoot), many(o.Limits.Failures)), ""},
		finding{fine, "sending", fmt.Sprintf("one try of at most %v, and %d more", o.SendTimeout, len(o.Schedule)), ""})
}

func metricsWords(on bool) string {
	if on {
		return "metrics at /metrics"
	}
	return "no metrics"
}

func atMost(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf(", and never later than %v", d)
}

func many(n int) string {
	if n == 0 {
		return "any number of"
	}
	return fmt.Sprint(n)
}

func databaseFinding(ctx context.Context, o app.Options) finding {
	path := databaseName(o)
	if o.Postgres.IsZero() {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return finding{hint, "database", path + " does not exist yet", "secretaria serve and secretaria migrate create it (secretaria serve e secretaria migrate o criam)"}
		}
	}
	st, err := openStore(ctx, o)
	if err == nil && o.Postgres.IsZero() {
		if err = current(ctx, path); err != nil {
			err = errors.Join(stale(o, err), st.Close())
		}
	}
	if err != nil {
		return finding{problem, "database", err.Error(), "run secretaria migrate; where that refuses, restore a backup or name another database in DATABASE_URL (rode secretaria migrate; se ele recusar, restaure um backup ou aponte outro banco em DATABASE_URL)"}
	}
	err = st.Ping(ctx)
	if err = errors.Join(err, st.Close()); err != nil {
		return finding{problem, "database", err.Error(), "restore a backup, or name another file in DATABASE_URL (restaure um backup ou aponte outro arquivo em DATABASE_URL)"}
	}
	return finding{fine, "database", path + " is there and of this program's version", ""}
}

// current is an error where a database file is not of this program's version.
func current(ctx context.Context, path string) error {
	db, err := sqlite.Open(ctx, path, true)
	if err != nil {
		return err
	}
	have, want, err := db.Version(ctx)
	if err == nil && have != want {
		err = fmt.Errorf("it has schema version %d, this program needs %d", have, want)
	}
	return errors.Join(err, db.Close())
}

// redisFindings tries the Redis, where there is one.
func redisFindings(ctx context.Context, o app.Options) []finding {
	if o.Redis.IsZero() {
		return nil
	}
	c, err := redis.Open(o.Redis, redis.Options{})
	if err != nil {
		return []finding{{problem, "redis", err.Error(), "correct REDIS_URL (corrija REDIS_URL)"}}
	}
	err = c.Ping(ctx)
	if cerr := c.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return []finding{{problem, "redis", "cannot be used: " + fault.Code(err), "start it, or correct REDIS_URL; meanwhile limits are open and each process is by itself (inicie-o ou corrija REDIS_URL; até lá não há limites e cada processo está por si)"}}
	}
	return []finding{{fine, "redis", "is there and can be written to", ""}}
}

func inboxFindings(cfg *config.Config) []finding {
	if cfg.Trial {
		return []finding{{hint, "inboxes", "none is configured: serve makes one to try, and sends nothing",
			"run secretaria connect chatwoot or secretaria connect whaticket (rode um dos dois), or set SHARED_SECRET and WHATSAPP_API_URL for a Whaticket, CHATWOOT_WEBHOOK_SECRET and CHATWOOT_BASE_URL for a Chatwoot"}}
	}
	var found []finding
	for _, i := range cfg.Options.Inboxes {
		f := finding{fine, "inbox " + i.Name, fmt.Sprintf("%s, desk %s, webhooks to %s, authenticated by %s", i.Kind(), i.Desk, webhookPath(i), authOf(i)), ""}
		if i.Whaticket != nil && (i.Whaticket.Auth == whaticket.ByURL || i.Whaticket.Auth == whaticket.ByToken) {
			f.Level, f.Remedy = hint, "this way does not cover what a webhook says; let the sender sign (auth: signature) where it can (deixe o remetente assinar, com auth: signature, se ele puder)"
		}
		found = append(found, f)
		if i.Whaticket != nil && !i.Dry() && i.Whaticket.Email == "" {
			found = append(found, finding{hint, "inbox " + i.Name, "has no user of Whaticket: it cannot put a conversation before people, nor tell after a time-out whether a message arrived",
				"set WHATICKET_JWT_EMAIL and WHATICKET_JWT_PASSWORD, email and password in secretaria.yaml (defina essas chaves, ou email e password no secretaria.yaml)"})
		}
	}
	return found
}

// probes calls every helpdesk, all at the same time. met is who was at their front doors, last
// when a customer's message came last.
func probes(ctx context.Context, o app.Options, met map[string]visit, last map[string]time.Time) []finding {
	found := make([][]finding, len(o.Inboxes))
	var running sync.WaitGroup
	for n, i := range o.Inboxes {
		running.Go(func() { found[n] = probe(ctx, o, i, met, time.Since(last[i.Name]) < quietNoted) })
	}
	running.Wait()
	return slices.Concat(found...)
}

// probe finds nothing where the network's findings have said it.
func probe(ctx context.Context, o app.Options, i app.Inbox, met map[string]visit, heard bool) []finding {
	about := "helpdesk of " + i.Name
	if i.Dry() {
		return []finding{{hint, about, "none is configured: answers are recorded and not sent", "set " + baseKey(i) + " (defina essas chaves)"}}
	}
	v := met[origin(baseOf(i))]
	switch {
	case fault.Code(v.err) == httpclient.CodeRefused:
		return nil
	case v.err != nil:
		text, remedy := unreachable(v.err, addressKey(i))
		return []finding{{problem, about, text, remedy}}
	}
	var found []finding
	if f, off := clockFinding(i, met); off {
		found = append(found, f)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*visitWithin, errors.New("probe took too long"))
	defer cancel()
	return append(found, examine(ctx, o, i, about, heard)...)
}

// addressKey is the setting that holds the address of an inbox's helpdesk.
func addressKey(i app.Inbox) string {
	if i.Chatwoot != nil {
		return "CHATWOOT_BASE_URL"
	}
	return "WHATSAPP_API_URL"
}

// examine tries the credentials of an inbox, and where they are good looks closer.
func examine(ctx context.Context, o app.Options, i app.Inbox, about string, heard bool) []finding {
	client := httpclient.New(httpclient.Options{Timeout: min(o.SendTimeout, visitWithin), Policy: o.Addresses})
	defer client.Close()
	var found []finding
	if i.Chatwoot != nil {
		ch, err := chatwoot.New(*i.Chatwoot, client)
		if err != nil {
			return []finding{{problem, about, err.Error(), "correct its configuration (corrija a configuração dela)"}}
		}
		if f := probed(ctx, ch, about); f != (finding{}) {
			return []finding{f}
		}
		e, err := ch.Examine(ctx)
		if found = chatwootFindings(ctx, i, about, e, heard); err != nil {
			found = append(found, unfinished(about, err))
		}
	} else {
		ch, err := whaticket.New(*i.Whaticket, client)
		if err != nil {
			return []finding{{problem, about, err.Error(), "correct its configuration (corrija a configuração dela)"}}
		}
		// The probe says less of a connection that is down than the examination does.
		f := probed(ctx, ch, about)
		e, err := ch.Examine(ctx)
		found = whaticketFindings(about, e)
		if f != (finding{}) && e.Connections == nil {
			found = append(found, f)
		} else if err != nil {
			found = append(found, unfinished(about, err))
		}
	}
	if len(found) == 0 {
		return []finding{{fine, about, "answers, and takes the credentials", ""}}
	}
	return found
}

func unfinished(about string, err error) finding {
	return finding{hint, about, "could not be looked at closer: " + fault.Code(err), "run check again once it answers (rode check de novo quando ele responder)"}
}

// probed is an empty finding where the probe found nothing wrong.
func probed(ctx context.Context, ch channel.Channel, about string) finding {
	err := ch.Probe(ctx)
	text := fmt.Sprintf("does not work: %s", fault.Code(err))
	switch {
	case err == nil:
		return finding{}
	case fault.Is(err, fault.Unsupported):
		return finding{hint, about, "cannot be asked with these credentials; the first answer will tell", ""}
	case fault.Is(err, fault.Unauthorized):
		return finding{problem, about, text, "correct the token, or e-mail and password (corrija o token, ou e-mail e senha)"}
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Invalid):
		return finding{problem, about, text, "correct the base URL, the account and the token (corrija o endereço, a conta e o token)"}
	case fault.Is(err, fault.Permanent):
		return finding{problem, about, text, "correct the base URL (corrija o endereço)"}
	}
	return finding{problem, about, text, "see whether it runs, and whether its address can be reached from here (veja se está no ar e se é alcançável daqui)"}
}

// connect makes the channel of an inbox, as the server does.
func connect(o app.Options, i app.Inbox) (channel.Channel, func(), error) {
	client := httpclient.New(httpclient.Options{Timeout: o.SendTimeout, Policy: o.Addresses})
	if i.Chatwoot != nil {
		ch, err := chatwoot.New(*i.Chatwoot, client)
		return ch, client.Close, err
	}
	ch, err := whaticket.New(*i.Whaticket, client)
	return ch, client.Close, err
}

func modelFindings(m app.Models) []finding {
	var found []finding
	if m.Gemini != nil {
		found = append(found, finding{fine, "model gemini", "Gemini, " + cmp.Or(m.Gemini.Model, gemini.DefaultModel), ""})
	}
	if m.OpenAI != nil {
		found = append(found, finding{fine, "model openai", "OpenAI's API, " + cmp.Or(m.OpenAI.Model, openai.DefaultModel), ""})
	}
	for _, n := range m.Named {
		text := "the built-in offline model"
		switch {
		case n.Gemini != nil:
			text = "Gemini, " + cmp.Or(n.Gemini.Model, gemini.DefaultModel)
		case n.OpenAI != nil:
			text = "OpenAI's API, " + cmp.Or(n.OpenAI.Model, openai.DefaultModel)
		}
		found = append(found, finding{fine, "model " + n.Name, text, ""})
	}
	if len(found) == 0 {
		return []finding{{hint, "model", "none: the built-in offline model answers, from rules and knowledge only", "set GEMINI_API_KEY or OPENAI_API_KEY (defina uma delas)"}}
	}
	r := m.Resilience
	found = append(found, finding{fine, "models", fmt.Sprintf("at most %d tries of %v each", r.Attempts, r.Timeout), ""})
	if m.Limits.Set() {
		found = append(found, finding{fine, "budget", limitWords(m.Limits, m.Currency), ""})
	}
	return found
}

// workflowFindings asks the n8n that workflows are started at.
func workflowFindings(ctx context.Context, o app.Options, met map[string]visit) []finding {
	cfg := o.Workflows.Config
	if cfg.BaseURL == "" {
		return nil
	}
	if v := met[origin(cfg.BaseURL)]; fault.Code(v.err) == httpclient.CodeRefused {
		return nil // the network's findings have said it
	} else if v.err != nil {
		text, remedy := unreachable(v.err, "N8N_BASE_URL")
		return []finding{{problem, "n8n", text, remedy}}
	}
	client := httpclient.New(httpclient.Options{Timeout: min(o.SendTimeout, visitWithin), Policy: o.Addresses})
	defer client.Close()
	engine, err := n8n.New(cfg, client)
	if err != nil {
		return []finding{{problem, "n8n", err.Error(), "correct it (corrija)"}}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("probe took too long"))
	defer cancel()
	if err := engine.Probe(ctx); err != nil {
		return []finding{{problem, "n8n", "does not work: " + fault.Code(err), "see whether it runs, and correct N8N_BASE_URL and N8N_API_KEY (veja se está no ar e corrija N8N_BASE_URL e N8N_API_KEY)"}}
	}
	return []finding{{fine, "n8n", "answers", ""}}
}
