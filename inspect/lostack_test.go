package inspect

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering is a Forward whose handler answers 200.
func answering(reached *atomic.Int64) func(*Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
	return func(*Delivery) (*Attempt, func(http.ResponseWriter, *http.Request)) {
		return &Attempt{Trigger: Initial}, func(w http.ResponseWriter, _ *http.Request) {
			reached.Add(1)
			if w != nil {
				_, _ = io.WriteString(w, "the handler's answer")
			}
		}
	}
}

func TestLoseAcks(t *testing.T) {
	const wire = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
	var reached atomic.Int64
	rc := &Receiver{Forward: answering(&reached)}
	addr := serveReceiver(t, rc)
	// ask returns the status that the provider gets; 0 for none.
	ask := func() int {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		before := reached.Load()
		if _, err := io.WriteString(conn, wire); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); reached.Load() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the handler is not reached")
			}
		}
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if rc.losses.how != LostTimeout {
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0
		}
		return resp.StatusCode
	}
	for _, tc := range []struct {
		how    LostAck
		status int
	}{{LostStatus, 500}, {LostReset, 0}, {LostTimeout, 0}} {
		if err := rc.LoseAcks(2, tc.how); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := ask(); got != tc.status {
				t.Errorf("%s: the provider got %d, want %d", tc.how, got, tc.status)
			}
		}
		if err := rc.LoseAcks(rc.losses.n, LostStatus); err != nil {
			t.Fatal(err)
		}
		if got := ask(); got != 200 {
			t.Errorf("%s: the provider got %d when it was over", tc.how, got)
		}
	}
	list, err := rc.Store.List(t.Context(), ListOptions{Oldest: true})
	if err != nil || len(list) != 9 {
		t.Fatalf("%d deliveries, %v", len(list), err)
	}
	for i, s := range list {
		if lost := strings.HasPrefix(s.Reason, "lost-ack: the provider got "); lost != (i%3 < 2) || s.Disposition != Forwarded {
			t.Errorf("#%d: %s %q", s.ID, s.Disposition, s.Reason)
		}
	}
	for n, how := range map[int]LostAck{-1: LostReset, 1001: LostReset, 1: "418"} {
		if err := rc.LoseAcks(n, how); err == nil {
			t.Errorf("%d answers are lost by %s", n, how)
		}
	}
}

// TestLoseAcksCounts loses exactly as many as it was told, whatever comes at once.
func TestLoseAcksCounts(t *testing.T) {
	rc := &Receiver{}
	if err := rc.LoseAcks(7, LostStatus); err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int64
	done := make(chan struct{})
	for range 20 {
		go func() {
			if rc.loss(&Delivery{}) != "" {
				lost.Add(1)
			}
			done <- struct{}{}
		}()
	}
	for range 20 {
		<-done
	}
	if lost.Load() != 7 {
		t.Errorf("%d answers were lost, want 7", lost.Load())
	}
}
