package tunnel_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hookloop/tunnel"
	"hookloop/tunnel/ngroktest"
)

func TestNgrokSessionCut(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	serve(t, ep, hello)
	url := ep.Status().URL
	client := s.Client()
	wantGet(t, client, url, 200, "hello")

	s.Refuse(true) // so that the outage lasts long enough to be seen
	s.DropSessions()
	away := waitState(t, ep, tunnel.Reconnecting)
	if !strings.Contains(away.Reason, "lost") && !strings.Contains(away.Reason, "cannot be reached") {
		t.Errorf("reason: got %q", away.Reason)
	}
	if strings.ContainsAny(away.Reason, "\r\n") {
		t.Errorf("reason has lines: %q", away.Reason)
	}
	if away.URL != url {
		t.Errorf("URL while away: got %q, want %q", away.URL, url)
	}
	s.Refuse(false)
	back := waitState(t, ep, tunnel.Online)
	if back.URL != url || back.Reason != "" || back.Retries != 0 {
		t.Errorf("status after: got %+v", back)
	}
	wantGet(t, client, url, 200, "hello")
	auths := s.Auths()
	if last := auths[len(auths)-1]; last.ClientID == "" || last.Extra.Cookie == "" {
		t.Errorf("the session did not come back as itself: %+v", last)
	}
}

func TestNgrokManyCuts(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	serve(t, ep, hello)
	client := s.Client()
	url := ep.Status().URL
	var worst time.Duration
	for i := range 20 {
		before := len(s.Binds())
		start := time.Now()
		s.DropSessions()
		for len(s.Binds()) == before || ep.Status().State != tunnel.Online {
			select {
			case <-ep.Changed():
			case <-time.After(patience):
				t.Fatalf("cut %d: not back: %+v", i, ep.Status())
			}
		}
		worst = max(worst, time.Since(start))
		wantGet(t, client, url, 200, "hello")
	}
	t.Logf("20 cuts, back after %v at most", worst)
}

func TestGotchaOutageBackoff(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	serve(t, ep, hello)
	s.Refuse(true)
	s.DropSessions()
	start := time.Now()
	away := waitStatus(t, ep, "two retries", func(s tunnel.Status) bool { return s.Retries >= 2 })
	if away.State != tunnel.Reconnecting || !strings.Contains(away.Reason, "cannot be reached") {
		t.Errorf("status while away: got %+v", away)
	}
	time.Sleep(2*time.Second - time.Since(start)) // the outage lasts two seconds
	s.Refuse(false)
	waitState(t, ep, tunnel.Online)
	t.Logf("back %v after a cut of 2s", time.Since(start))
	wantGet(t, s.Client(), ep.Status().URL, 200, "hello")
}

func TestNgrokBlackHole(t *testing.T) {
	leaks(t, goleak.IgnoreCurrent()) // not even the SDK's heartbeat
	s := startService(t, ngroktest.Config{})
	cfg := configFor(t, s)
	cfg.HeartbeatInterval, cfg.HeartbeatTolerance = 250*time.Millisecond, 500*time.Millisecond
	ep := openNgrok(t, cfg)
	serve(t, ep, hello)
	waitStatus(t, ep, "a latency", func(s tunnel.Status) bool { return s.Latency > 0 })
	before := len(s.Auths())
	start := time.Now()
	s.StallSessions()
	for len(s.Auths()) == before || ep.Status().State != tunnel.Online {
		select {
		case <-ep.Changed():
		case <-time.After(patience):
			t.Fatalf("still in the black hole: %+v", ep.Status())
		}
	}
	t.Logf("out of the black hole after %v", time.Since(start))
	wantGet(t, s.Client(), ep.Status().URL, 200, "hello")
}

func TestGotchaContextOfStartIsNotTheSessions(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	ep, err := tunnel.OpenNgrok(ctx, configFor(t, s))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, ep, hello)
	cancel()
	wantGet(t, s.Client(), ep.Status().URL, 200, "hello")
	s.DropSessions()
	waitStatus(t, ep, "back online", func(st tunnel.Status) bool {
		return st.State == tunnel.Online && len(s.Auths()) == 2
	})
}

// wantFailed waits for the end of ep and checks that it is told everywhere.
func wantFailed(t *testing.T, ep tunnel.Endpoint, parts ...string) {
	t.Helper()
	status := waitState(t, ep, tunnel.Failed)
	_, err := ep.Accept()
	var ours *tunnel.Error
	if !errors.As(err, &ours) {
		t.Fatalf("Accept: got %v, want *tunnel.Error", err)
	}
	if ours.Msg != status.Reason {
		t.Errorf("Accept says %q, Status says %q", ours.Msg, status.Reason)
	}
	wantSentence(t, ours, parts...)
}

func TestGotchaRebindConflict(t *testing.T) {
	leaks(t)
	var taken atomic.Bool
	s := startService(t, ngroktest.Config{OnBind: func(b ngroktest.Bind) error {
		if taken.Load() {
			return ngroktest.Errorf(334, "The endpoint '%s' is already online.", b.Opts.URL)
		}
		return nil
	}})
	cfg := configFor(t, s)
	cfg.URL, cfg.ConflictTimeout = "hooks.test", 1200*time.Millisecond
	ep := openNgrok(t, cfg)

	taken.Store(true)
	s.DropSessions()
	away := waitStatus(t, ep, "the conflict", func(s tunnel.Status) bool {
		return strings.Contains(s.Reason, "already online elsewhere")
	})
	if away.State != tunnel.Reconnecting {
		t.Errorf("state: got %s, want %s", away.State, tunnel.Reconnecting)
	}
	taken.Store(false)
	waitState(t, ep, tunnel.Online) // the other one has gone: no harm done

	taken.Store(true)
	s.DropSessions()
	wantFailed(t, ep, "https://hooks.test is already online elsewhere", "gave up after 1.2s")
}

func TestNgrokRefusedForGoodDuringOutage(t *testing.T) {
	leaks(t)
	var revoked atomic.Bool
	s := startService(t, ngroktest.Config{OnAuth: func(ngroktest.Auth) error {
		if revoked.Load() {
			return ngroktest.Errorf(300, "revoked\nYour authtoken: %s", testToken)
		}
		return nil
	}})
	ep := openNgrok(t, configFor(t, s))
	revoked.Store(true)
	s.DropSessions()
	wantFailed(t, ep, "has been revoked")
}

func TestNgrokUnknownRefusalDuringOutageIsRetried(t *testing.T) {
	leaks(t)
	var down atomic.Bool
	s := startService(t, ngroktest.Config{OnAuth: func(ngroktest.Auth) error {
		if down.Load() {
			return ngroktest.Errorf(8888, "Maintenance.")
		}
		return nil
	}})
	cfg := configFor(t, s)
	cfg.ConflictTimeout = time.Millisecond // not for this
	ep := openNgrok(t, cfg)
	down.Store(true)
	s.DropSessions()
	waitStatus(t, ep, "the refusal", func(s tunnel.Status) bool { return strings.Contains(s.Reason, "Maintenance") })
	down.Store(false)
	waitState(t, ep, tunnel.Online)
}

func TestGotchaStoppedEndpointStaysDown(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	serve(t, ep, hello)
	if err := s.StopEndpoint(ep.Status().URL, "ERR_NGROK_702", "Too many requests.\nYour authtoken: "+testToken); err != nil {
		t.Fatal(err)
	}
	wantFailed(t, ep, "took the endpoint offline", "Too many requests", "ERR_NGROK_702")
	for deadline := time.Now().Add(patience); s.NumSessions() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the session stays, and would bind the endpoint again")
		}
	}
	if got := len(s.Binds()); got != 1 {
		t.Errorf("binds: got %d, want 1", got)
	}
}

func TestNgrokCommands(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	for _, name := range []string{"restart", "update"} {
		if err := s.Command(name); err == nil || !strings.Contains(err.Error(), "cannot") {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if got := ep.Status().State; got != tunnel.Online {
		t.Fatalf("state: got %s, want %s", got, tunnel.Online)
	}
	if err := s.Command("stop"); err != nil {
		t.Errorf("stop: %v", err)
	}
	wantFailed(t, ep, "stopped from ngrok's dashboard")
}

func TestNgrokServiceGone(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	_ = s.Close() // from now on connections are refused, but for one that was just being made
	waitStatus(t, ep, "three retries that are refused", func(s tunnel.Status) bool {
		return s.Retries >= 3 && strings.Contains(s.Reason, "connection refused")
	})
	start := time.Now()
	if err := ep.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("Shutdown in an outage took %v, want at most a second", took)
	}
	if got := ep.Status().State; got != tunnel.Stopped {
		t.Errorf("state: got %s, want %s", got, tunnel.Stopped)
	}
	if _, err := ep.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: got %v, want net.ErrClosed", err)
	}
}
