package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The guard stands before every route, the live socket included. Its rules, in
// the order in which they are asked:
//
//   - The Host header must name this machine, or a page that rebinds its own
//     name to 127.0.0.1 could read everything: 403.
//   - A request that changes something and comes from another origin is
//     refused: 403. The live socket checks its origin as well.
//   - Without the token there is a plain page, or a problem for a script: 401.
//
// Headers that keep a browser from doing more than it should are set on every
// answer, the refusals too.

// pagePolicy is what the page may do: its own modules, styles and images, and
// its own API. It has no inline code, no frames and no forms that leave.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// bodyPolicy is what a captured body may do when it is opened: nothing.
const bodyPolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, problemf(http.StatusForbidden, "A page of another origin may not change anything here; use the inspector itself, or a script with a Bearer token."))
	}))
	inner := cross.Handler(s.requireToken(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if !s.hostAllowed(r) {
			writeProblem(w, problemf(http.StatusForbidden, "The inspector is not served under this host name; open the URL that hookloop printed, or allow the name when you start it."))
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// requireToken lets through who has the token, and everyone to /readyz.
func (s *Server) requireToken(next http.Handler) http.Handler {
	open := map[string]bool{}
	for _, rt := range s.routes() {
		open[rt.path] = rt.open
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		atPage := r.URL.Path == "/" && r.Method == http.MethodGet
		if atPage && r.URL.Query().Has("token") && s.tokenIs(r.URL.Query().Get("token")) {
			w.Header().Set("Cache-Control", "no-store")
			s.login(w, r)
			return
		}
		if open[r.URL.Path] || s.authorized(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("WWW-Authenticate", `Bearer realm="hookloop"`)
		if strings.HasPrefix(r.URL.Path, "/api/") {
			writeProblem(w, problemf(http.StatusUnauthorized, "The token is missing or wrong; send it as Authorization: Bearer TOKEN. It is in the inspector URL that hookloop printed."))
			return
		}
		w.Header().Set("Content-Security-Policy", lockedPolicy())
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write(lockedPage)
	})
}

// hostAllowed reports whether the Host header is one of ours: a loopback
// address, localhost, the very address that was connected to, the host of
// InspectorURL or one of AllowedHosts. The port does not matter.
func (s *Server) hostAllowed(r *http.Request) bool {
	host := hostname(r.Host)
	if host == "" {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		if ip.IsLoopback() {
			return true
		}
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.AddrPort().Addr().Unmap() == ip {
			return true
		}
	}
	if host == "localhost" {
		return true
	}
	if u, err := url.Parse(s.InspectorURL); err == nil && u.Host != "" && hostname(u.Host) == host {
		return true
	}
	return slices.ContainsFunc(s.AllowedHosts, func(h string) bool { return hostname(h) == host })
}

// hostname returns the host of host:port in lower case, without brackets and
// without a dot at the end.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
