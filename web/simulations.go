package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

const (
	defaultRehearsed = 20 // simulations in a list
	stopWait         = 5 * time.Second
)

// A simulationRequest is a spec, or a line that gives one.
type simulationRequest struct {
	replay.Spec
	Line string `json:"line"` // what one writes after "hookloop simulate", of the first of deliveries where it names none
}

// simulate begins a simulation and answers with it, with 202, or, with
// ?wait=true, when it has ended, with 200. It is carried through even if the
// caller leaves.
func (s *Server) simulate(w http.ResponseWriter, r *http.Request) error {
	var in simulationRequest
	if err := readJSON(w, r, maxSmallJSON, &in); err != nil {
		return err
	}
	spec, err := s.parseSpec(&in)
	if err != nil {
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
	run, err := s.Running.Begin(spec)
	switch {
	case errors.Is(err, inspect.ErrNotFound):
		return err
	case errors.Is(err, replay.ErrManyRuns):
		return problemf(http.StatusTooManyRequests, "%s", err)
	case errors.Is(err, replay.ErrStopping):
		return problemf(http.StatusServiceUnavailable, "%s", err)
	case err != nil: // a sentence: what happened and what to do
		return problemf(http.StatusConflict, "%s", err)
	case !wait:
		return writeJSON(w, http.StatusAccepted, viewSimulation(run.Simulation()))
	}
	select {
	case <-r.Context().Done():
		return r.Context().Err()
	case <-run.Ended():
	}
	sim, err := run.Result()
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, viewSimulation(sim))
}

func (s *Server) parseSpec(in *simulationRequest) (replay.Spec, error) {
	if in.Line == "" {
		return in.Spec, nil
	}
	if s.ParseSimulation == nil {
		return replay.Spec{}, problemf(http.StatusConflict, "Nothing here reads such a line; start hookloop listen, or give the fields of the simulation.")
	}
	if len(in.Deliveries) == 0 {
		return replay.Spec{}, fieldProblem("deliveries", "The line needs a delivery; put its number in deliveries.")
	}
	spec, err := s.ParseSimulation(in.Line, in.Deliveries[0])
	if err != nil {
		return replay.Spec{}, fieldProblem("line", "%s", err)
	}
	return spec, nil
}

// checkSpec refuses what is wrong with spec, and what a page may not ask for.
func (s *Server) checkSpec(spec *replay.Spec) error {
	if s.Running == nil {
		return problemf(http.StatusConflict, "%s", noSender)
	}
	if err := s.Running.Check(spec); err != nil {
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
		v.Here = s.find(v.ID) != nil
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
	v.Here = s.find(sim.ID) != nil
	return writeJSON(w, http.StatusOK, v)
}

// cancelSimulation stops a simulation that runs here and answers with it.
func (s *Server) cancelSimulation(w http.ResponseWriter, r *http.Request) error {
	run, id, err := s.running(w, r)
	if err != nil {
		return err
	}
	run.Stop()
	select {
	case <-run.Ended():
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
	if !run.Stepped() {
		return problemf(http.StatusConflict, "This simulation keeps time by itself; only one begun with step waits for this.")
	}
	if !run.Step() {
		return problemf(http.StatusConflict, "The attempt before has not ended yet; ask again when it has.")
	}
	return writeJSON(w, http.StatusAccepted, struct{}{})
}

// find returns the run of a simulation, or nil where it does not run here.
func (s *Server) find(id int64) *replay.Run {
	if s.Running == nil {
		return nil
	}
	return s.Running.Find(id)
}

// running returns the run of the simulation that the path names, if it runs here.
func (s *Server) running(w http.ResponseWriter, r *http.Request) (*replay.Run, int64, error) {
	if err := readJSON(w, r, maxSmallJSON, &struct{}{}); err != nil {
		return nil, 0, err
	}
	sim, err := s.findSimulation(r)
	if err != nil {
		return nil, 0, err
	}
	if run := s.find(sim.ID); run != nil {
		return run, sim.ID, nil
	}
	if sim.State == inspect.SimulationRunning {
		return nil, 0, problemf(http.StatusConflict, "Simulation %d was not begun here; stop it where it was, with ctrl+c.", sim.ID)
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
	Here bool `json:"here"` // it runs in this hookloop, so it can be stopped here
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
