package app

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/httpclient"
	"secretaria/internal/intake"
	"secretaria/internal/queue"
	"secretaria/internal/redis"
	"secretaria/internal/secret"
	"secretaria/internal/tracing"
	"secretaria/internal/turn"
	"secretaria/internal/workflow/n8n"
)

// Options is everything that the program can be told. config makes them from file and
// environment; tests make them by hand. Zero fields take the documented defaults.
type Options struct {
	Version string
	Host    string // default 0.0.0.0
	Port    int    // 0: any free port
	// Database is the SQLite file. It belongs to one server at a time.
	Database string
	// Postgres is the URL of a PostgreSQL, with its password, in place of Database: many
	// processes may share it.
	Postgres secret.String
	// Spool keeps webhooks while Postgres cannot be reached; the embedded database has none,
	// since it would be on the same disk.
	Spool Spool
	// Retention is how long what is remembered is kept.
	Retention Retention
	// Redis is the URL of a Redis, with its password, that several processes share; empty:
	// what would lie there is each process's own.
	Redis secret.String
	// Role says what this process does; All by default.
	Role Role

	Inboxes []Inbox
	Desks   []agent.Config
	Models  Models
	// Workflows is how the workflows that the desks declare are reached.
	Workflows Workflows

	Quiet        conversation.Quiet
	DedupeWindow time.Duration // DEDUPE_TTL_SECONDS
	Limits       Limits

	// SendTimeout bounds one call to a helpdesk (REQUEST_TIMEOUT_SECONDS); default 30 s.
	SendTimeout time.Duration
	// Schedule is the pause after each failed try; nil: delivery.Schedule().
	Schedule []time.Duration
	// Addresses may be dialled besides public ones, base URLs included.
	Addresses      httpclient.Policy
	TrustedProxies []netip.Prefix
	AllowedOrigins []string
	Metrics        bool // serve /metrics
	// Traces are sent to a collector where one is named.
	Traces tracing.Config
	Queue  queue.Config
	Logger *slog.Logger
	// Observe is told of every unit of work when it ended. Funcs may be nil.
	Observe Observer
}

// Spool is where webhooks wait for the database. Without a folder, or with no room in it,
// there is none.
type Spool struct {
	Dir      string // SPOOL_DIR; processes of one machine may share it
	MaxBytes int64  // SPOOL_MAX_MB, for each of them
}

// Retention is how long each class of data is kept; 0: for ever. What is unfinished is kept
// until it is done.
type Retention struct {
	Messages time.Duration // RETENTION_MESSAGES: conversations with all that belongs to them
	Webhooks time.Duration // RETENTION_WEBHOOKS: webhooks that could not be stored
	Audit    time.Duration // RETENTION_AUDIT
	// Every is how often what is too old is looked for; default an hour.
	Every time.Duration
}

// filled are the options with the defaults in place of zeros.
func (o Options) filled() Options {
	o.Host = cmp.Or(o.Host, "0.0.0.0")
	o.SendTimeout = cmp.Or(o.SendTimeout, 30*time.Second)
	o.Limits.Window = cmp.Or(o.Limits.Window, time.Minute)
	o.Retention.Every = cmp.Or(o.Retention.Every, time.Hour)
	return o
}

// Role is a share of the work.
type Role string

// The roles. With several processes on one PostgreSQL, Web acknowledges webhooks and Worker
// answers them.
const (
	All    Role = ""
	Web    Role = "web"
	Worker Role = "worker"
)

// Inbox is one configured connection; exactly one of Whaticket and Chatwoot is set.
type Inbox struct {
	Name      string
	Desk      string
	Whaticket *whaticket.Config
	Chatwoot  *chatwoot.Config
	// Quiet overrides Options.Quiet.
	Quiet *conversation.Quiet
	// Hold is how long people keep a conversation, taken over or handed over; 0: until it is
	// handed back. WhatsApp has no sign for handing back, so config gives Whaticket inboxes one.
	Hold time.Duration
	// TakeBack is how long after Chatwoot has opened a conversation and given it to nobody it is
	// looked at, and taken back where no person has it; 0: never.
	TakeBack time.Duration
	// Team, Person and Labels of a handoff, by the helpdesk's ids.
	Team, Person string
	Labels       []string
}

// Kind is the inbox's channel.
func (i Inbox) Kind() channel.Kind {
	if i.Chatwoot != nil {
		return channel.Chatwoot
	}
	return channel.Whaticket
}

// Dry says that nothing can be sent: no helpdesk is configured. What would have been sent
// is recorded.
func (i Inbox) Dry() bool {
	if i.Chatwoot != nil {
		return i.Chatwoot.BaseURL == ""
	}
	return i.Whaticket == nil || i.Whaticket.BaseURL == ""
}

// Workflows is the engine of workflows, and who may report results.
type Workflows struct {
	n8n.Config // BaseURL, APIKey, Auth and Secrets, which sign calls
	// CallbackSecrets sign what workflows report later; none: no callback is accepted.
	CallbackSecrets []secret.String
}

// Limits bound what a minute may bring. 0 means no limit.
type Limits struct {
	Failures  int           // WEBHOOK_RATE_LIMIT_IP: failed authentications by client IP
	Whaticket int           // WEBHOOK_RATE_LIMIT_NUMBER: accepted messages by contact
	Chatwoot  int           // RATE_LIMIT_REQUESTS: accepted messages by contact
	Window    time.Duration // RATE_LIMIT_WINDOW; default a minute
}

var inboxName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Validate says what is wrong, all of it, naming keys and inboxes.
func (o Options) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Port < 0 || o.Port > 65535 {
		bad("APP_PORT: %d is not a port", o.Port)
	}
	if o.Database == "" && o.Postgres.IsZero() {
		bad("DATABASE_URL: empty")
	}
	if !o.Redis.IsZero() {
		if err := redis.Validate(o.Redis); err != nil {
			bad("REDIS_URL: %w", err)
		}
	}
	switch o.Role {
	case All:
	case Web, Worker:
		if o.Postgres.IsZero() {
			bad("role %s: the embedded database serves one process: set DATABASE_URL to a PostgreSQL", o.Role)
		}
	default:
		bad("role %q: want %s or %s", o.Role, Web, Worker)
	}
	desks := map[string]bool{}
	for _, d := range o.Desks {
		if desks[d.Name] {
			bad("desk %s: configured twice", d.Name)
		}
		desks[d.Name] = true
	}
	seen := map[string]bool{}
	for _, i := range o.Inboxes {
		if !inboxName.MatchString(i.Name) {
			bad("inbox %q: a name has lower-case letters, digits, '.', '_' and '-', at most 63", i.Name)
		}
		if seen[i.Name] {
			bad("inbox %s: configured twice", i.Name)
		}
		seen[i.Name] = true
		if !desks[i.Desk] {
			bad("inbox %s: there is no desk %q", i.Name, i.Desk)
		}
		switch {
		case (i.Whaticket == nil) == (i.Chatwoot == nil):
			bad("inbox %s: needs one channel", i.Name)
		case i.Whaticket != nil:
			errs = append(errs, named(i.Name, i.Whaticket.Validate()))
		default:
			errs = append(errs, named(i.Name, i.Chatwoot.Validate()))
		}
	}
	errs = append(errs, o.Traces.Validate())
	errs = append(errs, o.Workflows.Validate())
	errs = append(errs, o.Models.Validate())
	for _, d := range o.Desks {
		errs = append(errs, o.Models.validateDesk(d))
	}
	return errors.Join(errs...)
}

func named(inbox string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("inbox %s: %w", inbox, err)
}

// Observer sees what happens, beside the log and the metrics.
type Observer struct {
	Webhook  func(intake.Done)
	Turn     func(turn.Done)
	Delivery func(delivery.Done)
}
