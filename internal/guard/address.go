package guard

import "net/netip"

// A reach says which servers may send a client to an address.
type reach int

const (
	nobody    reach = iota // not a server's address, or a cloud's metadata service
	neighbour              // a server that is in a private network itself, or on this machine
	anybody
)

// A block is a range of addresses with their reach.
type block struct {
	prefix netip.Prefix
	reach  reach
}

// blocks are the entries of the IANA registries of special-purpose addresses
// (RFC 6890) as of November 2026, and the metadata services of clouds, the more
// specific ones first. An IPv4 address in none of them is for anybody. An IPv6
// address is only within 2000::/3, which is all that has been given out.
var blocks = parseBlocks([]namedBlock{
	// Metadata services outside of the link-local range.
	{"168.63.129.16/32", nobody},   // Azure
	{"100.100.100.200/32", nobody}, // Alibaba Cloud
	{"192.0.0.192/32", nobody},     // Oracle Cloud
	{"fd00:ec2::/32", nobody},      // AWS
	{"fd20:ce::/32", nobody},       // Google Cloud

	{"0.0.0.0/8", nobody},
	{"10.0.0.0/8", neighbour},
	{"100.64.0.0/10", neighbour}, // shared by the customers of a provider (RFC 6598)
	{"127.0.0.0/8", neighbour},
	{"169.254.0.0/16", nobody},
	{"172.16.0.0/12", neighbour},
	{"192.0.0.0/24", nobody},
	{"192.0.2.0/24", nobody}, // documentation
	{"192.88.99.0/24", nobody},
	{"192.168.0.0/16", neighbour},
	{"198.18.0.0/15", neighbour}, // benchmarks, and proxies that make up addresses
	{"198.51.100.0/24", nobody},
	{"203.0.113.0/24", nobody},
	{"224.0.0.0/3", nobody}, // multicast, reserved, broadcast
	{"0.0.0.0/0", anybody},

	{"::1/128", neighbour},
	{"fc00::/7", neighbour},
	{"2001:db8::/32", nobody}, // documentation
	{"3fff::/20", nobody},
	{"2001:20::/28", nobody}, // ORCHIDv2: names and not addresses
	{"2001:30::/28", nobody},
	{"2001::/23", nobody}, // protocols
	{"2000::/3", anybody},
	{"::/0", nobody},
})

type namedBlock struct {
	prefix string
	reach  reach
}

func parseBlocks(named []namedBlock) []block {
	all := make([]block, len(named))
	for i, n := range named {
		all[i] = block{netip.MustParsePrefix(n.prefix), n.reach}
	}
	return all
}

// reachOf returns the reach of an address. An IPv6 address that embeds an IPv4
// address has the reach of the embedded one.
func reachOf(ip netip.Addr) reach {
	ip = ip.WithZone("")
	if inner, ok := embedded(ip); ok {
		return reachOf(inner)
	}
	for _, b := range blocks {
		if b.prefix.Contains(ip) {
			return b.reach
		}
	}
	return nobody
}

// Prefixes of IPv6 addresses with an IPv4 address inside.
var (
	compatible = netip.MustParsePrefix("::/96")           // IPv4-compatible (RFC 4291, section 2.5.5.1)
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // IPv4-translated (RFC 2765)
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380
)

// embedded returns the IPv4 address that an IPv6 address leads to, if it does.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	if ip.Is4In6() {
		return ip.Unmap(), true
	}
	if !ip.Is6() {
		return ip, false
	}
	b := ip.As16()
	last := netip.AddrFrom4([4]byte(b[12:16]))
	switch {
	case ip == netip.IPv6Loopback() || ip == netip.IPv6Unspecified():
		return ip, false
	case compatible.Contains(ip), translated.Contains(ip), nat64.Contains(ip):
		return last, true
	case localNAT64.Contains(ip):
		return worstPlace(b), true
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(ip):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	case (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return last, true // ISATAP (RFC 5214)
	}
	return ip, false
}

// worstPlace returns the IPv4 address of a local NAT64. The operator chooses
// the length of the prefix, and with it the place (RFC 6052, section 2.2): the
// address with the least reach counts.
func worstPlace(b [16]byte) netip.Addr {
	worst := netip.IPv4Unspecified()
	for _, place := range [][4]byte{
		{b[6], b[7], b[9], b[10]}, {b[7], b[9], b[10], b[11]}, {b[9], b[10], b[11], b[12]}, {b[12], b[13], b[14], b[15]},
	} {
		ip := netip.AddrFrom4(place)
		if place[0] != 0 && (worst.IsUnspecified() || reachOf(ip) < reachOf(worst)) {
			worst = ip
		}
	}
	return worst
}
