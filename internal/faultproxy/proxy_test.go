package faultproxy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
)

// proxy stands in front of one peer. A well one passes everything on.
type proxy struct {
	t    *testing.T
	peer *toxiproxy.Proxy
}

// through starts a proxy in front of the server that an URL names, and returns it with the
// URL that leads through it.
func through(t *testing.T, peer string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(peer)
	if err != nil {
		t.Fatal("the peer's address is not a URL")
	}
	server := &toxiproxy.ApiServer{Metrics: toxiproxy.NewMetricsContainer(nil)}
	const disabled = 7 // the library's logger says nothing
	server.Logger = pointer(zeroOf(server.Logger).Level(disabled))
	p := &proxy{t, toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", u.Host)}
	p.start()
	t.Cleanup(p.peer.Stop)
	u.Host = p.peer.Listen
	return p, u.String()
}

// zeroOf is the zero value of what a pointer points to. It spares this module a direct
// dependency on the library's logger, which nothing here uses.
func zeroOf[T any](*T) (zero T) { return zero }

func pointer[T any](v T) *T { return &v }

func (p *proxy) start() {
	p.t.Helper()
	// Its port is free while it is stopped, and may be somebody's for a moment.
	var err error
	for range 100 {
		if err = p.peer.Start(); err == nil {
			return
		}
	}
	p.t.Fatalf("start proxy: %v", err)
}

// trouble is a way in which a network fails.
type trouble struct {
	name string
	// slow: nothing gets lost, and the conversation goes on meanwhile.
	slow bool
	// toxics are what is done to the data; none: connections are refused.
	toxics []toxic
	// reached says that what we ask for is done, although we do not learn it.
	reached bool
}

// toxic is the library's name of what is done to one direction of the data, with its
// attributes.
type toxic struct{ kind, stream, attributes string }

const (
	down = "downstream" // what the peer answers
	up   = "upstream"   // what it is asked
)

// troubles are those of every peer. pace stretches what is slow: a peer that is asked ten
// times for one message is slow enough with less.
func troubles(pace int) []trouble {
	all := []trouble{
		{name: "latency", slow: true, toxics: []toxic{{"latency", down, fmt.Sprintf(`{"latency": %d, "jitter": %d}`, 6*pace, 5*pace)}}},
		{name: "bandwidth", slow: true, toxics: []toxic{{"bandwidth", down, fmt.Sprintf(`{"rate": %d}`, 200/pace)}}},
		{name: "reset before the request", toxics: []toxic{{"reset_peer", up, `{"timeout": 0}`}}},
		{name: "reset before the answer", reached: true, toxics: []toxic{{"reset_peer", down, `{"timeout": 0}`}}},
		{name: "half open", reached: true, toxics: []toxic{{"timeout", down, `{"timeout": 0}`}}},
		{name: "truncated", reached: true, toxics: []toxic{{"limit_data", down, `{"bytes": 40}`}}},
		{name: "refused"},
	}
	if raced {
		// The embedded database is many times slower under the race detector, and what could
		// race does so in each of them.
		return slices.DeleteFunc(all, func(t trouble) bool { return t.name != "half open" && t.name != "refused" })
	}
	return all
}

// on makes the trouble begin, for connections that are open as well as for new ones.
func (p *proxy) on(t trouble) {
	p.t.Helper()
	if len(t.toxics) == 0 {
		p.peer.Stop()
	}
	for _, x := range t.toxics {
		text := fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": %s}`, x.kind, x.stream, x.attributes)
		if _, err := p.peer.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			p.t.Fatalf("begin %s: %v", t.name, err)
		}
	}
}

// heal ends it. Connections that had stopped carrying data end with it.
func (p *proxy) heal(t trouble) {
	p.t.Helper()
	if len(t.toxics) == 0 {
		p.start()
	}
	for _, x := range t.toxics {
		if err := p.peer.Toxics.RemoveToxic(p.t.Context(), x.kind+"_"+x.stream); err != nil {
			p.t.Fatalf("end %s: %v", t.name, err)
		}
	}
}
