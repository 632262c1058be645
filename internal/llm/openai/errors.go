package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	wire "github.com/sashabaranov/go-openai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/exchange"
)

// failure gives what went wrong its kind; nil when there is an answer to read.
func (c *Client) failure(x *exchange.Exchange, err error) error {
	switch {
	case x.Err != nil:
		return exchange.Harmless(x.Err)
	case x.Response == nil && err != nil:
		// The library knows some models and refuses what they would refuse. Its own words hold
		// no customer text.
		return fault.Wrap(fault.Invalid, "request refused", err)
	case x.Response.Status < 200 || x.Response.Status > 299:
		var said *wire.APIError
		errors.As(err, &said)
		return c.statusFault(x.Response, said)
	case err != nil:
		return exchange.Unreadable(x.Response.Body)
	}
	return nil
}

// failureInside looks once more at an answer that holds none: some gateways answer 200 with
// an error inside (https://openrouter.ai/docs/api-reference/errors).
func (c *Client) failureInside(x *exchange.Exchange, err error) error {
	var in struct {
		Error *wire.APIError `json:"error"`
	}
	if json.Unmarshal(x.Response.Body, &in) != nil || in.Error == nil {
		return err
	}
	resp := *x.Response
	if status, ok := in.Error.Code.(int); ok && status >= 400 && status < 600 {
		resp.Status = status
	} else {
		resp.Status = http.StatusBadGateway
	}
	return c.statusFault(&resp, in.Error)
}

// statusFault maps a status and the provider's codes
// (https://platform.openai.com/docs/guides/error-codes) to a fault.
func (c *Client) statusFault(resp *httpclient.Response, said *wire.APIError) error {
	e := exchange.Refused(resp)
	code, kind, param := "", "", ""
	if said != nil {
		code, kind = c.word(fmt.Sprint(said.Code)), c.word(said.Type)
		if said.Param != nil {
			param = c.word(*said.Param)
		}
	}
	switch {
	case e.Kind == fault.RateLimited && (code == "insufficient_quota" || kind == "insufficient_quota"):
		e.Code = "quota exhausted"
	case e.Kind != fault.Invalid:
	case code == "content_filter" || code == "content_policy_violation":
		e.Kind, e.Code = fault.Permanent, "blocked"
	case code == "context_length_exceeded":
		e.Code = "context too long"
	case resp.Status == http.StatusPaymentRequired:
		e.Code = "payment required"
	}
	if detail := strings.Join(nonEmpty(kind, code, param), " "); detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// word keeps a machine-readable code, and nothing that could be prose or a key.
func (c *Client) word(s string) string {
	if s == "<nil>" {
		return ""
	}
	return exchange.Word(s, c.cfg.APIKey.Reveal(), "_-.[]")
}

func nonEmpty(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
