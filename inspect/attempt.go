package inspect

import (
	"net/http"
	"time"

	"hookloop/inspect/provider"
)

// A Trigger is why an attempt was made.
type Trigger string

// The triggers.
const (
	Initial   Trigger = "initial"    // the delivery itself, as it arrived
	Replay    Trigger = "replay"     // the developer asked for it
	Duplicate Trigger = "duplicate"  // a simulated second delivery
	Retry     Trigger = "retry"      // a simulated retry by the provider
	Simulated Trigger = "simulation" // any other rehearsal
)

// An AttemptState is where an attempt is.
type AttemptState string

// The states. Pending is the only one that changes.
const (
	Pending     AttemptState = "pending"     // sent or being sent; no end yet (a stream may have a status already)
	Answered    AttemptState = "answered"    // ended with a whole response
	Errored     AttemptState = "error"       // ended with an error; there may be part of a response
	Interrupted AttemptState = "interrupted" // its process ended before the attempt did
)

// A Protocol marks an attempt that was not one request and one response.
type Protocol string

// The protocols. "" is plain HTTP.
const (
	WebSocket Protocol = "websocket" // upgraded; sizes count bytes, contents are not kept
	SSE       Protocol = "sse"       // text/event-stream; the first part is kept
)

// An ErrorKind classifies the error of an attempt.
type ErrorKind string

// The kinds of error.
const (
	ErrRefused  ErrorKind = "refused"  // nothing listens at the handler's address
	ErrTimeout  ErrorKind = "timeout"  // no whole answer within the limit
	ErrReset    ErrorKind = "reset"    // the connection broke before the answer was whole
	ErrProtocol ErrorKind = "protocol" // what came back was not HTTP
	ErrTarget   ErrorKind = "target"   // the address is one we never send to
	ErrCanceled ErrorKind = "canceled" // hookloop was stopped, or its user gave up
	ErrTLS      ErrorKind = "tls"      // the handler's certificate did not verify
	ErrDNS      ErrorKind = "dns"      // the handler's name did not resolve
	ErrOther    ErrorKind = "other"
)

// An Attempt is one time a delivery was handed to the handler.
type Attempt struct {
	DeliveryID int64
	Number     int // from 1 within its delivery, given by the Store
	Trigger    Trigger
	State      AttemptState
	StartedAt  time.Time     // UTC
	Duration   time.Duration // from the first byte sent to the last received; 0 while pending
	URL        string        // where it was sent, whole
	Sent       *Sent         // how what was sent differs from the delivery; nil when it does not
	NotSigned  string        // why the signature would be refused and was left as it was; "" = it would not be, as far as is known, or was made again
	Response   *Response     // nil without one
	Error      string        // one sentence; "" when Answered
	ErrorKind  ErrorKind     // "" when there is no Error
	Protocol   Protocol
	Simulation int64             // the one that made it; 0 = none
	Outlook    *provider.Outlook // what the provider would do now; nil unless an initial attempt ended and its provider is known
}

// Summary returns what a list shows of a.
func (a *Attempt) Summary() *AttemptSummary {
	s := &AttemptSummary{
		Number: a.Number, Trigger: a.Trigger, State: a.State, StartedAt: a.StartedAt, Duration: a.Duration,
		Error: a.Error, Protocol: a.Protocol, Outlook: a.Outlook,
	}
	if a.Response != nil {
		s.Status, s.Size = a.Response.Status, a.Response.Size
	}
	return s
}

// Sent is how the request of an attempt differs from its delivery. A zero
// field means: as delivered.
type Sent struct {
	Method string      `json:"method,omitempty"`
	Host   string      `json:"host,omitempty"`
	Header http.Header `json:"header,omitempty"` // the whole set, end-to-end headers only
	Edited bool        `json:"edited,omitempty"` // Body replaces the delivery's body
	Body   []byte      `json:"body,omitempty"`
	Signed string      `json:"signed,omitempty"` // how it was signed again, in words; "" = it was not
}

// SentBody returns the body that a sent for d.
func (a *Attempt) SentBody(d *Delivery) []byte {
	if a.Sent != nil && a.Sent.Edited {
		return a.Sent.Body
	}
	return d.Body
}

// A Response is the handler's answer as received.
type Response struct {
	Status    int
	Proto     string
	Header    http.Header // canonical names, each name's values in order
	Trailer   http.Header // nil when there was none
	Body      []byte      // exact, after transfer decoding; the first bytes only when Truncated
	Size      int64       // bytes of body received
	Truncated bool        // Body is not all of it: over the limit, or a stream
}
