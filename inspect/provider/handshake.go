package provider

import (
	"context"
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

// Answer returns the answer that rec's handshake wants, or an error that says
// why there is none (no secret to sign it with, …), in words that say what to do.
func (c *Checker) Answer(r *Request, rec Recognition) (*Answer, error) { return nil, nil }

// Confirm fetches the address that a handshake asks to have fetched (SNS:
// SubscribeURL), after a check of its host, and returns a line about it.
func (c *Checker) Confirm(ctx context.Context, r *Request) (string, error) { return "", nil }
