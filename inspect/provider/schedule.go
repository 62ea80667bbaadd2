package provider

import (
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Step is one delivery after the first.
type Step struct {
	Number int      // 1 = the first retry
	After  Interval // since the delivery before it failed
	At     Interval // since the first delivery, if each failed at once
	Guess  bool     // the interval is not published: After is on our own curve
}

// maxSteps bounds what Retries returns, and every curve of our own.
const maxSteps = 100

// Retries returns the plan of the deliveries after the first: the first 100 of
// them, which is a bound of our own; nil when there are none or none are
// published. RetryCount says how many there are.
func (d *Delivery) Retries() []Step {
	var steps []Step
	for step := range d.Retry.steps() {
		if len(steps) == maxSteps {
			break
		}
		steps = append(steps, step)
	}
	return steps
}

// Next says when d's provider delivers again after an attempt that ended so.
// It is false when it does not, or when that is not published. The time runs
// from when the provider knows that the attempt failed: from its own timeout,
// where the answer came later.
func (d *Delivery) Next(o Outcome) (Step, bool) {
	f := d.fate(o)
	return f.step, f.is == retried
}

// steps yields the retries of r. It ends with Attempts or Window.
func (r *Retry) steps() iter.Seq[Step] {
	return func(yield func(Step) bool) {
		if r == nil || r.Never {
			return
		}
		var step Step
		for after, guess := range r.intervals() {
			step.Number++
			step.After, step.Guess = after, guess
			step.At.Min += after.Min
			step.At.Max += after.Max
			if r.ended(step) || !yield(step) {
				return
			}
		}
	}
}

// ended reports whether a step is after the last one of r.
func (r *Retry) ended(s Step) bool {
	return r.Attempts > 0 && s.Number > r.Attempts || r.Window > 0 && s.At.Min > time.Duration(r.Window) || s.At.Max > longest
}

// step returns retry n (1 = the first); ok is false where r makes no so many.
// It takes no longer for a plan of thousands.
func (r *Retry) step(n int) (step Step, ok bool) {
	for s := range r.steps() {
		if s.Number == n {
			return s, true
		}
		if n < 1 || !r.settled(s) {
			continue
		}
		more := time.Duration(n - s.Number)
		if s.After.Max > 0 && more > longest/s.After.Max {
			break
		}
		s.Number = n
		s.At.Min += more * s.After.Min
		s.At.Max += more * s.After.Max
		return s, !r.ended(s)
	}
	return Step{}, false
}

// settled reports whether all of r's intervals after a step are as the one before it.
func (r *Retry) settled(s Step) bool {
	if s.Number <= len(r.Delays)+1 { // which may be the curve's first
		return false
	}
	return r.Every != nil || r.Then != nil || r.Curve != nil && s.After == r.Curve.Cap
}

// intervals yields the times between r's deliveries, and whether they are our
// guess, without an end where the provider states none.
func (r *Retry) intervals() iter.Seq2[Interval, bool] {
	return func(yield func(Interval, bool) bool) {
		var sum time.Duration
		for _, delay := range r.Delays {
			if sum += delay.Max; !yield(delay, false) {
				return
			}
		}
		switch {
		case r.Every != nil:
			repeat(*r.Every, yield)
		case r.Then != nil:
			repeat(*r.Then, yield)
		case r.Curve != nil:
			r.Curve.intervals(yield)
		case r.Unpublished != "":
			drawn := r.Suggest
			if drawn == nil {
				drawn = draw(r.Attempts-len(r.Delays), r.Attempts > 0, time.Duration(r.Window)-sum)
			}
			for _, delay := range drawn {
				if !yield(delay, true) {
					return
				}
			}
		}
	}
}

func repeat(every Interval, yield func(Interval, bool) bool) {
	for yield(every, false) {
	}
}

func (c *Curve) intervals(yield func(Interval, bool) bool) {
	if c.First != nil && !yield(*c.First, false) {
		return
	}
	low, high := c.Cap.Min, c.Cap.Max
	if high == 0 {
		low, high = longest, longest
	}
	for next := float64(c.Base); ; next = min(next*c.Factor, float64(longest)) {
		d := time.Duration(next)
		if !yield(Interval{min(d, low), min(d, high)}, false) {
			return
		}
	}
}

// draw returns an exponential curve of n times that fill a window: our guess
// where a provider publishes no intervals. counted false means that n is not
// published either; a window of 0 or less is not.
func draw(n int, counted bool, window time.Duration) []Interval {
	if !counted {
		n = 6 // doubled, they begin with about an hour for a window of three days
	}
	n = min(n, maxSteps)
	if n <= 0 {
		return nil
	}
	first, factor := time.Minute, 2.0
	if window > 0 {
		// Doubling n times would begin with nothing where n is large.
		first = max(window/500, time.Duration(float64(window)/(math.Exp2(float64(n))-1)))
		factor = growth(first, n, window)
	}
	drawn := make([]Interval, n)
	next := float64(first)
	for i := range drawn {
		d := min(time.Duration(next), 24*time.Hour)
		if window > 0 {
			d = time.Duration(next)
		}
		if d > 10*time.Second {
			d = d.Truncate(time.Second)
		}
		drawn[i] = Interval{d, d}
		next = min(next*factor, float64(longest))
	}
	return drawn
}

// growth returns the factor, from 1 to 2, with which n times that begin with
// first come to window together, or to less.
func growth(first time.Duration, n int, window time.Duration) float64 {
	low, high := 1.0, 2.0
	for range 60 {
		mid := (low + high) / 2
		sum, next := 0.0, float64(first)
		for range n {
			sum += next
			next *= mid
		}
		if sum > float64(window) {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

// deliveries returns how many deliveries r makes in all, where that is published; else 0.
func (r *Retry) deliveries() int {
	switch {
	case r == nil:
		return 0
	case r.Attempts > 0:
		return r.Attempts + 1
	case r.Every == nil && r.Then == nil && r.Curve == nil && r.Unpublished == "":
		return len(r.Delays) + 1
	}
	return 0
}

// RetryCount returns how many retries there are where none succeeds. known is
// false where that is not published and does not follow from what is.
func (d *Delivery) RetryCount() (n int, known bool) {
	r := d.Retry
	switch {
	case r == nil:
		return 0, false
	case r.Never:
		return 0, true
	case r.deliveries() > 0:
		return r.deliveries() - 1, true
	case r.Unpublished != "":
		return 0, false
	}
	for step := range r.steps() {
		if n = step.Number; step.After.Min != step.After.Max || n > maxCounted {
			return 0, false
		}
	}
	return n, n > 0
}

// maxCounted is how many retries RetryCount counts.
const maxCounted = 10000

// failureNames are the words of Retry.Only besides statuses, and those of Outcome.Failure.
var failureNames = []string{"connect", "timeout", "tls", "other"}

// retries reports whether r is for an attempt that ended so.
func (r *Retry) retries(o Outcome) bool {
	for _, what := range r.Only {
		// Without TLS there is no connection either.
		if o.Failure != "" && (what == o.Failure || what == "connect" && o.Failure == "tls") {
			return true
		}
		if one, err := parseStatus(what); err == nil && o.Failure == "" && (Statuses{[]statusRange{one}}).Has(o.Status) {
			return true
		}
	}
	return len(r.Only) == 0
}

// retryFor returns the plan after an attempt that ended so.
func (d *Delivery) retryFor(o Outcome) *Retry {
	if d.Retry == nil || o.Failure != "" {
		return d.Retry
	}
	for i := range d.Retry.For {
		if d.Retry.For[i].Statuses.Has(o.Status) {
			return &d.Retry.For[i].Retry
		}
	}
	return d.Retry
}

// after returns the Retry-After of an answer: as far as d honours it, and what
// it asks for. ok is false where there is none, or d does not look at it.
func (d *Delivery) after(h http.Header) (wait, wanted time.Duration, ok bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if d.RetryAfter == 0 || text == "" {
		return 0, 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		wanted = longest
		if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds < int64(longest/time.Second) {
			wanted = time.Duration(seconds) * time.Second
		}
	} else if at, err := http.ParseTime(text); err == nil {
		now := time.Now()
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date // the clock that at is of
		}
		wanted = max(at.Sub(now).Round(time.Second), 0)
	} else {
		return 0, 0, false
	}
	return min(wanted, time.Duration(d.RetryAfter)), wanted, true
}

// stopHeader returns the name of the header in h that ends the retries, or "".
func (d *Delivery) stopHeader(h http.Header) string {
	for name, value := range d.StopHeader {
		if slices.Contains(h.Values(name), value) {
			return name
		}
	}
	return ""
}
