package provider

import (
	"slices"
	"time"
)

// A fate is what becomes of a delivery, and why.
type fate struct {
	is     string
	late   bool   // the provider had stopped waiting before the answer came
	header string // the one that ended the retries
	plan   *Retry
	step   Step          // for retried
	asked  bool          // step.After is the answer's Retry-After, as far as it is honoured
	wanted time.Duration // what the answer's Retry-After asks for, where asked
}

// The fates.
const (
	taken     = "taken"
	moved     = "moved" // to where a redirect points
	stopped   = "stopped"
	retried   = "retried"
	once      = "once"     // it never retries
	excepted  = "excepted" // it does not retry this
	exhausted = "exhausted"
	unstated  = "unstated" // nothing is published
)

// redirects are the statuses that say where else to go.
var redirects = []int{301, 302, 303, 307, 308}

// fate says what d's provider makes of an attempt that ended so.
func (d *Delivery) fate(o Outcome) fate {
	var f fate
	if d.Timeout > 0 && o.Duration > time.Duration(d.Timeout) {
		f.late, o.Failure = true, "timeout"
	}
	if o.Failure == "" && o.Status == 0 {
		o.Failure = "other"
	}
	if o.Failure == "" {
		f.header = d.stopHeader(o.Header)
		switch {
		case d.succeeds(o.Status):
			f.is = taken
		case d.Redirects > 0 && slices.Contains(redirects, o.Status):
			f.is = moved
		case d.StopOn.Has(o.Status) || f.header != "":
			f.is = stopped
		}
		if f.is != "" {
			return f
		}
	}
	f.plan = d.retryFor(o)
	wait, wanted, asked := d.after(o.Header)
	switch {
	case f.plan == nil && asked && o.Failure == "":
		f.is, f.asked, f.wanted, f.step = retried, true, wanted, Step{Number: max(o.Attempt, 1), After: Interval{wait, wait}}
	case f.plan == nil:
		f.is = unstated
	case f.plan.Never:
		f.is = once
	case !f.plan.retries(o):
		f.is = excepted
	default:
		d.schedule(&f, o)
	}
	return f
}

// schedule finds the step after an attempt in f's plan.
func (d *Delivery) schedule(f *fate, o Outcome) {
	f.is = exhausted
	step, ok := f.plan.step(max(o.Attempt, 1))
	if !ok {
		return
	}
	f.is, f.step = retried, step
	if wait, wanted, ok := d.after(o.Header); ok && o.Failure == "" {
		f.asked, f.wanted, f.step.After, f.step.Guess = true, wanted, Interval{wait, wait}, false
	}
	if w := time.Duration(f.plan.Window); w > 0 && o.Elapsed > 0 && o.Elapsed+f.step.After.Min > w {
		f.is = exhausted
	}
}

// succeeds reports whether a status is success for d.
func (d *Delivery) succeeds(status int) bool {
	if d.Success.IsZero() {
		return status >= 200 && status <= 299
	}
	return d.Success.Has(status)
}
