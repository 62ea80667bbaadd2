package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

// recordedCallbacks is the way that the callbacks of a stand-in go. Each is kept
// as an exchange, as the calls of the stand-in are, unless it goes to a receiver
// of hookloop, which captures it.
type recordedCallbacks struct {
	next  http.RoundTripper
	store *inspect.Store
}

// maxCallbackAnswer is how much of the answer to a callback is kept.
const maxCallbackAnswer = 64 << 10

func (c recordedCallbacks) RoundTrip(r *http.Request) (*http.Response, error) {
	if isReceiver(c.store.Dir(), r.URL) {
		return c.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	base := &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host}
	d := &inspect.Delivery{
		ReceivedAt: time.Now().UTC().Truncate(time.Microsecond), Method: r.Method, Target: r.URL.RequestURI(), Host: r.URL.Host, Proto: "HTTP/1.1",
		Endpoint: base.String(), Header: r.Header, Body: body, Size: int64(len(body)), Source: inspect.FromMock,
		Reason: callbackReason,
	}
	way := &keptError{next: c.next}
	sender := &replay.Sender{Store: c.store, Handler: &replay.Handler{URL: base}, Transport: way, MaxBody: maxCallbackAnswer}
	if end, ok := r.Context().Deadline(); ok {
		sender.Timeout = max(time.Until(end)-5*time.Millisecond, time.Millisecond) // so that it is told as a timeout
	}
	at, err := sender.Deliver(r.Context(), d)
	switch {
	case err != nil:
		return nil, err
	case at.ErrorKind == inspect.ErrTimeout && sender.Timeout > 0:
		return nil, context.DeadlineExceeded
	case way.err != nil:
		return nil, way.err
	case at.Error != "" || at.Response == nil:
		return nil, errors.New(at.Error)
	}
	return &http.Response{
		StatusCode: at.Response.Status, Status: http.StatusText(at.Response.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: at.Response.Header, ContentLength: -1, Body: io.NopCloser(bytes.NewReader(at.Response.Body)), Request: r,
	}, nil
}

// callbackReason tells a callback of a stand-in from a call to it.
const callbackReason = "a callback of hookloop mock, straight to its callback URL"

// keptError keeps why there was no answer.
type keptError struct {
	next http.RoundTripper
	err  error
}

func (k *keptError) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	resp, err = k.next.RoundTrip(r)
	k.err = err
	return resp, err
}

// isReceiver reports whether u leads to a receiver of a listen that runs on a
// data folder.
func isReceiver(dir string, u *url.URL) bool {
	for _, l := range readLive(dir) {
		for _, text := range []string{l.ReceiverURL, l.PublicURL} {
			if own, err := url.Parse(text); err == nil && text != "" && samePlace(own, u) {
				return true
			}
		}
	}
	return false
}

// samePlace reports whether two URLs have the same host and port; all names of
// this machine are the same.
func samePlace(x, y *url.URL) bool {
	return port(x) == port(y) && (strings.EqualFold(x.Hostname(), y.Hostname()) || isLoopback(x.Hostname()) && isLoopback(y.Hostname()))
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}
