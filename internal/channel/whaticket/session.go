package whaticket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// refreshCookie is the cookie that renews an access token for seven days.
const refreshCookie = "jrt"

// session keeps one JWT for all calls of a channel. An access token lives 15 minutes; that
// it has died is learnt from the 403 it earns, not from our clock, which may differ.
type session struct {
	http     *httpclient.Client
	base     string
	email    string
	password secret.String
	shared   *shared // nil: the login is this process's own

	// turn is held by whoever reads or changes the fields below: one login at a time, since
	// some Whatickets allow ten in a quarter of an hour. A channel, so that waiting for it
	// ends with the context.
	turn   chan struct{}
	token  string
	cookie string
	user   object // whom the last answer to a login or a renewal told of; nil where it told of nobody
}

func newSession(client *httpclient.Client, base, email string, password secret.String, logins Logins) *session {
	s := &session{http: client, base: base, email: email, password: password, turn: make(chan struct{}, 1)}
	if logins != nil {
		s.shared = newShared(logins, base, email, password)
	}
	return s
}

// access returns an access token other than stale, which a call has found to be dead; ""
// takes whatever there is. It takes what another process has got, renews by cookie where it
// can and logs in where it must; made says that it did one of the last two.
func (s *session) access(ctx context.Context, stale string) (token string, made bool, err error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", false, cancelled(ctx)
	}
	if s.token != "" && s.token != stale {
		return s.token, false, nil
	}
	s.token = ""
	if s.shared != nil {
		found, leave, err := s.shared.join(ctx, stale)
		if err != nil {
			return "", false, err
		}
		defer leave()
		if found.Cookie != "" {
			s.cookie = found.Cookie
		}
		if found.Token != "" {
			s.token = found.Token
			return s.token, false, nil
		}
	}
	if err := s.renew(ctx, stale); err != nil {
		return "", false, err
	}
	if s.shared != nil {
		s.shared.save(ctx, login{s.token, s.cookie})
	}
	return s.token, true, nil
}

func cancelled(ctx context.Context) error {
	return &fault.Error{Kind: fault.Transient, Code: "cancelled", Err: ctx.Err()}
}

// renew gets a token other than stale, by cookie where it can.
func (s *session) renew(ctx context.Context, stale string) error {
	if s.cookie != "" {
		cookie := s.cookie
		s.cookie = ""
		err := s.enter(ctx, "/auth/refresh_token", nil, cookie)
		if err == nil && s.token != stale {
			return nil
		}
		if err != nil && !fault.Is(err, fault.Unauthorized) && !fault.Is(err, fault.NotFound) {
			s.cookie = cookie // it may still be good when the peer is back
			return fmt.Errorf("refresh session: %w", err)
		}
	}
	credentials, err := json.Marshal(map[string]string{"email": s.email, "password": s.password.Reveal()})
	if err != nil {
		return fmt.Errorf("encode credentials: %w", err)
	}
	if err := s.enter(ctx, "/auth/login", credentials, ""); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	return nil
}

// enter asks for a token and keeps it with its cookie.
func (s *session) enter(ctx context.Context, path string, body []byte, cookie string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "invalid URL")
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if cookie != "" {
		req.AddCookie(&http.Cookie{Name: refreshCookie, Value: cookie})
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return harmless(err)
	}
	if err := failure(resp); err != nil {
		return harmless(err)
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil || answer.Token == "" {
		return &fault.Error{Kind: fault.Permanent, Code: "login gave no token", Status: resp.Status}
	}
	s.token, s.user = answer.Token, answerObject(resp).object("user")
	for _, c := range (&http.Response{Header: resp.Header}).Cookies() {
		if c.Name == refreshCookie && c.Value != "" {
			s.cookie = c.Value
		}
	}
	return nil
}

// harmless says of a call that may be repeated at will that it certainly had no effect.
func harmless(err error) error {
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.Uncertain {
		mended := *e
		mended.Kind = fault.Transient
		return &mended
	}
	return err
}

// call makes one request with the JWT, and again with another one if that has died: once with
// one that was made for it, or before that with one that another process had, which may
// have died meanwhile. body is sent as JSON; nil sends none.
func (c *Channel) call(ctx context.Context, method, path string, body any) (*httpclient.Response, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	token, _, err := c.session.access(ctx, "")
	if err != nil {
		return nil, err
	}
	for made, renewals := false, 0; ; renewals++ {
		resp, err := c.request(ctx, method, path, token, payload)
		if err != nil {
			return nil, err
		}
		err = failure(resp)
		// An expired token is 403, in some forks 401.
		expired := fault.Is(err, fault.Unauthorized) && !forbidden(err)
		if !expired || made || renewals == 2 {
			return resp, err
		}
		if token, made, err = c.session.access(ctx, token); err != nil {
			return nil, err
		}
	}
}

// forbidden says of a refusal that the token is good and its user may not do this:
// ERR_FORBIDDEN is ticketz' word for it, ERR_NO_PERMISSION that of the others.
func forbidden(err error) bool {
	return fault.Code(err) == "ERR_FORBIDDEN" || fault.Code(err) == "ERR_NO_PERMISSION"
}

// request makes one request.
func (c *Channel) request(ctx context.Context, method, path, token string, payload []byte) (*httpclient.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		return nil, fault.New(fault.Invalid, "invalid URL")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.http.Do(req)
}
