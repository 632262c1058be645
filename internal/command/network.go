package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/httpclient"
)

// lookWithin bounds the look-up of all names together.
const lookWithin = 5 * time.Second

// looked is a peer with what its name leads to.
type looked struct {
	app.Peer
	addrs   []netip.Addr
	refused *httpclient.RefusedError // nil: it may be called, or nobody knows
}

// look resolves the names of all peers at the same time. What cannot be resolved is said by
// whoever calls it. Offline asks no name server: only what is an address by itself is seen.
func look(ctx context.Context, o app.Options, offline bool) []looked {
	ctx, cancel := context.WithTimeoutCause(ctx, lookWithin, errors.New("names took too long to resolve"))
	defer cancel()
	peers := o.Peers()
	out := make([]looked, len(peers))
	var all sync.WaitGroup
	for i, p := range peers {
		out[i].Peer = p
		if offline && !byItself(p.URL) {
			continue
		}
		all.Go(func() {
			addrs, err := o.Addresses.Look(ctx, nil, p.URL)
			out[i].addrs = addrs
			errors.As(err, &out[i].refused)
		})
	}
	all.Wait()
	return out
}

// byItself says whether no name server is needed for the host of a URL.
func byItself(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil || strings.EqualFold(u.Hostname(), "localhost")
}

// refusals are the peers that will not be called, and the value of ALLOW_PRIVATE_ADDRESSES
// with which they would be; "" where no value helps.
func refusals(o app.Options, peers []looked) (about []string, value string) {
	var all []*httpclient.RefusedError
	for _, p := range peers {
		if p.refused != nil {
			about, all = append(about, p.About), append(all, p.refused)
		}
	}
	if len(all) == 0 || !slices.ContainsFunc(all, func(r *httpclient.RefusedError) bool { return r.Name() != "" }) {
		return about, ""
	}
	return about, o.Addresses.With(all...)
}

// networkFindings are what check has to say about the way out.
func networkFindings(o app.Options, peers []looked, environ []string) []finding {
	var found []finding
	about, value := refusals(o, peers)
	switch {
	case value != "":
		line := "ALLOW_PRIVATE_ADDRESSES=" + value
		found = append(found, finding{problem, "network", "private addresses, which are not called unless they are named: " + strings.Join(about, ", "),
			fmt.Sprintf("set %s (defina %s)", line, line)})
	case len(about) > 0:
		found = append(found, finding{problem, "network", "hosts that are numbers, which are not called: " + strings.Join(about, ", "),
			"write the address in four parts (escreva o endereço em quatro partes)"})
	case o.Addresses.String() == "":
		found = append(found, finding{fine, "network", "calls go to public addresses only", ""})
	default:
		found = append(found, finding{fine, "network", "calls go to public addresses and to " + o.Addresses.String(), ""})
	}
	if o.Addresses.All {
		if _, needed := refusals(app.Options{}, relook(peers)); needed != "" {
			found = append(found, finding{hint, "network", "ALLOW_PRIVATE_ADDRESSES=true opens every private address, more than is needed",
				fmt.Sprintf("set ALLOW_PRIVATE_ADDRESSES=%s (defina ALLOW_PRIVATE_ADDRESSES=%s)", needed, needed)})
		}
	}
	for _, p := range peers {
		if strings.HasPrefix(strings.ToLower(p.URL), "http://") && slices.ContainsFunc(p.addrs, httpclient.Public) {
			found = append(found, finding{hint, "network", p.About + " is called over the internet without TLS: what opens its door and what it is told can be read on the way", "use https (use https)"})
		}
	}
	for _, key := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		if slices.ContainsFunc(environ, func(kv string) bool {
			name, v, _ := strings.Cut(kv, "=")
			return strings.EqualFold(name, key) && v != ""
		}) {
			found = append(found, finding{hint, "network", key + " is set and not heeded: behind a proxy nobody would check which address is dialled", "let this machine reach its peers directly, or clear it (deixe esta máquina alcançar os destinos diretamente, ou apague a variável)"})
		}
	}
	return found
}

// relook is what would be refused if nothing were allowed.
func relook(peers []looked) []looked {
	out := slices.Clone(peers)
	for i := range out {
		out[i].refused = nil
		u, err := url.Parse(out[i].URL)
		if err != nil {
			continue
		}
		for _, a := range out[i].addrs {
			errors.As(httpclient.Policy{}.Check(u.Hostname(), a), &out[i].refused)
		}
	}
	return out
}

// warnOfRefusals says at the start which peers will not be called; the answers to their
// customers would fail one by one otherwise.
func warnOfRefusals(ctx context.Context, log *slog.Logger, o app.Options) {
	peers := look(ctx, o, false)
	if about, value := refusals(o, peers); value != "" {
		log.Error("private addresses are not called unless they are named", "peers", about, "remedy", "ALLOW_PRIVATE_ADDRESSES="+value)
	} else if len(about) > 0 {
		log.Error("hosts that are numbers are not called", "peers", about, "remedy", "write the address in four parts")
	}
}
