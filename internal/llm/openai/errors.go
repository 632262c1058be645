package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	wire "github.com/sashabaranov/go-openai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

func body(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// failure gives what went wrong its kind; nil when there is an answer to read.
func (c *Client) failure(x *exchange, err error) error {
	switch {
	case x.err != nil:
		return harmless(x.err)
	case x.resp == nil && err != nil:
		// The library knows some models and refuses what they would refuse. Its own words hold
		// no customer text.
		return fault.Wrap(fault.Invalid, "request refused", err)
	case x.resp.Status < 200 || x.resp.Status > 299:
		var said *wire.APIError
		errors.As(err, &said)
		return c.statusFault(x.resp, said)
	case err != nil:
		return unreadable(x.resp.Body)
	}
	return nil
}

// failureInside looks once more at an answer that holds none: some gateways answer 200 with
// an error inside (https://openrouter.ai/docs/api-reference/errors).
func (c *Client) failureInside(x *exchange, err error) error {
	var in struct {
		Error *wire.APIError `json:"error"`
	}
	if json.Unmarshal(x.resp.Body, &in) != nil || in.Error == nil {
		return err
	}
	resp := *x.resp
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
	var e *fault.Error
	if !errors.As(resp.Fault(""), &e) {
		e = &fault.Error{Kind: fault.Permanent, Status: resp.Status} // 1xx never gets here
	}
	code, kind, param := "", "", ""
	if said != nil {
		code, kind = c.word(fmt.Sprint(said.Code)), c.word(said.Type)
		if said.Param != nil {
			param = c.word(*said.Param)
		}
	}
	switch e.Kind {
	case fault.RateLimited:
		e.Code = "rate limited"
		if code == "insufficient_quota" || kind == "insufficient_quota" {
			e.Code = "quota exhausted"
		}
	case fault.Transient:
		e.Code = "provider failed"
	case fault.Unauthorized:
		e.Code = "key refused"
	case fault.Permanent:
		e.Code = "redirected"
	default:
		e.Kind, e.Code = fault.Invalid, "request refused"
		switch {
		case code == "content_filter" || code == "content_policy_violation":
			e.Kind, e.Code = fault.Permanent, "blocked"
		case code == "context_length_exceeded":
			e.Code = "context too long"
		case resp.Status == http.StatusNotFound:
			e.Code = "model or path not found"
		case resp.Status == http.StatusPaymentRequired:
			e.Code = "payment required"
		}
	}
	if detail := strings.Join(nonEmpty(kind, code, param), " "); detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// word keeps a machine-readable code, and nothing that could be prose or a key.
func (c *Client) word(s string) string {
	if len(s) > 64 || s == "<nil>" {
		return ""
	}
	if key := c.cfg.APIKey.Reveal(); key != "" && strings.Contains(s, key) {
		return ""
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.[]", r)) {
			return ""
		}
	}
	return s
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
// is none. The decoder's error is dropped: it may quote the answer.
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
