package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	providerFlags
	url, at         string
	explain, asJSON bool
}

// trial reports whether the check is of something other than what is configured.
func (f *verifyFlags) trial() bool { return f.provider != "" || len(f.secrets) > 0 || len(f.set) > 0 }

func (a *app) verifyCommand() *cobra.Command {
	f := verifyFlags{providerFlags: providerFlags{strict: true, lenient: true}} // so that one set of flags does for many requests
	cmd := &cobra.Command{
		Use:   "verify FILE|-|ID|last",
		Short: "Check a request's signature, and say why it fails",
		Long: "verify checks the signature of a saved HTTP request: request line, header lines, an empty line, and the\n" +
			"body, every byte of it (- reads standard input); or of a captured delivery, at the time of its capture.\n" +
			"A number, #12, last and last~2 are deliveries; a file of such a name is ./12.\n" +
			"The exit status is 0 if the signature is valid, 1 if not or if nothing can be said, 2 if there is no\n" +
			"request to check.",
		Example: `hookloop verify request.http --secret env:STRIPE_WEBHOOK_SECRET
hookloop verify last --explain

# Twilio signs the URL that it called; the request was saved some days ago
hookloop verify sms.http --provider twilio --secret file:token --url https://example.com/sms
hookloop verify request.http --secret stripe=env:SECRET --at 2026-01-31T12:00:00Z

# what a check needs besides: PayPal's webhook ID and, without the network, its certificate
hookloop verify paypal.http --set webhook_id=1AB --set cert_pem=@paypal.pem --json`,
		Args: args(1, 1, "one file, or one delivery"),
		ValidArgsFunction: func(cmd *cobra.Command, given []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
			words, _ := a.completeIDs(cmd, given, prefix)
			return words, cobra.ShellCompDirectiveKeepOrder // and files
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), &f, args[0]) },
	}
	f.providerFlags.add(a, cmd)
	set := cmd.Flags()
	set.StringVar(&f.url, "url", "", "the address that the provider called (default: from the Host header, or as captured)")
	set.StringVar(&f.at, "at", "", "the time of the check, as UNIX seconds or RFC 3339 (default: now, or the time of capture)")
	set.BoolVar(&f.explain, "explain", false, "show the exact string that is signed, and the signatures")
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	return cmd
}

// deliveryName is what names a delivery; everything else is a file.
var deliveryName = regexp.MustCompile(`^(#?[0-9]+|last(~[0-9]+)?)$`)

func (a *app) verify(ctx context.Context, f *verifyFlags, name string) error {
	at, err := parseTime(f.at)
	if err != nil {
		return err
	}
	in, err := a.subject(ctx, name)
	if err != nil {
		if f.asJSON && ctx.Err() == nil {
			err = cmp.Or(inspect.NewJSONEncoder(a.Stdout).Encode(verification{Code: "no_request", Reason: err.Error(), Notes: []string{}}), err)
		}
		return err
	}
	defer in.close()
	r := in.request
	if !at.IsZero() {
		r.Time = at
	}
	if f.url != "" {
		if r.URL, err = publicURL(f.url, r.Target); err != nil {
			return err
		}
	}
	c, err := a.verifyChecker(&f.providerFlags, r)
	if err != nil {
		return err
	}
	if in.store != nil {
		if err := learnSecrets(ctx, in.store, c); err != nil {
			return err
		}
	}
	diagnosis, err := diagnose(ctx, in.store, c, r)
	if err != nil {
		return err
	}
	diagnosis.Notes = append(in.notes, diagnosis.Notes...)
	if in.store != nil && f.url == "" && f.at == "" {
		if err := keepFacts(ctx, in.store, c, in.delivery, f.trial()); err != nil {
			return err
		}
	}
	if err := a.printVerification(f, c, diagnosis); err != nil {
		return err
	}
	if diagnosis.Result != provider.Valid {
		return errSilent
	}
	return nil
}

// A subject is a request to check.
type subject struct {
	request  *provider.Request
	notes    []string
	store    *inspect.Store    // nil unless it is a captured delivery
	delivery *inspect.Delivery // which it is then
}

func (s *subject) close() {
	if s.store != nil {
		_ = s.store.Close()
	}
}

// subject reads the file, or the captured delivery, of a name.
func (a *app) subject(ctx context.Context, name string) (*subject, error) {
	if !deliveryName.MatchString(name) {
		text, err := a.readInput(ctx, name)
		if err != nil {
			return nil, err
		}
		r, notes, err := parseRequest(text, time.Now())
		if err != nil {
			return nil, settingError{fmt.Errorf("%s: %w", inputName(name), err)}
		}
		return &subject{request: r, notes: notes}, nil
	}
	store, err := a.openKept()
	if errors.Is(err, errNoFolder) {
		return nil, settingError{err} // there is no request to check
	}
	if err != nil {
		return nil, err
	}
	d, err := one(ctx, store, name)
	if err != nil {
		_ = store.Close()
		return nil, usageError{err}
	}
	return &subject{request: d.Request(), store: store, delivery: d}, nil
}

// diagnose is c.Verify, with what a store, if there is one, tells of the secret.
func diagnose(ctx context.Context, store *inspect.Store, c *provider.Checker, r *provider.Request) (d provider.Diagnosis, err error) {
	d = c.Verify(ctx, r)
	if err := ctx.Err(); err != nil || store == nil || d.Code != provider.CodeWrongSecret {
		return d, err
	}
	more, err := inspect.OtherSecret(ctx, store, c, d.Provider)
	d.Reason += more
	return d, err
}

// verifyChecker returns a Checker for one request. The flags need not name its
// provider, which is recognised, and they win over the routes.
func (a *app) verifyChecker(f *providerFlags, r *provider.Request) (*provider.Checker, error) {
	c, err := a.fileChecker(f)
	if err != nil {
		return nil, err
	}
	if f.provider != "" {
		c.Routes = nil
	}
	first := &provider.Checker{Catalog: c.Catalog, Default: c.Default, Routes: c.Routes} // c is not complete yet
	rec := first.Recognize(r)
	known := "unrecognized" // whose secrets nobody uses
	if rec.Provider != nil {
		known = rec.Provider.Name
	}
	if err := a.addFlags(c, f, known); err != nil {
		return nil, err
	}
	if len(f.secrets) > 0 {
		for i := range c.Routes {
			c.Routes[i].Secrets = nil
		}
	}
	return c, nil
}

// maxRequest is the largest saved request.
const maxRequest = 128 << 20

// readInput reads a file or, as -, standard input until ctx ends.
func (a *app) readInput(ctx context.Context, name string) ([]byte, error) {
	if name != "-" {
		text, err := readAtMost(name, maxRequest)
		if os.IsNotExist(err) {
			return nil, usagef("there is no file %s, and it names no delivery either: give a file, a number such as 12, or last", name)
		}
		if err != nil {
			return nil, usagef("cannot read the request: %w", err)
		}
		return text, nil
	}
	type read struct {
		text []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := allOf(a.Stdin, "standard input", maxRequest)
		done <- read{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case in := <-done:
		if in.err != nil {
			return nil, usagef("cannot read the request: %w", in.err)
		}
		return in.text, nil
	}
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// one returns the delivery that an expression names.
func one(ctx context.Context, store *inspect.Store, expr string) (*inspect.Delivery, error) {
	ids, err := store.Resolve(ctx, expr)
	if err != nil {
		return nil, err
	}
	if len(ids) != 1 {
		return nil, fmt.Errorf("%s names %d deliveries: name one", expr, len(ids))
	}
	return store.Delivery(ctx, ids[0])
}

// keepFacts puts what c knows of d into the store, unless less is known than
// before. What held once stays known; a trial, with secrets or settings of its
// own, is kept only where it finds what makes the signature hold.
func keepFacts(ctx context.Context, store *inspect.Store, c *provider.Checker, d *inspect.Delivery, trial bool) error {
	facts, pending := c.Assess(d.Request())
	if pending && facts.SignatureCode != provider.CodeNoKey {
		found, err := diagnose(ctx, store, c, d.Request())
		if err != nil {
			return err
		}
		facts, pending = facts.With(found), false
	}
	if pending || facts.Provider == "" || worse(d.Facts, facts) || untold(c, d.Request(), d.Facts) {
		return nil
	}
	if facts.Signature != provider.Valid && (trial || d.Facts.Signature == provider.Valid) {
		return nil
	}
	if facts = keepKnown(d.Facts, facts); reflect.DeepEqual(facts, d.Facts) {
		return nil
	}
	return store.SetFacts(ctx, d.ID, facts)
}

// parseTime reads UNIX seconds or RFC 3339; zero for "".
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usagef("--at %q: give UNIX seconds such as 1760000000, or a time such as 2026-01-31T12:00:00Z", text)
	}
	return t, nil
}
