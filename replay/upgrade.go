package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
)

// errHungUp ends a stream whose provider has gone. It is how streams end, no error.
var errHungUp = errors.New("the provider closed the connection")

// closeTime is how long one side of an upgraded connection has to close it
// when the other has.
const closeTime = 5 * time.Second

// upgraded joins the two connections of a WebSocket (or another protocol) and
// counts the handler's bytes until both sides have closed. Neither loses what
// the other sent before it closed. It holds up no other delivery.
func (a *attempt) upgraded(ctx context.Context, resp *http.Response, asked bool) error {
	backend, ok := resp.Body.(io.ReadWriteCloser)
	if !asked || !ok || !strings.EqualFold(resp.Header.Get("Upgrade"), a.d.Header.Get("Upgrade")) {
		return &protocolError{"it answered 101 (switching protocols), which was not asked for"}
	}
	if strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") {
		a.record.Protocol = inspect.WebSocket
	}
	conn, rw, err := http.NewResponseController(a.w).Hijack()
	if err != nil {
		return fmt.Errorf("the provider's connection can't be upgraded: %w", err)
	}
	defer func() { _ = conn.Close() }()
	a.status = resp.StatusCode
	a.timer.Stop()
	inspect.Leave(a.r)
	a.progress()
	if err := writeSwitch(rw, resp); err != nil {
		return nil // the provider has gone
	}
	var fromHandler int64
	ended := make(chan struct{}, 2)
	var both sync.WaitGroup
	join := func(f func()) {
		both.Go(func() {
			f()
			ended <- struct{}{}
		})
	}
	join(func() {
		_, _ = io.Copy(backend, rw) // rw may hold what the provider sent early
		closeWrite(backend)
	})
	join(func() {
		fromHandler, _ = io.Copy(conn, backend)
		closeWrite(conn)
	})
	var cut error
	select {
	case <-ended:
		select {
		case <-ended:
		case <-time.After(closeTime):
		case <-ctx.Done():
		}
	case <-ctx.Done():
		cut = context.Cause(ctx)
	}
	_ = conn.Close()
	_ = backend.Close()
	both.Wait()
	a.record.Response.Size, a.record.Response.Truncated = fromHandler, true
	return cut
}

// closeWrite says that nothing more will be sent, or closes c where only that can.
func closeWrite(c io.Closer) {
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}
	_ = c.Close()
}

// writeSwitch writes the handler's 101 as it came.
func writeSwitch(w interface {
	io.Writer
	Flush() error
}, resp *http.Response,
) error {
	if _, err := fmt.Fprintf(w, "HTTP/1.1 %s\r\n", resp.Status); err != nil {
		return err
	}
	if err := resp.Header.Write(w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "\r\n"); err != nil {
		return err
	}
	return w.Flush()
}
