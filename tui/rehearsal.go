package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
)

// This file runs simulations, stops them and lets their steps go.

// A rehearsal is a simulation that this interface has begun.
type rehearsal struct {
	delivery int64
	step     bool // each attempt waits for next
	cancel   context.CancelFunc
	next     chan struct{}
	id       atomic.Int64 // of the simulation; 0 until it has begun
}

// rehearsals are those that have not ended.
type rehearsals struct {
	list []*rehearsal
	wg   sync.WaitGroup
}

// simulatedMsg is a simulation that has ended, or why there is none.
type simulatedMsg struct {
	r   *rehearsal
	sim *inspect.Simulation
	err error
}

// simulate begins a simulation and shows the delivery's simulations.
func (m *model) simulate(id int64, spec replay.Spec) tea.Cmd {
	r := &rehearsal{delivery: id, step: spec.Step, next: make(chan struct{}, 1)}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(m.src.ctx)
	m.rehearsals.list = append(m.rehearsals.list, r)
	m.rehearsals.wg.Add(1)
	if !m.inside {
		m.enter()
	}
	m.detail.tab, m.detail.sim = tabSimulations, 0
	m.stale = true
	how := "S stops it."
	if spec.Step {
		how = ". makes the next attempt, S stops it."
	}
	m.say(toneInfo, "The simulation begins. %s", how)
	return m.src.rehearse(ctx, r, spec, m.rehearsals.wg.Done)
}

func (s source) rehearse(ctx context.Context, r *rehearsal, spec replay.Spec, done func()) tea.Cmd {
	return func() tea.Msg {
		defer done()
		defer r.cancel()
		run := &replay.Simulator{Sender: s.cfg.Sender, Next: r.next, OnChange: func(sim *inspect.Simulation) { r.id.Store(sim.ID) }}
		sim, err := run.Run(ctx, spec)
		if err == nil && sim == nil {
			err = errors.New("the simulation could not be begun")
		}
		return simulatedMsg{r, sim, err}
	}
}

func (m *model) simulated(msg simulatedMsg) {
	m.rehearsals.list = slices.DeleteFunc(m.rehearsals.list, func(r *rehearsal) bool { return r == msg.r })
	if msg.err != nil {
		m.say(toneBad, "%s", safe(msg.err.Error()))
		return
	}
	_, tone := verdictWord(msg.sim)
	text := simulationWords(msg.sim)
	m.say(tone, "%s", strings.ToUpper(text[:1])+text[1:])
}

// rehearsal returns the one of the target that stop and step act on: the
// simulation on the screen, else the latest; nil when none runs here.
func (m *model) rehearsal() *rehearsal {
	var latest *rehearsal
	for _, r := range m.rehearsals.list {
		if r.delivery != m.target() {
			continue
		}
		if m.detail.sim != 0 && r.id.Load() == m.detail.sim {
			return r
		}
		latest = r
	}
	return latest
}

func (m *model) whyNoRehearsal() string {
	if m.rehearsal() != nil {
		return ""
	}
	if sim := chosenSimulation(m.detail.sims, m.detail.sim); m.inside && sim != nil && sim.State == inspect.SimulationRunning {
		return fmt.Sprintf("Simulation %d was begun elsewhere: stop it there.", sim.ID)
	}
	return "No simulation of this delivery is running: s begins one."
}

func (m *model) stopSimulation() tea.Cmd {
	m.rehearsal().cancel()
	m.say(toneDim, "The simulation is being stopped.")
	return nil
}

func (m *model) whyNoStep() string {
	if why := m.whyNoRehearsal(); why != "" {
		return why
	}
	if !m.rehearsal().step {
		return "This simulation keeps time by itself: only one step by step waits for a key."
	}
	return ""
}

func (m *model) stepSimulation() tea.Cmd {
	select {
	case m.rehearsal().next <- struct{}{}:
	default: // the last one has not been taken yet
		m.say(toneDim, "The attempt before has not ended yet.")
	}
	return nil
}

// leaveTime is how long simulations that are stopped have to say so in the store.
const leaveTime = 3 * time.Second

// stopAll stops the simulations and waits until their end is stored.
func (r *rehearsals) stopAll() {
	for _, one := range r.list {
		one.cancel()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.wg.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(leaveTime):
	}
}
