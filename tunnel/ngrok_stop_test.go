package tunnel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hookloop/tunnel"
	"hookloop/tunnel/ngroktest"
)

// stopOnce opens an endpoint, puts it under load and stops it. It returns how
// long tunnel.Stop took.
func stopOnce(t *testing.T, s *ngroktest.Server, cfg tunnel.NgrokConfig, clients int) time.Duration {
	t.Helper()
	ep, err := tunnel.OpenNgrok(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: hello, ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ep) }()

	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var warm sync.WaitGroup
	warm.Add(clients)
	for range clients {
		load.Go(func() {
			tr := &http.Transport{DialContext: s.DialContext, DisableKeepAlives: true} // a new stream each time
			first := sync.OnceFunc(warm.Done)
			defer first()
			for ctx.Err() == nil {
				req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+strings.TrimPrefix(ep.Status().URL, "https://"), nil)
				resp, err := tr.RoundTrip(req)
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				first()
			}
		})
	}
	warm.Wait()

	stopCtx, stopCancel := context.WithTimeout(t.Context(), time.Second)
	defer stopCancel()
	start := time.Now()
	_ = tunnel.Stop(stopCtx, srv, ep)
	took := time.Since(start)
	cancel()
	load.Wait()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: got %v, want the end of the listener", err)
	}
	return took
}

func TestGotchaShutdownDeadlock(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	cfg := configFor(t, s)
	const rounds = 100
	var worst, sum time.Duration
	var mu sync.Mutex
	var all sync.WaitGroup
	limit := make(chan struct{}, 16) // endpoints under load at a time
	for range rounds {
		limit <- struct{}{}
		all.Go(func() {
			defer func() { <-limit }()
			took := stopOnce(t, s, cfg, 8)
			mu.Lock()
			defer mu.Unlock()
			worst, sum = max(worst, took), sum+took
			if took > 2*time.Second {
				t.Errorf("Stop took %v, want at most 2s", took)
			}
		})
	}
	all.Wait()
	t.Logf("%d shutdowns under load: mean %v, worst %v", rounds, sum/rounds, worst)
}

func TestNgrokStopIdle(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	start := time.Now()
	if err := tunnel.Stop(t.Context(), &http.Server{}, ep); err != nil {
		t.Errorf("Stop: %v", err)
	}
	took := time.Since(start)
	t.Logf("idle shutdown: %v", took)
	if took > 400*time.Millisecond {
		t.Errorf("took %v, want next to nothing", took)
	}
	if got := s.Endpoints(); len(got) > 0 {
		t.Errorf("still bound: %v", got)
	}
	if err := ep.Shutdown(t.Context()); err != nil {
		t.Errorf("second Shutdown: %v", err)
	}
}

func TestNgrokStopInBlackHole(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	s.StallSessions()
	start := time.Now()
	_ = ep.Shutdown(t.Context())
	took := time.Since(start)
	t.Logf("shutdown in a black hole: %v", took)
	if took > 1100*time.Millisecond {
		t.Errorf("took %v, want at most a second", took)
	}
}

func TestNgrokStopLetsRequestsFinish(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	arrived, finish := make(chan struct{}), make(chan struct{})
	srv := serve(t, ep, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		_, _ = io.WriteString(w, "finished")
	}))
	answer := make(chan string, 1)
	url, client := ep.Status().URL, s.Client()
	go func() {
		resp, err := client.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		stopped <- tunnel.Stop(ctx, srv, ep)
	}()
	waitState(t, ep, tunnel.Stopped)
	close(finish)
	if got := <-answer; got != "finished" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// A client that stops reading blocks the handler's Write, which no deadline can
// end; Stop must cut it.
func TestGotchaBlockedWriteDoesNotBlockStop(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	wrote := make(chan error, 1)
	srv := serve(t, ep, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for {
			if _, err := w.Write(block); err != nil {
				wrote <- err
				return
			}
		}
	}))
	c, err := s.DialContext(t.Context(), "tcp", "x:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	host := strings.TrimPrefix(ep.Status().URL, "https://")
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 100)); err != nil { // and no more
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := tunnel.Stop(ctx, srv, ep); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop: got %v, want the context's error", err)
	}
	if took := time.Since(start); took > 1400*time.Millisecond {
		t.Errorf("took %v, want at most the context's time and a second", took)
	}
	select {
	case <-wrote:
	case <-time.After(patience):
		t.Error("the handler is still writing")
	}
}

// With a WriteTimeout that reached the SDK, answers would be cut short or mixed.
func TestGotchaWriteTimeoutIsIgnored(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	body := strings.Repeat("0123456789abcdef", 256<<10/16*3) // more than the window
	srv := &http.Server{
		WriteTimeout: time.Millisecond,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(5 * time.Millisecond) // so that the timeout is over
			_, _ = io.WriteString(w, body)
		}),
	}
	go func() { _ = srv.Serve(ep) }()
	defer func() { _ = tunnel.Stop(t.Context(), srv, ep) }()
	client := s.Client()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			resp, err := client.Get(ep.Status().URL)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != body {
				t.Errorf("got %d bytes, %v, want %d", len(got), err, len(body))
			}
		})
	}
	all.Wait()
}

// Cutting the session under load is when muxado still holds the buffers of
// Writes that have failed; the race detector watches.
func TestNgrokCutUnderLoad(t *testing.T) {
	leaks(t)
	s := startService(t, ngroktest.Config{})
	ep := openNgrok(t, configFor(t, s))
	body := make([]byte, 300<<10)
	serve(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(body)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	client, url := s.Client(), ep.Status().URL
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(string(body)))
				if resp, err := client.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
	}
	for i := range 10 {
		before := len(s.Binds())
		s.DropSessions()
		waitStatus(t, ep, "back online", func(st tunnel.Status) bool {
			return st.State == tunnel.Online && len(s.Binds()) > before
		})
		if i%2 == 0 {
			time.Sleep(20 * time.Millisecond) // let the load build up
		}
	}
	cancel()
	load.Wait()
	wantGet(t, client, url, 200, string(body))
}
