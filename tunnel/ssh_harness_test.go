package tunnel

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

// sshTimeout bounds every wait of these tests; it is never reached when they pass.
const sshTimeout = 20 * time.Second

// sshSkip skips a test that needs a real OpenSSH server, and says so loudly.
// With HOOKLOOP_REQUIRE_SSHD=1 it fails instead.
func sshSkip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("HOOKLOOP_REQUIRE_SSHD") == "1" {
		t.Fatalf("HOOKLOOP_REQUIRE_SSHD=1, but %s", why)
	}
	fmt.Fprintf(os.Stderr, "\n!!! %s SKIPPED: %s. The SSH endpoint was NOT tested against a real server.\n\n", t.Name(), why)
	t.Skip(why)
}

// noLeaks fails the test if goroutines are left when all else is cleaned up.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// newSSHKey writes a private key and returns its file and public half.
func newSSHKey(t *testing.T, name, passphrase string) (file string, public ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), name)
	writeFile(t, file, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return file, signer.PublicKey()
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A testSSHD is a real OpenSSH server on loopback.
type testSSHD struct {
	t        *testing.T
	bin      string
	config   string // file
	addr     string
	identity string // a key file that it lets in
	cmd      *exec.Cmd
}

// startSSHD starts an sshd with the given extra lines of configuration.
func startSSHD(t *testing.T, extra ...string) *testSSHD {
	t.Helper()
	bin, err := exec.LookPath("sshd")
	if err != nil {
		bin = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(bin); err != nil {
		sshSkip(t, "there is no sshd on this machine")
	}
	if os.Getuid() == 0 {
		// The start script of the distribution makes this empty folder; sshd insists on it for root.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			sshSkip(t, "sshd needs the folder /run/sshd, which cannot be made: "+err.Error())
		}
	}
	d := &testSSHD{t: t, bin: bin, config: filepath.Join(t.TempDir(), "sshd_config")}
	hostKey, _ := newSSHKey(t, "host", "")
	var public ssh.PublicKey
	d.identity, public = newSSHKey(t, "id", "")
	authorized := filepath.Join(t.TempDir(), "authorized_keys")
	writeFile(t, authorized, string(ssh.MarshalAuthorizedKey(public)))
	for range 5 { // the free port may be taken before sshd gets it
		d.addr = freeAddr(t)
		_, port, _ := net.SplitHostPort(d.addr)
		lines := append([]string{
			// Without inet, sshd takes a port 0 that is free on ::1 even if it is in use on 127.0.0.1.
			"AddressFamily inet", "ListenAddress 127.0.0.1", "Port " + port, "HostKey " + hostKey, "AuthorizedKeysFile " + authorized,
			"PidFile none", "StrictModes no", "UsePAM no", "UseDNS no", "PasswordAuthentication no",
			"KbdInteractiveAuthentication no", "MaxStartups 100", "LogLevel ERROR",
		}, extra...)
		writeFile(t, d.config, strings.Join(lines, "\n")+"\n")
		if err = d.start(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("sshd does not start: %v", err)
	}
	t.Cleanup(d.stop)
	return d
}

// start runs the server and returns when it listens.
func (d *testSSHD) start() error {
	d.cmd = exec.Command(d.bin, "-D", "-e", "-f", d.config, "-o", "LogLevel=INFO")
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server listening on") {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return nil
		}
		said = append(said, lines.Text())
	}
	_ = d.cmd.Wait()
	return errors.New(strings.Join(said, "; "))
}

// stop ends the listening process; connections that are up live on.
func (d *testSSHD) stop() {
	if d.cmd != nil {
		_ = d.cmd.Process.Kill()
		_, _ = d.cmd.Process.Wait()
		d.cmd = nil
	}
}

// client returns the configuration for a client that this server lets in.
func (d *testSSHD) client() SSHConfig {
	return SSHConfig{
		Server:         "ssh://" + currentUser(d.t) + "@" + d.addr,
		Identities:     []string{d.identity},
		KnownHostsFile: filepath.Join(d.t.TempDir(), "known_hosts"),
	}
}

func currentUser(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// mustOpenSSH opens an endpoint that is shut down at the end of the test.
func mustOpenSSH(t *testing.T, cfg SSHConfig) Endpoint {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sshTimeout)
	defer cancel()
	ep, err := OpenSSH(ctx, cfg)
	if err != nil {
		t.Fatalf("OpenSSH: %v", err)
	}
	t.Cleanup(func() { shutdownSSH(t, ep, 3*time.Second) })
	return ep
}

// shutdownSSH fails if ep is not shut down within limit.
func shutdownSSH(t *testing.T, ep Endpoint, limit time.Duration) {
	t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := ep.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if took := time.Since(begin); took > limit {
		t.Errorf("Shutdown took %v, want at most %v", took, limit)
	}
	if got := ep.Status().State; got != Stopped && got != Failed {
		t.Errorf("state after Shutdown = %q, want %q", got, Stopped)
	}
}

// serveHTTP serves h on ep until the end of the test.
func serveHTTP(t *testing.T, ep Endpoint, h http.Handler) *http.Server {
	t.Helper()
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ep)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = Stop(ctx, srv, ep)
		<-done
	})
	return srv
}

// newClient returns an HTTP client that keeps no connection.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: sshTimeout}
}

// get returns the body of a good answer.
func get(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// waitStatus returns the first status that is as wanted.
func waitStatus(t *testing.T, ep Endpoint, what string, want func(Status) bool) Status {
	t.Helper()
	timeout := time.After(sshTimeout)
	for {
		st := ep.Status()
		if want(st) {
			return st
		}
		select {
		case <-ep.Changed():
		case <-timeout:
			t.Fatalf("waiting for %s: status is still %+v", what, st)
		}
	}
}

func inState(s State) func(Status) bool { return func(st Status) bool { return st.State == s } }

// A testProxy is a TCP proxy that can cut its connections or swallow all bytes.
type testProxy struct {
	ln net.Listener
	wg sync.WaitGroup

	mu      sync.Mutex
	target  string
	wake    sync.Cond
	stalled bool
	conns   map[net.Conn]bool
}

func startProxy(t *testing.T, target string) *testProxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveProxy(t, ln, target)
}

func serveProxy(t *testing.T, ln net.Listener, target string) *testProxy {
	t.Helper()
	p := &testProxy{ln: ln, target: target, conns: map[net.Conn]bool{}}
	p.wake.L = &p.mu
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.pass(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		p.stall(false)
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *testProxy) pass(in net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	out, err := net.Dial("tcp", target)
	if err != nil {
		_ = in.Close()
		return
	}
	p.mu.Lock()
	p.conns[in], p.conns[out] = true, true
	p.mu.Unlock()
	p.wg.Go(func() { p.copy(in, out) })
	p.copy(out, in)
	p.mu.Lock()
	delete(p.conns, in)
	delete(p.conns, out)
	p.mu.Unlock()
}

func (p *testProxy) copy(dst, src net.Conn) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		p.mu.Lock()
		for p.stalled {
			p.wake.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// stall makes the proxy swallow everything, or pass it on again.
func (p *testProxy) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = on
	p.wake.Broadcast()
}

// cut closes all connections.
func (p *testProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// retarget sends connections made from now on to another server.
func (p *testProxy) retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}
