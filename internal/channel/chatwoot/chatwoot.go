// Package chatwoot connects an inbox to Chatwoot: an agent bot's webhooks come in, messages,
// notes, labels, attributes, assignments and status changes go out.
//
// It is written against Chatwoot 4.15.1 and reads leniently, since later versions add keys
// and values: a field that is missing, null or of the wrong type either gives a sensible
// event or fault.Invalid with its path. Every message that goes out carries our delivery id
// in content_attributes (see Marker); Chatwoot stores it and gives it back in the echo
// webhook and in GET conversation, which is how an uncertain send is reconciled. A bot token
// is enough for everything here; a user token is used for reading only, never for sending,
// because what is sent with it looks like a human takeover.
//
// Admin is apart from that: a person's token for as long as a bot is being set up, which
// reads what there is, changes what was agreed to, and plays a customer to see an answer come.
package chatwoot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// Marker is the key in content_attributes under which our delivery id travels.
const Marker = "secretaria_delivery"

// DefaultWindow is how far a webhook's timestamp may be from our clock, either way.
const DefaultWindow = 300 * time.Second

// Form is the form of a webhook signature.
type Form string

// The forms. AnyForm takes either; a request that carries a timestamp must verify with it.
const (
	AnyForm     Form = ""
	Timestamped Form = "timestamped" // "sha256=<hex>" over "<timestamp>." + body: Chatwoot ≥ 4.13
	BodyOnly    Form = "body"        // bare hex over the body
)

// Config is what an operator says about one Chatwoot inbox.
type Config struct {
	// BaseURL is Chatwoot's address, as people open it in the browser. Without it or
	// without Token the inbox only listens.
	BaseURL string
	// AccountID is the account's number, or "". It is used where a payload names none
	// (conversation events before Chatwoot 4.14.2) and for Probe.
	AccountID string
	// Token is the agent bot's access token.
	Token secret.String
	// UserToken is a user's access token, for reading what a bot may not: it makes the
	// reconciliation of notes possible and that of messages exact. Nothing is sent with it.
	UserToken secret.String
	// Secrets are the bot's webhook secrets; several while one is being rotated. Without
	// any, every request is refused.
	Secrets []secret.String
	// Form pins the form of signatures.
	Form Form
	// BotID is our agent bot's number, or "" to let it be learnt from answers and echoes.
	BotID string
	// Window defaults to DefaultWindow.
	Window time.Duration
}

// Validate says what is wrong, naming the key, all findings at once.
func (c Config) Validate() error {
	var errs []error
	add := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...))
	}
	if c.BaseURL != "" {
		if _, err := baseURL(c.BaseURL); err != nil {
			add("CHATWOOT_BASE_URL", "%w", err)
		}
		if c.Token.IsZero() {
			add("CHATWOOT_ACCESS_TOKEN", "required with CHATWOOT_BASE_URL")
		}
	} else if !c.Token.IsZero() {
		add("CHATWOOT_BASE_URL", "required with CHATWOOT_ACCESS_TOKEN")
	}
	if c.AccountID != "" && !isID(c.AccountID) {
		add("CHATWOOT_ACCOUNT_ID", "%q is not an account's number", c.AccountID)
	}
	if c.BotID != "" && !isID(c.BotID) {
		add("CHATWOOT_BOT_ID", "%q is not an agent bot's number", c.BotID)
	}
	for key, token := range map[string]secret.String{"CHATWOOT_ACCESS_TOKEN": c.Token, "CHATWOOT_USER_TOKEN": c.UserToken} {
		if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
			add(key, "holds a space or a character that no token has")
		}
	}
	for _, s := range c.Secrets {
		if s.IsZero() {
			add("CHATWOOT_WEBHOOK_SECRET", "an empty secret")
		}
	}
	switch c.Form {
	case AnyForm, Timestamped, BodyOnly:
	default:
		add("CHATWOOT_SIGNATURE_FORM", "%q is neither %q nor %q", c.Form, Timestamped, BodyOnly)
	}
	if c.Window < 0 {
		add("CHATWOOT_SIGNATURE_WINDOW", "%v is negative", c.Window)
	}
	// A map is walked above; the same mistakes shall read the same every time.
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// baseURL reads CHATWOOT_BASE_URL; the API's own path, which people copy along, is cut off.
func baseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("must begin with http:// or https:// and name a host")
	case u.User != nil:
		return nil, errors.New("must not hold a user or a password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not hold a query or a fragment")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	for _, suffix := range []string{"/api/v1", "/api"} {
		u.Path = strings.TrimSuffix(u.Path, suffix)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// Channel is one Chatwoot inbox. It has no mutable state and is safe for concurrent use.
type Channel struct {
	base     *url.URL // nil: nothing to be reached
	account  string
	token    secret.String
	user     secret.String
	botID    string
	secrets  []secret.String
	refusing bool // no secret: the HMAC work is done with a random one and its result thrown away
	form     Form
	window   time.Duration
	client   *httpclient.Client
}

var _ channel.Channel = (*Channel)(nil)

// New returns the channel of an inbox.
func New(cfg Config, client *httpclient.Client) (*Channel, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Channel{
		account: cfg.AccountID, token: cfg.Token, user: cfg.UserToken, botID: cfg.BotID,
		secrets: slices.Clone(cfg.Secrets), form: cfg.Form, window: cfg.Window, client: client,
	}
	if cfg.BaseURL != "" {
		u, err := baseURL(cfg.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("CHATWOOT_BASE_URL: %w", err)
		}
		c.base = u
	}
	if c.window == 0 {
		c.window = DefaultWindow
	}
	if len(c.secrets) == 0 {
		c.refuse()
	}
	return c, nil
}

// Stranger returns the channel of an inbox that does not exist: it refuses every request
// exactly like one with a wrong signature, at the same cost, and can do nothing.
func Stranger() *Channel {
	c := &Channel{window: DefaultWindow}
	c.refuse()
	return c
}

func (c *Channel) refuse() {
	c.refusing = true
	c.secrets = []secret.String{secret.New(rand.Text())}
}

// Kind implements channel.Channel.
func (c *Channel) Kind() channel.Kind { return channel.Chatwoot }

// CloseAfterAnswer implements channel.Channel: Chatwoot copes with kept-alive connections.
func (c *Channel) CloseAfterAnswer() bool { return false }

// Supports implements channel.Channel: a configured inbox can do everything.
func (c *Channel) Supports(kind channel.OrderKind) bool {
	switch kind {
	case channel.Say, channel.Note, channel.Attributes, channel.Labels, channel.Assign, channel.OpenUp, channel.Pend, channel.Typing:
		return c.configured()
	}
	return false
}

func (c *Channel) configured() bool { return c.base != nil && !c.token.IsZero() && c.client != nil }

type accepted struct {
	OK        bool   `json:"ok"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Ignored   string `json:"ignored,omitempty"`
}

type refused struct {
	Detail string `json:"detail"`
}

// Answer implements channel.Channel. Chatwoot retries 429 and 500 only and opens the
// conversation to people for good after any other failure, so that our own trouble is
// always 500 and never 503.
func (c *Channel) Answer(o channel.Outcome) (int, any) {
	switch o.Kind {
	case channel.Accepted:
		return http.StatusOK, accepted{OK: true}
	case channel.Duplicate:
		return http.StatusOK, accepted{OK: true, Duplicate: true}
	case channel.Skipped:
		return http.StatusOK, accepted{OK: true, Ignored: o.Detail}
	case channel.BadPayload:
		return http.StatusBadRequest, refused{"invalid payload"}
	case channel.Refused:
		return http.StatusUnauthorized, refused{"invalid signature"}
	case channel.TooLarge:
		return http.StatusRequestEntityTooLarge, refused{"payload too large"}
	case channel.WrongType:
		return http.StatusUnsupportedMediaType, refused{"unsupported media type"}
	case channel.TooManyByIP, channel.TooManyByContact:
		return http.StatusTooManyRequests, refused{"rate limited"}
	}
	return http.StatusInternalServerError, refused{"temporarily unavailable"}
}

func invalid(where, what string) error { return fault.New(fault.Invalid, where+": "+what) }

// isID says whether s is an id as Chatwoot writes them: a positive decimal integer.
func isID(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}
