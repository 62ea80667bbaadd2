package replay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
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
}

// plan works out what an attempt of d sends, and records where that differs from d.
func (s *Sender) plan(d *inspect.Delivery, dest destination, o Options) *plan {
	if dest.host == "" {
		return &plan{}
	}
	p := &plan{dest: dest, method: d.Method, host: d.Host, header: endToEnd(d.Header), body: d.Body}
	sent := inspect.Sent{}
	differs := false
	if o.Method != "" && o.Method != d.Method {
		p.method, sent.Method, differs = o.Method, o.Method, true
	}
	switch s.HostHeader {
	case "", "preserve":
	case "rewrite":
		p.host = dest.host
	default:
		p.host = s.HostHeader
	}
	override := s.Header
	if len(o.Header) > 0 {
		override = maps.Clone(s.Header)
		if override == nil {
			override = http.Header{}
		}
		maps.Copy(override, o.Header)
	}
	if len(override) > 0 {
		p.header = maps.Clone(p.header)
		for name, values := range override {
			switch {
			case name == "Host" && len(values) > 0:
				p.host = values[0]
			case len(values) == 0:
				delete(p.header, name)
			default:
				p.header[name] = values
			}
		}
		sent.Header, differs = p.header, true
	}
	if p.host != d.Host {
		sent.Host, differs = p.host, true
	}
	if o.Edited {
		if _, ok := p.header["Content-Length"]; ok {
			p.header = maps.Clone(p.header)
			p.header["Content-Length"] = []string{strconv.Itoa(len(o.Body))}
			sent.Header = p.header
		}
		p.body, sent.Edited, sent.Body, differs = o.Body, true, o.Body, true
	}
	p.record = &inspect.Attempt{Trigger: o.Trigger, State: inspect.Pending, StartedAt: time.Now().UTC(), URL: dest.String()}
	if differs {
		p.record.Sent = &sent
	}
	return p
}

// hopByHop are the headers of one connection, which RFC 9110 section 7.6.1
// has a proxy take off, besides those that Connection names.
var hopByHop = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true,
	"Upgrade": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
}

// endToEnd returns h without the headers of its connection; h itself where it
// has none, so the result is not to be changed.
func endToEnd(h http.Header) http.Header {
	named := map[string]bool{}
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			named[http.CanonicalHeaderKey(strings.TrimSpace(token))] = true
		}
	}
	drop := func(name string) bool { return hopByHop[name] || named[name] }
	for name := range h {
		if drop(name) {
			h = maps.Clone(h)
			maps.DeleteFunc(h, func(name string, _ []string) bool { return drop(name) })
			break
		}
	}
	return h
}

// isUpgrade reports whether a request asks to leave HTTP, as WebSockets do.
func isUpgrade(h http.Header) bool {
	return h.Get("Upgrade") != "" && httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade")
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
		}
	}
	return nil
}

// request builds what the transport sends. Its rules, besides the plan's:
//
//   - The target goes out verbatim.
//   - No header is invented. The transport adds a User-Agent and retries on
//     an Idempotency-Key, both by their canonical names: they are sent under
//     other capitals where that has to be prevented.
//   - Trailers need chunks; all else has a Content-Length.
func (p *plan) request(ctx context.Context, d *inspect.Delivery, upgrade bool) *http.Request {
	req := (&http.Request{
		Method: p.method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL:    &url.URL{Scheme: p.dest.scheme, Host: p.dest.host, Opaque: p.dest.uri},
		Header: maps.Clone(p.header), Host: p.host,
		Body: http.NoBody, ContentLength: int64(len(p.body)),
	}).WithContext(ctx)
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if strings.HasPrefix(p.dest.uri, "//") { // url.URL would take it for a host
		if u, err := url.ParseRequestURI(p.dest.uri); err == nil {
			req.URL.Opaque, req.URL.Path, req.URL.RawPath, req.URL.RawQuery, req.URL.ForceQuery = "", u.Path, u.RawPath, u.RawQuery, u.ForceQuery
		}
	}
	if ua, ok := req.Header["User-Agent"]; !ok || len(ua) != 1 || ua[0] == "" {
		req.Header["User-Agent"] = []string{""}
		if ok {
			req.Header["user-agent"] = ua
		}
	}
	if len(p.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(p.body))
	} else {
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			if v, ok := req.Header[name]; ok {
				delete(req.Header, name)
				req.Header[strings.ToLower(name)] = v
			}
		}
		if slices.Contains(p.header["Content-Length"], "0") {
			req.TransferEncoding = []string{"identity"} // says Content-Length: 0
		}
	}
	if len(d.Trailer) > 0 {
		req.Trailer = d.Trailer
		req.ContentLength = -1
		req.Body = io.NopCloser(bytes.NewReader(p.body))
	}
	if upgrade {
		req.Header["Connection"] = []string{"Upgrade"}
		req.Header["Upgrade"] = d.Header["Upgrade"]
	}
	return req
}
