package replay

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestParseHandler(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"3000", "http://localhost:3000"},
		{" 3000 ", "http://localhost:3000"},
		{":3000", "http://localhost:3000"},
		{":3000/hook", "http://localhost:3000/hook"},
		{"3000/hook?a=1", "http://localhost:3000/hook?a=1"},
		{"localhost:3000", "http://localhost:3000"},
		{"localhost:3000/hook", "http://localhost:3000/hook"},
		{"127.0.0.1:3000", "http://127.0.0.1:3000"},
		{"[::1]:3000", "http://[::1]:3000"},
		{"myhost", "http://myhost"},
		{"http://localhost", "http://localhost"},
		{"HTTPS://Example.com/a%2Fb/", "https://Example.com/a%2Fb/"},
		{"http://localhost:65535/?x=1", "http://localhost:65535/?x=1"},
	} {
		u, err := ParseHandler(tt.in)
		if err != nil || u.String() != tt.want {
			t.Errorf("%q: got %v %v, want %s", tt.in, u, err, tt.want)
		}
	}
	for _, tt := range []struct{ in, why string }{
		{"", "it is empty"},
		{"  ", "it is empty"},
		{"0", "a port is from 1 to 65535"},
		{"65536", "a port is from 1 to 65535"},
		{"-1", "a port is from 1 to 65535"},
		{":0", "a port is from 1 to 65535"},
		{"localhost:99999", "a port is from 1 to 65535"},
		{"localhost:http", "cannot be read"},
		{"/hook", "names no host"},
		{"http://", "names no host"},
		{"http://:3000", "names no host"},
		{"ftp://localhost", "its scheme is ftp"},
		{"unix:///tmp/s", "its scheme is unix"},
		{"http://me:secret@localhost", "user name"},
		{"http://localhost/#a", "fragment"},
		{"http://localhost/a b", "a space"},
		{"http://localhost/?a=b c", "a space"},
		{"http://localhost/\r\nX: 1", "a space"},
		{"http://localhost/%zz", "cannot be read"},
		{"http://local\x00host", "cannot be read"},
	} {
		u, err := ParseHandler(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.why) || !strings.Contains(err.Error(), "give a port (3000)") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v %v, want an error with %q and what to do", tt.in, u, err, tt.why)
		}
	}
}

func TestParseRoute(t *testing.T) {
	for _, tt := range []struct{ in, prefix, url string }{
		{"/stripe=4242", "/stripe", "http://localhost:4242"},
		{"/stripe/=http://localhost:4242/hook?a=b", "/stripe", "http://localhost:4242/hook?a=b"},
		{"/=3000", "/", "http://localhost:3000"},
	} {
		r, err := ParseRoute(tt.in)
		if err != nil || r.Prefix != tt.prefix || r.URL.String() != tt.url {
			t.Errorf("%q: got %+v %v", tt.in, r, err)
		}
	}
	for _, in := range []string{"", "/stripe", "stripe=3000", "=3000", "/stripe=", "/stripe=ftp://x"} {
		if r, err := ParseRoute(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, r)
		}
	}
}

func TestParseHeader(t *testing.T) {
	for _, tt := range []struct {
		in, name string
		values   []string
	}{
		{"X-A: 1", "X-A", []string{"1"}},
		{"x-a:1:2", "X-A", []string{"1:2"}},
		{" x-a : a b ", "X-A", []string{"a b"}},
		{"X-A:", "X-A", nil},
		{"host: h:1", "Host", []string{"h:1"}},
		{"X-A: caf\xe9", "X-A", []string{"caf\xe9"}},
	} {
		name, values, err := ParseHeader(tt.in)
		if err != nil || name != tt.name || !reflect.DeepEqual(values, tt.values) {
			t.Errorf("%q: got %q %q %v", tt.in, name, values, err)
		}
	}
	for _, in := range []string{"", "X-A", ": 1", " : 1", "X A: 1", "X-A: a\x00b", "X-A: a\nb", "X-A: a\rb", "X\nA: 1", "Host: a b", "Hé: 1"} {
		if name, values, err := ParseHeader(in); err == nil {
			t.Errorf("%q: got %q %q, want an error", in, name, values)
		}
	}
	if err := CheckHeader(http.Header{"X-A": {"tab\tis", ""}, "X-B": nil}); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

func TestDestinations(t *testing.T) {
	for _, tt := range []struct{ handler, target, want string }{
		{"http://h", "/", "http://h/"},
		{"http://h/", "/a?b", "http://h/a?b"},
		{"http://h", "/a%2Fb?x=1;y=2&z=%zz", "http://h/a%2Fb?x=1;y=2&z=%zz"},
		{"http://h", "//a?b", "http://h//a?b"},
		{"http://h", "*", "http://h *"},
		{"http://h", "http://p.test/a?b", "http://h/a?b"},
		{"http://h", "http://p.test?b", "http://h/?b"},
		{"http://h", "p.test:443", "http://h/"},
		{"http://h/p", "/a", "http://h/p"},
		{"http://h/p", "/a?", "http://h/p?"},
		{"http://h/p", "/a?b&b", "http://h/p?b&b"},
		{"http://h/p?k", "/a?b", "http://h/p?k&b"},
		{"http://h/p?k", "/a", "http://h/p?k"},
		{"http://h?k", "/a", "http://h/a?k"},
		{"http://h/?k", "/a?b", "http://h/a?k&b"},
		{"http://h/p%2Fq/", "/a", "http://h/p%2Fq/"},
		{"http://h/p", "*", "http://h/p"},
		{"http://[::1]:80/p", "/a", "http://[::1]:80/p"},
	} {
		u := mustURL(t, tt.handler)
		got := join(u, tt.target)
		if got.String() != tt.want {
			t.Errorf("%s to %s: got %s, want %s", tt.target, tt.handler, got, tt.want)
		}
		if back, ok := parseDestination(got.String()); !ok || back != got {
			t.Errorf("%s read again: got %+v %t, want %+v", got, back, ok, got)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"https://h", "https://h/"}, {"https://h?x", "https://h/?x"}, {"https://h/a//b?x/y", "https://h/a//b?x/y"},
	} {
		if got, ok := parseDestination(tt.in); !ok || got.String() != tt.want {
			t.Errorf("%s: got %s %t, want %s", tt.in, got, ok, tt.want)
		}
	}
	for _, in := range []string{"", "h", "/x", "http://", "://h/", "http:///x"} {
		if got, ok := parseDestination(in); ok {
			t.Errorf("%q: got %+v, want it refused", in, got)
		}
	}
}

func TestRouteOfTarget(t *testing.T) {
	h := &Handler{URL: mustURL(t, "http://main"), Routes: []Route{
		{"/a", mustURL(t, "http://a")}, {"/a/b", mustURL(t, "http://ab")}, {"/a%2Fb", mustURL(t, "http://escaped")},
	}}
	for _, tt := range []struct{ target, want string }{
		{"/", "main"},
		{"/a", "a"},
		{"/a?x", "a"},
		{"/a/", "a"},
		{"/a/c", "a"},
		{"/ab", "main"},
		{"/a/b", "ab"},
		{"/a/b/c?d", "ab"},
		{"/a/bc", "a"},
		{"/a%2Fb", "escaped"},
		{"http://p.test/a/b", "ab"},
		{"*", "main"},
		{"//a", "main"},
		{"/x?/a", "main"},
	} {
		if got := h.target(tt.target).host; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.target, got, tt.want)
		}
	}
	h.URL = nil
	if got := h.target("/other"); got != (destination{}) {
		t.Errorf("outside all routes: got %+v, want none", got)
	}
	h.Routes = append(h.Routes, must(ParseRoute("/=3000")))
	if got := h.target("/other").host; got != "localhost:3000" {
		t.Errorf("a route for all: got %s", got)
	}
	if got := len(h.URLs()); got != 4 {
		t.Errorf("URLs: got %d, want 4", got)
	}
	if got := (*Handler)(nil).URLs(); got != nil {
		t.Errorf("URLs of none: got %v", got)
	}
}

func TestTrimEditorNewline(t *testing.T) {
	for _, tt := range []struct{ original, edited, want string }{
		{"{}", "{}\n", "{}"}, {"{}", "{}\r\n", "{}"}, {"{}", "{}", "{}"}, {"{}\n", "{}\n", "{}\n"}, {"", "\n", ""}, {"a", "a\n\n", "a\n"}, {"a\r\nb", "a\r\nc\r\n", "a\r\nc"},
	} {
		if got := TrimEditorNewline([]byte(tt.original), []byte(tt.edited)); string(got) != tt.want {
			t.Errorf("%q edited to %q: got %q, want %q", tt.original, tt.edited, got, tt.want)
		}
	}
}
