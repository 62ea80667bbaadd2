package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hookloop/inspect"
)

// A record is a simulation that is kept as it goes on.
type record struct {
	store    *inspect.Store
	onChange func(*inspect.Simulation)
	sim      inspect.Simulation
	saved    time.Time // last by delivered
}

// save stores the present state, unless the simulation has not begun, and shows it.
func (r *record) save() {
	if r.sim.ID != 0 {
		_ = r.store.SaveSimulation(context.Background(), &r.sim) // it goes on without
	}
	if r.onChange != nil {
		r.onChange(copied(r.sim))
	}
}

// copied returns a copy of sim that shares nothing with it, with at most
// MaxSteps steps.
func copied(sim inspect.Simulation) *inspect.Simulation {
	kept := min(len(sim.Steps), inspect.MaxSteps)
	sim.MoreSteps += len(sim.Steps) - kept
	sim.Steps = append([]inspect.Step{}, sim.Steps[:kept]...)
	sim.Deliveries = slices.Clone(sim.Deliveries)
	sim.Probes = slices.Clone(sim.Probes)
	sim.Reasons = append([]inspect.Reason{}, sim.Reasons...)
	if sim.Table != nil {
		sim.Table = &inspect.Table{Columns: slices.Clone(sim.Table.Columns), Rows: slices.Clone(sim.Table.Rows)}
	}
	return &sim
}

// settle sorts the findings, the worst first and the notes last, and gives sim
// the verdict of the worst; Inconclusive where there is none.
func settle(sim *inspect.Simulation) {
	rank := map[inspect.Verdict]int{inspect.Fail: 0, inspect.Inconclusive: 1, inspect.Pass: 2, "": 3}
	slices.SortStableFunc(sim.Reasons, func(a, b inspect.Reason) int { return cmp.Compare(rank[a.Verdict], rank[b.Verdict]) })
	if len(sim.Reasons) == 0 || sim.Reasons[0].Verdict == "" {
		nothing := inspect.Reason{Verdict: inspect.Inconclusive, Check: inspect.CheckCompleted, Text: "nothing was found, so nothing can be said"}
		sim.Reasons = slices.Insert(sim.Reasons, 0, nothing)
	}
	sim.Verdict = sim.Reasons[0].Verdict
}

// find is find of a rehearsal.
func (r *record) find(c inspect.Check, v inspect.Verdict, format string, args ...any) {
	r.sim.Reasons = append(r.sim.Reasons, inspect.Reason{Verdict: v, Check: c, Text: fmt.Sprintf(format, args...)})
}

// end gives the verdict, see settle, and returns the simulation, which has ended.
func (r *record) end(ctx context.Context) *inspect.Simulation {
	settle(&r.sim)
	r.sim.State, r.sim.EndedAt = inspect.SimulationEnded, time.Now().UTC()
	if ctx.Err() != nil {
		r.sim.State = inspect.SimulationCanceled
	}
	r.save()
	return &r.sim
}
