package provider

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// CheckAddress says whether remote (ip or ip:port) is among p's addresses, of
// whichever variant.
func (p *Provider) CheckAddress(remote string) AddressCheck {
	addr, ok := clientAddress(remote)
	if !ok {
		return ""
	}
	prefixes, err := p.Prefixes()
	if err != nil {
		return ""
	}
	for _, prefix := range prefixes {
		if prefix.Contains(addr) {
			return Listed
		}
	}
	return NotListed
}

// Prefixes returns the addresses that p sends from, those of all variants. An
// error says that the catalog has none and how to add them.
func (p *Provider) Prefixes() ([]netip.Prefix, error) {
	lists := [][]string{p.Delivery.Addresses}
	for _, name := range slices.Sorted(maps.Keys(p.Delivery.Variants)) {
		lists = append(lists, p.Delivery.Variants[name].Addresses)
	}
	var prefixes []netip.Prefix
	for _, text := range slices.Concat(lists...) {
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		prefixes = append(prefixes, prefix)
	}
	if prefixes == nil {
		return nil, p.noAddresses()
	}
	return prefixes, nil
}

// noAddresses says where the addresses are published and how to add them.
func (p *Provider) noAddresses() error {
	where := "no list of them is known"
	if p.Delivery.AddressesURL != "" {
		where = "they are published at " + p.Delivery.AddressesURL
	}
	return fmt.Errorf("the catalog has no addresses of %s: %s; add them to hookloop.yaml as providers: {%s: {like: %s, delivery: {addresses: [192.0.2.0/24]}}}",
		p.Name, where, p.Name, p.Name)
}

// clientAddress reads ip or ip:port. An IPv4 address in IPv6 form is the IPv4 one.
func clientAddress(remote string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		with, err := netip.ParseAddrPort(remote)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = with.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

// parsePrefix reads an IP or a CIDR.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address: write 192.0.2.7 or 192.0.2.0/24", text)
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}
