package tunnel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"golang.ngrok.com/ngrok/v2"
)

// This file and its ngrok_*.go neighbours wrap ngrok's SDK. The rules:
//
//   - The SDK never gives up by itself, so every end is ours to declare: the
//     session lives on a context of its own, which we cancel.
//   - Handlers of SDK events record and signal. They call nothing of the SDK,
//     which holds its lock while it calls them.
//   - net/http never sees the SDK's listener or connections, only ours.
//   - Text from the service or the SDK may contain the authtoken. It passes a
//     masker before anybody reads it.

// Defaults of NgrokConfig.
const (
	DefaultNgrokAddr       = "connect.ngrok-agent.com:443"
	DefaultStartTimeout    = 20 * time.Second
	DefaultConflictTimeout = 2 * time.Minute
)

// NgrokConfig says how to open an ngrok endpoint. Only Authtoken is needed.
type NgrokConfig struct {
	// Authtoken is the account's token. It is never logged or put into errors.
	Authtoken string
	// URL is the public address wanted: "host", "host:port" or a whole http or
	// https URL. Without a scheme it is https. If "", ngrok chooses: the
	// account's own domain on a free plan.
	URL string
	// TrafficPolicy is ngrok's policy text, YAML or JSON; see [Access.Policy].
	// If "", everybody is let in.
	TrafficPolicy string
	// Metadata is shown with the agent and the endpoint in ngrok's dashboard.
	Metadata string
	// Name and Version introduce this program to ngrok. If "", "hookloop" and "dev".
	Name, Version string

	// ConnectAddr is the service's host:port. If "", DefaultNgrokAddr.
	ConnectAddr string
	// CAFile is a PEM file with the authorities to trust instead of ngrok's
	// own, for a private ingress or a network that intercepts TLS. If "", only
	// ngrok's own.
	CAFile string
	// Proxy is an http or socks5 proxy to connect through. If nil, none:
	// the environment is not looked at.
	Proxy *url.URL

	// StartTimeout bounds OpenNgrok. If 0, DefaultStartTimeout.
	StartTimeout time.Duration
	// ConflictTimeout is how long to go on when a lost endpoint cannot come
	// back because the service refuses it for a reason that may pass: somebody
	// else has its URL, or too many agents are running. If 0,
	// DefaultConflictTimeout.
	ConflictTimeout time.Duration
	// HeartbeatInterval and HeartbeatTolerance say how soon a dead connection
	// is noticed: after their sum. If 0, the SDK's 10 s and 15 s.
	HeartbeatInterval  time.Duration
	HeartbeatTolerance time.Duration

	// Logger receives the SDK's log, at debug level only. If nil, nobody does.
	Logger *slog.Logger
}

// OpenNgrok connects to ngrok and returns an endpoint that is online. An
// [*Error] says why that failed: at once when the service refuses, after
// StartTimeout when it cannot be reached.
//
// ctx bounds the start only. The endpoint lives until Shutdown, or until it has
// Failed: it was stopped from ngrok's dashboard, the service refused it for
// good, or ConflictTimeout has passed. Accept then returns the [*Error].
//
// The server that serves the endpoint must not set a WriteTimeout; it would be
// ignored. ngrok itself ends connections that are idle for five minutes. It is
// told this machine's host name and the path of this program (the SDK does that).
//
// Of the SDK's goroutines, two kinds may outlive Shutdown, asleep: the wait
// between two tries of an endpoint that the service was just refusing (30 s at
// most), and the heartbeat of a connection that has ended (HeartbeatInterval +
// HeartbeatTolerance at most).
func OpenNgrok(ctx context.Context, cfg NgrokConfig) (Endpoint, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	roots, err := cfg.roots()
	if err != nil {
		return nil, err
	}
	e := newNgrokEndpoint(&cfg)
	opts := cfg.agentOptions(roots)
	opts = append(opts, ngrok.WithDialer(e.dialer), ngrok.WithEventHandler(e.handleEvent), ngrok.WithRPCHandler(e.handleCommand))
	if e.agent, err = ngrok.NewAgent(opts...); err != nil {
		return nil, cfg.startError(err)
	}
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// complete fills in the defaults and checks what can be checked here.
func (c *NgrokConfig) complete() (err error) {
	if c.URL, err = normaliseURL(c.URL); err != nil {
		return err
	}
	if err := checkProxy(c.Proxy); err != nil {
		return err
	}
	if c.Name == "" {
		c.Name = "hookloop"
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = DefaultStartTimeout
	}
	if c.ConflictTimeout == 0 {
		c.ConflictTimeout = DefaultConflictTimeout
	}
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = slog.New(sdkHandler{logger.Handler(), masker{c.Authtoken}})
	return nil
}

func (c *NgrokConfig) address() string {
	if c.ConnectAddr == "" {
		return DefaultNgrokAddr
	}
	return c.ConnectAddr
}

// roots reads CAFile; nil means ngrok's own authority.
func (c *NgrokConfig) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, &Error{Msg: fmt.Sprintf("the CA file cannot be read (%v); check its path", err), Err: err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &Error{Msg: fmt.Sprintf("the CA file %s has no certificate in it; it must be in PEM form", c.CAFile)}
	}
	return pool, nil
}

func (c *NgrokConfig) agentOptions(roots *x509.CertPool) []ngrok.AgentOption {
	opts := []ngrok.AgentOption{
		ngrok.WithAuthtoken(c.Authtoken),
		ngrok.WithClientInfo(c.Name, c.Version),
		ngrok.WithLogger(c.Logger),
		ngrok.WithAutoConnect(false),
		ngrok.WithTLSConfig(func(t *tls.Config) { t.ServerName = connectHost(c.address()) }),
		ngrok.WithAgentConnectURL(c.address()),
	}
	if c.Metadata != "" {
		opts = append(opts, ngrok.WithAgentMetadata(c.Metadata))
	}
	if roots != nil {
		opts = append(opts, ngrok.WithAgentConnectCAs(roots))
	}
	if c.HeartbeatInterval > 0 {
		opts = append(opts, ngrok.WithHeartbeatInterval(c.HeartbeatInterval))
	}
	if c.HeartbeatTolerance > 0 {
		opts = append(opts, ngrok.WithHeartbeatTolerance(c.HeartbeatTolerance))
	}
	return opts
}

func (c *NgrokConfig) endpointOptions() []ngrok.EndpointOption {
	var opts []ngrok.EndpointOption
	if c.URL != "" {
		opts = append(opts, ngrok.WithURL(c.URL))
	}
	if c.TrafficPolicy != "" {
		opts = append(opts, ngrok.WithTrafficPolicy(c.TrafficPolicy))
	}
	if c.Metadata != "" {
		opts = append(opts, ngrok.WithMetadata(c.Metadata))
	}
	return opts
}

// startError makes an Error of whatever the SDK returned at the start.
func (c *NgrokConfig) startError(err error) *Error {
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	if code, refused := codeOf(err); refused {
		return c.explainRefusal(code, err)
	}
	return &Error{Msg: c.explainNetwork(err), Err: errors.New(masker{c.Authtoken}.text(err.Error()))}
}
