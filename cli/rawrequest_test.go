package cli

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseRequest(t *testing.T) {
	at := time.Unix(1760000000, 0)
	for _, test := range []struct {
		name, in                  string
		method, target, url, body string
		header                    http.Header
		notes                     []string
	}{
		{
			name: "LF", in: "POST /hook?x=1;y=%zz HTTP/1.1\nHost: example.com\nX-A: 1\nx-a: 2\n\n{\"a\": 1}\n",
			method: "POST", target: "/hook?x=1;y=%zz", url: "https://example.com/hook?x=1;y=%zz", body: "{\"a\": 1}\n",
			header: http.Header{"X-A": {"1", "2"}},
		},
		{
			name: "CRLF", in: "PUT / HTTP/1.0\r\nHost: localhost:3000\r\nX-A:\t b \r\n\r\n\r\nx\r\n",
			method: "PUT", target: "/", url: "http://localhost:3000/", body: "\r\nx\r\n", header: http.Header{"X-A": {"b"}},
		},
		{
			name: "no version, no host, no body", in: "GET /x",
			method: "GET", target: "/x", header: http.Header{},
		},
		{
			name: "absolute", in: "POST https://a.test:8443/p?q HTTP/2\nHost: b.test\n\nB",
			method: "POST", target: "/p?q", url: "https://b.test/p?q", body: "B", header: http.Header{},
		},
		{
			name: "absolute without a path", in: "POST http://127.0.0.1?q HTTP/1.1\n\n",
			method: "POST", target: "/?q", url: "http://127.0.0.1?q", header: http.Header{},
		},
		{
			name: "asterisk", in: "OPTIONS * HTTP/1.1\nHost: [::1]\n\n",
			method: "OPTIONS", target: "*", header: http.Header{},
		},
		{
			name: "an editor's newline", in: "\r\n\nPOST / HTTP/1.1\nContent-Length: 2\n\n{}\n",
			method: "POST", target: "/", body: "{}", header: http.Header{"Content-Length": {"2"}},
			notes: []string{"Content-Length is 2, so what follows was left out (bytes: 1)"},
		},
		{
			name: "too short", in: "POST / HTTP/1.1\nContent-Length: 9\n\n{}",
			method: "POST", target: "/", body: "{}", header: http.Header{"Content-Length": {"9"}},
			notes: []string{"Content-Length is 9, but only 2 bytes of body are there: what was saved is not all of it"},
		},
		{
			name: "chunked", in: "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\n\n\r\n0\r\n\r\n",
			method: "POST", target: "/", body: "abc\n", header: http.Header{"Transfer-Encoding": {"Chunked"}},
		},
		{
			name: "chunked no more", in: "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n{\"a\":1}",
			method: "POST", target: "/", body: "{\"a\":1}", header: http.Header{"Transfer-Encoding": {"chunked"}},
			notes: []string{"the body does not consist of chunks, as Transfer-Encoding has it, so it was taken as it stands"},
		},
		{
			name: "an editor's byte order mark", in: "\ufeffPOST / HTTP/1.1\r\n\r\n\ufeff{}",
			method: "POST", target: "/", body: "\ufeff{}", header: http.Header{},
		},
		{
			name: "any bytes", in: "POST / HTTP/1.1\nX-Utf: ü\n\n\x00\xff\x1f\x8b",
			method: "POST", target: "/", body: "\x00\xff\x1f\x8b", header: http.Header{"X-Utf": {"ü"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, notes, err := parseRequest([]byte(test.in), at)
			if err != nil {
				t.Fatal(err)
			}
			if r.Method != test.method || r.Target != test.target || r.URL != test.url || string(r.Body) != test.body || !r.Time.Equal(at) {
				t.Errorf("got %s %s (%s) %q at %s, want %s %s (%s) %q", r.Method, r.Target, r.URL, r.Body, r.Time, test.method, test.target, test.url, test.body)
			}
			if !reflect.DeepEqual(r.Header, test.header) {
				t.Errorf("got header %v, want %v", r.Header, test.header)
			}
			if !reflect.DeepEqual(notes, test.notes) {
				t.Errorf("got notes %q, want %q", notes, test.notes)
			}
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", "empty"},
		{"\xff\xfeP\x00O\x00", "UTF-16"},
		{"\n\r\n", "empty"},
		{"{\"id\": 1}", "line 1: this is no request line"},
		{"HTTP/1.1 200 OK\n\n", "line 1: this is a response"},
		{"\nPOST hook HTTP/1.1\n\n", "line 2: this is no request line"},
		{"POST /a b HTTP/1.1\n\n", "line 1: this is no request line"},
		{"POST /a HTTP/1.1x\n\n", "line 1: this is no request line"},
		{"POST ftp://a/ HTTP/1.1\n\n", "line 1: this is no request line"},
		{"POST / HTTP/1.1\nA: 1\n and more\n\n", "line 3: the header goes on"},
		{"POST / HTTP/1.1\nA: 1\n{\"a\": 1}\n", "line 3: this is no header"},
		{"POST / HTTP/1.1\nA : 1\n\n", "line 2: this is no header"},
		{"POST / HTTP/1.1\nA: \x01\n\n", "line 2: the header A has a control character"},
		{"POST / HTTP/1.1\nContent-Length: -1\n\n", "Content-Length"},
		{"POST / HTTP/1.1\nContent-Length: 1\nContent-Length: 1\n\nx", "Content-Length"},
		{"POST / HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\nx", "Transfer-Encoding"},
	} {
		r, _, err := parseRequest([]byte(test.in), time.Now())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, error %v; want an error with %q", test.in, r, err, test.want)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for _, test := range []struct{ given, target, want string }{
		{"https://a.test", "/hook?x=1", "https://a.test/hook?x=1"},
		{"https://a.test/", "/hook", "https://a.test/"},
		{"https://a.test/other?y", "/hook", "https://a.test/other?y"},
		{"a.test/hook", "/hook", ""},
		{"ftp://a.test", "/hook", ""},
	} {
		got, err := publicURL(test.given, test.target)
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: got %q, error %v; want %q", test.given, got, err, test.want)
		}
	}
}
