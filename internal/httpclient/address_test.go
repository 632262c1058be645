package httpclient

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestWhereAddressesLead(t *testing.T) {
	t.Parallel()
	for to, addrs := range map[reach][]string{
		public: {
			"93.184.215.14", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.0", "11.0.0.0", "192.0.1.1", "223.255.255.255",
			"2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450::1", "::ffff:93.184.215.14", "64:ff9b::93.184.215.14", "2002:5db8:d70e::1", "2606:4700::5efe:5db8:d70e",
		},
		private: {
			"127.0.0.1", "127.1.2.3", "127.255.255.255", "::1", "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "198.18.0.1",
			"fc00::1", "fd00::1", "fdff::1", "fec0::1", "64:ff9b:1::1", "64:ff9b:1:a9fe:a9:fe00::",
			"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "2002:7f00:1::1", "2002:0a00:1::", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:10.0.0.1",
			"::1%eth0", "64:ff9b::7f00:1%eth0",
		},
		special: {
			"0.0.0.0", "0.1.2.3", "169.254.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
			"::", "fe80::1", "fe80::1%eth0", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "2001::1", "2001:0:7f00:1::", "3fff::1", "5f00::1", "4000::1", "::127.0.0.1", "::7f00:1", "::ffff:0.0.0.0",
			"64:ff9b::0.0.0.0", "64:ff9b::224.0.0.1", "2002:a9fe:1::1",
		},
		metadata: {
			"169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
			"::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe%lo", "::ffff:0:100.100.100.200", "fd00:ec2::254%eth0", "2606:4700::5efe:169.254.169.254",
		},
	} {
		for _, a := range addrs {
			if got := leads(netip.MustParseAddr(a)); got != to {
				t.Errorf("leads(%s) = %d, want %d", a, got, to)
			}
		}
	}
	if got := leads(netip.Addr{}); got != special {
		t.Errorf("leads(zero) = %d, want %d", got, special)
	}
}

// Whatever an IPv4 address is dressed in, it leads where it leads plain.
func TestNoFormHidesAnAddress(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 23))
	for range 20_000 {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], r.Uint32())
		if r.IntN(2) == 0 { // half of them near the ones that matter
			copy(four[:], [][]byte{{127, 0}, {10, 0}, {169, 254, 169, 254}, {192, 168}, {172, 16}, {100, 100, 100, 200}, {0, 0}}[r.IntN(7)])
		}
		naked := netip.AddrFrom4(four)
		want := leads(naked)
		for name, prefix := range map[string]string{"mapped": "::ffff:0:0", "nat64": "64:ff9b::", "siit": "::ffff:0:0:0", "isatap": "2606:4700::5efe:0:0"} {
			b := netip.MustParseAddr(prefix).As16()
			copy(b[12:], four[:])
			if got := leads(netip.AddrFrom16(b).WithZone("eth0")); got != want {
				t.Fatalf("leads(%s, %s of %s) = %d, want %d", netip.AddrFrom16(b), name, naked, got, want)
			}
		}
		b := netip.MustParseAddr("2002::1").As16()
		copy(b[2:], four[:])
		if got := leads(netip.AddrFrom16(b)); got != want {
			t.Fatalf("leads(%s, 6to4 of %s) = %d, want %d", netip.AddrFrom16(b), naked, got, want)
		}
	}
}

// What the standard library takes for private, or for no address of a peer, is never public.
func FuzzLeads(f *testing.F) {
	for _, s := range spans {
		b := s.net.Addr().As16()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok {
			t.Skip()
		}
		got := leads(a)
		if a = plain(a); got == public && (a.IsPrivate() || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || !a.IsGlobalUnicast()) {
			t.Errorf("leads(%s) = public", a)
		}
		if (Policy{}).allows("", a) != (got == public) {
			t.Errorf("the empty policy allows %s: %v", a, got != public)
		}
	})
}

func TestNumeric(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"2130706433": true, "0x7f000001": true, "0x7f.1": true, "127.1": true, "0177.0.0.1": true, "127.0.0.1.5": true, "017700000001": true, "1": true, "0x": true, "a.0x7f": true, "127.0.0.1.": true, "0X7F.1": true, "256.256.256.256": true,
		"127.0.0.1": false, "::1": false, "example.com": false, "4chan.org": false, "0x7f.com": false, "xn--1": false, "chatwoot": false, "n8n": false, "": false, "fe80::1%eth0": false,
	} {
		if got := numeric(host); got != want {
			t.Errorf("numeric(%q) = %v, want %v", host, got, want)
		}
	}
}
