package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"secretaria/internal/agent"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/httpclient"
	"secretaria/internal/invalid"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/redis"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
)

// setting is a documented key.
type setting struct {
	key    string // in the environment
	path   string // in the YAML file; "" where it has no place there
	secret bool   // never shown, and KEY_FILE may name a file that holds it
	// several says that of a secret more than one may be active, so that it can be changed
	// while webhooks of both come in.
	several bool
	unused  string // told when it is set: it has no effect in this version
	set     func(*draft, value) error
}

// singles are what the environment says about the two inboxes that it can make, about
// desks, and about models.
type singles struct {
	whaticket whaticket.Config
	chatwoot  chatwoot.Config
	desk      agent.Config
	gemini    gemini.Config
	openai    openai.Config
	workflows []workflow.Declared
}

// The defaults that are not those of the packages that use them.
const (
	defaultPort     = 8080
	defaultDatabase = "data/secretaria.db"
	defaultSpool    = "data/spool"
	defaultSpoolMB  = 256
	defaultMessages = 180 * oneDay
	defaultWebhooks = 7 * oneDay
	defaultAudit    = 5 * 365 * oneDay
	defaultZone     = "America/Sao_Paulo"
	defaultOrigin   = "http://localhost:3000"
	defaultQuiet    = 4 * time.Second
	defaultQuietMax = 20 * time.Second
	defaultHold     = 24 * time.Hour
	defaultTakeBack = 2 * time.Minute
	defaultDedupe   = 300 * time.Second
	maxRetries      = 1000
)

func (d *draft) defaults() {
	d.o.Host, d.o.Port = "0.0.0.0", defaultPort
	d.o.Database = d.at(defaultDatabase)
	d.o.Spool.Dir, d.o.Spool.MaxBytes = d.at(defaultSpool), defaultSpoolMB<<20
	d.o.Retention.Messages, d.o.Retention.Webhooks, d.o.Retention.Audit = defaultMessages, defaultWebhooks, defaultAudit
	d.o.Quiet = conversation.Quiet{Window: defaultQuiet}
	d.o.DedupeWindow = defaultDedupe
	d.o.Limits.Failures, d.o.Limits.Whaticket, d.o.Limits.Chatwoot, d.o.Limits.Window = 60, 20, 60, time.Minute
	d.o.SendTimeout, d.o.Schedule = 30*time.Second, delivery.Schedule()
	d.o.Models.Resilience = resilient.Config{Timeout: 30 * time.Second, Attempts: 3, BreakerThreshold: 5, BreakerReset: 300 * time.Second}
	d.single.desk.MaxMessages = agent.DefaultMaxMessages
	d.o.AllowedOrigins = []string{defaultOrigin}
	d.o.Metrics = true
	d.cfg.Environment = "development"
	// The zone's rules are linked into the program, so that this cannot fail there.
	if zone, err := time.LoadLocation(defaultZone); err == nil {
		d.single.desk.Location = zone
	}
}

const (
	consoleUnused = "accepted, not used yet: this version has no console"
)

// settings lists every documented key, in the order of .env.example.
func settings() []setting {
	return []setting{
		{key: "APP_ENV", path: "server.environment", set: func(d *draft, v value) error {
			if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`).MatchString(v.text) {
				return fmt.Errorf("%q is not a word such as development, production, staging or test", v.text)
			}
			d.cfg.Environment = strings.ToLower(v.text)
			return nil
		}},
		{key: "APP_HOST", path: "server.host", set: func(d *draft, v value) error {
			if net.ParseIP(strings.Trim(v.text, "[]")) == nil && !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`).MatchString(v.text) {
				return fmt.Errorf("%q is not an address or a host name, without port", v.text)
			}
			d.o.Host = strings.Trim(v.text, "[]")
			return nil
		}},
		{key: "APP_PORT", path: "server.port", set: func(d *draft, v value) (err error) {
			d.o.Port, err = whole(v.text, 0, 65535)
			return err
		}},
		{key: "LOG_LEVEL", path: "server.log_level", set: setLevel},
		{key: "PROMETHEUS_ENABLED", path: "server.metrics", set: func(d *draft, v value) (err error) {
			d.o.Metrics, err = truth(v.text)
			return err
		}},
		{key: "ALLOWED_ORIGINS", path: "server.allowed_origins", set: func(d *draft, v value) error {
			d.o.AllowedOrigins = nil
			var errs []error
			for _, o := range v.items() {
				o = strings.TrimSuffix(o, "/")
				errs = append(errs, origin(o))
				d.o.AllowedOrigins = append(d.o.AllowedOrigins, o)
			}
			return first(errs)
		}},
		{key: "TRUSTED_PROXIES", path: "server.trusted_proxies", set: func(d *draft, v value) (err error) {
			d.o.TrustedProxies, err = prefixList(v)
			return err
		}},
		{key: "ALLOW_PRIVATE_ADDRESSES", path: "server.allow_private_addresses", set: func(d *draft, v value) (err error) {
			d.o.Addresses, err = httpclient.ParsePolicy(strings.Join(v.items(), ","))
			return err
		}},
		{key: "CONSOLE_PASSWORD", path: "server.console_password", secret: true, unused: consoleUnused, set: func(*draft, value) error { return nil }},

		{key: "DATABASE_URL", path: "database", secret: true, set: func(d *draft, v value) error {
			path, postgres, err := database(v.text)
			if d.o.Postgres = postgres; path != "" || err != nil {
				d.o.Database = d.at(path)
			}
			return err
		}},
		{key: "REDIS_URL", path: "redis", secret: true, set: func(d *draft, v value) error {
			d.o.Redis = secret.New(v.text)
			return redis.Validate(d.o.Redis)
		}},

		{key: "SPOOL_DIR", path: "spool.folder", set: func(d *draft, v value) error { d.o.Spool.Dir = d.at(v.text); return nil }},
		{key: "SPOOL_MAX_MB", path: "spool.max_mb", set: func(d *draft, v value) error {
			n, err := whole(v.text, 0, 1<<20)
			d.o.Spool.MaxBytes = int64(n) << 20
			return err
		}},

		{key: "RETENTION_MESSAGES", path: "retention.messages", set: kept(func(d *draft) *time.Duration { return &d.o.Retention.Messages })},
		{key: "RETENTION_WEBHOOKS", path: "retention.webhooks", set: kept(func(d *draft) *time.Duration { return &d.o.Retention.Webhooks })},
		{key: "RETENTION_AUDIT", path: "retention.audit", set: kept(func(d *draft) *time.Duration { return &d.o.Retention.Audit })},

		{key: "SHARED_SECRET", secret: true, several: true, set: func(d *draft, v value) error {
			d.single.whaticket.Secrets = v.secrets()
			return noneIsNone(v)
		}},
		{key: "WEBHOOK_TOKEN_OPTIONAL", secret: true, several: true, set: func(d *draft, v value) error {
			d.single.whaticket.WebhookTokens = v.secrets()
			return noneIsNone(v)
		}},
		{key: "WHATSAPP_API_URL", set: func(d *draft, v value) error { d.single.whaticket.BaseURL = v.text; return nil }},
		{key: "WHATSAPP_BEARER_TOKEN", secret: true, set: func(d *draft, v value) error { d.single.whaticket.Token = secret.New(v.text); return nil }},
		{key: "WHATICKET_JWT_EMAIL", set: func(d *draft, v value) error { d.single.whaticket.Email = v.text; return nil }},
		{key: "WHATICKET_JWT_PASSWORD", secret: true, set: func(d *draft, v value) error { d.single.whaticket.Password = secret.New(v.text); return nil }},

		{key: "CHATWOOT_WEBHOOK_SECRET", secret: true, several: true, set: func(d *draft, v value) error {
			d.single.chatwoot.Secrets = v.secrets()
			return noneIsNone(v)
		}},
		{key: "CHATWOOT_BASE_URL", set: func(d *draft, v value) error { d.single.chatwoot.BaseURL = v.text; return nil }},
		{key: "CHATWOOT_ACCOUNT_ID", set: func(d *draft, v value) error { d.single.chatwoot.AccountID = v.text; return nil }},
		{key: "CHATWOOT_ACCESS_TOKEN", secret: true, set: func(d *draft, v value) error { d.single.chatwoot.Token = secret.New(v.text); return nil }},

		{key: "GEMINI_API_KEY", path: "models.gemini.api_key", secret: true, set: func(d *draft, v value) error { d.single.gemini.APIKey = secret.New(v.text); return nil }},
		{key: "GEMINI_MODEL", path: "models.gemini.model", set: func(d *draft, v value) error { d.single.gemini.Model = v.text; return nil }},
		{key: "GOOGLE_GEMINI_BASE_URL", path: "models.gemini.base_url", set: func(d *draft, v value) error { d.single.gemini.BaseURL = v.text; return nil }},
		{key: "OPENAI_API_KEY", path: "models.openai.api_key", secret: true, set: func(d *draft, v value) error { d.single.openai.APIKey = secret.New(v.text); return nil }},
		{key: "OPENAI_MODEL", path: "models.openai.model", set: func(d *draft, v value) error { d.single.openai.Model = v.text; return nil }},
		{key: "OPENAI_BASE_URL", path: "models.openai.base_url", set: func(d *draft, v value) error { d.single.openai.BaseURL = v.text; return nil }},
		{key: "LLM_TIMEOUT_SECONDS", path: "models.timeout", set: func(d *draft, v value) (err error) {
			d.o.Models.Resilience.Timeout, err = positive(v.seconds())
			return err
		}},
		{key: "LLM_RETRY_ATTEMPTS", path: "models.attempts", set: func(d *draft, v value) error {
			n, err := whole(v.text, 0, maxRetries)
			d.o.Models.Resilience.Attempts = max(1, n) // 0 retries is one try
			return err
		}},
		{key: "LLM_CIRCUIT_BREAKER_THRESHOLD", path: "models.breaker_threshold", set: func(d *draft, v value) error {
			n, err := whole(v.text, 0, math.MaxInt)
			if n == 0 {
				n = math.MaxInt // never opens
			}
			d.o.Models.Resilience.BreakerThreshold = n
			return err
		}},
		{key: "LLM_CIRCUIT_BREAKER_RESET_SECONDS", path: "models.breaker_reset", set: func(d *draft, v value) error {
			reset, err := v.seconds()
			d.o.Models.Resilience.BreakerReset = max(1, reset) // 0 probes at once
			return err
		}},

		{key: "TURN_QUIET", path: "turns.quiet", set: func(d *draft, v value) (err error) {
			d.o.Quiet.Window, err = duration(v.text)
			return err
		}},
		{key: "TURN_QUIET_MAX", path: "turns.quiet_max", set: func(d *draft, v value) (err error) {
			d.o.Quiet.Max, err = duration(v.text)
			return err
		}},
		{key: "CONTEXT_MAX_MESSAGES", path: "turns.max_messages", set: func(d *draft, v value) (err error) {
			d.single.desk.MaxMessages, err = whole(v.text, 1, 10_000)
			return err
		}},
		{key: "CONTEXT_TTL_SECONDS", path: "turns.max_age", set: func(d *draft, v value) (err error) {
			d.single.desk.MaxAge, err = v.seconds()
			return err
		}},
		{key: "TIMEZONE", path: "turns.timezone", set: func(d *draft, v value) (err error) {
			d.single.desk.Location, err = zone(v.text)
			return err
		}},
		{key: "BUSINESS_HOURS", path: "turns.business_hours", set: func(d *draft, v value) error {
			d.single.desk.Hours = v.text
			return timesOfDay(v.text)
		}},
		{key: "ESCALATION_KEYWORDS", path: "turns.keywords", set: func(d *draft, v value) error {
			d.single.desk.Keywords = v.items()
			return noneIsNone(v)
		}},
		{key: "TRANSFER_TO_HUMAN_MESSAGE", path: "turns.transfer", set: func(d *draft, v value) error {
			d.single.desk.Transfer = v.text
			return nil
		}},

		{key: "DEDUPE_TTL_SECONDS", path: "limits.dedupe", set: func(d *draft, v value) (err error) {
			d.o.DedupeWindow, err = v.seconds()
			return err
		}},
		{key: "RATE_LIMIT_REQUESTS", path: "limits.chatwoot_per_contact", set: limit(func(d *draft) *int { return &d.o.Limits.Chatwoot })},
		{key: "RATE_LIMIT_WINDOW", path: "limits.window", set: func(d *draft, v value) (err error) {
			// The documented value is a bare number of seconds; a duration is as clear.
			if _, nerr := strconv.ParseFloat(v.text, 64); nerr == nil {
				d.o.Limits.Window, err = positive(seconds(v.text))
				return err
			}
			d.o.Limits.Window, err = positive(duration(v.text))
			return err
		}},
		{key: "WEBHOOK_RATE_LIMIT_IP", path: "limits.failures_per_address", set: limit(func(d *draft) *int { return &d.o.Limits.Failures })},
		{key: "WEBHOOK_RATE_LIMIT_NUMBER", path: "limits.whaticket_per_contact", set: limit(func(d *draft) *int { return &d.o.Limits.Whaticket })},

		{key: "REQUEST_TIMEOUT_SECONDS", path: "delivery.timeout", set: func(d *draft, v value) (err error) {
			d.o.SendTimeout, err = positive(v.seconds())
			return err
		}},
		{key: "RQ_RETRY_MAX_ATTEMPTS", path: "delivery.retries", set: func(d *draft, v value) error {
			n, err := whole(v.text, 0, maxRetries)
			d.o.Schedule = schedule(n)
			return err
		}},

		{key: "N8N_BASE_URL", path: "n8n.base_url", set: func(d *draft, v value) error { d.o.Workflows.BaseURL = v.text; return nil }},
		{key: "N8N_API_KEY", path: "n8n.api_key", secret: true, set: func(d *draft, v value) error { d.o.Workflows.APIKey = secret.New(v.text); return nil }},
		{key: "N8N_WEBHOOK_CREATE_LEAD_URL", path: "n8n.create_lead_url", set: func(d *draft, v value) error {
			return d.builtInWorkflow(workflow.CreateLead(v.text))
		}},
		{key: "N8N_WEBHOOK_SCHEDULE_URL", path: "n8n.schedule_url", set: func(d *draft, v value) error {
			return d.builtInWorkflow(workflow.ScheduleMeeting(v.text))
		}},
		{key: "N8N_BASIC_AUTH_USER", path: "n8n.basic_auth_user", set: func(*draft, value) error { return nil }},
		{key: "N8N_BASIC_AUTH_PASSWORD", path: "n8n.basic_auth_password", secret: true, set: func(*draft, value) error { return nil }},
		{key: "N8N_SIGNING_SECRET", path: "n8n.signing_secret", secret: true, several: true, set: func(d *draft, v value) error {
			d.o.Workflows.Secrets = v.secrets()
			return noneIsNone(v)
		}},
		{key: "N8N_CALLBACK_SECRET", path: "n8n.callback_secret", secret: true, several: true, set: func(d *draft, v value) error {
			d.o.Workflows.CallbackSecrets = v.secrets()
			return noneIsNone(v)
		}},

		{key: "OTEL_EXPORTER_OTLP_ENDPOINT", set: func(d *draft, v value) error { d.o.Traces.Endpoint = v.text; return nil }},
		{key: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", set: func(d *draft, v value) error { d.o.Traces.TracesEndpoint = v.text; return nil }},
		{key: "OTEL_EXPORTER_OTLP_HEADERS", secret: true, set: func(d *draft, v value) error { d.o.Traces.Headers = secret.New(v.text); return nil }},
		{key: "OTEL_EXPORTER_OTLP_TIMEOUT", set: func(d *draft, v value) error {
			n, err := whole(v.text, 1, math.MaxInt32)
			d.o.Traces.Timeout = time.Duration(n) * time.Millisecond
			return err
		}},
		{key: "OTEL_EXPORTER_OTLP_COMPRESSION", set: func(d *draft, v value) error { d.o.Traces.Compression = v.text; return nil }},
		{key: "OTEL_EXPORTER_OTLP_PROTOCOL", set: func(d *draft, v value) error { d.o.Traces.Protocol = v.text; return nil }},
		{key: "OTEL_SERVICE_NAME", set: func(d *draft, v value) error { d.o.Traces.Service = v.text; return nil }},
		{key: "OTEL_RESOURCE_ATTRIBUTES", set: func(d *draft, v value) error { d.o.Traces.Resource = v.text; return nil }},
		{key: "OTEL_TRACES_SAMPLER", set: func(d *draft, v value) error { d.o.Traces.Sampler = v.text; return nil }},
		{key: "OTEL_TRACES_SAMPLER_ARG", set: func(d *draft, v value) error { d.o.Traces.SamplerArg = v.text; return nil }},
		{key: "OTEL_SDK_DISABLED", set: func(d *draft, v value) (err error) { d.o.Traces.Disabled, err = truth(v.text); return err }},
	}
}

// Keys lists every key of the environment, in the order of .env.example.
func Keys() []string {
	var keys []string
	for _, s := range settings() {
		keys = append(keys, s.key)
	}
	return keys
}

// secretKeys lists those that have a KEY_FILE too.
func secretKeys() []string {
	var keys []string
	for _, s := range settings() {
		if s.secret {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// prefixes begin the keys that are so much ours that a near miss is worth a hint.
func prefixes() []string {
	return []string{"APP_", "WHATSAPP_", "WHATICKET_", "CHATWOOT_", "N8N_", "GEMINI_", "GOOGLE_GEMINI_", "OPENAI_", "LLM_", "WEBHOOK_", "TURN_", "RATE_LIMIT_",
		"CONTEXT_", "RETENTION_", "RQ_", "SHARED_", "DEDUPE_", "SPOOL_", "TRUSTED_", "ALLOW", "ESCALATION_", "TRANSFER_", "BUSINESS_", "PROMETHEUS_", "OTEL_"}
}

func setLevel(d *draft, v value) error {
	switch word := strings.ToUpper(v.text); word {
	case "WARNING":
		d.cfg.LogLevel = slog.LevelWarn
	case "CRITICAL", "FATAL":
		d.cfg.LogLevel = slog.LevelError
	default:
		if err := d.cfg.LogLevel.UnmarshalText([]byte(word)); err != nil {
			return fmt.Errorf("%q is not one of debug, info, warn and error", v.text)
		}
	}
	return nil
}

func limit(field func(*draft) *int) func(*draft, value) error {
	return func(d *draft, v value) error {
		n, err := whole(v.text, 0, math.MaxInt)
		*field(d) = n
		return err
	}
}

// schedule is the documented one, cut or with its last pause repeated.
func schedule(retries int) []time.Duration {
	pauses := delivery.Schedule()
	for len(pauses) < retries {
		pauses = append(pauses, pauses[len(pauses)-1])
	}
	return slices.Clip(pauses[:retries])
}

func zone(text string) (*time.Location, error) {
	loc, err := time.LoadLocation(text)
	if err != nil || strings.EqualFold(text, "local") {
		return nil, fmt.Errorf("%q is not a time zone such as %s", text, defaultZone)
	}
	return loc, nil
}

// timesOfDay checks the times in words that a person wrote for people: "seg a sex, 08:00-18:00".
func timesOfDay(text string) error {
	if utf8.RuneCountInString(text) > 500 {
		return errors.New("is longer than 500 characters")
	}
	for _, m := range regexp.MustCompile(`\b(\d{1,2})(?::|[hH])(\d{2})\b`).FindAllStringSubmatch(text, -1) {
		h, _ := strconv.Atoi(m[1])
		minute, _ := strconv.Atoi(m[2])
		if h > 24 || minute > 59 || h == 24 && minute > 0 {
			return fmt.Errorf("%q is not a time of day", m[0])
		}
	}
	return nil
}

// noneIsNone refuses a list that holds separators and nothing else.
func noneIsNone(v value) error {
	if len(v.items()) == 0 {
		return errors.New("is a list without anything in it")
	}
	return nil
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// tune settles what depends on more than one key.
func (d *draft) tune() {
	if !d.set("TURN_QUIET_MAX") {
		// Somebody who sets a longer window does not mean it to be cut.
		d.o.Quiet.Max = max(defaultQuietMax, min(5*d.o.Quiet.Window, forever))
		if d.o.Quiet.Window > forever/5 {
			d.o.Quiet.Max = forever
		}
	} else if d.o.Quiet.Max > 0 && d.o.Quiet.Window > d.o.Quiet.Max {
		d.note("TURN_QUIET is longer than TURN_QUIET_MAX: every turn waits TURN_QUIET_MAX")
	}
	if d.set("N8N_BASIC_AUTH_USER") != d.set("N8N_BASIC_AUTH_PASSWORD") {
		d.problem("N8N_BASIC_AUTH_USER", cmp.Or(d.found["N8N_BASIC_AUTH_USER"].where, d.found["N8N_BASIC_AUTH_PASSWORD"].where), "and N8N_BASIC_AUTH_PASSWORD go together")
	}
	d.models()
	d.shared()
	d.complain(d.o.Traces.Validate(), nil)
	if u, err := url.Parse(d.o.Traces.URL()); err == nil && u.Port() == "4317" {
		d.note("OTEL_EXPORTER_OTLP_ENDPOINT names port 4317, where collectors speak gRPC: traces are sent by HTTP, which they take on 4318")
	}
}

// builtInWorkflow is one that a variable makes: it is for the desks that qualify.
func (d *draft) builtInWorkflow(w workflow.Declared) error {
	if err := w.Validate(); err != nil {
		return errors.New(invalid.Fields(err)[0].Text)
	}
	d.single.workflows = append(d.single.workflows, w)
	return nil
}

// models are those that have a key; a server of one's own may do without one.
func (d *draft) models() {
	if d.set("GEMINI_API_KEY") {
		d.o.Models.Gemini = &d.single.gemini
		d.complain(d.single.gemini.Validate(), nil)
	} else if d.set("GEMINI_MODEL") || d.set("GOOGLE_GEMINI_BASE_URL") {
		d.note("GEMINI_API_KEY is not set: Gemini is not asked")
	}
	if d.set("OPENAI_API_KEY") || d.set("OPENAI_BASE_URL") {
		d.o.Models.OpenAI = &d.single.openai
		d.complain(d.single.openai.Validate(), nil)
	} else if d.set("OPENAI_MODEL") {
		d.note("OPENAI_API_KEY is not set: OpenAI is not asked")
	}
	d.complain(d.o.Models.Resilience.Validate(), nil)
}

// complain turns what a package says about its Config, "KEY: text" a line, into problems.
// rename gives the key and the place where it was written; nil: a key of the environment.
func (d *draft) complain(err error, rename func(key string) (name, where string)) {
	if err == nil {
		return
	}
	for _, line := range flatten(err) {
		key, text, ok := strings.Cut(line, ": ")
		if !ok {
			key, text = "", line
		}
		name, where := d.found[key].name(key), d.found[key].where
		if rename != nil {
			name, where = rename(key)
		}
		d.problem(name, where, "%s", text)
	}
}
