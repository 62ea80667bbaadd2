package replay

import (
	"context"
	"time"

	"hookloop/inspect"
)

// prepare readies the probe, and reads it before any answer is lost.
func (r *lostWatch) prepare(ctx context.Context) (err error) {
	if r.probe, err = (&Simulator{Sender: &Sender{Guard: r.Guard}}).newProbe(r.Probe); err != nil {
		return err
	}
	if r.probe != nil {
		latest, err := lastWork(ctx, r.Store)
		if err != nil {
			return err
		}
		r.readProbe(ctx, probeBefore, r.probe.still(latest, false))
	}
	return nil
}

// readProbe reads the probe, if there is one; stay as for take.
func (r *lostWatch) readProbe(ctx context.Context, when string, stay func(string) time.Duration) {
	if r.probe == nil || ctx.Err() != nil {
		return
	}
	r.sim.Probes = append(r.sim.Probes, r.probe.take(ctx, when, stay))
}

// findOnce says whether the side effect happened once for each event that came
// again. It says nothing where not each did, which is a finding already.
func (r *lostWatch) findOnce(ctx context.Context) {
	for _, e := range r.events {
		if !e.settled() || !r.accepts(e.first) {
			return
		}
	}
	if len(r.events) == 0 {
		return
	}
	if r.probe == nil {
		r.find("", "", "without --probe it is not known whether the second delivery had a second side effect")
		return
	}
	others := map[string]bool{} // events whose answers were not lost
	for _, key := range r.seen {
		if r.events[key] == nil {
			others[key] = true
		}
	}
	e := expectation{want: len(r.events) + len(others), done: len(others)}
	r.readProbe(ctx, probeLast, r.probe.open(r.sim.Probes, e))
	reason := r.probe.judge(r.sim.Probes, e)
	if len(others) > 0 && reason.Verdict != inspect.Fail {
		r.find(inspect.CheckSideEffect, inspect.Inconclusive, "the answers of other events (%d) were not lost, so the probe does not tell which of all had the side effect", len(others))
		return
	}
	r.find(inspect.CheckSideEffect, reason.Verdict, "%s", reason.Text)
}
