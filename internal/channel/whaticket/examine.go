package whaticket

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// TokenVerdict is what a Whaticket thinks of the static token.
type TokenVerdict int

// The verdicts. TokenUntold: there is none, or the answer told nothing about it.
const (
	TokenUntold TokenVerdict = iota
	TokenTaken
	TokenRefused
)

// Examination is what can be seen of a Whaticket without changing anything there.
type Examination struct {
	Token TokenVerdict
	// Login says that the static token has the form of a login (a JWT), which no Whaticket
	// takes for sending.
	Login bool
	// Open says that this Whaticket takes the word "enabled" for a token: its token is looked
	// up among the values of all settings, and the community build has one with this value.
	Open bool
	// Connections are its WhatsApp connections; nil where no user is configured to read them.
	Connections []Connection
}

// Connection is one of a Whaticket's WhatsApp connections.
type Connection struct {
	Name   string
	Status string // CONNECTED, DISCONNECTED, OPENING, qrcode, PENDING, PAIRING, TIMEOUT
	// Greets says that it, or one of its queues, has a greeting of its own.
	Greets bool
}

// Up says whether messages come and go through it.
func (c Connection) Up() bool { return c.Status == "CONNECTED" }

// Examine looks at a Whaticket. What it asks of the sending API names no number, so that
// nobody can get a message. It returns what it has seen beside an error.
func (c *Channel) Examine(ctx context.Context) (Examination, error) {
	var e Examination
	if c.base == "" {
		return e, fault.New(fault.Unsupported, "not configured")
	}
	if !c.token.IsZero() {
		var err error
		e.Login = isLogin(c.token.Reveal())
		if e.Token, err = c.judged(ctx, c.token.Reveal()); err != nil {
			return e, fmt.Errorf("examine whaticket: %w", err)
		}
		// A server that takes anything says nothing about the word: only one that refuses
		// nonsense and takes the word has the hole.
		word, err := c.judged(ctx, "enabled")
		if err == nil && word == TokenTaken {
			var nonsense TokenVerdict
			nonsense, err = c.judged(ctx, "no-token-of-anybody")
			e.Open = err == nil && nonsense == TokenRefused
		}
		if err != nil {
			return e, fmt.Errorf("examine whaticket: %w", err)
		}
	}
	if c.session == nil {
		return e, nil
	}
	resp, err := c.call(ctx, http.MethodGet, "/whatsapp/", nil)
	if err != nil {
		return e, fmt.Errorf("examine whaticket: %w", harmless(err))
	}
	v, err := decode(resp.Body)
	list, ok := v.([]any)
	if err != nil || !ok {
		return e, fmt.Errorf("examine whaticket: %w", &fault.Error{Kind: fault.Permanent, Code: "unexpected answer", Status: resp.Status})
	}
	e.Connections = []Connection{}
	for _, item := range list {
		m, _ := item.(map[string]any)
		e.Connections = append(e.Connections, connection(m))
	}
	return e, nil
}

func connection(w object) Connection {
	c := Connection{Name: w.short("name"), Status: w.text("status"), Greets: !blank(w.text("greetingMessage"))}
	for _, q := range w.list("queues") {
		m, _ := q.(map[string]any)
		c.Greets = c.Greets || !blank(object(m).text("greetingMessage"))
	}
	return c
}

// judged asks the sending API with a token and without a number.
func (c *Channel) judged(ctx context.Context, token string) (TokenVerdict, error) {
	resp, err := c.request(ctx, http.MethodPost, sendPath, token, []byte("{}"))
	if err != nil {
		return TokenUntold, harmless(err)
	}
	return verdict(resp), nil
}

// verdict reads an answer to a request without a number. Whoever has passed the door is told
// that the request is wrong: 400, or 500 where nobody thought of it.
func verdict(resp *httpclient.Response) TokenVerdict {
	switch s := resp.Status; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return TokenRefused
	case webPage(resp):
		return TokenUntold
	case s == http.StatusBadRequest, s == http.StatusUnprocessableEntity, s == http.StatusInternalServerError:
		return TokenTaken
	}
	return TokenUntold
}

// isLogin says whether a token has the form of a JWT.
func isLogin(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	return err == nil && strings.HasPrefix(string(header), "{") && strings.Contains(string(header), `"alg"`)
}
