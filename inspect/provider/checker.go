package provider

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Checker recognises, verifies, answers and signs with a catalog and with
// what the user configured. Its fields must be set before its first use; it is
// safe for concurrent use. A nil *Checker recognises nothing.
type Checker struct {
	Catalog  *Catalog
	Default  string                       // the provider of everything that no route decides; "" = recognise it
	Routes   []Route                      // by path, the longest prefix first
	Secrets  map[string][]Secret          // by provider; any of them may match
	Settings map[string]map[string]string // by provider and key
	Keys     *Fetcher                     // fetches certificates and keys; nil = none are fetched
	HTTP     http.RoundTripper            // for Confirm; nil = one of its own, with the proxy of the environment

	mu     sync.RWMutex
	added  map[string][]Secret // by AddSecret
	parsed sync.Map            // public keys by parsedKey
}

type parsedKey struct {
	scheme *Scheme
	secret Secret
}

// A Route says what is known of the deliveries below a path.
type Route struct {
	Prefix   string   // "/stripe" is for /stripe and /stripe/…, not for /stripes
	Provider string   // "" = recognise it
	Secrets  []Secret // instead of the provider's; nil = those
}

// A Secret is a shared secret, a token, a public key, or a private key in PEM
// form, as the provider's dashboard shows it.
type Secret struct {
	Label string // how it is called where it must not be shown, in words that stand after "with": "STRIPE_WEBHOOK_SECRET", "the setting public_key"
	Value string
}

// Facts are what a list keeps of a request's recognition and verification.
// The zero value is: not looked at, or not recognised.
//
// A handshake that carries no signature has the Scheme "handshake". Its
// Signature is Unverifiable for CodeNotSigned where it is as it should be,
// whereas [Checker.Verify] says of it that it is Valid, and Invalid for
// CodeHandshakeRefused where its token is wrong.
type Facts struct {
	Provider        string       `json:"provider"` // "stripe"; "" = not recognised
	Certainty       Certainty    `json:"certainty,omitempty"`
	Others          []string     `json:"others,omitempty"` // for a guess
	Event           string       `json:"event_type"`
	EventID         string       `json:"event_id"`
	EventIDHash     bool         `json:"event_id_hash,omitempty"`    // EventID is a hash of the body, as there is no ID
	ProviderAttempt int          `json:"provider_attempt,omitempty"` // the provider's own count; 0 = it says nothing
	Handshake       string       `json:"handshake,omitempty"`        // its name: "url_verification"
	Signature       Result       `json:"signature"`                  // "" = nobody looked
	SignatureCode   Code         `json:"signature_code,omitempty"`
	SignatureReason string       `json:"signature_reason,omitempty"`
	Scheme          string       `json:"scheme,omitempty"`
	Secret          string       `json:"secret,omitempty"`  // the label of the one that matched
	Address         AddressCheck `json:"address,omitempty"` // whether the client's is one of the provider's
}

// With returns f with what d says of the signature.
func (f Facts) With(d Diagnosis) Facts {
	f.Signature, f.SignatureCode, f.SignatureReason, f.Scheme, f.Secret = d.Result, d.Code, d.Reason, d.Scheme, d.Secret
	if d.Scheme == handshakeScheme && d.Result == Valid {
		f.Signature, f.SignatureCode = Unverifiable, CodeNotSigned
	}
	return f
}

// SignedWith returns the scheme and the secret that the signature held with;
// zero where it did not.
func (f Facts) SignedWith() SignedWith {
	if f.Secret == "" {
		return SignedWith{}
	}
	return SignedWith{Scheme: f.Scheme, Secret: f.Secret}
}

// An AddressCheck says whether a client's address is among those that its provider publishes.
type AddressCheck string

// The checks. "" is: the provider publishes none, or the address is not known.
const (
	Listed    AddressCheck = "listed"
	NotListed AddressCheck = "not listed"
)

// Recognize says who sent r and what it is. Of a guess's candidates that one
// is certain under whose secret a signature holds.
func (c *Checker) Recognize(r *Request) Recognition {
	if c == nil || c.Catalog == nil {
		return Recognition{}
	}
	r = r.sharing()
	rec := c.Catalog.Recognize(r, c.named(r))
	if rec.Certainty != Guess {
		return rec
	}
	names := rec.Others
	if rec.Provider != nil {
		names = append([]string{rec.Provider.Name}, names...)
	}
	for _, name := range names {
		p := c.Catalog.Provider(name)
		if p == nil || len(c.secretsOf(r, p)) == 0 {
			continue
		}
		v := c.look(r, Recognition{Provider: p})
		v.brief = true
		if v.verify().Result == Valid {
			rec = c.Catalog.Recognize(r, name)
			rec.Certainty = Certain
			return rec
		}
	}
	return rec
}

// named returns the provider that the user has named for r, or "".
func (c *Checker) named(r *Request) string {
	if route := c.route(r); route != nil && route.Provider != "" {
		return route.Provider
	}
	return c.Default
}

// route returns the route of r's path, or nil.
func (c *Checker) route(r *Request) *Route {
	path, _, _ := strings.Cut(r.Target, "?")
	for i := range c.Routes {
		prefix := strings.TrimSuffix(c.Routes[i].Prefix, "/")
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return &c.Routes[i]
		}
	}
	return nil
}

// secretsOf returns the secrets of a provider for r: its route's, or those of
// the provider and its settings; and those of AddSecret.
func (c *Checker) secretsOf(r *Request, p *Provider) []Secret {
	all := c.Secrets[p.Name]
	if route := c.route(r); route != nil && route.Secrets != nil {
		all = route.Secrets
	} else if settings := c.Settings[p.Name]; len(settings) > 0 {
		all = append(slices.Clone(all), keySettings(settings)...)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if added := c.added[p.Name]; len(added) > 0 {
		all = append(slices.Clone(all), added...)
	}
	return all
}

// The settings that are public keys, and what labels of settings begin with.
var publicSettings = []string{"public_key", "cert_pem"}

const settingLabel = "the setting "

// isPublic reports whether a secret is a setting that is a public key.
func (s Secret) isPublic() bool {
	name, ok := strings.CutPrefix(s.Label, settingLabel)
	return ok && slices.Contains(publicSettings, name)
}

// keySettings returns the keys that stand among settings.
func keySettings(settings map[string]string) (all []Secret) {
	for _, name := range publicSettings {
		if value := settings[name]; value != "" {
			all = append(all, Secret{Label: settingLabel + name, Value: value})
		}
	}
	if raw, err := decode("base64", strings.TrimSpace(settings["secret_b64"])); err == nil && len(raw) > 0 {
		all = append(all, Secret{Label: settingLabel + "secret_b64", Value: string(raw)})
	}
	return all
}

// keysOf returns what secrets are for a scheme. Of those that cannot be its
// key, err says why of the first.
func (c *Checker) keysOf(s *Scheme, secrets []Secret) (keys []*key, err error) {
	for _, secret := range secrets {
		k, problem := c.keyOf(s, secret)
		if problem == nil {
			keys = append(keys, k)
		} else if err == nil {
			err = fmt.Errorf("%s does not fit: %w", secret.Label, problem)
		}
	}
	return keys, err
}

// keyOf is newKey. Public keys are parsed once.
func (c *Checker) keyOf(s *Scheme, secret Secret) (*key, error) {
	if !s.public() {
		return s.newKey(secret)
	}
	if k, ok := c.parsed.Load(parsedKey{s, secret}); ok {
		return k.(*key), nil
	}
	k, err := s.newKey(secret)
	if err == nil {
		c.parsed.Store(parsedKey{s, secret}, k)
	}
	return k, err
}

// Verify says whether r's signature holds, at the time when it was received
// and for the URL that was called. It fetches keys where it needs to, until ctx ends.
func (c *Checker) Verify(ctx context.Context, r *Request) Diagnosis {
	r = r.sharing()
	v := c.begin(ctx, r, c.Recognize(r))
	v.explain = true
	return v.run()
}

// Assess is Recognize and Verify in brief, at a cost that grows with the size
// of r and no faster. It never waits, and does not look for the reason why a
// signature does not hold. Pending says that Verify knows more, because a key
// has to be fetched first, with CodeNoKey, or because of that reason; see With.
func (c *Checker) Assess(r *Request) (f Facts, pending bool) {
	r = r.sharing()
	rec := c.Recognize(r)
	v := c.look(r, rec)
	v.brief = true
	d := v.run()
	f = Facts{
		Certainty: rec.Certainty, Others: rec.Others, Event: rec.Event, EventID: rec.EventID, EventIDHash: rec.EventIDHash, ProviderAttempt: rec.Attempt,
	}.With(d)
	if rec.Provider != nil {
		f.Provider = rec.Provider.Name
		f.Address = rec.Provider.CheckAddress(r.RemoteAddr)
	}
	if rec.Handshake != nil {
		f.Handshake = rec.Handshake.Name
	}
	return f, v.pending || v.later
}

// AddSecret adds a secret at run time, as the one that Notion hands over in its handshake.
func (c *Checker) AddSecret(provider string, s Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.added == nil {
		c.added = map[string][]Secret{}
	}
	if !slices.Contains(c.added[provider], s) {
		c.added[provider] = append(c.added[provider], s)
	}
}

// A Signed is a request signed again.
type Signed struct {
	Request          Request // with other headers, and another body where the signature stands in it
	Provider, Scheme string
	Secret           string // label of the one it was signed with
	At               time.Time
	Notes            []string // "the body was changed: the signature stands in it"
}
