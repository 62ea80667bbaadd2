package replay

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hookloop/inspect"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http tells of broken connections, which these tests break
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// A rig is the whole way of a delivery: an http.Server with a Receiver, its
// Store, and a Sender. The zero value can be started.
type rig struct {
	receiver inspect.Receiver
	sender   Sender
	guard    Guard
	server   http.Server

	store *inspect.Store
	addr  string // of the server
}

// start serves r until the test ends, with handler ("host:port", a URL, or ""
// for none) as the handler.
func (r *rig) start(t testing.TB, handler string) *rig {
	t.Helper()
	store, err := inspect.Open(t.TempDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.store, r.receiver.Store, r.sender.Store = store, store, store
	if r.sender.Transport == nil {
		transport := NewTransport(TransportOptions{Guard: &r.guard})
		r.sender.Transport = transport
		t.Cleanup(transport.CloseIdleConnections)
	}
	r.sender.Guard = &r.guard
	r.sender.Timeout = cmp.Or(r.sender.Timeout, patience)
	if handler != "" {
		u, err := ParseHandler(handler)
		if err != nil {
			t.Fatal(err)
		}
		r.sender.Handler = &Handler{URL: u}
	}
	r.receiver.Forward = r.sender.Forward
	l := listen(t)
	r.addr = l.Addr().String()
	r.server.Handler = &r.receiver
	r.server.DisableGeneralOptionsHandler = true
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = r.server.Serve(l)
	}()
	t.Cleanup(func() {
		r.sender.Stop()
		_ = r.server.Close()
		<-served
		r.receiver.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// deliveries returns what is stored, oldest first.
func (r *rig) deliveries(t testing.TB) (all []*inspect.Delivery) {
	t.Helper()
	list, err := r.store.List(t.Context(), inspect.ListOptions{Oldest: true, Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		d, err := r.store.Delivery(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// attempt returns attempt n of a delivery once it has ended.
func (r *rig) attempt(t testing.TB, id int64, n int) *inspect.Attempt {
	t.Helper()
	return r.attemptWhen(t, id, n, func(a *inspect.Attempt) bool { return a.State != inspect.Pending })
}

func (r *rig) attemptWhen(t testing.TB, id int64, n int, ok func(*inspect.Attempt) bool) *inspect.Attempt {
	t.Helper()
	signal, cancel := r.store.Watch()
	defer cancel()
	late := time.After(patience)
	for {
		a, err := r.store.Attempt(t.Context(), id, n)
		if err == nil && ok(a) {
			return a
		}
		select {
		case <-signal:
		case <-late:
			t.Fatalf("attempt %d of delivery #%d did not come to what was waited for: %+v %v", n, id, a, err)
		}
	}
}

// balanced checks that the accounts add up, with so many pending.
func (r *rig) balanced(t testing.TB, pending int64) inspect.Counters {
	t.Helper()
	if err := r.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := r.store.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Received != c.Forwarded+c.Held+c.Refused {
		t.Errorf("received != forwarded + held + refused: %+v", c)
	}
	if c.Attempts != c.Status2xx+c.Status3xx+c.Status4xx+c.Status5xx+c.Errors+c.Pending {
		t.Errorf("attempts != 2xx + 3xx + 4xx + 5xx + errors + pending: %+v", c)
	}
	if c.Pending != pending {
		t.Errorf("pending: got %d, want %d", c.Pending, pending)
	}
	return c
}

// replay replays delivery id, which must be possible.
func (r *rig) replay(t testing.TB, id int64, o Options) *inspect.Attempt {
	t.Helper()
	a, err := r.sender.Replay(t.Context(), id, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// A message is an HTTP message as it was on the wire.
type message struct {
	start   string   // the first line
	lines   []string // the header lines, in order, verbatim
	body    []byte   // after transfer decoding
	trailer []string
}

// header returns the values of a header, in order.
func (m *message) header(name string) (values []string) {
	for _, line := range m.lines {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

func (m *message) status() int {
	_, rest, _ := strings.Cut(m.start, " ")
	n, _ := strconv.Atoi(rest[:min(3, len(rest))])
	return n
}

// endToEnd returns the header lines without those of framing and of this
// connection, as "name: value" with the name in lower case, sorted by name.
func (m *message) endToEnd(except ...string) (lines []string) {
	for _, line := range m.lines {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		if name == "content-length" || name == "transfer-encoding" || slices.Contains(except, name) {
			continue
		}
		lines = append(lines, name+": "+strings.TrimSpace(value))
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		an, _, _ := strings.Cut(a, ":")
		bn, _, _ := strings.Cut(b, ":")
		return cmp.Compare(an, bn)
	})
	return lines
}

// readMessage reads one message; hasBody is false where there is none
// whatever the header says (an answer to HEAD).
func readMessage(br *bufio.Reader, hasBody bool) (*message, error) {
	m := &message{}
	line := func() (string, error) {
		s, err := br.ReadString('\n')
		return strings.TrimSuffix(s, "\r\n"), err
	}
	var err error
	if m.start, err = line(); err != nil {
		return nil, err
	}
	for {
		s, err := line()
		if err != nil {
			return nil, err
		}
		if s == "" {
			break
		}
		m.lines = append(m.lines, s)
	}
	switch {
	case !hasBody:
	case slices.Equal(m.header("Transfer-Encoding"), []string{"chunked"}):
		if m.body, err = io.ReadAll(httputil.NewChunkedReader(br)); err != nil {
			return m, err
		}
		for {
			s, err := line()
			if err != nil {
				return m, err
			}
			if s == "" {
				return m, nil
			}
			m.trailer = append(m.trailer, s)
		}
	case len(m.header("Content-Length")) > 0:
		n, err := strconv.Atoi(m.header("Content-Length")[0])
		if err != nil {
			return m, err
		}
		m.body = make([]byte, n)
		_, err = io.ReadFull(br, m.body)
		return m, err
	case strings.HasPrefix(m.start, "HTTP/") && m.status() >= 200 && m.status() != 204 && m.status() != 304:
		m.body, err = io.ReadAll(br) // until the connection ends
		return m, err
	}
	return m, nil
}

// exchange sends raw bytes and returns the answer.
func exchange(t testing.TB, addr string, wire string) *message {
	t.Helper()
	m, err := tryExchange(addr, wire)
	if err != nil {
		t.Fatalf("no whole answer: %v\nto %q", err, wire[:min(len(wire), 300)])
	}
	return m
}

func tryExchange(addr, wire string) (*message, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, wire)
	}()
	m, err := readMessage(bufio.NewReader(conn), !strings.HasPrefix(wire, "HEAD "))
	_ = conn.Close()
	<-written
	return m, err
}

// A tcpHandler answers on raw connections.
type tcpHandler struct {
	addr string
	got  chan *message // what it read, where it reads
	l    net.Listener
	wg   sync.WaitGroup
}

// serveTCP calls serve for every connection, which it closes after that, until the test ends.
func serveTCP(t testing.TB, serve func(conn net.Conn, br *bufio.Reader)) *tcpHandler {
	t.Helper()
	h := &tcpHandler{l: listen(t), got: make(chan *message, 1000)}
	h.addr = h.l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	h.wg.Go(func() {
		for {
			conn, err := h.l.Accept()
			if err != nil {
				return
			}
			h.wg.Go(func() {
				stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
				defer stop()
				defer func() { _ = conn.Close() }()
				serve(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		_ = h.l.Close()
		cancel()
		h.wg.Wait()
	})
	return h
}

// recorder answers every request with answer and hands what it read to got.
func recordTCP(t testing.TB, answer string) *tcpHandler {
	t.Helper()
	var h *tcpHandler
	ready := make(chan struct{})
	h = serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
		<-ready
		for {
			m, err := readMessage(br, true)
			if err != nil {
				return
			}
			h.got <- m
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	})
	close(ready)
	return h
}

func (h *tcpHandler) next(t testing.TB) *message {
	t.Helper()
	select {
	case m := <-h.got:
		return m
	case <-time.After(patience):
		t.Fatal("the handler got nothing")
		return nil
	}
}

// none checks that the handler got nothing more.
func (h *tcpHandler) none(t testing.TB) {
	t.Helper()
	select {
	case m := <-h.got:
		t.Errorf("the handler got one more: %s", m.start)
	default:
	}
}

const ok200 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// post is a POST of body with header lines.
func post(target, body string, lines ...string) string {
	lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	return request("POST "+target, lines...) + body
}

func request(start string, lines ...string) string {
	return start + " HTTP/1.1\r\nHost: example.test\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
}

// serveHTTP serves h until the test ends.
func serveHTTP(t testing.TB, h http.HandlerFunc) (addr string) {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}

// dial connects to addr until the test ends.
func dial(t testing.TB, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn, bufio.NewReader(conn)
}

func write(t testing.TB, w io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := ParseHandler(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wait(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal("waited in vain for " + what)
	}
}

func canonical(lines []string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		name = textproto.CanonicalMIMEHeaderKey(name)
		h[name] = append(h[name], strings.TrimSpace(value))
	}
	return h
}

func short(b []byte) string {
	if len(b) > 80 {
		return fmt.Sprintf("%q… (%d bytes)", b[:80], len(b))
	}
	return fmt.Sprintf("%q", bytes.Clone(b))
}
