package cli

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"golang.org/x/net/http/httpproxy"

	"hookloop/tunnel"
)

// openTunnel opens the endpoint that the flags ask for, or says why there is none.
func (s *session) openTunnel(f *listenFlags) error {
	access, err := f.access()
	if err != nil {
		return err
	}
	kind := f.tunnel
	if kind == "ssh" {
		if f.sshServer == "" {
			return usagef("--tunnel ssh needs a server: give --tunnel ssh://[user@]host[:port]")
		}
		kind = "ssh://" + strings.TrimPrefix(f.sshServer, "ssh://")
	}
	token := ""
	if kind == "" || kind == "ngrok" {
		token = s.a.ngrokToken(f)
	}
	if kind == "" {
		kind = "ngrok"
		if token == "" {
			kind = "none"
			s.tunnelNo = "no public URL: set NGROK_AUTHTOKEN (free at https://dashboard.ngrok.com/get-started/your-authtoken), or use --tunnel ssh://HOST"
			if f.url != "" {
				return usagef("--url %s needs a tunnel: %s. Where it is your own proxy's, add --tunnel none", f.url, s.tunnelNo)
			}
		}
	}
	switch {
	case kind == "ngrok":
		if token == "" {
			return usagef("ngrok needs your authtoken: set NGROK_AUTHTOKEN, free at https://dashboard.ngrok.com/get-started/your-authtoken")
		}
		return s.openNgrok(f, token, access)
	case strings.HasPrefix(kind, "ssh://"):
		s.refuse(access)
		return s.openSSH(f, kind)
	case kind == "none":
		s.refuse(access)
		s.proxyURL, err = proxyURL(f.url)
		return err
	}
	return usagef("--tunnel %q: give ngrok, none, or ssh://[user@]host[:port]", f.tunnel)
}

// proxyURL is the base URL of the user's own proxy, under which providers
// reach a receiver without a tunnel; "" for "".
func proxyURL(given string) (string, error) {
	if given == "" {
		return "", nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", usagef("--url %q with --tunnel none: give the public URL of your own proxy, without a path, such as https://example.com", given)
	}
	return u.Scheme + "://" + u.Host, nil
}

// calledURL is the base URL of what arrives without a tunnel.
func (s *session) calledURL() string {
	if s.proxyURL != "" {
		return s.proxyURL
	}
	return s.receiverURL()
}

// refuse has the receiver enforce access, where no tunnel does it.
func (s *session) refuse(access tunnel.Access) {
	if len(access.BasicAuth) > 0 || len(access.AllowCIDR) > 0 {
		s.rc.Refuse = func(r *http.Request) (int, string) { return access.Check(r) }
	}
}

func (s *session) openNgrok(f *listenFlags, token string, access tunnel.Access) error {
	policy, err := access.Policy()
	if err != nil {
		return usageError{err}
	}
	cfg := tunnel.NgrokConfig{
		Authtoken: token, URL: f.url, TrafficPolicy: policy, Name: "hookloop", Version: version(),
		ConnectAddr: f.ngrokAddr, CAFile: f.ngrokCA, Proxy: s.a.proxy(f.ngrokAddr),
	}
	s.a.progress("Connecting to ngrok …")
	s.endpoint, err = tunnel.OpenNgrok(s.ctx, cfg)
	return err
}

func (s *session) openSSH(f *listenFlags, server string) (err error) {
	host, port := "", 0
	if f.sshRemote != "" {
		name, digits, err := net.SplitHostPort(f.sshRemote)
		if err == nil {
			host = name
			port, err = strconv.Atoi(digits)
		}
		if err != nil || port < 0 || port > 65535 {
			return usagef("--ssh-remote %q: give [name]:port, such as :80 or myapp:80", f.sshRemote)
		}
	}
	s.a.progress("Connecting to %s …", hideUser(server))
	s.endpoint, err = tunnel.OpenSSH(s.ctx, tunnel.SSHConfig{
		Server: server, RemoteHost: host, RemotePort: port, URL: f.url, KnownHostsFile: filepath.Join(s.store.Dir(), "known_hosts"),
		Identities: f.sshIdentities(s.a.home()), AgentSocket: s.a.Getenv("SSH_AUTH_SOCK"),
	})
	return err
}

func hideUser(server string) string {
	if u, err := url.Parse(server); err == nil {
		return "ssh://" + u.Host
	}
	return "the ssh server"
}

// progress says what takes a moment, to a person only.
func (a *app) progress(format string, args ...any) {
	if isTerminal(a.Stderr) {
		a.sayf(format, args...)
	}
}

// proxy returns the proxy that the environment names for ngrok's service, or nil.
func (a *app) proxy(addr string) *url.URL {
	get := func(name string) string {
		if v := a.Getenv(name); v != "" {
			return v
		}
		return a.Getenv(strings.ToLower(name))
	}
	if addr == "" {
		addr = tunnel.DefaultNgrokAddr
	}
	cfg := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	proxy, err := cfg.ProxyFunc()(&url.URL{Scheme: "https", Host: addr})
	if err != nil {
		return nil
	}
	return proxy
}

// ngrokToken returns the token from the flag, the environment, the
// configuration (which fills the flag) or ngrok's own file, else "".
func (a *app) ngrokToken(f *listenFlags) string {
	if f.authtoken != "" {
		return f.authtoken
	}
	if token := a.Getenv("NGROK_AUTHTOKEN"); token != "" {
		return token
	}
	for _, file := range a.ngrokConfigFiles() {
		if token := tokenInFile(file); token != "" {
			return token
		}
	}
	return ""
}

// tokenInFile reads the token of ngrok's agent: version 2 has it at the top,
// version 3 under agent.
func tokenInFile(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var c struct {
		Authtoken string `yaml:"authtoken"`
		Agent     struct {
			Authtoken string `yaml:"authtoken"`
		} `yaml:"agent"`
	}
	if yaml.Unmarshal(text, &c) != nil {
		return ""
	}
	if c.Agent.Authtoken != "" {
		return c.Agent.Authtoken
	}
	return c.Authtoken
}

// tunnelNotice is the line about a missing tunnel, "" if there is nothing to say.
func (s *session) tunnelNotice() string {
	if s.tunnelNo == "" {
		return ""
	}
	return fmt.Sprintf("%s. Until then only this machine reaches %s", s.tunnelNo, s.receiverURL())
}
