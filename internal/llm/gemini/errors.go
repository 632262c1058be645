package gemini

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/genai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// maxRetryAfter bounds what the provider may ask for, as httpclient bounds the header.
const maxRetryAfter = time.Hour

func body(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// failure gives what went wrong its kind; nil when there is an answer to read. The library's
// own errors are dropped: they quote the answer.
func (c *Client) failure(x *exchange, err error) error {
	switch {
	case x.err != nil:
		return harmless(x.err)
	case x.resp == nil && err != nil:
		return invalid("request refused")
	case x.resp.Status < 200 || x.resp.Status > 299:
		var said genai.APIError
		errors.As(err, &said)
		return c.statusFault(x.resp, said)
	case err != nil:
		return unreadable(x.resp.Body)
	}
	return nil
}

// statusFault maps a status and the provider's codes
// (https://ai.google.dev/gemini-api/docs/troubleshooting) to a fault.
func (c *Client) statusFault(resp *httpclient.Response, said genai.APIError) error {
	var e *fault.Error
	if !errors.As(resp.Fault(""), &e) {
		e = &fault.Error{Kind: fault.Permanent, Status: resp.Status} // 1xx never gets here
	}
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
	switch e.Kind {
	case fault.RateLimited:
		e.Code = "rate limited"
	case fault.Transient:
		e.Code = "provider failed"
	case fault.Unauthorized:
		e.Code = "key refused"
	case fault.Permanent:
		e.Code = "redirected"
	default:
		e.Kind, e.Code = fault.Invalid, "request refused"
		switch {
		case strings.HasPrefix(reason, "API_KEY_"):
			// A wrong key is a 400 here: API_KEY_INVALID, API_KEY_EXPIRED.
			e.Kind, e.Code = fault.Unauthorized, "key refused"
		case resp.Status == http.StatusNotFound:
			e.Code = "model or path not found"
		}
	}
	if detail := strings.TrimSpace(status + " " + reason); detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// word keeps a machine-readable code, and nothing that could be prose or a key.
func (c *Client) word(s string) string {
	if len(s) > 64 || strings.Contains(s, c.cfg.APIKey.Reveal()) {
		return ""
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') {
			return ""
		}
	}
	return s
}

// harmless turns Uncertain into Transient: a model call has no effect outside.
func harmless(err error) error {
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.Uncertain {
		c := *e
		c.Kind = fault.Transient
		return &c
	}
	return err
}

// unreadable tells an answer that was cut short, which another try can help, from one that
// is none.
func unreadable(body []byte) error {
	text := bytes.TrimSpace(body)
	switch {
	case json.Valid(text):
		return fault.New(fault.Permanent, "answer has an unknown form")
	case len(text) == 0 || text[0] == '{':
		return fault.New(fault.Transient, "answer cut short")
	}
	return fault.New(fault.Permanent, "answer is not JSON")
}
