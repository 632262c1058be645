// Package gemini is Google's language model behind the Gemini API.
//
// A Client makes one HTTP request per Generate: no retries, no environment, no log, the key
// in a header. It keeps the promises of llm.Model; what the provider says in an error is
// reduced to its status and its machine-readable codes, since its words may repeat what a
// customer wrote.
package gemini

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"google.golang.org/genai"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
	"secretaria/internal/llm/exchange"
	"secretaria/internal/secret"
)

// The defaults of Config.
const (
	DefaultModel   = "gemini-2.5-flash"
	DefaultBaseURL = "https://generativelanguage.googleapis.com"
)

// Config says which model to ask, where, and with which key.
type Config struct {
	APIKey  secret.String // GEMINI_API_KEY
	Model   string        // GEMINI_MODEL; default DefaultModel
	BaseURL string        // GOOGLE_GEMINI_BASE_URL, without a version path; default DefaultBaseURL
}

// Validate names the documented key of what is wrong, without showing a secret.
func (c Config) Validate() error {
	c = c.filled()
	if c.APIKey.IsZero() {
		return errors.New("GEMINI_API_KEY: is required")
	}
	if strings.ContainsFunc(c.APIKey.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("GEMINI_API_KEY: has blanks or characters that no key has")
	}
	// The model becomes part of the path.
	if !regexp.MustCompile(`^(models/|tunedModels/)?[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(c.Model) || strings.Contains(c.Model, "..") {
		return errors.New("GEMINI_MODEL: must be a model's name, as in " + DefaultModel)
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return errors.New("GOOGLE_GEMINI_BASE_URL: must be an http or https URL without user, query and fragment")
	case regexp.MustCompile(`/v[0-9]+(alpha|beta)?[0-9]*(/|$)`).MatchString(u.Path):
		return errors.New("GOOGLE_GEMINI_BASE_URL: must not have a version path, as in " + DefaultBaseURL)
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
	cfg Config
	api *genai.Client
}

var _ llm.Model = (*Client)(nil)

// New returns a client; nothing is sent before the first Generate. The client's timeout is
// an upper bound of a call beside the context's deadline.
func New(cfg Config, hc *httpclient.Client) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	conf := &genai.ClientConfig{
		APIKey:  cfg.APIKey.Reveal(),
		Backend: genai.BackendGeminiAPI,
		HTTPClient: &http.Client{
			Transport: exchange.Transport{Client: hc},
			// A redirect is an answer to report, never a second place for the key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		HTTPOptions: genai.HTTPOptions{BaseURL: cfg.BaseURL, APIVersion: "v1beta"},
	}
	blind(conf)
	api, err := genai.NewClient(context.Background(), conf) // with a key it reads no credentials, so there is nothing to wait for
	if err != nil {
		// The library prints its whole configuration, key included, into its errors.
		return nil, errors.New("gemini: client cannot be made from this configuration")
	}
	return &Client{cfg: cfg, api: api}, nil
}

// Name implements llm.Model.
func (c *Client) Name() string { return "gemini/" + strings.TrimPrefix(c.cfg.Model, "models/") }

// Format keeps every verb from showing the key: fmt prints unexported fields without asking
// secret.String.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.Name()) }

// Generate implements llm.Model.
func (c *Client) Generate(ctx context.Context, req *llm.Request) (*llm.Response, error) {
	contents, conf, err := request(req)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	ctx, x := exchange.With(ctx)
	out, err := c.call(ctx, contents, conf)
	if err := c.failure(x, err); err != nil {
		return nil, err
	}
	resp, err := response(out)
	if err != nil {
		return nil, err
	}
	if resp.Model == "" {
		resp.Model = c.cfg.Model
	}
	resp.Duration = time.Since(start)
	return resp, nil
}

// call keeps a panic of the library inside: its converters assert the types of what the
// provider sent ("candidates" that is no list ends in a failed type assertion).
func (c *Client) call(ctx context.Context, contents []*genai.Content, conf *genai.GenerateContentConfig) (out *genai.GenerateContentResponse, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("answer of an unknown form: %T", p)
		}
	}()
	return c.api.Models.GenerateContent(ctx, c.cfg.Model, contents, conf)
}

// invalid is a request that we do not even send.
func invalid(code string) error { return fault.New(fault.Invalid, code) }
