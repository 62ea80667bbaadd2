package inspect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http/httpguts"
)

// lingering is how net/http closes a connection whose request it has not read.
var lingering = goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait")

// serveReceiver serves rc on an address of its own until the test ends.
func serveReceiver(t *testing.T, rc *Receiver) (addr string) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before, lingering) })
	rc.Store = openStore(t, t.TempDir())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler: rc, DisableGeneralOptionsHandler: true,
		BaseContext: func(net.Listener) context.Context {
			return WithEndpoint(context.Background(), func() string { return "https://public.test" })
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
		rc.Wait()
	})
	return l.Addr().String()
}

// sendRaw sends raw bytes and returns the answer, whose body it has read.
func sendRaw(t *testing.T, addr, wire string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, wire); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(wire, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer to %.100q: %v", wire, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	return resp
}

func text(resp *http.Response) string {
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// firstDelivery waits for the first delivery.
func firstDelivery(t *testing.T, s *Store) *Delivery {
	t.Helper()
	signal, cancel := s.Watch()
	defer cancel()
	late := time.After(20 * time.Second)
	for {
		d, err := s.Delivery(t.Context(), 1)
		if err == nil {
			return d
		}
		select {
		case <-signal:
		case <-late:
			t.Fatal("nothing was stored: ", err)
		}
	}
}

func checkCounters(t *testing.T, s *Store, want Counters) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Counters(t.Context()); err != nil || got != want {
		t.Errorf("counters: got %+v %v, want %+v", got, err, want)
	}
}

func TestReceiverKeepsWhatArrived(t *testing.T) {
	rc := &Receiver{}
	addr := serveReceiver(t, rc)
	before := time.Now().Add(-time.Millisecond)
	resp := sendRaw(t, addr, "POST /a%2Fb?x=1;y&z=%zz HTTP/1.1\r\nHost: Provider.test\r\nX-A: 2\r\nx-a: 1\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n1\r\n\xff\r\n0\r\nX-T: t\r\n\r\n")
	if resp.StatusCode != 200 {
		t.Fatalf("got %s, want 200", resp.Status)
	}
	d := firstDelivery(t, rc.Store)
	if d.Method != "POST" || d.Target != "/a%2Fb?x=1;y&z=%zz" || d.Host != "Provider.test" || d.Proto != "HTTP/1.1" || d.Endpoint != "https://public.test" {
		t.Errorf("got %+v", d)
	}
	if got := fmt.Sprintf("%q", d.Header); got != `map["Transfer-Encoding":["chunked"] "X-A":["2" "1"]]` {
		t.Errorf("headers: got %s", got)
	}
	if string(d.Body) != "\xff" || d.Size != 1 || d.Truncated || d.Trailer.Get("X-T") != "t" || d.Disposition != Held {
		t.Errorf("got %q (%d), trailer %q, %s", d.Body, d.Size, d.Trailer, d.Disposition)
	}
	if !strings.HasPrefix(d.RemoteAddr, "127.0.0.1:") || d.ReceivedAt.Before(before) || d.ReceivedAt.After(time.Now()) {
		t.Errorf("got from %s at %s", d.RemoteAddr, d.ReceivedAt)
	}
	checkCounters(t, rc.Store, Counters{Received: 1, Held: 1})
}

// Around the limit of a body, framed either way.
func TestReceiverLimit(t *testing.T) {
	const limit = 1000
	for _, n := range []int{0, 1, limit - 1, limit, limit + 1, 2 * limit, 5 * limit, 600_000} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/chunked=%t", n, chunked), func(t *testing.T) {
				rc := &Receiver{MaxBody: limit}
				addr := serveReceiver(t, rc)
				body := strings.Repeat("x", n)
				wire := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + strconv.Itoa(n) + "\r\n\r\n" + body
				if chunked {
					wire = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
					if n > 0 {
						wire += fmt.Sprintf("%x\r\n%s\r\n", n, body)
					}
					wire += "0\r\n\r\n"
				}
				resp := sendRaw(t, addr, wire)
				d := firstDelivery(t, rc.Store)
				if n <= limit {
					if resp.StatusCode != 200 || d.Disposition != Held || d.Truncated || string(d.Body) != body || d.Size != int64(n) {
						t.Errorf("got %s, %s, %d of %d bytes, truncated %t", resp.Status, d.Disposition, len(d.Body), d.Size, d.Truncated)
					}
					return
				}
				if got := text(resp); resp.StatusCode != 413 || got != "hookloop: the body is over the limit of 1000 bytes; --max-body raises it\n" {
					t.Errorf("got %s %q, want 413", resp.Status, got)
				}
				if d.Disposition != Refused || !d.Truncated || string(d.Body) != body[:limit] || d.Size <= limit || !strings.Contains(d.Reason, "--max-body") {
					t.Errorf("got %s %q, %d of %d bytes, truncated %t", d.Disposition, d.Reason, len(d.Body), d.Size, d.Truncated)
				}
				checkCounters(t, rc.Store, Counters{Received: 1, Refused: 1})
			})
		}
	}
}

func TestReceiverRefuses(t *testing.T) {
	forwarded := func(*Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
		t.Error("a refused delivery was planned to be forwarded")
		return nil, nil
	}
	for _, tt := range []struct {
		name, wire string
		refuse     func(*http.Request) (int, string)
		status     int
		reason     string
	}{
		{"401", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", func(*http.Request) (int, string) { return 401, "say who you are" }, 401, "say who you are"},
		{"403", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", func(*http.Request) (int, string) { return 403, "not %d from there" }, 403, "not %d from there"},
		{"CONNECT", "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n", nil, 405, "CONNECT asks for a proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rc := &Receiver{Refuse: tt.refuse, Forward: forwarded, Answer: 204}
			addr := serveReceiver(t, rc)
			resp := sendRaw(t, addr, tt.wire)
			if got := text(resp); resp.StatusCode != tt.status || !strings.HasPrefix(got, "hookloop: "+tt.reason) || strings.Count(got, "\n") != 1 {
				t.Errorf("got %s %q, want %d", resp.Status, got, tt.status)
			}
			if got := resp.Header.Get("WWW-Authenticate") != ""; got != (tt.status == 401) {
				t.Errorf("WWW-Authenticate: got %q", resp.Header.Get("WWW-Authenticate"))
			}
			d := firstDelivery(t, rc.Store)
			if d.Disposition != Refused || !strings.HasPrefix(d.Reason, tt.reason) || d.Truncated {
				t.Errorf("got %+v", d)
			}
			checkCounters(t, rc.Store, Counters{Received: 1, Refused: 1})
		})
	}
}

// A sender that hangs up in its body is recorded with what came.
func TestReceiverHangUp(t *testing.T) {
	for _, tt := range []struct {
		name, wire, body string
		size             int64
	}{
		{"at once", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n", "", 100},
		{"small", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc", "abc", 100},
		{"large", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\nabc", "abc", 9000000},
		{"over the limit", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000000\r\n\r\nabc", "abc", 90000000},
		{"chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "abc", 3},
		{"broken chunks", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "abc", 3},
		{"chunks that end at the limit", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n" + strings.Repeat("x", 10000), strings.Repeat("x", 10000), 10000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rc := &Receiver{MaxBody: 10_000_000}
			if strings.Contains(tt.name, "at the limit") {
				rc.MaxBody = 10_000
			}
			addr := serveReceiver(t, rc)
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, tt.wire); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).CloseWrite()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil && resp.StatusCode != 400 {
				t.Errorf("got %s, want 400", resp.Status)
			}
			_ = conn.Close()
			d := firstDelivery(t, rc.Store)
			if d.Disposition != Refused || !d.Truncated || string(d.Body) != tt.body || d.Size != tt.size {
				t.Errorf("got %s, %d of %d bytes, truncated %t", d.Disposition, len(d.Body), d.Size, d.Truncated)
			}
			if want := fmt.Sprintf("after %d bytes", len(tt.body)); !strings.Contains(d.Reason, want) {
				t.Errorf("got %q, want %q", d.Reason, want)
			}
			checkCounters(t, rc.Store, Counters{Received: 1, Refused: 1})
		})
	}
}

// What arrived whole is stored although its sender has gone since.
func TestReceiverStoresForThoseWhoHaveGone(t *testing.T) {
	rc := &Receiver{Store: openStore(t, t.TempDir())}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ordered := range []bool{false, true} {
		forwards := 0
		rc.Ordered = ordered
		rc.Forward = func(*Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
			return newAttempt(Initial), func(http.ResponseWriter, *http.Request) { forwards++ }
		}
		for range 20 {
			rc.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "POST", "/", strings.NewReader("x")))
		}
		if forwards != 20 {
			t.Errorf("ordered=%t: %d of 20 were stored and handed on", ordered, forwards)
		}
	}
}

// Memory grows with what arrives, not with what is announced.
func TestReceiverDoesNotTrustLengths(t *testing.T) {
	r := &http.Request{ContentLength: 1 << 40, Body: io.NopCloser(strings.NewReader("abc"))}
	body, err := readBody(r, 1<<50)
	if string(body) != "abc" || cap(body) > 1<<20 {
		t.Errorf("got %q with room for %d, %v", body, cap(body), err)
	}
	r = &http.Request{ContentLength: 1 << 19, Body: io.NopCloser(strings.NewReader("abc"))}
	if _, err := readBody(r, 1<<50); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want that it broke off", err)
	}
}

// A turn that is given up delays nobody, and none overtakes.
func TestTurnstile(t *testing.T) {
	var ts turnstile
	var turns []turn
	for range 5 {
		turns = append(turns, ts.take(func() {}))
	}
	turns[1].skip()
	turns[2].skip()
	passed := make(chan int, 5)
	for _, i := range []int{4, 3} {
		go func() {
			turns[i].wait()
			passed <- i
			turns[i].done()
		}()
	}
	turns[0].wait()
	if len(passed) != 0 {
		t.Error("one has overtaken")
	}
	passed <- 0
	turns[0].done()
	for _, want := range []int{0, 3, 4} {
		if got := <-passed; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

// Where too many forwards wait in answer mode, so do the providers.
func TestReceiverBacklog(t *testing.T) {
	var waiting, most atomic.Int32
	gate := make(chan struct{})
	rc := &Receiver{Answer: 202, Concurrency: 100}
	rc.Forward = func(*Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
		a := newAttempt(Initial)
		return a, func(w http.ResponseWriter, _ *http.Request) {
			if n := waiting.Add(1); n > most.Load() {
				most.Store(n)
			}
			if w != nil {
				t.Error("a provider that has its answer is asked to wait")
			}
			<-gate
			waiting.Add(-1)
		}
	}
	rc.once.Do(rc.init)
	rc.backlog = make(chan struct{}, 2)
	addr := serveReceiver(t, rc)
	answers := make(chan int, 10)
	for range 10 {
		go func() {
			resp, err := http.Post("http://"+addr, "text/plain", strings.NewReader("x"))
			if err != nil {
				answers <- 0
				return
			}
			_ = resp.Body.Close()
			answers <- resp.StatusCode
		}()
	}
	for i := range 10 {
		if i == 2 {
			close(gate)
		}
		if status := <-answers; status != 202 {
			t.Errorf("got %d, want 202", status)
		}
	}
	rc.Wait()
	if got := most.Load(); got > 2 {
		t.Errorf("%d waited at a time, want at most 2", got)
	}
	http.DefaultClient.CloseIdleConnections()
}

// encodeHeader and decodeHeader keep every value, in order.
func FuzzHeaderLines(f *testing.F) {
	f.Add("X-A", "1", "X-A", "2")
	f.Add("X-A", "", "X-B", "a: b")
	f.Add("Content-Type", "\xff\x80", "!#$", ": ")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		h := http.Header{}
		for _, line := range [][2]string{{name1, value1}, {name2, value2}, {name1, value2}} {
			if httpguts.ValidHeaderFieldName(line[0]) && !strings.Contains(line[1], "\n") {
				h[line[0]] = append(h[line[0]], line[1])
			}
		}
		if got := decodeHeader(encodeHeader(h)); !reflect.DeepEqual(got, h) {
			t.Errorf("got %q, want %q", got, h)
		}
	})
}
