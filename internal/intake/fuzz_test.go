package intake

import (
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// What a sender writes into X-Forwarded-For by itself never decides what it counts as: the
// header is believed only behind a trusted proxy, and from the right.
func FuzzClientIP(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", "10.0.0.7, 1.2.3.4", "x, ,", "::1", "[::1]:80", "1.2.3.4:80", "10.0.0.9", strings.Repeat("10.0.0.1,", 40)} {
		f.Add(s, "203.0.113.9")
	}
	ip := ClientIP([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")})
	f.Fuzz(func(t *testing.T, forged, sender string) {
		ask := func(remote string, forwarded ...string) string {
			return ip(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": forwarded}})
		}
		if got := ask("203.0.113.9:1234", forged); got != "203.0.113.9" {
			t.Errorf("from a stranger with %q: %q, want the stranger", forged, got)
		}
		// Trusted proxies append whom they heard it from.
		for _, forwarded := range [][]string{{forged + ", 203.0.113.9"}, {forged, "203.0.113.9"}, {forged + ",203.0.113.9 , 10.0.0.2"}} {
			if got := ask("10.0.0.1:1234", forwarded...); got != "203.0.113.9" {
				t.Errorf("through proxies with %q: %q, want 203.0.113.9", forwarded, got)
			}
		}
		got := ask("10.0.0.1:1234", forged)
		if _, err := netip.ParseAddr(got); err != nil {
			t.Errorf("with %q: %q, want an address", forged, got)
		}
		if a, err := netip.ParseAddr(sender); err == nil && a.Zone() == "" && !a.Is4In6() {
			if got, want := ask(netip.AddrPortFrom(a, 1).String()), a.String(); got != want {
				t.Errorf("from %s: %q", want, got)
			}
		}
	})
}

// What the standard library reads as application/json is taken for JSON, and beside what says
// nothing at all, only what names JSON.
func FuzzIsJSON(f *testing.F) {
	for _, s := range []string{"application/json", "Application/JSON; charset=utf-8", "application/json;", "text/json", "application/jsonx", "application/json, text/html", "", "application/vnd.api+json"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := IsJSON(s)
		media, _, err := mime.ParseMediaType(s)
		if err == nil && media == "application/json" && !got {
			t.Errorf("IsJSON(%q) = false, want true", s)
		}
		if got && s != "" && !strings.Contains(strings.ToLower(s), "json") {
			t.Errorf("IsJSON(%q) = true", s)
		}
	})
}
