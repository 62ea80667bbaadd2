package tunnel

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// wantRefused fails unless OpenSSH gives up quickly with an *Error whose sentence
// has all the words.
func wantRefused(t *testing.T, cfg SSHConfig, words ...string) *Error {
	t.Helper()
	begin := time.Now()
	ep, err := OpenSSH(t.Context(), cfg)
	if err == nil {
		shutdownSSH(t, ep, 3*time.Second)
		t.Fatalf("OpenSSH worked, want an error with %q", words)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("OpenSSH failed after %v, want at once", took)
	}
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("OpenSSH = %T %v, want an *Error", err, err)
	}
	for _, w := range words {
		if !strings.Contains(refused.Msg, w) {
			t.Errorf("error = %q, want it to contain %q", refused.Msg, w)
		}
	}
	return refused
}

func TestSSHHostKeyIsPinned(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg := d.client()
	cfg.KnownHostsFile = filepath.Join(t.TempDir(), "new", "known_hosts")
	ep := mustOpenSSH(t, cfg)
	if st := ep.Status(); !strings.Contains(st.Reason, "trusted from now on: SHA256:") {
		t.Errorf("reason on first use = %q, want the fingerprint", st.Reason)
	}
	shutdownSSH(t, ep, 3*time.Second)
	pinned, err := os.ReadFile(cfg.KnownHostsFile)
	if err != nil || strings.Count(string(pinned), "\n") != 1 || !strings.Contains(string(pinned), "ssh-ed25519") {
		t.Fatalf("known hosts = %q, %v, want one line", pinned, err)
	}
	if st, _ := os.Stat(cfg.KnownHostsFile); st.Mode().Perm() != 0o600 {
		t.Errorf("mode of the known hosts = %v, want 0600", st.Mode())
	}
	ep = mustOpenSSH(t, cfg)
	if st := ep.Status(); st.Reason != "" {
		t.Errorf("reason on second use = %q, want none", st.Reason)
	}
	if again, _ := os.ReadFile(cfg.KnownHostsFile); string(again) != string(pinned) {
		t.Errorf("known hosts on second use = %q, want them unchanged", again)
	}
}

func TestSSHChangedHostKeyIsRefused(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg := d.client()
	_, other := newSSHKey(t, "other", "")
	line := "[127.0.0.1]:" + d.addr[strings.LastIndexByte(d.addr, ':')+1:] + " " + string(ssh.MarshalAuthorizedKey(other))
	writeFile(t, cfg.KnownHostsFile, "# mine\n"+line)
	wantRefused(t, cfg, "has changed", ssh.FingerprintSHA256(other), cfg.KnownHostsFile+" line 2", "remove that line")
	if got, _ := os.ReadFile(cfg.KnownHostsFile); string(got) != "# mine\n"+line {
		t.Errorf("known hosts = %q, want them unchanged", got)
	}

	pin := d.client()
	shutdownSSH(t, mustOpenSSH(t, pin), 3*time.Second)
	pinned, err := os.ReadFile(pin.KnownHostsFile)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, cfg.KnownHostsFile, "@revoked "+string(pinned))
	wantRefused(t, cfg, "marked as revoked")
}

// A key that changes while we are online ends the endpoint, even if nothing is on disk.
func TestSSHHostKeyChangesDuringOutage(t *testing.T) {
	for _, file := range []string{"", "known_hosts"} {
		t.Run("file "+file, func(t *testing.T) {
			noLeaks(t)
			good, bad := startSSHD(t), startSSHD(t)
			cfg, p := throughProxy(t, good)
			if cfg.KnownHostsFile = file; file != "" {
				cfg.KnownHostsFile = filepath.Join(t.TempDir(), file)
			}
			ep := mustOpenSSH(t, cfg)
			accepted := make(chan error, 1)
			go func() {
				for {
					if _, err := ep.Accept(); err != nil {
						accepted <- err
						return
					}
				}
			}()
			p.retarget(bad.addr)
			p.cut()
			st := waitStatus(t, ep, "the endpoint to give up", inState(Failed))
			if want := "has changed"; !strings.Contains(st.Reason, want) {
				t.Errorf("reason = %q, want it to contain %q", st.Reason, want)
			}
			err := <-accepted
			if e, ok := errors.AsType[*Error](err); !ok || e.Msg != st.Reason {
				t.Errorf("Accept = %v, want an *Error with the reason", err)
			}
		})
	}
}

func TestSSHLoginRefused(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	wrong, _ := newSSHKey(t, "wrong", "")
	locked, _ := newSSHKey(t, "locked", "secret")
	user := `"` + currentUser(t) + `"`
	for name, tt := range map[string]struct {
		identities []string
		agent      string
		words      []string
	}{
		"wrong key":     {[]string{wrong}, "", []string{"refused to log in " + user, wrong, "authorized_keys"}},
		"encrypted key": {[]string{locked}, "", []string{"encrypted key " + locked, "ssh-add"}},
		"no key":        {nil, "", []string{"no key, agent or password was given"}},
		"missing file":  {[]string{wrong + ".missing"}, "", []string{"no key, agent or password was given"}},
		"dead agent":    {nil, wrong + ".sock", []string{"an agent that does not answer at"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := d.client()
			cfg.Identities, cfg.AgentSocket = tt.identities, tt.agent
			wantRefused(t, cfg, tt.words...)
		})
	}
	cfg := d.client()
	writeFile(t, wrong, "no key at all")
	cfg.Identities = []string{wrong}
	wantRefused(t, cfg, "is not a private key")
}

func TestSSHForwardRefused(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t, "AllowTcpForwarding no")
	wantRefused(t, d.client(), "refused to forward a port", "AllowTcpForwarding")

	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	cfg := startSSHD(t, "GatewayPorts clientspecified").client()
	cfg.RemoteHost = "127.0.0.1"
	cfg.RemotePort = busy.Addr().(*net.TCPAddr).Port
	wantRefused(t, cfg, "it is taken or not allowed", "choose another port")
}

func TestSSHUnreachable(t *testing.T) {
	noLeaks(t)
	wantRefused(t, SSHConfig{Server: "u@" + freeAddr(t)}, "cannot be reached", "connection refused")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := SSHConfig{Server: "u@" + silent.Addr().String(), StartTimeout: 100 * time.Millisecond}
	if err := wantRefused(t, cfg, "did not answer within 100ms"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cause = %v, want context.DeadlineExceeded", err.Err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	cfg.StartTimeout = 0
	if _, err := OpenSSH(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenSSH with a cancelled context = %v, want context.Canceled", err)
	}
}

// The context bounds only the start.
func TestSSHOutlivesItsContext(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	ctx, cancel := context.WithCancel(t.Context())
	ep, err := OpenSSH(ctx, d.client())
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdownSSH(t, ep, 3*time.Second) })
	serveHTTP(t, ep, okHandler)
	if got, err := get(newClient(), ep.Status().URL); got != "ok" {
		t.Errorf("answer = %q, %v, want ok", got, err)
	}
}

func TestSSHAgent(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t)
	cfg := d.client()
	pem, err := os.ReadFile(d.identity)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "hookloop") // t.TempDir() is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cfg.Identities, cfg.AgentSocket = nil, filepath.Join(dir, "agent")
	ln, err := net.Listen("unix", cfg.AgentSocket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = agent.ServeAgent(keys, c) })
		}
	})
	t.Cleanup(wg.Wait) // the endpoint must have hung up
	t.Cleanup(func() { _ = ln.Close() })
	mustOpenSSH(t, cfg)
	cfg.Server = strings.Replace(cfg.Server, "@", "-who-is-this@", 1)
	wantRefused(t, cfg, "1 keys of the agent")
}

// An sshd that keeps the port on its loopback is the usual mistake; Status says so.
func TestSSHUnreachableURLIsNoted(t *testing.T) {
	noLeaks(t)
	d := startSSHD(t, "GatewayPorts no")
	other, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("127.0.0.2 cannot be used on this system")
	}
	p := serveProxy(t, other, d.addr)
	cfg := d.client()
	cfg.Server = "ssh://" + currentUser(t) + "@" + p.ln.Addr().String()
	ep := mustOpenSSH(t, cfg)
	st := waitStatus(t, ep, "a note", func(st Status) bool { return strings.Contains(st.Reason, "GatewayPorts") })
	if st.State != Online || !strings.HasPrefix(st.URL, "http://127.0.0.2:") || !strings.Contains(st.Reason, "trusted from now on") {
		t.Errorf("status = %+v, want online, the URL, and both notes", st)
	}
}
