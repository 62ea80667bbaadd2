package tunnel

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A muxConn is a connection that came through a muxado session, made safe for
// net/http. The stream beneath it has four faults that this type hides:
//
//   - a write deadline that passes leaves the frame, and the caller's buffer,
//     queued for the session; so write deadlines are ignored;
//   - a Write that fails because the session died leaves the buffer with the
//     dying session; so the caller's bytes are copied first;
//   - closing a stream after such a Write reuses its frame; so it is not closed
//     (it is gone with its session anyway);
//   - Close waits for a Write that waits for the peer; so that Write closes the
//     stream when it returns, and Close never blocks.
//
// A Write to a peer that stopped reading therefore ends only with the session.
type muxConn struct {
	net.Conn
	writing sync.Mutex  // held during a Write and the stream's Close
	closing atomic.Bool // Close was called
	over    bool        // the stream was closed or must not be; guarded by writing
}

// copyBuffers hold what was handed to Write. A buffer goes back only after a
// Write that succeeded: until then the session may still read it.
var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (c *muxConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	for len(p) > 0 && err == nil {
		if c.closing.Load() || c.over {
			err = net.ErrClosed
			break
		}
		buf := copyBuffers.Get().(*[32 << 10]byte)
		size := copy(buf[:], p)
		var m int
		m, err = c.Conn.Write(buf[:size])
		n, p = n+m, p[size:]
		if err == nil {
			copyBuffers.Put(buf)
		} else {
			c.over = true
		}
	}
	c.writing.Unlock()
	if c.closing.Load() {
		c.finish()
	}
	return n, err
}

// Close ends reading at once, and the stream as soon as no Write is under way.
func (c *muxConn) Close() error {
	if c.closing.Swap(true) {
		return net.ErrClosed
	}
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	c.finish()
	return nil
}

// finish closes the stream unless a Write is under way, which will do it.
func (c *muxConn) finish() {
	if !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	if !c.over {
		c.over = true
		_ = c.Conn.Close()
	}
}

func (c *muxConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *muxConn) SetReadDeadline(t time.Time) error {
	if c.closing.Load() {
		return net.ErrClosed
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *muxConn) SetWriteDeadline(time.Time) error { return nil }
