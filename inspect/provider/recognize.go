package provider

// A Rule tells a provider's requests by what they have. All of its conditions
// must hold.
type Rule struct {
	When      []Condition `yaml:"when"`
	Certainty Certainty   `yaml:"certainty"` // certain, likely or guess
}

// A Certainty says how sure it is who sent a request.
type Certainty string

// The certainties, the surest first. "" is: not recognised.
const (
	Named   Certainty = "named"   // the user said so
	Certain Certainty = "certain" // nobody else sends this
	Likely  Certainty = "likely"
	Guess   Certainty = "guess" // several send this; nothing is decided by it
)

// A Recognition says who sent a request and what it is.
type Recognition struct {
	Provider  *Provider // nil = not recognised
	Certainty Certainty
	Others    []string   // for a guess, names of others that it might be
	Event     string     // the event type; "" = none found
	EventID   string     // the provider's idempotency id; "" = none found
	Attempt   int        // the provider's own count of this delivery, from 1; 0 = it says nothing
	Handshake *Handshake // nil = it is none
}

// Recognize says who sent r. If name is not "", the user has said who: then it
// is that one, or, where the catalog has no such entry, nobody.
// It looks at headers first and at the body only where they decide nothing.
func (c *Catalog) Recognize(r *Request, name string) Recognition { return Recognition{} }
