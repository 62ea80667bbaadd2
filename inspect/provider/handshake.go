package provider

import (
	"crypto/subtle"
	"net/http"
)

// A Handshake is a request with which a provider makes sure that the endpoint
// is the user's.
type Handshake struct {
	Name  string      `yaml:"name"`            // "url_verification"
	When  []Condition `yaml:"when"`            // all must hold
	Reply *Reply      `yaml:"reply,omitempty"` // nil: any success will do
	// Require is what must hold for Reply; else the answer is Else. Used where a setting is configured.
	Require *Requirement `yaml:"require,omitempty"`
	Else    int          `yaml:"else,omitempty"`    // status; 0 = 403
	Signed  bool         `yaml:"signed,omitempty"`  // it carries the provider's signature: a bad one is answered with 401
	Capture Source       `yaml:"capture,omitempty"` // where it hands over the secret of later deliveries
	Confirm Source       `yaml:"confirm,omitempty"` // an address that the user has to have fetched
	Hosts   []string     `yaml:"hosts,omitempty"`   // the only hosts Confirm may name
	Notes   string       `yaml:"notes,omitempty"`   // what the user has to do, in a sentence
}

// A Reply is the answer that a handshake wants.
type Reply struct {
	Status  int                 `yaml:"status"`
	Type    string              `yaml:"type,omitempty"` // content type
	Headers map[string]Template `yaml:"headers,omitempty"`
	Body    Template            `yaml:"body,omitempty"`
}

// A Requirement compares a value of the request with a setting, in constant time.
type Requirement struct {
	Value   Source `yaml:"value"`   // "query:hub.verify_token"
	Setting string `yaml:"setting"` // "verify_token"; not set = nothing is required
}

// An Answer is how hookloop answers a handshake by itself.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Why    string  // "Slack's url_verification"; for the record
	Secret *Secret // one it handed over; nil = none
}

// matchHandshake returns the handshake that a request is, or nil.
func (p *Provider) matchHandshake(sc *scope) *Handshake {
	for i := range p.Handshakes {
		if allHold(p.Handshakes[i].When, sc) {
			return &p.Handshakes[i]
		}
	}
	return nil
}

// meets reports whether a request has what the handshake requires. checked is
// false where nothing is required, or the setting that it is compared with is not set.
func (h *Handshake) meets(sc *scope) (ok, checked bool) {
	if h.Require == nil {
		return true, false
	}
	want := sc.settings[h.Require.Setting]
	if want == "" {
		return true, false
	}
	got, _ := h.Require.Value.first(sc)
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1, true
}
