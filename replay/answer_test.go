package replay

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/inspect"
)

func respond(status string, body string, lines ...string) string {
	return "HTTP/1.1 " + status + "\r\n" + strings.Join(append(lines, "\r\n"), "\r\n") + body
}

// The handler's answer goes to the provider and into the record as it came.
func TestAnswersAreExact(t *testing.T) {
	long := random(200 << 10)
	for _, tt := range []struct {
		name, method, answer string
		body                 string
		close                bool // the connection's end is the body's
	}{
		{name: "nothing but a status", answer: respond("200 OK", "", "Content-Length: 0")},
		{name: "repeated headers in order", answer: respond("201 Created", "ok", "X-A: 2", "X-A: 1", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2", "Content-Length: 2"), body: "ok"},
		{name: "odd headers", answer: respond("200 OK", "ok", "X-Empty:", "X-Latin: caf\xe9", "x-lower: 1", "Via: 1.1 x", "Content-Length: 2"), body: "ok"},
		{name: "Date and Content-Type kept", answer: respond("200 OK", "{}", "Date: x", "Content-Type: a/b;c", "Server: s", "Content-Length: 2"), body: "{}"},
		{name: "no Content-Type for HTML", answer: respond("200 OK", "<html>", "Content-Length: 6"), body: "<html>"},
		{name: "gzip stays gzip", answer: respond("200 OK", gzipped("hello"), "Content-Encoding: gzip", "Content-Length: "+strconv.Itoa(len(gzipped("hello")))), body: gzipped("hello")},
		{name: "bytes", answer: respond("200 OK", allBytes(), "Content-Length: 256"), body: allBytes()},
		{name: "long", answer: respond("200 OK", long, "Content-Length: "+strconv.Itoa(len(long))), body: long},
		{name: "chunked", answer: respond("200 OK", chunks(long, 1, 70000), "Transfer-Encoding: chunked"), body: long},
		{name: "chunked and empty", answer: respond("200 OK", chunks(""), "Transfer-Encoding: chunked")},
		{name: "until the end of the connection", answer: respond("200 OK", long), body: long, close: true},
		{name: "HTTP/1.0", answer: "HTTP/1.0 200 OK\r\n\r\nold", body: "old", close: true},
		{name: "redirect", answer: respond("302 Found", "", "Location: http://127.0.0.1:1/elsewhere", "Content-Length: 0")},
		{name: "308 of a POST", answer: respond("308 Permanent Redirect", "", "Location: /elsewhere", "Content-Length: 0")},
		{name: "401", answer: respond("401 Unauthorized", "no", "WWW-Authenticate: Basic", "WWW-Authenticate: Digest", "Content-Length: 2"), body: "no"},
		{name: "410", answer: respond("410 Gone", "", "Content-Length: 0")},
		{name: "429", answer: respond("429 Too Many Requests", "", "Retry-After: 120", "Content-Length: 0")},
		{name: "500", answer: respond("500 Internal Server Error", "oops\n", "Content-Length: 5"), body: "oops\n"},
		{name: "unknown status", answer: respond("799 Odd", "x", "Content-Length: 1"), body: "x"},
		{name: "204", answer: respond("204 No Content", "", "X-A: 1")},
		{name: "304", answer: respond("304 Not Modified", "", "ETag: \"x\"")},
		{name: "HEAD", method: "HEAD", answer: respond("200 OK", "", "Content-Length: 12345", "Content-Type: a/b")},
		{name: "HEAD of something huge", method: "HEAD", answer: respond("200 OK", "", "Content-Length: 1234567890")},
		{name: "HEAD without a length", method: "HEAD", answer: respond("200 OK", "", "X-A: 1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
				for {
					if _, err := readMessage(br, true); err != nil {
						return
					}
					if _, err := io.WriteString(conn, tt.answer); err != nil || tt.close {
						return
					}
				}
			})
			r := new(rig).start(t, h.addr)
			wire := post("/", "x")
			if tt.method != "" {
				wire = request(tt.method + " /")
			}
			want, err := readMessage(bufio.NewReader(strings.NewReader(tt.answer)), tt.method != "HEAD")
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // over a kept connection, too
				got := exchange(t, r.addr, wire)
				if got.status() != want.status() || sha256.Sum256(got.body) != sha256.Sum256([]byte(tt.body)) {
					t.Errorf("got %s %s, want %s %s", got.start, short(got.body), want.start, short([]byte(tt.body)))
				}
				if !reflect.DeepEqual(got.endToEnd("connection"), want.endToEnd()) {
					t.Errorf("headers:\n got %q\nwant %q", got.endToEnd(), want.endToEnd())
				}
				if got, want := got.header("Content-Length"), want.header("Content-Length"); want != nil && !slices.Equal(got, want) {
					t.Errorf("Content-Length: got %q, want %q", got, want)
				}
			}
			a := r.attempt(t, 2, 1)
			if a.State != inspect.Answered || a.Error != "" || a.Response == nil {
				t.Fatalf("record: got %+v, want answered", a)
			}
			if a.Response.Status != want.status() || string(a.Response.Body) != tt.body || a.Response.Size != int64(len(tt.body)) || a.Response.Truncated {
				t.Errorf("record: got %d, %d of %d bytes, want %d, %d bytes", a.Response.Status, len(a.Response.Body), a.Response.Size, want.status(), len(tt.body))
			}
			for name, values := range canonical(want.lines) {
				if name != "Transfer-Encoding" && !slices.Equal(a.Response.Header[name], values) {
					t.Errorf("record: header %s: got %q, want %q", name, a.Response.Header[name], values)
				}
			}
			r.balanced(t, 0)
		})
	}
}

// The status and the body of what the handler says at once go on at once.
func TestAnswersAreNotHeldBack(t *testing.T) {
	more := make(chan struct{})
	addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			<-more
		}
	})
	r := new(rig).start(t, addr)
	conn, br := dial(t, r.addr)
	write(t, conn, post("/", "x"))
	if s, err := br.ReadString('\n'); err != nil || s != "HTTP/1.1 200 OK\r\n" {
		t.Fatalf("got %q %v, want the status while the handler runs", s, err)
	}
	for s := ""; s != "\r\n"; {
		s = must(br.ReadString('\n'))
	}
	for range 3 {
		got := make([]byte, len("4\r\npart\r\n"))
		if _, err := io.ReadFull(br, got); err != nil || string(got) != "4\r\npart\r\n" {
			t.Fatalf("got %q %v, want each part as it comes", got, err)
		}
		more <- struct{}{}
	}
	if a := r.attempt(t, 1, 1); string(a.Response.Body) != "partpartpart" {
		t.Errorf("record: got %q", a.Response.Body)
	}
}

func TestTrailersOfAnswers(t *testing.T) {
	for _, tt := range []struct{ name, head, trailer string }{
		{"announced", "Trailer: X-Sum, X-Other\r\n", "X-Sum: 1\r\nX-Sum: 2\r\nX-Other: 3\r\n"},
		{"not announced", "", "X-Sum: 1\r\nX-Sum: 2\r\n"},
		{"with the name of a header", "X-Sum: header\r\nTrailer: X-Sum\r\n", "X-Sum: trailer\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := recordTCP(t, "HTTP/1.1 200 OK\r\n"+tt.head+"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"+tt.trailer+"\r\n")
			r := new(rig).start(t, h.addr)
			got := exchange(t, r.addr, post("/", "x"))
			want := strings.Split(strings.TrimSuffix(tt.trailer, "\r\n"), "\r\n")
			slices.Sort(want)
			slices.Sort(got.trailer)
			if string(got.body) != "ok" || !slices.Equal(got.trailer, want) {
				t.Errorf("got %q with %q, want %q", got.body, got.trailer, want)
			}
			if a := r.attempt(t, 1, 1); !reflect.DeepEqual(a.Response.Trailer, canonical(want)) {
				t.Errorf("record: got %q, want %q", a.Response.Trailer, want)
			}
		})
	}
}

func TestInformationalAnswers(t *testing.T) {
	hints := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"
	h := recordTCP(t, "HTTP/1.1 100 Continue\r\n\r\n"+hints+"HTTP/1.1 102 Processing\r\n\r\n"+ok200)
	r := new(rig).start(t, h.addr)
	conn, br := dial(t, r.addr)
	write(t, conn, post("/", "x"))
	for _, want := range []struct {
		status int
		lines  []string
	}{{103, []string{"Link: </a>", "Link: </b>"}}, {102, nil}, {200, []string{"Content-Length: 2"}}} {
		m, err := readMessage(br, true)
		if err != nil || m.status() != want.status || !slices.Equal(m.lines, want.lines) {
			t.Fatalf("got %+v %v, want %+v", m, err, want)
		}
	}
	if a := r.attempt(t, 1, 1); a.Response.Status != 200 || a.Response.Header.Get("Link") != "" {
		t.Errorf("record: got %+v, want the final answer only", a.Response)
	}
	if m := exchange(t, r.addr, "POST / HTTP/1.0\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"); m.status() != 200 {
		t.Errorf("to HTTP/1.0: got %s, which it does not know", m.start)
	}
	if a := r.replay(t, 1, Options{}); a.Response.Status != 200 {
		t.Errorf("replay: got %+v", a)
	}
}

// A huge answer streams through; its first bytes are kept.
func TestHugeAnswer(t *testing.T) {
	const size = 100 << 20
	addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		block := make([]byte, 1<<20)
		for i := range block {
			block[i] = byte(i)
		}
		for range size >> 20 {
			_, _ = w.Write(block)
		}
	})
	r := &rig{}
	r.sender.MaxBody = 1 << 20
	r.start(t, addr)
	conn, br := dial(t, r.addr)
	write(t, conn, post("/", "x"))
	for s := ""; s != "\r\n"; {
		s = must(br.ReadString('\n'))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if n, err := io.CopyN(io.Discard, br, size); err != nil {
		t.Fatalf("got %d bytes and %v, want %d", n, err, size)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 30<<20 {
		t.Errorf("allocated %d MiB on the way, want a few", got>>20)
	}
	a := r.attempt(t, 1, 1)
	if len(a.Response.Body) != 1<<20 || a.Response.Size != size || !a.Response.Truncated || a.State != inspect.Answered {
		t.Errorf("record: got %s, %d of %d bytes, truncated %t", a.State, len(a.Response.Body), a.Response.Size, a.Response.Truncated)
	}
}

// What is kept of an answer, around the limits.
func TestKeptAnswer(t *testing.T) {
	const limit = 100_000
	for _, n := range []int{0, 1, limit - 1, limit, limit + 1, smallBody - 1, smallBody, smallBody + 1} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/chunked=%t", n, chunked), func(t *testing.T) {
				body := random(n)
				answer := respond("200 OK", body, "Content-Length: "+strconv.Itoa(n))
				if chunked {
					answer = respond("200 OK", chunks(body, 1000), "Transfer-Encoding: chunked")
				}
				r := &rig{}
				r.sender.MaxBody = limit
				r.start(t, recordTCP(t, answer).addr)
				if got := exchange(t, r.addr, post("/", "")); string(got.body) != body {
					t.Errorf("got %s", short(got.body))
				}
				a := r.attempt(t, 1, 1)
				if len(a.Response.Body) != min(n, limit) || a.Response.Size != int64(n) || a.Response.Truncated != (n > limit) {
					t.Errorf("record: got %d of %d bytes, truncated %t", len(a.Response.Body), a.Response.Size, a.Response.Truncated)
				}
			})
		}
	}
}

// A provider that stops reading holds the attempt no longer than the timeout.
func TestProviderThatDoesNotRead(t *testing.T) {
	addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
		block := make([]byte, 1<<20)
		for range 64 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	r := &rig{}
	r.sender.Timeout = time.Second
	r.start(t, addr)
	conn, _ := dial(t, r.addr)
	write(t, conn, post("/", "x"))
	a := r.attempt(t, 1, 1)
	if a.State != inspect.Errored || a.ErrorKind != inspect.ErrTimeout || !strings.Contains(a.Error, "finished its answer") {
		t.Errorf("got %s %s %q, want a timeout", a.State, a.ErrorKind, a.Error)
	}
}

// A stuckWriter is the connection of a provider that reads nothing: writing
// blocks until a deadline for it is set, and fails then.
type stuckWriter struct {
	header http.Header
	reset  chan struct{}
	once   sync.Once
}

func newStuckWriter() *stuckWriter {
	return &stuckWriter{header: http.Header{}, reset: make(chan struct{})}
}

func (w *stuckWriter) Header() http.Header { return w.header }

func (w *stuckWriter) WriteHeader(int) { <-w.reset }

func (w *stuckWriter) Write([]byte) (int, error) {
	<-w.reset
	return 0, os.ErrDeadlineExceeded
}

func (w *stuckWriter) SetWriteDeadline(at time.Time) error {
	if !at.IsZero() {
		w.once.Do(func() { close(w.reset) })
	}
	return nil
}

// A provider that reads nothing of a small answer holds up neither the record
// nor the next delivery.
func TestProviderThatDoesNotReadASmallAnswer(t *testing.T) {
	r := &rig{}
	r.receiver.Concurrency = 1
	r.start(t, recordTCP(t, ok200).addr)
	stuck := newStuckWriter()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.receiver.ServeHTTP(stuck, httptest.NewRequest("POST", "/", strings.NewReader("x")))
	}()
	if a := r.attempt(t, 1, 1); a.State != inspect.Answered || a.Response.Status != 200 {
		t.Errorf("got %+v, want the handler's answer", a)
	}
	if m := exchange(t, r.addr, post("/", "y")); m.status() != 200 {
		t.Errorf("the next delivery: got %s", m.start)
	}
	_ = stuck.SetWriteDeadline(time.Unix(1, 0))
	wait(t, "the end of the request", done)
}

// A flood of 1xx answers to a provider that does not read them ends with the timeout.
func TestProviderThatDoesNotReadInformationalAnswers(t *testing.T) {
	h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
		if _, err := readMessage(br, true); err != nil {
			return
		}
		for {
			if _, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"); err != nil {
				return
			}
		}
	})
	r := &rig{}
	r.sender.Timeout = 100 * time.Millisecond
	r.start(t, h.addr)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.receiver.ServeHTTP(newStuckWriter(), httptest.NewRequest("POST", "/", strings.NewReader("x")))
	}()
	wait(t, "the end of the request", done)
	if a := r.attempt(t, 1, 1); a.ErrorKind != inspect.ErrTimeout {
		t.Errorf("got %s %q, want a timeout", a.ErrorKind, a.Error)
	}
	r.balanced(t, 0)

	// A provider that does read gets an answer of ours after them.
	conn, br := dial(t, r.addr)
	write(t, conn, post("/", "x"))
	for {
		m, err := readMessage(br, true)
		if err != nil {
			t.Fatal(err)
		}
		if m.status() != 103 {
			if m.status() != http.StatusGatewayTimeout {
				t.Errorf("after the 1xx answers: got %s, want 504", m.start)
			}
			return
		}
	}
}
