// Package ngroktest is a stand-in for the ngrok service, for tests that run the
// real ngrok SDK without a network or an account.
//
// A [Server] listens on loopback three times: for agents, and for the public
// over http and https. It speaks the service's protocol (TLS, muxado, one JSON
// RPC a stream), gives out URLs, and proxies public requests to the agent that
// holds the URL. It can misbehave on demand: refuse, cut, stall.
//
// What it promises about public requests: the request target, the query and
// every header reach the agent as the client sent them, apart from hop-by-hop
// headers and X-Forwarded-For, -Proto and -Host, which it sets as the service
// documents; the agent sees the client's true address.
//
// Differences from the real service: a URL works as soon as it is bound, any
// URL may be asked for, http and https endpoints answer on both public
// listeners, and of Traffic Policy only basic-auth and restrict-ips are applied.
//
// The package does not import the SDK, so that it tests any version of it.
package ngroktest

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Config says how a [Server] behaves. The zero value accepts every agent.
type Config struct {
	Host       string   // where to listen; "" is 127.0.0.1
	Authtokens []string // the valid tokens; nil accepts anything
	// MaxSessions is how many agents may be connected; 0 is no limit.
	MaxSessions int
	BaseDomain  string // random URLs are under it; "" is "ngrok-free.test"
	DevDomain   string // the host given to an agent that asks for none; "" gives a random one
	// OnAuth and OnBind, if not nil, may refuse an agent or an endpoint; see
	// Errorf. They are called from many goroutines.
	OnAuth func(Auth) error
	OnBind func(Bind) error
	// Middleware, if not nil, wraps the handler of every public request.
	Middleware func(EndpointInfo, http.Handler) http.Handler
}

// A Server is a running stand-in. All methods may be called from any goroutine.
type Server struct {
	cfg    Config
	ca     *authority
	agents net.Listener
	public []*http.Server
	plain  net.Listener
	secure net.Listener

	wg sync.WaitGroup // every goroutine and public request of the server

	mu        sync.Mutex
	closed    bool
	refusing  bool
	conns     map[*faultConn]struct{} // agents' connections
	sessions  map[*session]struct{}   // authenticated ones
	endpoints map[string][]*endpoint  // by the URL's host
	clients   []*http.Transport       // handed out by Client
	upstreams map[*upstream]struct{}  // one for each public connection
	auths     []Auth
	binds     []Bind
}

// Start listens and serves. Close the server when done.
func Start(cfg Config) (*Server, error) {
	if cfg.Host == "" {
		cfg.Host = "127.0.0.1"
	}
	if cfg.BaseDomain == "" {
		cfg.BaseDomain = "ngrok-free.test"
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, ca: ca,
		conns:     make(map[*faultConn]struct{}),
		sessions:  make(map[*session]struct{}),
		endpoints: make(map[string][]*endpoint),
		upstreams: make(map[*upstream]struct{}),
	}
	for _, ln := range []*net.Listener{&s.agents, &s.plain, &s.secure} {
		if *ln, err = net.Listen("tcp", net.JoinHostPort(cfg.Host, "0")); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	s.wg.Go(s.acceptAgents)
	s.servePublic(s.plain, nil)
	s.servePublic(s.secure, ca.publicConfig())
	return s, nil
}

// Close ends every connection and returns when no goroutine is left.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	conns, clients := s.conns, s.clients
	s.conns = nil
	s.mu.Unlock()

	for _, ln := range []net.Listener{s.agents, s.plain, s.secure} {
		if ln != nil {
			_ = ln.Close()
		}
	}
	for c := range conns {
		c.cut()
	}
	for _, srv := range s.public {
		_ = srv.Close()
	}
	for _, t := range clients {
		t.CloseIdleConnections()
	}
	s.closeUpstreams()
	s.wg.Wait()
	return nil
}

// ConnectAddr is the host:port that an agent connects to.
func (s *Server) ConnectAddr() string { return s.agents.Addr().String() }

// PublicAddr is the host:port of the public http listener. Name the endpoint in
// the Host header.
func (s *Server) PublicAddr() string { return s.plain.Addr().String() }

// PublicTLSAddr is the host:port of the public https listener, which speaks
// HTTP/2 as well.
func (s *Server) PublicTLSAddr() string { return s.secure.Addr().String() }

// CAs is what an agent, or a public client, must trust.
func (s *Server) CAs() *x509.CertPool { return s.ca.pool() }

// CAFile writes the authority of CAs as a PEM file into dir.
func (s *Server) CAFile(dir string) (string, error) { return s.ca.writePEM(dir) }

// Auths returns how agents introduced themselves, in order, the refused ones too.
func (s *Server) Auths() []Auth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.auths)
}

// Binds returns what agents asked for, in order, the refused ones too.
func (s *Server) Binds() []Bind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.binds)
}

// NumSessions is how many agents are connected and authenticated.
func (s *Server) NumSessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// acceptAgents runs until the agents' listener is closed.
func (s *Server) acceptAgents() {
	for {
		c, err := s.agents.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		fc := newFaultConn(c)
		if !s.track(fc) {
			fc.cut()
			continue
		}
		s.wg.Go(func() {
			defer s.untrack(fc)
			s.serveAgent(fc, tls.Server(fc, s.ca.agentConfig()))
		})
	}
}

// track remembers c so that faults can reach it; false means hang up.
func (s *Server) track(c *faultConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.refusing {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) untrack(c *faultConn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// randomID returns prefix and twelve hex digits.
func randomID(prefix string) string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}
