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
	r.readProbe(ctx, probeBefore)
	return nil
}

// readProbe reads the probe, if there is one. A handler may still be at work
// when it has answered, so the last reading waits until the value stays.
func (r *lostWatch) readProbe(ctx context.Context, when string) {
	if r.probe == nil || ctx.Err() != nil {
		return
	}
	value, err := r.probe.read(ctx)
	for i := 1; when != probeBefore && err == nil && i < settleMost && sleep(ctx, settleEvery) == nil; i++ {
		old := value
		if value, err = r.probe.read(ctx); value == old && value != r.probe.before {
			break
		}
	}
	reading := inspect.Reading{When: when, At: time.Now().UTC(), Value: value}
	if err != nil {
		reading.Error = err.Error()
	}
	if when == probeBefore {
		r.probe.before = value
	}
	r.sim.Probes = append(r.sim.Probes, reading)
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
	r.readProbe(ctx, probeLast)
	var values []string
	for _, reading := range r.sim.Probes {
		if reading.Error != "" {
			r.find(inspect.CheckSideEffect, inspect.Inconclusive, "%s, %s", reading.When, reading.Error)
			return
		}
		values = append(values, reading.Value)
	}
	if len(values) < 2 {
		r.find(inspect.CheckSideEffect, inspect.Inconclusive, "the probe was not read after the last delivery, so it is not known how often the side effect happened")
		return
	}
	others := map[string]bool{} // events whose answers were not lost
	for _, key := range r.seen {
		if r.events[key] == nil {
			others[key] = true
		}
	}
	reason := judgeProbe(values, len(r.events)+len(others), len(others))
	if len(others) > 0 && reason.Verdict != inspect.Fail {
		r.find(inspect.CheckSideEffect, inspect.Inconclusive, "the answers of other events (%d) were not lost, so the probe does not tell which of all had the side effect", len(others))
		return
	}
	r.find(inspect.CheckSideEffect, reason.Verdict, "%s", reason.Text)
}
