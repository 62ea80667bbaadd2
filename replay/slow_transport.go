package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A rehearsedError ends an attempt that hookloop broke off because the
// rehearsal is of that. Its text is a sentence.
type rehearsedError struct{ what string }

func (e *rehearsedError) Error() string { return e.what }

// Of a slow rehearsal.
const (
	// trickleTime is how long a trickled body takes.
	trickleTime = 3 * time.Second
	// trickleEvery is the least time between two of its parts.
	trickleEvery = 50 * time.Millisecond
	// cutPause is between half a body and the end of its connection, in which a
	// handler can be seen to answer what it has not read.
	cutPause = 500 * time.Millisecond
)

// slowTransport returns a transport of its own that connects as base does: to
// where its guard lets it, with its certificates. What a slowBody yields it
// writes at once. closeIdle closes its connections.
func slowTransport(base http.RoundTripper) (t *http.Transport, closeIdle func(), err error) {
	own, ok := base.(*http.Transport)
	if !ok {
		return nil, nil, errors.New("the connection to the handler is not one that can be slowed down or cut")
	}
	t = own.Clone()
	return t, t.CloseIdleConnections, nil
}

// A slowBody yields a request's body as a bad network would.
type slowBody struct {
	ctx   context.Context
	body  io.ReadCloser
	part  int           // bytes at a time
	pause time.Duration // before each part but the first
	left  int           // bytes until the cut; < 0 = there is none
	begun bool
}

// Read waits before every part but the first.
func (b *slowBody) Read(p []byte) (int, error) {
	if b.begun && b.left != 0 {
		if err := sleep(b.ctx, b.pause); err != nil {
			return 0, err
		}
	}
	b.begun = true
	n := min(len(p), b.part)
	if b.left >= 0 {
		n = min(n, b.left)
	}
	if b.left == 0 {
		_ = sleep(b.ctx, cutPause) // it is cut either way
		return 0, errCut
	}
	n, err := b.body.Read(p[:n])
	if b.left > 0 {
		b.left -= n
	}
	return n, err
}

func (b *slowBody) Close() error { return b.body.Close() }

var errCut = &rehearsedError{"hookloop cut the connection half-way through the body, which is what was rehearsed"}

// A trickler sends a body of size bytes in parts over trickleTime.
type trickler struct {
	http.RoundTripper
	size int
}

// RoundTrip implements [http.RoundTripper].
func (t *trickler) RoundTrip(req *http.Request) (*http.Response, error) {
	parts := min(int(trickleTime/trickleEvery), max(t.size, 1))
	part := (t.size + parts - 1) / parts
	return t.RoundTripper.RoundTrip(withBody(req, &slowBody{
		ctx: req.Context(), body: req.Body, part: max(part, 1), pause: trickleTime / time.Duration(parts), left: -1,
	}))
}

// A cutter sends half of a body of size bytes and closes the connection.
type cutter struct {
	http.RoundTripper
	size int
}

// RoundTrip implements [http.RoundTripper].
func (t *cutter) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.RoundTripper.RoundTrip(withBody(req, &slowBody{
		ctx: req.Context(), body: req.Body, part: t.size, left: t.size / 2,
	}))
}

// withBody returns req with another body, which can't be had twice.
func withBody(req *http.Request, body io.ReadCloser) *http.Request {
	req = req.Clone(req.Context())
	req.Body, req.GetBody = body, nil
	return req
}

// A deaf transport sends the whole request, waits until the handler answers,
// or for as long as its provider would, and hangs up without reading it.
type deaf struct {
	http.RoundTripper
	patience time.Duration

	mu     sync.Mutex
	answer *inspect.Response // what it did not read: its first line and header; nil = there was none in time
}

// RoundTrip implements [http.RoundTripper]. It returns a rehearsedError where
// the request could be sent.
func (t *deaf) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	late := &rehearsedError{fmt.Sprintf("hookloop hung up after %s without an answer, which is what was rehearsed", provider.InWords(t.patience))}
	timer := time.AfterFunc(t.patience, func() { cancel(late) })
	defer timer.Stop()
	resp, err := t.RoundTripper.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == error(late) {
			return nil, late
		}
		return nil, err
	}
	_ = resp.Body.Close()
	t.mu.Lock()
	t.answer = &inspect.Response{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header}
	t.mu.Unlock()
	return nil, &rehearsedError{fmt.Sprintf("hookloop hung up without reading the answer (%s), which is what was rehearsed", statusText(resp.StatusCode))}
}

// lost returns the answer that was not read, or nil.
func (t *deaf) lost() *inspect.Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answer
}
