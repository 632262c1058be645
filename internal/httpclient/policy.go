package httpclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Policy says which addresses may be dialled besides public ones.
type Policy struct {
	All      bool           // every private address; not the special ones, see Networks
	Hosts    []string       // names whose private addresses are allowed, lower case, without port
	Networks []netip.Prefix // networks and addresses, special ones too; a metadata service only by itself
}

// Local is the policy of a program that talks to servers of its own on this machine.
func Local() Policy {
	return Policy{Hosts: []string{"localhost"}, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// Named is the policy of somebody who wrote these URLs himself and said nothing else: where the
// very name of a host is a private one (an address, localhost, a name without a dot or of a
// domain that no public name server knows), writing it was naming it. A name that only turns
// out to lead to a private address is not among them, and neither is anything special.
func Named(rawURLs ...string) Policy {
	var p Policy
	for _, raw := range rawURLs {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" || numeric(u.Hostname()) {
			continue
		}
		host := hostname(u.Hostname())
		addr, err := netip.ParseAddr(host)
		switch {
		case err == nil:
			addr = plain(addr)
			if n := netip.PrefixFrom(addr, addr.BitLen()); leads(addr) == private && !slices.Contains(p.Networks, n) {
				p.Networks = append(p.Networks, n)
			}
		case local(host) && !slices.Contains(p.Hosts, host):
			p.Hosts = append(p.Hosts, host)
		}
	}
	return p
}

// local says whether a name can only be one of a private network: RFC 6761, RFC 6762, RFC
// 8375, and .internal, which ICANN reserved in 2024.
func local(host string) bool {
	if !strings.Contains(host, ".") {
		return hostForm.MatchString(host)
	}
	return slices.ContainsFunc([]string{".localhost", ".local", ".internal", ".home.arpa", ".lan"}, func(end string) bool { return strings.HasSuffix(host, end) })
}

var hostForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)

// ParsePolicy reads ALLOW_PRIVATE_ADDRESSES: "true", "false", "" or a comma-separated list
// of hosts, addresses and networks in CIDR notation; true may stand in the list too.
func ParsePolicy(s string) (Policy, error) {
	var p Policy
	switch strings.TrimSpace(strings.ToLower(s)) {
	case "false", "no", "off", "0":
		return p, nil
	case "yes", "on", "1":
		s = "true"
	}
	for _, item := range strings.Split(s, ",") {
		item = strings.TrimSpace(item)
		disguised := numeric(item)
		item = hostname(item)
		addr, err := netip.ParseAddr(item)
		switch {
		case item == "":
		case disguised:
			return Policy{}, fmt.Errorf("%q is not a host, an address or a network", item)
		case item == "true":
			p.All = true
		case err == nil:
			addr = addr.WithZone("").Unmap()
			p.Networks = append(p.Networks, netip.PrefixFrom(addr, addr.BitLen()))
		case strings.Contains(item, "://"):
			return Policy{}, fmt.Errorf("%q is a URL: write the host alone%s", item, meant(item))
		case strings.Contains(item, "/"):
			prefix, err := netip.ParsePrefix(item)
			if err != nil {
				return Policy{}, fmt.Errorf("%q is not a network in CIDR notation", item)
			}
			p.Networks = append(p.Networks, prefix.Masked())
		case hasPort(item):
			return Policy{}, fmt.Errorf("%q has a port: write the host alone%s", item, meant("//"+item))
		case !hostForm.MatchString(item):
			return Policy{}, fmt.Errorf("%q is not a host, an address or a network", item)
		default:
			p.Hosts = append(p.Hosts, item)
		}
	}
	return p, nil
}

func hasPort(s string) bool {
	_, _, err := net.SplitHostPort(s)
	return err == nil
}

// meant ends a sentence about a URL that stands where a host is expected.
func meant(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return fmt.Sprintf(", %q", u.Hostname())
}

// String is the value of ALLOW_PRIVATE_ADDRESSES that says this; "" where nothing is allowed.
func (p Policy) String() string {
	var items []string
	if p.All {
		items = append(items, "true")
	}
	items = append(items, p.Hosts...)
	for _, n := range p.Networks {
		if n.IsSingleIP() {
			items = append(items, n.Addr().String())
			continue
		}
		items = append(items, n.String())
	}
	return strings.Join(items, ",")
}

// With is the value of ALLOW_PRIVATE_ADDRESSES that allows what p allows and, besides, what
// was refused.
func (p Policy) With(refused ...*RefusedError) string {
	var items []string
	if s := p.String(); s != "" {
		items = append(items, s)
	}
	for _, r := range refused {
		if name := r.Name(); name != "" && !slices.Contains(items, name) {
			items = append(items, name)
		}
	}
	return strings.Join(items, ",")
}

// allows says whether an address may be dialled that belongs to a host, given as hostname
// gives it.
func (p Policy) allows(host string, addr netip.Addr) bool {
	to := leads(addr)
	if to == public {
		return true
	}
	addr = plain(addr)
	for _, n := range p.Networks {
		// Who names a wide network does not think of the one address in it that gives away
		// the machine.
		if n.Contains(addr) && (to != metadata || n.IsSingleIP()) {
			return true
		}
	}
	return to == private && (p.All || slices.Contains(p.Hosts, host))
}

// Check returns a *RefusedError where an address of a host may not be dialled.
func (p Policy) Check(host string, addr netip.Addr) error {
	host = hostname(host)
	if p.allows(host, addr) {
		return nil
	}
	return &RefusedError{host: host, addr: addr}
}

// Look resolves the host of a URL and returns a *RefusedError where the policy refuses an
// address of it, and what else is wrong otherwise. It dials nothing, and what it finds is
// for people: the check that counts is made when dialling. A nil resolver is the system's.
func (p Policy) Look(ctx context.Context, r *net.Resolver, rawURL string) ([]netip.Addr, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("is not a URL")
	}
	host := u.Hostname()
	if numeric(host) {
		return nil, &RefusedError{host: host}
	}
	if r == nil {
		r = net.DefaultResolver
	}
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, opless(err)
	}
	for _, a := range addrs {
		if err := p.Check(host, a); err != nil {
			return addrs, err
		}
	}
	return addrs, nil
}

// Public says whether an address is one of the internet.
func Public(a netip.Addr) bool { return leads(a) == public }

// RefusedError is why an address was not dialled. Its text names the setting and not the
// host, for it goes into logs; Name has what check shows.
type RefusedError struct {
	host string
	addr netip.Addr // zero where the host is a number in disguise
}

// Error implements error, in both languages of operators.
func (e *RefusedError) Error() string {
	if !e.addr.IsValid() {
		return "the host of the URL is a number: write it as an address of four parts (o host da URL é um número: escreva-o como endereço de quatro partes)"
	}
	return "the address is private and ALLOW_PRIVATE_ADDRESSES does not name it; secretaria check prints the line to set " +
		"(o endereço é privado e não consta em ALLOW_PRIVATE_ADDRESSES; secretaria check mostra a linha a definir)"
}

// Name is what has to stand in ALLOW_PRIVATE_ADDRESSES for this address to be dialled: the
// host where it is private, the address itself where that is needed; "" where nothing helps.
func (e *RefusedError) Name() string {
	switch {
	case !e.addr.IsValid():
		return ""
	case leads(e.addr) == private && hostForm.MatchString(e.host):
		return e.host
	}
	return plain(e.addr).String()
}
