package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// A Spec says what to rehearse. The JSON form is that of POST
// /api/v1/simulations. Zero fields have the defaults named.
type Spec struct {
	Kind       string      `json:"kind"`              // duplicates, retries, reorder, burst, slow, tamper; a Running also has lost-ack and catch-up
	Deliveries []int64     `json:"deliveries"`        // at least one; reorder: two or more
	To         string      `json:"to,omitempty"`      // where to, as for Options.To; "" = the handler
	Header     http.Header `json:"headers,omitempty"` // set on every request

	// duplicates: Count deliveries in all (0 = 2), one after the other
	// ("serial", the default), at once ("concurrent"), or the next at the
	// provider's deadline while the handler still works ("overlap").
	// burst: Count deliveries (0 = 200), Concurrency at a time (0 = 20).
	Count       int           `json:"count,omitempty"`
	Mode        string        `json:"mode,omitempty"`
	Concurrency int           `json:"concurrency,omitempty"`
	Deadline    time.Duration `json:"deadline_ns,omitempty"` // 0 = the provider's limit, else 10 s

	// retries
	Policy     string  `json:"policy,omitempty"`      // a provider's name, "custom:30s,2m,10m", or "" for the delivery's provider
	Variant    string  `json:"variant,omitempty"`     // such as sandbox
	Speed      float64 `json:"speed,omitempty"`       // 60 = sixty times as fast; 0 = 1
	Step       bool    `json:"step,omitempty"`        // each attempt waits for Simulator.Next instead of for its time
	StopWhen   string  `json:"stop_when,omitempty"`   // "accepted" (default: as the provider stops) or "never" (the whole schedule)
	FailFirst  int     `json:"fail_first,omitempty"`  // how many attempts hookloop answers with FailStatus in the handler's place
	FailStatus int     `json:"fail_status,omitempty"` // 0 = 500

	AllOrders bool   `json:"all_orders,omitempty"` // reorder: every permutation, up to a bound; else the reverse order and those given
	Slow      string `json:"slow,omitempty"`       // slow: "trickle", "cut" (half-way), "ignore" (the answer), "" = each of them

	// lost-ack: the answers to the next Count deliveries (0 = 1) are lost by How
	// ("" = 500), and each has Wait (0 = 5 min) to come, and to come again.
	How  inspect.LostAck `json:"how,omitempty"`
	Wait time.Duration   `json:"wait_ns,omitempty"`

	Probe *Probe `json:"probe,omitempty"`
}

// A Probe reads whether a side effect happened: before, after the first and
// after the last attempt.
type Probe struct {
	Command []string      `json:"command,omitempty"`    // program and arguments; no shell
	URL     string        `json:"url,omitempty"`        // or an address to GET
	JSON    string        `json:"json,omitempty"`       // path in a JSON answer, such as data.count; "" = the whole text
	Timeout time.Duration `json:"timeout_ns,omitempty"` // 0 = 10 s

	// Settle is how long the value has to stay the same after an attempt before
	// it is believed, for a handler that works after it has answered; where
	// something is still to happen, it may take 5 times as long. 0 = 2 s.
	Settle time.Duration `json:"settle_ns,omitempty"`
}

// A Simulator runs simulations. One may run several at a time.
type Simulator struct {
	Sender *Sender

	// Next lets the next attempt of a simulation with Step go; the Simulator
	// receives from it, and ends without the rest when it is closed. nil = such
	// a simulation is refused.
	Next <-chan struct{}

	// Rand draws the random part of retry times, in [0, 1); nil = math/rand.
	Rand func() float64

	// OnChange, if not nil, is called after each change with a copy. It must not block.
	OnChange func(*inspect.Simulation)
}

// A kind is one way to rehearse. Each stands in a file of its own, which
// registers it.
type kind struct {
	// check says what is wrong with a spec of this kind besides what is wrong
	// with any, in a sentence; nil = nothing more to check.
	check func(*Spec) error
	// title says what is rehearsed: "3 duplicates of #12, overlapping".
	title func(*Spec) string
	// prepare finds out what run needs, before the simulation is stored. The
	// error says in a sentence why nothing can be rehearsed; nil = all can be.
	prepare func(*rehearsal) error
	// run makes the attempts and says what it found; see rehearsal. The error
	// is why it could not go on, in a sentence, and makes the verdict
	// Inconclusive where nothing failed.
	run func(*rehearsal) error
}

// kinds are the rehearsals by Spec.Kind.
var kinds = map[string]kind{}

// Run rehearses spec and returns the simulation when it has ended, with its
// verdict, in the store. When ctx ends, it is canceled: what was seen so far is
// kept. The error says why it could not be begun: it is a usage error in words.
func (s *Simulator) Run(ctx context.Context, spec Spec) (*inspect.Simulation, error) {
	r, err := s.prepare(ctx, spec)
	if err != nil {
		return nil, err
	}
	if err := s.Sender.Store.BeginSimulation(ctx, &r.sim); err != nil {
		return nil, err
	}
	return r.run(), nil
}

// prepare checks spec and reads what it names.
func (s *Simulator) prepare(ctx context.Context, spec Spec) (*rehearsal, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if spec.Step && s.Next == nil {
		return nil, errors.New("each attempt would wait for a key, and nobody can press one here: leave --step out")
	}
	r := &rehearsal{ctx: ctx, s: s, spec: spec, kind: kinds[spec.Kind], changes: 1}
	for _, id := range spec.Deliveries {
		o := Options{To: spec.To, Header: spec.Header}
		d, plan, err := s.Sender.prepare(ctx, id, o)
		if err != nil {
			return nil, err
		}
		r.deliveries = append(r.deliveries, d)
		if err := r.lookBack(ctx, d, plan.dest); err != nil {
			return nil, err
		}
	}
	if err := r.lookAround(ctx); err != nil {
		return nil, err
	}
	if err := r.findProvider(); err != nil {
		return nil, err
	}
	var err error
	if r.probe, err = s.newProbe(spec.Probe); err != nil {
		return nil, err
	}
	shown := spec // as people read it
	if named := r.catalog().Provider(spec.Policy); named != nil {
		shown.Policy = cmp.Or(named.Title, named.Name)
	}
	r.sim = inspect.Simulation{
		Kind: spec.Kind, Title: r.kind.title(&shown), DeliveryID: spec.Deliveries[0], Deliveries: slices.Clone(spec.Deliveries),
		StartedAt: time.Now().UTC(), Steps: []inspect.Step{}, Reasons: []inspect.Reason{},
	}
	if r.kind.prepare != nil {
		if err := r.kind.prepare(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// acceptedBy reports whether the handler at a destination accepted an attempt,
// as far as its status says.
func acceptedBy(handler destination, a *inspect.Attempt) bool {
	return wentTo(handler, a) && a.State == inspect.Answered && a.Summary().OK()
}

// wentTo reports whether an attempt may have come to the handler at a
// destination: to the same path, as another may be another handler's.
func wentTo(handler destination, a *inspect.Attempt) bool {
	dest, ok := parseDestination(a.URL)
	return ok && dest.host == handler.host && dest.path() == handler.path() && (a.Response == nil || a.Response.Header.Get(AnsweredHeader) == "")
}

// Limits of a Spec.
const (
	maxDeliveries = 1000
	maxDeadline   = time.Hour
)

// Check says what is wrong with spec, in a sentence, or nil.
func (spec *Spec) Check() error {
	k, ok := kinds[spec.Kind]
	if !ok {
		return fmt.Errorf("there is no simulation %q: it is one of %s", spec.Kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	switch {
	case len(spec.Deliveries) == 0:
		return fmt.Errorf("%s needs a delivery: name one, such as 12 or last", spec.Kind)
	case len(spec.Deliveries) > maxDeliveries:
		return fmt.Errorf("%d deliveries are too many at once: name up to %d", len(spec.Deliveries), maxDeliveries)
	case slices.Min(spec.Deliveries) < 1:
		return fmt.Errorf("%d is not a delivery: they are numbered from 1", slices.Min(spec.Deliveries))
	case spec.Count < 0:
		return fmt.Errorf("the count is %d: give 1 or more", spec.Count)
	case spec.Concurrency < 0:
		return fmt.Errorf("the concurrency is %d: give 1 or more", spec.Concurrency)
	case spec.Deadline < 0 || spec.Deadline > maxDeadline:
		return fmt.Errorf("the deadline is %s: give a time up to %s, such as 10s", spec.Deadline, provider.InWords(maxDeadline))
	}
	if spec.To != "" {
		if _, err := ParseHandler(spec.To); err != nil {
			return err
		}
	}
	if err := CheckHeader(spec.Header); err != nil {
		return err
	}
	if err := spec.Probe.check(); err != nil {
		return err
	}
	if k.check == nil {
		return nil
	}
	return k.check(spec)
}

// oneDelivery refuses a spec with several.
func oneDelivery(spec *Spec) error {
	if len(spec.Deliveries) > 1 {
		named := list(spec.Deliveries[:min(len(spec.Deliveries), 5)])
		if len(spec.Deliveries) > 5 {
			named += ", …"
		}
		return fmt.Errorf("%s takes one delivery, not %d (%s): name one, such as %d", spec.Kind, len(spec.Deliveries), named, slices.Max(spec.Deliveries))
	}
	return nil
}
