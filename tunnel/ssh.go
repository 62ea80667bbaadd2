package tunnel

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"
)

// Defaults of an SSHConfig.
const (
	DefaultSSHStartTimeout      = 15 * time.Second
	DefaultSSHKeepaliveInterval = 15 * time.Second
)

const (
	sshBacklog         = 1024             // accepted by us, not yet by the server; more are rejected and logged
	sshTakeBackTimeout = time.Second      // how long Shutdown waits for the server to give the port back
	sshStableAfter     = 10 * time.Second // a connection that lived this long resets the backoff
	sshMaxRefusals     = 10               // logins refused in a row, after having been online, that end the endpoint
)

// SSHConfig says which server forwards to us and how to log in there.
// Only Server is needed. It must not be changed after OpenSSH was called.
//
// There are two kinds of server. A hosted service (localhost.run, pinggy,
// serveo, sish) prints the public URL in a session, which is opened for that.
// A plain one (OpenSSH, Dropbear) is only asked for the port: no session is
// opened, so an account without a shell will do, and no login greeting can be
// taken for the URL. The known services count as hosted, and so does any other
// server that is neither OpenSSH nor Dropbear if RemotePort is 80 or 443.
type SSHConfig struct {
	// Server is ssh://[user[:password]@]host[:port]; ssh:// may be left out.
	// Without a user it is the service's usual one, else the local user's name.
	Server string

	// RemoteHost is the address to listen on at the server ("*" for all of
	// them), or the wanted name at services that take one there. "" means all
	// addresses at a plain server, or only its loopback if URL is set (then a
	// proxy stands in front), and no particular name at a hosted service.
	RemoteHost string
	// RemotePort is the port to listen on at the server. 0 means whatever the
	// service wants (mostly 80), or any free port at a plain server; after a
	// reconnect the same one is asked for.
	RemotePort int

	// URL is the public URL to show if the user knows it, such as that of an
	// nginx in front of the forwarded port. "" means the one that the service
	// prints, or http://HOST:PORT of a plain server.
	URL string

	// KnownHostsFile holds the pinned host keys, in OpenSSH's format. An
	// unknown host is added to it, and Status gives the fingerprint as Reason;
	// a changed key is refused. "" pins for the life of the endpoint only.
	// Host certificates are not used.
	KnownHostsFile string

	// Identities are private key files. Those that do not exist are skipped,
	// and so are encrypted ones: their keys have to come from the agent.
	Identities []string
	// AgentSocket is the Unix socket of an ssh-agent (SSH_AUTH_SOCK), or "".
	AgentSocket string
	// Password is used where the server asks for one; a password in Server wins.
	Password string

	StartTimeout      time.Duration // for OpenSSH and each reconnect; 0 means DefaultSSHStartTimeout
	KeepaliveInterval time.Duration // between pings; 0 means DefaultSSHKeepaliveInterval
	Logger            *slog.Logger  // nil means no log
}

// sshEndpoint is an Endpoint over one SSH connection at a time.
type sshEndpoint struct {
	cfg    SSHConfig // with the defaults filled in
	target sshTarget
	auth   *sshAuth
	pins   *sshPins
	log    *slog.Logger

	life    context.Context // ends with Shutdown or a fatal error
	end     context.CancelFunc
	wg      sync.WaitGroup // every goroutine of ours
	changed chan struct{}
	conns   chan net.Conn
	closed  chan struct{}
	stopped chan struct{} // closed when the first Shutdown is done
	stop    sync.Once

	mu       sync.Mutex
	status   Status
	isClosed bool
	failure  error    // why Accept fails, if not because of Close
	link     *sshLink // nil while there is none
	port     uint32   // what the server granted, to ask for again
}

var _ Endpoint = (*sshEndpoint)(nil)

// OpenSSH logs in at cfg.Server and has it forward a port to the returned
// Endpoint. It makes one try: whatever goes wrong is returned at once as an
// [*Error], and so is the end of ctx, which bounds only the start.
//
// Once online the endpoint pings the server every KeepaliveInterval, takes the
// connection for dead if nothing comes back before the next is due, and
// connects again for as long as it takes: at once, then after 0.5, 1, 2 … 30
// seconds, give or take a fifth. It ends up Failed, with Accept returning the
// [*Error], only if the host key changed or the login is refused time and again.
//
// While it is Online, Status.Reason may hold a note that the user should see:
// a host key pinned on first use, a URL that changed after a reconnect, or a
// server that keeps the forwarded port to itself.
func OpenSSH(ctx context.Context, cfg SSHConfig) (Endpoint, error) {
	target, err := parseSSHServer(cfg.Server)
	if err != nil {
		return nil, err
	}
	if err := cfg.fill(&target); err != nil {
		return nil, err
	}
	auth, err := loadSSHAuth(cfg, target)
	if err != nil {
		return nil, err
	}
	s := &sshEndpoint{
		cfg: cfg, target: target, auth: auth, log: cfg.Logger, port: uint32(cfg.RemotePort),
		pins:    &sshPins{file: cfg.KnownHostsFile, addr: target.addr()},
		changed: make(chan struct{}, 1),
		conns:   make(chan net.Conn, sshBacklog),
		closed:  make(chan struct{}),
		stopped: make(chan struct{}),
		status:  Status{Provider: "ssh", State: Connecting, Since: time.Now()},
	}
	s.life, s.end = context.WithCancel(context.Background())
	link, fault := s.connect(ctx)
	if fault != nil {
		s.end()
		s.wg.Wait()
		return nil, fault.public()
	}
	s.online(link)
	s.wg.Go(func() { s.run(link) })
	if link.probe {
		s.wg.Go(func() { s.probe(link) })
	}
	return s, nil
}

// fill checks cfg and replaces its zero values by what they mean for target.
func (cfg *SSHConfig) fill(target *sshTarget) error {
	if cfg.RemotePort < 0 || cfg.RemotePort > 65535 {
		return &Error{Msg: fmt.Sprintf("the remote port %d is out of range; give one from 1 to 65535, or 0 for any", cfg.RemotePort)}
	}
	if cfg.RemotePort == 0 && target.service != nil {
		cfg.RemotePort = target.service.remotePort
	}
	if cfg.URL != "" {
		u, ok := cleanSSHURL(cfg.URL)
		if !ok {
			return &Error{Msg: fmt.Sprintf("%q is not a public URL; give it as https://host", cfg.URL)}
		}
		cfg.URL = u
	}
	if target.password == "" {
		target.password = cfg.Password
	}
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = DefaultSSHStartTimeout
	}
	if cfg.KeepaliveInterval <= 0 {
		cfg.KeepaliveInterval = DefaultSSHKeepaliveInterval
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Accept returns the next connection, net.ErrClosed after Close, or the
// *Error that ended the endpoint.
func (s *sshEndpoint) Accept() (net.Conn, error) {
	select {
	case <-s.closed:
	default:
		select {
		case c := <-s.conns:
			return c, nil
		case <-s.closed:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return nil, s.failure
	}
	return nil, net.ErrClosed
}

// offer queues c for Accept, or reports that it cannot.
func (s *sshEndpoint) offer(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return false
	}
	select {
	case s.conns <- c:
		return true
	default:
		s.log.Warn("ssh: connection rejected, too many are waiting", "waiting", sshBacklog)
		return false
	}
}

// Addr is the forwarded address at the server.
func (s *sshEndpoint) Addr() net.Addr {
	return sshAddr(net.JoinHostPort(s.target.host, strconv.Itoa(int(s.lastPort()))))
}

func (s *sshEndpoint) lastPort() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}

// Close implements net.Listener.
func (s *sshEndpoint) Close() error {
	s.closeWith(nil)
	return nil
}

// closeWith stops accepting; failure, if not nil, is what Accept then returns.
func (s *sshEndpoint) closeWith(failure error) {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return
	}
	s.isClosed, s.failure = true, failure
	close(s.closed)
	s.mu.Unlock()
	for { // offer adds nothing any more
		select {
		case c := <-s.conns:
			_ = c.Close()
		default:
			return
		}
	}
}

// Status implements Endpoint.
func (s *sshEndpoint) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Changed implements Endpoint.
func (s *sshEndpoint) Changed() <-chan struct{} { return s.changed }

// update changes the status and tells the reader of Changed.
func (s *sshEndpoint) update(f func(*Status)) {
	s.mu.Lock()
	old := s.status
	f(&s.status)
	if s.status.State != old.State {
		s.status.Since = time.Now()
	}
	same := s.status == old
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Shutdown implements Endpoint.
func (s *sshEndpoint) Shutdown(ctx context.Context) error {
	s.stop.Do(func() {
		defer close(s.stopped)
		s.closeWith(nil)
		s.update(func(st *Status) {
			if st.State != Failed {
				st.State, st.Reason, st.Retries = Stopped, "", 0
			}
		})
		s.mu.Lock()
		link := s.link
		s.mu.Unlock()
		if link != nil {
			link.takeBack(ctx)
		}
		s.end()
		s.wg.Wait()
	})
	<-s.stopped
	return nil
}
