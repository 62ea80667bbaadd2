package replay

import (
	"context"
	"fmt"
	"time"

	"hookloop/inspect"
)

// A record is a simulation that is kept as it goes on.
type record struct {
	store    *inspect.Store
	onChange func(*inspect.Simulation)
	sim      inspect.Simulation
}

// save stores the present state, unless the simulation has not begun, and shows it.
func (r *record) save() {
	if r.sim.ID != 0 {
		_ = r.store.SaveSimulation(context.Background(), &r.sim) // it goes on without
	}
	if r.onChange != nil {
		c := r.sim
		c.Steps, c.Reasons = append([]inspect.Step{}, c.Steps...), append([]inspect.Reason{}, c.Reasons...)
		r.onChange(&c)
	}
}

// find is find of a rehearsal.
func (r *record) find(c inspect.Check, v inspect.Verdict, format string, args ...any) {
	r.sim.Reasons = append(r.sim.Reasons, inspect.Reason{Verdict: v, Check: c, Text: fmt.Sprintf(format, args...)})
}

// end gives the verdict: the worst that was found, and Inconclusive without a finding.
func (r *record) end(ctx context.Context) *inspect.Simulation {
	r.sim.Verdict = inspect.Pass
	for _, reason := range r.sim.Reasons {
		if reason.Verdict == inspect.Fail || reason.Verdict == inspect.Inconclusive && r.sim.Verdict == inspect.Pass {
			r.sim.Verdict = reason.Verdict
		}
	}
	r.sim.State, r.sim.EndedAt = inspect.SimulationEnded, time.Now().UTC()
	if ctx.Err() != nil {
		r.sim.State = inspect.SimulationCanceled
	}
	r.save()
	return &r.sim
}
