package replay

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hookloop/inspect"
)

func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func gzipped(s string) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return buf.String()
}

func random(n int) string {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return string(b)
}

var bodies = []struct{ name, body string }{
	{"empty", ""},
	{"all 256 bytes", allBytes()},
	{"gzip", gzipped(`{"a":1}`)},
	{"broken gzip", gzipped(`{"a":1}`)[:12]},
	{"CRLF", "a\r\nb\r\n\r\nc"},
	{"looks like an end of headers", "\r\n\r\nPOST / HTTP/1.1\r\n\r\n"},
	{"looks like chunks", "5\r\nhello\r\n0\r\n\r\n"},
	{"BOM", "\xef\xbb\xbf{}"},
	{"UTF-16", "\xff\xfe{\x00}\x00"},
	{"invalid UTF-8", "a\xc3\x28\xff"},
	{"surrogates and overlong", "\xed\xa0\x80\xc0\x80"},
	{"NUL", "a\x00b"},
	{"only NUL", "\x00"},
	{"only a newline", "\n"},
	{"trailing newline", "{}\n"},
	{"JSON with big ints, duplicate keys and odd spacing", "{ \"id\" :12345678901234567890,\t\"id\":1e400 ,\"\\u0041\":\"\\ud83d\" }"},
	{"form", "a=1&a=2&b=%zz&c=;d+e"},
	{"multipart", "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n\x00\xff\r\n--x--\r\n"},
	{"XML", "<?xml version=\"1.0\" encoding=\"latin1\"?><a>\xe9</a>"},
	{"64 KiB", random(64 << 10)},
	{"64 KiB and one", random(64<<10 + 1)},
	{"1 MiB", random(1 << 20)},
	{"1 MiB and one", random(1<<20 + 1)},
	{"5 MiB", random(5 << 20)},
}

// chunks frames body in chunks of the sizes given, over and over.
func chunks(body string, sizes ...int) string {
	var b strings.Builder
	for i := 0; len(body) > 0; i++ {
		n := min(sizes[i%len(sizes)], len(body))
		fmt.Fprintf(&b, "%x;ext=\"1\"\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// sha256(body sent) = stored = forwarded = replayed = exported.
func TestBodiesAreExact(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	for _, tt := range bodies {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chunked=%t", tt.name, chunked), func(t *testing.T) {
				wire := post("/hook", tt.body)
				if chunked {
					wire = request("POST /hook", "Transfer-Encoding: chunked") + chunks(tt.body, 1, 7, 4096, 65537, 1<<20)
				}
				if got := exchange(t, r.addr, wire); got.status() != 200 || string(got.body) != "ok" {
					t.Fatalf("answer: got %s %q, want the handler's", got.start, got.body)
				}
				want := sha256.Sum256([]byte(tt.body))
				same := func(where string, body []byte) {
					t.Helper()
					if sha256.Sum256(body) != want {
						t.Errorf("%s: got %s, want %s", where, short(body), short([]byte(tt.body)))
					}
				}
				same("forwarded", h.next(t).body)
				id := lastID(t, r)
				d, err := r.store.Delivery(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				same("stored", d.Body)
				if d.Size != int64(len(tt.body)) || d.Truncated {
					t.Errorf("size: got %d, truncated %t, want %d", d.Size, d.Truncated, len(tt.body))
				}
				if a := r.replay(t, id, Options{}); a.State != inspect.Answered || a.Sent != nil {
					t.Errorf("replay: got %s %q, sent %+v, want answered as delivered", a.State, a.Error, a.Sent)
				}
				same("replayed", h.next(t).body)
				if !chunked { // else the same again
					same("exported", exported(t, d))
				}
			})
		}
	}
	h.none(t)
	r.balanced(t, 0)
}

func lastID(t testing.TB, r *rig) int64 {
	t.Helper()
	ids, err := r.store.Resolve(t.Context(), "last")
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

// exported returns the body of a delivery that was exported and read again.
func exported(t testing.TB, d *inspect.Delivery) []byte {
	t.Helper()
	var file bytes.Buffer
	err := inspect.WriteJSONL(&file, func(yield func(inspect.Record, error) bool) {
		yield(inspect.Record{Delivery: d}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range inspect.ReadJSONL(&file) {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(rec.Delivery.Header, d.Header) {
			t.Errorf("exported headers:\n got %q\nwant %q", rec.Delivery.Header, d.Header)
		}
		return rec.Delivery.Body
	}
	t.Fatal("the export is empty")
	return nil
}

var headerSets = []struct {
	name  string
	lines []string
	gone  []string // names of lines that are of the connection
}{
	{name: "none"},
	{name: "repeated", lines: []string{"X-A: 1", "X-B: b", "X-A: 2", "X-A: 1"}},
	{name: "order within a name", lines: []string{"X-A: z", "X-A: a", "X-A: m", "x-a: A"}},
	{name: "empty value", lines: []string{"X-Empty:", "X-Empty: ", "X-Full: 1"}},
	{name: "obs-text", lines: []string{"X-Latin: caf\xe9", "X-Bytes: \x80\xfe\xff", "X-UTF8: h\u00e9"}},
	{name: "tab inside", lines: []string{"X-Tab: a\tb"}},
	{name: "odd case", lines: []string{"x-lower: 1", "X-UPPER-CASE: 2", "x-mIxEd: 3", "ETAG: 4", "WWW-authenticate: 5"}},
	{name: "odd names", lines: []string{"X_Under_Score: 1", "1digit: 2", "!#$%&'*+.^_`|~: 3"}},
	{name: "very long", lines: []string{"X-Long: " + strings.Repeat("a", 100_000)}},
	{name: "many", lines: many(300)},
	{name: "commas and quotes", lines: []string{`X-List: a, "b,c" ,d`, "X-List: e", `Link: <a>; rel="b"`}},
	{name: "User-Agent", lines: []string{"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)"}},
	{name: "User-Agent repeated", lines: []string{"User-Agent: a", "User-Agent: b"}},
	{name: "User-Agent empty", lines: []string{"User-Agent:"}},
	{name: "Accept-Encoding", lines: []string{"Accept-Encoding: gzip, br;q=0.5"}},
	{name: "Accept-Encoding empty", lines: []string{"Accept-Encoding:"}},
	{name: "cookies", lines: []string{"Cookie: a=1; b=2", "Cookie: c=3", "Set-Cookie: d=4", "Set-Cookie: e=5"}},
	{name: "Content-Type odd", lines: []string{"Content-Type: application/JSON;Charset=\"utf-8\" ; x", "Content-Encoding: gzip"}},
	{name: "forwarding headers", lines: []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "Forwarded: for=1", "Via: 1.1 a"}},
	{name: "credentials", lines: []string{"Authorization: Basic YTpi", "X-Api-Key: k"}},
	{name: "Idempotency-Key", lines: []string{"Idempotency-Key: k1", "X-Idempotency-Key: k2"}},
	{name: "range and conditions", lines: []string{"Range: bytes=0-1", "If-None-Match: *", "Cache-Control: no-store", "Pragma: x"}},
	{name: "dates and origin", lines: []string{"Date: yesterday", "Origin: null", "Referer: x", "From: me", "Expect-Ct: 1"}},
	{
		name: "Connection names some", lines: []string{"Connection: X-Hop , x-other", "Connection: keep-alive", "X-Hop: 1", "X-Other: 2", "X-End: 3"},
		gone: []string{"connection", "x-hop", "x-other"},
	},
	{
		name:  "hop-by-hop",
		lines: []string{"TE: trailers", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: x", "Proxy-Authenticate: y", "X-End: 1"},
		gone:  []string{"te", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"},
	},
	{
		name: "h2c offer", lines: []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "X-End: 1"},
		gone: []string{"connection", "upgrade", "http2-settings"},
	},
	{
		name: "Upgrade that is not asked for", lines: []string{"Upgrade: websocket", "X-End: 1"},
		gone: []string{"upgrade"},
	},
}

func many(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("X-Many-%d: %d", i%100, i))
	}
	return lines
}

// Exactly the headers of the connection go, and nothing is added.
func TestHeadersAreExact(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	for _, tt := range headerSets {
		for _, body := range []string{"", "{}"} {
			t.Run(fmt.Sprintf("%s/%d bytes", tt.name, len(body)), func(t *testing.T) {
				sent := &message{lines: append([]string{"Host: example.test"}, tt.lines...)}
				want := sent.endToEnd(tt.gone...)
				exchange(t, r.addr, post("/hook", body, tt.lines...))
				check := func(how string, m *message) {
					t.Helper()
					if got := m.endToEnd(); !slices.Equal(got, want) {
						t.Errorf("%s:\n got %q\nwant %q", how, got, want)
					}
					if got := m.header("Content-Length"); !slices.Equal(got, []string{strconv.Itoa(len(body))}) {
						t.Errorf("%s: Content-Length: got %q, want %d", how, got, len(body))
					}
					if got := m.header("Transfer-Encoding"); got != nil {
						t.Errorf("%s: Transfer-Encoding: got %q, want none", how, got)
					}
				}
				check("forwarded", h.next(t))
				id := lastID(t, r)
				d, err := r.store.Delivery(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				stored := canonical(append(slices.Clone(tt.lines), "Content-Length: "+strconv.Itoa(len(body))))
				if !reflect.DeepEqual(d.Header, stored) {
					t.Errorf("stored:\n got %q\nwant %q", d.Header, stored)
				}
				if a := r.replay(t, id, Options{}); a.Sent != nil {
					t.Errorf("replay: got sent %+v, want nil", a.Sent)
				}
				check("replayed", h.next(t))
			})
		}
	}
	h.none(t)
}

// What frames a message without a body is as it was received.
func TestLengthOfEmptyBodies(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"} {
		for _, tt := range []struct{ sent, want []string }{
			{nil, nil},
			{[]string{"Content-Length: 0"}, []string{"0"}},
		} {
			exchange(t, r.addr, request(method+" /x", tt.sent...))
			got := h.next(t)
			if !slices.Equal(got.header("Content-Length"), tt.want) || got.header("Transfer-Encoding") != nil {
				t.Errorf("%s with %q: got %q, want Content-Length %q", method, tt.sent, got.lines, tt.want)
			}
			if got := got.endToEnd(); !slices.Equal(got, []string{"host: example.test"}) {
				t.Errorf("%s: got %q, want only the host", method, got)
			}
		}
		exchange(t, r.addr, request(method+" /x", "Transfer-Encoding: chunked")+"0\r\n\r\n")
		if got := h.next(t); !slices.Equal(got.header("Content-Length"), []string{"0"}) {
			t.Errorf("%s with no chunks: got %q, want Content-Length 0", method, got.lines)
		}
	}
}

func TestTargetsAreVerbatim(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	for _, tt := range []struct{ start, want string }{
		{"POST /a%2Fb?x=1;y=2&z=%zz", ""},
		{"POST /", ""},
		{"POST /?", ""},
		{"POST /a?", ""},
		{"POST /a??b?c", ""},
		{"POST //double", ""},
		{"POST //double//x?y=//z", ""},
		{"POST //double?", ""},
		{"POST //a%2fb%2F", ""},
		{"POST ///", ""},
		{`POST /{"<^`, ""},
		{"POST /a\\b|c`d", ""},
		{"POST /%00%ff", ""},
		{"POST /caf\xc3\xa9\xff?\xff", ""},
		{"POST /a;b=1,c/../d/./e", ""},
		{"POST /a#b?c#d", ""},
		{"POST /%e4%F6?%E4=%f6+x y"[:21], ""},
		{"POST /x:80", ""},
		{"POST /http://example.com/", ""},
		{"POST /?redirect=http://example.com//x", ""},
		{"POST /" + strings.Repeat("long/", 20_000) + "?" + strings.Repeat("q=1&", 20_000), ""},
		{"GET http://example.test/abs?x=1;y", "GET /abs?x=1;y"},
		{"GET http://example.test", "GET /"},
		{"GET http://example.test?x", "GET /?x"},
		{"GET http://example.test//d?x", "GET //d?x"},
		{"OPTIONS *", ""},
		{"M-SEARCH /x", ""},
		{"PROPFIND /x", ""},
		{"post /lower", ""},
		{"X!#$%&'*+-.^_`|~ /odd", ""},
		{"DELETE /x", ""},
		{"PATCH /x", ""},
		{"TRACE /x", ""},
		{"PURGE /x", ""},
	} {
		want := tt.want
		if want == "" {
			want = tt.start
		}
		exchange(t, r.addr, request(tt.start))
		if got := h.next(t).start; got != want+" HTTP/1.1" {
			t.Errorf("forwarded: got %.100q, want %.100q", got, want)
		}
		d := must(r.store.Delivery(t.Context(), lastID(t, r)))
		if method, target, _ := strings.Cut(tt.start, " "); d.Method != method || d.Target != target {
			t.Errorf("stored: got %q %.100q, want %.100q", d.Method, d.Target, tt.start)
		}
		r.replay(t, d.ID, Options{})
		if got := h.next(t).start; got != want+" HTTP/1.1" {
			t.Errorf("replayed: got %.100q, want %.100q", got, want)
		}
		handler := r.sender.Handler
		r.sender.Handler = nil // where it went before
		r.replay(t, d.ID, Options{})
		r.sender.Handler = handler
		if got := h.next(t).start; got != want+" HTTP/1.1" {
			t.Errorf("replayed without a handler: got %.100q, want %.100q", got, want)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestHosts(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	for _, host := range []string{"example.test", "ExAmPle.Test:80", "[::1]:8080", "a_b.test", "xn--bcher-kva.test", "-.test.", "1.2.3.4:65535"} {
		exchange(t, r.addr, "POST / HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 0\r\n\r\n")
		if got := h.next(t).header("Host"); !slices.Equal(got, []string{host}) {
			t.Errorf("got %q, want %q", got, host)
		}
	}
	exchange(t, r.addr, "GET / HTTP/1.0\r\n\r\n")
	if got := h.next(t).header("Host"); !slices.Equal(got, []string{h.addr}) {
		t.Errorf("without one: got %q, want the handler's", got)
	}
	if a := r.attempt(t, lastID(t, r), 1); a.Sent == nil || a.Sent.Host != h.addr {
		t.Errorf("without one: got %+v, want it recorded", a.Sent)
	}
	r.sender.HostHeader = "rewrite"
	exchange(t, r.addr, post("/", ""))
	if got := h.next(t).header("Host"); !slices.Equal(got, []string{h.addr}) {
		t.Errorf("rewritten: got %q, want %q", got, h.addr)
	}
	r.sender.HostHeader = "my.test:1"
	exchange(t, r.addr, post("/", ""))
	if got := h.next(t).header("Host"); !slices.Equal(got, []string{"my.test:1"}) {
		t.Errorf("chosen: got %q, want my.test:1", got)
	}
	if a := r.attempt(t, lastID(t, r), 1); a.Sent == nil || a.Sent.Host != "my.test:1" || a.Sent.Header != nil || a.Sent.Edited {
		t.Errorf("chosen: got %+v, want the Host alone recorded", a.Sent)
	}
}

func TestExpectContinue(t *testing.T) {
	h := recordTCP(t, "HTTP/1.1 100 Continue\r\n\r\n"+ok200)
	r := new(rig).start(t, h.addr)
	conn, br := dial(t, r.addr)
	write(t, conn, request("POST /x", "Expect: 100-continue", "Content-Length: 5"))
	if m, err := readMessage(br, true); err != nil || m.status() != 100 {
		t.Fatalf("got %+v %v, want 100 Continue", m, err)
	}
	write(t, conn, "hello")
	if m, err := readMessage(br, true); err != nil || m.status() != 200 {
		t.Fatalf("got %+v %v, want 200", m, err)
	}
	m := h.next(t)
	if string(m.body) != "hello" || !slices.Equal(m.header("Expect"), []string{"100-continue"}) {
		t.Errorf("forwarded: got %q %q, want Expect and the body", m.lines, m.body)
	}
}

func TestTrailersOfRequests(t *testing.T) {
	h := recordTCP(t, ok200)
	r := new(rig).start(t, h.addr)
	for _, body := range []string{"", "hello"} {
		for _, method := range []string{"POST", "GET"} {
			framed := strings.TrimSuffix(chunks(body, 2), "\r\n")
			exchange(t, r.addr, request(method+" /x", "Trailer: X-Sum", "Transfer-Encoding: chunked")+framed+"X-Sum: 1\r\nX-Sum: 2\r\n\r\n")
			id := lastID(t, r)
			r.replay(t, id, Options{})
			for _, how := range []string{"forwarded", "replayed"} {
				m := h.next(t)
				if string(m.body) != body || !slices.Equal(m.trailer, []string{"X-Sum: 1", "X-Sum: 2"}) {
					t.Errorf("%s %s: got %q with %q, want %q with both trailers", how, method, m.body, m.trailer, body)
				}
			}
		}
	}
}
