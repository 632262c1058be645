// Package n8n starts workflows of n8n through their Webhook nodes.
//
// A call is a POST of one JSON object to the production URL, signed over exactly the bytes
// that are sent (Standard Webhooks), with our delivery id as idempotency key in a header, in
// the body and as the signature's message id: n8n itself knows no such key, a workflow can.
// A status of 200 is not success: a webhook that answers immediately says "Workflow was
// started" whatever becomes of it. What was observed of n8n 1.123.5 and 2.8.4 is in
// n8ntest/testdata, and the classification of its answers rests on that alone.
package n8n

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
	"secretaria/internal/workflow"
)

// Config says how an n8n is reached. Zero fields leave out what they are for.
type Config struct {
	// BaseURL is the n8n itself (N8N_BASE_URL), for probes and its public API.
	BaseURL string
	// APIKey (N8N_API_KEY) lets unknown outcomes be looked up among the executions.
	APIKey secret.String
	// Auth is what the webhooks ask for, unless a workflow declares its own.
	Auth workflow.Auth
	// Secrets sign every call, each of them: the first is the newest.
	Secrets []secret.String
}

// Validate says what is wrong, naming keys.
func (c Config) Validate() error {
	var errs []error
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
			errs = append(errs, errors.New("N8N_BASE_URL: no address that begins with http:// or https://"))
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			errs = append(errs, errors.New("N8N_BASE_URL: an address with nothing but a host and a path"))
		case strings.Contains(u.Path, "/webhook"):
			errs = append(errs, errors.New("N8N_BASE_URL: the address of n8n itself, without /webhook/…"))
		}
	}
	if c.BaseURL == "" && !c.APIKey.IsZero() {
		errs = append(errs, errors.New("N8N_API_KEY: needs N8N_BASE_URL"))
	}
	if err := c.Auth.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("n8n authentication: %w", err))
	}
	return errors.Join(errs...)
}

// Engine is an n8n. It keeps nothing between calls and is safe for concurrent use.
type Engine struct {
	cfg  Config
	http *httpclient.Client
}

var _ workflow.Engine = (*Engine)(nil)

// New returns an engine. The client's body limit holds for what its public API answers.
func New(cfg Config, client *httpclient.Client) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	return &Engine{cfg: cfg, http: client}, nil
}

// payload is the body of a call. docs/workflows.md documents it.
type payload struct {
	ID           string          `json:"id"`
	Workflow     string          `json:"workflow"`
	Conversation int64           `json:"conversation,omitempty"`
	Correlation  string          `json:"correlation_id,omitempty"`
	Data         json.RawMessage `json:"data"`
}

// Call implements workflow.Engine.
func (e *Engine) Call(ctx context.Context, r workflow.Request) (workflow.Answer, error) {
	req, err := e.request(ctx, r)
	if err != nil {
		return workflow.Answer{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.Workflow.Limit(), fault.New(fault.Uncertain, "timeout"))
	defer cancel()
	resp, err := e.http.Do(req.WithContext(ctx))
	if err != nil {
		return workflow.Answer{}, err
	}
	return answer(resp, r.Workflow)
}

// request builds a call.
func (e *Engine) request(ctx context.Context, r workflow.Request) (*http.Request, error) {
	if workflow.IsTestURL(r.Workflow.URL) {
		return nil, fault.New(fault.Invalid, "test url")
	}
	data, err := workflow.Canonical(r.Arguments)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "arguments are no object", err)
	}
	// Not json.Marshal, which would write "<" in the arguments in another way.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(payload{ID: r.Key, Workflow: r.Workflow.Name, Conversation: r.Conversation, Correlation: r.Correlation, Data: json.RawMessage(data)}); err != nil {
		return nil, fault.Wrap(fault.Invalid, "arguments cannot be sent", err)
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(body) > workflow.MaxRequest {
		return nil, fault.New(fault.Invalid, "arguments too large")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Workflow.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "url") // its own words repeat the address
	}
	// The transport repeats a request with an idempotency key by itself when a kept-alive
	// connection breaks. Without a way to read the body again it cannot.
	req.GetBody = nil
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "secretaria")
	h.Set("Idempotency-Key", r.Key)
	if r.Correlation != "" {
		h.Set("X-Correlation-ID", r.Correlation)
	}
	auth := r.Workflow.Auth
	if auth.Mode == workflow.AuthDefault {
		auth = e.cfg.Auth
	}
	switch auth.Mode {
	case workflow.AuthBasic:
		req.SetBasicAuth(auth.Name, auth.Secret.Reveal())
	case workflow.AuthHeader:
		h.Set(auth.Name, auth.Secret.Reveal())
	}
	workflow.Sign(h, e.cfg.Secrets, r.Key, time.Now(), body)
	return req, nil
}

// told is what n8n itself says in an answer.
type told struct {
	Code    *int    `json:"code"`
	Message *string `json:"message"`
}

// started is the whole answer of a webhook that answers immediately.
const started = "Workflow was started"

// answer reads what a webhook answered. An answer that n8n certainly gave before the
// workflow ran may be tried again; one that says that it ran, or that may, never blindly.
func answer(resp *httpclient.Response, d workflow.Declared) (workflow.Answer, error) {
	a := workflow.Answer{Status: resp.Status}
	after := httpclient.RetryAfter(resp.Header, time.Now())
	failed := func(kind fault.Kind, code string) (workflow.Answer, error) {
		return a, &fault.Error{Kind: kind, Code: code, Status: resp.Status, RetryAfter: after}
	}
	var says told
	plain := json.Unmarshal(resp.Body, &says) != nil
	// An answer of n8n's own, not of a proxy before it or of the workflow.
	own := !plain && says.Message != nil && says.Code != nil && *says.Code == resp.Status
	switch s := resp.Status; {
	case s < 300:
		return result(resp, d, a)
	case s < 400:
		return failed(fault.Permanent, "redirected")
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return failed(fault.Unauthorized, "credentials refused") // plain text, before anything runs
	case s == http.StatusNotFound && own:
		return failed(fault.NotFound, "workflow inactive or unknown")
	case s == http.StatusNotFound:
		// A proxy whose n8n is gone, or the workflow itself after it ran.
		return failed(fault.Uncertain, "status 404 from somebody else than n8n")
	case s == http.StatusTooManyRequests:
		return failed(fault.RateLimited, "rate limited")
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		return failed(fault.Uncertain, fmt.Sprintf("status %d", s))
	case s < 500:
		return failed(fault.Invalid, "refused")
	case s == http.StatusInternalServerError && !plain && says.Message != nil && says.Code == nil:
		return failed(fault.Permanent, "workflow failed")
	case s == http.StatusInternalServerError && !plain && says.Message != nil && *says.Code == 0:
		// No item, no respond node, or a problem on the way: the first two have run.
		return failed(fault.Permanent, "workflow gave no answer")
	default:
		return failed(fault.Uncertain, fmt.Sprintf("status %d", s))
	}
}

// result reads an answer of success.
func result(resp *httpclient.Response, d workflow.Declared, a workflow.Answer) (workflow.Answer, error) {
	body := bytes.TrimSpace(resp.Body)
	if len(d.Result) == 0 || len(body) == 0 || isStarted(body) {
		return a, nil
	}
	if len(body) > workflow.MaxAnswer {
		return a, &fault.Error{Kind: fault.Permanent, Code: "answer too large", Status: resp.Status}
	}
	kept, err := d.Accept(body)
	if err != nil {
		// It ran: another try would run it a second time.
		return a, &fault.Error{Kind: fault.Permanent, Code: "answer not as declared: " + fault.Code(err), Status: resp.Status}
	}
	a.Result = kept
	return a, nil
}

func isStarted(body []byte) bool {
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil || len(m) != 1 {
		return false
	}
	return string(m["message"]) == `"`+started+`"`
}

// Probe implements workflow.Engine: with an API key it is tried, without one the health
// page is asked.
func (e *Engine) Probe(ctx context.Context) error {
	if e.cfg.BaseURL == "" {
		return fault.New(fault.Unsupported, "no address of n8n is configured")
	}
	if e.cfg.APIKey.IsZero() {
		_, err := e.get(ctx, "/healthz/readiness", nil)
		return err
	}
	_, err := e.get(ctx, "/api/v1/executions", url.Values{"limit": {"1"}})
	return err
}

// get asks the public API, or a page that needs no key.
func (e *Engine) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	target := e.cfg.BaseURL + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "url")
	}
	req.Header.Set("Accept", "application/json")
	if !e.cfg.APIKey.IsZero() && strings.HasPrefix(path, "/api/") {
		req.Header.Set("X-N8N-API-KEY", e.cfg.APIKey.Reveal())
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return nil, err
	}
	if err := resp.Fault("n8n api"); err != nil {
		return nil, err
	}
	return resp.Body, nil
}
