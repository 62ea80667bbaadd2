package tunnel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSSHServerParsing(t *testing.T) {
	good := map[string]sshTarget{
		"ssh://me@example.com":          {user: "me", host: "example.com", port: 22},
		"ssh://me:pa%20ss@Example.com/": {user: "me", password: "pa ss", host: "example.com", port: 22},
		"me@example.com:2222":           {user: "me", host: "example.com", port: 2222},
		"ssh://me@[::1]:22":             {user: "me", host: "::1", port: 22},
		"localhost.run":                 {user: "nokey", host: "localhost.run", port: 22, service: &sshServices[0]},
		"tok@eu.a.pinggy.io":            {user: "tok", host: "eu.a.pinggy.io", port: 443, service: &sshServices[1]},
		"tok@a.pinggy.io:22":            {user: "tok", host: "a.pinggy.io", port: 22, service: &sshServices[1]},
		"me@notlocalhost.run":           {user: "me", host: "notlocalhost.run", port: 22},
	}
	for in, want := range good {
		if got, err := parseSSHServer(in); err != nil || got != want {
			t.Errorf("parseSSHServer(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	if got, err := parseSSHServer("example.com"); err != nil || got.user == "" {
		t.Errorf("without a user: %+v, %v, want the local user", got, err)
	}
	bad := map[string]string{
		"":                         "it is empty",
		"https://example.com":      `its scheme is "https"`,
		"ssh://":                   "the host is missing",
		"ssh://me:secret@a b":      "not a valid URL",
		"ssh://me@exa$mple":        "is not a host name",
		"ssh://me@-oProxyCommand":  "is not a host name",
		"me@example.com:0":         "out of range",
		"me@example.com:65536":     "out of range",
		"ssh://me:secret@h/path":   "nothing may follow the port",
		"ssh://me:1/secret@h":      "nothing may follow the port",
		"ssh://me:a#secret@h":      "not a valid URL",
		"ssh://me@example.com?a=b": "nothing may follow the port",
		"ssh://me@\x1b[31m":        "not a valid URL",
	}
	for in, want := range bad {
		_, err := parseSSHServer(in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("parseSSHServer(%q) = %v, want an error with %q and without the password", in, err, want)
		}
	}
	for _, cfg := range []SSHConfig{{Server: "h", RemotePort: 65536}, {Server: "h", RemotePort: -1}, {Server: "h", URL: "example.com"}} {
		if _, err := OpenSSH(t.Context(), cfg); err == nil {
			t.Errorf("OpenSSH(%+v) worked, want an error", cfg)
		}
	}
}

func TestSSHURLScan(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"user info":         {"https://a@x.example\n", ""},
		"nothing":           {"hello\n", ""},
		"localhost.run":     {localhostRun + "a1.lhr.life tunneled with tls termination, https://a1.lhr.life\r\n", "https://a1.lhr.life"},
		"pinggy":            {"Upgrade: https://dashboard.pinggy.io\n\nhttp://x-1.a.free.pinggy.link\nhttps://x-1.a.free.pinggy.link", "https://x-1.a.free.pinggy.link"},
		"serveo":            {"Forwarding HTTP traffic from \x1b[32mhttps://abc.serveo.net\x1b[0m\n", "https://abc.serveo.net"},
		"sish":              {"HTTP: http://x.tuns.example\r\nHTTPS: https://x.tuns.example\r\n", "https://x.tuns.example"},
		"http only":         {"at http://x.example:8080/ now\n", "http://x.example:8080"},
		"own host":          {"https://server.example\n", ""},
		"path":              {"https://x.example/docs\n", ""},
		"no dot":            {"https://localhost\n", ""},
		"escape inside":     {"https://a\x1b[31m.example\n", ""},
		"port out of range": {"https://x.example:99999\n", ""},
		"end of sentence":   {"(see https://x.example.)\n", "https://x.example"},
		"long line":         {strings.Repeat("x", sshMaxLine) + " https://late.example\nhttps://next.example\n", "https://next.example"},
	}

	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.text), oneByteReader{strings.NewReader(tt.text)}} {
				w := &sshURLs{server: "server.example", news: make(chan struct{}, 1)}
				w.read(r)
				ended := make(chan struct{})
				close(ended)
				if got, _ := w.found(t.Context(), ended); got != tt.want {
					t.Errorf("URL = %q, want %q", got, tt.want)
				}
			}
		})
	}
}

type oneByteReader struct{ r io.Reader }

func (o oneByteReader) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// The buffer's deadlines, checked against the clock that synctest makes.
func TestSSHBufferDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSSHBuffer()
		b.readBy.set(b, time.Now().Add(time.Second))
		begin := time.Now()
		if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("Read = %d, %v after %v, want a timeout after 1s", n, err, time.Since(begin))
		}
		if err, ok := errors.AsType[net.Error](os.ErrDeadlineExceeded); !ok || !err.Timeout() {
			t.Error("the timeout is no net.Error")
		}
		b.readBy.set(b, time.Time{})
		b.writeBy.set(b, time.Now().Add(time.Second))
		begin = time.Now()
		n, err := b.Write(make([]byte, sshBufferSize+1))
		if n != sshBufferSize || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("Write = %d, %v after %v, want a full buffer and a timeout after 1s", n, err, time.Since(begin))
		}
		b.writeBy.set(b, time.Time{})
		go func() { // moved by another goroutine, as Hijack does
			time.Sleep(time.Second)
			b.readBy.set(b, time.Unix(1, 0))
		}()
		for err = nil; err == nil; {
			_, err = b.Read(make([]byte, 4096))
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read with a deadline in the past = %v, want a timeout", err)
		}
	})
}

func TestSSHBufferKeepsBytes(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	b := newSSHBuffer()
	go func() {
		for rest, n := want, 1; len(rest) > 0; n = n*3%70001 + 1 {
			k := min(n, len(rest))
			if _, err := b.Write(rest[:k]); err != nil {
				t.Errorf("Write: %v", err)
			}
			rest = rest[k:]
		}
		b.finish(io.EOF)
	}()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v, want the %d that were written", len(got), err, len(want))
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after the end = %v, want net.ErrClosed", err)
	}
	b.abort(net.ErrClosed)
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after abort = %v, want net.ErrClosed", err)
	}
}
