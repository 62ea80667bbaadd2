package ngroktest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"

	"golang.ngrok.com/muxado/v2"
)

// An upstream is what one public connection uses to reach agents. Each has its
// own connections to them, so that an agent is told the true client address.
type upstream struct {
	client    string // ip:port
	transport *http.Transport
}

type contextKey int

const (
	keyUpstream contextKey = iota
	keyEndpoint
)

// servePublic serves ln until Close; a nil config means clear text.
func (s *Server) servePublic(ln net.Listener, config *tls.Config) {
	conns := make(map[net.Conn]*upstream) // guarded by s.mu
	srv := &http.Server{
		Handler:   http.HandlerFunc(s.handlePublic),
		TLSConfig: config,
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			up := newUpstream(c.RemoteAddr().String())
			s.mu.Lock()
			defer s.mu.Unlock()
			conns[c] = up
			s.upstreams[up] = struct{}{}
			return context.WithValue(ctx, keyUpstream, up)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state != http.StateClosed && state != http.StateHijacked {
				return
			}
			s.mu.Lock()
			up := conns[c]
			delete(conns, c)
			delete(s.upstreams, up)
			s.mu.Unlock()
			if up != nil {
				up.transport.CloseIdleConnections()
			}
		},
	}
	s.public = append(s.public, srv)
	s.wg.Go(func() {
		if config == nil {
			_ = srv.Serve(ln)
		} else {
			_ = srv.ServeTLS(ln, "", "")
		}
	})
}

func newUpstream(client string) *upstream {
	up := &upstream{client: client}
	up.transport = &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(keyEndpoint).(*endpoint).dial(up.client)
		},
	}
	return up
}

func (s *Server) closeUpstreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for up := range s.upstreams {
		up.transport.CloseIdleConnections()
	}
}

// dial opens a proxied connection to the agent on behalf of a client.
func (ep *endpoint) dial(client string) (net.Conn, error) {
	stream, err := ep.sess.mux.OpenTypedStream(streamProxy)
	if err != nil {
		return nil, err
	}
	header := proxyHeader{ID: ep.info.ID, ClientAddr: client, Proto: ep.info.Proto}
	if err := writeProxyHeader(stream, header); err != nil {
		return nil, err
	}
	return &proxyConn{Stream: stream}, nil
}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}

// handlePublic finds the endpoint by the Host header and proxies to its agent.
func (s *Server) handlePublic(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.wg.Done()
	ep := s.pick(r.Host)
	if ep == nil {
		fail(w, http.StatusNotFound, 3200, fmt.Sprintf("The endpoint %s is offline.", r.Host))
		return
	}
	s.mu.Lock()
	info, pol := ep.info, ep.policy
	s.mu.Unlock()
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { proxyTo(ep, w, r) })
	h = pol.wrap(h)
	if s.cfg.Middleware != nil {
		h = s.cfg.Middleware(info, h)
	}
	h.ServeHTTP(w, r)
}

// fail answers for the service, as opposed to for the agent.
func fail(w http.ResponseWriter, status, code int, text string) {
	name := fmt.Sprintf("ERR_NGROK_%d", code)
	w.Header().Set("Ngrok-Error-Code", name)
	http.Error(w, text+"\n\n"+name, status)
}

func proxyTo(ep *endpoint, w http.ResponseWriter, r *http.Request) {
	up := r.Context().Value(keyUpstream).(*upstream)
	proxy := &httputil.ReverseProxy{
		Transport:     up.transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite:       func(pr *httputil.ProxyRequest) { rewrite(ep, pr) },
		ModifyResponse: func(resp *http.Response) error {
			resp.Header.Del("Ngrok-Error-Code") // an agent cannot speak for the service
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			fail(w, http.StatusBadGateway, 3004, "The agent did not answer: "+err.Error())
		},
	}
	proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyEndpoint, ep)))
}

// rewrite undoes what ReverseProxy changes of its own accord, then adds the
// forwarding headers: appended to what the client sent, except the host.
func rewrite(ep *endpoint, pr *httputil.ProxyRequest) {
	in, out := pr.In, pr.Out
	out.URL.Scheme = "http"
	out.URL.Host = ep.sess.conn.RemoteAddr().String() + ep.info.ID // only names the connection pool
	out.URL.Host = strings.NewReplacer(":", "-", "[", "", "]", "").Replace(out.URL.Host)
	out.Host = in.Host
	out.URL.RawQuery, out.URL.ForceQuery = in.URL.RawQuery, in.URL.ForceQuery
	if path, _, _ := strings.Cut(in.RequestURI, "?"); strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		out.URL.Opaque = path // verbatim, however it is escaped
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		if v := in.Header[name]; v != nil {
			out.Header[name] = append([]string(nil), v...)
		}
	}
	client, _, _ := net.SplitHostPort(in.RemoteAddr)
	proto := "http"
	if in.TLS != nil {
		proto = "https"
	}
	appendValue(out.Header, "X-Forwarded-For", client)
	appendValue(out.Header, "X-Forwarded-Proto", proto)
	if out.Header.Get("X-Forwarded-Host") == "" {
		out.Header.Set("X-Forwarded-Host", in.Host)
	}
}

func appendValue(h http.Header, name, value string) {
	h.Set(name, strings.Join(append(h.Values(name), value), ", "))
}

// proxyConn guards the caller's buffers: muxado may still hold one that was
// handed to Write when the session dies under it, and a stream whose Write
// failed must not be closed, because that reuses its frame.
type proxyConn struct {
	muxado.Stream
	mu     sync.Mutex
	broken bool
}

func (c *proxyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Stream.Write(append([]byte(nil), p...))
	c.broken = c.broken || err != nil
	return n, err
}

func (c *proxyConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		return nil
	}
	return c.Stream.Close()
}
