package web

import (
	"context"
	"errors"

	"hookloop/inspect"
)

// A rehearsed is what a list shows of a simulation.
type rehearsed struct {
	ID         int64                   `json:"id"`
	DeliveryID int64                   `json:"delivery_id"`
	Deliveries []int64                 `json:"deliveries"` // all that it is of
	Title      string                  `json:"title"`
	State      inspect.SimulationState `json:"state"`
	Verdict    inspect.Verdict         `json:"verdict"`
}

// rehearsedSince returns the simulations that are newer than newest, and of
// those that ran all that do no more, oldest first; and which run now.
func rehearsedSince(ctx context.Context, store *inspect.Store, newest int64, ran map[int64]bool) (list []rehearsed, running map[int64]bool, err error) {
	running = map[int64]bool{}
	tell := func(sim *inspect.Simulation) {
		if sim.State == inspect.SimulationRunning {
			running[sim.ID] = true
			if ran[sim.ID] {
				return
			}
		}
		list = append(list, rehearsed{sim.ID, sim.DeliveryID, append([]int64{}, sim.Deliveries...), sim.Title, sim.State, sim.Verdict})
	}
	for id := range ran {
		sim, err := store.Simulation(ctx, id)
		switch {
		case errors.Is(err, inspect.ErrNotFound):
		case err != nil:
			return nil, nil, err
		default:
			tell(sim)
		}
	}
	limit := defaultLimit
	if newest > 0 { // usually there is none, and one row says so
		latest, err := store.Simulations(ctx, 0, 1)
		if err != nil {
			return nil, nil, err
		}
		if len(latest) == 0 || latest[0].ID <= newest {
			return list, running, nil
		}
		limit = int(min(latest[0].ID-newest, defaultLimit))
	}
	begun, err := store.Simulations(ctx, 0, limit)
	for i := len(begun) - 1; i >= 0 && err == nil; i-- {
		if begun[i].ID > newest {
			tell(&begun[i])
		}
	}
	return list, running, err
}
