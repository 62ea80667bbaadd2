package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// An sshLink is one SSH connection with its forward. When it is over, down is
// closed, everything that it accepted is cut, and its goroutines end.
type sshLink struct {
	s      *sshEndpoint
	nc     *sshMeter
	client *ssh.Client
	bind   sshForwardRequest // as granted
	hosted bool
	url    string
	note   string
	probe  bool // url is a guess that can be checked
	since  time.Time
	down   chan struct{}

	mu    sync.Mutex
	cause error // why it is over; the first one counts
	conns map[*sshConn]struct{}
}

// An sshMeter counts what comes from the server.
type sshMeter struct {
	net.Conn
	heard atomic.Int64
}

func (m *sshMeter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.heard.Add(int64(n))
	return n, err
}

// sshForwarded is the payload of RFC 4254, 7.2. Hosted services send another
// Host and Port than were asked for, so these are not compared with anything.
type sshForwarded struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// connect makes one try to get online, bounded by ctx and the start timeout.
func (s *sshEndpoint) connect(ctx context.Context) (*sshLink, *sshFault) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.StartTimeout, errSSHSlow)
	defer cancel()
	l, fault := s.dial(ctx)
	if fault != nil && ctx.Err() != nil && fault.kind != sshHostKey {
		fault = s.target.endFault(ctx, s.cfg.StartTimeout)
	}
	return l, fault
}

// dial is connect without the explanation of an end of ctx.
func (s *sshEndpoint) dial(ctx context.Context) (*sshLink, *sshFault) {
	addr := s.target.addr()
	var d net.Dialer
	tcp, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, s.target.dialFault(err)
	}
	nc := &sshMeter{Conn: tcp}
	unwatch := context.AfterFunc(ctx, func() { _ = nc.Close() })
	methods, done := s.auth.methods(ctx)
	conn, chans, reqs, err := ssh.NewClientConn(nc, addr, &ssh.ClientConfig{
		User:              s.target.user,
		Auth:              methods,
		HostKeyCallback:   s.pins.check,
		HostKeyAlgorithms: s.pins.algorithms(),
		BannerCallback: func(text string) error {
			s.log.Debug("ssh: banner", "text", sshPrintable(text))
			return nil
		},
	})
	done()
	if err != nil {
		unwatch()
		_ = nc.Close()
		return nil, s.handshakeFault(err)
	}
	l := &sshLink{
		s: s, nc: nc, client: ssh.NewClient(conn, chans, reqs),
		since: time.Now(), down: make(chan struct{}), conns: map[*sshConn]struct{}{},
	}
	// Before the request: the first connection may come with its answer.
	forwarded := l.client.HandleChannelOpen("forwarded-tcpip")
	s.wg.Go(func() { l.serve(forwarded) })
	fault := l.open(ctx)
	if !unwatch() && fault == nil {
		fault = &sshFault{msg: "cut"} // connect says it better
	}
	if fault != nil {
		l.close(fault)
		<-l.down
		return nil, fault
	}
	s.wg.Go(l.keepalive)
	return l, nil
}

// serve accepts forwarded connections until the link is over, and then cleans up.
func (l *sshLink) serve(forwarded <-chan ssh.NewChannel) {
	for nc := range forwarded {
		l.accept(nc)
	}
	err := l.client.Wait()
	_ = l.nc.Close()
	l.mu.Lock()
	if l.cause == nil {
		l.cause = err
	}
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range conns {
		c.cut()
	}
	close(l.down)
}

// accept takes one forwarded connection, or rejects it when there is nobody for it.
func (l *sshLink) accept(nc ssh.NewChannel) {
	var p sshForwarded
	if err := ssh.Unmarshal(nc.ExtraData(), &p); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	select {
	case <-l.s.closed:
		_ = nc.Reject(ssh.ConnectionFailed, "closed")
		return
	default:
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	spawn := l.s.wg.Go
	spawn(func() { ssh.DiscardRequests(reqs) })
	var pumps sync.WaitGroup
	c := newSSHConn(ch, l.s.Addr(), sshOrigin(p.OriginHost, p.OriginPort), pumps.Go)
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	spawn(func() {
		pumps.Wait()
		l.mu.Lock()
		delete(l.conns, c)
		l.mu.Unlock()
	})
	if !l.s.offer(c) {
		_ = c.Close()
	}
}

// keepalive pings the server and closes the link when nothing at all is heard
// from it between a ping and the next one due. Other bytes count, because an
// answer can be stuck behind a large delivery.
func (l *sshLink) keepalive() {
	every := l.s.cfg.KeepaliveInterval
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		answered := make(chan struct{})
		l.s.wg.Go(func() { l.ping(answered) })
		for waiting := true; waiting; {
			heard := l.nc.heard.Load()
			select {
			case <-answered:
				waiting = false
			case <-tick.C:
				if l.nc.heard.Load() == heard {
					l.close(fmt.Errorf("no answer to a keepalive for %v", every))
					return
				}
			case <-l.down:
				return
			}
		}
		select {
		case <-tick.C:
		case <-l.down:
			return
		}
	}
}

// ping waits for the server's answer, whatever it is, and closes answered.
func (l *sshLink) ping(answered chan<- struct{}) {
	sent := time.Now()
	if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
		l.s.measured(l, time.Since(sent))
	}
	close(answered)
}

// takeBack tells the server to stop listening, and waits briefly until it has.
func (l *sshLink) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sshTakeBackTimeout)
	defer cancel()
	done := make(chan struct{})
	l.s.wg.Go(func() {
		defer close(done)
		_, _, _ = l.client.SendRequest("cancel-tcpip-forward", true, ssh.Marshal(&l.bind))
	})
	select {
	case <-done:
	case <-l.down:
	case <-ctx.Done():
	}
}

// close ends the link; down is closed soon after.
func (l *sshLink) close(cause error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = cause
	}
	l.mu.Unlock()
	_ = l.nc.Close()
}

// reason says in a few words why the link is over. It is called after down.
func (l *sshLink) reason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.cause == nil || errors.Is(l.cause, io.EOF):
		return "the server closed the connection"
	default:
		return sshPrintable(l.cause.Error())
	}
}
