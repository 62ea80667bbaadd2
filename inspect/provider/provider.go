// Package provider knows what webhook providers do: how each signs, what its
// deliveries look like, how it makes sure that an endpoint is the user's, what
// it counts as success and when it delivers again.
//
// All of that is data, in a [Catalog] that is read from YAML: the one built in
// (folder catalog, one file a provider) and the user's own entries. The engine
// that recognises, verifies, signs and answers is the same for all of them.
// docs/providers.md describes the format.
//
// The package knows nothing of deliveries, stores or handlers: it works on a
// [Request].
package provider

import (
	"net/http"
	"time"
)

// A Request is one HTTP request as a provider sent it, or as it is about to be sent.
type Request struct {
	Method     string
	Target     string      // the request target verbatim: "/hooks?x=1"
	URL        string      // the whole address that the provider called; "" = not known
	Header     http.Header // canonical names; never changed by this package
	Body       []byte      // exact; never changed by this package
	Truncated  bool        // Body is not all of it, so nothing that covers it can be verified
	RemoteAddr string      // the true client's ip:port; "" = not known
	Time       time.Time   // when it was received: what ages are measured to; zero = not known, they are measured to now
	SignedWith SignedWith  // what its signature held with before it was edited; zero = not known

	parsed *parsed // shared by all that one call asks of it; nil = nothing is
}

// SignedWith is the scheme and the secret that a signature held with: what
// [Checker.Sign] takes again. The zero value is: not known.
type SignedWith struct {
	Scheme string
	Secret string // its label
}

// A Provider is one entry of a catalog. It is immutable once loaded.
type Provider struct {
	Name  string `yaml:"-"`               // the entry's key: "stripe"
	Title string `yaml:"name"`            // "Stripe"
	Docs  string `yaml:"docs"`            // the provider's page about its webhooks
	Notes string `yaml:"notes,omitempty"` // what a developer should know, in sentences

	// Like names another entry whose fields this one takes over where it has none.
	Like string `yaml:"like,omitempty"`

	Recognize []Rule `yaml:"recognize,omitempty"`
	Event     Values `yaml:"event,omitempty"`    // the event type: the first of them that a request has
	EventID   Values `yaml:"event_id,omitempty"` // what stays the same over duplicates and retries
	Attempt   Values `yaml:"attempt,omitempty"`  // the provider's own count of its deliveries of this event, from 1
	// RetryNumber is instead of Attempt where the first delivery counts as 0, or says nothing.
	RetryNumber Values      `yaml:"retry_number,omitempty"`
	Schemes     []Scheme    `yaml:"schemes,omitempty"`  // how it signs, the strongest first
	Settings    []Setting   `yaml:"settings,omitempty"` // what the receiver has to know besides the secret
	Handshakes  []Handshake `yaml:"handshakes,omitempty"`
	Delivery    Delivery    `yaml:"delivery,omitempty"`
	Samples     []Sample    `yaml:"samples,omitempty"`
}

// A Setting is a value that the user gives besides the secret, with --set.
type Setting struct {
	Key   string `yaml:"key"`   // "webhook_id"
	Usage string `yaml:"usage"` // "the ID of the webhook in PayPal's dashboard"
}

// Confidence says how sure the facts about a provider's delivery are.
type Confidence string

// The marks, the surest first.
const (
	FromSource Confidence = "A" // the provider's own documentation or code
	Quoted     Confidence = "B" // the provider's text, quoted by others
	Hearsay    Confidence = "C" // others only, or conflicting
	Unknown    Confidence = "?" // not published, or not found
)
