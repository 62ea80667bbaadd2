package replay

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// maxReordered is how many deliveries are reordered at most.
const maxReordered = 20

func init() {
	kinds["reorder"] = kind{check: checkReorder, title: titleReorder, run: runReorder}
}

func checkReorder(spec *Spec) error {
	switch n := len(spec.Deliveries); {
	case n < 2:
		return errors.New("reorder needs two deliveries or more: name them in the order in which they belong")
	case n > maxReordered:
		return fmt.Errorf("%d deliveries are too many to reorder: name up to %d", n, maxReordered)
	}
	for i, id := range spec.Deliveries {
		if slices.Contains(spec.Deliveries[:i], id) {
			return fmt.Errorf("#%d stands there twice: name each delivery once", id)
		}
	}
	return nil
}

func titleReorder(spec *Spec) string {
	how := "reversed"
	if spec.AllOrders {
		how = "in all orders"
	}
	return list(spec.Deliveries) + " " + how
}

// A reordering is the same events in several orders.
type reordering struct {
	r       *rehearsal
	orders  [][]int
	renew   []*renewal // nil = the event ids stay
	why     string     // why they stay
	failed  map[int][]failedEvent
	done    int // orders that were delivered whole
	made    int
	reached bool
}

// A failedEvent is one that was not accepted in one order.
type failedEvent struct {
	order int
	why   string
	fault bool // of the handler's, whatever the order: 5xx, no answer
}

// runReorder delivers the events in one order after the other. Each order has
// new event ids, or the handler would take all but the first for duplicates.
func runReorder(r *rehearsal) error {
	r.judgesProbe = true
	o := &reordering{r: r, failed: map[int][]failedEvent{}}
	var sampled bool
	o.orders, sampled = orders(len(r.deliveries), r.spec.AllOrders)
	if sampled {
		r.note("%d deliveries have more than %d orders: %d of them were tried, the same each time", len(r.deliveries), maxOrders, len(o.orders))
	}
	o.findRenewals()
	for i := range o.orders {
		for _, at := range o.orders[i] {
			r.planned(inspect.Step{Label: fmt.Sprintf("order %d (%s): %s", i+1, o.name(i), ref(r.deliveries[at])), DeliveryID: r.deliveries[at].ID})
		}
	}
	for i := range o.orders {
		if !o.deliver(i) {
			break
		}
		o.done++
		r.read("after " + o.name(i))
	}
	o.findAccepted()
	if o.reached {
		o.findStates()
	}
	return nil
}

// What is told of orders.
const (
	maxNamed    = 6  // deliveries by their number
	maxReadings = 10 // that are kept, besides the first that differs and the last
)

// name names order i: "#3, #1", and of many only the first.
func (o *reordering) name(i int) string {
	var ids []int64
	for _, at := range o.orders[i] {
		ids = append(ids, o.r.deliveries[at].ID)
	}
	if len(ids) > maxNamed {
		return list(ids[:maxNamed]) + ", …"
	}
	return list(ids)
}

// findRenewals finds out whether each order can have new events, and says so.
// Events that share an id keep it: it is of what they are about.
func (o *reordering) findRenewals() {
	var why string
	seen := map[string]int64{}
	var all []*renewal
	for _, d := range o.r.deliveries {
		n := o.r.renewal(d)
		all = append(all, n)
		switch {
		case why != "":
		case n.place == nil:
			why = fmt.Sprintf("that of %s could not be replaced: %s", ref(d), n.why)
		case seen[n.place.id] != 0:
			why = fmt.Sprintf("#%d and %s have the same", seen[n.place.id], ref(d))
		default:
			seen[n.place.id] = d.ID
		}
	}
	if why == "" {
		o.renew = all
		o.r.note("each order had new event ids, and the same objects: a handler that had them before the first order cannot be seen to miss one, so begin with an empty one")
		return
	}
	o.why = why
	o.r.note("each order had the same event ids, because %s; a handler that tells duplicates by them does nothing after the first order", why)
}

// deliver delivers the events in order i. It returns false where there is no
// need to go on.
func (o *reordering) deliver(i int) bool {
	for _, at := range o.orders[i] {
		if o.r.canceled() {
			return false
		}
		options := Options{Signing: SignIfNeeded}
		if o.renew != nil {
			options = o.renew[at].options(o.renew[at].fresh())
		}
		step := o.made
		o.made++
		o.r.begin(step)
		a, err := o.r.attemptOf(o.r.ctx, o.r.deliveries[at].ID, options)
		if a == nil {
			no := false
			o.r.end(step, nil, err, &no, "")
			o.r.find(inspect.CheckAccepted, inspect.Inconclusive, "%s could not be sent: %v", ref(o.r.deliveries[at]), err)
			return false
		}
		if a.ErrorKind == inspect.ErrCanceled { // it was cut, and says nothing
			o.r.end(step, a, nil, nil, "")
			return false
		}
		outlook := o.r.provider.Outlook(outcome(a, 1))
		ok, note := outlook.Verdict == provider.Accepted, ""
		if !ok {
			note = outlook.Text
			fault := a.Error != "" || a.Response == nil || a.Response.Status/100 == 5
			o.failed[at] = append(o.failed[at], failedEvent{i, failure(judgement{step: step, attempt: a, outlook: outlook}), fault})
		}
		o.r.end(step, a, nil, &ok, note)
		switch a.ErrorKind {
		case inspect.ErrRefused, inspect.ErrDNS, inspect.ErrTLS, inspect.ErrTarget:
			if !o.reached {
				o.r.find(inspect.CheckAccepted, inspect.Inconclusive, "the handler could not be reached: %s", a.Error)
				return false
			}
		default:
			o.reached = true
		}
	}
	return true
}

// findAccepted says in findings which events were not accepted, and in which order.
func (o *reordering) findAccepted() {
	if o.done == 0 {
		return
	}
	if len(o.failed) == 0 {
		o.r.find(inspect.CheckAccepted, inspect.Pass, "every event was accepted in each of %d orders", o.done)
		return
	}
	for at, d := range o.r.deliveries {
		failed := o.failed[at]
		switch {
		case len(failed) == 0:
		case len(failed) >= o.done && o.renew != nil && !failed[0].fault:
			o.r.find(inspect.CheckAccepted, inspect.Inconclusive, "%s was refused in every order, so it is not the order; it came with new event ids: %s", ref(d), failed[0].why)
		case len(failed) >= o.done:
			o.r.find(inspect.CheckAccepted, inspect.Fail, "%s failed in every order, so it is not the order: %s", ref(d), failed[0].why)
		default:
			o.r.find(inspect.CheckAccepted, inspect.Fail, "%s: %s; it was accepted in %d of %d orders", o.cause(at, failed), failed[0].why, o.done-len(failed), o.done)
		}
	}
}

// cause says when the event at a place is refused: "#3 before #1" where that is
// so in all orders in which it is refused, and in no other; else the first of those.
func (o *reordering) cause(at int, failed []failedEvent) string {
	bad := map[int]bool{}
	for _, f := range failed {
		bad[f.order] = true
	}
	for other, d := range o.r.deliveries {
		if other == at {
			continue
		}
		before, after := true, true
		for i, order := range o.orders[:o.done] {
			first := slices.Index(order, at) < slices.Index(order, other)
			before = before && first == bad[i]
			after = after && first != bad[i]
		}
		switch {
		case before:
			return fmt.Sprintf("%s before %s", ref(o.r.deliveries[at]), ref(d))
		case after:
			return fmt.Sprintf("%s after %s", ref(o.r.deliveries[at]), ref(d))
		}
	}
	return fmt.Sprintf("%s in the order %s", ref(o.r.deliveries[at]), o.name(failed[0].order))
}

// findStates says in a finding whether the end state was the same after each order.
func (o *reordering) findStates() {
	r := o.r
	if r.probe == nil {
		r.note("without --probe it is not known whether the end state was the same after each order")
		return
	}
	r.mu.Lock()
	readings := slices.Clone(r.sim.Probes)
	r.mu.Unlock()
	defer r.update(keepFew)
	for _, reading := range readings {
		if reading.Error != "" {
			r.find(inspect.CheckEndState, inspect.Inconclusive, "%s, %s", reading.When, reading.Error)
			return
		}
	}
	if len(readings) < 3 { // before, and two orders
		r.find(inspect.CheckEndState, inspect.Inconclusive, "too few orders were delivered to compare their end states")
		return
	}
	if same(readings[1:]) && o.renew == nil {
		r.find(inspect.CheckEndState, inspect.Inconclusive, "the end state was the same after each order (%s), which proves nothing: the event ids were, too, because %s, so the handler may have done nothing after the first order",
			quoted(readings[1].Value), o.why)
		return
	}
	if same(readings[1:]) {
		r.find(inspect.CheckEndState, inspect.Pass, "the end state was the same after each order: %s", quoted(readings[1].Value))
		return
	}
	if by, ok := grows(readings); ok {
		r.find(inspect.CheckEndState, inspect.Pass, "each order counted alike: the probe moved by %d", by)
		return
	}
	i := slices.IndexFunc(readings[1:], func(one inspect.Reading) bool { return one.Value != readings[1].Value }) + 1
	r.find(inspect.CheckEndState, inspect.Fail, "the end state depends on the order: %s %s, and %s %s", quoted(readings[1].Value), readings[1].When, quoted(readings[i].Value), readings[i].When)
}

// keepFew leaves out readings where there are too many to be read.
func keepFew(sim *inspect.Simulation) {
	all := sim.Probes
	if len(all) <= maxReadings+2 {
		return
	}
	kept := slices.Clone(all[:maxReadings])
	i := slices.IndexFunc(all, func(one inspect.Reading) bool {
		return one.Error != "" || one.Value != all[1].Value && one.When != probeBefore
	})
	if i >= maxReadings && i < len(all)-1 {
		kept = append(kept, all[i])
	}
	sim.Probes = append(kept, all[len(all)-1])
}

func same(readings []inspect.Reading) bool {
	return !slices.ContainsFunc(readings, func(one inspect.Reading) bool { return one.Value != readings[0].Value })
}

// grows reports whether each order moved a count by as much as the others.
func grows(readings []inspect.Reading) (by int64, ok bool) {
	for i := range readings[1:] {
		from, err := strconv.ParseInt(readings[i].Value, 10, 64)
		to, err2 := strconv.ParseInt(readings[i+1].Value, 10, 64)
		if err != nil || err2 != nil || i > 0 && to-from != by {
			return 0, false
		}
		by = to - from
	}
	return by, true
}
