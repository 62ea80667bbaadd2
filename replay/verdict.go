package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hookloop/inspect"
)

// When a probe is read.
const (
	probeBefore = "before"
	probeFirst  = "after the first"
	probeLast   = "after the last"
)

const (
	settleEvery = 200 * time.Millisecond
	settleMost  = 10
)

// read reads the probe, if there is one. A handler may still be at work when it
// has answered, so that the probe is read until it says the same twice; and,
// after the last attempt, for two seconds where nothing has happened and
// something should have. A probe that has failed is not read again: there is
// nothing to compare with.
func (r *rehearsal) read(when string) {
	p := r.probe
	if p == nil || r.canceled() || p.failed {
		return
	}
	if when == probeBefore {
		p.facts(r.deliveries[0])
	}
	value, err := p.read(r.ctx)
	awaited := when == probeLast && r.changes > r.doneOnce
	for i := 1; when != probeBefore && err == nil && i < settleMost && r.sleep(settleEvery); i++ {
		old := value
		value, err = p.read(r.ctx)
		if value == old && (!awaited || value != p.before) {
			break
		}
	}
	reading := inspect.Reading{When: when, At: time.Now().UTC(), Value: value}
	if err != nil {
		reading.Error, p.failed = err.Error(), true
	}
	if when == probeBefore {
		p.before = value
	}
	r.update(func(sim *inspect.Simulation) { sim.Probes = append(sim.Probes, reading) })
}

// afterFirst reads the probe where the first attempt has ended and no other has begun.
func (r *rehearsal) afterFirst() { r.read(probeFirst) }

// findOnce says in a finding whether the side effect happened as often as it
// is to: r.changes times, or less by what had happened before.
func (r *rehearsal) findOnce() {
	r.mu.Lock()
	asked := r.asked
	r.mu.Unlock()
	if !asked { // there is nothing that could have happened
		return
	}
	if r.probe == nil {
		text := "without --probe it is not known whether the side effect happened " + times(r.changes)
		if r.changes == 0 {
			text = "without --probe it is not known whether a refused delivery had an effect all the same"
		}
		r.note("%s", text)
		return
	}
	r.mu.Lock()
	readings := slices.Clone(r.sim.Probes)
	r.mu.Unlock()
	for _, reading := range readings {
		if reading.Error != "" {
			r.find(inspect.CheckSideEffect, inspect.Inconclusive, "%s, %s", reading.When, reading.Error)
			return
		}
	}
	if len(readings) == 0 || readings[len(readings)-1].When != probeLast {
		r.find(inspect.CheckSideEffect, inspect.Inconclusive, "the probe was not read after the last attempt, so it is not known how often the side effect happened")
		return
	}
	var values []string
	for _, reading := range readings {
		values = append(values, reading.Value)
	}
	reason := judgeProbe(values, r.changes, r.doneOnce)
	r.find(inspect.CheckSideEffect, reason.Verdict, "%s", reason.Text)
}

// maxCount is the largest number that counts as a count.
const maxCount = 1e15

// judgeProbe judges what a probe said before, after the first attempt (unless
// that was not read) and after the last. The side effect is to have happened
// want times, of which up to done may have been before.
func judgeProbe(values []string, want, done int) inspect.Reason {
	counts := make([]int64, len(values))
	for i, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > maxCount || n < -maxCount {
			return judgeText(values, want, done)
		}
		counts[i] = n
	}
	first, last := counts[0], counts[len(counts)-1]
	moved := int64(0)
	for i := range counts[1:] {
		moved += max(counts[i+1]-counts[i], counts[i]-counts[i+1])
	}
	path := fmt.Sprintf("the count went from %d to %d", first, last)
	if len(counts) == 3 && counts[1] != first && counts[1] != last {
		path = fmt.Sprintf("the count went from %d to %d with the first attempt, and then to %d", first, counts[1], last)
	}
	least := int64(max(want-done, 0))
	switch {
	case moved > int64(want) && want == 0:
		return inspect.Reason{Verdict: inspect.Fail, Text: path + ": the side effect happened, and was not to"}
	case moved > int64(want):
		return inspect.Reason{Verdict: inspect.Fail, Text: path + ": the side effect happened " + times(int(moved)) + ", and was to happen " + times(want)}
	case moved == 0 && want == 0:
		return inspect.Reason{Verdict: inspect.Pass, Text: fmt.Sprintf("the count stayed at %d: there was no side effect", first)}
	case moved == 0 && least == 0:
		return inspect.Reason{Verdict: inspect.Pass, Text: fmt.Sprintf("the count stayed at %d: the handler had accepted this before, and did not do it again", first)}
	case moved == 0:
		return inspect.Reason{Verdict: inspect.Fail, Text: fmt.Sprintf("the count stayed at %d: the side effect never happened", first)}
	case moved < least:
		return inspect.Reason{Verdict: inspect.Fail, Text: path + ": the side effect happened only " + times(int(moved)) + ", and was to happen " + times(want)}
	case moved > least && first != 0:
		return inspect.Reason{Verdict: inspect.Inconclusive, Text: path + seenBefore}
	default:
		return inspect.Reason{Verdict: inspect.Pass, Text: path + ": the side effect happened " + times(int(moved))}
	}
}

// seenBefore is said where a side effect may be the second one.
const seenBefore = ": but the handler had accepted this before, and if it did the work then, it has done it again; " +
	"rehearse a delivery that it has not seen, such as one of `hookloop trigger`"

// judgeText is judgeProbe for a probe that does not count.
func judgeText(values []string, want, done int) inspect.Reason {
	first, last := values[0], values[len(values)-1]
	same := !slices.ContainsFunc(values, func(v string) bool { return v != first })
	path := fmt.Sprintf("what the probe says went from %s to %s", quoted(first), quoted(last))
	switch {
	case same && want == 0:
		return inspect.Reason{Verdict: inspect.Pass, Text: "what the probe says did not change: there was no side effect"}
	case same && done >= want:
		return inspect.Reason{Verdict: inspect.Pass, Text: "what the probe says did not change: the handler had accepted this before, and did not do it again"}
	case same:
		return inspect.Reason{Verdict: inspect.Fail, Text: "what the probe says did not change: the side effect never happened"}
	case want == 0:
		return inspect.Reason{Verdict: inspect.Fail, Text: path + ": there was a side effect, and was to be none"}
	case want == 1 && done > 0 && len(values) == 3 && values[1] != first && values[1] == last:
		return inspect.Reason{Verdict: inspect.Inconclusive, Text: path + seenBefore}
	case want == 1 && len(values) == 3 && values[1] != first && values[1] == last:
		return inspect.Reason{Verdict: inspect.Pass, Text: path + " with the first attempt, and did not change after it: the side effect happened once"}
	case want == 1 && len(values) == 3 && values[1] != first:
		return inspect.Reason{Verdict: inspect.Fail, Text: path + ", and changed again after the first attempt: the side effect happened more than once"}
	}
	return inspect.Reason{Verdict: inspect.Inconclusive, Text: path + ": it is no count, so it does not say how often the side effect happened; have the probe say a number"}
}

// times returns "once", "twice" or "3 times".
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// conclude ends the record with its verdict. err is why the kind could not go on.
func (r *rehearsal) conclude(err error) {
	switch {
	case r.canceled():
		r.find(inspect.CheckCompleted, inspect.Inconclusive, "it was canceled: only what was seen until then counts")
	case err != nil:
		r.find(inspect.CheckCompleted, inspect.Inconclusive, "it could not go on: %v", err)
	}
	if !r.judgesProbe || len(r.snapshot().Reasons) == 0 {
		r.findOnce()
	}
	r.update(func(sim *inspect.Simulation) {
		sim.State, sim.EndedAt = inspect.SimulationEnded, time.Now().UTC()
		why := "not reached"
		if r.canceled() {
			sim.State, why = inspect.SimulationCanceled, "canceled"
		}
		for i := range sim.Steps {
			if step := &sim.Steps[i]; step.State == inspect.StepPlanned || step.State == inspect.StepRunning {
				step.State, step.Note = inspect.StepSkipped, cmp.Or(step.Note, why)
			}
		}
		settle(sim)
	})
}
