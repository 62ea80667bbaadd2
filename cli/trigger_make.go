package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
	"hookloop/replay"
)

// makeBody takes the body of --file, and lets the user edit it.
func (t *trigger) makeBody(ctx context.Context) error {
	if file := t.f.bodyFile; file != "" {
		var text []byte
		var err error
		if file == "-" {
			text, err = io.ReadAll(t.a.Stdin)
		} else {
			text, err = os.ReadFile(file)
		}
		if err != nil {
			return usagef("--file: there is no body to send: %w", err)
		}
		t.sample.Body = string(text)
	}
	if !t.f.edit {
		return nil
	}
	r, err := t.render(time.Now())
	if err != nil {
		return err
	}
	t.edited, err = t.a.runEditor(ctx, r.Body)
	return err
}

// checkBody warns of a body of the user's that should be JSON and is not. It is
// sent all the same: to see what the handler makes of it may be what is wanted.
func (t *trigger) checkBody() error {
	if t.f.bodyFile == "" && !t.f.edit {
		return nil
	}
	r, err := t.render(time.Now())
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return err
	}
	var v any
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.a.sayf("hookloop: warning: the body is not JSON (%s); it is sent as it is", inspect.Escape(err.Error()))
	}
	return nil
}

// render returns the event without a signature.
func (t *trigger) render(at time.Time) (*provider.Request, error) {
	r := t.p.Render(&t.sample, t.base+t.path, at)
	if t.edited != nil {
		r.Body = t.edited
		return r, nil
	}
	for i := range t.edits {
		e := &t.edits[i]
		body, err := replay.EditBody(r.Body, r.Header.Get("Content-Type"), *e)
		if errors.Is(err, replay.ErrNoValue) {
			t.a.sayf("hookloop: %s, so it is added", inspect.Escape(err.Error()))
			e.How = replay.Add
			body, err = replay.EditBody(r.Body, r.Header.Get("Content-Type"), *e)
		}
		if err != nil {
			return nil, usageError{err}
		}
		r.Body = body
	}
	return r, nil
}

// request returns the next event, signed where its provider signs. A secret
// that is made for it is kept in dir, so that the next command has the same.
func (t *trigger) request(dir string) (*provider.Request, error) {
	at := time.Now()
	r, err := t.render(at)
	if err != nil {
		return nil, err
	}
	headers, err := parseHeaders(t.f.headers)
	if err != nil {
		return nil, err
	}
	for name, values := range headers {
		if r.Header[name] = values; values == nil {
			delete(r.Header, name)
		}
	}
	if t.f.unsigned {
		return r, nil
	}
	if !signsAnything(t.p) {
		t.tell("hookloop: %s signs nothing, so this is not signed: anyone could have sent it", t.p.Title)
		return r, nil
	}
	signed, err := t.checker.Sign(r, at, true)
	if err != nil && len(t.checker.Secrets[t.p.Name]) == 0 && !t.checker.HasSecret(r, t.p.Name) {
		signed, err = t.signWithNew(dir, r, at)
	}
	if err != nil {
		return nil, usagef("the event cannot be signed: %w; --unsigned sends it without a signature", err)
	}
	return &signed.Request, nil
}

// tell says something once.
func (t *trigger) tell(format string, args ...any) {
	if !t.told {
		t.told = true
		t.a.sayf(format, args...)
	}
}

func signsAnything(p *provider.Provider) bool {
	for i := range p.Schemes {
		if p.Schemes[i].Kind != provider.Unsigned {
			return true
		}
	}
	return false
}

// signWithNew signs with a secret made for the purpose, and says how to give
// it to the handler.
func (t *trigger) signWithNew(dir string, r *provider.Request, at time.Time) (*provider.Signed, error) {
	why := errors.New("no secret for it could be made")
	for i := range t.p.Schemes {
		s := &t.p.Schemes[i]
		secret, public, err := testSecret(dir, t.p.Name, s)
		if err != nil {
			return nil, err
		}
		if secret == "" {
			continue
		}
		c := onlyFor(t.checker, t.p.Name)
		c.Secrets = map[string][]provider.Secret{t.p.Name: {{Label: "the secret made by hookloop trigger", Value: secret}}}
		signed, err := c.Sign(r, at, true)
		if err != nil || signed.Scheme != s.Name {
			if err != nil {
				why = err
			}
			continue
		}
		t.checker = c
		name, value := envName(t.p, public != ""), public
		and := "To verify and sign with it, or with the real one, hookloop wants --secret " + t.p.Name + "=env:" + name
		if public == "" {
			value = secret
		} else {
			and = "It verifies what hookloop signs; the real one's private key nobody has but the provider."
		}
		told, needs := fmt.Sprintf("no secret of %s is configured, so this is signed with one made for tests", t.p.Title), "Your handler's environment needs"
		if elsewhere := secretElsewhere(dir, t.p); elsewhere != "" {
			told = elsewhere + ". This is signed with one made for tests instead, which a handler that has the real one refuses"
			needs = "To take it, the handler's environment would need"
		}
		t.tell("hookloop: %s. %s:\n\n  %s=%s\n\n%s", told, needs, name, inspect.Escape(value), and)
		return signed, nil
	}
	return nil, why
}

// testSecret returns the secret that is kept in dir for a provider's scheme,
// and makes it the first time. Both are "" where the scheme takes none; public
// is "" where the secret verifies.
func testSecret(dir, name string, s *provider.Scheme) (secret, public string, err error) {
	secret, public, ok := s.NewSecret()
	if !ok {
		return "", "", nil
	}
	if name == "stripe" {
		secret = "whsec_" + secret // as Stripe's own look, whole
	}
	dir = filepath.Join(dir, "triggers")
	path := filepath.Join(dir, fileName(name+"-"+s.Name))
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		secret, public, _ = strings.Cut(string(text), "\n\n")
		return secret, public, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("the secret for triggers cannot be read: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", fmt.Errorf("the secret for triggers cannot be kept: %w", err)
	}
	text = []byte(secret)
	if public != "" {
		text = []byte(strings.TrimSpace(secret) + "\n\n" + public)
	}
	if err := writePrivate(path, text); err != nil {
		return "", "", fmt.Errorf("the secret for triggers cannot be kept: %w", err)
	}
	return secret, public, nil
}

// fileName makes the name of a file of any text.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, text)
}

// envName is the environment variable in which a handler wants a provider's secret.
func envName(p *provider.Provider, public bool) string {
	if public {
		return strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_")) + "_PUBLIC_KEY"
	}
	return p.SecretVariable()
}

// An outcome is how an event was answered.
type outcome struct {
	id       int64 // of the delivery; 0 = not known
	status   int   // 0 without an answer
	header   http.Header
	body     []byte
	duration time.Duration
	err      string // without an answer
}

// outlook is what the provider would do now.
func (o *outcome) outlook(p *provider.Provider, r *provider.Request) provider.Outlook {
	out := provider.Outcome{Status: o.status, Header: o.header, Duration: o.duration, Variant: p.VariantOf(r)}
	if o.err != "" {
		out.Failure = "other"
	}
	return p.Outlook(out)
}

func (o *outcome) accepted(p *provider.Provider, r *provider.Request) bool {
	return o.outlook(p, r).Verdict == provider.Accepted
}
