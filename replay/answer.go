package replay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
)

func isSSE(resp *http.Response) bool {
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "text/event-stream")
}

const (
	// smallBody is read whole before the provider gets any of it, so that an
	// answer that breaks off becomes a 502 rather than half an answer.
	smallBody = 64 << 10
	// streamKept is how much of a stream is kept.
	streamKept = 1 << 20
)

// stream copies server-sent events. They have no time limit, hold up no other
// delivery and end with either side; the record shows the status while they run.
func (a *attempt) stream(resp *http.Response) error {
	a.record.Protocol = inspect.SSE
	a.timer.Stop()
	if a.w != nil {
		inspect.Leave(a.r)
		stop := context.AfterFunc(a.r.Context(), func() { a.cancel(errHungUp) })
		defer stop()
	} else {
		a.timer.Reset(cmp.Or(a.s.Timeout, DefaultTimeout)) // a replay of a stream has to end
	}
	a.progress()
	err := a.copy(resp, true)
	a.record.Response.Truncated = true
	return err
}

// progress shows the status of an attempt that is still running.
func (a *attempt) progress() {
	now := *a.record
	response := *a.record.Response
	now.Response = &response
	_ = a.s.Store.Finish(&now)
}

// copy reads the answer to its end into the record and passes it on.
func (a *attempt) copy(resp *http.Response, stream bool) error {
	kept := &recorder{limit: int(cmp.Or(a.s.MaxBody, inspect.DefaultMaxBody))}
	if stream {
		kept.limit = min(kept.limit, streamKept)
	}
	if n := bodyLength(resp, a.method); n >= 0 && n <= smallBody && !stream {
		return a.copyWhole(resp, n, kept)
	}
	defer kept.save(a.record.Response)
	a.writeHeader(resp)
	flush := stream || resp.ContentLength < 0
	if flush {
		a.flush()
	}
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := resp.Body.Read(buf[:])
		if n > 0 {
			_, _ = kept.Write(buf[:n])
			a.write(buf[:n])
			if flush {
				a.flush()
			}
		}
		if errors.Is(err, io.EOF) {
			a.writeTrailer(resp)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyWhole reads an answer whose body has n bytes. The attempt has ended when
// it is read: a provider that is slow to take it holds up neither the record
// nor another delivery.
func (a *attempt) copyWhole(resp *http.Response, n int64, kept *recorder) error {
	body := make([]byte, n+1) // one more, so that the end is seen and the connection used again
	m, err := io.ReadFull(resp.Body, body)
	_, _ = kept.Write(body[:m])
	kept.save(a.record.Response)
	if int64(m) < n || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return cmp.Or(err, io.ErrUnexpectedEOF)
	}
	a.finish(nil)
	if a.w != nil {
		inspect.Leave(a.r)
		a.writeHeader(resp)
		a.write(body[:m])
	}
	return nil
}

// bodyLength is how long the body of an answer will be; -1 = unknown.
func bodyLength(resp *http.Response, method string) int64 {
	if method == http.MethodHead { // its Content-Length is that of another answer
		return 0
	}
	return resp.ContentLength
}

// lastWrite is how long a write that is under way may take when its attempt is cut.
const lastWrite = 500 * time.Millisecond

// letGo lets no provider that has stopped reading hold the attempt for longer
// than lastWrite after the end of ctx, until the function it returns is
// called. Where no answer has begun by then, one can still be written.
func (a *attempt) letGo(ctx context.Context) (stop func()) {
	conn := http.NewResponseController(a.w)
	ended := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = conn.SetWriteDeadline(time.Now().Add(lastWrite))
	})
	return func() {
		if cancel() {
			return
		}
		<-ended
		if a.status == 0 {
			_ = conn.SetWriteDeadline(time.Time{})
		}
	}
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// write passes bytes on. A provider that has hung up does not end the
// attempt: the handler's answer is recorded all the same.
func (a *attempt) write(b []byte) {
	if a.w != nil && len(b) > 0 {
		_, err := a.w.Write(b)
		a.gone = a.gone || err != nil
	}
}

func (a *attempt) flush() {
	if a.w != nil {
		_ = http.NewResponseController(a.w).Flush()
	}
}

// writeHeader passes status and end-to-end headers on, and keeps the server
// from adding any.
func (a *attempt) writeHeader(resp *http.Response) {
	a.status = resp.StatusCode
	if a.w == nil {
		return
	}
	a.gone = a.hungUp()
	h := a.w.Header()
	clear(h)
	for name, values := range inspect.EndToEnd(resp.Header) {
		h[name] = values
	}
	for _, name := range []string{"Date", "Content-Type"} {
		if _, ok := h[name]; !ok {
			h[name] = nil
		}
	}
	for name := range resp.Trailer {
		h.Add("Trailer", name)
	}
	a.w.WriteHeader(resp.StatusCode)
}

func (a *attempt) writeTrailer(resp *http.Response) {
	if len(resp.Trailer) == 0 {
		return
	}
	a.record.Response.Trailer = resp.Trailer
	if a.w != nil {
		a.flush() // a body without any flush would have a length, and no trailers
		clear(a.w.Header())
		for name, values := range resp.Trailer {
			a.w.Header()[http.TrailerPrefix+name] = values
		}
	}
}

// A recorder keeps the first bytes of what is written to it and counts all.
type recorder struct {
	limit int
	body  []byte
	size  int64
}

func (r *recorder) Write(b []byte) (int, error) {
	r.size += int64(len(b))
	r.body = append(r.body, b[:min(len(b), r.limit-len(r.body))]...)
	return len(b), nil
}

func (r *recorder) save(resp *inspect.Response) {
	resp.Body, resp.Size, resp.Truncated = r.body, r.size, r.size > int64(len(r.body))
}
