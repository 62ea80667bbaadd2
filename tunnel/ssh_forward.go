package tunnel

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// sshForwardRequest is the payload of RFC 4254, 7.1.
type sshForwardRequest struct {
	Host string
	Port uint32
}

var sshPlainServer = regexp.MustCompile(`^SSH-2\.0-(OpenSSH|dropbear)`)

// open asks for the forward and finds out the URL.
func (l *sshLink) open(ctx context.Context) *sshFault {
	cfg, service := &l.s.cfg, l.s.target.service
	plain := sshPlainServer.Match(l.client.ServerVersion())
	l.hosted = service != nil || !plain && (cfg.RemotePort == 80 || cfg.RemotePort == 443)
	l.bind = sshForwardRequest{Host: l.bindHost(), Port: uint32(cfg.RemotePort)}
	if !l.hosted {
		l.bind.Port = l.s.lastPort()
	}
	ok, reply, err := l.client.SendRequest("tcpip-forward", true, ssh.Marshal(&l.bind))
	switch {
	case err != nil:
		return &sshFault{err: err, msg: l.s.target.addr() + " closed the connection when asked to forward a port; look at its log"}
	case !ok:
		return l.refused()
	}
	if l.bind.Port == 0 {
		var granted struct{ Port uint32 }
		if err := ssh.Unmarshal(reply, &granted); err == nil && granted.Port <= 65535 {
			l.bind.Port = granted.Port
		} else if !l.hosted {
			return &sshFault{err: err, msg: l.s.target.addr() + " does not say which port it forwards; give a remote port"}
		}
	}
	if l.hosted {
		return l.session(ctx)
	}
	l.url, l.note = l.plainURL()
	return nil
}

func (l *sshLink) bindHost() string {
	cfg := &l.s.cfg
	switch {
	case cfg.RemoteHost == "*":
		return ""
	case cfg.RemoteHost != "":
		return cfg.RemoteHost
	case l.hosted || cfg.URL != "":
		return "localhost" // what ssh -R sends without an address
	}
	return ""
}

// refused explains that the server will not forward. The protocol has no room
// for its reason.
func (l *sshLink) refused() *sshFault {
	f := &sshFault{kind: sshForward}
	addr := l.s.target.addr()
	switch {
	case l.hosted:
		f.msg = addr + " refused the forward; check the name and the account, or try later"
	case l.bind.Port == 0:
		f.msg = addr + " refused to forward a port; allow it in its sshd_config (AllowTcpForwarding, PermitListen, DisableForwarding) and in authorized_keys, or use another account"
	default:
		f.msg = fmt.Sprintf("%s refused to forward port %d; it is taken or not allowed: choose another port (only root gets those below 1024), "+
			"or allow it in its sshd_config (AllowTcpForwarding, PermitListen) and in authorized_keys", addr, l.bind.Port)
	}
	return f
}

// plainURL returns the URL of a server that prints none, and what to note about it.
func (l *sshLink) plainURL() (publicURL, note string) {
	if l.s.cfg.URL != "" {
		return l.s.cfg.URL, ""
	}
	host := l.s.target.host
	if ip := net.ParseIP(l.bind.Host); l.bind.Host == "localhost" || ip.IsLoopback() {
		return "", fmt.Sprintf("%s forwards port %d of its loopback only; put a proxy in front there and give its URL", host, l.bind.Port)
	} else if ip != nil && !ip.IsUnspecified() {
		host = l.bind.Host
	}
	l.probe = true
	if l.bind.Port == 80 {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "http://" + host, ""
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(int(l.bind.Port))), ""
}

// session opens the session in which a hosted service prints the URL, and leaves
// it open: services take its end for ours.
func (l *sshLink) session(ctx context.Context) *sshFault {
	s := l.s
	w := &sshURLs{server: s.target.host, news: make(chan struct{}, 1), onNew: func(u string) { s.renamed(l, u) }}
	request, payload := "shell", []byte(nil)
	if s.target.service != nil {
		w.renamed = s.target.service.renamed
		if c := s.target.service.command; c != "" {
			request, payload = "exec", ssh.Marshal(&struct{ Command string }{c})
		}
	}
	ended := make(chan struct{})
	ch, reqs, err := l.client.OpenChannel("session", nil)
	if err == nil {
		var out sync.WaitGroup
		s.wg.Go(func() { ssh.DiscardRequests(reqs) })
		out.Go(func() { w.read(ch) })
		out.Go(func() { w.read(ch.Stderr()) })
		s.wg.Go(func() { out.Wait(); close(ended) })
		_, err = ch.SendRequest(request, true, payload)
	}
	if s.cfg.URL != "" {
		l.url = s.cfg.URL
		return nil
	}
	if err != nil {
		return &sshFault{err: err, msg: s.target.addr() + " forwards a port, but opens no session in which to print the URL; give the public URL yourself"}
	}
	var words string
	if l.url, words = w.found(ctx, ended); l.url == "" {
		said := "printed nothing"
		if words != "" {
			said = `said "` + sshPrintable(words) + `"`
		}
		return &sshFault{msg: s.target.addr() + " forwards a port, but gave no URL and " + said + "; check the account there, or give the public URL yourself"}
	}
	return nil
}
