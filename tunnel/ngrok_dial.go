package tunnel

import (
	"context"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"
)

const (
	dialTimeout = 15 * time.Second // for one try, proxy included
	dialWaitMin = 250 * time.Millisecond
	dialWaitMax = 10 * time.Second
)

// An ngrokDialer makes the SDK's connections to the service. It does for the
// SDK what the SDK cannot do for itself: it waits between tries in a way that
// can be interrupted, it goes through a proxy, and it can cut everything.
type ngrokDialer struct {
	life  context.Context // the session's: only its dials are tried again
	proxy *url.URL        // nil for none
	fail  func(error)     // told of every failed try of the session

	alive context.Context // ends with cut, or with life
	kill  context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]struct{}

	held     chan struct{} // closed when the SDK wants a connection after cut
	heldOnce sync.Once
	released chan struct{} // closed when that call may return
	freeOnce sync.Once
}

func newNgrokDialer(life context.Context, through *url.URL, fail func(error)) *ngrokDialer {
	d := &ngrokDialer{
		life: life, proxy: through, fail: fail,
		conns: make(map[net.Conn]struct{}),
		held:  make(chan struct{}), released: make(chan struct{}),
	}
	d.alive, d.kill = context.WithCancel(life)
	return d
}

// Dial is there for the SDK's interface; the SDK does not call it.
func (d *ngrokDialer) Dial(network, addr string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, addr)
}

// DialContext connects to the service. For the session it tries until it
// succeeds. After cut it keeps the caller until release, then fails: so the
// SDK's reconnect loop is in a known place while its session is taken down.
func (d *ngrokDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	session := ctx == d.life
	if session {
		ctx = d.alive
	}
	for wait := dialWaitMin; ; wait = min(2*wait, dialWaitMax) {
		c, err := d.dialOnce(ctx, network, addr)
		if err == nil {
			if c, err = d.track(c); err == nil {
				return c, nil
			}
		}
		switch {
		case !session:
			return nil, err
		case d.alive.Err() == nil:
			d.fail(err)
			sleep(d.alive, wait/2+rand.N(wait/2+1))
		}
		if d.alive.Err() != nil {
			d.heldOnce.Do(func() { close(d.held) })
			select {
			case <-d.released:
			case <-d.life.Done():
			}
			return nil, net.ErrClosed
		}
	}
}

func (d *ngrokDialer) dialOnce(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if d.proxy != nil {
		return dialProxy(ctx, d.proxy, network, addr)
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// track remembers c until it is closed, or closes it when the dialer was cut.
func (d *ngrokDialer) track(c net.Conn) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.alive.Err() != nil {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	d.conns[c] = struct{}{}
	return &trackedConn{c, d}, nil
}

// cut closes all connections and allows no new ones.
func (d *ngrokDialer) cut() {
	d.kill()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		_ = c.Close()
	}
}

// release lets a call of DialContext return that came after cut.
func (d *ngrokDialer) release() { d.freeOnce.Do(func() { close(d.released) }) }

type trackedConn struct {
	net.Conn
	d *ngrokDialer
}

func (c *trackedConn) Close() error {
	c.d.mu.Lock()
	delete(c.d.conns, c.Conn)
	c.d.mu.Unlock()
	return c.Conn.Close()
}

// sleep returns after wait or when ctx ends.
func sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
