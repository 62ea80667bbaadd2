package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
)

// This file begins simulations, stops them and lets their steps go.

// begunMsg is a simulation that has begun, or why it has not.
type begunMsg struct {
	id  int64 // of the delivery that it was asked for with
	run *replay.Run
	err error
}

// simulatedMsg is a simulation that has ended, or why it ended without a verdict.
type simulatedMsg struct {
	sim *inspect.Simulation
	err error
}

// simulate begins a simulation and shows those of the delivery that it was
// asked for with, wherever the list has gone since; one of no delivery is seen
// in the list.
func (m *model) simulate(id int64, spec replay.Spec) tea.Cmd {
	if len(spec.Deliveries) > 0 {
		m.showSimulations(id)
	}
	return m.src.begin(id, spec)
}

// showSimulations shows those of a delivery, wherever the list has gone.
func (m *model) showSimulations(id int64) {
	if !m.inside {
		if i, ok := m.list.find(id); ok {
			m.list.cursor = i
		}
		m.enter()
	}
	m.detail.tab, m.detail.sim = tabSimulations, 0
	m.stale = true
}

func (s source) begin(id int64, spec replay.Spec) tea.Cmd {
	return func() tea.Msg {
		run, err := s.cfg.Running.Begin(spec)
		return begunMsg{id, run, err}
	}
}

func (m *model) begun(msg begunMsg) tea.Cmd {
	line := m.ask.kind == askSimulation && m.ask.busy
	switch {
	case msg.err != nil && line: // what is wrong can be mended where it was written
		m.ask.err, m.ask.busy = capital(msg.err.Error()), false
		return nil
	case msg.err != nil:
		m.say(toneBad, "%s", capital(msg.err.Error()))
		return nil
	case line:
		m.ask.close()
		if sim := msg.run.Simulation(); sim.DeliveryID != 0 {
			m.showSimulations(msg.id)
		}
	}
	switch {
	case msg.run.Simulation().Kind == "catch-up" && msg.run.Simulation().ID == 0:
		m.say(toneInfo, "Nothing is held.")
		return nil
	case msg.run.Simulation().Kind == "lost-ack":
		m.say(toneInfo, "The next answers to providers are lost: have one deliver. S stops it.")
	case msg.run.Stepped():
		m.say(toneInfo, "The simulation begins. . makes the next attempt, S stops it.")
	default:
		m.say(toneInfo, "The simulation begins. S stops it.")
	}
	return func() tea.Msg {
		sim, err := msg.run.Result()
		return simulatedMsg{sim, err}
	}
}

func (m *model) simulated(msg simulatedMsg) {
	if msg.err != nil {
		m.say(toneBad, "%s", capital(msg.err.Error()))
		return
	}
	_, tone := verdictWord(msg.sim)
	m.say(tone, "%s", capital(simulationWords(msg.sim)))
}

// capital is text that is safe to show, with a capital letter.
func capital(text string) string {
	text = safe(text)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// running returns the run that stop and step act on: the simulation on the screen,
// else the latest of the target, else what loses answers; nil when none runs here.
func (m *model) running() *replay.Run {
	rs := m.cfg.Running
	if rs == nil {
		return nil
	}
	if m.inside {
		if sim := chosenSimulation(m.detail.sims, m.detail.sim); sim != nil && m.detail.tab == tabSimulations {
			if run := rs.Find(sim.ID); run != nil {
				return run
			}
		}
	}
	if run := rs.Of(m.target()); run != nil {
		return run
	}
	return rs.LostAck()
}

func (m *model) whyNoRun() string {
	if m.running() != nil {
		return ""
	}
	if sim := chosenSimulation(m.detail.sims, m.detail.sim); m.inside && sim != nil && sim.State == inspect.SimulationRunning {
		return fmt.Sprintf("Simulation %d was begun elsewhere: stop it there.", sim.ID)
	}
	return "No simulation of this delivery is running: s begins one."
}

func (m *model) stopSimulation() tea.Cmd {
	m.running().Stop()
	m.say(toneDim, "The simulation is being stopped.")
	return nil
}

func (m *model) whyNoStep() string {
	if why := m.whyNoRun(); why != "" {
		return why
	}
	if !m.running().Stepped() {
		return "This simulation keeps time by itself: only one step by step waits for a key."
	}
	return ""
}

func (m *model) stepSimulation() tea.Cmd {
	if !m.running().Step() {
		m.say(toneDim, "The attempt before has not ended yet.")
	}
	return nil
}
