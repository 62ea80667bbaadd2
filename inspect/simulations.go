package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"
)

// BeginSimulation stores sim, running, and gives it its ID. The error wraps
// [ErrNotFound] where the delivery that it is listed under does not exist.
func (s *Store) BeginSimulation(ctx context.Context, sim *Simulation) error {
	session, err := s.Session(ctx)
	if err != nil {
		return err
	}
	sim.State, sim.Verdict = SimulationRunning, ""
	body, err := encodeSimulation(sim)
	if err != nil {
		return err
	}
	var id int64
	err = s.do(ctx, func(w *writer) error {
		if err := w.mustExist(sim.DeliveryID); err != nil {
			return err
		}
		err := w.exec("INSERT INTO simulations(session, delivery_id, kind, state, verdict, started_at, body) VALUES(?, ?, ?, ?, ?, ?, ?)",
			session, sim.DeliveryID, sim.Kind, string(sim.State), string(sim.Verdict), sim.StartedAt.UnixMicro(), body)
		if err != nil {
			return err
		}
		id = w.conn.LastInsertRowID()
		if err := w.linkSimulation(id, sim); err != nil {
			return err
		}
		return w.changeLinked(id)
	})
	if err == nil {
		sim.ID = id
	}
	return err
}

// SaveSimulation stores the present state of sim, which BeginSimulation
// numbered, and wakes the watchers. Of its steps the first MaxSteps are kept.
// A simulation that has ended in the store is never changed again; saving it is
// no error. The error wraps [ErrNotFound] where it was removed.
func (s *Store) SaveSimulation(ctx context.Context, sim *Simulation) error {
	body, err := encodeSimulation(sim)
	if err != nil {
		return err
	}
	id, delivery, state, verdict := sim.ID, sim.DeliveryID, sim.State, sim.Verdict
	links := &Simulation{DeliveryID: delivery, Deliveries: slices.Clone(sim.Deliveries)}
	return s.do(ctx, func(w *writer) error {
		err := w.exec("UPDATE simulations SET state=?, verdict=?, body=? WHERE id=? AND state='running'", string(state), string(verdict), body, id)
		if err != nil {
			return err
		}
		if w.conn.Changes() > 0 {
			if state != SimulationRunning || len(links.Deliveries) <= linkedSoon {
				if err := w.linkSimulation(id, links); err != nil {
					return err
				}
			}
			if state != SimulationRunning {
				return w.changeLinked(id)
			}
			w.change(delivery)
			return nil
		}
		found := false
		err = eachRow(bind(w.conn.Prep("SELECT 1 FROM simulations WHERE id=?"), id), func() error { found = true; return nil })
		if err == nil && !found {
			err = noSimulation(id)
		}
		return err
	})
}

// linkedSoon is up to how many deliveries are linked each time that a running
// simulation is saved. Those that come to more are linked when it has ended.
const linkedSoon = 100

// linkSimulation links the deliveries of sim, which there are, to the
// simulation of an ID.
func (w *writer) linkSimulation(id int64, sim *Simulation) error {
	ids, err := json.Marshal(append(sim.Deliveries[:len(sim.Deliveries):len(sim.Deliveries)], sim.DeliveryID))
	if err != nil {
		return err
	}
	return w.exec("INSERT OR IGNORE INTO simulation_links SELECT value, ? FROM json_each(?) WHERE value IN (SELECT id FROM deliveries)", id, string(ids))
}

// changeLinked has the deliveries of a simulation be changed.
func (w *writer) changeLinked(id int64) error {
	stmt := bind(w.conn.Prep("SELECT delivery_id FROM simulation_links WHERE simulation=? ORDER BY delivery_id"), id)
	return eachRow(stmt, func() error {
		w.change(stmt.ColumnInt64(0))
		return nil
	})
}

// Simulation returns one simulation. The error wraps [ErrNotFound] where there is none.
func (s *Store) Simulation(ctx context.Context, id int64) (*Simulation, error) {
	list, err := s.simulations(ctx, "SELECT id, body FROM simulations WHERE id=?", id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, noSimulation(id)
	}
	return &list[0], nil
}

// Simulations returns the simulations that use a delivery, or all
// where delivery is 0, newest first; at most limit of them, 0 = 100. None is no error.
func (s *Store) Simulations(ctx context.Context, delivery int64, limit int) ([]Simulation, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	if delivery == 0 {
		return s.simulations(ctx, "SELECT id, body FROM simulations ORDER BY id DESC LIMIT ?", int64(limit))
	}
	return s.simulations(ctx, "SELECT id, body FROM simulations WHERE id IN (SELECT simulation FROM simulation_links WHERE delivery_id=?) ORDER BY id DESC LIMIT ?", delivery, int64(limit))
}

func (s *Store) simulations(ctx context.Context, query string, args ...int64) (list []Simulation, err error) {
	err = s.read(ctx, func(conn *sqlite.Conn) error {
		stmt := bind(conn.Prep(query), args...)
		return eachRow(stmt, func() error {
			sim := Simulation{}
			id := stmt.ColumnInt64(0)
			if err := json.Unmarshal(columnBytes(stmt, 1), &sim); err != nil {
				return fmt.Errorf("simulation %d cannot be read: %w", id, err)
			}
			sim.ID = id
			list = append(list, sim)
			return nil
		})
	})
	return list, err
}

func noSimulation(id int64) error { return notFoundf("there is no simulation %d", id) }

// encodeSimulation returns sim as JSON, with no more than MaxSteps steps.
func encodeSimulation(sim *Simulation) ([]byte, error) {
	kept := *sim
	if more := len(kept.Steps) - MaxSteps; more > 0 {
		kept.Steps = kept.Steps[:MaxSteps]
		kept.MoreSteps += more
	}
	return json.Marshal(&kept)
}

// interruptSimulations ends what a dead session left running.
func (w *writer) interruptSimulations(session int64) error {
	var left []Simulation
	stmt := bind(w.conn.Prep("SELECT id, delivery_id, body FROM simulations WHERE state='running' AND session=?"), session)
	err := eachRow(stmt, func() error {
		var sim Simulation
		_ = json.Unmarshal(columnBytes(stmt, 2), &sim) // what is not read is not known
		sim.ID, sim.DeliveryID = stmt.ColumnInt64(0), stmt.ColumnInt64(1)
		left = append(left, sim)
		return nil
	})
	if err != nil {
		return err
	}
	for _, sim := range left {
		sim.interrupt(time.Now().UTC())
		body, err := encodeSimulation(&sim)
		if err != nil {
			return err
		}
		err = w.exec("UPDATE simulations SET state=?, verdict=?, body=? WHERE id=?", string(sim.State), string(sim.Verdict), body, sim.ID)
		if err != nil {
			return err
		}
		if err := errors.Join(w.linkSimulation(sim.ID, &sim), w.changeLinked(sim.ID)); err != nil {
			return err
		}
	}
	return nil
}

// interrupt ends sim, whose process has ended.
func (sim *Simulation) interrupt(at time.Time) {
	sim.State, sim.Verdict, sim.EndedAt = SimulationInterrupted, Inconclusive, at
	for i := range sim.Steps {
		switch step := &sim.Steps[i]; step.State {
		case StepPlanned:
			step.State, step.Note = StepSkipped, "hookloop ended first"
		case StepRunning:
			step.State, step.Error = StepDone, "hookloop ended before the handler had answered"
		}
	}
	sim.Reasons = append(sim.Reasons, Reason{Inconclusive, CheckCompleted, "hookloop ended before the simulation did: run it again"})
}
