package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
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
	status int  // sent to the provider so far; 0 = it can still be chosen
	held   bool // it waits in the backlog; the provider's answer is inspect.HeldStatus
	gone   bool // the provider hung up before it had the answer
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
	a.timer = time.AfterFunc(timeout, func() { cancel(&timeoutError{after: timeout}) })
	defer a.timer.Stop()
	if !s.track(a) {
		a.end(errStopped)
		return
	}
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
	done = true
	a.end(err)
}

// end finishes the record and tells the provider of an error.
func (a *attempt) end(err error) {
	if errors.Is(err, errHungUp) {
		err = nil
	}
	if err != nil && a.record.Trigger == inspect.Initial && a.s.Backlog != nil && a.status == 0 {
		kind, _ := explain(err, a.dest)
		a.held = kind == inspect.ErrRefused && a.s.Backlog.refused(a.d)
	}
	a.finish(err)
	if err != nil && a.w != nil {
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
	var timeout *timeoutError
	if errors.As(err, &timeout) {
		timeout.begun = rec.Response != nil
	}
	if err != nil {
		rec.State = inspect.Errored
		rec.ErrorKind, rec.Error = explain(err, a.dest)
	}
	rec.Outlook = a.outlook(err)
	if err != nil && a.s.OnError != nil {
		a.s.OnError(rec.ErrorKind)
	}
	_ = a.s.Store.Finish(rec) // fails only when the store is closed, which ends the attempt as interrupted
}

// answerError tells the provider that there is no response to pass on, or
// breaks the connection where part of one has gone out already.
func (a *attempt) answerError() {
	if a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	h := a.w.Header()
	clear(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	a.w.WriteHeader(a.errorStatus())
	text := a.record.Error
	if a.held {
		text = inspect.HeldReason
	}
	_, _ = io.WriteString(a.w, "hookloop: "+text+"\n")
}

// errorStatus is what the provider gets in the place of an answer.
func (a *attempt) errorStatus() int {
	if a.held {
		if c := a.s.Checker; c != nil {
			return inspect.HeldStatus(c.Catalog, &a.d.Facts)
		}
		return inspect.HeldStatus(nil, &a.d.Facts)
	}
	if a.record.ErrorKind == inspect.ErrTimeout {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// run sends the request and copies the answer to the record and the provider.
func (a *attempt) run(ctx context.Context) error {
	if a.answer != nil {
		a.record.Response = inPlace(a.answer)
		return nil
	}
	upgrade := a.w != nil && isUpgrade(a.d.Header)
	if a.w != nil {
		defer a.letGo(ctx)()
		var informed informer
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: informed.relay(a.w, a.r)})
		defer informed.stop()
	}
	transport := a.s.Transport
	if a.transport != nil {
		transport = a.transport
	}
	resp, err := transport.RoundTrip(a.request(ctx, a.d, upgrade))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	a.record.Response = &inspect.Response{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header}
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return a.upgraded(ctx, resp, upgrade)
	case resp.StatusCode < 200:
		a.record.Response = nil
		return &protocolError{fmt.Sprintf("its status is %03d", resp.StatusCode)}
	case isSSE(resp):
		return a.stream(resp)
	}
	return a.copy(resp, false)
}

// AnsweredHeader marks a recorded answer that hookloop gave in the handler's place.
const AnsweredHeader = "Hookloop-Answered"

// inPlace returns answer as it is recorded.
func inPlace(answer *inspect.Response) *inspect.Response {
	r := *answer
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set(AnsweredHeader, "in the handler's place")
	r.Size = max(r.Size, int64(len(r.Body)))
	return &r
}

// An informer passes 1xx answers on until the final one has come.
type informer struct {
	mu   sync.Mutex
	over bool
}

func (i *informer) relay(w http.ResponseWriter, r *http.Request) func(int, textproto.MIMEHeader) error {
	return func(code int, header textproto.MIMEHeader) error {
		i.mu.Lock()
		defer i.mu.Unlock()
		// Our server sends its own 100; HTTP/1.0 knows none of them.
		if i.over || code == http.StatusContinue || !r.ProtoAtLeast(1, 1) {
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
