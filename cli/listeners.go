package cli

import (
	"fmt"
	"net"
	"net/netip"

	"hookloop/web"
)

// bind takes the ports, so that a busy one is known before anything starts.
func (s *session) bind(f *listenFlags) (err error) {
	if s.local, err = listenNear(net.JoinHostPort("127.0.0.1", fmt.Sprint(f.port)), f.portSet); err != nil {
		return fmt.Errorf("the receiver's port: %w; choose another with --port, or --port 0 for any", err)
	}
	if got := s.local.Addr().(*net.TCPAddr).Port; f.port != 0 && got != f.port {
		s.a.sayf("hookloop: port %d is in use, so the receiver is at %s", f.port, s.local.Addr())
	}
	if f.inspector == "off" {
		return nil
	}
	host, _, err := net.SplitHostPort(f.inspector)
	if err != nil {
		return usagef("--inspector %q is no address: give one such as 127.0.0.1:4040, or off", f.inspector)
	}
	if s.page, err = listenNear(f.inspector, f.inspectorSet); err != nil {
		return fmt.Errorf("the page's port: %w; choose another with --inspector, or --inspector off", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		s.a.sayf("hookloop: warning: the page at %s can be reached from other machines; only its token protects what is captured", s.page.Addr())
	}
	s.token, err = web.LoadToken(s.store.Dir())
	return err
}

// listenNear listens on addr or, unless it must be that one, on the next port
// that is free.
func listenNear(addr string, exact bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usagef("%q is no address: %w", addr, err)
	}
	first, err := net.LookupPort("tcp", port)
	if err != nil {
		return nil, usagef("%q is no port", port)
	}
	for n := first; ; n++ {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(n)))
		if err == nil || exact || first == 0 || n == min(first+50, 65535) {
			return ln, err
		}
	}
}
