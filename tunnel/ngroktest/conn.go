package ngroktest

import (
	"errors"
	"net"
	"sync"
)

// faultConn is an agent's connection that can be turned into a black hole.
type faultConn struct {
	net.Conn
	stalled   chan struct{}
	closed    chan struct{}
	stallOnce sync.Once
	closeOnce sync.Once
}

var errConnClosed = errors.New("ngroktest: connection closed")

func newFaultConn(c net.Conn) *faultConn {
	return &faultConn{Conn: c, stalled: make(chan struct{}), closed: make(chan struct{})}
}

// stall makes the connection swallow all bytes in both directions, as a network
// does that drops every packet: nothing fails, nothing arrives.
func (c *faultConn) stall() { c.stallOnce.Do(func() { close(c.stalled) }) }

func (c *faultConn) isStalled() bool {
	select {
	case <-c.stalled:
		return true
	default:
		return false
	}
}

func (c *faultConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.isStalled() {
		<-c.closed
		return 0, errConnClosed
	}
	return n, err
}

func (c *faultConn) Write(p []byte) (int, error) {
	if c.isStalled() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *faultConn) Close() error {
	c.closeOnce.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// cut ends the connection as a broken network does: with a reset, and without
// a word in any protocol above TCP.
func (c *faultConn) cut() {
	reset(c.Conn)
	_ = c.Close()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
