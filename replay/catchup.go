package replay

import (
	"context"
	"fmt"
	"time"

	"hookloop/inspect"
)

// CatchUp is Deliver as a simulation: it delivers what waits, in order, and
// returns the verdict, which is in the store where anything waited. onChange,
// if not nil, is called after each change with a copy. The error says why it
// could not be begun.
func (b *Backlog) CatchUp(ctx context.Context, onChange func(*inspect.Simulation)) (*inspect.Simulation, error) {
	store := b.Sender.Store
	ids, err := store.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	r := &record{store: store, onChange: onChange, sim: inspect.Simulation{
		Kind: "catch-up", Title: titleCatchUp(len(ids)), Deliveries: ids,
		State: inspect.SimulationRunning, StartedAt: time.Now().UTC(), Steps: []inspect.Step{}, Reasons: []inspect.Reason{},
	}}
	if len(ids) == 0 {
		r.find(inspect.CheckCaughtUp, inspect.Pass, "nothing waits for the handler")
		return r.end(ctx), nil
	}
	r.sim.DeliveryID = ids[0]
	for _, id := range ids {
		r.sim.Steps = append(r.sim.Steps, inspect.Step{Label: fmt.Sprintf("#%d", id), State: inspect.StepPlanned, DeliveryID: id})
	}
	if err := store.BeginSimulation(ctx, &r.sim); err != nil {
		return nil, err
	}
	refused := 0
	waiting, err := b.Deliver(ctx, func(at *inspect.Attempt) {
		ok := at.Summary().OK()
		if !ok {
			refused++
		}
		r.delivered(at, ok)
	})
	switch {
	case err != nil:
		r.find(inspect.CheckCaughtUp, inspect.Inconclusive, "%s", err)
	case ctx.Err() != nil:
		r.find(inspect.CheckCaughtUp, inspect.Inconclusive, "it was stopped: %d still wait", waiting)
	case waiting > 0:
		r.find(inspect.CheckCaughtUp, inspect.Inconclusive, "the handler cannot be reached: %d still wait, in their order", waiting)
	case refused > 0:
		r.find(inspect.CheckCaughtUp, inspect.Fail, "the handler answered %d of those that were held with an error: `hookloop replay --failed` sends them again", refused)
	default:
		r.find(inspect.CheckCaughtUp, inspect.Pass, "all that were held were delivered in the order of arrival, and accepted")
	}
	for i := range r.sim.Steps {
		if s := &r.sim.Steps[i]; s.State == inspect.StepPlanned {
			s.State, s.Note = inspect.StepSkipped, "it was not reached"
		}
	}
	return r.end(ctx), nil
}

func titleCatchUp(n int) string {
	switch n {
	case 0:
		return "nothing was held"
	case 1:
		return "1 delivery that was held"
	}
	return fmt.Sprintf("%d deliveries that were held", n)
}

// delivered shows how one went; of many, a few times a second.
func (r *record) delivered(at *inspect.Attempt, ok bool) {
	i := 0
	for i < len(r.sim.Steps) && r.sim.Steps[i].DeliveryID != at.DeliveryID {
		i++
	}
	if i == len(r.sim.Steps) { // it came to wait meanwhile
		r.sim.Steps = append(r.sim.Steps, inspect.Step{Label: fmt.Sprintf("#%d", at.DeliveryID), DeliveryID: at.DeliveryID})
		r.sim.Deliveries = append(r.sim.Deliveries, at.DeliveryID)
	}
	s := &r.sim.Steps[i]
	s.State, s.OK, s.Attempt, s.Duration, s.Error = inspect.StepDone, &ok, at.Number, at.Duration, at.Error
	if at.Response != nil {
		s.Status = at.Response.Status
	}
	if len(r.sim.Steps) > inspect.MaxSteps && time.Since(r.saved) < saveInterval {
		return // each time is as long as all of them
	}
	r.saved = time.Now()
	r.save()
}
