// Package web is the inspector: the page, the local HTTP API behind it, and
// the live socket that keeps the page up to date.
//
// Promises:
//   - Nothing here is reachable without the token of the data folder, from a
//     page of another origin, or under a host name that is not ours (see
//     guard.go); /readyz alone needs no token.
//   - A GET changes nothing. State changes only by POST with a JSON body, or
//     by DELETE.
//   - What was captured never runs: bodies leave as text/plain or as a
//     download, sandboxed, never with the type they came with, and the page
//     shows them as text only.
//   - A slow or dead viewer blocks nobody: each live socket reads the store by
//     itself, and what happened meanwhile becomes one frame.
//   - Every error is an application/problem+json with one sentence that says
//     what happened and what to do.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tunnel"
)

// A Server serves the inspector. Set its fields before the first call of
// Handler and leave them alone after it; only Store and Token have no useful
// zero value.
type Server struct {
	// Store is what is shown. It must not be nil.
	Store *inspect.Store

	// Token opens the inspector; see LoadToken. While it is "", nobody gets in.
	Token string

	// Sender makes the attempts of replays. If nil, they are refused and the
	// answer says that nothing here can send.
	Sender *replay.Sender

	// Running runs simulations; it is for the caller to close. If nil, they are
	// refused as replays are.
	Running *replay.Running

	// ParseSimulation reads what a user writes after "hookloop simulate", for a
	// delivery where the line names none. If nil, such lines are refused.
	ParseSimulation func(line string, delivery int64) (replay.Spec, error)

	// Probe is read in simulations that bring no probe of their own. If nil, none is.
	Probe *replay.Probe

	// AllowProbes lets simulations bring a probe that is a program. Leave it
	// off where a page can call: a page must not start programs.
	AllowProbes bool

	// Checker explains signatures, confirms handshakes and knows the providers'
	// limits; nil leaves those out.
	Checker *provider.Checker

	// AnswerHandshakes says that the receiver answers providers' handshakes where it can.
	AnswerHandshakes bool
	// ShowSecrets shows expected signatures whole.
	ShowSecrets bool

	// Tunnel tells how the endpoint does. If nil, there is none.
	Tunnel func() tunnel.Status

	// Health tells how the handler does. If nil, its state is "unknown", or
	// "none" without a HandlerURL.
	Health func() replay.Health

	// Receiver is whose answers to providers can be lost. If nil, there is none.
	Receiver *inspect.Receiver

	// HandlerURL is where deliveries are forwarded to, for show; "" without one.
	HandlerURL string

	// InspectorURL and ReceiverURL are our own addresses, for show, without a
	// token. InspectorURL's host is allowed as a Host header.
	InspectorURL string
	ReceiverURL  string

	// Version is hookloop's; "" is shown as "dev".
	Version string

	// AllowedHosts are further host names, without port, under which the
	// inspector may be called. Loopback addresses, localhost, the address that
	// was connected to and the host of InspectorURL are always allowed.
	AllowedHosts []string

	// Log gets what only the person who runs hookloop should see, such as the
	// details of a broken store. If nil, slog.Default() is used.
	Log *slog.Logger

	once   sync.Once
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	live   sockets
}

// A handler answers a request or says why not; see problem.go for what becomes
// of the error.
type handler func(w http.ResponseWriter, r *http.Request) error

// A route is one path of the API and what its methods do.
type route struct {
	path    string // as in openapi.json, and a pattern of http.ServeMux
	methods map[string]handler
	open    bool // needs no token
}

// routes returns the API. openapi.json describes exactly these.
func (s *Server) routes() []route {
	get := func(h handler) map[string]handler { return map[string]handler{http.MethodGet: h} }
	post := func(h handler) map[string]handler { return map[string]handler{http.MethodPost: h} }
	const (
		one = "/api/v1/deliveries/{id}"
		sim = "/api/v1/simulations/{id}"
	)
	return []route{
		{path: "/api/v1/deliveries", methods: get(s.list)},
		{path: one, methods: map[string]handler{http.MethodGet: s.detail, http.MethodDelete: s.remove}},
		{path: one + "/body", methods: get(s.body)},
		{path: one + "/confirm", methods: post(s.confirm)},
		{path: one + "/curl", methods: get(s.curl)},
		{path: one + "/forecast", methods: post(s.forecast)},
		{path: one + "/pin", methods: post(s.pin)},
		{path: one + "/replay", methods: post(s.replay)},
		{path: one + "/signature", methods: get(s.signature)},
		{path: one + "/attempts/{n}/body", methods: get(s.responseBody)},
		{path: one + "/attempts/{n}/sent", methods: get(s.sentBody)},
		{path: "/api/v1/export", methods: get(s.export)},
		{path: "/api/v1/live", methods: get(s.liveSocket)},
		{path: "/api/v1/lost-acks", methods: post(s.loseAcks)},
		{path: "/api/v1/openapi.json", methods: get(s.openapi)},
		{path: "/api/v1/providers", methods: get(s.providers)},
		{path: "/api/v1/providers/{name}", methods: get(s.provider)},
		{path: "/api/v1/simulations", methods: map[string]handler{http.MethodGet: s.simulations, http.MethodPost: s.simulate}},
		{path: sim, methods: get(s.simulation)},
		{path: sim + "/cancel", methods: post(s.cancelSimulation)},
		{path: sim + "/step", methods: post(s.stepSimulation)},
		{path: "/api/v1/status", methods: get(s.status)},
		{path: "/api/tunnels", methods: get(s.tunnels)},
		{path: "/readyz", methods: get(s.ready), open: true},
	}
}

// Handler returns the inspector: page, API and live socket. It belongs on a
// listener of its own, never on a tunnel's.
func (s *Server) Handler() http.Handler {
	s.init()
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.path, s.dispatch(rt))
	}
	mux.Handle("/api/", s.adapt(func(_ http.ResponseWriter, r *http.Request) error {
		return problemf(http.StatusNotFound, "There is nothing at %s; /api/v1/openapi.json lists what there is.", r.URL.Path)
	}))
	mux.Handle("/", s.page())
	return s.guard(mux)
}

// Close ends every live socket and returns when they are gone. A request in
// flight is not waited for. Calling it again does nothing.
func (s *Server) Close() error {
	s.init()
	s.cancel()
	s.live.wait()
	return nil
}

func (s *Server) init() {
	s.once.Do(func() { s.ctx, s.cancel = context.WithCancel(context.Background()) })
}

func (s *Server) logger() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

// dispatch picks the handler of the request's method. HEAD is GET without the
// body; any method that a route does not have is refused with 405.
func (s *Server) dispatch(rt route) http.Handler {
	return s.adapt(func(w http.ResponseWriter, r *http.Request) error {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h, ok := rt.methods[method]
		if !ok {
			allow := rt.allow()
			w.Header().Set("Allow", allow)
			return problemf(http.StatusMethodNotAllowed, "%s is not possible at %s; use %s.", r.Method, r.URL.Path, allow)
		}
		if method == http.MethodPost {
			if err := wantJSON(r); err != nil {
				return err
			}
		}
		return h(w, r)
	})
}

func (rt route) allow() string {
	var names []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		if rt.methods[m] != nil {
			names = append(names, m)
		}
	}
	return strings.Join(names, ", ")
}

// adapt makes an http.Handler of h and a problem of its error. What captured
// data can reach is never cached: the ids of a new data folder start again.
func (s *Server) adapt(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}
