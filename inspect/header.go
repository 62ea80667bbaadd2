package inspect

import (
	"bytes"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// HeaderLines yields name and value of every line of h: the names sorted, each
// name's values in order.
func HeaderLines(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			for _, v := range h[name] {
				if !yield(name, v) {
					return
				}
			}
		}
	}
}

// HopByHop reports whether a header, by its canonical name, belongs to one
// connection, so that it is never passed on: RFC 9110 section 7.6.1, besides
// those that Connection names.
func HopByHop(name string) bool { return hopByHop[name] }

var hopByHop = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true,
	"Upgrade": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
}

// EndToEnd returns h without the headers of its connection; h itself where it
// has none, so the result is not to be changed.
func EndToEnd(h http.Header) http.Header {
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

// encodeHeader writes h as one line "Name: value\n" for each value, in the
// order of HeaderLines. nil gives nil, an empty h an empty slice. Values hold
// no LF: no HTTP parser lets one pass.
func encodeHeader(h http.Header) []byte {
	if h == nil {
		return nil
	}
	buf := make([]byte, 0, 1024)
	for name, v := range HeaderLines(h) {
		buf = append(buf, name...)
		buf = append(buf, ": "...)
		buf = append(buf, v...)
		buf = append(buf, '\n')
	}
	return buf
}

// decodeHeader is the inverse of encodeHeader.
func decodeHeader(b []byte) http.Header {
	if b == nil {
		return nil
	}
	h := make(http.Header, bytes.Count(b, []byte{'\n'}))
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		h[name] = append(h[name], value)
	}
	return h
}
