// Package replay sends what was captured.
//
// Live forwarding, replay, duplicate and retry are one operation, another
// attempt of a delivery, made by a [Sender] with different triggers.
//
// Promises:
//   - What is sent is the delivery, byte for byte: method, target, headers
//     and body; only hop-by-hop headers go, and nothing is added. An attempt
//     records where it differed.
//   - Only replays are signed again, where the handler would refuse the
//     signature as it is; what a provider sends never is.
//   - An attempt is made once. No library below retries it.
//   - Every attempt that begins ends, in the store, whatever the handler does.
//   - Nothing is sent to hookloop itself, to link-local or metadata addresses,
//     or to another machine that was not allowed. Redirects are not followed.
package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// DefaultTimeout is how long the handler has unless told otherwise: long
// enough for a developer at a breakpoint. The provider gives up sooner; the
// attempt goes on and its answer is recorded.
const DefaultTimeout = 5 * time.Minute

// A Sender makes attempts. Fields must be set before its first use.
type Sender struct {
	Store     *inspect.Store
	Transport http.RoundTripper // see NewTransport
	Guard     *Guard            // says where a replay may go; nil = the zero Guard

	Handler    *Handler          // where deliveries go; nil = nowhere, a replay goes where its delivery went before
	Header     http.Header       // set on every request; a name without values is removed; see CheckHeader
	HostHeader string            // "" or "preserve": the delivery's; "rewrite": the handler's own; else this value
	Checker    *provider.Checker // signs replays again and tells what a provider would do; nil = neither
	Timeout    time.Duration     // for the whole answer; 0 = DefaultTimeout
	MaxBody    int64             // bytes of an answer that are kept; 0 = inspect.DefaultMaxBody

	// Backlog, if not nil, keeps what finds nothing listening at the handler's
	// address, and the provider gets 202 for it.
	Backlog *Backlog

	OnError func(inspect.ErrorKind) // if not nil, called after an attempt that ended with an error; must not block

	repeats repeats // of deliveries that were forwarded

	mu      sync.Mutex
	stopped bool
	running map[*attempt]struct{}
	wg      sync.WaitGroup
}

// Options of a replay. The zero value sends the delivery again as it was received.
type Options struct {
	Trigger inspect.Trigger // "" = inspect.Replay
	To      string          // where to, in the forms of ParseHandler; "" = the handler
	Method  string          // "" = the delivery's
	Header  http.Header     // set on the request; a name without values is removed
	Edited  bool            // Body replaces the delivery's body
	Body    []byte
	Signing Signing // with which signature; "" = SignIfNeeded

	Simulation int64             // the one that makes it; 0 = none
	Answer     *inspect.Response // the answer in the handler's place, which sees nothing; nil = it is sent
	Transport  http.RoundTripper // instead of the Sender's; nil = the Sender's
}

// errStopped is the cause of attempts that Stop cut.
var errStopped = errors.New("hookloop was stopped before the handler had answered")

// Forward plans the first attempt of a delivery that is about to be stored; it
// is what an [inspect.Receiver] needs. Both results are nil without a handler.
func (s *Sender) Forward(d *inspect.Delivery) (first *inspect.Attempt, send func(http.ResponseWriter, *http.Request)) {
	if s.Handler == nil {
		return nil, nil
	}
	req := s.plan(d, s.Handler.target(d.Target), Options{Trigger: inspect.Initial})
	req.number, req.since = s.repeats.add(d)
	return req.record, func(w http.ResponseWriter, r *http.Request) {
		s.send(r.Context(), d, req, w, r)
	}
}

// Replay makes another attempt of a stored delivery and returns it when it has
// ended, however it ended, and is in the store: what the caller is told of it
// others find there, whatever becomes of this process. The error says why it
// could not be made at all. When ctx ends, the attempt is cut.
func (s *Sender) Replay(ctx context.Context, id int64, o Options) (*inspect.Attempt, error) {
	d, req, err := s.prepare(ctx, id, o)
	if err != nil {
		return nil, err
	}
	if err := s.signReplay(ctx, d, req, o); err != nil {
		return nil, err
	}
	req.record.DeliveryID = d.ID
	if err := s.Store.Begin(ctx, req.record); err != nil {
		return nil, err
	}
	s.send(ctx, d, req, nil, nil)
	_ = s.Store.Flush(context.WithoutCancel(ctx)) // fails only when the store is closed, as Finish does
	return req.record, nil
}

// prepare reads a delivery and works out what a replay of it sends, as it was signed.
func (s *Sender) prepare(ctx context.Context, id int64, o Options) (*inspect.Delivery, *plan, error) {
	d, err := s.Store.Delivery(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := replayable(d, o); err != nil {
		return nil, nil, err
	}
	o.Trigger = cmp.Or(o.Trigger, inspect.Replay)
	to, err := s.destination(ctx, d, o.To)
	if err != nil {
		return nil, nil, err
	}
	return d, s.plan(d, to, o), nil
}

// replayable says why d can't be sent again as o has it, in a sentence, or nil.
func replayable(d *inspect.Delivery, o Options) error {
	switch {
	case d.Truncated && !o.Edited:
		return fmt.Errorf("delivery #%d can't be replayed: only the first %d of its %d bytes were kept (%s)",
			d.ID, len(d.Body), d.Size, cmp.Or(d.Reason, "its body was over the limit"))
	case isUpgrade(d.Header):
		return fmt.Errorf("delivery #%d can't be replayed: it opened a %s connection, and what was said on it is not kept",
			d.ID, d.Header.Get("Upgrade"))
	case cmp.Or(o.Method, d.Method) == http.MethodConnect:
		return fmt.Errorf("delivery #%d can't be replayed: CONNECT asks for a proxy, not for a handler", d.ID)
	case o.Method != "" && !httpguts.ValidHeaderFieldName(o.Method): // the same grammar
		return fmt.Errorf("%q can't be a method: give one word, such as POST", o.Method)
	}
	return CheckHeader(o.Header)
}

// destination is where a replay of d goes: to, else the handler, else where
// the delivery was sent last.
func (s *Sender) destination(ctx context.Context, d *inspect.Delivery, to string) (destination, error) {
	var dest destination
	if s.Handler != nil && to == "" {
		if dest = s.Handler.target(d.Target); dest.host != "" {
			return dest, nil // the user named it; it needs no other permission
		}
	}
	if to != "" {
		u, err := ParseHandler(to)
		if err != nil {
			return dest, err
		}
		dest = join(u, d.Target)
	} else {
		last, err := s.Store.LastAttempt(ctx, d.ID)
		if errors.Is(err, inspect.ErrNotFound) {
			return dest, fmt.Errorf("delivery #%d was never sent to a handler: say where to with --to, such as --to 3000", d.ID)
		}
		if err != nil {
			return dest, err
		}
		var ok bool
		if dest, ok = parseDestination(last.URL); !ok {
			return dest, fmt.Errorf("delivery #%d was last sent to an address that cannot be read again: say where to with --to, such as --to 3000", d.ID)
		}
	}
	return dest, s.Guard.check(dest.host)
}

// Stop cuts the attempts that are running, which end as canceled, and returns
// when all have ended. Later ones end as canceled before anything is sent.
func (s *Sender) Stop() {
	s.mu.Lock()
	s.stopped = true
	for a := range s.running {
		a.cancel(errStopped)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// track adds a running attempt, which untrack takes away. It reports false
// once the Sender has been stopped.
func (s *Sender) track(a *attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	if s.running == nil {
		s.running = map[*attempt]struct{}{}
	}
	s.running[a] = struct{}{}
	s.wg.Add(1)
	return true
}

func (s *Sender) untrack(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, a)
	s.wg.Done()
}
