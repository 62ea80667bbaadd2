package ngroktest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
)

// Client returns an HTTP client for which every host name is the stand-in's: it
// sends a request for any endpoint's own URL to the right public listener, over
// HTTP/2 for https. It follows no redirects. Close ends its idle connections.
func (s *Server) Client() *http.Client {
	t := &http.Transport{
		DialContext:        s.DialContext,
		TLSClientConfig:    &tls.Config{RootCAs: s.CAs()},
		ForceAttemptHTTP2:  true,
		DisableCompression: true,
	}
	s.mu.Lock()
	s.clients = append(s.clients, t)
	s.mu.Unlock()
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// DialContext connects to the public listener that serves addr, the host:port
// of any endpoint's URL. The TLS handshake is the caller's.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	to := s.PublicAddr()
	if s.isTLS(addr) {
		to = s.PublicTLSAddr()
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}

func (s *Server) isTLS(addr string) bool {
	if strings.HasSuffix(addr, ":443") {
		return true
	}
	ep := s.pick(addr)
	return ep != nil && ep.info.Proto == "https" && !strings.HasSuffix(addr, ":80")
}
