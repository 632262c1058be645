package httpclient

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/fault"
)

func TestPolicyAllows(t *testing.T) {
	t.Parallel()
	network := Policy{Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	host := Policy{Hosts: []string{"n8n.lan"}}
	for _, c := range []struct {
		policy Policy
		host   string
		addr   string
		want   bool
	}{
		{Policy{}, "x", "93.184.215.14", true},
		{Policy{}, "x", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", true},
		{Policy{}, "x", "::ffff:93.184.215.14", true},
		{Policy{}, "x", "64:ff9b::93.184.215.14", true},
		{Policy{}, "x", "127.0.0.1", false},
		{Policy{}, "x", "127.1.2.3", false},
		{Policy{}, "x", "::1", false},
		{Policy{}, "x", "::ffff:127.0.0.1", false},
		{Policy{}, "x", "0.0.0.0", false},
		{Policy{}, "x", "::", false},
		{Policy{}, "x", "10.1.2.3", false},
		{Policy{}, "x", "172.16.0.1", false},
		{Policy{}, "x", "192.168.0.1", false},
		{Policy{}, "x", "::ffff:192.168.0.1", false},
		{Policy{}, "x", "fd00::1", false},
		{Policy{}, "x", "169.254.169.254", false},
		{Policy{}, "x", "::ffff:169.254.169.254", false},
		{Policy{}, "x", "64:ff9b::169.254.169.254", false},
		{Policy{}, "x", "fe80::1", false},
		{Policy{}, "x", "100.64.0.1", false},
		{Policy{}, "x", "100.127.255.255", false},
		{Policy{}, "x", "100.128.0.1", true},
		{Policy{}, "x", "224.0.0.1", false},
		{Policy{}, "x", "255.255.255.255", false},
		{Policy{All: true}, "x", "127.0.0.1", true},
		{host, "n8n.lan", "192.168.0.1", true},
		{host, "n8n.lan", "127.0.0.1", true},
		{host, "other.lan", "192.168.0.1", false},
		{host, "n8n.lan.evil.com", "192.168.0.1", false},
		{network, "x", "10.1.2.3", true},
		{network, "x", "::ffff:10.1.2.3", true},
		{network, "x", "10.2.0.1", false},
		{network, "x", "fd12::1", true},
		{network, "x", "127.0.0.1", false},
		{Policy{}.WithURLs("https://n8n.lan:5678/x"), "n8n.lan", "10.0.0.1", true},
		{Policy{}.WithURLs("https://N8N.lan"), "n8n.lan", "10.0.0.1", true},
		{Policy{}.WithURLs("http://[::1]:8080"), "::1", "::1", true},
		{Policy{}.WithURLs("", "::", "n8n.lan"), "n8n.lan", "10.0.0.1", false},
	} {
		if got := c.policy.allows(c.host, netip.MustParseAddr(c.addr)); got != c.want {
			t.Errorf("%+v allows %s of %s = %v, want %v", c.policy, c.addr, c.host, got, c.want)
		}
	}
}

func TestWithURLsLeavesTheOriginalAlone(t *testing.T) {
	t.Parallel()
	p := Policy{Hosts: make([]string, 1, 4)}
	a, b := p.WithURLs("http://a"), p.WithURLs("http://b")
	if a.Hosts[1] != "a" || b.Hosts[1] != "b" || len(p.Hosts) != 1 {
		t.Errorf("WithURLs shares its hosts: %v, %v, %v", p.Hosts, a.Hosts, b.Hosts)
	}
}

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want Policy
		bad  string // part of the error
	}{
		{"", Policy{}, ""},
		{" false ", Policy{}, ""},
		{"TRUE", Policy{All: true}, ""},
		{"n8n.lan, 10.1.2.3/16,Chatwoot,[::1],fd00::/8,, 127.0.0.1", Policy{
			Hosts:    []string{"n8n.lan", "chatwoot", "::1", "127.0.0.1"},
			Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		}, ""},
		{"::1", Policy{Hosts: []string{"::1"}}, ""},
		{"10.0.0.0/33", Policy{}, `"10.0.0.0/33"`},
		{"http://n8n.lan", Policy{}, `"http://n8n.lan"`},
		{"n8n.lan:5678", Policy{}, `"n8n.lan:5678"`},
		{"a b", Policy{}, `"a b"`},
	} {
		got, err := ParsePolicy(c.in)
		if (err != nil) != (c.bad != "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("ParsePolicy(%q) error = %v, want one with %q", c.in, err, c.bad)
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("ParsePolicy(%q) (-want +got):\n%s", c.in, diff)
		}
	}
}

func TestPrivateAddressesAreDialledOnlyWhenAllowed(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	port := srv.URL[strings.LastIndexByte(srv.URL, ':'):]
	for _, c := range []struct {
		name   string
		policy Policy
		url    string
		want   bool
	}{
		{"by default", Policy{}, srv.URL, false},
		{"by name", Policy{}, "http://localhost" + port, false},
		{"mapped", Policy{}, "http://[::ffff:127.0.0.1]" + port, false},
		{"all", Policy{All: true}, srv.URL, true},
		{"host", Policy{Hosts: []string{"127.0.0.1"}}, srv.URL, true},
		{"host in capitals", Policy{Hosts: []string{"localhost"}}, "http://LOCALHOST" + port, true},
		{"network", Policy{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, srv.URL, true},
		{"base URL", Policy{}.WithURLs(srv.URL + "/base"), srv.URL + "/x", true},
		{"another host's base URL", Policy{}.WithURLs("http://n8n.lan"), srv.URL, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := New(Options{Policy: c.policy})
			t.Cleanup(client.Close)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				_, err := client.Do(request(t, method, c.url+"?token=s3cr3t", ""))
				if c.want {
					if err != nil {
						t.Errorf("%s = %v, want an answer", method, err)
					}
					continue
				}
				if !fault.Is(err, fault.Permanent) || fault.Code(err) != "private address refused" {
					t.Errorf("%s = %v (%v), want the address refused for good", method, err, fault.KindOf(err))
				}
				leaks(t, err, c.url)
			}
		})
	}
}

// leaks checks that an error names neither host nor port nor token.
func leaks(t *testing.T, err error, rawURL string) {
	t.Helper()
	if err == nil {
		return
	}
	u, perr := url.Parse(rawURL)
	if perr != nil {
		t.Fatal(perr)
	}
	for _, part := range []string{u.Hostname(), u.Port(), "s3cr3t", "token", "http:/", "127.0.0.1"} {
		if part != "" && strings.Contains(err.Error(), part) {
			t.Errorf("error %q names %q", err, part)
		}
	}
}
