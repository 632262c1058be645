package intake_test

import (
	"net/http"
	"net/netip"
	"testing"

	"secretaria/internal/intake"
)

func TestClientIP(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"direct", "203.0.113.7:4711", nil, "203.0.113.7"},
		{"direct, IPv6", "[2001:db8::1]:4711", nil, "2001:db8::1"},
		{"a stranger's header is not believed", "203.0.113.7:4711", []string{"198.51.100.1"}, "203.0.113.7"},
		{"behind a proxy", "10.0.0.1:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"behind an IPv6 proxy", "[fd00::1]:4711", []string{"2001:db8::9"}, "2001:db8::9"},
		{"behind a proxy seen as mapped", "[::ffff:10.0.0.1]:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a mapped client", "10.0.0.1:4711", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a chain of proxies", "10.0.0.1:4711", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"the client's own header is not believed", "10.0.0.1:4711", []string{"192.0.2.66, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"in several headers", "10.0.0.1:4711", []string{"192.0.2.66", "198.51.100.1", "10.9.9.9"}, "198.51.100.1"},
		{"without blanks", "10.0.0.1:4711", []string{"192.0.2.66,198.51.100.1"}, "198.51.100.1"},
		{"only proxies: the farthest", "10.0.0.1:4711", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
		{"a proxy without the header", "10.0.0.1:4711", nil, "10.0.0.1"},
		{"an empty header", "10.0.0.1:4711", []string{""}, "10.0.0.1"},
		{"nonsense at the right", "10.0.0.1:4711", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"nonsense at the left is never reached", "10.0.0.1:4711", []string{"<script>, 198.51.100.1"}, "198.51.100.1"},
		{"nonsense behind a proxy", "10.0.0.1:4711", []string{"unknown, 10.2.2.2"}, "10.2.2.2"},
		{"a port is nonsense", "10.0.0.1:4711", []string{"198.51.100.1:80"}, "10.0.0.1"},
		{"a zone is no trusted address", "[fd00::1%eth0]:4711", []string{"198.51.100.1"}, "fd00::1%eth0"},
		{"no port", "203.0.113.7", []string{"198.51.100.1"}, "203.0.113.7"},
		{"no address", "@", []string{"198.51.100.1"}, "@"},
		{"a name", "proxy:80", []string{"198.51.100.1"}, "proxy"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := intake.ClientIP(trusted)(r); got != c.want {
			t.Errorf("%s: ClientIP(%s, %q) = %q, want %q", c.name, c.remote, c.forwarded, got, c.want)
		}
		if got := intake.ClientIP(nil)(r); len(c.forwarded) > 0 && got == "198.51.100.1" {
			t.Errorf("%s: without trusted proxies ClientIP(%s, %q) = %q, want the header not believed", c.name, c.remote, c.forwarded, got)
		}
	}
}
