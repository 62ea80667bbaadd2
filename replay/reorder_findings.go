package replay

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hookloop/inspect"
)

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
	readings := r.readings()
	defer r.update(keepFew)
	for _, reading := range readings {
		switch {
		case reading.Error != "":
			r.find(inspect.CheckEndState, inspect.Inconclusive, "%s, %s", reading.When, reading.Error)
			return
		case reading.Moving:
			r.find(inspect.CheckEndState, inspect.Inconclusive, "%s, what the probe says did not settle: it was %s last; give it longer with --probe-settle", reading.When, quoted(reading.Value))
			return
		}
	}
	if len(readings) < 3 { // before, and two orders
		r.find(inspect.CheckEndState, inspect.Inconclusive, "too few orders were delivered to compare their end states")
		return
	}
	if same(readings) && isNothing(readings[0].Value) {
		r.find(inspect.CheckEndState, inspect.Inconclusive, "the probe says %s before and after each order: the handler does nothing with these events, or the probe does not see it", quoted(readings[0].Value))
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
	if why := o.notAState(readings); why != "" {
		r.find(inspect.CheckEndState, inspect.Inconclusive, "%s: have the probe say only the state that the events are to lead to", why)
		return
	}
	i := slices.IndexFunc(readings[1:], func(one inspect.Reading) bool { return one.Value != readings[1].Value }) + 1
	r.find(inspect.CheckEndState, inspect.Fail, "the end state depends on the order: %s %s, and %s %s", quoted(readings[1].Value), readings[1].When, quoted(readings[i].Value), readings[i].When)
}

// notAState says why values that differ say nothing of the order; "" where they do.
func (o *reordering) notAState(readings []inspect.Reading) string {
	if _, ok := counts(valuesOf(readings)); ok {
		return ""
	}
	bare := []string{}
	for _, one := range readings[1:] {
		for _, id := range o.fresh {
			if strings.Contains(one.Value, id) {
				return "what the probe says names event ids, and each order had new ones"
			}
		}
		bare = append(bare, number.ReplaceAllString(one.Value, "0"))
	}
	if !slices.ContainsFunc(bare, func(v string) bool { return v != bare[0] }) {
		return fmt.Sprintf("what the probe says differs in numbers alone, which may only grow: %s, and %s", quoted(readings[1].Value), quoted(readings[len(readings)-1].Value))
	}
	return ""
}

var number = regexp.MustCompile(`[0-9]+`)

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
	all, ok := counts(valuesOf(readings))
	if !ok {
		return 0, false
	}
	for i := range all[1:] {
		if i > 0 && all[i+1]-all[i] != by {
			return 0, false
		}
		by = all[i+1] - all[i]
	}
	return by, true
}
