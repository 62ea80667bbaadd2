package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// This file takes in what arrives: who may send it, and how much.

func newDelivery(r *http.Request) *Delivery {
	d := &Delivery{
		Method: r.Method, Target: r.RequestURI, Host: r.Host, Proto: r.Proto, RemoteAddr: r.RemoteAddr,
		Header: r.Header, Disposition: Forwarded,
	}
	if len(r.TransferEncoding) > 0 { // the server takes it out of the header
		d.Header = r.Header.Clone()
		d.Header["Transfer-Encoding"] = r.TransferEncoding
	}
	if endpoint, ok := r.Context().Value(endpointKey{}).(func() string); ok {
		d.Endpoint = endpoint()
	}
	return d
}

// admit reads the body into d and, where the request is refused, sets d's
// disposition and reason and returns the status to answer with.
func (rc *Receiver) admit(d *Delivery, r *http.Request) (status int) {
	limit := cmp.Or(rc.MaxBody, DefaultMaxBody)
	body, err := readBody(r, limit)
	d.ReceivedAt = time.Now().UTC().Truncate(time.Microsecond)
	d.Body, d.Size = body, int64(len(body))
	if len(r.Trailer) > 0 {
		d.Trailer = r.Trailer
	}
	refuse := func(code int, format string, args ...any) int {
		d.Disposition, d.Reason = Refused, fmt.Sprintf(format, args...)
		return code
	}
	var tooLarge *tooLargeError
	switch {
	case errors.As(err, &tooLarge):
		d.Truncated, d.Size = true, tooLarge.size
		status = refuse(http.StatusRequestEntityTooLarge, "the body is over the limit of %d bytes; --max-body raises it", limit)
	case err != nil:
		d.Truncated, d.Size = true, max(r.ContentLength, d.Size)
		status = refuse(http.StatusBadRequest, "the sender hung up, or broke off, after %d bytes of the body: %v", len(body), err)
	case r.Method == http.MethodConnect:
		status = refuse(http.StatusMethodNotAllowed, "CONNECT asks for a proxy, which hookloop is not")
	case rc.Refuse != nil && d.Source != FromTrigger:
		if code, reason := rc.Refuse(r); code != 0 {
			status = refuse(code, "%s", reason)
		}
	}
	return status
}

type tooLargeError struct{ size int64 }

func (*tooLargeError) Error() string { return "the body is too large" }

// readBody returns the whole body, or its first bytes and an error. Memory
// grows with what arrives, not with what the header announces.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	n := r.ContentLength
	if r.Body == nil || n == 0 {
		return nil, nil
	}
	const trusted = 1 << 20
	if n > 0 && n <= min(trusted, limit) {
		buf := make([]byte, n)
		m, err := io.ReadFull(r.Body, buf)
		return buf[:m], err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit))
	if err != nil || int64(len(body)) < limit {
		return body, err
	}
	// At the limit: the rest is read (as much again at most), so that the
	// sender gets to read our answer, and counted.
	rest, err := io.CopyN(io.Discard, r.Body, limit)
	if rest == 0 {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return body, err
	}
	return body, &tooLargeError{size: max(n, limit+rest)}
}
