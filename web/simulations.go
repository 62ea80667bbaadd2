package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

const (
	maxRehearsals    = 16 // that run at a time
	defaultRehearsed = 20 // simulations in a list
	stopWait         = 5 * time.Second
)

// simulate begins a simulation and answers with it, with 202, or, with
// ?wait=true, when it has ended, with 200. It is carried through even if the
// caller leaves.
func (s *Server) simulate(w http.ResponseWriter, r *http.Request) error {
	var spec replay.Spec
	if err := readJSON(w, r, maxSmallJSON, &spec); err != nil {
		return err
	}
	wait := false
	if v := r.URL.Query().Get("wait"); v != "" {
		var err error
		if wait, err = strconv.ParseBool(v); err != nil {
			return fieldProblem("wait", "wait=%q is neither true nor false; leave it out to be answered at once.", v)
		}
	}
	if err := s.checkSpec(&spec); err != nil {
		return err
	}
	begun, run, err := s.rehearse(&spec)
	if err != nil {
		return err
	}
	if !wait {
		return writeJSON(w, http.StatusAccepted, viewSimulation(begun))
	}
	select {
	case <-r.Context().Done():
		return r.Context().Err()
	case <-run.ended:
	}
	if run.err != nil {
		return run.err
	}
	return writeJSON(w, http.StatusOK, viewSimulation(run.sim))
}

// checkSpec refuses what is wrong with spec, and what a page may not ask for.
func (s *Server) checkSpec(spec *replay.Spec) error {
	if err := spec.Check(); err != nil {
		return problemf(http.StatusBadRequest, "%s", err)
	}
	for name, values := range spec.Header {
		for _, v := range append([]string{name}, values...) {
			if strings.ContainsAny(v, "\r\n\x00") {
				return fieldProblem("headers", "The header %q holds a line break or a NUL byte, which could smuggle in another header; take it out.", name)
			}
		}
	}
	switch p := spec.Probe; {
	case p == nil:
		spec.Probe = s.Probe
	case len(p.Command) > 0 && !s.AllowProbes:
		return fieldProblem("probe", "A probe that is a program can't be given over the API; start hookloop with --probe, or use hookloop simulate.")
	case p.URL != "" && !loopbackURL(p.URL):
		return fieldProblem("probe", "A probe's address over the API must be on this machine, such as http://localhost:3000/orders/count.")
	}
	if s.Sender == nil {
		return problemf(http.StatusConflict, "%s", noSender)
	}
	return nil
}

// loopbackURL reports whether raw is an HTTP address on this machine.
func loopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.Unmap().IsLoopback()
}

// rehearse begins a simulation and returns it as it began.
func (s *Server) rehearse(spec *replay.Spec) (*inspect.Simulation, *rehearsal, error) {
	if p := s.rehearsals.add(); p != nil {
		return nil, nil, p
	}
	ctx, cancel := context.WithCancel(s.ctx)
	run := &rehearsal{step: spec.Step, cancel: cancel, next: make(chan struct{}, 1), ended: make(chan struct{})}
	begun := make(chan *inspect.Simulation, 1)
	go func() {
		defer func() { s.rehearsals.done(run.sim) }()
		defer close(run.ended)
		defer cancel()
		simulator := &replay.Simulator{Sender: s.Sender, Next: run.next}
		var once sync.Once
		simulator.OnChange = func(sim *inspect.Simulation) {
			once.Do(func() {
				s.rehearsals.name(sim.ID, run)
				begun <- sim
			})
		}
		run.sim, run.err = simulator.Run(ctx, *spec)
		if run.err == nil && run.sim == nil {
			run.err = errors.New("the simulator returned nothing")
		}
	}()
	select {
	case sim := <-begun:
		return sim, run, nil
	case <-run.ended:
	}
	switch {
	case errors.Is(run.err, inspect.ErrNotFound):
		return nil, nil, run.err
	case run.err != nil: // a sentence of the Simulator's: what happened and what to do
		return nil, nil, problemf(http.StatusConflict, "%s", run.err)
	}
	return run.sim, run, nil // it ended before it said that it began
}

// simulations lists those of a delivery, or all, newest first.
func (s *Server) simulations(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	delivery, err := number(q.Get("delivery"), "delivery", 0)
	if err != nil {
		return err
	}
	limit, err := number(q.Get("limit"), "limit", defaultRehearsed)
	if err != nil {
		return err
	}
	if limit = min(limit, defaultLimit); limit == 0 {
		limit = defaultRehearsed
	}
	list, err := s.Store.Simulations(r.Context(), delivery, int(limit))
	if err != nil {
		return err
	}
	views := []simulationView{}
	for i := range list {
		v := viewSimulation(&list[i])
		v.Here = s.rehearsals.get(v.ID) != nil
		views = append(views, v)
	}
	return writeJSON(w, http.StatusOK, map[string]any{"simulations": views})
}

func (s *Server) simulation(w http.ResponseWriter, r *http.Request) error {
	sim, err := s.findSimulation(r)
	if err != nil {
		return err
	}
	v := viewSimulation(sim)
	v.Here = s.rehearsals.get(sim.ID) != nil
	return writeJSON(w, http.StatusOK, v)
}

// cancelSimulation stops a simulation that was begun here and answers with it.
func (s *Server) cancelSimulation(w http.ResponseWriter, r *http.Request) error {
	run, id, err := s.running(w, r)
	if err != nil {
		return err
	}
	run.cancel()
	select {
	case <-run.ended:
	case <-r.Context().Done():
		return r.Context().Err()
	case <-time.After(stopWait):
	}
	sim, err := s.Store.Simulation(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, viewSimulation(sim))
}

// stepSimulation lets the next attempt of a simulation with step go.
func (s *Server) stepSimulation(w http.ResponseWriter, r *http.Request) error {
	run, _, err := s.running(w, r)
	if err != nil {
		return err
	}
	if !run.step {
		return problemf(http.StatusConflict, "This simulation keeps time by itself; only one begun with step waits for this.")
	}
	select {
	case run.next <- struct{}{}:
	default: // the last one has not been taken yet
		return problemf(http.StatusConflict, "The attempt before has not ended yet; ask again when it has.")
	}
	return writeJSON(w, http.StatusAccepted, struct{}{})
}

// running returns the simulation that the path names, if it was begun here and runs.
func (s *Server) running(w http.ResponseWriter, r *http.Request) (*rehearsal, int64, error) {
	if err := readJSON(w, r, maxSmallJSON, &struct{}{}); err != nil {
		return nil, 0, err
	}
	sim, err := s.findSimulation(r)
	if err != nil {
		return nil, 0, err
	}
	if run := s.rehearsals.get(sim.ID); run != nil {
		return run, sim.ID, nil
	}
	if sim.State == inspect.SimulationRunning {
		return nil, 0, problemf(http.StatusConflict, "Simulation %d was not begun here; stop it where it was: in the terminal, or with ctrl+c.", sim.ID)
	}
	return nil, 0, problemf(http.StatusConflict, "Simulation %d has ended already; begin another one.", sim.ID)
}

func (s *Server) findSimulation(r *http.Request) (*inspect.Simulation, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return nil, problemf(http.StatusNotFound, "%q is not the id of a simulation; ids are numbers from 1.", r.PathValue("id"))
	}
	sim, err := s.Store.Simulation(r.Context(), id)
	if errors.Is(err, inspect.ErrNotFound) {
		return nil, problemf(http.StatusNotFound, "There is no simulation %d; it may have been removed with its delivery.", id)
	}
	return sim, err
}

// A simulationView is a simulation whose lists are never null.
type simulationView struct {
	inspect.Simulation
	Here bool `json:"here"` // it was begun here and runs, so it can be stopped here
}

func viewSimulation(sim *inspect.Simulation) simulationView {
	v := simulationView{Simulation: *sim, Here: sim.State == inspect.SimulationRunning}
	if v.Deliveries == nil {
		v.Deliveries = []int64{}
	}
	if v.Steps == nil {
		v.Steps = []inspect.Step{}
	}
	if v.Reasons == nil {
		v.Reasons = []inspect.Reason{}
	}
	return v
}
