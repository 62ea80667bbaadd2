package mockapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	callbackTimeout = 30 * time.Second
	duplicateAfter  = time.Second // between an accepted callback and its duplicate, before Speed
	maxAnswer       = 64 << 10    // how much of an answer is awaited
)

// deliver sends t's result until it is accepted or the API gives up.
func (e *engine) deliver(t task) {
	attempts := len(e.protocol.retries) + 1
	for n := 1; ; n++ {
		event := e.post(t)
		if e.ctx.Err() != nil {
			return
		}
		event.Kind, event.Attempt, event.Attempts = EventCallback, n, attempts
		if !event.Accepted && n < attempts {
			event.Next = e.config.scaled(e.protocol.retries[n-1])
		}
		e.tell(t, event)
		switch {
		case event.Accepted:
			e.duplicate(t, n+1, attempts)
			return
		case n == attempts:
			e.tell(t, Event{Kind: EventGivenUp, Attempts: attempts})
			return
		}
		if !sleep(e.ctx, event.Next) {
			return
		}
	}
}

// duplicate sends what was accepted once more, if the dice say so. The answer
// changes nothing.
func (e *engine) duplicate(t task, attempt, attempts int) {
	if !e.draw(e.config.DuplicateRate) || !sleep(e.ctx, e.config.scaled(duplicateAfter)) {
		return
	}
	event := e.post(t)
	if e.ctx.Err() != nil {
		return
	}
	event.Kind, event.Attempt, event.Attempts = EventDuplicate, attempt, attempts
	e.tell(t, event)
}

// post makes one callback and says how it went.
func (e *engine) post(t task) (event Event) {
	begin := time.Now()
	timeout := cmp.Or(e.config.Timeout, callbackTimeout)
	status, err := e.exchange(t, timeout)
	event.Took = time.Since(begin)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		event.Err = "not within " + short(timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		event.Err = "nothing listens at " + t.callback.url.Host
	case err != nil:
		event.Err = err.Error()
	default:
		event.Status = status
		event.Accepted = e.protocol.accepts(status)
	}
	return event
}

// exchange posts t's result and reads the answer to its end.
func (e *engine) exchange(t task, timeout time.Duration) (status int, err error) {
	ctx, cancel := context.WithTimeout(e.ctx, timeout)
	defer cancel()
	body, err := json.Marshal(e.protocol.body(t))
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.callback.url.String(), bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the callback URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", e.protocol.agent)
	if user := t.callback.url.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	if e.protocol.sign != nil {
		e.protocol.sign(req.Header, time.Now())
	}
	for name, values := range t.callback.header {
		req.Header[name] = values
	}
	resp, err := e.client.RoundTrip(req)
	if err != nil {
		return 0, cmp.Or(ctx.Err(), err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return 0, cmp.Or(ctx.Err(), fmt.Errorf("the answer broke off: %w", err))
	}
	return resp.StatusCode, nil
}

const (
	maxURL     = 2048
	maxHeaders = 50
	maxHeader  = 8 << 10 // names and values together
)

// parseCallback reads the URL that the field called name holds. Its errors are
// sentences for the API's client.
func parseCallback(name, text string) (*url.URL, error) {
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return nil, fmt.Errorf("%s holds characters that a URL cannot hold: encode them", name)
		}
	}
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return nil, fmt.Errorf("%s is longer than %d characters", name, maxURL)
	case err != nil:
		return nil, fmt.Errorf("%s is not a URL", name)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%s must begin with http:// or https://", name)
	case u.Hostname() == "" || u.Opaque != "":
		return nil, fmt.Errorf("%s has no host", name)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// ownHeaders are what the connection or the message itself decides.
var ownHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Expect": true, "Host": true, "Keep-Alive": true,
	"Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// parseHeaders checks the headers that the field called name holds.
func parseHeaders(field string, headers map[string]string) (http.Header, error) {
	if len(headers) > maxHeaders {
		return nil, fmt.Errorf("%s has more than %d headers", field, maxHeaders)
	}
	parsed, size := http.Header{}, 0
	for name, value := range headers {
		key := textproto.CanonicalMIMEHeaderKey(name)
		size += len(name) + len(value)
		switch {
		case !isToken(name):
			return nil, fmt.Errorf("%s has a name that no header can have: %.60q", field, name)
		case ownHeaders[key]:
			return nil, fmt.Errorf("%s may not set %s", field, key)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return nil, fmt.Errorf("%s has a line break or control character in the value of %s", field, key)
		case parsed[key] != nil:
			return nil, fmt.Errorf("%s names %s twice", field, key)
		case size > maxHeader:
			return nil, fmt.Errorf("%s is larger than %d bytes", field, maxHeader)
		}
		parsed[key] = []string{value}
	}
	return parsed, nil
}

// isToken reports whether name can be the name of a header.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}
