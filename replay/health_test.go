package replay

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMonitor(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	_ = l.Close()
	changed := make(chan struct{}, 100)
	m := &Monitor{URLs: []*url.URL{mustURL(t, addr)}, Interval: 5 * time.Millisecond, OnChange: func() { changed <- struct{}{} }}
	if got := m.Health(); got.State != HealthUnknown {
		t.Errorf("before Run: got %+v, want unknown", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	wait(t, "the first state", changed)
	down := m.Health()
	if down.State != HealthDown || !strings.Contains(down.Reason, "nothing listens at http://"+addr) || down.Since.IsZero() {
		t.Errorf("got %+v, want down with the reason", down)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip("the port was taken by another program:", err)
	}
	wait(t, "up", changed)
	if got := m.Health(); got.State != HealthUp || got.Reason != "" || !got.Since.After(down.Since) {
		t.Errorf("got %+v, want up", got)
	}
	_ = l.Close()
	m.Recheck() // it would not look so soon by itself
	wait(t, "down again", changed)
	if got := m.Health(); got.State != HealthDown {
		t.Errorf("got %+v, want down", got)
	}
	cancel()
	wg.Wait()
	if n := len(changed); n != 0 {
		t.Errorf("%d more changes, want none", n)
	}
}

func TestMonitorOfSeveral(t *testing.T) {
	l := listen(t)
	m := &Monitor{URLs: []*url.URL{mustURL(t, l.Addr().String()), mustURL(t, "http://no-such-name.invalid")}}
	m.ask(t.Context())
	if got := m.Health(); got.State != HealthDown || !strings.Contains(got.Reason, "no-such-name.invalid is not known") {
		t.Errorf("got %+v, want down because of the second", got)
	}
	none := &Monitor{}
	none.Run(t.Context()) // returns at once
	if got := none.Health(); got.State != HealthNone {
		t.Errorf("got %+v, want none", got)
	}
}
