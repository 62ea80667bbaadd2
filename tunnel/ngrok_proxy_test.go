package tunnel_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookloop/tunnel"
	"hookloop/tunnel/ngroktest"
)

// A testProxy lets everybody with the login user:secret through to any address.
type testProxy struct {
	addr string
	down atomic.Bool  // answers every request with a failure
	used atomic.Int64 // connections made
	wg   sync.WaitGroup
}

func startTestProxy(t *testing.T, handshake func(*testProxy, net.Conn) (target string, reply string)) *testProxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &testProxy{addr: ln.Addr().String()}
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.pass(c, handshake) })
		}
	})
	t.Cleanup(func() { ln.Close(); p.wg.Wait() })
	return p
}

func (p *testProxy) pass(c net.Conn, handshake func(*testProxy, net.Conn) (string, string)) {
	defer c.Close()
	target, reply := handshake(p, c)
	if _, err := io.WriteString(c, reply); err != nil || target == "" {
		return
	}
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close()
	p.used.Add(1)
	p.wg.Go(func() {
		defer out.Close()
		_, _ = io.Copy(out, c)
	})
	_, _ = io.Copy(c, out)
}

func httpHandshake(p *testProxy, c net.Conn) (target, reply string) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	switch {
	case err != nil:
		return "", ""
	case p.down.Load():
		return "", "HTTP/1.1 503 Service Unavailable\r\n\r\n"
	case req.Method != "CONNECT" || req.Header.Get("Proxy-Authorization") != "Basic dXNlcjpzZWNyZXQ=": // user:secret
		return "", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
	}
	return req.RequestURI, "HTTP/1.1 200 Connection established\r\n\r\n"
}

// socksHandshake speaks SOCKS 5 with a login, for names and IPv4 addresses.
func socksHandshake(_ *testProxy, c net.Conn) (target, reply string) {
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(c, b)
		return b
	}
	read(int(read(2)[1]))
	_, _ = c.Write([]byte{5, 2})
	user := string(read(int(read(2)[1])))
	password := string(read(int(read(1)[0])))
	if user != "user" || password != "secret" {
		return "", "\x01\x01"
	}
	_, _ = c.Write([]byte{1, 0})
	host := ""
	switch kind := read(4)[3]; kind {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	}
	port := binary.BigEndian.Uint16(read(2))
	return net.JoinHostPort(host, fmt.Sprint(port)), "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
}

func TestGotchaProxyFromConfig(t *testing.T) {
	for scheme, handshake := range map[string]func(*testProxy, net.Conn) (string, string){
		"http": httpHandshake, "socks5": socksHandshake,
	} {
		t.Run(scheme, func(t *testing.T) {
			leaks(t)
			proxy := startTestProxy(t, handshake)
			s := startService(t, ngroktest.Config{})
			cfg := configFor(t, s)
			cfg.Proxy = &url.URL{Scheme: scheme, Host: proxy.addr, User: url.UserPassword("user", "secret")}
			ep := openNgrok(t, cfg)
			serve(t, ep, hello)
			wantGet(t, s.Client(), ep.Status().URL, 200, "hello")
			s.DropSessions() // the second connection must take the same way
			waitStatus(t, ep, "back online", func(st tunnel.Status) bool {
				return st.State == tunnel.Online && len(s.Auths()) == 2
			})
			if got := proxy.used.Load(); got != 2 {
				t.Errorf("connections through the proxy: got %d, want 2", got)
			}
		})
	}
}

func TestNgrokProxyOutage(t *testing.T) {
	leaks(t)
	proxy := startTestProxy(t, httpHandshake)
	s := startService(t, ngroktest.Config{})
	cfg := configFor(t, s)
	cfg.Proxy = &url.URL{Scheme: "http", Host: proxy.addr, User: url.UserPassword("user", "secret")}
	ep := openNgrok(t, cfg)
	proxy.down.Store(true)
	s.DropSessions()
	away := waitStatus(t, ep, "three retries", func(s tunnel.Status) bool { return s.Retries >= 3 })
	if !strings.Contains(away.Reason, "503 Service Unavailable") || strings.Contains(away.Reason, "secret") {
		t.Errorf("reason: got %q", away.Reason)
	}
	proxy.down.Store(false)
	back := waitState(t, ep, tunnel.Online)
	if back.URL != away.URL {
		t.Errorf("URL: got %q, want %q", back.URL, away.URL)
	}
}

func TestNgrokProxyErrors(t *testing.T) {
	leaks(t)
	proxy := startTestProxy(t, httpHandshake)
	tests := []struct{ proxy, want string }{
		{"http://user:wrong@" + proxy.addr, "407 Proxy Authentication Required"},
		{"ftp://user:wrong@host", "use http or socks5"},
		{"http://", "has no host"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.proxy)
		if err != nil {
			t.Fatal(err)
		}
		cfg := tunnel.NgrokConfig{Authtoken: testToken, Proxy: u, StartTimeout: 200 * time.Millisecond}
		ours := openError(t, cfg)
		wantSentence(t, ours, tt.want)
		if strings.Contains(ours.Msg, "wrong") {
			t.Errorf("the password is in %q", ours.Msg)
		}
	}
}
