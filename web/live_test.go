package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hookloop/inspect"
	"hookloop/tunnel"
)

// dial opens the live socket; query is such as "?since=3".
func (rg *rig) dial(query string) *websocket.Conn {
	rg.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(rg.url, "http")+"/api/v1/live"+query,
		http.Header{"Authorization": {"Bearer " + testToken}})
	if err != nil {
		rg.t.Fatal(err)
	}
	rg.t.Cleanup(func() { conn.Close() })
	return conn
}

// next reads frames until one satisfies ok.
func next(t testing.TB, conn *websocket.Conn, what string, ok func(frame) bool) frame {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, b, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		var f frame
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		if ok(f) {
			return f
		}
	}
}

func has(id int64) func(frame) bool {
	return func(f frame) bool {
		for _, d := range f.Deliveries {
			if d.ID == id {
				return true
			}
		}
		return false
	}
}

func TestLiveTellsWhatChanges(t *testing.T) {
	t.Parallel()
	edit, _ := withHandler(t)
	var state atomic.Value
	state.Store(tunnel.Online)
	rg := newRig(t, func(s *Server) {
		edit(s)
		s.Tunnel = func() tunnel.Status { return tunnel.Status{State: state.Load().(tunnel.State), Reason: "r"} }
	})
	before := rg.add(inspect.Delivery{}, nil)
	conn := rg.dial("")
	f := next(t, conn, "the first frame", func(frame) bool { return true })
	if f.Status == nil || f.Counters == nil || f.Counters.Received != 1 || len(f.Deliveries) != 0 {
		t.Errorf("first frame: got %+v, want status, counters and no old delivery", f)
	}
	id := rg.add(inspect.Delivery{Body: []byte("secret body")}, answered(500, ""))
	f = next(t, conn, "a delivery", has(id))
	if f.Status != nil {
		t.Error("a frame repeats the status")
	}
	resp, body := rg.do("POST", "/api/v1/deliveries/"+itoa(id)+"/replay", "{}")
	if resp.StatusCode != 200 {
		t.Fatalf("replay: got %d %s", resp.StatusCode, body)
	}
	next(t, conn, "its second attempt", func(f frame) bool {
		return has(id)(f) && f.Deliveries[0].Attempts == 2 && f.Deliveries[0].Last.Status == 200
	})
	rg.do("POST", "/api/v1/deliveries/"+itoa(id)+"/pin", "{}")
	next(t, conn, "the pin", func(f frame) bool { return has(id)(f) && f.Deliveries[0].Pinned })
	rg.do("DELETE", "/api/v1/deliveries/"+itoa(before), "")
	next(t, conn, "a removal", func(f frame) bool { return len(f.Removed) == 1 && f.Removed[0] == before })
	state.Store(tunnel.Reconnecting)
	rg.Store.Notify()
	next(t, conn, "the endpoint's state", func(f frame) bool {
		return f.Status != nil && f.Status.Endpoint.State == tunnel.Reconnecting && f.Status.Endpoint.Reason == "r"
	})
}

func TestLiveResumesFromARevision(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	rg.add(inspect.Delivery{}, nil)
	conn := rg.dial("")
	rev := next(t, conn, "a frame", func(frame) bool { return true }).Rev
	conn.Close()
	missed := rg.add(inspect.Delivery{}, nil)
	f := next(t, rg.dial("?since="+itoa(rev)), "what was missed", has(missed))
	if len(f.Deliveries) != 1 || f.Reset {
		t.Errorf("got %d deliveries, reset %v, want only the one that was missed", len(f.Deliveries), f.Reset)
	}
	f = next(t, rg.dial("?since="+itoa(f.Rev+1000)), "a reset", func(frame) bool { return true })
	if !f.Reset || f.Rev <= 0 {
		t.Errorf("from an unknown revision: got %+v, want a reset", f)
	}
	resp, body := rg.do("GET", "/api/v1/live?since=x", "")
	wantProblem(t, resp, body, 400, "since")
	resp, body = rg.do("GET", "/api/v1/live", "")
	wantProblem(t, resp, body, http.StatusUpgradeRequired, "WebSocket")
}

// TestLiveCoalesces sends a burst: every delivery arrives, in far fewer frames.
func TestLiveCoalesces(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	conn := rg.dial("?since=0")
	const n = 3000
	go func() {
		for i := range n {
			d := inspect.Delivery{Method: "POST", Target: fmt.Sprint("/", i), ReceivedAt: time.Now(), Disposition: inspect.Held}
			if err := rg.Store.Add(context.Background(), &d, nil); err != nil {
				t.Error(err)
			}
		}
	}()
	seen, frames := map[int64]bool{}, 0
	next(t, conn, "all of the burst", func(f frame) bool {
		frames++
		for _, d := range f.Deliveries {
			seen[d.ID] = true
		}
		return len(seen) == n
	})
	if frames > n/3 {
		t.Errorf("got %d frames for %d deliveries, want them coalesced", frames, n)
	}
}

// TestASlowViewerBlocksNobody connects one that never reads.
func TestASlowViewerBlocksNobody(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	slow := rg.dial("?since=0")
	if tcp, ok := slow.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(1 << 10)
	}
	quick := rg.dial("?since=0")
	const n = 1000
	long := strings.Repeat("x", 4000) // more in all than the slow one's buffers hold
	go func() {
		for range n {
			d := inspect.Delivery{Method: "POST", Target: "/" + long, ReceivedAt: time.Now(), Disposition: inspect.Held}
			if err := rg.Store.Add(context.Background(), &d, nil); err != nil {
				t.Error(err)
			}
		}
	}()
	next(t, quick, "the last delivery", has(n))

	start := time.Now()
	rg.Close()
	if took := time.Since(start); took > writeWait/2 {
		t.Errorf("Close took %s, want it not to wait for the slow one", took)
	}
}

func TestCloseEndsLiveSockets(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	conn := rg.dial("")
	next(t, conn, "a frame", func(frame) bool { return true })
	done := make(chan struct{})
	go func() {
		defer close(done)
		rg.Close()
		rg.Close()
	}()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _, err := conn.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("got %v, want a close frame: going away", err)
	}
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("Close does not return")
	}
	_, resp, _ := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(rg.url, "http")+"/api/v1/live", http.Header{"Authorization": {"Bearer " + testToken}})
	if resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after Close: got %v, want 503", resp)
	}
}

func TestTooManyLiveSocketsAreRefused(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	for range maxSockets {
		rg.dial("")
	}
	_, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(rg.url, "http")+"/api/v1/live", http.Header{"Authorization": {"Bearer " + testToken}})
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %v, %v, want 503", resp, err)
	}
}
