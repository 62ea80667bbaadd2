package cli

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hookloop/inspect"
	"hookloop/replay"
	"hookloop/tunnel"
)

// handlerFlags say how requests are sent. listen and replay have them.
type handlerFlags struct {
	headers     []string
	hostHeader  string
	timeout     time.Duration
	insecure    bool
	ca          string
	allowTarget []string
}

func (f *handlerFlags) add(set *pflag.FlagSet) {
	set.StringArrayVarP(&f.headers, "header", "H", nil, "set a header on what is sent: 'Name: value', or 'Name:' to remove it (repeatable)")
	set.StringVar(&f.hostHeader, "host-header", "preserve", "Host header to send: preserve, rewrite, or a value")
	set.DurationVar(&f.timeout, "timeout", replay.DefaultTimeout, "how long the handler has to answer")
	set.BoolVar(&f.insecure, "insecure", false, "accept any certificate of the handler")
	set.BoolVar(&f.insecure, "skip-verify", false, "the same as --insecure")
	_ = set.MarkHidden("skip-verify")
	set.StringVar(&f.ca, "ca", "", "file with certificates (PEM) to trust besides the system's")
	set.StringArrayVar(&f.allowTarget, "allow-target", nil, "another machine that replays may go to, such as staging.example.com (repeatable)")
}

// sender builds a Sender from the flags. own returns the addresses of our own listeners.
func (f *handlerFlags) sender(store *inspect.Store, guard *replay.Guard) (*replay.Sender, error) {
	s := &replay.Sender{Store: store, Guard: guard, HostHeader: f.hostHeader, Timeout: f.timeout, Header: http.Header{}}
	if err := replay.CheckHeader(http.Header{"Host": {f.hostHeader}}); err != nil {
		return nil, usagef("--host-header: %w", err)
	}
	if f.timeout <= 0 {
		return nil, usagef("--timeout is %s: give the handler some time, such as 30s", f.timeout)
	}
	var err error
	if s.Header, err = parseHeaders(f.headers); err != nil {
		return nil, err
	}
	guard.Allow = append(guard.Allow, f.allowTarget...)
	opts := replay.TransportOptions{Guard: guard, Insecure: f.insecure}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, usagef("cannot read the certificates of --ca: %w", err)
		}
		if opts.CAs, err = x509.SystemCertPool(); err != nil {
			opts.CAs = x509.NewCertPool()
		}
		if !opts.CAs.AppendCertsFromPEM(pem) {
			return nil, usagef("--ca %s holds no certificate in PEM form", f.ca)
		}
	}
	s.Transport = replay.NewTransport(opts)
	return s, nil
}

func parseHeaders(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, values, err := replay.ParseHeader(line)
		if err != nil {
			return nil, usagef("--header: %w", err)
		}
		h[name] = append(h[name], values...)
	}
	return h, nil
}

const outputUsage = "how to show what happens: tui, compact, json or quiet (default: tui on a terminal, else compact)"

// listenFlags are the settings of listen.
type listenFlags struct {
	handlerFlags
	probeFlags
	providerFlags
	forwardTo, path string
	routes          []string
	fileRoutes      []fileRoute // of the configuration file

	answerHandshakes bool
	allowIPs         []string

	tunnel, url, authtoken      string
	ngrokAddr, ngrokCA          string
	sshServer                   string
	sshIdentity                 []string
	sshRemote                   string
	basicAuth, allowCIDR        []string
	port                        int
	inspector                   string
	output, readyFile           string
	concurrency                 int
	ordered                     bool
	answer, maxBody, durability string
	whenDown                    string
	keepCount                   int64
	keepBytes                   string
	keepAge                     age

	portSet, inspectorSet bool // by the user, so that no other will do
}

func (f *listenFlags) add(a *app, cmd *cobra.Command) {
	set := cmd.Flags()
	f.handlerFlags.add(set)
	f.probeFlags.add(set)
	f.providerFlags.add(a, cmd)
	set.BoolVar(&f.answerHandshakes, "answer-handshakes", false, "answer providers' handshakes (Slack, Meta, Zoom, …) without the handler")
	set.StringArrayVar(&f.allowIPs, "allow-ips", nil, "let in only what comes from the addresses that this provider publishes; every other sender is refused, other providers too (repeatable)")
	a.completeProviders(cmd, "allow-ips", "")
	set.StringVarP(&f.forwardTo, "forward-to", "f", "", "the handler: a port, host:port or URL (the same as the argument)")
	set.StringVar(&f.path, "path", "", "path at the handler that all deliveries go to (default: each its own)")
	set.StringArrayVar(&f.routes, "route", nil, "send the deliveries below a path elsewhere: /stripe=http://localhost:4242/hook (repeatable)")

	set.StringVar(&f.tunnel, "tunnel", "", "how providers get here: ngrok, none, or ssh://[user@]host[:port] (default: ngrok with a token, else none)")
	set.StringVar(&f.url, "url", "", "the public URL you want: a reserved or dev domain of yours; with --tunnel none, that of your own proxy")
	set.StringVar(&f.authtoken, "authtoken", "", "token of ngrok; better in NGROK_AUTHTOKEN or the configuration file")
	set.StringVar(&f.ngrokAddr, "ngrok-connect-addr", "", "address of another ngrok-compatible service, as host:port")
	set.StringVar(&f.ngrokCA, "ngrok-ca-file", "", "certificates (PEM) to trust for --ngrok-connect-addr")
	set.StringVar(&f.sshServer, "ssh-server", "", "the server of --tunnel ssh, as in ssh://[user@]host[:port]")
	set.StringArrayVar(&f.sshIdentity, "ssh-identity", nil, "private key file for SSH (default: the usual ones in ~/.ssh)")
	set.StringVar(&f.sshRemote, "ssh-remote", "", "what to ask the SSH server for, as [name]:port, such as :80 for sish (default: what suits the server)")
	set.StringArrayVar(&f.basicAuth, "basic-auth", nil, "let in only who knows user:password (repeatable)")
	set.StringArrayVar(&f.allowCIDR, "allow-cidr", nil, "let in only addresses in this range, such as 203.0.113.0/24 (repeatable)")

	set.IntVar(&f.port, "port", 4041, "port of the receiver on this machine; 0 = any")
	set.StringVar(&f.inspector, "inspector", "127.0.0.1:4040", "address of the page, or off")
	set.StringVar(&f.output, "output", "", outputUsage)
	set.StringVar(&f.readyFile, "ready-file", "", "write the addresses to this file when ready")
	set.IntVar(&f.concurrency, "concurrency", inspect.DefaultConcurrency, "how many deliveries are forwarded at a time")
	set.BoolVar(&f.ordered, "ordered", false, "forward one at a time, in the order of arrival")
	set.StringVar(&f.answer, "answer", "handler", "what the provider gets: the handler's answer, or at once this status")
	set.StringVar(&f.whenDown, "when-down", "refuse", "what providers get while the handler is down: refuse is 502, hold is 202 (200 where the provider takes nothing else), and it is delivered in order when the handler answers again")
	set.StringVar(&f.maxBody, "max-body", "32M", "largest body that is taken; larger ones are refused with 413")
	set.StringVar(&f.durability, "durability", "normal", "what deliveries survive: normal is kill -9, full is a power cut as well")
	set.Int64Var(&f.keepCount, "keep-count", 100_000, "how many deliveries are kept; -1 = no bound")
	set.StringVar(&f.keepBytes, "keep-bytes", "2G", "how many bytes of deliveries are kept; -1 = no bound")
	f.keepAge = 30 * day
	set.Var(&f.keepAge, "keep-age", "for how long deliveries are kept, such as 12h or 7d; -1 = no bound")
	for flag, values := range map[string][]string{
		"output": {"tui", "compact", "json", "quiet"}, "durability": {"normal", "full"}, "when-down": {"refuse", "hold"},
		"tunnel": {"ngrok", "none", "ssh://"}, "host-header": {"preserve", "rewrite"},
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// handler returns the handler that the arguments and flags name; nil for none.
func (f *listenFlags) handler(args []string) (*replay.Handler, error) {
	addr := f.forwardTo
	if len(args) > 0 {
		if addr != "" && addr != args[0] {
			return nil, usagef("both %s and --forward-to %s are given: name the handler once", args[0], addr)
		}
		addr = args[0]
	}
	h := &replay.Handler{}
	var err error
	if addr != "" {
		if h.URL, err = replay.ParseHandler(addr); err != nil && len(args) == 0 {
			return nil, usagef("--forward-to: %w", err)
		}
		if err != nil {
			return nil, usageError{err}
		}
	}
	if f.path != "" {
		if h.URL == nil {
			return nil, usagef("--path %s needs a handler: name one, such as `hookloop listen 3000 --path %s`", f.path, f.path)
		}
		p, err := url.Parse(f.path)
		if err != nil || p.Host != "" || p.Scheme != "" {
			return nil, usagef("--path %q is no path: give one such as /webhooks", f.path)
		}
		h.URL = h.URL.JoinPath(p.Path)
		h.URL.RawQuery = p.RawQuery
	}
	for _, r := range f.routes {
		route, err := replay.ParseRoute(r)
		if err != nil {
			return nil, usagef("--route: %w", err)
		}
		h.Routes = append(h.Routes, route)
	}
	if err := f.addFileRoutes(h); err != nil {
		return nil, settingError{err}
	}
	if h.URL == nil && len(h.Routes) == 0 {
		return nil, nil
	}
	return h, nil
}

// addFileRoutes adds the routes of the configuration file but for those whose
// path has one already.
func (f *listenFlags) addFileRoutes(h *replay.Handler) error {
	for _, r := range f.fileRoutes {
		if r.err != nil {
			return r.err
		}
		if r.to == "" || slices.ContainsFunc(h.Routes, func(have replay.Route) bool { return have.Prefix == r.path }) {
			continue
		}
		to, err := replay.ParseHandler(r.to)
		if err != nil {
			return fmt.Errorf("%s: %w", r.where, err)
		}
		h.Routes = append(h.Routes, replay.Route{Prefix: r.path, URL: to})
	}
	return nil
}

// receiver returns a Receiver with the flags' bounds.
func (f *listenFlags) receiver(store *inspect.Store) (*inspect.Receiver, error) {
	rc := &inspect.Receiver{Store: store, Concurrency: f.concurrency, Ordered: f.ordered}
	if f.concurrency < 1 {
		return nil, usagef("--concurrency is %d: at least 1 is needed", f.concurrency)
	}
	if f.whenDown != "refuse" && f.whenDown != "hold" {
		return nil, usagef("--when-down %q: give refuse or hold", f.whenDown)
	}
	var err error
	if rc.MaxBody, err = parseSize("--max-body", f.maxBody); err != nil {
		return nil, err
	}
	if f.answer != "handler" {
		status, err := strconv.Atoi(f.answer)
		if err != nil || status < 200 || status > 599 {
			return nil, usagef("--answer %q: give handler, or a status from 200 to 599", f.answer)
		}
		rc.Answer = status
	}
	return rc, nil
}

// storeOptions returns the store's bounds.
func (f *listenFlags) storeOptions() (inspect.Options, error) {
	if f.durability != "normal" && f.durability != "full" {
		return inspect.Options{}, usagef("--durability %q: give normal or full", f.durability)
	}
	keep := &inspect.Retention{Count: f.keepCount, Age: time.Duration(f.keepAge), Bytes: -1}
	if f.keepBytes != "-1" {
		var err error
		if keep.Bytes, err = parseSize("--keep-bytes", f.keepBytes); err != nil {
			return inspect.Options{}, err
		}
	}
	return inspect.Options{FullDurability: f.durability == "full", Retention: keep}, nil
}

// access returns who is let in.
func (f *listenFlags) access() (tunnel.Access, error) {
	access, err := tunnel.ParseAccess(f.basicAuth, f.allowCIDR)
	if err != nil {
		return access, usageError{err}
	}
	return access, nil
}

// sshIdentities are the key files to offer.
func (f *listenFlags) sshIdentities(home string) []string {
	if len(f.sshIdentity) > 0 || home == "" {
		return f.sshIdentity
	}
	var files []string
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		files = append(files, filepath.Join(home, ".ssh", name))
	}
	return files
}

func describe(h *replay.Handler) string {
	var parts []string
	if h != nil && h.URL != nil {
		parts = append(parts, strings.TrimSuffix(h.URL.String(), "/"))
	}
	if h != nil {
		for _, r := range h.Routes {
			parts = append(parts, fmt.Sprintf("%s → %s", r.Prefix, strings.TrimSuffix(r.URL.String(), "/")))
		}
	}
	return strings.Join(parts, ", ")
}

// defaultListenFlags returns the settings of a listen without any flags.
func (a *app) defaultListenFlags() *listenFlags {
	f := &listenFlags{}
	f.add(a, &cobra.Command{})
	return f
}
