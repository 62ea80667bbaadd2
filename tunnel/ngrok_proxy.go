package tunnel

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// checkProxy says whether u is a proxy that dialProxy can use; nil is.
func checkProxy(u *url.URL) error {
	if u == nil {
		return nil
	}
	switch u.Scheme {
	case "http", "socks5", "socks5h":
	default:
		return &Error{Msg: fmt.Sprintf("the proxy %s has an unknown scheme; use http or socks5", u.Redacted())}
	}
	if u.Hostname() == "" {
		return &Error{Msg: fmt.Sprintf("the proxy %q has no host; write it as http://host:port", u.Redacted())}
	}
	return nil
}

// dialProxy connects to addr through the proxy at u. Names are looked up by the
// proxy, since the machine behind one often cannot.
func dialProxy(ctx context.Context, u *url.URL, network, addr string) (net.Conn, error) {
	if u.Scheme == "socks5" || u.Scheme == "socks5h" {
		return dialSOCKS(ctx, u, network, addr)
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", proxyAddr(u))
	if err != nil {
		return nil, proxyError(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	conn, err := connectThrough(c, u, addr)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = c.Close()
		return nil, proxyError(err)
	}
	return conn, nil
}

func proxyError(err error) error { return fmt.Errorf("proxy: %w", err) }

func proxyAddr(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	port := "1080"
	if u.Scheme == "http" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// connectThrough asks the HTTP proxy at the other end of c for a way to addr.
func connectThrough(c net.Conn, u *url.URL, addr string) (net.Conn, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: make(http.Header)}
	if u.User != nil {
		password, _ := u.User.Password()
		login := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+login)
	}
	if err := req.Write(c); err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("it answered " + resp.Status)
	}
	return &bufferedConn{c, r}, nil
}

// bufferedConn reads first what came together with the proxy's answer.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func dialSOCKS(ctx context.Context, u *url.URL, network, addr string) (net.Conn, error) {
	var login *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		login = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", proxyAddr(u), login, &net.Dialer{})
	if err != nil {
		return nil, proxyError(err)
	}
	c, err := d.(proxy.ContextDialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, proxyError(err)
	}
	return c, nil
}
