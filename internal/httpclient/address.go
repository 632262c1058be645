package httpclient

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// reach is where an address leads.
type reach int

const (
	// public is the internet.
	public reach = iota
	// private is this machine and the networks around it: what true, a name, an address or a
	// network in ALLOW_PRIVATE_ADDRESSES opens.
	private
	// special is what no peer has: link-local, multicast, reserved and documentation
	// addresses. true and names do not open it; an address or a network does.
	special
	// metadata is where clouds keep the credentials of a machine. Only that address itself opens it.
	metadata
)

// span is a network and where it leads.
type span struct {
	net  netip.Prefix
	to   reach
	what string // for whoever reads the table
}

func in(cidr string, to reach, what string) span { return span{netip.MustParsePrefix(cidr), to, what} }

// spans are the networks that are not the internet, or not all of it. The first one that
// holds an address decides. They are IANA's special-purpose registries, and before them the
// metadata services, some of which lie in the middle of private networks.
var spans = [...]span{
	in("169.254.169.254/32", metadata, "AWS, Google, Azure, Oracle, DigitalOcean, OpenStack"),
	in("169.254.170.2/32", metadata, "credentials of AWS containers"),
	in("169.254.170.23/32", metadata, "credentials of AWS pods"),
	in("168.63.129.16/32", metadata, "Azure's wire server, a public address that is not the internet"),
	in("100.100.100.200/32", metadata, "Alibaba"),
	in("192.0.0.192/32", metadata, "Oracle, classic"),
	in("fd00:ec2::254/128", metadata, "AWS"),
	in("fd00:ec2::23/128", metadata, "credentials of AWS pods"),
	in("fd20:ce::254/128", metadata, "Google"),
	in("fd00:c1::a9fe:a9fe/128", metadata, "Oracle"),

	in("0.0.0.0/8", special, "this network; 0.0.0.0 is this machine"),
	in("10.0.0.0/8", private, "RFC 1918"),
	in("100.64.0.0/10", private, "carrier-grade NAT, RFC 6598; Tailscale"),
	in("127.0.0.0/8", private, "this machine"),
	in("169.254.0.0/16", special, "link-local"),
	in("172.16.0.0/12", private, "RFC 1918; Docker"),
	in("192.0.0.0/24", special, "protocol assignments"),
	in("192.0.2.0/24", special, "documentation"),
	in("192.88.99.0/24", special, "6to4 relays"),
	in("192.168.0.0/16", private, "RFC 1918"),
	in("198.18.0.0/15", private, "benchmarks; what some proxies make up for names"),
	in("198.51.100.0/24", special, "documentation"),
	in("203.0.113.0/24", special, "documentation"),
	in("224.0.0.0/4", special, "multicast"),
	in("240.0.0.0/4", special, "reserved, broadcast"),
	in("0.0.0.0/0", public, "the rest"),

	in("::1/128", private, "this machine"),
	in("fc00::/7", private, "unique local"),
	in("fec0::/10", private, "site-local, as unique local was called before"),
	in("64:ff9b:1::/48", private, "a network's own translation to IPv4: only it knows which"),
	in("2001:db8::/32", special, "documentation"),
	in("3fff::/20", special, "documentation"),
	in("2001::/23", special, "protocol assignments, Teredo"),
	in("2000::/3", public, "all that is given out"),
	in("::/0", special, "link-local, multicast, unspecified and what nobody has"),
}

// translated are the networks in which an IPv6 address stands for an IPv4 address, and at
// which byte that begins.
var translated = [...]struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64, RFC 6052
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // SIIT, RFC 2765
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4, RFC 3056
}

// plain is an address without the forms in which it can hide: zones, and IPv4 addresses in
// the clothes of IPv6.
func plain(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if a.Is4() {
		return a
	}
	b := a.As16()
	for _, t := range translated {
		if t.net.Contains(a) {
			return netip.AddrFrom4([4]byte(b[t.at : t.at+4]))
		}
	}
	// ISATAP (RFC 5214) puts an IPv4 address into the last half of any network.
	if binary.BigEndian.Uint32(b[8:12])&^0x02000000 == 0x00005efe {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// leads says where an address leads, by what plain makes of it.
func leads(a netip.Addr) reach {
	a = plain(a)
	for _, s := range spans {
		if s.net.Contains(a) {
			return s.to
		}
	}
	return special // the zero address
}

// hostname is the host of a URL or of an address to dial as Policy compares it: lower case,
// without brackets and without the dot that ends a full name.
func hostname(host string) string {
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}

// numeric says whether a host is a number in disguise: 2130706433, 0x7f.1, 127.1, 0177.0.0.1
// are 127.0.0.1 to some resolvers and nothing to others, and no name of a peer. So is an
// address with a dot behind it. A plain address is not meant.
func numeric(host string) bool {
	host = strings.ToLower(host)
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
