package httpclient

import (
	"errors"
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
	policy := func(s string) Policy {
		p, err := ParsePolicy(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		policy, host, addr string
		want               bool
	}{
		{"", "x", "93.184.215.14", true},
		{"", "x", "127.0.0.1", false},
		{"", "127.0.0.1", "127.0.0.1", false},
		{"", "x", "169.254.169.254", false},
		{"true", "x", "127.0.0.1", true},
		{"true", "x", "64:ff9b::10.0.0.1", true},
		{"true", "x", "169.254.0.1", false},
		{"true", "x", "169.254.169.254", false},
		{"true", "x", "100.100.100.200", false},
		{"true", "x", "fd00:ec2::254", false},
		{"true", "x", "224.0.0.1", false},
		{"true", "x", "0.0.0.0", false},
		{"true,169.254.169.254", "x", "169.254.169.254", true},
		{"true,169.254.0.0/16", "x", "169.254.169.254", false},
		{"true,169.254.0.0/16", "x", "169.254.0.9", true},
		{"0.0.0.0/0,::/0", "x", "10.0.0.1", true},
		{"0.0.0.0/0,::/0", "x", "::ffff:169.254.169.254", false},
		{"fd00::/8", "x", "fd00:ec2::254", false},
		{"100.64.0.0/10", "x", "100.100.100.200", false},
		{"100.64.0.0/10", "x", "100.100.100.201", true},
		{"0.0.0.0", "x", "0.0.0.0", true},
		{"n8n.lan", "n8n.lan", "192.168.0.1", true},
		{"N8N.lan.", "n8n.lan", "127.0.0.1", true},
		{"n8n.lan", "n8n.lan", "169.254.169.254", false},
		{"n8n.lan", "other.lan", "192.168.0.1", false},
		{"n8n.lan", "n8n.lan.evil.com", "192.168.0.1", false},
		{"10.1.2.3/16,fd00::/8", "x", "10.1.2.3", true},
		{"10.1.2.3/16,fd00::/8", "x", "::ffff:10.1.2.3", true},
		{"10.1.2.3/16,fd00::/8", "x", "10.2.0.1", false},
		{"10.1.2.3/16,fd00::/8", "x", "fd12::1%eth0", true},
		{"10.1.2.3/16,fd00::/8", "x", "127.0.0.1", false},
		{"127.0.0.1", "x", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", "127.0.0.2", false},
		{"::ffff:127.0.0.1", "x", "127.0.0.1", true},
		{"[::1]", "::1", "::1", true},
	} {
		if got := policy(c.policy).allows(c.host, netip.MustParseAddr(c.addr)); got != c.want {
			t.Errorf("%q allows %s of %s = %v, want %v", c.policy, c.addr, c.host, got, c.want)
		}
	}
	for host, addr := range map[string]string{"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"} {
		if !Local().allows(host, netip.MustParseAddr(addr)) {
			t.Errorf("Local() refuses %s of %s", addr, host)
		}
	}
	if Local().allows("chatwoot", netip.MustParseAddr("10.0.0.1")) {
		t.Error("Local() allows 10.0.0.1")
	}
}

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	networks := func(list ...string) (out []netip.Prefix) {
		for _, n := range list {
			out = append(out, netip.MustParsePrefix(n))
		}
		return out
	}
	for _, c := range []struct {
		in   string
		want Policy
		said string // what String makes of it
		bad  string // part of the error
	}{
		{"", Policy{}, "", ""},
		{" false ", Policy{}, "", ""},
		{"0", Policy{}, "", ""},
		{"TRUE", Policy{All: true}, "true", ""},
		{"1", Policy{All: true}, "true", ""},
		{"true, 169.254.7.7", Policy{All: true, Networks: networks("169.254.7.7/32")}, "true,169.254.7.7", ""},
		{"n8n.lan, 10.1.2.3/16,Chatwoot_web.,[::1],fd00::/8,, 127.0.0.1", Policy{
			Hosts:    []string{"n8n.lan", "chatwoot_web"},
			Networks: networks("10.1.0.0/16", "::1/128", "fd00::/8", "127.0.0.1/32"),
		}, "n8n.lan,chatwoot_web,10.1.0.0/16,::1,fd00::/8,127.0.0.1", ""},
		{"::1", Policy{Networks: networks("::1/128")}, "::1", ""},
		{"10.0.0.0/33", Policy{}, "", `"10.0.0.0/33"`},
		{"http://n8n.lan:5678/x", Policy{}, "", `write the host alone, "n8n.lan"`},
		{"n8n.lan:5678", Policy{}, "", `write the host alone, "n8n.lan"`},
		{"a b", Policy{}, "", `"a b"`},
		{"n8n.lan 10.0.0.1", Policy{}, "", `"n8n.lan 10.0.0.1"`},
		{"127.1", Policy{}, "", `"127.1"`},
		{"*.lan", Policy{}, "", `"*.lan"`},
		{"a,2", Policy{}, "", `"2"`},
	} {
		got, err := ParsePolicy(c.in)
		if (err != nil) != (c.bad != "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("ParsePolicy(%q) error = %v, want one with %q", c.in, err, c.bad)
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("ParsePolicy(%q) (-want +got):\n%s", c.in, diff)
		}
		if got.String() != c.said {
			t.Errorf("ParsePolicy(%q).String() = %q, want %q", c.in, got, c.said)
		}
	}
}

// What check tells an operator to write is what makes the call possible, and no more.
func TestTheNamedValueHelps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, host, addr, want string }{
		{"", "chatwoot", "172.18.0.5", "chatwoot"},
		{"10.0.0.0/8", "chatwoot", "172.18.0.5", "10.0.0.0/8,chatwoot"},
		{"", "localhost.", "127.0.0.1", "localhost"},
		{"", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"", "[::1]", "::1", "::1"},
		{"", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"},
		{"true", "node.local", "fe80::1%eth0", "true,fe80::1"},
		{"169.254.0.0/16", "x", "169.254.169.254", "169.254.0.0/16,169.254.169.254"},
		{"", "bücher.lan", "10.0.0.1", "10.0.0.1"},
	} {
		p, err := ParsePolicy(c.before)
		if err != nil {
			t.Fatal(err)
		}
		var refused *RefusedError
		if err := p.Check(c.host, netip.MustParseAddr(c.addr)); !errors.As(err, &refused) {
			t.Errorf("%q allows %s of %s", c.before, c.addr, c.host)
			continue
		}
		got := p.With(refused, refused)
		if got != c.want {
			t.Errorf("With(%s of %s) = %q, want %q", c.addr, c.host, got, c.want)
		}
		after, err := ParsePolicy(got)
		if err != nil {
			t.Errorf("ParsePolicy(%q) = %v", got, err)
		}
		if err := after.Check(c.host, netip.MustParseAddr(c.addr)); err != nil {
			t.Errorf("%q still refuses %s of %s", got, c.addr, c.host)
		}
	}
}

func TestPrivateAddressesAreDialledOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	dialled := make(chan struct{}, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { dialled <- struct{}{} }))
	t.Cleanup(srv.Close)
	port := srv.URL[strings.LastIndexByte(srv.URL, ':'):]
	for _, c := range []struct {
		name   string
		policy string
		url    string
		want   bool
	}{
		{"by default", "", srv.URL, false},
		{"by name", "", "http://localhost" + port, false},
		{"mapped", "", "http://[::ffff:127.0.0.1]" + port, false},
		{"mapped, as hex", "", "http://[::ffff:7f00:1]" + port, false},
		{"unspecified", "true", "http://0.0.0.0" + port, false},
		{"unspecified, IPv6", "true", "http://[::]" + port, false},
		{"a decimal number", "true", "http://2130706433" + port, false},
		{"hex", "true", "http://0x7f000001" + port, false},
		{"hex and short", "true", "http://0x7f.1" + port, false},
		{"octal", "true", "http://0177.0.0.1" + port, false},
		{"short", "true", "http://127.1" + port, false},
		{"a dot at the end", "", "http://127.0.0.1." + port, false},
		{"full-width digits", "", "http://１２７.０.０.１" + port, false},
		{"all", "true", srv.URL, true},
		{"address", "127.0.0.1", srv.URL, true},
		{"address, by name", "127.0.0.1,::1", "http://localhost" + port, true},
		{"host", "localhost", "http://localhost" + port, true},
		{"host in capitals", "localhost", "http://LOCALHOST" + port, true},
		{"network", "127.0.0.0/8", srv.URL, true},
		{"another host", "n8n.lan", srv.URL, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			policy, err := ParsePolicy(c.policy)
			if err != nil {
				t.Fatal(err)
			}
			client := New(Options{Policy: policy})
			t.Cleanup(client.Close)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				_, err := client.Do(request(t, method, c.url+"?token=s3cr3t", ""))
				if c.want {
					if err != nil {
						t.Errorf("%s = %v, want an answer", method, err)
					}
					continue
				}
				var refused *RefusedError
				if !fault.Is(err, fault.Permanent) || fault.Code(err) != CodeRefused || !errors.As(err, &refused) {
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

// What a URL names as private is named by it, and nothing else is.
func TestNamed(t *testing.T) {
	t.Parallel()
	got := Named("http://chatwoot:3000", "http://LOCALHOST:11434/v1", "http://10.0.0.7:5678/x", "http://[::1]:80", "https://n8n.internal/webhook", "http://casa.local",
		"https://chat.example.com", "http://169.254.169.254/latest", "http://100.100.100.200", "http://0x7f.1", "http://2130706433", "http://8.8.8.8", "http://0.0.0.0", "http://chatwoot", "://", "")
	if want := "chatwoot,localhost,n8n.internal,casa.local,10.0.0.7,::1"; got.String() != want {
		t.Errorf("Named = %q, want %q", got.String(), want)
	}
	for host, addr := range map[string]string{"chat.example.com": "10.0.0.7", "chatwoot": "169.254.169.254", "localhost": "10.0.0.8"} {
		err := got.Check(host, netip.MustParseAddr(addr))
		if host == "localhost" || host == "chat.example.com" {
			continue // by its name, and by the address that another URL names
		}
		if err == nil {
			t.Errorf("%s at %s may be called, want it refused", host, addr)
		}
	}
	if Named("https://chat.example.com").Check("chat.example.com", netip.MustParseAddr("10.0.0.7")) == nil {
		t.Error("a public name that leads to a private address may be called, want it refused")
	}
}
