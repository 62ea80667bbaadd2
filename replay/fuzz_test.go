package replay

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"hookloop/inspect"
)

// Request in = request out, for what net/http lets in: what is written for a
// delivery is what a server reads as that delivery.
func FuzzRequest(f *testing.F) {
	for _, s := range []struct{ method, target, header, body string }{
		{"POST", "/a%2Fb?x=1;y=2&z=%zz", "X-A: 1\nX-A: 2\nUser-Agent: u", "{}"},
		{"GET", "//double?", "Idempotency-Key: k\nUser-Agent:", ""},
		{"OPTIONS", "*", "Connection: X-A\nX-A: 1\nTe: trailers", "\x00\xff"},
		{"M-SEARCH", "http://h/x", "Accept-Encoding: gzip\nContent-Length: 0", ""},
		{"POST", `/{"<^`, "Transfer-Encoding: chunked\nExpect: 100-continue", "x"},
		{"TRACE", "/", "Upgrade: h2c\nConnection: Upgrade", ""},
	} {
		f.Add(s.method, s.target, s.header, []byte(s.body))
	}
	f.Fuzz(func(t *testing.T, method, target, lines string, body []byte) {
		if !httpguts.ValidHeaderFieldName(method) || method == http.MethodConnect || method == "PRI" {
			t.Skip()
		}
		d := &inspect.Delivery{Method: method, Target: target, Host: "example.test", Header: http.Header{}, Body: body}
		for line := range strings.SplitSeq(lines, "\n") {
			name, value, ok := strings.Cut(line, ":")
			value = strings.Trim(value, " \t")
			if ok && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) {
				d.Header.Add(name, value)
			}
		}
		// As it would have arrived.
		for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Pragma"} {
			delete(d.Header, name)
		}
		if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"))); err != nil {
			t.Skip()
		}
		d.Header["Content-Length"] = []string{fmt.Sprint(len(body))}

		s := &Sender{}
		p := s.plan(d, join(mustURL(t, "http://handler.test"), target), Options{})
		var wire bytes.Buffer
		if err := p.request(t.Context(), d, false).Write(&wire); err != nil {
			t.Fatal(err)
		}
		m, err := readMessage(bufio.NewReader(bytes.NewReader(wire.Bytes())), true)
		if err != nil {
			t.Fatalf("%v in %q", err, wire.Bytes())
		}
		if want := originForm(target); !encodedBelow(want) && m.start != method+" "+want+" HTTP/1.1" {
			t.Errorf("got %q, want %s %q", m.start, method, want)
		}
		if !bytes.Equal(m.body, body) || !slices.Equal(m.header("Content-Length"), d.Header["Content-Length"]) {
			t.Errorf("body: got %q with %q, want %q", m.body, m.header("Content-Length"), body)
		}
		got, want := m.endToEnd(), (&message{lines: linesOf(inspect.EndToEnd(d.Header))}).endToEnd()
		if !slices.Equal(got, want) {
			t.Errorf("headers:\n got %q\nwant %q", got, want)
		}
		if p.record.Sent != nil {
			t.Errorf("recorded as different: %+v", p.record.Sent)
		}
		if back, ok := parseDestination(p.record.URL); !ok || back != p.dest {
			t.Errorf("%q read again: got %+v, want %+v", p.record.URL, back, p.dest)
		}
	})
}

// encodedBelow reports whether destination.url cannot keep target verbatim.
func encodedBelow(target string) bool {
	if !strings.HasPrefix(target, "//") {
		return false
	}
	path, _, _ := strings.Cut(target, "?")
	return destination{uri: path}.url().EscapedPath() != path
}

func linesOf(h http.Header) (lines []string) {
	lines = []string{"Host: example.test"}
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	return lines
}

func FuzzParseHandler(f *testing.F) {
	for _, s := range []string{"3000", "3000/x", ":80", "localhost:1/a?b", "http://[::1%25lo]:80", "https://h/%2f?q#f", "://", "http://a@b"} {
		f.Add(s, "/x?y")
	}
	f.Fuzz(func(t *testing.T, s, target string) {
		u, err := ParseHandler(s)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			t.Errorf("%q: got %+v", s, u)
		}
		if !strings.HasPrefix(target, "/") {
			return
		}
		d := join(u, target)
		if strings.ContainsAny(d.uri, " \r\n\x00") && !strings.ContainsAny(target, " \r\n\x00") {
			t.Errorf("%q and %q make the target %q", s, target, d.uri)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{"X-A: 1", "x-a:", "Host: h", "X-A: a\r\nX-B: b", "é: 1", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, values, err := ParseHeader(s)
		if err == nil && (name == "" || strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00")) {
			t.Errorf("%q: got %q %q", s, name, values)
		}
	})
}
