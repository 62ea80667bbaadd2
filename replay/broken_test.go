package replay

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
)

// reset closes conn so that the other side sees a reset.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// answering reads one request, writes answer and then does after.
func answering(t *testing.T, answer string, after func(net.Conn)) string {
	return serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
		if _, err := readMessage(br, true); err != nil {
			return
		}
		_, _ = io.WriteString(conn, answer)
		after(conn)
	}).addr
}

func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func closed(t *testing.T) string {
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}

// secure serves HTTPS with a certificate that nobody trusts.
func secure(t *testing.T) string {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Whatever the handler does wrong, the attempt ends with a sentence that says
// what to do, and the provider gets one line of text.
func TestBrokenHandlers(t *testing.T) {
	none := func(net.Conn) {}
	for _, tt := range []struct {
		name     string
		handler  func(*testing.T) string
		kind     inspect.ErrorKind
		sentence string
		status   int // that the provider gets; 0 = the connection breaks
		partial  string
	}{
		{"down", closed, inspect.ErrRefused, "start the handler", 502, ""},
		{"name unknown", func(*testing.T) string { return "http://no-such-name.invalid:80" }, inspect.ErrDNS, "no-such-name.invalid is not known", 502, ""},
		{"silent", func(t *testing.T) string { return answering(t, "", hang) }, inspect.ErrTimeout, "--timeout", 504, ""},
		{"hangs in its headers", func(t *testing.T) string { return answering(t, "HTTP/1.1 200 OK\r\nX-A: ", hang) }, inspect.ErrTimeout, "had not answered", 504, ""},
		{"hangs in a small body", func(t *testing.T) string { return answering(t, respond("200 OK", "ab", "Content-Length: 4"), hang) }, inspect.ErrTimeout, "finished its answer", 504, "ab"},
		{"hangs in a long body", func(t *testing.T) string {
			return answering(t, respond("200 OK", "ab", "Content-Length: 400000"), hang)
		}, inspect.ErrTimeout, "finished its answer", 0, "ab"},
		{"hangs in its chunks", func(t *testing.T) string {
			return answering(t, respond("200 OK", "2\r\nab\r\n", "Transfer-Encoding: chunked"), hang)
		}, inspect.ErrTimeout, "finished its answer", 0, "ab"},
		{"closes before its answer", func(t *testing.T) string { return answering(t, "", none) }, inspect.ErrReset, "look for a crash", 502, ""},
		{"resets before its answer", func(t *testing.T) string { return answering(t, "", reset) }, inspect.ErrReset, "look for a crash", 502, ""},
		{"resets at once", func(t *testing.T) string {
			return serveTCP(t, func(conn net.Conn, _ *bufio.Reader) { reset(conn) }).addr
		}, inspect.ErrReset, "look for a crash", 502, ""},
		{"closes in its headers", func(t *testing.T) string { return answering(t, "HTTP/1.1 200 OK\r\nX-A: b", none) }, inspect.ErrReset, "look for a crash", 502, ""},
		{"closes in a small body", func(t *testing.T) string { return answering(t, respond("200 OK", "ab", "Content-Length: 4"), none) }, inspect.ErrReset, "look for a crash", 502, "ab"},
		{"closes in a long body", func(t *testing.T) string {
			return answering(t, respond("200 OK", "ab", "Content-Length: 400000"), none)
		}, inspect.ErrReset, "look for a crash", 0, "ab"},
		{"closes in its chunks", func(t *testing.T) string {
			return answering(t, respond("200 OK", "2\r\nab\r\n", "Transfer-Encoding: chunked"), none)
		}, inspect.ErrReset, "look for a crash", 0, "ab"},
		{"chunks that are none", func(t *testing.T) string {
			return answering(t, respond("200 OK", "2\r\nab\r\nzz\r\n", "Transfer-Encoding: chunked"), none)
		}, inspect.ErrProtocol, "did not answer in HTTP", 0, "ab"},
		{"not HTTP", func(t *testing.T) string { return answering(t, "SSH-2.0-OpenSSH_9.9\r\n", none) }, inspect.ErrProtocol, "did not answer in HTTP", 502, ""},
		{"not a header", func(t *testing.T) string { return answering(t, "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", none) }, inspect.ErrProtocol, "did not answer in HTTP", 502, ""},
		{"a status that is none", func(t *testing.T) string { return answering(t, respond("042 What", "", "Content-Length: 0"), none) }, inspect.ErrProtocol, "its status is 042", 502, ""},
		{"lengths that differ", func(t *testing.T) string {
			return answering(t, respond("200 OK", "abc", "Content-Length: 1", "Content-Length: 3"), none)
		}, inspect.ErrProtocol, "did not answer in HTTP", 502, ""},
		{"101 unasked", func(t *testing.T) string {
			return answering(t, respond("101 Switching Protocols", "", "Connection: Upgrade", "Upgrade: websocket"), hang)
		}, inspect.ErrProtocol, "not asked for", 502, ""},
		{"TLS asked of a plain handler", func(t *testing.T) string {
			return "https://" + serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
		}, inspect.ErrTLS, "use http://", 502, ""},
		{"plain asked of a TLS handler that says so in TLS", func(t *testing.T) string { return answering(t, "\x15\x03\x01\x00\x02\x02\x0a\r\n", none) }, inspect.ErrTLS, "use https://", 502, ""},
		{"certificate of nobody", func(t *testing.T) string { return "https://" + secure(t) }, inspect.ErrTLS, "--insecure", 502, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &rig{}
			r.sender.Timeout = patience
			if tt.kind == inspect.ErrTimeout {
				r.sender.Timeout = time.Second
			}
			r.start(t, tt.handler(t))
			got, err := tryExchange(r.addr, post("/hook", "x"))
			a := r.attempt(t, 1, 1)
			if a.State != inspect.Errored || a.ErrorKind != tt.kind || !strings.Contains(a.Error, tt.sentence) {
				t.Errorf("record: got %s %s %q, want %s with %q", a.State, a.ErrorKind, a.Error, tt.kind, tt.sentence)
			}
			switch {
			case tt.status == 0:
				if err == nil {
					t.Errorf("provider: got %s %q, want a broken connection", got.start, got.body)
				}
			case err != nil:
				t.Errorf("provider: got %v, want %d", err, tt.status)
			case got.status() != tt.status || string(got.body) != "hookloop: "+a.Error+"\n" || strings.Count(string(got.body), "\n") != 1:
				t.Errorf("provider: got %s %q, want %d with %q", got.start, got.body, tt.status, a.Error)
			}
			if a.Response != nil != (tt.partial != "") && a.Response.Status != 101 || tt.partial != "" && string(a.Response.Body) != tt.partial {
				t.Errorf("record: got response %+v, want body %q", a.Response, tt.partial)
			}
			again := r.replay(t, 1, Options{})
			if again.State != inspect.Errored || again.ErrorKind != tt.kind {
				t.Errorf("replay: got %s %s %q, want %s", again.State, again.ErrorKind, again.Error, tt.kind)
			}
			if c := r.balanced(t, 0); c.Errors != 2 || c.Forwarded != 1 {
				t.Errorf("accounts: got %+v, want 1 forwarded, 2 errors", c)
			}
		})
	}
}

func TestPlainAskedOfGoTLSHandler(t *testing.T) {
	r := new(rig).start(t, secure(t))
	got := exchange(t, r.addr, post("/", "x"))
	if got.status() != 400 || !strings.Contains(string(got.body), "HTTPS") {
		t.Errorf("got %s %q, want the handler's own 400", got.start, got.body)
	}
}

func TestTLSHandler(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = fmt.Fprint(w, req.Proto)
	}))
	t.Cleanup(s.Close)
	authority := x509.NewCertPool()
	authority.AddCert(s.Certificate())
	for _, opts := range []TransportOptions{{CAs: authority}, {Insecure: true}} {
		transport := NewTransport(opts)
		t.Cleanup(transport.CloseIdleConnections)
		r := &rig{}
		r.sender.Transport = transport
		r.start(t, s.URL)
		if got := exchange(t, r.addr, post("/", "x")); got.status() != 200 || string(got.body) != "HTTP/1.1" {
			t.Errorf("%+v: got %s %q", opts, got.start, got.body)
		}
	}
	r := &rig{}
	transport := NewTransport(TransportOptions{CAs: authority})
	t.Cleanup(transport.CloseIdleConnections)
	r.sender.Transport = transport
	_, port, _ := strings.Cut(s.Listener.Addr().String(), ":")
	r.start(t, "https://localhost:"+port) // the certificate is for 127.0.0.1 and example.com
	got := exchange(t, r.addr, post("/", "x"))
	if got.status() != 502 || !strings.Contains(string(got.body), "does not verify") || !strings.Contains(string(got.body), "localhost") {
		t.Errorf("another name: got %s %q", got.start, got.body)
	}
}

// A handler that answers before it has read the body: its answer counts.
func TestEarlyAnswer(t *testing.T) {
	addr := serveHTTP(t, func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	r := new(rig).start(t, addr)
	got := exchange(t, r.addr, post("/", strings.Repeat("x", 100<<10)))
	if got.status() != 413 {
		t.Errorf("got %s, want the handler's 413", got.start)
	}
}

// An answer in single bytes arrives whole.
func TestTrickledAnswer(t *testing.T) {
	h := serveTCP(t, func(conn net.Conn, br *bufio.Reader) {
		if _, err := readMessage(br, true); err != nil {
			return
		}
		for _, b := range []byte(respond("200 OK", "slow", "X-A: 1", "Content-Length: 4")) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	r := new(rig).start(t, h.addr)
	if got := exchange(t, r.addr, post("/", "x")); got.status() != 200 || string(got.body) != "slow" {
		t.Errorf("got %s %q", got.start, got.body)
	}
	if a := r.attempt(t, 1, 1); a.State != inspect.Answered || string(a.Response.Body) != "slow" || a.Duration < 50*time.Millisecond {
		t.Errorf("record: got %+v after %s", a, a.Duration)
	}
}

// The sentences for errors that no test can bring about everywhere.
func TestExplain(t *testing.T) {
	to := destination{scheme: "http", host: "h:1"}
	for _, tt := range []struct {
		err      error
		kind     inspect.ErrorKind
		sentence string
	}{
		{&net.OpError{Op: "dial", Err: errors.New("No connection could be made because the target machine actively refused it.")}, inspect.ErrRefused, "nothing listens at http://h:1"},
		{&net.OpError{Op: "read", Err: errors.New("wsarecv: An existing connection was forcibly closed by the remote host.")}, inspect.ErrReset, "broke the connection"},
		{&net.OpError{Op: "dial", Err: &timeoutError{after: time.Second}}, inspect.ErrTimeout, "had not answered after 1 s"},
		{&net.DNSError{Name: "x", IsTimeout: true, Err: "timeout"}, inspect.ErrDNS, "the name x could not be looked up"},
		{&net.OpError{Op: "dial", Err: errors.New("no route to host")}, inspect.ErrOther, "could not be asked: no route to host"},
		{errStopped, inspect.ErrCanceled, "stopped"},
		{tls.RecordHeaderError{Msg: "x"}, inspect.ErrTLS, "does not speak TLS"},
	} {
		kind, sentence := explain(tt.err, to)
		if kind != tt.kind || !strings.Contains(sentence, tt.sentence) {
			t.Errorf("%v: got %s %q, want %s %q", tt.err, kind, sentence, tt.kind, tt.sentence)
		}
	}
}
