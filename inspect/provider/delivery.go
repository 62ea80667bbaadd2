package provider

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Delivery is what a provider does with an endpoint's answer.
type Delivery struct {
	Confidence     Confidence          `yaml:"confidence,omitempty"` // of these facts; "" = Unknown
	Timeout        Duration            `yaml:"timeout,omitempty"`    // for the whole answer; 0 = not published
	ConnectTimeout Duration            `yaml:"connect_timeout,omitempty"`
	Success        Statuses            `yaml:"success,omitempty"`       // what counts as success: "2xx", [200, 204]; nil = 2xx, assumed
	Redirects      int                 `yaml:"redirects,omitempty"`     // how many it follows; 0 = a 3xx is a failure
	Retry          *Retry              `yaml:"retry,omitempty"`         // nil = not published
	StopOn         Statuses            `yaml:"stop_on,omitempty"`       // statuses after which it delivers no more
	StopMeans      string              `yaml:"stop_means,omitempty"`    // "endpoint disabled"; "" = the delivery is given up
	StopHeader     map[string]string   `yaml:"stop_header,omitempty"`   // an answer with this header ends the retries
	RetryAfter     Duration            `yaml:"retry_after,omitempty"`   // the longest Retry-After it honours; 0 = none
	RetryHeaders   map[string]Template `yaml:"retry_headers,omitempty"` // set on retries: {attempt} (1 = first retry), {reason}, {first_rfc3339}
	Reasons        map[string]string   `yaml:"reasons,omitempty"`       // words for {reason}: timeout, status, connect, tls, redirects, other
	Resign         *bool               `yaml:"resign,omitempty"`        // retries have a new timestamp and signature; nil = where one is signed
	Ordering       string              `yaml:"ordering,omitempty"`      // "none", "fifo", …; "" = not stated
	Disable        string              `yaml:"disable,omitempty"`       // when it switches the endpoint off, in words
	Addresses      []string            `yaml:"addresses,omitempty"`     // IPs and CIDRs it sends from; nil = not published as a list
	AddressesURL   string              `yaml:"addresses_url,omitempty"` // where it publishes them
	MaxBody        string              `yaml:"max_body,omitempty"`
	Redeliver      string              `yaml:"redeliver,omitempty"` // how the user has it delivered again: "redeliver it by hand"; "" = not at all, or not known
	Notes          string              `yaml:"notes,omitempty"`
	// When says of a variant which requests are of it; all must hold. Nil: Outcome.Variant alone chooses it.
	When []Condition `yaml:"when,omitempty"`
	// Variants are other modes of the same provider (sandbox, events), with only what differs.
	Variants map[string]*Delivery `yaml:"variants,omitempty"`
}

// Variant returns d as the named variant has it: what the variant leaves out
// is d's. "" is d itself. An unknown name is an error that says which there are.
func (d *Delivery) Variant(name string) (*Delivery, error) {
	if name == "" {
		return d, nil
	}
	variant := d.Variants[name]
	if variant == nil {
		if len(d.Variants) == 0 {
			return nil, fmt.Errorf("no variant %q: there is only one way of delivery", name)
		}
		return nil, fmt.Errorf("no variant %q: write %s", name, joinWords(slices.Sorted(maps.Keys(d.Variants)), "or"))
	}
	merged := *d
	merged.Variants, merged.When = nil, nil
	to, from := reflect.ValueOf(&merged).Elem(), reflect.ValueOf(variant).Elem()
	for i := range to.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	return &merged, nil
}

// VariantOf returns the name of the variant that r is of; "" where none says so.
func (p *Provider) VariantOf(r *Request) string {
	sc := &scope{r: r}
	for _, name := range slices.Sorted(maps.Keys(p.Delivery.Variants)) {
		if when := p.Delivery.Variants[name].When; len(when) > 0 && allHold(when, sc) {
			return name
		}
	}
	return ""
}

// Limit returns how long p waits for the answer to r, as its variant has it; 0
// = not published.
func (p *Provider) Limit(r *Request) time.Duration {
	d, err := p.Delivery.Variant(p.VariantOf(r))
	if err != nil {
		return time.Duration(p.Delivery.Timeout)
	}
	return time.Duration(d.Timeout)
}

// RetryHeader returns the headers that d's provider sets on retry n (1 = the
// first) of a delivery first made at a time, after an attempt that ended as o.
func (d *Delivery) RetryHeader(n int, first time.Time, o Outcome) (http.Header, error) {
	sc := &scope{r: &Request{}, vars: map[string]string{
		"attempt":       strconv.Itoa(n),
		"reason":        d.Reasons[d.reason(o)],
		"first_rfc3339": first.UTC().Format(time.RFC3339),
	}}
	h := http.Header{}
	for name, template := range d.RetryHeaders {
		value, err := template.expand(sc)
		if err != nil {
			return nil, fmt.Errorf("the retry header %s: %w", name, err)
		}
		h.Set(name, string(value))
	}
	return h, nil
}

// reason returns the key of Reasons for an attempt that ended so.
func (d *Delivery) reason(o Outcome) string {
	switch {
	case d.Timeout > 0 && o.Duration > time.Duration(d.Timeout):
		return "timeout"
	case o.Failure != "":
		return o.Failure
	case o.Status == 0:
		return "other"
	case d.Redirects > 0 && slices.Contains(redirects, o.Status):
		return "redirects"
	}
	return "status"
}
