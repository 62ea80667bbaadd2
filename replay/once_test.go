package replay

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"hookloop/inspect"
)

// What a transport would repeat, were it left to.
var repeatable = []struct{ name, wire string }{
	{"GET", request("GET /x")},
	{"HEAD", request("HEAD /x")},
	{"OPTIONS", request("OPTIONS /x", "Content-Length: 0")},
	{"TRACE", request("TRACE /x")},
	{"DELETE", request("DELETE /x")},
	{"GET with a body", "GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"},
	{"POST", post("/x", "{}")},
	{"POST without a body", post("/x", "")},
	{"Idempotency-Key", post("/x", "{}", "Idempotency-Key: k")},
	{"X-Idempotency-Key", post("/x", "{}", "X-Idempotency-Key: k")},
	{"Idempotency-Key without a body", post("/x", "", "Idempotency-Key: k")},
	{"Idempotency-Key and chunks", request("POST /x", "Idempotency-Key: k", "Transfer-Encoding: chunked") + chunks("{}", 1)},
}

// An attempt is made once on the wire, also where a kept connection breaks
// when the handler has read the request.
func TestAttemptsAreMadeOnce(t *testing.T) {
	for _, tt := range repeatable {
		for _, how := range []string{"close", "reset"} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				requests := make(chan string, 10)
				h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
					for n := 0; ; n++ {
						m, err := readMessage(br, true)
						if err != nil {
							return
						}
						requests <- m.start
						if n == 1 { // the second on a connection
							if how == "reset" {
								reset(conn)
							}
							return
						}
						_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
					}
				})
				r := new(rig).start(t, h.addr)
				if m := exchange(t, r.addr, tt.wire); m.status() != 204 {
					t.Fatalf("first: got %s, want 204", m.start)
				}
				if m := exchange(t, r.addr, tt.wire); m.status() != 502 {
					t.Errorf("second: got %s, want 502", m.start)
				}
				if a := r.attempt(t, 2, 1); a.State != inspect.Errored || a.ErrorKind != inspect.ErrReset {
					t.Errorf("second: got %s %s %q, want a reset", a.State, a.ErrorKind, a.Error)
				}
				if n := len(requests); n != 2 {
					t.Errorf("the handler got %d requests, want 2", n)
				}
			})
		}
	}
}

// Where the handler has closed a kept connection before, another is made.
func TestStaleConnections(t *testing.T) {
	for _, tt := range repeatable {
		t.Run(tt.name, func(t *testing.T) {
			requests, ended := make(chan string, 10), make(chan struct{}, 10)
			h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
				m, err := readMessage(br, true)
				if err != nil {
					return
				}
				requests <- m.start
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				_ = conn.Close()
				ended <- struct{}{}
			})
			r := new(rig).start(t, h.addr)
			for n := 1; n <= 3; n++ {
				m := exchange(t, r.addr, tt.wire)
				// The next request can overtake the close; that is an
				// attempt that failed, once.
				switch m.status() {
				case 204:
					wait(t, "the end of the connection", ended)
				case 502:
				default:
					t.Errorf("got %s", m.start)
				}
			}
			c := r.balanced(t, 0)
			if int64(len(requests)) != c.Status2xx || c.Status2xx+c.Errors != 3 {
				t.Errorf("the handler got %d requests, the record says %+v", len(requests), c)
			}
		})
	}
}

// Redirects are answers, which nobody follows.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := recordTCP(t, ok200)
	for _, status := range []int{301, 302, 303, 307, 308} {
		h := recordTCP(t, respond(fmt.Sprint(status, " Moved"), "", "Location: http://"+elsewhere.addr+"/", "Content-Length: 0"))
		r := new(rig).start(t, h.addr)
		if m := exchange(t, r.addr, post("/", "x")); m.status() != status || !strings.Contains(m.header("Location")[0], elsewhere.addr) {
			t.Errorf("got %s %q, want %d", m.start, m.lines, status)
		}
		if a := r.replay(t, 1, Options{}); a.Response.Status != status {
			t.Errorf("replay: got %d, want %d", a.Response.Status, status)
		}
		if c := r.balanced(t, 0); c.Status3xx != 2 {
			t.Errorf("got %+v, want two 3xx", c)
		}
	}
	elsewhere.none(t)
}
