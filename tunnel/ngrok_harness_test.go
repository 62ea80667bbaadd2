package tunnel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hookloop/tunnel"
	"hookloop/tunnel/ngroktest"
)

const testToken = "2test_Token_that_is_long_enough"

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// The goroutines of the SDK that OpenNgrok says may outlive a session.
var sdkHeartbeat = []goleak.Option{
	goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).requester"),
	goleak.IgnoreAnyFunction("golang.ngrok.com/muxado/v2.(*Heartbeat).check"),
}

// leaks fails the test if goroutines are left at its end, apart from those of
// extra. Call it before anything else.
func leaks(t *testing.T, extra ...goleak.Option) {
	t.Helper()
	if extra == nil {
		extra = sdkHeartbeat
	}
	extra = append(slices.Clone(extra), goleak.IgnoreCurrent())
	t.Cleanup(func() {
		var err error
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
			if err = goleak.Find(extra...); err == nil {
				return
			}
		}
		t.Errorf("goroutines left: %v", err)
	})
}

func startService(t *testing.T, cfg ngroktest.Config) *ngroktest.Server {
	t.Helper()
	s, err := ngroktest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// configFor returns a config that connects to s. The tolerance keeps the SDK
// from noticing, long after a cut, that the dead connection has no heartbeat:
// what it does then is harmless, but races with its own login.
func configFor(t *testing.T, s *ngroktest.Server) tunnel.NgrokConfig {
	t.Helper()
	ca, err := s.CAFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return tunnel.NgrokConfig{Authtoken: testToken, ConnectAddr: s.ConnectAddr(), CAFile: ca, HeartbeatTolerance: time.Hour}
}

func openNgrok(t *testing.T, cfg tunnel.NgrokConfig) tunnel.Endpoint {
	t.Helper()
	ep, err := tunnel.OpenNgrok(t.Context(), cfg)
	if err != nil {
		t.Fatalf("OpenNgrok: %v", err)
	}
	t.Cleanup(func() { _ = ep.Shutdown(context.Background()) })
	return ep
}

// openError opens an endpoint that must not open.
func openError(t *testing.T, cfg tunnel.NgrokConfig) *tunnel.Error {
	t.Helper()
	ep, err := tunnel.OpenNgrok(t.Context(), cfg)
	if err == nil {
		_ = ep.Shutdown(context.Background())
		t.Fatal("OpenNgrok succeeded, want an error")
	}
	ours, ok := err.(*tunnel.Error)
	if !ok {
		t.Fatalf("OpenNgrok: got %T %v, want *tunnel.Error", err, err)
	}
	return ours
}

// serve runs h on ep until the end of the test.
func serve(t *testing.T, ep tunnel.Endpoint, h http.Handler) *http.Server {
	t.Helper()
	srv := &http.Server{Handler: h, ReadHeaderTimeout: patience}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ep)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = tunnel.Stop(ctx, srv, ep)
		<-done
	})
	return srv
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })

// waitStatus waits until ok and returns the status then.
func waitStatus(t *testing.T, ep tunnel.Endpoint, what string, ok func(tunnel.Status) bool) tunnel.Status {
	t.Helper()
	deadline := time.After(patience)
	for {
		if s := ep.Status(); ok(s) {
			return s
		}
		select {
		case <-ep.Changed():
		case <-deadline:
			t.Fatalf("status is %+v, want %s", ep.Status(), what)
		}
	}
}

func waitState(t *testing.T, ep tunnel.Endpoint, want tunnel.State) tunnel.Status {
	t.Helper()
	return waitStatus(t, ep, string(want), func(s tunnel.Status) bool { return s.State == want })
}

// fetch returns status and body of a GET.
func fetch(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// wantGet waits until a GET of url is answered as wanted: after a reconnect the
// public side may need another moment.
func wantGet(t *testing.T, c *http.Client, url string, status int, body string) {
	t.Helper()
	var gotStatus int
	var gotBody string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if gotStatus, gotBody = fetch(t, c, url); gotStatus == status && gotBody == body {
			return
		}
	}
	t.Fatalf("GET %s: got %d %q, want %d %q", url, gotStatus, gotBody, status, body)
}
