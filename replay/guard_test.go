package replay

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"hookloop/inspect"
)

func TestGuardAddresses(t *testing.T) {
	own := func() []netip.AddrPort {
		return []netip.AddrPort{
			netip.MustParseAddrPort("127.0.0.1:4040"), netip.MustParseAddrPort("[::]:4041"), netip.MustParseAddrPort("192.0.2.7:4042"),
		}
	}
	const (
		fine       = ""
		ourselves  = "is hookloop itself"
		never      = "to which hookloop never sends"
		notAllowed = "--allow-target"
	)
	for _, tt := range []struct {
		host, addr string
		allow      string
		want       string
	}{
		{"localhost", "127.0.0.1:3000", "", fine},
		{"localhost", "[::1]:3000", "", fine},
		{"127.9.9.9", "127.9.9.9:3000", "", fine},
		{"0.0.0.0", "0.0.0.0:3000", "", fine},
		{"[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]:3000", "", fine},

		{"127.0.0.1", "127.0.0.1:4040", "", ourselves},
		{"localhost", "[::1]:4040", "", ourselves},
		{"0.0.0.0", "0.0.0.0:4040", "", ourselves},
		{"::", "[::]:4040", "", ourselves},
		{"127.0.0.2", "127.0.0.2:4040", "", ourselves},
		{"mapped", "[::ffff:127.0.0.1]:4040", "", ourselves},
		{"localhost", "127.0.0.1:4041", "", ourselves},
		{"127.0.0.1", "127.0.0.1:4040", "*", ourselves},
		{"192.0.2.7", "192.0.2.7:4042", "192.0.2.7", ourselves},
		{"localhost", "127.0.0.1:4042", "", fine},

		{"192.168.1.2", "192.168.1.2:80", "", notAllowed},
		{"192.168.1.2", "192.168.1.2:80", "192.168.1.2", fine},
		{"api.example.com", "203.0.113.1:443", "", notAllowed},
		{"api.example.com", "203.0.113.1:443", "api.example.com", fine},
		{"api.example.com", "203.0.113.1:443", "API.Example.com", fine},
		{"api.example.com", "203.0.113.1:443", "*.example.com", fine},
		{"example.com", "203.0.113.1:443", "*.example.com", notAllowed},
		{"api.example.com.evil.test", "203.0.113.1:443", "*.example.com", notAllowed},
		{"localhost", "203.0.113.1:80", "", notAllowed}, // a name that lies
		{"2001:db8::1", "[2001:db8::1]:80", "2001:db8::1", fine},

		{"169.254.169.254", "169.254.169.254:80", "*", never},
		{"metadata.google.internal", "169.254.169.254:80", "metadata.google.internal", never},
		{"mapped", "[::ffff:169.254.169.254]:80", "*", never},
		{"nat64", "[64:ff9b::a9fe:a9fe]:80", "*", never},
		{"fe80::1", "[fe80::1%lo]:80", "*", never},
		{"aws", "[fd00:ec2::254]:80", "*", never},
		{"alibaba", "100.100.100.200:80", "*", never},
		{"azure", "168.63.129.16:80", "*", never},
		{"oracle", "192.0.0.192:80", "*", never},
		{"multicast", "224.0.0.1:80", "*", never},
		{"multicast", "[ff02::1]:80", "*", never},
	} {
		g := &Guard{Own: own}
		if tt.allow != "" {
			g.Allow = []string{"other.test", tt.allow}
		}
		err := g.checkAddr(tt.host, netip.MustParseAddrPort(tt.addr))
		var target *TargetError
		switch {
		case tt.want == fine && err != nil:
			t.Errorf("%s at %s, allowing %q: got %v, want none", tt.host, tt.addr, tt.allow, err)
		case tt.want != fine && (!errors.As(err, &target) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s at %s, allowing %q: got %v, want %q", tt.host, tt.addr, tt.allow, err, tt.want)
		}
	}
	var none *Guard
	if err := none.checkAddr("127.0.0.1", netip.MustParseAddrPort("127.0.0.1:4040")); err != nil {
		t.Errorf("no guard, this machine: got %v", err)
	}
	if err := none.checkAddr("x", netip.MustParseAddrPort("203.0.113.1:80")); err == nil {
		t.Error("no guard, another machine: got no error")
	}
}

// A listener on all addresses is found by each of this machine's.
func TestGuardKnowsThisMachine(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	g := &Guard{Allow: []string{"*"}, Own: func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:4040")} }}
	for _, a := range addrs {
		ip := netip.MustParsePrefix(a.String()).Addr()
		if err := g.checkAddr("x", netip.AddrPortFrom(ip, 4040)); err == nil {
			t.Errorf("%s: got no error", ip)
		}
	}
}

// What the guard refuses is an attempt that says so, and nothing is sent.
func TestGuardedSends(t *testing.T) {
	h := recordTCP(t, ok200)
	_, port, _ := net.SplitHostPort(h.addr)
	for _, tt := range []struct {
		to   string
		want string
	}{
		{"127.0.0.1:" + port, "is hookloop itself"},
		{"localhost:" + port, "is hookloop itself"},
		{"http://[::1]:" + port, "is hookloop itself"},
		{"0.0.0.0:" + port, "is hookloop itself"},
		{"127.0.0.2:" + port, "is hookloop itself"},
		{"http://169.254.169.254/latest/meta-data/", "never sends"},
		{"http://[fe80::1]/", "never sends"},
		{"http://192.0.2.1/", "--allow-target"},
	} {
		t.Run(tt.to, func(t *testing.T) {
			r := &rig{}
			r.guard.Own = func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort(h.addr)} }
			r.start(t, tt.to) // as the handler, which goes through without a word until it is dialled
			m := exchange(t, r.addr, post("/", "x"))
			if m.status() != 502 || !strings.Contains(string(m.body), tt.want) {
				t.Errorf("got %s %q, want 502 with %q", m.start, m.body, tt.want)
			}
			if a := r.attempt(t, 1, 1); a.ErrorKind != inspect.ErrTarget || !strings.Contains(a.Error, tt.want) {
				t.Errorf("record: got %s %q, want %q", a.ErrorKind, a.Error, tt.want)
			}
			if a, err := r.sender.Replay(t.Context(), 1, Options{To: tt.to}); err == nil && a.ErrorKind != inspect.ErrTarget {
				t.Errorf("replay: got %+v, want it refused", a)
			}
			r.balanced(t, 0)
		})
	}
	h.none(t)
}

// A name counts for nothing: what it resolves to is looked at when it is
// dialled, each time.
func TestGuardedNames(t *testing.T) {
	h := recordTCP(t, ok200)
	_, port, _ := net.SplitHostPort(h.addr)
	answers := resolveTo(t)
	for _, tt := range []struct{ ip, want string }{
		{"127.0.0.1", ""},
		{"203.0.113.9", "rebind.test is another machine"},
		{"169.254.169.254", "never sends"},
		{"127.0.0.1", "is hookloop itself"},
	} {
		t.Run(tt.ip+" "+tt.want, func(t *testing.T) {
			answers.Store(netip.MustParseAddr(tt.ip).As4())
			r := &rig{}
			if strings.Contains(tt.want, "itself") {
				r.guard.Own = func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort(h.addr)} }
			}
			r.start(t, "http://rebind.test:"+port)
			m := exchange(t, r.addr, post("/", "x"))
			if tt.want == "" {
				if h.next(t); m.status() != 200 {
					t.Errorf("got %s %q, want 200", m.start, m.body)
				}
				return
			}
			if a := r.attempt(t, 1, 1); a.ErrorKind != inspect.ErrTarget || !strings.Contains(a.Error, tt.want) {
				t.Errorf("got %s %q, want %q", a.ErrorKind, a.Error, tt.want)
			}
		})
	}
	h.none(t)
}

// resolveTo makes every name resolve to the address stored in what it
// returns, until the test ends.
func resolveTo(t *testing.T) *atomic.Value {
	t.Helper()
	answer := &atomic.Value{}
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			var msg dnsmessage.Message
			if msg.Unpack(buf[:n]) != nil || len(msg.Questions) != 1 {
				continue
			}
			msg.Response, msg.Additionals = true, nil
			if q := msg.Questions[0]; q.Type == dnsmessage.TypeA {
				msg.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: answer.Load().([4]byte)},
				}}
			}
			if packed, err := msg.Pack(); err == nil {
				_, _ = server.WriteTo(packed, from)
			}
		}
	})
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = server.Close()
		wg.Wait()
	})
	return answer
}
