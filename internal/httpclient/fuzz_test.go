package httpclient

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A policy that was read says the same when it is written and read again, and what it was not
// told to allow stays refused: never a metadata service, never this machine.
func FuzzParsePolicy(f *testing.F) {
	for _, s := range []string{"", "true", "false", "n8n, 10.0.0.0/8", "192.168.0.7", "[::1]", "0x7f.1", "127.1", "host:80", "http://a", "fd00::/8,true", "169.254.169.254", "a.b.", "::ffff:10.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePolicy(s)
		if err != nil {
			if len(p.Hosts)+len(p.Networks) > 0 || p.All {
				t.Errorf("ParsePolicy(%q) = %+v and %v", s, p, err)
			}
			return
		}
		again, err := ParsePolicy(p.String())
		if err != nil || again.String() != p.String() || again.All != p.All {
			t.Errorf("ParsePolicy(%q) = %q, which is read as %q, %v", s, p, again, err)
		}
		in := func(a netip.Addr) bool {
			for _, n := range p.Networks {
				if n.Contains(a) {
					return true
				}
			}
			return false
		}
		for _, address := range []string{"127.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "10.1.2.3", "fe80::1"} {
			a := netip.MustParseAddr(address)
			private := address == "10.1.2.3" || address == "127.0.0.1" || address == "::1"
			if p.Check("unnamed.example", a) == nil && !in(a) && !(private && p.All) {
				t.Errorf("ParsePolicy(%q) allows %s, which nobody named", s, a)
			}
		}
		if p.Check("unnamed.example", netip.MustParseAddr("93.184.216.34")) != nil {
			t.Errorf("ParsePolicy(%q) refuses a public address", s)
		}
		for _, host := range p.Hosts {
			if host != strings.ToLower(host) || strings.ContainsAny(host, " /:,@") || numeric(host) {
				t.Errorf("ParsePolicy(%q) allows the host %q", s, host)
			}
		}
	})
}

// Whatever a peer asks us to wait is between nothing and an hour.
func FuzzRetryAfter(f *testing.F) {
	now := time.Unix(1789049008, 0)
	for _, s := range []string{"", "5", "0.5", "-1", "1e9", "1e308", "NaN", "Inf", "-Inf", "0x10", now.Add(time.Minute).UTC().Format(http.TimeFormat), "Mon, 02 Jan 2006 15:04:05 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := RetryAfter(http.Header{"Retry-After": {s}}, now)
		if got < 0 || got > time.Hour {
			t.Errorf("RetryAfter(%q) = %v, want 0 to 1h", s, got)
		}
		for _, name := range []string{" " + s, s + "\t"} {
			if other := RetryAfter(http.Header{"Retry-After": {name}}, now); other != got {
				t.Errorf("RetryAfter(%q) = %v, want %v", name, other, got)
			}
		}
	})
}
