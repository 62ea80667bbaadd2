package provider

import (
	"net/http"
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
	Notes          string              `yaml:"notes,omitempty"`
	// Variants are other modes of the same provider (sandbox, events), with only what differs.
	Variants map[string]*Delivery `yaml:"variants,omitempty"`
}

// An Outcome is how an attempt ended, as the provider sees it.
type Outcome struct {
	Status   int         // 0 without an answer
	Header   http.Header // of the answer; may be nil
	Failure  string      // "", "timeout", "connect", "tls" or "other", without an answer
	Duration time.Duration
	Attempt  int // the provider's own count of this delivery, from 1; 0 = taken as 1
}

// A Verdict is what a provider would do now, in one word.
type Verdict string

// The verdicts.
const (
	Accepted   Verdict = "accepted"
	WouldRetry Verdict = "retry"
	GivesUp    Verdict = "gives_up" // this was the last, or it never retries
	Disabled   Verdict = "disabled" // and the endpoint is switched off
	TooLate    Verdict = "too_late" // it had given up waiting before the answer came
	NotKnown   Verdict = "unknown"  // not published
)

// An Outlook is what a provider would do after an attempt.
type Outlook struct {
	Provider   string        `json:"provider"`
	Verdict    Verdict       `json:"verdict"`
	Text       string        `json:"text"` // "APIXO: would retry in 30 s (attempt 2 of 4); it wants exactly 200"
	Confidence Confidence    `json:"confidence"`
	Guess      bool          `json:"guess,omitempty"`       // the intervals are not published: RetryIn is on our own curve
	RetryIn    time.Duration `json:"retry_in_ns,omitempty"` // for WouldRetry
	Limit      time.Duration `json:"limit_ns,omitempty"`    // how long the provider waits; 0 = not published
}

// Outlook says what p would do after an attempt that ended so. rec's event
// and variant count where they make a difference.
func (p *Provider) Outlook(o Outcome) Outlook { return Outlook{} }

// CheckAddress says whether remote (ip or ip:port) is among p's addresses.
func (p *Provider) CheckAddress(remote string) AddressCheck { return "" }
