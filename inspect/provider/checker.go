package provider

import (
	"context"
	"net/http"
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
	HTTP     http.RoundTripper            // for Confirm; nil = http.DefaultTransport
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
	Label string // how it is called where it must not be shown: "STRIPE_WEBHOOK_SECRET"
	Value string
}

// Facts are what a list keeps of a request's recognition and verification.
// The zero value is: not looked at, or not recognised.
type Facts struct {
	Provider        string       `json:"provider"` // "stripe"; "" = not recognised
	Certainty       Certainty    `json:"certainty,omitempty"`
	Others          []string     `json:"others,omitempty"` // for a guess
	Event           string       `json:"event_type"`
	EventID         string       `json:"event_id"`
	ProviderAttempt int          `json:"provider_attempt,omitempty"` // the provider's own count; 0 = it says nothing
	Handshake       string       `json:"handshake,omitempty"`        // its name: "url_verification"
	Signature       Result       `json:"signature"`                  // "" = nobody looked
	SignatureCode   Code         `json:"signature_code,omitempty"`
	SignatureReason string       `json:"signature_reason,omitempty"`
	Scheme          string       `json:"scheme,omitempty"`
	Secret          string       `json:"secret,omitempty"`  // the label of the one that matched
	Address         AddressCheck `json:"address,omitempty"` // whether the client's is one of the provider's
}

// An AddressCheck says whether a client's address is among those that its provider publishes.
type AddressCheck string

// The checks. "" is: the provider publishes none, or the address is not known.
const (
	Listed    AddressCheck = "listed"
	NotListed AddressCheck = "not listed"
)

// Recognize says who sent r and what it is.
func (c *Checker) Recognize(r *Request) Recognition { return Recognition{} }

// Verify says whether r's signature holds, at the time when it was received
// and for the URL that was called. It fetches keys where it needs to, until ctx ends.
func (c *Checker) Verify(ctx context.Context, r *Request) Diagnosis { return Diagnosis{} }

// Assess is Recognize and Verify in brief. It never waits: where a key would
// have to be fetched first, pending is true and the signature unverifiable; a
// later Assess, after Verify, knows more.
func (c *Checker) Assess(r *Request) (f Facts, pending bool) { return Facts{}, false }

// AddSecret adds a secret at run time, as the one that Notion hands over in its handshake.
func (c *Checker) AddSecret(provider string, s Secret) {}

// A Signed is a request signed again.
type Signed struct {
	Request          Request // with other headers, and another body where the signature stands in it
	Provider, Scheme string
	Secret           string // label of the one it was signed with
	At               time.Time
	Notes            []string // "the body was changed: the signature stands in it"
}

// CanSign reports whether Sign could sign r, and if not, why, in words that say what to do.
func (c *Checker) CanSign(r *Request) (ok bool, why string) { return false, "" }

// Sign returns r as its provider would send it at a time, signed with the
// first configured secret that can sign. newTime false keeps the timestamp
// that r has.
func (c *Checker) Sign(r *Request, at time.Time, newTime bool) (*Signed, error) { return nil, nil }
