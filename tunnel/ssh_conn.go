package tunnel

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshBufferSize bounds what is held in memory for each direction of a connection,
// besides the window that the SSH library grants the server (2 MiB).
const sshBufferSize = 64 << 10

// sshConn makes a net.Conn of an SSH channel. Channels have no deadlines, which
// net/http needs to hand over a connection (Hijack), and a blocked write keeps
// the caller's slice. So two pumps stand between: a Write returns when its bytes
// are copied, and Close lets the pump send what was written before it.
type sshConn struct {
	in, out       *sshBuffer
	local, remote net.Addr
}

// newSSHConn returns a connection over ch and starts its pumps with spawn.
// They end when both sides are done, or when the SSH connection ends.
func newSSHConn(ch ssh.Channel, local, remote net.Addr, spawn func(func())) *sshConn {
	c := &sshConn{in: newSSHBuffer(), out: newSSHBuffer(), local: local, remote: remote}
	spawn(func() {
		if _, err := io.Copy(c.in, ch); err != nil {
			_, _ = io.Copy(io.Discard, ch) // closed here: let the client finish sending
		}
		c.in.finish(io.EOF)
	})
	spawn(func() {
		if _, err := io.Copy(ch, c.out); err != nil {
			c.out.abort(err)
		}
		_ = ch.CloseWrite()
		<-c.in.gone // a half-closed connection can still be read
		_ = ch.Close()
	})
	return c
}

func (c *sshConn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *sshConn) Write(p []byte) (int, error) { return c.out.Write(p) }

// CloseWrite ends our direction after what was written.
func (c *sshConn) CloseWrite() error {
	c.out.finish(io.EOF)
	return nil
}

// Close never blocks. What was written before it is still sent.
func (c *sshConn) Close() error {
	c.out.finish(io.EOF)
	c.in.abort(net.ErrClosed)
	return nil
}

// cut ends both directions at once, because the SSH connection is over.
func (c *sshConn) cut() {
	c.in.finish(io.ErrUnexpectedEOF)
	c.out.abort(io.ErrClosedPipe)
}

func (c *sshConn) LocalAddr() net.Addr  { return c.local }
func (c *sshConn) RemoteAddr() net.Addr { return c.remote }

func (c *sshConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *sshConn) SetReadDeadline(t time.Time) error {
	c.in.readBy.set(c.in, t)
	return nil
}

func (c *sshConn) SetWriteDeadline(t time.Time) error {
	c.out.writeBy.set(c.out, t)
	return nil
}

// An sshBuffer is one direction of an sshConn: bounded, with a deadline at the
// end that the program holds. It is safe for use by any goroutines.
type sshBuffer struct {
	mu      sync.Mutex
	wake    sync.Cond
	data    []byte // data[start:] waits to be read
	start   int
	end     error // set: nothing more is written; reads get it after the data
	abandon error // set: reads and writes get it at once
	readBy  sshDeadline
	writeBy sshDeadline
	gone    chan struct{} // closed once end or abandon is set
}

func newSSHBuffer() *sshBuffer {
	b := &sshBuffer{gone: make(chan struct{})}
	b.wake.L = &b.mu
	return b
}

func (b *sshBuffer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case b.abandon != nil:
			return 0, b.abandon
		case b.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case b.start < len(b.data):
			n := copy(p, b.data[b.start:])
			if b.start += n; b.start == len(b.data) {
				b.data, b.start = b.data[:0], 0
			}
			b.wake.Broadcast()
			return n, nil
		case b.end != nil:
			return 0, b.end
		case len(p) == 0:
			return 0, nil
		}
		b.wake.Wait()
	}
}

func (b *sshBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	written := 0
	for {
		switch {
		case b.abandon != nil:
			return written, b.abandon
		case b.end != nil:
			return written, net.ErrClosed
		case b.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		case written == len(p):
			return written, nil
		}
		if room := sshBufferSize - (len(b.data) - b.start); room > 0 {
			if b.start > 0 {
				b.data, b.start = b.data[:copy(b.data, b.data[b.start:])], 0
			}
			n := min(room, len(p)-written)
			b.data = append(b.data, p[written:written+n]...)
			written += n
			b.wake.Broadcast()
			continue
		}
		b.wake.Wait()
	}
}

// finish says that nothing more will be written; what was, can still be read.
func (b *sshBuffer) finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end == nil {
		b.end = err
		b.over()
	}
}

// abort makes every Read and Write fail with err, now and later.
func (b *sshBuffer) abort(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.abandon == nil {
		b.abandon, b.data, b.start = err, nil, 0
		b.over()
	}
}

// over is called with the lock held.
func (b *sshBuffer) over() {
	select {
	case <-b.gone:
	default:
		close(b.gone)
	}
	b.wake.Broadcast()
}

// sshDeadline is a time that wakes a buffer. It is guarded by the buffer's lock.
type sshDeadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *sshDeadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *sshDeadline) set(b *sshBuffer, t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.wake.Broadcast()
		})
	}
	b.wake.Broadcast()
}

// sshAddr is an address at the server.
type sshAddr string

func (sshAddr) Network() string  { return "tcp" }
func (a sshAddr) String() string { return string(a) }

// sshOrigin makes an address of what the server says about the client. The text
// comes from outside: what is no IP address becomes 0.0.0.0.
func sshOrigin(host string, port uint32) net.Addr {
	ip, err := netip.ParseAddr(host)
	if err != nil || port > 65535 {
		return &net.TCPAddr{IP: net.IPv4zero, Port: int(port & 0xffff)}
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(port)))
}
