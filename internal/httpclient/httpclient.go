// Package httpclient is the one way out: every request to a peer goes through a Client that
// bounds time and size, checks the address that it really dials, follows no redirect, and
// says in a fault kind whether a request that failed may have had its effect.
//
// Private and loopback addresses are dialled only where ALLOW_PRIVATE_ADDRESSES names them;
// that a base URL leads there is not enough, for a slip or a name that changes hands would
// send a helpdesk's token inside. Link-local addresses and those of metadata services have
// to be named one by one. The check is made on the resolved address at the moment of
// dialling, whatever form it has, so that neither a redirect nor a name that resolves
// differently the second time leads anywhere else.
//
// HTTP_PROXY and its kin are not heeded: behind a proxy it is the proxy that resolves the
// name, and nobody checks what it dials.
package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"secretaria/internal/fault"
)

// Options configure a Client. The zero value is usable: 30 s, 1 MiB, public addresses only.
type Options struct {
	Timeout time.Duration // of one request with its body; default 30 s
	MaxBody int64         // bytes read of an answer; default 1 MiB
	Policy  Policy
	// Resolver looks names up; nil: the system's.
	Resolver *net.Resolver
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	maxBody int64
}

// New returns a client.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	transport := &http.Transport{
		Proxy:                  nil, // see the package comment
		DialContext:            o.dial,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &Client{
		maxBody: o.MaxBody,
		http: &http.Client{
			Transport:     transport,
			Timeout:       o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// dial connects to a host's address after the policy has seen which one it is.
func (o Options) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if numeric(host) {
		return nil, &RefusedError{host: host}
	}
	d := net.Dialer{
		Timeout:  min(o.Timeout, 10*time.Second),
		Resolver: o.Resolver,
		// Called for every address that is tried, with the socket that will connect to it.
		Control: func(_, resolved string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return &RefusedError{host: host}
			}
			return o.Policy.Check(host, ap.Addr())
		},
	}
	return d.DialContext(ctx, network, address)
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Response is an answer with its body read, within the limit.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends the request once and reads the answer whole. Any answer with a status is a
// Response; what a status means is the adapter's to say (see Fault). Errors are
// fault.Transient when the request certainly had no effect (it was never written, or it
// is a GET or HEAD), else fault.Uncertain; fault.Permanent when the address is refused.
func (c *Client) Do(req *http.Request) (*Response, error) {
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{
		// The transport may write headers and body in one go; from the first header on the peer may act.
		WroteHeaderField: func(string, []string) { wrote.Store(true) },
		WroteHeaders:     func() { wrote.Store(true) },
	}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, classify(req.Context(), err, wrote.Load() && !safe(req.Method))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err != nil {
		return nil, classify(req.Context(), err, !safe(req.Method))
	}
	if int64(len(body)) > c.maxBody {
		return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body[:c.maxBody]}, nil
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Causes of faults, for whoever explains them: a name that leads to no address, and a
// certificate that is not of this host, has run out, or is vouched for by nobody we trust.
var (
	ErrName        = errors.New("name does not resolve")
	ErrCertificate = errors.New("certificate does not verify")
)

// CodeRefused is the code of a fault whose cause is a *RefusedError.
const CodeRefused = "private address refused"

func safe(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead
}

// classify gives an error of the transport its kind. It redacts the URL, which may hold a
// token, and hosts. effect says that the request may have been acted upon.
func classify(ctx context.Context, err error, effect bool) error {
	if err == nil {
		return nil
	}
	// url.Error prints the URL with its query; keep the cause only.
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	kind, code := fault.Transient, "connection failed"
	var ne net.Error
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		return &fault.Error{Kind: fault.Permanent, Code: CodeRefused, Err: refused}
	case errors.Is(ctx.Err(), context.Canceled):
		code = "cancelled"
	// Of a context that has a cause the transport returns that alone, whatever it is.
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		code = "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return &fault.Error{Kind: fault.Transient, Code: "connection refused", Err: opless(err)}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		code = "connection lost"
	}
	if effect {
		kind = fault.Uncertain
	}
	return &fault.Error{Kind: kind, Code: code, Err: opless(err)}
}

// opless strips host and port from an error: causes are stored and shown.
func opless(err error) error {
	var de *net.DNSError
	if errors.As(err, &de) { // before OpError, which wraps it
		return ErrName
	}
	var ce *tls.CertificateVerificationError
	if errors.As(err, &ce) { // it lists the names of the certificate
		return ErrCertificate
	}
	var oe *net.OpError
	if errors.As(err, &oe) && oe.Err != nil {
		return oe.Err
	}
	return err
}

// Fault gives the kind that a status has for most peers; nil below 300. A 5xx is Transient
// here: an adapter whose call has an effect turns it into Uncertain where the peer may have
// acted all the same.
func (r *Response) Fault(code string) error {
	if r.Status < 300 {
		return nil
	}
	e := &fault.Error{Status: r.Status, Code: code, RetryAfter: RetryAfter(r.Header, time.Now())}
	switch s := r.Status; {
	case s == http.StatusTooManyRequests:
		e.Kind = fault.RateLimited
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s >= 500:
		e.Kind = fault.Transient
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Kind = fault.Unauthorized
	case s == http.StatusNotFound, s == http.StatusGone:
		e.Kind = fault.NotFound
	case s == http.StatusConflict:
		e.Kind = fault.Conflict
	case s < 400:
		e.Kind = fault.Permanent // a redirect: the base URL is wrong
	default:
		e.Kind = fault.Invalid
	}
	return e
}

// RetryAfter reads the Retry-After header in either form, 0 when absent or broken. It is
// bounded to an hour: a peer cannot park us for ever.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 && n < 1e9 {
		d = time.Duration(n * float64(time.Second))
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return max(0, min(d, time.Hour))
}
