package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	wire "github.com/sashabaranov/go-openai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
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
		return fault.Wrap(fault.Invalid, llm.CodeRequest, err)
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
	if said == nil || said.Message == "" && said.Code == nil && said.Type == "" {
		// Older vLLM has the error's fields at the top.
		said = &wire.APIError{}
		if json.Unmarshal(resp.Body, said) != nil {
			said = nil
		}
	}
	code, kind, param := "", "", ""
	if said != nil {
		code, kind = c.word(fmt.Sprint(said.Code)), c.word(said.Type)
		if said.Param != nil {
			param = c.word(*said.Param)
		}
	}
	switch {
	case oneOf(quotaCodes(), code, kind):
		e.Kind, e.Code = fault.RateLimited, llm.CodeQuota
	case oneOf(filterCodes(), code) || moderated(resp):
		e.Kind, e.Code = fault.Permanent, llm.CodeBlocked
	case oneOf(modelCodes(), code) && (e.Kind == fault.Invalid || e.Kind == fault.Unauthorized):
		// 403 where the project may not use the model.
		e.Kind, e.Code = fault.Invalid, llm.CodeModel
	case oneOf(lengthCodes(), code, kind) || said != nil && tooLong(e.Kind, said):
		// Also where the status says that we come too often, or that the server broke.
		e.Kind, e.Code, e.RetryAfter = fault.Invalid, llm.CodeTooLong, 0
	}
	if detail := strings.Join(nonEmpty(kind, code, param), " "); detail != "" {
		e.Err = errors.New(detail)
	}
	return e
}

// Codes and types of errors, of OpenAI (https://platform.openai.com/docs/guides/error-codes),
// Azure and servers that speak the same API.
func quotaCodes() []string {
	return []string{"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
}

func filterCodes() []string { return []string{"content_filter", "content_policy_violation"} }

func modelCodes() []string { return []string{"model_not_found", "DeploymentNotFound"} }

func lengthCodes() []string {
	return []string{"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"}
}

func oneOf(known []string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(known, w) })
}

// tooLong knows those who have nothing but words to say it: vLLM, whose code is the status
// again, and OpenAI, to whom a request that is alone more than a minute may bring is a rate
// limit ("Request too large for gpt-4o … on tokens per min").
func tooLong(kind fault.Kind, said *wire.APIError) bool {
	switch kind {
	case fault.Invalid:
		return strings.Contains(said.Message, "maximum context length") || strings.Contains(said.Message, "model's context length is only")
	case fault.RateLimited:
		return strings.HasPrefix(said.Message, "Request too large for")
	}
	return false
}

// moderated says whether a gateway has shown the question to a moderator who refused it: a
// 403 as for a wrong key, with reasons
// (https://openrouter.ai/docs/api-reference/errors, "Moderation Errors").
func moderated(resp *httpclient.Response) bool {
	var in struct {
		Error struct {
			Metadata struct {
				Reasons []json.RawMessage `json:"reasons"`
			} `json:"metadata"`
		} `json:"error"`
	}
	return resp.Status == http.StatusForbidden && json.Unmarshal(resp.Body, &in) == nil && len(in.Error.Metadata.Reasons) > 0
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
