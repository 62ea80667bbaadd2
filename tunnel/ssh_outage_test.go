package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// okHandler answers every request with ok.
var okHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })

// throughProxy returns a client configuration that reaches d through a proxy.
func throughProxy(t *testing.T, d *testSSHD) (SSHConfig, *testProxy) {
	t.Helper()
	p := startProxy(t, d.addr)
	cfg := d.client()
	cfg.Server = "ssh://" + currentUser(t) + "@" + p.ln.Addr().String()
	return cfg, p
}

// wantBack fails unless ep is online as before and a delivery comes through.
func wantBack(t *testing.T, ep Endpoint, before Status) {
	t.Helper()
	st := waitStatus(t, ep, "the endpoint to be back", inState(Online))
	if st.URL != before.URL || st.Retries != 0 || st.Reason != "" || !st.Since.After(before.Since) {
		t.Errorf("status when back = %+v, want online at %s without a reason", st, before.URL)
	}
	if got, err := get(newClient(), st.URL); got != "ok" {
		t.Errorf("answer when back = %q, %v, want ok", got, err)
	}
}

func TestSSHComesBackAfterCut(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg, p := throughProxy(t, d)
	ep := mustOpenSSH(t, cfg)
	serveHTTP(t, ep, okHandler)
	before := ep.Status()
	for range 2 {
		p.cut()
		st := waitStatus(t, ep, "the cut to be noticed", inState(Reconnecting))
		if want := "was lost (the server closed the connection)"; !strings.Contains(st.Reason, want) && !strings.Contains(st.Reason, "reset") {
			t.Errorf("reason = %q, want it to contain %q", st.Reason, want)
		}
		wantBack(t, ep, before)
	}
}

func TestSSHComesBackAfterOutage(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg, p := throughProxy(t, d)
	ep := mustOpenSSH(t, cfg)
	serveHTTP(t, ep, okHandler)
	before := ep.Status()
	down := time.Now()
	d.stop()
	p.cut()
	st := waitStatus(t, ep, "two tries", func(st Status) bool { return st.Retries >= 2 })
	if st.State != Reconnecting || st.Reason == "" {
		t.Errorf("status in the outage = %+v, want reconnecting with a reason", st)
	}
	time.Sleep(2*time.Second - time.Since(down)) // the outage is to last 2 s
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	up := time.Now()
	wantBack(t, ep, before)
	t.Logf("back %v after the server was", time.Since(up))
}

func TestSSHBlackHole(t *testing.T) {
	noLeaks(t)
	const interval = 200 * time.Millisecond
	d := startSSHD(t)
	cfg, p := throughProxy(t, d)
	cfg.KeepaliveInterval, cfg.StartTimeout = interval, 2*time.Second
	ep := mustOpenSSH(t, cfg)
	serveHTTP(t, ep, okHandler)
	before := waitStatus(t, ep, "a first ping", func(st Status) bool { return st.Latency > 0 })
	begin := time.Now()
	p.stall(true)
	st := waitStatus(t, ep, "the black hole to be noticed", inState(Reconnecting))
	took := time.Since(begin)
	t.Logf("noticed after %v with an interval of %v", took, interval)
	if took > 2*interval+time.Second { // a second of grace for a busy machine
		t.Errorf("noticed after %v, want about %v", took, 2*interval)
	}
	if want := "no answer to a keepalive"; !strings.Contains(st.Reason, want) {
		t.Errorf("reason = %q, want it to contain %q", st.Reason, want)
	}
	p.stall(false)
	p.cut()
	wantBack(t, ep, before)
}

// After a cut the server may hold the port for a while. The endpoint waits for it
// instead of taking another, because providers know the URL.
func TestSSHWaitsForItsPort(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t, "GatewayPorts clientspecified")
	cfg, p := throughProxy(t, d)
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	cfg.RemoteHost, cfg.URL = "127.0.0.1", "http://"+addr
	cfg.RemotePort, _ = net.LookupPort("tcp", port)
	ep := mustOpenSSH(t, cfg)
	serveHTTP(t, ep, okHandler)
	before := ep.Status()
	d.stop()
	p.cut()
	waitStatus(t, ep, "a try", func(st Status) bool { return st.Retries >= 1 })
	holder, err := net.Listen("tcp", addr)
	for begin := time.Now(); err != nil && time.Since(begin) < sshTimeout; { // the old sshd process is still ending
		time.Sleep(5 * time.Millisecond)
		holder, err = net.Listen("tcp", addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	waitStatus(t, ep, "the refusal", func(st Status) bool { return strings.Contains(st.Reason, "does not forward port "+port+" again yet") })
	_ = holder.Close()
	wantBack(t, ep, before)
}

// A request in flight when the connection is cut ends for both sides.
func TestSSHCutRequestFails(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg, p := throughProxy(t, d)
	ep := mustOpenSSH(t, cfg)
	started, failed := make(chan struct{}), make(chan error, 1)
	serveHTTP(t, ep, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
	}))
	sender, err := net.Dial("tcp", ep.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	_ = sender.SetDeadline(time.Now().Add(sshTimeout))
	_, _ = io.WriteString(sender, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf of it")
	<-started
	p.cut()
	if err := <-failed; err == nil {
		t.Error("the handler read a cut body to its end, want an error")
	}
	if n, err := sender.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the sender read %d bytes, %v, want the end of the connection", n, err)
	}
}

// Shutdown while away must not wait for the network.
func TestSSHShutdownWhileAway(t *testing.T) {
	for _, away := range []string{"down", "stalled", "stalled, not noticed"} {
		t.Run(away, func(t *testing.T) {
			noLeaks(t)
			d := startSSHD(t)
			cfg, p := throughProxy(t, d)
			ep := mustOpenSSH(t, cfg)
			serveHTTP(t, ep, okHandler)
			limit := 500 * time.Millisecond
			switch away {
			case "down":
				d.stop()
				p.cut()
				waitStatus(t, ep, "a try", func(st Status) bool { return st.Retries >= 1 })
			case "stalled":
				p.stall(true)
				p.cut()
				waitStatus(t, ep, "the cut to be noticed", inState(Reconnecting))
			default:
				p.stall(true)
				limit += sshTakeBackTimeout
			}
			shutdownSSH(t, ep, limit)
			if _, err := ep.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept after Shutdown = %v, want net.ErrClosed", err)
			}
		})
	}
}

// 50 shutdowns while clients keep calling: each is bounded, gives the port back,
// answers what was in flight, and leaves no goroutine.
func TestSSHShutdownUnderLoad(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	var took []time.Duration
	for range 50 {
		took = append(took, shutdownOnce(t, d))
	}
	slices.Sort(took)
	t.Logf("50 shutdowns: median %v, longest %v", took[len(took)/2], took[len(took)-1])
	if longest := took[len(took)-1]; longest > 3*time.Second {
		t.Errorf("longest shutdown = %v, want at most 3 s", longest)
	}
}

func shutdownOnce(t *testing.T, d *testSSHD) time.Duration {
	t.Helper()
	ep, err := OpenSSH(t.Context(), d.client())
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	busy := make(chan struct{}, 1)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1) == 8 {
			busy <- struct{}{}
		}
		okHandler(w, r)
	})}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(ep) })
	stop := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			c := newClient()
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = get(c, ep.Status().URL)
				}
			}
		})
	}
	select {
	case <-busy:
	case <-time.After(sshTimeout):
		t.Errorf("no load on %s: %d requests served, status %+v", ep.Addr(), served.Load(), ep.Status())
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := Stop(ctx, srv, ep); err != nil {
		t.Errorf("Stop: %v", err)
	}
	took := time.Since(begin)
	if c, err := net.Dial("tcp", ep.Addr().String()); err == nil {
		_ = c.Close()
		t.Errorf("%s still listens after Stop", ep.Addr())
	}
	close(stop)
	wg.Wait()
	return took
}

func TestSSHBackoff(t *testing.T) {
	want := []time.Duration{0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}
	for n, ms := range want {
		mid := ms * time.Millisecond
		for range 100 {
			if got := sshBackoff(n); got < mid*8/10 || got > mid*12/10 {
				t.Fatalf("sshBackoff(%d) = %v, want %v give or take a fifth", n, got, mid)
			}
		}
	}
}
