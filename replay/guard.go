package replay

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"syscall"
	"time"
)

// A Guard says where requests may go. Its zero value allows this machine only.
//
// Never allowed, whatever Allow says: hookloop's own listeners, link-local
// addresses and the metadata services of clouds. That is checked on the
// address that is dialled, so a name that resolves to one gains nothing.
type Guard struct {
	Own   func() []netip.AddrPort // hookloop's own listeners; nil = none
	Allow []string                // hosts that may be other machines: "api.example.com", "*.example.com", "10.0.0.5"
}

// A TargetError is a request that the Guard refused.
type TargetError struct{ Msg string }

func (e *TargetError) Error() string { return e.Msg }

// metadata are the addresses of metadata services outside link-local ranges.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("fd00:ec2::254"):   true, // AWS
	netip.MustParseAddr("100.100.100.200"): true, // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"):   true, // Azure
	netip.MustParseAddr("192.0.0.192"):     true, // Oracle Cloud
}

// check refuses a host ("name" or "name:port") that is another machine and not
// allowed, as far as that can be told without resolving it.
func (g *Guard) check(hostport string) error {
	host := hostOf(hostport)
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && never(embedded(ip.Unmap().WithZone(""))):
		return neverAllowed(host, ip)
	case err != nil || g.allowed(host) || ip.IsUnspecified() || ip.IsLoopback():
		return nil // names are checked when they are dialled
	}
	return notAllowed(host)
}

// never reports whether ip is refused whatever is allowed.
func never(ip netip.Addr) bool {
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || metadata[ip]
}

func neverAllowed(host string, ip netip.Addr) error {
	return &TargetError{fmt.Sprintf("%s (%s) is a link-local or metadata address, to which hookloop never sends", host, ip)}
}

func notAllowed(host string) error {
	return &TargetError{fmt.Sprintf("%s is another machine, and hookloop sends only to this one unless told: allow it with --allow-target %s", host, host)}
}

func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func (g *Guard) allowed(host string) bool {
	if g == nil {
		return false
	}
	for _, pattern := range g.Allow {
		if ok, _ := path.Match(strings.ToLower(pattern), host); ok {
			return true
		}
	}
	return false
}

// checkAddr refuses the address that host resolved to.
func (g *Guard) checkAddr(host string, addr netip.AddrPort) error {
	ip := embedded(addr.Addr().Unmap().WithZone(""))
	switch {
	case g.own(ip, addr.Port()):
		return &TargetError{fmt.Sprintf("%s is hookloop itself: name the address of your own handler", addr)}
	case never(ip):
		return neverAllowed(host, ip)
	case !ip.IsLoopback() && !ip.IsUnspecified() && !g.allowed(host):
		return notAllowed(host)
	}
	return nil
}

// CheckHandler refuses a handler that is hookloop itself, or an address to
// which nothing is ever sent, as far as its name resolves now. Handlers that
// the user names need no other permission.
func (g *Guard) CheckHandler(ctx context.Context, u *url.URL) error {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil // it may be known when it is needed
	}
	port, err := net.LookupPort("tcp", cmp.Or(u.Port(), u.Scheme))
	if err != nil {
		return nil
	}
	named := &Guard{Allow: []string{"*"}}
	if g != nil {
		named.Own = g.Own
	}
	for _, addr := range addrs {
		if err := named.checkAddr(u.Hostname(), netip.AddrPortFrom(addr.Unmap(), uint16(port))); err != nil {
			return err
		}
	}
	return nil
}

// nat64 is where IPv6-only networks map the IPv4 addresses (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// embedded returns the IPv4 address that ip stands for, or ip.
func embedded(ip netip.Addr) netip.Addr {
	if b := ip.As16(); nat64.Contains(ip) {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

func (g *Guard) own(ip netip.Addr, port uint16) bool {
	if g == nil || g.Own == nil {
		return false
	}
	local := ip.IsLoopback() || ip.IsUnspecified()
	for _, own := range g.Own() {
		ownIP := own.Addr().Unmap().WithZone("")
		switch {
		case own.Port() != port:
		case ownIP == ip, local && (ownIP.IsUnspecified() || ownIP.IsLoopback()), ownIP.IsUnspecified() && ofThisMachine(ip):
			return true
		}
	}
	return false
}

func ofThisMachine(ip netip.Addr) bool {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().WithZone("") == ip {
			return true
		}
	}
	return false
}

// TransportOptions configure NewTransport. The zero value is ready for use.
type TransportOptions struct {
	Guard    *Guard
	Insecure bool           // accept any certificate
	CAs      *x509.CertPool // trusted besides the system's; nil = the system's only
}

const (
	dialTimeout = 10 * time.Second
	// idleTimeout is below the times after which servers close an idle
	// connection (Gunicorn's two seconds, Node's five), so that no request is
	// sent on one that is about to close.
	idleTimeout = time.Second
)

// NewTransport returns a transport that adds nothing, follows nothing, uses no
// proxy and asks the Guard before it connects.
func NewTransport(o TransportOptions) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			guarded := *dialer
			guarded.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
				ap, err := netip.ParseAddrPort(resolved)
				if err != nil {
					return err
				}
				return o.Guard.checkAddr(hostOf(addr), ap)
			}
			return guarded.DialContext(ctx, network, addr)
		},
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: o.Insecure, RootCAs: o.CAs},
		TLSHandshakeTimeout:   dialTimeout,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1, whose headers are what we captured
		DisableCompression:    true,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: 0,
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
}
