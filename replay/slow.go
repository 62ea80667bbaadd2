package replay

import (
	"fmt"
	"net/http"
	"slices"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// The ways of a slow rehearsal.
const (
	slowTrickle = "trickle" // the body comes a few bytes at a time
	slowCut     = "cut"     // the connection is closed half-way through the body
	slowIgnore  = "ignore"  // the connection is closed before the answer is read, and the event delivered again
)

func init() {
	kinds["slow"] = kind{check: checkSlow, title: titleSlow, prepare: prepareSlow, run: runSlow}
}

func checkSlow(spec *Spec) error {
	if !slices.Contains([]string{"", slowTrickle, slowCut, slowIgnore}, spec.Slow) {
		return fmt.Errorf("there is no way %q to be slow: it is %s, %s or %s", spec.Slow, slowTrickle, slowCut, slowIgnore)
	}
	return oneDelivery(spec)
}

func titleSlow(spec *Spec) string {
	how := map[string]string{
		"":          "over a bad network",
		slowTrickle: "a few bytes at a time",
		slowCut:     "cut half-way through the body",
		slowIgnore:  "twice, because the first answer got lost",
	}[spec.Slow]
	return fmt.Sprintf("#%d delivered %s", spec.Deliveries[0], how)
}

// prepareSlow says why there is nothing to be slow with, or nil.
func prepareSlow(r *rehearsal) error {
	if len(r.deliveries[0].Body) == 0 && r.spec.Slow != "" && r.spec.Slow != slowIgnore {
		return fmt.Errorf("%s has no body, so it cannot come slowly", ref(r.deliveries[0]))
	}
	return nil
}

// runSlow delivers over a bad network: cut first, while nothing has happened
// yet, so that the probe shows a handler that acts on half a body.
func runSlow(r *rehearsal) error {
	base, closeIdle, err := slowTransport(r.s.Sender.Transport)
	if err != nil {
		return err
	}
	defer closeIdle()
	r.changes = 0
	for _, way := range []struct {
		name string
		run  func(*rehearsal, http.RoundTripper)
	}{{slowCut, (*rehearsal).cut}, {slowTrickle, (*rehearsal).trickle}, {slowIgnore, (*rehearsal).ignore}} {
		if r.canceled() {
			return nil
		}
		if r.spec.Slow == "" || r.spec.Slow == way.name {
			way.run(r, base)
		}
	}
	r.findAccepted()
	return nil
}

// bodySize is the size of the body that goes out.
func (r *rehearsal) bodySize() int { return len(r.deliveries[0].Body) }

// normal plans and makes an attempt of the event as usual.
func (r *rehearsal) normal(label string) *inspect.Attempt {
	i := r.planned(inspect.Step{Label: label})
	r.begin(i)
	a, err := r.attempt(Options{Trigger: inspect.Duplicate, Signing: r.signing})
	r.finish(i, a, err, 1)
	r.changes = 1
	return a
}

// cut cuts the connection half-way through the body, of which nothing may
// come, and delivers the event as usual, which the handler must survive to see.
func (r *rehearsal) cut(base http.RoundTripper) {
	i := r.planned(inspect.Step{Label: "cut half-way"})
	if r.bodySize() < 2 {
		r.skip(i, "the body is too short to be cut")
		return
	}
	r.begin(i)
	a, err := r.attempt(Options{Signing: r.signing, Transport: &cutter{base, r.bodySize()}})
	ok := a != nil && (a.Response == nil || a.Response.Status/100 != 2)
	r.end(i, a, err, &ok, "")
	switch {
	case a == nil:
		r.find(inspect.CheckHalfBody, inspect.Inconclusive, "the cut could not be made: %v", err)
		return
	case !ok:
		r.find(inspect.CheckHalfBody, inspect.Fail, "the handler answered %s to half a body: it does not wait for the whole of it, or does not see that it broke off", statusText(a.Response.Status))
	case a.Response == nil && a.ErrorKind != inspect.ErrCanceled:
		r.find(inspect.CheckHalfBody, inspect.Inconclusive, "the cut could not be made: %s", a.Error)
		return
	}
	r.actedOnHalf()
	if r.canceled() {
		return
	}
	if after := r.normal("as usual, after the cut"); after != nil && after.Error != "" && after.ErrorKind == inspect.ErrRefused {
		r.find(inspect.CheckHalfBody, inspect.Fail, "nothing listens any more after a connection was cut: the handler did not survive it")
	}
}

// actedOnHalf says in a finding whether the side effect has happened though
// only half of the body has come.
func (r *rehearsal) actedOnHalf() {
	if r.probe == nil {
		r.note("without --probe it is not known whether the handler acted on half a body")
		return
	}
	r.read("after the cut")
	if r.canceled() {
		return
	}
	r.mu.Lock()
	last := r.sim.Probes[len(r.sim.Probes)-1]
	before := r.sim.Probes[0]
	r.mu.Unlock()
	switch {
	case last.Error != "" || before.Error != "": // which findOnce tells
	case last.Value != before.Value:
		r.find(inspect.CheckHalfBody, inspect.Fail, "the handler acted on half a body: the probe went from %s to %s when the connection was cut", quoted(before.Value), quoted(last.Value))
	default:
		r.find(inspect.CheckHalfBody, inspect.Pass, "the handler did not act on half a body")
	}
}

// trickle sends the body in small parts over some seconds.
func (r *rehearsal) trickle(base http.RoundTripper) {
	i := r.planned(inspect.Step{Label: "a few bytes at a time", Note: "over " + provider.InWords(trickleTime)})
	if r.bodySize() == 0 {
		r.skip(i, "there is no body")
		return
	}
	r.begin(i)
	a, err := r.attempt(Options{Trigger: inspect.Duplicate, Signing: r.signing, Transport: &trickler{base, r.bodySize()}})
	r.own = trickleTime
	r.finish(i, a, err, 1)
	r.own = 0
	r.changes = 1
}

// ignore delivers the event, hangs up before the answer is read, and delivers
// it again as its provider would.
func (r *rehearsal) ignore(base http.RoundTripper) {
	limit, _ := r.deadline()
	transport := &deaf{RoundTripper: base, patience: limit}
	i := r.planned(inspect.Step{Label: "the answer got lost"})
	r.begin(i)
	a, err := r.attempt(Options{Trigger: inspect.Duplicate, Signing: r.signing, Transport: transport})
	lost := transport.lost()
	ok := lost != nil && r.provider.Delivery.Accepts(lost.Status)
	var judged *bool
	note := "no answer came in time"
	if lost != nil {
		judged, note = &ok, ""
	}
	r.end(i, a, err, judged, note)
	r.changes = 1
	switch {
	case a == nil:
		r.find(inspect.CheckAlike, inspect.Inconclusive, "the answer could not be ignored: %v", err)
		return
	case a.ErrorKind != inspect.ErrCanceled:
		r.find(inspect.CheckAlike, inspect.Inconclusive, "the answer could not be ignored: %s", a.Error)
		return
	case lost != nil && !ok:
		r.find(inspect.CheckAccepted, inspect.Fail, "the answer that got lost was %s, which %s takes for a failure", statusText(lost.Status), r.provider.Title)
	}
	if r.canceled() {
		return
	}
	again := r.normal("delivered again")
	switch {
	case again == nil || again.Response == nil || again.Error != "" || lost == nil:
	case again.Response.Status/100 != lost.Status/100:
		r.find(inspect.CheckAlike, inspect.Fail, "the answers differ: the one that got lost was %s, the one to the same event again %s", statusText(lost.Status), statusText(again.Response.Status))
	default:
		r.find(inspect.CheckAlike, inspect.Pass, "the same event was answered alike when it came again")
	}
}
