package tunnel

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A testService stands in for a hosted service such as localhost.run or pinggy.
type testService struct {
	t      *testing.T
	ln     net.Listener
	config *ssh.ServerConfig
	wg     sync.WaitGroup
	first  func(session int) string // what a session prints at first; "bye" at its end closes it
	silent bool                     // never answer a ping

	mu       sync.Mutex
	conn     *ssh.ServerConn // the present one
	session  ssh.Channel     // the present one
	asked    []string        // requests in sessions
	forwards []sshForwardRequest
}

// startService starts a service whose n-th session prints first(n).
func startService(t *testing.T, first func(session int) string, options ...func(*testService)) *testService {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &testService{t: t, first: first, config: &ssh.ServerConfig{NoClientAuth: true}}
	s.config.BannerCallback = func(ssh.ConnMetadata) string { return "hello\x1b]0;owned\x07\u202e\r\n" }
	s.config.AddHostKey(signer)
	for _, option := range options {
		option(s)
	}
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.wg.Go(func() {
		for {
			c, err := s.ln.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = s.ln.Close()
		s.cut()
		s.wg.Wait()
	})
	return s
}

func (s *testService) serve(nc net.Conn) {
	conn, chans, reqs, err := ssh.NewServerConn(nc, s.config)
	if err != nil {
		_ = nc.Close()
		return
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	s.wg.Go(func() {
		for ch := range chans {
			s.wg.Go(func() { s.serveSession(ch) })
		}
	})
	for req := range reqs {
		if req.Type == "tcpip-forward" {
			var f sshForwardRequest
			_ = ssh.Unmarshal(req.Payload, &f)
			s.mu.Lock()
			s.forwards = append(s.forwards, f)
			s.mu.Unlock()
		}
		if s.silent && strings.HasPrefix(req.Type, "keepalive") {
			continue
		}
		_ = req.Reply(req.Type == "tcpip-forward", nil)
	}
}

func (s *testService) serveSession(nc ssh.NewChannel) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	s.mu.Lock()
	s.session = ch
	s.mu.Unlock()
	for req := range reqs {
		s.mu.Lock()
		s.asked = append(s.asked, strings.TrimSpace(req.Type+" "+string(req.Payload[min(4, len(req.Payload)):])))
		text := s.first(len(s.asked))
		s.mu.Unlock()
		_ = req.Reply(true, nil)
		text, bye := strings.CutSuffix(text, "bye")
		_, _ = io.WriteString(ch, text)
		if bye {
			_ = ch.Close()
		}
	}
}

// cut ends the present connection.
func (s *testService) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// print writes to the present session.
func (s *testService) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.session, text)
}

// get sends a request the way a service does: over a channel that names another
// address than the one that was asked for.
func (s *testService) get(from string) (string, error) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	dial := func(context.Context, string, string) (net.Conn, error) {
		ch, reqs, err := conn.OpenChannel("forwarded-tcpip", ssh.Marshal(&sshForwarded{"abc.lhr.example", 443, from, 4321}))
		if err != nil {
			return nil, err
		}
		go ssh.DiscardRequests(reqs)
		here := sshOrigin("127.0.0.1", 1)
		return newSSHConn(ch, here, here, s.wg.Go), nil
	}
	return get(&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, "http://abc.lhr.example/")
}

func (s *testService) client() SSHConfig {
	return SSHConfig{Server: "nokey@" + s.ln.Addr().String(), RemotePort: 80}
}

// localhostRun is the text of a real session, with hostile bytes added.
const localhostRun = "\x1b[2J\x1b]0;owned\x07\r\n=====\r\nWelcome to localhost.run!\r\n" +
	"Follow your favourite reverse tunnel at [https://twitter.com/localhost_run].\r\n" +
	"To set up and manage custom domains go to https://admin.localhost.run/\r\n" +
	"More details at https://localhost.run/docs/custom-domains\xff\xfe\u202e\r\n" +
	"** your connection id is 5151, please mention it if you send me a message about an issue. **\r\n\r\n"

func TestSSHHostedService(t *testing.T) {
	noLeaks(t)
	s := startService(t, func(int) string {
		return localhostRun + "4797.lhr.example tunneled with tls termination, \x1b[32mhttps://4797.LHR.example\x1b[0m\r\n"
	})
	ep := mustOpenSSH(t, s.client())
	serveHTTP(t, ep, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }))
	if got, want := ep.Status().URL, "https://4797.lhr.example"; got != want {
		t.Errorf("URL = %q, want %q", got, want)
	}
	for from, want := range map[string]string{
		"203.0.113.9": "203.0.113.9:4321", "2001:db8::1%\x1b": "[2001:db8::1]:4321", "\x1b[31mevil": "0.0.0.0:4321",
	} {
		if got, err := s.get(from); err != nil || got != want {
			t.Errorf("remote address for %q = %q, %v, want %q", from, got, err, want)
		}
	}
	if s.forwards[0] != (sshForwardRequest{"localhost", 80}) || s.asked[0] != "shell" {
		t.Errorf("asked for %v and %q, want localhost:80 and a shell", s.forwards, s.asked)
	}
}

func TestSSHHostedURLChanges(t *testing.T) {
	noLeaks(t)
	s := startService(t, func(session int) string {
		return "http://name" + string(rune('0'+session)) + ".pinggy.example\nhttps://name" + string(rune('0'+session)) + ".pinggy.example\n"
	})
	ep := mustOpenSSH(t, s.client())
	serveHTTP(t, ep, okHandler)
	s.cut()
	st := waitStatus(t, ep, "the new URL", func(st Status) bool { return st.URL == "https://name2.pinggy.example" })
	if st.State != Online || !strings.Contains(st.Reason, "https://name1.pinggy.example is dead") {
		t.Errorf("status = %+v, want online with a reason", st)
	}
	s.print("visit https://evil.example\n") // visitors' paths appear in some services' sessions
	if got, err := s.get("192.0.2.1"); got != "ok" {
		t.Errorf("answer = %q, %v, want ok", got, err)
	}
	if got := ep.Status().URL; got != st.URL {
		t.Errorf("URL = %q, want %q still", got, st.URL)
	}
}

// A service that we know gets its command, and may rename a running tunnel.
func TestSSHKnownService(t *testing.T) {
	noLeaks(t)
	real := sshServices
	t.Cleanup(func() { sshServices = real })
	run := sshServices[0]
	run.domain = "127.0.0.1"
	sshServices = []sshService{run}
	event := func(host string) string {
		return `{"address":"` + host + `","event":"tcpip-forward","message":"` + host + ` tunneled with tls termination, https://` + host + `\nQR"}` + "\n"
	}
	s := startService(t, func(int) string {
		return `{"event":"authn","message":"see https://localhost.run/docs/forever-free/"}` + "\n" + event("one.lhr.example")
	})
	cfg := s.client()
	cfg.RemotePort = 0
	ep := mustOpenSSH(t, cfg)
	if got, want := ep.Status().URL, "https://one.lhr.example"; got != want {
		t.Errorf("URL = %q, want %q", got, want)
	}
	if s.asked[0] != "exec --output json" || s.forwards[0].Port != 80 {
		t.Errorf("asked for %q and port %d, want the JSON form and 80", s.asked[0], s.forwards[0].Port)
	}
	s.print("https://evil.example\n" + event("two.lhr.example"))
	st := waitStatus(t, ep, "the second name", func(st Status) bool { return st.URL != "https://one.lhr.example" })
	if st.URL != "https://two.lhr.example" || !strings.Contains(st.Reason, "one.lhr.example is dead") {
		t.Errorf("status = %+v, want the second URL and a reason", st)
	}
}

func TestSSHHostedWithoutURL(t *testing.T) {
	noLeaks(t)
	s := startService(t, func(int) string { return "bye" })
	wantRefused(t, s.client(), "gave no URL and printed nothing")

	s = startService(t, func(int) string { return "add your key\x1b]0;owned\x07\u202e first\nbye" })
	err := wantRefused(t, s.client(), `said "add your key\x1b]0;owned\a\u202e first"`, "give the public URL yourself")
	if strings.ContainsAny(err.Error(), "\x1b\x07\u202e") {
		t.Errorf("error = %q, want no control characters", err)
	}
	cfg := s.client()
	cfg.URL = "https://known.example"
	if got := mustOpenSSH(t, cfg).Status().URL; got != cfg.URL {
		t.Errorf("URL = %q, want the one that was given", got)
	}

	s = startService(t, func(int) string { return "wait" })
	cfg = s.client()
	cfg.StartTimeout = 100 * time.Millisecond
	wantRefused(t, cfg, `did not answer within 100ms`)
}

func TestSSHPassword(t *testing.T) {
	noLeaks(t)
	s := startService(t, func(int) string { return "https://x.lhr.example\n" }, func(s *testService) {
		s.config.NoClientAuth = false
		s.config.PasswordCallback = func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if c.User() == "me" && string(password) == "s3cret" {
				return nil, nil
			}
			return nil, errors.New("no")
		}
	})
	addr := s.ln.Addr().String()
	mustOpenSSH(t, SSHConfig{Server: "ssh://me:s3cret@" + addr, RemotePort: 80})
	mustOpenSSH(t, SSHConfig{Server: "me@" + addr, RemotePort: 80, Password: "s3cret"})
	err := wantRefused(t, SSHConfig{Server: "me@" + addr, RemotePort: 80, Password: "wr0ng"}, "refused to log in", "a password")
	if strings.Contains(err.Error()+err.Err.Error(), "wr0ng") {
		t.Errorf("error = %q, %q, want it without the password", err, err.Err)
	}
}

// Whatever comes from the server is a sign of life, because an answer can be
// stuck behind a large delivery. Silence is not.
func TestSSHKeepaliveCountsOtherBytes(t *testing.T) {
	noLeaks(t)
	s := startService(t, func(int) string { return "https://x.lhr.example\n" }, func(s *testService) { s.silent = true })
	cfg := s.client()
	cfg.KeepaliveInterval = 200 * time.Millisecond
	ep := mustOpenSSH(t, cfg)
	for range 50 { // for five intervals
		s.print("busy\n")
		time.Sleep(20 * time.Millisecond)
	}
	if st := ep.Status(); st.State != Online {
		t.Errorf("status while the server talks = %+v, want online", st)
	}
	st := waitStatus(t, ep, "the silence to be noticed", inState(Reconnecting))
	if want := "no answer to a keepalive"; !strings.Contains(st.Reason, want) {
		t.Errorf("reason = %q, want it to contain %q", st.Reason, want)
	}
}

// What a server says when it hangs up must not reach the terminal as it is.
func TestSSHHostileWords(t *testing.T) {
	for in, want := range map[string]string{
		"plain wörds 漢字":         "plain wörds 漢字",
		"\x1b[31mred\x07\r\n":    `\x1b[31mred\a\r\n`,
		"bidi \u202e zero\u200b": `bidi \u202e zero\u200b`,
		"bad \xff utf-8":         `bad � utf-8`,
		"c1 \u009b":              `c1 \u009b`,
	} {
		if got := sshPrintable(in); got != want {
			t.Errorf("sshPrintable(%q) = %q, want %q", in, got, want)
		}
	}
	if got := sshPrintable(strings.Repeat("x", 1<<20)); len(got) > 250 {
		t.Errorf("a long text has %d bytes when shown, want it cut", len(got))
	}
}
