package replay

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"hookloop/inspect"
)

// errHungUp ends a stream whose provider has gone. It is how streams end, no error.
var errHungUp = errors.New("the provider closed the connection")

// upgraded joins the two connections of a WebSocket (or another protocol) and
// counts the handler's bytes until either side closes.
func (a *attempt) upgraded(resp *http.Response, asked bool) error {
	backend, ok := resp.Body.(io.ReadWriteCloser)
	if !asked || !ok || !strings.EqualFold(resp.Header.Get("Upgrade"), a.d.Header.Get("Upgrade")) {
		return &protocolError{"it answered 101 (switching protocols), which nobody had asked for"}
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
	a.progress()
	if err := writeSwitch(rw, resp); err != nil {
		return nil // the provider has gone
	}
	ended := make(chan struct{}, 2)
	var fromHandler int64
	go func() {
		_, _ = io.Copy(backend, rw) // rw may hold what the provider sent early
		ended <- struct{}{}
	}()
	counted := make(chan struct{})
	go func() {
		fromHandler, _ = io.Copy(conn, backend)
		close(counted)
		ended <- struct{}{}
	}()
	stopped := false
	select {
	case <-ended:
	case <-resp.Request.Context().Done():
		stopped = true
	}
	_ = conn.Close()
	_ = backend.Close()
	<-counted
	a.record.Response.Size, a.record.Response.Truncated = fromHandler, true
	if stopped {
		return errStopped
	}
	return nil
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

var _ net.Error = (*timeoutError)(nil)
