package web

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"hookloop/inspect"
)

// This file keeps account of the simulations that run here, and of those that
// a live socket has told of.

// A rehearsal is a simulation that was begun here and has not ended.
type rehearsal struct {
	step   bool // each attempt waits for next
	cancel context.CancelFunc
	next   chan struct{}
	ended  chan struct{} // closed at its end, when sim and err are set
	sim    *inspect.Simulation
	err    error
}

// rehearsals are those that run, by the ID of the simulation.
type rehearsals struct {
	mu     sync.Mutex
	byID   map[int64]*rehearsal
	n      int // also those that have no ID yet
	closed bool
	wg     sync.WaitGroup
}

func (l *rehearsals) add() *problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return problemf(http.StatusServiceUnavailable, "hookloop is stopping; begin the simulation when it is back.")
	}
	if l.n >= maxRehearsals {
		return problemf(http.StatusTooManyRequests, "%d simulations are running already; wait for one, or stop one.", maxRehearsals)
	}
	l.n++
	l.wg.Add(1)
	return nil
}

func (l *rehearsals) name(id int64, r *rehearsal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = map[int64]*rehearsal{}
	}
	l.byID[id] = r
}

// done forgets the simulation that has ended; nil = none had begun.
func (l *rehearsals) done(sim *inspect.Simulation) {
	l.mu.Lock()
	if sim != nil {
		delete(l.byID, sim.ID)
	}
	l.n--
	l.mu.Unlock()
	l.wg.Done()
}

func (l *rehearsals) get(id int64) *rehearsal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

func (l *rehearsals) wait() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wg.Wait()
}

// A rehearsed is what a list shows of a simulation.
type rehearsed struct {
	ID         int64                   `json:"id"`
	DeliveryID int64                   `json:"delivery_id"`
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
		list = append(list, rehearsed{sim.ID, sim.DeliveryID, sim.Title, sim.State, sim.Verdict})
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
