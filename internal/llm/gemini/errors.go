package gemini

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"google.golang.org/genai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
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
		return invalid(llm.CodeRequest)
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
	d := c.details(said.Details)
	status := c.word(said.Status)
	if e.RetryAfter == 0 {
		e.RetryAfter = d.wish
	}
	switch {
	case e.Kind == fault.RateLimited && d.perDay:
		// What it asks to wait is then the wish of a limit by the minute, and too short.
		e.Code = llm.CodeQuota
	case e.Kind != fault.Invalid:
	case strings.HasPrefix(d.reason, "API_KEY_"):
		// A wrong key is a 400 here: API_KEY_INVALID, API_KEY_EXPIRED.
		e.Kind, e.Code = fault.Unauthorized, llm.CodeKey
	case status == "FAILED_PRECONDITION":
		// The account: no free use in this country, no billing on the project.
		e.Kind, e.Code = fault.Unauthorized, llm.CodeKey
	case resp.Status == http.StatusBadRequest && strings.Contains(said.Message, "exceeds the maximum number of tokens"):
		// It gives nothing but these words: no code, no reason.
		e.Code = llm.CodeTooLong
	}
	if detail := strings.TrimSpace(status + " " + d.reason); detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// details is what the machine-readable part of an error says.
type details struct {
	reason string        // of google.rpc.ErrorInfo
	wish   time.Duration // of google.rpc.RetryInfo: it comes there more often than in a header
	perDay bool          // a violated quota of google.rpc.QuotaFailure is one of a day
}

func (c *Client) details(in []map[string]any) details {
	var out details
	for _, d := range in {
		if r, ok := d["reason"].(string); ok && out.reason == "" {
			out.reason = c.word(r)
		}
		if s, ok := d["retryDelay"].(string); ok {
			if v, err := time.ParseDuration(s); err == nil {
				out.wish = max(0, min(v, maxRetryAfter))
			}
		}
		violations, _ := d["violations"].([]any)
		for _, v := range violations {
			quota, _ := v.(map[string]any)
			// "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
			id, _ := quota["quotaId"].(string)
			out.perDay = out.perDay || strings.Contains(id, "PerDay")
		}
	}
	return out
}

// word keeps a machine-readable code, and nothing that could be prose or a key.
func (c *Client) word(s string) string { return exchange.Word(s, c.cfg.APIKey.Reveal(), "_") }
