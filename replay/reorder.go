package replay

import (
	"errors"
	"fmt"
	"slices"

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
	fresh   []string   // that were sent
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
			id := o.renew[at].fresh()
			o.fresh = append(o.fresh, id)
			options = o.renew[at].options(id)
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
