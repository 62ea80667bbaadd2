package tunnel

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"
)

// run keeps the endpoint online, from its first link to the end of its life.
func (s *sshEndpoint) run(l *sshLink) {
	tries := 0
	for l != nil {
		select {
		case <-l.down:
		case <-s.life.Done():
			l.close(net.ErrClosed)
			<-l.down
			return
		}
		s.mu.Lock()
		s.link = nil
		s.mu.Unlock()
		if time.Since(l.since) >= sshStableAfter {
			tries = 0
		}
		reason := "the connection to " + s.target.addr() + " was lost (" + l.reason() + "); trying again"
		s.log.Info("ssh: " + reason)
		l = s.reconnect(&tries, reason)
	}
}

// reconnect tries until it is online again, and returns nil when the endpoint is over.
func (s *sshEndpoint) reconnect(tries *int, reason string) *sshLink {
	refused := map[sshKind]int{}
	for n := 0; ; n++ {
		s.update(func(st *Status) {
			if st.State != Stopped {
				st.State, st.Reason, st.Retries, st.Latency = Reconnecting, reason, n, 0
			}
		})
		if !s.pause(sshBackoff(*tries)) {
			return nil
		}
		*tries++
		l, fault := s.connect(s.life)
		if fault == nil {
			s.online(l)
			return l
		}
		if s.life.Err() != nil {
			return nil
		}
		s.log.Info("ssh: try failed", "reason", fault.msg)
		reason = fault.msg
		if port := s.lastPort(); fault.kind == sshForward && port != 0 {
			reason = fmt.Sprintf("%s does not forward port %d again yet, probably because it has not noticed that the old connection is lost; trying again", s.target.addr(), port)
		}
		refused[fault.kind]++
		switch {
		case fault.kind == sshHostKey, fault.kind == sshLogin && refused[sshLogin] >= sshMaxRefusals:
			s.fail(fault)
			return nil
		case fault.kind == sshForward && refused[sshForward] >= sshMaxRefusals && s.cfg.RemotePort == 0:
			s.mu.Lock()
			s.port = 0 // the old one does not come back, any other is better than none
			s.mu.Unlock()
		}
	}
}

// pause waits for d, and reports false if the endpoint's life ended meanwhile.
func (s *sshEndpoint) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return s.life.Err() == nil
	case <-s.life.Done():
		return false
	}
}

// fail ends the endpoint for a reason that waiting cannot mend.
func (s *sshEndpoint) fail(fault *sshFault) {
	s.log.Warn("ssh: giving up", "reason", fault.msg)
	s.update(func(st *Status) {
		if st.State != Stopped {
			st.State, st.Reason = Failed, fault.msg
		}
	})
	s.closeWith(fault.public())
}

// online makes l the present link.
func (s *sshEndpoint) online(l *sshLink) {
	s.mu.Lock()
	s.link, s.port = l, l.bind.Port
	s.mu.Unlock()
	s.log.Info("ssh: online", "url", l.url, "server", s.target.addr(), "port", l.bind.Port)
	pinned := s.pins.note()
	s.update(func(st *Status) {
		if st.State == Stopped {
			return
		}
		note := l.note
		switch {
		case st.URL != "" && st.URL != l.url:
			note = sshURLChanged(st.URL)
		case st.State == Connecting && pinned != "":
			note = strings.TrimPrefix(note+"; "+pinned, "; ")
		}
		st.State, st.Reason, st.Retries, st.URL = Online, note, 0, l.url
	})
}

func sshURLChanged(old string) string {
	return "the public URL is another one now and " + old + " is dead; give the new one to your provider"
}

// renamed takes note that the service gave a running link another URL.
func (s *sshEndpoint) renamed(l *sshLink, publicURL string) {
	s.update(func(st *Status) {
		if s.link == l && st.State == Online && s.cfg.URL == "" && st.URL != publicURL {
			st.Reason, st.URL = sshURLChanged(st.URL), publicURL
		}
	})
}

// measured takes note of the time that a ping took.
func (s *sshEndpoint) measured(l *sshLink, took time.Duration) {
	s.update(func(st *Status) {
		if s.link == l {
			st.Latency = took
		}
	})
}

// probe checks once whether the guessed URL can be reached at all: an sshd listens
// on its loopback only, unless GatewayPorts says otherwise. A firewall in between
// looks the same, so this only adds a note.
func (s *sshEndpoint) probe(l *sshLink) {
	u, err := url.Parse(l.url)
	if err != nil {
		return
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "80")
	}
	ctx, cancel := context.WithTimeout(s.life, 3*time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = c.Close()
		return
	}
	s.update(func(st *Status) {
		if s.link != l || st.State != Online {
			return
		}
		note := addr + " cannot be reached from here; set GatewayPorts clientspecified in the server's sshd_config and open the port, or put a proxy in front and give its URL"
		st.Reason = strings.TrimSuffix(note+"; "+st.Reason, "; ")
	})
}

// sshBackoff returns how long to wait before try n, counted from 0.
func sshBackoff(n int) time.Duration {
	if n <= 0 {
		return 0
	}
	d := 30 * time.Second
	if n < 7 {
		d = 500 * time.Millisecond << (n - 1)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
