package replay

import (
	"context"
	"net"
	"net/url"
	"sync"
	"time"
)

// A HealthState says whether the handler can be reached.
type HealthState string

// The health states.
const (
	HealthUnknown HealthState = "unknown" // not asked yet
	HealthUp      HealthState = "up"
	HealthDown    HealthState = "down"
	HealthNone    HealthState = "none" // there is no handler
)

// Health is whether something listens at the handler's address.
type Health struct {
	State  HealthState
	Reason string    // why it is down; "" otherwise
	Since  time.Time // when State was entered
}

// A Monitor connects to the handler's addresses and sends nothing: often while
// one is down, so that it is soon seen to be up, and rarely while all are up,
// since some servers log every connection. The zero Monitor has no handler.
type Monitor struct {
	URLs     []*url.URL    // all must be up; none = HealthNone
	Interval time.Duration // while one is down, 0 = 2 s; while all are up, five times that
	OnChange func()        // called after every change of state, if not nil

	again bell // see Recheck

	mu     sync.Mutex
	health Health
}

const upIntervals = 5

// Recheck has Run ask now, for somebody who has seen the handler fail. It never blocks.
func (m *Monitor) Recheck() { m.again.ring() }

// Health returns the present state. It never blocks.
func (m *Monitor) Health() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.URLs) == 0 {
		return Health{State: HealthNone}
	}
	if m.health.State == "" {
		return Health{State: HealthUnknown}
	}
	return m.health
}

// Run watches until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	if len(m.URLs) == 0 {
		return
	}
	interval := m.Interval
	if interval == 0 {
		interval = 2 * time.Second
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.again.rung():
		case <-timer.C:
		}
		m.ask(ctx)
		if m.Health().State == HealthUp {
			timer.Reset(upIntervals * interval)
		} else {
			timer.Reset(interval)
		}
	}
}

func (m *Monitor) ask(ctx context.Context) {
	next := Health{State: HealthUp}
	for _, u := range m.URLs {
		if err := connect(ctx, u); err != nil {
			_, reason := explain(err, destination{scheme: u.Scheme, host: u.Host})
			next = Health{State: HealthDown, Reason: reason}
			break
		}
	}
	if ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	changed := next.State != m.health.State || next.Reason != m.health.Reason
	if changed {
		next.Since = time.Now()
		m.health = next
	}
	m.mu.Unlock()
	if changed && m.OnChange != nil {
		m.OnChange()
	}
}

func connect(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
