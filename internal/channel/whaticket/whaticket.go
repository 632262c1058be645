// Package whaticket is the channel to a Whaticket: it authenticates and reads the webhooks
// of its many forks, and speaks and hands over through the API that they have in common.
//
// What it promises beyond the port: every body that any known fork or adapter posts gives
// an event or a reason why not; a customer who sends something without words (audio, a
// sticker, a kind that we do not know) is never met with silence; a hidden id (LID) is
// never dialled; an answer is never sent as a template that Whaticket would fill in.
//
// Two credentials open two ways of sending. The static token sends to a number and can do
// nothing else. E-mail and password (a JWT) read tickets, hand over, tell afterwards
// whether a message arrived, and send where only a ticket is known. Where both are
// configured the token sends and the JWT does the rest.
package whaticket

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// Auth is how an inbox knows that a webhook comes from its Whaticket.
type Auth string

// The modes. Signature is the default and the only one that covers the body; no public
// fork signs, so the weaker two exist and must be asked for by name.
const (
	BySignature Auth = "signature" // X-Timestamp and X-Signature, then X-Webhook-Token where one is configured
	ByToken     Auth = "token"     // X-Webhook-Token or "Authorization: Bearer" alone
	ByURL       Auth = "url"       // a secret as the last path element alone
)

// DefaultWindow is how far X-Timestamp may be from our clock, either way.
const DefaultWindow = 300 * time.Second

// minURLSecret is how long a secret in a URL has to be.
const minURLSecret = 32

// sendPath is what operators tend to leave at the end of WHATSAPP_API_URL.
const sendPath = "/api/messages/send"

// Config configures one inbox. The zero value authenticates nobody and is refused.
type Config struct {
	// BaseURL is WHATSAPP_API_URL; a trailing /api/messages/send is cut off. Empty: the
	// inbox only listens.
	BaseURL string
	// Token is WHATSAPP_BEARER_TOKEN, the static API token.
	Token secret.String
	// Email and Password are WHATICKET_JWT_EMAIL and WHATICKET_JWT_PASSWORD, of a user
	// that Whaticket lets in at any hour.
	Email    string
	Password secret.String

	Auth          Auth            // default BySignature
	Secrets       []secret.String // SHARED_SECRET; all are active
	WebhookTokens []secret.String // WEBHOOK_TOKEN_OPTIONAL; all are active
	URLSecrets    []secret.String // of ByURL, at least 32 characters each
	Window        time.Duration   // default DefaultWindow; no upper bound

	// DefaultCountry is the calling code ("55") of numbers that come without one; "" takes
	// no number without one for a phone.
	DefaultCountry string
	// Logins is where processes share the login of an account; nil: each logs in for itself.
	Logins Logins
	// HandoffQueue and HandoffUser are the ids of the queue and the user that get a
	// conversation at a handoff. Neither: it waits among the pending ones.
	HandoffQueue, HandoffUser string
}

// Validate says what is wrong, by the name of the key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{key}, args...)...))
	}
	list := func(key string, values []secret.String, atLeast int) {
		for i, v := range values {
			if n := len(v.Reveal()); n < max(1, atLeast) {
				bad(key, "secret %d has %d characters, needs at least %d", i+1, n, max(1, atLeast))
			}
		}
	}
	list("SHARED_SECRET", c.Secrets, 1)
	list("WEBHOOK_TOKEN_OPTIONAL", c.WebhookTokens, 1)
	list("url_secrets", c.URLSecrets, minURLSecret)
	switch c.Auth {
	case "", BySignature:
		if len(c.Secrets) == 0 {
			bad("SHARED_SECRET", "is required where auth is %q", BySignature)
		}
	case ByToken:
		if len(c.WebhookTokens) == 0 {
			bad("WEBHOOK_TOKEN_OPTIONAL", "is required where auth is %q", ByToken)
		}
	case ByURL:
		if len(c.URLSecrets) == 0 {
			bad("url_secrets", "is required where auth is %q", ByURL)
		}
	default:
		bad("auth", "%q is not one of %q, %q and %q", c.Auth, BySignature, ByToken, ByURL)
	}
	if c.Window < 0 {
		bad("window", "is negative")
	}
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			bad("WHATSAPP_API_URL", "is not an http or https URL")
		} else if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			bad("WHATSAPP_API_URL", "may hold neither credentials nor a query")
		}
	} else if !c.Token.IsZero() || c.Email != "" {
		bad("WHATSAPP_API_URL", "is required where there are credentials for it")
	}
	if strings.ContainsAny(c.Token.Reveal(), " \t\r\n") {
		bad("WHATSAPP_BEARER_TOKEN", "holds white space")
	}
	if (c.Email == "") != c.Password.IsZero() {
		bad("WHATICKET_JWT_EMAIL", "and WHATICKET_JWT_PASSWORD go together")
	}
	if c.DefaultCountry != "" {
		if n, err := strconv.Atoi(c.DefaultCountry); err != nil || n < 1 || n > 999 {
			bad("default_country", "%q is not a calling code such as 55", c.DefaultCountry)
		}
	}
	for _, id := range []struct{ key, value string }{{"handoff_queue", c.HandoffQueue}, {"handoff_user", c.HandoffUser}} {
		if _, err := number(id.value); id.value != "" && err != nil {
			bad(id.key, "%q is not an id: Whaticket's are whole numbers", id.value)
		}
	}
	return errors.Join(errs...)
}

// number reads an id of Whaticket's database.
func number(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err == nil && n <= 0 {
		err = errors.New("not positive")
	}
	return n, err
}

// Channel is one inbox's connection to its Whaticket. It is safe for concurrent use.
type Channel struct {
	auth       Auth
	secrets    [][]byte
	tokens     [][32]byte // SHA-256, so that comparing takes the same time for every length
	urlSecrets [][32]byte
	window     time.Duration

	base    string // without a slash at its end; "" where there is nothing to reach
	token   secret.String
	country string
	queue   string
	user    string
	http    *httpclient.Client
	session *session // nil without e-mail and password
}

var _ channel.Channel = (*Channel)(nil)

// New returns the channel of an inbox.
func New(cfg Config, client *httpclient.Client) (*Channel, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("whaticket inbox: %w", err)
	}
	c := &Channel{
		auth:    cfg.Auth,
		window:  cfg.Window,
		base:    strings.TrimRight(strings.TrimSuffix(strings.TrimRight(cfg.BaseURL, "/"), sendPath), "/"),
		token:   cfg.Token,
		country: cfg.DefaultCountry,
		queue:   cfg.HandoffQueue,
		user:    cfg.HandoffUser,
		http:    client,
	}
	if c.auth == "" {
		c.auth = BySignature
	}
	if c.window == 0 {
		c.window = DefaultWindow
	}
	for _, s := range cfg.Secrets {
		c.secrets = append(c.secrets, []byte(s.Reveal()))
	}
	c.tokens, c.urlSecrets = digests(cfg.WebhookTokens), digests(cfg.URLSecrets)
	if cfg.Email != "" {
		c.session = newSession(client, c.base, cfg.Email, cfg.Password, cfg.Logins)
	}
	return c, nil
}

// Stranger returns the channel of an inbox that does not exist: it refuses everybody with
// the answer, and after the work, of a wrong signature.
func Stranger() *Channel {
	return &Channel{auth: BySignature, window: DefaultWindow, secrets: [][]byte{[]byte(rand.Text())}}
}

// Kind implements channel.Channel.
func (c *Channel) Kind() channel.Kind { return channel.Whaticket }

// CloseAfterAnswer implements channel.Channel: several forks run on a library that throws,
// and end the whole Whaticket, when a kept-alive connection is dropped under them.
func (c *Channel) CloseAfterAnswer() bool { return true }

type queued struct {
	Queued    bool   `json:"queued"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Ignored   string `json:"ignored,omitempty"`
}

type refusal struct {
	Error   string `json:"error"`
	Details string `json:"details,omitempty"`
}

// Answer implements channel.Channel.
func (c *Channel) Answer(o channel.Outcome) (status int, body any) {
	switch o.Kind {
	case channel.Accepted:
		return http.StatusAccepted, queued{Queued: true}
	case channel.Duplicate:
		return http.StatusAccepted, queued{Queued: true, Duplicate: true}
	case channel.Skipped:
		return http.StatusAccepted, queued{Ignored: o.Detail}
	case channel.BadPayload:
		return http.StatusBadRequest, refusal{Error: "invalid payload", Details: o.Detail}
	case channel.Refused:
		if o.Detail != invalidToken {
			o.Detail = invalidSignature
		}
		return http.StatusUnauthorized, refusal{Error: o.Detail}
	case channel.TooLarge:
		return http.StatusRequestEntityTooLarge, refusal{Error: "payload too large"}
	case channel.WrongType:
		return http.StatusUnsupportedMediaType, refusal{Error: "unsupported media type"}
	case channel.TooManyByIP:
		return http.StatusTooManyRequests, refusal{Error: "too_many_requests_ip"}
	case channel.TooManyByContact:
		return http.StatusTooManyRequests, refusal{Error: "too_many_requests_number"}
	}
	return http.StatusInternalServerError, refusal{Error: "temporarily unavailable"}
}

// Supports implements channel.Channel. Whaticket's API knows neither notes nor attributes,
// its labels cannot be set by it, and it shows no typing.
func (c *Channel) Supports(kind channel.OrderKind) bool {
	switch kind {
	case channel.Say:
		return c.base != "" && (!c.token.IsZero() || c.session != nil)
	case channel.Assign, channel.OpenUp:
		return c.session != nil
	}
	return false
}
