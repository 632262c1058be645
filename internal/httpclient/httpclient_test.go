package httpclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
)

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func open(t *testing.T, o Options) *Client {
	t.Helper()
	o.Policy = Policy{All: true}
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// rude is a server that reads one request on each connection and then does what it is told
// with the connection.
func rude(t *testing.T, then func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				then(conn)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func TestAnswersAreResponses(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(srv.Close)
	resp, err := open(t, Options{}).Do(request(t, http.MethodPost, srv.URL, "olá"))
	if err != nil || resp.Status != http.StatusTeapot || string(resp.Body) != "olá" || resp.Header.Get("X-Seen") != "POST" {
		t.Errorf("Do = %+v, %v, want the answer as it came", resp, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	followed := make(chan string, 1)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { followed <- r.URL.String() }))
	t.Cleanup(target.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.RedirectHandler(target.URL, status))
		t.Cleanup(srv.Close)
		resp, err := open(t, Options{}).Do(request(t, http.MethodGet, srv.URL, ""))
		if err != nil || resp.Status != status || resp.Header.Get("Location") != target.URL {
			t.Errorf("Do of a %d = %+v, %v, want the redirect itself", status, resp, err)
			continue
		}
		if err := resp.Fault("x"); !fault.Is(err, fault.Permanent) {
			t.Errorf("Fault of a %d = %v, want permanent", status, err)
		}
	}
	select {
	case url := <-followed:
		t.Errorf("a redirect was followed to %s", url)
	default:
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/exact" {
			_, _ = io.WriteString(w, "12345")
			return
		}
		for r.Context().Err() == nil { // never ends by itself
			if _, err := io.WriteString(w, strings.Repeat("x", 1024)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	c := open(t, Options{MaxBody: 5})
	for path, want := range map[string]string{"/exact": "12345", "/endless": "xxxxx"} {
		resp, err := c.Do(request(t, http.MethodGet, srv.URL+path, ""))
		if err != nil || string(resp.Body) != want {
			t.Errorf("Do(%s) = %+v, %v, want the body %q", path, resp, err, want)
		}
	}
}

func TestFailuresSayWhetherTheRequestMayHaveHadItsEffect(t *testing.T) {
	t.Parallel()
	closed := rude(t, func(net.Conn) {})
	half := rude(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") })
	nonsense := rude(t, func(c net.Conn) { _, _ = io.WriteString(c, "\x00\x01\r\n\r\n") })
	reset := rude(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) })
	silent := rude(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) // until the client gives up
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + l.Addr().String()
	l.Close()

	for _, c := range []struct {
		name, url string
		timeout   time.Duration
		get, post fault.Kind
		code      string
	}{
		{"closed after the request", closed, 0, fault.Transient, fault.Uncertain, "connection lost"},
		{"half an answer", half, 0, fault.Transient, fault.Uncertain, "connection lost"},
		{"no HTTP", nonsense, 0, fault.Transient, fault.Uncertain, "connection failed"},
		{"reset", reset, 0, fault.Transient, fault.Uncertain, "connection lost"},
		{"no answer in time", silent, 200 * time.Millisecond, fault.Transient, fault.Uncertain, "timeout"},
		{"refused", refused, 0, fault.Transient, fault.Transient, "connection refused"},
		{"name does not resolve", "http://secretaria.invalid", 0, fault.Transient, fault.Transient, "connection failed"},
		{"not TLS", strings.Replace(half, "http:", "https:", 1), 0, fault.Transient, fault.Transient, "connection lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := open(t, Options{Timeout: c.timeout})
			for method, want := range map[string]fault.Kind{"GET": c.get, "HEAD": c.get, "POST": c.post, "DELETE": c.post} {
				if method == "HEAD" && c.url == half {
					continue // the headers are all of it
				}
				resp, err := client.Do(request(t, method, c.url+"/messages?token=s3cr3t", "body"))
				if resp != nil || fault.KindOf(err) != want {
					t.Errorf("%s = %v, %v (%v), want %v", method, resp, err, fault.KindOf(err), want)
				}
				if got := fault.Code(err); got != c.code && c.name != "not TLS" {
					t.Errorf("%s code = %q, want %q", method, got, c.code)
				}
				leaks(t, err, c.url)
			}
		})
	}
}

func TestTLSFailuresNameNoHost(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := open(t, Options{}).Do(request(t, http.MethodPost, srv.URL+"?token=s3cr3t", "x"))
	if !fault.Is(err, fault.Transient) {
		t.Errorf("Do with an unknown certificate = %v (%v), want transient: nothing was written", err, fault.KindOf(err))
	}
	leaks(t, err, srv.URL)
	if strings.Contains(fmt.Sprint(err), "example.com") {
		t.Errorf("error %q names the certificate's hosts", err)
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	// A listener that accepts nothing: the kernel completes the connection, nobody reads.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	url := "http://" + l.Addr().String()
	c := open(t, Options{})

	before, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err = c.Do(request(t, http.MethodPost, url, "x").WithContext(before))
	if !fault.Is(err, fault.Transient) || fault.Code(err) != "timeout" {
		t.Errorf("Do after its deadline = %v (%v), want a transient timeout: nothing was written", err, fault.KindOf(err))
	}

	after, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = c.Do(request(t, http.MethodPost, url, "x").WithContext(after))
	if !fault.Is(err, fault.Uncertain) || fault.Code(err) != "timeout" {
		t.Errorf("Do without an answer = %v (%v), want an uncertain timeout", err, fault.KindOf(err))
	}

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Do(request(t, http.MethodPost, url, "x").WithContext(cancelled))
	if !fault.Is(err, fault.Transient) || fault.Code(err) != "cancelled" {
		t.Errorf("Do of a cancelled request = %v (%v), want cancelled, transient", err, fault.KindOf(err))
	}

	// Whoever says why a time is over makes it no other kind of failure.
	caused, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("it took too long"))
	defer cancel()
	_, err = c.Do(request(t, http.MethodPost, url, "x").WithContext(caused))
	if !fault.Is(err, fault.Uncertain) || fault.Code(err) != "timeout" {
		t.Errorf("Do with a cause = %v (%v, %q), want an uncertain timeout", err, fault.KindOf(err), fault.Code(err))
	}
	given, giveUp := context.WithCancelCause(t.Context())
	giveUp(errors.New("stopped"))
	_, err = c.Do(request(t, http.MethodPost, url, "x").WithContext(given))
	if !fault.Is(err, fault.Transient) || fault.Code(err) != "cancelled" {
		t.Errorf("Do that is given up with a cause = %v (%v, %q), want cancelled, transient", err, fault.KindOf(err), fault.Code(err))
	}
}

func TestFault(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fault.Kind{
		301: fault.Permanent, 304: fault.Permanent, 400: fault.Invalid, 401: fault.Unauthorized, 402: fault.Invalid, 403: fault.Unauthorized,
		404: fault.NotFound, 408: fault.Transient, 409: fault.Conflict, 410: fault.NotFound, 413: fault.Invalid, 422: fault.Invalid, 425: fault.Transient,
		429: fault.RateLimited, 500: fault.Transient, 502: fault.Transient, 503: fault.Transient, 504: fault.Transient, 599: fault.Transient,
	} {
		r := &Response{Status: status, Header: http.Header{"Retry-After": {"7"}}}
		err := r.Fault("send message")
		if fault.KindOf(err) != want || fault.Code(err) != "send message" || fault.StatusOf(err) != status || fault.RetryAfter(err) != 7*time.Second {
			t.Errorf("Fault of %d = %v (%v, retry after %v), want %v, 7s", status, err, fault.KindOf(err), fault.RetryAfter(err), want)
		}
	}
	for _, status := range []int{200, 201, 204, 299} {
		if err := (&Response{Status: status}).Fault("x"); err != nil {
			t.Errorf("Fault of %d = %v, want nil", status, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 21, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"12":                               12 * time.Second,
		" 12 ":                             12 * time.Second,
		"1.5":                              1500 * time.Millisecond,
		"-3":                               0,
		"soon":                             0,
		"NaN":                              0,
		"Inf":                              0,
		"99999999999999999999":             0,
		"7200":                             time.Hour,
		"Sat, 21 Nov 2026 21:00:30 GMT":    30 * time.Second,
		"Saturday, 21-Nov-26 21:00:30 GMT": 30 * time.Second,
		"Sat, 21 Nov 2026 20:00:00 GMT":    0,
		"Sun, 22 Nov 2026 21:00:00 GMT":    time.Hour,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {in}}, now); got != want {
			t.Errorf("RetryAfter(%q) = %v, want %v", in, got, want)
		}
	}
	if got := RetryAfter(nil, now); got != 0 {
		t.Errorf("RetryAfter(nil) = %v, want 0", got)
	}
}
