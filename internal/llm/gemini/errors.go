package gemini

import (
	"errors"
	"strings"
	"time"

	"google.golang.org/genai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/exchange"
)

// maxRetryAfter bounds what the provider may ask for, as httpclient bounds the header.
const maxRetryAfter = time.Hour

// failure gives what went wrong its kind; nil when there is an answer to read. The library's
// own errors are dropped: they quote the answer.
func (c *Client) failure(x *exchange.Exchange, err error) error {
	switch {
	case x.Err != nil:
		return exchange.Harmless(x.Err)
	case x.Response == nil && err != nil:
		return invalid("request refused")
	case x.Response.Status < 200 || x.Response.Status > 299:
		var said genai.APIError
		errors.As(err, &said)
		return c.statusFault(x.Response, said)
	case err != nil:
		return exchange.Unreadable(x.Response.Body)
	}
	return nil
}

// statusFault maps a status and the provider's codes
// (https://ai.google.dev/gemini-api/docs/troubleshooting) to a fault.
func (c *Client) statusFault(resp *httpclient.Response, said genai.APIError) error {
	e := exchange.Refused(resp)
	status, reason, wish := c.word(said.Status), "", time.Duration(0)
	for _, d := range said.Details {
		if r, ok := d["reason"].(string); ok && reason == "" {
			reason = c.word(r)
		}
		// The wish comes in the body (google.rpc.RetryInfo) more often than in a header.
		if s, ok := d["retryDelay"].(string); ok {
			if v, err := time.ParseDuration(s); err == nil {
				wish = max(0, min(v, maxRetryAfter))
			}
		}
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = wish
	}
	if e.Kind == fault.Invalid && strings.HasPrefix(reason, "API_KEY_") {
		// A wrong key is a 400 here: API_KEY_INVALID, API_KEY_EXPIRED.
		e.Kind, e.Code = fault.Unauthorized, "key refused"
	}
	if detail := strings.TrimSpace(status + " " + reason); detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// word keeps a machine-readable code, and nothing that could be prose or a key.
func (c *Client) word(s string) string { return exchange.Word(s, c.cfg.APIKey.Reveal(), "_") }
