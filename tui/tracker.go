package tui

import (
	"context"
	"errors"
	"slices"

	"hookloop/inspect"
)

// maxLook bounds how many simulations that nobody has seen yet are read at once.
const maxLook = 100

// A tracker knows how the simulations of a store were last seen. It is used by
// one goroutine at a time.
type tracker struct {
	newest  int64           // the highest ID seen
	running map[int64]int64 // the deliveries of those that have not ended, by ID
}

// look returns the simulations that are new since the last look, and those
// that have ended since, in the order of their IDs; at the first look the
// newest there are. changed says which deliveries changed meanwhile; nil = all.
func (k *tracker) look(ctx context.Context, store *inspect.Store, changed func(delivery int64) bool) ([]inspect.Simulation, error) {
	if k.running == nil {
		k.running = map[int64]int64{}
	}
	var found []inspect.Simulation
	for id, delivery := range k.running {
		if changed != nil && !changed(delivery) {
			continue
		}
		sim, err := store.Simulation(ctx, id)
		switch {
		case errors.Is(err, inspect.ErrNotFound):
			delete(k.running, id)
		case err != nil:
			return nil, err
		case sim.State != inspect.SimulationRunning:
			delete(k.running, id)
			found = append(found, *sim)
		}
	}
	begun, err := k.begun(ctx, store)
	if err != nil {
		return nil, err
	}
	for _, sim := range begun {
		k.newest = max(k.newest, sim.ID)
		if sim.State == inspect.SimulationRunning {
			k.running[sim.ID] = sim.DeliveryID
		}
	}
	found = append(found, begun...)
	slices.SortFunc(found, func(a, b inspect.Simulation) int { return int(a.ID - b.ID) })
	return found, nil
}

// begun returns the simulations that are newer than those seen.
func (k *tracker) begun(ctx context.Context, store *inspect.Store) ([]inspect.Simulation, error) {
	limit := maxLook
	if k.newest > 0 { // usually there is none, and one row says so
		latest, err := store.Simulations(ctx, 0, 1)
		if err != nil || len(latest) == 0 || latest[0].ID <= k.newest {
			return nil, err
		}
		limit = int(min(latest[0].ID-k.newest, maxLook))
	}
	list, err := store.Simulations(ctx, 0, limit)
	return slices.DeleteFunc(list, func(s inspect.Simulation) bool { return s.ID <= k.newest }), err
}

// touches returns a func that says whether a delivery is among changes.
func touches(changes ...inspect.Changes) func(int64) bool {
	ids := map[int64]bool{}
	for _, c := range changes {
		for i := range c.Deliveries {
			ids[c.Deliveries[i].ID] = true
		}
	}
	return func(id int64) bool { return ids[id] }
}
