package replay

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hookloop/inspect"
)

// echo answers WebSocket messages with themselves; "bye" makes it close.
func echo(t testing.TB) (addr string, ended chan error) {
	ended = make(chan error, 10)
	upgrader := websocket.Upgrader{Subprotocols: []string{"v2"}, CheckOrigin: func(*http.Request) bool { return true }}
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, http.Header{"X-Made-By": {"a", "b"}})
		if err != nil {
			ended <- err
			return
		}
		defer func() { _ = c.Close() }()
		for {
			kind, data, err := c.ReadMessage()
			if err != nil {
				ended <- err
				return
			}
			if string(data) == "bye" {
				ended <- c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "as asked"), time.Now().Add(patience))
				return
			}
			if err := c.WriteMessage(kind, data); err != nil {
				ended <- err
				return
			}
		}
	}), ended
}

func dialWebSocket(t testing.TB, addr string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"v1", "v2"}}
	c, resp, err := d.Dial("ws://"+addr+"/ws?x=1;y", http.Header{"X-A": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if got := resp.Header["X-Made-By"]; fmt.Sprint(got) != "[a b]" || c.Subprotocol() != "v2" {
		t.Errorf("the handler's 101: got %q, want its headers", resp.Header)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

func say(t testing.TB, c *websocket.Conn, kind int, data string) {
	t.Helper()
	if err := c.WriteMessage(kind, []byte(data)); err != nil {
		t.Fatal(err)
	}
	gotKind, got, err := c.ReadMessage()
	if err != nil || gotKind != kind || string(got) != data {
		t.Fatalf("echo: got %d %s %v, want %d %s", gotKind, short(got), err, kind, short([]byte(data)))
	}
}

func TestWebSocket(t *testing.T) {
	for _, end := range []string{"by the handler", "by the provider", "without a word", "by Stop"} {
		t.Run(end, func(t *testing.T) {
			addr, ended := echo(t)
			r := new(rig).start(t, addr)
			c := dialWebSocket(t, r.addr)
			say(t, c, websocket.TextMessage, "hello")
			say(t, c, websocket.BinaryMessage, random(200_000))
			running := r.attemptWhen(t, 1, 1, func(a *inspect.Attempt) bool { return a.Response != nil })
			if running.State != inspect.Pending || running.Response.Status != 101 || running.Protocol != inspect.WebSocket {
				t.Errorf("while it runs: got %+v, want pending with 101", running)
			}
			switch end {
			case "by the handler":
				if err := c.WriteMessage(websocket.TextMessage, []byte("bye")); err != nil {
					t.Fatal(err)
				}
				if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, 4001) {
					t.Errorf("provider: got %v, want the handler's 4001", err)
				}
			case "by the provider":
				msg := websocket.FormatCloseMessage(4002, "enough")
				if err := c.WriteControl(websocket.CloseMessage, msg, time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				if err := <-ended; !websocket.IsCloseError(err, 4002) {
					t.Errorf("handler: got %v, want the provider's 4002", err)
				}
				if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, 4002) {
					t.Errorf("provider: got %v, want its 4002 back", err)
				}
			case "without a word":
				_ = c.UnderlyingConn().Close()
				if err := <-ended; err == nil {
					t.Error("handler: got no error, want one")
				}
			case "by Stop":
				r.sender.Stop()
			}
			_ = c.Close()
			a := r.attempt(t, 1, 1)
			want := inspect.Answered
			if end == "by Stop" {
				want = inspect.Errored
			}
			if a.State != want || a.Protocol != inspect.WebSocket || a.Response.Status != 101 || a.Response.Size < 200_000 || !a.Response.Truncated {
				t.Errorf("record: got %+v %+v, want %s", a, a.Response, want)
			}
			if _, err := r.sender.Replay(t.Context(), 1, Options{}); err == nil || !strings.Contains(err.Error(), "websocket") {
				t.Errorf("replay: got %v, want it refused", err)
			}
			r.balanced(t, 0)
		})
	}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"

// What either side sends with its head, or before it closes, arrives.
func TestUpgradeLosesNothing(t *testing.T) {
	long := random(1 << 20)
	got := make(chan string, 1)
	h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
		if _, err := readMessage(br, true); err != nil {
			return
		}
		_, _ = io.WriteString(conn, switching+"early")
		all, _ := io.ReadAll(br) // until the provider says that it is done
		got <- string(all)
		_, _ = io.WriteString(conn, long)
	})
	r := new(rig).start(t, h.addr)
	conn, br := dial(t, r.addr)
	write(t, conn, request("GET /", "Connection: keep-alive, Upgrade", "Upgrade: chat")+"also early")
	write(t, conn, long)
	_ = conn.(*net.TCPConn).CloseWrite()
	head := make([]byte, len(switching))
	if _, err := io.ReadFull(br, head); err != nil || string(head) != switching {
		t.Fatalf("got %q %v, want the handler's head", head, err)
	}
	if s := <-got; s != "also early"+long {
		t.Errorf("handler: got %s, want what the provider sent", short([]byte(s)))
	}
	if all, err := io.ReadAll(br); err != nil || string(all) != "early"+long {
		t.Errorf("provider: got %s %v, want what the handler sent", short(all), err)
	}
	if a := r.attempt(t, 1, 1); a.State != inspect.Answered || a.Protocol != "" || a.Response.Size != int64(len("early"+long)) {
		t.Errorf("record: got %+v", a)
	}
}

// The other way round: the handler is done first, and still listens.
func TestUpgradeHandlerDoneFirst(t *testing.T) {
	got := make(chan string, 1)
	h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
		if _, err := readMessage(br, true); err != nil {
			return
		}
		_, _ = io.WriteString(conn, switching+"bye")
		_ = conn.(*net.TCPConn).CloseWrite()
		all, _ := io.ReadAll(br)
		got <- string(all)
	})
	r := new(rig).start(t, h.addr)
	conn, br := dial(t, r.addr)
	write(t, conn, request("GET /", "Connection: Upgrade", "Upgrade: chat"))
	if all, err := io.ReadAll(br); err != nil || string(all) != switching+"bye" {
		t.Errorf("provider: got %q %v, want what the handler sent", all, err)
	}
	write(t, conn, "last words")
	_ = conn.Close()
	if s := <-got; s != "last words" {
		t.Errorf("handler: got %q, want what the provider sent", s)
	}
	r.attempt(t, 1, 1)
}

func TestUpgradeDeclined(t *testing.T) {
	h := recordTCP(t, respond("426 Upgrade Required", "", "Upgrade: other", "Content-Length: 0"))
	r := new(rig).start(t, h.addr)
	m := exchange(t, r.addr, request("GET /", "Connection: Upgrade", "Upgrade: chat", "X-A: 1"))
	if m.status() != 426 {
		t.Errorf("got %s, want the handler's 426", m.start)
	}
	got := h.next(t)
	if fmt.Sprint(got.header("Connection"), got.header("Upgrade"), got.header("X-A")) != "[Upgrade] [chat] [1]" {
		t.Errorf("handler: got %q", got.lines)
	}
}

// A stream holds up no other delivery, whatever the limit.
func TestStreamsLeaveTheirPlace(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		t.Run(fmt.Sprintf("ordered=%t", ordered), func(t *testing.T) {
			addr, _ := echo(t)
			r := &rig{}
			r.receiver.Concurrency, r.receiver.Ordered = 1, ordered
			r.start(t, addr)
			a, b := dialWebSocket(t, r.addr), dialWebSocket(t, r.addr)
			say(t, b, websocket.TextMessage, "b")
			say(t, a, websocket.TextMessage, "a")

			next := make(chan string)
			defer close(next)
			r.sender.Handler = &Handler{URL: mustURL(t, serveHTTP(t, events(next)))}
			for range 2 {
				conn, br := dial(t, r.addr)
				write(t, conn, post("/", "x"))
				if s, err := br.ReadString('\n'); err != nil || s != "HTTP/1.1 200 OK\r\n" {
					t.Fatalf("events: got %q %v, want the handler's status", s, err)
				}
			}
		})
	}
}

// events sends an event for every value of next, until it is closed.
func events(next <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case s, ok := <-next:
				if !ok {
					return
				}
				_, _ = fmt.Fprintf(w, "data: %s\n\n", s)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestServerSentEvents(t *testing.T) {
	for _, end := range []string{"by the handler", "by the provider", "by Stop"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			next := make(chan string)
			r := &rig{}
			r.receiver.Concurrency = 1
			r.sender.Timeout = time.Second // which is not for streams
			r.start(t, serveHTTP(t, events(next)))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+"/", strings.NewReader("x"))
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			running := r.attemptWhen(t, 1, 1, func(a *inspect.Attempt) bool { return a.Response != nil })
			if running.State != inspect.Pending || running.Response.Status != 200 || running.Protocol != inspect.SSE {
				t.Errorf("while it runs: got %+v, want pending with 200", running)
			}
			lines := bufio.NewReader(resp.Body)
			late := time.After(2 * r.sender.Timeout)
			for i := range 3 {
				next <- fmt.Sprint(i)
				if s, err := lines.ReadString('\n'); err != nil || s != fmt.Sprintf("data: %d\n", i) {
					t.Fatalf("got %q %v, want each event as it comes", s, err)
				}
				_, _ = lines.ReadString('\n')
			}
			<-late
			want := inspect.Answered
			switch end {
			case "by the handler":
				close(next)
				if rest, err := io.ReadAll(lines); err != nil || len(rest) != 0 {
					t.Errorf("got %q %v, want the end", rest, err)
				}
			case "by the provider":
				cancel()
			case "by Stop":
				want = inspect.Errored
				r.sender.Stop()
			}
			a := r.attempt(t, 1, 1)
			if a.State != want || a.Protocol != inspect.SSE || string(a.Response.Body) != "data: 0\n\ndata: 1\n\ndata: 2\n\n" {
				t.Errorf("record: got %+v %+v, want %s with the events", a, a.Response, want)
			}
			r.balanced(t, 0)
		})
	}
}

// A replay of a stream, which nobody can hang up on, ends with the timeout.
func TestReplayOfAStreamEnds(t *testing.T) {
	next := make(chan string)
	r := &rig{}
	r.sender.Timeout = time.Second
	r.receiver.Answer = 202
	r.start(t, serveHTTP(t, events(next)))
	if m := exchange(t, r.addr, post("/", "x")); m.status() != 202 {
		t.Fatalf("got %s, want 202", m.start)
	}
	for n, a := range []*inspect.Attempt{r.attempt(t, 1, 1), r.replay(t, 1, Options{})} {
		if a.State != inspect.Errored || a.ErrorKind != inspect.ErrTimeout || a.Protocol != inspect.SSE || a.Response.Status != 200 {
			t.Errorf("%d: got %+v, want a timeout with the status", n+1, a)
		}
	}
}
