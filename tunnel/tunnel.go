// Package tunnel gives the local receiver a public address.
//
// Every way to be reached (ngrok, a remote SSH forward) is an [Endpoint]: a
// [net.Listener] that an ordinary [net/http.Server] serves, plus a [Status]
// that says how it is doing. The package knows nothing about what arrives.
//
// Promises:
//   - Opening fails fast on an error that waiting cannot mend (a wrong token,
//     an unknown host key), with an [*Error] that says what to do.
//   - Once online, an endpoint comes back by itself after an outage, with the
//     same URL where the service allows it, and its Status says why it is away.
//   - Close and [Stop] are bounded in time, whatever the network does.
package tunnel

import (
	"context"
	"net"
	"net/http"
	"time"
)

// A State is where an endpoint is in its life.
type State string

// The states, in the order in which an endpoint usually meets them.
const (
	Connecting   State = "connecting"   // not yet online for the first time
	Online       State = "online"       // deliveries can arrive
	Reconnecting State = "reconnecting" // was online, is trying to be again
	Failed       State = "failed"       // over, for a reason that waiting cannot mend
	Stopped      State = "stopped"      // over, because we asked for it
	Local        State = "local"        // no tunnel: only this machine can reach the receiver
)

// Status is a snapshot of an endpoint. The zero value means nothing is known.
type Status struct {
	Provider string        // "ngrok", "ssh" or "none"
	State    State         // never "" in a Status that an Endpoint returns
	URL      string        // the public URL without a trailing slash; "" when there is none (yet)
	Reason   string        // why it is reconnecting or failed, and what to do; while online a note, or ""
	Retries  int           // reconnect tries since the outage began; 0 when online
	Latency  time.Duration // last round trip to the service; 0 when unknown
	Since    time.Time     // when State was entered
}

// An Endpoint is an open public address.
//
// Accept, Addr and Close are a net.Listener's. The remote address of an
// accepted connection is the true client's wherever the service tells it.
// Close stops accepting at once and never blocks; accepted connections live
// on until Shutdown. All methods may be called from any goroutine.
type Endpoint interface {
	net.Listener
	// Status returns the present state. It never blocks.
	Status() Status
	// Changed has capacity 1 and receives after every change of Status.
	// It is for one reader. It is never closed.
	Changed() <-chan struct{}
	// Shutdown closes the listener, takes the address back from the service
	// (waiting at most a second for that) and ends the connection to it, which
	// cuts whatever connections are left. No goroutine of the endpoint is left
	// running when it returns. Calling it again does nothing.
	Shutdown(ctx context.Context) error
}

// An Error is why an endpoint could not be opened or is over.
type Error struct {
	Code string // the service's code, such as "ERR_NGROK_107"; "" if it has none
	Msg  string // one sentence: what happened, and what to do
	Err  error  // the cause; may be nil
}

func (e *Error) Error() string { return e.Msg }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Stop ends srv and ep in the order that loses no answer: no new connections,
// then up to ctx's end for the requests in flight, then the endpoint, then
// whatever is left. It returns within ctx's time plus one second.
func Stop(ctx context.Context, srv *http.Server, ep Endpoint) error {
	_ = ep.Close()
	err := srv.Shutdown(ctx)
	if serr := ep.Shutdown(ctx); err == nil {
		err = serr
	}
	_ = srv.Close()
	return err
}
