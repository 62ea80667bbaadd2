package replay

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"hookloop/inspect"
)

// A plan is an attempt about to be made: its record, and the request as it will be sent.
type plan struct {
	record *inspect.Attempt
	dest   destination
	method string
	host   string
	header http.Header // end-to-end headers; not to be changed
	body   []byte

	headerSet, bodySet bool // by someone other than the delivery

	answer    *inspect.Response // in the handler's place; nil = it is sent
	transport http.RoundTripper // nil = the Sender's
	number    int               // of the delivery among those of its event, from 1; 0 = not counted
	since     time.Duration     // since the first of them
}

// plan works out what an attempt of d sends, and records where that differs
// from d. What frames the message (Content-Length, Connection and the like)
// follows from the body and the connection; overrides of it have no effect.
func (s *Sender) plan(d *inspect.Delivery, dest destination, o Options) *plan {
	if dest.host == "" {
		return &plan{}
	}
	p := &plan{
		dest: dest, method: cmp.Or(o.Method, d.Method), host: d.Host, header: inspect.EndToEnd(d.Header), body: d.Body,
		answer: o.Answer, transport: o.Transport,
	}
	switch s.HostHeader {
	case "", "preserve":
	case "rewrite":
		p.host = dest.host
	default:
		p.host = s.HostHeader
	}
	p.override(s.Header)
	p.override(o.Header)
	if o.Edited && (d.Truncated || !bytes.Equal(o.Body, d.Body)) {
		p.setBody(o.Body)
	}
	p.host = cmp.Or(p.host, dest.host) // HTTP/1.0 knows no Host
	p.record = &inspect.Attempt{
		Trigger: o.Trigger, State: inspect.Pending, StartedAt: time.Now().UTC(), URL: dest.String(), Sent: p.sent(d),
		Simulation: o.Simulation,
	}
	return p
}

// setBody puts another body in the place of the delivery's.
func (p *plan) setBody(body []byte) {
	p.body, p.bodySet = body, true
	if _, ok := p.header["Content-Length"]; ok {
		p.header, p.headerSet = maps.Clone(p.header), true
		p.header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
}

// sent says how p differs from d; nil = it does not.
func (p *plan) sent(d *inspect.Delivery) *inspect.Sent {
	sent := inspect.Sent{}
	differs := p.bodySet
	if p.bodySet {
		sent.Edited, sent.Body = true, p.body
	}
	if p.method != d.Method {
		sent.Method, differs = p.method, true
	}
	if p.host != d.Host {
		sent.Host, differs = p.host, true
	}
	if p.headerSet && !maps.EqualFunc(p.header, inspect.EndToEnd(d.Header), slices.Equal) {
		sent.Header, differs = p.header, true
	}
	if !differs {
		return nil
	}
	return &sent
}

// override sets headers, and removes those without values.
func (p *plan) override(h http.Header) {
	if len(h) == 0 {
		return
	}
	p.header, p.headerSet = maps.Clone(p.header), true
	if p.header == nil {
		p.header = http.Header{}
	}
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		switch {
		case inspect.HopByHop(name), name == "Content-Length":
		case name == "Host":
			if len(values) > 0 {
				p.host = values[0]
			}
		case len(values) == 0:
			delete(p.header, name)
		default:
			p.header[name] = values
		}
	}
}

// isUpgrade reports whether a request asks to leave HTTP, as WebSockets do.
// An offer to go on in HTTP/2 (h2c), which Java's client makes with every
// request, is none: it is of one connection, and not passed on.
func isUpgrade(h http.Header) bool {
	protocol := h.Get("Upgrade")
	return protocol != "" && !strings.EqualFold(protocol, "h2c") && httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade")
}

// CheckHeader says what is wrong with headers that a user edited, or nil.
func CheckHeader(h http.Header) error {
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q can't be the name of a header: only letters, digits and !#$%%&'*+-.^_`|~ can", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("the value of header %s has a line break or another control character in it: take it out", name)
			}
			if strings.EqualFold(name, "Host") && (v == "" || !httpguts.ValidHostHeader(v)) {
				return fmt.Errorf("%q can't be a Host header: give a name, or name:port", v)
			}
		}
	}
	return nil
}

// request builds what the transport sends. Its rules, besides the plan's:
//
//   - The target goes out verbatim.
//   - No header is invented. The transport adds some where it does not find
//     them by their canonical names, and takes others out: those are sent
//     under other capitals where that has to be prevented.
//   - It is sent once. The transport may send it on another connection only
//     where it has not written a byte.
//   - Trailers need chunks; all else that has a body has a Content-Length.
func (p *plan) request(ctx context.Context, d *inspect.Delivery, upgrade bool) *http.Request {
	req := (&http.Request{
		Method: p.method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: p.dest.url(), Header: p.header, Host: p.host,
		// Neither nil nor NoBody: the transport repeats requests with those.
		Body: io.NopCloser(bytes.NewReader(p.body)), ContentLength: int64(len(p.body)),
	}).WithContext(ctx)
	own := false // p.header is shared until it has to differ
	set := func(name string, values []string) {
		if !own {
			req.Header, own = make(http.Header, len(p.header)+4), true
			maps.Copy(req.Header, p.header)
		}
		req.Header[name] = values
	}
	if ua, ok := p.header["User-Agent"]; !ok || len(ua) != 1 || ua[0] == "" {
		set("User-Agent", noUserAgent)
		if ok {
			set("user-agent", ua)
		}
	}
	if upgrade {
		set("Connection", []string{"Upgrade"})
		set("Upgrade", d.Header["Upgrade"])
	}
	switch {
	case len(d.Trailer) > 0:
		req.Trailer = d.Trailer
		req.ContentLength, req.TransferEncoding = -1, []string{"chunked"}
	case len(p.body) == 0:
		req.ContentLength, req.TransferEncoding = -1, []string{"identity"} // says nothing about the length
		if len(d.Header["Content-Length"])+len(d.Header["Transfer-Encoding"]) > 0 {
			set("content-length", []string{"0"})
		}
	}
	switch p.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace: // which it would repeat
	default:
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} { // with which, too
			if v, ok := p.header[name]; ok {
				set(strings.ToLower(name), v)
				delete(req.Header, name)
			}
		}
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	return req
}

// noUserAgent keeps the transport from adding its own. It is never written to.
var noUserAgent = []string{""}
