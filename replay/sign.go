package replay

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// Signing says with which signature a replay goes out.
type Signing string

// The ways.
const (
	// SignIfNeeded signs again where the original signature would be refused
	// now and there is a secret. One that did not hold when it arrived stays
	// as it was, unless only its age was wrong.
	SignIfNeeded Signing = ""
	// SignAgain signs as the provider would sign it now; an error where that is not possible.
	SignAgain Signing = "again"
	// AsReceived leaves the signature as it was.
	AsReceived Signing = "as received"
)

// A Forecast says what will become of a signature when a delivery is replayed.
type Forecast struct {
	Refused string // why the original signature would be refused, in words without a dot at the end; "" = it would not, or there is none
	Sign    bool   // whether Replay would sign again
	CanSign bool   // whether it could
	Secret  string // the label of the secret it could sign with; "" if it can't
	Why     string // why it can't, and what to do about it; "" if it can or need not
}

// Forecast says what Replay would do about the signature. It sends nothing.
// Its error is the one that Replay would return, but for a signature that
// can't be made, which Why tells.
func (s *Sender) Forecast(ctx context.Context, id int64, o Options) (*Forecast, error) {
	d, p, err := s.prepare(ctx, id, o)
	if err != nil {
		return nil, err
	}
	f, _, _ := s.forecast(ctx, d, p, o)
	return f, nil
}

// keyPatience is how long a replay waits for a provider's key.
const keyPatience = 5 * time.Second

// signReplay signs p where o wants that, or records why its signature would be
// refused. Only replays are signed: what a provider sends is handed on as it is.
func (s *Sender) signReplay(ctx context.Context, d *inspect.Delivery, p *plan, o Options) error {
	if o.Signing == AsReceived && o.Simulation != 0 { // which knows what it does
		return nil
	}
	f, r, signed := s.forecast(ctx, d, p, o)
	switch {
	case f.Sign:
		p.sign(d, r, signed, s.Checker.Catalog)
	case o.Signing == SignAgain:
		return fmt.Errorf("delivery #%d can't be signed again: %s", d.ID, f.Why)
	default:
		p.record.NotSigned = f.Refused
	}
	return nil
}

// forecast says what becomes of p's signature, p's request as it would be
// signed again, and as it would be then; nil = it could not.
func (s *Sender) forecast(ctx context.Context, d *inspect.Delivery, p *plan, o Options) (*Forecast, *provider.Request, *provider.Signed) {
	if s.Checker == nil {
		return &Forecast{Why: "nothing here knows of providers and their secrets"}, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	r, captured := s.outgoing(ctx, d, p), d.Request()
	c := knowing(s.Checker, captured, r)
	f := &Forecast{}
	now, then := c.Verify(ctx, r), c.Verify(ctx, captured)
	if r.SignedWith = d.Facts.SignedWith(); then.Result == provider.Valid {
		r.SignedWith = provider.SignedWith{Scheme: then.Scheme, Secret: then.Secret}
	}
	signed, err := s.signAgain(c, r, o)
	if f.CanSign = err == nil; f.CanSign {
		f.Secret = signed.Secret
	}
	bad := then.Result == provider.Invalid && then.Code != provider.CodeTooOld && d.Facts.Signature != provider.Valid
	if bad {
		f.Refused = "the signature did not hold when it arrived: " + then.Reason
	} else {
		f.Refused = refusal(c.Catalog, d, p, r, now)
	}
	f.Sign = f.CanSign && (o.Signing == SignAgain || o.Signing == SignIfNeeded && f.Refused != "" && !bad)
	if err != nil && (f.Refused != "" || o.Signing == SignAgain) {
		f.Why = err.Error()
	}
	return f, r, signed
}

// knowing returns a Checker that knows of r, what will be sent, whose it is: an
// edit can take away what the provider was recognised by.
func knowing(c *provider.Checker, captured, r *provider.Request) *provider.Checker {
	then, now := c.Recognize(captured), c.Recognize(r)
	if then.Provider == nil || then.Certainty == provider.Guess || now.Provider == then.Provider && now.Certainty != provider.Guess {
		return c
	}
	return &provider.Checker{
		Catalog: c.Catalog, Default: then.Provider.Name, Routes: c.Routes, Secrets: c.Secrets, Settings: c.Settings, Keys: c.Keys,
	}
}

// outgoing is p as it would be signed, and as its signature will be checked:
// now, and for the URL that its handler takes for its own.
//
// That is the provider's URL, the public one, as long as the handler gets the
// Host and the path that it gets with the provider's own request: it can
// rebuild the URL from them, or know it, and what it accepts then it accepts
// now, wherever the replay goes. With another path it is that path of the public
// host. With another Host, or if the public URL is not known, it is the one that
// is called: scheme and path of the destination, and that Host.
func (s *Sender) outgoing(ctx context.Context, d *inspect.Delivery, p *plan) *provider.Request {
	r := d.Request()
	r.Method, r.Header, r.Body, r.Truncated, r.Time = p.method, p.header, p.body, d.Truncated && !p.bodySet, p.record.StartedAt
	host, uris := s.original(ctx, d)
	base := destination{scheme: p.dest.scheme, host: p.host}
	switch public, ok := parseDestination(d.Endpoint); {
	case r.URL == "" || p.host != host:
	case slices.Contains(uris, p.dest.uri):
		return r
	case ok:
		base = public
	}
	base.uri = p.dest.uri
	r.URL = base.String()
	path, _, _ := strings.Cut(r.Target, "?") // by which its route is known
	_, query, has := strings.Cut(p.dest.uri, "?")
	if r.Target = path; has {
		r.Target += "?" + query
	}
	return r
}

// original returns the Host and the request targets with which a handler gets,
// or got, d from its provider.
func (s *Sender) original(ctx context.Context, d *inspect.Delivery) (host string, uris []string) {
	host, uris = d.Host, []string{originForm(d.Target)}
	if s.Handler != nil {
		uris = append(uris, s.Handler.target(d.Target).uri)
	}
	if first, err := s.Store.Attempt(ctx, d.ID, 1); err == nil && first.Trigger == inspect.Initial {
		if first.Sent != nil && first.Sent.Host != "" {
			host = first.Sent.Host
		}
		if dest, ok := parseDestination(first.URL); ok {
			uris = append(uris, dest.uri)
		}
	}
	return host, uris
}

// signAgain returns r as its provider would send it now, or says why that
// can't be had and what to do. A header that the user set stays theirs; so
// does a timestamp, which is signed then.
func (s *Sender) signAgain(c *provider.Checker, r *provider.Request, o Options) (*provider.Signed, error) {
	signed, err := c.Sign(r, r.Time, true)
	if err != nil {
		return nil, err
	}
	if _, touched := s.keepUsers(o, r, signed); touched == "" {
		return signed, nil
	}
	if signed, err = c.Sign(r, r.Time, false); err != nil {
		return nil, err
	}
	header, touched := s.keepUsers(o, r, signed)
	signed.Request.Header = header
	if touched != "" && maps.EqualFunc(header, r.Header, slices.Equal) && bytes.Equal(signed.Request.Body, r.Body) {
		return nil, fmt.Errorf("the header %s, where the signature stands, is set by hand: leave it out to have it signed", touched)
	}
	return signed, nil
}

// keepUsers returns the headers of signed with the user's own as r has them,
// and the name of one that differed.
func (s *Sender) keepUsers(o Options, r *provider.Request, signed *provider.Signed) (h http.Header, touched string) {
	h = maps.Clone(signed.Request.Header)
	for _, set := range []http.Header{s.Header, o.Header} {
		for name := range set {
			name = http.CanonicalHeaderKey(name)
			if slices.Equal(h[name], r.Header[name]) {
				continue
			}
			touched = name
			if values, ok := r.Header[name]; ok {
				h[name] = values
			} else {
				delete(h, name)
			}
		}
	}
	return h, touched
}

// sign puts r, as it was signed again, in p's place, and records it.
func (p *plan) sign(d *inspect.Delivery, r *provider.Request, signed *provider.Signed, catalog *provider.Catalog) {
	p.header, p.headerSet = signed.Request.Header, true
	if !bytes.Equal(signed.Request.Body, p.body) {
		p.setBody(signed.Request.Body)
	}
	if uri, ok := otherQuery(p.dest.uri, r.Target, signed.Request.Target); ok {
		p.dest.uri = uri
		p.record.URL = p.dest.String()
	}
	sent := p.sent(d)
	if sent == nil {
		sent = &inspect.Sent{}
	}
	sent.Signed = signature(signed, scheme(catalog.Provider(signed.Provider), signed.Scheme))
	p.record.Sent = sent
}

// otherQuery returns uri, which join made of a request target, as it is with
// the query of another target.
func otherQuery(uri, from, to string) (string, bool) {
	_, old, _ := strings.Cut(from, "?")
	_, query, _ := strings.Cut(to, "?")
	rest, ok := strings.CutSuffix(uri, old)
	if from == to || !ok {
		return uri, false
	}
	if old == "" {
		if strings.Contains(rest, "?") {
			rest += "&"
		} else {
			rest += "?"
		}
	}
	return rest + query, true
}

// signature says in words how a request was signed: "stripe v1 with
// STRIPE_WEBHOOK_SECRET, timestamp 2026-11-22T01:02:03Z".
func signature(signed *provider.Signed, sch *provider.Scheme) string {
	text := signed.Provider + " " + signed.Scheme
	if signed.Secret != "" {
		text += " with " + signed.Secret
	}
	if sch != nil && (!sch.Timestamp.IsZero() || sch.Kind == provider.JWTHS256) {
		text += ", timestamp " + signed.At.UTC().Format(time.RFC3339)
	}
	return strings.Join(append([]string{text}, signed.Notes...), "; ")
}

// scheme returns a scheme of p by its name, or nil.
func scheme(p *provider.Provider, name string) *provider.Scheme {
	if p != nil {
		for i := range p.Schemes {
			if p.Schemes[i].Name == name {
				return &p.Schemes[i]
			}
		}
	}
	return nil
}
