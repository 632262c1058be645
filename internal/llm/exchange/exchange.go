// Package exchange is what the adapters of models share: one HTTP exchange with a provider
// through a library that drops half of it, and what its failure means. Nothing of it repeats
// an answer, which may quote a customer or a key.
package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm"
)

// Exchange is what the transport saw of one call: libraries drop the headers of an error.
type Exchange struct {
	Response *httpclient.Response // nil where Err is not, and where nothing was sent
	Err      error
}

type key struct{}

// With returns a context for one call, and where its exchange will be noted.
func With(ctx context.Context) (context.Context, *Exchange) {
	x := &Exchange{}
	return context.WithValue(ctx, key{}, x), x
}

// Transport sends a library's requests through our client, which bounds and classifies. It
// is safe for concurrent use; a call whose context is not from With is not noted.
type Transport struct{ Client *httpclient.Client }

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.Client.Do(req)
	if x, ok := req.Context().Value(key{}).(*Exchange); ok {
		x.Response, x.Err = resp, err
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: resp.Status,
		Header:     resp.Header,
		Body:       io.NopCloser(bytes.NewReader(resp.Body)),
		Request:    req,
	}, nil
}

// Do is RoundTrip, for libraries that want a client.
func (t Transport) Do(req *http.Request) (*http.Response, error) { return t.RoundTrip(req) }

// Refused classifies an answer that is an error by its status alone. What the provider says
// in its own words is for the adapter to add; what it knows better is then fault.Invalid.
func Refused(resp *httpclient.Response) *fault.Error {
	var e *fault.Error
	if !errors.As(resp.Fault(""), &e) {
		e = &fault.Error{Kind: fault.Permanent, Status: resp.Status} // 1xx never gets here
	}
	switch e.Kind {
	case fault.RateLimited:
		e.Code = llm.CodeRateLimited
	case fault.Transient:
		e.Code = llm.CodeFailed
	case fault.Unauthorized:
		e.Code = llm.CodeKey
	case fault.Permanent:
		e.Code = "redirected"
	default:
		e.Kind, e.Code = fault.Invalid, llm.CodeRequest
		switch resp.Status {
		case http.StatusNotFound:
			e.Code = llm.CodeModel
		case http.StatusRequestEntityTooLarge:
			e.Code = llm.CodeTooLong
		case http.StatusPaymentRequired:
			e.Kind, e.Code = fault.RateLimited, llm.CodeQuota
		}
	}
	return e
}

// Harmless turns Uncertain into Transient: a model call has no effect outside.
func Harmless(err error) error {
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.Uncertain {
		c := *e
		c.Kind = fault.Transient
		return &c
	}
	return err
}

// Unreadable tells an answer that was cut short, which another try can help, from one that
// is none. The decoder's error is dropped: it may quote the answer.
func Unreadable(body []byte) error {
	text := bytes.TrimSpace(body)
	switch {
	case json.Valid(text):
		return fault.New(fault.Permanent, "answer has an unknown form")
	case len(text) == 0 || text[0] == '{':
		return fault.New(fault.Transient, "answer cut short")
	}
	return fault.New(fault.Permanent, "answer is not JSON")
}

// Word keeps a machine-readable code of letters, digits and the given punctuation, and
// nothing that could be prose or hold the key.
func Word(s, key, punctuation string) string {
	if len(s) > 64 || key != "" && strings.Contains(s, key) {
		return ""
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(punctuation, r)) {
			return ""
		}
	}
	return s
}
