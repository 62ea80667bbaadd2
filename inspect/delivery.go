// Package inspect keeps what arrived.
//
// A [Delivery] is one HTTP request that a provider sent us, exactly as
// received. An [Attempt] is one time it was handed to the developer's handler.
// The [Store] keeps both in one SQLite file that several hookloop processes
// may have open at once, and the [Receiver] fills it.
//
// Promises:
//   - Bytes are exact: a body is never re-encoded, a request target never
//     re-parsed, a repeated header never joined.
//   - A delivery is durable before it is handed to anyone, and before its
//     sender gets an answer. Nothing ever overwrites one. Only what is known of
//     its sender and signature ([Delivery.Facts]) may be learned later.
//   - Every attempt ends: with a response, with an error, or, when its process
//     died, as interrupted.
//   - A slow reader never slows a writer: viewers are woken by a signal that
//     holds nothing ([Store.Watch]) and read again ([Store.Since]).
package inspect

import (
	"net/http"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

// A Disposition is what we did with a delivery when it arrived.
type Disposition string

// Every delivery has exactly one of these, so received = forwarded + held + refused.
const (
	Forwarded Disposition = "forwarded" // handed to the handler
	Held      Disposition = "held"      // captured only: there was no handler
	Refused   Disposition = "refused"   // answered by us with an error; Reason says why
)

// A Delivery is one HTTP request as received. It is immutable once stored, but
// for Pinned, Waiting and Facts.
type Delivery struct {
	ID         int64     // from 1, given by Store.Add, in the order of arrival
	ReceivedAt time.Time // UTC, when the last byte of the request was read; microseconds
	Method     string
	Target     string      // the request target verbatim: "/hooks?x=1;y=2&z=%zz"
	Host       string      // the Host header
	Proto      string      // "HTTP/1.1"
	RemoteAddr string      // the true client's ip:port as far as the tunnel tells it
	Endpoint   string      // base URL through which it came, without a trailing slash
	Header     http.Header // canonical names, each name's values in order of arrival; without Host
	Trailer    http.Header // nil when there was none
	Body       []byte      // exact, after transfer decoding; the first bytes only when Truncated
	Size       int64       // bytes of body received, or announced; more than len(Body) only when Truncated
	Truncated  bool        // the body was over the limit, or its sender hung up; it can't be replayed

	Disposition Disposition
	Reason      string // why it was refused, or how a handshake was answered; "" otherwise
	Pinned      bool   // kept by retention

	Source  Source // where it came from; "" = it arrived
	Waiting bool   // to be handed to the handler, as soon as it answers again; see Store.SetWaiting

	Facts provider.Facts // who sent it, what it is, and whether its signature holds, as far as is known; see Store.SetFacts
}

// Request returns the delivery as package provider looks at it. Its URL is ""
// where only the path of what the provider called is known.
func (d *Delivery) Request() *provider.Request {
	url := d.URL()
	if strings.HasPrefix(url, "/") {
		url = ""
	}
	return &provider.Request{
		Method: d.Method, Target: d.Target, URL: url, Header: d.Header, Body: d.Body, Truncated: d.Truncated,
		RemoteAddr: d.RemoteAddr, Time: d.ReceivedAt,
	}
}

// Path returns the target without its query.
func (d *Delivery) Path() string { return targetPath(d.Target) }

// URL returns the address the provider called: Endpoint and Target. Of a target
// that is a whole URL only the path and the query count, for whoever sends a
// request chooses it.
func (d *Delivery) URL() string {
	if target := originForm(d.Target); strings.HasPrefix(target, "/") {
		return d.Endpoint + target
	}
	return d.Target
}

// originForm returns a target without its scheme and host, if it has any.
func originForm(target string) string {
	i := strings.Index(target, "://")
	if i <= 0 || strings.HasPrefix(target, "/") {
		return target
	}
	rest := target[i+3:]
	if j := strings.IndexAny(rest, "/?"); j >= 0 {
		return "/" + strings.TrimPrefix(rest[j:], "/")
	}
	return "/"
}

func targetPath(target string) string {
	path, _, _ := strings.Cut(originForm(target), "?")
	return path
}

// A Summary is what a list shows of a delivery: no headers, no bodies, and of
// Target and Path the first 2,048 characters, of each of the Facts 1,024 bytes,
// so that a list stays small whatever was sent.
type Summary struct {
	ID          int64       `json:"id"`
	ReceivedAt  time.Time   `json:"received_at"`
	Method      string      `json:"method"`
	Target      string      `json:"target"`
	Path        string      `json:"path"`
	Host        string      `json:"host"`
	RemoteAddr  string      `json:"remote_addr"`
	ContentType string      `json:"content_type"`
	Size        int64       `json:"size"`
	Truncated   bool        `json:"truncated,omitempty"`
	Disposition Disposition `json:"disposition"`
	Reason      string      `json:"reason,omitempty"`
	Pinned      bool        `json:"pinned,omitempty"`
	Source      Source      `json:"source,omitempty"`
	Waiting     bool        `json:"waiting,omitempty"`
	BodySHA256  string      `json:"body_sha256,omitempty"` // in hex, where [ListOptions.Digest] asks for it and the body was kept whole

	provider.Facts

	Attempts int             `json:"attempts"` // how many there are
	Last     *AttemptSummary `json:"last"`     // the latest; nil when there is none
}

// An AttemptSummary is what a list shows of an attempt.
type AttemptSummary struct {
	Number    int           `json:"number"`
	Trigger   Trigger       `json:"trigger"`
	State     AttemptState  `json:"state"`
	StartedAt time.Time     `json:"started_at"`
	Duration  time.Duration `json:"duration_ns"` // 0 while pending
	Status    int           `json:"status"`      // 0 without a response
	Size      int64         `json:"size"`        // of the response's body
	Error     string        `json:"error,omitempty"`
	Protocol  Protocol      `json:"protocol,omitempty"`

	Outlook *provider.Outlook `json:"outlook,omitempty"` // what the provider would do now; of initial attempts that ended
}

// OK reports whether the handler accepted the delivery: a 2xx, or an upgraded connection.
func (a *AttemptSummary) OK() bool {
	return a != nil && a.Error == "" && (a.Status/100 == 2 || a.Status == http.StatusSwitchingProtocols)
}
