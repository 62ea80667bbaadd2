package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.ngrok.com/ngrok/v2"
)

// ngrokEndpoint implements [Endpoint]. A pump takes every connection from the
// SDK's listener and hands it to Accept, or closes it once nobody accepts: the
// SDK's listener must never have a connection waiting when it is closed, or its
// Close, and with it http.Server's, waits for ever.
type ngrokEndpoint struct {
	cfg    *NgrokConfig
	agent  ngrok.Agent
	dialer *ngrokDialer

	life    context.Context // the SDK session's
	endLife context.CancelCauseFunc

	conns     chan net.Conn
	closed    chan struct{} // Accept ends
	closeOnce sync.Once
	lastConn  atomic.Int64 // when the SDK last delivered a connection, Unix ns

	up       chan struct{} // capacity 1: the session was established
	ended    chan struct{} // closed when the SDK's session is over for good
	endOnce  sync.Once
	downOnce sync.Once
	wg       sync.WaitGroup // the pump and probes
	changed  chan struct{}

	mu         sync.Mutex
	status     Status
	listener   ngrok.EndpointListener // nil until started
	sessionUp  bool
	over       bool   // Failed or Stopped: nothing changes any more
	failure    *Error // why, if Failed or the start was refused
	lastErr    error  // the last network trouble at the start
	lossSeen   bool   // the SDK has reported the loss of this outage
	probed     bool   // the cause of this outage was looked into
	remoteStop bool   // ngrok asked us to stop
	conflict   *time.Timer
}

var errStartTimeout = errors.New("the start took too long")

func newNgrokEndpoint(cfg *NgrokConfig) *ngrokEndpoint {
	e := &ngrokEndpoint{
		cfg:     cfg,
		conns:   make(chan net.Conn),
		closed:  make(chan struct{}),
		up:      make(chan struct{}, 1),
		ended:   make(chan struct{}),
		changed: make(chan struct{}, 1),
		status:  Status{Provider: "ngrok", State: Connecting, Since: time.Now()},
	}
	e.life, e.endLife = context.WithCancelCause(context.Background())
	e.dialer = newNgrokDialer(e.life, cfg.Proxy, e.dialFailed)
	return e
}

// start brings the endpoint online or cleans up and says why it could not.
func (e *ngrokEndpoint) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.StartTimeout, errStartTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { e.abandon(context.Cause(ctx)) })
	ln, err := e.open()
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = e.began(ln)
	}
	if err == nil {
		return nil
	}
	e.abandon(err)
	go func() { _ = e.agent.Disconnect() }()
	return e.startError(ctx, err)
}

// open connects and binds. The SDK tries again for ever; the life's end, by
// abandon, makes it return.
func (e *ngrokEndpoint) open() (ngrok.EndpointListener, error) {
	if err := e.agent.Connect(e.life); err != nil {
		return nil, err
	}
	<-e.up
	for {
		ln, err := e.agent.Listen(e.life, e.cfg.endpointOptions()...)
		if err == nil {
			return ln, nil
		}
		if _, refused := codeOf(err); refused {
			return nil, err
		}
		select { // the session was lost in between
		case <-e.up:
		case <-e.life.Done():
			return nil, err
		}
	}
}

// abandon makes the SDK give up a start.
func (e *ngrokEndpoint) abandon(why error) {
	e.endLife(why)
	e.dialer.cut()
	e.dialer.release()
}

// began makes a started endpoint of e, unless it was refused meanwhile.
func (e *ngrokEndpoint) began(ln ngrok.EndpointListener) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failure != nil {
		return e.failure
	}
	e.listener = ln
	e.status.URL = strings.TrimSuffix(ln.URL().String(), "/")
	e.set(Online, "")
	if !e.sessionUp {
		e.set(Reconnecting, e.cfg.explainLoss(e.lastErr))
	}
	e.wg.Go(func() { e.pump(ln) })
	return nil
}

func (e *ngrokEndpoint) startError(ctx context.Context, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	last := e.lastErr
	switch {
	case e.failure != nil:
		return e.failure
	case ctx.Err() == nil:
		return e.cfg.startError(err)
	case context.Cause(ctx) != errStartTimeout:
		return &Error{Msg: "opening the ngrok endpoint was interrupted", Err: context.Cause(ctx)}
	case last == nil:
		last = errors.New("no answer")
	}
	msg := fmt.Sprintf("%s (gave up after %v)", e.cfg.explainNetwork(last), e.cfg.StartTimeout)
	return &Error{Msg: msg, Err: errors.New(masker{e.cfg.Authtoken}.text(last.Error()))}
}

// pump runs until the SDK's listener ends.
func (e *ngrokEndpoint) pump(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			e.listenerEnded(err)
			return
		}
		e.lastConn.Store(time.Now().UnixNano())
		conn := &muxConn{Conn: c}
		select {
		case <-e.closed:
			_ = conn.Close()
		case e.conns <- conn:
		}
	}
}

func (e *ngrokEndpoint) Accept() (net.Conn, error) {
	select {
	case <-e.closed:
	default:
		select {
		case c := <-e.conns:
			return c, nil
		case <-e.closed:
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failure != nil {
		return nil, e.failure
	}
	return nil, net.ErrClosed
}

func (e *ngrokEndpoint) Addr() net.Addr { return e.listener.Addr() }

func (e *ngrokEndpoint) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status
}

func (e *ngrokEndpoint) Changed() <-chan struct{} { return e.changed }

func (e *ngrokEndpoint) Close() error {
	e.mu.Lock()
	if !e.over {
		e.over = true
		e.stopConflict()
		e.set(Stopped, "")
	}
	e.mu.Unlock()
	e.closeOnce.Do(func() { close(e.closed) })
	return nil
}

func (e *ngrokEndpoint) Shutdown(ctx context.Context) error {
	_ = e.Close()
	e.takeDown(ctx)
	return nil
}

// How long takeDown waits, in all and for its parts.
const (
	downWait   = 900 * time.Millisecond
	unbindWait = 300 * time.Millisecond
	politeWait = 100 * time.Millisecond
	// A listener that delivered nothing for quietTime is closed by itself.
	quietTime = 250 * time.Millisecond
)

// takeDown ends the SDK's session and returns when its goroutines are gone.
//
// Closing the SDK's listener while a connection is just coming in can lock it
// up for good. So only a quiet listener is closed first, which tells the service
// to take the address back. A busy one is cut off from the network instead (the
// service then takes the address back by itself): the SDK's reconnect loop is
// caught in our dialer, and closes the listener half a second after we let it
// go, when no connection is coming in any more.
func (e *ngrokEndpoint) takeDown(ctx context.Context) {
	e.downOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downWait)
		defer cancel()
		if e.quiet() {
			await(ctx, unbindWait, running(func() { _ = e.listener.Close() }))
		} else {
			e.dialer.cut()
			await(ctx, politeWait, e.dialer.held)
		}
		await(ctx, politeWait, running(func() { _ = e.agent.Disconnect() }))
		e.dialer.cut()
		e.dialer.release()
		await(ctx, downWait, e.ended)
		e.endLife(net.ErrClosed)
		await(ctx, downWait, running(e.wg.Wait))
	})
}

func (e *ngrokEndpoint) quiet() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessionUp && time.Since(time.Unix(0, e.lastConn.Load())) > quietTime
}

// running starts fn and returns a channel that is closed when it is done.
func running(fn func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	return done
}

// await waits for done, but no longer than wait or ctx.
func await(ctx context.Context, wait time.Duration, done <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
}
