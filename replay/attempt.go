package replay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
)

// An attempt is one that is being made.
type attempt struct {
	*plan
	s      *Sender
	d      *inspect.Delivery
	w      http.ResponseWriter // the waiting provider; nil = nobody
	r      *http.Request       // the provider's request; nil = nobody
	start  time.Time
	cancel context.CancelCauseFunc
	timer  *time.Timer
	status int // sent to the provider so far; 0 = it can still be chosen
}

// send makes the attempt that p records, writes the answer to w if there is
// one, and finishes the record. It outlives the provider's request and ends
// with ctx only where nobody waits.
func (s *Sender) send(ctx context.Context, d *inspect.Delivery, p *plan, w http.ResponseWriter, r *http.Request) {
	if w != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &attempt{plan: p, s: s, d: d, w: w, r: r, start: time.Now(), cancel: cancel}
	p.record.StartedAt = a.start.UTC()
	timeout := cmp.Or(s.Timeout, DefaultTimeout)
	a.timer = time.AfterFunc(timeout, func() { cancel(&timeoutError{timeout}) })
	defer a.timer.Stop()
	s.track(a)
	defer s.untrack(a)

	done := false
	defer func() {
		if !done { // a panic; it goes on, but the attempt has ended
			a.finish(errPanic)
		}
	}()
	err := a.run(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	a.finish(err)
	done = true
	if err != nil && w != nil {
		a.answerError()
	}
}

var errPanic = errors.New("hookloop failed while it made this attempt; please report it")

// finish ends the record, once.
func (a *attempt) finish(err error) {
	rec := a.record
	if rec.State != inspect.Pending {
		return
	}
	rec.Duration = time.Since(a.start)
	rec.State = inspect.Answered
	if err != nil {
		rec.State = inspect.Errored
		rec.ErrorKind, rec.Error = explain(err, a.dest)
	}
	_ = a.s.Store.Finish(rec) // fails only when the store is closed, which ends the attempt as interrupted
}

// answerError tells the provider that there is no response to pass on, or
// breaks the connection where part of one has gone out already.
func (a *attempt) answerError() {
	if a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusBadGateway
	if a.record.ErrorKind == inspect.ErrTimeout {
		status = http.StatusGatewayTimeout
	}
	h := a.w.Header()
	clear(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	a.w.WriteHeader(status)
	_, _ = io.WriteString(a.w, "hookloop: "+a.record.Error+"\n")
}

// run sends the request and copies the answer to the record and the provider.
func (a *attempt) run(ctx context.Context) error {
	upgrade := a.w != nil && isUpgrade(a.d.Header)
	if a.w != nil {
		var informed informer
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: informed.relay(a.w)})
		defer informed.stop()
	}
	resp, err := a.s.Transport.RoundTrip(a.request(ctx, a.d, upgrade))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	a.record.Response = &inspect.Response{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header}
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return a.upgraded(resp, upgrade)
	case isSSE(resp):
		return a.stream(resp)
	}
	return a.copy(resp, false)
}

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

// stream copies server-sent events. They have no time limit and end with
// either side; the record shows the status while they run.
func (a *attempt) stream(resp *http.Response) error {
	a.record.Protocol = inspect.SSE
	a.timer.Stop()
	if a.r != nil {
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
	defer kept.save(a.record.Response)
	if n := resp.ContentLength; n >= 0 && n <= smallBody && !stream {
		body := make([]byte, n)
		m, err := io.ReadFull(resp.Body, body)
		_, _ = kept.Write(body[:m])
		if err != nil {
			return err
		}
		// The end has to be seen for the connection to be used again.
		if _, err := resp.Body.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		a.writeHeader(resp)
		a.write(body)
		a.writeTrailer(resp)
		return nil
	}
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

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// write passes bytes on. A provider that has hung up does not end the
// attempt: the handler's answer is recorded all the same.
func (a *attempt) write(b []byte) {
	if a.w != nil && len(b) > 0 {
		_, _ = a.w.Write(b)
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
	h := a.w.Header()
	clear(h)
	for name, values := range endToEnd(resp.Header) {
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

// An informer passes 1xx answers on until the final one has come.
type informer struct {
	mu   sync.Mutex
	over bool
}

func (i *informer) relay(w http.ResponseWriter) func(int, textproto.MIMEHeader) error {
	return func(code int, header textproto.MIMEHeader) error {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.over || code == http.StatusContinue { // our server sends its own 100
			return nil
		}
		h := w.Header()
		for name, values := range header {
			h[name] = values
		}
		w.WriteHeader(code)
		clear(h)
		return nil
	}
}

func (i *informer) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
}
