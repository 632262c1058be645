package httpclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/fault"
)

// names is a name server that answers every look-up with the addresses that it is told, each
// look-up being the next of the list and the last one for ever.
type names struct {
	mu      sync.Mutex
	answers [][]netip.Addr
	asked   map[byte]int // by type: a look-up asks for both
}

// next are the addresses of a type, 1 for IPv4 and 28 for IPv6.
func (n *names) next(kind byte) (of []netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked == nil {
		n.asked = map[byte]int{}
	}
	for _, a := range n.answers[min(n.asked[kind], len(n.answers)-1)] {
		if a.Is4() == (kind == 1) {
			of = append(of, a)
		}
	}
	n.asked[kind]++
	return of
}

// resolver asks the name server over UDP, as the real one does.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			size, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := n.reply(buf[:size]); reply != nil {
				_, _ = pc.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() { pc.Close(); <-done })
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// reply answers a message of RFC 1035 that holds one question.
func (n *names) reply(q []byte) []byte {
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	if end += 5; end > len(q) {
		return nil
	}
	addrs := n.next(q[end-3])
	out := append([]byte{}, q[:end]...)
	out[2], out[3] = 0x84, 0 // an answer, with authority
	out[7], out[9], out[11] = byte(len(addrs)), 0, 0
	for _, a := range addrs {
		raw := a.AsSlice()
		out = append(out, 0xc0, 12, 0, q[end-3], 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
		out = append(out, raw...)
	}
	return out
}

func addrs(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// A name that leads to the internet when somebody looks, and inside when it is dialled, is
// refused at the dial: nothing that was looked up before is believed.
func TestRebinding(t *testing.T) {
	t.Parallel()
	hit := make(chan string, 10)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hit <- r.Header.Get("Authorization") }))
	t.Cleanup(inside.Close)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	for name, private := range map[string][]netip.Addr{
		"loopback": addrs("127.0.0.1"), "mapped": addrs("::ffff:127.0.0.1"), "IPv6": addrs("::1"), "both": addrs("127.0.0.1", "::1"),
		"private": addrs("10.0.0.1"), "metadata": addrs("169.254.169.254"), "NAT64": addrs("64:ff9b::7f00:1"), "6to4": addrs("2002:7f00:1::1"), "unspecified": addrs("0.0.0.0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &names{answers: [][]netip.Addr{addrs("93.184.215.14"), private}}
			resolver := n.resolver(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			seen, err := Policy{}.Look(ctx, resolver, "http://peer.example"+port)
			if err != nil || len(seen) != 1 || !Public(seen[0]) {
				t.Fatalf("Look = %v, %v, want one public address: the name server does not work", seen, err)
			}
			client := New(Options{Resolver: resolver})
			t.Cleanup(client.Close)
			req := request(t, http.MethodPost, "http://peer.example"+port+"/?token=s3cr3t", "x").WithContext(ctx)
			req.Header.Set("Authorization", "Bearer s3cr3t")
			_, err = client.Do(req)
			var refused *RefusedError
			if !errors.As(err, &refused) || !fault.Is(err, fault.Permanent) {
				t.Errorf("Do after the name was bound again = %v, want the address refused", err)
			}
			leaks(t, err, "http://peer.example"+port)
		})
	}
	t.Cleanup(func() {
		select {
		case <-hit:
			t.Error("a request came inside")
		default:
		}
	})
}

// The same name server, with the name allowed: otherwise the test above would pass for any
// reason.
func TestANamedHostIsDialled(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(inside.Close)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	n := &names{answers: [][]netip.Addr{addrs("127.0.0.1")}}
	for host, want := range map[string]bool{"peer.example": true, "other.example": false} {
		client := New(Options{Resolver: n.resolver(t), Policy: Policy{Hosts: []string{"peer.example"}}})
		t.Cleanup(client.Close)
		resp, err := client.Do(request(t, http.MethodGet, "http://"+host+port, ""))
		if (err == nil) != want {
			t.Errorf("Do(%s) = %v, %v, want an answer: %v", host, resp, err, want)
		}
	}
	// A name that is allowed and later leads to a metadata service is not.
	bound := &names{answers: [][]netip.Addr{addrs("169.254.169.254")}}
	client := New(Options{Resolver: bound.resolver(t), Policy: Policy{All: true, Hosts: []string{"peer.example"}}})
	t.Cleanup(client.Close)
	if resp, err := client.Do(request(t, http.MethodGet, "http://peer.example"+port, "")); fault.Code(err) != CodeRefused {
		t.Errorf("Do to a metadata service = %v, %v, want it refused", resp, err)
	}
}

// A peer that redirects inside, or to a stranger, is not followed, whatever it may dial.
func TestRedirectsLeadNowhere(t *testing.T) {
	t.Parallel()
	hit := make(chan struct{}, 10)
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit <- struct{}{} }))
	t.Cleanup(inside.Close)
	for _, to := range []string{inside.URL, "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://0x7f.1/", "//127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			}))
			t.Cleanup(peer.Close)
			req := request(t, http.MethodPost, peer.URL, "secret words")
			req.Header.Set("Authorization", "Bearer s3cr3t")
			resp, err := open(t, Options{}).Do(req)
			if err != nil || resp.Status != status {
				t.Errorf("Do of a %d to %s = %v, %v, want the redirect itself", status, to, resp, err)
			}
		}
	}
	select {
	case <-hit:
		t.Error("a redirect was followed")
	default:
	}
}

// The proxy of the environment is another way out: nothing checks what it dials.
func TestNoProxy(t *testing.T) {
	client := New(Options{})
	transport, ok := client.http.Transport.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Errorf("the transport has a proxy: %T", client.http.Transport)
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	n := &names{answers: [][]netip.Addr{addrs("10.9.8.7")}}
	r := n.resolver(t)
	for url, want := range map[string]string{"http://n8n.example:5678/x": "n8n.example", "http://127.0.0.1:1": "127.0.0.1", "http://[::1]": "::1", "http://2130706433": ""} {
		_, err := Policy{}.Look(t.Context(), r, url)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Name() != want {
			t.Errorf("Look(%s) = %v, want it refused, and %q to be named", url, err, want)
		}
	}
	if _, err := (Policy{}).Look(t.Context(), r, "n8n"); err == nil || errors.As(err, new(*RefusedError)) {
		t.Errorf("Look(no URL) = %v, want another error", err)
	}
}
