package cli

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
	"hookloop/tunnel"
	"hookloop/web"
)

// A session is a running listen: the receiver, its endpoint, the page, and
// what they share. Its parts are started in the order of open and stopped in
// the opposite one.
type session struct {
	a       *app
	store   *inspect.Store
	sender  *replay.Sender
	running *replay.Running
	rc      *inspect.Receiver
	monitor *replay.Monitor
	handler *replay.Handler
	backlog *replay.Backlog // nil unless deliveries wait while the handler is down
	checker *provider.Checker
	told    *teller

	probe       *replay.Probe // of simulations; nil = none
	showSecrets bool

	local    net.Listener
	endpoint tunnel.Endpoint // nil without a tunnel
	proxyURL string          // of the user's own proxy, without a tunnel
	tunnelNo string          // why there is no tunnel; "" if there is one or none is wanted
	page     net.Listener    // nil without a page
	site     *web.Server
	token    string

	localServer, tunnelled, pageServer *http.Server // nil until they serve

	wg         sync.WaitGroup
	ctx        context.Context // ends when the session is to stop
	cancel     context.CancelFunc
	removeLive func()
	drained    sync.Once
}

// open binds, connects and serves. On an error everything is closed again.
func (a *app) open(ctx context.Context, f *listenFlags, h *replay.Handler) (_ *session, err error) {
	log.SetOutput(io.Discard) // libraries log there, across the terminal UI
	s := &session{a: a, handler: h, showSecrets: f.showSecrets}
	s.ctx, s.cancel = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.checker, err = a.checker(&f.providerFlags); err != nil {
		return nil, err
	}
	opts, err := f.storeOptions()
	if err != nil {
		return nil, err
	}
	if s.probe, err = f.newProbe(); err != nil {
		return nil, err
	}
	if s.store, err = a.openStore(opts); err != nil {
		return nil, err
	}
	if s.rc, err = f.receiver(s.store); err != nil {
		return nil, err
	}
	s.told = &teller{a: a, notify: s.store.Notify}
	s.rc.OnError = func(err error) { s.told.tell("a delivery could not be stored: %s", err) }
	s.rc.OnNotice = func(err error) { s.told.tell("%s", err) }
	s.rc.Checker, s.rc.AnswerHandshakes = s.checker, f.answerHandshakes
	if s.rc.TriggerToken, err = triggerToken(s.store.Dir()); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return s.bind(f) },
		func() error { return s.prepareSender(f) },
		func() error { return s.openTunnel(f) },
		func() error { return s.allowProviders(f.allowIPs) },
		s.refuseOwnURL, s.learnSecrets, s.serve, s.announce,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *session) prepareSender(f *listenFlags) (err error) {
	mine := s.listeners()
	others := ownAddresses(s.store.Dir())
	guard := &replay.Guard{Own: func() []netip.AddrPort { return append(others(), mine...) }}
	for _, u := range s.handler.URLs() {
		if err := guard.CheckHandler(s.ctx, u); err != nil {
			return usageError{err}
		}
		guard.Allow = append(guard.Allow, u.Hostname())
	}
	if s.sender, err = f.sender(s.store, guard); err != nil {
		return err
	}
	s.sender.Checker = s.checker
	s.running = &replay.Running{Sender: s.sender, Receiver: s.rc}
	if s.handler != nil {
		s.sender.Handler = s.handler
		s.rc.Forward = s.sender.Forward
	}
	s.monitor = &replay.Monitor{URLs: s.handler.URLs(), OnChange: s.store.Notify}
	s.sender.OnError = func(inspect.ErrorKind) { s.monitor.Recheck() }
	return s.prepareBacklog(f.whenDown == "hold" && s.handler != nil)
}

// refuseOwnURL refuses a handler that is our own public URL: every delivery
// would come back as another.
func (s *session) refuseOwnURL() error {
	public, err := url.Parse(s.status().URL)
	if err != nil || public.Host == "" {
		return nil
	}
	for _, u := range s.handler.URLs() {
		if strings.EqualFold(u.Hostname(), public.Hostname()) {
			return usagef("%s is the public URL of this very hookloop: name the address of your own handler", u)
		}
	}
	return nil
}

func (s *session) listeners() (addrs []netip.AddrPort) {
	for _, ln := range []net.Listener{s.local, s.page} {
		if ln != nil {
			addrs = append(addrs, ln.Addr().(*net.TCPAddr).AddrPort())
		}
	}
	return addrs
}

// serve starts the servers and the watchers.
func (s *session) serve() error {
	s.wg.Go(func() { s.monitor.Run(s.ctx) })
	if s.backlog != nil {
		s.wg.Go(func() { s.backlog.Run(s.ctx) })
	}
	s.localServer = s.serveReceiver(s.local, s.calledURL)
	if s.endpoint != nil {
		s.tunnelled = s.serveReceiver(s.endpoint, func() string { return s.endpoint.Status().URL })
		s.wg.Go(s.watchEndpoint)
	}
	if s.page != nil {
		s.site = &web.Server{
			Store: s.store, Token: s.token, Sender: s.sender, Tunnel: s.status, Health: s.monitor.Health, Running: s.running, ParseSimulation: s.parseSimulation, Receiver: s.rc,
			HandlerURL: describe(s.handler), InspectorURL: "http://" + s.page.Addr().String(), ReceiverURL: s.receiverURL(),
			Checker: s.checker, AnswerHandshakes: s.rc.AnswerHandshakes, Probe: s.probe, ShowSecrets: s.showSecrets, Version: version(), Log: slog.New(slog.DiscardHandler),
		}
		s.pageServer = s.start(&http.Server{Handler: s.site.Handler(), ReadHeaderTimeout: 10 * time.Second}, s.page)
	}
	return nil
}

func (s *session) serveReceiver(ln net.Listener, url func() string) *http.Server {
	return s.start(&http.Server{
		Handler: s.rc, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, DisableGeneralOptionsHandler: true,
		BaseContext: func(net.Listener) context.Context { return inspect.WithEndpoint(context.Background(), url) },
	}, ln)
}

func (s *session) start(srv *http.Server, ln net.Listener) *http.Server {
	srv.ErrorLog = log.New(io.Discard, "", 0) // what goes wrong with a request is in its record
	s.wg.Go(func() { _ = srv.Serve(ln) })
	return srv
}

// watchEndpoint keeps the endpoint's outages in the store, which wakes the viewers.
func (s *session) watchEndpoint() {
	for {
		st := s.endpoint.Status()
		_ = s.store.RecordEndpoint(s.ctx, inspect.EndpointEvent{
			At: st.Since, Provider: st.Provider, State: string(st.State), URL: st.URL, Reason: st.Reason,
		})
		select {
		case <-s.ctx.Done():
			return
		case <-s.endpoint.Changed():
		}
	}
}

const (
	// graceful is how long requests in flight may take when a session ends;
	// then their attempts are cut, and their providers told so.
	graceful = time.Second
	// stopLimit bounds the whole end of a session.
	stopLimit = 3 * time.Second
)

// drain takes no more deliveries and returns when those in flight have ended,
// by themselves or cut. Viewers still see how.
func (s *session) drain() {
	s.drained.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
		defer cancel()
		if s.removeLive != nil {
			s.removeLive()
		}
		if s.sender != nil {
			cut := time.AfterFunc(graceful, s.sender.Stop)
			defer s.sender.Stop()
			defer cut.Stop()
		}
		var stopping sync.WaitGroup
		if s.running != nil {
			stopping.Go(s.running.Close)
		}
		if srv := s.localServer; srv != nil {
			stopping.Go(func() { _ = errors.Join(srv.Shutdown(ctx), srv.Close()) })
		}
		if s.tunnelled != nil {
			stopping.Go(func() { _ = tunnel.Stop(ctx, s.tunnelled, s.endpoint) })
		}
		stopping.Wait()
	})
	if s.rc != nil {
		s.rc.Wait()
	}
	ctx, cancel := context.WithTimeout(context.Background(), graceful) // a store that is locked, or on a full disk, holds nobody up
	defer cancel()
	_ = s.store.Flush(ctx)
}

// close ends the session: no new deliveries, then those in flight, then the
// page, then the store. It can be called on a half-open session.
func (s *session) close() {
	if s.store == nil {
		s.cancel()
		return
	}
	s.drain()
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	if s.site != nil {
		_ = s.site.Close()
		_ = s.pageServer.Shutdown(ctx)
		_ = s.pageServer.Close()
	}
	if s.endpoint != nil {
		_ = s.endpoint.Shutdown(ctx)
	}
	for _, ln := range []net.Listener{s.local, s.page} {
		if ln != nil {
			_ = ln.Close()
		}
	}
	s.wg.Wait()
	if err := s.store.Close(); err != nil {
		s.a.sayf("hookloop: the store could not be closed: %s", err)
	}
}
