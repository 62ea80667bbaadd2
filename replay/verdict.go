package replay

import (
	"cmp"
	"slices"
	"time"

	"hookloop/inspect"
)

// When a probe is read.
const (
	probeBefore = "before"
	probeFirst  = "after the first"
	probeLast   = "after the last"
)

// read reads the probe, if there is one. After the first attempt it is watched
// until it stays; after the last, longer where something should still happen,
// and no longer than the finding is open. A probe that has failed is not read
// again: there is nothing to compare with.
func (r *rehearsal) read(when string) {
	p := r.probe
	readings := r.readings()
	if p == nil || r.canceled() || slices.ContainsFunc(readings, failedReading) {
		return
	}
	var stay func(string) time.Duration
	switch {
	case when == probeBefore:
		p.facts(r.deliveries[0])
		stay = p.still(r.lastWork, r.doneOnce > 0)
	case !r.wasAsked() || slices.ContainsFunc(readings, movingReading):
		stay = func(string) time.Duration { return 0 } // nothing can have happened, or it never settles
	case r.judgesProbe && len(readings) > 1:
		stay = func(string) time.Duration {
			if p.moved { // how slow it is, is known
				return max(p.Settle/4, 2*p.lag)
			}
			return p.quiet()
		}
	case r.judgesProbe: // after the first order, in which something should happen
		stay = func(value string) time.Duration {
			if value == p.before {
				return p.patience()
			}
			return p.quiet()
		}
	case when == probeFirst:
		open := p.open(readings, r.expected())
		stay = func(value string) time.Duration {
			if isCount(value) && value != p.before {
				return min(p.Settle/4, open(value))
			}
			return p.quiet()
		}
	default:
		stay = p.open(readings, r.expected())
	}
	reading := p.take(r.ctx, when, stay)
	if r.changes == 0 { // nothing was to happen yet, so how slow the handler is shows later
		p.watched = time.Time{}
	}
	r.update(func(sim *inspect.Simulation) { sim.Probes = append(sim.Probes, reading) })
}

func failedReading(one inspect.Reading) bool { return one.Error != "" }

func movingReading(one inspect.Reading) bool { return one.Moving }

func (r *rehearsal) readings() []inspect.Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sim.Probes)
}

// wasAsked reports whether an attempt of this rehearsal went to the handler.
func (r *rehearsal) wasAsked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// expected is how often the side effect is to happen.
func (r *rehearsal) expected() expectation {
	return expectation{want: r.changes, done: r.doneOnce, maybe: r.maybeDone, optional: r.optional}
}

// afterFirst reads the probe where the first attempt has ended and no other has begun.
func (r *rehearsal) afterFirst() { r.read(probeFirst) }

// findOnce says in a finding whether the side effect happened as often as it
// is to: r.changes times, or less by what had happened before.
func (r *rehearsal) findOnce() {
	if !r.wasAsked() { // there is nothing that could have happened
		return
	}
	if r.probe == nil {
		unseen := "the side effect happened " + times(r.changes)
		if r.changes == 0 {
			unseen = "what was not accepted had an effect all the same"
		}
		r.note("without --probe it is not known whether %s", cmp.Or(r.unseen, unseen))
		return
	}
	reason := r.probe.judge(r.readings(), r.expected())
	if n := r.meanwhile(); n > 0 && reason.Verdict == inspect.Fail {
		r.find(inspect.CheckSideEffect, inspect.Inconclusive, "%s: but %s of others came meanwhile, which the probe may have seen; rehearse again while nothing else comes", reason.Text, counted(n, "attempt"))
		return
	}
	r.find(inspect.CheckSideEffect, reason.Verdict, "%s", reason.Text)
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
