package chatwoot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// Causes, as an operator sees them on a delivery.
const (
	causeNotConfigured = "not_configured"
	causeUnexpected    = "unexpected_answer"   // no Chatwoot there, or something in front of it
	causeUnreadable    = "unreadable_answer"   // 2xx, but no message in it
	causeRefused       = "refused"             // 422
	causeTrouble       = "trouble_at_chatwoot" // 5xx, or a 422 that tells of one
	causeTooMany       = "too_many_messages"   // the limit of a conversation
	causeThrottled     = "throttled"           // the limit of an address
	causeInvalidToken  = "invalid_token"
	causeNoToken       = "token_not_received" // a proxy drops the header
	causeNotForBots    = "not_authorized_for_bots"
	causeOtherAccount  = "token_of_another_account"
	causeUnauthorized  = "unauthorized"
	causeNotFound      = "conversation_not_found"
	causeNoAssignee    = "unknown_assignee"
	causeStatus        = "status_not_changed"
	causeNoAttributes  = "attributes_unreadable"
)

// perMinute is how long to stay away from a conversation that had its 200 messages of this
// minute (CONVERSATION_MESSAGE_PER_MINUTE_LIMIT); Chatwoot gives no Retry-After for it.
const perMinute = time.Minute

// call is one request. creates says that its effect would show twice if it happened twice:
// a failure after the request was written is then Uncertain, else Transient.
type call struct {
	method  string
	path    string // below the base URL
	query   string
	token   secret.String // of a bot or a user; none in the public API
	visitor secret.String // of a website's visitor
	body    any           // nil: none
	creates bool
}

// do makes the call and classifies whatever is not a 2xx. A Response comes back with every
// answer that has a status, beside the error.
func (c *Channel) do(ctx context.Context, k call) (*httpclient.Response, error) {
	return k.do(ctx, c.client, c.base)
}

func (k call) do(ctx context.Context, client *httpclient.Client, base *url.URL) (*httpclient.Response, error) {
	u := *base
	u.Path += k.path
	u.RawQuery = k.query
	var body []byte
	if k.body != nil {
		var err error
		if body, err = json.Marshal(k.body); err != nil {
			return nil, fault.Wrap(fault.Invalid, "body", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "request", errors.New("cannot be made"))
	}
	// Not api_access_token: nginx drops headers with underscores unless told otherwise.
	if !k.token.IsZero() {
		req.Header.Set("Api-Access-Token", k.token.Reveal())
	}
	if !k.visitor.IsZero() {
		req.Header.Set("X-Auth-Token", k.visitor.Reveal())
	}
	req.Header.Set("Accept", "application/json")
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		var e *fault.Error
		if !k.creates && errors.As(err, &e) && e.Kind == fault.Uncertain {
			return nil, &fault.Error{Kind: fault.Transient, Code: e.Code, Err: e.Err}
		}
		return nil, err
	}
	return resp, classify(resp, k.creates)
}

// classify gives an answer its kind; nil for a 2xx that is no web page.
//
//	status        text                                 creates         otherwise
//	2xx           a web page                           Permanent       Permanent
//	3xx, page     any                                  Permanent       Permanent
//	401, 403      which one decides the code only      Unauthorized    Unauthorized
//	404, 410                                           NotFound        NotFound
//	408, 425                                           Transient       Transient
//	422           "Too many messages"                  RateLimited     RateLimited
//	422           names a database, Redis, a timeout   Uncertain       Transient
//	other 4xx                                          Invalid         Invalid
//	429                                                RateLimited     RateLimited
//	5xx                                                Uncertain       Transient
//
// Creating a message answers 422 for every error, an unexpected one after the message was
// saved included (messages_controller.rb rescues StandardError), so that its text has to
// be looked at. A 401 stands for what others call 403.
func classify(r *httpclient.Response, creates bool) error {
	kind := fault.Transient
	if creates {
		kind = fault.Uncertain
	}
	e := &fault.Error{Status: r.Status, RetryAfter: httpclient.RetryAfter(r.Header, time.Now())}
	words := errorText(r)
	switch s := r.Status; {
	case s >= 500:
		e.Kind, e.Code = kind, causeTrouble
	case s == http.StatusTooManyRequests:
		e.Kind, e.Code = fault.RateLimited, causeThrottled
	case s >= 300 && s < 400, isPage(r):
		e.Kind, e.Code, e.RetryAfter = fault.Permanent, causeUnexpected, 0
	case s >= 200 && s < 300:
		return nil
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Kind, e.Code = fault.Unauthorized, unauthorized(words)
	case s == http.StatusNotFound, s == http.StatusGone:
		e.Kind, e.Code = fault.NotFound, causeNotFound
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		e.Kind, e.Code = fault.Transient, causeTrouble
	case s == http.StatusUnprocessableEntity && strings.Contains(words, "too many messages"):
		e.Kind, e.Code = fault.RateLimited, causeTooMany
		if e.RetryAfter == 0 {
			e.RetryAfter = perMinute
		}
	case s == http.StatusUnprocessableEntity && tellsTrouble(words):
		e.Kind, e.Code = kind, causeTrouble
	case s >= 400:
		e.Kind, e.Code = fault.Invalid, causeRefused
	default:
		e.Kind, e.Code = kind, causeUnexpected // a 1xx as the last word
	}
	return e
}

// errorText returns the words of an error body in lower case: {"error"}, {"errors": []} or
// {"message"}. They choose a kind and a code and go no further.
func errorText(r *httpclient.Response) string {
	if r.Status < 400 {
		return ""
	}
	v, err := value(r.Body)
	if err != nil {
		return ""
	}
	o := asObject(v)
	all := []string{o.text("error", maxCause), o.text("message", maxCause)}
	for _, e := range o.list("errors") {
		if s, ok := e.(string); ok {
			all = append(all, clean(s, maxCause))
		}
	}
	return strings.ToLower(strings.Join(all, " "))
}

func unauthorized(words string) string {
	for _, c := range []struct{ words, code string }{
		{"invalid access token", causeInvalidToken},
		{"not authorized for bots", causeNotForBots},
		{"not authorized to access this account", causeOtherAccount},
		{"sign in", causeNoToken},
	} {
		if strings.Contains(words, c.words) {
			return c.code
		}
	}
	return causeUnauthorized
}

func tellsTrouble(words string) bool {
	for _, w := range []string{"pg::", "redis", "errno::", "connection", "timeout", "timed out", "deadlock"} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

// isPage says whether an answer is a web page: the base URL leads to something else, or a
// proxy speaks.
func isPage(r *httpclient.Response) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "html") ||
		bytes.HasPrefix(bytes.TrimSpace(r.Body), []byte("<"))
}

// conversationPath returns the path of a conversation below the base URL.
func conversationPath(thread string) (string, error) {
	account, id, ok := strings.Cut(thread, "/")
	if !ok || !isID(account) || !isID(id) {
		return "", invalid("address.thread", "account and conversation expected")
	}
	return fmt.Sprintf("/api/v1/accounts/%s/conversations/%s", account, id), nil
}

// Probe implements channel.Channel. A bot token may read next to nothing, so that the
// refusal is part of the answer: asking for conversation 0, which never exists, gives 404,
// or 401 "not authorized for bots" before Chatwoot 4.14.2, and either proves that Chatwoot
// is there and knows the token. Without an account the profile is asked for, which bots are
// never shown.
func (c *Channel) Probe(ctx context.Context) error {
	if !c.configured() {
		return fault.New(fault.Unsupported, causeNotConfigured)
	}
	path := "/api/v1/profile"
	if c.account != "" {
		path = "/api/v1/accounts/" + c.account + "/conversations/0"
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: path, token: c.token})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.RateLimited:
		return nil
	case fault.Unauthorized:
		if fault.Code(err) == causeNotForBots {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("probe chatwoot: %w", err)
	}
	return nil
}
