package provider

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	p := &Provider{Name: "demo", Delivery: *delivery(t, `
addresses: [192.0.2.7, 149.154.160.0/20, "2001:db8::/32", "::ffff:198.51.100.0/120"]
variants: {sandbox: {addresses: [203.0.113.9]}}
`)}
	for remote, want := range map[string]AddressCheck{
		"192.0.2.7": Listed, "192.0.2.7:4711": Listed, "192.0.2.8": NotListed,
		"149.154.175.255:1": Listed, "149.154.176.0:1": NotListed,
		"[2001:db8::1]:443": Listed, "2001:db8::1": Listed, "2001:db9::1": NotListed,
		"::ffff:192.0.2.7": Listed, "[::ffff:192.0.2.7]:80": Listed, "::ffff:192.0.2.8": NotListed,
		"198.51.100.200": Listed, "198.51.101.1": NotListed, "203.0.113.9": Listed,
		"2001:db8::1%eth0": Listed,
		"":                 "", "example.test:443": "", "192.0.2": "",
	} {
		if got := p.CheckAddress(remote); got != want {
			t.Errorf("%q = %q, want %q", remote, got, want)
		}
	}
	none := &Provider{Name: "none"}
	if got := none.CheckAddress("192.0.2.7"); got != "" {
		t.Errorf("without addresses: %q, want none", got)
	}
}

func TestPrefixes(t *testing.T) {
	p := &Provider{Name: "demo", Delivery: *delivery(t, "addresses: [192.0.2.7, 10.1.2.3/8]")}
	got, err := p.Prefixes()
	if err != nil || fmt.Sprint(got) != "[192.0.2.7/32 10.0.0.0/8]" {
		t.Errorf("got %v, %v", got, err)
	}
	faults := []struct{ delivery, want string }{
		{"{addresses_url: 'https://docs.stripe.com/ips'}", "the catalog has no addresses of demo: they are published at https://docs.stripe.com/ips; add them to hookloop.yaml as providers: {demo: {like: demo, delivery: {addresses: [192.0.2.0/24]}}}"},
		{"{}", "no list of them is known; add them to hookloop.yaml"},
		{"{addresses: [example.test]}", `demo: "example.test" is no address: write 192.0.2.7 or 192.0.2.0/24`},
		{"{addresses: [192.0.2.0/33]}", "is no address"},
	}
	for _, tt := range faults {
		p := &Provider{Name: "demo", Delivery: *delivery(t, tt.delivery)}
		if got, err := p.Prefixes(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, error %v, want %s", tt.delivery, got, err, tt.want)
		}
	}
}
