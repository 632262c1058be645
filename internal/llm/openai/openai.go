// Package openai is the language model of OpenAI and of everything that speaks its chat
// completions API.
//
// A Client makes one HTTP request per Generate: no retries, no environment, no log. It keeps
// the promises of llm.Model; what the provider says in an error is reduced to its status and
// its machine-readable codes, since its words may repeat what a customer wrote.
package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	wire "github.com/sashabaranov/go-openai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
	"secretaria/internal/llm/exchange"
	"secretaria/internal/secret"
)

// The defaults of Config.
const (
	DefaultBaseURL = "https://api.openai.com/v1"
	// DefaultModel calls tools, takes a temperature and answers without thinking first: a
	// customer waits in a chat.
	DefaultModel = "gpt-4.1-mini"
)

// Config says which model to ask, where, and with which key.
type Config struct {
	APIKey  secret.String // OPENAI_API_KEY; may be empty for a server of one's own
	Model   string        // OPENAI_MODEL; default DefaultModel
	BaseURL string        // OPENAI_BASE_URL, with its version path; default DefaultBaseURL
}

// Validate names the documented key of what is wrong, without showing a secret.
func (c Config) Validate() error {
	c = c.filled()
	if c.APIKey.IsZero() && c.BaseURL == DefaultBaseURL {
		return errors.New("OPENAI_API_KEY: is required for " + DefaultBaseURL)
	}
	if strings.ContainsFunc(c.APIKey.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("OPENAI_API_KEY: has blanks or characters that no key has")
	}
	if c.Model != strings.TrimSpace(c.Model) || strings.ContainsFunc(c.Model, func(r rune) bool { return r < ' ' }) {
		return errors.New("OPENAI_MODEL: has blanks around it or control characters")
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return errors.New("OPENAI_BASE_URL: must be an http or https URL without user, query and fragment")
	case strings.Trim(u.Path, "/") == "":
		return errors.New("OPENAI_BASE_URL: lacks its version path, as in " + DefaultBaseURL)
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions"):
		return errors.New("OPENAI_BASE_URL: ends in /v1, without /chat/completions")
	}
	return nil
}

func (c Config) filled() Config {
	if c.Model == "" {
		c.Model = DefaultModel
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return c
}

// Client is a model. It is safe for concurrent use.
type Client struct {
	cfg     Config
	api     *wire.Client
	dialect dialect
}

var _ llm.Model = (*Client)(nil)

// New returns a client; nothing is sent before the first Generate. The client's timeout is
// an upper bound of a call beside the context's deadline.
func New(cfg Config, http *httpclient.Client) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	conf := wire.DefaultConfig(cfg.APIKey.Reveal())
	conf.BaseURL = cfg.BaseURL
	conf.HTTPClient = exchange.Transport{Client: http}
	return &Client{cfg: cfg, api: wire.NewClientWithConfig(conf), dialect: dialectOf(cfg)}, nil
}

// Name implements llm.Model.
func (c *Client) Name() string { return "openai/" + c.cfg.Model }

// Format keeps every verb from showing the key: fmt prints unexported fields without asking
// secret.String.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.Name()) }

// Generate implements llm.Model.
func (c *Client) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	in, err := c.dialect.request(c.cfg.Model, req)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	ctx, x := exchange.With(ctx)
	out, err := c.api.CreateChatCompletion(ctx, in)
	if err := c.failure(x, err); err != nil {
		return nil, err
	}
	resp, err := response(&out)
	if err != nil {
		return nil, c.failureInside(x, err)
	}
	resp.Duration = time.Since(start)
	return resp, nil
}

// invalid is a request that we do not even send.
func invalid(code string) error { return fault.New(fault.Invalid, code) }
