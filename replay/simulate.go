package replay

import (
	"context"
	"net/http"
	"time"

	"hookloop/inspect"
)

// A Spec says what to rehearse. The JSON form is that of POST
// /api/v1/simulations. Zero fields have the defaults named.
type Spec struct {
	Kind       string      `json:"kind"`              // duplicates, retries, reorder, burst, slow, tamper, catch-up (lost-ack is the Receiver's, see cli)
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

	Probe *Probe `json:"probe,omitempty"`
}

// A Probe reads whether a side effect happened: before, after the first and
// after the last attempt.
type Probe struct {
	Command []string      `json:"command,omitempty"`    // program and arguments; no shell
	URL     string        `json:"url,omitempty"`        // or an address to GET
	JSON    string        `json:"json,omitempty"`       // path in a JSON answer, such as data.count; "" = the whole text
	Timeout time.Duration `json:"timeout_ns,omitempty"` // 0 = 10 s
}

// A Simulator runs simulations. One may run several at a time.
type Simulator struct {
	Sender *Sender

	// Next lets the next attempt of a simulation with Step go; the Simulator
	// receives from it. nil = such a simulation is refused.
	Next <-chan struct{}

	// OnChange, if not nil, is called after each change with a copy. It must not block.
	OnChange func(*inspect.Simulation)
}

// Run rehearses spec and returns the simulation when it has ended, with its
// verdict, in the store. When ctx ends, it is canceled: what was seen so far is
// kept. The error says why it could not be begun: it is a usage error in words.
func (s *Simulator) Run(ctx context.Context, spec Spec) (*inspect.Simulation, error) {
	return nil, nil
}

// Check says what is wrong with spec, in a sentence, or nil.
func (spec *Spec) Check() error { return nil }
